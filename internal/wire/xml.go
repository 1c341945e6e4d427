package wire

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

// ParseXML reads one XML document and returns the [Value] that [Parse] returns
// for the JSON object with the same content, so that whatever reads the one reads
// the other: an element with child elements is an object, every other element a
// string. Raw returns that JSON text. The elements named in lists may repeat, next
// to each other, and are an array even when there is one of them.
//
// It reads a subset of XML that has exactly one meaning. It refuses what it must
// (broken tags, characters outside XML 1.0, a second root), what leads out of the
// document (DOCTYPE, processing instructions, entities other than the five
// predefined and character references), what could make two readers disagree
// (duplicate elements, comments, text beside elements or beside CDATA, attributes,
// namespaces, element names outside ASCII, encodings other than UTF-8), and, like
// Parse, nesting deeper than [MaxDepth]. It also refuses what is longer than
// [MaxBody] before looking at it.
//
// An empty body is [ErrEmpty]; every error is a [*SyntaxError].
func ParseXML(body []byte, root string, lists ...string) (Value, error) {
	if len(body) > MaxBody {
		return Value{}, refuse("the body is longer than %d bytes", MaxBody)
	}
	if start, _ := skipSpace(body, 0); start == len(body) {
		return Value{}, ErrEmpty
	}
	if !utf8.Valid(body) {
		return Value{}, refuse("the body is not valid UTF-8")
	}
	x := xmlReader{in: body, lists: lists, out: &document{body: make([]byte, 0, len(body))}}
	x.out.nodes = x.out.small[:0]
	if err := x.document(root); err != nil {
		return Value{}, err
	}
	return Value{doc: x.out}, nil
}

type xmlReader struct {
	in    []byte
	i     int
	lists []string
	out   *document // its body is the JSON text written so far
}

func (x *xmlReader) document(root string) error {
	if err := x.declaration(); err != nil {
		return err
	}
	x.space()
	name, empty, err := x.startTag()
	if err != nil {
		return err
	}
	if string(name) != root {
		return refuse("the root element is %q, it must be %q", name, root)
	}
	if err := x.value(name, empty, node{}, 1); err != nil {
		return err
	}
	x.space()
	if err := x.forbidden(); err != nil {
		return err
	}
	if x.i < len(x.in) {
		return refuse("there is something behind the root element at byte %d", x.i)
	}
	return nil
}

// declaration reads the XML declaration, which is optional but can only be first.
func (x *xmlReader) declaration() error {
	const begin, end = "<?xml", "?>"
	if len(x.in) <= len(begin) || string(x.in[:len(begin)]) != begin || !isSpace(x.in[len(begin)]) {
		return nil
	}
	length := bytes.Index(x.in, []byte(end))
	if length < 0 {
		return refuse("the XML declaration is not closed")
	}
	rest := x.in[len(begin):length]
	x.i = length + len(end)

	version, rest := pseudoAttribute(rest, "version")
	encoding, rest := pseudoAttribute(rest, "encoding")
	standalone, rest := pseudoAttribute(rest, "standalone")
	switch at, _ := skipSpace(rest, 0); {
	case at != len(rest) || version == "" || (standalone != "" && standalone != "yes" && standalone != "no"):
		return refuse("the XML declaration is malformed")
	case version != "1.0":
		return refuse("the XML version is %q, it must be 1.0", version)
	case encoding != "" && !bytes.EqualFold([]byte(encoding), []byte("UTF-8")):
		return refuse("the XML declaration names the encoding %q, it must be UTF-8", encoding)
	}
	return nil
}

// pseudoAttribute reads ` name="value"` at the start of text. Where there is no
// such thing, it returns text whole.
func pseudoAttribute(text []byte, name string) (value string, rest []byte) {
	i, _ := skipSpace(text, 0)
	if i == 0 || !bytes.HasPrefix(text[i:], []byte(name)) {
		return "", text
	}
	i, c := skipSpace(text, i+len(name))
	if c != '=' {
		return "", text
	}
	i, quote := skipSpace(text, i+1)
	if quote != '"' && quote != '\'' {
		return "", text
	}
	length := bytes.IndexByte(text[i+1:], quote)
	if length < 1 {
		return "", text
	}
	return string(text[i+1 : i+1+length]), text[i+length+2:]
}

