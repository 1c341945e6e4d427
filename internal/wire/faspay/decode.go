package faspay

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Longest values, in characters. Where editions of the documents differ the longer
// one holds, and where they say nothing a sibling service's limit does.
const (
	maxMerchantID  = 5 // a trx_id of 16 digits has room for no more
	maxRequest     = 128
	maxRequestOld  = 50 // of inquiry, cancel and notification
	maxName        = 128
	maxBillNo      = 32
	maxBillDesc    = 128
	maxEmail       = 128
	maxCancel      = 50
	maxTrxID       = 18 // 16 is documented, 18 was seen
	maxReference   = 128
	maxStatusDesc  = 128
	maxPageDigits  = 9
	minPhone       = 9
	maxPhone       = 15
	signatureChars = 40

	// MaxLimit is the largest page of a history.
	MaxLimit = 100
)

// FieldError reports the member for which a request is refused. Members that are
// missing come before malformed ones, and values out of range come last, each in
// the order of the documentation. Fields that can be out of range are amounts (0 or
// too large), payment_channel (another one), page, limit, and start_date (behind
// end_date).
type FieldError = wire.FieldError

// Head is what a server must know before it trusts a request.
type Head struct {
	MerchantID string // empty when missing or no text
	Signature  string // empty when missing or no text
	Signed     string // what the signature covers besides the credentials; empty when missing or no text
}

// ReadHead reads the head of a request to service s. It judges nothing: what is
// wrong with the three members will be found by the Decode… function.
func ReadHead(s Service, v wire.Value) Head {
	var h Head
	h.MerchantID = v.Get("merchant_id").Literal()
	h.Signature, _ = v.Get("signature").Text()
	h.Signed, _ = v.Get(s.Signed()).Text()
	return h
}

// Activation is a decoded [ActivationRequest].
type Activation struct {
	Request  string // empty when absent, as in all types here
	Phone    string // 9 to 15 digits as received
	CustName string
}

// Payment is a decoded [PaymentRequest].
type Payment struct {
	Request  string
	BillNo   string
	BillDesc string
	Total    money.Amount
	Phone    string
	CustName string
	Email    string
	PayType  string // PayCash, PayPoints or PayBoth
}

// TopUp is a decoded [TopUpRequest].
type TopUp struct {
	Request  string
	Merchant string
	Phone    string
}

// Balance is a decoded [BalanceRequest].
type Balance struct {
	Request string
	Phone   string
}

// History is a decoded [HistoryRequest]. That no day lies in the future is for the
// caller to judge.
type History struct {
	Request  string
	Merchant string
	Phone    string
	First    time.Time // midnight in wire.WIB of the first day
	Last     time.Time // midnight in wire.WIB of the last day, which belongs to the range
	Page     int       // 1 is the first
	Limit    int       // 1 to MaxLimit
}

// Unlink is a decoded [UnlinkRequest].
type Unlink struct {
	Request  string
	Merchant string
	Phone    string
}

// Inquiry is a decoded [InquiryRequest].
type Inquiry struct {
	Request string
	TrxID   string
	BillNo  string
}

// Cancel is a decoded [CancelRequest].
type Cancel struct {
	Request  string
	TrxID    string
	Merchant string
	BillNo   string
	Reason   string
}

// DecodeActivation reads an activation request. Its error is a [*FieldError], as
// that of every function here.
func DecodeActivation(v wire.Value) (Activation, error) {
	d := newDecoder(v)
	r := Activation{Request: d.text("request", false, maxRequest)}
	d.merchantID()
	d.channel()
	r.Phone = d.phone()
	r.CustName = d.word("cust_name", true, maxName)
	d.signature()
	return wire.Result(d.Decoder, r)
}

// DecodePayment reads a payment request whose amount has the given scale.
func DecodePayment(v wire.Value, scale int) (Payment, error) {
	d := newDecoder(v)
	r := Payment{Request: d.text("request", false, maxRequest)}
	d.merchantID()
	r.BillNo = d.billNo()
	r.BillDesc = d.text("bill_desc", true, maxBillDesc)
	r.Total = d.amount("bill_total", true, scale)
	d.currency()
	d.channel()
	r.Phone = d.phone()
	r.CustName = d.word("cust_name", true, maxName)
	r.Email = d.email()
	r.PayType = d.payType()
	d.signature()
	return wire.Result(d.Decoder, r)
}

