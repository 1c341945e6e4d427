package ovo_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
)

// vector is a file of wire/snap's testdata: "name: value" lines, an empty line, the body.
type vector struct {
	fields map[string]string
	body   string
}

func readVector(t testing.TB, name string) vector {
	t.Helper()
	data, err := os.ReadFile("../internal/wire/snap/testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(data), "\n\n")
	v := vector{fields: map[string]string{}, body: strings.TrimSuffix(body, "\n")}
	for line := range strings.Lines(head) {
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		v.fields[field] = value
	}
	return v
}

const (
	paymentPath = "/doku/notify"
	bindingPath = "/doku/binding"
	tokenPath   = "/doku/token"
)

// shop is a merchant with a receiver, and the gateway's side of the line.
type shop struct {
	t        testing.TB
	receiver *ovo.SNAPReceiver
	clock    *testClock
	log      bytes.Buffer

	mu       sync.Mutex
	payments []ovo.PaymentNotification
	bindings []ovo.BindingNotification
	err      error // what the callbacks return
}

func newShop(t testing.TB, change ...func(*ovo.SNAPReceiverConfig)) *shop {
	t.Helper()
	s := &shop{t: t, clock: &testClock{}}
	c := ovo.SNAPReceiverConfig{
		ClientID: clientID, SecretKey: secretKey, PrivateKey: merchantKey(), GatewayPublicKeys: []*rsa.PublicKey{&gatewayKey().PublicKey},
		TokenPath: tokenPath, PaymentPath: paymentPath, BindingPath: bindingPath, Now: s.clock.Now,
		Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		OnPayment: func(_ context.Context, n ovo.PaymentNotification) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.payments = append(s.payments, n)
			return s.err
		},
		OnBinding: func(_ context.Context, n ovo.BindingNotification) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.bindings = append(s.bindings, n)
			return s.err
		},
	}
	for _, f := range change {
		f(&c)
	}
	receiver, err := ovo.NewSNAPReceiver(c)
	if err != nil {
		t.Fatal(err)
	}
	s.receiver = receiver
	return s
}

// send delivers a request and returns the answer's code, having checked that it
// is JSON whose code fits the HTTP status.
func (s *shop) send(r *http.Request) (code string, answer snap.MerchantTokenAnswer) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.receiver.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		s.t.Fatalf("%q: %v", w.Body, err)
	}
	if status := w.Result().Status; w.Header().Get("Content-Type") != "application/json" || status[:3] != answer.ResponseCode[:3] {
		s.t.Errorf("HTTP %s, headers %v, answer %+v", status, w.Header(), answer)
	}
	if timestamp := w.Header().Get("X-TIMESTAMP"); timestamp != snap.FormatTime(s.clock.Now()) {
		s.t.Errorf("X-TIMESTAMP %q", timestamp)
	}
	return answer.ResponseCode, answer
}

// tokenRequest is the gateway's request for a token.
func (s *shop) tokenRequest(key *rsa.PrivateKey, client string, at time.Time) *http.Request {
	s.t.Helper()
	timestamp := snap.FormatTime(at)
	signature, err := snap.SignAsymmetric(key, client, timestamp)
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, tokenPath, strings.NewReader(`{"grantType":"client_credentials"}`))
	r.Header.Set("X-CLIENT-KEY", client)
	r.Header.Set("X-TIMESTAMP", timestamp)
	r.Header.Set("X-SIGNATURE", signature)
	return r
}

func (s *shop) token() string {
	s.t.Helper()
	code, answer := s.send(s.tokenRequest(gatewayKey(), clientID, s.clock.Now()))
	if code != "2007300" || answer.Lifetime() != 15*time.Minute {
		s.t.Fatalf("token: %+v", answer)
	}
	return answer.AccessToken
}

// delivery is a notification on its way. What is signed and what is sent may differ.
type delivery struct {
	method, signedTarget, target, token string
	signedBody, body                    []byte
	at                                  time.Time
	secret                              string
	header                              map[string]string
}

