package snap

import (
	"bytes"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Explain searches the mistake behind a signature that [VerifySymmetric] refused
// and says it in words, for Verdict.Hint. It tries what goes wrong in practice,
// one mistake at a time and then two at once, and costs some thousand HMACs: it is
// for the sandbox and for a merchant's own terminal only.
func Explain(secret, method, target, token string, body []byte, timestamp, signature string) string {
	if hint := obvious(secret, signature); hint != "" {
		return hint
	}
	s := search{axes: [axes][]variant{
		axisSecret:    secrets(secret),
		axisMethod:    methods(method),
		axisTarget:    targets(target),
		axisToken:     tokens(token),
		axisDigest:    digests(body),
		axisTimestamp: timestamps(timestamp),
	}}
	if s.caseChanged(signature) {
		return "The letter case of the signature was changed on the way; base64 is case-sensitive."
	}
	received, form := readSignature(signature)
	if received == nil {
		return "The X-SIGNATURE header is not the base64 of 64 bytes (88 characters)."
	}
	s.received = received
	s.axes[axisAlgorithm] = algorithms(len(received))
	words, ok := s.run()
	if form != "" {
		words = append([]string{form}, words...)
	}
	switch {
	case !ok && form != "":
		return upperFirst(form) + ". Written correctly it still does not match: " + unexplained
	case !ok:
		return upperFirst(unexplained)
	case len(words) == 0:
		return "The signature is right; the call was refused for another reason."
	}
	return upperFirst(strings.Join(words, "; and ")) + "."
}

const unexplained = "no usual mistake leads to this signature. Compare the string to sign with yours byte by byte; " +
	"if it is the same, the client secret differs, and if the digest differs, the body was changed after it was signed."

// obvious judges what can be seen without computing anything.
func obvious(secret, signature string) string {
	trimmed := strings.TrimSpace(signature)
	raw, err := decodeBase64(trimmed)
	switch {
	case trimmed == "":
		return "The X-SIGNATURE header is empty."
	case secret == "":
		return "The merchant has no client secret, so no signature can match."
	case err == nil && len(raw) >= minKeyBits/8:
		return fmt.Sprintf("This is an RSA signature (%d bytes), as for the token APIs; transactions are signed with HMAC-SHA512 and the client secret.", len(raw))
	}
	return ""
}

// readSignature decodes a signature in one of the forms that clients use by
// mistake, and names the mistake. Right or unreadable ones have no name.
func readSignature(signature string) (raw []byte, mistake string) {
	text := strings.TrimSpace(signature)
	if raw, err := decodeBase64(text); err == nil && (hmacSized(raw) || len(raw) == sha256.Size) {
		return raw, ""
	}
	if raw, err := hex.DecodeString(text); err == nil && (hmacSized(raw) || len(raw) == sha256.Size) {
		return raw, "the signature is written in hexadecimal, it must be base64"
	}
	if name, rest, ok := strings.Cut(text, "="); ok && rest != "" && strings.HasPrefix(strings.ToUpper(name), "HMACSHA") {
		if raw, err := decodeBase64(rest); err == nil {
			return raw, "the signature has the prefix \"" + name + "=\", which belongs to the non-SNAP APIs"
		}
	}
	if raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "=")); err == nil && hmacSized(raw) {
		return raw, "the signature's base64 lacks its padding (==)"
	}
	if raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "=")); err == nil && hmacSized(raw) {
		return raw, "the signature uses the URL alphabet of base64 (- and _), it must use + and /"
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		if inner, err := hex.DecodeString(string(raw)); err == nil && hmacSized(inner) {
			return inner, "the signature is base64 of the hexadecimal text, it must be base64 of the 64 bytes"
		}
	}
	if unquoted := strings.Trim(text, `"'`); unquoted != text {
		if raw, err := decodeBase64(unquoted); err == nil && hmacSized(raw) {
			return raw, "the signature stands in quotes"
		}
	}
	return nil, ""
}

func hmacSized(raw []byte) bool { return len(raw) == sha512.Size }

