package pages_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/pages"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

const (
	pin        = "482915"
	wrongPIN   = "482916"
	successURL = "https://shop.test/ok?order=1&note=a%20b%26c#done"
	failureURL = "https://gagal.shop.test:8443/fail?order=1"
)

// bundle is the pages over a gateway with a database of its own, one merchant and
// one wallet. Its visitor keeps no cookies and follows no redirects.
type bundle struct {
	*gateway.Gateway
	t        testing.TB
	clock    *gateway.MovableClock
	db       *failingStore
	merchant gateway.Merchant
	wallet   gateway.Wallet
	binding  gateway.Binding // set once a payment is made
	urls     gateway.ReturnURLs
	base     string
	log      *logBuffer
}

// options change what setup makes; zero members take usual values.
type options struct {
	merchant   string
	production bool
	urls       gateway.ReturnURLs
	returnURL  func(context.Context, gateway.PageView) string
}

func setup(t testing.TB, o options) *bundle {
	t.Helper()
	keys := must(seal.New(seal.NewMasterKey()))(t)
	clock := gateway.NewMovableClock(0)
	db := must(store.Open(t.Context(), store.Config{URL: storetest.URL(t), Keys: keys, Clock: clock}))(t)
	t.Cleanup(func() { db.Close() })
	failing := &failingStore{Store: db}
	if o.merchant == "" {
		o.merchant = "Toko Maju"
	}
	if o.urls == (gateway.ReturnURLs{}) {
		o.urls = gateway.ReturnURLs{Success: successURL, Failure: failureURL}
	}
	b := &bundle{t: t, clock: clock, db: failing, urls: o.urls, log: &logBuffer{}, Gateway: gateway.New(gateway.Config{
		Store: failing, Clock: clock, Keys: keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1},
	})}
	b.merchant = must(b.CreateMerchant(t.Context(), gateway.Merchant{Name: o.merchant, DOKU: gateway.DOKU{ClientID: "BRN-0001"}}))(t)
	b.wallet = must(b.CreateWallet(t.Context(), gateway.NewWallet{
		Phone: "081200003021", Name: "Sari", PIN: pin, Balance: ledger.Split{Cash: 100_000},
	}))(t)

	c := pages.Config{Gateway: b.Gateway, ReturnURL: o.returnURL, Log: slog.New(slog.NewJSONHandler(b.log, nil))}
	if !o.production {
		c.Sandbox = true
		c.InboxURL = func(p gateway.Phone) string { return "/phone/" + string(p) }
	}
	mux := http.NewServeMux()
	pages.New(c).Mount(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b.base = server.URL
	return b
}

// must unwraps a result that may not fail.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// failingStore is a store that can be made to fail.
type failingStore struct {
	*store.Store
	failure atomic.Pointer[error]
}

func (f *failingStore) fail(err error) { f.failure.Store(&err) }

func (f *failingStore) View(ctx context.Context, fn func(gateway.Tx) error) error {
	if err := f.failure.Load(); err != nil {
		return *err
	}
	return f.Store.View(ctx, fn)
}

func (f *failingStore) Peek(ctx context.Context, fn func(gateway.Tx) error) error {
	if err := f.failure.Load(); err != nil {
		return *err
	}
	return f.Store.Peek(ctx, fn)
}

func (f *failingStore) Update(ctx context.Context, fn func(gateway.Tx) error) error {
	if err := f.failure.Load(); err != nil {
		return *err
	}
	return f.Store.Update(ctx, fn)
}

