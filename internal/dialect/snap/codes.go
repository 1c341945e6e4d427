package snap

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// This file holds every number and message of the protocol's answers. A response
// code is the HTTP status, the service's number and a case of two digits.

// refusal is a protocol answer other than success. The reason is for the
// sandbox's request log and never leaves the server otherwise.
type refusal struct {
	status   int
	caseCode string
	message  string
	reason   string
}

func (r *refusal) Error() string { return r.message + " (" + r.reason + ")" }

// answer is the whole body of an error: these two members and no other.
func (r *refusal) answer(s snap.Service) snap.Answer {
	if s == snap.ServiceNone || r == errMethod {
		s = snap.ServiceNone
	}
	return snap.Answer{ResponseCode: snap.Code(r.status, s, r.caseCode), ResponseMessage: r.message}
}

var (
	errNoSuchPath = &refusal{http.StatusNotFound, "00", "Not Found", "no call has this path"}
	errMethod     = &refusal{http.StatusMethodNotAllowed, "00", "Requested Function Is Not Supported", "every call is a POST"}
	errTooLarge   = &refusal{http.StatusRequestEntityTooLarge, "00", "Request Entity Too Large", "a body may have at most 65536 bytes"}
)

func badRequest(reason string) error {
	return &refusal{http.StatusBadRequest, "00", "Bad Request", reason}
}

func malformedField(field, reason string) error {
	return &refusal{http.StatusBadRequest, "01", "Invalid Field Format " + field, reason}
}

func missingField(field, reason string) error {
	return &refusal{http.StatusBadRequest, "02", "Invalid Mandatory Field " + field, reason}
}

func unauthorized(what, reason string) error {
	return &refusal{http.StatusUnauthorized, "00", "Unauthorized. [" + what + "]", reason}
}

func errCustomerToken(reason string) error {
	return &refusal{http.StatusUnauthorized, "02", "Invalid Customer Token", reason}
}

// code is a row of the table below.
type code struct {
	status   int
	caseCode string
	message  string
}

// codes answers each outcome of the gateway.
var codes = map[gateway.Code]code{
	gateway.Internal:          {500, "01", "Internal Server Error"},
	gateway.Invalid:           {400, "00", "Bad Request"},
	gateway.NotFound:          {404, "01", "Transaction Not Found"},
	gateway.RequestReused:     {409, "00", "Conflict"},
	gateway.Duplicate:         {409, "01", "Duplicate partnerReferenceNo"},
	gateway.Inconsistent:      {404, "18", "Inconsistent Request"},
	gateway.AmountInvalid:     {404, "13", "Invalid Amount"},
	gateway.InsufficientFunds: {403, "14", "Insufficient Funds"},
	gateway.LimitExceeded:     {403, "02", "Exceeds Transaction Amount Limit"},
	gateway.CountExceeded:     {403, "04", "Activity Count Limit Exceeded"},
	gateway.SumExceeded:       {403, "02", "Exceeds Transaction Amount Limit"},
	gateway.HoldingExceeded:   {403, "23", "Account Limit Exceed"},
	gateway.WalletUnknown:     {403, "15", "Transaction Not Permitted. OVO account not available please register to ovo"},
	gateway.WalletBlocked:     {403, "18", "Inactive Card/Account/Customer"},
	gateway.WalletLocked:      {403, "18", "Inactive Card/Account/Customer"},
	gateway.AlreadyBound:      {403, "15", "Transaction Not Permitted. Account Already Registered"},
	gateway.BoundElsewhere:    {403, "15", "Transaction Not Permitted. OVO account already registered by another customer"},
	gateway.BindingInvalid:    {401, "02", "Invalid Customer Token"},
	gateway.ConsentExpired:    {401, "02", "Invalid Customer Token"},
	gateway.WrongState:        {404, "00", "Invalid Transaction Status"},
	gateway.Expired:           {403, "00", "Transaction Expired"},
	gateway.OTPWrong:          {404, "15", "Invalid OTP"},
	gateway.OTPExpired:        {403, "12", "OTP Lifetime Expired"},
	gateway.PINWrong:          {403, "05", "Do Not Honor"},
	gateway.RefundExceeds:     {404, "13", "Invalid Amount"},
	gateway.Cancelled:         {404, "04", "Transaction Cancelled"},
	gateway.Reversed:          {404, "04", "Transaction Cancelled"},
	gateway.OutcomePending:    {504, "00", "Timeout"},
	gateway.StatusTooOld:      {403, "00", "Transaction Expired"},
	gateway.PushUndelivered:   {500, "02", "External Server Error"},
	gateway.CardBlocked:       {403, "07", "Card Blocked"},
	gateway.NotPermitted:      {403, "01", "Feature Not Allowed"},
	gateway.BelowMinimum:      {404, "13", "Invalid Amount"},
	gateway.TerminalBlocked:   {500, "02", "External Server Error"},
	gateway.ClockSkew:         {504, "00", "Timeout"},
	gateway.QueryInvalid:      {500, "02", "External Server Error"},
	gateway.IssuerFault:       {500, "02", "External Server Error"},
	gateway.ProofReused:       {404, "18", "Inconsistent Request"},
	gateway.Busy:              {429, "00", "Too Many Requests"},
	gateway.Unavailable:       {504, "00", "Timeout"},
}

