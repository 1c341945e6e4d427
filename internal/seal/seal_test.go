package seal

import (
	"errors"
	"strings"
	"testing"
)

func TestSeal(t *testing.T) {
	t.Parallel()
	k, err := New(NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	sealed := k.Seal("merchant.secret", "SK-secret")
	if strings.Contains(sealed, "secret") || !strings.HasPrefix(sealed, "v1:") {
		t.Fatalf("sealed text is %q", sealed)
	}
	if sealed == k.Seal("merchant.secret", "SK-secret") {
		t.Error("sealing twice gave the same text: the nonce repeats")
	}
	plain, err := k.Open("merchant.secret", sealed)
	if err != nil || plain != "SK-secret" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
	if empty, err := k.Open("x", k.Seal("x", "")); empty != "" || err != nil {
		t.Errorf("the empty text came back as %q, %v", empty, err)
	}

	other, _ := New(NewMasterKey())
	for name, open := range map[string]func() (string, error){
		"another purpose":    func() (string, error) { return k.Open("wallet.pin", sealed) },
		"another master key": func() (string, error) { return other.Open("merchant.secret", sealed) },
		"no version":         func() (string, error) { return k.Open("merchant.secret", sealed[3:]) },
		"too short":          func() (string, error) { return k.Open("merchant.secret", "v1:AA") },
	} {
		if got, err := open(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: opened to %q, %v", name, got, err)
		}
	}
	// Every character but the version's, each exchanged for another one.
	for i := len("v1:"); i < len(sealed); i++ {
		damaged := []byte(sealed)
		if damaged[i]++; damaged[i] == ':' || damaged[i] == '{' || damaged[i] == '[' {
			damaged[i] = '-'
		}
		if got, err := k.Open("merchant.secret", string(damaged)); !errors.Is(err, ErrSealed) {
			t.Errorf("%s, of which character %d was changed to %q, opened to %q, %v", sealed, i, damaged[i], got, err)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	k, _ := New(NewMasterKey())
	other, _ := New(NewMasterKey())
	once, again := k.Digest("otp", "123456"), k.Digest("otp", "123456")
	if once != again {
		t.Error("equal inputs have different digests")
	}
	for name, d := range map[string]string{
		"another purpose":    k.Digest("pin", "123456"),
		"another text":       k.Digest("otp", "123457"),
		"another master key": other.Digest("otp", "123456"),
		"a shifted boundary": k.Digest("otp1", "23456"),
	} {
		if d == k.Digest("otp", "123456") {
			t.Errorf("%s has the same digest", name)
		}
	}
}

func TestNewRefusesShortKeys(t *testing.T) {
	t.Parallel()
	if _, err := New([]byte("short")); err == nil {
		t.Fatal("a short master key was accepted")
	}
}

// FuzzOpen: nothing opens but what was sealed for the same purpose.
func FuzzOpen(f *testing.F) {
	keys, err := New(make([]byte, KeySize))
	if err != nil {
		f.Fatal(err)
	}
	sealed := keys.Seal("p", "secret")
	f.Add("p", sealed)
	f.Add("q", sealed)
	f.Add("p", "v1:")
	f.Add("p", "v2:AAAA")
	f.Fuzz(func(t *testing.T, purpose, text string) {
		plain, err := keys.Open(purpose, text)
		if err != nil || text == "" {
			return
		}
		if purpose != "p" || plain != "secret" {
			t.Fatalf("%q opens for %q as %q", text, purpose, plain)
		}
	})
}
