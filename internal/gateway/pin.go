package gateway

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gerbang-pay/gerbang/internal/seal"
)

// PINDigits is the length of an OVO PIN.
const PINDigits = 6

// PINCost tunes argon2id. A six-digit PIN has only a million values, so the hash
// slows guessing down and the pepper (a key outside the database) prevents it.
type PINCost struct {
	MemoryKiB uint32
	Passes    uint32
}

// DefaultPINCost follows OWASP's advice for argon2id: 19 MiB, two passes, about
// 20 ms of one core.
var DefaultPINCost = PINCost{MemoryKiB: 19 << 10, Passes: 2}

// secretHasher hashes what people know, PINs and passwords, at most one per core at
// a time, so that a flood of guesses can exhaust neither memory nor the other
// cores' work.
type secretHasher struct {
	keys  *seal.Keyring
	cost  PINCost
	slots chan struct{} // held while hashing
	queue chan struct{} // held while waiting or hashing
}

func newSecretHasher(keys *seal.Keyring, cost PINCost) *secretHasher {
	cores := runtime.GOMAXPROCS(0)
	return &secretHasher{keys: keys, cost: cost, slots: make(chan struct{}, cores), queue: make(chan struct{}, cores+64)}
}

// owner is whose secret a hash is of; a hash moved to another owner matches nothing.
type owner struct{ purpose, id string }

func pinOf(w WalletID) owner { return owner{"wallet.pin", string(w)} }

// hash returns "argon2id$<KiB>$<passes>$<salt>$<key>", and "$v<version>" of the master
// key that the pepper is from unless that is 1.
func (h *secretHasher) hash(of owner, secret string) string {
	salt := make([]byte, 16)
	rand.Read(salt)
	peppered := h.keys.Digest(of.purpose, of.id+"|"+secret)
	text := fmt.Sprintf("argon2id$%d$%d$%s$%s", h.cost.MemoryKiB, h.cost.Passes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(stretch(peppered, salt, h.cost)))
	if version := seal.VersionOf(peppered); version > 1 {
		text += fmt.Sprintf("$v%d", version)
	}
	return text
}

// HashVersion is the version of the master key whose pepper is in a hash of a PIN or
// a password, 0 when the hash is unreadable.
func HashVersion(hash string) int {
	parts := strings.Split(hash, "$")
	switch len(parts) {
	case 5:
		return 1
	case 6:
		digits, _ := strings.CutPrefix(parts[5], "v")
		version, _ := strconv.Atoi(digits)
		return version
	}
	return 0
}

// renewed hashes a right secret anew when the stored hash is of an older master key
// or cost, and is "" otherwise. It takes as long as matches does.
func (h *secretHasher) renewed(of owner, secret, stored string) string {
	version, newest := HashVersion(stored), h.keys.Newest()
	current := fmt.Sprintf("argon2id$%d$%d$", h.cost.MemoryKiB, h.cost.Passes)
	if version == newest && strings.HasPrefix(stored, current) {
		return ""
	}
	return h.hash(of, secret)
}

// matches compares a secret with a stored hash. It takes tens of milliseconds and
// must not run inside a transaction. It fails with Busy when too many wait.
func (h *secretHasher) matches(ctx context.Context, of owner, secret, stored string) (bool, error) {
	parts := strings.Split(stored, "$")
	var cost PINCost
	version := HashVersion(stored)
	if version == 0 || parts[0] != "argon2id" {
		return false, fmt.Errorf("gateway: %s of %s has an unreadable hash", of.purpose, of.id)
	}
	if _, err := fmt.Sscanf(parts[1]+" "+parts[2], "%d %d", &cost.MemoryKiB, &cost.Passes); err != nil {
		return false, fmt.Errorf("gateway: %s of %s has an unreadable hash: %w", of.purpose, of.id, err)
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[3])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[4])
	if err1 != nil || err2 != nil {
		return false, fmt.Errorf("gateway: %s of %s has an unreadable hash", of.purpose, of.id)
	}

	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return false, &Error{Code: Busy, Detail: "too many PINs and passwords are being checked; try again", RetryAfter: time.Second}
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	peppered, err := h.keys.DigestUnder(version, of.purpose, of.id+"|"+secret)
	if err != nil {
		return false, fmt.Errorf("gateway: %s of %s has the pepper of master key v%d, which is not in the keyring: %w", of.purpose, of.id, version, err)
	}
	return subtle.ConstantTimeCompare(stretch(peppered, salt, cost), want) == 1, nil
}

func stretch(peppered string, salt []byte, cost PINCost) []byte {
	return argon2.IDKey([]byte(peppered), salt, cost.Passes, cost.MemoryKiB, 1, 32)
}

// countWrongPIN counts a wrong PIN against a wallet and returns how many tries are
// left. With none left the wallet is locked for a while.
func (g *Gateway) countWrongPIN(tx Tx, w Wallet) (left int, err error) {
	fails := w.PINFails + 1
	if left = g.rules.PINTries - fails; left > 0 {
		return left, tx.SetPINFails(w.ID, fails, time.Time{})
	}
	return 0, tx.SetPINFails(w.ID, 0, tx.Now().Add(g.rules.PINLock))
}

// pinCheck is what came of comparing a PIN with a wallet's hash.
type pinCheck struct {
	right         bool
	hash, renewed string // the hash, and what should take its place, or ""
}

// checkPIN compares a PIN before the transaction that applies the outcome, for it is
// slow. What has not the form of a PIN is wrong.
func (g *Gateway) checkPIN(ctx context.Context, w Wallet, pin string) (c pinCheck, err error) {
	if !isDigits(pin, PINDigits) {
		return c, nil
	}
	c.hash = w.PINHash
	if c.right, err = g.secrets.matches(ctx, pinOf(w.ID), pin, c.hash); c.right {
		c.renewed = g.secrets.renewed(pinOf(w.ID), pin, c.hash)
	}
	return c, err
}

// stale refuses a check that was made against a hash which has been replaced since:
// the issuer gave the wallet another PIN.
func (c pinCheck) stale(w Wallet) *Error {
	if c.hash == "" || subtle.ConstantTimeCompare([]byte(c.hash), []byte(w.PINHash)) == 1 {
		return nil
	}
	return &Error{Code: Busy, Detail: "the PIN was changed just now; enter it again", RetryAfter: time.Second}
}

// rightPIN starts the count of wrong PINs anew.
func rightPIN(tx Tx, w Wallet, c pinCheck) error {
	if c.renewed != "" { // unless the PIN was replaced meanwhile
		if _, err := tx.RenewPINHash(w.ID, c.hash, c.renewed); err != nil {
			return err
		}
	}
	if w.PINFails == 0 {
		return nil
	}
	return tx.SetPINFails(w.ID, 0, time.Time{})
}

func isDigits(text string, n int) bool {
	if len(text) != n {
		return false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
