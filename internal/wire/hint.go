package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Variant is one value for a part of what is signed, and the mistake that leads to
// it in words; values that are accepted have none.
type Variant struct {
	Value string
	Words string
	Body  string // of which Value is the digest, where that is not the body that was sent
}

// Omitted is the value of a part that is left out together with its name or separator.
const Omitted = "\x00"

// Variants are the values that a search tries for one part. The first is the one
// that is expected.
type Variants []Variant

// Right begins a list with the right value.
func Right(value string) Variants { return Variants{{Value: value}} }

// Places makes a list of n variants that are known by their place, not by a value.
func Places(n int, words func(i int) string) Variants {
	list := make(Variants, n)
	for i := range list {
		list[i].Words = words(i)
	}
	return list
}

// Add appends a variant unless its value is there already.
func (l *Variants) Add(value, words string) {
	for _, have := range *l {
		if have.Value == value {
			return
		}
	}
	*l = append(*l, Variant{Value: value, Words: words})
}

// AddBody appends the digest of a body that is not the one that was sent.
func (l *Variants) AddBody(digest, words string, body []byte) {
	before := len(*l)
	if l.Add(digest, words); len(*l) > before {
		(*l)[before].Body = string(body)
	}
}

// AddAll appends values that come from the same mistake.
func (l *Variants) AddAll(words string, values ...string) {
	for _, value := range values {
		l.Add(value, words)
	}
}

// AddSlashes appends path with a slash too many or too few.
func (l *Variants) AddSlashes(path string) {
	l.Add(path+"/", "the path in the string to sign ends with a slash")
	l.Add(strings.TrimSuffix(path, "/"), "the path in the string to sign lacks its last slash")
	l.Add(strings.TrimPrefix(path, "/"), "the path in the string to sign lacks its first slash")
	l.Add("/"+path, "the path in the string to sign begins with two slashes")
}

// AddEnds appends the ends of path (a proxy may have put a prefix in front, or a
// client may have left one out), path in lower case, and no path at all.
func (l *Variants) AddEnds(path string) {
	for _, rest, more := strings.Cut(strings.TrimPrefix(path, "/"), "/"); more; _, rest, more = strings.Cut(rest, "/") {
		l.Add("/"+rest, "the string to sign has only the end of the path, /"+rest)
	}
	l.Add(strings.ToLower(path), "the path in the string to sign is in lower case")
	l.Add("", "the path in the string to sign is empty")
}

// AddInstant appends t in the given layouts, in UTC and in [WIB], and as a number.
func (l *Variants) AddInstant(t time.Time, layouts []string) {
	const form = "the timestamp in the string to sign is the same instant in another form than the header; sign the header's own text"
	for _, layout := range layouts {
		l.AddAll(form, t.UTC().Format(layout), t.In(WIB).Format(layout))
	}
	l.Add(fmt.Sprint(t.Unix()), "the timestamp in the string to sign is in Unix seconds")
	l.Add(fmt.Sprint(t.UnixMilli()), "the timestamp in the string to sign is in Unix milliseconds")
}

// Secrets lists a secret that stands in the provider's back office as SK-…, as
// clients use it by mistake. name is how the provider calls it, as in "the secret key".
func Secrets(name, secret string) Variants {
	list := Right(secret)
	bare := strings.TrimPrefix(secret, "SK-")
	list.AddDecoded(name, secret)
	list.Add(base64.StdEncoding.EncodeToString([]byte(secret)), name+" was base64-encoded before use; its text itself is the key")
	list.AddAll(name+" was used with blanks or a line break around it",
		secret+"\n", secret+"\r\n", " "+secret, secret+" ", " "+secret+" ", strings.TrimSpace(secret))
	list.AddAll(name+" was used with quotes around it", `"`+secret+`"`, `'`+secret+`'`)
	list.Add(bare, name+" was used without its prefix SK-")
	list.Add("", name+" was empty when the call was signed")
	return list
}

