package snap

// Values of a binding's status.
const (
	BindingPending = "PENDING"
	BindingSuccess = "SUCCESS"
	BindingFailed  = "FAILED"
)

// BindingRequest starts the binding of a wallet to a merchant's customer.
type BindingRequest struct {
	PhoneNo        string      `json:"phoneNo"` // digits with country code, no plus: 62…
	AdditionalInfo BindingInfo `json:"additionalInfo"`
}

// BindingInfo is the additionalInfo of a [BindingRequest].
type BindingInfo struct {
	Channel                string  `json:"channel"`
	CustIDMerchant         string  `json:"custIdMerchant"` // the merchant's customer id, up to 64 characters
	CustomerName           string  `json:"customerName,omitempty"`
	Email                  string  `json:"email,omitempty"`
	IDCard                 string  `json:"idCard,omitempty"`
	Country                string  `json:"country,omitempty"`
	Address                string  `json:"address,omitempty"`
	DateOfBirth            string  `json:"dateOfBirth,omitempty"` // YYYYMMDD
	SuccessRegistrationURL string  `json:"successRegistrationUrl"`
	FailedRegistrationURL  string  `json:"failedRegistrationUrl"`
	DeviceModel            string  `json:"deviceModel,omitempty"`
	OSType                 string  `json:"osType,omitempty"`
	ChannelID              string  `json:"channelId,omitempty"`
	Origin                 *Origin `json:"origin,omitempty"`
}

// BindingAnswer answers a [BindingRequest].
type BindingAnswer struct {
	ResponseCode    string            `json:"responseCode"`
	ResponseMessage string            `json:"responseMessage"`
	ReferenceNo     string            `json:"referenceNo,omitempty"`
	RedirectURL     string            `json:"redirectUrl"`
	AdditionalInfo  BindingAnswerInfo `json:"additionalInfo"`
}

// BindingAnswerInfo is the additionalInfo of a [BindingAnswer]. AccountStatus and
// Status hold the same value: half of the clients read the one, half the other.
type BindingAnswerInfo struct {
	CustIDMerchant string `json:"custIdMerchant"`
	AccountStatus  string `json:"accountStatus"`
	Status         string `json:"status"`
	AuthCode       string `json:"authCode"` // the last part of RedirectURL
}

// BindingNotification tells the merchant how a binding ended. No member may be empty.
type BindingNotification struct {
	OriginalExternalID string                  `json:"originalExternalId"` // X-EXTERNAL-ID of the binding request
	AdditionalInfo     BindingNotificationInfo `json:"additionalInfo"`
}

// BindingNotificationInfo is the additionalInfo of a [BindingNotification].
type BindingNotificationInfo struct {
	Status         string `json:"status"` // BindingSuccess, BindingPending or BindingFailed
	CustIDMerchant string `json:"custIdMerchant"`
	AuthCode       string `json:"authCode"`
}
