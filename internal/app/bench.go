package app

import (
	"context"
	"errors"

	"github.com/gerbang-pay/gerbang/internal/bench"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// PrepareBench makes an installation with the world of package bench in it and,
// before any load, a number of payments that were made, and counted for reports, long
// ago. progress may be nil.
func PrepareBench(ctx context.Context, i Installation, payments int, progress func(done int)) (*bench.World, error) {
	keys, err := i.masterKey(true)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Config{URL: i.databaseURL(), Keys: keys, Clock: gateway.SystemClock{}})
	if err != nil {
		return nil, err
	}
	world, err := bench.Settle(ctx, db)
	if err == nil {
		err = db.Prefill(ctx, payments, progress)
	}
	if err == nil {
		_, err = gateway.New(gateway.Config{Store: db, Clock: gateway.SystemClock{}, Keys: keys}).Tally(ctx)
	}
	return world, errors.Join(err, db.Close())
}
