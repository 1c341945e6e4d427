package ovo_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gerbang-pay/gerbang/ovo"
)

func TestMemorySeen(t *testing.T) {
	t.Parallel()
	seen, ctx := ovo.MemorySeen(), t.Context()
	calls := 0
	handle := func(err error) func(context.Context) error {
		return func(context.Context) error { calls++; return err }
	}
	down := errors.New("down")
	if err := seen.Once(ctx, "a", handle(down)); err != down || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	func() {
		defer func() { recover() }()
		seen.Once(ctx, "a", func(context.Context) error { panic("out of luck") })
	}()
	for range 3 {
		if err := seen.Once(ctx, "a", handle(nil)); err != nil || calls != 2 {
			t.Errorf("%d calls, %v", calls, err)
		}
	}
	if err := seen.Once(ctx, "b", handle(nil)); err != nil || calls != 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// Whoever comes while an event is being handled waits for the end of that, and
// handles it then if it failed.
func TestMemorySeenAtTheSameTime(t *testing.T) {
	t.Parallel()
	seen := ovo.MemorySeen()
	var inside, handled, failures atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			err := seen.Once(t.Context(), "key", func(context.Context) error {
				if inside.Add(1) != 1 {
					t.Error("two at once")
				}
				defer inside.Add(-1)
				if handled.Add(1) < 3 {
					return errors.New("not yet")
				}
				return nil
			})
			if err != nil {
				failures.Add(1)
			}
		})
	}
	all.Wait()
	if handled.Load() != 3 || failures.Load() != 2 {
		t.Errorf("handled %d times, %d failures", handled.Load(), failures.Load())
	}

	started, finish := make(chan struct{}), make(chan struct{})
	all.Go(func() {
		seen.Once(t.Context(), "slow", func(context.Context) error { close(started); <-finish; return nil })
	})
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := seen.Once(ctx, "slow", func(context.Context) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(finish)
	all.Wait()
}

func TestMemorySeenForgetsTheOldest(t *testing.T) {
	t.Parallel()
	seen, ctx := ovo.MemorySeen(), t.Context()
	calls := 0
	count := func(context.Context) error { calls++; return nil }
	for i := range 100_002 {
		seen.Once(ctx, fmt.Sprint(i), count)
	}
	for key, again := range map[string]int{"2": 0, "100001": 0, "0": 1} {
		calls = 0
		if seen.Once(ctx, key, count); calls != again {
			t.Errorf("key %s: %d calls", key, calls)
		}
	}
}
