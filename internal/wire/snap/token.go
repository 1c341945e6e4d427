package snap

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// Issuer is the "iss" of every token that a server of this API signs.
	Issuer = "DOKU"
	// UseRefresh marks a refresh token in [Claims].
	UseRefresh = "refresh"
	// MaxToken is the longest token a request may carry, in bytes.
	MaxToken = 2048
)

// ErrToken reports a token that is not one of ours. The reason is not told to callers.
var ErrToken = errors.New("snap: invalid access token")

// Claims is what an access token says.
type Claims struct {
	Expires   time.Time // to the second
	ClientID  string
	AccountID string // the wallet's binding; empty in B2B tokens
	Use       string // UseRefresh for refresh tokens, else empty
}

// payload is the JWT payload in DOKU's member order, which client libraries do
// not rely on but which makes tokens reproducible.
type payload struct {
	Exp       int64  `json:"exp"` // Unix seconds
	Iss       string `json:"iss"`
	ClientID  string `json:"clientId"`
	AccountID string `json:"accountId,omitempty"`
	Use       string `json:"use,omitempty"`
}

// jwt.Claims wants these; expiry is judged by the caller, so none is ever called.
func (payload) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }
func (payload) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil }
func (payload) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (payload) GetIssuer() (string, error)                   { return "", nil }
func (payload) GetSubject() (string, error)                  { return "", nil }
func (payload) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }

// tokenHeader is the only header that tokens have. Comparing it whole leaves no
// room for other algorithms or for headers that name a key.
var tokenHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`))

// Mint signs an access token: a JWT with RS256. Real clients parse and verify
// it, so it may not be a random string. The same key and claims always give the
// same token. Parts of a second in Expires are dropped.
func Mint(key *rsa.PrivateKey, c Claims) (string, error) {
	if key == nil || c.ClientID == "" || c.Expires.Unix() <= 0 {
		return "", errors.New("snap: a token needs a key, a client id and an expiry")
	}
	token := jwt.Token{
		Method: jwt.SigningMethodRS256,
		Header: map[string]any{"alg": jwt.SigningMethodRS256.Alg()},
		Claims: payload{
			Exp:       c.Expires.Unix(),
			Iss:       Issuer,
			ClientID:  c.ClientID,
			AccountID: c.AccountID,
			Use:       c.Use,
		},
	}
	return token.SignedString(key)
}

var tokenParser = jwt.NewParser(
	jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
	jwt.WithoutClaimsValidation(),
	jwt.WithStrictDecoding(),
)

// ParseToken checks that token was signed by one of keys and reads it; several
// keys let a server change its own. It does not judge Expires: the caller has the
// clock, and unbinding accepts expired tokens. Every error is [ErrToken].
func ParseToken(keys []*rsa.PublicKey, token string) (Claims, error) {
	header, _, _ := strings.Cut(token, ".")
	if len(token) > MaxToken || header != tokenHeader || strings.ContainsAny(token, "\r\n") {
		return Claims{}, ErrToken
	}
	var set jwt.VerificationKeySet
	for _, key := range keys {
		if key != nil {
			set.Keys = append(set.Keys, key)
		}
	}
	var p payload
	_, err := tokenParser.ParseWithClaims(token, &p, func(*jwt.Token) (any, error) { return set, nil })
	if err != nil || p.Iss != Issuer || p.Exp <= 0 || p.ClientID == "" {
		return Claims{}, ErrToken
	}
	return Claims{
		Expires:   time.Unix(p.Exp, 0).UTC(),
		ClientID:  p.ClientID,
		AccountID: p.AccountID,
		Use:       p.Use,
	}, nil
}
