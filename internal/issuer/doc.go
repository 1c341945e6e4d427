// Package issuer is the boundary to whoever runs the wallets: the issuer, whose app
// is on the owners' phones.
//
// # Outwards
//
// A Messenger delivers what owners must be told at once, one-time codes and prompts,
// as the gateway queued them: it claims what is due, signs it and posts it to the
// issuer's URL, again and again until it was acknowledged or its time is over. Only
// then does the code in it leave the database.
//
// # Inwards
//
// An API serves the wallets' side: to open wallets and fill them, to answer prompts,
// to end links. Each call is one call of the gateway; the sandbox's phone makes the
// same ones.
//
// # Signatures
//
// Both directions bear the headers and the signature of Standard Webhooks, HMAC-SHA256
// under a secret that only the two sides know. What is signed of a call to the API
// begins with its method and target, so that neither a message nor another call can
// stand in for it.
//
// # What it must not know
//
// Merchants' protocols, SQL, and any rule of the gateway.
package issuer
