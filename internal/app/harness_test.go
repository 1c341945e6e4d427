package app_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/ovo"
)

// cheapPIN keeps the deliberately slow hash out of the tests' time.
var cheapPIN = gateway.PINCost{MemoryKiB: 64, Passes: 1}

// home is a new directory for an installation, with the URL of its database in it
// where that is not the default.
func home(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if os.Getenv("GERBANG_TEST_ENGINE") == storetest.Postgres.Name {
		writeDatabase(t, dir, storetest.URL(t))
	}
	return dir
}

func writeDatabase(t testing.TB, dir, url string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "database"), []byte(url), 0o600); err != nil {
		t.Fatal(err)
	}
}

// installed is the installation in a home.
func installed(dir string) app.Installation {
	url, _ := os.ReadFile(filepath.Join(dir, "database"))
	return app.Installation{DataDir: dir, Database: string(url)}
}

// start runs a sandbox in this process over a data directory.
func start(t testing.TB, dir string) *app.App {
	t.Helper()
	a, err := app.StartSandbox(t.Context(), app.Config{Installation: installed(dir), Addr: "127.0.0.1:0", PINCost: cheapPIN})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func stop(t testing.TB, a *app.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// control is the sandbox API of a running sandbox.
type control struct {
	t    testing.TB
	base string
}

// call sends one request and decodes the answer, which must have the status.
func (c control) call(method, path string, body any, status int, into any) {
	c.t.Helper()
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			c.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(context.Background(), method, c.base+"/sandbox/v1"+path, bytes.NewReader(payload))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != status {
		c.t.Fatalf("%s %s: HTTP %d, want %d: %s", method, path, resp.StatusCode, status, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

type wallet struct {
	Phone, Status, PIN string
	Cash, Points       int64
	OTPs               []struct {
		Code, Purpose, Merchant string
		PageURL                 string `json:"page_url"`
	}
	Links []struct{ ID, State, Merchant string }
}

func (c control) wallet(phone string) (w wallet) {
	c.t.Helper()
	c.call("GET", "/wallets/"+phone, nil, 200, &w)
	return w
}

// newWallet opens a wallet with a balance in cash.
func (c control) newWallet(phone string, cash int64) {
	c.t.Helper()
	c.call("POST", "/wallets", map[string]any{"phone": phone, "cash": cash}, 201, nil)
}

// complete walks a hosted page and returns where it sent the browser.
func (c control) complete(url, outcome string) string {
	c.t.Helper()
	var out struct {
		RedirectTo string `json:"redirect_to"`
	}
	c.call("POST", "/pages/complete", map[string]any{"url": url, "outcome": outcome}, 200, &out)
	return out.RedirectTo
}

// auditClean checks the books through the API.
func (c control) auditClean() {
	c.t.Helper()
	var audit struct {
		OK         bool
		Invariants []struct {
			ID, Detail string
			OK         bool
		}
	}
	c.call("POST", "/audit", nil, 200, &audit)
	for _, v := range audit.Invariants {
		if !v.OK {
			c.t.Errorf("%s: %s", v.ID, v.Detail)
		}
	}
	if len(audit.Invariants) < 15 || !audit.OK && !c.t.Failed() {
		c.t.Errorf("audit %+v", audit)
	}
}

type merchant struct {
	ID   string
	Name string
	DOKU struct {
		ClientID            string `json:"client_id"`
		SecretKey           string `json:"secret_key"`
		PublicKeyPEM        string `json:"public_key_pem"`
		PrivateKeyPEM       string `json:"private_key_pem"`
		GatewayPublicKeyPEM string `json:"gateway_public_key_pem"`
		SNAP                struct {
			NotificationURL string `json:"notification_url"`
		}
	}
}

func (c control) seededMerchant() merchant {
	c.t.Helper()
	var list struct{ Merchants []merchant }
	c.call("GET", "/merchants", nil, 200, &list)
	if len(list.Merchants) != 1 {
		c.t.Fatalf("%d merchants are seeded", len(list.Merchants))
	}
	return list.Merchants[0]
}

// snapClient is an SDK client for a merchant.
func (c control) snapClient(m merchant, change ...func(*ovo.SNAPConfig)) *ovo.SNAPClient {
	c.t.Helper()
	key, err := ovo.ParsePrivateKey(m.DOKU.PrivateKeyPEM)
	if err != nil {
		c.t.Fatal(err)
	}
	config := ovo.SNAPConfig{BaseURL: c.base, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, PrivateKey: key, HTTPClient: client}
	for _, f := range change {
		f(&config)
	}
	s, err := ovo.SNAP(config)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// bind binds a wallet and returns its customer token.
func (c control) bind(s *ovo.SNAPClient, phone, customer string) string {
	c.t.Helper()
	b, err := s.Bind(context.Background(), ovo.BindRequest{Phone: phone, CustomerID: customer, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		c.t.Fatal(err)
	}
	if to := c.complete(b.RedirectURL, "approve"); to != "https://shop.test/ok" {
		c.t.Fatalf("binding sent the browser to %s", to)
	}
	token, err := s.CustomerToken(context.Background(), b.AuthCode)
	if err != nil {
		c.t.Fatal(err)
	}
	return token.AccessToken
}

// receiver is a merchant's server that hears SNAP notifications, and can be told
// to fail.
type receiver struct {
	server   *httptest.Server
	payments chan ovo.PaymentNotification
	bindings chan ovo.BindingNotification
	down     atomic.Int64  // how many calls to come are answered 503
	refused  chan struct{} // one for each of them

	mu   sync.Mutex
	keys []string // of the events received
}

func newReceiver(t testing.TB, c control, m merchant) *receiver {
	t.Helper()
	key, err := ovo.ParsePrivateKey(m.DOKU.PrivateKeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	gatewayKey, err := ovo.ParsePublicKey(m.DOKU.GatewayPublicKeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{payments: make(chan ovo.PaymentNotification, 1000), bindings: make(chan ovo.BindingNotification, 1000), refused: make(chan struct{}, 1000)}
	inner, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, PrivateKey: key, GatewayPublicKeys: []*rsa.PublicKey{gatewayKey},
		TokenPath: "/token", PaymentPath: "/notify", BindingPath: "/bound", Seen: everyTime{},
		OnPayment: func(_ context.Context, n ovo.PaymentNotification) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.keys = append(r.keys, n.EventKey)
			r.payments <- n
			return nil
		},
		OnBinding: func(_ context.Context, n ovo.BindingNotification) error { r.bindings <- n; return nil },
		// The sandbox's clock may be far ahead; what it signs is judged leniently here.
		Now: func() time.Time { return gatewayTime(c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/notify" && r.down.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			r.refused <- struct{}{}
			return
		}
		inner.ServeHTTP(w, req)
	}))
	t.Cleanup(r.server.Close)
	c.call("PATCH", "/merchants/"+m.ID, map[string]any{"doku": map[string]any{"snap": map[string]string{
		"token_url": r.server.URL + "/token", "notification_url": r.server.URL + "/notify", "binding_notification_url": r.server.URL + "/bound",
	}}}, 200, nil)
	return r
}

// gatewayTime is the sandbox's time, or this machine's while it does not answer.
func gatewayTime(c control) time.Time {
	resp, err := client.Get(c.base + "/sandbox/v1/clock")
	if err != nil {
		return time.Now()
	}
	defer resp.Body.Close()
	var clock struct{ Now time.Time }
	if json.NewDecoder(resp.Body).Decode(&clock) != nil {
		return time.Now()
	}
	return clock.Now
}

// wait receives from a channel, or fails the test after a generous time.
func wait[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	timeout := time.NewTimer(30 * time.Second)
	defer timeout.Stop()
	select {
	case v := <-from:
		return v
	case <-timeout.C:
		t.Fatalf("%s did not arrive", what)
		panic("unreachable")
	}
}

type notification struct {
	ID, State, Kind, Subject string
	EventID                  string     `json:"event_id"`
	NextAt                   *time.Time `json:"next_at"`
	Attempts                 []struct {
		Number int
		Status int
		At     time.Time
		Error  string
	}
}

// notificationOf waits until the newest notification of a subject satisfies done.
func (c control) notificationOf(subject string, done func(notification) bool) notification {
	c.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		var list struct{ Notifications []notification }
		c.call("GET", "/notifications?subject="+subject, nil, 200, &list)
		if len(list.Notifications) > 0 && done(list.Notifications[0]) {
			return list.Notifications[0]
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("notifications of %s: %+v", subject, list.Notifications)
		}
	}
}

type payment struct {
	ID, Reference, Order, State, Reason string
	Amount                              int64
	RefundedCash                        int64 `json:"refunded_cash"`
}

// payments lists every payment.
func (c control) payments() (all []payment) {
	c.t.Helper()
	before := ""
	for {
		var page struct{ Payments []payment }
		c.call("GET", fmt.Sprintf("/payments?limit=500&before=%s", before), nil, 200, &page)
		if len(page.Payments) == 0 {
			return all
		}
		all = append(all, page.Payments...)
		before = page.Payments[len(page.Payments)-1].ID
	}
}

// everyTime lets repeats of an event through, so that tests see each delivery.
type everyTime struct{}

func (everyTime) Once(ctx context.Context, _ string, handle func(context.Context) error) error {
	return handle(ctx)
}
