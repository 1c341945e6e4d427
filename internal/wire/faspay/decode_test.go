package faspay

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// decoders gives all decoders one type.
var decoders = map[string]func(wire.Value) (any, error){
	"activation_request": func(v wire.Value) (any, error) { return DecodeActivation(v) },
	"payment_request":    func(v wire.Value) (any, error) { return DecodePayment(v, ScaleRupiah) },
	"topup_request":      func(v wire.Value) (any, error) { return DecodeTopUp(v) },
	"balance_request":    func(v wire.Value) (any, error) { return DecodeBalance(v) },
	"history_request":    func(v wire.Value) (any, error) { return DecodeHistory(v) },
	"unlink_request":     func(v wire.Value) (any, error) { return DecodeUnlink(v) },
	"inquiry_request":    func(v wire.Value) (any, error) { return DecodeInquiry(v) },
	"cancel_request":     func(v wire.Value) (any, error) { return DecodeCancel(v) },
	"notification":       func(v wire.Value) (any, error) { return DecodeNotification(v, ScaleRupiah) },
}

// pair is a member of a flat message.
type pair struct{ name, value string }

func readPairs(t testing.TB, name string) []pair {
	t.Helper()
	v, err := Parse(JSON, readSample(t, name).json)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []pair
	for _, m := range v.Members() {
		pairs = append(pairs, pair{m.Name, m.Value.Literal()})
	}
	return pairs
}

const gone = "\x00gone"

// with returns pairs with one value replaced, added or, if it is gone, left out.
func with(pairs []pair, name, value string) []pair {
	var out []pair
	found := false
	for _, p := range pairs {
		if p.name == name {
			found = true
			p.value = value
		}
		if p.value != gone {
			out = append(out, p)
		}
	}
	if !found && value != gone {
		out = append(out, pair{name, value})
	}
	return out
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")

// print writes pairs by hand: the encoders are not to test themselves.
func printPairs(f Format, pairs []pair) string {
	var b strings.Builder
	for i, p := range pairs {
		switch {
		case f == XML:
			fmt.Fprintf(&b, "<%s>%s</%s>", p.name, xmlEscaper.Replace(p.value), p.name)
		case i > 0:
			b.WriteString(",")
			fallthrough
		default:
			text, err := json.Marshal(p.value)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&b, "%q:%s", p.name, text)
		}
	}
	if f == XML {
		return "<faspay>" + b.String() + "</faspay>"
	}
	return "{" + b.String() + "}"
}

func mustParse(t testing.TB, f Format, body string) wire.Value {
	t.Helper()
	v, err := Parse(f, []byte(body))
	if err != nil {
		t.Fatalf("Parse(%s): %v", body, err)
	}
	return v
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) time.Time { return time.Date(2025, month, day, 0, 0, 0, 0, wire.WIB) }
	for name, want := range map[string]any{
		"activation_request": Activation{"Start the link", "081200001111", "Rara Contoh"},
		"payment_request":    Payment{"Charge", "250700000017", "Three pens & a ruler", 45000, "081200001111", "Rara Contoh", "rara@shop.example", PayBoth},
		"topup_request":      TopUp{"Ask for the ways", "Toko Contoh", "081200001111"},
		"balance_request":    Balance{"Both purses", "081200001111"},
		"history_request":    History{"Past payments", "Toko Contoh", "081200001111", day(6, 1), day(7, 1), 1, 10},
		"unlink_request":     Unlink{"End the link", "Toko Contoh", "081200001111"},
		"inquiry_request":    Inquiry{"How is it", "7700172000000017", "250700000017"},
		"cancel_request":     Cancel{"Take it back", "7700172000000017", "Toko Contoh", "250700000017", "Sold out"},
		"notification": Notification{"7700172000000017", "77001", "Toko Contoh", "250700000017", "OVO-883120", time.Date(2025, 7, 1, 9, 17, 41, 0, wire.WIB), StatusSuccess, "Payment Success",
			45000, 45000, "720", "OVO OpenAPI", "5d22c6c9b95bec76c6c85899d22d4265aaff0f6f", "2507000000172"},
	} {
		for _, f := range formats {
			v := mustParse(t, f, string(readSample(t, name).in(f)))
			got, err := decoders[name](v)
			if err != nil {
				t.Errorf("%s %s: %v", name, f, err)
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", name, f, diff)
			}
			service, isRequest := strings.CutSuffix(name, "_request")
			if !isRequest {
				continue
			}
			head := ReadHead(Service(service), v)
			if head.MerchantID != "77001" || !Verify("bot77001", "demo-Pass1", head.Signed, head.Signature).OK {
				t.Errorf("%s %s: head %+v", name, f, head)
			}
		}
	}
	if head := ReadHead(ServicePayment, mustParse(t, JSON, `{"merchant_id":77001,"phone_no":81,"bill_no":"1","signature":[]}`)); head != (Head{MerchantID: "77001"}) {
		t.Errorf("head %+v", head)
	}
	if head := ReadHead(ServicePayment, wire.Value{}); head != (Head{}) {
		t.Errorf("head %+v", head)
	}
}

