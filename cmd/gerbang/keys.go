package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/signed"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// keyFlags name a merchant's credentials: those of the sandbox's merchant or, when
// any is given, those that are given.
type keyFlags struct {
	Merchant       string `help:"The merchant whose credentials to take from the sandbox, by id, DOKU client id or name; the seeded one if left out." placeholder:"ID"`
	ClientID       string `help:"DOKU client id, instead of the sandbox's." placeholder:"ID"`
	SecretKey      string `help:"DOKU secret key." placeholder:"KEY"`
	PrivateKey     string `help:"PEM file of the merchant's private key, for SNAP token calls." placeholder:"FILE" type:"path"`
	PublicKey      string `help:"PEM file of the public key that checks SNAP token calls." placeholder:"FILE" type:"path"`
	FaspayMerchant string `help:"Faspay merchant id." placeholder:"ID"`
	FaspayUser     string `help:"Faspay user id." placeholder:"ID"`
	FaspayPassword string `help:"Faspay password." placeholder:"PASSWORD"`
}

func (f keyFlags) given() bool {
	return f.ClientID+f.SecretKey+f.PrivateKey+f.PublicKey+f.FaspayMerchant+f.FaspayUser+f.FaspayPassword != ""
}

// keys are the credentials, and the merchant they are of when the sandbox knows it.
func (f keyFlags) keys(ctx context.Context, sandboxAt clientFlags) (signed.Keys, error) {
	if !f.given() {
		client, err := sandboxAt.client()
		if err != nil {
			return signed.Keys{}, err
		}
		m, err := client.Merchant(ctx, f.Merchant)
		if err != nil {
			return signed.Keys{}, err
		}
		return keysOf(m)
	}
	k := signed.Keys{ClientID: f.ClientID, SecretKey: f.SecretKey, MerchantID: f.FaspayMerchant, UserID: f.FaspayUser, Password: f.FaspayPassword}
	if f.PrivateKey != "" {
		text, err := os.ReadFile(f.PrivateKey)
		if err != nil {
			return k, usageError{err}
		}
		if k.PrivateKey, err = snap.ParsePrivateKey(string(text)); err != nil {
			return k, usagef("--private-key: %w", err)
		}
		k.PublicKey = &k.PrivateKey.PublicKey
	}
	if f.PublicKey != "" {
		text, err := os.ReadFile(f.PublicKey)
		if err != nil {
			return k, usageError{err}
		}
		if k.PublicKey, err = snap.ParsePublicKey(string(text)); err != nil {
			return k, usagef("--public-key: %w", err)
		}
	}
	return k, nil
}

// keysOf are the credentials of a sandbox's merchant.
func keysOf(m sandbox.Merchant) (k signed.Keys, err error) {
	d := m.DOKU
	k = signed.Keys{ClientID: deref(d.ClientID), SecretKey: deref(d.SecretKey)}
	if text := deref(d.PrivateKeyPEM); text != "" { // not of a merchant that made its own
		if k.PrivateKey, err = snap.ParsePrivateKey(text); err != nil {
			return k, fmt.Errorf("the merchant's private key: %w", err)
		}
	}
	if text := deref(d.PublicKeyPEM); text != "" {
		if k.PublicKey, err = snap.ParsePublicKey(text); err != nil {
			return k, fmt.Errorf("the merchant's public key: %w", err)
		}
	}
	return k, nil
}
