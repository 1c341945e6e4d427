package faspay_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/dialect/faspay"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

const (
	merchantID = "77001"
	userID     = "bot77001"
	password   = "demo-Pass1"
	phone      = "081200001111"
	pin        = "123456"
	returnURL  = "https://shop.example/back?shop=1"
)

var formats = []wirefaspay.Format{wirefaspay.JSON, wirefaspay.XML}

// inBoth runs a test once in each encoding.
func inBoth(t *testing.T, test func(t *testing.T, f wirefaspay.Format)) {
	t.Helper()
	for _, f := range formats {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			test(t, f)
		})
	}
}

// shop is a merchant's client over real HTTP to a dialect over a real database.
type shop struct {
	t        testing.TB
	format   wirefaspay.Format
	gateway  *gateway.Gateway
	config   gateway.Config
	dialect  *faspay.Handler
	server   *httptest.Server
	clock    *gateway.MovableClock
	merchant gateway.Merchant
	numbers  atomic.Int64

	mu    sync.Mutex
	notes []wire.Note
}

// options change what open makes; zero members take usual values.
type options struct {
	force  func(context.Context, gateway.Operation) (gateway.Outcome, bool)
	change func(*gateway.Faspay)
	config func(*faspay.Config)
}

func open(t testing.TB, f wirefaspay.Format, o options) *shop {
	t.Helper()
	keys, err := seal.New(seal.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, format: f, clock: gateway.NewMovableClock(0)}
	db, err := store.Open(t.Context(), store.Config{URL: storetest.URL(t), Keys: keys, Clock: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s.config = gateway.Config{
		Store: db, Clock: s.clock, Keys: keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}, Force: o.force,
		Rules: gateway.DefaultRules.Unmetered(),
	}
	s.gateway = gateway.New(s.config)
	config := faspay.Config{
		Gateway: s.gateway, Clock: s.clock,
		PageURL: func(p gateway.Page) string { return "https://pages.test/" + p.Key },
		TopUp:   []wirefaspay.Instruction{{Option: "ATM", Icon: "https://pages.test/atm.svg", URL: "https://pages.test/atm"}},
		Note: func(_ context.Context, n wire.Note) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.notes = append(s.notes, n)
		},
	}
	if o.config != nil {
		o.config(&config)
	}
	if s.dialect, err = faspay.New(config); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.dialect.Mount(mux)
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)

	m := gateway.Faspay{
		MerchantID: merchantID, UserID: userID, Password: password, ReturnURL: returnURL, Format: string(f),
		NotificationURL: "https://shop.example/notify", ActivationURL: "https://shop.example/linked?v=2",
	}
	if o.change != nil {
		o.change(&m)
	}
	s.merchant, err = s.gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Toko Contoh & Co", Faspay: m})
	if err != nil {
		t.Fatal(err)
	}
	s.newWallet(phone, ledger.Split{Cash: 150_000, Points: 2_500})
	return s
}

func (s *shop) newWallet(phone gateway.Phone, balance ledger.Split) {
	s.t.Helper()
	if _, err := s.gateway.CreateWallet(context.Background(), gateway.NewWallet{Phone: phone, Name: "Rara Contoh", PIN: pin, Balance: balance}); err != nil {
		s.t.Fatal(err)
	}
}

// members are a message, in order.
type members [][2]string

// with returns m with one member changed, added or, with "-", left out.
func (m members) with(name, value string) members {
	out := slices.Clone(m)
	i := slices.IndexFunc(out, func(p [2]string) bool { return p[0] == name })
	switch {
	case value == "-" && i >= 0:
		return slices.Delete(out, i, i+1)
	case i >= 0:
		out[i][1] = value
	case value != "-":
		out = append(out, [2]string{name, value})
	}
	return out
}

func (m members) get(name string) string {
	for _, p := range m {
		if p[0] == name {
			return p[1]
		}
	}
	return ""
}

