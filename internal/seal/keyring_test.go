package seal

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func ring(t testing.TB, lines ...string) *Keyring {
	t.Helper()
	k, err := Parse([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParse(t *testing.T) {
	t.Parallel()
	bare := strings.TrimPrefix(NewKey(1), "v1:")
	for name, c := range map[string]struct {
		text string
		want []int
	}{
		"one key":              {NewKey(1), []int{1}},
		"a key without prefix": {bare + "\n", []int{1}},
		"any order, comments":  {"# made in May\n" + NewKey(12) + "\r\n\n  " + NewKey(3) + "  \n", []int{3, 12}},
	} {
		k, err := Parse([]byte(c.text))
		if err != nil || !slices.Equal(k.Versions(), c.want) || k.Newest() != c.want[len(c.want)-1] {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":         "",
		"comments only":   "# v1:" + bare,
		"short":           "v1:" + bare[2:],
		"long":            "v1:" + bare + "00",
		"no hexadecimal":  "v1:" + strings.Repeat("x", 64),
		"version 0":       "v0:" + bare,
		"version 01":      "v01:" + bare,
		"no version":      "v:" + bare,
		"no number":       "vx:" + bare,
		"a version twice": "v2:" + bare + "\n" + NewKey(2),
		"one digit":       "v1:" + strings.Repeat("0", 64),
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), bare[2:40]) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	one, two := NewKey(1), NewKey(2)
	before, after := ring(t, one), ring(t, one, two)
	sealed, digest := before.Seal("p", "secret"), before.Digest("p", "secret")

	if plain, err := after.Open("p", sealed); plain != "secret" || err != nil {
		t.Errorf("what the old key sealed opens to %q, %v", plain, err)
	}
	if !after.Matches("p", "secret", digest) || after.Matches("p", "other", digest) || after.Matches("q", "secret", digest) {
		t.Error("digests of the old key are not told apart")
	}
	fresh, freshDigest := after.Seal("p", "secret"), after.Digest("p", "secret")
	if VersionOf(sealed) != 1 || VersionOf(fresh) != 2 || VersionOf(digest) != 1 || VersionOf(freshDigest) != 2 {
		t.Errorf("versions of %q %q %q %q", sealed, fresh, digest, freshDigest)
	}
	if all := after.Digests("p", "secret"); !slices.Equal(all, []string{freshDigest, digest}) {
		t.Errorf("digests %v", all)
	}
	if !after.Matches("p", "secret", freshDigest) {
		t.Error("a fresh digest matches nothing")
	}
	relabelled := "v1" + fresh[2:]
	for name, open := range map[string]func() (string, error){
		"the old key alone":     func() (string, error) { return before.Open("p", fresh) },
		"another label":         func() (string, error) { return after.Open("p", relabelled) },
		"the retired key":       func() (string, error) { return ring(t, two).Open("p", sealed) },
		"a digest of a retired": func() (string, error) { return ring(t, two).DigestUnder(1, "p", "secret") },
	} {
		if got, err := open(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if ring(t, two).Matches("p", "secret", digest) {
		t.Error("a digest of a retired key matches")
	}
}

// A process that runs while a key is added finds it where its keyring came from.
func TestFollow(t *testing.T) {
	t.Parallel()
	one, two := NewKey(1), NewKey(2)
	text, asked := one, 0
	k := ring(t, one)
	k.Follow(func() ([]byte, error) { asked++; return []byte(text), nil })
	sealed := ring(t, one, two).Seal("p", "secret")
	if _, err := k.Open("p", sealed); !errors.Is(err, ErrSealed) || asked != 1 {
		t.Fatalf("before the key is there: %v after %d questions", err, asked)
	}
	text = one + "\n" + two
	if plain, err := k.Open("p", sealed); plain != "secret" || err != nil {
		t.Fatalf("%q, %v", plain, err)
	}
	if VersionOf(k.Seal("p", "x")) != 2 || asked != 2 {
		t.Errorf("it goes on sealing under the old key, or asks for what it knows: %d", asked)
	}
	text = "broken"
	if _, err := k.Open("p", "v3"+sealed[2:]); !errors.Is(err, ErrSealed) || k.Newest() != 2 {
		t.Errorf("a broken keyring took the place of a good one: %v", err)
	}
}

// FuzzParse: whatever is read can be used.
func FuzzParse(f *testing.F) {
	f.Add("v1:" + strings.Repeat("0f", 32))
	f.Add(strings.Repeat("0f", 32) + "\nv2:")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Parse([]byte(text))
		if err != nil {
			return
		}
		if plain, err := k.Open("p", k.Seal("p", "secret")); plain != "secret" || err != nil || !k.Matches("p", "x", k.Digest("p", "x")) {
			t.Fatalf("%q: %q, %v", text, plain, err)
		}
	})
}
