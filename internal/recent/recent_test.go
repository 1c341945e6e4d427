package recent_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gerbang-pay/gerbang/internal/recent"
)

// What was used among the last limit different keys is there; everything that is
// there is right; and no more than twice the limit is.
func TestMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const limit, keys = 4, 20
		m := recent.New[int, int](limit)
		newest := map[int]int{}
		var used []int // newest last
		use := func(key int) {
			used = append(slices.DeleteFunc(used, func(k int) bool { return k == key }), key)
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			key := rapid.IntRange(0, keys-1).Draw(t, "key")
			if rapid.Bool().Draw(t, "put") {
				newest[key] = rapid.Int().Draw(t, "value")
				m.Put(key, newest[key])
				use(key)
				continue
			}
			v, ok := m.Get(key)
			must := slices.Contains(used[max(0, len(used)-limit):], key)
			if must && !ok || ok && v != newest[key] {
				t.Fatalf("key %d is %d, %v; want %d", key, v, ok, newest[key])
			}
			if ok {
				use(key)
			} else {
				used = slices.DeleteFunc(used, func(k int) bool { return k == key })
			}
		}
		held := 0
		for key := range keys {
			if _, ok := m.Get(key); ok {
				held++
			}
		}
		if held > 2*limit {
			t.Fatalf("%d keys are held, at most %d may be", held, 2*limit)
		}
		m.Clear()
		for key := range keys {
			if _, ok := m.Get(key); ok {
				t.Fatalf("key %d is there after Clear", key)
			}
		}
	})
}
