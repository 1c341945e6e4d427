package app_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/ovo"
)

// Several processes over one PostgreSQL. These tests run with
// GERBANG_TEST_ENGINE=postgres; GERBANG_TEST_ROUNDS makes the campaigns longer.

func severalProcesses(t *testing.T) {
	t.Helper()
	if os.Getenv("GERBANG_TEST_ENGINE") != storetest.Postgres.Name {
		t.Skip("SQLite has one process")
	}
}

// rounds is how often a campaign strikes.
func rounds(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("GERBANG_TEST_ROUNDS")); err == nil {
		return n
	}
	return usual
}

func TestPushParkedOnOneAndApprovedOnAnother(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	dir := home(t)
	a, b := start(t, dir), start(t, dir)
	defer stop(t, a)
	defer stop(t, b)
	here, there := control{t, a.BaseURL}, control{t, b.BaseURL}
	client := here.pushClient(here.seededMerchant())
	const phone, pushes = "081222222222", 20
	answers := make(chan string, pushes)
	for i := range pushes {
		go func() {
			r, err := client.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: fmt.Sprint("I-", i), Amount: 5})
			if err == nil {
				answers <- r.Code
			} else {
				answers <- outcome(err)
			}
		}()
	}
	for _, prompt := range there.prompts(phone, pushes) {
		there.call("POST", "/wallets/"+phone+"/prompts/"+prompt.ID+"/approve", map[string]string{"use": "cash", "pin": "123456"}, 200, nil)
	}
	for range pushes {
		if got := wait(t, "an answer", answers); got != "00" {
			t.Errorf("answer %s, want 00", got)
		}
	}
	there.auditClean()
}

// What one process issues, another accepts; what one changes, another knows.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	dir := home(t)
	a, b := start(t, dir), start(t, dir)
	defer stop(t, a)
	defer stop(t, b)
	here, there := control{t, a.BaseURL}, control{t, b.BaseURL}
	m := here.seededMerchant()
	token := here.bind(here.snapClient(m), "081222222222", "cust")
	pay := func(c control, reference string) error {
		_, err := c.snapClient(m).Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: 10})
		return err
	}
	if err := pay(there, "R-1"); err != nil {
		t.Fatalf("a customer token of the other process: %v", err)
	}
	if err := pay(here, "R-1"); !errors.Is(err, ovo.ErrDuplicate) {
		t.Errorf("the same reference at the other process: %v", err)
	}
	// Both keep the merchant in memory by now.
	m.DOKU.SecretKey = "SK-another"
	there.call("PATCH", "/merchants/"+m.ID, map[string]any{"doku": map[string]string{"secret_key": m.DOKU.SecretKey}}, 200, nil)
	deadline := time.Now().Add(30 * time.Second)
	for n := 2; ; n++ {
		err := pay(here, fmt.Sprint("R-", n))
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the other process does not know the new key: %v", err)
		}
	}
	here.call("POST", "/clock/advance", map[string]string{"by": "48h"}, 200, nil)
	var clock struct {
		Now time.Time `json:"now"`
	}
	for time.Until(clock.Now) < 47*time.Hour {
		if there.call("GET", "/clock", nil, 200, &clock); time.Now().After(deadline) {
			t.Fatal("the other process's clock did not follow")
		}
	}
	there.auditClean()
}

// balancer is two processes over one database under load.
type balancer struct {
	t        *testing.T
	dir      string
	merchant merchant
	phones   []string
	tokens   []string

	mu      sync.Mutex
	process [2]process
	down    [2]bool

	told     answers
	answered chan struct{}
	failed   atomic.Int64 // payments that neither process took
	faults   atomic.Int64 // errors of a process that was up all the time
}

// base is a process's address, and whether it is meant to be up.
func (b *balancer) base(i int) (url string, up bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.process[i].base, !b.down[i]
}

// control speaks to a process.
func (b *balancer) control(i int) control {
	url, _ := b.base(i)
	return control{b.t, url}
}

// restart ends a process as how says and starts it again.
func (b *balancer) restart(i int, how func(process)) {
	b.mu.Lock()
	p := b.process[i]
	b.down[i] = true
	b.mu.Unlock()
	how(p)
	p = spawn(b.t, b.dir)
	b.mu.Lock()
	b.process[i], b.down[i] = p, false
	b.mu.Unlock()
}

const (
	fleetClients = 8
	fleetAmount  = 7
	fleetCash    = 50_000_000 // in each client's wallet
)

