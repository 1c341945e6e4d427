package faspay

import (
	"strings"
	"testing"
)

// FuzzVerifyFaspay: what is accepted is the one digest, in either letter case.
func FuzzVerifyFaspay(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v["user"], v["password"], v["signed"], v["signature"])
	}
	f.Add("", "", "", "")
	f.Fuzz(func(t *testing.T, user, password, signed, signature string) {
		v := Verify(user, password, signed, signature)
		// ToLower of a non-ASCII letter may give an ASCII one; those are no digest.
		if v.OK != (user != "" && password != "" && strings.ToLower(signature) == v.Expected) {
			t.Fatalf("Verify(%q, %q, %q, %q) = %+v", user, password, signed, signature, v)
		}
		if user != "" && password != "" && !Verify(user, password, signed, Sign(user, password, signed)).OK {
			t.Fatal("the right signature is refused")
		}
		if strings.Contains(v.StringToSign, password) && len(password) > len("{password}"+user+signed) {
			t.Fatalf("the verdict shows the password: %q", v.StringToSign)
		}
	})
}

// FuzzCallback: a callback that is accepted is printed and read again as the same.
func FuzzCallback(f *testing.F) {
	f.Add("response=OVO&phone_number=0812&response_code=00&response_desc=Success", "https://shop.test/back?a=1")
	f.Add("phone_number=a&phone_number=b", "http://x")
	f.Add("%zz;&=", "//")
	f.Fuzz(func(t *testing.T, query, target string) {
		c, err := ParseCallback(query)
		if err != nil {
			return
		}
		printed, err := c.URL(target)
		if err != nil {
			return
		}
		_, raw, _ := strings.Cut(printed, "?")
		raw, _, _ = strings.Cut(raw, "#")
		again, err := ParseCallback(raw)
		if err != nil || again != c {
			t.Fatalf("%q at %q is printed as %q and read as %+v, %v", query, target, printed, again, err)
		}
	})
}
