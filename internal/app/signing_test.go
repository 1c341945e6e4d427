package app

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// A new signing key is published before it signs; the older one is accepted as long
// as its tokens live, unless it is somebody else's too.
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
	signs(gateway.DefaultRules.RefreshTokenLife, 1, 1)

	third, err := RotateSigningKey(t.Context(), i, 2*time.Hour, true)
	if err != nil {
		t.Fatal(err)
	}
	signs(0, 2, 1) // by this clock its time has come long ago, and the others' is over
	list, err := SigningKeys(t.Context(), i)
	if err != nil || len(list) != 3 || list[1].ID != second.ID || list[2].ID != third.ID || !list[0].Accepted.Equal(third.From) || !list[1].Accepted.Equal(third.From) {
		t.Errorf("%+v, %v", list, err)
	}
}