// variant is one value for a part of the string to sign, and the mistake that
// leads to it; values that [VerifySymmetric] accepts have no words.
type variant struct {
	value string
	words string
}

// omitted stands for a part that is left out together with its colon.
const omitted = "\x00"

// The axes of a search. Those from the method to the timestamp are the parts of
// the string to sign, in its order.
const (
	axisAlgorithm = iota
	axisSecret
	axisMethod
	axisTarget
	axisToken
	axisDigest
	axisTimestamp
	axes
)

type search struct {
	received []byte
	axes     [axes][]variant
}

// run returns the fewest mistakes that lead to the signature, and whether any do.
func (s *search) run() (words []string, ok bool) {
	var choice [axes]int
	if s.try(choice) {
		return s.words(choice), true
	}
	for a := range s.axes {
		for i := 1; i < len(s.axes[a]); i++ {
			choice[a] = i
			if s.try(choice) {
				return s.words(choice), true
			}
		}
		choice[a] = 0
	}
	for a := range s.axes {
		for b := a + 1; b < len(s.axes); b++ {
			if choice, ok := s.pairs(a, b); ok {
				return s.words(choice), true
			}
		}
	}
	return nil, false
}

func (s *search) pairs(a, b int) (choice [axes]int, ok bool) {
	for i := 1; i < len(s.axes[a]); i++ {
		for j := 1; j < len(s.axes[b]); j++ {
			choice[a], choice[b] = i, j
			if s.try(choice) {
				return choice, true
			}
		}
	}
	return choice, false
}

func (s *search) words(choice [axes]int) []string {
	var words []string
	for a, i := range choice {
		if w := s.axes[a][i].words; w != "" {
			words = append(words, w)
		}
	}
	return words
}

func (s *search) try(choice [axes]int) bool {
	key := []byte(s.axes[axisSecret][choice[axisSecret]].value)
	var h hash.Hash
	switch s.axes[axisAlgorithm][choice[axisAlgorithm]].value {
	case "hmac-sha256":
		h = hmac.New(sha256.New, key)
	case "sha512":
		h = sha512.New()
	case "sha256":
		h = sha256.New()
	default:
		h = hmac.New(sha512.New, key)
	}
	h.Write([]byte(s.text(choice)))
	return bytes.Equal(h.Sum(nil), s.received)
}

func (s *search) text(choice [axes]int) string {
	var text strings.Builder
	for a := axisMethod; a < axisTimestamp; a++ {
		if part := s.axes[a][choice[a]].value; part != omitted {
			text.WriteString(part)
			text.WriteByte(':')
		}
	}
	text.WriteString(s.axes[axisTimestamp][choice[axisTimestamp]].value)
	return text.String()
}

// caseChanged tells whether signature is right but for its letter case.
func (s *search) caseChanged(signature string) bool {
	signature = strings.TrimSpace(signature)
	var choice [axes]int
	for i, digest := range s.axes[axisDigest] {
		if digest.words != "" {
			continue
		}
		choice[axisDigest] = i
		mac := sumSymmetric(s.axes[axisSecret][0].value, s.text(choice))
		right := base64.StdEncoding.EncodeToString(mac[:])
		if signature != right && strings.EqualFold(signature, right) {
			return true
		}
	}
	return false
}

// algorithms lists the functions whose result has the received length.
func algorithms(size int) []variant {
	if size == sha256.Size {
		return []variant{
			{"hmac-sha256", "the signature is HMAC-SHA256, it must be HMAC-SHA512"},
			{"sha256", "the signature is a plain SHA-256 without the secret, it must be HMAC-SHA512"},
		}
	}
	return []variant{
		{"hmac-sha512", ""},
		{"sha512", "the signature is a plain SHA-512 without the secret, it must be HMAC-SHA512"},
	}
}

// distinct appends v unless its value is there already.
func distinct(list []variant, value, words string) []variant {
	for _, have := range list {
		if have.value == value {
			return list
		}
	}
	return append(list, variant{value, words})
}

