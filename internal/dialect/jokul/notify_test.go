package jokul_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/dialect/jokul"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	wirejokul "github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// outgoing takes the newest queued notification of a kind from the shop's outbox.
func (s *shop) outgoing(kind gateway.EventKind) gateway.Outgoing {
	s.t.Helper()
	claimed, err := s.gateway.ClaimNotifications(s.t.Context(), time.Minute, 10)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := len(claimed) - 1; i >= 0; i-- {
		if claimed[i].Kind == kind {
			o, err := s.gateway.Outgoing(s.t.Context(), claimed[i])
			if err != nil {
				s.t.Fatal(err)
			}
			return o
		}
	}
	s.t.Fatalf("no %s among %d notifications", kind, len(claimed))
	panic("unreachable")
}

// release gives back what outgoing took longer ago than its lease.
func (s *shop) release() {
	s.t.Helper()
	if err := s.gateway.ReleaseNotifications(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// attempt encodes one attempt and checks headers and signature.
func (s *shop) attempt(o gateway.Outgoing, target string) (*http.Request, string) {
	s.t.Helper()
	req, err := s.dialect.Request(s.t.Context(), nil, o, s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if req.Method != "POST" || req.Header.Get("Content-Type") != "application/json" || req.Header.Get("Client-Id") != clientID {
		s.t.Errorf("%s %v", req.Method, req.Header)
	}
	signed := wirejokul.Call{
		Method: "POST", Target: target, ClientID: clientID, RequestID: req.Header.Get("Request-Id"), Timestamp: req.Header.Get("Request-Timestamp"),
	}
	if v := wirejokul.VerifyRequest(secret, signed, sent, req.Header.Get("Signature")); !v.OK {
		s.t.Errorf("signature %+v", v)
	}
	if "evt_"+signed.RequestID != string(o.Event.ID) || signed.Timestamp != wirejokul.FormatTime(s.clock.Now()) {
		s.t.Errorf("headers %v", req.Header)
	}
	return req, string(sent)
}

func TestPaymentNotification(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "CUST-7001")
	body := strings.Replace(paymentBody("CUST-7001", token, "SUB-1", "55000", usePoints), `"order"`, `"additional_info":{"plan":"<a> & b"},"order"`, 1)
	s.do(request{path: wirejokul.PathRecurringPayment, body: body, requestID: "5b0f3c1e"})
	date := s.status("SUB-1").get("transaction.date")
	s.do(request{path: wirejokul.PathRefund, body: refundBody("SUB-1", "5b0f3c1e", "55000")}) // has no notification of its own

	o := s.outgoing(gateway.EventPaymentSucceeded)
	req, sent := s.attempt(o, "/hooks/doku/ovo")
	want := `{"service":{"id":"EMONEY"},"acquirer":{"id":"OVO"},"channel":{"id":"EMONEY_OVO"},"transaction":{"status":"SUCCESS","date":"` + date + `","original_request_id":"5b0f3c1e"},"order":{"invoice_number":"SUB-1","amount":55000},"customer":{"id":"CUST-7001","name":"Sari Dewi"},"wallet":{"issuer":"OVO","token_id":"` + token + `","masked_phone_number":"****4417","status":"SUCCESS"},"additional_info":{"plan":"<a> & b"}}`
	if sent != want || req.URL.String() != "https://shop.example.id/hooks/doku/ovo" {
		t.Errorf("to %s\n%s, want\n%s", req.URL, sent, want)
	}
	s.clock.Advance(30 * time.Minute)
	again, sentAgain := s.attempt(o, "/hooks/doku/ovo")
	if sentAgain != sent || again.Header.Get("Signature") == req.Header.Get("Signature") {
		t.Error("a repeat must have the same body and a new signature")
	}
	for status, acknowledged := range map[int]bool{200: true, 204: true, 299: true, 302: false, 400: false, 500: false} {
		if err := s.dialect.Accepted(o, status, []byte("x")); (err == nil) != acknowledged {
			t.Errorf("HTTP %d: %v", status, err)
		}
	}
	o.Merchant.DOKU.NotificationURL = ""
	if _, err := s.dialect.Request(t.Context(), nil, o, s.clock.Now()); !errors.Is(err, gateway.ErrNoURL) {
		t.Errorf("without a URL: %v", err)
	}
	if len(jokul.Retries) != 3 {
		t.Errorf("retries %v", jokul.Retries)
	}
	s.release()
	s.auditClean()
}

func TestFailedPaymentNotification(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "C")
	s.do(request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, "BIG", "9999999", "")})
	_, sent := s.attempt(s.outgoing(gateway.EventPaymentFailed), "/hooks/doku/ovo")
	if strings.Count(sent, `"status":"FAILED"`) != 2 {
		t.Errorf("body %s", sent)
	}
	s.clock.Advance(365 * 24 * time.Hour)
	s.do(request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, "YEAR", "1", "")})
	_, sent = s.attempt(s.outgoing(gateway.EventPaymentFailed), "/hooks/doku/ovo")
	if !strings.Contains(sent, `"YEAR"`) || !strings.Contains(sent, `"masked_phone_number":"****4417"`) {
		t.Errorf("body %s", sent)
	}
	s.release()
	s.auditClean()
}