// load pays from every wallet until the returned function is called. Half of the
// clients send what was not answered to the other process, the rest give up.
func (b *balancer) load() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i, token := range b.tokens {
		wg.Go(func() {
			at := i % 2
			for n := 0; ctx.Err() == nil; n++ {
				at = b.pay(token, fmt.Sprintf("R-%d-%d", i, n), at, i%4 >= 2)
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// pay makes one payment and returns the process that answered last.
func (b *balancer) pay(token, reference string, at int, repeats bool) int {
	const tries = 20
	for try := 1; ; try++ {
		url, up := b.base(at)
		_, err := control{b.t, url}.snapClient(b.merchant).Pay(context.Background(),
			ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: fleetAmount})
		b.told.note(reference, err)
		if err == nil || errors.Is(err, ovo.ErrDuplicate) {
			select {
			case b.answered <- struct{}{}:
			default:
			}
			return at
		}
		if now, still := b.base(at); up && still && now == url {
			b.faults.Add(1)
			b.t.Logf("%s: %v", reference, err)
		}
		if !repeats {
			return at // and never asks again
		}
		if try == tries {
			b.failed.Add(1)
			return at
		}
		at = 1 - at
	}
}

// answers waits until so many payments were made.
func (b *balancer) answers(n int) {
	b.t.Helper()
	for range n {
		wait(b.t, "an answer", b.answered)
	}
}

// check compares what the clients know with the books.
func (b *balancer) check() {
	b.t.Helper()
	if n := b.failed.Load(); n > 0 {
		b.t.Errorf("%d payments failed at both processes", n)
	}
	c := b.control(0)
	found := b.told.check(c, b.phones, fleetCash)
	c.auditClean()
	auditedFromOutside(b.t, b.dir)
	b.t.Logf("%d payments acknowledged, all there; %d unanswered, of which %d were charged", len(b.told.acked), len(b.told.unknown), found)
}

// fleet starts two processes over one database and binds wallets.
func fleet(t *testing.T, dir string) *balancer {
	t.Helper()
	b := &balancer{
		t: t, dir: dir, process: [2]process{spawn(t, dir), spawn(t, dir)}, answered: make(chan struct{}, 1000),
		told: answers{acked: map[string]bool{}, unknown: map[string]bool{}},
	}
	t.Cleanup(func() {
		for _, p := range b.process {
			p.kill()
		}
	})
	c := b.control(0)
	b.merchant = c.seededMerchant()
	shop := c.snapClient(b.merchant)
	for i := range fleetClients {
		phone := fmt.Sprintf("08140000%04d", i)
		c.newWallet(phone, fleetCash)
		b.phones = append(b.phones, phone)
		b.tokens = append(b.tokens, c.bind(shop, phone, "cust"))
	}
	return b
}

// One of two processes is killed under load, again and again, and the other one goes
// on without an error: nothing that was acknowledged is lost, nobody pays twice, and
// who turns to the other process is served.
func TestKillOneOfTwo(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	b := fleet(t, home(t))
	stop := b.load()
	for n := range rounds(10) {
		b.answers(10 + 7*(n%5))
		b.restart(n%2, process.kill)
	}
	stop()
	if n := b.faults.Load(); n > 0 {
		t.Errorf("%d errors of the process that lived", n)
	}
	b.check()
}

// One of two processes is frozen in the middle of its work and wakes up later: the
// other one goes on without an error, and the late writes of the first do no harm.
func TestFreezeOneOfTwo(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	b := fleet(t, home(t))
	stop := b.load()
	for n := range rounds(5) {
		b.answers(10 + 7*(n%5))
		frozen := b.process[n%2].cmd.Process
		frozen.Signal(syscall.SIGSTOP)
		for len(b.answered) > 0 {
			<-b.answered // from before
		}
		b.answers(60) // of the other one
		frozen.Signal(syscall.SIGCONT)
	}
	stop()
	if n := b.faults.Load(); n > 0 {
		t.Errorf("%d errors", n)
	}
	b.check()
}

// Both processes are replaced one after the other, as in an update: no payment fails.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	b := fleet(t, home(t))
	stop := b.load()
	for n := range rounds(4) {
		b.answers(20)
		b.restart(n%2, func(p process) {
			if err := p.stop(); err != nil {
				t.Errorf("the process ended with %v", err)
			}
		})
	}
	stop()
	if n := b.faults.Load(); n > 0 {
		t.Errorf("%d errors of the process that was not restarted", n)
	}
	b.check()
}

// The database crashes and comes back under load: no process ends, nothing is lost,
// and both serve again.
func TestDatabaseRestart(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	cluster := storetest.NewCluster(t)
	dir := t.TempDir()
	writeDatabase(t, dir, cluster.Create(t, "gerbang"))
	b := fleet(t, dir)
	stop := b.load()
	var longest time.Duration
	for n := range rounds(5) {
		b.answers(10 + 7*(n%5))
		cluster.Stop(t, "immediate")
		cluster.Start(t)
		for len(b.answered) > 0 {
			<-b.answered // from before
		}
		back := time.Now()
		b.answers(1)
		longest = max(longest, time.Since(back))
	}
	stop()
	for i := range b.process {
		b.control(i).call("GET", "/info", nil, 200, nil) // still the first processes
	}
	b.check()
	t.Logf("the first answer came within %v of the database's return", longest)
}

// The primary dies under load and its synchronous standby takes over: nothing that
// was acknowledged is lost, and both processes go on with the new primary.
func TestFailover(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	primary := storetest.NewCluster(t)
	primary.Create(t, "gerbang")
	standby := primary.Standby(t)
	dir := t.TempDir()
	writeDatabase(t, dir, fmt.Sprintf("postgres://gerbang@/gerbang?host=%s,%s&port=%d,%d", primary.Dir, standby.Dir, primary.Port, standby.Port))
	b := fleet(t, dir)
	stop := b.load()
	b.answers(100)
	primary.Stop(t, "immediate")
	standby.Promote(t)
	for len(b.answered) > 0 {
		<-b.answered // from before
	}
	b.answers(100)
	stop()
	for i := range b.process {
		b.control(i).call("GET", "/info", nil, 200, nil) // still the first processes
	}
	b.check()
}
