package ovo

import (
	"context"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// PaymentType says who confirms a payment.
type PaymentType string

const (
	// Sale sends the customer to a page that asks for OTP or PIN.
	Sale PaymentType = snap.PaymentSale
	// Recurring charges at once: the customer agreed at binding.
	Recurring PaymentType = snap.PaymentRecurring
)

// State is how far a payment or refund has come.
type State string

// States, with the codes of Bank Indonesia's SNAP.
const (
	StateSuccess   State = "success"   // 00
	StateInitiated State = "initiated" // 01: the page was not opened yet
	StatePaying    State = "paying"    // 02: the customer is on the page
	StatePending   State = "pending"   // 03
	StateRefunded  State = "refunded"  // 04: wholly; after a part it stays success
	StateCancelled State = "cancelled" // 05
	StateFailed    State = "failed"    // 06
	StateNotFound  State = "not_found" // 07
	StateUnknown   State = "unknown"   // any other code: wait
)

// Final tells whether the charge is decided: success, refunded (it was charged
// before), cancelled or failed. Everything else may still become one of these.
func (s State) Final() bool {
	return s == StateSuccess || s == StateRefunded || s == StateCancelled || s == StateFailed
}

var states = map[string]State{
	snap.TransactionSuccess:   StateSuccess,
	snap.TransactionInitiated: StateInitiated,
	snap.TransactionPaying:    StatePaying,
	snap.TransactionPending:   StatePending,
	snap.TransactionRefunded:  StateRefunded,
	snap.TransactionCancelled: StateCancelled,
	snap.TransactionFailed:    StateFailed,
	snap.TransactionNotFound:  StateNotFound,
}

func stateOf(code string) State {
	if s, ok := states[code]; ok {
		return s
	}
	return StateUnknown
}

// PayRequest charges a wallet.
type PayRequest struct {
	// CustomerToken is the AccessToken of a [CustomerToken].
	CustomerToken string
	// Reference is the merchant's number of the payment: 1 to 64 characters, never
	// used before, not even for a payment that was refused. It is what protects the
	// customer from being charged twice.
	Reference string
	// Type is Sale or Recurring; empty stands for Sale.
	Type PaymentType
	// Amount is the whole price in rupiah.
	Amount int64
	// Cash and Points are the shares of the two purses in rupiah. They must add up
	// to Amount; if both are 0, all of it is taken from cash.
	Cash   int64
	Points int64
	// SuccessURL and FailureURL are where the browser goes from the page. They are
	// mandatory for Sale. Getting there proves nothing, for anybody can open an
	// address.
	SuccessURL string
	FailureURL string
	// Remarks is optional, up to 40 characters.
	Remarks string
	// FeeType is optional: OUR, BEN or SHA.
	FeeType string
	// NotificationURL, if set, takes the place of the one in the merchant's
	// settings. DOKU documents that only the host may differ.
	NotificationURL string
	// RequestID is the X-EXTERNAL-ID: up to 36 digits, not used before on the same
	// day. Empty: a fresh one.
	RequestID string
}

// Payment is a payment that the gateway has accepted.
type Payment struct {
	// Reference is the merchant's.
	Reference string
	// ReferenceNo is the gateway's; it may be empty.
	ReferenceNo string
	// RedirectURL is the page on which the customer confirms a Sale. For Recurring
	// it is empty: the money has moved.
	RedirectURL string
	// RequestID is what [PaymentNotification] refers to.
	RequestID string
}

// Pay charges a wallet (service 54). A Sale is then up to the customer; a
// Recurring payment is accepted or refused at once. For both, the
// [PaymentNotification] or Status has the last word.
//
// Refusals: ErrInsufficientFunds, ErrLimitExceeded, ErrWalletUnavailable,
// ErrCustomerToken, ErrInvalidAmount, ErrDuplicate, ErrInconsistent. After
// [ErrOutcomeUnknown] the wallet may have been charged: ask Status with the same
// Reference. Pay never repeats a request that may have had an effect.
func (c *SNAPClient) Pay(ctx context.Context, r PayRequest) (Payment, error) {
	const op = "pay"
	var v check
	k := call{path: snap.PathPayment, requestID: r.RequestID, charge: true}
	k.customer = v.customer("CustomerToken", r.CustomerToken)
	if r.Type == "" {
		r.Type = Sale
	}
	r.check(&v)
	if v.err != nil {
		return Payment{}, failed(op, v.err)
	}
	k.body = snap.PaymentRequest{
		PartnerReferenceNo: r.Reference, FeeType: r.FeeType, Amount: rupiahs(r.Amount), PayOptionDetails: r.shares(),
		AdditionalInfo: snap.PaymentInfo{
			Channel: snap.Channel, Remarks: r.Remarks, SuccessPaymentURL: r.SuccessURL, FailedPaymentURL: r.FailureURL,
			PaymentType: string(r.Type), OverrideNotificationURL: r.NotificationURL,
		},
	}
	var answer snap.PaymentAnswer
	id, err := c.do(ctx, k, &answer)
	if err == nil && r.Type == Sale && answer.WebRedirectURL == "" {
		err = unknown(unreadable("no webRedirectUrl"))
	}
	if err != nil {
		return Payment{}, failed(op, err)
	}
	return Payment{
		Reference: r.Reference, ReferenceNo: answer.ReferenceNo, RedirectURL: answer.WebRedirectURL, RequestID: id,
	}, nil
}

func (r PayRequest) check(v *check) {
	v.text("Reference", r.Reference, maxReference)
	v.amount("Amount", r.Amount)
	if r.Cash < 0 || r.Points < 0 {
		v.fail(ErrInvalidAmount, "a share is negative")
	}
	if (r.Cash != 0 || r.Points != 0) && r.Points != r.Amount-r.Cash { // a sum could overflow
		v.fail(ErrInvalidAmount, "Cash %d and Points %d do not add up to Amount %d", r.Cash, r.Points, r.Amount)
	}
	switch r.Type {
	case Sale:
		v.text("SuccessURL", r.SuccessURL, maxURL)
		v.text("FailureURL", r.FailureURL, maxURL)
	case Recurring:
		v.optional("SuccessURL", r.SuccessURL, maxURL)
		v.optional("FailureURL", r.FailureURL, maxURL)
	default:
		v.fail(ErrInvalidRequest, "Type is %q, must be Sale or Recurring", r.Type)
	}
	v.optional("Remarks", r.Remarks, maxRemarks)
	v.optional("NotificationURL", r.NotificationURL, maxURL)
	v.requestID(r.RequestID)
}

// shares names each purse that pays. A purse that pays nothing is left out.
func (r PayRequest) shares() []snap.PayOptionDetail {
	if r.Cash == 0 && r.Points == 0 {
		r.Cash = r.Amount
	}
	var shares []snap.PayOptionDetail
	add := func(purse string, amount int64) {
		if amount != 0 {
			shares = append(shares, snap.PayOptionDetail{PayMethod: purse, TransAmount: rupiahs(amount), FeeAmount: rupiahs(0)})
		}
	}
	add(snap.PurseCash, r.Cash)
	add(snap.PursePoints, r.Points)
	return shares
}

func rupiahs(amount int64) snap.Money {
	return snap.NewMoney(money.Amount(amount))
}

// StatusQuery names a payment by at least one of its three numbers.
type StatusQuery struct {
	Reference   string // the merchant's
	ReferenceNo string // the gateway's
	RequestID   string // of the payment's request
}

// PaymentStatus is what the gateway knows about a payment.
type PaymentStatus struct {
	Reference    string
	ReferenceNo  string
	RequestID    string
	ApprovalCode string // of a successful payment; may be empty
	State        State
	// StateCode is latestTransactionStatus as received, behind State.
	StateCode string
	// Reason says why the payment did not succeed, as an [*Error] that matches the
	// Err values of this package. It is nil when there is nothing to say.
	Reason error
	// Amount is in rupiah; 0 if the gateway did not say.
	Amount int64
	// PaidAt is when the money moved; zero before that.
	PaidAt time.Time
	// Refunds are the refunds made so far, oldest first.
	Refunds []Refund
}

// Status asks how a payment stands (service 55). It has no effect and is repeated
// once when the connection breaks. DOKU wants a minute to pass between a payment
// and the first question. ErrNotFound: no such payment.
func (c *SNAPClient) Status(ctx context.Context, q StatusQuery) (PaymentStatus, error) {
	const op = "status"
	var v check
	if q == (StatusQuery{}) {
		v.fail(ErrInvalidRequest, "the query names no payment")
	}
	v.optional("Reference", q.Reference, maxReference)
	v.optional("ReferenceNo", q.ReferenceNo, maxReference)
	v.optional("RequestID", q.RequestID, maxReference)
	if v.err != nil {
		return PaymentStatus{}, failed(op, v.err)
	}
	var answer snap.StatusAnswer
	_, err := c.do(ctx, call{path: snap.PathStatus, read: true, body: snap.StatusRequest{
		OriginalPartnerReferenceNo: q.Reference, OriginalReferenceNo: q.ReferenceNo, OriginalExternalID: q.RequestID,
		ServiceCode: string(snap.ServiceStatus),
	}}, &answer)
	if err != nil {
		return PaymentStatus{}, failed(op, err)
	}
	status, err := paymentStatus(q, answer)
	if err != nil {
		return PaymentStatus{}, failed(op, err)
	}
	return status, nil
}

func paymentStatus(q StatusQuery, a snap.StatusAnswer) (PaymentStatus, error) {
	if a.LatestTransactionStatus == "" {
		return PaymentStatus{}, unreadable("no latestTransactionStatus")
	}
	if q.Reference != "" && a.OriginalPartnerReferenceNo != "" && a.OriginalPartnerReferenceNo != q.Reference {
		return PaymentStatus{}, unreadable("it is about the payment %q", a.OriginalPartnerReferenceNo)
	}
	s := PaymentStatus{
		Reference: either(a.OriginalPartnerReferenceNo, q.Reference), ReferenceNo: either(a.OriginalReferenceNo, q.ReferenceNo),
		RequestID: either(a.OriginalExternalID, q.RequestID), ApprovalCode: a.ApprovalCode,
		State: stateOf(a.LatestTransactionStatus), StateCode: a.LatestTransactionStatus, PaidAt: moment(a.PaidTime),
	}
	if code := a.OriginalResponseCode; wellFormed(code) && !strings.HasPrefix(code, "2") {
		s.Reason = &Error{Code: code, Message: a.OriginalResponseMessage, Status: statusOf(code)}
	}
	var err error
	if a.TransAmount.Value != "" {
		if s.Amount, err = rupiah(a.TransAmount); err != nil {
			return PaymentStatus{}, unreadable("transAmount: %v", err)
		}
	}
	for _, entry := range a.RefundHistory {
		amount, err := rupiah(entry.RefundAmount)
		if err != nil {
			return PaymentStatus{}, unreadable("refundAmount: %v", err)
		}
		s.Refunds = append(s.Refunds, Refund{
			Reference: s.Reference, ReferenceNo: s.ReferenceNo, RefundReference: entry.PartnerReferenceNo, RefundNo: entry.RefundNo,
			Amount: amount, State: stateOf(entry.RefundStatus), RefundedAt: moment(entry.RefundDate), Reason: entry.Reason,
		})
	}
	return s, nil
}

// statusOf reads the HTTP status at the head of a well-formed code.
func statusOf(code string) int {
	return int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// RefundRequest returns money of a payment, wholly or in part.
type RefundRequest struct {
	// Reference is the merchant's number of the payment.
	Reference string
	// RefundReference is the merchant's number of the refund: 1 to 64 characters,
	// never used before. It is what protects the merchant from refunding twice.
	RefundReference string
	// Amount is in rupiah. Several refunds may not exceed the payment together.
	Amount int64
	// Reason is optional, up to 255 characters.
	Reason string
	// PaymentRequestID is optional: the RequestID of the payment. If given, it must
	// be the right one.
	PaymentRequestID string
	// CustomerToken is optional. DOKU's libraries send it, its page for OVO does
	// not ask for it, Gerbang does not need it.
	CustomerToken string
	// RequestID is the X-EXTERNAL-ID: up to 36 digits, not used before on the same
	// day. Empty: a fresh one.
	RequestID string
}

// Refund is money that went back to a wallet.
type Refund struct {
	Reference       string // the merchant's number of the payment
	ReferenceNo     string // the gateway's number of the payment; may be empty
	RefundReference string // the merchant's number of the refund
	RefundNo        string // the gateway's number of the refund; may be empty
	Amount          int64  // in rupiah
	State           State
	RefundedAt      time.Time // zero if the gateway did not say
	Reason          string
	RequestID       string // of the refund's request; only in the result of [SNAPClient.Refund]
}

// Refund returns money (service 58). It is done when Refund has answered; there is
// no notification. Gerbang answers a repeat with the same content with the first
// result, so after [ErrOutcomeUnknown] the same RefundReference may be repeated,
// or looked for in the Refunds of Status; another one must not be used.
//
// Refusals: ErrNotFound, ErrInvalidAmount for more than is left, ErrRefused for a
// payment that has not succeeded, ErrInconsistent.
func (c *SNAPClient) Refund(ctx context.Context, r RefundRequest) (Refund, error) {
	const op = "refund"
	var v check
	k := call{path: snap.PathRefund, requestID: r.RequestID, charge: true}
	v.text("Reference", r.Reference, maxReference)
	v.text("RefundReference", r.RefundReference, maxReference)
	v.amount("Amount", r.Amount)
	v.optional("Reason", r.Reason, maxReason)
	v.optional("PaymentRequestID", r.PaymentRequestID, maxReference)
	if r.CustomerToken != "" {
		k.customer = v.customer("CustomerToken", r.CustomerToken)
	}
	v.requestID(r.RequestID)
	if v.err != nil {
		return Refund{}, failed(op, v.err)
	}
	k.body = snap.RefundRequest{
		OriginalPartnerReferenceNo: r.Reference, OriginalExternalID: r.PaymentRequestID, RefundAmount: rupiahs(r.Amount),
		Reason: r.Reason, PartnerRefundNo: r.RefundReference, AdditionalInfo: snap.ChannelInfo{Channel: snap.Channel},
	}
	var answer snap.RefundAnswer
	id, err := c.do(ctx, k, &answer)
	if err != nil {
		return Refund{}, failed(op, err)
	}
	done := Refund{
		Reference: r.Reference, ReferenceNo: answer.OriginalReferenceNo, RefundReference: r.RefundReference, RefundNo: answer.RefundNo,
		Amount: r.Amount, State: StateSuccess, RefundedAt: moment(answer.RefundTime), Reason: r.Reason, RequestID: id,
	}
	if answer.RefundAmount.Value != "" {
		if done.Amount, err = rupiah(answer.RefundAmount); err != nil {
			return Refund{}, failed(op, unknown(unreadable("refundAmount: %v", err)))
		}
	}
	return done, nil
}
