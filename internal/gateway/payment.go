package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Payment is one attempt to move an amount from a wallet to a merchant.
type Payment struct {
	ID          PaymentID
	MerchantID  MerchantID
	WalletID    WalletID
	BindingID   BindingID
	PageID      PageID // the page that confirms it, or ""
	Channel     Channel
	Dialect     string // which protocol made it; references are unique within it
	Reference   string // the merchant's number of the payment; where it has an order, ours
	Order       string // what is paid, when a payment of it that failed may be followed by another; or ""
	RequestID   string // the merchant's id of the request that made it
	Amount      money.Amount
	Use         ledger.Use
	Split       ledger.Split // what each purse paid or, with UseExact, is to pay
	Refunded    ledger.Split // what each purse got back
	State       PaymentState
	Reason      Code   // why it did not succeed; Internal (zero) when it did or may
	Fingerprint string // tells a repeat with the same content from one with other content
	Details     string // the dialect's own notes, opaque here
	NotifyURL   string // overrides the merchant's configured notification URL, or ""
	CreatedAt   time.Time
	FinalAt     time.Time // zero while awaiting the customer
	TransferID  string    // the ledger transfer of a success
	CustomerID  string    // the binding's customer; filled on reading
}

// Channel is the way a payment came about.
type Channel string

const (
	SNAPSale      Channel = "snap_sale"      // confirmed by the customer on a hosted page
	SNAPRecurring Channel = "snap_recurring" // charged under the binding's consent

	JokulSale      Channel = "jokul_sale"      // confirmed by the customer on a hosted page
	JokulRecurring Channel = "jokul_recurring" // charged under the binding's consent
	PushToPay      Channel = "push"            // confirmed by the customer in the wallet's app

	FaspayPayment Channel = "faspay" // confirmed by the customer on a hosted page
)

// onPage reports whether the customer confirms such payments on a hosted page.
func (c Channel) onPage() bool { return c == SNAPSale || c == JokulSale || c == FaspayPayment }

// PaymentState is where a payment stands.
//
//	state      event →   approve    fail    cancel     expire   doubt
//	awaiting             succeeded  failed  cancelled  expired  uncertain
//	uncertain            –          failed  –          –        –
//	succeeded, refused, failed, cancelled, expired: final
//
// A payment is born awaiting, or already succeeded or refused when no customer
// needs to confirm it. Refused means that the merchant was told no in the answer
// to its call; all other final states are notified. Uncertain means that the
// wallet has not said how it ended; no money has moved.
type PaymentState string

const (
	PaymentAwaiting  PaymentState = "awaiting_customer"
	PaymentSucceeded PaymentState = "succeeded"
	PaymentRefused   PaymentState = "refused"
	PaymentFailed    PaymentState = "failed"
	PaymentCancelled PaymentState = "cancelled"
	PaymentExpired   PaymentState = "expired"
	PaymentUncertain PaymentState = "uncertain"
)

// Final reports whether the state can no longer change.
func (s PaymentState) Final() bool { return s != PaymentAwaiting && s != PaymentUncertain }

type paymentEvent string

const (
	paymentApprove paymentEvent = "approve"
	paymentFail    paymentEvent = "fail"
	paymentCancel  paymentEvent = "cancel"
	paymentExpire  paymentEvent = "expire"
	paymentDoubt   paymentEvent = "doubt"
)

func (s PaymentState) next(e paymentEvent) (PaymentState, bool) {
	if s == PaymentUncertain && e == paymentFail {
		return PaymentFailed, true
	}
	if s != PaymentAwaiting {
		return s, false
	}
	switch e {
	case paymentApprove:
		return PaymentSucceeded, true
	case paymentFail:
		return PaymentFailed, true
	case paymentCancel:
		return PaymentCancelled, true
	case paymentExpire:
		return PaymentExpired, true
	case paymentDoubt:
		return PaymentUncertain, true
	}
	return s, false
}

// CreatePayment asks for a payment under an active binding.
type CreatePayment struct {
	Claim       Claim
	Merchant    MerchantID
	Binding     BindingID
	Phone       Phone // as the merchant knows it: names the binding where Binding does not
	Channel     Channel
	Dialect     string
	Reference   string // with an Order: the prefix of the reference that is made
	Order       string
	RequestID   string
	Amount      money.Amount
	Use         ledger.Use
	Split       ledger.Split // with UseExact: the share of each purse
	Fingerprint string
	Details     string
	NotifyURL   string
	Return      ReturnURLs // of the page, for channels that have one
	// KeepRefusals keeps a payment that the wallet refuses as failed and notifies
	// of it, as protocols want that answer a refusal like a result.
	KeepRefusals bool
}

