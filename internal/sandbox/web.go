package sandbox

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/web"
)

//go:embed html
var files embed.FS

var templates = web.Templates(template.FuncMap{
	"rupiah": money.Amount.Rupiah,
	"clock":  wallTime,
	"moment": wallMoment,
	"ms":     milliseconds,
	"tone":   tone,
}, files, "html/*.html")

// tone is the colour of a state.
func tone(state any) string {
	switch state {
	case gateway.PaymentSucceeded, gateway.NotificationDelivered:
		return "good"
	case gateway.PaymentAwaiting, gateway.PaymentUncertain, gateway.NotificationQueued:
		return "wait"
	}
	return "bad"
}

// wallTime is a time as the wallets' owners read it.
func wallTime(t time.Time) string { return t.In(westernTime).Format("15:04:05 WIB") }

// wallMoment is a time with its day.
func wallMoment(t time.Time) string { return t.In(westernTime).Format("2006-01-02 15:04:05 WIB") }

var westernTime = time.FixedZone("WIB", 7*60*60)

func (s *Sandbox) mountPages(mux *http.ServeMux) {
	for pattern, handle := range map[string]func(*visit) error{
		"GET /{$}":                  (*visit).welcome,
		"GET /sandbox/live/calls":   (*visit).liveCalls,
		"GET /sandbox/live/journey": (*visit).liveJourney,
		"POST /sandbox/journey":     (*visit).startJourney,
		"GET /sandbox/events":       (*visit).events,

		"GET /phones":                      (*visit).phones,
		"GET /phone/{phone}":               (*visit).phone,
		"GET /phone/{phone}/live":          (*visit).phoneLive,
		"GET /phone/{phone}/history":       (*visit).history,
		"POST /phone/{phone}/prompts/{id}": (*visit).answerPrompt,
		"POST /phone/{phone}/links/{id}":   (*visit).unlinkMerchant,
		"POST /phone/{phone}/topup":        (*visit).topUp,
		"/phone/":                          (*visit).nothing,

		"GET /requests":           (*visit).calls,
		"GET /requests/live":      (*visit).callsLive,
		"GET /requests/{id}":      (*visit).call,
		"GET /requests/{id}/live": (*visit).callLive,

		"GET /payments":                     (*visit).payments,
		"GET /payments/live":                (*visit).paymentsLive,
		"GET /payments/{id}":                (*visit).payment,
		"GET /payments/{id}/live":           (*visit).paymentLive,
		"POST /payments/{id}/notifications": (*visit).receiveHere,

		"GET /simulator/ovo":  (*visit).simulator,
		"POST /simulator/ovo": (*visit).simulate,
		"/simulator/":         (*visit).nothing,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.visit(w, r, handle) })
	}
}

// visit is one request for one page.
type visit struct {
	*Sandbox
	w    http.ResponseWriter
	r    *http.Request
	lang web.Language
	text *texts
	form url.Values // of a POST
}

// maxForm bounds a form's body; real ones have a hundred bytes.
const maxForm = 4 << 10

func (s *Sandbox) visit(w http.ResponseWriter, r *http.Request, handle func(*visit) error) {
	web.Secure(w.Header())
	lang := web.ChooseLanguage(w, r, false)
	v := &visit{Sandbox: s, w: w, r: r, lang: lang, text: words[lang]}
	if r.Method == http.MethodPost {
		if !web.SameOrigin(r) {
			v.problem(http.StatusForbidden, v.text.Foreign)
			return
		}
		var ok bool
		if v.form, ok = web.ReadForm(w, r, maxForm); !ok {
			v.problem(http.StatusBadRequest, v.text.BadRequest)
			return
		}
	}
	if err := handle(v); err != nil {
		v.fail(err)
	}
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

// frame is what every page has around its content, with its words.
type frame struct {
	web.Frame
	Text *texts
}

// frame makes one for the page at path; query is what names its content besides
// the language.
func (v *visit) frame(title, path string, query url.Values) frame {
	t := v.text
	nav := []web.Link{
		{URL: "/", Text: t.Home}, {URL: "/phones", Text: t.Phones}, {URL: "/requests", Text: t.Calls.Nav}, {URL: "/payments", Text: t.Story.Nav},
		{URL: "/simulator/ovo", Text: t.Simulator},
	}
	for i := range nav {
		nav[i].Current = path == nav[i].URL || nav[i].URL != "/" && strings.HasPrefix(path, nav[i].URL+"/")
	}
	nav[1].Current = nav[1].Current || strings.HasPrefix(path, "/phone/")
	if v.BackOffice != "" {
		nav = append(nav, web.Link{URL: v.BackOffice, Text: t.BackOffice})
	}
	return frame{web.Frame{
		Lang: v.lang, Title: title, OtherURL: v.lang.InOther(path, query), Home: web.Link{URL: "/", Text: t.Home}, Nav: nav, Banner: t.Sandbox,
	}, t}
}

// follow lets the page's parts be fetched again when they change.
func (f frame) follow() frame {
	f.Events = "/sandbox/events"
	return f
}

// livePart is a part of a page that changes by itself.
type livePart struct {
	ID      string // of its element
	URL     string // of the part alone
	Version string // of what it shows
}

type problemScreen struct {
	frame
	Body string
}

func (v *visit) problem(status int, p problemText) {
	s := problemScreen{v.frame(p.Heading, "/", nil), p.Body}
	s.Class = "narrow"
	v.render(status, "problem", s)
}

func (v *visit) render(status int, name string, screen any) {
	web.Render(v.w, status, templates, name+".html", screen)
}

// again sends the browser to a page, so that a reload repeats no step.
func (v *visit) again(path string, query url.Values) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	v.w.Header().Set("Location", path)
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
