package pages_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/pages"
)

// browser is a real one, with the screen of a small phone. It notes everything
// that a page without scripts must not cause.
type browser struct {
	context.Context
	t testing.TB

	mu         sync.Mutex
	complaints []string // scripts, dialogs, exceptions, console and policy messages
	requested  []string // every URL
}

func newBrowser(t testing.TB) *browser {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "chromium"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		t.Fatalf("this test drives Chromium, which is missing (%v): `make test` installs it, as does `apt-get install chromium`; "+
			"CHROMIUM can name another one, and `go test -short` leaves the test out", err)
	}
	allocator, closeBrowser := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("lang", "en"), chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(closeBrowser)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &browser{t: t}
	if err := chromedp.Listen(tab, b.note); err != nil { // starts the browser
		t.Fatal(err)
	}
	var cancel context.CancelFunc
	b.Context, cancel = context.WithTimeout(tab, 2*time.Minute)
	t.Cleanup(cancel)
	b.screen(360)
	return b
}

// screen gives the browser a phone's screen of that width.
func (b *browser) screen(width int64) {
	b.t.Helper()
	b.run(chromedp.EmulateViewport(width, 740, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
}

func (b *browser) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprint("console: ", e.Type))
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, "exception: "+e.ExceptionDetails.Text)
	case *cdppage.EventJavascriptDialogOpening:
		b.complaints = append(b.complaints, "dialog: "+e.Message)
	case *cdplog.EventEntryAdded:
		// A refused step answers 422, which the browser puts on record.
		if !strings.Contains(e.Entry.Text, "status of 422") && !strings.Contains(e.Entry.Text, "status of 409") {
			b.complaints = append(b.complaints, fmt.Sprintf("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text))
		}
	case *network.EventRequestWillBeSent:
		b.requested = append(b.requested, e.Request.URL)
	}
}

func (b *browser) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval asks the page something; this is the debugger, which no policy binds.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	return must(chromedp.Run(b, chromedp.Evaluate[T](expression)))(b.t)
}

// text is what the visitor reads.
func (b *browser) text() string {
	b.t.Helper()
	return eval[string](b, "document.body.innerText")
}

// submit presses the button that sends the form with the action, and waits until
// the next page is there.
func (b *browser) submit(action string) {
	b.t.Helper()
	b.click(chromedp.Search(fmt.Sprintf(`//form[input[@value=%q]]/button`, action)))
}

// click presses something that leads to another page, and waits for that.
func (b *browser) click(what chromedp.Search) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b, chromedp.Click(what)); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// checkPage demands what makes a page usable on a phone.
func (b *browser) checkPage() {
	b.t.Helper()
	if !eval[bool](b, `[...document.querySelectorAll("input:not([type=hidden])")].every(i => i.labels.length == 1 && i.inputMode == "numeric")`) {
		b.t.Error("a field has no label or no numeric keyboard")
	}
	small := eval[[]string](b, `[...document.querySelectorAll("button, a, input:not([type=hidden])")].filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)`)
	if len(small) > 0 {
		b.t.Errorf("less than 44 pixels high: %s", small)
	}
	for _, width := range []int64{320, 360} {
		b.screen(width)
		if got := eval[int64](b, "document.documentElement.scrollWidth"); got > width {
			b.t.Errorf("the page is %d pixels wide on a screen of %d", got, width)
		}
	}
}

