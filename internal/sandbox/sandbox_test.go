package sandbox_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/internal/web"
)

// Making an RSA key is slow; the tests share one.
var seedKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

const (
	anton = "081211111111" // 100,000 in each purse
	citra = "081222222222" // 1,000,000 cash
	pin   = "123456"
)

// box is a seeded sandbox over a real database and real HTTP.
type box struct {
	t        testing.TB
	gateway  *gateway.Gateway
	sandbox  *sandbox.Sandbox
	clock    *gateway.MovableClock
	server   *httptest.Server
	client   *http.Client // follows no redirect
	merchant gateway.Merchant
	draining chan struct{}
}

func open(t testing.TB) *box {
	t.Helper()
	keys, err := seal.New(seal.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, clock: gateway.NewMovableClock(0), draining: make(chan struct{})}
	db, err := store.Open(t.Context(), store.Config{URL: storetest.URL(t), Keys: keys, Clock: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	scenarios := sandbox.NewScenarios()
	b.gateway = gateway.New(gateway.Config{
		Store: db, Clock: b.clock, Keys: keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}, Force: scenarios.Force,
		Rules: gateway.DefaultRules.Unmetered(),
	})
	mux := http.NewServeMux()
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	b.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: time.Minute}
	b.sandbox = sandbox.New(sandbox.Config{
		Gateway: b.gateway, Clock: b.clock, BaseURL: b.server.URL, Version: "test", Database: "sqlite:test",
		PageURL: func(p gateway.Page) string { return "https://pages.test/" + p.Key },
		Key:     seedKey(), SeedKey: seedKey(), SaveOffset: func(context.Context, time.Duration) error { return nil },
		Scenarios: scenarios, Draining: b.draining,
	})
	b.sandbox.Mount(mux)
	web.MountAssets(mux)
	if err := b.sandbox.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.readMerchant()
	return b
}

func (b *box) readMerchant() {
	b.t.Helper()
	m, err := b.gateway.MerchantByDOKUClient(context.Background(), sandbox.SeedClientID)
	if err != nil {
		b.t.Fatal(err)
	}
	b.merchant = m
}

// api calls the control API and returns what it answered.
func (b *box) api(method, path, body string, wantStatus int) map[string]any {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+"/sandbox/v1"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode != wantStatus {
		b.t.Fatalf("%s %s %s: HTTP %d %s, want %d", method, path, body, resp.StatusCode, raw, wantStatus)
	}
	wantType := "application/json"
	if wantStatus >= 400 {
		wantType = "application/problem+json"
	}
	if got := resp.Header.Get("Content-Type"); got != wantType {
		b.t.Errorf("%s %s: Content-Type %q", method, path, got)
	}
	var answer map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		b.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
	}
	return answer
}

// at digs a member out of an answer; keys are member names and list indexes.
func at(t testing.TB, v any, keys ...any) any {
	t.Helper()
	for _, key := range keys {
		switch k := key.(type) {
		case string:
			object, ok := v.(map[string]any)
			if !ok || object[k] == nil {
				t.Fatalf("no %q in %v", k, v)
			}
			v = object[k]
		case int:
			list, ok := v.([]any)
			if !ok || len(list) <= k {
				t.Fatalf("no element %d in %v", k, v)
			}
			v = list[k]
		}
	}
	return v
}

func (b *box) tryPush(phone gateway.Phone, invoice string, amount money.Amount) (gateway.PushStatus, error) {
	content := fmt.Sprint(phone, invoice, amount)
	return b.gateway.StartPush(context.Background(), gateway.StartPush{
		Merchant: b.merchant.ID, Dialect: "jokul", Phone: phone, Reference: invoice, RequestID: "req-" + invoice, Amount: amount,
		Proof: "sum of " + content, Fingerprint: content,
	})
}

func (b *box) push(phone gateway.Phone, invoice string, amount money.Amount) gateway.Payment {
	b.t.Helper()
	s, err := b.tryPush(phone, invoice, amount)
	if err != nil {
		b.t.Fatal(err)
	}
	return s.Payment
}

func (b *box) payment(id gateway.PaymentID) gateway.Payment {
	b.t.Helper()
	s, err := b.gateway.Push(context.Background(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return s.Payment
}

// page is what a browser got.
type page struct {
	status   int
	html     string
	header   http.Header
	location string
}

func (b *box) visit(method, path string, form url.Values, header ...string) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	req.Header.Set("Accept-Language", "en")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{resp.StatusCode, string(raw), resp.Header, resp.Header.Get("Location")}
	b.wantSecure(method+" "+path, p.header)
	return p
}

func (b *box) get(path string, header ...string) page {
	b.t.Helper()
	return b.visit(http.MethodGet, path, nil, header...)
}

// wantSecure proves the headers that everything for people carries.
func (b *box) wantSecure(what string, h http.Header) {
	b.t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": web.Policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY",
	} {
		if got := h.Get(name); got != want {
			b.t.Errorf("%s: %s is %q, want %q", what, name, got, want)
		}
	}
}

func (p page) want(t testing.TB, status int, texts ...string) page {
	t.Helper()
	if p.status != status {
		t.Fatalf("HTTP %d, want %d: %s", p.status, status, p.html)
	}
	for _, text := range texts {
		if !strings.Contains(p.html, text) {
			t.Errorf("the page lacks %q: %s", text, p.html)
		}
	}
	return p
}

// lacks proves that a page does not say something.
func (p page) lacks(t testing.TB, texts ...string) page {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.html, text) {
			t.Errorf("the page says %q: %s", text, p.html)
		}
	}
	return p
}

// auditClean proves that the books balance.
func (b *box) auditClean() {
	b.t.Helper()
	if answer := b.api("POST", "/audit", "", 200); answer["ok"] != true {
		b.t.Errorf("audit: %v", answer)
	}
}
