package app_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/ovo"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "the only seed that TestSimulation plays; 0 plays -sim.seeds of them")
	simSeeds = flag.Int("sim.seeds", 5, "how many seeds TestSimulation plays")
	simFirst = flag.Uint64("sim.first", 1, "the first of them")
	simSteps = flag.Int("sim.steps", 60, "events of one simulation, over seven days")
)

// TestSimulation plays seven days of a sandbox in no time: a real server over a
// real database, in a bubble in which time stands still unless all wait, on a
// network of pipes. A seed decides what customers, merchants, the network, the
// store and the clock do; the process dies in the middle of transactions and goes
// on from what was on disk. After every event all invariants must hold. At the
// end everything that was acknowledged must be there, everything else must be
// known to a status inquiry, and each outcome must have been notified.
//
//	go test ./internal/app -run TestSimulation -sim.seed=N -v
func TestSimulation(t *testing.T) {
	inABubble(t)
	template, merch, terms := simTemplate(t)
	seeds := []uint64{*simSeed}
	if *simSeed == 0 {
		seeds = nil
		for i := range *simSeeds {
			seeds = append(seeds, *simFirst+uint64(i))
		}
	}
	total := map[string]int{}
	for _, seed := range seeds {
		log, counts := simulate(t, template, merch, terms, seed, *simSteps)
		for name, n := range counts {
			total[name] += n
		}
		if *simSeed != 0 {
			t.Log("\n" + log)
		}
	}
	t.Logf("%d seeds of %d events: %v", len(seeds), *simSteps, total)
	for _, must := range []string{"crash before commit", "crash after commit", "store failed", "commit answer lost", "push paid", "sale paid", "order paid"} {
		if len(seeds) >= 25 && total[must] == 0 {
			t.Errorf("no simulation had a %s", must)
		}
	}
}

// TestSimulationRepeats plays one seed twice: whatever a simulation finds can be
// looked at again.
func TestSimulationRepeats(t *testing.T) {
	inABubble(t)
	template, merch, terms := simTemplate(t)
	first, _ := simulate(t, template, merch, terms, 7, 40)
	second, _ := simulate(t, template, merch, terms, 7, 40)
	if diff := cmp.Diff(strings.Split(first, "\n"), strings.Split(second, "\n")); diff != "" {
		t.Errorf("seed 7 played two ways (-first +second):\n%s", diff)
	}
}

// inABubble leaves a simulation out where the other engine's tests run: time in a bubble
// stands still while a database outside works.
func inABubble(t *testing.T) {
	t.Helper()
	if onPostgres() {
		t.Skip("a simulation has its database in its own process: it was played with SQLite")
	}
}

const simShop = "shop.sim:80"

var simPhones = []string{"081700000001", "081700000002", "081700000003"}

// simTemplate makes the directory that every simulation starts from. Its keys are
// expensive to make.
func simTemplate(t *testing.T) (string, merchant, faspayTerms) {
	t.Helper()
	dir := t.TempDir()
	a := start(t, dir)
	c := control{t, a.BaseURL}
	m := c.seededMerchant()
	c.call("PATCH", "/merchants/"+m.ID, map[string]any{
		"doku": map[string]any{
			"notification_url": "http://" + simShop + "/jokul",
			"snap": map[string]string{"token_url": "http://" + simShop + "/token", "notification_url": "http://" + simShop + "/paid",
				"binding_notification_url": "http://" + simShop + "/bound"},
		},
		"faspay": map[string]string{"notification_url": "http://" + simShop + "/faspay", "activation_callback_url": "http://" + simShop + "/linked"},
	}, 200, nil)
	for _, phone := range simPhones {
		c.call("POST", "/wallets", map[string]any{"phone": phone, "cash": 3_000_000, "points": 50_000}, 201, nil)
	}
	terms := c.faspayTerms(m.ID)
	stop(t, a)
	return dir, m, terms
}

// pipes is a network in memory.
type pipes struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
	open      map[net.Conn]string // both ends, by the address that was dialled
}

type pipeListener struct {
	address string
	arrived chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arrived:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr(l.address) }

type pipeAddr string

func (a pipeAddr) Network() string { return "pipe" }
func (a pipeAddr) String() string  { return string(a) }

