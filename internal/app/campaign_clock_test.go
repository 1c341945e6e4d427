package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/ovo"
)

// wallClock is a machine's clock that is set while a process goes by it, from another
// process: how far it is ahead lies in memory that both share. As with a real one,
// timers do not notice.
type wallClock struct{ ahead *atomic.Int64 }

// openWallClock maps a file of eight bytes, which it makes.
func openWallClock(path string) (wallClock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return wallClock{}, err
	}
	defer f.Close()
	if err := f.Truncate(8); err != nil {
		return wallClock{}, err
	}
	shared, err := syscall.Mmap(int(f.Fd()), 0, 8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return wallClock{}, err
	}
	return wallClock{(*atomic.Int64)(unsafe.Pointer(&shared[0]))}, nil
}

func newWallClock(t testing.TB) (clock wallClock, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "clock")
	clock, err := openWallClock(path)
	if err != nil {
		t.Fatal(err)
	}
	return clock, path
}

// set sets the clock to be so far ahead.
func (c wallClock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

func (c wallClock) Now() time.Time {
	return time.Now().Round(0).Add(time.Duration(c.ahead.Load())) // without its monotonic reading, which would not be set
}

func (c wallClock) At(t time.Time) (<-chan struct{}, func()) {
	reached := make(chan struct{})
	timer := time.AfterFunc(t.Sub(c.Now()), func() { close(reached) })
	return reached, func() { timer.Stop() }
}

func (c wallClock) Skew(timestamp time.Time) time.Duration { return c.Now().Sub(timestamp).Abs() }

// park sends pushes to a process, on a wallet of their own, and returns what their
// callers will be told and their prompts.
func (r *rig) park(at replica, phone, name string, n int) (answers map[string]chan error, prompts []prompt) {
	r.t.Helper()
	answers = map[string]chan error{}
	for i := range n {
		invoice, answer := fmt.Sprintf("%s-%d", name, i), make(chan error, 1)
		answers[invoice] = answer
		r.sending(invoice)
		go func() {
			_, err := at.push.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: invoice, Amount: rigAmount})
			answer <- err
		}()
	}
	r.until("every prompt", func() bool {
		var w struct{ Prompts []prompt }
		control{r.t, at.base}.call("GET", "/wallets/"+phone, nil, 200, &w)
		prompts = prompts[:0]
		for _, p := range w.Prompts {
			if answers[p.Invoice] != nil {
				prompts = append(prompts, p)
			}
		}
		return len(prompts) == n
	})
	return answers, prompts
}

// answer approves or declines a prompt at a process. It returns the HTTP status, 0
// when there was no answer.
func (r *rig) answer(base, phone string, p prompt, how string) int {
	r.t.Helper()
	body := `{"pin":"123456","use":"cash"}`
	if how == "decline" {
		body = ""
	}
	req, err := http.NewRequestWithContext(context.Background(), "POST", base+"/sandbox/v1/wallets/"+phone+"/prompts/"+p.ID+"/"+how, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// ready asks a process whether it can do its work.
func (r *rig) ready(at replica) (status int, text string) {
	r.t.Helper()
	resp, err := client.Get(at.base + "/readyz")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// until polls until something holds.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s did not come", what)
		}
		r.call("GET", "/clock", nil, 200, nil)
	}
}

// auditSettles waits until every invariant holds. When a clock has been set, what it says
// is over has yet to be ended, and what it passed by to be counted.
func (c control) auditSettles() {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		var audit struct{ OK bool }
		if c.call("POST", "/audit", nil, 200, &audit); audit.OK {
			return
		}
	}
	c.auditClean()
}

// clockSteps are how a machine's clock is set, one after the other.
var clockSteps = []time.Duration{40 * time.Second, -40 * time.Second, 4 * time.Minute, -4 * time.Minute, time.Hour, -time.Hour, 24 * time.Hour}

