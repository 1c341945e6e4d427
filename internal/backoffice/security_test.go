package backoffice_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/backoffice"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

var everybody = []gateway.Role{gateway.RoleViewer, gateway.RoleSupport, gateway.RoleOperator, gateway.RoleMerchant}

// access is who may use each route. A route that is not listed fails the test.
// The forms are refused by the handler, if at all, only once the role was admitted.
func access(o *office) map[string]struct {
	path  string
	roles []gateway.Role
} {
	all := []gateway.Role{gateway.RoleViewer, gateway.RoleSupport, gateway.RoleOperator}
	sellers := []gateway.Role{gateway.RoleSupport, gateway.RoleOperator, gateway.RoleMerchant}
	operator := []gateway.Role{gateway.RoleOperator}
	type rule = struct {
		path  string
		roles []gateway.Role
	}
	payment, merchant := "/payments/"+string(o.mine.paid.ID), "/merchants/"+string(o.mine.ID)
	notification := "/notifications/" + string(o.mine.notification.ID)
	return map[string]rule{
		"GET /{$}": {"/", everybody}, "GET /find": {"/find?q=INV-1-A", everybody},
		"GET /sign-in": {"/sign-in", everybody}, "POST /sign-in": {"/sign-in", everybody}, "POST /sign-out": {"/sign-out", everybody},
		"GET /account": {"/account", everybody}, "POST /account": {"/account", everybody},
		"POST /account/second-factor": {"/account/second-factor", everybody}, "POST /account/second-factor/confirm": {"/account/second-factor/confirm", everybody},
		"POST /account/sessions": {"/account/sessions", everybody},
		"GET /payments":          {"/payments", everybody}, "GET /payments.csv": {"/payments.csv", everybody}, "GET /payments/{id}": {payment, everybody},
		"POST /payments/{id}/refund": {payment + "/refund", sellers},
		"GET /bindings":              {"/bindings", everybody}, "GET /bindings/{id}": {"/bindings/" + string(o.mine.binding.ID), everybody},
		"GET /notifications": {"/notifications", everybody}, "GET /notifications/{id}": {notification, everybody},
		"POST /notifications/resend": {"/notifications/resend", sellers}, "POST /notifications/{id}/resend": {notification + "/resend", sellers},
		"GET /settlement": {"/settlement", everybody}, "GET /settlement.csv": {"/settlement.csv", everybody},
		"GET /settlement/{merchant}/{day}": {"/settlement/" + string(o.mine.ID) + "/" + o.today(), everybody},
		"GET /merchants":                   {"/merchants", everybody}, "POST /merchants": {"/merchants", operator}, "GET /merchants/{id}": {merchant, everybody},
		"POST /merchants/{id}": {merchant, operator}, "POST /merchants/{id}/rotate": {merchant + "/rotate", operator},
		"POST /merchants/{id}/public-key": {merchant + "/public-key", operator},
		"GET /wallets":                    {"/wallets", all}, "GET /wallets/{phone}": {"/wallets/081211111111", all}, "POST /wallets/{phone}/status": {"/wallets/081211111111/status", operator},
		"GET /ledger": {"/ledger", all}, "GET /ledger/{id}": {"/ledger/" + o.mine.paid.TransferID, all}, "GET /audit": {"/audit", all}, "POST /audit": {"/audit", all},
		"GET /users": {"/users", operator}, "POST /users": {"/users", operator}, "POST /users/{id}": {"/users/" + string(o.member(gateway.RoleViewer).ID), operator},
		"GET /trail": {"/trail", operator},
	}
}

func TestRolesAndRoutes(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	rules := access(o)
	for _, pattern := range backoffice.Patterns() {
		rule, listed := rules[pattern]
		if !listed {
			t.Errorf("%s: who may use it is not listed", pattern)
			continue
		}
		method, _, _ := strings.Cut(pattern, " ")
		o.clock.Advance(time.Minute) // or too many sign in from one address
		// Who has not signed in comes to no page but that for signing in.
		stranger := o.browser()
		seed := stranger.token("/sign-in")
		send := func(b *browser, token string) page {
			if method == http.MethodGet {
				return b.get(rule.path)
			}
			return b.do(b.request(rule.path, url.Values{"token": {token}}))
		}
		got := send(stranger, seed)
		if strings.HasSuffix(pattern, "/sign-in") {
			if got.status == http.StatusForbidden || got.status == http.StatusSeeOther {
				t.Errorf("%s: a stranger gets HTTP %d", pattern, got.status)
			}
		} else if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, "/sign-in") {
			t.Errorf("%s: a stranger gets HTTP %d to %q", pattern, got.status, got.location)
		}
		for _, role := range everybody {
			b := o.as(role)
			got := send(b, b.token("/account"))
			allowed := false
			for _, r := range rule.roles {
				allowed = allowed || r == role
			}
			if allowed && (got.status == http.StatusForbidden || got.status == http.StatusNotFound || got.status >= 500) || !allowed && got.status != http.StatusForbidden {
				t.Errorf("%s as %s: HTTP %d, allowed %t", pattern, role, got.status, allowed)
			}
		}
	}
}

