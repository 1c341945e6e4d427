package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/ovo"
)

// Campaigns against two processes and their database. They run with
// GERBANG_TEST_ENGINE=postgres.

var campaignFreeze = flag.Duration("campaign.freeze", 0, "TestCampaignFreeze waits so long, instead of moving the sandbox's clock")

var campaignStep = flag.Int("campaign.step", 16, "TestCampaignCutCommits cuts after each of so many bytes")

// TestCampaignDatabaseCrash crashes the database under load: no process ends, and
// both serve again once it is back.
func TestCampaignDatabaseCrash(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	cluster := storetest.NewCluster(t)
	dir := t.TempDir()
	writeDatabase(t, dir, cluster.Create(t, "gerbang"))
	r := newRigIn(t, dir, 8, 2)
	stop := r.load("D")
	var longest time.Duration
	trials := 2 * *campaignRounds
	for n := range trials {
		r.answers(10 + 7*(n%5))
		cluster.Stop(t, "immediate")
		cluster.Start(t)
		back := time.Now()
		r.answers(1)
		longest = max(longest, time.Since(back))
	}
	stop()
	r.served()
	r.settle("the database crashes and comes back", trials, fmt.Sprintf("no process ended; first success at most %d ms after it was back", longest.Milliseconds()))
}

// served checks that the first processes are still those that serve.
func (r *rig) served() {
	r.t.Helper()
	for _, at := range r.replicas {
		control{r.t, at.base}.call("GET", "/info", nil, 200, nil)
	}
}

// TestCampaignFailover lets the primary die under load. Its synchronous standby takes over.
func TestCampaignFailover(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	primary := storetest.NewCluster(t)
	primary.Create(t, "gerbang")
	standby := primary.Standby(t)
	dir := t.TempDir()
	writeDatabase(t, dir, fmt.Sprintf("postgres://gerbang@/gerbang?host=%s,%s&port=%d,%d", primary.Dir, standby.Dir, primary.Port, standby.Port))
	r := newRigIn(t, dir, 8, 2)
	stop := r.load("V")
	r.answers(100)
	primary.Stop(t, "immediate")
	standby.Promote(t)
	r.answers(100)
	stop()
	r.served()
	r.settle("the primary dies, its synchronous standby takes over", 1, "no process ended")
}

