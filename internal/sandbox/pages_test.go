package sandbox_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

var (
	formTag  = regexp.MustCompile(`(?s)<form method="(\w+)" action="([^"]+)"[^>]*>(.*?)</form>`)
	inputTag = regexp.MustCompile(`<input [^>]*name="(\w+)"[^>]*>`)
	valueOf  = regexp.MustCompile(` value="([^"]*)"`)
)

// submit fills in the page's form whose address contains action, as a browser
// would, and sends it.
func (b *box) submit(p page, action string, entries ...string) page {
	b.t.Helper()
	for _, form := range formTag.FindAllStringSubmatch(p.html, -1) {
		if !strings.Contains(form[2], action) {
			continue
		}
		fields := url.Values{}
		for _, input := range inputTag.FindAllStringSubmatch(form[3], -1) {
			value := valueOf.FindStringSubmatch(input[0])
			switch {
			case strings.Contains(input[0], `type="radio"`) && !strings.Contains(input[0], " checked"):
			case value == nil:
				fields.Set(input[1], "")
			default:
				fields.Set(input[1], value[1])
			}
		}
		for i := 0; i < len(entries); i += 2 {
			fields.Set(entries[i], entries[i+1])
		}
		target := strings.ReplaceAll(form[2], "&amp;", "&")
		if form[1] == "get" {
			return b.get(target + "?" + fields.Encode())
		}
		return b.visit(http.MethodPost, target, fields)
	}
	b.t.Fatalf("no form for %q in %s", action, p.html)
	return page{}
}

// follow goes where a form's answer sends the browser.
func (b *box) follow(p page) page {
	b.t.Helper()
	if p.status != http.StatusSeeOther {
		b.t.Fatalf("HTTP %d, want a redirect: %s", p.status, p.html)
	}
	return b.get(p.location).want(b.t, 200)
}

func TestPhonePage(t *testing.T) {
	t.Parallel()
	b := open(t)
	path := "/phone/" + anton
	b.get(path).want(t, 200, "Anton Budiman", "Rp100.000", "Nothing to pay.", "No one-time codes.", "No merchant is linked.")

	p := b.push(anton, "INV-1", 12_500)
	shown := b.get(path).want(t, 200, "INV-1", "Rp12.500", "Toko Sandbox", "1 request to pay is waiting.", `data-left="`)
	shown = b.submit(shown, string(p.ID), "action", "approve", "pin", "12345").want(t, 422, "A PIN has six digits.")
	shown = b.submit(shown, string(p.ID), "action", "approve", "pin", "000000", "use", "points").want(t, 422, "Wrong PIN. 2 tries left.", `aria-invalid="true"`)
	b.follow(b.submit(shown, string(p.ID), "action", "approve", "pin", pin)).
		want(t, 200, "Paid Rp12.500 (OVO Points Rp12.500).", "Rp87.500", "Nothing to pay.")

	p = b.push(anton, "INV-2", 150_000)
	shown = b.submit(b.get(path), string(p.ID), "action", "approve", "pin", pin).want(t, 422, "The purse you chose holds too little.")
	shown = b.follow(b.submit(shown, "/topup", "cash", "50000", "points", "")).want(t, 200, "The wallet was topped up.", "Rp150.000")
	shown = b.follow(b.submit(shown, string(p.ID), "action", "approve", "pin", pin, "use", "points_first")).want(t, 200, "Paid Rp150.000 (OVO Cash Rp62.500, OVO Points Rp87.500).")
	b.submit(shown, "/topup", "cash", "5.000").want(t, 422, "Give amounts in whole rupiah")
	b.submit(shown, "/topup").want(t, 422, "Give amounts in whole rupiah")
	b.submit(shown, "/topup", "cash", "999999999999").want(t, 422, "may not hold that much")

	p = b.push(anton, "INV-3", 1_000)
	open := b.get(path)
	b.follow(b.submit(open, string(p.ID), "action", "decline", "pin", "")).want(t, 200, "The request was declined.")
	b.submit(open, string(p.ID), "action", "decline").want(t, 422, "This was answered already, or is over.")
	b.submit(open, string(p.ID), "action", "dance").want(t, 400)
	if got := b.payment(p.ID).State; got != gateway.PaymentCancelled {
		t.Errorf("declined: %s", got)
	}

	p = b.push(anton, "INV-4", 1_000)
	open = b.get(path)
	b.clock.Advance(71 * time.Second)
	b.submit(open, string(p.ID), "action", "approve", "pin", pin).want(t, 422, "The time to answer is over.")

	p = b.push(anton, "INV-5", 1_000)
	open = b.get(path)
	for range 2 {
		b.submit(open, string(p.ID), "action", "approve", "pin", "000000").want(t, 422)
	}
	b.submit(open, string(p.ID), "action", "approve", "pin", "000000").want(t, 422, "Too many wrong PINs")
	b.get(path).want(t, 200, "The wallet is locked until")
	b.clock.Advance(31 * time.Minute)
	b.get(path).lacks(t, "The wallet is locked until")

	b.get(path+"?done="+string(b.push(citra, "X", 1_000).ID)).lacks(t, `class="done"`)
	b.auditClean()
}

