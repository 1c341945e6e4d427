package snap

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Explain is the hint of [Diagnose] for a caller that has nothing but the call.
func Explain(secret, method, target, token string, body []byte, timestamp, signature string) string {
	return Diagnose(secret, method, target, token, body, timestamp, signature, wire.Clues{}).Hint
}

// Diagnose searches the mistake behind a signature that [VerifySymmetric] refused,
// for [wire.Verdict.Explain]. It tries what goes wrong in practice, one mistake at a
// time and then two at once, and costs some ten thousand HMACs: it is for the
// sandbox and for a merchant's own terminal only.
func Diagnose(secret, method, target, token string, body []byte, timestamp, signature string, clues wire.Clues) wire.Diagnosis {
	if hint := obvious(secret, signature); hint != "" {
		return wire.Obvious(hint)
	}
	bodies := digests(body)
	if caseChanged(secret, method, target, token, bodies, timestamp, signature) {
		return wire.Obvious("The letter case of the signature was changed on the way; base64 is case-sensitive.")
	}
	bodies.AddHeaders("the digest", clues.Headers)
	received, form := readSignature(signature)
	if received == nil {
		return wire.Obvious("The X-SIGNATURE header is not the base64 of 64 bytes (88 characters).")
	}
	var written []string
	if form != "" {
		written = append(written, form)
	}
	s := wire.Search{
		Axes: []wire.Variants{
			axisAlgorithm: algorithms(len(received)),
			axisSecret:    secrets(secret, clues),
			axisLayout:    wire.Places(len(layouts), func(i int) string { return layouts[i].words }),
			axisMethod:    methods(method),
			axisTarget:    targets(target),
			axisToken:     tokens(token, clues),
			axisDigest:    bodies,
			axisTimestamp: timestamps(timestamp, clues),
		},
		Match: func(c wire.Choice) bool { return bytes.Equal(hashed(c, joined(c)), received) },
	}
	found, ok := s.Run()
	d := wire.Conclude("signature", written, found, ok, unexplained)
	if ok {
		d.Signed = joined(found)
	}
	return d
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

// The axes of a search. Those from the method to the timestamp are the parts of
// the string to sign, in its order.
const (
	axisAlgorithm = iota
	axisSecret
	axisLayout
	axisMethod
	axisTarget
	axisToken
	axisDigest
	axisTimestamp
)

// joined is the string to sign of one choice.
func joined(c wire.Choice) string {
	form := &layouts[c.Index(axisLayout)]
	text := make([]byte, 0, 512)
	for _, place := range form.order {
		part := c.Value(axisMethod + place)
		if part == wire.Omitted {
			continue
		}
		if len(text) > 0 {
			text = append(text, form.join...)
		}
		text = append(text, part...)
	}
	return string(append(text, form.end...))
}

// hashed computes the signature of one choice.
func hashed(c wire.Choice, text string) []byte {
	key := []byte(c.Value(axisSecret))
	var h hash.Hash
	switch c.Value(axisAlgorithm) {
	case "hmac-sha256":
		h = hmac.New(sha256.New, key)
	case "sha512":
		h = sha512.New()
	case "sha256":
		h = sha256.New()
	default:
		h = hmac.New(sha512.New, key)
	}
	h.Write([]byte(text))
	return h.Sum(nil)
}

// layout is a way to join the parts of the string to sign.
type layout struct {
	words string
	join  string
	end   string
	order [5]int // of method, target, token, digest and timestamp
}

// layouts lists the right one first. Where two parts changed places both are named.
var layouts = func() []layout {
	right := layout{join: ":", order: [5]int{0, 1, 2, 3, 4}}
	list := []layout{right}
	with := func(words string, change func(*layout)) {
		form := right
		form.words = words
		change(&form)
		list = append(list, form)
	}
	with("the string to sign ends with a line break, it must end with the timestamp", func(f *layout) { f.end = "\n" })
	with("the string to sign ends with a line break, it must end with the timestamp", func(f *layout) { f.end = "\r\n" })
	with("the string to sign ends with a colon, it must end with the timestamp", func(f *layout) { f.end = ":" })
	for _, join := range []string{"|", "", "\n", " ", "&", ";", ",", " : ", ": ", "+"} {
		with(fmt.Sprintf("the parts of the string to sign are joined with %q, it must be a colon", join), func(f *layout) { f.join = join })
	}
	names := [5]string{"method", "path", "token", "digest", "timestamp"}
	for a := range names {
		for b := a + 1; b < len(names); b++ {
			with("the "+names[a]+" and the "+names[b]+" in the string to sign changed places; the order is "+strings.Join(names[:], ", "),
				func(f *layout) { f.order[a], f.order[b] = b, a })
		}
	}
	return list
}()

func secrets(secret string, clues wire.Clues) wire.Variants {
	list := wire.Secrets("the client secret", secret)
	list.AddOthers("the client secret", clues.Others)
	return list
}

// caseChanged tells whether signature is right but for its letter case.
func caseChanged(secret, method, target, token string, digests wire.Variants, timestamp, signature string) bool {
	signature = strings.TrimSpace(signature)
	for _, digest := range digests {
		if digest.Words != "" {
			continue
		}
		mac := sumSymmetric(secret, SymmetricString(method, target, token, digest.Value, timestamp))
		right := base64.StdEncoding.EncodeToString(mac[:])
		if signature != right && strings.EqualFold(signature, right) {
			return true
		}
	}
	return false
}

// algorithms lists the functions whose result has the received length.
func algorithms(size int) wire.Variants {
	if size == sha256.Size {
		return wire.Variants{
			{Value: "hmac-sha256", Words: "the signature is HMAC-SHA256, it must be HMAC-SHA512"},
			{Value: "sha256", Words: "the signature is a plain SHA-256 without the secret, it must be HMAC-SHA512"},
		}
	}
	return wire.Variants{
		{Value: "hmac-sha512"},
		{Value: "sha512", Words: "the signature is a plain SHA-512 without the secret, it must be HMAC-SHA512"},
	}
}

func methods(method string) wire.Variants {
	list := wire.Right(method)
	list.Add(strings.ToLower(method), "the method in the string to sign is in lower case, it must be in upper case")
	list.Add("Post", "the method in the string to sign is not in upper case")
	list.Add(wire.Omitted, "the string to sign lacks the method and its colon")
	for _, other := range []string{"POST", "GET", "PUT"} {
		list.Add(other, "the string to sign has the method "+other)
	}
	return list
}

func targets(target string) wire.Variants {
	const host = "the string to sign has the whole address, it must have the path alone"
	path, _, _ := strings.Cut(target, "?")
	list := wire.Right(target)
	list.Add(path, "") // accepted too
	list.AddSlashes(path)
	for _, base := range []string{"https://api-sandbox.doku.com", "https://api.doku.com", "http://localhost:8600", "http://127.0.0.1:8600"} {
		list.Add(base+target, host)
	}
	for _, route := range Routes {
		list.Add(route.Path, "the string to sign has the path "+route.Path)
		list.Add(strings.TrimPrefix(route.Path, "/"), "the string to sign has the path "+route.Path+" without its first slash")
	}
	list.Add(PathNotify, "the string to sign has the path "+PathNotify)
	list.AddEnds(path)
	list.Add(wire.Omitted, "the string to sign lacks the path and its colon")
	return list
}

func tokens(token string, clues wire.Clues) wire.Variants {
	list := wire.Right(token)
	list.Add("Bearer "+token, "the token in the string to sign begins with \"Bearer \", it must be the token alone")
	list.Add("bearer "+token, "the token in the string to sign begins with \"bearer \", it must be the token alone")
	list.Add("", "the token in the string to sign is empty")
	list.Add(wire.Omitted, "the string to sign lacks the access token and its colon (that is the asymmetric variant)")
	list.AddAll("the token in the string to sign has a blank or line break around it", " "+token, token+" ", token+"\n")
	for _, nothing := range []string{"null", "undefined", "None"} {
		list.Add(nothing, "the token in the string to sign is the word "+nothing+": it was not set yet when the call was signed")
	}
	list.AddHeaders("the token", clues.Headers)
	return list
}

func digests(body []byte) wire.Variants {
	sum := sha256.Sum256(body)
	list := wire.Right(hex.EncodeToString(sum[:]))
	add := func(form []byte, words string) {
		if form != nil {
			list.AddBody(Digest(form), words, form)
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
		list.Add(strings.ToUpper(hex.EncodeToString(hash[:])), "the digest is in upper-case hexadecimal, it must be in lower case")
		list.Add(base64.StdEncoding.EncodeToString(hash[:]), "the digest is in base64, it must be in lower-case hexadecimal")
		list.Add(string(form), "the string to sign has the body itself, it must have its SHA-256")
		wide := sha512.Sum512(form)
		list.Add(hex.EncodeToString(wide[:]), "the digest is SHA-512, it must be SHA-256")
		for _, end := range []string{"\n", "\r\n"} {
			add(append(bytes.Clone(form), end...), "the signed body ends with a line break that was not sent")
		}
	}
	wire.EditedBodies(body, add)
	add(allSpaceGone(body), "blanks inside strings were removed before signing; only white space outside strings may go")
	if err == nil {
		addPrinted(add, v)
		wire.Changed(v, add)
	}
	list.Add(wire.Omitted, "the string to sign lacks the digest of the body and its colon")
	return list
}

// addPrinted adds the body as other encoders and habits would print it.
func addPrinted(add func([]byte, string), v wire.Value) {
	printed := wire.Reprint(v)
	for _, form := range [][]byte{printed.ASCII, printed.Slashes, printed.ASCIISlashes, printed.HTML} {
		add(form, "the signed body was printed with other escapes than the one that was sent")
	}
	add(printed.Spaced, "the signed body was printed with blanks after colons and commas and the sent one was not")
	for _, form := range printed.Indented {
		add(form, "the signed body was printed with line breaks and the sent one was not")
	}
	add(printed.Sorted, "the members of the signed body were sorted by name; they must keep the order in which they are sent")
	add(printed.Twice, "the body was encoded to JSON twice before signing")
}

func allSpaceGone(body []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, body)
}

func timestamps(timestamp string, clues wire.Clues) wire.Variants {
	list := wire.Right(timestamp)
	list.AddHeaders("the timestamp", clues.Headers)
	list.AddAll("the timestamp was signed with blanks around it, which the header loses on the way", " "+timestamp, timestamp+" ")
	list.Add("", "the timestamp in the string to sign is empty")
	list.Add(strings.ReplaceAll(timestamp, "+", " "), "the + of the timestamp became a blank in the string to sign")
	t, err := ParseTime(timestamp)
	if err != nil {
		return list
	}
	list.AddInstant(t, renderings)
	// The clock was read twice, once for the header and once for the signature.
	shape := "2006-01-02T15:04:05-07:00"
	where := wire.WIB
	if strings.HasSuffix(timestamp, "Z") {
		shape, where = "2006-01-02T15:04:05Z", time.UTC
	}
	for _, shift := range []time.Duration{-1, 1, -2, 2, -7, 7} {
		list.Add(t.Add(shift*time.Second).In(where).Format(shape),
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

// ExplainAsymmetric is the hint of [DiagnoseAsymmetric] for a caller that has
// nothing but the call.
func ExplainAsymmetric(key *rsa.PublicKey, clientID, timestamp, signature string) string {
	return DiagnoseAsymmetric(key, clientID, timestamp, signature, wire.Clues{}).Hint
}

// DiagnoseAsymmetric searches the mistake behind a signature that
// [VerifyAsymmetric] refused, for [wire.Verdict.Explain].
func DiagnoseAsymmetric(key *rsa.PublicKey, clientID, timestamp, signature string, clues wire.Clues) wire.Diagnosis {
	text := strings.TrimSpace(signature)
	switch {
	case text == "":
		return wire.Obvious("The X-SIGNATURE header is empty.")
	case key == nil:
		return wire.Obvious("The merchant has no public key registered, so no signature can match.")
	}
	raw, form := readAsymmetric(text, key.Size())
	switch {
	case raw == nil:
		return wire.Obvious("The signature is not base64 with the standard alphabet and padding.")
	case len(raw) == sha512.Size || len(raw) == sha256.Size:
		return wire.Obvious(fmt.Sprintf("This is an HMAC (%d bytes), as for transactions; the token APIs are signed with the RSA private key.", len(raw)))
	}
	var written []string
	if form != "" {
		written = append(written, form)
	}
	keys, whose := publicKeys(key, clues)
	s := wire.Search{
		Axes: []wire.Variants{
			axisKey:     wire.Places(len(keys), func(i int) string { return whose[i] }),
			axisPadding: wire.Places(len(paddings), func(i int) string { return paddings[i].words }),
			axisClient:  clientIDs(clientID, clues),
			axisMoment:  timestamps(timestamp, clues),
			axisJoin:    wire.Places(len(asymmetricLayouts), func(i int) string { return asymmetricLayouts[i].words }),
		},
		Match: func(c wire.Choice) bool {
			k := keys[c.Index(axisKey)]
			return len(raw) == k.Size() && paddings[c.Index(axisPadding)].verify(k, asymmetricText(c), raw)
		},
	}
	found, ok := s.Run()
	why := unexplainedRSA
	if !ok && len(raw) != key.Size() {
		why = fmt.Sprintf("the signature has %d bytes and the registered public key makes %d: it belongs to another key.", len(raw), key.Size())
	}
	d := wire.Conclude("signature", written, found, ok, why)
	if ok {
		d.Signed = asymmetricText(found)
	}
	return d
}

const unexplainedRSA = "no usual mistake leads to this signature. Either the string to sign differs (it is the client id, a vertical bar and the X-TIMESTAMP header, without a line break), " +
	"or it was signed with a private key that does not belong to the registered public key."

// readAsymmetric decodes an RSA signature, also in forms that clients use by
// mistake, and names the mistake.
func readAsymmetric(text string, size int) (raw []byte, mistake string) {
	if raw, err := decodeBase64(text); err == nil && len(raw) > 0 {
		if inner, err := hex.DecodeString(string(raw)); err == nil && len(inner) == size {
			return inner, "the signature is base64 of the hexadecimal text, it must be base64 of the bytes"
		}
		if raw, err := hex.DecodeString(text); err == nil && len(raw) == size {
			return raw, "the signature is written in hexadecimal, it must be base64"
		}
		return raw, ""
	}
	if raw, err := hex.DecodeString(text); err == nil && len(raw) > 0 {
		return raw, "the signature is written in hexadecimal, it must be base64"
	}
	bare := strings.TrimRight(text, "=")
	if raw, err := base64.RawStdEncoding.DecodeString(bare); err == nil && len(raw) == size {
		if strings.ContainsAny(text, "\r\n") {
			return raw, "the signature has line breaks in it, as some base64 tools put there"
		}
		return raw, "the signature's base64 lacks its padding (==)"
	}
	if raw, err := base64.RawURLEncoding.DecodeString(bare); err == nil && len(raw) == size {
		return raw, "the signature uses the URL alphabet of base64 (- and _), it must use + and /"
	}
	if raw, err := base64.StdEncoding.DecodeString(strings.Trim(text, `"'`)); err == nil && len(raw) == size {
		return raw, "the signature stands in quotes"
	}
	return nil, ""
}

// The axes of a search for an RSA signature.
const (
	axisKey = iota
	axisPadding
	axisClient
	axisMoment
	axisJoin
)

func asymmetricText(c wire.Choice) string {
	return asymmetricLayouts[c.Index(axisJoin)].join(c.Value(axisClient), c.Value(axisMoment))
}

// publicKeys are the registered key and those of other merchants, with the words
// for each.
func publicKeys(registered *rsa.PublicKey, clues wire.Clues) (keys []*rsa.PublicKey, words []string) {
	keys, words = append(keys, registered), append(words, "")
	for _, o := range clues.Others {
		if key, err := ParsePublicKey(o.PublicKey); err == nil && !key.Equal(registered) {
			keys = append(keys, key)
			words = append(words, "it was signed with the private key of another merchant, that of "+o.Name+" ("+o.ID+")")
		}
	}
	return keys, words
}

// paddings are the ways to sign with RSA, the right one first.
var paddings = []struct {
	words  string
	verify func(key *rsa.PublicKey, text string, signature []byte) bool
}{
	{"", func(key *rsa.PublicKey, text string, signature []byte) bool {
		hash := sha256.Sum256([]byte(text))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) == nil
	}},
	{"the signature has PSS padding, it must have PKCS#1 v1.5 padding", func(key *rsa.PublicKey, text string, signature []byte) bool {
		hash := sha256.Sum256([]byte(text))
		return rsa.VerifyPSS(key, crypto.SHA256, hash[:], signature, nil) == nil
	}},
	{"the signature is made with SHA-512, it must be SHA-256", func(key *rsa.PublicKey, text string, signature []byte) bool {
		hash := sha512.Sum512([]byte(text))
		return rsa.VerifyPKCS1v15(key, crypto.SHA512, hash[:], signature) == nil
	}},
	{"the text was hashed before it was given to a function that hashes it again", func(key *rsa.PublicKey, text string, signature []byte) bool {
		inner := sha256.Sum256([]byte(text))
		hash := sha256.Sum256(inner[:])
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) == nil {
			return true
		}
		hash = sha256.Sum256([]byte(hex.EncodeToString(inner[:])))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) == nil
	}},
}

func clientIDs(id string, clues wire.Clues) wire.Variants {
	list := wire.Right(id)
	list.AddOtherIDs("the client id", clues.Others)
	list.AddPadded("the client id", id)
	list.Add(strings.TrimSpace(id), "the client id was signed without its blanks")
	list.Add(strings.ToLower(id), "the client id was signed in lower case")
	list.Add(strings.ToUpper(id), "the client id was signed in upper case")
	list.Add("", "the client id in the string to sign is empty")
	for _, nothing := range []string{"null", "undefined", "None"} {
		list.Add(nothing, "the client id in the string to sign is the word "+nothing+": it was not set when the call was signed")
	}
	list.AddHeaders("the client id", clues.Headers)
	return list
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
	{func(_, at string) string { return at }, "the string to sign has the timestamp alone, the client id and the vertical bar are missing"},
	{func(id, _ string) string { return id }, "the string to sign has the client id alone, the vertical bar and the timestamp are missing"},
	{func(id, at string) string { return "POST:" + PathTokenB2B + ":" + id + ":" + at }, "the string to sign is built as for transactions, it must be the client id, a vertical bar and the timestamp"},
}
