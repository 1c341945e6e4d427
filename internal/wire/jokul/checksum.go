package jokul

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// CheckSumFields are the values that a push payment's check_sum covers, as they
// are written in the document: digits as sent, leading zeros included. A request
// has no values of ovo_payment; what is empty contributes nothing.
type CheckSumFields struct {
	Amount          string // order.amount
	ApprovalCode    string // ovo_payment.approval_code
	BatchNumber     string // ovo_payment.batch_number
	ClientID        string // client.id
	InvoiceNumber   string // order.invoice_number
	OVOID           string // ovo_info.ovo_id
	ReferenceNumber string // ovo_payment.reference_number
	TraceNumber     string // ovo_payment.trace_number
}

// text joins the values without separators in the alphabetical order of their
// names. DOKU publishes the order for requests only; for answers it is that of a
// client that implements DOKU's own helper, and the two agree where they overlap.
func (f CheckSumFields) text() string {
	return f.Amount + f.ApprovalCode + f.BatchNumber + f.ClientID + f.InvoiceNumber + f.OVOID + f.ReferenceNumber + f.TraceNumber
}

// Sum returns the check_sum: the SHA-256 of the joined values and the secret key,
// in lower-case hexadecimal.
func (f CheckSumFields) Sum(secret string) string {
	sum := sha256.Sum256([]byte(f.text() + secret))
	return hex.EncodeToString(sum[:])
}

// AnswerCheckSum returns the values that the check_sum of a push answer covers as
// they are written in it, and the check_sum itself. A client that verifies an
// answer must not read it into numbers before.
func AnswerCheckSum(v wire.Value) (f CheckSumFields, received string) {
	return CheckSumFields{
		Amount:          v.Get("order.amount").Literal(),
		ApprovalCode:    v.Get("ovo_payment.approval_code").Literal(),
		BatchNumber:     v.Get("ovo_payment.batch_number").Literal(),
		ClientID:        v.Get("client.id").Literal(),
		InvoiceNumber:   v.Get("order.invoice_number").Literal(),
		OVOID:           v.Get("ovo_info.ovo_id").Literal(),
		ReferenceNumber: v.Get("ovo_payment.reference_number").Literal(),
		TraceNumber:     v.Get("ovo_payment.trace_number").Literal(),
	}, v.Get("security.check_sum").Literal()
}

// secretPlace stands for the secret key in a verdict's string to sign.
const secretPlace = "{secret key}"

// VerifyCheckSum checks a check_sum, whose hexadecimal may be in any letter case.
// An empty secret matches nothing. The verdict shows a placeholder where the secret
// key stands, and has no hint: that is for [ExplainCheckSum].
//
// The values are joined without separators, so a check_sum alone does not tell
// where one ends and the next begins: a receiver must hold it together with the
// fields it came with and refuse it beside others.
func VerifyCheckSum(secret string, f CheckSumFields, received string) wire.Verdict {
	v := wire.Verdict{Scheme: SchemeCheckSum, StringToSign: f.text() + secretPlace, Received: received}
	text := v.StringToSign[:len(v.StringToSign)-len(secretPlace)]
	sum := sha256.Sum256([]byte(text + secret))
	v.Expected = hex.EncodeToString(sum[:])
	var mac [sha256.Size]byte
	if len(received) == hex.EncodedLen(len(mac)) && secret != "" {
		_, err := hex.Decode(mac[:], []byte(received))
		v.OK = err == nil && hmac.Equal(mac[:], sum[:])
	}
	return v
}
