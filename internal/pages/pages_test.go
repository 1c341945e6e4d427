package pages_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/pages"
)

func sha256Source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// eachKind runs a journey for a binding and for a payment page.
func eachKind(t *testing.T, journey func(t *testing.T, b *bundle, p gateway.Page, path string)) {
	for _, payment := range []bool{false, true} {
		t.Run(map[bool]string{false: "binding", true: "payment"}[payment], func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{})
			p := b.page(payment)
			journey(t, b, p, pages.Path(p))
		})
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	binding, payment := b.bindingPage("x"), b.paymentPage()
	if got, want := pages.Path(binding), "/direct-debit/ui/binding/core/"+binding.Key; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := pages.Path(payment), "/direct-debit/ui/payment/core/"+payment.Key; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBindingJourney(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	p := b.bindingPage("customer")
	path := pages.Path(p)

	first := b.get(path)
	first.wants(t, http.StatusOK, "Link OVO", "Toko Maju", "****3021", "without asking each time", `name="code"`, "Step 1 of 2", "no real money", `href="/phone/081200003021"`)
	if strings.Contains(first.body, `name="pin"`) || strings.Contains(strings.ReplaceAll(first.body, "/phone/081200003021", ""), "081200003021") {
		t.Error("the first step asks for the PIN or shows the whole phone number")
	}
	if b.state(p).OpenedAt.IsZero() {
		t.Error("the page does not count as opened")
	}
	b.post(path, "action", "otp", "code", b.otp(p)).wantsRedirect(t, path+"?lang=en")
	b.get(path).wants(t, http.StatusOK, "without asking each time", `name="pin"`, `type="password"`, "Allow and link", "Step 2 of 2")
	b.post(path, "action", "pin", "pin", pin).wantsRedirect(t, successURL)
	b.get(path).wants(t, http.StatusOK, "OVO is linked", "From now on Toko Maju can charge your OVO.", "Back to Toko Maju",
		`href="https://shop.test/ok?order=1&amp;note=a%20b%26c#done"`)
}

func TestPaymentJourney(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	p := b.paymentPage()
	path := pages.Path(p)

	first := b.get(path)
	first.wants(t, http.StatusOK, "Pay with OVO", "Toko Maju", "****3021", "Rp30.000", `name="code"`)
	if strings.Contains(first.body, "without asking") {
		t.Error("a payment page asks for lasting consent")
	}
	b.post(path, "action", "otp", "code", b.otp(p)).wantsRedirect(t, path+"?lang=en")
	b.get(path).wants(t, http.StatusOK, "Rp30.000", "Pay Rp30.000")
	b.post(path, "action", "pin", "pin", pin).wantsRedirect(t, successURL)
	b.get(path).wants(t, http.StatusOK, "Payment complete", "Rp30.000 was paid to Toko Maju.", "Back to Toko Maju")
	if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.Balance.Cash != 70_000 {
		t.Errorf("the wallet holds %s", w.Balance.Cash.Rupiah())
	}
}

func TestWrongCodes(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		wrong := b.wrongOTP(p)
		b.post(path, "action", "otp", "code", wrong).wants(t, http.StatusUnprocessableEntity,
			"That code is wrong. You have 2 tries left.", `role="alert"`, `aria-invalid="true" autofocus`, `aria-describedby="error hint"`)
		again := b.post(path, "action", "otp", "code", wrong)
		again.wants(t, http.StatusUnprocessableEntity, "You have 1 try left.")
		if strings.Contains(again.body, wrong) {
			t.Error("the page repeats the code that was entered")
		}
		b.post(path, "action", "otp", "code", wrong).wantsRedirect(t, failureURL)
		b.get(path).wants(t, http.StatusOK, "That did not work", `href="`+failureURL+`"`)
		if p.Kind.ForPayment() {
			b.get(path).wants(t, http.StatusOK, "The OTP code was wrong too often.", "No money was taken.")
		}
	})
}

