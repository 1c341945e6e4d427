package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

func (b *bundle) push(invoice string, amount money.Amount) (gateway.PushStatus, error) {
	return b.pushTo(b.wallet.Phone, invoice, amount)
}

func (b *bundle) pushTo(phone gateway.Phone, invoice string, amount money.Amount) (gateway.PushStatus, error) {
	content := fmt.Sprint(phone, invoice, amount)
	return b.StartPush(context.Background(), gateway.StartPush{
		Merchant: b.merchant.ID, Dialect: "jokul", Phone: phone, Reference: invoice, RequestID: "req-" + invoice, Amount: amount,
		Proof: "sum of " + content, Fingerprint: content,
	})
}

// parked waits for a push in another goroutine.
func (b *bundle) parked(ctx context.Context, id gateway.PaymentID) <-chan gateway.PushStatus {
	answer := make(chan gateway.PushStatus, 1)
	go func() {
		if err := b.AwaitPush(ctx, id, nil); err != nil && !errors.Is(err, context.Canceled) {
			b.t.Error(err)
		}
		s, err := b.Push(context.WithoutCancel(ctx), id)
		if err != nil {
			b.t.Error(err)
		}
		answer <- s
	}()
	return answer
}

func TestPush(t *testing.T) {
	t.Parallel()

	t.Run("approved from either purse", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for i, tc := range []struct {
			use  ledger.Use
			want ledger.Split
		}{{ledger.UseCash, ledger.Split{Cash: 4_000}}, {ledger.UsePoints, ledger.Split{Points: 4_000}}, {ledger.UsePointsFirst, ledger.Split{Points: 4_000}}} {
			s := must(b.push(fmt.Sprint("I", i), 4_000))(t)
			answer := b.parked(t.Context(), s.Payment.ID)
			before := b.balance()
			approved := must(b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, pin, tc.use))(t)
			got := <-answer
			if got.Payment.State != gateway.PaymentSucceeded || got.Payment.Split != tc.want || len(got.Push.Approval) != 6 || got.Push.Open {
				t.Errorf("%s: %+v", tc.use, got)
			}
			if approved.Push.Left != before.Minus(tc.want) || b.balance() != before.Minus(tc.want) {
				t.Errorf("%s left %+v, the wallet holds %+v", tc.use, approved.Push.Left, b.balance())
			}
		}
		b.auditClean()
	})

	t.Run("declined", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		s := must(b.push("I", 4_000))(t)
		answer := b.parked(t.Context(), s.Payment.ID)
		must(b.DeclinePush(t.Context(), b.wallet.Phone, s.Payment.ID))(t)
		if got := <-answer; got.Payment.State != gateway.PaymentCancelled || got.Payment.Reason != gateway.Cancelled {
			t.Errorf("%+v", got.Payment)
		}
		_, err := b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash)
		wantCode(t, err, gateway.WrongState)
		b.auditClean()
	})

	t.Run("unanswered for seventy seconds", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		s := must(b.push("I", 4_000))(t)
		answer := b.parked(t.Context(), s.Payment.ID)
		b.advance(69 * time.Second)
		if n := len(must(b.Prompts(t.Context(), b.wallet.Phone))(t)); n != 1 {
			t.Errorf("%d prompts after 69 s", n)
		}
		b.clock.Advance(time.Second)
		_, err := b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash) // before any sweep
		wantCode(t, err, gateway.Expired)
		if got := <-answer; got.Payment.State != gateway.PaymentExpired {
			t.Errorf("%+v", got.Payment)
		}
		b.advance(time.Second)
		if b.balance().Cash != 100_000 || len(must(b.Prompts(t.Context(), b.wallet.Phone))(t)) != 0 {
			t.Errorf("balance %+v", b.balance())
		}
		b.auditClean()
	})

	t.Run("a purse too small keeps it open", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		s := must(b.push("I", 20_000))(t)
		_, err := b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UsePoints)
		wantCode(t, err, gateway.InsufficientFunds)
		must(b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UsePointsFirst))(t)
		b.auditClean()
	})

	t.Run("three wrong PINs fail it and lock the wallet", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		s := must(b.push("I", 4_000))(t)
		answer := b.parked(t.Context(), s.Payment.ID)
		for range 2 {
			_, err := b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, "000000", ledger.UseCash)
			wantCode(t, err, gateway.PINWrong)
		}
		_, err := b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, "000000", ledger.UseCash)
		wantCode(t, err, gateway.WalletLocked)
		if got := <-answer; got.Payment.State != gateway.PaymentFailed || got.Payment.Reason != gateway.PINWrong {
			t.Errorf("%+v", got.Payment)
		}
		b.auditClean()
	})

	t.Run("refused at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		refused := func(phone gateway.Phone, invoice string, amount money.Amount, want gateway.Code) {
			t.Helper()
			s := must(b.pushTo(phone, invoice, amount))(t)
			if s.Payment.State != gateway.PaymentFailed || s.Payment.Reason != want || s.Push.Open {
				t.Errorf("%s: %s for %v, want %v", invoice, s.Payment.State, s.Payment.Reason, want)
			}
		}
		refused("081299999999", "UNKNOWN", 5, gateway.WalletUnknown)
		refused(b.wallet.Phone, "LIMIT", 10_000_001, gateway.LimitExceeded)
		must(b.SetWalletLimits(t.Context(), b.wallet.Phone, gateway.Limits{DailySum: 10}))(t)
		refused(b.wallet.Phone, "DAY", 11, gateway.SumExceeded)
		must(b.SetWalletStatus(t.Context(), b.wallet.Phone, gateway.WalletBlockedByIssuer))(t)
		refused(b.wallet.Phone, "BLOCKED", 5, gateway.WalletBlocked)
		must(b.SetWalletStatus(t.Context(), b.wallet.Phone, gateway.WalletCardBlockedByBank))(t)
		refused(b.wallet.Phone, "CARD", 5, gateway.CardBlocked)
		b.auditClean()
	})

	t.Run("one invoice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first := must(b.push("I", 4_000))(t)
		again := must(b.push("I", 4_000))(t)
		if again.Payment.ID != first.Payment.ID || again.Push.Numbers != first.Push.Numbers {
			t.Errorf("the repeat is %+v", again)
		}
		_, err := b.push("I", 4_001)
		wantCode(t, err, gateway.Inconsistent)
		_, err = b.StartPush(t.Context(), gateway.StartPush{
			Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: "OTHER", Amount: 4_000,
			Proof: first.Push.Proof, Fingerprint: "other",
		})
		wantCode(t, err, gateway.ProofReused)
		if n := len(must(b.Prompts(t.Context(), b.wallet.Phone))(t)); n != 1 {
			t.Errorf("%d prompts", n)
		}
		must(b.ApprovePush(t.Context(), b.wallet.Phone, first.Payment.ID, pin, ledger.UseCash))(t)
		if done := must(b.push("I", 4_000))(t); done.Payment.State != gateway.PaymentSucceeded || b.balance().Cash != 96_000 {
			t.Errorf("the repeat of a success is %+v, balance %+v", done.Payment, b.balance())
		}
		b.auditClean()
	})

	t.Run("another phone cannot answer", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.newWallet("081200000002", ledger.Split{Cash: 5_000})
		s := must(b.push("I", 4_000))(t)
		_, err := b.ApprovePush(t.Context(), "081200000002", s.Payment.ID, pin, ledger.UseCash)
		wantCode(t, err, gateway.NotFound)
		_, err = b.DeclinePush(t.Context(), "081200000002", s.Payment.ID)
		wantCode(t, err, gateway.NotFound)
	})

	t.Run("refunds return points first", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		s := must(b.push("I", 50_000))(t)
		must(b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UsePointsFirst))(t)
		for i, step := range []ledger.Split{{Points: 4_000}, {Points: 6_000, Cash: 2_000}, {Cash: 38_000}} {
			r, _, err := b.RefundPayment(t.Context(), gateway.RefundPayment{
				Merchant: b.merchant.ID, Payment: gateway.PaymentQuery{Dialect: "jokul", Reference: "I"}, Reference: fmt.Sprint("R", i), Amount: step.Total(),
			})
			if err != nil || r.Split != step {
				t.Errorf("refund %d: %+v, %v; want %+v", i, r.Split, err, step)
			}
		}
		b.auditClean()
	})
}

