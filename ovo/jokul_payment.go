package ovo

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// Bounds of a payment by token. Amounts have up to 10 digits.
const (
	minJokulInvoice = 3
	maxJokulInvoice = 32
	maxJokulAmount  = 9_999_999_999
)

// JokulItem is one article of a payment. Articles need not add up to the amount.
type JokulItem struct {
	Name     string // optional, up to 255 characters
	Price    int64  // of one piece, in rupiah; 0 is not sent
	Quantity int64  // at least 1
}

// JokulPayRequest charges a bound wallet.
type JokulPayRequest struct {
	Customer JokulCustomer
	// Token is that of a [JokulToken] of this customer.
	Token string
	// Invoice is the merchant's number of the payment: 3 to 32 letters, digits, "_" and
	// "-", never used before, not even for a payment that was refused. It is what
	// protects the customer from being charged twice.
	Invoice string
	// Amount is the whole price in rupiah, up to 9,999,999,999.
	Amount int64
	// UsePoints takes points first and the rest from cash. Without it, all of the
	// amount is taken from cash.
	UsePoints bool
	// First marks the first payment of a subscription. Only Pay sends it.
	First bool
	// Items are optional.
	Items []JokulItem
	// SuccessURL and FailureURL are where the browser goes from the page. They are
	// mandatory for PayOnPage and must be empty for Pay, which has no page.
	SuccessURL string
	FailureURL string
	// NotificationURL, if set, takes the place of the one in the merchant's settings.
	// DOKU documents that only the host may differ.
	NotificationURL string
	// RequestID is the Request-Id: up to 128 characters, never used before. Empty: a
	// fresh UUID.
	RequestID string
}

// JokulPayment is how a charge was answered.
type JokulPayment struct {
	// Invoice is the merchant's.
	Invoice string
	// State is StateSuccess, StatePending or, beside an error, StateFailed or
	// StateUnknown. It is empty when there was no answer about the payment.
	State State
	// Status is payment.status as received, behind State.
	Status string
	// RedirectURL is the page on which the customer confirms; only from PayOnPage.
	RedirectURL string
	// RequestID is that of the request, which Refund asks for. It is set beside an
	// error as well if anything was sent: store it.
	RequestID string
}

// Pay charges a token of type JokulRecurring without the customer
// (/ovo-open-api/v1/payment-recurring). StateSuccess: the money has moved.
// StatePending, which only happens at a gateway that asks the customer after all: a
// [JokulNotification] or Status has the last word.
//
// A charge that OVO refused has an error and a result with StateFailed: the error
// is ErrCustomerToken for a token whose year is over, ErrRefused for everything
// else, for the API does not tell balance, limit and block apart. Other refusals:
// ErrCustomerToken for a token that is unknown or was unbound, ErrDuplicate for an
// Invoice that was used before.
//
// After [ErrOutcomeUnknown], ErrDuplicate and ErrConflict the wallet may have been
// charged: ask Status with the Invoice. Repeating the call with the same RequestID
// charges nobody twice either. Pay never repeats a request by itself.
func (c *JokulClient) Pay(ctx context.Context, r JokulPayRequest) (JokulPayment, error) {
	const op = "pay"
	var v check
	r.check(&v)
	if r.SuccessURL != "" || r.FailureURL != "" {
		v.fail(ErrInvalidRequest, "SuccessURL or FailureURL is set, but Pay has no page")
	}
	if v.err != nil {
		return JokulPayment{}, failed(op, v.err)
	}
	return c.pay(ctx, op, r, jokul.PathRecurringPayment, jokul.RecurringPaymentRequest{
		Customer: r.Customer.wire(), AdditionalInfo: override(r.NotificationURL), Order: r.order(),
		OVOAccount: jokul.RecurringAccount{TokenID: r.Token, PaymentUseOVOPoint: r.UsePoints, FirstPayment: r.First},
	})
}

