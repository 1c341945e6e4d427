package snap_test

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

	"github.com/gerbang-pay/gerbang/internal/dialect/snap"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
)

var (
	mutations    = flag.Int("mutations", 5_000, "changed requests that TestChangedRequestsAreRefused sends")
	mutationSeed = flag.Uint64("mutation.seed", 0, "seed of TestChangedRequestsAreRefused; 0 draws one")
)

// signed is a signed request as it stands on the wire.
type signed struct {
	method, target, body string
	header               map[string]string
	token                bool // a token call: its signature covers no body
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
	// Not NewRequest: that panics on what is no request line.
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

// TestChangedRequestsAreRefused changes one byte of a signed request, thousands of
// times, everywhere that the protocol protects. None may be carried out, none may
// leave a trace, and none may be answered with 5xx.
//
// What the protocol does not protect is left out here: X-EXTERNAL-ID, CHANNEL-ID,
// the query, the body of token calls, and the white space and escapes of a body
// that is the same JSON document. docs/security.md says what stands in for it.
func TestChangedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	seed := *mutationSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with -mutation.seed=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := open(t)
	quiet := snap.New(snap.Config{ // no notes: explaining every refusal would take minutes
		Gateway: s.gateway, Clock: s.clock, Key: gatewayKey(), PageURL: func(p gateway.Page) string { return "https://pages.test/" + p.Key },
	})
	mux := http.NewServeMux()
	quiet.Mount(mux)
	authCode, customer := s.bind("cust")
	if a := s.do(request{path: wiresnap.PathPayment, customer: customer, body: paymentBody("PAID", "5000.00", recurring)}); a.status != 200 {
		t.Fatal(a.raw)
	}
	before := s.balanceOf("081200000001")

	sign := func(path, body, customer string) signed {
		stamp := s.now()
		if strings.Contains(path, "/access-token/") {
			signature, err := wiresnap.SignAsymmetric(merchantKey(), clientID, stamp)
			if err != nil {
				t.Fatal(err)
			}
			return signed{http.MethodPost, path, body, map[string]string{"X-CLIENT-KEY": clientID, "X-TIMESTAMP": stamp, "X-SIGNATURE": signature}, true}
		}
		call := signed{http.MethodPost, path, body, map[string]string{
			"X-PARTNER-ID": clientID, "X-TIMESTAMP": stamp, "Authorization": "Bearer " + s.token,
			"X-SIGNATURE": wiresnap.SignSymmetric(secret, http.MethodPost, path, s.token, []byte(body), stamp),
		}, false}
		if customer != "" {
			call.header["Authorization-Customer"] = "Bearer " + customer
		}
		return call
	}
	bases := []signed{
		sign(wiresnap.PathTokenB2B, `{"grantType":"client_credentials"}`, ""),
		sign(wiresnap.PathTokenB2B2C, fmt.Sprintf(`{"grantType":"authorization_code","authCode":%q}`, authCode), ""),
		sign(wiresnap.PathBinding, bindingBody("6281200000001", "other"), ""),
		sign(wiresnap.PathBalance, balanceBody, customer),
		sign(wiresnap.PathPayment, paymentBody("NEW", "15000.00", recurring), customer),
		sign(wiresnap.PathStatus, statusBody("PAID"), ""),
		sign(wiresnap.PathRefund, refundBody("PAID", "R-1", "1000.00"), ""),
		sign(wiresnap.PathUnbinding, fmt.Sprintf(`{"tokenId":%q,"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`, authCode), ""),
	}
	refused := map[int]int{}
	for n := 0; n < *mutations; {
		base := bases[r.IntN(len(bases))]
		changed := base.with("X-EXTERNAL-ID", fmt.Sprint("M", n))
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
			if base.token {
				continue
			}
			what, changed.body = "body", change(r, base.body)
			if sameDocument(changed.body, base.body) {
				continue
			}
		default:
			names := []string{"X-TIMESTAMP", "X-SIGNATURE", "X-SIGNATURE", "X-PARTNER-ID", "Authorization", "Authorization-Customer", "X-CLIENT-KEY"}
			what = names[r.IntN(len(names))]
			value := base.header[what]
			if value == "" {
				continue
			}
			scheme, token, _ := strings.Cut(value, "Bearer ")
			if token != "" {
				value = "Bearer " + change(r, token)
			} else {
				value = change(r, scheme)
			}
			if strings.Join(strings.Fields(value), " ") == base.header[what] {
				continue // blanks around a header's value do not belong to it
			}
			changed = changed.with(what, value)
			if what == "Authorization-Customer" { // which is judged when the caller is known: that uses the id up
				changed = changed.with("X-EXTERNAL-ID", fmt.Sprint("C", n))
			}
		}
		w := send(mux, changed)
		if w == nil {
			continue
		}
		n++
		refused[w.Code]++
		if w.Code < 300 || w.Code >= 500 || w.Body.Len() > 1<<10 {
			t.Fatalf("%s changed: HTTP %d %s for %+v, unchanged %+v", what, w.Code, w.Body, changed, base)
		}
	}
	if after := s.balanceOf("081200000001"); after != before {
		t.Errorf("the wallet held %+v and holds %+v", before, after)
	}
	all, err := s.gateway.Payments(t.Context(), "", 10)
	if err != nil || len(all) != 1 || all[0].Refunded.Total() != 0 {
		t.Errorf("payments %+v, %v", all, err)
	}
	s.auditClean()
	// The requests were good until they were changed, and their ids are unused.
	for i, base := range bases {
		if w := send(mux, base.with("X-EXTERNAL-ID", fmt.Sprint("M", i))); w.Code != 200 && base.target != wiresnap.PathBinding {
			t.Errorf("unchanged: HTTP %d %s for %+v", w.Code, w.Body, base)
		}
	}
	t.Logf("%d changed requests refused, by HTTP status: %v", *mutations, refused)
}

