package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

// ErrSealed reports a sealed text that cannot be opened: another master key,
// another purpose, or damage.
var ErrSealed = errors.New("seal: cannot open; is this the master key the data was written with?")

// Keyring seals, opens and digests under keys derived from master keys. It is safe
// for concurrent use.
type Keyring struct {
	keys   atomic.Pointer[[]*key] // oldest first, never empty
	mu     sync.Mutex             // held while the source is asked
	source func() ([]byte, error)
}

// key is what derives from one master key.
type key struct {
	version int
	aead    cipher.AEAD
	digest  []byte
}

// NewMasterKey returns a fresh random master key.
func NewMasterKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key)
	return key
}

// New makes a keyring of one master key of KeySize bytes, which is version 1.
func New(master []byte) (*Keyring, error) {
	only, err := derive(1, master)
	if err != nil {
		return nil, err
	}
	k := &Keyring{}
	k.keys.Store(&[]*key{only})
	return k, nil
}

func derive(version int, master []byte) (*key, error) {
	if len(master) != KeySize {
		return nil, fmt.Errorf("seal: the master key has %d bytes, want %d", len(master), KeySize)
	}
	encryption, err := hkdf.Key(sha256.New, master, nil, "gerbang sealing v1", KeySize)
	if err != nil {
		return nil, err
	}
	digest, err := hkdf.Key(sha256.New, master, nil, "gerbang digests v1", KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(encryption)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &key{version, aead, digest}, nil
}

// Seal encrypts plain under the newest key for one purpose, such as "merchant.secret". The empty
// text stays empty, so that optional columns need no special case.
func (k *Keyring) Seal(purpose, plain string) string {
	if plain == "" {
		return ""
	}
	newest := k.newest()
	nonce := make([]byte, newest.aead.NonceSize(), newest.aead.NonceSize()+len(plain)+newest.aead.Overhead())
	rand.Read(nonce)
	return prefix(newest.version) + base64.RawURLEncoding.EncodeToString(newest.aead.Seal(nonce, nonce, []byte(plain), []byte(purpose)))
}

// Open reverses Seal, or fails with ErrSealed.
func (k *Keyring) Open(purpose, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	version, text := split(sealed)
	key := k.version(version)
	if key == nil {
		return "", ErrSealed
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < key.aead.NonceSize() {
		return "", ErrSealed
	}
	nonce, ciphertext := raw[:key.aead.NonceSize()], raw[key.aead.NonceSize():]
	plain, err := key.aead.Open(nil, nonce, ciphertext, []byte(purpose))
	if err != nil {
		return "", ErrSealed
	}
	return string(plain), nil
}

// Digest is a keyed HMAC-SHA256 of text for one purpose under the newest key. Equal
// inputs give equal digests until the key is replaced.
func (k *Keyring) Digest(purpose, text string) string { return k.newest().sum(purpose, text) }

// Digests are the digests of text under every key, that of the newest first: with
// which one a row is to be found depends on when it was written.
func (k *Keyring) Digests(purpose, text string) []string {
	var all []string
	for _, key := range slices.Backward(*k.keys.Load()) {
		all = append(all, key.sum(purpose, text))
	}
	return all
}

// DigestUnder is Digest under the key of a version, or fails with ErrSealed when
// that is unknown.
func (k *Keyring) DigestUnder(version int, purpose, text string) (string, error) {
	key := k.version(version)
	if key == nil {
		return "", ErrSealed
	}
	return key.sum(purpose, text), nil
}

// Matches reports whether digest is one of text, under whichever key it was made.
func (k *Keyring) Matches(purpose, text, digest string) bool {
	want, err := k.DigestUnder(VersionOf(digest), purpose, text)
	return err == nil && hmac.Equal([]byte(want), []byte(digest))
}

func (k *key) sum(purpose, text string) string {
	mac := hmac.New(sha256.New, k.digest)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write([]byte(text))
	sum := hex.EncodeToString(mac.Sum(nil))
	if k.version == 1 {
		return sum
	}
	return prefix(k.version) + sum
}
