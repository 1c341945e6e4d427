package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// An update first runs as an attempt: a transaction that has not begun. Its reads go
// to connections that serve many of them in one round trip; its writes are queued
// and answered as if their guards held. At the end the queue joins those of other
// updates in one database transaction (see write), which checks every guard. If one
// does not hold, fn runs again in a transaction of its own, where each answer is
// exact. So is the answer of what cannot be queued: at such a statement, and at a
// read of a table that was written, the transaction begins for good.

// errGuard says that an attempt's guard did not hold.
var errGuard = errors.New("store: a guard did not hold")

func (p *postgres) update(ctx context.Context, fn func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-p.closing:
		return errClosed
	default:
	}
	a := &attempt{ctx: ctx, db: p, began: p.machine.Now()}
	defer a.leave()
	err := a.once(fn)
	if errors.Is(err, errGuard) || p.overtaken(err) && !errors.Is(err, errLost) {
		p.meter.ungrouped.Add(1)
		return p.direct(ctx, fn)
	}
	return err
}

type attempt struct {
	ctx     context.Context
	db      *postgres
	began   time.Time // by the machine's clock
	queue   []write
	written uint64 // tables, by bit
	broken  error  // what made the attempt useless
	keys    []string

	conn *pgxpool.Conn // once it has begun
	tx   *transaction
}

// once runs fn and commits.
func (a *attempt) once(fn func(*session) error) error {
	defer a.abandon() // also when fn panics
	err := fn(&session{a})
	switch {
	case a.broken != nil:
		return a.broken // whatever fn made of it
	case a.tx != nil && a.tx.broken != nil:
		return a.tx.broken
	case err != nil:
		return err
	case a.tx != nil:
		return a.db.commit(a.tx)
	case len(a.queue) == 0:
		return nil
	case !a.sortable():
		if a.begin(); a.broken != nil {
			return a.broken
		}
		return a.db.commit(a.tx)
	}
	return a.db.enqueue(a.ctx, a.queue, a.began)
}

// sortable reports whether no row is written again in a way that sorting by order
// would bring before the first.
func (a *attempt) sortable() bool {
	var updated uint64
	for _, w := range a.queue {
		if w.class == updates {
			updated |= 1 << w.table
		} else if updated&(1<<w.table) != 0 {
			return false
		}
	}
	return true
}

func (a *attempt) abandon() {
	if a.conn != nil {
		a.tx.rollback() // unless it was committed
		release(a.conn)
	}
}

// begin begins the transaction for good and runs in it what is queued.
func (a *attempt) begin() {
	if a.tx != nil || a.broken != nil {
		return
	}
	if a.conn, a.broken = a.db.acquire(context.WithoutCancel(a.ctx)); a.broken != nil {
		return
	}
	a.tx = &transaction{conn: a.conn.Conn(), begin: "BEGIN", writes: true, oldest: a.began, newest: a.began}
	for _, w := range a.queue {
		n, err := a.tx.run(w.guarded, w.text, w.args)
		if err == nil && w.guarded && n == 0 {
			err = errGuard
		}
		if err != nil {
			a.broken = err
			return
		}
	}
}

func (a *attempt) run(guarded bool, query string, args []any) (int64, error) {
	s := statementOf(query)
	if s.class == inserts {
		a.db.grow(s)
	}
	if a.tx == nil && s.class != inserts && s.class != updates {
		a.begin()
	}
	switch {
	case a.broken != nil:
		return 0, a.broken
	case a.tx != nil:
		return a.tx.run(guarded, query, args)
	}
	a.push(s, guarded, args)
	return 1, nil
}

func (a *attempt) push(s *statement, guarded bool, args []any) {
	a.queue = append(a.queue, write{statement: s, args: plain(args), guarded: guarded})
	a.written |= 1 << s.table
}

func (a *attempt) query(each func(row) error, query string, args ...any) error {
	s := statementOf(query)
	if a.tx == nil && (s.class != reads || s.mentions&a.written != 0) {
		a.begin()
	}
	switch {
	case a.broken != nil:
		return a.broken
	case a.tx != nil:
		return a.tx.query(each, query, args...)
	}
	return a.db.readSoon(each, query, plain(args))
}

func (a *attempt) premise(query string, args ...any) error {
	switch {
	case a.broken != nil || a.tx == nil && len(a.queue) == 0:
		return a.broken // who writes nothing promises nothing
	case a.tx == nil:
		a.push(statementOf(query), true, args)
		return nil
	}
	found := false
	err := a.tx.query(func(row) error { found = true; return nil }, query, args...)
	if err == nil && !found {
		a.broken = errGuard
		err = errGuard
	}
	return err
}

// holding makes updates of one process that read the same rows wait for each other:
// all but one of them would fail at the end. Those of other processes are noticed
// there.
func (a *attempt) holding(key string) string {
	if a.tx == nil && !a.enter(key) {
		a.begin()
	}
	if a.tx != nil {
		return a.tx.holding(key)
	}
	return ""
}

func (a *attempt) skipping() string {
	if a.begin(); a.tx == nil {
		return ""
	}
	return a.tx.skipping()
}

// enter takes the gate of a key. It waits for the first, and only tries further
// ones, so that no two updates wait for each other.
func (a *attempt) enter(key string) bool {
	for _, k := range a.keys {
		if k == key {
			return true
		}
	}
	if !a.db.gate.enter(key, len(a.keys) == 0) {
		return false
	}
	a.keys = append(a.keys, key)
	return true
}

func (a *attempt) leave() {
	for _, key := range a.keys {
		a.db.gate.leave(key)
	}
}

// gate lets one update through for each key.
type gate struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when the key becomes free
}

func (g *gate) enter(key string, wait bool) bool {
	for {
		g.mu.Lock()
		free, held := g.held[key]
		if !held {
			g.held[key] = make(chan struct{})
			g.mu.Unlock()
			return true
		}
		g.mu.Unlock()
		if !wait {
			return false
		}
		<-free
	}
}

func (g *gate) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.held[key])
	delete(g.held, key)
}
