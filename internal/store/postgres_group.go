package store

import (
	"context"
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
	for merge := true; len(group) > 0; {
		t := &transaction{conn: conn, begin: "BEGIN", writes: true, oldest: group[0].began, newest: group[0].began}
		for _, q := range group {
			if q.began.Before(t.oldest) {
				t.oldest = q.began
			}
			if q.began.After(t.newest) {
				t.newest = q.began
			}
		}
		err := p.runGroup(t, group, merge)
		failed := slices.ContainsFunc(group, (*queued).failed)
		if err == nil && !failed {
			t.updates = len(group)
			err = p.commit(t)
			t.rollback() // unless it was committed
			for _, q := range group {
				q.err = err
				close(q.done)
			}
			return
		}
		t.rollback()
		if errors.Is(err, errUnsure) && !failed && !conn.IsClosed() {
			merge = false // find out, statement by statement
			continue
		}
		for _, q := range group {
			if conn.IsClosed() || !failed {
				q.err = classify(conn, err)
			}
			if q.failed() {
				close(q.done)
			}
		}
		group = slices.DeleteFunc(group, (*queued).failed)
		merge = true
	}
}

func (q *queued) failed() bool { return q.err != nil }

// runGroup runs the writes of a group in one round trip and marks whose guards did
// not hold. Merged, it may fail with errUnsure without having found out whose.
func (p *postgres) runGroup(t *transaction, group []*queued, merge bool) error {
	var all []write
	for _, q := range group {
		all = append(all, q.writes...)
	}
	if len(group) > 1 {
		slices.SortStableFunc(all, order)
	}
	batch := &pgx.Batch{}
	batch.Queue(t.begin)
	batch.Queue("SELECT pg_current_xact_id()::text")
	var runs [][]write // of one statement
	for len(all) > 0 {
		n := 1
		for merge && n < len(all) && all[n].statement == all[0].statement && all[n].guarded == all[0].guarded {
			n++
		}
		if text := all[0].rows(all[0].args); n > 1 && text != "" {
			if args, ok := columns(all[:n]); ok {
				batch.Queue(text, args...)
				runs = append(runs, all[:n])
				all = all[n:]
				continue
			}
		}
		batch.Queue(all[0].text, all[0].args...)
		runs = append(runs, all[:1])
		all = all[1:]
	}
	t.begun = true
	results := t.conn.SendBatch(context.Background(), batch)
	defer results.Close()
	if _, err := results.Exec(); err != nil {
		return err
	}
	if err := results.QueryRow().Scan(&t.id); err != nil {
		return err
	}
	unsure := false
	for _, run := range runs {
		tag, err := results.Exec()
		first := run[0]
		switch {
		case err != nil && len(run) > 1:
			return errUnsure
		case err != nil:
			first.owner.err = classify(t.conn, err)
			return err
		case first.guarded && len(run) > 1:
			unsure = unsure || tag.RowsAffected() < int64(len(run))
		case first.guarded && tag.RowsAffected() == 0 && first.owner.err == nil:
			first.owner.err = errGuard
		}
	}
	if err := results.Close(); err != nil || !unsure {
		return err
	}
	return errUnsure
}

// errUnsure says that something in a merged statement failed.
var errUnsure = errors.New("store: a statement of several updates failed")
