package app_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/ovo"
)

type watched struct {
	OK      bool
	Current bool
	Checked int64
	Broken  []struct {
		Invariant string
		Transfers []string
	}
}

// auditz waits until the running server has looked at what done wants to see.
func (c control) auditz(done func(watched) bool) (w watched) {
	c.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		resp, err := client.Get(c.base + "/auditz")
		if err != nil {
			c.t.Fatal(err)
		}
		w = watched{}
		err = json.NewDecoder(resp.Body).Decode(&w)
		resp.Body.Close()
		if err != nil || (resp.StatusCode == 200) != w.OK {
			c.t.Fatalf("HTTP %d %+v, %v", resp.StatusCode, w, err)
		}
		if done(w) {
			return w
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("the ledger is not watched: %+v", w)
		}
	}
}

// TestTheLedgerIsWatched corrupts the book behind a running server, which must say
// so by itself.
func TestTheLedgerIsWatched(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	shop := c.snapClient(c.seededMerchant())
	token := c.bind(shop, "081222222222", "cust")
	for _, reference := range []string{"W-1", "W-2"} {
		if _, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: 1_000}); err != nil {
			t.Fatal(err)
		}
	}
	// Two top-ups of the seed and two payments.
	if w := c.auditz(func(w watched) bool { return w.Checked >= 4 }); !w.OK || w.Checked != 4 {
		t.Errorf("a whole book: %+v", w)
	}
	db := book(t, dir)
	for _, change := range []string{
		`INSERT INTO transfer (id, kind, subject, reverses, created_us) VALUES ('trf_zzz', 'payment', 'pay_none', '', 1)`,
		`INSERT INTO posting (transfer_id, leg, account, amount) VALUES ('trf_zzz', 1, 'wallet:x:cash', 5)`,
	} {
		if _, err := db.Exec(change); err != nil {
			t.Fatal(err)
		}
	}
	w := c.auditz(func(w watched) bool { return !w.OK })
	broken := map[string]bool{}
	for _, b := range w.Broken {
		broken[b.Invariant] = len(b.Transfers) == 1 && b.Transfers[0] == "trf_zzz"
	}
	if len(broken) != 3 || !broken["I02"] || !broken["I06"] || !broken["I09"] {
		t.Errorf("broken: %+v", w.Broken)
	}
}

// TestBalancesAt replays the ledger to moments in between.
func TestBalancesAt(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	shop := c.snapClient(c.seededMerchant())
	token := c.bind(shop, "081222222222", "cust")
	var moments []time.Time
	for i, reference := range []string{"A", "B", "C"} {
		moments = append(moments, gatewayTime(c))
		c.call("POST", "/clock/advance", map[string]string{"by": "1h"}, 200, nil)
		if _, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: 1_000 * int64(i+1)}); err != nil {
			t.Fatal(err)
		}
	}
	moments = append(moments, gatewayTime(c))
	for i, want := range []int64{1_000_000, 999_000, 997_000, 994_000} {
		list, err := app.BalancesAt(t.Context(), installed(dir), moments[i])
		if err != nil {
			t.Fatal(err)
		}
		total, held := int64(0), int64(-1)
		for _, b := range list {
			total += b.Amount
			if b.Phone == "081222222222" {
				held = b.Amount
			}
		}
		if held != want || total != 0 {
			t.Errorf("at %v the wallet held %d of %d, and all together %d: %+v", moments[i], held, want, total, list)
		}
	}
	if list, err := app.BalancesAt(t.Context(), installed(dir), time.Unix(0, 0)); err != nil || len(list) != 0 {
		t.Errorf("before all: %+v, %v", list, err)
	}
}

// book opens the database of an installation behind its back.
func book(t testing.TB, dir string) *sql.DB {
	t.Helper()
	driver, source := "sqlite", "file:"+filepath.Join(dir, "gerbang.db")+"?_pragma=busy_timeout(10000)"
	if url := installed(dir).Database; url != "" {
		driver, source = "pgx", url
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
