package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// Updates made at once must each be counted once, whatever groups they came in, and
// so must one that is overtaken again and again.
func TestStats(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, func(t *testing.T, e storetest.Engine) {
		f := open(t, e)
		before := f.Stats()
		const updates = 50
		var all sync.WaitGroup
		for i := range updates {
			all.Go(func() {
				if err := f.Update(t.Context(), func(tx gateway.Tx) error { return tx.SetSetting(fmt.Sprint("s", i), "v") }); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := f.Update(t.Context(), func(gateway.Tx) error { return gateway.ErrRetry }); gateway.ErrorCode(err) != gateway.Unavailable {
			t.Errorf("an update that is always overtaken: %v", err)
		}
		now := f.Stats()
		commits := count(now.Groups) - count(before.Groups)
		// SQLite commits the group of an update that failed as well.
		if grew := now.Groups.Sum - before.Groups.Sum; grew < updates || grew > updates+10 || commits < 1 || commits > grew {
			t.Errorf("%d updates in %d commits: %+v", grew, commits, now.Groups)
		}
		if took := count(now.Commits) - count(before.Commits); took != commits || now.Commits.Sum <= before.Commits.Sum {
			t.Errorf("%d commits took %d times %d µs", commits, took, now.Commits.Sum)
		}
		if now.Overtaken != 10 || now.Exhausted != 1 || now.Queued != 0 || now.Open < 1 {
			t.Errorf("%+v", now)
		}
	})
}

func count(d store.Distribution) (n int64) {
	for _, c := range d.Counts {
		n += c
	}
	return n
}

// A database that a newer build has migrated serves the older one until that is
// stopped, though a start of it is refused; one that lacks a step is not fit.
func TestCheckSchema(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, func(t *testing.T, e storetest.Engine) {
		f := open(t, e)
		db := f.raw(t)
		if skew, err := f.Skew(t.Context()); err != nil || skew > store.MaxSkew {
			t.Errorf("clocks of one machine: %v, %v", skew, err)
		}
		if _, err := db.Exec(`INSERT INTO schema_migration (version, name, checksum, applied_us) VALUES (9999, 'newer', '', 1)`); err != nil {
			t.Fatal(err)
		}
		if err := f.CheckSchema(t.Context()); err != nil {
			t.Errorf("with a newer step: %v", err)
		}
		if _, err := db.Exec(`DELETE FROM schema_migration WHERE version = 1`); err != nil {
			t.Fatal(err)
		}
		if err := f.CheckSchema(t.Context()); err == nil {
			t.Error("without a step: fit")
		}
	})
}
