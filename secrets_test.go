package gerbang

import (
	"go/ast"
	"go/printer"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// secretWords are parts of names whose values must be compared in constant time.
var secretWords = regexp.MustCompile(`(?i)secret|signature|password|check_?sum|\bmac\b|hash|\bpin\b|proof|pepper|private`)

// plainComparisons are comparisons of such names that tell nobody anything, with
// the reason. A new one needs a reason as well.
var plainComparisons = map[string]string{
	"sums[0] != step.checksum":                                  "a migration's checksum is public",
	"password == old":                                           "both were typed by the same person into one form",
	"signature[i] == other":                                     "it makes a wrong signature of a right one",
	"key == d.OldSecretKey":                                     "key has verified a signature; which of the merchant's two it is, is no secret",
	`v.form.Get("password") != v.form.Get("again")`:             "both were typed by the same person into one form",
	"view.Report.Signatures[0].Scheme == snap.SchemeAsymmetric": "the name of a scheme",
	"f.Signature == verdictWord(r.Verdict)":                     "a word by which the request log is filtered",
}

// TestSecretsAreComparedInConstantTime looks for == on anything named like a
// secret. hmac.Equal and subtle.ConstantTimeCompare are how they are compared.
// Files named hint are left out: they search, in the sandbox or a merchant's own
// terminal, for what was signed instead, after the verdict has fallen.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	constant := 0
	for _, s := range sources(t) {
		if strings.HasSuffix(s.name, "hint.go") {
			continue
		}
		text := func(n ast.Node) string { return printed(s, n) }
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op != token.EQL && n.Op != token.NEQ || !secretWords.MatchString(text(n.X)+" "+text(n.Y)) {
					return true
				}
				for _, side := range []ast.Expr{n.X, n.Y} {
					switch side := side.(type) {
					case *ast.BasicLit, *ast.CompositeLit: // what is compared with stands in the source
						return true
					case *ast.Ident:
						if side.Name == "nil" {
							return true
						}
					case *ast.CallExpr:
						if name := text(side.Fun); name == "len" || name == "subtle.ConstantTimeCompare" {
							return true
						}
					}
				}
				if plainComparisons[text(n)] == "" {
					t.Errorf("%s: %s: compare secrets with hmac.Equal or subtle.ConstantTimeCompare", s.set.Position(n.Pos()), text(n))
				}
			case *ast.CallExpr:
				switch name := text(n.Fun); name {
				case "hmac.Equal", "subtle.ConstantTimeCompare":
					constant++
				case "bytes.Equal", "strings.EqualFold", "slices.Equal", "strings.Compare", "bytes.Compare":
					for _, argument := range n.Args {
						if secretWords.MatchString(text(argument)) {
							t.Errorf("%s: %s: compare secrets with hmac.Equal or subtle.ConstantTimeCompare", s.set.Position(n.Pos()), text(n))
						}
					}
				}
			}
			return true
		})
	}
	if constant < 5 {
		t.Errorf("only %d comparisons in constant time: does this test still see them?", constant)
	}
}

// printed is a piece of the source as it stands there.
func printed(s source, n ast.Node) string {
	var b strings.Builder
	printer.Fprint(&b, s.set, n)
	return b.String()
}
