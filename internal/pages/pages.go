package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// Config is what the pages need. Only Gateway is required.
type Config struct {
	Gateway *gateway.Gateway
	Log     *slog.Logger // nil discards
	// Sandbox marks every page as one that moves no real money.
	Sandbox bool
	// InboxURL is where a visitor can read the codes sent to a phone. Only the
	// sandbox has such a place.
	InboxURL func(gateway.Phone) string
	// ReturnURL, when set, may name another place for the visitor of an ended page
	// than the merchant named when it asked for the page; "" names none.
	ReturnURL func(context.Context, gateway.PageView) string
	// Through, when set, stands before every page.
	Through func(http.Handler) http.Handler
}

// Handler serves the pages.
type Handler struct{ Config }

// New makes the pages.
func New(c Config) *Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Through == nil {
		c.Through = func(page http.Handler) http.Handler { return page }
	}
	return &Handler{c}
}

const (
	root        = "/direct-debit/ui/"
	bindingRoot = root + "binding/core/"
	paymentRoot = root + "payment/core/"
)

// Path is where a page is served.
func Path(p gateway.Page) string {
	if p.Kind.ForPayment() {
		return paymentRoot + p.Key
	}
	return bindingRoot + p.Key
}

// Mount registers the pages. Everything else under their common root is a page
// that does not exist, in HTML, because only people come here.
func (h *Handler) Mount(mux *http.ServeMux) {
	others := h.Through(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, false) }))
	payments := h.Through(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, true) }))
	mux.Handle(bindingRoot+"{key}", others)
	mux.Handle(paymentRoot+"{key}", payments)
	mux.Handle(root, others)
	h.mountGuides(mux)
}

