package gerbang

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gerbang-pay/gerbang"

// mayImport lists, for each package, the packages of this module that it may
// import. A package that is not listed fails the test: decide where its arrows
// go first. Arrows point one way, from the edges to the core, and siblings at the
// edge do not know each other.
var mayImport = map[string][]string{
	".":                        {},
	"internal/money":           {},
	"internal/recent":          {},
	"internal/seal":            {},
	"internal/backup":          {},
	"internal/ledger":          {"internal/money"},
	"internal/gateway":         {"internal/ledger", "internal/money", "internal/recent", "internal/seal"},
	"internal/store":           {"internal/gateway", "internal/ledger", "internal/money", "internal/seal"},
	"internal/store/storetest": {"internal/gateway", "internal/ledger", "internal/money"},
	"internal/wire":            {"internal/money"},
	"internal/wire/snap":       {"internal/wire", "internal/money"},
	"internal/wire/jokul":      {"internal/wire", "internal/money"},
	"internal/wire/faspay":     {"internal/wire", "internal/money"},
	"internal/dialect/faspay":  {"internal/gateway", "internal/ledger", "internal/money", "internal/openapi", "internal/wire", "internal/wire/faspay"},
	"internal/dialect/jokul":   {"internal/gateway", "internal/ledger", "internal/money", "internal/openapi", "internal/wire", "internal/wire/jokul"},
	"internal/dialect/snap":    {"internal/gateway", "internal/ledger", "internal/money", "internal/openapi", "internal/recent", "internal/wire", "internal/wire/snap"},
	"internal/bench":           {"internal/bench/floor", "internal/gateway", "internal/ledger", "internal/money", "internal/wire", "internal/wire/faspay", "internal/wire/jokul", "internal/wire/snap"},
	"internal/bench/floor":     {},
	"internal/notify":          {"internal/gateway"},
	"internal/openapi":         {"internal/wire/faspay", "internal/wire/jokul"},
	"internal/pages":           {"internal/gateway", "internal/money"},
	"internal/web":             {},
	"internal/jsonapi":         {"internal/gateway", "internal/wire"},
	"internal/issuer":          {"internal/gateway", "internal/jsonapi", "internal/ledger", "internal/money", "internal/openapi", "internal/wire"},
	"internal/backoffice":      {"internal/gateway", "internal/ledger", "internal/money", "internal/web"},
	"internal/web/webtest":     {},
	"internal/sandbox":         {"internal/gateway", "internal/issuer", "internal/jsonapi", "internal/ledger", "internal/money", "internal/openapi", "internal/web", "internal/wire", "internal/wire/faspay", "internal/wire/jokul", "internal/wire/snap"},
	"internal/app": {
		"internal/backoffice", "internal/backup", "internal/bench", "internal/dialect/faspay", "internal/dialect/jokul", "internal/dialect/snap", "internal/gateway", "internal/issuer", "internal/notify", "internal/openapi", "internal/pages",
		"internal/recent", "internal/sandbox", "internal/seal", "internal/store", "internal/web", "internal/wire/faspay", "internal/wire/snap",
	},
	"tools/sbom":       {},
	"internal/control": {"internal/sandbox"},
	"internal/signed":  {"internal/money", "internal/wire", "internal/wire/faspay", "internal/wire/jokul", "internal/wire/snap"},
	"ovo":              {"internal/money", "internal/wire", "internal/wire/faspay", "internal/wire/jokul", "internal/wire/snap"},
	"examples/issuer":  {},
	"ovo/ovotest":      {"internal/app", "internal/gateway", "ovo"},
	"examples/shop":    {"ovo"},
	"cmd/gerbang": {
		"internal/app", "internal/bench", "internal/bench/floor", "internal/control", "internal/gateway", "internal/money", "internal/sandbox", "internal/signed",
		"internal/wire", "internal/wire/faspay", "internal/wire/jokul", "internal/wire/snap", "ovo",
	},
}

// forbidden names imports that a package must do without, by the prefix of the
// package: the core knows no transport and no storage, the SDK no server.
var forbidden = map[string][]string{
	"internal/money":      {"net/http", "database/sql", "os"},
	"internal/ledger":     {"net/http", "database/sql", "os", "time"},
	"internal/gateway":    {"net/http", "database/sql", "encoding/json", "os"},
	"internal/wire":       {"net/http", "database/sql", "os"},
	"internal/dialect":    {"database/sql"},
	"internal/pages":      {"database/sql"},
	"internal/web":        {"database/sql"},
	"internal/backoffice": {"database/sql"},
	"internal/notify":     {"database/sql"},
	"internal/sandbox":    {"database/sql"},
	"ovo":                 {"database/sql"},
}

// bannedCalls names what may only be called where it is listed. Time comes from a
// clock, HTTP clients are made with time-outs, output goes where run was told.
var bannedCalls = map[string][]string{
	"time.Now":           {"internal/gateway/clock.go", "internal/bench/load.go", "internal/bench/floor/floor.go", "ovo/host.go", "examples/issuer/main.go"},
	"http.DefaultClient": {},
	"http.Get":           {},
	"http.Post":          {},
	"fmt.Print":          {},
	"fmt.Printf":         {},
	"fmt.Println":        {},
	"log.Print":          {},
	"log.Printf":         {},
	"log.Fatal":          {},
	"os.Exit":            {"cmd/gerbang/main.go", "examples/issuer/main.go", "examples/shop/main.go", "tools/sbom/main.go"},
}

