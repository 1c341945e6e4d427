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
	w := must(b.WalletOf(ctx, b.wallet.ID))(b.t)
	text := fmt.Sprint(w.Phone, " ", w.Status, " ", w.Balance, " wrong PINs: ", w.PINFails)
	for _, p := range must(b.Payments(ctx, "", 100))(b.t) {
		s := must(b.Gateway.Payment(ctx, p.ID))(b.t)
		text += fmt.Sprintf("\n%s %s %v %v %d refunds", p.Order+p.Reference[:1], p.State, p.Split, p.Refunded, len(s.Refunds))
	}
	for _, bnd := range must(b.BindingsOf(ctx, w.Phone))(b.t) {
		text += fmt.Sprintf("\n%s %s", bnd.CustomerID, bnd.State)
	}
	for _, n := range must(b.Notifications(ctx, "", "", 200))(b.t) {
		text += fmt.Sprintf("\nnotification of %s %s after %d of %d attempts", n.Kind, n.State, len(must(b.Attempts(ctx, n.ID))(b.t)), n.Attempts)
	}
	return text + fmt.Sprintf("\n%d wallets, %d merchants", len(must(b.Wallets(ctx))(b.t)), len(must(b.Merchants(ctx))(b.t)))
}

// operation is run with a gateway that may fail, again and again.
type operation func(g *gateway.Gateway, i int) error

