package snap

// BalanceRequest asks for the purses of the customer named by the customer token.
type BalanceRequest struct {
	AdditionalInfo ChannelInfo `json:"additionalInfo"`
}

// BalanceAnswer answers a [BalanceRequest].
type BalanceAnswer struct {
	ResponseCode    string        `json:"responseCode"`
	ResponseMessage string        `json:"responseMessage"`
	AccountInfos    []AccountInfo `json:"accountInfos"` // cash first: some clients read only that
}

// AccountInfo is one purse. Client libraries read Amount, production merchants
// read AvailableBalance; a server fills all four.
type AccountInfo struct {
	BalanceType      string `json:"balanceType"` // PurseCash or PursePoints
	Amount           Money  `json:"amount"`
	FlatAmount       Money  `json:"flatAmount,omitzero"` // SNAP's float amount, in DOKU's spelling
	HoldAmount       Money  `json:"holdAmount,omitzero"`
	AvailableBalance Money  `json:"availableBalance,omitzero"`
}
