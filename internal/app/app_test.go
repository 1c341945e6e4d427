package app_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/ovo"
)

// running is a sandbox of its own for one test.
func running(t testing.TB) (control, string) {
	t.Helper()
	dir := home(t)
	a := start(t, dir)
	t.Cleanup(func() { stop(t, a) })
	return control{t, a.BaseURL}, dir
}

// count runs n calls at once and counts their results by name.
func count(n int, call func(i int) string) map[string]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	counts := map[string]int{}
	for i := range n {
		wg.Go(func() {
			result := call(i)
			mu.Lock()
			defer mu.Unlock()
			counts[result]++
		})
	}
	wg.Wait()
	return counts
}

func outcome(err error) string {
	var e *ovo.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return e.Code
	default:
		return err.Error()
	}
}

// auditedFromOutside runs the audit as another process would, beside the server.
func auditedFromOutside(t testing.TB, dir string) {
	t.Helper()
	verdicts, err := app.Audit(context.Background(), installed(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if !v.OK {
			t.Errorf("%s broken: %s %v", v.ID, v.Rule, v.Keys)
		}
	}
}

func TestTwoHundredPaymentsOnOneWallet(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	c.newWallet("081300000001", 1_000_000)
	shop := c.snapClient(c.seededMerchant())
	token := c.bind(shop, "081300000001", "cust")
	got := count(200, func(i int) string {
		_, err := shop.Pay(context.Background(), ovo.PayRequest{CustomerToken: token, Reference: fmt.Sprint("P-", i), Type: ovo.Recurring, Amount: 10_000})
		return outcome(err)
	})
	if got["ok"] != 100 || got["4035414"] != 100 {
		t.Errorf("answers %v, want 100 successes and 100 refusals for lack of funds", got)
	}
	if w := c.wallet("081300000001"); w.Cash != 0 {
		t.Errorf("the wallet holds %d", w.Cash)
	}
	auditedFromOutside(t, dir)
}

func TestTwentyCustomersOnOnePhone(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	shop := c.snapClient(c.seededMerchant())
	urls := make([]string, 20)
	for i := range urls {
		b, err := shop.Bind(t.Context(), ovo.BindRequest{Phone: "081211111111", CustomerID: fmt.Sprint("cust-", i), SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
		if err != nil {
			t.Fatal(err)
		}
		urls[i] = b.RedirectURL
	}
	got := count(len(urls), func(i int) string { return c.complete(urls[i], "approve") })
	if got["https://shop.test/ok"] != 1 || got["https://shop.test/fail"] != 19 {
		t.Errorf("browsers went to %v, want one success", got)
	}
	active := 0
	for _, link := range c.wallet("081211111111").Links {
		if link.State == "active" {
			active++
		}
	}
	if active != 1 {
		t.Errorf("%d active bindings", active)
	}
	auditedFromOutside(t, dir)
}

func TestTwentyRefundsOfOnePayment(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	shop := c.snapClient(c.seededMerchant())
	token := c.bind(shop, "081222222222", "cust")
	if _, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: "P", Type: ovo.Recurring, Amount: 100_000}); err != nil {
		t.Fatal(err)
	}
	got := count(20, func(i int) string {
		_, err := shop.Refund(context.Background(), ovo.RefundRequest{Reference: "P", RefundReference: fmt.Sprint("R-", i), Amount: 10_000})
		return outcome(err)
	})
	if got["ok"] != 10 || got["4045813"] != 10 {
		t.Errorf("answers %v, want ten refunds", got)
	}
	if w := c.wallet("081222222222"); w.Cash != 1_000_000 {
		t.Errorf("the wallet holds %d", w.Cash)
	}
	auditedFromOutside(t, dir)
}

func TestNotificationsFollowTheSchedule(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	m := c.seededMerchant()
	shop := c.snapClient(m)
	heard := newReceiver(t, c, m)
	token := c.bind(shop, "081222222222", "cust")
	if n := wait(t, "the binding notification", heard.bindings); n.Status != ovo.BindingSuccess || n.CustomerID != "cust" {
		t.Fatalf("binding notification %+v", n)
	}

	heard.down.Store(2)
	p, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: "P", Type: ovo.Recurring, Amount: 25_000})
	if err != nil {
		t.Fatal(err)
	}
	subject := "pay_" + p.ReferenceNo
	after := func(attempts int) func(notification) bool {
		return func(n notification) bool { return len(n.Attempts) == attempts }
	}
	first := c.notificationOf(subject, after(1))
	advance := func(by string) { c.call("POST", "/clock/advance", map[string]string{"by": by}, 200, nil) }
	due := first.Attempts[0].At.Add(30 * time.Minute)
	if !first.NextAt.Equal(due) {
		t.Errorf("the second attempt is due at %v, want %v", first.NextAt, due)
	}
	advance("29m")
	if n := c.notificationOf(subject, after(1)); n.State != "queued" {
		t.Errorf("before its time: %+v", n)
	}
	advance("1m")
	second := c.notificationOf(subject, after(2))
	if want := first.Attempts[0].At.Add(6 * time.Hour); !second.NextAt.Equal(want) {
		t.Errorf("the third attempt is due at %v, want %v", second.NextAt, want)
	}
	advance("5h30m")
	n := wait(t, "the payment notification", heard.payments)
	if n.Reference != "P" || n.State != ovo.StateSuccess || n.Amount != 25_000 || n.CustomerID != "cust" || n.Type != ovo.Recurring || n.RequestID != p.RequestID {
		t.Errorf("notification %+v", n)
	}
	third := c.notificationOf(subject, func(n notification) bool { return n.State == "delivered" })
	for i, want := range []int{503, 503, 200} {
		if third.Attempts[i].Status != want {
			t.Errorf("attempt %d was answered %d, want %d", i+1, third.Attempts[i].Status, want)
		}
	}

	// A resend tells the same event again.
	c.call("POST", "/notifications/"+third.ID+"/resend", nil, 201, nil)
	again := wait(t, "the resent notification", heard.payments)
	if again.EventKey != n.EventKey {
		t.Errorf("the resend has event key %s, first %s", again.EventKey, n.EventKey)
	}
	c.auditClean()
}

