package backoffice

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	qr "github.com/piglig/go-qr"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

type accountScreen struct {
	frame
	Min      int
	Factor   gateway.SecondFactor
	Owed     bool // nothing else can be done before the second factor is set up
	Left     int  // recovery codes
	Sessions []gateway.OpenSession
}

func (v *visit) showAccount(status int, refused string) error {
	s := accountScreen{frame: v.frame(v.words.t("Your account")), Min: gateway.PasswordMin, Factor: v.user.Factor, Owed: v.Gateway.OwesFactor(v.user)}
	s.Class, s.Refused = "narrow", refused
	if v.SignIn {
		var err error
		if s.Left, err = v.Gateway.RecoveryCodes(v.r.Context(), v.user.ID); err != nil {
			return err
		}
		if s.Sessions, err = v.Gateway.Sessions(v.r.Context(), v.user.ID, v.token); err != nil {
			return err
		}
	}
	v.render(status, "account.html", s)
	return nil
}

func (v *visit) account() error { return v.showAccount(http.StatusOK, "") }

// answerAccount shows the account with what was wrong, or fails with what was no
// mistake of the person's.
func (v *visit) answerAccount(err error) error {
	refused := v.refused(err)
	switch {
	case errors.Is(err, gateway.ErrPasswordWrong):
		refused = v.words.t("The password until now is another. After five wrong passwords or codes a user is locked for 15 minutes.")
	case errors.Is(err, gateway.ErrCodeWrong):
		refused = v.words.t("The code is wrong, or was used before. Wait for the next one.")
	case refused == "":
		return err
	}
	return v.showAccount(http.StatusUnprocessableEntity, refused)
}

func (v *visit) changePassword() error {
	if !v.SignIn {
		return gateway.NotFound
	}
	if v.form.Get("password") != v.form.Get("again") {
		return v.showAccount(http.StatusUnprocessableEntity, v.words.t("The new password was not written the same way twice."))
	}
	err := v.act("change password", string(v.user.ID), "", func() error {
		return v.Gateway.ChangePassword(v.r.Context(), v.user.ID, v.form.Get("old"), v.form.Get("password"), v.token)
	})
	if err != nil {
		return v.answerAccount(err)
	}
	v.user.Temporary = false
	v.done("/account", "password")
	return nil
}

type factorScreen struct {
	frame
	Key     string // "" once it was shown
	Link    template.URL
	Picture template.HTML
}

// beginFactor shows the key for an authenticator app, once, and asks for a first code.
func (v *visit) beginFactor() error {
	if !v.SignIn {
		return gateway.NotFound
	}
	var key string
	err := v.act("begin second factor", string(v.user.ID), "", func() (err error) {
		key, err = v.Gateway.BeginFactor(v.r.Context(), v.user.ID, gateway.Factors{Password: v.form.Get("old"), Code: v.form.Get("code")})
		return err
	})
	if err != nil {
		return v.answerAccount(err)
	}
	link := v.factorLink(v.user.Name, key)
	picture, err := qrCode(link, v.words.t("QR code of the key, for an authenticator app"))
	if err != nil {
		return err
	}
	return v.showFactor(http.StatusOK, factorScreen{Key: grouped(key), Link: template.URL(link), Picture: picture})
}

func (v *visit) showFactor(status int, s factorScreen) error {
	refused := s.Refused
	s.frame = v.frame(v.words.t("Second factor"))
	s.Class, s.Refused, s.OtherURL = "narrow", refused, v.lang.InOther(root+"/account", nil)
	v.render(status, "factor.html", s)
	return nil
}

type recoveryScreen struct {
	frame
	Codes []string
}

func (v *visit) confirmFactor() error {
	if !v.SignIn {
		return gateway.NotFound
	}
	var codes []string
	err := v.act("confirm second factor", string(v.user.ID), "", func() (err error) {
		codes, err = v.Gateway.ConfirmFactor(v.r.Context(), v.user.ID, v.form.Get("code"), v.token)
		return err
	})
	if errors.Is(err, gateway.ErrCodeWrong) {
		s := factorScreen{frame: frame{Refused: v.words.t("The code is wrong, or was used before. Wait for the next one.")}}
		return v.showFactor(http.StatusUnprocessableEntity, s)
	}
	if err != nil {
		return v.answerAccount(err)
	}
	v.user.Factor.Secret = "set" // the frame may show the menu
	s := recoveryScreen{v.frame(v.words.t("Recovery codes")), codes}
	s.Class, s.OtherURL = "narrow", v.lang.InOther(root+"/account", nil)
	v.render(http.StatusOK, "recovery.html", s)
	return nil
}

// factorLink is the key as authenticator apps read it.
func (o *Office) factorLink(name, key string) string {
	issuer := "Gerbang"
	if o.host != "" {
		issuer += " " + o.host
	}
	query := url.Values{
		"secret": {key}, "issuer": {issuer}, "algorithm": {"SHA1"},
		"digits": {strconv.Itoa(gateway.FactorDigits)}, "period": {strconv.Itoa(int(gateway.FactorPeriod.Seconds()))},
	}
	// Apps take a plus sign for itself.
	return "otpauth://totp/" + url.PathEscape(issuer+":"+name) + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
}

// grouped is a key as people copy it by hand.
func grouped(key string) string {
	var b strings.Builder
	for i, r := range key {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// qrCode draws a text, one path of squares with the quiet zone that readers need.
func qrCode(text, title string) (template.HTML, error) {
	code, err := qr.EncodeText(text, qr.Medium)
	if err != nil {
		return "", err
	}
	const quiet = 4
	size := code.Size() + 2*quiet
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="qr" viewBox="0 0 %d %d" role="img" aria-label="%s"><rect width="%d" height="%d" fill="#fff"/><path fill="#000" shape-rendering="crispEdges" d="`,
		size, size, template.HTMLEscapeString(title), size, size)
	for y := range code.Size() {
		for x := range code.Size() {
			if code.Module(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil
}

func (v *visit) endSession() error {
	if !v.SignIn {
		return gateway.NotFound
	}
	which := v.form.Get("session")
	action := "end session"
	switch which {
	case "":
		return v.showAccount(http.StatusUnprocessableEntity, v.words.t("Choose which session to end."))
	case "others":
		which, action = "", "end other sessions"
	}
	err := v.act(action, string(v.user.ID), "", func() error {
		return v.Gateway.EndSession(v.r.Context(), v.user.ID, v.form.Get("old"), which, v.token)
	})
	if err != nil {
		return v.answerAccount(err)
	}
	v.done("/account", "ended")
	return nil
}

// Browsers and systems by what they call themselves; the first that is found counts,
// for most claim to be others as well.
var (
	browserNames = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systemNames = [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// browserOf says which browser somebody uses, as far as it tells: enough to recognise
// one's own, and no more is kept.
func browserOf(agent string) string {
	var known []string
	for _, list := range [][][2]string{browserNames, systemNames} {
		for _, name := range list {
			if strings.Contains(agent, name[0]) {
				known = append(known, name[1])
				break
			}
		}
	}
	return strings.Join(known, ", ")
}
