package signed

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Report is what [Judge] found out about a message.
type Report struct {
	Dialect string `json:"dialect"`
	// OK is whether the message is signed and every signature matches.
	OK         bool           `json:"ok"`
	Signatures []wire.Verdict `json:"signatures"`
	// Problems are faults that keep a receiver from judging the signature, or from
	// accepting the message whatever the signature is.
	Problems []string `json:"problems,omitempty"`
}

// ErrUnsigned reports a message in which nothing of any protocol is recognised.
var ErrUnsigned = errors.New("neither the path nor the headers nor the body belong to a protocol spoken here: " +
	"SNAP calls have an X-SIGNATURE header, Jokul calls a Signature header, push payments a security.check_sum, Faspay calls a signature member")

// Judge checks every signature of m with the keys of the merchant that sent it or,
// of a notification, of the merchant that gets it. Verdicts that are no have a hint
// in words.
func Judge(m Message, keys Keys) (Report, error) {
	switch dialectOf(m) {
	case SNAP:
		return judgeSNAP(m, keys), nil
	case Jokul:
		return judgeJokul(m, keys), nil
	case Faspay:
		return judgeFaspay(m, keys), nil
	}
	return Report{}, ErrUnsigned
}

// dialectOf finds the protocol of a message from its path or, where the path is a
// merchant's own, from what it carries.
func dialectOf(m Message) string {
	path := m.path()
	for _, r := range snap.Routes {
		if r.Path == path {
			return SNAP
		}
	}
	if slices.Contains(jokul.Paths, path) || path == jokul.PathVoid || strings.HasPrefix(path, jokul.PathStatus) {
		return Jokul
	}
	if _, ok := faspay.DefaultPaths().Find(path); ok {
		return Faspay
	}
	switch {
	case m.Header.Get(snap.HeaderSignature) != "":
		return SNAP
	case m.Header.Get(jokul.HeaderSignature) != "":
		return Jokul
	}
	doc, err := faspay.Parse(m.format(), m.Body)
	switch {
	case err != nil:
		return ""
	case !doc.Get("security.check_sum").Absent():
		return Jokul
	case !doc.Get("signature").Absent():
		return Faspay
	}
	return ""
}

