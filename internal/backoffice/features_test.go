package backoffice_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/csv"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

func TestFind(t *testing.T) {
	t.Parallel()
	o := open(t, options{sandbox: true}).seed()
	b := o.browser()
	paid := "/payments/" + string(o.mine.paid.ID)
	if _, _, err := o.RefundPayment(t.Context(), gateway.RefundPayment{
		Merchant: o.mine.ID, Payment: gateway.PaymentQuery{Dialect: "snap", ID: o.mine.paid.ID}, Reference: "RF-77", Amount: 1_000, Reason: "r",
	}); err != nil {
		t.Fatal(err)
	}
	story := must(o.Desk("").Payment(t.Context(), o.mine.paid.ID))(t)
	for _, id := range []string{
		string(o.mine.paid.ID), o.mine.paid.TransferID, string(o.mine.notification.ID), string(story.Events[0].ID), string(story.Refunds[0].ID),
		story.Refunds[0].TransferID, string(story.Events[1].ID), // the refund's
	} {
		if p := b.get("/find?q=+" + id + "+"); p.location != paid {
			t.Errorf("%s leads to %q", id, p.location)
		}
	}
	if p := b.get("/find?q=" + string(o.mine.binding.ID)); p.location != "/bindings/"+string(o.mine.binding.ID) {
		t.Errorf("a binding's id leads to %q", p.location)
	}
	if p := b.get("/find?q=" + string(o.mine.ID)); p.location != "/merchants/"+string(o.mine.ID) {
		t.Errorf("a merchant's id leads to %q", p.location)
	}
	b.get("/find?q=pay_"+strings.Repeat("0", 32)).want(t, 404)
	for _, number := range []string{"INV-1-A", "req-INV-1-A", "RF-77"} {
		b.follow(b.get("/find?q="+number)).want(t, 200, "With this number", `href="/backoffice`+paid)
	}
	for _, phone := range []string{"081211111111", "6281211111111", "%2B6281211111111"} {
		b.follow(b.get("/find?q="+phone)).want(t, 200, "INV-1-A", "INV-2-A", "INV-1-B")
	}
	b.follow(b.get("/find?q=081299999999")).want(t, 200, "Nothing matches.")
	for _, amount := range []string{"12345", "12.345", "Rp12.345"} {
		b.follow(b.get("/find?q="+amount)).want(t, 200, "INV-1-B", "INV-2-B").lacks(t, "INV-1-A")
	}
	b.follow(b.get("/find?q="+url.QueryEscape("nothing bears this"))).want(t, 200, "No payment, request or refund bears this number.")
}

var paymentLink = regexp.MustCompile(`/backoffice/payments/(pay_[0-9a-f]{32})"`)

