package gateway

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Merchant is a shop that takes OVO payments, with its credentials at each
// provider it speaks to.
type Merchant struct {
	ID        MerchantID
	Name      string
	CreatedAt time.Time
	DOKU      DOKU
	Faspay    Faspay
	CallRate  int // calls a second, over all protocols; 0 takes Rules.CallRate
}

// DOKU is what a merchant has agreed with DOKU. Secrets are sealed at rest.
type DOKU struct {
	ClientID        string // unique; empty when the merchant does not use DOKU
	SecretKey       string // key of symmetric signatures
	PublicKeyPEM    string // verifies the merchant's asymmetric signatures
	PrivateKeyPEM   string // only for key pairs that the sandbox made
	NotificationURL string // non-SNAP payments
	SNAP            SNAPEndpoints

	// OldSecretKey is the key that a rotation replaced. It verifies like SecretKey
	// until OldSecretUntil, so that a merchant can change over without a gap. So does
	// OldPublicKeyPEM until OldPublicKeyUntil.
	OldSecretKey      string
	OldSecretUntil    time.Time
	OldPublicKeyPEM   string
	OldPublicKeyUntil time.Time
}

// VerifyingKeys are the secrets that may sign a call at the moment now, the
// current one first.
func (d DOKU) VerifyingKeys(now time.Time) []string {
	return verifying(d.SecretKey, d.OldSecretKey, d.OldSecretUntil, now)
}

// VerifyingPublicKeys are the public keys that may verify a call at the moment now, in
// PEM, the current one first.
func (d DOKU) VerifyingPublicKeys(now time.Time) []string {
	return verifying(d.PublicKeyPEM, d.OldPublicKeyPEM, d.OldPublicKeyUntil, now)
}

func verifying(current, old string, until, now time.Time) []string {
	if old != "" && now.Before(until) {
		return []string{current, old}
	}
	return []string{current}
}

// SignedWith makes key, one of VerifyingKeys, the current secret: who signs with
// the old one wants its answers signed with that.
func (d DOKU) SignedWith(key string) DOKU {
	if key == d.OldSecretKey {
		d.SecretKey, d.OldSecretKey = d.OldSecretKey, d.SecretKey
	}
	return d
}

// MaxSecretOverlap bounds how long an old secret or public key may go on verifying.
const MaxSecretOverlap = 30 * 24 * time.Hour

// RotateSecret gives a merchant a new random secret key at DOKU, which is returned.
// The one until now goes on verifying for the overlap; with none it stops at once.
// An even older one stops in any case.
func (g *Gateway) RotateSecret(ctx context.Context, id MerchantID, overlap time.Duration) (string, error) {
	secret := NewSecretKey()
	return secret, g.rotate(ctx, id, overlap, func(m *Merchant, until time.Time) error {
		m.DOKU.OldSecretKey, m.DOKU.OldSecretUntil, m.DOKU.SecretKey = m.DOKU.SecretKey, until, secret
		return nil
	})
}

// RotatePassword does to a merchant's password at Faspay what RotateSecret does to
// the secret key.
func (g *Gateway) RotatePassword(ctx context.Context, id MerchantID, overlap time.Duration) (string, error) {
	password := NewPassword()
	return password, g.rotate(ctx, id, overlap, func(m *Merchant, until time.Time) error {
		m.Faspay.OldPassword, m.Faspay.OldPasswordUntil, m.Faspay.Password = m.Faspay.Password, until, password
		return nil
	})
}

// RotatePublicKey does to a merchant's public key at DOKU what RotateSecret does to the
// secret key. The new one, in PEM, is of a pair that the merchant has made; "" takes the
// key away.
func (g *Gateway) RotatePublicKey(ctx context.Context, id MerchantID, pem string, overlap time.Duration) error {
	pem = strings.TrimSpace(pem)
	return g.rotate(ctx, id, overlap, func(m *Merchant, until time.Time) error {
		if strings.TrimSpace(m.DOKU.PublicKeyPEM) == pem {
			return refuse(Invalid, "this public key is the current one already") // and must not push out the one before
		}
		m.DOKU.OldPublicKeyPEM, m.DOKU.OldPublicKeyUntil, m.DOKU.PublicKeyPEM, m.DOKU.PrivateKeyPEM = m.DOKU.PublicKeyPEM, until, pem, ""
		return nil
	})
}