// parameter is one line of testdata/parameters.txt.
type parameter struct {
	name      string
	mandatory bool
	kind      string
	rest      []string
}

func readParameters(t testing.TB) map[string][]parameter {
	t.Helper()
	data, err := os.ReadFile("testdata/parameters.txt")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string][]parameter{}
	message := ""
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case fields[0][0] == '[':
			message = strings.Trim(fields[0], "[]")
		case len(fields) < 3 || message == "" || (fields[1] != "M" && fields[1] != "O"):
			t.Fatalf("parameters.txt: %q", line)
		default:
			tables[message] = append(tables[message], parameter{fields[0], fields[1] == "M", fields[2], fields[3:]})
		}
	}
	return tables
}

// TestParameters walks every documented member: in messages that are decoded,
// through the decoder in both encodings; in answers, through what is encoded.
func TestParameters(t *testing.T) {
	t.Parallel()
	tables := readParameters(t)
	for name := range shapes {
		if _, ok := tables[name]; !ok && name != "ack_short" && name != "activation_refused" && name != "inquiry_unpaid" {
			t.Errorf("parameters.txt lacks %s", name)
		}
	}
	for message, table := range tables {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			var documented, sent []string
			for _, p := range table {
				documented = append(documented, p.name)
			}
			for _, f := range formats {
				sent = nil
				for _, m := range mustParse(t, f, string(readSample(t, message).xmlOrJSON(f))).Members() {
					sent = append(sent, m.Name)
				}
				if diff := cmp.Diff(documented, sent); diff != "" {
					t.Errorf("%s members (-documented +sent):\n%s", f, diff)
				}
			}
			decode, isDecoded := decoders[message]
			for _, p := range table {
				if isDecoded {
					p.walk(t, message, decode)
				} else {
					p.lookUp(t, message)
				}
			}
		})
	}
}

// xmlOrJSON is the sample without amount_detail, which Parse takes for a duplicate.
func (s sample) xmlOrJSON(f Format) []byte {
	text := string(s.in(f))
	if first := strings.Index(text, "<amount_detail>"); first >= 0 {
		text = text[:first] + text[strings.Index(text, "</amount_detail>")+len("</amount_detail>"):]
	}
	return []byte(text)
}

// lookUp finds the members inside a group.
func (p parameter) lookUp(t *testing.T, message string) {
	for _, f := range formats {
		group := mustParse(t, f, string(readSample(t, message).xmlOrJSON(f))).Get(p.name)
		for _, path := range p.rest {
			if group.Get(path).Absent() {
				t.Errorf("%s: %s.%s is not there", f, p.name, path)
			}
		}
		if (p.kind == "G") != (group.Kind() == wire.Object) {
			t.Errorf("%s: %s is %v", f, p.name, group.Kind())
		}
	}
}

