package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/ovo"
)

// jokulShop is the demo's merchant on the protocols before SNAP.
type jokulShop struct {
	*ovo.JokulClient
	push     *ovo.PushClient
	payments chan ovo.JokulNotification
	stop     func()
}

// openJokulShop starts the merchant's server on loopback and registers its URL.
func (d *demo) openJokulShop(ctx context.Context) (*jokulShop, error) {
	m := d.merchant
	s := &jokulShop{payments: make(chan ovo.JokulNotification, 16)}
	var err error
	if s.JokulClient, err = ovo.Jokul(ovo.JokulConfig{BaseURL: d.control.base, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey}); err != nil {
		return nil, err
	}
	if s.push, err = ovo.Push(ovo.PushConfig{BaseURL: d.control.base, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey}); err != nil {
		return nil, err
	}
	receiver, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, Path: "/doku/ovo",
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error { s.payments <- n; return nil },
	})
	if err != nil {
		return nil, err
	}
	base, stop, err := serveShop(receiver)
	if err != nil {
		return nil, err
	}
	s.stop = stop
	err = d.control.call(ctx, http.MethodPatch, "/merchants/"+m.ID, map[string]any{"doku": map[string]string{"notification_url": base + "/doku/ovo"}}, nil)
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// playJokul is the same customer's life on the protocol before SNAP.
func (d *demo) playJokul(ctx context.Context) error {
	d.journey("DOKU OVO Recurring (before SNAP)")
	shop, err := d.openJokulShop(ctx)
	if err != nil {
		return err
	}
	defer shop.stop()
	customer := ovo.JokulCustomer{ID: "customer-2", Name: "Anton Budiman"}

	binding, err := shop.Bind(ctx, ovo.JokulBindRequest{
		Customer: customer, Phone: d.phone, SuccessURL: "https://shop.example/bound", FailureURL: "https://shop.example/not-bound",
	})
	if err != nil {
		return err
	}
	to, err := d.confirmPage(ctx, binding.RedirectURL, "123456")
	if err != nil {
		return err
	}
	d.tell("bound on the same page as before; the browser went to %s", to)
	tokens, err := shop.Tokens(ctx, customer.ID)
	if err != nil || len(tokens) != 1 {
		return fmt.Errorf("%d tokens, %w", len(tokens), err)
	}
	token := tokens[0].Token
	before, err := shop.Balance(ctx, customer.ID, token)
	if err != nil {
		return err
	}
	d.tell("token listed for %s; balance %s and %d points", tokens[0].MaskedPhone, money.Amount(before.Cash).Rupiah(), before.Points)

	paid, err := shop.Pay(ctx, ovo.JokulPayRequest{Customer: customer, Token: token, Invoice: "SUB-1", Amount: 110_000, UsePoints: true})
	if err != nil {
		return err
	}
	d.tell("recurring payment of Rp110.000, points first: 100,000 points and 10,000 cash")
	if err := d.hearJokul(ctx, shop, "SUB-1", ovo.StateSuccess); err != nil {
		return err
	}
	if _, err := shop.Refund(ctx, ovo.JokulRefundRequest{Invoice: "SUB-1", PaymentRequestID: paid.RequestID, Amount: 105_000}); err != nil {
		return err
	}
	d.tell("refund of Rp105.000: the 100,000 points first, then 5,000 cash")
	status, err := shop.Status(ctx, "SUB-1")
	if err != nil || status.State != ovo.StateSuccess {
		return fmt.Errorf("status %+v, %w", status, err)
	}
	d.tell("check status: %s; the answer's signature matches", status.State)
	if _, err := shop.Unbind(ctx, ovo.JokulUnbindRequest{CustomerID: customer.ID, CustomerName: customer.Name, Token: token}); err != nil {
		return err
	}
	if _, err := shop.Balance(ctx, customer.ID, token); !errors.Is(err, ovo.ErrCustomerToken) && !errors.Is(err, ovo.ErrNotFound) {
		return fmt.Errorf("the token lives on after unbinding: %v", err)
	}
	d.tell("unbound; the token is refused at once")
	return d.playPush(ctx, shop)
}

// playPush asks on the phone, where the customer says yes, no, and nothing.
func (d *demo) playPush(ctx context.Context, shop *jokulShop) error {
	d.journey("DOKU OVO Push Payment")
	if err := d.pushOnce(ctx, shop, "PUSH-1", func(prompt string) error {
		return d.control.post(ctx, "/wallets/"+d.phone+"/prompts/"+prompt+"/approve", map[string]string{"pin": "123456", "use": "cash"}, nil)
	}, "the customer approved with the PIN", "00", ovo.StateSuccess); err != nil {
		return err
	}
	if err := d.pushOnce(ctx, shop, "PUSH-2", func(prompt string) error {
		return d.control.post(ctx, "/wallets/"+d.phone+"/prompts/"+prompt+"/decline", nil, nil)
	}, "the customer declined", "17", ovo.StateFailed); err != nil {
		return err
	}
	if d.guest {
		return nil
	}
	return d.pushOnce(ctx, shop, "PUSH-3", func(string) error {
		return d.control.post(ctx, "/clock/advance", map[string]string{"by": "70s"}, nil)
	}, "70 seconds passed on the sandbox's clock", "-", ovo.StateFailed)
}

// pushOnce sends a push, waits for its prompt, lets the customer act and checks
// what the waiting call is answered.
func (d *demo) pushOnce(ctx context.Context, shop *jokulShop, invoice string, act func(prompt string) error, acted, code string, state ovo.State) error {
	type answer struct {
		result ovo.PushResult
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		r, err := shop.push.Pay(ctx, ovo.PushRequest{Phone: d.phone, Invoice: invoice, Amount: 12_500})
		answered <- answer{r, err}
	}()
	prompt, err := d.control.prompt(ctx, d.phone, invoice)
	if err != nil {
		return err
	}
	d.tell("%s: the call waits, the phone shows Rp12.500 to pay", invoice)
	if err := act(prompt); err != nil {
		return err
	}
	a, err := receive(ctx, answered)
	if err != nil {
		return err
	}
	if a.result.Code != code {
		return fmt.Errorf("the push %s was answered %q, want %q: %w", invoice, a.result.Code, code, a.err)
	}
	d.tell("%s; the waiting call was answered %q, %s", acted, a.result.Code, a.result.State)
	return d.hearJokul(ctx, shop, invoice, state)
}

// hearJokul waits for the notification of a payment.
func (d *demo) hearJokul(ctx context.Context, shop *jokulShop, invoice string, state ovo.State) error {
	n, err := receive(ctx, shop.payments)
	if err != nil || n.Invoice != invoice || n.State != state {
		return fmt.Errorf("the notification of %s: %+v, %w", invoice, n, err)
	}
	d.tell("the merchant received the payment notification, signed: %s %s", n.Invoice, n.State)
	return nil
}

// prompt waits for the prompt that a push puts on a phone.
func (c controlAPI) prompt(ctx context.Context, phone, invoice string) (string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var wallet struct {
			Prompts []struct {
				ID      string `json:"id"`
				Invoice string `json:"invoice_number"`
			}
		}
		if err := c.get(ctx, "/wallets/"+phone, &wallet); err != nil {
			return "", err
		}
		for _, p := range wallet.Prompts {
			if p.Invoice == invoice {
				return p.ID, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("no prompt for %s came to %s: %w", invoice, phone, ctx.Err())
		}
	}
}
