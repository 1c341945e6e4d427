package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// bundle is a gateway over a database of its own, with a merchant and a wallet.
type bundle struct {
	*gateway.Gateway
	t        testing.TB
	clock    *gateway.MovableClock
	config   gateway.Config
	bare     gateway.Store
	plain    *gateway.Gateway
	once     sync.Once
	url      string
	second   sync.Once
	other    *gateway.Gateway
	merchant gateway.Merchant
	wallet   gateway.Wallet
	numbers  atomic.Int64
}

const pin = "123456"

func setup(t testing.TB) *bundle {
	t.Helper()
	return setupForced(t, nil)
}

// setupVirtual is for a bubble of virtual time, in which no server can be reached.
func setupVirtual(t testing.TB) *bundle {
	t.Helper()
	return setupAt(t, storetest.SQLite.New(t), nil)
}

// direct is a gateway over the bare store, which runs each transaction once.
func (b *bundle) direct() *gateway.Gateway {
	b.once.Do(func() {
		c := b.config
		c.Store = b.bare
		b.plain = gateway.New(c)
	})
	return b.plain
}

// beside is a gateway on a store of its own over the same database, as another
// process has. SQLite's file has one owner: there it is the same store.
func (b *bundle) beside() *gateway.Gateway {
	b.second.Do(func() {
		c := b.config
		c.Store = b.bare
		if strings.HasPrefix(b.url, "postgres") {
			db, err := store.Open(context.Background(), store.Config{URL: b.url, Keys: c.Keys, Clock: b.clock})
			if err != nil {
				b.t.Error(err)
				return
			}
			b.t.Cleanup(func() { db.Close() })
			c.Store = db
		}
		b.other = gateway.New(c)
	})
	return b.other
}

// another is a second gateway over the same database, as another process is.
func (b *bundle) another() *gateway.Gateway { return gateway.New(b.config) }

func setupForced(t testing.TB, force func(context.Context, gateway.Operation) (gateway.Outcome, bool)) *bundle {
	t.Helper()
	return setupAt(t, storetest.URL(t), force)
}

func setupAt(t testing.TB, url string, force func(context.Context, gateway.Operation) (gateway.Outcome, bool)) *bundle {
	t.Helper()
	keys, err := seal.New(seal.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	clock := gateway.NewMovableClock(0)
	db, err := store.Open(t.Context(), store.Config{URL: url, Keys: keys, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	config := gateway.Config{
		Store: storetest.Twice(db), Clock: clock, Keys: keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}, Force: force,
		Rules: gateway.DefaultRules.Unmetered(),
	}
	b := &bundle{t: t, url: url, clock: clock, config: config, bare: db, Gateway: gateway.New(config)}
	b.merchant = must(b.CreateMerchant(t.Context(), gateway.Merchant{Name: "Toko", DOKU: gateway.DOKU{ClientID: "BRN-0001", SecretKey: "SK-1"}}))(t)
	b.wallet = b.newWallet("081200000001", ledger.Split{Cash: 100_000, Points: 10_000})
	return b
}

func (b *bundle) newWallet(phone gateway.Phone, balance ledger.Split) gateway.Wallet {
	b.t.Helper()
	return must(b.CreateWallet(context.Background(), gateway.NewWallet{Phone: phone, Name: "Sari", PIN: pin, Balance: balance}))(b.t)
}

// must unwraps a result that may not fail.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (b *bundle) startBinding(customer string) (gateway.Binding, gateway.Page) {
	b.t.Helper()
	bnd, page, err := b.StartBinding(context.Background(), gateway.StartBinding{
		Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: customer, Dialect: "snap",
		Return: gateway.ReturnURLs{Success: "https://shop.test/ok", Failure: "https://shop.test/fail"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return bnd, page
}

// bind binds the wallet to a customer and returns the active binding.
func (b *bundle) bind(customer string) gateway.Binding {
	b.t.Helper()
	bnd, page := b.startBinding(customer)
	if v := b.complete(page.Key); v.Page.State != gateway.PageDone {
		b.t.Fatalf("the binding page ended as %s", v.Page.State)
	}
	return bnd
}

// otp reads a page's code as the wallet's owner would.
func (b *bundle) otp(key string) string {
	b.t.Helper()
	for _, item := range must(b.Inbox(context.Background(), b.wallet.Phone))(b.t) {
		if item.Page.Key == key {
			return item.Code
		}
	}
	b.t.Fatalf("no live code for page %s", key)
	return ""
}

// complete enters the right code and the right PIN.
func (b *bundle) complete(key string) gateway.PageView {
	b.t.Helper()
	if _, err := b.EnterOTP(context.Background(), key, b.otp(key)); err != nil {
		b.t.Fatal(err)
	}
	return must(b.EnterPIN(context.Background(), key, pin))(b.t)
}

// order describes a payment; zero members take usual values.
type order struct {
	binding   gateway.BindingID
	reference string
	amount    money.Amount
	use       ledger.Use
	split     ledger.Split
	sale      bool
	claim     gateway.Claim
}

func (b *bundle) pay(o order) (gateway.Payment, gateway.Page, error) {
	if o.reference == "" {
		o.reference = fmt.Sprintf("INV-%d", b.numbers.Add(1))
	}
	if o.use == "" {
		o.use = ledger.UseCash
	}
	channel := gateway.SNAPRecurring
	if o.sale {
		channel = gateway.SNAPSale
	}
	return b.CreatePayment(context.Background(), gateway.CreatePayment{
		Claim: o.claim, Merchant: b.merchant.ID, Binding: o.binding, Channel: channel, Dialect: "snap",
		Reference: o.reference, RequestID: "req-" + o.reference, Amount: o.amount, Use: o.use, Split: o.split,
		Fingerprint: fmt.Sprint(o.amount, o.use, o.split, o.sale),
		Return:      gateway.ReturnURLs{Success: "https://shop.test/ok", Failure: "https://shop.test/fail"},
	})
}

func (b *bundle) refund(payment, reference string, amount money.Amount) (gateway.Refund, error) {
	r, _, err := b.RefundPayment(context.Background(), gateway.RefundPayment{
		Merchant: b.merchant.ID, Payment: gateway.PaymentQuery{Dialect: "snap", Reference: payment}, Reference: reference, Amount: amount,
	})
	return r, err
}

func (b *bundle) balance() ledger.Split {
	b.t.Helper()
	return must(b.Wallet(context.Background(), b.wallet.Phone))(b.t).Balance
}

// auditClean fails the test unless every invariant holds.
func (b *bundle) auditClean() {
	b.t.Helper()
	for _, v := range must(b.Audit(context.Background()))(b.t) {
		if !v.OK {
			b.t.Errorf("%s broken (%s): %d rows, %v", v.ID, v.Rule, v.Broken, v.Keys)
		}
	}
}

// advance moves the clock and lets what is due expire.
func (b *bundle) advance(by time.Duration) {
	b.t.Helper()
	b.clock.Advance(by)
	must(b.ExpireDue(context.Background()))(b.t)
}

func wantCode(t testing.TB, err error, want gateway.Code) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}
