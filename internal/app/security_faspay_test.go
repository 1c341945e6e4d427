package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/ovo"
)

// TestOthersOrdersAreOutOfReach is TestOthersThingsAreOutOfReach for Faspay, where a
// link is named by its phone and a payment by its order.
func TestOthersOrdersAreOutOfReach(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	ctx := t.Context()
	ours := c.faspayClient(c.faspayTerms(c.seededMerchant().ID), "")
	theirs := c.faspayClient(c.faspayTerms(c.newMerchant("Toko Lain").ID), "")
	const linked, unlinked = "081211111111", "081222222222"
	activation, err := ours.Activate(ctx, ovo.FaspayActivateRequest{Phone: linked, CustomerName: "Anton"})
	if err != nil {
		t.Fatal(err)
	}
	c.complete(activation.RedirectURL, "approve")
	paid, err := ours.Pay(ctx, ovo.FaspayPayRequest{Phone: linked, BillNo: "PAID", Description: "x", Amount: 10_000, CustomerName: "Anton", Email: "a@shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	c.complete(paid.RedirectURL, "approve")
	open, err := ours.Pay(ctx, ovo.FaspayPayRequest{Phone: linked, BillNo: "OPEN", Description: "x", Amount: 10_000, CustomerName: "Anton", Email: "a@shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	before := c.everything()
	noBill := ovo.FaspayBill{TrxID: "9999972000000000", BillNo: "NONE"}
	today := time.Now()
	for name, call := range map[string]func(theirs bool) error{
		"balance": func(foreign bool) error { _, err := theirs.Balance(ctx, pick(foreign, linked, unlinked)); return err },
		"payment": func(foreign bool) error {
			_, err := theirs.Pay(ctx, ovo.FaspayPayRequest{Phone: pick(foreign, linked, unlinked), BillNo: "EVIL", Description: "x", Amount: 1, CustomerName: "x", Email: "x@x.test"})
			return err
		},
		"history": func(foreign bool) error {
			_, err := theirs.History(ctx, ovo.FaspayHistoryQuery{Phone: pick(foreign, linked, unlinked), From: today.AddDate(0, 0, -1), To: today, Page: 1, Limit: 10})
			return err
		},
		"unlink": func(foreign bool) error { return theirs.Unlink(ctx, pick(foreign, linked, unlinked)) },
		"inquiry": func(foreign bool) error {
			bill := noBill
			if foreign {
				bill = ovo.FaspayBill{TrxID: paid.TrxID, BillNo: "PAID"}
			}
			_, err := theirs.Inquire(ctx, bill)
			return err
		},
		"cancel": func(foreign bool) error {
			bill := noBill
			if foreign {
				bill = ovo.FaspayBill{TrxID: open.TrxID, BillNo: "OPEN"}
			}
			_, err := theirs.Cancel(ctx, ovo.FaspayCancelRequest{FaspayBill: bill, Reason: "x"})
			return err
		},
	} {
		foreign, absent := call(true), call(false)
		if foreign == nil || failure(foreign) != failure(absent) {
			t.Errorf("%s: what is another's is answered %q, what does not exist %q", name, failure(foreign), failure(absent))
		}
	}
	if diff := cmp.Diff(before, c.everything()); diff != "" {
		t.Errorf("the attempts changed something (-before +after):\n%s", diff)
	}
	if _, err := ours.Balance(context.Background(), linked); err != nil {
		t.Errorf("the link is gone: %v", err)
	}
	auditedFromOutside(t, dir)
}
