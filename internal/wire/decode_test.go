package wire

import (
	"strings"
	"testing"
)

// TestDecoderReportsByKind pins which of several problems is reported.
func TestDecoderReportsByKind(t *testing.T) {
	t.Parallel()
	read := func(d *Decoder) {
		d.SetRange("far", "must be smaller")
		d.Word("outer.word", true, 3)
		d.OneOf("choice", d.String("choice", false, 9), "One", "Two")
		d.URL("url", false, 30)
		d.Items("list", func(item *Decoder) { item.String("name", true, 3) })
	}
	for _, test := range []struct{ body, want string }{
		{`{"outer":{"word":"abc"}}`, "far: must be smaller"},
		{`{"outer":{"word":"äöü"},"choice":"ONE","url":"https://a.test"}`, "far: must be smaller"},
		{`{"choice":"x"}`, "outer.word: is missing or empty"},
		{`{"outer":[1],"choice":"x"}`, "outer: must be an object"},
		{`{"outer":{"word":"abcd"}}`, "outer.word: must have at most 3 characters"},
		{`{"outer":{"word":"a\n"}}`, "outer.word: must not contain control characters"},
		{`{"outer":{"word":7}}`, "outer.word: must be a string"},
		{`{"outer":{"word":"a"},"choice":"x","url":"y"}`, "choice: must be One or Two"},
		{`{"outer":{"word":"a"},"url":"ftp://a.test"}`, "url: must be an http or https address with a host, without a user name, of at most 30 characters"},
		{`{"outer":{"word":"a"},"list":7}`, "list: must be an array"},
		{`{"outer":{"word":"a"},"list":[{"name":"a"},7]}`, "list[1]: must be an object"},
		{`{"outer":{"word":"a"},"list":[{"name":"a"},{"name":"long"},{"name":8}]}`, "list[1].name: must have at most 3 characters"},
		{`{"outer":{"word":"a"},"list":[{"name":9},{}]}`, "list[1].name: is missing or empty"},
		{`[]`, "body: must be an object"},
	} {
		v, err := Parse([]byte(test.body))
		if err != nil {
			t.Fatal(err)
		}
		d := NewDecoder(v)
		read(d)
		got, err := Result(d, "kept")
		if err == nil || err.Error() != test.want || got != "" {
			t.Errorf("%s: %q, %v, want %s", test.body, got, err, test.want)
		}
	}
	if got, err := Result(NewDecoder(Value{}), "kept"); got != "kept" || err != nil {
		t.Errorf("%q, %v without a problem", got, err)
	}
}

// TestSearchFindsTheFewest: one mistake comes before two, and three are too many.
func TestSearchFindsTheFewest(t *testing.T) {
	t.Parallel()
	axis := func(name string) Variants {
		list := Right(name)
		list.AddAll(name+" is bent", name+"1", name+"2", name)
		return list
	}
	for want, text := range map[string]string{
		"The sum is right; the call was refused for another reason.": "a b c",
		"B is bent.":                "a b2 c",
		"A is bent; and c is bent.": "a1 b c2",
		"Nothing fits.":             "a1 b1 c1",
	} {
		s := Search{
			Axes:  []Variants{axis("a"), axis("b"), axis("c")},
			Match: func(c Choice) bool { return strings.Join([]string{c.Value(0), c.Value(1), c.Value(2)}, " ") == text },
		}
		found, ok := s.Run()
		if got := Conclude("sum", nil, found, ok, "nothing fits.").Hint; got != want {
			t.Errorf("%s: %s\nwant %s", text, got, want)
		}
	}
	if got := Conclude("sum", []string{"it is bent"}, Choice{}, false, "nothing fits.").Hint; got != "It is bent. Written correctly it still does not match: nothing fits." {
		t.Error(got)
	}
}
