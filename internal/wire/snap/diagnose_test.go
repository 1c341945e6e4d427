package snap

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Mistakes that only the rest of the call and the other merchants show. Each names
// the string that the caller signed, so that it can be shown beside ours.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	const path = PathPayment + "?a=1"
	const customer = "tok-b2b2c-7"
	body := `{"partnerReferenceNo":"INV-1","amount":{"value":"10000.00","currency":"IDR"},"additionalInfo":{"note":"Café"}}`
	digest := Digest([]byte(body))
	clues := wire.Clues{
		Others: []wire.Other{{Name: "Warung Lain", ID: "BRN-0002", Secret: "SK-another"}},
		Headers: map[string]string{
			"Authorization-Customer": "Bearer " + customer, "Date": "Mon, 06 May 2024 00:08:09 GMT", "X-External-Id": "ext-1", "X-Partner-Id": testClient,
		},
	}
	hash := func(secret, text string) string {
		h := hmac.New(sha512.New, []byte(secret))
		h.Write([]byte(text))
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	parts := func(method, target, token, digest, at string) string {
		return SymmetricString(method, target, token, digest, at)
	}
	bodied := func(body string) string { return parts("POST", path, testToken, Digest([]byte(body)), testTime) }
	good := parts("POST", path, testToken, digest, testTime)

	for _, test := range []struct{ name, secret, text, want string }{
		{"another merchant's secret", "SK-another", good, "The client secret of another merchant was used, that of Warung Lain (BRN-0002)."},
		{"customer token", testSecret, parts("POST", path, customer, digest, testTime), "the token of the header Authorization-Customer"},
		{"timestamp of another header", testSecret, parts("POST", path, testToken, digest, clues.Headers["Date"]), "The timestamp in the string to sign is the value of the header Date."},
		{"external id for the token", testSecret, parts("POST", path, "ext-1", digest, testTime), "The token in the string to sign is the value of the header X-External-Id."},
		{"timestamp with blanks", testSecret, good + " ", "blanks around it, which the header loses"},
		{"line break at the end", testSecret, good + "\n", "line break"},
		{"bars", testSecret, strings.Join([]string{"POST", path, testToken, digest, testTime}, "|"), `joined with "|"`},
		{"token and digest swapped", testSecret, parts("POST", path, digest, testToken, testTime), "The token and the digest in the string to sign changed places"},
		{"timestamp and digest swapped", testSecret, parts("POST", path, testToken, testTime, digest), "The digest and the timestamp in the string to sign changed places"},
		{"other method", testSecret, parts("GET", path, testToken, digest, testTime), "the method GET"},
		{"time zone", testSecret, parts("POST", path, testToken, digest, "2024-05-06T00:08:09Z"), "same instant in another form"},
		{"unix seconds", testSecret, parts("POST", path, testToken, digest, "1714954089"), "Unix seconds"},
		{"no digest", testSecret, strings.Replace(good, ":"+digest, "", 1), "lacks the digest"},
		{"latin 1", testSecret, bodied(strings.ReplaceAll(body, "é", "\xe9")), "ISO 8859-1"},
		{"utf-8 twice", testSecret, bodied(strings.ReplaceAll(body, "é", "Ã©")), "UTF-8 twice"},
		{"byte order mark", testSecret, bodied("\ufeff" + body), "begins with a byte order mark that was not sent"},
		{"member added", testSecret, bodied(`{"partnerReferenceNo":"INV-1","amount":{"value":"10000.00","currency":"IDR"}}`), "lacks the member additionalInfo: it was added after signing"},
		{"inner member added", testSecret, bodied(strings.Replace(body, `,"currency":"IDR"`, "", 1)), "lacks the member amount.currency"},
		{"number for text", testSecret, bodied(strings.Replace(body, `"10000.00"`, `10000.00`, 1)), "numbers without the quotes"},
		{"escaped slash and more", testSecret, bodied(strings.ReplaceAll(body, "é", `\u00e9`)), "other escapes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := Diagnose(testSecret, "POST", path, testToken, []byte(body), testTime, hash(test.secret, test.text), clues)
			if !strings.Contains(strings.ToLower(d.Hint), strings.ToLower(test.want)) {
				t.Errorf("hint %q\nwant %q in it", d.Hint, test.want)
			}
			if d.Signed != test.text || len(d.Mistakes) != 1 {
				t.Errorf("signed %q, mistakes %q\nwant   %q", d.Signed, d.Mistakes, test.text)
			}
		})
	}
	d := Diagnose(testSecret, "POST", path, testToken, []byte(body), testTime, hash(testSecret, bodied(body+"\n")), clues)
	if d.SignedBody != body+"\n" {
		t.Errorf("signed body %q", d.SignedBody)
	}
	if d := Diagnose(testSecret, "POST", path, testToken, []byte(body), testTime, hash("nobody's", good), clues); d.Signed != "" || len(d.Mistakes) != 0 {
		t.Errorf("nothing was found: %+v", d)
	}
}

