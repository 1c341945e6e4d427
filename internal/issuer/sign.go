package issuer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp" // seconds since 1970
	HeaderSignature = "Webhook-Signature" // "v1," and base64, several separated by blanks
)

// Window is how far the timestamp of a call may be off, either way.
const Window = 5 * time.Minute

// Secrets are what the two sides share: the current one first, then those that a
// rotation replaced and that serve for a while yet.
type Secrets [][]byte

const secretPrefix = "whsec_"

// Bounds of a secret in bytes, as Standard Webhooks has them.
const (
	minSecret = 24
	maxSecret = 64
)

// ParseSecrets reads secrets as "whsec_" and base64, one a line.
func ParseSecrets(text string) (list Secrets, err error) {
	for line := range strings.FieldsSeq(text) {
		encoded, ok := strings.CutPrefix(line, secretPrefix)
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil {
			return nil, errors.New("a secret is whsec_ and base64")
		}
		if len(secret) < minSecret || len(secret) > maxSecret {
			return nil, fmt.Errorf("a secret has %d to %d bytes, not %d", minSecret, maxSecret, len(secret))
		}
		list = append(list, secret)
	}
	if len(list) == 0 {
		return nil, errors.New("there is no secret")
	}
	return list, nil
}

// sign sets the headers of a message: signed under every secret, so that a receiver
// may have changed over already, or not yet.
func (s Secrets) sign(h http.Header, id string, now time.Time, payload []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	signatures := make([]string, len(s))
	for i, secret := range s {
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(digest(secret, id, timestamp, payload))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
}

// verify reports why the headers do not prove that a payload comes from the other
// side, just now, or nil. The id is of use only when they do.
func (s Secrets) verify(h http.Header, now time.Time, payload []byte) (id string, err error) {
	id, timestamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	if id == "" || len(id) > maxID {
		return "", fmt.Errorf("%s is missing or has more than %d characters", HeaderID, maxID)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return "", fmt.Errorf("%s is not the seconds since 1970", HeaderTimestamp)
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > Window {
		return "", fmt.Errorf("%s is more than %s off", HeaderTimestamp, Window)
	}
	for signature := range strings.FieldsSeq(h.Get(HeaderSignature)) {
		encoded, ok := strings.CutPrefix(signature, "v1,")
		given, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil {
			continue // of another version
		}
		for _, secret := range s {
			if hmac.Equal(given, digest(secret, id, timestamp, payload)) {
				return id, nil
			}
		}
	}
	return "", fmt.Errorf("%s has no v1 signature that matches", HeaderSignature)
}

// maxID bounds the id of a call.
const maxID = 64

func digest(secret []byte, id, timestamp string, payload []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(payload)
	return mac.Sum(nil)
}

// SignCall signs a call to the API at the moment now. Id names it: a repeat with the
// same id is done once.
func (s Secrets) SignCall(r *http.Request, id string, now time.Time, body []byte) {
	s.sign(r.Header, id, now, callPayload(r.Method, r.URL.RequestURI(), body))
}

// callPayload is what is signed of a call.
func callPayload(method, target string, body []byte) []byte {
	return append([]byte(method+" "+target+"\n"), body...)
}
