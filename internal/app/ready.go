package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// readiness tells whether an App can do its work, so that a proxy sends calls where
// they can be served. It looks when it is asked, but not more than once a second,
// and answers in time whatever the database does.
type readiness struct {
	app *App

	mu      sync.Mutex
	checks  []check
	checked time.Time     // by the machine's clock; zero before the first time
	running chan struct{} // closed when a look that has begun is over, nil between looks
	away    time.Duration // of this machine's clock from the database's
}

// check is one thing that must hold.
type check struct {
	name    string
	problem string // in words for people; "" while it holds
}

const (
	readyFor   = time.Second     // how long a verdict stands
	readyAfter = 2 * time.Second // how long one is waited for
)

// settingReady is when a process last wrote to the database to see whether it can.
const settingReady = "ready_at"

// now returns a verdict that is not older than readyFor.
func (r *readiness) now() []check {
	r.mu.Lock()
	if r.running == nil {
		if age := (gateway.SystemClock{}).Now().Sub(r.checked); age < readyFor {
			defer r.mu.Unlock()
			return r.checks
		}
		r.running = make(chan struct{})
		go r.look(r.running)
	}
	running := r.running
	r.mu.Unlock()

	patience := time.NewTimer(readyAfter)
	defer patience.Stop()
	select {
	case <-running:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.checks
	case <-patience.C:
		return []check{{"serving", r.serving()}, {"database", fmt.Sprintf("it has not answered for %s", readyAfter)}}
	}
}

// look makes all checks.
func (r *readiness) look(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*readyAfter)
	defer cancel()
	checks := []check{{"serving", r.serving()}}
	holds := func(name, problem string, err error) {
		if err == nil {
			problem = ""
		} else {
			r.app.log.Error("not ready", "check", name, "problem", problem, "error", err)
		}
		checks = append(checks, check{name, problem})
	}
	holds("notifier", "notifications are not being delivered", r.app.notifier.Alive())
	var away time.Duration
	err := r.app.Gateway.Ready(ctx)
	holds("database", "it does not answer", err)
	if err == nil { // else the others would say no more than that
		holds("writes", "the database takes no writes", r.app.store.Update(ctx, func(tx gateway.Tx) error {
			return tx.SetSetting(settingReady, gateway.SystemClock{}.Now().UTC().Format(time.RFC3339))
		}))
		holds("schema", "the database lacks a migration of this build", r.app.store.CheckSchema(ctx))
		if away, err = r.app.store.Skew(ctx); err == nil && away > store.MaxSkew {
			err = fmt.Errorf("the clocks are %s apart", away)
		}
		holds("clock", "this machine's clock and the database's differ; set both by the same time servers", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks, r.away, r.checked, r.running = checks, away, gateway.SystemClock{}.Now(), nil
	close(done)
}

// serving is a problem once the App has begun to stop.
func (r *readiness) serving() string {
	select {
	case <-r.app.drain:
		return "the process is about to stop"
	default:
		return ""
	}
}

// skew is how far the clocks were apart at the last look.
func (r *readiness) skew() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.away
}

func ready(checks []check) bool {
	for _, c := range checks {
		if c.problem != "" {
			return false
		}
	}
	return true
}

// ServeHTTP answers 200 and "ready", or 503 and a line for each thing that does not hold.
func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	checks := r.now()
	w.Header().Set("Cache-Control", "no-store")
	if ready(checks) {
		fmt.Fprintln(w, "ready")
		return
	}
	text := strings.Builder{}
	text.WriteString("not ready\n")
	for _, c := range checks {
		if c.problem != "" {
			fmt.Fprintf(&text, "%s: %s\n", c.name, c.problem)
		}
	}
	http.Error(w, strings.TrimSuffix(text.String(), "\n"), http.StatusServiceUnavailable)
}
