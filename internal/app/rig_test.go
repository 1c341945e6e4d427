package app_test

import (
	"context"
	"crypto/rsa"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/ovo"
)

// rig is what a campaign strikes at: sandboxes in processes of their own over one
// database, a merchant who listens, customers who pay through all protocols, and a
// journal of what each of them was told.
type rig struct {
	control // of the first process
	dir     string
	spawn   spawner
	m       merchant
	terms   faspayTerms
	heard   *sync.Map // event keys → reference
	moody   atomic.Bool
	hung    atomic.Pointer[chan struct{}] // while set, the merchant's server answers when it is closed
	ahead   atomic.Int64                  // how far the sandbox's clock is
	phones  []string                      // whose wallets pay; those of the customers come first
	tokens  []string                      // SNAP customer tokens
	legacy  []string                      // Jokul tokens
	*journal

	mu       sync.Mutex
	replicas []replica
	changed  chan struct{} // closed when a process comes up
	answered chan struct{} // one for each payment whose caller knows the outcome
	faults   atomic.Int64  // errors of a process that was up all the time
}

// replica is a process and a merchant's clients of it.
type replica struct {
	process
	up     bool // as far as the campaign has to do with it
	snap   *ovo.SNAPClient
	jokul  *ovo.JokulClient
	faspay *ovo.FaspayClient
	push   *ovo.PushClient
}

const (
	rigCash   = 500_000_000 // in each customer's wallet
	rigAmount = 7           // of each payment
)

// onPostgres reports whether several processes may share the database.
func onPostgres() bool { return os.Getenv("GERBANG_TEST_ENGINE") == storetest.Postgres.Name }

// newRig starts one process on SQLite and as many as wanted on PostgreSQL.
func newRig(t *testing.T, customers, processes int) *rig {
	t.Helper()
	if !onPostgres() {
		processes = 1
	}
	return newRigIn(t, home(t), customers, processes)
}

func newRigIn(t *testing.T, dir string, customers, processes int) *rig {
	t.Helper()
	return newRigOf(t, spawn, dir, customers, processes)
}

// spawner starts a sandbox over a directory.
type spawner func(t testing.TB, dir string, env ...string) process

func newRigOf(t *testing.T, spawn spawner, dir string, customers, processes int) *rig {
	t.Helper()
	r := &rig{dir: dir, spawn: spawn, journal: newJournal(), replicas: make([]replica, processes), changed: make(chan struct{}), answered: make(chan struct{}, 1000)}
	r.t = t
	t.Cleanup(func() {
		for i := range r.replicas {
			if r.replicas[i].cmd != nil {
				r.replicas[i].kill()
			}
		}
	})
	first := spawn(t, dir)
	r.base = first.base
	r.m = r.seededMerchant()
	r.terms = r.faspayTerms(r.m.ID)
	r.came(0, first)
	for i := 1; i < processes; i++ {
		r.came(i, spawn(t, dir))
	}
	r.hear()
	for i := range customers {
		phone := fmt.Sprintf("08140000%04d", i)
		r.newWallet(phone, rigCash)
		r.phones = append(r.phones, phone)
		r.tokens = append(r.tokens, r.bind(r.replicas[0].snap, phone, fmt.Sprint("cust-", i)))
		tokens, err := r.replicas[0].jokul.Tokens(t.Context(), fmt.Sprint("cust-", i))
		if err != nil {
			t.Fatal(err)
		}
		r.legacy = append(r.legacy, tokens[0].Token)
	}
	return r
}

// newPayer opens a wallet for a campaign's own payments.
func (r *rig) newPayer(phone string) {
	r.t.Helper()
	r.newWallet(phone, rigCash)
	r.phones = append(r.phones, phone)
}

