package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// What a transaction reads before it decides must still hold when it commits, also
// where transactions run beside each other in two processes.

// oneOf spreads calls over two gateways on one database.
func (b *bundle) oneOf(i int) *gateway.Gateway {
	if i%2 == 0 {
		return b.direct()
	}
	return b.beside()
}

// race runs calls at once. Looking first opens the connections, which take longer
// than the calls that are to meet.
func (b *bundle) race(n int, call func(i int) string) map[string]int {
	inParallel(n, func(i int) bool { return b.oneOf(i).Ready(context.Background()) == nil })
	return inParallel(n, call)
}

func TestDailyLimitsAtOnce(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]gateway.Limits{"count": {DailyCount: 5}, "sum": {DailySum: 599}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			bnd := b.bind("c")
			must(b.SetWalletLimits(t.Context(), b.wallet.Phone, limits))(t)
			outcomes := b.race(50, func(i int) string {
				_, _, err := b.oneOf(i).CreatePayment(context.Background(), gateway.CreatePayment{
					Merchant: b.merchant.ID, Binding: bnd.ID, Channel: gateway.SNAPRecurring, Dialect: "snap", Reference: fmt.Sprint("INV-", i),
					Amount: 100, Use: ledger.UseCash, Fingerprint: "f",
				})
				switch {
				case err == nil:
					return "paid"
				case errors.Is(err, gateway.CountExceeded), errors.Is(err, gateway.SumExceeded):
					return "refused"
				}
				return err.Error()
			})
			if outcomes["paid"] != 5 || outcomes["refused"] != 45 {
				t.Errorf("outcomes %v, want 5 paid and 45 refused", outcomes)
			}
			b.auditClean()
		})
	}
}

func TestWrongPINsOnTwentyPagesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("c")
	pages := make([]string, 20)
	for i := range pages {
		_, page, err := b.pay(order{binding: bnd.ID, amount: 10, sale: true})
		if err != nil {
			t.Fatal(err)
		}
		must(b.EnterOTP(t.Context(), page.Key, b.otp(page.Key)))(t)
		pages[i] = page.Key
	}
	judged := b.race(len(pages), func(i int) string {
		v, err := b.oneOf(i).EnterPIN(context.Background(), pages[i], "000000")
		switch {
		case errors.Is(err, gateway.PINWrong), err == nil && v.Page.Reason == gateway.PINWrong:
			return "wrong"
		case err == nil:
			return string(v.Page.State)
		}
		return err.Error()
	})
	if judged["wrong"] != 3 || judged[string(gateway.PageFailed)] != 17 {
		t.Errorf("outcomes %v, want 3 wrong PINs and 17 pages failed unseen", judged)
	}
	if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.LockedUntil.IsZero() {
		t.Error("the wallet is not locked")
	}
	b.auditClean()
}

// Limits that are set while a wrong PIN is counted must not undo the count.
func TestTermsDoNotUndoAWrongPIN(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("c")
	_, page, err := b.pay(order{binding: bnd.ID, amount: 10, sale: true})
	if err != nil {
		t.Fatal(err)
	}
	must(b.EnterOTP(t.Context(), page.Key, b.otp(page.Key)))(t)
	for round := range 2 {
		inParallel(20, func(i int) bool {
			var err error
			if i == 0 {
				_, err = b.direct().EnterPIN(context.Background(), page.Key, "000000")
				if errors.Is(err, gateway.PINWrong) {
					err = nil
				}
			} else {
				_, err = b.beside().SetWalletLimits(context.Background(), b.wallet.Phone, gateway.Limits{Holding: money.Amount(1_000_000 + i)})
			}
			if err != nil {
				t.Error(err)
			}
			return true
		})
		if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.PINFails != round+1 {
			t.Fatalf("%d wrong PINs are counted, want %d", w.PINFails, round+1)
		}
	}
}

func TestOnePendingPageOfACustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.race(20, func(i int) string {
		_, _, err := b.oneOf(i).StartBinding(context.Background(), gateway.StartBinding{
			Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: "c", Dialect: "snap",
		})
		if err != nil {
			t.Error(err)
		}
		return ""
	})
	states := map[gateway.BindingState]int{}
	for _, bnd := range must(b.BindingsOf(t.Context(), b.wallet.Phone))(t) {
		states[bnd.State]++
	}
	if states[gateway.BindingAwaiting] != 1 || states[gateway.BindingFailed] != 19 {
		t.Errorf("the bindings are %v, want one that waits", states)
	}
	if codes := must(b.Inbox(t.Context(), b.wallet.Phone))(t); len(codes) != 1 {
		t.Errorf("%d pages wait for a code, want 1", len(codes))
	}
	b.auditClean()
}

// Two sweepers share what is due, and end each thing once.
func TestTwoSweepersAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("c")
	const n = 30
	for range n {
		if _, _, err := b.pay(order{binding: bnd.ID, amount: 10, sale: true}); err != nil {
			t.Fatal(err)
		}
	}
	b.clock.Advance(b.Rules().PageLife)
	var ended atomic.Int64
	inParallel(8, func(i int) bool {
		count, err := b.oneOf(i).ExpireDue(context.Background())
		if err != nil {
			t.Error(err)
		}
		ended.Add(int64(count))
		return true
	})
	if ended.Load() != n {
		t.Errorf("%d were ended, want %d", ended.Load(), n)
	}
	if left := must(b.ExpireDue(t.Context()))(t); left != 0 {
		t.Errorf("%d were left", left)
	}
	for _, p := range must(b.Payments(t.Context(), "", 100))(t) {
		if p.State != gateway.PaymentExpired {
			t.Errorf("payment %s is %s", p.ID, p.State)
		}
	}
	b.auditClean()
}

// A call that waits here is woken by the answer that was given elsewhere, by the
// signal alone: nobody looks in this test.
func TestSignalWakesAPushElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listener, ok := b.bare.(interface {
		Listen(context.Context, func(string))
		Signal(string)
		Alone() bool
	})
	if !ok || listener.Alone() {
		t.Skip("the engine has one process")
	}
	c := b.config
	c.Signal = listener.Signal
	there := gateway.New(c)
	here := b.another()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	listening := make(chan struct{}, 100)
	go listener.Listen(ctx, func(signal string) {
		listening <- struct{}{}
		here.Heard(signal)
	})
	for ready := false; !ready; {
		listener.Signal("is anybody there?")
		select {
		case <-listening:
			ready = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	s := must(here.StartPush(ctx, gateway.StartPush{
		Merchant: b.merchant.ID, Dialect: "push", Phone: b.wallet.Phone, Reference: "P-1", Amount: 100, Proof: "p", Fingerprint: "f",
	}))(t)
	woken := make(chan error, 1)
	go func() { woken <- here.AwaitPush(ctx, s.Payment.ID, nil) }()
	for here.Waiting() == 0 {
		runtime.Gosched()
	}
	must(there.ApprovePush(ctx, b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash))(t)
	if err := <-woken; err != nil {
		t.Error(err)
	}
}