// special answers outcomes for which one service has a text or number of its own.
var special = map[snap.Service]map[gateway.Code]code{
	snap.ServiceBinding: {
		gateway.WalletBlocked: {403, "15", "Transaction Not Permitted. OVO account blocked temporary"},
		gateway.CardBlocked:   {403, "15", "Transaction Not Permitted. OVO account blocked temporary"},
		gateway.WalletLocked:  {403, "15", "Transaction Not Permitted. OVO account blocked temporary"},
	},
	snap.ServiceTokenB2B2C: {
		gateway.BindingInvalid: {401, "00", "Unauthorized. [authCode]"},
		gateway.ConsentExpired: {401, "00", "Unauthorized. [authCode]"},
	},
}

// Describe shows how an outcome is answered, for the documentation: HTTP status,
// case, message, and what single services answer instead.
func Describe(c gateway.Code) string {
	show := func(row code) string { return fmt.Sprintf("%dss%s %s", row.status, row.caseCode, row.message) }
	text := show(codes[c])
	for _, s := range slices.Sorted(maps.Keys(special)) {
		if row, ok := special[s][c]; ok {
			text += fmt.Sprintf("; %s: %s", s, show(row))
		}
	}
	return text
}

func codeFor(c gateway.Code, s snap.Service) code {
	if row, ok := special[s][c]; ok {
		return row
	}
	return codes[c]
}

func refused(c gateway.Code, s snap.Service) *refusal {
	row := codeFor(c, s)
	return &refusal{row.status, row.caseCode, row.message, c.Error()}
}

// refusal turns any error into an answer, and tells the request log why.
func (c *call) refusal(err error) *refusal {
	var r *refusal
	var field *snap.FieldError
	var core *gateway.Error
	switch {
	case errors.As(err, &r):
	case errors.As(err, &field):
		r = fieldRefusal(field)
	case errors.As(err, &core):
		r = refused(core.Code, c.service)
		r.reason = core.Code.Error()
		if core.Detail != "" {
			r.reason += ": " + core.Detail
		}
		if core.Code == gateway.Internal || core.Code == gateway.Unavailable {
			c.Log.ErrorContext(c.ctx, "snap: call failed", "service", c.service, "error", err)
		}
	default:
		c.Log.ErrorContext(c.ctx, "snap: call failed", "service", c.service, "error", err)
		r = refused(gateway.Internal, c.service)
	}
	c.note(wire.Note{Reason: r.reason})
	return r
}

// resultOf sorts what a call ended with.
func resultOf(err error) gateway.Result {
	var r *refusal
	var field *snap.FieldError
	switch {
	case errors.As(err, &field):
		return gateway.ResultInvalid
	case !errors.As(err, &r):
		return gateway.ResultOf(err)
	case r.status >= http.StatusInternalServerError:
		return gateway.ResultFault
	case r.status == http.StatusTooManyRequests:
		return gateway.ResultRefused
	}
	return gateway.ResultInvalid
}

func fieldRefusal(f *snap.FieldError) *refusal {
	reason := f.Error()
	switch {
	case f.Missing:
		return &refusal{http.StatusBadRequest, "02", "Invalid Mandatory Field " + f.Field, reason}
	case f.Range:
		return &refusal{http.StatusNotFound, "13", "Invalid Amount", reason}
	default:
		return &refusal{http.StatusBadRequest, "01", "Invalid Field Format " + f.Field, reason}
	}
}

// transactionStatus is a payment's state in the protocol's words.
func transactionStatus(s gateway.PaymentStatus) (status, description string) {
	switch p := s.Payment; p.State {
	case gateway.PaymentAwaiting:
		if s.Opened {
			return snap.TransactionPaying, "PAYING"
		}
		return snap.TransactionInitiated, "INITIATED"
	case gateway.PaymentSucceeded:
		if p.Refunded == p.Split {
			return snap.TransactionRefunded, "REFUNDED"
		}
		return snap.TransactionSuccess, "SUCCESS"
	case gateway.PaymentCancelled:
		return snap.TransactionCancelled, "CANCELLED"
	default:
		return snap.TransactionFailed, "FAILED"
	}
}
