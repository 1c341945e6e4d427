package jokul

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Longest values, in characters. Those without a published length are marked.
const (
	maxCustomerID     = 50
	maxCustomerIDLong = 64 // in the balance request
	maxName           = 70
	maxNameUnbinding  = 50
	maxEmail          = 255
	maxPhone          = 20
	maxNote           = 20  // customer.additional_info
	maxNoteLong       = 255 // the same in a payment
	maxToken          = 128
	minInvoice        = 3
	maxInvoice        = 32
	maxInvoicePush    = 64
	maxReason         = 255
	maxEnum           = 255
	maxCheckSum       = 64
	maxClientID       = 128 // not published
	maxItemName       = 255 // not published
	maxItemNumber     = 32  // not published
	maxURL            = 2048

	amountDigits     = 10
	amountDigitsLong = 12 // push and refund
)

// FieldError reports the member for which a request is refused. Members that are
// missing come before malformed ones, and whole amounts below 1 come last, each in
// the order of the documentation; an amount with too many digits is malformed.
// Unlike that of the other protocols its text is a sentence, without a colon.
type FieldError wire.FieldError

func (e *FieldError) Error() string { return e.Field + " " + e.Reason }

// Binding is a decoded [BindingRequest].
type Binding struct {
	Customer   Customer
	Email      string // of the OVO account; empty when absent
	Phone      string // as sent: 08…, 62… or +62…, and digits
	SuccessURL string
	FailureURL string
}

// Tokens is a decoded [TokensRequest].
type Tokens struct {
	CustomerID string
	Type       string // empty for all types
}

// Balance is a decoded [BalanceRequest].
type Balance struct {
	CustomerID string // up to 64 characters: no stored one has more than 50
	TokenID    string
}

// RecurringPayment is a decoded [RecurringPaymentRequest].
type RecurringPayment struct {
	Customer        Customer
	AdditionalInfo  json.RawMessage // an object as received, to be repeated; nil when absent
	Invoice         string
	LineItems       []LineItem
	Amount          money.Amount
	TokenID         string
	UsePoints       bool
	First           bool
	NotificationURL string // overrides the merchant's setting; empty when absent
}

// Payment is a decoded [PaymentRequest].
type Payment struct {
	Customer        Customer
	AdditionalInfo  json.RawMessage // an object as received, to be repeated; nil when absent
	Invoice         string
	LineItems       []LineItem
	Amount          money.Amount
	TokenID         string
	UsePoints       bool
	SuccessURL      string
	FailureURL      string
	NotificationURL string // overrides the merchant's setting; empty when absent
}

// Refund is a decoded [RefundRequest].
type Refund struct {
	Invoice   string // of the payment
	RequestID string // of the payment
	Amount    money.Amount
	Reason    string
}

// Unbinding is a decoded [UnbindingRequest].
type Unbinding struct {
	CustomerID   string
	CustomerName string // may be blank
	TokenID      string
}

// Push is a decoded [PushRequest].
type Push struct {
	ClientID        string
	Invoice         string
	Amount          money.Amount // 0 only beside an error
	AmountText      string       // as sent, for the check_sum
	Phone           string       // as sent: 08… or 62…, and digits
	CheckSum        string
	AdditionalInfo  json.RawMessage // an object as received, to be repeated; nil when absent
	NotificationURL string          // overrides the merchant's setting; empty when absent
}

// CheckSumFields returns what the check_sum of the request covers.
func (p Push) CheckSumFields() CheckSumFields {
	return CheckSumFields{Amount: p.AmountText, ClientID: p.ClientID, InvoiceNumber: p.Invoice, OVOID: p.Phone}
}

// DecodeBinding reads the body of a binding. Its error is a [*FieldError], as that
// of every function here.
func DecodeBinding(v wire.Value) (Binding, error) {
	d := newDecoder(v)
	r := Binding{
		Customer:   d.customer(maxNote),
		Phone:      d.phone("ovo_account.account_mobile_phone", true),
		Email:      d.text("ovo_account.account_email", false, maxEmail),
		SuccessURL: d.url("ovo_account.success_registration_url", true),
		FailureURL: d.url("ovo_account.failed_registration_url", true),
	}
	d.enum("service_type", true, ServiceRecurring)
	return result(d, r)
}

// DecodeTokens reads the body of a list of tokens.
func DecodeTokens(v wire.Value) (Tokens, error) {
	d := newDecoder(v)
	r := Tokens{
		CustomerID: d.text("customer.id", true, maxCustomerID),
		Type:       d.enum("token_data.type", false, TokenDirectDebit, TokenCreditCard, TokenWallet, TokenWalletRecurring),
	}
	return result(d, r)
}

// DecodeBalance reads the body of a balance inquiry.
func DecodeBalance(v wire.Value) (Balance, error) {
	d := newDecoder(v)
	r := Balance{
		CustomerID: d.text("customer.id", true, maxCustomerIDLong),
		TokenID:    d.text("ovo_account.token_id", true, maxToken),
	}
	return result(d, r)
}

