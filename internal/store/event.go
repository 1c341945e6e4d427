package store

import (
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const eventColumns = `id, merchant_id, subject, kind, reason, at_us`

func scanEvent(r row) (e gateway.Event, err error) {
	var reason string
	var when int64
	if err := r.Scan(&e.ID, &e.MerchantID, &e.Subject, &e.Kind, &reason, &when); err != nil {
		return e, err
	}
	e.At = at(when)
	e.Reason, err = codeOf(reason)
	return e, err
}

func (t *tx) InsertEvent(e gateway.Event) error {
	_, err := t.exec(`INSERT INTO event (`+eventColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		e.ID, e.MerchantID, e.Subject, e.Kind, reasonOf(e.Reason), us(e.At))
	return err
}

func (t *tx) Event(id gateway.EventID) (gateway.Event, error) {
	return first(t.session, scanEvent, `SELECT `+eventColumns+` FROM event WHERE id = $1`, id)
}

func (t *tx) Events(subject string) ([]gateway.Event, error) {
	return all(t.session, scanEvent, `SELECT `+eventColumns+` FROM event WHERE subject = $1 ORDER BY id`, subject)
}

const notificationColumns = `id, event_id, merchant_id, subject, kind, dialect, state, attempts, next_us, lease_us, fence, created_us`

func scanNotification(r row) (n gateway.Notification, err error) {
	var next, lease, created int64
	err = r.Scan(&n.ID, &n.EventID, &n.MerchantID, &n.Subject, &n.Kind, &n.Dialect, &n.State, &n.Attempts, &next, &lease, &n.Fence, &created)
	n.NextAt, n.LeaseUntil, n.CreatedAt = at(next), at(lease), at(created)
	return n, err
}

func (t *tx) InsertNotification(n gateway.Notification) error {
	_, err := t.exec(`INSERT INTO notification (`+notificationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		n.ID, n.EventID, n.MerchantID, n.Subject, n.Kind, n.Dialect, n.State, n.Attempts, us(n.NextAt), us(n.LeaseUntil), n.Fence, us(n.CreatedAt))
	return err
}

// A claimed notification is due again when its lease ends, so that one index
// answers both what is due and when the next one will be. MATERIALIZED looks for
// them once: a planner may otherwise repeat the search, and lock more than the limit.
func (t *tx) ClaimNotifications(leaseUntil time.Time, limit int, from time.Time, except []gateway.MerchantID) ([]gateway.Notification, error) {
	l := listing{args: []any{us(t.now), us(leaseUntil), us(from), limit}}
	others := l.notOf(except)
	return all(t.session, scanNotification, `WITH due AS MATERIALIZED (
			SELECT id FROM notification WHERE state = 'queued' AND next_us >= $3 AND next_us <= $1`+others+`
			ORDER BY next_us, id LIMIT $4`+t.skipping()+`)
		UPDATE notification SET next_us = $2, lease_us = $2, fence = fence + 1
		WHERE state = 'queued' AND next_us <= $1 AND id IN (SELECT id FROM due)
		RETURNING `+notificationColumns, l.args...)
}

func (t *tx) NextNotification(after time.Time, except []gateway.MerchantID) (time.Time, error) {
	var next int64
	l := listing{args: []any{us(after)}}
	others := l.notOf(except)
	err := t.one(`SELECT next_us FROM notification WHERE state = 'queued' AND next_us > $1`+others+` ORDER BY next_us LIMIT 1`, l.args, &next)
	return at(next), err
}

// notOf leaves out the rows of some merchants.
func (l *listing) notOf(merchants []gateway.MerchantID) string {
	if len(merchants) == 0 {
		return ""
	}
	placeholders := make([]string, len(merchants))
	for i, m := range merchants {
		placeholders[i] = l.arg(m)
	}
	return " AND merchant_id NOT IN (" + strings.Join(placeholders, ", ") + ")"
}

func (t *tx) FinishNotification(n gateway.Notification) (bool, error) {
	return t.changed(`UPDATE notification SET state = $3, attempts = $4, next_us = $5, lease_us = 0 WHERE id = $1 AND fence = $2 AND state = 'queued'`,
		n.ID, n.Fence, n.State, n.Attempts, us(n.NextAt))
}

func (t *tx) ReleaseNotifications() error {
	_, err := t.exec(`UPDATE notification SET next_us = $1, lease_us = 0 WHERE state = 'queued' AND lease_us > 0`, us(t.now))
	return err
}

func (t *tx) Notification(id gateway.NotificationID) (gateway.Notification, error) {
	return first(t.session, scanNotification, `SELECT `+notificationColumns+` FROM notification WHERE id = $1`, id)
}

func (t *tx) Notifications(subject string, before gateway.NotificationID, limit int) ([]gateway.Notification, error) {
	if subject != "" {
		return all(t.session, scanNotification, `SELECT `+notificationColumns+` FROM notification
			WHERE subject = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, subject, below(before), limit)
	}
	return all(t.session, scanNotification, `SELECT `+notificationColumns+` FROM notification
		WHERE id < $1 ORDER BY id DESC LIMIT $2`, below(before), limit)
}

func (t *tx) InsertAttempt(a gateway.Attempt) error {
	_, err := t.exec(`INSERT INTO attempt (notification_id, number, url, at_us, took_us, status, answer, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.NotificationID, a.Number, a.URL, us(a.At), a.Took.Microseconds(), a.Status, a.Answer, a.Error)
	return err
}

func (t *tx) Attempts(id gateway.NotificationID) ([]gateway.Attempt, error) {
	return all(t.session, func(r row) (a gateway.Attempt, err error) {
		var when, took int64
		err = r.Scan(&a.NotificationID, &a.Number, &a.URL, &when, &took, &a.Status, &a.Answer, &a.Error)
		a.At, a.Took = at(when), time.Duration(took)*time.Microsecond
		return a, err
	}, `SELECT notification_id, number, url, at_us, took_us, status, answer, error FROM attempt WHERE notification_id = $1 ORDER BY number`, id)
}
