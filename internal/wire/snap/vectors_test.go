package snap

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// vector is one file of testdata: "name: value" lines, an empty line, the body.
type vector struct {
	fields map[string]string
	body   []byte
}

func readVector(t testing.TB, path string) vector {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(data), "\n\n")
	v := vector{fields: map[string]string{}, body: []byte(strings.TrimSuffix(body, "\n"))}
	for line := range strings.Lines(head) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			t.Fatalf("%s: no colon in %q", path, line)
		}
		v.fields[name] = value
	}
	return v
}

func vectorKey(t testing.TB) *rsa.PublicKey {
	t.Helper()
	text, err := os.ReadFile("testdata/public.pem")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParsePublicKey(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/t*.txt")
	if err != nil || len(files) < 17 {
		t.Fatalf("found %d vectors: %v", len(files), err)
	}
	key := vectorKey(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			v := readVector(t, file)
			switch kind := v.fields["kind"]; kind {
			case "asymmetric":
				v.asymmetric(t, key)
			case "asymmetric-transaction":
				v.asymmetricTransaction(t, key)
			case "symmetric":
				v.symmetric(t)
			case "token":
				v.token(t, key)
			default:
				t.Fatalf("unknown kind %q", kind)
			}
		})
	}
}

func (v vector) expect(t *testing.T, name, got string) {
	t.Helper()
	if want, ok := v.fields[name]; ok && got != want {
		t.Errorf("%s = %s\nwant %s", name, got, want)
	}
}

func sha256Hex(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (v vector) asymmetric(t *testing.T, key *rsa.PublicKey) {
	f := v.fields
	verdict := VerifyAsymmetric(key, f["client"], f["timestamp"], " "+f["signature"]+" ")
	if !verdict.OK || verdict.Scheme != "snap-asymmetric" {
		t.Errorf("verdict %+v", verdict)
	}
	v.expect(t, "expect-string", verdict.StringToSign)
	v.expect(t, "expect-string-sha256", sha256Hex([]byte(verdict.StringToSign)))
	if VerifyAsymmetric(key, f["client"], f["timestamp"]+"0", f["signature"]).OK {
		t.Error("another timestamp is accepted")
	}
	if VerifyAsymmetric(key, f["client"]+"0", f["timestamp"], f["signature"]).OK {
		t.Error("another client is accepted")
	}
}

func (v vector) asymmetricTransaction(t *testing.T, key *rsa.PublicKey) {
	f := v.fields
	spaced := []byte(strings.ReplaceAll(string(v.body), ":", " : "))
	for _, body := range [][]byte{v.body, spaced} {
		verdict := VerifyAsymmetricTransaction(key, f["method"], f["target"], body, f["timestamp"], f["signature"])
		if !verdict.OK {
			t.Errorf("verdict %+v", verdict)
		}
		v.expect(t, "expect-string", verdict.StringToSign)
		v.expect(t, "expect-digest", verdict.Digest)
	}
	if VerifyAsymmetricTransaction(key, f["method"], f["target"], v.body[1:], f["timestamp"], f["signature"]).OK {
		t.Error("another body is accepted")
	}
}

func (v vector) symmetric(t *testing.T) {
	f := v.fields
	verify := func(body []byte, signature string) wire.Verdict {
		return VerifySymmetric(f["secret"], f["method"], f["target"], f["token"], body, f["timestamp"], signature)
	}
	v.expect(t, "expect-body-sha256", sha256Hex(v.body))
	verdict := verify(v.body, f["signature"])
	if !verdict.OK || verdict.Matched != f["expect"] || verdict.Expected != f["signature"] || verdict.Scheme != "snap-symmetric" {
		t.Fatalf("verdict %+v", verdict)
	}
	v.expect(t, "expect-string", verdict.StringToSign)
	v.expect(t, "expect-digest", verdict.Digest)
	if f["expect"] == "raw" {
		if got := SignSymmetric(f["secret"], f["method"], f["target"], f["token"], v.body, f["timestamp"]); got != f["signature"] {
			t.Errorf("SignSymmetric = %s", got)
		}
	}
	for i := range v.body {
		flipped := append([]byte(nil), v.body...)
		flipped[i] ^= 1
		if verdict := verify(flipped, f["signature"]); verdict.OK {
			t.Errorf("a body with byte %d flipped is accepted as %s", i, verdict.Matched)
		}
	}
	refused := verify(append([]byte("x"), v.body...), f["signature"])
	if refused.Hint != "" || refused.StringToSign == "" || refused.Expected == "" || refused.Digest != Digest(append([]byte("x"), v.body...)) {
		t.Errorf("refused verdict %+v", refused)
	}
	for name, signature := range map[string]string{
		"empty":      "",
		"truncated":  f["signature"][:84],
		"upper case": strings.ToUpper(f["signature"]),
		"line break": f["signature"][:40] + "\n" + f["signature"][40:],
		"other":      "A" + f["signature"][1:86] + "==",
	} {
		if signature != f["signature"] && verify(v.body, signature).OK {
			t.Errorf("%s signature is accepted", name)
		}
	}
	if VerifySymmetric("", f["method"], f["target"], f["token"], v.body, f["timestamp"],
		SignSymmetric("", f["method"], f["target"], f["token"], v.body, f["timestamp"])).OK {
		t.Error("an empty secret is accepted")
	}
}

func (v vector) token(t *testing.T, key *rsa.PublicKey) {
	claims, err := ParseToken([]*rsa.PublicKey{key}, v.fields["token"])
	if err != nil {
		t.Fatal(err)
	}
	v.expect(t, "expect-client", claims.ClientID)
	v.expect(t, "expect-expires", claims.Expires.Format(time.RFC3339))
	if claims.AccountID != "" || claims.Use != "" {
		t.Errorf("claims %+v", claims)
	}
}
