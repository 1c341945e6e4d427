package store

import (
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const purposeMessageCode = "message.code"

const messageColumns = `id, kind, subject, code_sealed, attempts, fence, created_us, expires_us`

func (t *tx) scanMessage(r row) (m gateway.Message, err error) {
	var code string
	var created, expires int64
	if err := r.Scan(&m.ID, &m.Kind, &m.Subject, &code, &m.Attempts, &m.Fence, &created, &expires); err != nil {
		return m, err
	}
	m.CreatedAt, m.ExpiresAt = at(created), at(expires)
	m.Code, err = t.keys.Open(purposeMessageCode, code)
	return m, err
}

func (t *tx) PutMessage(m gateway.Message) error {
	_, err := t.exec(`INSERT INTO message (`+messageColumns+`, next_us) VALUES ($1, $2, $3, $4, 0, 0, $5, $6, $5)
		ON CONFLICT (subject) DO UPDATE SET id = excluded.id, kind = excluded.kind, code_sealed = excluded.code_sealed, attempts = 0,
			fence = message.fence + 1, created_us = excluded.created_us, expires_us = excluded.expires_us, next_us = excluded.next_us`,
		m.ID, m.Kind, m.Subject, t.keys.Seal(purposeMessageCode, m.Code), us(m.CreatedAt), us(m.ExpiresAt))
	return err
}

func (t *tx) ClaimMessages(until time.Time, limit int) ([]gateway.Message, error) {
	return all(t.session, t.scanMessage, `WITH due AS MATERIALIZED (
			SELECT id FROM message WHERE next_us <= $1 ORDER BY next_us, id LIMIT $3`+t.skipping()+`)
		UPDATE message SET next_us = $2, attempts = attempts + 1, fence = fence + 1 WHERE next_us <= $1 AND id IN (SELECT id FROM due)
		RETURNING `+messageColumns, us(t.now), us(until), limit)
}

func (t *tx) NextMessage() (time.Time, error) {
	var next int64
	err := t.one(`SELECT next_us FROM message ORDER BY next_us LIMIT 1`, nil, &next)
	return at(next), err
}

func (t *tx) DeleteMessage(id gateway.MessageID, fence int64) (bool, error) {
	n, err := t.exec(`DELETE FROM message WHERE id = $1 AND fence = $2`, id, fence)
	return n > 0, err
}

func (t *tx) PostponeMessage(id gateway.MessageID, fence int64, next time.Time) (bool, error) {
	n, err := t.exec(`UPDATE message SET next_us = $3 WHERE id = $1 AND fence = $2`, id, fence, us(next))
	return n > 0, err
}
