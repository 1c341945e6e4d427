package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/signed"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

type triggerCommand struct {
	askFlags
	Event     string        `arg:"" optional:"" help:"What is to happen; the list of events if left out."`
	Merchant  string        `help:"The merchant to be told, by id, name, or id at a provider; the seeded one if left out." placeholder:"ID"`
	Phone     string        `help:"The wallet it happens to; opened and filled as needed, and its link to the merchant is made anew." default:"081290000001" placeholder:"PHONE"`
	Customer  string        `help:"The merchant's id of the customer." default:"trigger" placeholder:"ID"`
	Amount    money.Amount  `help:"Rupiah." default:"10000" placeholder:"RUPIAH"`
	Reference string        `help:"The merchant's number of the payment; made up if left out." placeholder:"NUMBER"`
	Wait      time.Duration `help:"How long to wait for the notification to be delivered." default:"35s" placeholder:"DURATION"`
}

// trigger makes an event happen.
type trigger struct {
	name string
	does string
	run  func(*staging, context.Context) error
}

var triggers = []trigger{
	{"snap.binding.active", "a customer links a wallet", func(s *staging, ctx context.Context) error { return s.bindSNAP(ctx, "approve") }},
	{"snap.binding.failed", "a customer gives up on the page", func(s *staging, ctx context.Context) error { return s.bindSNAP(ctx, "cancel") }},
	{"snap.payment.succeeded", "a RECURRING payment", func(s *staging, ctx context.Context) error { return s.paySNAP(ctx, snap.PaymentRecurring) }},
	{"snap.payment.cancelled", "a SALE that the customer cancels", func(s *staging, ctx context.Context) error { return s.paySNAP(ctx, snap.PaymentSale) }},
	{"jokul.payment.succeeded", "a recurring payment", func(s *staging, ctx context.Context) error { return s.payJokul(ctx, "jokul-recurring") }},
	{"jokul.payment.cancelled", "a one-time payment that the customer cancels", func(s *staging, ctx context.Context) error { return s.payJokul(ctx, "jokul-payment") }},
	{"push.payment.succeeded", "a push payment, approved on the phone", func(s *staging, ctx context.Context) error { return s.push(ctx, "approve") }},
	{"push.payment.cancelled", "a push payment, declined on the phone", func(s *staging, ctx context.Context) error { return s.push(ctx, "decline") }},
	{"faspay.binding.active", "a customer links a wallet", func(s *staging, ctx context.Context) error { return s.activate(ctx, "approve") }},
	{"faspay.binding.failed", "a customer gives up on the page", func(s *staging, ctx context.Context) error { return s.activate(ctx, "cancel") }},
	{"faspay.payment.succeeded", "a payment that the customer confirms", func(s *staging, ctx context.Context) error { return s.payFaspay(ctx, "approve") }},
	{"faspay.payment.cancelled", "a payment that the customer cancels", func(s *staging, ctx context.Context) error { return s.payFaspay(ctx, "cancel") }},
}

func (c triggerCommand) Run(ctx context.Context, std streams) error {
	if c.Event == "" {
		rows := [][]string{{"EVENT", "WHAT HAPPENS"}}
		for _, t := range triggers {
			rows = append(rows, []string{t.name, t.does})
		}
		return table(std.out, rows)
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	merchant, err := client.Merchant(ctx, c.Merchant)
	if err != nil {
		return err
	}
	stage, err := newStaging(client, merchant)
	if err != nil {
		return err
	}
	stage.Phone, stage.CustomerID, stage.Amount, stage.Reference = c.Phone, c.Customer, c.Amount, c.Reference
	n, err := stage.play(ctx, c.Event, c.Wait)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(std.out, n)
	} else {
		err = c.print(std.out, n)
	}
	if err == nil && n.State != "delivered" {
		err = errFailed
	}
	return err
}

func (c triggerCommand) print(w io.Writer, n sandbox.Notification) error {
	if err := printNotification(w, n); err != nil {
		return err
	}
	if n.State != "undeliverable" {
		return nil
	}
	_, err := fmt.Fprintln(w, "\nThe merchant has no address for it: set one with \"gerbang merchant update\", or run \"gerbang listen\" beside this.")
	return err
}

// staging makes events happen in a sandbox, as a merchant and its customer would.
type staging struct {
	signed.Values
	client   *control.Client
	merchant sandbox.Merchant
	keys     signed.Keys
}

