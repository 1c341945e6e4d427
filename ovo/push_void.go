package ovo

import (
	"context"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// PushVoidRequest takes a push payment back.
type PushVoidRequest struct {
	// Phone is that of the [PushRequest].
	Phone string
	// Payment is what [PushClient.Pay] returned, or the Push of a [JokulStatus]: its
	// Invoice, Amount, ApprovalCode and three numbers name the payment.
	Payment PushResult
	// RequestID is the Request-Id: up to 128 characters. Empty: a fresh UUID, which is
	// right for a repeat too.
	RequestID string
}

// Void gives back all of a push payment on the day it was made, in Western Indonesian
// Time (/ovo-emoney/v1/cancel). It is done when Void has answered; there is no
// notification, and Status says StateRefunded from then on. DOKU's page does not
// print the call: it is that of clients which follow DOKU's own helper. On a later day
// a Gerbang server takes [JokulClient.Refund] for a push payment.
//
// After [ErrOutcomeUnknown] repeat it: a Gerbang server gives the first answer once
// more. Otherwise the error has OVO's code in [Error.Code] and matches ErrNotFound
// (25: no successful payment is named by these numbers) or ErrRefused (54: its day
// is over; 73: it was refunded before, wholly or in part), and nothing was done.
func (c *PushClient) Void(ctx context.Context, r PushVoidRequest) (PushResult, error) {
	const op = "void"
	var v check
	local := "0" + strings.TrimPrefix(v.phone(r.Phone), "62")
	p := r.Payment
	v.printable("Payment.Invoice", p.Invoice, maxPushInvoice)
	v.amount("Payment.Amount", p.Amount)
	v.printable("Payment.ApprovalCode", p.ApprovalCode, jokul.MaxApprovalCode)
	v.opaqueID("RequestID", r.RequestID)
	if v.err != nil {
		return PushResult{}, failed(op, v.err)
	}
	body := jokul.VoidRequest{
		Client: jokul.ClientRef{ID: c.line.id}, Order: jokul.OrderTotal{InvoiceNumber: p.Invoice, Amount: jokul.Number(p.Amount)},
		OVOInfo: jokul.OVOID{OVOID: local},
		OVOPayment: jokul.VoidPayment{
			BatchNumber: jokul.Number(p.BatchNumber), TraceNumber: jokul.Number(p.TraceNumber), ReferenceNumber: jokul.Number(p.ReferenceNumber),
			ApprovalCode: p.ApprovalCode,
		},
	}
	body.Security.CheckSum = body.CheckSumFields().Sum(c.line.secret)
	return c.ask(ctx, op, pushed{body.Order, body.OVOInfo}, jokulCall{
		path: jokul.PathVoid, body: body, requestID: r.RequestID, charge: true, checkSum: true,
	})
}