// came is called when a process serves.
func (r *rig) came(i int, p process) {
	c := control{r.t, p.base}
	up := replica{process: p, up: true, snap: c.snapClient(r.m), jokul: c.jokulClient(r.m), faspay: c.faspayClient(r.terms, ""), push: c.pushClient(r.m)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replicas[i] = up; i == 0 {
		r.base = p.base
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// leave has clients turn away from a process, whose end they may still notice.
func (r *rig) leave(i int) process {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replicas[i].up = false
	return r.replicas[i].process
}

// restart ends a process as how says and starts it again. It returns how long it
// took to serve.
func (r *rig) restart(i int, how func(process), env ...string) time.Duration {
	r.t.Helper()
	how(r.leave(i))
	began := time.Now()
	p := r.spawn(r.t, r.dir, env...)
	took := time.Since(began)
	r.came(i, p)
	return took
}

// pick returns a process that is up, the one that is preferred if it is. It waits
// for one until ctx ends.
func (r *rig) pick(ctx context.Context, preferred int) (int, replica, bool) {
	for {
		r.mu.Lock()
		for n := range r.replicas {
			i := (preferred + n) % len(r.replicas)
			if r.replicas[i].up {
				defer r.mu.Unlock()
				return i, r.replicas[i], true
			}
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, replica{}, false
		}
	}
}

// untouched reports whether a process has been up since it was picked.
func (r *rig) untouched(i int, was replica) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.replicas[i].up && r.replicas[i].base == was.base
}

// load lets every customer pay, one payment after the other, until the returned
// function is called.
func (r *rig) load(name string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for customer := range r.tokens {
		wg.Go(func() {
			at := customer
			for n := 0; ctx.Err() == nil; n++ {
				at = r.order(ctx, at, customer, fmt.Sprintf("%s-%d-%d", name, customer, n))
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// order is one payment. Half of the customers' callers, of each protocol, repeat it
// until it is answered, at another process if there is one; the others give up: if
// all repeated, they would heal the very loss that is looked for. It returns the
// process to turn to next.
func (r *rig) order(ctx context.Context, at, customer int, reference string) int {
	const tries = 20
	for range tries {
		i, to, ok := r.pick(ctx, at)
		if !ok {
			return at
		}
		r.sending(reference)
		err := r.pay(to, customer, reference)
		if r.note(reference, err) {
			select {
			case r.answered <- struct{}{}:
			default:
			}
			return i
		}
		if r.untouched(i, to) {
			r.faults.Add(1)
			r.t.Logf("%s: %v", reference, err)
		}
		if at = i + 1; customer/4%2 == 1 {
			return at
		}
	}
	r.t.Errorf("%s was not answered %d times", reference, tries)
	return at
}

// pay charges a customer through one of the protocols.
func (r *rig) pay(at replica, customer int, reference string) error {
	ctx := context.Background()
	switch customer % 4 {
	case 2:
		_, err := at.jokul.Pay(ctx, ovo.JokulPayRequest{
			Customer: ovo.JokulCustomer{ID: fmt.Sprint("cust-", customer), Name: "Sari"}, Token: r.legacy[customer], Invoice: reference, Amount: rigAmount,
		})
		return err
	case 3:
		return r.payOnPage(at, customer, reference)
	}
	_, err := at.snap.Pay(ctx, ovo.PayRequest{CustomerToken: r.tokens[customer], Reference: reference, Type: ovo.Recurring, Amount: rigAmount})
	return err
}

// payOnPage orders through Faspay; the customer confirms on the page, and the
// merchant asks whether it was paid.
func (r *rig) payOnPage(at replica, customer int, reference string) error {
	ctx := context.Background()
	p, err := at.faspay.Pay(ctx, ovo.FaspayPayRequest{
		Phone: r.phones[customer], BillNo: reference, Description: "Things", Amount: rigAmount, CustomerName: "Sari", Email: "sari@shop.test",
	})
	if err != nil {
		return err
	}
	r.numbered(reference, p.TrxID)
	control{r.t, at.base}.try("POST", "/pages/complete", fmt.Sprintf(`{"url":%q,"outcome":"approve"}`, p.RedirectURL), nil)
	s, err := at.faspay.Inquire(ctx, ovo.FaspayBill{TrxID: p.TrxID, BillNo: reference})
	if err == nil && s.State == ovo.StateFailed { // the merchant was told no
		return &ovo.Error{Code: string(s.State), Status: http.StatusOK}
	}
	if err == nil && s.State != ovo.StateSuccess {
		err = fmt.Errorf("%w: it is %s", ovo.ErrOutcomeUnknown, s.State)
	}
	return err
}

// answers waits until so many payments from now on have been answered.
func (r *rig) answers(n int) {
	r.t.Helper()
	for len(r.answered) > 0 {
		<-r.answered // from before
	}
	for range n {
		wait(r.t, "an answer", r.answered)
	}
}

// noFaults fails the test if a process erred that was not struck.
func (r *rig) noFaults() {
	r.t.Helper()
	if n := r.faults.Load(); n > 0 {
		r.t.Errorf("%d errors of processes that nothing happened to", n)
	}
}

// alive reports whether the first process still runs.
func (r *rig) alive() bool {
	select {
	case <-r.replicas[0].ended:
		return false
	default:
		resp, err := client.Get(r.base + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}
}

// try asks the sandbox's API, which may be gone.
func (c control) try(method, path, body string, into any) {
	req, err := http.NewRequestWithContext(context.Background(), method, c.base+"/sandbox/v1"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
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

// advance moves the sandbox's clock.
func (r *rig) advance(by time.Duration) {
	r.t.Helper()
	r.call("POST", "/clock/advance", map[string]string{"by": by.String()}, 200, nil)
	r.ahead.Add(int64(by))
}

// sql runs statements beside the processes, and returns the rows that they changed
// or found.
func (r *rig) sql(statements ...string) (rows int64) {
	r.t.Helper()
	db, err := sql.Open("pgx", installed(r.dir).Database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		result, err := db.Exec(s)
		if err != nil {
			r.t.Fatalf("%s: %v", s, err)
		}
		n, _ := result.RowsAffected()
		rows += n
	}
	return rows
}

// hear is the merchant's server. It hears of payments through all protocols and
// keeps which events it acknowledged. While the merchant is moody, it does most of
// what a server can do wrong.
func (r *rig) hear() {
	t := r.t
	t.Helper()
	events := &sync.Map{}
	key, err := ovo.ParsePrivateKey(r.m.DOKU.PrivateKeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	gatewayKey, err := ovo.ParsePublicKey(r.m.DOKU.GatewayPublicKeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }
	snap, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: r.m.DOKU.ClientID, SecretKey: r.m.DOKU.SecretKey, PrivateKey: key, GatewayPublicKeys: []*rsa.PublicKey{gatewayKey}, Now: now,
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
		ClientID: r.m.DOKU.ClientID, SecretKey: r.m.DOKU.SecretKey, Path: "/jokul", Now: now,
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error {
			events.Store(n.EventKey, n.Invoice)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	faspay, err := ovo.NewFaspayReceiver(ovo.FaspayReceiverConfig{
		MerchantID: r.terms.MerchantID, UserID: r.terms.UserID, Password: r.terms.Password, NotificationPath: "/faspay", Now: now,
		OnPayment: func(_ context.Context, n ovo.FaspayNotification) error {
			if n.State == ovo.StateSuccess {
				events.Store(n.EventKey, n.BillNo)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", snap)
	mux.Handle("/jokul", legacy)
	mux.Handle("/faspay", faspay)
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if hung := r.hung.Load(); hung != nil {
			select {
			case <-*hung:
			case <-req.Context().Done():
				return
			}
		}
		if r.moody.Load() && misbehave(w, req, int(calls.Add(1))) {
			return
		}
		mux.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	r.call("PATCH", "/merchants/"+r.m.ID, map[string]any{
		"doku": map[string]any{
			"notification_url": server.URL + "/jokul",
			"snap":             map[string]string{"token_url": server.URL + "/token", "notification_url": server.URL + "/paid", "binding_notification_url": server.URL + "/bound"},
		},
		"faspay": map[string]any{"notification_url": server.URL + "/faspay"},
	}, 200, nil)
	r.heard = events
}

// misbehave answers in a way that acknowledges nothing, for four calls of five.
// Faspay's acknowledgement is in words; DOKU takes any 2xx for one.
func misbehave(w http.ResponseWriter, req *http.Request, call int) bool {
	inWords := req.URL.Path == "/faspay"
	switch kind := call % 10; {
	case kind == 0, kind == 5:
		return false
	case kind == 1:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case kind == 2:
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusMovedPermanently)
	case kind == 3:
		w.WriteHeader(http.StatusGone)
	case kind == 4: // hangs up without a word
		panic(http.ErrAbortHandler)
	case kind == 6: // hangs up in the middle
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("{"))
		panic(http.ErrAbortHandler)
	case kind == 7 && inWords: // means well and says nothing
		w.WriteHeader(http.StatusOK)
	case kind == 8 && inWords: // says no with a status that says yes
		w.Write([]byte(`{"response":"Payment Notification","response_code":"01","response_desc":"Failed"}`))
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	return true
}

// journal is what the clients of a campaign know.
type journal struct {
	mu      sync.Mutex
	acked   map[string]bool   // reference → the caller was told of success
	refused map[string]bool   // the caller was told no
	unknown map[string]bool   // sent, never answered
	numbers map[string]string // Faspay's of an order, if the caller was told

	sent, told map[string]time.Time // when it was first sent, and when the caller was told of success
}

func newJournal() *journal {
	return &journal{
		acked: map[string]bool{}, refused: map[string]bool{}, unknown: map[string]bool{}, numbers: map[string]string{},
		sent: map[string]time.Time{}, told: map[string]time.Time{},
	}
}

// sending notes that a payment is about to be sent.
func (j *journal) sending(reference string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.sent[reference].IsZero() {
		j.sent[reference] = time.Now()
	}
}

// note files an answer and reports whether the caller knows the outcome now.
func (j *journal) note(reference string, err error) (known bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var e *ovo.Error
	switch {
	case err == nil, errors.Is(err, ovo.ErrDuplicate): // a repeat of one whose answer got lost
		if j.acked[reference] = true; j.told[reference].IsZero() {
			j.told[reference] = time.Now()
		}
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

func (j *journal) numbered(reference, number string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.numbers[reference] = number
}

// settle compares what clients were told with the book and with what the merchant
// heard, and asks about everything that nobody was told. All processes must be up.
func (r *rig) settle(fault string, trials int, note string) {
	t := r.t
	t.Helper()
	row := tally{fault: fault, trials: trials, acked: len(r.acked), note: note}
	state, ids, times := map[string]string{}, map[string]string{}, map[string]int{}
	taken := int64(0)
	for _, p := range r.payments() {
		reference := p.Reference
		if p.Order != "" {
			reference = p.Order
		}
		if state[reference] != "succeeded" {
			state[reference], ids[reference] = p.State, p.ID
		}
		if p.State == "succeeded" {
			taken += p.Amount - p.RefundedCash
			if times[reference]++; times[reference] == 2 {
				row.doubled++
				t.Errorf("DOUBLE: %s was charged twice", reference)
			}
		}
		if r.refused[reference] && p.State == "succeeded" {
			t.Errorf("%s was charged, and its caller was told no", reference)
		}
		if !r.acked[reference] && !r.unknown[reference] && !r.refused[reference] {
			t.Errorf("%s is there and nobody sent it", reference)
		}
	}
	for reference := range r.acked {
		if state[reference] != "succeeded" {
			row.lost++
			t.Errorf("LOST: %s was acknowledged and is %q", reference, state[reference])
		}
	}
	for _, phone := range r.phones {
		taken += r.wallet(phone).Cash
	}
	if total := int64(len(r.phones)) * rigCash; taken != total {
		t.Errorf("what wallets hold and what was charged makes %d, and there were %d", taken, total)
	}
	for _, reference := range slices.Sorted(maps.Keys(r.unknown)) {
		row.unanswered++
		if state[reference] == "succeeded" {
			row.charged++
		}
		if told := r.ask(reference); (told == ovo.StateSuccess) != (state[reference] == "succeeded") {
			t.Errorf("the status of %s is %q, and it is %q", reference, told, state[reference])
		}
	}
	r.moody.Store(false)
	row.notified = r.settleNotifications(times, ids)
	r.auditClean()
	auditedFromOutside(t, r.dir)
	row.publish(t)
}

// ask inquires for a payment as the caller who was told nothing would.
func (r *rig) ask(reference string) ovo.State {
	ctx, at := context.Background(), r.replicas[0]
	if s, err := at.snap.Status(ctx, ovo.StatusQuery{Reference: reference}); err == nil {
		return s.State
	}
	if s, err := at.jokul.Status(ctx, reference); err == nil {
		return s.State
	}
	if trx := r.numbers[reference]; trx != "" {
		if s, err := at.faspay.Inquire(ctx, ovo.FaspayBill{TrxID: trx, BillNo: reference}); err == nil {
			return s.State
		}
	}
	return ""
}

// settleNotifications waits until the merchant has heard of everybody who was
// charged, by one event each. A notification that a process held when it died waits
// for the end of its lease, another for its next attempt: the clock is moved there.
func (r *rig) settleNotifications(charged map[string]int, ids map[string]string) (notified int) {
	t := r.t
	t.Helper()
	hear := func() (events map[string]int, n int) {
		events = map[string]int{}
		r.heard.Range(func(_, reference any) bool {
			if events[reference.(string)]++; charged[reference.(string)] > 0 {
				n++
			}
			return true
		})
		return events, n
	}
	last, step := time.Now(), 2*time.Minute
	for notified < len(charged) {
		r.call("GET", "/clock", nil, 200, nil)
		if _, n := hear(); n > notified {
			notified, last = n, time.Now()
		}
		if time.Since(last) > time.Second {
			if step > 48*time.Hour {
				break
			}
			r.advance(step)
			last, step = time.Now(), 2*step
		}
	}
	events, _ := hear()
	wrong := 0
	for reference := range charged {
		if events[reference] == 1 {
			continue
		}
		if wrong++; wrong <= 3 {
			var list struct{ Notifications []notification }
			r.call("GET", "/notifications?subject="+ids[reference], nil, 200, &list)
			t.Errorf("%s was charged, and the merchant heard of %d events: %+v", reference, events[reference], list.Notifications)
		}
	}
	if wrong > 3 {
		t.Errorf("and %d more", wrong-3)
	}
	return notified
}
