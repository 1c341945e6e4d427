// Package faspay speaks Faspay's OVO Tokenize, every call in JSON and in XML.
//
//	service     JSON path         XML path                        does
//	activation  /cvr/100037/10    /pws/100037/183xx00010100000/   opens the page that links a wallet
//	payment     /cvr/(100038)/10  …                               opens the page that confirms a payment
//	topup       /cvr/(100039)/10  …                               says how to fill the wallet
//	balance     /cvr/(100040)/10  …                               shows both purses
//	history     /cvr/(100041)/10  …                               lists the customer's payments
//	unlink      /cvr/(100042)/10  …                               ends a link
//	inquiry     /cvr/100004/10    …                               says how a payment stands
//	cancel      /cvr/100005/10    …                               withdraws a payment
//	outwards    payment notification (POST), activation callback (GET), return URL of the browser
//
// Numbers in parentheses are placeholders, see wire/faspay.Paths; all paths are
// configuration. A call is a POST. The path says in which encoding it is read and
// answered, never its Content-Type.
//
// It is a translator: authenticate, decode, one call of the gateway, encode. Files:
// routes.go the surface, admit.go the checks before a call counts, handlers.go the
// services, codes.go every code and text of the answers, notify.go the way out.
//
// # Answers
//
// What is understood is answered under HTTP 200: clients read no other. A call that
// gets as far as its service is answered in the service's shape with 00, 01 or, for
// a payment whose link has lapsed, 02; one that does not, with response_error.
//
// # Replays
//
// The signature covers no more than the phone or order number, so whoever has seen
// a balance request can send a payment. What stands against it: the merchant's list
// of source addresses, the order number, which is paid once, and the page, on which
// the wallet's owner confirms each payment. Check order: size, syntax, merchant,
// address, signature, rate, fields, payment channel, rules.
//
// # Where the documents leave a choice
//
//   - A phone number names the binding of its newest active link, made in whichever
//     dialect.
//   - A link that ended without the merchant is renewed on the page that answers a
//     payment with 02; one that the merchant unlinked needs a new activation.
//   - Unlinking cancels the payments that wait for their customer.
//   - A payment lives as long as its page.
//
// Shapes, signatures and formats are in package wire/faspay. Sources, and where this
// server differs from them, are in docs/protocols/faspay.md.
package faspay
