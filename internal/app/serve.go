package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/backoffice"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/notify"
	"github.com/gerbang-pay/gerbang/internal/openapi"
	"github.com/gerbang-pay/gerbang/internal/pages"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/web"
	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// ServeConfig says how to serve for real. Check says what of it cannot be used.
type ServeConfig struct {
	Installation
	Listen  Listen
	BaseURL string // as customers' browsers and merchants reach the server; https
	// OfficeURL is how browsers reach the back office; default BaseURL.
	OfficeURL string
	TLS       TLSFiles // none where a proxy ends TLS
	Proxies   []string // addresses and ranges of reverse proxies
	Issuer    Issuer
	// AdminExposed takes an admin address that is not this machine's or a private
	// network's.
	AdminExposed bool
	// SecondFactor says which people of the back office must have one; default everybody.
	SecondFactor gateway.Demand
	// BreachedPasswords is a directory or an address with passwords that nobody may
	// choose, as Pwned Passwords has them; "" knows none.
	BreachedPasswords string
	Version           string
	PINCost           gateway.PINCost // default gateway.DefaultPINCost
	Faspay            FaspayConfig
	Traces            Traces
	Log               *slog.Logger // default discards

	seams seams
}

// Listen is the addresses to listen on. Those that are equal share a listener, but
// for Admin. Where Office is "", there is no back office.
type Listen struct {
	API    string // merchants' calls
	Pages  string // customers' pages; default API
	Issuer string // the issuer's calls; default API
	Office string // the back office
	Admin  string // health, and all that is for the operator's machines alone
}

// Issuer is whoever runs the wallets, and brings codes and prompts to the phones.
type Issuer struct {
	URL        string // takes messages; https, or http on this machine
	Secret     string // shared with the issuer, as issuer.ParseSecrets reads it; "" reads SecretFile
	SecretFile string
}

// secrets reads what is shared with the issuer.
func (i Issuer) secrets() (issuer.Secrets, error) {
	text := i.Secret
	if text == "" {
		content, err := os.ReadFile(i.SecretFile)
		if err != nil {
			return nil, err
		}
		text = string(content)
	}
	if slices.Contains(strings.Fields(text), publishedSecret) {
		return nil, errors.New("the secret is an example, which everybody knows")
	}
	return issuer.ParseSecrets(text)
}

// publishedSecret is the example of Standard Webhooks' documentation.
const publishedSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// maxListeners bounds how many listeners an App may have.
const maxListeners = 8