func TestNothingIsForgottenOverARestart(t *testing.T) {
	t.Parallel()
	dir := home(t)
	a := start(t, dir)
	c := control{t, a.BaseURL}
	m := c.seededMerchant()
	shop := c.snapClient(m)
	token := c.bind(shop, "081222222222", "cust")
	heard := newReceiver(t, c, m)
	heard.down.Store(1)
	p, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: "P", Type: ovo.Recurring, Amount: 25_000})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the refused attempt", heard.refused)
	c.notificationOf("pay_"+p.ReferenceNo, func(n notification) bool { return len(n.Attempts) == 1 })
	c.call("POST", "/clock/advance", map[string]string{"by": "20m"}, 200, nil)
	stop(t, a)

	b := start(t, dir)
	defer stop(t, b)
	c.base = b.BaseURL
	var clock struct{ Offset string }
	c.call("GET", "/clock", nil, 200, &clock)
	if clock.Offset != "20m0s" {
		t.Errorf("the clock is ahead by %s", clock.Offset)
	}
	if got := c.seededMerchant(); got.DOKU.GatewayPublicKeyPEM != m.DOKU.GatewayPublicKeyPEM || got.DOKU.SecretKey != m.DOKU.SecretKey {
		t.Error("keys changed over a restart")
	}
	shop = c.snapClient(m)
	if _, err := shop.Balance(t.Context(), token); err != nil {
		t.Errorf("the customer token does not survive: %v", err)
	}
	c.call("POST", "/clock/advance", map[string]string{"by": "10m"}, 200, nil)
	// The receiver asks the first process for the time; that one is gone, so this
	// attempt is judged by machine time and refused. What counts is that it came.
	n := c.notificationOf("pay_"+p.ReferenceNo, func(n notification) bool { return len(n.Attempts) >= 2 })
	if n.EventID == "" {
		t.Errorf("notification %+v", n)
	}
	c.auditClean()
}