func TestWrongPINs(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		b.post(path, "action", "otp", "code", b.otp(p)).wantsRedirect(t, path+"?lang=en")
		b.post(path, "action", "pin", "pin", wrongPIN).wants(t, http.StatusUnprocessableEntity,
			"That PIN is wrong. You have 2 tries left", `role="alert"`, `aria-invalid="true" autofocus`)
		again := b.post(path, "action", "pin", "pin", wrongPIN)
		again.wants(t, http.StatusUnprocessableEntity, "You have 1 try left")
		if strings.Contains(again.body, wrongPIN) {
			t.Error("the page repeats the PIN that was entered")
		}
		b.post(path, "action", "pin", "pin", wrongPIN).wantsRedirect(t, failureURL)
		b.get(path).wants(t, http.StatusOK, "That did not work")
		if p.Kind.ForPayment() {
			b.get(path).wants(t, http.StatusOK, "your OVO is locked for a while", "No money was taken.")
		}
	})
}

func TestSlipsCostNoTry(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	p := b.bindingPage("customer")
	path := pages.Path(p)
	for _, slip := range []string{"", "12345", "1234567", "12345a", " 12345", "１２３４５６"} {
		b.post(path, "action", "otp", "code", slip).wants(t, http.StatusUnprocessableEntity, "The OTP code has 6 digits.", "autofocus")
	}
	b.post(path, "action", "otp").wants(t, http.StatusUnprocessableEntity, "The OTP code has 6 digits.")
	b.post(path, "action", "pin", "pin", "x").wants(t, http.StatusConflict, `name="code"`)
	if fails := b.state(p).OTPFails; fails != 0 {
		t.Errorf("%d tries were spent", fails)
	}
	b.post(path, "action", "otp", "code", b.otp(p)).wantsRedirect(t, path+"?lang=en")
	b.post(path, "action", "pin", "pin", "12345").wants(t, http.StatusUnprocessableEntity, "The PIN has 6 digits.", "autofocus")
	if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.PINFails != 0 {
		t.Errorf("%d PIN tries were spent", w.PINFails)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		b.post(path, "action", "cancel").wantsRedirect(t, failureURL)
		b.get(path).wants(t, http.StatusOK, "Cancelled", `href="`+failureURL+`"`)
	})
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	for _, fields := range [][]string{
		nil, // GET
		{"action", "otp", "code", "123456"}, {"action", "otp", "code", "slip"}, {"action", "pin", "pin", pin}, {"action", "resend"}, {"action", "cancel"},
	} {
		for _, swept := range []bool{false, true} {
			t.Run(fmt.Sprint(fields, swept), func(t *testing.T) {
				t.Parallel()
				eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
					b.clock.Advance(b.Rules().PageLife)
					if swept {
						must(b.ExpireDue(t.Context()))(t)
					}
					if fields != nil {
						b.post(path, fields...).wantsRedirect(t, failureURL)
					}
					b.get(path).wants(t, http.StatusOK, "Time is up", `href="`+failureURL+`"`)
				})
			})
		}
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		first := b.get(path)
		first.wants(t, http.StatusOK, `value="resend"`)
		if strings.Contains(first.body, "new code was sent") {
			t.Error("the first code is called a new one")
		}
		b.post(path, "action", "resend").wantsRedirect(t, path+"?lang=en")
		b.get(path).wants(t, http.StatusOK, "A new code was sent.", `value="resend"`)
		b.post(path, "action", "resend").wantsRedirect(t, path+"?lang=en")
		last := b.get(path)
		last.wants(t, http.StatusOK, "No further code can be sent", `name="code"`)
		if strings.Contains(last.body, `value="resend"`) {
			t.Error("a code is offered that cannot be sent")
		}
		b.post(path, "action", "resend").wants(t, http.StatusUnprocessableEntity, "No further code can be sent", `role="alert"`)
		code := b.otp(p)

		b.clock.Advance(b.Rules().OTPLife)
		b.post(path, "action", "otp", "code", code).wants(t, http.StatusUnprocessableEntity, "none can be sent again")
		dead := b.get(path)
		dead.wants(t, http.StatusOK, "none can be sent again", `value="cancel"`)
		if strings.Contains(dead.body, `name="code"`) {
			t.Error("a code is asked for though none works")
		}
	})
}

func TestExpiredCode(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		code := b.otp(p)
		b.get(path)
		b.clock.Advance(b.Rules().OTPLife)
		b.post(path, "action", "otp", "code", code).wants(t, http.StatusUnprocessableEntity, "That code no longer works. Ask for a new one.", `value="resend"`)
		if now := b.state(p); now.OTPFails != 0 || now.OTPSends != 1 {
			t.Errorf("%d tries and %d codes were spent", now.OTPFails, now.OTPSends)
		}
		b.post(path, "action", "resend").wantsRedirect(t, path+"?lang=en")
		b.post(path, "action", "otp", "code", b.otp(p)).wantsRedirect(t, path+"?lang=en")
	})
}

