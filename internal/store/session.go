package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// session runs statements on one connection and prepares each once. It is used by
// one goroutine at a time.
//
// It never passes a cancellable context to the driver: watching one costs more
// than a small statement does, and an interrupt at the wrong moment can break a
// connection for good. Who waits enforces deadlines instead.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (q *session) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := q.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := q.conn.PrepareContext(context.Background(), query)
	if err == nil {
		q.stmts[query] = stmt
	}
	return stmt, err
}

// exec runs a statement and returns how many rows it changed.
func (q *session) exec(query string, args ...any) (int64, error) {
	stmt, err := q.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// changed runs a guarded write and reports whether its guard held.
func (q *session) changed(query string, args ...any) (bool, error) {
	n, err := q.exec(query, args...)
	return n > 0, err
}

// one reads a single row, or fails with gateway.ErrNoRow.
func (q *session) one(query string, args []any, dest ...any) error {
	stmt, err := q.prepare(query)
	if err != nil {
		return err
	}
	err = stmt.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return gateway.ErrNoRow
	}
	return err
}

func (q *session) close() {
	for _, stmt := range q.stmts {
		stmt.Close()
	}
	q.conn.Close()
}

// row is a *sql.Row or *sql.Rows.
type row interface{ Scan(dest ...any) error }

// first reads one row with scan, or fails with gateway.ErrNoRow.
func first[T any](q *session, scan func(row) (T, error), query string, args ...any) (T, error) {
	var zero T
	stmt, err := q.prepare(query)
	if err != nil {
		return zero, err
	}
	v, err := scan(stmt.QueryRowContext(context.Background(), args...))
	if errors.Is(err, sql.ErrNoRows) {
		return zero, gateway.ErrNoRow
	}
	return v, err
}

// all reads every row with scan.
func all[T any](q *session, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	stmt, err := q.prepare(query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
