package ovo

import (
	"context"
	"sync"
)

// Seen makes sure that an event is handled once, although the gateway delivers it at
// least once. Receivers call it with the EventKey.
//
// The best Seen is a table in the database of the shop: begin a transaction, insert
// the key (return nil if it is there already), put the transaction into the context
// that handle gets, call handle, commit. Then key and order change together, and no
// crash can lose or repeat an event. [MemorySeen] is for a shop of one process that
// does not mind if the events around a restart are handled twice.
type Seen interface {
	// Once calls handle, unless it was called for key before and returned nil then;
	// in that case Once returns nil. It returns what handle returns. Of two calls with
	// one key at the same time, only one may be in handle: the other waits for it, or
	// returns an error, after which the gateway delivers again.
	Once(ctx context.Context, key string, handle func(context.Context) error) error
}

// memorySeen is how many keys [MemorySeen] holds. Gateways deliver an event for the
// last time 12 hours after the first.
const memorySeen = 100_000

// MemorySeen returns a Seen that keeps the newest 100,000 keys in memory, some 15 MB
// when full. Receivers without another one have one each.
func MemorySeen() Seen {
	return &memory{done: map[string]bool{}, busy: map[string]chan struct{}{}}
}

type memory struct {
	mu   sync.Mutex
	done map[string]bool
	ring []string // the keys of done in the order of coming; from next on the oldest
	next int
	busy map[string]chan struct{} // closed when the call for the key has ended
}

func (m *memory) Once(ctx context.Context, key string, handle func(context.Context) error) (err error) {
	for {
		m.mu.Lock()
		if m.done[key] {
			m.mu.Unlock()
			return nil
		}
		running := m.busy[key]
		if running == nil {
			break
		}
		m.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	over := make(chan struct{})
	m.busy[key] = over
	m.mu.Unlock()

	handled := false // stays so when handle panics
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.busy, key)
		close(over)
		if handled {
			m.remember(key)
		}
	}()
	err = handle(ctx)
	handled = err == nil
	return err
}

func (m *memory) remember(key string) {
	m.done[key] = true
	if len(m.ring) < memorySeen {
		m.ring = append(m.ring, key)
		return
	}
	delete(m.done, m.ring[m.next])
	m.ring[m.next] = key
	m.next = (m.next + 1) % memorySeen
}

// once is [Seen.Once] with the default.
func once(s Seen) Seen {
	if s == nil {
		return MemorySeen()
	}
	return s
}