func (p parameter) walk(t *testing.T, message string, decode func(wire.Value) (any, error)) {
	pairs := readPairs(t, message)
	longest, err := strconv.Atoi(p.rest[0])
	if err != nil {
		t.Fatal(err)
	}
	filler := "x"
	switch {
	case p.kind == "N":
		filler = "1"
	case p.kind == "A" && p.name != "trx_id" && p.name != "bill_no" && p.name != "signature" && p.name != "email":
		filler = "é" // limits count characters, not bytes
	}
	for _, test := range []struct {
		value            string
		refused, missing bool
	}{
		{gone, p.mandatory, true},
		{"", p.mandatory, true},
		{" \n ", p.mandatory, true},
		{strings.Repeat(filler, longest+1), true, false},
		{strings.Repeat(filler, longest+1000), true, false},
		{"a\x00b", true, false},
		{"a\x01b", true, false},
		{"a\uffffb", true, false},
	} {
		for _, f := range formats {
			if f == XML && strings.ContainsAny(test.value, "\x00\x01\uffff") && test.value != gone {
				continue // the reader refuses it
			}
			body := printPairs(f, with(pairs, p.name, test.value))
			_, err := decode(mustParse(t, f, body))
			var field *FieldError
			switch {
			case !test.refused && err != nil:
				t.Errorf("%s: %s as %.40q is refused: %v", f, p.name, test.value, err)
			case test.refused && (!errors.As(err, &field) || field.Field != p.name || field.Missing != test.missing || field.Range):
				t.Errorf("%s: %s as %.40q gives %+v", f, p.name, test.value, err)
			}
		}
	}
	for _, body := range []string{`{"a":1}`, `["a"]`, `true`} { // JSON has more types
		_, err := decode(mustParse(t, JSON, strings.Replace(printPairs(JSON, with(pairs, p.name, "@@")), `"@@"`, body, 1)))
		var field *FieldError
		if !errors.As(err, &field) || field.Field != p.name || field.Missing || field.Range {
			t.Errorf("%s as %s gives %+v", p.name, body, err)
		}
	}
	for _, body := range []string{`null`, `{}`, `[]`} {
		_, err := decode(mustParse(t, JSON, strings.Replace(printPairs(JSON, with(pairs, p.name, "@@")), `"@@"`, body, 1)))
		var field *FieldError
		if (err == nil) == p.mandatory || p.mandatory && (!errors.As(err, &field) || !field.Missing) {
			t.Errorf("%s as %s gives %+v", p.name, body, err)
		}
	}
	_, err = decode(mustParse(t, XML, strings.Replace(printPairs(XML, with(pairs, p.name, "@@")), "@@", "<a>1</a>", 1)))
	var field *FieldError
	if !errors.As(err, &field) || field.Field != p.name || field.Missing {
		t.Errorf("%s as <a> gives %+v", p.name, err)
	}
	p.longest(t, message, decode, pairs, filler, longest)
}

// longest checks that a value of the full length is accepted, where any is.
func (p parameter) longest(t *testing.T, message string, decode func(wire.Value) (any, error), pairs []pair, filler string, length int) {
	value := strings.Repeat(filler, length)
	switch p.name {
	case "email":
		value = strings.Repeat("x", length-2) + "@x"
	case "signature":
		value = strings.Repeat("aB3d", length/4)
	case "payment_date", "start_date", "end_date", "payment_channel", "pay_type", "bill_currency", "page", "limit", "bill_total", "payment_total", "payment_channel_uid":
		if message != "notification" || p.name == "payment_date" || strings.HasSuffix(p.name, "_total") {
			return // fixed values and ranges: TestDecodeValues
		}
	}
	for _, f := range formats {
		if _, err := decode(mustParse(t, f, printPairs(f, with(pairs, p.name, value)))); err != nil {
			t.Errorf("%s: %s with %d characters is refused: %v", f, p.name, length, err)
		}
	}
}

