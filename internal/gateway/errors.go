package gateway

import (
	"errors"
	"time"
)

// Code is the outcome of a refused call, in the gateway's own words. Each dialect
// has one table from Code to its protocol's answer. A Code is itself an error, so
// errors.Is(err, gateway.InsufficientFunds) reads as English.
type Code uint8

const (
	Internal          Code = iota // a defect or a fault of the machine; the zero value on purpose
	Invalid                       // a member is missing, malformed or out of bounds
	NotFound                      // no such payment, wallet or page, or it is another merchant's
	RequestReused                 // the request id was used before
	Duplicate                     // the reference was used before with the same content
	Inconsistent                  // the reference was used before with other content
	AmountInvalid                 // an amount that cannot be moved, or shares that do not add up
	InsufficientFunds             // the purse asked for does not hold the amount
	LimitExceeded                 // more than one transaction may move
	CountExceeded                 // more transactions than the wallet's day allows
	SumExceeded                   // more money than the wallet's day allows
	HoldingExceeded               // more money than the wallet may hold
	WalletUnknown                 // no OVO wallet has this phone number
	WalletBlocked                 // the wallet was blocked by its issuer
	WalletLocked                  // the wallet is locked for a while after wrong PINs
	AlreadyBound                  // the wallet is bound to this customer of this merchant
	BoundElsewhere                // the wallet is bound to another customer of this merchant
	BindingInvalid                // no active binding stands behind the token or code
	ConsentExpired                // the binding stood behind it, but its year is over
	WrongState                    // the subject's state does not allow the step
	Expired                       // the page, code or deadline has passed
	OTPWrong                      // the one-time code does not match
	OTPExpired                    // the one-time code has passed or been used up
	PINWrong                      // the PIN does not match
	RefundExceeds                 // more than what is left of the payment
	Cancelled                     // given up on the customer's or the merchant's word
	Reversed                      // taken back after an uncertain outcome
	OutcomePending                // the wallet answered too late; the outcome follows
	StatusTooOld                  // the wallet no longer knows the outcome
	PushUndelivered               // the prompt could not be brought to the phone
	CardBlocked                   // the wallet's card was blocked by its bank
	NotPermitted                  // the merchant may not make transactions of this kind
	BelowMinimum                  // less than one transaction must move
	TerminalBlocked               // the merchant's terminal is unknown or blocked
	ClockSkew                     // the wallet refuses the time of the request
	QueryInvalid                  // the wallet does not understand the question for the outcome
	IssuerFault                   // the wallet failed without saying why
	ProofReused                   // a proof that an earlier request with other content bore
	TooManyCalls                  // the merchant calls more often than it may
	TooManyAsks                   // more codes or prompts than one phone may be sent in an hour
	Busy                          // too much work of this kind is waiting
	Unavailable                   // the wallet's issuer or the database cannot be reached
	codeEnd
)

var codeText = [codeEnd]string{
	Internal:          "internal error",
	Invalid:           "invalid request",
	NotFound:          "not found",
	RequestReused:     "request id already used",
	Duplicate:         "reference already used with the same content",
	Inconsistent:      "reference already used with other content",
	AmountInvalid:     "invalid amount",
	InsufficientFunds: "insufficient funds",
	LimitExceeded:     "transaction limit exceeded",
	CountExceeded:     "daily transaction count exceeded",
	SumExceeded:       "daily transaction sum exceeded",
	HoldingExceeded:   "wallet may not hold that much",
	WalletUnknown:     "no wallet has this phone number",
	WalletBlocked:     "wallet blocked",
	WalletLocked:      "wallet locked after wrong PINs",
	AlreadyBound:      "wallet already bound to this customer",
	BoundElsewhere:    "wallet bound to another customer of this merchant",
	BindingInvalid:    "no active binding",
	ConsentExpired:    "consent expired",
	WrongState:        "not possible in this state",
	Expired:           "expired",
	OTPWrong:          "wrong one-time code",
	OTPExpired:        "one-time code expired",
	PINWrong:          "wrong PIN",
	RefundExceeds:     "refund exceeds what is left of the payment",
	Cancelled:         "cancelled",
	Reversed:          "reversed",
	OutcomePending:    "outcome pending",
	StatusTooOld:      "too old to tell",
	PushUndelivered:   "prompt could not be delivered",
	CardBlocked:       "card blocked",
	NotPermitted:      "not permitted for this merchant",
	BelowMinimum:      "below the minimum amount",
	TerminalBlocked:   "terminal unknown or blocked",
	ClockSkew:         "clock skew",
	QueryInvalid:      "query not understood",
	IssuerFault:       "issuer fault",
	ProofReused:       "proof already used for another request",
	TooManyCalls:      "too many calls",
	TooManyAsks:       "wallet's owner asked too often",
	Busy:              "busy",
	Unavailable:       "unavailable",
}

// Codes lists every code, so that a dialect can prove its table complete.
func Codes() []Code {
	all := make([]Code, codeEnd)
	for i := range all {
		all[i] = Code(i)
	}
	return all
}

func (c Code) Error() string { return codeText[c] }

// String is the code as stored and shown, equal to its Error text.
func (c Code) String() string { return codeText[c] }

// ParseCode reverses String.
func ParseCode(text string) (Code, bool) {
	for c, t := range codeText {
		if t == text {
			return Code(c), true
		}
	}
	return Internal, false
}

// Error is a refused call. Detail may be shown to the merchant; Err never is.
type Error struct {
	Code       Code
	Detail     string        // a sentence for people, with what to do next where there is something
	Left       int           // tries left, with OTPWrong and PINWrong
	RetryAfter time.Duration // how long to wait, with WalletLocked, TooManyCalls, TooManyAsks and Busy; else 0
	Err        error
}

func (e *Error) Error() string {
	text := e.Code.Error()
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is makes errors.Is match the error's code.
func (e *Error) Is(target error) bool { return target == error(e.Code) }

func (e *Error) Unwrap() error { return e.Err }

// ErrorCode is the code of err: Internal for anything that is not an *Error.
func ErrorCode(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

func refuse(c Code, detail string) *Error { return &Error{Code: c, Detail: detail} }

// ErrRetry is returned inside Store.Update by a guard that another transaction
// overtook; the store runs the whole function again.
var ErrRetry = errors.New("gateway: overtaken by another transaction, run again")

// ErrOutcomeUnknown is in the chain of an Unavailable error when the database went
// away during a commit and could not say in time whether it had happened.
var ErrOutcomeUnknown = errors.New("gateway: the outcome of a commit is unknown")

// ErrNoRow is what Tx reads return when there is no such row.
var ErrNoRow = errors.New("gateway: no such row")
