package faspay

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"golang.org/x/time/rate"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// Dialect names this dialect in payments, bindings and notifications.
const Dialect = "faspay"

// Config is what the dialect needs. Gateway, Clock and PageURL are required.
type Config struct {
	Gateway *gateway.Gateway
	Clock   gateway.Clock
	// PageURL is the address at which a customer opens a hosted page.
	PageURL func(gateway.Page) string
	Paths   faspay.Paths         // zero takes faspay.DefaultPaths
	TopUp   []faspay.Instruction // the ways to fill a wallet
	Rate    int                  // calls a merchant may make in a second, MinRate or more; 0 takes 200
	Burst   int                  // calls a merchant may make at once, Rate or more; 0 takes twice Rate
	// Note hears why a call was refused and how its signature was judged. Only
	// the sandbox listens.
	Note func(context.Context, wire.Note)
	// Clues helps to find out why a signature is wrong. It goes with Note.
	Clues func(context.Context) wire.Clues
	// Served, when set, hears of each call once it has been answered.
	Served func(context.Context, gateway.Served)
	Log    *slog.Logger
}

// MinRate is the least that Config.Rate may be.
const MinRate = 100

const defaultRate = 200

// Handler serves the dialect and encodes its notifications.
type Handler struct {
	Config
	limits limits
}

// New makes the dialect. It fails when paths or rate cannot work.
func New(c Config) (*Handler, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Paths.Numbers == nil && c.Paths.JSON == nil && c.Paths.XML == nil {
		c.Paths = faspay.DefaultPaths()
	}
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	if c.Burst == 0 {
		c.Burst = 2 * c.Rate
	}
	if c.Rate < MinRate || c.Burst < c.Rate {
		return nil, fmt.Errorf("faspay: a rate of %d calls a second and a burst of %d: the rate must be at least %d, and the burst not below it", c.Rate, c.Burst, MinRate)
	}
	if err := c.Paths.Check(); err != nil {
		return nil, err
	}
	return &Handler{Config: c, limits: limits{rate: rate.Limit(c.Rate), burst: c.Burst}}, nil
}

// services maps each service to its handler.
var services = map[faspay.Service]func(*call) (any, error){
	faspay.ServiceActivation: (*call).activation,
	faspay.ServicePayment:    (*call).payment,
	faspay.ServiceTopUp:      (*call).topUp,
	faspay.ServiceBalance:    (*call).balance,
	faspay.ServiceHistory:    (*call).history,
	faspay.ServiceUnlink:     (*call).unlink,
	faspay.ServiceInquiry:    (*call).inquiry,
	faspay.ServiceCancel:     (*call).cancel,
}

// Mount registers the roots of all paths. What is under them and is no path of a
// service is answered in the protocol's own form.
func (h *Handler) Mount(mux *http.ServeMux) {
	for root, format := range h.Paths.Roots() {
		mux.HandleFunc(root, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, format) })
	}
}

// serve runs one call and writes exactly one answer, whatever happens. The format
// is for a path that is no service's.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, format faspay.Format) {
	c := &call{Handler: h, ctx: r.Context(), w: w, r: r, route: faspay.Route{Format: format},
		served: gateway.Served{Dialect: Dialect, Operation: gateway.NoOperation, Code: faspay.CodeSuccess, Result: gateway.ResultDone}}
	answer, err := c.run()
	status := http.StatusOK
	if err != nil {
		refusal := c.refusal(err)
		status, answer = refusal.status, refusal.answer(c.merchant)
		c.served.Code, c.served.Result = refusal.code, resultOf(err)
	}
	body, err := faspay.Encode(c.route.Format, answer)
	if err != nil { // what answers repeat was parsed, and merchants' names are checked
		h.Log.ErrorContext(c.ctx, "faspay: answer not encoded", "path", r.URL.Path, "error", err)
		internal := c.refusal(gateway.Internal)
		status, c.served.Code, c.served.Result = internal.status, internal.code, gateway.ResultFault
		body, _ = faspay.Encode(c.route.Format, internal.answer(c.merchant))
	}
	w.Header().Set("Content-Type", c.route.Format.ContentType())
	w.WriteHeader(status)
	w.Write(body)
	if h.Served != nil {
		c.served.Merchant, c.served.Status = c.merchant.ID, status
		h.Served(c.ctx, c.served)
	}
}

// run finds and runs the service, and catches what panics.
func (c *call) run() (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.ErrorContext(c.ctx, "faspay: call panicked", "path", c.r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			err = gateway.Internal
		}
	}()
	route, found := c.Paths.Find(c.r.URL.Path)
	if !found {
		return nil, errNoSuchPath
	}
	c.route = route
	switch {
	case c.r.Method != http.MethodPost:
		c.w.Header().Set("Allow", http.MethodPost)
		return nil, errMethod
	case c.route.Service == "":
		return nil, errNoSuchService
	}
	c.served.Operation = string(c.route.Service)
	if err := c.admit(); err != nil {
		return nil, err
	}
	return services[c.route.Service](c)
}