func TestPagesEndWithTheClock(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	m := c.seededMerchant()
	shop := c.snapClient(m)
	heard := newReceiver(t, c, m)
	token := c.bind(shop, "081222222222", "cust")
	wait(t, "the binding notification", heard.bindings)
	sale, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: "S", Amount: 5_000, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := shop.Bind(t.Context(), ovo.BindRequest{Phone: "081211111111", CustomerID: "other", SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		t.Fatal(err)
	}
	c.call("POST", "/clock/advance", map[string]string{"by": "15m"}, 200, nil)
	status, err := shop.Status(t.Context(), ovo.StatusQuery{Reference: "S"})
	if err != nil || status.State != ovo.StateFailed {
		t.Errorf("status %+v, %v", status, err)
	}
	for _, url := range []string{sale.RedirectURL, b.RedirectURL} {
		c.call("POST", "/pages/complete", map[string]string{"url": url}, 409, nil)
	}
	if n := wait(t, "the payment notification", heard.payments); n.State != ovo.StateFailed || n.Reference != "S" {
		t.Errorf("notification %+v", n)
	}
	if n := wait(t, "the binding notification", heard.bindings); n.Status != ovo.BindingFailed || n.CustomerID != "other" {
		t.Errorf("notification %+v", n)
	}
	c.auditClean()
}

func TestPageOutcomes(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	shop := c.snapClient(c.seededMerchant())
	token := c.bind(shop, "081222222222", "cust")
	for i, outcome := range []string{"approve", "cancel", "wrong_otp", "wrong_pin"} {
		p, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: outcome, Amount: 1_000 + int64(i), SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
		if err != nil {
			t.Fatal(err)
		}
		want := "https://shop.test/fail"
		state := ovo.StateFailed
		switch outcome {
		case "approve":
			want, state = "https://shop.test/ok", ovo.StateSuccess
		case "cancel":
			state = ovo.StateCancelled
		}
		if to := c.complete(p.RedirectURL, outcome); to != want {
			t.Errorf("%s sent the browser to %s", outcome, to)
		}
		s, err := shop.Status(t.Context(), ovo.StatusQuery{Reference: outcome})
		if err != nil || s.State != state {
			t.Errorf("%s: status %+v, %v", outcome, s, err)
		}
	}
	if w := c.wallet("081222222222"); w.Cash != 999_000 {
		t.Errorf("the wallet holds %d", w.Cash)
	}
	// Three wrong PINs have locked the wallet.
	if _, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: "locked", Type: ovo.Recurring, Amount: 1}); outcome(err) != "4035418" {
		t.Errorf("a locked wallet answers %v", err)
	}
	c.call("POST", "/wallets/081222222222/status", map[string]string{"status": "active"}, 200, nil)
	if _, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: "unlocked", Type: ovo.Recurring, Amount: 1}); err != nil {
		t.Error(err)
	}
	c.auditClean()
}

func TestUnlinkInTheApp(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	shop := c.snapClient(c.seededMerchant())
	token := c.bind(shop, "081222222222", "cust")
	id := c.wallet("+6281222222222").Links[0].ID
	c.call("POST", "/wallets/6281222222222/links/"+id+"/unlink", nil, 200, nil)
	c.call("POST", "/wallets/081222222222/links/"+id+"/unlink", nil, 409, nil)
	if _, err := shop.Balance(t.Context(), token); !errors.Is(err, ovo.ErrCustomerToken) {
		t.Errorf("after unlinking: %v", err)
	}
}

func TestRequestLogGivesReasons(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	m := c.seededMerchant()
	m.DOKU.SecretKey += " "
	if _, err := c.snapClient(m).Status(t.Context(), ovo.StatusQuery{Reference: "x"}); !errors.Is(err, ovo.ErrUnauthorized) {
		t.Fatalf("a wrong secret: %v", err)
	}
	var list struct {
		Requests []struct {
			ID, Target, Reason, Body, Answer string
			Status                           int
			Signature                        struct {
				Scheme, Expected, Received, Hint string
				OK                               bool
				StringToSign                     string `json:"string_to_sign"`
			}
		}
	}
	c.call("GET", "/requests?status=401&limit=1", nil, 200, &list)
	if len(list.Requests) != 1 {
		t.Fatalf("%d calls", len(list.Requests))
	}
	r := list.Requests[0]
	if r.Signature.OK || r.Signature.Expected == r.Signature.Received || !strings.Contains(r.Signature.StringToSign, r.Target) || r.Reason == "" ||
		!strings.Contains(r.Body, `"x"`) || !strings.Contains(r.Answer, "4015500") {
		t.Errorf("the log says %+v", r)
	}
	c.call("GET", "/requests/"+r.ID, nil, 200, nil)
	c.call("GET", "/requests/req_none", nil, 404, nil)
}

