package snap

import (
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/openapi"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// description is what there is to say about a service.
type description struct {
	summary  string
	request  any
	answer   any
	customer bool // needs a customer token
}

var descriptions = map[snap.Service]description{
	snap.ServiceTokenB2B:   {summary: "Get a token for the merchant", request: snap.TokenB2BRequest{}, answer: snap.TokenB2BAnswer{}},
	snap.ServiceTokenB2B2C: {summary: "Get a token for a customer", request: snap.TokenB2B2CRequest{}, answer: snap.TokenB2B2CAnswer{}},
	snap.ServiceBinding:    {summary: "Bind a wallet", request: snap.BindingRequest{}, answer: snap.BindingAnswer{}},
	snap.ServiceBalance:    {summary: "Read a wallet's balance", request: snap.BalanceRequest{}, answer: snap.BalanceAnswer{}, customer: true},
	snap.ServicePayment:    {summary: "Charge a wallet", request: snap.PaymentRequest{}, answer: snap.PaymentAnswer{}, customer: true},
	snap.ServiceStatus:     {summary: "Ask how a payment stands", request: snap.StatusRequest{}, answer: snap.StatusAnswer{}},
	snap.ServiceRefund:     {summary: "Refund a payment, wholly or in part", request: snap.RefundRequest{}, answer: snap.RefundAnswer{}},
	snap.ServiceUnbinding:  {summary: "End a binding", request: snap.UnbindingRequest{}, answer: snap.UnbindingAnswer{}},
}

const tag = "SNAP direct debit"

var (
	tokenHeaders = []openapi.Param{
		{Name: snap.HeaderClientKey, Detail: "The client id."},
		{Name: snap.HeaderTimestamp, Detail: "ISO 8601 with a zone, at most 15 minutes off."},
		{Name: snap.HeaderSignature, Detail: "RSA with SHA-256 over client id, a vertical bar and the timestamp, in base64."},
	}
	callHeaders = []openapi.Param{
		{Name: snap.HeaderAuthorization, Detail: "Bearer and the merchant's token."},
		{Name: snap.HeaderPartnerID, Detail: "The client id."},
		{Name: snap.HeaderExternalID, Detail: "A number of the request, not used before on the same path and day."},
		{Name: snap.HeaderTimestamp, Detail: "ISO 8601 with a zone, at most 15 minutes off."},
		{Name: snap.HeaderSignature, Detail: "HMAC with SHA-512 over method, path, token, digest of the body and timestamp, in base64."},
	}
	customerHeader = openapi.Param{Name: snap.HeaderCustomer, Detail: "The customer's token."}
)

// Describe lists the calls for the OpenAPI document: what is served, and what is
// called at the merchant's.
func (h *Handler) Describe() []openapi.Call {
	refusal := openapi.Answer{Detail: "Refused. The first three digits of responseCode are the HTTP status.", Bodies: []any{snap.Answer{}}}
	var calls []openapi.Call
	for _, route := range snap.Routes {
		if route.Archived && !h.Archived {
			continue
		}
		d := descriptions[route.Service]
		headers := callHeaders
		switch {
		case route.Service == snap.ServiceTokenB2B || route.Service == snap.ServiceTokenB2B2C:
			headers = tokenHeaders
		case d.customer:
			headers = append(headers[:len(headers):len(headers)], customerHeader)
		}
		calls = append(calls, openapi.Call{
			Method: http.MethodPost, Path: route.Path, Tag: tag, Summary: d.summary, Detail: "Service " + string(route.Service) + ".",
			Deprecated: route.Archived, Headers: headers, Request: d.request,
			Answers: []openapi.Answer{{Status: http.StatusOK, Bodies: []any{d.answer}}, refusal},
		})
	}
	hook := func(name, summary string, headers []openapi.Param, request, answer any) openapi.Call {
		return openapi.Call{
			Method: http.MethodPost, Path: name, Webhook: true, Tag: tag, Summary: summary, Headers: headers, Request: request,
			Answers: []openapi.Answer{{Detail: "Any 2xx ends the delivery.", Bodies: []any{answer}}},
		}
	}
	return append(calls,
		hook("snapToken", "The merchant's token endpoint", tokenHeaders, snap.TokenB2BRequest{}, snap.TokenB2BAnswer{}),
		hook("snapPayment", "A payment has ended", callHeaders, snap.PaymentNotification{}, snap.NotificationAck{}),
		hook("snapBinding", "A binding has ended", callHeaders, snap.BindingNotification{}, snap.NotificationAck{}),
	)
}
