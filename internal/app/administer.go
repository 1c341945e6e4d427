package app

import (
	"context"
	"errors"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// Administer lets fn change an installation of Serve. It works beside running
// servers, and before the first of them: a new database becomes one of Serve's.
func Administer(ctx context.Context, i Installation, fn func(*gateway.Gateway) error) error {
	keys, err := i.masterKey(false)
	if err != nil {
		return err
	}
	clock := gateway.SystemClock{}
	db, err := store.Open(ctx, store.Config{URL: i.databaseURL(), Keys: keys, Clock: clock})
	if err != nil {
		return err
	}
	if err = claimProfile(ctx, db, profileProduction); err == nil {
		err = fn(gateway.New(gateway.Config{Store: db, Clock: clock, Keys: keys, Signal: db.Signal}))
	}
	return errors.Join(err, db.Close())
}
