// Package backoffice is the web dashboard of operators and merchants: what was
// paid and why not, refunds, deliveries, settlement, the ledger, credentials and
// the people who may see them. Its pages are rendered on the server and need no
// script.
//
// One request runs through visit: who is it (a session's cookie or, in a sandbox,
// the local operator), may their role do this (routes), was a form sent from one of
// our pages (Sec-Fetch-Site, Origin, token), and then one handler. Handlers read
// through gateway.Desk, which is bound to what the visitor may see, and change
// things through visit.act, which leaves a trace.
//
// Filters are in the address, so that a list can be bookmarked and sent on; lists go
// on by key. English words stand in the templates and are the keys to the Indonesian
// ones (texts.go).
//
// It knows no protocol and no SQL.
package backoffice
