package gateway_test

import (
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// What is old goes, what is owed to a protocol stays, and the audit knows which of
// the two is missing.
func TestPrune(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bnd := b.bind("c")
	prune := func(want int) {
		t.Helper()
		if n := must(b.Prune(t.Context()))(t); n != want {
			t.Errorf("%d were pruned, want %d", n, want)
		}
		b.auditClean()
	}
	claim := gateway.Claim{Merchant: b.merchant.ID, Scope: "54", Key: "1"}
	if err := b.ClaimRequest(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	p, _, err := b.pay(order{binding: bnd.ID, amount: 1_000})
	if err != nil {
		t.Fatal(err)
	}
	deliver := func() {
		t.Helper()
		for _, n := range must(b.ClaimNotifications(t.Context(), time.Minute, 10))(t) {
			if err := b.FinishAttempt(t.Context(), n, gateway.Attempt{NotificationID: n.ID, Number: 1, Status: 200}, gateway.NotificationDelivered, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	deliver()
	prune(0)
	b.clock.Advance(gateway.DefaultRetention.Claims - time.Hour)
	prune(0)
	wantCode(t, b.ClaimRequest(t.Context(), claim), gateway.RequestReused)
	b.clock.Advance(2 * time.Hour)
	b.Prune(t.Context())
	if err := b.ClaimRequest(t.Context(), claim); err != nil {
		t.Errorf("a request id that is older than its retention: %v", err)
	}
	if _, _, err := b.pay(order{binding: bnd.ID, amount: 2_000}); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(gateway.DefaultRetention.Notifications - 24*time.Hour)
	b.Prune(t.Context())
	if left := must(b.Notifications(t.Context(), string(p.ID), "", 10))(t); len(left) != 0 {
		t.Errorf("%d notifications of the old payment are left", len(left))
	}
	b.auditClean()
	queued := must(b.Notifications(t.Context(), "", "", 10))(t)
	b.clock.Advance(2 * gateway.DefaultRetention.Notifications)
	b.Prune(t.Context())
	if left := must(b.Notifications(t.Context(), "", "", 10))(t); len(left) != len(queued) {
		t.Errorf("%d of %d notifications that nobody has received are left", len(left), len(queued))
	}
}

// Retention cannot be set below what the protocols promise.
func TestRetentionKeepsPromises(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Retention = gateway.Retention{Claims: time.Second, Notifications: time.Second}
	hasty := b.another()
	claim := gateway.Claim{Merchant: b.merchant.ID, Scope: "54", Key: "1"}
	if err := hasty.ClaimRequest(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(47 * time.Hour)
	if _, err := hasty.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCode(t, hasty.ClaimRequest(t.Context(), claim), gateway.RequestReused)
}
