// Package floor is the least that an endpoint which takes payments honestly has to
// do, and nothing else: over HTTP, verify an HMAC of the body, decode it, make one
// durable payment (idempotency key, guarded wallet, postings, outbox) and sign the
// answer. It has no protocol, no states, no refusals and no errors worth the name. How
// much of its rate the gateway keeps is what all of those cost.
//
// It writes as the gateway does, with full durability: one writer on SQLite, two on
// PostgreSQL, each of which commits for everybody who waits.
package floor