func (g *Gateway) rotate(ctx context.Context, id MerchantID, overlap time.Duration, change func(m *Merchant, until time.Time) error) error {
	if overlap < 0 || overlap > MaxSecretOverlap {
		return refuse(Invalid, "an old secret or key goes on verifying for 30 days at most")
	}
	defer g.forgetMerchants()
	return g.store.Update(ctx, func(tx Tx) error {
		m, err := tx.Merchant(id)
		if errors.Is(err, ErrNoRow) {
			return refuse(NotFound, "no such merchant")
		}
		if err != nil {
			return err
		}
		if err := change(&m, tx.Now().Add(overlap)); err != nil {
			return err
		}
		_, err = tx.UpdateMerchant(m)
		return err
	})
}

// NewSecretKey makes a secret for symmetric signatures, of 192 random bits.
func NewSecretKey() string { return "SK-" + randomToken(24) }

// NewPassword makes a password of 120 random bits.
func NewPassword() string { return randomToken(15) }

// SNAPEndpoints are the merchant's own URLs that SNAP notifications need. An
// empty notification URL means that nothing of its kind is sent.
type SNAPEndpoints struct {
	TokenURL               string // issues the token that authorises notifications
	NotificationURL        string // payments
	BindingNotificationURL string // bindings
}

// Faspay is what a merchant has agreed with Faspay. The password is sealed at rest.
type Faspay struct {
	MerchantID      string // up to five digits, unique; empty when the merchant does not use Faspay
	UserID          string // is signed with, never sent
	Password        string // is signed with, never sent
	NotificationURL string // payments
	ActivationURL   string // activations, called with their outcome in the query
	ReturnURL       string // where the customer's browser goes after a page
	Format          string // of notifications: "json" or "xml"
	AmountScale     int    // what a rupiah is in messages: 1 or 100
	Allow           AllowList
	FlatErrors      bool // repeats an error's code where old clients look for it
	Suspended       bool

	// OldPassword is the password that a rotation replaced; see DOKU.OldSecretKey.
	OldPassword      string
	OldPasswordUntil time.Time
}

// VerifyingPasswords are the passwords that a call may be signed with at the moment
// now, the current one first.
func (f Faspay) VerifyingPasswords(now time.Time) []string {
	return verifying(f.Password, f.OldPassword, f.OldPasswordUntil, now)
}

// MaxFaspayID is the length of the longest Faspay merchant id: a payment's number
// there has room for no more.
const MaxFaspayID = 5

// check refuses what Faspay's messages could not carry, and a rate that is too low. Members that have a default take it.
func (m *Merchant) check() error {
	f := &m.Faspay
	if f.Format == "" {
		f.Format = "json"
	}
	if f.AmountScale == 0 {
		f.AmountScale = 1
	}
	switch {
	case f.Format != "json" && f.Format != "xml":
		return refuse(Invalid, "Faspay's format is json or xml")
	case f.AmountScale != 1 && f.AmountScale != 100:
		return refuse(Invalid, "Faspay's amount_scale is 1 or 100")
	case f.MerchantID != "" && (len(f.MerchantID) > MaxFaspayID || !isDigits(f.MerchantID, len(f.MerchantID))):
		return refuse(Invalid, "a Faspay merchant id is one to five digits")
	case f.MerchantID != "" && strings.ContainsFunc(m.Name, func(r rune) bool { return unicode.IsControl(r) || r >= 0xfffd && r <= 0xffff }):
		return refuse(Invalid, "the name of a merchant with a Faspay merchant id is one line of text: XML carries no control characters")
	case f.MerchantID != "" && (f.UserID == "" || f.Password == ""):
		return refuse(Invalid, "a Faspay merchant id needs a user id and a password")
	}
	if err := checkCallRate(m.CallRate); err != nil {
		return err
	}
	return f.Allow.check()
}

// CreateMerchant stores a merchant; its id and creation time are assigned.
func (g *Gateway) CreateMerchant(ctx context.Context, m Merchant) (Merchant, error) {
	if err := m.check(); err != nil {
		return m, err
	}
	err := g.store.Update(ctx, func(tx Tx) error {
		m.ID = MerchantID(g.newID("mch_", tx.Now()))
		m.CreatedAt = tx.Now()
		inserted, err := tx.InsertMerchant(m)
		if err == nil && !inserted {
			return refuse(Duplicate, "another merchant has this DOKU client id or Faspay merchant id")
		}
		return err
	})
	return m, err
}

