package backoffice

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

type merchantsScreen struct {
	frame
	Rows     []gateway.Merchant
	Name     string
	ClientID string
	FaspayID string
}

func (v *visit) showMerchants(status int, s merchantsScreen) error {
	rows, err := v.desk.Merchants(v.r.Context(), gateway.MerchantID(v.filters().text("before")), pageRows+1)
	if err != nil {
		return err
	}
	refused := s.Refused
	s.frame = v.frame(v.words.t("Merchants"))
	s.Refused = refused
	s.Rows = rows[:min(len(rows), pageRows)]
	more := ""
	if len(rows) > pageRows {
		more = string(rows[pageRows-1].ID)
	}
	s.paged(v, more)
	v.render(status, "merchants.html", s)
	return nil
}

func (v *visit) merchants() error { return v.showMerchants(http.StatusOK, merchantsScreen{}) }

// revealScreen shows secrets, this once.
type revealScreen struct {
	frame
	Of      string // whose they are
	Secrets []secret
	Until   time.Time // until when the one before goes on verifying
	Back    string
}

type secret struct{ What, Text string }

func (v *visit) reveal(of, back string, until time.Time, secrets ...secret) {
	v.render(http.StatusOK, "reveal.html", revealScreen{frame: v.frame(secrets[0].What), Of: of, Secrets: secrets, Until: until, Back: root + back})
}

func (v *visit) createMerchant() error {
	s := merchantsScreen{
		Name: strings.TrimSpace(v.form.Get("name")), ClientID: strings.TrimSpace(v.form.Get("client_id")), FaspayID: strings.TrimSpace(v.form.Get("faspay_id")),
	}
	if s.Name == "" || len(s.Name) > 100 || len(s.ClientID) > 64 {
		s.Refused = v.words.t("A merchant has a name of at most 100 characters, and a client id of at most 64.")
		return v.showMerchants(http.StatusUnprocessableEntity, s)
	}
	if s.ClientID == "" {
		s.ClientID = fmt.Sprintf("BRN-%04d-%013d", rand.N(10_000), rand.N(int64(10_000_000_000_000)))
	}
	m := gateway.Merchant{Name: s.Name, DOKU: gateway.DOKU{ClientID: s.ClientID, SecretKey: gateway.NewSecretKey()}}
	secrets := []secret{{v.words.t("Secret key"), m.DOKU.SecretKey}}
	if s.FaspayID != "" {
		m.Faspay = gateway.Faspay{MerchantID: s.FaspayID, UserID: "bot" + s.FaspayID, Password: gateway.NewPassword()}
		secrets = append(secrets, secret{v.words.t("Faspay password"), m.Faspay.Password})
	}
	err := v.act("create merchant", s.ClientID, s.Name, func() (err error) {
		m, err = v.Gateway.CreateMerchant(v.r.Context(), m)
		return err
	})
	if s.Refused = v.refused(err); s.Refused != "" {
		return v.showMerchants(http.StatusUnprocessableEntity, s)
	}
	if err != nil {
		return err
	}
	v.reveal(m.Name, "/merchants/"+string(m.ID), time.Time{}, secrets...)
	return nil
}

type merchantScreen struct {
	frame
	gateway.Merchant
	Owed        ledger.Split
	OldValid    bool // the secret before the current one still verifies
	OldPassword bool // so does the Faspay password
	OldKey      bool // and the public key
	Overlaps    []overlap
}

// overlap is a choice of how long an old secret goes on verifying.
type overlap struct {
	Hours int
	Text  string
}

func (v *visit) showMerchant(status int, m gateway.Merchant, refused string) error {
	owed, err := v.desk.Receivables(v.r.Context(), m.ID)
	if err != nil {
		return err
	}
	s := merchantScreen{frame: v.frame(m.Name), Merchant: m, Owed: owed, OldValid: len(m.DOKU.VerifyingKeys(v.Clock.Now())) > 1,
		OldPassword: len(m.Faspay.VerifyingPasswords(v.Clock.Now())) > 1, OldKey: len(m.DOKU.VerifyingPublicKeys(v.Clock.Now())) > 1}
	s.Overlaps = []overlap{
		{24, v.words.t("24 hours")}, {1, v.words.t("1 hour")}, {24 * 7, v.words.t("7 days")}, {24 * 30, v.words.t("30 days")}, {0, v.words.t("stops at once")},
	}
	s.Refused = refused
	v.render(status, "merchant.html", s)
	return nil
}

