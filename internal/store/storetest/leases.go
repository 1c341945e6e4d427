package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

func leases(t *testing.T, b Bundle) {
	now := b.Clock.Now()
	b.update(t, func(tx gateway.Tx) error {
		for i := range 5 {
			e := gateway.Event{ID: gateway.EventID(fmt.Sprint("evt_", i)), Subject: "s", Kind: gateway.EventPaymentSucceeded, At: now}
			n := gateway.Notification{ID: gateway.NotificationID(fmt.Sprint("ntf_", i)), EventID: e.ID, MerchantID: gateway.MerchantID(fmt.Sprint("mch_", i)), State: gateway.NotificationQueued, NextAt: now.Add(time.Duration(i) * time.Hour)}
			if err := errors.Join(tx.InsertEvent(e), tx.InsertNotification(n)); err != nil {
				return err
			}
		}
		return nil
	})
	claim := func(limit int) (list []gateway.Notification) {
		t.Helper()
		b.update(t, func(tx gateway.Tx) (err error) {
			list, err = tx.ClaimNotifications(tx.Now().Add(time.Minute), limit, time.Time{}, nil)
			return err
		})
		return list
	}
	if got := claim(10); len(got) != 1 || got[0].Fence != 1 {
		t.Fatalf("claimed %+v, want the one that is due", got)
	}
	if got := claim(10); len(got) != 0 {
		t.Fatalf("claimed %+v under a lease", got)
	}
	b.view(t, func(tx gateway.Tx) error {
		for _, c := range []struct {
			after  time.Duration
			except []gateway.MerchantID
			want   time.Duration
		}{
			{after: -time.Hour, want: time.Minute}, {after: 2 * time.Minute, want: time.Hour}, {after: 2 * time.Hour, want: 3 * time.Hour},
			{after: -time.Hour, except: []gateway.MerchantID{"mch_0", "mch_9"}, want: time.Hour},
			{after: -time.Hour, except: []gateway.MerchantID{"mch_0", "mch_1"}, want: 2 * time.Hour},
		} {
			if got, err := tx.NextNotification(now.Add(c.after), c.except); err != nil || got.Sub(now).Round(time.Minute) != c.want { // the clock runs
				t.Errorf("after %s but those of %s, the next is due in %s, want %s (%v)", c.after, c.except, got.Sub(now), c.want, err)
			}
		}
		return nil
	})
	b.Clock.Advance(2 * time.Minute)
	b.update(t, func(tx gateway.Tx) error {
		list, err := tx.ClaimNotifications(tx.Now().Add(time.Minute), 10, now, []gateway.MerchantID{"mch_0"})
		if len(list) != 0 {
			t.Errorf("claimed %+v of a merchant who was to be passed over", list)
		}
		return err
	})
	got := claim(10)
	if len(got) != 1 || got[0].Fence != 2 {
		t.Fatalf("after the lease: %+v", got)
	}
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		late := got[0]
		late.Fence, late.State = 1, gateway.NotificationFailed
		if held, err := tx.FinishNotification(late); held || err != nil {
			wrong("an old fence could finish: %v, %v", held, err)
		}
		done := got[0]
		done.State, done.Attempts = gateway.NotificationDelivered, 1
		held, err := tx.FinishNotification(done)
		if !held {
			wrong("the holder could not finish")
		}
		return err
	})
	b.Clock.Advance(5 * time.Hour)
	if got := claim(3); len(got) != 3 {
		t.Fatalf("claimed %d, want the limit of 3", len(got))
	}
	b.update(t, func(tx gateway.Tx) error { return tx.ReleaseNotifications() })
	if got := claim(10); len(got) != 4 {
		t.Fatalf("after a release %d are due, want 4", len(got))
	}
}
