package jokul

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// This file holds every code and message of the protocol's answers.

// refusal is a protocol answer other than success. The reason is for the
// sandbox's request log and never leaves the server otherwise.
type refusal struct {
	status  int
	code    string
	message string
	reason  string
	replay  string // the whole body, in place of the message
}

func (r *refusal) Error() string { return r.message + " (" + r.reason + ")" }

func (r *refusal) answer() any {
	if r.replay != "" {
		return json.RawMessage(r.replay)
	}
	return jokul.NewError(r.code, r.message)
}

var (
	errNoSuchPath = &refusal{status: http.StatusNotFound, code: jokul.CodeNotFound, message: "Path not found", reason: "no call has this path"}
	errMethod     = &refusal{status: http.StatusMethodNotAllowed, code: jokul.CodeInvalidParameter, message: "Method not allowed",
		reason: "check status is a GET and every other call a POST"}
	errTooLarge = &refusal{status: http.StatusRequestEntityTooLarge, code: jokul.CodeInvalidParameter, message: "Request body is too large",
		reason: "a body may have at most 65536 bytes"}
	errGone = &refusal{reason: "the caller hung up; the payment goes on"}
)

func missingHeader(name string) error {
	return &refusal{status: http.StatusBadRequest, code: jokul.CodeInvalidHeader, message: "Header " + name + " is required",
		reason: "the header " + name + " is missing or empty"}
}

func malformedHeader(name, reason string) error {
	return &refusal{status: http.StatusBadRequest, code: jokul.CodeInvalidHeader, message: "Invalid format Header " + name, reason: reason}
}

func outOfRange(reason string) error {
	return &refusal{status: http.StatusBadRequest, code: jokul.CodeTimeOutOfRange,
		message: "Header Request-Timestamp is not in +- 3600 second of now", reason: reason}
}

func invalidClient(reason string) error {
	return &refusal{status: http.StatusBadRequest, code: jokul.CodeInvalidClientID, message: "Invalid Client-Id", reason: reason}
}

func badSignature(message, reason string) error {
	return &refusal{status: http.StatusBadRequest, code: jokul.CodeInvalidSignature, message: message, reason: reason}
}

func badBody(reason string) error {
	return &refusal{status: http.StatusBadRequest, code: jokul.CodeInvalidParameter, message: "Invalid request body", reason: reason}
}

func requestReused(reason string) error {
	r := *refused(gateway.RequestReused)
	r.reason = reason
	return &r
}

func notFound(message, reason string) error {
	return &refusal{status: http.StatusNotFound, code: jokul.CodeNotFound, message: message, reason: reason}
}

// keepable tells whether an answer of this status settles its request.
func keepable(status int) bool { return status < http.StatusInternalServerError }

// code is a row of the table below.
type code struct {
	status  int
	code    string
	message string
}