func TestFiltersAndPages(t *testing.T) {
	t.Parallel()
	o := open(t, options{sandbox: true}).seed()
	b := o.browser()
	made := map[string]bool{}
	for i := range 120 {
		p, _ := o.pay(o.mine, gateway.SNAPRecurring, fmt.Sprint("MANY-", i), 100, ledger.UseCash)
		made[string(p.ID)] = true
	}
	path, pages := "/payments?amount=100&merchant="+string(o.mine.ID), 0
	last := "~"
	for path != "" {
		p := b.get(path).want(t, 200, "amount=100") // the next page is asked for the same
		pages++
		for _, m := range paymentLink.FindAllStringSubmatch(p.html, -1) {
			if !made[m[1]] || m[1] >= last {
				t.Errorf("page %d shows %s again, or out of order", pages, m[1])
			}
			delete(made, m[1])
			last = m[1]
		}
		path = ""
		if m := regexp.MustCompile(`<a href="/backoffice([^"]*)" rel="next">`).FindStringSubmatch(p.html); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if pages != 3 || len(made) != 0 {
		t.Errorf("%d pages, %d payments not shown", pages, len(made))
	}

	yesterday, tomorrow := "2026-01-01", o.clock.Now().Add(gateway.DayAhead).AddDate(0, 0, 1).UTC().Format(time.DateOnly)
	for query, want := range map[string][2]string{
		"state=refused":                  {"INV-1-C", "INV-1-A"},
		"state=awaiting_customer":        {"INV-2-B", "INV-1-C"},
		"channel=snap_sale":              {"INV-1-B", "INV-1-A"},
		"phone=%2B6281211111111":         {"MANY-119", "nothing else"},
		"amount=50000":                   {"INV-2-A", "MANY"},
		"from=" + o.today():              {"MANY-119", "nothing else"},
		"to=" + yesterday:                {"Nothing matches.", "MANY"},
		"from=" + tomorrow:               {"Nothing matches.", "MANY"},
		"merchant=none":                  {"Nothing matches.", "MANY"},
		"merchant=" + string(o.other.ID): {"INV-2-A", "INV-1-A"},
		"amount=12345&phone=081211111111&merchant=" + string(o.mine.ID) + "&channel=snap_sale": {"INV-1-B", "INV-2-B"},
	} {
		b.get("/payments?"+query).want(t, 200, want[0]).lacks(t, want[1])
	}
	for _, broken := range []string{"amount=1.5", "from=yesterday", "to=2026-13-01", "phone=12"} {
		b.get("/payments?"+broken).want(t, 422, "This is not understood")
	}
	b.get("/payments.csv?amount=x").want(t, 422)
	b.get("/bindings?state=active&customer=customer-Warung+Lain").want(t, 200, string(o.other.binding.ID)).lacks(t, string(o.mine.binding.ID))
	b.get("/notifications?state=failed&merchant="+string(o.mine.ID)).want(t, 200, string(o.mine.notification.ID)).lacks(t, string(o.other.notification.ID))
	b.get("/notifications?state=queued&dialect=jokul").want(t, 200, "Nothing matches.")
}

func TestRefundByAPerson(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	b := o.as(gateway.RoleSupport)
	path := "/payments/" + string(o.mine.paid.ID)
	form := func(amount, reference string) []string {
		return []string{"amount", amount, "reason", "broken", "sure", "yes", "reference", reference}
	}
	b.post(path, path+"/refund", form("1,5", "BO-1")...).want(t, 422, "Give the amount in whole rupiah.")
	b.post(path, path+"/refund", form("0", "BO-1")...).want(t, 422, "Give the amount in whole rupiah.")
	b.post(path, path+"/refund", "amount", "10", "reason", " ", "sure", "yes", "reference", "BO-1").want(t, 422, "Give a reason")
	b.post(path, path+"/refund", "amount", "10", "reason", "x", "reference", "BO-1").want(t, 422, "Confirm that the money")
	b.post(path, path+"/refund", form("10", "RF-1")...).want(t, 422, "incomplete")
	b.post(path, path+"/refund", form("50001", "BO-1")...).want(t, 422, "refund exceeds what is left of the payment", "Rp50.000 of the payment is left to refund")
	b.follow(b.post(path, path+"/refund", form("20.000", "BO-1")...)).want(t, 200, "The refund was made.", "Rp30.000 is left")
	b.follow(b.post(path, path+"/refund", form("20.000", "BO-1")...)).want(t, 200, "Rp30.000 is left") // the button pressed twice
	b.post(path, path+"/refund", form("10.000", "BO-1")...).want(t, 422, "reference already used with other content")
	b.follow(b.post(path, path+"/refund", form("30000", "BO-2")...)).want(t, 200, "The refund was made.").lacks(t, "Give money back")
	waiting := "/payments/" + string(o.mine.waiting.ID)
	b.get(waiting).want(t, 200).lacks(t, "Give money back")
	b.do(b.request(waiting+"/refund", url.Values{"token": {b.token(path)}, "amount": {"10"}, "reason": {"x"}, "sure": {"yes"}, "reference": {"BO-9"}})).
		want(t, 422, "not possible in this state")

	story := must(o.Desk("").Payment(t.Context(), o.mine.paid.ID))(t)
	if len(story.Refunds) != 2 || story.Refunded.Total() != 50_000 || story.Refunds[0].Dialect != gateway.SpaceOffice {
		t.Errorf("refunds %+v", story.Refunds)
	}
	// A merchant's own number is another, though it reads the same.
	_, _, err := o.RefundPayment(t.Context(), gateway.RefundPayment{
		Merchant: o.other.ID, Payment: gateway.PaymentQuery{Dialect: "snap", ID: o.other.paid.ID}, Reference: "BO-1", Amount: 1, Reason: "r",
	})
	if err != nil {
		t.Error(err)
	}
	o.auditClean()

	// Who did what, when, from where, and what became of it.
	trail := must(o.Trail(t.Context(), gateway.TraceFilter{Subject: string(o.mine.paid.ID)}, 50))(t)
	outcomes := map[string]int{}
	for _, e := range trail {
		outcomes[e.Outcome]++
		if e.Action != "refund" || e.User != o.member(gateway.RoleSupport).ID || e.UserName != "support@gerbang.test" || e.Address != "127.0.0.1" || e.At.IsZero() || !strings.Contains(e.Detail, "broken") {
			t.Errorf("trace %+v", e)
		}
	}
	if outcomes["done"] != 3 || outcomes["refund exceeds what is left of the payment"] != 1 || outcomes["reference already used with other content"] != 1 || len(trail) != 5 {
		t.Errorf("outcomes %v", outcomes)
	}
	o.as(gateway.RoleOperator).get("/trail?subject="+string(o.mine.paid.ID)).want(t, 200, "support@gerbang.test", "Rp20.000, broken", "127.0.0.1")
}

func (o *office) auditClean() {
	o.t.Helper()
	for _, v := range must(o.Audit(o.t.Context()))(o.t) {
		if !v.OK {
			o.t.Errorf("%s broken: %s %q", v.ID, v.Rule, v.Keys)
		}
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	o := open(t, options{sandbox: true}).seed()
	b := o.browser()
	path := "/notifications/" + string(o.mine.notification.ID)
	b.get(path).want(t, 200, "the answer is HTTP 500", "&lt;b&gt;broken", "42 ms")
	b.follow(b.post(path, path+"/resend")).want(t, 200, "The notification is being sent again.", "queued")

	// In bulk: what was queued again already is left alone.
	b.get("/notifications?state=delivered").want(t, 200).lacks(t, "Send all again")
	list := "/notifications?state=failed"
	b.post(list, "/notifications/resend", "state", "failed").want(t, 200, "Queued to be sent again: 1")
	b.post(list, "/notifications/resend", "state", "failed").want(t, 200, "Queued to be sent again: 0")
	b.post(list, "/notifications/resend", "state", "delivered").want(t, 422, "only what failed or could not be delivered")
	b.post(list, "/notifications/resend", "state", "failed", "from", "x").want(t, 422)
	due := must(o.ClaimNotifications(t.Context(), time.Minute, 100))(t)
	subjects := map[string]int{}
	for _, out := range due {
		subjects[out.Subject]++
	}
	if subjects[string(o.mine.paid.ID)] != 1 || subjects[string(o.other.paid.ID)] != 1 || len(due) != 2 {
		t.Errorf("queued: %v", subjects)
	}
	o.auditClean()
}

// Many are resent in steps, and the page tells how far it is.
func TestResendMany(t *testing.T) {
	t.Parallel()
	o := open(t, options{sandbox: true}).seed()
	for i := range 250 {
		o.pay(o.mine, gateway.SNAPRecurring, fmt.Sprint("MANY-", i), 100, ledger.UseCash)
	}
	for _, out := range must(o.ClaimNotifications(t.Context(), time.Minute, 1000))(t) {
		a := gateway.Attempt{NotificationID: out.ID, Number: 1, At: o.clock.Now(), Status: 500, Error: "no"}
		if err := o.FinishAttempt(t.Context(), out, a, gateway.NotificationFailed, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	b := o.browser()
	b.post("/notifications?state=failed", "/notifications/resend", "state", "failed", "merchant", string(o.mine.ID)).
		want(t, 200, "Queued so far: 100", "Queued so far: 200", "Queued to be sent again: 251").lacks(t, "Go on with older ones")
}

func TestSettlementPages(t *testing.T) {
	t.Parallel()
	o := open(t, options{sandbox: true}).seed()
	b := o.browser()
	if _, _, err := o.RefundPayment(t.Context(), gateway.RefundPayment{
		Merchant: o.mine.ID, Payment: gateway.PaymentQuery{Dialect: "snap", ID: o.mine.paid.ID}, Reference: "RF-1", Amount: 60, Reason: "r",
	}); err != nil {
		t.Fatal(err)
	}
	for _, tallied := range []bool{false, true} { // the same, whether counted before or now
		if tallied {
			o.clock.Advance(5 * time.Minute)
			if n := must(o.Tally(t.Context()))(t); n == 0 {
				t.Fatal("nothing was counted")
			}
		}
		b.get("/settlement").want(t, 200, "Toko Maju", "Rp50.000", "Rp60", "Rp49.940", "Warung Lain")
		b.get("/settlement/"+string(o.mine.ID)+"/"+o.today()).want(t, 200, "INV-1-A", "RF-1", "Rp49.940").lacks(t, "INV-1-B", "INV-1-C", "INV-2")
		p := b.get("/settlement.csv?merchant="+string(o.mine.ID)).want(t, 200)
		rows := must(csv.NewReader(strings.NewReader(p.html)).ReadAll())(t)
		want := o.today() + " " + string(o.mine.ID) + " Toko Maju 1 1 0 50000 0 60 0 49940"
		if len(rows) != 2 || strings.Join(rows[1], " ") != want {
			t.Errorf("tallied %t: %q, want %q", tallied, rows, want)
		}
		b.get("/merchants/"+string(o.mine.ID)).want(t, 200, "Rp49.940")
	}
	b.get("/settlement?from=2020-01-01").want(t, 422)
	b.get("/settlement?from=2020-01-01&to=2020-02-01").want(t, 200, "Nothing matches.")
	b.get("/settlement/"+string(o.mine.ID)+"/2020-01-01").want(t, 200, "Rp0")
	b.get("/settlement/"+string(o.mine.ID)+"/today").want(t, 404)
	b.get("/settlement/mch_none/"+o.today()).want(t, 404)
}

func TestExport(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	for _, reference := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", `with "quotes", commas`, "a=b"} {
		o.pay(o.mine, gateway.SNAPRecurring, reference, 100, ledger.UseCash)
	}
	b := o.as(gateway.RoleViewer)
	p := b.get("/payments.csv?amount=100").want(t, 200)
	rows := must(csv.NewReader(strings.NewReader(p.html)).ReadAll())(t)
	if len(rows) != 8 || p.trailer.Get("X-Rows") != "7" || p.header.Get("Content-Disposition") != `attachment; filename="payments.csv"` {
		t.Errorf("%d rows, trailer %v, header %v", len(rows), p.trailer, p.header)
	}
	references := map[string]bool{}
	for _, row := range rows[1:] {
		references[row[6]] = true
	}
	for _, want := range []string{"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", `with "quotes", commas`, "a=b"} {
		if !references[want] {
			t.Errorf("lacks %q: %v", want, references)
		}
	}
	trail := must(o.Trail(t.Context(), gateway.TraceFilter{User: o.member(gateway.RoleViewer).ID}, 10))(t)
	if len(trail) == 0 || trail[0].Action != "export payments" || trail[0].Detail != "amount=100" || trail[0].Outcome != gateway.TraceDone {
		t.Errorf("trail %+v", trail)
	}
}

func TestWalletsAndMerchants(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	b := o.as(gateway.RoleOperator)
	b.follow(b.post("/wallets/081211111111", "/wallets/081211111111/status", "status", "blocked")).want(t, 200, "The change was saved.")
	if w := must(o.Wallet(t.Context(), "081211111111"))(t); w.Status != gateway.WalletBlockedByIssuer {
		t.Errorf("the wallet is %s", w.Status)
	}
	b.post("/wallets/081211111111", "/wallets/081211111111/status", "status", "gone").want(t, 422)
	b.follow(b.post("/wallets/081211111111", "/wallets/081211111111/status", "status", "active"))
	b.get("/wallets/081299999999").want(t, 404)
	b.get("/wallets/x").want(t, 404)

	p := b.post("/merchants", "/merchants", "name", "Toko Baru", "client_id", "", "faspay_id", "31337").want(t, 200, "This is shown once", "Faspay password")
	secrets := regexp.MustCompile(`class="copy secret">([^<]+)<`).FindAllStringSubmatch(p.html, -1)
	merchants := must(o.Merchants(t.Context()))(t)
	m := merchants[len(merchants)-1]
	if len(secrets) != 2 || m.Name != "Toko Baru" || m.DOKU.SecretKey != secrets[0][1] || m.Faspay.Password != secrets[1][1] || m.Faspay.UserID != "bot31337" || !strings.HasPrefix(m.DOKU.ClientID, "BRN-") {
		t.Errorf("%q, %+v", secrets, m)
	}
	page := "/merchants/" + string(m.ID)
	b.get(page).want(t, 200).lacks(t, m.DOKU.SecretKey, m.Faspay.Password)
	b.post("/merchants", "/merchants", "name", "Another", "client_id", m.DOKU.ClientID).want(t, 422, "another merchant has this DOKU client id", `value="Another"`)
	b.post("/merchants", "/merchants", "name", " ").want(t, 422)

	b.follow(b.post(page, page, "name", "Toko Lama", "call_rate", "250", "token_url", "https://shop.test/token", "faspay_return_url", "https://shop.test/back")).want(t, 200, "Toko Lama", "https://shop.test/token", `value="250"`)
	for _, rate := range []string{"", "99", "-1", "x"} {
		b.post(page, page, "name", "x", "call_rate", rate).want(t, 422)
	}
	for _, address := range []string{"ftp://shop.test", "javascript:alert(1)", "https://", "https://me:secret@shop.test/"} {
		b.post(page, page, "name", "x", "call_rate", "0", "notification_url", address).want(t, 422, "An address begins with")
	}
	if now := must(o.Merchant(t.Context(), m.ID))(t); now.Name != "Toko Lama" || now.DOKU.SecretKey != m.DOKU.SecretKey || now.Faspay.ReturnURL != "https://shop.test/back" || now.Faspay.Password != m.Faspay.Password {
		t.Errorf("changed to %+v", now)
	}

	p = b.post(page, page+"/rotate", "hours", "24").want(t, 200, "This is shown once", "goes on verifying until")
	now := must(o.Merchant(t.Context(), m.ID))(t)
	if got := now.DOKU.VerifyingKeys(o.clock.Now().Add(23 * time.Hour)); len(got) != 2 || !strings.Contains(p.html, got[0]) || got[1] != m.DOKU.SecretKey {
		t.Errorf("keys %q", got)
	}
	if got := now.DOKU.VerifyingKeys(o.clock.Now().Add(25 * time.Hour)); len(got) != 1 {
		t.Errorf("keys after a day: %q", got)
	}
	b.post(page, page+"/rotate", "hours", "0", "which", "faspay").want(t, 200, "Faspay password").lacks(t, "goes on verifying until")
	if now := must(o.Merchant(t.Context(), m.ID))(t); now.Faspay.Password == m.Faspay.Password || len(now.Faspay.VerifyingPasswords(o.clock.Now())) != 1 {
		t.Errorf("passwords %q", now.Faspay.VerifyingPasswords(o.clock.Now()))
	}
	for _, hours := range []string{"", "-1", "721", "x"} {
		b.post(page, page+"/rotate", "hours", hours).want(t, 422, "Choose how long")
	}
}

// A merchant's public key is replaced with an overlap. What cannot verify, and the same
// key again, change nothing.
func TestPublicKeyIsReplaced(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	b := o.as(gateway.RoleOperator)
	page := "/merchants/" + string(o.mine.ID)
	keys := func(after time.Duration) []string {
		return must(o.Merchant(t.Context(), o.mine.ID))(t).DOKU.VerifyingPublicKeys(o.clock.Now().Add(after))
	}
	first, second, weak := publicKey(t, 2048), publicKey(t, 2048), publicKey(t, 1024)
	b.follow(b.post(page, page+"/public-key", "public_key", first, "hours", "0")).want(t, 200, "registered").lacks(t, "The public key before")
	b.follow(b.post(page, page+"/public-key", "public_key", strings.ReplaceAll(second, "\n", "\r\n"), "hours", "24")).want(t, 200, "The public key before goes on verifying until")
	both := []string{strings.TrimSpace(second), strings.TrimSpace(first)}
	for _, wrong := range []string{"-----BEGIN NOTHING-----", weak, second + first} {
		b.post(page, page+"/public-key", "public_key", wrong, "hours", "24").want(t, 422, "no RSA public key")
	}
	b.post(page, page+"/public-key", "public_key", second, "hours", "0").want(t, 422, "the current one already")
	b.post(page, page+"/public-key", "public_key", first, "hours", "721").want(t, 422, "Choose how long")
	if got := keys(23 * time.Hour); !slices.Equal(got, both) {
		t.Errorf("verify %q", got)
	}
	if got := keys(25 * time.Hour); !slices.Equal(got, both[:1]) {
		t.Errorf("verify after a day %q", got)
	}
	b.follow(b.post(page, page+"/public-key", "public_key", " ", "hours", "0"))
	if got := keys(0); !slices.Equal(got, []string{""}) {
		t.Errorf("taken away, and verify %q", got)
	}
}

func publicKey(t testing.TB, bits int) string {
	t.Helper()
	key := must(rsa.GenerateKey(rand.Reader, bits))(t)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(&key.PublicKey))(t)}))
}

