package floor

import (
	"context"
	"database/sql"
	"errors"

	_ "modernc.org/sqlite" // registers itself as "sqlite"
)

const schema = `
CREATE TABLE wallet (id INTEGER PRIMARY KEY, cash INTEGER NOT NULL CHECK (cash >= 0));
CREATE TABLE payment (id INTEGER PRIMARY KEY, merchant INTEGER NOT NULL, order_id TEXT NOT NULL, wallet INTEGER NOT NULL, amount INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE UNIQUE INDEX payment_order ON payment (merchant, order_id);
CREATE INDEX payment_wallet ON payment (wallet, id);
CREATE TABLE posting (id INTEGER PRIMARY KEY, payment INTEGER NOT NULL, account INTEGER NOT NULL, amount INTEGER NOT NULL);
CREATE INDEX posting_account ON posting (account, id);
CREATE TABLE outbox (id INTEGER PRIMARY KEY, payment INTEGER NOT NULL, payload TEXT NOT NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO wallet SELECT i, 1000000000000 FROM n;
`

const (
	insertPayment  = `INSERT INTO payment (merchant, order_id, wallet, amount, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	debitWallet    = `UPDATE wallet SET cash = cash - ? WHERE id = ? AND cash >= ?`
	insertPostings = `INSERT INTO posting (payment, account, amount) VALUES (?, ?, ?), (?, ?, ?)`
	insertOutbox   = `INSERT INTO outbox (payment, payload) VALUES (?, ?)`
)

func startSQLite(ctx context.Context, path string, calls <-chan *waiting) (stop func(), err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
	if err != nil {
		return nil, err
	}
	stop = func() { db.Close() }
	w := &writer{calls: calls}
	if _, err = db.Exec(schema); err == nil {
		err = w.prepare(ctx, db)
	}
	if err != nil {
		stop()
		return nil, err
	}
	go w.run(ctx)
	return stop, nil
}

// writer commits payments.
type writer struct {
	conn                              *sql.Conn
	payment, wallet, postings, outbox *sql.Stmt
	calls                             <-chan *waiting
}

func (w *writer) prepare(ctx context.Context, db *sql.DB) (err error) {
	if w.conn, err = db.Conn(ctx); err != nil {
		return err
	}
	for query, stmt := range map[string]**sql.Stmt{insertPayment: &w.payment, debitWallet: &w.wallet, insertPostings: &w.postings, insertOutbox: &w.outbox} {
		if *stmt, err = w.conn.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) run(ctx context.Context) {
	for {
		select {
		case c := <-w.calls:
			w.commit(c)
		case <-ctx.Done():
			return
		}
	}
}

// commit makes the payment of c, and of everybody who waits by then.
func (w *writer) commit(c *waiting) {
	batch := []*waiting{c}
	_, err := w.conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	for err == nil {
		if err = w.apply(batch[len(batch)-1]); err != nil {
			break
		}
		if len(batch) == maxBatch {
			break
		}
		select {
		case c := <-w.calls:
			batch = append(batch, c)
			continue
		default:
		}
		break
	}
	if err == nil {
		_, err = w.conn.ExecContext(context.Background(), "COMMIT")
	} else {
		_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK") // all of the batch are refused
	}
	finish(batch, err)
}

func (w *writer) apply(c *waiting) (err error) {
	if c.id, err = one(w.payment.Exec(c.Merchant, c.Order, c.Wallet, c.Amount, c.at)); err != nil {
		return err
	}
	if _, err = one(w.wallet.Exec(c.Amount, c.Wallet, c.Amount)); err != nil {
		return err
	}
	if _, err = w.postings.Exec(c.id, -c.Wallet, -c.Amount, c.id, c.Merchant, c.Amount); err != nil {
		return err
	}
	_, err = w.outbox.Exec(c.id, c.notice())
	return err
}

// one is the id of the one row that must have changed.
func one(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return 0, errors.Join(errRefused, err)
	}
	return result.LastInsertId()
}
