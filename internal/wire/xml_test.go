package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseXMLRefuses(t *testing.T) {
	t.Parallel()
	in := func(content string) string { return "<r>" + content + "</r>" }
	deep := func(n int) string { return strings.Repeat("<r>", n) + strings.Repeat("</r>", n) }
	var many strings.Builder
	for i := range 40 {
		fmt.Fprintf(&many, "<m%d/>", i)
	}
	for _, test := range []struct{ body, reason string }{
		{"", "empty"},
		{" \r\n\t", "empty"},
		{"x", "must begin at byte 0"},
		{"{}", "must begin at byte 0"},
		{"<", "name must begin"},
		{"<r", "malformed"},
		{"<r>", "not closed"},
		{"<r><a>", "not closed"},
		{"<r><a>x", "not closed"},
		{"<r><a></a>", `"r" is not closed`},
		{"<r></r", "malformed"},
		{"<r></", "name must begin"},
		{"<r/ >", "malformed"},
		{"< r/>", "name must begin"},
		{"<r></ r>", "name must begin"},
		{"</r>", "name must begin"},
		{"<1/>", "name must begin"},
		{"<-r/>", "name must begin"},
		{"<q/>", `"q", it must be "r"`},
		{"<R/>", `"R", it must be "r"`},
		{in("<a></b>"), `"a" is closed as "b"`},
		{in("<a></A>"), `"a" is closed as "A"`},
		{in("<a><b></a></b>"), `"b" is closed as "a"`},
		{in("</r><r>"), "behind the root"},
		{"<r/><r/>", "behind the root"},
		{"<r/>x", "behind the root"},
		{"<r/>\x00", "behind the root"},
		{"<r></r><!-- -->", "comments"},
		{"<r/><?php x ?>", "processing instructions"},
		{"<!-- --><r/>", "comments"},
		{in("<!-- -->"), "comments"},
		{in("<a>10<!-- -->00</a>"), "comments"},
		{in("<a>10<?x ?>00</a>"), "processing instructions"},
		{"<?xml-stylesheet href='x'?><r/>", "processing instructions"},
		{"\n<?xml version=\"1.0\"?><r/>", "very first"},
		{"<?xml version=\"1.0\"?><?xml version=\"1.0\"?><r/>", "very first"},
		{"<?xml version=\"1.0\"", "not closed"},
		{"<?xml version=\"1.0\"?>", "must begin"},
		{"<?xml ?><r/>", "malformed"},
		{"<?xml version=1.0?><r/>", "malformed"},
		{"<?xml version=\"1.0'?><r/>", "malformed"},
		{"<?xml version=\"1.0\"encoding=\"UTF-8\"?><r/>", "malformed"},
		{"<?xml encoding=\"UTF-8\" version=\"1.0\"?><r/>", "malformed"},
		{"<?xml version=\"1.0\" standalone=\"maybe\"?><r/>", "malformed"},
		{"<?xml version=\"1.0\" x=\"y\"?><r/>", "malformed"},
		{"<?xml version=\"1.1\"?><r/>", "must be 1.0"},
		{"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r/>", "must be UTF-8"},
		{"<?xml version=\"1.0\" encoding=\"UTF-7\"?><r/>", "must be UTF-8"},
		{"<?xml version=\"1.0\" encoding=\"utf-16\"?><r/>", "must be UTF-8"},
		{"\xff\xfe<\x00r\x00/\x00>\x00", "UTF-8"},
		{"<\x00r\x00/\x00>\x00", "name must begin"},
		{"\xef\xbb\xbf<r/>", "must begin at byte 0"},
		{in("<a>\xff</a>"), "UTF-8"},
		{in("<a>\xed\xa0\x80</a>"), "UTF-8"},
		{in("<a>\xc0\xbc</a>"), "UTF-8"},
		{"<!DOCTYPE r><r/>", "DOCTYPE"},
		{"<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/x.dtd\"><r/>", "DOCTYPE"},
		{"<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><r>&x;</r>", "DOCTYPE"},
		{"<!doctype r><r/>", "DOCTYPE"},
		{in("<!ENTITY x \"y\">"), "DOCTYPE"},
		{in("<a>&x;</a>"), "predefined"},
		{in("<a>&nbsp;</a>"), "predefined"},
		{in("<a>&LT;</a>"), "predefined"},
		{in("<a>&;</a>"), "predefined"},
		{in("<a>&#;</a>"), "predefined"},
		{in("<a>a & b</a>"), "plain one"},
		{in("<a>&amp</a>"), "plain one"},
		{in("<a>&" + strings.Repeat("l", 100) + ";</a>"), "plain one"},
		{in("<a>&#x;</a>"), "no character"},
		{in("<a>&#X41;</a>"), "no character"},
		{in("<a>&#+65;</a>"), "no character"},
		{in("<a>&#-1;</a>"), "no character"},
		{in("<a>&#6_5;</a>"), "no character"},
		{in("<a>&#0;</a>"), "no character"},
		{in("<a>&#11;</a>"), "no character"},
		{in("<a>&#xD800;</a>"), "no character"},
		{in("<a>&#xFFFE;</a>"), "no character"},
		{in("<a>&#x110000;</a>"), "no character"},
		{in("<a>&#9999999999;</a>"), ""},
		{in("<a>\x01</a>"), "U+0001"},
		{in("<a>a\x00b</a>"), "U+0000"},
		{in("<a>\uffff</a>"), "U+FFFF"},
		{in("<a>]]></a>"), "outside a CDATA"},
		{in("<a><![CDATA[x</a>"), "not closed"},
		{in("<a><![CDATA[\x01]]></a>"), "U+0001"},
		{in("<a>10<![CDATA[00]]></a>"), "beside CDATA"},
		{in("<a><![CDATA[10]]>00</a>"), "beside CDATA"},
		{in("<a><![CDATA[10]]><![CDATA[00]]></a>"), "beside CDATA"},
		{in("<a><![CDATA[10]]> </a>"), "beside CDATA"},
		{in("<a> <![CDATA[10]]></a>"), "beside CDATA"},
		{in("<a><b/><![CDATA[x]]></a>"), "beside elements"},
		{in("<![CDATA[x]]>"), "beside elements"},
		{in("x"), "beside elements"},
		{in("&#32;"), "beside elements"},
		{in("<a>x<b/></a>"), "beside elements"},
		{in("<a><b/>x</a>"), "beside elements"},
		{in("<a>1<b/>0</a>"), "beside elements"},
		{in("<a/><a/>"), `"a" appears twice`},
		{in("<a>1</a><b/><a>2</a>"), `"a" appears twice`},
		{in("<g><a/><b/><a/></g>"), `"a" appears twice`},
		{in("<list/><b/><list/>"), `"list" appears twice`},
		{in(many.String() + "<m7/>"), `"m7" appears twice`},
		{in(`<a x="1"/>`), "attribute"},
		{in(`<a x="1">y</a>`), "attribute"},
		{`<r xmlns="urn:x"/>`, "attribute"},
		{`<r xmlns:p="urn:x"/>`, "attribute"},
		{in("<p:a/>"), "prefixes"},
		{"<p:r/>", "prefixes"},
		{in("<a></p:a>"), "prefixes"},
		{in("<ä/>"), "outside ASCII"},
		{in("<a<b/></a>"), "malformed"},
		{deep(18), "deeper than 16"}, // the innermost is a string
		{deep(5000), "deeper than 16"},
		{strings.Repeat("<r>", 16) + "<a/><list/>" + strings.Repeat("</r>", 16), "deeper than 16"},
		{in("<a>" + strings.Repeat("x", MaxBody) + "</a>"), "longer than 65536"},
	} {
		v, err := ParseXML([]byte(test.body), "r", "list")
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(syntax.Reason, test.reason) || v.Kind() != Missing {
			t.Errorf("ParseXML(%.60q) = %v, want a reason with %q", test.body, err, test.reason)
		}
	}
	if _, err := ParseXML(nil, "r"); !errors.Is(err, ErrEmpty) {
		t.Errorf("ParseXML(nil) = %v, want ErrEmpty", err)
	}
	if _, err := ParseXML([]byte(strings.Repeat("<r>", 16)+"<a>x</a>"+strings.Repeat("</r>", 16)), "r"); err != nil {
		t.Errorf("16 levels refused: %v", err)
	}
}

