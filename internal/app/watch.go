package app

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// watch checks the ledger while it grows: after a start the whole book from its
// beginning, and then what comes, a few seconds behind. It finds no less than what
// can be seen in one transfer; for the rest there is the audit.
type watch struct {
	mu      sync.Mutex
	last    string // transfer that was checked last
	checked int64
	current bool // nothing waits to be checked
	failing string
	broken  []gateway.Invariant
}

// What bounds the cost of watching: batches begin a second apart or, while more waits to
// be checked than a batch takes, after a pause that leaves it a tenth of one core.
const (
	watchInterval = time.Second
	watchBatch    = 2000
	watchPause    = 9   // times what the batch took
	maxBroken     = 100 // findings that are kept to be shown; the log has all
)

// run checks until ctx ends.
func (w *watch) run(ctx context.Context, a *App) {
	var clock gateway.SystemClock
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		began := clock.Now()
		if w.look(ctx, a); w.current || w.failing != "" { // written by look alone
			pause.Reset(watchInterval)
		} else {
			pause.Reset(min(watchInterval, watchPause*clock.Now().Sub(began)))
		}
	}
}

func (w *watch) look(ctx context.Context, a *App) {
	last, checked, broken, err := a.store.Watch(ctx, w.last, watchBatch)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failing = ""
	if err != nil {
		if ctx.Err() == nil {
			w.failing = "the ledger cannot be read"
			a.log.Error("the ledger cannot be watched; it is tried again", "error", err)
		}
		return
	}
	w.last, w.current = last, checked < watchBatch
	w.checked += int64(checked)
	for _, b := range broken {
		a.log.Error("the book is broken", "invariant", b.ID, "rule", b.Rule, "transfers", b.Keys)
	}
	if len(w.broken) < maxBroken {
		w.broken = append(w.broken, broken...)
	}
}

// state is what watching has found, with how often each invariant was broken.
func (w *watch) state() (checked int64, current, failing bool, broken map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	broken = map[string]int{}
	for _, b := range w.broken {
		broken[b.ID] += b.Broken
	}
	return w.checked, w.current, w.failing != "", broken
}

// watchView is the JSON form of what watching has found.
type watchView struct {
	OK      bool         `json:"ok"`
	Checked int64        `json:"checked"` // transfers since the start
	Current bool         `json:"current"` // all but those of the last seconds
	Problem string       `json:"problem,omitempty"`
	Broken  []brokenView `json:"broken"`
}

type brokenView struct {
	Invariant string   `json:"invariant"`
	Rule      string   `json:"rule"`
	Transfers []string `json:"transfers"`
}

// ServeHTTP answers 200 while everything that was checked is whole, and else 500.
func (w *watch) ServeHTTP(rw http.ResponseWriter, _ *http.Request) {
	w.mu.Lock()
	view := watchView{OK: len(w.broken) == 0 && w.failing == "", Checked: w.checked, Current: w.current, Problem: w.failing, Broken: []brokenView{}}
	for _, b := range w.broken {
		view.Broken = append(view.Broken, brokenView{b.ID, b.Rule, slices.Clone(b.Keys)})
	}
	w.mu.Unlock()
	body, err := json.Marshal(view)
	if err != nil { // a plain struct
		panic(err)
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	if !view.OK {
		rw.WriteHeader(http.StatusInternalServerError)
	}
	rw.Write(body)
}
