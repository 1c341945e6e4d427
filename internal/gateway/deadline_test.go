package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// TestPushDeadlineRace has five hundred customers approve within fifty milliseconds
// of the deadline, half of them too late, at two processes, while both sweep. Time
// is virtual, so early and late are exact: an approval succeeds exactly when it
// comes before the deadline, and every call that waits is told the same.
func TestPushDeadlineRace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pushes, amount = 500, 10
		b := setupVirtual(t)
		config := b.config
		config.Store = b.bare // which does not rehearse, and so takes no time
		processes := []*gateway.Gateway{gateway.New(config), gateway.New(config)}
		ids := make([]gateway.PaymentID, pushes)
		for i := range ids {
			s, err := processes[0].StartPush(t.Context(), gateway.StartPush{
				Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: fmt.Sprint("P-", i), Amount: amount,
				Proof: fmt.Sprint(i), Fingerprint: fmt.Sprint(i),
			})
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = s.Payment.ID
		}
		wait := b.Rules().PushWait
		var group sync.WaitGroup
		var early, late, woken atomic.Int64
		for i, id := range ids {
			group.Go(func() {
				if err := processes[i%2].AwaitPush(context.Background(), id, nil); err == nil {
					woken.Add(1)
				}
			})
			group.Go(func() {
				off := time.Duration(i-pushes/2) * 50 * time.Millisecond / (pushes / 2) // -50 ms … +49.8 ms
				time.Sleep(wait + off)
				_, err := processes[(i+1)%2].ApprovePush(context.Background(), b.wallet.Phone, id, pin, ledger.UseCash)
				switch {
				case off < 0 && err == nil:
					early.Add(1)
				case off >= 0 && (errors.Is(err, gateway.Expired) || errors.Is(err, gateway.WrongState)):
					late.Add(1)
				default:
					t.Errorf("an approval %s after the deadline: %v", off, err)
				}
			})
		}
		for _, g := range processes {
			group.Go(func() {
				time.Sleep(wait - 60*time.Millisecond)
				for range 40 {
					time.Sleep(5 * time.Millisecond)
					if _, err := g.ExpireDue(context.Background()); err != nil {
						t.Error(err)
					}
					if err := g.WakeWaits(context.Background()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if early.Load() != pushes/2 || late.Load() != pushes/2 || woken.Load() != pushes {
			t.Errorf("%d approved in time, %d too late, %d callers told; want %d, %d, %d", early.Load(), late.Load(), woken.Load(), pushes/2, pushes/2, pushes)
		}
		if got, want := b.balance().Cash, b.wallet.Balance.Cash-pushes/2*amount; got != want {
			t.Errorf("the wallet holds %d, want %d", got, want)
		}
		b.auditClean()
	})
}