// CreatePayment charges the wallet at once, or opens a page for its owner to
// confirm, depending on the channel.
//
// A purse that does not hold the amount is an outcome: the refused payment is
// kept and its reference is used up. Every other refusal leaves nothing behind.
// An awaiting payment reserves nothing; purses are checked when it is confirmed.
//
// An order is paid once. Asking again for an order that awaits its customer leads
// to the same payment and page, with other content to Inconsistent; an order that
// is paid is a Duplicate. Any other payment of it may be followed by a new one.
func (g *Gateway) CreatePayment(ctx context.Context, in CreatePayment) (Payment, Page, error) {
	if in.Amount < 1 || in.Amount > money.Max {
		return Payment{}, Page{}, g.refuseOnce(ctx, in.Claim, refuse(AmountInvalid, "an amount is 1 to "+money.Amount(money.Max).Rupiah()))
	}
	if in.Use == ledger.UseExact && (in.Split.Cash < 0 || in.Split.Points < 0 || in.Split.Total() != in.Amount) {
		return Payment{}, Page{}, g.refuseOnce(ctx, in.Claim, refuse(AmountInvalid, "the purses' shares do not add up to the amount"))
	}
	decided, err := g.decidePayment(ctx, in)
	if err != nil {
		return Payment{}, Page{}, err
	}
	var p Payment
	var page Page
	err = g.once(ctx, in.Claim, func(tx Tx) error {
		refusal := decided
		var err error
		if p, page, err = g.joinOrder(tx, in); err != nil || p.ID != "" {
			return err
		}
		b, w, err := in.payer(tx)
		if in.KeepRefusals && errors.As(err, &refusal) && refusal.Code == ConsentExpired {
			err = nil // the binding came beside it
		}
		if err == nil && w.ID == "" {
			w, err = tx.Wallet(b.WalletID)
		}
		if err != nil {
			return err
		}
		p = Payment{
			ID: PaymentID(g.newID("pay_", tx.Now())), MerchantID: in.Merchant, WalletID: w.ID, BindingID: b.ID,
			Channel: in.Channel, Dialect: in.Dialect, Reference: in.Reference, RequestID: in.RequestID,
			Amount: in.Amount, Use: in.Use, Split: in.Split, Fingerprint: in.Fingerprint, Details: in.Details,
			NotifyURL: in.NotifyURL, CreatedAt: tx.Now(), CustomerID: b.CustomerID, Order: in.Order,
		}
		if p.Order != "" {
			p.Reference += randomDigits(orderDigits) // not counted: no row to wait for, and nothing to guess
		}
		if refusal == nil {
			if refusal, err = g.refusalOf(tx, w, p.Amount); err != nil {
				return err
			}
		}
		if refusal != nil {
			// That the reference was used outweighs it. What is inserted finds that out
			// for itself.
			if p.Order == "" {
				if err := g.unusedReference(tx, p); err != nil {
					return err
				}
			}
			return g.refusePayment(tx, &p, refusal, in.KeepRefusals)
		}
		if in.Channel.onPage() {
			page, err = g.awaitCustomer(tx, &p, w, in.Return)
			return err
		}
		return g.charge(tx, &p, w, in.KeepRefusals)
	})
	if err == nil && p.Reason != Internal {
		err = refuse(p.Reason, "")
	}
	return p, page, err
}

// orderDigits is how many digits of its own a payment of an order has.
const orderDigits = 8

// payer finds the active binding that pays, and its wallet unless that has yet to be
// read.
func (in CreatePayment) payer(tx Tx) (b Binding, w Wallet, err error) {
	if in.Phone != "" {
		b, err = boundPhone(tx, in.Merchant, in.Phone)
		return b, w, err
	}
	b, err = activeOnly(tx, in.Merchant, func(tx Tx) (b Binding, err error) {
		b, w, err = tx.Payer(in.Binding)
		return b, err
	})
	return b, w, err
}

// decidePayment asks the sandbox for a payment's outcome. A payment that is only
// joined is not decided again.
func (g *Gateway) decidePayment(ctx context.Context, in CreatePayment) (*Error, error) {
	if g.force == nil {
		return nil, nil
	}
	phone := in.Phone
	if phone == "" {
		phone = g.phoneOf(ctx, in.Binding)
	}
	known := in.Order != "" && g.view(ctx, "", func(tx Tx) error {
		_, err := tx.PaymentOfOrder(in.Merchant, in.Dialect, in.Order)
		return err
	}) == nil
	if known {
		return nil, nil
	}
	reference := in.Reference
	if in.Order != "" {
		reference = in.Order
	}
	return g.decide(ctx, Operation{Name: OpPayment, Merchant: in.Merchant, Phone: phone, Reference: reference, Amount: in.Amount})
}

