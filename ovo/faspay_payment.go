package ovo

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// FaspayPurses says which purses pay.
type FaspayPurses string

const (
	FaspayCash        FaspayPurses = faspay.PayCash   // all of it from cash
	FaspayPoints      FaspayPurses = faspay.PayPoints // all of it from points
	FaspayPointsFirst FaspayPurses = faspay.PayBoth   // points as far as they go, the rest from cash
)

// FaspayPayRequest asks a customer for a payment from a linked wallet. All members
// but Purses are mandatory in this API.
type FaspayPayRequest struct {
	// Phone is the linked number: 08…, 62… or +62….
	Phone string
	// BillNo is the merchant's number of the order: 1 to 32 letters, digits and
	// . _ / -. It is what protects the customer from being charged twice. It serves
	// again after a payment that failed, expired or was cancelled.
	BillNo string
	// Description is what is paid for, up to 128 characters.
	Description string
	// Amount is in rupiah, 1 to 999,999,999,999.
	Amount int64
	// CustomerName and Email have up to 128 characters.
	CustomerName string
	Email        string
	// Purses is empty for FaspayCash.
	Purses FaspayPurses
}

// FaspayPayment is a payment that waits for the customer.
type FaspayPayment struct {
	BillNo string
	// TrxID is the gateway's number of the payment, which Inquire and Cancel ask for.
	TrxID string
	// RedirectURL is the page on which the customer confirms with OTP and PIN.
	RedirectURL string
	// State is StatePending while the page is open, StateSuccess if the gateway did not
	// ask the customer, else StateUnknown: the guide does not list the values.
	State State
	// Status is the member of this name as received, behind State.
	Status string
	// At is when the gateway took the payment; zero if it did not say.
	At time.Time
}

// Pay asks for a payment. It moves no money: send the customer's browser to
// RedirectURL. That it was paid, a [FaspayNotification] or Inquire tells.
//
// Refusals: [ErrRenewLink], with the page in [Error.RenewURL]; ErrDuplicate for an
// order that is paid already (81); ErrRefused for everything that this API calls 01,
// as a number that is not linked or a BillNo used for another payment. What the
// purses hold is looked at when the customer confirms.
//
// After [ErrOutcomeUnknown] repeat Pay with the same BillNo and content: at a
// Gerbang server it is answered with the same payment and the same page, and at any
// gateway nobody is charged without having been on a page. Without the TrxID, which
// got lost with the answer, there is nothing to inquire for.
func (c *FaspayClient) Pay(ctx context.Context, r FaspayPayRequest) (FaspayPayment, error) {
	const op = "pay"
	var v check
	phone := v.local(r.Phone)
	v.bill(r.BillNo)
	v.printable("Description", r.Description, maxFaspayDesc)
	v.amount("Amount", r.Amount)
	v.printable("CustomerName", r.CustomerName, maxFaspayName)
	v.printable("Email", r.Email, maxFaspayEmail)
	r.Purses = FaspayPurses(either(string(r.Purses), faspay.PayCash))
	if r.Purses != FaspayCash && r.Purses != FaspayPoints && r.Purses != FaspayPointsFirst {
		v.fail(ErrInvalidRequest, "Purses is %q, must be FaspayCash, FaspayPoints or FaspayPointsFirst", r.Purses)
	}
	if v.err != nil {
		return FaspayPayment{}, failed(op, v.err)
	}
	total := faspay.FormatAmount(money.Amount(r.Amount), c.scale)
	var answer faspay.PaymentAnswer
	err := c.do(ctx, faspayCall{service: faspay.ServicePayment, charge: true, body: faspay.PaymentRequest{
		Request: "Payment", MerchantID: c.merchant.id, BillNo: r.BillNo, BillDesc: r.Description, BillTotal: total, BillCurrency: faspay.Currency,
		PaymentChannel: faspay.Channel, PhoneNo: phone, CustName: r.CustomerName, Email: r.Email, PayType: string(r.Purses), Signature: c.sign(phone),
	}}, &answer)
	if err != nil {
		return FaspayPayment{}, failed(op, err)
	}
	p := FaspayPayment{BillNo: r.BillNo, TrxID: answer.TrxID, RedirectURL: answer.RedirectURL, State: StateUnknown, Status: answer.Status}
	p.At, _ = faspay.ParseTime(answer.PaymentDay)
	switch strings.ToUpper(answer.Status) {
	case faspay.PaymentPending:
		p.State = StatePending
	case faspay.PaymentSuccess:
		p.State = StateSuccess
	}
	switch {
	case answer.BillNo != "" && answer.BillNo != r.BillNo, answer.Amount != "" && answer.Amount != total:
		err = unreadable("it is about the order %q of %s", answer.BillNo, answer.Amount)
	case answer.TrxID == "":
		err = unreadable("no trx_id")
	case answer.RedirectURL == "" && p.State != StateSuccess:
		err = unreadable("no redirectURL")
	}
	if err != nil {
		return FaspayPayment{}, failed(op, unknown(err))
	}
	return p, nil
}

