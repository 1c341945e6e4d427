package gateway

import (
	"context"
	"time"
)

// Retention is how long rows stay that no rule asks for any more. Payments,
// transfers, postings, refunds and events stay for ever; so does the number of a
// payment, which is what keeps a customer from being charged twice.
type Retention struct {
	// Claims is for request ids, with what their requests were answered. A repeat
	// after that is a new request, and meets the payment's own number. SNAP's ids are
	// unique for a day and a push may be asked about for seven.
	Claims time.Duration
	// Notifications is for those that were delivered, with their attempts. Others stay
	// until somebody has dealt with them.
	Notifications time.Duration
}

// DefaultRetention is the retention unless configured otherwise.
var DefaultRetention = Retention{Claims: 7 * 24 * time.Hour, Notifications: 90 * 24 * time.Hour}

// minRetention is what protocols promise: an id that is unique within a day is kept
// for the rest of that day, wherever its merchant lives.
const minRetention = 48 * time.Hour

// orDefault fills in what is not set, and keeps what protocols promise.
func (r Retention) orDefault() Retention {
	if r.Claims == 0 {
		r.Claims = DefaultRetention.Claims
	}
	if r.Notifications == 0 {
		r.Notifications = DefaultRetention.Notifications
	}
	return Retention{max(r.Claims, minRetention), max(r.Notifications, minRetention)}
}

// pruneBatch bounds how many rows one transaction deletes, so that a backlog does not
// hold the writer for long.
const pruneBatch = 500

// Prune deletes what Retention no longer keeps, and reports how many claims and
// notifications that were. It is called every minute; several processes may.
func (g *Gateway) Prune(ctx context.Context) (total int, err error) {
	for _, prune := range []func(Tx) (int, error){
		func(tx Tx) (int, error) { return tx.PruneClaims(tx.Now().Add(-g.retention.Claims), pruneBatch) },
		func(tx Tx) (int, error) {
			moment := tx.Now().Add(-g.retention.Notifications)
			return tx.PruneNotifications(NotificationID(firstID("ntf_", moment)), moment, pruneBatch)
		},
	} {
		for n := pruneBatch; n == pruneBatch; total += n {
			if err := g.store.Update(ctx, func(tx Tx) (err error) {
				n, err = prune(tx)
				return err
			}); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}
