package backoffice_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/backoffice"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/web"
)

const (
	pin      = "482915"
	password = "correct horse battery"
)

// office is a back office over a real database and real HTTP, with two shops and
// something of everything.
type office struct {
	*gateway.Gateway
	t      testing.TB
	db     *store.Store
	clock  *gateway.MovableClock
	server *httptest.Server
	mine   shop // of the merchant user
	other  shop
	wallet gateway.Wallet
	users  map[gateway.Role]gateway.User
}

// shop is a merchant with one of everything.
type shop struct {
	gateway.Merchant
	paid         gateway.Payment // succeeded, Rp50.000
	waiting      gateway.Payment // on a page
	binding      gateway.Binding
	notification gateway.Notification // of paid, failed
}

type options struct {
	sandbox bool // nobody signs in
	baseURL string
	factor  gateway.Demand
	log     *slog.Logger
}

func open(t testing.TB, opts options) *office {
	t.Helper()
	keys := must(seal.New(seal.NewMasterKey()))(t)
	o := &office{t: t, clock: gateway.NewMovableClock(0), users: map[gateway.Role]gateway.User{}}
	o.db = must(store.Open(t.Context(), store.Config{URL: "sqlite://" + filepath.Join(t.TempDir(), "gerbang.db"), Keys: keys, Clock: o.clock}))(t)
	t.Cleanup(func() { o.db.Close() })
	o.Gateway = gateway.New(gateway.Config{
		Store: o.db, Clock: o.clock, Keys: keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}, Factor: opts.factor,
	})
	mux := http.NewServeMux()
	backoffice.New(backoffice.Config{
		Gateway: o.Gateway, Clock: o.clock, Dialects: []string{"snap", "jokul"}, SignIn: !opts.sandbox, BaseURL: opts.baseURL, Log: opts.log,
	}).Mount(mux)
	web.MountAssets(mux)
	o.server = httptest.NewServer(mux)
	t.Cleanup(o.server.Close)
	return o
}

// seed fills the book.
func (o *office) seed() *office {
	o.t.Helper()
	o.wallet = must(o.CreateWallet(context.Background(), gateway.NewWallet{
		Phone: "081211111111", Name: "Anton Budiman", PIN: pin, Balance: ledger.Split{Cash: 1_000_000, Points: 50_000},
	}))(o.t)
	o.mine, o.other = o.shop("Toko Maju", 1), o.shop("Warung Lain", 2)
	return o
}

func (o *office) shop(name string, n int) (s shop) {
	o.t.Helper()
	s.Merchant = must(o.CreateMerchant(o.t.Context(), gateway.Merchant{Name: name, DOKU: gateway.DOKU{
		ClientID: fmt.Sprintf("BRN-%04d", n), SecretKey: "SK-" + name, NotificationURL: "https://shop.test/notify",
	}}))(o.t)
	s.binding = o.bind(s.Merchant)
	s.paid, _ = o.pay(s, gateway.SNAPRecurring, fmt.Sprintf("INV-%d-A", n), 50_000, ledger.UsePointsFirst)
	s.waiting, _ = o.pay(s, gateway.SNAPSale, fmt.Sprintf("INV-%d-B", n), 12_345, ledger.UseCash)
	o.pay(s, gateway.SNAPRecurring, fmt.Sprintf("INV-%d-C", n), 9_999_999, ledger.UseCash) // more than the wallet holds
	for _, out := range must(o.ClaimNotifications(o.t.Context(), time.Minute, 100))(o.t) {
		state, attempt := gateway.NotificationDelivered, gateway.Attempt{
			NotificationID: out.ID, Number: 1, URL: "https://shop.test/notify", At: o.clock.Now().UTC(), Took: 42 * time.Millisecond, Status: 200, Answer: "ok",
		}
		if out.Subject == string(s.paid.ID) {
			state, attempt.Status, attempt.Answer, attempt.Error = gateway.NotificationFailed, 500, "<b>broken</b>", "the answer is HTTP 500"
			s.notification = out
		}
		if err := o.FinishAttempt(o.t.Context(), out, attempt, state, time.Time{}); err != nil {
			o.t.Fatal(err)
		}
	}
	return s
}

