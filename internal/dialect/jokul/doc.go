// Package jokul speaks DOKU's OVO outside SNAP, the APIs once named Jokul: OVO
// Recurring, the one-time payment of the OVO Open API, and OVO Push Payment.
//
//	call                   path                                  answer
//	binding                /ovo-open-api/v1/token                201
//	list of tokens         /tokenization/v1/tokens               200
//	balance                /ovo-open-api/v1/balance              201
//	recurring payment      /ovo-open-api/v1/payment-recurring    201
//	one-time payment       /ovo-open-api/v1/payment              201
//	refund                 /ovo-open-api/v1/payment-refund       201
//	unbinding              /ovo-open-api/v1/token-delete         201
//	push payment           /ovo-emoney/v1/payment                200
//	void of a push         /ovo-emoney/v1/cancel                 200
//	check status (GET)     /orders/v1/status/{id}                200
//	notification, outwards the merchant's notification URL
//
// It is a translator: authenticate, decode, one call of the gateway, encode. It
// moves no money and judges no payment. Files: routes.go the surface, admit.go the
// checks before a call counts, handlers.go the calls by token, push.go the push
// payment, status.go how a payment stands, codes.go every number and text of the
// protocol's answers, notify.go the way out.
//
// # Repeats
//
// A Request-Id serves once. The same request again is answered with the first
// answer's body under HTTP 409; another request with the id, and a repeat of one
// that has no answer yet, with an error under HTTP 409. An answer that says
// nothing about the outcome (5xx) is not kept.
//
// Check status is a read and uses up no Request-Id. A push payment is guarded by
// its invoice number: the same invoice with the same fields joins the payment that
// is there, waiting or ended, and everything else is response code 94. A Request-Id
// that comes with a push serves for that invoice only.
//
// # Where the documents leave a choice
//
//   - A token is the id of a binding, made in whichever dialect, and serves for
//     recurring and one-time payments alike. All are listed as WALLET_RECURRING.
//   - A payment that the wallet refuses is a result: HTTP 201, payment.status
//     FAILED, and its invoice number is used up.
//   - A payment that was not made because nobody confirmed it in time is FAILED.
//   - Check status shows no ovo_payment while a push waits.
//   - A payment's own notification URL must differ from the configured one in its
//     host only; any other is ignored. Bindings are not notified.
//
// Shapes, signatures and formats are in package wire/jokul. Sources, and where
// this server differs from them, are in docs/protocols/jokul.md.
package jokul
