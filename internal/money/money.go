package money

import (
	"errors"
	"strconv"
)

// Amount is a number of whole rupiah.
type Amount int64

// Max is the largest amount that a request may name, in rupiah. It is far above
// any wallet limit and far below the point where sums of many amounts could
// leave int64.
const Max Amount = 999_999_999_999

var (
	// ErrSyntax reports text that is not written as the format demands,
	// including an amount with a non-zero sen part.
	ErrSyntax = errors.New("money: malformed amount")
	// ErrRange reports well-formed text whose value is 0 or above [Max].
	ErrRange = errors.New("money: amount out of range")
)

// maxDigits is the longest whole part that Bank Indonesia SNAP allows ("16,2").
const maxDigits = 16

// ParseSNAP reads the amount format of Bank Indonesia SNAP: 1 to 16 digits, a
// dot and exactly two decimals, which must be zero ("15000.00").
// It returns ErrSyntax or ErrRange.
func ParseSNAP(text string) (Amount, error) {
	n := len(text) - len(".00")
	if n < 1 || text[n:] != ".00" {
		return 0, ErrSyntax
	}
	return ParseWhole(text[:n])
}

// ParseWhole reads 1 to 16 digits and nothing else ("15000"), the format of the
// dialects whose amounts have no decimals. It returns ErrSyntax or ErrRange.
func ParseWhole(text string) (Amount, error) {
	if len(text) == 0 || len(text) > maxDigits {
		return 0, ErrSyntax
	}
	var a Amount // 16 digits always fit into int64
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, ErrSyntax
		}
		a = a*10 + Amount(c-'0')
	}
	if a == 0 || a > Max {
		return 0, ErrRange
	}
	return a, nil
}

// SNAP returns the amount in the format that [ParseSNAP] reads: "15000.00".
func (a Amount) SNAP() string {
	return string(append(strconv.AppendInt(make([]byte, 0, 24), int64(a), 10), ".00"...))
}

// String returns the digits alone: "15000".
func (a Amount) String() string {
	return strconv.FormatInt(int64(a), 10)
}

// Rupiah returns the amount as people in Indonesia write it: "Rp15.000".
func (a Amount) Rupiah() string {
	digits := a.String()
	out := make([]byte, 0, 32)
	if digits[0] == '-' {
		out, digits = append(out, '-'), digits[1:]
	}
	out = append(out, "Rp"...)
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out = append(out, '.')
		}
		out = append(out, digits[i])
	}
	return string(out)
}

// Add returns a+b, and false when the sum does not fit into an Amount.
func Add(a, b Amount) (Amount, bool) {
	sum := a + b
	if (b > 0 && sum < a) || (b < 0 && sum > a) {
		return 0, false
	}
	return sum, true
}
