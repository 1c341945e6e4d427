package bench

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every quantile is what sorting all values would give, but for the width of a bucket.
func TestQuantilesAreThoseOfTheSortedValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.SliceOfN(rapid.Int64Range(0, maxMicros), 1, 200).Draw(t, "micros")
		var whole, half histogram
		for i, v := range micros {
			h := &whole
			if i%2 == 0 {
				h = &half
			}
			h.record(time.Duration(v) * time.Microsecond)
		}
		whole.add(&half)
		slices.Sort(micros)
		for _, percent := range []int64{1, 50, 95, 99, 100} {
			want := micros[(int64(len(micros))*percent+99)/100-1]
			got := whole.quantile(percent).Microseconds()
			if got < want || got > want+want/128 {
				t.Fatalf("p%d of %v is %d µs, want %d", percent, micros, got, want)
			}
		}
	})
}

func TestHistogramOfNothing(t *testing.T) {
	t.Parallel()
	var h histogram
	if got := h.quantile(99); got != 0 {
		t.Errorf("p99 of nothing is %s", got)
	}
	h.record(time.Hour)
	h.record(-time.Second)
	if got := h.quantile(50); got != 0 {
		t.Errorf("the lower half is %s", got)
	}
}