// DecodeTopUp reads a top-up instruction request.
func DecodeTopUp(v wire.Value) (TopUp, error) {
	d := newDecoder(v)
	r := TopUp{Request: d.text("request", false, maxRequest)}
	d.merchantID()
	r.Merchant = d.word("merchant", true, maxName)
	r.Phone = d.phone()
	d.channel()
	d.signature()
	return wire.Result(d.Decoder, r)
}

// DecodeBalance reads a balance request.
func DecodeBalance(v wire.Value) (Balance, error) {
	d := newDecoder(v)
	r := Balance{Request: d.text("request", false, maxRequest)}
	d.merchantID()
	d.channel()
	r.Phone = d.phone()
	d.signature()
	return wire.Result(d.Decoder, r)
}

// DecodeHistory reads a history request.
func DecodeHistory(v wire.Value) (History, error) {
	d := newDecoder(v)
	r := History{Request: d.text("request", false, maxRequest)}
	d.merchantID()
	r.Merchant = d.word("merchant", true, maxName)
	r.Phone = d.phone()
	d.channel()
	r.First = d.date("start_date")
	r.Last = d.date("end_date")
	if !r.First.IsZero() && !r.Last.IsZero() && r.First.After(r.Last) {
		d.SetRange("start_date", "must not be later than end_date")
	}
	r.Page = d.count("page", 0)
	r.Limit = d.count("limit", MaxLimit)
	d.signature()
	return wire.Result(d.Decoder, r)
}

// DecodeUnlink reads an unlink request.
func DecodeUnlink(v wire.Value) (Unlink, error) {
	r, err := DecodeTopUp(v)
	return Unlink(r), err
}

// DecodeInquiry reads an inquiry.
func DecodeInquiry(v wire.Value) (Inquiry, error) {
	d := newDecoder(v)
	r := Inquiry{Request: d.text("request", false, maxRequestOld)}
	r.TrxID = d.trxID()
	d.merchantID()
	r.BillNo = d.billNo()
	d.signature()
	return wire.Result(d.Decoder, r)
}

// DecodeCancel reads a cancellation.
func DecodeCancel(v wire.Value) (Cancel, error) {
	d := newDecoder(v)
	r := Cancel{Request: d.text("request", false, maxRequestOld)}
	r.TrxID = d.trxID()
	d.merchantID()
	r.Merchant = d.word("merchant", false, maxName)
	r.BillNo = d.billNo()
	r.Reason = d.text("payment_cancel", true, maxCancel)
	d.signature()
	return wire.Result(d.Decoder, r)
}

// decoder adds what is read in the manner of Faspay. Its methods treat a string of
// white space only like one that is not there.
type decoder struct{ *wire.Decoder }

func newDecoder(v wire.Value) decoder { return decoder{wire.NewDecoder(v)} }

// text reads a text for people, which may have several lines. What XML could not
// carry back is refused in both encodings.
func (d decoder) text(field string, mandatory bool, limit int) string {
	return d.str(field, mandatory, limit, func(r rune) bool {
		return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
	})
}

