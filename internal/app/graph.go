package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"

	"github.com/gerbang-pay/gerbang/internal/dialect/faspay"
	"github.com/gerbang-pay/gerbang/internal/dialect/jokul"
	"github.com/gerbang-pay/gerbang/internal/dialect/snap"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/notify"
	"github.com/gerbang-pay/gerbang/internal/openapi"
	"github.com/gerbang-pay/gerbang/internal/pages"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/web"
	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// What the sandbox and the server are built of alike.

func newApp(db *store.Store, version string, log *slog.Logger) *App {
	a := &App{id: rand.Text(), store: db, log: withCalls(log), drain: make(chan struct{}), served: make(chan error, maxListeners)}
	a.readiness, a.watch, a.metrics = &readiness{app: a}, &watch{}, newMetrics(version)
	a.metrics.registry.MustRegister(gauges{a})
	return a
}

// dialects are the protocols that merchants speak.
type dialects struct {
	openAPI  *snap.Handler
	legacy   *jokul.Handler
	tokenize *faspay.Handler
	signing  *signing
}

var dialectNames = []string{snap.Dialect, jokul.Dialect, faspay.Dialect}

// speak makes the dialects. ears hear how calls were judged; only a sandbox has them.
func (a *App) speak(clock gateway.Clock, f FaspayConfig, ears *sandbox.Sandbox) (d dialects, err error) {
	openAPI := snap.Config{Gateway: a.Gateway, Clock: clock, Keys: a.signing.current, PageURL: a.pageURL, Archived: true, Served: a.accountFor, Log: a.log}
	legacy := jokul.Config{Gateway: a.Gateway, Clock: clock, PageURL: a.pageURL, Draining: a.drain, Served: a.accountFor, Log: a.log}
	tokenize := faspay.Config{
		Gateway: a.Gateway, Clock: clock, PageURL: a.pageURL, Paths: f.Paths, TopUp: a.topUpWays(),
		Served: a.accountFor, Log: a.log,
	}
	if ears != nil {
		openAPI.Note, openAPI.Clues = ears.Note, ears.Clues
		legacy.Note, legacy.Clues = ears.Note, ears.Clues
		tokenize.Note, tokenize.Clues = ears.Note, ears.Clues
	}
	d.signing = a.signing
	d.openAPI, d.legacy = snap.New(openAPI), jokul.New(legacy)
	a.held = d.legacy.Wait
	d.tokenize, err = faspay.New(tokenize)
	return d, err
}

// mux serves every path of the protocols.
func (d dialects) mux() *http.ServeMux {
	mux := http.NewServeMux()
	d.openAPI.Mount(mux)
	d.legacy.Mount(mux)
	d.tokenize.Mount(mux)
	mux.Handle("GET "+signingKeysPath, d.signing)
	mux.HandleFunc("/", notFound)
	return mux
}

// describe lists their calls and notifications for the OpenAPI document.
func (d dialects) describe() []openapi.Call {
	return slices.Concat(d.openAPI.Describe(), d.legacy.Describe(), d.tokenize.Describe())
}

// outbound is how notifications leave, through what stands in between.
func (d dialects) outbound(through func(notify.Outbound) notify.Outbound) map[string]notify.Dialect {
	return map[string]notify.Dialect{
		snap.Dialect:   {Outbound: through(d.openAPI), Retries: snap.Retries},
		jokul.Dialect:  {Outbound: through(d.legacy), Retries: jokul.Retries},
		faspay.Dialect: {Outbound: through(d.tokenize), Retries: faspay.Retries},
	}
}

// pageURL is the address at which a customer opens a hosted page.
func (a *App) pageURL(p gateway.Page) string { return a.BaseURL + pages.Path(p) }

// topUpWays joins Faspay's names of the ways to fill a wallet with the pages that
// explain them, which are in the same order.
func (a *App) topUpWays() []wirefaspay.Instruction {
	var ways []wirefaspay.Instruction
	for i, guide := range pages.Guides() {
		ways = append(ways, wirefaspay.Instruction{Option: wirefaspay.TopUpOptions[i], Icon: a.BaseURL + guide.Icon, URL: a.BaseURL + guide.Path})
	}
	return ways
}

// serve serves a handler until Stop, over TLS if there is a configuration for it.
func (a *App) serve(listener net.Listener, handler http.Handler, secure *tls.Config) {
	server := &http.Server{
		Handler: web.Harden(patient(handler, writeTimeout)), ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), TLSConfig: secure.Clone(), // a server adds to its own
	}
	a.servers = append(a.servers, server)
	go func() {
		if secure != nil {
			a.served <- server.ServeTLS(listener, "", "")
		} else {
			a.served <- server.Serve(listener)
		}
	}()
}

// work begins what goes on in the background until Stop.
func (a *App) work(ctx context.Context, heard func(context.Context, string)) error {
	// What a predecessor held when it died is free, if nobody else can be holding it.
	if a.store.Alone() {
		if err := a.Gateway.ReleaseNotifications(ctx); err != nil {
			return err
		}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stop = stop
	// Deliveries that are under way end beside the calls that are, not after them: what is
	// left is another's, or of the next start.
	deliveries, stop := context.WithCancel(background)
	a.stopDelivering = stop
	a.working.Go(func() {
		if err := a.notifier.Run(deliveries); err != nil {
			a.log.Error("notifier stopped", "error", err)
		}
	})
	a.working.Go(func() { a.sweep(background) })
	a.working.Go(func() { a.store.Listen(background, func(signal string) { heard(background, signal) }) })
	a.working.Go(func() { a.watch.run(background, a) })
	a.working.Go(func() { a.tally(background) })
	a.working.Go(func() { a.prune(background) })
	if a.messenger != nil {
		a.working.Go(func() { a.messenger.Run(deliveries) })
	}
	a.working.Go(func() { a.signing.follow(background) })
	if a.certificate != nil {
		a.working.Go(func() { a.keepCertificate(background) })
	}
	return nil
}

// mountHealth registers liveness and readiness.
func (a *App) mountHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("GET /readyz", a.readiness)
}

// mountFigures registers what the process tells about itself. A server has it where
// only its operator comes.
func (a *App) mountFigures(mux *http.ServeMux) {
	mux.Handle("GET /metrics", a.metrics.handler())
	mux.Handle("GET /auditz", a.watch)
}

// mountProfiles registers profiles of the process. They cost time and show the
// inside of it.
func mountProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// notFound answers paths of no protocol. It is JSON, because what calls here
// parses the answer whatever its status.
func notFound(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"title":"Not Found","status":404,"detail":"no protocol spoken here has this path"}`)
}
