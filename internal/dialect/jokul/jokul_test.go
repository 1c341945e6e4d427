package jokul_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/dialect/jokul"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wirejokul "github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

const (
	clientID = "MCH-0042-17000000000001"
	secret   = "SK-vectorOnly0000demo9"
	phone    = "081298764417"
	pin      = "123456"
)

// shop is a merchant's client over real HTTP to a dialect over a real database.
type shop struct {
	t        testing.TB
	gateway  *gateway.Gateway
	config   gateway.Config
	dialect  *jokul.Handler
	server   *httptest.Server
	clock    *gateway.MovableClock
	merchant gateway.Merchant
	stop     func() // begins the process's end
	numbers  atomic.Int64

	mu    sync.Mutex
	notes []wire.Note
}

func open(t testing.TB) *shop {
	t.Helper()
	return openForced(t, nil)
}

// openForced lets a test decide the outcome of operations.
func openForced(t testing.TB, force func(context.Context, gateway.Operation) (gateway.Outcome, bool)) *shop {
	t.Helper()
	keys, err := seal.New(seal.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, clock: gateway.NewMovableClock(0)}
	db, err := store.Open(t.Context(), store.Config{URL: storetest.URL(t), Keys: keys, Clock: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s.config = gateway.Config{
		Store: db, Clock: s.clock, Keys: keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}, Force: force,
		Rules: gateway.DefaultRules.Unmetered(),
	}
	s.gateway = gateway.New(s.config)
	draining := make(chan struct{})
	s.stop = sync.OnceFunc(func() { close(draining) })
	s.dialect = jokul.New(jokul.Config{
		Gateway: s.gateway, Clock: s.clock, Draining: draining,
		PageURL: func(p gateway.Page) string { return "https://pages.test/" + p.Key },
		Note: func(_ context.Context, n wire.Note) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.notes = append(s.notes, n)
		},
	})
	mux := http.NewServeMux()
	s.dialect.Mount(mux)
	s.server = httptest.NewUnstartedServer(mux)
	s.server.Config.ReadTimeout = 300 * time.Millisecond // far less than a push waits
	s.server.Start()
	t.Cleanup(s.server.Close)
	t.Cleanup(s.stop) // before the server waits for its calls

	s.merchant = s.newMerchant(clientID)
	s.newWallet("081298764417", "Sari Dewi", ledger.Split{Cash: 412_500, Points: 18_250})
	return s
}

