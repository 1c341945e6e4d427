package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/web/webtest"
)

// A real browser shows a request to pay by itself, counts down, keeps what was
// entered when more changes, and fits small screens.
func TestPhoneInBrowser(t *testing.T) {
	t.Parallel()
	b := open(t)
	web := webtest.Open(t)
	web.Screen(320, 640, false)
	p := b.push(anton, "INV-1", 12_500)
	for _, path := range []string{"/", "/simulator/ovo?phone=" + anton + "&invoice=INV-1", "/phone/" + anton} {
		web.Open(b.server.URL + path)
		web.Fits(path)
	}
	if left := webtest.Eval[string](web, `document.querySelector("[data-left]").innerText`); !strings.Contains(left, "6") && !strings.Contains(left, "70") {
		t.Errorf("count-down: %q", left)
	}
	webtest.Eval[string](web, fmt.Sprintf(`document.getElementById("pin-%[1]s").value = "12"; document.getElementById("pin-%[1]s").focus();
		document.getElementById("points-%[1]s").checked = true; ""`, p.ID))
	b.push(anton, "INV-2", 1_000)
	web.WaitForText("INV-2") // of which the stream tells
	if got := webtest.Eval[string](web, fmt.Sprintf(`document.getElementById("pin-%[1]s").value + document.activeElement.id + document.getElementById("points-%[1]s").checked`, p.ID)); got != "12pin-"+string(p.ID)+"true" {
		t.Errorf("entered before the change: %q", got)
	}
	web.Quiet(strings.TrimPrefix(b.server.URL, "http://"))
}