// What is another merchant's does not exist for a merchant's people, by whatever
// address they ask.
func TestMerchantsAreApart(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	b := o.as(gateway.RoleMerchant)
	other := o.other
	token := b.token("/account")
	refundsOf := must(o.Payment(t.Context(), other.paid.ID))(t)
	for _, path := range []string{
		"/payments/" + string(other.paid.ID), "/bindings/" + string(other.binding.ID), "/notifications/" + string(other.notification.ID),
		"/merchants/" + string(other.ID), "/settlement/" + string(other.ID) + "/" + o.today(),
		"/find?q=" + string(other.paid.ID), "/find?q=" + string(other.notification.ID), "/find?q=" + other.paid.TransferID, "/find?q=" + string(other.binding.ID),
	} {
		b.get(path).want(t, http.StatusNotFound).lacks(t, "Warung", "INV-2")
	}
	for _, path := range []string{"/payments/" + string(other.paid.ID) + "/refund", "/notifications/" + string(other.notification.ID) + "/resend"} {
		b.do(b.request(path, url.Values{"token": {token}, "amount": {"1"}, "reason": {"x"}, "sure": {"yes"}, "reference": {"BO-1"}})).want(t, http.StatusNotFound)
	}
	for _, path := range []string{"/", "/payments", "/bindings", "/notifications", "/settlement", "/merchants", "/payments.csv", "/settlement.csv", "/find?q=INV-2-A", "/payments?number=req-INV-2-A&amount=50000"} {
		for _, merchant := range []string{"", string(other.ID)} {
			separator := "?"
			if strings.Contains(path, "?") {
				separator = "&"
			}
			p := b.get(path + separator + "merchant=" + merchant)
			if p.status == http.StatusSeeOther {
				p = b.get(p.location)
			}
			p.want(t, 200).lacks(t, "Warung", string(other.ID)+"<", string(other.paid.ID), string(other.binding.ID), string(other.notification.ID), "customer-Warung")
		}
	}
	form := url.Values{"token": {token}, "state": {"failed"}, "merchant": {string(other.ID)}}
	b.do(b.request("/notifications/resend", form)).want(t, 200, "Queued to be sent again: 0")
	if after := must(o.Payment(t.Context(), other.paid.ID))(t); after.Payment.Refunded != refundsOf.Payment.Refunded {
		t.Error("another merchant's payment was refunded")
	}
	if n := must(o.Notifications(t.Context(), string(other.paid.ID), "", 10))(t); len(n) != 1 {
		t.Errorf("another merchant's payment has %d notifications", len(n))
	}
	b.get("/payments").want(t, 200, "INV-1-A", "Toko Maju")
	b.get("/payments.csv").want(t, 200, "INV-1-A")
}

