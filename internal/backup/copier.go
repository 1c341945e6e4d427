package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // registers itself as "sqlite"
)

// Config says what to copy, and where to.
type Config struct {
	Database string // file of the database
	Dir      string // of the backup; made if need be
	// Every is how often changes are copied; 0 takes one base and ends. What is
	// committed is in the backup Every later at most, and the time that writing takes.
	Every time.Duration
	// BaseEvery is after how long another base is taken; also one is when the changes
	// since the last have twice its pages, so that restoring stays quick. 0 is a day.
	BaseEvery time.Duration
	// Keep is for how long every moment can be restored; older files are deleted.
	// 0 deletes nothing.
	Keep time.Duration
	Mark func() (Mark, error) // of a base that begins
	Now  func() time.Time
	// Report is told of what has happened. It may be nil.
	Report func(Report)

	maxLog     int64 // the size from which on the log is brought into the database
	minChanges int64 // how many pages changes must have before they bring about a base
}

// Report is one step of a backup.
type Report struct {
	Base         bool
	Done, Pages  uint32 // of a base that is being written
	Path         string // of a file that is complete, or ""
	Bytes        int64  // of it
	At           time.Time
	DeletedFiles int
}

const (
	defaultMaxLog     = 64 << 20
	defaultMinChanges = 64 << 10
	reportEvery       = 20_000 // pages of a base between two reports
)

// copier is one run of a backup.
type copier struct {
	Config
	db       *sql.DB
	dir      string // of the run
	log      wal
	hold     *sql.Conn // its transaction keeps the log from being begun anew
	number   int       // of the newest change
	previous string    // its checksum
	pageSize int

	base struct {
		began   time.Time
		written chan baseDone // of a base that is being written, or nil
		pages   int64         // of the newest
		changed int64         // pages in changes since it began
	}
	retryLog time.Time // when to try again to bring the log in
}

type baseDone struct {
	report Report
	err    error
}

// Run copies until ctx ends, or once when c.Every is 0. Ended by ctx it returns nil.
func Run(ctx context.Context, c Config) error {
	if c.BaseEvery <= 0 {
		c.BaseEvery = 24 * time.Hour
	}
	if c.Report == nil {
		c.Report = func(Report) {}
	}
	if c.maxLog == 0 {
		c.maxLog, c.minChanges = defaultMaxLog, defaultMinChanges
	}
	for {
		err := run(ctx, c)
		if !errors.Is(err, errLost) {
			return err
		}
	}
}

func run(ctx context.Context, config Config) (err error) {
	c := &copier{Config: config, dir: filepath.Join(config.Dir, runName(config.Now()))}
	if err := c.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.startBase(ctx); err != nil {
		return err
	}
	if c.Every == 0 {
		done := <-c.base.written
		c.base.written = nil
		if done.err == nil {
			c.Report(done.report)
		}
		return done.err
	}
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return c.copyChanges(context.WithoutCancel(ctx)) // the last of them
		case <-tick.C:
			err = c.copyChanges(ctx)
		case done := <-c.base.written:
			err = c.endBase(done)
		}
		if err != nil {
			return err
		}
	}
}

func (c *copier) open(ctx context.Context) error {
	path, err := filepath.EvalSymlinks(c.Database) // the log lies beside the file itself
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	c.log.path = path + "-wal"
	c.db, err = sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(10000)&_pragma=wal_autocheckpoint(0)&_pragma=cache_size(-4096)")
	if err != nil {
		return err
	}
	var mode string
	if err := c.db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		return errors.Join(fmt.Errorf("backup: %s has journal mode %q, not wal: is it a database of Gerbang?", path, mode), err, c.db.Close())
	}
	if err := c.db.QueryRowContext(ctx, "PRAGMA page_size").Scan(&c.pageSize); err != nil {
		return errors.Join(err, c.db.Close())
	}
	return nil
}

func (c *copier) close() error {
	var failures []error
	if c.base.written != nil {
		<-c.base.written // it ends with ctx
	}
	failures = append(failures, release(c.hold), c.db.Close())
	return errors.Join(failures...)
}

// look opens a read transaction. While it lasts, the log is not begun anew.
func (c *copier) look(ctx context.Context) (*sql.Conn, error) { return c.transaction(ctx, "BEGIN") }

// lock keeps writers off.
func (c *copier) lock(ctx context.Context) (*sql.Conn, error) {
	return c.transaction(ctx, "BEGIN IMMEDIATE")
}

func (c *copier) transaction(ctx context.Context, begin string) (*sql.Conn, error) {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	// The driver gets no context that can end: an interrupted statement would leave it
	// open whether the transaction has begun.
	if _, err := conn.ExecContext(context.Background(), begin); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	var tables int
	if err := conn.QueryRowContext(context.Background(), "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return nil, errors.Join(err, release(conn))
	}
	return conn, nil
}

// release ends a transaction that has written nothing.
func release(conn *sql.Conn) error {
	if conn == nil {
		return nil
	}
	_, err := conn.ExecContext(context.Background(), "ROLLBACK")
	return errors.Join(err, conn.Close())
}

