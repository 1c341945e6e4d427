package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/ovo"
)

// faspayTerms is how a merchant uses Faspay, as the control API shows it.
type faspayTerms struct {
	MerchantID      string `json:"merchant_id"`
	UserID          string `json:"user_id"`
	Password        string
	NotificationURL string `json:"notification_url"`
	CallbackURL     string `json:"activation_callback_url"`
	ReturnURL       string `json:"return_url"`
	Format          string
	AmountScale     int `json:"amount_scale"`
	Allow           []string
	FlatErrors      bool `json:"flat_errors"`
	Suspended       bool
}

// tokenizer is a merchant's plain client of Faspay.
type tokenizer struct {
	c      control
	id     string // of the merchant in the control API
	terms  faspayTerms
	format faspay.Format
}

func (c control) tokenizer(f faspay.Format) *tokenizer {
	c.t.Helper()
	m := c.seededMerchant()
	t := &tokenizer{c: c, id: m.ID, format: f}
	t.change(map[string]any{"format": string(f)})
	return t
}

// change changes the merchant's terms.
func (k *tokenizer) change(terms map[string]any) {
	k.c.t.Helper()
	var m struct{ Faspay faspayTerms }
	k.c.call("PATCH", "/merchants/"+k.id, map[string]any{"faspay": terms}, 200, &m)
	k.terms = m.Faspay
}

// call sends a request and reads the answer. A response_error is an error.
func (k *tokenizer) call(s faspay.Service, request, answer any) error {
	k.c.t.Helper()
	body, err := faspay.Encode(k.format, request)
	if err != nil {
		k.c.t.Fatal(err)
	}
	resp, err := client.Post(k.c.base+faspay.DefaultPaths().Path(s, k.format), k.format.ContentType(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return faspay.ReadAnswer(k.format, text, answer)
}

func (k *tokenizer) sign(signed string) string {
	return faspay.Sign(k.terms.UserID, k.terms.Password, signed)
}

func (k *tokenizer) activate(phone string) (a faspay.ActivationAnswer, err error) {
	k.c.t.Helper()
	err = k.call(faspay.ServiceActivation, faspay.ActivationRequest{
		MerchantID: k.terms.MerchantID, PaymentChannel: faspay.Channel, PhoneNo: phone, CustName: "Sari", Signature: k.sign(phone),
	}, &a)
	return a, err
}

// link links a phone.
func (k *tokenizer) link(phone string) {
	k.c.t.Helper()
	a, err := k.activate(phone)
	if err != nil || a.ResponseCode != faspay.CodeSuccess {
		k.c.t.Fatal(a, err)
	}
	k.c.complete(a.RedirectURL, "approve")
}

func (k *tokenizer) pay(phone, bill string, amount int64, payType string) (a faspay.PaymentAnswer, err error) {
	k.c.t.Helper()
	err = k.call(faspay.ServicePayment, faspay.PaymentRequest{
		MerchantID: k.terms.MerchantID, BillNo: bill, BillDesc: "Things", BillTotal: fmt.Sprint(amount), BillCurrency: faspay.Currency,
		PaymentChannel: faspay.Channel, PhoneNo: phone, CustName: "Sari", Email: "sari@shop.test", PayType: payType, Signature: k.sign(phone),
	}, &a)
	return a, err
}

// inFormats runs a test against a sandbox of its own in each encoding.
func inFormats(t *testing.T, test func(t *testing.T, k *tokenizer)) {
	t.Helper()
	for _, f := range []faspay.Format{faspay.JSON, faspay.XML} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			c, _ := running(t)
			test(t, c.tokenizer(f))
		})
	}
}

// faspayReceiver is a merchant's server that hears notifications and callbacks, and
// answers as it is told.
type faspayReceiver struct {
	*httptest.Server
	notified chan faspay.Notification
	called   chan faspay.Callback

	mu      sync.Mutex
	answers []hookAnswer // to the notifications to come; without one, an acknowledgement
	fails   int          // callbacks to come that fail
}

// hookAnswer is what a merchant answers, in place of an acknowledgement.
type hookAnswer struct {
	status int
	body   string
}