func (p *pipes) listen(_, address string) (net.Listener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &pipeListener{address: address, arrived: make(chan net.Conn), closed: make(chan struct{})}
	p.listeners[address] = l
	return l, nil
}

func (p *pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	p.mu.Lock()
	l := p.listeners[address]
	p.mu.Unlock()
	if l == nil {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	select {
	case l.arrived <- far:
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[near], p.open[far] = address, address
	return near, nil
}

// cut breaks every connection to an address.
func (p *pipes) cut(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn, to := range p.open {
		if to == address {
			conn.Close()
			delete(p.open, conn)
		}
	}
}

// fault is what the store is to do at one of the next steps.
type fault struct {
	step  string // the call at which it happens or, for the last two kinds, after whose transaction
	kind  string
	armed bool
}

var errDead = errors.New("the process has ended")

// simulation is one world.
type simulation struct {
	t      *testing.T
	rand   *rand.Rand
	net    *pipes
	client *http.Client
	app    *app.App
	dir    string
	image  string // what is on disk of a process that died
	db     gateway.Store
	merch  merchant
	terms  faspayTerms

	mu      sync.Mutex
	fault   fault
	noted   bool // the fault's call was seen
	strikes int
	dead    bool
	events  map[string]map[string]bool // reference → keys of the events heard
	shop    string                     // how the merchant's endpoint behaves

	log    strings.Builder
	counts map[string]int
	ahead  time.Duration // of the sandbox's clock
	tokens map[string]string
	acked  map[string]string // reference, of an order its number → "snap", "jokul" or "faspay"
	dying  map[string]bool   // acknowledged while the process died
	asked  map[string]string // every reference that was sent
	pushes sync.WaitGroup
	number int
}

func simulate(t *testing.T, template string, merch merchant, terms faspayTerms, seed uint64, steps int) (log string, counts map[string]int) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	root := t.TempDir()
	done := false
	defer func() { // a bubble that fails ends the test
		if !done {
			t.Logf("seed %d; play it again with -sim.seed=%d\n%s", seed, seed, log)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w := &simulation{
			t: t, merch: merch, terms: terms, rand: rand.New(rand.NewPCG(seed, 1)), net: &pipes{listeners: map[string]*pipeListener{}, open: map[net.Conn]string{}},
			events: map[string]map[string]bool{}, shop: "up", counts: map[string]int{}, tokens: map[string]string{}, acked: map[string]string{}, dying: map[string]bool{}, asked: map[string]string{},
		}
		w.client = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DialContext: w.net.dial, DisableKeepAlives: true}}
		defer func() { log, counts = w.log.String(), w.counts }()
		w.dir = filepath.Join(root, "0")
		copyDir(t, template, w.dir)
		shop := w.openShop()
		w.start()
		for i := 0; i < steps && !t.Failed(); i++ {
			w.event(i)
		}
		w.finish()
		stop(t, w.app)
		w.net.cut("gerbang.sim:80")
		shop.Close()
		w.net.cut(simShop)
		w.pushes.Wait()
	})
	done = true
	return log, counts
}

func copyDir(t *testing.T, from, to string) {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func (w *simulation) start() {
	w.dead, w.fault, w.noted = false, fault{}, false
	c := app.Config{Installation: app.Installation{DataDir: w.dir}, Addr: "gerbang.sim:80", PINCost: cheapPIN}
	a, err := app.StartSandbox(w.t.Context(), c.WithNetwork(w.net.listen, w.net.dial).WithStore(func(db gateway.Store) gateway.Store {
		w.db = db
		return storetest.Faulty(db, w.at)
	}))
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = a
}

// at decides the fate of one step of the store.
func (w *simulation) at(step string) error {
	err, looking := w.fate(step)
	if looking {
		// In a transaction of its own nobody else writes.
		w.db.Update(context.Background(), func(gateway.Tx) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.die()
			return errDead
		})
	}
	return err
}

// fate is how a step ends, and whether the process dies behind it.
func (w *simulation) fate(step string) (err error, dies bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return errDead, false
	}
	if !w.fault.armed {
		return nil, false
	}
	unavailable := &gateway.Error{Code: gateway.Unavailable, Detail: "the simulation wants it so"}
	kind := w.fault.kind
	if step == w.fault.step {
		w.noted = true
		switch kind {
		case "store failed":
			w.strike()
			return unavailable, false
		case "overtaken":
			w.strike()
			return gateway.ErrRetry, false
		case "crash before commit":
			w.strike()
			w.die()
			return errDead, false
		}
	}
	if w.noted && step == storetest.StepCommitted {
		switch kind {
		case "commit answer lost":
			w.strike()
			return unavailable, false
		case "crash after commit":
			w.strike()
			return errDead, true
		}
	}
	return nil, false
}

