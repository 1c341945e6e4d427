package snap

import (
	"errors"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// ErrTime reports an X-TIMESTAMP that is not a time with a zone.
var ErrTime = errors.New("snap: the time must look like 2006-01-02T15:04:05+07:00 or 2006-01-02T15:04:05Z")

// ParseTime reads YYYY-MM-DDTHH:MM:SS, an optional fraction of 1 to 9 digits, and
// Z or ±HH:MM. One client library prints UTC as -00:00. The result is in UTC.
// Signatures cover the text as received: never sign a time printed again.
func ParseTime(s string) (time.Time, error) {
	const layout = "0000-00-00T00:00:00"
	if len(s) <= len(layout) || !matches(s[:len(layout)], layout) {
		return time.Time{}, ErrTime
	}
	year := digits(s[0:4])
	month, day := digits(s[5:7]), digits(s[8:10])
	hour, minute, second := digits(s[11:13]), digits(s[14:16]), digits(s[17:19])
	if hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, ErrTime
	}
	rest, nanos, ok := fraction(s[len(layout):])
	if !ok {
		return time.Time{}, ErrTime
	}
	offset, ok := zone(rest)
	if !ok {
		return time.Time{}, ErrTime
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if y, m, d := t.Date(); y != year || int(m) != month || d != day { // such as 30 February
		return time.Time{}, ErrTime
	}
	return t.Add(-offset), nil
}

// FormatTime prints t in Western Indonesian Time to the second, the shape of SNAP:
// "2006-01-02T15:04:05+07:00".
func FormatTime(t time.Time) string {
	return t.In(wire.WIB).Format("2006-01-02T15:04:05-07:00")
}

// matches tells whether s has a digit wherever pattern has a 0 and the pattern's
// own character elsewhere. They are equally long.
func matches(s, pattern string) bool {
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

func digits(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// fraction reads an optional fraction of a second and returns what follows it.
func fraction(s string) (rest string, nanos int, ok bool) {
	if s[0] != '.' {
		return s, 0, true
	}
	scale := int(time.Second)
	i := 1
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if i > 9 {
			return "", 0, false
		}
		scale /= 10
		nanos += int(s[i]-'0') * scale
	}
	return s[i:], nanos, i > 1
}

// zone reads Z or ±HH:MM.
func zone(s string) (time.Duration, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || (s[0] != '+' && s[0] != '-') || !matches(s[1:], "00:00") {
		return 0, false
	}
	hours, minutes := digits(s[1:3]), digits(s[4:6])
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}