// AddDecoded appends the bytes that text stands for in base64 or hexadecimal.
func (l *Variants) AddDecoded(name, text string) {
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		l.Add(string(raw), name+" was base64-decoded before use; its text itself is the key")
	}
	if raw, err := hex.DecodeString(text); err == nil {
		l.Add(string(raw), name+" was hex-decoded before use; its text itself is the key")
	}
}

// EditedBodies calls add with bodies that differ from the one that was sent in its
// ends or line breaks, and with those that stand for none.
func EditedBodies(body []byte, add func(form []byte, words string)) {
	const breaks = "the signed body has other line breaks than the one that was sent"
	add(bytes.TrimSpace(body), "the signed body lacks the line break or blanks that were sent around it")
	add(bytes.TrimRight(body, "\r\n"), "the signed body lacks the line break that was sent at its end")
	add([]byte{}, "the digest is that of an empty body")
	add([]byte("{}"), "the digest is that of the body {}")
	add([]byte("null"), "the digest is that of the body null")
	add(bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n")), breaks)
	add(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), breaks)
	const mark = "\ufeff"
	add(append([]byte(mark), body...), "the signed body begins with a byte order mark that was not sent")
	add(bytes.TrimPrefix(body, []byte(mark)), "the signed body lacks the byte order mark that was sent")
	if narrow, ok := latin1(string(body)); ok {
		add([]byte(narrow), "the signed body was encoded as ISO 8859-1, it must be UTF-8 as it is sent")
	}
	if wide := wideUTF8(body); !bytes.Equal(wide, body) {
		add(wide, "the signed body was encoded as UTF-8 twice")
	}
	if decoded, err := url.QueryUnescape(string(body)); err == nil {
		add([]byte(decoded), "the signed body was URL-decoded")
	}
}

// latin1 encodes text in ISO 8859-1, if that has all of its letters.
func latin1(text string) (string, bool) {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return "", false
		}
		out = append(out, byte(r))
	}
	return string(out), true
}

// wideUTF8 reads bytes as ISO 8859-1 and encodes them as UTF-8.
func wideUTF8(body []byte) []byte {
	var out []byte
	for _, b := range body {
		out = utf8.AppendRune(out, rune(b))
	}
	return out
}

// Changed calls add with bodies that a serializer, or something between the caller
// and here, may have turned into v.
func Changed(v Value, add func(form []byte, words string)) {
	for _, path := range memberPaths(nil, v, "") {
		add(appendWithout(nil, v, "", func(p string, _ Value) bool { return p == path }), "the signed body lacks the member "+path+": it was added after signing")
	}
	add(appendWithout(nil, v, "", func(_ string, v Value) bool { return v.Absent() }), "the signed body lacks the members that are null or empty: they were added after signing")
	canonical := v.AppendCanonical(nil)
	add(bareNumber.ReplaceAll(canonical, []byte(`:"$1"$2`)), "the signed body has its numbers in quotes and the sent one has not")
	add(quotedNumber.ReplaceAll(canonical, []byte(`:$1$2`)), "the signed body has numbers without the quotes of the one that was sent")
}

var (
	bareNumber   = regexp.MustCompile(`:(-?[0-9][0-9.]*)([,}])`)
	quotedNumber = regexp.MustCompile(`:"(-?[1-9][0-9.]*|0)"([,}])`)
)

// maxPaths bounds the members that Changed leaves out one by one.
const maxPaths = 64

func memberPaths(list []string, v Value, prefix string) []string {
	for _, m := range v.Members() {
		if len(list) == maxPaths {
			break
		}
		list = memberPaths(append(list, prefix+m.Name), m.Value, prefix+m.Name+".")
	}
	return list
}

// appendWithout prints v like [Value.AppendCanonical], without members that skip
// tells by their path and value.
func appendWithout(dst []byte, v Value, prefix string, skip func(path string, v Value) bool) []byte {
	if v.Kind() != Object {
		return v.AppendCanonical(dst)
	}
	dst = append(dst, '{')
	more := false
	for _, m := range v.Members() {
		if skip(prefix+m.Name, m.Value) {
			continue
		}
		if more {
			dst = append(dst, ',')
		}
		more = true
		name, _ := Encode(m.Name) // a string
		dst = appendWithout(append(append(dst, name...), ':'), m.Value, prefix+m.Name+".", skip)
	}
	return append(dst, '}')
}

