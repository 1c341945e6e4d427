package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/ovo"
)

// faspayShop is the demo's merchant at Faspay.
type faspayShop struct {
	*ovo.FaspayClient
	payments chan ovo.FaspayNotification
	links    chan ovo.FaspayLink
	stop     func()
}

// openFaspayShop starts the merchant's server on loopback, registers its URLs and
// chooses the encoding of its notifications.
func (d *demo) openFaspayShop(ctx context.Context, format ovo.FaspayFormat) (*faspayShop, error) {
	m, err := d.control.merchant(ctx)
	if err != nil {
		return nil, err
	}
	s := &faspayShop{payments: make(chan ovo.FaspayNotification, 16), links: make(chan ovo.FaspayLink, 16)}
	if s.FaspayClient, err = ovo.Faspay(ovo.FaspayConfig{
		BaseURL: d.control.base, MerchantID: m.Faspay.MerchantID, MerchantName: m.Name, UserID: m.Faspay.UserID, Password: m.Faspay.Password,
		Format: format,
	}); err != nil {
		return nil, err
	}
	receiver, err := ovo.NewFaspayReceiver(ovo.FaspayReceiverConfig{
		MerchantID: m.Faspay.MerchantID, UserID: m.Faspay.UserID, Password: m.Faspay.Password,
		NotificationPath: "/faspay/notify", ActivationPath: "/faspay/linked",
		OnPayment:    func(_ context.Context, n ovo.FaspayNotification) error { s.payments <- n; return nil },
		OnActivation: func(_ context.Context, l ovo.FaspayLink) error { s.links <- l; return nil },
	})
	if err != nil {
		return nil, err
	}
	base, stop, err := serveShop(receiver)
	if err != nil {
		return nil, err
	}
	s.stop = stop
	err = d.control.call(ctx, http.MethodPatch, "/merchants/"+m.ID, map[string]any{"faspay": map[string]any{
		"notification_url": base + "/faspay/notify", "activation_callback_url": base + "/faspay/linked",
		"return_url": "https://shop.example/thanks", "format": format,
	}}, nil)
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// playFaspay plays OVO Tokenize twice, once in each encoding.
func (d *demo) playFaspay(ctx context.Context) error {
	for _, format := range []ovo.FaspayFormat{ovo.FaspayJSON, ovo.FaspayXML} {
		if err := d.playTokenize(ctx, format); err != nil {
			return err
		}
	}
	return nil
}

// playTokenize links a phone, pays on a page, renews a link that the customer broke,
// withdraws a payment and unlinks.
func (d *demo) playTokenize(ctx context.Context, format ovo.FaspayFormat) error {
	name := strings.ToUpper(string(format))
	d.journey("Faspay OVO Tokenize in " + name)
	shop, err := d.openFaspayShop(ctx, format)
	if err != nil {
		return err
	}
	defer shop.stop()

	activation, err := shop.Activate(ctx, ovo.FaspayActivateRequest{Phone: demoPhone, CustomerName: "Anton Budiman"})
	if err != nil {
		return err
	}
	if err := d.link(ctx, shop, activation.RedirectURL); err != nil {
		return err
	}
	before, err := shop.Balance(ctx, demoPhone)
	if err != nil {
		return err
	}
	d.tell("balance: %s and %d points", money.Amount(before.Cash).Rupiah(), before.Points)

	if err := d.buy(ctx, shop, name+"-1"); err != nil {
		return err
	}
	if err := d.renew(ctx, shop, name+"-2"); err != nil {
		return err
	}
	if err := d.withdraw(ctx, shop, name+"-3"); err != nil {
		return err
	}
	today, err := d.control.now(ctx)
	if err != nil {
		return err
	}
	list, err := shop.History(ctx, ovo.FaspayHistoryQuery{Phone: demoPhone, From: today, To: today, Limit: 2})
	if err != nil || len(list) != 2 {
		return fmt.Errorf("%d payments in the history, %w", len(list), err)
	}
	d.tell("history, newest first: %s of %s, %s of %s", list[0].Status, money.Amount(list[0].Amount).Rupiah(), list[1].Status, money.Amount(list[1].Amount).Rupiah())
	if err := shop.Unlink(ctx, demoPhone); err != nil {
		return err
	}
	if _, err := shop.Balance(ctx, demoPhone); !errors.Is(err, ovo.ErrRefused) {
		return fmt.Errorf("the link lives on after unlinking: %v", err)
	}
	d.tell("unlinked; the next call is refused")
	return nil
}

// link goes through a page that makes or renews the link, and hears the callback.
func (d *demo) link(ctx context.Context, shop *faspayShop, page string) error {
	if _, err := d.confirmPage(ctx, page, "123456"); err != nil {
		return err
	}
	link, err := receive(ctx, shop.links)
	if err != nil || !link.Active || link.Phone != demoPhone {
		return fmt.Errorf("the activation callback: %+v, %w", link, err)
	}
	d.tell("linked on the page; the merchant received the activation callback for %s", link.Phone)
	return nil
}

// pay asks for a payment.
func (s *faspayShop) pay(ctx context.Context, billNo string) (ovo.FaspayPayment, error) {
	return s.Pay(ctx, ovo.FaspayPayRequest{
		Phone: demoPhone, BillNo: billNo, Description: "Two notebooks & a pen", Amount: 5_000, CustomerName: "Anton Budiman", Email: "anton@shop.example",
	})
}

// buy pays on a page and follows the browser back.
func (d *demo) buy(ctx context.Context, shop *faspayShop, billNo string) error {
	payment, err := shop.pay(ctx, billNo)
	if err != nil {
		return err
	}
	to, err := d.confirmPage(ctx, payment.RedirectURL, "123456")
	if err != nil {
		return err
	}
	_, query, _ := strings.Cut(to, "?")
	back, err := shop.ReadReturn(query)
	if err != nil || back.State != ovo.StateSuccess {
		return fmt.Errorf("the return URL %s: %+v, %w", to, back, err)
	}
	d.tell("payment %s of Rp5.000 confirmed on the page; the browser brought back a signed %s", billNo, back.State)
	if err := d.hearFaspay(ctx, shop, billNo, ovo.StateSuccess); err != nil {
		return err
	}
	status, err := shop.Inquire(ctx, ovo.FaspayBill{TrxID: payment.TrxID, BillNo: billNo})
	if err != nil || status.State != ovo.StateSuccess {
		return fmt.Errorf("inquiry: %+v, %w", status, err)
	}
	d.tell("inquiry: %s, %s paid", status.Status, money.Amount(status.Amount).Rupiah())
	return nil
}

// renew shows what happens when the customer breaks the link in the app.
func (d *demo) renew(ctx context.Context, shop *faspayShop, billNo string) error {
	var wallet struct {
		Links []struct{ ID, State string }
	}
	if err := d.control.get(ctx, "/wallets/"+demoPhone, &wallet); err != nil {
		return err
	}
	for _, link := range wallet.Links {
		if link.State == "active" {
			if err := d.control.post(ctx, "/wallets/"+demoPhone+"/links/"+link.ID+"/unlink", nil, nil); err != nil {
				return err
			}
		}
	}
	_, err := shop.pay(ctx, billNo)
	var refusal *ovo.Error
	if !errors.Is(err, ovo.ErrRenewLink) || !errors.As(err, &refusal) {
		return fmt.Errorf("a payment whose link the customer broke: %v", err)
	}
	d.tell("the customer broke the link in the app; the next payment is refused with %s and a page to renew it", refusal.Code)
	if err := d.link(ctx, shop, refusal.RenewURL); err != nil {
		return err
	}
	return d.buy(ctx, shop, billNo)
}

// withdraw cancels a payment before the customer has paid.
func (d *demo) withdraw(ctx context.Context, shop *faspayShop, billNo string) error {
	payment, err := shop.pay(ctx, billNo)
	if err != nil {
		return err
	}
	cancelled, err := shop.Cancel(ctx, ovo.FaspayCancelRequest{FaspayBill: ovo.FaspayBill{TrxID: payment.TrxID, BillNo: billNo}, Reason: "sold out"})
	if err != nil {
		return err
	}
	d.tell("payment %s withdrawn before the customer paid: %s", billNo, cancelled.State)
	return d.hearFaspay(ctx, shop, billNo, ovo.StateCancelled)
}

// hearFaspay waits for the notification of a payment.
func (d *demo) hearFaspay(ctx context.Context, shop *faspayShop, billNo string, state ovo.State) error {
	n, err := receive(ctx, shop.payments)
	if err != nil || n.BillNo != billNo || n.State != state {
		return fmt.Errorf("the notification of %s: %+v, %w", billNo, n, err)
	}
	d.tell("the merchant received the payment notification, signed: %s %s", n.BillNo, n.State)
	return nil
}

// now is the sandbox's time.
func (c controlAPI) now(ctx context.Context) (time.Time, error) {
	var clock struct{ Now time.Time }
	err := c.get(ctx, "/clock", &clock)
	return clock.Now, err
}
