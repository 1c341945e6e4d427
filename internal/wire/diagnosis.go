package wire

import (
	"maps"
	"slices"
	"strings"
)

// Clues are what a search for a mistake may go by besides the call itself. They
// show mix-ups that the call alone does not. The zero value is none.
type Clues struct {
	Others  []Other           // the other merchants known here
	Headers map[string]string // of the call
}

// Other is another merchant, whose credentials a caller may have mixed up with the
// right ones.
type Other struct {
	Name      string // as people know it
	ID        string // client id or user id
	Secret    string // secret key or password
	PublicKey string // PEM, of token calls
}

// Diagnosis is what a search found out about a signature that does not match.
type Diagnosis struct {
	// Hint says in words what the caller did wrong, or where to look when no usual
	// mistake explains the signature.
	Hint string
	// Mistakes are the ones found, one sentence without its full stop each.
	Mistakes []string
	// Signed is the string that the caller signed, known only when the mistake was
	// found. A secret inside it is replaced as in the verdict's string to sign.
	Signed string
	// SignedBody is the body that the caller signed, where that is another one than
	// it sent, and is known and short.
	SignedBody string
}

// maxSignedBody bounds what is kept of a body that was signed but not sent.
const maxSignedBody = 8 << 10

// Conclude puts into words what a search found. what names the signature, written
// holds mistakes in how it is written, and unexplained is what to say when nothing
// was found, as the rest of a sentence. Signed is left to the caller.
func Conclude(what string, written []string, found Choice, ok bool, unexplained string) Diagnosis {
	d := Diagnosis{Mistakes: written}
	if ok {
		d.Mistakes = append(d.Mistakes, found.words()...)
		if body := found.body(); len(body) <= maxSignedBody {
			d.SignedBody = body
		}
	}
	text := strings.Join(d.Mistakes, "; and ")
	switch {
	case !ok && text != "":
		d.Hint = upperFirst(text) + ". Written correctly it still does not match: " + unexplained
	case !ok:
		d.Hint = upperFirst(unexplained)
	case text == "":
		d.Hint = "The " + what + " is right; the call was refused for another reason."
	default:
		d.Hint = upperFirst(text) + "."
	}
	return d
}

// Obvious is a diagnosis that needed no search.
func Obvious(hint string) Diagnosis { return Diagnosis{Hint: hint} }

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Explain adds a diagnosis to the verdict.
func (v *Verdict) Explain(d Diagnosis) {
	v.Hint, v.Signed, v.SignedBody = d.Hint, d.Signed, d.SignedBody
	if at := Difference(v.StringToSign, d.Signed); d.Signed != "" && at >= 0 {
		v.DiffersAt = &at
	}
}

// Difference returns the place of the first byte in which a and b differ, and -1
// when they are the same. When one begins with the other it is the length of the
// shorter.
func Difference(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return min(len(a), len(b))
}

// AddOthers appends the secrets of other merchants.
func (l *Variants) AddOthers(name string, others []Other) {
	for _, o := range others {
		if o.Secret != "" {
			l.Add(o.Secret, name+" of another merchant was used, that of "+o.Name+" ("+o.ID+")")
		}
	}
}

// AddOtherIDs appends the ids of other merchants.
func (l *Variants) AddOtherIDs(name string, others []Other) {
	for _, o := range others {
		if o.ID != "" {
			l.Add(o.ID, name+" of another merchant was signed, that of "+o.Name+" ("+o.ID+")")
		}
	}
}

// maxHeaderClue bounds the header values that are tried.
const maxHeaderClue = 2 << 10

// AddHeaders appends the values of the call's other headers. part names what they
// would stand for.
func (l *Variants) AddHeaders(part string, headers map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if value := headers[name]; len(value) <= maxHeaderClue {
			l.Add(value, part+" in the string to sign is the value of the header "+name)
			if token, ok := strings.CutPrefix(value, "Bearer "); ok {
				l.Add(token, part+" in the string to sign is the token of the header "+name)
			}
		}
	}
}

// AddPadded appends value with blanks around it, as a caller's variable may hold
// it. A header loses them on the way.
func (l *Variants) AddPadded(part, value string) {
	l.AddAll(part+" was signed with blanks or a line break around it, which the header loses on the way",
		" "+value, value+" ", " "+value+" ", value+"\n", value+"\r\n", value+"\t")
}
