package snap

import (
	"crypto/rsa"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// FuzzVerifySNAP: what is accepted is the one signature of one form of the body,
// and the expected signature is always accepted.
func FuzzVerifySNAP(f *testing.F) {
	body := []byte(`{"a": "é\/", "b": [1, 2]}`)
	for _, signed := range [][]byte{body, wire.Strip(body)} {
		f.Add("POST", "/x?y", testToken, testTime, SignSymmetric(testSecret, "POST", "/x?y", testToken, signed, testTime), body)
	}
	f.Add("GET", "", "", "", "====", []byte(nil))
	f.Add("post", "/%zz", "a:b", ":", strings.Repeat("A", 88), []byte("\""))
	f.Fuzz(func(t *testing.T, method, target, token, timestamp, signature string, body []byte) {
		v := VerifySymmetric(testSecret, method, target, token, body, timestamp, signature)
		if v.OK && v.Expected != strings.TrimSpace(signature) {
			t.Fatalf("%q is accepted for %q", signature, v.Expected)
		}
		if !VerifySymmetric(testSecret, method, target, token, body, timestamp, v.Expected).OK {
			t.Fatalf("the expected signature %q is refused", v.Expected)
		}
		if VerifySymmetric("", method, target, token, body, timestamp, SignSymmetric("", method, target, token, body, timestamp)).OK {
			t.Fatal("an empty secret signs")
		}
	})
}

// FuzzVerifySNAPAsymmetric: only the bytes that the key made are accepted, in one spelling.
func FuzzVerifySNAPAsymmetric(f *testing.F) {
	key := vectorKey(f)
	vector := readVector(f, "testdata/t01_asymmetric_offset.txt").fields
	good := vector["signature"]
	f.Add(vector["client"], vector["timestamp"], good)
	f.Add("", "", "")
	f.Add("|", "|", strings.ToLower(good))
	f.Fuzz(func(t *testing.T, client, timestamp, signature string) {
		if !VerifyAsymmetric(key, client, timestamp, signature).OK {
			return
		}
		if AsymmetricString(client, timestamp) != AsymmetricString(vector["client"], vector["timestamp"]) || strings.TrimSpace(signature) != good {
			t.Fatalf("%q, %q, %q is accepted", client, timestamp, signature)
		}
	})
}

// FuzzParseToken: a token that is accepted is one that was minted, byte for byte.
func FuzzParseToken(f *testing.F) {
	key := testKey()
	keys := []*rsa.PublicKey{&key.PublicKey}
	minted := map[string]bool{}
	for _, c := range []Claims{
		{Expires: time.Unix(1, 0), ClientID: "c"},
		{Expires: time.Unix(1<<40, 0), ClientID: testClient, AccountID: "acc", Use: UseRefresh},
	} {
		token, err := Mint(key, c)
		if err != nil {
			f.Fatal(err)
		}
		minted[token] = true
		parts := strings.Split(token, ".")
		f.Add(token)
		f.Add(parts[0] + "." + parts[1] + ".")
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".")
		f.Add(parts[0] + ".e30." + parts[2])
	}
	f.Add("")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if claims, err := ParseToken(keys, token); err == nil && !minted[token] || err != nil && claims != (Claims{}) {
			t.Fatalf("%q: %+v, %v", token, claims, err)
		}
		if bearer := BearerToken("Bearer " + token); strings.TrimSpace(bearer) != bearer {
			t.Fatalf("bearer %q", bearer)
		}
	})
}

// FuzzParseKey: a key that is accepted is strong enough and prints as itself.
func FuzzParseKey(f *testing.F) {
	public, err := EncodePublicKey(&testKey().PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	private, err := EncodePrivateKey(testKey())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(public)
	f.Add(private)
	f.Add("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := ParsePublicKey(text); err == nil {
			printed, err := EncodePublicKey(key)
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParsePublicKey(printed)
			if err != nil || !again.Equal(key) || key.N.BitLen() < 2048 || key.E < 65537 {
				t.Fatalf("%q is read as a key of %d bits: %v", text, key.N.BitLen(), err)
			}
		}
		if key, err := ParsePrivateKey(text); err == nil && (key.N.BitLen() < 2048 || key.Validate() != nil) {
			t.Fatalf("%q is read as a private key of %d bits", text, key.N.BitLen())
		}
	})
}

// FuzzExplainSNAP is slow: every run tries thousands of HMACs.
func FuzzExplainSNAP(f *testing.F) {
	f.Add("POST", "/x?y", testToken, testTime, SignSymmetric(testSecret, "POST", "/x", testToken, nil, testTime), []byte(`{"a": "é\/"}`))
	f.Add("", "%", "", "9999-12-31T23:59:59Z", "\"", []byte("\xff"))
	f.Fuzz(func(t *testing.T, method, target, token, timestamp, signature string, body []byte) {
		if Explain(testSecret, method, target, token, body, timestamp, signature) == "" {
			t.Fatal("no hint")
		}
		if ExplainAsymmetric(&testKey().PublicKey, target, timestamp, signature) == "" {
			t.Fatal("no hint")
		}
	})
}
