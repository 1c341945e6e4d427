package jokul

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Paths. Every call is a POST but PathStatus, a GET.
const (
	PathBinding          = "/ovo-open-api/v1/token"
	PathTokens           = "/tokenization/v1/tokens"
	PathBalance          = "/ovo-open-api/v1/balance"
	PathRecurringPayment = "/ovo-open-api/v1/payment-recurring"
	PathPayment          = "/ovo-open-api/v1/payment"
	PathRefund           = "/ovo-open-api/v1/payment-refund"
	PathUnbinding        = "/ovo-open-api/v1/token-delete"
	PathPush             = "/ovo-emoney/v1/payment"

	// PathStatus is followed by an invoice number or Request-Id; see [StatusPath].
	PathStatus = "/orders/v1/status/"
)

// Paths lists the paths of all calls but check status. It must not be changed.
var Paths = []string{
	PathBinding, PathTokens, PathBalance, PathRecurringPayment, PathPayment, PathRefund, PathUnbinding, PathPush,
}

// StatusPath is the path that asks for the state of a payment by its invoice number
// or the Request-Id of its request. It is signed in this form, percent signs included.
func StatusPath(id string) string {
	return PathStatus + url.PathEscape(id)
}

// StatusID returns what [StatusPath] was made from. path is as on the request line,
// without its query. An id that no payment can have is refused.
func StatusID(path string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(path, PathStatus)
	if !ok || strings.Contains(rest, "/") {
		return "", false
	}
	id, err := url.PathUnescape(rest)
	if err != nil || id == "" || !utf8.ValidString(id) || utf8.RuneCountInString(id) > MaxRequestID || strings.ContainsFunc(id, unicode.IsControl) {
		return "", false
	}
	return id, true
}
