package sandbox

import (
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/jsonapi"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// Config is what a sandbox needs. All members are required but ReturnURL, World,
// SnapshotDir, Scenarios, Journey, BackOffice, FaspayPaths, Draining and Log.
type Config struct {
	Gateway  *gateway.Gateway
	Clock    *gateway.MovableClock
	BaseURL  string
	Version  string
	Database string                    // as shown to people
	PageURL  func(gateway.Page) string // where a customer opens a hosted page
	// ReturnURL is as in the pages' own configuration, or nil.
	ReturnURL func(context.Context, gateway.PageView) string
	// Key signs the gateway's tokens and calls, and PublicKeyPEM verifies them.
	Key          *rsa.PrivateKey
	PublicKeyPEM string
	// SeedKey is the key pair of the seeded merchant, the same after every reset.
	SeedKey *rsa.PrivateKey
	// NoSeed leaves the sandbox empty on start and after a reset.
	NoSeed bool
	// World is what else a fresh sandbox contains, or nil.
	World *World
	// SaveOffset keeps the clock's offset over a restart.
	SaveOffset func(context.Context, time.Duration) error
	// SnapshotDir is where named snapshots are kept; "" for none.
	SnapshotDir string
	// Scenarios are those whose Force the gateway was given.
	Scenarios *Scenarios
	// Journey, when set, plays the demo against this sandbox and tells out about it.
	Journey func(ctx context.Context, out io.Writer) error
	// BackOffice is the address of the back office, or "".
	BackOffice string
	// FaspayPaths are those of the dialect; none stand for the documented ones.
	FaspayPaths faspay.Paths
	// Draining is closed when the server is about to stop; streams of events end then.
	Draining <-chan struct{}
	Log      *slog.Logger
}

// Sandbox serves the control API and the pages for people.
type Sandbox struct {
	Config
	requests   requestLog
	listeners  listeners
	overtaking overtaking
	journey    journey
	streams    atomic.Int64 // of events, open now
}

// New makes a sandbox.
func New(c Config) *Sandbox {
	if c.FaspayPaths.Numbers == nil {
		c.FaspayPaths = faspay.DefaultPaths()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Scenarios == nil {
		c.Scenarios = NewScenarios()
	}
	c.Scenarios.attach(c.Gateway)
	return &Sandbox{Config: c}
}

// Mount registers the control API and the pages.
func (s *Sandbox) Mount(mux *http.ServeMux) {
	s.mountPages(mux)
	s.mountShop(mux)
	for pattern, handle := range s.calls() {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+root+path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, handle) })
	}
	for pattern, handle := range s.streamCalls() {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+root+path, handle)
	}
	mux.HandleFunc("/sandbox/", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, func(r *http.Request) (any, error) {
			return nil, problem(http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path+" in the sandbox API")
		})
	})
}

// root is what the paths of the control API begin with.
const root = "/sandbox/v1"

// calls maps each call to what answers it. describe.go describes them.
func (s *Sandbox) calls() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		"GET /info": s.info,

		"GET /merchants":        s.listMerchants,
		"POST /merchants":       s.createMerchant,
		"GET /merchants/{id}":   s.getMerchant,
		"PATCH /merchants/{id}": s.patchMerchant,

		"GET /wallets":                            s.listWallets,
		"POST /wallets":                           s.createWallet,
		"GET /wallets/{phone}":                    s.getWallet,
		"PATCH /wallets/{phone}":                  s.patchWallet,
		"POST /wallets/{phone}/topup":             s.topUpWallet,
		"POST /wallets/{phone}/status":            s.setWalletStatus,
		"POST /wallets/{phone}/number":            s.changeNumber,
		"POST /wallets/{phone}/links/{id}/unlink": s.unlink,

		"POST /wallets/{phone}/prompts/{id}/approve": s.approvePrompt,
		"POST /wallets/{phone}/prompts/{id}/decline": s.declinePrompt,

		"POST /pages/complete": s.completePage,

		"GET /scenarios":         s.listScenarios,
		"POST /scenarios":        s.createScenario,
		"DELETE /scenarios/{id}": s.deleteScenario,

		"GET /clock":          s.getClock,
		"POST /clock/advance": s.advanceClock,

		"GET /payments":                   s.listPayments,
		"GET /payments/{id}":              s.getPayment,
		"POST /payments/{id}/refund":      s.refundPayment,
		"POST /payments/{id}/reverse":     s.reversePayment,
		"GET /notifications":              s.listNotifications,
		"GET /notifications/{id}":         s.getNotification,
		"POST /notifications/{id}/resend": s.resendNotification,

		"GET /requests":      s.listRequests,
		"GET /requests/{id}": s.getRequest,

		"GET /listeners": s.listListeners,

		"GET /snapshots":              s.listSnapshots,
		"POST /snapshots":             s.saveSnapshot,
		"POST /snapshots/{name}/load": s.loadSnapshot,
		"DELETE /snapshots/{name}":    s.deleteSnapshot,

		"POST /audit": s.audit,
		"POST /reset": s.reset,
	}
}

