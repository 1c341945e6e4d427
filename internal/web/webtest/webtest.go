package webtest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a real one with one tab.
type Browser struct {
	context.Context
	t testing.TB

	mu         sync.Mutex
	complaints []string
	hosts      map[string]bool // that were asked for something
}

// patience bounds a whole test in the browser.
const patience = 3 * time.Minute

// Open starts a browser, or leaves the test out with -short. Without Chromium the
// test fails.
func Open(t testing.TB) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("drives Chromium")
	}
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
		chromedp.Flag("disable-sync", true), chromedp.Flag("lang", "en"), chromedp.Flag("hide-scrollbars", true), chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(closeBrowser)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &Browser{t: t, hosts: map[string]bool{}}
	if err := chromedp.Listen(tab, b.note); err != nil { // starts the browser
		t.Fatal(err)
	}
	var cancel context.CancelFunc
	b.Context, cancel = context.WithTimeout(tab, patience)
	t.Cleanup(cancel)
	return b
}

func (b *Browser) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		// A refused step answers 422 or 409, which the browser puts on record.
		if !strings.Contains(e.Entry.Text, "status of 422") && !strings.Contains(e.Entry.Text, "status of 409") {
			b.complaints = append(b.complaints, fmt.Sprintf("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text))
		}
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprint("console: ", e.Type))
	case *cdppage.EventJavascriptDialogOpening:
		b.complaints = append(b.complaints, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		if _, rest, ok := strings.Cut(e.Request.URL, "://"); ok {
			host, _, _ := strings.Cut(rest, "/")
			b.hosts[host] = true
		}
	}
}

// Quiet fails the test when a page complained, or asked another host than these.
func (b *Browser) Quiet(hosts ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		b.t.Errorf("the browser complains: %q", b.complaints)
	}
	for _, host := range hosts {
		delete(b.hosts, host)
	}
	if len(b.hosts) > 0 {
		b.t.Errorf("the browser asked %v", b.hosts)
	}
}

// Run takes steps in the tab.
func (b *Browser) Run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// Screen gives the tab a screen of that size: narrow ones are phones.
func (b *Browser) Screen(width, height int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	var options []chromedp.EmulateViewportOption
	if width < 600 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.Run(chromedp.EmulateViewport(width, height, options...), func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return chromedp.Void{}, err
	})
}

// Open goes to an address and waits until the page is there.
func (b *Browser) Open(address string) {
	b.t.Helper()
	b.Run(chromedp.Navigate(address))
}

// Click presses what the selector finds and waits for the page it leads to.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("%s: %v", selector, err)
	}
}

// Fill types keys into the field that the selector finds.
func (b *Browser) Fill(selector, keys string) {
	b.t.Helper()
	b.Run(chromedp.SendKeys(chromedp.CSS(selector), keys))
}

// Enter types keys and waits for the page they lead to.
func (b *Browser) Enter(keys string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b, chromedp.KeyEvent(keys)); err != nil {
		b.t.Fatal(err)
	}
}

// Press types keys into what has the focus.
func (b *Browser) Press(keys string) {
	b.t.Helper()
	b.Run(chromedp.KeyEvent(keys))
}

// Eval asks the page something. This is the debugger, which no policy binds.
func Eval[T any](b *Browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// Text is what the visitor reads.
func (b *Browser) Text() string {
	b.t.Helper()
	return Eval[string](b, "document.body.innerText")
}

// WaitFor waits until an expression holds on the page, without a reload.
func (b *Browser) WaitFor(expression string) {
	b.t.Helper()
	if _, err := chromedp.Run(b, chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(time.Minute))); err != nil {
		b.t.Fatalf("%s never came true: %v\nThe page reads:\n%s", expression, err, b.Text())
	}
}

// WaitForText waits until the visitor reads a text.
func (b *Browser) WaitForText(text string) {
	b.t.Helper()
	b.WaitFor(fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// Fits fails the test when the page is wider than the screen.
func (b *Browser) Fits(what string) {
	b.t.Helper()
	if got := Eval[[]int](b, "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"); got[0] > got[1] {
		b.t.Errorf("%s is %d wide on a screen of %d", what, got[0], got[1])
	}
}

// Named fails the test when something that can be used has no name or, for a
// finger, no size.
func (b *Browser) Named(what string) {
	b.t.Helper()
	const list = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")].filter(e => e.offsetParent)`
	if bare := Eval[[]string](b, list+`.filter(e => !(e.textContent.trim() || e.labels?.length || e.ariaLabel)).map(e => e.outerHTML)`); len(bare) > 0 {
		b.t.Errorf("%s: without a name: %q", what, bare)
	}
	if small := Eval[[]string](b, list+`.filter(e => !e.closest("label, p:not(.links):not(.crumbs):not(.pager)") && e.getBoundingClientRect().height < 24).map(e => e.outerHTML)`); len(small) > 0 {
		b.t.Errorf("%s: less than 24 pixels high: %q", what, small)
	}
	if twice := Eval[[]string](b, `(ids => ids.filter((id, i) => ids.indexOf(id) != i))([...document.querySelectorAll("[id]")].map(e => e.id))`); len(twice) > 0 {
		b.t.Errorf("%s: ids that stand twice: %q", what, twice)
	}
}

// Picture is the page from its top to a height, as PNG.
func (b *Browser) Picture() []byte {
	b.t.Helper()
	png, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}

// FewColours draws a PNG with the 64 colours that are most of it, which are enough
// for a page of text and take a tenth of the room. It panics when it is no PNG.
func FewColours(picture []byte) []byte {
	from, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		panic(err)
	}
	seen := map[color.Color]int{}
	bounds := from.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			seen[from.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(seen), func(a, b color.Color) int { return seen[b] - seen[a] })
	to := image.NewPaletted(bounds, colours[:min(len(colours), 64)])
	draw.Draw(to, bounds, from, bounds.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to); err != nil {
		panic(err)
	}
	return out.Bytes()
}