// TestCampaignClock sets the clock of the only process under load: forwards and
// backwards, by seconds to a day, while pushes wait, pages are open, tokens are
// out and notifications are under way. What the clock says is over may end; nothing
// else does, and nothing is lost, done twice, or waited for longer than a push lasts.
func TestCampaignClock(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	clock, path := newWallClock(t)
	r := newRig(t, 8, 1)
	r.restart(0, process.kill, clockEnv+"="+path)
	const phone = "081399000001"
	r.newPayer(phone)
	stop := r.load("W")
	trials := 0
	for round := range *campaignRounds {
		for i, ahead := range clockSteps {
			r.answers(10)
			at := r.replicas[0]
			reference := fmt.Sprintf("WS-%d-%d", round, i)
			sale, err := at.snap.Pay(t.Context(), ovo.PayRequest{CustomerToken: r.tokens[0], Reference: reference, Type: ovo.Sale, Amount: rigAmount,
				SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
			if err != nil {
				t.Fatal(err)
			}
			answers, prompts := r.park(at, phone, fmt.Sprintf("WP-%d-%d", round, i), 5)
			clock.set(ahead)
			trials++
			r.answers(30)
			if ahead < 70*time.Second { // else they may be over
				for _, p := range prompts {
					if status := r.answer(r.base, phone, p, "approve"); status != http.StatusOK {
						t.Errorf("the clock was set by %s, and a prompt of 70 s cannot be approved: HTTP %d", ahead, status)
					}
				}
			}
			if ahead < 15*time.Minute {
				r.complete(sale.RedirectURL, "approve")
				r.note(reference, nil)
			} else {
				r.note(reference, context.Canceled)
			}
			for invoice, answer := range answers { // the sweep has been there
				err := wait(t, "the answer to "+invoice, answer)
				r.note(invoice, err)
				if (err == nil) != (ahead < 70*time.Second) {
					t.Errorf("the clock was set by %s, and the caller of a push was told %v", ahead, err)
				}
			}
			r.auditSettles() // by the clock as it stands
			clock.set(0)
			r.answers(10)
			r.auditSettles() // there is no trace of it
		}
	}
	stop()
	if status, text := r.ready(r.replicas[0]); status != http.StatusOK {
		t.Errorf("the clock is right again, and the process is %s", text)
	}
	r.noFaults()
	r.settle("the machine's clock is set, forwards and backwards", trials, "by 40 s, 4 min, an hour, a day")
}

// TestCampaignMidnight sets the clock of the only process under load over midnight in Jakarta
// and back. A wallet's limit for a day holds on either side of it, however often a side is
// come to, and what was paid stands in the settlement of its day.
func TestCampaignMidnight(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	clock, path := newWallClock(t)
	r := newRig(t, 4, 1)
	const phone, limit = "081399000002", 2
	r.newPayer(phone)
	r.call("PATCH", "/wallets/"+phone, map[string]any{"limits": map[string]any{"daily_count": limit}}, 200, nil)
	token := r.bind(r.replicas[0].snap, phone, "cust-midnight")
	r.restart(0, process.kill, clockEnv+"="+path)
	stop := r.load("N")
	midnight := time.Now().In(wire.WIB)
	midnight = time.Date(midnight.Year(), midnight.Month(), midnight.Day()+1, 0, 0, 0, 0, wire.WIB)
	paid := map[string]int{} // by day
	trials := 0
	// spend pays until the wallet may not, and what it may on the day that it is then.
	spend := func() {
		merchant := r.snapClient(r.m, func(c *ovo.SNAPConfig) { c.Now = clock.Now })
		for n := 0; ; n++ {
			day := clock.Now().In(wire.WIB).Format(time.DateOnly)
			reference := fmt.Sprintf("NM-%d-%d", trials, n)
			r.sending(reference)
			_, err := merchant.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: rigAmount})
			r.note(reference, err)
			if errors.Is(err, ovo.ErrLimitExceeded) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if paid[day] == limit {
				day = clock.Now().In(wire.WIB).Format(time.DateOnly) // midnight went by meanwhile
			}
			if paid[day]++; paid[day] > limit {
				t.Fatalf("on %s %d payments were made, of %d that the wallet may make", day, paid[day], limit)
			}
		}
	}
	for range *campaignRounds {
		for _, steps := range [][]time.Duration{{-10 * time.Minute}, {-time.Second, time.Second}, {10 * time.Minute, -10 * time.Minute}, {-time.Second}} {
			r.answers(20)
			for _, at := range steps {
				clock.set(time.Until(midnight.Add(at)))
				trials++
				spend()
			}
			r.auditSettles() // by the clock as it stands
			clock.set(0)
			r.answers(20)
		}
	}
	stop()
	for day, n := range paid {
		if n != limit {
			t.Errorf("on %s %d payments were made, want %d", day, n, limit)
		}
	}
	if len(paid) != 2 {
		t.Errorf("payments were made on %v", paid)
	}
	r.auditSettles()
	r.noFaults()
	r.settle("the machine's clock is set over midnight and back", trials, "from ten minutes before to ten after; daily limits hold")
}