// body prints members without a signature.
func (m members) body(f wirefaspay.Format) string {
	var b strings.Builder
	if f == wirefaspay.XML {
		b.WriteString("<faspay>")
		for _, p := range m {
			b.WriteString("<" + p[0] + ">" + escaper.Replace(p[1]) + "</" + p[0] + ">")
		}
		return b.String() + "</faspay>"
	}
	for i, p := range m {
		fmt.Fprintf(&b, "%s%q:%q", map[bool]string{true: "{", false: ","}[i == 0], p[0], p[1])
	}
	return b.String() + "}"
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// signed adds the signature that a good client sends.
func (m members) signed(s wirefaspay.Service) members {
	return m.with("signature", wirefaspay.Sign(userID, password, m.get(s.Signed())))
}

// good is a good request of each service, without a signature.
func good(s wirefaspay.Service) members {
	m := members{{"request", "Do it"}, {"merchant_id", merchantID}}
	switch s {
	case wirefaspay.ServiceActivation:
		return append(m, members{{"payment_channel", "720"}, {"phone_no", phone}, {"cust_name", "Rara Contoh"}}...)
	case wirefaspay.ServicePayment:
		return append(m, members{
			{"bill_no", "250700000017"}, {"bill_desc", "Two notebooks"}, {"bill_total", "45000"}, {"bill_currency", "IDR"}, {"payment_channel", "720"},
			{"phone_no", phone}, {"cust_name", "Rara Contoh"}, {"email", "rara@shop.example"}, {"pay_type", "2"},
		}...)
	case wirefaspay.ServiceTopUp, wirefaspay.ServiceUnlink:
		return append(m, members{{"merchant", "Toko Contoh"}, {"phone_no", phone}, {"payment_channel", "720"}}...)
	case wirefaspay.ServiceBalance:
		return append(m, members{{"payment_channel", "720"}, {"phone_no", phone}}...)
	case wirefaspay.ServiceHistory:
		today := gateway.SystemClock{}.Now().In(wire.WIB).Format("2006-01-02")
		return append(m, members{
			{"merchant", "Toko Contoh"}, {"phone_no", phone}, {"payment_channel", "720"}, {"start_date", today}, {"end_date", today}, {"page", "1"}, {"limit", "10"},
		}...)
	case wirefaspay.ServiceInquiry:
		return append(m, members{{"trx_id", "7700172000000017"}, {"bill_no", "250700000017"}}...)
	default:
		return append(m, members{{"trx_id", "7700172000000017"}, {"bill_no", "250700000017"}, {"payment_cancel", "Out of stock"}}...)
	}
}

// answer is what came back.
type answer struct {
	status int
	raw    string
	doc    wire.Value
	header http.Header
}

func (a answer) get(path string) string { return a.doc.Get(path).Literal() }

// code is the response code, with the level that gave it.
func (a answer) code() string {
	if inner := a.get("response_error.response_code"); inner != "" {
		return fmt.Sprintf("%d error %s", a.status, inner)
	}
	return fmt.Sprintf("%d %s", a.status, a.get("response_code"))
}

func (a answer) desc() string { return a.get("response_desc") + a.get("response_error.response_desc") }

// post sends a body as it is.
func (s *shop) post(path, body string) answer {
	s.t.Helper()
	resp, err := s.server.Client().Post(s.server.URL+path, "application/x-www-form-urlencoded", strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return answer{}
	}
	return s.read(resp)
}

func (s *shop) read(resp *http.Response) answer {
	s.t.Helper()
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Error(err)
	}
	a := answer{status: resp.StatusCode, raw: string(raw), header: resp.Header}
	if s.format == wirefaspay.XML {
		a.doc, err = wire.ParseXML(raw, "faspay", "amount_detail")
	} else {
		a.doc, err = wire.Parse(raw)
	}
	if err != nil || resp.Header.Get("Content-Type") != s.format.ContentType() {
		s.t.Errorf("HTTP %d, %s, %v: %s", resp.StatusCode, resp.Header.Get("Content-Type"), err, raw)
	}
	if a.status >= 500 {
		s.t.Logf("HTTP %d: %s; reason: %s", a.status, raw, s.lastReason())
	}
	return a
}

// call sends members, signed, to a service.
func (s *shop) call(service wirefaspay.Service, m members) answer {
	s.t.Helper()
	return s.post(s.dialect.Paths.Path(service, s.format), m.signed(service).body(s.format))
}

func (s *shop) want(a answer, code string) answer {
	s.t.Helper()
	if a.code() != code {
		s.t.Errorf("answer %s: %s; want %s; reason: %s", a.code(), a.raw, code, s.lastReason())
	}
	return a
}