func (v *visit) merchantNamed() (gateway.Merchant, error) {
	return v.desk.Merchant(v.r.Context(), gateway.MerchantID(v.r.PathValue("id")))
}

func (v *visit) merchant() error {
	m, err := v.merchantNamed()
	if err != nil {
		return err
	}
	return v.showMerchant(http.StatusOK, m, "")
}

func (v *visit) updateMerchant() error {
	m, err := v.merchantNamed()
	if err != nil {
		return err
	}
	d, f := &m.DOKU, &m.Faspay
	m.Name = strings.TrimSpace(v.form.Get("name"))
	if m.CallRate, err = strconv.Atoi(v.form.Get("call_rate")); err != nil {
		return v.showMerchant(http.StatusUnprocessableEntity, m, v.words.t("Calls a second are 0, or a number from 100."))
	}
	d.NotificationURL = strings.TrimSpace(v.form.Get("notification_url"))
	d.SNAP.TokenURL = strings.TrimSpace(v.form.Get("token_url"))
	d.SNAP.NotificationURL = strings.TrimSpace(v.form.Get("snap_notification_url"))
	d.SNAP.BindingNotificationURL = strings.TrimSpace(v.form.Get("snap_binding_notification_url"))
	f.NotificationURL = strings.TrimSpace(v.form.Get("faspay_notification_url"))
	f.ActivationURL = strings.TrimSpace(v.form.Get("faspay_activation_url"))
	f.ReturnURL = strings.TrimSpace(v.form.Get("faspay_return_url"))
	if m.Name == "" || len(m.Name) > 100 {
		return v.showMerchant(http.StatusUnprocessableEntity, m, v.words.t("A merchant has a name of at most 100 characters, and a client id of at most 64."))
	}
	for _, address := range []string{d.NotificationURL, d.SNAP.TokenURL, d.SNAP.NotificationURL, d.SNAP.BindingNotificationURL,
		f.NotificationURL, f.ActivationURL, f.ReturnURL} {
		if !usableURL(address) {
			return v.showMerchant(http.StatusUnprocessableEntity, m, v.words.t("An address begins with https:// or http:// and has at most 500 characters."))
		}
	}
	err = v.act("change merchant", string(m.ID), m.Name, func() error { return v.Gateway.UpdateMerchant(v.r.Context(), m) })
	if refused := v.refused(err); refused != "" {
		return v.showMerchant(http.StatusUnprocessableEntity, m, refused)
	}
	if err != nil {
		return err
	}
	v.done("/merchants/"+string(m.ID), "changed")
	return nil
}

