package signed_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/signed"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func keys() signed.Keys {
	return signed.Keys{
		ClientID: "MCH-0001-10791114622547", SecretKey: "SK-9sCrJ1kdYUJAYlsJKlqz", PrivateKey: key(), PublicKey: &key().PublicKey,
		MerchantID: "99999", UserID: "bot99999", Password: "p@ssw0rd",
	}
}

func values() signed.Values {
	return signed.Values{
		Phone: "081211111111", CustomerID: "customer-1", CustomerToken: "a.b.c", AuthCode: strings.Repeat("7", 40), Reference: "INV-1", OriginalID: "abc",
		Refund: "RFD-1", Amount: 15_000, ReturnURL: "https://shop.example/done", PaymentType: "RECURRING", Format: faspay.JSON,
		Token: "d.e.f", At: time.Date(2026, 7, 1, 3, 0, 0, 0, time.UTC),
	}
}

// What is signed here is found right, in every call and encoding; and every part of
// it that a signature covers makes it wrong when it is changed.
func TestSignedCallsAreJudgedRight(t *testing.T) {
	t.Parallel()
	for _, call := range signed.Calls {
		for _, format := range []faspay.Format{faspay.JSON, faspay.XML} {
			v := values()
			v.Format = format
			s, err := signed.Sign(call.Name, keys(), v)
			if err != nil {
				t.Fatalf("%s: %v", call.Name, err)
			}
			report, err := signed.Judge(s.Message, keys())
			if err != nil || !report.OK || report.Dialect != call.Dialect || len(report.Problems) > 0 {
				t.Errorf("%s %s: %+v, %v", call.Name, format, report, err)
			}
			if last := report.Signatures[len(report.Signatures)-1]; last.StringToSign != s.StringToSign && call.Name != "push" || last.Digest != s.Digest {
				t.Errorf("%s: signed %q, judged %q", call.Name, s.StringToSign, last.StringToSign)
			}
			if _, ok := signed.CallAt(strings.SplitN(s.Target, "?", 2)[0]); !ok {
				t.Errorf("%s: no call is at its own path %s", call.Name, s.Target)
			}

			other := keys()
			other.SecretKey, other.Password, other.PublicKey = "SK-other", "other", nil
			if report, err := signed.Judge(s.Message, other); err != nil || report.OK || report.Signatures[0].Hint == "" {
				t.Errorf("%s with other keys: %+v, %v", call.Name, report, err)
			}
		}
	}
}

// A body of the caller's own is signed as it is where the signature covers its
// bytes, and gets the signature put in where that stands inside.
func TestSignOwnBody(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ call, body, want string }{
		{"snap-binding", "{ \"a\": 1 }\n", "{ \"a\": 1 }\n"},
		{"jokul-tokens", `{"customer":{"id":"é"}} `, `{"customer":{"id":"é"}} `},
		{"push", `{"order":{"amount":01},"x":1}`, ""},
		{"push", `{"client":{"id":"c"},"order":{"amount":1,"invoice_number":"i"},"ovo_info":{"ovo_id":"0812"},"extra":[1]}`,
			`{"client":{"id":"c"},"order":{"amount":1,"invoice_number":"i"},"ovo_info":{"ovo_id":"0812"},"extra":[1],"security":{"check_sum":"SIGNATURE"}}`},
		{"push", `{"security":{"check_sum":"old","b":2},"client":{"id":"c"}}`, `{"security":{"check_sum":"SIGNATURE","b":2},"client":{"id":"c"}}`},
		{"faspay-balance", `{"phone_no":"0812","signature":""}`, `{"phone_no":"0812","signature":"SIGNATURE"}`},
		{"faspay-inquiry", `<faspay><bill_no>1</bill_no></faspay>`, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<faspay><bill_no>1</bill_no><signature>SIGNATURE</signature></faspay>"},
	} {
		v := values()
		v.Body = []byte(test.body)
		s, err := signed.Sign(test.call, keys(), v)
		if test.want == "" {
			if err == nil {
				t.Errorf("%s signed %s", test.call, test.body)
			}
			continue
		}
		if got := string(bytes.ReplaceAll(s.Body, []byte(s.Signature), []byte("SIGNATURE"))); err != nil || got != test.want {
			t.Errorf("%s: %s, %v, want %s", test.call, got, err, test.want)
		}
		if report, err := signed.Judge(s.Message, keys()); err != nil || !report.OK {
			t.Errorf("%s: %+v, %v", test.call, report, err)
		}
	}
}

