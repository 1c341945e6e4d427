package faspay

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// Retries is the schedule of further attempts, counted from the first. Faspay
// documents their number only.
var Retries = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}

// Request encodes one attempt of a notification: a payment's is posted and signed,
// an activation's is a GET that carries no signature.
func (h *Handler) Request(ctx context.Context, _ *http.Client, o gateway.Outgoing, _ time.Time) (*http.Request, error) {
	if !o.Event.Kind.ForPayment() {
		return callback(ctx, o)
	}
	f, p := o.Merchant.Faspay, o.Payment
	if f.NotificationURL == "" {
		return nil, gateway.ErrNoURL
	}
	status := eventStatus[o.Event.Kind]
	message := faspay.PaymentNotification{
		Request: faspay.NotificationText, TrxID: p.Reference, MerchantID: f.MerchantID, Merchant: o.Merchant.Name, BillNo: p.Order,
		PaymentStatusCode: status, PaymentStatusDesc: faspay.StatusText(status),
		BillTotal: faspay.FormatAmount(p.Amount, f.AmountScale), PaymentTotal: faspay.FormatAmount(0, f.AmountScale),
		PaymentChannelUID: faspay.Channel, PaymentChannel: faspay.ChannelName,
		Signature: faspay.Sign(f.UserID, f.Password, p.Order+status),
	}
	if status == faspay.StatusSuccess {
		message.PaymentReff, message.PaymentDate, message.PaymentTotal = paymentReff(p), faspay.FormatTime(p.FinalAt), message.BillTotal
	}
	format := faspay.Format(f.Format)
	body, err := faspay.Encode(format, message)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.NotificationURL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", format.ContentType())
	return req, nil
}

// callback tells how an activation ended.
func callback(ctx context.Context, o gateway.Outgoing) (*http.Request, error) {
	if o.Merchant.Faspay.ActivationURL == "" {
		return nil, gateway.ErrNoURL
	}
	message := faspay.Callback{Response: responseCallback, Phone: o.Binding.Details, ResponseCode: faspay.CodeFailed}
	if o.Event.Kind == gateway.EventBindingActive {
		message.ResponseCode = faspay.CodeSuccess
	}
	message.ResponseDesc = faspay.CodeText(message.ResponseCode)
	target, err := message.URL(o.Merchant.Faspay.ActivationURL)
	if err != nil {
		return nil, err
	}
	return http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
}

// Accepted takes any 2xx for an acknowledgement of a callback. That of a payment
// needs a response_code besides, which says that it was taken or known before.
func (h *Handler) Accepted(o gateway.Outgoing, status int, body []byte) error {
	if status/100 != 2 {
		return fmt.Errorf("the merchant answered HTTP %d, not 2xx", status)
	}
	if !o.Event.Kind.ForPayment() {
		return nil
	}
	code, err := faspay.ReadAck(body)
	if err != nil {
		return fmt.Errorf("the merchant answered HTTP %d, but no acknowledgement: %w", status, err)
	}
	if !faspay.Taken(code) {
		return fmt.Errorf("the merchant answered response_code %q, neither %s nor %s", code, faspay.CodeSuccess, faspay.CodeInvalidOrder)
	}
	return nil
}

// ReturnURL is where the visitor of a payment's page goes when it has ended: the
// merchant's address with the result added, or "" where there is nothing to add to
// or it is another dialect's page.
func (h *Handler) ReturnURL(ctx context.Context, v gateway.PageView) string {
	p := v.Payment
	if p.Dialect != Dialect || !p.State.Final() {
		return ""
	}
	m, err := h.Gateway.Merchant(ctx, p.MerchantID)
	if err != nil || m.Faspay.ReturnURL == "" {
		return ""
	}
	status := statusOf(p, true)
	result := faspay.Return{
		TrxID: p.Reference, MerchantID: m.Faspay.MerchantID, Merchant: m.Name, BillNo: p.Order, BillRef: p.Order,
		BillTotal: faspay.FormatAmount(p.Amount, m.Faspay.AmountScale), Status: status,
		Signature: faspay.Sign(m.Faspay.UserID, m.Faspay.Password, p.Order+status),
	}
	if p.State == gateway.PaymentSucceeded {
		result.PaymentReff, result.PaymentDate = paymentReff(p), faspay.FormatTime(p.FinalAt)
	}
	target, err := result.URL(m.Faspay.ReturnURL)
	if err != nil {
		h.Log.Error("faspay: return URL not usable", "merchant", m.ID, "error", err)
		return ""
	}
	return target
}
