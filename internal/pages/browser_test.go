package pages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/pages"
	"github.com/gerbang-pay/gerbang/internal/web/webtest"
)

// browser has the screen of a small phone.
type browser struct {
	*webtest.Browser
	t testing.TB
}

func newBrowser(t testing.TB) browser {
	t.Helper()
	b := browser{webtest.Open(t), t}
	b.Screen(360, 740, false)
	return b
}

// submit presses the button that sends the form with the action, and waits until
// the next page is there.
func (b browser) submit(action string) {
	b.t.Helper()
	b.Click(fmt.Sprintf(`form:has(input[value=%q]) button`, action))
}

// checkPage demands what makes a page usable on a phone.
func (b browser) checkPage() {
	b.t.Helper()
	if !webtest.Eval[bool](b.Browser, `[...document.querySelectorAll("input:not([type=hidden])")].every(i => i.labels.length == 1 && i.inputMode == "numeric")`) {
		b.t.Error("a field has no label or no numeric keyboard")
	}
	small := webtest.Eval[[]string](b.Browser, `[...document.querySelectorAll("button, a, input:not([type=hidden])")].filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)`)
	if len(small) > 0 {
		b.t.Errorf("less than 44 pixels high: %s", small)
	}
	for _, width := range []int64{320, 360} {
		b.Screen(width, 740, false)
		if got := webtest.Eval[int64](b.Browser, "document.documentElement.scrollWidth"); got > width {
			b.t.Errorf("the page is %d pixels wide on a screen of %d", got, width)
		}
	}
}

// checkQuiet demands that no script ran and that nothing was asked of anybody but
// the pages and the merchant.
func (b browser) checkQuiet(servers ...string) {
	b.t.Helper()
	if webtest.Eval[bool](b.Browser, "'pwned' in window") {
		b.t.Error("a script ran")
	}
	for i, server := range servers {
		servers[i] = strings.TrimPrefix(server, "http://")
	}
	b.Quiet(servers...)
}

// shop plays the merchant's web site.
type shop struct {
	*httptest.Server
	mu      sync.Mutex
	visits  []string // "GET /path?query"
	referer []string
}

