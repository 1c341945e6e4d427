package snap

import (
	"strconv"
	"strings"
	"time"
)

// Grant types of the token APIs.
const (
	GrantClientCredentials = "client_credentials"
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
)

// TokenBearer is the tokenType of every token answer.
const TokenBearer = "Bearer"

// TokenB2BRequest asks for a B2B token, or, sent by the provider, for a token of
// the merchant.
type TokenB2BRequest struct {
	GrantType string `json:"grantType"` // GrantClientCredentials
}

// TokenB2BAnswer answers a [TokenB2BRequest]. Here, and only here, additionalInfo
// is a string and expiresIn must be a number: two client libraries have typed them so.
type TokenB2BAnswer struct {
	ResponseCode    string `json:"responseCode"`
	ResponseMessage string `json:"responseMessage"`
	AccessToken     string `json:"accessToken"`
	TokenType       string `json:"tokenType"` // TokenBearer
	ExpiresIn       int    `json:"expiresIn"` // seconds
	AdditionalInfo  string `json:"additionalInfo"`
}

// MerchantTokenAnswer is a merchant's answer to the provider's token call.
// Merchant libraries print expiresIn as a number or as a string, and null for
// members that a refusal does not fill.
type MerchantTokenAnswer struct {
	ResponseCode    string  `json:"responseCode"`
	ResponseMessage string  `json:"responseMessage"`
	AccessToken     string  `json:"accessToken"`
	TokenType       string  `json:"tokenType"`
	ExpiresIn       Literal `json:"expiresIn"`
}

// Lifetime reads expiresIn, in seconds. It is 0 when the merchant sent 0, nothing,
// or something unreadable: the token then serves for one notification.
func (a MerchantTokenAnswer) Lifetime() time.Duration {
	whole, _, _ := strings.Cut(string(a.ExpiresIn), ".")
	seconds, err := strconv.ParseUint(strings.TrimSpace(whole), 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// TokenB2B2CRequest asks for a customer's token.
type TokenB2B2CRequest struct {
	GrantType    string `json:"grantType"`              // GrantAuthorizationCode or GrantRefreshToken
	AuthCode     string `json:"authCode,omitempty"`     // with GrantAuthorizationCode
	RefreshToken string `json:"refreshToken,omitempty"` // with GrantRefreshToken
}

// TokenB2B2CAnswer answers a [TokenB2B2CRequest]. The times are in the form of [FormatTime].
type TokenB2B2CAnswer struct {
	ResponseCode           string `json:"responseCode"`
	ResponseMessage        string `json:"responseMessage"`
	AccessToken            string `json:"accessToken"`
	TokenType              string `json:"tokenType"` // TokenBearer
	AccessTokenExpiryTime  string `json:"accessTokenExpiryTime"`
	RefreshToken           string `json:"refreshToken"`
	RefreshTokenExpiryTime string `json:"refreshTokenExpiryTime"`
}
