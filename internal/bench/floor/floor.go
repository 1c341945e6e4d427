// Package floor is the least that an endpoint which takes payments honestly has to
// do, and nothing else: over HTTP, verify an HMAC of the body, decode it, make one
// durable payment (idempotency key, guarded wallet, postings, outbox) and sign the
// answer. It has no protocol, no states, no refusals and no errors worth the name. How
// much of its rate the gateway keeps is what all of those cost.
//
// It writes to SQLite as the gateway does: one writer that commits, with full
// durability, for everybody who waits.
package floor

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	_ "modernc.org/sqlite" // registers itself as "sqlite"
)

// What a caller needs to know.
const (
	Path      = "/pay"
	Signature = "X-Signature" // base64 of Sign
	Secret    = "0123456789abcdef0123456789abcdef"
	Wallets   = 1000
)

// Request is the body of a call.
type Request struct {
	Merchant int64  `json:"merchant"`
	Order    string `json:"order"` // unique for the merchant
	Wallet   int64  `json:"wallet"`
	Amount   int64  `json:"amount"`
	Note     string `json:"note"`
}

// Answer is the body of an answer.
type Answer struct {
	Payment int64  `json:"payment"`
	Status  string `json:"status"`
}

// Paid is the status of an answer to a payment that was made.
const Paid = "PAID"

// Sign is the signature of a body.
func Sign(body []byte) string {
	mac := hmac.New(sha512.New, []byte(Secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

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

// waiting is a call whose payment is not durable yet.
type waiting struct {
	Request
	id   int64
	err  error
	done chan struct{}
}

// maxBatch bounds how many payments share a commit.
const maxBatch = 256

var errRefused = errors.New("floor: the order was paid before, or the wallet holds too little")

// Serve makes a database at path and answers calls until ctx ends. It calls ready
// with its address once it can be called.
func Serve(ctx context.Context, path string, ready func(baseURL string) error) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Exec(schema); err != nil {
		return err
	}
	w := &writer{calls: make(chan *waiting, 4*maxBatch)}
	if err := w.prepare(ctx, db); err != nil {
		return err
	}
	go w.run(ctx)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, w.pay)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := ready("http://" + listener.Addr().String()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

func (w *writer) pay(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 64<<10))
	if err != nil {
		http.Error(rw, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if !hmac.Equal([]byte(Sign(body)), []byte(r.Header.Get(Signature))) {
		http.Error(rw, "the signature does not match", http.StatusUnauthorized)
		return
	}
	c := &waiting{done: make(chan struct{})}
	if err := json.Unmarshal(body, &c.Request); err != nil || c.Order == "" || c.Amount < 1 {
		http.Error(rw, "the body is no payment", http.StatusBadRequest)
		return
	}
	w.calls <- c
	<-c.done
	if c.err != nil {
		http.Error(rw, c.err.Error(), http.StatusConflict)
		return
	}
	answer, err := json.Marshal(Answer{c.id, Paid})
	if err != nil {
		panic(err) // a plain struct
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set(Signature, Sign(answer))
	rw.Write(answer)
}

// writer commits payments.
type writer struct {
	conn                              *sql.Conn
	payment, wallet, postings, outbox *sql.Stmt
	calls                             chan *waiting
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
	for _, c := range batch {
		c.err = err
		close(c.done)
	}
}

func (w *writer) apply(c *waiting) (err error) {
	if c.id, err = one(w.payment.Exec(c.Merchant, c.Order, c.Wallet, c.Amount, time.Now().UnixMicro())); err != nil {
		return err
	}
	if _, err = one(w.wallet.Exec(c.Amount, c.Wallet, c.Amount)); err != nil {
		return err
	}
	if _, err = w.postings.Exec(c.id, -c.Wallet, -c.Amount, c.id, c.Merchant, c.Amount); err != nil {
		return err
	}
	_, err = w.outbox.Exec(c.id, `{"type":"payment.succeeded","order":"`+c.Order+`"}`)
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
