package storetest

import (
	"sync/atomic"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// StillClock is a clock that stands still between steps, for what is counted by time.
type StillClock struct {
	*gateway.MovableClock
	at atomic.Pointer[time.Time]
}

// Still stops a clock.
func Still(clock *gateway.MovableClock) *StillClock {
	c := &StillClock{MovableClock: clock}
	now := clock.Now()
	c.at.Store(&now)
	return c
}

// Now is the moment at which the clock was stopped, or last stepped to.
func (c *StillClock) Now() time.Time { return *c.at.Load() }

// Step moves the clock. It must not be called by two at once.
func (c *StillClock) Step(by time.Duration) {
	next := c.Now().Add(by)
	c.at.Store(&next)
}
