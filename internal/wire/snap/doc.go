// Package snap is the wire format of OVO payments over Bank Indonesia's SNAP
// standard as DOKU publishes it: paths, headers, request and answer shapes,
// access tokens, and the signatures. docs/protocols/snap.md holds the sources and
// the points where they disagree.
//
//	service  path                                                  request, answer
//	73       /authorization/v1/access-token/b2b                    TokenB2BRequest, TokenB2BAnswer
//	74       /authorization/v1/access-token/b2b2c                  TokenB2B2CRequest, TokenB2B2CAnswer
//	07       /direct-debit/core/v1/registration-account-binding    BindingRequest, BindingAnswer
//	11       /direct-debit/core/v1/balance-inquiry                 BalanceRequest, BalanceAnswer
//	54       /direct-debit/core/v1/debit/payment-host-to-host      PaymentRequest, PaymentAnswer
//	55       /orders/v1.0/debit/status                             StatusRequest, StatusAnswer
//	58       /direct-debit/core/v1/debit/refund                    RefundRequest, RefundAnswer
//	09       /direct-debit/core/v1/registration-account-unbinding  UnbindingRequest, UnbindingAnswer
//	56       the merchant's notification URL                       PaymentNotification, NotificationAck
//	07       the merchant's binding notification URL               BindingNotification, NotificationAck
//	73       the merchant's token URL                              TokenB2BRequest, MerchantTokenAnswer
//
// The …Request types are what a client sends. A server does not unmarshal into
// them: its Decode… functions check types, lengths and presence and return
// types of their own (Binding, Payment, …) with amounts as numbers.
//
// The package has no behaviour: no clock, no I/O, no decision about a payment.
package snap
