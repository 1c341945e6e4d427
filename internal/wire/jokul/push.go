package jokul

import (
	"encoding/json"
	"strconv"
)

// PushRequest asks the customer to pay in the OVO app. Its answer comes when the
// customer is done, after up to 70 seconds.
type PushRequest struct {
	Client         ClientRef       `json:"client"`
	Order          OrderTotal      `json:"order"`
	OVOInfo        OVOID           `json:"ovo_info"`
	AdditionalInfo json.RawMessage `json:"additional_info,omitempty"`
	Security       Security        `json:"security"`
}

// ClientRef names a merchant.
type ClientRef struct {
	ID string `json:"id"` // as in the Client-Id header
}

// OrderTotal is what is paid, without its parts.
type OrderTotal struct {
	InvoiceNumber string `json:"invoice_number"` // in a push payment up to 64 characters
	Amount        Number `json:"amount"`         // in a push payment up to 12 digits
}

// OVOID is the ovo_info of a [PushRequest].
type OVOID struct {
	OVOID string `json:"ovo_id"` // the customer's phone number, 08…
}

// OVOInfo is the ovo_info of a [PushAnswer].
type OVOInfo struct {
	OVOID          string `json:"ovo_id"`
	OVOAccountName string `json:"ovo_account_name"`
}

// Security carries the check_sum; see [CheckSumFields].
type Security struct {
	CheckSum string `json:"check_sum"`
}

// CheckSumFields returns what the check_sum of the request covers.
func (r PushRequest) CheckSumFields() CheckSumFields {
	return CheckSumFields{
		Amount:        strconv.FormatInt(int64(r.Order.Amount), 10),
		ClientID:      r.Client.ID,
		InvoiceNumber: r.Order.InvoiceNumber,
		OVOID:         r.OVOInfo.OVOID,
	}
}

// PushAnswer answers a [PushRequest]. One that did not succeed has the same
// members, with empty texts and zeros where there is nothing to say.
type PushAnswer struct {
	Client           ClientRef        `json:"client"`
	Order            OrderTotal       `json:"order"`
	OVOInfo          OVOInfo          `json:"ovo_info"`
	OVOConfiguration OVOConfiguration `json:"ovo_configuration"`
	OVOPayment       OVOPayment       `json:"ovo_payment"`
	Security         Security         `json:"security"`
}

// CheckSumFields returns what the check_sum of the answer covers.
func (a PushAnswer) CheckSumFields() CheckSumFields {
	return CheckSumFields{
		Amount:          strconv.FormatInt(int64(a.Order.Amount), 10),
		ApprovalCode:    a.OVOPayment.ApprovalCode,
		BatchNumber:     strconv.FormatInt(int64(a.OVOPayment.BatchNumber), 10),
		ClientID:        a.Client.ID,
		InvoiceNumber:   a.Order.InvoiceNumber,
		OVOID:           a.OVOInfo.OVOID,
		ReferenceNumber: strconv.FormatInt(int64(a.OVOPayment.ReferenceNumber), 10),
		TraceNumber:     strconv.FormatInt(int64(a.OVOPayment.TraceNumber), 10),
	}
}

// OVOConfiguration is how the merchant is known at OVO.
type OVOConfiguration struct {
	MerchantID string `json:"merchant_id"` // up to 7 digits; a published sample has 8
	StoreCode  string `json:"store_code"`  // up to 15 letters and digits
	MID        string `json:"mid"`         // up to 15 letters and digits
	TID        string `json:"tid"`         // up to 8 digits
}

// MaxReferenceNumber is where reference_number and trace_number begin again at 1.
const MaxReferenceNumber = 999_999

// OVOPayment is the outcome of a push payment.
type OVOPayment struct {
	Date             string `json:"date"` // in the form of FormatPaymentDate
	BatchNumber      Number `json:"batch_number"`
	TraceNumber      Number `json:"trace_number"`
	ReferenceNumber  Number `json:"reference_number"`
	ApprovalCode     string `json:"approval_code"`
	ResponseCode     string `json:"response_code"` // one of ResponseCodes
	CashUsed         Number `json:"cash_used"`
	CashBalance      Number `json:"cash_balance"`
	OVOPointsUsed    Number `json:"ovo_points_used"`
	OVOPointsBalance Number `json:"ovo_points_balance"`
	OVOPointsEarned  Number `json:"ovo_points_earned"`
	Status           string `json:"status"` // StatusSuccess, StatusFailed or StatusTimeout
}
