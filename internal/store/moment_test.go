package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// Readers side by side see one moment, however much is committed while they begin and read.
func TestReadersSeeOneMoment(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, func(t *testing.T, e storetest.Engine) {
		f := open(t, e)
		looking, writing := f.again(t, true), f.raw(t)
		ctx, end := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if _, err := writing.Exec(fmt.Sprintf("INSERT INTO pruned (kind, upto_us) VALUES ('%d', 0)", i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
		defer writer.Wait()
		defer end()

		const readers = 2
		seen := map[int64]bool{}
		for len(seen) < 3 && !t.Failed() {
			counts, err := looking.CountAtOnce(t.Context(), readers, "pruned")
			if err != nil {
				t.Fatal(err)
			}
			if len(counts) != 2*readers || slices.Min(counts) != slices.Max(counts) {
				t.Fatalf("%d readers counted %v", readers, counts)
			}
			seen[counts[0]] = true
		}
	})
}
