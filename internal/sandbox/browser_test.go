package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A real browser shows a request to pay by itself, counts down, keeps what was
// entered when more changes, and fits small screens.
func TestPhoneInBrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("drives Chromium")
	}
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "chromium"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		t.Fatalf("this test drives Chromium, which is missing (%v): `apt-get install chromium`; CHROMIUM can name another one, "+
			"and `go test -short` leaves the test out", err)
	}
	allocator, closeBrowser := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(closeBrowser)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	var mu sync.Mutex
	var complaints []string
	if err := chromedp.Listen(tab, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *cdplog.EventEntryAdded:
			complaints = append(complaints, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	run := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatal(err)
		}
	}
	eval := func(expression string) string {
		t.Helper()
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	b := open(t)
	run(chromedp.EmulateViewport(320, 640, chromedp.EmulateMobile))
	p := b.push(anton, "INV-1", 12_500)
	for _, path := range []string{"/", "/simulator/ovo?phone=" + anton + "&invoice=INV-1", "/phone/" + anton} {
		run(chromedp.Navigate(b.server.URL + path))
		if width := eval(`String(document.documentElement.scrollWidth)`); width != "320" {
			t.Errorf("%s is %s wide", path, width)
		}
	}
	if left := eval(`document.querySelector("[data-left]").innerText`); !strings.Contains(left, "6") && !strings.Contains(left, "70") {
		t.Errorf("count-down: %q", left)
	}
	eval(fmt.Sprintf(`document.getElementById("pin-%[1]s").value = "12"; document.getElementById("pin-%[1]s").focus();
		document.getElementById("points-%[1]s").checked = true; ""`, p.ID))
	b.push(anton, "INV-2", 1_000)
	for !strings.Contains(eval(`document.body.innerText`), "INV-2") { // until the stream has told
	}
	if got := eval(fmt.Sprintf(`document.getElementById("pin-%[1]s").value + document.activeElement.id + document.getElementById("points-%[1]s").checked`, p.ID)); got != "12pin-"+string(p.ID)+"true" {
		t.Errorf("entered before the change: %q", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
}