// require notes the mandatory headers that are missing, or there twice.
func (r *Report) require(m Message, names ...string) {
	for _, name := range names {
		switch values := m.Header.Values(name); {
		case strings.TrimSpace(strings.Join(values, "")) == "":
			r.problem("The header %s is missing or empty.", name)
		case len(values) > 1:
			r.problem("The header %s appears more than once.", name)
		}
	}
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// timestamp notes a timestamp that the protocol refuses as it is written.
func (r *Report) timestamp(m Message, name string, parse func(string) error) {
	if text := m.Header.Get(name); text != "" {
		if err := parse(text); err != nil {
			r.problem("The header %s is %q: %v.", name, text, err)
		}
	}
}

// client notes a client id that is not the merchant's.
func (r *Report) client(m Message, name, id string) {
	if got := m.Header.Get(name); got != "" && id != "" && got != id {
		r.problem("The header %s names the client %q, and the keys used here are those of %q.", name, got, id)
	}
}

func (r *Report) add(v wire.Verdict, explain func() string) {
	if !v.OK {
		v.Hint = explain()
	}
	r.Signatures = append(r.Signatures, v)
	r.OK = true
	for _, v := range r.Signatures {
		r.OK = r.OK && v.OK
	}
}

func judgeSNAP(m Message, keys Keys) Report {
	r := Report{Dialect: SNAP}
	signature, timestamp := m.Header.Get(snap.HeaderSignature), m.Header.Get(snap.HeaderTimestamp)
	r.timestamp(m, snap.HeaderTimestamp, func(text string) error { _, err := snap.ParseTime(text); return err })
	if m.isTokenCall() {
		r.require(m, snap.HeaderClientKey, snap.HeaderTimestamp, snap.HeaderSignature)
		r.client(m, snap.HeaderClientKey, keys.ClientID)
		client := m.Header.Get(snap.HeaderClientKey)
		r.add(snap.VerifyAsymmetric(keys.PublicKey, client, timestamp, signature), func() string {
			if keys.PublicKey == nil {
				return "There is no public key to check this signature with."
			}
			return snap.ExplainAsymmetric(keys.PublicKey, client, timestamp, signature)
		})
		return r
	}
	r.require(m, snap.HeaderTimestamp, snap.HeaderSignature, snap.HeaderPartnerID, snap.HeaderExternalID, snap.HeaderAuthorization)
	r.client(m, snap.HeaderPartnerID, keys.ClientID)
	token := snap.BearerToken(m.Header.Get(snap.HeaderAuthorization))
	r.add(snap.VerifySymmetric(keys.SecretKey, m.Method, m.Target, token, m.Body, timestamp, signature), func() string {
		return snap.Explain(keys.SecretKey, m.Method, m.Target, token, m.Body, timestamp, signature)
	})
	return r
}

// isTokenCall tells whether a SNAP message is signed with RSA. Where the path is a
// merchant's own, the header that names the client tells.
func (m Message) isTokenCall() bool {
	path := m.path()
	for _, r := range snap.Routes {
		if r.Path == path {
			return r.Service == snap.ServiceTokenB2B || r.Service == snap.ServiceTokenB2B2C
		}
	}
	return m.Header.Get(snap.HeaderPartnerID) == "" && m.Header.Get(snap.HeaderClientKey) != ""
}

func judgeJokul(m Message, keys Keys) Report {
	r := Report{Dialect: Jokul}
	path, signature := m.path(), m.Header.Get(jokul.HeaderSignature)
	push := path == jokul.PathPush || path == jokul.PathVoid
	var doc wire.Value
	if len(m.Body) > 0 {
		var err error
		if doc, err = wire.Parse(m.Body); err != nil {
			r.problem("The body is not acceptable JSON: %v.", err)
		}
	}
	push = push || !doc.Get("security.check_sum").Absent()
	if !push || signature != "" { // the headers of a push payment are optional
		r.require(m, jokul.HeaderClientID, jokul.HeaderRequestID, jokul.HeaderRequestTimestamp, jokul.HeaderSignature)
		r.client(m, jokul.HeaderClientID, keys.ClientID)
		r.timestamp(m, jokul.HeaderRequestTimestamp, func(text string) error { _, err := jokul.ParseTime(text); return err })
		call := jokul.Call{
			Method: m.Method, Target: m.Target, ClientID: m.Header.Get(jokul.HeaderClientID),
			RequestID: m.Header.Get(jokul.HeaderRequestID), Timestamp: m.Header.Get(jokul.HeaderRequestTimestamp),
		}
		r.add(jokul.VerifyRequest(keys.SecretKey, call, m.Body, signature), func() string {
			return jokul.ExplainRequest(keys.SecretKey, call, m.Body, signature)
		})
	}
	if push {
		fields, received := jokul.AnswerCheckSum(doc)
		r.add(jokul.VerifyCheckSum(keys.SecretKey, fields, received), func() string {
			return jokul.ExplainCheckSum(keys.SecretKey, fields, received)
		})
	}
	return r
}

func judgeFaspay(m Message, keys Keys) Report {
	r := Report{Dialect: Faspay}
	format := m.format()
	route, known := faspay.DefaultPaths().Find(m.path())
	if known && route.Format != format {
		r.problem("The path is that of %s, and the body is %s.", route.Format, format)
	}
	doc, err := faspay.Parse(format, m.Body)
	if err != nil {
		r.problem("The body is not acceptable: %v.", err)
		return r
	}
	if id := doc.Get("merchant_id").Literal(); keys.MerchantID != "" && id != keys.MerchantID {
		r.problem("The member merchant_id is %q, and the keys used here are those of %q.", id, keys.MerchantID)
	}
	signed := doc.Get("phone_no").Literal()
	switch {
	case known:
		signed = doc.Get(route.Service.Signed()).Literal()
	case !doc.Get("payment_status_code").Absent(): // a notification
		signed = doc.Get("bill_no").Literal() + doc.Get("payment_status_code").Literal()
	case doc.Get("phone_no").Absent():
		signed = doc.Get("bill_no").Literal()
	}
	signature := doc.Get("signature").Literal()
	r.add(faspay.Verify(keys.UserID, keys.Password, signed, signature), func() string {
		return faspay.Explain(keys.UserID, keys.Password, signed, signature, doc)
	})
	return r
}
