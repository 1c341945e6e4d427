package jokul

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// vector is one file of testdata: "name: value" lines, an empty line, the body. A
// name that is repeated has a value of several lines.
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
		if before, again := v.fields[name]; again {
			value = before + "\n" + value
		}
		v.fields[name] = value
	}
	return v
}

func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 14 {
		t.Fatalf("found %d vectors: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			v := readVector(t, file)
			switch kind := v.fields["kind"]; kind {
			case "request":
				v.header(t, SchemeHeader, SignRequest, VerifyRequest, ExplainRequest)
			case "response":
				v.header(t, SchemeResponse, SignResponse, VerifyResponse, ExplainResponse)
			case "check-sum-request":
				v.checkSumRequest(t)
			case "check-sum-answer":
				v.checkSumAnswer(t)
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

func (v vector) call() Call {
	f := v.fields
	return Call{Method: f["method"], Target: f["target"], ClientID: f["client"], RequestID: f["request-id"], Timestamp: f["timestamp"]}
}

func (v vector) header(t *testing.T, scheme string, sign func(string, Call, []byte) string, verify func(string, Call, []byte, string) wire.Verdict, explain func(string, Call, []byte, string) string) {
	f, call := v.fields, v.call()
	if n, ok := f["expect-bytes"]; ok && strconv.Itoa(len(v.body)) != n {
		t.Fatalf("the body has %d bytes, want %s", len(v.body), n)
	}
	if got := sign(f["secret"], call, v.body); got != f["signature"] {
		t.Errorf("signed %s\nwant %s", got, f["signature"])
	}
	verdict := verify(f["secret"], call, v.body, f["signature"])
	if !verdict.OK || verdict.Expected != f["signature"] || verdict.Received != f["signature"] || verdict.Scheme != scheme || verdict.Hint != "" {
		t.Fatalf("verdict %+v", verdict)
	}
	v.expect(t, "expect-string", verdict.StringToSign)
	if verdict.Digest != f["expect-digest"] {
		t.Errorf("digest %q, want %q", verdict.Digest, f["expect-digest"])
	}
	if !verify(f["secret"], call, v.body, strings.TrimRight(f["signature"], "=")).OK {
		t.Error("the signature without padding is refused")
	}
	if hint := explain(f["secret"], call, v.body, f["signature"]); !strings.Contains(hint, "signature is right") {
		t.Errorf("hint %q", hint)
	}
	if wrong, ok := f["refuse"]; ok {
		if verify(f["secret"], call, v.body, wrong).OK {
			t.Errorf("%s is accepted", wrong)
		}
		if hint := explain(f["secret"], call, v.body, wrong); !strings.Contains(hint, f["refuse-hint"]) {
			t.Errorf("hint %q, want %q in it", hint, f["refuse-hint"])
		}
	}
	v.headerRefused(t, verify)
}

func (v vector) headerRefused(t *testing.T, verify func(string, Call, []byte, string) wire.Verdict) {
	f, call := v.fields, v.call()
	for i := range v.body {
		flipped := append([]byte(nil), v.body...)
		flipped[i] ^= 1
		if verify(f["secret"], call, flipped, f["signature"]).OK {
			t.Errorf("a body with byte %d flipped is accepted", i)
		}
	}
	for name, change := range map[string]func(*Call){
		"method":  func(c *Call) { c.Method = map[string]string{"GET": "POST", "POST": "GET"}[c.Method] },
		"target":  func(c *Call) { c.Target += "/" },
		"client":  func(c *Call) { c.ClientID += "0" },
		"request": func(c *Call) { c.RequestID = strings.ToUpper(c.RequestID) },
		"time":    func(c *Call) { c.Timestamp = strings.Replace(c.Timestamp, "Z", "+00:00", 1) },
	} {
		other := call
		change(&other)
		if verify(f["secret"], other, v.body, f["signature"]).OK {
			t.Errorf("another %s is accepted", name)
		}
	}
	if verify(f["secret"]+"x", call, v.body, f["signature"]).OK {
		t.Error("another secret is accepted")
	}
}

func (v vector) checkSumRequest(t *testing.T) {
	push, err := DecodePush(parse(t, string(v.body)))
	if err != nil {
		t.Fatal(err)
	}
	v.checkSum(t, push.CheckSumFields(), push.CheckSum)
	var request PushRequest
	unmarshal(t, v.body, &request)
	if got := request.CheckSumFields(); got != push.CheckSumFields() {
		t.Errorf("the client covers %+v, the server %+v", got, push.CheckSumFields())
	}
}

func (v vector) checkSumAnswer(t *testing.T) {
	fields, received := AnswerCheckSum(parse(t, string(v.body)))
	v.checkSum(t, fields, received)
	var answer PushAnswer
	unmarshal(t, v.body, &answer)
	if got := answer.CheckSumFields(); got != fields {
		t.Errorf("the server covers %+v, the client %+v", got, fields)
	}
}

func (v vector) checkSum(t *testing.T, fields CheckSumFields, received string) {
	t.Helper()
	f := v.fields
	secret, want := f["secret"], f["check-sum"]
	if got := fields.Sum(secret); got != want || received != want {
		t.Errorf("Sum = %s, in the body %s\nwant %s", got, received, want)
	}
	verdict := VerifyCheckSum(secret, fields, received)
	if !verdict.OK || verdict.Scheme != SchemeCheckSum || verdict.Expected != want || verdict.Received != received {
		t.Errorf("verdict %+v", verdict)
	}
	if strings.Contains(verdict.StringToSign, secret) {
		t.Error("the verdict shows the secret key")
	}
	v.expect(t, "expect-text", strings.Replace(verdict.StringToSign, secretPlace, secret, 1))
	if !VerifyCheckSum(secret, fields, strings.ToUpper(received)).OK {
		t.Error("upper case is refused")
	}
	if hint := ExplainCheckSum(secret, fields, received); !strings.Contains(hint, "check_sum is right") {
		t.Errorf("hint %q", hint)
	}
	if wrong, ok := f["refuse"]; ok && VerifyCheckSum(secret, fields, wrong).OK {
		t.Errorf("%s is accepted", wrong)
	}
	v.checkSumRefused(t, fields)
}

func (v vector) checkSumRefused(t *testing.T, fields CheckSumFields) {
	secret, right := v.fields["secret"], v.fields["check-sum"]
	for name, received := range map[string]string{
		"empty":     "",
		"truncated": right[:63],
		"longer":    right + "0",
		"blank":     " " + right[1:],
		"not hex":   "g" + right[1:],
		"flipped":   hexFlip(t, right),
	} {
		if VerifyCheckSum(secret, fields, received).OK {
			t.Errorf("%s check_sum is accepted", name)
		}
	}
	for name, change := range map[string]func(*CheckSumFields){
		"amount":    func(f *CheckSumFields) { f.Amount += "0" },
		"approval":  func(f *CheckSumFields) { f.ApprovalCode += "1" },
		"batch":     func(f *CheckSumFields) { f.BatchNumber += "1" },
		"client":    func(f *CheckSumFields) { f.ClientID += "1" },
		"invoice":   func(f *CheckSumFields) { f.InvoiceNumber += "1" },
		"phone":     func(f *CheckSumFields) { f.OVOID += "1" },
		"reference": func(f *CheckSumFields) { f.ReferenceNumber += "1" },
		"trace":     func(f *CheckSumFields) { f.TraceNumber += "1" },
	} {
		other := fields
		change(&other)
		if VerifyCheckSum(secret, other, right).OK {
			t.Errorf("another %s is accepted", name)
		}
	}
	if VerifyCheckSum("", fields, fields.Sum("")).OK {
		t.Error("an empty secret is accepted")
	}
}

func hexFlip(t *testing.T, text string) string {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	return hex.EncodeToString(raw)
}
