package ovotest

import (
	"crypto/rsa"
	"net/http"

	"github.com/gerbang-pay/gerbang/ovo"
)

// SNAPConfig is the config of a client for the sandbox's merchant. So are the other
// …Config methods; their clocks are the sandbox's.
func (s *Sandbox) SNAPConfig() ovo.SNAPConfig {
	m := s.Merchant
	return ovo.SNAPConfig{
		BaseURL: s.URL, ClientID: m.ClientID, SecretKey: m.SecretKey, PrivateKey: m.PrivateKey, HTTPClient: s.client, Now: s.Now,
	}
}

func (s *Sandbox) JokulConfig() ovo.JokulConfig {
	m := s.Merchant
	return ovo.JokulConfig{BaseURL: s.URL, ClientID: m.ClientID, SecretKey: m.SecretKey, HTTPClient: s.client, Now: s.Now}
}

// PushConfig has no HTTP client: that of a push payment must be patient.
func (s *Sandbox) PushConfig() ovo.PushConfig {
	m := s.Merchant
	return ovo.PushConfig{BaseURL: s.URL, ClientID: m.ClientID, SecretKey: m.SecretKey, Now: s.Now}
}

func (s *Sandbox) FaspayConfig(format ovo.FaspayFormat) ovo.FaspayConfig {
	m := s.Merchant
	return ovo.FaspayConfig{
		BaseURL: s.URL, MerchantID: m.FaspayID, MerchantName: m.Name, UserID: m.FaspayUserID, Password: m.FaspayPassword, Format: format,
		HTTPClient: s.client,
	}
}

// SNAP is a client for the sandbox's merchant.
func (s *Sandbox) SNAP() *ovo.SNAPClient {
	s.tb.Helper()
	client, err := ovo.SNAP(s.SNAPConfig())
	return made(s, client, err)
}

// Jokul is a client for the sandbox's merchant.
func (s *Sandbox) Jokul() *ovo.JokulClient {
	s.tb.Helper()
	client, err := ovo.Jokul(s.JokulConfig())
	return made(s, client, err)
}

// Push is a client for the sandbox's merchant.
func (s *Sandbox) Push() *ovo.PushClient {
	s.tb.Helper()
	client, err := ovo.Push(s.PushConfig())
	return made(s, client, err)
}

// Faspay is a client for the sandbox's merchant.
func (s *Sandbox) Faspay(format ovo.FaspayFormat) *ovo.FaspayClient {
	s.tb.Helper()
	client, err := ovo.Faspay(s.FaspayConfig(format))
	return made(s, client, err)
}

func made[T any](s *Sandbox, client T, err error) T {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatalf("%v", err)
	}
	return client
}

// The paths in the configs of receivers.
const (
	SNAPTokenPath        = "/snap/token"
	SNAPPaymentPath      = "/snap/payment"
	SNAPBindingPath      = "/snap/binding"
	JokulPath            = "/jokul/payment"
	FaspayPath           = "/faspay/payment"
	FaspayActivationPath = "/faspay/activation"
)

// SNAPReceiverConfig is the config of a receiver for the sandbox's merchant, without
// callbacks: set OnPayment or OnBinding, and empty the path of the other. So are the
// other …ReceiverConfig methods.
func (s *Sandbox) SNAPReceiverConfig() ovo.SNAPReceiverConfig {
	m := s.Merchant
	return ovo.SNAPReceiverConfig{
		ClientID: m.ClientID, SecretKey: m.SecretKey, PrivateKey: m.PrivateKey, GatewayPublicKeys: []*rsa.PublicKey{m.GatewayPublicKey},
		TokenPath: SNAPTokenPath, PaymentPath: SNAPPaymentPath, BindingPath: SNAPBindingPath, Now: s.Now,
	}
}

func (s *Sandbox) JokulReceiverConfig() ovo.JokulReceiverConfig {
	m := s.Merchant
	return ovo.JokulReceiverConfig{ClientID: m.ClientID, SecretKey: m.SecretKey, Path: JokulPath, Now: s.Now}
}

func (s *Sandbox) FaspayReceiverConfig() ovo.FaspayReceiverConfig {
	m := s.Merchant
	return ovo.FaspayReceiverConfig{
		MerchantID: m.FaspayID, UserID: m.FaspayUserID, Password: m.FaspayPassword,
		NotificationPath: FaspayPath, ActivationPath: FaspayActivationPath, Now: s.Now,
	}
}

// URLs are the merchant's addresses in the sandbox's settings. What is empty is
// left as it is.
type URLs struct {
	SNAPToken        string
	SNAPPayment      string
	SNAPBinding      string
	Jokul            string // notifications of payments by token and by push
	Faspay           string
	FaspayActivation string
	FaspayReturn     string // where the browser goes after a page
}

// URLsAt is the addresses under base, a scheme and host, that the configs of this
// package expect.
func URLsAt(base string) URLs {
	return URLs{
		SNAPToken: base + SNAPTokenPath, SNAPPayment: base + SNAPPaymentPath, SNAPBinding: base + SNAPBindingPath,
		Jokul: base + JokulPath, Faspay: base + FaspayPath, FaspayActivation: base + FaspayActivationPath,
	}
}

// Notify tells the sandbox where the merchant hears notifications.
func (s *Sandbox) Notify(u URLs) {
	s.tb.Helper()
	doku, snap, faspay := map[string]any{}, map[string]any{}, map[string]any{}
	set := func(group map[string]any, name, url string) {
		if url != "" {
			group[name] = url
		}
	}
	set(snap, "token_url", u.SNAPToken)
	set(snap, "notification_url", u.SNAPPayment)
	set(snap, "binding_notification_url", u.SNAPBinding)
	set(doku, "notification_url", u.Jokul)
	set(faspay, "notification_url", u.Faspay)
	set(faspay, "activation_callback_url", u.FaspayActivation)
	set(faspay, "return_url", u.FaspayReturn)
	if len(snap) > 0 {
		doku["snap"] = snap
	}
	change := map[string]any{"doku": doku}
	if len(faspay) > 0 {
		change["faspay"] = faspay
	}
	s.must(http.MethodPatch, "/merchants/"+s.Merchant.ID, change, nil)
}