// FaspayBill names a payment by the gateway's number and the merchant's. Both are
// mandatory.
type FaspayBill struct {
	TrxID  string
	BillNo string
}

func (b FaspayBill) check(v *check) {
	v.trx(b.TrxID)
	v.bill(b.BillNo)
}

// FaspayStatus is how a payment stands.
type FaspayStatus struct {
	FaspayBill
	// State is, for the payment_status_code: StateInitiated (0), StatePaying (1: the
	// customer is on the page), StateSuccess (2), StateFailed (3; 7: expired),
	// StateRefunded (4: reversed), StateCancelled (8), else StateUnknown.
	State State
	// StatusCode and Status are the code behind State and its text, as received.
	StatusCode string
	Status     string
	// Amount is what was paid, in rupiah; 0 if the gateway did not say, as before the
	// payment.
	Amount int64
	// Reference is OVO's number of the payment, PaidAt when the money moved. Both are
	// empty before that.
	Reference string
	PaidAt    time.Time
}

var faspayStates = map[string]State{
	faspay.StatusUnprocessed: StateInitiated,
	faspay.StatusInProcess:   StatePaying,
	faspay.StatusSuccess:     StateSuccess,
	faspay.StatusFailed:      StateFailed,
	faspay.StatusReversed:    StateRefunded,
	faspay.StatusExpired:     StateFailed,
	faspay.StatusCancelled:   StateCancelled,
}

func faspayState(code string) State {
	if s, ok := faspayStates[code]; ok {
		return s
	}
	return StateUnknown
}

// Inquire asks how a payment stands (service 100004). It has no effect and is
// repeated once when the connection breaks. ErrNotFound: no such payment.
func (c *FaspayClient) Inquire(ctx context.Context, b FaspayBill) (FaspayStatus, error) {
	const op = "inquire"
	var v check
	b.check(&v)
	if v.err != nil {
		return FaspayStatus{}, failed(op, v.err)
	}
	var answer faspay.InquiryAnswer
	err := c.do(ctx, faspayCall{service: faspay.ServiceInquiry, read: true, body: faspay.InquiryRequest{
		Request: "Inquiry Payment Status", TrxID: b.TrxID, MerchantID: c.merchant.id, BillNo: b.BillNo, Signature: c.sign(b.BillNo),
	}}, &answer)
	if err != nil {
		return FaspayStatus{}, failed(op, err)
	}
	switch {
	case answer.PaymentStatusCode == "":
		return FaspayStatus{}, failed(op, unreadable("no payment_status_code"))
	case answer.BillNo != b.BillNo || answer.TrxID != b.TrxID:
		return FaspayStatus{}, failed(op, unreadable("it is about the payment %q of the order %q", answer.TrxID, answer.BillNo))
	case answer.PaymentStatusCode == faspay.StatusNoBill:
		return FaspayStatus{}, failed(op, &Error{Code: answer.ResponseCode, Message: answer.PaymentStatusDesc, Status: 200, means: ErrNotFound})
	}
	s := FaspayStatus{
		FaspayBill: b, State: faspayState(answer.PaymentStatusCode), StatusCode: answer.PaymentStatusCode, Status: answer.PaymentStatusDesc,
		Reference: given(answer.PaymentReff),
	}
	s.PaidAt, _ = faspay.ParseTime(answer.PaymentDate)
	if answer.PaymentTotal != "" {
		if s.Amount, err = c.rupiah(answer.PaymentTotal); err != nil {
			return FaspayStatus{}, failed(op, unreadable("payment_total: %v", err))
		}
	}
	return s, nil
}

