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

func TestBinding(t *testing.T) {
	t.Parallel()

	t.Run("code and PIN make it active", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd, page := b.startBinding("cust-1")
		if bnd.State != gateway.BindingAwaiting || bnd.AuthCode != page.Key || len(page.Key) != 40 {
			t.Fatalf("binding %+v page %+v", bnd, page)
		}
		_, err := b.GrantByAuthCode(t.Context(), b.merchant.ID, bnd.AuthCode)
		wantCode(t, err, gateway.BindingInvalid)
		b.complete(page.Key)
		grant := must(b.GrantByAuthCode(t.Context(), b.merchant.ID, bnd.AuthCode))(t)
		if grant.Binding.State != gateway.BindingActive || grant.Binding.CustomerID != "cust-1" {
			t.Fatalf("grant %+v", grant)
		}
		must(b.GrantByAuthCode(t.Context(), b.merchant.ID, bnd.AuthCode))(t) // again and again
		b.auditClean()
	})

	t.Run("a bound wallet is refused by customer", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.bind("cust-1")
		for customer, want := range map[string]gateway.Code{"cust-1": gateway.AlreadyBound, "cust-2": gateway.BoundElsewhere} {
			_, _, err := b.StartBinding(t.Context(), gateway.StartBinding{Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: customer})
			wantCode(t, err, want)
		}
	})

	t.Run("another merchant may bind the same wallet", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.bind("cust-1")
		b.merchant = must(b.CreateMerchant(t.Context(), gateway.Merchant{Name: "Warung", DOKU: gateway.DOKU{ClientID: "BRN-0002"}}))(t)
		b.bind("cust-1")
		b.auditClean()
	})

	t.Run("a newer request replaces a pending page", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, older := b.startBinding("cust-1")
		_, newer := b.startBinding("cust-1")
		_, err := b.EnterOTP(t.Context(), older.Key, "000000")
		wantCode(t, err, gateway.WrongState)
		b.complete(newer.Key)
		b.auditClean()
	})

	t.Run("unknown and blocked wallets", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		start := func(phone gateway.Phone) error {
			_, _, err := b.StartBinding(t.Context(), gateway.StartBinding{Merchant: b.merchant.ID, Phone: phone, CustomerID: "c"})
			return err
		}
		wantCode(t, start("081299999999"), gateway.WalletUnknown)
		must(b.SetWalletStatus(t.Context(), b.wallet.Phone, gateway.WalletBlockedByIssuer))(t)
		wantCode(t, start(b.wallet.Phone), gateway.WalletBlocked)
	})

	t.Run("unbinding stops everything at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("cust-1")
		_, page, err := b.pay(order{binding: bnd.ID, amount: 5_000, sale: true, reference: "OPEN"})
		if err != nil {
			t.Fatal(err)
		}
		must(b.Unbind(t.Context(), gateway.Claim{}, b.merchant.ID, bnd.ID))(t)
		_, err = b.GrantByAuthCode(t.Context(), b.merchant.ID, bnd.AuthCode)
		wantCode(t, err, gateway.BindingInvalid)
		_, err = b.Balance(t.Context(), b.merchant.ID, bnd.ID)
		wantCode(t, err, gateway.BindingInvalid)
		_, _, err = b.pay(order{binding: bnd.ID, amount: 1})
		wantCode(t, err, gateway.BindingInvalid)
		_, err = b.Unbind(t.Context(), gateway.Claim{}, b.merchant.ID, bnd.ID)
		wantCode(t, err, gateway.BindingInvalid)
		if v := must(b.Page(t.Context(), page.Key))(t); v.Page.State != gateway.PageCancelled {
			t.Errorf("the open payment page is %s", v.Page.State)
		}
		s := must(b.FindPayment(t.Context(), b.merchant.ID, gateway.PaymentQuery{Dialect: "snap", Reference: "OPEN"}))(t)
		if s.Payment.State != gateway.PaymentCancelled {
			t.Errorf("the open payment is %s", s.Payment.State)
		}
		b.bind("cust-2") // the phone is free again
		b.auditClean()
	})

	t.Run("the customer unlinks in the app", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("cust-1")
		wantCode(t, b.Unlink(t.Context(), "081200000009", bnd.ID), gateway.NotFound)
		if err := b.Unlink(t.Context(), b.wallet.Phone, bnd.ID); err != nil {
			t.Fatal(err)
		}
		_, err := b.GrantByAuthCode(t.Context(), b.merchant.ID, bnd.AuthCode)
		wantCode(t, err, gateway.BindingInvalid)
	})

	t.Run("consent ends after a year", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("cust-1")
		b.clock.Advance(365*24*time.Hour - time.Minute)
		must(b.GrantByAuthCode(t.Context(), b.merchant.ID, bnd.AuthCode))(t)
		b.clock.Advance(time.Minute)
		_, err := b.GrantByAuthCode(t.Context(), b.merchant.ID, bnd.AuthCode)
		wantCode(t, err, gateway.ConsentExpired)
		b.bind("cust-2") // even before the sweep
		b.advance(time.Second)
		b.auditClean()
	})

	t.Run("another merchant's code is nobody's", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("cust-1")
		other := must(b.CreateMerchant(t.Context(), gateway.Merchant{Name: "Other", DOKU: gateway.DOKU{ClientID: "BRN-9"}}))(t)
		_, err := b.GrantByAuthCode(t.Context(), other.ID, bnd.AuthCode)
		wantCode(t, err, gateway.BindingInvalid)
		_, err = b.Unbind(t.Context(), gateway.Claim{}, other.ID, bnd.ID)
		wantCode(t, err, gateway.BindingInvalid)
		_, err = b.Balance(t.Context(), other.ID, bnd.ID)
		wantCode(t, err, gateway.BindingInvalid)
	})
}

