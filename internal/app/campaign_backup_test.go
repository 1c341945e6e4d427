package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// backupEvery is how often the campaign's backup copies what was committed.
const backupEvery = 50 * time.Millisecond

// backUp is a process that backs a database up until it is ended. It says so when the
// first base is there.
func backUp(ctx context.Context, dir, to string) int {
	following := false
	err := app.Backup(ctx, app.BackupConfig{
		Installation: installed(dir), Dir: to, Every: backupEvery,
		Report: func(step app.BackupReport) {
			if step.Path != "" && !following {
				fmt.Println("it is following")
				following = true
			}
		},
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestCampaignBackup backs the database up under load while the server is killed, and
// the backup too, by turns. The newest state and some moments are restored: each
// restoring is audited, has every payment that was acknowledged before the last copy
// before its moment began, and none that was sent after it.
func TestCampaignBackup(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	r := newRig(t, 8, 1)
	to := t.TempDir()
	backup := spawn(t, r.dir, backupEnv+"="+to)
	defer func() { backup.kill() }()
	stop := r.load("B")
	var moments []time.Time
	kills := 4 * *campaignRounds
	for n := range kills {
		r.answers(20 + rand.IntN(60))
		moments = append(moments, time.Now())
		r.answers(1 + rand.IntN(40))
		if n%2 == 0 {
			r.restart(0, process.kill)
		} else {
			backup.kill()
			// Until it is back nothing is copied, so no moment is taken.
			backup = spawn(t, r.dir, backupEnv+"="+to)
		}
		r.answers(20)
	}
	stop()
	if err := backup.stop(); err != nil {
		t.Errorf("the backup ended with %v", err)
	}
	copies := copiesIn(t, to)
	var longest, furthest time.Duration
	for _, moment := range append(moments, time.Time{}) {
		i := app.Installation{DataDir: t.TempDir(), KeyFile: filepath.Join(r.dir, "master.key")}
		began := time.Now()
		done, err := app.Restore(t.Context(), i, to, moment, nil)
		if err != nil {
			t.Errorf("as of %s: %v", moment, err)
			continue
		}
		longest = max(longest, time.Since(began))
		if len(done.Invariants) < 15 {
			t.Errorf("only %d invariants were checked", len(done.Invariants))
		}
		must, mustNot := moment, moment
		if !moment.IsZero() {
			n, _ := slices.BinarySearchFunc(copies, moment, time.Time.Compare)
			must = copies[max(n-2, 0)] // the last one began after the end of this
			furthest = max(furthest, moment.Sub(copies[max(n-1, 0)]))
		}
		r.holds("sqlite", "file:"+filepath.Join(i.DataDir, "gerbang.db")+"?mode=ro", must, mustNot)
	}
	r.settle("backup while server and backup are killed, every moment restored", kills,
		fmt.Sprintf("%d moments and the newest, each audited; restored in %d ms at most, from %d ms before at most", len(moments), longest.Milliseconds(), furthest.Milliseconds()))
}

// copiesIn lists the ends of the copies in a backup, in order.
func copiesIn(t *testing.T, dir string) (ends []time.Time) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "change-*.gbk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		var head struct {
			At time.Time `json:"at"`
		}
		if err := json.Unmarshal(line, &head); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		ends = append(ends, head.At)
	}
	slices.SortFunc(ends, time.Time.Compare)
	return ends
}

// holds checks that a restored database has every payment that was acknowledged before
// one moment, and none that was sent after another; the zero time is the end of time.
func (r *rig) holds(driver, url string, before, after time.Time) {
	t := r.t
	t.Helper()
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT CASE WHEN order_number = '' THEN reference ELSE order_number END FROM payment WHERE state = 'succeeded'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	there := map[string]bool{}
	for rows.Next() {
		var reference string
		if err := rows.Scan(&reference); err != nil {
			t.Fatal(err)
		}
		there[reference] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	lost, early := 0, 0
	for reference, told := range r.told {
		if (before.IsZero() || told.Before(before)) && !there[reference] {
			lost++
		}
	}
	for reference := range there {
		if !after.IsZero() && r.sent[reference].After(after) {
			early++
		}
	}
	if lost > 0 || early > 0 {
		t.Errorf("%d payments that were acknowledged before %s are not there, %d that were sent after %s are", lost, before, early, after)
	}
	if len(there) == 0 {
		t.Error("no payment is there")
	}
}

// TestCampaignBaseBackup takes base backups of the PostgreSQL server with its own tool
// while processes are killed under load, and starts a server from each: it has what was
// acknowledged when the backup began and nothing that was sent after its end.
func TestCampaignBaseBackup(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	cluster := storetest.NewCluster(t, "max_wal_senders = 10")
	dir := t.TempDir()
	writeDatabase(t, dir, cluster.Create(t, "gerbang"))
	r := newRigIn(t, dir, 8, 2)
	stop := r.load("B")
	type copied struct {
		cluster    storetest.Cluster
		began, end time.Time
	}
	var copies []copied
	kills := 0
	for range 2 * *campaignRounds {
		r.answers(60)
		c := copied{began: time.Now()}
		done := make(chan storetest.Cluster, 1)
		go func() { done <- cluster.Copy(t) }()
		for c.end.IsZero() {
			r.answers(5)
			r.restart(kills%2, process.kill)
			kills++
			select {
			case c.cluster = <-done:
				c.end = time.Now()
			default:
			}
		}
		copies = append(copies, c)
		r.answers(20)
	}
	stop()
	for _, c := range copies {
		c.cluster.Start(t)
		url := c.cluster.URL("gerbang")
		home := t.TempDir()
		writeDatabase(t, home, url)
		key, err := os.ReadFile(filepath.Join(dir, "master.key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, "master.key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		auditedFromOutside(t, home)
		r.holds("pgx", url, c.began, c.end)
		c.cluster.Stop(t, "fast")
	}
	r.settle("pg_basebackup while processes are killed, each started and audited", kills, fmt.Sprintf("%d backups", len(copies)))
}
