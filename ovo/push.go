package ovo

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// pushTimeout bounds a push payment when the merchant brings no HTTP client. The
// gateway answers after 70 seconds at the latest.
const pushTimeout = 80 * time.Second

const maxPushInvoice = 64

const (
	codeApproved = "00"
	codeLate     = "68"
)

// PushConfig says who the merchant is and where the gateway is.
type PushConfig struct {
	// BaseURL, ClientID and SecretKey are as in [JokulConfig].
	BaseURL   string
	ClientID  string
	SecretKey string
	// HTTPClient sends the requests; nil stands for one that gives up after 80
	// seconds. One that gives up before 70 seconds leaves customers who take their
	// time with ErrOutcomeUnknown. Redirects are never followed, whatever it says.
	HTTPClient *http.Client
	// Now is the clock; nil stands for time.Now. See [JokulConfig] about moved clocks.
	Now func() time.Time
}

// PushClient calls OVO Push Payment for one merchant. It may be used by many
// goroutines at once.
type PushClient struct {
	line jokulLine
}

// Push makes a client. It sends nothing; its error is a mistake in c.
func Push(c PushConfig) (*PushClient, error) {
	line, err := newJokulLine(JokulConfig(c), pushTimeout)
	if err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	return &PushClient{line}, nil
}

// PushRequest asks a customer to pay in the OVO app. No binding is needed.
type PushRequest struct {
	// Phone is the number of the OVO account: 08…, 62… or +62….
	Phone string
	// Invoice is the merchant's number of the payment: 1 to 64 characters, never used
	// for another payment. It is what protects the customer from being charged twice.
	Invoice string
	// Amount is in rupiah, 1 to 999,999,999,999. The customer chooses the purse.
	Amount int64
	// NotificationURL, if set, takes the place of the one in the merchant's settings.
	// DOKU documents that only the host may differ.
	NotificationURL string
	// RequestID is the Request-Id: up to 128 characters, never used before. Empty: a
	// fresh UUID, which is right for a repeat with the same Invoice too.
	RequestID string
}

// PushResult is how a push payment ended. All amounts are in rupiah.
type PushResult struct {
	Invoice string
	Amount  int64
	// State is StateSuccess or, beside an error, StateFailed or StateUnknown; in a
	// [JokulStatus] it is that of the payment. It is empty when there was no answer
	// about the payment.
	State State
	// Code is OVO's response code: "00" for success, also in [Error.Code] otherwise.
	Code string
	// CashUsed and PointsUsed are what the purses paid, CashLeft and PointsLeft what
	// they hold after that, PointsEarned what the customer got for it.
	CashUsed     int64
	PointsUsed   int64
	CashLeft     int64
	PointsLeft   int64
	PointsEarned int64
	// BatchNumber, ReferenceNumber and TraceNumber name the payment at OVO: by the
	// merchant's settlement batch, within it, and OVO's own.
	BatchNumber     int64
	ReferenceNumber int64
	TraceNumber     int64
	// ApprovalCode is OVO's; empty if it was not approved.
	ApprovalCode string
	// PaidAt is when OVO answered; zero if the gateway did not say.
	PaidAt time.Time
	// AccountName is the customer's name at OVO; it may be empty.
	AccountName string
	// RequestID is the Request-Id of the request. It is set beside an error as well if
	// anything was sent.
	RequestID string
}

// Pay sends the request to the customer's phone and waits for the end, up to 70
// seconds (/ovo-emoney/v1/payment). With a nil error the customer has paid.
//
// Otherwise the error has OVO's code in [Error.Code] and matches ErrRefused (17:
// declined; "-": no reaction; 58, 63, EB, BR), ErrWalletUnavailable (14: no such
// account; 56, 64: blocked), ErrLimitExceeded (61, 65), ErrInvalidAmount (13, 67),
// ErrDuplicate (94: the Invoice was used for another payment), or ErrUnavailable
// (26: the phone was not reached; 40, ER, TO). Nobody was charged then. To try
// again, use a new Invoice.
//
// After [ErrOutcomeUnknown] (68, TIMEOUT, an end of patience, a broken connection)
// the customer may have paid, or may still pay. Ask Status, or call Pay again with
// the same Invoice, Phone and Amount and without RequestID: a Gerbang server lets
// it join the wait that is going on, or gives the stored end; it never asks the
// customer twice. DOKU refuses such a repeat (94), which charges nobody either;
// Status helps there. A cancelled ctx ends the waiting, not the payment.
//
// The answer's check_sum must be right. It covers the payment and OVO's numbers,
// not the state; the header signature covers everything and must be right if it is
// there. DOKU does not document it for this call, Gerbang always sends it.
func (c *PushClient) Pay(ctx context.Context, r PushRequest) (PushResult, error) {
	const op = "push"
	var v check
	local := "0" + strings.TrimPrefix(v.phone(r.Phone), "62")
	v.printable("Invoice", r.Invoice, maxPushInvoice)
	v.amount("Amount", r.Amount)
	v.optional("NotificationURL", r.NotificationURL, maxURL)
	v.opaqueID("RequestID", r.RequestID)
	if v.err != nil {
		return PushResult{}, failed(op, v.err)
	}
	body := jokul.PushRequest{
		Client: jokul.ClientRef{ID: c.line.id}, Order: jokul.OrderTotal{InvoiceNumber: r.Invoice, Amount: jokul.Number(r.Amount)},
		OVOInfo: jokul.OVOID{OVOID: local}, AdditionalInfo: override(r.NotificationURL),
	}
	body.Security.CheckSum = body.CheckSumFields().Sum(c.line.secret)
	return c.ask(ctx, op, pushed{body.Order, body.OVOInfo}, jokulCall{
		path: jokul.PathPush, body: body, requestID: r.RequestID, charge: true, invoice: true, checkSum: true,
	})
}

