package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Push is what only a push-to-pay payment has: a prompt on the customer's phone,
// a deadline, and the numbers that its answer carries.
//
// The wait is this row first and a parked call second. The deadline is stored when
// the wait begins; approval is a guarded write in the transaction that debits; so
// exactly one outcome wins, whichever process sees it and whoever still listens.
type Push struct {
	PaymentID  PaymentID
	MerchantID MerchantID
	WalletID   WalletID // "" when no wallet has the phone
	// Proof authenticated the request, and serves for this request only: two
	// requests may not bear one proof, however alike the joined text of their
	// members is.
	Proof    string
	Numbers  TerminalNumbers
	Approval string       // six digits, of a success
	Left     ledger.Split // what the purses hold after a success
	Deadline time.Time
	Open     bool
	FinalAt  time.Time
}

// TerminalNumbers count a merchant's pushes: a batch for each day or each 999,999
// pushes, a reference within the batch, and a trace that wraps at 999,999.
type TerminalNumbers struct{ Batch, Reference, Trace int64 }

// StartPush asks a wallet's owner, on the phone, to pay.
type StartPush struct {
	Merchant    MerchantID
	Dialect     string
	Phone       Phone
	Reference   string
	RequestID   string
	Amount      money.Amount
	Proof       string
	Fingerprint string
	Details     string
	NotifyURL   string
}

// PushStatus is a push payment with all that its answer needs.
type PushStatus struct {
	Payment Payment
	Push    Push
	Wallet  Wallet // zero when no wallet has the phone
}

// StartPush brings a prompt to the phone, or keeps the push as failed when the
// wallet refuses it at once. The same reference with the same content joins the
// push that is there, waiting or ended.
func (g *Gateway) StartPush(ctx context.Context, in StartPush) (PushStatus, error) {
	var forced *Error
	var err error
	if !g.known(ctx, in) { // a push that is joined is not decided again
		if forced, err = g.decide(ctx, Operation{Name: OpPush, Merchant: in.Merchant, Phone: in.Phone, Reference: in.Reference, Amount: in.Amount}); err != nil {
			return PushStatus{}, err
		}
	}
	var s PushStatus
	err = g.store.Update(ctx, func(tx Tx) error {
		s = PushStatus{}
		earlier, err := tx.PaymentByReference(in.Merchant, in.Dialect, in.Reference)
		if err == nil {
			if earlier.Channel != PushToPay || earlier.Fingerprint != in.Fingerprint {
				return refuse(Inconsistent, "the invoice was used before with other content")
			}
			s, err = pushStatus(tx, earlier)
			return err
		}
		if !errors.Is(err, ErrNoRow) {
			return err
		}
		return g.startPush(tx, in, forced, &s)
	})
	return s, err
}

// known reports whether a push with this reference is there. It looks only where a
// sandbox may decide.
func (g *Gateway) known(ctx context.Context, in StartPush) bool {
	return g.force != nil && g.view(ctx, "", func(tx Tx) error {
		_, err := tx.PaymentByReference(in.Merchant, in.Dialect, in.Reference)
		return err
	}) == nil
}

func (g *Gateway) startPush(tx Tx, in StartPush, refusal *Error, s *PushStatus) error {
	numbers, err := tx.NextTerminalNumbers(in.Merchant, localDay(tx.Now()))
	if err != nil {
		return err
	}
	p := Payment{
		ID: PaymentID(g.newID("pay_", tx.Now())), MerchantID: in.Merchant, Channel: PushToPay, Dialect: in.Dialect,
		Reference: in.Reference, RequestID: in.RequestID, Amount: in.Amount, Use: ledger.UseCash, State: PaymentAwaiting,
		Fingerprint: in.Fingerprint, Details: in.Details, NotifyURL: in.NotifyURL, CreatedAt: tx.Now(),
	}
	push := Push{PaymentID: p.ID, MerchantID: in.Merchant, Proof: in.Proof, Numbers: numbers, Deadline: tx.Now().Add(g.rules.PushWait), Open: true}

	w, err := tx.WalletByPhone(in.Phone)
	switch {
	case errors.Is(err, ErrNoRow):
		if refusal == nil {
			refusal = refuse(WalletUnknown, "no OVO wallet has this phone number")
		}
	case err != nil:
		return err
	default:
		p.WalletID, push.WalletID = w.ID, w.ID
		if refusal == nil {
			if refusal, err = g.refusalOf(tx, w, in.Amount); err != nil {
				return err
			}
		}
		if refusal == nil {
			if err := g.countAsk(tx, w.ID, AskPrompt, g.rules.PromptsPerHour); err != nil && !errors.As(err, &refusal) {
				return err
			}
		}
	}
	switch {
	case refusal == nil:
	case slices.Contains(toldLater, refusal.Code):
		p.State, p.Reason = PaymentUncertain, refusal.Code
		push.Deadline = tx.Now().Add(g.rules.UncertainLife)
	default:
		p.State, p.Reason, p.FinalAt = PaymentFailed, refusal.Code, tx.Now()
		push.Open, push.FinalAt = false, tx.Now()
	}
	inserted, err := tx.InsertPayment(p)
	if err != nil {
		return err
	}
	if !inserted {
		return ErrRetry // a twin got in between; the next run joins it
	}
	unused, err := tx.InsertPush(push)
	if err != nil {
		return err
	}
	if !unused {
		return refuse(ProofReused, "an earlier request with other content bore this proof")
	}
	*s = PushStatus{Payment: p, Push: push, Wallet: w}
	event := Event{MerchantID: p.MerchantID, Subject: string(p.ID), Kind: EventPaymentStarted}
	if err := g.record(tx, event); err != nil {
		return err
	}
	switch p.State {
	case PaymentFailed:
		event.Kind, event.Reason = EventPaymentFailed, p.Reason
		return g.announce(tx, p.Dialect, event)
	case PaymentAwaiting:
		return g.tell(tx, MessagePrompt, string(p.ID), "", push.Deadline)
	}
	return nil
}

