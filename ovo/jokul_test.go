package ovo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/ovo"
)

// The merchant of the worked vectors.
const (
	jokulID     = "MCH-0042-17000000000001"
	jokulSecret = "SK-vectorOnly0000demo9"
	jokulTokenA = "9f2c4a7be1d0438cb65a0e7d31f8c294"
)

// jokulVector reads a file of wire/jokul's testdata.
func jokulVector(t testing.TB, name string) vector {
	t.Helper()
	data, err := os.ReadFile("../internal/wire/jokul/testdata/" + name + ".txt")
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

// at is a clock that stands at a timestamp header.
func at(t testing.TB, timestamp string) func() time.Time {
	t.Helper()
	when, err := jokul.ParseTime(timestamp)
	if err != nil {
		t.Fatal(err)
	}
	return func() time.Time { return when }
}

// jokulGateway is the provider: it checks every signature and gives the prepared
// answer of the path, signed.
type jokulGateway struct {
	t   testing.TB
	url string

	mu     sync.Mutex
	calls  []jokulRequest
	answer map[string]http.HandlerFunc
}

type jokulRequest struct {
	method, path, id, timestamp, signature, body string
}

func newJokulGateway(t testing.TB) *jokulGateway {
	g := &jokulGateway{t: t, answer: map[string]http.HandlerFunc{}}
	server := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *jokulGateway) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
	}
	get := r.Header.Get
	call := jokul.Call{
		Method: r.Method, Target: r.RequestURI, ClientID: get("Client-Id"), RequestID: get("Request-Id"), Timestamp: get("Request-Timestamp"),
	}
	if v := jokul.VerifyRequest(jokulSecret, call, body, get("Signature")); !v.OK || call.ClientID != jokulID {
		g.t.Errorf("%s: wrong client or signature: %+v", r.RequestURI, v)
	}
	if post := r.Method == http.MethodPost; post == (len(body) == 0) || post != (get("Content-Type") == "application/json") {
		g.t.Errorf("%s %s with content type %q and %d bytes", r.Method, r.URL, get("Content-Type"), len(body))
	}
	g.mu.Lock()
	g.calls = append(g.calls, jokulRequest{r.Method, r.RequestURI, call.RequestID, call.Timestamp, get("Signature"), string(body)})
	h := g.answer[r.RequestURI]
	g.mu.Unlock()
	if h == nil {
		h = signedAnswer(404, jokulError("not_found", "Not Found"))
	}
	h(w, r)
}

