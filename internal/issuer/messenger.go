package issuer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// MessengerConfig is what a Messenger needs: Gateway, Clock, URL and Secrets.
type MessengerConfig struct {
	Gateway *gateway.Gateway
	Clock   gateway.Clock
	URL     string // of the issuer
	Secrets Secrets
	// Attempted, when set, hears of each attempt and whether the issuer took the message.
	Attempted func(kind gateway.MessageKind, taken bool)
	// Attempting, when set, hears of each attempt that begins. The attempt is made and
	// stored in the context that it returns, and ended hears whether the issuer took the
	// message.
	Attempting func(_ context.Context, id gateway.MessageID, kind gateway.MessageKind, attempt int) (_ context.Context, ended func(taken bool))
	// Through, when set, stands before the network.
	Through func(http.RoundTripper) http.RoundTripper
	Log     *slog.Logger // nil discards
}

const (
	atOnce         = 16               // messages on their way
	attemptTimeout = 10 * time.Second // of one attempt, in real time
	lease          = 20 * time.Second // longer than an attempt and storing what came of it
	pollEvery      = 5 * time.Second  // how long something another process queued may go unnoticed
	drainFor       = 5 * time.Second  // what running attempts get when the Messenger stops
	maxDelay       = 15 * time.Second // between attempts
)

// Messenger delivers messages. Make one with NewMessenger.
type Messenger struct {
	MessengerConfig
	client *http.Client
	group  sync.WaitGroup // the running attempts
}

// NewMessenger makes a Messenger. The issuer's URL is the operator's own word, so it
// may lead anywhere; but what answers may not send the codes elsewhere.
func NewMessenger(c MessengerConfig) *Messenger {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Attempting == nil {
		c.Attempting = func(ctx context.Context, _ gateway.MessageID, _ gateway.MessageKind, _ int) (context.Context, func(bool)) {
			return ctx, func(bool) {}
		}
	}
	var transport http.RoundTripper = &http.Transport{MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 30 * time.Second, DisableCompression: true}
	if c.Through != nil {
		transport = c.Through(transport)
	}
	return &Messenger{MessengerConfig: c, client: &http.Client{
		Timeout:       attemptTimeout,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Run delivers until ctx ends, and then lets running attempts finish for a few seconds.
// What it has to break off is sent again by whoever claims it next.
func (m *Messenger) Run(ctx context.Context) {
	attempts, breakOff := context.WithCancel(context.WithoutCancel(ctx))
	defer breakOff()
	defer m.client.CloseIdleConnections()
	places := make(chan struct{}, atOnce)
	for ctx.Err() == nil {
		free := atOnce - len(places)
		if free == 0 { // until one is
			places <- struct{}{}
			<-places
			continue
		}
		claimed, err := m.Gateway.ClaimMessages(ctx, lease, free)
		if err != nil && ctx.Err() == nil {
			m.Log.Error("messages for the issuer cannot be read; it is tried again", "error", err)
		}
		for _, out := range claimed {
			places <- struct{}{}
			m.group.Go(func() {
				defer func() { <-places }()
				m.deliver(attempts, out)
			})
		}
		if len(claimed) < free {
			m.await(ctx)
		}
	}
	grace := time.AfterFunc(drainFor, breakOff)
	defer grace.Stop()
	m.group.Wait()
}

// await returns once a message may have become due.
func (m *Messenger) await(ctx context.Context) {
	var due <-chan struct{}
	if next, queued, err := m.Gateway.NextMessage(ctx); err == nil && queued {
		reached, stop := m.Clock.At(next)
		defer stop()
		due = reached
	}
	poll := time.NewTimer(pollEvery)
	defer poll.Stop()
	select {
	case <-m.Gateway.MessageQueued():
	case <-due:
	case <-poll.C:
	case <-ctx.Done():
	}
}

// deliver makes one attempt and stores what follows from it. Failing that, the lease
// runs out and the message is sent again, under the same id.
func (m *Messenger) deliver(ctx context.Context, out gateway.OutgoingMessage) {
	log := m.Log.With("message", out.ID, "kind", out.Message.Kind, "subject", out.Subject, "attempt", out.Attempts)
	ctx, ended := m.Attempting(ctx, out.ID, out.Message.Kind, out.Attempts)
	err := m.send(ctx, out)
	defer ended(err == nil)
	if m.Attempted != nil {
		m.Attempted(out.Message.Kind, err == nil)
	}
	stored, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease-attemptTimeout)
	defer cancel()
	if err == nil {
		if err := m.Gateway.MessageDelivered(stored, out.Message); err != nil {
			log.Error("a delivered message stays queued, and is sent again", "error", err)
		}
		return
	}
	log.Warn("the issuer did not take a message", "error", err)
	delay := min(time.Second<<min(out.Attempts-1, 10), maxDelay)
	if err := m.Gateway.RetryMessage(stored, out.Message, m.Clock.Now().Add(delay)); err != nil {
		log.Error("a message is sent again later than it should", "error", err)
	}
}

// send posts a message once. The error says why it is not acknowledged, without what
// it says.
func (m *Messenger) send(ctx context.Context, out gateway.OutgoingMessage) (err error) {
	defer func() {
		if p := recover(); p != nil {
			m.Log.Error("panic with a message", "message", out.ID, "panic", p, "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()
	body, err := json.Marshal(messageOf(out))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	m.Secrets.sign(req.Header, string(out.ID), m.Clock.Now(), body)
	resp, err := m.client.Do(req)
	if err != nil {
		if sending := (*url.Error)(nil); errors.As(err, &sending) {
			err = sending.Err // the rest of it repeats the URL
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection serves again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answered HTTP %d, not 2xx", resp.StatusCode)
	}
	return nil
}

// Types of messages.
const (
	codeCreated   = "code.created"
	promptCreated = "prompt.created"
)

func messageOf(out gateway.OutgoingMessage) any {
	if out.Message.Kind == gateway.MessagePrompt {
		return message[promptData]{promptCreated, out.CreatedAt, promptData{out.Phone, Prompt{
			ID: gateway.PaymentID(out.Subject), Merchant: out.Merchant, InvoiceNumber: out.Reference, Amount: out.Amount, ExpiresAt: out.ExpiresAt,
		}}}
	}
	return message[codeData]{codeCreated, out.CreatedAt, codeData{out.Phone, out.Code, string(out.Purpose), out.Merchant, out.Amount, out.ExpiresAt}}
}
