package faspay

import (
	"errors"
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// This file holds every code and text of the protocol's answers.

// refusal is an answer to a call that did not get as far as its service. The reason
// is for the sandbox's request log and never leaves the server otherwise.
type refusal struct {
	status int
	code   string
	desc   string // "" for the code's own text
	reason string
}

func (r *refusal) Error() string { return r.code + " (" + r.reason + ")" }

func (r *refusal) answer(m gateway.Merchant) any {
	return faspay.NewErrorAnswer(r.code, r.desc, m.Faspay.FlatErrors)
}

// refused is a refusal of a call that was understood.
func refused(code, desc, reason string) *refusal {
	return &refusal{http.StatusOK, code, desc, reason}
}

func badBody(reason string) error { return refused(faspay.CodeFormat, "", reason) }

var (
	errNoSuchPath    = &refusal{http.StatusNotFound, faspay.CodeNotSupported, "", "no service has this path"}
	errNoSuchService = refused(faspay.CodeNotSupported, "", "no service has this number; the numbers are configuration")
	errMethod        = &refusal{http.StatusMethodNotAllowed, faspay.CodeNotSupported, "Every call is a POST", "every call is a POST"}
	errTooLarge      = &refusal{http.StatusRequestEntityTooLarge, faspay.CodeFormat, "Request is too large", "a body may have at most 65536 bytes"}
	errTooMany       = &refusal{http.StatusTooManyRequests, faspay.CodeMalfunction, "Too many calls, repeat this one after a second", "the merchant calls more often than the server allows"}
)

// code is a row of the table below.
type code struct {
	code  string
	desc  string
	level level
}

// level says which part of the provider gives an answer.
type level int

const (
	ofService level = iota // in the service's own shape
	ofGateway              // as response_error
	ofFault                // as response_error under HTTP 500: nothing is known of the outcome
)

// codes answers each outcome of the gateway.
var codes = map[gateway.Code]code{
	gateway.Internal:          {faspay.CodeMalfunction, "System malfunction", ofFault},
	gateway.Invalid:           {faspay.CodeFormat, "Malformed request", ofGateway},
	gateway.NotFound:          {faspay.CodeInvalidOrder, "Unknown order", ofService},
	gateway.RequestReused:     {faspay.CodeFailed, "Request was sent before", ofService},
	gateway.Duplicate:         {faspay.CodeFailed, "Bill has already been paid", ofService},
	gateway.Inconsistent:      {faspay.CodeFailed, "Bill number is already used", ofService},
	gateway.AmountInvalid:     {faspay.CodeInvalidAmount, "Amount not acceptable", ofGateway},
	gateway.InsufficientFunds: {faspay.CodeFailed, "Balance is too low", ofService},
	gateway.LimitExceeded:     {faspay.CodeFailed, "Amount exceeds the limit of a transaction", ofService},
	gateway.CountExceeded:     {faspay.CodeFailed, "Number of transactions exceeds the limit of the day", ofService},
	gateway.SumExceeded:       {faspay.CodeFailed, "Amount exceeds the limit of the day", ofService},
	gateway.HoldingExceeded:   {faspay.CodeFailed, "Wallet cannot hold the amount", ofService},
	gateway.WalletUnknown:     {faspay.CodeFailed, "Phone number is not registered", ofService},
	gateway.WalletBlocked:     {faspay.CodeFailed, "Wallet is blocked", ofService},
	gateway.WalletLocked:      {faspay.CodeFailed, "Wallet is locked temporarily", ofService},
	gateway.AlreadyBound:      {faspay.CodeFailed, "Phone number is already linked", ofService},
	gateway.BoundElsewhere:    {faspay.CodeFailed, "Phone number is already linked to another customer", ofService},
	gateway.BindingInvalid:    {faspay.CodeFailed, "Phone number is not linked", ofService},
	gateway.ConsentExpired:    {faspay.CodeFailed, "Link has ended, it must be renewed", ofService},
	gateway.WrongState:        {faspay.CodeFailed, "Order is no longer open", ofService},
	gateway.Expired:           {faspay.CodeFailed, "Time has run out", ofService},
	gateway.OTPWrong:          {faspay.CodeFailed, "OTP is wrong", ofService},
	gateway.OTPExpired:        {faspay.CodeFailed, "OTP has expired", ofService},
	gateway.PINWrong:          {faspay.CodeFailed, "PIN is wrong", ofService},
	gateway.RefundExceeds:     {faspay.CodeFailed, "Amount exceeds the payment", ofService},
	gateway.Cancelled:         {faspay.CodeFailed, "Customer has cancelled", ofService},
	gateway.Reversed:          {faspay.CodeFailed, "Transaction was reversed", ofService},
	gateway.OutcomePending:    {faspay.CodeMalfunction, "Wallet did not answer in time", ofFault},
	gateway.StatusTooOld:      {faspay.CodeFailed, "Transaction is too old", ofService},
	gateway.PushUndelivered:   {faspay.CodeFailed, "Customer could not be reached", ofService},
	gateway.CardBlocked:       {faspay.CodeFailed, "Card is blocked", ofService},
	gateway.NotPermitted:      {faspay.CodeUnregistered, "Not registered for this payment channel", ofGateway},
	gateway.BelowMinimum:      {faspay.CodeFailed, "Amount is below the minimum", ofService},
	gateway.TerminalBlocked:   {faspay.CodeUnregistered, "Not registered at the wallet", ofGateway},
	gateway.ClockSkew:         {faspay.CodeMalfunction, "Wallet refused the time of the request", ofFault},
	gateway.QueryInvalid:      {faspay.CodeMalfunction, "Wallet did not understand the request", ofFault},
	gateway.IssuerFault:       {faspay.CodeFailed, "Wallet failed", ofService},
	gateway.ProofReused:       {faspay.CodeCredentials, "Signature was used for another request", ofGateway},
	gateway.Busy:              {faspay.CodeFailed, "Too busy, repeat the request later", ofService},
	gateway.Unavailable:       {faspay.CodeMalfunction, "System malfunction", ofFault},
}

// Describe shows how an outcome is answered, for the documentation.
func Describe(c gateway.Code) string {
	row := codes[c]
	switch row.level {
	case ofService:
		return row.code + " " + row.desc
	case ofFault:
		return "error " + row.code + " " + row.desc + ", HTTP 500"
	}
	return "error " + row.code + " " + row.desc
}

// outcome is the code and text with which a service answers, given what became of
// it. An error is returned where the answer is not the service's to give.
func (c *call) outcome(err error) (responseCode, desc string, _ error) {
	if err == nil {
		return faspay.CodeSuccess, faspay.CodeText(faspay.CodeSuccess), nil
	}
	var core *gateway.Error
	if !errors.As(err, &core) || codes[core.Code].level != ofService {
		return "", "", err
	}
	c.note(wire.Note{Reason: reasonOf(core)})
	c.served.Code, c.served.Result = codes[core.Code].code, core.Code.Result()
	return codes[core.Code].code, codes[core.Code].desc, nil
}

// fieldRefusal answers a member that is missing, malformed or out of range. The
// three of a history that can be out of range are the service's own affair.
func fieldRefusal(e *faspay.FieldError) *refusal {
	text := "Field " + e.Field + " " + e.Reason
	switch {
	case e.Missing:
		return refused(faspay.CodeMissing, text, e.Error())
	case e.Range && e.Field == "payment_channel":
		return refused(faspay.CodeUnregistered, text, e.Error())
	case e.Range:
		return refused(faspay.CodeInvalidAmount, text, e.Error())
	}
	return refused(faspay.CodeFormat, text, e.Error())
}

// reasonOf says why the gateway refused.
func reasonOf(e *gateway.Error) string {
	if e.Detail == "" {
		return e.Code.Error()
	}
	return e.Code.Error() + ": " + e.Detail
}

// resultOf sorts what a call ended with.
func resultOf(err error) gateway.Result {
	var r *refusal
	var field *faspay.FieldError
	switch {
	case errors.As(err, &field):
		return gateway.ResultInvalid
	case !errors.As(err, &r):
		return gateway.ResultOf(err)
	case r.status == http.StatusTooManyRequests:
		return gateway.ResultRefused
	}
	return gateway.ResultInvalid
}

// refusal turns any error into an answer, and tells the request log why.
func (c *call) refusal(err error) *refusal {
	var r *refusal
	var field *faspay.FieldError
	var core *gateway.Error
	switch {
	case errors.As(err, &r):
	case errors.As(err, &field):
		r = fieldRefusal(field)
	default:
		if !errors.As(err, &core) {
			core = &gateway.Error{Code: gateway.Internal}
		}
		row := codes[core.Code]
		r = refused(row.code, row.desc, reasonOf(core))
		if row.level == ofFault {
			r.status = http.StatusInternalServerError
		}
		if core.Code == gateway.Internal || core.Code == gateway.Unavailable {
			c.Log.ErrorContext(c.ctx, "faspay: call failed", "path", c.r.URL.Path, "error", err)
		}
	}
	c.note(wire.Note{Reason: r.reason})
	return r
}

// statusOf is a payment's payment_status_code. opened tells whether its page has
// been shown to the customer.
func statusOf(p gateway.Payment, opened bool) string {
	switch p.State {
	case gateway.PaymentAwaiting:
		if opened {
			return faspay.StatusInProcess
		}
		return faspay.StatusUnprocessed
	case gateway.PaymentSucceeded:
		if p.Refunded == p.Split {
			return faspay.StatusReversed
		}
		return faspay.StatusSuccess
	case gateway.PaymentFailed, gateway.PaymentRefused:
		return faspay.StatusFailed
	case gateway.PaymentExpired:
		return faspay.StatusExpired
	case gateway.PaymentCancelled:
		return faspay.StatusCancelled
	}
	return faspay.StatusUnknown
}

// eventStatus is the payment_status_code of what happened to a payment. The event
// decides, not the payment, which may have been refunded since.
var eventStatus = map[gateway.EventKind]string{
	gateway.EventPaymentSucceeded: faspay.StatusSuccess,
	gateway.EventPaymentFailed:    faspay.StatusFailed,
	gateway.EventPaymentExpired:   faspay.StatusExpired,
	gateway.EventPaymentCancelled: faspay.StatusCancelled,
}

// historyStatus is a payment's status in a history and in the answer to a payment.
func historyStatus(p gateway.Payment) string {
	switch {
	case p.State == gateway.PaymentSucceeded:
		return faspay.PaymentSuccess
	case p.State.Final():
		return faspay.PaymentFailed
	}
	return faspay.PaymentPending
}

// lateCancel is the answer to the cancellation of an order that no longer waits.
var lateCancel = map[string]string{
	faspay.StatusSuccess:   faspay.CodeAlreadyPaid,
	faspay.StatusReversed:  faspay.CodeReversed,
	faspay.StatusExpired:   faspay.CodeOrderExpired,
	faspay.StatusCancelled: faspay.CodeCancelled,
	faspay.StatusFailed:    faspay.CodeFailed,
	faspay.StatusUnknown:   faspay.CodeFailed,
}

// trxStatus is the trx_status_code and its text in the answer to a cancellation.
// Only those of an expired order are known from a client; they differ from the
// payment's.
func trxStatus(status string) (trxCode, text string) {
	switch status {
	case faspay.StatusExpired:
		return faspay.StatusFailed, "Order Expired"
	case faspay.StatusCancelled:
		return status, "Cancelled"
	}
	return status, faspay.StatusText(status)
}

// Values of response.
const (
	responseActivation = "Account Activation"
	responsePayment    = "Payment"
	responseTopUp      = "Top Up Instruction"
	responseBalance    = "Check Balance"
	responseHistory    = "History Transaction"
	responseUnlink     = "Unlink"
	responseInquiry    = "Inquiry Payment Status"
	responseCancel     = "Cancel Transaction"
	responseCallback   = "Callback Activation"
)
