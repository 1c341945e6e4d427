package faspay

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// vector is one block of testdata/signatures.txt: "name: value" lines.
type vector map[string]string

func readVectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/signatures.txt")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		v := vector{}
		for line := range strings.SplitSeq(block, "\n") {
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				t.Fatalf("no colon in %q", line)
			}
			v[name] = strings.TrimPrefix(value, " ")
		}
		vectors = append(vectors, v)
	}
	return vectors
}

func (v vector) document(t *testing.T) wire.Value {
	if v["message"] == "" {
		return wire.Value{}
	}
	return mustParse(t, JSON, v["message"])
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	vectors := readVectors(t)
	if len(vectors) != 14+4 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v["name"], func(t *testing.T) {
			t.Parallel()
			got := Verify(v["user"], v["password"], v["signed"], v["signature"])
			hint := Explain(v["user"], v["password"], v["signed"], v["signature"], v.document(t))
			if v["expect"] == "refused" {
				if got.OK || !strings.Contains(hint, v["hint"]) {
					t.Errorf("verdict %+v, hint %q", got, hint)
				}
				return
			}
			want := wire.Verdict{Scheme: "faspay", OK: true, StringToSign: v["user"] + "{password}" + v["signed"], Digest: v["md5"], Expected: v["signature"], Received: v["signature"]}
			if got != want || hint != "The signature is right; the call was refused for another reason." {
				t.Errorf("verdict %+v, hint %q", got, hint)
			}
			if s := Sign(v["user"], v["password"], v["signed"]); s != v["signature"] {
				t.Errorf("Sign = %s", s)
			}
			if !Verify(v["user"], v["password"], v["signed"], strings.ToUpper(v["signature"])).OK {
				t.Error("refused in upper case")
			}
			v.mutate(t)
		})
	}
}

