package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/web"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Limits on streams of events. A browser opens an ended one again.
const (
	maxStreams = 100
	maxParts   = 16
	streamLife = 10 * time.Minute
	// pollInterval is how late a change is seen that another process made.
	pollInterval = 500 * time.Millisecond
	// calmInterval keeps a busy sandbox from looking all the time.
	calmInterval = 100 * time.Millisecond
)

// follow runs look when the stream opens, after changes of this process, and twice
// a second. It ends with the request, with an error of look, or before the server
// stops.
func (s *Sandbox) follow(w http.ResponseWriter, r *http.Request, look func(context.Context, *web.Stream) error) error {
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		return &gateway.Error{Code: gateway.Busy, Detail: "too many pages are being watched"}
	}
	defer s.streams.Add(-1)
	ctx, cancel := context.WithTimeout(r.Context(), streamLife)
	defer cancel()
	committed, stop := s.Gateway.Watch()
	defer stop()
	called, stop := s.requests.feed.Watch()
	defer stop()
	stream, err := web.OpenStream(w)
	if err != nil {
		return err
	}
	calm, tick := time.NewTicker(calmInterval), time.NewTicker(pollInterval)
	defer calm.Stop()
	defer tick.Stop()
	for {
		if look(ctx, stream) != nil {
			return nil // the visitor has left, or a new connection is told why
		}
		select {
		case <-calm.C:
		case <-ctx.Done():
			return nil
		case <-s.Draining:
			return nil
		}
		select {
		case <-committed:
		case <-called:
		case <-tick.C:
			if stream.Ping() != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		case <-s.Draining:
			return nil
		}
	}
}

// events tells a page which of its parts have changed. The page says in shown what
// it shows: the id of each part, a colon, and its version.
func (v *visit) events() error {
	shown := v.r.URL.Query()["shown"]
	if len(shown) > maxParts {
		return problem(http.StatusBadRequest, "a page has fewer parts")
	}
	versions := map[string]string{}
	for _, text := range shown {
		id, version, _ := strings.Cut(text, ":")
		if _, err := v.versionOfPart(v.r.Context(), id); err != nil {
			return err
		}
		versions[id] = version
	}
	return v.follow(v.w, v.r, func(ctx context.Context, stream *web.Stream) error {
		for id, version := range versions {
			now, err := v.versionOfPart(ctx, id)
			if err != nil {
				return err
			}
			if now == version {
				continue
			}
			versions[id] = now
			if err := stream.Send("changed", id); err != nil {
				return err
			}
		}
		return nil
	})
}

// versionOfPart names the state that a part of a page shows. A part's id begins
// with its kind.
func (s *Sandbox) versionOfPart(ctx context.Context, id string) (string, error) {
	kind, name, _ := strings.Cut(id, "-")
	switch kind {
	case "phone":
		phone, err := parsePhone(name)
		if err != nil {
			return "", err
		}
		p, err := s.phoneNow(ctx, phone)
		return s.versionOf(p), err
	case "calls":
		return s.requests.version(), nil
	case "call":
		r, _ := s.requests.get(name)
		return s.versionOf(r.finished), nil
	case "payments":
		list, err := s.Gateway.Payments(ctx, "", pageSize)
		return s.versionOf(list), err
	case "payment":
		d, err := s.paymentDetail(ctx, gateway.PaymentID(name))
		return s.versionOf(d), err
	case "journey":
		return s.versionOf(s.journey.now()), nil
	}
	return "", &gateway.Error{Code: gateway.NotFound}
}

// versionOf names a state, the clock's position included.
func (s *Sandbox) versionOf(shown any) string {
	body, err := wire.Encode([]any{shown, s.Clock.Offset()})
	if err != nil { // plain structs
		panic(err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}

// streamRequests tells programs of each call to a protocol as it ends, from now on,
// by the filters of the list.
func (s *Sandbox) streamRequests(w http.ResponseWriter, r *http.Request) {
	fail := func(err error) {
		s.serve(w, r, func(*http.Request) (any, error) { return nil, err })
	}
	f, err := s.requestFilter(r.Context(), r.URL.Query())
	if err != nil {
		fail(err)
		return
	}
	told := map[int]bool{} // calls that have been told of, or were over before
	for _, e := range s.requests.find(maxRequests, func(e *request) bool { return e.finished }) {
		told[e.number] = true
	}
	err = s.follow(w, r, func(_ context.Context, stream *web.Stream) error {
		fresh := s.requests.find(maxRequests, func(e *request) bool { return e.finished && !told[e.number] })
		for i := len(fresh) - 1; i >= 0; i-- { // the oldest first
			told[fresh[i].number] = true
			if !f.match(&fresh[i]) {
				continue
			}
			body, err := wire.Encode(fresh[i])
			if err == nil {
				err = stream.Send("request", string(body))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		fail(err)
	}
}