func TestReplacedPage(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	older := b.bindingPage("customer")
	b.bindingPage("customer")
	b.get(pages.Path(older)).wants(t, http.StatusOK, "Replaced", "newest one", `href="`+failureURL+`"`)
	for _, fields := range [][]string{{"action", "otp", "code", "123456"}, {"action", "pin", "pin", pin}, {"action", "resend"}, {"action", "cancel"}} {
		b.post(pages.Path(older), fields...).wants(t, http.StatusConflict, "Replaced")
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		for range 3 {
			b.get(path).wants(t, http.StatusOK, `name="code"`)
		}
		if sends := b.state(p).OTPSends; sends != 1 {
			t.Errorf("reloading sent %d codes", sends)
		}
		code := b.otp(p)
		b.post(path, "action", "otp", "code", code).wantsRedirect(t, path+"?lang=en")
		b.get(path).wants(t, http.StatusOK, `name="pin"`)

		// A second click or tab sends the step before again.
		b.post(path, "action", "otp", "code", code).wants(t, http.StatusConflict, "another step", `name="pin"`)
		b.post(path, "action", "pin", "pin", pin).wantsRedirect(t, successURL)
		for _, fields := range [][]string{{"action", "pin", "pin", pin}, {"action", "pin", "pin", wrongPIN}, {"action", "otp", "code", code}, {"action", "resend"}, {"action", "cancel"}} {
			b.post(path, fields...).wants(t, http.StatusConflict, "Back to Toko Maju", "https://shop.test/ok")
		}
		if now := b.state(p).State; now != gateway.PageDone {
			t.Errorf("the page is %s", now)
		}
	})
}

func TestStepsOutOfOrder(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		b.get(path)
		before := b.state(p)
		b.post(path, "action", "pin", "pin", pin).wants(t, http.StatusConflict, `name="code"`)
		if now := b.state(p); now != before {
			t.Errorf("the page changed: %+v", now)
		}
		b.post(path, "action", "otp", "code", b.otp(p))
		before = b.state(p)
		b.post(path, "action", "otp", "code", "123456").wants(t, http.StatusConflict, `name="pin"`)
		b.post(path, "action", "resend").wants(t, http.StatusConflict, `name="pin"`)
		if now := b.state(p); now != before {
			t.Errorf("the page changed: %+v", now)
		}
	})
}

func TestFailuresAtConfirmation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(*bundle)
		want   string
	}{
		"locked": {func(b *bundle) { lock(b) }, "because the PIN was wrong too often"},
		"blocked": {func(b *bundle) {
			must(b.SetWalletStatus(b.t.Context(), b.wallet.Phone, gateway.WalletBlockedByIssuer))(b.t)
		}, "This OVO is blocked."},
		"limit": {func(b *bundle) {
			must(b.SetWalletLimits(b.t.Context(), b.wallet.Phone, gateway.Limits{PerTransaction: 1}))(b.t)
		}, "more than one transaction may move"},
		"daily sum": {func(b *bundle) {
			must(b.SetWalletLimits(b.t.Context(), b.wallet.Phone, gateway.Limits{DailySum: 1}))(b.t)
		}, "today’s transaction limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{})
			p := b.paymentPage()
			path := pages.Path(p)
			b.post(path, "action", "otp", "code", b.otp(p)).wantsRedirect(t, path+"?lang=en")
			tc.before(b)
			b.post(path, "action", "pin", "pin", pin).wantsRedirect(t, failureURL)
			b.get(path).wants(t, http.StatusOK, "That did not work", tc.want, "No money was taken.")
		})
	}
}

// lock locks the wallet with wrong PINs on a page of its own.
func lock(b *bundle) {
	other := must(b.CreateMerchant(b.t.Context(), gateway.Merchant{Name: "Other", DOKU: gateway.DOKU{ClientID: "BRN-0002"}}))(b.t)
	_, p, err := b.StartBinding(b.t.Context(), gateway.StartBinding{Merchant: other.ID, Phone: b.wallet.Phone, CustomerID: "x", Return: b.urls})
	if err != nil {
		b.t.Fatal(err)
	}
	must(b.EnterOTP(b.t.Context(), p.Key, b.otp(p)))(b.t)
	for range b.Rules().PINTries {
		b.EnterPIN(b.t.Context(), p.Key, wrongPIN)
	}
}

