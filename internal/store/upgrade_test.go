package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// Every database that a build has ever made is brought up to date, and its book with
// it: a merchant, a wallet, a binding and a refunded payment.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, func(t *testing.T, e storetest.Engine) {
		steps := store.Steps()
		for _, version := range steps[:len(steps)-1] {
			t.Run(fmt.Sprint(version), func(t *testing.T) {
				t.Parallel()
				upgrade(t, e, version)
			})
		}
	})
}

func upgrade(t *testing.T, e storetest.Engine, version int64) {
	// A keyring of one line of 64 digits, as builds made it then.
	f := fixture{url: e.New(t), keys: parseKeys(t, strings.Repeat("0f", 32)), clock: gateway.NewMovableClock(0)}
	c := store.Config{URL: f.url, Keys: f.keys, Clock: f.clock}
	if err := store.MakeAt(t.Context(), c, version); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMicro()
	rows := []string{
		`INSERT INTO merchant (id, name, doku_client_id, doku_secret_sealed, doku_public_key, doku_private_key_sealed, doku_notification_url,
			snap_token_url, snap_notification_url, snap_binding_notification_url, created_us)
			VALUES ('mch_1', 'Toko', 'BRN-1', '$secret', '', '', '', '', '', '', $now)`,
		`INSERT INTO wallet (id, phone, name, status, pin_hash, pin_sealed, pin_fails, locked_until_us, cash, points, limit_transaction, limit_daily_count,
			limit_daily_sum, limit_holding, created_us) VALUES ('wal_1', '081211111111', 'Anton', 'active', 'argon2id$1$1$a$b', '', 0, 0, 930, 0, 0, 0, 0, 0, $now)`,
		`INSERT INTO page (id, key_digest, key_sealed, kind, subject, merchant_id, wallet_id, state, reason, otp_hash, otp_sealed, otp_expires_us, otp_fails,
			otp_sends, success_url, failure_url, created_us, opened_us, deadline_us)
			VALUES ('pag_1', '$digest', '$key', 'binding', 'bnd_1', 'mch_1', 'wal_1', 'done', '', '', '', $now, 0, 1, '', '', $now, $now, $now)`,
		`INSERT INTO binding (id, merchant_id, wallet_id, phone, customer_id, state, dialect, request_id, customer_name, replaces, page_id, token_expires_us,
			created_us, expires_us, ended_us) VALUES ('bnd_1', 'mch_1', 'wal_1', '081211111111', 'C', 'active', 'snap', 'Q', '', 0, 'pag_1', 0, $now, $later, 0)`,
		`INSERT INTO payment (id, merchant_id, wallet_id, binding_id, page_id, channel, dialect, reference, request_id, amount, purse_use, cash, points,
			refunded_cash, refunded_points, state, reason, fingerprint, details, notify_url, created_us, final_us, transfer_id)
			VALUES ('pay_1', 'mch_1', 'wal_1', 'bnd_1', '', 'snap_recurring', 'snap', 'R', 'Q', 100, 'cash', 100, 0, 30, 0, 'succeeded', '', '', '{}', '', $now, $now, 'trf_2')`,
		`INSERT INTO refund (id, merchant_id, payment_id, dialect, reference, request_id, amount, cash, points, reason, transfer_id, created_us)
			VALUES ('rfd_1', 'mch_1', 'pay_1', 'snap', 'F', 'Q', 30, 30, 0, '', 'trf_3', $now)`,
		`INSERT INTO transfer (id, kind, subject, reverses, created_us) VALUES ('trf_1', 'top_up', 'wal_1', '', $now), ('trf_2', 'payment', 'pay_1', '', $now),
			('trf_3', 'refund', 'rfd_1', 'trf_2', $now)`,
		`INSERT INTO posting (transfer_id, leg, account, amount) VALUES ('trf_1', 1, 'top_up:cash', -1000), ('trf_1', 2, 'wallet:wal_1:cash', 1000),
			('trf_2', 1, 'wallet:wal_1:cash', -100), ('trf_2', 2, 'receivable:mch_1:cash', 100),
			('trf_3', 1, 'receivable:mch_1:cash', -30), ('trf_3', 2, 'wallet:wal_1:cash', 30)`,
		`INSERT INTO event (id, merchant_id, subject, kind, reason, at_us) VALUES ('evt_1', 'mch_1', 'pay_1', 'payment.succeeded', '', $now)`,
		`INSERT INTO notification (id, event_id, merchant_id, subject, kind, dialect, state, attempts, next_us, lease_us, fence, created_us)
			VALUES ('ntf_1', 'evt_1', 'mch_1', 'pay_1', 'payment.succeeded', 'snap', 'undeliverable', 0, $now, 0, 0, $now)`,
		`INSERT INTO setting (name, value_sealed) VALUES ('clock_offset', '$offset')`,
	}
	values := strings.NewReplacer("$now", fmt.Sprint(now), "$later", fmt.Sprint(now+1e12), "$secret", f.keys.Seal("merchant.doku_secret", "SK-1"),
		"$digest", f.keys.Digest("page.key", "key"), "$key", f.keys.Seal("page.key", "key"), "$offset", f.keys.Seal("setting.clock_offset", "1h"))
	raw := f.raw(t)
	for _, row := range rows {
		if _, err := raw.Exec(values.Replace(row)); err != nil {
			t.Fatalf("%v: %s", err, row)
		}
	}
	if _, err := store.Open(t.Context(), store.Config{URL: f.url, Keys: f.keys, Clock: f.clock, ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "to migrate it") {
		t.Errorf("an old database is looked at: %v", err)
	}

	f.Store = f.again(t, false)
	if broken := f.broken(t); len(broken) > 0 {
		t.Errorf("broken: %v", broken)
	}
	columns, err := f.Secrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range columns {
		if c.Broken > 0 {
			t.Errorf("%s: %v", c.Name, c.Rows)
		}
	}
	if err := f.View(t.Context(), func(tx gateway.Tx) error {
		if m, err := tx.MerchantByDOKUClient("BRN-1"); err != nil || m.DOKU.SecretKey != "SK-1" {
			t.Errorf("merchant %+v, %v", m, err)
		}
		if w, err := tx.WalletByPhone("081211111111"); err != nil || w.Balance.Cash != 930 || gateway.HashVersion(w.PINHash) != 1 {
			t.Errorf("wallet %+v, %v", w, err)
		}
		if b, err := tx.BindingByAuthCode("key"); err != nil || b.ID != "bnd_1" {
			t.Errorf("binding %+v, %v", b, err)
		}
		if p, err := tx.PaymentByReference("mch_1", "snap", "R"); err != nil || p.Refunded.Cash != 30 {
			t.Errorf("payment %+v, %v", p, err)
		}
		offset, err := tx.Setting("clock_offset")
		if err != nil || offset != "1h" {
			t.Errorf("setting %q, %v", offset, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Copy takes every table along, all or nothing, to either engine.
func TestCopyHasEveryTable(t *testing.T) {
	t.Parallel()
	for _, column := range store.Columns() {
		table, _, _ := strings.Cut(column, ".")
		taken := false
		for _, name := range store.Copied() {
			taken = taken || name == table
		}
		if !taken && table != "commit_mark" {
			t.Errorf("%s stays behind", table)
		}
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, copyBook)
}

func copyBook(t *testing.T, e storetest.Engine) {
	from := open(t, storetest.SQLite)
	from.fill(t)
	if err := from.Update(t.Context(), func(tx gateway.Tx) error { return tx.SetSetting("profile", "sandbox") }); err != nil {
		t.Fatal(err)
	}
	to := fixture{url: e.New(t), keys: from.keys, clock: from.clock}
	to.Store = to.again(t, false)
	source := from.again(t, true)

	ctx, stop := context.WithCancel(t.Context())
	if _, err := store.Copy(ctx, source, to.Store, func(p store.CopyProgress) {
		if p.Table == "posting" {
			stop()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatalf("broken off: %v", err)
	}
	rows, err := store.Copy(t.Context(), source, to.Store, nil)
	if err != nil || rows["posting"] != 6 || rows["setting"] != 1 || rows["push"] != 0 {
		t.Fatalf("%v, %v", rows, err)
	}
	if a, b := sortedDump(t, from), sortedDump(t, to); a != b {
		t.Errorf("the copy is another: %s", cmp.Diff(a, b))
	}
	if broken := to.broken(t); len(broken) > 0 {
		t.Errorf("broken: %v", broken)
	}
	if _, err := store.Copy(t.Context(), source, to.Store, nil); err == nil || !strings.Contains(err.Error(), "has rows in setting already") {
		t.Errorf("over something: %v", err)
	}
	if err := from.Update(t.Context(), func(tx gateway.Tx) error { return tx.SetSetting("a", "b") }); err != nil {
		t.Errorf("the source is not let go of: %v", err)
	}
}

// sortedDump is a dump without the line on its keys, in an order that no engine changes.
func sortedDump(t *testing.T, f fixture) string {
	t.Helper()
	var dump strings.Builder
	if err := f.View(t.Context(), func(tx gateway.Tx) error { return tx.Dump(&dump) }); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(dump.String(), "\n")[1:]
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
