package store

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// keysShown bounds how many breaking rows an invariant names.
const keysShown = 20

// invariant is a rule of the book and the query that finds what breaks it: one
// text column naming each breaking row. Rules without one are decided by accounts or
// transfers.
// $1, where it stands, is the time by which every deadline must have been acted on:
// five seconds ago.
type invariant struct {
	id, rule, query string
}

// The numbers are part of the interface: operators and tests refer to them.
var invariants = []invariant{
	{id: "I01", rule: "all postings together sum to zero"},
	{id: "I02", rule: "every transfer has at least two postings and balances in each purse"},
	{id: "I03", rule: "no wallet is negative"},
	{id: "I04", rule: "a wallet's balance is the sum of its postings"},
	{"I05", "a succeeded payment has one transfer, of its full amount", `
		SELECT p.id FROM payment p LEFT JOIN transfer t ON t.id = p.transfer_id AND t.kind = 'payment' AND t.subject = p.id
		WHERE p.state = 'succeeded' AND (p.cash + p.points <> p.amount OR t.id IS NULL)`},
	{"I06", "only succeeded payments have a payment transfer", `
		SELECT t.id FROM transfer t LEFT JOIN payment p ON p.id = t.subject
		WHERE t.kind = 'payment' AND (p.id IS NULL OR p.state <> 'succeeded' OR p.transfer_id <> t.id)`},
	{"I07", "refunds stay within the payment and return points first", `
		SELECT p.id FROM payment p JOIN refund r ON r.payment_id = p.id
		GROUP BY p.id, p.cash, p.points, p.refunded_cash, p.refunded_points, p.state
		HAVING sum(r.cash) > p.cash OR sum(r.points) > p.points OR (sum(r.cash) > 0 AND sum(r.points) < p.points)
			OR sum(r.cash) <> p.refunded_cash OR sum(r.points) <> p.refunded_points OR p.state <> 'succeeded'
		UNION ALL SELECT id FROM payment p WHERE refunded_cash + refunded_points > 0 AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.payment_id = p.id)
		UNION ALL SELECT r.id FROM refund r LEFT JOIN transfer t ON t.id = r.transfer_id AND t.kind = 'refund' AND t.subject = r.id
			LEFT JOIN payment p ON p.id = r.payment_id WHERE t.id IS NULL OR t.reverses <> p.transfer_id`},
	{id: "I08", rule: "a merchant's receivable is captured less refunded, in each purse"},
	{"I09", "a final payment is notified once, and one refused in the answer never", `
		SELECT p.id FROM payment p LEFT JOIN notification n ON n.subject = p.id
		WHERE CASE WHEN p.state IN ('awaiting_customer', 'uncertain', 'refused') THEN n.id IS NOT NULL
			WHEN n.id IS NULL THEN p.final_us >= coalesce((SELECT upto_us FROM pruned WHERE kind = 'notification'), 0)
			ELSE n.kind <> 'payment.' || p.state END
		UNION ALL SELECT subject FROM notification WHERE kind LIKE 'payment.%' GROUP BY subject HAVING min(event_id) <> max(event_id)`},
	{"I10", "a reference names one payment, a request id is claimed once, and an order is paid once", `
		SELECT merchant_id || ' ' || dialect || ' ' || reference FROM payment GROUP BY merchant_id, dialect, reference HAVING count(*) > 1
		UNION ALL SELECT merchant_id || ' ' || dialect || ' ' || reference FROM refund GROUP BY merchant_id, dialect, reference HAVING count(*) > 1
		UNION ALL SELECT merchant_id || ' ' || dialect || ' ' || order_number FROM payment
			WHERE order_number <> '' AND state IN ('awaiting_customer', 'succeeded', 'uncertain') GROUP BY merchant_id, dialect, order_number HAVING count(*) > 1
		UNION ALL SELECT merchant_id || ' ' || scope || ' ' || request_id FROM claim GROUP BY merchant_id, scope, request_id HAVING count(*) > 1`},
	{"I11", "a wallet has one active binding with a merchant at most", `
		SELECT merchant_id || ' ' || wallet_id FROM binding WHERE state = 'active' GROUP BY merchant_id, wallet_id HAVING count(*) > 1`},
	{"I12", "no page waits more than five seconds past its deadline, and none outlives its subject", `
		SELECT id FROM page WHERE state IN ('otp', 'pin') AND deadline_us < $1
		UNION ALL SELECT p.id FROM payment p JOIN page g ON g.id = p.page_id WHERE p.state = 'awaiting_customer' AND g.state NOT IN ('otp', 'pin')
		UNION ALL SELECT b.id FROM binding b JOIN page g ON g.id = b.page_id WHERE b.state = 'awaiting_customer' AND g.state NOT IN ('otp', 'pin')`},
	{"I13", "a payment becomes final once at most", `
		SELECT subject FROM event WHERE kind IN ('payment.succeeded', 'payment.refused', 'payment.failed', 'payment.cancelled', 'payment.expired')
		GROUP BY subject HAVING count(*) > 1
		UNION ALL SELECT p.id FROM payment p LEFT JOIN event e ON e.subject = p.id AND e.kind = 'payment.' || p.state
		WHERE p.state NOT IN ('awaiting_customer', 'uncertain') AND e.id IS NULL`},
	{"I14", "amounts are whole and within bounds", `
		SELECT id FROM payment WHERE amount < 1 OR amount > 999999999999 OR cash < 0 OR points < 0
		UNION ALL SELECT id FROM refund WHERE amount < 1 OR amount > 999999999999 OR cash < 0 OR points < 0 OR cash + points <> amount`},
	{"I15", "a page takes three codes and three wrong ones at most, and an ended page keeps none", `
		SELECT id FROM page WHERE otp_fails > 3 OR otp_sends > 3 OR otp_expires_us > deadline_us + 300000000
			OR (state NOT IN ('otp') AND otp_sealed <> '')`},
	{"I16", "no notification is held by a worker that is long gone", `
		SELECT id FROM notification WHERE state = 'queued' AND lease_us > 0 AND lease_us + 55000000 < $1 AND next_us + 55000000 < $1
		UNION ALL SELECT n.id FROM notification n WHERE n.state <> 'undeliverable'
			AND n.attempts <> (SELECT count(*) FROM attempt a WHERE a.notification_id = n.id)`},
	{"I17", "no posting stands alone and no transfer is empty", `
		SELECT t.id FROM transfer t WHERE NOT EXISTS (SELECT 1 FROM posting o WHERE o.transfer_id = t.id)`},
	{"I18", "nothing refers to a merchant, wallet or binding that does not exist", `
		SELECT p.id FROM payment p LEFT JOIN merchant m ON m.id = p.merchant_id LEFT JOIN wallet w ON w.id = p.wallet_id
			LEFT JOIN binding b ON b.id = p.binding_id
		WHERE m.id IS NULL OR (w.id IS NULL AND (p.wallet_id <> '' OR p.state <> 'failed'))
			OR (p.channel <> 'push' AND (b.id IS NULL OR b.wallet_id <> p.wallet_id OR b.merchant_id <> p.merchant_id))
		UNION ALL SELECT b.id FROM binding b LEFT JOIN merchant m ON m.id = b.merchant_id LEFT JOIN wallet w ON w.id = b.wallet_id
			LEFT JOIN page g ON g.id = b.page_id WHERE m.id IS NULL OR w.id IS NULL OR g.id IS NULL`},
	{"I19", "a push is open while its payment waits, and none succeeds after its deadline", `
		SELECT p.id FROM payment p LEFT JOIN push u ON u.payment_id = p.id
		WHERE p.channel = 'push' AND (u.payment_id IS NULL OR (u.open = 1) <> (p.state IN ('awaiting_customer', 'uncertain'))
			OR (p.state = 'succeeded' AND p.final_us >= u.deadline_us))
		UNION ALL SELECT payment_id FROM push WHERE open = 1 AND deadline_us < $1`},
	{"I20", "a terminal's numbers name one push", `
		SELECT merchant_id || ' ' || batch_number || ' ' || reference FROM push GROUP BY merchant_id, batch_number, reference
		HAVING count(*) > 1 OR min(reference) < 1 OR max(reference) > 999999`},
	{id: "I21", rule: "what was rolled up of an account is the sum of its postings up to there"},
	{"I22", "a merchant's settlement days add up to what was rolled up of its receivable", `
		SELECT merchant_id FROM (SELECT merchant_id, captured_cash - refunded_cash AS cash, captured_points - refunded_points AS points FROM settlement_day
			UNION ALL SELECT replace(replace(replace(account, 'receivable:', ''), ':cash', ''), ':points', ''),
				CASE WHEN account LIKE '%:cash' THEN -amount ELSE 0 END, CASE WHEN account LIKE '%:points' THEN -amount ELSE 0 END
			FROM account_total WHERE account LIKE 'receivable:%') rolled
		GROUP BY merchant_id HAVING sum(cash) <> 0 OR sum(points) <> 0`},
}