// usableURL admits what a notification can be sent to, and nothing at all. Where it
// may lead is judged when it is dialled.
func usableURL(address string) bool {
	if address == "" {
		return true
	}
	u, err := url.Parse(address)
	return err == nil && len(address) <= 500 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// isPublicKey admits keys that signatures of SNAP can be verified with.
func isPublicKey(text string) bool {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return false
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(*rsa.PublicKey)
	return err == nil && ok && key.N.BitLen() >= 2048 && key.N.BitLen() <= 8192 && key.E >= 65537
}

// overlap is how long what is replaced goes on verifying, if the form says so.
func (v *visit) overlap() (time.Duration, bool) {
	hours, err := strconv.Atoi(v.form.Get("hours"))
	return time.Duration(hours) * time.Hour, err == nil && hours >= 0 && hours <= int(gateway.MaxSecretOverlap/time.Hour)
}

// rotatePublicKey replaces the key that the merchant's token calls are verified with.
func (v *visit) rotatePublicKey() error {
	m, err := v.merchantNamed()
	if err != nil {
		return err
	}
	overlap, chosen := v.overlap()
	key := strings.TrimSpace(strings.ReplaceAll(v.form.Get("public_key"), "\r\n", "\n"))
	refused := ""
	switch {
	case !chosen:
		refused = v.words.t("Choose how long the old secret goes on verifying.")
	case key != "" && !isPublicKey(key):
		refused = v.words.t("This is no RSA public key of 2048 to 8192 bit in PEM.")
	default:
		err = v.act("rotate public key", string(m.ID), overlap.String(), func() error { return v.Gateway.RotatePublicKey(v.r.Context(), m.ID, key, overlap) })
		refused = v.refused(err)
	}
	if refused != "" {
		m.DOKU.PublicKeyPEM = key
		return v.showMerchant(http.StatusUnprocessableEntity, m, refused)
	}
	if err != nil {
		return err
	}
	v.done("/merchants/"+string(m.ID), "changed")
	return nil
}

func (v *visit) rotate() error {
	m, err := v.merchantNamed()
	if err != nil {
		return err
	}
	overlap, chosen := v.overlap()
	if !chosen {
		return v.showMerchant(http.StatusUnprocessableEntity, m, v.words.t("Choose how long the old secret goes on verifying."))
	}
	what, rotate := "Secret key", v.Gateway.RotateSecret
	if v.form.Get("which") == "faspay" && m.Faspay.MerchantID != "" {
		what, rotate = "Faspay password", v.Gateway.RotatePassword
	}
	var made string
	if err := v.act("rotate secret", string(m.ID), what+", "+overlap.String(), func() (err error) {
		made, err = rotate(v.r.Context(), m.ID, overlap)
		return err
	}); err != nil {
		return err
	}
	var until time.Time
	if overlap > 0 {
		until = v.Clock.Now().Add(overlap)
	}
	v.reveal(m.Name, "/merchants/"+string(m.ID), until, secret{v.words.t(what), made})
	return nil
}

type usersScreen struct {
	frame
	Rows      []gateway.User
	Merchants []gateway.Merchant
	Roles     []gateway.Role
	Name      string
	Role      gateway.Role
	Of        gateway.MerchantID
}

func (v *visit) showUsers(status int, s usersScreen) error {
	rows, err := v.Gateway.Users(v.r.Context(), v.filters().text("before"), pageRows+1)
	if err != nil {
		return err
	}
	refused := s.Refused
	s.frame = v.frame(v.words.t("Users"))
	s.Refused = refused
	s.Rows, s.Roles = rows[:min(len(rows), pageRows)], gateway.Roles
	if s.Merchants, err = v.choices(); err != nil {
		return err
	}
	more := ""
	if len(rows) > pageRows {
		more = rows[pageRows-1].Name
	}
	s.paged(v, more)
	v.render(status, "users.html", s)
	return nil
}

func (v *visit) users() error { return v.showUsers(http.StatusOK, usersScreen{}) }

func (v *visit) createUser() error {
	s := usersScreen{Name: strings.TrimSpace(v.form.Get("name")), Role: gateway.Role(v.form.Get("role")), Of: gateway.MerchantID(v.form.Get("merchant"))}
	if s.Role != gateway.RoleMerchant {
		s.Of = ""
	}
	var user gateway.User
	var password string
	err := v.act("create user", "", s.Name[:min(len(s.Name), 100)]+", "+string(s.Role[:min(len(s.Role), 20)]), func() (err error) {
		user, password, err = v.Gateway.CreateUser(v.r.Context(), gateway.NewUser{Name: s.Name, Role: s.Role, Merchant: s.Of})
		return err
	})
	if s.Refused = v.refused(err); s.Refused != "" {
		return v.showUsers(http.StatusUnprocessableEntity, s)
	}
	if err != nil {
		return err
	}
	v.revealPassword(user.Name, password)
	return nil
}

func (v *visit) revealPassword(name, password string) {
	v.reveal(name, "/users", time.Time{}, secret{v.words.t("First password"), password})
}

func (v *visit) changeUser() error {
	user, err := v.Gateway.User(v.r.Context(), gateway.UserID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	ctx, action := v.r.Context(), v.form.Get("action")
	if user.ID == v.user.ID { // nobody locks themselves out, or around the password until now
		return v.showUsers(http.StatusUnprocessableEntity, usersScreen{frame: frame{Refused: v.words.t("Another operator must do this to you.")}})
	}
	switch action {
	case "disable", "enable":
		if err := v.act(action+" user", string(user.ID), user.Name, func() error {
			return v.Gateway.SetUserDisabled(ctx, user.ID, action == "disable")
		}); err != nil {
			return err
		}
		v.done("/users", action+"d")
		return nil
	case "reset":
		var password string
		if err := v.act("reset password", string(user.ID), user.Name, func() (err error) {
			password, err = v.Gateway.ResetPassword(ctx, user.ID)
			return err
		}); err != nil {
			return err
		}
		v.revealPassword(user.Name, password)
		return nil
	case "reset-factor":
		if err := v.act("reset second factor", string(user.ID), user.Name, func() error { return v.Gateway.ResetFactor(ctx, user.ID) }); err != nil {
			return err
		}
		v.done("/users", "unfactored")
		return nil
	}
	return &gateway.Error{Code: gateway.Invalid}
}
