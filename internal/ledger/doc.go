// Package ledger is the double-entry book of Gerbang, as pure functions: the
// chart of accounts, the postings of every kind of movement, and the arithmetic
// that divides an amount between a wallet's two purses. It does no I/O and knows
// nothing of payments' states; docs/ledger.md shows each posting as a table.
//
// Amounts are whole rupiah (one OVO point counts as one rupiah). In a posting a
// positive amount adds to what the account shows and a negative one takes from
// it; the postings of a transfer sum to zero in each purse, so money is moved
// and never made. A transfer is immutable: it is undone by another transfer
// that refers to it.
package ledger