func (x *xmlReader) space() (moved bool) {
	from := x.i
	x.i, _ = skipSpace(x.in, x.i)
	return x.i > from
}

func (x *xmlReader) at(text string) bool {
	return len(x.in)-x.i >= len(text) && string(x.in[x.i:x.i+len(text)]) == text
}

func (x *xmlReader) take(text string) bool {
	if !x.at(text) {
		return false
	}
	x.i += len(text)
	return true
}

const cdata = "<![CDATA["

// forbidden refuses markup that is not allowed anywhere.
func (x *xmlReader) forbidden() error {
	switch {
	case x.at("<!--"):
		return refuse("comments are not accepted")
	case x.at("<?"):
		return refuse("processing instructions are not accepted, and an XML declaration only as the very first bytes")
	case x.at("<!") && !x.at(cdata):
		return refuse("DOCTYPE and other declarations are not accepted")
	}
	return nil
}

// startTag reads "<name>" or, with empty set, "<name/>".
func (x *xmlReader) startTag() (name []byte, empty bool, err error) {
	if err := x.forbidden(); err != nil {
		return nil, false, err
	}
	if !x.take("<") {
		return nil, false, refuse("an element must begin at byte %d", x.i)
	}
	name, err = x.name()
	if err != nil {
		return nil, false, err
	}
	spaced := x.space()
	switch {
	case x.take(">"):
		return name, false, nil
	case x.take("/>"):
		return name, true, nil
	case spaced && x.i < len(x.in) && isNameByte(x.in[x.i]):
		return nil, false, refuse("the element %q has an attribute; attributes are not accepted", name)
	}
	return nil, false, refuse("the tag of %q is malformed at byte %d", name, x.i)
}

func (x *xmlReader) endTag(name []byte) error {
	if !x.take("</") {
		if x.i == len(x.in) {
			return refuse("the element %q is not closed", name)
		}
		return refuse("the element %q must end at byte %d", name, x.i)
	}
	end, err := x.name()
	if err != nil {
		return err
	}
	x.space()
	if !bytes.Equal(end, name) {
		return refuse("the element %q is closed as %q", name, end)
	}
	if !x.take(">") {
		return refuse("the end tag of %q is malformed at byte %d", name, x.i)
	}
	return nil
}

func (x *xmlReader) name() ([]byte, error) {
	start := x.i
	for x.i < len(x.in) && isNameByte(x.in[x.i]) {
		x.i++
	}
	switch name := x.in[start:x.i]; {
	case x.i < len(x.in) && x.in[x.i] == ':':
		return nil, refuse("name space prefixes are not accepted (byte %d)", x.i)
	case x.i < len(x.in) && x.in[x.i] >= utf8.RuneSelf:
		return nil, refuse("element names outside ASCII are not accepted (byte %d)", x.i)
	case len(name) == 0 || !isNameStart(name[0]):
		return nil, refuse("an element name must begin at byte %d", start)
	default:
		return name, nil
	}
}

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

func isNameByte(c byte) bool {
	return isNameStart(c) || '0' <= c && c <= '9' || c == '-' || c == '.'
}

// value reads what follows the start tag of name, up to and with its end tag, and
// writes it as a JSON value with the node n (which carries the member name). level
// is the depth that the value has if it turns out to be an object; the root, at
// level 1, is one in any case.
func (x *xmlReader) value(name []byte, empty bool, n node, level int) error {
	index, d := len(x.out.nodes), x.out
	n.start = int32(len(d.body))
	d.nodes = append(d.nodes, n)

	kind, escaped := String, false
	content := x.i
	if length := bytes.IndexByte(x.in[content:], '<'); length >= 0 {
		x.i += length
	} else if !empty {
		return refuse("the element %q is not closed", name)
	}
	var err error
	if !empty {
		if err := x.forbidden(); err != nil {
			return err
		}
	}
	switch {
	case empty:
		x.i = content
		if level == 1 {
			kind, d.body = Object, append(d.body, "{}"...)
		} else {
			d.body = append(d.body, `""`...)
		}
	case level == 1 || !x.at("</") && !x.at(cdata):
		kind, x.i = Object, content
		err = x.children(name, index, level)
	case x.at("</"):
		escaped, err = x.text(x.in[content:x.i], false)
	case x.i > content:
		err = refuse("the element %q has text beside CDATA; a CDATA section must be the whole value", name)
	default:
		escaped, err = x.section(name)
	}
	if err == nil && !empty {
		err = x.endTag(name)
	}
	if err != nil {
		return err
	}
	done := &d.nodes[index]
	done.kind, done.escaped, done.end, done.next = kind, escaped, int32(len(d.body)), int32(len(d.nodes))
	return nil
}

