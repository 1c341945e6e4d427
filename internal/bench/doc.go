// Package bench puts a running Gerbang under load over HTTP, as merchants would:
// every call is signed, every answer is read, and what is counted is payments that
// the answer said had succeeded.
//
// A [World] is the merchants, wallets and bindings that the load needs; Settle
// writes them into a store before the server starts. [World.Run] then drives one
// [Load]: each client is a goroutine with a connection of its own. In a closed loop
// a client asks again as soon as it was answered. In an open loop calls begin at a
// fixed rate and latency counts from the moment at which a call was meant to begin,
// so that a server that stalls cannot hide the calls that it kept from being made.
//
// The generator shares the machine with the server it measures, so it is kept small:
// it writes requests to its connections itself, and reads answers with net/http's
// parser but without its client's goroutines.
//
// It must not know the server's packages besides gateway's types: it goes through
// the same doors as everybody.
package bench