func TestDecodeValues(t *testing.T) {
	t.Parallel()
	const fine, malformed, tooFar = "", "malformed", "range"
	for _, test := range []struct {
		message, field, value string
		want                  string
		blamed                string // if another field
	}{
		{"payment_request", "merchant_id", "0", fine, ""},
		{"payment_request", "merchant_id", "7700a", malformed, ""},
		{"payment_request", "merchant_id", " 77001", malformed, ""},
		{"payment_request", "merchant_id", "-1", malformed, ""},
		{"payment_request", "merchant_id", "٧٧٠٠١", malformed, ""},
		{"payment_request", "bill_no", "INV/2025-07_01.A", fine, ""},
		{"payment_request", "bill_no", "a b", malformed, ""},
		{"payment_request", "bill_no", "a\nb", malformed, ""},
		{"payment_request", "bill_no", "ä", malformed, ""},
		{"payment_request", "bill_no", "a'--", malformed, ""},
		{"payment_request", "bill_desc", "two\nlines\tand é <b>&amp;</b> ]]>", fine, ""},
		{"payment_request", "bill_desc", "a\x7fb", malformed, ""},
		{"payment_request", "bill_total", "1", fine, ""},
		{"payment_request", "bill_total", "000045000", fine, ""},
		{"payment_request", "bill_total", "999999999999", fine, ""},
		{"payment_request", "bill_total", "1000000000000", tooFar, ""},
		{"payment_request", "bill_total", "999999999999999", tooFar, ""},
		{"payment_request", "bill_total", "0", tooFar, ""},
		{"payment_request", "bill_total", "000", tooFar, ""},
		{"payment_request", "bill_total", "9999999999999999", malformed, ""},
		{"payment_request", "bill_total", "45000.00", malformed, ""},
		{"payment_request", "bill_total", "45,000", malformed, ""},
		{"payment_request", "bill_total", "-45000", malformed, ""},
		{"payment_request", "bill_total", "+45000", malformed, ""},
		{"payment_request", "bill_total", "4.5e4", malformed, ""},
		{"payment_request", "bill_total", " 45000", malformed, ""},
		{"payment_request", "bill_total", "0x10", malformed, ""},
		{"payment_request", "bill_currency", "idr", fine, ""},
		{"payment_request", "bill_currency", "USD", malformed, ""},
		{"payment_request", "bill_currency", "360", malformed, ""},
		{"payment_request", "payment_channel", "812", tooFar, ""},
		{"payment_request", "payment_channel", "72", tooFar, ""},
		{"payment_request", "payment_channel", "0720", malformed, ""},
		{"payment_request", "payment_channel", "OVO", malformed, ""},
		{"payment_request", "phone_no", "081234567", fine, ""},
		{"payment_request", "phone_no", "6281382826301", fine, ""},
		{"payment_request", "phone_no", "08123456", malformed, ""},
		{"payment_request", "phone_no", "+6281200001", malformed, ""},
		{"payment_request", "phone_no", "0812 0000 111", malformed, ""},
		{"payment_request", "phone_no", "0812٠٠٠٠1111", malformed, ""},
		{"payment_request", "cust_name", "O'Brien & Söhne", fine, ""},
		{"payment_request", "cust_name", "a\nb", malformed, ""},
		{"payment_request", "cust_name", "a\u2028b", malformed, ""},
		{"payment_request", "email", "a+b@é.test", fine, ""},
		{"payment_request", "email", "rara", malformed, ""},
		{"payment_request", "email", "@shop.example", malformed, ""},
		{"payment_request", "email", "rara@", malformed, ""},
		{"payment_request", "email", "a@b@c", malformed, ""},
		{"payment_request", "email", "a b@c", malformed, ""},
		{"payment_request", "pay_type", "0", fine, ""},
		{"payment_request", "pay_type", "1", fine, ""},
		{"payment_request", "pay_type", "3", malformed, ""},
		{"payment_request", "pay_type", "02", malformed, ""},
		{"payment_request", "signature", strings.Repeat("F", 40), fine, ""},
		{"payment_request", "signature", strings.Repeat("f", 39), malformed, ""},
		{"payment_request", "signature", strings.Repeat("g", 40), malformed, ""},
		{"payment_request", "extra", "x", fine, ""},

		{"history_request", "start_date", "2025-07-01", fine, ""},
		{"history_request", "start_date", "2025-07-02", tooFar, ""},
		{"history_request", "start_date", "2025-02-29", malformed, ""},
		{"history_request", "start_date", "2025-7-1", malformed, ""},
		{"history_request", "start_date", "01-07-2025", malformed, ""},
		{"history_request", "end_date", "2025-05-31", tooFar, "start_date"},
		{"history_request", "end_date", "2025/07/01", malformed, ""},
		{"history_request", "page", "007", fine, ""},
		{"history_request", "page", "999999999", fine, ""},
		{"history_request", "page", "0", tooFar, ""},
		{"history_request", "page", "-1", malformed, ""},
		{"history_request", "page", "1.0", malformed, ""},
		{"history_request", "limit", "100", fine, ""},
		{"history_request", "limit", "101", tooFar, ""},
		{"history_request", "limit", "0", tooFar, ""},
		{"history_request", "limit", "x", malformed, ""},

		{"inquiry_request", "trx_id", "336608010000000042", fine, ""},
		{"inquiry_request", "trx_id", "77001-1", malformed, ""},
		{"cancel_request", "merchant", gone, fine, ""},
		{"cancel_request", "payment_cancel", "line\nline", fine, ""},

		{"notification", "payment_date", "null", fine, ""},
		{"notification", "payment_reff", "null", fine, ""},
		{"notification", "payment_date", "2025-07-01", malformed, ""},
		{"notification", "payment_date", "2025-07-01T09:17:41", malformed, ""},
		{"notification", "payment_date", "2025-07-01 9:17:41", malformed, ""},
		{"notification", "payment_date", "2025-07-01 09:17:60", malformed, ""},
		{"notification", "payment_status_code", "x", malformed, ""},
		{"notification", "bill_total", "0", fine, ""},
		{"notification", "payment_total", "0", fine, ""},
		{"notification", "payment_total", "1000000000000", tooFar, ""},
		{"notification", "payment_channel", "720", fine, ""},
		{"notification", "payment_channel_uid", "OVO", malformed, ""},
	} {
		pairs := with(readPairs(t, test.message), test.field, test.value)
		for _, f := range formats {
			_, err := decoders[test.message](mustParse(t, f, printPairs(f, pairs)))
			kind, name := kindOf(err)
			blamed := test.field
			if test.blamed != "" {
				blamed = test.blamed
			}
			if kind != test.want || kind != fine && name != blamed {
				t.Errorf("%s %s: %s as %q gives %v, want %q", f, test.message, test.field, test.value, err, test.want)
			}
		}
	}
}

