package app

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// WithStore puts a store between the gateway and the database.
func (c Config) WithStore(wrap func(gateway.Store) gateway.Store) Config {
	c.seams.store = wrap
	return c
}

// WithNetwork replaces the machine's network.
func (c Config) WithNetwork(listen func(network, address string) (net.Listener, error), dial func(ctx context.Context, network, address string) (net.Conn, error)) Config {
	c.seams.listen, c.seams.dial = listen, dial
	return c
}

// WithClock replaces the machine's clock.
func (c Config) WithClock(machine gateway.Clock) Config {
	c.seams.clock = machine
	return c
}

// Patient is what stands before all that is served.
func Patient(next http.Handler, wait time.Duration) http.Handler { return patient(next, wait) }

// RefreshCertificate looks at the certificate's files, as happens every few seconds.
func RefreshCertificate(a *App) (changed bool, err error) { return a.certificate.refresh() }

// FlushTraces sends the spans that have ended.
func FlushTraces(a *App) { _ = a.traces.provider.ForceFlush(context.Background()) }
