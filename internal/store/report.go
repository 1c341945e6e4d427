package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// dayAheadUS is how far WIB days are ahead of UTC's.
const dayAheadUS = int64(gateway.DayAhead / time.Microsecond)

// A tally's counters and the rows that are not in them yet are counted by the same
// statement: $1 and $2 bound the ids, the first exclusive, the second inclusive.
// {merchant} stands for whom it counts, {also} for a condition more.

var countEvents = `SELECT {merchant} AS merchant_id, e.at_us - e.at_us % 3600000000 AS hour_us, p.channel AS channel, p.state AS state, p.reason AS reason,
	count(*) AS payments, sum(p.amount) AS amount, ` + buckets("p.final_us - p.created_us", "wait_", gateway.WaitBounds[:], "p.final_us > p.created_us") + `
	FROM event e JOIN payment p ON p.id = e.subject
	WHERE e.id > $1 AND e.id <= $2
		AND e.kind IN ('payment.succeeded', 'payment.refused', 'payment.failed', 'payment.cancelled', 'payment.expired') AND {also}
	GROUP BY 1, 2, 3, 4, 5`

var countNotifications = `SELECT {merchant} AS merchant_id, n.created_us - n.created_us % 3600000000 AS hour_us, n.dialect AS dialect, count(*) AS queued,
	count(a.number) AS attempted, sum(CASE WHEN a.error = '' THEN 1 ELSE 0 END) AS acknowledged, ` +
	buckets("a.took_us", "took_", gateway.TakeBounds[:], "a.status > 0") + `
	FROM notification n LEFT JOIN attempt a ON a.notification_id = n.id AND a.number = 1
	WHERE n.id > $1 AND n.id <= $2 AND {also}
	GROUP BY 1, 2, 3`

// What a merchant is owed changes by the postings to its receivable accounts,
// whose owner is read from their names.
const countTransfers = `SELECT replace(replace(replace(o.account, 'receivable:', ''), ':cash', ''), ':points', '') AS merchant_id,
	(t.created_us + 25200000000) - (t.created_us + 25200000000) % 86400000000 - 25200000000 AS day_us,
	count(DISTINCT CASE WHEN t.kind = 'payment' THEN t.id END) AS payments, count(DISTINCT CASE WHEN t.kind = 'refund' THEN t.id END) AS refunds,
	sum(CASE WHEN o.amount > 0 AND o.account LIKE '%:cash' THEN o.amount ELSE 0 END) AS captured_cash,
	sum(CASE WHEN o.amount > 0 AND o.account LIKE '%:points' THEN o.amount ELSE 0 END) AS captured_points,
	sum(CASE WHEN o.amount < 0 AND o.account LIKE '%:cash' THEN -o.amount ELSE 0 END) AS refunded_cash,
	sum(CASE WHEN o.amount < 0 AND o.account LIKE '%:points' THEN -o.amount ELSE 0 END) AS refunded_points
	FROM transfer t JOIN posting o ON o.transfer_id = t.id
	WHERE t.id > $1 AND t.id <= $2 AND o.account LIKE 'receivable:%'
	GROUP BY 1, 2`

const countAccounts = `SELECT o.account AS account, sum(o.amount) AS amount FROM posting o
	WHERE o.transfer_id > $1 AND o.transfer_id <= $2 AND o.account NOT LIKE 'wallet:%' GROUP BY 1`

// allIDs is above every id, in every order that an engine may have for text.
const allIDs = "zzzz"

// buckets counts a duration in microseconds into columns named after their bounds,
// the last for what is longer, among the rows that a condition admits.
func buckets(duration, prefix string, bounds []time.Duration, among string) string {
	var columns []string
	above := int64(-1)
	for _, bound := range bounds {
		columns = append(columns, fmt.Sprintf("sum(CASE WHEN %s AND %s > %d AND %s <= %d THEN 1 ELSE 0 END) AS %s%s",
			among, duration, above, duration, bound.Microseconds(), prefix, boundName(bound)))
		above = bound.Microseconds()
	}
	return strings.Join(append(columns, fmt.Sprintf("sum(CASE WHEN %s AND %s > %d THEN 1 ELSE 0 END) AS %smore", among, duration, above, prefix)), ", ")
}