// UpdateMerchant replaces a merchant's name, credentials and URLs.
func (g *Gateway) UpdateMerchant(ctx context.Context, m Merchant) error {
	if err := m.check(); err != nil {
		return err
	}
	err := g.store.Update(ctx, func(tx Tx) error {
		if err := g.ownNames(tx, m); err != nil {
			return err
		}
		updated, err := tx.UpdateMerchant(m)
		if err == nil && !updated {
			return refuse(NotFound, "no such merchant")
		}
		return err
	})
	g.forgetMerchants()
	return err
}

// ownNames refuses a name at a provider that another merchant has.
func (g *Gateway) ownNames(tx Tx, m Merchant) error {
	for _, name := range []struct {
		value string
		find  func(string) (Merchant, error)
	}{{m.DOKU.ClientID, tx.MerchantByDOKUClient}, {m.Faspay.MerchantID, tx.MerchantByFaspayID}} {
		if name.value == "" {
			continue
		}
		other, err := name.find(name.value)
		if err == nil && other.ID != m.ID {
			return refuse(Duplicate, "another merchant has this DOKU client id or Faspay merchant id")
		}
		if err != nil && !errors.Is(err, ErrNoRow) {
			return err
		}
	}
	return nil
}

// Merchant finds a merchant by id.
func (g *Gateway) Merchant(ctx context.Context, id MerchantID) (m Merchant, err error) {
	err = g.view(ctx, "no such merchant", func(tx Tx) error {
		m, err = tx.Merchant(id)
		return err
	})
	return m, err
}

// Merchants lists all merchants, oldest first.
func (g *Gateway) Merchants(ctx context.Context) (all []Merchant, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.Merchants()
		return err
	})
	return all, err
}

// MerchantByDOKUClient finds the merchant behind a DOKU client id. Every signed
// call needs it, so it is answered from memory after the first time.
func (g *Gateway) MerchantByDOKUClient(ctx context.Context, clientID string) (Merchant, error) {
	return g.cachedMerchant(ctx, merchantName{"doku", clientID}, Tx.MerchantByDOKUClient)
}

// MerchantByFaspayID finds the merchant behind a Faspay merchant id, like
// MerchantByDOKUClient.
func (g *Gateway) MerchantByFaspayID(ctx context.Context, id string) (Merchant, error) {
	return g.cachedMerchant(ctx, merchantName{"faspay", id}, Tx.MerchantByFaspayID)
}

func (g *Gateway) cachedMerchant(ctx context.Context, name merchantName, find func(Tx, string) (Merchant, error)) (Merchant, error) {
	if m, ok := g.merchants.get(name, g.clock.Now()); ok {
		return m, nil
	}
	var m Merchant
	generation, asked := g.merchants.generation(), g.clock.Now()
	err := g.peek(ctx, "no such client", func(tx Tx) (err error) {
		m, err = find(tx, name.id)
		return err
	})
	if err == nil {
		g.merchants.put(name, m, generation, asked)
	}
	return m, err
}

// merchantName is what a provider calls a merchant; "" is Gerbang itself.
type merchantName struct{ provider, id string }

// merchantCache remembers merchants by their names. A generation number keeps
// a read that began before an update from being stored after it.
type merchantCache struct {
	mu     sync.RWMutex
	gen    uint64
	byName map[merchantName]cachedMerchant
}

type cachedMerchant struct {
	Merchant
	read time.Time
}

// merchantAge is how long a change made in another process may go unnoticed when
// its signal is lost.
const merchantAge = time.Second

func (c *merchantCache) get(name merchantName, now time.Time) (Merchant, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	m, ok := c.byName[name]
	return m.Merchant, ok && now.Sub(m.read) < merchantAge
}

func (c *merchantCache) generation() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.gen
}

func (c *merchantCache) put(name merchantName, m Merchant, generation uint64, read time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen != generation {
		return
	}
	if c.byName == nil {
		c.byName = map[merchantName]cachedMerchant{}
	}
	c.byName[name] = cachedMerchant{m, read}
}

func (c *merchantCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	c.byName = nil
}

// view runs fn in a read snapshot and turns a missing row into NotFound.
func (g *Gateway) view(ctx context.Context, missing string, fn func(Tx) error) error {
	return orMissing(g.store.View(ctx, fn), missing)
}

// peek is view for reads that need not be of one moment.
func (g *Gateway) peek(ctx context.Context, missing string, fn func(Tx) error) error {
	return orMissing(g.store.Peek(ctx, fn), missing)
}

func orMissing(err error, missing string) error {
	if errors.Is(err, ErrNoRow) {
		return refuse(NotFound, missing)
	}
	return err
}
