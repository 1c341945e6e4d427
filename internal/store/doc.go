// Package store keeps the gateway's rows in SQL. It implements gateway.Store
// with one hand-written, portable SQL text; a database engine (sqlite.go,
// postgres*.go) opens connections, commits, and classifies errors.
//
// The SQL subset: $n parameters; TEXT, BIGINT and BOOLEAN columns; ON CONFLICT,
// RETURNING and partial indexes; no triggers, sequences, stored functions or
// now(). Each statement stands beside the code that scans it.
//
// Correctness comes from guarded writes, never from a read followed by a write:
// an UPDATE names the state or the balance it expects and the caller looks at
// the number of rows. What no such guard covers is a premise of the transaction.
// Secrets are sealed here on their way into a column and opened on their way out,
// so no other package can forget to.
//
// It must not know what the rows mean: rules live in package gateway.
package store
