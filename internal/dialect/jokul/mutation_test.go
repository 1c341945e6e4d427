package jokul_test

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/dialect/jokul"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wirejokul "github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

var (
	mutations    = flag.Int("mutations", 5_000, "changed requests that TestChangedRequestsAreRefused sends")
	mutationSeed = flag.Uint64("mutation.seed", 0, "seed of TestChangedRequestsAreRefused; 0 draws one")
)

// signed is a signed request as it stands on the wire.
type signed struct {
	method, target, body string
	header               map[string]string
}

func (s signed) with(name, value string) signed {
	header := map[string]string{}
	for k, v := range s.header {
		header[k] = v
	}
	header[name] = value
	s.header = header
	return s
}

// send serves a request in memory and returns the answer.
func send(handler http.Handler, s signed) *httptest.ResponseRecorder {
	target, err := url.ParseRequestURI(s.target)
	if err != nil {
		return nil // the server would not get it
	}
	r := &http.Request{
		Method: s.method, URL: target, RequestURI: s.target, Host: "gerbang.test", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body)),
	}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// change alters one byte of a text: another value, one more, or one less.
func change(r *rand.Rand, text string) string {
	at := r.IntN(len(text) + 1)
	if at == len(text) {
		return text + string(rune(' '+r.IntN(95)))
	}
	switch r.IntN(3) {
	case 0:
		return text[:at] + text[at+1:]
	case 1:
		return text[:at] + string(rune(' '+r.IntN(95))) + text[at:]
	default:
		return text[:at] + string([]byte{text[at] ^ byte(1+r.IntN(255))}) + text[at+1:]
	}
}

// quiet is the dialect without notes, because explaining every refusal would take
// minutes, and in which no push is waited for.
func (s *shop) quiet() http.Handler {
	mux := http.NewServeMux()
	draining := make(chan struct{})
	close(draining)
	jokul.New(jokul.Config{
		Gateway: s.gateway, Clock: s.clock, Draining: draining, PageURL: func(p gateway.Page) string { return "https://pages.test/" + p.Key },
	}).Mount(mux)
	return mux
}

// TestChangedRequestsAreRefused changes one byte of a signed request, thousands of
// times, everywhere that the protocol protects. None may be carried out, none may
// leave a trace, and none may be answered with 5xx.
//
// What the protocol does not protect is left out here: the query, and of a push
// all that its check_sum does not cover. docs/security.md says what stands in for it.
func TestChangedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	seed := *mutationSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with -mutation.seed=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := open(t)
	handler := s.quiet()
	token := s.bind(phone, "cust")
	if a := s.do(request{path: wirejokul.PathRecurringPayment, requestID: "paid", body: paymentBody("cust", token, "PAID", "5000", "")}); a.status != 201 {
		t.Fatal(a.raw)
	}
	before := s.balance()

	sign := func(method, path, body string) func(id string) signed {
		return func(id string) signed {
			call := wirejokul.Call{Method: method, Target: path, ClientID: clientID, RequestID: id, Timestamp: wirejokul.FormatTime(s.clock.Now())}
			return signed{method, path, body, map[string]string{
				"Client-Id": clientID, "Request-Id": id, "Request-Timestamp": call.Timestamp, "Signature": wirejokul.SignRequest(secret, call, []byte(body)),
			}}
		}
	}
	bases := []func(id string) signed{
		sign("POST", wirejokul.PathBinding, bindingBody(phone, "other")),
		sign("POST", wirejokul.PathTokens, tokensBody("cust")),
		sign("POST", wirejokul.PathBalance, balanceBody("cust", token)),
		sign("POST", wirejokul.PathRecurringPayment, paymentBody("cust", token, "NEW", "15000", "")),
		sign("POST", wirejokul.PathRefund, refundBody("PAID", "paid", "1000")),
		sign("POST", wirejokul.PathUnbinding, unbindingBody("cust", token)),
		sign("GET", wirejokul.StatusPath("PAID"), ""),
	}
	refused := map[int]int{}
	for n := 0; n < *mutations; {
		base := bases[r.IntN(len(bases))](fmt.Sprint("M", n))
		changed := base
		var what string
		switch r.IntN(8) {
		case 0:
			what, changed.method = "method", change(r, base.method)
		case 1:
			what, changed.target = "path", change(r, base.target)
			if path, _, _ := strings.Cut(changed.target, "?"); path == base.target {
				continue // only a query was added
			}
		case 2, 3, 4:
			if base.body == "" {
				continue // a GET has no body that anybody reads
			}
			what, changed.body = "body", change(r, base.body)
		default:
			names := []string{"Client-Id", "Request-Id", "Request-Timestamp", "Signature", "Signature"}
			what = names[r.IntN(len(names))]
			value := change(r, base.header[what])
			if strings.TrimSpace(value) == base.header[what] || what == "Signature" && value+"=" == base.header[what] {
				continue // blanks around a header's value, and the padding, do not belong to it
			}
			changed = base.with(what, value)
		}
		w := send(handler, changed)
		if w == nil {
			continue
		}
		n++
		refused[w.Code]++
		if w.Code < 300 || w.Code >= 500 || w.Body.Len() > 1<<10 {
			t.Fatalf("%s changed: HTTP %d %s for %+v, unchanged %+v", what, w.Code, w.Body, changed, base)
		}
	}
	if after := s.balance(); after != before {
		t.Errorf("the wallet held %+v and holds %+v", before, after)
	}
	all, err := s.gateway.Payments(t.Context(), "", 10)
	if err != nil || len(all) != 1 || all[0].Refunded.Total() != 0 {
		t.Errorf("payments %+v, %v", all, err)
	}
	s.auditClean()
	// The requests were good until they were changed, and their ids are unused.
	for i, base := range bases[1:] {
		call := base(fmt.Sprint("M", i))
		if w := send(handler, call); w.Code >= 300 {
			t.Errorf("unchanged: HTTP %d %s for %+v", w.Code, w.Body, call)
		}
	}
	t.Logf("%d changed requests refused, by HTTP status: %v", *mutations, refused)
}