// PayOnPage charges a token of type JokulOnPage once its owner has confirmed on a
// page (/ovo-open-api/v1/payment). DOKU's description of this call could not be
// read; its shape is that of published clients. The result is StatePending: send
// the browser to RedirectURL and wait for the [JokulNotification]. Errors are those
// of Pay.
func (c *JokulClient) PayOnPage(ctx context.Context, r JokulPayRequest) (JokulPayment, error) {
	const op = "pay on page"
	var v check
	r.check(&v)
	v.text("SuccessURL", r.SuccessURL, maxURL)
	v.text("FailureURL", r.FailureURL, maxURL)
	if r.First {
		v.fail(ErrInvalidRequest, "First is for Pay only")
	}
	if v.err != nil {
		return JokulPayment{}, failed(op, v.err)
	}
	return c.pay(ctx, op, r, jokul.PathPayment, jokul.PaymentRequest{
		Customer: r.Customer.wire(), AdditionalInfo: override(r.NotificationURL), Order: r.order(),
		OVOAccount: jokul.PaymentAccount{
			TokenID: r.Token, PaymentUseOVOPoint: r.UsePoints, SuccessPaymentURL: r.SuccessURL, FailedPaymentURL: r.FailureURL,
		},
	})
}

func (r JokulPayRequest) check(v *check) {
	r.Customer.check(v, maxJokulNotePay)
	v.printable("Token", r.Token, maxJokulToken)
	v.jokulInvoice(r.Invoice)
	v.amount("Amount", r.Amount)
	if r.Amount > maxJokulAmount {
		v.fail(ErrInvalidAmount, "Amount is %d, must be up to %d", r.Amount, int64(maxJokulAmount))
	}
	for _, item := range r.Items {
		v.optional("Items: Name", item.Name, 255)
		if item.Quantity < 1 || item.Price < 0 {
			v.fail(ErrInvalidRequest, "Items: the Quantity of %q is below 1, or its Price below 0", item.Name)
		}
	}
	v.optional("NotificationURL", r.NotificationURL, maxURL)
	v.opaqueID("RequestID", r.RequestID)
}

func (v *check) jokulInvoice(invoice string) {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	if len(invoice) < minJokulInvoice || len(invoice) > maxJokulInvoice || strings.Trim(invoice, allowed) != "" {
		v.fail(ErrInvalidRequest, "Invoice must have %d to %d letters, digits, _ and -", minJokulInvoice, maxJokulInvoice)
	}
}

func (r JokulPayRequest) order() jokul.Order {
	order := jokul.Order{InvoiceNumber: r.Invoice, Amount: jokul.Number(r.Amount)}
	for _, item := range r.Items {
		line := jokul.LineItem{Name: item.Name, Quantity: json.Number(strconv.FormatInt(item.Quantity, 10))}
		if item.Price != 0 {
			line.Price = json.Number(strconv.FormatInt(item.Price, 10))
		}
		order.LineItems = append(order.LineItems, line)
	}
	return order
}

// override is the additional_info of a request with a notification URL of its own.
func override(url string) json.RawMessage {
	if url == "" {
		return nil
	}
	info, err := wire.Encode(map[string]string{"override_notification_url": url})
	if err != nil {
		panic(err) // a map of texts
	}
	return info
}

func (c *JokulClient) pay(ctx context.Context, op string, r JokulPayRequest, path string, body any) (JokulPayment, error) {
	reply, err := c.line.do(ctx, jokulCall{path: path, body: body, requestID: r.RequestID, charge: true, token: true, invoice: true})
	p := JokulPayment{Invoice: r.Invoice, RequestID: reply.requestID}
	if err != nil {
		return p, failed(op, err)
	}
	if invoice, _ := reply.doc.Get("order.invoice_number").Text(); invoice != r.Invoice {
		return p, failed(op, unknown(unreadable("it is about the invoice %q", invoice)))
	}
	p.Status, _ = reply.doc.Get("payment.status").Text()
	p.RedirectURL, _ = reply.doc.Get("ovo_account.payment_url").Text()
	p.State = jokulState(p.Status)
	switch p.State {
	case StateSuccess:
	case StatePending:
		if path == jokul.PathPayment && p.RedirectURL == "" {
			err = unknown(unreadable("no payment_url"))
		}
	case StateFailed:
		err = outcome(strings.ToUpper(p.Status), reply.status)
	default:
		p.State = StateUnknown
		err = unknown(unreadable("payment.status is %q", p.Status))
	}
	if err != nil {
		return p, failed(op, err)
	}
	return p, nil
}

