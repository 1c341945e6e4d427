package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// A dump is one JSON value a line: a dumpHead, then for each table a dumpTable and
// its rows as arrays, and at last a dumpTable without a name. It has nothing of an
// engine in it. Sealed columns stay sealed, so only who has the master key can load it.
type dumpHead struct {
	Format string `json:"format"` // dumpFormat
	Schema int64  `json:"schema"` // the newest migration
	Key    string `json:"key"`    // sealed, to recognise the master key
}

type dumpTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns,omitempty"`
}

const dumpFormat = "gerbang dump 1"

// column is one column of a table, either text or a number.
type column struct {
	name string
	text bool
}

var (
	createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)`)
	tableColumn = regexp.MustCompile(`(?m)^\s+(\w+)\s+(TEXT|BIGINT|BOOLEAN)\b`)
	addColumn   = regexp.MustCompile(`ALTER TABLE (\w+) ADD COLUMN (\w+)\s+(TEXT|BIGINT|BOOLEAN)\b`)
)

// schema reads from the migrations which columns each table has, and the number of
// the newest migration. Asking the database would need another question for each engine.
func schema() (columns map[string][]column, newest int64, err error) {
	steps, err := migrations()
	if err != nil {
		return nil, 0, err
	}
	columns = map[string][]column{}
	for _, step := range steps {
		newest = step.version
		for _, table := range createTable.FindAllStringSubmatch(step.text, -1) {
			for _, c := range tableColumn.FindAllStringSubmatch(table[2], -1) {
				columns[table[1]] = append(columns[table[1]], column{c[1], c[2] == "TEXT"})
			}
		}
		for _, c := range addColumn.FindAllStringSubmatch(step.text, -1) {
			columns[c[1]] = append(columns[c[1]], column{c[2], c[3] == "TEXT"})
		}
	}
	return columns, newest, nil
}

// Dump implements gateway.Tx.
func (t *tx) Dump(w io.Writer) error {
	columns, newest, err := schema()
	if err != nil {
		return err
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(dumpHead{dumpFormat, newest, t.keys.Seal("dump", dumpFormat)}); err != nil {
		return err
	}
	for _, table := range slices.Backward(tables) {
		head := dumpTable{Table: table}
		for _, c := range columns[table] {
			head.Columns = append(head.Columns, c.name)
		}
		if err := lines.Encode(head); err != nil {
			return err
		}
		if err := t.query(func(r row) error {
			values, err := scanRow(r, columns[table])
			if err != nil {
				return err
			}
			return lines.Encode(values)
		}, selectAll(table, columns[table])); err != nil {
			return err
		}
	}
	return lines.Encode(dumpTable{})
}

func selectAll(table string, columns []column) string {
	return "SELECT " + names(columns) + " FROM " + table
}

func names(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name
	}
	return strings.Join(list, ", ")
}

// scanRow reads the columns of a row as *string and *int64, which are nil for NULL.
func scanRow(r row, columns []column) ([]any, error) {
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		if c.text {
			targets[i] = new(*string)
		} else {
			targets[i] = new(*int64)
		}
	}
	if err := r.Scan(targets...); err != nil {
		return nil, err
	}
	for i, target := range targets {
		switch v := target.(type) {
		case **string:
			values[i] = *v
		case **int64:
			values[i] = *v
		}
	}
	return values, nil
}

// Load implements gateway.Tx.
func (t *tx) Load(dump []byte) error {
	columns, newest, err := schema()
	if err != nil {
		return err
	}
	lines := json.NewDecoder(bytes.NewReader(dump))
	lines.UseNumber()
	var head dumpHead
	if err := lines.Decode(&head); err != nil || head.Format != dumpFormat {
		return badDump("it is no dump of Gerbang")
	}
	if head.Schema > newest {
		return badDump("a newer version of Gerbang made it; use that one")
	}
	if mark, err := t.keys.Open("dump", head.Key); err != nil || mark != dumpFormat {
		return badDump("it was made under another master key, without which its secrets cannot be opened; copy master.key along with it")
	}
	if err := t.Erase(); err != nil {
		return err
	}
	unhurried(t.session)
	var insert string
	var into []column
	for {
		var line json.RawMessage
		if err := lines.Decode(&line); err != nil {
			return badDump("it breaks off: " + err.Error())
		}
		if line[0] != '[' {
			var next dumpTable
			if err := json.Unmarshal(line, &next); err != nil {
				return badDump(err.Error())
			}
			if next.Table == "" {
				return nil
			}
			if insert, into, err = insertion(next, columns[next.Table]); err != nil {
				return err
			}
			continue
		}
		values, err := rowOf(line, into)
		if err != nil {
			return badDump(err.Error())
		}
		if _, err := t.exec(insert, values...); err != nil {
			return err
		}
	}
}

func badDump(why string) error { return &gateway.Error{Code: gateway.Invalid, Detail: why} }

// insertion is the statement for the rows of a table. Columns that were added since
// the dump was made get their default.
func insertion(t dumpTable, known []column) (statement string, into []column, err error) {
	if !slices.Contains(tables, t.Table) {
		return "", nil, badDump(fmt.Sprintf("there is no table %q", t.Table))
	}
	places := make([]string, len(t.Columns))
	for i, name := range t.Columns {
		at := slices.IndexFunc(known, func(c column) bool { return c.name == name })
		if at < 0 {
			return "", nil, badDump(fmt.Sprintf("table %s has no column %q", t.Table, name))
		}
		into = append(into, known[at])
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	return "INSERT INTO " + t.Table + " (" + strings.Join(t.Columns, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")", into, nil
}

// rowOf reads the values of one row.
func rowOf(line json.RawMessage, into []column) ([]any, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, err
	}
	if len(raw) != len(into) || len(raw) == 0 {
		return nil, errors.New("a row has another number of values than its table has columns")
	}
	values := make([]any, len(raw))
	for i, c := range into {
		var err error
		if c.text {
			var v *string
			err = json.Unmarshal(raw[i], &v)
			values[i] = v
		} else {
			var v *int64
			err = json.Unmarshal(raw[i], &v)
			values[i] = v
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	return values, nil
}
