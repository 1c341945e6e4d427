package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

const (
	referenceFile  = "../../docs/cli.md"
	referenceBegin = "<!-- From here on written by UPDATE_DOCS=1 go test ./cmd/gerbang -run TestReference -->\n"
)

// TestReference holds the reference of all commands and flags in docs/cli.md
// against the command line itself; with UPDATE_DOCS=1 it writes it.
func TestReference(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	head, written, ok := strings.Cut(string(text), referenceBegin)
	if !ok {
		t.Fatalf("%s has no line %q", referenceFile, referenceBegin)
	}
	want := reference(newParser(t.Context(), streams{}, func(int) {}).Model.Node)
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(referenceFile, []byte(head+referenceBegin+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if written != want {
		t.Errorf("%s is not what the command line says; run UPDATE_DOCS=1 go test ./cmd/gerbang -run TestReference", referenceFile)
	}
}

func reference(root *kong.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## All commands\n\nFlags of every command: %s.\n", strings.Join(flagNames(root), ", "))
	for _, leaf := range root.Leaves(true) {
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n", leaf.Summary(), leaf.Help)
		var rows []string
		for _, p := range leaf.Positional {
			name := strings.ToUpper(p.Name)
			if !p.Required {
				name = "[" + name + "]"
			}
			rows = append(rows, fmt.Sprintf("| `%s` | %s | |", name, cell(p.Help)))
		}
		for n := leaf; n.Parent != nil; n = n.Parent {
			for _, f := range n.Flags {
				value := f.Default
				if value != "" {
					value = "`" + value + "`"
				}
				rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", flagName(f), cell(f.Help), value))
			}
		}
		if len(rows) > 0 {
			fmt.Fprintf(&b, "\n| argument or flag | | default |\n| --- | --- | --- |\n%s\n", strings.Join(rows, "\n"))
		}
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func flagName(f *kong.Flag) string {
	name := "--" + f.Name
	switch {
	case f.Tag.Negatable != "":
		name = "--[no-]" + f.Name
	case !f.IsBool():
		value := f.PlaceHolder
		if value == "" && f.Enum != "" {
			value = strings.ReplaceAll(f.Enum, ",", `|`)
		}
		if value == "" {
			value = strings.ToUpper(f.Name)
		}
		name += "=" + cell(value)
	}
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	return name
}

func flagNames(n *kong.Node) (names []string) {
	for _, f := range n.Flags {
		names = append(names, "`"+flagName(f)+"`")
	}
	return names
}