func TestTwentyCustomersOneWallet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const customers = 20
	keys := make([]string, customers)
	for i := range keys {
		_, page := b.startBinding(fmt.Sprintf("cust-%d", i))
		keys[i] = page.Key
		if _, err := b.EnterOTP(t.Context(), page.Key, b.otp(page.Key)); err != nil {
			t.Fatal(err)
		}
	}
	states := inParallel(customers, func(i int) gateway.PageState {
		v, err := b.EnterPIN(context.Background(), keys[i], pin)
		if err != nil {
			t.Error(err)
		}
		return v.Page.State
	})
	if states[gateway.PageDone] != 1 || states[gateway.PageFailed] != customers-1 {
		t.Errorf("pages ended as %v, want exactly one done", states)
	}
	b.auditClean()
}

// inParallel runs n calls at once and counts their results.
func inParallel[T comparable](n int, call func(int) T) map[T]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	counts := map[T]int{}
	for i := range n {
		wg.Go(func() {
			v := call(i)
			mu.Lock()
			defer mu.Unlock()
			counts[v]++
		})
	}
	wg.Wait()
	return counts
}

func TestPage(t *testing.T) {
	t.Parallel()

	t.Run("three wrong codes fail it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, page := b.startBinding("c")
		wrong := "000000"
		if b.otp(page.Key) == wrong {
			wrong = "111111"
		}
		for left := 2; left >= 1; left-- {
			_, err := b.EnterOTP(t.Context(), page.Key, wrong)
			wantCode(t, err, gateway.OTPWrong)
			var e *gateway.Error
			if errors.As(err, &e); e.Left != left {
				t.Fatalf("%d tries left, want %d", e.Left, left)
			}
		}
		right := b.otp(page.Key)
		if v := must(b.EnterOTP(t.Context(), page.Key, wrong))(t); v.Page.State != gateway.PageFailed {
			t.Fatalf("after three wrong codes the page is %s", v.Page.State)
		}
		_, err := b.EnterOTP(t.Context(), page.Key, right)
		wantCode(t, err, gateway.WrongState)
		b.auditClean()
	})

	t.Run("a code lives five minutes and can be sent again", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, page := b.startBinding("c")
		old := b.otp(page.Key)
		b.advance(5 * time.Minute)
		_, err := b.EnterOTP(t.Context(), page.Key, old)
		wantCode(t, err, gateway.OTPExpired)
		must(b.ResendOTP(t.Context(), page.Key))(t)
		if _, err := b.EnterOTP(t.Context(), page.Key, old); err == nil && b.otp(page.Key) != old {
			t.Fatal("the old code works after a new one was sent")
		}
		must(b.ResendOTP(t.Context(), page.Key))(t)
		_, err = b.ResendOTP(t.Context(), page.Key)
		wantCode(t, err, gateway.CountExceeded)
		b.complete(page.Key)
	})

	t.Run("a code works on its own page only", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, one := b.startBinding("c1")
		_, two := b.startBinding("c2")
		for b.otp(one.Key) == b.otp(two.Key) { // one time in a million
			_, two = b.startBinding("c2")
		}
		_, err := b.EnterOTP(t.Context(), two.Key, b.otp(one.Key))
		wantCode(t, err, gateway.OTPWrong)
	})

	t.Run("three wrong PINs lock the wallet over all pages", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, one := b.startBinding("c1")
		_, two := b.startBinding("c2")
		for _, p := range []gateway.Page{one, two} {
			must(b.EnterOTP(t.Context(), p.Key, b.otp(p.Key)))(t)
		}
		_, err := b.EnterPIN(t.Context(), one.Key, "000000")
		wantCode(t, err, gateway.PINWrong)
		_, err = b.EnterPIN(t.Context(), two.Key, "not-digits")
		wantCode(t, err, gateway.PINWrong)
		if v := must(b.EnterPIN(t.Context(), one.Key, "000001"))(t); v.Page.State != gateway.PageFailed {
			t.Fatalf("the page is %s", v.Page.State)
		}
		if v := must(b.EnterPIN(t.Context(), two.Key, pin))(t); v.Page.State != gateway.PageFailed {
			t.Fatalf("the right PIN worked on a locked wallet: %s", v.Page.State)
		}
		_, _, err = b.StartBinding(t.Context(), gateway.StartBinding{Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: "c3"})
		wantCode(t, err, gateway.WalletLocked)
		b.advance(30 * time.Minute)
		b.bind("c3")
		b.auditClean()
	})

	t.Run("a flood of guesses gets three", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, page := b.startBinding("c")
		must(b.EnterOTP(t.Context(), page.Key, b.otp(page.Key)))(t)
		judged := inParallel(40, func(i int) bool {
			_, err := b.EnterPIN(context.Background(), page.Key, fmt.Sprintf("9%05d", i))
			return errors.Is(err, gateway.PINWrong) || err == nil
		})
		if judged[true] != 3 {
			t.Errorf("%d guesses were judged, want 3", judged[true])
		}
		w := must(b.Wallet(t.Context(), b.wallet.Phone))(t)
		if w.LockedUntil.IsZero() {
			t.Error("the wallet is not locked")
		}
	})

	t.Run("the right PIN forgets the wrong ones", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, page := b.startBinding("c")
		must(b.EnterOTP(t.Context(), page.Key, b.otp(page.Key)))(t)
		_, err := b.EnterPIN(t.Context(), page.Key, "000000")
		wantCode(t, err, gateway.PINWrong)
		must(b.EnterPIN(t.Context(), page.Key, pin))(t)
		if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.PINFails != 0 {
			t.Errorf("%d wrong PINs are remembered", w.PINFails)
		}
	})

	t.Run("no step can be skipped", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, page := b.startBinding("c")
		_, err := b.EnterPIN(t.Context(), page.Key, pin)
		wantCode(t, err, gateway.WrongState)
		b.complete(page.Key)
		_, err = b.EnterPIN(t.Context(), page.Key, pin)
		wantCode(t, err, gateway.WrongState)
		_, err = b.CancelPage(t.Context(), page.Key)
		wantCode(t, err, gateway.WrongState)
		_, err = b.Page(t.Context(), "0000000000000000000000000000000000000000")
		wantCode(t, err, gateway.NotFound)
	})

	t.Run("it ends after fifteen minutes, even unswept", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, page := b.startBinding("c")
		b.clock.Advance(15 * time.Minute)
		if v := must(b.EnterOTP(t.Context(), page.Key, "123456"))(t); v.Page.State != gateway.PageExpired {
			t.Fatalf("the page is %s", v.Page.State)
		}
		_, swept := b.startBinding("c")
		b.advance(15 * time.Minute)
		if v := must(b.Page(t.Context(), swept.Key))(t); v.Page.State != gateway.PageExpired {
			t.Fatalf("the swept page is %s", v.Page.State)
		}
		b.auditClean()
	})

	t.Run("cancelling ends it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		_, page, err := b.pay(order{binding: bnd.ID, amount: 1_000, sale: true, reference: "S"})
		if err != nil {
			t.Fatal(err)
		}
		must(b.CancelPage(t.Context(), page.Key))(t)
		s := must(b.FindPayment(t.Context(), b.merchant.ID, gateway.PaymentQuery{Dialect: "snap", Reference: "S"}))(t)
		if s.Payment.State != gateway.PaymentCancelled || b.balance().Cash != 100_000 {
			t.Fatalf("payment %s, balance %+v", s.Payment.State, b.balance())
		}
		b.auditClean()
	})
}

