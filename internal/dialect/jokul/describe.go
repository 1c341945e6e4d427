package jokul

import (
	"maps"
	"net/http"
	"slices"

	"github.com/gerbang-pay/gerbang/internal/openapi"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// description is what there is to say about a path.
type description struct {
	summary string
	request any
	answer  any
}

var descriptions = map[string]description{
	jokul.PathBinding:          {"Bind a wallet", jokul.BindingRequest{}, jokul.BindingAnswer{}},
	jokul.PathTokens:           {"List a customer's tokens", jokul.TokensRequest{}, jokul.TokensAnswer{}},
	jokul.PathBalance:          {"Read a wallet's balance", jokul.BalanceRequest{}, jokul.BalanceAnswer{}},
	jokul.PathRecurringPayment: {"Charge a wallet", jokul.RecurringPaymentRequest{}, jokul.PaymentAnswer{}},
	jokul.PathPayment:          {"Charge a wallet when its owner has confirmed on a page", jokul.PaymentRequest{}, jokul.PaymentAnswer{}},
	jokul.PathRefund:           {"Refund a payment, wholly or in part", jokul.RefundRequest{}, jokul.RefundAnswer{}},
	jokul.PathUnbinding:        {"End a binding", jokul.UnbindingRequest{}, jokul.UnbindingAnswer{}},
	jokul.PathPush:             {"Ask a customer to pay in the OVO app; answered when the customer is done", jokul.PushRequest{}, jokul.PushAnswer{}},
	jokul.PathVoid:             {"Take a push payment back on its own day", jokul.VoidRequest{}, jokul.PushAnswer{}},
	jokul.PathStatus:           {"Ask how a payment stands", nil, jokul.StatusAnswer{}},
}

const tag = "OVO Recurring and push payment"

var headers = []openapi.Param{
	{Name: jokul.HeaderClientID, Detail: "The client id."},
	{Name: jokul.HeaderRequestID, Detail: "Names the request: a repeat of the same request gets the first answer once more, with 409."},
	{Name: jokul.HeaderRequestTimestamp, Detail: "UTC, such as 2024-05-06T03:15:21Z, at most an hour off."},
	{Name: jokul.HeaderSignature, Detail: "HMACSHA256= and the HMAC over the other headers, the path and the digest of the body, in base64."},
}

// Describe lists the calls for the OpenAPI document: what is served, and what is
// called at the merchant's.
func (h *Handler) Describe() []openapi.Call {
	var calls []openapi.Call
	for _, path := range slices.Sorted(maps.Keys(endpoints)) {
		d := descriptions[path]
		c := openapi.Call{
			Method: endpoints[path].method, Path: path, Tag: tag, Summary: d.summary, Headers: headers, Request: d.request,
			Answers: []openapi.Answer{
				{Status: endpoints[path].status, Bodies: []any{d.answer}},
				{Status: http.StatusConflict, Detail: "The first answer to the same request, or a refusal.", Bodies: []any{d.answer, jokul.ErrorAnswer{}}},
				{Detail: "Refused.", Bodies: []any{jokul.ErrorAnswer{}}},
			},
		}
		switch path {
		case jokul.PathStatus:
			c.Path += "{id}"
			c.Detail = "id is the invoice number or the Request-Id of the payment."
		case jokul.PathPush, jokul.PathVoid:
			c.Headers = nil
			for _, header := range headers {
				header.Optional = true // the check_sum stands for the signature
				c.Headers = append(c.Headers, header)
			}
		}
		calls = append(calls, c)
	}
	return append(calls, openapi.Call{
		Method: http.MethodPost, Path: "jokulPayment", Webhook: true, Tag: tag, Summary: "A payment has ended", Headers: headers,
		Request: jokul.Notification{}, Answers: []openapi.Answer{{Detail: "Any 2xx ends the delivery; the body is not read."}},
	})
}
