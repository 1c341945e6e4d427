package snap

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

func parse(t testing.TB, body string) wire.Value {
	t.Helper()
	v, err := wire.Parse([]byte(body))
	if err != nil {
		t.Fatalf("Parse(%s): %v", body, err)
	}
	return v
}

// decoders gives all decoders one type.
var decoders = map[string]func(wire.Value) (any, error){
	"b2b":       func(v wire.Value) (any, error) { return DecodeTokenB2B(v) },
	"b2b2c":     func(v wire.Value) (any, error) { return DecodeTokenB2B2C(v) },
	"binding":   func(v wire.Value) (any, error) { return DecodeBinding(v) },
	"balance":   func(v wire.Value) (any, error) { return DecodeBalance(v) },
	"payment":   func(v wire.Value) (any, error) { return DecodePayment(v) },
	"status":    func(v wire.Value) (any, error) { return DecodeStatus(v) },
	"refund":    func(v wire.Value) (any, error) { return DecodeRefund(v) },
	"unbinding": func(v wire.Value) (any, error) { return DecodeUnbinding(v) },
}

// bodies holds a complete request per decoder.
var bodies = map[string]string{
	"b2b":       `{"grantType":"client_credentials"}`,
	"b2b2c":     `{"grantType":"authorization_code","authCode":"2238240506070809123107119118000000000017"}`,
	"binding":   `{"phoneNo":"6281200000001","additionalInfo":{"channel":"EMONEY_OVO_SNAP","custIdMerchant":"cust-0001","successRegistrationUrl":"https://merchant.test/ok","failedRegistrationUrl":"https://merchant.test/fail"}}`,
	"balance":   `{"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`,
	"payment":   `{"partnerReferenceNo":"INV-1","feeType":"OUR","amount":{"value":"15000.00","currency":"IDR"},"payOptionDetails":[{"payMethod":"CASH","transAmount":{"value":"15000.00","currency":"IDR"},"feeAmount":{"value":"0.00","currency":"IDR"}}],"additionalInfo":{"channel":"EMONEY_OVO_SNAP","successPaymentUrl":"https://merchant.test/ok","failedPaymentUrl":"https://merchant.test/fail","paymentType":"SALE"}}`,
	"status":    `{"originalPartnerReferenceNo":"INV-1","serviceCode":"55"}`,
	"refund":    `{"originalPartnerReferenceNo":"INV-1","refundAmount":{"value":"5000.00","currency":"IDR"},"reason":"Item out of stock","partnerRefundNo":"RFD-1","additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`,
	"unbinding": `{"tokenId":"tok","additionalInfo":{"channel":"EMONEY_OVO_SNAP"}}`,
}

