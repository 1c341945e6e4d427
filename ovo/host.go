package ovo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// maxAnswer is the largest answer that is read, in bytes.
const maxAnswer = 1 << 20

// clock returns now, or the real clock for nil.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// logger returns log, or one that says nothing for nil.
func logger(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}

func checkMerchant(clientID, secretKey string) error {
	switch {
	case !isWord(clientID):
		return errors.New("ClientID is missing or has blanks in it")
	case secretKey == "":
		return errors.New("SecretKey is missing")
	}
	return nil
}

// host is where requests go.
type host struct {
	base   string // scheme and host
	client *http.Client
}

// newHost checks baseURL. client is copied, so that it may be changed; for nil, one
// is made that gives up after patience.
func newHost(baseURL string, client *http.Client, patience time.Duration) (host, error) {
	base, err := url.Parse(baseURL)
	switch {
	case err != nil:
		return host{}, fmt.Errorf("BaseURL: %w", err)
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "", base.User != nil,
		base.Path != "" && base.Path != "/", base.RawQuery != "", base.Fragment != "":
		return host{}, fmt.Errorf("BaseURL is %q, want scheme and host like %q", baseURL, SNAPProduction)
	}
	own := http.Client{Timeout: patience}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return host{base.Scheme + "://" + base.Host, &own}, nil
}

// reply is an answer as it came.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// trip is what is known of a request whose answer did not come.
type trip struct {
	// sent is false only if it is certain that the request did not leave: the transport
	// asked for a connection and got none. A transport that does not say is not trusted.
	sent bool
	// kept tells that it went over a connection that was left from an earlier request.
	kept bool
}

// answered is a trip that ended with an answer.
var answered = trip{sent: true}

// repeats decide how often a call without an effect is sent again.
type repeats struct{ kept, fresh int }

const (
	// maxKept and maxFresh bound them, by the kind of connection that broke.
	maxKept, maxFresh = 10, 2
	// closing is how long a server that dies may go on taking connections, to break them.
	closing = 100 * time.Millisecond
)

// again tells whether the call may be sent again after the error. When a server goes
// away, connections that were left from earlier break all together, and new ones for a
// moment yet: so those cost nothing, and after a new one there is a pause.
func (n *repeats) again(ctx context.Context, t trip, err error) bool {
	if !broken(ctx, err) {
		return false
	}
	if t.kept {
		n.kept++
		return n.kept <= maxKept
	}
	if n.fresh++; n.fresh > maxFresh {
		return false
	}
	timer := time.NewTimer(closing)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// nobodyThere tells whether an error is the answer of a proxy that found no gateway, or lost
// it in the middle of the call.
func nobodyThere(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "" && (e.Status == http.StatusBadGateway || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusGatewayTimeout)
}

// sentTwice tells whether something on the way has sent a call again whose id, which this
// package made, the gateway calls used: proxies do, when a server dies in the middle of
// it. This is the answer to the second; the first may have been carried out.
func sentTwice(id string, err error) bool { return id == "" && errors.Is(err, ErrConflict) }

// exchange sends one request and reads the whole answer.
func (to host) exchange(ctx context.Context, method, path string, h http.Header, body []byte) (r reply, t trip, err error) {
	var wanted, connected, kept atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { wanted.Store(true) },
		GotConn: func(c httptrace.GotConnInfo) { connected.Store(true); kept.Store(c.Reused) },
	})
	var content io.Reader
	if method != http.MethodGet {
		content = bytes.NewReader(body)
		if h.Get("Content-Type") == "" {
			h.Set("Content-Type", "application/json")
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, to.base+path, content)
	if err != nil {
		return reply{}, trip{}, err
	}
	req.Header = h
	req.Header.Set("Accept", either(h.Get("Content-Type"), "application/json"))
	resp, err := to.client.Do(req)
	if err != nil {
		return reply{}, trip{connected.Load() || !wanted.Load(), kept.Load()}, err
	}
	defer resp.Body.Close()
	r.status, r.header = resp.StatusCode, resp.Header
	if r.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return reply{}, trip{true, kept.Load()}, fmt.Errorf("reading the answer: %w", err)
	}
	return r, trip{true, kept.Load()}, nil
}

// broken tells whether err is a failed connection, and not the end of somebody's
// patience.
func broken(ctx context.Context, err error) bool {
	var timed net.Error
	return ctx.Err() == nil && !(errors.As(err, &timed) && timed.Timeout())
}

// unmarshal reads JSON and takes members of an unexpected type for missing:
// providers write "", [] and {} for what they leave out. Whoever needs a member
// looks whether it is there.
func unmarshal(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return nil
	}
	return err
}

func unreadable(format string, args ...any) error {
	return fmt.Errorf("%w: the answer cannot be read: %s", ErrUnavailable, fmt.Sprintf(format, args...))
}

func invalid(err error) error {
	return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
}

func unknown(err error) error {
	return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}
