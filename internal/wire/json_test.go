package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	var many strings.Builder
	for i := range 40 {
		fmt.Fprintf(&many, `"m%d":0,`, i)
	}
	for _, test := range []struct{ body, reason string }{
		{"", "empty"},
		{" \r\n\t", "empty"},
		{"{", "unexpected end"},
		{`{"a":1}x`, "after top-level value"},
		{`{"a":1}{}`, "after top-level value"},
		{`{'a':1}`, "invalid character"},
		{`{"a":01}`, "invalid character"},
		{`{"a":NaN}`, "invalid character"},
		{`[1,]`, "invalid character"},
		{"\xef\xbb\xbf{}", "invalid character"},
		{"{\"a\":\"\x01\"}", "invalid character"},
		{"{\"a\":\"\xff\"}", "UTF-8"},
		{"{\"a\":\"\xed\xa0\x80\"}", "UTF-8"},
		{`{"amount":1,"amount":2}`, `member "amount" appears twice`},
		{`{"amount":1,"\u0061mount":2}`, `member "amount" appears twice`},
		{`{"a":[{"b":1,"c":{},"b":2}]}`, `member "b" appears twice`},
		{`{"":1,"":2}`, `member "" appears twice`},
		{`{` + many.String() + `"m7":1}`, `member "m7" appears twice`},
		{`{"a":"\ud800"}`, "surrogate"},
		{`{"a":"\ud800x"}`, "surrogate"},
		{`{"a":"\ud800\n"}`, "surrogate"},
		{`{"a":"\udc00\ud800"}`, "surrogate"},
		{`{"a":"\ud800\ud800"}`, "surrogate"},
		{`{"\udead":1}`, "surrogate"},
		{deep(17), "deeper than 16"},
		{deep(20000), ""},
	} {
		_, err := Parse([]byte(test.body))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(syntax.Reason, test.reason) {
			t.Errorf("Parse(%.40q) = %v, want a reason with %q", test.body, err, test.reason)
		}
	}
	if _, err := Parse(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("Parse(nil) = %v, want ErrEmpty", err)
	}
	if _, err := Parse([]byte(deep(16))); err != nil {
		t.Errorf("16 levels refused: %v", err)
	}
}

func parse(t testing.TB, body string) Value {
	t.Helper()
	v, err := Parse([]byte(body))
	if err != nil {
		t.Fatalf("Parse(%q): %v", body, err)
	}
	return v
}

func TestValue(t *testing.T) {
	t.Parallel()
	v := parse(t, ` {"a": {"b" :[1, "x\u00e9\ud83d\ude00\/", null ,true,false, {"c":-1.50E+2}]}, "A":"", "n\u0061me":{}, "x.y":1, "l":[], "last":"end"} `)

	if v.Kind() != Object || v.Get("a").Kind() != Object || v.Get("a.b").Kind() != Array {
		t.Fatalf("kinds: %v %v %v", v.Kind(), v.Get("a").Kind(), v.Get("a.b").Kind())
	}
	items := v.Get("a.b").Items()
	var kinds []string
	for _, item := range items {
		kinds = append(kinds, item.Kind().String())
	}
	want := []string{"number", "string", "null", "boolean", "boolean", "object"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if text, ok := items[1].Text(); !ok || text != "xé😀/" {
		t.Errorf("Text = %q, %v", text, ok)
	}
	if text, ok := items[0].Text(); ok || text != "" {
		t.Errorf("Text of a number = %q, %v", text, ok)
	}
	if got := items[5].Get("c").Literal(); got != "-1.50E+2" {
		t.Errorf("number literal = %q", got)
	}
	if got := items[1].Literal(); got != "xé😀/" {
		t.Errorf("string literal = %q", got)
	}
	if got := items[3].Literal(); got != "" {
		t.Errorf("bool literal = %q", got)
	}
	if yes, ok := items[3].Bool(); !yes || !ok {
		t.Error("true is not true")
	}
	if yes, ok := items[4].Bool(); yes || !ok {
		t.Error("false is not false")
	}
	if _, ok := items[0].Bool(); ok {
		t.Error("a number is a boolean")
	}
	if got := string(v.Get("a.b").Raw()[:3]); got != "[1," {
		t.Errorf("Raw = %q", got)
	}
	if got, _ := v.Get("last").Text(); got != "end" {
		t.Errorf("last = %q", got)
	}
	for path, absent := range map[string]bool{
		"A": true, "name": true, "l": true, "nope": true, "a.nope": true, "a.b.c": true, "last.x": true, "Last": true,
		"a": false, "a.b": false, "last": false, "x.y": true, "": true,
	} {
		if v.Get(path).Absent() != absent {
			t.Errorf("Get(%q).Absent() = %v", path, !absent)
		}
	}
	if items[2].Absent() != true || items[4].Absent() != false {
		t.Error("null must be absent, false must not")
	}
	var names []string
	for _, m := range v.Members() {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"a", "A", "name", "x.y", "l", "last"}, names); diff != "" {
		t.Errorf("member names (-want +got):\n%s", diff)
	}
}

