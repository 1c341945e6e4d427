package faspay

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// sample is one file of testdata/messages: a message in JSON, an empty line, the
// same message in XML.
type sample struct {
	json, xml []byte
}

func (s sample) in(f Format) []byte {
	if f == XML {
		return s.xml
	}
	return s.json
}

func readSample(t testing.TB, name string) sample {
	t.Helper()
	data, err := os.ReadFile("testdata/messages/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	first, second, ok := bytes.Cut(data, []byte("\n\n"))
	if !ok {
		t.Fatalf("%s has no empty line", name)
	}
	return sample{first, second}
}

var formats = []Format{JSON, XML}

// shapes gives the Go type of each file of testdata/messages.
var shapes = map[string]func() any{
	"activation_request": func() any { return new(ActivationRequest) },
	"activation_answer":  func() any { return new(ActivationAnswer) },
	"activation_refused": func() any { return new(ActivationAnswer) },
	"payment_request":    func() any { return new(PaymentRequest) },
	"payment_answer":     func() any { return new(PaymentAnswer) },
	"renewal_answer":     func() any { return new(RenewalAnswer) },
	"topup_request":      func() any { return new(TopUpRequest) },
	"topup_answer":       func() any { return new(TopUpAnswer) },
	"balance_request":    func() any { return new(BalanceRequest) },
	"balance_answer":     func() any { return new(BalanceAnswer) },
	"history_request":    func() any { return new(HistoryRequest) },
	"history_answer":     func() any { return new(HistoryAnswer) },
	"unlink_request":     func() any { return new(UnlinkRequest) },
	"unlink_answer":      func() any { return new(UnlinkAnswer) },
	"inquiry_request":    func() any { return new(InquiryRequest) },
	"inquiry_answer":     func() any { return new(InquiryAnswer) },
	"inquiry_unpaid":     func() any { return new(InquiryAnswer) },
	"cancel_request":     func() any { return new(CancelRequest) },
	"cancel_answer":      func() any { return new(CancelAnswer) },
	"notification":       func() any { return new(PaymentNotification) },
	"ack":                func() any { return new(NotificationAck) },
	"ack_short":          func() any { return new(NotificationAck) },
}

var betweenTags = regexp.MustCompile(`>\s+<`)

// squeezed is a sample's XML as [Encode] prints it.
func (s sample) squeezed() string {
	text := strings.TrimSpace(string(s.xml))
	text = strings.TrimPrefix(text, `<?xml version="1.0" encoding="UTF-8"?>`)
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + betweenTags.ReplaceAllString(strings.TrimSpace(text), "><")
}

// TestMessages pins names, order and nesting of all members, and that both
// encodings of a sample are the same message.
func TestMessages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/messages/*.txt")
	if err != nil || len(files) != len(shapes)+1 {
		t.Fatalf("%d samples for %d shapes: %v", len(files), len(shapes), err)
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readSample(t, name)
			message, twin := shape(), shape()
			if err := ReadAnswer(JSON, s.json, message); err != nil {
				t.Fatal(err)
			}
			if err := ReadAnswer(XML, s.xml, twin); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(message, twin); diff != "" {
				t.Errorf("JSON and XML differ (-JSON +XML):\n%s", diff)
			}
			if got, err := Encode(JSON, message); err != nil || string(got) != string(s.json) {
				t.Errorf("JSON, %v\ngot  %s\nwant %s", err, got, s.json)
			}
			if got, err := Encode(XML, message); err != nil || string(got) != s.squeezed() {
				t.Errorf("XML, %v\ngot  %s\nwant %s", err, got, s.squeezed())
			}
		})
	}
}

func TestErrorAnswer(t *testing.T) {
	t.Parallel()
	s := readSample(t, "error_answer")
	for _, f := range formats {
		want := string(s.json)
		if f == XML {
			want = s.squeezed()
		}
		if got, err := Encode(f, NewErrorAnswer(CodeCredentials, "", false)); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v\nwant %s", f, got, err, want)
		}
		flat, err := Encode(f, NewErrorAnswer(CodeMissing, "phone_no is missing", true))
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range [][]byte{s.in(f), flat} {
			var e *Error
			if err := ReadAnswer(f, body, new(PaymentAnswer)); !errors.As(err, &e) || e.Code == "" || e.Desc == "" || e.Error() != "faspay: "+e.Code+" "+e.Desc {
				t.Errorf("%s: %s is read as %v", f, body, err)
			}
		}
	}
	got, err := Encode(JSON, NewErrorAnswer(CodeMissing, "x", true))
	want := `{"response_error":{"response_code":"83","response_desc":"x"},"response_code":"83","response_desc":"x"}`
	if err != nil || string(got) != want {
		t.Errorf("flat error %s, %v", got, err)
	}
}

// TestReadAnswerLeniently reads what other servers of the protocol may print.
func TestReadAnswerLeniently(t *testing.T) {
	t.Parallel()
	two := Transactions{
		{TrxID: "1", TrxAmount: "45000", AmountDetail: AmountDetails{{"Points", "2500"}, {"Cash", "42500"}}},
		{TrxID: "2", AmountDetail: AmountDetails{{"Cash", "1"}}},
	}
	for _, test := range []struct {
		f    Format
		body string
		want Transactions
	}{
		{JSON, `{"list_transaction":{"transaction_1":{"trx_id":1,"trx_amount":45000,"amount_detail":{"0":{"type":"Points","amt":2500},"1":{"type":"Cash","amt":"42500"}}},"transaction_2":{"trx_id":"2","amount_detail":{"type":"Cash","amt":1}}}}`, two},
		{JSON, `{"list_transaction":[{"trx_id":"1","trx_amount":"45000","amount_detail":[{"type":"Points","amt":"2500"},{"type":"Cash","amt":"42500"}]},{"trx_id":"2","amount_detail":[{"type":"Cash","amt":"1"}],"more":true}]}`, two},
		{XML, `<faspay><list_transaction><transaction_1><trx_id>1</trx_id><trx_amount>45000</trx_amount><amount_detail><type>Points</type><amt>2500</amt></amount_detail><amount_detail><type>Cash</type><amt>42500</amt></amount_detail></transaction_1><transaction_2><trx_id>2</trx_id><amount_detail><type>Cash</type><amt>1</amt></amount_detail></transaction_2></list_transaction></faspay>`, two},
		{XML, `<faspay><list_transaction><transaction_1><trx_id>1</trx_id><trx_amount>45000</trx_amount><amount_detail><a><type>Points</type><amt>2500</amt></a><b><type>Cash</type><amt>42500</amt></b></amount_detail></transaction_1><transaction_2><trx_id>2</trx_id><amount_detail><type>Cash</type><amt>1</amt></amount_detail></transaction_2></list_transaction></faspay>`,
			Transactions{{TrxID: "1", TrxAmount: "45000", AmountDetail: AmountDetails{{}}}, two[1]}}, // not a documented shape: read, but empty
		{JSON, `{"list_transaction":{}}`, nil},
		{JSON, `{"list_transaction":[]}`, nil},
		{JSON, `{"list_transaction":""}`, nil},
		{JSON, `{"list_transaction":null}`, nil},
		{JSON, `{}`, nil},
		{XML, `<faspay><list_transaction/></faspay>`, nil},
		{XML, `<faspay/>`, nil},
	} {
		var got HistoryAnswer
		if err := ReadAnswer(test.f, []byte(test.body), &got); err != nil {
			t.Errorf("%s: %v", test.body, err)
		} else if diff := cmp.Diff(test.want, got.Transactions); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.body, diff)
		}
	}
	var p PaymentAnswer
	if err := ReadAnswer(JSON, []byte(`{"response_code":"02","response_desc":null,"amount":45000.0,"url":"https://g.test/?a=1&b=é","status":true}`), &p); err != nil ||
		p.URL != "https://g.test/?a=1&b=é" || p.Amount != "45000.0" || p.Status != "true" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{``, `[]`, `{"status":{"a":1}}`, `{"status":[1]}`, `{"status":"1","status":"2"}`, `<faspay/>`} {
		if ReadAnswer(JSON, []byte(bad), new(PaymentAnswer)) == nil {
			t.Errorf("%s is read", bad)
		}
	}
	if ReadAnswer(JSON, []byte(`{"list_transaction":{"transaction_1":{"trx_id":{"a":1}}}}`), new(HistoryAnswer)) == nil {
		t.Error("a group in the place of a trx_id is read")
	}
}

func TestEmptyGroups(t *testing.T) {
	t.Parallel()
	for _, answer := range []HistoryAnswer{{ResponseCode: "00"}, {ResponseCode: "00", Transactions: Transactions{}}} {
		got, err := Encode(JSON, answer)
		if err != nil || !strings.Contains(string(got), `"list_transaction":{},`) {
			t.Errorf("%s, %v", got, err)
		}
		got, err = Encode(XML, answer)
		if err != nil || !strings.Contains(string(got), `<merchant></merchant><list_transaction/><response_code>`) {
			t.Errorf("%s, %v", got, err)
		}
	}
	if _, err := Encode(XML, TopUpAnswer{Instructions: Instructions{{Option: "\x00"}}}); err == nil {
		t.Error("NUL is encoded")
	}
}

// TestTwins proves that what is refused in one encoding is refused in the other.
func TestTwins(t *testing.T) {
	t.Parallel()
	const x = "<faspay>"
	long := strings.Repeat("x", wire.MaxBody)
	deepJSON := func(n int) string { return strings.Repeat(`{"a":`, n) + `"x"` + strings.Repeat("}", n) }
	deepXML := func(n int) string {
		return x + strings.Repeat("<a>", n) + "x" + strings.Repeat("</a>", n) + "</faspay>"
	}
	for _, test := range []struct {
		name, json, xml string
		accepted        bool
	}{
		{"smallest", `{}`, `<faspay/>`, true},
		{"white space", " {\r\n\t} \n", " <faspay>\r\n\t</faspay> \n", true},
		{"byte order mark", "\ufeff{}", "\ufeff<faspay/>", true},
		{"empty value", `{"a":""}`, `<faspay><a/></faspay>`, true},
		{"escapes", `{"a":"\u0041\n\"<&\ud83d\ude00"}`, `<faspay><a>&#65;&#10;&quot;&lt;&amp;&#x1F600;</a></faspay>`, true},
		{"unknown member", `{"zzz":{"b":"1"}}`, `<faspay><zzz><b>1</b></zzz></faspay>`, true},
		{"same name at other levels", `{"a":{"a":"1"}}`, `<faspay><a><a>1</a></a></faspay>`, true},
		{"other letter case", `{"a":"1","A":"2"}`, `<faspay><a>1</a><A>2</A></faspay>`, true},
		{"16 levels", deepJSON(16), deepXML(16), true},

		{"empty body", ``, ``, false},
		{"only white space", " \n", " \n", false},
		{"only a byte order mark", "\ufeff", "\ufeff", false},
		{"two byte order marks", "\ufeff\ufeff{}", "\ufeff\ufeff<faspay/>", false},
		{"another root", `[]`, `<other/>`, false},
		{"a text as root", `"x"`, `x`, false},
		{"the other encoding", `<faspay/>`, `{}`, false},
		{"duplicate", `{"bill_total":"1","bill_total":"100"}`, `<faspay><bill_total>1</bill_total><bill_total>100</bill_total></faspay>`, false},
		{"duplicate, same value", `{"a":"1","a":"1"}`, `<faspay><a>1</a><a>1</a></faspay>`, false},
		{"duplicate, far", `{"a":"1","b":"","a":"2"}`, `<faspay><a>1</a><b/><a>2</a></faspay>`, false},
		{"duplicate, deep", `{"a":{"b":"1","b":"2"}}`, `<faspay><a><b>1</b><b>2</b></a></faspay>`, false},
		{"duplicate, disguised", `{"a":"1","\u0061":"2"}`, `<faspay><a>1</a><a >2</a ></faspay>`, false},
		{"second document", `{}{}`, `<faspay/><faspay/>`, false},
		{"trailing bytes", `{} x`, `<faspay/> x`, false},
		{"trailing NUL", "{}\x00", "<faspay/>\x00", false},
		{"17 levels", deepJSON(17), deepXML(17), false},
		{"20,000 levels", deepJSON(20000)[:wire.MaxBody-1], deepXML(20000)[:wire.MaxBody-1], false},
		{"cut off", `{"a":"1"`, `<faspay><a>1</a>`, false},
		{"cut off in a value", `{"a":"1`, `<faspay><a>1`, false},
		{"wrong bracket", `{"a":"1"]`, `<faspay><a>1</a></fasbay>`, false},
		{"nothing between", `{"a":"1""b":"2"}`, `<faspay><a>1<a/>2</faspay>`, false},
		{"text beside members", `{"a":"1",x}`, `<faspay><a>1</a>x</faspay>`, false},
		{"comment", `{/* */}`, `<faspay><!-- --></faspay>`, false},
		{"comment in a number", `{"a":10/**/00}`, `<faspay><a>10<!-- -->00</a></faspay>`, false},
		{"two texts as one", `{"a":"10" "00"}`, `<faspay><a>10<![CDATA[00]]></a></faspay>`, false},
		{"broken UTF-8", "{\"a\":\"\xff\"}", "<faspay><a>\xff</a></faspay>", false},
		{"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", "<faspay><a>\xc0\xaf</a></faspay>", false},
		{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "<faspay><a>\xed\xa0\x80</a></faspay>", false},
		{"half a surrogate pair", `{"a":"\ud800"}`, `<faspay><a>&#xD800;</a></faspay>`, false},
		{"unknown escape", `{"a":"\q"}`, `<faspay><a>&q;</a></faspay>`, false},
		{"bare escape", `{"a":"\"}`, `<faspay><a>&</a></faspay>`, false},
		{"raw control character", "{\"a\":\"\x01\"}", "<faspay><a>\x01</a></faspay>", false},
		{"UTF-16", "\xff\xfe{\x00}\x00", "\xff\xfe<\x00f\x00", false},
		{"UTF-16 without a mark", "{\x00}\x00", "<\x00f\x00/\x00>\x00", false},
		{"name without quotes, name with attribute", `{a:"1"}`, `<faspay><a b="1"/></faspay>`, false},
		{"too long", `{"a":"` + long + `"}`, x + "<a>" + long + "</a></faspay>", false},
		{"too long for nothing", "{}" + strings.Repeat(" ", wire.MaxBody), "<faspay/>" + strings.Repeat(" ", wire.MaxBody), false},
	} {
		var got [2]wire.Value
		for i, f := range formats {
			body := [...]string{test.json, test.xml}[i]
			v, err := Parse(f, []byte(body))
			var syntax *wire.SyntaxError
			switch {
			case (err == nil) != test.accepted:
				t.Errorf("%s: %s %.80q: %v", test.name, f, body, err)
			case err != nil && (!errors.As(err, &syntax) || v.Kind() != wire.Missing):
				t.Errorf("%s: %s: %v, %T", test.name, f, v.Kind(), err)
			}
			got[i] = v
		}
		if j, x := got[0].AppendCanonical(nil), got[1].AppendCanonical(nil); !bytes.Equal(j, x) {
			t.Errorf("%s: read as %s and %s", test.name, j, x)
		}
	}
	// Things that only XML has.
	for _, body := range []string{
		`<!DOCTYPE faspay><faspay/>`, `<!DOCTYPE faspay SYSTEM "http://127.0.0.1:9/x.dtd"><faspay/>`, `<!DOCTYPE faspay [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><faspay><x>&b;</x></faspay>`,
		`<?php ?><faspay/>`, `<faspay xmlns="urn:x"/>`, `<f:faspay xmlns:f="urn:x"/>`, `<faspay><x:bill_total>1</x:bill_total></faspay>`,
		`<?xml version="1.0" encoding="ISO-8859-1"?><faspay/>`, `<?xml version="1.0" encoding="UTF-16"?><faspay/>`, `<FASPAY/>`,
		`<faspay><amount_detail/><amount_detail/></faspay>`, // a list in answers only
	} {
		if _, err := Parse(XML, []byte(body)); err == nil {
			t.Errorf("%s is accepted", body)
		}
	}
}

