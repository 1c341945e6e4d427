package jokul

import "encoding/json"

// Fixed values of the OVO product in notifications and check status.
const (
	ServiceEMoney = "EMONEY"     // service.id
	AcquirerOVO   = "OVO"        // acquirer.id
	ChannelOVO    = "EMONEY_OVO" // channel.id
)

// Ref names a service, acquirer or channel.
type Ref struct {
	ID string `json:"id"`
}

// Transaction is the state of a payment.
type Transaction struct {
	Status            string `json:"status"`
	Date              string `json:"date"`                // in the form of FormatTime
	OriginalRequestID string `json:"original_request_id"` // Request-Id of the payment request
}

// WalletResult is the outcome at the wallet of a payment by token.
type WalletResult struct {
	Issuer            string `json:"issuer"` // IssuerOVO
	TokenID           string `json:"token_id"`
	MaskedPhoneNumber string `json:"masked_phone_number"` // see MaskPhone
	Status            string `json:"status"`
}

// Notification tells the merchant how a payment ended. A payment by token has a
// Wallet, a push payment the three members behind it.
type Notification struct {
	Service          Ref               `json:"service"`
	Acquirer         Ref               `json:"acquirer"`
	Channel          Ref               `json:"channel"`
	Transaction      Transaction       `json:"transaction"`
	Order            OrderTotal        `json:"order"`
	Customer         *Customer         `json:"customer,omitempty"`
	Wallet           *WalletResult     `json:"wallet,omitempty"`
	OVOInfo          *OVOInfo          `json:"ovo_info,omitempty"`
	OVOConfiguration *OVOConfiguration `json:"ovo_configuration,omitempty"`
	OVOPayment       *OVOPayment       `json:"ovo_payment,omitempty"`
	AdditionalInfo   json.RawMessage   `json:"additional_info,omitempty"`
}

// StatusAnswer answers a check status call: a [Notification] in another order.
type StatusAnswer struct {
	Order            OrderTotal        `json:"order"`
	Transaction      Transaction       `json:"transaction"`
	Service          Ref               `json:"service"`
	Acquirer         Ref               `json:"acquirer"`
	Channel          Ref               `json:"channel"`
	Customer         *Customer         `json:"customer,omitempty"`
	Wallet           *WalletResult     `json:"wallet,omitempty"`
	OVOInfo          *OVOInfo          `json:"ovo_info,omitempty"`
	OVOConfiguration *OVOConfiguration `json:"ovo_configuration,omitempty"`
	OVOPayment       *OVOPayment       `json:"ovo_payment,omitempty"`
	AdditionalInfo   json.RawMessage   `json:"additional_info,omitempty"`
}