func TestPhoneInboxAndLinks(t *testing.T) {
	t.Parallel()
	b := open(t)
	path := "/phone/" + anton
	_, hosted, err := b.gateway.StartBinding(t.Context(), gateway.StartBinding{
		Merchant: b.merchant.ID, Phone: anton, CustomerID: "CUST-7", Dialect: "jokul", RequestID: "r1",
	})
	if err != nil {
		t.Fatal(err)
	}
	view, err := b.gateway.Page(t.Context(), hosted.Key) // a browser opens it, which sends the code
	if err != nil {
		t.Fatal(err)
	}
	b.get(path).want(t, 200, view.Page.OTP, "Code to link your account", `href="https://pages.test/`+hosted.Key+`"`)
	b.api("POST", "/pages/complete", `{"url":"https://pages.test/`+hosted.Key+`"}`, 200)
	shown := b.get(path).want(t, 200, "CUST-7").lacks(t, "No merchant is linked.")
	b.follow(b.submit(shown, "/links/")).want(t, 200, "The merchant was unlinked.", "No merchant is linked.")
	b.submit(shown, "/links/").want(t, 422, "This was answered already, or is over.")
}

func TestSimulator(t *testing.T) {
	t.Parallel()
	b := open(t)
	start := b.get("/simulator/ovo").want(t, 200, anton, citra, "OVO Points Rp100.000")
	b.submit(start, "/simulator/ovo", "phone", anton, "invoice", "INV-1").want(t, 200, "Not found.")
	b.submit(start, "/simulator/ovo", "phone", "12", "invoice", "INV-1").want(t, 200)
	b.submit(start, "/simulator/ovo", "phone", "081299999999", "invoice", "INV-1").want(t, 200, "Not found.").lacks(t, "Open the phone")

	p := b.push(citra, "INV-1", 250_000)
	found := b.submit(start, "/simulator/ovo", "phone", "+62"+citra[1:], "invoice", " INV-1 ").want(t, 200, "Toko Sandbox", "Rp250.000", "Pay Now")
	short := b.submit(found, "/simulator/ovo", "action", "pay", "use", "points").want(t, 422, "the request goes on waiting", "Pay Now")
	if got := b.payment(p.ID).State; got != gateway.PaymentAwaiting {
		t.Errorf("too small a purse: %s", got)
	}
	b.follow(b.submit(short, "/simulator/ovo", "action", "pay", "use", "cash")).want(t, 200, "Paid Rp250.000 (OVO Cash Rp250.000).", "Rp750.000").lacks(t, "Pay Now")
	b.submit(short, "/simulator/ovo", "action", "pay").want(t, 422, "This was answered already")
	b.submit(short, "/simulator/ovo", "action", "jump").want(t, 400)

	p = b.push(citra, "INV-2", 1_000)
	found = b.submit(start, "/simulator/ovo", "phone", citra, "invoice", "INV-2")
	b.follow(b.submit(found, "/simulator/ovo", "action", "decline")).want(t, 200, "The request was declined.")
	if got := b.payment(p.ID).Reason; got != gateway.Cancelled {
		t.Errorf("declined: %s", got)
	}

	if _, err := b.gateway.SetWalletStatus(t.Context(), citra, gateway.WalletBlockedByIssuer); err != nil {
		t.Fatal(err)
	}
	b.get("/simulator/ovo").want(t, 200, anton).lacks(t, citra)
	b.auditClean()
}

