package gerbang

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var statementText = regexp.MustCompile(`(?i)\b(WHERE|AND|EXISTS|IN \(|SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|PRAGMA|NOTIFY|LISTEN|SAVEPOINT|SET TRANSACTION|CREATE |DROP )`)

// joined are what statements are put together from besides constants, and where it
// comes from. Nothing that anybody outside wrote may ever be listed here.
var joined = map[string]string{
	"table":                             "a table's name in the source",
	"name":                              "a table's name in the source",
	"tallied[name].table":               "a table's name in the source",
	"t.Table":                           "of a dump: looked up among the tables of the migrations",
	`strings.Join(t.Columns, ", ")`:     "of a dump: each looked up among the columns of the migrations",
	`strings.Join(head.Columns, ", ")`:  "columns of the migrations",
	`strings.Join(places, ", ")`:        "$1, $2 and so on",
	"t.skipping()":                      "a clause of the engine, in the source",
	"c.table":                           "a table of counters, in the source",
	"l.arg()":                           "a placeholder",
	"exact.arg()":                       "a placeholder",
	"others":                            "a condition in the source, of placeholders",
	`strings.Join(placeholders, ", ")`:  "placeholders",
	"buckets()":                         "sums over columns, in the source",
	"t.holdingOf()":                     "a clause of the engine, and an alias, in the source",
	"t.holding()":                       "a clause of the engine, in the source",
	"day":                               "arithmetic, in the source",
	`strings.Join(conditions, " AND ")`: "conditions of listings, which this test sees where they are written",
	"hexDigits()":                       "arithmetic, in the source",
	"l.id":                              "a column's name in the source",
	"l.where()":                         "conditions of listings, which this test sees where they are written",
	"exact.where()":                     "conditions of listings, which this test sees where they are written",
	"w":                                 "a placeholder",
	"n":                                 "a placeholder",
	"merchant":                          "a condition in the source, or a placeholder",
	"unique":                            "conditions in the source, of placeholders",
	"snapshot":                          "what the database calls its snapshot",
	"names(columns)":                    "columns of the migrations",
	"s.table":                           "a secret's place, in the source", "s.id": "the same", "s.column": "the same", "s.where": "the same",
	"secret.table": "the same", "secret.id": "the same", "secret.column": "the same", "secret.digest": "the same", "secret.rows()": "the same",
}

// TestStatementsAreConstant looks for SQL that is put together from anything but
// constants: what is not in the source goes in as a parameter.
func TestStatementsAreConstant(t *testing.T) {
	t.Parallel()
	constants, seen := map[string]bool{}, 0
	all := slices.DeleteFunc(sources(t), func(s source) bool { return s.dir != "internal/store" })
	for _, s := range all {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
				for _, spec := range d.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						constants[name.Name] = true
					}
				}
			}
			return true
		})
	}
	for _, s := range all {
		ast.Inspect(s.file, func(n ast.Node) bool {
			e, ok := n.(*ast.BinaryExpr)
			if !ok || e.Op != token.ADD {
				return true
			}
			parts := operands(e)
			isStatement := slices.ContainsFunc(parts, func(p ast.Expr) bool {
				lit, ok := p.(*ast.BasicLit)
				return ok && lit.Kind == token.STRING && statementText.MatchString(strings.ReplaceAll(lit.Value, "\n", " "))
			})
			if !isStatement {
				return true
			}
			seen++
			for _, p := range parts {
				if _, ok := p.(*ast.BasicLit); ok {
					continue
				}
				text, call := printed(s, p), ""
				if c, ok := p.(*ast.CallExpr); ok {
					call = printed(s, c.Fun) + "()"
				}
				if !constants[text] && joined[text] == "" && joined[call] == "" {
					t.Errorf("%s: a statement has %s in it: make it a parameter", s.set.Position(p.Pos()), text)
				}
			}
			return false
		})
	}
	if seen < 20 {
		t.Errorf("only %d statements are put together: does this test still see them?", seen)
	}
}

// operands are the terms of a sum.
func operands(e ast.Expr) []ast.Expr {
	if sum, ok := e.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		return append(operands(sum.X), operands(sum.Y)...)
	}
	return []ast.Expr{e}
}
