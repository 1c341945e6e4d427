package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/dialect/snap"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// signingKeysPath publishes the gateway's public keys to merchants.
const signingKeysPath = "/.well-known/gerbang/signing-keys"

// SigningKey is one of the gateway's own RSA key pairs. The first signs from the
// beginning; each later one from a moment that is known before, so that merchants
// can learn of it in time.
type SigningKey struct {
	ID        string    `json:"id"` // of the public key: SHA-256 of its PEM text, shortened
	PublicKey string    `json:"public_key_pem"`
	From      time.Time `json:"signs_from,omitzero"`
	Until     time.Time `json:"signs_until,omitzero"`    // zero while there is no later one
	Accepted  time.Time `json:"accepted_until,omitzero"` // tokens that it signed

	key *rsa.PrivateKey
}

// savedKey is a later key pair in the settings, which are only ever added to.
type savedKey struct {
	PEM   string    `json:"pem"`
	From  time.Time `json:"from"`
	Alone bool      `json:"alone"` // tokens of the earlier ones end then, too
}

func savedKeyName(number int) string { return fmt.Sprintf("%s.%d", settingSigningKey, number) }

// loadSigningKeys reads the key pairs, oldest first, and makes the first if need be.
func loadSigningKeys(ctx context.Context, db *store.Store) ([]SigningKey, error) {
	first, err := keyPair(ctx, db, settingSigningKey)
	if err != nil {
		return nil, err
	}
	list := []SigningKey{{key: first}}
	for {
		text, err := setting(ctx, db, savedKeyName(len(list)+1))
		if err != nil {
			return nil, err
		}
		if text == "" {
			break
		}
		var saved savedKey
		if err := json.Unmarshal([]byte(text), &saved); err != nil {
			return nil, fmt.Errorf("the signing key %d: %w", len(list)+1, err)
		}
		next := SigningKey{From: saved.From}
		if next.key, err = wiresnap.ParsePrivateKey(saved.PEM); err != nil {
			return nil, fmt.Errorf("the signing key %d: %w", len(list)+1, err)
		}
		last := &list[len(list)-1]
		last.Until, last.Accepted = saved.From, saved.From.Add(gateway.DefaultRules.RefreshTokenLife) // no token lives longer
		for i := range list {
			if saved.Alone && list[i].Accepted.After(saved.From) {
				list[i].Accepted = saved.From
			}
		}
		list = append(list, next)
	}
	for i := range list {
		k := &list[i]
		if k.PublicKey, err = wiresnap.EncodePublicKey(&k.key.PublicKey); err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(k.PublicKey))
		k.ID = base64.RawURLEncoding.EncodeToString(sum[:12])
	}
	return list, nil
}

// signing are the gateway's own key pairs in a running process.
type signing struct {
	store *store.Store
	clock gateway.Clock
	log   *slog.Logger

	mu   sync.Mutex
	list []SigningKey
	keys *snap.Keys
	next time.Time // when keys change by themselves, or zero
}

func (a *App) openSigning(ctx context.Context, clock gateway.Clock) error {
	a.signing = &signing{store: a.store, clock: clock, log: a.log}
	return a.signing.reload(ctx)
}

func (s *signing) reload(ctx context.Context) error {
	list, err := loadSigningKeys(ctx, s.store)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(list) != len(s.list) {
		s.list, s.keys = list, nil
	}
	return nil
}

// current are the keys of now.
func (s *signing) current() *snap.Keys {
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys != nil && (s.next.IsZero() || now.Before(s.next)) {
		return s.keys
	}
	s.keys, s.next = &snap.Keys{}, time.Time{}
	for _, k := range s.list {
		for _, change := range []time.Time{k.From, k.Accepted} {
			if change.After(now) && (s.next.IsZero() || change.Before(s.next)) {
				s.next = change
			}
		}
		if k.acceptedAt(now) {
			s.keys.Accept = append(s.keys.Accept, &k.key.PublicKey)
		}
		if !now.Before(k.From) {
			s.keys.Sign = k.key
		}
	}
	return s.keys
}

// acceptedAt reports whether tokens of the key are accepted. Those of a key that does not
// sign yet are: another process may already think that it does.
func (k SigningKey) acceptedAt(now time.Time) bool {
	return k.Accepted.IsZero() || now.Before(k.Accepted)
}

// signingInterval is how late a process may learn of a new key pair.
const signingInterval = 10 * time.Second

// minNotice is the shortest notice of a new key pair: by then all processes know it.
const minNotice = time.Minute

// follow looks for new key pairs until ctx ends.
func (s *signing) follow(ctx context.Context) {
	tick := time.NewTicker(signingInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.reload(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("the signing keys cannot be read; it is tried again", "error", err)
		}
	}
}

type signingKeys struct {
	Keys []SigningKey `json:"keys"`
}

// ServeHTTP publishes the public keys that sign, will sign, or have signed tokens which
// are accepted.
func (s *signing) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	now := s.clock.Now()
	answer := signingKeys{}
	s.mu.Lock()
	for _, k := range s.list {
		if k.acceptedAt(now) {
			answer.Keys = append(answer.Keys, k)
		}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer) // to a client that has gone there is nothing to say
}

// SigningKeys lists the gateway's own key pairs, oldest first.
func SigningKeys(ctx context.Context, i Installation) ([]SigningKey, error) {
	db, err := i.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	list, err := loadSigningKeys(ctx, db)
	return list, errors.Join(err, db.Close())
}

// RotateSigningKey gives an installation a new key pair that signs after a notice of
// at least a minute. Tokens that earlier ones have signed are accepted until they end or,
// when alone, until then.
func RotateSigningKey(ctx context.Context, i Installation, notice time.Duration, alone bool) (k SigningKey, err error) {
	if notice < minNotice {
		return k, fmt.Errorf("all processes must know a key before it signs: give a notice of %s at least", minNotice)
	}
	keys, err := i.masterKey(false)
	if err != nil {
		return k, err
	}
	clock := gateway.SystemClock{}
	db, err := store.Open(ctx, store.Config{URL: i.databaseURL(), Keys: keys, Clock: clock})
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	list, err := loadSigningKeys(ctx, db)
	if err != nil {
		return k, err
	}
	saved := savedKey{From: clock.Now().Add(notice).UTC().Truncate(time.Second), Alone: alone}
	if last := list[len(list)-1]; saved.From.Before(last.From) {
		return k, fmt.Errorf("the key %s is yet to sign, from %s on: give a longer notice than that", last.ID, last.From.Format(time.RFC3339))
	}
	key, err := rsa.GenerateKey(rand.Reader, signingKeyBits)
	if err != nil {
		return k, err
	}
	if saved.PEM, err = wiresnap.EncodePrivateKey(key); err != nil {
		return k, err
	}
	text, err := json.Marshal(saved)
	if err != nil {
		return k, err
	}
	inserted := false
	if err := db.Update(ctx, func(tx gateway.Tx) (err error) {
		inserted, err = tx.InsertSetting(savedKeyName(len(list)+1), string(text))
		return err
	}); err != nil {
		return k, err
	}
	if !inserted {
		return k, errors.New("somebody else has just made a key; look at the list")
	}
	if list, err = loadSigningKeys(ctx, db); err != nil {
		return k, err
	}
	return list[len(list)-1], nil
}
