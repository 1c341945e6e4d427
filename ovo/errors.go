package ovo

import (
	"errors"
	"fmt"
	"strings"
)

// What went wrong, for errors.Is. An [*Error] matches exactly one of these.
// ErrOutcomeUnknown comes on top of that; ErrInvalidRequest, ErrInvalidAmount and
// ErrUnavailable also come without an *Error, when there was no answer to make
// one of.
var (
	// ErrOutcomeUnknown reports that a payment or refund was sent and nobody can
	// tell from here whether it was carried out: the connection broke, the time
	// ran out, a proxy sent it twice, or the answer was 5xx, 202 or unreadable, or lacks
	// the signature that it should have. Ask Status before doing anything else. Repeating the request
	// with the same Reference or Invoice (for a refund: RefundReference, or with a
	// [JokulClient] RequestID) charges nobody twice, repeating it with another one does.
	ErrOutcomeUnknown = errors.New("the outcome is unknown")

	// ErrInvalidRequest reports a request that can never succeed as it is: a
	// member is missing or malformed, or the address is wrong. Most are found
	// before anything is sent.
	ErrInvalidRequest = errors.New("invalid request")
	// ErrInvalidAmount reports an amount out of range, shares that do not add up
	// to the amount, or a refund of more than is left.
	ErrInvalidAmount = errors.New("invalid amount")
	// ErrSignature reports that what claims to come from the gateway lacks its
	// signature: only from [FaspayClient.ReadReturn], for receivers answer such calls by
	// themselves.
	ErrSignature = errors.New("the signature is not the gateway's")
	// ErrUnauthorized reports that the gateway does not accept the merchant: client
	// id, secret, key or clock is wrong (SNAP allows 15 minutes, the other APIs an
	// hour), or the call is not enabled for the merchant.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrCustomerToken reports that a customer token or auth code does not serve
	// (any more). Exchange the auth code again; when that is what fails, the
	// customer has unlinked the wallet or never finished the page: bind anew.
	ErrCustomerToken = errors.New("customer token refused")
	// ErrRenewLink reports that a link at Faspay has ended outside the merchant's reach:
	// it has expired, or the customer changed the number or broke the link. No payment
	// exists. Send the customer's browser to the RenewURL of the [*Error]; when the
	// customer is done there, the same payment may be sent again.
	ErrRenewLink = errors.New("the link must be renewed by the customer")
	// ErrWalletUnavailable reports that a wallet cannot be bound or charged: no
	// such OVO account, blocked, or bound already. The message says which.
	ErrWalletUnavailable = errors.New("wallet unavailable")
	// ErrInsufficientFunds reports that a purse holds less than its share.
	ErrInsufficientFunds = errors.New("insufficient funds")
	// ErrLimitExceeded reports a limit of the wallet: per transaction, per day, or
	// in number.
	ErrLimitExceeded = errors.New("limit exceeded")
	// ErrNotFound reports that no payment matches. Just after a charge whose
	// outcome is unknown this is not the last word.
	ErrNotFound = errors.New("payment not found")
	// ErrDuplicate reports a payment whose Reference or Invoice has been used before;
	// with SNAP, for the very same payment. Nothing was charged now; Status tells how
	// it went then.
	ErrDuplicate = errors.New("duplicate reference")
	// ErrInconsistent reports a Reference or RefundReference that has been used
	// before for something else. Nothing was done now.
	ErrInconsistent = errors.New("reference used with other content")
	// ErrConflict reports a RequestID that has been used before: with SNAP today, with
	// Jokul ever. Nothing was done now; what the first request with this id did, or is
	// still about to do, Status tells. Where the id was left to the client, a proxy has
	// sent the call twice: Pay and Refund add ErrOutcomeUnknown, and reads are repeated.
	ErrConflict = errors.New("request id used before")
	// ErrRefused reports every other refusal of the provider or of OVO: a payment
	// that cannot be refunded in its state, do-not-honour, expiry. See the code.
	ErrRefused = errors.New("refused")
	// ErrUnavailable reports that the gateway or OVO could not be reached, is
	// overloaded, or gave an answer that is none of this API. Trying later may
	// help. From Pay and Refund: if ErrOutcomeUnknown does not match as well,
	// nothing was done.
	ErrUnavailable = errors.New("unavailable")
)