func (k *tokenizer) receiver() *faspayReceiver {
	k.c.t.Helper()
	r := &faspayReceiver{notified: make(chan faspay.Notification, 100), called: make(chan faspay.Callback, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/linked" {
			r.hearCallback(k, w, req)
			return
		}
		r.hearNotification(k, w, req)
	}))
	k.c.t.Cleanup(r.Close)
	k.change(map[string]any{"notification_url": r.URL + "/notify", "activation_callback_url": r.URL + "/linked?shop=1"})
	return r
}

func (r *faspayReceiver) hearNotification(k *tokenizer, w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.Method != http.MethodPost || req.Header.Get("Content-Type") != k.format.ContentType() {
		k.c.t.Errorf("notified by %s with %s, %v", req.Method, req.Header.Get("Content-Type"), err)
	}
	v, err := faspay.Parse(k.format, body)
	if err != nil {
		k.c.t.Errorf("notified %s: %v", body, err)
	}
	n, err := faspay.DecodeNotification(v, 1)
	if err != nil || !faspay.Verify(k.terms.UserID, k.terms.Password, n.Signed, n.Signature).OK {
		k.c.t.Errorf("notified %s: %v", body, err)
	}
	ack, err := faspay.Encode(k.format, faspay.NotificationAck{
		Response: faspay.NotificationText, TrxID: n.TrxID, MerchantID: n.MerchantID, BillNo: n.BillNo, ResponseCode: "00", ResponseDesc: "Success",
	})
	if err != nil {
		k.c.t.Error(err)
	}
	answer := hookAnswer{200, string(ack)}
	r.mu.Lock()
	if len(r.answers) > 0 {
		answer, r.answers = r.answers[0], r.answers[1:]
	}
	r.mu.Unlock()
	w.WriteHeader(answer.status)
	io.WriteString(w, answer.body)
	r.notified <- n
}

func (r *faspayReceiver) hearCallback(k *tokenizer, w http.ResponseWriter, req *http.Request) {
	callback, err := faspay.ParseCallback(req.URL.RawQuery)
	if err != nil || req.Method != http.MethodGet || req.URL.Query().Get("shop") != "1" || req.ContentLength > 0 {
		k.c.t.Errorf("called by %s %s: %v", req.Method, req.URL, err)
	}
	r.mu.Lock()
	fails := r.fails > 0
	if fails {
		r.fails--
	}
	r.mu.Unlock()
	if fails {
		w.WriteHeader(http.StatusInternalServerError)
	}
	r.called <- callback
}

