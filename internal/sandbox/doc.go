// Package sandbox is what a merchant's engineers have in place of a phone, a
// bank and an hour glass: the control API under /sandbox/v1, pages for people (the
// phone with its OVO app, the simulator of push payments), seeded merchants and
// wallets, scenarios and magic phone numbers that decide outcomes, and the log of
// inbound calls that says why a signature was refused. It is never mounted by
// `gerbang serve`.
//
// Requests and answers of the API are JSON; a refusal is an
// application/problem+json object whose detail says what to do. Amounts are whole
// rupiah, times RFC 3339 in UTC, phones may be spelled 08…, 62… or +62… and are
// shown as 08….
//
// It acts as the outside world would, through the same gateway calls as the
// hosted pages and the dialects. Only a scenario or a magic number goes past the
// rules, and only to refuse or delay what they would have let happen.
package sandbox
