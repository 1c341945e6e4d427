package jokul

import (
	"encoding/json"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Types of token.
const (
	TokenDirectDebit     = "DIRECT_DEBIT"
	TokenCreditCard      = "CREDIT_CARD"
	TokenWallet          = "WALLET"           // for one-time payments
	TokenWalletRecurring = "WALLET_RECURRING" // for recurring payments
)

// IssuerOVO is the wallet.issuer of every token here.
const IssuerOVO = "OVO"

// TokensRequest asks for the tokens of a customer.
type TokensRequest struct {
	Customer  CustomerRef `json:"customer"`
	TokenData *TokenData  `json:"token_data,omitempty"` // nil: all types
}

// CustomerRef names a customer by its id.
type CustomerRef struct {
	ID string `json:"id"`
}

// TokenData names a type of token.
type TokenData struct {
	Type string `json:"type"`
}

// TokensAnswer answers a [TokensRequest].
type TokensAnswer struct {
	Customer  Customer  `json:"customer"` // id and name only
	TokenData TokenData `json:"token_data"`
	Wallet    Wallets   `json:"wallet"`
}

// Wallet is one token.
type Wallet struct {
	Issuer            string `json:"issuer"`
	TokenID           string `json:"token_id"`
	MaskedPhoneNumber string `json:"masked_phone_number"` // see MaskPhone
	Type              string `json:"type,omitempty"`      // only where several tokens are listed
}

// Wallets lists tokens, newest first. A single one is printed as an object without
// its type, the documented form; several make an array.
type Wallets []Wallet

// MarshalJSON prints an object or an array.
func (w Wallets) MarshalJSON() ([]byte, error) {
	if len(w) != 1 {
		return wire.Encode(append([]Wallet{}, w...))
	}
	one := w[0]
	one.Type = ""
	return wire.Encode(one)
}

// UnmarshalJSON reads an object or an array.
func (w *Wallets) UnmarshalJSON(data []byte) error {
	var list []Wallet
	if len(data) > 0 && data[0] == '{' {
		list = make([]Wallet, 1)
		if err := json.Unmarshal(data, &list[0]); err != nil {
			return err
		}
	} else if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*w = list
	return nil
}

// MaskPhone shows the last four digits of a phone number: "****4417".
func MaskPhone(phone string) string {
	return "****" + phone[max(0, len(phone)-4):]
}
