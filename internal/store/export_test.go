package store

import "slices"

// Statements lists the statements that the store has prepared so far on SQLite, in
// order. It must not be in use meanwhile.
func (s *Store) Statements() []string {
	var list []string
	for _, q := range s.db.(*sqlite).all {
		for query := range q.stmts {
			list = append(list, query)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
