package snap_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
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

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/dialect/snap"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Making RSA keys is slow; the tests share two.
var gatewayKey, merchantKey = sync.OnceValue(newKey), sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

const (
	clientID = "BRN-0001-1700000000001"
	secret   = "SK-testsecret-8Lq2Zr7v"
	phone    = "6281200000001"
	pin      = "123456"
)

// shop is a merchant's client over real HTTP to a dialect over a real database.
type shop struct {
	t       testing.TB
	gateway *gateway.Gateway
	config  gateway.Config
	dialect *snap.Handler
	server  *httptest.Server
	clock   *gateway.MovableClock
	token   string // B2B
	numbers atomic.Int64
	keys    atomic.Pointer[snap.Keys] // the gateway's own

	mu    sync.Mutex
	notes []wire.Note
}

func open(t testing.TB) *shop {
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
		Store: db, Clock: s.clock, Keys: keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}, Rules: gateway.DefaultRules.Unmetered(),
	}
	s.gateway = gateway.New(s.config)
	s.keys.Store(&snap.Keys{Sign: gatewayKey(), Accept: []*rsa.PublicKey{&gatewayKey().PublicKey}})
	s.dialect = snap.New(snap.Config{
		Gateway: s.gateway, Clock: s.clock, Keys: s.keys.Load, Archived: true,
		PageURL: func(p gateway.Page) string { return "https://pages.test/" + p.Key },
		Note: func(_ context.Context, n wire.Note) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.notes = append(s.notes, n)
		},
	})
	mux := http.NewServeMux()
	s.dialect.Mount(mux)
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)

	s.newMerchant(clientID)
	if _, err := s.gateway.CreateWallet(t.Context(), gateway.NewWallet{Phone: "081200000001", Name: "Sari", PIN: pin, Balance: ledger.Split{Cash: 250_000, Points: 1_500}}); err != nil {
		t.Fatal(err)
	}
	s.token = s.b2b(clientID)
	return s
}