// A form that was not sent from one of our pages does nothing.
func TestForeignForms(t *testing.T) {
	t.Parallel()
	for _, sandbox := range []bool{false, true} {
		o := open(t, options{sandbox: sandbox}).seed()
		var b *browser
		if sandbox {
			b = o.browser()
		} else {
			b = o.as(gateway.RoleOperator)
		}
		other := o.browser()
		if !sandbox {
			other = o.as(gateway.RoleOperator)
		}
		path := "/payments/" + string(o.mine.paid.ID)
		mine, theirs := b.token(path), other.token(path)
		if mine == theirs {
			t.Error("two browsers have the same token")
		}
		form := func(token string) url.Values {
			return url.Values{"token": {token}, "amount": {"1000"}, "reason": {"x"}, "sure": {"yes"}, "reference": {"BO-1"}}
		}
		for name, change := range map[string]func(*http.Request){
			"no token":         func(r *http.Request) { *r = *b.request(path+"/refund", form("")) },
			"another's token":  func(r *http.Request) { *r = *b.request(path+"/refund", form(theirs)) },
			"cross-site":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"same-site":        func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			"foreign origin":   func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") },
			"no origin at all": func(r *http.Request) { r.Header.Set("Origin", "null") },
		} {
			r := b.request(path+"/refund", form(mine))
			change(r)
			if got := b.do(r); got.status != http.StatusForbidden {
				t.Errorf("sandbox %t, %s: HTTP %d", sandbox, name, got.status)
			}
		}
		if p := must(o.Payment(t.Context(), o.mine.paid.ID))(t).Payment; p.Refunded.Total() != 0 {
			t.Error("a foreign form refunded")
		}
		old := b.request(path+"/refund", form(mine)) // a browser from before Sec-Fetch-Site and Origin
		old.Header.Del("Sec-Fetch-Site")
		old.Header.Del("Origin")
		b.do(old).want(t, http.StatusSeeOther)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	gone := func(b *browser) {
		t.Helper()
		if p := b.get("/payments?state=failed"); p.status != http.StatusSeeOther || p.location != "/sign-in?next=%2Fbackoffice%2Fpayments%3Fstate%3Dfailed" {
			t.Errorf("the session goes on: HTTP %d to %q", p.status, p.location)
		}
	}

	b := o.as(gateway.RoleViewer)
	o.clock.Advance(29 * time.Minute)
	b.get("/payments").want(t, 200)
	o.clock.Advance(29 * time.Minute)
	b.get("/payments").want(t, 200)
	o.clock.Advance(31 * time.Minute)
	gone(b) // idle

	b = o.as(gateway.RoleViewer)
	for range 24 {
		o.clock.Advance(29 * time.Minute)
		b.get("/payments").want(t, 200)
	}
	o.clock.Advance(25 * time.Minute)
	gone(b) // twelve hours

	b = o.as(gateway.RoleViewer)
	cookie := must(http.NewRequest(http.MethodGet, o.server.URL+"/backoffice/payments?state=failed", nil))(t)
	for _, c := range b.client.Jar.Cookies(cookie.URL) {
		cookie.AddCookie(c)
	}
	b.post("/account", "/sign-out").want(t, http.StatusSeeOther)
	gone(b)
	stolen := o.browser()
	if p := stolen.do(cookie); p.status != http.StatusSeeOther {
		t.Errorf("a cookie from before signing out: HTTP %d", p.status)
	}

	viewer := o.member(gateway.RoleViewer)
	operator := o.as(gateway.RoleOperator)
	b = o.as(gateway.RoleViewer)
	operator.post("/users", "/users/"+string(viewer.ID), "action", "disable").want(t, http.StatusSeeOther)
	gone(b)
	o.browser().signIn(viewer.Name, password).want(t, http.StatusUnprocessableEntity)
	operator.post("/users", "/users/"+string(viewer.ID), "action", "enable").want(t, http.StatusSeeOther)
	b = o.as(gateway.RoleViewer)
	operator.post("/users", "/users/"+string(viewer.ID), "action", "reset").want(t, 200, "This is shown once")
	gone(b)
	o.browser().signIn(viewer.Name, password).want(t, http.StatusUnprocessableEntity)

	b, here := o.as(gateway.RoleSupport), o.as(gateway.RoleSupport)
	here.post("/account", "/account", "old", password, "password", "another battery staple", "again", "another battery staple").want(t, http.StatusSeeOther)
	gone(b) // other browsers
	here.get("/payments").want(t, 200)
}

func TestFirstPassword(t *testing.T) {
	t.Parallel()
	o := open(t, options{})
	user, first, err := o.CreateUser(t.Context(), gateway.NewUser{Name: " Rani@Gerbang.test ", Role: gateway.RoleOperator})
	if err != nil || user.Name != "rani@gerbang.test" || len(first) != 20 {
		t.Fatalf("%+v, %d, %v", user, len(first), err)
	}
	b := o.browser()
	b.signIn("RANI@gerbang.test", first).want(t, http.StatusSeeOther)
	for _, path := range []string{"/", "/payments", "/users"} {
		if p := b.get(path); p.status != http.StatusSeeOther || p.location != "/account" {
			t.Errorf("%s with the first password: HTTP %d to %q", path, p.status, p.location)
		}
	}
	for _, tc := range []struct{ old, new, again, says string }{
		{first, "short", "short", "a password has 12 to 128 characters"},
		{first, first, first, "the new password is the old one"},
		{first, "rani@gerbang.test!1", "rani@gerbang.test!1", "little more than a name"}, {first, "Password123456", "Password123456", "little more than a name"},
		{first, "abababababab", "abababababab", "little more than a name"}, {first, "Unbelievable", "Unbelievable", "one of those that are tried first"},
		{first, "correct horse", "correct house", "not written the same way twice"},
		{"wrong", "correct horse battery", "correct horse battery", "The password until now is another."},
	} {
		b.post("/account", "/account", "old", tc.old, "password", tc.new, "again", tc.again).want(t, 422, tc.says)
	}
	b.follow(b.post("/account", "/account", "old", first, "password", password, "again", password))
	b.get("/users").want(t, 200, "rani@gerbang.test")
	b.post("/users", "/users/"+string(user.ID), "action", "disable").want(t, 422, "Another operator must do this to you.")
}

func TestGuessing(t *testing.T) {
	t.Parallel()
	o := open(t, options{})
	user := o.member(gateway.RoleViewer)
	b := o.browser()
	unknown := b.signIn("nobody", "wrong").want(t, 422)
	for range gateway.PasswordTries {
		if wrong := b.signIn(user.Name, "wrong").want(t, 422); strings.ReplaceAll(wrong.html, user.Name, "") != strings.ReplaceAll(unknown.html, "nobody", "") {
			t.Errorf("a known name is told from an unknown one: %s\n%s", wrong.html, unknown.html)
		}
	}
	b.signIn(user.Name, password).want(t, 422, "locked for 15 minutes")
	o.clock.Advance(gateway.PasswordLock + time.Second)
	for range gateway.PasswordTries - 1 {
		b.signIn(user.Name, "wrong").want(t, 422)
	}
	b.signIn(user.Name, password).want(t, http.StatusSeeOther) // one try was left

	// Many names from one address.
	o.clock.Advance(time.Minute)
	b = o.browser()
	status := 0
	for i := range 40 {
		if status = b.signIn(fmt.Sprint("user", i), "wrong").status; status == http.StatusTooManyRequests {
			break
		}
	}
	if status != http.StatusTooManyRequests {
		t.Error("guessing goes on for ever")
	}
	o.clock.Advance(time.Minute)
	b.signIn(user.Name, password).want(t, http.StatusSeeOther)
}

func TestCookiesAndHeaders(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ base, want string }{
		{"http://127.0.0.1", "gerbang-office="}, {"https://pay.test", "__Host-gerbang-office="},
	} {
		o := open(t, options{baseURL: tc.base})
		r := must(http.NewRequest(http.MethodGet, o.server.URL+"/backoffice/sign-in", nil))(t)
		p := o.browser().do(r).want(t, 200)
		cookie := p.header.Get("Set-Cookie")
		if !strings.HasPrefix(cookie, tc.want) || !strings.Contains(cookie, "; HttpOnly") || !strings.Contains(cookie, "; SameSite=Strict") ||
			strings.Contains(cookie, "; Secure") != strings.HasPrefix(tc.base, "https") {
			t.Errorf("%s: cookie %q", tc.base, cookie)
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		if policy := p.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("policy %q", policy)
		}
	}
	for base, want := range map[string]string{"http://127.0.0.1": "lang=en; ", "https://pay.test": "__Host-lang=en; "} {
		o := open(t, options{baseURL: base})
		p := o.browser().get("/sign-in?lang=en").want(t, 200)
		cookie := strings.Join(p.header.Values("Set-Cookie"), "\n")
		if !strings.Contains(cookie, want) || strings.Count(cookie, "; Secure") != strings.Count(base, "https")*2 || strings.Contains(cookie, "Domain") {
			t.Errorf("%s: cookies %q", base, cookie)
		}
	}
	o := open(t, options{})
	b := o.as(gateway.RoleViewer)
	sessions := 0
	if err := o.db.View(t.Context(), func(tx gateway.Tx) error {
		for _, c := range b.client.Jar.Cookies(must(url.Parse(o.server.URL))(t)) {
			if _, err := tx.Session(c.Value); err == nil {
				t.Error("a session's token is stored as it is")
			}
			sessions++
		}
		return nil
	}); err != nil || sessions == 0 {
		t.Fatal(sessions, err)
	}
}

