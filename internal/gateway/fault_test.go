package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

var errDisk = errors.New("input/output error")

// fuse lets every step of the store pass but the nth, which fails.
type fuse struct {
	mu    sync.Mutex
	nth   int
	fault error
	count int
	blown string // the step that failed
}

func (f *fuse) at(step string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count++; f.count != f.nth {
		return nil
	}
	f.blown = step
	return f.fault
}

// failing is a gateway whose store's nth step fails.
func (b *bundle) failing(nth int, fault error) (*gateway.Gateway, *fuse) {
	f := &fuse{nth: nth, fault: fault}
	c := b.config
	c.Store = storetest.Faulty(b.bare, f.at)
	return gateway.New(c), f
}

// book is all that a merchant, a customer and a regulator could ask about.
func (b *bundle) book() string {
	b.t.Helper()
	ctx := context.Background()
	text := fmt.Sprint(b.balance())
	for _, p := range must(b.Payments(ctx, "", 100))(b.t) {
		s := must(b.Gateway.Payment(ctx, p.ID))(b.t)
		text += fmt.Sprintf("\n%s %s %v %v %d refunds", p.Reference, p.State, p.Split, p.Refunded, len(s.Refunds))
	}
	for _, bnd := range must(b.BindingsOf(ctx, b.wallet.Phone))(b.t) {
		text += fmt.Sprintf("\n%s %s", bnd.CustomerID, bnd.State)
	}
	return text + fmt.Sprintf("\n%d notifications", len(must(b.Notifications(ctx, "", "", 200))(b.t)))
}

// TestEveryStorageCallFails lets the first, the second, the third … step of the
// store fail in every operation that moves money or consent, until the operation
// succeeds. Each failure has either its full effect or none, the books balance,
// and the operation works when it is asked for again.
func TestEveryStorageCallFails(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	// An operation is prepared and then run with a gateway that fails.
	type operation func(g *gateway.Gateway, i int) error
	for name, prepare := range map[string]func(b *bundle) operation{
		"bind": func(b *bundle) operation {
			return func(g *gateway.Gateway, i int) error {
				_, _, err := g.StartBinding(ctx, gateway.StartBinding{Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: "c", Dialect: "snap"})
				return err
			}
		},
		"confirm a binding": func(b *bundle) operation {
			_, page := b.startBinding("c")
			must(b.EnterOTP(ctx, page.Key, b.otp(page.Key)))(b.t)
			return func(g *gateway.Gateway, i int) error { _, err := g.EnterPIN(ctx, page.Key, pin); return err }
		},
		"charge": func(b *bundle) operation {
			bnd := b.bind("c")
			return func(g *gateway.Gateway, i int) error {
				_, _, err := g.CreatePayment(ctx, gateway.CreatePayment{
					Claim:    gateway.Claim{Merchant: b.merchant.ID, Scope: "s", Key: fmt.Sprint(i)},
					Merchant: b.merchant.ID, Binding: bnd.ID, Channel: gateway.SNAPRecurring, Dialect: "snap", Reference: "P", Amount: 50_000, Use: ledger.UsePointsFirst,
				})
				return err
			}
		},
		"confirm a sale": func(b *bundle) operation {
			_, page, err := b.pay(order{binding: b.bind("c").ID, reference: "P", amount: 50_000, use: ledger.UsePointsFirst, sale: true})
			if err != nil {
				b.t.Fatal(err)
			}
			must(b.EnterOTP(ctx, page.Key, b.otp(page.Key)))(b.t)
			return func(g *gateway.Gateway, i int) error { _, err := g.EnterPIN(ctx, page.Key, pin); return err }
		},
		"refund": func(b *bundle) operation {
			if _, _, err := b.pay(order{binding: b.bind("c").ID, reference: "P", amount: 50_000, use: ledger.UsePointsFirst}); err != nil {
				b.t.Fatal(err)
			}
			return func(g *gateway.Gateway, i int) error {
				_, _, err := g.RefundPayment(ctx, gateway.RefundPayment{
					Claim:    gateway.Claim{Merchant: b.merchant.ID, Scope: "s", Key: fmt.Sprint(i)},
					Merchant: b.merchant.ID, Payment: gateway.PaymentQuery{Dialect: "snap", Reference: "P"}, Reference: "R", Amount: 12_000,
				})
				return err
			}
		},
		"unbind": func(b *bundle) operation {
			bnd := b.bind("c")
			if _, _, err := b.pay(order{binding: bnd.ID, reference: "P", amount: 1, sale: true}); err != nil {
				b.t.Fatal(err)
			}
			return func(g *gateway.Gateway, i int) error {
				_, err := g.Unbind(ctx, gateway.Claim{}, b.merchant.ID, bnd.ID)
				return err
			}
		},
		"push": func(b *bundle) operation {
			return func(g *gateway.Gateway, i int) error {
				_, err := g.StartPush(ctx, gateway.StartPush{
					Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: "P", Amount: 10, Proof: "p", Fingerprint: "f",
				})
				return err
			}
		},
		"approve a push": func(b *bundle) operation {
			s := must(b.StartPush(ctx, gateway.StartPush{
				Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: "P", Amount: 10, Proof: "p", Fingerprint: "f",
			}))(b.t)
			return func(g *gateway.Gateway, i int) error {
				_, err := g.ApprovePush(ctx, b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash)
				return err
			}
		},
		"expire": func(b *bundle) operation {
			if _, _, err := b.pay(order{binding: b.bind("c").ID, reference: "P", amount: 1, sale: true}); err != nil {
				b.t.Fatal(err)
			}
			b.clock.Advance(b.Rules().PageLife)
			return func(g *gateway.Gateway, i int) error { _, err := g.ExpireDue(ctx); return err }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What the operation does when nothing fails.
			clean := setup(t)
			run := prepare(clean)
			before := clean.book()
			if err := run(clean.direct(), 0); err != nil {
				t.Fatal(err)
			}
			after := clean.book()
			if before == after {
				t.Fatal("the operation changes nothing")
			}
			for nth := 1; ; nth++ {
				b := setup(t)
				run := prepare(b)
				g, fuse := b.failing(nth, errDisk)
				err := run(g, nth)
				got := b.book()
				b.auditClean()
				if fuse.blown == "" { // all steps have had their turn
					if err != nil || nth < 5 {
						t.Errorf("after %d steps: %v", nth-1, err)
					}
					return
				}
				switch {
				case fuse.blown == storetest.StepCommitted || err == nil:
					if got != after {
						t.Errorf("step %d (%s) failed, err %v, and left\n%s\nwant\n%s", nth, fuse.blown, err, got, after)
					}
				case got != before:
					t.Errorf("step %d (%s) failed with %v, and left\n%s\nwant what was before\n%s", nth, fuse.blown, err, got, before)
				default:
					if err := run(b.direct(), -nth); err != nil || b.book() != after {
						t.Errorf("asked for again after step %d (%s) failed: %v\n%s", nth, fuse.blown, err, b.book())
					}
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}
