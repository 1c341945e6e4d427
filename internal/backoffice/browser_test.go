package backoffice_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/web/webtest"
)

var screenshots = flag.Bool("screenshots", false, "write docs/screenshots/backoffice-*.png anew")

// chromium is a real browser, which notes what a page must not cause.
type chromium struct {
	context.Context
	t testing.TB
	o *office

	mu         sync.Mutex
	complaints []string
}

func (o *office) chromium() *chromium {
	t := o.t
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "chromium"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		t.Fatalf("this test drives Chromium, which is missing (%v): `apt-get install chromium`; CHROMIUM can name another one, "+
			"and `go test -short` leaves the test out", err)
	}
	allocator, closeBrowser := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("lang", "en"), chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(closeBrowser)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	c := &chromium{t: t, o: o}
	if err := chromedp.Listen(tab, func(event any) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch e := event.(type) {
		case *cdplog.EventEntryAdded:
			if !strings.Contains(e.Entry.Text, "status of 4") { // refused steps and what a role may not see
				c.complaints = append(c.complaints, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			c.complaints = append(c.complaints, e.ExceptionDetails.Text)
		case *cdppage.EventJavascriptDialogOpening:
			c.complaints = append(c.complaints, "dialog: "+e.Message)
		}
	}); err != nil {
		t.Fatal(err)
	}
	var cancel context.CancelFunc
	c.Context, cancel = context.WithTimeout(tab, 3*time.Minute)
	t.Cleanup(cancel)
	return c
}

func (c *chromium) run(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	if err := chromedp.Do(c, steps...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chromium) eval(expression string) string {
	c.t.Helper()
	return must(chromedp.Run(c, chromedp.Evaluate[string](expression)))(c.t)
}

func (c *chromium) open(path string) {
	c.t.Helper()
	c.run(chromedp.Navigate(c.o.server.URL + "/backoffice" + path))
}

func (c *chromium) clear(field string) {
	c.t.Helper()
	c.eval(`document.querySelector("` + field + `").value = ""`)
}

// enter fills in a field.
func (c *chromium) enter(field, text string) {
	c.t.Helper()
	c.clear(field)
	c.run(chromedp.SendKeys(chromedp.CSS(field), text))
}

// submit sends a form by key and waits for the next page.
func (c *chromium) submit(field, text string) {
	c.t.Helper()
	c.clear(field)
	if _, err := chromedp.RunResponse(c, chromedp.SendKeys(chromedp.CSS(field), text+kb.Enter)); err != nil {
		c.t.Fatalf("%s: %v", field, err)
	}
}

func (c *chromium) signIn(u gateway.User) {
	c.t.Helper()
	c.open("/sign-in")
	c.enter("#name", u.Name)
	c.submit("#password", password)
}

func (c *chromium) shows(texts ...string) {
	c.t.Helper()
	body := c.eval(`document.body.innerText`)
	for _, text := range texts {
		if !strings.Contains(body, text) {
			c.t.Errorf("%s does not show %q: %s", c.eval(`location.pathname`), text, body)
		}
	}
}

func (c *chromium) quiet() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.complaints) > 0 {
		c.t.Errorf("the browser complains: %q", c.complaints)
	}
}

func TestInBrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("drives Chromium")
	}
	o := open(t, options{}).seed()
	c := o.chromium()

	c.signIn(o.member(gateway.RoleSupport))
	c.shows("Overview", "Payments over time", "support@gerbang.test")
	c.submit("#q", "INV-1-A")
	c.shows("With this number", "Toko Maju", "Rp50.000", "succeeded")
	if _, err := chromedp.RunResponse(c, chromedp.Click(chromedp.CSS("table a"))); err != nil {
		t.Fatal(err)
	}
	c.shows("payment.succeeded", "Rp50.000 is left", "receivable:"+string(o.mine.ID))
	c.enter("#refund-amount", "20.000")
	c.run(chromedp.Focus(chromedp.CSS("[name=sure]")), chromedp.KeyEvent(" "))
	c.submit("#reason", "half of it was broken")
	c.shows("The refund was made.", "half of it was broken", "refund.succeeded", "Rp30.000 is left")
	if p := must(o.Payment(t.Context(), o.mine.paid.ID))(t).Payment; p.Refunded.Total() != 20_000 {
		t.Errorf("refunded %+v", p.Refunded)
	}
	if _, err := chromedp.RunResponse(c, chromedp.Click(chromedp.CSS(".corner button"))); err != nil {
		t.Fatal(err)
	}
	c.shows("Sign in")

	c.signIn(o.member(gateway.RoleMerchant))
	c.open("/payments")
	c.shows("INV-1-A")
	if body := c.eval(`document.body.innerText`); strings.Contains(body, "INV-2") || strings.Contains(body, "Warung Lain") {
		t.Errorf("another merchant's payments are shown: %s", body)
	}
	c.open("/payments/" + string(o.other.paid.ID))
	c.shows("Not found")
	c.open("/find?q=INV-2-A")
	c.shows("No payment, request or refund bears this number.")
	c.quiet()
}