func TestPayment(t *testing.T) {
	t.Parallel()

	t.Run("recurring moves money in the answer", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		p, page, err := b.pay(order{binding: bnd.ID, amount: 30_000})
		if err != nil || p.State != gateway.PaymentSucceeded || page.ID != "" || b.balance().Cash != 70_000 {
			t.Fatalf("%+v %+v %v, balance %+v", p, page, err, b.balance())
		}
		b.auditClean()
	})

	t.Run("a sale moves money on the page", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		p, page, err := b.pay(order{binding: bnd.ID, amount: 30_000, sale: true})
		if err != nil || p.State != gateway.PaymentAwaiting || b.balance().Cash != 100_000 {
			t.Fatalf("%+v %v, balance %+v", p, err, b.balance())
		}
		b.complete(page.Key)
		if b.balance().Cash != 70_000 {
			t.Fatalf("balance %+v", b.balance())
		}
		b.auditClean()
	})

	t.Run("purses", func(t *testing.T) {
		t.Parallel()
		for name, tc := range map[string]struct {
			order order
			want  ledger.Split
		}{
			"points first": {order{amount: 50_000, use: ledger.UsePointsFirst}, ledger.Split{Cash: 60_000, Points: 0}},
			"exact shares": {order{amount: 50_000, use: ledger.UseExact, split: ledger.Split{Cash: 45_000, Points: 5_000}}, ledger.Split{Cash: 55_000, Points: 5_000}},
			"points alone": {order{amount: 10_000, use: ledger.UsePoints}, ledger.Split{Cash: 100_000, Points: 0}},
		} {
			b := setup(t)
			tc.order.binding = b.bind("c").ID
			if _, _, err := b.pay(tc.order); err != nil || b.balance() != tc.want {
				t.Errorf("%s: %v, balance %+v, want %+v", name, err, b.balance(), tc.want)
			}
			b.auditClean()
		}
	})

	t.Run("an uncovered payment is kept as refused and its reference is used up", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		p, _, err := b.pay(order{binding: bnd.ID, amount: 100_001, reference: "BIG"})
		wantCode(t, err, gateway.InsufficientFunds)
		if p.State != gateway.PaymentRefused {
			t.Fatalf("the payment is %s", p.State)
		}
		_, _, err = b.pay(order{binding: bnd.ID, amount: 100_001, reference: "BIG"})
		wantCode(t, err, gateway.Duplicate)
		b.auditClean()
	})

	t.Run("a sale the purse cannot cover any more fails on the page", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		_, page, err := b.pay(order{binding: bnd.ID, amount: 60_000, sale: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.pay(order{binding: bnd.ID, amount: 60_000}); err != nil {
			t.Fatal(err)
		}
		if v := b.complete(page.Key); v.Page.State != gateway.PageFailed || v.Page.Reason != gateway.InsufficientFunds {
			t.Fatalf("page %s for %v", v.Page.State, v.Page.Reason)
		}
		b.auditClean()
	})

	t.Run("refusals that leave nothing behind", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		_, _, err := b.pay(order{binding: bnd.ID, amount: 10_000_001})
		wantCode(t, err, gateway.LimitExceeded)
		_, _, err = b.pay(order{binding: bnd.ID, amount: 0})
		wantCode(t, err, gateway.AmountInvalid)
		_, _, err = b.pay(order{binding: bnd.ID, amount: -5})
		wantCode(t, err, gateway.AmountInvalid)
		_, _, err = b.pay(order{binding: bnd.ID, amount: money.Max + 1})
		wantCode(t, err, gateway.AmountInvalid)
		_, _, err = b.pay(order{binding: bnd.ID, amount: 5, use: ledger.UseExact, split: ledger.Split{Cash: 4}})
		wantCode(t, err, gateway.AmountInvalid)
		_, _, err = b.pay(order{binding: bnd.ID, amount: 5, use: ledger.UseExact, split: ledger.Split{Cash: 10, Points: -5}})
		wantCode(t, err, gateway.AmountInvalid)
		_, _, err = b.pay(order{binding: "bnd_unknown", amount: 5})
		wantCode(t, err, gateway.BindingInvalid)
		must(b.SetWalletStatus(t.Context(), b.wallet.Phone, gateway.WalletCardBlockedByBank))(t)
		_, _, err = b.pay(order{binding: bnd.ID, amount: 5})
		wantCode(t, err, gateway.CardBlocked)
		must(b.SetWalletStatus(t.Context(), b.wallet.Phone, gateway.WalletBlockedByIssuer))(t)
		_, _, err = b.pay(order{binding: bnd.ID, amount: 5})
		wantCode(t, err, gateway.WalletBlocked)
		if all := must(b.Payments(t.Context(), "", 10))(t); len(all) != 0 {
			t.Errorf("refusals left %d payments", len(all))
		}
		if b.balance().Cash != 100_000 {
			t.Errorf("balance %+v", b.balance())
		}
		b.auditClean()
	})

	t.Run("daily limits", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		must(b.SetWalletLimits(t.Context(), b.wallet.Phone, gateway.Limits{DailyCount: 2, DailySum: 50_000}))(t)
		_, _, err := b.pay(order{binding: bnd.ID, amount: 50_001})
		wantCode(t, err, gateway.SumExceeded)
		for range 2 {
			if _, _, err := b.pay(order{binding: bnd.ID, amount: 10_000}); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err = b.pay(order{binding: bnd.ID, amount: 1})
		wantCode(t, err, gateway.CountExceeded)
		b.clock.Advance(24 * time.Hour)
		if _, _, err := b.pay(order{binding: bnd.ID, amount: 1}); err != nil {
			t.Fatalf("the next day: %v", err)
		}
	})

	t.Run("references", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		if _, _, err := b.pay(order{binding: bnd.ID, amount: 10_000, reference: "R"}); err != nil {
			t.Fatal(err)
		}
		_, _, err := b.pay(order{binding: bnd.ID, amount: 10_000, reference: "R"})
		wantCode(t, err, gateway.Duplicate)
		_, _, err = b.pay(order{binding: bnd.ID, amount: 20_000, reference: "R"})
		wantCode(t, err, gateway.Inconsistent)
		if b.balance().Cash != 90_000 {
			t.Errorf("balance %+v", b.balance())
		}
	})

	t.Run("request ids", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		claim := gateway.Claim{Merchant: b.merchant.ID, Scope: "54 2026-01-01", Key: "42"}
		_, _, err := b.pay(order{binding: bnd.ID, amount: 100_000_000, claim: claim})
		wantCode(t, err, gateway.LimitExceeded)
		_, _, err = b.pay(order{binding: bnd.ID, amount: 5, claim: claim})
		wantCode(t, err, gateway.RequestReused) // a refused call has used its id
		claim.Scope = "54 2026-01-02"
		if _, _, err = b.pay(order{binding: bnd.ID, amount: 5, claim: claim}); err != nil {
			t.Fatalf("the next day: %v", err)
		}
	})
}

func TestTwoHundredPaymentsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wallet = b.newWallet("081200000002", ledger.Split{Cash: 1_000_000})
	bnd := b.bind("c")
	got := inParallel(200, func(int) gateway.Code {
		_, _, err := b.pay(order{binding: bnd.ID, amount: 10_000})
		return gateway.ErrorCode(err) // Internal stands for no error, too
	})
	if got[gateway.InsufficientFunds] != 100 || got[gateway.Internal] != 100 {
		t.Errorf("answers %v, want 100 successes and 100 refusals", got)
	}
	if b.balance() != (ledger.Split{}) {
		t.Errorf("balance %+v", b.balance())
	}
	b.auditClean()
}

func TestOneReferenceAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("c")
	got := inParallel(20, func(int) gateway.Code {
		_, _, err := b.pay(order{binding: bnd.ID, amount: 1_000, reference: "SAME"})
		return gateway.ErrorCode(err)
	})
	if got[gateway.Duplicate] != 19 || b.balance().Cash != 99_000 {
		t.Errorf("answers %v, balance %+v", got, b.balance())
	}
	b.auditClean()
}

func TestRefund(t *testing.T) {
	t.Parallel()

	t.Run("points return first", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		if _, _, err := b.pay(order{binding: bnd.ID, amount: 50_000, use: ledger.UsePointsFirst, reference: "P"}); err != nil {
			t.Fatal(err)
		}
		for i, step := range []struct {
			amount money.Amount
			want   ledger.Split
		}{{4_000, ledger.Split{Points: 4_000}}, {8_000, ledger.Split{Points: 6_000, Cash: 2_000}}, {38_000, ledger.Split{Cash: 38_000}}} {
			r := must(b.refund("P", fmt.Sprint("R", i), step.amount))(t)
			if r.Split != step.want {
				t.Errorf("refund %d is %+v, want %+v", i, r.Split, step.want)
			}
		}
		_, err := b.refund("P", "R9", 1)
		wantCode(t, err, gateway.RefundExceeds)
		if b.balance() != (ledger.Split{Cash: 100_000, Points: 10_000}) {
			t.Errorf("balance %+v", b.balance())
		}
		b.auditClean()
	})

	t.Run("refusals", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		for _, o := range []order{{reference: "OK", amount: 10_000}, {reference: "OPEN", amount: 10_000, sale: true}} {
			o.binding = bnd.ID
			if _, _, err := b.pay(o); err != nil {
				t.Fatal(err)
			}
		}
		_, err := b.refund("NONE", "R1", 5)
		wantCode(t, err, gateway.NotFound)
		_, err = b.refund("OPEN", "R2", 5)
		wantCode(t, err, gateway.WrongState)
		_, err = b.refund("OK", "R3", 10_001)
		wantCode(t, err, gateway.RefundExceeds)
		_, err = b.refund("OK", "R4", 0)
		wantCode(t, err, gateway.AmountInvalid)

		first := must(b.refund("OK", "R5", 4_000))(t)
		again := must(b.refund("OK", "R5", 4_000))(t)
		if again.ID != first.ID || b.balance().Cash != 94_000 {
			t.Errorf("the repeat is %+v, balance %+v", again, b.balance())
		}
		_, err = b.refund("OK", "R5", 4_001)
		wantCode(t, err, gateway.Inconsistent)
		b.auditClean()
	})

	t.Run("after unbinding and while blocked", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		if _, _, err := b.pay(order{binding: bnd.ID, amount: 10_000, reference: "P"}); err != nil {
			t.Fatal(err)
		}
		must(b.Unbind(t.Context(), gateway.Claim{}, b.merchant.ID, bnd.ID))(t)
		must(b.SetWalletStatus(t.Context(), b.wallet.Phone, gateway.WalletBlockedByIssuer))(t)
		must(b.refund("P", "R", 10_000))(t)
		b.auditClean()
	})

	t.Run("twenty at once on one payment", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		bnd := b.bind("c")
		if _, _, err := b.pay(order{binding: bnd.ID, amount: 100_000, reference: "P"}); err != nil {
			t.Fatal(err)
		}
		got := inParallel(20, func(i int) gateway.Code {
			_, err := b.refund("P", fmt.Sprint("R", i), 10_000)
			return gateway.ErrorCode(err)
		})
		if got[gateway.RefundExceeds] != 10 || b.balance().Cash != 100_000 {
			t.Errorf("answers %v, balance %+v", got, b.balance())
		}
		b.auditClean()
	})
}

func TestTopUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must(b.TopUp(t.Context(), b.wallet.Phone, ledger.Split{Cash: 5, Points: 7}))(t)
	if b.balance() != (ledger.Split{Cash: 100_005, Points: 10_007}) {
		t.Errorf("balance %+v", b.balance())
	}
	for _, in := range []ledger.Split{{}, {Cash: -1}, {Cash: money.Max + 1}} {
		_, err := b.TopUp(t.Context(), b.wallet.Phone, in)
		wantCode(t, err, gateway.AmountInvalid)
	}
	_, err := b.TopUp(t.Context(), b.wallet.Phone, ledger.Split{Cash: money.Max})
	wantCode(t, err, gateway.HoldingExceeded)
	must(b.SetWalletLimits(t.Context(), b.wallet.Phone, gateway.Limits{Holding: 110_020}))(t)
	_, err = b.TopUp(t.Context(), b.wallet.Phone, ledger.Split{Cash: 9})
	wantCode(t, err, gateway.HoldingExceeded)
	b.auditClean()
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("c")
	if _, _, err := b.pay(order{binding: bnd.ID, amount: 1_000}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.Notified():
	default:
		t.Error("the notifier was not woken")
	}
	claimed := must(b.ClaimNotifications(t.Context(), time.Minute, 10))(t)
	if len(claimed) != 2 {
		t.Fatalf("claimed %+v", claimed)
	}
	bound, paid := must(b.Outgoing(t.Context(), claimed[0]))(t), must(b.Outgoing(t.Context(), claimed[1]))(t)
	if bound.Event.Kind != gateway.EventBindingActive || paid.Payment.Amount != 1_000 {
		t.Fatalf("they tell of %+v and %+v", bound, paid)
	}
	if again := must(b.ClaimNotifications(t.Context(), time.Minute, 10))(t); len(again) != 0 {
		t.Fatalf("claimed %d twice", len(again))
	}

	// A worker that outlived its lease may not overwrite its successor.
	b.clock.Advance(2 * time.Minute)
	successor := must(b.ClaimNotifications(t.Context(), time.Minute, 10))(t)
	if len(successor) != 2 {
		t.Fatalf("%d were rescued, want 2", len(successor))
	}
	late := claimed[1]
	if err := b.FinishAttempt(t.Context(), late, gateway.Attempt{NotificationID: late.ID, Number: 1}, gateway.NotificationFailed, time.Time{}); err != nil {
		t.Fatal(err)
	}
	n := successor[1]
	if err := b.FinishAttempt(t.Context(), n, gateway.Attempt{NotificationID: n.ID, Number: 1, Status: 200}, gateway.NotificationDelivered, time.Time{}); err != nil {
		t.Fatal(err)
	}
	list := must(b.Notifications(t.Context(), n.Subject, "", 10))(t)
	if len(list) != 1 || list[0].State != gateway.NotificationDelivered {
		t.Fatalf("%+v", list)
	}
	if attempts := must(b.Attempts(t.Context(), n.ID))(t); len(attempts) != 1 || attempts[0].Status != 200 {
		t.Errorf("attempts %+v", attempts)
	}

	again := must(b.ResendNotification(t.Context(), n.ID))(t)
	if again.ID == n.ID || again.EventID != n.EventID {
		t.Errorf("resend made %+v of %+v", again, n)
	}
	_, err := b.ResendNotification(t.Context(), "ntf_none")
	wantCode(t, err, gateway.NotFound)
	b.auditClean()
}
