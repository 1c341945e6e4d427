package gateway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// telling is a gateway that keeps no readable codes and tells the issuer.
func telling(t *testing.T) *bundle {
	b := setup(t)
	b.config.KeepCodes, b.config.Messages = false, true
	b.Gateway = gateway.New(b.config)
	return b
}

func (b *bundle) claimMessages(want int) []gateway.OutgoingMessage {
	b.t.Helper()
	list := must(b.ClaimMessages(b.t.Context(), 10*time.Second, 10))(b.t)
	if len(list) != want {
		b.t.Fatalf("%d messages, want %d: %+v", len(list), want, list)
	}
	return list
}

// A code leaves once for each time it is sent, and works.
func TestCodesLeave(t *testing.T) {
	t.Parallel()
	b := telling(t)
	_, page := b.startBinding("c")
	if page.OTP != "" {
		t.Error("the code is kept")
	}
	m := b.claimMessages(1)[0]
	if m.Kind != gateway.MessageCode || m.Phone != b.wallet.Phone || m.Merchant != "Toko" || m.Purpose.ForPayment() || len(m.Code) != gateway.OTPDigits || !m.ExpiresAt.Equal(page.OTPExpiresAt) {
		t.Errorf("told %+v", m)
	}
	b.claimMessages(0)
	must(b.ResendOTP(t.Context(), page.Key))(t)
	again := b.claimMessages(1)[0]
	if again.Code == m.Code || again.ID == m.ID {
		t.Errorf("told %+v again", again)
	}
	if err := b.MessageDelivered(t.Context(), m.Message); err != nil {
		t.Fatal(err)
	}
	if _, queued, err := b.NextMessage(t.Context()); err != nil || !queued {
		t.Errorf("the newer message went with the older, %v", err)
	}
	must(b.EnterOTP(t.Context(), page.Key, again.Code))(t)
	b.clock.Advance(11 * time.Second)
	b.claimMessages(0) // the code was used: nobody needs it any more
	if _, queued, err := b.NextMessage(t.Context()); err != nil || queued {
		t.Errorf("a message stays behind, %v", err)
	}
}

// What is not delivered in time is deleted, however often it was tried.
func TestMessagesExpire(t *testing.T) {
	t.Parallel()
	b := telling(t)
	b.startBinding("c")
	m := b.claimMessages(1)[0]
	if err := b.RetryMessage(t.Context(), m.Message, m.ExpiresAt.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.claimMessages(0)
	b.clock.Advance(gateway.DefaultRules.OTPLife)
	b.claimMessages(0)
	if _, queued, err := b.NextMessage(t.Context()); err != nil || queued {
		t.Errorf("a message stays behind, %v", err)
	}
}

func TestPromptsLeave(t *testing.T) {
	t.Parallel()
	b := telling(t)
	start := func(reference string) gateway.PushStatus {
		return must(b.StartPush(t.Context(), gateway.StartPush{
			Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: reference, Amount: 15_000, Proof: reference, Fingerprint: reference,
		}))(t)
	}
	push := start("INV-1")
	m := b.claimMessages(1)[0]
	if m.Kind != gateway.MessagePrompt || m.Subject != string(push.Payment.ID) || m.Reference != "INV-1" || m.Amount != 15_000 || m.Code != "" || !m.ExpiresAt.Equal(push.Push.Deadline) {
		t.Errorf("told %+v", m)
	}
	start("INV-1") // joins
	b.claimMessages(0)
	answered := start("INV-2")
	must(b.ApprovePush(t.Context(), b.wallet.Phone, answered.Payment.ID, pin, ledger.UseCash))(t)
	b.claimMessages(0)
}

// beforeUpdate does something once, before the next update.
type beforeUpdate struct {
	gateway.Store
	do func()
}

func (s *beforeUpdate) Update(ctx context.Context, fn func(gateway.Tx) error) error {
	if do := s.do; do != nil {
		s.do = nil
		do()
	}
	return s.Store.Update(ctx, fn)
}

// A PIN that was right when it was looked at does not serve once it was replaced,
// and the new one lifts the lock of wrong ones.
func TestPINReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const newPIN = "864209"
	between := &beforeUpdate{Store: b.bare}
	c := b.config
	c.Store = between
	g := gateway.New(c)
	push := must(b.StartPush(t.Context(), gateway.StartPush{
		Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: "INV-1", Amount: 15_000, Proof: "1", Fingerprint: "1",
	}))(t).Payment.ID
	_, page := b.startBinding("c")
	must(b.EnterOTP(t.Context(), page.Key, page.OTP))(t)

	replace := func() {
		if err := b.SetPIN(t.Context(), b.wallet.Phone, newPIN); err != nil {
			t.Error(err)
		}
	}
	between.do = replace
	if _, err := g.ApprovePush(t.Context(), b.wallet.Phone, push, pin, ledger.UseCash); !errors.Is(err, gateway.Busy) {
		t.Errorf("the push was approved with the PIN of before: %v", err)
	}
	between.do = replace // again, the same
	if _, err := g.EnterPIN(t.Context(), page.Key, newPIN); !errors.Is(err, gateway.Busy) {
		t.Errorf("the page was confirmed with the PIN of before: %v", err)
	}
	for range b.Rules().PINTries {
		_, _ = b.ApprovePush(t.Context(), b.wallet.Phone, push, pin, ledger.UseCash)
	}
	if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.LockedUntil.IsZero() {
		t.Error("wrong PINs did not lock the wallet")
	}
	replace()
	if v := must(b.EnterPIN(t.Context(), page.Key, newPIN))(t); v.Page.State != gateway.PageDone {
		t.Errorf("the page is %s", v.Page.State)
	}
	if err := b.SetPIN(t.Context(), b.wallet.Phone, "12345"); !errors.Is(err, gateway.Invalid) {
		t.Errorf("a PIN of five digits: %v", err)
	}
}