func (s *shop) delivery(target string, body []byte) delivery {
	return delivery{
		method: http.MethodPost, signedTarget: target, target: target, token: s.token(), signedBody: body, body: body,
		at: s.clock.Now(), secret: secretKey,
	}
}

func (d delivery) request() *http.Request {
	timestamp := snap.FormatTime(d.at)
	r := httptest.NewRequest(d.method, d.target, bytes.NewReader(d.body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-TIMESTAMP", timestamp)
	r.Header.Set("X-PARTNER-ID", clientID)
	r.Header.Set("X-EXTERNAL-ID", "202405060708090000000000000000000009")
	r.Header.Set("Authorization", "Bearer "+d.token)
	r.Header.Set("X-SIGNATURE", snap.SignSymmetric(d.secret, d.method, d.signedTarget, d.token, d.signedBody, timestamp))
	for name, value := range d.header {
		r.Header.Set(name, value)
	}
	return r
}

const (
	paymentBody = `{"originalPartnerReferenceNo":"INV-20240506-0001","originalReferenceNo":"Qm7tZr2LwXk9VbN4sHd6YpJc3GfA8e01","originalExternalId":"202405060708090000000000000000000002","latestTransactionStatus":"00","transactionStatusDesc":"Success","amount":{"value":"15000.00","currency":"IDR"},` +
		`"additionalInfo":{"acquirerId":"OVO","custIdMerchant":"cust-0001","accountType":"WALLET","channelId":"EMONEY_OVO_SNAP","failedPaymentUrl":"https://merchant.test/fail","successPaymentUrl":"https://merchant.test/ok","origin":{"apiFormat":"SNAP"},"paymentType":"SALE"}}`
	bindingBody = `{"originalExternalId":"202405060708090000000000000000000001","additionalInfo":{"status":"SUCCESS","custIdMerchant":"cust-0001","authCode":"2238240506070809123107119118000000000017"}}`
)

func TestReceiverPayment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	spaced := strings.NewReplacer(`":`, `" : `, `",`, "\",\n", "0506-0001", "0506-0002").Replace(paymentBody)
	for _, body := range []string{paymentBody, paymentBody, strings.Replace(paymentBody, `"00"`, `"06"`, 1)} {
		code, answer := s.send(s.delivery(paymentPath, []byte(body)).request())
		if code != "2005600" || answer.ResponseMessage != "Request has been processed successfully" {
			t.Errorf("answer %+v", answer)
		}
	}
	minified := s.delivery(paymentPath, []byte(spaced)) // what the documents say: sign without the white space
	minified.signedBody = compact(t, spaced)
	if code, _ := s.send(minified.request()); code != "2005600" {
		t.Errorf("white space: %s", code)
	}
	if len(s.payments) != 3 { // the repeat was acknowledged and not handled again
		t.Fatalf("received %+v", s.payments)
	}
	first, failed, second := s.payments[0], s.payments[1], s.payments[2]
	want := ovo.PaymentNotification{
		EventKey: first.EventKey, Reference: "INV-20240506-0001", ReferenceNo: "Qm7tZr2LwXk9VbN4sHd6YpJc3GfA8e01",
		RequestID: "202405060708090000000000000000000002", State: ovo.StateSuccess, StateCode: "00", Amount: 15000, CustomerID: "cust-0001", Type: ovo.Sale,
	}
	if first != want || second.Reference != "INV-20240506-0002" || second.Amount != 15000 {
		t.Errorf("notifications %+v, %+v", first, second)
	}
	if first.EventKey == "" || len(first.EventKey) > 80 || failed.EventKey == first.EventKey || failed.State != ovo.StateFailed {
		t.Errorf("keys %q, %q", first.EventKey, failed.EventKey)
	}
}

func TestReceiverBinding(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, status := range []string{"SUCCESS", "FAILED", "PENDING"} {
		body := strings.Replace(bindingBody, "SUCCESS", status, 1)
		code, answer := s.send(s.delivery(bindingPath, []byte(body)).request())
		if code != "2000700" || answer.ResponseMessage != "Successful" {
			t.Errorf("%s: %+v", status, answer)
		}
	}
	n := s.bindings[0]
	want := ovo.BindingNotification{
		EventKey: n.EventKey, RequestID: "202405060708090000000000000000000001", Status: ovo.BindingSuccess, CustomerID: "cust-0001",
		AuthCode: "2238240506070809123107119118000000000017",
	}
	if n != want || len(n.EventKey) > 80 || strings.Contains(n.EventKey, "2238") || s.bindings[1].EventKey == n.EventKey {
		t.Errorf("notification %+v", n)
	}
	for path, code := range map[string]string{"custIdMerchant": "4000702", "authCode": "4000702", "status": "4000702", "originalExternalId": "4000702"} {
		body := strings.Replace(bindingBody, path, "x", 1)
		if got, _ := s.send(s.delivery(bindingPath, []byte(body)).request()); got != code {
			t.Errorf("without %s: %s", path, got)
		}
	}
	if code, _ := s.send(s.delivery(bindingPath, []byte(strings.Replace(bindingBody, "SUCCESS", "MAYBE", 1))).request()); code != "4000701" {
		t.Errorf("other status: %s", code)
	}
}

func TestReceiverToken(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	if token := s.token(); strings.Count(token, ".") != 2 || len(token) > 2048 {
		t.Errorf("token %q", token)
	}
	now := s.clock.Now()
	flipped := s.tokenRequest(gatewayKey(), clientID, now)
	flipped.Header.Set("X-TIMESTAMP", snap.FormatTime(now.Add(time.Second)))
	renamed := s.tokenRequest(gatewayKey(), clientID, now)
	renamed.Header.Set("X-CLIENT-KEY", "BRN-0002")
	get := s.tokenRequest(gatewayKey(), clientID, now)
	get.Method = http.MethodGet
	without := func(name string) *http.Request {
		r := s.tokenRequest(gatewayKey(), clientID, now)
		r.Header.Del(name)
		return r
	}
	garbled := s.tokenRequest(gatewayKey(), clientID, now)
	garbled.Header.Set("X-TIMESTAMP", "yesterday")
	for name, test := range map[string]struct {
		request *http.Request
		code    string
	}{
		"at the edge of the window":  {s.tokenRequest(gatewayKey(), clientID, now.Add(-15*time.Minute)), "2007300"},
		"at the other edge":          {s.tokenRequest(gatewayKey(), clientID, now.Add(15*time.Minute)), "2007300"},
		"stale":                      {s.tokenRequest(gatewayKey(), clientID, now.Add(-15*time.Minute-time.Second)), "4017300"},
		"from the future":            {s.tokenRequest(gatewayKey(), clientID, now.Add(15*time.Minute+time.Second)), "4017300"},
		"signed by somebody else":    {s.tokenRequest(merchantKey(), clientID, now), "4017300"},
		"for another client":         {s.tokenRequest(gatewayKey(), "BRN-0002", now), "4017300"},
		"naming another client":      {renamed, "4017300"},
		"signature for another time": {flipped, "4017300"},
		"no time at all":             {garbled, "4007301"},
		"without client":             {without("X-CLIENT-KEY"), "4007302"},
		"without timestamp":          {without("X-TIMESTAMP"), "4007302"},
		"without signature":          {without("X-SIGNATURE"), "4007302"},
		"GET":                        {get, "4050000"},
	} {
		code, answer := s.send(test.request)
		if code != test.code || (answer.AccessToken != "") != (code == "2007300") {
			t.Errorf("%s: %+v, want %s", name, answer, test.code)
		}
	}
}

func TestReceiverRefuses(t *testing.T) {
	t.Parallel()
	replica := newShop(t).token()
	foreignKey := newShop(t, func(c *ovo.SNAPReceiverConfig) { c.PrivateKey = gatewayKey() }).token()
	other := newShop(t, func(c *ovo.SNAPReceiverConfig) { c.ClientID = "BRN-0002" })
	_, answer := other.send(other.tokenRequest(gatewayKey(), "BRN-0002", other.clock.Now()))
	foreignClient := answer.AccessToken
	if foreignClient == "" {
		t.Fatal("no token")
	}

	for name, test := range map[string]struct {
		change func(*delivery)
		code   string
		log    string
	}{
		"token of a replica":  {func(d *delivery) { d.token = replica }, "2005600", ""},
		"token without word":  {func(d *delivery) { d.header = map[string]string{"Authorization": d.token} }, "2005600", ""},
		"wrong secret":        {func(d *delivery) { d.secret = "SK-other" }, "4015600", "signature"},
		"wrong path":          {func(d *delivery) { d.signedTarget = "/doku/other" }, "4015600", "signature"},
		"wrong query":         {func(d *delivery) { d.target += "?shop=1"; d.signedTarget += "?shop=2" }, "4015600", "signature"},
		"right query":         {func(d *delivery) { d.target += "?shop=1"; d.signedTarget += "?shop=1" }, "2005600", ""},
		"other body":          {func(d *delivery) { d.signedBody = []byte(`{}`) }, "4015600", "signature"},
		"other timestamp":     {func(d *delivery) { d.header = map[string]string{"X-TIMESTAMP": snap.FormatTime(d.at.Add(time.Second))} }, "4015600", "signature"},
		"signature missing":   {func(d *delivery) { d.header = map[string]string{"X-SIGNATURE": ""} }, "4005602", "X-SIGNATURE"},
		"foreign key":         {func(d *delivery) { d.token = foreignKey }, "4015601", "token"},
		"foreign client":      {func(d *delivery) { d.token = foreignClient }, "4015601", "token"},
		"token not ours":      {func(d *delivery) { d.token = "tok-merchant-0001" }, "4015601", "token"},
		"token without alg":   {func(d *delivery) { d.token = "eyJhbGciOiJub25lIn0" + d.token[strings.Index(d.token, "."):] }, "4015601", "token"},
		"token unsigned":      {func(d *delivery) { d.token = d.token[:strings.LastIndex(d.token, ".")+1] }, "4015601", "token"},
		"token cut":           {func(d *delivery) { d.token = d.token[:len(d.token)-5] }, "4015601", "token"},
		"no token":            {func(d *delivery) { d.header = map[string]string{"Authorization": ""} }, "4005602", "Authorization"},
		"other client":        {func(d *delivery) { d.header = map[string]string{"X-PARTNER-ID": "BRN-0002"} }, "4015600", "another client"},
		"client not named":    {func(d *delivery) { d.header = map[string]string{"X-PARTNER-ID": ""} }, "2005600", ""},
		"stale":               {func(d *delivery) { d.at = d.at.Add(-15*time.Minute - time.Second) }, "4015600", "15m1s off"},
		"future":              {func(d *delivery) { d.at = d.at.Add(15*time.Minute + time.Second) }, "4015600", "15m1s off"},
		"nearly stale":        {func(d *delivery) { d.at = d.at.Add(-15 * time.Minute) }, "2005600", ""},
		"time without a zone": {func(d *delivery) { d.header = map[string]string{"X-TIMESTAMP": "2024-05-06T07:08:09"} }, "4005601", "time"},
		"GET":                 {func(d *delivery) { d.method = http.MethodGet }, "4050000", "POST"},
		"unknown path":        {func(d *delivery) { d.target, d.signedTarget = "/doku", "/doku" }, "4040000", "path"},
		"oversize":            {func(d *delivery) { d.signedBody = bytes.Repeat([]byte(" "), 64<<10+1); d.body = d.signedBody }, "4135600", "large"},
		"no body":             {func(d *delivery) { d.signedBody, d.body = nil, nil }, "4005600", "empty"},
		"no JSON":             {func(d *delivery) { d.signedBody = []byte(`{"a":`); d.body = d.signedBody }, "4005600", "JSON"},
		"no object":           {func(d *delivery) { d.signedBody = []byte(`[]`); d.body = d.signedBody }, "4005600", "object"},
		"twice the same": {func(d *delivery) {
			d.body = bytes.Replace(d.body, []byte(`{`), []byte(`{"latestTransactionStatus":"06",`), 1)
			d.signedBody = d.body
		}, "4005600", "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			d := s.delivery(paymentPath, []byte(paymentBody))
			test.change(&d)
			code, answer := s.send(d.request())
			if code != test.code || (len(s.payments) != 0) != (code == "2005600") {
				t.Errorf("answer %+v, %d payments; want %s", answer, len(s.payments), test.code)
			}
			if code == "4015600" && strings.Contains(test.log, "signature") && answer.ResponseMessage != "Unauthorized. [Signature]" {
				t.Errorf("message %q", answer.ResponseMessage)
			}
			if log := s.log.String(); !strings.Contains(log, test.log) || (log == "") != (test.log == "") || strings.Contains(log, d.token) {
				t.Errorf("log %q, want %q", log, test.log)
			}
		})
	}
}

