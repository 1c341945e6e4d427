package snap

// PaymentNotification tells the merchant how a payment ended.
type PaymentNotification struct {
	OriginalPartnerReferenceNo string           `json:"originalPartnerReferenceNo"`
	OriginalReferenceNo        string           `json:"originalReferenceNo"`
	OriginalExternalID         string           `json:"originalExternalId"`      // X-EXTERNAL-ID of the payment request
	LatestTransactionStatus    string           `json:"latestTransactionStatus"` // TransactionSuccess or TransactionFailed
	TransactionStatusDesc      string           `json:"transactionStatusDesc,omitempty"`
	Amount                     Money            `json:"amount"`
	AdditionalInfo             NotificationInfo `json:"additionalInfo"`
}

// NotificationInfo is the additionalInfo of a [PaymentNotification].
type NotificationInfo struct {
	AcquirerID        string     `json:"acquirerId"` // Acquirer
	CustIDMerchant    string     `json:"custIdMerchant"`
	AccountType       string     `json:"accountType"` // AccountWallet
	ChannelID         string     `json:"channelId"`   // Channel
	FailedPaymentURL  string     `json:"failedPaymentUrl,omitempty"`
	SuccessPaymentURL string     `json:"successPaymentUrl,omitempty"`
	LineItems         []LineItem `json:"lineItems,omitempty"`
	Origin            *Origin    `json:"origin,omitempty"` // {"apiFormat":"SNAP"}
	PaymentType       string     `json:"paymentType,omitempty"`
}

// AccountWallet is the accountType that production notifications carry.
const AccountWallet = "WALLET"

// NotificationAck is a merchant's answer to a notification: 2005600 for a payment,
// 2000700 for a binding. Only its HTTP status decides about another attempt.
type NotificationAck struct {
	ResponseCode    string `json:"responseCode"`
	ResponseMessage string `json:"responseMessage"`
	ApprovalCode    string `json:"approvalCode,omitempty"`
}
