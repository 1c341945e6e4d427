package faspay

import (
	"errors"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Fixed values of the product.
const (
	Channel     = "720"         // payment_channel of requests, payment_channel_uid of notifications
	ChannelName = "OVO OpenAPI" // payment_channel of notifications
	Currency    = "IDR"
)

// Scales of amounts: what one unit in a message is worth, as the divisor that
// gives rupiah. The sources disagree, so it is a setting of the merchant.
const (
	ScaleRupiah = 1
	ScaleSen    = 100
)

// maxAmountDigits is the longest bill_total.
const maxAmountDigits = 15

// ParseAmount reads an amount of scale [ScaleRupiah] or [ScaleSen]: up to 15 digits
// and nothing else. A fraction of a rupiah is malformed, never rounded. It returns
// money.ErrSyntax or money.ErrRange.
func ParseAmount(text string, scale int) (money.Amount, error) {
	if text == "" || len(text) > maxAmountDigits || !isDigits(text) {
		return 0, money.ErrSyntax
	}
	if scale == ScaleSen {
		if strings.Trim(text, "0") == "" {
			return 0, money.ErrRange
		}
		whole, isWhole := strings.CutSuffix(text, "00")
		if !isWhole {
			return 0, money.ErrSyntax
		}
		text = whole
	}
	return money.ParseWhole(text)
}

// ParseBalance is [ParseAmount] for amounts that may be 0.
func ParseBalance(text string, scale int) (money.Amount, error) {
	a, err := ParseAmount(text, scale)
	if errors.Is(err, money.ErrRange) && strings.Trim(text, "0") == "" {
		return 0, nil
	}
	return a, err
}

// FormatAmount writes a as messages carry it.
func FormatAmount(a money.Amount, scale int) string {
	if scale == ScaleSen && a != 0 {
		return a.String() + "00"
	}
	return a.String()
}

func isDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// FormatTime writes t as messages carry it, in [wire.WIB]. The zero time is empty.
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(wire.WIB).Format(time.DateTime)
}

// ParseTime reads "2006-01-02 15:04:05" in [wire.WIB].
func ParseTime(text string) (time.Time, bool) { return parseTime(time.DateTime, text) }

// ParseDate reads "2006-01-02" as midnight in [wire.WIB].
func ParseDate(text string) (time.Time, bool) { return parseTime(time.DateOnly, text) }

func parseTime(layout, text string) (time.Time, bool) {
	t, err := time.ParseInLocation(layout, text, wire.WIB)
	if err != nil || t.Format(layout) != text { // the parser takes "9:05:00" and fractions too
		return time.Time{}, false
	}
	return t, true
}