func (o *office) bind(m gateway.Merchant) gateway.Binding {
	o.t.Helper()
	b, page, err := o.StartBinding(context.Background(), gateway.StartBinding{
		Merchant: m.ID, Phone: o.wallet.Phone, CustomerID: "customer-" + m.Name, Dialect: "snap",
		Return: gateway.ReturnURLs{Success: "https://shop.test/ok", Failure: "https://shop.test/no"},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, item := range must(o.Inbox(context.Background(), o.wallet.Phone))(o.t) {
		if item.Page.Key == page.Key {
			must(o.EnterOTP(context.Background(), page.Key, item.Code))(o.t)
		}
	}
	must(o.EnterPIN(context.Background(), page.Key, pin))(o.t)
	return b
}

func (o *office) pay(s shop, channel gateway.Channel, reference string, amount money.Amount, use ledger.Use) (gateway.Payment, error) {
	p, _, err := o.CreatePayment(context.Background(), gateway.CreatePayment{
		Merchant: s.ID, Binding: s.binding.ID, Channel: channel, Dialect: "snap", Reference: reference, RequestID: "req-" + reference, Amount: amount,
		Use: use, Fingerprint: reference, Details: "{}", Return: gateway.ReturnURLs{Success: "https://shop.test/ok", Failure: "https://shop.test/no"},
	})
	if err != nil && gateway.ErrorCode(err) != gateway.InsufficientFunds {
		o.t.Fatal(err)
	}
	return p, err
}

// must unwraps a result that may not fail.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// member makes a user of a role with a password of their own; merchant users are
// of o.mine.
func (o *office) member(role gateway.Role) gateway.User {
	o.t.Helper()
	if u, ok := o.users[role]; ok {
		return u
	}
	in := gateway.NewUser{Name: string(role) + "@gerbang.test", Role: role}
	if role == gateway.RoleMerchant {
		in.Merchant = o.mine.ID
	}
	u, first, err := o.CreateUser(o.t.Context(), in)
	if err == nil {
		err = o.ChangePassword(o.t.Context(), u.ID, first, password, "")
	}
	if err != nil {
		o.t.Fatal(err)
	}
	o.users[role] = u
	return u
}

// browser visits with cookies and follows no redirect.
type browser struct {
	o      *office
	client *http.Client
	agent  string // User-Agent, "" for that of the client
	last   page
}

func (o *office) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{o: o, client: &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as is a browser in which a user of the role has signed in.
func (o *office) as(role gateway.Role) *browser {
	o.t.Helper()
	b := o.browser()
	b.signIn(o.member(role).Name, password).want(o.t, http.StatusSeeOther)
	return b
}

type page struct {
	status   int
	html     string
	location string
	header   http.Header
	trailer  http.Header
}

func (p page) want(t testing.TB, status int, texts ...string) page {
	t.Helper()
	if p.status != status {
		t.Fatalf("HTTP %d, want %d: %s", p.status, status, p.html)
	}
	for _, text := range texts {
		if !strings.Contains(p.html, text) {
			t.Errorf("lacks %q: %s", text, p.html)
		}
	}
	return p
}

func (p page) lacks(t testing.TB, texts ...string) page {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.html, text) {
			t.Errorf("has %q: %s", text, p.html)
		}
	}
	return p
}

func (b *browser) do(r *http.Request) page {
	b.o.t.Helper()
	r.Header.Set("Accept-Language", "en")
	if b.agent != "" {
		r.Header.Set("User-Agent", b.agent)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.o.t.Fatal(err)
	}
	defer resp.Body.Close()
	body := must(io.ReadAll(resp.Body))(b.o.t)
	b.last = page{resp.StatusCode, string(body), strings.TrimPrefix(resp.Header.Get("Location"), "/backoffice"), resp.Header, resp.Trailer}
	return b.last
}

func (b *browser) get(path string) page {
	b.o.t.Helper()
	return b.do(must(http.NewRequest(http.MethodGet, b.o.server.URL+"/backoffice"+path, nil))(b.o.t))
}

func (b *browser) request(path string, form url.Values) *http.Request {
	r := must(http.NewRequest(http.MethodPost, b.o.server.URL+"/backoffice"+path, strings.NewReader(form.Encode())))(b.o.t)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", b.o.server.URL)
	return r
}

var tokenField = regexp.MustCompile(`name="token" value="([0-9a-f]{64})"`)

// token is that of the forms on a page.
func (b *browser) token(path string) string {
	b.o.t.Helper()
	m := tokenField.FindStringSubmatch(b.get(path).want(b.o.t, 200).html)
	if m == nil {
		b.o.t.Fatalf("%s has no form", path)
	}
	return m[1]
}

// post sends a form with the token that a page has for it.
func (b *browser) post(from, path string, entries ...string) page {
	b.o.t.Helper()
	form := url.Values{"token": {b.token(from)}}
	for i := 0; i < len(entries); i += 2 {
		form.Set(entries[i], entries[i+1])
	}
	return b.do(b.request(path, form))
}

func (b *browser) signIn(name, password string) page {
	b.o.t.Helper()
	return b.post("/sign-in", "/sign-in", "name", name, "password", password)
}

func (b *browser) signInWith(name, password, code string) page {
	b.o.t.Helper()
	return b.post("/sign-in", "/sign-in", "name", name, "password", password, "code", code)
}

// code is what an authenticator app shows now, by RFC 6238.
func (o *office) code(key string) string {
	o.t.Helper()
	secret := must(base32.StdEncoding.DecodeString(strings.ReplaceAll(key, " ", "")))(o.t)
	counter := make([]byte, 8)
	binary.BigEndian.PutUint64(counter, uint64(o.clock.Now().Unix()/30))
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1000000)
}