// DecodeRecurringPayment reads the body of a payment by token without a page.
func DecodeRecurringPayment(v wire.Value) (RecurringPayment, error) {
	d := newDecoder(v)
	r := RecurringPayment{
		Customer:       d.customer(maxNoteLong),
		AdditionalInfo: d.object("additional_info"),
	}
	r.NotificationURL = d.url("additional_info.override_notification_url", false)
	r.Invoice = d.invoice("order.invoice_number")
	r.LineItems = d.lineItems("order.line_items")
	r.Amount, _ = d.amount("order.amount", amountDigits)
	r.TokenID = d.text("ovo_account.token_id", true, maxToken)
	r.UsePoints = d.flag("ovo_account.payment_use_ovo_point")
	r.First = d.flag("ovo_account.first_payment")
	return result(d, r)
}

// DecodePayment reads the body of a payment by token that is confirmed on a page.
func DecodePayment(v wire.Value) (Payment, error) {
	d := newDecoder(v)
	r := Payment{
		Customer:       d.customer(maxNoteLong),
		AdditionalInfo: d.object("additional_info"),
	}
	r.NotificationURL = d.url("additional_info.override_notification_url", false)
	r.Invoice = d.invoice("order.invoice_number")
	r.LineItems = d.lineItems("order.line_items")
	r.Amount, _ = d.amount("order.amount", amountDigits)
	r.TokenID = d.text("ovo_account.token_id", true, maxToken)
	r.UsePoints = d.flag("ovo_account.payment_use_ovo_point")
	r.SuccessURL = d.url("ovo_account.success_payment_url", true)
	r.FailureURL = d.url("ovo_account.failed_payment_url", true)
	return result(d, r)
}

// DecodeRefund reads the body of a refund. It does not judge the invoice number:
// one that no payment has is not found.
func DecodeRefund(v wire.Value) (Refund, error) {
	d := newDecoder(v)
	r := Refund{
		Invoice:   d.text("order.invoice_number", true, maxInvoice),
		RequestID: d.text("payment.original_request_id", true, MaxRequestID),
	}
	r.Amount, _ = d.amount("refund.amount", amountDigitsLong)
	r.Reason = d.text("refund.reason", false, maxReason)
	return result(d, r)
}

// DecodeUnbinding reads the body of an unbinding. The published sample has a blank
// for customer.name; an empty text is taken too.
func DecodeUnbinding(v wire.Value) (Unbinding, error) {
	d := newDecoder(v)
	r := Unbinding{CustomerID: d.text("customer.id", true, maxCustomerID)}
	name := v.Get("customer.name")
	blank := name.Kind() == wire.String && name.Absent()
	r.CustomerName = d.text("customer.name", !blank, maxNameUnbinding)
	r.TokenID = d.text("ovo_account.token_id", true, maxToken)
	return result(d, r)
}

// DecodePush reads the body of a push payment.
//
// An order.amount that is missing or below 1 has a response code of its own: it is
// reported only when nothing else is wrong, as a FieldError with Missing or Range
// set, and then the Push is returned all the same, so that its check_sum can be
// verified before that code is answered.
func DecodePush(v wire.Value) (Push, error) {
	d := newDecoder(v)
	r := Push{
		ClientID: d.text("client.id", true, maxClientID),
		Invoice:  d.text("order.invoice_number", true, maxInvoicePush),
	}
	amount := newDecoder(v)
	r.Amount, r.AmountText = amount.amount("order.amount", amountDigitsLong)
	later := amount.Problem()
	if later != nil && !later.Missing && !later.Range {
		d.SetMalformed(later.Field, later.Reason)
	}
	r.Phone = d.phone("ovo_info.ovo_id", false)
	r.CheckSum = d.text("security.check_sum", true, maxCheckSum)
	r.AdditionalInfo = d.object("additional_info")
	r.NotificationURL = d.url("additional_info.override_notification_url", false)
	if err := d.problem(); err != nil {
		return Push{}, err
	}
	if later != nil {
		return r, (*FieldError)(later)
	}
	return r, nil
}

// decoder adds what is read in the manner of these APIs.
type decoder struct{ *wire.Decoder }

func newDecoder(v wire.Value) decoder { return decoder{wire.NewDecoder(v)} }

// result returns r, or the zero value and the problem that is reported.
func result[T any](d decoder, r T) (T, error) {
	if err := d.problem(); err != nil {
		var zero T
		return zero, err
	}
	return r, nil
}

// problem returns the problem that is reported as an error of this package.
func (d decoder) problem() error {
	if e := d.Problem(); e != nil {
		return (*FieldError)(e)
	}
	return nil
}

// text reads a string of up to limit characters without control characters: the
// documents allow letters, digits and special characters and say no more.
func (d decoder) text(path string, mandatory bool, limit int) string {
	return d.Word(path, mandatory, limit)
}

