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
	"slices"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Explain searches the mistake behind a signature that [Verify] refused and says
// it in words, for Verdict.Hint. message is the whole request or notification: the
// signature may cover another of its members. It tries what goes wrong in practice,
// one mistake at a time and then two at once, and costs some thousand hashes: it is
// for the sandbox and for a merchant's own terminal only. The words never contain
// the password.
func Explain(userID, password, signed, signature string, message wire.Value) string {
	text := strings.TrimSpace(signature)
	switch {
	case text == "":
		return "The signature is empty."
	case userID == "" || password == "":
		return "The merchant has no user id or no password, so no signature can match."
	}
	received, form := readSignature(text)
	if received == nil {
		return "The signature is not hexadecimal with 40 digits."
	}
	if text != signature {
		form = "the signature has blanks or line breaks around it"
	}
	s := search{received: received, key: password}
	s.values[axisUser] = users(userID)
	s.values[axisPassword] = passwords(password)
	s.values[axisSigned] = signeds(signed, message)
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

// variant is one value for a part of the signed text, and the mistake that leads
// to it. As with hashes and orders, the right one comes first and has no words.
type variant struct {
	value string
	words string
}

// The axes of a search: the three parts, how they are joined, how they are hashed.
const (
	axisUser = iota
	axisPassword
	axisSigned
	axisOrder
	axisHash
	axes
)

type search struct {
	received []byte
	key      string
	values   [axisOrder][]variant
}

func (s *search) size(axis int) int {
	switch axis {
	case axisOrder:
		return len(orders)
	case axisHash:
		return len(hashes)
	}
	return len(s.values[axis])
}

// run returns the fewest mistakes that lead to the signature, and whether any do.
func (s *search) run() (words []string, ok bool) {
	var choice [axes]int
	if s.try(choice) {
		return nil, true
	}
	for a := range axes {
		for i := 1; i < s.size(a); i++ {
			choice[a] = i
			if s.try(choice) {
				return s.words(choice), true
			}
		}
		choice[a] = 0
	}
	for a := range axes {
		for b := a + 1; b < axes; b++ {
			for i := 1; i < s.size(a); i++ {
				for j := 1; j < s.size(b); j++ {
					choice[a], choice[b] = i, j
					if s.try(choice) {
						return s.words(choice), true
					}
				}
			}
			choice[a], choice[b] = 0, 0
		}
	}
	return nil, false
}

func (s *search) words(choice [axes]int) []string {
	var words []string
	for a, list := range s.values {
		words = append(words, list[choice[a]].words)
	}
	words = append(words, orders[choice[axisOrder]].words, hashes[choice[axisHash]].words)
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

func (s *search) try(choice [axes]int) bool {
	text := orders[choice[axisOrder]].join(s.values[axisUser][choice[axisUser]].value,
		s.values[axisPassword][choice[axisPassword]].value, s.values[axisSigned][choice[axisSigned]].value)
	return bytes.Equal(hashes[choice[axisHash]].sum(text, s.key), s.received)
}

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

// hashes are ways to hash the joined text.
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
	{"the signature is an HMAC with the password as key, it must be a plain SHA-1", func(t, key string) []byte { return hmacRaw(md5Hex(t), key) }},
	{"the signature is an HMAC with the password as key, it must be the plain SHA-1 of the MD5", func(t, key string) []byte { return hmacRaw(t, key) }},
}

// order is a way to join the three parts.
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

// distinct appends a value unless it is there already.
func distinct(list []variant, value, words string) []variant {
	for _, have := range list {
		if have.value == value {
			return list
		}
	}
	return append(list, variant{value, words})
}

func users(userID string) []variant {
	list := []variant{{userID, ""}}
	list = distinct(list, strings.TrimPrefix(userID, "bot"), "the user id lacks its prefix bot")
	list = distinct(list, "bot"+userID, "the user id has one bot too many")
	list = distinct(list, strings.ToLower(userID), "the user id is in lower case")
	list = distinct(list, strings.ToUpper(userID), "the user id is in upper case")
	for _, blank := range []string{strings.TrimSpace(userID), " " + userID, userID + " ", userID + "\n"} {
		list = distinct(list, blank, "the user id has a blank or line break around it")
	}
	return distinct(list, "", "the user id is missing")
}

func passwords(password string) []variant {
	list := []variant{{password, ""}}
	list = distinct(list, md5Hex(password), "the password was hashed with MD5 before use; its text itself belongs there")
	list = distinct(list, sha1Hex(password), "the password was hashed with SHA-1 before use; its text itself belongs there")
	list = distinct(list, base64.StdEncoding.EncodeToString([]byte(password)), "the password was base64-encoded before use")
	list = distinct(list, url.QueryEscape(password), "the password was URL-encoded before use")
	list = distinct(list, html.EscapeString(password), "the password was HTML- or XML-escaped before use")
	list = distinct(list, strings.ToLower(password), "the password is in lower case")
	list = distinct(list, strings.ToUpper(password), "the password is in upper case")
	for _, blank := range []string{strings.TrimSpace(password), " " + password, password + " ", password + "\n", password + "\r\n"} {
		list = distinct(list, blank, "the password has blanks or a line break around it")
	}
	for _, quote := range []string{`"`, `'`} {
		list = distinct(list, quote+password+quote, "the password has quotes around it")
	}
	return distinct(list, "", "the password is missing")
}

func signeds(signed string, message wire.Value) []variant {
	list := []variant{{signed, ""}}
	for _, phone := range spellings(signed) {
		list = distinct(list, phone, "the signature covers the phone number in another spelling than the one that was sent ("+phone+")")
	}
	values := map[string]string{}
	for _, m := range message.Members() {
		if m.Name != "signature" {
			values[m.Name] = m.Value.Literal()
			list = distinct(list, values[m.Name], "the signature covers the value of "+m.Name)
		}
	}
	for _, pair := range [][2]string{
		{"bill_no", "payment_status_code"}, {"payment_status_code", "bill_no"}, {"bill_no", "bill_total"}, {"bill_no", "phone_no"}, {"phone_no", "bill_no"},
		{"trx_id", "bill_no"}, {"bill_no", "trx_id"}, {"merchant_id", "phone_no"}, {"merchant_id", "bill_no"}, {"phone_no", "bill_total"},
	} {
		if values[pair[0]] != "" && values[pair[1]] != "" {
			list = distinct(list, values[pair[0]]+values[pair[1]], "the signature covers the values of "+pair[0]+" and "+pair[1])
		}
	}
	for _, blank := range []string{strings.TrimSpace(signed), " " + signed, signed + " "} {
		list = distinct(list, blank, "the signed value has blanks around it or lacks those that were sent")
	}
	for _, nothing := range []string{"null", "undefined", "None"} {
		list = distinct(list, nothing, "the signature covers the word "+nothing+": the value was not set yet when it was made")
	}
	return distinct(list, "", "the signature covers the credentials alone; the value behind them is missing")
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

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