// mutate changes one thing at a time: nothing changed may be accepted.
func (v vector) mutate(t *testing.T) {
	refuse := func(what, user, password, signed, signature string) {
		if got := Verify(user, password, signed, signature); got.OK {
			t.Errorf("%s is accepted", what)
		}
	}
	refuse("another user", v["user"]+"0", v["password"], v["signed"], v["signature"])
	refuse("another password", v["user"], v["password"]+"0", v["signed"], v["signature"])
	refuse("another value", v["user"], v["password"], v["signed"]+"0", v["signature"])
	refuse("swapped credentials", v["password"], v["user"], v["signed"], v["signature"])
	refuse("no credentials", "", "", v["signed"], Sign("", "", v["signed"]))
	refuse("no password", v["user"], "", v["signed"], Sign(v["user"], "", v["signed"]))
	refuse("no user", "", v["password"], v["signed"], Sign("", v["password"], v["signed"]))
	for i := range v["signature"] {
		changed := []byte(v["signature"])
		changed[i] ^= 1
		refuse("a changed signature", v["user"], v["password"], v["signed"], string(changed))
	}
	for _, signature := range []string{"", v["signature"][:39], v["signature"] + "0", " " + v["signature"], v["signature"] + "\n", v["md5"]} {
		refuse(signature, v["user"], v["password"], v["signed"], signature)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	const user, password, phone = "bot77001", "demo-P@ss1", "081200001111"
	message := mustParse(t, JSON, `{"merchant_id":77001,"bill_no":"INV-9","bill_total":"45000","payment_status_code":"2","phone_no":"081200001111","trx_id":"7700172000000017","signature":"x"}`)
	text := user + password + phone
	hexOf := func(sum []byte) string { return hex.EncodeToString(sum) }
	sha := func(s string) []byte { sum := sha1.Sum([]byte(s)); return sum[:] }
	md := func(s string) []byte { sum := md5.Sum([]byte(s)); return sum[:] }
	right := Sign(user, password, phone)
	rightRaw, err := hex.DecodeString(right)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write([]byte(hexOf(md(text))))
	wide := sha256.Sum256([]byte(hexOf(md(text))))
	for _, test := range []struct{ signature, hint string }{
		{"", "is empty"},
		{" \n", "is empty"},
		{"undefined", "not hexadecimal"},
		{"3b8", "not hexadecimal"},
		{right, "signature is right"},
		{strings.ToUpper(right), "signature is right"},
		{right + "\n", "blanks or line breaks around it"},
		{base64.StdEncoding.EncodeToString(rightRaw), "in base64"},
		{base64.StdEncoding.EncodeToString([]byte(right)), "base64 of the hexadecimal text"},
		{hexOf(sha(text)), "the MD5 before it is missing"},
		{hexOf(md(text)), "the SHA-1 of it is missing"},
		{hexOf(sha(string(md(text)))), "16 raw bytes"},
		{hexOf(sha(strings.ToUpper(hexOf(md(text))))), "upper-case hexadecimal"},
		{hexOf(sha(base64.StdEncoding.EncodeToString(md(text)))), "put into SHA-1 in base64"},
		{hexOf(md(hexOf(sha(text)))), "MD5 of the SHA-1"},
		{hexOf(sha(hexOf(sha(text)))), "SHA-1 twice"},
		{hexOf(md(hexOf(md(text)))), "MD5 twice"},
		{hexOf(wide[:]), "SHA-256 of the MD5"},
		{hexOf(mac.Sum(nil)), "HMAC"},
		{Sign(password, user, phone), "password and user id changed places"},
		{Sign(user, phone, password), "value and password changed places"},
		{Sign(phone, user, password), "wrong order"},
		{Sign(user+"+", password+"+", phone), "something between them"},
		{Sign(user, password, "6281200001111"), "another spelling"},
		{Sign(user, password, "+6281200001111"), "another spelling"},
		{Sign(user, password, "81200001111"), "another spelling"},
		{Sign(user, password, "INV-9"), "value of bill_no"},
		{Sign(user, password, "77001"), "value of merchant_id"},
		{Sign(user, password, "INV-92"), "bill_no and payment_status_code"},
		{Sign(user, password, ""), "credentials alone"},
		{Sign(user, password, "null"), "word null"},
		{Sign(user, password, phone+"\n"), "line break"},
		{Sign("77001", password, phone), "lacks its prefix bot"},
		{Sign("", password, phone), "user id is missing"},
		{Sign(user, "", phone), "password is missing"},
		{Sign(user, "demo-P%40ss1", phone), "URL-encoded"},
		{Sign(user, password+" ", phone), "password has blanks"},
		{Sign(user, hexOf(md(password)), phone), "hashed with MD5"},
		{Sign(user, strings.ToLower(password), phone), "lower case"},
		// Two mistakes at once.
		{Sign(password, user, "INV-9"), "value of bill_no; and password and user id changed places"},
		{hexOf(sha("77001" + password + phone)), "lacks its prefix bot; and the signature is the SHA-1"},
		{strings.Repeat("0", 40), "no usual mistake"},
		{base64.StdEncoding.EncodeToString(make([]byte, 20)), "Written correctly it still does not match"},
	} {
		hint := Explain(user, password, phone, test.signature, message)
		if !strings.Contains(strings.ToLower(hint), strings.ToLower(test.hint)) {
			t.Errorf("%q: %q, want %q", test.signature, hint, test.hint)
		}
		if strings.Contains(hint, password) || !strings.HasSuffix(hint, ".") {
			t.Errorf("hint %q", hint)
		}
	}
	if hint := Explain(user, "", phone, right, message); !strings.Contains(hint, "no password") {
		t.Errorf("hint %q", hint)
	}
	if hint := Explain(user, password, "", right, wire.Value{}); !strings.Contains(hint, "usual mistake") {
		t.Errorf("hint %q", hint)
	}
}

// TestCoverage shows what the signature does not protect; whoever changes this
// must change the checks that make up for it.
func TestCoverage(t *testing.T) {
	t.Parallel()
	if Sign("ab", "c", "d") != Sign("a", "bc", "d") || Sign("a", "b", "cd") != Sign("a", "bc", "d") {
		t.Error("the parts of the signed text are separated")
	}
	a, b := readPairs(t, "payment_request"), with(readPairs(t, "payment_request"), "bill_total", "9000000")
	for _, f := range formats {
		if ReadHead(ServicePayment, mustParse(t, f, printPairs(f, a))) != ReadHead(ServicePayment, mustParse(t, f, printPairs(f, b))) {
			t.Error("the amount is signed")
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if !Verify("bot77001", "demo-Pass1", "081200001111", "3b8eea2a5ef98414d9fef1ea6fd1cf218f3df8f4").OK {
			b.Fatal("refused")
		}
	}
}

func BenchmarkExplain(b *testing.B) {
	message := mustParse(b, JSON, string(readSample(b, "payment_request").json))
	b.ReportAllocs()
	for b.Loop() {
		Explain("bot77001", "demo-Pass1", "081200001111", strings.Repeat("0", 40), message)
	}
}