func newStaging(client *control.Client, m sandbox.Merchant) (*staging, error) {
	keys, err := keysOf(m)
	return &staging{client: client, merchant: m, keys: keys, Values: signed.Values{
		ReturnURL: "https://shop.example/done", Format: faspay.JSON, AmountScale: scaleOf(m),
	}}, err
}

// scaleOf is what a rupiah is in the merchant's messages at Faspay.
func scaleOf(m sandbox.Merchant) int {
	if scale := m.Faspay.AmountScale; scale != nil {
		return *scale
	}
	return faspay.ScaleRupiah
}

// play makes an event happen and returns its notification, once that is delivered
// or has failed for now.
func (s *staging) play(ctx context.Context, event string, wait time.Duration) (n sandbox.Notification, err error) {
	for _, t := range triggers {
		if t.name != event {
			continue
		}
		if err := s.fill(ctx); err != nil {
			return n, err
		}
		seen, err := s.notifications(ctx)
		if err != nil {
			return n, err
		}
		if s.Reference == "" {
			s.Reference = fmt.Sprintf("TRG-%d", now().UnixMilli())
		}
		if err := t.run(s, ctx); err != nil {
			return n, fmt.Errorf("%s could not be made to happen: %w", event, err)
		}
		return s.delivered(ctx, event, seen, wait)
	}
	return n, usagef("there is no event %q; \"gerbang trigger\" lists them", event)
}

// fill sees to it that there is a wallet with enough in it.
func (s *staging) fill(ctx context.Context) error {
	path := "/wallets/" + url.PathEscape(s.Phone)
	var w sandbox.Wallet
	err := s.client.Get(ctx, path, &w)
	var refusal *sandbox.Problem
	if errors.As(err, &refusal) && refusal.Status == http.StatusNotFound {
		return s.client.Post(ctx, "/wallets", map[string]any{"phone": s.Phone, "name": "Trigger", "cash": s.Amount}, nil)
	}
	if err != nil || w.Cash >= s.Amount {
		return err
	}
	return s.client.Post(ctx, path+"/topup", map[string]any{"cash": s.Amount}, nil)
}

// notifications are those that the sandbox has now.
func (s *staging) notifications(ctx context.Context) (map[string]bool, error) {
	var list struct{ Notifications []sandbox.Notification }
	err := s.client.Get(ctx, "/notifications?limit=500", &list)
	seen := map[string]bool{}
	for _, n := range list.Notifications {
		seen[string(n.ID)] = true
	}
	return seen, err
}

// delivered waits for the notification of an event that was not there before.
func (s *staging) delivered(ctx context.Context, event string, before map[string]bool, wait time.Duration) (n sandbox.Notification, err error) {
	dialect, kind, _ := strings.Cut(event, ".")
	if dialect == "push" {
		dialect = signed.Jokul
	}
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("the notification of %s was not sent within %s", event, wait))
	defer cancel()
	for {
		var list struct{ Notifications []sandbox.Notification }
		if err := s.client.Get(context.WithoutCancel(ctx), "/notifications?limit=20", &list); err != nil {
			return n, err
		}
		for _, n := range list.Notifications {
			mine := !before[string(n.ID)] && string(n.MerchantID) == s.merchant.ID && string(n.Kind) == kind && n.Dialect == dialect
			if mine && (n.State != "queued" || len(n.Attempts) > 0) {
				return n, nil
			}
		}
		if !pause(ctx, pollInterval) {
			return n, context.Cause(ctx)
		}
	}
}

// call makes a signed call and reads the answer, which must be a success.
func (s *staging) call(ctx context.Context, name string, into any) error {
	s.At, s.RequestID = now(), ""
	call, _ := signed.FindCall(name)
	if call.UsesToken() {
		var err error
		if s.Token, err = fetchToken(ctx, s.client.Base, s.keys, s.At); err != nil {
			return err
		}
	}
	made, err := signed.Sign(name, s.keys, s.Values)
	if err != nil {
		return err
	}
	status, answer, err := send(ctx, s.client.Base, made.Message)
	if err != nil {
		return &control.Unreachable{Base: s.client.Base, Err: err}
	}
	if status/100 != 2 {
		return fmt.Errorf("%s was answered HTTP %d, %s", name, status, oneLine(string(answer)))
	}
	if call.Dialect == signed.Faspay {
		return faspay.ReadAnswer(s.Format, answer, into)
	}
	return json.Unmarshal(answer, into)
}