// Serve starts a server for real and returns once it serves. What Check refuses
// comes back as Problems.
func Serve(ctx context.Context, c ServeConfig) (*App, error) {
	c = c.withDefaults()
	if problems := c.Check(); len(problems) > 0 {
		return nil, problems
	}
	keys, err := c.masterKey(false)
	if err != nil {
		return nil, err
	}
	clock := c.seams.machine()
	db, err := store.Open(ctx, store.Config{URL: c.databaseURL(), Keys: keys, Clock: clock, Machine: clock, Log: c.Log})
	if err != nil {
		return nil, err
	}
	a := newApp(db, c.Version, c.Log)
	a.BaseURL = c.BaseURL
	if a.traces, err = c.Traces.open(ctx, a.id, c.Version, c.Log); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a.Gateway = gateway.New(gateway.Config{
		Store: a.traces.store(c.seams.wrap(db), c.databaseURL()), Clock: clock, Keys: keys, PINCost: c.PINCost, Messages: true, Signal: db.Signal,
		Factor: c.SecondFactor, Breached: breachedIn(c.BreachedPasswords),
	})
	if err := a.startServer(ctx, c, clock); err != nil {
		a.traces.stop(ctx)
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

func (c ServeConfig) withDefaults() ServeConfig {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Faspay.Paths.Numbers == nil {
		c.Faspay.Paths = wirefaspay.ProductionPaths()
	}
	if c.SecondFactor == "" {
		c.SecondFactor = gateway.DemandEverybody
	}
	c.BaseURL = trimSlash(c.BaseURL)
	if c.OfficeURL = trimSlash(c.OfficeURL); c.OfficeURL == "" {
		c.OfficeURL = c.BaseURL
	}
	return c
}

func (a *App) startServer(ctx context.Context, c ServeConfig, clock gateway.Clock) (err error) {
	proxies, err := parseProxies(c.Proxies)
	if err != nil {
		return err
	}
	if err := claimProfile(ctx, a.store, profileProduction); err != nil {
		return err
	}
	if err := a.refuseWeakSecrets(ctx); err != nil {
		return err
	}
	var secure *tls.Config
	if c.TLS != (TLSFiles{}) {
		a.certificate = &certificate{files: c.TLS}
		if err := a.certificate.reload(); err != nil {
			return err
		}
		secure = a.certificate.config()
	}
	if err := a.openSigning(ctx, clock); err != nil {
		return err
	}
	listeners, err := c.open()
	if err != nil {
		return err
	}
	muxes, err := a.buildServer(ctx, c, clock)
	if err != nil {
		for _, l := range listeners {
			err = errors.Join(err, l.Close())
		}
		return err
	}
	for address, listener := range listeners {
		if address == c.Listen.Admin {
			a.serve(listener, muxes[address], nil)
		} else {
			a.serve(listener, proxies.front(secure != nil, muxes[address]), secure)
		}
	}
	a.Listening = c.Listen
	return nil
}

// all is where each of the addresses is kept.
func (l *Listen) all() []*string { return []*string{&l.API, &l.Pages, &l.Issuer, &l.Office, &l.Admin} }

// open opens the listeners, by the addresses they got, which replace those that
// were asked for. Equal addresses share one, but any free port is another each time.
func (c *ServeConfig) open() (map[string]net.Listener, error) {
	asked, listeners := map[string]string{}, map[string]net.Listener{}
	for _, address := range c.Listen.all() {
		if *address == "" && (address == &c.Listen.Pages || address == &c.Listen.Issuer) {
			*address = c.Listen.API
		}
		if got, open := asked[*address]; open {
			*address = got
		}
		if *address == "" || listeners[*address] != nil {
			continue
		}
		listener, err := c.seams.listener(*address)
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return nil, fmt.Errorf("cannot listen on %s: %w", *address, err)
		}
		got := listener.Addr().String()
		listeners[got] = listener
		if !strings.HasSuffix(*address, ":0") {
			asked[*address] = got
		}
		*address = got
	}
	return listeners, nil
}

// buildServer makes the graph and sets it to work. It returns what is to be served
// on each address.
func (a *App) buildServer(ctx context.Context, c ServeConfig, clock gateway.Clock) (map[string]*http.ServeMux, error) {
	spoken, err := a.speak(clock, c.Faspay, nil)
	if err != nil {
		return nil, err
	}
	secrets, err := c.Issuer.secrets()
	if err != nil {
		return nil, err
	}
	a.messenger = issuer.NewMessenger(a.traces.ofMessenger(issuer.MessengerConfig{
		Gateway: a.Gateway, Clock: clock, URL: c.Issuer.URL, Secrets: secrets, Attempted: a.metrics.messaged, Log: a.log,
	}))
	a.notifier = notify.New(a.traces.ofNotifier(notify.Config{
		Gateway: a.Gateway, Clock: clock, Dial: c.seams.dial, Attempted: a.metrics.attempted, Log: a.log,
		Dialects: spoken.outbound(func(to notify.Outbound) notify.Outbound { return to }),
	}))

	muxes := map[string]*http.ServeMux{}
	for _, address := range c.Listen.all() {
		if *address == "" || muxes[*address] != nil {
			continue
		}
		muxes[*address] = http.NewServeMux()
		a.mountHealth(muxes[*address])
		if *address != c.Listen.API {
			muxes[*address].HandleFunc("/", notFound)
		}
	}
	muxes[c.Listen.API].Handle("GET /openapi.json", openapi.Handler(openapi.Info{Version: c.Version, BaseURL: c.BaseURL, Detail: aboutServer}, func() []openapi.Call {
		return slices.Concat(spoken.describe(), issuer.Describe(), describeHealth())
	}))
	muxes[c.Listen.API].Handle("/", a.observed(spoken.mux()))
	pages.New(pages.Config{Gateway: a.Gateway, ReturnURL: spoken.tokenize.ReturnURL, Through: a.traces.pages, Log: a.log}).Mount(muxes[c.Listen.Pages])
	wallets := http.NewServeMux()
	issuer.NewAPI(issuer.APIConfig{Gateway: a.Gateway, Clock: clock, Secrets: secrets, Served: a.accountForIssuer, Log: a.log}).Mount(wallets)
	muxes[c.Listen.Issuer].Handle(issuer.Root+"/", a.observed(wallets))
	if office := muxes[c.Listen.Office]; office != nil {
		backoffice.New(backoffice.Config{
			Gateway: a.Gateway, Clock: clock, Dialects: dialectNames, SignIn: true, BaseURL: c.OfficeURL, Log: a.log,
		}).Mount(office)
		web.MountAssets(office)
	}
	a.mountFigures(muxes[c.Listen.Admin])
	mountProfiles(muxes[c.Listen.Admin])
	if err := a.work(ctx, func(_ context.Context, signal string) { a.Gateway.Heard(signal) }); err != nil {
		return nil, err
	}
	return muxes, nil
}