func jokulError(code, message string) string {
	return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"type":"invalid_request_error"}}`, code, message)
}

// signedAnswer gives a fixed answer with the gateway's signature.
func signedAnswer(status int, body string) http.HandlerFunc {
	return jokulAnswer(status, body, jokulSecret, body)
}

// jokulAnswer signs one body with secret and sends another; no secret, no signature.
func jokulAnswer(status int, body, secret, signedBody string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		call := jokul.Call{
			Method: r.Method, Target: r.RequestURI, ClientID: r.Header.Get("Client-Id"), RequestID: r.Header.Get("Request-Id"),
			Timestamp: "2024-05-06T03:15:21Z",
		}
		w.Header().Set("Client-Id", call.ClientID)
		w.Header().Set("Request-Id", call.RequestID)
		w.Header().Set("Response-Timestamp", call.Timestamp)
		if secret != "" {
			w.Header().Set("Signature", jokul.SignResponse(secret, call, []byte(signedBody)))
		}
		reply(w, status, body)
	}
}

func (g *jokulGateway) on(path string, h http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer[path] = h
}

func (g *jokulGateway) all() []jokulRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]jokulRequest(nil), g.calls...)
}

func (g *jokulGateway) last() jokulRequest {
	g.t.Helper()
	calls := g.all()
	if len(calls) == 0 {
		g.t.Fatal("nothing was sent")
	}
	return calls[len(calls)-1]
}

func (g *jokulGateway) client(change ...func(*ovo.JokulConfig)) *ovo.JokulClient {
	g.t.Helper()
	c := ovo.JokulConfig{BaseURL: g.url, ClientID: jokulID, SecretKey: jokulSecret, Now: at(g.t, "2024-05-06T03:15:20Z")}
	for _, f := range change {
		f(&c)
	}
	client, err := ovo.Jokul(c)
	if err != nil {
		g.t.Fatal(err)
	}
	return client
}

var (
	uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

	sari        = ovo.JokulCustomer{ID: "CUST-7001", Name: "Sari Dewi"}
	jokulCharge = ovo.JokulPayRequest{Customer: sari, Token: jokulTokenA, Invoice: "SUB-2024-000917", Amount: 55000, UsePoints: true}
	jokulBack   = ovo.JokulRefundRequest{Invoice: "SUB-2024-000917", PaymentRequestID: "5b0f3c1e", Amount: 20000, Reason: "Partial outage"}
)

func jokulPaid(status string) string {
	return `{"customer":{"id":"CUST-7001"},"order":{"invoice_number":"SUB-2024-000917","amount":55000},"payment":{"status":"` + status + `"}}`
}

func jokulRefunded(status, message string) string {
	return fmt.Sprintf(`{"order":{"invoice_number":"SUB-2024-000917"},"payment":{"original_request_id":"5b0f3c1e"},`+
		`"refund":{"amount":20000,"reason":"Partial outage","status":%q,"message":%q}}`, status, message)
}

// jokulKinds are the sentinels of which an *Error matches exactly one.
var jokulKinds = []error{
	ovo.ErrInvalidRequest, ovo.ErrInvalidAmount, ovo.ErrUnauthorized, ovo.ErrCustomerToken, ovo.ErrWalletUnavailable,
	ovo.ErrInsufficientFunds, ovo.ErrLimitExceeded, ovo.ErrNotFound, ovo.ErrDuplicate, ovo.ErrInconsistent, ovo.ErrConflict,
	ovo.ErrRefused, ovo.ErrUnavailable,
}

// expectError checks that err matches kind and no other, and whether it settles the outcome.
func expectError(t testing.TB, name string, err, kind error, unknown bool) {
	t.Helper()
	for _, k := range jokulKinds {
		if errors.Is(err, k) != (k == kind) {
			t.Errorf("%s: %v: matches %q: %t", name, err, k, errors.Is(err, k))
		}
	}
	if errors.Is(err, ovo.ErrOutcomeUnknown) != unknown {
		t.Errorf("%s: %v: ErrOutcomeUnknown %t, want %t", name, err, !unknown, unknown)
	}
}

// TestJokulVectors plays the worked vectors V1 and V2: the client must send the very
// bytes and signature that other software has computed, and accept the answer. Of V3
// the form is checked; its signature is checked as that of every call.
func TestJokulVectors(t *testing.T) {
	t.Parallel()
	v1, v2, v3 := jokulVector(t, "v1_recurring_payment"), jokulVector(t, "v2_answer"), jokulVector(t, "v3_status")
	g := newJokulGateway(t)
	fixed := func(v vector) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Response-Timestamp", v.fields["timestamp"])
			w.Header().Set("Signature", v.fields["signature"])
			reply(w, 201, v.body)
		}
	}
	g.on(jokul.PathRecurringPayment, fixed(v2))
	request := jokulCharge
	request.RequestID = v1.fields["request-id"]
	p, err := g.client().Pay(t.Context(), request)
	want := ovo.JokulPayment{Invoice: "SUB-2024-000917", State: ovo.StateSuccess, Status: "SUCCESS", RequestID: v1.fields["request-id"]}
	if err != nil || p != want {
		t.Errorf("Pay = %+v, %v", p, err)
	}
	if last := g.last(); last.body != v1.body || last.signature != v1.fields["signature"] || last.timestamp != v1.fields["timestamp"] {
		t.Errorf("sent %+v\nwant %+v", last, v1)
	}
	request.RequestID = "another"
	p, err = g.client().Pay(t.Context(), request)
	expectError(t, "signature of another request", err, ovo.ErrUnavailable, true)
	if p.State != "" || p.RequestID != "another" {
		t.Errorf("result %+v", p)
	}

	client := g.client(func(c *ovo.JokulConfig) { c.Now = at(t, v3.fields["timestamp"]) })
	if _, err := client.Status(t.Context(), "SUB-2024-000917"); !errors.Is(err, ovo.ErrNotFound) {
		t.Error(err)
	}
	// The Request-Id of a read cannot be chosen, so only its form is compared.
	if last := g.last(); last.method != "GET" || last.path != v3.fields["target"] || !uuid4.MatchString(last.id) {
		t.Errorf("sent %+v", last)
	}
}

func TestJokulBind(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	g.on(jokul.PathBinding, signedAnswer(201, `{"customer":{"id":"CUST-7001"},"ovo_account":{"account_mobile_phone":"6281298764417","registration_url":"https://pay.test/1","status":"PENDING"}}`))
	client := g.client()
	request := ovo.JokulBindRequest{
		Customer: ovo.JokulCustomer{ID: "CUST-7001", Name: "Sari Dewi", Email: "sari@mail.test", Phone: "081298764417", Note: "gold"},
		Phone:    "+6281298764417", Email: "sari@mail.test", SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/no",
	}
	b, err := client.Bind(t.Context(), request)
	if err != nil || b.RedirectURL != "https://pay.test/1" || !uuid4.MatchString(b.RequestID) || g.last().id != b.RequestID {
		t.Errorf("Bind = %+v, %v", b, err)
	}
	doc, err := wire.Parse([]byte(g.last().body))
	if err != nil {
		t.Fatal(err)
	}
	sent, err := jokul.DecodeBinding(doc)
	want := jokul.Binding{
		Customer: jokul.Customer{ID: "CUST-7001", Name: "Sari Dewi", Email: "sari@mail.test", Phone: "081298764417", AdditionalInfo: "gold"},
		Email:    "sari@mail.test", Phone: "6281298764417", SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/no",
	}
	if err != nil || sent != want {
		t.Errorf("sent %+v, %v", sent, err)
	}
	again, err := client.Bind(t.Context(), request)
	if err != nil || again.RequestID == b.RequestID {
		t.Errorf("%v; two calls have the Request-Id %s", err, b.RequestID)
	}
	g.on(jokul.PathBinding, signedAnswer(400, jokulError("account_error", "The phone is linked to another customer")))
	_, err = client.Bind(t.Context(), request)
	expectError(t, "account", err, ovo.ErrWalletUnavailable, false)
	g.on(jokul.PathBinding, signedAnswer(201, `{"ovo_account":{}}`))
	_, err = client.Bind(t.Context(), request)
	expectError(t, "no page", err, ovo.ErrUnavailable, false)
}

func TestJokulTokens(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.client()
	one := `{"customer":{"id":"CUST-7001"},"token_data":{"type":"WALLET_RECURRING"},"wallet":{"issuer":"OVO","token_id":"t1","masked_phone_number":"****4417"}}`
	two := `{"customer":{"id":"CUST-7001"},"token_data":{"type":"WALLET_RECURRING"},"wallet":[{"issuer":"OVO","token_id":"t1","masked_phone_number":"****4417","type":"WALLET_RECURRING"},{"issuer":"OVO","token_id":"t2","masked_phone_number":"****5513","type":"WALLET"}]}`
	t1 := ovo.JokulToken{Token: "t1", Type: ovo.JokulRecurring, MaskedPhone: "****4417"}
	t2 := ovo.JokulToken{Token: "t2", Type: ovo.JokulOnPage, MaskedPhone: "****5513"}
	for _, test := range []struct {
		status int
		body   string
		want   []ovo.JokulToken
	}{
		{200, one, []ovo.JokulToken{t1}},
		{200, two, []ovo.JokulToken{t1, t2}},
		{404, jokulError("not_found", "No token"), nil},
	} {
		g.on(jokul.PathTokens, signedAnswer(test.status, test.body))
		if got, err := client.Tokens(t.Context(), "CUST-7001"); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("Tokens = %+v, %v", got, err)
		}
	}
	if body := g.last().body; body != `{"customer":{"id":"CUST-7001"}}` {
		t.Errorf("sent %s", body)
	}
	g.on(jokul.PathTokens, jokulAnswer(404, jokulError("not_found", "No token"), "", ""))
	_, err := client.Tokens(t.Context(), "CUST-7001")
	expectError(t, "not signed", err, ovo.ErrUnavailable, false)
	g.on(jokul.PathTokens, signedAnswer(200, one))
	_, err = client.Tokens(t.Context(), "CUST-7002")
	expectError(t, "another customer", err, ovo.ErrUnavailable, false)
}

func TestJokulBalance(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.client()
	g.on(jokul.PathBalance, signedAnswer(201, `{"customer":{"id":"CUST-7001"},"ovo_account":{"ovo_cash_balance":"412500","ovo_point_balance":0}}`))
	if b, err := client.Balance(t.Context(), "CUST-7001", jokulTokenA); err != nil || b != (ovo.Balance{Cash: 412500}) {
		t.Errorf("Balance = %+v, %v", b, err)
	}
	if body := g.last().body; body != `{"customer":{"id":"CUST-7001"},"ovo_account":{"token_id":"`+jokulTokenA+`"}}` {
		t.Errorf("sent %s", body)
	}
	for name, test := range map[string]struct {
		status int
		body   string
		kind   error
	}{
		"unbound": {404, jokulError("not_found", "Token not found"), ovo.ErrCustomerToken},
		"expired": {400, jokulError("account_error", "The token has expired"), ovo.ErrCustomerToken},
		"blocked": {400, jokulError("account_error", "The wallet is blocked"), ovo.ErrWalletUnavailable},
		"empty":   {201, `{"ovo_account":{}}`, ovo.ErrUnavailable},
		"broken":  {201, `{"ovo_account":{"ovo_cash_balance":1.5}}`, ovo.ErrUnavailable},
	} {
		g.on(jokul.PathBalance, signedAnswer(test.status, test.body))
		_, err := client.Balance(t.Context(), "CUST-7001", jokulTokenA)
		expectError(t, name, err, test.kind, false)
	}
}

func TestJokulUnbind(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.client()
	g.on(jokul.PathUnbinding, signedAnswer(201, `{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"ovo_account":{"token_id":"t1","status":"SUCCESS","message":"Success"}}`))
	request := ovo.JokulUnbindRequest{CustomerID: "CUST-7001", Token: "t1", RequestID: "82014"}
	if u, err := client.Unbind(t.Context(), request); err != nil || u != (ovo.JokulUnbinding{Message: "Success", RequestID: "82014"}) {
		t.Errorf("Unbind = %+v, %v", u, err)
	}
	if body := g.last().body; body != `{"customer":{"id":"CUST-7001","name":" "},"ovo_account":{"token_id":"t1"}}` {
		t.Errorf("sent %s", body)
	}
	g.on(jokul.PathUnbinding, signedAnswer(404, jokulError("not_found", "Token not found")))
	_, err := client.Unbind(t.Context(), request)
	expectError(t, "gone", err, ovo.ErrCustomerToken, false)
}

// TestJokulPayAnswers walks through everything a charge can be answered with.
func TestJokulPayAnswers(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.client()
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		state   ovo.State
		kind    error
		unknown bool
		code    string
	}{
		"success":            {answer: signedAnswer(201, jokulPaid("SUCCESS")), state: ovo.StateSuccess},
		"pending":            {answer: signedAnswer(201, jokulPaid("PENDING")), state: ovo.StatePending},
		"first answer again": {answer: signedAnswer(409, jokulPaid("SUCCESS")), state: ovo.StateSuccess},
		"refusal again":      {signedAnswer(409, jokulPaid("FAILED")), ovo.StateFailed, ovo.ErrRefused, false, "FAILED"},
		"failed":             {signedAnswer(201, jokulPaid("FAILED")), ovo.StateFailed, ovo.ErrRefused, false, "FAILED"},
		"token expired":      {signedAnswer(201, jokulPaid("TOKEN_EXPIRED")), ovo.StateFailed, ovo.ErrCustomerToken, false, "TOKEN_EXPIRED"},
		"timeout":            {signedAnswer(201, jokulPaid("TIMEOUT")), ovo.StateUnknown, ovo.ErrUnavailable, true, ""},
		"no status":          {signedAnswer(201, `{"order":{"invoice_number":"SUB-2024-000917"}}`), ovo.StateUnknown, ovo.ErrUnavailable, true, ""},
		"other invoice":      {signedAnswer(201, strings.Replace(jokulPaid("SUCCESS"), "917", "918", 1)), "", ovo.ErrUnavailable, true, ""},
		"not JSON":           {signedAnswer(201, `{`), "", ovo.ErrUnavailable, true, ""},
		"not an object":      {signedAnswer(201, `[]`), "", ovo.ErrUnavailable, true, ""},
		"no signature":       {jokulAnswer(201, jokulPaid("SUCCESS"), "", ""), "", ovo.ErrUnavailable, true, ""},
		"wrong signature":    {jokulAnswer(201, jokulPaid("SUCCESS"), "SK-another", jokulPaid("SUCCESS")), "", ovo.ErrUnavailable, true, ""},
		"other body":         {jokulAnswer(201, jokulPaid("FAILED"), jokulSecret, jokulPaid("SUCCESS")), "", ovo.ErrUnavailable, true, ""},
		"not signed again":   {jokulAnswer(409, jokulPaid("SUCCESS"), "", ""), "", ovo.ErrUnavailable, true, ""},

		"id used before":  {signedAnswer(409, jokulError("idempotent_request", "Request-Id has already been used")), "", ovo.ErrConflict, true, "idempotent_request"},
		"invoice used":    {signedAnswer(400, jokulError("invalid_parameter", "order.invoice_number was used before")), "", ovo.ErrDuplicate, false, "invalid_parameter"},
		"malformed":       {signedAnswer(400, jokulError("invalid_parameter", "order.amount must be a number")), "", ovo.ErrInvalidRequest, false, "invalid_parameter"},
		"no such token":   {signedAnswer(404, jokulError("not_found", "Token not found")), "", ovo.ErrCustomerToken, false, "not_found"},
		"not enabled":     {signedAnswer(401, jokulError("invalid_access", "No access")), "", ovo.ErrUnauthorized, false, "invalid_access"},
		"unheard of":      {signedAnswer(400, jokulError("bad_weather", "It rains")), "", ovo.ErrRefused, false, "bad_weather"},
		"unheard of, 500": {signedAnswer(500, jokulError("bad_weather", "It rains")), "", ovo.ErrUnavailable, true, "bad_weather"},
		"too many":        {signedAnswer(429, jokulError("slow_down", "Wait")), "", ovo.ErrUnavailable, true, "slow_down"},
		"internal":        {signedAnswer(500, jokulError("internal_server_error", "Sorry")), "", ovo.ErrUnavailable, true, "internal_server_error"},
		"internal, again": {signedAnswer(409, jokulError("internal_server_error", "Sorry")), "", ovo.ErrUnavailable, true, "internal_server_error"},
		"error with 201":  {signedAnswer(201, jokulError("not_found", "Token not found")), "", ovo.ErrCustomerToken, true, "not_found"},
		"refusal, no key": {jokulAnswer(404, jokulError("not_found", "Token not found"), "", ""), "", ovo.ErrUnavailable, true, "not_found"},
		"wrong key":       {jokulAnswer(400, jokulError("invalid_signature", "Invalid Header Signature"), "SK-another", ""), "", ovo.ErrUnauthorized, false, "invalid_signature"},
		"wrong client":    {jokulAnswer(400, jokulError("invalid_client_id", "Invalid Client-Id"), "", ""), "", ovo.ErrUnauthorized, false, "invalid_client_id"},
		"wrong clock":     {jokulAnswer(400, jokulError("request_time_out_of_range", "…"), "", ""), "", ovo.ErrUnauthorized, false, "request_time_out_of_range"},
		"wrong key, 500":  {jokulAnswer(500, jokulError("invalid_signature", "…"), "", ""), "", ovo.ErrUnavailable, true, "invalid_signature"},
		"proxy":           {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Bad Gateway", http.StatusBadGateway) }, "", ovo.ErrUnavailable, true, ""},
		"proxy, 404":      {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "404", 404) }, "", ovo.ErrUnavailable, true, ""},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "", ovo.ErrUnavailable, true, ""},
		"broken connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", ovo.ErrUnavailable, true, ""},
	} {
		g.on(jokul.PathRecurringPayment, test.answer)
		before := len(g.all())
		p, err := client.Pay(t.Context(), jokulCharge)
		expectError(t, name, err, test.kind, test.unknown)
		if p.State != test.state || p.Invoice != jokulCharge.Invoice || p.RequestID != g.last().id || p.RequestID == "" {
			t.Errorf("%s: result %+v", name, p)
		}
		if sent := len(g.all()) - before; sent != 1 {
			t.Errorf("%s: sent %d times", name, sent)
		}
		var e *ovo.Error
		if errors.As(err, &e); test.code != "" && (e == nil || e.Code != test.code || e.Error() == "") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestJokulPayRequest(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	request := jokulCharge
	request.First = true
	request.Items = []ovo.JokulItem{{Name: "Streaming, May", Price: 55000, Quantity: 1}, {Quantity: 2}}
	request.NotificationURL = "https://shop.test/hook?a=1&b=2"
	g.client().Pay(t.Context(), request)
	want := `{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"additional_info":{"override_notification_url":"https://shop.test/hook?a=1&b=2"},` +
		`"order":{"invoice_number":"SUB-2024-000917","line_items":[{"name":"Streaming, May","price":55000,"quantity":1},{"quantity":2}],"amount":55000},` +
		`"ovo_account":{"token_id":"` + jokulTokenA + `","payment_use_ovo_point":true,"first_payment":true}}`
	if body := g.last().body; body != want {
		t.Errorf("sent %s", body)
	}
}

func TestJokulPayOnPage(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.client()
	request := jokulCharge
	request.SuccessURL, request.FailureURL = "https://shop.test/ok", "https://shop.test/no"
	page := `"ovo_account":{"payment_url":"https://pay.test/2"},"payment":`
	g.on(jokul.PathPayment, signedAnswer(201, strings.Replace(jokulPaid("PENDING"), `"payment":`, page, 1)))
	p, err := client.PayOnPage(t.Context(), request)
	want := ovo.JokulPayment{Invoice: request.Invoice, State: ovo.StatePending, Status: "PENDING", RedirectURL: "https://pay.test/2", RequestID: g.last().id}
	if err != nil || p != want {
		t.Errorf("PayOnPage = %+v, %v", p, err)
	}
	if body := g.last().body; !strings.HasSuffix(body, `"payment_use_ovo_point":true,"success_payment_url":"https://shop.test/ok","failed_payment_url":"https://shop.test/no"}}`) {
		t.Errorf("sent %s", body)
	}
	g.on(jokul.PathPayment, signedAnswer(201, jokulPaid("PENDING")))
	_, err = client.PayOnPage(t.Context(), request)
	expectError(t, "no page", err, ovo.ErrUnavailable, true)
	g.on(jokul.PathPayment, signedAnswer(201, jokulPaid("FAILED")))
	_, err = client.PayOnPage(t.Context(), request)
	expectError(t, "failed", err, ovo.ErrRefused, false)
}

func TestJokulRefund(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.client()
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		state   ovo.State
		kind    error
		unknown bool
	}{
		"success":       {answer: signedAnswer(201, jokulRefunded("SUCCESS", "SUCCESS")), state: ovo.StateSuccess},
		"once more":     {answer: signedAnswer(409, jokulRefunded("SUCCESS", "SUCCESS")), state: ovo.StateSuccess},
		"too much":      {signedAnswer(201, jokulRefunded("FAILED", "AMOUNT")), ovo.StateFailed, ovo.ErrInvalidAmount, false},
		"declined":      {signedAnswer(201, jokulRefunded("FAILED", "DECLINED")), ovo.StateFailed, ovo.ErrRefused, false},
		"no status":     {signedAnswer(201, jokulRefunded("", "")), ovo.StateUnknown, ovo.ErrUnavailable, true},
		"not found":     {signedAnswer(404, jokulError("not_found", "Payment not found")), "", ovo.ErrNotFound, false},
		"in progress":   {signedAnswer(409, jokulError("idempotent_request", "…")), "", ovo.ErrConflict, true},
		"no signature":  {jokulAnswer(201, jokulRefunded("SUCCESS", ""), "", ""), "", ovo.ErrUnavailable, true},
		"other amount":  {signedAnswer(201, strings.Replace(jokulRefunded("SUCCESS", ""), "20000", "2", 1)), "", ovo.ErrUnavailable, true},
		"broken number": {signedAnswer(201, strings.Replace(jokulRefunded("SUCCESS", ""), "20000", "0.5", 1)), "", ovo.ErrUnavailable, true},
	} {
		g.on(jokul.PathRefund, test.answer)
		r, err := client.Refund(t.Context(), jokulBack)
		expectError(t, name, err, test.kind, test.unknown)
		if r.State != test.state || r.Amount != 20000 || r.Invoice != jokulBack.Invoice || r.RequestID != g.last().id {
			t.Errorf("%s: result %+v", name, r)
		}
	}
	want := `{"order":{"invoice_number":"SUB-2024-000917"},"payment":{"original_request_id":"5b0f3c1e"},"refund":{"amount":20000,"reason":"Partial outage"}}`
	if body := g.last().body; body != want {
		t.Errorf("sent %s", body)
	}
}

func jokulStatusBody(status, rest string) string {
	return `{"order":{"invoice_number":"SUB-2024-000917","amount":55000.00},"transaction":{"status":"` + status +
		`","date":"2024-05-06T03:15:21Z","original_request_id":"5b0f3c1e"},"service":{"id":"EMONEY"},"acquirer":{"id":"OVO"},"channel":{"id":"EMONEY_OVO"}` + rest + `}`
}

func TestJokulStatus(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.client()
	path := jokul.StatusPath("SUB-2024-000917")
	wallet := `,"wallet":{"issuer":"OVO","token_id":"t1","masked_phone_number":"****4417","status":"%s"}`
	g.on(path, signedAnswer(200, jokulStatusBody("SUCCESS", fmt.Sprintf(wallet, "SUCCESS"))))
	want := ovo.JokulStatus{
		Invoice: "SUB-2024-000917", RequestID: "5b0f3c1e", State: ovo.StateSuccess, Status: "SUCCESS", Amount: 55000,
		At: time.Date(2024, 5, 6, 3, 15, 21, 0, time.UTC), Token: "t1", MaskedPhone: "****4417",
	}
	if s, err := client.Status(t.Context(), "SUB-2024-000917"); err != nil || s != want {
		t.Errorf("Status = %+v, %v", s, err)
	}
	g.on(jokul.StatusPath("5b0f3c1e"), signedAnswer(200, jokulStatusBody("SUCCESS", "")))
	if s, err := client.Status(t.Context(), "5b0f3c1e"); err != nil || s.Invoice != "SUB-2024-000917" {
		t.Errorf("by request id: %+v, %v", s, err)
	}
	g.on("/orders/v1/status/a%2Fb%3Fc%20%C3%A9", signedAnswer(200, strings.ReplaceAll(jokulStatusBody("PENDING", ""), "5b0f3c1e", "a/b?c é")))
	if s, err := client.Status(t.Context(), "a/b?c é"); err != nil || s.State != ovo.StatePending {
		t.Errorf("escaped id: %+v, %v", s, err)
	}
	for status, test := range map[string]struct {
		rest   string
		state  ovo.State
		reason error
	}{
		"FAILED":   {fmt.Sprintf(wallet, "FAILED"), ovo.StateFailed, ovo.ErrRefused},
		"failed":   {fmt.Sprintf(wallet, "TOKEN_EXPIRED"), ovo.StateFailed, ovo.ErrCustomerToken},
		"EXPIRED":  {"", ovo.StateFailed, ovo.ErrRefused},
		"REFUNDED": {"", ovo.StateRefunded, nil},
		"TIMEOUT":  {"", ovo.StateUnknown, nil},
		"REDIRECT": {"", ovo.StateUnknown, nil},
	} {
		g.on(path, signedAnswer(200, jokulStatusBody(status, test.rest)))
		s, err := client.Status(t.Context(), "SUB-2024-000917")
		if err != nil || s.State != test.state || s.Status != status || (test.reason == nil) != (s.Reason == nil) {
			t.Errorf("%s: %+v, %v", status, s, err)
		}
		expectError(t, status, s.Reason, test.reason, false)
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		kind   error
	}{
		"unknown":        {signedAnswer(404, jokulError("not_found", "…")), ovo.ErrNotFound},
		"unsigned":       {jokulAnswer(404, jokulError("not_found", "…"), "", ""), ovo.ErrUnavailable},
		"other payment":  {signedAnswer(200, strings.Replace(jokulStatusBody("SUCCESS", ""), "917", "918", 1)), ovo.ErrUnavailable},
		"no status":      {signedAnswer(200, jokulStatusBody("", "")), ovo.ErrUnavailable},
		"wrong amount":   {signedAnswer(200, strings.Replace(jokulStatusBody("SUCCESS", ""), "55000.00", "55000.50", 1)), ovo.ErrUnavailable},
		"no amount":      {signedAnswer(200, strings.Replace(jokulStatusBody("SUCCESS", ""), "55000.00", "0", 1)), ovo.ErrUnavailable},
		"not even known": {signedAnswer(200, "null"), ovo.ErrUnavailable},
	} {
		g.on(path, test.answer)
		_, err := client.Status(t.Context(), "SUB-2024-000917")
		expectError(t, name, err, test.kind, false)
	}
}

// A read whose connection breaks is sent once more, under a Request-Id of its own.
func TestJokulReadsAreRepeated(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	var once sync.Once
	g.on(jokul.PathBalance, func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { panic(http.ErrAbortHandler) })
		signedAnswer(201, `{"ovo_account":{"ovo_cash_balance":1,"ovo_point_balance":2}}`)(w, r)
	})
	if b, err := g.client().Balance(t.Context(), "CUST-7001", "t1"); err != nil || b != (ovo.Balance{Cash: 1, Points: 2}) {
		t.Errorf("Balance = %+v, %v", b, err)
	}
	if calls := g.all(); len(calls) != 2 || calls[0].id == calls[1].id {
		t.Errorf("sent %+v", calls)
	}
}

