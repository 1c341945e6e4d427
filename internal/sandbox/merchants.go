package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/url"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// merchantView is a merchant as shown and as given. In a request a member that is
// not there keeps its value or, on creation, is generated.
type merchantView struct {
	ID     string      `json:"id,omitempty"`
	Name   *string     `json:"name,omitempty"`
	DOKU   *dokuView   `json:"doku,omitempty"`
	Faspay *faspayView `json:"faspay,omitempty"`
}

type faspayView struct {
	MerchantID            *string   `json:"merchant_id,omitempty"`
	UserID                *string   `json:"user_id,omitempty"`
	Password              *string   `json:"password,omitempty"`
	NotificationURL       *string   `json:"notification_url,omitempty"`
	ActivationCallbackURL *string   `json:"activation_callback_url,omitempty"`
	ReturnURL             *string   `json:"return_url,omitempty"`
	Format                *string   `json:"format,omitempty"`
	AmountScale           *int      `json:"amount_scale,omitempty"`
	Allow                 *[]string `json:"allow,omitempty"`
	FlatErrors            *bool     `json:"flat_errors,omitempty"`
	Suspended             *bool     `json:"suspended,omitempty"`
}

type dokuView struct {
	ClientID            *string   `json:"client_id,omitempty"`
	SecretKey           *string   `json:"secret_key,omitempty"`
	PublicKeyPEM        *string   `json:"public_key_pem,omitempty"`
	PrivateKeyPEM       *string   `json:"private_key_pem,omitempty"`        // only of pairs made here; read-only
	GatewayPublicKeyPEM *string   `json:"gateway_public_key_pem,omitempty"` // read-only
	NotificationURL     *string   `json:"notification_url,omitempty"`
	SNAP                *snapView `json:"snap,omitempty"`
}

type snapView struct {
	NotificationURL        *string `json:"notification_url,omitempty"`
	BindingNotificationURL *string `json:"binding_notification_url,omitempty"`
	TokenURL               *string `json:"token_url,omitempty"`
}

func (s *Sandbox) viewMerchant(m gateway.Merchant) merchantView {
	d, f := m.DOKU, m.Faspay
	allow := append([]string{}, f.Allow.Entries()...)
	return merchantView{ID: string(m.ID), Name: &m.Name, DOKU: &dokuView{
		ClientID: &d.ClientID, SecretKey: &d.SecretKey, PublicKeyPEM: &d.PublicKeyPEM, PrivateKeyPEM: &d.PrivateKeyPEM,
		GatewayPublicKeyPEM: &s.PublicKeyPEM, NotificationURL: &d.NotificationURL,
		SNAP: &snapView{&d.SNAP.NotificationURL, &d.SNAP.BindingNotificationURL, &d.SNAP.TokenURL},
	}, Faspay: &faspayView{
		MerchantID: &f.MerchantID, UserID: &f.UserID, Password: &f.Password, NotificationURL: &f.NotificationURL,
		ActivationCallbackURL: &f.ActivationURL, ReturnURL: &f.ReturnURL, Format: &f.Format, AmountScale: &f.AmountScale,
		Allow: &allow, FlatErrors: &f.FlatErrors, Suspended: &f.Suspended,
	}}
}

// apply writes the members that are there over m.
func (v merchantView) apply(m *gateway.Merchant) error {
	set(&m.Name, v.Name)
	if v.Faspay != nil {
		if err := v.Faspay.apply(&m.Faspay); err != nil {
			return err
		}
	}
	d := v.DOKU
	if d == nil {
		return nil
	}
	set(&m.DOKU.ClientID, d.ClientID)
	set(&m.DOKU.SecretKey, d.SecretKey)
	if d.PublicKeyPEM != nil && *d.PublicKeyPEM != m.DOKU.PublicKeyPEM {
		if *d.PublicKeyPEM != "" {
			if _, err := snap.ParsePublicKey(*d.PublicKeyPEM); err != nil {
				return problem(http.StatusBadRequest, "doku.public_key_pem: "+err.Error())
			}
		}
		m.DOKU.PublicKeyPEM, m.DOKU.PrivateKeyPEM = *d.PublicKeyPEM, "" // a pair of the merchant's own
	}
	if err := setURL(&m.DOKU.NotificationURL, d.NotificationURL, "doku.notification_url"); err != nil || d.SNAP == nil {
		return err
	}
	for _, u := range []struct {
		to   *string
		from *string
		name string
	}{
		{&m.DOKU.SNAP.NotificationURL, d.SNAP.NotificationURL, "doku.snap.notification_url"},
		{&m.DOKU.SNAP.BindingNotificationURL, d.SNAP.BindingNotificationURL, "doku.snap.binding_notification_url"},
		{&m.DOKU.SNAP.TokenURL, d.SNAP.TokenURL, "doku.snap.token_url"},
	} {
		if err := setURL(u.to, u.from, u.name); err != nil {
			return err
		}
	}
	return nil
}