func TestSandboxAPI(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	var info struct {
		Profile, Database, Version string
		BaseURL                    string `json:"base_url"`
		Now                        time.Time
	}
	c.call("GET", "/info", nil, 200, &info)
	if info.Profile != "sandbox" || info.BaseURL != c.base || !strings.Contains(info.Database, "://") || info.Now.IsZero() {
		t.Errorf("info %+v", info)
	}

	var made merchant
	c.call("POST", "/merchants", map[string]any{"name": "Warung"}, 201, &made)
	if made.Name != "Warung" || made.DOKU.ClientID == "" || made.DOKU.PrivateKeyPEM == "" {
		t.Errorf("merchant %+v", made)
	}
	c.call("POST", "/merchants", map[string]any{"doku": map[string]any{"client_id": made.DOKU.ClientID}}, 409, nil)
	c.call("POST", "/merchants", map[string]any{"doku": map[string]any{"public_key_pem": "nonsense"}}, 400, nil)
	c.call("POST", "/merchants", map[string]any{"nmae": "typo"}, 400, nil)
	var own merchant
	c.call("POST", "/merchants", map[string]any{"doku": map[string]any{"client_id": "MCH-OWN", "public_key_pem": made.DOKU.PublicKeyPEM}}, 201, &own)
	if own.DOKU.PrivateKeyPEM != "" || own.DOKU.ClientID != "MCH-OWN" {
		t.Errorf("a merchant with a pair of its own: %+v", own)
	}
	c.call("PATCH", "/merchants/"+made.ID, map[string]any{"doku": map[string]any{"snap": map[string]any{"notification_url": "ftp://x"}}}, 400, nil)
	c.call("PATCH", "/merchants/"+made.ID, map[string]any{"name": "Renamed"}, 200, &made)
	var got merchant
	c.call("GET", "/merchants/"+made.ID, nil, 200, &got)
	if got.Name != "Renamed" || got.DOKU.SecretKey != made.DOKU.SecretKey {
		t.Errorf("after a patch: %+v", got)
	}
	c.call("GET", "/merchants/mch_none", nil, 404, nil)

	c.call("POST", "/wallets", map[string]any{"phone": "081300000009", "pin": "12345"}, 400, nil)
	c.call("POST", "/wallets", map[string]any{"phone": "12", "pin": "123456"}, 400, nil)
	c.call("POST", "/wallets", map[string]any{"phone": "+6281300000009", "cash": 5, "limits": map[string]any{"holding": 100}}, 201, nil)
	c.call("POST", "/wallets", map[string]any{"phone": "081300000009"}, 409, nil)
	c.call("POST", "/wallets/081300000009/topup", map[string]any{"points": 7}, 200, nil)
	c.call("POST", "/wallets/081300000009/topup", map[string]any{"cash": 100}, 409, nil)
	c.call("POST", "/wallets/081300000009/topup", map[string]any{"cash": -1}, 400, nil)
	c.call("POST", "/wallets/081300000009/status", map[string]any{"status": "asleep"}, 400, nil)
	c.call("PATCH", "/wallets/081300000009", map[string]any{"limits": map[string]any{"daily_count": 2}}, 200, nil)
	if w := c.wallet("6281300000009"); w.Cash != 5 || w.Points != 7 || w.Status != "active" || w.Phone != "081300000009" || w.PIN != "123456" {
		t.Errorf("wallet %+v", w)
	}
	c.call("GET", "/wallets/081399999999", nil, 404, nil)

	c.call("POST", "/clock/advance", map[string]any{"by": "-1s"}, 400, nil)
	c.call("POST", "/clock/advance", map[string]any{"by": "soon"}, 400, nil)
	c.call("GET", "/payments/pay_none", nil, 404, nil)
	c.call("POST", "/notifications/ntf_none/resend", nil, 404, nil)
	c.call("GET", "/nonsense", nil, 404, nil)
	c.call("POST", "/pages/complete", map[string]any{"url": "https://x.test/1"}, 404, nil)

	var before struct{ Merchants []merchant }
	c.call("GET", "/merchants", nil, 200, &before)
	c.call("POST", "/clock/advance", map[string]any{"by": "1h"}, 200, nil)
	c.call("POST", "/reset", nil, 200, nil)
	if m := c.seededMerchant(); m.DOKU.PrivateKeyPEM != before.Merchants[0].DOKU.PrivateKeyPEM {
		t.Error("a reset changed the seeded key pair, which clients hold")
	} else if m.Name != "Toko Sandbox" || m.DOKU.ClientID != "MCH-0001-10791114622547" {
		t.Errorf("after a reset: %+v", m)
	}
	var clock struct{ Offset string }
	c.call("GET", "/clock", nil, 200, &clock)
	if clock.Offset != "0s" {
		t.Errorf("after a reset the clock is ahead by %s", clock.Offset)
	}
	if w := c.wallet("081211111111"); w.Cash != 100_000 || w.Points != 100_000 {
		t.Errorf("after a reset: %+v", w)
	}
	c.auditClean()
}

func TestAuditRefusesAnotherMasterKey(t *testing.T) {
	t.Parallel()
	if _, err := app.Audit(t.Context(), app.Installation{DataDir: t.TempDir(), Database: "sqlite://" + filepath.Join(t.TempDir(), "none.db")}); err == nil {
		t.Error("a missing database was audited")
	}
}
