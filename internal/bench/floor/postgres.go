package floor

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// postgresSchema keeps the tables out of the gateway's way. There are as many wallets
// as Wallets says.
const postgresSchema = `
DROP SCHEMA IF EXISTS floor CASCADE;
CREATE SCHEMA floor;
CREATE TABLE floor.wallet (id bigint PRIMARY KEY, cash bigint NOT NULL CHECK (cash >= 0));
CREATE TABLE floor.payment (id bigint PRIMARY KEY, merchant bigint NOT NULL, order_id text NOT NULL, wallet bigint NOT NULL, amount bigint NOT NULL, at bigint NOT NULL);
CREATE UNIQUE INDEX ON floor.payment (merchant, order_id);
CREATE INDEX ON floor.payment (wallet, id);
CREATE TABLE floor.posting (payment bigint NOT NULL, account bigint NOT NULL, amount bigint NOT NULL, PRIMARY KEY (payment, account));
CREATE INDEX ON floor.posting (account, payment);
CREATE TABLE floor.outbox (payment bigint PRIMARY KEY, payload text NOT NULL);
INSERT INTO floor.wallet SELECT n, 1000000000000 FROM generate_series(1, 1000) n;
ANALYZE floor.wallet;
`

// The statements of a batch: one for all of its payments, postings and notices, and
// one for each of its wallets.
const (
	insertPayments = `INSERT INTO floor.payment (id, merchant, order_id, wallet, amount, at)
		SELECT p.id, p.merchant, p.order_id, p.wallet, p.amount, p.at
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) AS p(id, merchant, order_id, wallet, amount, at)
		ON CONFLICT DO NOTHING`
	debitOnce      = `UPDATE floor.wallet SET cash = cash - $1 WHERE id = $2 AND cash >= $1`
	insertBothLegs = `INSERT INTO floor.posting (payment, account, amount)
		SELECT p.id, -p.wallet, -p.amount FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS p(id, merchant, wallet, amount)
		UNION ALL SELECT p.id, p.merchant, p.amount FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS p(id, merchant, wallet, amount)`
	insertNotices = `INSERT INTO floor.outbox (payment, payload) SELECT * FROM unnest($1::bigint[], $2::text[])`
)

// postgresWriters commit beside each other: while one waits for the disk the other
// fills its batch.
const postgresWriters = 2

func startPostgres(ctx context.Context, url string, calls <-chan *waiting) (stop func(), err error) {
	var conns []*pgx.Conn
	stop = func() {
		for _, conn := range conns {
			conn.Close(context.WithoutCancel(ctx))
		}
	}
	for range postgresWriters {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			stop()
			return nil, err
		}
		conns = append(conns, conn)
	}
	if _, err := conns[0].PgConn().Exec(ctx, postgresSchema).ReadAll(); err != nil {
		stop()
		return nil, err
	}
	var ids atomic.Int64
	for _, conn := range conns {
		go func() {
			for {
				select {
				case c := <-calls:
					batch := gather(c, calls)
					finish(batch, commitBatch(ctx, conn, batch, &ids))
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	return stop, nil
}

// gather takes what waits beside first.
func gather(first *waiting, calls <-chan *waiting) []*waiting {
	batch := []*waiting{first}
	for len(batch) < maxBatch {
		select {
		case c := <-calls:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// commitBatch makes all payments of a batch, or none.
func commitBatch(ctx context.Context, conn *pgx.Conn, batch []*waiting, ids *atomic.Int64) (err error) {
	// Both writers lock in one order, and so never each other out.
	slices.SortFunc(batch, func(a, b *waiting) int {
		return cmp.Or(cmp.Compare(a.Merchant, b.Merchant), cmp.Compare(a.Order, b.Order))
	})
	var id, merchant, wallet, amount, at []int64
	var order, notice []string
	debits := map[int64]int64{}
	for _, c := range batch {
		c.id = ids.Add(1)
		id, merchant, wallet, amount = append(id, c.id), append(merchant, c.Merchant), append(wallet, c.Wallet), append(amount, c.Amount)
		at, order, notice = append(at, c.at), append(order, c.Order), append(notice, c.notice())
		debits[c.Wallet] += c.Amount
	}
	pipeline := &pgx.Batch{}
	want := []int64{}
	queue := func(rows int, statement string, args ...any) {
		pipeline.Queue(statement, args...)
		want = append(want, int64(rows))
	}
	queue(0, "BEGIN")
	queue(len(batch), insertPayments, id, merchant, order, wallet, amount, at)
	for _, w := range slices.Sorted(maps.Keys(debits)) {
		queue(1, debitOnce, debits[w], w)
	}
	queue(2*len(batch), insertBothLegs, id, merchant, wallet, amount)
	queue(len(batch), insertNotices, id, notice)
	results := conn.SendBatch(ctx, pipeline)
	refused := false
	for _, rows := range want {
		tag, failure := results.Exec()
		err = errors.Join(err, failure)
		refused = refused || tag.RowsAffected() != rows
	}
	err = errors.Join(err, results.Close())
	if refused {
		err = errors.Join(err, errRefused)
	}
	end := "COMMIT"
	if err != nil {
		end = "ROLLBACK"
	}
	_, failure := conn.Exec(ctx, end)
	return errors.Join(err, failure)
}
