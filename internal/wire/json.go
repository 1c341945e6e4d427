package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// MaxBody is the largest request body a server reads, in bytes.
	MaxBody = 64 << 10
	// MaxDepth is the deepest nesting of arrays and objects that [Parse] accepts.
	MaxDepth = 16
)

// SyntaxError says in a sentence for people why a body was refused.
type SyntaxError struct {
	Reason string
}

func (e *SyntaxError) Error() string { return e.Reason }

// ErrEmpty reports a body without a document: no bytes, or white space only.
// It is a *SyntaxError too.
var ErrEmpty error = &SyntaxError{Reason: "the body is empty"}

// Kind is the JSON type of a [Value].
type Kind uint8

// Missing is the kind of the zero Value: there is no such member.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

func (k Kind) String() string {
	return [...]string{"missing", "null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is one value inside a parsed document. The zero Value stands for a
// member that is not there, and every method may be called on it.
//
// A Value refers to the bytes given to [Parse]; they must not change while it is in use.
type Value struct {
	doc  *document
	node int32
}

// Member is one member of an object.
type Member struct {
	Name  string
	Value Value
}

// document is a parsed body: its nodes in the order of their first byte, so that
// a container is directly followed by its content.
type document struct {
	body  []byte
	nodes []node
	small [24]node // first storage of nodes: one allocation for an ordinary request
}

type node struct {
	start, end         int32 // raw span in the body
	nameStart, nameEnd int32 // member name between its quotes; both 0 outside objects
	next               int32 // index of the first node behind this one and its content
	kind               Kind
	nameEscaped        bool
	escaped            bool // a string with a backslash in it
}

// Parse reads one JSON document and is stricter than encoding/json where two
// readers of the same bytes could otherwise understand different things: it
// refuses duplicate member names at any level, escapes that stand for half a
// surrogate pair, broken UTF-8, bytes behind the document and nesting deeper than
// [MaxDepth]. An empty body is [ErrEmpty]; every error is a [*SyntaxError].
func Parse(body []byte) (Value, error) {
	if len(body) > math.MaxInt32 {
		return Value{}, refuse("the body is too long")
	}
	if start, _ := skipSpace(body, 0); start == len(body) {
		return Value{}, ErrEmpty
	}
	if !utf8.Valid(body) {
		return Value{}, refuse("the body is not valid UTF-8")
	}
	if !json.Valid(body) {
		return Value{}, notJSON(body)
	}
	d := &document{body: body}
	d.nodes = d.small[:0]
	start, _ := skipSpace(body, 0)
	if _, err := d.walk(start, 0, node{}); err != nil {
		return Value{}, err
	}
	return Value{doc: d}, nil
}

func refuse(format string, args ...any) error {
	return &SyntaxError{Reason: fmt.Sprintf(format, args...)}
}

func notJSON(body []byte) error {
	var discard json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(body, &discard); errors.As(err, &syntax) {
		return refuse("the body is not valid JSON: %v at byte %d", syntax, syntax.Offset)
	}
	return refuse("the body is not valid JSON")
}

// skipSpace returns the index of the first byte at or behind i that is not white
// space, and that byte (0 at the end).
func skipSpace(body []byte, i int) (int, byte) {
	for ; i < len(body); i++ {
		if !isSpace(body[i]) {
			return i, body[i]
		}
	}
	return i, 0
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// walk records the value that starts at byte i as a copy of n (which carries the
// member name) and returns the index behind it. The grammar was checked before.
func (d *document) walk(i, depth int, n node) (int, error) {
	index := len(d.nodes)
	n.start = int32(i)
	d.nodes = append(d.nodes, n)

	var err error
	kind, escaped := Number, false
	switch d.body[i] {
	case '{', '[':
		if depth == MaxDepth {
			return 0, refuse("the body is nested deeper than %d levels", MaxDepth)
		}
		if d.body[i] == '{' {
			kind = Object
			i, err = d.walkObject(i+1, depth+1, index)
		} else {
			kind = Array
			i, err = d.walkArray(i+1, depth+1)
		}
	case '"':
		kind = String
		i, escaped, err = d.walkString(i)
	case 't', 'f':
		kind = Bool
		i = d.walkToken(i)
	case 'n':
		kind = Null
		i = d.walkToken(i)
	default:
		i = d.walkToken(i)
	}
	if err != nil {
		return 0, err
	}
	done := &d.nodes[index]
	done.kind, done.escaped, done.end, done.next = kind, escaped, int32(i), int32(len(d.nodes))
	return i, nil
}

func (d *document) walkObject(i, depth, index int) (int, error) {
	members := 0
	for {
		var c byte
		if i, c = skipSpace(d.body, i); c == ',' {
			i, c = skipSpace(d.body, i+1)
		}
		if c == '}' {
			break
		}
		end, escaped, err := d.walkString(i)
		if err != nil {
			return 0, err
		}
		name := node{nameStart: int32(i + 1), nameEnd: int32(end - 1), nameEscaped: escaped}
		i, _ = skipSpace(d.body, end)
		i, _ = skipSpace(d.body, i+1) // the colon
		if i, err = d.walk(i, depth, name); err != nil {
			return 0, err
		}
		members++
	}
	if name, twice := d.duplicate(index, members); twice {
		return 0, refuse("member %q appears twice", name)
	}
	return i + 1, nil
}

func (d *document) walkArray(i, depth int) (int, error) {
	for {
		var c byte
		if i, c = skipSpace(d.body, i); c == ',' {
			i, c = skipSpace(d.body, i+1)
		}
		if c == ']' {
			return i + 1, nil
		}
		var err error
		if i, err = d.walk(i, depth, node{}); err != nil {
			return 0, err
		}
	}
}

// walkString returns the index behind the string whose opening quote is at i.
func (d *document) walkString(i int) (end int, escaped bool, err error) {
	for i++; d.body[i] != '"'; i++ {
		if d.body[i] != '\\' {
			continue
		}
		escaped = true
		i++
		if d.body[i] != 'u' {
			continue
		}
		r := hex4(d.body[i+1:])
		i += 4
		if !utf16.IsSurrogate(r) {
			continue
		}
		if d.body[i+1] != '\\' || d.body[i+2] != 'u' || utf16.DecodeRune(r, hex4(d.body[i+3:])) == utf8.RuneError {
			return 0, false, refuse("the escape \\u%04x is half of a surrogate pair", r)
		}
		i += 6
	}
	return i + 1, escaped, nil
}

func (d *document) walkToken(i int) int {
	for ; i < len(d.body); i++ {
		switch c := d.body[i]; {
		case c == ',' || c == '}' || c == ']' || isSpace(c):
			return i
		}
	}
	return i
}

// duplicate finds a name that occurs twice among the members of the object at
// index. Names are compared decoded: "\u0061" and "a" are the same name.
func (d *document) duplicate(index, members int) (string, bool) {
	const few = 16 // comparing pairs is cheaper than a map up to here
	if members < 2 {
		return "", false
	}
	if members <= few {
		var seen [few]int32
		count := 0
		for i := int32(index) + 1; count < members; i = d.nodes[i].next {
			for _, j := range seen[:count] {
				if d.sameName(i, j) {
					return d.name(i), true
				}
			}
			seen[count] = i
			count++
		}
		return "", false
	}
	seen := make(map[string]bool, members)
	for i, count := int32(index)+1, 0; count < members; i, count = d.nodes[i].next, count+1 {
		name := d.name(i)
		if seen[name] {
			return name, true
		}
		seen[name] = true
	}
	return "", false
}

func (d *document) sameName(i, j int32) bool {
	if d.nodes[i].nameEscaped || d.nodes[j].nameEscaped {
		return d.name(i) == d.name(j)
	}
	return bytes.Equal(d.rawName(i), d.rawName(j))
}

func (d *document) rawName(i int32) []byte {
	return d.body[d.nodes[i].nameStart:d.nodes[i].nameEnd]
}

func (d *document) name(i int32) string {
	raw := d.rawName(i)
	if !d.nodes[i].nameEscaped {
		return string(raw)
	}
	return string(appendUnescaped(nil, raw))
}

func (v Value) at() node {
	if v.doc == nil {
		return node{}
	}
	return v.doc.nodes[v.node]
}

// Kind returns the JSON type, [Missing] for the zero Value.
func (v Value) Kind() Kind { return v.at().kind }

// Raw returns the received bytes of the value, white space inside it included.
// The caller must not change them.
func (v Value) Raw() []byte {
	if v.doc == nil {
		return nil
	}
	n := v.at()
	return v.doc.body[n.start:n.end:n.end]
}

// Get follows a path of member names with dots between them
// ("additionalInfo.channel") through objects. Names must match exactly, letter
// case included. What is not there is the zero Value.
func (v Value) Get(path string) Value {
	for v.Kind() == Object {
		name, rest, more := strings.Cut(path, ".")
		v = v.member(name)
		if !more {
			return v
		}
		path = rest
	}
	return Value{}
}

func (v Value) member(name string) Value {
	for i, end := v.node+1, v.at().next; i < end; i = v.doc.nodes[i].next {
		if v.doc.nodes[i].nameEscaped {
			if v.doc.name(i) == name {
				return Value{v.doc, i}
			}
		} else if string(v.doc.rawName(i)) == name {
			return Value{v.doc, i}
		}
	}
	return Value{}
}

// Absent tells whether the value says nothing: missing, null, "", {} or [].
// Client libraries send all of these for members that their caller left out.
func (v Value) Absent() bool {
	switch n := v.at(); n.kind {
	case Missing, Null:
		return true
	case String:
		return n.end-n.start == 2
	case Array, Object:
		return n.next == v.node+1
	default:
		return false
	}
}

// Text returns the decoded text of a string, and false for every other kind.
func (v Value) Text() (string, bool) {
	n := v.at()
	if n.kind != String {
		return "", false
	}
	raw := v.doc.body[n.start+1 : n.end-1]
	if !n.escaped {
		return string(raw), true
	}
	return string(appendUnescaped(nil, raw)), true
}

// Literal returns the text of a string or the token of a number as it was
// written, for members that arrive as either; "" for every other kind.
func (v Value) Literal() string {
	if v.Kind() == Number {
		return string(v.Raw())
	}
	text, _ := v.Text()
	return text
}

// Bool returns the value of true or false; ok is false for every other kind.
func (v Value) Bool() (value, ok bool) {
	if v.Kind() != Bool {
		return false, false
	}
	return v.doc.body[v.at().start] == 't', true
}

// Items returns the elements of an array, nil for every other kind.
func (v Value) Items() []Value {
	if v.Kind() != Array {
		return nil
	}
	var items []Value
	for _, item := range v.elements() {
		items = append(items, item)
	}
	return items
}

// elements counts through the elements of an array.
func (v Value) elements() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		n := 0
		for i, end := v.node+1, v.at().next; i < end && yield(n, Value{v.doc, i}); i = v.doc.nodes[i].next {
			n++
		}
	}
}

// Members returns the members of an object in their order, nil for every other kind.
func (v Value) Members() []Member {
	if v.Kind() != Object {
		return nil
	}
	var members []Member
	for i, end := v.node+1, v.at().next; i < end; i = v.doc.nodes[i].next {
		members = append(members, Member{Name: v.doc.name(i), Value: Value{v.doc, i}})
	}
	return members
}

// AppendCanonical appends the value as most JSON encoders would print it again
// after parsing: compact, members in their order, numbers as written, every
// character literal except the quote, the backslash and control characters. Three
// of the published client libraries sign this form while they send another one
// (docs/protocols/snap.md).
func (v Value) AppendCanonical(dst []byte) []byte {
	return appendCanonical(dst, v.Raw())
}

// appendCanonical recodes valid JSON text token by token, without a tree.
func appendCanonical(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case isSpace(c):
			i++
		case c == '"':
			end := stringEnd(src, i)
			dst = appendString(dst, src[i+1:end-1])
			i = end
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// stringEnd returns the index behind the string whose opening quote is at i.
func stringEnd(src []byte, i int) int {
	for i++; src[i] != '"'; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// appendString appends the text between the quotes of a JSON string in canonical form.
func appendString(dst, raw []byte) []byte {
	dst = append(dst, '"')
	for len(raw) > 0 {
		plain := bytes.IndexByte(raw, '\\')
		if plain < 0 {
			plain = len(raw)
		}
		dst = append(dst, raw[:plain]...)
		if raw = raw[plain:]; len(raw) == 0 {
			break
		}
		var r rune
		r, raw = unescape(raw)
		dst = appendEscaped(dst, r)
	}
	return append(dst, '"')
}

func appendEscaped(dst []byte, r rune) []byte {
	const hexDigits = "0123456789abcdef"
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if r < ' ' {
		return append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
	}
	return utf8.AppendRune(dst, r)
}

func appendUnescaped(dst, raw []byte) []byte {
	for len(raw) > 0 {
		if raw[0] != '\\' {
			dst, raw = append(dst, raw[0]), raw[1:]
			continue
		}
		var r rune
		r, raw = unescape(raw)
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// unescape decodes the escape at the start of raw and returns what follows it.
func unescape(raw []byte) (rune, []byte) {
	switch c := raw[1]; c {
	case 'b':
		return '\b', raw[2:]
	case 'f':
		return '\f', raw[2:]
	case 'n':
		return '\n', raw[2:]
	case 'r':
		return '\r', raw[2:]
	case 't':
		return '\t', raw[2:]
	case 'u':
		r := hex4(raw[2:])
		raw = raw[6:]
		if utf16.IsSurrogate(r) && len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(raw[2:])); pair != utf8.RuneError {
				return pair, raw[6:]
			}
		}
		return r, raw // AppendRune turns half a pair into U+FFFD
	default: // quote, backslash, slash
		return rune(c), raw[2:]
	}
}

// hex4 decodes four hexadecimal digits.
func hex4(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		r <<= 4
		switch {
		case c <= '9':
			r |= rune(c - '0')
		case c <= 'F':
			r |= rune(c - 'A' + 10)
		default:
			r |= rune(c - 'a' + 10)
		}
	}
	return r
}

// Strip removes white space outside strings, the "minify" of the SNAP signature.
// It needs no valid JSON and returns body itself when there is nothing to remove.
func Strip(body []byte) []byte {
	inString := false
	var out []byte
	kept := 0 // body[:kept] is in out, or nothing was removed yet
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			inString = !inString
		case inString:
			if c == '\\' {
				i++
			}
		case isSpace(c):
			if out == nil {
				out = make([]byte, 0, len(body))
			}
			out = append(out, body[kept:i]...)
			kept = i + 1
		}
	}
	if out == nil {
		return body
	}
	return append(out, body[kept:]...)
}

// Encode returns v as compact JSON in canonical form: literal '/', '<', '&' and
// non-ASCII text, no newline at the end. Receivers that check a signature over
// what they parsed and printed again get exactly the bytes that were sent;
// json.Marshal's HTML escaping would break two of the published libraries.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	out := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if bytes.IndexByte(out, '\\') < 0 {
		return out, nil
	}
	// The encoder still escapes U+2028 and U+2029, and copies a RawMessage's escapes.
	return appendCanonical(make([]byte, 0, len(out)), out), nil
}