func TestUnbinding(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	p := b.paymentPage()
	must(b.Unbind(t.Context(), gateway.Claim{}, b.merchant.ID, b.binding.ID))(t)
	b.get(pages.Path(p)).wants(t, http.StatusOK, "Cancelled", "No money was taken.")
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	binding, payment := b.bindingPage("x"), b.paymentPage()
	const unknown = "0123456789012345678901234567890123456789"
	want := b.get("/direct-debit/ui/binding/core/" + unknown)
	want.wants(t, http.StatusNotFound, "Page not found")
	for _, path := range []string{
		"/direct-debit/ui/payment/core/" + unknown,
		"/direct-debit/ui/payment/core/" + binding.Key, // the wrong kind
		"/direct-debit/ui/binding/core/" + payment.Key,
		"/direct-debit/ui/binding/core/" + binding.Key[:39],
		"/direct-debit/ui/binding/core/" + binding.Key + "0",
		"/direct-debit/ui/binding/core/" + binding.Key + "/",
		"/direct-debit/ui/binding/core/" + binding.Key[:39] + "x",
		"/direct-debit/ui/binding/core/" + binding.Key[:39] + "%00",
		"/direct-debit/ui/binding/core/" + strings.Repeat("%D9%A1", 40),
		"/direct-debit/ui/binding/core/",
		"/direct-debit/ui/",
		"/direct-debit/ui/other/core/" + binding.Key,
	} {
		if got := b.get(path); got.StatusCode != http.StatusNotFound || got.body != want.body {
			t.Errorf("GET %s differs from an unknown page: %d\n%s", path, got.StatusCode, got)
		}
		for _, fields := range [][]string{{"action", "otp", "code", "slip"}, {"action", "pin", "pin", pin}} {
			if got := b.post(path, fields...); got.StatusCode != http.StatusNotFound || got.body != want.body {
				t.Errorf("POST %s differs from an unknown page: %d\n%s", path, got.StatusCode, got)
			}
		}
	}
}