// pushed is what a request and its answer must agree on.
type pushed struct {
	order jokul.OrderTotal
	phone jokul.OVOID
}

// ask makes a call that is answered with the outcome of a push payment.
func (c *PushClient) ask(ctx context.Context, op string, about pushed, k jokulCall) (PushResult, error) {
	reply, err := c.line.do(ctx, k)
	result := PushResult{Invoice: about.order.InvoiceNumber, Amount: int64(about.order.Amount), RequestID: reply.requestID}
	if err != nil {
		return result, failed(op, err)
	}
	if problem := c.disown(reply.doc, about); problem != "" {
		return result, failed(op, unknown(unreadable("%s", problem)))
	}
	var answer jokul.PushAnswer
	if err := reply.read(&answer); err != nil {
		return result, failed(op, unknown(err))
	}
	said := pushResult(reply.doc, &answer.OVOPayment)
	said.Invoice, said.Amount, said.RequestID = result.Invoice, result.Amount, result.RequestID
	if err := said.settle(answer.OVOPayment.Status, reply.status); err != nil {
		return said, failed(op, err)
	}
	return said, nil
}

// disown says why an answer is not the genuine one to the request. Its check_sum
// joins values without saying where one ends, so they are compared as well.
func (c *PushClient) disown(doc wire.Value, sent pushed) string {
	f, received := jokul.AnswerCheckSum(doc)
	amount := doc.Get("order.amount").Literal()
	whole, fraction, _ := strings.Cut(amount, ".")
	switch {
	case received == "":
		return "no check_sum"
	case !jokul.VerifyCheckSum(c.line.secret, f, received).OK:
		return "its check_sum does not match"
	case f.ClientID != c.line.id, f.InvoiceNumber != sent.order.InvoiceNumber, f.OVOID != sent.phone.OVOID,
		whole != strconv.FormatInt(int64(sent.order.Amount), 10), strings.Trim(fraction, "0") != "":
		return "it is about another payment"
	}
	return ""
}

func pushResult(doc wire.Value, p *jokul.OVOPayment) PushResult {
	f, _ := jokul.AnswerCheckSum(doc) // has approval codes that are sent as numbers
	name, _ := doc.Get("ovo_info.ovo_account_name").Text()
	paid, _ := jokul.ParsePaymentDate(p.Date)
	return PushResult{
		Code:     doc.Get("ovo_payment.response_code").Literal(),
		CashUsed: int64(p.CashUsed), PointsUsed: int64(p.OVOPointsUsed),
		CashLeft: int64(p.CashBalance), PointsLeft: int64(p.OVOPointsBalance), PointsEarned: int64(p.OVOPointsEarned),
		BatchNumber: int64(p.BatchNumber), ReferenceNumber: int64(p.ReferenceNumber), TraceNumber: int64(p.TraceNumber),
		ApprovalCode: f.ApprovalCode, PaidAt: paid, AccountName: name,
	}
}

// settle sets the state and returns the error that goes with it. A status and a
// code that contradict each other settle nothing.
func (p *PushResult) settle(status string, httpStatus int) error {
	status = strings.ToUpper(status)
	switch {
	case status == jokul.StatusSuccess && p.Code == codeApproved:
		p.State = StateSuccess
		return nil
	case status == jokul.StatusFailed && p.Code != "" && p.Code != codeApproved && p.Code != codeLate:
		p.State = StateFailed
		return outcome(p.Code, httpStatus)
	}
	p.State = StateUnknown
	if p.Code == codeLate || status == jokul.StatusTimeout {
		return unknown(outcome(codeLate, httpStatus))
	}
	return unknown(unreadable("its status is %q and its response_code %q", status, p.Code))
}

// Status asks how a push payment stands (/orders/v1/status). It has no effect and
// is repeated once when the connection breaks. While the customer is asked it says
// StatePending. ErrNotFound: no such payment, which soon after a Pay whose outcome
// is unknown is not the last word.
func (c *PushClient) Status(ctx context.Context, invoice string) (JokulStatus, error) {
	return c.line.status(ctx, invoice)
}
