package gateway_test

import (
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
