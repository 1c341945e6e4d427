package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

type fixture struct {
	*store.Store
	url   string
	keys  *seal.Keyring
	clock *gateway.MovableClock
}

func newKeys(t testing.TB) *seal.Keyring {
	t.Helper()
	keys, err := seal.New(seal.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func open(t testing.TB, e storetest.Engine) fixture {
	t.Helper()
	f := fixture{url: e.New(t), keys: newKeys(t), clock: gateway.NewMovableClock(0)}
	f.Store = f.again(t, false)
	return f
}

func (f fixture) again(t testing.TB, readOnly bool) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Config{URL: f.url, Keys: f.keys, Clock: f.clock, ReadOnly: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestEngines(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, func(t *testing.T, e storetest.Engine) {
		storetest.Run(t, func(t *testing.T) storetest.Bundle {
			f := open(t, e)
			return storetest.Bundle{Store: f.Store, Clock: f.clock, Reopen: func() gateway.Store { return f.again(t, false) }}
		})
	})
}

// raw opens the database behind the store's back.
func (f fixture) raw(t testing.TB) *sql.DB {
	t.Helper()
	driver, source := "pgx", f.url
	if path, ok := strings.CutPrefix(f.url, "sqlite://"); ok {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()

	t.Run("another engine", func(t *testing.T) {
		t.Parallel()
		_, err := store.Open(t.Context(), store.Config{URL: "mysql://x"})
		if err == nil || !strings.Contains(err.Error(), "sqlite:///") {
			t.Errorf("error %v does not say what to write", err)
		}
	})

	for what, change := range map[string]string{
		"an edited step": `UPDATE schema_migration SET checksum = 'edited'`,
		"a newer schema": `INSERT INTO schema_migration VALUES (9999, 'future', 'x', 0)`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			storetest.OnEngines(t, func(t *testing.T, e storetest.Engine) {
				f := open(t, e)
				f.Close()
				if _, err := f.raw(t).Exec(change); err != nil {
					t.Fatal(err)
				}
				if s, err := store.Open(t.Context(), store.Config{URL: f.url, Keys: f.keys, Clock: f.clock}); err == nil {
					s.Close()
					t.Error("the database was opened")
				}
			})
		})
	}

	t.Run("read-only without a database", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "none.db")
		if _, err := store.Open(t.Context(), store.Config{URL: "sqlite://" + path, ReadOnly: true, Clock: gateway.SystemClock{}}); err == nil {
			t.Error("a missing database was opened")
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("the missing database was created")
		}
	})
}

func TestReadOnlyBesideAWriter(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, readOnlyBesideAWriter)
}

