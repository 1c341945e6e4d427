// Package faspay is the wire format of Faspay's OVO Tokenize: services and their
// paths, request and answer shapes in JSON and in XML, the payment notification
// and its acknowledgement, the activation callback, and the signature.
// docs/protocols/faspay.md holds the sources and the points where they disagree.
//
//	service     number     request, answer
//	activation  100037     ActivationRequest, ActivationAnswer
//	payment     (100038)   PaymentRequest, PaymentAnswer or RenewalAnswer
//	topup       (100039)   TopUpRequest, TopUpAnswer
//	balance     (100040)   BalanceRequest, BalanceAnswer
//	history     (100041)   HistoryRequest, HistoryAnswer
//	unlink      (100042)   UnlinkRequest, UnlinkAnswer
//	inquiry     100004     InquiryRequest, InquiryAnswer
//	cancel      100005     CancelRequest, CancelAnswer
//	–           –          PaymentNotification, NotificationAck; Callback; Return
//
// The numbers in parentheses are placeholders: no public source gives them. All
// numbers and path patterns are configuration, see [Paths].
//
// A message means the same in both encodings. [Parse] gives a wire.Value for
// either, one set of Decode… functions reads it, and [Encode] prints one Go type
// as either. The …Request types are what a client sends; a server does not
// unmarshal into them but calls the Decode… functions, which check presence, types
// and lengths and return types of their own (Activation, Payment, …) with amounts
// and dates as such.
//
// The signature is the SHA-1 of an MD5 and covers no more than a phone or order
// number. It is a password that anybody can use again who has seen it once. This
// package is the only place of the module that uses MD5 and SHA-1.
//
// The package has no behaviour: no clock, no I/O, no decision about a payment.
package faspay
