package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// pruned checks that only what is old, and only what was delivered, is deleted, no
// more of it at once than was asked for.
func pruned(t *testing.T, b Bundle) {
	claim := func(n int) gateway.Claim { return gateway.Claim{Merchant: "m", Scope: "s", Key: fmt.Sprint(n)} }
	notification := func(n int) gateway.NotificationID {
		return gateway.NotificationID(fmt.Sprintf("ntf_%012x%d", b.Clock.Now().UnixMilli(), n))
	}
	states := []gateway.NotificationState{
		gateway.NotificationDelivered, gateway.NotificationFailed, gateway.NotificationDelivered, gateway.NotificationQueued, gateway.NotificationDelivered,
	}
	var ids []gateway.NotificationID
	write := func(from int) {
		b.update(t, func(tx gateway.Tx) error {
			ids = ids[:from]
			for i, state := range states {
				event, id := gateway.EventID(fmt.Sprint("evt_", from+i)), notification(from+i)
				ids = append(ids, id)
				_, err := tx.InsertClaim(claim(from + i))
				if err := errors.Join(err, tx.InsertEvent(gateway.Event{ID: event, At: tx.Now()}),
					tx.InsertNotification(gateway.Notification{ID: id, EventID: event, State: state, CreatedAt: tx.Now()}),
					tx.InsertAttempt(gateway.Attempt{NotificationID: id, Number: 1, At: tx.Now()})); err != nil {
					return err
				}
			}
			return nil
		})
	}
	write(0)
	b.Clock.Advance(time.Hour)
	moment := b.Clock.Now().UTC()
	before := gateway.NotificationID(fmt.Sprintf("ntf_%012x", moment.UnixMilli()))
	b.Clock.Advance(time.Second)
	write(len(states))

	for _, step := range []struct{ limit, claims, notifications int }{{2, 2, 2}, {10, 3, 1}, {10, 0, 0}} {
		b.update(t, func(tx gateway.Tx) error {
			claims, err := tx.PruneClaims(moment, step.limit)
			if err != nil || claims != step.claims {
				t.Errorf("%d claims, %v; want %d", claims, err, step.claims)
			}
			notifications, err := tx.PruneNotifications(before, moment, step.limit)
			if err != nil || notifications != step.notifications {
				t.Errorf("%d notifications, %v; want %d", notifications, err, step.notifications)
			}
			return nil
		})
	}
	b.view(t, func(tx gateway.Tx) error {
		for i, id := range ids {
			kept := i >= len(states) || states[i] != gateway.NotificationDelivered
			_, err := tx.Notification(id)
			if attempts, _ := tx.Attempts(id); (err == nil) != kept || (len(attempts) == 1) != kept {
				t.Errorf("notification %d: %v, with %d attempts; kept should be %v", i, err, len(attempts), kept)
			}
			if _, _, err := tx.Claim(claim(i)); (err == nil) != (i >= len(states)) {
				t.Errorf("claim %d: %v", i, err)
			}
		}
		return nil
	})
}
