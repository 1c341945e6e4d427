package store_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

var grown = flag.Int("grown", 20_000, "payments in the book that BenchmarkDesk asks about")

// BenchmarkDesk asks what the back office asks, of a book that has grown. Every
// question should be answered within 200 ms at -grown 1000000.
func BenchmarkDesk(b *testing.B) {
	for _, e := range storetest.Engines() {
		b.Run(e.Name, func(b *testing.B) { benchmarkDesk(b, e) })
	}
}

func benchmarkDesk(b *testing.B, e storetest.Engine) {
	f := open(b, e)
	g := gateway.New(gateway.Config{Store: f.Store, Clock: f.clock, Keys: f.keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}})
	ctx := context.Background()
	var merchants []gateway.Merchant
	var wallets []gateway.Wallet
	for i := range 20 {
		m, err := g.CreateMerchant(ctx, gateway.Merchant{Name: fmt.Sprint("Toko ", i), DOKU: gateway.DOKU{ClientID: fmt.Sprint("BRN-", i)}})
		if err != nil {
			b.Fatal(err)
		}
		merchants = append(merchants, m)
		for j := range 50 {
			w, err := g.CreateWallet(ctx, gateway.NewWallet{
				Phone: gateway.Phone(fmt.Sprintf("08131%03d%04d", i, j)), Name: "Sari", PIN: "123456", Balance: ledger.Split{Cash: 900_000_000_000},
			})
			if err != nil {
				b.Fatal(err)
			}
			wallets = append(wallets, w)
			bnd, page, err := g.StartBinding(ctx, gateway.StartBinding{Merchant: m.ID, Phone: w.Phone, CustomerID: fmt.Sprint("c", j), Dialect: "snap"})
			if err != nil {
				b.Fatal(err)
			}
			inbox, err := g.Inbox(ctx, w.Phone)
			if err != nil || len(inbox) != 1 {
				b.Fatal(bnd.ID, len(inbox), err)
			}
			if _, err := g.EnterOTP(ctx, page.Key, inbox[0].Code); err != nil {
				b.Fatal(err)
			}
			if _, err := g.EnterPIN(ctx, page.Key, "123456"); err != nil {
				b.Fatal(err)
			}
		}
	}
	begun := time.Now()
	if err := f.Prefill(ctx, *grown, nil); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d payments written in %s", *grown, time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	n, err := g.Tally(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d rows counted in %s", n, time.Since(begun).Round(time.Millisecond))

	everybody, one := g.Desk(""), g.Desk(merchants[7].ID)
	now := f.clock.Now()
	for name, ask := range map[string]func() error{
		"newest":   func() error { _, err := everybody.Payments(ctx, gateway.PaymentFilter{}, 50); return err },
		"merchant": func() error { _, err := one.Payments(ctx, gateway.PaymentFilter{}, 50); return err },
		"wallet": func() error {
			_, err := everybody.Payments(ctx, gateway.PaymentFilter{Wallet: wallets[3].ID}, 50)
			return err
		},
		"amount":              func() error { _, err := everybody.Payments(ctx, gateway.PaymentFilter{Amount: 12_345}, 50); return err },
		"merchant and amount": func() error { _, err := one.Payments(ctx, gateway.PaymentFilter{Amount: 12_345}, 50); return err },
		"state that is rare": func() error {
			_, err := everybody.Payments(ctx, gateway.PaymentFilter{State: gateway.PaymentUncertain}, 50)
			return err
		},
		"merchant and state that is rare": func() error {
			_, err := one.Payments(ctx, gateway.PaymentFilter{State: gateway.PaymentUncertain}, 50)
			return err
		},
		"number": func() error {
			_, err := everybody.PaymentsNamed(ctx, "INV-404", []string{"snap", "jokul", "faspay"}, 50)
			return err
		},
		"notifications": func() error { _, err := one.Notifications(ctx, gateway.NotificationFilter{}, 50); return err },
		"notifications failed": func() error {
			_, err := everybody.Notifications(ctx, gateway.NotificationFilter{State: gateway.NotificationFailed}, 50)
			return err
		},
		"notifications queued": func() error {
			_, err := one.Notifications(ctx, gateway.NotificationFilter{State: gateway.NotificationQueued}, 50)
			return err
		},
		"overview of a day":      func() error { _, err := everybody.Overview(ctx, 24*time.Hour); return err },
		"overview of 90 days":    func() error { _, err := everybody.Overview(ctx, 90*24*time.Hour); return err },
		"overview of a merchant": func() error { _, err := one.Overview(ctx, 30*24*time.Hour); return err },
		"settlements": func() error {
			_, err := everybody.Settlements(ctx, gateway.SettlementFilter{Days: gateway.Period{From: now.AddDate(0, -1, 0), To: now}}, 50)
			return err
		},
		"settlement": func() error { _, err := one.Settlement(ctx, merchants[7].ID, now.AddDate(0, 0, -1)); return err },
		"payments of a settlement": func() error {
			_, err := one.Payments(ctx, g.SettledPayments(merchants[7].ID, now.AddDate(0, 0, -1)), 50)
			return err
		},
		"receivables": func() error { _, err := one.Receivables(ctx, merchants[7].ID); return err },
		"book":        func() error { _, err := g.Book(ctx); return err },
		"transfers":   func() error { _, err := g.LedgerTransfers(ctx, gateway.TransferFilter{}, 50); return err },
		"transfers of a wallet": func() error {
			_, err := g.LedgerTransfers(ctx, gateway.TransferFilter{Account: ledger.WalletAccount(string(wallets[3].ID), ledger.Cash)}, 50)
			return err
		},
		"transfers of an account without any": func() error {
			_, err := g.LedgerTransfers(ctx, gateway.TransferFilter{Account: "receivable:none:points"}, 50)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
		})
	}
}
