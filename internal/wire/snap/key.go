package snap

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Limits on RSA keys. Longer keys would let a merchant make every check of a
// signature slow.
const (
	minKeyBits  = 2048
	maxKeyBits  = 8192
	minExponent = 65537
)

// ParsePublicKey reads an RSA public key in PEM: SubjectPublicKeyInfo ("PUBLIC
// KEY", what DOKU asks for) or PKCS#1 ("RSA PUBLIC KEY"). It refuses keys under
// 2048 bit and exponents under 65537.
func ParsePublicKey(text string) (*rsa.PublicKey, error) {
	block, err := onePEM(text)
	if err != nil {
		return nil, err
	}
	var key *rsa.PublicKey
	switch block.Type {
	case "PUBLIC KEY":
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("snap: public key: %w", err)
		}
		var ok bool
		if key, ok = parsed.(*rsa.PublicKey); !ok {
			return nil, errors.New("snap: the public key is not an RSA key")
		}
	case "RSA PUBLIC KEY":
		if key, err = x509.ParsePKCS1PublicKey(block.Bytes); err != nil {
			return nil, fmt.Errorf("snap: public key: %w", err)
		}
	default:
		return nil, fmt.Errorf("snap: PEM block is %q, want \"PUBLIC KEY\"", block.Type)
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

// ParsePrivateKey reads an RSA private key in PEM: PKCS#8 ("PRIVATE KEY") or
// PKCS#1 ("RSA PRIVATE KEY"), with the same limits as [ParsePublicKey].
func ParsePrivateKey(text string) (*rsa.PrivateKey, error) {
	block, err := onePEM(text)
	if err != nil {
		return nil, err
	}
	var key *rsa.PrivateKey
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("snap: private key: %w", err)
		}
		var ok bool
		if key, ok = parsed.(*rsa.PrivateKey); !ok {
			return nil, errors.New("snap: the private key is not an RSA key")
		}
	case "RSA PRIVATE KEY":
		if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return nil, fmt.Errorf("snap: private key: %w", err)
		}
	default:
		return nil, fmt.Errorf("snap: PEM block is %q, want \"PRIVATE KEY\"", block.Type)
	}
	if err := checkKey(&key.PublicKey); err != nil {
		return nil, err
	}
	return key, nil
}

// EncodePublicKey returns the key as SubjectPublicKeyInfo in PEM.
func EncodePublicKey(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// EncodePrivateKey returns the key as PKCS#8 in PEM.
func EncodePrivateKey(key *rsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

func onePEM(text string) (*pem.Block, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("snap: no PEM block (-----BEGIN …-----) found")
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("snap: more than one PEM block or text behind it")
	}
	return block, nil
}

func checkKey(key *rsa.PublicKey) error {
	switch bits := key.N.BitLen(); {
	case bits < minKeyBits:
		return fmt.Errorf("snap: the RSA key has %d bit, at least %d are needed", bits, minKeyBits)
	case bits > maxKeyBits:
		return fmt.Errorf("snap: the RSA key has %d bit, at most %d are allowed", bits, maxKeyBits)
	case key.E < minExponent:
		return fmt.Errorf("snap: the RSA exponent is %d, at least %d is needed", key.E, minExponent)
	}
	return nil
}
