package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// clientFlags say which sandbox a command talks to.
type clientFlags struct {
	URL string `help:"The sandbox to talk to." default:"${url}" placeholder:"URL"`
}

func (f clientFlags) client() (*control.Client, error) {
	c, err := control.New(f.URL)
	if err != nil {
		return nil, usageError{fmt.Errorf("--url: %w", err)}
	}
	return c, nil
}

// askFlags are those of a command that makes one call of the control API and shows
// the answer.
type askFlags struct {
	clientFlags
	JSON bool `help:"Print the control API's answer as JSON, for programs."`
}

// ask makes a call and shows its answer: as JSON, as it came, or as print shows it
// to people.
func ask[T any](ctx context.Context, std streams, f askFlags, method, path string, body any, print func(io.Writer, T) error) error {
	client, err := f.client()
	if err != nil {
		return err
	}
	var answer json.RawMessage
	if err := client.Call(ctx, method, path, body, &answer); err != nil {
		return err
	}
	if f.JSON {
		return printJSON(std.out, answer)
	}
	var v T
	if err := json.Unmarshal(answer, &v); err != nil {
		return &control.Unreachable{Base: client.Base, Err: fmt.Errorf("the answer is not what this version of gerbang reads: %w", err)}
	}
	return print(std.out, v)
}

// printJSON prints a value or raw JSON, indented.
func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// table prints rows of cells in columns, the first row being the heading. Columns
// in which no row has anything are left out.
func table(w io.Writer, rows [][]string) error {
	used := make([]bool, len(rows[0]))
	for _, row := range rows[min(1, len(rows)-1):] {
		for i, cell := range row {
			used[i] = used[i] || cell != "" || len(rows) == 1
		}
	}
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		var cells []string
		for i, cell := range row {
			if used[i] {
				cells = append(cells, oneLine(cell))
			}
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// facts prints names and values, one a line; empty values are left out.
func facts(w io.Writer, pairs ...string) error {
	var rows [][]string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			rows = append(rows, []string{pairs[i], pairs[i+1]})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return table(w, rows)
}

// oneLine keeps foreign text from breaking a table or moving the cursor.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '·'
		}
		return r
	}, text)
}

// rupiah is an amount for people.
func rupiah(a money.Amount) string { return a.Rupiah() }

// stamp is a time for people, in the zone in which the providers count days.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(wib).Format("2006-01-02 15:04:05 WIB")
}

var wib = time.FixedZone("WIB", 7*60*60)

func stampOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return stamp(*t)
}

// deref is the text behind p, "" for none.
func deref(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// readSource reads what a flag names: a file after @, standard input for -, else
// the text itself.
func readSource(std streams, text string) ([]byte, error) {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, usageError{err}
		}
		return content, nil
	}
	if text == "-" {
		return io.ReadAll(std.in)
	}
	return []byte(text), nil
}

// member is one member of a JSON object on the command line: name=text,
// name=@file, or name:=JSON. A dot in the name goes down into an object.
type member struct {
	path  []string
	value any
}

// UnmarshalText reads a member.
func (m *member) UnmarshalText(text []byte) error {
	name, value, ok := strings.Cut(string(text), "=")
	if !ok || name == "" || name == ":" {
		return errors.New("write NAME=TEXT, NAME=@FILE or NAME:=JSON, as in doku.notification_url=http://127.0.0.1:3000/ovo")
	}
	name, literal := strings.CutSuffix(name, ":")
	m.path = strings.Split(name, ".")
	if literal {
		d := json.NewDecoder(bytes.NewReader([]byte(value)))
		d.UseNumber()
		if err := d.Decode(&m.value); err != nil || d.More() {
			return fmt.Errorf("%s:=%s is no JSON value", name, value)
		}
		return nil
	}
	content, err := readSource(streams{}, value)
	if value == "-" {
		content, err = []byte(value), nil
	}
	m.value = string(content)
	return err
}

// object puts members together.
func object(members []member) (map[string]any, error) {
	root := map[string]any{}
	for _, m := range members {
		at := root
		for _, name := range m.path[:len(m.path)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				if at[name] != nil {
					return nil, usagef("%s is given twice", strings.Join(m.path, "."))
				}
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		last := m.path[len(m.path)-1]
		if at[last] != nil {
			return nil, usagef("%s is given twice", strings.Join(m.path, "."))
		}
		at[last] = m.value
	}
	return root, nil
}