func (s *shop) newMerchant(client string) gateway.Merchant {
	s.t.Helper()
	m, err := s.gateway.CreateMerchant(context.Background(), gateway.Merchant{Name: "Toko", DOKU: gateway.DOKU{
		ClientID: client, SecretKey: secret, NotificationURL: "https://shop.example.id/hooks/doku/ovo",
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *shop) newWallet(phone gateway.Phone, name string, balance ledger.Split) {
	s.t.Helper()
	if _, err := s.gateway.CreateWallet(context.Background(), gateway.NewWallet{Phone: phone, Name: name, PIN: pin, Balance: balance}); err != nil {
		s.t.Fatal(err)
	}
}

// request is one call; the zero value of a member means what a good client sends.
type request struct {
	method    string
	path      string
	target    string // signed instead of path
	body      string
	signed    string // signed instead of body
	timestamp string
	requestID string
	client    string
	headers   map[string]string // set after signing; "" removes
	bare      bool              // no headers but Content-Type
}

// answer is what came back.
type answer struct {
	status int
	raw    string
	doc    wire.Value
	header http.Header
	err    error // of the transport
}

func (a answer) get(path string) string { return a.doc.Get(path).Literal() }

func (s *shop) do(r request) answer {
	s.t.Helper()
	a := s.doWith(context.Background(), r)
	if a.err != nil {
		s.t.Fatal(a.err)
	}
	return a
}

// doWith may be called from any goroutine.
func (s *shop) doWith(ctx context.Context, r request) answer {
	or := func(given, otherwise string) string {
		if given == "" {
			return otherwise
		}
		return given
	}
	call := wirejokul.Call{
		Method: or(r.method, http.MethodPost), Target: or(r.target, r.path), ClientID: or(r.client, clientID),
		RequestID: or(r.requestID, fmt.Sprintf("req-%d", s.numbers.Add(1))), Timestamp: or(r.timestamp, wirejokul.FormatTime(s.clock.Now())),
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, s.server.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		return answer{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	if !r.bare {
		req.Header.Set("Client-Id", call.ClientID)
		req.Header.Set("Request-Id", call.RequestID)
		req.Header.Set("Request-Timestamp", call.Timestamp)
		req.Header.Set("Signature", wirejokul.SignRequest(secret, call, []byte(or(r.signed, r.body))))
	}
	for name, value := range r.headers {
		if value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Set(name, value)
		}
	}
	resp, err := s.server.Client().Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{err: err}
	}
	a := answer{status: resp.StatusCode, raw: string(raw), header: resp.Header}
	if a.doc, err = wire.Parse(raw); err != nil {
		s.t.Errorf("HTTP %d is not JSON: %q", resp.StatusCode, raw)
	}
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Response-Timestamp") == "" {
		s.t.Errorf("headers %v", a.header)
	}
	// Whatever is answered to a known client is signed.
	if sent := req.Header.Get("Client-Id"); sent == clientID || r.bare && a.header.Get("Signature") != "" {
		signed := wirejokul.Call{
			Method: call.Method, Target: r.path, ClientID: clientID, RequestID: a.header.Get("Request-Id"), Timestamp: a.header.Get("Response-Timestamp"),
		}
		if v := wirejokul.VerifyResponse(secret, signed, raw, a.header.Get("Signature")); !v.OK {
			s.t.Errorf("answer %s with headers %v: signature %+v", raw, a.header, v)
		}
		if id := req.Header.Get("Request-Id"); id != "" && id != a.header.Get("Request-Id") {
			s.t.Errorf("Request-Id %q came back as %q", id, a.header.Get("Request-Id"))
		}
	} else if a.header.Get("Signature") != "" {
		s.t.Errorf("an answer to a stranger is signed: %v", a.header)
	}
	return a
}

func bindingBody(phone, customer string) string {
	return fmt.Sprintf(`{"customer":{"id":%q,"name":"Sari Dewi","email":"sari.dewi@mail.example.id","phone":"081298764417","additional_info":"gold"},"ovo_account":{"account_email":"sari.dewi@mail.example.id","account_mobile_phone":%q,"success_registration_url":"https://shop.example.id/ovo/linked","failed_registration_url":"https://shop.example.id/ovo/not-linked"},"service_type":"RECURRING"}`, customer, phone)
}

func tokensBody(customer string) string {
	return fmt.Sprintf(`{"customer":{"id":%q},"token_data":{"type":"WALLET_RECURRING"}}`, customer)
}

func balanceBody(customer, token string) string {
	return fmt.Sprintf(`{"customer":{"id":%q},"ovo_account":{"token_id":%q}}`, customer, token)
}

func paymentBody(customer, token, invoice, amount, more string) string {
	return fmt.Sprintf(`{"customer":{"id":%q,"name":"Sari Dewi"},"order":{"invoice_number":%q,"amount":%s},"ovo_account":{"token_id":%q%s}}`, customer, invoice, amount, token, more)
}

func refundBody(invoice, requestID, amount string) string {
	return fmt.Sprintf(`{"order":{"invoice_number":%q},"payment":{"original_request_id":%q},"refund":{"amount":%s,"reason":"Partial service outage"}}`, invoice, requestID, amount)
}

func unbindingBody(customer, token string) string {
	return fmt.Sprintf(`{"customer":{"id":%q,"name":" "},"ovo_account":{"token_id":%q}}`, customer, token)
}

const usePoints = `,"payment_use_ovo_point":true`

// complete finishes the page that an answer points to.
func (s *shop) complete(redirect string) {
	s.t.Helper()
	key := path.Base(redirect)
	v, err := s.gateway.Page(s.t.Context(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.gateway.EnterOTP(s.t.Context(), key, v.Page.OTP); err != nil {
		s.t.Fatal(err)
	}
	if v, err = s.gateway.EnterPIN(s.t.Context(), key, pin); err != nil || v.Page.State != gateway.PageDone {
		s.t.Fatal(v.Page.State, err)
	}
}

// bind binds a wallet and returns its newest token.
func (s *shop) bind(phone, customer string) (token string) {
	s.t.Helper()
	a := s.do(request{path: wirejokul.PathBinding, body: bindingBody(phone, customer)})
	if a.status != 201 {
		s.t.Fatalf("binding: %s", a.raw)
	}
	s.complete(a.get("ovo_account.registration_url"))
	a = s.do(request{path: wirejokul.PathTokens, body: tokensBody(customer)})
	if items := a.doc.Get("wallet").Items(); items != nil {
		return items[0].Get("token_id").Literal()
	}
	return a.get("wallet.token_id")
}

// want compares a whole answer.
func (s *shop) want(a answer, status int, body string) {
	s.t.Helper()
	if a.status != status || a.raw != body {
		s.t.Errorf("HTTP %d %s\nwant %d %s\nreason: %s", a.status, a.raw, status, body, s.lastReason())
	}
}

func (s *shop) wantError(a answer, status int, code, message string) {
	s.t.Helper()
	s.want(a, status, fmt.Sprintf(`{"error":{"code":%q,"message":%q,"type":"invalid_request_error"}}`, code, message))
}

func (s *shop) lastReason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.notes) - 1; i >= 0; i-- {
		if s.notes[i].Reason != "" {
			return s.notes[i].Reason
		}
	}
	return ""
}

func (s *shop) auditClean() {
	s.t.Helper()
	verdicts, err := s.gateway.Audit(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, v := range verdicts {
		if !v.OK {
			s.t.Errorf("%s broken: %s %v", v.ID, v.Rule, v.Keys)
		}
	}
}

func (s *shop) balance() ledger.Split {
	s.t.Helper()
	w, err := s.gateway.Wallet(context.Background(), phone)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.Balance
}

func (s *shop) status(id string) answer {
	s.t.Helper()
	return s.do(request{method: "GET", path: wirejokul.StatusPath(id)})
}

func (s *shop) wantStatus(id, status string) answer {
	s.t.Helper()
	a := s.status(id)
	if a.status != 200 || a.get("transaction.status") != status {
		s.t.Errorf("status of %s: HTTP %d %s, want %s", id, a.status, a.raw, status)
	}
	return a
}

func TestJourney(t *testing.T) {
	t.Parallel()
	s := open(t)
	const customer = `"customer":{"id":"CUST-7001","name":"Sari Dewi","email":"sari.dewi@mail.example.id","phone":"081298764417","additional_info":"gold"}`

	a := s.do(request{path: wirejokul.PathBinding, body: bindingBody("6281298764417", "CUST-7001")})
	page := a.get("ovo_account.registration_url")
	s.want(a, 201, `{`+customer+`,"ovo_account":{"account_mobile_phone":"6281298764417","registration_url":"`+page+`","status":"PENDING"}}`)
	s.wantError(s.do(request{path: wirejokul.PathTokens, body: tokensBody("CUST-7001")}), 404, "not_found", "Token not found")
	s.complete(page)

	a = s.do(request{path: wirejokul.PathTokens, body: tokensBody("CUST-7001")})
	token := a.get("wallet.token_id")
	s.want(a, 200, `{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"token_data":{"type":"WALLET_RECURRING"},"wallet":{"issuer":"OVO","token_id":"`+token+`","masked_phone_number":"****4417"}}`)
	if len(token) != 32 || strings.Trim(token, "0123456789abcdef") != "" {
		t.Errorf("token %q", token)
	}
	s.want(s.do(request{path: wirejokul.PathTokens, body: `{"customer":{"id":"CUST-7001"}}`}), 200, a.raw)
	s.wantError(s.do(request{path: wirejokul.PathTokens, body: `{"customer":{"id":"CUST-7001"},"token_data":{"type":"WALLET"}}`}), 404, "not_found", "Token not found")

	a = s.do(request{path: wirejokul.PathBalance, body: balanceBody("CUST-7001", token)})
	s.want(a, 201, `{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"ovo_account":{"ovo_cash_balance":412500,"ovo_point_balance":18250}}`)

	body := `{` + customer + `,"additional_info":{"plan":"a&b/c"},"order":{"invoice_number":"SUB-2024-000918","line_items":[{"name":"Streaming, May","price":55000,"quantity":1}],"amount":"55000"},"ovo_account":{"token_id":"` + token + `","payment_use_ovo_point":"TRUE","first_payment":true}}`
	a = s.do(request{path: wirejokul.PathRecurringPayment, body: body, requestID: "a80b6d1f"})
	s.want(a, 201, `{`+customer+`,"additional_info":{"plan":"a&b/c"},"order":{"invoice_number":"SUB-2024-000918","line_items":[{"name":"Streaming, May","price":55000,"quantity":1}],"amount":55000},"payment":{"status":"SUCCESS"}}`)
	if got := s.balance(); got != (ledger.Split{Cash: 375_750}) {
		t.Errorf("the wallet holds %+v", got)
	}

	a = s.wantStatus("SUB-2024-000918", "SUCCESS")
	date := a.get("transaction.date")
	state := func(status string) string {
		return `{"order":{"invoice_number":"SUB-2024-000918","amount":55000},"transaction":{"status":"` + status + `","date":"` + date + `","original_request_id":"a80b6d1f"},"service":{"id":"EMONEY"},"acquirer":{"id":"OVO"},"channel":{"id":"EMONEY_OVO"},` + customer + `,"wallet":{"issuer":"OVO","token_id":"` + token + `","masked_phone_number":"****4417","status":"` + status + `"},"additional_info":{"plan":"a&b/c"}}`
	}
	s.want(a, 200, state("SUCCESS"))
	s.want(s.status("a80b6d1f"), 200, state("SUCCESS")) // by its Request-Id

	refund := func(amount, status, message string) {
		t.Helper()
		a := s.do(request{path: wirejokul.PathRefund, body: refundBody("SUB-2024-000918", "a80b6d1f", amount)})
		s.want(a, 201, `{"order":{"invoice_number":"SUB-2024-000918"},"payment":{"original_request_id":"a80b6d1f"},"refund":{"amount":`+amount+`,"reason":"Partial service outage","status":"`+status+`","message":"`+message+`"}}`)
	}
	refund("20000", "SUCCESS", "SUCCESS")
	if got := s.balance(); got != (ledger.Split{Cash: 377_500, Points: 18_250}) {
		t.Errorf("after the refund the wallet holds %+v", got)
	}
	s.wantStatus("SUB-2024-000918", "SUCCESS")
	refund("35001", "FAILED", "AMOUNT")
	refund("35000", "SUCCESS", "SUCCESS")
	s.want(s.status("SUB-2024-000918"), 200, state("REFUNDED"))

	sale := s.do(request{path: wirejokul.PathPayment, body: paymentBody("CUST-7001", token, "ONE-2024-0007", "49000", `,"success_payment_url":"https://shop.example.id/ok","failed_payment_url":"https://shop.example.id/fail"`)})
	s.want(sale, 201, `{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"order":{"invoice_number":"ONE-2024-0007","amount":49000},"ovo_account":{"payment_url":"`+sale.get("ovo_account.payment_url")+`"},"payment":{"status":"PENDING"}}`)
	s.wantStatus("ONE-2024-0007", "PENDING")
	s.complete(sale.get("ovo_account.payment_url"))
	s.wantStatus("ONE-2024-0007", "SUCCESS")

	a = s.do(request{path: wirejokul.PathUnbinding, body: unbindingBody("CUST-7001", token)})
	s.want(a, 201, `{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"ovo_account":{"token_id":"`+token+`","status":"SUCCESS","message":"Success Unbinding Ovo Account"}}`)
	for path, body := range map[string]string{
		wirejokul.PathBalance:          balanceBody("CUST-7001", token),
		wirejokul.PathRecurringPayment: paymentBody("CUST-7001", token, "AFTER", "1", ""),
		wirejokul.PathUnbinding:        unbindingBody("CUST-7001", token),
	} {
		s.wantError(s.do(request{path: path, body: body}), 404, "not_found", "ovo_account.token_id not found")
	}
	s.wantError(s.status("AFTER"), 404, "not_found", "Payment not found")
	s.wantStatus("ONE-2024-0007", "SUCCESS") // what was paid stays known
	s.auditClean()
}

func TestSeveralTokens(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.newWallet("081200000082", "Rudi", ledger.Split{})
	first := s.bind(phone, "C")
	second := s.bind("081200000082", "C")
	a := s.do(request{path: wirejokul.PathTokens, body: tokensBody("C")})
	s.want(a, 200, `{"customer":{"id":"C","name":"Sari Dewi"},"token_data":{"type":"WALLET_RECURRING"},"wallet":[{"issuer":"OVO","token_id":"`+second+`","masked_phone_number":"****0082","type":"WALLET_RECURRING"},{"issuer":"OVO","token_id":"`+first+`","masked_phone_number":"****4417","type":"WALLET_RECURRING"}]}`)

	// Binding the phone again replaces its token, once the page is completed.
	again := s.do(request{path: wirejokul.PathBinding, body: bindingBody("+6281200000082", "C")})
	s.want(s.do(request{path: wirejokul.PathBalance, body: balanceBody("C", second)}), 201, `{"customer":{"id":"C","name":"Sari Dewi"},"ovo_account":{"ovo_cash_balance":0,"ovo_point_balance":0}}`)
	s.complete(again.get("ovo_account.registration_url"))
	s.wantError(s.do(request{path: wirejokul.PathBalance, body: balanceBody("C", second)}), 404, "not_found", "ovo_account.token_id not found")
	if a = s.do(request{path: wirejokul.PathTokens, body: tokensBody("C")}); len(a.doc.Get("wallet").Items()) != 2 || strings.Contains(a.raw, second) {
		t.Errorf("tokens %s", a.raw)
	}
	s.auditClean()
}

// A binding made in another dialect is a token like any other.
func TestBindingOfAnotherDialect(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, page, err := s.gateway.StartBinding(t.Context(), gateway.StartBinding{Merchant: s.merchant.ID, Phone: phone, CustomerID: "C", Dialect: "snap", RequestID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	s.complete(page.Key)
	token := s.do(request{path: wirejokul.PathTokens, body: tokensBody("C")}).get("wallet.token_id")
	a := s.do(request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, "INV-1", "1000", "")})
	if a.get("payment.status") != "SUCCESS" {
		t.Errorf("payment %s", a.raw)
	}
	a = s.do(request{path: wirejokul.PathUnbinding, body: unbindingBody("C", token)})
	if a.status != 201 || a.get("customer.name") != " " {
		t.Errorf("unbinding %s", a.raw)
	}
	s.auditClean()
}

// What the wallet refuses is a result, and uses the invoice number up.
func TestFailedPayments(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "C")
	pay := func(invoice, amount, more, status string) {
		t.Helper()
		a := s.do(request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, invoice, amount, more)})
		if a.status != 201 || a.get("payment.status") != status {
			t.Errorf("%s: HTTP %d %s, want %s", invoice, a.status, a.raw, status)
		}
		a = s.do(request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, invoice, amount, more)})
		s.wantError(a, 400, "invalid_parameter", "order.invoice_number has already been used")
		if status != "SUCCESS" {
			status = "FAILED"
		}
		s.wantStatus(invoice, status)
	}
	pay("BIG", "412501", "", "FAILED")
	pay("LIMIT", "10000001", "", "FAILED")
	pay("BOTH", "430750", usePoints, "SUCCESS")
	for _, status := range []gateway.WalletStatus{gateway.WalletBlockedByIssuer, gateway.WalletCardBlockedByBank} {
		if _, err := s.gateway.SetWalletStatus(t.Context(), phone, status); err != nil {
			t.Fatal(err)
		}
		pay("ST-"+string(status), "1", "", "FAILED")
	}
	if _, err := s.gateway.SetWalletStatus(t.Context(), phone, gateway.WalletActive); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(365 * 24 * time.Hour)
	s.wantError(s.do(request{path: wirejokul.PathBalance, body: balanceBody("C", token)}), 400, "account_error", "ovo_account.token_id has expired")
	pay("YEAR", "1", "", "TOKEN_EXPIRED")
	if _, err := s.gateway.ExpireDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	pay("SWEPT", "1", "", "TOKEN_EXPIRED")
	s.wantError(s.do(request{path: wirejokul.PathTokens, body: tokensBody("C")}), 404, "not_found", "Token not found")
	if got := s.balance(); got != (ledger.Split{}) {
		t.Errorf("the wallet holds %+v", got)
	}
	s.auditClean()
}

