package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// A call that waits for a push is answered in the time that a push lasts, also when
// the clock by which pushes end is set back meanwhile. The push itself goes on.
func TestWaitsEndWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setupVirtual(t)
		g := b.direct()
		s, err := g.StartPush(t.Context(), gateway.StartPush{
			Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: "P", Amount: 10, Proof: "p", Fingerprint: "f",
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		b.clock.Advance(-time.Hour)
		if err := g.AwaitPush(t.Context(), s.Payment.ID, nil); err != nil {
			t.Fatal(err)
		}
		if took, wait := time.Since(began), g.Rules().PushWait; took < wait || took > wait+10*time.Second {
			t.Errorf("it was waited for %s, want %s and little more", took, wait)
		}
		if s, err = g.Push(t.Context(), s.Payment.ID); err != nil || s.Payment.State != gateway.PaymentAwaiting {
			t.Errorf("the push is %s, %v", s.Payment.State, err)
		}
		b.clock.Advance(time.Hour)
		if _, err := g.ExpireDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s, err = g.Push(t.Context(), s.Payment.ID); err != nil || s.Payment.State != gateway.PaymentExpired {
			t.Errorf("after its time by the clock the push is %s, %v", s.Payment.State, err)
		}
		b.auditClean()
	})
}

// A process whose clock was set, forwards and back again, still notices what another
// process ends.
func TestWakeWaitsWhateverTheClockDid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setupVirtual(t)
		clock := gateway.NewMovableClock(0)
		config := b.config
		config.Store, config.Clock = b.bare, clock
		here := gateway.New(config)
		park := func(reference string) (woken chan error) {
			s, err := b.direct().StartPush(t.Context(), gateway.StartPush{
				Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: reference, Amount: 10, Proof: reference, Fingerprint: "f",
			})
			if err != nil {
				t.Fatal(err)
			}
			woken = make(chan error, 1)
			go func() { woken <- here.AwaitPush(context.Background(), s.Payment.ID, nil) }()
			synctest.Wait()
			if err := here.WakeWaits(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := b.direct().DeclinePush(t.Context(), b.wallet.Phone, s.Payment.ID); err != nil {
				t.Fatal(err)
			}
			return woken
		}
		for _, off := range []time.Duration{time.Hour, 0, -time.Hour, 0} {
			clock.Advance(off - clock.Offset())
			woken := park(fmt.Sprint("P", off, time.Now().UnixNano()))
			clock.Advance(-clock.Offset()) // it is right again
			began := time.Now()
			if err := here.WakeWaits(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-woken; err != nil || time.Since(began) > 0 {
				t.Errorf("after the clock was %s off the wait ended with %v after %s", off, err, time.Since(began))
			}
			time.Sleep(time.Second)
		}
	})
}

// Reports count everything once, whatever the clock did between two payments, and
// whoever counts.
func TestReportsWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("c")
	count := func() {
		t.Helper()
		for _, g := range []*gateway.Gateway{b.direct(), b.another()} { // as by a process that starts
			if _, err := g.Tally(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		b.auditClean()
	}
	for _, by := range []time.Duration{time.Hour, 10 * time.Minute, -70 * time.Minute, time.Minute, -30 * time.Minute, 4 * time.Minute, 24 * time.Hour, 10 * time.Minute, -24 * time.Hour} {
		b.clock.Advance(by)
		for range 3 {
			if _, _, err := b.pay(order{binding: bnd.ID, amount: 10}); err != nil {
				t.Fatal(err)
			}
		}
		count()
	}
	b.clock.Advance(4 * time.Minute)
	count()
	if n, err := b.direct().Tally(t.Context()); err != nil || n != 0 {
		t.Errorf("counting again finds %d rows, %v", n, err)
	}
}