// startBase begins a base of the database as it is now. It is written in the
// background, and changes go on being copied meanwhile.
func (c *copier) startBase(ctx context.Context) error {
	mark, err := c.Mark()
	if err != nil {
		return err
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	at := c.Now()
	pages, size, err := c.log.read()
	var snapshot *sql.Conn
	if err == nil {
		snapshot, err = c.look(ctx)
	}
	if err == nil && c.hold == nil { // the first of the run: all so far is in the base
		pages = nil
		c.hold, err = c.look(ctx)
	}
	if err = errors.Join(err, release(lock)); err == nil {
		err = c.write(pages, size, at)
	}
	if err != nil {
		return errors.Join(err, release(snapshot))
	}
	c.base.began, c.base.changed = at, 0
	h := head{Number: c.number, Base: true, At: at, PageSize: c.pageSize, Previous: c.previous, Mark: &mark}
	written := make(chan baseDone, 1)
	c.base.written = written
	go func() {
		report, err := c.writeBase(ctx, snapshot, h)
		written <- baseDone{report, errors.Join(err, release(snapshot))}
	}()
	return nil
}

func (c *copier) writeBase(ctx context.Context, snapshot *sql.Conn, h head) (r Report, err error) {
	if err := snapshot.QueryRowContext(context.Background(), "PRAGMA page_count").Scan(&h.Pages); err != nil {
		return r, err
	}
	w, err := create(filepath.Join(c.dir, fileName(h)), h)
	if err != nil {
		return r, err
	}
	rows, err := snapshot.QueryContext(context.Background(), "SELECT pgno, data FROM sqlite_dbpage")
	if err != nil {
		return r, w.abandon(err)
	}
	defer rows.Close()
	for done := uint32(1); rows.Next(); done++ {
		var number uint32
		var data sql.RawBytes
		if err := rows.Scan(&number, &data); err != nil {
			return r, w.abandon(err)
		}
		if err := w.page(number, data); err != nil {
			return r, w.abandon(err)
		}
		if done%reportEvery == 0 {
			if ctx.Err() != nil {
				return r, w.abandon(ctx.Err())
			}
			c.Report(Report{Base: true, Done: done, Pages: h.Pages, At: h.At})
		}
	}
	if err := rows.Err(); err != nil {
		return r, w.abandon(err)
	}
	_, err = w.finish()
	return Report{Base: true, Done: h.Pages, Pages: h.Pages, Path: w.path, Bytes: w.size, At: h.At}, err
}

func (c *copier) endBase(done baseDone) error {
	c.base.written = nil
	if done.err != nil {
		return done.err
	}
	c.base.pages = int64(done.report.Pages)
	c.Report(done.report)
	if c.Keep == 0 {
		return nil
	}
	n, err := prune(c.Dir, c.Now().Add(-c.Keep))
	if n > 0 {
		c.Report(Report{DeletedFiles: n})
	}
	return err
}

// copyChanges writes what was committed since the last time into a file.
func (c *copier) copyChanges(ctx context.Context) error {
	pages, size, err := c.log.read()
	if err != nil {
		return err
	}
	if err := c.write(pages, size, c.Now()); err != nil {
		return err
	}
	if c.base.written != nil || ctx.Err() != nil {
		return nil // the base's snapshot needs the log as it is
	}
	if c.base.changed > max(2*c.base.pages, c.minChanges) || c.Now().Sub(c.base.began) >= c.BaseEvery {
		return c.startBase(ctx)
	}
	if c.log.offset > c.maxLog && c.Now().After(c.retryLog) {
		return c.bringIn(ctx)
	}
	return nil
}

// write writes a change, unless there is none.
func (c *copier) write(pages map[uint32][]byte, size uint32, at time.Time) error {
	if len(pages) == 0 {
		return nil
	}
	h := head{Number: c.number + 1, At: at, PageSize: c.pageSize, Pages: size, Previous: c.previous}
	w, err := create(filepath.Join(c.dir, fileName(h)), h)
	if err != nil {
		return err
	}
	for number, page := range pages {
		if err := w.page(number, page); err != nil {
			return w.abandon(err)
		}
	}
	sum, err := w.finish()
	if err != nil {
		return err
	}
	c.number, c.previous = h.Number, sum
	c.base.changed += int64(len(pages))
	c.Report(Report{Path: w.path, Bytes: w.size, At: at, Pages: uint32(len(pages))})
	return nil
}

// bringIn brings the log into the database and lets the next writer begin it anew.
//
// Most is brought in while writers go on, held back by a transaction of now instead of
// the older one. What they write meanwhile is brought in under the write lock; then all
// of the log was copied and is in the database, and a transaction that begins now needs
// none of it, yet keeps what comes after from being brought in by others.
func (c *copier) bringIn(ctx context.Context) error {
	next, err := c.look(ctx)
	if err != nil {
		return err
	}
	if err := release(c.hold); err != nil {
		return err
	}
	c.hold = next
	if _, err := c.checkpoint(ctx); err != nil {
		return err
	}
	lock, err := c.lock(ctx)
	if err != nil { // too busy a server
		c.retryLog = c.Now().Add(time.Second)
		return nil
	}
	at := c.Now()
	pages, size, err := c.log.read()
	if err == nil {
		err = release(c.hold)
		c.hold = nil
	}
	if err == nil {
		var all bool
		if all, err = c.checkpoint(ctx); !all { // somebody reads an older state, an audit for one
			c.retryLog = c.Now().Add(time.Second)
		}
	}
	if err == nil {
		c.hold, err = c.look(ctx)
	}
	if err = errors.Join(err, release(lock)); err != nil {
		return err
	}
	return c.write(pages, size, at)
}

// checkpoint brings in what nobody needs in the log any more, and reports whether that
// was all.
func (c *copier) checkpoint(ctx context.Context) (all bool, err error) {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	var busy, frames, done int64
	err = conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &done)
	return busy == 0 && frames == done, err
}

// runName is the name of a run's directory; names sort by time.
func runName(at time.Time) string { return at.UTC().Format("20060102T150405.000Z") }

func fileName(h head) string {
	kind := "change"
	if h.Base {
		kind = "base"
	}
	return fmt.Sprintf("%s-%08d.gbk", kind, h.Number)
}