func TestSignNeedsWhatItCannotMakeUp(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"snap-binding": "B2B token", "snap-balance": "B2B token", "snap-customer-token": "auth code", "jokul-recurring": "customer token",
		"faspay-cancel": "trx_id", "nonsense": "no call",
	} {
		if _, err := signed.Sign(call, keys(), signed.Values{Reference: "INV-1"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", call, err, want)
		}
	}
	if _, err := signed.Sign("snap-token", signed.Keys{ClientID: "c"}, values()); err == nil {
		t.Error("a token call was signed without a private key")
	}
}

// A notification's path is the merchant's own: what it carries tells the protocol.
func TestJudgeNotifications(t *testing.T) {
	t.Parallel()
	k := keys()
	faspayBody := `{"bill_no":"INV-1","payment_status_code":"2","merchant_id":"99999","signature":"` + faspay.Sign(k.UserID, k.Password, "INV-12") + `"}`
	report, err := signed.Judge(signed.Message{Method: "POST", Target: "/hook", Header: http.Header{}, Body: []byte(faspayBody)}, k)
	if err != nil || !report.OK || report.Dialect != signed.Faspay {
		t.Errorf("%+v, %v", report, err)
	}
	for _, call := range []string{"snap-token", "snap-payment", "jokul-binding", "push"} {
		v := values()
		v.Target = "/hooks/ovo?shop=1"
		s, err := signed.Sign(call, k, v)
		if err != nil {
			t.Fatal(err)
		}
		if report, err := signed.Judge(s.Message, k); err != nil || !report.OK || len(report.Problems) > 0 {
			t.Errorf("%s: %+v, %v", call, report, err)
		}
	}
}

func TestJudgeProblems(t *testing.T) {
	t.Parallel()
	change := func(call string, change func(*signed.Message)) signed.Message {
		s, err := signed.Sign(call, keys(), values())
		if err != nil {
			t.Fatal(err)
		}
		change(&s.Message)
		return s.Message
	}
	for _, test := range []struct {
		name string
		m    signed.Message
		want string
	}{
		{"missing header", change("snap-binding", func(m *signed.Message) { m.Header.Del("X-EXTERNAL-ID") }), "X-EXTERNAL-ID is missing"},
		{"header twice", change("jokul-tokens", func(m *signed.Message) { m.Header.Add("Request-Id", "b") }), "more than once"},
		{"timestamp", change("snap-binding", func(m *signed.Message) { m.Header.Set("X-TIMESTAMP", "2026-07-01 10:00") }), "X-TIMESTAMP is"},
		{"other client", change("jokul-tokens", func(m *signed.Message) { m.Header.Set("Client-Id", "BRN-9") }), "names the client \"BRN-9\""},
		{"other merchant", change("faspay-balance", func(m *signed.Message) { m.Body = bytes.Replace(m.Body, []byte("99999"), []byte("11111"), 1) }), "those of \"99999\""},
		{"encoding", change("faspay-balance", func(m *signed.Message) { m.Target = "/pws/100040/183xx00010100000/" }), "the path is that of xml"},
		{"broken body", change("push", func(m *signed.Message) { m.Body = m.Body[:20] }), "not acceptable JSON"},
		{"broken Faspay body", change("faspay-balance", func(m *signed.Message) { m.Body = []byte("<faspay>") }), "not acceptable"},
	} {
		report, err := signed.Judge(test.m, keys())
		if err != nil || !strings.Contains(strings.ToLower(strings.Join(report.Problems, "\n")), strings.ToLower(test.want)) {
			t.Errorf("%s: %q, %v, want %q", test.name, report.Problems, err, test.want)
		}
	}
	if _, err := signed.Judge(signed.Message{Method: "GET", Target: "/", Header: http.Header{}}, keys()); err == nil {
		t.Error("a call of no protocol was judged")
	}
}

// The curl command sends the message byte by byte. The shell says what it makes of
// the command.
func TestCurl(t *testing.T) {
	t.Parallel()
	m := signed.Message{Method: "POST", Target: "/a?b='c'&d", Header: http.Header{"X-A": {"it's $HOME `x`"}}, Body: []byte("{\"a\":\"it's\n\\\\ $HOME\"}")}
	out, err := exec.Command("sh", "-c", "curl() { for a in \"$@\"; do printf '%s\\0' \"$a\"; done; }\n"+m.Curl("http://h/")).Output()
	want := []string{"-s", "-X", "POST", "http://h" + m.Target, "-H", "X-A: it's $HOME `x`", "--data-raw", string(m.Body), ""}
	if got := strings.Split(string(out), "\x00"); err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q, %v", got, err)
	}
}
