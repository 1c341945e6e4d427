package ovo_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/ovo"
)

// faspayShop is a merchant with a receiver.
type faspayShop struct {
	receiver *ovo.FaspayReceiver
	log      bytes.Buffer
	got      []ovo.FaspayNotification
	links    []ovo.FaspayLink
	err      error // what the callbacks return
}

func newFaspayShop(t testing.TB, client *ovo.FaspayClient) *faspayShop {
	t.Helper()
	s := &faspayShop{}
	receiver, err := ovo.NewFaspayReceiver(ovo.FaspayReceiverConfig{
		MerchantID: faspayID, UserID: faspayUser, Password: faspayPassword, NotificationPath: "/faspay/notify", ActivationPath: "/faspay/linked",
		OnPayment: func(_ context.Context, n ovo.FaspayNotification) error {
			s.got = append(s.got, n)
			return s.err
		},
		OnActivation: func(_ context.Context, l ovo.FaspayLink) error {
			s.links = append(s.links, l)
			return s.err
		},
		Client: client,
		Now:    func() time.Time { return wib(t, "2025-07-01 09:17:42") },
		Log:    slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.receiver = receiver
	return s
}

func (s *faspayShop) call(method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.receiver.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

func (s *faspayShop) notify(body string) *httptest.ResponseRecorder {
	return s.call(http.MethodPost, "/faspay/notify", body)
}

var faspayTold = ovo.FaspayStatus{
	FaspayBill: faspayPaid, State: ovo.StateSuccess, StatusCode: "2", Status: "Payment Success", Amount: 45_000, Reference: "OVO-883120",
}

// A notification is acknowledged in its own encoding, as documented, and a repeat
// too, but it is handled once.
func TestFaspayReceiver(t *testing.T) {
	t.Parallel()
	want := faspayTold
	want.PaidAt = wib(t, "2025-07-01 09:17:41")
	for _, f := range faspayFormats {
		s := newFaspayShop(t, nil)
		for range 2 {
			w := s.notify("\ufeff" + faspaySample(t, "notification", f))
			var ack, expected faspay.NotificationAck
			if err := faspay.ReadAnswer(faspay.Format(f), w.Body.Bytes(), &ack); err != nil || w.Code != 200 {
				t.Fatalf("%s: %d %s, %v", f, w.Code, w.Body, err)
			}
			if err := faspay.ReadAnswer(faspay.JSON, []byte(faspaySample(t, "ack", ovo.FaspayJSON)), &expected); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected, ack); diff != "" || w.Header().Get("Content-Type") != faspay.Format(f).ContentType() {
				t.Errorf("%s: content type %q (-want +got):\n%s", f, w.Header().Get("Content-Type"), diff)
			}
		}
		if len(s.got) != 1 || s.got[0].EventKey == "" {
			t.Fatalf("%s: received %+v", f, s.got)
		}
		if diff := cmp.Diff(want, s.got[0].FaspayStatus); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
	}
}

func TestFaspayReceiverRefuses(t *testing.T) {
	t.Parallel()
	signed := func(old, with, billAndStatus string) func(string) string {
		return func(body string) string {
			body = strings.Replace(body, old, with, 1)
			return strings.Replace(body, "5d22c6c9b95bec76c6c85899d22d4265aaff0f6f", faspay.Sign(faspayUser, faspayPassword, billAndStatus), 1)
		}
	}
	for name, test := range map[string]struct {
		change func(string) string
		status int
		code   string
	}{
		"status": {func(b string) string {
			return strings.Replace(b, `"payment_status_code":"2"`, `"payment_status_code":"3"`, 1)
		}, 403, "55"},
		"bill":         {func(b string) string { return strings.Replace(b, "250700000017", "250700000018", 1) }, 403, "55"},
		"bill alone":   {signed("x", "x", faspayBill), 403, "55"},
		"merchant":     {func(b string) string { return strings.Replace(b, "77001", "77002", 2) }, 403, "03"},
		"no signature": {func(b string) string { return strings.Replace(b, "signature", "sig", 1) }, 400, "30"},
		"no status":    {signed(`"payment_status_code":"2"`, `"payment_status_code":""`, faspayBill), 400, "30"},
		"amount": {func(b string) string {
			return strings.Replace(b, `"payment_total":"45000"`, `"payment_total":"450.00"`, 1)
		}, 400, "30"},
		"twice":         {func(b string) string { return strings.Replace(b, "{", `{"bill_no":"1",`, 1) }, 400, "30"},
		"not a message": {func(string) string { return "hello" }, 400, "30"},
		"empty":         {func(string) string { return "" }, 400, "30"},
		"size":          {func(b string) string { return b + strings.Repeat(" ", 64<<10) }, 413, "30"},
	} {
		s := newFaspayShop(t, nil)
		w := s.notify(test.change(faspaySample(t, "notification", ovo.FaspayJSON)))
		code, err := faspay.ReadAck(w.Body.Bytes())
		if err != nil || w.Code != test.status || code != test.code || faspay.Taken(code) {
			t.Errorf("%s: %d %s, %v", name, w.Code, w.Body, err)
		}
		if len(s.got) != 0 || s.log.Len() == 0 || strings.Contains(s.log.String(), "5d22c6c9") {
			t.Errorf("%s: received %+v, log %q", name, s.got, s.log.String())
		}
	}

	s := newFaspayShop(t, nil)
	for target, want := range map[string]int{"/faspay/notify": 405, "/faspay/other": 404} {
		if w := s.call(http.MethodGet, target, ""); w.Code != want || w.Code == 405 && w.Header().Get("Allow") != "POST" {
			t.Errorf("GET %s: %d", target, w.Code)
		}
	}
}

// An event is not forgotten when handling it fails.
func TestFaspayReceiverAgain(t *testing.T) {
	t.Parallel()
	s := newFaspayShop(t, nil)
	s.err = errors.New("the database is down")
	w := s.notify(faspaySample(t, "notification", ovo.FaspayXML))
	code, err := faspay.ReadAck(w.Body.Bytes())
	if err != nil || w.Code != 500 || code != "96" || strings.Contains(w.Body.String(), "database") || !strings.Contains(s.log.String(), "database is down") {
		t.Errorf("%d %s, %v, log %q", w.Code, w.Body, err, s.log.String())
	}
	s.err = nil
	if w := s.notify(faspaySample(t, "notification", ovo.FaspayXML)); w.Code != 200 || len(s.got) != 2 {
		t.Errorf("%d %s, received %d", w.Code, w.Body, len(s.got))
	}
}

// With a client, what the signature does not cover is asked for.
func TestFaspayReceiverConfirms(t *testing.T) {
	t.Parallel()
	g := newFaspayGateway(t)
	s := newFaspayShop(t, g.client(ovo.FaspayXML))
	forged := strings.NewReplacer(`"payment_total":"45000"`, `"payment_total":"9000000"`).Replace(faspaySample(t, "notification", ovo.FaspayJSON))

	g.on(faspay.ServiceInquiry, 200, faspaySample(t, "inquiry_unpaid", ovo.FaspayXML))
	if w := s.notify(forged); w.Code != 403 || len(s.got) != 0 {
		t.Errorf("an unpaid payment: %d %s", w.Code, w.Body)
	}
	g.on(faspay.ServiceInquiry, 200, `<faspay><response_code>14</response_code></faspay>`)
	if w := s.notify(forged); w.Code != 403 || len(s.got) != 0 {
		t.Errorf("an unknown payment: %d %s", w.Code, w.Body)
	}
	g.on(faspay.ServiceInquiry, 503, "")
	if w := s.notify(forged); w.Code != 500 || len(s.got) != 0 {
		t.Errorf("nobody to ask: %d %s", w.Code, w.Body)
	}
	g.on(faspay.ServiceInquiry, 200, faspaySample(t, "inquiry_answer", ovo.FaspayXML))
	if w := s.notify(forged); w.Code != 200 || len(s.got) != 1 || s.got[0].Amount != 45_000 {
		t.Errorf("a paid payment: %d %s, received %+v", w.Code, w.Body, s.got)
	}

	const linked = "/faspay/linked?phone_number=" + faspayPhone + "&response_code=00&response_desc=Success"
	g.on(faspay.ServiceBalance, 200, `<faspay><response_code>01</response_code></faspay>`)
	if w := s.call(http.MethodGet, linked, ""); w.Code != 403 || len(s.links) != 0 {
		t.Errorf("a link that is none: %d %s", w.Code, w.Body)
	}
	g.on(faspay.ServiceBalance, 200, faspaySample(t, "balance_answer", ovo.FaspayXML))
	if w := s.call(http.MethodGet, linked, ""); w.Code != 200 || len(s.links) != 1 {
		t.Errorf("a link: %d %s", w.Code, w.Body)
	}
}

func TestFaspayActivationCallback(t *testing.T) {
	t.Parallel()
	const phone = "phone_number=" + faspayPhone
	for query, want := range map[string]struct {
		status int
		link   ovo.FaspayLink
	}{
		phone + "&response=Callback+Activation&response_code=00&response_desc=Success":                                         {200, ovo.FaspayLink{Phone: faspayPhone, Active: true, Code: "00", Message: "Success"}},
		phone + "&response_code=01&response_desc=Wrong+PIN":                                                                    {200, ovo.FaspayLink{Phone: faspayPhone, Code: "01", Message: "Wrong PIN"}},
		phone + "&response_code=00&response_desc=Success&merchant_id=77001&signature=3b8eea2a5ef98414d9fef1ea6fd1cf218f3df8f4": {200, ovo.FaspayLink{Phone: faspayPhone, Active: true, Code: "00", Message: "Success"}},
		phone + "&response_code=00&response_desc=Success&merchant_id=77001&signature=3b8eea2a5ef98414d9fef1ea6fd1cf218f3df8f5": {status: 403},
		phone + "&response_code=00&response_desc=Success&merchant_id=77002":                                                    {status: 403},
		phone + "&response_code=00":                                        {status: 400},
		phone + "&response_code=00&response_code=01&response_desc=Success": {status: 400},
		"response_code=00&response_desc=Success":                           {status: 400},
	} {
		s := newFaspayShop(t, nil)
		w := s.call(http.MethodGet, "/faspay/linked?"+query, "")
		if w.Code != want.status {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
		if want.status == 200 && (len(s.links) != 1 || s.links[0] != want.link) || want.status != 200 && len(s.links) != 0 {
			t.Errorf("%s: %+v", query, s.links)
		}
	}
	s := newFaspayShop(t, nil)
	if w := s.call(http.MethodPost, "/faspay/linked?"+phone+"&response_code=00&response_desc=Success", ""); w.Code != 405 || len(s.links) != 0 {
		t.Errorf("POST: %d", w.Code)
	}
	s.err = errors.New("down")
	if w := s.call(http.MethodGet, "/faspay/linked?"+phone+"&response_code=00&response_desc=Success", ""); w.Code != 500 {
		t.Errorf("a callback that fails: %d", w.Code)
	}
}

func TestFaspayReceiverConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ovo.FaspayReceiverConfig){
		"MerchantID":       func(c *ovo.FaspayReceiverConfig) { c.MerchantID = "" },
		"Password":         func(c *ovo.FaspayReceiverConfig) { c.Password = "" },
		"AmountScale":      func(c *ovo.FaspayReceiverConfig) { c.AmountScale = 2 },
		"OnPayment":        func(c *ovo.FaspayReceiverConfig) { c.OnPayment, c.NotificationPath = nil, "" },
		"NotificationPath": func(c *ovo.FaspayReceiverConfig) { c.NotificationPath = "" },
		"ActivationPath":   func(c *ovo.FaspayReceiverConfig) { c.ActivationPath = "/linked" },
	} {
		c := ovo.FaspayReceiverConfig{
			MerchantID: faspayID, UserID: faspayUser, Password: faspayPassword, NotificationPath: "/notify",
			OnPayment: func(context.Context, ovo.FaspayNotification) error { return nil },
		}
		change(&c)
		if _, err := ovo.NewFaspayReceiver(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