// codes answers each outcome of the gateway that is not a payment's result.
var codes = map[gateway.Code]code{
	gateway.Internal:          {500, jokul.CodeInternalError, "Internal server error"},
	gateway.Invalid:           {400, jokul.CodeInvalidParameter, "Invalid request"},
	gateway.NotFound:          {404, jokul.CodeNotFound, "Payment not found"},
	gateway.RequestReused:     {409, jokul.CodeIdempotentRequest, "Request-Id has already been used"},
	gateway.Duplicate:         {400, jokul.CodeInvalidParameter, "order.invoice_number has already been used"},
	gateway.Inconsistent:      {400, jokul.CodeInvalidParameter, "order.invoice_number has already been used"},
	gateway.AmountInvalid:     {400, jokul.CodeInvalidParameter, "order.amount is invalid"},
	gateway.InsufficientFunds: {400, jokul.CodeAccountError, "OVO balance is insufficient"},
	gateway.LimitExceeded:     {400, jokul.CodeAccountError, "Amount exceeds the limit of a transaction"},
	gateway.CountExceeded:     {400, jokul.CodeAccountError, "Number of transactions exceeds the limit of the day"},
	gateway.SumExceeded:       {400, jokul.CodeAccountError, "Amount exceeds the limit of the day"},
	gateway.HoldingExceeded:   {400, jokul.CodeAccountError, "OVO account cannot hold the amount"},
	gateway.WalletUnknown:     {400, jokul.CodeAccountError, "OVO account is not registered"},
	gateway.WalletBlocked:     {400, jokul.CodeAccountError, "OVO account is blocked"},
	gateway.WalletLocked:      {400, jokul.CodeAccountError, "OVO account is locked temporarily"},
	gateway.AlreadyBound:      {400, jokul.CodeAccountError, "OVO account is already linked to this customer"},
	gateway.BoundElsewhere:    {400, jokul.CodeAccountError, "OVO account is already linked to another customer"},
	gateway.BindingInvalid:    {404, jokul.CodeNotFound, "ovo_account.token_id not found"},
	gateway.ConsentExpired:    {400, jokul.CodeAccountError, "ovo_account.token_id has expired"},
	gateway.WrongState:        {404, jokul.CodeNotFound, "No successful payment found"},
	gateway.Expired:           {400, jokul.CodeAccountError, "Transaction has expired"},
	gateway.OTPWrong:          {400, jokul.CodeAccountError, "OTP is wrong"},
	gateway.OTPExpired:        {400, jokul.CodeAccountError, "OTP has expired"},
	gateway.PINWrong:          {400, jokul.CodeAccountError, "OVO customer could not be authenticated"},
	gateway.RefundExceeds:     {400, jokul.CodeInvalidParameter, "refund.amount exceeds the payment"},
	gateway.Cancelled:         {400, jokul.CodeAccountError, "Customer has cancelled"},
	gateway.Reversed:          {400, jokul.CodeAccountError, "Transaction has been reversed"},
	gateway.OutcomePending:    {500, jokul.CodeInternalError, "OVO did not answer in time"},
	gateway.StatusTooOld:      {400, jokul.CodeAccountError, "Transaction is too old"},
	gateway.PushUndelivered:   {500, jokul.CodeInternalError, "OVO customer could not be reached"},
	gateway.CardBlocked:       {400, jokul.CodeAccountError, "OVO card is blocked"},
	gateway.NotPermitted:      {401, jokul.CodeInvalidAccess, "Transaction is not enabled for this client"},
	gateway.BelowMinimum:      {400, jokul.CodeInvalidParameter, "order.amount is below the minimum"},
	gateway.TerminalBlocked:   {401, jokul.CodeInvalidAccess, "Client is not registered at OVO"},
	gateway.ClockSkew:         {500, jokul.CodeInternalError, "OVO refused the time of the request"},
	gateway.QueryInvalid:      {500, jokul.CodeInternalError, "OVO did not understand the request"},
	gateway.IssuerFault:       {500, jokul.CodeInternalError, "OVO failed"},
	gateway.ProofReused:       {400, jokul.CodeInvalidSignature, "check_sum has been used for another request"},
	gateway.Busy:              {429, jokul.CodeInternalError, "Too many requests"},
	gateway.Unavailable:       {500, jokul.CodeInternalError, "Internal server error"},
}

// ovoCodes says each outcome of the gateway as OVO's response code. It is how a
// push payment is answered that did not succeed.
var ovoCodes = map[gateway.Code]string{
	gateway.Internal:          "ER",
	gateway.Invalid:           "BR",
	gateway.NotFound:          "25",
	gateway.RequestReused:     "94",
	gateway.Duplicate:         "94",
	gateway.Inconsistent:      "94",
	gateway.AmountInvalid:     "13",
	gateway.InsufficientFunds: "40",
	gateway.LimitExceeded:     "61",
	gateway.CountExceeded:     "65",
	gateway.SumExceeded:       "61",
	gateway.HoldingExceeded:   "65",
	gateway.WalletUnknown:     "14",
	gateway.WalletBlocked:     "64",
	gateway.WalletLocked:      "64",
	gateway.AlreadyBound:      "40",
	gateway.BoundElsewhere:    "40",
	gateway.BindingInvalid:    "40",
	gateway.ConsentExpired:    "40",
	gateway.WrongState:        "40",
	gateway.Expired:           "-",
	gateway.OTPWrong:          "63",
	gateway.OTPExpired:        "63",
	gateway.PINWrong:          "63",
	gateway.RefundExceeds:     "40",
	gateway.Cancelled:         "17",
	gateway.Reversed:          "73",
	gateway.OutcomePending:    "68",
	gateway.StatusTooOld:      "54",
	gateway.PushUndelivered:   "26",
	gateway.CardBlocked:       "56",
	gateway.NotPermitted:      "58",
	gateway.BelowMinimum:      "67",
	gateway.TerminalBlocked:   "EB",
	gateway.ClockSkew:         "TO",
	gateway.QueryInvalid:      "96",
	gateway.IssuerFault:       "40",
	gateway.ProofReused:       "94",
	gateway.Busy:              "40",
	gateway.Unavailable:       "ER",
}

