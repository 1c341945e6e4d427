package jokul

import (
	"errors"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// ErrTime reports a timestamp header that is not written as these APIs demand.
var ErrTime = errors.New("jokul: the time must look like 2006-01-02T15:04:05Z, in UTC")

const (
	timeLayout        = "2006-01-02T15:04:05Z"
	paymentDateLayout = "20060102150405"
)

// ParseTime reads YYYY-MM-DDTHH:MM:SSZ and nothing else: no fraction of a second
// and no other spelling of UTC. Signatures cover the text as received: never sign
// a time printed again.
func ParseTime(s string) (time.Time, error) {
	const pattern = "0000-00-00T00:00:00Z"
	if !matches(s, pattern) {
		return time.Time{}, ErrTime
	}
	t, err := time.Parse(timeLayout, s)
	if err != nil { // such as 30 February
		return time.Time{}, ErrTime
	}
	return t, nil
}

// FormatTime prints t in UTC to the second: "2006-01-02T15:04:05Z".
func FormatTime(t time.Time) string {
	return t.UTC().Format(timeLayout)
}

// ParsePaymentDate reads ovo_payment.date: yyyyMMddHHmmss in Western Indonesian Time.
func ParsePaymentDate(s string) (time.Time, error) {
	const pattern = "00000000000000"
	if !matches(s, pattern) {
		return time.Time{}, errPaymentDate
	}
	t, err := time.ParseInLocation(paymentDateLayout, s, wire.WIB)
	if err != nil {
		return time.Time{}, errPaymentDate
	}
	return t.UTC(), nil
}

var errPaymentDate = errors.New("jokul: the date must have 14 digits, yyyyMMddHHmmss")

// FormatPaymentDate prints ovo_payment.date, which unlike all other times of these
// APIs is in Western Indonesian Time: "20060102150405".
func FormatPaymentDate(t time.Time) string {
	return t.In(wire.WIB).Format(paymentDateLayout)
}

// matches tells whether s has a digit wherever pattern has a 0 and the pattern's
// own character elsewhere.
func matches(s, pattern string) bool {
	if len(s) != len(pattern) {
		return false
	}
	for i := range len(s) {
		if pattern[i] == '0' {
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		} else if s[i] != pattern[i] {
			return false
		}
	}
	return true
}
