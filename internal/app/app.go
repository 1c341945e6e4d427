package app

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/backoffice"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/notify"
	"github.com/gerbang-pay/gerbang/internal/openapi"
	"github.com/gerbang-pay/gerbang/internal/pages"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/web"
	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Config says what to run. The zero value of every member but Installation works.
type Config struct {
	Installation
	Addr    string // to listen on; default 127.0.0.1:8600, port 0 for any free one
	BaseURL string // as customers' browsers reach it; default http:// and the address
	Version string
	NoSeed  bool            // leave a fresh sandbox empty
	World   *sandbox.World  // what else a fresh sandbox contains, or nil
	NoLog   bool            // do not record inbound calls: under load, recording them costs more than some of them do
	PINCost gateway.PINCost // default gateway.DefaultPINCost
	Rules   gateway.Rules   // default gateway.DefaultRules.Unmetered()
	Faspay  FaspayConfig
	Traces  Traces
	Log     *slog.Logger // default discards
	// Journey, when set, plays the demo against the sandbox at base: its welcome
	// page offers that.
	Journey func(ctx context.Context, base string, out io.Writer) error

	seams seams
}

// FaspayConfig is what may differ between installations that speak Faspay.
type FaspayConfig struct {
	Paths wirefaspay.Paths // default wirefaspay.DefaultPaths
}

// App is a running Gerbang.
type App struct {
	BaseURL   string
	Listening Listen // the addresses that a server of Serve has got
	Gateway   *gateway.Gateway

	certificate *certificate      // of a server that ends TLS itself
	messenger   *issuer.Messenger // of a server

	metrics   *metrics
	traces    *traces // nil where none are sent
	readiness *readiness
	watch     *watch
	notifier  *notify.Worker

	id             string // tells this App's signals from those of others
	store          *store.Store
	signing        *signing
	servers        []*http.Server
	drain          chan struct{}      // closed before anything stops, for calls that wait
	held           func()             // returns when none of them waits any more
	stop           context.CancelFunc // of the background work
	stopDelivering context.CancelFunc // of notifications and messages
	working        sync.WaitGroup
	served         chan error
	log            *slog.Logger
}

// Limits on slow senders, and on what they may send besides a body.
const (
	headerTimeout  = 5 * time.Second
	bodyTimeout    = 10 * time.Second
	idleTimeout    = 60 * time.Second
	maxHeaderBytes = 32 << 10
)

// sweepInterval is how often what is past its deadline is ended, and how long a
// parked call may sleep on after another process answered its push.
const sweepInterval = 500 * time.Millisecond

