package bench

import (
	"context"
	"sync"
	"sync/atomic"
)

// PayOnce lets each of two clients of a load make a payment, and returns how they
// ended.
func (w *World) PayOnce(ctx context.Context, baseURL, dialect, pattern string) (codes []string, err error) {
	payers, err := w.payers(ctx, []string{baseURL}, Load{Dialect: dialect, Pattern: pattern, Clients: 2})
	for _, p := range payers {
		codes = append(codes, p.pay())
		p.close()
	}
	return codes, err
}

// PayTimes makes n payments with as many clients, as fast as they go, and returns
// how many failed.
func (w *World) PayTimes(ctx context.Context, baseURL, dialect, pattern string, clients, n int) (failed int64, err error) {
	payers, err := w.payers(ctx, []string{baseURL}, Load{Dialect: dialect, Pattern: pattern, Clients: clients})
	if err != nil {
		return 0, err
	}
	var left, bad atomic.Int64
	left.Store(int64(n))
	var group sync.WaitGroup
	for _, p := range payers {
		group.Go(func() {
			defer p.close()
			for left.Add(-1) >= 0 {
				if p.pay() != "" {
					bad.Add(1)
				}
			}
		})
	}
	group.Wait()
	return bad.Load(), nil
}
