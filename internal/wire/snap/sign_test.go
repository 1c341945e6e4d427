package snap

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// testKey is made once: generating RSA keys is slow.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

const (
	testClient = "BRN-0001-1700000000001"
	testSecret = "SK-testsecret-8Lq2Zr7v"
	testToken  = "tok-b2b-0001"
	testTime   = "2024-05-06T07:08:09+07:00"
)

func TestSignAsymmetric(t *testing.T) {
	t.Parallel()
	key := testKey()
	first, err := SignAsymmetric(key, testClient, testTime)
	if err != nil {
		t.Fatal(err)
	}
	second, err := SignAsymmetric(key, testClient, testTime)
	if err != nil || first != second || len(first) != 344 {
		t.Errorf("signatures %s and %s, %v", first, second, err)
	}
	if v := VerifyAsymmetric(&key.PublicKey, testClient, testTime, first); !v.OK {
		t.Errorf("verdict %+v", v)
	}
	if VerifyAsymmetric(vectorKey(t), testClient, testTime, first).OK {
		t.Error("another key verifies the signature")
	}
	if VerifyAsymmetric(nil, testClient, testTime, first).OK {
		t.Error("no key verifies the signature")
	}
	if _, err := SignAsymmetric(nil, testClient, testTime); err == nil {
		t.Error("signed without a key")
	}
	body := []byte(`{"a": 1}`)
	transaction, err := SignAsymmetricTransaction(key, "POST", PathBalance, body, testTime)
	if err != nil || !VerifyAsymmetricTransaction(&key.PublicKey, "POST", PathBalance, []byte(`{"a":1}`), testTime, transaction).OK {
		t.Errorf("transaction signature %s, %v", transaction, err)
	}
}

func TestVerifySymmetricQuery(t *testing.T) {
	t.Parallel()
	body := []byte(`{"a": "\/"}`)
	for form, signed := range map[string]string{"raw": `{"a": "\/"}`, "stripped": `{"a":"\/"}`, "canonical": `{"a":"/"}`} {
		for _, target := range []string{"/notify?shop=1", "/notify"} {
			signature := SignSymmetric(testSecret, "POST", target, testToken, []byte(signed), testTime)
			v := VerifySymmetric(testSecret, "POST", "/notify?shop=1", testToken, body, testTime, signature)
			if !v.OK || v.Matched != form || !strings.HasPrefix(v.StringToSign, "POST:"+target+":") {
				t.Errorf("%s over %s: %+v", form, target, v)
			}
		}
	}
	signature := SignSymmetric(testSecret, "POST", "/notify?shop=1", testToken, body, testTime)
	if VerifySymmetric(testSecret, "POST", "/notify", testToken, body, testTime, signature).OK {
		t.Error("a query that was not requested is accepted")
	}
}

