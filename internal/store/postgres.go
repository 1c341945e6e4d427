package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// postgres is the engine of several processes over one database.
//
// Transactions run at READ COMMITTED beside each other, so what a transaction
// decides on is guarded in its writes, is a premise that is checked at the end, or
// is locked by its reads (runner.holding).
type postgres struct {
	pool  *pgxpool.Pool
	log   *slog.Logger
	meter *meter

	machine  gateway.Clock
	readOnly bool // nobody serves reads and groups

	signals chan string
	reads   chan *read   // of transactions that have not begun
	groups  chan *queued // of transactions that wait for their commit
	gate    gate
	grown   [64]atomic.Int64 // rows inserted, by the table's rank
	closing chan struct{}
	once    sync.Once
	working sync.WaitGroup
}

const (
	// poolSize is how many connections a process has unless the URL says otherwise
	// with pool_max_conns.
	poolSize = 16
	// transactionTimeout ends a transaction whose database has stopped answering.
	transactionTimeout = 10 * time.Second
	connectTimeout     = 5 * time.Second
	// connectPatience is how long a caller waits for a database that refuses
	// connections, as one that restarts does.
	connectPatience = 2 * time.Second
	// settlePatience is how long to ask what became of a COMMIT whose answer was lost.
	settlePatience = 4 * time.Second
	// commitWithin is how old a transaction may be when the database commits it.
	commitWithin = time.Minute
	connectRetry = 50 * time.Millisecond
)

// sessionSettings hold on every connection. The time-outs free what a process that
// was frozen or cut off would go on holding.
var sessionSettings = map[string]string{
	"application_name":                    "gerbang",
	"default_transaction_isolation":       "read committed",
	"lock_timeout":                        "5s",
	"statement_timeout":                   "10s",
	"idle_in_transaction_session_timeout": "10s",
}

