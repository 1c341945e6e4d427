package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/ovo"
)

// childDir, when set, makes this test binary a sandbox over that directory;
// crashEnv, "step:n", ends it at the nth time that the store gets to a step.
const (
	childDir = "GERBANG_TEST_CHILD_DIR"
	crashEnv = "GERBANG_TEST_CRASH"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	code := m.Run()
	if err := writeReport(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// child serves until it is killed and prints its address first.
func child(dir string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var serving atomic.Bool
	var count atomic.Int64
	signal.Ignore(syscall.SIGXFSZ) // a limit on file sizes is to look like a full disk
	c := app.Config{Installation: installed(dir), Addr: "127.0.0.1:0", PINCost: cheapPIN}
	if step, nth, ok := strings.Cut(os.Getenv(crashEnv), ":"); ok {
		left, err := strconv.ParseInt(nth, 10, 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		c = c.WithStore(func(db gateway.Store) gateway.Store {
			return storetest.Faulty(db, func(at string) error {
				if at == step && serving.Load() && count.Add(1) == left {
					syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {} // the signal arrives before anything else happens here
				}
				return nil
			})
		})
	}
	a, err := app.StartSandbox(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(a.BaseURL)
	serving.Store(true)
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	if err := a.Stop(stopping); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

type process struct {
	cmd   *exec.Cmd
	base  string
	ended chan struct{} // closed when it has
}

func spawn(t testing.TB, dir string, env ...string) process {
	t.Helper()
	return spawnUnder(t, dir, nil, env...)
}

// spawnUnder starts a sandbox in a process of its own, under another program if one
// is given.
func spawnUnder(t testing.TB, dir string, under []string, env ...string) process {
	t.Helper()
	args := append(under, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cmd.Process.Kill()
		t.Fatalf("the child did not start: %v", err)
	}
	p := process{cmd, strings.TrimSpace(line), make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	return p
}

func (p process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop asks the process to stop and returns how it ended.
func (p process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.ended
	if !p.cmd.ProcessState.Success() {
		return errors.New(p.cmd.ProcessState.String())
	}
	return nil
}

// answers is what the clients know about every payment they sent.
type answers struct {
	mu      sync.Mutex
	acked   map[string]bool // reference → the answer was success
	unknown map[string]bool // sent, never answered
}

func (j *answers) note(reference string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err == nil, errors.Is(err, ovo.ErrDuplicate): // a repeat of one whose answer got lost
		j.acked[reference] = true
		delete(j.unknown, reference)
	default:
		j.unknown[reference] = true
	}
}

// TestKill ends the server with SIGKILL under load, again and again. Half of the
// clients repeat a payment until it is answered; the other half give up, because
// clients that always repeat would heal the very loss this test looks for.
func TestKill(t *testing.T) {
	t.Parallel()
	const kills, clients, amount, cash = 20, 8, 7, 50_000_000
	dir := home(t)
	p := spawn(t, dir)
	defer func() { p.kill() }()
	c := control{t, p.base}
	m := c.seededMerchant()
	shop := c.snapClient(m)
	tokens := make([]string, clients)
	for i := range tokens {
		phone := fmt.Sprintf("08140000%04d", i)
		c.newWallet(phone, cash)
		tokens[i] = c.bind(shop, phone, "cust")
	}

	j := &answers{acked: map[string]bool{}, unknown: map[string]bool{}}
	unanswered := map[int]string{} // by repeating client: what it still owes an answer for
	for round := range kills {
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		var mu sync.Mutex
		answered := make(chan struct{}, 100_000)
		shop := c.snapClient(m)
		for i := range clients {
			wg.Go(func() {
				repeats := i%2 == 0
				mu.Lock()
				reference := unanswered[i]
				mu.Unlock()
				for n := 0; ctx.Err() == nil; n++ {
					if reference == "" {
						reference = fmt.Sprintf("K-%d-%d-%d", round, i, n)
					}
					_, err := shop.Pay(ctx, ovo.PayRequest{CustomerToken: tokens[i], Reference: reference, Type: ovo.Recurring, Amount: amount})
					if err != nil && ctx.Err() != nil && !errors.Is(err, ovo.ErrOutcomeUnknown) {
						break // never sent
					}
					j.note(reference, err)
					if err != nil && !errors.Is(err, ovo.ErrDuplicate) {
						mu.Lock()
						if unanswered[i] = ""; repeats {
							unanswered[i] = reference
						}
						mu.Unlock()
						return // the server is gone
					}
					reference = ""
					answered <- struct{}{}
				}
				mu.Lock()
				unanswered[i] = ""
				mu.Unlock()
			})
		}
		// Kill in the middle of the load, at another point each round.
		for range 20 + 13*(round%7) {
			wait(t, "an answer", answered)
		}
		p.kill()
		cancel()
		wg.Wait()
		p = spawn(t, dir)
		c.base = p.base
	}

	phones := make([]string, clients)
	for i := range phones {
		phones[i] = fmt.Sprintf("08140000%04d", i)
	}
	found := j.check(c, phones, cash)
	c.auditClean()
	auditedFromOutside(t, dir)
	t.Logf("%d kills: %d payments acknowledged, all there; %d unanswered, of which %d were charged", kills, len(j.acked), len(j.unknown), found)
}

// check compares what the clients know with the books and returns how many of the
// payments that were never answered were made. The wallets had cash each.
func (j *answers) check(c control, phones []string, cash int64) (found int) {
	t := c.t
	t.Helper()
	state := map[string]string{}
	charged := int64(0)
	for _, pay := range c.payments() {
		if state[pay.Reference] != "" {
			t.Errorf("%s is there twice", pay.Reference)
		}
		state[pay.Reference] = pay.State
		if pay.State == "succeeded" {
			charged += pay.Amount
		}
	}
	for reference := range j.acked {
		if state[reference] != "succeeded" {
			t.Errorf("LOST: %s was acknowledged and is %q", reference, state[reference])
		}
	}
	for reference := range j.unknown {
		if state[reference] != "" {
			found++
		}
	}
	for reference := range state {
		if !j.acked[reference] && !j.unknown[reference] {
			t.Errorf("%s was charged and nobody sent it", reference)
		}
	}
	held := int64(0)
	for _, phone := range phones {
		held += c.wallet(phone).Cash
	}
	if total := int64(len(phones)) * cash; held+charged != total {
		t.Errorf("wallets hold %d and %d were charged, together not %d", held, charged, total)
	}
	return found
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	dir := home(t)
	a := start(t, dir)
	resp, err := http.Get(a.BaseURL + "/readyz")
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	stop(t, a)
	if err := a.Wait(); err != nil {
		t.Error(err)
	}
	begun := time.Now()
	if _, err := http.Get(a.BaseURL + "/readyz"); err == nil || time.Since(begun) > 5*time.Second {
		t.Error("the stopped server still answers")
	}
}
