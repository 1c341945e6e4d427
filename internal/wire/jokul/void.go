package jokul

import (
	"strconv"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// PathVoid takes a push payment back on the day it was made. DOKU's page does not
// print it; clients derived from DOKU's own helper call it.
const PathVoid = "/ovo-emoney/v1/cancel"

// VoidRequest takes a push payment back. It is answered with a [PushAnswer].
type VoidRequest struct {
	Client     ClientRef   `json:"client"`
	Order      OrderTotal  `json:"order"`
	OVOInfo    OVOID       `json:"ovo_info"`
	OVOPayment VoidPayment `json:"ovo_payment"`
	Security   Security    `json:"security"`
}

// VoidPayment is what the answer to the push payment said of it.
type VoidPayment struct {
	BatchNumber     Number `json:"batch_number"`
	TraceNumber     Number `json:"trace_number"`
	ReferenceNumber Number `json:"reference_number"`
	ApprovalCode    string `json:"approval_code"`
}

// CheckSumFields returns what the check_sum of the request covers, which is the same
// as in an answer.
func (r VoidRequest) CheckSumFields() CheckSumFields {
	a := PushAnswer{Client: r.Client, Order: r.Order}
	a.OVOInfo.OVOID = r.OVOInfo.OVOID
	a.OVOPayment.BatchNumber, a.OVOPayment.TraceNumber = r.OVOPayment.BatchNumber, r.OVOPayment.TraceNumber
	a.OVOPayment.ReferenceNumber, a.OVOPayment.ApprovalCode = r.OVOPayment.ReferenceNumber, r.OVOPayment.ApprovalCode
	return a.CheckSumFields()
}

// Void is a decoded [VoidRequest].
type Void struct {
	Push
	BatchNumber, TraceNumber, ReferenceNumber int64
	ApprovalCode                              string
	fields                                    CheckSumFields
}

// CheckSumFields returns what the check_sum of the request covers.
func (v Void) CheckSumFields() CheckSumFields { return v.fields }

// DecodeVoid reads the body of a void.
func DecodeVoid(v wire.Value) (Void, error) {
	push, err := DecodePush(v)
	if err != nil {
		return Void{}, err
	}
	d := newDecoder(v)
	r := Void{Push: push, ApprovalCode: d.text("ovo_payment.approval_code", true, MaxApprovalCode)}
	for _, n := range []struct {
		path string
		to   *int64
	}{
		{"ovo_payment.batch_number", &r.BatchNumber},
		{"ovo_payment.trace_number", &r.TraceNumber},
		{"ovo_payment.reference_number", &r.ReferenceNumber},
	} {
		text := v.Get(n.path).Literal()
		if text == "" {
			d.SetMissing(n.path)
			continue
		}
		number, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			d.SetMalformed(n.path, "must be a number")
		}
		*n.to = int64(number)
	}
	r.fields, _ = AnswerCheckSum(v)
	return result(d, r)
}

// MaxApprovalCode is the longest approval code, in characters.
const MaxApprovalCode = 16
