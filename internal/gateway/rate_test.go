package gateway_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// admitted counts how many calls of n are let through.
func admitted(t *testing.T, g *gateway.Gateway, m gateway.Merchant, n int) (count int) {
	t.Helper()
	for range n {
		err := g.AdmitCall(m)
		var refusal *gateway.Error
		switch {
		case err == nil:
			count++
		case !errors.As(err, &refusal) || refusal.Code != gateway.TooManyCalls || refusal.RetryAfter != time.Second:
			t.Fatalf("refused with %v", err)
		}
	}
	return count
}

func TestCallRates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	still := storetest.Still(b.clock)
	c := b.config
	c.Clock, c.Rules = still, gateway.DefaultRules
	g := gateway.New(c)
	m, other := b.merchant, gateway.Merchant{ID: "mch_other"}
	rate := gateway.DefaultRules.CallRate
	if n := admitted(t, g, m, 3*rate); n != 2*rate {
		t.Errorf("%d calls at once, want %d", n, 2*rate)
	}
	if n := admitted(t, g, other, 1); n != 1 {
		t.Error("one merchant's calls use up another's")
	}
	still.Step(time.Second)
	if n := admitted(t, g, m, 3*rate); n != rate {
		t.Errorf("%d calls a second later, want %d", n, rate)
	}
	// A rate of the merchant's own holds from the moment it is set.
	m.CallRate = gateway.MinCallRate
	if n := admitted(t, g, m, 3*rate); n != 2*gateway.MinCallRate {
		t.Errorf("%d calls at once with a rate of the merchant's own, want %d", n, 2*gateway.MinCallRate)
	}
	c.Rules = gateway.DefaultRules.Unmetered()
	unmetered := gateway.New(c)
	if n := admitted(t, unmetered, gateway.Merchant{ID: m.ID}, 10_000); n != 10_000 {
		t.Errorf("%d of 10,000 calls are let through without a bound", n)
	}
	if n := admitted(t, unmetered, m, 10_000); n != 2*gateway.MinCallRate {
		t.Errorf("%d calls at once with a rate of the merchant's own and no other, want %d", n, 2*gateway.MinCallRate)
	}

	for _, rate := range []int{-1, 1, gateway.MinCallRate - 1} {
		m.CallRate = rate
		wantCode(t, b.UpdateMerchant(t.Context(), m), gateway.Invalid)
		wantCode(t, gateway.Rules{CallRate: rate}.Check(), gateway.Invalid)
	}
	m.CallRate = 1000
	if err := b.UpdateMerchant(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if stored := must(b.Merchant(t.Context(), m.ID))(t); stored.CallRate != 1000 {
		t.Errorf("stored as %d", stored.CallRate)
	}
}

// What one phone is sent is bounded, whoever asks for it and by whatever way.
func TestAsksAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.config
	c.Rules = gateway.DefaultRules
	c.Rules.CodesPerHour, c.Rules.PromptsPerHour = 4, 3
	b.Gateway = gateway.New(c)
	bind := func(customer string, phone gateway.Phone) (gateway.Page, error) {
		_, page, err := b.StartBinding(t.Context(), gateway.StartBinding{
			Merchant: b.merchant.ID, Phone: phone, CustomerID: customer, Dialect: "snap", Claim: gateway.Claim{Merchant: b.merchant.ID, Scope: "s", Key: customer},
		})
		return page, err
	}
	for i := range 3 {
		must(bind(fmt.Sprint("c", i), b.wallet.Phone))(t)
	}
	last := must(bind("c3", b.wallet.Phone))(t)
	_, err := bind("c4", b.wallet.Phone)
	wantCode(t, err, gateway.TooManyAsks)
	if _, found, err := b.EarlierRequest(t.Context(), gateway.Claim{Merchant: b.merchant.ID, Scope: "s", Key: "c4"}); !found || err != nil {
		t.Errorf("the request id of the refused call is not used up: %v", err)
	}
	_, err = b.ResendOTP(t.Context(), last.Key)
	wantCode(t, err, gateway.TooManyAsks)
	other := b.newWallet("081200000002", ledger.Split{})
	must(bind("c5", other.Phone))(t)

	// A page whose code has passed can be looked at, and asked for a code later.
	b.advance(6 * time.Minute)
	if v := must(b.Page(t.Context(), last.Key))(t); v.OTPLive || !v.MayResend || v.Page.State != gateway.PageOTP {
		t.Errorf("the page without a code is %+v", v)
	}
	b.advance(5 * time.Minute)
	_, err = b.ResendOTP(t.Context(), last.Key)
	wantCode(t, err, gateway.TooManyAsks)
	b.advance(6 * time.Minute) // 15 minutes after the first code there was one more
	must(bind("c6", b.wallet.Phone))(t)
	_, err = bind("c7", b.wallet.Phone)
	wantCode(t, err, gateway.TooManyAsks)

	for i := range 3 {
		if s := must(b.push(fmt.Sprint("P-", i), 1_000))(t); s.Payment.State != gateway.PaymentAwaiting {
			t.Fatalf("prompt %d is %s", i, s.Payment.State)
		}
	}
	if s := must(b.push("P-3", 1_000))(t); s.Payment.State != gateway.PaymentFailed || s.Payment.Reason != gateway.TooManyAsks {
		t.Errorf("one prompt more is %s, %v", s.Payment.State, s.Payment.Reason)
	}
	if s := must(b.push("P-0", 1_000))(t); s.Payment.State != gateway.PaymentAwaiting {
		t.Errorf("a push that is joined is %s", s.Payment.State)
	}
	if n := len(must(b.Prompts(t.Context(), b.wallet.Phone))(t)); n != 3 {
		t.Errorf("%d prompts on the phone", n)
	}
	b.advance(25 * time.Minute)
	if s := must(b.push("P-4", 1_000))(t); s.Payment.State != gateway.PaymentAwaiting {
		t.Errorf("a prompt 25 minutes later is %s", s.Payment.State)
	}
	b.auditClean()
}

// Two processes that ask at once send no more than one that asks alone.
func TestAsksAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Rules = gateway.DefaultRules
	b.config.Rules.PromptsPerHour = 5
	got := b.race(30, func(i int) string {
		s, err := b.oneOf(i).StartPush(t.Context(), gateway.StartPush{
			Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: fmt.Sprint("P-", i), RequestID: fmt.Sprint("r-", i), Amount: 1_000,
			Proof: fmt.Sprint("proof-", i), Fingerprint: fmt.Sprint(i),
		})
		if err != nil {
			return err.Error()
		}
		return string(s.Payment.State)
	})
	if got[string(gateway.PaymentAwaiting)] != 5 || got[string(gateway.PaymentFailed)] != 25 {
		t.Errorf("%v", got)
	}
	b.auditClean()
}
