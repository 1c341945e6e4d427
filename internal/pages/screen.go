package pages

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

//go:embed page.css
var style string

// styleHash lets the policy allow the one inline style sheet and no other.
var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}()

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// screen is what the template shows. Exactly one of OTP, PIN, Ending and Guide is
// set.
type screen struct {
	Text, Other *texts
	Style       template.CSS
	Sandbox     bool
	Inbox       string // URL, or ""
	Title       string

	Merchant string
	Phone    string // masked
	Amount   string // "" for a binding
	Consent  string // "" for a payment
	Error    string // why the last step was refused, or ""

	OTP    *otpStep
	PIN    *pinStep
	Ending *ending
	Guide  *guideScreen
	Good   bool   // the ending is a success
	Return string // link to the merchant, or ""
	Note   string // what did not happen, or ""
	Retry  bool   // link to the page itself
}

type otpStep struct {
	Step, Hint, Note string
	Live, MayResend  bool
}

type pinStep struct{ Step, Submit string }

// page shows where a page stands, and why the last step was refused.
func (v *visit) page(status int, view gateway.PageView, refused string) {
	t := v.text
	s := screen{
		Title: t.BindingTitle, Merchant: view.Merchant, Phone: view.Phone.Masked(), Error: refused,
	}
	if v.InboxURL != nil && v.Sandbox && view.Page.State.Open() {
		s.Inbox = v.InboxURL(view.Phone)
	}
	if view.Page.Kind.ForPayment() {
		s.Title, s.Amount = t.PaymentTitle, view.Amount.Rupiah()
	} else if view.Page.State.Open() {
		s.Consent = t.Consent(view.Merchant)
	}
	switch view.Page.State {
	case gateway.PageOTP:
		s.OTP = &otpStep{Step: t.Step(1, 2), Hint: t.OTPHint(s.Phone), Live: view.OTPLive, MayResend: view.MayResend}
		switch {
		case !view.OTPLive && !view.MayResend:
			s.Error = t.OTPDead
		case refused != "":
		case !view.MayResend:
			s.OTP.Note = t.OTPResent + " " + t.OTPNoMore
		case view.Page.OTPSends > 1:
			s.OTP.Note = t.OTPResent
		}
	case gateway.PagePIN:
		s.PIN = &pinStep{Step: t.Step(2, 2), Submit: t.PINBinding}
		if s.Amount != "" {
			s.PIN.Submit = t.PINPayment(s.Amount)
		}
	default:
		s.Error = ""
		s.Ending, s.Good = t.ending(view), view.Page.State == gateway.PageDone
		s.Title = s.Ending.Heading
		if !s.Good {
			s.Note = t.NoLink
			if s.Amount != "" {
				s.Note = t.NoMoney
			}
		}
		if to := v.returnURL(view); webAddress(to) {
			s.Return = to
		}
	}
	v.render(status, s)
}

// ending says how a page ended.
func (t *texts) ending(view gateway.PageView) *ending {
	var e ending
	switch view.Page.State {
	case gateway.PageDone:
		e = t.DoneBinding(view.Merchant)
		if view.Page.Kind.ForPayment() {
			e = t.DonePayment(view.Merchant, view.Amount.Rupiah())
		}
	case gateway.PageCancelled:
		e = t.Cancelled
	case gateway.PageExpired:
		e = t.Expired
	case gateway.PageSuperseded:
		e = t.Superseded
	default:
		e = t.Failed(t.reason(view.Page.Reason))
	}
	return &e
}

// problem shows why there is no page to show. It says nothing about the page.
func (v *visit) problem(status int, e ending) {
	v.render(status, screen{Title: e.Heading, Ending: &e, Retry: status != http.StatusNotFound})
}

func (v *visit) render(status int, s screen) {
	s.Text, s.Other, s.Style, s.Sandbox = v.text, v.text.other(), template.CSS(style), v.Sandbox
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, s); err != nil {
		panic(err) // the templates are embedded and every screen is tested
	}
	v.secure()
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	v.w.Write(body.Bytes())
}

// secure sets the headers that every answer carries.
func (v *visit) secure() {
	header := v.w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}