// wantMessage compares a whole answer with a message of package wire/faspay.
func (s *shop) wantMessage(a answer, message any) {
	s.t.Helper()
	want, err := wirefaspay.Encode(s.format, message)
	if err != nil {
		s.t.Fatal(err)
	}
	if a.status != 200 || a.raw != string(want) {
		s.t.Errorf("HTTP %d %s\nwant %s\nreason: %s", a.status, a.raw, want, s.lastReason())
	}
}

func (s *shop) lastReason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range slices.Backward(s.notes) {
		if n.Reason != "" {
			return n.Reason
		}
	}
	return ""
}

// complete finishes the page that an answer points to.
func (s *shop) complete(redirect string) gateway.PageView {
	s.t.Helper()
	key := path.Base(redirect)
	v, err := s.gateway.Page(s.t.Context(), key)
	if err != nil {
		s.t.Fatal(redirect, err)
	}
	if _, err := s.gateway.EnterOTP(s.t.Context(), key, v.Page.OTP); err != nil {
		s.t.Fatal(err)
	}
	if v, err = s.gateway.EnterPIN(s.t.Context(), key, pin); err != nil {
		s.t.Fatal(err)
	}
	return v
}

// link links the phone.
func (s *shop) link() {
	s.t.Helper()
	a := s.want(s.call(wirefaspay.ServiceActivation, good(wirefaspay.ServiceActivation)), "200 00")
	if v := s.complete(a.get("redirectURL")); v.Page.State != gateway.PageDone {
		s.t.Fatalf("the page is %s", v.Page.State)
	}
}

// bill is a payment request of a new bill.
func (s *shop) bill() members {
	return good(wirefaspay.ServicePayment).with("bill_no", fmt.Sprintf("B-%d", s.numbers.Add(1)))
}

// pay asks for a payment and completes its page.
func (s *shop) pay(m members) answer {
	s.t.Helper()
	a := s.want(s.call(wirefaspay.ServicePayment, m), "200 00")
	if v := s.complete(a.get("redirectURL")); v.Page.State != gateway.PageDone {
		s.t.Fatalf("the page is %s", v.Page.State)
	}
	return a
}

// inquire asks how a payment stands.
func (s *shop) inquire(trx, bill string) answer {
	s.t.Helper()
	return s.call(wirefaspay.ServiceInquiry, good(wirefaspay.ServiceInquiry).with("trx_id", trx).with("bill_no", bill))
}

func (s *shop) wantStatus(payment answer, status string) answer {
	s.t.Helper()
	a := s.want(s.inquire(payment.get("trx_id"), payment.get("bill_no")), "200 00")
	if got := a.get("payment_status_code"); got != status {
		s.t.Errorf("the payment's status is %s, want %s", got, status)
	}
	return a
}

func (s *shop) balance() ledger.Split {
	s.t.Helper()
	w, err := s.gateway.Wallet(context.Background(), phone)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.Balance
}

func (s *shop) wantBalance(cash, points int64) {
	s.t.Helper()
	got := s.balance()
	if int64(got.Cash) != cash || int64(got.Points) != points {
		s.t.Errorf("the wallet holds %+v, want %d and %d", got, cash, points)
	}
}

// auditClean sweeps what is due, as a running process does, and checks the book.
func (s *shop) auditClean() {
	s.t.Helper()
	if _, err := s.gateway.ExpireDue(context.Background()); err != nil {
		s.t.Fatal(err)
	}
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

// outgoing looks at the notifications that are due and returns the one of a kind.
func (s *shop) outgoing(kind gateway.EventKind) gateway.Outgoing {
	s.t.Helper()
	claimed, err := s.gateway.ClaimNotifications(s.t.Context(), time.Minute, 100)
	if err == nil {
		err = s.gateway.ReleaseNotifications(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for _, n := range slices.Backward(claimed) {
		if n.Kind == kind {
			o, err := s.gateway.Outgoing(s.t.Context(), n)
			if err != nil {
				s.t.Fatal(err)
			}
			return o
		}
	}
	s.t.Fatalf("no %s among %d notifications", kind, len(claimed))
	return gateway.Outgoing{}
}

// sent is a notification as it goes out.
func (s *shop) sent(o gateway.Outgoing) (*http.Request, string) {
	s.t.Helper()
	req, err := s.dialect.Request(s.t.Context(), nil, o, s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	if req.Body == nil {
		return req, ""
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(req.Body); err != nil {
		s.t.Fatal(err)
	}
	return req, body.String()
}