func readOnlyBesideAWriter(t *testing.T, e storetest.Engine) {
	f := open(t, e)
	reader := f.again(t, true)
	if err := f.Update(t.Context(), func(tx gateway.Tx) error {
		_, err := tx.InsertMerchant(gateway.Merchant{ID: "mch_1"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := reader.View(t.Context(), func(tx gateway.Tx) error { _, err := tx.Merchant("mch_1"); return err }); err != nil {
		t.Error(err)
	}
	if err := reader.Update(t.Context(), func(gateway.Tx) error { return nil }); err == nil {
		t.Error("a read-only store could update")
	}
}

// No secret may be readable in the database, whatever table it went to.
func TestSecretsAreSealedAtRest(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, secretsAreSealed)
}

func secretsAreSealed(t *testing.T, e storetest.Engine) {
	f := open(t, e)
	canaries := []string{"canary-secret-key", "canary-private-key", "918273", "645546", "7777777777777777777777777777777777777777", "canary-setting"}
	if err := f.Update(t.Context(), func(tx gateway.Tx) error {
		if _, err := tx.InsertMerchant(gateway.Merchant{ID: "mch_1", DOKU: gateway.DOKU{SecretKey: canaries[0], PrivateKeyPEM: canaries[1]}}); err != nil {
			return err
		}
		if _, err := tx.InsertWallet(gateway.Wallet{ID: "wal_1", Status: gateway.WalletActive, PIN: canaries[2]}); err != nil {
			return err
		}
		if err := tx.InsertPage(gateway.Page{ID: "pag_1", Kind: "binding", State: gateway.PageOTP, OTP: canaries[3], Key: canaries[4]}); err != nil {
			return err
		}
		return tx.SetSetting("x", canaries[5])
	}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	content := f.content(t)
	if len(content) < 300 {
		t.Fatalf("only %d bytes of content", len(content))
	}
	for _, canary := range canaries {
		if strings.Contains(content, canary) {
			t.Errorf("%q is readable", canary)
		}
	}
}

// content is all that the database holds.
func (f fixture) content(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	if path, ok := strings.CutPrefix(f.url, "sqlite://"); ok {
		files, _ := filepath.Glob(path + "*")
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		return all.String()
	}
	db := f.raw(t)
	for _, table := range column(t, db, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`) {
		for _, line := range column(t, db, `SELECT t::text FROM `+table+` t`) {
			all.WriteString(line)
		}
	}
	return all.String()
}

func column(t testing.TB, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	return list
}

// Each invariant must find the corruption it is there for. The statements go
// around every guard the schema has left.
func TestAuditFindsCorruption(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, auditFindsCorruption)
}

// unguarded lifts the guards of the schema that stand in the way of a corruption.
var unguarded = map[string]map[string]string{
	"sqlite": {"I14": `PRAGMA ignore_check_constraints = 1;`, "I17": `PRAGMA foreign_keys = 0;`},
	"postgres": {
		"I14": `ALTER TABLE payment DROP CONSTRAINT payment_amount_check;`,
		"I17": `ALTER TABLE posting DROP CONSTRAINT posting_transfer_id_fkey;`,
	},
}

func auditFindsCorruption(t *testing.T, e storetest.Engine) {
	for name, corrupt := range map[string]string{
		"I01":                `UPDATE posting SET amount = amount + 1 WHERE leg = 1 AND transfer_id = 'trf_pay'`,
		"I02":                `UPDATE posting SET account = 'wallet:wal_1:points' WHERE account = 'wallet:wal_1:cash' AND transfer_id = 'trf_pay'`,
		"I03":                `UPDATE posting SET amount = amount * 100 WHERE transfer_id = 'trf_pay'`,
		"I04":                `UPDATE wallet SET cash = cash + 1`,
		"I05":                `UPDATE payment SET transfer_id = 'trf_top' WHERE id = 'pay_1'`,
		"I05 no full amount": `UPDATE posting SET amount = amount / 2 WHERE transfer_id = 'trf_pay'`,
		"I05 shared by merchants": `UPDATE posting SET amount = 60 WHERE account = 'receivable:mch_1:cash' AND transfer_id = 'trf_pay';
			INSERT INTO posting VALUES ('trf_pay', 3, 'receivable:mch_2:cash', 40)`,
		"I05 shared by wallets": `UPDATE posting SET amount = -60 WHERE account = 'wallet:wal_1:cash' AND transfer_id = 'trf_pay';
			INSERT INTO posting VALUES ('trf_pay', 3, 'wallet:wal_0:cash', -40)`,
		"I06":                   `UPDATE payment SET state = 'failed' WHERE id = 'pay_1'`,
		"I07":                   `UPDATE payment SET refunded_cash = refunded_cash + 1 WHERE id = 'pay_1'`,
		"I08":                   `UPDATE posting SET account = 'receivable:mch_2:cash' WHERE account = 'receivable:mch_1:cash' AND transfer_id = 'trf_pay'`,
		"I09":                   `DELETE FROM notification`,
		"I09 of another kind":   `UPDATE notification SET kind = 'payment.failed'`,
		"I09 told of a refusal": `UPDATE payment SET state = 'refused'`,
		"I12":                   `UPDATE page SET state = 'otp', deadline_us = 1`,
		"I13":                   `INSERT INTO event VALUES ('evt_9', 'mch_1', 'pay_1', 'payment.failed', '', 1)`,
		"I14":                   `UPDATE payment SET amount = 0 WHERE id = 'pay_1'`,
		"I15":                   `UPDATE page SET otp_fails = 4`,
		"I16":                   `UPDATE notification SET attempts = 1`,
		"I17":                   `DELETE FROM transfer WHERE id = 'trf_top'`,
		"I17 empty":             `DELETE FROM posting WHERE transfer_id = 'trf_top'`,
		"I18":                   `UPDATE payment SET wallet_id = 'wal_none' WHERE id = 'pay_1'`,
		"I19":                   `UPDATE payment SET channel = 'push' WHERE id = 'pay_1'`,
		"I20":                   `INSERT INTO push VALUES ('pay_1', 'mch_1', 'wal_1', 'p', 1, 1000000, 1, '', 0, 0, 1, 0, 1)`,
		"I21":                   `INSERT INTO account_total VALUES ('topup:cash', 1)`,
		"I22":                   `INSERT INTO settlement_day VALUES ('mch_1', 0, 1, 0, 5, 0, 0, 0)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := name[:3]
			f := open(t, e)
			f.fill(t)
			if broken := f.broken(t); len(broken) != 0 {
				t.Fatalf("before any corruption %v are broken", broken)
			}
			if _, err := f.raw(t).Exec(unguarded[e.Name][name] + corrupt); err != nil {
				t.Fatal(err)
			}
			if broken := f.broken(t); !broken[id] {
				t.Errorf("the audit found %v", broken)
			}
		})
	}
}

func (f fixture) broken(t testing.TB) map[string]bool {
	t.Helper()
	verdicts, err := f.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Side by side, the checks find the same.
	beside, err := f.again(t, true).Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(verdicts, beside); diff != "" {
		t.Errorf("a store that only looks finds another book: %s", diff)
	}
	broken := map[string]bool{}
	for _, v := range verdicts {
		if !v.OK {
			broken[v.ID] = true
		}
	}
	return broken
}

// fill writes a book with one payment of 100, partly refunded.
func (f fixture) fill(t testing.TB) {
	t.Helper()
	ok := func(held bool, err error) {
		t.Helper()
		if err != nil || !held {
			t.Fatal(held, err)
		}
	}
	none := func(err error) { t.Helper(); ok(true, err) }
	if err := f.Update(t.Context(), func(tx gateway.Tx) error {
		now := tx.Now()
		ok(tx.InsertMerchant(gateway.Merchant{ID: "mch_1"}))
		ok(tx.InsertWallet(gateway.Wallet{ID: "wal_1", Status: gateway.WalletActive}))
		top, paid, back := ledger.Split{Cash: 1000}, ledger.Split{Cash: 100}, ledger.Split{Cash: 30}
		ok(tx.CreditWallet("wal_1", top, money.Max))
		none(tx.InsertTransfer(ledger.Transfer{ID: "trf_top", Kind: ledger.TopUp, Subject: "wal_1", Postings: ledger.TopUpPostings("wal_1", top)}))
		none(tx.InsertPage(gateway.Page{ID: "pag_1", Kind: "binding", State: gateway.PageDone, Deadline: now, OTPExpiresAt: now}))
		none(tx.InsertBinding(gateway.Binding{ID: "bnd_1", MerchantID: "mch_1", WalletID: "wal_1", State: gateway.BindingActive, PageID: "pag_1", ExpiresAt: now.AddDate(1, 0, 0)}))
		ok(tx.InsertPayment(gateway.Payment{
			ID: "pay_1", MerchantID: "mch_1", WalletID: "wal_1", BindingID: "bnd_1", Channel: gateway.SNAPRecurring, Dialect: "snap", Reference: "R",
			Amount: 100, Use: ledger.UseCash, Split: paid, State: gateway.PaymentSucceeded, TransferID: "trf_pay", CreatedAt: now, FinalAt: now,
		}))
		ok(tx.DebitWallet("wal_1", paid))
		none(tx.InsertTransfer(ledger.Transfer{ID: "trf_pay", Kind: ledger.Payment, Subject: "pay_1", Postings: ledger.PaymentPostings("wal_1", "mch_1", paid)}))
		none(tx.InsertEvent(gateway.Event{ID: "evt_1", Subject: "pay_1", Kind: gateway.EventPaymentSucceeded, At: now}))
		none(tx.InsertNotification(gateway.Notification{ID: "ntf_1", EventID: "evt_1", Subject: "pay_1", Kind: gateway.EventPaymentSucceeded, State: gateway.NotificationQueued, NextAt: now}))
		ok(tx.SetRefunded("pay_1", ledger.Split{}, back))
		ok(tx.InsertRefund(gateway.Refund{ID: "rfd_1", MerchantID: "mch_1", PaymentID: "pay_1", Dialect: "snap", Reference: "F", Amount: 30, Split: back, TransferID: "trf_back"}))
		ok(tx.CreditWallet("wal_1", back, money.Max))
		none(tx.InsertTransfer(ledger.Transfer{ID: "trf_back", Kind: ledger.Refund, Subject: "rfd_1", Reverses: "trf_pay", Postings: ledger.RefundPostings("wal_1", "mch_1", back)}))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A batch holds 999,999 references; then the next one begins, and the trace too.
func TestTerminalWraps(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, terminalWraps)
}

func terminalWraps(t *testing.T, e storetest.Engine) {
	f := open(t, e)
	next := func() (n gateway.TerminalNumbers) {
		t.Helper()
		if err := f.Update(t.Context(), func(tx gateway.Tx) (err error) {
			n, err = tx.NextTerminalNumbers("a", "day")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	next()
	if _, err := f.raw(t).Exec(`UPDATE terminal SET reference = 999998, trace = 999998`); err != nil {
		t.Fatal(err)
	}
	if n := next(); n != (gateway.TerminalNumbers{Batch: 1, Reference: 999_999, Trace: 999_999}) {
		t.Errorf("the last of the batch is %+v", n)
	}
	if n := next(); n != (gateway.TerminalNumbers{Batch: 2, Reference: 1, Trace: 1}) {
		t.Errorf("the first of the next batch is %+v", n)
	}
}
