package gateway_test

import (
	"context"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// What a call changed is told once, after it is durable, and whatever failed or was
// rolled back is not.
func TestObserve(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var seen []gateway.Change
	outer := 0 // who observed before goes on doing so
	ctx := gateway.Observe(t.Context(), func(changes []gateway.Change) { outer += len(changes) })
	ctx = gateway.Observe(ctx, func(changes []gateway.Change) { seen = append(seen, changes...) })
	kinds := func() map[gateway.ChangeKind]int {
		got := map[gateway.ChangeKind]int{}
		for _, c := range seen {
			got[c.Kind]++
		}
		seen = nil
		return got
	}
	push := gateway.StartPush{
		Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: "INV-1", RequestID: "r-1", Amount: 1_000, Proof: "p-1", Fingerprint: "f",
	}
	s, err := b.StartPush(ctx, push)
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || outer != 1 || seen[0] != (gateway.Change{Kind: gateway.ChangedPayment, ID: string(s.Payment.ID), MerchantID: b.merchant.ID, WalletID: b.wallet.ID}) {
		t.Errorf("a push: %+v", seen)
	}
	seen = nil
	if _, err := b.ApprovePush(ctx, b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash); err != nil {
		t.Fatal(err)
	}
	if got := kinds(); got[gateway.ChangedPayment] != 1 || got[gateway.ChangedNotification] != 1 {
		t.Errorf("its approval: %v", got)
	}
	push.Fingerprint, push.Proof = "g", "p-2"
	if _, err := b.StartPush(ctx, push); err == nil || len(seen) != 0 {
		t.Errorf("another push of the invoice: %v, %+v", err, seen)
	}
	if _, err := b.StartPush(t.Context(), gateway.StartPush{
		Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: "INV-2", RequestID: "r-2", Amount: 1_000, Proof: "p-3", Fingerprint: "h",
	}); err != nil || len(seen) != 0 {
		t.Errorf("a call that nobody observes: %v, %+v", err, seen)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	changed, stop := b.Watch()
	told := func() bool {
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	if told() {
		t.Error("told before anything happened")
	}
	for range 3 {
		if _, err := b.TopUp(context.Background(), b.wallet.Phone, ledger.Split{Cash: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if !told() || told() {
		t.Error("three commits are not told as one")
	}
	if _, err := b.TopUp(context.Background(), b.wallet.Phone, ledger.Split{}); err == nil || told() {
		t.Error("told of what did not happen")
	}
	stop()
	stop() // harmless
	if _, err := b.TopUp(context.Background(), b.wallet.Phone, ledger.Split{Cash: 1}); err != nil || told() {
		t.Error("told after the end")
	}
}
