package gateway

import (
	"context"
	"errors"
	"time"
)

// Trace is one entry of the trail: somebody did something at the back office.
type Trace struct {
	ID       TraceID
	User     UserID     // "" for who has not signed in
	UserName string     // as it was then
	Merchant MerchantID // the user's own, or ""
	Action   string     // such as "payment.refund"
	Subject  string     // the id of what it was done to
	Detail   string     // what exactly, without secrets
	Address  string     // where from
	Outcome  string     // "started", then "done" or why not
	At       time.Time
}

// Outcomes of a trace.
const (
	TraceStarted = "started" // and the end is not known: the process died in between
	TraceDone    = "done"
)

// Act does something on behalf of a person and leaves a trace. The intent is
// durable before anything happens, so that nothing happens without one.
func (g *Gateway) Act(ctx context.Context, t Trace, do func() error) error {
	err := g.store.Update(ctx, func(tx Tx) error {
		t.ID, t.At, t.Outcome = TraceID(g.newID("trc_", tx.Now())), tx.Now(), TraceStarted
		return tx.InsertTrace(t)
	})
	if err != nil {
		return err
	}
	done := do()
	outcome := TraceDone
	switch {
	case errors.Is(done, ErrPasswordWrong):
		outcome = "wrong password"
	case errors.Is(done, ErrCodeWrong):
		outcome = "wrong code"
	case done != nil:
		outcome = ErrorCode(done).String()
	}
	// What was done is done, whoever has stopped waiting for it.
	ctx = context.WithoutCancel(ctx)
	return errors.Join(done, g.store.Update(ctx, func(tx Tx) error { return tx.EndTrace(t.ID, outcome) }))
}

// TraceFilter chooses entries of the trail; zero members choose all.
type TraceFilter struct {
	User    UserID
	Subject string
	Before  TraceID // entries older than this one
}

// Trail lists up to limit entries, newest first.
func (g *Gateway) Trail(ctx context.Context, f TraceFilter, limit int) (all []Trace, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.Trail(f, limit)
		return err
	})
	return all, err
}
