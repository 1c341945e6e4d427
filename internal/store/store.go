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
	// URL names the database: sqlite:///absolute/path or sqlite://relative/path.
	URL   string
	Keys  *seal.Keyring
	Clock gateway.Clock
	Log   *slog.Logger // nil discards
	// ReadOnly opens an existing database for looking only: no migration, no
	// Update. It works beside a process that writes.
	ReadOnly bool
}

// Store implements gateway.Store.
type Store struct {
	db       *sqlite
	keys     *seal.Keyring
	clock    gateway.Clock
	log      *slog.Logger
	readOnly bool
}

// maxTries bounds how often one Update runs when other transactions overtake it.
const maxTries = 10

// Open opens the database, creating it if need be, and brings its schema up to
// date.
func Open(ctx context.Context, c Config) (*Store, error) {
	path, ok := strings.CutPrefix(c.URL, "sqlite://")
	if !ok || path == "" {
		return nil, fmt.Errorf("store: %q is not a database this build can open; use sqlite:///path/to/file", c.URL)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	db, err := openSQLite(ctx, path, c.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	s := &Store{db: db, keys: c.Keys, clock: c.Clock, log: c.Log, readOnly: c.ReadOnly}
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

// Close waits for running transactions and closes the database.
func (s *Store) Close() error { return s.db.close() }

// View implements gateway.Store.
func (s *Store) View(ctx context.Context, fn func(gateway.Tx) error) error {
	return s.db.view(ctx, func(q *session) error {
		return fn(&tx{session: q, keys: s.keys, now: s.now()})
	})
}

// Update implements gateway.Store.
func (s *Store) Update(ctx context.Context, fn func(gateway.Tx) error) error {
	for try := 1; ; try++ {
		var t *tx
		err := s.db.update(ctx, func(q *session) error {
			t = &tx{session: q, keys: s.keys, now: s.now()}
			return fn(t)
		})
		if err == nil {
			for _, f := range t.onCommit {
				f()
			}
			return nil
		}
		if !errors.Is(err, gateway.ErrRetry) && !overtaken(err) {
			return err
		}
		if try == maxTries {
			return &gateway.Error{Code: gateway.Unavailable, Detail: "too many transactions want the same rows; try again", Err: err}
		}
		// Full jitter keeps those that collided from colliding again.
		time.Sleep(rand.N(time.Duration(try) * 2 * time.Millisecond))
	}
}

// now is the time of one transaction, in the resolution the columns keep.
func (s *Store) now() time.Time { return s.clock.Now().UTC().Truncate(time.Microsecond) }