func TestUsersPage(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	b := o.as(gateway.RoleOperator)
	p := b.post("/users", "/users", "name", "Dewi", "role", "merchant", "merchant", string(o.mine.ID)).want(t, 200, "First password", "This is shown once")
	first := regexp.MustCompile(`class="copy secret">([^<]+)<`).FindStringSubmatch(p.html)
	dewi := o.browser()
	dewi.signIn("dewi", first[1]).want(t, http.StatusSeeOther)
	for _, tc := range [][3]string{{"Dewi", "viewer", ""}, {"d", "viewer", ""}, {"with blanks", "viewer", ""}, {"x1", "king", ""}, {"x2", "merchant", ""}, {"x3", "merchant", "mch_none"}} {
		if got := b.post("/users", "/users", "name", tc[0], "role", tc[1], "merchant", tc[2]).status; got != 422 && got != 404 {
			t.Errorf("%q: HTTP %d", tc, got)
		}
	}
	b.get("/users").want(t, 200, "dewi", "operator@gerbang.test", "Disable").lacks(t, "x3")
	b.post("/users", "/users/usr_none", "action", "disable").want(t, 404)
	b.post("/users", "/users/"+string(must(o.Users(t.Context(), "", 1))(t)[0].ID), "action", "promote").want(t, 422)
}

