package store

import (
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const bindingColumns = `b.id, b.merchant_id, b.wallet_id, b.phone, b.customer_id, b.state, b.dialect, b.request_id, b.customer_name, b.replaces,
	b.page_id, b.token_expires_us, b.created_us, b.expires_us, b.ended_us, b.details, b.ended_by`

const selectBinding = `SELECT ` + bindingColumns + ` FROM binding b `

// bindingRow is a binding as it is stored.
type bindingRow struct {
	gateway.Binding
	token, created, expires, ended int64
}

func (b *bindingRow) columns() []any {
	return []any{&b.ID, &b.MerchantID, &b.WalletID, &b.Phone, &b.CustomerID, &b.State, &b.Dialect, &b.RequestID, &b.CustomerName, &b.Replaces, &b.PageID,
		&b.token, &b.created, &b.expires, &b.ended, &b.Details, &b.EndedBy}
}

func (b *bindingRow) binding() gateway.Binding {
	b.TokenExpiresAt, b.CreatedAt, b.ExpiresAt, b.EndedAt = at(b.token), at(b.created), at(b.expires), at(b.ended)
	return b.Binding
}

func (t *tx) scanBinding(r row) (gateway.Binding, error) {
	var b bindingRow
	err := r.Scan(b.columns()...)
	return b.binding(), err
}

func (t *tx) InsertBinding(b gateway.Binding) error {
	_, err := t.exec(`INSERT INTO binding (id, merchant_id, wallet_id, phone, customer_id, state, dialect, request_id, customer_name, replaces, page_id,
		token_expires_us, created_us, expires_us, ended_us, details, ended_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		b.ID, b.MerchantID, b.WalletID, b.Phone, b.CustomerID, b.State, b.Dialect, b.RequestID, b.CustomerName, flag(b.Replaces), b.PageID,
		us(b.TokenExpiresAt), us(b.CreatedAt), us(b.ExpiresAt), us(b.EndedAt), b.Details, b.EndedBy)
	return err
}

func (t *tx) Binding(id gateway.BindingID) (gateway.Binding, error) {
	return first(t.session, t.scanBinding, selectBinding+`WHERE b.id = $1`, id)
}

// Payer makes the wallet that it reads a premise of an Update: see premises. It is the
// wallet's row that is held; which wallet a binding has never changes.
func (t *tx) Payer(id gateway.BindingID) (gateway.Binding, gateway.Wallet, error) {
	var b bindingRow
	var w walletRow
	_, err := first(t.session, func(r row) (struct{}, error) { return struct{}{}, r.Scan(append(b.columns(), w.columns()...)...) },
		`SELECT `+bindingColumns+`, `+walletOfBinding+`, w.version FROM binding b JOIN wallet w ON w.id = b.wallet_id WHERE b.id = $1`+t.holdingOf("w", string(id)), id)
	if err != nil {
		return gateway.Binding{}, gateway.Wallet{}, err
	}
	wallet, err := t.wallet(&w)
	return b.binding(), wallet, err
}

func (t *tx) BindingByAuthCode(authCode string) (gateway.Binding, error) {
	return byPageKey(t, t.scanBinding, selectBinding+`JOIN page p ON p.id = b.page_id WHERE p.key_digest = $1`, authCode)
}

func (t *tx) ActiveBinding(m gateway.MerchantID, w gateway.WalletID) (gateway.Binding, error) {
	return first(t.session, t.scanBinding, selectBinding+`WHERE b.merchant_id = $1 AND b.wallet_id = $2 AND b.state = 'active'`, m, w)
}

// Of the bindings that were ever active, one that still is comes first, then those
// that ended last.
func (t *tx) BindingOfPhone(m gateway.MerchantID, phone gateway.Phone) (gateway.Binding, error) {
	return first(t.session, t.scanBinding, selectBinding+`WHERE b.merchant_id = $1 AND b.phone = $2 AND b.expires_us > 0
		ORDER BY CASE WHEN b.state = 'active' THEN 0 ELSE 1 END, b.ended_us DESC, b.id DESC LIMIT 1`, m, phone)
}

func (t *tx) AwaitingBindings(m gateway.MerchantID, w gateway.WalletID, customerID string) ([]gateway.Binding, error) {
	return all(t.session, t.scanBinding, selectBinding+`WHERE b.wallet_id = $2 AND b.merchant_id = $1 AND b.customer_id = $3
		AND b.state = 'awaiting_customer' ORDER BY b.id`, m, w, customerID)
}

func (t *tx) CustomerBindings(m gateway.MerchantID, customerID string) ([]gateway.Binding, error) {
	return all(t.session, t.scanBinding, selectBinding+`WHERE b.merchant_id = $1 AND b.customer_id = $2 AND b.state = 'active'
		AND b.expires_us > $3 ORDER BY b.id DESC`, m, customerID, us(t.now))
}

func (t *tx) WalletBindings(w gateway.WalletID) ([]gateway.Binding, error) {
	return all(t.session, t.scanBinding, selectBinding+`WHERE b.wallet_id = $1 ORDER BY b.id DESC`, w)
}

func (t *tx) DueBindings(limit int) ([]gateway.Binding, error) {
	return all(t.session, t.scanBinding, selectBinding+`WHERE b.state = 'active' AND b.expires_us <= $1 ORDER BY b.expires_us LIMIT $2`+t.skipping(),
		us(t.now), limit)
}

func (t *tx) ActivateBinding(id gateway.BindingID, expiresAt time.Time) (bool, error) {
	return t.changed(`UPDATE binding SET state = 'active', expires_us = $2 WHERE id = $1 AND state = 'awaiting_customer'`, id, us(expiresAt))
}

func (t *tx) EndBinding(id gateway.BindingID, from, to gateway.BindingState, by gateway.EndedBy) (bool, error) {
	return t.changed(`UPDATE binding SET state = $3, ended_us = $4, ended_by = $5 WHERE id = $1 AND state = $2`, id, from, to, us(t.now), by)
}

func (t *tx) SetBindingToken(id gateway.BindingID, expiresAt time.Time) error {
	_, err := t.exec(`UPDATE binding SET token_expires_us = $2 WHERE id = $1 AND token_expires_us < $2`, id, us(expiresAt))
	return err
}