func secrets(secret string) []variant {
	list := []variant{{secret, ""}}
	if raw, err := base64.StdEncoding.DecodeString(secret); err == nil {
		list = distinct(list, string(raw), "the client secret was base64-decoded before use; its text itself is the key")
	}
	if raw, err := hex.DecodeString(secret); err == nil {
		list = distinct(list, string(raw), "the client secret was hex-decoded before use; its text itself is the key")
	}
	list = distinct(list, base64.StdEncoding.EncodeToString([]byte(secret)), "the client secret was base64-encoded before use; its text itself is the key")
	for _, blank := range []string{secret + "\n", secret + "\r\n", " " + secret, secret + " ", " " + secret + " ", strings.TrimSpace(secret)} {
		list = distinct(list, blank, "the client secret was used with blanks or a line break around it")
	}
	for _, quote := range []string{`"`, `'`} {
		list = distinct(list, quote+secret+quote, "the client secret was used with quotes around it")
	}
	list = distinct(list, strings.TrimPrefix(secret, "SK-"), "the client secret was used without its prefix SK-")
	return distinct(list, "", "the client secret was empty when the call was signed")
}

func methods(method string) []variant {
	list := []variant{{method, ""}}
	list = distinct(list, strings.ToLower(method), "the method in the string to sign is in lower case, it must be in upper case")
	list = distinct(list, "Post", "the method in the string to sign is not in upper case")
	list = distinct(list, omitted, "the string to sign lacks the method and its colon")
	for _, other := range []string{"POST", "GET", "PUT"} {
		list = distinct(list, other, "the string to sign has the method "+other)
	}
	return list
}

func targets(target string) []variant {
	const host = "the string to sign has the whole address, it must have the path alone"
	path, _, _ := strings.Cut(target, "?")
	list := []variant{{target, ""}}
	list = distinct(list, path, "") // accepted too
	list = distinct(list, path+"/", "the path in the string to sign ends with a slash")
	list = distinct(list, strings.TrimSuffix(path, "/"), "the path in the string to sign lacks its last slash")
	list = distinct(list, strings.TrimPrefix(path, "/"), "the path in the string to sign lacks its first slash")
	list = distinct(list, "/"+path, "the path in the string to sign begins with two slashes")
	for _, base := range []string{"https://api-sandbox.doku.com", "https://api.doku.com", "http://localhost:8600", "http://127.0.0.1:8600"} {
		list = distinct(list, base+target, host)
	}
	for _, route := range Routes {
		list = distinct(list, route.Path, "the string to sign has the path "+route.Path)
		list = distinct(list, strings.TrimPrefix(route.Path, "/"), "the string to sign has the path "+route.Path+" without its first slash")
	}
	list = distinct(list, PathNotify, "the string to sign has the path "+PathNotify)
	// A proxy may have put a prefix in front, or a client may have left one out.
	for rest := strings.TrimPrefix(path, "/"); ; {
		_, tail, more := strings.Cut(rest, "/")
		if !more {
			break
		}
		list = distinct(list, "/"+tail, "the string to sign has only the end of the path, /"+tail)
		rest = tail
	}
	list = distinct(list, strings.ToLower(path), "the path in the string to sign is in lower case")
	list = distinct(list, "", "the path in the string to sign is empty")
	return distinct(list, omitted, "the string to sign lacks the path and its colon")
}

func tokens(token string) []variant {
	list := []variant{{token, ""}}
	list = distinct(list, "Bearer "+token, "the token in the string to sign begins with \"Bearer \", it must be the token alone")
	list = distinct(list, "bearer "+token, "the token in the string to sign begins with \"bearer \", it must be the token alone")
	list = distinct(list, "", "the token in the string to sign is empty")
	list = distinct(list, omitted, "the string to sign lacks the access token and its colon (that is the asymmetric variant)")
	for _, blank := range []string{" " + token, token + " ", token + "\n"} {
		list = distinct(list, blank, "the token in the string to sign has a blank or line break around it")
	}
	for _, nothing := range []string{"null", "undefined", "None"} {
		list = distinct(list, nothing, "the token in the string to sign is the word "+nothing+": it was not set yet when the call was signed")
	}
	return list
}