// TestChangedPushesAreRefused does the same to what the check_sum of a push covers:
// amount, client, invoice and phone, and the check_sum itself.
func TestChangedPushesAreRefused(t *testing.T) {
	t.Parallel()
	seed := *mutationSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with -mutation.seed=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := open(t)
	handler := s.quiet()
	fields := wirejokul.CheckSumFields{Amount: "15000", ClientID: clientID, InvoiceNumber: "INV-PUSH-77", OVOID: phone}
	sum := fields.Sum(secret)
	refused := map[int]int{}
	for n := 0; n < *mutations; {
		changed, check := fields, sum
		switch r.IntN(5) {
		case 0:
			changed.Amount = change(r, fields.Amount)
		case 1:
			changed.ClientID = change(r, fields.ClientID)
		case 2:
			changed.InvoiceNumber = change(r, fields.InvoiceNumber)
		case 3:
			changed.OVOID = change(r, fields.OVOID)
		default:
			check = change(r, sum)
		}
		body := fmt.Sprintf(`{"client":{"id":%q},"order":{"invoice_number":%q,"amount":%s},"ovo_info":{"ovo_id":%q},"security":{"check_sum":%q}}`,
			changed.ClientID, changed.InvoiceNumber, changed.Amount, changed.OVOID, check)
		if strings.TrimSpace(changed.Amount) == fields.Amount {
			changed.Amount = fields.Amount // blanks around a number are not part of it
		}
		if strings.EqualFold(check, sum) && changed == fields {
			continue // the same request, perhaps with its hexadecimal in another letter case
		}
		w := send(handler, signed{method: "POST", target: wirejokul.PathPush, body: body})
		n++
		refused[w.Code]++
		if w.Code < 300 || w.Code >= 500 || w.Body.Len() > 1<<10 {
			t.Fatalf("HTTP %d %s for %s", w.Code, w.Body, body)
		}
	}
	if all, err := s.gateway.Payments(t.Context(), "", 10); err != nil || len(all) != 0 {
		t.Errorf("payments %+v, %v", all, err)
	}
	s.auditClean()
	t.Logf("%d changed pushes refused, by HTTP status: %v", *mutations, refused)
}

// FuzzCalls signs whatever body comes: it may be refused, but not with 5xx.
func FuzzCalls(f *testing.F) {
	s := open(f)
	handler := s.quiet()
	token := s.bind(phone, "cust")
	paths := []string{
		wirejokul.PathBinding, wirejokul.PathTokens, wirejokul.PathBalance, wirejokul.PathRecurringPayment, wirejokul.PathRefund, wirejokul.PathUnbinding,
		wirejokul.PathPayment, wirejokul.PathVoid,
	}
	for i, body := range []string{
		bindingBody(phone, "other"), tokensBody("cust"), balanceBody("cust", token), paymentBody("cust", token, "NEW", "1", usePoints), refundBody("NEW", "r", "1"),
		unbindingBody("cust", token), paymentBody("cust", token, "NEW-2", "1", ""), `{"client":{"id":"x"},"order":{"amount":"1"}}`,
		`{`, `{"order":{"invoice_number":"\u0000\ud83d\ude00","amount":1e3}}`, `{"customer":[],"a":1e400}`,
	} {
		f.Add(uint8(i), body, "r-1")
	}
	f.Fuzz(func(t *testing.T, which uint8, body, id string) {
		path := paths[int(which)%len(paths)]
		call := wirejokul.Call{Method: "POST", Target: path, ClientID: clientID, RequestID: id, Timestamp: wirejokul.FormatTime(s.clock.Now())}
		w := send(handler, signed{"POST", path, body, map[string]string{
			"Client-Id": clientID, "Request-Id": id, "Request-Timestamp": call.Timestamp, "Signature": wirejokul.SignRequest(secret, call, []byte(body)),
		}})
		if w.Code >= 500 || w.Body.Len() > 128<<10 { // an answer may give the body's additional_info back
			t.Fatalf("%s %q: HTTP %d %s", path, body, w.Code, w.Body)
		}
		if _, err := wire.Parse(w.Body.Bytes()); err != nil {
			t.Fatalf("the answer %q is no JSON: %v", w.Body, err)
		}
	})
}
