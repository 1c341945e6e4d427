package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/ovo"
)

// snapShop is the demo's merchant: a client, and a server that hears
// notifications.
type snapShop struct {
	*ovo.SNAPClient
	payments chan ovo.PaymentNotification
	bindings chan ovo.BindingNotification
	stop     func()
}

// openSNAPShop starts the merchant's server on loopback and registers its URLs.
func (d *demo) openSNAPShop(ctx context.Context) (*snapShop, error) {
	m := d.merchant
	key, err := ovo.ParsePrivateKey(m.DOKU.PrivateKeyPEM)
	if err != nil {
		return nil, err
	}
	gatewayKey, err := ovo.ParsePublicKey(m.DOKU.GatewayPublicKeyPEM)
	if err != nil {
		return nil, err
	}
	s := &snapShop{payments: make(chan ovo.PaymentNotification, 16), bindings: make(chan ovo.BindingNotification, 16)}
	if s.SNAPClient, err = ovo.SNAP(ovo.SNAPConfig{
		BaseURL: d.control.base, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, PrivateKey: key,
	}); err != nil {
		return nil, err
	}
	receiver, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, PrivateKey: key, GatewayPublicKeys: []*rsa.PublicKey{gatewayKey},
		TokenPath: "/doku/token", PaymentPath: "/doku/notify", BindingPath: "/doku/bound",
		OnPayment: func(_ context.Context, n ovo.PaymentNotification) error { s.payments <- n; return nil },
		OnBinding: func(_ context.Context, n ovo.BindingNotification) error { s.bindings <- n; return nil },
	})
	if err != nil {
		return nil, err
	}
	base, stop, err := serveShop(receiver)
	if err != nil {
		return nil, err
	}
	s.stop = stop
	err = d.control.call(ctx, http.MethodPatch, "/merchants/"+m.ID, map[string]any{"doku": map[string]any{"snap": map[string]string{
		"token_url": base + "/doku/token", "notification_url": base + "/doku/notify", "binding_notification_url": base + "/doku/bound",
	}}}, nil)
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// serveShop runs a merchant's server on loopback.
func serveShop(h http.Handler) (base string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil
}

// playSNAP is a customer's whole life with a merchant: bound, charged with and
// without a page, refunded in part, unbound.
func (d *demo) playSNAP(ctx context.Context) error {
	d.journey("DOKU OVO on SNAP direct debit")
	shop, err := d.openSNAPShop(ctx)
	if err != nil {
		return err
	}
	defer shop.stop()

	binding, err := shop.Bind(ctx, ovo.BindRequest{
		Phone: d.phone, CustomerID: "customer-1", SuccessURL: "https://shop.example/bound", FailureURL: "https://shop.example/not-bound",
	})
	if err != nil {
		return err
	}
	d.tell("binding asked for; the customer is sent to %s…", binding.RedirectURL[:len(binding.RedirectURL)-34])
	if _, err := shop.CustomerToken(ctx, binding.AuthCode); !errors.Is(err, ovo.ErrCustomerToken) {
		return fmt.Errorf("an unfinished binding gave a token: %v", err)
	}
	d.tell("the auth code gives no token before the customer is done")
	to, err := d.confirmPage(ctx, binding.RedirectURL, "123456")
	if err != nil {
		return err
	}
	d.tell("the customer entered the code from the phone, then the PIN, and went to %s", to)
	bound, err := receive(ctx, shop.bindings)
	if err != nil || bound.Status != ovo.BindingSuccess {
		return fmt.Errorf("the binding notification: %+v, %w", bound, err)
	}
	d.tell("the merchant received the binding notification, signed: %s", bound.Status)
	token, err := shop.CustomerToken(ctx, binding.AuthCode)
	if err != nil {
		return err
	}
	before, err := shop.Balance(ctx, token.AccessToken)
	if err != nil {
		return err
	}
	d.tell("balance: %s and %d points", money.Amount(before.Cash).Rupiah(), before.Points)

	if err := d.playSale(ctx, shop, token.AccessToken); err != nil {
		return err
	}
	if err := d.playRecurring(ctx, shop, token.AccessToken); err != nil {
		return err
	}
	if err := d.playRefusal(ctx, shop, token.AccessToken); err != nil {
		return err
	}

	after, err := shop.Balance(ctx, token.AccessToken)
	if err != nil {
		return err
	}
	if want := before.Cash - 15_000 - 45_000 + 5_000; after.Cash != want || after.Points != before.Points {
		return fmt.Errorf("the wallet holds %+v, want %d in cash", after, want)
	}
	d.tell("balance: %s and %d points; 5,000 points were spent and given back", money.Amount(after.Cash).Rupiah(), after.Points)
	if err := shop.Unbind(ctx, token.AccessToken); err != nil {
		return err
	}
	if _, err := shop.Balance(ctx, token.AccessToken); !errors.Is(err, ovo.ErrCustomerToken) {
		return fmt.Errorf("the token lives on after unbinding: %v", err)
	}
	d.tell("unbound; the customer token is refused at once")
	return nil
}

