package snap

// UnbindingRequest ends a binding.
type UnbindingRequest struct {
	TokenID        string      `json:"tokenId"` // the customer's B2B2C token
	AdditionalInfo ChannelInfo `json:"additionalInfo"`
}

// UnbindingAnswer answers an [UnbindingRequest].
type UnbindingAnswer struct {
	ResponseCode    string `json:"responseCode"`
	ResponseMessage string `json:"responseMessage"`
	ReferenceNo     string `json:"referenceNo,omitempty"`
}