// streamCalls are those that are answered with server-sent events.
func (s *Sandbox) streamCalls() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /listeners":      s.listen,
		"GET /requests/events": s.streamRequests,
	}
}

func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, handle func(*http.Request) (any, error)) {
	r.Body = http.MaxBytesReader(w, r.Body, wire.MaxBody)
	var answer any
	var err error
	if site := r.Header.Get("Sec-Fetch-Site"); r.Method != http.MethodGet && (site == "cross-site" || site == "same-site") {
		// Any page that a developer visits could otherwise reset the sandbox.
		err = problem(http.StatusForbidden, "a page of another site may not do this")
	} else {
		answer, err = handle(r)
	}
	jsonapi.AnswerOf(r, s.Log, answer, err).Write(w)
}

func created(body any) any { return jsonapi.Created(body) }

type problemDetails = jsonapi.Problem

func problem(status int, detail string) error { return jsonapi.Refuse(status, detail) }

func (s *Sandbox) problemOf(r *http.Request, err error) *problemDetails {
	return jsonapi.ProblemOf(r, s.Log, err)
}

func decode(r *http.Request, into any) error { return jsonapi.Decode(r.Body, into) }

// limitOf reads the query's limit, 1 to 500.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 500 {
		return 0, problem(http.StatusBadRequest, "limit is a number from 1 to 500")
	}
	return n, nil
}

// phoneOf is the phone that the path names. A magic one has its wallet from now on.
func (s *Sandbox) phoneOf(r *http.Request) (gateway.Phone, error) {
	phone, err := parsePhone(r.PathValue("phone"))
	if err == nil {
		err = openMagic(r.Context(), s.Gateway, phone)
	}
	return phone, err
}

func parsePhone(text string) (gateway.Phone, error) { return issuer.ParsePhone(text) }

// when is a time as shown, nil for the zero time.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Sandbox) info(*http.Request) (any, error) {
	return infoAnswer{s.Version, "sandbox", s.Database, s.Clock.Now().UTC(), s.BaseURL}, nil
}

func (s *Sandbox) getClock(*http.Request) (any, error) {
	return clockAnswer{s.Clock.Now().UTC(), s.Clock.Offset().String()}, nil
}

// maxAdvance bounds one step of the clock, which cannot go back.
const maxAdvance = 10 * 365 * 24 * time.Hour

func (s *Sandbox) advanceClock(r *http.Request) (any, error) {
	var in clockStep
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	by, err := time.ParseDuration(in.By)
	if err != nil || by <= 0 || by > maxAdvance {
		return nil, problem(http.StatusBadRequest, `by is how far to go forward, such as "71s", "30m" or "6h", ten years at most`)
	}
	// What falls due must have been acted on when the answer arrives, so that a
	// test can look at once.
	if err := s.SaveOffset(r.Context(), s.Clock.Offset()+by); err != nil {
		return nil, err
	}
	s.Clock.Advance(by)
	if _, err := s.Gateway.ExpireDue(r.Context()); err != nil {
		return nil, err
	}
	return s.getClock(r)
}

type invariantView struct {
	ID     string `json:"id"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (s *Sandbox) audit(r *http.Request) (any, error) {
	verdicts, err := s.Gateway.Audit(r.Context())
	if err != nil {
		return nil, err
	}
	ok := true
	list := make([]invariantView, 0, len(verdicts))
	for _, v := range verdicts {
		view := invariantView{v.ID, v.OK, v.Rule}
		if !v.OK {
			ok = false
			view.Detail = fmt.Sprintf("%s: broken by %d rows, first %q", v.Rule, v.Broken, v.Keys)
		}
		list = append(list, view)
	}
	return auditAnswer{ok, list}, nil
}

func (s *Sandbox) reset(r *http.Request) (any, error) {
	if err := s.Gateway.Erase(r.Context()); err != nil {
		return nil, err
	}
	if err := s.SaveOffset(r.Context(), 0); err != nil {
		return nil, err
	}
	s.Clock.Reset()
	s.requests.clear()
	s.Scenarios.clear()
	if err := s.Seed(r.Context()); err != nil {
		return nil, err
	}
	return okAnswer{true}, nil
}
