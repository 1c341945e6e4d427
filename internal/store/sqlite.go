package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite" // registers itself as "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// sqlite is the embedded engine: one connection that writes, a pool that reads.
//
// Writing is group commit. One goroutine takes every Update that waits, runs each
// in a savepoint of one transaction, commits once, and only then answers them
// all. The one fsync is what a payment costs most, and this shares it without
// giving up any durability: synchronous=FULL, and nobody is answered early.
type sqlite struct {
	db      *sql.DB
	writer  *session
	jobs    chan *job
	closing chan struct{}
	stopped chan struct{} // closed when the writing goroutine has ended
	once    sync.Once
	views   chan *view
	readers sync.WaitGroup // the reading goroutines
	all     []*connection
	meter   *meter
	reading atomic.Int64 // readers at work
	waits   atomic.Int64 // for one, as none was free
}

// connection runs statements on one connection and prepares each once. It is used
// by one goroutine at a time.
//
// It never passes a cancellable context to the driver: watching one costs more
// than a small statement does, and an interrupt at the wrong moment can break a
// connection for good. Who waits enforces deadlines instead.
type connection struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (c *connection) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := c.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := c.conn.PrepareContext(context.Background(), query)
	if err == nil {
		c.stmts[query] = stmt
	}
	return stmt, err
}

func (c *connection) run(_ bool, query string, args []any) (int64, error) {
	stmt, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c *connection) query(each func(row) error, query string, args ...any) error {
	stmt, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Transactions run one by one: whatever one of them reads stays so.

func (c *connection) holding(string) string        { return "" }
func (c *connection) skipping() string             { return "" }
func (c *connection) premise(string, ...any) error { return nil }

func (c *connection) close() {
	for _, stmt := range c.stmts {
		stmt.Close()
	}
	c.conn.Close()
}

// view is one read on its way through a reader. Readers are goroutines of their
// own so that the database's deep calls grow their stacks and not those of the
// callers, of whom ten thousand may then wait for something else.
type view struct {
	fn    func(*session) error
	err   error
	panic any
	done  chan struct{}
}

// maxBatch bounds how many updates share a commit, and so how long the first of
// them waits.
const maxBatch = 256

// job is one update on its way through the writer.
type job struct {
	ctx   context.Context
	fn    func(*session) error
	err   error
	panic any
	done  chan struct{}
}

var errClosed = &gateway.Error{Code: gateway.Unavailable, Detail: "the database is closed"}

func openSQLite(ctx context.Context, path string, readOnly bool, m *meter) (*sqlite, error) {
	if readOnly {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	} else if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// temp_store(MEMORY) keeps the savepoints' journal out of the file system: with
	// one savepoint a job, writing it costs a quarter of all the time.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-65536)")
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(64)
	s := &sqlite{db: db, jobs: make(chan *job, 4*maxBatch), closing: make(chan struct{}), stopped: make(chan struct{}), meter: m}
	fail := func(err error) (*sqlite, error) {
		return nil, errors.Join(err, db.Close())
	}
	readers := max(4, 2*runtime.GOMAXPROCS(0))
	s.views = make(chan *view)
	for i := range readers + 1 {
		if i == 0 && readOnly {
			close(s.stopped)
			continue
		}
		conn, err := db.Conn(ctx)
		if err != nil {
			return fail(err)
		}
		c := &connection{conn: conn, stmts: map[string]*sql.Stmt{}}
		s.all = append(s.all, c)
		q := &session{runner: c}
		if i == 0 {
			s.writer = q
			continue
		}
		pragmas := []string{"PRAGMA query_only = 1", "PRAGMA cache_size = -8192"} // 8 MiB, where the writer has 64
		if readOnly {                                                             // reads it all, and dies alone should the disk fail under the map
			pragmas = append(pragmas, "PRAGMA mmap_size = 2147418112")
		}
		for _, pragma := range pragmas {
			if _, err := q.exec(pragma); err != nil {
				return fail(err)
			}
		}
		s.readers.Go(func() { s.read(q) })
	}
	if !readOnly {
		if err := s.checkDurability(); err != nil {
			return fail(err)
		}
		go s.write()
	}
	return s, nil
}

// checkDurability refuses to run with settings that could lose an acknowledged
// payment, however the file came to have them.
func (s *sqlite) checkDurability() error {
	var mode string
	var synchronous int64
	if err := s.writer.one("PRAGMA journal_mode", nil, &mode); err != nil {
		return err
	}
	if err := s.writer.one("PRAGMA synchronous", nil, &synchronous); err != nil {
		return err
	}
	if mode != "wal" || synchronous < 2 {
		return fmt.Errorf("journal_mode is %s and synchronous is %d; need wal and FULL (2): is the file on a file system without shared memory?", mode, synchronous)
	}
	return nil
}

func (s *sqlite) view(ctx context.Context, fn func(*session) error) error {
	v := &view{fn: fn, done: make(chan struct{})}
	select {
	case <-s.closing:
		return errClosed // even if a reader is still free
	default:
	}
	select {
	case s.views <- v:
	default:
		s.waits.Add(1)
		select {
		case s.views <- v:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return errClosed
		}
	}
	<-v.done
	if v.panic != nil {
		panic(v.panic)
	}
	return v.err
}

// peek implements engine. A snapshot costs nothing here.
func (s *sqlite) peek(ctx context.Context, fn func(*session) error) error { return s.view(ctx, fn) }

// read serves views on one connection until close.
func (s *sqlite) read(q *session) {
	for {
		select {
		case v := <-s.views:
			s.reading.Add(1)
			v.run(q)
			s.reading.Add(-1)
			close(v.done)
		case <-s.closing:
			return
		}
	}
}

func (v *view) run(q *session) {
	if _, v.err = q.exec("BEGIN"); v.err != nil {
		return
	}
	defer func() {
		v.panic = recover()
		if _, rollback := q.exec("ROLLBACK"); v.err == nil {
			v.err = rollback
		}
	}()
	v.err = v.fn(q)
}

func (s *sqlite) update(ctx context.Context, fn func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return errClosed
	}
	select {
	case <-j.done:
	case <-s.stopped:
		select {
		case <-j.done: // answered in the writer's last batch
		default:
			return errClosed
		}
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return j.err
}

// write runs until close, and then finishes what is still waiting.
func (s *sqlite) write() {
	defer close(s.stopped)
	for {
		select {
		case j := <-s.jobs:
			s.commit(j)
		case <-s.closing:
			for {
				select {
				case j := <-s.jobs:
					s.commit(j)
				default:
					return
				}
			}
		}
	}
}

// commit runs first, and everything that waits by then, in one transaction.
//
// Nothing here takes a context: a statement interrupted inside a transaction
// others share would take them all down, and a commit must not be interrupted.
func (s *sqlite) commit(first *job) {
	began := gateway.SystemClock{}.Now()
	batch := make([]*job, 0, 16)
	finish := func(failure error) {
		for _, j := range batch {
			if failure != nil && j.err == nil && j.panic == nil {
				j.err = failure
			}
			close(j.done)
		}
	}
	if _, err := s.writer.exec("BEGIN IMMEDIATE"); err != nil {
		batch = append(batch, first)
		finish(unavailable(err))
		return
	}
	for j := first; j != nil; {
		batch = append(batch, j)
		if err := s.run(j); err != nil { // not even the savepoint could be rolled back
			s.writer.exec("ROLLBACK")
			finish(unavailable(err))
			return
		}
		j = nil
		if len(batch) < maxBatch {
			select {
			case j = <-s.jobs:
			default:
			}
		}
	}
	if _, err := s.writer.exec("COMMIT"); err != nil {
		s.writer.exec("ROLLBACK")
		finish(unavailable(err))
		return
	}
	s.meter.committed(len(batch), began)
	finish(nil)
}

// run executes one job in its savepoint. The job's own failure is kept in the job
// and undone without harm to its neighbours.
func (s *sqlite) run(j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil // given up before it began
	}
	if _, err := s.writer.exec("SAVEPOINT job"); err != nil {
		return err
	}
	func() {
		defer func() { j.panic = recover() }()
		j.err = j.fn(s.writer)
	}()
	if j.err != nil || j.panic != nil {
		if _, err := s.writer.exec("ROLLBACK TO job"); err != nil {
			return err
		}
	}
	_, err := s.writer.exec("RELEASE job")
	return err
}