var (
	shownKey   = regexp.MustCompile(`class="copy secret">([A-Z2-7 ]{39})<`)
	shownCodes = regexp.MustCompile(`<li><code>([a-z2-7-]{29})</code></li>`)
)

// enrol sets a second factor up and waits until the app shows a new code.
func (b *browser) enrol() (key string, recovery []string) {
	b.o.t.Helper()
	p := b.post("/account", "/account/second-factor", "old", password).want(b.o.t, 200, "shown once", "<svg", "otpauth://totp/")
	found := shownKey.FindStringSubmatch(p.html)
	if found == nil {
		b.o.t.Fatalf("no key is shown: %s", p.html)
	}
	key = found[1]
	p = b.post("/account", "/account/second-factor/confirm", "code", b.o.code(key)).want(b.o.t, 200, "shown once")
	for _, m := range shownCodes.FindAllStringSubmatch(p.html, -1) {
		recovery = append(recovery, m[1])
	}
	b.o.clock.Advance(gateway.FactorPeriod)
	return key, recovery
}

// follow goes where an answer sends the browser.
func (b *browser) follow(p page) page {
	b.o.t.Helper()
	p.want(b.o.t, http.StatusSeeOther)
	return b.get(p.location).want(b.o.t, 200)
}

// busyDay adds payments of many outcomes over a day, as a chart has something to
// show of.
func (o *office) busyDay() {
	o.t.Helper()
	if _, err := o.TopUp(o.t.Context(), o.wallet.Phone, ledger.Split{Cash: 1_000_000}); err != nil {
		o.t.Fatal(err)
	}
	for hour := range 20 {
		for i := range 1 + hour*hour%7 {
			reference := fmt.Sprintf("DAY-%d-%d", hour, i)
			switch (hour + i) % 5 {
			case 0:
				o.pay(o.mine, gateway.SNAPRecurring, reference, 9_000_000, ledger.UseCash) // refused
			case 1:
				_, page, err := o.CreatePayment(o.t.Context(), gateway.CreatePayment{
					Merchant: o.mine.ID, Binding: o.mine.binding.ID, Channel: gateway.SNAPSale, Dialect: "snap", Reference: reference, RequestID: reference,
					Amount: 7_500, Use: ledger.UseCash, Fingerprint: "f", Details: "{}",
				})
				if err != nil {
					o.t.Fatal(err)
				}
				o.clock.Advance(time.Duration(7+13*i) * time.Second)
				if i%2 == 0 {
					must(o.CancelPage(o.t.Context(), page.Key))(o.t)
					break
				}
				for _, item := range must(o.Inbox(o.t.Context(), o.wallet.Phone))(o.t) {
					if item.Page.Key == page.Key {
						must(o.EnterOTP(o.t.Context(), page.Key, item.Code))(o.t)
					}
				}
				must(o.EnterPIN(o.t.Context(), page.Key, pin))(o.t)
			default:
				o.pay(o.other, gateway.SNAPRecurring, reference, 15_000, ledger.UseCash)
			}
		}
		for i, out := range must(o.ClaimNotifications(o.t.Context(), time.Minute, 100))(o.t) {
			a := gateway.Attempt{NotificationID: out.ID, Number: 1, URL: "https://shop.test/notify", At: o.clock.Now().UTC(), Took: time.Duration(30+i*170) * time.Millisecond, Status: 200}
			if err := o.FinishAttempt(o.t.Context(), out, a, gateway.NotificationDelivered, time.Time{}); err != nil {
				o.t.Fatal(err)
			}
		}
		o.clock.Advance(time.Hour)
		must(o.ExpireDue(o.t.Context()))(o.t)
	}
}
