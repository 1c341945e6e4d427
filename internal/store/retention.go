package store

import (
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// prunedNotifications is the kind under which the table pruned keeps how far
// deliveries were deleted.
const prunedNotifications = "notification"

func (t *tx) PruneClaims(before time.Time, limit int) (int, error) {
	n, err := t.exec(`DELETE FROM claim WHERE (merchant_id, scope, request_id) IN (
		SELECT merchant_id, scope, request_id FROM claim WHERE created_us < $1 ORDER BY created_us LIMIT $2)`, us(before), limit)
	return int(n), err
}

func (t *tx) PruneNotifications(before gateway.NotificationID, moment time.Time, limit int) (int, error) {
	ids, err := all(t.session, func(r row) (id gateway.NotificationID, err error) { return id, r.Scan(&id) },
		`SELECT id FROM notification WHERE id < $1 AND state = 'delivered' ORDER BY id LIMIT $2`, before, limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if _, err := t.exec(`INSERT INTO pruned (kind, upto_us) VALUES ($1, $2)
		ON CONFLICT (kind) DO UPDATE SET upto_us = excluded.upto_us WHERE pruned.upto_us < excluded.upto_us`, prunedNotifications, us(moment)); err != nil {
		return 0, err
	}
	// What was delivered stays so, and all before the last of them was looked at.
	last := ids[len(ids)-1]
	if _, err := t.exec(`DELETE FROM attempt WHERE notification_id >= $1 AND notification_id <= $2
		AND EXISTS (SELECT 1 FROM notification n WHERE n.id = attempt.notification_id AND n.state = 'delivered')`, ids[0], last); err != nil {
		return 0, err
	}
	_, err = t.exec(`DELETE FROM notification WHERE id >= $1 AND id <= $2 AND state = 'delivered'`, ids[0], last)
	return len(ids), err
}
