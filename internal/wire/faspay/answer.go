package faspay

import (
	"encoding/json"
	"strconv"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Values of status and message, as far as they are known, and of type.
const (
	ActivationAllowed = "ALLOWED"
	ActivationDenied  = "DENIED"

	PaymentPending = "PENDING"
	PaymentSuccess = "SUCCESS" // also the message of an activation
	PaymentFailed  = "FAILED"  // also the message of an activation

	PurseCash   = "Cash"
	PursePoints = "Points"
)

// TopUpOptions are the five documented ways to fill a wallet. It must not be changed.
var TopUpOptions = []string{"ATM", "Internet/Mobile Banking", "Grab", "Tokopedia", "Merchant/Mitra OVO"}

// ActivationAnswer answers an [ActivationRequest]. A refusal has all members too,
// empty where there is nothing to say; that holds for every answer.
type ActivationAnswer struct {
	Response     string `json:"response"`
	Status       string `json:"status"`
	Message      string `json:"message"`
	RedirectURL  string `json:"redirectURL"` // the page for the customer's browser
	ResponseCode string `json:"response_code"`
	ResponseDesc string `json:"response_desc"`
}

// PaymentAnswer answers a [PaymentRequest].
type PaymentAnswer struct {
	Response     string `json:"response"`
	RedirectURL  string `json:"redirectURL"` // the page for the customer's browser
	Status       string `json:"status"`
	TrxID        string `json:"trx_id"`
	BillNo       string `json:"bill_no"`
	Amount       string `json:"amount"`
	PaymentDay   string `json:"payment_day"` // date and time; elsewhere it is payment_date
	ResponseCode string `json:"response_code"`
	ResponseDesc string `json:"response_desc"`
	// URL is for reading only: where the answer is a [RenewalAnswer], this is its page.
	URL string `json:"url,omitempty"`
}

// RenewalAnswer answers a [PaymentRequest] whose link has come to an end outside
// the merchant's reach, with [CodeRenew]. There is no payment.
type RenewalAnswer struct {
	Response     string `json:"response"`
	ResponseCode string `json:"response_code"`
	ResponseDesc string `json:"response_desc"`
	URL          string `json:"url"` // the page for the customer's browser
}

// TopUpAnswer answers a [TopUpRequest]. The guide calls its first member request;
// Response says the same under the name that all other answers use.
type TopUpAnswer struct {
	Request        string       `json:"request"`
	Response       string       `json:"response,omitempty"`
	MerchantID     string       `json:"merchant_id"`
	PhoneNo        string       `json:"phone_no"`
	PaymentChannel string       `json:"payment_channel"`
	Merchant       string       `json:"merchant"`
	Instructions   Instructions `json:"topup_instruction"`
	ResponseCode   string       `json:"response_code"`
	ResponseDesc   string       `json:"response_desc"`
}

// Instructions is printed as a group with the members instruction_1, instruction_2, ….
type Instructions []Instruction

// Instruction is one way to fill a wallet.
type Instruction struct {
	Option string `json:"option"` // one of TopUpOptions
	Icon   string `json:"icon"`   // address of a picture
	URL    string `json:"url"`    // address of the instruction
}

// BalanceAnswer answers a [BalanceRequest].
type BalanceAnswer struct {
	Response       string        `json:"response"`
	PhoneNo        string        `json:"phone_no"`
	PaymentChannel string        `json:"payment_channel"`
	MerchantID     string        `json:"merchant_id"`
	Detail         BalanceDetail `json:"detail"`
	ResponseCode   string        `json:"response_code"`
	ResponseDesc   string        `json:"response_desc"`
}

// BalanceDetail holds both purses.
type BalanceDetail struct {
	Cash   Purse `json:"cash"`
	Points Purse `json:"points"`
}

// Purse is one purse of a wallet.
type Purse struct {
	Balance string `json:"balance"` // in the form of FormatAmount, or empty in a refusal
}

// HistoryAnswer answers a [HistoryRequest].
type HistoryAnswer struct {
	Response       string       `json:"response"`
	PhoneNo        string       `json:"phone_no"`
	MerchantID     string       `json:"merchant_id"`
	PaymentChannel string       `json:"payment_channel"`
	Merchant       string       `json:"merchant"`
	Transactions   Transactions `json:"list_transaction"`
	ResponseCode   string       `json:"response_code"`
	ResponseDesc   string       `json:"response_desc"`
}

// Transactions is printed as a group with the members transaction_1, transaction_2, ….
type Transactions []Transaction

// Transaction is one payment in a [HistoryAnswer].
type Transaction struct {
	PaymentDate  string        `json:"payment_date"`
	Status       string        `json:"status"`
	TrxID        string        `json:"trx_id"`
	TrxAmount    string        `json:"trx_amount"`
	AmountDetail AmountDetails `json:"amount_detail"`
}

// AmountDetails is a list in JSON and a repeated element in XML.
type AmountDetails []AmountDetail

// AmountDetail is what one purse paid.
type AmountDetail struct {
	Type string `json:"type"` // PurseCash or PursePoints
	Amt  string `json:"amt"`
}

// UnlinkAnswer answers an [UnlinkRequest]. The guide documents no answer at all.
type UnlinkAnswer struct {
	Response       string `json:"response"`
	MerchantID     string `json:"merchant_id"`
	PhoneNo        string `json:"phone_no"`
	PaymentChannel string `json:"payment_channel"`
	ResponseCode   string `json:"response_code"`
	ResponseDesc   string `json:"response_desc"`
}

// InquiryAnswer answers an [InquiryRequest]. ResponseCode is about the question,
// PaymentStatusCode about the payment.
type InquiryAnswer struct {
	Response          string `json:"response"`
	TrxID             string `json:"trx_id"`
	MerchantID        string `json:"merchant_id"`
	Merchant          string `json:"merchant"`
	BillNo            string `json:"bill_no"`
	PaymentReff       string `json:"payment_reff"` // empty unless paid
	PaymentDate       string `json:"payment_date"` // empty unless paid
	PaymentStatusCode string `json:"payment_status_code"`
	PaymentStatusDesc string `json:"payment_status_desc"`
	PaymentTotal      string `json:"payment_total"` // empty unless paid
	ResponseCode      string `json:"response_code"`
	ResponseDesc      string `json:"response_desc"`
}

// CancelAnswer answers a [CancelRequest].
type CancelAnswer struct {
	Response          string `json:"response"`
	TrxID             string `json:"trx_id"`
	MerchantID        string `json:"merchant_id"`
	Merchant          string `json:"merchant"`
	BillNo            string `json:"bill_no"`
	TrxStatusCode     string `json:"trx_status_code"`
	TrxStatusDesc     string `json:"trx_status_desc"`
	PaymentStatusCode string `json:"payment_status_code"`
	PaymentStatusDesc string `json:"payment_status_desc"`
	PaymentCancelDate string `json:"payment_cancel_date"` // empty unless cancelled
	PaymentCancel     string `json:"payment_cancel"`      // the request's reason
	ResponseCode      string `json:"response_code"`
	ResponseDesc      string `json:"response_desc"`
}

// MarshalJSON prints the group.
func (g Instructions) MarshalJSON() ([]byte, error) { return marshalGroup("instruction_", g) }

// UnmarshalJSON reads the group, or a list in its place.
func (g *Instructions) UnmarshalJSON(data []byte) error { return unmarshalGroup(data, "option", g) }

// MarshalJSON prints the group.
func (g Transactions) MarshalJSON() ([]byte, error) { return marshalGroup("transaction_", g) }

// UnmarshalJSON reads the group, or a list in its place.
func (g *Transactions) UnmarshalJSON(data []byte) error { return unmarshalGroup(data, "trx_id", g) }

// UnmarshalJSON reads the list, or a group or a single entry in its place.
func (g *AmountDetails) UnmarshalJSON(data []byte) error { return unmarshalGroup(data, "type", g) }

// marshalGroup prints items as members that are numbered from 1.
func marshalGroup[S ~[]T, T any](prefix string, items S) ([]byte, error) {
	out := []byte{'{'}
	for i, item := range items {
		text, err := wire.Encode(item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(append(append(out, '"'), prefix...), int64(i+1), 10)
		out = append(append(out, '"', ':'), text...)
	}
	return append(out, '}'), nil
}

// unmarshalGroup reads the entries of an object or array in their order. An object
// with the member single is itself the only entry.
func unmarshalGroup[S ~[]T, T any](data []byte, single string, items *S) error {
	v, err := wire.Parse(data)
	if err != nil {
		return err
	}
	*items = nil
	var raw [][]byte
	for _, item := range v.Items() {
		raw = append(raw, item.Raw())
	}
	if !v.Get(single).Absent() {
		raw = append(raw, v.Raw())
	} else {
		for _, m := range v.Members() {
			raw = append(raw, m.Value.Raw())
		}
	}
	for _, text := range raw {
		var item T
		if err := json.Unmarshal(text, &item); err != nil {
			return err
		}
		*items = append(*items, item)
	}
	return nil
}
