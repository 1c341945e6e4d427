package store

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// statement is what the text of a statement says about it.
type statement struct {
	text     string
	mentions uint64 // the tables, by bit
	table    int    // the rank of the table that it writes, with class
	class    class

	once sync.Once
	many string // the statement for many rows, or "" if it has no such form

	guards sync.Map // text, of one row or of many → the statement that insists on them
}

// class is the kind of a statement, in the order in which those of one table may be
// run for several transactions at once.
type class int

const (
	inserts class = iota
	updates       // and premises
	reads
	other // anything that must run where it stands
)

// ranks orders the tables so that a row comes after those that it refers to.
var ranks = func() map[string]int {
	ranks := map[string]int{}
	for i, table := range slices.Backward(append([]string{"setting"}, tables...)) {
		ranks[table] = len(tables) - i
	}
	return ranks
}()

// tableOf reverses ranks.
func tableOf(rank int) string {
	for table, r := range ranks {
		if r == rank {
			return table
		}
	}
	panic(fmt.Sprint("store: no table has rank ", rank))
}

var statementsKnown sync.Map // text → *statement

// statementOf reads a statement's text, once.
func statementOf(text string) *statement {
	if known, ok := statementsKnown.Load(text); ok {
		return known.(*statement)
	}
	words := strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	s := &statement{text: text, class: other}
	for _, word := range words {
		if rank, ok := ranks[word]; ok {
			s.mentions |= 1 << rank
		}
	}
	written := ""
	switch {
	case len(words) < 3:
	case strings.HasSuffix(text, " FOR SHARE"): // a premise locks its row as an UPDATE does
		s.class, written = updates, words[slices.Index(words, "FROM")+1]
	case words[0] == "SELECT":
		s.class = reads
	case slices.Contains(words, "RETURNING"):
	case words[0] == "INSERT":
		s.class, written = inserts, words[2]
	case words[0] == "UPDATE":
		s.class, written = updates, words[1]
	}
	if written != "" {
		// What looks at other tables must run where it stands among their writes.
		rank, ok := ranks[written]
		if s.table = rank; !ok || s.mentions != 1<<rank {
			s.class = other
		}
	}
	known, _ := statementsKnown.LoadOrStore(text, s)
	return known.(*statement)
}

// rows returns an INSERT of one row as one of many, whose arguments are the columns
// of a table. It knows the plainest form, INSERT INTO … VALUES (…), of this package's
// own statements; of any other it returns "".
func (s *statement) rows(args []any) string {
	s.once.Do(func() {
		head, tail, ok := strings.Cut(s.text, "VALUES (")
		list, end, closed := strings.Cut(tail, ")")
		if s.class != inserts || !ok || !closed || strings.ContainsAny(list+end, "(") || strings.Contains(end, "$") {
			return
		}
		items := strings.Split(list, ",")
		for i, item := range items {
			items[i] = strings.TrimSpace(item)
			if number, ok := strings.CutPrefix(items[i], "$"); ok {
				items[i] = "r.p" + number
			}
		}
		var arrays, names []string
		for i, arg := range args {
			kind := "text"
			switch arg.(type) {
			case int64:
				kind = "bigint"
			case string:
			default:
				return
			}
			arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, kind))
			names = append(names, fmt.Sprint("p", i+1))
		}
		s.many = head + "SELECT " + strings.Join(items, ", ") + " FROM unnest(" + strings.Join(arrays, ", ") + ") AS r(" + strings.Join(names, ", ") + ")" + end
	})
	return s.many
}

// insisting returns the text of a guarded write, with its number of arguments, as one
// that fails unless it changes as many rows as a further argument says.
func (s *statement) insisting(text string, args int) string {
	if known, ok := s.guards.Load(text); ok {
		return known.(string)
	}
	returning := " RETURNING 1"
	if strings.HasPrefix(text, "SELECT") { // a premise
		returning = ""
	}
	insisting := fmt.Sprintf("WITH held AS (%s%s) SELECT 1 / (count(*) >= $%d::bigint)::int FROM held", text, returning, args+1)
	s.guards.Store(text, insisting)
	return insisting
}

// guardFailed reports whether a statement failed that insists.
func guardFailed(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "22012" // division by zero
}

// columns turns the arguments of many writes into one argument for each column. It
// fails when their types differ.
func columns(writes []write) ([]any, bool) {
	list := make([]any, len(writes[0].args))
	for c, arg := range writes[0].args {
		var ok bool
		if _, text := arg.(string); text {
			list[c], ok = argument[string](writes, c)
		} else {
			list[c], ok = argument[int64](writes, c)
		}
		if !ok {
			return nil, false
		}
	}
	return list, true
}

func argument[T any](writes []write, c int) ([]T, bool) {
	list := make([]T, len(writes))
	for i, w := range writes {
		v, ok := w.args[c].(T)
		if !ok {
			return nil, false
		}
		list[i] = v
	}
	return list, true
}

// write is a statement of a transaction that has not begun.
type write struct {
	*statement
	args    []any
	guarded bool
	owner   *queued
}

// order sorts the writes of several transactions so that rows are locked in the same
// order everywhere, and a row comes after those that it refers to. Writes of one row
// stay in their order.
func order(a, b write) int {
	if c := cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.class, b.class)); c != 0 {
		return c
	}
	if a.class != inserts {
		return compare(a.args[0], b.args[0])
	}
	if a.statement != b.statement {
		return cmp.Compare(a.text, b.text)
	}
	for i := range a.args {
		if c := compare(a.args[i], b.args[i]); c != 0 {
			return c
		}
	}
	return 0
}

func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return cmp.Compare(a, b)
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	}
	return 0
}

// plain makes strings and int64s of all arguments that are such underneath, in place:
// the driver encodes those without looking at their types again.
func plain(args []any) []any {
	for i, arg := range args {
		switch arg.(type) {
		case string, int64, sql.NullString, nil:
			continue
		}
		switch v := reflect.ValueOf(arg); v.Kind() {
		case reflect.String:
			args[i] = v.String()
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			args[i] = v.Int()
		}
	}
	return args
}
