package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// How often the database is waited for, of a payment and of its notification, each by
// itself. Every round trip costs a payment at least as much as the statements in it.
func TestPostgresRoundTrips(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	proxy := storetest.NewProxy(t, f.url)
	behind := fixture{url: proxy.URL, keys: f.keys, clock: f.clock}.again(t, false)
	g := gateway.New(gateway.Config{Store: behind, Clock: f.clock, Keys: f.keys})
	if err := f.Update(t.Context(), func(tx gateway.Tx) error {
		if _, err := tx.InsertMerchant(gateway.Merchant{ID: "mch_1"}); err != nil {
			return err
		}
		if _, err := tx.InsertWallet(gateway.Wallet{ID: "wal_1", Phone: "081211111111", Status: gateway.WalletActive}); err != nil {
			return err
		}
		if _, err := tx.CreditWallet("wal_1", ledger.Split{Cash: 1_000_000}, money.Max); err != nil {
			return err
		}
		return tx.InsertBinding(gateway.Binding{
			ID: "bnd_1", MerchantID: "mch_1", WalletID: "wal_1", State: gateway.BindingActive, ExpiresAt: tx.Now().AddDate(1, 0, 0),
		})
	}); err != nil {
		t.Fatal(err)
	}

	var claimed []gateway.Notification
	var due time.Time
	steps := []struct {
		name string
		most int64
		do   func(i int) error
	}{
		{"a payment", 2, func(i int) error {
			id := fmt.Sprint(i)
			_, _, err := g.CreatePayment(t.Context(), gateway.CreatePayment{
				Claim:    gateway.Claim{Merchant: "mch_1", Scope: "snap", Key: id},
				Merchant: "mch_1", Binding: "bnd_1", Channel: gateway.SNAPRecurring, Dialect: "snap", Reference: id, RequestID: id,
				Amount: 100, Use: ledger.UseCash, Fingerprint: id, Details: "{}",
			})
			return err
		}},
		{"claiming its notification", 2, func(int) (err error) {
			due = f.clock.Now()
			claimed, err = g.ClaimNotifications(t.Context(), time.Minute, 10)
			if err == nil && len(claimed) != 1 {
				err = fmt.Errorf("claimed %d", len(claimed))
			}
			return err
		}},
		{"looking for the next one", 1, func(int) error {
			_, _, err := g.NextNotification(t.Context(), due)
			return err
		}},
		{"reading what it tells of", 3, func(int) error {
			_, err := g.Outgoing(t.Context(), claimed[0])
			return err
		}},
		{"storing its attempt", 1, func(int) error {
			return g.FinishAttempt(t.Context(), claimed[0], gateway.Attempt{NotificationID: claimed[0].ID, Number: 1}, gateway.NotificationDelivered, time.Time{})
		}},
	}
	// The connections come to know the statements first. Each has its own, so the
	// least of some counts.
	least := map[string]int64{}
	for i := range 12 {
		for _, s := range steps {
			before := proxy.Asked()
			if err := s.do(i); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			asked := proxy.Asked() - before
			if known, ok := least[s.name]; !ok || asked < known {
				least[s.name] = asked
			}
		}
	}
	for _, s := range steps {
		t.Logf("%s: %d round trips", s.name, least[s.name])
		if least[s.name] > s.most {
			t.Errorf("%s takes %d round trips, want at most %d", s.name, least[s.name], s.most)
		}
	}
}