func TestVerifySymmetricBrokenJSON(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", "\xff", `{"a":1,"a":2}`, `"\ud800"`, "\"", "\\"} {
		signature := SignSymmetric(testSecret, "POST", "/x", testToken, []byte(body), testTime)
		if v := VerifySymmetric(testSecret, "POST", "/x", testToken, []byte(body), testTime, signature); !v.OK || v.Matched != "raw" {
			t.Errorf("%q: %+v", body, v)
		}
		if VerifySymmetric(testSecret, "POST", "/y", testToken, []byte(body), testTime, signature).OK {
			t.Errorf("%q: another path is accepted", body)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	const path = PathPayment
	body := `{"b": "Café x", "a": "https://m.test/"}`
	digest := Digest([]byte(body))
	mac := func(secret, text string) []byte {
		h := hmac.New(sha512.New, []byte(secret))
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	b64 := base64.StdEncoding.EncodeToString
	sign := func(method, target, token, body, at string) string {
		return SignSymmetric(testSecret, method, target, token, []byte(body), at)
	}
	good := SymmetricString("POST", path, testToken, digest, testTime)
	right := mac(testSecret, good)
	short := hmac.New(sha256.New, []byte(testSecret))
	short.Write([]byte(good))
	rsaSignature, err := SignAsymmetric(testKey(), testClient, testTime)
	if err != nil {
		t.Fatal(err)
	}
	swapCase := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 32
		}
		return r
	}, b64(right))

	for _, test := range []struct{ name, signature, want string }{
		{"empty", " ", "is empty"},
		{"not base64", "!!!", "not the base64 of 64 bytes"},
		{"asymmetric", rsaSignature, "This is an RSA signature (256 bytes)"},
		{"hex", hex.EncodeToString(right), "hexadecimal, it must be base64"},
		{"upper hex", strings.ToUpper(hex.EncodeToString(right)), "hexadecimal, it must be base64"},
		{"base64 of hex", b64([]byte(hex.EncodeToString(right))), "base64 of the hexadecimal text"},
		{"url alphabet", strings.NewReplacer("+", "-", "/", "_").Replace(b64(right)), "URL alphabet"},
		{"no padding", strings.TrimRight(b64(right), "="), "lacks its padding"},
		{"prefix", "HMACSHA512=" + b64(right), `prefix "HMACSHA512="`},
		{"letter case", swapCase, "letter case"},
		{"hmac-sha256", b64(short.Sum(nil)), "HMAC-SHA256"},
		{"bearer", sign("POST", path, "Bearer "+testToken, body, testTime), `begins with "Bearer "`},
		{"no token", sign("POST", path, "", body, testTime), "token in the string to sign is empty"},
		{"token omitted", b64(mac(testSecret, AsymmetricTransactionString("POST", path, digest, testTime))), "lacks the access token and its colon"},
		{"lower method", sign("post", path, testToken, body, testTime), "lower case"},
		{"no method", b64(mac(testSecret, strings.TrimPrefix(good, "POST:"))), "lacks the method"},
		{"other path", sign("POST", PathBalance, testToken, body, testTime), "the path " + PathBalance},
		{"archived path", sign("POST", "/direct-debit/ovo/v1.0/debit/payment-host-to-host", testToken, body, testTime), "/direct-debit/ovo/v1.0/"},
		{"no first slash", sign("POST", path[1:], testToken, body, testTime), "lacks its first slash"},
		{"whole address", sign("POST", "https://api-sandbox.doku.com"+path, testToken, body, testTime), "whole address"},
		{"end of path", sign("POST", "/v1/debit/payment-host-to-host", testToken, body, testTime), "only the end of the path"},
		{"zulu", sign("POST", path, testToken, body, "2024-05-06T00:08:09Z"), "same instant"},
		{"utc offset", sign("POST", path, testToken, body, "2024-05-06T00:08:09+00:00"), "same instant"},
		{"millis", sign("POST", path, testToken, body, "2024-05-06T00:08:09.000Z"), "same instant"},
		{"clock read twice", sign("POST", path, testToken, body, "2024-05-06T07:08:08+07:00"), "differs from the header by seconds"},
		{"newline", sign("POST", path, testToken, body+"\n", testTime), "line break that was not sent"},
		{"no body", sign("POST", path, testToken, "", testTime), "empty body"},
		{"sorted", sign("POST", path, testToken, `{"a":"https://m.test/","b":"Café x"}`, testTime), "sorted"},
		{"all blanks", sign("POST", path, testToken, `{"b":"Caféx","a":"https://m.test/"}`, testTime), "Blanks inside strings"},
		{"escapes", sign("POST", path, testToken, `{"b":"Caf\u00e9 x","a":"https:\/\/m.test\/"}`, testTime), "other escapes"},
		{"upper digest", b64(mac(testSecret, SymmetricString("POST", path, testToken, strings.ToUpper(digest), testTime))), "upper-case hexadecimal"},
		{"body itself", b64(mac(testSecret, SymmetricString("POST", path, testToken, body, testTime))), "body itself"},
		{"secret newline", b64(mac(testSecret+"\n", good)), "blanks or a line break around it"},
		{"secret prefix", b64(mac("testsecret-8Lq2Zr7v", good)), "prefix SK-"},
		{"no hmac", b64(func() []byte { s := sha512.Sum512([]byte(good)); return s[:] }()), "plain SHA-512"},
		{"two", sign("POST", path, "Bearer "+testToken, body, "2024-05-06T00:08:09Z"), `begins with "Bearer ", it must be the token alone; and the timestamp`},
		{"two with an allowed body", sign("POST", path, "Bearer "+testToken, string(wire.Strip([]byte(body))), testTime), `begins with "Bearer "`},
		{"hex and bearer", hex.EncodeToString(mac(testSecret, SymmetricString("POST", path, "Bearer "+testToken, digest, testTime))), `must be base64; and the token`},
		{"hex and unknown", hex.EncodeToString(mac("other", good)), "still does not match"},
		{"other secret", b64(mac("other", good)), "the client secret differs"},
		{"right", b64(right), "signature is right"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			hint := Explain(testSecret, "POST", path, testToken, []byte(body), testTime, test.signature)
			if !strings.Contains(hint, test.want) {
				t.Errorf("hint %q\nwant %q in it", hint, test.want)
			}
		})
	}
	t.Run("letter case of other vectors", func(t *testing.T) {
		t.Parallel()
		lower := strings.ToLower(sign("POST", path, testToken, string(wire.Strip([]byte(body))), testTime))
		if hint := Explain(testSecret, "POST", path, testToken, []byte(body), testTime, lower); !strings.Contains(hint, "letter case") {
			t.Error(hint)
		}
	})
	for _, secret := range []string{hex.EncodeToString([]byte("secret!!")), b64([]byte("secret!!"))} {
		signature := b64(mac("secret!!", good))
		if hint := Explain(secret, "POST", path, testToken, []byte(body), testTime, signature); !strings.Contains(hint, "decoded before use") {
			t.Error(hint)
		}
	}
	if hint := Explain("", "POST", path, testToken, []byte(body), testTime, b64(right)); !strings.Contains(hint, "no client secret") {
		t.Error(hint)
	}
}