func TestZeroValue(t *testing.T) {
	t.Parallel()
	var v Value
	text, isText := v.Text()
	yes, isBool := v.Bool()
	if v.Kind() != Missing || !v.Absent() || v.Get("a.b").Kind() != Missing || text != "" || isText || yes || isBool ||
		v.Literal() != "" || v.Items() != nil || v.Members() != nil || v.Raw() != nil || v.AppendCanonical(nil) != nil {
		t.Error("the zero Value is not missing everywhere")
	}
}

func TestAppendCanonical(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		` { "b" : 1.0 , "a" : [ ] } `:                    `{"b":1.0,"a":[]}`,
		`"https:\/\/m.test\/?a\u003d1\u0026b"`:           `"https://m.test/?a=1&b"`,
		`"Caf\u00e9 \u003cCo\u003E"`:                     `"Café <Co>"`,
		`"\u0022\u005c\u002f"`:                           `"\"\\/"`,
		`"\b\f\n\r\t\u0008\u000C\u000a\u000d\u0009"`:     `"\b\f\n\r\t\b\f\n\r\t"`,
		`"\u0000\u001F\u007f"`:                           "\"\\u0000\\u001f\x7f\"",
		`"\ud83d\ude00 \u2028"`:                          "\"😀 \u2028\"",
		`{"k\u0065y":"  two  blanks "}`:                  `{"key":"  two  blanks "}`,
		`[null,true,false,1E5,-0,123456789012345678901]`: `[null,true,false,1E5,-0,123456789012345678901]`,
		`"a\\u0041"`: `"a\\u0041"`,
	} {
		if got := string(parse(t, in).AppendCanonical([]byte(">"))); got != ">"+want {
			t.Errorf("canonical of %s = %s, want %s", in, got[1:], want)
		}
	}
	inner := parse(t, `{"a": {"b": [1, 2]}}`).Get("a")
	if got := string(inner.AppendCanonical(nil)); got != `{"b":[1,2]}` {
		t.Errorf("canonical of a member = %s", got)
	}
}

