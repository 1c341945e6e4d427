package ovo

import (
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// ParsePrivateKey reads a merchant's RSA private key in PEM: PKCS#8 ("PRIVATE
// KEY"), the form that DOKU's instructions lead to, or PKCS#1 ("RSA PRIVATE KEY").
// Keys under 2048 bit are refused.
func ParsePrivateKey(pem string) (*rsa.PrivateKey, error) {
	return snap.ParsePrivateKey(pem)
}

// ParsePublicKey reads the gateway's RSA public key in PEM ("PUBLIC KEY" or "RSA
// PUBLIC KEY"), as the back office shows it. Keys under 2048 bit are refused.
func ParsePublicKey(pem string) (*rsa.PublicKey, error) {
	return snap.ParsePublicKey(pem)
}

const minKeyBits = 2048

func checkKey(name string, key *rsa.PublicKey) error {
	if key == nil || key.N == nil {
		return errors.New(name + " is missing")
	}
	if bits := key.N.BitLen(); bits < minKeyBits {
		return fmt.Errorf("%s has %d bit, at least %d are needed", name, bits, minKeyBits)
	}
	return nil
}

func publicHalf(key *rsa.PrivateKey) *rsa.PublicKey {
	if key == nil {
		return nil
	}
	return &key.PublicKey
}
