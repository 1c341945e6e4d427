package store

import (
	"database/sql"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const (
	purposeSecret     = "merchant.doku_secret"
	purposePrivateKey = "merchant.doku_private_key"
	purposeOldSecret  = "merchant.doku_old_secret"
)

const merchantColumns = `id, name, doku_client_id, doku_secret_sealed, doku_public_key, doku_private_key_sealed,
	doku_notification_url, snap_token_url, snap_notification_url, snap_binding_notification_url, created_us,
	doku_old_secret_sealed, doku_old_secret_until_us`

func (t *tx) scanMerchant(r row) (m gateway.Merchant, err error) {
	var clientID sql.NullString
	var secret, privateKey, oldSecret string
	var created, oldUntil int64
	d := &m.DOKU
	if err := r.Scan(&m.ID, &m.Name, &clientID, &secret, &d.PublicKeyPEM, &privateKey,
		&d.NotificationURL, &d.SNAP.TokenURL, &d.SNAP.NotificationURL, &d.SNAP.BindingNotificationURL, &created,
		&oldSecret, &oldUntil); err != nil {
		return m, err
	}
	m.CreatedAt, d.ClientID, d.OldSecretUntil = at(created), clientID.String, at(oldUntil)
	if d.SecretKey, err = t.keys.Open(purposeSecret, secret); err != nil {
		return m, err
	}
	if d.OldSecretKey, err = t.keys.Open(purposeOldSecret, oldSecret); err != nil {
		return m, err
	}
	d.PrivateKeyPEM, err = t.keys.Open(purposePrivateKey, privateKey)
	return m, err
}

func (t *tx) InsertMerchant(m gateway.Merchant) (bool, error) {
	d := m.DOKU
	return t.changed(`INSERT INTO merchant (`+merchantColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		m.ID, m.Name, sql.NullString{String: d.ClientID, Valid: d.ClientID != ""}, t.keys.Seal(purposeSecret, d.SecretKey), d.PublicKeyPEM,
		t.keys.Seal(purposePrivateKey, d.PrivateKeyPEM), d.NotificationURL, d.SNAP.TokenURL, d.SNAP.NotificationURL, d.SNAP.BindingNotificationURL,
		us(m.CreatedAt), t.keys.Seal(purposeOldSecret, d.OldSecretKey), us(d.OldSecretUntil))
}

func (t *tx) UpdateMerchant(m gateway.Merchant) (bool, error) {
	d := m.DOKU
	return t.changed(`UPDATE merchant SET name = $2, doku_client_id = $3, doku_secret_sealed = $4, doku_public_key = $5, doku_private_key_sealed = $6,
		doku_notification_url = $7, snap_token_url = $8, snap_notification_url = $9, snap_binding_notification_url = $10,
		doku_old_secret_sealed = $11, doku_old_secret_until_us = $12 WHERE id = $1`,
		m.ID, m.Name, sql.NullString{String: d.ClientID, Valid: d.ClientID != ""}, t.keys.Seal(purposeSecret, d.SecretKey), d.PublicKeyPEM,
		t.keys.Seal(purposePrivateKey, d.PrivateKeyPEM), d.NotificationURL, d.SNAP.TokenURL, d.SNAP.NotificationURL, d.SNAP.BindingNotificationURL,
		t.keys.Seal(purposeOldSecret, d.OldSecretKey), us(d.OldSecretUntil))
}

func (t *tx) Merchant(id gateway.MerchantID) (gateway.Merchant, error) {
	return first(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant WHERE id = $1`, id)
}

func (t *tx) MerchantByDOKUClient(clientID string) (gateway.Merchant, error) {
	return first(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant WHERE doku_client_id = $1`, clientID)
}

func (t *tx) Merchants() ([]gateway.Merchant, error) {
	return all(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant ORDER BY id`)
}

func (t *tx) MerchantsAfter(after gateway.MerchantID, limit int) ([]gateway.Merchant, error) {
	return all(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}