// section reads a CDATA section and requires that the value ends with it.
func (x *xmlReader) section(name []byte) (escaped bool, err error) {
	const end = "]]>"
	x.i += len(cdata)
	length := bytes.Index(x.in[x.i:], []byte(end))
	if length < 0 {
		return false, refuse("the CDATA section of %q is not closed", name)
	}
	raw := x.in[x.i : x.i+length]
	x.i += length + len(end)
	if !x.at("</") {
		return false, refuse("the element %q has text beside CDATA; a CDATA section must be the whole value", name)
	}
	return x.text(raw, true)
}

// children reads the child elements of name as the members of an object.
func (x *xmlReader) children(name []byte, index, level int) error {
	if level > MaxDepth {
		return refuse("the body is nested deeper than %d levels", MaxDepth)
	}
	d := x.out
	d.body = append(d.body, '{')
	members, list := 0, -1 // list is the array that the next element may continue
	for {
		x.space()
		if x.i == len(x.in) || x.at("</") {
			break
		}
		if x.in[x.i] != '<' || x.at(cdata) {
			return refuse("the element %q has text beside elements at byte %d", name, x.i)
		}
		child, empty, err := x.startTag()
		if err != nil {
			return err
		}
		if list >= 0 && bytes.Equal(d.rawName(int32(list)), child) {
			d.body[len(d.body)-1] = ','
			if err := x.item(child, empty, list, level+2); err != nil {
				return err
			}
			continue
		}
		if members++; members > 1 {
			d.body = append(d.body, ',')
		}
		d.body = append(d.body, '"')
		n := node{nameStart: int32(len(d.body)), nameEnd: int32(len(d.body) + len(child))}
		d.body = append(append(d.body, child...), '"', ':')
		if !slices.Contains(x.lists, string(child)) {
			list = -1
			if err := x.value(child, empty, n, level+1); err != nil {
				return err
			}
			continue
		}
		if level == MaxDepth {
			return refuse("the body is nested deeper than %d levels", MaxDepth)
		}
		list = len(d.nodes)
		n.start, n.kind = int32(len(d.body)), Array
		d.nodes = append(d.nodes, n)
		d.body = append(d.body, '[')
		if err := x.item(child, empty, list, level+2); err != nil {
			return err
		}
	}
	d.body = append(d.body, '}')
	if twice, ok := d.duplicate(index, members); ok {
		return refuse("the element %q appears twice", twice)
	}
	return nil
}

// item reads one more element of the array at node list.
func (x *xmlReader) item(name []byte, empty bool, list, level int) error {
	if err := x.value(name, empty, node{}, level); err != nil {
		return err
	}
	x.out.body = append(x.out.body, ']')
	x.out.nodes[list].end, x.out.nodes[list].next = int32(len(x.out.body)), int32(len(x.out.nodes))
	return nil
}

// text writes character data as a JSON string. References mean nothing in a
// literal text, that of a CDATA section. A line end is one \n, as XML has it.
func (x *xmlReader) text(raw []byte, literal bool) (escaped bool, err error) {
	out := append(x.out.body, '"')
	for len(raw) > 0 {
		r, size := rune(raw[0]), 1
		switch {
		case r == '&' && !literal:
			if r, size, err = reference(raw); err != nil {
				return false, err
			}
		case r == '\r':
			r = '\n'
			if len(raw) > 1 && raw[1] == '\n' {
				size = 2
			}
		case r == ']' && bytes.HasPrefix(raw, []byte("]]>")):
			return false, refuse("]]> stands outside a CDATA section")
		case r >= utf8.RuneSelf:
			r, size = utf8.DecodeRune(raw)
		}
		if !isXMLChar(r) {
			return false, refuse("the character U+%04X is not allowed in XML", r)
		}
		before := len(out)
		out = appendEscaped(out, r)
		escaped = escaped || out[before] == '\\'
		raw = raw[size:]
	}
	x.out.body = append(out, '"')
	return escaped, nil
}