// A payment's notification goes on until the merchant acknowledges it in words.
func TestFaspayNotifications(t *testing.T) {
	t.Parallel()
	inFormats(t, func(t *testing.T, k *tokenizer) {
		k.c.newWallet(storyPhone, 100_000)
		r := k.receiver()
		k.link(storyPhone)
		if got := wait(t, "callback", r.called); got.Phone != storyPhone || got.ResponseCode != "00" || got.MerchantID != "" || got.Signature != "" {
			t.Errorf("callback %+v", got)
		}
		pay := func(bill, outcome string) payment {
			t.Helper()
			a, err := k.pay(storyPhone, bill, 1_000, faspay.PayCash)
			if err != nil || a.ResponseCode != "00" {
				t.Fatal(a, err)
			}
			k.c.complete(a.RedirectURL, outcome)
			for _, p := range k.c.payments() {
				if p.Reference == a.TrxID {
					return p
				}
			}
			t.Fatalf("no payment %s", a.TrxID)
			return payment{}
		}

		p := pay("B1", "approve")
		n := wait(t, "notification", r.notified)
		if n.Status != faspay.StatusSuccess || n.BillNo != "B1" || n.TrxID != p.Reference || n.BillTotal != 1_000 || n.Total != 1_000 ||
			n.ChannelUID != "720" || n.ChannelName != "OVO OpenAPI" || n.Reference == "" || n.Date.IsZero() {
			t.Errorf("notified %+v", n)
		}
		k.c.notificationOf(p.ID, func(n notification) bool { return n.State == "delivered" && len(n.Attempts) == 1 })

		p = pay("B2", "cancel")
		if n = wait(t, "notification", r.notified); n.Status != faspay.StatusCancelled || n.Total != 0 || n.Reference != "" || !n.Date.IsZero() {
			t.Errorf("notified %+v", n)
		}
		p = pay("B3", "wrong_otp")
		if n = wait(t, "notification", r.notified); n.Status != faspay.StatusFailed {
			t.Errorf("notified %+v", n)
		}

		// Known already counts as taken, whatever its encoding.
		r.mu.Lock()
		r.answers = []hookAnswer{{200, `{"response_code":14}`}}
		r.mu.Unlock()
		p = pay("B4", "approve")
		wait(t, "notification", r.notified)
		k.c.notificationOf(p.ID, func(n notification) bool { return n.State == "delivered" && len(n.Attempts) == 1 })

		// Everything else does not: four attempts in all, then it is given up.
		r.mu.Lock()
		r.answers = []hookAnswer{
			{500, `{"response_code":"00"}`}, {200, "OK"}, {200, "<faspay><response_code>01</response_code></faspay>"}, {200, `{"response_code":"00"`},
		}
		r.mu.Unlock()
		p = pay("B5", "approve")
		wait(t, "first attempt", r.notified)
		first := k.c.notificationOf(p.ID, func(n notification) bool { return n.State == "queued" && len(n.Attempts) == 1 })
		due := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}
		for i, after := range due {
			if want := first.Attempts[0].At.Add(after); i == 0 && (first.NextAt == nil || !first.NextAt.Equal(want)) {
				t.Errorf("the second attempt is due at %v, want %v", first.NextAt, want)
			}
			k.c.call("POST", "/clock/advance", map[string]string{"by": (after - append([]time.Duration{0}, due...)[i]).String()}, 200, nil)
			wait(t, fmt.Sprint("attempt ", i+2), r.notified)
			last := i == len(due)-1
			k.c.notificationOf(p.ID, func(n notification) bool {
				return len(n.Attempts) == i+2 && (n.State == "failed") == last
			})
		}
		failed := k.c.notificationOf(p.ID, func(n notification) bool { return n.State == "failed" })
		for i, words := range []string{"HTTP 500", "no acknowledgement", `response_code "01"`, "no acknowledgement"} {
			if !strings.Contains(failed.Attempts[i].Error, words) {
				t.Errorf("attempt %d failed for %q, want %q", i+1, failed.Attempts[i].Error, words)
			}
		}
		k.c.call("POST", "/notifications/"+failed.ID+"/resend", nil, 201, nil)
		wait(t, "the resent notification", r.notified)
		k.c.notificationOf(p.ID, func(n notification) bool { return n.State == "delivered" })
		k.c.auditClean()
	})
}

func TestFaspayCallbacks(t *testing.T) {
	t.Parallel()
	inFormats(t, func(t *testing.T, k *tokenizer) {
		k.c.newWallet(storyPhone, 100_000)
		r := k.receiver()
		for _, outcome := range []string{"cancel", "wrong_pin"} {
			a, err := k.activate("62" + storyPhone[1:])
			if err != nil {
				t.Fatal(err)
			}
			k.c.complete(a.RedirectURL, outcome)
			if got := wait(t, "callback", r.called); got.ResponseCode != "01" || got.Phone != "62"+storyPhone[1:] {
				t.Errorf("%s: callback %+v", outcome, got)
			}
		}
		k.c.call("POST", "/wallets/"+storyPhone+"/status", map[string]string{"status": "active"}, 200, nil)
		if a, err := k.activate(storyPhone); err != nil || a.ResponseCode != "00" {
			t.Fatal(a, err)
		}
		k.c.call("POST", "/clock/advance", map[string]string{"by": "15m"}, 200, nil)
		if got := wait(t, "callback", r.called); got.ResponseCode != "01" {
			t.Errorf("expired: callback %+v", got)
		}

		r.mu.Lock()
		r.fails = 1
		r.mu.Unlock()
		k.link(storyPhone)
		wait(t, "first callback", r.called)
		id := k.c.wallet(storyPhone).Links[0].ID
		k.c.notificationOf(id, func(n notification) bool { return n.State == "queued" && len(n.Attempts) == 1 })
		k.c.call("POST", "/clock/advance", map[string]string{"by": "1m"}, 200, nil)
		if got := wait(t, "second callback", r.called); got.ResponseCode != "00" {
			t.Errorf("callback %+v", got)
		}
		k.c.notificationOf(id, func(n notification) bool { return n.State == "delivered" && len(n.Attempts) == 2 })
	})
}

