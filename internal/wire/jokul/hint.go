package jokul

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // recognises a client's mistake
	"crypto/sha1" //nolint:gosec // recognises a client's mistake
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// ExplainRequest is the hint of [DiagnoseRequest] for a caller that has nothing but
// the call.
func ExplainRequest(secret string, c Call, body []byte, signature string) string {
	return DiagnoseRequest(secret, c, body, signature, wire.Clues{}).Hint
}

// ExplainResponse does the same for a signature that [VerifyResponse] refused.
func ExplainResponse(secret string, c Call, body []byte, signature string) string {
	return diagnose(secret, c, body, signature, HeaderResponseTimestamp, wire.Clues{}).Hint
}

// DiagnoseRequest searches the mistake behind a signature that [VerifyRequest]
// refused, for [wire.Verdict.Explain]. It tries what goes wrong in practice, one
// mistake at a time and then two at once, and costs some ten thousand HMACs: it is
// for the sandbox and for a merchant's own terminal only.
func DiagnoseRequest(secret string, c Call, body []byte, signature string, clues wire.Clues) wire.Diagnosis {
	return diagnose(secret, c, body, signature, HeaderRequestTimestamp, clues)
}

func diagnose(secret string, c Call, body []byte, signature, timestampLabel string, clues wire.Clues) wire.Diagnosis {
	switch {
	case strings.TrimSpace(signature) == "":
		return wire.Obvious("The Signature header is empty.")
	case secret == "":
		return wire.Obvious("The merchant has no secret key, so no signature can match.")
	}
	right := sign(secret, stringToSign(c, timestampLabel, c.digest(body)))
	if value := strings.TrimPrefix(right, signaturePrefix); !strings.Contains(signature, value) && strings.HasSuffix(strings.ToLower(signature), strings.ToLower(value)) {
		return wire.Obvious("The letter case of the signature was changed on the way; base64 is case-sensitive.")
	}
	received, written := looseSignature(signature)
	if received == nil {
		return wire.Obvious("The Signature header is not " + signaturePrefix + " and the base64 of 32 bytes (44 characters).")
	}
	if len(received) >= 128 {
		return wire.Obvious(fmt.Sprintf("This is an RSA signature (%d bytes), as for SNAP's token APIs; here it is HMAC-SHA256 with the secret key.", len(received)))
	}
	s := headerSearch(secret, c, body, timestampLabel, received, clues)
	found, ok := s.Run()
	d := wire.Conclude("signature", written, found, ok,
		"no usual mistake leads to this signature. Compare the string to sign with yours byte by byte; "+
			"if it is the same, the secret key differs, and if the digest differs, the body was changed after it was signed.")
	if ok {
		d.Signed = string(appendLines(nil, found))
	}
	return d
}

// looseSignature decodes a signature in one of the forms that clients use by
// mistake, and names the mistakes. Unreadable ones are nil.
func looseSignature(signature string) (raw []byte, mistakes []string) {
	text := strings.Trim(signature, " \t\r\n\"'")
	if text != signature {
		mistakes = append(mistakes, "the signature has blanks, line breaks or quotes around it")
	}
	rest, ok := strings.CutPrefix(text, signaturePrefix)
	if !ok {
		i := strings.IndexAny(text, "=: ")
		upper := strings.ToUpper(text)
		if i >= 0 && i < len(text)-2 && (strings.HasPrefix(upper, "HMAC") || strings.HasPrefix(upper, "SHA")) {
			rest = strings.TrimSpace(text[i+1:])
			mistakes = append(mistakes, fmt.Sprintf("the signature begins with %q, it must begin with %q", text[:i+1], signaturePrefix))
		} else {
			mistakes = append(mistakes, "the signature lacks its prefix "+signaturePrefix)
		}
	}
	raw, mistake := looseBytes(rest)
	if raw == nil {
		return nil, nil
	}
	if mistake != "" {
		mistakes = append(mistakes, mistake)
	}
	return raw, mistakes
}