// Reprinted is a body as other encoders and habits would print it.
type Reprinted struct {
	Canonical    []byte
	Slashes      []byte // \/ for a slash
	ASCII        []byte // \u escapes for all but ASCII
	ASCIISlashes []byte
	HTML         []byte   // \u escapes for <, > and &
	Spaced       []byte   // blanks behind colons and commas
	Indented     [][]byte // several lines
	Sorted       []byte   // members in the order of their names
	Twice        []byte   // the text of the body, encoded as a string
}

// Reprint prints v in all ways.
func Reprint(v Value) Reprinted {
	canonical := v.AppendCanonical(nil)
	slashes := bytes.ReplaceAll(canonical, []byte("/"), []byte(`\/`))
	r := Reprinted{
		Canonical: canonical, Slashes: slashes, ASCII: asciiOnly(canonical), ASCIISlashes: asciiOnly(slashes),
		Spaced: spaced(canonical), Sorted: sorted(canonical),
	}
	var html bytes.Buffer
	json.HTMLEscape(&html, canonical)
	r.HTML = html.Bytes()
	for _, indent := range []string{"  ", "    ", "\t"} {
		var pretty bytes.Buffer
		if json.Indent(&pretty, canonical, "", indent) == nil {
			r.Indented = append(r.Indented, pretty.Bytes())
		}
	}
	r.Twice = canonical
	if quoted, err := Encode(string(canonical)); err == nil {
		r.Twice = quoted
	}
	return r
}

func asciiOnly(text []byte) []byte {
	var out []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out
}

func spaced(compact []byte) []byte {
	var out []byte
	inString := false
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		out = append(out, c)
		switch {
		case inString && c == '\\':
			i++
			out = append(out, compact[i])
		case c == '"':
			inString = !inString
		case !inString && (c == ':' || c == ','):
			out = append(out, ' ')
		}
	}
	return out
}

// sorted returns compact itself where it cannot be sorted.
func sorted(compact []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(compact))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return compact
	}
	out, err := Encode(v)
	if err != nil {
		return compact
	}
	return out
}

// Search looks for a combination of variants, one per axis, that matches.
type Search struct {
	Axes  []Variants
	Match func(Choice) bool
}

// Choice is one combination of variants.
type Choice struct {
	axes  []Variants
	index []int
}

// Index returns the place of the variant that is chosen on an axis.
func (c Choice) Index(axis int) int { return c.index[axis] }

// Value returns the value that is chosen on an axis.
func (c Choice) Value(axis int) string { return c.axes[axis][c.index[axis]].Value }

func (c Choice) words() []string {
	var words []string
	for axis, i := range c.index {
		if w := c.axes[axis][i].Words; w != "" {
			words = append(words, w)
		}
	}
	return words
}

// body is the body that was signed, or "" when it is the one that was sent.
func (c Choice) body() string {
	for axis, i := range c.index {
		if body := c.axes[axis][i].Body; body != "" {
			return body
		}
	}
	return ""
}

// Run returns the combination that matches, the one with the fewest mistakes and
// at most two beside those of the first variants, and whether there is one.
func (s *Search) Run() (found Choice, ok bool) {
	choice := Choice{s.Axes, make([]int, len(s.Axes))}
	if s.Match(choice) {
		return choice, true
	}
	for a := range s.Axes {
		if s.singles(choice, a, s.Match) {
			return choice, true
		}
	}
	for a := range s.Axes {
		for b := a + 1; b < len(s.Axes); b++ {
			if s.singles(choice, a, func(c Choice) bool { return s.singles(c, b, s.Match) }) {
				return choice, true
			}
		}
	}
	return Choice{}, false
}

// singles tries the mistakes of one axis and leaves the one that matches in place.
func (s *Search) singles(choice Choice, axis int, match func(Choice) bool) bool {
	at := &choice.index[axis]
	for *at = 1; *at < len(s.Axes[axis]); *at++ {
		if match(choice) {
			return true
		}
	}
	*at = 0
	return false
}
