package ovo_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
)

const (
	clientID  = "BRN-0001-1700000000001"
	secretKey = "SK-testsecret-8Lq2Zr7v"
)

var (
	merchantKey = sync.OnceValue(newKey)
	gatewayKey  = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// testClock stands still until it is moved.
type testClock struct{ offset atomic.Int64 }

func (c *testClock) Now() time.Time {
	return time.Date(2024, 5, 6, 0, 8, 9, 0, time.UTC).Add(time.Duration(c.offset.Load()))
}

func (c *testClock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// received is one request that the fake gateway took for genuine.
type received struct {
	path, externalID, customer, signature, body string
}

// fakeGateway is the provider: it checks every signature and gives the answer that
// the test has prepared for the path.
type fakeGateway struct {
	t     testing.TB
	url   string
	clock *testClock

	mu      sync.Mutex
	calls   []received
	tokens  int    // B2B tokens issued
	valid   string // the B2B token that is accepted; all of them if empty
	token   string // the B2B token to issue; numbered ones if empty
	expires string // expiresIn as it stands in the answer
	answer  map[string]http.HandlerFunc
}

func newGateway(t testing.TB) *fakeGateway {
	g := &fakeGateway{t: t, clock: &testClock{}, expires: "900", answer: map[string]http.HandlerFunc{}}
	server := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// on prepares the answer of a path.
func (g *fakeGateway) on(path string, status int, body string) {
	g.handle(path, func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) })
}

func (g *fakeGateway) handle(path string, h http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer[path] = h
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func (g *fakeGateway) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
	}
	get := r.Header.Get
	if r.Method != http.MethodPost || get("Content-Type") != "application/json" {
		g.t.Errorf("%s %s with content type %q", r.Method, r.URL, get("Content-Type"))
	}
	timestamp, signature := get("X-TIMESTAMP"), get("X-SIGNATURE")
	if want := g.clock.Now().In(time.FixedZone("", 7*3600)).Format(time.RFC3339); timestamp != want {
		g.t.Errorf("X-TIMESTAMP is %s, want %s", timestamp, want)
	}
	if strings.HasPrefix(r.URL.Path, "/authorization/") {
		if get("X-CLIENT-KEY") != clientID || !snap.VerifyAsymmetric(&merchantKey().PublicKey, clientID, timestamp, signature).OK {
			g.t.Errorf("%s: wrong client or signature", r.URL.Path)
		}
	} else {
		token := strings.TrimPrefix(get("Authorization"), "Bearer ")
		if v := snap.VerifySymmetric(secretKey, r.Method, r.RequestURI, token, body, timestamp, signature); !v.OK || v.Matched != "raw" {
			g.t.Errorf("%s: wrong signature: %+v", r.URL.Path, v)
		}
		if id := get("X-EXTERNAL-ID"); get("X-PARTNER-ID") != clientID || id == "" || len(id) > 36 || strings.Trim(id, "0123456789") != "" {
			g.t.Errorf("%s: X-PARTNER-ID %q, X-EXTERNAL-ID %q", r.URL.Path, get("X-PARTNER-ID"), id)
		}
		g.mu.Lock()
		valid := g.valid
		g.mu.Unlock()
		if valid != "" && token != valid {
			g.record(r, body)
			reply(w, 401, `{"responseCode":"4015401","responseMessage":"Invalid Token (B2B)"}`)
			return
		}
	}
	g.record(r, body)
	g.mu.Lock()
	h := g.answer[r.URL.Path]
	if h == nil && r.URL.Path == snap.PathTokenB2B {
		g.tokens++
		token := g.token
		if token == "" {
			token = fmt.Sprintf("tok-%d", g.tokens)
		}
		body := fmt.Sprintf(`{"responseCode":"2007300","responseMessage":"Successful","accessToken":%q,"tokenType":"Bearer","expiresIn":%s,"additionalInfo":""}`, token, g.expires)
		h = func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) }
	}
	g.mu.Unlock()
	if h == nil {
		reply(w, 404, `{"responseCode":"4040000","responseMessage":"Not Found"}`)
		return
	}
	h(w, r)
}

func (g *fakeGateway) record(r *http.Request, body []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, received{
		r.URL.Path, r.Header.Get("X-EXTERNAL-ID"), r.Header.Get("Authorization-Customer"), r.Header.Get("X-SIGNATURE"), string(body),
	})
}

// of returns the requests to a path.
func (g *fakeGateway) of(path string) []received {
	g.mu.Lock()
	defer g.mu.Unlock()
	var calls []received
	for _, c := range g.calls {
		if c.path == path {
			calls = append(calls, c)
		}
	}
	return calls
}

func (g *fakeGateway) client(change ...func(*ovo.SNAPConfig)) *ovo.SNAPClient {
	g.t.Helper()
	config := ovo.SNAPConfig{BaseURL: g.url, ClientID: clientID, SecretKey: secretKey, PrivateKey: merchantKey(), Now: g.clock.Now}
	for _, f := range change {
		f(&config)
	}
	client, err := ovo.SNAP(config)
	if err != nil {
		g.t.Fatal(err)
	}
	return client
}

const (
	paymentOK = `{"responseCode":"2005400","responseMessage":"Successful","referenceNo":"Qm7tZr2LwXk9VbN4sHd6YpJc3GfA8e02"}`
	saleOK    = `{"responseCode":"2005400","responseMessage":"Successful","webRedirectUrl":"https://pay.test/1","partnerReferenceNo":"INV-20240506-0001","referenceNo":"Qm7tZr2LwXk9VbN4sHd6YpJc3GfA8e01"}`
	refundOK  = `{"responseCode":"2005800","responseMessage":"Successful","refundAmount":{"value":"5000.00","currency":"IDR"},"originalPartnerReferenceNo":"INV-20240506-0001","originalReferenceNo":"Qm7tZr2LwXk9VbN4sHd6YpJc3GfA8e01","refundNo":"RF2024050600000001","partnerRefundNo":"RFD-20240506-0001","refundTime":"2024-05-06T08:00:00.123"}`
	statusOK  = `{"responseCode":"2005500","responseMessage":"Successful","originalPartnerReferenceNo":"INV-20240506-0001","serviceCode":"55","latestTransactionStatus":"00","transAmount":{"value":"15000.00","currency":"IDR"}}`
	balanceOK = `{"responseCode":"2001100","responseMessage":"Successful","accountInfos":[` +
		`{"balanceType":"CASH","amount":{"value":"260000.00","currency":"IDR"},"availableBalance":{"value":"250000.00","currency":"IDR"}},` +
		`{"balanceType":"Points","amount":{"value":"0.00","currency":"IDR"}}]}`
	unbindingOK = `{"responseCode":"2000900","responseMessage":"Successful","referenceNo":"40cd084bdb184ea6ace7bab46ac19d14"}`
)

