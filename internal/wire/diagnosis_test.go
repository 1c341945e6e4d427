package wire

import "testing"

func TestDifference(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", -1}, {"abc", "abc", -1}, {"abc", "abd", 2}, {"abc", "ab", 2}, {"ab", "abc", 2}, {"", "a", 0}, {"xb", "yb", 0},
	} {
		if got := Difference(test.a, test.b); got != test.want {
			t.Errorf("Difference(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestVerdictExplain(t *testing.T) {
	t.Parallel()
	v := Verdict{StringToSign: "POST:/a:b"}
	v.Explain(Diagnosis{Hint: "h", Signed: "POST:/b:b", SignedBody: "{}"})
	if v.Hint != "h" || v.Signed != "POST:/b:b" || v.SignedBody != "{}" || v.DiffersAt == nil || *v.DiffersAt != 6 {
		t.Errorf("%+v", v)
	}
	v = Verdict{StringToSign: "same"}
	if v.Explain(Diagnosis{Signed: "same"}); v.DiffersAt != nil {
		t.Errorf("differs at %d", *v.DiffersAt)
	}
	if v.Explain(Diagnosis{}); v.DiffersAt != nil { // the mistake was not found
		t.Errorf("differs at %d", *v.DiffersAt)
	}
}

// Bodies that something changed between signing and sending.
func TestChanged(t *testing.T) {
	t.Parallel()
	v, err := Parse([]byte(`{"a":1,"b":{"c":"","d":[1,2],"e":"7"},"f":null}`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	Changed(v, func(form []byte, words string) { got[string(form)] = words })
	for form, want := range map[string]string{
		`{"b":{"c":"","d":[1,2],"e":"7"},"f":null}`:         "the signed body lacks the member a: it was added after signing",
		`{"a":1,"f":null}`:                                  "the signed body lacks the member b: it was added after signing",
		`{"a":1,"b":{"c":"","e":"7"},"f":null}`:             "the signed body lacks the member b.d: it was added after signing",
		`{"a":1,"b":{"d":[1,2],"e":"7"}}`:                   "the signed body lacks the members that are null or empty: they were added after signing",
		`{"a":"1","b":{"c":"","d":[1,2],"e":"7"},"f":null}`: "the signed body has its numbers in quotes and the sent one has not",
		`{"a":1,"b":{"c":"","d":[1,2],"e":7},"f":null}`:     "the signed body has numbers without the quotes of the one that was sent",
	} {
		if got[form] != want {
			t.Errorf("%s: %q, want %q", form, got[form], want)
		}
	}
}
