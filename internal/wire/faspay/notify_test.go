package faspay

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadAck(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ack", "ack_short"} {
		for _, f := range formats {
			code, err := ReadAck(readSample(t, name).in(f))
			if err != nil || code != CodeSuccess || !Taken(code) {
				t.Errorf("%s %s: %q, %v", name, f, code, err)
			}
		}
	}
	for body, want := range map[string]string{
		`{"response_code":"00"}`:                                         "00",
		`{"response_code":0}`:                                            "00",
		`{"response_code":"0"}`:                                          "00",
		"\ufeff \n{\"response_code\":\"14\"}":                            "14",
		`{"response_code":"01"}`:                                         "01",
		`{"response_code":"000"}`:                                        "000",
		"<faspay><response_code>14</response_code></faspay>":             "14",
		"\n<faspay>\n<response_code>0</response_code>\n</faspay>":        "00",
		"\ufeff<faspay><response_code>00</response_code><x/></faspay>\n": "00",
	} {
		code, err := ReadAck([]byte(body))
		if err != nil || code != want || Taken(code) != (code == "00" || code == "14") {
			t.Errorf("%q: %q, %v", body, code, err)
		}
	}
	for _, body := range []string{
		"", "OK", "Success", "[]", "{}", `{"response_code":""}`, `{"response_code":null}`, `{"response_code":["00"]}`, `{"response_code":true}`, `{"response_code":"01","response_code":"00"}`,
		`{"ack":{"response_code":"00"}}`, "<html><body>00</body></html>", "<faspay/>", "<faspay><response_code/></faspay>", "<!DOCTYPE faspay><faspay><response_code>00</response_code></faspay>",
		"<faspay><response_code>0<!-- -->0</response_code></faspay>", "<br />\n{\"response_code\":\"00\"}", strings.Repeat(" ", 1<<20) + "{}",
	} {
		if code, err := ReadAck([]byte(body)); err == nil {
			t.Errorf("%.60q: %q", body, code)
		}
	}
}

func TestCallback(t *testing.T) {
	t.Parallel()
	c := Callback{Response: "Callback Activation", Phone: "081200001111", ResponseCode: CodeSuccess, ResponseDesc: "Success & <more>"}
	const query = "response=Callback+Activation&phone_number=081200001111&response_code=00&response_desc=Success+%26+%3Cmore%3E"
	for target, want := range map[string]string{
		"https://shop.test/ovo/linked":              "https://shop.test/ovo/linked?" + query,
		"https://shop.test":                         "https://shop.test?" + query,
		"http://127.0.0.1:3000/a?b=c&d=%20x":        "http://127.0.0.1:3000/a?b=c&d=%20x&" + query,
		"https://shop.test/a?response_code=01&x=1":  "https://shop.test/a?x=1&" + query,
		"https://shop.test/a?respons%65_code=01&&x": "https://shop.test/a?x&" + query,
		"https://shop.test/a?phone_number#top":      "https://shop.test/a?" + query + "#top",
		"https://shop.test/a%2Fb?x=%zz":             "https://shop.test/a%2Fb?x=%zz&" + query,
	} {
		got, err := c.URL(target)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", target, got, err, want)
		}
	}
	for _, target := range []string{"", "shop.test", "/ovo", "ftp://shop.test", "javascript:alert(1)", "https://", "https://a:b@shop.test", "https://shop.test\r\nX: y", "https://:443"} {
		if got, err := c.URL(target); err == nil {
			t.Errorf("%q: %s", target, got)
		}
	}
	back, err := ParseCallback(query)
	if diff := cmp.Diff(c, back); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}

	c.MerchantID, c.Signature = "77001", Sign("bot77001", "demo-Pass1", c.Phone)
	full, err := c.URL("https://shop.test")
	if err != nil || !strings.HasSuffix(full, "&merchant_id=77001&signature=3b8eea2a5ef98414d9fef1ea6fd1cf218f3df8f4") {
		t.Errorf("%s, %v", full, err)
	}
	u, err := url.Parse(full)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := ParseCallback(u.RawQuery); err != nil || back != c {
		t.Errorf("%+v, %v", back, err)
	}

	for bad, missing := range map[string]bool{
		"": true,
		"response=x&phone_number=&response_code=00&response_desc=x":               true,
		"phone_number=1&response_code=00":                                         true,
		"phone_number=1&response_desc=x":                                          true,
		"phone_number=1&phone_number=1&response_code=00&response_desc=x":          false,
		"phone_number=1&response_code=01&response_code=00&response_desc=x":        false,
		"phone_number=1&response_code=00&response_desc=x&signature=a&signature=b": false,
	} {
		_, err := ParseCallback(bad)
		var field *FieldError
		if !errors.As(err, &field) || field.Missing != missing {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"phone_number=%zz&response_code=00&response_desc=x", "phone_number=1;response_code=00"} {
		if _, err := ParseCallback(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestReturn(t *testing.T) {
	t.Parallel()
	r := Return{TrxID: "7700172000000017", MerchantID: "77001", Merchant: "Toko Contoh", BillNo: "A/1", BillRef: "A/1", BillTotal: "45000", BankUserName: "Rara", Status: StatusSuccess, Signature: "5d"}
	got, err := r.URL("https://shop.test/done?session=9&status=3")
	want := "https://shop.test/done?session=9&trx_id=7700172000000017&merchant_id=77001&merchant=Toko+Contoh&bill_no=A%2F1&bill_ref=A%2F1&bill_reff=A%2F1&bill_total=45000&bank_user_name=Rara&status=2&signature=5d"
	if err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	r.Request, r.PaymentReff, r.PaymentDate = "x", "OVO-1", "2025-07-01 09:17:41"
	got, err = r.URL("https://shop.test/done?session=9&request=y")
	if err != nil || got != want+"&request=x&payment_reff=OVO-1&payment_date=2025-07-01+09%3A17%3A41" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := r.URL("shop.test"); err == nil {
		t.Error("a bare host is accepted")
	}
}

// A return is read as it was written, whatever stands beside it, and under one
// spelling of the reference as under both.
func TestParseReturn(t *testing.T) {
	t.Parallel()
	r := Return{
		TrxID: "7700172000000017", MerchantID: "77001", Merchant: "Toko & Contoh", BillNo: "250700000017", BillRef: "12", BillTotal: "45000",
		BankUserName: "Rara", Status: StatusSuccess, Signature: Sign("bot77001", "demo-Pass1", "2507000000172"),
		Request: "x", PaymentReff: "OVO-1", PaymentDate: "2025-07-01 09:17:41",
	}
	full, err := r.URL("https://shop.test/paid?tag=a&tag=b")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(full)
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		u.RawQuery, strings.Replace(u.RawQuery, "bill_ref=12", "x=1", 1), strings.Replace(u.RawQuery, "bill_reff=12", "x=1", 1),
	} {
		if back, err := ParseReturn(query); err != nil || back != r {
			t.Errorf("%s: %+v, %v", query, back, err)
		}
	}
	for _, bad := range []string{"", "%", u.RawQuery + "&status=3", strings.Replace(u.RawQuery, "trx_id", "trx", 1), strings.Replace(u.RawQuery, "status=2", "status=", 1)} {
		if back, err := ParseReturn(bad); err == nil || back != (Return{}) {
			t.Errorf("%q: %+v, %v", bad, back, err)
		}
	}
}
