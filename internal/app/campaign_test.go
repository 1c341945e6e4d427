package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

var (
	campaignKills  = flag.Int("campaign.kills", 6, "how often TestCampaignKills ends the server")
	campaignRounds = flag.Int("campaign.rounds", 1, "how often the other campaigns repeat each of their cases")
	campaignReport = flag.String("campaign.report", "", "Markdown file whose campaign table is to be replaced")
)

// tally is what a campaign counted: a row of the table in docs/reliability.md.
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

// writeReport puts the table between the marks of a Markdown file.
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
	const begin, end = "<!-- campaign:begin -->\n", "<!-- campaign:end -->"
	head, rest, ok1 := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no marks for the campaign's table", *campaignReport)
	}
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	slices.SortFunc(report.rows, func(a, b tally) int { return strings.Compare(a.fault, b.fault) })
	var b strings.Builder
	fmt.Fprintf(&b, "Commit %s, %s, SQLite.\n\n", bytes.TrimSpace(commit), time.Now().UTC().Format(time.DateOnly))
	b.WriteString("| fault | trials | acknowledged | lost | charged twice | unanswered | of which charged | heard by the merchant | |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, r := range report.rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %s |\n", r.fault, r.trials, r.acked, r.lost, r.doubled, r.unanswered, r.charged, r.notified, r.note)
	}
	return os.WriteFile(*campaignReport, []byte(head+begin+b.String()+end+tail), 0o644)
}

// journal is what the clients of a campaign know. Half of them repeat a payment
// until it is answered, the others give up: if all repeated, they would heal the
// very loss that is looked for.
type journal struct {
	mu      sync.Mutex
	acked   map[string]bool // reference → the caller was told of success
	refused map[string]bool // the caller was told no
	unknown map[string]bool // sent, never answered
}

func newJournal() *journal {
	return &journal{acked: map[string]bool{}, refused: map[string]bool{}, unknown: map[string]bool{}}
}

// note files an answer and reports whether the caller knows the outcome now.
func (j *journal) note(reference string, err error) (known bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var e *ovo.Error
	switch {
	case err == nil, errors.Is(err, ovo.ErrDuplicate):
		j.acked[reference] = true
		delete(j.unknown, reference)
	case errors.Is(err, ovo.ErrOutcomeUnknown), errors.Is(err, context.Canceled), !errors.As(err, &e) || e.Status >= 500:
		if !j.acked[reference] {
			j.unknown[reference] = true
		}
		return false
	default:
		j.refused[reference] = true
		delete(j.unknown, reference)
	}
	return true
}

// rig is a sandbox in a process of its own, a merchant who listens, and customers.
type rig struct {
	control
	dir     string
	process process
	m       merchant
	heard   *sync.Map // event keys → reference
	phones  []string
	tokens  []string // SNAP customer tokens
	legacy  []string // Jokul tokens
	*journal
}

const rigCash = 500_000_000

func newRig(t *testing.T, customers int) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), journal: newJournal()}
	r.process = spawn(t, r.dir)
	r.control = control{t, r.process.base}
	t.Cleanup(func() { r.process.kill() })
	r.m = r.seededMerchant()
	r.heard = hearPayments(t, r.control, r.m)
	shop := r.snapClient(r.m)
	for i := range customers {
		phone := fmt.Sprintf("08140000%04d", i)
		r.newWallet(phone, rigCash)
		r.phones = append(r.phones, phone)
		r.tokens = append(r.tokens, r.bind(shop, phone, fmt.Sprint("cust-", i)))
		tokens, err := r.jokulClient(r.m).Tokens(t.Context(), fmt.Sprint("cust-", i))
		if err != nil {
			t.Fatal(err)
		}
		r.legacy = append(r.legacy, tokens[0].Token)
	}
	return r
}

// restart starts the next process over the same directory.
func (r *rig) restart(env ...string) time.Duration {
	r.t.Helper()
	began := time.Now()
	r.process = spawn(r.t, r.dir, env...)
	r.base = r.process.base
	return time.Since(began)
}

// pay charges a customer through one of the protocols.
func (r *rig) pay(ctx context.Context, snap *ovo.SNAPClient, legacy *ovo.JokulClient, customer int, reference string) error {
	if customer%3 == 2 {
		_, err := legacy.Pay(ctx, ovo.JokulPayRequest{
			Customer: ovo.JokulCustomer{ID: fmt.Sprint("cust-", customer), Name: "Sari"}, Token: r.legacy[customer], Invoice: reference, Amount: 7,
		})
		return err
	}
	_, err := snap.Pay(ctx, ovo.PayRequest{CustomerToken: r.tokens[customer], Reference: reference, Type: ovo.Recurring, Amount: 7})
	return err
}