func TestJokulNothingSent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	g := newJokulGateway(t)
	client := g.client(func(c *ovo.JokulConfig) { c.BaseURL = "http://" + listener.Addr().String() })
	_, err = client.Pay(t.Context(), jokulCharge)
	expectError(t, "nobody there", err, ovo.ErrUnavailable, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.client().Pay(ctx, jokulCharge); !errors.Is(err, context.Canceled) || errors.Is(err, ovo.ErrOutcomeUnknown) {
		t.Error(err)
	}
	if calls := g.all(); len(calls) != 0 {
		t.Errorf("sent %+v", calls)
	}
}

func TestJokulCheck(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client, push := g.client(), g.push()
	ctx := t.Context()
	pay := func(change func(*ovo.JokulPayRequest)) error {
		r := jokulCharge
		change(&r)
		_, err := client.Pay(ctx, r)
		return err
	}
	refund := func(change func(*ovo.JokulRefundRequest)) error {
		r := jokulBack
		change(&r)
		_, err := client.Refund(ctx, r)
		return err
	}
	_, noURL := client.PayOnPage(ctx, jokulCharge)
	_, bind := client.Bind(ctx, ovo.JokulBindRequest{Customer: sari, Phone: "555", SuccessURL: "https://a.test", FailureURL: "https://b.test"})
	_, tokens := client.Tokens(ctx, "")
	_, balance := client.Balance(ctx, "CUST-7001", "a\nb")
	_, unbind := client.Unbind(ctx, ovo.JokulUnbindRequest{CustomerID: "CUST-7001"})
	_, status := client.Status(ctx, "..")
	_, long := push.Status(ctx, strings.Repeat("x", 129))
	_, phone := push.Pay(ctx, ovo.PushRequest{Phone: "12345678", Invoice: "P1", Amount: 1})
	_, zero := push.Pay(ctx, ovo.PushRequest{Phone: "081234567890", Invoice: "P1"})
	for name, test := range map[string]struct{ err, kind error }{
		"customer":        {pay(func(r *ovo.JokulPayRequest) { r.Customer.ID = "" }), ovo.ErrInvalidRequest},
		"note":            {pay(func(r *ovo.JokulPayRequest) { r.Customer.Note = strings.Repeat("é", 256) }), ovo.ErrInvalidRequest},
		"token":           {pay(func(r *ovo.JokulPayRequest) { r.Token = "" }), ovo.ErrInvalidRequest},
		"short invoice":   {pay(func(r *ovo.JokulPayRequest) { r.Invoice = "ab" }), ovo.ErrInvalidRequest},
		"invoice":         {pay(func(r *ovo.JokulPayRequest) { r.Invoice = "INV/1" }), ovo.ErrInvalidRequest},
		"amount":          {pay(func(r *ovo.JokulPayRequest) { r.Amount = 10_000_000_000 }), ovo.ErrInvalidAmount},
		"item":            {pay(func(r *ovo.JokulPayRequest) { r.Items = []ovo.JokulItem{{}} }), ovo.ErrInvalidRequest},
		"page":            {pay(func(r *ovo.JokulPayRequest) { r.SuccessURL = "https://a.test" }), ovo.ErrInvalidRequest},
		"request id":      {pay(func(r *ovo.JokulPayRequest) { r.RequestID = "a b" }), ovo.ErrInvalidRequest},
		"long request id": {pay(func(r *ovo.JokulPayRequest) { r.RequestID = strings.Repeat("x", 129) }), ovo.ErrInvalidRequest},
		"no page":         {noURL, ovo.ErrInvalidRequest},
		"refund amount":   {refund(func(r *ovo.JokulRefundRequest) { r.Amount = -1 }), ovo.ErrInvalidAmount},
		"refund payment":  {refund(func(r *ovo.JokulRefundRequest) { r.PaymentRequestID = "" }), ovo.ErrInvalidRequest},
		"bind":            {bind, ovo.ErrInvalidRequest},
		"tokens":          {tokens, ovo.ErrInvalidRequest},
		"balance":         {balance, ovo.ErrInvalidRequest},
		"unbind":          {unbind, ovo.ErrInvalidRequest},
		"status":          {status, ovo.ErrInvalidRequest},
		"long id":         {long, ovo.ErrInvalidRequest},
		"push phone":      {phone, ovo.ErrInvalidRequest},
		"push amount":     {zero, ovo.ErrInvalidAmount},
	} {
		expectError(t, name, test.err, test.kind, false)
	}
	if calls := g.all(); len(calls) != 0 {
		t.Errorf("sent %+v", calls)
	}
}

func TestJokulConfig(t *testing.T) {
	t.Parallel()
	good := ovo.JokulConfig{BaseURL: ovo.SNAPSandbox, ClientID: jokulID, SecretKey: jokulSecret}
	for name, change := range map[string]func(*ovo.JokulConfig){
		"BaseURL":   func(c *ovo.JokulConfig) { c.BaseURL = "https://api.doku.com/ovo" },
		"ClientID":  func(c *ovo.JokulConfig) { c.ClientID = "MCH 1" },
		"SecretKey": func(c *ovo.JokulConfig) { c.SecretKey = "" },
	} {
		c := good
		change(&c)
		_, err := ovo.Jokul(c)
		_, pushErr := ovo.Push(ovo.PushConfig(c))
		if err == nil || !strings.Contains(err.Error(), name) || pushErr == nil || pushErr.Error() != err.Error() {
			t.Errorf("%s: %v, %v", name, err, pushErr)
		}
	}
}
