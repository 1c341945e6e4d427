package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

func parseKeys(t testing.TB, lines ...string) *seal.Keyring {
	t.Helper()
	keys, err := seal.Parse([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Every sealed column takes part in a rotation: one that was forgotten would be lost
// with the retired key.
func TestSecretsAreListed(t *testing.T) {
	t.Parallel()
	listed := store.ListedSecrets()
	for _, column := range store.Columns() {
		if strings.HasSuffix(column, "_sealed") && !slices.Contains(listed, column) {
			t.Errorf("%s is sealed and not in the list of secrets.go", column)
		}
	}
	if len(listed) < 12 {
		t.Errorf("only %v", listed)
	}
}

func TestRewrap(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, rewrap)
}

func rewrap(t *testing.T, e storetest.Engine) {
	one, two := seal.NewKey(1), seal.NewKey(2)
	f := fixture{url: e.New(t), clock: gateway.NewMovableClock(0)}
	under := func(keys *seal.Keyring) *store.Store {
		f.keys = keys
		return f.again(t, false)
	}
	old := under(parseKeys(t, one))
	const pages = 2*200 + 1 // more than two batches
	must := func(held bool, err error) {
		t.Helper()
		if err != nil || !held {
			t.Fatal(held, err)
		}
	}
	if err := old.Update(t.Context(), func(tx gateway.Tx) error {
		must(tx.InsertMerchant(gateway.Merchant{ID: "mch_1", DOKU: gateway.DOKU{SecretKey: "s", OldSecretKey: "o", PrivateKeyPEM: "k"}, Faspay: gateway.Faspay{Password: "p", OldPassword: "q"}}))
		must(tx.InsertWallet(gateway.Wallet{ID: "wal_1", Status: gateway.WalletActive, PIN: "123456", PINHash: "argon2id$1$1$a$b"}))
		must(tx.InsertUser(gateway.User{ID: "usr_1", Role: gateway.RoleViewer, PasswordHash: "argon2id$1$1$a$b$v1", Factor: gateway.SecondFactor{Secret: "f", Pending: "g"}}))
		must(true, tx.SetSetting("clock", "1s"))
		must(true, tx.PutMessage(gateway.Message{ID: "msg_1", Kind: gateway.MessageCode, Subject: "pag_000", Code: "654321"}))
		for n := range pages {
			must(true, tx.InsertPage(gateway.Page{ID: gateway.PageID(fmt.Sprintf("pag_%03d", n)), Key: fmt.Sprint("key", n), Kind: "binding", State: gateway.PageOTP, OTP: "654321", OTPHash: strings.Repeat("0", 64)}))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	both := under(parseKeys(t, one, two))
	readable := func(s *store.Store, why string) {
		t.Helper()
		if err := s.View(t.Context(), func(tx gateway.Tx) error {
			m, err := tx.Merchant("mch_1")
			if err != nil || m.DOKU.SecretKey+m.DOKU.OldSecretKey+m.DOKU.PrivateKeyPEM+m.Faspay.Password+m.Faspay.OldPassword != "sokpq" {
				t.Errorf("%s: merchant %+v, %v", why, m, err)
			}
			if w, err := tx.Wallet("wal_1"); err != nil || w.PIN != "123456" {
				t.Errorf("%s: wallet %+v, %v", why, w, err)
			}
			if u, err := tx.User("usr_1"); err != nil || u.Factor.Secret+u.Factor.Pending != "fg" {
				t.Errorf("%s: user %+v, %v", why, u, err)
			}
			if p, err := tx.PageByKey("key400"); err != nil || p.ID != "pag_400" || p.OTP != "654321" {
				t.Errorf("%s: page %+v, %v", why, p, err)
			}
			if v, err := tx.Setting("clock"); err != nil || v != "1s" {
				t.Errorf("%s: setting %q, %v", why, v, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	readable(both, "before")
	versions := func(s *store.Store) map[string]map[int]int64 {
		t.Helper()
		columns, err := s.Secrets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]map[int]int64{}
		for _, c := range columns {
			if c.Broken > 0 {
				t.Errorf("%s: %d rows do not open: %v", c.Name, c.Broken, c.Rows)
			}
			all[c.Name] = c.Versions
		}
		return all
	}
	if v := versions(both)["page.key_sealed"]; v[1] != pages {
		t.Fatalf("pages before: %v", v)
	}

	// Broken off after the first batch of pages, as by a Ctrl-C.
	ctx, stop := context.WithCancel(t.Context())
	if _, err := both.Rewrap(ctx, func(column string, n int64) {
		if column == "page.key_sealed" {
			stop()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatalf("broken off: %v", err)
	}
	if v := versions(both)["page.key_sealed"]; v[1] != pages-200 || v[2] != 200 {
		t.Fatalf("broken off: %v", v)
	}
	readable(both, "half way")
	n, err := both.Rewrap(t.Context(), nil)
	if want := int64(pages - 200 + pages + 3); n != want || err != nil { // the other keys, all codes, a message and a person's two
		t.Fatalf("rewrapped %d, want %d; %v", n, want, err)
	}
	for column, v := range versions(both) {
		hash := strings.HasSuffix(column, "_hash")
		if len(v) != 1 || hash != (v[1] > 0) {
			t.Errorf("%s: %v", column, v)
		}
	}
	if n, err := both.Rewrap(t.Context(), nil); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}

	// The old key is gone: all is read with the new one, but for hashes.
	new := under(parseKeys(t, two))
	readable(new, "without the old key")
	columns, err := new.Secrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range columns {
		if c.Hash != (c.Broken > 0) {
			t.Errorf("without the old key, %s: %+v", c.Name, c)
		}
	}
}

// A secret that no key opens ends the rewrap, and is named.
func TestRewrapNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.SQLite)
	f.keys = parseKeys(t, seal.NewKey(1), seal.NewKey(2))
	s := f.again(t, false)
	if _, err := f.raw(t).Exec(`INSERT INTO setting (name, value_sealed) VALUES ('a', 'v1:AAAA')`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rewrap(t.Context(), nil); !errors.Is(err, seal.ErrSealed) || !strings.Contains(err.Error(), "setting.value_sealed: the row a") {
		t.Errorf("a broken row: %v", err)
	}
}
