package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// Bundle is one database under test.
type Bundle struct {
	Store interface {
		gateway.Store
		Close() error
	}
	Clock  *gateway.MovableClock
	Reopen func() gateway.Store
}

func (b Bundle) update(t testing.TB, fn func(gateway.Tx) error) {
	t.Helper()
	if err := b.Store.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// judge is update for a function that judges what it is told: only what the run
// that was committed found wrong counts.
func (b Bundle) judge(t testing.TB, fn func(tx gateway.Tx, wrong func(format string, args ...any)) error) {
	t.Helper()
	var found []string
	b.update(t, func(tx gateway.Tx) error {
		found = nil
		return fn(tx, func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) })
	})
	for _, text := range found {
		t.Error(text)
	}
}

func (b Bundle) view(t testing.TB, fn func(gateway.Tx) error) {
	t.Helper()
	if err := b.Store.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}