// Describe shows how an outcome is answered, for the documentation: HTTP status,
// error code and message of a call that fails with it, and the response code of a
// push payment that ends so.
func Describe(c gateway.Code) (answer, push string) {
	row := codes[c]
	return fmt.Sprintf("%d %s %s", row.status, row.code, row.message), ovoCodes[c]
}

// ovoApproved is the response code of a success.
const ovoApproved = "00"

// pushOutcome is a push payment's state in OVO's words. The outcome of one that is
// still open is pending for whoever cannot wait for it.
func pushOutcome(p gateway.Payment) (responseCode, status string) {
	switch {
	case p.State == gateway.PaymentSucceeded:
		return ovoApproved, jokul.StatusSuccess
	case !p.State.Final():
		return ovoCodes[gateway.OutcomePending], jokul.StatusTimeout
	default:
		return ovoCodes[p.Reason], jokul.StatusFailed
	}
}

// transactionStatus is a payment's state in check status.
func transactionStatus(p gateway.Payment) string {
	switch p.State {
	case gateway.PaymentAwaiting:
		return jokul.StatusPending
	case gateway.PaymentUncertain:
		return jokul.StatusTimeout
	case gateway.PaymentSucceeded:
		if p.Refunded == p.Split {
			return jokul.StatusRefunded
		}
		return jokul.StatusSuccess
	default:
		return jokul.StatusFailed
	}
}

// paymentStatus is the payment.status of an answer to a payment by token.
func paymentStatus(p gateway.Payment) string {
	switch {
	case p.State == gateway.PaymentAwaiting:
		return jokul.StatusPending
	case p.State == gateway.PaymentSucceeded:
		return jokul.StatusSuccess
	case p.Reason == gateway.ConsentExpired:
		return jokul.StatusTokenExpired
	default:
		return jokul.StatusFailed
	}
}

// Values of refund.message, which has at most ten characters.
const (
	refundSucceeded = "SUCCESS"
	refundTooMuch   = "AMOUNT"
	refundTooLate   = "EXPIRED"
	refundDeclined  = "DECLINED"
)

// refundMessage says why a refund failed. It is false for outcomes that are no
// result of a refund but an error of the call.
func refundMessage(c gateway.Code) (message string, ok bool) {
	switch c {
	case gateway.RefundExceeds:
		return refundTooMuch, true
	case gateway.Expired, gateway.StatusTooOld:
		return refundTooLate, true
	}
	row := codes[c]
	return refundDeclined, row.code == jokul.CodeAccountError
}

func refused(c gateway.Code) *refusal {
	row := codes[c]
	return &refusal{status: row.status, code: row.code, message: row.message, reason: c.Error()}
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
	var field *jokul.FieldError
	switch {
	case errors.As(err, &field), errors.Is(err, errNoSuchPath):
		return gateway.ResultInvalid
	case !errors.As(err, &r):
		return gateway.ResultOf(err)
	}
	switch r.status {
	case http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests:
		return gateway.ResultRefused
	}
	return gateway.ResultInvalid
}

// refusal turns any error into an answer, and tells the request log why. An answer
// that belongs to an earlier use of the Request-Id is not kept for this one.
func (c *call) refusal(err error) *refusal {
	if errors.Is(err, gateway.RequestReused) { // somebody was faster
		if err = c.earlier(); err == nil {
			err = refused(gateway.RequestReused)
		}
	}
	var r *refusal
	var field *jokul.FieldError
	var core *gateway.Error
	var bare gateway.Code
	switch {
	case errors.As(err, &r):
	case errors.As(err, &field):
		r = &refusal{status: http.StatusBadRequest, code: jokul.CodeInvalidParameter, message: field.Field + " " + field.Reason, reason: field.Error()}
	case errors.As(err, &core):
		r = refused(core.Code)
		r.reason = reasonOf(core)
		if core.Code == gateway.Internal || core.Code == gateway.Unavailable {
			c.Log.ErrorContext(c.ctx, "jokul: call failed", "path", c.r.URL.Path, "error", err)
		}
	case errors.As(err, &bare):
		r = refused(bare)
	default:
		c.Log.ErrorContext(c.ctx, "jokul: call failed", "path", c.r.URL.Path, "error", err)
		r = refused(gateway.Internal)
	}
	if r.status == http.StatusConflict {
		c.claim = gateway.Claim{}
	}
	c.note(wire.Note{Reason: r.reason})
	return r
}