func TestWelcome(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.get("/").want(t, 200, sandbox.SeedClientID, sandbox.SeedSecretKey, "/phone/"+anton, "/simulator/ovo", b.server.URL+"/sandbox/v1/scenarios", "081900000061", `lang="en"`)
	b.get("/", "Accept-Language", "fr, id;q=0.8, en;q=0.5").want(t, 200, "Sandbox OVO Anda siap", `lang="id"`)
	b.get("/", "Accept-Language", "").want(t, 200, `<html lang="id">`)
	b.get("/?lang=en", "Accept-Language", "id").want(t, 200, `<html lang="en">`)
}

func TestStrangersAndErrors(t *testing.T) {
	t.Parallel()
	b := open(t)
	for _, path := range []string{"/phone/", "/phone/abc", "/phone/081299999999", "/phone/abc/live", "/phone/081299999999/live", "/requests/req_000001", "/requests/x/live", "/phone/a/b/c", "/simulator/", "/simulator/qris"} {
		b.get(path).want(t, 404, "Not found")
	}
	for _, path := range []string{"/phone/" + anton + "/topup", "/phone/" + anton + "/prompts/x", "/phone/" + anton + "/links/x", "/simulator/ovo", "/sandbox/journey", "/payments/x/notifications"} {
		for _, site := range []string{"cross-site", "same-site"} {
			b.visit("POST", path, url.Values{"cash": {"1"}}, "Sec-Fetch-Site", site).want(t, 403, "Another site sent this form.")
		}
		b.visit("POST", path, url.Values{"cash": {"1", "2"}}).want(t, 400)
		b.visit("POST", path, url.Values{"cash": {strings.Repeat("1", 5000)}}).want(t, 400)
		b.visit("POST", path, url.Values{"cash": {"1"}}, "Content-Type", "text/plain").want(t, 400)
	}
	b.visit("POST", "/phone/"+anton+"/prompts/x", url.Values{"action": {"approve"}, "pin": {pin}}).want(t, 404)
	b.visit("POST", "/phone/"+anton+"/links/x", nil).want(t, 404)
	b.get("/phone/"+anton).want(t, 200, "Rp100.000") // nothing was topped up
}

// Names that others chose are text wherever they are shown.
func TestNamesAreInert(t *testing.T) {
	t.Parallel()
	b := open(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	b.merchant.Name = evil
	if err := b.gateway.UpdateMerchant(t.Context(), b.merchant); err != nil {
		t.Fatal(err)
	}
	const phone = "081233333333"
	if _, err := b.gateway.CreateWallet(t.Context(), gateway.NewWallet{Phone: phone, Name: evil, PIN: pin}); err != nil {
		t.Fatal(err)
	}
	_, hosted, err := b.gateway.StartBinding(t.Context(), gateway.StartBinding{Merchant: b.merchant.ID, Phone: phone, CustomerID: evil, Dialect: "jokul", RequestID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	b.api("POST", "/pages/complete", `{"url":"https://pages.test/`+hosted.Key+`"}`, 200)
	b.push(phone, evil, 1_000)
	for _, path := range []string{
		"/", "/phones?phone=" + phone, "/payments", "/requests?invoice=" + url.QueryEscape(evil), "/phone/" + phone, "/phone/" + phone + "/live", "/simulator/ovo", "/simulator/ovo?phone=" + phone + "&invoice=" + url.QueryEscape(evil),
		"/?lang=" + url.QueryEscape(evil), "/phone/" + url.PathEscape(evil), "/phone/" + phone + "?done=" + url.QueryEscape(evil),
	} {
		b.get(path).lacks(t, "<script>", "<img", "onerror=alert(2)>\"")
	}
	b.get("/phone/"+phone).want(t, 200, "&lt;script&gt;")
}

// next reads the part that the next event of a stream names, or "" when the stream
// has ended.
func next(s *bufio.Scanner) (id string) {
	for s.Scan() {
		if text, ok := strings.CutPrefix(s.Text(), "data: "); ok {
			id = text
		}
		if s.Text() == "" && id != "" {
			return id
		}
	}
	return ""
}

func (b *box) watch(path string) (*bufio.Scanner, *http.Response) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), "GET", b.server.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("HTTP %d, %v", resp.StatusCode, resp.Header)
	}
	b.wantSecure(path, resp.Header)
	return bufio.NewScanner(resp.Body), resp
}