func looseBytes(text string) (raw []byte, mistake string) {
	bare := strings.TrimRight(text, "=")
	if raw, err := hex.DecodeString(text); err == nil && hashSized(raw) {
		return raw, "the signature is written in hexadecimal, it must be base64"
	}
	if raw, err := base64.RawStdEncoding.DecodeString(bare); err == nil {
		if inner, err := hex.DecodeString(string(raw)); err == nil && hashSized(inner) {
			return inner, "the signature is base64 of the hexadecimal text, it must be base64 of the 32 bytes"
		}
		if hashSized(raw) || len(raw) >= 128 {
			switch {
			case strings.ContainsAny(text, "\r\n"):
				return raw, "the signature has a line break in it"
			case len(raw) == sha256.Size && len(text)-len(bare) > 1:
				return raw, "the signature has too much padding"
			}
			if _, err := strictBase64.DecodeString(bare); err != nil {
				return raw, "the last character of the signature was changed"
			}
			return raw, ""
		}
	}
	if raw, err := base64.RawURLEncoding.DecodeString(bare); err == nil && hashSized(raw) {
		return raw, "the signature uses the URL alphabet of base64 (- and _), it must use + and /"
	}
	return nil, ""
}

func hashSized(raw []byte) bool {
	return len(raw) == sha256.Size || len(raw) == sha512.Size || len(raw) == sha1.Size || len(raw) == md5.Size
}

// The axes of a search for a header signature. Those from the client id on are the
// lines of the string to sign, in its order.
const (
	axisAlgorithm = iota
	axisSecret
	axisLayout
	axisLabel
	axisClient
	axisRequest
	axisTimestamp
	axisTarget
	axisDigest
)

func headerSearch(secret string, c Call, body []byte, timestampLabel string, received []byte, clues wire.Clues) *wire.Search {
	bodies := digests(c, body)
	addDigestHeader(&bodies, clues.Headers)
	times := timestamps(c.Timestamp)
	times.AddHeaders("the timestamp", clues.Headers)
	ids := clients(c.ClientID)
	ids.AddOtherIDs("the client id", clues.Others)
	ids.AddHeaders("the client id", clues.Headers)
	requestIDs := requests(c.RequestID)
	requestIDs.AddHeaders("the Request-Id", clues.Headers)
	keys := secrets(secret)
	keys.AddOthers("the secret key", clues.Others)
	keys.Add(c.ClientID, "the client id was used in the place of the secret key")
	var text []byte
	return &wire.Search{
		Axes: []wire.Variants{
			axisAlgorithm: algorithms(len(received)),
			axisSecret:    keys,
			axisLayout:    wire.Places(len(layouts), func(i int) string { return layouts[i].words }),
			axisLabel:     labels(timestampLabel),
			axisClient:    ids,
			axisRequest:   requestIDs,
			axisTimestamp: times,
			axisTarget:    targets(c),
			axisDigest:    bodies,
		},
		Match: func(c wire.Choice) bool {
			text = appendLines(text[:0], c)
			return bytes.Equal(keyed(c.Value(axisAlgorithm), c.Value(axisSecret), text), received)
		},
	}
}

// appendLines appends the string to sign of one choice.
func appendLines(dst []byte, c wire.Choice) []byte {
	return layouts[c.Index(axisLayout)].append(dst, &[5]line{
		{HeaderClientID, c.Value(axisClient)},
		{HeaderRequestID, c.Value(axisRequest)},
		{c.Value(axisLabel), c.Value(axisTimestamp)},
		{labelTarget, c.Value(axisTarget)},
		{labelDigest, c.Value(axisDigest)},
	})
}

// addDigestHeader appends what the caller itself says is the digest of what it
// sent: when that was signed, the body is no longer the one that was sent.
func addDigestHeader(list *wire.Variants, headers map[string]string) {
	if said := headers[labelDigest]; said != "" {
		_, bare, _ := strings.Cut(said, "SHA-256=")
		const changed = "the body was changed after it was signed: the signature covers the digest that the header Digest names, which is not that of the body"
		list.AddAll(changed, said, bare)
	}
}

// keyed computes one of the functions of algorithms.
func keyed(name, secret string, text []byte) []byte {
	mac := func(h func() hash.Hash) []byte {
		m := hmac.New(h, []byte(secret))
		m.Write(text)
		return m.Sum(nil)
	}
	plain := func(h hash.Hash, parts ...[]byte) []byte {
		for _, part := range parts {
			h.Write(part)
		}
		return h.Sum(nil)
	}
	switch name {
	case "hmac-sha512":
		return mac(sha512.New)
	case "hmac-sha1":
		return mac(sha1.New)
	case "hmac-md5":
		return mac(md5.New)
	case "sha256":
		return plain(sha256.New(), text)
	case "sha256-last":
		return plain(sha256.New(), text, []byte(secret))
	case "sha256-first":
		return plain(sha256.New(), []byte(secret), text)
	case "sha512":
		return plain(sha512.New(), text)
	case "sha512-last":
		return plain(sha512.New(), text, []byte(secret))
	case "sha1-last":
		return plain(sha1.New(), text, []byte(secret)) //nolint:gosec // recognises a client's mistake
	case "md5-last":
		return plain(md5.New(), text, []byte(secret)) //nolint:gosec // recognises a client's mistake
	}
	return mac(sha256.New)
}