func (s *shop) newMerchant(client string) gateway.Merchant {
	s.t.Helper()
	public, err := wiresnap.EncodePublicKey(&merchantKey().PublicKey)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := s.gateway.CreateMerchant(context.Background(), gateway.Merchant{Name: "Toko", DOKU: gateway.DOKU{ClientID: client, SecretKey: secret, PublicKeyPEM: public}})
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// request is one call; the zero value of a member means what a good client sends.
type request struct {
	method    string
	path      string
	target    string // signed instead of path
	body      string
	signed    string // signed instead of body
	timestamp string
	headers   map[string]string // set after signing; "" removes
	customer  string            // token
	keepToken string            // B2B token instead of the shop's
}

// answer is what came back.
type answer struct {
	status int
	code   string
	body   map[string]any
	raw    string
	header http.Header
}

func (s *shop) now() string { return wiresnap.FormatTime(s.clock.Now()) }

func (s *shop) do(r request) answer {
	s.t.Helper()
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.timestamp == "" {
		r.timestamp = s.now()
	}
	if r.signed == "" {
		r.signed = r.body
	}
	if r.target == "" {
		r.target = r.path
	}
	token := s.token
	if r.keepToken != "" {
		token = r.keepToken
	}
	req, err := http.NewRequestWithContext(s.t.Context(), r.method, s.server.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-TIMESTAMP", r.timestamp)
	if strings.Contains(r.path, "/access-token/") {
		signature, err := wiresnap.SignAsymmetric(merchantKey(), clientID, r.timestamp)
		if err != nil {
			s.t.Fatal(err)
		}
		req.Header.Set("X-CLIENT-KEY", clientID)
		req.Header.Set("X-SIGNATURE", signature)
	} else {
		req.Header.Set("X-PARTNER-ID", clientID)
		req.Header.Set("X-EXTERNAL-ID", fmt.Sprintf("%d", 1_000_000_000+s.numbers.Add(1)))
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-SIGNATURE", wiresnap.SignSymmetric(secret, r.method, r.target, token, []byte(r.signed), r.timestamp))
	}
	if r.customer != "" {
		req.Header.Set("Authorization-Customer", "Bearer "+r.customer)
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
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, raw: string(raw), header: resp.Header}
	if err := json.Unmarshal(raw, &a.body); err != nil {
		s.t.Fatalf("HTTP %d is not JSON: %q", resp.StatusCode, raw)
	}
	a.code, _ = a.body["responseCode"].(string)
	if len(a.code) != 7 || a.code[:3] != fmt.Sprint(a.status) {
		s.t.Errorf("HTTP %d with responseCode %q", a.status, a.code)
	}
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("X-TIMESTAMP") == "" {
		s.t.Errorf("headers %v", a.header)
	}
	return a
}

func (a answer) text(name string) string { v, _ := a.body[name].(string); return v }

// members lists the top-level members in order of appearance.
func (a answer) members(t testing.TB) (names []string) {
	t.Helper()
	v, err := wire.Parse([]byte(a.raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range v.Members() {
		names = append(names, m.Name)
	}
	return names
}

func (s *shop) b2b(string) string {
	s.t.Helper()
	a := s.do(request{path: wiresnap.PathTokenB2B, body: `{"grantType":"client_credentials"}`})
	if a.code != "2007300" {
		s.t.Fatalf("token: %s", a.raw)
	}
	return a.text("accessToken")
}

func bindingBody(phone, customer string) string {
	return fmt.Sprintf(`{"phoneNo":%q,"additionalInfo":{"channel":"EMONEY_OVO_SNAP","custIdMerchant":%q,"successRegistrationUrl":"https://merchant.test/ok?a=1&b=2","failedRegistrationUrl":"https://merchant.test/fail"}}`, phone, customer)
}

func paymentBody(reference, value, more string) string {
	return fmt.Sprintf(`{"partnerReferenceNo":%q,"feeType":"OUR","amount":{"value":%q,"currency":"IDR"},"additionalInfo":{"channel":"EMONEY_OVO_SNAP","successPaymentUrl":"https://merchant.test/ok","failedPaymentUrl":"https://merchant.test/fail"%s}}`, reference, value, more)
}

func refundBody(payment, reference, value string) string {
	return fmt.Sprintf(`{"originalPartnerReferenceNo":%q,"refundAmount":{"value":%q,"currency":"IDR"},"reason":"r","partnerRefundNo":%q,"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`, payment, value, reference)
}

const (
	recurring   = `,"paymentType":"RECURRING"`
	balanceBody = `{"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`
)

func statusBody(reference string) string {
	return fmt.Sprintf(`{"originalPartnerReferenceNo":%q,"serviceCode":"55"}`, reference)
}

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

// bind binds the wallet and returns auth code and customer token.
func (s *shop) bind(customer string) (authCode, token string) {
	s.t.Helper()
	a := s.do(request{path: wiresnap.PathBinding, body: bindingBody(phone, customer)})
	if a.code != "2000700" {
		s.t.Fatalf("binding: %s", a.raw)
	}
	s.complete(a.text("redirectUrl"))
	authCode = a.body["additionalInfo"].(map[string]any)["authCode"].(string)
	return authCode, s.exchange(authCode).text("accessToken")
}

func (s *shop) exchange(authCode string) answer {
	s.t.Helper()
	return s.do(request{path: wiresnap.PathTokenB2B2C, body: fmt.Sprintf(`{"grantType":"authorization_code","authCode":%q,"refreshToken":""}`, authCode)})
}

func (s *shop) want(a answer, code, message string) {
	s.t.Helper()
	if a.code != code || a.text("responseMessage") != message {
		s.t.Errorf("answer %s, want %s %q; reason: %s", a.raw, code, message, s.lastReason())
	}
	if a.status >= 400 && len(a.body) != 2 {
		s.t.Errorf("an error has %d members: %s", len(a.body), a.raw)
	}
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

func TestJourney(t *testing.T) {
	t.Parallel()
	s := open(t)
	members := func(a answer, want ...string) {
		t.Helper()
		if diff := cmp.Diff(append([]string{"responseCode", "responseMessage"}, want...), a.members(t)); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
	}

	a := s.do(request{path: wiresnap.PathTokenB2B, body: `{"grantType":"client_credentials"}`})
	members(a, "accessToken", "tokenType", "expiresIn", "additionalInfo")
	if a.body["expiresIn"] != 900.0 || a.body["additionalInfo"] != "" || a.header.Get("X-CLIENT-KEY") != clientID {
		t.Errorf("token answer %s %v", a.raw, a.header)
	}

	a = s.do(request{path: wiresnap.PathBinding, body: bindingBody(phone, "cust-0001"), headers: map[string]string{"X-EXTERNAL-ID": "bind-1"}})
	s.want(a, "2000700", "Successful")
	members(a, "referenceNo", "redirectUrl", "additionalInfo")
	info := a.body["additionalInfo"].(map[string]any)
	authCode := info["authCode"].(string)
	if len(authCode) != 40 || !strings.HasSuffix(a.text("redirectUrl"), "/"+authCode) || info["status"] != "PENDING" || info["accountStatus"] != "PENDING" ||
		info["custIdMerchant"] != "cust-0001" || len(a.text("referenceNo")) != 12 {
		t.Errorf("binding answer %s", a.raw)
	}
	s.want(s.exchange(authCode), "4017400", "Unauthorized. [authCode]") // the page is not done
	s.complete(a.text("redirectUrl"))

	a = s.exchange(authCode)
	s.want(a, "2007400", "Successful")
	members(a, "accessToken", "tokenType", "accessTokenExpiryTime", "refreshToken", "refreshTokenExpiryTime")
	customer := a.text("accessToken")
	refreshed := s.do(request{path: wiresnap.PathTokenB2B2C, body: fmt.Sprintf(`{"grantType":"refresh_token","refreshToken":%q}`, a.text("refreshToken"))})
	s.want(refreshed, "2007400", "Successful")

	a = s.do(request{path: wiresnap.PathBalance, body: balanceBody, customer: customer})
	members(a, "accountInfos")
	wantBalance := `"accountInfos":[{"balanceType":"CASH","amount":{"value":"250000.00","currency":"IDR"},"flatAmount":{"value":"0.00","currency":"IDR"},"holdAmount":{"value":"0.00","currency":"IDR"},"availableBalance":{"value":"250000.00","currency":"IDR"}},{"balanceType":"POINTS","amount":{"value":"1500.00","currency":"IDR"},"flatAmount":{"value":"0.00","currency":"IDR"},"holdAmount":{"value":"0.00","currency":"IDR"},"availableBalance":{"value":"1500.00","currency":"IDR"}}]}`
	if !strings.HasSuffix(a.raw, wantBalance) {
		t.Errorf("balance %s", a.raw)
	}

	sale := s.do(request{path: wiresnap.PathPayment, body: paymentBody("INV-1", "15000.00", ""), customer: customer, headers: map[string]string{"X-EXTERNAL-ID": "pay-1"}})
	s.want(sale, "2005400", "Successful")
	members(sale, "webRedirectUrl", "partnerReferenceNo", "referenceNo")
	status := func(reference, wantStatus string) answer {
		t.Helper()
		a := s.do(request{path: wiresnap.PathStatus, body: statusBody(reference)})
		s.want(a, "2005500", "Successful")
		if a.text("latestTransactionStatus") != wantStatus || a.text("serviceCode") != "55" {
			t.Errorf("status %s, want %s", a.raw, wantStatus)
		}
		return a
	}
	status("INV-1", "01")
	if _, err := s.gateway.Page(t.Context(), path.Base(sale.text("webRedirectUrl"))); err != nil {
		t.Fatal(err)
	}
	status("INV-1", "02")
	s.complete(sale.text("webRedirectUrl"))
	a = status("INV-1", "00")
	members(a, "originalPartnerReferenceNo", "originalReferenceNo", "approvalCode", "originalExternalId", "serviceCode", "latestTransactionStatus",
		"transactionStatusDesc", "originalResponseCode", "originalResponseMessage", "requestID", "transAmount", "paidTime", "additionalInfo")
	if a.text("originalExternalId") != "pay-1" || a.text("originalReferenceNo") != sale.text("referenceNo") || len(a.text("referenceNo")) > 0 || len(a.text("approvalCode")) != 12 {
		t.Errorf("status %s", a.raw)
	}

	a = s.do(request{path: wiresnap.PathPayment, body: paymentBody("INV-2", "50000.00", recurring), customer: customer})
	s.want(a, "2005400", "Successful")
	members(a, "partnerReferenceNo", "referenceNo")
	if len(a.text("referenceNo")) != 32 {
		t.Errorf("referenceNo %q", a.text("referenceNo"))
	}

	a = s.do(request{path: wiresnap.PathRefund, body: refundBody("INV-2", "RFD-1", "5000.00")})
	s.want(a, "2005800", "Successful")
	members(a, "refundAmount", "originalPartnerReferenceNo", "originalReferenceNo", "refundNo", "partnerRefundNo", "refundTime")
	a = status("INV-2", "00")
	if history, _ := a.body["refundHistory"].([]any); len(history) != 1 {
		t.Errorf("status after a partial refund %s", a.raw)
	}
	s.want(s.do(request{path: wiresnap.PathRefund, body: refundBody("INV-2", "RFD-2", "45000.00"), customer: customer}), "2005800", "Successful")
	status("INV-2", "04")

	a = s.do(request{path: wiresnap.PathUnbinding, body: fmt.Sprintf(`{"tokenId":%q,"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`, customer)})
	s.want(a, "2000900", "Successful")
	members(a, "referenceNo")
	s.want(s.exchange(authCode), "4017400", "Unauthorized. [authCode]")
	s.want(s.do(request{path: wiresnap.PathBalance, body: balanceBody, customer: customer}), "4011102", "Invalid Customer Token")
	s.want(s.do(request{path: wiresnap.PathPayment, body: paymentBody("INV-3", "1.00", recurring), customer: customer}), "4015402", "Invalid Customer Token")
	s.want(s.do(request{path: wiresnap.PathUnbinding, body: fmt.Sprintf(`{"tokenId":%q,"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`, customer)}), "4010902", "Invalid Customer Token")
	status("INV-1", "00") // what was paid stays known
	s.want(s.do(request{path: wiresnap.PathRefund, body: refundBody("INV-1", "RFD-3", "15000.00"), customer: customer}), "2005800", "Successful")
	s.auditClean()
}

// The bodies that the published client libraries put on the wire, and what each
// of them signs.
func TestBodyStyles(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	compact := func(reference string) string {
		return paymentBody(reference, "1000.00", recurring+`,"remarks":"Café & <Co> = 'x'"`)
	}
	pretty := func(body string) string {
		var out bytes.Buffer
		if err := json.Indent(&out, []byte(body), "", "  "); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	escape := strings.NewReplacer("/", `\/`, "é", `\u00e9`).Replace
	html := strings.NewReplacer("&", `\u0026`, "<", `\u003c`, ">", `\u003e`).Replace
	gson := strings.NewReplacer("=", `\u003d`, "'", `\u0027`).Replace
	for name, style := range map[string]func(body string) (sent, signed string){
		"literal":                      func(b string) (string, string) { return b, b },
		"pretty, signed as sent":       func(b string) (string, string) { return pretty(b), pretty(b) },
		"pretty, signed compact":       func(b string) (string, string) { return pretty(b), b },
		"escaped, signed literal":      func(b string) (string, string) { return escape(b), b },
		"escaped, signed as sent":      func(b string) (string, string) { return escape(b), escape(b) },
		"HTML escapes, signed as sent": func(b string) (string, string) { return html(b), html(b) },
		"Gson escapes, signed literal": func(b string) (string, string) { return gson(html(b)), b },
		"pretty escapes, signed stripped": func(b string) (string, string) {
			return pretty(escape(b)), escape(b)
		},
	} {
		reference := "STYLE-" + strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")
		sent, signed := style(compact(reference))
		a := s.do(request{path: wiresnap.PathPayment, body: sent, signed: signed, customer: customer})
		if a.code != "2005400" {
			t.Errorf("%s: %s; %s", name, a.raw, s.lastReason())
		}
		flipped := []byte(strings.Replace(sent, "1000.00", "1001.00", 1))
		s.want(s.do(request{path: wiresnap.PathPayment, body: string(flipped), signed: signed, customer: customer}), "4015400", "Unauthorized. [Signature]")
	}
	s.auditClean()
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	s := open(t)
	now := s.clock.Now()
	at := func(layout string, t time.Time) string { return t.Format(layout) }
	for _, text := range []string{
		at("2006-01-02T15:04:05Z", now.UTC()), at("2006-01-02T15:04:05.000Z", now.UTC()), at("2006-01-02T15:04:05+07:00", now.In(wire.WIB)),
		at("2006-01-02T15:04:05+00:00", now.UTC()), at("2006-01-02T15:04:05-00:00", now.UTC()),
		at("2006-01-02T15:04:05Z", now.UTC().Add(-14*time.Minute)), at("2006-01-02T15:04:05Z", now.UTC().Add(14*time.Minute)),
	} {
		a := s.do(request{path: wiresnap.PathStatus, body: statusBody("none"), timestamp: text})
		s.want(a, "4045501", "Transaction Not Found")
	}
	for text, want := range map[string]string{
		at("2006-01-02T15:04:05Z", now.UTC().Add(-16*time.Minute)): "4015500",
		at("2006-01-02T15:04:05Z", now.UTC().Add(16*time.Minute)):  "4015500",
		at("2006-01-02 15:04:05", now.UTC()):                       "4005501",
		at("2006-01-02T15:04:05", now.UTC()):                       "4005501",
		"0":                                                        "4005501",
	} {
		if a := s.do(request{path: wiresnap.PathStatus, body: statusBody("none"), timestamp: text}); a.code != want {
			t.Errorf("%s: %s, want %s", text, a.raw, want)
		}
	}
}

// TestRefusals sends one wrong thing at a time, and checks that nothing but the
// answer came of it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	s.newMerchant("OTHER-CLIENT")
	b2b := func(c wiresnap.Claims) string {
		token, err := wiresnap.Mint(gatewayKey(), c)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	later := s.clock.Now().Add(time.Hour)
	foreignB2B := b2b(wiresnap.Claims{ClientID: "OTHER-CLIENT", Expires: later})
	expiredB2B := b2b(wiresnap.Claims{ClientID: clientID, Expires: s.clock.Now().Add(-time.Second)})
	forged, _ := wiresnap.Mint(merchantKey(), wiresnap.Claims{ClientID: clientID, Expires: later})
	account := strings.Repeat("0", 32)
	pay := func(body string) request { return request{path: wiresnap.PathPayment, body: body, customer: customer} }
	good := paymentBody("X", "1000.00", recurring)
	with := func(r request, headers map[string]string) request { r.headers = headers; return r }
	deep := strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)

	for name, tc := range map[string]struct {
		request       request
		code, message string
	}{
		"unknown path":                       {request{path: "/direct-debit/core/v1/nothing", body: "{}"}, "4040000", "Not Found"},
		"OTP verification":                   {request{path: "/direct-debit/ovo/v1.0/otp-verification", body: "{}"}, "4040000", "Not Found"},
		"GET":                                {request{method: "GET", path: wiresnap.PathPayment}, "4050000", "Requested Function Is Not Supported"},
		"no body":                            {pay(""), "4005400", "Bad Request"},
		"not JSON":                           {pay("a=b"), "4005400", "Bad Request"},
		"an array":                           {pay("[]"), "4005400", "Bad Request"},
		"trailing bytes":                     {pay(good + "x"), "4005400", "Bad Request"},
		"a second object":                    {pay(good + good), "4005400", "Bad Request"},
		"duplicate member":                   {pay(strings.Replace(good, `"feeType":"OUR"`, `"partnerReferenceNo":"Y"`, 1)), "4005400", "Bad Request"},
		"duplicate nested member":            {pay(strings.Replace(good, `"currency":"IDR"`, `"value":"1.00"`, 1)), "4005400", "Bad Request"},
		"broken UTF-8":                       {pay(strings.Replace(good, "OUR", "\xff", 1)), "4005400", "Bad Request"},
		"too deep":                           {pay(deep), "4005400", "Bad Request"},
		"too large":                          {pay(`{"a":"` + strings.Repeat("x", 70_000) + `"}`), "4135400", "Request Entity Too Large"},
		"no signature":                       {with(pay(good), map[string]string{"X-SIGNATURE": ""}), "4005402", "Invalid Mandatory Field X-SIGNATURE"},
		"no timestamp":                       {with(pay(good), map[string]string{"X-TIMESTAMP": ""}), "4005402", "Invalid Mandatory Field X-TIMESTAMP"},
		"no partner":                         {with(pay(good), map[string]string{"X-PARTNER-ID": ""}), "4005402", "Invalid Mandatory Field X-PARTNER-ID"},
		"no external id":                     {with(pay(good), map[string]string{"X-EXTERNAL-ID": ""}), "4005402", "Invalid Mandatory Field X-EXTERNAL-ID"},
		"no authorization":                   {with(pay(good), map[string]string{"Authorization": ""}), "4005402", "Invalid Mandatory Field Authorization"},
		"no customer token":                  {request{path: wiresnap.PathPayment, body: good}, "4005402", "Invalid Mandatory Field Authorization-Customer"},
		"external id with a blank":           {with(pay(good), map[string]string{"X-EXTERNAL-ID": "a b"}), "4005401", "Invalid Field Format X-EXTERNAL-ID"},
		"external id too long":               {with(pay(good), map[string]string{"X-EXTERNAL-ID": strings.Repeat("1", 65)}), "4005401", "Invalid Field Format X-EXTERNAL-ID"},
		"unknown client":                     {with(pay(good), map[string]string{"X-PARTNER-ID": "nobody"}), "4015400", "Unauthorized. [Unknown client]"},
		"token of another client":            {request{path: wiresnap.PathPayment, body: good, customer: customer, keepToken: foreignB2B}, "4015401", "Invalid Token (B2B)"},
		"expired token":                      {request{path: wiresnap.PathPayment, body: good, customer: customer, keepToken: expiredB2B}, "4015401", "Invalid Token (B2B)"},
		"token of another issuer":            {request{path: wiresnap.PathPayment, body: good, customer: customer, keepToken: forged}, "4015401", "Invalid Token (B2B)"},
		"customer token as B2B":              {request{path: wiresnap.PathPayment, body: good, customer: customer, keepToken: customer}, "4015401", "Invalid Token (B2B)"},
		"no token at all":                    {with(pay(good), map[string]string{"Authorization": "Bearer x"}), "4015401", "Invalid Token (B2B)"},
		"wrong signature":                    {with(pay(good), map[string]string{"X-SIGNATURE": "AAAA"}), "4015400", "Unauthorized. [Signature]"},
		"signed for another path":            {request{path: wiresnap.PathPayment, target: wiresnap.PathRefund, body: good, customer: customer}, "4015400", "Unauthorized. [Signature]"},
		"added query":                        {request{path: wiresnap.PathPayment, body: good, customer: customer, target: wiresnap.PathPayment + "?a=1"}, "4015400", "Unauthorized. [Signature]"},
		"no reference":                       {pay(strings.Replace(good, "partnerReferenceNo", "other", 1)), "4005402", "Invalid Mandatory Field partnerReferenceNo"},
		"empty reference":                    {pay(paymentBody("", "1.00", recurring)), "4005402", "Invalid Mandatory Field partnerReferenceNo"},
		"reference of another type":          {pay(strings.Replace(good, `"X"`, `5`, 1)), "4005401", "Invalid Field Format partnerReferenceNo"},
		"member in other case":               {pay(strings.Replace(good, `"amount"`, `"AMOUNT"`, 1)), "4005402", "Invalid Mandatory Field amount.value"},
		"amount with sen":                    {pay(paymentBody("X", "10000.01", recurring)), "4005401", "Invalid Field Format amount.value"},
		"amount without decimals":            {pay(paymentBody("X", "10000", recurring)), "4005401", "Invalid Field Format amount.value"},
		"amount with exponent":               {pay(paymentBody("X", "1e4", recurring)), "4005401", "Invalid Field Format amount.value"},
		"negative amount":                    {pay(paymentBody("X", "-1.00", recurring)), "4005401", "Invalid Field Format amount.value"},
		"amount as number":                   {pay(strings.Replace(good, `"1000.00"`, `1000.00`, 1)), "4005401", "Invalid Field Format amount.value"},
		"zero":                               {pay(paymentBody("X", "0.00", recurring)), "4045413", "Invalid Amount"},
		"beyond the book":                    {pay(paymentBody("X", "9999999999999999.00", recurring)), "4045413", "Invalid Amount"},
		"overflowing":                        {pay(paymentBody("X", "99999999999999999999.00", recurring)), "4005401", "Invalid Field Format amount.value"},
		"over the limit":                     {pay(paymentBody("X", "10000001.00", recurring)), "4035402", "Exceeds Transaction Amount Limit"},
		"foreign currency":                   {pay(strings.Replace(good, "IDR", "USD", 1)), "4005401", "Invalid Field Format amount.currency"},
		"foreign channel":                    {pay(strings.Replace(good, "EMONEY_OVO_SNAP", "EMONEY_DANA_SNAP", 1)), "4005401", "Invalid Field Format additionalInfo.channel"},
		"unknown payment type":               {pay(strings.Replace(good, "RECURRING", "GIFT", 1)), "4005401", "Invalid Field Format additionalInfo.paymentType"},
		"script as return URL":               {pay(strings.Replace(good, "https://merchant.test/ok", "javascript:alert(1)", 1)), "4005401", "Invalid Field Format additionalInfo.successPaymentUrl"},
		"shares that do not add up":          {pay(strings.Replace(good, `"feeType":"OUR"`, `"payOptionDetails":[{"payMethod":"CASH","transAmount":{"value":"999.00","currency":"IDR"},"feeAmount":{"value":"0.00","currency":"IDR"}}]`, 1)), "4045413", "Invalid Amount"},
		"customer token of another issuer":   {request{path: wiresnap.PathPayment, body: good, customer: forged}, "4015402", "Invalid Customer Token"},
		"customer token of another client":   {request{path: wiresnap.PathPayment, body: good, customer: b2b(wiresnap.Claims{ClientID: "OTHER-CLIENT", AccountID: account, Expires: later})}, "4015402", "Invalid Customer Token"},
		"customer token of no binding":       {request{path: wiresnap.PathPayment, body: good, customer: b2b(wiresnap.Claims{ClientID: clientID, AccountID: account, Expires: later})}, "4015402", "Invalid Customer Token"},
		"B2B token as customer's":            {request{path: wiresnap.PathPayment, body: good, customer: s.token}, "4015402", "Invalid Customer Token"},
		"refresh token as customer's":        {request{path: wiresnap.PathBalance, body: balanceBody, customer: b2b(wiresnap.Claims{ClientID: clientID, AccountID: account, Use: wiresnap.UseRefresh, Expires: later})}, "4011102", "Invalid Customer Token"},
		"status of nothing":                  {request{path: wiresnap.PathStatus, body: statusBody("none")}, "4045501", "Transaction Not Found"},
		"status without reference":           {request{path: wiresnap.PathStatus, body: `{"serviceCode":"55"}`}, "4005502", "Invalid Mandatory Field originalPartnerReferenceNo"},
		"refund of nothing":                  {request{path: wiresnap.PathRefund, body: refundBody("none", "R", "1.00")}, "4045801", "Transaction Not Found"},
		"unknown phone":                      {request{path: wiresnap.PathBinding, body: bindingBody("6281299999999", "c")}, "4030715", "Transaction Not Permitted. OVO account not available please register to ovo"},
		"same customer again":                {request{path: wiresnap.PathBinding, body: bindingBody(phone, "c")}, "4030715", "Transaction Not Permitted. Account Already Registered"},
		"another customer":                   {request{path: wiresnap.PathBinding, body: bindingBody(phone, "d")}, "4030715", "Transaction Not Permitted. OVO account already registered by another customer"},
		"phone with a plus":                  {request{path: wiresnap.PathBinding, body: bindingBody("+6281200000001", "c")}, "4000701", "Invalid Field Format phoneNo"},
		"phone of a landline":                {request{path: wiresnap.PathBinding, body: bindingBody("62215555555", "c")}, "4000701", "Invalid Field Format phoneNo"},
		"unbinding without token":            {request{path: wiresnap.PathUnbinding, body: `{"tokenId":"","additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`}, "4000902", "Invalid Mandatory Field tokenId"},
		"unbinding of nothing":               {request{path: wiresnap.PathUnbinding, body: `{"tokenId":"abc","additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`}, "4010902", "Invalid Customer Token"},
		"unbinding of an unknown code":       {request{path: wiresnap.PathUnbinding, body: fmt.Sprintf(`{"tokenId":"%040d","additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`, 7)}, "4010902", "Invalid Customer Token"},
		"token for an unknown grant":         {request{path: wiresnap.PathTokenB2B, body: `{"grantType":"password"}`}, "4007301", "Invalid Field Format grantType"},
		"token without grant":                {request{path: wiresnap.PathTokenB2B, body: `{}`}, "4007302", "Invalid Mandatory Field grantType"},
		"token without client":               {with(request{path: wiresnap.PathTokenB2B, body: `{"grantType":"client_credentials"}`}, map[string]string{"X-CLIENT-KEY": ""}), "4007302", "Invalid Mandatory Field X-CLIENT-KEY"},
		"token with a wrong signature":       {with(request{path: wiresnap.PathTokenB2B, body: `{"grantType":"client_credentials"}`}, map[string]string{"X-SIGNATURE": "AAAA"}), "4017300", "Unauthorized. [Signature]"},
		"token for an unknown client":        {with(request{path: wiresnap.PathTokenB2B, body: `{"grantType":"client_credentials"}`}, map[string]string{"X-CLIENT-KEY": "nobody"}), "4017300", "Unauthorized. [Unknown client]"},
		"customer token without code":        {request{path: wiresnap.PathTokenB2B2C, body: `{"grantType":"authorization_code"}`}, "4007402", "Invalid Mandatory Field authCode"},
		"customer token for an unknown code": {request{path: wiresnap.PathTokenB2B2C, body: `{"grantType":"authorization_code","authCode":"123"}`}, "4017400", "Unauthorized. [authCode]"},
		"a bad refresh token":                {request{path: wiresnap.PathTokenB2B2C, body: `{"grantType":"refresh_token","refreshToken":"x"}`}, "4017400", "Unauthorized. [refreshToken]"},
	} {
		a := s.do(tc.request)
		if a.code != tc.code || a.text("responseMessage") != tc.message || len(a.body) != 2 {
			t.Errorf("%s: %s, want %s %q; reason: %s", name, a.raw, tc.code, tc.message, s.lastReason())
		}
		if s.lastReason() == "" {
			t.Errorf("%s: no reason in words", name)
		}
	}

	if payments, err := s.gateway.Payments(t.Context(), "", 10); err != nil || len(payments) != 0 {
		t.Errorf("refusals left %d payments, %v", len(payments), err)
	}
	w, err := s.gateway.Wallet(t.Context(), "081200000001")
	if err != nil || w.Balance != (ledger.Split{Cash: 250_000, Points: 1_500}) {
		t.Errorf("refusals moved money: %+v, %v", w.Balance, err)
	}
	s.auditClean()
}

func TestBlockedWallet(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	if _, err := s.gateway.SetWalletStatus(t.Context(), "081200000001", gateway.WalletBlockedByIssuer); err != nil {
		t.Fatal(err)
	}
	s.want(s.do(request{path: wiresnap.PathPayment, body: paymentBody("X", "1.00", recurring), customer: customer}), "4035418", "Inactive Card/Account/Customer")
	s.want(s.do(request{path: wiresnap.PathBinding, body: bindingBody(phone, "d")}), "4030715", "Transaction Not Permitted. OVO account blocked temporary")
}

func TestReferences(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	pay := func(reference, value string) answer {
		return s.do(request{path: wiresnap.PathPayment, body: paymentBody(reference, value, recurring), customer: customer})
	}
	s.want(pay("R", "1000.00"), "2005400", "Successful")
	s.want(pay("R", "1000.00"), "4095401", "Duplicate partnerReferenceNo")
	s.want(pay("R", "2000.00"), "4045418", "Inconsistent Request")
	s.want(pay("BIG", "300000.00"), "4035414", "Insufficient Funds")
	s.want(pay("BIG", "300000.00"), "4095401", "Duplicate partnerReferenceNo")
	a := s.do(request{path: wiresnap.PathStatus, body: statusBody("BIG")})
	if a.text("latestTransactionStatus") != "06" || a.text("originalResponseCode") != "4035414" || a.text("originalResponseMessage") != "Insufficient Funds" {
		t.Errorf("status of a refused payment %s", a.raw)
	}
	s.want(s.do(request{path: wiresnap.PathRefund, body: refundBody("BIG", "F", "1.00")}), "4045800", "Invalid Transaction Status")
	s.want(s.do(request{path: wiresnap.PathRefund, body: refundBody("R", "F1", "1001.00")}), "4045813", "Invalid Amount")
	first := s.do(request{path: wiresnap.PathRefund, body: refundBody("R", "F2", "400.00")})
	again := s.do(request{path: wiresnap.PathRefund, body: refundBody("R", "F2", "400.00")})
	s.want(again, "2005800", "Successful")
	if first.raw != again.raw {
		t.Errorf("the repeat of a refund answers %s, first %s", again.raw, first.raw)
	}
	s.want(s.do(request{path: wiresnap.PathRefund, body: refundBody("R", "F2", "401.00")}), "4045818", "Inconsistent Request")
	s.want(s.do(request{path: wiresnap.PathRefund, body: strings.Replace(refundBody("R", "F3", "1.00"), `"reason"`, `"originalExternalId":"other","reason"`, 1)}), "4045801", "Transaction Not Found")
	s.want(s.do(request{path: wiresnap.PathStatus, body: `{"originalPartnerReferenceNo":"R","serviceCode":"54","amount":{"value":"1.00","currency":"IDR"}}`}), "4045513", "Invalid Amount")
	s.want(s.do(request{path: wiresnap.PathStatus, body: `{"originalPartnerReferenceNo":"R","serviceCode":"54","amount":{"value":"","currency":""},"additionalInfo":null}`}), "2005500", "Successful")
	s.auditClean()
}

func TestExternalIDs(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	id := map[string]string{"X-EXTERNAL-ID": "4180755"}
	status := request{path: wiresnap.PathStatus, body: statusBody("none"), headers: id}
	balance := request{path: wiresnap.PathBalance, body: balanceBody, customer: customer, headers: id}

	forged := status
	forged.headers = map[string]string{"X-EXTERNAL-ID": "4180755", "X-SIGNATURE": "AAAA"}
	s.want(s.do(forged), "4015500", "Unauthorized. [Signature]") // and does not use up the id
	s.want(s.do(status), "4045501", "Transaction Not Found")
	s.want(s.do(status), "4095500", "Conflict")
	s.want(s.do(balance), "2001100", "Successful") // another service
	s.want(s.do(balance), "4091100", "Conflict")

	malformed := request{path: wiresnap.PathPayment, body: paymentBody("", "1.00", ""), customer: customer, headers: id}
	s.want(s.do(malformed), "4005402", "Invalid Mandatory Field partnerReferenceNo")
	s.want(s.do(malformed), "4095400", "Conflict") // the id outweighs the member

	s.clock.Advance(24 * time.Hour)
	s.token = s.b2b(clientID)
	s.want(s.do(status), "4045501", "Transaction Not Found") // another day
}

func TestExternalIDTwinsAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	var wg sync.WaitGroup
	var paid, conflicts atomic.Int64
	for i := range 20 {
		wg.Go(func() {
			a := s.do(request{path: wiresnap.PathPayment, body: paymentBody(fmt.Sprint("T", i), "1000.00", recurring), customer: customer, headers: map[string]string{"X-EXTERNAL-ID": "same"}})
			switch a.code {
			case "2005400":
				paid.Add(1)
			case "4095400":
				conflicts.Add(1)
			default:
				t.Errorf("answer %s", a.raw)
			}
		})
	}
	wg.Wait()
	if paid.Load() != 1 || conflicts.Load() != 19 {
		t.Errorf("%d paid, %d conflicts", paid.Load(), conflicts.Load())
	}
	s.auditClean()
}

func TestCustomerTokenSpellings(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	for _, value := range []string{customer, "Bearer " + customer, "bearer " + customer, "  " + customer + " "} {
		a := s.do(request{path: wiresnap.PathBalance, body: balanceBody, headers: map[string]string{"authorization-customer": value}})
		s.want(a, "2001100", "Successful")
	}
	// Where the archived edition had it.
	a := s.do(request{path: wiresnap.PathBalance, body: fmt.Sprintf(`{"bankCardToken":%q,"additionalInfo":{"channel":"emoney_ovo_snap"}}`, customer)})
	s.want(a, "2001100", "Successful")
	// Empty optional headers are no headers.
	a = s.do(request{path: wiresnap.PathStatus, body: statusBody("none"), headers: map[string]string{"Authorization-Customer": " ", "X-DEVICE-ID": " ", "CHANNEL-ID": "whatever"}})
	s.want(a, "4045501", "Transaction Not Found")
	// A second exchange does not end the first token.
	authCode, first := s.rebind(customer)
	s.clock.Advance(2 * time.Second)
	s.exchange(authCode)
	s.want(s.do(request{path: wiresnap.PathBalance, body: balanceBody, customer: first}), "2001100", "Successful")
	// It ends after seven days.
	s.clock.Advance(7 * 24 * time.Hour)
	s.token = s.b2b(clientID)
	s.want(s.do(request{path: wiresnap.PathBalance, body: balanceBody, customer: first}), "4011102", "Invalid Customer Token")
	// An expired token still unbinds.
	s.want(s.do(request{path: wiresnap.PathUnbinding, body: fmt.Sprintf(`{"tokenId":%q,"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`, first)}), "2000900", "Successful")
}

// rebind unbinds by token and binds again.
func (s *shop) rebind(token string) (authCode, customer string) {
	s.t.Helper()
	s.want(s.do(request{path: wiresnap.PathUnbinding, body: fmt.Sprintf(`{"tokenId":%q,"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`, token)}), "2000900", "Successful")
	return s.bind("c")
}

func TestUnbindByAuthCode(t *testing.T) {
	t.Parallel()
	s := open(t)
	authCode, _ := s.bind("c")
	s.want(s.do(request{path: wiresnap.PathUnbinding, body: fmt.Sprintf(`{"tokenId":%q,"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`, authCode)}), "2000900", "Successful")
	s.want(s.exchange(authCode), "4017400", "Unauthorized. [authCode]")
}

func TestArchivedPaths(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	for i, p := range []string{"/direct-debit/merchant/ovo/v1.0/payment-host-to-host", "/direct-debit/ovo/v1.0/debit/payment-host-to-host"} {
		a := s.do(request{path: p, body: paymentBody(fmt.Sprint("ARCH-", i), "1000.00", recurring), customer: customer})
		s.want(a, "2005400", "Successful")
		// The signature covers the path that was called.
		a = s.do(request{path: p, target: wiresnap.PathPayment, body: paymentBody(fmt.Sprint("ARCH2-", i), "1000.00", recurring), customer: customer})
		s.want(a, "4015400", "Unauthorized. [Signature]")
	}
}

func TestPHPBodyWithoutOptionalMembers(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, customer := s.bind("c")
	body := `{"partnerReferenceNo":"PHP-1","amount":{"value":"1000.00","currency":"IDR"},"payOptionDetails":null,"additionalInfo":{"channel":"EMONEY_OVO_SNAP","remarks":null,"successPaymentUrl":"https:\/\/merchant.test\/ok","failedPaymentUrl":"https:\/\/merchant.test\/fail","lineItems":[{"name":"n","price":1000,"quantity":"1"}]},"chargeToken":""}`
	a := s.do(request{path: wiresnap.PathPayment, body: body, signed: strings.ReplaceAll(body, `\/`, `/`), customer: customer})
	s.want(a, "2005400", "Successful")
	if a.text("webRedirectUrl") == "" {
		t.Errorf("a payment without paymentType is no sale: %s", a.raw)
	}
}

func TestReasonNamesTheMistake(t *testing.T) {
	t.Parallel()
	s := open(t)
	body := statusBody("none")
	timestamp := s.now()
	hexed := wiresnap.SignSymmetric(secret, "POST", wiresnap.PathStatus, "Bearer "+s.token, []byte(body), timestamp)
	s.do(request{path: wiresnap.PathStatus, body: body, timestamp: timestamp, headers: map[string]string{"X-SIGNATURE": hexed}})
	if !strings.Contains(s.lastReason(), "Bearer") {
		t.Errorf("reason %q does not name the mistake", s.lastReason())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.notes[len(s.notes)-2] // the verdict comes before the reason
	if last.Verdict == nil || last.Verdict.OK || last.Verdict.StringToSign == "" || last.Verdict.Received != hexed {
		t.Errorf("verdict %+v", last.Verdict)
	}
}
