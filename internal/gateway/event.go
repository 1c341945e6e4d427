package gateway

import (
	"context"
	"time"
)

// Event is one thing that happened to a binding, payment or refund. Events are
// immutable and commit with the change they tell of.
type Event struct {
	ID         EventID
	MerchantID MerchantID
	Subject    string
	Kind       EventKind
	Reason     Code // of a payment that did not succeed
	At         time.Time
}

// EventKind says what happened.
type EventKind string

const (
	EventBindingStarted   EventKind = "binding.started"
	EventBindingActive    EventKind = "binding.active"
	EventBindingFailed    EventKind = "binding.failed"
	EventBindingExpired   EventKind = "binding.expired"
	EventBindingUnbound   EventKind = "binding.unbound"
	EventPaymentStarted   EventKind = "payment.started"
	EventPaymentSucceeded EventKind = "payment.succeeded"
	EventPaymentRefused   EventKind = "payment.refused"
	EventPaymentFailed    EventKind = "payment.failed"
	EventPaymentCancelled EventKind = "payment.cancelled"
	EventPaymentExpired   EventKind = "payment.expired"
	EventRefundSucceeded  EventKind = "refund.succeeded"
)

// ForPayment reports whether the event's subject is a payment.
func (k EventKind) ForPayment() bool { return len(k) > 8 && k[:8] == "payment." }

// record writes an event that nobody outside is told of.
func (g *Gateway) record(tx Tx, e Event) error {
	e.ID, e.At = EventID(g.newID("evt_", tx.Now())), tx.Now()
	return tx.InsertEvent(e)
}

// announce writes an event and queues the notification of it.
func (g *Gateway) announce(tx Tx, dialect string, e Event) error {
	e.ID, e.At = EventID(g.newID("evt_", tx.Now())), tx.Now()
	if err := tx.InsertEvent(e); err != nil {
		return err
	}
	tx.OnCommit(g.wakeNotifier)
	return tx.InsertNotification(Notification{
		ID: NotificationID(g.newID("ntf_", tx.Now())), EventID: e.ID, MerchantID: e.MerchantID, Subject: e.Subject,
		Kind: e.Kind, Dialect: dialect, State: NotificationQueued, NextAt: tx.Now(), CreatedAt: tx.Now(),
	})
}

// Events lists what happened to a subject, in order.
func (g *Gateway) Events(ctx context.Context, subject string) (all []Event, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.Events(subject)
		return err
	})
	return all, err
}