func TestParseXML(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<r/>":                          `{}`,
		" <r></r>\n":                    `{}`,
		"<r\n>\t</r >\n":                `{}`,
		"<?xml version=\"1.0\"?>\n<r/>": `{}`,
		"<?xml version='1.0' encoding='utf-8' standalone='no' ?><r/>":    `{}`,
		"<?xml version = \"1.0\"\n encoding=\"UTF-8\"?>\r\n<r/>":         `{}`,
		"<r><a>1</a><b/><c></c><d> x </d></r>":                           `{"a":"1","b":"","c":"","d":" x "}`,
		"<r>\n  <a>\n    <b>1</b>\n    <_c-1.x>2</_c-1.x>\n  </a>\n</r>": `{"a":{"b":"1","_c-1.x":"2"}}`,
		"<r><a> </a></r>": `{"a":" "}`,
		"<r><a>&lt;&gt;&amp;&apos;&quot;\"\\/&#65;&#x42;&#x1f600;</a></r>":     `{"a":"<>&'\"\"\\/AB😀"}`,
		"<r><a>&#10;&#9;&#13;|1\r\n2\r3\n4</a></r>":                            `{"a":"\n\t\r|1\n2\n3\n4"}`,
		"<r><a><![CDATA[<b>&amp;]] > ]>\r\n</b>]]></a><b><![CDATA[]]></b></r>": `{"a":"<b>&amp;]] > ]>\n</b>","b":""}`,
		"<r><a>x]]y>é\u2028</a></r>":                                           "{\"a\":\"x]]y>é\u2028\"}",
		"<r><list>1</list></r>":                                                `{"list":["1"]}`,
		"<r><list>1</list> <list><b/></list><list/><c/></r>":                   `{"list":["1",{"b":""},""],"c":""}`,
		"<r><g><list/></g><list/><other/></r>":                                 `{"g":{"list":[""]},"list":[""],"other":""}`,
		"<r><list>1</list><other>2</other><other2/></r>":                       `{"list":["1"],"other":["2"],"other2":""}`,
	} {
		v, err := ParseXML([]byte(in), "r", "list", "other")
		if strings.Contains(want, `"other":""`) {
			v, err = ParseXML([]byte(in), "r", "list")
		}
		if err != nil {
			t.Errorf("ParseXML(%q): %v", in, err)
			continue
		}
		if got := string(v.Raw()); got != want {
			t.Errorf("ParseXML(%q) = %s, want %s", in, got, want)
		}
		equal(t, v, parse(t, want))
	}
}

