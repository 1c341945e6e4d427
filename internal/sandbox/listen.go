package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// listener is where a merchant's notifications go in place of the merchant's own
// addresses, as long as the call that asked for it stays open. Nothing of it is
// stored: whatever becomes of who listens, the merchant is as before.
type listener struct {
	Merchant gateway.MerchantID `json:"merchant"` // its id
	URL      string             `json:"url"`      // scheme, host and port
	// Path is where all notifications go; "" keeps the path of the merchant's own
	// address, which the signature covers.
	Path string `json:"path"`
	// TokenPath is where the call for the merchant's token goes, likewise.
	TokenPath string `json:"token_path"`
}

// listenerTokenPath is where a listener gets the call for the merchant's token when
// the merchant has no address for it.
const listenerTokenPath = "/gerbang/token"

func (l listener) redirect(o *gateway.Outgoing) {
	at := func(own, path, missing string) string {
		if u, err := url.Parse(own); path == "" && err == nil && own != "" {
			path = u.RequestURI()
		}
		if path == "" {
			path = missing
		}
		return l.URL + path
	}
	d, f := &o.Merchant.DOKU, &o.Merchant.Faspay
	for _, to := range []*string{&d.NotificationURL, &d.SNAP.NotificationURL, &d.SNAP.BindingNotificationURL, &f.NotificationURL, &f.ActivationURL} {
		*to = at(*to, l.Path, "/")
	}
	d.SNAP.TokenURL = at(d.SNAP.TokenURL, l.TokenPath, listenerTokenPath)
	if o.Payment.NotifyURL != "" {
		o.Payment.NotifyURL = at(o.Payment.NotifyURL, l.Path, "/")
	}
}

// listeners are the listeners that are on, one a merchant.
type listeners struct {
	mu sync.Mutex
	on map[gateway.MerchantID]listener
}

func (l *listeners) of(id gateway.MerchantID) (listener, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.on[id]
	return found, ok
}

// add reports false when the merchant has a listener.
func (l *listeners) add(one listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.on[one.Merchant]; taken {
		return false
	}
	if l.on == nil {
		l.on = map[gateway.MerchantID]listener{}
	}
	l.on[one.Merchant] = one
	return true
}

func (l *listeners) all() []listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.on), func(a, b listener) int { return strings.Compare(string(a.Merchant), string(b.Merchant)) })
}

func (s *Sandbox) listListeners(*http.Request) (any, error) {
	return listenersAnswer{append([]listener{}, s.listeners.all()...)}, nil
}

func (l *listeners) remove(id gateway.MerchantID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.on, id)
}

// listenPulse is how often a listener is told that the sandbox is alive.
const listenPulse = 5 * time.Second

// listen turns a merchant's notifications to the caller until the caller hangs up.
// The answer is a stream of server-sent events: "listening" once the listener is on.
func (s *Sandbox) listen(w http.ResponseWriter, r *http.Request) {
	var l listener
	open := func(r *http.Request) (any, error) {
		if err := decode(r, &l); err != nil {
			return nil, err
		}
		m, err := s.Gateway.Merchant(r.Context(), l.Merchant)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(l.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" || u.RawQuery != "" {
			return nil, problem(http.StatusBadRequest, fmt.Sprintf("url: %q is no http or https address without a path", l.URL))
		}
		for name, path := range map[string]string{"path": l.Path, "token_path": l.TokenPath} {
			if path != "" && path[0] != '/' {
				return nil, problem(http.StatusBadRequest, fmt.Sprintf("%s: %q does not begin with a slash", name, path))
			}
		}
		if !s.listeners.add(l) {
			return nil, problem(http.StatusConflict, m.Name+" is being listened to already; stop the other listener first")
		}
		return m.Name, nil
	}
	name, err := open(r)
	if err != nil {
		s.serve(w, r, func(*http.Request) (any, error) { return nil, err })
		return
	}
	defer s.listeners.remove(l.Merchant)

	connection := http.NewResponseController(w)
	// The server's limit on slow senders would end the stream.
	if err := connection.SetReadDeadline(time.Time{}); err != nil {
		s.Log.Error("sandbox: listener not opened", "error", err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	message := fmt.Sprintf("event: listening\ndata: %s\n\n", name)
	pulse := time.NewTicker(listenPulse)
	defer pulse.Stop()
	for {
		if _, err := w.Write([]byte(message)); err != nil {
			return
		}
		if err := connection.Flush(); err != nil {
			return
		}
		message = ":\n\n"
		select {
		case <-pulse.C:
		case <-r.Context().Done():
			return
		case <-s.Draining:
			return
		}
	}
}
