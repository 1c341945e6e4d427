package sandbox

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// example is a call that can be pasted into a shell: it was signed when the page
// was made, and serves once.
type example struct {
	System   string // a key of the texts
	Commands []command
	Holds    time.Duration // how long the timestamp is accepted, 0 for ever
}

type command struct{ Name, Text string }

// How long signed calls are accepted. The dialects have the same bounds.
const (
	snapWindow  = 15 * time.Minute
	jokulWindow = time.Hour
)

// exampleAmount is what the examples charge.
const exampleAmount money.Amount = 25_000

// examples signs a call of each system for a merchant and a customer's phone.
func (s *Sandbox) examples(m gateway.Merchant, phone gateway.Phone) ([]example, error) {
	var list []example
	if m.DOKU.ClientID != "" && m.DOKU.SecretKey != "" {
		push, err := s.pushExample(m, phone)
		if err != nil {
			return nil, err
		}
		binding, err := s.jokulExample(m, phone)
		if err != nil {
			return nil, err
		}
		list = append(list, push, binding)
		if m.DOKU.PrivateKeyPEM != "" {
			current, err := s.snapExample(m, phone, "snap", snap.PathBinding)
			if err != nil {
				return nil, err
			}
			archived, err := s.snapExample(m, phone, "snap_archived", archivedBinding())
			if err != nil {
				return nil, err
			}
			list = append(list, current, archived)
		}
	}
	if m.Faspay.MerchantID != "" {
		link, err := s.faspayExample(m, phone)
		if err != nil {
			return nil, err
		}
		list = append(list, link)
	}
	return list, nil
}

func archivedBinding() string {
	for _, r := range snap.Routes {
		if r.Archived && r.Service == snap.ServiceBinding {
			return r.Path
		}
	}
	panic("no archived path of the binding")
}

// fresh is a number that no earlier page gave.
func fresh(prefix string) string { return prefix + strings.ToLower(rand.Text()[:10]) }

func (s *Sandbox) pushExample(m gateway.Merchant, phone gateway.Phone) (example, error) {
	in := jokul.PushRequest{
		Client: jokul.ClientRef{ID: m.DOKU.ClientID}, Order: jokul.OrderTotal{InvoiceNumber: fresh("PUSH-"), Amount: jokul.Number(exampleAmount)},
		OVOInfo: jokul.OVOID{OVOID: string(phone)},
	}
	in.Security.CheckSum = in.CheckSumFields().Sum(m.DOKU.SecretKey)
	body, err := wire.Encode(in)
	return example{System: "push", Commands: []command{{"", s.curl(jokul.PathPush, body)}}}, err
}

func (s *Sandbox) jokulExample(m gateway.Merchant, phone gateway.Phone) (example, error) {
	customer := fresh("customer-")
	body, err := wire.Encode(jokul.BindingRequest{
		Customer: jokul.Customer{ID: customer, Name: "Anton Budiman"}, ServiceType: jokul.ServiceRecurring,
		OVOAccount: jokul.BindingAccount{
			AccountMobilePhone: string(phone), SuccessRegistrationURL: s.BaseURL + "/phones", FailedRegistrationURL: s.BaseURL + "/phones",
		},
	})
	if err != nil {
		return example{}, err
	}
	c := jokul.Call{
		Method: http.MethodPost, Target: jokul.PathBinding, ClientID: m.DOKU.ClientID, RequestID: fresh("request-"), Timestamp: jokul.FormatTime(s.Clock.Now()),
	}
	return example{System: "jokul", Holds: jokulWindow, Commands: []command{{"", s.curl(c.Target, body,
		jokul.HeaderClientID, c.ClientID, jokul.HeaderRequestID, c.RequestID, jokul.HeaderRequestTimestamp, c.Timestamp,
		jokul.HeaderSignature, jokul.SignRequest(m.DOKU.SecretKey, c, body))}}}, nil
}

// faspayExample is one activation in both encodings.
func (s *Sandbox) faspayExample(m gateway.Merchant, phone gateway.Phone) (example, error) {
	in := faspay.ActivationRequest{
		MerchantID: m.Faspay.MerchantID, PaymentChannel: faspay.Channel, PhoneNo: string(phone), CustName: "Anton Budiman",
		Signature: faspay.Sign(m.Faspay.UserID, m.Faspay.Password, string(phone)),
	}
	e := example{System: "faspay"}
	for _, format := range []faspay.Format{faspay.JSON, faspay.XML} {
		body, err := faspay.Encode(format, in)
		if err != nil {
			return e, err
		}
		path := s.FaspayPaths.Path(faspay.ServiceActivation, format)
		e.Commands = append(e.Commands, command{strings.ToUpper(string(format)), s.curlAs(format.ContentType(), path, body)})
	}
	return e, nil
}

// snapExample is the token call, and a binding that bears a token of its own, so
// that both can be pasted as they are.
func (s *Sandbox) snapExample(m gateway.Merchant, phone gateway.Phone, system, path string) (example, error) {
	now := s.Clock.Now()
	timestamp := snap.FormatTime(now)
	key, err := snap.ParsePrivateKey(m.DOKU.PrivateKeyPEM)
	if err != nil {
		return example{}, err
	}
	signature, err := snap.SignAsymmetric(key, m.DOKU.ClientID, timestamp)
	if err != nil {
		return example{}, err
	}
	grant, err := wire.Encode(snap.TokenB2BRequest{GrantType: snap.GrantClientCredentials})
	if err != nil {
		return example{}, err
	}
	token, err := snap.Mint(s.Key, snap.Claims{ClientID: m.DOKU.ClientID, Expires: now.Add(snapWindow)})
	if err != nil {
		return example{}, err
	}
	body, err := wire.Encode(snap.BindingRequest{
		PhoneNo: "62" + strings.TrimPrefix(string(phone), "0"),
		AdditionalInfo: snap.BindingInfo{
			Channel: snap.Channel, CustIDMerchant: fresh("customer-"), SuccessRegistrationURL: s.BaseURL + "/phones", FailedRegistrationURL: s.BaseURL + "/phones",
		},
	})
	if err != nil {
		return example{}, err
	}
	return example{System: system, Holds: snapWindow, Commands: []command{
		{"token", s.curl(snap.PathTokenB2B, grant, snap.HeaderClientKey, m.DOKU.ClientID, snap.HeaderTimestamp, timestamp, snap.HeaderSignature, signature)},
		{"binding", s.curl(path, body, snap.HeaderPartnerID, m.DOKU.ClientID, snap.HeaderExternalID, fresh(""), snap.HeaderTimestamp, timestamp,
			snap.HeaderAuthorization, snap.TokenBearer+" "+token,
			snap.HeaderSignature, snap.SignSymmetric(m.DOKU.SecretKey, http.MethodPost, path, token, body, timestamp))},
	}}, nil
}

// curl is a POST of JSON as a shell command of several lines.
func (s *Sandbox) curl(path string, body []byte, headers ...string) string {
	return s.curlAs("application/json", path, body, headers...)
}

func (s *Sandbox) curlAs(contentType, path string, body []byte, headers ...string) string {
	var b strings.Builder
	b.WriteString("curl " + quoted(s.BaseURL+path) + " \\\n  -H " + quoted("Content-Type: "+contentType))
	for i := 0; i < len(headers); i += 2 {
		b.WriteString(" \\\n  -H " + quoted(headers[i]+": "+headers[i+1]))
	}
	b.WriteString(" \\\n  -d " + quoted(string(body)))
	return b.String()
}

// quoted is text as one word of a POSIX shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