func TestExplainAsymmetric(t *testing.T) {
	t.Parallel()
	key := testKey()
	sign := func(text string) string {
		signature, err := signRSA(key, text)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	raw, _ := decodeBase64(sign(AsymmetricString(testClient, testTime)))
	for _, test := range []struct{ signature, want string }{
		{"", "is empty"},
		{"?", "not base64"},
		{hex.EncodeToString(raw), "hexadecimal"},
		{SignSymmetric(testSecret, "POST", "/", "", nil, testTime), "This is an HMAC"},
		{base64.StdEncoding.EncodeToString(raw[:200]), "belongs to another key"},
		{sign(AsymmetricString(testClient, testTime)), "signature is right"},
		{sign(AsymmetricString(testClient, "2024-05-06T00:08:09Z")), "same instant"},
		{sign(testTime + "|" + testClient), "changed places"},
		{sign(testClient + "|" + testTime + "\n"), "ends with a line break"},
		{sign(strings.ToLower(testClient) + ":" + testTime), "lower case; and the string to sign has a colon"},
		{sign("something else"), "No usual mistake"},
	} {
		if hint := ExplainAsymmetric(&key.PublicKey, testClient, testTime, test.signature); !strings.Contains(hint, test.want) {
			t.Errorf("hint %q\nwant %q in it", hint, test.want)
		}
	}
	if hint := ExplainAsymmetric(nil, testClient, testTime, "AAAA"); !strings.Contains(hint, "no public key") {
		t.Error(hint)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	key := testKey()
	public, err := EncodePublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for _, text := range []string{public, block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)), "\r\n" + strings.ReplaceAll(public, "\n", "\r\n")} {
		if got, err := ParsePublicKey(text); err != nil || !got.Equal(&key.PublicKey) {
			t.Errorf("ParsePublicKey: %v", err)
		}
	}
	for _, text := range []string{private, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))} {
		if got, err := ParsePrivateKey(text); err != nil || !got.Equal(key) {
			t.Errorf("ParsePrivateKey: %v", err)
		}
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curvePublic, _ := x509.MarshalPKIXPublicKey(&curve.PublicKey)
	curvePrivate, _ := x509.MarshalPKCS8PrivateKey(curve)
	exponent3 := rsa.PublicKey{N: key.N, E: 3}
	short := rsa.PublicKey{N: new(big.Int).Rsh(key.N, 1024), E: key.E}
	short.N.SetBit(short.N, 0, 1)
	for name, text := range map[string]string{
		"empty": "", "no PEM": "MIIB", "private": private, "two": public + public, "garbage": block("PUBLIC KEY", []byte("x")),
		"garbage PKCS#1": block("RSA PUBLIC KEY", []byte("x")), "elliptic": block("PUBLIC KEY", curvePublic),
		"exponent 3": block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&exponent3)),
		"1024 bit":   block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&short)),
	} {
		if got, err := ParsePublicKey(text); err == nil || got != nil {
			t.Errorf("ParsePublicKey accepts %s", name)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "public": public, "garbage": block("PRIVATE KEY", []byte("x")), "garbage PKCS#1": block("RSA PRIVATE KEY", []byte("x")),
		"elliptic": block("PRIVATE KEY", curvePrivate),
	} {
		if got, err := ParsePrivateKey(text); err == nil || got != nil {
			t.Errorf("ParsePrivateKey accepts %s", name)
		}
	}
}