// What merchants and receivers wrote is shown as text.
func TestMarkupIsText(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script>`
	o := open(t, options{sandbox: true})
	o.wallet = must(o.CreateWallet(t.Context(), gateway.NewWallet{Phone: "081211111111", Name: evil, PIN: pin, Balance: ledger.Split{Cash: 1_000_000}}))(t)
	s := shop{Merchant: must(o.CreateMerchant(t.Context(), gateway.Merchant{Name: evil, DOKU: gateway.DOKU{ClientID: evil}}))(t)}
	s.binding = o.bind(s.Merchant)
	s.paid, _ = o.pay(s, gateway.SNAPRecurring, evil, 50_000, ledger.UseCash)
	for _, out := range must(o.ClaimNotifications(t.Context(), time.Minute, 100))(t) {
		if err := o.FinishAttempt(t.Context(), out, gateway.Attempt{
			NotificationID: out.ID, Number: 1, URL: "https://shop.test/" + evil, Status: 500, Answer: evil, Error: evil,
		}, gateway.NotificationFailed, time.Time{}); err != nil {
			t.Fatal(err)
		}
		s.notification = out
	}
	b := o.browser()
	b.follow(b.post("/payments/"+string(s.paid.ID), "/payments/"+string(s.paid.ID)+"/refund", "amount", "1000", "reason", evil, "sure", "yes", "reference", "BO-"+evil))
	shown := 0
	for _, path := range []string{
		"/", "/payments", "/payments?number=" + url.QueryEscape(evil), "/payments/" + string(s.paid.ID), "/bindings", "/bindings/" + string(s.binding.ID), "/notifications",
		"/notifications/" + string(s.notification.ID), "/settlement", "/settlement/" + string(s.ID) + "/" + o.today(), "/merchants", "/merchants/" + string(s.ID),
		"/wallets", "/wallets/081211111111", "/ledger?account=" + url.QueryEscape(evil), "/trail", "/payments?amount=" + url.QueryEscape(evil),
	} {
		p := b.get(path).lacks(t, evil)
		shown += strings.Count(p.html, "&lt;script&gt;alert(1)")
	}
	if shown < 15 {
		t.Errorf("shown as text %d times only", shown)
	}
}

// What a person may not do, and forms from elsewhere, are in the log with who and
// where from.
func TestRefusedAccessIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := open(t, options{log: slog.New(slog.NewJSONHandler(&log, nil))})
	b := o.as(gateway.RoleViewer)
	b.get("/users").want(t, http.StatusForbidden)
	r := b.request("/account", url.Values{"token": {b.token("/account")}, "old": {password}})
	r.Header.Set("Origin", "https://evil.test")
	b.do(r).want(t, http.StatusForbidden)
	o.server.Close()
	for _, want := range []string{
		`"msg":"backoffice: not allowed","user":"viewer@gerbang.test","role":"viewer","method":"GET","path":"/backoffice/users","address":"127.0.0.1"`,
		`"msg":"backoffice: a form from elsewhere","user":"viewer@gerbang.test","path":"/backoffice/account","origin":"https://evil.test","address":"127.0.0.1"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log.String())
		}
	}
	if strings.Contains(log.String(), password) {
		t.Errorf("a password in the log: %s", log.String())
	}
}