func kindOf(err error) (kind, field string) {
	var e *FieldError
	switch {
	case err == nil:
		return "", ""
	case !errors.As(err, &e) || e.Reason == "" || e.Error() != e.Field+": "+e.Reason || e.Missing && e.Range:
		return fmt.Sprintf("strange error %v", err), ""
	case e.Missing:
		return "missing", e.Field
	case e.Range:
		return "range", e.Field
	}
	return "malformed", e.Field
}

// TestDecodeOrder: missing before malformed before out of range, each in the order
// of the documentation.
func TestDecodeOrder(t *testing.T) {
	t.Parallel()
	payment := readPairs(t, "payment_request")
	for _, test := range []struct {
		edits       []pair
		kind, field string
	}{
		{[]pair{{"merchant_id", "x"}, {"email", gone}, {"pay_type", gone}, {"bill_total", "0"}}, "missing", "email"},
		{[]pair{{"payment_channel", "812"}, {"pay_type", "9"}, {"bill_total", "0"}}, "malformed", "pay_type"},
		{[]pair{{"payment_channel", "812"}, {"bill_total", "0"}}, "range", "bill_total"},
		{[]pair{{"payment_channel", "812"}}, "range", "payment_channel"},
	} {
		pairs := payment
		for _, e := range test.edits {
			pairs = with(pairs, e.name, e.value)
		}
		for _, f := range formats {
			_, err := DecodePayment(mustParse(t, f, printPairs(f, pairs)), ScaleRupiah)
			if kind, field := kindOf(err); kind != test.kind || field != test.field {
				t.Errorf("%s: %v gives %v", f, test.edits, err)
			}
		}
	}
	for name, decode := range decoders {
		if kind, _ := kindOf(second(decode(wire.Value{}))); kind != "missing" {
			t.Errorf("%s: nothing gives %s", name, kind)
		}
		v, err := wire.Parse([]byte(`[]`))
		if err != nil {
			t.Fatal(err)
		}
		if kind, field := kindOf(second(decode(v))); kind != "malformed" || field != "body" {
			t.Errorf("%s: an array gives %s %s", name, kind, field)
		}
	}
}

