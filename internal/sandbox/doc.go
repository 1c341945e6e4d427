// Package sandbox is what a merchant's engineers have in place of a phone, a
// bank and an hour glass: the control API under /sandbox/v1, seeded merchants and
// wallets, and the log of inbound calls that says why a signature was refused. It
// is never mounted by `gerbang serve`.
//
// Requests and answers are JSON; a refusal is an application/problem+json object
// whose detail says what to do. Amounts are whole rupiah, times RFC 3339 in UTC,
// phones may be spelled 08…, 62… or +62… and are shown as 08….
//
// It acts as the outside world would, through the same gateway calls as the
// hosted pages and the dialects, and has no way around a rule.
package sandbox
