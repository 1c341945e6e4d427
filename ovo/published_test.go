package ovo_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
	"github.com/gerbang-pay/gerbang/ovo/ovotest"
)

// publisher is a gateway that publishes keys, and counts who asks.
type publisher struct {
	t      testing.TB
	url    string
	answer atomic.Value // string
	asked  atomic.Int64
}

func newPublisher(t testing.TB) *publisher {
	t.Helper()
	p := &publisher{t: t}
	p.answer.Store("")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		text := p.answer.Load().(string)
		if r.Method != http.MethodGet || r.URL.Path != "/.well-known/gerbang/signing-keys" || text == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// published is a key and until when it signs.
type published struct {
	key   *rsa.PrivateKey
	until time.Time
}

func (p *publisher) publish(keys ...published) {
	p.t.Helper()
	type one struct {
		ID    string    `json:"id"`
		PEM   string    `json:"public_key_pem"`
		Until time.Time `json:"signs_until,omitzero"`
	}
	list := struct {
		Keys []one `json:"keys"`
	}{}
	for _, k := range keys {
		text, err := snap.EncodePublicKey(&k.key.PublicKey)
		if err != nil {
			p.t.Fatal(err)
		}
		list.Keys = append(list.Keys, one{"id", text, k.until})
	}
	text, err := json.Marshal(list)
	if err != nil {
		p.t.Fatal(err)
	}
	p.answer.Store(string(text))
}

// signedBy asks the shop for a token with a key's signature.
func (s *shop) signedBy(key *rsa.PrivateKey) string {
	s.t.Helper()
	code, _ := s.send(s.tokenRequest(key, clientID, s.clock.Now()))
	return code
}

const (
	given  = "2007300"
	denied = "4017300"
	unsure = "5007300"
)

func TestReceiverTakesSeveralKeys(t *testing.T) {
	t.Parallel()
	second, foreign := newKey(), newKey()
	s := newShop(t, func(c *ovo.SNAPReceiverConfig) { c.GatewayPublicKeys = append(c.GatewayPublicKeys, &second.PublicKey) })
	for key, want := range map[*rsa.PrivateKey]string{gatewayKey(): given, second: given, foreign: denied} {
		if got := s.signedBy(key); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A receiver follows the keys that its gateway publishes: it takes the next one as soon
// as that is there, and the old one no longer than it may sign.
func TestReceiverFollowsPublishedKeys(t *testing.T) {
	t.Parallel()
	p, s := publishing(t)
	old, next, foreign := gatewayKey(), newKey(), newKey()
	expect := func(when string, key *rsa.PrivateKey, want string, asked int64) {
		t.Helper()
		if got := s.signedBy(key); got != want || p.asked.Load() != asked {
			t.Errorf("%s: %s, want %s; asked %d times, want %d", when, got, want, p.asked.Load(), asked)
		}
	}
	expect("nothing is known", old, unsure, 1)
	p.publish(published{key: old})
	expect("it is not asked again at once", old, unsure, 1)
	s.clock.Advance(5 * time.Second)
	expect("the first", old, given, 2)
	for range 20 {
		expect("a forger makes nobody ask", foreign, denied, 2)
	}
	takesOver := s.clock.Now().Add(time.Minute)
	p.publish(published{old, takesOver}, published{key: next})
	s.clock.Advance(4 * time.Second)
	expect("too soon to ask", next, denied, 2)
	s.clock.Advance(time.Second)
	expect("the next, at once", next, given, 3)
	expect("the old one still", old, given, 3)
	s.clock.Advance(5 * time.Second)
	expect("a forger makes it ask once", foreign, denied, 4)
	expect("and not again", foreign, denied, 4)

	p.answer.Store(`{"keys":[]}`) // which is no answer
	s.clock.Advance(time.Minute)
	expect("what is known serves on", next, given, 5)
	expect("it need not ask for that", next, given, 5)
	s.clock.Advance(takesOver.Add(15*time.Minute - time.Second).Sub(s.clock.Now()))
	expect("the old one, by a slow clock", old, given, 6)
	s.clock.Advance(time.Second)
	expect("the old one, later", old, unsure, 6) // it could not be asked, so nobody knows
	p.publish(published{old, takesOver}, published{key: next})
	s.clock.Advance(5 * time.Second)
	expect("the old one, known to be old", old, denied, 7)
	expect("the next", next, given, 7)
	p.publish(published{key: next})
	s.clock.Advance(59 * time.Second)
	expect("not a minute later", next, given, 7)
	s.clock.Advance(time.Second)
	expect("a minute later", next, given, 8)
}

// What is no key, or too weak, is not taken for one.
func TestPublishedKeysAreKeys(t *testing.T) {
	t.Parallel()
	p, s := publishing(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p.publish(published{key: gatewayKey()}, published{key: weak})
	if got := s.signedBy(weak); got != unsure {
		t.Errorf("a weak key: %s", got)
	}
	for _, answer := range []string{"<html>", `{"keys":[{"public_key_pem":"x"}]}`, `{"keys":{}}`} {
		p.answer.Store(answer)
		s.clock.Advance(5 * time.Second)
		if got := s.signedBy(gatewayKey()); got != unsure {
			t.Errorf("%s: %s", answer, got)
		}
	}
	if _, err := ovo.NewPublishedKeys("gateway.test", nil); err == nil {
		t.Error("an address without a scheme was taken")
	}
}

// A real gateway's keys are read from where it publishes them.
func TestReceiverWithASandboxesKeys(t *testing.T) {
	t.Parallel()
	box := ovotest.New(t)
	keys, err := ovo.NewPublishedKeys(box.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	bound := make(chan ovo.BindingNotification, 1)
	c := box.SNAPReceiverConfig()
	c.GatewayPublicKeys, c.Published, c.PaymentPath = nil, keys, ""
	c.OnBinding = func(_ context.Context, n ovo.BindingNotification) error { bound <- n; return nil }
	receiver, err := ovo.NewSNAPReceiver(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	box.Notify(ovotest.URLsAt(server.URL))
	binding, err := box.SNAP().Bind(t.Context(), ovo.BindRequest{
		Phone: box.NewWallet(100_000, 0).Number, CustomerID: "cust-1", SuccessURL: okURL, FailureURL: failURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	box.Complete(binding.RedirectURL)
	select {
	case n := <-bound:
		if n.AuthCode != binding.AuthCode {
			t.Errorf("heard of %+v", n)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("heard of nothing")
	}
}

// publishing is a shop whose gateway publishes nothing yet.
func publishing(t testing.TB) (*publisher, *shop) {
	t.Helper()
	p := newPublisher(t)
	keys, err := ovo.NewPublishedKeys(p.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, newShop(t, func(c *ovo.SNAPReceiverConfig) { c.GatewayPublicKeys, c.Published = nil, keys })
}