// sameDocument reports whether two bodies are one document in two spellings.
func sameDocument(a, b string) bool {
	x, err := wire.Parse([]byte(a))
	if err != nil {
		return string(wire.Strip([]byte(a))) == b
	}
	y, err := wire.Parse([]byte(b))
	return err == nil && string(x.AppendCanonical(nil)) == string(y.AppendCanonical(nil))
}

func (s *shop) balanceOf(phone gateway.Phone) string {
	s.t.Helper()
	w, err := s.gateway.Wallet(s.t.Context(), phone)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprint(w.Balance)
}

// FuzzCalls signs whatever body comes: it may be refused, but not with 5xx, and
// the books balance.
func FuzzCalls(f *testing.F) {
	s := open(f)
	_, customer := s.bind("cust")
	s.dialect.Note = nil
	mux := http.NewServeMux()
	s.dialect.Mount(mux)
	paths := []string{wiresnap.PathBinding, wiresnap.PathBalance, wiresnap.PathPayment, wiresnap.PathStatus, wiresnap.PathRefund, wiresnap.PathUnbinding}
	for i, body := range []string{
		bindingBody("6281200000001", "other"), balanceBody, paymentBody("NEW", "1.00", recurring), statusBody("NEW"), refundBody("NEW", "R", "1.00"), `{"tokenId":"1"}`,
		`{`, `{"amount":{"value":"999999999999.00","currency":"IDR"}}`, "{\"partnerReferenceNo\":\"\\u0000\\ud83d\\ude00\"}", `{"additionalInfo":[],"a":1e400}`,
	} {
		f.Add(uint8(i), body, "x-1", customer)
	}
	f.Fuzz(func(t *testing.T, which uint8, body, id, token string) {
		path, stamp := paths[int(which)%len(paths)], s.now()
		w := send(mux, signed{method: http.MethodPost, target: path, body: body, header: map[string]string{
			"X-PARTNER-ID": clientID, "X-EXTERNAL-ID": id, "X-TIMESTAMP": stamp, "Authorization": "Bearer " + s.token, "Authorization-Customer": "Bearer " + token,
			"X-SIGNATURE": wiresnap.SignSymmetric(secret, http.MethodPost, path, s.token, []byte(body), stamp),
		}})
		if w.Code >= 500 || w.Body.Len() > 4<<10 {
			t.Fatalf("%s %q: HTTP %d %s", path, body, w.Code, w.Body)
		}
		if _, err := wire.Parse(w.Body.Bytes()); err != nil {
			t.Fatalf("the answer %q is no JSON: %v", w.Body, err)
		}
	})
}