var liveTag = regexp.MustCompile(`id="([\w-]+)"[^>]* data-live="[^"]+" data-version="(\w+)"`)

// shown is what a page says to its stream of events.
func (b *box) shown(path string) string {
	b.t.Helper()
	q := url.Values{}
	for _, part := range liveTag.FindAllStringSubmatch(b.get(path).want(b.t, 200).html, -1) {
		q.Add("shown", part[1]+":"+part[2])
	}
	if len(q) == 0 {
		b.t.Fatalf("%s has no live part", path)
	}
	return "/sandbox/events?" + q.Encode()
}

func TestEvents(t *testing.T) {
	t.Parallel()
	b := open(t)
	path := "/phone/" + anton
	stream, _ := b.watch(b.shown(path))
	stale := b.shown(path)
	p := b.push(anton, "INV-1", 1_000)
	if got := next(stream); got != "phone-"+anton {
		t.Errorf("a push changed %q", got)
	}
	// What changed between the page and the stream is told at once.
	late, _ := b.watch(stale)
	if got := next(late); got != "phone-"+anton {
		t.Errorf("late: %q", got)
	}
	b.clock.Advance(time.Minute) // the count-down is another one
	if got := next(late); got != "phone-"+anton {
		t.Errorf("the clock changed %q", got)
	}
	// Parts of a page are told of one by one: the other phone has not changed.
	next(stream)
	phones, _ := b.watch(b.shown("/phones?phone=" + anton + "&phone=" + citra))
	if _, err := b.gateway.TopUp(t.Context(), citra, ledger.Split{Cash: 1}); err != nil {
		t.Fatal(err)
	}
	if got := next(phones); got != "phone-"+citra {
		t.Errorf("a top-up changed %q", got)
	}
	story, _ := b.watch(b.shown("/payments/" + string(p.ID)))
	list, _ := b.watch(b.shown("/payments"))
	if _, err := b.gateway.DeclinePush(t.Context(), anton, p.ID); err != nil {
		t.Fatal(err)
	}
	for s, want := range map[*bufio.Scanner]string{stream: "phone-" + anton, phones: "phone-" + anton, story: "payment-" + string(p.ID), list: "payments"} {
		if got := next(s); got != want {
			t.Errorf("no on the phone changed %q, want %q", got, want)
		}
	}
	close(b.draining)
	for name, s := range map[string]*bufio.Scanner{"stream": stream, "late": late, "phones": phones} {
		if got := next(s); got != "" && got != "phone-"+anton {
			t.Errorf("%s goes on while draining: %s", name, got)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	b := open(t)
	path := b.shown("/phone/" + anton)
	var first *http.Response
	for i := range 100 {
		_, resp := b.watch(path)
		if i == 0 {
			first = resp
		}
	}
	b.get(path).want(t, 503)
	first.Body.Close()
	for { // until the server has noticed
		req, err := http.NewRequestWithContext(t.Context(), "GET", b.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == 200 {
			break
		}
	}
	b.get("/sandbox/events?shown=phone-081299999999:x").want(t, 404)
	b.get("/sandbox/events?shown=nothing-1:x").want(t, 404)
	b.get("/sandbox/events?"+strings.Repeat("shown=calls:x&", 17)).want(t, 400)
}

func TestPhones(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.get("/phones").want(t, 200, `id="phone-`+anton+`"`, `id="phone-`+citra+`"`)
	b.get("/phones?phone=62"+citra[1:]).want(t, 200, `id="phone-`+citra+`"`).lacks(t, `id="phone-`+anton+`"`)
	p := b.push(citra, "INV-1", 1_000)
	only := b.get("/phones?phone="+citra).want(t, 200, "INV-1")
	back := b.submit(only, string(p.ID), "action", "approve", "pin", pin)
	if back.location != "/phones?phone="+citra {
		t.Errorf("back to %q", back.location)
	}
	b.follow(back).want(t, 200, "Paid Rp1.000")
	b.get("/phones?phone=abc").want(t, 404)
	b.get("/phone/"+citra+"/live?several="+citra).want(t, 200, `live?several=`+citra+`"`)
}

// History pages by key: what comes meanwhile moves nothing.
func TestHistory(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.get("/phone/"+anton+"/history").want(t, 200, "No payments yet.")
	for i := range 52 {
		p := b.push(anton, fmt.Sprintf("INV-%02d", i), 100)
		if _, err := b.gateway.DeclinePush(t.Context(), anton, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	b.get("/phone/"+anton).want(t, 200, "INV-51", "INV-47", "/phone/"+anton+"/history").lacks(t, "INV-46")
	first := b.get("/phone/"+anton+"/history").want(t, 200, "INV-51", "INV-02").lacks(t, "INV-01")
	next := regexp.MustCompile(`href="(\?before=[^"]+)" rel="next"`).FindStringSubmatch(first.html)
	if next == nil {
		t.Fatal("there is no second page")
	}
	p := b.push(anton, "INV-99", 100)
	if _, err := b.gateway.DeclinePush(t.Context(), anton, p.ID); err != nil {
		t.Fatal(err)
	}
	b.get("/phone/"+anton+"/history"+next[1]).want(t, 200, "INV-01", "INV-00").lacks(t, "INV-02", "INV-99", `rel="next"`)
	b.get("/phone/"+anton+"/history?before=pay_none").want(t, 404)

	list := b.get("/payments").want(t, 200, "INV-99", "INV-03").lacks(t, "INV-02")
	next = regexp.MustCompile(`href="(/payments\?before=[^"]+)" rel="next"`).FindStringSubmatch(list.html)
	if next == nil {
		t.Fatal("there is no second page of payments")
	}
	b.get(next[1]).want(t, 200, "INV-02", "INV-00").lacks(t, "INV-03", "data-live")
}

func TestPaymentPage(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.get("/payments").want(t, 200, "No payments yet.")
	b.get("/payments/pay_none").want(t, 404)
	p := b.push(anton, "INV-1", 12_500)
	path := "/payments/" + string(p.ID)
	b.get("/payments").want(t, 200, "INV-1", "awaiting the customer")
	b.get(path).want(t, 200, "Rp12.500", "awaiting the customer", "The customer was asked to pay", "No money moved.", "No notifications.", "/phone/"+anton)
	if _, err := b.gateway.ApprovePush(t.Context(), anton, p.ID, pin, ledger.UseCash); err != nil {
		t.Fatal(err)
	}
	shown := b.get(path).want(t, 200, "Payment succeeded", "−Rp12.500", "&#43;Rp12.500", "queued").lacks(t, "No money moved.")
	b.submit(shown, path+"/notifications", "action", "dance").want(t, 400)
	b.follow(b.submit(shown, path+"/notifications", "action", "resend")).want(t, 200, "The notification is sent again.")
	b.submit(shown, path+"/notifications", "action", "resend", "notification", "ntf_none").want(t, 404)
}

// Every page is complete in both languages.
func TestEveryPageInBothLanguages(t *testing.T) {
	t.Parallel()
	b := open(t)
	p := b.push(anton, "INV-1", 1_000)
	for _, lang := range []string{"id", "en"} {
		for _, path := range []string{"/?", "/phone/" + anton + "?", "/phones?", "/requests?", "/requests?status=x&", "/payments?", "/payments/" + string(p.ID) + "?", "/phone/" + anton + "/history?", "/simulator/ovo?phone=" + anton + "&invoice=INV-1&", "/phone/x?"} {
			p := b.get(path + "lang=" + lang)
			for _, want := range []string{`<html lang="` + lang + `">`, "<h1", "<title>", `<meta name="viewport"`} {
				if !strings.Contains(p.html, want) {
					t.Errorf("%s in %s lacks %s", path, lang, want)
				}
			}
			p.lacks(t, "<style", " style=", " onclick=", "%!", "ZgotmplZ", "<no value>")
			if script := strings.Count(p.html, "<script"); script != strings.Count(p.html, `<script type="module" src="/assets/web.js">`) {
				t.Errorf("%s: a script stands in the page", path)
			}
			if strings.Contains(path, "invoice") && !strings.Contains(p.html, fmt.Sprintf("invoice=INV-1&amp;lang=%s&amp;phone=%s", map[string]string{"id": "en", "en": "id"}[lang], anton)) {
				t.Errorf("switching from %s loses the inquiry", lang)
			}
		}
	}
}