// Approving, declining and the deadline race for many pushes; each must end once,
// be debited if and only if it succeeded, and be told to who waits as it is.
func TestPushRaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n, amount = 40, 10
	answers := make([]<-chan gateway.PushStatus, n)
	ids := make([]gateway.PaymentID, n)
	for i := range n {
		s := must(b.push(fmt.Sprint("RACE-", i), amount))(t)
		ids[i], answers[i] = s.Payment.ID, b.parked(t.Context(), s.Payment.ID)
	}
	b.clock.Advance(69*time.Second + 990*time.Millisecond)
	counts := inParallel(3*n+1, func(i int) gateway.Code {
		var err error
		switch {
		case i == 3*n:
			b.clock.Advance(20 * time.Millisecond)
			_, err = b.ExpireDue(context.Background())
		case i%3 == 0:
			_, err = b.DeclinePush(context.Background(), b.wallet.Phone, ids[i/3])
		default:
			_, err = b.ApprovePush(context.Background(), b.wallet.Phone, ids[i/3], pin, ledger.UseCash)
		}
		return gateway.ErrorCode(err)
	})
	must(b.ExpireDue(t.Context()))(t)
	debited := money.Amount(0)
	for i := range n {
		got := <-answers[i]
		stored := must(b.Push(t.Context(), ids[i]))(t)
		if got.Payment.State != stored.Payment.State || !got.Payment.State.Final() {
			t.Errorf("push %d was told %s and is %s", i, got.Payment.State, stored.Payment.State)
		}
		if stored.Payment.State == gateway.PaymentSucceeded {
			debited += amount
		}
	}
	if b.balance().Cash != 100_000-debited {
		t.Errorf("balance %+v after %d succeeded; calls %v", b.balance(), debited/amount, counts)
	}
	b.auditClean()
}

