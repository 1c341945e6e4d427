package store_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// dumpOf is everything in a store.
func dumpOf(t *testing.T, s *store.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.View(t.Context(), func(tx gateway.Tx) error { return tx.Dump(&b) }); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A dump that was loaded dumps to the same rows, whatever was there before; one that
// cannot be used changes nothing.
func TestDump(t *testing.T) {
	t.Parallel()
	master := seal.NewMasterKey()
	open := func(key []byte) *store.Store {
		keys, err := seal.New(key)
		if err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), store.Config{URL: "sqlite://" + filepath.Join(t.TempDir(), "a.db"), Keys: keys, Clock: gateway.SystemClock{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	fill := func(s *store.Store, name string) {
		err := s.Update(t.Context(), func(tx gateway.Tx) error {
			if _, err := tx.InsertMerchant(gateway.Merchant{ID: gateway.MerchantID("mch_" + name), Name: name + " \u2028<\"é"}); err != nil { // without a client id: NULL
				return err
			}
			if _, err := tx.InsertMerchant(gateway.Merchant{ID: gateway.MerchantID("mch_2" + name), DOKU: gateway.DOKU{ClientID: name, SecretKey: "secret"}}); err != nil {
				return err
			}
			if _, err := tx.InsertWallet(gateway.Wallet{ID: "wal_1", Phone: "081211111111", Status: gateway.WalletActive}); err != nil {
				return err
			}
			if err := tx.InsertTransfer(ledger.Transfer{ID: "trf_" + name, Kind: ledger.TopUp, Subject: "wal_1", Postings: ledger.TopUpPostings("wal_1", ledger.Split{Cash: 912_345_678_901})}); err != nil {
				return err
			}
			return tx.SetSetting("kept", name)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	from, to := open(master), open(master)
	fill(from, "from")
	fill(to, "to")
	dump := dumpOf(t, from)
	load := func(s *store.Store, dump []byte) error {
		return s.Update(context.Background(), func(tx gateway.Tx) error { return tx.Load(dump) })
	}
	rows := func(dump []byte) string { // but the head, whose sealed key is new each time
		_, rest, _ := strings.Cut(string(dump), "\n")
		return rest
	}

	before := rows(dumpOf(t, to))
	for name, bad := range map[string][]byte{
		"empty":          {},
		"other":          []byte(`{"format":"other"}`),
		"newer":          bytes.Replace(dump, []byte(`"schema":`), []byte(`"schema":9`), 1),
		"cut":            dump[:len(dump)/2],
		"without an end": dump[:bytes.LastIndexByte(dump[:len(dump)-1], '\n')],
		"unknown table":  bytes.Replace(dump, []byte(`"table":"wallet"`), []byte(`"table":"sqlite_master"`), 1),
		"unknown column": bytes.Replace(dump, []byte(`"pin_hash"`), []byte(`"pin"`), 1),
		"short row":      bytes.Replace(dump, []byte(`["wal_1",`), []byte(`[`), 1),
		"text number":    bytes.Replace(dump, []byte(`912345678901`), []byte(`"1"`), 1),
	} {
		if err := load(to, bad); !errors.Is(err, gateway.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if after := rows(dumpOf(t, to)); after != before {
			t.Errorf("%s changed the store", name)
		}
	}
	if err := load(open(seal.NewMasterKey()), dump); !errors.Is(err, gateway.Invalid) || !strings.Contains(err.Error(), "master key") {
		t.Errorf("under another master key: %v", err)
	}

	if err := load(to, dump); err != nil {
		t.Fatal(err)
	}
	if rows(dumpOf(t, to)) != rows(dump) || !strings.Contains(string(dump), `["mch_from","from \u2028<\"é",null,`) {
		t.Errorf("loaded %s, want %s", dumpOf(t, to), dump)
	}
	err := to.View(t.Context(), func(tx gateway.Tx) error {
		m, err := tx.MerchantByDOKUClient("from")
		if err == nil && m.DOKU.SecretKey != "secret" {
			t.Errorf("%+v", m)
		}
		kept, settingErr := tx.Setting("kept")
		if kept != "to" {
			t.Errorf("the setting is %q", kept)
		}
		return errors.Join(err, settingErr)
	})
	if err != nil {
		t.Fatal(err)
	}
}