// visit is one request for one page.
type visit struct {
	*Handler
	w          http.ResponseWriter
	r          *http.Request
	text       *texts
	key        string
	forPayment bool   // as the path says
	action     string // what was asked for, for the log
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, forPayment bool) {
	v := &visit{Handler: h, w: w, r: r, key: r.PathValue("key"), forPayment: forPayment, action: "show"}
	query, err := url.ParseQuery(r.URL.RawQuery)
	v.text = catalogue[chooseLanguage(query.Get("lang"), r.Header.Get("Accept-Language"))]
	defer func() {
		if p := recover(); p != nil {
			v.broken("error", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	switch {
	case !isDigits(v.key, gateway.PageKeyDigits):
		v.problem(http.StatusNotFound, v.text.NotFound)
	case err != nil || repeated(query):
		v.problem(http.StatusBadRequest, v.text.BadRequest)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		v.show()
	case r.Method == http.MethodPost:
		v.step()
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		v.problem(http.StatusMethodNotAllowed, v.text.BadRequest)
	}
}

// show answers GET.
func (v *visit) show() {
	view, err := v.Gateway.Page(v.r.Context(), v.key)
	switch {
	case err != nil:
		v.fail(err)
	case view.Page.Kind.ForPayment() != v.forPayment:
		v.problem(http.StatusNotFound, v.text.NotFound)
	default:
		v.page(http.StatusOK, view, "")
	}
}

// step answers POST. The browser whose step ended the page is sent on to the
// merchant. A step that comes later, from a second tab or a second click, sees how
// the page ended, with a link to the merchant.
func (v *visit) step() {
	if !sameOrigin(v.r) {
		v.problem(http.StatusForbidden, v.text.Foreign)
		return
	}
	form, status := readForm(v.w, v.r)
	action, known := actions[form.Get("action")]
	if status == http.StatusOK && !known {
		status = http.StatusBadRequest
	}
	if status != http.StatusOK {
		v.problem(status, v.text.BadRequest)
		return
	}
	v.action = form.Get("action")
	view, err := action(v, form)
	status, message := v.text.refused(err, view.Page.State)
	switch {
	case err != nil && message == "":
		v.fail(err)
	case view.Page.Kind.ForPayment() != v.forPayment:
		v.problem(http.StatusNotFound, v.text.NotFound)
	case view.Page.State == gateway.PageExpired:
		v.leave(view)
	case err != nil:
		v.page(status, view, message)
	case view.Page.State.Open():
		v.again()
	default:
		v.leave(view)
	}
}

// actions are the steps that a form can ask for.
var actions = map[string]func(*visit, url.Values) (gateway.PageView, error){
	"otp": (*visit).enterOTP,
	"pin": (*visit).enterPIN,
	"resend": func(v *visit, _ url.Values) (gateway.PageView, error) {
		return v.Gateway.ResendOTP(v.r.Context(), v.key)
	},
	"cancel": func(v *visit, _ url.Values) (gateway.PageView, error) {
		return v.Gateway.CancelPage(v.r.Context(), v.key)
	},
}

func (v *visit) enterOTP(form url.Values) (gateway.PageView, error) {
	code := form.Get("code")
	if !isDigits(code, gateway.OTPDigits) {
		return v.slip(gateway.PageOTP)
	}
	return v.Gateway.EnterOTP(v.r.Context(), v.key, code)
}

func (v *visit) enterPIN(form url.Values) (gateway.PageView, error) {
	pin := form.Get("pin")
	if !isDigits(pin, gateway.PINDigits) {
		return v.slip(gateway.PagePIN)
	}
	// The gateway does not know the path. Looking first keeps the step that moves
	// money from being taken under the wrong one. Looking at a page that waits for
	// the PIN changes nothing.
	view, err := v.Gateway.Page(v.r.Context(), v.key)
	if err != nil || view.Page.Kind.ForPayment() != v.forPayment {
		return view, err
	}
	return v.Gateway.EnterPIN(v.r.Context(), v.key, pin)
}

// slip refuses an entry that is not even of the right shape. It is no guess and
// costs no try.
func (v *visit) slip(step gateway.PageState) (gateway.PageView, error) {
	view, err := v.Gateway.Page(v.r.Context(), v.key)
	if err != nil {
		return view, err
	}
	if view.Page.State != step {
		return view, &gateway.Error{Code: gateway.WrongState}
	}
	return view, &gateway.Error{Code: gateway.Invalid}
}

// fail answers what the gateway could not serve.
func (v *visit) fail(err error) {
	switch gateway.ErrorCode(err) {
	case gateway.NotFound:
		v.problem(http.StatusNotFound, v.text.NotFound)
	case gateway.Busy, gateway.Unavailable:
		v.w.Header().Set("Retry-After", strconv.Itoa(retryAfter(err)))
		v.problem(http.StatusServiceUnavailable, v.text.Busy)
	default:
		v.broken("error", err)
	}
}

// retryAfter is how many seconds a visitor is asked to wait.
func retryAfter(err error) int {
	var e *gateway.Error
	if !errors.As(err, &e) {
		return 1
	}
	return max(1, int(math.Ceil(e.RetryAfter.Seconds())))
}

// broken answers, and logs, what should not happen. Nothing that the visitor sent
// is logged.
func (v *visit) broken(why ...any) {
	if v.r.Context().Err() == nil { // a visitor who has hung up breaks nothing
		v.Log.Error("pages: visit failed", append([]any{"action", v.action, "payment", v.forPayment}, why...)...)
	}
	v.problem(http.StatusInternalServerError, v.text.Broken)
}

// again sends the browser back to the page, so that a reload repeats no step.
func (v *visit) again() {
	v.secure()
	path := bindingRoot
	if v.forPayment {
		path = paymentRoot
	}
	v.w.Header().Set("Location", path+v.key+"?lang="+v.text.Lang)
	v.w.WriteHeader(http.StatusSeeOther)
}

// leave sends the browser to the merchant, or to how the page ended when the
// merchant's URL is none to be sent to.
func (v *visit) leave(view gateway.PageView) {
	to := v.returnURL(view)
	if !redirectable(to) {
		v.again()
		return
	}
	v.secure()
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
}

// maxForm bounds a form's body. The largest real one has some forty bytes.
const maxForm = 4 << 10

// readForm reads a form in which every field is given once. The status is that of
// the refusal, or OK.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, int) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || repeated(form) {
		return nil, http.StatusBadRequest
	}
	return form, http.StatusOK
}

// repeated reports whether a field is given more than once. Which of them counts
// would depend on who reads.
func repeated(fields url.Values) bool {
	for _, values := range fields {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

// sameOrigin reports whether a form was sent by one of these pages. Browsers that
// do not say are believed: they are old, or the pages are served without TLS. The
// Origin header is no help, as it is "null" under the referrer policy of the pages.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return false
}

func isDigits(text string, n int) bool {
	return len(text) == n && strings.Trim(text, "0123456789") == ""
}
