package app_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

var (
	campaignKills  = flag.Int("campaign.kills", 6, "how often TestCampaignKills ends a process")
	campaignRounds = flag.Int("campaign.rounds", 1, "how often the other campaigns repeat each of their cases")
)

// TestCampaignKills ends a process with SIGKILL at random moments under load: the
// only one, or by turns one of two, whose other one goes on without an error.
func TestCampaignKills(t *testing.T) {
	t.Parallel()
	r := newRig(t, 24, 2)
	stop := r.load("K")
	var restarts []time.Duration
	for n := range *campaignKills {
		r.answers(1 + rand.IntN(100))
		restarts = append(restarts, r.restart(n%len(r.replicas), process.kill))
	}
	stop()
	r.noFaults()
	slices.Sort(restarts)
	r.settle("kill -9 at random moments", *campaignKills,
		fmt.Sprintf("restart to serving: median %d ms, worst %d ms", restarts[len(restarts)/2].Milliseconds(), restarts[len(restarts)-1].Milliseconds()))
}

// crashSteps are the steps of the store at which TestCampaignCrashPoints ends the
// process: before each, but for "committed", which is after a commit and before
// anybody is told.
var crashSteps = []string{
	"begin", "InsertClaim", "Binding", "Wallet", "PaymentByReference", "InsertPayment", "DebitWallet", "InsertTransfer", "InsertEvent", "InsertNotification",
	"commit", "committed", "ClaimNotifications", "FinishNotification", "InsertAttempt", "InsertPush", "NextTerminalNumbers", "FinishPush", "FinishPayment", "Push",
	"SetRefunded", "InsertRefund", "CreditWallet", "InsertPage", "UpdatePage", "ActivateBinding", "PaymentOfOrder", "SetClaimAnswer",
}

// TestCampaignCrashPoints ends the process at every named step, in the middle of
// charges, orders, refunds, pushes, pages and deliveries.
func TestCampaignCrashPoints(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4, 1)
	trials := 0
	for round := range *campaignRounds {
		for i, step := range crashSteps {
			if onPostgres() && *campaignRounds == 1 && i%5 != 0 {
				continue // SQLite has them all in every run
			}
			r.restart(0, process.kill, crashEnv+"="+step+":"+fmt.Sprint(1+rand.IntN(3)))
			for n := 0; r.alive() && n < 40; n++ {
				r.everyOperation(fmt.Sprintf("C%d-%s-%d", round, step, n))
			}
			if r.alive() {
				t.Errorf("step %s was never reached", step)
			}
			trials++
		}
	}
	r.restart(0, process.kill)
	r.settle(fmt.Sprintf("crash at %d named steps", len(crashSteps)), trials, "each was reached")
}

// everyOperation makes one call of each kind. Any of them may find the server gone.
func (r *rig) everyOperation(reference string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	at := r.replicas[0]
	for customer := range r.phones {
		ref := fmt.Sprintf("%s-%d", reference, customer)
		known := r.note(ref, r.pay(at, customer, ref))
		if known && customer == 0 {
			at.snap.Refund(ctx, ovo.RefundRequest{Reference: ref, RefundReference: "R-" + ref, Amount: 3})
		}
	}
	ref := reference + "-P"
	answered := make(chan error, 1)
	go func() {
		_, err := at.push.Pay(ctx, ovo.PushRequest{Phone: r.phones[0], Invoice: ref, Amount: rigAmount})
		answered <- err
	}()
	r.note(ref, r.approve(r.phones[0], ref, answered))
	b, err := at.snap.Bind(ctx, ovo.BindRequest{Phone: "081222222222", CustomerID: reference, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		return
	}
	r.try("POST", "/pages/complete", fmt.Sprintf(`{"url":%q,"outcome":"approve"}`, b.RedirectURL), nil)
	if token, err := at.snap.CustomerToken(ctx, b.AuthCode); err == nil {
		at.snap.Unbind(ctx, token.AccessToken)
	}
}

// approve answers a prompt when it appears, and returns what the caller was told.
func (r *rig) approve(phone, invoice string, answered <-chan error) error {
	for {
		select {
		case err := <-answered:
			return err
		default:
		}
		var w struct{ Prompts []prompt }
		r.try("GET", "/wallets/"+phone, "", &w)
		for _, p := range w.Prompts {
			if p.Invoice == invoice {
				r.try("POST", "/wallets/"+phone+"/prompts/"+p.ID+"/approve", `{"pin":"123456","use":"cash"}`, nil)
			}
		}
	}
}
