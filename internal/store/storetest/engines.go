package storetest

import (
	"os"
	"path/filepath"
	"testing"
)

// Engine is a kind of database to test on.
type Engine struct {
	Name string
	// New returns the URL of a new, empty database of the test's own.
	New func(testing.TB) string
}

// SQLite makes each database a file in a temporary directory.
var SQLite = Engine{"sqlite", func(t testing.TB) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "gerbang.db")
}}

// Postgres makes each database on a throw-away server, which the first test that
// needs it starts and which stops some seconds after the last has gone. With -short a
// test that asks for one is skipped.
var Postgres = Engine{"postgres", func(t testing.TB) string {
	t.Helper()
	return shared(t).lend(t)
}}

// Engines are all engines that a test can run on: with -short those that need
// nothing but Go.
func Engines() []Engine {
	if testing.Short() {
		return []Engine{SQLite}
	}
	return []Engine{SQLite, Postgres}
}

// URL returns the URL of a new, empty database of the test's own: SQLite's, unless
// GERBANG_TEST_ENGINE names another engine. Suites above the store are run once for
// each.
func URL(t testing.TB) string {
	t.Helper()
	switch name := os.Getenv("GERBANG_TEST_ENGINE"); name {
	case "", SQLite.Name:
		return SQLite.New(t)
	case Postgres.Name:
		return Postgres.New(t)
	default:
		t.Fatalf("GERBANG_TEST_ENGINE is %q, not sqlite or postgres", name)
		return ""
	}
}

// OnEngines runs a test on every engine, as subtests in parallel.
func OnEngines(t *testing.T, test func(*testing.T, Engine)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}