func second(_ any, err error) error { return err }

// TestDecodeNumbers: clients send some members as JSON numbers.
func TestDecodeNumbers(t *testing.T) {
	t.Parallel()
	want := map[string]any{}
	for _, name := range []string{"payment_request", "history_request"} {
		got, err := decoders[name](mustParse(t, JSON, string(readSample(t, name).json)))
		if err != nil {
			t.Fatal(err)
		}
		want[name] = got
		for _, p := range readPairs(t, name) {
			if p.value == "" || !isDigits(p.value) {
				continue
			}
			text, err := json.Marshal(p.value)
			if err != nil {
				t.Fatal(err)
			}
			member := `"` + p.name + `":`
			body := strings.Replace(string(readSample(t, name).json), member+string(text), member+strings.TrimLeft(p.value, "0"), 1)
			got, err := decoders[name](mustParse(t, JSON, body))
			if p.name == "phone_no" || p.name == "bill_no" {
				if kind, field := kindOf(err); kind != "malformed" || field != p.name {
					t.Errorf("%s as a number gives %v", p.name, err)
				}
			} else if err != nil || !cmp.Equal(got, want[name]) {
				t.Errorf("%s as a number gives %+v, %v", p.name, got, err)
			}
			for _, bad := range []string{"1.0", "1e2", "-1"} {
				body := strings.Replace(string(readSample(t, name).json), member+string(text), member+bad, 1)
				if kind, field := kindOf(second(decoders[name](mustParse(t, JSON, body)))); kind != "malformed" || field != p.name {
					t.Errorf("%s as %s gives %s %s", p.name, bad, kind, field)
				}
			}
		}
	}
}

