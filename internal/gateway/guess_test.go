package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// TestGuessingPINs has forty pages and twenty prompts of one wallet guessed at by
// two processes at once. Three guesses count, whichever way they come; then the
// wallet is locked, the right PIN included, and nothing is paid.
func TestGuessingPINs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("cust")
	const pages, pushes = 40, 20
	var keys []string
	for range pages {
		_, page, err := b.pay(order{binding: bnd.ID, amount: 100, sale: true})
		if err != nil {
			t.Fatal(err)
		}
		must(b.EnterOTP(t.Context(), page.Key, b.otp(page.Key)))(t)
		keys = append(keys, page.Key)
	}
	var prompts []gateway.PaymentID
	for i := range pushes {
		s, err := b.StartPush(t.Context(), gateway.StartPush{
			Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: fmt.Sprint("PUSH-", i), Amount: 100, Proof: fmt.Sprint(i), Fingerprint: fmt.Sprint(i),
		})
		if err != nil {
			t.Fatal(err)
		}
		prompts = append(prompts, s.Payment.ID)
	}
	processes := []*gateway.Gateway{b.another(), b.another()}
	var wg sync.WaitGroup
	var counted, right atomic.Int64
	note := func(v gateway.PageView, err error) {
		switch {
		case errors.Is(err, gateway.PINWrong), err == nil && v.Page.Reason == gateway.PINWrong:
			counted.Add(1)
		case err == nil && v.Page.State == gateway.PageDone:
			right.Add(1)
		}
	}
	guess := func(i int) string { return fmt.Sprintf("%06d", 200_000+i) }
	for i, key := range keys {
		wg.Go(func() { note(processes[i%2].EnterPIN(context.Background(), key, guess(i))) })
	}
	for i, id := range prompts {
		wg.Go(func() {
			_, err := processes[i%2].ApprovePush(context.Background(), b.wallet.Phone, id, guess(i), ledger.UseCash)
			var e *gateway.Error
			if errors.As(err, &e) && e.Code == gateway.WalletLocked && e.RetryAfter == b.Rules().PINLock {
				counted.Add(1) // this guess locked the wallet
				return
			}
			note(gateway.PageView{}, err)
		})
	}
	wg.Wait()
	if counted.Load() != 3 || right.Load() != 0 {
		t.Errorf("%d guesses counted and %d were right, want 3 and none", counted.Load(), right.Load())
	}
	// The right PIN does not help while the wallet is locked, on a page or a prompt.
	_, page, err := b.pay(order{binding: bnd.ID, amount: 100, sale: true})
	wantCode(t, err, gateway.WalletLocked)
	if page.Key != "" {
		t.Error("a locked wallet got a page")
	}
	for _, id := range prompts {
		if _, err := b.ApprovePush(t.Context(), b.wallet.Phone, id, pin, ledger.UseCash); err == nil {
			t.Error("a locked wallet paid")
		}
	}
	if got := b.balance(); got != b.wallet.Balance {
		t.Errorf("the wallet holds %+v", got)
	}
	b.auditClean()
	b.advance(b.Rules().PINLock + time.Second)
	if _, _, err := b.pay(order{binding: bnd.ID, amount: 100}); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// TestGuessingOTPs guesses at thirty pages from two processes at once: three
// guesses a page count, no more, and a code works on its own page only, once.
func TestGuessingOTPs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("cust")
	const pages, guesses = 30, 12
	processes := []*gateway.Gateway{b.another(), b.another()}
	var keys []string
	codes := map[string]string{}
	for range pages {
		_, page, err := b.pay(order{binding: bnd.ID, amount: 100, sale: true})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, page.Key)
		codes[page.Key] = b.otp(page.Key)
	}
	// Another page's code is a wrong one.
	counted := make([]atomic.Int64, pages)
	var wg sync.WaitGroup
	for i, key := range keys {
		for n := range guesses {
			wg.Go(func() {
				code := codes[keys[(i+1+n)%pages]]
				if code == codes[key] {
					code = "x" // two pages may draw one code
				}
				v, err := processes[n%2].EnterOTP(context.Background(), key, code)
				if errors.Is(err, gateway.OTPWrong) || err == nil && v.Page.Reason == gateway.OTPWrong {
					counted[i].Add(1)
				}
				if err == nil && v.Page.State == gateway.PagePIN {
					t.Errorf("page %d took a foreign code", i)
				}
			})
		}
	}
	wg.Wait()
	for i, key := range keys {
		if n := counted[i].Load(); n != 3 {
			t.Errorf("page %d counted %d guesses, want 3", i, n)
		}
		if v, err := b.EnterOTP(t.Context(), key, codes[key]); err == nil || v.Page.State != gateway.PageFailed {
			t.Errorf("page %d is %s after three wrong codes", i, v.Page.State)
		}
	}
	// A right code serves once, however many try it.
	_, page, err := b.pay(order{binding: bnd.ID, amount: 100, sale: true})
	if err != nil {
		t.Fatal(err)
	}
	code := b.otp(page.Key)
	var took atomic.Int64
	for n := range 20 {
		wg.Go(func() {
			if _, err := processes[n%2].EnterOTP(context.Background(), page.Key, code); err == nil {
				took.Add(1)
			}
		})
	}
	wg.Wait()
	if took.Load() != 1 {
		t.Errorf("one code was taken %d times", took.Load())
	}
	b.auditClean()
}
