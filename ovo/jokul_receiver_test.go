package ovo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/ovo"
)

// jokulShop is a merchant with a receiver for the notification of vector V4.
type jokulShop struct {
	receiver *ovo.JokulReceiver
	vector   vector
	log      bytes.Buffer
	got      []ovo.JokulNotification
	err      error // what OnPayment returns
}

func newJokulShop(t testing.TB) *jokulShop {
	t.Helper()
	s := &jokulShop{vector: jokulVector(t, "v4_notification")}
	receiver, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: jokulID, SecretKey: jokulSecret, Path: "/hooks/doku/ovo", Now: at(t, "2024-05-06T03:15:25Z"),
		Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error {
			s.got = append(s.got, n)
			return s.err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.receiver = receiver
	return s
}

// request is V4 as it stands in the vector.
func (s *jokulShop) request() *http.Request {
	f := s.vector.fields
	r := httptest.NewRequest(http.MethodPost, f["target"], strings.NewReader(s.vector.body))
	r.Header.Set("Client-Id", f["client"])
	r.Header.Set("Request-Id", f["request-id"])
	r.Header.Set("Request-Timestamp", f["timestamp"])
	r.Header.Set("Signature", f["signature"])
	return r
}

// signed is a notification with another content, id or time.
func (s *jokulShop) signed(target, id, timestamp, body string) *http.Request {
	call := jokul.Call{Method: http.MethodPost, Target: target, ClientID: jokulID, RequestID: id, Timestamp: timestamp}
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Client-Id", jokulID)
	r.Header.Set("Request-Id", id)
	r.Header.Set("Request-Timestamp", timestamp)
	r.Header.Set("Signature", jokul.SignRequest(jokulSecret, call, []byte(body)))
	return r
}

func TestJokulReceiver(t *testing.T) {
	t.Parallel()
	s := newJokulShop(t)
	w := httptest.NewRecorder()
	s.receiver.ServeHTTP(w, s.request())
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Body.String() != `{"order":{"invoice_number":"SUB-2024-000917","amount":55000}}` {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	want := ovo.JokulNotification{EventKey: "e2d7a8f6-93b1-4a6c-8f0d-1b7c5a4e3d20", JokulStatus: ovo.JokulStatus{
		Invoice: "SUB-2024-000917", RequestID: "5b0f3c1e-7a54-4f0e-9a0b-2f6a3d9f7711", State: ovo.StateSuccess, Status: "SUCCESS",
		Amount: 55000, At: time.Date(2024, 5, 6, 3, 15, 21, 0, time.UTC), Token: jokulTokenA, MaskedPhone: "****4417",
	}}
	if len(s.got) != 1 || s.got[0] != want {
		t.Errorf("received %+v", s.got)
	}

	// A repeat is acknowledged, and not handled again.
	w = httptest.NewRecorder()
	s.receiver.ServeHTTP(w, s.request())
	if w.Code != 200 || len(s.got) != 1 {
		t.Errorf("repeat: %d %s, received %+v", w.Code, w.Body, s.got)
	}

	// Another event under a router that cuts the path, and with a query, which is not
	// signed.
	r := s.signed("/hooks/doku/ovo", "event-1", "2024-05-06T03:15:25Z", s.vector.body)
	r.RequestURI += "?shop=1"
	w = httptest.NewRecorder()
	http.StripPrefix("/hooks", s.receiver).ServeHTTP(w, r)
	if w.Code != 200 || len(s.got) != 2 {
		t.Errorf("under a router: %d %s", w.Code, w.Body)
	}

	push := jokulStatusBody("FAILED", `,"ovo_info":{"ovo_id":"081234567890"},"ovo_payment":{"response_code":"61","status":"FAILED"}`)
	w = httptest.NewRecorder()
	s.receiver.ServeHTTP(w, s.signed("/hooks/doku/ovo", "event-2", "2024-05-06T02:15:25Z", push))
	if w.Code != 200 || len(s.got) != 3 {
		t.Fatalf("push: %d %s", w.Code, w.Body)
	}
	n := s.got[2]
	if n.EventKey != "event-2" || n.State != ovo.StateFailed || n.Push == nil || n.Push.Code != "61" {
		t.Errorf("push: %+v", n)
	}
	expectError(t, "push", n.Reason, ovo.ErrLimitExceeded, false)
}

func TestJokulReceiverRefuses(t *testing.T) {
	t.Parallel()
	const path, now = "/hooks/doku/ovo", "2024-05-06T03:15:25Z"
	good := jokulStatusBody("SUCCESS", "")
	for name, test := range map[string]struct {
		request func(*jokulShop) *http.Request
		status  int
		code    string
	}{
		"path":     {func(s *jokulShop) *http.Request { return s.signed("/hooks/doku/ovo2", "1", now, good) }, 404, "not_found"},
		"early":    {func(s *jokulShop) *http.Request { return s.signed(path, "1", "2024-05-06T02:15:24Z", good) }, 400, "request_time_out_of_range"},
		"late":     {func(s *jokulShop) *http.Request { return s.signed(path, "1", "2024-05-06T04:15:26Z", good) }, 400, "request_time_out_of_range"},
		"time":     {func(s *jokulShop) *http.Request { return s.signed(path, "1", "2024-05-06T10:15:25+07:00", good) }, 400, "invalid_header_request"},
		"long id":  {func(s *jokulShop) *http.Request { return s.signed(path, strings.Repeat("x", 129), now, good) }, 400, "invalid_header_request"},
		"no JSON":  {func(s *jokulShop) *http.Request { return s.signed(path, "1", now, `{"order"`) }, 400, "invalid_parameter"},
		"no order": {func(s *jokulShop) *http.Request { return s.signed(path, "1", now, `{}`) }, 400, "invalid_parameter"},
		"array":    {func(s *jokulShop) *http.Request { return s.signed(path, "1", now, `[]`) }, 400, "invalid_parameter"},
		"amount": {func(s *jokulShop) *http.Request {
			return s.signed(path, "1", now, strings.Replace(good, "55000.00", "0.5", 1))
		}, 400, "invalid_parameter"},
		"size": {func(s *jokulShop) *http.Request { return s.signed(path, "1", now, good+strings.Repeat(" ", 64<<10)) }, 413, "invalid_parameter"},
		"GET": {func(s *jokulShop) *http.Request {
			r := s.request()
			r.Method = http.MethodGet
			return r
		}, 405, "invalid_header_request"},
		"client": {func(s *jokulShop) *http.Request {
			r := s.request()
			r.Header.Set("Client-Id", "MCH-1")
			return r
		}, 400, "invalid_client_id"},
		"no signature": {func(s *jokulShop) *http.Request {
			r := s.request()
			r.Header.Del("Signature")
			return r
		}, 400, "invalid_header_request"},
		"signature": {func(s *jokulShop) *http.Request {
			r := s.request()
			r.Header.Set("Signature", "HMACSHA256=IWW4MaOpBAlVGtErEolcLBs5cVSDVP9crQYIHaq0Luk=")
			return r
		}, 400, "invalid_signature"},
		"id": {func(s *jokulShop) *http.Request {
			r := s.request()
			r.Header.Set("Request-Id", "another")
			return r
		}, 400, "invalid_signature"},
		"body": {func(s *jokulShop) *http.Request {
			s.vector.body = strings.Replace(s.vector.body, "55000", "65000", 1)
			return s.request()
		}, 400, "invalid_signature"},
		"callback": {func(s *jokulShop) *http.Request {
			s.err = errors.New("the database is down")
			return s.request()
		}, 500, "internal_server_error"},
	} {
		s := newJokulShop(t)
		w := httptest.NewRecorder()
		s.receiver.ServeHTTP(w, test.request(s))
		var answer jokul.ErrorAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != test.status || answer.Error.Code != test.code {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if called := len(s.got) != 0; called != (name == "callback") {
			t.Errorf("%s: received %+v", name, s.got)
		}
		if s.log.Len() == 0 || strings.Contains(s.log.String(), "HMACSHA256") || strings.Contains(w.Body.String(), "database") {
			t.Errorf("%s: log %q, answer %s", name, s.log.String(), w.Body)
		}
	}
}

func TestJokulReceiverConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ovo.JokulReceiverConfig){
		"ClientID":  func(c *ovo.JokulReceiverConfig) { c.ClientID = "" },
		"SecretKey": func(c *ovo.JokulReceiverConfig) { c.SecretKey = "" },
		"Path":      func(c *ovo.JokulReceiverConfig) { c.Path = "https://shop.test/hook" },
		"OnPayment": func(c *ovo.JokulReceiverConfig) { c.OnPayment = nil },
	} {
		c := ovo.JokulReceiverConfig{
			ClientID: jokulID, SecretKey: jokulSecret, Path: "/hook", OnPayment: func(context.Context, ovo.JokulNotification) error { return nil },
		}
		change(&c)
		if _, err := ovo.NewJokulReceiver(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
