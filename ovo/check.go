package ovo

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Longest values, in characters, as DOKU's SNAP pages have them.
const (
	maxReference = 64
	maxRemarks   = 40
	maxReason    = 255
	maxURL       = 2048
	maxRequestID = 36
)

// failed names the operation in an error that leaves the package.
func failed(op string, err error) error {
	return fmt.Errorf("ovo: %s: %w", op, err)
}

// check looks at a request before it is sent and keeps the first problem. What
// only the gateway can judge is left to it.
type check struct {
	err error
}

func (v *check) fail(kind error, format string, args ...any) {
	if v.err == nil {
		v.err = fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...))
	}
}

// text is a member that must be there.
func (v *check) text(name, value string, limit int) {
	if value == "" {
		v.fail(ErrInvalidRequest, "%s is missing", name)
	}
	v.optional(name, value, limit)
}

func (v *check) optional(name, value string, limit int) {
	if !utf8.ValidString(value) {
		v.fail(ErrInvalidRequest, "%s is not valid UTF-8", name)
	}
	if n := utf8.RuneCountInString(value); n > limit {
		v.fail(ErrInvalidRequest, "%s has %d characters, at most %d are allowed", name, n, limit)
	}
}

// customer reads a customer token, which travels in a header.
func (v *check) customer(name, token string) string {
	token = snap.BearerToken(token)
	if !isWord(token) {
		v.fail(ErrInvalidRequest, "%s is missing or has blanks in it", name)
	}
	return token
}

func (v *check) requestID(id string) {
	if len(id) > maxRequestID || strings.Trim(id, "0123456789") != "" {
		v.fail(ErrInvalidRequest, "RequestID must have up to %d digits and nothing else", maxRequestID)
	}
}

func (v *check) amount(name string, amount int64) {
	if amount < 1 || amount > int64(money.Max) {
		v.fail(ErrInvalidAmount, "%s is %d, must be from 1 to %d", name, amount, money.Max)
	}
}

// opaqueID is a RequestID of the APIs outside SNAP, which travels in a header.
func (v *check) opaqueID(name, id string) {
	if len(id) > jokul.MaxRequestID || id != "" && !isWord(id) {
		v.fail(ErrInvalidRequest, "%s must have up to %d visible ASCII characters", name, jokul.MaxRequestID)
	}
}

// printable is a member that must be there and has no control characters in it.
func (v *check) printable(name, value string, limit int) {
	v.text(name, value, limit)
	if strings.ContainsFunc(value, unicode.IsControl) {
		v.fail(ErrInvalidRequest, "%s has control characters in it", name)
	}
}

// phone turns 08…, 62… and +62… into 62….
func (v *check) phone(text string) string {
	number := strings.TrimPrefix(text, "+")
	if local, ok := strings.CutPrefix(number, "0"); ok && number == text {
		number = "62" + local
	}
	if len(number) < 9 || len(number) > 16 || strings.Trim(number, "0123456789") != "" || !strings.HasPrefix(number, "62") {
		v.fail(ErrInvalidRequest, "Phone must begin with 08, 62 or +62 and have 9 to 16 digits with the country code")
	}
	return number
}

// isWord tells whether text can stand in a header: visible ASCII, no blanks.
func isWord(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}

// rupiah reads an amount of an answer. Unlike in a request it may be 0.
func rupiah(m snap.Money) (int64, error) {
	return parseRupiah(m.Value, m.Currency)
}

func parseRupiah(value, currency string) (int64, error) {
	if currency != "" && !strings.EqualFold(currency, snap.Currency) {
		return 0, fmt.Errorf("the currency is %q", currency)
	}
	amount, err := money.ParseSNAP(value)
	if errors.Is(err, money.ErrRange) && strings.Trim(value, "0.") == "" {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%q is no amount of whole rupiah", value)
	}
	return int64(amount), nil
}

// moment reads a time of an answer. One without a zone, as in some samples, is
// Western Indonesian Time; an unreadable one is zero.
func moment(text string) time.Time {
	if t, err := snap.ParseTime(text); err == nil {
		return t
	}
	if t, err := snap.ParseTime(text + "+07:00"); err == nil {
		return t
	}
	return time.Time{}
}