// playSale charges with the customer's confirmation on a page.
func (d *demo) playSale(ctx context.Context, shop *snapShop, token string) error {
	sale, err := shop.Pay(ctx, ovo.PayRequest{
		CustomerToken: token, Reference: "INV-SALE-1", Type: ovo.Sale, Amount: 15_000,
		SuccessURL: "https://shop.example/paid", FailureURL: "https://shop.example/not-paid",
	})
	if err != nil {
		return err
	}
	to, err := d.confirmPage(ctx, sale.RedirectURL, "123456")
	if err != nil {
		return err
	}
	d.tell("SALE of Rp15.000 confirmed on the page; the browser went to %s", to)
	return d.hear(ctx, shop, "INV-SALE-1", 15_000)
}

// playRecurring charges under the binding's consent, then refunds a part.
func (d *demo) playRecurring(ctx context.Context, shop *snapShop, token string) error {
	if _, err := shop.Pay(ctx, ovo.PayRequest{
		CustomerToken: token, Reference: "INV-REC-1", Type: ovo.Recurring, Amount: 50_000, Cash: 45_000, Points: 5_000,
	}); err != nil {
		return err
	}
	d.tell("RECURRING of Rp50.000 charged at once: 45,000 cash and 5,000 points")
	if err := d.hear(ctx, shop, "INV-REC-1", 50_000); err != nil {
		return err
	}
	status, err := shop.Status(ctx, ovo.StatusQuery{Reference: "INV-REC-1"})
	if err != nil || status.State != ovo.StateSuccess {
		return fmt.Errorf("status %+v, %w", status, err)
	}
	d.tell("status inquiry: %s, approval code %s", status.State, status.ApprovalCode)
	if _, err := shop.Refund(ctx, ovo.RefundRequest{Reference: "INV-REC-1", RefundReference: "RFD-1", Amount: 10_000, Reason: "one item was out of stock"}); err != nil {
		return err
	}
	d.tell("partial refund of Rp10.000: points first, so 5,000 points and 5,000 cash")
	return nil
}

// playRefusal shows that what cannot be paid moves nothing.
func (d *demo) playRefusal(ctx context.Context, shop *snapShop, token string) error {
	_, err := shop.Pay(ctx, ovo.PayRequest{CustomerToken: token, Reference: "INV-BIG-1", Type: ovo.Recurring, Amount: 5_000_000})
	if !errors.Is(err, ovo.ErrInsufficientFunds) {
		return fmt.Errorf("a payment beyond the balance: %v", err)
	}
	d.tell("RECURRING of Rp5.000.000 refused: %v", err)
	return nil
}

// hear waits for the notification of a successful payment.
func (d *demo) hear(ctx context.Context, shop *snapShop, reference string, amount int64) error {
	n, err := receive(ctx, shop.payments)
	if err != nil || n.Reference != reference || n.State != ovo.StateSuccess || n.Amount != amount {
		return fmt.Errorf("the notification of %s: %+v, %w", reference, n, err)
	}
	d.tell("the merchant received the payment notification, signed: %s %s", n.Reference, n.State)
	return nil
}

func receive[T any](ctx context.Context, from <-chan T) (T, error) {
	select {
	case v := <-from:
		return v, nil
	case <-ctx.Done():
		var zero T
		return zero, fmt.Errorf("nothing arrived: %w", ctx.Err())
	}
}