// The browser of an ended payment page brings the result along, signed.
func TestFaspayReturn(t *testing.T) {
	t.Parallel()
	inFormats(t, func(t *testing.T, k *tokenizer) {
		k.c.newWallet(storyPhone, 5_000)
		k.change(map[string]any{"return_url": "https://shop.test/back?cart=7"})
		a, err := k.activate(storyPhone)
		if err != nil {
			t.Fatal(err)
		}
		if to := k.c.complete(a.RedirectURL, "approve"); to != "https://shop.test/back?cart=7" {
			t.Errorf("after the activation the browser goes to %s", to)
		}
		for i, step := range []struct{ outcome, status string }{{"approve", "2"}, {"cancel", "8"}, {"wrong_otp", "3"}, {"approve", "3"}} {
			p, err := k.pay(storyPhone, fmt.Sprint("B/", i), 5_000, faspay.PayCash)
			if err != nil {
				t.Fatal(err)
			}
			to, err := url.Parse(k.c.complete(p.RedirectURL, step.outcome))
			if err != nil {
				t.Fatal(err)
			}
			q := to.Query()
			if to.Host != "shop.test" || q.Get("cart") != "7" || q.Get("trx_id") != p.TrxID || q.Get("bill_no") != p.BillNo || q.Get("bill_reff") != p.BillNo ||
				q.Get("status") != step.status || q.Get("bill_total") != "5000" || q.Get("merchant_id") != k.terms.MerchantID ||
				!faspay.Verify(k.terms.UserID, k.terms.Password, q.Get("bill_no")+q.Get("status"), q.Get("signature")).OK {
				t.Errorf("%s: the browser goes to %s", step.outcome, to)
			}
			if (q.Get("payment_reff") != "") != (step.status == "2") {
				t.Errorf("%s: the browser goes to %s", step.outcome, to)
			}
		}

		// A page that time ended, as a browser meets it.
		p, err := k.pay(storyPhone, "late", 1_000, faspay.PayCash)
		if err != nil {
			t.Fatal(err)
		}
		k.c.call("POST", "/clock/advance", map[string]string{"by": "15m"}, 200, nil)
		resp, err := client.Get(p.RedirectURL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(text), "status=7") || !strings.Contains(string(text), "https://shop.test/back?cart=7") {
			t.Errorf("%v: the page reads %s", err, text)
		}
	})
}

// What the top-up instruction leads to is there, in both languages.
func TestFaspayTopUpPages(t *testing.T) {
	t.Parallel()
	inFormats(t, func(t *testing.T, k *tokenizer) {
		var a faspay.TopUpAnswer
		if err := k.call(faspay.ServiceTopUp, faspay.TopUpRequest{
			MerchantID: k.terms.MerchantID, Merchant: "Toko", PhoneNo: storyPhone, PaymentChannel: faspay.Channel, Signature: k.sign(storyPhone),
		}, &a); err != nil || len(a.Instructions) != len(faspay.TopUpOptions) {
			t.Fatal(a, err)
		}
		read := func(address string) (text, contentType string) {
			t.Helper()
			resp, err := client.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("%s: HTTP %d, %v", address, resp.StatusCode, err)
			}
			return string(body), resp.Header.Get("Content-Type")
		}
		seen := map[string]bool{}
		for i, way := range a.Instructions {
			if way.Option != faspay.TopUpOptions[i] {
				t.Errorf("option %d is %q", i, way.Option)
			}
			icon, kind := read(way.Icon)
			if kind != "image/svg+xml" || !strings.HasPrefix(icon, "<svg ") || seen[icon] {
				t.Errorf("%s is %s: %s", way.Icon, kind, icon)
			}
			seen[icon] = true
			for lang, word := range map[string]string{"id": "Isi saldo OVO", "en": "Top up OVO"} {
				page, kind := read(way.URL + "?lang=" + lang)
				if kind != "text/html; charset=utf-8" || !strings.Contains(page, word) || !strings.Contains(page, `lang="`+lang+`"`) || seen[page] {
					t.Errorf("%s in %s is %s: %s", way.URL, lang, kind, page)
				}
				seen[page] = true
			}
		}
	})
}

