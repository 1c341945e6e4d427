// Package signed makes and judges signed calls of every protocol that Gerbang
// speaks, for the tools of a merchant's engineer: it knows which rule a call is
// signed by, where the signature stands, and what a well-formed example of each
// call looks like. The rules themselves are those of wire/snap, wire/jokul and
// wire/faspay.
//
//	rule                          calls                           signature stands in
//	RSA over id and time          SNAP token calls                X-SIGNATURE
//	HMAC-SHA512 over the call     SNAP calls and notifications    X-SIGNATURE
//	HMAC-SHA256 over the call     Jokul calls and notifications   Signature
//	SHA-256 over five values      push payments                   security.check_sum
//	SHA-1 of MD5 over one value   Faspay calls and notifications  signature
//
// [Sign] makes one of [Calls]; [Judge] finds out how a message is signed, from its
// path and else from its headers and members, and says why a signature is wrong.
package signed

import (
	"bytes"
	"crypto/rsa"
	"net/http"
	"sort"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// Dialects, as the rest of Gerbang names them.
const (
	SNAP   = "snap"
	Jokul  = "jokul"
	Faspay = "faspay"
)

// Keys are the credentials of one merchant, as far as they are known.
type Keys struct {
	ClientID   string // at DOKU
	SecretKey  string
	PrivateKey *rsa.PrivateKey // signs token calls
	// PublicKey verifies token calls: the merchant's for those it makes, the
	// gateway's for those it gets.
	PublicKey *rsa.PublicKey

	MerchantID string // at Faspay
	UserID     string
	Password   string
}

// Message is an HTTP request as it is on the wire.
type Message struct {
	Method string
	Target string // path and query, as on the request line
	Header http.Header
	Body   []byte
}

func (m Message) path() string {
	path, _, _ := strings.Cut(m.Target, "?")
	return path
}

// format is the encoding of a Faspay message.
func (m Message) format() faspay.Format {
	if bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(m.Body, []byte("\ufeff"))), []byte("<")) {
		return faspay.XML
	}
	return faspay.JSON
}

// Curl is a command that sends m to the server at base. Pasted into a POSIX shell
// it sends exactly these bytes.
func (m Message) Curl(base string) string {
	var b strings.Builder
	b.WriteString("curl -s -X " + m.Method + " " + quote(strings.TrimSuffix(base, "/")+m.Target))
	names := make([]string, 0, len(m.Header))
	for name := range m.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		b.WriteString(" \\\n  -H " + quote(name+": "+m.Header.Get(name)))
	}
	if len(m.Body) > 0 {
		b.WriteString(" \\\n  --data-raw " + quote(string(m.Body)))
	}
	return b.String()
}

// quote writes text as one word of a POSIX shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
