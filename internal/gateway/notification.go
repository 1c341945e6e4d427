package gateway

import (
	"context"
	"errors"
	"time"
)

// Notification is the task of telling a merchant of one event. It is delivered at
// least once; every attempt carries the same event.
type Notification struct {
	ID         NotificationID
	EventID    EventID
	MerchantID MerchantID
	Subject    string
	Kind       EventKind
	Dialect    string
	State      NotificationState
	Attempts   int
	NextAt     time.Time // while queued: when the next attempt is due or, in a worker's hands, when its lease ends
	LeaseUntil time.Time // until when a worker holds it
	Fence      int64     // grows with every claim; a worker whose fence is old may not write
	CreatedAt  time.Time
}

// NotificationState is where a delivery stands. Delivered, failed and undeliverable
// are final; a resend makes a new notification of the same event.
type NotificationState string

const (
	NotificationQueued        NotificationState = "queued"
	NotificationDelivered     NotificationState = "delivered"
	NotificationFailed        NotificationState = "failed"        // the schedule is used up
	NotificationUndeliverable NotificationState = "undeliverable" // the merchant has no URL for it
)

// ErrNoURL is what a dialect's encoder returns when the merchant has configured no
// URL for a notification of this kind.
var ErrNoURL = errors.New("the merchant has configured no URL for this notification")

// Attempt is one try to deliver a notification.
type Attempt struct {
	NotificationID NotificationID
	Number         int // from 1
	URL            string
	At             time.Time
	Took           time.Duration
	Status         int    // HTTP status, 0 when there was no answer
	Answer         string // first bytes of the answer's body
	Error          string // why there was no acknowledgement, in words
}

// Outgoing is a claimed notification with everything its encoder needs.
type Outgoing struct {
	Notification Notification
	Event        Event
	Merchant     Merchant
	Payment      Payment // of payment events
	Binding      Binding // of binding events, and of payments made under one
}

// ClaimNotifications takes up to limit due notifications for one worker until the
// lease ends, but those of some merchants.
func (g *Gateway) ClaimNotifications(ctx context.Context, lease time.Duration, limit int, except ...MerchantID) (claimed []Notification, err error) {
	var from time.Time
	if len(except) > 0 {
		// They may have any number that are due, which to pass over keeps no payment
		// waiting when it is done here.
		var queued bool
		if from, queued, err = g.nextNotification(ctx, time.Time{}, except); err != nil || !queued {
			return nil, err
		}
	}
	err = g.store.Update(ctx, func(tx Tx) (err error) {
		claimed, err = tx.ClaimNotifications(tx.Now().Add(lease), limit, from, except)
		return err
	})
	return claimed, err
}

// Outgoing reads what a claimed notification tells of, as it is by now. The merchant is
// answered from memory, like that of a call.
func (g *Gateway) Outgoing(ctx context.Context, n Notification) (out Outgoing, err error) {
	m, err := g.cachedMerchant(ctx, merchantName{"", string(n.MerchantID)}, func(tx Tx, id string) (Merchant, error) { return tx.Merchant(MerchantID(id)) })
	if err != nil {
		return out, err
	}
	err = g.peek(ctx, "", func(tx Tx) (err error) {
		out, err = outgoing(tx, n)
		out.Merchant = m
		return err
	})
	return out, err
}

func outgoing(tx Tx, n Notification) (out Outgoing, err error) {
	out.Notification = n
	if out.Event, err = tx.Event(n.EventID); err != nil {
		return out, err
	}
	if n.Kind.ForPayment() {
		if out.Payment, err = tx.Payment(PaymentID(n.Subject)); err != nil {
			return out, err
		}
		if id := out.Payment.BindingID; id != "" {
			out.Binding, err = tx.Binding(id)
		}
		return out, err
	}
	if out.Binding, err = tx.Binding(BindingID(n.Subject)); err != nil {
		return out, err
	}
	page, err := tx.Page(out.Binding.PageID)
	out.Binding.AuthCode = page.Key
	return out, err
}

// NextNotification is when the earliest queued notification is due of those that are
// due after a moment, or false when there is none.
func (g *Gateway) NextNotification(ctx context.Context, after time.Time) (at time.Time, ok bool, err error) {
	return g.nextNotification(ctx, after, nil)
}

func (g *Gateway) nextNotification(ctx context.Context, after time.Time, except []MerchantID) (at time.Time, ok bool, err error) {
	err = g.peek(ctx, "", func(tx Tx) error {
		at, err = tx.NextNotification(after, except)
		if errors.Is(err, ErrNoRow) {
			return nil
		}
		ok = err == nil
		return err
	})
	return at, ok, err
}

