package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

const (
	secret = "ZXhhbXBsZSBpc3N1ZXIgYW5kIHNlcnZlciBhZ3JlZSBvbiBpdA=="
	phone  = "081200000001"
	pin    = "864209"
)

// output collects what the issuer prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.grew <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

// until waits for a line and returns what it says in brackets.
func (o *output) until(t *testing.T, line *regexp.Regexp) string {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		o.mu.Lock()
		found, text := line.FindStringSubmatch(o.text.String()), o.text.String()
		o.mu.Unlock()
		if found != nil {
			return found[1]
		}
		select {
		case <-o.grew:
		case <-end:
			t.Fatalf("no line %s in\n%s", line, text)
		}
	}
}

// The example and a server: a customer binds with the code that the example prints,
// and pushes are approved or declined by it.
func TestWithServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Serve(t.Context(), app.ServeConfig{
		Installation: app.Installation{DataDir: t.TempDir(), MasterKey: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
		BaseURL:      "https://pay.example.id", PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1},
		Listen: app.Listen{API: "127.0.0.1:0", Admin: "127.0.0.1:0"},
		Issuer: app.Issuer{URL: "http://" + listener.Addr().String() + "/messages", Secret: "whsec_" + secret},
	})
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	out := &output{grew: make(chan struct{}, 1)}
	w := &wallets{gerbang: "http://" + a.Listening.Issuer, key: key, pin: pin, upTo: 50_000, out: out, seen: map[string]bool{}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.run(ctx, listener) }()
	t.Cleanup(func() {
		stopping, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		if err := a.Stop(stopping); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})

	answer, err := w.call(http.MethodPost, "/issuer/v1/wallets", map[string]any{"phone": phone, "name": "Sari", "pin": pin})
	if err != nil || !strings.HasPrefix(answer, "HTTP 201 ") {
		t.Fatal(answer, err)
	}
	if answer, err = w.call(http.MethodPost, "/issuer/v1/wallets/"+phone+"/topup", map[string]any{"cash": 100_000}); err != nil || !strings.Contains(answer, `"cash":100000`) {
		t.Fatal(answer, err)
	}
	m, err := a.Gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Toko"})
	if err != nil {
		t.Fatal(err)
	}
	_, page, err := a.Gateway.StartBinding(t.Context(), gateway.StartBinding{Merchant: m.ID, Phone: phone, CustomerID: "c", Dialect: "snap"})
	if err != nil {
		t.Fatal(err)
	}
	code := out.until(t, regexp.MustCompile(`To `+phone+`: your code for the binding at Toko is (\d{6})`))
	if _, err := a.Gateway.EnterOTP(t.Context(), page.Key, code); err != nil {
		t.Error(err)
	}
	if v, err := a.Gateway.EnterPIN(t.Context(), page.Key, pin); err != nil || v.Page.State != gateway.PageDone {
		t.Errorf("the page is %s, %v", v.Page.State, err)
	}

	for invoice, push := range map[string]struct {
		amount money.Amount
		state  gateway.PaymentState
	}{"INV-1": {50_000, gateway.PaymentSucceeded}, "INV-2": {50_001, gateway.PaymentCancelled}} {
		s, err := a.Gateway.StartPush(t.Context(), gateway.StartPush{
			Merchant: m.ID, Dialect: "jokul", Phone: phone, Reference: invoice, Amount: push.amount, Proof: invoice, Fingerprint: invoice,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Gateway.AwaitPush(t.Context(), s.Payment.ID, nil); err != nil {
			t.Error(err)
		}
		if s, err = a.Gateway.Push(t.Context(), s.Payment.ID); err != nil || s.Payment.State != push.state {
			t.Errorf("%s is %s, %v", invoice, s.Payment.State, err)
		}
	}
	if wallet, err := a.Gateway.Wallet(t.Context(), phone); err != nil || wallet.Balance != (ledger.Split{Cash: 50_000}) {
		t.Errorf("%+v, %v", wallet, err)
	}

	// What was not signed is not shown to anybody.
	resp, err := http.Post("http://"+listener.Addr().String()+"/messages", "application/json", strings.NewReader(`{"type":"code.created"}`))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("unsigned: %v, %v", resp, err)
	}
}
