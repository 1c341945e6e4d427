package backoffice

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/web"
)

// visit is one request of one person.
type visit struct {
	*Office
	w     http.ResponseWriter
	r     *http.Request
	lang  web.Language
	words vocabulary
	user  gateway.User
	desk  gateway.Desk
	token string     // of the session, "" without one
	seed  string     // secret of the browser, from which its forms' token is made
	form  url.Values // of a POST
}

// localUser is who visits where nobody signs in.
var localUser = gateway.User{Name: "local operator", Role: gateway.RoleOperator}

// maxForm bounds a form's body. The largest field is a public key.
const maxForm = 16 << 10

func (o *Office) visit(w http.ResponseWriter, r *http.Request, rt route) {
	web.Secure(w.Header())
	// Without any referrer, browsers send forms with the origin "null", and then it
	// could not be told from that of a page elsewhere.
	w.Header().Set("Referrer-Policy", "same-origin")
	lang := web.ChooseLanguage(w, r, o.secure)
	v := &visit{Office: o, w: w, r: r, lang: lang, words: words(lang)}
	if err := v.serve(rt); err != nil {
		v.fail(err)
	}
}

func (v *visit) serve(rt route) error {
	known, err := v.identify()
	if err != nil {
		return err
	}
	switch {
	case rt.needs == public:
	case !known:
		v.toSignIn()
		return nil
	case !v.May(rt.needs):
		v.Log.Warn("backoffice: not allowed", "user", v.user.Name, "role", v.user.Role, "method", v.r.Method, "path", v.r.URL.Path, "address", v.Address(v.r))
		v.problem(http.StatusForbidden, "Not allowed", "Your role does not allow this. An operator can do it, or give you another role.")
		return nil
	case v.owing() && rt.needs != signedIn:
		v.redirect("/account", nil)
		return nil
	}
	if v.r.Method == http.MethodPost {
		var ok bool
		if v.form, ok = web.ReadForm(v.w, v.r, maxForm); !ok {
			v.problem(http.StatusBadRequest, "Not understood", "The form is incomplete or too large. Go back and send it again.")
			return nil
		}
		if !v.ownForm() {
			v.Log.Warn("backoffice: a form from elsewhere", "user", v.user.Name, "path", v.r.URL.Path, "origin", v.r.Header.Get("Origin"), "address", v.Address(v.r))
			v.problem(http.StatusForbidden, "Not sent from here", "This form was not sent from a page of the back office, or that page is too old. Go back, reload it and send it again.")
			return nil
		}
	}
	v.desk = v.Gateway.Desk(v.user.Merchant)
	return rt.handle(v)
}

// identify finds out who visits, and reports whether they have signed in.
func (v *visit) identify() (bool, error) {
	if cookie, err := v.r.Cookie(v.cookieName()); err == nil {
		v.seed = cookie.Value
	}
	if !v.SignIn {
		v.user = localUser
		v.plantSeed()
		return true, nil
	}
	if v.seed == "" {
		return false, nil
	}
	user, err := v.Gateway.SessionUser(v.r.Context(), v.seed)
	if errors.Is(err, gateway.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	v.user, v.token = user, v.seed
	return true, nil
}

// owing reports whether the visitor must see to their own account before anything else.
func (v *visit) owing() bool { return v.user.Temporary || v.SignIn && v.Gateway.OwesFactor(v.user) }

// May reports whether the visitor's role has a right.
func (v *visit) May(r right) bool { return slices.Contains(rights[v.user.Role], r) }

// UserName, Role and Temporary are what pages say of the visitor.
func (v *visit) UserName() string   { return v.user.Name }
func (v *visit) Role() gateway.Role { return v.user.Role }
func (v *visit) Temporary() bool    { return v.user.Temporary }

// cookieName is a name that a page of another host of the domain cannot plant,
// where there is TLS.
func (o *Office) cookieName() string {
	if o.secure {
		return "__Host-gerbang-office"
	}
	return "gerbang-office"
}

func (v *visit) setCookie(value string, life time.Duration) {
	http.SetCookie(v.w, &http.Cookie{
		Name: v.cookieName(), Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteStrictMode,
	})
}

// plantSeed gives a browser that has not signed in a secret for its forms.
func (v *visit) plantSeed() {
	if v.seed == "" {
		raw := make([]byte, 32)
		rand.Read(raw)
		v.seed = base64.RawURLEncoding.EncodeToString(raw)
		v.setCookie(v.seed, gateway.SessionLife)
	}
}

// FormToken proves that a form comes from a page that was made for this browser.
func (v *visit) FormToken() string {
	mac := hmac.New(sha256.New, []byte(v.seed))
	mac.Write([]byte("gerbang back office form"))
	return hex.EncodeToString(mac.Sum(nil))
}

// ownForm reports whether a form was sent from a page made for this browser.
func (v *visit) ownForm() bool {
	if origin := v.r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Host != v.r.Host && u.Host != v.host {
			return false
		}
	}
	return v.seed != "" && web.SameOrigin(v.r) && hmac.Equal([]byte(v.form.Get("token")), []byte(v.FormToken()))
}

func connectionAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// act does something that changes the world, and leaves a trace of it.
func (v *visit) act(action, subject, detail string, do func() error) error {
	return v.Gateway.Act(v.r.Context(), gateway.Trace{
		User: v.user.ID, UserName: v.user.Name, Merchant: v.user.Merchant, Action: action, Subject: subject, Detail: detail, Address: v.Address(v.r),
	}, do)
}

// redirect sends the browser to a page of the back office.
func (v *visit) redirect(path string, query url.Values) {
	target := root + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	v.w.Header().Set("Location", target)
	v.w.WriteHeader(http.StatusSeeOther)
}

// done sends the browser back to a page that says what was done, so that a reload
// does it no second time.
func (v *visit) done(path, what string) { v.redirect(path, url.Values{"done": {what}}) }

// deeds are what a page may be asked to say was done.
var deeds = map[string]string{
	"refunded":   "The refund was made.",
	"resent":     "The notification is being sent again.",
	"changed":    "The change was saved.",
	"password":   "Your password was changed.",
	"unfactored": "The second factor was taken away. The user sets up a new one after signing in.",
	"ended":      "The session was ended.",
	"recovery":   "You signed in with a recovery code. It serves no second time.",
	"disabled":   "The user can no longer sign in.",
	"enabled":    "The user can sign in again.",
}

// frame is what every screen has.
type frame struct {
	web.Frame
	Visit   *visit
	Done    string
	Refused string
	More    string // address of the next piece of a list
	First   string // address of the first piece, on a later one
}

func (v *visit) frame(title string) frame {
	query := v.r.URL.Query()
	f := frame{Visit: v, Frame: web.Frame{
		Lang: v.lang, Title: title, OtherURL: v.lang.InOther(v.here(), query), Home: web.Link{URL: root + "/", Text: v.words.t("Back office")}, Class: "wide",
	}}
	if deed, ok := deeds[query.Get("done")]; ok {
		f.Done = v.words.t(deed)
	}
	if !v.SignIn {
		f.Banner = v.words.t("Sandbox: everybody who can open this page is an operator")
	}
	if v.owing() {
		return f
	}
	for _, n := range navigation {
		if v.May(n.needs) {
			path := strings.TrimPrefix(v.here(), root)
			current := path == n.path || n.path != "/" && strings.HasPrefix(path, n.path+"/")
			f.Nav = append(f.Nav, web.Link{URL: root + n.path, Text: v.words.t(n.text), Current: current})
		}
	}
	return f
}

// here is the path of the page that is shown; a form's answer is shown in its place.
func (v *visit) here() string {
	if v.r.Method == http.MethodGet {
		return v.r.URL.Path
	}
	return root + "/"
}

// paged fills in where a list goes on.
func (f *frame) paged(v *visit, more string) {
	query := v.r.URL.Query()
	query.Del("done")
	if query.Has("before") {
		query.Del("before")
		f.First = v.here() + "?" + query.Encode()
	}
	if more != "" {
		query.Set("before", more)
		f.More = v.here() + "?" + query.Encode()
	}
}

func (v *visit) render(status int, name string, screen any) {
	web.Render(v.w, status, v.templates[v.lang], name, screen)
}

type problemScreen struct {
	frame
	Body string
}

func (v *visit) problem(status int, title, body string) {
	v.render(status, "problem.html", problemScreen{v.frame(v.words.t(title)), v.words.t(body)})
}

// fail answers what could not be served.
func (v *visit) fail(err error) {
	switch code := gateway.ErrorCode(err); {
	case errors.Is(err, gateway.NotFound), code == gateway.WalletUnknown:
		v.problem(http.StatusNotFound, "Not found", "There is nothing here, or you may not see it.")
	case code == gateway.Busy, code == gateway.Unavailable:
		v.Log.Error("backoffice: unavailable", "path", v.r.URL.Path, "error", err)
		v.w.Header().Set("Retry-After", "1")
		v.problem(http.StatusServiceUnavailable, "Busy", "There is too much to do right now, or the database does not answer. Try again in a moment.")
	case v.r.Context().Err() != nil: // nobody is there to read an answer
	case code != gateway.Internal:
		v.problem(http.StatusUnprocessableEntity, "Not possible", v.why(err))
	default:
		v.Log.Error("backoffice: failed", "method", v.r.Method, "path", v.r.URL.Path, "error", err)
		v.problem(http.StatusInternalServerError, "Something went wrong", "Something went wrong here. The server's log says what.")
	}
}

// refused is what to tell a person whose step the gateway refused, or "" when it
// failed for another reason.
func (v *visit) refused(err error) string {
	switch gateway.ErrorCode(err) {
	case gateway.Internal, gateway.NotFound, gateway.Busy, gateway.Unavailable:
		return ""
	}
	return v.why(err)
}

// why is a refusal in words, with the detail that the gateway gave.
func (v *visit) why(err error) string {
	var refusal *gateway.Error
	if !errors.As(err, &refusal) {
		return v.words.t(err.Error())
	}
	text := v.words.t(refusal.Code.Error())
	// Details are English; where they have no translation the code must do.
	if _, translated := v.words[refusal.Detail]; refusal.Detail != "" && (translated || v.lang == web.English) {
		text += ": " + v.words.t(refusal.Detail)
	}
	return text
}