// isXMLChar tells whether XML 1.0 can carry r at all.
func isXMLChar(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r >= 0xd800 && r < 0xe000, r == 0xfffe, r == 0xffff:
		return false
	}
	return r <= utf8.MaxRune
}

// reference decodes the entity or character reference at the start of raw and
// returns its length.
func reference(raw []byte) (r rune, size int, err error) {
	const longest = len("&#x0010FFFF;")
	end := bytes.IndexByte(raw[:min(len(raw), longest)], ';')
	if end < 0 {
		return 0, 0, refuse("an & begins no reference that is known; a plain one is written &amp;")
	}
	name := string(raw[1:end])
	switch name {
	case "lt":
		return '<', end + 1, nil
	case "gt":
		return '>', end + 1, nil
	case "amp":
		return '&', end + 1, nil
	case "apos":
		return '\'', end + 1, nil
	case "quot":
		return '"', end + 1, nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, 0, refuse("the entity %q is not one of the five predefined", name)
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	code, err := strconv.ParseUint(digits, base, 31)
	if err != nil || !isXMLChar(rune(code)) {
		return 0, 0, refuse("the character reference %q stands for no character of XML", name)
	}
	return rune(code), end + 1, nil
}

const xmlDeclaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// EncodeXML returns v as an XML document: what [Encode] prints as an object's
// members, it prints as the child elements of root, in the same order and
// compactly. An array is its element repeated, null an empty element. Everything
// it returns is accepted by [ParseXML]. A name or character that XML does not have
// is an error, and so is an array inside an array.
func EncodeXML(root string, v any) ([]byte, error) {
	text, err := Encode(v)
	if err != nil {
		return nil, err
	}
	value, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if value.Kind() != Object {
		return nil, refuse("the root of an XML document must be an object, not %v", value.Kind())
	}
	return value.appendXML(append(make([]byte, 0, 2*len(text)), xmlDeclaration...), root)
}

func (v Value) appendXML(dst []byte, name string) (_ []byte, err error) {
	if kind := v.Kind(); kind == Array {
		for _, item := range v.Items() {
			if item.Kind() == Array {
				return nil, refuse("XML has no array inside an array (%q)", name)
			}
			if dst, err = item.appendXML(dst, name); err != nil {
				return nil, err
			}
		}
		return dst, nil
	}
	if !isXMLName(name) {
		return nil, refuse("%q is no name of an XML element", name)
	}
	dst = append(append(dst, '<'), name...)
	if v.Kind() == Object && v.Absent() {
		return append(dst, '/', '>'), nil
	}
	dst = append(dst, '>')
	switch v.Kind() {
	case Object:
		for i, end := v.node+1, v.at().next; i < end; i = v.doc.nodes[i].next {
			if dst, err = (Value{v.doc, i}).appendXML(dst, v.doc.name(i)); err != nil {
				return nil, err
			}
		}
	case String:
		text, _ := v.Text()
		if dst, err = appendXMLText(dst, text); err != nil {
			return nil, err
		}
	case Number, Bool:
		dst = append(dst, v.Raw()...)
	}
	return append(append(append(dst, '<', '/'), name...), '>'), nil
}

func isXMLName(name string) bool {
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return false
		}
	}
	return name != "" && isNameStart(name[0])
}

func appendXMLText(dst []byte, text string) ([]byte, error) {
	for _, r := range text {
		switch {
		case !isXMLChar(r):
			return nil, refuse("the character U+%04X is not allowed in XML", r)
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '\r': // a literal one would be read as \n
			dst = append(dst, "&#13;"...)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, nil
}
