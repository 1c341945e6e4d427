package ovo

import (
	"net/http"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// named maps what [Error.Code] holds outside SNAP to its meaning: values of
// error.code, OVO's response codes, and the statuses of payments that failed.
// A code of OVO that blames the merchant's terminal or the line behind the gateway
// is no matter of the merchant's own credentials or request.
var named = map[string]error{
	jokul.CodeInvalidHeader:     ErrUnauthorized,
	jokul.CodeTimeOutOfRange:    ErrUnauthorized,
	jokul.CodeInvalidClientID:   ErrUnauthorized,
	jokul.CodeInvalidSignature:  ErrUnauthorized,
	jokul.CodeInvalidAccess:     ErrUnauthorized,
	jokul.CodeInvalidParameter:  ErrInvalidRequest,
	jokul.CodeAccountError:      ErrWalletUnavailable,
	jokul.CodeNotFound:          ErrNotFound,
	jokul.CodeIdempotentRequest: ErrConflict,
	jokul.CodeInternalError:     ErrUnavailable,

	"13": ErrInvalidAmount,
	"14": ErrWalletUnavailable,
	"17": ErrRefused, // by the customer
	"25": ErrNotFound,
	"26": ErrUnavailable,
	"40": ErrUnavailable,
	"54": ErrRefused, // too late
	"56": ErrWalletUnavailable,
	"58": ErrRefused,
	"61": ErrLimitExceeded,
	"63": ErrRefused,
	"64": ErrWalletUnavailable,
	"65": ErrLimitExceeded,
	"67": ErrInvalidAmount,
	"68": ErrUnavailable, // with ErrOutcomeUnknown
	"73": ErrRefused,     // reversed or refunded before
	"94": ErrDuplicate,
	"ER": ErrUnavailable,
	"EB": ErrRefused,
	"TO": ErrUnavailable,
	"BR": ErrRefused,
	"-":  ErrRefused, // the customer did not react

	jokul.StatusFailed:       ErrRefused,
	jokul.StatusExpired:      ErrRefused,
	jokul.StatusTokenExpired: ErrCustomerToken,
}

// unsigned tells whether code reports one of the checks that come before the
// gateway knows with which key it should sign its answer, or has found that the
// two sides do not have the same one. It has looked at nothing else by then.
func unsigned(code string) bool {
	switch code {
	case jokul.CodeInvalidHeader, jokul.CodeTimeOutOfRange, jokul.CodeInvalidClientID, jokul.CodeInvalidSignature:
		return true
	}
	return false
}

// refusal makes the error for an answer with an error.code.
func (k jokulCall) refusal(status int, code, message string) *Error {
	e := &Error{Code: code, Message: message, Status: status}
	mentions := func(word string) bool { return strings.Contains(strings.ToLower(message), word) }
	_, known := named[code]
	switch {
	case k.token && (code == jokul.CodeNotFound || code == jokul.CodeAccountError && mentions("token")):
		e.means = ErrCustomerToken
	case k.invoice && code == jokul.CodeInvalidParameter && mentions("invoice"):
		// Its form was checked before it was sent, so what is wrong is that it was
		// used. Taking this for a mistake that charged nobody invites a second charge.
		e.means = ErrDuplicate
	case !known && clientError(status):
		e.means = ErrRefused
	}
	return e
}

// settled tells whether e, the signature of which is right, says that surely
// nothing was done. A stored answer comes with 409 whatever status it first had.
func (e *Error) settled() bool {
	return clientError(e.Status) && e.kind() != ErrUnavailable
}

func clientError(status int) bool {
	return status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// outcome is the error for a payment or refund that the gateway has accepted and
// that then failed.
func outcome(code string, status int) *Error {
	e := &Error{Code: code, Status: status}
	switch row, ok := jokul.FindResponseCode(code); {
	case ok:
		e.Message = row.Meaning
	case code == jokul.StatusTokenExpired:
		e.Message = "The token has expired; bind again."
	case code == jokul.StatusExpired:
		e.Message = "The customer did not confirm in time."
	default:
		e.Message = "The wallet was not charged."
	}
	if _, ok := named[code]; !ok {
		e.means = ErrRefused
	}
	return e
}

// jokulStates maps transaction.status and payment.status. TIMEOUT is not there:
// the end is not known yet.
var jokulStates = map[string]State{
	jokul.StatusPending:      StatePending,
	jokul.StatusSuccess:      StateSuccess,
	jokul.StatusFailed:       StateFailed,
	jokul.StatusExpired:      StateFailed,
	jokul.StatusTokenExpired: StateFailed,
	jokul.StatusRefunded:     StateRefunded,
}

func jokulState(status string) State {
	if s, ok := jokulStates[strings.ToUpper(status)]; ok {
		return s
	}
	return StateUnknown
}