func newShop(t testing.TB) *shop {
	s := &shop{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.visits = append(s.visits, r.Method+" "+r.URL.String())
		s.referer = append(s.referer, r.Referer()+r.Header.Get("Origin"))
		if to := r.FormValue("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		fmt.Fprintln(w, "<!doctype html><title>Shop</title><p>Thank you")
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shop) check(t testing.TB, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.visits); diff != "" {
		t.Errorf("visits to the shop (-want +got):\n%s", diff)
	}
	for _, referer := range s.referer {
		if strings.Contains(referer, "direct-debit") || strings.Contains(referer, "http") {
			t.Errorf("the shop learnt the page's address: %s", referer)
		}
	}
}

func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	t.Parallel()

	t.Run("how to fill a wallet", func(t *testing.T) {
		t.Parallel()
		b := setup(t, options{})
		web := newBrowser(t)
		for _, way := range pages.Guides() {
			web.Open(b.base + way.Path + "?lang=en")
			web.checkPage()
			if text := web.Text(); !strings.Contains(text, "Top up OVO") || !strings.Contains(text, "Other ways") {
				t.Errorf("%s reads:\n%s", way.Path, text)
			}
		}
		web.checkQuiet(b.base)
	})

	t.Run("a binding and a payment", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		b := setup(t, options{
			merchant: "Warung Ibu Sri " + hostileNames[0] + strings.Repeat("panjang", 8),
			urls:     gateway.ReturnURLs{Success: s.URL + "/ok?order=1&note=a%20b", Failure: s.URL + "/fail"},
		})
		web := newBrowser(t)

		p := b.bindingPage("customer")
		web.Open(b.base + pages.Path(p))
		web.checkPage()
		if text := web.Text(); !strings.Contains(text, "<script>pwned=1</script>") || !strings.Contains(text, "****3021") {
			t.Errorf("the first page reads:\n%s", text)
		}
		web.Fill("#code", b.wrongOTP(p))
		web.submit("otp")
		web.checkPage()
		if got := webtest.Eval[string](web.Browser, "document.activeElement.id + document.activeElement.value"); got != "code" {
			t.Errorf("after a wrong code the focus is on %q", got)
		}
		if got := webtest.Eval[string](web.Browser, "document.querySelector('[role=alert]').innerText"); !strings.Contains(got, "2") {
			t.Errorf("the alert reads %q", got)
		}
		web.submit("resend")
		web.Fill("#code", b.otp(p))
		web.submit("otp")
		web.checkPage()
		web.Fill("#pin", wrongPIN)
		web.submit("pin")
		web.checkPage()
		if got := webtest.Eval[string](web.Browser, "document.activeElement.id + document.activeElement.value"); got != "pin" {
			t.Errorf("after a wrong PIN the focus is on %q", got)
		}
		web.Fill("#pin", pin)
		web.submit("pin")
		if got := webtest.Eval[string](web.Browser, "location.href"); got != b.urls.Success {
			t.Fatalf("the browser ended at %s", got)
		}
		b.binding = must(b.BindingsOf(t.Context(), b.wallet.Phone))(t)[0]
		if b.binding.State != gateway.BindingActive {
			t.Errorf("the binding is %s", b.binding.State)
		}

		p = b.paymentPage()
		web.Open(b.base + pages.Path(p))
		web.checkPage()
		web.Fill("#code", b.otp(p))
		web.submit("otp")
		web.checkPage()
		if text := web.Text(); !strings.Contains(text, "Rp30.000") {
			t.Errorf("the PIN page of a payment reads:\n%s", text)
		}
		web.Fill("#pin", pin)
		web.Enter(kb.Enter)
		if got := webtest.Eval[string](web.Browser, "location.href"); got != b.urls.Success {
			t.Fatalf("the browser ended at %s", got)
		}
		if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.Balance.Cash != 70_000 {
			t.Errorf("the wallet holds %s", w.Balance.Cash.Rupiah())
		}
		web.Open(b.base + pages.Path(p))
		web.checkPage()
		web.checkQuiet(b.base, s.URL)
		s.check(t, "GET /ok?order=1&note=a%20b", "GET /ok?order=1&note=a%20b")
	})

	t.Run("giving up", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		b := setup(t, options{urls: gateway.ReturnURLs{Success: s.URL + "/ok", Failure: s.URL + "/fail"}})
		web := newBrowser(t)
		p := b.paymentPage()
		web.Open(b.base + pages.Path(p))
		web.submit("cancel") // with an empty required field
		if got := webtest.Eval[string](web.Browser, "location.href"); got != b.urls.Failure {
			t.Fatalf("the browser ended at %s", got)
		}
		web.checkQuiet(b.base, s.URL)
		s.check(t, "GET /fail")
	})

	t.Run("hostile merchant names", func(t *testing.T) {
		t.Parallel()
		web := newBrowser(t)
		var servers []string
		for _, name := range hostileNames {
			b := setup(t, options{merchant: name})
			servers = append(servers, b.base)
			p := b.bindingPage("customer")
			address := b.base + pages.Path(p)
			web.Open(address)
			must(b.EnterOTP(t.Context(), p.Key, b.otp(p)))(t)
			web.Open(address)
			must(b.EnterPIN(t.Context(), p.Key, pin))(t)
			web.Open(address)
			if webtest.Eval[bool](web.Browser, "'pwned' in window") {
				t.Errorf("%q ran as a script", name)
			}
		}
		web.checkQuiet(servers...)
	})

	// Shops redirect from one name to another, and the policy must let them.
	t.Run("a shop that redirects on", func(t *testing.T) {
		t.Parallel()
		s, other := newShop(t), newShop(t)
		b := setup(t, options{urls: gateway.ReturnURLs{Success: s.URL + "/ok?to=" + other.URL + "/order", Failure: s.URL + "/fail"}})
		web := newBrowser(t)
		p := b.bindingPage("customer")
		must(b.EnterOTP(t.Context(), p.Key, b.otp(p)))(t)
		web.Open(b.base + pages.Path(p))
		web.Fill("#pin", pin)
		web.Click("form button")
		if got, want := webtest.Eval[string](web.Browser, "location.href"), other.URL+"/order"; got != want {
			t.Errorf("the browser ended at %s, want %s", got, want)
		}
	})
}
