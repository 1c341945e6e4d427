// Package jokul is the wire format of DOKU's OVO payments outside SNAP, the APIs
// once named Jokul: paths, headers, request and answer shapes, the header
// signature, and the check_sum of OVO Push Payment. docs/protocols/jokul.md holds
// the sources and the points where they disagree.
//
//	call                 path                                  request, answer
//	binding              /ovo-open-api/v1/token                BindingRequest, BindingAnswer
//	list of tokens       /tokenization/v1/tokens               TokensRequest, TokensAnswer
//	balance              /ovo-open-api/v1/balance              BalanceRequest, BalanceAnswer
//	recurring payment    /ovo-open-api/v1/payment-recurring    RecurringPaymentRequest, PaymentAnswer
//	one-time payment     /ovo-open-api/v1/payment              PaymentRequest, PaymentAnswer
//	refund               /ovo-open-api/v1/payment-refund       RefundRequest, RefundAnswer
//	unbinding            /ovo-open-api/v1/token-delete         UnbindingRequest, UnbindingAnswer
//	push payment         /ovo-emoney/v1/payment                PushRequest, PushAnswer
//	check status (GET)   /orders/v1/status/{id}                none, StatusAnswer
//	notification         the merchant's notification URL       Notification, none
//
// A call that fails is answered with an ErrorAnswer.
//
// The …Request types are what a client sends. A server does not unmarshal into
// them: its Decode… functions check types, lengths and presence and return types
// of their own (Binding, Push, …) with amounts as numbers.
//
// The package has no behaviour: no clock, no I/O, no decision about a payment.
package jokul
