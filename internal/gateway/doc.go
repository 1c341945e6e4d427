// Package gateway holds every business rule of Gerbang: merchants, wallets with
// two purses, bindings, payments, refunds, hosted pages with one-time codes and
// PINs, and what merchants must be told. Dialects translate a provider's
// protocol into one call here and the result back; they decide nothing.
//
// # How it flows
//
// A call validates what it can without the database, then opens one
// Store.Update. Inside, it claims the merchant's request id, reads what it needs,
// changes state through guarded writes, and adds the transfer, the event and the
// notification. All of it commits together, durably, before the call returns, so
// an answer a merchant has seen is never lost. The only work outside the
// transaction is the PIN's deliberately slow hash.
//
// # Two kinds of no
//
// A refusal that must be remembered is an outcome: a wrong PIN, a payment the
// purse could not cover. It commits. A refusal that must leave no trace is an
// error: it rolls everything back, and only the claim on the request id is kept.
//
// # What it must not know
//
// SQL, HTTP, JSON, signatures, provider field names and provider codes. Time
// comes from Clock, rows from Store.
package gateway