// The same binding serves Faspay and DOKU's protocols, whoever made it.
func TestOneBindingServesFaspayToo(t *testing.T) {
	t.Parallel()
	inFormats(t, func(t *testing.T, k *tokenizer) {
		c := k.c
		c.newWallet(storyPhone, 100_000)
		snap := &snapTeller{c: c, client: c.snapClient(c.seededMerchant()), phone: storyPhone}
		step(t, "bind through SNAP", snap.bind(storyPhone, "cust"), "ok")
		teller := &faspayTeller{k: k, phone: storyPhone, trx: map[string]string{}}
		step(t, "pay through Faspay", teller.pay("F1", 1_000, false), "ok")
		step(t, "bind through Faspay", teller.bind(storyPhone, "cust"), "no") // it is bound already
		if a, err := k.pay(storyPhone, "F2", 1_000, faspay.PayCash); err != nil || a.ResponseCode != "00" {
			t.Error(a, err)
		}

		// The customer unlinks; Faspay renews what SNAP made, for the same customer.
		c.call("POST", "/wallets/"+storyPhone+"/links/"+c.wallet(storyPhone).Links[0].ID+"/unlink", nil, 200, nil)
		a, err := k.pay(storyPhone, "F3", 1_000, faspay.PayCash)
		if err != nil || a.ResponseCode != faspay.CodeRenew {
			t.Fatal(a, err)
		}
		c.complete(a.URL, "approve")
		legacy := c.jokulClient(c.seededMerchant())
		tokens, err := legacy.Tokens(context.Background(), "cust")
		if err != nil || len(tokens) != 1 {
			t.Fatalf("Jokul sees %v of the renewed binding, %v", tokens, err)
		}
		jokul := &jokulTeller{c: c, client: legacy, customer: "cust", token: tokens[0].Token, requests: map[string]string{}}
		step(t, "pay through Jokul under it", jokul.pay("JKL1", 2_000, false), "ok")
		step(t, "pay through Faspay under it", teller.pay("F3", 1_000, false), "ok")
		step(t, "unbind through Faspay", teller.unbind(), "ok")
		step(t, "pay through Jokul unbound", jokul.pay("JKL2", 1, false), "no")

		step(t, "bind through Faspay", teller.bind(storyPhone, "cust"), "ok")
		tokens, err = legacy.Tokens(context.Background(), storyPhone) // the phone is the customer
		if err != nil || len(tokens) != 1 {
			t.Fatalf("Jokul sees %v of Faspay's binding, %v", tokens, err)
		}
		jokul.customer, jokul.token = storyPhone, tokens[0].Token
		step(t, "pay through Jokul under Faspay's binding", jokul.pay("JKL3", 3_000, false), "ok")
		if w := c.wallet(storyPhone); w.Cash != 100_000-1_000-2_000-1_000-3_000 {
			t.Errorf("the wallet holds %d", w.Cash)
		}
		c.auditClean()
	})
}

func TestFaspayNumberChange(t *testing.T) {
	t.Parallel()
	inFormats(t, func(t *testing.T, k *tokenizer) {
		k.c.newWallet(storyPhone, 10_000)
		k.c.newWallet("081500000011", 1)
		k.link(storyPhone)
		number := "/wallets/" + storyPhone + "/number"
		k.c.call("POST", number, map[string]string{"phone": "081500000011"}, 409, nil)
		k.c.call("POST", number, map[string]string{"phone": "12"}, 400, nil)
		var w wallet
		k.c.call("POST", number, map[string]string{"phone": "+6281500000010"}, 200, &w)
		if w.Phone != "081500000010" || w.Cash != 10_000 || w.Links[0].State != "unbound" {
			t.Errorf("the wallet is %+v", w)
		}
		k.c.call("GET", "/wallets/"+storyPhone, nil, 404, nil)
		a, err := k.pay(storyPhone, "B1", 1_000, faspay.PayCash)
		if err != nil || a.ResponseCode != "02" {
			t.Fatal(a, err)
		}
		k.c.complete(a.URL, "approve")
		if a, err = k.pay(storyPhone, "B1", 1_000, faspay.PayCash); err != nil || a.ResponseCode != "00" {
			t.Fatal(a, err)
		}
		k.c.complete(a.RedirectURL, "approve")
		if w := k.c.wallet("081500000010"); w.Cash != 9_000 {
			t.Errorf("the wallet holds %d", w.Cash)
		}
		// The customer finds the link in the app under the new number.
		k.c.call("POST", "/wallets/081500000010/links/"+k.c.wallet("081500000010").Links[0].ID+"/unlink", nil, 200, nil)
		k.c.auditClean()
	})
}

