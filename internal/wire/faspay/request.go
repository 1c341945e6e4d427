package faspay

// Values of pay_type.
const (
	PayCash   = "0"
	PayPoints = "1"
	PayBoth   = "2" // points first, the rest in cash
)

// ActivationRequest starts linking a customer's wallet to the merchant.
type ActivationRequest struct {
	Request        string `json:"request,omitempty"` // free text, as in all requests
	MerchantID     string `json:"merchant_id"`
	PaymentChannel string `json:"payment_channel"`
	PhoneNo        string `json:"phone_no"`
	CustName       string `json:"cust_name"`
	Signature      string `json:"signature"` // covers PhoneNo
}

// PaymentRequest asks for a payment from a linked wallet.
type PaymentRequest struct {
	Request        string `json:"request,omitempty"`
	MerchantID     string `json:"merchant_id"`
	BillNo         string `json:"bill_no"` // the merchant's order number
	BillDesc       string `json:"bill_desc"`
	BillTotal      string `json:"bill_total"` // in the form of FormatAmount
	BillCurrency   string `json:"bill_currency"`
	PaymentChannel string `json:"payment_channel"`
	PhoneNo        string `json:"phone_no"`
	CustName       string `json:"cust_name"`
	Email          string `json:"email"`
	PayType        string `json:"pay_type"`
	Signature      string `json:"signature"` // covers PhoneNo
}

// TopUpRequest asks how the customer can fill the wallet.
type TopUpRequest struct {
	Request        string `json:"request,omitempty"`
	MerchantID     string `json:"merchant_id"`
	Merchant       string `json:"merchant"` // the merchant's name
	PhoneNo        string `json:"phone_no"`
	PaymentChannel string `json:"payment_channel"`
	Signature      string `json:"signature"` // covers PhoneNo
}

// BalanceRequest asks for the purses of a linked wallet.
type BalanceRequest struct {
	Request        string `json:"request,omitempty"`
	MerchantID     string `json:"merchant_id"`
	PaymentChannel string `json:"payment_channel"`
	PhoneNo        string `json:"phone_no"`
	Signature      string `json:"signature"` // covers PhoneNo
}

// HistoryRequest asks for a page of the customer's payments to the merchant.
type HistoryRequest struct {
	Request        string `json:"request,omitempty"`
	MerchantID     string `json:"merchant_id"`
	Merchant       string `json:"merchant"`
	PhoneNo        string `json:"phone_no"`
	PaymentChannel string `json:"payment_channel"`
	StartDate      string `json:"start_date"` // YYYY-MM-DD
	EndDate        string `json:"end_date"`   // YYYY-MM-DD
	Page           string `json:"page"`
	Limit          string `json:"limit"`
	Signature      string `json:"signature"` // covers PhoneNo
}

// UnlinkRequest ends a link. It has the members of a [TopUpRequest]: only the
// number in the path tells them apart.
type UnlinkRequest struct {
	Request        string `json:"request,omitempty"`
	MerchantID     string `json:"merchant_id"`
	Merchant       string `json:"merchant"`
	PhoneNo        string `json:"phone_no"`
	PaymentChannel string `json:"payment_channel"`
	Signature      string `json:"signature"` // covers PhoneNo
}

// InquiryRequest asks for the state of a payment.
type InquiryRequest struct {
	Request    string `json:"request,omitempty"`
	TrxID      string `json:"trx_id"`
	MerchantID string `json:"merchant_id"`
	BillNo     string `json:"bill_no"`
	Signature  string `json:"signature"` // covers BillNo
}

// CancelRequest withdraws a payment that is not paid yet.
type CancelRequest struct {
	Request       string `json:"request,omitempty"`
	TrxID         string `json:"trx_id"`
	MerchantID    string `json:"merchant_id"`
	Merchant      string `json:"merchant,omitempty"`
	BillNo        string `json:"bill_no"`
	PaymentCancel string `json:"payment_cancel"` // the reason
	Signature     string `json:"signature"`      // covers BillNo
}
