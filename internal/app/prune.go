package app

import (
	"context"
	"time"
)

// pruneInterval is how often what nobody asks for any more is deleted.
const pruneInterval = time.Minute

// prune deletes what has been kept for long enough, until ctx ends.
func (a *App) prune(ctx context.Context) {
	tick := time.NewTicker(pruneInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if n, err := a.Gateway.Prune(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("pruning failed; it is tried again", "error", err)
		} else if n > 0 {
			a.log.Info("pruned", "claims_and_notifications", n)
		}
	}
}
