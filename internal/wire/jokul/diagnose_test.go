package jokul

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

var testClues = wire.Clues{
	Others: []wire.Other{{Name: "Warung Lain", ID: "MCH-0002-1", Secret: "SK-another"}},
	Headers: map[string]string{
		"Digest": "SHA-256=" + Digest([]byte(`{"amount":1}`)), "Date": "Mon, 06 May 2024 03:15:20 GMT", "X-Trace": "trace-1",
	},
}

// Mistakes that only the rest of the call and the other merchants show.
func TestDiagnoseRequest(t *testing.T) {
	t.Parallel()
	body := []byte(`{"order":{"invoice_number":"INV-1","amount":10000},"note":"Café"}`)
	text := func(change func(*Call), digest string) string {
		c := testCall
		change(&c)
		return RequestString(c, digest)
	}
	same := func(*Call) {}
	digest := Digest(body)
	good := text(same, digest)
	bodied := func(body string) string { return text(same, Digest([]byte(body))) }
	for _, test := range []struct{ name, secret, text, want string }{
		{"another merchant's secret", "SK-another", good, "The secret key of another merchant was used, that of Warung Lain (MCH-0002-1)."},
		{"client id as secret", testCall.ClientID, good, "client id was used in the place of the secret key"},
		{"another merchant's client id", testSecret, text(func(c *Call) { c.ClientID = "MCH-0002-1" }, digest), "The client id of another merchant was signed"},
		{"timestamp of another header", testSecret, text(func(c *Call) { c.Timestamp = testClues.Headers["Date"] }, digest), "The timestamp in the string to sign is the value of the header Date."},
		{"request id of another header", testSecret, text(func(c *Call) { c.RequestID = "trace-1" }, digest), "The Request-Id in the string to sign is the value of the header X-Trace."},
		{"request id with blanks", testSecret, text(func(c *Call) { c.RequestID += " " }, digest), "The Request-Id was signed with blanks"},
		{"changed in transit", testSecret, bodied(`{"amount":1}`), "the signature covers the digest that the header Digest names"},
		{"latin 1", testSecret, bodied(strings.ReplaceAll(string(body), "é", "\xe9")), "ISO 8859-1"},
		{"byte order mark", testSecret, bodied("\ufeff" + string(body)), "byte order mark that was not sent"},
		{"member added", testSecret, bodied(`{"order":{"invoice_number":"INV-1","amount":10000}}`), "lacks the member note: it was added after signing"},
		{"inner member added", testSecret, bodied(`{"order":{"amount":10000},"note":"Café"}`), "lacks the member order.invoice_number"},
		{"number as text", testSecret, bodied(`{"order":{"invoice_number":"INV-1","amount":"10000"},"note":"Café"}`), "numbers in quotes"},
		{"time zone", testSecret, text(func(c *Call) { c.Timestamp = "2024-05-06T10:15:20+07:00" }, digest), "same instant"},
		{"wrong path", testSecret, text(func(c *Call) { c.Target = PathBalance }, digest), "not the one that was called"},
		{"no digest", testSecret, text(same, ""), "lacks the line Digest"},
		{"line break", testSecret, good + "\n", "ends with a line break"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := DiagnoseRequest(testSecret, testCall, body, sign(test.secret, test.text), testClues)
			if !strings.Contains(strings.ToLower(d.Hint), strings.ToLower(test.want)) || d.Signed != test.text {
				t.Errorf("hint %q, signed %q\nwant %q in it and %q", d.Hint, d.Signed, test.want, test.text)
			}
		})
	}
}

func TestDiagnoseCheckSum(t *testing.T) {
	t.Parallel()
	f := CheckSumFields{Amount: "27500", ClientID: "MCH-0042-17000000000001", InvoiceNumber: "PUSH-2024-0003", OVOID: "081234567890"}
	right := f.Amount + f.ClientID + f.InvoiceNumber + f.OVOID
	for _, test := range []struct{ name, text, want, signed string }{
		{"another merchant's secret", right + "SK-another", "secret key of another merchant was used, that of Warung Lain", right + secretPlace},
		{"another merchant's client id", "27500MCH-0002-1PUSH-2024-0003081234567890" + testSecret, "client id of another merchant was signed", "27500MCH-0002-1PUSH-2024-0003081234567890" + secretPlace},
		{"invoice with blanks", "27500MCH-0042-17000000000001PUSH-2024-0003 081234567890" + testSecret, "The invoice number was signed with blanks", "27500MCH-0042-17000000000001PUSH-2024-0003 081234567890" + secretPlace},
		{"secret first", testSecret + right, "secret key in front", secretPlace + right},
		{"no secret", right, "lacks the secret key", right},
		{"phone rewritten", "27500MCH-0042-17000000000001PUSH-2024-000362" + "81234567890" + testSecret, "spelled differently", "27500MCH-0042-17000000000001PUSH-2024-000362" + "81234567890" + secretPlace},
	} {
		sum := sha256.Sum256([]byte(test.text))
		d := DiagnoseCheckSum(testSecret, f, hex.EncodeToString(sum[:]), testClues)
		if !strings.Contains(d.Hint, test.want) || d.Signed != test.signed {
			t.Errorf("%s: hint %q, signed %q\nwant %q in it and %q", test.name, d.Hint, d.Signed, test.want, test.signed)
		}
		if strings.Contains(d.Signed+d.Hint, testSecret) || strings.Contains(d.Signed+d.Hint, "SK-another") {
			t.Errorf("%s gives a secret away: %+v", test.name, d)
		}
	}
}