// TestNoConnection: nothing in a document makes the reader call anybody.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	host := "http://" + listener.Addr().String() + "/x"
	for _, body := range []string{
		`<!DOCTYPE faspay SYSTEM "` + host + `"><faspay/>`,
		`<!DOCTYPE faspay PUBLIC "a" "` + host + `"><faspay/>`,
		`<!DOCTYPE faspay [<!ENTITY % x SYSTEM "` + host + `">%x;]><faspay/>`,
		`<!DOCTYPE faspay [<!ENTITY x SYSTEM "` + host + `">]><faspay><a>&x;</a></faspay>`,
		`<?xml-stylesheet href="` + host + `"?><faspay/>`,
		`<faspay xmlns:xsi="urn:x" xsi:schemaLocation="urn:x ` + host + `"/>`,
		`<faspay><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="` + host + `"/></faspay>`,
	} {
		if _, err := Parse(XML, []byte(body)); err == nil {
			t.Errorf("%s is accepted", body)
		}
	}
	if err := listener.SetDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := listener.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("somebody called: %v", err)
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	if JSON.ContentType() != "application/json; charset=utf-8" || XML.ContentType() != "text/xml; charset=utf-8" {
		t.Error(JSON.ContentType(), XML.ContentType())
	}
}

func FuzzParse(f *testing.F) {
	for name := range shapes {
		s := readSample(f, name)
		f.Add(s.json)
		f.Add(s.xml)
	}
	f.Add([]byte("\ufeff<faspay/>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, format := range formats {
			v, err := Parse(format, body)
			if err != nil {
				continue
			}
			if v.Kind() != wire.Object {
				t.Fatalf("%s %q is read as %v", format, body, v.Kind())
			}
			_ = ReadAnswer(format, body, new(HistoryAnswer)) // must not panic
			_ = ReadAnswer(format, body, new(TopUpAnswer))
			_, _ = ReadAck(body)
			if text := appendTexts(nil, v); !v.Absent() && !json.Valid(text) {
				t.Fatalf("%q is printed as %s", body, text)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	s := readSample(b, "payment_request")
	for _, format := range formats {
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(s.in(format))))
			for b.Loop() {
				if _, err := Parse(format, s.in(format)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	var answer PaymentAnswer
	if err := ReadAnswer(JSON, readSample(b, "payment_answer").json, &answer); err != nil {
		b.Fatal(err)
	}
	for _, format := range formats {
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Encode(format, answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