// A parser that is handed more than a server would read must neither work on it
// nor copy it.
func TestParseXMLHuge(t *testing.T) { // not parallel: it measures memory
	for name, body := range map[string][]byte{
		"nested tags":  []byte(strings.Repeat("<r>", 1_000_000)),
		"CDATA":        []byte("<r><a><![CDATA[" + strings.Repeat("x", 10<<20) + "]]></a></r>"),
		"elements":     []byte("<r>" + strings.Repeat("<a/>", 1_000_000) + "</r>"),
		"entities":     []byte("<r><a>" + strings.Repeat("&#65;", 1_000_000) + "</a></r>"),
		"white space":  []byte(strings.Repeat(" ", 10<<20)),
		"64 KiB nest":  []byte(strings.Repeat("<r>", MaxBody/3)),
		"64 KiB elems": []byte("<r>" + strings.Repeat("<a/>", MaxBody/4-2) + "</r>"),
		"64 KiB lists": []byte("<r>" + strings.Repeat("<list/>", MaxBody/7-2) + "<"),
	} {
		least, grown := time.Hour, uint64(0)
		for range 3 { // the race detector and a busy machine may slow one
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := ParseXML(body, "r", "list")
			least = min(least, time.Since(start))
			runtime.ReadMemStats(&after)
			grown = after.TotalAlloc - before.TotalAlloc
			if err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		limit := 50 * time.Millisecond
		if len(body) <= MaxBody {
			limit *= 10 // really read
		}
		if least > limit || grown > 20<<20 {
			t.Errorf("%s: took %v and %d bytes", name, least, grown)
		}
	}
}

func TestEncodeXML(t *testing.T) {
	t.Parallel()
	type group struct {
		B string `json:"b"`
	}
	v := struct {
		S     string         `json:"s"`
		Empty string         `json:"empty"`
		N     int            `json:"n"`
		Yes   bool           `json:"yes"`
		Null  *group         `json:"null"`
		G     group          `json:"g"`
		None  struct{}       `json:"none"`
		L     []group        `json:"l"`
		No    []string       `json:"no"`
		Raw   map[string]any `json:"raw"`
	}{S: "<a> & \"b\" 'c' ]]>\r\n\té\u2028", N: 7, Yes: true, G: group{"x"}, L: []group{{"1"}, {"2"}}, No: []string{}, Raw: map[string]any{"k": 1.5}}
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		"<r><s>&lt;a&gt; &amp; \"b\" 'c' ]]&gt;&#13;\n\té\u2028</s><empty></empty><n>7</n><yes>true</yes><null></null><g><b>x</b></g><none/>" +
		"<l><b>1</b></l><l><b>2</b></l><raw><k>1.5</k></raw></r>"
	got, err := EncodeXML("r", v)
	if err != nil || string(got) != want {
		t.Fatalf("EncodeXML = %s, %v\nwant %s", got, err, want)
	}
	back, err := ParseXML(got, "r", "l")
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := back.Get("s").Text(); text != v.S {
		t.Errorf("s is read as %q", text)
	}
	for _, bad := range []any{
		"x", nil, []int{1}, func() {}, map[string]string{"a b": ""}, map[string]string{"": ""}, map[string]string{"1": ""}, map[string]string{"ä": ""}, map[string]string{"p:a": ""},
		map[string]string{"a": "\x00"}, map[string]string{"a": "\uffff"}, map[string]any{"a": [][]int{{1}}}, map[string]any{"a": map[string]string{"<": ""}},
	} {
		if got, err := EncodeXML("r", bad); err == nil {
			t.Errorf("%v is encoded as %s", bad, got)
		}
	}
	if _, err := EncodeXML("a b", struct{}{}); err == nil {
		t.Error("a root with a blank is encoded")
	}
}

func FuzzParseXML(f *testing.F) {
	for _, seed := range []string{
		``, `<r/>`, `<r></r>`, `<r><a>1</a></r>`, `<r><a>1</a><a>2</a></r>`, `<r><l>1</l><l><b/></l></r>`, `<?xml version="1.0" encoding="UTF-8"?><r/>`,
		`<r><a>&lt;&#65;&#x41;]]</a></r>`, `<r><a><![CDATA[<x>]]></a></r>`, `<!DOCTYPE r><r/>`, `<r a="b"/>`, `<r><!-- --></r>`, `<r/><r/>`, `<p:r/>`, "<r><a>\r\n\"\\</a></r>",
		strings.Repeat("<r>", 17), "<r>\n <a>\n </a>\n</r>", "<r><a>\xff</a></r>", "<r><ä/></r>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := ParseXML(body, "r", "l")
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Reason == "" || v.Kind() != Missing {
				t.Fatalf("ParseXML(%q) = %v, %v", body, v.Kind(), err)
			}
			return
		}
		asJSON, err := Parse(v.Raw())
		if err != nil {
			t.Fatalf("%q is read as %s, which Parse refuses: %v", body, v.Raw(), err)
		}
		equal(t, v, asJSON)
		printed, err := EncodeXML("r", json.RawMessage(v.Raw()))
		if err != nil {
			t.Fatalf("%s is not encoded: %v", v.Raw(), err)
		}
		again, err := ParseXML(printed, "r", "l")
		if len(printed) > MaxBody && err != nil {
			return // references may take more room than what they stand for
		}
		if err != nil {
			t.Fatalf("%q printed as %q is refused: %v", body, printed, err)
		}
		if !bytes.Equal(again.Raw(), v.Raw()) && !strings.Contains(string(v.Raw()), "{}") { // an empty element is a string
			t.Fatalf("%q is read as %s, printed again as %s", body, v.Raw(), again.Raw())
		}
		if diff := cmp.Diff(standardTexts(t, body), texts(v, "r", nil)); diff != "" {
			t.Fatalf("encoding/xml reads %q differently (-theirs +ours):\n%s", body, diff)
		}
	})
}

