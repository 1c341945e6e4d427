package snap

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/recent"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Dialect names this dialect in payments, bindings and notifications.
const Dialect = "snap"

// Config is what the dialect needs. All but Note, Clues and Log are required.
type Config struct {
	Gateway *gateway.Gateway
	Clock   gateway.Clock
	// Key is the gateway's own key pair. It signs the tokens issued here and the
	// calls to merchants' token endpoints.
	Key *rsa.PrivateKey
	// Keys, when set, is asked at each use instead: for keys that are replaced while the
	// server runs. It returns the same pointer until something has changed.
	Keys func() *Keys
	// PageURL is the address at which a customer opens a hosted page.
	PageURL func(gateway.Page) string
	// Archived offers the archived paths as well.
	Archived bool
	// StrictOverride lets a payment override its notification URL only with one
	// that has the path of the configured URL, as DOKU documents for its other API.
	StrictOverride bool
	// Note hears why a call was refused and how its signature was judged. Only
	// the sandbox listens.
	Note func(context.Context, wire.Note)
	// Clues helps to find out why a signature is wrong. It goes with Note.
	Clues func(context.Context) wire.Clues
	// Served, when set, hears of each call once it has been answered.
	Served func(context.Context, gateway.Served)
	Log    *slog.Logger
}

// Keys are the gateway's own key pairs at a moment.
type Keys struct {
	Sign   *rsa.PrivateKey
	Accept []*rsa.PublicKey // verify tokens issued here, under Sign and before it
}

// B2BTokenLife is how long a B2B token serves.
const B2BTokenLife = 15 * time.Minute

// clockWindow is how far a merchant's clock may be off, either way.
const clockWindow = 15 * time.Minute

// Handler serves the dialect and encodes its notifications.
type Handler struct {
	Config
	verified atomic.Pointer[verified]
	tokens   merchantTokens
}

// verified are tokens that were verified under some keys.
type verified struct {
	keys  *Keys
	known *recent.Map[[sha256.Size]byte, snap.Claims]
}

// New makes the dialect.
func New(c Config) *Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Keys == nil {
		only := &Keys{Sign: c.Key, Accept: []*rsa.PublicKey{&c.Key.PublicKey}}
		c.Keys = func() *Keys { return only }
	}
	return &Handler{Config: c}
}

// knownTokens is how many tokens are kept in memory at least.
const knownTokens = 10_000

// parseToken is snap.ParseToken for the gateway's own tokens. A token is used for
// many calls, and to verify it costs more than all the rest of a call's checks: what
// it says is remembered by its digest. Whether it has expired is for the caller to judge.
func (h *Handler) parseToken(token string) (snap.Claims, error) {
	v, keys := h.verified.Load(), h.Keys()
	if v == nil || v.keys != keys { // what a key that is gone has verified must go with it
		v = &verified{keys, recent.New[[sha256.Size]byte, snap.Claims](knownTokens)}
		h.verified.Store(v)
	}
	digest := sha256.Sum256([]byte(token))
	if claims, ok := v.known.Get(digest); ok {
		return claims, nil
	}
	claims, err := snap.ParseToken(keys.Accept, token)
	if err == nil {
		v.known.Put(digest, claims)
	}
	return claims, err
}

// operations names the services.
var operations = map[snap.Service]string{
	snap.ServiceNone:       gateway.NoOperation,
	snap.ServiceTokenB2B:   "token",
	snap.ServiceTokenB2B2C: "customer-token",
	snap.ServiceBinding:    "binding",
	snap.ServiceBalance:    "balance",
	snap.ServicePayment:    "payment",
	snap.ServiceStatus:     "status",
	snap.ServiceRefund:     "refund",
	snap.ServiceUnbinding:  "unbinding",
}

// endpoints maps each service to the call that answers it.
var endpoints = map[snap.Service]func(*call) (any, error){
	snap.ServiceTokenB2B:   (*call).tokenB2B,
	snap.ServiceTokenB2B2C: (*call).tokenB2B2C,
	snap.ServiceBinding:    (*call).binding,
	snap.ServiceBalance:    (*call).balance,
	snap.ServicePayment:    (*call).payment,
	snap.ServiceStatus:     (*call).status,
	snap.ServiceRefund:     (*call).refund,
	snap.ServiceUnbinding:  (*call).unbinding,
}

// Mount registers every path, and answers unknown paths of the same families in
// the protocol's own form.
func (h *Handler) Mount(mux *http.ServeMux) {
	for _, route := range snap.Routes {
		if route.Archived && !h.Archived {
			continue
		}
		mux.HandleFunc(route.Path, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, route.Service) })
	}
	for _, family := range []string{"/authorization/", "/direct-debit/", "/orders/v1.0/"} {
		mux.HandleFunc(family, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, snap.ServiceNone) })
	}
}

// serve runs one call and writes exactly one JSON answer, whatever happens.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, service snap.Service) {
	c := &call{Handler: h, ctx: r.Context(), r: r, service: service}
	var answer any
	err := error(errNoSuchPath)
	func() {
		defer func() {
			if p := recover(); p != nil {
				h.Log.ErrorContext(c.ctx, "snap: call panicked", "service", service, "panic", p, "stack", string(debug.Stack()))
				err = refused(gateway.Internal, service)
			}
		}()
		if endpoint, ok := endpoints[service]; ok {
			if err = c.admit(w); err == nil {
				answer, err = endpoint(c)
			}
		}
	}()
	served := gateway.Served{Status: http.StatusOK, Code: snap.Code(http.StatusOK, service, "00"), Result: gateway.ResultDone}
	if err != nil {
		refusal := c.refusal(err)
		refused := refusal.answer(service)
		served = gateway.Served{Status: refusal.status, Code: refused.ResponseCode, Result: resultOf(err)}
		answer = refused
	}
	c.write(w, served.Status, answer)
	if h.Served != nil {
		served.Dialect, served.Operation, served.Merchant = Dialect, operations[service], c.merchant.ID
		h.Served(c.ctx, served)
	}
}

func (c *call) write(w http.ResponseWriter, status int, answer any) {
	body, err := wire.Encode(answer)
	if err != nil { // answers are plain structs
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set(snap.HeaderTimestamp, snap.FormatTime(c.Clock.Now()))
	if c.isTokenCall() {
		w.Header().Set(snap.HeaderClientKey, c.r.Header.Get(snap.HeaderClientKey))
	}
	w.WriteHeader(status)
	w.Write(body)
}
