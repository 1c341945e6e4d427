package store

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const (
	readers  = 2
	writers  = 2
	maxGroup = 128
)

// read is a read on its way through a reader.
type read struct {
	each  func(row) error
	query string
	args  []any
	err   error
	panic any
	tried bool // it failed along with another one
	done  chan struct{}
}

// readSoon reads in one round trip with whatever else waits to be read.
func (p *postgres) readSoon(each func(row) error, query string, args []any) error {
	r := &read{each: each, query: query, args: args, done: make(chan struct{})}
	select {
	case p.reads <- r:
	case <-p.closing:
		return errClosed
	}
	<-r.done
	if r.panic != nil {
		panic(r.panic)
	}
	return r.err
}

// peeking is a runner of reads that are each of a moment of their own.
type peeking struct{ db *postgres }

var errReadsOnly = errors.New("store: what only looks cannot write")

func (p peeking) run(bool, string, []any) (int64, error) { return 0, errReadsOnly }
func (p peeking) holding(string) string                  { return "" }
func (p peeking) skipping() string                       { return "" }
func (p peeking) premise(string, ...any) error           { return nil }
func (p peeking) query(each func(row) error, query string, args ...any) error {
	if statementOf(query).class != reads {
		return errReadsOnly
	}
	heard := false
	note := func(r row) error { heard = true; return each(r) }
	args = plain(args)
	err := p.db.readSoon(note, query, args)
	// Each reader may hold a connection that a restarted database has forgotten.
	for range readers {
		if heard || !errors.Is(err, errLost) {
			break
		}
		err = p.db.readSoon(note, query, args)
	}
	return err
}

// read serves reads on one connection until close.
func (p *postgres) read() {
	var c *pgxpool.Conn
	defer func() {
		if c != nil {
			release(c)
		}
	}()
	var batch []*read
	for {
		batch = batch[:0]
		select {
		case r := <-p.reads:
			batch = append(batch, r)
		case <-p.closing:
			return
		}
	gather:
		for len(batch) < maxGroup {
			select {
			case r := <-p.reads:
				batch = append(batch, r)
			default:
				break gather
			}
		}
		var err error
		if c, err = p.renew(c); err != nil {
			for _, r := range batch {
				r.err = err
				close(r.done)
			}
			continue
		}
		for rest := batch; len(rest) > 0; {
			n := 1
			if !rest[0].tried {
				n = len(rest)
			}
			failed := p.readAll(c.Conn(), rest[:n])
			for _, r := range rest[:n-failed] {
				close(r.done)
			}
			rest = rest[n-failed:]
		}
	}
}

// renew makes sure of a live connection and gives its next use its time.
func (p *postgres) renew(c *pgxpool.Conn) (*pgxpool.Conn, error) {
	if c != nil && !c.Conn().IsClosed() {
		c.Conn().PgConn().Conn().SetDeadline(gateway.SystemClock{}.Now().Add(transactionTimeout))
		return c, nil
	}
	if c != nil {
		release(c)
	}
	c, err := p.acquire(context.Background())
	if err != nil {
		return nil, err
	}
	// Its statements are few and simple: no plan depends on their arguments. And a
	// group does not wait long for a row that somebody holds; whose row it is then
	// waits alone.
	if _, err := c.Exec(context.Background(), "SET plan_cache_mode = force_generic_plan; SET lock_timeout = '250ms'"); err != nil {
		err = classify(c.Conn(), err)
		release(c)
		return nil, err
	}
	return c, nil
}

// readAll reads a batch and returns how many of its last reads must be made again,
// one by one, because one of them failed.
func (p *postgres) readAll(conn *pgx.Conn, batch []*read) (again int) {
	queries := &pgx.Batch{}
	for _, r := range batch {
		queries.Queue(r.query, r.args...)
	}
	results := conn.SendBatch(context.Background(), queries)
	defer results.Close()
	for i, r := range batch {
		rows, err := results.Query()
		if err == nil {
			err = r.scan(rows)
		}
		if err == nil {
			continue
		}
		if len(batch) == 1 {
			r.err = classify(conn, err)
			return 0
		}
		for _, r := range batch[i:] {
			r.tried = true
		}
		return len(batch) - i
	}
	return 0
}

// scan hands the rows over. Its error is the database's; that of each is kept.
func (r *read) scan(rows pgx.Rows) error {
	defer rows.Close()
	defer func() { r.panic = recover() }()
	for r.err == nil && rows.Next() {
		r.err = r.each(rows)
	}
	rows.Close()
	if r.err != nil {
		return nil
	}
	return rows.Err()
}

// queued is an update that waits for its commit.
type queued struct {
	writes []write
	began  time.Time
	err    error
	done   chan struct{}
}

