// Command shop is a small shop that is paid by OVO. It sells one thing, on one page,
// and shows how a merchant uses package ovo: link a wallet, charge it, believe the
// notification and nothing else, give the money back.
//
// Everything that differs between the protocols is in protocols.go, behind the
// interface method; which one is spoken is the default of the flag -protocol:
//
//	go run ./cmd/gerbang sandbox
//	go run ./examples/shop -protocol push
//
// The shop asks a sandbox for the merchant's credentials and tells it where to send
// notifications. At a provider, both are done in the back office: put the credentials
// into a file of the form of account and name it with -account.
package main
