// Package seal keeps secrets unreadable at rest: it encrypts what must be read
// back (client secrets, private keys, page keys) and makes keyed digests of what
// must only be recognised (one-time codes, PINs, page keys in a URL).
//
// Everything derives from one 32-byte master key that lives outside the
// database, so a stolen database file alone reveals nothing. That matters most
// for six-digit codes: any unkeyed hash of them is reversed by trying a million
// inputs.
//
// A sealed text is "v<key>:" followed by unpadded base64url of nonce and
// AES-256-GCM ciphertext. The purpose given when sealing is authenticated with
// it, so a sealed value moved to another column does not open.
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
	"strings"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

const version = "v1:"

// ErrSealed reports a sealed text that cannot be opened: another master key,
// another purpose, or damage.
var ErrSealed = errors.New("seal: cannot open; is this the master key the data was written with?")

// Keyring seals, opens and digests under keys derived from one master key. It
// is safe for concurrent use.
type Keyring struct {
	aead   cipher.AEAD
	digest []byte
}

// NewMasterKey returns a fresh random master key.
func NewMasterKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key)
	return key
}

// New derives a keyring from a master key of KeySize bytes.
func New(master []byte) (*Keyring, error) {
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
	return &Keyring{aead: aead, digest: digest}, nil
}

// Seal encrypts plain for one purpose, such as "merchant.secret". The empty
// text stays empty, so that optional columns need no special case.
func (k *Keyring) Seal(purpose, plain string) string {
	if plain == "" {
		return ""
	}
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	rand.Read(nonce)
	return version + base64.RawURLEncoding.EncodeToString(k.aead.Seal(nonce, nonce, []byte(plain), []byte(purpose)))
}

// Open reverses Seal, or fails with ErrSealed.
func (k *Keyring) Open(purpose, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	text, ok := strings.CutPrefix(sealed, version)
	if !ok {
		return "", ErrSealed
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < k.aead.NonceSize() {
		return "", ErrSealed
	}
	nonce, ciphertext := raw[:k.aead.NonceSize()], raw[k.aead.NonceSize():]
	plain, err := k.aead.Open(nil, nonce, ciphertext, []byte(purpose))
	if err != nil {
		return "", ErrSealed
	}
	return string(plain), nil
}

// Digest is a keyed HMAC-SHA256 of text for one purpose, 64 hex digits. Equal
// inputs give equal digests, so it serves as a lookup key.
func (k *Keyring) Digest(purpose, text string) string {
	mac := hmac.New(sha256.New, k.digest)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