func TestWrongKindMovesNoMoney(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		must(b.EnterOTP(t.Context(), p.Key, b.otp(p)))(t)
		wrong := strings.Replace(path, "/binding/", "/payment/", 1)
		if p.Kind.ForPayment() {
			wrong = strings.Replace(path, "/payment/", "/binding/", 1)
		}
		b.post(wrong, "action", "pin", "pin", pin).wants(t, http.StatusNotFound)
		b.post(wrong, "action", "pin", "pin", wrongPIN).wants(t, http.StatusNotFound)
		if now := b.state(p).State; now != gateway.PagePIN {
			t.Errorf("the page is %s", now)
		}
		if w := must(b.Wallet(t.Context(), b.wallet.Phone))(t); w.PINFails != 0 {
			t.Errorf("%d PIN tries were spent", w.PINFails)
		}
	})
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	p := b.bindingPage("customer")
	path := pages.Path(p)
	b.get(path)
	before := b.state(p)
	otp := "action=otp&code=" + b.otp(p)
	for name, tc := range map[string]struct {
		method, query, body string
		header              []string
		want                int
	}{
		"PUT":                        {method: "PUT", body: otp, want: http.StatusMethodNotAllowed},
		"DELETE":                     {method: "DELETE", want: http.StatusMethodNotAllowed},
		"OPTIONS":                    {method: "OPTIONS", want: http.StatusMethodNotAllowed},
		"PATCH":                      {method: "PATCH", body: otp, want: http.StatusMethodNotAllowed},
		"from another site":          {method: "POST", body: otp, header: []string{"Sec-Fetch-Site", "cross-site"}, want: http.StatusForbidden},
		"from another host":          {method: "POST", body: otp, header: []string{"Sec-Fetch-Site", "same-site"}, want: http.StatusForbidden},
		"action twice":               {method: "POST", body: otp + "&action=cancel", want: http.StatusBadRequest},
		"code twice":                 {method: "POST", body: otp + "&code=1", want: http.StatusBadRequest},
		"code twice, escaped":        {method: "POST", body: otp + "&%63ode=1", want: http.StatusBadRequest},
		"unused field twice":         {method: "POST", body: otp + "&x=1&x=1", want: http.StatusBadRequest},
		"language twice":             {method: "GET", query: "?lang=id&lang=en", want: http.StatusBadRequest},
		"query twice":                {method: "POST", query: "?s=a&s=b", body: otp, want: http.StatusBadRequest},
		"broken query":               {method: "GET", query: "?lang=%zz", want: http.StatusBadRequest},
		"semicolon":                  {method: "POST", body: "action=otp;code=1", want: http.StatusBadRequest},
		"unknown action":             {method: "POST", body: "action=approve", want: http.StatusBadRequest},
		"action in the query":        {method: "POST", query: "?action=cancel", want: http.StatusBadRequest},
		"no action":                  {method: "POST", want: http.StatusBadRequest},
		"too large":                  {method: "POST", body: otp + "&x=" + strings.Repeat("y", 4<<10), want: http.StatusRequestEntityTooLarge},
		"JSON":                       {method: "POST", body: `{"action":"otp"}`, header: []string{"Content-Type", "application/json"}, want: http.StatusUnsupportedMediaType},
		"plain text that looks like": {method: "POST", body: otp, header: []string{"Content-Type", "text/plain"}, want: http.StatusUnsupportedMediaType},
		"multipart":                  {method: "POST", body: otp, header: []string{"Content-Type", "multipart/form-data; boundary=x"}, want: http.StatusUnsupportedMediaType},
	} {
		got := b.do(tc.method, path+tc.query, tc.body, tc.header...)
		if got.StatusCode != tc.want {
			t.Errorf("%s: %d, want %d", name, got.StatusCode, tc.want)
		}
		if allow := got.Header.Get("Allow"); (allow == "GET, HEAD, POST") != (tc.want == http.StatusMethodNotAllowed) {
			t.Errorf("%s: Allow %q", name, allow)
		}
	}
	if now := b.state(p); now != before {
		t.Errorf("the page changed: %+v", now)
	}
	if got := b.do(http.MethodHead, path, ""); got.StatusCode != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: %d %q", got.StatusCode, got)
	}
	if got := b.do(http.MethodPost, path, otp+"&x="+strings.Repeat("y", 4<<10-len(otp)-3), "Sec-Fetch-Site", "same-origin"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the largest form of our own: %d", got.StatusCode)
	}
}

func TestFormAction(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	got := directives(t, b.get(pages.Path(b.bindingPage("x"))).Header.Get("Content-Security-Policy"))["form-action"]
	if want := "'self' https: http:"; got != want {
		t.Errorf("form-action %s, want %s", got, want)
	}
}

// Whatever a merchant registers, the visitor is sent only to web addresses, and
// nothing gets into a header that was not meant to.
func TestUnusableReturnURLs(t *testing.T) {
	t.Parallel()
	for text, linked := range map[string]bool{
		"":                                   false,
		"javascript:alert(1)":                false,
		"JavaScript:alert(1)//https://x":     false,
		"data:text/html,<script></script>":   false,
		"myapp://done":                       false,
		"//evil.test/":                       false,
		"/relative":                          false,
		"https:evil.test":                    false,
		"https:///evil.test":                 false,
		"https://user:secret@evil.test/":     false,
		"https://shop.test\r\nX-Evil: 1":     false,
		"https://shop.test/\r\nX-Evil: 1":    false,
		"https://shop.test;script-src */":    false,
		"https://shop.test;script-src/":      true,
		"https://shop.test,default-src/":     true,
		"https://*/":                         true,
		"https://'unsafe-inline'/":           true,
		"https://toko-maju-é.test/ok":        true,
		"https://shop.test/terima kasih":     true,
		"http://[::1]:8080/ok":               true,
		"https://shop.test/é":                true,
		`https://shop.test/"><img src=x>`:    true,
		"https://shop.test:80;script-src */": false,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{urls: gateway.ReturnURLs{Success: "https://shop.test/ok", Failure: text}})
			p := b.bindingPage("customer")
			path := pages.Path(p)
			if got := directives(t, b.get(path).Header.Get("Content-Security-Policy"))["form-action"]; got != "'self' https: http:" {
				t.Errorf("form-action %s", got)
			}
			to := path + "?lang=en"
			if linked && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
				to = text
			}
			b.post(path, "action", "cancel").wantsRedirect(t, to)
			ended := b.get(path)
			ended.wants(t, http.StatusOK, "Cancelled")
			if strings.Contains(ended.body, "Back to Toko Maju") != linked || strings.Contains(ended.body, "You may close this page") == linked {
				t.Errorf("linked is %v, want %v:\n%s", !linked, linked, ended)
			}
		})
	}
}

