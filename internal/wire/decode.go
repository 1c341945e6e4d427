package wire

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FieldError reports the member for which a request is refused.
type FieldError struct {
	Field   string // as in "additionalInfo.channel" or "payOptionDetails[0].payMethod"
	Missing bool   // mandatory, but missing or empty
	Range   bool   // well written, but not a value that is allowed
	Reason  string // for people; it reads on from the member's name
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

// Decoder reads the members of one object and remembers the first problem of each
// kind, so that the order of reading does not decide which kind is reported:
// members that are missing come before malformed ones, and values out of range
// come last. The methods that read return "" for a member with a problem, as for
// an optional one that is absent.
type Decoder struct {
	Root      Value
	missing   string
	malformed problem
	tooFar    problem
}

type problem struct{ field, reason string }

// NewDecoder reads v. A value that is there, but is no object, is the one problem
// that will be reported.
func NewDecoder(v Value) *Decoder {
	if v.Kind() != Object && v.Kind() != Missing {
		return &Decoder{malformed: problem{"body", "must be an object"}}
	}
	return &Decoder{Root: v}
}

// Problem returns the problem that is reported, nil when there is none.
func (d *Decoder) Problem() *FieldError {
	noObject := d.Root.Kind() == Missing && d.malformed.field != ""
	switch {
	case d.missing != "" && !noObject:
		return &FieldError{Field: d.missing, Missing: true, Reason: "is missing or empty"}
	case d.malformed.field != "":
		return &FieldError{Field: d.malformed.field, Reason: d.malformed.reason}
	case d.tooFar.field != "":
		return &FieldError{Field: d.tooFar.field, Range: true, Reason: d.tooFar.reason}
	}
	return nil
}

// Result returns r, or the zero value and the [*FieldError] that is reported.
func Result[T any](d *Decoder, r T) (T, error) {
	if err := d.Problem(); err != nil {
		var zero T
		return zero, err
	}
	return r, nil
}

// SetMissing notes that a mandatory member is not there.
func (d *Decoder) SetMissing(path string) {
	if d.missing == "" {
		d.missing = path
	}
}

// SetMalformed notes that a member cannot be read.
func (d *Decoder) SetMalformed(path, reason string) {
	if d.malformed.field == "" {
		d.malformed = problem{path, reason}
	}
}

// SetRange notes that a member is well written, but not a value that is allowed.
func (d *Decoder) SetRange(path, reason string) {
	if d.tooFar.field == "" {
		d.tooFar = problem{path, reason}
	}
}

// Get returns the member at path, and false when there is nothing to read. A
// container that is no object is malformed, and what should be in it not missing.
func (d *Decoder) Get(path string, mandatory bool) (Value, bool) {
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if outer := d.Root.Get(path[:i]); !outer.Absent() && outer.Kind() != Object {
			d.SetMalformed(path[:i], "must be an object")
			return Value{}, false
		}
	}
	v := d.Root.Get(path)
	if v.Absent() {
		if mandatory {
			d.SetMissing(path)
		}
		return Value{}, false
	}
	return v, true
}

// String reads a string of up to limit characters, whatever they are.
func (d *Decoder) String(path string, mandatory bool, limit int) string {
	v, ok := d.Get(path, mandatory)
	if !ok {
		return ""
	}
	text, ok := v.Text()
	switch {
	case !ok:
		d.SetMalformed(path, "must be a string")
		return ""
	case !d.Fits(path, text, limit):
		return ""
	}
	return text
}

// Fits tells whether text, which was read at path, has up to limit characters.
func (d *Decoder) Fits(path, text string, limit int) bool {
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		d.SetMalformed(path, fmt.Sprintf("must have at most %d characters", limit))
		return false
	}
	return true
}

// Word reads a string of one line: it has no control characters.
func (d *Decoder) Word(path string, mandatory bool, limit int) string {
	text := d.String(path, mandatory, limit)
	if strings.ContainsFunc(text, unicode.IsControl) {
		d.SetMalformed(path, "must not contain control characters")
		return ""
	}
	return text
}

// OneOf returns the allowed value that text, which was read at path, is in any
// letter case. Of an empty text nothing is demanded.
func (d *Decoder) OneOf(path, text string, allowed ...string) string {
	if text == "" {
		return ""
	}
	for _, value := range allowed {
		if strings.EqualFold(text, value) {
			return value
		}
	}
	d.SetMalformed(path, "must be "+strings.Join(allowed, " or "))
	return ""
}

// URL reads the absolute address of a web page.
func (d *Decoder) URL(path string, mandatory bool, limit int) string {
	text := d.Word(path, mandatory, limit)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || len(text) > limit {
		d.SetMalformed(path, fmt.Sprintf("must be an http or https address with a host, without a user name, of at most %d characters", limit))
		return ""
	}
	return text
}

// Items reads an optional array of objects: it calls read for each of them with a
// decoder that is valid until read returns, and takes over the problems found.
func (d *Decoder) Items(path string, read func(item *Decoder)) {
	v, ok := d.Get(path, false)
	if !ok {
		return
	}
	if v.Kind() != Array {
		d.SetMalformed(path, "must be an array")
		return
	}
	var item Decoder
	for i, value := range v.elements() {
		if value.Kind() != Object {
			d.SetMalformed(fmt.Sprintf("%s[%d]", path, i), "must be an object")
			continue
		}
		item = Decoder{Root: value}
		read(&item)
		d.adopt(path, i, &item)
	}
}

// adopt takes over the problems of item i of the array at path.
func (d *Decoder) adopt(path string, i int, item *Decoder) {
	name := func(field string) string { return fmt.Sprintf("%s[%d].%s", path, i, field) }
	if item.missing != "" {
		d.SetMissing(name(item.missing))
	}
	if item.malformed.field != "" {
		d.SetMalformed(name(item.malformed.field), item.malformed.reason)
	}
	if item.tooFar.field != "" {
		d.SetRange(name(item.tooFar.field), item.tooFar.reason)
	}
}
