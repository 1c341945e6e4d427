// Package notify tells merchants what happened: it delivers the notifications
// that the gateway queued together with the events themselves.
//
// # How it flows
//
// A Worker claims what is due, which leases it, and makes one attempt of each:
// the notification's dialect builds and signs a request, a client that reaches
// nothing internal sends it, and the dialect judges the answer. The attempt and
// what follows from it, the end or the moment of the next attempt, are stored
// together. Then the Worker waits until the gateway queues something, the
// gateway's clock reaches the next moment, or somebody calls Kick. A slow poll
// finds what another process queued. After a claim of few it pauses for some
// milliseconds, so that what is due meanwhile is claimed in one transaction.
//
// # At least once
//
// Whoever dies between sending and storing leaves a lease behind. Once that has
// run out, or is released, the same event is sent again: merchants
// must recognise repeats. Only the holder of the newest lease can store. Within
// one process a notification is never sent twice at a time, even when the clock
// jumps past the lease of a running attempt: the Worker keeps the notifications
// it holds by id, so claiming one of them again only renews its lease.
//
// # Fairness
//
// At most eight attempts run at once per merchant, in a pool that is many times
// larger, so a merchant that answers slowly or not at all takes only its share. While
// most of the pool has nothing to do, one merchant may use a quarter of it. What was
// claimed beyond that is parked in memory, takes no place in the pool, and starts when
// an attempt of the same merchant ends, provided its lease still covers a whole attempt.
// A merchant with enough parked is passed over when the next are claimed: however many
// of its notifications are due, they are not touched, and those behind them are
// delivered.
//
// # What it must not know
//
// Payloads, signatures and any protocol's idea of success: those are the
// dialect's, behind Outbound.
package notify