func (p *postgres) enqueue(ctx context.Context, writes []write, began time.Time) error {
	q := &queued{writes: writes, began: began, done: make(chan struct{})}
	for i := range writes {
		writes[i].owner = q
	}
	select {
	case p.groups <- q:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closing:
		return errClosed
	}
	<-q.done
	return q.err
}

// write commits updates on one connection until close, as many together as wait.
func (p *postgres) write() {
	var c *pgxpool.Conn
	defer func() {
		if c != nil {
			release(c)
		}
	}()
	var group []*queued
	for {
		group = group[:0]
		select {
		case q := <-p.groups:
			group = append(group, q)
		case <-p.closing:
			select {
			case q := <-p.groups:
				group = append(group, q)
			default:
				return
			}
		}
	gather:
		for len(group) < maxGroup {
			select {
			case q := <-p.groups:
				group = append(group, q)
			default:
				break gather
			}
		}
		var err error
		if c, err = p.renew(c); err != nil {
			for _, q := range group {
				q.err = err
				close(q.done)
			}
			continue
		}
		p.commitGroup(c.Conn(), group)
	}
}

// commitGroup commits a group together. Those whose guards do not hold are answered
// so, and the others are tried again without them.
func (p *postgres) commitGroup(conn *pgx.Conn, group []*queued) {
	for len(group) > 0 {
		err := p.commitAtOnce(conn, group)
		// What only the server's no says is whose fault it was.
		if len(group) > 1 && refusedByServer(err) && !conn.IsClosed() {
			err = p.findFault(conn, group)
			if failed := slices.ContainsFunc(group, (*queued).failed); failed && !conn.IsClosed() {
				for _, q := range group {
					if q.failed() {
						close(q.done)
					}
				}
				group = slices.DeleteFunc(group, (*queued).failed)
				continue
			}
		}
		for _, q := range group {
			if q.err == nil {
				q.err = err
			}
			close(q.done)
		}
		return
	}
}

func (q *queued) failed() bool { return q.err != nil }

// begin makes the transaction of a group, and lists its writes.
func begin(conn *pgx.Conn, group []*queued) (t *transaction, all []write) {
	t = &transaction{conn: conn, begin: "BEGIN", writes: true, updates: len(group), oldest: group[0].began, newest: group[0].began}
	for _, q := range group {
		if q.began.Before(t.oldest) {
			t.oldest = q.began
		}
		if q.began.After(t.newest) {
			t.newest = q.began
		}
		all = append(all, q.writes...)
	}
	if len(group) > 1 {
		slices.SortStableFunc(all, order)
	}
	return t, all
}

// commitAtOnce commits a group in one round trip. Its guards are part of the statements,
// which fail where one does not hold; then nothing is committed.
func (p *postgres) commitAtOnce(conn *pgx.Conn, group []*queued) error {
	t, all := begin(conn, group)
	batch := &pgx.Batch{}
	batch.Queue(t.begin)
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].statement == all[0].statement && all[n].guarded == all[0].guarded {
			n++
		}
		text, args := all[0].rows(all[0].args), all[0].args
		merged := n > 1 && text != ""
		if merged {
			args, merged = columns(all[:n])
		}
		if !merged {
			n, text, args = 1, all[0].text, all[0].args
		}
		if all[0].guarded {
			text, args = all[0].insisting(text, len(args)), append(args[:len(args):len(args)], int64(n))
		}
		batch.Queue(text, args...)
		all = all[n:]
	}
	mark := rand.Text()
	began := gateway.SystemClock{}.Now()
	err := t.sendCommit(batch, mark, p.machine.Now())
	if err != nil {
		t.rollback()
	}
	if len(group) == 1 && guardFailed(err) {
		return errGuard
	}
	if err = p.outcome(t, mark, began, err); refusedByServer(err) {
		err = classify(conn, err)
	}
	return err
}

// findFault runs the writes of a group one by one and marks whose guards did not hold.
// When all of them hold by now, it commits.
func (p *postgres) findFault(conn *pgx.Conn, group []*queued) error {
	t, all := begin(conn, group)
	defer t.rollback() // unless it was committed
	if err := p.runGroup(t, all); err != nil || slices.ContainsFunc(group, (*queued).failed) {
		return classify(conn, err)
	}
	return p.commit(t)
}

func (p *postgres) runGroup(t *transaction, all []write) error {
	batch := &pgx.Batch{}
	batch.Queue(t.begin)
	for _, w := range all {
		batch.Queue(w.text, w.args...)
	}
	t.begun = true
	results := t.conn.SendBatch(context.Background(), batch)
	defer results.Close()
	if _, err := results.Exec(); err != nil {
		return err
	}
	for _, w := range all {
		tag, err := results.Exec()
		if err != nil {
			w.owner.err = classify(t.conn, err)
			return err
		}
		if w.guarded && tag.RowsAffected() == 0 && w.owner.err == nil {
			w.owner.err = errGuard
		}
	}
	return results.Close()
}