func openPostgres(ctx context.Context, c Config, m *meter) (*postgres, error) {
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(c.URL, "pool_max_conns") {
		config.MaxConns = poolSize
	}
	config.MaxConns = max(config.MaxConns, readers+writers+4) // those have one each for good
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	for name, value := range sessionSettings {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	if c.ReadOnly {
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	} else {
		// Money is decided on the primary only, also after a failover.
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	config.AfterConnect = prepareConnection
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	p := &postgres{
		pool: pool, log: c.Log, meter: m, machine: c.Machine, readOnly: c.ReadOnly, signals: make(chan string, maxSignals), reads: make(chan *read),
		groups: make(chan *queued, maxGroup), closing: make(chan struct{}), gate: gate{held: map[string]chan struct{}{}},
	}
	if err := p.view(ctx, func(*session) error { return nil }); err != nil {
		pool.Close()
		return nil, err
	}
	if !c.ReadOnly {
		if err := p.checkClock(ctx, refuseSkew); err != nil {
			pool.Close()
			return nil, err
		}
		p.working.Go(p.send)
		for range readers {
			p.working.Go(p.read)
		}
		for range writers {
			p.working.Go(p.write)
		}
	}
	return p, nil
}

// prepareConnection refuses a server that could lose an acknowledged payment, and
// gives the connection the name under which it marks what it commits.
func prepareConnection(ctx context.Context, conn *pgx.Conn) error {
	var fsync, fullPages, commit, encoding string
	if err := conn.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
		current_setting('server_encoding')`).Scan(&fsync, &fullPages, &commit, &encoding); err != nil {
		return err
	}
	switch {
	case fsync != "on" || fullPages != "on" || commit == "off":
		return fmt.Errorf("fsync is %s, full_page_writes is %s and synchronous_commit is %s: the server could lose payments that were acknowledged; turn them on", fsync, fullPages, commit)
	case encoding != "UTF8":
		return fmt.Errorf("the database is encoded in %s; create it with ENCODING 'UTF8'", encoding)
	case commit != "on" && commit != "remote_apply":
		if _, err := conn.Exec(ctx, "SET synchronous_commit = on"); err != nil {
			return err
		}
	}
	conn.PgConn().CustomData()[connectionName] = rand.Text()
	// Truths are stored as BIGINT, 1 or 0, which SQLite's driver reads as bool.
	m := conn.TypeMap()
	m.TryWrapScanPlanFuncs = append([]pgtype.TryWrapScanPlanFunc{planBool}, m.TryWrapScanPlanFuncs...)
	return nil
}

// boolPlan scans a BIGINT into a bool.
type boolPlan struct{ next pgtype.ScanPlan }

func planBool(target any) (pgtype.WrappedScanPlanNextSetter, any, bool) {
	if _, ok := target.(*bool); ok {
		return &boolPlan{}, new(int64), true
	}
	return nil, nil, false
}

func (b *boolPlan) SetNext(next pgtype.ScanPlan) { b.next = next }

func (b *boolPlan) Scan(src []byte, dst any) error {
	var n int64
	err := b.next.Scan(src, &n)
	*dst.(*bool) = n != 0
	return err
}

// acquire takes a connection from the pool. It waits for a free one until ctx
// ends, and for a database that refuses connections for connectPatience.
func (p *postgres) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, transactionTimeout)
	defer cancel()
	for patience := connectPatience; ; patience -= connectRetry {
		c, err := p.pool.Acquire(ctx)
		if err == nil {
			c.Conn().PgConn().Conn().SetDeadline(gateway.SystemClock{}.Now().Add(transactionTimeout))
			return c, nil
		}
		if ctx.Err() != nil && context.Cause(ctx) == context.Canceled {
			return nil, context.Canceled
		}
		if connectError := (*pgconn.ConnectError)(nil); patience <= 0 || !errors.As(err, &connectError) {
			return nil, &gateway.Error{Code: gateway.Unavailable, Detail: "the database cannot be reached", Err: err}
		}
		time.Sleep(connectRetry)
	}
}

// release gives a connection back, whole.
func release(c *pgxpool.Conn) {
	if !c.Conn().IsClosed() {
		c.Conn().PgConn().Conn().SetDeadline(time.Time{})
	}
	c.Release()
}

func (p *postgres) view(ctx context.Context, fn func(*session) error) error {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	t := &transaction{conn: c.Conn(), begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
	// The pool may hold connections that a restarted database has forgotten.
	tries := poolSize
	t.another = func() bool {
		if tries--; tries < 0 {
			return false
		}
		next, err := p.acquire(ctx)
		if err != nil {
			return false
		}
		release(c)
		c, t.conn = next, next.Conn()
		return true
	}
	defer func() {
		t.rollback() // it has read only; also when fn panics
		release(c)
	}()
	err = fn(&session{t})
	switch {
	case t.broken != nil:
		return t.broken
	case err == nil && !t.begun:
		_, err = t.send(nil, "SELECT 1", nil) // who looks at nothing asks whether the database is there
	}
	return err
}

// peek reads together with whoever else reads, as an attempt does.
func (p *postgres) peek(ctx context.Context, fn func(*session) error) error {
	if p.readOnly {
		return p.view(ctx, fn)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn(&session{peeking{p}})
}

// direct runs fn statement by statement in a transaction of its own.
func (p *postgres) direct(ctx context.Context, fn func(*session) error) error {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	now := p.machine.Now()
	t := &transaction{conn: c.Conn(), begin: "BEGIN", writes: true, oldest: now, newest: now}
	defer func() {
		t.rollback() // unless it was committed; also when fn panics
		release(c)
	}()
	err = fn(&session{t})
	if t.broken != nil {
		return t.broken // whatever fn made of it
	}
	if err != nil {
		return err
	}
	return p.commit(t)
}

// commit makes a transaction durable. When the answer of the database is lost it
// asks what became of the transaction.
func (p *postgres) commit(t *transaction) error {
	if !t.begun {
		return nil
	}
	mark := ""
	if !t.unmarked {
		mark = rand.Text()
	}
	began := gateway.SystemClock{}.Now()
	return p.outcome(t, mark, began, t.commit(mark, p.machine.Now()))
}

// outcome is what became of a transaction whose COMMIT was sent at a moment and ended
// with err.
func (p *postgres) outcome(t *transaction, mark string, began time.Time, err error) error {
	if err == nil {
		p.meter.committed(max(1, t.updates), began)
	}
	if untimely(err) {
		return p.untimely()
	}
	if err == nil || refusedByServer(err) || errors.Is(err, errLost) {
		return err
	}
	p.log.Warn("the answer to a COMMIT was lost", "connection", nameOf(t.conn), "error", err)
	t.conn.Close(context.Background()) // it commits nothing more
	committed, err := p.settle(nameOf(t.conn), mark)
	switch {
	case err != nil:
		return &gateway.Error{Code: gateway.Unavailable, Detail: "the outcome is unknown; ask for it before you repeat the call", Err: errors.Join(gateway.ErrOutcomeUnknown, err)}
	case !committed:
		return errLost
	}
	return nil
}

// connectionName is the key of a connection's name in its custom data.
const connectionName = "gerbang.connection"

func nameOf(conn *pgx.Conn) string {
	name, _ := conn.PgConn().CustomData()[connectionName].(string)
	return name
}

// setMark is a transaction's last write: what its connection has committed.
//
// By the database's clock, no part of the transaction may have begun long ago or be
// yet to begin: else the mark has no time, and the table refuses it. So a process that
// stood still commits nothing that others believe to be over, and one whose clock is
// wrong ends nothing early. Only the database can say so, for a process may stand
// still between looking at its clock and sending. Nor has the mark of a connection that
// was fenced a time: see settle.
var setMark = fmt.Sprintf(`INSERT INTO commit_mark (connection, mark, at_us) SELECT $1, $2,
	CASE WHEN $4::bigint >= now.us - %d AND $5::bigint <= now.us + %d THEN $3::bigint END
	FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us) AS now
	ON CONFLICT (connection) DO UPDATE SET mark = excluded.mark, at_us = CASE WHEN commit_mark.mark NOT LIKE '`+fence+`%%' THEN excluded.at_us END`,
	commitWithin.Microseconds(), refuseSkew.Microseconds())

// fence precedes the mark of a connection on which nothing is committed any more. No
// mark begins so.
const fence = "-"

// setFence returns what the connection has committed last, behind the fence. It waits
// for a transaction that has set its mark and is not over. The fence has a time of its
// own, so that it outlasts whatever was sent before it.
const setFence = `INSERT INTO commit_mark (connection, mark, at_us) VALUES ($1, '` + fence + `', $2)
	ON CONFLICT (connection) DO UPDATE SET mark = '` + fence + `' || commit_mark.mark, at_us = excluded.at_us RETURNING mark`

// errUntimely is a transaction that began too long ago to be committed. It is run
// again, at the time that it is by now.
var errUntimely = errors.New("store: the transaction is older than a minute")

// untimely reports whether a mark was refused.
func untimely(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23502" && e.TableName == "commit_mark"
}

// untimely is why a mark was refused: to run a transaction again helps only a process
// whose clock is right.
func (p *postgres) untimely() error {
	if err := p.checkClock(context.Background(), refuseSkew); err != nil {
		return &gateway.Error{Code: gateway.Unavailable, Detail: "this machine's clock is wrong; nothing was done", Err: err}
	}
	p.log.Warn("a transaction was too old to be committed, and is run again")
	return errUntimely
}

// settle finds out whether a transaction was committed on a connection that was lost.
// The server may not have run it to its end, or have begun it; so the connection is
// fenced, after which it commits nothing, and what it had committed until then is
// final: the mark is there exactly where the transaction's other rows are, also after a
// crash of the server and on a standby that took over.
func (p *postgres) settle(connection, mark string) (committed bool, err error) {
	if mark == "" {
		return false, errors.New("the transaction bears no mark")
	}
	ctx, cancel := context.WithTimeout(context.Background(), settlePatience)
	defer cancel()
	for {
		found := ""
		err := func() error {
			c, err := p.acquire(ctx)
			if err != nil {
				return err
			}
			defer release(c)
			return c.QueryRow(ctx, setFence, connection, p.machine.Now().UnixMicro()).Scan(&found)
		}()
		switch {
		case err == nil:
			return strings.TrimLeft(found, fence) == mark, nil
		case ctx.Err() != nil:
			return false, fmt.Errorf("what connection %s committed cannot be looked up: %w", connection, errors.Join(err, ctx.Err()))
		}
		time.Sleep(connectRetry)
	}
}

// forgetMarks deletes the marks of connections that are long gone.
func (p *postgres) forgetMarks(ctx context.Context) error {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer release(c)
	_, err = c.Exec(ctx, "DELETE FROM commit_mark WHERE at_us < $1", p.machine.Now().Add(-24*time.Hour).UnixMicro())
	return err
}

// errLost is a connection that was lost before anything was committed.
var errLost = &gateway.Error{Code: gateway.Unavailable, Detail: "the connection to the database was lost; nothing was done"}

// overtaken implements engine.
func (p *postgres) overtaken(err error) bool {
	if errors.Is(err, errLost) || errors.Is(err, errUntimely) {
		return true
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "40001", // serialization failure
		"40P01", // deadlock
		"55P03", // a lock was not given in time
		"57014", // a statement was cancelled: by somebody, or because it took too long
		"23505", // unique violation: the next run finds the row that came in
		"23503": // foreign key violation: it finds the row gone
		return true
	}
	return false
}

func (p *postgres) alone() bool { return false }

// stats implements engine. The readers' and writers' own connections count as used.
func (p *postgres) stats() Stats {
	pool := p.pool.Stat()
	return Stats{Queued: int64(len(p.groups)), Open: int64(pool.TotalConns()), Busy: int64(pool.AcquiredConns()), Waits: pool.EmptyAcquireCount()}
}

// migrate implements engine.
func (p *postgres) migrate(ctx context.Context, fn func(*session) error) error {
	return p.direct(ctx, func(q *session) error {
		if err := p.patient(q); err != nil {
			return err
		}
		q.runner.(*transaction).unmarked = true // it may be what makes the table of marks
		if _, err := q.exec("SELECT pg_advisory_xact_lock(7205759403792793)"); err != nil {
			return err
		}
		return fn(q)
	})
}

// patient implements engine.
func (p *postgres) patient(q *session) error {
	t, ok := q.runner.(*transaction)
	if !ok { // an attempt
		a := q.runner.(*attempt)
		if a.begin(); a.broken != nil {
			return a.broken
		}
		t = a.tx
	}
	unhurried(q)
	_, err := t.send(nil, "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true), set_config('work_mem', '64MB', true)", nil)
	t.conn.PgConn().Conn().SetDeadline(time.Time{})
	return err
}

// unhurried lets a transaction that has begun be committed however long it takes.
func unhurried(q *session) {
	switch r := q.runner.(type) {
	case *transaction:
		r.patient = true
	case *attempt:
		r.tx.patient = true
	}
}

// grow counts a row that is being inserted, and has the planner look at the table
// when it has got ten times as many as the last time. The plans made while it was
// empty cannot tell a good index from another, and would be kept until autovacuum
// comes by, up to a minute later.
func (p *postgres) grow(s *statement) {
	switch p.grown[s.table].Add(1) {
	case 100, 1_000, 10_000, 100_000:
	default:
		return
	}
	go func() { // the pool's Close waits for it
		c, err := p.acquire(context.Background())
		if err == nil {
			_, err = c.Exec(context.Background(), "ANALYZE "+tableOf(s.table))
			release(c)
		}
		if err != nil {
			p.log.Warn("a table could not be analyzed; autovacuum will do it", "error", err)
		}
	}()
}

func (p *postgres) close() error {
	p.once.Do(func() {
		close(p.closing)
		p.working.Wait()
		p.pool.Close()
	})
	return nil
}

// transaction runs statements one by one on one connection.
type transaction struct {
	conn   *pgx.Conn
	begin  string
	writes bool
	// updates is how many share the transaction, 0 for one.
	updates int
	// unmarked is one whose outcome need not be looked up.
	unmarked bool
	// oldest and newest are when the updates in it began, by this machine's clock; a
	// patient one may have begun long ago.
	oldest, newest time.Time
	patient        bool
	begun          bool
	heard          bool  // a row
	broken         error // what made the transaction unusable
	// another, when set, gives a transaction that has heard nothing another
	// connection in place of one that turned out to be dead.
	another func() bool
}

func (t *transaction) run(_ bool, query string, args []any) (int64, error) {
	return t.send(nil, query, args)
}

func (t *transaction) query(each func(row) error, query string, args ...any) error {
	_, err := t.send(each, query, args)
	return err
}

func (t *transaction) holding(string) string {
	if !t.writes {
		return "" // it only reads
	}
	return " FOR NO KEY UPDATE"
}

func (t *transaction) skipping() string {
	if !t.writes {
		return ""
	}
	return " FOR NO KEY UPDATE SKIP LOCKED"
}

func (t *transaction) premise(string, ...any) error { return nil }

// send runs one statement. BEGIN goes out with the first.
func (t *transaction) send(each func(row) error, query string, args []any) (changed int64, err error) {
	if t.broken != nil {
		return 0, t.broken
	}
	if t.begun {
		rows, err := t.conn.Query(context.Background(), query, args...)
		if err != nil {
			return 0, t.fail(err)
		}
		return t.read(rows, each)
	}
	began := gateway.SystemClock{}.Now()
	changed, err = t.open(each, query, args)
	for t.broken != nil && (t.conn.IsClosed() || cancelled(err, began)) && !t.heard && t.another != nil && t.another() {
		t.broken = nil
		changed, err = t.open(each, query, args)
	}
	return changed, err
}

// cancelled reports whether somebody cancelled a statement, and not its own length.
func cancelled(err error, began time.Time) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "57014" && gateway.SystemClock{}.Now().Sub(began) < time.Second
}

// open sends BEGIN and the first statement.
func (t *transaction) open(each func(row) error, query string, args []any) (changed int64, err error) {
	t.begun = true
	batch := &pgx.Batch{}
	batch.Queue(t.begin)
	batch.Queue(query, args...)
	results := t.conn.SendBatch(context.Background(), batch)
	defer func() {
		if closed := results.Close(); err == nil && closed != nil {
			err = t.fail(closed)
		}
	}()
	if _, err := results.Exec(); err != nil {
		return 0, t.fail(err)
	}
	rows, err := results.Query()
	if err != nil {
		return 0, t.fail(err)
	}
	return t.read(rows, each)
}

func (t *transaction) read(rows pgx.Rows, each func(row) error) (int64, error) {
	defer rows.Close()
	for rows.Next() {
		if t.heard = true; each == nil {
			continue
		}
		if err := each(rows); err != nil {
			rows.Close()
			return 0, err
		}
	}
	if err := rows.Err(); err != nil {
		return 0, t.fail(err)
	}
	return rows.CommandTag().RowsAffected(), nil
}

// fail notes that the transaction cannot go on.
func (t *transaction) fail(err error) error {
	if t.broken == nil {
		t.broken = classify(t.conn, err)
	}
	return t.broken
}

// commit sends the mark, unless it is "", and COMMIT.
func (t *transaction) commit(mark string, now time.Time) error {
	switch {
	case t.broken != nil:
		return t.broken
	case t.conn.IsClosed():
		return errLost // nothing was sent
	}
	return t.sendCommit(&pgx.Batch{}, mark, now)
}

// sendCommit sends what a batch holds with the mark, unless it is "", and COMMIT.
func (t *transaction) sendCommit(batch *pgx.Batch, mark string, now time.Time) error {
	if mark != "" {
		oldest := t.oldest
		if t.patient {
			oldest = now
		}
		batch.Queue(setMark, nameOf(t.conn), mark, now.UnixMicro(), oldest.UnixMicro(), t.newest.UnixMicro())
	}
	batch.Queue("COMMIT")
	t.begun = true
	results := t.conn.SendBatch(context.Background(), batch)
	var tag pgconn.CommandTag
	var err error
	for range batch.Len() {
		if tag, err = results.Exec(); err != nil {
			break
		}
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("store: COMMIT ended as %s", tag)
	}
	t.begun = err != nil
	return err
}

// rollback undoes what was not committed.
func (t *transaction) rollback() {
	if !t.begun || t.conn.IsClosed() {
		return
	}
	t.begun = false
	if _, err := t.conn.Exec(context.Background(), "ROLLBACK"); err != nil {
		t.conn.Close(context.Background()) // the server rolls back what is left
	}
}

// refusedByServer reports whether the server itself said no and lives on, so that
// the transaction is certainly rolled back.
func refusedByServer(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.SeverityUnlocalized == "ERROR"
}

// classify makes of a failed statement what the caller must know.
func classify(conn *pgx.Conn, err error) error {
	var e *pgconn.PgError
	switch {
	case conn.IsClosed():
		return &gateway.Error{Code: gateway.Unavailable, Detail: errLost.Detail, Err: errors.Join(errLost, err)}
	case !errors.As(err, &e):
		return err
	}
	switch e.Code[:2] {
	case "08", "53", "57", "58": // connection, resources, operator, system
		return &gateway.Error{Code: gateway.Unavailable, Detail: "the database cannot serve now", Err: err}
	}
	switch e.Code {
	case "22021", "22P05": // no such character: it cannot be in any row either
		return &gateway.Error{Code: gateway.Invalid, Detail: "text must be UTF-8 without NUL characters", Err: err}
	case "25006": // read-only: no longer the primary
		return &gateway.Error{Code: gateway.Unavailable, Detail: "the database takes no writes now", Err: err}
	}
	return err
}