// joinOrder finds the payment of the same order that awaits its customer, or
// nothing when a new one may be made.
func (g *Gateway) joinOrder(tx Tx, in CreatePayment) (Payment, Page, error) {
	if in.Order == "" {
		return Payment{}, Page{}, nil
	}
	p, err := tx.PaymentOfOrder(in.Merchant, in.Dialect, in.Order)
	if errors.Is(err, ErrNoRow) {
		return Payment{}, Page{}, nil
	}
	if err != nil {
		return Payment{}, Page{}, err
	}
	if p.State != PaymentAwaiting {
		return Payment{}, Page{}, refuse(Duplicate, "the order is "+string(p.State))
	}
	page, err := tx.Page(p.PageID)
	if err != nil {
		return Payment{}, Page{}, err
	}
	if !tx.Now().Before(page.Deadline) {
		return Payment{}, Page{}, g.endPage(tx, page, PageExpired, Expired)
	}
	if p.Fingerprint != in.Fingerprint {
		return Payment{}, Page{}, refuse(Inconsistent, "the order has a payment with other content that waits for its customer")
	}
	return p, page, nil
}

// refusePayment refuses a payment for what the wallet says.
func (g *Gateway) refusePayment(tx Tx, p *Payment, refusal *Error, keep bool) error {
	if !keep || refusal.Code == Unavailable { // who cannot be reached has refused nothing
		return refusal
	}
	p.State, p.Reason, p.FinalAt = PaymentFailed, refusal.Code, tx.Now()
	if p.Use != ledger.UseExact {
		p.Split = ledger.Split{}
	}
	if err := g.insertPayment(tx, *p); err != nil {
		return err
	}
	return g.announce(tx, p.Dialect, Event{MerchantID: p.MerchantID, Subject: string(p.ID), Kind: EventPaymentFailed, Reason: refusal.Code})
}

// unusedReference refuses a reference that the merchant has used before.
func (g *Gateway) unusedReference(tx Tx, p Payment) error {
	earlier, err := tx.PaymentByReference(p.MerchantID, p.Dialect, p.Reference)
	switch {
	case errors.Is(err, ErrNoRow):
		return nil
	case err != nil:
		return err
	case earlier.Fingerprint == p.Fingerprint:
		return refuse(Duplicate, "the payment is "+string(earlier.State)+"; ask for its status instead of repeating it")
	default:
		return refuse(Inconsistent, "an earlier payment with this reference has other content")
	}
}

// insertPayment writes a new payment, unless its reference was used before.
func (g *Gateway) insertPayment(tx Tx, p Payment) error {
	inserted, err := tx.InsertPayment(p)
	if err != nil || inserted {
		return err
	}
	if p.Order != "" {
		return ErrRetry // the order has a live payment by now, or the number made for this one is taken
	}
	if err := g.unusedReference(tx, p); err != nil {
		return err
	}
	return ErrRetry // a twin has not committed yet; the next run finds it
}

func (g *Gateway) awaitCustomer(tx Tx, p *Payment, w Wallet, urls ReturnURLs) (Page, error) {
	page, err := g.newPage(tx, pageForPayment, string(p.ID), w, p.MerchantID, urls)
	if err != nil {
		return page, err
	}
	p.State, p.PageID = PaymentAwaiting, page.ID
	if err := g.insertPayment(tx, *p); err != nil {
		return page, err
	}
	if err := tx.InsertPage(page); err != nil {
		return page, err
	}
	return page, g.record(tx, Event{MerchantID: p.MerchantID, Subject: string(p.ID), Kind: EventPaymentStarted})
}

// charge takes the money at once, or keeps the payment as refused.
func (g *Gateway) charge(tx Tx, p *Payment, w Wallet, keepRefusal bool) error {
	split, covered := splitFor(*p, w)
	p.FinalAt = tx.Now()
	if !covered && keepRefusal {
		return g.refusePayment(tx, p, refuse(InsufficientFunds, ""), true)
	}
	if !covered {
		p.State, p.Reason = PaymentRefused, InsufficientFunds
		if err := g.insertPayment(tx, *p); err != nil {
			return err
		}
		return g.record(tx, Event{MerchantID: p.MerchantID, Subject: string(p.ID), Kind: EventPaymentRefused, Reason: p.Reason})
	}
	p.State, p.Split, p.TransferID = PaymentSucceeded, split, g.newID("trf_", tx.Now())
	if err := g.insertPayment(tx, *p); err != nil {
		return err
	}
	return g.capture(tx, *p)
}

