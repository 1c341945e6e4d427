package jokul

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// Retries is DOKU's schedule of further attempts, counted from the first.
var Retries = []time.Duration{30 * time.Minute, 6 * time.Hour, 12 * time.Hour}

// Request encodes and signs one attempt of a notification: the body and the
// Request-Id, by which merchants know a repeat, are the same in every attempt,
// timestamp and signature are new.
func (h *Handler) Request(ctx context.Context, _ *http.Client, o gateway.Outgoing, now time.Time) (*http.Request, error) {
	target := o.Payment.NotifyURL
	if target == "" {
		target = o.Merchant.DOKU.NotificationURL
	}
	if target == "" || !o.Event.Kind.ForPayment() {
		return nil, gateway.ErrNoURL
	}
	// The event decides, not the payment, which may have been refunded since.
	status := jokul.StatusFailed
	if o.Event.Kind == gateway.EventPaymentSucceeded {
		status = jokul.StatusSuccess
	}
	message, err := h.report(ctx, o.Payment, status, o.Binding.Phone)
	if err != nil {
		return nil, err
	}
	body, err := wire.Encode(message)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	signed := jokul.Call{
		Method: req.Method, Target: req.URL.RequestURI(), ClientID: o.Merchant.DOKU.ClientID,
		RequestID: strings.TrimPrefix(string(o.Event.ID), "evt_"), Timestamp: jokul.FormatTime(now),
	}
	set := func(name, value string) { req.Header.Set(name, value) }
	set("Content-Type", "application/json")
	set(jokul.HeaderClientID, signed.ClientID)
	set(jokul.HeaderRequestID, signed.RequestID)
	set(jokul.HeaderRequestTimestamp, signed.Timestamp)
	set(jokul.HeaderSignature, jokul.SignRequest(o.Merchant.DOKU.SecretKey, signed, body))
	return req, nil
}

// Accepted takes any 2xx for an acknowledgement, whatever the body says.
func (h *Handler) Accepted(_ gateway.Outgoing, status int, _ []byte) error {
	if status/100 == 2 {
		return nil
	}
	return fmt.Errorf("the merchant answered HTTP %d, not 2xx", status)
}