var (
	bindRequest = ovo.BindRequest{
		Phone: "081200000001", CustomerID: "cust-0001", SuccessURL: "https://merchant.test/ok", FailureURL: "https://merchant.test/fail",
	}
	saleRequest = ovo.PayRequest{
		CustomerToken: "tok-b2b2c-0001", Reference: "INV-20240506-0001", Amount: 15000, FeeType: "OUR",
		SuccessURL: "https://merchant.test/ok", FailureURL: "https://merchant.test/fail",
	}
	recurringRequest = ovo.PayRequest{CustomerToken: "tok-b2b2c-0001", Reference: "INV-20240506-0002", Type: ovo.Recurring, Amount: 15000}
	refundRequest    = ovo.RefundRequest{
		Reference: "INV-20240506-0001", RefundReference: "RFD-20240506-0001", Amount: 5000, Reason: "Item out of stock",
	}
	statusQuery = ovo.StatusQuery{Reference: "INV-20240506-0001"}
)

func TestBind(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.on(snap.PathBinding, 200, `{"responseCode":"2000700","responseMessage":"Successful","referenceNo":"129240506001","redirectUrl":"https://pay.test/b/1","additionalInfo":{"custIdMerchant":"cust-0001","accountStatus":"PENDING","status":"PENDING","authCode":"2238"}}`)
	client := g.client()
	for _, phone := range []string{"081200000001", "6281200000001", "+6281200000001"} {
		request := bindRequest
		request.Phone = phone
		b, err := client.Bind(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		calls := g.of(snap.PathBinding)
		last := calls[len(calls)-1]
		if want := (ovo.Binding{RedirectURL: "https://pay.test/b/1", AuthCode: "2238", ReferenceNo: "129240506001", RequestID: last.externalID}); b != want {
			t.Errorf("binding %+v, want %+v", b, want)
		}
		if !strings.HasPrefix(last.body, `{"phoneNo":"6281200000001",`) || last.customer != "" {
			t.Errorf("%s: sent %+v", phone, last)
		}
	}
	if calls := g.of(snap.PathBinding); calls[0].externalID == calls[1].externalID {
		t.Error("two calls have one X-EXTERNAL-ID")
	}
	request := bindRequest
	request.RequestID = "418075533589"
	if b, err := client.Bind(t.Context(), request); err != nil || b.RequestID != "418075533589" || g.of(snap.PathBinding)[3].externalID != "418075533589" {
		t.Errorf("own request id: %+v, %v", b, err)
	}
}

func TestCustomerToken(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.on(snap.PathTokenB2B2C, 200, `{"responseCode":"2007400","responseMessage":"Successful","accessToken":"tok-b2b2c-0001","tokenType":"Bearer","accessTokenExpiryTime":"2024-05-13T07:10:00+07:00","refreshToken":"ref-0001","refreshTokenExpiryTime":"2024-08-04T07:10:00+07:00","additionalInfo":[]}`)
	client := g.client()
	want := ovo.CustomerToken{
		AccessToken: "tok-b2b2c-0001", ExpiresAt: time.Date(2024, 5, 13, 0, 10, 0, 0, time.UTC),
		RefreshToken: "ref-0001", RefreshExpiresAt: time.Date(2024, 8, 4, 0, 10, 0, 0, time.UTC),
	}
	if got, err := client.CustomerToken(t.Context(), "2238"); err != nil || got != want {
		t.Errorf("CustomerToken = %+v, %v", got, err)
	}
	if got, err := client.RefreshCustomerToken(t.Context(), "ref-0001"); err != nil || got != want {
		t.Errorf("RefreshCustomerToken = %+v, %v", got, err)
	}
	calls := g.of(snap.PathTokenB2B2C)
	if calls[0].body != `{"grantType":"authorization_code","authCode":"2238"}` || calls[1].body != `{"grantType":"refresh_token","refreshToken":"ref-0001"}` {
		t.Errorf("sent %+v", calls)
	}
	if n := len(g.of(snap.PathTokenB2B)); n != 0 {
		t.Errorf("%d B2B tokens fetched, but token calls need none", n)
	}

	// One code, two meanings.
	for message, want := range map[string]error{
		"Unauthorized. [authCode]":          ovo.ErrCustomerToken,
		"Unauthorized. [refreshToken]":      ovo.ErrCustomerToken,
		"Unauthorized.":                     ovo.ErrCustomerToken,
		"Unauthorized. [Signature]":         ovo.ErrUnauthorized,
		"Unauthorized.Invalid Signature":    ovo.ErrUnauthorized,
		"Unauthorized. [X-TIMESTAMP]":       ovo.ErrUnauthorized,
		"Unauthorized. [Unknown client]":    ovo.ErrUnauthorized,
		"Unauthorized. Client Id not found": ovo.ErrUnauthorized,
	} {
		g.on(snap.PathTokenB2B2C, 401, fmt.Sprintf(`{"responseCode":"4017400","responseMessage":%q}`, message))
		if _, err := client.CustomerToken(t.Context(), "2238"); !errors.Is(err, want) {
			t.Errorf("%s: %v", message, err)
		}
	}
}

func TestBalance(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client()
	g.on(snap.PathBalance, 200, balanceOK)
	for _, token := range []string{"tok-b2b2c-0001", "Bearer tok-b2b2c-0001"} {
		if b, err := client.Balance(t.Context(), token); err != nil || b != (ovo.Balance{Cash: 250000}) {
			t.Errorf("Balance = %+v, %v", b, err)
		}
	}
	for _, c := range g.of(snap.PathBalance) {
		if c.customer != "Bearer tok-b2b2c-0001" {
			t.Errorf("Authorization-Customer is %q", c.customer)
		}
	}
	// An amount that cannot be read must not pass for 0.
	for _, infos := range []string{
		`[]`, `null`, `"none"`,
		`[{"balanceType":"POINTS","amount":{"value":"1.00","currency":"IDR"}}]`,
		`[{"balanceType":"CASH"}]`,
		`[{"balanceType":"CASH","amount":{"value":"1.50","currency":"IDR"}}]`,
		`[{"balanceType":"CASH","amount":{"value":1,"currency":"IDR"}}]`,
		`[{"balanceType":"CASH","amount":{"value":"1.00","currency":"USD"}}]`,
	} {
		g.on(snap.PathBalance, 200, `{"responseCode":"2001100","responseMessage":"Successful","accountInfos":`+infos+`}`)
		if b, err := client.Balance(t.Context(), "tok"); !errors.Is(err, ovo.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", infos, b, err)
		}
	}
}

func TestPay(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client()

	g.on(snap.PathPayment, 200, saleOK)
	p, err := client.Pay(t.Context(), saleRequest)
	sent := g.of(snap.PathPayment)[0]
	want := ovo.Payment{
		Reference: "INV-20240506-0001", ReferenceNo: "Qm7tZr2LwXk9VbN4sHd6YpJc3GfA8e01", RedirectURL: "https://pay.test/1", RequestID: sent.externalID,
	}
	if err != nil || p != want || sent.customer != "Bearer tok-b2b2c-0001" {
		t.Errorf("sale: %+v, %v", p, err)
	}

	g.on(snap.PathPayment, 200, paymentOK)
	if p, err := client.Pay(t.Context(), recurringRequest); err != nil || p.RedirectURL != "" || p.ReferenceNo == "" {
		t.Errorf("recurring: %+v, %v", p, err)
	}
	if _, err := client.Pay(t.Context(), saleRequest); !errors.Is(err, ovo.ErrOutcomeUnknown) {
		t.Errorf("a sale without a page: %v", err)
	}
	g.on(snap.PathPayment, 200, `{"responseCode":"20054000","responseMessage":"Successful"}`)
	if _, err := client.Pay(t.Context(), recurringRequest); err != nil {
		t.Errorf("code of the archived page: %v", err)
	}

	shared := recurringRequest
	shared.Cash, shared.Points = 5000, 10000
	if _, err := client.Pay(t.Context(), shared); err != nil {
		t.Error(err)
	}
	shared.Cash, shared.Points = 0, 15000
	if _, err := client.Pay(t.Context(), shared); err != nil {
		t.Error(err)
	}
	calls := g.of(snap.PathPayment)
	zero := `"feeAmount":{"value":"0.00","currency":"IDR"}`
	cash := `{"payMethod":"CASH","transAmount":{"value":"5000.00","currency":"IDR"},` + zero + `}`
	for i, want := range map[int]string{
		4: `"payOptionDetails":[` + cash + `,{"payMethod":"POINTS","transAmount":{"value":"10000.00","currency":"IDR"},` + zero + `}]`,
		5: `"payOptionDetails":[{"payMethod":"POINTS","transAmount":{"value":"15000.00","currency":"IDR"},` + zero + `}]`,
	} {
		if !strings.Contains(calls[i].body, want) {
			t.Errorf("sent %s\nwant %s", calls[i].body, want)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client()
	g.on(snap.PathStatus, 200, `{"responseCode":"2005500","responseMessage":"Successful","originalPartnerReferenceNo":"INV-20240506-0001","originalReferenceNo":"Qm7t","approvalCode":"201039000200","originalExternalId":"2024","serviceCode":"55","latestTransactionStatus":"00","originalResponseCode":"2005400","originalResponseMessage":"Successful","requestId":"2024",`+
		`"refundHistory":[{"refundNo":"RF1","partnerReferenceNo":"RFD-1","refundAmount":{"value":"4000.00","currency":"IDR"},"refundStatus":"00","refundDate":"2024-05-06T08:00:00+07:00","reason":"broken"}],`+
		`"transAmount":{"value":"15000.00","currency":"IDR"},"paidTime":"2024-05-06T07:09:30+07:00","additionalInfo":[]}`)
	s, err := client.Status(t.Context(), ovo.StatusQuery{RequestID: "2024"})
	if err != nil {
		t.Fatal(err)
	}
	refund := ovo.Refund{
		Reference: "INV-20240506-0001", ReferenceNo: "Qm7t", RefundReference: "RFD-1", RefundNo: "RF1", Amount: 4000,
		State: ovo.StateSuccess, RefundedAt: time.Date(2024, 5, 6, 1, 0, 0, 0, time.UTC), Reason: "broken",
	}
	if len(s.Refunds) != 1 || s.Refunds[0] != refund {
		t.Errorf("refunds %+v", s.Refunds)
	}
	s.Refunds = nil
	want := ovo.PaymentStatus{
		Reference: "INV-20240506-0001", ReferenceNo: "Qm7t", RequestID: "2024", ApprovalCode: "201039000200", State: ovo.StateSuccess, StateCode: "00",
		Amount: 15000, PaidAt: time.Date(2024, 5, 6, 0, 9, 30, 0, time.UTC),
	}
	if fmt.Sprintf("%+v", s) != fmt.Sprintf("%+v", want) {
		t.Errorf("status %+v\nwant %+v", s, want)
	}

	for code, state := range map[string]ovo.State{
		"00": ovo.StateSuccess, "01": ovo.StateInitiated, "02": ovo.StatePaying, "03": ovo.StatePending, "04": ovo.StateRefunded,
		"05": ovo.StateCancelled, "06": ovo.StateFailed, "07": ovo.StateNotFound, "99": ovo.StateUnknown,
	} {
		g.on(snap.PathStatus, 200, `{"responseCode":"2005500","responseMessage":"Successful","latestTransactionStatus":"`+code+`","originalResponseCode":"4035414","originalResponseMessage":"Insufficient Funds"}`)
		s, err := client.Status(t.Context(), statusQuery)
		if err != nil || s.State != state || s.StateCode != code || s.Reference != statusQuery.Reference {
			t.Errorf("%s: %+v, %v", code, s, err)
		}
		if final := strings.Contains("00 04 05 06", code); s.State.Final() != final {
			t.Errorf("%s: Final is %t", code, s.State.Final())
		}
		if !errors.Is(s.Reason, ovo.ErrInsufficientFunds) {
			t.Errorf("reason %v", s.Reason)
		}
	}
	for _, body := range []string{
		`{"responseCode":"2005500","responseMessage":"Successful"}`,
		`{"responseCode":"2005500","responseMessage":"Successful","latestTransactionStatus":"00","originalPartnerReferenceNo":"INV-9"}`,
		`{"responseCode":"2005500","responseMessage":"Successful","latestTransactionStatus":"00","transAmount":{"value":"15000.50","currency":"IDR"}}`,
		`{"responseCode":"2005500","responseMessage":"Successful","latestTransactionStatus":"00","refundHistory":[{"refundNo":"1"}]}`,
		`<html>`, ``, `[]`, `null`, `{"responseCode":2005500}`,
	} {
		g.on(snap.PathStatus, 200, body)
		if s, err := client.Status(t.Context(), statusQuery); !errors.Is(err, ovo.ErrUnavailable) || errors.Is(err, ovo.ErrOutcomeUnknown) {
			t.Errorf("%s: %+v, %v", body, s, err)
		}
	}
}

func TestRefund(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client()
	g.on(snap.PathRefund, 200, refundOK)
	r, err := client.Refund(t.Context(), refundRequest)
	want := ovo.Refund{
		Reference: "INV-20240506-0001", ReferenceNo: "Qm7tZr2LwXk9VbN4sHd6YpJc3GfA8e01", RefundReference: "RFD-20240506-0001", RefundNo: "RF2024050600000001",
		Amount: 5000, State: ovo.StateSuccess, RefundedAt: time.Date(2024, 5, 6, 1, 0, 0, 123e6, time.UTC), Reason: "Item out of stock",
		RequestID: g.of(snap.PathRefund)[0].externalID,
	}
	if err != nil || r != want || g.of(snap.PathRefund)[0].customer != "" {
		t.Errorf("refund %+v, %v\nwant %+v", r, err, want)
	}
	// What DOKU's page for OVO shows.
	g.on(snap.PathRefund, 200, `{"responseCode":"2000700","responseMessage":"Successfull"}`)
	request := refundRequest
	request.CustomerToken, request.PaymentRequestID = "tok", "2024"
	if r, err := client.Refund(t.Context(), request); err != nil || r.Amount != 5000 {
		t.Errorf("refund %+v, %v", r, err)
	}
	if c := g.of(snap.PathRefund)[1]; c.customer != "Bearer tok" || !strings.Contains(c.body, `"originalExternalId":"2024"`) {
		t.Errorf("sent %+v", c)
	}
	g.on(snap.PathRefund, 200, `{"responseCode":"2005800","refundAmount":{"value":"5000.5","currency":"IDR"}}`)
	if _, err := client.Refund(t.Context(), refundRequest); !errors.Is(err, ovo.ErrOutcomeUnknown) {
		t.Errorf("unreadable amount: %v", err)
	}
}

func TestUnbind(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.on(snap.PathUnbinding, 200, unbindingOK)
	if err := g.client().Unbind(t.Context(), "tok-b2b2c-0001"); err != nil {
		t.Fatal(err)
	}
	g.on(snap.PathUnbinding, 401, `{"responseCode":"4010902","responseMessage":"Invalid Customer Token"}`)
	if err := g.client().Unbind(t.Context(), "tok-b2b2c-0001"); !errors.Is(err, ovo.ErrCustomerToken) {
		t.Errorf("second time: %v", err)
	}
}

func TestMistakesAreFoundBeforeSending(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client()
	pay := func(change func(*ovo.PayRequest)) error {
		r := saleRequest
		change(&r)
		_, err := client.Pay(t.Context(), r)
		return err
	}
	bind := func(change func(*ovo.BindRequest)) error {
		r := bindRequest
		change(&r)
		_, err := client.Bind(t.Context(), r)
		return err
	}
	refund := func(change func(*ovo.RefundRequest)) error {
		r := refundRequest
		change(&r)
		_, err := client.Refund(t.Context(), r)
		return err
	}
	_, noStatus := client.Status(t.Context(), ovo.StatusQuery{})
	_, noToken := client.Balance(t.Context(), "Bearer ")
	_, splitHeader := client.Balance(t.Context(), "tok\r\nX-Evil: 1")
	_, noAuthCode := client.CustomerToken(t.Context(), "")
	_, noRefreshToken := client.RefreshCustomerToken(t.Context(), "")
	for name, err := range map[string]error{
		"status without a number":  noStatus,
		"balance without a token":  noToken,
		"token with a line break":  splitHeader,
		"no auth code":             noAuthCode,
		"no refresh token":         noRefreshToken,
		"unbind without a token":   client.Unbind(t.Context(), ""),
		"no reference":             pay(func(r *ovo.PayRequest) { r.Reference = "" }),
		"long reference":           pay(func(r *ovo.PayRequest) { r.Reference = strings.Repeat("é", 65) }),
		"broken UTF-8":             pay(func(r *ovo.PayRequest) { r.Reference = "INV\xff" }),
		"no customer token":        pay(func(r *ovo.PayRequest) { r.CustomerToken = "" }),
		"other payment type":       pay(func(r *ovo.PayRequest) { r.Type = "GIFT" }),
		"sale without a page":      pay(func(r *ovo.PayRequest) { r.SuccessURL = "" }),
		"long remarks":             pay(func(r *ovo.PayRequest) { r.Remarks = strings.Repeat("x", 41) }),
		"request id with letters":  pay(func(r *ovo.PayRequest) { r.RequestID = "a1" }),
		"long request id":          pay(func(r *ovo.PayRequest) { r.RequestID = strings.Repeat("1", 37) }),
		"no phone":                 bind(func(r *ovo.BindRequest) { r.Phone = "" }),
		"foreign phone":            bind(func(r *ovo.BindRequest) { r.Phone = "+491711234567" }),
		"phone with both prefixes": bind(func(r *ovo.BindRequest) { r.Phone = "+081200000001" }),
		"no customer id":           bind(func(r *ovo.BindRequest) { r.CustomerID = "" }),
		"no refund reference":      refund(func(r *ovo.RefundRequest) { r.RefundReference = "" }),
	} {
		if !errors.Is(err, ovo.ErrInvalidRequest) || errors.Is(err, ovo.ErrOutcomeUnknown) || !strings.HasPrefix(err.Error(), "ovo: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"no amount":          pay(func(r *ovo.PayRequest) { r.Amount = 0 }),
		"negative amount":    pay(func(r *ovo.PayRequest) { r.Amount = -1 }),
		"huge amount":        pay(func(r *ovo.PayRequest) { r.Amount = 1_000_000_000_000 }),
		"shares too small":   pay(func(r *ovo.PayRequest) { r.Cash = 14999 }),
		"shares too large":   pay(func(r *ovo.PayRequest) { r.Cash, r.Points = 15000, 1 }),
		"negative share":     pay(func(r *ovo.PayRequest) { r.Cash, r.Points = 15001, -1 }),
		"overflowing shares": pay(func(r *ovo.PayRequest) { r.Cash, r.Points = 1<<63-1, 1<<63-1 }),
		"refund of nothing":  refund(func(r *ovo.RefundRequest) { r.Amount = 0 }),
	} {
		if !errors.Is(err, ovo.ErrInvalidAmount) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(g.calls) != 0 {
		t.Errorf("sent %+v", g.calls)
	}
}

func TestSNAPConfig(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := ovo.SNAPConfig{BaseURL: ovo.SNAPSandbox + "/", ClientID: clientID, SecretKey: secretKey, PrivateKey: merchantKey()}
	if _, err := ovo.SNAP(good); err != nil {
		t.Errorf("good: %v", err)
	}
	for name, change := range map[string]func(*ovo.SNAPConfig){
		"no base":       func(c *ovo.SNAPConfig) { c.BaseURL = "" },
		"base path":     func(c *ovo.SNAPConfig) { c.BaseURL += "v1" },
		"base query":    func(c *ovo.SNAPConfig) { c.BaseURL += "?a=1" },
		"base scheme":   func(c *ovo.SNAPConfig) { c.BaseURL = "ftp://x" },
		"base user":     func(c *ovo.SNAPConfig) { c.BaseURL = "https://a:b@x" },
		"base not url":  func(c *ovo.SNAPConfig) { c.BaseURL = "https://%" },
		"no client":     func(c *ovo.SNAPConfig) { c.ClientID = "" },
		"client breaks": func(c *ovo.SNAPConfig) { c.ClientID = "a\nb" },
		"no secret":     func(c *ovo.SNAPConfig) { c.SecretKey = "" },
		"no key":        func(c *ovo.SNAPConfig) { c.PrivateKey = nil },
		"empty key":     func(c *ovo.SNAPConfig) { c.PrivateKey = &rsa.PrivateKey{} },
		"small key":     func(c *ovo.SNAPConfig) { c.PrivateKey = small },
	} {
		c := good
		change(&c)
		if _, err := ovo.SNAP(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTokenIsFetchedOnceForManyCallers(t *testing.T) {
	t.Parallel()
	const callers = 50
	g := newGateway(t)
	g.on(snap.PathBalance, 200, balanceOK)
	client := g.client()
	run := func() {
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				if _, err := client.Balance(t.Context(), "tok"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	run()
	if n := len(g.of(snap.PathTokenB2B)); n != 1 {
		t.Errorf("%d token calls for %d callers", n, callers)
	}
	// The gateway forgets its tokens: everybody notices, one fetches.
	g.mu.Lock()
	g.valid = "tok-2"
	g.mu.Unlock()
	run()
	if n := len(g.of(snap.PathTokenB2B)); n != 2 {
		t.Errorf("%d token calls, want one more", n)
	}
	ids := map[string]bool{}
	for _, c := range g.of(snap.PathBalance) {
		if ids[c.externalID] {
			t.Errorf("X-EXTERNAL-ID %s was used twice", c.externalID)
		}
		ids[c.externalID] = true
	}
}

func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expires string
		fresh   time.Duration // the last moment at which the first token still serves
	}{
		{`900`, 869 * time.Second},
		{`"900"`, 869 * time.Second},
		{`20`, 9 * time.Second},
		{`0`, -1},
		{`null`, -1},
		{`{}`, -1},
	} {
		t.Run(test.expires, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			g.expires = test.expires
			g.on(snap.PathBalance, 200, balanceOK)
			client := g.client()
			step := func(want int) {
				t.Helper()
				if _, err := client.Balance(t.Context(), "tok"); err != nil {
					t.Fatal(err)
				}
				if n := len(g.of(snap.PathTokenB2B)); n != want {
					t.Errorf("%d token calls, want %d", n, want)
				}
			}
			step(1)
			if test.fresh >= 0 {
				g.clock.Advance(test.fresh)
				step(1)
				g.clock.Advance(time.Second)
			}
			step(2)
		})
	}
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.on(snap.PathPayment, 200, saleOK)
	client := g.client()
	g.valid = "tok-2"
	request := saleRequest
	request.RequestID = "42"
	if p, err := client.Pay(t.Context(), request); err != nil || p.RequestID != "42" {
		t.Errorf("Pay = %+v, %v", p, err)
	}
	if tokens, pays := len(g.of(snap.PathTokenB2B)), len(g.of(snap.PathPayment)); tokens != 2 || pays != 2 {
		t.Errorf("%d token calls and %d payments, want 2 and 2", tokens, pays)
	}
	g.valid = "none"
	_, err := client.Pay(t.Context(), saleRequest)
	if !errors.Is(err, ovo.ErrUnauthorized) || errors.Is(err, ovo.ErrOutcomeUnknown) {
		t.Errorf("refused twice: %v", err)
	}
	if tokens, pays := len(g.of(snap.PathTokenB2B)), len(g.of(snap.PathPayment)); tokens != 3 || pays != 4 {
		t.Errorf("%d token calls and %d payments, want 3 and 4", tokens, pays)
	}
}

func TestTokenFailureIsNoOutcome(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client()
	g.on(snap.PathTokenB2B, 401, `{"responseCode":"4017300","responseMessage":"Unauthorized. [Signature]"}`)
	if _, err := client.Pay(t.Context(), saleRequest); !errors.Is(err, ovo.ErrUnauthorized) || errors.Is(err, ovo.ErrOutcomeUnknown) {
		t.Errorf("refused: %v", err)
	}
	for _, body := range []string{`{"responseCode":"2007300"}`, `{"responseCode":"2007300","accessToken":"a\nb"}`} {
		g.on(snap.PathTokenB2B, 200, body)
		if _, err := client.Pay(t.Context(), saleRequest); !errors.Is(err, ovo.ErrUnavailable) || errors.Is(err, ovo.ErrOutcomeUnknown) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if n := len(g.of(snap.PathPayment)); n != 0 {
		t.Errorf("%d payments sent", n)
	}
}

func TestImpatientCallerDoesNotSpoilTheToken(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	arrived, goOn := make(chan struct{}), make(chan struct{})
	g.handle(snap.PathTokenB2B, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-goOn
		reply(w, 200, `{"responseCode":"2007300","accessToken":"tok-1","expiresIn":900}`)
	})
	g.on(snap.PathBalance, 200, balanceOK)
	client := g.client()
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := client.Balance(ctx, "tok")
		first <- err
	}()
	<-arrived
	second := make(chan error, 1)
	go func() {
		_, err := client.Balance(t.Context(), "tok")
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled caller: %v", err)
	}
	close(goOn)
	if err := <-second; err != nil {
		t.Errorf("waiting caller: %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	all := []error{
		ovo.ErrInvalidRequest, ovo.ErrInvalidAmount, ovo.ErrUnauthorized, ovo.ErrCustomerToken, ovo.ErrWalletUnavailable, ovo.ErrInsufficientFunds,
		ovo.ErrLimitExceeded, ovo.ErrNotFound, ovo.ErrDuplicate, ovo.ErrInconsistent, ovo.ErrConflict, ovo.ErrRefused, ovo.ErrUnavailable,
	}
	g := newGateway(t)
	client := g.client()
	for _, test := range []struct {
		status  int
		code    string
		want    error
		unknown bool // for a payment
	}{
		{400, "4005400", ovo.ErrInvalidRequest, false},
		{400, "4005401", ovo.ErrInvalidRequest, false},
		{400, "4005402", ovo.ErrInvalidRequest, false},
		{401, "4015400", ovo.ErrUnauthorized, false},
		{401, "4015402", ovo.ErrCustomerToken, false},
		{401, "4015404", ovo.ErrCustomerToken, false},
		{403, "4035400", ovo.ErrRefused, false},
		{403, "4035402", ovo.ErrLimitExceeded, false},
		{403, "4035404", ovo.ErrLimitExceeded, false},
		{403, "4035405", ovo.ErrRefused, false},
		{403, "4035407", ovo.ErrWalletUnavailable, false},
		{403, "4035409", ovo.ErrWalletUnavailable, false},
		{403, "4035414", ovo.ErrInsufficientFunds, false},
		{403, "4035415", ovo.ErrRefused, false},
		{403, "4030715", ovo.ErrWalletUnavailable, false},
		{403, "4035417", ovo.ErrLimitExceeded, false},
		{403, "4035418", ovo.ErrWalletUnavailable, false},
		{403, "4035420", ovo.ErrLimitExceeded, false},
		{403, "4035423", ovo.ErrLimitExceeded, false},
		{404, "4045800", ovo.ErrRefused, false},
		{404, "4045501", ovo.ErrNotFound, false},
		{404, "4045404", ovo.ErrRefused, false},
		{404, "4040911", ovo.ErrCustomerToken, false},
		{404, "4045411", ovo.ErrWalletUnavailable, false},
		{404, "4045413", ovo.ErrInvalidAmount, false},
		{404, "4045418", ovo.ErrInconsistent, false},
		{404, "4040000", ovo.ErrInvalidRequest, false},
		{405, "4050000", ovo.ErrInvalidRequest, false},
		{413, "4135400", ovo.ErrInvalidRequest, false},
		{409, "4095400", ovo.ErrConflict, true}, // of an id that the client made
		{409, "4095401", ovo.ErrDuplicate, false},
		{429, "4295400", ovo.ErrUnavailable, false},
		{200, "4035414", ovo.ErrInsufficientFunds, false}, // code and status disagree: the code is the more exact
		{202, "2025400", ovo.ErrUnavailable, true},
		{408, "4085400", ovo.ErrUnavailable, true},
		{500, "5005400", ovo.ErrUnavailable, true},
		{500, "5005402", ovo.ErrUnavailable, true},
		{504, "5045400", ovo.ErrUnavailable, true},
		{500, "4035414", ovo.ErrInsufficientFunds, true},
		{403, "2005400", ovo.ErrUnavailable, true},
		{404, "40454", ovo.ErrUnavailable, true},
		{302, "", ovo.ErrUnavailable, true},
		{403, "", ovo.ErrUnavailable, true},
	} {
		name := fmt.Sprintf("%d %s", test.status, test.code)
		body := "<html>"
		if test.code != "" {
			body = `{"responseCode":"` + test.code + `","responseMessage":"Some words"}`
		}
		g.on(snap.PathPayment, test.status, body)
		_, err := client.Pay(t.Context(), recurringRequest)
		var refusal *ovo.Error
		if !errors.As(err, &refusal) || refusal.Code != test.code || refusal.Status != test.status || test.code != "" && refusal.Message != "Some words" {
			t.Errorf("%s: %v as %+v", name, err, refusal)
			continue
		}
		for _, sentinel := range all {
			if errors.Is(err, sentinel) != (sentinel == test.want) {
				t.Errorf("%s: errors.Is(%v, %v) is %t", name, err, sentinel, sentinel != test.want)
			}
		}
		if errors.Is(err, ovo.ErrOutcomeUnknown) != test.unknown {
			t.Errorf("%s: outcome unknown is %t", name, !test.unknown)
		}
	}
	g.on(snap.PathStatus, 504, `{"responseCode":"5045500","responseMessage":"Timeout"}`)
	if _, err := client.Status(t.Context(), statusQuery); !errors.Is(err, ovo.ErrUnavailable) || errors.Is(err, ovo.ErrOutcomeUnknown) {
		t.Errorf("a read: %v", err)
	} else if want := "ovo: status: 5045500 Timeout"; err.Error() != want {
		t.Errorf("error text %q, want %q", err, want)
	}
}

// cut breaks the connection in the middle of an answer, or before it.
func cut(partial string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if partial != "" {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, partial)
			w.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

func TestCutConnection(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{"before the answer": cut(""), "within the answer": cut(`{"responseCode":"2005`)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			client := g.client()
			for _, path := range []string{snap.PathPayment, snap.PathRefund, snap.PathBalance, snap.PathBinding, snap.PathUnbinding} {
				g.handle(path, handler)
			}
			_, pay := client.Pay(t.Context(), saleRequest)
			_, refund := client.Refund(t.Context(), refundRequest)
			for name, err := range map[string]error{"pay": pay, "refund": refund} {
				if !errors.Is(err, ovo.ErrOutcomeUnknown) || !errors.Is(err, ovo.ErrUnavailable) {
					t.Errorf("%s: %v", name, err)
				}
			}
			_, balance := client.Balance(t.Context(), "tok")
			_, bind := client.Bind(t.Context(), bindRequest)
			for name, err := range map[string]error{"balance": balance, "bind": bind, "unbind": client.Unbind(t.Context(), "tok")} {
				if !errors.Is(err, ovo.ErrUnavailable) || errors.Is(err, ovo.ErrOutcomeUnknown) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for path, want := range map[string]int{
				snap.PathPayment: 1, snap.PathRefund: 1, snap.PathBinding: 1, snap.PathUnbinding: 1, snap.PathBalance: 3,
			} {
				if n := len(g.of(path)); n != want {
					t.Errorf("%s was sent %d times, want %d", path, n, want)
				}
			}
			if calls := g.of(snap.PathBalance); calls[0].externalID == calls[1].externalID {
				t.Error("the repeat has the X-EXTERNAL-ID of the first attempt")
			}
		})
	}
}

// answering gives a status and a body, whatever was asked.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// What has no effect is asked again when the answer was lost on the way.
func TestReadsAndTokensSurviveAProxy(t *testing.T) {
	t.Parallel()
	conflict := func(code string) http.HandlerFunc {
		return answering(409, `{"responseCode":"`+code+`","responseMessage":"Conflict"}`)
	}
	for name, first := range map[string]struct{ token, balance, status http.HandlerFunc }{
		"that breaks the connection":            {cut(""), cut(""), cut("")},
		"that lost the gateway":                 {answering(502, "<html>"), answering(502, ""), answering(502, "{}")},
		"that finds no gateway":                 {answering(503, "<html>"), answering(503, "<html>"), answering(504, "<html>")},
		"that sends a call twice":               {answering(502, ""), conflict("4091100"), conflict("4095500")},
		"that lost the gateway and sends twice": {cut(""), conflict("4091100"), answering(502, "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			once := func(path string, first http.HandlerFunc, then string) {
				g.handle(path, func(w http.ResponseWriter, r *http.Request) {
					g.on(path, 200, then)
					first(w, r)
				})
			}
			once(snap.PathTokenB2B, first.token, `{"responseCode":"2007300","accessToken":"tok-1","expiresIn":900}`)
			once(snap.PathTokenB2B2C, first.token, `{"responseCode":"2007400","accessToken":"tok-b2b2c"}`)
			once(snap.PathBalance, first.balance, balanceOK)
			once(snap.PathStatus, first.status, statusOK)
			client := g.client()
			if _, err := client.CustomerToken(t.Context(), "2238"); err != nil {
				t.Error(err)
			}
			if _, err := client.Balance(t.Context(), "tok"); err != nil {
				t.Error(err)
			}
			if _, err := client.Status(t.Context(), statusQuery); err != nil {
				t.Error(err)
			}
		})
	}
}

// A gateway that stays away, or says Conflict for ever, is asked three times.
func TestReadsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		always http.HandlerFunc
		want   error
	}{
		"away":     {answering(502, "<html>"), ovo.ErrUnavailable},
		"conflict": {answering(409, `{"responseCode":"4091100","responseMessage":"Conflict"}`), ovo.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			g.handle(snap.PathBalance, c.always)
			if _, err := g.client().Balance(t.Context(), "tok"); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if n := len(g.of(snap.PathBalance)); n != 3 {
				t.Errorf("it was asked %d times", n)
			}
		})
	}
}

// The gateway says Conflict to an id that the client has just made: something has sent the
// call twice, and the first may have moved the money. To the caller's own id it is the answer.
func TestConflictOfOwnID(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client()
	g.on(snap.PathPayment, 409, `{"responseCode":"4095400","responseMessage":"Conflict"}`)
	g.on(snap.PathRefund, 409, `{"responseCode":"4095800","responseMessage":"Conflict"}`)
	for name, id := range map[string]string{"made by the client": "", "the caller's": "1234567890"} {
		pay, refund := recurringRequest, refundRequest
		pay.RequestID, refund.RequestID = id, id
		_, paid := client.Pay(t.Context(), pay)
		_, refunded := client.Refund(t.Context(), refund)
		for _, err := range []error{paid, refunded} {
			if !errors.Is(err, ovo.ErrConflict) || errors.Is(err, ovo.ErrOutcomeUnknown) != (id == "") {
				t.Errorf("an id %s: %v", name, err)
			}
		}
	}
	if calls := len(g.of(snap.PathPayment)) + len(g.of(snap.PathRefund)); calls != 4 {
		t.Errorf("%d calls were sent, want 4", calls)
	}
}

func TestCancelledCharge(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g.on(snap.PathBalance, 200, balanceOK)
	if _, err := client.Balance(ctx, "tok"); err != nil { // have a token
		t.Fatal(err)
	}
	g.handle(snap.PathPayment, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := client.Pay(ctx, saleRequest); !errors.Is(err, ovo.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while the gateway worked: %v", err)
	}
	if _, err := client.Pay(ctx, saleRequest); errors.Is(err, ovo.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	if n := len(g.of(snap.PathPayment)); n != 1 {
		t.Errorf("%d payments sent", n)
	}
}

func TestClientTimeoutIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	client := g.client(func(c *ovo.SNAPConfig) {
		c.HTTPClient = &http.Client{Transport: timeoutOn(snap.PathPayment, snap.PathStatus)}
	})
	if _, err := client.Pay(t.Context(), saleRequest); !errors.Is(err, ovo.ErrOutcomeUnknown) {
		t.Errorf("pay: %v", err)
	}
	// A read that took too long is not repeated: the caller has waited enough.
	if _, err := client.Status(t.Context(), statusQuery); !errors.Is(err, ovo.ErrUnavailable) {
		t.Errorf("status: %v", err)
	}
	if n := len(g.of(snap.PathStatus)); n != 1 {
		t.Errorf("status was sent %d times", n)
	}
}

// timeoutOn is a transport that does not trace its connections and loses the
// answers of some paths.
func timeoutOn(paths ...string) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r.Clone(context.WithoutCancel(untraced{r.Context()})))
		for _, path := range paths {
			if err == nil && r.URL.Path == path {
				resp.Body.Close()
				return nil, &net.OpError{Op: "read", Err: errTimeout{}}
			}
		}
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// untraced hides the values of a context, and with them the connection trace.
type untraced struct{ context.Context }

func (untraced) Value(any) any { return nil }

type errTimeout struct{}

func (errTimeout) Error() string   { return "timeout" }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }

func TestChargeThatNeverLeftIsNoOutcome(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	var dials atomic.Int64
	transport := &http.Transport{DisableKeepAlives: true}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) > 1 {
			return nil, errors.New("no route")
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	client := g.client(func(c *ovo.SNAPConfig) { c.HTTPClient = &http.Client{Transport: transport} })
	_, err := client.Pay(t.Context(), saleRequest)
	if !errors.Is(err, ovo.ErrUnavailable) || errors.Is(err, ovo.ErrOutcomeUnknown) {
		t.Errorf("pay: %v", err)
	}
	if dials.Load() != 2 || len(g.of(snap.PathPayment)) != 0 {
		t.Errorf("%d dials, %d payments", dials.Load(), len(g.of(snap.PathPayment)))
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.handle(snap.PathStatus, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := g.client(func(c *ovo.SNAPConfig) { c.HTTPClient = http.DefaultClient }).Status(t.Context(), statusQuery)
	var refusal *ovo.Error
	if !errors.As(err, &refusal) || refusal.Status != http.StatusTemporaryRedirect || len(g.of("/elsewhere")) != 0 {
		t.Errorf("%v", err)
	}
	if http.DefaultClient.CheckRedirect != nil {
		t.Error("the merchant's client was changed")
	}
}

// TestPublishedVectors sends the requests of the independently computed vectors
// and compares bodies and signatures.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	for file, call := range map[string]func(*ovo.SNAPClient) error{
		"t03_binding": func(c *ovo.SNAPClient) error { _, err := c.Bind(t.Context(), bindRequest); return err },
		"t04_payment": func(c *ovo.SNAPClient) error { _, err := c.Pay(t.Context(), saleRequest); return err },
		"t05_balance": func(c *ovo.SNAPClient) error { _, err := c.Balance(t.Context(), "tok-b2b2c-0001"); return err },
		"t05_unbinding": func(c *ovo.SNAPClient) error {
			return c.Unbind(t.Context(), "tok-b2b2c-0001")
		},
		"t05_refund": func(c *ovo.SNAPClient) error { _, err := c.Refund(t.Context(), refundRequest); return err },
		"t05_status": func(c *ovo.SNAPClient) error { _, err := c.Status(t.Context(), statusQuery); return err },
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			v := readVector(t, file)
			g := newGateway(t)
			g.token = v.fields["token"]
			err := call(g.client())
			if !errors.Is(err, ovo.ErrInvalidRequest) { // nothing is prepared but the token
				t.Fatal(err)
			}
			calls := g.of(v.fields["target"])
			if len(calls) != 1 || calls[0].body != v.body || calls[0].signature != v.fields["signature"] {
				t.Errorf("sent %+v\nwant %s\n%s", calls, v.body, v.fields["signature"])
			}
		})
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	private, err := snap.EncodePrivateKey(merchantKey())
	if err != nil {
		t.Fatal(err)
	}
	public, err := snap.EncodePublicKey(&merchantKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := ovo.ParsePrivateKey(private); err != nil || !key.Equal(merchantKey()) {
		t.Error(err)
	}
	if key, err := ovo.ParsePublicKey(public); err != nil || !key.Equal(&merchantKey().PublicKey) {
		t.Error(err)
	}
	if _, err := ovo.ParsePrivateKey(public); err == nil {
		t.Error("a public key passes for a private one")
	}
}

// compact removes what makes JSON in a test readable.
func compact(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
