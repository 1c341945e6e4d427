package snap

import (
	"errors"
	"strings"
	"unicode"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Longest values, in characters. Where editions of the documents differ (32 or 64
// for references, 64 or 256 for email) the longer one holds.
const (
	maxReference    = 64
	maxCustomerName = 70
	maxEmail        = 256
	maxIDCard       = 20
	maxCountry      = 60
	maxAddress      = 255
	maxDateOfBirth  = 64 // content not checked: clients disagree on its format
	maxRemarks      = 40
	maxReason       = 255
	maxFeeType      = 16 // "SHA|1000" occurs
	maxItemName     = 32
	maxItemNumber   = 32
	maxEnum         = 64
	maxURL          = 2048
	minPhone        = 9
	maxPhone        = 16
)

// FieldError reports the member for which a request is refused. Members that are
// missing come before malformed ones, and amounts out of range (well written, but 0
// or too large) come last, each in the order of the documentation.
type FieldError = wire.FieldError

// Binding is a decoded [BindingRequest]. Members that only other products use are left out.
type Binding struct {
	Phone        string // digits, begins with 62
	CustomerID   string
	CustomerName string
	Email        string
	IDCard       string
	Country      string
	Address      string
	DateOfBirth  string
	SuccessURL   string
	FailureURL   string
}

// Balance is a decoded [BalanceRequest].
type Balance struct {
	BankCardToken string // where the archived API carried the customer token
}

// Payment is a decoded [PaymentRequest].
type Payment struct {
	Reference       string
	FeeType         string // empty when absent
	Amount          money.Amount
	Options         []PayOption // nil when absent; whether they add up to Amount is for the caller to judge
	Type            string      // PaymentSale or PaymentRecurring
	Remarks         string
	SuccessURL      string // always there for PaymentSale
	FailureURL      string // always there for PaymentSale
	LineItems       []LineItem
	NotificationURL string // overrides the merchant's setting; empty when absent
	BankCardToken   string // where the archived API carried the customer token
}

// PayOption is the share of one purse in a [Payment]. Both amounts may be 0.
type PayOption struct {
	Purse  string // PurseCash or PursePoints
	Amount money.Amount
	Fee    money.Amount
}

// Status is a decoded [StatusRequest]. At least one of the first three is filled.
type Status struct {
	Reference   string
	ReferenceNo string // the provider's reference
	ExternalID  string
	ServiceCode string       // "55" or "54"
	Amount      money.Amount // 0 when absent
}

// Refund is a decoded [RefundRequest].
type Refund struct {
	Reference       string // of the payment
	ExternalID      string // of the payment; empty when absent
	Amount          money.Amount
	Reason          string
	RefundReference string
	BankCardToken   string // where the archived API carried the customer token
}

// Unbinding is a decoded [UnbindingRequest].
type Unbinding struct {
	TokenID string
}

// DecodeTokenB2B reads the body of service 73. Its error is a [*FieldError], as
// that of every function here.
func DecodeTokenB2B(v wire.Value) (TokenB2BRequest, error) {
	d := newDecoder(v)
	r := TokenB2BRequest{GrantType: d.enum("grantType", true, GrantClientCredentials)}
	return wire.Result(d.Decoder, r)
}

// DecodeTokenB2B2C reads the body of service 74.
func DecodeTokenB2B2C(v wire.Value) (TokenB2B2CRequest, error) {
	d := newDecoder(v)
	r := TokenB2B2CRequest{GrantType: d.enum("grantType", true, GrantAuthorizationCode, GrantRefreshToken)}
	r.AuthCode = d.Word("authCode", r.GrantType == GrantAuthorizationCode, MaxToken)
	r.RefreshToken = d.Word("refreshToken", r.GrantType == GrantRefreshToken, MaxToken)
	return wire.Result(d.Decoder, r)
}

// DecodeBinding reads the body of service 07.
func DecodeBinding(v wire.Value) (Binding, error) {
	d := newDecoder(v)
	r := Binding{Phone: d.phone("phoneNo")}
	d.channel(true)
	r.CustomerID = d.Word("additionalInfo.custIdMerchant", true, maxReference)
	r.CustomerName = d.text("additionalInfo.customerName", maxCustomerName)
	r.Email = d.text("additionalInfo.email", maxEmail)
	r.IDCard = d.text("additionalInfo.idCard", maxIDCard)
	r.Country = d.text("additionalInfo.country", maxCountry)
	r.Address = d.text("additionalInfo.address", maxAddress)
	r.DateOfBirth = d.text("additionalInfo.dateOfBirth", maxDateOfBirth)
	r.SuccessURL = d.url("additionalInfo.successRegistrationUrl", true)
	r.FailureURL = d.url("additionalInfo.failedRegistrationUrl", true)
	return wire.Result(d.Decoder, r)
}

// DecodeBalance reads the body of service 11.
func DecodeBalance(v wire.Value) (Balance, error) {
	d := newDecoder(v)
	d.channel(true)
	r := Balance{BankCardToken: d.Word("bankCardToken", false, MaxToken)}
	return wire.Result(d.Decoder, r)
}

// DecodePayment reads the body of service 54. A missing paymentType means
// PaymentSale. The two page URLs are mandatory for PaymentSale only: nobody visits
// a page in a PaymentRecurring.
func DecodePayment(v wire.Value) (Payment, error) {
	d := newDecoder(v)
	r := Payment{
		Reference: d.Word("partnerReferenceNo", true, maxReference),
		FeeType:   d.text("feeType", maxFeeType),
		Amount:    d.amount("amount", "amount.value", "amount.currency", true, false),
		Options:   d.payOptions("payOptionDetails"),
	}
	d.channel(true)
	r.Remarks = d.text("additionalInfo.remarks", maxRemarks)
	r.Type = d.enum("additionalInfo.paymentType", false, PaymentSale, PaymentRecurring)
	if r.Type == "" {
		r.Type = PaymentSale
	}
	r.SuccessURL = d.url("additionalInfo.successPaymentUrl", r.Type == PaymentSale)
	r.FailureURL = d.url("additionalInfo.failedPaymentUrl", r.Type == PaymentSale)
	r.LineItems = d.lineItems("additionalInfo.lineItems")
	// DOKU documents the first spelling for its other APIs; the second is SNAP's style.
	r.NotificationURL = d.url("additionalInfo.override_notification_url", false)
	if other := d.url("additionalInfo.overrideNotificationUrl", false); r.NotificationURL == "" {
		r.NotificationURL = other
	}
	r.BankCardToken = d.Word("bankCardToken", false, MaxToken)
	return wire.Result(d.Decoder, r)
}

// DecodeStatus reads the body of service 55. One client library sends an amount
// with two empty members when it has none.
func DecodeStatus(v wire.Value) (Status, error) {
	d := newDecoder(v)
	r := Status{
		Reference:   d.Word("originalPartnerReferenceNo", false, maxReference),
		ReferenceNo: d.Word("originalReferenceNo", false, maxReference),
		ExternalID:  d.Word("originalExternalId", false, maxReference),
	}
	if v.Get("originalPartnerReferenceNo").Absent() && v.Get("originalReferenceNo").Absent() && v.Get("originalExternalId").Absent() {
		d.SetMissing("originalPartnerReferenceNo")
	}
	r.ServiceCode = d.enum("serviceCode", true, string(ServiceStatus), string(ServicePayment))
	filled := !v.Get("amount.value").Absent() || !v.Get("amount.currency").Absent()
	r.Amount = d.amount("amount", "amount.value", "amount.currency", filled, false)
	d.channel(false)
	return wire.Result(d.Decoder, r)
}

// DecodeRefund reads the body of service 58.
func DecodeRefund(v wire.Value) (Refund, error) {
	d := newDecoder(v)
	r := Refund{
		Reference:       d.Word("originalPartnerReferenceNo", true, maxReference),
		ExternalID:      d.Word("originalExternalId", false, maxReference),
		Amount:          d.amount("refundAmount", "refundAmount.value", "refundAmount.currency", true, false),
		Reason:          d.text("reason", maxReason),
		RefundReference: d.Word("partnerRefundNo", true, maxReference),
	}
	d.channel(true)
	r.BankCardToken = d.Word("additionalInfo.bankCardToken", false, MaxToken)
	return wire.Result(d.Decoder, r)
}

// DecodeUnbinding reads the body of service 09.
func DecodeUnbinding(v wire.Value) (Unbinding, error) {
	d := newDecoder(v)
	r := Unbinding{TokenID: d.Word("tokenId", true, MaxToken)}
	d.channel(true)
	return wire.Result(d.Decoder, r)
}

// decoder adds what is read in the manner of SNAP.
type decoder struct{ *wire.Decoder }

func newDecoder(v wire.Value) decoder { return decoder{wire.NewDecoder(v)} }

// text reads an optional string for people. Databases do not store NUL.
func (d decoder) text(path string, limit int) string {
	text := d.String(path, false, limit)
	if strings.IndexByte(text, 0) >= 0 {
		d.SetMalformed(path, "must not contain NUL")
		return ""
	}
	return text
}

// enum reads one of the allowed values in any letter case and returns it as listed.
func (d decoder) enum(path string, mandatory bool, allowed ...string) string {
	return d.OneOf(path, d.String(path, mandatory, maxEnum), allowed...)
}

func (d decoder) channel(mandatory bool) {
	d.enum("additionalInfo.channel", mandatory, Channel)
}

func (d decoder) phone(path string) string {
	text := d.String(path, true, maxPhone)
	if text == "" {
		return ""
	}
	if len(text) < minPhone || len(text) > maxPhone || strings.Trim(text, "0123456789") != "" || !strings.HasPrefix(text, "62") {
		d.SetMalformed(path, "must have 9 to 16 digits and begin with 62")
		return ""
	}
	return text
}

func (d decoder) url(path string, mandatory bool) string { return d.URL(path, mandatory, maxURL) }

// amount reads a money object. The paths of its two members are parameters so
// that the ordinary case builds no strings.
func (d decoder) amount(path, valuePath, currencyPath string, mandatory, zeroAllowed bool) money.Amount {
	if v := d.Root.Get(path); !v.Absent() && v.Kind() != wire.Object {
		d.SetMalformed(path, "must be an object")
		return 0
	}
	text := d.String(valuePath, mandatory, maxEnum)
	d.enum(currencyPath, mandatory, Currency)
	if text == "" {
		return 0
	}
	a, err := money.ParseSNAP(text)
	switch {
	case errors.Is(err, money.ErrSyntax):
		d.SetMalformed(valuePath, "must be digits followed by .00")
	case err != nil && !(zeroAllowed && strings.Trim(text, "0.") == ""):
		d.SetRange(valuePath, "must be from 1.00 to "+money.Max.SNAP())
	}
	return a
}

func (d decoder) payOptions(path string) []PayOption {
	var options []PayOption
	d.Items(path, func(inner *wire.Decoder) {
		item := decoder{inner}
		o := PayOption{
			Purse:  item.enum("payMethod", true, PurseCash, PursePoints),
			Amount: item.amount("transAmount", "transAmount.value", "transAmount.currency", true, true),
		}
		fee := !item.Root.Get("feeAmount.value").Absent() || !item.Root.Get("feeAmount.currency").Absent()
		o.Fee = item.amount("feeAmount", "feeAmount.value", "feeAmount.currency", fee, true)
		options = append(options, o)
	})
	return options
}

func (d decoder) lineItems(path string) []LineItem {
	var items []LineItem
	d.Items(path, func(inner *wire.Decoder) {
		item := decoder{inner}
		items = append(items, LineItem{
			Name:     item.text("name", maxItemName),
			Price:    item.literal("price"),
			Quantity: item.literal("quantity"),
		})
	})
	return items
}

// literal reads an optional number or string.
func (d decoder) literal(path string) Literal {
	v, ok := d.Get(path, false)
	if !ok {
		return ""
	}
	if v.Kind() != wire.Number && v.Kind() != wire.String {
		d.SetMalformed(path, "must be a number or a string")
		return ""
	}
	text := v.Literal()
	if len(text) > maxItemNumber || strings.ContainsFunc(text, unicode.IsControl) {
		d.SetMalformed(path, "must be a number")
		return ""
	}
	return Literal(text)
}
