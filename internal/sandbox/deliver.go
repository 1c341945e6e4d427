package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// Outbound is a dialect's half of the delivery of a notification.
type Outbound interface {
	// Request builds and signs one attempt at the moment now.
	Request(ctx context.Context, client *http.Client, o gateway.Outgoing, now time.Time) (*http.Request, error)
	// Accepted reports why an answer is no acknowledgement, or nil.
	Accepted(o gateway.Outgoing, status int, body []byte) error
}

// Deliver puts the sandbox between a dialect and the merchants it notifies: what is
// built by the result goes to a merchant's listener, if one is on, and suffers what
// scenarios want.
func (s *Sandbox) Deliver(to Outbound) Outbound { return outbound{to, s} }

type outbound struct {
	Outbound
	*Sandbox
}

func (b outbound) Request(ctx context.Context, client *http.Client, o gateway.Outgoing, now time.Time) (*http.Request, error) {
	if l, on := b.listeners.of(o.Merchant.ID); on {
		l.redirect(&o)
	}
	switch fault, id := b.Scenarios.notificationFault(ctx, o); fault {
	case notificationLost:
		return nil, fmt.Errorf("lost on the way to the merchant, as scenario %s wants it", id)
	case notificationDuplicated:
		if err := b.send(ctx, client, o, now); err != nil {
			return nil, err
		}
	case notificationReordered:
		b.overtaking.wait(ctx, o.Merchant.ID)
	}
	return b.Outbound.Request(ctx, client, o, now)
}

// send makes an attempt beside the one that counts. What becomes of it does not matter,
// except that a notification that cannot be built cannot be sent twice.
func (b outbound) send(ctx context.Context, client *http.Client, o gateway.Outgoing, now time.Time) error {
	req, err := b.Outbound.Request(ctx, client, o, now)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (b outbound) Accepted(o gateway.Outgoing, status int, body []byte) error {
	b.overtaking.over(o.Merchant.ID)
	return b.Outbound.Accepted(o, status, body)
}

// overtaking holds notifications back until another one of their merchant has been
// answered.
type overtaking struct {
	mu   sync.Mutex
	held map[gateway.MerchantID][]chan struct{}
}

// holdFor is how long a notification waits to be overtaken. It leaves time for the
// attempt itself, of whose 30 seconds it is a part.
const holdFor = 20 * time.Second

func (h *overtaking) wait(ctx context.Context, id gateway.MerchantID) {
	passed := make(chan struct{})
	h.mu.Lock()
	if h.held == nil {
		h.held = map[gateway.MerchantID][]chan struct{}{}
	}
	h.held[id] = append(h.held[id], passed)
	h.mu.Unlock()
	timer := time.NewTimer(holdFor)
	defer timer.Stop()
	select {
	case <-passed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// over lets all go that were held for a merchant.
func (h *overtaking) over(id gateway.MerchantID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, passed := range h.held[id] {
		close(passed)
	}
	delete(h.held, id)
}
