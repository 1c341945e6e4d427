package snap

// RefundRequest returns money of a payment, wholly or in part.
type RefundRequest struct {
	OriginalPartnerReferenceNo string      `json:"originalPartnerReferenceNo"`
	OriginalExternalID         string      `json:"originalExternalId,omitempty"`
	RefundAmount               Money       `json:"refundAmount"`
	Reason                     string      `json:"reason,omitempty"` // up to 255 characters
	PartnerRefundNo            string      `json:"partnerRefundNo"`  // the merchant's refund number, up to 64 characters
	AdditionalInfo             ChannelInfo `json:"additionalInfo"`
}

// RefundAnswer answers a [RefundRequest].
type RefundAnswer struct {
	ResponseCode               string `json:"responseCode"`
	ResponseMessage            string `json:"responseMessage"`
	RefundAmount               Money  `json:"refundAmount,omitzero"`
	OriginalPartnerReferenceNo string `json:"originalPartnerReferenceNo,omitempty"`
	OriginalReferenceNo        string `json:"originalReferenceNo,omitempty"`
	RefundNo                   string `json:"refundNo,omitempty"`
	PartnerRefundNo            string `json:"partnerRefundNo,omitempty"`
	RefundTime                 string `json:"refundTime,omitempty"` // in the form of FormatTime
}
