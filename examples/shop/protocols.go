package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

// This file has what the shop must know of OVO: the merchant's credentials, and the
// protocols. It is all that changes when a shop moves from one to another.

// account is the merchant at the providers, in the form in which a sandbox shows it.
type account struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	DOKU struct {
		ClientID         string `json:"client_id"`
		SecretKey        string `json:"secret_key"`
		PrivateKey       string `json:"private_key_pem"`
		GatewayPublicKey string `json:"gateway_public_key_pem"`
	} `json:"doku"`
	Faspay struct {
		MerchantID string `json:"merchant_id"`
		UserID     string `json:"user_id"`
		Password   string `json:"password"`
	} `json:"faspay"`
}

// The paths of the shop that are in the merchant's settings.
const (
	pathBack       = "/back"
	pathSNAPToken  = "/snap/token"
	pathSNAPPaid   = "/snap/paid"
	pathSNAPLinked = "/snap/linked"
	pathJokul      = "/doku/ovo"
	pathFaspay     = "/faspay/paid"
)

// openAccount reads the credentials from a file or, without one, from a sandbox,
// where it also does what a merchant does in a provider's back office.
func openAccount(ctx context.Context, file, gateway, url, protocol string) (a account, err error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &a)
		}
		return a, err
	}
	var list struct{ Merchants []account }
	if err := control(ctx, http.MethodGet, gateway+"/sandbox/v1/merchants", nil, &list); err != nil {
		return a, fmt.Errorf("no sandbox (%w); start one with \"go run ./cmd/gerbang sandbox\"", err)
	}
	if len(list.Merchants) == 0 {
		return a, fmt.Errorf("the sandbox at %s has no merchant; start it without --no-seed", gateway)
	}
	a = list.Merchants[0]
	faspay := map[string]any{"notification_url": url + pathFaspay, "return_url": url + pathBack}
	if protocol == "faspay-xml" {
		faspay["format"] = "xml"
	} else {
		faspay["format"] = "json"
	}
	return a, control(ctx, http.MethodPatch, gateway+"/sandbox/v1/merchants/"+a.ID, map[string]any{
		"doku": map[string]any{
			"notification_url": url + pathJokul,
			"snap":             map[string]any{"token_url": url + pathSNAPToken, "notification_url": url + pathSNAPPaid, "binding_notification_url": url + pathSNAPLinked},
		},
		"faspay": faspay,
	}, nil)
}

// control makes a call of a sandbox's control API.
func control(ctx context.Context, method, url string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: HTTP %d", method, url, answer.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// method is a way to be paid by OVO: one protocol.
type method interface {
	// linked tells whether the customer lets the shop charge the wallet, or need not.
	linked(ctx context.Context, o order) (bool, error)
	// link begins linking and returns the page on which the customer consents.
	link(ctx context.Context, o order) (page string, err error)
	// charge asks for the money. page is where the customer confirms it, or "". With
	// [ovo.ErrOutcomeUnknown] nobody knows whether the money has moved.
	charge(ctx context.Context, o *order) (page string, err error)
	// settle asks the gateway until it is decided how a charge ended.
	settle(ctx context.Context, o order) (ovo.State, error)
	// refund gives all of the money back. It may be repeated.
	refund(ctx context.Context, o order) error
	// The handler is for the gateway's calls.
	http.Handler
}

// errByHand reports that the protocol has no call for what the shop wants.
var errByHand = errors.New("the provider's people must do this")

// speak makes the method of a protocol.
func (s *shop) speak(protocol, gateway string, a account) (method, error) {
	switch protocol {
	case "snap":
		return s.openSNAP(gateway, a)
	case "jokul", "push":
		return s.openJokul(gateway, a, protocol == "push")
	case "faspay-json":
		return s.openFaspay(gateway, a, ovo.FaspayJSON)
	case "faspay-xml":
		return s.openFaspay(gateway, a, ovo.FaspayXML)
	}
	return nil, fmt.Errorf("-protocol %q is none of snap, jokul, push, faspay-json and faspay-xml", protocol)
}

// customer is the shop's id of who has this phone. A shop with accounts has ids.
func customer(o order) string { return "shop-" + o.Phone }

// bySNAP is OVO on SNAP direct debit: bound once, then charged at once.
type bySNAP struct {
	http.Handler
	shop   *shop
	client *ovo.SNAPClient
}

func (s *shop) openSNAP(gateway string, a account) (method, error) {
	private, err := ovo.ParsePrivateKey(a.DOKU.PrivateKey)
	if err != nil {
		return nil, err
	}
	public, err := ovo.ParsePublicKey(a.DOKU.GatewayPublicKey)
	if err != nil {
		return nil, err
	}
	client, err := ovo.SNAP(ovo.SNAPConfig{BaseURL: gateway, ClientID: a.DOKU.ClientID, SecretKey: a.DOKU.SecretKey, PrivateKey: private})
	if err != nil {
		return nil, err
	}
	receiver, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: a.DOKU.ClientID, SecretKey: a.DOKU.SecretKey, PrivateKey: private, GatewayPublicKeys: []*rsa.PublicKey{public},
		TokenPath: pathSNAPToken, PaymentPath: pathSNAPPaid, BindingPath: pathSNAPLinked,
		OnPayment: func(_ context.Context, n ovo.PaymentNotification) error {
			return s.notified(n.Reference, n.State, n.Amount)
		},
		OnBinding: func(context.Context, ovo.BindingNotification) error { return nil }, // linked asks
		Log:       s.log,
	})
	return bySNAP{receiver, s, client}, err
}