// TestCampaignClockOfOne sets the clock of one of two processes. While it is wrong
// the database lets that one decide nothing, so that it ends nothing of the other's,
// and it says that it is not ready; as soon as it is right it goes on.
func TestCampaignClockOfOne(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	clock, path := newWallClock(t)
	r := newRig(t, 8, 2)
	r.restart(0, process.kill, clockEnv+"="+path)
	const phone = "081399000001"
	r.newPayer(phone)
	stop := r.load("Y")
	trials := 0
	steps := []time.Duration{-4 * time.Minute, time.Hour, 24 * time.Hour, 4 * time.Minute, -time.Hour}
	if *campaignRounds == 1 {
		steps = steps[:2]
	}
	for round := range *campaignRounds {
		for i, ahead := range steps {
			r.answers(20)
			wrong, right := r.replicas[0], r.replicas[1]
			here, onHere := r.park(wrong, phone, fmt.Sprintf("YA-%d-%d", round, i), 5)
			there, onThere := r.park(right, phone, fmt.Sprintf("YB-%d-%d", round, i), 5)
			r.leave(0) // as a proxy does that asks /readyz
			clock.set(ahead)
			trials++
			r.until("not ready", func() bool {
				status, text := r.ready(wrong)
				return status == http.StatusServiceUnavailable && strings.Contains(text, "clock")
			})
			r.answers(60) // it sweeps twice a second meanwhile
			// What reaches it all the same is refused, and has no effect.
			reference := fmt.Sprintf("YX-%d-%d", round, i)
			r.sending(reference)
			if err := r.payOnPage(wrong, 3, reference); err == nil || r.note(reference, err) {
				t.Errorf("the clock is %s wrong, and an order was answered %v", ahead, err)
			}
			for _, p := range append(onHere, onThere...) {
				if status := r.answer(wrong.base, phone, p, "approve"); status == http.StatusOK {
					t.Errorf("the clock is %s wrong, and a push was approved", ahead)
				}
				if status := r.answer(right.base, phone, p, "approve"); status != http.StatusOK {
					t.Errorf("the other's clock is %s wrong, and a push cannot be approved: HTTP %d", ahead, status)
				}
			}
			for _, waiting := range []map[string]chan error{here, there} {
				for invoice, answer := range waiting {
					err := wait(t, "the answer to "+invoice, answer)
					if r.note(invoice, err); err != nil {
						t.Errorf("the caller of an approved push was told %v", err)
					}
				}
			}
			control{t, right.base}.auditSettles()
			clock.set(0)
			r.until("ready", func() bool { status, _ := r.ready(wrong); return status == http.StatusOK })
			r.came(0, wrong.process)
			r.answers(20)
		}
	}
	stop()
	r.noFaults()
	r.settle("the clock of one of two processes is set", trials, "by 4 min, an hour, a day; it decides nothing meanwhile")
}

// Clocks that differ by less than is refused serve side by side, and say so.
func TestCampaignClocksThatDiffer(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	clock, path := newWallClock(t)
	r := newRig(t, 4, 2)
	for _, ahead := range []time.Duration{4 * time.Second, -4 * time.Second} {
		clock.set(ahead)
		r.restart(0, process.kill, clockEnv+"="+path)
		stop := r.load(fmt.Sprint("Q", ahead))
		r.answers(40)
		stop()
		for i, at := range r.replicas {
			if status, text := r.ready(at); status != http.StatusOK {
				t.Errorf("process %d: %s", i, text)
			}
		}
	}
	r.noFaults()
	for _, ahead := range []time.Duration{7 * time.Second, -7 * time.Second} {
		clock.set(ahead)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+r.dir, clockEnv+"="+path)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "away from the database's") {
			t.Errorf("a clock that is %s wrong: %v, %s", ahead, err, out)
		}
	}
	r.settle("two processes whose clocks differ by four seconds", 2, "")
}