// FinishAttempt stores an attempt and what follows from it: the notification's
// new state and, while it stays queued, when the next attempt is due. A worker
// that lost its lease changes nothing.
func (g *Gateway) FinishAttempt(ctx context.Context, n Notification, a Attempt, state NotificationState, nextAt time.Time) error {
	return g.store.Update(ctx, func(tx Tx) error {
		n.State, n.NextAt, n.LeaseUntil, n.Attempts = state, nextAt, time.Time{}, a.Number
		held, err := tx.FinishNotification(n)
		if err != nil || !held {
			return err
		}
		if state == NotificationUndeliverable {
			return nil
		}
		return tx.InsertAttempt(a)
	})
}

// ResendNotification queues the event of an earlier notification again, to be
// sent now, on a schedule of its own.
func (g *Gateway) ResendNotification(ctx context.Context, id NotificationID) (Notification, error) {
	var n Notification
	err := g.store.Update(ctx, func(tx Tx) error {
		earlier, err := tx.Notification(id)
		if errors.Is(err, ErrNoRow) {
			return refuse(NotFound, "no such notification")
		}
		if err != nil {
			return err
		}
		n, err = g.queueAgain(tx, earlier)
		return err
	})
	return n, err
}

// queueAgain makes a new notification of an earlier one's event.
func (g *Gateway) queueAgain(tx Tx, earlier Notification) (Notification, error) {
	n := Notification{
		ID: NotificationID(g.newID("ntf_", tx.Now())), EventID: earlier.EventID, MerchantID: earlier.MerchantID, Subject: earlier.Subject,
		Kind: earlier.Kind, Dialect: earlier.Dialect, State: NotificationQueued, NextAt: tx.Now(), CreatedAt: tx.Now(),
	}
	tx.OnCommit(g.wakeNotifier)
	return n, tx.InsertNotification(n)
}

// ReturnNotifications ends the leases of notifications that their holder will not
// deliver: they are due at once. Those whose lease is over already stay as they are.
func (g *Gateway) ReturnNotifications(ctx context.Context, held []Notification) error {
	return g.store.Update(ctx, func(tx Tx) error {
		for _, n := range held {
			n.State, n.NextAt, n.LeaseUntil = NotificationQueued, tx.Now(), time.Time{}
			if _, err := tx.FinishNotification(n); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReleaseNotifications ends all leases. A process that owns its database alone
// calls it on start, to go on at once with what a predecessor that died held.
func (g *Gateway) ReleaseNotifications(ctx context.Context) error {
	return g.store.Update(ctx, func(tx Tx) error { return tx.ReleaseNotifications() })
}

// Notifications lists up to limit notifications, newest first, that are older
// than before ("" for the newest) and, unless subject is "", about that subject.
func (g *Gateway) Notifications(ctx context.Context, subject string, before NotificationID, limit int) (all []Notification, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.Notifications(subject, before, limit)
		return err
	})
	return all, err
}

// Delivery finds a notification with its attempts, both as of one moment.
func (g *Gateway) Delivery(ctx context.Context, id NotificationID) (n Notification, attempts []Attempt, err error) {
	err = g.view(ctx, "no such notification", func(tx Tx) error {
		if n, err = tx.Notification(id); err != nil {
			return err
		}
		attempts, err = tx.Attempts(id)
		return err
	})
	return n, attempts, err
}

// Attempts lists the attempts of a notification in order.
func (g *Gateway) Attempts(ctx context.Context, id NotificationID) (all []Attempt, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.Attempts(id)
		return err
	})
	return all, err
}

// Notified receives a value after a commit that queued a notification. It is
// meant for one worker.
func (g *Gateway) Notified() <-chan struct{} { return g.notified }

func (g *Gateway) wakeNotifier() {
	select {
	case g.notified <- struct{}{}:
	default: // a wake-up is already waiting
	}
}

// Outbox is what waits to be delivered.
type Outbox struct {
	Queued  int           // notifications, at most OutboxMax of them
	Overdue time.Duration // how long the earliest has been due without anybody taking it
}

// OutboxMax is how far the notifications in an Outbox are counted.
const OutboxMax = 10_000

// Outbox looks at what waits to be delivered.
func (g *Gateway) Outbox(ctx context.Context) (o Outbox, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		if o.Queued, err = tx.CountNotifications("", NotificationQueued, OutboxMax); err != nil || o.Queued == 0 {
			return err
		}
		next, err := tx.NextNotification(time.Time{}, nil)
		o.Overdue = max(0, tx.Now().Sub(next))
		return err
	})
	return o, err
}
