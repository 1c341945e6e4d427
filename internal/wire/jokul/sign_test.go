package jokul

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

const testSecret = "SK-vectorOnly0000demo9"

var (
	testCall = Call{Method: "POST", Target: PathRecurringPayment, ClientID: "MCH-0042-17000000000001", RequestID: "5b0f3c1e-7a54-4f0e-9a0b-2f6a3d9f7711", Timestamp: "2024-05-06T03:15:20Z"}
	testGet  = Call{Method: "GET", Target: StatusPath("SUB/1"), ClientID: "MCH-0042-17000000000001", RequestID: "Ab-1", Timestamp: "2024-05-06T03:15:20Z"}
)

func b64(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

// stray spells the same 32 bytes in base64 with an unused bit set.
func stray(value string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return value[:42] + string(alphabet[strings.IndexByte(alphabet, value[42])+1]) + "="
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	body := []byte(`{"a":1}`)
	right := SignRequest(testSecret, testCall, body)
	value := strings.TrimPrefix(right, signaturePrefix)
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	for name, signature := range map[string]string{
		"empty":           "",
		"prefix alone":    signaturePrefix,
		"no prefix":       value,
		"other prefix":    "HmacSHA256=" + value,
		"lower prefix":    strings.ToLower(signaturePrefix) + value,
		"other hash":      "HMACSHA512=" + value,
		"colon":           "HMACSHA256:" + value,
		"blank in front":  " " + right,
		"blank behind":    right + " ",
		"blank between":   signaturePrefix + " " + value,
		"truncated":       right[:len(right)-4],
		"too much":        right + "=",
		"longer":          signaturePrefix + value[:43] + "AAAA=",
		"hex":             signaturePrefix + hex.EncodeToString(raw),
		"line break":      signaturePrefix + value[:20] + "\n" + value[20:],
		"swapped":         signaturePrefix + value[:20] + "\n" + value[21:],
		"stray bits":      signaturePrefix + stray(value),
		"first bit":       signaturePrefix + b64(append([]byte{raw[0] ^ 0x80}, raw[1:]...)),
		"last bit":        signaturePrefix + b64(append(append([]byte(nil), raw[:31]...), raw[31]^1)),
		"the digest":      signaturePrefix + Digest(body),
		"another's":       SignRequest("SK-other", testCall, body),
		"of an answer":    SignResponse(testSecret, testCall, body),
		"of another body": SignRequest(testSecret, testCall, nil),
	} {
		if v := VerifyRequest(testSecret, testCall, body, signature); v.OK || v.Expected != right || v.Received != signature || v.Hint != "" {
			t.Errorf("%s: %+v", name, v)
		}
		if signature != SignResponse(testSecret, testCall, body) && VerifyResponse(testSecret, testCall, body, signature).OK {
			t.Errorf("%s is accepted as an answer's", name)
		}
	}
	if VerifyRequest("", testCall, body, SignRequest("", testCall, body)).OK {
		t.Error("an empty secret is accepted")
	}
	withQuery := testCall
	withQuery.Target += "?a=b"
	if !VerifyRequest(testSecret, withQuery, body, right).OK {
		t.Error("a query is part of the signature")
	}
}

func TestDigestLine(t *testing.T) {
	t.Parallel()
	if got := RequestString(testCall, ""); strings.Contains(got, "Digest") || strings.HasSuffix(got, "\n") {
		t.Errorf("RequestString without digest = %q", got)
	}
	if v := VerifyRequest(testSecret, testCall, nil, ""); !strings.HasSuffix(v.StringToSign, "\nDigest:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") {
		t.Errorf("a POST without body signs %q", v.StringToSign)
	}
	for _, verify := range []func(string, Call, []byte, string) wire.Verdict{VerifyRequest, VerifyResponse} {
		if v := verify(testSecret, testGet, []byte("x"), ""); strings.Contains(v.StringToSign, "Digest") || v.Digest != "" {
			t.Errorf("a GET signs %q", v.StringToSign)
		}
	}
	if got := ResponseString(testCall, "d"); !strings.Contains(got, "\nResponse-Timestamp:2024-05-06T03:15:20Z\n") || strings.Contains(got, "Request-Timestamp") {
		t.Errorf("ResponseString = %q", got)
	}
}

func TestExplainRequest(t *testing.T) {
	t.Parallel()
	body := []byte(`{"b": "Café x", "a": "https://m.test/"}`)
	digest := Digest(body)
	good := RequestString(testCall, digest)
	mac := func(secret, text string) []byte {
		sum := sum(secret, text)
		return sum[:]
	}
	signed := func(text string) string { return sign(testSecret, text) }
	digested := func(digest string) string { return signed(RequestString(testCall, digest)) }
	bodied := func(body string) string { return digested(Digest([]byte(body))) }
	called := func(change func(*Call)) string {
		c := testCall
		change(&c)
		return signed(RequestString(c, digest))
	}
	replaced := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q does not occur", old)
		}
		return signed(strings.ReplaceAll(good, old, new))
	}
	right := mac(testSecret, good)
	rightHex := hex.EncodeToString(right)
	wide := hmac.New(sha512.New, []byte(testSecret))
	wide.Write([]byte(good))
	short := hmac.New(sha1.New, []byte(testSecret))
	short.Write([]byte(good))
	plain := sha256.Sum256([]byte(good))
	last := sha256.Sum256([]byte(good + testSecret))
	bodyHash := sha256.Sum256(body)
	lines := strings.Split(good, "\n")

	for _, test := range []struct{ name, signature, want string }{
		{"right", sign(testSecret, good), "signature is right"},
		{"empty", " ", "is empty"},
		{"not base64", "!!!", "is not HMACSHA256= and the base64 of 32 bytes"},
		{"prefix alone", signaturePrefix, "is not HMACSHA256="},
		{"rsa", b64(make([]byte, 256)), "This is an RSA signature (256 bytes)"},
		{"no prefix", b64(right), "lacks its prefix HMACSHA256="},
		{"lower prefix", "hmacsha256=" + b64(right), `begins with "hmacsha256="`},
		{"hyphen in prefix", "HMAC-SHA256=" + b64(right), `begins with "HMAC-SHA256="`},
		{"colon", "HMACSHA256:" + b64(right), `begins with "HMACSHA256:"`},
		{"short prefix", "SHA256=" + b64(right), `begins with "SHA256="`},
		{"blanks", " " + signaturePrefix + b64(right) + "\n", "blanks, line breaks or quotes around it"},
		{"quotes", `"` + signaturePrefix + b64(right) + `"`, "quotes around it"},
		{"hex", signaturePrefix + rightHex, "hexadecimal, it must be base64"},
		{"hex without prefix", strings.ToUpper(rightHex), "lacks its prefix HMACSHA256=; and the signature is written in hexadecimal"},
		{"base64 of hex", signaturePrefix + b64([]byte(rightHex)), "base64 of the hexadecimal text"},
		{"url alphabet", signaturePrefix + strings.NewReplacer("+", "-", "/", "_").Replace(b64(right)), "URL alphabet"},
		{"padding", signaturePrefix + b64(right) + "=", "too much padding"},
		{"stray bits", signaturePrefix + stray(b64(right)), "last character of the signature was changed"},
		{"wrapped", signaturePrefix + b64(right)[:30] + "\n" + b64(right)[30:], "a line break in it"},
		{"letter case", signaturePrefix + strings.ToLower(b64(right)), "letter case"},
		{"hmac-sha512", "HMACSHA512=" + b64(wide.Sum(nil)), `begins with "HMACSHA512=", it must begin with "HMACSHA256="; and the signature is HMAC-SHA512`},
		{"snap", b64(wide.Sum(nil)), "HMAC-SHA512, as in SNAP"},
		{"hmac-sha1", signaturePrefix + b64(short.Sum(nil)), "HMAC-SHA1"},
		{"no hmac", signaturePrefix + b64(plain[:]), "plain SHA-256 without the secret key"},
		{"as check_sum", signaturePrefix + b64(last[:]), "as in check_sum"},

		{"trailing LF", signed(good + "\n"), "ends with a line break"},
		{"trailing CR LF", signed(good + "\r\n"), "ends with a line break"},
		{"CR LF", replaced("\n", "\r\n"), "CR LF"},
		{"CR LF everywhere", signed(strings.ReplaceAll(good, "\n", "\r\n") + "\r\n"), "CR LF, it must be LF alone, and none at the end"},
		{"literal", replaced("\n", `\n`), "a backslash and the letter n"},
		{"literal everywhere", signed(strings.ReplaceAll(good+"\n", "\n", `\n`)), "a backslash and the letter n"},
		{"not separated", replaced("\n", ""), "not separated"},
		{"indented", replaced("\n", "\n    "), "indented"},
		{"blank behind colon", signed(strings.NewReplacer("Id:", "Id: ", "Timestamp:", "Timestamp: ", "Target:", "Target: ", "Digest:", "Digest: ").Replace(good)), `followed by ": "`},
		{"lower names", signed(strings.NewReplacer("Client-Id", "client-id", "Request-Id", "request-id", "Request-Timestamp", "request-timestamp", "Request-Target", "request-target", "Digest", "digest").Replace(good)), "lower case"},
		{"values only", signed(strings.Join([]string{testCall.ClientID, testCall.RequestID, testCall.Timestamp, testCall.Target, digest}, "\n")), "lacks the names"},
		{"order", signed(strings.Join([]string{lines[1], lines[0], lines[2], lines[3], lines[4]}, "\n")), "another order, Request-Id, Client-Id, the timestamp"},
		{"order of three", signed(strings.Join([]string{lines[0], lines[1], lines[3], lines[4], lines[2]}, "\n")), "another order"},
		{"label", replaced("Request-Timestamp", "Response-Timestamp"), "has the name Response-Timestamp"},

		{"other client case", called(func(c *Call) { c.ClientID = strings.ToLower(c.ClientID) }), "client id was signed in lower case"},
		{"other request case", called(func(c *Call) { c.RequestID = strings.ToUpper(c.RequestID) }), "Request-Id was signed in upper case"},
		{"no client", replaced(lines[0]+"\n", ""), "lacks the line Client-Id"},
		{"offset", called(func(c *Call) { c.Timestamp = "2024-05-06T10:15:20+07:00" }), "same instant"},
		{"millis", called(func(c *Call) { c.Timestamp = "2024-05-06T03:15:20.000Z" }), "same instant"},
		{"local time as UTC", called(func(c *Call) { c.Timestamp = "2024-05-06T10:15:20Z" }), "same instant"},
		{"clock read twice", called(func(c *Call) { c.Timestamp = "2024-05-06T03:15:19Z" }), "differs from the header by seconds"},
		{"other path", called(func(c *Call) { c.Target = PathPush }), "the path " + PathPush},
		{"whole address", replaced(testCall.Target, "https://api-sandbox.doku.com"+testCall.Target), "whole address"},
		{"host", replaced(testCall.Target, "api.doku.com"+testCall.Target), "host in front"},
		{"no slash", replaced(testCall.Target, testCall.Target[1:]), "lacks its first slash"},
		{"last slash", replaced(testCall.Target, testCall.Target+"/"), "ends with a slash"},
		{"no path", replaced(testCall.Target, ""), "path in the string to sign is empty"},

		{"no digest line", signed(RequestString(testCall, "")), "lacks the line Digest"},
		{"hex digest", digested(hex.EncodeToString(bodyHash[:])), "digest is in hexadecimal"},
		{"base64 of hex digest", digested(b64([]byte(hex.EncodeToString(bodyHash[:])))), "digest is base64 of the hexadecimal text"},
		{"digest header form", digested("SHA-256=" + digest), "begins with SHA-256="},
		{"digest padding", digested(strings.TrimRight(digest, "=")), "lacks its padding"},
		{"body itself", digested(string(body)), "body itself"},
		{"minified", bodied(string(wire.Strip(body))), "lacks the white space"},
		{"slashes", bodied(`{"b":"Café x","a":"https:\/\/m.test\/"}`), `with \/ for a slash`},
		{"escapes", bodied(`{"b":"Caf\u00e9 x","a":"https://m.test/"}`), `with \u escapes`},
		{"php", bodied(`{"b":"Caf\u00e9 x","a":"https:\/\/m.test\/"}`), `with \/ and \u escapes`},
		{"sorted", bodied(`{"a":"https://m.test/","b":"Café x"}`), "sorted by name"},
		{"pretty", bodied("{\n  \"b\": \"Café x\",\n  \"a\": \"https://m.test/\"\n}"), "with line breaks"},
		{"twice", bodied(`"{\"b\":\"Café x\",\"a\":\"https://m.test/\"}"`), "encoded to JSON twice"},
		{"newline", bodied(string(body) + "\n"), "line break that was not sent"},
		{"no body", bodied(""), "empty body"},

		{"secret newline", sign(testSecret+"\n", good), "blanks or a line break around it"},
		{"secret prefix", sign("vectorOnly0000demo9", good), "without its prefix SK-"},
		{"secret base64", sign(b64([]byte(testSecret)), good), "base64-encoded before use"},
		{"secret unset", sign("undefined", good), "the word undefined"},
		{"other secret", sign("other", good), "the secret key differs"},
		{"hex and unknown", signaturePrefix + hex.EncodeToString(mac("other", good)), "still does not match"},
		{"two", signed(RequestString(testCall, hex.EncodeToString(bodyHash[:])) + "\n"), "ends with a line break, it must end with the last value; and the digest is in hexadecimal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if hint := ExplainRequest(testSecret, testCall, body, test.signature); !strings.Contains(hint, test.want) {
				t.Errorf("hint %q\nwant %q in it", hint, test.want)
			}
		})
	}
	if hint := ExplainRequest("", testCall, body, sign(testSecret, good)); !strings.Contains(hint, "no secret key") {
		t.Error(hint)
	}
}