// load lets every customer pay until ctx ends or the server is gone, and returns
// what repeating clients still wait to know.
func (r *rig) load(ctx context.Context, round string, owing map[int]string, each func()) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	snap, legacy := r.snapClient(r.m), r.jokulClient(r.m)
	for i := range r.phones {
		wg.Go(func() {
			mu.Lock()
			reference := owing[i]
			delete(owing, i)
			mu.Unlock()
			for n := 0; ctx.Err() == nil; n++ {
				if reference == "" {
					reference = fmt.Sprintf("%s-%d-%d", round, i, n)
				}
				known := r.note(reference, r.pay(ctx, snap, legacy, i, reference))
				if !known {
					if i%2 == 0 {
						mu.Lock()
						owing[i] = reference
						mu.Unlock()
					}
					return
				}
				reference = ""
				each()
			}
		})
	}
	wg.Wait()
}

// settle compares what clients were told with the book and with what the merchant
// heard, and asks about everything that nobody was told.
func (r *rig) settle(fault string, trials int, note string) {
	t := r.t
	t.Helper()
	snap, legacy := r.snapClient(r.m), r.jokulClient(r.m)
	row := tally{fault: fault, trials: trials, acked: len(r.acked), note: note}
	state, ids, times := map[string]string{}, map[string]string{}, map[string]int{}
	for _, p := range r.payments() {
		state[p.Reference], ids[p.Reference] = p.State, p.ID
		if p.State == "succeeded" {
			if times[p.Reference]++; times[p.Reference] == 2 {
				row.doubled++
				t.Errorf("DOUBLE: %s was charged twice", p.Reference)
			}
		}
		if !r.acked[p.Reference] && !r.unknown[p.Reference] && !r.refused[p.Reference] {
			t.Errorf("%s is there and nobody sent it", p.Reference)
		}
	}
	for reference := range r.acked {
		if state[reference] != "succeeded" {
			row.lost++
			t.Errorf("LOST: %s was acknowledged and is %q", reference, state[reference])
		}
	}
	for _, reference := range slices.Sorted(maps.Keys(r.unknown)) {
		row.unanswered++
		if state[reference] == "succeeded" {
			row.charged++
		}
		var told string
		if s, err := snap.Status(t.Context(), ovo.StatusQuery{Reference: reference}); err == nil {
			told = string(s.State)
		} else if s, err := legacy.Status(t.Context(), reference); err == nil {
			told = string(s.State)
		}
		if (told == string(ovo.StateSuccess)) != (state[reference] == "succeeded") {
			t.Errorf("the status of %s is %q, and it is %q", reference, told, state[reference])
		}
	}
	// Everybody who was charged is told of, once. A notification that a process held
	// when it died, or that had to stand back, waits for the end of its lease.
	for last := time.Now(); row.notified < len(times) && time.Since(last) < 90*time.Second; {
		r.call("GET", "/clock", nil, 200, nil)
		if n := heard(r.heard); n > row.notified {
			row.notified, last = n, time.Now()
		}
	}
	events := map[string]int{}
	r.heard.Range(func(_, reference any) bool { events[reference.(string)]++; return true })
	silent := 0
	for reference := range times {
		if events[reference] == 1 {
			continue
		}
		if silent++; silent <= 3 {
			t.Errorf("%s was charged, and the merchant heard of %d events: %+v", reference, events[reference], r.notificationsOf(ids[reference]))
		}
	}
	if silent > 3 {
		t.Errorf("and %d more", silent-3)
	}
	r.auditClean()
	auditedFromOutside(t, r.dir)
	row.publish(t)
}

func (r *rig) notificationsOf(subject string) []notification {
	var list struct{ Notifications []notification }
	r.call("GET", "/notifications?subject="+subject, nil, 200, &list)
	return list.Notifications
}

// TestCampaignKills ends the server with SIGKILL at random moments under load.
func TestCampaignKills(t *testing.T) {
	t.Parallel()
	r := newRig(t, 24)
	owing := map[int]string{}
	var restarts []time.Duration
	for round := range *campaignKills {
		ctx, cancel := context.WithCancel(context.Background())
		var answered atomic.Int64
		enough := make(chan struct{})
		after := 1 + rand.Int64N(100)
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.load(ctx, fmt.Sprint("K", round), owing, func() {
				if answered.Add(1) == after {
					close(enough)
				}
			})
		}()
		wait(t, "an answer", enough)
		r.process.kill()
		<-done
		cancel()
		restarts = append(restarts, r.restart())
	}
	slices.Sort(restarts)
	r.settle("kill -9 at random moments, SQLite", *campaignKills,
		fmt.Sprintf("restart to serving: median %d ms, worst %d ms", restarts[len(restarts)/2].Milliseconds(), restarts[len(restarts)-1].Milliseconds()))
}