func TestMint(t *testing.T) {
	t.Parallel()
	key := testKey()
	expires := time.Date(2024, 5, 6, 0, 23, 9, 999, time.UTC)
	token, err := Mint(key, Claims{Expires: expires, ClientID: testClient})
	if err != nil {
		t.Fatal(err)
	}
	// Header and payload are those of the vector; only the key differs.
	vector := readVector(t, "testdata/t10_token.txt").fields["token"]
	if got, want := token[:strings.LastIndex(token, ".")], vector[:strings.LastIndex(vector, ".")]; got != want {
		t.Errorf("Mint = %s\nwant %s", got, want)
	}
	if again, _ := Mint(key, Claims{Expires: expires, ClientID: testClient}); again != token {
		t.Error("minting is not deterministic")
	}
	full := Claims{Expires: expires.Truncate(time.Second), ClientID: `M&"<1>`, AccountID: "acc", Use: UseRefresh}
	token, err = Mint(key, full)
	if err != nil {
		t.Fatal(err)
	}
	middle, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if want := `"accountId":"acc","use":"refresh"}`; !strings.HasSuffix(string(middle), want) {
		t.Errorf("payload %s, want %s at its end", middle, want)
	}
	got, err := ParseToken([]*rsa.PublicKey{nil, vectorKey(t), &key.PublicKey}, token)
	if err != nil || got != full {
		t.Errorf("ParseToken = %+v, %v; want %+v", got, err, full)
	}
	for _, bad := range []Claims{{ClientID: "x"}, {Expires: expires}} {
		if _, err := Mint(key, bad); err == nil {
			t.Errorf("Mint(%+v) succeeded", bad)
		}
	}
	if _, err := Mint(nil, full); err == nil {
		t.Error("Mint without a key succeeded")
	}
}