// TestRefusals sends one wrong thing at a time, and checks that nothing but the
// answer came of it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "C")
	other := s.newMerchant("MCH-OTHER")
	_, page, err := s.gateway.StartBinding(t.Context(), gateway.StartBinding{Merchant: other.ID, Phone: phone, CustomerID: "C", Dialect: "jokul", RequestID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	s.complete(page.Key)
	foreign, err := s.gateway.BindingsOfCustomer(t.Context(), other.ID, "C")
	if err != nil || len(foreign) != 1 {
		t.Fatal(foreign, err)
	}
	foreignToken := strings.TrimPrefix(string(foreign[0].ID), "bnd_")

	pay := func(body string) request { return request{path: wirejokul.PathRecurringPayment, body: body} }
	bindTo := func(body string) request { return request{path: wirejokul.PathBinding, body: body} }
	good := paymentBody("C", token, "INV-1", "1000", "")
	with := func(headers map[string]string) request { r := pay(good); r.headers = headers; return r }
	swap := func(from, to string) request { return pay(strings.Replace(good, from, to, 1)) }
	at := func(off time.Duration) string { return wirejokul.FormatTime(s.clock.Now().Add(off)) }

	for name, tc := range map[string]struct {
		request       request
		status        int
		code, message string
	}{
		"unknown path":                 {request{path: "/ovo-open-api/v1/nothing", body: "{}"}, 404, "not_found", "Path not found"},
		"unknown path of a token":      {request{path: "/tokenization/v2/get-token", body: "{}"}, 404, "not_found", "Path not found"},
		"unknown path of a push":       {request{path: "/ovo-emoney/v1/other", body: "{}"}, 404, "not_found", "Path not found"},
		"unknown path of a status":     {request{method: "GET", path: "/orders/v1/other"}, 404, "not_found", "Path not found"},
		"GET":                          {request{method: "GET", path: wirejokul.PathBalance}, 405, "invalid_parameter", "Method not allowed"},
		"POST for the status":          {request{path: wirejokul.StatusPath("x")}, 405, "invalid_parameter", "Method not allowed"},
		"no client":                    {with(map[string]string{"Client-Id": ""}), 400, "invalid_header_request", "Header Client-Id is required"},
		"no request id":                {with(map[string]string{"Request-Id": ""}), 400, "invalid_header_request", "Header Request-Id is required"},
		"no timestamp":                 {with(map[string]string{"Request-Timestamp": ""}), 400, "invalid_header_request", "Header Request-Timestamp is required"},
		"no signature":                 {with(map[string]string{"Signature": ""}), 400, "invalid_header_request", "Header Signature is required"},
		"neither client nor signature": {with(map[string]string{"Client-Id": "", "Signature": ""}), 400, "invalid_header_request", "Header Client-Id is required"},
		"long request id":              {request{path: wirejokul.PathBalance, body: "{}", requestID: strings.Repeat("x", 129)}, 400, "invalid_header_request", "Invalid format Header Request-Id"},
		"time with a fraction":         {request{path: wirejokul.PathBalance, body: "{}", timestamp: "2024-05-06T03:15:20.000Z"}, 400, "invalid_header_request", "Invalid format Header Request-Timestamp"},
		"time with an offset":          {request{path: wirejokul.PathBalance, body: "{}", timestamp: "2024-05-06T03:15:20+00:00"}, 400, "invalid_header_request", "Invalid format Header Request-Timestamp"},
		"time of the past":             {request{path: wirejokul.PathBalance, body: "{}", timestamp: at(-61 * time.Minute)}, 400, "request_time_out_of_range", "Header Request-Timestamp is not in +- 3600 second of now"},
		"time of the future":           {request{path: wirejokul.PathBalance, body: "{}", timestamp: at(61 * time.Minute)}, 400, "request_time_out_of_range", "Header Request-Timestamp is not in +- 3600 second of now"},
		"bad time of a stranger":       {request{path: wirejokul.PathBalance, body: "{}", client: "nobody", timestamp: "x"}, 400, "invalid_header_request", "Invalid format Header Request-Timestamp"},
		"a stranger":                   {request{path: wirejokul.PathBalance, body: "{}", client: "nobody"}, 400, "invalid_client_id", "Invalid Client-Id"},
		"wrong signature":              {with(map[string]string{"Signature": "HMACSHA256=AAAA"}), 400, "invalid_signature", "Invalid Header Signature"},
		"wrong signature, bad body":    {request{path: wirejokul.PathBalance, body: "x", signed: "y"}, 400, "invalid_signature", "Invalid Header Signature"},
		"signed for another path":      {request{path: wirejokul.PathRecurringPayment, target: wirejokul.PathRefund, body: good}, 400, "invalid_signature", "Invalid Header Signature"},
		"another body than signed":     {request{path: wirejokul.PathRecurringPayment, body: good, signed: strings.Replace(good, "1000", "1001", 1)}, 400, "invalid_signature", "Invalid Header Signature"},
		"no body":                      {pay(""), 400, "invalid_parameter", "Invalid request body"},
		"not JSON":                     {pay("a=b"), 400, "invalid_parameter", "Invalid request body"},
		"an array":                     {pay("[]"), 400, "invalid_parameter", "Invalid request body"},
		"trailing bytes":               {pay(good + "x"), 400, "invalid_parameter", "Invalid request body"},
		"duplicate member":             {swap(`"name":"Sari Dewi"`, `"id":"D"`), 400, "invalid_parameter", "Invalid request body"},
		"too large":                    {pay(`{"a":"` + strings.Repeat("x", 70_000) + `"}`), 413, "invalid_parameter", "Request body is too large"},
		"no customer":                  {swap(`"id"`, `"no"`), 400, "invalid_parameter", "customer.id is missing or empty"},
		"short invoice":                {swap("INV-1", "AB"), 400, "invalid_parameter", "order.invoice_number must have at least 3 characters"},
		"amount with decimals":         {swap("1000", "1000.00"), 400, "invalid_parameter", "order.amount must be a whole number of rupiah in digits, without decimals"},
		"zero":                         {swap("1000", "0"), 400, "invalid_parameter", "order.amount must be at least 1"},
		"unknown token":                {pay(paymentBody("C", strings.Repeat("0", 32), "INV-1", "1", "")), 404, "not_found", "ovo_account.token_id not found"},
		"token of another merchant":    {pay(paymentBody("C", foreignToken, "INV-1", "1", "")), 404, "not_found", "ovo_account.token_id not found"},
		"token of another customer":    {pay(paymentBody("D", token, "INV-1", "1", "")), 404, "not_found", "ovo_account.token_id not found"},
		"balance of another customer":  {request{path: wirejokul.PathBalance, body: balanceBody("D", token)}, 404, "not_found", "ovo_account.token_id not found"},
		"unbinding another customer":   {request{path: wirejokul.PathUnbinding, body: unbindingBody("D", token)}, 404, "not_found", "ovo_account.token_id not found"},
		"sale without URLs":            {request{path: wirejokul.PathPayment, body: good}, 400, "invalid_parameter", "ovo_account.success_payment_url is missing or empty"},
		"unknown phone":                {bindTo(bindingBody("081299999999", "C")), 400, "account_error", "OVO account is not registered"},
		"another customer's phone":     {bindTo(bindingBody(phone, "D")), 400, "account_error", "OVO account is already linked to another customer"},
		"a landline":                   {bindTo(bindingBody("62215555555", "C")), 400, "invalid_parameter", "ovo_account.account_mobile_phone must be a mobile number that begins with 08 or 628"},
		"script as return URL":         {bindTo(strings.Replace(bindingBody(phone, "C"), "https://shop.example.id/ovo/linked", "javascript:alert(1)", 1)), 400, "invalid_parameter", "ovo_account.success_registration_url must be an http or https address with a host, without a user name, of at most 2048 characters"},
		"another service":              {bindTo(strings.Replace(bindingBody(phone, "C"), "RECURRING", "ONCE", 1)), 400, "invalid_parameter", "service_type must be RECURRING"},
		"status of nothing":            {request{method: "GET", path: wirejokul.StatusPath("none")}, 404, "not_found", "Payment not found"},
		"status without id":            {request{method: "GET", path: wirejokul.PathStatus}, 404, "not_found", "Payment not found"},
		"refund of nothing":            {request{path: wirejokul.PathRefund, body: refundBody("none", "none", "1")}, 404, "not_found", "Payment not found"},
		"tokens of nobody":             {request{path: wirejokul.PathTokens, body: tokensBody("nobody")}, 404, "not_found", "Token not found"},
		"push of a stranger":           {request{path: wirejokul.PathPush, bare: true, body: pushBody(phone, "INV-1", "1000", "nobody")}, 400, "invalid_client_id", "Invalid Client-Id"},
		"push with a wrong check_sum":  {request{path: wirejokul.PathPush, bare: true, body: strings.Replace(pushBody(phone, "INV-1", "1000", clientID), "1000", "1001", 1)}, 400, "invalid_signature", "Invalid check_sum"},
		"push with a wrong signature":  {request{path: wirejokul.PathPush, body: pushBody(phone, "INV-1", "1000", clientID), signed: "x"}, 400, "invalid_signature", "Invalid Header Signature"},
		"push of another client":       {request{path: wirejokul.PathPush, body: pushBody(phone, "INV-1", "1000", "MCH-OTHER")}, 400, "invalid_client_id", "Invalid Client-Id"},
		"push to a plus":               {request{path: wirejokul.PathPush, bare: true, body: pushBody("+6281298764417", "INV-1", "1000", clientID)}, 400, "invalid_parameter", "ovo_info.ovo_id must contain digits only"},
		"push without check_sum":       {request{path: wirejokul.PathPush, bare: true, body: `{"client":{"id":"` + clientID + `"},"order":{"invoice_number":"I","amount":0},"ovo_info":{"ovo_id":"081298764417"}}`}, 400, "invalid_parameter", "security.check_sum is missing or empty"},
		"zero with a wrong check_sum":  {request{path: wirejokul.PathPush, bare: true, body: strings.Replace(pushBody(phone, "INV-1", "0", clientID), "INV-1", "INV-2", 1)}, 400, "invalid_signature", "Invalid check_sum"},
		"push with half the headers":   {request{path: wirejokul.PathPush, body: pushBody(phone, "INV-1", "1000", clientID), headers: map[string]string{"Request-Id": ""}}, 400, "invalid_header_request", "Header Request-Id is required"},
	} {
		a := s.do(tc.request)
		want := wirejokul.NewError(tc.code, tc.message)
		body, _ := wire.Encode(want)
		if a.status != tc.status || a.raw != string(body) {
			t.Errorf("%s: HTTP %d %s, want %d %s; reason: %s", name, a.status, a.raw, tc.status, body, s.lastReason())
		}
		if s.lastReason() == "" {
			t.Errorf("%s: no reason in words", name)
		}
	}

	twice, err := http.NewRequestWithContext(t.Context(), "POST", s.server.URL+wirejokul.PathBalance, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	twice.Header = http.Header{"Client-Id": {clientID, clientID}, "Request-Id": {"R"}, "Request-Timestamp": {at(0)}, "Signature": {"x"}}
	resp, err := s.server.Client().Do(twice)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, _ := io.ReadAll(resp.Body); resp.StatusCode != 400 || !strings.Contains(string(raw), "Invalid format Header Client-Id") {
		t.Errorf("a header sent twice: HTTP %d %s", resp.StatusCode, raw)
	}

	if payments, err := s.gateway.Payments(t.Context(), "", 10); err != nil || len(payments) != 0 {
		t.Errorf("refusals left %d payments, %v", len(payments), err)
	}
	if got := s.balance(); got != (ledger.Split{Cash: 412_500, Points: 18_250}) {
		t.Errorf("refusals moved money: %+v", got)
	}
	s.auditClean()
}

func TestRefundsNameOnePayment(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "C")
	for i, amount := range []string{"1000", "999999"} {
		s.do(request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, fmt.Sprint("INV-", i), amount, ""), requestID: fmt.Sprint("pay-", i)})
	}
	for _, body := range []string{refundBody("INV-0", "pay-1", "1"), refundBody("INV-1", "pay-0", "1"), refundBody("INV-0", "other", "1")} {
		s.wantError(s.do(request{path: wirejokul.PathRefund, body: body}), 404, "not_found", "Payment not found")
	}
	s.wantError(s.do(request{path: wirejokul.PathRefund, body: refundBody("INV-1", "pay-1", "1")}), 404, "not_found", "No successful payment found")
	s.auditClean()
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "C")
	body := paymentBody("C", token, "INV-1", "1000", "")
	same := request{path: wirejokul.PathRecurringPayment, body: body, requestID: "R-1"}

	forged := same
	forged.signed = "x"
	s.wantError(s.do(forged), 400, "invalid_signature", "Invalid Header Signature") // and does not use up the id
	first := s.do(same)
	if first.status != 201 || first.get("payment.status") != "SUCCESS" {
		t.Fatalf("payment %s", first.raw)
	}
	for range 2 {
		s.want(s.do(same), 409, first.raw)
	}
	s.clock.Advance(30 * 24 * time.Hour)
	s.want(s.do(same), 409, first.raw)
	const reused = "Request-Id has already been used"
	s.wantError(s.do(request{path: same.path, body: body + " ", requestID: "R-1"}), 409, "idempotent_request", reused)
	s.wantError(s.do(request{path: wirejokul.PathRefund, body: body, requestID: "R-1"}), 409, "idempotent_request", reused)
	s.want(s.do(same), 409, first.raw) // which did not spoil the kept answer

	for name, r := range map[string]request{
		"a refund":          {path: wirejokul.PathRefund, body: refundBody("INV-1", "R-1", "400")},
		"a binding":         {path: wirejokul.PathBinding, body: bindingBody(phone, "C")},
		"a balance":         {path: wirejokul.PathBalance, body: balanceBody("C", token)},
		"a list":            {path: wirejokul.PathTokens, body: tokensBody("C")},
		"a malformed body":  {path: wirejokul.PathBalance, body: "x"},
		"a missing member":  {path: wirejokul.PathBalance, body: "{}"},
		"an unknown token":  {path: wirejokul.PathBalance, body: balanceBody("C", "x")},
		"a used invoice":    {path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, "INV-1", "2", "")},
		"a failed payment":  {path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, "INV-BIG", "9999999", "")},
		"a refund too much": {path: wirejokul.PathRefund, body: refundBody("INV-1", "R-1", "1001")},
		"a bad unbinding":   {path: wirejokul.PathUnbinding, body: unbindingBody("D", token)},
	} {
		r.requestID = "id of " + name
		first := s.do(r)
		if again := s.do(r); again.status != 409 || again.raw != first.raw {
			t.Errorf("%s: HTTP %d %s, then %d %s", name, first.status, first.raw, again.status, again.raw)
		}
	}
	if got := s.balance(); got != (ledger.Split{Cash: 411_900, Points: 18_250}) {
		t.Errorf("the wallet holds %+v", got)
	}

	// Check status uses up nothing.
	for range 2 {
		if a := s.do(request{method: "GET", path: wirejokul.StatusPath("INV-1"), requestID: "S-1"}); a.status != 200 {
			t.Errorf("status %s", a.raw)
		}
	}
	// A request that is still running has no answer to repeat.
	if err := s.gateway.ClaimRequest(t.Context(), gateway.Claim{Merchant: s.merchant.ID, Scope: "jokul", Key: "running", Fingerprint: "x"}); err != nil {
		t.Fatal(err)
	}
	s.wantError(s.do(request{path: wirejokul.PathBalance, body: balanceBody("C", token), requestID: "running"}), 409, "idempotent_request", reused)
	s.auditClean()
}

func TestTwinsAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "C")
	var wg sync.WaitGroup
	var paid, repeated, busy atomic.Int64
	for range 20 {
		wg.Go(func() {
			a := s.doWith(t.Context(), request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, "INV-1", "1000", ""), requestID: "same"})
			switch {
			case a.status == 201 && a.get("payment.status") == "SUCCESS":
				paid.Add(1)
			case a.status == 409 && a.get("payment.status") == "SUCCESS":
				repeated.Add(1)
			case a.status == 409 && a.get("error.code") == "idempotent_request":
				busy.Add(1)
			default:
				t.Errorf("HTTP %d %s %v", a.status, a.raw, a.err)
			}
		})
	}
	wg.Wait()
	if paid.Load() != 1 || repeated.Load()+busy.Load() != 19 || s.balance().Cash != 411_500 {
		t.Errorf("%d paid, %d repeats, %d in progress, %+v left", paid.Load(), repeated.Load(), busy.Load(), s.balance())
	}
	s.auditClean()
}

// Bodies are signed as sent, however they are printed.
func TestBodyStyles(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.bind(phone, "C")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(paymentBody("C", token, "PRETTY", "1000", "")), "", "\t"); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		pretty.String(),
		strings.Replace(paymentBody("C", token, "ESCAPED", "1000", ""), `"name":"Sari Dewi"`, `"name":"S\/\u00e9","email":null,"unknown":{"a":[1]}`, 1),
		strings.Replace(paymentBody("C", token, "UTF8", `"1000"`, `,"payment_use_ovo_point":"False","first_payment":null`), "Sari", "Désirée — Élan", 1),
	} {
		if a := s.do(request{path: wirejokul.PathRecurringPayment, body: body}); a.get("payment.status") != "SUCCESS" {
			t.Errorf("%s: %s", body, a.raw)
		}
	}
	// The header of a library and a query do not matter.
	a := s.do(request{path: wirejokul.PathBalance, body: balanceBody("C", token), headers: map[string]string{"Request-Target": "/else", "Content-Type": "text/plain"}})
	if a.status != 201 {
		t.Errorf("balance %s", a.raw)
	}
	s.auditClean()
}

func TestReasonNamesTheMistake(t *testing.T) {
	t.Parallel()
	s := open(t)
	call := wirejokul.Call{Method: "POST", Target: wirejokul.PathBalance, ClientID: clientID, RequestID: "R", Timestamp: wirejokul.FormatTime(s.clock.Now())}
	trailing := wirejokul.SignRequest(strings.TrimPrefix(secret, "SK-"), call, []byte("{}"))
	s.do(request{path: call.Target, body: "{}", requestID: "R", timestamp: call.Timestamp, headers: map[string]string{"Signature": trailing}})
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.notes[len(s.notes)-2] // the verdict comes before the reason
	if last.Verdict == nil || last.Verdict.OK || last.Verdict.Hint == "" || last.Verdict.Received != trailing {
		t.Errorf("verdict %+v", last.Verdict)
	}
	if reason := s.notes[len(s.notes)-1].Reason; !strings.Contains(reason, last.Verdict.Hint) {
		t.Errorf("reason %q does not name the mistake", reason)
	}
}
