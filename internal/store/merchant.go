package store

import (
	"database/sql"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const (
	purposeSecret     = "merchant.doku_secret"
	purposePrivateKey = "merchant.doku_private_key"
	purposePassword   = "merchant.faspay_password"
	purposeOldSecret  = "merchant.doku_old_secret"
	purposeOldPass    = "merchant.faspay_old_password"
)

const merchantColumns = `id, name, doku_client_id, doku_secret_sealed, doku_public_key, doku_private_key_sealed,
	doku_notification_url, snap_token_url, snap_notification_url, snap_binding_notification_url, created_us,
	faspay_merchant_id, faspay_user_id, faspay_password_sealed, faspay_notification_url, faspay_activation_url, faspay_return_url,
	faspay_format, faspay_amount_scale, faspay_allow, faspay_flat_errors, faspay_suspended, doku_old_secret_sealed, doku_old_secret_until_us,
	faspay_old_password_sealed, faspay_old_password_until_us, call_rate, doku_old_public_key, doku_old_public_key_until_us`

func (t *tx) scanMerchant(r row) (m gateway.Merchant, err error) {
	var clientID, faspayID sql.NullString
	var secret, privateKey, password, oldSecret, oldPassword string
	var created, flatErrors, suspended, oldUntil, oldPasswordUntil, oldKeyUntil int64
	d, f := &m.DOKU, &m.Faspay
	if err := r.Scan(&m.ID, &m.Name, &clientID, &secret, &d.PublicKeyPEM, &privateKey,
		&d.NotificationURL, &d.SNAP.TokenURL, &d.SNAP.NotificationURL, &d.SNAP.BindingNotificationURL, &created,
		&faspayID, &f.UserID, &password, &f.NotificationURL, &f.ActivationURL, &f.ReturnURL,
		&f.Format, &f.AmountScale, &f.Allow, &flatErrors, &suspended, &oldSecret, &oldUntil,
		&oldPassword, &oldPasswordUntil, &m.CallRate, &d.OldPublicKeyPEM, &oldKeyUntil); err != nil {
		return m, err
	}
	m.CreatedAt, d.ClientID, d.OldSecretUntil = at(created), clientID.String, at(oldUntil)
	f.OldPasswordUntil, d.OldPublicKeyUntil = at(oldPasswordUntil), at(oldKeyUntil)
	f.MerchantID, f.FlatErrors, f.Suspended = faspayID.String, flatErrors == 1, suspended == 1
	if d.SecretKey, err = t.keys.Open(purposeSecret, secret); err != nil {
		return m, err
	}
	if d.OldSecretKey, err = t.keys.Open(purposeOldSecret, oldSecret); err != nil {
		return m, err
	}
	if f.Password, err = t.keys.Open(purposePassword, password); err != nil {
		return m, err
	}
	if f.OldPassword, err = t.keys.Open(purposeOldPass, oldPassword); err != nil {
		return m, err
	}
	d.PrivateKeyPEM, err = t.keys.Open(purposePrivateKey, privateKey)
	return m, err
}

// unique is a text that may be missing, but not there twice.
func unique(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

func (t *tx) InsertMerchant(m gateway.Merchant) (bool, error) {
	d, f := m.DOKU, m.Faspay
	return t.changed(`INSERT INTO merchant (`+merchantColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
		$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29) ON CONFLICT DO NOTHING`,
		m.ID, m.Name, unique(d.ClientID), t.keys.Seal(purposeSecret, d.SecretKey), d.PublicKeyPEM,
		t.keys.Seal(purposePrivateKey, d.PrivateKeyPEM), d.NotificationURL, d.SNAP.TokenURL, d.SNAP.NotificationURL, d.SNAP.BindingNotificationURL,
		us(m.CreatedAt), unique(f.MerchantID), f.UserID, t.keys.Seal(purposePassword, f.Password), f.NotificationURL, f.ActivationURL, f.ReturnURL,
		f.Format, f.AmountScale, f.Allow, flag(f.FlatErrors), flag(f.Suspended), t.keys.Seal(purposeOldSecret, d.OldSecretKey), us(d.OldSecretUntil),
		t.keys.Seal(purposeOldPass, f.OldPassword), us(f.OldPasswordUntil), m.CallRate, d.OldPublicKeyPEM, us(d.OldPublicKeyUntil))
}

func (t *tx) UpdateMerchant(m gateway.Merchant) (bool, error) {
	d, f := m.DOKU, m.Faspay
	return t.changed(`UPDATE merchant SET name = $2, doku_client_id = $3, doku_secret_sealed = $4, doku_public_key = $5, doku_private_key_sealed = $6,
		doku_notification_url = $7, snap_token_url = $8, snap_notification_url = $9, snap_binding_notification_url = $10,
		faspay_merchant_id = $11, faspay_user_id = $12, faspay_password_sealed = $13, faspay_notification_url = $14, faspay_activation_url = $15,
		faspay_return_url = $16, faspay_format = $17, faspay_amount_scale = $18, faspay_allow = $19, faspay_flat_errors = $20, faspay_suspended = $21,
		doku_old_secret_sealed = $22, doku_old_secret_until_us = $23,
		faspay_old_password_sealed = $24, faspay_old_password_until_us = $25, call_rate = $26,
		doku_old_public_key = $27, doku_old_public_key_until_us = $28 WHERE id = $1`,
		m.ID, m.Name, unique(d.ClientID), t.keys.Seal(purposeSecret, d.SecretKey), d.PublicKeyPEM,
		t.keys.Seal(purposePrivateKey, d.PrivateKeyPEM), d.NotificationURL, d.SNAP.TokenURL, d.SNAP.NotificationURL, d.SNAP.BindingNotificationURL,
		unique(f.MerchantID), f.UserID, t.keys.Seal(purposePassword, f.Password), f.NotificationURL, f.ActivationURL,
		f.ReturnURL, f.Format, f.AmountScale, f.Allow, flag(f.FlatErrors), flag(f.Suspended), t.keys.Seal(purposeOldSecret, d.OldSecretKey), us(d.OldSecretUntil),
		t.keys.Seal(purposeOldPass, f.OldPassword), us(f.OldPasswordUntil), m.CallRate, d.OldPublicKeyPEM, us(d.OldPublicKeyUntil))
}

func (t *tx) Merchant(id gateway.MerchantID) (gateway.Merchant, error) {
	return first(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant WHERE id = $1`, id)
}

func (t *tx) MerchantByDOKUClient(clientID string) (gateway.Merchant, error) {
	return first(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant WHERE doku_client_id = $1`, clientID)
}

func (t *tx) MerchantByFaspayID(id string) (gateway.Merchant, error) {
	return first(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant WHERE faspay_merchant_id = $1`, id)
}

func (t *tx) Merchants() ([]gateway.Merchant, error) {
	return all(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant ORDER BY id`)
}

func (t *tx) MerchantsAfter(after gateway.MerchantID, limit int) ([]gateway.Merchant, error) {
	return all(t.session, t.scanMerchant, `SELECT `+merchantColumns+` FROM merchant WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}