func TestStrip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``:                         ``,
		" \t\r\n":                  ``,
		`{"a": 1, "b": " x y "}`:   `{"a":1,"b":" x y "}`,
		`{"a": "\" : \\" , "b":1}`: `{"a":"\" : \\","b":1}`,
		"{\"a\":1}\n":              `{"a":1}`,
		`not json " open \`:        `notjson" open \`,
	} {
		if got := string(Strip([]byte(in))); got != want {
			t.Errorf("Strip(%q) = %q, want %q", in, got, want)
		}
	}
	body := []byte(`{"a":" "}`)
	if got := Strip(body); &got[0] != &body[0] {
		t.Error("Strip copied a body that has nothing to remove")
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	in := struct {
		A string          `json:"a"`
		B json.RawMessage `json:"b"`
	}{"https://m.test/?x=1&y=<é>\u2028\u2029\x01\"\\", json.RawMessage(`{"u": "\/\u0026"}`)}
	got, err := Encode(in)
	want := "{\"a\":\"https://m.test/?x=1&y=<é>\u2028\u2029\\u0001\\\"\\\\\",\"b\":{\"u\":\"/&\"}}"
	if err != nil || string(got) != want {
		t.Errorf("Encode = %s, %v; want %s", got, err, want)
	}
	if got := parse(t, want).AppendCanonical(nil); string(got) != want {
		t.Errorf("canonical form differs from what is sent: %s", got)
	}
	if _, err := Encode(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}

func TestDay(t *testing.T) {
	t.Parallel()
	before := time.Date(2024, 5, 6, 16, 59, 59, 0, time.UTC)
	if got := Day(before); got != "2024-05-06" {
		t.Errorf("Day = %s", got)
	}
	if got := Day(before.Add(time.Second)); got != "2024-05-07" {
		t.Errorf("Day = %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `{}`, `[]`, `""`, `0`, `-1.5e+3`, `true`, `null`, `{"a":{"b":[1,"x",null]},"c":""}`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `"\ud83d\ude00\/"`, `"\ud800"`, `{"a" : [ 1 , 2 ] }`, "\"\u2028\"",
		strings.Repeat(`{"a":`, 17), strings.Repeat("[", 16) + strings.Repeat("]", 16), "{\"\\", `"\u12`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		stripped := Strip(body)
		if again := Strip(stripped); !bytes.Equal(again, stripped) {
			t.Fatalf("Strip(%q) = %q, stripped again %q", body, stripped, again)
		}
		v, err := Parse(body)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Reason == "" || v.Kind() != Missing {
				t.Fatalf("Parse(%q) = %v, %v", body, v.Kind(), err)
			}
			return
		}
		canonical := v.AppendCanonical(nil)
		again, err := Parse(canonical)
		if err != nil {
			t.Fatalf("canonical %q of %q refused: %v", canonical, body, err)
		}
		if twice := again.AppendCanonical(nil); !bytes.Equal(twice, canonical) {
			t.Fatalf("canonical %q of %q prints as %q", canonical, body, twice)
		}
		if fromStripped := appendCanonical(nil, stripped); !bytes.Equal(fromStripped, canonical) {
			t.Fatalf("canonical of stripped %q = %q, want %q", stripped, fromStripped, canonical)
		}
		equal(t, v, again)
		var got, want any
		if json.Unmarshal(body, &want) == nil {
			if err := json.Unmarshal(canonical, &got); err != nil || !cmp.Equal(want, got) {
				t.Fatalf("encoding/json reads %q and %q differently", body, canonical)
			}
		}
	})
}

// equal compares two trees through every accessor.
func equal(t *testing.T, a, b Value) {
	t.Helper()
	aText, aOK := a.Text()
	bText, bOK := b.Text()
	if a.Kind() != b.Kind() || a.Absent() != b.Absent() || a.Literal() != b.Literal() || aText != bText || aOK != bOK {
		t.Fatalf("%q and %q differ", a.Raw(), b.Raw())
	}
	aItems, bItems := a.Items(), b.Items()
	aMembers, bMembers := a.Members(), b.Members()
	if len(aItems) != len(bItems) || len(aMembers) != len(bMembers) {
		t.Fatalf("%q and %q differ in length", a.Raw(), b.Raw())
	}
	for i := range aItems {
		equal(t, aItems[i], bItems[i])
	}
	for i, m := range aMembers {
		if m.Name != bMembers[i].Name {
			t.Fatalf("member %d: %q and %q", i, m.Name, bMembers[i].Name)
		}
		equal(t, m.Value, bMembers[i].Value)
		if !strings.Contains(m.Name, ".") && !bytes.Equal(a.Get(m.Name).Raw(), m.Value.Raw()) {
			t.Fatalf("Get(%q) is not the member", m.Name)
		}
	}
}

const benchBody = `{"partnerReferenceNo": "INV-20240506-0001", "feeType": "OUR", "amount": {"value": "15000.00", "currency": "IDR"}, "payOptionDetails": [{"payMethod": "CASH", "transAmount": {"value": "15000.00", "currency": "IDR"}, "feeAmount": {"value": "0.00", "currency": "IDR"}}], "additionalInfo": {"channel": "EMONEY_OVO_SNAP", "successPaymentUrl": "https:\/\/merchant.test\/ok", "failedPaymentUrl": "https:\/\/merchant.test\/fail", "paymentType": "SALE"}}`

func BenchmarkParse(b *testing.B) {
	body := []byte(benchBody)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	v := parse(b, benchBody)
	buf := make([]byte, 0, len(benchBody))
	b.ReportAllocs()
	b.SetBytes(int64(len(benchBody)))
	for b.Loop() {
		buf = v.AppendCanonical(buf[:0])
	}
}
