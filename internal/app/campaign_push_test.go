package app_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

// pushMoments are when TestCampaignPushes ends the process that approves: before an
// approval is durable, when it is and nobody has been told, and when all have been.
var pushMoments = []struct {
	name string
	env  func(nth int) string
}{
	{"before it is durable", func(nth int) string { return fmt.Sprintf("%s=FinishPush:%d", crashEnv, nth) }},
	{"before it is answered", func(nth int) string { return fmt.Sprintf("%s=%d", approvedEnv, nth) }},
	{"after it is answered", nil},
}

// TestCampaignPushes ends a process in which two hundred pushes wait, or half of them
// where there are two, while their customers approve: some before, some by the way,
// some when it is back, some too late. Every push ends by its deadline, as what its
// customer was told, whoever was told, and is notified once.
func TestCampaignPushes(t *testing.T) {
	t.Parallel()
	const pushes = 200
	r := newRig(t, 4, 2)
	sent := map[string]bool{}
	trials := 0
	for round := range *campaignRounds {
		for i, moment := range pushMoments {
			phone := fmt.Sprintf("08138%04d%03d", round, i)
			r.newPayer(phone)
			early := 40 + rand.IntN(60) // approvals until the end
			if moment.env != nil {
				r.restart(0, process.kill, moment.env(early))
			}
			waits := &pushWaits{rig: r, phone: phone, told: map[string]int{}}
			for n, at := range r.replicas {
				share := pushes / len(r.replicas)
				answers, prompts := r.park(at, phone, fmt.Sprintf("P%d-%d-%d", round, i, n), share)
				waits.add(answers, prompts)
			}
			rand.Shuffle(len(waits.prompts), func(a, b int) { waits.prompts[a], waits.prompts[b] = waits.prompts[b], waits.prompts[a] })
			trials += pushes

			// Four customers at a time approve at the process that is to end.
			victim := r.replicas[0]
			for n := 0; ; n += 4 {
				if n >= early+20 && moment.env != nil {
					t.Fatalf("the process did not end %s; customers were answered %v", moment.name, waits.told)
				}
				unanswered := waits.approve(victim.base, n, n+4)
				if moment.env == nil && n >= early {
					victim.kill()
				} else if unanswered == 0 {
					continue
				}
				wait(t, "the end of the process", victim.ended)
				waits.next = n + 4
				break
			}
			r.leave(0)
			if len(r.replicas) > 1 { // the other one goes on meanwhile
				waits.approve(r.replicas[1].base, waits.next, waits.next+20)
				waits.next += 20
			} else if status := r.answer(victim.base, phone, waits.prompts[waits.next], "approve"); status != 0 {
				t.Errorf("a process that has ended answers %d", status)
			}
			r.restart(0, process.kill)
			waits.approve(r.base, waits.next, waits.next+20)
			waits.next += 20
			for _, p := range waits.prompts[waits.next : waits.next+20] {
				if status := r.answer(r.base, phone, p, "decline"); status != http.StatusOK {
					t.Errorf("a prompt cannot be declined: HTTP %d", status)
				}
			}
			waits.next += 20
			r.advance(71 * time.Second)
			for _, p := range waits.prompts[waits.next:] {
				if status := r.answer(r.base, phone, p, "approve"); status < 400 || status >= 500 {
					t.Errorf("an approval after the deadline is answered %d", status)
				}
			}
			waits.settle()
			for _, p := range waits.prompts {
				sent[p.Invoice] = true
			}
		}
	}
	r.settle("kill -9 while pushes are being approved", trials, "before an approval is durable, before it is answered, after; approved before, while it is down, when it is back, too late")
	r.eachHeardOnce(sent)
}

// eachHeardOnce checks that the merchant heard of each payment by one event, however
// it ended.
func (r *rig) eachHeardOnce(references map[string]bool) {
	r.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		events := map[string]int{}
		r.heard.Range(func(_, reference any) bool { events[reference.(string)]++; return true })
		missing, twice := 0, 0
		for reference := range references {
			switch n := events[reference]; {
			case n == 0:
				missing++
			case n > 1:
				twice++
			}
		}
		if missing == 0 && twice == 0 {
			return
		}
		if twice > 0 || time.Now().After(deadline) {
			r.t.Errorf("of %d pushes %d were not notified and %d by more than one event", len(references), missing, twice)
			return
		}
		r.call("GET", "/clock", nil, 200, nil)
	}
}

