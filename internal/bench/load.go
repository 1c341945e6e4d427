package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Load is one measurement.
type Load struct {
	Dialect  string // one of Dialects
	Pattern  string // one of Patterns
	Clients  int    // calls at once, at most
	Warmup   time.Duration
	Duration time.Duration // of the measured window, behind the warm-up
	Rate     int64         // calls a second in an open loop; 0 is a closed loop
}

// What a Load can be made of.
var (
	Dialects = []string{"snap", "jokul", "push", "faspay"}
	Patterns = []string{"hot", "spread"}
)

// Result is what a Load found. Latencies are of the payments that succeeded.
type Result struct {
	Load
	Payments   int64            // that succeeded within the window
	P50, P95   time.Duration    //
	P99, Max   time.Duration    //
	Errors     int64            // within the window
	ErrorCodes map[string]int64 // the protocol's code, or what went wrong in words
	ServerCPU  time.Duration    // per payment
	ClientCPU  time.Duration    // per payment, of the generator
}

// payer makes one payment after the other. The code it returns is empty for a
// success, otherwise what the error is counted under.
type payer interface {
	pay() (code string)
	close()
}

// now is the generator's clock.
func now() time.Time { return time.Now() }

// tally is what one client saw inside the window.
type tally struct {
	latencies histogram
	errors    map[string]int64
}

func (t *tally) count(code string, took time.Duration) {
	if code == "" {
		t.latencies.record(took)
		return
	}
	if t.errors == nil {
		t.errors = map[string]int64{}
	}
	t.errors[code]++
}

// notStarted counts calls of an open loop that no client was free for until the end.
const notStarted = "not started"

// drive lets every payer pay for as long as l says. cpu tells how much of it the
// server has used so far.
func drive(ctx context.Context, l Load, payers []payer, cpu func() (time.Duration, error)) (Result, error) {
	begin := now()
	open := begin.Add(l.Warmup)
	end := open.Add(l.Duration)
	tallies := make([]tally, len(payers))
	next := closedLoop
	if l.Rate > 0 {
		next = openLoop(begin, time.Second/time.Duration(l.Rate))
	}

	var group sync.WaitGroup
	for i, p := range payers {
		group.Go(func() {
			for ctx.Err() == nil {
				due := next()
				if !due.Before(end) {
					return
				}
				if pause(ctx, due.Sub(now())); now().After(end) {
					tallies[i].count(notStarted, 0)
					continue
				}
				code := p.pay()
				done := now()
				// A closed loop counts what ended in the window, so that its rate is
				// right; an open one what was meant to begin in it, so that no slow call
				// is left out.
				if l.Rate > 0 && !due.Before(open) || l.Rate == 0 && done.After(open) && !done.After(end) {
					tallies[i].count(code, done.Sub(due))
				}
			}
		})
	}
	var used [2]usage
	for i, at := range []time.Time{open, end} {
		pause(ctx, at.Sub(now()))
		server, err := cpu()
		if err != nil {
			return Result{}, errors.Join(err, ctx.Err())
		}
		used[i] = usage{server, ownCPU()}
	}
	group.Wait()
	return l.result(tallies, used), ctx.Err()
}

// usage is CPU time spent so far.
type usage struct{ server, client time.Duration }

// closedLoop lets a client pay again at once.
func closedLoop() time.Time { return now() }

// openLoop deals out moments an interval apart, whoever asks for them.
func openLoop(begin time.Time, interval time.Duration) func() time.Time {
	var dealt atomic.Int64
	return func() time.Time { return begin.Add(time.Duration(dealt.Add(1)) * interval) }
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (l Load) result(tallies []tally, used [2]usage) Result {
	r := Result{Load: l, ErrorCodes: map[string]int64{}}
	var all histogram
	for i := range tallies {
		all.add(&tallies[i].latencies)
		for code, n := range maps.All(tallies[i].errors) {
			r.ErrorCodes[code] += n
			r.Errors += n
		}
	}
	r.Payments = all.total
	r.P50, r.P95, r.P99 = all.quantile(50), all.quantile(95), all.quantile(99)
	r.Max = time.Duration(all.max) * time.Microsecond
	if r.Payments > 0 {
		r.ServerCPU = (used[1].server - used[0].server) / time.Duration(r.Payments)
		r.ClientCPU = (used[1].client - used[0].client) / time.Duration(r.Payments)
	}
	return r
}

// Run puts servers of one installation under load, given by their base URLs. cpu tells
// how much CPU time they have used so far.
func (w *World) Run(ctx context.Context, servers []string, l Load, cpu func() (time.Duration, error)) (Result, error) {
	if l.Clients < 1 || l.Duration <= 0 || l.Rate < 0 {
		return Result{}, fmt.Errorf("bench: %d clients for %s at %d/s is no load", l.Clients, l.Duration, l.Rate)
	}
	payers, err := w.payers(ctx, servers, l)
	defer func() {
		for _, p := range payers {
			p.close()
		}
	}()
	if err != nil {
		return Result{}, fmt.Errorf("bench: %s %s: %w", l.Dialect, l.Pattern, err)
	}
	return drive(ctx, l, payers, cpu)
}