// JokulStatus is what the gateway knows about a payment by token or by push.
type JokulStatus struct {
	// Invoice is the merchant's number of the payment, RequestID the Request-Id of its
	// request.
	Invoice   string
	RequestID string
	// State is StatePending, StateSuccess, StateFailed, StateRefunded, or StateUnknown
	// for TIMEOUT, which is to say: ask later.
	State State
	// Status is transaction.status as received, behind State.
	Status string
	// Reason says why the payment failed, as an [*Error] that matches the Err values of
	// this package. It is nil when there is nothing to say.
	Reason error
	// Amount is in rupiah. Compare it with what was asked for.
	Amount int64
	// At is when the payment reached its state; zero if the gateway did not say.
	At time.Time
	// Token and MaskedPhone are of a payment by token, else empty.
	Token       string
	MaskedPhone string
	// Push is how a push payment ended; nil for other payments, and before that.
	Push *PushResult
}

// Status asks how a payment stands (/orders/v1/status). id is its Invoice or the
// RequestID of its request; payments by push are found as well. It has no effect
// and is repeated once when the connection breaks. DOKU wants a minute to pass
// between a payment and the first question. ErrNotFound: no such payment.
func (c *JokulClient) Status(ctx context.Context, id string) (JokulStatus, error) {
	return c.line.status(ctx, id)
}

func (l *jokulLine) status(ctx context.Context, id string) (JokulStatus, error) {
	const op = "status"
	var v check
	v.printable("id", id, jokul.MaxRequestID)
	if id == "." || id == ".." { // a path that means another one
		v.fail(ErrInvalidRequest, "id is %q", id)
	}
	if v.err != nil {
		return JokulStatus{}, failed(op, v.err)
	}
	reply, err := l.do(ctx, jokulCall{path: jokul.StatusPath(id), read: true})
	if err != nil {
		return JokulStatus{}, failed(op, err)
	}
	s, problem := readStatus(reply.doc, reply.body, reply.status)
	switch {
	case problem != "":
		return JokulStatus{}, failed(op, unreadable("%s", problem))
	case s.Invoice != id && s.RequestID != id:
		return JokulStatus{}, failed(op, unreadable("it is about the invoice %q", s.Invoice))
	}
	return s, nil
}

// readStatus reads a status answer or a notification, which have the same members,
// and says what is wrong with it. It insists on no more than is needed to know
// which payment stands how.
func readStatus(doc wire.Value, body []byte, httpStatus int) (s JokulStatus, problem string) {
	for _, path := range []string{"order.invoice_number", "order.amount", "transaction.status"} {
		if doc.Get(path).Literal() == "" {
			return JokulStatus{}, "no " + path
		}
	}
	var n jokul.Notification
	if err := unmarshal(body, &n); err != nil {
		return JokulStatus{}, err.Error()
	}
	s = JokulStatus{
		Invoice: n.Order.InvoiceNumber, RequestID: n.Transaction.OriginalRequestID, Amount: int64(n.Order.Amount),
		Status: n.Transaction.Status, State: jokulState(n.Transaction.Status),
	}
	if s.Invoice == "" || s.Amount < 1 {
		return JokulStatus{}, "order.invoice_number or order.amount cannot be right"
	}
	s.At, _ = jokul.ParseTime(n.Transaction.Date)
	failure := strings.ToUpper(s.Status)
	if n.Wallet != nil {
		s.Token, s.MaskedPhone = n.Wallet.TokenID, n.Wallet.MaskedPhoneNumber
		if strings.EqualFold(n.Wallet.Status, jokul.StatusTokenExpired) {
			failure = jokul.StatusTokenExpired
		}
	}
	if n.OVOPayment != nil {
		push := pushResult(doc, n.OVOPayment)
		push.Invoice, push.Amount, push.RequestID, push.State = s.Invoice, s.Amount, s.RequestID, s.State
		s.Push = &push
		if push.Code != "" && push.Code != codeApproved {
			failure = push.Code
		}
	}
	if s.State == StateFailed {
		s.Reason = outcome(failure, httpStatus)
	}
	return s, ""
}

