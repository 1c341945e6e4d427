package faspay

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// PaymentNotification tells the merchant of a change of a payment's status, by a
// POST in the encoding that the merchant chose.
type PaymentNotification struct {
	Request           string `json:"request"` // NotificationText
	TrxID             string `json:"trx_id"`
	MerchantID        string `json:"merchant_id"`
	Merchant          string `json:"merchant"`
	BillNo            string `json:"bill_no"`
	PaymentReff       string `json:"payment_reff"` // empty unless paid
	PaymentDate       string `json:"payment_date"` // empty unless paid
	PaymentStatusCode string `json:"payment_status_code"`
	PaymentStatusDesc string `json:"payment_status_desc"`
	BillTotal         string `json:"bill_total"`
	PaymentTotal      string `json:"payment_total"`
	PaymentChannelUID string `json:"payment_channel_uid"` // Channel
	PaymentChannel    string `json:"payment_channel"`     // ChannelName: here it is a name
	Signature         string `json:"signature"`           // covers BillNo and PaymentStatusCode
}

// NotificationText is the request of notifications and the response of acknowledgements.
const NotificationText = "Payment Notification"

// Notification is a decoded [PaymentNotification].
type Notification struct {
	TrxID       string
	MerchantID  string
	Merchant    string
	BillNo      string
	Reference   string    // the wallet's reference; empty unless paid
	Date        time.Time // zero unless paid
	Status      string    // a payment_status_code, StatusUnknown for the unassigned 6
	StatusDesc  string
	BillTotal   money.Amount // 0 when absent
	Total       money.Amount // 0 when absent
	ChannelUID  string
	ChannelName string
	Signature   string
	Signed      string // what Signature covers besides the credentials
}

// DecodeNotification reads a notification whose amounts have the given scale. Old
// ones lack the amounts and the channel, and write the word null for nothing. Its
// error is a [*FieldError].
func DecodeNotification(v wire.Value, scale int) (Notification, error) {
	d := newDecoder(v)
	d.text("request", false, maxRequest)
	n := Notification{TrxID: d.trxID(), MerchantID: d.merchantID(), Merchant: d.word("merchant", false, maxName), BillNo: d.billNo()}
	n.Reference = d.nullable("payment_reff", maxReference)
	if text := d.nullable("payment_date", len(time.DateTime)); text != "" {
		var ok bool
		if n.Date, ok = ParseTime(text); !ok {
			d.SetMalformed("payment_date", "must be a time written YYYY-MM-DD HH:MM:SS")
		}
	}
	status := d.digits("payment_status_code", true, 1)
	n.Signed = n.BillNo + status
	if n.Status = status; status == "6" {
		n.Status = StatusUnknown
	}
	n.StatusDesc = d.word("payment_status_desc", false, maxStatusDesc)
	n.BillTotal = d.balance("bill_total", scale)
	n.Total = d.balance("payment_total", scale)
	n.ChannelUID = d.digits("payment_channel_uid", false, len(Channel))
	n.ChannelName = d.word("payment_channel", false, maxName)
	n.Signature = d.signature()
	return wire.Result(d.Decoder, n)
}

func (d decoder) nullable(field string, limit int) string {
	if text := d.word(field, false, limit); text != "null" {
		return text
	}
	return ""
}

// balance reads an optional amount that may be 0.
func (d decoder) balance(field string, scale int) money.Amount {
	if text := d.digits(field, false, maxAmountDigits); strings.Trim(text, "0") == "" {
		return 0
	}
	return d.amount(field, false, scale)
}

// NotificationAck is the merchant's answer to a notification.
type NotificationAck struct {
	Response     string `json:"response"`
	TrxID        string `json:"trx_id"`
	MerchantID   string `json:"merchant_id"`
	Merchant     string `json:"merchant,omitempty"`
	BillNo       string `json:"bill_no"`
	ResponseCode string `json:"response_code"`
	ResponseDesc string `json:"response_desc"`
	ResponseDate string `json:"response_date"`
}

// ReadAck reads the response_code of an acknowledgement, in whichever encoding the
// merchant wrote it; nothing else in it matters. A code of one digit is padded, as
// some merchants answer with a number.
func ReadAck(body []byte) (code string, err error) {
	f := JSON
	if bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))), []byte("<")) {
		f = XML
	}
	v, err := Parse(f, body)
	if err != nil {
		return "", err
	}
	code = v.Get("response_code").Literal()
	if code == "" {
		return "", errors.New("faspay: the acknowledgement has no response_code")
	}
	if len(code) == 1 {
		code = "0" + code
	}
	return code, nil
}

// Taken tells whether an acknowledgement with this code ends the delivery: success,
// and the code by which merchants say that they know it already.
func Taken(code string) bool { return code == CodeSuccess || code == CodeInvalidOrder }
