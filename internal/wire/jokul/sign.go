package jokul

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Names of the signing rules in a [wire.Verdict].
const (
	SchemeHeader   = "jokul-header"    // requests and notifications
	SchemeResponse = "jokul-response"  // answers
	SchemeCheckSum = "jokul-check-sum" // inside the body of push payments
)

// signaturePrefix begins every Signature header. Its letter case counts.
const signaturePrefix = "HMACSHA256="

// Call is what a header signature covers besides the body. An answer is signed
// with the values of the request that it answers, but its own timestamp.
type Call struct {
	Method    string // in upper case; a GET has no Digest line
	Target    string // the path as on the request line; a query is not signed
	ClientID  string
	RequestID string
	Timestamp string // the Request-Timestamp or Response-Timestamp header as sent
}

func (c Call) path() string {
	path, _, _ := strings.Cut(c.Target, "?")
	return path
}

// digest returns the digest of the body, or nothing for a call that has no Digest line.
func (c Call) digest(body []byte) string {
	if c.Method == "GET" {
		return ""
	}
	return Digest(body)
}

// Digest returns the SHA-256 of body in base64. The body is hashed as it is on
// the wire: never print it again before.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// RequestString is the string to sign of a request or notification: one line per
// value, no line break at the end. An empty digest leaves its line out.
func RequestString(c Call, digest string) string {
	return stringToSign(c, HeaderRequestTimestamp, digest)
}

// ResponseString is the string to sign of an answer. It differs from
// [RequestString] in the name of the timestamp.
func ResponseString(c Call, digest string) string {
	return stringToSign(c, HeaderResponseTimestamp, digest)
}

func stringToSign(c Call, timestampLabel, digest string) string {
	head := HeaderClientID + ":" + c.ClientID +
		"\n" + HeaderRequestID + ":" + c.RequestID +
		"\n" + timestampLabel + ":" + c.Timestamp +
		"\n" + labelTarget + ":" + c.path()
	if digest == "" {
		return head
	}
	return head + "\n" + labelDigest + ":" + digest
}

// SignRequest returns the Signature header of a request or notification: the prefix
// and the HMAC-SHA256 of [RequestString] in base64. The secret key's whole text, its
// "SK-" included, is the key. body must be the bytes that are sent.
func SignRequest(secret string, c Call, body []byte) string {
	return sign(secret, RequestString(c, c.digest(body)))
}

// SignResponse returns the Signature header of an answer.
func SignResponse(secret string, c Call, body []byte) string {
	return sign(secret, ResponseString(c, c.digest(body)))
}

func sign(secret, text string) string {
	mac := sum(secret, text)
	return printSignature(mac)
}

func sum(secret, text string) (mac [sha256.Size]byte) {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	h.Sum(mac[:0])
	return mac
}

func printSignature(mac [sha256.Size]byte) string {
	text := append(make([]byte, 0, 64), signaturePrefix...)
	return string(base64.StdEncoding.AppendEncode(text, mac[:]))
}

// VerifyRequest checks the Signature header of a request or notification. c and
// body are exactly as received. An empty secret matches nothing. The verdict has
// no hint: [ExplainRequest] searches one, which costs too much for every bad
// request of a stranger.
func VerifyRequest(secret string, c Call, body []byte, signature string) wire.Verdict {
	digest := c.digest(body)
	return verify(secret, wire.Verdict{
		Scheme:       SchemeHeader,
		StringToSign: RequestString(c, digest),
		Digest:       digest,
		Received:     signature,
	})
}

// VerifyResponse checks the Signature header of an answer: c holds what was asked,
// with the answer's Response-Timestamp, and body is the answer's.
func VerifyResponse(secret string, c Call, body []byte, signature string) wire.Verdict {
	digest := c.digest(body)
	return verify(secret, wire.Verdict{
		Scheme:       SchemeResponse,
		StringToSign: ResponseString(c, digest),
		Digest:       digest,
		Received:     signature,
	})
}

func verify(secret string, v wire.Verdict) wire.Verdict {
	mac := sum(secret, v.StringToSign)
	v.Expected = printSignature(mac)
	received, ok := readSignature(v.Received)
	v.OK = ok && secret != "" && hmac.Equal(mac[:], received[:])
	return v
}

// strictBase64 refuses a second spelling of the same bytes.
var strictBase64 = base64.RawStdEncoding.Strict()

// readSignature reads a Signature header: the prefix and base64 in the standard
// alphabet. The padding may be missing, as in one published notification.
func readSignature(text string) (mac [sha256.Size]byte, ok bool) {
	text, ok = strings.CutPrefix(text, signaturePrefix)
	text = strings.TrimSuffix(text, "=")
	if !ok || len(text) != strictBase64.EncodedLen(len(mac)) {
		return mac, false
	}
	// The decoder skips line breaks, but what is left is then too short.
	n, err := strictBase64.Decode(mac[:], []byte(text))
	return mac, err == nil && n == len(mac)
}