// given is text, unless it is the word that some answers have for nothing.
func given(text string) string {
	if text == "null" {
		return ""
	}
	return text
}

// FaspayCancelRequest withdraws a payment that is not paid yet.
type FaspayCancelRequest struct {
	FaspayBill
	// Reason has 1 to 50 characters.
	Reason string
}

// FaspayCancellation is a payment that cannot be paid any more.
type FaspayCancellation struct {
	FaspayBill
	// State is that of the payment, StateCancelled. StatusCode is behind it, as received.
	State      State
	StatusCode string
	// At is when it was cancelled; zero if the gateway did not say.
	At time.Time
}

// Cancel withdraws a payment before the customer has paid (service 100005). There is
// no call to give back what was paid. ErrRefused: it is paid, expired or cancelled
// already. After [ErrOutcomeUnknown], Inquire tells.
func (c *FaspayClient) Cancel(ctx context.Context, r FaspayCancelRequest) (FaspayCancellation, error) {
	const op = "cancel"
	var v check
	r.FaspayBill.check(&v)
	v.printable("Reason", r.Reason, maxFaspayReason)
	if v.err != nil {
		return FaspayCancellation{}, failed(op, v.err)
	}
	var answer faspay.CancelAnswer
	err := c.do(ctx, faspayCall{service: faspay.ServiceCancel, charge: true, body: faspay.CancelRequest{
		Request: "Cancel Transaction", TrxID: r.TrxID, MerchantID: c.merchant.id, Merchant: c.name, BillNo: r.BillNo, PaymentCancel: r.Reason,
		Signature: c.sign(r.BillNo),
	}}, &answer)
	if err != nil {
		return FaspayCancellation{}, failed(op, err)
	}
	done := FaspayCancellation{FaspayBill: r.FaspayBill, State: faspayState(answer.PaymentStatusCode), StatusCode: answer.PaymentStatusCode}
	done.At, _ = faspay.ParseTime(answer.PaymentCancelDate)
	if answer.BillNo != r.BillNo || done.State != StateCancelled {
		return FaspayCancellation{}, failed(op, unknown(unreadable("the order %q has payment_status_code %q", answer.BillNo, answer.PaymentStatusCode)))
	}
	return done, nil
}

// FaspayHistoryQuery asks for one page of a customer's payments to the merchant.
type FaspayHistoryQuery struct {
	// Phone is the linked number: 08…, 62… or +62….
	Phone string
	// From and To are the first and the last day in Western Indonesian Time, both
	// included and neither in the future. The time of day does not matter.
	From time.Time
	To   time.Time
	// Page counts from 1, which 0 stands for.
	Page int
	// Limit is how many payments make a page: 1 to 100; 0 stands for 100.
	Limit int
}

// FaspayTransaction is a payment in a history.
type FaspayTransaction struct {
	TrxID  string
	Amount int64 // in rupiah
	Cash   int64 // the shares of the purses
	Points int64
	// Status is as received: the guide does not list the values. Gerbang's are
	// "PENDING", "SUCCESS" and "FAILED".
	Status string
	At     time.Time
}

