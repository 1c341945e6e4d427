package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/seal"
)

// Config is what a Store needs.
type Config struct {
	// URL names the database: sqlite:///absolute/path or sqlite://relative/path, or
	// postgres://user@host/name with the parameters that libpq knows.
	URL   string
	Keys  *seal.Keyring
	Clock gateway.Clock
	Log   *slog.Logger // nil discards
	// Machine is the machine's clock, which a server's is compared with; nil takes
	// gateway.SystemClock.
	Machine gateway.Clock
	// ReadOnly opens an existing database for looking only: no migration, no
	// Update. It works beside a process that writes.
	ReadOnly bool
}

// Store implements gateway.Store.
type Store struct {
	db    engine
	keys  *seal.Keyring
	clock gateway.Clock
	log   *slog.Logger
	meter *meter

	readOnly bool
}

// engine is a database, with one file for each kind.
type engine interface {
	// view runs fn in one read snapshot.
	view(ctx context.Context, fn func(*session) error) error
	// peek runs fn, each of whose reads may be of a moment of its own.
	peek(ctx context.Context, fn func(*session) error) error
	// atOnce runs fn with up to n readers side by side, all of which see one moment.
	atOnce(ctx context.Context, n int, fn func(*session) error) error
	// update runs fn in one transaction and returns once that is durable. It may run
	// fn more than once.
	update(ctx context.Context, fn func(*session) error) error
	// migrate is update while no other process migrates.
	migrate(ctx context.Context, fn func(*session) error) error
	// patient lifts the bound on how long a statement of the transaction may take.
	patient(*session) error
	// overtaken reports whether another transaction stood in the way, so that running
	// the whole transaction again may succeed.
	overtaken(error) bool
	// alone reports whether no other process may write to the database.
	alone() bool
	// signal tells other processes something, if they listen. It does not block.
	signal(string)
	// listen calls heard with the signals of all processes until ctx ends.
	listen(ctx context.Context, heard func(string))
	// stats are the figures that the engine keeps itself: queue and connections.
	stats() Stats
	// skew is how far this machine's clock is ahead of the database's.
	skew(ctx context.Context) (time.Duration, error)
	close() error
}

// maxTries bounds how often one Update runs when other transactions overtake it.
const maxTries = 10

// Open opens the database, creating it if need be, and brings its schema up to
// date.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Machine == nil {
		c.Machine = gateway.SystemClock{}
	}
	meter := newMeter()
	db, err := openEngine(ctx, c, meter)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, keys: c.Keys, clock: c.Clock, log: c.Log, meter: meter, readOnly: c.ReadOnly}
	if c.ReadOnly {
		err = s.checkSchema(ctx)
	} else {
		err = s.migrate(ctx)
	}
	if err != nil {
		db.close()
		return nil, err
	}
	return s, nil
}

func openEngine(ctx context.Context, c Config, m *meter) (engine, error) {
	kind, path, _ := strings.Cut(c.URL, "://")
	switch {
	case kind == "sqlite" && path != "":
		db, err := openSQLite(ctx, path, c.ReadOnly, m)
		if err != nil {
			return nil, fmt.Errorf("store: open %s: %w", path, err)
		}
		return db, nil
	case kind == "postgres" || kind == "postgresql":
		db, err := openPostgres(ctx, c, m)
		if err != nil {
			return nil, fmt.Errorf("store: open the PostgreSQL database: %w", err) // the driver leaves the password out
		}
		return db, nil
	}
	return nil, fmt.Errorf("store: this build can open sqlite:///path/to/file and postgres://user@host/name, and no database of kind %q", kind)
}

// Close waits for running transactions and closes the database.
func (s *Store) Close() error { return s.db.close() }

// Alone reports whether this process is the only one that may write to the database.
func (s *Store) Alone() bool { return s.db.alone() }

// Signal tells the other processes over the same database something short. It does
// not block, and may be lost.
func (s *Store) Signal(text string) { s.db.signal(text) }

// Listen calls heard with every signal, of this process too, until ctx ends.
func (s *Store) Listen(ctx context.Context, heard func(string)) { s.db.listen(ctx, heard) }

// View implements gateway.Store.
func (s *Store) View(ctx context.Context, fn func(gateway.Tx) error) error {
	return s.db.view(ctx, func(q *session) error {
		return fn(&tx{session: q, keys: s.keys, now: s.now()})
	})
}

// Peek implements gateway.Store.
func (s *Store) Peek(ctx context.Context, fn func(gateway.Tx) error) error {
	return s.db.peek(ctx, func(q *session) error {
		return fn(&tx{session: q, keys: s.keys, now: s.now()})
	})
}

// Update implements gateway.Store.
func (s *Store) Update(ctx context.Context, fn func(gateway.Tx) error) error {
	if s.readOnly {
		return errors.New("store: opened read-only")
	}
	for try := 1; ; try++ {
		var t *tx
		err := s.db.update(ctx, func(q *session) error {
			t = &tx{session: q, keys: s.keys, now: s.now(), premises: &premises{}}
			if err := fn(t); err != nil {
				return err
			}
			return t.premises.confirm(q)
		})
		if err == nil {
			for _, f := range t.onCommit {
				f()
			}
			return nil
		}
		if !errors.Is(err, gateway.ErrRetry) && !s.db.overtaken(err) {
			return err
		}
		s.meter.overtaken.Add(1)
		if try == maxTries {
			s.meter.exhausted.Add(1)
			return &gateway.Error{Code: gateway.Unavailable, Detail: "too many transactions want the same rows; try again", Err: err}
		}
		// Full jitter keeps those that collided from colliding again.
		time.Sleep(rand.N(time.Duration(try) * 2 * time.Millisecond))
	}
}

// now is the time of one transaction, in the resolution the columns keep.
func (s *Store) now() time.Time { return s.clock.Now().UTC().Truncate(time.Microsecond) }