// toldLater are outcomes that an answer cannot carry: the wallet says them when it
// is asked again. Until then the payment is uncertain.
var toldLater = []Code{OutcomePending, NotFound, StatusTooOld, Reversed, QueryInvalid}

// refusalOf is why a wallet would not pay an amount, or nil when it may.
func (g *Gateway) refusalOf(tx Tx, w Wallet, amount money.Amount) (refusal *Error, err error) {
	if amount < g.rules.MinTransaction {
		return refuse(BelowMinimum, "one transaction moves at least "+g.rules.MinTransaction.Rupiah()), nil
	}
	if refusal := w.usable(tx.Now()); refusal != nil {
		return refusal, nil
	}
	if err := g.withinLimits(tx, w, amount); !errors.As(err, &refusal) {
		return nil, err
	}
	return refusal, nil
}

func pushStatus(tx Tx, p Payment) (s PushStatus, err error) {
	s.Payment = p
	if s.Push, err = tx.Push(p.ID); err != nil {
		return s, fmt.Errorf("gateway: push %s: %w", p.ID, err)
	}
	if p.WalletID != "" {
		s.Wallet, err = tx.Wallet(p.WalletID)
	}
	return s, err
}

// Push finds a push payment by id.
func (g *Gateway) Push(ctx context.Context, id PaymentID) (s PushStatus, err error) {
	err = g.view(ctx, "no such push", func(tx Tx) error {
		p, err := tx.Payment(id)
		if err != nil {
			return err
		}
		s, err = pushStatus(tx, p)
		return err
	})
	return s, err
}

// waitSpare is how much longer than PushWait a call waits at most: the sweep has ended
// its push by then, unless the clock that deadlines go by was set back.
const waitSpare = 5 * time.Second