func TestLedgerAndAudit(t *testing.T) {
	t.Parallel()
	o := open(t, options{sandbox: true}).seed()
	b := o.browser()
	for range 2 { // before the tally and after
		b.get("/ledger").want(t, 200, "Rp1.000.000", "Off by", "Rp0", "receivable:"+string(o.mine.ID)+":points")
		o.clock.Advance(5 * time.Minute)
		must(o.Tally(t.Context()))(t)
	}
	b.get("/ledger?account=topup:cash").want(t, 200, "top up").lacks(t, "receivable:")
	b.get("/ledger?account=wallet:"+string(o.wallet.ID)+":points").want(t, 200, "issuance:points", "receivable:"+string(o.mine.ID)+":points")
	b.get("/ledger?account=receivable:"+string(o.other.ID)+":cash").want(t, 200, "receivable:"+string(o.other.ID)+":cash").lacks(t, string(o.mine.ID))
	b.get("/ledger?kind=refund").want(t, 200, "Nothing matches.")
	b.get("/ledger/"+o.mine.paid.TransferID).want(t, 200, "/backoffice/payments/"+string(o.mine.paid.ID), "-Rp50.000")
	b.get("/ledger/trf_none").want(t, 404)
	b.post("/audit", "/audit").want(t, 200, "The books balance", "I01", "holds").lacks(t, "broken")
}