func (m bySNAP) linked(ctx context.Context, o order) (bool, error) {
	code := m.shop.authCode(o.Phone)
	if code == "" {
		return false, nil
	}
	_, err := m.client.CustomerToken(ctx, code)
	if errors.Is(err, ovo.ErrCustomerToken) {
		return false, nil
	}
	return err == nil, err
}

func (m bySNAP) link(ctx context.Context, o order) (string, error) {
	back := m.shop.url + pathBack
	binding, err := m.client.Bind(ctx, ovo.BindRequest{Phone: o.Phone, CustomerID: customer(o), SuccessURL: back, FailureURL: back})
	if err != nil {
		return "", err
	}
	return binding.RedirectURL, m.shop.keepAuthCode(o.Phone, binding.AuthCode)
}

func (m bySNAP) charge(ctx context.Context, o *order) (string, error) {
	token, err := m.client.CustomerToken(ctx, m.shop.authCode(o.Phone))
	if err != nil {
		return "", err
	}
	_, err = m.client.Pay(ctx, ovo.PayRequest{CustomerToken: token.AccessToken, Reference: o.ID, Type: ovo.Recurring, Amount: price})
	return "", err
}

func (m bySNAP) settle(ctx context.Context, o order) (ovo.State, error) {
	status, err := m.client.Settle(ctx, ovo.StatusQuery{Reference: o.ID})
	return status.State, err
}

func (m bySNAP) refund(ctx context.Context, o order) error {
	_, err := m.client.Refund(ctx, ovo.RefundRequest{Reference: o.ID, RefundReference: o.ID + "-R", Amount: price, Reason: "returned"})
	return err
}

// byJokul is OVO Recurring, the API before SNAP.
type byJokul struct {
	http.Handler
	shop   *shop
	client *ovo.JokulClient
}

// byPush is OVO Push Payment, its sibling: the customer is asked in the OVO app.
type byPush struct {
	byJokul
	push *ovo.PushClient
}

func (s *shop) openJokul(gateway string, a account, push bool) (method, error) {
	c := ovo.JokulConfig{BaseURL: gateway, ClientID: a.DOKU.ClientID, SecretKey: a.DOKU.SecretKey}
	client, err := ovo.Jokul(c)
	if err != nil {
		return nil, err
	}
	receiver, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: a.DOKU.ClientID, SecretKey: a.DOKU.SecretKey, Path: pathJokul, Log: s.log,
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error {
			return s.notified(n.Invoice, n.State, n.Amount)
		},
	})
	m := byJokul{receiver, s, client}
	if err != nil || !push {
		return m, err
	}
	asking, err := ovo.Push(ovo.PushConfig(c))
	return byPush{m, asking}, err
}

func (m byJokul) linked(ctx context.Context, o order) (bool, error) {
	tokens, err := m.client.Tokens(ctx, customer(o))
	return len(tokens) > 0, err
}

func (m byJokul) link(ctx context.Context, o order) (string, error) {
	back := m.shop.url + pathBack
	binding, err := m.client.Bind(ctx, ovo.JokulBindRequest{Customer: ovo.JokulCustomer{ID: customer(o)}, Phone: o.Phone, SuccessURL: back, FailureURL: back})
	return binding.RedirectURL, err
}

