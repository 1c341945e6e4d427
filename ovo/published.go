package ovo

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// publishedPath is where a Gerbang publishes its public keys.
const publishedPath = "/.well-known/gerbang/signing-keys"

const (
	// keysAge is how old the keys may be that are used without asking again.
	keysAge = time.Minute
	// keysPause is between two times of asking, whoever calls how often.
	keysPause = 5 * time.Second
	// keysPatience bounds one time of asking.
	keysPatience = 10 * time.Second
)

// PublishedKeys are the public keys that a Gerbang publishes, for
// [SNAPReceiverConfig.Published]. They are read when they are needed, and again after
// a minute or when a signature is of none of them: a receiver goes along when the
// gateway replaces its key, without a restart. A key is no longer taken once the
// gateway signs with the next. While the gateway cannot be asked, those that are
// known serve on. It may be used by many goroutines and receivers.
type PublishedKeys struct {
	host host

	mu    sync.Mutex
	asked time.Time
	err   error // of the last time
	keys  []publishedKey
}

type publishedKey struct {
	key   *rsa.PublicKey
	until time.Time // when the next one takes over, or zero
}

// NewPublishedKeys reads keys from the gateway at baseURL, as in [SNAPConfig], when
// they are needed. A nil client stands for one that gives up after ten seconds. Over
// plain http, who is in between could put in keys of their own: for local use only.
func NewPublishedKeys(baseURL string, client *http.Client) (*PublishedKeys, error) {
	to, err := newHost(baseURL, client, keysPatience)
	if err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	return &PublishedKeys{host: to}, nil
}

// at are the keys that may sign at the moment now, read no longer ago than age. With
// an error they are those of before.
func (p *PublishedKeys) at(ctx context.Context, now time.Time, age time.Duration) (keys []*rsa.PublicKey, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		age = keysPause
	}
	if p.asked.IsZero() || now.Sub(p.asked).Abs() >= age {
		read, err := p.read(ctx)
		if p.asked, p.err = now, err; err == nil {
			p.keys = read
		}
	}
	for _, k := range p.keys {
		if k.until.IsZero() || now.Before(k.until.Add(clockWindow)) {
			keys = append(keys, k.key)
		}
	}
	return keys, p.err
}

// read asks the gateway. Who waits for it may hang up: others want to know as well.
func (p *PublishedKeys) read(ctx context.Context) (keys []publishedKey, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysPatience)
	defer cancel()
	r, _, err := p.host.exchange(ctx, http.MethodGet, publishedPath, http.Header{}, nil)
	if err != nil {
		return nil, fmt.Errorf("the gateway's public keys: %w", err)
	}
	var answer struct {
		Keys []struct {
			PEM   string    `json:"public_key_pem"`
			Until time.Time `json:"signs_until"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(r.body, &answer); r.status != http.StatusOK || err != nil || len(answer.Keys) == 0 {
		return nil, fmt.Errorf("the gateway's public keys: HTTP %d with %d bytes, which are no keys", r.status, len(r.body))
	}
	for _, k := range answer.Keys {
		key, err := snap.ParsePublicKey(k.PEM)
		if err != nil {
			return nil, fmt.Errorf("the gateway's public keys: %w", err)
		}
		keys = append(keys, publishedKey{key, k.Until})
	}
	return keys, nil
}