// activate links the wallet at Faspay, after ending a link that is there.
func (s *staging) activate(ctx context.Context, outcome string) error {
	if err := s.unlink(ctx); err != nil {
		return err
	}
	var a faspay.ActivationAnswer
	if err := s.call(ctx, "faspay-activation", &a); err != nil {
		return err
	}
	if a.RedirectURL == "" {
		return fmt.Errorf("faspay-activation was answered %s, %s", a.ResponseCode, a.ResponseDesc)
	}
	return s.complete(ctx, a.RedirectURL, outcome)
}

func (s *staging) payFaspay(ctx context.Context, outcome string) error {
	if err := s.activate(ctx, "approve"); err != nil {
		return err
	}
	var p faspay.PaymentAnswer
	if err := s.call(ctx, "faspay-payment", &p); err != nil {
		return err
	}
	if p.RedirectURL == "" {
		return fmt.Errorf("faspay-payment was answered %s, %s", p.ResponseCode, p.ResponseDesc)
	}
	return s.complete(ctx, p.RedirectURL, outcome)
}

// complete walks a hosted page.
func (s *staging) complete(ctx context.Context, page, outcome string) error {
	return s.client.Post(ctx, "/pages/complete", map[string]string{"url": page, "outcome": outcome}, nil)
}

// bindSNAP links the wallet, after ending a link that is there.
func (s *staging) bindSNAP(ctx context.Context, outcome string) error {
	if err := s.unlink(ctx); err != nil {
		return err
	}
	var binding snap.BindingAnswer
	if err := s.call(ctx, "snap-binding", &binding); err != nil {
		return err
	}
	s.AuthCode = binding.AdditionalInfo.AuthCode
	return s.complete(ctx, binding.RedirectURL, outcome)
}

// unlink ends the wallet's active link to the merchant.
func (s *staging) unlink(ctx context.Context) error {
	path := "/wallets/" + url.PathEscape(s.Phone)
	var w sandbox.Wallet
	if err := s.client.Get(ctx, path, &w); err != nil {
		return err
	}
	for _, l := range w.Links {
		if l.State == "active" && l.Merchant == deref(s.merchant.Name) {
			if err := s.client.Post(ctx, path+"/links/"+string(l.ID)+"/unlink", nil, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *staging) paySNAP(ctx context.Context, kind string) error {
	if err := s.bindSNAP(ctx, "approve"); err != nil {
		return err
	}
	var token snap.TokenB2B2CAnswer
	if err := s.call(ctx, "snap-customer-token", &token); err != nil {
		return err
	}
	s.CustomerToken, s.PaymentType = token.AccessToken, kind
	var payment snap.PaymentAnswer
	if err := s.call(ctx, "snap-payment", &payment); err != nil || kind == snap.PaymentRecurring {
		return err
	}
	return s.complete(ctx, payment.WebRedirectURL, "cancel")
}

func (s *staging) payJokul(ctx context.Context, call string) error {
	if err := s.unlink(ctx); err != nil {
		return err
	}
	var binding jokul.BindingAnswer
	if err := s.call(ctx, "jokul-binding", &binding); err != nil {
		return err
	}
	if err := s.complete(ctx, binding.OVOAccount.RegistrationURL, "approve"); err != nil {
		return err
	}
	var tokens jokul.TokensAnswer
	if err := s.call(ctx, "jokul-tokens", &tokens); err != nil {
		return err
	}
	if len(tokens.Wallet) == 0 {
		return fmt.Errorf("the binding left no token")
	}
	s.CustomerToken = tokens.Wallet[0].TokenID
	var payment jokul.PaymentAnswer
	if err := s.call(ctx, call, &payment); err != nil || payment.OVOAccount == nil {
		return err
	}
	return s.complete(ctx, payment.OVOAccount.PaymentURL, "cancel")
}

// push makes the call that waits, and answers it on the phone meanwhile.
func (s *staging) push(ctx context.Context, answer string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		var outcome jokul.PushAnswer
		failed <- s.call(ctx, "push", &outcome)
	}()
	path := "/wallets/" + url.PathEscape(s.Phone)
	for answered := false; ; {
		select {
		case err := <-failed:
			return err
		default:
		}
		var w sandbox.Wallet
		if err := s.client.Get(ctx, path, &w); err != nil {
			return err
		}
		for _, p := range w.Prompts {
			if p.InvoiceNumber == s.Reference && !answered {
				if err := s.client.Call(ctx, http.MethodPost, path+"/prompts/"+string(p.ID)+"/"+answer, nil, nil); err != nil {
					return err
				}
				answered = true
			}
		}
		if !pause(ctx, pollInterval) {
			return ctx.Err()
		}
	}
}