func digests(body []byte) []variant {
	sum := sha256.Sum256(body)
	list := []variant{{hex.EncodeToString(sum[:]), ""}}
	add := func(form []byte, words string) {
		if form != nil {
			list = distinct(list, Digest(form), words)
		}
	}
	stripped := wire.Strip(body)
	v, err := wire.Parse(body)
	if err == nil {
		add(stripped, "")
		add(v.AppendCanonical(nil), "")
	}

	for _, form := range [][]byte{body, stripped} {
		hash := sha256.Sum256(form)
		list = distinct(list, strings.ToUpper(hex.EncodeToString(hash[:])), "the digest is in upper-case hexadecimal, it must be in lower case")
		list = distinct(list, base64.StdEncoding.EncodeToString(hash[:]), "the digest is in base64, it must be in lower-case hexadecimal")
		list = distinct(list, string(form), "the string to sign has the body itself, it must have its SHA-256")
		wide := sha512.Sum512(form)
		list = distinct(list, hex.EncodeToString(wide[:]), "the digest is SHA-512, it must be SHA-256")
		for _, end := range []string{"\n", "\r\n"} {
			add(append(bytes.Clone(form), end...), "the signed body ends with a line break that was not sent")
		}
	}
	add(bytes.TrimSpace(body), "the signed body lacks the line break or blanks that were sent around it")
	add(bytes.TrimRight(body, "\r\n"), "the signed body lacks the line break that was sent at its end")
	add([]byte{}, "the digest is that of an empty body")
	add([]byte("{}"), "the digest is that of the body {}")
	add([]byte("null"), "the digest is that of the body null")
	add(bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n")), "the signed body has other line breaks than the one that was sent")
	add(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), "the signed body has other line breaks than the one that was sent")
	add(allSpaceGone(body), "blanks inside strings were removed before signing; only white space outside strings may go")
	if err == nil {
		addPrinted(add, v)
	}
	return distinct(list, omitted, "the string to sign lacks the digest of the body and its colon")
}

// addPrinted adds the body as other encoders and habits would print it.
func addPrinted(add func([]byte, string), v wire.Value) {
	const escapes = "the signed body was printed with other escapes than the one that was sent"
	canonical := v.AppendCanonical(nil)
	add(asciiOnly(canonical), escapes)
	add(bytes.ReplaceAll(canonical, []byte("/"), []byte(`\/`)), escapes)
	add(asciiOnly(bytes.ReplaceAll(canonical, []byte("/"), []byte(`\/`))), escapes)
	var html bytes.Buffer
	json.HTMLEscape(&html, canonical)
	add(html.Bytes(), escapes)
	add(spaced(canonical), "the signed body was printed with blanks after colons and commas and the sent one was not")
	for _, indent := range []string{"  ", "    ", "\t"} {
		var pretty bytes.Buffer
		if json.Indent(&pretty, canonical, "", indent) == nil {
			add(pretty.Bytes(), "the signed body was printed with line breaks and the sent one was not")
		}
	}
	add(sorted(canonical), "the members of the signed body were sorted by name; they must keep the order in which they are sent")
	quoted, err := wire.Encode(string(canonical))
	if err == nil {
		add(quoted, "the body was encoded to JSON twice before signing")
	}
}

func allSpaceGone(body []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, body)
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

// spaced puts a blank behind every colon and comma outside strings.
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

func sorted(compact []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(compact))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return nil
	}
	out, err := wire.Encode(v)
	if err != nil {
		return nil
	}
	return out
}

