package app_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
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

// buildCommit is the commit that is tried, with a + if files were changed other than
// the documents that a campaign writes itself.
func buildCommit() string {
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	changed, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no", "--", ":(top)", ":(top,exclude)docs").Output()
	if err != nil || len(changed) > 0 {
		return string(bytes.TrimSpace(commit)) + "+"
	}
	return string(bytes.TrimSpace(commit))
}

// writeReport puts what was counted into the engine's table, between its marks in a
// Markdown file. Rows of faults that were not tried this time stay as they are.
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
	name, engine := "sqlite", "SQLite, one process.\n\n"
	if onPostgres() {
		name, engine = "postgres", "PostgreSQL, two processes.\n\n"
	}
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	head, rest, ok1 := strings.Cut(string(text), begin)
	body, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no marks %s for the campaign's table", *campaignReport, name)
	}
	commit := buildCommit()
	rows := map[string]string{}
	for line := range strings.Lines(body) {
		if cells := strings.SplitN(line, " | ", 2); len(cells) == 2 && strings.HasPrefix(line, "| ") && cells[0] != "| fault" && cells[0] != "| ---" {
			rows[cells[0]] = line
		}
	}
	for _, r := range report.rows {
		rows["| "+r.fault] = fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %s | %s, %s |\n", r.fault, r.trials, r.acked, r.lost, r.doubled, r.unanswered, r.charged,
			r.notified, r.note, commit, time.Now().UTC().Format(time.DateOnly))
	}
	var b strings.Builder
	b.WriteString(engine)
	b.WriteString("| fault | trials | acknowledged | lost | charged twice | unanswered | of which charged | heard by the merchant | | counted at |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |\n")
	for _, fault := range slices.Sorted(maps.Keys(rows)) {
		b.WriteString(rows[fault])
	}
	return os.WriteFile(*campaignReport, []byte(head+begin+b.String()+end+tail), 0o644)
}
