package jokul

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// Dialect names this dialect in payments, bindings and notifications.
const Dialect = "jokul"

// Config is what the dialect needs. Gateway, Clock and PageURL are required.
type Config struct {
	Gateway *gateway.Gateway
	Clock   gateway.Clock
	// PageURL is the address at which a customer opens a hosted page.
	PageURL func(gateway.Page) string
	// Draining is closed when the process is about to stop. Push payments that
	// still wait are then answered as pending; they go on without their call.
	Draining <-chan struct{}
	// Note hears why a call was refused and how its signature was judged. Only
	// the sandbox listens.
	Note func(context.Context, wire.Note)
	// Clues helps to find out why a signature is wrong. It goes with Note.
	Clues func(context.Context) wire.Clues
	// Served, when set, hears of each call once it has been answered.
	Served func(context.Context, gateway.Served)
	Log    *slog.Logger
}

// clockWindow is how far a merchant's clock may be off, either way.
const clockWindow = time.Hour

// Handler serves the dialect and encodes its notifications.
type Handler struct {
	Config
	held sync.WaitGroup // calls that wait on a connection of their own
}

// Wait returns when no call is held any more. Once Draining is closed that is at
// once, for the server's own Shutdown does not know these calls.
func (h *Handler) Wait() { h.held.Wait() }

// New makes the dialect.
func New(c Config) *Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{Config: c}
}

// endpoint is one call: the checks that come first, and what answers it.
type endpoint struct {
	name   string
	method string
	admit  func(*call) error
	run    func(*call) (any, error)
	status int // of a success
}

func post(name string, status int, run func(*call) (any, error)) endpoint {
	return endpoint{name, http.MethodPost, (*call).admit, run, status}
}

// endpoints maps each path to its call.
var endpoints = map[string]endpoint{
	jokul.PathBinding:          post("binding", http.StatusCreated, (*call).binding),
	jokul.PathTokens:           post("tokens", http.StatusOK, (*call).tokens),
	jokul.PathBalance:          post("balance", http.StatusCreated, (*call).balance),
	jokul.PathRecurringPayment: post("recurring", http.StatusCreated, (*call).recurringPayment),
	jokul.PathPayment:          post("payment", http.StatusCreated, (*call).payment),
	jokul.PathRefund:           post("refund", http.StatusCreated, (*call).refund),
	jokul.PathUnbinding:        post("unbinding", http.StatusCreated, (*call).unbinding),
	jokul.PathPush:             {"push", http.MethodPost, (*call).admitPush, (*call).push, http.StatusOK},
	jokul.PathVoid:             {"void", http.MethodPost, (*call).admitPush, (*call).void, http.StatusOK},
	jokul.PathStatus:           {"status", http.MethodGet, (*call).admitRead, (*call).status, http.StatusOK},
}

// Mount registers every path, and answers unknown paths of the same families in
// the protocol's own form.
func (h *Handler) Mount(mux *http.ServeMux) {
	for path, e := range endpoints {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, e) })
	}
	// The last one is no family, but would be redirected to the status without an id.
	for _, family := range []string{"/ovo-open-api/", "/tokenization/", "/ovo-emoney/", "/orders/v1/", strings.TrimSuffix(jokul.PathStatus, "/")} {
		mux.HandleFunc(family, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, endpoint{name: gateway.NoOperation}) })
	}
}

// serve runs one call and writes exactly one JSON answer, whatever happens, unless
// the caller has gone.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, e endpoint) {
	c := &call{Handler: h, ctx: r.Context(), w: w, r: r, served: gateway.Served{Dialect: Dialect, Operation: e.name, Result: gateway.ResultDone}}
	answer, err := c.run(func() (any, error) { return c.admitted(e) })
	if id, ok := answer.(waiting); ok && err == nil {
		c.hold(gateway.PaymentID(id), e.status)
		return
	}
	c.finish(e.status, answer, err)
}

// finish writes the answer to a call.
func (c *call) finish(status int, answer any, err error) {
	if err != nil {
		refusal := c.refusal(err)
		if refusal == errGone {
			return
		}
		status, answer = refusal.status, refusal.answer()
		c.served.Code, c.served.Result = refusal.code, resultOf(err)
	}
	body := encode(answer)
	c.keep(status, body)
	c.write(status, body)
	if c.Served != nil {
		c.served.Merchant, c.served.Status = c.merchant.ID, status
		c.Served(c.ctx, c.served)
	}
}

// run catches what panics.
func (c *call) run(fn func() (any, error)) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.ErrorContext(c.ctx, "jokul: call panicked", "path", c.r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			c.claim, err = gateway.Claim{}, gateway.Internal
		}
	}()
	return fn()
}

func (c *call) admitted(e endpoint) (any, error) {
	c.identify()
	switch {
	case e.run == nil:
		return nil, errNoSuchPath
	case c.r.Method != e.method:
		c.w.Header().Set("Allow", e.method)
		return nil, errMethod
	}
	if err := e.admit(c); err != nil {
		return nil, err
	}
	return e.run(c)
}

func encode(answer any) []byte {
	body, err := wire.Encode(answer)
	if err != nil { // answers are plain structs, and what they repeat was parsed
		panic(err)
	}
	return body
}

// write sends the answer. It is signed when it is known who called, refusals
// included.
func (c *call) write(status int, body []byte) {
	header := c.w.Header()
	header.Set("Content-Type", "application/json")
	signed := jokul.Call{
		Method: c.r.Method, Target: c.r.RequestURI, ClientID: c.clientID(), RequestID: c.requestID, Timestamp: jokul.FormatTime(c.Clock.Now()),
	}
	header.Set(jokul.HeaderResponseTimestamp, signed.Timestamp)
	if signed.ClientID != "" {
		header.Set(jokul.HeaderClientID, signed.ClientID)
	}
	if signed.RequestID != "" {
		header.Set(jokul.HeaderRequestID, signed.RequestID)
	}
	if c.merchant.ID != "" {
		header.Set(jokul.HeaderSignature, jokul.SignResponse(c.merchant.DOKU.SecretKey, signed, body))
	}
	c.w.WriteHeader(status)
	c.w.Write(body)
}

// clientID is the id under which the caller is known or calls itself.
func (c *call) clientID() string {
	if c.merchant.ID != "" {
		return c.merchant.DOKU.ClientID
	}
	return c.r.Header.Get(jokul.HeaderClientID)
}