// algorithms lists the functions whose result has the received length.
func algorithms(size int) wire.Variants {
	switch size {
	case sha512.Size:
		return wire.Variants{
			{Value: "hmac-sha512", Words: "the signature is HMAC-SHA512, as in SNAP; it must be HMAC-SHA256"},
			{Value: "sha512", Words: "the signature is a plain SHA-512 without the secret key, it must be HMAC-SHA256"},
		}
	case sha1.Size:
		return wire.Variants{{Value: "hmac-sha1", Words: "the signature is HMAC-SHA1, it must be HMAC-SHA256"}}
	case md5.Size:
		return wire.Variants{{Value: "hmac-md5", Words: "the signature is HMAC-MD5, it must be HMAC-SHA256"}}
	}
	return wire.Variants{
		{Value: "hmac-sha256"},
		{Value: "sha256", Words: "the signature is a plain SHA-256 without the secret key, it must be HMAC-SHA256"},
		{Value: "sha256-last", Words: "the signature is a plain SHA-256 with the secret key at the end, as in check_sum; it must be HMAC-SHA256"},
		{Value: "sha256-first", Words: "the signature is a plain SHA-256 with the secret key in front, it must be HMAC-SHA256"},
	}
}

func secrets(secret string) wire.Variants {
	list := wire.Secrets("the secret key", secret)
	list.AddDecoded("the secret key", strings.TrimPrefix(secret, "SK-"))
	list.Add(strings.ToLower(secret), "the secret key was used in lower case")
	list.Add(strings.ToUpper(secret), "the secret key was used in upper case")
	for _, nothing := range []string{"null", "undefined", "None"} {
		list.Add(nothing, "the secret key was the word "+nothing+": it was not set when the call was signed")
	}
	return list
}

// line is one line of the string to sign.
type line struct{ label, value string }

// layout is a way to write the lines.
type layout struct {
	words            string
	lead, join, end  string
	colon            string
	order            [5]int
	lower, valueOnly bool
}

func (f *layout) append(dst []byte, lines *[5]line) []byte {
	dst = append(dst, f.lead...)
	first := true
	for _, i := range f.order {
		if lines[i].value == wire.Omitted {
			continue
		}
		if !first {
			dst = append(dst, f.join...)
		}
		first = false
		switch {
		case f.valueOnly:
		case f.lower:
			dst = append(append(dst, strings.ToLower(lines[i].label)...), f.colon...)
		default:
			dst = append(append(dst, lines[i].label...), f.colon...)
		}
		dst = append(dst, lines[i].value...)
	}
	return append(dst, f.end...)
}

// layouts lists the right layout first.
var layouts = func() []layout {
	right := layout{join: "\n", colon: ":", order: [5]int{0, 1, 2, 3, 4}}
	list := []layout{right}
	with := func(words string, change func(*layout)) {
		f := right
		f.words = words
		change(&f)
		list = append(list, f)
	}
	const ends = "the string to sign ends with a line break, it must end with the last value"
	const crlf = "the lines of the string to sign are joined with CR LF, it must be LF alone"
	const literal = `the lines of the string to sign are joined with a backslash and the letter n, it must be a line break`
	with(ends, func(f *layout) { f.end = "\n" })
	with(ends, func(f *layout) { f.end = "\r\n" })
	with("the string to sign begins with a line break", func(f *layout) { f.lead = "\n" })
	with("the string to sign begins and ends with a line break", func(f *layout) { f.lead, f.end = "\n", "\n" })
	with(crlf, func(f *layout) { f.join = "\r\n" })
	with(crlf+", and none at the end", func(f *layout) { f.join, f.end = "\r\n", "\r\n" })
	with(literal, func(f *layout) { f.join = `\n` })
	with(literal+", and none at the end", func(f *layout) { f.join, f.end = `\n`, `\n` })
	with(literal, func(f *layout) { f.join = `\r\n` })
	with("the lines of the string to sign are not separated, they must be joined with LF", func(f *layout) { f.join = "" })
	for _, join := range []string{" ", "&", "|", ";", ",", ":", "\n\n", " \n"} {
		with(fmt.Sprintf("the lines of the string to sign are joined with %q, it must be LF alone", join), func(f *layout) { f.join = join })
	}
	for _, indent := range []string{"  ", "    ", "      ", "        ", "            ", "\t", "\t\t", "\t\t\t"} {
		with("the lines of the string to sign are indented, as in a text that spans several lines of source code", func(f *layout) { f.join = "\n" + indent })
	}
	for _, colon := range []string{": ", "=", " : ", " "} {
		with(fmt.Sprintf("the names in the string to sign are followed by %q, it must be a colon alone", colon), func(f *layout) { f.colon = colon })
	}
	with("the names in the string to sign are in lower case", func(f *layout) { f.lower = true })
	for _, join := range []string{"\n", ":", "", "|"} {
		with("the string to sign lacks the names in front of the values", func(f *layout) { f.join, f.valueOnly = join, true })
	}
	names := [5]string{HeaderClientID, HeaderRequestID, "the timestamp", labelTarget, labelDigest}
	permute(5, func(order []int) {
		if slices.IsSorted(order) {
			return
		}
		var said [5]string
		for i, place := range order {
			said[i] = names[place]
		}
		with("the lines of the string to sign stand in another order, "+strings.Join(said[:], ", ")+"; it must be "+strings.Join(names[:], ", "),
			func(f *layout) { copy(f.order[:], order) })
	})
	return list
}()

