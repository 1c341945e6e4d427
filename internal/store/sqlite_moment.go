package store

import (
	"context"
	"errors"
	"sync"
)

// atOnce runs fn with up to n readers side by side, all of which see one moment.
//
// A snapshot begins with a connection's first read. The write lock keeps every commit
// off, of another process too, until all have read. A busy server may never let go of
// the lock for long enough to be noticed; one reader then sees one moment by itself.
func (s *sqlite) atOnce(ctx context.Context, n int, fn func(*session) error) error {
	n = min(n, len(s.all))
	if n < 2 {
		return s.view(ctx, fn)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return errors.Join(unlock(), s.view(ctx, fn))
	}
	failures := make([]error, n)
	var begun, ended sync.WaitGroup
	begun.Add(n)
	for i := range n {
		ended.Go(func() {
			arrived := sync.OnceFunc(begun.Done)
			defer arrived() // even if there was no reader
			failures[i] = s.view(ctx, func(q *session) error {
				var tables int64
				if err := q.one("SELECT count(*) FROM sqlite_schema", nil, &tables); err != nil {
					return err
				}
				arrived()
				begun.Wait()
				return fn(q)
			})
		})
	}
	begun.Wait()
	err = unlock()
	ended.Wait()
	return errors.Join(append(failures, err)...)
}

// lock takes the write lock on a connection of its own and returns what gives it back.
func (s *sqlite) lock(ctx context.Context) (unlock func() error, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return func() error { return nil }, err
	}
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		return conn.Close, err
	}
	return func() error {
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		return errors.Join(err, conn.Close())
	}, nil
}
