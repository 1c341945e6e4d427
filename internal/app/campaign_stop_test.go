package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// TestCampaignStops asks a process to stop under load, while pushes wait in it and the
// merchant's server keeps deliveries hanging: once, again and again, or once and then
// it is killed. Unless it is killed it ends within fifteen seconds, and pushes that
// wait are answered as pending at once. The next process goes on with all of it.
func TestCampaignStops(t *testing.T) {
	t.Parallel()
	const parked = 20
	r := newRig(t, 8, 2)
	const phone = "081366000001"
	r.newPayer(phone)
	stop := r.load("S")
	trials, killed, pending := 0, 0, 0
	var answered, longest time.Duration
	for round := range *campaignRounds {
		for n, how := range []string{"again", "kill", "once"} {
			i := n % len(r.replicas)
			r.answers(20)
			hung := make(chan struct{})
			r.hung.Store(&hung)
			r.answers(10) // whose notifications hang
			answers, prompts := r.park(r.replicas[i], phone, fmt.Sprintf("SP%d-%d", round, n), parked)
			p := r.leave(i)
			trials++
			began := time.Now()
			p.cmd.Process.Signal(syscall.SIGTERM)
			switch how {
			case "again":
				p.cmd.Process.Signal(syscall.SIGTERM)
				p.cmd.Process.Signal(syscall.SIGINT)
			case "kill":
				<-time.After(rand.N(300 * time.Millisecond))
				p.kill()
				killed++
			}
			for invoice, answer := range answers {
				err := wait(t, "the answer to "+invoice, answer)
				if r.note(invoice, err) {
					t.Errorf("a push that waits for its customer was answered %v by a process that stops", err)
				}
				if outcome(err) == "68" {
					pending++
				} else if how != "kill" {
					t.Errorf("a push that waits was answered %s, want 68", outcome(err))
				}
			}
			if how != "kill" {
				answered = max(answered, time.Since(began))
				if how == "again" {
					p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
				}
				wait(t, "the process's end", p.ended)
				longest = max(longest, time.Since(began))
				if code := p.cmd.ProcessState.ExitCode(); code != 0 {
					t.Errorf("the process was asked %s to stop and ended with %s", how, p.cmd.ProcessState)
				}
			}
			r.hung.Store(nil)
			close(hung)
			r.restart(i, process.kill)
			for n, p := range prompts {
				how := "approve"
				if n%2 == 1 {
					how = "decline"
				}
				if status := r.answer(r.replicas[i].base, phone, p, how); status != http.StatusOK {
					t.Errorf("after the restart a push that waited cannot be answered: %s, HTTP %d", how, status)
				}
				if how == "approve" { // its customer was told
					r.note(p.Invoice, nil)
				}
			}
		}
	}
	stop()
	r.noFaults()
	r.settle("asked to stop: once, again and again, or killed meanwhile", trials,
		fmt.Sprintf("%d of them killed; exit code 0 otherwise, after %d ms at most; %d pushes that waited were answered as pending, after %d ms at most", killed, longest.Milliseconds(), pending, answered.Milliseconds()))
}
