package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// shopEncoder stands for a dialect whose notifications are references.
type shopEncoder struct{ url string }

func (e shopEncoder) Request(ctx context.Context, _ *http.Client, o gateway.Outgoing, _ time.Time) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(o.Payment.Reference))
}

func (shopEncoder) Accepted(gateway.Outgoing, int, []byte) error { return nil }

// A notification is lost, sent twice or overtaken as scenarios want it, and only then.
func TestNotificationFaults(t *testing.T) {
	t.Parallel()
	b := open(t)
	received := make(chan string, 16)
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received <- string(body)
	}))
	defer shop.Close()
	out := b.sandbox.Deliver(shopEncoder{shop.URL})
	outgoing := func(reference string, kind gateway.EventKind) gateway.Outgoing {
		return gateway.Outgoing{Merchant: b.merchant, Event: gateway.Event{Kind: kind}, Payment: gateway.Payment{Reference: reference}}
	}
	send := func(reference string) error {
		o := outgoing(reference, gateway.EventPaymentSucceeded)
		req, err := out.Request(t.Context(), b.client, o, time.Time{})
		if err != nil {
			return err
		}
		resp, err := b.client.Do(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		return out.Accepted(o, resp.StatusCode, nil)
	}
	got := func() string {
		var all []string
		for len(received) > 0 {
			all = append(all, <-received)
		}
		return strings.Join(all, " ")
	}

	b.api("POST", "/scenarios", `{"match":{"operation":"notification","reference":"A"},"outcome":{"notification":"lost"}}`, 201)
	if err := send("B"); err != nil || got() != "B" {
		t.Errorf("another: %v", err)
	}
	if err := send("A"); err == nil || !strings.Contains(err.Error(), "scn_000001") || got() != "" {
		t.Errorf("lost: %v", err)
	}
	if err := send("A"); err != nil || got() != "A" {
		t.Errorf("the next attempt: %v", err)
	}
	b.api("POST", "/scenarios", `{"match":{"operation":"notification","event":"payment.succeeded"},"outcome":{"notification":"duplicated"}}`, 201)
	if err := send("C"); err != nil || got() != "C C" {
		t.Errorf("duplicated: %v", err)
	}

	b.api("POST", "/scenarios", `{"match":{"operation":"notification"},"outcome":{"notification":"reordered"}}`, 201)
	var first sync.WaitGroup
	var held error
	first.Go(func() { held = send("D") })
	for len(at(t, b.api("GET", "/scenarios", "", 200), "scenarios").([]any)) > 0 { // until it is held
	}
	err := send("E")
	first.Wait()
	if err := errors.Join(err, held); err != nil {
		t.Fatal(err)
	}
	if text := got(); text != "E D" {
		t.Errorf("reordered: %s", text)
	}
}