// crashSteps are the steps of the store at which TestCampaignCrashPoints ends the
// process: before each, but for "committed", which is after a commit and before
// anybody is told.
var crashSteps = []string{
	"begin", "InsertClaim", "Binding", "Wallet", "PaymentByReference", "InsertPayment", "DebitWallet", "InsertTransfer", "InsertEvent", "InsertNotification",
	"commit", "committed", "ClaimNotifications", "FinishNotification", "InsertAttempt", "InsertPush", "NextTerminalNumbers", "FinishPush", "FinishPayment", "Push",
	"SetRefunded", "InsertRefund", "CreditWallet", "InsertPage", "UpdatePage", "ActivateBinding",
}

// TestCampaignCrashPoints ends the process at every named step, in the middle of
// charges, refunds, pushes, pages and deliveries.
func TestCampaignCrashPoints(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	trials := 0
	for round := range *campaignRounds {
		for _, step := range crashSteps {
			nth := 1 + rand.IntN(3)
			r.process.kill()
			r.restart(crashEnv + "=" + step + ":" + fmt.Sprint(nth))
			for n := 0; r.alive() && n < 40; n++ {
				r.everyOperation(fmt.Sprintf("C%d-%s-%d", round, step, n))
			}
			if r.alive() {
				t.Errorf("step %s was never reached", step)
			}
			trials++
			r.process.kill()
			r.restart()
		}
	}
	r.settle(fmt.Sprintf("crash at %d named steps", len(crashSteps)), trials, "")
}

// alive reports whether the process still runs.
func (r *rig) alive() bool {
	select {
	case <-r.process.ended:
		return false
	default:
		resp, err := client.Get(r.base + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}
}

// everyOperation makes one call of each kind. Any of them may find the server gone.
func (r *rig) everyOperation(reference string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	snap, legacy := r.snapClient(r.m), r.jokulClient(r.m)
	for customer := range r.phones {
		ref := fmt.Sprintf("%s-%d", reference, customer)
		known := r.note(ref, r.pay(ctx, snap, legacy, customer, ref))
		if known && customer == 0 {
			snap.Refund(ctx, ovo.RefundRequest{Reference: ref, RefundReference: "R-" + ref, Amount: 3})
		}
	}
	push, err := ovo.Push(ovo.PushConfig{BaseURL: r.base, ClientID: r.m.DOKU.ClientID, SecretKey: r.m.DOKU.SecretKey, HTTPClient: client})
	if err != nil {
		r.t.Fatal(err)
	}
	ref := reference + "-P"
	answered := make(chan error, 1)
	go func() {
		_, err := push.Pay(ctx, ovo.PushRequest{Phone: r.phones[0], Invoice: ref, Amount: 7})
		answered <- err
	}()
	r.note(ref, r.approve(r.phones[0], ref, answered))
	b, err := snap.Bind(ctx, ovo.BindRequest{Phone: "081222222222", CustomerID: reference, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		return
	}
	r.try("POST", "/pages/complete", fmt.Sprintf(`{"url":%q,"outcome":"approve"}`, b.RedirectURL), nil)
	if token, err := snap.CustomerToken(ctx, b.AuthCode); err == nil {
		snap.Unbind(ctx, token.AccessToken)
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

// try asks the sandbox's API, which may be gone.
func (r *rig) try(method, path, body string, into any) {
	req, err := http.NewRequestWithContext(context.Background(), method, r.base+"/sandbox/v1"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if into != nil {
		json.NewDecoder(resp.Body).Decode(into)
	}
}

// hearPayments is a merchant who hears of payments through both protocols: event
// key → reference.
func hearPayments(t *testing.T, c control, m merchant) *sync.Map {
	t.Helper()
	events := &sync.Map{}
	key, err := ovo.ParsePrivateKey(m.DOKU.PrivateKeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	gatewayKey, err := ovo.ParsePublicKey(m.DOKU.GatewayPublicKeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, PrivateKey: key, GatewayPublicKey: gatewayKey,
		TokenPath: "/token", PaymentPath: "/paid", BindingPath: "/bound",
		OnPayment: func(_ context.Context, n ovo.PaymentNotification) error {
			events.Store(n.EventKey, n.Reference)
			return nil
		},
		OnBinding: func(context.Context, ovo.BindingNotification) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, Path: "/jokul",
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error {
			events.Store(n.EventKey, n.Invoice)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", snap)
	mux.Handle("/jokul", legacy)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.call("PATCH", "/merchants/"+m.ID, map[string]any{"doku": map[string]any{
		"notification_url": server.URL + "/jokul",
		"snap":             map[string]string{"token_url": server.URL + "/token", "notification_url": server.URL + "/paid", "binding_notification_url": server.URL + "/bound"},
	}}, 200, nil)
	return events
}
