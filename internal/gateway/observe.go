package gateway

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Change is one thing that a transaction made or moved to another state.
type Change struct {
	Kind       ChangeKind
	ID         string
	MerchantID MerchantID // "" where the transaction did not say
	WalletID   WalletID   // likewise
}

// ChangeKind says what changed.
type ChangeKind string

const (
	ChangedBinding      ChangeKind = "binding"
	ChangedPayment      ChangeKind = "payment"
	ChangedRefund       ChangeKind = "refund"
	ChangedNotification ChangeKind = "notification"
)

type observerKey struct{}

// Observe returns a context under which see is told what each transaction changed,
// once it is durable and before its Update returns. The sandbox's request log shows
// by it what a call brought about. Who observed ctx before goes on doing so.
func Observe(ctx context.Context, see func([]Change)) context.Context {
	if before, observed := ctx.Value(observerKey{}).(func([]Change)); observed {
		now := see
		see = func(changes []Change) {
			before(changes)
			now(changes)
		}
	}
	return context.WithValue(ctx, observerKey{}, see)
}

// Watch returns a channel that receives a value after commits of this process, as
// [Feed.Watch] does. A process that shares its database with others must also look
// by itself now and then.
func (g *Gateway) Watch() (changed <-chan struct{}, stop func()) { return g.feed.Watch() }

// Feed wakes who looks on when something has changed. The zero value is ready.
type Feed struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
	open     atomic.Int64 // spares who tells the lock while nobody looks on
}

// Watch returns a channel that receives a value after changes, one for many that
// come close together. stop ends it.
func (f *Feed) Watch() (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == nil {
		f.watchers = map[chan struct{}]struct{}{}
	}
	f.watchers[c] = struct{}{}
	f.open.Add(1)
	return c, sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, c)
		f.open.Add(-1)
	})
}

// Tell wakes everybody who looks on. It never waits for them.
func (f *Feed) Tell() {
	if f.open.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.watchers {
		select {
		case c <- struct{}{}:
		default: // it has not yet looked at the last one
		}
	}
}

// watchedStore tells of what is committed through it.
type watchedStore struct {
	Store
	feed *Feed
}

func (s watchedStore) Update(ctx context.Context, fn func(Tx) error) error {
	see, observed := ctx.Value(observerKey{}).(func([]Change))
	if !observed {
		err := s.Store.Update(ctx, fn)
		if err == nil {
			s.feed.Tell()
		}
		return err
	}
	var changes []Change
	err := s.Store.Update(ctx, func(tx Tx) error {
		changes = nil
		return fn(&observedTx{Tx: tx, changes: &changes})
	})
	if err == nil {
		s.feed.Tell()
		if len(changes) > 0 {
			see(changes)
		}
	}
	return err
}

// observedTx notes the writes that make or move something with a state.
type observedTx struct {
	Tx
	changes *[]Change
}

func (t *observedTx) note(c Change) {
	if !slices.ContainsFunc(*t.changes, func(have Change) bool { return have.Kind == c.Kind && have.ID == c.ID }) {
		*t.changes = append(*t.changes, c)
	}
}

func (t *observedTx) InsertBinding(b Binding) error {
	t.note(Change{ChangedBinding, string(b.ID), b.MerchantID, b.WalletID})
	return t.Tx.InsertBinding(b)
}

func (t *observedTx) EndBinding(id BindingID, from, to BindingState, by EndedBy) (bool, error) {
	t.note(Change{Kind: ChangedBinding, ID: string(id)})
	return t.Tx.EndBinding(id, from, to, by)
}

func (t *observedTx) InsertPayment(p Payment) (bool, error) {
	inserted, err := t.Tx.InsertPayment(p)
	if inserted {
		t.note(Change{ChangedPayment, string(p.ID), p.MerchantID, p.WalletID})
	}
	return inserted, err
}

func (t *observedTx) FinishPayment(p Payment, from PaymentState) (bool, error) {
	t.note(Change{ChangedPayment, string(p.ID), p.MerchantID, p.WalletID})
	return t.Tx.FinishPayment(p, from)
}

func (t *observedTx) InsertRefund(r Refund) (bool, error) {
	inserted, err := t.Tx.InsertRefund(r)
	if inserted {
		t.note(Change{Kind: ChangedPayment, ID: string(r.PaymentID)})
		t.note(Change{Kind: ChangedRefund, ID: string(r.ID)})
	}
	return inserted, err
}

func (t *observedTx) InsertNotification(n Notification) error {
	t.note(Change{Kind: ChangedNotification, ID: string(n.ID), MerchantID: n.MerchantID})
	return t.Tx.InsertNotification(n)
}