// JokulRefundRequest returns money of a payment by token, wholly or in part.
type JokulRefundRequest struct {
	// Invoice and PaymentRequestID name the payment: its Invoice and the RequestID of
	// its request. [JokulStatus] tells both.
	Invoice          string
	PaymentRequestID string
	// Amount is in rupiah. Several refunds may not exceed the payment together. Points
	// are returned first.
	Amount int64
	// Reason is optional, up to 255 characters.
	Reason string
	// RequestID is the Request-Id: up to 128 characters, never used before. Empty: a
	// fresh UUID. A refund has no other number, so this alone protects the merchant
	// from refunding twice: store it before the call.
	RequestID string
}

// JokulRefund is how a refund was answered.
type JokulRefund struct {
	Invoice string
	Amount  int64 // in rupiah
	// State is StateSuccess or, beside an error, StateFailed or StateUnknown. It is
	// empty when there was no answer about the refund.
	State State
	// Message is the gateway's, in one word; it may be empty.
	Message string
	// RequestID is that of the refund's request. It is set beside an error as well if
	// anything was sent.
	RequestID string
}

// Refund returns money (/ovo-open-api/v1/payment-refund). It is done when Refund
// has answered; there is no notification. After [ErrOutcomeUnknown], repeat the
// call with the RequestID of the result: if the refund was made, the first answer
// comes once more. Another RequestID could refund twice, and Status does not show
// refunds of a part.
//
// Refusals: ErrNotFound for a payment that does not exist or has not succeeded,
// ErrInvalidAmount for more than is left, ErrRefused.
func (c *JokulClient) Refund(ctx context.Context, r JokulRefundRequest) (JokulRefund, error) {
	const op = "refund"
	var v check
	v.jokulInvoice(r.Invoice)
	v.printable("PaymentRequestID", r.PaymentRequestID, jokul.MaxRequestID)
	v.amount("Amount", r.Amount)
	v.optional("Reason", r.Reason, maxReason)
	v.opaqueID("RequestID", r.RequestID)
	if v.err != nil {
		return JokulRefund{}, failed(op, v.err)
	}
	reply, err := c.line.do(ctx, jokulCall{path: jokul.PathRefund, requestID: r.RequestID, charge: true, body: jokul.RefundRequest{
		Order: jokul.InvoiceRef{InvoiceNumber: r.Invoice}, Payment: jokul.RequestRef{OriginalRequestID: r.PaymentRequestID},
		Refund: jokul.RefundPart{Amount: jokul.Number(r.Amount), Reason: r.Reason},
	}})
	done := JokulRefund{Invoice: r.Invoice, Amount: r.Amount, RequestID: reply.requestID}
	if err != nil {
		return done, failed(op, err)
	}
	var answer jokul.RefundAnswer
	if err := reply.read(&answer); err != nil {
		return done, failed(op, unknown(err))
	}
	if answer.Order.InvoiceNumber != r.Invoice || figure(reply.doc, "refund.amount") && answer.Refund.Amount != jokul.Number(r.Amount) {
		return done, failed(op, unknown(unreadable("it is about another refund")))
	}
	done.Message = answer.Refund.Message
	switch strings.ToUpper(answer.Refund.Status) {
	case jokul.StatusSuccess:
		done.State = StateSuccess
		return done, nil
	case jokul.StatusFailed:
		done.State = StateFailed
		refusal := &Error{Code: jokul.StatusFailed, Message: done.Message, Status: reply.status}
		if strings.EqualFold(done.Message, "AMOUNT") {
			refusal.means = ErrInvalidAmount
		}
		return done, failed(op, refusal)
	}
	done.State = StateUnknown
	return done, failed(op, unknown(unreadable("refund.status is %q", answer.Refund.Status)))
}
