package store

import "github.com/gerbang-pay/gerbang/internal/gateway"

// session runs the statements of one transaction, in the way of its engine. It is
// used by one goroutine at a time.
type session struct {
	runner
	// forUpdate and skipLocked end a SELECT whose rows this transaction is about to
	// decide on: the first waits for who holds them, the second leaves them out. They
	// are empty where transactions run one by one anyway, and in a view.
	forUpdate, skipLocked string
}

// runner is what an engine gives a transaction.
type runner interface {
	// exec runs a statement and returns how many rows it changed.
	exec(query string, args ...any) (int64, error)
	// query runs a statement and calls each for every row, until each fails. A row
	// is good only during the call.
	query(each func(row) error, query string, args ...any) error
}

// row is one row of a result.
type row interface{ Scan(dest ...any) error }

// changed runs a guarded write and reports whether its guard held.
func (q *session) changed(query string, args ...any) (bool, error) {
	n, err := q.exec(query, args...)
	return n > 0, err
}

// one reads a single row, or fails with gateway.ErrNoRow.
func (q *session) one(query string, args []any, dest ...any) error {
	_, err := first(q, func(r row) (struct{}, error) { return struct{}{}, r.Scan(dest...) }, query, args...)
	return err
}

// first reads one row with scan, or fails with gateway.ErrNoRow.
func first[T any](q *session, scan func(row) (T, error), query string, args ...any) (v T, err error) {
	found := false
	err = q.query(func(r row) (err error) {
		if !found {
			found = true
			v, err = scan(r)
		}
		return err
	}, query, args...)
	if err == nil && !found {
		err = gateway.ErrNoRow
	}
	return v, err
}

// all reads every row with scan.
func all[T any](q *session, scan func(row) (T, error), query string, args ...any) (list []T, err error) {
	err = q.query(func(r row) error {
		v, err := scan(r)
		if err == nil {
			list = append(list, v)
		}
		return err
	}, query, args...)
	return list, err
}