// permute calls use with all orders of the numbers below n.
func permute(n int, use func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var from func(int)
	from = func(k int) {
		if k == n {
			use(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			from(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	from(0)
}

func labels(label string) wire.Variants {
	list := wire.Right(label)
	if label == HeaderResponseTimestamp {
		list.Add(HeaderRequestTimestamp, "the string to sign has the name Request-Timestamp, in an answer it must be Response-Timestamp")
	} else {
		list.Add(HeaderResponseTimestamp, "the string to sign has the name Response-Timestamp, in a request it must be Request-Timestamp")
	}
	list.Add("Timestamp", "the string to sign has the name Timestamp, it must be "+label)
	return list
}

func clients(id string) wire.Variants {
	list := wire.Right(id)
	list.Add(strings.TrimSpace(id), "the client id was signed without its blanks")
	list.AddPadded("the client id", id)
	list.Add(strings.ToLower(id), "the client id was signed in lower case")
	list.Add(strings.ToUpper(id), "the client id was signed in upper case")
	list.Add("", "the client id in the string to sign is empty")
	list.Add(wire.Omitted, "the string to sign lacks the line Client-Id")
	return list
}

func requests(id string) wire.Variants {
	list := wire.Right(id)
	list.AddPadded("the Request-Id", id)
	list.Add(strings.ToLower(id), "the Request-Id was signed in lower case")
	list.Add(strings.ToUpper(id), "the Request-Id was signed in upper case")
	list.Add(strings.ReplaceAll(id, "-", ""), "the Request-Id was signed without its hyphens")
	list.Add("", "the Request-Id in the string to sign is empty")
	list.Add(wire.Omitted, "the string to sign lacks the line Request-Id")
	return list
}

func timestamps(timestamp string) wire.Variants {
	list := wire.Right(timestamp)
	list.AddPadded("the timestamp", timestamp)
	list.Add("", "the timestamp in the string to sign is empty")
	list.Add(wire.Omitted, "the string to sign lacks the line of the timestamp")
	t, err := time.Parse(time.RFC3339, timestamp)
	if err != nil {
		return list
	}
	list.AddInstant(t, renderings)
	list.Add(FormatTime(t.Add(-7*time.Hour)), "the timestamp in the string to sign is seven hours earlier than the header")
	for _, shift := range []time.Duration{-1, 1, -2, 2, -3, 3} { // the clock was read twice
		list.Add(FormatTime(t.Add(shift*time.Second)),
			"the timestamp in the string to sign differs from the header by seconds; read the clock once for both")
	}
	return list
}

// renderings are the ways in which clients print a time, right or wrong.
var renderings = []string{
	"2006-01-02T15:04:05Z",
	"2006-01-02T15:04:05.000Z",
	"2006-01-02T15:04:05-07:00",
	"2006-01-02T15:04:05.000-07:00",
	"2006-01-02T15:04:05-0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"20060102150405",
}

func targets(c Call) wire.Variants {
	const host = "the string to sign has the whole address, it must have the path alone"
	path := c.path()
	list := wire.Right(path)
	list.Add(c.Target, "the path in the string to sign has the query behind it, it must be the path alone")
	list.AddSlashes(path)
	for _, base := range []string{"https://api-sandbox.doku.com", "https://api.doku.com", "http://localhost:8600", "http://127.0.0.1:8600"} {
		list.Add(base+path, host)
		list.Add(base+c.Target, host)
		_, name, _ := strings.Cut(base, "//")
		list.Add(name+path, "the string to sign has the host in front of the path")
	}
	list.Add(c.Method+" "+path, "the string to sign has the method in front of the path")
	list.Add(c.Method+":"+path, "the string to sign has the method in front of the path")
	for _, other := range Paths {
		list.Add(other, "the string to sign has the path "+other+", not the one that was called")
	}
	list.Add(strings.TrimSuffix(PathStatus, "/"), "the string to sign has the path of check status without the invoice number")
	list.Add(PathStatus, "the string to sign has the path of check status without the invoice number")
	if plain, err := url.PathUnescape(path); err == nil {
		list.Add(plain, "the path in the string to sign is percent-decoded; sign it as it stands on the request line")
	}
	list.Add((&url.URL{Path: path}).EscapedPath(), "the path in the string to sign is percent-encoded twice")
	list.AddEnds(path)
	list.Add(wire.Omitted, "the string to sign lacks the line Request-Target")
	return list
}

func digests(c Call, body []byte) wire.Variants {
	if c.Method == "GET" {
		const extra = "the string to sign has a Digest line; a GET has none"
		list := wire.Right(wire.Omitted)
		for _, form := range []string{"", "{}", "null", "[]", `""`, string(body)} {
			list.Add(Digest([]byte(form)), extra)
		}
		list.Add("", extra)
		return list
	}
	hash := sha256.Sum256(body)
	list := wire.Right(Digest(body))
	list.Add(wire.Omitted, "the string to sign lacks the line Digest, which only a GET leaves out")
	add := func(form []byte, words string) { list.AddBody(Digest(form), words, form) }
	stripped := wire.Strip(body)
	for _, form := range [][]byte{body, stripped} {
		hash := sha256.Sum256(form)
		const inHex = "the digest is in hexadecimal, it must be base64 of the 32 bytes"
		list.Add(hex.EncodeToString(hash[:]), inHex)
		list.Add(strings.ToUpper(hex.EncodeToString(hash[:])), inHex)
		list.Add(base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(hash[:]))), "the digest is base64 of the hexadecimal text, it must be base64 of the 32 bytes")
		list.Add(string(form), "the string to sign has the body itself, it must have its SHA-256")
		list.Add(base64.StdEncoding.EncodeToString(form), "the string to sign has the body in base64, it must have its SHA-256")
		for _, end := range []string{"\n", "\r\n"} {
			add(append(bytes.Clone(form), end...), "the signed body ends with a line break that was not sent")
		}
	}
	for _, prefix := range []string{"SHA-256=", "SHA256="} {
		list.Add(prefix+Digest(body), "the digest in the string to sign begins with "+prefix+", it must be the base64 alone")
	}
	list.Add(strings.TrimRight(Digest(body), "="), "the digest in the string to sign lacks its padding (=)")
	list.Add(base64.URLEncoding.EncodeToString(hash[:]), "the digest uses the URL alphabet of base64 (- and _), it must use + and /")
	wide := sha512.Sum512(body)
	list.Add(base64.StdEncoding.EncodeToString(wide[:]), "the digest is SHA-512, it must be SHA-256")
	list.Add("", "the digest in the string to sign is empty")
	add(stripped, "the signed body lacks the white space of the one that was sent; the body must be signed as it is sent")
	wire.EditedBodies(body, add)
	if v, err := wire.Parse(body); err == nil {
		addPrinted(add, v)
		wire.Changed(v, add)
	}
	return list
}

// addPrinted adds the body as other encoders and habits would print it.
func addPrinted(add func([]byte, string), v wire.Value) {
	const again = "the signed body was printed differently from the one that was sent"
	printed := wire.Reprint(v)
	add(printed.Canonical, again+", with other white space or escapes")
	add(printed.Slashes, again+", with \\/ for a slash")
	add(printed.ASCII, again+", with \\u escapes")
	add(printed.ASCIISlashes, again+", with \\/ and \\u escapes")
	add(printed.HTML, again+", with \\u escapes for <, > and &")
	add(printed.Spaced, again+", with blanks behind colons and commas")
	for _, form := range printed.Indented {
		add(form, again+", with line breaks")
	}
	add(printed.Sorted, again+", with its members sorted by name")
	add(printed.Twice, "the body was encoded to JSON twice before signing")
}
