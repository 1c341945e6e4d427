package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// watched are rules that can be checked transfer by transfer, as they come. $1 and
// $2 bound the ids of the transfers, which sort by time: after the first, up to
// the second. Each query reads those rows and what they name, by primary keys, so
// that a check costs the same however large the book is.
var watched = []invariant{
	{"I02", "every transfer has at least two postings and balances in each purse", `
		SELECT t.id FROM transfer t LEFT JOIN posting o ON o.transfer_id = t.id WHERE t.id > $1 AND t.id <= $2 GROUP BY t.id
		HAVING count(o.leg) < 2 OR sum(o.amount) <> 0 OR sum(CASE WHEN o.account LIKE '%:points' THEN o.amount ELSE 0 END) <> 0`},
	{"I05", "a payment's transfer is of its full amount, from its wallet to its merchant", `
		SELECT t.id FROM transfer t JOIN payment p ON p.id = t.subject JOIN posting o ON o.transfer_id = t.id
		WHERE t.kind = 'payment' AND t.id > $1 AND t.id <= $2 GROUP BY t.id, p.amount, p.cash, p.points
		HAVING p.cash + p.points <> p.amount
			OR sum(CASE WHEN o.account LIKE 'receivable:' || p.merchant_id || ':%' THEN o.amount ELSE 0 END) <> p.amount
			OR sum(CASE WHEN o.account LIKE 'wallet:' || p.wallet_id || ':%' THEN o.amount ELSE 0 END) <> -p.amount`},
	{"I06", "only succeeded payments have a payment transfer", `
		SELECT t.id FROM transfer t LEFT JOIN payment p ON p.id = t.subject
		WHERE t.kind = 'payment' AND t.id > $1 AND t.id <= $2 AND (p.id IS NULL OR p.state <> 'succeeded' OR p.transfer_id <> t.id)`},
	{"I07", "refunds stay within the payment and return points first", `
		SELECT t.id FROM transfer t LEFT JOIN refund r ON r.id = t.subject LEFT JOIN payment p ON p.id = r.payment_id
		WHERE t.kind = 'refund' AND t.id > $1 AND t.id <= $2
			AND (p.id IS NULL OR r.transfer_id <> t.id OR t.reverses <> p.transfer_id OR p.refunded_cash > p.cash OR p.refunded_points > p.points
				OR (p.refunded_cash > 0 AND p.refunded_points < p.points))`},
	{"I09", "a final payment is notified", `
		SELECT t.id FROM transfer t WHERE t.kind = 'payment' AND t.id > $1 AND t.id <= $2
			AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.subject = t.subject AND n.kind = 'payment.succeeded')`},
}

// WatchedRules are the ids of the invariants that Watch checks.
func WatchedRules() []string {
	ids := make([]string, len(watched))
	for i, rule := range watched {
		ids[i] = rule.id
	}
	return ids
}

// settled is how old a transfer is when it is checked: no transaction that got an
// earlier id is still running by then.
const settled = 5 * time.Second

// Watch checks up to limit transfers that come after the one named, in one read
// snapshot. It returns the last of them and how many there were. What is broken is
// named; rules that hold are not.
func (s *Store) Watch(ctx context.Context, after string, limit int) (last string, checked int, broken []gateway.Invariant, err error) {
	last = after
	err = s.db.view(ctx, func(q *session) error {
		ids, err := all(q, func(r row) (id string, err error) { return id, r.Scan(&id) },
			`SELECT id FROM transfer WHERE id > $1 AND created_us <= $2 ORDER BY id LIMIT $3`, after, us(s.now().Add(-settled)), limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		last, checked = ids[len(ids)-1], len(ids)
		for _, rule := range watched {
			keys, err := all(q, func(r row) (id string, err error) { return id, r.Scan(&id) }, rule.query, after, last)
			if err != nil {
				return fmt.Errorf("store: watch %s: %w", rule.id, err)
			}
			if len(keys) > 0 {
				broken = append(broken, gateway.Invariant{ID: rule.id, Rule: rule.rule, Broken: len(keys), Keys: keys[:min(len(keys), keysShown)]})
			}
		}
		return nil
	})
	return last, checked, broken, err
}

// Balance is what an account held at a moment.
type Balance struct {
	Account string // of the ledger
	Phone   string // of the wallet, when it is one
	Amount  int64  // rupiah or points; what came from outside is negative
}

// BalancesAt replays the ledger up to and including a moment. Accounts that held
// nothing are left out.
func (s *Store) BalancesAt(ctx context.Context, moment time.Time) ([]Balance, error) {
	return s.balances(ctx, us(moment))
}

// Balances replays all of the ledger, whenever its clock said that it happened.
func (s *Store) Balances(ctx context.Context) ([]Balance, error) {
	return s.balances(ctx, math.MaxInt64)
}

func (s *Store) balances(ctx context.Context, until int64) (list []Balance, err error) {
	err = s.db.view(ctx, func(q *session) error {
		list, err = all(q, func(r row) (b Balance, err error) { return b, r.Scan(&b.Account, &b.Phone, &b.Amount) }, `
			SELECT h.account, coalesce(w.phone, ''), h.total FROM (
				SELECT o.account AS account, CAST(sum(o.amount) AS BIGINT) AS total FROM posting o JOIN transfer t ON t.id = o.transfer_id
				WHERE t.created_us <= $1 GROUP BY o.account HAVING sum(o.amount) <> 0) h
			LEFT JOIN wallet w ON h.account IN ('wallet:' || w.id || ':cash', 'wallet:' || w.id || ':points')
			ORDER BY h.account`, until)
		return err
	})
	return list, err
}