// onlyIn names packages, with those below them, that may be imported nowhere but where
// they are listed: digests that are broken serve what others have laid down, and the
// search for mistakes; what a process is watched with is known in one place each.
var onlyIn = map[string][]string{
	"crypto/md5": {"internal/wire/faspay/sign.go", "internal/wire/faspay/hint.go", "internal/wire/jokul/hint.go"},
	// RFC 6238 and Pwned Passwords have SHA-1; neither signs anything with it.
	"crypto/sha1": {"internal/wire/faspay/sign.go", "internal/wire/faspay/hint.go", "internal/wire/jokul/hint.go", "internal/gateway/totp.go", "internal/gateway/password.go"},

	"github.com/prometheus": {"internal/app/metrics.go"},
	"go.opentelemetry.io":   {"internal/app/traces.go"},
	"google.golang.org":     {},
}

// maxLines bounds a file, so that one which grows is noticed. It may be raised
// with a reason.
const maxLines = 700

type source struct {
	name string // slash-separated, from the module's root
	dir  string
	file *ast.File
	set  *token.FileSet
}

func sources(t *testing.T) (all []source) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != "." {
			if d.IsDir() {
				return fs.SkipDir
			}
			return err
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		name = filepath.ToSlash(name)
		all = append(all, source{name, path.Dir(name), file, set})
		return err
	})
	if err != nil || len(all) < 10 {
		t.Fatalf("%d sources, %v", len(all), err)
	}
	return all
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		allowed, listed := mayImport[s.dir]
		if !listed {
			t.Errorf("%s: package %s is not listed in mayImport", s.name, s.dir)
		}
		for _, spec := range s.file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if own, ok := strings.CutPrefix(imported, module+"/"); ok {
				if listed && !slices.Contains(allowed, own) {
					t.Errorf("%s imports %s", s.name, own)
				}
				continue
			}
			for root, places := range onlyIn {
				if (imported == root || strings.HasPrefix(imported, root+"/")) && !slices.Contains(places, s.name) {
					t.Errorf("%s imports %s", s.name, imported)
				}
			}
			for prefix, banned := range forbidden {
				if (s.dir == prefix || strings.HasPrefix(s.dir, prefix+"/")) && slices.Contains(banned, imported) {
					t.Errorf("%s imports %s", s.name, imported)
				}
			}
		}
	}
}

func TestImportsHaveNoCircle(t *testing.T) {
	t.Parallel()
	var visit func(dir string, trail []string)
	visit = func(dir string, trail []string) {
		if slices.Contains(trail, dir) {
			t.Fatalf("circle: %s", strings.Join(append(trail, dir), " → "))
		}
		for _, next := range mayImport[dir] {
			visit(next, append(trail, dir))
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(mayImport)) {
		visit(dir, nil)
	}
}

func TestBannedCalls(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name, ok := selector.X.(*ast.Ident)
			if !ok {
				return true
			}
			call := name.Name + "." + selector.Sel.Name
			if places, banned := bannedCalls[call]; banned && !slices.Contains(places, s.name) {
				t.Errorf("%s: %s", s.set.Position(n.Pos()), call)
			}
			return true
		})
	}
}

// No amount may ever be a float. In the packages that handle money there is no
// float at all but for figures of time in what people are shown.
func TestNoFloats(t *testing.T) {
	t.Parallel()
	shown := []string{"internal/sandbox/payments.go", "internal/sandbox/record.go", "internal/sandbox/requests.go", "cmd/gerbang/bench.go", // milliseconds
		"internal/app/metrics.go"} // Prometheus has no other numbers
	for _, s := range sources(t) {
		if slices.Contains(shown, s.name) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				t.Errorf("%s: %s", s.set.Position(n.Pos()), id.Name)
			}
			return true
		})
	}
}

// A package's comment is where one looks for it: in doc.go. A program of one file may
// have it there.
func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	files, comments := map[string][]string{}, map[string][]string{}
	for _, s := range sources(t) {
		files[s.dir] = append(files[s.dir], path.Base(s.name))
		if s.file.Doc != nil {
			comments[s.dir] = append(comments[s.dir], path.Base(s.name))
		}
	}
	for dir, list := range files {
		want := []string{"doc.go"}
		if slices.Equal(list, []string{"main.go"}) {
			want = list
		}
		if got := comments[dir]; !slices.Equal(got, want) {
			t.Errorf("the comment of package %s stands in %q, want it in %q", dir, got, want)
		}
	}
}

func TestFilesStayReadable(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if lines := s.set.Position(s.file.End()).Line; lines > maxLines {
			t.Errorf("%s has %d lines, at most %d", s.name, lines, maxLines)
		}
		for _, group := range s.file.Comments {
			if strings.Contains(group.Text(), fmt.Sprint("TO", "DO")) {
				t.Errorf("%s: something was left for later", s.set.Position(group.Pos()))
			}
		}
	}
}
