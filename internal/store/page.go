package store

import (
	"errors"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const (
	purposePageKey = "page.key"
	purposeOTP     = "page.otp"
)

const pageColumns = `id, key_sealed, kind, subject, merchant_id, wallet_id, state, reason, otp_hash, otp_sealed, otp_expires_us, otp_fails, otp_sends,
	success_url, failure_url, created_us, opened_us, deadline_us`

func (t *tx) scanPage(r row) (p gateway.Page, err error) {
	var key, otp, reason string
	var otpExpires, created, opened, deadline int64
	if err := r.Scan(&p.ID, &key, &p.Kind, &p.Subject, &p.MerchantID, &p.WalletID, &p.State, &reason, &p.OTPHash, &otp, &otpExpires, &p.OTPFails, &p.OTPSends,
		&p.Return.Success, &p.Return.Failure, &created, &opened, &deadline); err != nil {
		return p, err
	}
	p.OTPExpiresAt, p.CreatedAt, p.OpenedAt, p.Deadline = at(otpExpires), at(created), at(opened), at(deadline)
	if p.Reason, err = codeOf(reason); err != nil {
		return p, err
	}
	if p.Key, err = t.keys.Open(purposePageKey, key); err != nil {
		return p, err
	}
	p.OTP, err = t.keys.Open(purposeOTP, otp)
	return p, err
}

func (t *tx) InsertPage(p gateway.Page) error {
	_, err := t.exec(`INSERT INTO page (`+pageColumns+`, key_digest)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		p.ID, t.keys.Seal(purposePageKey, p.Key), p.Kind, p.Subject, p.MerchantID, p.WalletID, p.State, reasonOf(p.Reason), p.OTPHash, t.keys.Seal(purposeOTP, p.OTP),
		us(p.OTPExpiresAt), p.OTPFails, p.OTPSends, p.Return.Success, p.Return.Failure, us(p.CreatedAt), us(p.OpenedAt), us(p.Deadline),
		t.keys.Digest(purposePageKey, p.Key))
	return err
}

func (t *tx) Page(id gateway.PageID) (gateway.Page, error) {
	return first(t.session, t.scanPage, `SELECT `+pageColumns+` FROM page WHERE id = $1`, id)
}

func (t *tx) PageByKey(key string) (gateway.Page, error) {
	return byPageKey(t, t.scanPage, `SELECT `+pageColumns+` FROM page WHERE key_digest = $1`, key)
}

// byPageKey reads the row that a query finds by the digest of a page's key. While the
// master key is being replaced the digest may still be one under the older.
func byPageKey[T any](t *tx, scan func(row) (T, error), query, key string) (found T, err error) {
	for _, digest := range t.keys.Digests(purposePageKey, key) {
		if found, err = first(t.session, scan, query, digest); !errors.Is(err, gateway.ErrNoRow) {
			return found, err
		}
	}
	return found, err
}

func (t *tx) OTPPages(w gateway.WalletID) ([]gateway.Page, error) {
	return all(t.session, t.scanPage, `SELECT `+pageColumns+` FROM page
		WHERE wallet_id = $1 AND state = 'otp' AND otp_expires_us > $2 AND deadline_us > $2 ORDER BY id DESC`, w, us(t.now))
}

func (t *tx) DuePages(limit int) ([]gateway.Page, error) {
	return all(t.session, t.scanPage, `SELECT `+pageColumns+` FROM page
		WHERE state IN ('otp', 'pin') AND deadline_us <= $1 ORDER BY deadline_us LIMIT $2`+t.skipping(), us(t.now), limit)
}

func (t *tx) UpdatePage(p, before gateway.Page) (bool, error) {
	return t.changed(`UPDATE page SET state = $2, otp_hash = $3, otp_sealed = $4, otp_expires_us = $5, otp_fails = $6, otp_sends = $7, opened_us = $8, reason = $12
		WHERE id = $1 AND state = $9 AND otp_fails = $10 AND otp_sends = $11`,
		p.ID, p.State, p.OTPHash, t.keys.Seal(purposeOTP, p.OTP), us(p.OTPExpiresAt), p.OTPFails, p.OTPSends, us(p.OpenedAt),
		before.State, before.OTPFails, before.OTPSends, reasonOf(p.Reason))
}

func (t *tx) EndPage(id gateway.PageID, to gateway.PageState) (bool, error) {
	return t.changed(`UPDATE page SET state = $2, otp_sealed = '' WHERE id = $1 AND state IN ('otp', 'pin')`, id, to)
}