// approvePayment takes the money of a payment its customer has just confirmed.
func (g *Gateway) approvePayment(tx Tx, p Payment, w Wallet) error {
	next, ok := p.State.next(paymentApprove)
	if !ok {
		return refuse(WrongState, "the payment is "+string(p.State))
	}
	if _, err := activeOnly(tx, p.MerchantID, func(tx Tx) (Binding, error) { return tx.Binding(p.BindingID) }); err != nil {
		return err
	}
	if err := g.withinLimits(tx, w, p.Amount); err != nil {
		return err
	}
	split, covered := splitFor(p, w)
	if !covered {
		return refuse(InsufficientFunds, "the wallet cannot cover the payment")
	}
	from := p.State
	p.State, p.Split, p.TransferID, p.FinalAt = next, split, g.newID("trf_", tx.Now()), tx.Now()
	if err := finish(tx, p, from); err != nil {
		return err
	}
	return g.capture(tx, p)
}

func splitFor(p Payment, w Wallet) (ledger.Split, bool) {
	if p.Use == ledger.UseExact {
		return p.Split, w.Balance.Covers(p.Split)
	}
	return ledger.SplitPayment(p.Amount, w.Balance, p.Use)
}

// capture debits the wallet of a payment that has just succeeded and writes the
// transfer, the event and the notification.
func (g *Gateway) capture(tx Tx, p Payment) error {
	debited, err := tx.DebitWallet(p.WalletID, p.Split)
	if err != nil {
		return err
	}
	if !debited {
		return ErrRetry // another debit overtook the balance that was read
	}
	t := ledger.Transfer{
		ID: p.TransferID, Kind: ledger.Payment, Subject: string(p.ID),
		Postings: ledger.PaymentPostings(string(p.WalletID), string(p.MerchantID), p.Split),
	}
	if err := tx.InsertTransfer(t); err != nil {
		return err
	}
	return g.announce(tx, p.Dialect, Event{MerchantID: p.MerchantID, Subject: string(p.ID), Kind: EventPaymentSucceeded})
}

// endPayment ends an awaiting payment without success, and notifies.
func (g *Gateway) endPayment(tx Tx, p Payment, e paymentEvent, reason Code) error {
	next, ok := p.State.next(e)
	if !ok {
		return refuse(WrongState, "the payment is "+string(p.State))
	}
	from := p.State
	p.State, p.Reason, p.FinalAt = next, reason, tx.Now()
	if err := finish(tx, p, from); err != nil {
		return err
	}
	kind := map[PaymentState]EventKind{
		PaymentFailed: EventPaymentFailed, PaymentCancelled: EventPaymentCancelled, PaymentExpired: EventPaymentExpired,
	}[next]
	return g.announce(tx, p.Dialect, Event{MerchantID: p.MerchantID, Subject: string(p.ID), Kind: kind, Reason: reason})
}

func finish(tx Tx, p Payment, from PaymentState) error {
	finished, err := tx.FinishPayment(p, from)
	if err == nil && !finished {
		return ErrRetry
	}
	return err
}

// PaymentQuery names a payment by any of the three numbers a merchant may know.
// Those that are given must all name the same payment.
type PaymentQuery struct {
	Dialect   string
	Reference string
	ID        PaymentID
	RequestID string
	Order     string // only beside one of the others
}

// FindPayment finds one payment of a merchant, with its refunds and, while it
// waits, its page.
func (g *Gateway) FindPayment(ctx context.Context, merchant MerchantID, q PaymentQuery) (PaymentStatus, error) {
	if err := g.forced(ctx, Operation{Name: OpStatus, Merchant: merchant, Reference: q.Reference}); err != nil {
		return PaymentStatus{}, err
	}
	var s PaymentStatus
	err := g.view(ctx, "no such payment", func(tx Tx) error {
		p, err := findPayment(tx, merchant, q)
		if err != nil {
			return err
		}
		s, err = paymentStatus(tx, p)
		return err
	})
	return s, err
}

// PaymentStatus is a payment with what has happened around it.
type PaymentStatus struct {
	Payment Payment
	Refunds []Refund
	Opened  bool // its page has been shown to a customer
}

func paymentStatus(tx Tx, p Payment) (s PaymentStatus, err error) {
	s.Payment = p
	if s.Refunds, err = tx.Refunds(p.ID); err != nil {
		return s, err
	}
	if p.PageID != "" {
		page, err := tx.Page(p.PageID)
		if err != nil {
			return s, fmt.Errorf("gateway: payment %s: %w", p.ID, err)
		}
		s.Opened = !page.OpenedAt.IsZero()
	}
	return s, nil
}