// StartSandbox starts a sandbox and returns once it serves.
func StartSandbox(ctx context.Context, c Config) (*App, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:8600"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Rules == (gateway.Rules{}) {
		c.Rules = gateway.DefaultRules.Unmetered()
	}
	if err := c.Rules.Check(); err != nil {
		return nil, err
	}
	var problems Problems
	if c.Traces.check(&problems); len(problems) > 0 {
		return nil, problems
	}
	keys, err := c.masterKey(true)
	if err != nil {
		return nil, err
	}
	clock := gateway.NewMovableClockOf(c.seams.machine(), 0)
	db, err := store.Open(ctx, store.Config{URL: c.databaseURL(), Keys: keys, Clock: clock, Machine: c.seams.machine(), Log: c.Log})
	if err != nil {
		return nil, err
	}
	if err := claimProfile(ctx, db, profileSandbox); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a := newApp(db, c.Version, c.Log)
	if a.traces, err = c.Traces.open(ctx, a.id, c.Version, c.Log); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	scenarios := sandbox.NewScenarios()
	core := gateway.Config{Store: a.traces.store(c.seams.wrap(db), c.databaseURL()), Clock: clock, Keys: keys, Rules: c.Rules, KeepCodes: true, PINCost: c.PINCost, Force: scenarios.Force, Signal: db.Signal}
	if err := a.start(ctx, c, clock, core, scenarios); err != nil {
		a.traces.stop(ctx)
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

func (a *App) start(ctx context.Context, c Config, clock *gateway.MovableClock, core gateway.Config, scenarios *sandbox.Scenarios) error {
	offset, err := loadOffset(ctx, a.store)
	if err != nil {
		return err
	}
	clock.Advance(offset)
	if err := a.openSigning(ctx, clock); err != nil {
		return err
	}
	seedKey, err := keyPair(ctx, a.store, settingSeedKey)
	if err != nil {
		return err
	}
	listener, err := c.seams.listener(c.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; is another sandbox running? choose another address with --addr", c.Addr, err)
	}
	a.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if a.BaseURL == "" {
		a.BaseURL = "http://" + listener.Addr().String()
	}
	a.Gateway = gateway.New(core)
	root, err := a.build(ctx, c, clock, seedKey, scenarios)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	a.serve(listener, root, nil)
	return nil
}

// build makes the graph, gateway inside, dialects and pages around it, and sets it
// to work. It returns what is to be served.
func (a *App) build(ctx context.Context, c Config, clock *gateway.MovableClock, seedKey *rsa.PrivateKey, scenarios *sandbox.Scenarios) (http.Handler, error) {
	key := a.signing.current().Sign
	publicKey, err := wiresnap.EncodePublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	// Set below: the dialects report to the sandbox.
	var spoken dialects
	returnURL := func(ctx context.Context, v gateway.PageView) string { return spoken.tokenize.ReturnURL(ctx, v) }

	var journey func(context.Context, io.Writer) error
	if c.Journey != nil {
		journey = func(ctx context.Context, out io.Writer) error { return c.Journey(ctx, a.BaseURL, out) }
	}
	box := sandbox.New(sandbox.Config{
		Gateway: a.Gateway, Clock: clock, BaseURL: a.BaseURL, Version: c.Version, Database: redacted(c.databaseURL()), PageURL: a.pageURL, ReturnURL: returnURL,
		Key: key, PublicKeyPEM: publicKey, SeedKey: seedKey, NoSeed: c.NoSeed, World: c.World, SnapshotDir: filepath.Join(c.DataDir, "snapshots"), BackOffice: "/backoffice",
		Scenarios: scenarios, Journey: journey, FaspayPaths: c.Faspay.Paths, Draining: a.drain, Log: a.log,
		SaveOffset: func(ctx context.Context, offset time.Duration) error {
			defer a.store.Signal(signalClock + a.id)
			return saveOffset(ctx, a.store, offset)
		},
	})
	if err := box.Seed(ctx); err != nil {
		return nil, err
	}
	ears, record := box, box.Record
	if c.NoLog {
		ears, record = nil, func(h http.Handler) http.Handler { return h }
	}
	if spoken, err = a.speak(clock, c.Faspay, ears); err != nil {
		return nil, err
	}
	a.notifier = notify.New(a.traces.ofNotifier(notify.Config{
		Gateway: a.Gateway, Clock: clock, AllowPrivate: true, Dial: c.seams.dial, Attempted: a.metrics.attempted, Log: a.log,
		Dialects: spoken.outbound(func(to notify.Outbound) notify.Outbound { return box.Deliver(to) }),
	}))

	root := http.NewServeMux()
	pages.New(pages.Config{
		Gateway: a.Gateway, Sandbox: true, ReturnURL: returnURL, Through: a.traces.pages, Log: a.log,
		InboxURL: func(p gateway.Phone) string { return a.BaseURL + "/phone/" + string(p) },
	}).Mount(root)
	box.Mount(root)
	backoffice.New(backoffice.Config{Gateway: a.Gateway, Clock: clock, Dialects: dialectNames, BaseURL: a.BaseURL, Log: a.log}).Mount(root)
	web.MountAssets(root)
	a.mountHealth(root)
	a.mountFigures(root)
	root.Handle("GET /openapi.json", openapi.Handler(openapi.Info{Version: c.Version, BaseURL: a.BaseURL, Detail: aboutSandbox}, func() []openapi.Call {
		return slices.Concat(spoken.describe(), box.Describe(), describeHealth(), describeFigures())
	}))
	root.Handle("/", box.Lose(record(a.observed(spoken.mux()))))
	return ownHost(a.BaseURL, root), a.work(ctx, func(ctx context.Context, signal string) { a.heard(ctx, clock, signal) })
}

// signalClock says that the sandbox's clock was moved.
const signalClock = "clock " // and the id of the App that moved it

// heard takes a signal of a process over the same database.
func (a *App) heard(ctx context.Context, clock *gateway.MovableClock, signal string) {
	mover, moved := strings.CutPrefix(signal, signalClock)
	if !moved {
		a.Gateway.Heard(signal)
	}
	if !moved || mover == a.id {
		return
	}
	offset, err := loadOffset(ctx, a.store)
	if err != nil {
		a.log.Error("the clock was moved elsewhere and cannot follow", "error", err)
	} else if ahead := clock.Offset(); ahead != offset {
		clock.Advance(offset - ahead)
	}
}

// manyWaits is how many parked calls make it worth giving memory back.
const manyWaits = 1000

// sweep ends what is past its deadline, until ctx ends.
//
// It also gives memory back when many calls have just been parked: beginning them
// takes several times what waiting does, and a process in which they only wait
// makes no garbage that would start the collector.
func (a *App) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	waited, full := 0, false
	for {
		waiting := a.Gateway.Waiting()
		full = full || waiting > waited && waiting >= manyWaits
		if full && waiting <= waited { // no more are coming
			debug.FreeOSMemory()
			full = false
		}
		waited = waiting
		if n, err := a.Gateway.ExpireDue(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("sweep failed; it is tried again", "error", err)
		} else if n > 0 {
			a.log.Info("expired", "pages_pushes_and_bindings", n)
		}
		if err := a.Gateway.WakeWaits(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("waits cannot be read; it is tried again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tallyInterval is how often what has happened is added to the counters of reports.
// Reports are exact in between; they only have more to count.
const tallyInterval = 5 * time.Second

// tally keeps the counters of reports up, until ctx ends.
func (a *App) tally(ctx context.Context) {
	tick := time.NewTicker(tallyInterval)
	defer tick.Stop()
	for {
		if _, err := a.Gateway.Tally(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("the tally failed; it is tried again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Wait returns when a server has stopped serving, with the reason unless that
// was Stop.
func (a *App) Wait() error {
	err := <-a.served
	a.served <- err
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Stop ends the app: pushes that wait are answered as pending at once, and other
// calls may finish until ctx ends. It must be called once.
func (a *App) Stop(ctx context.Context) error {
	close(a.drain)
	a.stopDelivering()
	errs := make([]error, len(a.servers))
	var stopping sync.WaitGroup
	for i, server := range a.servers {
		stopping.Go(func() {
			if errs[i] = server.Shutdown(ctx); errs[i] != nil {
				errs[i] = errors.Join(errs[i], server.Close())
			}
		})
	}
	stopping.Wait()
	a.held()
	a.stop()
	a.working.Wait()
	a.traces.stop(ctx)
	return errors.Join(errors.Join(errs...), a.store.Close())
}

// redacted is a database URL without its password.
func redacted(database string) string {
	if u, err := url.Parse(database); err == nil {
		return u.Redacted()
	}
	return "?"
}