func (m byJokul) charge(ctx context.Context, o *order) (string, error) {
	tokens, err := m.client.Tokens(ctx, customer(*o))
	if err != nil || len(tokens) == 0 {
		return "", cmp.Or(err, ovo.ErrCustomerToken)
	}
	_, err = m.client.Pay(ctx, ovo.JokulPayRequest{
		Customer: ovo.JokulCustomer{ID: customer(*o)}, Token: tokens[0].Token, Invoice: o.ID, Amount: price,
	})
	return "", err
}

func (m byJokul) settle(ctx context.Context, o order) (ovo.State, error) {
	status, err := m.client.Settle(ctx, o.ID)
	return status.State, err
}

func (m byJokul) refund(ctx context.Context, o order) error {
	status, err := m.client.Status(ctx, o.ID)
	if err != nil {
		return err
	}
	_, err = m.client.Refund(ctx, ovo.JokulRefundRequest{
		Invoice: o.ID, PaymentRequestID: status.RequestID, Amount: price, RequestID: o.ID + "-R", // so that a repeat is recognised
	})
	return err
}

func (m byPush) linked(context.Context, order) (bool, error) { return true, nil }

// charge does not wait for the customer; the call takes up to 70 seconds.
func (m byPush) charge(_ context.Context, o *order) (string, error) {
	id, phone := o.ID, o.Phone
	m.shop.background.Go(func() {
		_, err := m.push.Pay(m.shop.ctx, ovo.PushRequest{Phone: phone, Invoice: id, Amount: price})
		m.shop.charged(id, err)
	})
	return "", nil
}

// refund voids, which is possible on the day of the payment.
func (m byPush) refund(ctx context.Context, o order) error {
	status, err := m.client.Status(ctx, o.ID)
	if err != nil {
		return err
	}
	if status.Push == nil {
		return fmt.Errorf("the payment is %s", status.State)
	}
	_, err = m.push.Void(ctx, ovo.PushVoidRequest{Phone: o.Phone, Payment: *status.Push})
	return err
}

// byFaspay is Faspay's OVO Tokenize: linked once, then confirmed on a page each time.
type byFaspay struct {
	http.Handler
	client *ovo.FaspayClient
}

func (s *shop) openFaspay(gateway string, a account, format ovo.FaspayFormat) (method, error) {
	client, err := ovo.Faspay(ovo.FaspayConfig{
		BaseURL: gateway, MerchantID: a.Faspay.MerchantID, MerchantName: a.Name, UserID: a.Faspay.UserID, Password: a.Faspay.Password, Format: format,
	})
	if err != nil {
		return nil, err
	}
	receiver, err := ovo.NewFaspayReceiver(ovo.FaspayReceiverConfig{
		MerchantID: a.Faspay.MerchantID, UserID: a.Faspay.UserID, Password: a.Faspay.Password,
		NotificationPath: pathFaspay, Log: s.log,
		OnPayment: func(_ context.Context, n ovo.FaspayNotification) error {
			return s.notified(n.BillNo, n.State, n.Amount)
		},
		Client: client, // its signature does not cover the amount
	})
	return byFaspay{receiver, client}, err
}

func (m byFaspay) linked(ctx context.Context, o order) (bool, error) {
	_, err := m.client.Balance(ctx, o.Phone)
	if errors.Is(err, ovo.ErrRefused) {
		return false, nil
	}
	return err == nil, err
}

func (m byFaspay) link(ctx context.Context, o order) (string, error) {
	activation, err := m.client.Activate(ctx, ovo.FaspayActivateRequest{Phone: o.Phone, CustomerName: "Customer"})
	return activation.RedirectURL, err
}

func (m byFaspay) charge(ctx context.Context, o *order) (string, error) {
	payment, err := m.client.Pay(ctx, ovo.FaspayPayRequest{
		Phone: o.Phone, BillNo: o.ID, Description: product, Amount: price, CustomerName: "Customer", Email: "orders@shop.example",
	})
	o.TrxID = payment.TrxID
	return payment.RedirectURL, err
}

func (m byFaspay) settle(ctx context.Context, o order) (ovo.State, error) {
	if o.TrxID == "" { // the customer never got to a page, without which nobody is charged
		return ovo.StateFailed, nil
	}
	status, err := m.client.Settle(ctx, ovo.FaspayBill{TrxID: o.TrxID, BillNo: o.ID})
	return status.State, err
}

// refund looks whether the provider's people have done it.
func (m byFaspay) refund(ctx context.Context, o order) error {
	status, err := m.client.Inquire(ctx, ovo.FaspayBill{TrxID: o.TrxID, BillNo: o.ID})
	if err == nil && status.State != ovo.StateRefunded {
		err = errByHand
	}
	return err
}