func TestAmountScale(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		scale int
		want  money.Amount
		err   error
	}{
		{"45000", ScaleRupiah, 45000, nil},
		{"4500000", ScaleSen, 45000, nil},
		{"100", ScaleSen, 1, nil},
		{"99999999999900", ScaleSen, money.Max, nil},
		{"100000000000000", ScaleSen, 0, money.ErrRange},
		{"4500050", ScaleSen, 0, money.ErrSyntax},
		{"50", ScaleSen, 0, money.ErrSyntax},
		{"1", ScaleSen, 0, money.ErrSyntax},
		{"0", ScaleSen, 0, money.ErrRange},
		{"00", ScaleSen, 0, money.ErrRange},
		{"000", ScaleSen, 0, money.ErrRange},
		{"0", ScaleRupiah, 0, money.ErrRange},
		{"", ScaleRupiah, 0, money.ErrSyntax},
		{"", ScaleSen, 0, money.ErrSyntax},
		{"4500000.00", ScaleSen, 0, money.ErrSyntax},
		{"1000000000000000", ScaleSen, 0, money.ErrSyntax},
	} {
		got, err := ParseAmount(test.text, test.scale)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("ParseAmount(%q, %d) = %d, %v", test.text, test.scale, got, err)
		}
		balance, err := ParseBalance(test.text, test.scale)
		zero := test.text != "" && strings.Trim(test.text, "0") == ""
		if balance != test.want || (err == nil) != (test.err == nil || zero) {
			t.Errorf("ParseBalance(%q, %d) = %d, %v", test.text, test.scale, balance, err)
		}
	}
	for _, scale := range []int{ScaleRupiah, ScaleSen} {
		for _, a := range []money.Amount{0, 1, 45000, money.Max} {
			if back, err := ParseBalance(FormatAmount(a, scale), scale); err != nil || back != a {
				t.Errorf("%d at scale %d is written %s", a, scale, FormatAmount(a, scale))
			}
		}
	}
	if got := FormatAmount(0, ScaleSen) + " " + FormatAmount(45000, ScaleSen); got != "0 4500000" {
		t.Errorf("amounts are written %s", got)
	}
	v := mustParse(t, XML, printPairs(XML, with(readPairs(t, "payment_request"), "bill_total", "4500000")))
	if p, err := DecodePayment(v, ScaleSen); err != nil || p.Total != 45000 {
		t.Errorf("%+v, %v", p, err)
	}
	v = mustParse(t, JSON, printPairs(JSON, with(readPairs(t, "payment_request"), "bill_total", "4500001")))
	if kind, field := kindOf(second(DecodePayment(v, ScaleSen))); kind != "malformed" || field != "bill_total" {
		t.Errorf("a fraction of a rupiah gives %s %s", kind, field)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 7, 1, 2, 17, 41, 0, time.UTC)
	if got := FormatTime(at); got != "2025-07-01 09:17:41" || FormatTime(time.Time{}) != "" {
		t.Errorf("FormatTime = %s", got)
	}
	if back, ok := ParseTime("2025-07-01 09:17:41"); !ok || !back.Equal(at) {
		t.Errorf("ParseTime = %v, %v", back, ok)
	}
	for _, bad := range []string{"", "2025-07-01", "2025-07-01 09:17", "2025-07-01 9:17:41", "2025-07-01 9:17:41.5", "2025-07-01 09:17:41.5", "2025-07-01 09:17:41Z", "2025-07-01T09:17:41", "2025-13-01 09:17:41", "0000-00-00 00:00:00"} {
		if got, ok := ParseTime(bad); ok {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestDecodeNotificationOld(t *testing.T) {
	t.Parallel()
	body := `<faspay><trx_id>7700172000000017</trx_id><merchant_id>77001</merchant_id><bill_no>1</bill_no><payment_reff>null</payment_reff><payment_date></payment_date>` +
		`<payment_status_code>6</payment_status_code><signature>5d22c6c9b95bec76c6c85899d22d4265aaff0f6f</signature></faspay>`
	got, err := DecodeNotification(mustParse(t, XML, body), ScaleRupiah)
	want := Notification{TrxID: "7700172000000017", MerchantID: "77001", BillNo: "1", Status: StatusUnknown, Signature: "5d22c6c9b95bec76c6c85899d22d4265aaff0f6f", Signed: "16"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzDecode: what JSON accepts must be accepted, and decoded to the same, when it
// is printed as XML.
func FuzzDecode(f *testing.F) {
	for name := range decoders {
		s := readSample(f, name)
		f.Add(s.json)
		f.Add(s.xml)
	}
	f.Add([]byte(`{"merchant_id":77001,"payment_channel":720,"phone_no":"081200001111","cust_name":"\r\n\u2028]]><&\"","page":1,"limit":1.0}`))
	tables := readParameters(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, format := range formats {
			v, err := Parse(format, body)
			if err != nil {
				continue
			}
			for name, decode := range decoders {
				got, err := decode(v)
				if kind, _ := kindOf(err); strings.HasPrefix(kind, "strange") {
					t.Fatalf("%s: %s", name, kind)
				}
				if err != nil {
					continue
				}
				documented := map[string]string{}
				for _, p := range tables[name] {
					documented[p.name] = v.Get(p.name).Literal()
				}
				for _, twin := range formats {
					printed, err := Encode(twin, documented)
					if err != nil {
						t.Fatalf("%s accepts %q, which is not printed as %s: %v", name, body, twin, err)
					}
					if len(printed) > wire.MaxBody {
						continue
					}
					again, err := decode(mustParse(t, twin, string(printed)))
					if err != nil || !cmp.Equal(got, again) {
						t.Fatalf("%s: %s %q and %s %s differ:\n%+v\n%+v, %v", name, format, body, twin, printed, got, again, err)
					}
				}
			}
		}
	})
}

func BenchmarkDecodePayment(b *testing.B) {
	for _, f := range formats {
		b.Run(string(f), func(b *testing.B) {
			v := mustParse(b, f, string(readSample(b, "payment_request").in(f)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodePayment(v, ScaleRupiah); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