func boundName(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	return fmt.Sprintf("%ds", int64(d/time.Second))
}

// counter is a table of counters: rows with the key are added up.
type counter struct {
	table, key string
	keys, sums []string
}

func newCounter(table, keys, sums string) counter {
	return counter{table, keys, strings.Split(keys, ", "), strings.Split(sums, ", ")}
}

var (
	paymentHours      = newCounter("payment_hour", "merchant_id, hour_us, channel, state, reason", "payments, amount, wait_5s, wait_15s, wait_30s, wait_60s, wait_300s, wait_more")
	notificationHours = newCounter("notification_hour", "merchant_id, hour_us, dialect", "queued, attempted, acknowledged, took_100ms, took_500ms, took_1s, took_5s, took_more")
	settlementDays    = newCounter("settlement_day", "merchant_id, day_us", "payments, refunds, captured_cash, captured_points, refunded_cash, refunded_points")
	accountTotals     = newCounter("account_total", "account", "amount")
)

// counted selects what a query counts, as whole numbers on every engine.
func (c counter) counted(query string) string {
	list := append([]string{}, c.keys...)
	for _, sum := range c.sums {
		list = append(list, "CAST("+sum+" AS BIGINT)")
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM (" + query + ") AS newest"
}

// add is the statement that adds one row of counts.
func (c counter) add() string {
	var set, values []string
	for _, sum := range c.sums {
		set = append(set, fmt.Sprintf("%s = %s.%s + excluded.%s", sum, c.table, sum, sum))
	}
	for i := range len(c.keys) + len(c.sums) {
		values = append(values, fmt.Sprintf("$%d", i+1))
	}
	return fmt.Sprintf("INSERT INTO %s (%s, %s) VALUES (%s) ON CONFLICT (%s) DO UPDATE SET %s",
		c.table, c.key, strings.Join(c.sums, ", "), strings.Join(values, ", "), c.key, strings.Join(set, ", "))
}

// scan reads a row of counts; times are numbers, other keys text.
func (c counter) scan(r row) ([]any, error) {
	into, values := make([]any, 0, len(c.keys)+len(c.sums)), make([]any, 0, len(c.keys)+len(c.sums))
	texts, numbers := make([]string, len(c.keys)), make([]int64, len(c.keys)+len(c.sums))
	for i, key := range c.keys {
		if strings.HasSuffix(key, "_us") {
			into = append(into, &numbers[i])
		} else {
			into = append(into, &texts[i])
		}
	}
	for i := range c.sums {
		into = append(into, &numbers[len(c.keys)+i])
	}
	if err := r.Scan(into...); err != nil {
		return nil, err
	}
	for i, target := range into {
		if _, text := target.(*string); text {
			values = append(values, texts[i])
		} else {
			values = append(values, numbers[i])
		}
	}
	return values, nil
}

// both reads the counters, and counts with query what is not in them yet, as one
// table. Only counters that the condition admits are read.
func (c counter) both(query, condition string) string {
	columns := strings.Join(append(append([]string{}, c.keys...), c.sums...), ", ")
	return fmt.Sprintf("(SELECT %s FROM %s WHERE %s UNION ALL SELECT %s FROM (%s) AS newest WHERE %s) AS counted", columns, c.table, condition, columns, query, condition)
}

// sum adds a column up, as a whole number on every engine.
func sum(column string) string { return "CAST(coalesce(sum(" + column + "), 0) AS BIGINT)" }

func sums(columns []string) string {
	list := make([]string, len(columns))
	for i, column := range columns {
		list[i] = sum(column)
	}
	return strings.Join(list, ", ")
}

// counting fills in for which merchant a query counts, and what else must hold.
func counting(query, merchant, also string) string {
	return strings.NewReplacer("{merchant}", merchant, "{also}", also).Replace(query)
}

// count is a query of a tally and the counters that it adds to.
type count struct {
	counter
	query string
}

// tallied is what each tally counts, and the table whose rows it counts.
var tallied = map[string]struct {
	table  string
	counts []count
}{
	gateway.TallyPayments: {"event", []count{
		{paymentHours, paymentHours.counted(counting(countEvents, "e.merchant_id", "1 = 1"))}, {paymentHours, paymentHours.counted(counting(countEvents, "''", "1 = 1"))},
	}},
	gateway.TallyNotifications: {"notification", []count{
		{notificationHours, notificationHours.counted(counting(countNotifications, "n.merchant_id", "1 = 1"))},
		{notificationHours, notificationHours.counted(counting(countNotifications, "''", "1 = 1"))},
	}},
	gateway.TallyTransfers: {"transfer", []count{
		{settlementDays, settlementDays.counted(countTransfers)}, {accountTotals, accountTotals.counted(countAccounts)},
	}},
}

func (t *tx) tallyUpTo(name string) (upto string, err error) {
	err = t.one(`SELECT upto FROM tally WHERE name = $1`, []any{name}, &upto)
	if errors.Is(err, gateway.ErrNoRow) {
		return "", nil
	}
	return upto, err
}

// counts are the rows to add, for each count of a tally.
type counts [][][]any

func (t *tx) Tally(name, to string, limit int) (batch gateway.Tallied, err error) {
	batch.Name = name
	if batch.From, err = t.tallyUpTo(name); err != nil {
		return batch, err
	}
	if err := t.one(`SELECT coalesce(max(id), ''), count(*) FROM (SELECT id FROM `+tallied[name].table+` WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS batch`,
		[]any{batch.From, to, limit}, &batch.To, &batch.Rows); err != nil || batch.Rows == 0 {
		return batch, err
	}
	var rows counts
	for _, c := range tallied[name].counts {
		list, err := all(t.session, c.scan, c.query, batch.From, batch.To)
		if err != nil {
			return batch, err
		}
		rows = append(rows, list)
	}
	batch.Counts = rows
	return batch, nil
}

func (t *tx) AddTally(batch gateway.Tallied) (bool, error) {
	moved, err := t.changed(`INSERT INTO tally (name, upto) VALUES ($1, $3) ON CONFLICT (name) DO UPDATE SET upto = $3 WHERE tally.upto = $2`,
		batch.Name, batch.From, batch.To)
	if err != nil || !moved {
		return false, err
	}
	for i, rows := range batch.Counts.(counts) {
		add := tallied[batch.Name].counts[i].add()
		for _, row := range rows {
			if _, err := t.exec(add, row...); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

func (t *tx) RestartTally(name, upto string) (bool, error) {
	moved, err := t.changed(`UPDATE tally SET upto = '' WHERE name = $1 AND upto = $2`, name, upto)
	if err != nil || !moved {
		return false, err
	}
	for _, c := range tallied[name].counts {
		if _, err := t.exec("DELETE FROM " + c.table); err != nil {
			return false, err
		}
	}
	return true, nil
}

// recount empties the counters and counts anew the rows whose ids are below one of
// each table, given without its prefix.
func (s *Store) recount(ctx context.Context, below string) error {
	err := s.Update(ctx, func(g gateway.Tx) error {
		for _, table := range []string{"tally", "payment_hour", "notification_hour", "settlement_day", "account_total"} {
			if _, err := g.(*tx).exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
		return nil
	})
	for name, prefix := range map[string]string{gateway.TallyPayments: "evt_", gateway.TallyNotifications: "ntf_", gateway.TallyTransfers: "trf_"} {
		for batch := (gateway.Tallied{Rows: 1}); err == nil && batch.Rows > 0; {
			if err = s.View(ctx, func(tx gateway.Tx) (err error) {
				batch, err = tx.Tally(name, prefix+below, prefillChunk)
				return err
			}); err == nil && batch.Rows > 0 {
				err = s.Update(ctx, func(tx gateway.Tx) error {
					_, err := tx.AddTally(batch)
					return err
				})
			}
		}
	}
	return err
}

// slotted turns a column of hours into the slot it belongs to, given as the
// placeholder of its length: whole hours, or WIB days.
func slotted(column, slot string) string {
	return fmt.Sprintf("(%s + %d) - (%s + %d) %% %s - %d", column, dayAheadUS, column, dayAheadUS, slot, dayAheadUS)
}

// report is the statement of a report in slots of $6 from $4 to $5, of the merchant
// $3. Counters of all merchants together bear no merchant.
func (c counter) report(query string) string {
	rest := strings.Join(c.keys[2:], ", ")
	return `SELECT ` + slotted("hour_us", "$6") + ` AS slot, ` + rest + `, ` + sums(c.sums) + ` FROM ` +
		c.both(query, "merchant_id = $3 AND hour_us >= $4 AND hour_us < $5") + ` GROUP BY slot, ` + rest + ` ORDER BY slot, ` + rest
}

var (
	paymentsOfAll      = paymentHours.report(counting(countEvents, "''", "1 = 1"))
	paymentsOfOne      = paymentHours.report(counting(countEvents, "e.merchant_id", "e.merchant_id = $3"))
	notificationsOfAll = notificationHours.report(counting(countNotifications, "''", "1 = 1"))
	notificationsOfOne = notificationHours.report(counting(countNotifications, "n.merchant_id", "n.merchant_id = $3"))
)

func (t *tx) PaymentCounts(m gateway.MerchantID, p gateway.Period, slot time.Duration) ([]gateway.PaymentCount, error) {
	upto, err := t.tallyUpTo(gateway.TallyPayments)
	if err != nil {
		return nil, err
	}
	query := paymentsOfAll
	if m != "" {
		query = paymentsOfOne
	}
	return all(t.session, func(r row) (c gateway.PaymentCount, err error) {
		var slot int64
		var reason string
		if err := r.Scan(&slot, &c.Channel, &c.State, &reason, &c.Payments, &c.Amount,
			&c.Waits[0], &c.Waits[1], &c.Waits[2], &c.Waits[3], &c.Waits[4], &c.Waits[5]); err != nil {
			return c, err
		}
		c.Slot = at(slot)
		c.Reason, err = codeOf(reason)
		return c, err
	}, query, upto, allIDs, m, us(p.From), us(p.To), slot.Microseconds())
}

func (t *tx) NotificationCounts(m gateway.MerchantID, p gateway.Period, slot time.Duration) ([]gateway.NotificationCount, error) {
	upto, err := t.tallyUpTo(gateway.TallyNotifications)
	if err != nil {
		return nil, err
	}
	query := notificationsOfAll
	if m != "" {
		query = notificationsOfOne
	}
	return all(t.session, func(r row) (c gateway.NotificationCount, err error) {
		var slot int64
		err = r.Scan(&slot, &c.Dialect, &c.Queued, &c.Attempted, &c.Acknowledged, &c.Took[0], &c.Took[1], &c.Took[2], &c.Took[3], &c.Took[4])
		c.Slot = at(slot)
		return c, err
	}, query, upto, allIDs, m, us(p.From), us(p.To), slot.Microseconds())
}

// troubles are the conditions that the partial indexes serve, spelled as theirs are.
var troubles = map[gateway.NotificationState]string{
	gateway.NotificationQueued:        "state = 'queued'",
	gateway.NotificationFailed:        "state IN ('failed', 'undeliverable') AND state = 'failed'",
	gateway.NotificationUndeliverable: "state IN ('failed', 'undeliverable') AND state = 'undeliverable'",
}

func (t *tx) CountNotifications(m gateway.MerchantID, state gateway.NotificationState, limit int) (n int, err error) {
	l := listing{exact: []string{troubles[state]}}
	if m != "" {
		l.other("merchant_id = " + l.arg(m))
	}
	err = t.one(`SELECT count(*) FROM (SELECT 1 FROM notification `+l.where()+` LIMIT `+l.arg(limit)+`) AS counted`, l.args, &n)
	return n, err
}

func (t *tx) Settlements(f gateway.SettlementFilter, limit int) ([]gateway.Settlement, error) {
	upto, err := t.tallyUpTo(gateway.TallyTransfers)
	if err != nil {
		return nil, err
	}
	l := listing{args: []any{upto, allIDs}}
	if f.Merchant != "" {
		l.other("merchant_id = " + l.arg(f.Merchant))
	}
	if !f.Days.From.IsZero() {
		l.other("day_us >= " + l.arg(us(f.Days.From)))
	}
	if !f.Days.To.IsZero() {
		l.other("day_us < " + l.arg(us(f.Days.To)))
	}
	if f.After != (gateway.SettlementKey{}) {
		day, merchant := l.arg(us(f.After.Day)), l.arg(f.After.Merchant)
		l.other("(day_us < " + day + " OR day_us = " + day + " AND merchant_id > " + merchant + ")")
	}
	condition := "1 = 1"
	if len(l.others) > 0 {
		condition = strings.Join(l.others, " AND ")
	}
	return all(t.session, func(r row) (s gateway.Settlement, err error) {
		var day int64
		err = r.Scan(&s.Merchant, &day, &s.Payments, &s.Refunds, &s.Captured.Cash, &s.Captured.Points, &s.Refunded.Cash, &s.Refunded.Points)
		s.Day = at(day)
		return s, err
	}, `SELECT merchant_id, day_us, `+sums(settlementDays.sums)+` FROM `+settlementDays.both(countTransfers, condition)+`
		GROUP BY merchant_id, day_us ORDER BY day_us DESC, merchant_id LIMIT `+l.arg(limit), l.args...)
}

func (t *tx) accountTotal(a ledger.Account) (total money.Amount, err error) {
	upto, err := t.tallyUpTo(gateway.TallyTransfers)
	if err != nil {
		return 0, err
	}
	err = t.one(`SELECT CAST(coalesce((SELECT amount FROM account_total WHERE account = $2), 0)
		+ coalesce((SELECT sum(amount) FROM posting WHERE transfer_id > $1 AND account = $2), 0) AS BIGINT)`, []any{upto, a}, &total)
	return total, err
}

func (t *tx) Book() (b gateway.Book, err error) {
	if err = t.one(`SELECT `+sum("cash")+`, `+sum("points")+` FROM wallet`, nil, &b.Wallets.Cash, &b.Wallets.Points); err != nil {
		return b, err
	}
	upto, err := t.tallyUpTo(gateway.TallyTransfers)
	if err != nil {
		return b, err
	}
	of := func(accounts string) string {
		return "CAST(coalesce(sum(CASE WHEN account LIKE '" + accounts + "' THEN amount ELSE 0 END), 0) AS BIGINT)"
	}
	err = t.one(`SELECT `+of("receivable:%:cash")+`, `+of("receivable:%:points")+`, `+of("topup:cash")+`, `+of("issuance:points")+`
		FROM `+accountTotals.both(countAccounts, "1 = 1"), []any{upto, allIDs},
		&b.Receivables.Cash, &b.Receivables.Points, &b.TopUps, &b.PointsCreated)
	b.TopUps, b.PointsCreated = -b.TopUps, -b.PointsCreated // outside the book, which they left
	return b, err
}