func (v faspayView) apply(f *gateway.Faspay) error {
	set(&f.MerchantID, v.MerchantID)
	set(&f.UserID, v.UserID)
	set(&f.Password, v.Password)
	set(&f.Format, v.Format)
	set(&f.AmountScale, v.AmountScale)
	set(&f.FlatErrors, v.FlatErrors)
	set(&f.Suspended, v.Suspended)
	if v.Allow != nil {
		f.Allow = gateway.NewAllowList(*v.Allow)
	}
	for _, u := range []struct {
		to   *string
		from *string
		name string
	}{
		{&f.NotificationURL, v.NotificationURL, "faspay.notification_url"},
		{&f.ActivationURL, v.ActivationCallbackURL, "faspay.activation_callback_url"},
		{&f.ReturnURL, v.ReturnURL, "faspay.return_url"},
	} {
		if err := setURL(u.to, u.from, u.name); err != nil {
			return err
		}
	}
	return nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func setURL(to, from *string, name string) error {
	if from == nil {
		return nil
	}
	if *from != "" {
		u, err := url.Parse(*from)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return problem(http.StatusBadRequest, fmt.Sprintf("%s: %q is no http or https address", name, *from))
		}
	}
	*to = *from
	return nil
}

func (s *Sandbox) listMerchants(r *http.Request) (any, error) {
	merchants, err := s.Gateway.Merchants(r.Context())
	views := make([]merchantView, 0, len(merchants))
	for _, m := range merchants {
		views = append(views, s.viewMerchant(m))
	}
	return map[string]any{"merchants": views}, err
}

func (s *Sandbox) getMerchant(r *http.Request) (any, error) {
	m, err := s.Gateway.Merchant(r.Context(), gateway.MerchantID(r.PathValue("id")))
	return s.viewMerchant(m), err
}

func (s *Sandbox) createMerchant(r *http.Request) (any, error) {
	var in merchantView
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	m, err := s.addMerchant(r.Context(), in)
	return created(s.viewMerchant(m)), err
}

func (s *Sandbox) addMerchant(ctx context.Context, in merchantView) (gateway.Merchant, error) {
	m := gateway.Merchant{Name: "Merchant"}
	if err := in.apply(&m); err != nil {
		return m, err
	}
	if err := generate(&m); err != nil {
		return m, err
	}
	// There are no more than 100,000 Faspay ids: one that was drawn may be taken.
	drawn := m.Faspay.MerchantID == ""
	for try := 1; ; try++ {
		if drawn {
			m.Faspay.MerchantID = fmt.Sprintf("%05d", random(100_000))
		}
		stored := m
		generateFaspay(&stored.Faspay)
		stored, err := s.Gateway.CreateMerchant(ctx, stored)
		if err == nil || !drawn || try == maxDraws || gateway.ErrorCode(err) != gateway.Duplicate {
			return stored, err
		}
	}
}

// maxDraws is how often a merchant id is drawn until one is free.
const maxDraws = 10

// generateFaspay fills in what a merchant id needs besides.
func generateFaspay(f *gateway.Faspay) {
	if f.MerchantID == "" {
		return
	}
	if f.UserID == "" {
		f.UserID = "bot" + f.MerchantID
	}
	if f.Password == "" {
		f.Password = rand.Text()
	}
}

// generate fills in the credentials that were not given.
func generate(m *gateway.Merchant) error {
	if m.DOKU.ClientID == "" {
		m.DOKU.ClientID = fmt.Sprintf("BRN-%04d-%013d", random(10_000), random(10_000_000_000_000))
	}
	if m.DOKU.SecretKey == "" {
		raw := make([]byte, 15)
		rand.Read(raw)
		m.DOKU.SecretKey = "SK-" + base64.RawURLEncoding.EncodeToString(raw)
	}
	if m.DOKU.PublicKeyPEM != "" {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	return setKeyPair(m, key)
}

func setKeyPair(m *gateway.Merchant, key *rsa.PrivateKey) (err error) {
	if m.DOKU.PublicKeyPEM, err = snap.EncodePublicKey(&key.PublicKey); err != nil {
		return err
	}
	m.DOKU.PrivateKeyPEM, err = snap.EncodePrivateKey(key)
	return err
}

func random(below int64) int64 {
	n, err := rand.Int(rand.Reader, big.NewInt(below))
	if err != nil {
		panic(err) // crypto/rand documents that it never fails
	}
	return n.Int64()
}

func (s *Sandbox) patchMerchant(r *http.Request) (any, error) {
	var in merchantView
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	m, err := s.Gateway.Merchant(r.Context(), gateway.MerchantID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	if err := in.apply(&m); err != nil {
		return nil, err
	}
	generateFaspay(&m.Faspay)
	if err := s.Gateway.UpdateMerchant(r.Context(), m); err != nil {
		return nil, err
	}
	if m, err = s.Gateway.Merchant(r.Context(), m.ID); err != nil { // with the defaults it took
		return nil, err
	}
	return s.viewMerchant(m), nil
}
