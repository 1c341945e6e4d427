package gateway

import (
	"sync"
	"time"
)

// Clock tells the time and wakes those who wait for a moment. Everything that is
// timed goes through it, so that the sandbox can move time.
type Clock interface {
	Now() time.Time
	// At returns a channel that is closed once Now has reached t. Calling stop
	// releases the wait early; it must be called in any case.
	At(t time.Time) (reached <-chan struct{}, stop func())
	// Skew is how far off a caller's timestamp is, never negative.
	Skew(timestamp time.Time) time.Duration
}

// SystemClock is the machine's clock.
type SystemClock struct{}

func (SystemClock) Now() time.Time { return time.Now() }

func (SystemClock) At(t time.Time) (<-chan struct{}, func()) {
	reached := make(chan struct{})
	timer := time.AfterFunc(time.Until(t), func() { close(reached) })
	return reached, func() { timer.Stop() }
}

func (SystemClock) Skew(timestamp time.Time) time.Duration { return time.Since(timestamp).Abs() }

// MovableClock runs ahead of the machine's clock by an offset that only grows.
// It is safe for concurrent use. Make one with NewMovableClock.
type MovableClock struct {
	machine Clock
	mu      sync.Mutex
	offset  time.Duration
	moved   chan struct{} // closed and replaced whenever the offset changes
}

// NewMovableClock starts a clock that is ahead by offset.
func NewMovableClock(offset time.Duration) *MovableClock {
	return NewMovableClockOf(SystemClock{}, offset)
}

// NewMovableClockOf starts a clock that is ahead of a machine's by offset.
func NewMovableClockOf(machine Clock, offset time.Duration) *MovableClock {
	return &MovableClock{machine: machine, offset: offset, moved: make(chan struct{})}
}

func (c *MovableClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine.Now().Add(c.offset)
}

// Offset is how far the clock is ahead.
func (c *MovableClock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Advance moves the clock forward and wakes every wait whose moment has come.
func (c *MovableClock) Advance(by time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += by
	close(c.moved)
	c.moved = make(chan struct{})
	return c.machine.Now().Add(c.offset)
}

// Reset takes the clock back to the machine's time. Nothing that was timed before
// may be left.
func (c *MovableClock) Reset() { c.Advance(-c.Offset()) }

// Skew measures against the nearer of this clock and the machine's: who calls a
// sandbox whose clock was moved cannot move their own.
func (c *MovableClock) Skew(timestamp time.Time) time.Duration {
	return min(c.Now().Sub(timestamp).Abs(), c.machine.Skew(timestamp))
}

func (c *MovableClock) At(t time.Time) (<-chan struct{}, func()) {
	reached, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		for {
			c.mu.Lock()
			left, moved := t.Sub(c.machine.Now())-c.offset, c.moved
			c.mu.Unlock()
			if left <= 0 {
				close(reached)
				return
			}
			timer := time.NewTimer(left)
			select {
			case <-timer.C:
			case <-moved:
			case <-stopped:
				timer.Stop()
				return
			}
			timer.Stop()
		}
	}()
	return reached, sync.OnceFunc(func() { close(stopped) })
}
