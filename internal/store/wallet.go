package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

const purposePIN = "wallet.pin"

const walletColumns = `id, phone, name, status, pin_hash, pin_sealed, pin_fails, locked_until_us, cash, points,
	limit_transaction, limit_daily_count, limit_daily_sum, limit_holding, created_us`

// walletOfBinding are the same of a wallet w.
const walletOfBinding = `w.id, w.phone, w.name, w.status, w.pin_hash, w.pin_sealed, w.pin_fails, w.locked_until_us, w.cash, w.points,
	w.limit_transaction, w.limit_daily_count, w.limit_daily_sum, w.limit_holding, w.created_us`

const selectWallet = `SELECT ` + walletColumns + `, version FROM wallet `

// walletRow is a wallet as it is stored.
type walletRow struct {
	gateway.Wallet
	pin                      string
	locked, created, version int64
}

func (w *walletRow) columns() []any {
	return []any{&w.ID, &w.Phone, &w.Name, &w.Status, &w.PINHash, &w.pin, &w.PINFails, &w.locked, &w.Balance.Cash, &w.Balance.Points,
		&w.Limits.PerTransaction, &w.Limits.DailyCount, &w.Limits.DailySum, &w.Limits.Holding, &w.created, &w.version}
}

// wallet is the wallet of a row, which becomes a premise of an Update.
func (t *tx) wallet(w *walletRow) (_ gateway.Wallet, err error) {
	t.premises.read(w.ID, w.version)
	w.LockedUntil, w.CreatedAt = at(w.locked), at(w.created)
	w.PIN, err = t.keys.Open(purposePIN, w.pin)
	return w.Wallet, err
}

func (t *tx) scanWallet(r row) (gateway.Wallet, error) {
	var w walletRow
	if err := r.Scan(w.columns()...); err != nil {
		return gateway.Wallet{}, err
	}
	return t.wallet(&w)
}

func (t *tx) InsertWallet(w gateway.Wallet) (bool, error) {
	return t.changed(`INSERT INTO wallet (`+walletColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		w.ID, w.Phone, w.Name, w.Status, w.PINHash, t.keys.Seal(purposePIN, w.PIN), w.PINFails, us(w.LockedUntil),
		w.Limits.PerTransaction, w.Limits.DailyCount, w.Limits.DailySum, w.Limits.Holding, us(w.CreatedAt))
}

func (t *tx) UpdateWalletTerms(w gateway.Wallet) error {
	return t.mustWriteWallet(w.ID, `UPDATE wallet SET version = version + 1, name = $3, status = $4, pin_fails = $5, locked_until_us = $6,
		limit_transaction = $7, limit_daily_count = $8, limit_daily_sum = $9, limit_holding = $10 WHERE id = $1 AND (version = $2 OR $2 < 0)`,
		w.Name, w.Status, w.PINFails, us(w.LockedUntil),
		w.Limits.PerTransaction, w.Limits.DailyCount, w.Limits.DailySum, w.Limits.Holding)
}

func (t *tx) SetWalletPhone(id gateway.WalletID, from, to gateway.Phone) (bool, error) {
	return t.writeWallet(id, `UPDATE wallet SET version = version + 1, phone = $4
		WHERE id = $1 AND (version = $2 OR $2 < 0) AND phone = $3 AND NOT EXISTS (SELECT 1 FROM wallet o WHERE o.phone = $4)`, from, to)
}

func (t *tx) SetPIN(id gateway.WalletID, hash, readable string) error {
	return t.mustWriteWallet(id, `UPDATE wallet SET version = version + 1, pin_hash = $3, pin_sealed = $4, pin_fails = 0, locked_until_us = 0
		WHERE id = $1 AND (version = $2 OR $2 < 0)`, hash, t.keys.Seal(purposePIN, readable))
}

func (t *tx) SetPINFails(id gateway.WalletID, fails int, lockedUntil time.Time) error {
	return t.mustWriteWallet(id, `UPDATE wallet SET version = version + 1, pin_fails = $3, locked_until_us = $4
		WHERE id = $1 AND (version = $2 OR $2 < 0)`, fails, us(lockedUntil))
}

func (t *tx) RenewPINHash(id gateway.WalletID, from, to string) (bool, error) {
	return t.writeWallet(id, `UPDATE wallet SET version = version + 1, pin_hash = $4
		WHERE id = $1 AND (version = $2 OR $2 < 0) AND pin_hash = $3`, from, to)
}

// writeWallet runs a write of one wallet whose first two parameters are its id and
// the version that was read in this transaction, or -1.
func (t *tx) writeWallet(id gateway.WalletID, query string, args ...any) (bool, error) {
	held, err := t.changed(query, append([]any{id, t.premises.version(id)}, args...)...)
	if held && err == nil {
		t.premises.wrote(id)
	}
	return held, err
}

func (t *tx) mustWriteWallet(id gateway.WalletID, query string, args ...any) error {
	held, err := t.writeWallet(id, query, args...)
	if err == nil && !held {
		return gateway.ErrRetry
	}
	return err
}

