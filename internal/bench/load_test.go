package bench

import (
	"testing"
	"testing/synctest"
	"time"
)

// slow takes as long as it is told, each time.
type slow struct {
	takes time.Duration
	code  string
}

func (s slow) pay() string { time.Sleep(s.takes); return s.code }
func (s slow) close()      {}

func run(t *testing.T, l Load, payers ...payer) Result {
	t.Helper()
	used := time.Duration(0)
	r, err := drive(t.Context(), l, payers, func() (time.Duration, error) { used += 2 * time.Second; return used, nil })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestClosedLoopAsksAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := Load{Warmup: time.Second, Duration: 10 * time.Second}
		r := run(t, l, slow{takes: 100 * time.Millisecond}, slow{takes: 100 * time.Millisecond}, slow{100 * time.Millisecond, "61"})
		if r.Payments != 200 || r.Errors != 100 || r.ErrorCodes["61"] != 100 {
			t.Errorf("%d payments and %d errors %v in ten seconds, want 200 and 100", r.Payments, r.Errors, r.ErrorCodes)
		}
		if r.P99 < 99*time.Millisecond || r.P99 > 101*time.Millisecond || r.Max < r.P99 {
			t.Errorf("p99 %s, max %s", r.P99, r.Max)
		}
		if r.ServerCPU != 10*time.Millisecond {
			t.Errorf("%s CPU for each of 200 payments, want 2 s in all", r.ServerCPU)
		}
	})
}

// A server that takes a second for what is asked for ten times a second: a closed
// loop would call that a second, but who asks waits longer and longer.
func TestOpenLoopCountsFromTheIntendedStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Load{Duration: 10 * time.Second, Rate: 10}, slow{takes: time.Second})
		if r.Max < 9*time.Second {
			t.Errorf("the longest wait was %s; the queue in front of the client was left out", r.Max)
		}
		if r.Payments != 10 || r.ErrorCodes[notStarted] != 89 {
			t.Errorf("%d payments, %v; of 99 calls ten had a client", r.Payments, r.ErrorCodes)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Load{Duration: 10 * time.Second, Rate: 10}, slow{takes: time.Millisecond}, slow{takes: time.Millisecond})
		if r.Payments != 99 || r.Max > 2*time.Millisecond {
			t.Errorf("%d payments, at most %s, of a server that keeps up", r.Payments, r.Max)
		}
	})
}
