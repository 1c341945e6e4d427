package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
)

// A new signing key is published before it signs; the older one is accepted as long
// as its tokens live, unless it is somebody else's too. A merchant's receiver that reads
// what is published goes along.
func TestSigningKeysTakeTurns(t *testing.T) {
	t.Parallel()
	i := Installation{DataDir: t.TempDir()}
	keys, err := i.masterKey(true)
	if err != nil {
		t.Fatal(err)
	}
	clock := gateway.NewMovableClock(0)
	db, err := store.Open(t.Context(), store.Config{URL: i.databaseURL(), Keys: keys, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a := &App{store: db, log: slog.New(slog.DiscardHandler)}
	if err := a.openSigning(t.Context(), clock); err != nil {
		t.Fatal(err)
	}
	published := httptest.NewServer(a.signing)
	t.Cleanup(published.Close)
	receives := receiverOf(t, published.URL, clock)
	// signs looks at the keys after some time: which of them signs, how many are
	// accepted, and how many are published.
	signs := func(after time.Duration, number, accepted int) {
		t.Helper()
		clock.Advance(after)
		if err := a.signing.reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, list := a.signing.current(), a.signing.list
		if now.Sign != list[number].key || len(now.Accept) != accepted {
			t.Errorf("at %s: %d accepted, and not %d signs", clock.Now(), len(now.Accept), number)
		}
		if a.signing.current() != now {
			t.Error("the keys changed without a reason")
		}
		w := httptest.NewRecorder()
		a.signing.ServeHTTP(w, nil)
		var published struct{ Keys []SigningKey }
		if err := json.Unmarshal(w.Body.Bytes(), &published); err != nil || len(published.Keys) != accepted || strings.Contains(w.Body.String(), "PRIVATE") {
			t.Errorf("published: %s, %v", w.Body, err)
		}
		if !receives(now.Sign) {
			t.Errorf("at %s: the receiver does not know the key that signs", clock.Now())
		}
	}
	signs(0, 0, 1)
	if _, err := RotateSigningKey(t.Context(), i, time.Second, false); err == nil || !strings.Contains(err.Error(), "1m0s") {
		t.Errorf("no notice: %v", err)
	}
	second, err := RotateSigningKey(t.Context(), i, time.Hour, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := RotateSigningKey(t.Context(), i, time.Minute, false); err == nil || !strings.Contains(err.Error(), second.ID) {
		t.Errorf("before the one that is announced: %v", err)
	}
	signs(0, 0, 2)
	signs(59*time.Minute, 0, 2)
	signs(2*time.Minute, 1, 2)
	if first := a.signing.list[0].key; !receives(first) { // a process with a slow clock may still sign with it
		t.Error("the receiver refuses the key before at once")
	}
	clock.Advance(15 * time.Minute)
	if first := a.signing.list[0].key; receives(first) {
		t.Error("the receiver takes a key that signs no more")
	}
	signs(gateway.DefaultRules.RefreshTokenLife, 1, 1)

	third, err := RotateSigningKey(t.Context(), i, 2*time.Hour, true)
	if err != nil {
		t.Fatal(err)
	}
	signs(5*time.Second, 2, 1) // by this clock its time has come long ago, and the others' is over
	list, err := SigningKeys(t.Context(), i)
	if err != nil || len(list) != 3 || list[1].ID != second.ID || list[2].ID != third.ID || !list[0].Accepted.Equal(third.From) || !list[1].Accepted.Equal(third.From) {
		t.Errorf("%+v, %v", list, err)
	}
}

// receiverOf is a merchant's receiver that reads the gateway's keys from an address. It
// reports whether who signs with a key gets a token.
func receiverOf(t *testing.T, address string, clock gateway.Clock) func(*rsa.PrivateKey) bool {
	t.Helper()
	keys, err := ovo.NewPublishedKeys(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: "BRN-1", SecretKey: "SK-1", PrivateKey: own, Published: keys, TokenPath: "/token", PaymentPath: "/payment", Now: clock.Now,
		OnPayment: func(context.Context, ovo.PaymentNotification) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(key *rsa.PrivateKey) bool {
		t.Helper()
		timestamp := wiresnap.FormatTime(clock.Now())
		signature, err := wiresnap.SignAsymmetric(key, "BRN-1", timestamp)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(`{"grantType":"client_credentials"}`))
		r.Header.Set(wiresnap.HeaderClientKey, "BRN-1")
		r.Header.Set(wiresnap.HeaderTimestamp, timestamp)
		r.Header.Set(wiresnap.HeaderSignature, signature)
		w := httptest.NewRecorder()
		receiver.ServeHTTP(w, r)
		return w.Code == http.StatusOK
	}
}