// History lists a customer's payments to the merchant, newest first. There is no
// total: ask for the next page until one comes that is not full. It is repeated once
// when the connection breaks. ErrRefused: the number is not linked, or the range is
// refused.
func (c *FaspayClient) History(ctx context.Context, q FaspayHistoryQuery) ([]FaspayTransaction, error) {
	const op = "history"
	var v check
	phone := v.local(q.Phone)
	if q.From.IsZero() || q.To.IsZero() || q.From.After(q.To) {
		v.fail(ErrInvalidRequest, "From and To must be set, From not later than To")
	}
	if q.Page == 0 {
		q.Page = 1
	}
	if q.Limit == 0 {
		q.Limit = faspay.MaxLimit
	}
	if q.Page < 1 || q.Limit < 1 || q.Limit > faspay.MaxLimit {
		v.fail(ErrInvalidRequest, "Page is %d and Limit %d; pages count from 1 and have up to %d payments", q.Page, q.Limit, faspay.MaxLimit)
	}
	if v.err != nil {
		return nil, failed(op, v.err)
	}
	day := func(t time.Time) string { return t.In(wire.WIB).Format(time.DateOnly) }
	var answer faspay.HistoryAnswer
	err := c.do(ctx, faspayCall{service: faspay.ServiceHistory, read: true, body: faspay.HistoryRequest{
		Request: "History Transaction", MerchantID: c.merchant.id, Merchant: c.name, PhoneNo: phone, PaymentChannel: faspay.Channel,
		StartDate: day(q.From), EndDate: day(q.To), Page: strconv.Itoa(q.Page), Limit: strconv.Itoa(q.Limit), Signature: c.sign(phone),
	}}, &answer)
	if err != nil {
		return nil, failed(op, err)
	}
	var list []FaspayTransaction
	for _, t := range answer.Transactions {
		transaction, err := c.transaction(t)
		if err != nil {
			return nil, failed(op, unreadable("payment %q: %v", t.TrxID, err))
		}
		list = append(list, transaction)
	}
	return list, nil
}

func (c *FaspayClient) transaction(t faspay.Transaction) (FaspayTransaction, error) {
	known := FaspayTransaction{TrxID: t.TrxID, Status: t.Status}
	known.At, _ = faspay.ParseTime(t.PaymentDate)
	var err error
	if known.Amount, err = c.rupiah(t.TrxAmount); err != nil {
		return FaspayTransaction{}, err
	}
	for _, share := range t.AmountDetail {
		amount, err := c.rupiah(share.Amt)
		if err != nil {
			return FaspayTransaction{}, err
		}
		if strings.EqualFold(share.Type, faspay.PursePoints) {
			known.Points += amount
		} else {
			known.Cash += amount
		}
	}
	return known, nil
}

// FaspayReturn is what the customer's browser brings to the merchant's page after a
// payment.
type FaspayReturn struct {
	FaspayBill
	// State and StatusCode are as in [FaspayStatus].
	State      State
	StatusCode string
	// Amount is in rupiah; 0 if it is not there.
	Amount int64
}

// ReadReturn reads the query of the address to which the gateway sent the customer's
// browser after a payment, and checks the signature. ErrSignature: it is missing,
// wrong, or another merchant's.
//
// The signature covers BillNo and status only, and whoever has the address can open
// it again: show the customer what it says, and change an order only on a
// [FaspayNotification] or after Inquire.
func (c *FaspayClient) ReadReturn(query string) (FaspayReturn, error) {
	const op = "return"
	r, err := faspay.ParseReturn(query)
	if err != nil {
		return FaspayReturn{}, failed(op, invalid(err))
	}
	if r.MerchantID != c.merchant.id || !c.merchant.genuine(r.BillNo+r.Status, r.Signature) {
		return FaspayReturn{}, failed(op, ErrSignature)
	}
	back := FaspayReturn{FaspayBill: FaspayBill{TrxID: r.TrxID, BillNo: r.BillNo}, State: faspayState(r.Status), StatusCode: r.Status}
	if r.BillTotal != "" {
		if back.Amount, err = c.rupiah(r.BillTotal); err != nil {
			return FaspayReturn{}, failed(op, invalid(err))
		}
	}
	return back, nil
}