// Magic numbers and scenarios decide here too; the request log says why.
func TestFaspayScenarios(t *testing.T) {
	t.Parallel()
	inFormats(t, func(t *testing.T, k *tokenizer) {
		c := k.c
		const magic = "081900000061"
		k.link(magic)
		if a, err := k.pay(magic, "B1", 1_000, faspay.PayCash); err != nil || a.ResponseCode != "01" || !strings.Contains(a.ResponseDesc, "limit") {
			t.Error(a, err)
		}
		c.newWallet(storyPhone, 10_000)
		for match, want := range map[string]string{k.terms.MerchantID: "96", "MCH-OTHER": "00"} {
			var sc struct{ ID string }
			c.call("POST", "/scenarios", map[string]any{
				"match": map[string]string{"operation": "bind", "client_id": match}, "outcome": map[string]string{"error": "unavailable"},
			}, 201, &sc)
			a, err := k.activate(storyPhone)
			if got := a.ResponseCode + codeOf(err); got != want {
				t.Errorf("a scenario for %s: %q %v", match, got, err)
			}
			if want == "00" {
				c.call("DELETE", "/scenarios/"+sc.ID, nil, 200, nil)
			}
		}
		// Nobody's signature.
		k.terms.Password += "x"
		_, err := k.activate(storyPhone)
		if codeOf(err) != faspay.CodeCredentials {
			t.Errorf("a wrong signature: %v", err)
		}
		var log struct {
			Requests []struct {
				Target, Reason string
				Signature      struct {
					Scheme, Hint string
					OK           bool
				}
			}
		}
		c.call("GET", "/requests?limit=1", nil, 200, &log)
		if r := log.Requests[0]; r.Signature.OK || r.Signature.Scheme != "faspay" || r.Signature.Hint == "" || !strings.Contains(r.Reason, "signature") {
			t.Errorf("the log has %+v", r)
		}
	})
}

// codeOf is the response code of a response_error, or "".
func codeOf(err error) string {
	if e, ok := err.(*faspay.Error); ok {
		return e.Code
	}
	return ""
}

