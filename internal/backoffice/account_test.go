package backoffice_test

import (
	"bytes"
	"html"
	"image/png"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	qr "github.com/piglig/go-qr"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

func TestSecondFactorPages(t *testing.T) {
	t.Parallel()
	o := open(t, options{baseURL: "http://127.0.0.1"}).seed()
	u := o.member(gateway.RoleSupport)
	b := o.as(gateway.RoleSupport)
	b.get("/account").want(t, 200, "Second factor", "none", "Set up").lacks(t, "Set up anew")
	b.post("/account", "/account/second-factor", "old", "wrong").want(t, 422, "The password until now is another.").lacks(t, "otpauth")
	b.post("/account", "/account/second-factor/confirm", "code", "123456").want(t, 422, "begin anew")
	p := b.post("/account", "/account/second-factor", "old", password).want(t, 200, "This key is shown once", "<svg class=\"qr\"")
	link := html.UnescapeString(regexp.MustCompile(`href="(otpauth:[^"]+)"`).FindStringSubmatch(p.html)[1])
	parsed := must(url.Parse(link))(t)
	key := shownKey.FindStringSubmatch(p.html)[1]
	if q := parsed.Query(); parsed.Path != "/Gerbang 127.0.0.1:"+u.Name || q.Get("secret") != strings.ReplaceAll(key, " ", "") || q.Get("issuer") != "Gerbang 127.0.0.1" ||
		q.Get("digits") != "6" || q.Get("period") != "30" || q.Get("algorithm") != "SHA1" || strings.Contains(link, "+") {
		t.Errorf("for the app: %s", link)
	}
	b.post("/account", "/account/second-factor/confirm", "code", "000000").want(t, 422, "The code is wrong", "Code from your app").lacks(t, key)
	p = b.post("/account", "/account/second-factor/confirm", "code", o.code(key)).want(t, 200, "Recovery codes", "From now on")
	var recovery []string
	for _, m := range shownCodes.FindAllStringSubmatch(p.html, -1) {
		recovery = append(recovery, m[1])
	}
	if len(recovery) != 10 {
		t.Fatalf("recovery codes %q", recovery)
	}
	b.get("/account").want(t, 200, "Set up anew", "<dd>10</dd>").lacks(t, key, recovery[0])
	o.clock.Advance(gateway.FactorPeriod)

	// The same page says no, whatever was wrong.
	stranger := o.browser()
	plain := func(p page) string { return tokenField.ReplaceAllString(p.html, "") }
	wrong := plain(stranger.signInWith(u.Name, "wrong", o.code(key)).want(t, 422, "locked for 15 minutes"))
	if got := plain(stranger.signInWith(u.Name, password, "").want(t, 422)); got != wrong {
		t.Errorf("the right password is told from a wrong one: %s", got)
	}
	stranger.signInWith(u.Name, password, o.code(key)).want(t, http.StatusSeeOther)
	lost := o.browser()
	p = lost.signInWith(u.Name, password, recovery[0])
	lost.follow(p).want(t, 200, "You signed in with a recovery code", "<dd>9</dd>")

	// Everything is in the trail, and an operator helps who has lost the phone.
	operator := o.as(gateway.RoleOperator)
	operator.post("/users", "/users/"+string(u.ID), "action", "reset-factor").want(t, http.StatusSeeOther)
	if p := lost.get("/payments"); p.status != http.StatusSeeOther {
		t.Errorf("signed in after the reset: HTTP %d", p.status)
	}
	lost.signIn(u.Name, password).want(t, http.StatusSeeOther)
	var seen []string
	for _, e := range slices.Backward(must(o.Trail(t.Context(), gateway.TraceFilter{}, 100))(t)) {
		if strings.Contains(e.Action, "factor") || strings.Contains(e.Action, "recovery") || strings.Contains(e.Outcome, "wrong") {
			seen = append(seen, e.UserName+" "+e.Action+": "+e.Outcome)
			if strings.Contains(e.Detail, recovery[0]) || strings.Contains(e.Detail, key) {
				t.Errorf("a secret in the trail: %+v", e)
			}
		}
	}
	want := []string{
		u.Name + " begin second factor: wrong password", u.Name + " confirm second factor: expired", u.Name + " begin second factor: done",
		u.Name + " confirm second factor: wrong code", u.Name + " confirm second factor: done",
		u.Name + " sign in: wrong password", u.Name + " sign in: wrong code", u.Name + " recovery code: done",
		"operator@gerbang.test reset second factor: done",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("the trail has %q, want %q", seen, want)
	}
}

// Where a second factor is demanded, nothing can be done without, by whoever has the
// role, on any route.
func TestSecondFactorIsDemanded(t *testing.T) {
	t.Parallel()
	o := open(t, options{factor: gateway.DemandOperators}).seed()
	o.as(gateway.RoleViewer).get("/payments").want(t, 200)
	b := o.as(gateway.RoleOperator)
	for pattern, rule := range access(o) {
		if strings.Contains(rule.path, "/sign-") || strings.HasPrefix(rule.path, "/account") {
			continue
		}
		send := func() page { return b.get(rule.path) }
		if strings.HasPrefix(pattern, "POST ") {
			token := b.token("/account")
			send = func() page { return b.do(b.request(rule.path, url.Values{"token": {token}})) }
		}
		if p := send(); p.status != http.StatusSeeOther || p.location != "/account" {
			t.Errorf("%s: HTTP %d to %q", pattern, p.status, p.location)
		}
	}
	b.get("/account").want(t, 200, "Set it up to go on").lacks(t, "<nav>")
	key, _ := b.enrol()
	b.get("/users").want(t, 200, "set up")
	again := o.browser()
	again.signInWith(o.member(gateway.RoleOperator).Name, password, o.code(key)).want(t, http.StatusSeeOther)
	again.get("/users").want(t, 200)
}

func TestSessionsPage(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	agent := func(text string) *browser {
		b := o.browser()
		b.agent = text
		b.signIn(o.member(gateway.RoleViewer).Name, password).want(t, http.StatusSeeOther)
		o.clock.Advance(time.Second)
		return b
	}
	phone := agent("Mozilla/5.0 (Linux; Android 14; SM-A546E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36")
	laptop := agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0")
	here := agent("<script>alert(1)</script>")
	p := here.get("/account").want(t, 200, "Chrome, Android", "Firefox, Windows", "Here", "All but this one", "127.0.0.1").lacks(t, "alert(1)", "SM-A546E")
	digests := regexp.MustCompile(`name="session" value="([^"]{64,})"`).FindAllStringSubmatch(p.html, -1)
	if len(digests) != 2 {
		t.Fatalf("sessions %q", digests)
	}
	end := func(b *browser, old, which string) page {
		return b.post("/account", "/account/sessions", "old", old, "session", which)
	}
	end(here, password, "").want(t, 422, "Choose which")
	end(here, "wrong", digests[0][1]).want(t, 422, "The password until now is another.")
	end(here, password, strings.Repeat("0", 64)).want(t, 422, "that session has ended already")
	for _, b := range []*browser{phone, laptop} {
		b.get("/payments").want(t, 200)
	}
	here.follow(end(here, password, digests[0][1])).want(t, 200, "The session was ended.", "Chrome, Android").lacks(t, "Firefox, Windows") // last used first
	laptop.get("/payments").want(t, http.StatusSeeOther)
	phone.get("/payments").want(t, 200)
	here.follow(end(here, password, "others")).lacks(t, "Chrome, Android", "All but this one")
	phone.get("/payments").want(t, http.StatusSeeOther)
	here.get("/payments").want(t, 200)
}

// A person sets the second factor up on a small screen, by key and by picture, and
// signs in with it.
func TestSecondFactorInBrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("drives Chromium")
	}
	o := open(t, options{factor: gateway.DemandEverybody}).seed()
	c := o.chromium()
	c.run(chromedp.EmulateViewport(360, 740))
	c.signIn(o.member(gateway.RoleOperator))
	c.shows("Set it up to go on")
	c.fits("account that owes a second factor")
	c.submit("#factor-old", password)
	c.shows("This key is shown once")
	c.fits("factor")
	c.picture("factor-phone")
	key := c.eval(`document.querySelector(".secret").innerText`)
	for _, scheme := range []string{"light", "dark"} {
		c.scheme(scheme)
		picture := must(png.Decode(bytes.NewReader(must(chromedp.Run(c, chromedp.Screenshot(chromedp.CSS(".qr"))))(t))))(t)
		text, err := qr.Decode(picture)
		if err != nil || !strings.Contains(text, "secret="+strings.ReplaceAll(key, " ", "")) {
			t.Errorf("in %s the picture says %q, %v", scheme, text, err)
		}
	}
	c.picture("factor-dark")
	c.scheme("light")
	c.submit("#code", o.code(key))
	c.shows("Recovery codes", "keep them where the phone is not")
	c.fits("recovery")
	c.picture("recovery-phone")
	recovery := c.eval(`document.querySelector(".codes code").innerText`)
	o.clock.Advance(gateway.FactorPeriod)
	if _, err := chromedp.RunResponse(c, chromedp.Click(chromedp.CSS("main .button"))); err != nil {
		t.Fatal(err)
	}
	c.shows("Payments over time")
	signOut := func() {
		t.Helper()
		if _, err := chromedp.RunResponse(c, chromedp.Click(chromedp.CSS(".corner button"))); err != nil {
			t.Fatal(err)
		}
	}
	signOut()
	name := o.member(gateway.RoleOperator).Name
	signIn := func(code string) {
		t.Helper()
		c.open("/sign-in")
		c.enter("#name", name)
		c.enter("#password", password)
		c.submit("#code", code)
	}
	signIn("000000")
	c.shows("The name, the password or the code is wrong.")
	signIn(o.code(key))
	c.shows("Payments over time")
	signOut()
	signIn(strings.ToUpper(recovery))
	c.shows("You signed in with a recovery code", "9")
	c.fits("account with a second factor")
	c.picture("account-phone")
	o.clock.Advance(gateway.FactorPeriod)
	o.browser().signInWith(name, password, o.code(key)).want(t, http.StatusSeeOther)
	c.open("/account")
	c.run(chromedp.Click(chromedp.CSS("[value=others]")))
	c.picture("sessions-phone")
	c.submit("#end-old", password)
	c.shows("The session was ended.")
	c.quiet()
}