func timestamps(timestamp string) []variant {
	list := []variant{{timestamp, ""}}
	list = distinct(list, "", "the timestamp in the string to sign is empty")
	list = distinct(list, strings.ReplaceAll(timestamp, "+", " "), "the + of the timestamp became a blank in the string to sign")
	t, err := ParseTime(timestamp)
	if err != nil {
		return list
	}
	const zone = "the timestamp in the string to sign is the same instant in another form than the header; sign the header's own text"
	for _, layout := range renderings {
		list = distinct(list, t.Format(layout), zone)
		list = distinct(list, t.In(wire.WIB).Format(layout), zone)
	}
	list = distinct(list, fmt.Sprint(t.Unix()), "the timestamp in the string to sign is in Unix seconds")
	list = distinct(list, fmt.Sprint(t.UnixMilli()), "the timestamp in the string to sign is in Unix milliseconds")
	// The clock was read twice, once for the header and once for the signature.
	shape := "2006-01-02T15:04:05-07:00"
	where := wire.WIB
	if strings.HasSuffix(timestamp, "Z") {
		shape, where = "2006-01-02T15:04:05Z", time.UTC
	}
	for _, shift := range []time.Duration{-1, 1, -2, 2, -7, 7} {
		list = distinct(list, t.Add(shift*time.Second).In(where).Format(shape),
			"the timestamp in the string to sign differs from the header by seconds; read the clock once for both")
	}
	return list
}

// renderings are the ways in which clients print a time. The ones with a literal
// Z or without a zone are wrong for a time in WIB, and are seen all the same.
var renderings = []string{
	"2006-01-02T15:04:05Z",
	"2006-01-02T15:04:05.000Z",
	"2006-01-02T15:04:05-07:00",
	"2006-01-02T15:04:05.000-07:00",
	"2006-01-02T15:04:05-0700",
	"2006-01-02T15:04:05+07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// ExplainAsymmetric searches the mistake behind a signature that [VerifyAsymmetric]
// refused and says it in words, for Verdict.Hint.
func ExplainAsymmetric(key *rsa.PublicKey, clientID, timestamp, signature string) string {
	raw, err := decodeBase64(signature)
	unhexed, notHex := hex.DecodeString(strings.TrimSpace(signature))
	switch {
	case strings.TrimSpace(signature) == "":
		return "The X-SIGNATURE header is empty."
	case key == nil:
		return "The merchant has no public key registered, so no signature can match."
	case notHex == nil && len(unhexed) == key.Size():
		return "The signature is written in hexadecimal, it must be base64."
	case err != nil:
		return "The signature is not base64 with the standard alphabet and padding."
	case len(raw) == sha512.Size:
		return "This is an HMAC (64 bytes), as for transactions; the token APIs are signed with the RSA private key."
	case len(raw) != key.Size():
		return fmt.Sprintf("The signature has %d bytes and the registered public key makes %d: it belongs to another key.", len(raw), key.Size())
	}
	times := timestamps(timestamp)
	ids := []variant{{clientID, ""}}
	ids = distinct(ids, strings.TrimSpace(clientID), "the client id was signed without its blanks")
	ids = distinct(ids, strings.ToLower(clientID), "the client id was signed in lower case")
	ids = distinct(ids, "", "the client id in the string to sign is empty")
	for _, id := range ids {
		for _, at := range times {
			for _, layout := range asymmetricLayouts {
				text := layout.join(id.value, at.value)
				if !verifyRSA(key, wire.Verdict{StringToSign: text, Received: signature}).OK {
					continue
				}
				var words []string
				for _, w := range []string{id.words, at.words, layout.words} {
					if w != "" {
						words = append(words, w)
					}
				}
				if len(words) == 0 {
					return "The signature is right; it was refused for another reason."
				}
				return upperFirst(strings.Join(words, "; and ")) + "."
			}
		}
	}
	return "No usual mistake leads to this signature. Either the string to sign differs (it is the client id, a vertical bar and the X-TIMESTAMP header, without a line break), " +
		"or it was signed with a private key that does not belong to the registered public key, or not with SHA-256 and PKCS#1 v1.5 padding."
}

var asymmetricLayouts = []struct {
	join  func(id, at string) string
	words string
}{
	{AsymmetricString, ""},
	{func(id, at string) string { return id + "|" + at + "\n" }, "the string to sign ends with a line break"},
	{func(id, at string) string { return at + "|" + id }, "the client id and the timestamp in the string to sign changed places"},
	{func(id, at string) string { return id + ":" + at }, "the string to sign has a colon where a vertical bar belongs"},
	{func(id, at string) string { return id + " | " + at }, "the string to sign has blanks around the vertical bar"},
	{func(id, at string) string { return id + at }, "the string to sign lacks the vertical bar"},
}