// checkQuiet demands that no script ran and that nothing was asked of anybody but
// the pages and the merchant.
func (b *browser) checkQuiet(servers ...string) {
	b.t.Helper()
	if eval[bool](b, "'pwned' in window") {
		b.t.Error("a script ran")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		b.t.Errorf("the browser complains: %q", b.complaints)
	}
	for _, address := range b.requested {
		if !slices.ContainsFunc(servers, func(s string) bool { return strings.HasPrefix(address, s+"/") }) {
			b.t.Errorf("the browser asked for %s", address)
		}
	}
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
			web.run(chromedp.Navigate(b.base + way.Path + "?lang=en"))
			web.checkPage()
			if text := web.text(); !strings.Contains(text, "Top up OVO") || !strings.Contains(text, "Other ways") {
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
		web.run(chromedp.Navigate(b.base + pages.Path(p)))
		web.checkPage()
		if text := web.text(); !strings.Contains(text, "<script>pwned=1</script>") || !strings.Contains(text, "****3021") {
			t.Errorf("the first page reads:\n%s", text)
		}
		web.run(chromedp.SendKeys(chromedp.CSS("#code"), b.wrongOTP(p)))
		web.submit("otp")
		web.checkPage()
		if got := eval[string](web, "document.activeElement.id + document.activeElement.value"); got != "code" {
			t.Errorf("after a wrong code the focus is on %q", got)
		}
		if got := eval[string](web, "document.querySelector('[role=alert]').innerText"); !strings.Contains(got, "2") {
			t.Errorf("the alert reads %q", got)
		}
		web.submit("resend")
		web.run(chromedp.SendKeys(chromedp.CSS("#code"), b.otp(p)))
		web.submit("otp")
		web.checkPage()
		web.run(chromedp.SendKeys(chromedp.CSS("#pin"), wrongPIN))
		web.submit("pin")
		web.checkPage()
		if got := eval[string](web, "document.activeElement.id + document.activeElement.value"); got != "pin" {
			t.Errorf("after a wrong PIN the focus is on %q", got)
		}
		web.run(chromedp.SendKeys(chromedp.CSS("#pin"), pin))
		web.submit("pin")
		if got := eval[string](web, "location.href"); got != b.urls.Success {
			t.Fatalf("the browser ended at %s", got)
		}
		b.binding = must(b.BindingsOf(t.Context(), b.wallet.Phone))(t)[0]
		if b.binding.State != gateway.BindingActive {
			t.Errorf("the binding is %s", b.binding.State)
		}

		p = b.paymentPage()
		web.run(chromedp.Navigate(b.base + pages.Path(p)))
		web.checkPage()
		web.run(chromedp.SendKeys(chromedp.CSS("#code"), b.otp(p)))
		web.submit("otp")
		web.checkPage()
		if text := web.text(); !strings.Contains(text, "Rp30.000") {
			t.Errorf("the PIN page of a payment reads:\n%s", text)
		}
		if _, err := chromedp.RunResponse(web, chromedp.SendKeys(chromedp.CSS("#pin"), pin+kb.Enter)); err != nil {
			t.Fatal(err)
		}
		if got := eval[string](web, "location.href"); got != b.urls.Success {
			t.Fatalf("the browser ended at %s", got)
		}
		if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.Balance.Cash != 70_000 {
			t.Errorf("the wallet holds %s", w.Balance.Cash.Rupiah())
		}
		web.run(chromedp.Navigate(b.base + pages.Path(p)))
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
		web.run(chromedp.Navigate(b.base + pages.Path(p)))
		web.submit("cancel") // with an empty required field
		if got := eval[string](web, "location.href"); got != b.urls.Failure {
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
			look := chromedp.Navigate(b.base + pages.Path(p))
			web.run(look)
			must(b.EnterOTP(t.Context(), p.Key, b.otp(p)))(t)
			web.run(look)
			must(b.EnterPIN(t.Context(), p.Key, pin))(t)
			web.run(look)
			if eval[bool](web, "'pwned' in window") {
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
		web.run(chromedp.Navigate(b.base+pages.Path(p)), chromedp.SendKeys(chromedp.CSS("#pin"), pin))
		if _, err := chromedp.RunResponse(web, chromedp.Click(chromedp.CSS("form button"))); err != nil {
			t.Fatal(err)
		}
		if got, want := eval[string](web, "location.href"), other.URL+"/order"; got != want {
			t.Errorf("the browser ended at %s, want %s", got, want)
		}
	})
}
