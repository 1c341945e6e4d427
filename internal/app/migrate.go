package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// CopyProgress is how far Migrate has come.
type CopyProgress = store.CopyProgress

// Migration is what Migrate did.
type Migration struct {
	Rows       map[string]int64 // by table
	Accounts   int              // of the ledger, with equal balances
	Invariants []gateway.Invariant
}

// Migrate copies an installation's SQLite database into another database, which must be
// empty, under the same master keys. Both are audited, and their balances compared.
// Nothing is changed in the first; no server may write to it any more.
func Migrate(ctx context.Context, i Installation, to string, progress func(CopyProgress)) (m Migration, err error) {
	if _, ok := i.sqlitePath(); !ok {
		return m, errors.New("only a SQLite database is migrated: name it with --from sqlite:///path/to/file")
	}
	if _, err := i.auditAtRest(ctx); err != nil {
		return m, fmt.Errorf("the database to migrate: %w", err)
	}
	target := i
	target.Database = to
	if m.Rows, err = copyDatabase(ctx, i, target, progress); err != nil {
		return m, err
	}
	if m.Invariants, err = target.auditAtRest(ctx); err != nil {
		return m, fmt.Errorf("the copy is not to be used: %w", err)
	}
	before, err := i.balances(ctx)
	if err != nil {
		return m, err
	}
	after, err := target.balances(ctx)
	if err != nil {
		return m, err
	}
	if !slices.Equal(before, after) {
		return m, errors.New("the copy is not to be used: its balances are others")
	}
	m.Accounts = len(after)
	return m, nil
}

func copyDatabase(ctx context.Context, from, to Installation, progress func(CopyProgress)) (rows map[string]int64, err error) {
	source, err := from.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	keys, err := to.masterKey(false)
	if err != nil {
		return nil, err
	}
	target, err := store.Open(ctx, store.Config{URL: to.databaseURL(), Keys: keys, Clock: gateway.SystemClock{}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return store.Copy(ctx, source, target, progress)
}

// balances are those of every account at the end of the ledger, in an order that no
// collation changes.
func (i Installation) balances(ctx context.Context) ([]Balance, error) {
	db, err := i.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	list, err := db.Balances(ctx)
	slices.SortFunc(list, func(a, b Balance) int { return cmp.Compare(a.Account, b.Account) })
	return list, errors.Join(err, db.Close())
}