func (w *simulation) strike() {
	w.strikes++
	w.counts[w.fault.kind]++
	w.fault.armed, w.noted = false, false
}

// die keeps what is on disk. It runs where nobody else writes to the database.
func (w *simulation) die() {
	w.dead = true
	w.number++
	w.image = filepath.Join(filepath.Dir(w.dir), fmt.Sprint(w.number))
	copyDir(w.t, w.dir, w.image)
	os.Remove(filepath.Join(w.image, "gerbang.db-shm"))
}

// revive ends the process that died and starts another over what it left.
func (w *simulation) revive() {
	w.net.cut("gerbang.sim:80")
	stop(w.t, w.app)
	w.pushes.Wait()
	os.RemoveAll(w.dir)
	w.dir = w.image
	w.start()
	w.readClock()
}

// openShop is the merchant's server. It counts what it acknowledges.
func (w *simulation) openShop() *http.Server {
	key, err := ovo.ParsePrivateKey(w.merch.DOKU.PrivateKeyPEM)
	if err != nil {
		w.t.Fatal(err)
	}
	gatewayKey, err := ovo.ParsePublicKey(w.merch.DOKU.GatewayPublicKeyPEM)
	if err != nil {
		w.t.Fatal(err)
	}
	hear := func(reference, event string) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.events[reference] == nil {
			w.events[reference] = map[string]bool{}
		}
		w.events[reference][event] = true
		return nil
	}
	snap, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: w.merch.DOKU.ClientID, SecretKey: w.merch.DOKU.SecretKey, PrivateKey: key, GatewayPublicKeys: []*rsa.PublicKey{gatewayKey},
		TokenPath: "/token", PaymentPath: "/paid", BindingPath: "/bound",
		OnPayment: func(_ context.Context, n ovo.PaymentNotification) error { return hear(n.Reference, n.EventKey) },
		OnBinding: func(context.Context, ovo.BindingNotification) error { return nil },
		Now:       func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return time.Now().Add(w.ahead) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	jokul, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: w.merch.DOKU.ClientID, SecretKey: w.merch.DOKU.SecretKey, Path: "/jokul",
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error { return hear(n.Invoice, n.EventKey) },
		Now:       func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return time.Now().Add(w.ahead) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	faspay, err := ovo.NewFaspayReceiver(ovo.FaspayReceiverConfig{
		MerchantID: w.terms.MerchantID, UserID: w.terms.UserID, Password: w.terms.Password, NotificationPath: "/faspay", ActivationPath: "/linked",
		OnPayment:    func(_ context.Context, n ovo.FaspayNotification) error { return hear(n.TrxID, n.EventKey) },
		OnActivation: func(context.Context, ovo.FaspayLink) error { return nil },
		Now:          func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return time.Now().Add(w.ahead) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", snap)
	mux.Handle("/jokul", jokul)
	mux.Handle("/faspay", faspay)
	mux.Handle("/linked", faspay)
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		shop := w.shop
		w.mu.Unlock()
		switch shop {
		case "down":
			rw.WriteHeader(http.StatusServiceUnavailable)
		case "elsewhere":
			http.Redirect(rw, r, "http://elsewhere.sim/", http.StatusMovedPermanently)
		case "slow":
			time.Sleep(40 * time.Second)
			mux.ServeHTTP(rw, r)
		default:
			mux.ServeHTTP(rw, r)
		}
	})}
	listener, _ := w.net.listen("", simShop)
	go server.Serve(listener)
	return server
}

// call asks the sandbox's API. It returns the status, 0 when there was no answer.
func (w *simulation) call(method, path string, body, into any) int {
	payload, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(context.Background(), method, "http://gerbang.sim:80/sandbox/v1"+path, bytes.NewReader(payload))
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if into != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(answer, into); err != nil {
			w.t.Fatalf("%s: %v", answer, err)
		}
	}
	return resp.StatusCode
}
