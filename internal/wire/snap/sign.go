package snap

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Names of the signing rules in a [wire.Verdict].
const (
	SchemeAsymmetric            = "snap-asymmetric"
	SchemeAsymmetricTransaction = "snap-asymmetric-transaction"
	SchemeSymmetric             = "snap-symmetric"
)

// Forms of the body that a signature may cover, in the order in which they are tried.
const (
	matchedRaw       = "raw"       // the bytes on the wire
	matchedStripped  = "stripped"  // white space outside strings removed
	matchedCanonical = "canonical" // parsed and printed again
)

// AsymmetricString is the string to sign of the token APIs, in both directions:
// client id, a vertical bar, the X-TIMESTAMP header as sent.
func AsymmetricString(clientID, timestamp string) string {
	return clientID + "|" + timestamp
}

// SignAsymmetric signs a token call: RSASSA-PKCS1-v1_5 with SHA-256, in base64.
// The same key and string always give the same signature.
func SignAsymmetric(key *rsa.PrivateKey, clientID, timestamp string) (string, error) {
	return signRSA(key, AsymmetricString(clientID, timestamp))
}

// VerifyAsymmetric checks the signature of a token call. timestamp is the header
// text as received.
func VerifyAsymmetric(key *rsa.PublicKey, clientID, timestamp, signature string) wire.Verdict {
	return verifyRSA(key, wire.Verdict{
		Scheme:       SchemeAsymmetric,
		StringToSign: AsymmetricString(clientID, timestamp),
		Received:     signature,
	})
}

// AsymmetricTransactionString is the string to sign of the variant that signs a
// transaction with RSA. DOKU's signature page describes it; no published client
// uses it for OVO. Unlike [SymmetricString] it has no access token.
func AsymmetricTransactionString(method, target, digest, timestamp string) string {
	return method + ":" + target + ":" + digest + ":" + timestamp
}

// SignAsymmetricTransaction signs a transaction with RSA. The digest covers body
// without the white space outside strings.
func SignAsymmetricTransaction(key *rsa.PrivateKey, method, target string, body []byte, timestamp string) (string, error) {
	return signRSA(key, AsymmetricTransactionString(method, target, Digest(wire.Strip(body)), timestamp))
}

// VerifyAsymmetricTransaction checks what [SignAsymmetricTransaction] makes.
func VerifyAsymmetricTransaction(key *rsa.PublicKey, method, target string, body []byte, timestamp, signature string) wire.Verdict {
	digest := Digest(wire.Strip(body))
	return verifyRSA(key, wire.Verdict{
		Scheme:       SchemeAsymmetricTransaction,
		StringToSign: AsymmetricTransactionString(method, target, digest, timestamp),
		Digest:       digest,
		Received:     signature,
	})
}

func signRSA(key *rsa.PrivateKey, text string) (string, error) {
	if key == nil {
		return "", errors.New("snap: no private key to sign with")
	}
	hash := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hash[:])
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

func verifyRSA(key *rsa.PublicKey, v wire.Verdict) wire.Verdict {
	signature, err := decodeBase64(v.Received)
	if err != nil || key == nil {
		return v
	}
	hash := sha256.Sum256([]byte(v.StringToSign))
	v.OK = rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) == nil
	return v
}

// Digest returns the lower-case hexadecimal SHA-256 of body. An empty body has
// the digest of the empty string.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// SymmetricString is the string to sign of transactions and notifications.
// method is in upper case, target is the path with its query as it is requested,
// token is the Authorization token without "Bearer ", digest is [Digest] of the
// body, and timestamp is the X-TIMESTAMP header as sent.
func SymmetricString(method, target, token, digest, timestamp string) string {
	return method + ":" + target + ":" + token + ":" + digest + ":" + timestamp
}

// SignSymmetric signs a transaction or notification: HMAC-SHA512 over
// [SymmetricString] with the client secret's text as key, in base64 (88 characters).
// body must be the bytes that are sent; encode them with wire.Encode.
func SignSymmetric(secret, method, target, token string, body []byte, timestamp string) string {
	mac := sumSymmetric(secret, SymmetricString(method, target, token, Digest(body), timestamp))
	return base64.StdEncoding.EncodeToString(mac[:])
}

func sumSymmetric(secret, text string) (mac [sha512.Size]byte) {
	h := hmac.New(sha512.New, []byte(secret))
	h.Write([]byte(text))
	h.Sum(mac[:0])
	return mac
}

// VerifySymmetric checks the signature of a transaction or notification. The
// arguments are those of [SignSymmetric] as the receiver sees them: body and
// timestamp exactly as received.
//
// The published client libraries do not agree on what they sign, so the body is
// tried as received, then without white space, then parsed and printed again; and
// each of them with the query first, then without it, if the target has one.
// A verdict that failed shows the first of these. An empty secret matches nothing.
// The verdict has no hint: [Explain] searches one, which costs too much for every
// bad request of a stranger.
func VerifySymmetric(secret, method, target, token string, body []byte, timestamp, signature string) wire.Verdict {
	v := wire.Verdict{Scheme: SchemeSymmetric, Received: signature}
	received, err := decodeBase64(signature)
	comparable := err == nil && len(received) == sha512.Size && secret != ""
	path, _, hasQuery := strings.Cut(target, "?")

	try := func(form string, candidate []byte) bool {
		digest := Digest(candidate)
		for _, target := range [...]string{target, path} {
			text := SymmetricString(method, target, token, digest, timestamp)
			mac := sumSymmetric(secret, text)
			ok := comparable && hmac.Equal(mac[:], received)
			if ok || v.Digest == "" {
				v.StringToSign, v.Digest = text, digest
				v.Expected = base64.StdEncoding.EncodeToString(mac[:])
			}
			if ok {
				v.OK, v.Matched = true, form
				return true
			}
			if !hasQuery {
				break
			}
		}
		return false
	}

	if try(matchedRaw, body) || !comparable {
		return v
	}
	stripped := wire.Strip(body)
	if len(stripped) != len(body) && try(matchedStripped, stripped) {
		return v
	}
	if parsed, err := wire.Parse(body); err == nil {
		canonical := parsed.AppendCanonical(make([]byte, 0, len(stripped)))
		if !bytes.Equal(canonical, stripped) {
			try(matchedCanonical, canonical)
		}
	}
	return v
}

// strictBase64 refuses a second spelling of the same bytes.
var strictBase64 = base64.StdEncoding.Strict()

// decodeBase64 reads a signature header: standard alphabet with padding, letter
// case significant, blanks around it ignored.
func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if strings.ContainsAny(text, "\r\n") { // the decoder would skip them
		return nil, errors.New("snap: line break in signature")
	}
	return strictBase64.DecodeString(text)
}