// texts lists elements and their texts in the order of their start tags.
func texts(v Value, name string, out []string) []string {
	switch v.Kind() {
	case Array:
		for _, item := range v.Items() {
			out = texts(item, name, out)
		}
	case Object:
		out = append(out, name)
		for _, m := range v.Members() {
			out = texts(m.Value, m.Name, out)
		}
	default:
		text, _ := v.Text()
		out = append(out, name+"="+text)
	}
	return out
}

// standardTexts is texts by the standard library's reader, which accepts far more.
func standardTexts(t *testing.T, body []byte) (out []string) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(body))
	leaf, text := true, ""
	var open []int
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("encoding/xml refuses %q: %v", body, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, len(out))
			out = append(out, token.Name.Local)
			leaf, text = true, ""
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			if leaf && len(open) > 1 {
				out[open[len(open)-1]] += "=" + text
			}
			open = open[:len(open)-1]
			leaf, text = false, ""
		}
	}
}

const benchXML = `<?xml version="1.0" encoding="UTF-8"?>
<faspay>
  <request>Pay order</request>
  <merchant_id>77001</merchant_id>
  <bill_no>250700000017</bill_no>
  <bill_desc>Two notebooks &amp; a pen</bill_desc>
  <bill_total>45000</bill_total>
  <bill_currency>IDR</bill_currency>
  <payment_channel>720</payment_channel>
  <phone_no>081200001111</phone_no>
  <cust_name>Rara Contoh</cust_name>
  <email>rara@shop.example</email>
  <pay_type>2</pay_type>
  <signature>3b8eea2a5ef98414d9fef1ea6fd1cf218f3df8f4</signature>
</faspay>
`

func BenchmarkParseXML(b *testing.B) {
	body := []byte(benchXML)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := ParseXML(body, "faspay"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeXML(b *testing.B) {
	v, err := ParseXML([]byte(benchXML), "faspay")
	if err != nil {
		b.Fatal(err)
	}
	raw := json.RawMessage(v.Raw())
	b.ReportAllocs()
	b.SetBytes(int64(len(benchXML)))
	for b.Loop() {
		if _, err := EncodeXML("faspay", raw); err != nil {
			b.Fatal(err)
		}
	}
}
