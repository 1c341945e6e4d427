package recent

import "sync"

// Map remembers at least the last limit keys that were put or got, and at most
// twice as many. It keeps two generations: what is used moves to the young one, and
// when that is full it becomes the old one, whose rest is forgotten. That costs a
// plain map's operations and no list to keep. It is safe for concurrent use.
type Map[K comparable, V any] struct {
	mu         sync.Mutex
	limit      int
	young, old map[K]V
}

// New makes a Map.
func New[K comparable, V any](limit int) *Map[K, V] { return &Map[K, V]{limit: limit} }

// Get finds a value.
func (m *Map[K, V]) Get(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.young[key]
	if ok {
		return v, true
	}
	if v, ok = m.old[key]; ok {
		m.put(key, v)
	}
	return v, ok
}

// Put stores a value.
func (m *Map[K, V]) Put(key K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, v)
}

func (m *Map[K, V]) put(key K, v V) {
	if len(m.young) >= m.limit {
		m.old, m.young = m.young, nil
	}
	if m.young == nil {
		m.young = map[K]V{}
	}
	m.young[key] = v
}

// Clear forgets everything.
func (m *Map[K, V]) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.young, m.old = nil, nil
}
