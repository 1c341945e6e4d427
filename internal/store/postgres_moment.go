package store

import (
	"context"
	"errors"
	"sync"
)

// atOnce runs fn with up to n readers side by side, all of which see one moment: the first
// exports its snapshot, which the others begin with while its transaction lasts.
func (p *postgres) atOnce(ctx context.Context, n int, fn func(*session) error) error {
	n = min(n, poolSize)
	if n < 2 {
		return p.view(ctx, fn)
	}
	return p.view(ctx, func(first *session) error {
		var snapshot string
		if err := first.one("SELECT pg_export_snapshot()", nil, &snapshot); err != nil {
			return err
		}
		failures := make([]error, n)
		var others sync.WaitGroup
		for i := range n - 1 {
			others.Go(func() {
				failures[i] = p.view(ctx, func(q *session) error {
					if _, err := q.exec("SET TRANSACTION SNAPSHOT '" + snapshot + "'"); err != nil {
						return err
					}
					return fn(q)
				})
			})
		}
		failures[n-1] = fn(first)
		others.Wait()
		return errors.Join(failures...)
	})
}