func TestDiagnoseAsymmetric(t *testing.T) {
	t.Parallel()
	key := testKey()
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := EncodePublicKey(&stranger.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	clues := wire.Clues{
		Others:  []wire.Other{{Name: "Warung Lain", ID: "BRN-0002", PublicKey: pem}, {Name: "Tanpa Kunci", ID: "BRN-0003"}},
		Headers: map[string]string{"Date": "Mon, 06 May 2024 00:08:09 GMT", "X-Client-Key": testClient},
	}
	hash := func(text string) []byte { sum := sha256.Sum256([]byte(text)); return sum[:] }
	signWith := func(key *rsa.PrivateKey, h crypto.Hash, digest []byte) []byte {
		raw, err := rsa.SignPKCS1v15(nil, key, h, digest)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	b64 := base64.StdEncoding.EncodeToString
	sign := func(text string) string { return b64(signWith(key, crypto.SHA256, hash(text))) }
	good := AsymmetricString(testClient, testTime)
	raw := signWith(key, crypto.SHA256, hash(good))
	wide := sha512.Sum512([]byte(good))
	pss, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, hash(good), nil)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(testSecret))
	mac.Write([]byte(good))

	for _, test := range []struct{ name, signature, want, signed string }{
		{"another merchant's key", b64(signWith(stranger, crypto.SHA256, hash(good))), "private key of another merchant, that of Warung Lain (BRN-0002)", good},
		{"another merchant's client id", sign("BRN-0002|" + testTime), "The client id of another merchant was signed", "BRN-0002|" + testTime},
		{"timestamp of another header", sign(testClient + "|" + clues.Headers["Date"]), "value of the header Date", testClient + "|" + clues.Headers["Date"]},
		{"time zone", sign(testClient + "|2024-05-06T00:08:09+00:00"), "same instant", testClient + "|2024-05-06T00:08:09+00:00"},
		{"read twice", sign(testClient + "|2024-05-06T07:08:10+07:00"), "differs from the header by seconds", testClient + "|2024-05-06T07:08:10+07:00"},
		{"swapped", sign(testTime + "|" + testClient), "changed places", testTime + "|" + testClient},
		{"line break", sign(good + "\n"), "ends with a line break", good + "\n"},
		{"blanks around the client id", sign(" " + good), "blanks or a line break around it", " " + good},
		{"no bar", sign(testClient + testTime), "lacks the vertical bar", testClient + testTime},
		{"colon", sign(testClient + ":" + testTime), "a colon where a vertical bar belongs", testClient + ":" + testTime},
		{"timestamp alone", sign(testTime), "the timestamp alone", testTime},
		{"client id alone", sign(testClient), "the client id alone", testClient},
		{"client id not set", sign("undefined|" + testTime), "the word undefined", "undefined|" + testTime},
		{"lower case", sign(strings.ToLower(testClient) + "|" + testTime), "in lower case", strings.ToLower(testClient) + "|" + testTime},
		{"pss", b64(pss), "PSS padding", good},
		{"sha-512", b64(signWith(key, crypto.SHA512, wide[:])), "SHA-512, it must be SHA-256", good},
		{"hashed twice", b64(signWith(key, crypto.SHA256, hash(string(hash(good))))), "hashed before", good},
		{"hashed twice, in hex", b64(signWith(key, crypto.SHA256, hash(hex.EncodeToString(hash(good))))), "hashed before", good},
		{"hex", hex.EncodeToString(raw), "hexadecimal, it must be base64", good},
		{"base64 of hex", b64([]byte(hex.EncodeToString(raw))), "base64 of the hexadecimal text", good},
		{"url alphabet", base64.RawURLEncoding.EncodeToString(raw), "URL alphabet", good},
		{"wrapped", b64(raw)[:76] + "\n" + b64(raw)[76:], "line breaks in it", good},
		{"padding", strings.TrimRight(b64(raw), "="), "lacks its padding", good},
		{"quotes", `"` + b64(raw) + `"`, "in quotes", good},
		{"hmac-sha256", b64(mac.Sum(nil)), "This is an HMAC (32 bytes)", ""},
		{"two", hex.EncodeToString(signWith(key, crypto.SHA256, hash(testTime+"|"+testClient))), "must be base64; and the client id and the timestamp", testTime + "|" + testClient},
		{"made up", b64(make([]byte, 256)), "No usual mistake", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := DiagnoseAsymmetric(&key.PublicKey, testClient, testTime, test.signature, clues)
			if !strings.Contains(strings.ToLower(d.Hint), strings.ToLower(test.want)) || d.Signed != test.signed {
				t.Errorf("hint %q, signed %q\nwant %q in it and %q", d.Hint, d.Signed, test.want, test.signed)
			}
		})
	}
}