func TestPushNotification(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, done := s.start(t.Context(), push("PUSH-1", "27500"))
	s.approve(id)
	a := <-done
	date := s.status("PUSH-1").get("transaction.date")
	_, sent := s.attempt(s.outgoing(gateway.EventPaymentSucceeded), "/hooks/doku/ovo")
	block := func(name string) string { return string(a.doc.Get(name).Raw()) }
	want := `{"service":{"id":"EMONEY"},"acquirer":{"id":"OVO"},"channel":{"id":"EMONEY_OVO"},"transaction":{"status":"SUCCESS","date":"` + date + `","original_request_id":"` + a.header.Get("Request-Id") + `"},"order":{"invoice_number":"PUSH-1","amount":27500},"ovo_info":` + block("ovo_info") + `,"ovo_configuration":` + block("ovo_configuration") + `,"ovo_payment":` + block("ovo_payment") + `}`
	if sent != want {
		t.Errorf("body\n%s, want\n%s", sent, want)
	}
	_, done = s.start(t.Context(), push("PUSH-2", "27500"))
	s.expire(70 * time.Second)
	s.wantPush(<-done, "-", "FAILED")
	if _, sent = s.attempt(s.outgoing(gateway.EventPaymentExpired), "/hooks/doku/ovo"); strings.Count(sent, `"status":"FAILED"`) != 2 || !strings.Contains(sent, `"response_code":"-"`) {
		t.Errorf("body %s", sent)
	}
	s.auditClean()
}

// Only the host of the configured URL may be overridden.
func TestOverriddenNotificationURL(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "C")
	number := 100
	for override, want := range map[string]string{
		"https://eu.shop.example.id/hooks/doku/ovo":     "https://eu.shop.example.id/hooks/doku/ovo",
		"https://eu.shop.example.id/hooks/other":        "https://shop.example.id/hooks/doku/ovo",
		"https://eu.shop.example.id/hooks/doku/ovo/":    "https://shop.example.id/hooks/doku/ovo",
		"http://eu.shop.example.id/hooks/doku/ovo":      "https://shop.example.id/hooks/doku/ovo",
		"https://eu.shop.example.id/hooks%2Fdoku%2Fovo": "https://shop.example.id/hooks/doku/ovo",
	} {
		number++
		invoice := fmt.Sprint("INV-", number)
		body := strings.Replace(paymentBody("C", token, invoice, "10", ""), `"order"`, `"additional_info":{"override_notification_url":"`+override+`"},"order"`, 1)
		if a := s.do(request{path: wirejokul.PathRecurringPayment, body: body}); a.get("payment.status") != "SUCCESS" {
			t.Fatalf("%s: %s", override, a.raw)
		}
		req, _ := s.attempt(s.outgoing(gateway.EventPaymentSucceeded), "/hooks/doku/ovo")
		if req.URL.String() != want {
			t.Errorf("%s: sent to %s, want %s", override, req.URL, want)
		}
	}
	s.auditClean()
}

func TestBindingsAreNotNotified(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.bind(phone, "C")
	if _, err := s.dialect.Request(t.Context(), nil, s.outgoing(gateway.EventBindingActive), s.clock.Now()); !errors.Is(err, gateway.ErrNoURL) {
		t.Errorf("a binding: %v", err)
	}
}
