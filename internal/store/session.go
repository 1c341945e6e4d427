package store

import "github.com/gerbang-pay/gerbang/internal/gateway"

// session runs the statements of one transaction, in the way of its engine. It is
// used by one goroutine at a time.
type session struct{ runner }

// runner is what an engine gives a transaction.
type runner interface {
	// run runs a write and returns how many rows it changed. A guarded one must change
	// a row, or its caller acts on that; an engine may answer that it did before it
	// knows, and run the whole transaction again when it did not.
	run(guarded bool, query string, args []any) (int64, error)
	// query runs a statement and calls each for every row, until each fails. A row
	// is good only during the call.
	query(each func(row) error, query string, args ...any) error
	// holding ends a SELECT of rows that the transaction is about to decide on; key
	// names them. They are this transaction's until it ends.
	holding(key string) string
	// skipping ends a SELECT that leaves out rows which another transaction holds, and
	// holds the others.
	skipping() string
	// premise makes the commit fail unless the query then finds a row. An engine that
	// held the row since it was read need not ask again.
	premise(query string, args ...any) error
}

// exec runs a write and returns how many rows it changed.
func (q *session) exec(query string, args ...any) (int64, error) { return q.run(false, query, args) }

// holdingOf is holding of the rows of one table in a join.
func (q *session) holdingOf(table, key string) string {
	clause := q.holding(key)
	if clause == "" {
		return ""
	}
	return clause + " OF " + table
}

// row is one row of a result.
type row interface{ Scan(dest ...any) error }

// changed runs a guarded write and reports whether its guard held.
func (q *session) changed(query string, args ...any) (bool, error) {
	n, err := q.run(true, query, args)
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
