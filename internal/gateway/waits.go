package gateway

import (
	"context"
	"sync"
	"time"
)

// waits are the parked calls of this process, by the payment they wait for. It is
// only the fast way to wake them: what is true stands in the rows.
type waits struct {
	mu     sync.Mutex
	parked map[PaymentID]map[chan struct{}]struct{}
	polled time.Time
}

// on returns a channel that is closed when the payment may have ended.
func (w *waits) on(id PaymentID) (done <-chan struct{}, stop func()) {
	c := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parked == nil {
		w.parked = map[PaymentID]map[chan struct{}]struct{}{}
	}
	if w.parked[id] == nil {
		w.parked[id] = map[chan struct{}]struct{}{}
	}
	w.parked[id][c] = struct{}{}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.parked[id], c)
		if len(w.parked[id]) == 0 {
			delete(w.parked, id)
		}
	}
}

func (w *waits) wake(id PaymentID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.parked[id] {
		close(c)
	}
	delete(w.parked, id)
}

// Waiting is how many pushes have calls parked in this process.
func (g *Gateway) Waiting() int {
	g.waits.mu.Lock()
	defer g.waits.mu.Unlock()
	return len(g.waits.parked)
}

// pollOverlap makes up for commits that become visible out of order and for
// clocks of other processes that are a little off.
const pollOverlap = 5 * time.Second

// WakeWaits wakes the calls whose push was answered at another process since the
// last time. It is called twice a second; with nobody waiting it does nothing.
func (g *Gateway) WakeWaits(ctx context.Context) error {
	g.waits.mu.Lock()
	since, waiting := g.waits.polled, len(g.waits.parked)
	g.waits.mu.Unlock()
	now := g.clock.Now()
	if waiting == 0 {
		return nil
	}
	if since.IsZero() || since.After(now) { // the clock was set back, and what came meanwhile may have been missed
		since = now.Add(-g.rules.PushWait)
	}
	var final []PaymentID
	err := g.view(ctx, "", func(tx Tx) (err error) {
		final, err = tx.PushesFinal(since.Add(-pollOverlap))
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range final {
		g.waits.wake(id)
	}
	g.waits.mu.Lock()
	g.waits.polled = now
	g.waits.mu.Unlock()
	return nil
}