func TestFaspayMembersOfMerchants(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	type view struct {
		ID     string
		Faspay faspayTerms
	}
	var list struct{ Merchants []view }
	c.call("GET", "/merchants", nil, 200, &list)
	seed := list.Merchants[0].Faspay
	if seed.MerchantID != "99999" || seed.UserID != "bot99999" || seed.Password != "p@ssw0rd" || seed.Format != "json" || seed.AmountScale != 1 || len(seed.Allow) != 0 {
		t.Errorf("the seeded merchant has %+v", seed)
	}
	var made view
	c.call("POST", "/merchants", map[string]any{"name": "Toko"}, 201, &made)
	if f := made.Faspay; len(f.MerchantID) != 5 || f.UserID != "bot"+f.MerchantID || len(f.Password) < 20 {
		t.Errorf("generated %+v", f)
	}
	path := "/merchants/" + made.ID
	change := func(status int, members string) (v view) {
		t.Helper()
		c.call("PATCH", path, map[string]any{"faspay": json.RawMessage(members)}, status, &v)
		return v
	}
	changed := change(200, `{"merchant_id":"123","user_id":"u","password":"p","format":"xml","amount_scale":100,"allow":["192.0.2.7"," 10.0.0.0/8"],
		"notification_url":"http://a.test","activation_callback_url":"http://b.test","return_url":"http://c.test","flat_errors":true,"suspended":true}`).Faspay
	var read view
	c.call("GET", path, nil, 200, &read)
	want := faspayTerms{"123", "u", "p", "http://a.test", "http://b.test", "http://c.test", "xml", 100, []string{"192.0.2.7", "10.0.0.0/8"}, true, true}
	if fmt.Sprint(changed) != fmt.Sprint(want) || fmt.Sprint(read.Faspay) != fmt.Sprint(want) {
		t.Errorf("changed to %+v, reads %+v", changed, read.Faspay)
	}
	for _, refused := range []string{
		`{"merchant_id":"123456"}`, `{"merchant_id":"12a"}`, `{"format":"yaml"}`, `{"amount_scale":10}`, `{"allow":["here"]}`, `{"allow":["10.0.0.0/99"]}`,
		`{"return_url":"ftp://c.test"}`, `{"password":5}`, `{"pass":"x"}`,
	} {
		change(400, refused)
	}
	change(409, `{"merchant_id":"99999"}`)
	c.call("POST", "/merchants", map[string]any{"faspay": map[string]string{"merchant_id": "99999"}}, 409, nil)
	c.call("PATCH", path, map[string]any{"doku": map[string]string{"client_id": "MCH-0001-10791114622547"}}, 409, nil)
	if f := change(200, `{"format":"","amount_scale":0}`).Faspay; f.Format != "json" || f.AmountScale != 1 {
		t.Errorf("the defaults are %+v", f)
	}
	if off := change(200, `{"merchant_id":""}`).Faspay; off.MerchantID != "" {
		t.Errorf("switched off: %+v", off)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	paths := faspay.DefaultPaths()
	paths.Numbers[faspay.ServiceUnlink] = paths.Numbers[faspay.ServiceTopUp]
	for _, c := range []app.Config{{Faspay: app.FaspayConfig{Paths: paths}}, {Rules: gateway.Rules{CallRate: 10}}} {
		c.Installation, c.Addr, c.PINCost = app.Installation{DataDir: t.TempDir()}, "127.0.0.1:0", cheapPIN
		if a, err := app.StartSandbox(t.Context(), c); err == nil {
			stop(t, a)
			t.Errorf("%+v starts", c)
		}
	}
	paths.Numbers[faspay.ServiceUnlink] = "300042"
	a, err := app.StartSandbox(t.Context(), app.Config{
		Installation: app.Installation{DataDir: t.TempDir()}, Addr: "127.0.0.1:0", PINCost: cheapPIN, Faspay: app.FaspayConfig{Paths: paths},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	for path, words := range map[string]string{"/cvr/300042/10": `"30"`, "/cvr/100042/10": `"40"`} {
		resp, err := client.Post(a.BaseURL+path, "application/json", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), words) {
			t.Errorf("%s: %s, %v", path, body, err)
		}
	}
}

// faspayTeller tells stories through Faspay. Payments are always confirmed on a
// page there, and refunds are the operator's.
type faspayTeller struct {
	k     *tokenizer
	app   *app.App
	phone string
	trx   map[string]string // order → trx_id of its newest payment
}

// client is an SDK client in the teller's encoding.
func (f *faspayTeller) client() *ovo.FaspayClient {
	f.k.c.t.Helper()
	return f.k.c.faspayClient(f.k.terms, ovo.FaspayFormat(f.k.format))
}

func (f *faspayTeller) bind(phone, _ string) string {
	a, err := f.client().Activate(context.Background(), ovo.FaspayActivateRequest{Phone: phone, CustomerName: "Sari"})
	if err != nil {
		return word(err)
	}
	f.phone = phone
	f.k.c.complete(a.RedirectURL, "approve")
	return "ok"
}

func (f *faspayTeller) pay(reference string, amount int64, points bool) string {
	purses := ovo.FaspayCash
	if points {
		purses = ovo.FaspayPointsFirst
	}
	return f.payAs(reference, amount, purses, "approve")
}

func (f *faspayTeller) payOnPage(reference string, amount int64, outcome string) string {
	return f.payAs(reference, amount, ovo.FaspayCash, outcome)
}

func (f *faspayTeller) payAs(reference string, amount int64, purses ovo.FaspayPurses, outcome string) string {
	p, err := f.client().Pay(context.Background(), ovo.FaspayPayRequest{
		Phone: f.phone, BillNo: reference, Description: "Things", Amount: amount, CustomerName: "Sari", Email: "sari@shop.test", Purses: purses,
	})
	if err != nil {
		return word(err)
	}
	f.trx[reference] = p.TrxID
	f.k.c.complete(p.RedirectURL, outcome)
	if s, err := f.client().Inquire(context.Background(), ovo.FaspayBill{TrxID: p.TrxID, BillNo: reference}); err != nil || s.State != ovo.StateSuccess {
		return "no"
	}
	return "ok"
}

func (f *faspayTeller) refund(payment, reference string, amount int64) string {
	_, _, err := f.app.Gateway.RefundPayment(context.Background(), gateway.RefundPayment{
		Merchant: gateway.MerchantID(f.k.id), Payment: gateway.PaymentQuery{Dialect: "faspay", Reference: f.trx[payment], Order: payment},
		Reference: reference, Amount: money.Amount(amount),
	})
	return word(err)
}

func (f *faspayTeller) unbind() string {
	return word(f.client().Unlink(context.Background(), f.phone))
}
