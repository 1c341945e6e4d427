package snap_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// tokenEndpoint is a merchant's, answering as told and counting.
func tokenEndpoint(t *testing.T, status int, answer string) (url string, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || string(body) != `{"grantType":"client_credentials"}` || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("token call %s %q %v", r.Method, body, r.Header)
		}
		verdict := wiresnap.VerifyAsymmetric(&gatewayKey().PublicKey, r.Header.Get("X-CLIENT-KEY"), r.Header.Get("X-TIMESTAMP"), r.Header.Get("X-SIGNATURE"))
		if !verdict.OK || r.Header.Get("X-CLIENT-KEY") != clientID {
			t.Errorf("token call is signed %+v", verdict)
		}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/token", calls
}

// outgoing takes the newest notification from the shop's outbox.
func (s *shop) outgoing(kind gateway.EventKind, urls gateway.SNAPEndpoints) gateway.Outgoing {
	s.t.Helper()
	m, err := s.gateway.MerchantByDOKUClient(s.t.Context(), clientID)
	if err != nil {
		s.t.Fatal(err)
	}
	m.DOKU.SNAP = urls
	if err := s.gateway.UpdateMerchant(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	claimed, err := s.gateway.ClaimNotifications(s.t.Context(), time.Minute, 10)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, n := range claimed {
		if n.Kind == kind {
			o, err := s.gateway.Outgoing(s.t.Context(), n)
			if err != nil {
				s.t.Fatal(err)
			}
			return o
		}
	}
	s.t.Fatalf("no %s among %d notifications", kind, len(claimed))
	panic("unreachable")
}

const goodToken = `{"responseCode":"2007300","responseMessage":"Successful","accessToken":"tok-merchant","tokenType":"Bearer","expiresIn":900,"additionalInfo":""}`

func TestPaymentNotification(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("cust-1")
	body := paymentBody("INV-1", "25000.00", `,"paymentType":"RECURRING","lineItems":[{"name":"<Tea> & cake","price":"25000.00","quantity":1}]`)
	paid := s.do(request{path: wiresnap.PathPayment, body: body, customer: customer, headers: map[string]string{"X-EXTERNAL-ID": "77"}})
	s.want(paid, "2005400", "Successful")
	url, calls := tokenEndpoint(t, 200, goodToken)
	o := s.outgoing(gateway.EventPaymentSucceeded, gateway.SNAPEndpoints{TokenURL: url, NotificationURL: "https://merchant.test/doku/notify?shop=1"})

	send := func() (*http.Request, string) {
		t.Helper()
		req, err := s.dialect.Request(t.Context(), http.DefaultClient, o, s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		sent, err := io.ReadAll(req.Body)
		if err != nil {
			t.Fatal(err)
		}
		return req, string(sent)
	}
	req, sent := send()
	want := `{"originalPartnerReferenceNo":"INV-1","originalReferenceNo":"` + paid.text("referenceNo") + `","originalExternalId":"77","latestTransactionStatus":"00","transactionStatusDesc":"Success","amount":{"value":"25000.00","currency":"IDR"},"additionalInfo":{"acquirerId":"OVO","custIdMerchant":"cust-1","accountType":"WALLET","channelId":"EMONEY_OVO_SNAP","failedPaymentUrl":"https://merchant.test/fail","successPaymentUrl":"https://merchant.test/ok","lineItems":[{"name":"<Tea> & cake","price":"25000.00","quantity":"1"}],"origin":{"apiFormat":"SNAP"},"paymentType":"RECURRING"}}`
	if sent != want {
		t.Errorf("body\n%s, want\n%s", sent, want)
	}
	if req.Header.Get("Authorization") != "Bearer tok-merchant" || req.Header.Get("X-PARTNER-ID") != clientID || req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", req.Header)
	}
	if got := strings.TrimPrefix(req.Header.Get("Authorization-Customer"), "Bearer "); got != customer {
		t.Errorf("customer token %q, want the one that was issued", got)
	}
	verdict := wiresnap.VerifySymmetric(secret, "POST", "/doku/notify?shop=1", "tok-merchant", []byte(sent), req.Header.Get("X-TIMESTAMP"), req.Header.Get("X-SIGNATURE"))
	if !verdict.OK || verdict.Matched != "raw" {
		t.Errorf("signature %+v", verdict)
	}

	// Another attempt: the same body under a new id, with the token still held.
	again, sentAgain := send()
	if sentAgain != sent || again.Header.Get("X-EXTERNAL-ID") == req.Header.Get("X-EXTERNAL-ID") {
		t.Error("a repeat must have the same body and a new id")
	}
	if calls.Load() != 1 {
		t.Errorf("%d token calls, want 1", calls.Load())
	}
	// A refused token is not used again.
	if err := s.dialect.Accepted(o, 401, nil); err == nil {
		t.Error("HTTP 401 was taken for an acknowledgement")
	}
	send()
	if calls.Load() != 2 {
		t.Errorf("after a 401: %d token calls, want 2", calls.Load())
	}
	// Nor one that has run out.
	s.clock.Advance(15 * time.Minute)
	send()
	if calls.Load() != 3 {
		t.Errorf("after a quarter of an hour: %d token calls, want 3", calls.Load())
	}
	for status, acknowledged := range map[int]bool{200: true, 204: true, 299: true, 302: false, 400: false, 500: false} {
		if err := s.dialect.Accepted(o, status, []byte(`{"responseCode":"5005600"}`)); (err == nil) != acknowledged {
			t.Errorf("HTTP %d: %v", status, err)
		}
	}
}

func TestBindingNotification(t *testing.T) {
	t.Parallel()
	s := open(t)
	a := s.do(request{path: wiresnap.PathBinding, body: bindingBody(phone, "cust-1"), headers: map[string]string{"X-EXTERNAL-ID": "88"}})
	s.complete(a.text("redirectUrl"))
	authCode := a.body["additionalInfo"].(map[string]any)["authCode"].(string)
	url, _ := tokenEndpoint(t, 200, goodToken)
	o := s.outgoing(gateway.EventBindingActive, gateway.SNAPEndpoints{TokenURL: url, BindingNotificationURL: "https://merchant.test/bound"})
	req, err := s.dialect.Request(t.Context(), http.DefaultClient, o, s.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	sent, _ := io.ReadAll(req.Body)
	want := `{"originalExternalId":"88","additionalInfo":{"status":"SUCCESS","custIdMerchant":"cust-1","authCode":"` + authCode + `"}}`
	if string(sent) != want {
		t.Errorf("body %s, want %s", sent, want)
	}
	if req.Header.Get("Authorization-Customer") != "" {
		t.Error("a customer token before one was issued")
	}
	o.Merchant.DOKU.SNAP.BindingNotificationURL = ""
	if _, err := s.dialect.Request(t.Context(), http.DefaultClient, o, s.clock.Now()); !errors.Is(err, gateway.ErrNoURL) {
		t.Errorf("without a URL: %v", err)
	}
}

// Merchants' token answers as their libraries print them.
func TestMerchantTokenAnswers(t *testing.T) {
	t.Parallel()
	answerWith := func(change func(map[string]any)) string {
		var m map[string]any
		if err := json.Unmarshal([]byte(goodToken), &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		text, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, tc := range map[string]struct {
		status int
		answer string
		ok     bool
		calls  int64 // for two notifications
	}{
		"number":            {200, goodToken, true, 1},
		"string":            {200, answerWith(func(m map[string]any) { m["expiresIn"] = "900" }), true, 1},
		"zero":              {200, answerWith(func(m map[string]any) { m["expiresIn"] = 0 }), true, 2},
		"nothing":           {200, answerWith(func(m map[string]any) { delete(m, "expiresIn") }), true, 2},
		"refused in a 200":  {200, `{"responseCode":"4017300","responseMessage":"Unauthorized. Invalid Signature","accessToken":null,"expiresIn":null}`, false, 2},
		"refused":           {401, `{"responseCode":"4017300","responseMessage":"Unauthorized."}`, false, 2},
		"not JSON":          {200, `<html>`, false, 2},
		"no token":          {200, answerWith(func(m map[string]any) { m["accessToken"] = "" }), false, 2},
		"no response code":  {200, answerWith(func(m map[string]any) { delete(m, "responseCode") }), true, 1},
		"an internal error": {500, goodToken, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.bind("cust-1")
			url, calls := tokenEndpoint(t, tc.status, tc.answer)
			o := s.outgoing(gateway.EventBindingActive, gateway.SNAPEndpoints{TokenURL: url, BindingNotificationURL: "https://merchant.test/bound"})
			for range 2 {
				_, err := s.dialect.Request(t.Context(), http.DefaultClient, o, s.clock.Now())
				if (err == nil) != tc.ok {
					t.Errorf("error %v", err)
				}
			}
			if calls.Load() != tc.calls {
				t.Errorf("%d token calls, want %d", calls.Load(), tc.calls)
			}
		})
	}
}