// Every form of every page is refused unless one of our own pages sent it, before
// anything else of it is looked at.
func TestEveryFormIsGuarded(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	b, other := o.as(gateway.RoleOperator), o.as(gateway.RoleOperator)
	mine, theirs := b.token("/account"), other.token("/account")
	trail := len(must(o.Trail(t.Context(), gateway.TraceFilter{}, 100))(t))
	forms := 0
	for pattern, rule := range access(o) {
		if !strings.HasPrefix(pattern, "POST ") {
			continue
		}
		forms++
		form := func(token string) *http.Request {
			return b.request(rule.path, url.Values{
				"token": {token}, "action": {"disable"}, "status": {"blocked"}, "hours": {"0"}, "name": {"Evil"}, "role": {"operator"}, "state": {"failed"},
				"amount": {"1"}, "reason": {"x"}, "sure": {"yes"}, "reference": {"BO-EVIL"}, "call_rate": {"100"}, "old": {password}, "session": {"others"},
			})
		}
		header := func(name, value string) *http.Request {
			r := form(mine)
			r.Header.Set(name, value)
			return r
		}
		for what, r := range map[string]*http.Request{
			"without a token": form(""), "with another's token": form(theirs), "from another site": header("Sec-Fetch-Site", "cross-site"),
			"from a sister site": header("Sec-Fetch-Site", "same-site"), "from another origin": header("Origin", "https://evil.test"),
		} {
			if p := b.do(r); p.status != http.StatusForbidden {
				t.Errorf("%s %s: HTTP %d", pattern, what, p.status)
			}
		}
		for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x", "application/json", ""} {
			if p := b.do(header("Content-Type", kind)); p.status != http.StatusBadRequest && p.status != http.StatusForbidden {
				t.Errorf("%s as %q: HTTP %d", pattern, kind, p.status)
			}
		}
	}
	if forms < 12 {
		t.Errorf("only %d forms", forms)
	}
	if now := len(must(o.Trail(t.Context(), gateway.TraceFilter{}, 100))(t)); now != trail {
		t.Errorf("%d acts are in the trail, %d before", now, trail)
	}
	b.get("/payments").want(t, 200) // still signed in
}