func TestOverviewCounts(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	operator, merchant := o.as(gateway.RoleOperator), o.as(gateway.RoleMerchant)
	for _, span := range []string{"24h", "7d", "30d", "90d"} {
		operator.get("/?span="+span).want(t, 200, "<dd>4</dd>", "50.0%", "Rp100.000", "insufficient funds")
		merchant.get("/?span="+span).want(t, 200, "<dd>2</dd>", "50.0%", "Rp50.000")
	}
	o.clock.Advance(5 * time.Minute)
	must(o.Tally(t.Context()))(t)
	operator, merchant = o.as(gateway.RoleOperator), o.as(gateway.RoleMerchant)
	operator.get("/").want(t, 200, "<dd>4</dd>", "50.0%", "Rp100.000", "insufficient funds", "acknowledged at once: ")
	merchant.get("/").want(t, 200, "<dd>2</dd>")
}

// Both languages have every page.
func TestIndonesian(t *testing.T) {
	t.Parallel()
	o := open(t, options{sandbox: true}).seed()
	b := o.browser()
	b.get("/?lang=id").want(t, 200, `<html lang="id">`, "Ringkasan", "Pembayaran dari waktu ke waktu", "50,0%")
	b.get("/payments").want(t, 200, "berhasil", "menunggu pelanggan", "saldo tidak cukup")
	b.get("/?lang=en").want(t, 200, "Overview")
	b.get("/nothing").want(t, 404, "Not found")
}