func TestExplainOther(t *testing.T) {
	t.Parallel()
	body := []byte(`{}`)
	answer := SignRequest(testSecret, testCall, body)
	if hint := ExplainResponse(testSecret, testCall, body, answer); !strings.Contains(hint, "in an answer it must be Response-Timestamp") {
		t.Error(hint)
	}
	for want, signature := range map[string]string{
		"a GET has none":      sign(testSecret, RequestString(testGet, Digest(nil))),
		"percent-decoded":     sign(testSecret, strings.Replace(RequestString(testGet, ""), "%2F", "/", 1)),
		"without the invoice": sign(testSecret, strings.Replace(RequestString(testGet, ""), "/SUB%2F1", "", 1)),
		"signature is right":  SignRequest(testSecret, testGet, nil),
	} {
		if hint := ExplainRequest(testSecret, testGet, nil, signature); !strings.Contains(hint, want) {
			t.Errorf("hint %q\nwant %q in it", hint, want)
		}
	}
	escaped := []byte(`{"a":"\"\\","b":"😀"}`)
	for _, form := range []string{`{"a": "\"\\", "b": "😀"}`, `{"a":"\"\\","b":"\ud83d\ude00"}`} {
		signature := SignRequest(testSecret, testCall, []byte(form))
		if hint := ExplainRequest(testSecret, testCall, escaped, signature); !strings.Contains(hint, "printed differently") {
			t.Error(hint)
		}
	}
	for _, secret := range []string{"SK-" + hex.EncodeToString([]byte("secret!!")), b64([]byte("secret!!"))} {
		if hint := ExplainRequest(secret, testCall, body, SignRequest("secret!!", testCall, body)); !strings.Contains(hint, "decoded before use") {
			t.Error(hint)
		}
	}
	unreadable := testCall
	unreadable.Timestamp = "now"
	if hint := ExplainRequest(testSecret, unreadable, body, SignRequest(testSecret, unreadable, nil)); !strings.Contains(hint, "empty body") {
		t.Error(hint)
	}
	withQuery := testCall
	withQuery.Target += "?shop=1"
	signature := sign(testSecret, strings.Replace(RequestString(testCall, Digest(body)), testCall.Target, withQuery.Target, 1))
	if hint := ExplainRequest(testSecret, withQuery, body, signature); !strings.Contains(hint, "has the query behind it") {
		t.Error(hint)
	}
}