func findPayment(tx Tx, merchant MerchantID, q PaymentQuery) (p Payment, err error) {
	switch {
	case q.Reference != "":
		p, err = tx.PaymentByReference(merchant, q.Dialect, q.Reference)
	case q.ID != "":
		p, err = tx.Payment(q.ID)
	case q.RequestID != "":
		p, err = tx.PaymentByRequestID(merchant, q.Dialect, q.RequestID)
	default:
		return p, ErrNoRow
	}
	if err != nil {
		return p, err
	}
	if p.MerchantID != merchant || p.Dialect != q.Dialect || q.ID != "" && p.ID != q.ID || q.RequestID != "" && p.RequestID != q.RequestID ||
		q.Order != "" && p.Order != q.Order {
		return Payment{}, ErrNoRow
	}
	return p, nil
}

// CancelPayment gives up a payment that awaits its customer, on the merchant's
// word, and ends its page. One that does not wait any more comes beside WrongState.
func (g *Gateway) CancelPayment(ctx context.Context, merchant MerchantID, q PaymentQuery) (p Payment, err error) {
	late := false
	err = g.store.Update(ctx, func(tx Tx) error {
		late = false
		if p, err = findPayment(tx, merchant, q); errors.Is(err, ErrNoRow) {
			return refuse(NotFound, "no such payment")
		}
		if err != nil {
			return err
		}
		if p.State != PaymentAwaiting || p.PageID == "" {
			return refuse(WrongState, "the payment is "+string(p.State))
		}
		page, err := tx.Page(p.PageID)
		if err != nil {
			return err
		}
		if late = !tx.Now().Before(page.Deadline); late {
			err = g.endPage(tx, page, PageExpired, Expired)
		} else {
			err = g.endPage(tx, page, PageCancelled, Cancelled)
		}
		if err != nil {
			return err
		}
		p, err = tx.Payment(p.ID)
		return err
	})
	if err == nil && late {
		err = refuse(WrongState, "the payment is "+string(p.State))
	}
	return p, err
}

// HistoryQuery asks for a page of a wallet's payments of orders to one merchant.
type HistoryQuery struct {
	Merchant    MerchantID
	Phone       Phone // as the merchant knows it
	Dialect     string
	From, Until time.Time // when they were made: from its beginning, without its end
	Page, Limit int       // Page counts from 1
}

// History lists the payments of orders that the wallet behind an active binding
// made, newest first.
func (g *Gateway) History(ctx context.Context, q HistoryQuery) (all []Payment, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		b, err := boundPhone(tx, q.Merchant, q.Phone)
		if err != nil {
			return err
		}
		all, err = tx.OrderHistory(q.Merchant, b.WalletID, q.Dialect, q.From, q.Until, (q.Page-1)*q.Limit, q.Limit)
		return err
	})
	return all, err
}

// Payment finds any payment by id, for operators.
func (g *Gateway) Payment(ctx context.Context, id PaymentID) (PaymentStatus, error) {
	var s PaymentStatus
	err := g.view(ctx, "no such payment", func(tx Tx) error {
		p, err := tx.Payment(id)
		if err != nil {
			return err
		}
		s, err = paymentStatus(tx, p)
		return err
	})
	return s, err
}

// WalletHistory lists up to limit payments of a wallet that have come to an end,
// the latest first, that ended before the one named ("" for the latest).
func (g *Gateway) WalletHistory(ctx context.Context, phone Phone, before PaymentID, limit int) (all []Payment, err error) {
	err = g.view(ctx, "no such wallet or payment", func(tx Tx) error {
		w, err := tx.WalletByPhone(phone)
		if err != nil {
			return err
		}
		var final time.Time
		if before != "" {
			p, err := tx.Payment(before)
			if err != nil {
				return err
			}
			final = p.FinalAt
		}
		all, err = tx.WalletPayments(w.ID, final, before, limit)
		return err
	})
	return all, err
}

// Payments lists up to limit payments of all merchants, newest first, that are
// older than before ("" for the newest).
func (g *Gateway) Payments(ctx context.Context, before PaymentID, limit int) (all []Payment, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.Payments(before, limit)
		return err
	})
	return all, err
}

// Transfers lists the ledger transfers made for a payment and its refunds.
func (g *Gateway) Transfers(ctx context.Context, id PaymentID) (all []ledger.Transfer, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.TransfersOf(id)
		return err
	})
	return all, err
}