func TestPushAnsweredAtAnotherProcess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.another()
	s := must(b.push("I", 4_000))(t)
	answer := b.parked(t.Context(), s.Payment.ID)
	must(other.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash))(t)
	for {
		if err := b.WakeWaits(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-answer:
			if got.Payment.State != gateway.PaymentSucceeded {
				t.Errorf("%+v", got.Payment)
			}
			return
		default: // the goroutine has not parked yet
		}
	}
}

func TestPushWaitGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := must(b.push("I", 4_000))(t)
	ctx, cancel := context.WithCancel(t.Context())
	answer := b.parked(ctx, s.Payment.ID)
	cancel()
	if got := <-answer; got.Payment.State != gateway.PaymentAwaiting {
		t.Errorf("%+v", got.Payment)
	}
	must(b.ApprovePush(t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash))(t)
	b.auditClean()
}

func TestUncertainPush(t *testing.T) {
	t.Parallel()
	forced := gateway.OutcomePending
	b := setupForced(t, func(_ context.Context, op gateway.Operation) (gateway.Outcome, bool) {
		return gateway.Outcome{Code: forced}, op.Name == gateway.OpPush
	})
	start := func(invoice string, code gateway.Code) gateway.PaymentID {
		t.Helper()
		forced = code
		s := must(b.push(invoice, 4_000))(t)
		if s.Payment.State != gateway.PaymentUncertain || !s.Push.Open {
			t.Fatalf("%+v", s)
		}
		if got := <-b.parked(t.Context(), s.Payment.ID); got.Payment.State != gateway.PaymentUncertain {
			t.Errorf("the wait ended as %s", got.Payment.State)
		}
		return s.Payment.ID
	}
	ended := func(s gateway.PushStatus, err error) gateway.Code {
		t.Helper()
		if err != nil || s.Payment.State != gateway.PaymentFailed || s.Push.Open {
			t.Errorf("%+v, %v", s, err)
		}
		return s.Payment.Reason
	}
	pending := start("PENDING", gateway.OutcomePending)
	if s := must(b.ResolvePush(t.Context(), pending))(t); s.Payment.State != gateway.PaymentUncertain {
		t.Errorf("the wallet knows nothing yet, but the push is %s", s.Payment.State)
	}
	if code := ended(b.ReversePush(t.Context(), pending)); code != gateway.Reversed {
		t.Errorf("reversed for %v", code)
	}
	unknown := start("UNKNOWN", gateway.NotFound)
	if code := ended(b.ResolvePush(t.Context(), unknown)); code != gateway.NotFound {
		t.Errorf("resolved as %v", code)
	}
	old := start("OLD", gateway.OutcomePending)
	b.advance(7 * 24 * time.Hour)
	if code := ended(b.Push(t.Context(), old)); code != gateway.StatusTooOld {
		t.Errorf("after seven days: %v", code)
	}
	if b.balance().Cash != 100_000 {
		t.Errorf("balance %+v", b.balance())
	}
	b.auditClean()
}

