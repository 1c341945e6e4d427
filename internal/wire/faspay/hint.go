package faspay

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Explain is the hint of [Diagnose] for a caller that has nothing but the call.
func Explain(userID, password, signed, signature string, message wire.Value) string {
	return Diagnose(userID, password, signed, signature, message, wire.Clues{}).Hint
}

// Diagnose searches the mistake behind a signature that [Verify] refused, for
// [wire.Verdict.Explain]. message is the whole request or notification: the
// signature may cover another of its members. It tries what goes wrong in practice,
// one mistake at a time and then two at once, and costs some thousand hashes: it is
// for the sandbox and for a merchant's own terminal only. The words never contain
// the password.
func Diagnose(userID, password, signed, signature string, message wire.Value, clues wire.Clues) wire.Diagnosis {
	text := strings.TrimSpace(signature)
	switch {
	case text == "":
		return wire.Obvious("The signature is empty.")
	case userID == "" || password == "":
		return wire.Obvious("The merchant has no user id or no password, so no signature can match.")
	}
	received, form := readSignature(text)
	if received == nil {
		return wire.Obvious("The signature is not hexadecimal with 40 digits.")
	}
	if text != signature {
		form = "the signature has blanks or line breaks around it"
	}
	var written []string
	if form != "" {
		written = append(written, form)
	}
	s := wire.Search{
		Axes: []wire.Variants{
			axisUser:     users(userID, message, clues),
			axisPassword: passwords(password, clues),
			axisSigned:   signeds(signed, message),
			axisOrder:    wire.Places(len(orders), func(i int) string { return orders[i].words }),
			axisHash:     wire.Places(len(hashes), func(i int) string { return hashes[i].words }),
		},
		Match: func(c wire.Choice) bool {
			joined := orders[c.Index(axisOrder)].join(c.Value(axisUser), c.Value(axisPassword), c.Value(axisSigned))
			return bytes.Equal(hashes[c.Index(axisHash)].sum(joined, password), received)
		},
	}
	found, ok := s.Run()
	d := wire.Conclude("signature", written, found, ok, unexplained)
	if ok {
		secret := passwordPlace
		if found.Value(axisPassword) == "" {
			secret = ""
		}
		d.Signed = orders[found.Index(axisOrder)].join(found.Value(axisUser), secret, found.Value(axisSigned))
	}
	return d
}

const unexplained = "no usual mistake leads to this signature. It is sha1(md5(user id + password + value)), both in lower-case " +
	"hexadecimal and with nothing between the three; compare the md5 with yours. If the value is the same, user id or password differ."

// readSignature decodes a signature, also when it is not hexadecimal by mistake.
func readSignature(text string) (raw []byte, mistake string) {
	if raw, err := hex.DecodeString(text); err == nil && len(raw) > 0 {
		return raw, ""
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, ""
	}
	if inner, err := hex.DecodeString(string(raw)); err == nil && len(inner) > 0 {
		return inner, "the signature is base64 of the hexadecimal text, it must be the hexadecimal text"
	}
	return raw, "the signature is in base64, it must be in hexadecimal"
}

// The axes of a search: the three parts, how they are joined, how they are hashed.
const (
	axisUser = iota
	axisPassword
	axisSigned
	axisOrder
	axisHash
)

func md5Raw(text string) []byte  { sum := md5.Sum([]byte(text)); return sum[:] }
func sha1Raw(text string) []byte { sum := sha1.Sum([]byte(text)); return sum[:] }
func md5Hex(text string) string  { return hex.EncodeToString(md5Raw(text)) }
func sha1Hex(text string) string { return hex.EncodeToString(sha1Raw(text)) }

