package app_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var campaignReport = flag.String("campaign.report", "", "Markdown file whose campaign table, of this engine, is to be replaced")

// tally is what a campaign counted: a row of the tables in docs/reliability.md.
type tally struct {
	fault                        string
	trials, acked, lost, doubled int
	unanswered, charged          int // of the payments that nobody was told about, how many had been charged
	notified                     int
	note                         string
}

var report struct {
	mu   sync.Mutex
	rows []tally
}

func (r tally) publish(t testing.TB) {
	report.mu.Lock()
	defer report.mu.Unlock()
	report.rows = append(report.rows, r)
	t.Logf("%s: %d trials; %d acknowledged, %d lost, %d charged twice; %d unanswered, of which %d charged; %d heard by the merchant. %s",
		r.fault, r.trials, r.acked, r.lost, r.doubled, r.unanswered, r.charged, r.notified, r.note)
}

// writeReport puts the engine's table between its marks in a Markdown file.
func writeReport() error {
	report.mu.Lock()
	defer report.mu.Unlock()
	if *campaignReport == "" || len(report.rows) == 0 {
		return nil
	}
	text, err := os.ReadFile(*campaignReport)
	if err != nil {
		return err
	}
	name, engine := "sqlite", "SQLite, one process"
	if onPostgres() {
		name, engine = "postgres", "PostgreSQL, two processes"
	}
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	head, rest, ok1 := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no marks %s for the campaign's table", *campaignReport, name)
	}
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	slices.SortFunc(report.rows, func(a, b tally) int { return strings.Compare(a.fault, b.fault) })
	var b strings.Builder
	fmt.Fprintf(&b, "%s. Commit %s, %s.\n\n", engine, bytes.TrimSpace(commit), time.Now().UTC().Format(time.DateOnly))
	b.WriteString("| fault | trials | acknowledged | lost | charged twice | unanswered | of which charged | heard by the merchant | |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, r := range report.rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %s |\n", r.fault, r.trials, r.acked, r.lost, r.doubled, r.unanswered, r.charged, r.notified, r.note)
	}
	return os.WriteFile(*campaignReport, []byte(head+begin+b.String()+end+tail), 0o644)
}