func TestTerminalNumbers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	numbers := func(invoice string) gateway.TerminalNumbers { return must(b.push(invoice, 5))(t).Push.Numbers }
	if n := numbers("A"); n != (gateway.TerminalNumbers{Batch: 1, Reference: 1, Trace: 1}) {
		t.Errorf("first %+v", n)
	}
	if n := numbers("B"); n != (gateway.TerminalNumbers{Batch: 1, Reference: 2, Trace: 2}) {
		t.Errorf("second %+v", n)
	}
	b.advance(24 * time.Hour)
	if n := numbers("C"); n != (gateway.TerminalNumbers{Batch: 2, Reference: 1, Trace: 3}) {
		t.Errorf("the next day %+v", n)
	}
	b.auditClean()
}

func TestForcedOutcomes(t *testing.T) {
	t.Parallel()
	var force gateway.OperationName
	b := setupForced(t, func(_ context.Context, op gateway.Operation) (gateway.Outcome, bool) {
		return gateway.Outcome{Code: gateway.Unavailable}, op.Name == force
	})
	bnd := b.bind("c")
	if _, _, err := b.pay(order{binding: bnd.ID, amount: 5, reference: "P"}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[gateway.OperationName]func() error{
		gateway.OpBind: func() error {
			_, _, err := b.StartBinding(t.Context(), gateway.StartBinding{Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: "d"})
			return err
		},
		gateway.OpBalance: func() error { _, err := b.Balance(t.Context(), b.merchant.ID, bnd.ID); return err },
		gateway.OpPayment: func() error { _, _, err := b.pay(order{binding: bnd.ID, amount: 5}); return err },
		gateway.OpRefund:  func() error { _, err := b.refund("P", "R", 1); return err },
		gateway.OpUnbind: func() error {
			_, err := b.Unbind(t.Context(), gateway.Claim{}, b.merchant.ID, bnd.ID)
			return err
		},
		gateway.OpStatus: func() error {
			_, err := b.FindPayment(t.Context(), b.merchant.ID, gateway.PaymentQuery{Dialect: "snap", Reference: "P"})
			return err
		},
	} {
		force = name
		if err := call(); !errors.Is(err, gateway.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b.balance().Cash != 99_995 {
		t.Errorf("balance %+v", b.balance())
	}
	b.auditClean()
}
