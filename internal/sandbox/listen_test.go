package sandbox_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// encoder stands for a dialect: it tells where a notification would go.
type encoder struct{ seen gateway.Outgoing }

func (e *encoder) Request(_ context.Context, _ *http.Client, o gateway.Outgoing, _ time.Time) (*http.Request, error) {
	e.seen = o
	return http.NewRequest(http.MethodPost, "http://x.test", nil)
}

func (e *encoder) Accepted(gateway.Outgoing, int, []byte) error { return nil }

// listen opens a listener and returns once it is on. end hangs up and returns once
// the sandbox has noticed.
func (b *box) listen(body string) (end func()) {
	b.t.Helper()
	ctx, hangUp := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.server.URL+"/sandbox/v1/listeners", strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != "event: listening" {
		b.t.Fatalf("HTTP %d, %q", resp.StatusCode, lines.Text())
	}
	return func() {
		hangUp()
		resp.Body.Close()
		for len(at(b.t, b.api("GET", "/listeners", "", 200), "listeners").([]any)) > 0 {
		}
	}
}

// A listener gets all that a merchant is told, under the merchant's own paths or one
// of its choice; without one the merchant's addresses count.
func TestListener(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.merchant.DOKU.NotificationURL = "https://shop.test/ovo?a=1"
	b.merchant.DOKU.SNAP = gateway.SNAPEndpoints{NotificationURL: "https://shop.test/paid", TokenURL: "https://shop.test/token"}
	var dialect encoder
	send := func() gateway.Outgoing {
		t.Helper()
		o := gateway.Outgoing{Merchant: b.merchant, Payment: gateway.Payment{NotifyURL: "https://other.test/once"}}
		if _, err := b.sandbox.Deliver(&dialect).Request(t.Context(), b.client, o, time.Time{}); err != nil {
			t.Fatal(err)
		}
		return dialect.seen
	}
	check := func(o gateway.Outgoing, want ...string) {
		t.Helper()
		d := o.Merchant.DOKU
		got := []string{d.NotificationURL, d.SNAP.NotificationURL, d.SNAP.BindingNotificationURL, d.SNAP.TokenURL, o.Payment.NotifyURL}
		if f := o.Merchant.Faspay; f.NotificationURL != "" || f.ActivationURL != "" {
			got = append(got, f.NotificationURL, f.ActivationURL)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	own := []string{"https://shop.test/ovo?a=1", "https://shop.test/paid", "", "https://shop.test/token", "https://other.test/once"}
	check(send(), own...)

	end := b.listen(fmt.Sprintf(`{"merchant":%q,"url":"http://127.0.0.1:9"}`, b.merchant.ID))
	check(send(), "http://127.0.0.1:9/ovo?a=1", "http://127.0.0.1:9/paid", "http://127.0.0.1:9/", "http://127.0.0.1:9/token", "http://127.0.0.1:9/once", "http://127.0.0.1:9/", "http://127.0.0.1:9/")
	b.api("POST", "/listeners", fmt.Sprintf(`{"merchant":%q,"url":"http://127.0.0.1:8"}`, b.merchant.ID), 409)
	end()
	check(send(), own...)

	b.merchant.DOKU.SNAP.TokenURL = ""
	end = b.listen(fmt.Sprintf(`{"merchant":%q,"url":"http://127.0.0.1:9","path":"/hook"}`, b.merchant.ID))
	check(send(), "http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook", "http://127.0.0.1:9/gerbang/token", "http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook")
	end()
	end = b.listen(fmt.Sprintf(`{"merchant":%q,"url":"http://127.0.0.1:9","token_path":"/t"}`, b.merchant.ID))
	if got := send().Merchant.DOKU.SNAP.TokenURL; got != "http://127.0.0.1:9/t" {
		t.Error(got)
	}

	// A sandbox that stops does not wait for listeners.
	close(b.draining)
	end()
}

func TestListenerRefusals(t *testing.T) {
	t.Parallel()
	b := open(t)
	for body, status := range map[string]int{
		`{"merchant":"mch_none","url":"http://127.0.0.1:9"}`:                                      404,
		fmt.Sprintf(`{"merchant":%q,"url":"127.0.0.1:9"}`, b.merchant.ID):                         400,
		fmt.Sprintf(`{"merchant":%q,"url":"http://127.0.0.1:9/path"}`, b.merchant.ID):             400,
		fmt.Sprintf(`{"merchant":%q,"url":"ftp://127.0.0.1"}`, b.merchant.ID):                     400,
		fmt.Sprintf(`{"merchant":%q,"url":"http://127.0.0.1:9","path":"hook"}`, b.merchant.ID):    400,
		fmt.Sprintf(`{"merchant":%q,"url":"http://127.0.0.1:9","token_path":"t"}`, b.merchant.ID): 400,
		fmt.Sprintf(`{"merchant":%q,"url":"http://127.0.0.1:9","forward_to":"/"}`, b.merchant.ID): 400,
	} {
		b.api("POST", "/listeners", body, status)
	}
}
