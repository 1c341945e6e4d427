package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// payOrder asks for a payment of an order by phone.
func (b *bundle) payOrder(order string, amount money.Amount, use ledger.Use) (gateway.Payment, gateway.Page, error) {
	return b.payOrderAt(b.Gateway, order, amount, use)
}

func (b *bundle) payOrderAt(g *gateway.Gateway, order string, amount money.Amount, use ledger.Use) (gateway.Payment, gateway.Page, error) {
	return g.CreatePayment(context.Background(), gateway.CreatePayment{
		Merchant: b.merchant.ID, Phone: b.wallet.Phone, Channel: gateway.FaspayPayment, Dialect: "faspay", Order: order, Reference: "77001720",
		Amount: amount, Use: use, Fingerprint: fmt.Sprint(amount, use),
	})
}

func (b *bundle) renew() (gateway.Binding, gateway.Page, error) {
	return b.RenewBinding(context.Background(), gateway.RenewBinding{Merchant: b.merchant.ID, Phone: b.wallet.Phone, Dialect: "faspay", Details: "as sent"})
}

// completeAt completes a page whose codes come to another number than the wallet had
// at first.
func (b *bundle) completeAt(number gateway.Phone, key string) {
	b.t.Helper()
	first := b.wallet.Phone
	defer func() { b.wallet.Phone = first }()
	b.wallet.Phone = number
	b.complete(key)
}

// wantLink checks what stands behind the wallet's phone.
func (b *bundle) wantLink(want gateway.Code) {
	b.t.Helper()
	_, err := b.BindingByPhone(context.Background(), b.merchant.ID, b.wallet.Phone)
	if want == gateway.Internal && err != nil || want != gateway.Internal && !errors.Is(err, want) {
		b.t.Errorf("the link is %v, want %v", err, want)
	}
}

const linked = gateway.Internal // no refusal

func TestLinks(t *testing.T) {
	t.Parallel()
	t.Run("never bound, and bound by another merchant", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.wantLink(gateway.BindingInvalid)
		other := must(b.CreateMerchant(t.Context(), gateway.Merchant{Name: "Other"}))(t)
		b.bind("c")
		if _, err := b.BindingByPhone(t.Context(), other.ID, b.wallet.Phone); !errors.Is(err, gateway.BindingInvalid) {
			t.Errorf("another merchant finds %v", err)
		}
		b.wantLink(linked)
	})
	t.Run("only asked for", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, page := b.startBinding("c")
		b.wantLink(gateway.BindingInvalid)
		must(b.CancelPage(t.Context(), page.Key))(t)
		b.wantLink(gateway.BindingInvalid)
		b.startBinding("c")
		b.advance(time.Hour)
		b.wantLink(gateway.BindingInvalid)
		_, _, err := b.renew()
		wantCode(t, err, gateway.BindingInvalid)
	})
	t.Run("unbound by the merchant", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		must(b.Unbind(t.Context(), gateway.Claim{}, b.merchant.ID, b.bind("c").ID))(t)
		b.wantLink(gateway.BindingInvalid)
		_, _, err := b.renew()
		wantCode(t, err, gateway.BindingInvalid)
	})
	for name, lapse := range map[string]func(b *bundle, id gateway.BindingID) error{
		"unlinked by the customer": func(b *bundle, id gateway.BindingID) error { return b.Unlink(context.Background(), b.wallet.Phone, id) },
		"run out": func(b *bundle, _ gateway.BindingID) error {
			b.clock.Advance(365 * 24 * time.Hour)
			return nil
		},
		"under another number": func(b *bundle, _ gateway.BindingID) error {
			_, err := b.ChangeNumber(context.Background(), b.wallet.Phone, "081200000077")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			earlier := b.bind("cust")
			if err := lapse(b, earlier.ID); err != nil {
				t.Fatal(err)
			}
			b.wantLink(gateway.ConsentExpired)
			if _, _, err := b.payOrder("O", 1, ledger.UseCash); !errors.Is(err, gateway.ConsentExpired) {
				t.Errorf("a payment gives %v", err)
			}
			renewal, page, err := b.renew()
			if err != nil {
				t.Fatal(err)
			}
			if again, samePage, err := b.renew(); err != nil || again.ID != renewal.ID || samePage.Key != page.Key {
				t.Errorf("the second renewal is %s on %s, %v", again.ID, samePage.Key, err)
			}
			b.wantLink(gateway.ConsentExpired) // until the page is done
			b.completeAt(must(b.Page(t.Context(), page.Key))(t).Phone, page.Key)
			b.wantLink(linked)
			got := must(b.BindingByPhone(t.Context(), b.merchant.ID, earlier.Phone))(t)
			if got.ID != renewal.ID || got.CustomerID != "cust" || got.WalletID != earlier.WalletID || got.Details != "as sent" || got.Dialect != "faspay" {
				t.Errorf("renewed as %+v", got)
			}
			_, _, err = b.renew()
			wantCode(t, err, gateway.AlreadyBound)
			must(b.Unbind(t.Context(), gateway.Claim{}, b.merchant.ID, got.ID))(t)
			b.wantLink(gateway.BindingInvalid) // what ended last counts
			b.auditClean()
		})
	}
	t.Run("renewed while the wallet is bound to somebody else", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if err := b.Unlink(t.Context(), b.wallet.Phone, b.bind("cust").ID); err != nil {
			t.Fatal(err)
		}
		_, page := b.startBinding("other")
		_, renewal, err := b.renew()
		if err != nil {
			t.Fatal(err)
		}
		b.complete(page.Key)
		if v := b.complete(renewal.Key); v.Page.State != gateway.PageFailed || v.Page.Reason != gateway.BoundElsewhere {
			t.Errorf("the renewal's page is %s, %v", v.Page.State, v.Page.Reason)
		}
		b.wantLink(linked)
		b.auditClean()
	})
	t.Run("a blocked wallet renews nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if err := b.Unlink(t.Context(), b.wallet.Phone, b.bind("cust").ID); err != nil {
			t.Fatal(err)
		}
		must(b.SetWalletStatus(t.Context(), b.wallet.Phone, gateway.WalletBlockedByIssuer))(t)
		_, _, err := b.renew()
		wantCode(t, err, gateway.WalletBlocked)
	})
}

func TestChangeNumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.newWallet("081200000002", ledger.Split{})
	bound := b.bind("cust")
	_, pending := b.startBinding2("other merchant")
	_, waiting, err := b.payOrder("O", 5_000, ledger.UseCash)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ChangeNumber(t.Context(), b.wallet.Phone, other.Phone)
	wantCode(t, err, gateway.Duplicate)
	_, err = b.ChangeNumber(t.Context(), "081299999999", "081200000003")
	wantCode(t, err, gateway.WalletUnknown)
	must(b.ChangeNumber(t.Context(), b.wallet.Phone, b.wallet.Phone))(t)
	b.wantLink(linked)

	w := must(b.ChangeNumber(t.Context(), b.wallet.Phone, "081200000003"))(t)
	if w.ID != b.wallet.ID || w.Phone != "081200000003" || w.Balance != b.wallet.Balance {
		t.Errorf("the wallet is %+v", w)
	}
	for _, page := range []gateway.Page{pending, waiting} {
		if v := must(b.Page(t.Context(), page.Key))(t); v.Page.State != gateway.PageCancelled {
			t.Errorf("the page of a %s is %s", v.Page.Kind, v.Page.State)
		}
	}
	if _, err := b.Wallet(t.Context(), b.wallet.Phone); !errors.Is(err, gateway.NotFound) {
		t.Errorf("the old number finds %v", err)
	}
	wantCode(t, b.Unlink(t.Context(), b.wallet.Phone, bound.ID), gateway.NotFound)
	wantCode(t, b.Unlink(t.Context(), "081200000003", bound.ID), gateway.WrongState)
	b.auditClean()
}

// startBinding2 asks for a binding with another merchant.
func (b *bundle) startBinding2(name string) (gateway.Binding, gateway.Page) {
	b.t.Helper()
	m := must(b.CreateMerchant(context.Background(), gateway.Merchant{Name: name}))(b.t)
	bnd, page, err := b.StartBinding(context.Background(), gateway.StartBinding{Merchant: m.ID, Phone: b.wallet.Phone, CustomerID: "c", Dialect: "snap"})
	if err != nil {
		b.t.Fatal(err)
	}
	return bnd, page
}