// TestCampaignSessionsEnd ends all of the processes' connections under load, by a
// signal to the database's own processes or in the middle of a statement.
func TestCampaignSessionsEnd(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	r := newRig(t, 8, 2)
	stop := r.load("T")
	trials, ended := 5**campaignRounds, int64(0)
	for n := range trials {
		r.answers(1 + rand.IntN(20))
		what := []string{"terminate", "terminate", "cancel"}[n%3]
		ended += r.sql("SELECT pg_" + what + "_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	}
	r.answers(1)
	stop()
	r.served()
	r.settle("all sessions ended by the database", trials, fmt.Sprintf("%d sessions", ended))
}

// TestCampaignCancelled has the database cancel statements that are running (57014), and
// end sessions in the middle of one (57P01): transactions are run again as a whole.
func TestCampaignCancelled(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	cluster := storetest.NewCluster(t, "log_line_prefix = 'SQLSTATE %e '")
	dir := t.TempDir()
	writeDatabase(t, dir, cluster.Create(t, "gerbang"))
	r := newRigIn(t, dir, 8, 2)
	stop := r.load("I")
	struck := func() (cancelled, ended int) {
		log, err := os.ReadFile(filepath.Join(cluster.Dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(log, []byte("SQLSTATE 57014 ERROR")), bytes.Count(log, []byte("SQLSTATE 57P01 FATAL"))
	}
	want, cancelled, ended := 20**campaignRounds, 0, 0
	for deadline := time.Now().Add(time.Duration(*campaignRounds) * time.Minute); cancelled < want || ended < want; cancelled, ended = struck() {
		what := "cancel"
		if cancelled >= want {
			what = "terminate"
		}
		for range 20 {
			r.sql("SELECT pg_" + what + "_backend(pid) FROM pg_stat_activity WHERE application_name = 'gerbang' AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction')")
		}
		if r.answers(1); time.Now().After(deadline) {
			t.Fatalf("only %d statements were cancelled and %d sessions ended in one", cancelled, ended)
		}
	}
	r.answers(20)
	stop()
	r.served()
	r.settle("statements cancelled by the database, sessions ended in the middle of one", cancelled+ended,
		fmt.Sprintf("%d times 57014, %d times 57P01; %d callers were told that the database cannot serve", cancelled, ended, r.faults.Load()))
}

// TestCampaignCutCommits resets the connection of a COMMIT under load after its
// first byte, its second, and so on to the last of its answer: of each the process
// must find out what became of it.
func TestCampaignCutCommits(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	dir := t.TempDir()
	proxy := storetest.NewProxy(t, storetest.URL(t))
	writeDatabase(t, dir, proxy.URL)
	r := newRigIn(t, dir, 8, 2)
	stop := r.load("X")
	trials, size := 0, 0
	for range *campaignRounds {
		for size = 0; wait(t, "a commit", proxy.Cut(size)); size += *campaignStep {
			trials++
			r.answers(1)
		}
	}
	if trials < 2 {
		t.Errorf("only %d commits were cut", trials)
	}
	r.answers(1)
	stop()
	r.served()
	unsure := int(r.faults.Load())
	if unsure > 1+trials/20 {
		t.Errorf("the outcome of %d commits of %d could not be found out", unsure, trials)
	}
	r.settle("connection reset in a COMMIT, byte by byte", trials,
		fmt.Sprintf("after every %d of %d bytes; for %d the caller was told that the outcome is unknown, the others of success", *campaignStep, size, unsure))
}

// collisions are what PostgreSQL says when another transaction was faster.
var collisions = []string{"40001", "40P01", "55P03", "23505"}

// collide has one of n writes of a store fail as if another process had been faster.
func collide(n int) func(step string) error {
	return func(step string) error {
		switch step {
		case storetest.StepCommit, "InsertClaim", "SetClaimAnswer", "InsertPayment", "FinishPayment", "DebitWallet", "InsertTransfer", "InsertEvent", "InsertNotification",
			"InsertPage", "UpdatePage", "FinishNotification", "InsertAttempt":
			if rand.IntN(n) == 0 {
				return &pgconn.PgError{Code: collisions[rand.IntN(len(collisions))], Message: "the test wants it so"}
			}
		}
		return nil
	}
}

// TestCampaignCollisions has writes collide that never would, and somebody lock
// wallets in another order than payments do, so that the database breaks real
// deadlocks. Transactions are run again as a whole, and nobody notices.
func TestCampaignCollisions(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	dir := t.TempDir()
	writeDatabase(t, dir, storetest.URL(t)+"&deadlock_timeout=20ms")
	r := newRigIn(t, dir, 8, 2)
	for i := range r.replicas {
		r.restart(i, process.kill, collideEnv+"=100")
	}
	stop := r.load("O")
	trials, lost := 20**campaignRounds, 0
	for range trials {
		r.answers(15)
		if r.lockBackwards() {
			lost++
		}
	}
	stop()
	r.noFaults()
	r.settle("deadlocks, lost races and locks that are not given", trials, fmt.Sprintf("and one of 100 writes; %d of the real deadlocks went against the other side", lost))
}

// lockBackwards locks all wallets, the last one first, and reports whether it was
// the one whom the database had to break off.
func (r *rig) lockBackwards() (broken bool) {
	r.t.Helper()
	db, err := sql.Open("pgx", installed(r.dir).Database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		r.t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range r.phones {
		_, err := tx.Exec("SELECT id FROM wallet ORDER BY id DESC OFFSET $1 LIMIT 1 FOR UPDATE", i)
		if e := (*pgconn.PgError)(nil); errors.As(err, &e) && e.Code == "40P01" {
			return true
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return false
}

// TestCampaignFreeze freezes one of two processes that holds leases, parked pushes
// and transactions, until all of its time is up. The other one finishes its work;
// what the first does when it wakes up changes nothing.
func TestCampaignFreeze(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	r := newRig(t, 8, 2)
	trials := *campaignRounds
	for n := range trials {
		stop := r.load(fmt.Sprint("Z", n))
		r.answers(10)
		frozen, other := r.replicas[n%2], control{t, r.replicas[1-n%2].base}
		answers := make(chan error, 10)
		for i := range cap(answers) {
			go func() {
				push := ovo.PushRequest{Phone: r.phones[0], Invoice: fmt.Sprintf("ZP-%d-%d", n, i), Amount: rigAmount}
				_, err := frozen.push.Pay(context.Background(), push)
				if *campaignFreeze > 0 && errors.Is(err, ovo.ErrOutcomeUnknown) { // no caller waits for that long
					_, err = r.replicas[1-n%2].push.Pay(context.Background(), push)
				}
				answers <- err
			}()
		}
		prompts := other.prompts(r.phones[0], cap(answers))
		frozen.cmd.Process.Signal(syscall.SIGSTOP)
		r.answers(40) // of the other one
		for i, p := range prompts {
			if i%2 == 0 {
				other.call("POST", "/wallets/"+r.phones[0]+"/prompts/"+p.ID+"/approve", map[string]string{"use": "cash", "pin": "123456"}, 200, nil)
				r.note(p.Invoice, nil) // the customer was told
			} else {
				r.note(p.Invoice, context.Canceled)
			}
		}
		go stop() // it waits for calls of the frozen one
		if *campaignFreeze > 0 {
			<-time.After(*campaignFreeze)
		}
		if *campaignFreeze == 0 {
			other.call("POST", "/clock/advance", map[string]string{"by": "2m"}, 200, nil) // leases and deadlines are over
			r.ahead.Add(int64(2 * time.Minute))
		}
		other.prompts(r.phones[0], 0)
		frozen.cmd.Process.Signal(syscall.SIGCONT)
		paid := 0
		for range cap(answers) {
			if wait(t, "an answer", answers) == nil {
				paid++
			}
		}
		if paid != len(prompts)/2 {
			t.Errorf("%d callers of pushes were told of success, want %d", paid, len(prompts)/2)
		}
		stop()
	}
	if *campaignFreeze == 0 { // by a real one the calls at the frozen process had no answer for that long
		r.noFaults()
	}
	r.served()
	name, note := "one of two processes frozen until its leases are over", ""
	if *campaignFreeze > 0 {
		name = fmt.Sprintf("one of two processes frozen for %s by the machine's clock", *campaignFreeze)
		note = fmt.Sprintf("%d of the calls at the frozen process had no answer", r.faults.Load())
	}
	r.settle(name, trials, note)
	r.attemptsAreNumbered()
}

// attemptsAreNumbered checks that no two processes stored the same attempt.
func (r *rig) attemptsAreNumbered() {
	r.t.Helper()
	if n := r.sql("SELECT 1 FROM attempt GROUP BY notification_id, number HAVING count(*) > 1"); n > 0 {
		r.t.Errorf("%d attempts were stored twice", n)
	}
}

// TestCampaignRollingUpdate replaces both processes one after the other, while
// columns are added to the tables that they use, as by a migration: no payment fails.
func TestCampaignRollingUpdate(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	r := newRig(t, 8, 2)
	stop := r.load("U")
	tables := []string{"payment", "wallet", "notification", "claim", "transfer", "binding", "event"}
	trials := 4 * *campaignRounds
	for n := range trials {
		r.answers(20)
		r.sql(fmt.Sprintf("ALTER TABLE %s ADD COLUMN later_%d BIGINT NOT NULL DEFAULT 0", tables[n%len(tables)], n))
		r.answers(20)
		r.restart(n%2, func(p process) {
			if err := p.stop(); err != nil {
				t.Errorf("the process ended with %v", err)
			}
		})
	}
	stop()
	r.noFaults()
	r.settle("rolling update with new columns", trials, "no error at the other process")
}