// logBuffer keeps what was logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// bindingPage opens a page that confirms a binding.
func (b *bundle) bindingPage(customer string) gateway.Page {
	b.t.Helper()
	_, page, err := b.StartBinding(context.Background(), gateway.StartBinding{
		Merchant: b.merchant.ID, Phone: b.wallet.Phone, CustomerID: customer, Dialect: "snap", Return: b.urls,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return page
}

// paymentPage opens a page that confirms a payment of Rp30.000.
func (b *bundle) paymentPage() gateway.Page {
	b.t.Helper()
	if b.binding.ID == "" {
		p := b.bindingPage("customer")
		must(b.EnterOTP(context.Background(), p.Key, b.otp(p)))(b.t)
		must(b.EnterPIN(context.Background(), p.Key, pin))(b.t)
		b.binding = must(b.BindingsOf(context.Background(), b.wallet.Phone))(b.t)[0]
	}
	_, page, err := b.CreatePayment(context.Background(), gateway.CreatePayment{
		Merchant: b.merchant.ID, Binding: b.binding.ID, Channel: gateway.SNAPSale, Dialect: "snap", Reference: "INV-1", RequestID: "req-1",
		Amount: 30_000, Use: ledger.UseCash, Fingerprint: "f", Return: b.urls,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return page
}

// page opens a page of either kind.
func (b *bundle) page(payment bool) gateway.Page {
	b.t.Helper()
	if payment {
		return b.paymentPage()
	}
	return b.bindingPage("customer")
}

// otp reads a page's code as the wallet's owner would.
func (b *bundle) otp(p gateway.Page) string {
	b.t.Helper()
	for _, item := range must(b.Inbox(context.Background(), b.wallet.Phone))(b.t) {
		if item.Page.Key == p.Key {
			return item.Code
		}
	}
	b.t.Fatal("no live code for the page")
	return ""
}

func (b *bundle) wrongOTP(p gateway.Page) string {
	if b.otp(p) == "000000" {
		return "111111"
	}
	return "000000"
}

// state reads where a page stands without changing it.
func (b *bundle) state(p gateway.Page) (now gateway.Page) {
	b.t.Helper()
	err := b.db.View(context.Background(), func(tx gateway.Tx) (err error) {
		now, err = tx.Page(p.ID)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return now
}

// answer is what a visitor got.
type answer struct {
	*http.Response
	body string
}

// String is the page without its style sheet.
func (a answer) String() string { return styleElement.ReplaceAllString(a.body, "") }

// get opens an address, by default in English.
func (b *bundle) get(path string, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", header...)
}

// post sends a form's fields, given as name and value in turns.
func (b *bundle) post(path string, fields ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for pair := range slices.Chunk(fields, 2) {
		form.Add(pair[0], pair[1])
	}
	return b.do(http.MethodPost, path, form.Encode())
}

func (b *bundle) do(method, path, body string, header ...string) answer {
	b.t.Helper()
	r := must(http.NewRequest(method, b.base+path, strings.NewReader(body)))(b.t)
	r.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	response := must(http.DefaultTransport.RoundTrip(r))(b.t)
	defer response.Body.Close()
	a := answer{response, string(must(io.ReadAll(response.Body))(b.t))}
	b.checkEveryAnswer(a)
	return a
}

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// checkEveryAnswer demands what holds for all answers of the pages.
func (b *bundle) checkEveryAnswer(a answer) {
	b.t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Set-Cookie": "",
	} {
		if got := strings.Join(a.Header.Values(name), ", "); got != want {
			b.t.Errorf("%d answer has %s %q, want %q", a.StatusCode, name, got, want)
		}
	}
	policy := directives(b.t, a.Header.Get("Content-Security-Policy"))
	if got := slices.Sorted(maps.Keys(policy)); !slices.Equal(got, []string{"base-uri", "default-src", "form-action", "frame-ancestors", "style-src"}) {
		b.t.Errorf("%d answer has a policy for %q", a.StatusCode, got)
	}
	for name, want := range map[string]string{"default-src": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'"} {
		if policy[name] != want {
			b.t.Errorf("%d answer has %s %q, want %q", a.StatusCode, name, policy[name], want)
		}
	}
	if a.StatusCode == http.StatusSeeOther || a.Request.Method == http.MethodHead {
		return
	}
	if got := a.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		b.t.Errorf("%d answer is %s", a.StatusCode, got)
	}
	styles := styleElement.FindAllStringSubmatch(a.body, -1)
	if len(styles) != 1 || policy["style-src"] != "'"+sha256Source(styles[0][1])+"'" {
		b.t.Errorf("%d answer has %d style sheets; style-src %s does not allow them", a.StatusCode, len(styles), policy["style-src"])
	}
	checkMarkup(b.t, a)
}

var (
	tag     = regexp.MustCompile(`<[a-zA-Z!/][^>]*>`)
	tagName = regexp.MustCompile(`^</?!?([a-zA-Z0-9]+)[\s>]`)
)

// elements are those that the template uses.
var elements = strings.Fields("doctype html head meta title style body aside strong header span nav a main section h1 dl div dt dd bdi p form input label button")

// checkMarkup demands that nothing a page shows has become markup that the
// template does not have.
func checkMarkup(t testing.TB, a answer) {
	t.Helper()
	for _, found := range tag.FindAllString(a.body, -1) {
		name := tagName.FindStringSubmatch(found)
		if name == nil || !slices.Contains(elements, strings.ToLower(name[1])) {
			t.Errorf("unexpected element %s", found)
		}
		for _, forbidden := range []string{"javascript:", " on", " style=", " src=", "evil.test"} {
			if strings.Contains(strings.ToLower(found), forbidden) {
				t.Errorf("unexpected attribute in %s", found)
			}
		}
	}
	for _, broken := range []string{"ZgotmplZ", "%!", "<no value>"} {
		if strings.Contains(a.body, broken) {
			t.Errorf("the page contains %q:\n%s", broken, a)
		}
	}
}

func directives(t testing.TB, policy string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for directive := range strings.SplitSeq(policy, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), " ")
		if _, twice := all[name]; twice {
			t.Errorf("the policy has %s twice: %s", name, policy)
		}
		all[name] = value
	}
	return all
}

// wants fails the test unless the answer has the status and contains the texts.
func (a answer) wants(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d\n%s", a.StatusCode, status, a)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page lacks %q:\n%s", text, a)
		}
	}
}

// wantsRedirect fails the test unless the answer leads there.
func (a answer) wantsRedirect(t testing.TB, to string) {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != to {
		t.Fatalf("status %d to %q, want 303 to %q\n%s", a.StatusCode, a.Header.Get("Location"), to, a)
	}
}