func TestExplainCheckSum(t *testing.T) {
	t.Parallel()
	request := CheckSumFields{Amount: "27500", ClientID: "MCH-0042-17000000000001", InvoiceNumber: "PUSH-2024-0003", OVOID: "081234567890"}
	answer := request
	answer.ApprovalCode, answer.BatchNumber, answer.ReferenceNumber, answer.TraceNumber = "604418", "126", "71", "402318"
	of := func(parts ...string) string {
		sum := sha256.Sum256([]byte(strings.Join(parts, "")))
		return hex.EncodeToString(sum[:])
	}
	a, c, i, p := request.Amount, request.ClientID, request.InvoiceNumber, request.OVOID
	raw, err := hex.DecodeString(request.Sum(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	keyedSum := sum(testSecret, a+c+i+p)
	wide := sha512.Sum512([]byte(a + c + i + p + testSecret))
	short := sha1.Sum([]byte(a + c + i + p + testSecret))
	shorter := md5.Sum([]byte(a + c + i + p + testSecret))
	for _, test := range []struct {
		fields         CheckSumFields
		received, want string
	}{
		{request, request.Sum(testSecret), "check_sum is right"},
		{request, " ", "is empty"},
		{request, "zz", "not the hexadecimal of 32 bytes"},
		{request, request.Sum(testSecret) + "\n", "blanks, line breaks or quotes"},
		{request, b64(raw), "base64, it must be hexadecimal"},
		{request, signaturePrefix + b64(raw), "belongs to the Signature header"},
		{request, of(a, i, p, testSecret), "lacks the client id"},
		{request, of(c, i, p, testSecret), "lacks the amount"},
		{request, of(a, c, p, testSecret), "lacks the invoice number"},
		{request, of(a, c, i, testSecret), "lacks the phone"},
		{request, of(a, c, i, p), "lacks the secret key"},
		{request, of(testSecret, a, c, i, p), "secret key in front"},
		{request, of(c, i, a, p, testSecret), "another order, client id, invoice number, amount, phone"},
		{request, of(a, "+", c, "+", i, "+", p, "+", testSecret), `joined with "+"`},
		{request, of(a, "\n", c, "\n", i, "\n", p, "\n", testSecret), "joined with line breaks"},
		{request, of("27500.00", c, i, p, testSecret), "with decimals"},
		{request, of("27.500", c, i, p, testSecret), "separators between thousands"},
		{request, of(a, c, i, "6281234567890", testSecret), "spelled differently"},
		{request, of(a, strings.ToLower(c), i, p, testSecret), "client id in the check_sum is in lower case"},
		{request, of(a, c, strings.ToLower(i), p, testSecret), "invoice number in the check_sum is in lower case"},
		{request, of(a, c, i, p, "vectorOnly0000demo9"), "without its prefix SK-"},
		{request, hex.EncodeToString(keyedSum[:]), "HMAC-SHA256"},
		{request, hex.EncodeToString(wide[:]), "SHA-512"},
		{request, hex.EncodeToString(short[:]), "SHA-1"},
		{request, hex.EncodeToString(shorter[:]), "MD5"},
		{request, of(a, i, "6281234567890", testSecret), "lacks the client id; and the phone"},
		{request, request.Sum("other"), "No usual mistake"},
		{request, b64(func() []byte { sum := sha256.Sum256([]byte("x")); return sum[:] }()), "still does not match"},
		{answer, answer.Sum(testSecret), "check_sum is right"},
		{answer, request.Sum(testSecret), "lacks approval_code, batch_number"},
		{answer, of(a, c, i, p, "604418", "126", "71", "402318", testSecret), "stand behind the phone"},
	} {
		if hint := ExplainCheckSum(testSecret, test.fields, test.received); !strings.Contains(hint, test.want) {
			t.Errorf("hint %q\nwant %q in it", hint, test.want)
		}
	}
	if hint := ExplainCheckSum("", request, request.Sum("")); !strings.Contains(hint, "no secret key") {
		t.Error(hint)
	}
}

func FuzzVerifyJokul(f *testing.F) {
	body := []byte(`{"a": "é\/"}`)
	f.Add("POST", "/x?y", "c", "r", "2024-05-06T03:15:20Z", SignRequest(testSecret, testCall, body), body)
	f.Add("GET", "", "", "", "", signaturePrefix, []byte(nil))
	f.Add("POST", "/%2", "MCH", "\n", "1", "HMACSHA256=====", []byte("\""))
	f.Fuzz(func(t *testing.T, method, target, client, request, timestamp, signature string, body []byte) {
		c := Call{Method: method, Target: target, ClientID: client, RequestID: request, Timestamp: timestamp}
		for _, verify := range []func(string, Call, []byte, string) wire.Verdict{VerifyRequest, VerifyResponse} {
			v := verify(testSecret, c, body, signature)
			if v.OK && strings.TrimRight(v.Expected, "=") != strings.TrimRight(signature, "=") {
				t.Fatalf("%q is accepted for %q", signature, v.Expected)
			}
			if !verify(testSecret, c, body, v.Expected).OK {
				t.Fatalf("the expected signature %q is refused", v.Expected)
			}
		}
		fields := CheckSumFields{Amount: timestamp, ClientID: client, InvoiceNumber: request, OVOID: target}
		if VerifyCheckSum(testSecret, fields, signature).OK != strings.EqualFold(signature, fields.Sum(testSecret)) {
			t.Fatalf("check_sum %q", signature)
		}
	})
}

// FuzzExplainJokul is slow: every run tries thousands of HMACs.
func FuzzExplainJokul(f *testing.F) {
	f.Add("POST", "/x?y", "2024-05-06T03:15:20Z", SignRequest(testSecret, testCall, nil), []byte(`{"a": "é\/"}`))
	f.Add("GET", "", "", "HMACSHA256=\"", []byte(`"\`))
	f.Add("", "%", "9999-12-31T23:59:59Z", b64(make([]byte, 64)), []byte("\xff"))
	f.Fuzz(func(t *testing.T, method, target, timestamp, signature string, body []byte) {
		c := Call{Method: method, Target: target, Timestamp: timestamp}
		for _, hint := range []string{
			ExplainRequest(testSecret, c, body, signature),
			ExplainResponse(testSecret, c, body, signature),
			ExplainCheckSum(testSecret, CheckSumFields{Amount: method, OVOID: target}, signature),
		} {
			if hint == "" {
				t.Fatal("no hint")
			}
		}
	})
}

func BenchmarkVerifyRequest(b *testing.B) {
	v := readVector(b, "testdata/v6_push.txt")
	call, secret, signature := v.call(), v.fields["secret"], v.fields["signature"]
	b.ReportAllocs()
	for b.Loop() {
		if !VerifyRequest(secret, call, v.body, signature).OK {
			b.Fatal("refused")
		}
	}
}

func BenchmarkVerifyCheckSum(b *testing.B) {
	v := readVector(b, "testdata/cs1_request.txt")
	push, err := DecodePush(parse(b, string(v.body)))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !VerifyCheckSum(testSecret, push.CheckSumFields(), push.CheckSum).OK {
			b.Fatal("refused")
		}
	}
}

func BenchmarkExplainNothingFound(b *testing.B) {
	v := readVector(b, "testdata/v1_recurring_payment.txt")
	call, signature := v.call(), v.fields["signature"]
	for b.Loop() {
		ExplainRequest("other", call, v.body, signature)
	}
}