func hmacRaw(text, key string) []byte {
	h := hmac.New(sha1.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sha256Raw(text string) []byte { sum := sha256.Sum256([]byte(text)); return sum[:] }
func sha512Raw(text string) []byte { sum := sha512.Sum512([]byte(text)); return sum[:] }

// utf16LE encodes text as some Windows libraries do by default.
func utf16LE(text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// hashes are ways to hash the joined text, the right one first.
var hashes = []struct {
	words string
	sum   func(text, key string) []byte
}{
	{"", func(t, _ string) []byte { return sha1Raw(md5Hex(t)) }},
	{"the MD5 was put into SHA-1 as 16 raw bytes, it must be its 32 hexadecimal digits", func(t, _ string) []byte { return sha1Raw(string(md5Raw(t))) }},
	{"the MD5 was put into SHA-1 in upper-case hexadecimal, it must be in lower case", func(t, _ string) []byte { return sha1Raw(strings.ToUpper(md5Hex(t))) }},
	{"the MD5 was put into SHA-1 in base64, it must be in hexadecimal", func(t, _ string) []byte { return sha1Raw(base64.StdEncoding.EncodeToString(md5Raw(t))) }},
	{"the MD5 was put into SHA-1 with a line break behind it", func(t, _ string) []byte { return sha1Raw(md5Hex(t) + "\n") }},
	{"the signature is the SHA-1 of the text itself, the MD5 before it is missing", func(t, _ string) []byte { return sha1Raw(t) }},
	{"the signature is the MD5 alone, the SHA-1 of it is missing", func(t, _ string) []byte { return md5Raw(t) }},
	{"the signature is the MD5 of the SHA-1, it must be the SHA-1 of the MD5", func(t, _ string) []byte { return md5Raw(sha1Hex(t)) }},
	{"the signature is SHA-1 twice, the inner one must be MD5", func(t, _ string) []byte { return sha1Raw(sha1Hex(t)) }},
	{"the signature is MD5 twice, the outer one must be SHA-1", func(t, _ string) []byte { return md5Raw(md5Hex(t)) }},
	{"the signature is the SHA-256 of the MD5, the outer one must be SHA-1", func(t, _ string) []byte { return sha256Raw(md5Hex(t)) }},
	{"the signature is a SHA-256, it must be the SHA-1 of the MD5", func(t, _ string) []byte { return sha256Raw(t) }},
	{"the signature is a SHA-512, it must be the SHA-1 of the MD5", func(t, _ string) []byte { return sha512Raw(t) }},
	{"the text to sign was encoded as UTF-16, it must be UTF-8", func(t, _ string) []byte { return sha1Raw(md5Hex(utf16LE(t))) }},
	{"the text to sign begins with a byte order mark", func(t, _ string) []byte { return sha1Raw(md5Hex("\ufeff" + t)) }},
	{"the signature is an HMAC with the password as key, it must be a plain SHA-1", func(t, key string) []byte { return hmacRaw(md5Hex(t), key) }},
	{"the signature is an HMAC with the password as key, it must be the plain SHA-1 of the MD5", func(t, key string) []byte { return hmacRaw(t, key) }},
}

// order is a way to join the three parts; the right one comes first.
type order struct {
	words string
	join  func(user, password, signed string) string
}

var orders = func() []order {
	const wrong = "the parts are in the wrong order; it is user id, password, value"
	list := []order{
		{"", func(u, p, x string) string { return u + p + x }},
		{"password and user id changed places; the order is user id, password, value", func(u, p, x string) string { return p + u + x }},
		{"value and password changed places; the order is user id, password, value", func(u, p, x string) string { return u + x + p }},
		{wrong, func(u, p, x string) string { return x + u + p }},
		{wrong, func(u, p, x string) string { return x + p + u }},
		{wrong, func(u, p, x string) string { return p + x + u }},
		{"the text to sign ends with a line break", func(u, p, x string) string { return u + p + x + "\n" }},
	}
	for _, separator := range []string{" + ", "+", " ", "|", ":", "-", "_", ",", ";", "##", "\n"} {
		list = append(list, order{"the parts are joined with something between them; they must follow each other directly",
			func(u, p, x string) string { return u + separator + p + separator + x }})
	}
	return list
}()

func users(userID string, message wire.Value, clues wire.Clues) wire.Variants {
	list := wire.Right(userID)
	list.AddOtherIDs("the user id", clues.Others)
	list.Add(strings.TrimPrefix(userID, "bot"), "the user id lacks its prefix bot")
	list.Add("bot"+userID, "the user id has one bot too many")
	list.Add(strings.ToLower(userID), "the user id is in lower case")
	list.Add(strings.ToUpper(userID), "the user id is in upper case")
	list.AddAll("the user id has a blank or line break around it", strings.TrimSpace(userID), " "+userID, userID+" ", userID+"\n")
	for _, name := range []string{"merchant_id", "merchant"} {
		if value := message.Get(name).Literal(); value != "" {
			list.Add(value, "the value of "+name+" stands in the place of the user id")
		}
	}
	list.Add("", "the user id is missing")
	return list
}

func passwords(password string, clues wire.Clues) wire.Variants {
	list := wire.Right(password)
	list.AddOthers("the password", clues.Others)
	list.Add(md5Hex(password), "the password was hashed with MD5 before use; its text itself belongs there")
	list.Add(sha1Hex(password), "the password was hashed with SHA-1 before use; its text itself belongs there")
	list.Add(base64.StdEncoding.EncodeToString([]byte(password)), "the password was base64-encoded before use")
	list.Add(url.QueryEscape(password), "the password was URL-encoded before use")
	list.Add(html.EscapeString(password), "the password was HTML- or XML-escaped before use")
	list.Add(strings.ToLower(password), "the password is in lower case")
	list.Add(strings.ToUpper(password), "the password is in upper case")
	list.AddAll("the password has blanks or a line break around it", strings.TrimSpace(password), " "+password, password+" ", password+"\n", password+"\r\n")
	list.AddAll("the password has quotes around it", `"`+password+`"`, `'`+password+`'`)
	list.Add("", "the password is missing")
	return list
}

func signeds(signed string, message wire.Value) wire.Variants {
	list := wire.Right(signed)
	for _, phone := range spellings(signed) {
		list.Add(phone, "the signature covers the phone number in another spelling than the one that was sent ("+phone+")")
	}
	values := map[string]string{}
	for _, m := range message.Members() {
		if m.Name != "signature" {
			values[m.Name] = m.Value.Literal()
			list.Add(values[m.Name], "the signature covers the value of "+m.Name)
			if strings.HasPrefix(m.Name, "phone") {
				list.AddAll("the signature covers the value of "+m.Name+", in another spelling than the one that was sent", spellings(values[m.Name])...)
			}
		}
	}
	for _, pair := range [][2]string{
		{"bill_no", "payment_status_code"}, {"payment_status_code", "bill_no"}, {"bill_no", "bill_total"}, {"bill_no", "phone_no"}, {"phone_no", "bill_no"},
		{"trx_id", "bill_no"}, {"bill_no", "trx_id"}, {"merchant_id", "phone_no"}, {"merchant_id", "bill_no"}, {"phone_no", "bill_total"},
	} {
		if values[pair[0]] != "" && values[pair[1]] != "" {
			list.Add(values[pair[0]]+values[pair[1]], "the signature covers the values of "+pair[0]+" and "+pair[1])
		}
	}
	list.AddAll("the signed value has blanks around it or lacks those that were sent", strings.TrimSpace(signed), " "+signed, signed+" ")
	list.AddAll("the signed value is in another letter case than the one that was sent", strings.ToLower(signed), strings.ToUpper(signed))
	list.Add(html.EscapeString(signed), "the signed value was XML- or HTML-escaped before use; sign it as it reads after parsing")
	list.Add(url.QueryEscape(signed), "the signed value was URL-encoded before use")
	list.AddAll("the signed value lost its leading zeros, as a number does; it is text", strings.TrimLeft(signed, "0"))
	list.AddAll("the signed value has quotes around it", `"`+signed+`"`, `'`+signed+`'`)
	for _, nothing := range []string{"null", "undefined", "None"} {
		list.Add(nothing, "the signature covers the word "+nothing+": the value was not set yet when it was made")
	}
	list.Add("", "the signature covers the credentials alone; the value behind them is missing")
	return list
}

// spellings are other ways to write an Indonesian phone number.
func spellings(phone string) []string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	local := strings.TrimPrefix(digits, "62")
	if local == digits {
		local = strings.TrimPrefix(digits, "0")
	}
	if len(local) < minPhone-2 {
		return nil
	}
	return []string{"0" + local, "62" + local, "+62" + local, local, "620" + local, "+620" + local, "0062" + local}
}