// Where a merchant names bindings by phone, one number has one binding, even when
// two wallets answered to it one after the other.
func TestOneBindingPerPhone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bind("cust")
	must(b.ChangeNumber(t.Context(), b.wallet.Phone, "081200000077"))(t)
	_, page, err := b.renew()
	if err != nil {
		t.Fatal(err)
	}
	b.completeAt("081200000077", page.Key)
	b.newWallet(b.wallet.Phone, ledger.Split{})
	ask := func(byPhone bool) error {
		_, _, err := b.StartBinding(t.Context(), gateway.StartBinding{
			Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: "new", Dialect: "faspay", ByPhone: byPhone,
		})
		return err
	}
	wantCode(t, ask(true), gateway.AlreadyBound)
	if err := ask(false); err != nil {
		t.Errorf("where bindings have names of their own: %v", err)
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bind("cust")
	first, page, err := b.payOrder("O", 5_000, ledger.UseCash)
	if err != nil || len(first.Reference) != 16 || first.Reference[:8] != "77001720" || first.Order != "O" {
		t.Fatal(first, err)
	}
	again, samePage, err := b.payOrder("O", 5_000, ledger.UseCash)
	if err != nil || again.ID != first.ID || samePage.Key != page.Key {
		t.Fatal(again, err)
	}
	_, _, err = b.payOrder("O", 5_001, ledger.UseCash)
	wantCode(t, err, gateway.Inconsistent)

	query := func(p gateway.Payment) gateway.PaymentQuery {
		return gateway.PaymentQuery{Dialect: "faspay", Reference: p.Reference, Order: p.Order}
	}
	wrong := query(first)
	wrong.Order = "P"
	for _, q := range []gateway.PaymentQuery{wrong, {Dialect: "snap", Reference: first.Reference}, {Dialect: "faspay", Order: "O"}} {
		_, err = b.CancelPayment(t.Context(), b.merchant.ID, q)
		wantCode(t, err, gateway.NotFound)
		_, err = b.FindPayment(t.Context(), b.merchant.ID, q)
		wantCode(t, err, gateway.NotFound)
	}
	if p, err := b.CancelPayment(t.Context(), b.merchant.ID, query(first)); err != nil || p.State != gateway.PaymentCancelled || p.FinalAt.IsZero() {
		t.Errorf("cancelled as %+v, %v", p, err)
	}
	p, err := b.CancelPayment(t.Context(), b.merchant.ID, query(first))
	wantCode(t, err, gateway.WrongState)
	if p.ID != first.ID || p.State != gateway.PaymentCancelled {
		t.Errorf("beside the refusal is %+v", p)
	}
	if _, err := b.EnterOTP(t.Context(), page.Key, page.OTP); !errors.Is(err, gateway.WrongState) {
		t.Errorf("the page of a cancelled payment takes a code: %v", err)
	}

	// One that time has ended, and nobody has swept yet, counts as expired.
	second, _, err := b.payOrder("O", 5_000, ledger.UseCash)
	if err != nil || second.ID == first.ID {
		t.Fatal(second, err)
	}
	b.clock.Advance(gateway.DefaultRules.PageLife)
	third, page, err := b.payOrder("O", 7_000, ledger.UsePointsFirst)
	if err != nil {
		t.Fatal(err)
	}
	b.complete(page.Key)
	_, _, err = b.payOrder("O", 7_000, ledger.UsePointsFirst)
	wantCode(t, err, gateway.Duplicate)
	p, err = b.CancelPayment(t.Context(), b.merchant.ID, query(third))
	wantCode(t, err, gateway.WrongState)
	if p.State != gateway.PaymentSucceeded {
		t.Errorf("beside the refusal is %+v", p)
	}
	late, _, err := b.payOrder("late", 1, ledger.UseCash)
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(gateway.DefaultRules.PageLife)
	p, err = b.CancelPayment(t.Context(), b.merchant.ID, query(late))
	wantCode(t, err, gateway.WrongState)
	if p.State != gateway.PaymentExpired {
		t.Errorf("cancelled too late it is %+v", p)
	}
	if got := b.balance(); got != (ledger.Split{Cash: 100_000, Points: 3_000}) {
		t.Errorf("the wallet holds %+v", got)
	}
	b.auditClean()
}

// Many callers, on two gateways as two processes have, ask for one order: all get
// the same payment, and one confirmation pays.
func TestOneOrderAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bind("cust")
	processes := []*gateway.Gateway{b.Gateway, b.another()}
	var wg sync.WaitGroup
	ids := make([]gateway.PaymentID, 20)
	keys := make([]string, len(ids))
	for i := range ids {
		wg.Go(func() {
			p, page, err := b.payOrderAt(processes[i%2], "O", 5_000, ledger.UseCash)
			if err != nil {
				t.Error(err)
			}
			ids[i], keys[i] = p.ID, page.Key
		})
	}
	wg.Wait()
	for i := range ids {
		if ids[i] != ids[0] || keys[i] != keys[0] {
			t.Errorf("caller %d has %s, the first %s", i, ids[i], ids[0])
		}
	}
	b.complete(keys[0])
	if got := b.balance(); got.Cash != 95_000 {
		t.Errorf("the wallet holds %+v", got)
	}
	b.auditClean()
}

func TestAllowList(t *testing.T) {
	t.Parallel()
	create := func(allow gateway.AllowList) error {
		b := setup(t)
		_, err := b.CreateMerchant(t.Context(), gateway.Merchant{Name: "Shop", Faspay: gateway.Faspay{Allow: allow}})
		return err
	}
	for _, entries := range [][]string{nil, {""}, {" "}, {"192.0.2.1", "2001:db8::/32"}, {" 10.0.0.0/8  192.0.2.1 "}, {"::ffff:192.0.2.1"}} {
		if err := create(gateway.NewAllowList(entries)); err != nil {
			t.Errorf("%q: %v", entries, err)
		}
	}
	for _, entry := range []string{"here", "192.0.2", "192.0.2.1/33", "192.0.2.1:80", "fe80::1%eth0", "192.0.2.1,192.0.2.2", "*"} {
		wantCode(t, create(gateway.NewAllowList([]string{entry})), gateway.Invalid)
	}
	if list := gateway.NewAllowList([]string{" ", ""}); list != "" {
		t.Errorf("a list of blanks is %q, which allows nobody", list)
	}
}