// word reads a name or reference: one line.
func (d decoder) word(field string, mandatory bool, limit int) string {
	return d.str(field, mandatory, limit, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// str reads a string of up to limit characters. Only white space is like nothing.
func (d decoder) str(field string, mandatory bool, limit int, refused func(rune) bool) string {
	v := d.Root.Get(field)
	text, ok := v.Text()
	switch {
	case v.Absent() || ok && strings.TrimSpace(text) == "":
		if mandatory {
			d.SetMissing(field)
		}
		return ""
	case !ok:
		d.SetMalformed(field, "must be a string")
		return ""
	case !d.Fits(field, text, limit):
		return ""
	case strings.ContainsFunc(text, func(r rune) bool { return r == 0xfffe || r == 0xffff || refused(r) }):
		d.SetMalformed(field, "must not contain control characters")
		return ""
	}
	return text
}

// digits reads up to limit digits: a string or, where clients send one, a number.
func (d decoder) digits(field string, mandatory bool, limit int) string {
	v := d.Root.Get(field)
	text := v.Literal()
	switch {
	case v.Absent() || v.Kind() == wire.String && strings.TrimSpace(text) == "":
		if mandatory {
			d.SetMissing(field)
		}
		return ""
	case text == "" || !isDigits(text): // no string or number, or not digits
		d.SetMalformed(field, "must be digits")
		return ""
	case len(text) > limit:
		d.SetMalformed(field, fmt.Sprintf("must have at most %d digits", limit))
		return ""
	}
	return text
}

func (d decoder) merchantID() string { return d.digits("merchant_id", true, maxMerchantID) }

func (d decoder) channel() {
	if text := d.digits("payment_channel", true, len(Channel)); text != "" && text != Channel {
		d.SetRange("payment_channel", "must be "+Channel)
	}
}

// phone reads the customer's number. It must be a string: the signature covers the
// very characters, and a number would have lost its leading zero.
func (d decoder) phone() string {
	text := d.word("phone_no", true, maxPhone)
	if text != "" && (len(text) < minPhone || !isDigits(text)) {
		d.SetMalformed("phone_no", fmt.Sprintf("must have %d to %d digits", minPhone, maxPhone))
		return ""
	}
	return text
}

func (d decoder) billNo() string {
	text := d.word("bill_no", true, maxBillNo)
	if strings.ContainsFunc(text, func(r rune) bool {
		return !isAlphanumeric(r) && r != '.' && r != '_' && r != '/' && r != '-'
	}) {
		d.SetMalformed("bill_no", "must consist of letters, digits and . _ / -")
		return ""
	}
	return text
}

func (d decoder) trxID() string {
	text := d.word("trx_id", true, maxTrxID)
	if strings.ContainsFunc(text, func(r rune) bool { return !isAlphanumeric(r) }) {
		d.SetMalformed("trx_id", "must consist of letters and digits")
		return ""
	}
	return text
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

func (d decoder) currency() {
	if text := d.word("bill_currency", true, len(Currency)); text != "" && !strings.EqualFold(text, Currency) {
		d.SetMalformed("bill_currency", "must be "+Currency)
	}
}

func (d decoder) email() string {
	text := d.word("email", true, maxEmail)
	if text == "" {
		return ""
	}
	local, domain, _ := strings.Cut(text, "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") || strings.ContainsFunc(text, unicode.IsSpace) {
		d.SetMalformed("email", "must be an e-mail address")
		return ""
	}
	return text
}

func (d decoder) payType() string {
	switch text := d.digits("pay_type", true, 1); text {
	case "", PayCash, PayPoints, PayBoth:
		return text
	}
	d.SetMalformed("pay_type", "must be 0, 1 or 2")
	return ""
}

func (d decoder) signature() string {
	text := d.word("signature", true, signatureChars)
	if text != "" && (len(text) != signatureChars || strings.Trim(text, "0123456789abcdefABCDEF") != "") {
		d.SetMalformed("signature", "must be 40 hexadecimal digits")
		return ""
	}
	return text
}

func (d decoder) amount(field string, mandatory bool, scale int) money.Amount {
	text := d.digits(field, mandatory, maxAmountDigits)
	if text == "" {
		return 0
	}
	a, err := ParseAmount(text, scale)
	switch {
	case errors.Is(err, money.ErrSyntax): // digits, but a fraction of a rupiah
		d.SetMalformed(field, "must be whole rupiah: the merchant's amounts end with 00")
	case err != nil:
		d.SetRange(field, "must be from "+FormatAmount(1, scale)+" to "+FormatAmount(money.Max, scale))
	}
	return a
}

func (d decoder) date(field string) time.Time {
	text := d.word(field, true, len(time.DateOnly))
	if text == "" {
		return time.Time{}
	}
	day, ok := ParseDate(text)
	if !ok {
		d.SetMalformed(field, "must be a day written YYYY-MM-DD")
	}
	return day
}

// count reads a number from 1 to most, without an upper bound if most is 0.
func (d decoder) count(field string, most int) int {
	text := d.digits(field, true, maxPageDigits)
	n, err := strconv.Atoi(text)
	if err != nil { // nothing there
		return 0
	}
	if n < 1 {
		d.SetRange(field, "must be at least 1")
	} else if most > 0 && n > most {
		d.SetRange(field, "must be at most "+strconv.Itoa(most))
	}
	return n
}
