package faspay

import (
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/openapi"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// description is what there is to say about a service.
type description struct {
	summary string
	request any
	answers []any
}

var descriptions = map[faspay.Service]description{
	faspay.ServiceActivation: {"Link a wallet", faspay.ActivationRequest{}, []any{faspay.ActivationAnswer{}}},
	faspay.ServicePayment:    {"Ask for a payment, which the customer confirms on a page", faspay.PaymentRequest{}, []any{faspay.PaymentAnswer{}, faspay.RenewalAnswer{}}},
	faspay.ServiceTopUp:      {"List the ways to fill a wallet", faspay.TopUpRequest{}, []any{faspay.TopUpAnswer{}}},
	faspay.ServiceBalance:    {"Read a wallet's balance", faspay.BalanceRequest{}, []any{faspay.BalanceAnswer{}}},
	faspay.ServiceHistory:    {"List a customer's payments", faspay.HistoryRequest{}, []any{faspay.HistoryAnswer{}}},
	faspay.ServiceUnlink:     {"End a link", faspay.UnlinkRequest{}, []any{faspay.UnlinkAnswer{}}},
	faspay.ServiceInquiry:    {"Ask how a payment stands", faspay.InquiryRequest{}, []any{faspay.InquiryAnswer{}}},
	faspay.ServiceCancel:     {"Withdraw a payment that is not paid", faspay.CancelRequest{}, []any{faspay.CancelAnswer{}}},
}

const tag = "OVO Tokenize"

// Describe lists the calls for the OpenAPI document: what is served, and what is
// called at the merchant's.
func (h *Handler) Describe() []openapi.Call {
	var calls []openapi.Call
	for _, route := range h.Paths.Routes() {
		d := descriptions[route.Service]
		calls = append(calls, openapi.Call{
			Method: http.MethodPost, Path: route.Path, Tag: tag, Summary: d.summary, Request: d.request, Media: []string{route.Format.ContentType()},
			Detail: "The signature in the body covers " + route.Service.Signed() + ". In XML the root element is faspay.",
			Answers: []openapi.Answer{
				{Status: http.StatusOK, Detail: "Answered; response_code says how.", Bodies: append(d.answers[:len(d.answers):len(d.answers)], faspay.ErrorAnswer{})},
				{Detail: "Not understood, or a fault of the server.", Bodies: []any{faspay.ErrorAnswer{}}},
			},
		})
	}
	ack := openapi.Answer{Detail: "response_code 00 or 14 under any 2xx ends the delivery.", Bodies: []any{faspay.NotificationAck{}}}
	return append(calls, openapi.Call{
		Method: http.MethodPost, Path: "faspayPayment", Webhook: true, Tag: tag, Summary: "A payment has changed its status",
		Detail: "In JSON or XML, as the merchant chose.", Media: []string{faspay.JSON.ContentType(), faspay.XML.ContentType()}, Request: faspay.PaymentNotification{}, Answers: []openapi.Answer{ack},
	}, openapi.Call{
		Method: http.MethodGet, Path: "faspayActivation", Webhook: true, Tag: tag, Summary: "An activation has ended",
		Query: []openapi.Param{
			{Name: "response", Detail: "A description.", Optional: true}, {Name: "phone_number", Detail: "The customer's number."},
			{Name: "response_code", Detail: "00, or 01 when it failed."}, {Name: "response_desc", Detail: "The text to the code."},
		},
		Answers: []openapi.Answer{{Detail: "Any 2xx ends the delivery; the body is not read."}},
	})
}