// enum reads one of the allowed values in any letter case and returns it as listed.
func (d decoder) enum(path string, mandatory bool, allowed ...string) string {
	return d.OneOf(path, d.text(path, mandatory, maxEnum), allowed...)
}

// flag reads an optional boolean, which DOKU's table gives as a text of five
// letters and its sample as a boolean.
func (d decoder) flag(path string) bool {
	v, ok := d.Get(path, false)
	if !ok {
		return false
	}
	if value, ok := v.Bool(); ok {
		return value
	}
	text, _ := v.Text()
	switch {
	case strings.EqualFold(text, "true"):
		return true
	case !strings.EqualFold(text, "false"):
		d.SetMalformed(path, "must be true or false")
	}
	return false
}

func (d decoder) customer(maxNote int) Customer {
	return Customer{
		ID:             d.text("customer.id", true, maxCustomerID),
		Name:           d.text("customer.name", false, maxName),
		Email:          d.text("customer.email", false, maxEmail),
		Phone:          d.text("customer.phone", false, maxPhone),
		AdditionalInfo: d.text("customer.additional_info", false, maxNote),
	}
}

// invoice reads the invoice number of a payment by token.
func (d decoder) invoice(path string) string {
	text := d.text(path, true, maxInvoice)
	if text == "" {
		return ""
	}
	for i := range len(text) {
		if c := text[i]; c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			d.SetMalformed(path, "must contain letters, digits, _ and - only")
			return ""
		}
	}
	if len(text) < minInvoice {
		d.SetMalformed(path, "must have at least 3 characters")
		return ""
	}
	return text
}

// phone reads an Indonesian mobile number, "08…" or "62…", and returns it as sent.
// The narrow grammar is part of the check_sum's safety: a digit that moves between
// the invoice number and the phone must not make another valid pair.
func (d decoder) phone(path string, plusAllowed bool) string {
	text := d.text(path, true, maxPhone)
	if text == "" {
		return ""
	}
	digits := text
	if plusAllowed {
		digits = strings.TrimPrefix(text, "+")
	}
	if !onlyDigits(digits) {
		d.SetMalformed(path, "must contain digits only")
		return ""
	}
	local, ok := strings.CutPrefix(digits, "62")
	if !ok && len(digits) == len(text) {
		local, ok = strings.CutPrefix(digits, "0")
	}
	if !ok || len(local) < 8 || len(local) > 13 || local[0] != '8' {
		d.SetMalformed(path, "must be a mobile number that begins with 08 or 628")
		return ""
	}
	return text
}

func onlyDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

func (d decoder) url(path string, mandatory bool) string { return d.URL(path, mandatory, maxURL) }

// amount reads a number of rupiah written as a JSON number or as text. It returns
// the digits as sent even when they are below 1.
func (d decoder) amount(path string, limit int) (money.Amount, string) {
	v, ok := d.Get(path, true)
	if !ok {
		return 0, ""
	}
	text := v.Literal()
	digits := strings.TrimPrefix(text, "-")
	switch {
	case v.Kind() != wire.Number && v.Kind() != wire.String:
		d.SetMalformed(path, "must be a number")
		return 0, ""
	case !onlyDigits(digits):
		d.SetMalformed(path, "must be a whole number of rupiah in digits, without decimals")
		return 0, ""
	case len(digits) > limit:
		d.SetMalformed(path, fmt.Sprintf("must have at most %d digits", limit))
		return 0, ""
	}
	a, err := money.ParseWhole(digits) // up to 12 digits are never too many: an error means 0
	if err != nil || len(digits) < len(text) {
		d.SetRange(path, "must be at least 1")
		return 0, text
	}
	return a, text
}

// object reads an optional object and returns a copy of its bytes. An empty one
// is there, too.
func (d decoder) object(path string) json.RawMessage {
	v := d.Root.Get(path)
	switch {
	case v.Kind() == wire.Object:
		return bytes.Clone(v.Raw())
	case !v.Absent():
		d.SetMalformed(path, "must be an object")
	}
	return nil
}

// lineItems reads an optional array of articles.
func (d decoder) lineItems(path string) []LineItem {
	var items []LineItem
	d.Items(path, func(inner *wire.Decoder) {
		item := decoder{inner}
		items = append(items, LineItem{
			Name:     item.text("name", false, maxItemName),
			Price:    item.number("price", false),
			Quantity: item.number("quantity", true),
		})
	})
	return items
}

// number reads a number, also one that is written as text, as its token.
func (d decoder) number(path string, mandatory bool) json.Number {
	v, ok := d.Get(path, mandatory)
	if !ok {
		return ""
	}
	text := v.Literal()
	if len(text) > maxItemNumber || !isNumber(text) {
		d.SetMalformed(path, "must be a number")
		return ""
	}
	return json.Number(text)
}

// isNumber tells whether text is the token of a JSON number.
func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || onlyDigits(text[:1])) && json.Valid([]byte(text)) && !strings.ContainsAny(text, " \t\r\n")
}