// screens are all pages, by the names of their pictures.
func (o *office) screens() map[string]string {
	return map[string]string{
		"overview": "/", "payments": "/payments", "payment": "/payments/" + string(o.mine.paid.ID), "search": "/payments?number=INV-1-A&amount=50000",
		"bindings": "/bindings", "binding": "/bindings/" + string(o.mine.binding.ID),
		"notifications": "/notifications?state=failed", "notification": "/notifications/" + string(o.mine.notification.ID),
		"settlements": "/settlement", "settlement": "/settlement/" + string(o.mine.ID) + "/" + o.today(),
		"merchants": "/merchants", "merchant": "/merchants/" + string(o.mine.ID), "wallets": "/wallets", "wallet": "/wallets/081211111111",
		"ledger": "/ledger", "transfer": "/ledger/" + o.mine.paid.TransferID, "audit": "/audit", "users": "/users", "trail": "/trail", "account": "/account",
	}
}

// Every page fits the screen of a small phone, in both languages, has a name for
// each field, and complains of nothing. With -screenshots their pictures are taken.
func TestScreens(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("drives Chromium")
	}
	o := open(t, options{}).seed()
	o.busyDay()
	must(o.Tally(t.Context()))(t)
	o.member(gateway.RoleMerchant)
	o.member(gateway.RoleViewer)
	c := o.chromium()
	c.run(chromedp.EmulateViewport(360, 740))
	c.open("/sign-in")
	c.fits("sign-in")
	c.picture("sign-in-phone")
	c.signIn(o.member(gateway.RoleOperator))
	for name, path := range o.screens() {
		for _, lang := range []string{"id", "en"} {
			separator := "?"
			if strings.Contains(path, "?") {
				separator = "&"
			}
			c.open(path + separator + "lang=" + lang)
			c.fits(name)
		}
	}
	c.open("/audit")
	if _, err := chromedp.RunResponse(c, chromedp.Click(chromedp.CSS("main button"))); err != nil {
		t.Fatal(err)
	}
	c.shows("The books balance")
	c.fits("audit")
	c.quiet()
	if !*screenshots {
		return
	}
	for name, path := range o.screens() {
		c.run(chromedp.EmulateViewport(1000, 760))
		c.open(path)
		if name == "audit" {
			if _, err := chromedp.RunResponse(c, chromedp.Click(chromedp.CSS("main button"))); err != nil {
				t.Fatal(err)
			}
		}
		c.picture(name)
	}
	for _, name := range []string{"overview", "payment", "payments"} {
		c.run(chromedp.EmulateViewport(360, 740))
		c.open(o.screens()[name])
		c.picture(name + "-phone")
	}
	c.run(chromedp.EmulateViewport(1000, 760))
	c.scheme("dark")
	for _, name := range []string{"overview", "payment"} {
		c.open(o.screens()[name])
		c.picture(name + "-dark")
	}
}

// scheme asks for pages in light or dark colours.
func (c *chromium) scheme(name string) {
	c.t.Helper()
	c.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	}))
}

// fits checks what makes a page usable on a small screen and with a screen reader.
func (c *chromium) fits(name string) {
	c.t.Helper()
	if width := c.eval(`String(document.documentElement.scrollWidth)`); width != "360" {
		c.t.Errorf("%s is %s wide", name, width)
	}
	if nameless := c.eval(`[...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter(f => !f.hidden && f.labels.length != 1).map(f => f.outerHTML).join()`); nameless != "" {
		c.t.Errorf("%s: fields without a label: %s", name, nameless)
	}
	if ids := c.eval(`(() => { const ids = [...document.querySelectorAll("[id]")].map(e => e.id); return ids.filter((id, i) => ids.indexOf(id) != i).join() })()`); ids != "" {
		c.t.Errorf("%s: ids that are not unique: %s", name, ids)
	}
}

// picture takes one of what the window shows, and keeps it small: few colours are
// enough for a page of text.
func (c *chromium) picture(name string) {
	c.t.Helper()
	if !*screenshots {
		return
	}
	picture := webtest.FewColours(must(chromedp.Run(c, chromedp.CaptureScreenshot()))(c.t))
	if err := os.WriteFile(filepath.Join("..", "..", "docs", "screenshots", "backoffice-"+name+".png"), picture, 0o644); err != nil {
		c.t.Fatal(err)
	}
}
