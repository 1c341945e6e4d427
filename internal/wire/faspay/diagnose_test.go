package faspay

import (
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Mistakes that only the rest of the message and the other merchants show.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	const user, password, bill = "bot77001", "demo-P@ss1", "00A&b-9"
	message := mustParse(t, JSON, `{"merchant_id":"99001","bill_no":"00A&b-9","phone_no":"081200001111","signature":"x"}`)
	clues := wire.Clues{Others: []wire.Other{{Name: "Warung Lain", ID: "bot88002", Secret: "pw-another"}}}
	for _, test := range []struct{ name, signature, want, signed string }{
		{"another merchant's password", Sign(user, "pw-another", bill), "The password of another merchant was used, that of Warung Lain (bot88002).", user + passwordPlace + bill},
		{"another merchant's user id", Sign("bot88002", password, bill), "The user id of another merchant was signed", "bot88002" + passwordPlace + bill},
		{"merchant id for the user id", Sign("99001", password, bill), "The value of merchant_id stands in the place of the user id", "99001" + passwordPlace + bill},
		{"phone for the bill", Sign(user, password, "081200001111"), "The signature covers the value of phone_no", user + passwordPlace + "081200001111"},
		{"phone rewritten and for the bill", Sign(user, password, "6281200001111"), "The signature covers the value of phone_no, in another spelling", user + passwordPlace + "6281200001111"},
		{"escaped", Sign(user, password, "00A&amp;b-9"), "XML- or HTML-escaped", user + passwordPlace + "00A&amp;b-9"},
		{"url-encoded", Sign(user, password, "00A%26b-9"), "URL-encoded", user + passwordPlace + "00A%26b-9"},
		{"leading zeros", Sign(user, password, "A&b-9"), "leading zeros", user + passwordPlace + "A&b-9"},
		{"letter case", Sign(user, password, "00a&b-9"), "another letter case", user + passwordPlace + "00a&b-9"},
		{"quotes", Sign(user, password, `"00A&b-9"`), "quotes around it", user + passwordPlace + `"00A&b-9"`},
		{"utf-16", sha1Hex(md5Hex(utf16LE(user + password + bill))), "UTF-16", user + passwordPlace + bill},
		{"byte order mark", Sign("\ufeff"+user, password, bill), "byte order mark", user + passwordPlace + bill},
		{"no password", Sign(user, "", bill), "The password is missing", user + bill},
		{"swapped", Sign(password, user, bill), "changed places", passwordPlace + user + bill},
		{"upper-case md5", sha1Hex(strings.ToUpper(md5Hex(user + password + bill))), "upper-case hexadecimal", user + passwordPlace + bill},
		{"raw md5", sha1Hex(string(md5Raw(user + password + bill))), "16 raw bytes", user + passwordPlace + bill},
	} {
		d := Diagnose(user, password, bill, test.signature, message, clues)
		if !strings.Contains(d.Hint, test.want) || d.Signed != test.signed {
			t.Errorf("%s: hint %q, signed %q\nwant %q in it and %q", test.name, d.Hint, d.Signed, test.want, test.signed)
		}
		if strings.Contains(d.Hint+d.Signed, password) || strings.Contains(d.Hint+d.Signed, "pw-another") {
			t.Errorf("%s gives a password away: %+v", test.name, d)
		}
	}
}
