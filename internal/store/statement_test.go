package store

import (
	"slices"
	"testing"
)

func TestStatementOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		class class
		table string
	}{
		{"SELECT id FROM wallet WHERE id = $1", reads, ""},
		{"INSERT INTO payment (id, page_id) VALUES ($1, $2)", inserts, "payment"},
		{"UPDATE wallet SET cash = cash - $2 WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM wallet o)", updates, "wallet"},
		{"UPDATE payment SET state = $2 WHERE id = $1 AND EXISTS (SELECT 1 FROM binding)", other, ""},
		{"INSERT INTO terminal (day) VALUES ($1) RETURNING trace", other, ""},
		{"INSERT INTO unheard_of (a) VALUES ($1)", other, ""},
		{"SELECT 1 FROM wallet WHERE id = $1 AND version = $2 FOR SHARE", updates, "wallet"},
		{"DELETE FROM claim", other, ""},
		{"WITH due AS (SELECT id FROM page) UPDATE page SET state = $1", other, ""},
	} {
		s := statementOf(c.text)
		if s.class != c.class {
			t.Errorf("%s: class %d, want %d", c.text, s.class, c.class)
		}
		if c.table != "" && s.table != ranks[c.table] {
			t.Errorf("%s: table %d, want %s", c.text, s.table, c.table)
		}
	}
}

func TestStatementOfManyRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		args []any
		want string
	}{
		{
			"INSERT INTO claim (a, b, c)\n\tVALUES ($1, '', $2) ON CONFLICT DO NOTHING", []any{"x", int64(1)},
			"INSERT INTO claim (a, b, c)\n\tSELECT r.p1, '', r.p2 FROM unnest($1::text[], $2::bigint[]) AS r(p1, p2) ON CONFLICT DO NOTHING",
		},
		{"INSERT INTO claim (a) VALUES (coalesce($1, ''))", []any{"x"}, ""},
		{"INSERT INTO claim (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = $1", []any{"x"}, ""},
		{"INSERT INTO claim (a) VALUES ($1)", []any{true}, ""},
		{"UPDATE claim SET a = $1", []any{"x"}, ""},
	} {
		if got := statementOf(c.text).rows(c.args); got != c.want {
			t.Errorf("%q becomes\n%q, want\n%q", c.text, got, c.want)
		}
	}
}

// A row comes after those that it refers to, whoever wrote them first.
func TestOrder(t *testing.T) {
	t.Parallel()
	insert := func(table, id string) write {
		return write{statement: statementOf("INSERT INTO " + table + " (id) VALUES ($1)"), args: []any{id}}
	}
	update := func(table, id, what string) write {
		return write{statement: statementOf("UPDATE " + table + " SET " + what + " = 1 WHERE id = $1"), args: []any{id}}
	}
	list := []write{
		insert("posting", "a"), insert("transfer", "b"), update("wallet", "w2", "cash"), insert("wallet", "w3"),
		update("wallet", "w1", "cash"), update("wallet", "w2", "points"), insert("transfer", "a"),
	}
	slices.SortStableFunc(list, order)
	var got []string
	for _, w := range list {
		got = append(got, w.text[:11]+" "+w.args[0].(string))
	}
	want := []string{"INSERT INTO w3", "UPDATE wall w1", "UPDATE wall w2", "UPDATE wall w2", "INSERT INTO a", "INSERT INTO b", "INSERT INTO a"}
	if !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
	if list[2].text == list[3].text || list[3].text != update("wallet", "w2", "points").text {
		t.Error("the writes of one row changed places")
	}
}
