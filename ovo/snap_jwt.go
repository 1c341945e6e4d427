package ovo

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// A receiver keeps no list of its tokens: they are JWTs with RS256, as those of
// DOKU's own merchant libraries, and their signature says that they are ours.

// issuedClaims is the payload. Half of the libraries name the issuer "issuer",
// the other half "iss".
type issuedClaims struct {
	Exp      int64  `json:"exp"` // Unix seconds
	Issuer   string `json:"issuer"`
	Iss      string `json:"iss"`
	ClientID string `json:"clientId"`
}

var (
	segment = base64.RawURLEncoding.Strict()
	// issuedHeader is the only header that is accepted. Comparing it whole leaves
	// no room for other algorithms.
	issuedHeader = segment.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`))
)

func mint(key *rsa.PrivateKey, clientID string, expires time.Time) (string, error) {
	payload, err := json.Marshal(issuedClaims{Exp: expires.Unix(), Issuer: clientID, Iss: clientID, ClientID: clientID})
	if err != nil {
		return "", err
	}
	text := issuedHeader + "." + segment.EncodeToString(payload)
	hash := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hash[:])
	if err != nil {
		return "", err
	}
	return text + "." + segment.EncodeToString(signature), nil
}

// issued tells whether token was minted with the key, for the client, and has not
// expired.
func issued(key *rsa.PublicKey, clientID, token string, now time.Time) bool {
	header, rest, _ := strings.Cut(token, ".")
	payload, encoded, _ := strings.Cut(rest, ".")
	if len(token) > snap.MaxToken || header != issuedHeader || strings.ContainsAny(token, "\r\n") {
		return false
	}
	signature, err := segment.DecodeString(encoded)
	if err != nil {
		return false
	}
	hash := sha256.Sum256([]byte(header + "." + payload))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) != nil {
		return false
	}
	// From here on the bytes are our own.
	var claims issuedClaims
	text, err := segment.DecodeString(payload)
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return false
	}
	return claims.Iss == clientID && claims.ClientID == clientID && now.Before(time.Unix(claims.Exp, 0))
}