// Wallet and WalletByPhone make what they read a premise of an Update: see premises.
func (t *tx) Wallet(id gateway.WalletID) (gateway.Wallet, error) {
	return first(t.session, t.scanWallet, selectWallet+`WHERE id = $1`+t.holding(string(id)), id)
}

func (t *tx) WalletByPhone(phone gateway.Phone) (gateway.Wallet, error) {
	return first(t.session, t.scanWallet, selectWallet+`WHERE phone = $1`+t.holding(string(phone)), phone)
}

func (t *tx) Wallets() ([]gateway.Wallet, error) {
	return all(t.session, t.scanWallet, selectWallet+`ORDER BY phone`)
}

func (t *tx) WalletsAfter(after gateway.Phone, limit int) ([]gateway.Wallet, error) {
	return all(t.session, t.scanWallet, selectWallet+`WHERE phone > $1 ORDER BY phone LIMIT $2`, after, limit)
}

func (t *tx) WalletSpent(id gateway.WalletID, since time.Time) (count int64, sum money.Amount, err error) {
	err = t.one(`SELECT count(*), coalesce(sum(amount), 0) FROM payment
		WHERE wallet_id = $1 AND final_us >= $2 AND state = 'succeeded'`, []any{id, us(since)}, &count, &sum)
	return count, sum, err
}

func (t *tx) DebitWallet(id gateway.WalletID, s ledger.Split) (bool, error) {
	return t.writeWallet(id, `UPDATE wallet SET version = version + 1, cash = cash - $3, points = points - $4
		WHERE id = $1 AND (version = $2 OR $2 < 0) AND cash >= $3 AND points >= $4`, s.Cash, s.Points)
}

func (t *tx) CreditWallet(id gateway.WalletID, s ledger.Split, holding money.Amount) (bool, error) {
	return t.writeWallet(id, `UPDATE wallet SET version = version + 1, cash = cash + $3, points = points + $4
		WHERE id = $1 AND (version = $2 OR $2 < 0) AND cash + points + $3 + $4 <= $5`, s.Cash, s.Points, holding)
}

func (t *tx) CountAsk(id gateway.WalletID, ask gateway.Ask, every, slack time.Duration) (bool, error) {
	return t.changed(`INSERT INTO asked (wallet_id, ask, free_us) VALUES ($1, $2, $3)
		ON CONFLICT (wallet_id, ask) DO UPDATE SET free_us = CASE WHEN asked.free_us > $4 THEN asked.free_us + $5 ELSE $3 END
		WHERE asked.free_us <= $6`,
		id, ask, us(t.now.Add(every)), us(t.now), every.Microseconds(), us(t.now.Add(slack)))
}

func (t *tx) InsertTransfer(tr ledger.Transfer) error {
	if err := tr.Check(); err != nil {
		panic(err) // a defect: the transaction is rolled back
	}
	if _, err := t.exec(`INSERT INTO transfer (id, kind, subject, reverses, created_us) VALUES ($1, $2, $3, $4, $5)`,
		tr.ID, tr.Kind, tr.Subject, tr.Reverses, us(t.now)); err != nil {
		return err
	}
	// All legs go in one statement; a payment has two, or four from both purses.
	args := make([]any, 0, 1+2*len(tr.Postings))
	args = append(args, tr.ID)
	for _, p := range tr.Postings {
		args = append(args, p.Account, p.Amount)
	}
	_, err := t.exec(insertPostings(len(tr.Postings)), args...)
	return err
}

// insertPostings is the statement that inserts a transfer's legs.
func insertPostings(legs int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO posting (transfer_id, leg, account, amount) VALUES`)
	for leg := range legs {
		if leg > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " ($1, %d, $%d, $%d)", leg+1, 2*leg+2, 2*leg+3)
	}
	return b.String()
}

func (t *tx) TransfersOf(id gateway.PaymentID) ([]ledger.Transfer, error) {
	transfers, err := all(t.session, func(r row) (tr ledger.Transfer, err error) {
		return tr, r.Scan(&tr.ID, &tr.Kind, &tr.Subject, &tr.Reverses)
	}, `SELECT id, kind, subject, reverses FROM transfer
		WHERE id IN (SELECT transfer_id FROM payment WHERE id = $1 UNION ALL SELECT transfer_id FROM refund WHERE payment_id = $1)
		ORDER BY id`, id)
	if err != nil {
		return nil, err
	}
	for i := range transfers {
		if transfers[i].Postings, err = t.postings(transfers[i].ID); err != nil {
			return nil, err
		}
	}
	return transfers, nil
}

func (t *tx) postings(transfer string) ([]ledger.Posting, error) {
	return all(t.session, func(r row) (p ledger.Posting, err error) {
		return p, r.Scan(&p.Account, &p.Amount)
	}, `SELECT account, amount FROM posting WHERE transfer_id = $1 ORDER BY leg`, transfer)
}
