package store

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// Stats is what a Store has done since it was opened, and what it is doing.
type Stats struct {
	Groups    Distribution // commits, by how many updates shared them
	Commits   Distribution // commits, by the microseconds they took
	Ungrouped int64        // updates that had to run again by themselves, for a guard of theirs did not hold
	Overtaken int64        // runs of an update that another transaction overtook
	Exhausted int64        // updates given up after maxTries of them
	Queued    int64        // updates that wait for a commit
	Open      int64        // connections for reading and, where any connection may, writing
	Busy      int64        // those in use
	Waits     int64        // how often all of them were in use when one was asked for
}

// Distribution counts values by size.
type Distribution struct {
	Bounds []int64 // upper ones, of all counts but the last
	Counts []int64 // one more than Bounds
	Sum    int64   // of all values
}

// distribution is a Distribution that grows.
type distribution struct {
	bounds []int64
	counts []atomic.Int64
	sum    atomic.Int64
}

func newDistribution(bounds ...int64) distribution {
	return distribution{bounds: bounds, counts: make([]atomic.Int64, len(bounds)+1)}
}

func (d *distribution) add(value int64) {
	i := 0
	for i < len(d.bounds) && value > d.bounds[i] {
		i++
	}
	d.counts[i].Add(1)
	d.sum.Add(value)
}

func (d *distribution) read() Distribution {
	r := Distribution{Bounds: d.bounds, Counts: make([]int64, len(d.counts)), Sum: d.sum.Load()}
	for i := range d.counts {
		r.Counts[i] = d.counts[i].Load()
	}
	return r
}

// meter counts what both engines do alike.
type meter struct {
	groups    distribution
	commits   distribution
	ungrouped atomic.Int64
	overtaken atomic.Int64
	exhausted atomic.Int64
}

func newMeter() *meter {
	return &meter{
		groups:  newDistribution(1, 2, 4, 8, 16, 32, 64, 128),
		commits: newDistribution(500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000),
	}
}

// committed counts a commit of so many updates that began at a moment.
func (m *meter) committed(updates int, began time.Time) {
	m.groups.add(int64(updates))
	m.commits.add(gateway.SystemClock{}.Now().Sub(began).Microseconds())
}

// Stats reads the figures. It waits for nothing.
func (s *Store) Stats() Stats {
	now := s.db.stats()
	now.Groups, now.Commits = s.meter.groups.read(), s.meter.commits.read()
	now.Ungrouped = s.meter.ungrouped.Load()
	now.Overtaken, now.Exhausted = s.meter.overtaken.Load(), s.meter.exhausted.Load()
	return now
}

// Skew is how far this machine's clock is from the database's, either way, and zero
// for a database that has none of its own.
func (s *Store) Skew(ctx context.Context) (time.Duration, error) {
	skew, err := s.db.skew(ctx)
	return skew.Abs(), err
}

// MaxSkew is the distance of the two clocks from which on a Store does not open.
const MaxSkew = refuseSkew
