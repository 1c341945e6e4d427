package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// TLSFiles name a certificate with its chain, and its key, in PEM.
type TLSFiles struct{ Certificate, Key string }

// load reads the files. An expired certificate is refused.
func (f TLSFiles) load() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, err
	}
	if cert.Leaf == nil {
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, err
		}
	}
	if now := (gateway.SystemClock{}).Now(); now.After(cert.Leaf.NotAfter) {
		return nil, fmt.Errorf("the certificate ended on %s", cert.Leaf.NotAfter.Format(time.DateOnly))
	}
	return &cert, nil
}

// version changes when one of the files does.
func (f TLSFiles) version() (v [2]time.Time, err error) {
	for i, name := range []string{f.Certificate, f.Key} {
		info, err := os.Stat(name)
		if err != nil {
			return v, err
		}
		v[i] = info.ModTime()
	}
	return v, nil
}

// certificate is the one in use. It is safe for concurrent use.
type certificate struct {
	files   TLSFiles
	mu      sync.RWMutex
	current *tls.Certificate
	seen    [2]time.Time // version of the files when they were read last
}

// reload reads the files anew. When they cannot be used, what was in use stays so.
func (c *certificate) reload() error {
	seen, err := c.files.version()
	var next *tls.Certificate
	if err == nil {
		next, err = c.files.load()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = seen
	if err == nil {
		c.current = next
	}
	return err
}

// refresh reloads when a file has changed since it was read.
func (c *certificate) refresh() (changed bool, err error) {
	now, err := c.files.version()
	c.mu.RLock()
	same := now == c.seen
	c.mu.RUnlock()
	if err != nil || same {
		return false, err
	}
	return true, c.reload()
}

// config accepts TLS 1.3 only.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.mu.RLock()
		defer c.mu.RUnlock()
		if c.current == nil {
			return nil, errors.New("no certificate")
		}
		return c.current, nil
	}}
}

// certificateInterval is how often the certificate's files are looked at.
const certificateInterval = 10 * time.Second

// keepCertificate follows the certificate's files until ctx ends.
func (a *App) keepCertificate(ctx context.Context) {
	tick := time.NewTicker(certificateInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		a.logReload(a.certificate.refresh())
	}
}

// Reload reads again what may change while the server runs: the certificate.
func (a *App) Reload() {
	if a.certificate != nil {
		a.logReload(true, a.certificate.reload())
	}
}

func (a *App) logReload(changed bool, err error) {
	switch {
	case err != nil:
		a.log.Error("the new certificate cannot be used; the one before stays", "error", err)
	case changed:
		a.log.Info("certificate read anew")
	}
}
