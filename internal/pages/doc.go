// Package pages serves the hosted pages on which a wallet's owner confirms a
// binding or a payment: first the one-time code, then the PIN.
//
//	GET  the step the page waits for, or how it ended
//	POST action=otp code=…, action=pin pin=…, action=resend, action=cancel
//
// It shows what the gateway says and decides nothing. An accepted step answers 303
// to the page itself, the step that ends the page 303 to the merchant's return URL,
// and a refused step 422 with the form and what to do. The pages are plain HTML
// forms without scripts, cookies or any file to load.
//
// The number in the address is the only secret a visitor needs, so it must not
// leak: nothing is cached, no referrer is sent, no other site may frame the page,
// and neither number, code nor PIN is ever logged. A malformed number, an unknown
// one and one opened under the other kind's path get the same answer.
//
// Beside them stand public pages that say how to fill a wallet, with an icon each.
//
// Files: pages.go the requests, guides.go how to fill a wallet, screen.go what is shown, target.go the way back to
// the merchant, language.go which language, texts.go every word, page.html and
// page.css the looks.
package pages
