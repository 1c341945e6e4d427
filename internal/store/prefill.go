package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// prefillChunk is how many payments one transaction of Prefill writes.
const prefillChunk = 20_000

// prefilled numbers the payments $1+1 … $1+$2 and spreads them over the active
// bindings, one second apart and ending at $3. Ids are the gateway's: they begin with
// the time in milliseconds as twelve hexadecimal digits; the number follows.
var prefilled = `WITH RECURSIVE number(n) AS (
		SELECT CAST($1 AS BIGINT) + 1 UNION ALL SELECT n + 1 FROM number WHERE n < CAST($1 AS BIGINT) + $2),
	holder AS (SELECT id, merchant_id, wallet_id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS places
		FROM binding WHERE state = 'active'),
	timed AS (SELECT n, $3 - ($1 + $2 - n) * 1000000 AS at_us FROM number),
	fill AS (SELECT ` + hexDigits("t.at_us / 1000", 12) + ` || '00' || substr(CAST(1000000000000000000 + n AS TEXT), 2) AS id,
		1000 + n % 49000 AS amount, t.at_us, h.id AS binding_id, h.merchant_id, h.wallet_id
		FROM timed t CROSS JOIN (SELECT max(places) AS places FROM holder) s JOIN holder h ON h.place = n % s.places)
`

// hexDigits prints a number in SQL that every engine reads.
func hexDigits(number string, digits int) string {
	var parts []string
	for place := digits - 1; place >= 0; place-- {
		parts = append(parts, fmt.Sprintf("substr('0123456789abcdef', CAST(%s / %d %% 16 AS INTEGER) + 1, 1)", number, int64(1)<<(4*place)))
	}
	return strings.Join(parts, " || ")
}

// prefill lists the statements of one chunk, referred rows first. What a payment
// of the wire leaves behind is here too: its claim, event and delivered notification.
var prefill = []string{
	`INSERT INTO payment (id, merchant_id, wallet_id, binding_id, page_id, channel, dialect, reference, request_id, amount, purse_use, cash, points,
		refunded_cash, refunded_points, state, reason, fingerprint, details, notify_url, created_us, final_us, transfer_id)
	@SELECT 'pay_' || id, merchant_id, wallet_id, binding_id, '', 'snap_recurring', 'snap', 'FILL-' || id, id, amount, 'cash', amount, 0,
		0, 0, 'succeeded', '', '0000000000000000000000000000000000000000000000000000000000000000', '{"type":"RECURRING"}', '', at_us, at_us, 'trf_' || id FROM fill`,
	`INSERT INTO transfer (id, kind, subject, reverses, created_us)
	@SELECT 'trf_' || id, 'payment', 'pay_' || id, '', at_us FROM fill`,
	`INSERT INTO posting (transfer_id, leg, account, amount)
	@SELECT 'trf_' || id, 1, 'wallet:' || wallet_id || ':cash', -amount FROM fill
		UNION ALL SELECT 'trf_' || id, 2, 'receivable:' || merchant_id || ':cash', amount FROM fill`,
	`INSERT INTO claim (merchant_id, scope, request_id, fingerprint, answer, created_us)
	@SELECT merchant_id, 'snap 54 prefill', id, '', '', at_us FROM fill`,
	`INSERT INTO event (id, merchant_id, subject, kind, reason, at_us)
	@SELECT 'evt_' || id, merchant_id, 'pay_' || id, 'payment.succeeded', '', at_us FROM fill`,
	`INSERT INTO notification (id, event_id, merchant_id, subject, kind, dialect, state, attempts, next_us, lease_us, fence, created_us)
	@SELECT 'ntf_' || id, 'evt_' || id, merchant_id, 'pay_' || id, 'payment.succeeded', 'snap', 'delivered', 1, at_us, 0, 1, at_us FROM fill`,
	`INSERT INTO attempt (notification_id, number, url, at_us, took_us, status, answer, error)
	@SELECT 'ntf_' || id, 1, 'https://shop.example/notify', at_us, 20000, 200, '{"responseCode":"2005600","responseMessage":"Success"}', '' FROM fill`,
	`@UPDATE wallet SET cash = cash - paid.total
		FROM (SELECT wallet_id, sum(amount) AS total FROM fill GROUP BY wallet_id) paid WHERE wallet.id = paid.wallet_id`,
}

// Prefill writes n successful payments in bulk, spread evenly over the active
// bindings, with all that belongs to them, so that the audit stays clean. It is for
// measuring how a book behaves once it has grown. The wallets must hold enough. ctx
// can stop it between chunks; what was written then stays. progress may be nil.
func (s *Store) Prefill(ctx context.Context, n int, progress func(done int)) error {
	for done := 0; done < n; {
		size := min(prefillChunk, n-done)
		err := s.db.update(ctx, func(q *session) error {
			if err := s.db.patient(q); err != nil {
				return err
			}
			var bindings, earlier int64
			if err := q.one(`SELECT (SELECT count(*) FROM binding WHERE state = 'active'),
				(SELECT count(*) FROM payment WHERE reference LIKE 'FILL-%')`, nil, &bindings, &earlier); err != nil {
				return err
			}
			if bindings == 0 {
				return errors.New("store: payments need an active binding")
			}
			newest := s.now().Add(-time.Duration(n-done-size) * time.Second)
			for _, statement := range prefill {
				if _, err := q.exec(strings.Replace(statement, "@", prefilled, 1), earlier, size, us(newest)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if done += size; progress != nil {
			progress(done)
		}
	}
	// The reports' counters went by the ids, which these payments came before.
	return s.recount(ctx, "0000000001")
}
