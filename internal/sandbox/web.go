package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
)

//go:embed web
var web embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"rupiah": money.Amount.Rupiah,
	"clock":  wallTime,
}).ParseFS(web, "web/*.html"))

// wallTime is a time as the wallets' owners read it.
func wallTime(t time.Time) string { return t.In(westernTime).Format("15:04:05 WIB") }

var westernTime = time.FixedZone("WIB", 7*60*60)

// pagePolicy is the Content-Security-Policy of every page: what is not served from
// here is not loaded, asked or sent to, and no script stands in the markup.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; img-src 'self' data:; " +
	"frame-ancestors 'none'; base-uri 'none'"

func secure(header http.Header) {
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}

func (s *Sandbox) mountPages(mux *http.ServeMux) {
	for pattern, handle := range map[string]func(*visit) error{
		"GET /{$}": (*visit).welcome,

		"GET /phone/{phone}":               (*visit).phone,
		"GET /phone/{phone}/live":          (*visit).phoneLive,
		"GET /phone/{phone}/events":        (*visit).phoneEvents,
		"POST /phone/{phone}/prompts/{id}": (*visit).answerPrompt,
		"POST /phone/{phone}/links/{id}":   (*visit).unlinkMerchant,
		"POST /phone/{phone}/topup":        (*visit).topUp,
		"/phone/":                          (*visit).nothing,

		"GET /simulator/ovo":  (*visit).simulator,
		"POST /simulator/ovo": (*visit).simulate,
		"/simulator/":         (*visit).nothing,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.visit(w, r, handle) })
	}
	for name, kind := range map[string]string{"page.css": "text/css; charset=utf-8", "phone.js": "text/javascript; charset=utf-8"} {
		content, err := web.ReadFile("web/" + name)
		if err != nil { // embedded
			panic(err)
		}
		mux.HandleFunc("GET /sandbox/assets/"+name, func(w http.ResponseWriter, _ *http.Request) {
			secure(w.Header())
			w.Header().Set("Content-Type", kind)
			w.Write(content)
		})
	}
}

// visit is one request for one page.
type visit struct {
	*Sandbox
	w    http.ResponseWriter
	r    *http.Request
	text *texts
	form url.Values // of a POST
}

func (s *Sandbox) visit(w http.ResponseWriter, r *http.Request, handle func(*visit) error) {
	secure(w.Header())
	query := r.URL.Query()
	v := &visit{Sandbox: s, w: w, r: r, text: chooseLanguage(query.Get("lang"), r.Header.Get("Accept-Language"))}
	if r.Method == http.MethodPost {
		if !sameOrigin(r) {
			v.problem(http.StatusForbidden, v.text.Foreign)
			return
		}
		var ok bool
		if v.form, ok = readForm(w, r); !ok {
			v.problem(http.StatusBadRequest, v.text.BadRequest)
			return
		}
	}
	if err := handle(v); err != nil {
		v.fail(err)
	}
}

// sameOrigin reports whether a form was sent by one of these pages, as far as the
// browser says. Old ones do not.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return false
}

// maxForm bounds a form's body; real ones have a hundred bytes.
const maxForm = 4 << 10

// readForm reads a form in which every field is given once.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	for _, values := range form {
		if len(values) > 1 {
			return nil, false
		}
	}
	return form, err == nil
}

// fail answers what could not be served.
func (v *visit) fail(err error) {
	p := v.problemOf(v.r, err) // logs what is worth it
	switch {
	case p.Status == http.StatusNotFound:
		v.problem(p.Status, v.text.NotFound)
	case p.Status == http.StatusTooManyRequests, p.Status == http.StatusServiceUnavailable:
		v.w.Header().Set("Retry-After", "1")
		v.problem(http.StatusServiceUnavailable, v.text.Unavailable)
	case p.Status < 500:
		v.problem(p.Status, v.text.BadRequest)
	default:
		v.problem(http.StatusInternalServerError, v.text.Broken)
	}
}

func (v *visit) nothing() error {
	v.problem(http.StatusNotFound, v.text.NotFound)
	return nil
}

// frame is what every page has around its content.
type frame struct {
	Text, Other *texts
	Title       string
	OtherURL    string // the page in the other language
	Live        bool   // the page has a script
}

// frame makes one for the page at path; query is what names its content besides
// the language.
func (v *visit) frame(title, path string, query url.Values) frame {
	other := url.Values{}
	for name, values := range query {
		other[name] = values
	}
	other.Set("lang", v.text.other().Lang)
	return frame{Text: v.text, Other: v.text.other(), Title: title, OtherURL: path + "?" + other.Encode()}
}

type problemScreen struct {
	frame
	Body string
}

func (v *visit) problem(status int, p problemText) {
	v.render(status, "problem", problemScreen{v.frame(p.Heading, "/", nil), p.Body})
}

func (v *visit) render(status int, name string, screen any) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name+".html", screen); err != nil {
		panic(err) // the templates are embedded and every screen is tested
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	v.w.Write(body.Bytes())
}

// again sends the browser to a page, so that a reload repeats no step.
func (v *visit) again(path string, query url.Values) {
	query.Set("lang", v.text.Lang)
	v.w.Header().Set("Location", path+"?"+query.Encode())
	v.w.WriteHeader(http.StatusSeeOther)
}

// phoneNamed reads a phone number that a visitor or a form named.
func (v *visit) phoneNamed(text string) (gateway.Phone, error) {
	phone, ok := gateway.ParsePhone(strings.TrimSpace(text))
	if !ok {
		return "", &gateway.Error{Code: gateway.NotFound}
	}
	return phone, openMagic(v.r.Context(), v.Gateway, phone)
}

// maxListed bounds lists of wallets and merchants on a page.
const maxListed = 50

type call struct{ Does, Command string }

type welcomeScreen struct {
	frame
	BaseURL, Version, Database string
	Merchants                  []gateway.Merchant
	Wallets                    []gateway.Wallet
	MoreWallets                int
	Calls                      []call
	Magic                      []magicView
}

func (v *visit) welcome() error {
	ctx := v.r.Context()
	merchants, err := v.Gateway.Merchants(ctx)
	if err != nil {
		return err
	}
	wallets, err := v.Gateway.Wallets(ctx)
	if err != nil {
		return err
	}
	s := welcomeScreen{
		frame: v.frame(v.text.WelcomeTitle, "/", nil), BaseURL: v.BaseURL, Version: v.Version, Database: v.Database,
		Merchants: merchants[:min(len(merchants), maxListed)], Wallets: wallets[:min(len(wallets), maxListed)],
		MoreWallets: len(wallets) - min(len(wallets), maxListed), Magic: magicViews(),
	}
	api := v.BaseURL + "/sandbox/v1"
	for i, command := range [len(v.text.Calls)]string{
		"curl " + api + "/wallets",
		"curl -d '{\"by\":\"71s\"}' " + api + "/clock/advance",
		"curl -d '{\"outcome\":{\"ovo_code\":\"61\"}}' " + api + "/scenarios",
		"curl " + api + "/requests",
		"curl -X POST " + api + "/audit",
		"curl -X POST " + api + "/reset",
	} {
		s.Calls = append(s.Calls, call{v.text.Calls[i], command})
	}
	v.render(http.StatusOK, "welcome", s)
	return nil
}
