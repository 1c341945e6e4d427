package bench

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that widen with what they count, so that
// recording is one addition, whatever was measured: exact below 256 µs, and never
// more than 0.8 % wide above. It is what HdrHistogram does, without its dependency.
// It is used by one goroutine at a time.
type histogram struct {
	counts [28 << subBits]int64
	total  int64
	max    int64 // µs
}

// Each power of two is divided into 1<<subBits buckets.
const subBits = 7

// maxMicros is the largest value that is told apart, 17 minutes.
const maxMicros = 1<<30 - 1

func (h *histogram) record(d time.Duration) {
	v := min(max(d.Microseconds(), 0), maxMicros)
	h.counts[bucket(v)]++
	h.total++
	h.max = max(h.max, v)
}

// bucket is where v belongs: v itself while that is exact, and its leading bits above.
func bucket(v int64) int {
	shift := max(0, bits.Len64(uint64(v))-subBits-1)
	return shift<<subBits + int(v>>shift)
}

// upper is the largest value of a bucket.
func upper(bucket int) int64 {
	shift := max(0, bucket>>subBits-1)
	return int64(bucket-shift<<subBits+1)<<shift - 1
}

func (h *histogram) add(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.max = max(h.max, o.max)
}

// quantile is a duration that the given share of all, in percent, did not exceed.
func (h *histogram) quantile(percent int64) time.Duration {
	rank := max(1, (h.total*percent+99)/100)
	seen := int64(0)
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return time.Duration(min(upper(i), h.max)) * time.Microsecond
		}
	}
	return 0
}
