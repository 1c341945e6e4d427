package backoffice

import (
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/web"
)

//go:embed web
var files embed.FS

// Config is what a back office needs. Gateway and Clock are required.
type Config struct {
	Gateway *gateway.Gateway
	Clock   gateway.Clock
	// Dialects are the names of the protocols spoken here. Numbers that merchants
	// give are looked for within each.
	Dialects []string
	// SignIn makes people sign in. Without it, whoever reaches the pages is an
	// operator: for a sandbox on a developer's own machine.
	SignIn bool
	// BaseURL is how browsers reach this server. With https, cookies are sent over
	// TLS only.
	BaseURL string
	// Address is where a request comes from, for the trail and the limit on signing
	// in; nil takes the connection's. Behind a proxy it is for who knows the proxy.
	Address func(*http.Request) string
	Log     *slog.Logger // nil discards
}

// Office serves the pages under /backoffice.
type Office struct {
	Config
	secure    bool // cookies over TLS only
	host      string
	templates map[web.Language]*template.Template
	limit     limiter
}

// New makes a back office.
func New(c Config) *Office {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Address == nil {
		c.Address = connectionAddress
	}
	o := &Office{Config: c, templates: map[web.Language]*template.Template{}}
	if u, err := url.Parse(c.BaseURL); err == nil {
		o.secure, o.host = u.Scheme == "https", u.Host
	}
	for _, l := range web.Languages {
		o.templates[l] = web.Templates(words(l).funcs(), files, "web/*.html")
	}
	return o
}

// right is something that a role may do.
type right string

const (
	public        right = "public"         // anybody
	signedIn      right = "signed in"      // whoever has signed in
	seeBook       right = "see book"       // payments, bindings, notifications, settlement, merchants: within the scope
	seeAll        right = "see all"        // wallets, ledger, audit: not divided by merchant
	refund        right = "refund"         //
	resend        right = "resend"         //
	blockWallets  right = "block wallets"  //
	keepMerchants right = "keep merchants" // create, change, rotate secrets
	keepUsers     right = "keep users"     // create, disable, reset; and see the trail
)

var rights = map[gateway.Role][]right{
	gateway.RoleViewer:   {signedIn, seeBook, seeAll},
	gateway.RoleSupport:  {signedIn, seeBook, seeAll, refund, resend},
	gateway.RoleOperator: {signedIn, seeBook, seeAll, refund, resend, blockWallets, keepMerchants, keepUsers},
	gateway.RoleMerchant: {signedIn, seeBook, refund, resend},
}

// route is one page or form.
type route struct {
	pattern string // below /backoffice
	needs   right
	handle  func(*visit) error
}

var routes = []route{
	{"GET /{$}", seeBook, (*visit).overview},
	{"GET /find", seeBook, (*visit).find},

	{"GET /sign-in", public, (*visit).signInPage},
	{"POST /sign-in", public, (*visit).signIn},
	{"POST /sign-out", signedIn, (*visit).signOut},
	{"GET /account", signedIn, (*visit).account},
	{"POST /account", signedIn, (*visit).changePassword},
	{"POST /account/second-factor", signedIn, (*visit).beginFactor},
	{"POST /account/second-factor/confirm", signedIn, (*visit).confirmFactor},
	{"POST /account/sessions", signedIn, (*visit).endSession},

	{"GET /payments", seeBook, (*visit).payments},
	{"GET /payments.csv", seeBook, (*visit).exportPayments},
	{"GET /payments/{id}", seeBook, (*visit).payment},
	{"POST /payments/{id}/refund", refund, (*visit).refund},

	{"GET /bindings", seeBook, (*visit).bindings},
	{"GET /bindings/{id}", seeBook, (*visit).binding},

	{"GET /notifications", seeBook, (*visit).notifications},
	{"POST /notifications/resend", resend, (*visit).resendFailed},
	{"GET /notifications/{id}", seeBook, (*visit).notification},
	{"POST /notifications/{id}/resend", resend, (*visit).resend},

	{"GET /settlement", seeBook, (*visit).settlements},
	{"GET /settlement.csv", seeBook, (*visit).exportSettlements},
	{"GET /settlement/{merchant}/{day}", seeBook, (*visit).settlement},

	{"GET /merchants", seeBook, (*visit).merchants},
	{"POST /merchants", keepMerchants, (*visit).createMerchant},
	{"GET /merchants/{id}", seeBook, (*visit).merchant},
	{"POST /merchants/{id}", keepMerchants, (*visit).updateMerchant},
	{"POST /merchants/{id}/rotate", keepMerchants, (*visit).rotate},
	{"POST /merchants/{id}/public-key", keepMerchants, (*visit).rotatePublicKey},

	{"GET /wallets", seeAll, (*visit).wallets},
	{"GET /wallets/{phone}", seeAll, (*visit).wallet},
	{"POST /wallets/{phone}/status", blockWallets, (*visit).setWalletStatus},

	{"GET /ledger", seeAll, (*visit).ledger},
	{"GET /ledger/{id}", seeAll, (*visit).transfer},
	{"GET /audit", seeAll, (*visit).auditPage},
	{"POST /audit", seeAll, (*visit).audit},

	{"GET /users", keepUsers, (*visit).users},
	{"POST /users", keepUsers, (*visit).createUser},
	{"POST /users/{id}", keepUsers, (*visit).changeUser},
	{"GET /trail", keepUsers, (*visit).trail},
}

// root is where the back office lives.
const root = "/backoffice"

// Mount registers the pages.
func (o *Office) Mount(mux *http.ServeMux) {
	for _, rt := range routes {
		method, path, _ := strings.Cut(rt.pattern, " ")
		mux.HandleFunc(method+" "+root+path, func(w http.ResponseWriter, r *http.Request) { o.visit(w, r, rt) })
	}
	mux.HandleFunc("GET "+root, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, root+"/", http.StatusSeeOther) })
	mux.HandleFunc(root+"/", func(w http.ResponseWriter, r *http.Request) {
		o.visit(w, r, route{needs: signedIn, handle: func(*visit) error { return gateway.NotFound }})
	})
}

// navigation is the entries of the menu, each for who may follow it.
var navigation = []struct {
	path, text string
	needs      right
}{
	{"/", "Overview", seeBook}, {"/payments", "Payments", seeBook}, {"/bindings", "Bindings", seeBook}, {"/notifications", "Notifications", seeBook},
	{"/settlement", "Settlement", seeBook}, {"/merchants", "Merchants", seeBook}, {"/wallets", "Wallets", seeAll}, {"/ledger", "Ledger", seeAll},
	{"/audit", "Audit", seeAll}, {"/users", "Users", keepUsers}, {"/trail", "Trail", keepUsers},
}
