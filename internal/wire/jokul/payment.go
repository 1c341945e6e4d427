package jokul

import "encoding/json"

// Values of payment.status, ovo_payment.status, transaction.status, and of the
// status of a binding, a refund and an unbinding. Each knows only some of them.
const (
	StatusPending      = "PENDING"
	StatusSuccess      = "SUCCESS"
	StatusFailed       = "FAILED"
	StatusTimeout      = "TIMEOUT" // the end is not known yet
	StatusExpired      = "EXPIRED"
	StatusRefunded     = "REFUNDED" // wholly
	StatusTokenExpired = "TOKEN_EXPIRED"
)

// RecurringPaymentRequest charges a wallet without its owner.
type RecurringPaymentRequest struct {
	Customer       Customer         `json:"customer"`
	AdditionalInfo json.RawMessage  `json:"additional_info,omitempty"`
	Order          Order            `json:"order"`
	OVOAccount     RecurringAccount `json:"ovo_account"`
}

// RecurringAccount is the ovo_account of a [RecurringPaymentRequest].
type RecurringAccount struct {
	TokenID            string `json:"token_id"`
	PaymentUseOVOPoint bool   `json:"payment_use_ovo_point"` // points first, then cash
	FirstPayment       bool   `json:"first_payment"`
}

// PaymentRequest charges a wallet after its owner confirmed on a page. Its shape
// was not readable in DOKU's own pages; it is that of published clients.
type PaymentRequest struct {
	Customer       Customer        `json:"customer"`
	AdditionalInfo json.RawMessage `json:"additional_info,omitempty"`
	Order          Order           `json:"order"`
	OVOAccount     PaymentAccount  `json:"ovo_account"`
}

// PaymentAccount is the ovo_account of a [PaymentRequest].
type PaymentAccount struct {
	TokenID            string `json:"token_id"`
	PaymentUseOVOPoint bool   `json:"payment_use_ovo_point"`
	SuccessPaymentURL  string `json:"success_payment_url"`
	FailedPaymentURL   string `json:"failed_payment_url"`
}

// Order is what is paid.
type Order struct {
	InvoiceNumber string     `json:"invoice_number"`
	LineItems     []LineItem `json:"line_items,omitempty"`
	Amount        Number     `json:"amount"`
}

// LineItem is one article of an [Order]. Articles need not add up to the amount.
type LineItem struct {
	Name     string      `json:"name,omitempty"`
	Price    json.Number `json:"price,omitempty"`
	Quantity json.Number `json:"quantity"`
}

// PaymentAnswer answers a [RecurringPaymentRequest] or [PaymentRequest]. Only the
// latter's has an OVOAccount.
type PaymentAnswer struct {
	Customer       Customer              `json:"customer"`
	AdditionalInfo json.RawMessage       `json:"additional_info,omitempty"`
	Order          Order                 `json:"order"`
	OVOAccount     *PaymentAnswerAccount `json:"ovo_account,omitempty"`
	Payment        PaymentState          `json:"payment"`
}

// PaymentAnswerAccount is the ovo_account of a [PaymentAnswer].
type PaymentAnswerAccount struct {
	PaymentURL string `json:"payment_url"` // where the customer's browser must go
}

// PaymentState says how a payment stands.
type PaymentState struct {
	Status string `json:"status"`
}