func TestReceiverRefusesEveryFlippedByte(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	good := s.delivery(paymentPath, []byte(paymentBody))
	for i := range good.body {
		d := good
		d.body = bytes.Clone(good.body)
		d.body[i] ^= 1
		if code, _ := s.send(d.request()); code != "4015600" {
			t.Errorf("byte %d flipped: %s", i, code)
		}
	}
	if len(s.payments) != 0 {
		t.Error("a callback was called")
	}
}

func TestReceiverTokenExpires(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := s.delivery(paymentPath, []byte(paymentBody))
	s.clock.Advance(15*time.Minute - time.Second)
	d.at = s.clock.Now()
	if code, _ := s.send(d.request()); code != "2005600" {
		t.Errorf("in time: %s", code)
	}
	s.clock.Advance(time.Second)
	d.at = s.clock.Now()
	if code, answer := s.send(d.request()); code != "4015601" || answer.ResponseMessage != "Invalid Token (B2B)" {
		t.Errorf("expired: %+v", answer)
	}
}

func TestReceiverFields(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for body, want := range map[string]string{
		`{"originalPartnerReferenceNo":"I","latestTransactionStatus":"00","amount":{"value":"1.00"}}`:                                                "2005600",
		`{"originalPartnerReferenceNo":"I","latestTransactionStatus":"03","amount":{"value":"1.00","currency":"IDR"},"additionalInfo":null,"x":[1]}`: "2005600",
		`{"originalPartnerReferenceNo":"","latestTransactionStatus":"00","amount":{"value":"1.00"}}`:                                                 "4005602",
		`{"originalPartnerReferenceNo":"I","amount":{"value":"1.00"}}`:                                                                               "4005602",
		`{"originalPartnerReferenceNo":"I","latestTransactionStatus":"00"}`:                                                                          "4005602",
		`{"originalPartnerReferenceNo":7,"latestTransactionStatus":"00","amount":{"value":"1.00"}}`:                                                  "4005601",
		`{"originalPartnerReferenceNo":"I","latestTransactionStatus":"00","amount":{"value":"1.01"}}`:                                                "4005601",
		`{"originalPartnerReferenceNo":"I","latestTransactionStatus":"00","amount":{"value":"1.00","currency":"USD"}}`:                               "4005601",
	} {
		if code, answer := s.send(s.delivery(paymentPath, []byte(body)).request()); code != want {
			t.Errorf("%s: %+v, want %s", body, answer, want)
		}
	}
}

