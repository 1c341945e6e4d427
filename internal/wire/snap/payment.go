package snap

// Payment types.
const (
	PaymentSale      = "SALE"      // the customer confirms on a page
	PaymentRecurring = "RECURRING" // charged at once
)

// PaymentRequest charges a wallet.
type PaymentRequest struct {
	PartnerReferenceNo string            `json:"partnerReferenceNo"` // the merchant's invoice number, up to 64 characters
	FeeType            string            `json:"feeType,omitempty"`  // OUR, BEN or SHA
	Amount             Money             `json:"amount"`
	PayOptionDetails   []PayOptionDetail `json:"payOptionDetails,omitempty"` // absent: all from cash
	AdditionalInfo     PaymentInfo       `json:"additionalInfo"`
}

// PayOptionDetail is the share of one purse.
type PayOptionDetail struct {
	PayMethod   string `json:"payMethod"` // PurseCash or PursePoints
	TransAmount Money  `json:"transAmount"`
	FeeAmount   Money  `json:"feeAmount,omitzero"`
}

// PaymentInfo is the additionalInfo of a [PaymentRequest].
type PaymentInfo struct {
	Channel                 string     `json:"channel"`
	Remarks                 string     `json:"remarks,omitempty"` // up to 40 characters
	SuccessPaymentURL       string     `json:"successPaymentUrl,omitempty"`
	FailedPaymentURL        string     `json:"failedPaymentUrl,omitempty"`
	PaymentType             string     `json:"paymentType,omitempty"` // absent: PaymentSale
	LineItems               []LineItem `json:"lineItems,omitempty"`
	Origin                  *Origin    `json:"origin,omitempty"`
	OverrideNotificationURL string     `json:"override_notification_url,omitempty"`
}

// PaymentAnswer answers a [PaymentRequest]. WebRedirectURL is there for
// PaymentSale only.
type PaymentAnswer struct {
	ResponseCode       string `json:"responseCode"`
	ResponseMessage    string `json:"responseMessage"`
	WebRedirectURL     string `json:"webRedirectUrl,omitempty"`
	PartnerReferenceNo string `json:"partnerReferenceNo,omitempty"`
	ReferenceNo        string `json:"referenceNo,omitempty"`
}