func (s *sqlite) close() (err error) {
	s.once.Do(func() {
		close(s.closing)
		<-s.stopped
		s.readers.Wait()
		for _, c := range s.all {
			c.close()
		}
		err = s.db.Close()
	})
	return err
}

// migrate implements engine. There is one writer, and a file has one owner.
func (s *sqlite) migrate(ctx context.Context, fn func(*session) error) error {
	return s.update(ctx, fn)
}

// patient implements engine. No statement is ever interrupted.
func (s *sqlite) patient(*session) error { return nil }

func (s *sqlite) alone() bool                                { return true }
func (s *sqlite) signal(string)                              {}
func (s *sqlite) listen(ctx context.Context, _ func(string)) { <-ctx.Done() }

// stats implements engine. The connections are those that read.
func (s *sqlite) stats() Stats {
	return Stats{Queued: int64(len(s.jobs)), Open: int64(len(s.all) - 1), Busy: s.reading.Load(), Waits: s.waits.Load()}
}

func (s *sqlite) skew(context.Context) (time.Duration, error) { return 0, nil }

// overtaken implements engine. A violated unique index means that a
// row the transaction had looked for came in meanwhile: the next run sees it.
func (s *sqlite) overtaken(err error) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// unavailable marks a failure of the database itself, after which nothing of the
// transaction remains.
func unavailable(err error) error {
	return &gateway.Error{Code: gateway.Unavailable, Detail: "the database cannot write", Err: err}
}