func TestReceiverCallbackError(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.err = errors.New("the database of the shop is away")
	for path, want := range map[string]string{paymentPath: "5005600", bindingPath: "5000700"} {
		body := map[string]string{paymentPath: paymentBody, bindingPath: bindingBody}[path]
		code, answer := s.send(s.delivery(path, []byte(body)).request())
		if code != want || strings.Contains(answer.ResponseMessage, "shop") {
			t.Errorf("answer %+v", answer)
		}
	}
	if !strings.Contains(s.log.String(), s.err.Error()) {
		t.Errorf("log %q", s.log.String())
	}
	s.err = nil
	if code, _ := s.send(s.delivery(paymentPath, []byte(paymentBody)).request()); code != "2005600" || s.payments[0] != s.payments[1] {
		t.Errorf("next attempt: %s", code)
	}
}

// TestReceiverBehindARouter mounts the receiver below a prefix that the router
// cuts off, on a real server.
func TestReceiverBehindARouter(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(c *ovo.SNAPReceiverConfig) {
		c.TokenPath, c.PaymentPath, c.BindingPath = "/token", "/notify", "/binding"
	})
	server := httptest.NewServer(http.StripPrefix("/doku", s.receiver))
	t.Cleanup(server.Close)
	send := func(r *http.Request, target string) snap.MerchantTokenAnswer {
		out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+target, r.Body)
		if err != nil {
			t.Fatal(err)
		}
		out.Header = r.Header
		resp, err := server.Client().Do(out)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var answer snap.MerchantTokenAnswer
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	token := send(s.tokenRequest(gatewayKey(), clientID, s.clock.Now()), tokenPath).AccessToken
	target := paymentPath + "?shop=a%20b"
	d := delivery{
		method: http.MethodPost, signedTarget: target, target: target, token: token,
		signedBody: []byte(paymentBody), body: []byte(paymentBody), at: s.clock.Now(), secret: secretKey,
	}
	if answer := send(d.request(), target); answer.ResponseCode != "2005600" || len(s.payments) != 1 {
		t.Errorf("answer %+v", answer)
	}
}

