package snap

// Values of latestTransactionStatus (Bank Indonesia SNAP).
const (
	TransactionSuccess   = "00"
	TransactionInitiated = "01"
	TransactionPaying    = "02"
	TransactionPending   = "03"
	TransactionRefunded  = "04"
	TransactionCancelled = "05"
	TransactionFailed    = "06"
	TransactionNotFound  = "07"
)

// StatusRequest asks for the state of a payment. At least one of the three
// Original… members must be filled.
type StatusRequest struct {
	OriginalPartnerReferenceNo string      `json:"originalPartnerReferenceNo,omitempty"`
	OriginalReferenceNo        string      `json:"originalReferenceNo,omitempty"`
	OriginalExternalID         string      `json:"originalExternalId,omitempty"`
	ServiceCode                string      `json:"serviceCode"`               // "55"; "54" is accepted too
	TransactionDate            string      `json:"transactionDate,omitempty"` // in the form of FormatTime
	Amount                     Money       `json:"amount,omitzero"`
	AdditionalInfo             *StatusInfo `json:"additionalInfo,omitempty"`
}

// StatusInfo is the additionalInfo of a [StatusRequest].
type StatusInfo struct {
	DeviceID string  `json:"deviceId,omitempty"`
	Channel  string  `json:"channel,omitempty"`
	Origin   *Origin `json:"origin,omitempty"`
}

// StatusAnswer answers a [StatusRequest].
type StatusAnswer struct {
	ResponseCode               string            `json:"responseCode"`
	ResponseMessage            string            `json:"responseMessage"`
	OriginalPartnerReferenceNo string            `json:"originalPartnerReferenceNo,omitempty"`
	OriginalReferenceNo        string            `json:"originalReferenceNo,omitempty"`
	ApprovalCode               string            `json:"approvalCode,omitempty"`
	OriginalExternalID         string            `json:"originalExternalId,omitempty"`
	ServiceCode                string            `json:"serviceCode"` // "55"
	LatestTransactionStatus    string            `json:"latestTransactionStatus"`
	TransactionStatusDesc      string            `json:"transactionStatusDesc,omitempty"`
	OriginalResponseCode       string            `json:"originalResponseCode,omitempty"`
	OriginalResponseMessage    string            `json:"originalResponseMessage,omitempty"`
	SessionID                  string            `json:"sessionId,omitempty"`
	RequestID                  string            `json:"requestID,omitempty"` // spelt so; a second spelling would break a client
	RefundHistory              []RefundEntry     `json:"refundHistory,omitempty"`
	TransAmount                Money             `json:"transAmount,omitzero"`
	FeeAmount                  Money             `json:"feeAmount,omitzero"`
	PaidTime                   string            `json:"paidTime,omitempty"`
	AdditionalInfo             *StatusAnswerInfo `json:"additionalInfo,omitempty"`
}

// RefundEntry is one refund in a [StatusAnswer].
type RefundEntry struct {
	RefundNo           string `json:"refundNo"`
	PartnerReferenceNo string `json:"partnerReferenceNo"` // the merchant's refund number
	RefundAmount       Money  `json:"refundAmount"`
	RefundStatus       string `json:"refundStatus"` // as latestTransactionStatus
	RefundDate         string `json:"refundDate"`
	Reason             string `json:"reason,omitempty"`
}

// StatusAnswerInfo is the additionalInfo of a [StatusAnswer].
type StatusAnswerInfo struct {
	DeviceID string    `json:"deviceId,omitempty"`
	Channel  string    `json:"channel,omitempty"`
	Acquirer *PartyRef `json:"acquirer,omitempty"`
}

// PartyRef names a party by its id.
type PartyRef struct {
	ID string `json:"id"`
}
