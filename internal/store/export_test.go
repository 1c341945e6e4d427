package store

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// Statements lists the statements that the store has prepared so far on SQLite, in
// order. It must not be in use meanwhile.
func (s *Store) Statements() []string {
	var list []string
	for _, q := range s.db.(*sqlite).all {
		for query := range q.stmts {
			list = append(list, query)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Settled reports whether a connection to PostgreSQL committed with a mark, as it is
// asked when the answer to a COMMIT got lost.
func (s *Store) Settled(connection, mark string) (bool, error) {
	return s.db.(*postgres).settle(connection, mark)
}

// SetMark is a transaction's last write on PostgreSQL.
var SetMark = setMark

// Columns lists every column as table.column.
func Columns() (list []string) {
	tables, _, err := schema()
	if err != nil {
		panic(err)
	}
	for table, columns := range tables {
		for _, c := range columns {
			list = append(list, table+"."+c.name)
		}
	}
	return list
}

// Steps lists the numbers of the migrations.
func Steps() (list []int64) {
	steps, err := migrations()
	if err != nil {
		panic(err)
	}
	for _, step := range steps {
		list = append(list, step.version)
	}
	return list
}

// MakeAt makes a database as a build made it whose newest migration had a number.
func MakeAt(ctx context.Context, c Config, version int64) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	steps = slices.DeleteFunc(steps, func(m migration) bool { return m.version > version })
	c.Log, c.Machine = slog.New(slog.DiscardHandler), gateway.SystemClock{}
	db, err := openEngine(ctx, c, newMeter())
	if err != nil {
		return err
	}
	s := &Store{db: db, keys: c.Keys, clock: c.Clock, log: c.Log}
	return errors.Join(s.apply(ctx, steps), s.Close())
}

// Copied lists the tables that Copy takes along.
func Copied() []string { return copied }

// ListedSecrets lists the columns of secrets as table.column.
func ListedSecrets() (list []string) {
	for _, s := range secrets {
		list = append(list, s.name())
	}
	return list
}

// CountAtOnce counts the rows of a table with n readers side by side, twice each: when they
// begin and when all have counted.
func (s *Store) CountAtOnce(ctx context.Context, n int, table string) ([]int64, error) {
	counts := make(chan int64, 2*n)
	var counted sync.WaitGroup
	counted.Add(n)
	err := s.db.atOnce(ctx, n, func(q *session) error {
		count := func() error {
			var rows int64
			err := q.one("SELECT count(*) FROM "+table, nil, &rows)
			counts <- rows
			return err
		}
		first := count()
		counted.Done()
		counted.Wait()
		return errors.Join(first, count())
	})
	close(counts)
	return slices.Collect(func(yield func(int64) bool) {
		for rows := range counts {
			yield(rows)
		}
	}), err
}