func TestParseTokenRefuses(t *testing.T) {
	t.Parallel()
	key := testKey()
	keys := []*rsa.PublicKey{&key.PublicKey}
	claims := jwt.MapClaims{"exp": 1714954989, "iss": Issuer, "clientId": testClient}
	sign := func(method jwt.SigningMethod, header map[string]any, claims jwt.MapClaims, key any) string {
		header["alg"] = method.Alg()
		text, err := (&jwt.Token{Method: method, Header: header, Claims: claims}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	with := func(name string, value any) jwt.MapClaims {
		c := jwt.MapClaims{}
		for k, v := range claims {
			c[k] = v
		}
		c[name] = value
		return c
	}
	good := sign(jwt.SigningMethodRS256, map[string]any{}, claims, key)
	if _, err := ParseToken(keys, good); err != nil {
		t.Fatalf("a good token is refused: %v", err)
	}
	parts := strings.Split(good, ".")
	public, _ := EncodePublicKey(&key.PublicKey)
	for name, token := range map[string]string{
		"none":              sign(jwt.SigningMethodNone, map[string]any{}, claims, jwt.UnsafeAllowNoneSignatureType),
		"HS256, public key": sign(jwt.SigningMethodHS256, map[string]any{}, claims, []byte(public)),
		"RS512":             sign(jwt.SigningMethodRS512, map[string]any{}, claims, key),
		"PS256":             sign(jwt.SigningMethodPS256, map[string]any{}, claims, key),
		"kid":               sign(jwt.SigningMethodRS256, map[string]any{"kid": "../../dev/null"}, claims, key),
		"jku":               sign(jwt.SigningMethodRS256, map[string]any{"jku": "https://x.test"}, claims, key),
		"swapped header":    base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"no signature":      parts[0] + "." + parts[1] + ".",
		"two parts":         parts[0] + "." + parts[1],
		"four parts":        good + ".x",
		"padding":           good + "==",
		"line break":        good[:len(good)-4] + "\n" + good[len(good)-4:],
		"empty":             "",
		"long":              good + strings.Repeat("A", MaxToken),
		"other issuer":      sign(jwt.SigningMethodRS256, map[string]any{}, with("iss", "EVIL"), key),
		"no issuer":         sign(jwt.SigningMethodRS256, map[string]any{}, jwt.MapClaims{"exp": 1, "clientId": "x"}, key),
		"no expiry":         sign(jwt.SigningMethodRS256, map[string]any{}, with("exp", 0), key),
		"text expiry":       sign(jwt.SigningMethodRS256, map[string]any{}, with("exp", "soon"), key),
		"no client":         sign(jwt.SigningMethodRS256, map[string]any{}, with("clientId", ""), key),
		"flipped":           parts[0] + "." + parts[1][:10] + "A" + parts[1][11:] + "." + parts[2],
	} {
		if got, err := ParseToken(keys, token); err != ErrToken || got != (Claims{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, keys := range [][]*rsa.PublicKey{nil, {}, {nil}, {vectorKey(t)}} {
		if _, err := ParseToken(keys, good); err != ErrToken {
			t.Errorf("keys %v: %v", keys, err)
		}
	}
}

func TestBearerToken(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "", "Bearer": "", "Bearer ": "", "Bearer abc": "abc", "bearer  abc ": "abc", "BEARER abc": "abc",
		"abc": "abc", " abc ": "abc", "Bearerabc": "Bearerabc", "Basic abc": "Basic abc",
	} {
		if got := BearerToken(header); got != want {
			t.Errorf("BearerToken(%q) = %q, want %q", header, got, want)
		}
	}
}

func BenchmarkVerifySymmetricRaw(b *testing.B) {
	v := readVector(b, "testdata/t04_payment.txt")
	f := v.fields
	b.ReportAllocs()
	for b.Loop() {
		if !VerifySymmetric(f["secret"], f["method"], f["target"], f["token"], v.body, f["timestamp"], f["signature"]).OK {
			b.Fatal("refused")
		}
	}
}

func BenchmarkVerifySymmetricCanonical(b *testing.B) {
	v := readVector(b, "testdata/t09_php.txt")
	f := v.fields
	b.ReportAllocs()
	for b.Loop() {
		if !VerifySymmetric(f["secret"], f["method"], f["target"], f["token"], v.body, f["timestamp"], f["signature"]).OK {
			b.Fatal("refused")
		}
	}
}

func BenchmarkParseToken(b *testing.B) {
	token := readVector(b, "testdata/t10_token.txt").fields["token"]
	keys := []*rsa.PublicKey{vectorKey(b)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseToken(keys, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExplainNothingFound(b *testing.B) {
	v := readVector(b, "testdata/t04_payment.txt")
	f := v.fields
	for b.Loop() {
		Explain("other", f["method"], f["target"], f["token"], v.body, f["timestamp"], f["signature"])
	}
}