// Error is a refusal in the gateway's own words.
type Error struct {
	// Code names the refusal. It is empty when the answer carried none, as that of a
	// proxy in between.
	//
	// SNAP: the responseCode, which is HTTP status, two digits of service, two digits
	// of case ("4035414"). Jokul and push: error.code ("invalid_signature"); of a
	// payment or refund that was accepted and then refused, OVO's response code ("17")
	// or, where the API tells none, its status ("FAILED", "TOKEN_EXPIRED"). Faspay: the
	// response_code ("01").
	Code string
	// Message is the gateway's, or explains an OVO code. Its wording is not fixed: show
	// it, do not compare it.
	Message string
	// Status is the HTTP status; 0 in what a [JokulReceiver] passes on.
	Status int
	// RenewURL is the page on which the customer renews the link; only with
	// [ErrRenewLink].
	RenewURL string

	means error // what Code stands for in this call, if not what it mostly does
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("HTTP %d without an error code", e.Status)
	}
	return e.Code + " " + e.Message
}

// Is matches the one Err value of this package that the code stands for.
func (e *Error) Is(target error) bool {
	return target == e.kind()
}

// kinds maps status and case, without the service between them, to the meaning
// that Bank Indonesia's table gives them.
var kinds = map[string]error{
	"40102": ErrCustomerToken,
	"40104": ErrCustomerToken,
	"40302": ErrLimitExceeded, // per transaction
	"40304": ErrLimitExceeded, // count
	"40307": ErrWalletUnavailable,
	"40309": ErrWalletUnavailable,
	"40314": ErrInsufficientFunds,
	"40317": ErrLimitExceeded,
	"40318": ErrWalletUnavailable,
	"40320": ErrLimitExceeded,
	"40323": ErrLimitExceeded,
	"40401": ErrNotFound,
	"40411": ErrWalletUnavailable,
	"40413": ErrInvalidAmount,
	"40418": ErrInconsistent,
	"40900": ErrConflict,
	"40901": ErrDuplicate,
}

// special holds codes that mean something else for one service.
var special = map[string]error{
	"4030715": ErrWalletUnavailable, // binding: "Transaction Not Permitted", with the reason in words
	"4040911": ErrCustomerToken,     // unbinding: another code in use for an unknown token
	"4040000": ErrInvalidRequest,    // no such path
}

func (e *Error) kind() error {
	if e.means != nil {
		return e.means
	}
	if !wellFormed(e.Code) {
		if kind, ok := named[e.Code]; ok {
			return kind
		}
		return ErrUnavailable
	}
	if e.Code == "4017400" && !blamesMerchant(e.Message) {
		return ErrCustomerToken
	}
	if kind, ok := special[e.Code]; ok {
		return kind
	}
	status := e.Code[:3]
	if kind, ok := kinds[status+e.Code[5:]]; ok {
		return kind
	}
	switch status {
	case "400", "405", "413":
		return ErrInvalidRequest
	case "401":
		return ErrUnauthorized
	case "403", "404":
		return ErrRefused
	case "409":
		return ErrConflict
	default: // 202, 408, 429, 5xx
		return ErrUnavailable
	}
}

// blamesMerchant reads the message of a 4017400, where one code stands both for
// an auth code that has ended and for a signature that does not match. Taking the
// second for the first would make a merchant forget every customer because of one
// wrong key, so this is the one place that looks at a text.
func blamesMerchant(message string) bool {
	message = strings.ToLower(message)
	for _, word := range []string{"signature", "timestamp", "client"} {
		if strings.Contains(message, word) {
			return true
		}
	}
	return false
}

// tokenRefused tells whether the B2B token was refused, and nothing else.
func (e *Error) tokenRefused() bool {
	return wellFormed(e.Code) && e.Code[:3] == "401" && (e.Code[5:] == "01" || e.Code[5:] == "03")
}

// definite tells whether the request was surely not carried out. An answer whose
// HTTP status and code contradict each other settles nothing.
func (e *Error) definite() bool {
	return wellFormed(e.Code) && e.Code[0] == '4' && e.Code[:3] != "408" && e.Status/100 != 5
}

func wellFormed(code string) bool {
	return len(code) == 7 && strings.Trim(code, "0123456789") == ""
}
