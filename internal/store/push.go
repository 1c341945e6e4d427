package store

import (
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const pushColumns = `payment_id, merchant_id, wallet_id, proof, batch_number, reference, trace, approval, cash_left, points_left,
	deadline_us, open, final_us`

func scanPush(r row) (p gateway.Push, err error) {
	var deadline, final int64
	err = r.Scan(&p.PaymentID, &p.MerchantID, &p.WalletID, &p.Proof, &p.Numbers.Batch, &p.Numbers.Reference, &p.Numbers.Trace, &p.Approval,
		&p.Left.Cash, &p.Left.Points, &deadline, &p.Open, &final)
	p.Deadline, p.FinalAt = at(deadline), at(final)
	return p, err
}

func (t *tx) InsertPush(p gateway.Push) (bool, error) {
	return t.changed(`INSERT INTO push (`+pushColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		p.PaymentID, p.MerchantID, p.WalletID, p.Proof, p.Numbers.Batch, p.Numbers.Reference, p.Numbers.Trace, p.Approval,
		p.Left.Cash, p.Left.Points, us(p.Deadline), flag(p.Open), us(p.FinalAt))
}

func (t *tx) FinishPush(p gateway.Push) (bool, error) {
	return t.changed(`UPDATE push SET approval = $2, cash_left = $3, points_left = $4, final_us = $5, open = 0 WHERE payment_id = $1 AND open = 1`,
		p.PaymentID, p.Approval, p.Left.Cash, p.Left.Points, us(p.FinalAt))
}

func (t *tx) Push(id gateway.PaymentID) (gateway.Push, error) {
	return first(t.session, scanPush, `SELECT `+pushColumns+` FROM push WHERE payment_id = $1`, id)
}

func (t *tx) DuePushes(limit int) ([]gateway.Push, error) {
	return all(t.session, scanPush, `SELECT `+pushColumns+` FROM push WHERE open = 1 AND deadline_us <= $1 ORDER BY deadline_us LIMIT $2`+t.skipping(), us(t.now), limit)
}

func (t *tx) WalletPushes(w gateway.WalletID) ([]gateway.Push, error) {
	return all(t.session, scanPush, `SELECT `+pushColumns+` FROM push WHERE wallet_id = $1 AND open = 1 ORDER BY payment_id`, w)
}

func (t *tx) PushesFinal(since time.Time) ([]gateway.PaymentID, error) {
	return all(t.session, func(r row) (id gateway.PaymentID, err error) { return id, r.Scan(&id) },
		`SELECT payment_id FROM push WHERE open = 0 AND final_us >= $1`, us(since))
}

// maxReference is the largest reference number of a batch.
const maxReference = 999_999

func (t *tx) NextTerminalNumbers(m gateway.MerchantID, day string) (n gateway.TerminalNumbers, err error) {
	err = t.one(`INSERT INTO terminal (merchant_id, day, batch_number, reference, trace) VALUES ($1, $2, 1, 1, 1)
		ON CONFLICT (merchant_id) DO UPDATE SET
			batch_number = CASE WHEN terminal.day <> excluded.day OR terminal.reference >= $3 THEN terminal.batch_number + 1 ELSE terminal.batch_number END,
			reference = CASE WHEN terminal.day <> excluded.day OR terminal.reference >= $3 THEN 1 ELSE terminal.reference + 1 END,
			trace = terminal.trace % $3 + 1,
			day = excluded.day
		RETURNING batch_number, reference, trace`, []any{m, day, maxReference}, &n.Batch, &n.Reference, &n.Trace)
	return n, err
}
