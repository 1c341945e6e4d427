package jokul

// BalanceRequest asks for the purses behind a token.
type BalanceRequest struct {
	Customer   CustomerRef `json:"customer"`
	OVOAccount TokenRef    `json:"ovo_account"`
}

// TokenRef names a token.
type TokenRef struct {
	TokenID string `json:"token_id"`
}

// BalanceAnswer answers a [BalanceRequest].
type BalanceAnswer struct {
	Customer   Customer       `json:"customer"`
	OVOAccount BalanceAccount `json:"ovo_account"`
}

// BalanceAccount is the ovo_account of a [BalanceAnswer].
type BalanceAccount struct {
	OVOCashBalance  Number `json:"ovo_cash_balance"`
	OVOPointBalance Number `json:"ovo_point_balance"`
}