// accounts decides every invariant that needs what all accounts show: to add up all
// postings is dear, so it is done once. Its rows name the invariant and what breaks it.
const accounts = `
	WITH total AS (SELECT account, sum(amount) AS amount,
			sum(CASE WHEN transfer_id <= (SELECT coalesce(max(upto), '') FROM tally WHERE name = 'transfers') THEN amount ELSE 0 END) AS told
		FROM posting GROUP BY account),
	owed AS (SELECT merchant_id, sum(cash - refunded_cash) AS cash, sum(points - refunded_points) AS points
		FROM payment WHERE state = 'succeeded' GROUP BY merchant_id)
	SELECT 'I01', 'the book is off by ' || sum(amount) FROM total HAVING sum(amount) <> 0
	UNION ALL SELECT 'I03', account FROM total WHERE account LIKE 'wallet:%' AND amount < 0
	UNION ALL SELECT 'I03', id FROM wallet WHERE cash < 0 OR points < 0
	UNION ALL SELECT 'I04', account FROM (
		SELECT account, amount FROM total WHERE account LIKE 'wallet:%'
		UNION ALL SELECT 'wallet:' || id || ':cash', -cash FROM wallet
		UNION ALL SELECT 'wallet:' || id || ':points', -points FROM wallet) wallets GROUP BY account HAVING sum(amount) <> 0
	UNION ALL SELECT 'I08', account FROM (
		SELECT account, amount FROM total WHERE account LIKE 'receivable:%'
		UNION ALL SELECT 'receivable:' || merchant_id || ':cash', -cash FROM owed
		UNION ALL SELECT 'receivable:' || merchant_id || ':points', -points FROM owed) receivables GROUP BY account HAVING sum(amount) <> 0
	UNION ALL SELECT 'I21', account FROM (SELECT account, amount FROM account_total UNION ALL
		SELECT account, -told FROM total WHERE account NOT LIKE 'wallet:%') rolled GROUP BY account HAVING sum(amount) <> 0`