// pushWaits are pushes that wait, and what became known of them.
type pushWaits struct {
	*rig
	phone   string
	answers []map[string]chan error
	prompts []prompt
	next    int // the first that nobody has answered

	mu   sync.Mutex
	told map[string]int // HTTP status of the customer's answer, by invoice
}

func (w *pushWaits) add(answers map[string]chan error, prompts []prompt) {
	w.answers, w.prompts = append(w.answers, answers), append(w.prompts, prompts...)
}

// approve approves some prompts at once, and returns how many of their customers were
// told nothing.
func (w *pushWaits) approve(base string, from, to int) (unanswered int) {
	var wg sync.WaitGroup
	for _, p := range w.prompts[from:to] {
		wg.Go(func() {
			status := w.answer(base, w.phone, p, "approve")
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.told[p.Invoice] = status; status == 0 {
				unanswered++
			}
		})
	}
	wg.Wait()
	return unanswered
}

// settle waits until every caller has been told, has those who were told nothing ask
// again with the same content, and holds both against what customers were told.
func (w *pushWaits) settle() {
	t := w.t
	t.Helper()
	for _, waiting := range w.answers {
		for invoice, answer := range waiting {
			err := wait(t, "the answer to "+invoice, answer)
			if errors.Is(err, ovo.ErrOutcomeUnknown) {
				_, err = w.replicas[0].push.Pay(context.Background(), ovo.PushRequest{Phone: w.phone, Invoice: invoice, Amount: rigAmount})
			}
			if !w.note(invoice, err) {
				t.Errorf("the outcome of %s is not known after its deadline: %v", invoice, err)
			}
			if customer, answered := w.told[invoice]; answered && customer != 0 && (customer == http.StatusOK) != (err == nil) {
				t.Errorf("the customer of %s was answered %d, the caller %v", invoice, customer, err)
			}
		}
	}
}

// TestCampaignPushDeadline has five hundred customers approve within 50 ms of their
// deadlines, half of them late, over HTTP and by the machine's clock, at two processes
// where there are two. Who is told yes has paid in time; all callers are told the same.
func TestCampaignPushDeadline(t *testing.T) {
	t.Parallel()
	const pushes, spread = 500, 50 * time.Millisecond
	r := newRig(t, 4, 2)
	const phone = "081377000001"
	r.newPayer(phone)
	inTime := 0
	for round := range *campaignRounds {
		waits := &pushWaits{rig: r, phone: phone, told: map[string]int{}}
		for n, at := range r.replicas {
			waits.add(r.park(at, phone, fmt.Sprintf("DL%d-%d", round, n), pushes/len(r.replicas)))
		}
		first := waits.prompts[0].Expires
		for _, p := range waits.prompts {
			if p.Expires.Before(first) {
				first = p.Expires
			}
		}
		// So that the first deadline is three seconds away.
		ahead := time.Duration(r.ahead.Load())
		r.advance(first.Sub(time.Now().Add(ahead)) - 3*time.Second)
		ahead = time.Duration(r.ahead.Load())
		var wg sync.WaitGroup
		var paid, refused atomic.Int64
		for i, p := range waits.prompts {
			due := p.Expires.Add(time.Duration(i-pushes/2) * spread / (pushes / 2)).Add(-ahead)
			wg.Go(func() {
				<-time.After(time.Until(due))
				switch status := r.answer(r.replicas[i%len(r.replicas)].base, phone, p, "approve"); {
				case status == http.StatusOK:
					paid.Add(1)
				case status >= 400 && status < 500:
					refused.Add(1)
				default:
					t.Errorf("an approval near its deadline is answered %d", status)
				}
			})
		}
		wg.Wait()
		t.Logf("%d approved in time, %d too late", paid.Load(), refused.Load())
		waits.settle()
		if refused.Load() < pushes/2 { // of the others those who were held up on their way
			t.Errorf("%d were approved and %d refused; want the late half refused at least", paid.Load(), refused.Load())
		}
		inTime += int(paid.Load())
	}
	r.settle("500 pushes approved within 50 ms of their deadlines", pushes**campaignRounds, fmt.Sprintf("%d got there in time; no caller was told otherwise than the customer", inTime))
}
