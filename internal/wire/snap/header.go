package snap

import "strings"

// Header names. Clients write them in any letter case and send optional ones
// with an empty value, which means the same as not sending them.
const (
	HeaderClientKey  = "X-CLIENT-KEY" // token APIs: the client id
	HeaderPartnerID  = "X-PARTNER-ID" // all others: the client id
	HeaderTimestamp  = "X-TIMESTAMP"
	HeaderSignature  = "X-SIGNATURE"
	HeaderExternalID = "X-EXTERNAL-ID"
	HeaderChannelID  = "CHANNEL-ID"
	HeaderDeviceID   = "X-DEVICE-ID"
	HeaderIPAddress  = "X-IP-ADDRESS"

	HeaderAuthorization = "Authorization"          // the B2B token
	HeaderCustomer      = "Authorization-Customer" // the customer's B2B2C token
)

// BearerToken returns the token of an Authorization or Authorization-Customer
// header. The word "Bearer" may have any letter case and may be missing: most
// client libraries send the customer token bare.
func BearerToken(header string) string {
	header = strings.TrimSpace(header)
	const scheme = "Bearer"
	if len(header) >= len(scheme) && strings.EqualFold(header[:len(scheme)], scheme) {
		if rest := header[len(scheme):]; rest == "" || rest[0] == ' ' || rest[0] == '\t' {
			return strings.TrimSpace(rest)
		}
	}
	return header
}
