package jokul

import (
	"errors"
	"strconv"
	"strings"
)

// Number is a whole number: rupiah, points or a counter. It is printed as a JSON
// number. DOKU is not of one mind about amounts, so text is read as well, and so
// is a fraction of zeros.
type Number int64

var errNumber = errors.New("jokul: not a whole number")

// UnmarshalJSON accepts 55000, 55000.00, "55000", "55000.00", null and "".
func (n *Number) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(text) >= 2 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	if text == "" || text == "null" {
		*n = 0
		return nil
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.Trim(fraction, "0") != "" || strings.HasPrefix(whole, "+") {
		return errNumber
	}
	value, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return errNumber
	}
	*n = Number(value)
	return nil
}