func TestMerchantNamesAreInert(t *testing.T) {
	t.Parallel()
	for _, name := range hostileNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, payment := range []bool{false, true} {
				b := setup(t, options{merchant: name}) // every answer's markup is checked
				p := b.page(payment)
				path := pages.Path(p)
				b.get(path)
				b.post(path, "action", "otp", "code", b.wrongOTP(p))
				b.post(path, "action", "otp", "code", b.otp(p)).wantsRedirect(t, path+"?lang=en")
				b.get(path)
				b.post(path, "action", "pin", "pin", pin).wantsRedirect(t, successURL)
				b.get(path)
			}
		})
	}
}

var hostileNames = []string{
	`<script>pwned=1</script>`, `"><img src=x onerror=pwned=1>`, `'><svg/onload=pwned=1>`, `</title><script>pwned=1</script>`,
	`</style><script>pwned=1</script>`, `</bdi></dd><script>pwned=1</script>`, `{{.Style}}`, "\u202e<b>", `&lt;script&gt;`, `--><script>pwned=1</script>`,
	`javascript:pwned=1`, `<a href="javascript:pwned=1">x</a>`, `<form action=https://evil.test>`, "a\x00<script>pwned=1</script>", `<base href=//evil.test>`,
	`<iframe srcdoc="<script>parent.pwned=1</script>">`, `<meta http-equiv=refresh content=0;url=//evil.test>`, `<input onfocus=pwned=1 autofocus>`,
	`<style>@import "//evil.test"</style>`, `<link rel=stylesheet href=//evil.test>`, `<object data=//evil.test>`, "<scr\nipt>", `%3Cscript%3E`, `\u003cscript\u003e`,
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	p := b.bindingPage("customer")
	path := pages.Path(p)
	for _, tc := range []struct{ query, accept, want string }{
		{"", "", "id"},
		{"", "en", "en"},
		{"", "en-GB,en;q=0.9,id;q=0.8", "en"},
		{"", "id-ID,id;q=0.9,en;q=0.8", "id"},
		{"", "in-ID", "id"},
		{"", "en;q=0.4, id;q=0.5", "id"},
		{"", "en;q=0", "id"},
		{"", "ms, fr;q=0.9, en;q=0.1", "en"},
		{"", "fr", "id"},
		{"", ";;,q=,-,en;q=x", "id"},
		{"?lang=en", "id", "en"},
		{"?lang=id", "en", "id"},
		{"?lang=xx", "en", "en"},
	} {
		got := b.get(path+tc.query, "Accept-Language", tc.accept)
		got.wants(t, http.StatusOK, `<html lang="`+tc.want+`">`, `action="?lang=`+tc.want+`"`)
		other := map[string]string{"id": "en", "en": "id"}[tc.want]
		got.wants(t, http.StatusOK, `<a href="?lang=`+other+`" lang="`+other+`"`)
	}
	b.post(path+"?lang=id", "action", "otp", "code", b.wrongOTP(p)).wants(t, http.StatusUnprocessableEntity, "Kode OTP salah. Sisa 2 kesempatan.")
	b.post(path+"?lang=id", "action", "otp", "code", b.otp(p)).wantsRedirect(t, path+"?lang=id")
	b.get(path+"?lang=id").wants(t, http.StatusOK, "PIN OVO", "Izinkan dan hubungkan", "bukan uang sungguhan", "tanpa meminta persetujuan setiap kali")
	b.post(path+"?lang=id", "action", "pin", "pin", pin).wantsRedirect(t, successURL)
	b.get(path+"?lang=id").wants(t, http.StatusOK, "OVO terhubung", "Kembali ke Toko Maju")
}

func TestProduction(t *testing.T) {
	t.Parallel()
	b := setup(t, options{production: true})
	got := b.get(pages.Path(b.bindingPage("customer")))
	got.wants(t, http.StatusOK, "Link OVO")
	for _, sandbox := range []string{"Sandbox", "inbox", "<aside"} {
		if strings.Contains(got.body, sandbox) {
			t.Errorf("a production page contains %q", sandbox)
		}
	}
}

func TestBrokenDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	p := b.bindingPage("customer")
	path, code := pages.Path(p), b.otp(p)
	visits := []func() answer{
		func() answer { return b.get(path) },
		func() answer { return b.post(path, "action", "otp", "code", code) },
		func() answer { return b.post(path, "action", "otp", "code", "slip") },
		func() answer { return b.post(path, "action", "pin", "pin", pin) },
		func() answer { return b.post(path, "action", "resend") },
		func() answer { return b.post(path, "action", "cancel") },
	}

	b.db.fail(&gateway.Error{Code: gateway.Busy, Detail: "inner detail", RetryAfter: 3 * time.Second})
	for _, visit := range visits {
		got := visit()
		got.wants(t, http.StatusServiceUnavailable, "Too busy", `href="?lang=en"`)
		if got.Header.Get("Retry-After") != "3" || strings.Contains(got.body, "inner detail") {
			t.Errorf("Retry-After %q\n%s", got.Header.Get("Retry-After"), got)
		}
	}
	if b.log.String() != "" {
		t.Errorf("being busy is logged: %s", b.log)
	}

	b.db.fail(errors.New("inner detail"))
	for n, visit := range visits {
		got := visit()
		got.wants(t, http.StatusInternalServerError, "Something went wrong", `href="?lang=en"`)
		if strings.Contains(got.body, "inner detail") {
			t.Errorf("the page tells of its inside:\n%s", got)
		}
		if lines := strings.Count(b.log.String(), "\n"); lines != n+1 {
			t.Fatalf("%d log lines after %d failures:\n%s", lines, n+1, b.log)
		}
	}
	logsNothingSecret(t, b, p, code)
}

func TestLogsNothingSecret(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, b *bundle, p gateway.Page, path string) {
		code := b.otp(p)
		b.get(path)
		b.post(path, "action", "otp", "code", b.wrongOTP(p))
		b.post(path, "action", "otp", "code", code, "code", code)
		b.post(path, "action", code)
		b.post(path, "action", "otp", "code", code)
		b.post(path, "action", "pin", "pin", wrongPIN)
		b.post(path, "action", "pin", "pin", pin)
		b.get(path)
		if b.log.String() != "" {
			t.Errorf("an undisturbed journey is logged: %s", b.log)
		}
		b.db.fail(errors.New("disk gone"))
		b.post(path, "action", "pin", "pin", pin)
		logsNothingSecret(t, b, p, code)
	})
}

func logsNothingSecret(t *testing.T, b *bundle, p gateway.Page, code string) {
	t.Helper()
	if !strings.Contains(b.log.String(), "pages: visit failed") {
		t.Fatalf("a failure is not logged: %s", b.log)
	}
	text := regexp.MustCompile(`"time":"[^"]*"`).ReplaceAllString(b.log.String(), "")
	for name, secret := range map[string]string{"key": p.Key, "code": code, "PIN": pin, "wrong PIN": wrongPIN, "phone": string(b.wallet.Phone)} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s is logged: %s", name, text)
		}
	}
}

// A visitor who is slow has the whole life of the page, and a new code is sent
// when the first look comes late.
func TestLateFirstLook(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	p := b.bindingPage("customer")
	b.clock.Advance(b.Rules().PageLife - time.Minute)
	b.get(pages.Path(p)).wants(t, http.StatusOK, `name="code"`)
	b.post(pages.Path(p), "action", "otp", "code", b.otp(p)).wantsRedirect(t, pages.Path(p)+"?lang=en")
}

// Another destination than the page's own is taken where one is configured, for
// the redirect and for the link.
func TestConfiguredReturnURL(t *testing.T) {
	t.Parallel()
	b := setup(t, options{returnURL: func(_ context.Context, v gateway.PageView) string {
		if v.Page.Kind.ForPayment() {
			return "https://shop.test/result?state=" + string(v.Payment.State)
		}
		return ""
	}})
	payment := b.paymentPage()
	b.post(pages.Path(payment), "action", "cancel").wantsRedirect(t, "https://shop.test/result?state=cancelled")
	b.get(pages.Path(payment)).wants(t, http.StatusOK, "Cancelled", `href="https://shop.test/result?state=cancelled"`)
	b = setup(t, options{returnURL: func(context.Context, gateway.PageView) string { return "" }})
	b.post(pages.Path(b.bindingPage("customer")), "action", "cancel").wantsRedirect(t, failureURL)
}