// transfers decides what the postings of each transfer show, for which they are read once.
// A payment's are from its wallet to its merchant. The rest of I05 and I17 is what has no
// postings to be seen by.
const transfers = `
	WITH moved AS (SELECT transfer_id, count(*) AS legs, sum(amount) AS off,
			sum(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS received,
			sum(CASE WHEN amount > 0 AND account LIKE '%:points' THEN amount ELSE 0 END) AS points_in,
			sum(CASE WHEN amount < 0 AND account LIKE '%:points' THEN amount ELSE 0 END) AS points_out,
			min(CASE WHEN amount > 0 THEN account END) AS first_payee, max(CASE WHEN amount > 0 THEN account END) AS last_payee,
			min(CASE WHEN amount < 0 THEN account END) AS first_payer, max(CASE WHEN amount < 0 THEN account END) AS last_payer
		FROM posting GROUP BY transfer_id),
	broken AS (SELECT m.transfer_id, m.legs < 2 OR m.off <> 0 OR m.points_in <> -m.points_out AS unbalanced, t.id IS NULL AS alone,
			CASE WHEN p.state = 'succeeded' AND p.transfer_id = m.transfer_id AND (m.received <> p.amount OR m.points_in <> p.points
				OR m.first_payee <> 'receivable:' || p.merchant_id || CASE WHEN p.cash > 0 THEN ':cash' ELSE ':points' END
				OR m.last_payee <> m.first_payee AND m.last_payee <> 'receivable:' || p.merchant_id || ':points'
				OR m.first_payer <> 'wallet:' || p.wallet_id || CASE WHEN p.cash > 0 THEN ':cash' ELSE ':points' END
				OR m.last_payer <> m.first_payer AND m.last_payer <> 'wallet:' || p.wallet_id || ':points') THEN p.id END AS payment
		FROM moved m LEFT JOIN transfer t ON t.id = m.transfer_id LEFT JOIN payment p ON p.id = t.subject AND t.kind = 'payment'),
	found AS (SELECT * FROM broken WHERE unbalanced OR alone OR payment IS NOT NULL)
	SELECT 'I02', transfer_id FROM found WHERE unbalanced
	UNION ALL SELECT 'I05', payment FROM found WHERE payment IS NOT NULL
	UNION ALL SELECT 'I17', transfer_id FROM found WHERE alone`

// Audit implements gateway.Store. A store that only looks has all cores to itself and
// makes the checks side by side.
func (s *Store) Audit(ctx context.Context) ([]gateway.Invariant, error) {
	verdicts := make([]gateway.Invariant, len(invariants))
	place := map[string]*gateway.Invariant{}
	checks := []invariant{{id: "transfers", query: transfers}, {id: "accounts", query: accounts}} // the dearest first
	for i, inv := range invariants {
		verdicts[i] = gateway.Invariant{ID: inv.id, Rule: inv.rule, OK: true}
		place[inv.id] = &verdicts[i]
		if inv.query != "" {
			inv.query = "SELECT '" + inv.id + "', broken.* FROM (" + inv.query + ") broken"
			checks = append(checks, inv)
		}
	}
	due := us(s.now().Add(-5 * time.Second))
	var mu sync.Mutex
	var taken atomic.Int64
	err := s.db.atOnce(ctx, s.readers(), func(q *session) error {
		if err := s.db.patient(q); err != nil {
			return err
		}
		for i := taken.Add(1) - 1; i < int64(len(checks)); i = taken.Add(1) - 1 {
			var args []any
			if strings.Contains(checks[i].query, "$1") {
				args = append(args, due)
			}
			if _, err := all(q, func(r row) (struct{}, error) {
				var id, key string
				err := r.Scan(&id, &key)
				if err != nil {
					return struct{}{}, err
				}
				mu.Lock()
				defer mu.Unlock()
				v := place[id]
				v.OK = false
				if v.Broken++; v.Broken <= keysShown {
					v.Keys = append(v.Keys, key)
				}
				return struct{}{}, nil
			}, checks[i].query, args...); err != nil {
				return fmt.Errorf("store: audit %s: %w", checks[i].id, err)
			}
		}
		return nil
	})
	return verdicts, err
}

// readers is how many readers an audit may take.
func (s *Store) readers() int {
	if s.readOnly {
		return runtime.GOMAXPROCS(0)
	}
	return 1
}