// AwaitPush returns nil once the push's customer has answered, its time is up, or
// its outcome is uncertain, or once enough is closed; Push then tells how it
// stands. When ctx ends first it returns ctx's error. The payment goes on in any
// case. It keeps little alive while it waits, because many thousands may.
func (g *Gateway) AwaitPush(ctx context.Context, id PaymentID, enough <-chan struct{}) error {
	done, stop := g.waits.on(id)
	defer stop()
	waiting := false
	err := g.view(context.WithoutCancel(ctx), "no such push", func(tx Tx) error {
		p, err := tx.Payment(id)
		waiting = p.State == PaymentAwaiting
		return err
	})
	if err != nil || !waiting {
		return err
	}
	longest := time.NewTimer(g.rules.PushWait + waitSpare) // whatever clocks do
	defer longest.Stop()
	select {
	case <-done:
		return nil
	case <-longest.C:
		return nil
	case <-enough:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Prompts lists the pushes that a phone is asked to answer, oldest first.
func (g *Gateway) Prompts(ctx context.Context, phone Phone) (all []PushStatus, err error) {
	err = g.view(ctx, "no wallet has this phone number", func(tx Tx) error {
		w, err := tx.WalletByPhone(phone)
		if err != nil {
			return err
		}
		pushes, err := tx.WalletPushes(w.ID)
		if err != nil {
			return err
		}
		for _, push := range pushes {
			p, err := tx.Payment(push.PaymentID)
			if err != nil {
				return err
			}
			if p.State == PaymentAwaiting && tx.Now().Before(push.Deadline) {
				all = append(all, PushStatus{Payment: p, Push: push, Wallet: w})
			}
		}
		return nil
	})
	return all, err
}

// ApprovePush answers a prompt with the PIN and the purse that pays. A wrong PIN
// and a purse that holds too little leave the prompt open; the last allowed wrong
// PIN locks the wallet and fails the push.
func (g *Gateway) ApprovePush(ctx context.Context, phone Phone, id PaymentID, pin string, use ledger.Use) (PushStatus, error) {
	switch use {
	case ledger.UseCash, ledger.UsePoints, ledger.UsePointsFirst:
	default:
		return PushStatus{}, refuse(Invalid, "pay with cash, points or points_first")
	}
	s, err := g.Push(ctx, id)
	if err != nil {
		return s, err
	}
	if s.Wallet.Phone != phone {
		return PushStatus{}, refuse(NotFound, "this phone has no such prompt")
	}
	var check pinCheck
	if s.Payment.State == PaymentAwaiting {
		if check, err = g.checkPIN(ctx, s.Wallet, pin); err != nil {
			return s, err
		}
	}
	return g.onPush(ctx, phone, id, func(tx Tx, s *PushStatus) error {
		if refusal := s.Wallet.usable(tx.Now()); refusal != nil {
			return refusal
		}
		if refusal := check.stale(s.Wallet); refusal != nil {
			return refusal
		}
		if !check.right {
			return g.wrongPushPIN(tx, s)
		}
		if err := rightPIN(tx, s.Wallet, check); err != nil {
			return err
		}
		// Another payment may have used up what the day allows since the push began.
		if err := g.withinLimits(tx, s.Wallet, s.Payment.Amount); err != nil {
			return err
		}
		split, covered := ledger.SplitPayment(s.Payment.Amount, s.Wallet.Balance, use)
		if !covered {
			return refuse(InsufficientFunds, "choose another purse, or top up")
		}
		p := s.Payment
		p.State, p.Use, p.Split, p.TransferID, p.FinalAt = PaymentSucceeded, use, split, g.newID("trf_", tx.Now()), tx.Now()
		if err := finish(tx, p, PaymentAwaiting); err != nil {
			return err
		}
		push := s.Push
		push.Approval, push.Left = randomDigits(6), s.Wallet.Balance.Minus(split)
		if err := g.closePush(tx, push); err != nil {
			return err
		}
		s.Payment = p
		return g.capture(tx, p)
	})
}

func (g *Gateway) wrongPushPIN(tx Tx, s *PushStatus) error {
	left, err := g.countWrongPIN(tx, s.Wallet)
	if err != nil {
		return err
	}
	if left > 0 {
		return outcome{&Error{Code: PINWrong, Left: left}}
	}
	if err := g.endPush(tx, s.Payment, s.Push, paymentFail, PINWrong); err != nil {
		return err
	}
	return outcome{&Error{Code: WalletLocked, Detail: "wrong PINs locked the wallet", RetryAfter: g.rules.PINLock}}
}

// DeclinePush answers a prompt with no.
func (g *Gateway) DeclinePush(ctx context.Context, phone Phone, id PaymentID) (PushStatus, error) {
	return g.onPush(ctx, phone, id, func(tx Tx, s *PushStatus) error {
		return g.endPush(tx, s.Payment, s.Push, paymentCancel, Cancelled)
	})
}

// onPush runs one answer to a prompt that is still open.
func (g *Gateway) onPush(ctx context.Context, phone Phone, id PaymentID, answer func(Tx, *PushStatus) error) (PushStatus, error) {
	var s PushStatus
	var remembered *Error
	err := g.store.Update(ctx, func(tx Tx) error {
		remembered = nil
		p, err := tx.Payment(id)
		if err == nil && p.Channel == PushToPay {
			s, err = pushStatus(tx, p)
		}
		if errors.Is(err, ErrNoRow) || err == nil && (p.Channel != PushToPay || s.Wallet.Phone != phone) {
			return refuse(NotFound, "this phone has no such prompt")
		}
		if err != nil {
			return err
		}
		switch {
		case p.State != PaymentAwaiting:
			return refuse(WrongState, "the payment is "+string(p.State))
		case !tx.Now().Before(s.Push.Deadline):
			remembered = refuse(Expired, "the time to answer is over")
			return g.expirePush(tx, s.Push)
		}
		err = answer(tx, &s)
		var o outcome
		if errors.As(err, &o) {
			remembered, err = o.refusal, nil
		}
		if err != nil || remembered != nil {
			return err
		}
		// Read here, not later: who has paid must not be told that reading failed.
		if p, err = tx.Payment(id); err == nil {
			s, err = pushStatus(tx, p)
		}
		return err
	})
	if err == nil && remembered != nil {
		err = remembered
	}
	return s, err
}

// endPush ends a push without success, and notifies.
func (g *Gateway) endPush(tx Tx, p Payment, push Push, e paymentEvent, reason Code) error {
	if err := g.endPayment(tx, p, e, reason); err != nil {
		return err
	}
	return g.closePush(tx, push)
}

// closePush marks the wait as over and wakes who waits.
func (g *Gateway) closePush(tx Tx, push Push) error {
	push.FinalAt = tx.Now()
	closed, err := tx.FinishPush(push)
	if err == nil && !closed {
		return ErrRetry
	}
	tx.OnCommit(func() { g.wakePush(push.PaymentID) })
	return err
}

// expirePush ends a push whose deadline has passed: the customer did not answer,
// or the wallet no longer knows what became of it.
func (g *Gateway) expirePush(tx Tx, push Push) error {
	p, err := tx.Payment(push.PaymentID)
	if err != nil {
		return err
	}
	if p.State == PaymentUncertain {
		return g.endPush(tx, p, push, paymentFail, StatusTooOld)
	}
	return g.endPush(tx, p, push, paymentExpire, Expired)
}

// ResolvePush asks the wallet what became of an uncertain push, and ends it when
// the wallet knows. A push that is not uncertain is returned as it is.
func (g *Gateway) ResolvePush(ctx context.Context, id PaymentID) (PushStatus, error) {
	return g.settlePush(ctx, id, func(p Payment) (Code, bool) { return p.Reason, p.Reason != OutcomePending })
}

// ReversePush takes back an uncertain push, so that it ends without a charge.
func (g *Gateway) ReversePush(ctx context.Context, id PaymentID) (PushStatus, error) {
	return g.settlePush(ctx, id, func(Payment) (Code, bool) { return Reversed, true })
}

func (g *Gateway) settlePush(ctx context.Context, id PaymentID, reason func(Payment) (Code, bool)) (PushStatus, error) {
	s, err := g.Push(ctx, id)
	if err != nil || s.Payment.State != PaymentUncertain {
		return s, err
	}
	code, known := reason(s.Payment)
	if !known {
		return s, nil
	}
	err = g.store.Update(ctx, func(tx Tx) error {
		p, err := tx.Payment(id)
		if err != nil || p.State != PaymentUncertain {
			return err
		}
		push, err := tx.Push(id)
		if err != nil {
			return err
		}
		return g.endPush(tx, p, push, paymentFail, code)
	})
	if err != nil {
		return s, err
	}
	return g.Push(ctx, id)
}

// VoidPush names a push to take back, with what its answer said of it.
type VoidPush struct {
	Merchant  MerchantID
	Dialect   string
	Reference string
	RequestID string
	Amount    money.Amount
	Numbers   TerminalNumbers
	Approval  string
}

// VoidPush takes a successful push back on the local day it was made, by a refund
// of all of it. What does not name such a push exactly is NotFound, another day is
// StatusTooOld, one that was refunded before is Reversed. A repeat of a void gives
// the first result.
func (g *Gateway) VoidPush(ctx context.Context, in VoidPush) (PushStatus, error) {
	query := PaymentQuery{Dialect: in.Dialect, Reference: in.Reference}
	var s PushStatus
	var now time.Time
	err := g.view(ctx, "no such push", func(tx Tx) error {
		p, err := findPayment(tx, in.Merchant, query)
		if err != nil {
			return err
		}
		if p.Channel != PushToPay {
			return ErrNoRow
		}
		now = tx.Now()
		s, err = pushStatus(tx, p)
		return err
	})
	switch {
	case err != nil:
		return s, err
	case s.Payment.State != PaymentSucceeded || s.Payment.Amount != in.Amount || s.Push.Numbers != in.Numbers || s.Push.Approval != in.Approval:
		return s, refuse(NotFound, "no successful push has these numbers")
	case localDay(s.Payment.FinalAt) != localDay(now):
		return s, refuse(StatusTooOld, "a push can be taken back on its own day only; refund it instead")
	}
	_, s.Payment, err = g.RefundPayment(ctx, RefundPayment{
		Merchant: in.Merchant, Payment: query, Reference: "void " + string(s.Payment.ID), RequestID: in.RequestID,
		Amount: in.Amount, Reason: "void",
	})
	if errors.Is(err, RefundExceeds) {
		return s, refuse(Reversed, "the push was refunded before")
	}
	return s, err
}