func TestSNAPReceiverConfig(t *testing.T) {
	t.Parallel()
	good := ovo.SNAPReceiverConfig{
		ClientID: clientID, SecretKey: secretKey, PrivateKey: merchantKey(), GatewayPublicKeys: []*rsa.PublicKey{&gatewayKey().PublicKey},
		TokenPath: tokenPath, PaymentPath: paymentPath,
		OnPayment: func(context.Context, ovo.PaymentNotification) error { return nil },
	}
	if _, err := ovo.NewSNAPReceiver(good); err != nil {
		t.Errorf("good: %v", err)
	}
	for name, change := range map[string]func(*ovo.SNAPReceiverConfig){
		"no client":              func(c *ovo.SNAPReceiverConfig) { c.ClientID = "" },
		"no secret":              func(c *ovo.SNAPReceiverConfig) { c.SecretKey = "" },
		"no key":                 func(c *ovo.SNAPReceiverConfig) { c.PrivateKey = nil },
		"no gateway key":         func(c *ovo.SNAPReceiverConfig) { c.GatewayPublicKeys = nil },
		"no callback":            func(c *ovo.SNAPReceiverConfig) { c.OnPayment, c.PaymentPath = nil, "" },
		"no token path":          func(c *ovo.SNAPReceiverConfig) { c.TokenPath = "" },
		"no payment path":        func(c *ovo.SNAPReceiverConfig) { c.PaymentPath = "" },
		"path without callback":  func(c *ovo.SNAPReceiverConfig) { c.BindingPath = bindingPath },
		"path is an address":     func(c *ovo.SNAPReceiverConfig) { c.PaymentPath = "https://merchant.test/notify" },
		"path has a query":       func(c *ovo.SNAPReceiverConfig) { c.PaymentPath = "/notify?a=1" },
		"two paths are the same": func(c *ovo.SNAPReceiverConfig) { c.PaymentPath = tokenPath },
	} {
		c := good
		change(&c)
		if _, err := ovo.NewSNAPReceiver(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// Without its callback a path does not exist, not even the empty one.
	s := &shop{t: t, clock: &testClock{}}
	good.Now = s.clock.Now
	s.receiver, _ = ovo.NewSNAPReceiver(good)
	for _, target := range []string{bindingPath, "/"} {
		if code, _ := s.send(httptest.NewRequest(http.MethodPost, target, nil)); code != "4040000" {
			t.Errorf("%s: %s", target, code)
		}
	}
}