// operations are all that move money, consent or a notification, by name: each is
// prepared and then run.
var operations = map[string]func(b *bundle) operation{
	"bind": func(b *bundle) operation {
		return func(g *gateway.Gateway, i int) error {
			_, _, err := g.StartBinding(b.t.Context(), gateway.StartBinding{Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: "c", Dialect: "snap"})
			return err
		}
	},
	"confirm a binding": func(b *bundle) operation {
		_, page := b.startBinding("c")
		must(b.EnterOTP(b.t.Context(), page.Key, b.otp(page.Key)))(b.t)
		return func(g *gateway.Gateway, i int) error { _, err := g.EnterPIN(b.t.Context(), page.Key, pin); return err }
	},
	"bind by phone": func(b *bundle) operation {
		return func(g *gateway.Gateway, i int) error {
			_, _, err := g.StartBinding(b.t.Context(), gateway.StartBinding{
				Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: "c", Dialect: "faspay", ByPhone: true,
			})
			return err
		}
	},
	"renew a binding": func(b *bundle) operation {
		b.bind("c")
		b.advance(b.Rules().BindingLife)
		return func(g *gateway.Gateway, i int) error {
			_, _, err := g.RenewBinding(b.t.Context(), gateway.RenewBinding{Merchant: b.merchant.ID, Phone: b.wallet.Phone, Dialect: "faspay"})
			return err
		}
	},
	"unbind": func(b *bundle) operation {
		bnd := b.bind("c")
		if _, _, err := b.pay(order{binding: bnd.ID, reference: "P", amount: 1, sale: true}); err != nil {
			b.t.Fatal(err)
		}
		return func(g *gateway.Gateway, i int) error {
			_, err := g.Unbind(b.t.Context(), gateway.Claim{}, b.merchant.ID, bnd.ID)
			return err
		}
	},
	"unlink in the app": func(b *bundle) operation {
		bnd := b.bind("c")
		return func(g *gateway.Gateway, i int) error { return g.Unlink(b.t.Context(), b.wallet.Phone, bnd.ID) }
	},
	"change the number": func(b *bundle) operation {
		b.bind("c")
		return func(g *gateway.Gateway, i int) error {
			_, err := g.ChangeNumber(b.t.Context(), b.wallet.Phone, "081200000099")
			return err
		}
	},
	"charge": func(b *bundle) operation {
		bnd := b.bind("c")
		return func(g *gateway.Gateway, i int) error {
			_, _, err := g.CreatePayment(b.t.Context(), gateway.CreatePayment{
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
		must(b.EnterOTP(b.t.Context(), page.Key, b.otp(page.Key)))(b.t)
		return func(g *gateway.Gateway, i int) error { _, err := g.EnterPIN(b.t.Context(), page.Key, pin); return err }
	},
	"order": func(b *bundle) operation {
		b.bind("c")
		return func(g *gateway.Gateway, i int) error {
			_, _, err := b.payOrderAt(g, "O", 5_000, ledger.UseCash)
			return err
		}
	},
	"confirm an order": func(b *bundle) operation {
		b.bind("c")
		_, page, err := b.payOrder("O", 5_000, ledger.UseCash)
		if err != nil {
			b.t.Fatal(err)
		}
		must(b.EnterOTP(b.t.Context(), page.Key, b.otp(page.Key)))(b.t)
		return func(g *gateway.Gateway, i int) error { _, err := g.EnterPIN(b.t.Context(), page.Key, pin); return err }
	},
	"enter a wrong PIN": func(b *bundle) operation {
		_, page, err := b.pay(order{binding: b.bind("c").ID, reference: "P", amount: 1, sale: true})
		if err != nil {
			b.t.Fatal(err)
		}
		must(b.EnterOTP(b.t.Context(), page.Key, b.otp(page.Key)))(b.t)
		return func(g *gateway.Gateway, i int) error {
			_, err := g.EnterPIN(b.t.Context(), page.Key, "000000")
			if errors.Is(err, gateway.PINWrong) {
				return nil
			}
			return err
		}
	},
	"cancel an order": func(b *bundle) operation {
		b.bind("c")
		p, _, err := b.payOrder("O", 5_000, ledger.UseCash)
		if err != nil {
			b.t.Fatal(err)
		}
		return func(g *gateway.Gateway, i int) error {
			_, err := g.CancelPayment(b.t.Context(), b.merchant.ID, gateway.PaymentQuery{Dialect: "faspay", Reference: p.Reference, Order: "O"})
			return err
		}
	},
	"refund": func(b *bundle) operation {
		if _, _, err := b.pay(order{binding: b.bind("c").ID, reference: "P", amount: 50_000, use: ledger.UsePointsFirst}); err != nil {
			b.t.Fatal(err)
		}
		return func(g *gateway.Gateway, i int) error {
			_, _, err := g.RefundPayment(b.t.Context(), gateway.RefundPayment{
				Claim:    gateway.Claim{Merchant: b.merchant.ID, Scope: "s", Key: fmt.Sprint(i)},
				Merchant: b.merchant.ID, Payment: gateway.PaymentQuery{Dialect: "snap", Reference: "P"}, Reference: "R", Amount: 12_000,
			})
			return err
		}
	},
	"push": func(b *bundle) operation {
		return func(g *gateway.Gateway, i int) error {
			_, err := g.StartPush(b.t.Context(), gateway.StartPush{
				Merchant: b.merchant.ID, Dialect: "jokul", Phone: b.wallet.Phone, Reference: "P", Amount: 10, Proof: "p", Fingerprint: "f",
			})
			return err
		}
	},
	"approve a push": func(b *bundle) operation {
		s := must(b.push("P", 10))(b.t)
		return func(g *gateway.Gateway, i int) error {
			_, err := g.ApprovePush(b.t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash)
			return err
		}
	},
	"decline a push": func(b *bundle) operation {
		s := must(b.push("P", 10))(b.t)
		return func(g *gateway.Gateway, i int) error {
			_, err := g.DeclinePush(b.t.Context(), b.wallet.Phone, s.Payment.ID)
			return err
		}
	},
	"void a push": func(b *bundle) operation {
		s := must(b.push("P", 10))(b.t)
		s = must(b.ApprovePush(b.t.Context(), b.wallet.Phone, s.Payment.ID, pin, ledger.UseCash))(b.t)
		return func(g *gateway.Gateway, i int) error {
			_, err := g.VoidPush(b.t.Context(), gateway.VoidPush{
				Merchant: b.merchant.ID, Dialect: "jokul", Reference: "P", Amount: 10, Numbers: s.Push.Numbers, Approval: s.Push.Approval,
			})
			return err
		}
	},
	"expire": func(b *bundle) operation {
		if _, _, err := b.pay(order{binding: b.bind("c").ID, reference: "P", amount: 1, sale: true}); err != nil {
			b.t.Fatal(err)
		}
		b.clock.Advance(b.Rules().PageLife)
		return func(g *gateway.Gateway, i int) error { _, err := g.ExpireDue(b.t.Context()); return err }
	},
	"expire a push": func(b *bundle) operation {
		must(b.push("P", 10))(b.t)
		b.clock.Advance(b.Rules().PushWait)
		return func(g *gateway.Gateway, i int) error { _, err := g.ExpireDue(b.t.Context()); return err }
	},
	"top up": func(b *bundle) operation {
		return func(g *gateway.Gateway, i int) error {
			_, err := g.TopUp(b.t.Context(), b.wallet.Phone, ledger.Split{Cash: 700, Points: 5})
			return err
		}
	},
	"open a wallet": func(b *bundle) operation {
		return func(g *gateway.Gateway, i int) error {
			_, err := g.CreateWallet(b.t.Context(), gateway.NewWallet{Phone: "081200000098", Name: "Budi", PIN: pin, Balance: ledger.Split{Cash: 5}})
			return err
		}
	},
	"store a delivery": func(b *bundle) operation {
		b.bind("c")
		due := must(b.ClaimNotifications(b.t.Context(), time.Hour, 1))(b.t)
		if len(due) != 1 {
			b.t.Fatal(due)
		}
		n := due[0]
		return func(g *gateway.Gateway, i int) error {
			return g.FinishAttempt(b.t.Context(), n, gateway.Attempt{NotificationID: n.ID, Number: 1, At: b.clock.Now()}, gateway.NotificationDelivered, time.Time{})
		}
	},
	"notify again": func(b *bundle) operation {
		b.bind("c")
		n := must(b.Notifications(b.t.Context(), "", "", 1))(b.t)[0]
		return func(g *gateway.Gateway, i int) error { _, err := g.ResendNotification(b.t.Context(), n.ID); return err }
	},
}

// TestEveryStorageCallFails lets the first, the second, the third … step of the
// store fail in every operation, until the operation succeeds. Each failure has
// either its full effect or none, the books balance, and the operation works when
// it is asked for again.
func TestEveryStorageCallFails(t *testing.T) {
	t.Parallel()
	for name, prepare := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			run := prepare(b)
			before, after := b.book(), ""
			for nth := 1; !t.Failed(); nth++ {
				g, fuse := b.failing(nth, errDisk)
				err := run(g, nth)
				got := b.book()
				b.auditClean()
				whole := fuse.blown == storetest.StepCommitted || err == nil
				switch {
				case whole && after == "" && got != before:
					after = got
				case whole && got != after:
					t.Errorf("step %d (%s) failed, err %v, and left\n%s\nwant\n%s", nth, fuse.blown, err, got, after)
				case !whole && got != before:
					t.Errorf("step %d (%s) failed with %v, and left\n%s\nwant what was before\n%s", nth, fuse.blown, err, got, before)
				}
				if fuse.blown == "" { // all steps have had their turn
					if err != nil || nth < 4 {
						t.Errorf("after %d steps: %v", nth-1, err)
					}
					return
				}
				if whole {
					b = setup(t)
					run = prepare(b)
				}
			}
		})
	}
}