func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	item := "https://merchant.test/"
	for _, test := range []struct {
		name, decoder, body string
		want                any
	}{
		{"plain", "b2b", bodies["b2b"], TokenB2BRequest{GrantType: "client_credentials"}},
		{"PHP", "b2b", `{"grantType":"Client_Credentials","additionalInfo":[]}`, TokenB2BRequest{GrantType: "client_credentials"}},
		{"Python", "b2b", `{"grantType":"client_credentials","additionalInfo":""}`, TokenB2BRequest{GrantType: "client_credentials"}},
		{"additionalInfo of any kind", "b2b", `{"grantType":"client_credentials","additionalInfo":7}`, TokenB2BRequest{GrantType: "client_credentials"}},
		{"Go", "b2b2c", `{"grantType":"authorization_code","authCode":"1","refreshToken":""}`, TokenB2B2CRequest{GrantType: "authorization_code", AuthCode: "1"}},
		{"refresh", "b2b2c", `{"grantType":"refresh_token","authCode":null,"refreshToken":"r","additionalInfo":null}`, TokenB2B2CRequest{GrantType: "refresh_token", RefreshToken: "r"}},
		{"least", "binding", bodies["binding"], Binding{Phone: "6281200000001", CustomerID: "cust-0001", SuccessURL: item + "ok", FailureURL: item + "fail"}},
		{"most", "binding", `{"phoneNo":"6281200000001","additionalInfo":{"channel":"emoney_ovo_snap","custIdMerchant":"c","customerName":"Anton","email":"a@b.test","idCard":"327","country":"Indonesia","address":"Jl. 1\nJakarta","dateOfBirth":"31122000","successRegistrationUrl":"http://m.test/?a=1","failedRegistrationUrl":"https://m.test:8443","deviceModel":null,"osType":"ios","origin":{"product":"SDK"}},"unknown":[1]}`,
			Binding{Phone: "6281200000001", CustomerID: "c", CustomerName: "Anton", Email: "a@b.test", IDCard: "327", Country: "Indonesia", Address: "Jl. 1\nJakarta", DateOfBirth: "31122000", SuccessURL: "http://m.test/?a=1", FailureURL: "https://m.test:8443"}},
		{"absent members of four kinds", "binding", `{"phoneNo":"628120000","additionalInfo":{"channel":"EMONEY_OVO_SNAP","custIdMerchant":"c","customerName":null,"email":"","idCard":{},"country":[],"successRegistrationUrl":"http://m.test","failedRegistrationUrl":"http://m.test"}}`,
			Binding{Phone: "628120000", CustomerID: "c", SuccessURL: "http://m.test", FailureURL: "http://m.test"}},
		{"current", "balance", bodies["balance"], Balance{}},
		{"archived", "balance", `{"additionalInfo":{"channel":"EMONEY_OVO_SNAP"},"bankCardToken":"tok"}`, Balance{BankCardToken: "tok"}},
		{"sale", "payment", bodies["payment"], Payment{Reference: "INV-1", FeeType: "OUR", Amount: 15000, Options: []PayOption{{Purse: "CASH", Amount: 15000}}, Type: "SALE", SuccessURL: item + "ok", FailureURL: item + "fail"}},
		{"PHP leaves out", "payment", `{"partnerReferenceNo":"INV-1","amount":{"value":"15000.00","currency":"idr"},"payOptionDetails":null,"additionalInfo":{"channel":"EMONEY_OVO_SNAP","successPaymentUrl":"https://merchant.test/ok","failedPaymentUrl":"https://merchant.test/fail","lineItems":[]}}`,
			Payment{Reference: "INV-1", Amount: 15000, Type: "SALE", SuccessURL: item + "ok", FailureURL: item + "fail"}},
		{"recurring without pages", "payment", `{"partnerReferenceNo":"INV-1","feeType":"SHA|1000","chargeToken":"","amount":{"value":"0015000.00","currency":"IDR"},"payOptionDetails":[{"payMethod":"points","transAmount":{"value":"0.00","currency":"IDR"},"feeAmount":{"value":"","currency":""}},{"payMethod":"Cash","transAmount":{"value":"15000.00","currency":"IDR"}}],"bankCardToken":"tok","additionalInfo":{"channel":"EMONEY_OVO_SNAP","remarks":"r","paymentType":"recurring","lineItems":[{"name":"A","price":"10000.00","quantity":"1"},{"name":"B","price":5000.50,"quantity":2}],"overrideNotificationUrl":"https://n.test/x"}}`,
			Payment{Reference: "INV-1", FeeType: "SHA|1000", Amount: 15000, Options: []PayOption{{Purse: "POINTS"}, {Purse: "CASH", Amount: 15000}}, Type: "RECURRING", Remarks: "r",
				LineItems: []LineItem{{"A", "10000.00", "1"}, {"B", "5000.50", "2"}}, NotificationURL: "https://n.test/x", BankCardToken: "tok"}},
		{"documented override first", "payment", strings.Replace(bodies["payment"], `"paymentType"`, `"overrideNotificationUrl":"https://n.test/2","override_notification_url":"https://n.test/1","paymentType"`, 1),
			Payment{Reference: "INV-1", FeeType: "OUR", Amount: 15000, Options: []PayOption{{Purse: "CASH", Amount: 15000}}, Type: "SALE", SuccessURL: item + "ok", FailureURL: item + "fail", NotificationURL: "https://n.test/1"}},
		{"plain", "status", bodies["status"], Status{Reference: "INV-1", ServiceCode: "55"}},
		{"Go", "status", `{"originalPartnerReferenceNo":"","originalReferenceNo":"ref","originalExternalId":"ext","serviceCode":"54","transactionDate":"2024","amount":{"value":"","currency":""},"merchantId":7,"additionalInfo":null}`, Status{ReferenceNo: "ref", ExternalID: "ext", ServiceCode: "54"}},
		{"amount", "status", `{"originalPartnerReferenceNo":"INV-1","serviceCode":"55","amount":{"value":"1.00","currency":"IDR"},"additionalInfo":{"channel":"EMONEY_OVO_SNAP","deviceId":null}}`, Status{Reference: "INV-1", ServiceCode: "55", Amount: 1}},
		{"plain", "refund", bodies["refund"], Refund{Reference: "INV-1", Amount: 5000, Reason: "Item out of stock", RefundReference: "RFD-1"}},
		{"archived", "refund", strings.Replace(bodies["refund"], `"additionalInfo":{`, `"originalExternalId":"e","additionalInfo":{"bankCardToken":"tok",`, 1), Refund{Reference: "INV-1", ExternalID: "e", Amount: 5000, Reason: "Item out of stock", RefundReference: "RFD-1", BankCardToken: "tok"}},
		{"plain", "unbinding", bodies["unbinding"], Unbinding{TokenID: "tok"}},
	} {
		t.Run(test.decoder+"/"+test.name, func(t *testing.T) {
			t.Parallel()
			got, err := decoders[test.decoder](parse(t, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const missing, malformed, tooFar = "missing", "malformed", "range"
	long := func(n int) string { return `"` + strings.Repeat("é", n) + `"` }
	for _, test := range []struct {
		decoder  string
		old, new string // replaced in the complete body; an empty old replaces all of it
		kind     string
		field    string
	}{
		{"b2b", "", `{}`, missing, "grantType"},
		{"b2b", "", `[]`, malformed, "body"},
		{"b2b", "", `"x"`, malformed, "body"},
		{"b2b", "", `null`, malformed, "body"},
		{"b2b", `"client_credentials"`, `"authorization_code"`, malformed, "grantType"},
		{"b2b", `"client_credentials"`, `7`, malformed, "grantType"},
		{"b2b2c", "", `{"authCode":"1"}`, missing, "grantType"},
		{"b2b2c", "", `{"grantType":"refresh_token","authCode":"1"}`, missing, "refreshToken"},
		{"b2b2c", "", `{"grantType":"authorization_code","refreshToken":"1"}`, missing, "authCode"},
		{"b2b2c", "", `{"grantType":"password"}`, malformed, "grantType"},
		{"b2b2c", "", `{"grantType":"authorization_code","authCode":1}`, malformed, "authCode"},

		{"binding", "", `{}`, missing, "phoneNo"},
		{"binding", "", `[1]`, malformed, "body"},
		{"binding", `"6281200000001"`, `""`, missing, "phoneNo"},
		{"binding", `"6281200000001"`, `6281200000001`, malformed, "phoneNo"},
		{"binding", `"6281200000001"`, `"62812000"`, malformed, "phoneNo"},
		{"binding", `"6281200000001"`, `"62812000000000000"`, malformed, "phoneNo"},
		{"binding", `"6281200000001"`, `"081200000001"`, malformed, "phoneNo"},
		{"binding", `"6281200000001"`, `"+6281200000001"`, malformed, "phoneNo"},
		{"binding", `"6281200000001"`, `"6281200٠٠٠"`, malformed, "phoneNo"},
		{"binding", `"channel":"EMONEY_OVO_SNAP",`, ``, missing, "additionalInfo.channel"},
		{"binding", `"EMONEY_OVO_SNAP"`, `"EMONEY_DANA_SNAP"`, malformed, "additionalInfo.channel"},
		{"binding", `"cust-0001"`, `[]`, missing, "additionalInfo.custIdMerchant"},
		{"binding", `"cust-0001"`, long(65), malformed, "additionalInfo.custIdMerchant"},
		{"binding", `"cust-0001"`, `"a\u0000b"`, malformed, "additionalInfo.custIdMerchant"},
		{"binding", `"cust-0001"`, `"c","customerName":` + long(71), malformed, "additionalInfo.customerName"},
		{"binding", `"cust-0001"`, `"c","email":` + long(257), malformed, "additionalInfo.email"},
		{"binding", `"cust-0001"`, `"c","idCard":` + long(21), malformed, "additionalInfo.idCard"},
		{"binding", `"cust-0001"`, `"c","country":` + long(61), malformed, "additionalInfo.country"},
		{"binding", `"cust-0001"`, `"c","address":` + long(256), malformed, "additionalInfo.address"},
		{"binding", `"cust-0001"`, `"c","address":"a\u0000"`, malformed, "additionalInfo.address"},
		{"binding", `"cust-0001"`, `"c","dateOfBirth":20000101`, malformed, "additionalInfo.dateOfBirth"},
		{"binding", `"https://merchant.test/ok"`, `null`, missing, "additionalInfo.successRegistrationUrl"},
		{"binding", `"https://merchant.test/fail"`, `{}`, missing, "additionalInfo.failedRegistrationUrl"},
		// Missing members win over malformed ones that come before them.
		{"binding", "", `{"phoneNo":"x","additionalInfo":{"channel":"EMONEY_OVO_SNAP","custIdMerchant":"c","successRegistrationUrl":"https://m.test"}}`, missing, "additionalInfo.failedRegistrationUrl"},
		{"binding", "", `{"phoneNo":"6281200000001","additionalInfo":"x"}`, malformed, "additionalInfo"},
		{"binding", "", `{"phoneNo":"6281200000001","additionalInfo":[{}]}`, malformed, "additionalInfo"},
		{"binding", "", `{"phoneNo":"6281200000001","additionalInfo":null}`, missing, "additionalInfo.channel"},

		{"balance", "", `{}`, missing, "additionalInfo.channel"},
		{"balance", `}}`, `},"bankCardToken":7}`, malformed, "bankCardToken"},

		{"payment", "", `{}`, missing, "partnerReferenceNo"},
		{"payment", `"INV-1"`, long(65), malformed, "partnerReferenceNo"},
		{"payment", `"INV-1"`, `"a\nb"`, malformed, "partnerReferenceNo"},
		{"payment", `"OUR"`, long(17), malformed, "feeType"},
		{"payment", `"OUR"`, `true`, malformed, "feeType"},
		{"payment", `"amount":{"value":"15000.00","currency":"IDR"}`, `"amount":null`, missing, "amount.value"},
		{"payment", `"amount":{"value":"15000.00","currency":"IDR"}`, `"amount":{}`, missing, "amount.value"},
		{"payment", `"amount":{"value":"15000.00","currency":"IDR"}`, `"amount":15000`, malformed, "amount"},
		{"payment", `"amount":{"value":"15000.00","currency":"IDR"}`, `"amount":"15000.00"`, malformed, "amount"},
		{"payment", `"amount":{"value":"15000.00"`, `"amount":{"value":15000.00`, malformed, "amount.value"},
		{"payment", `"amount":{"value":"15000.00"`, `"amount":{"value":"15000"`, malformed, "amount.value"},
		{"payment", `"amount":{"value":"15000.00"`, `"amount":{"value":"15000.01"`, malformed, "amount.value"},
		{"payment", `"amount":{"value":"15000.00"`, `"amount":{"value":"-15000.00"`, malformed, "amount.value"},
		{"payment", `"amount":{"value":"15000.00"`, `"amount":{"value":"1.5e4"`, malformed, "amount.value"},
		{"payment", `"amount":{"value":"15000.00"`, `"amount":{"value":"0.00"`, tooFar, "amount.value"},
		{"payment", `"amount":{"value":"15000.00"`, `"amount":{"value":"1000000000000.00"`, tooFar, "amount.value"},
		{"payment", `"amount":{"value":"15000.00","currency":"IDR"}`, `"amount":{"value":"15000.00"}`, missing, "amount.currency"},
		{"payment", `"amount":{"value":"15000.00","currency":"IDR"}`, `"amount":{"value":"15000.00","currency":"USD"}`, malformed, "amount.currency"},
		// A malformed member wins over an amount out of range.
		{"payment", `"amount":{"value":"15000.00","currency":"IDR"}`, `"amount":{"value":"0.00","currency":"USD"}`, malformed, "amount.currency"},
		{"payment", `"payMethod":"CASH"`, `"payMethod":"CARD"`, malformed, "payOptionDetails[0].payMethod"},
		{"payment", `"payMethod":"CASH",`, ``, missing, "payOptionDetails[0].payMethod"},
		{"payment", `"payOptionDetails":[`, `"payOptionDetails":[{"payMethod":"CASH","transAmount":{"value":"1","currency":"IDR"}},`, malformed, "payOptionDetails[0].transAmount.value"},
		{"payment", `"payOptionDetails":[`, `"payOptionDetails":[{"payMethod":"CASH","transAmount":{"value":"9999999999999.00","currency":"IDR"}},`, tooFar, "payOptionDetails[0].transAmount.value"},
		{"payment", `"payOptionDetails":[`, `"payOptionDetails":[null,`, malformed, "payOptionDetails[0]"},
		{"payment", `"payOptionDetails":[`, `"payOptionDetails":[{},`, missing, "payOptionDetails[0].payMethod"},
		{"payment", `"payOptionDetails":[`, `"payOptionDetails":"CASH","x":[`, malformed, "payOptionDetails"},
		{"payment", `"feeAmount":{"value":"0.00"`, `"feeAmount":{"value":"0"`, malformed, "payOptionDetails[0].feeAmount.value"},
		{"payment", `"feeAmount":{"value":"0.00","currency":"IDR"}`, `"feeAmount":{"value":"0.00"}`, missing, "payOptionDetails[0].feeAmount.currency"},
		{"payment", `"channel":"EMONEY_OVO_SNAP",`, ``, missing, "additionalInfo.channel"},
		{"payment", `"paymentType":"SALE"`, `"paymentType":"GIFT"`, malformed, "additionalInfo.paymentType"},
		{"payment", `"paymentType":"SALE"`, `"remarks":` + long(41), malformed, "additionalInfo.remarks"},
		{"payment", `"paymentType":"SALE"`, `"lineItems":{"name":"A"}`, malformed, "additionalInfo.lineItems"},
		{"payment", `"paymentType":"SALE"`, `"lineItems":[{"name":"A"},7]`, malformed, "additionalInfo.lineItems[1]"},
		{"payment", `"paymentType":"SALE"`, `"lineItems":[{"name":` + long(33) + `}]`, malformed, "additionalInfo.lineItems[0].name"},
		{"payment", `"paymentType":"SALE"`, `"lineItems":[{"price":true}]`, malformed, "additionalInfo.lineItems[0].price"},
		{"payment", `"paymentType":"SALE"`, `"lineItems":[{"quantity":"` + strings.Repeat("1", 33) + `"}]`, malformed, "additionalInfo.lineItems[0].quantity"},
		{"payment", `"paymentType":"SALE"`, `"override_notification_url":"ftp://n.test"`, malformed, "additionalInfo.override_notification_url"},
		{"payment", `"paymentType":"SALE"`, `"overrideNotificationUrl":"n"`, malformed, "additionalInfo.overrideNotificationUrl"},
		{"payment", `"successPaymentUrl":"https://merchant.test/ok",`, ``, missing, "additionalInfo.successPaymentUrl"},
		{"payment", `"failedPaymentUrl":"https://merchant.test/fail",`, ``, missing, "additionalInfo.failedPaymentUrl"},

		{"status", "", `{}`, missing, "originalPartnerReferenceNo"},
		{"status", `"serviceCode":"55"`, `"serviceCode":""`, missing, "serviceCode"},
		{"status", `"serviceCode":"55"`, `"serviceCode":"56"`, malformed, "serviceCode"},
		{"status", `"serviceCode":"55"`, `"serviceCode":55`, malformed, "serviceCode"},
		{"status", `"serviceCode":"55"`, `"serviceCode":"55","amount":{"value":"1.00"}`, missing, "amount.currency"},
		{"status", `"serviceCode":"55"`, `"serviceCode":"55","amount":"1.00"`, malformed, "amount"},
		{"status", `"serviceCode":"55"`, `"serviceCode":"55","amount":{"value":"0.00","currency":"IDR"}`, tooFar, "amount.value"},
		{"status", `"serviceCode":"55"`, `"serviceCode":"55","additionalInfo":{"channel":"X"}`, malformed, "additionalInfo.channel"},
		{"status", `"INV-1"`, `7`, malformed, "originalPartnerReferenceNo"},

		{"refund", "", `{}`, missing, "originalPartnerReferenceNo"},
		{"refund", `"value":"5000.00",`, ``, missing, "refundAmount.value"},
		{"refund", `"5000.00"`, `"0.00"`, tooFar, "refundAmount.value"},
		{"refund", `"Item out of stock"`, long(256), malformed, "reason"},
		{"refund", `"RFD-1"`, `null`, missing, "partnerRefundNo"},
		{"refund", `"RFD-1"`, long(65), malformed, "partnerRefundNo"},
		{"refund", `"EMONEY_OVO_SNAP"`, `"x"`, malformed, "additionalInfo.channel"},

		{"unbinding", `"tok"`, `""`, missing, "tokenId"},
		{"unbinding", `"tok"`, `"` + strings.Repeat("a", MaxToken+1) + `"`, malformed, "tokenId"},
		{"unbinding", `,"additionalInfo":{"channel":"EMONEY_OVO_SNAP"}`, ``, missing, "additionalInfo.channel"},
	} {
		body := test.new
		if test.old != "" {
			if body = strings.Replace(bodies[test.decoder], test.old, test.new, 1); body == bodies[test.decoder] {
				t.Fatalf("%s: %q does not occur", test.decoder, test.old)
			}
		}
		name := fmt.Sprintf("%s/%.40s", test.decoder, test.new)
		_, err := decoders[test.decoder](parse(t, body))
		var field *FieldError
		if !errors.As(err, &field) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		kind := malformed
		if field.Missing {
			kind = missing
		} else if field.Range {
			kind = tooFar
		}
		if field.Field != test.field || kind != test.kind || field.Reason == "" || field.Error() != field.Field+": "+field.Reason {
			t.Errorf("%s: %+v (%s), want %s %s", name, field, kind, test.kind, test.field)
		}
	}
}

func TestDecodeMissingValue(t *testing.T) {
	t.Parallel()
	for name, decode := range decoders {
		_, err := decode(wire.Value{})
		var field *FieldError
		if !errors.As(err, &field) || !field.Missing {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeURLs(t *testing.T) {
	t.Parallel()
	decode := func(url string) error {
		text, err := wire.Encode(url)
		if err != nil {
			t.Fatal(err)
		}
		_, err = DecodeBinding(parse(t, strings.Replace(bodies["binding"], `"https://merchant.test/ok"`, string(text), 1)))
		return err
	}
	for _, url := range []string{"http://localhost:3000/cb", "HTTPS://merchant.test", "https://[::1]/x", "https://merchant.test/a?b=c&d=%20#f", "https://merchant.test/" + strings.Repeat("a", maxURL-22)} {
		if err := decode(url); err != nil {
			t.Errorf("%.60q refused: %v", url, err)
		}
	}
	for _, url := range []string{
		"merchant.test/ok", "//merchant.test/ok", "/ok", "javascript:alert(1)", "ftp://merchant.test", "data:text/html,x", "http:merchant.test", "http://",
		"http:///x", "http://:80/", "https://user@merchant.test", "https://user:secret@merchant.test", "https://evil.test\\@merchant.test", "https://merchant.test/\r\nSet-Cookie: a",
		"https://merchant.test/\x00", "https://merchant .test", "https://merchant.test:port", "https://merchant.test/" + strings.Repeat("a", maxURL-21), "https://merchant.test/" + strings.Repeat("é", 1500),
	} {
		if decode(url) == nil {
			t.Errorf("%.60q accepted", url)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for name := range decoders {
		f.Add([]byte(bodies[name]))
	}
	f.Add([]byte(`{"additionalInfo":[],"amount":{"value":{},"currency":1},"payOptionDetails":[{"payMethod":[]},[]],"phoneNo":{"a":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := wire.Parse(body)
		if err != nil {
			return
		}
		for name, decode := range decoders {
			got, err := decode(v)
			var field *FieldError
			if err != nil && (!errors.As(err, &field) || field.Field == "" || (field.Missing && field.Range)) {
				t.Fatalf("%s: error %v for %s", name, err, body)
			}
			canonical, parseErr := wire.Parse(v.AppendCanonical(nil))
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			again, againErr := decode(canonical)
			if fmt.Sprint(err) != fmt.Sprint(againErr) || !cmp.Equal(got, again) {
				t.Fatalf("%s reads %s and its canonical form differently: %v, %v", name, body, err, againErr)
			}
			var amounts []money.Amount
			switch r := got.(type) {
			case Payment:
				if err == nil {
					amounts = append(amounts, r.Amount)
				}
			case Refund:
				if err == nil {
					amounts = append(amounts, r.Amount)
				}
			}
			for _, a := range amounts {
				if back, err := money.ParseSNAP(NewMoney(a).Value); err != nil || back != a {
					t.Fatalf("amount %d does not round trip: %v", int64(a), err)
				}
			}
		}
	})
}

func BenchmarkDecodePayment(b *testing.B) {
	v := parse(b, bodies["payment"])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodePayment(v); err != nil {
			b.Fatal(err)
		}
	}
}

// TestShapes pins member names and their order: the first group against the
// documented samples, byte for byte.
func TestShapes(t *testing.T) {
	t.Parallel()
	amount := NewMoney(15000)
	for _, test := range []struct {
		value any
		want  string
	}{
		{TokenB2BRequest{GrantClientCredentials}, bodies["b2b"]},
		{TokenB2B2CRequest{GrantType: GrantAuthorizationCode, AuthCode: "2238240506070809123107119118000000000017"}, bodies["b2b2c"]},
		{BindingRequest{"6281200000001", BindingInfo{Channel: Channel, CustIDMerchant: "cust-0001", SuccessRegistrationURL: "https://merchant.test/ok", FailedRegistrationURL: "https://merchant.test/fail"}}, bodies["binding"]},
		{BalanceRequest{ChannelInfo{Channel: Channel}}, bodies["balance"]},
		{PaymentRequest{"INV-1", "OUR", amount, []PayOptionDetail{{PurseCash, amount, NewMoney(0)}}, PaymentInfo{Channel: Channel, SuccessPaymentURL: "https://merchant.test/ok", FailedPaymentURL: "https://merchant.test/fail", PaymentType: PaymentSale}}, bodies["payment"]},
		{StatusRequest{OriginalPartnerReferenceNo: "INV-1", ServiceCode: "55"}, bodies["status"]},
		{RefundRequest{OriginalPartnerReferenceNo: "INV-1", RefundAmount: NewMoney(5000), Reason: "Item out of stock", PartnerRefundNo: "RFD-1", AdditionalInfo: ChannelInfo{Channel: Channel}}, bodies["refund"]},
		{UnbindingRequest{"tok", ChannelInfo{Channel: Channel}}, bodies["unbinding"]},

		{Answer{"4040000", "Not Found"}, `{"responseCode":"4040000","responseMessage":"Not Found"}`},
		{TokenB2BAnswer{"2007300", "Successful", "a.b.c", TokenBearer, 900, ""}, `{"responseCode":"2007300","responseMessage":"Successful","accessToken":"a.b.c","tokenType":"Bearer","expiresIn":900,"additionalInfo":""}`},
		{TokenB2B2CAnswer{"2007400", "Successful", "a", TokenBearer, "t1", "r", "t2"}, `{"responseCode":"2007400","responseMessage":"Successful","accessToken":"a","tokenType":"Bearer","accessTokenExpiryTime":"t1","refreshToken":"r","refreshTokenExpiryTime":"t2"}`},
		{BindingAnswer{"2000700", "Successful", "1292", "https://g.test/x", BindingAnswerInfo{"c", BindingPending, BindingPending, "x"}}, `{"responseCode":"2000700","responseMessage":"Successful","referenceNo":"1292","redirectUrl":"https://g.test/x","additionalInfo":{"custIdMerchant":"c","accountStatus":"PENDING","status":"PENDING","authCode":"x"}}`},
		{BindingNotification{"e", BindingNotificationInfo{BindingSuccess, "c", "x"}}, `{"originalExternalId":"e","additionalInfo":{"status":"SUCCESS","custIdMerchant":"c","authCode":"x"}}`},
		{BalanceAnswer{"2001100", "Successful", []AccountInfo{{PurseCash, amount, NewMoney(0), NewMoney(0), amount}}}, `{"responseCode":"2001100","responseMessage":"Successful","accountInfos":[{"balanceType":"CASH","amount":{"value":"15000.00","currency":"IDR"},"flatAmount":{"value":"0.00","currency":"IDR"},"holdAmount":{"value":"0.00","currency":"IDR"},"availableBalance":{"value":"15000.00","currency":"IDR"}}]}`},
		{PaymentAnswer{"2005400", "Successful", "https://g.test/?a&b", "INV-1", "ref"}, `{"responseCode":"2005400","responseMessage":"Successful","webRedirectUrl":"https://g.test/?a&b","partnerReferenceNo":"INV-1","referenceNo":"ref"}`},
		{PaymentAnswer{ResponseCode: "2005400", ResponseMessage: "Successful", ReferenceNo: "ref"}, `{"responseCode":"2005400","responseMessage":"Successful","referenceNo":"ref"}`},
		{StatusAnswer{ResponseCode: "2005500", ResponseMessage: "Successful", OriginalPartnerReferenceNo: "p", OriginalReferenceNo: "r", ApprovalCode: "1", OriginalExternalID: "e", ServiceCode: "55", LatestTransactionStatus: TransactionSuccess, TransactionStatusDesc: "SUCCESS", OriginalResponseCode: "2005400", OriginalResponseMessage: "Successful", SessionID: "s", RequestID: "e",
			RefundHistory: []RefundEntry{{"n", "p", amount, TransactionSuccess, "t", "x"}}, TransAmount: amount, FeeAmount: NewMoney(0), PaidTime: "t", AdditionalInfo: &StatusAnswerInfo{Channel: Channel, Acquirer: &PartyRef{Acquirer}}},
			`{"responseCode":"2005500","responseMessage":"Successful","originalPartnerReferenceNo":"p","originalReferenceNo":"r","approvalCode":"1","originalExternalId":"e","serviceCode":"55","latestTransactionStatus":"00","transactionStatusDesc":"SUCCESS","originalResponseCode":"2005400","originalResponseMessage":"Successful","sessionId":"s","requestID":"e","refundHistory":[{"refundNo":"n","partnerReferenceNo":"p","refundAmount":{"value":"15000.00","currency":"IDR"},"refundStatus":"00","refundDate":"t","reason":"x"}],"transAmount":{"value":"15000.00","currency":"IDR"},"feeAmount":{"value":"0.00","currency":"IDR"},"paidTime":"t","additionalInfo":{"channel":"EMONEY_OVO_SNAP","acquirer":{"id":"OVO"}}}`},
		{StatusAnswer{ResponseCode: "2005500", ResponseMessage: "Successful", ServiceCode: "55", LatestTransactionStatus: "06"}, `{"responseCode":"2005500","responseMessage":"Successful","serviceCode":"55","latestTransactionStatus":"06"}`},
		{RefundAnswer{"2005800", "Successful", amount, "p", "r", "n", "m", "t"}, `{"responseCode":"2005800","responseMessage":"Successful","refundAmount":{"value":"15000.00","currency":"IDR"},"originalPartnerReferenceNo":"p","originalReferenceNo":"r","refundNo":"n","partnerRefundNo":"m","refundTime":"t"}`},
		{UnbindingAnswer{"2000900", "Successful", "r"}, `{"responseCode":"2000900","responseMessage":"Successful","referenceNo":"r"}`},
		{PaymentNotification{"p", "r", "e", TransactionSuccess, "Success", amount, NotificationInfo{AcquirerID: Acquirer, CustIDMerchant: "c", AccountType: AccountWallet, ChannelID: Channel, FailedPaymentURL: "f", SuccessPaymentURL: "s", LineItems: []LineItem{{"A", "1.00", "2"}}, Origin: &Origin{APIFormat: "SNAP"}, PaymentType: PaymentSale}},
			`{"originalPartnerReferenceNo":"p","originalReferenceNo":"r","originalExternalId":"e","latestTransactionStatus":"00","transactionStatusDesc":"Success","amount":{"value":"15000.00","currency":"IDR"},"additionalInfo":{"acquirerId":"OVO","custIdMerchant":"c","accountType":"WALLET","channelId":"EMONEY_OVO_SNAP","failedPaymentUrl":"f","successPaymentUrl":"s","lineItems":[{"name":"A","price":"1.00","quantity":"2"}],"origin":{"apiFormat":"SNAP"},"paymentType":"SALE"}}`},
		{NotificationAck{ResponseCode: "2005600", ResponseMessage: "ok", ApprovalCode: "1"}, `{"responseCode":"2005600","responseMessage":"ok","approvalCode":"1"}`},
	} {
		got, err := wire.Encode(test.value)
		if err != nil || string(got) != test.want {
			t.Errorf("%T, %v\ngot  %s\nwant %s", test.value, err, got, test.want)
		}
	}
}

func TestMerchantTokenAnswer(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]time.Duration{
		`{"accessToken":"t","expiresIn":900,"additionalInfo":""}`:     15 * time.Minute,
		`{"accessToken":"t","expiresIn":"900","additionalInfo":null}`: 15 * time.Minute,
		`{"expiresIn":900.0}`:               15 * time.Minute,
		`{"expiresIn":0}`:                   0,
		`{"expiresIn":null}`:                0,
		`{"expiresIn":-5}`:                  0,
		`{"expiresIn":"soon"}`:              0,
		`{"expiresIn":9999999999999999999}`: 0,
		`{"accessToken":null}`:              0,
	} {
		var a MerchantTokenAnswer
		if err := json.Unmarshal([]byte(body), &a); err != nil || a.Lifetime() != want {
			t.Errorf("%s: %v, %v; want %v", body, a.Lifetime(), err, want)
		}
	}
	var a MerchantTokenAnswer
	if json.Unmarshal([]byte(`{"expiresIn":true}`), &a) == nil {
		t.Error("a boolean expiresIn is accepted")
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	services := map[string]Service{}
	current := 0
	for _, r := range Routes {
		if _, twice := services[r.Path]; twice {
			t.Errorf("%s occurs twice", r.Path)
		}
		services[r.Path] = r.Service
		if !r.Archived {
			current++
		}
	}
	if current != 8 || len(Routes) != 8+1+12 {
		t.Errorf("%d routes, %d of them current", len(Routes), current)
	}
	for path, want := range map[string]Service{
		"/direct-debit/merchant/ovo/v1.0/payment-host-to-host":           ServicePayment,
		"/direct-debit/ovo/v1.0/debit/payment-host-to-host":              ServicePayment,
		"/direct-debit/merchant/ovo/v1.0/registration-account-binding":   ServiceBinding,
		"/direct-debit/merchant/ovo/v1.0/registration-account-unbinding": ServiceUnbinding,
		"/direct-debit/ovo/v1.0/debit/refund":                            ServiceRefund,
		"/api/v1/access-token/b2b2c":                                     ServiceTokenB2B2C,
		"/orders/v1.0/debit/status":                                      ServiceStatus,
	} {
		if services[path] != want {
			t.Errorf("%s has service %q, want %s", path, services[path], want)
		}
	}
	if got := Code(404, ServiceRefund, "13"); got != "4045813" {
		t.Errorf("Code = %s", got)
	}
}
