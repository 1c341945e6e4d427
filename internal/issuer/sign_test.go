package issuer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The example of the Standard Webhooks specification.
func TestVector(t *testing.T) {
	t.Parallel()
	secrets, err := ParseSecrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	body := []byte(`{"test": 2432232314}`)
	secrets.sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), body)
	if got := h.Get(HeaderSignature); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" || h.Get(HeaderTimestamp) != "1614265330" {
		t.Errorf("signed %v", h)
	}
	if id, err := secrets.verify(h, time.Unix(1614265330, 0).Add(Window), body); err != nil || id != "msg_p5jXN8AQM9LWM0D4loKWxJek" {
		t.Errorf("%q, %v", id, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	old, current := "whsec_"+strings.Repeat("b2xk", 8), "whsec_"+strings.Repeat("bmV3", 8)
	both, err := ParseSecrets(current + "\n" + old + "\n")
	if err != nil {
		t.Fatal(err)
	}
	one, err := ParseSecrets(old)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	body := []byte(`{"cash":1}`)
	signed := func(s Secrets, method, target string) *http.Request {
		r := httptest.NewRequest(method, target, nil)
		s.SignCall(r, "call-1", now, body)
		return r
	}
	check := func(s Secrets, r *http.Request, at time.Time, body string) error {
		_, err := s.verify(r.Header, at, callPayload(r.Method, r.URL.RequestURI(), []byte(body)))
		return err
	}
	target := "/issuer/v1/wallets/081211111111/topup"
	for name, c := range map[string]struct {
		r    *http.Request
		at   time.Time
		body string
		ok   bool
	}{
		"as it was":               {signed(both, "POST", target), now, string(body), true},
		"the old secret still":    {signed(one, "POST", target), now, string(body), true},
		"at the window's end":     {signed(both, "POST", target), now.Add(-Window), string(body), true},
		"too old":                 {signed(both, "POST", target), now.Add(Window + time.Second), string(body), false},
		"of the future":           {signed(both, "POST", target), now.Add(-Window - time.Second), string(body), false},
		"another body":            {signed(both, "POST", target), now, `{"cash":2}`, false},
		"another wallet":          {moved(signed(both, "POST", target), "POST", "/issuer/v1/wallets/081222222222/topup"), now, string(body), false},
		"another query":           {moved(signed(both, "POST", target), "POST", target+"?x=1"), now, string(body), false},
		"another method":          {moved(signed(both, "GET", target), "POST", target), now, string(body), false},
		"another id":              {with(signed(both, "POST", target), HeaderID, "call-2"), now, string(body), false},
		"no id":                   {with(signed(both, "POST", target), HeaderID, ""), now, string(body), false},
		"a long id":               {with(signed(both, "POST", target), HeaderID, strings.Repeat("x", 65)), now, string(body), false},
		"another time":            {with(signed(both, "POST", target), HeaderTimestamp, "1800000001"), now, string(body), false},
		"no time":                 {with(signed(both, "POST", target), HeaderTimestamp, "now"), now, string(body), false},
		"no signature":            {with(signed(both, "POST", target), HeaderSignature, ""), now, string(body), false},
		"another version":         {with(signed(both, "POST", target), HeaderSignature, "v2,"+strings.TrimPrefix(signed(one, "POST", target).Header.Get(HeaderSignature), "v1,")), now, string(body), false},
		"an empty signature":      {with(signed(both, "POST", target), HeaderSignature, "v1,"), now, string(body), false},
		"one of several is right": {with(signed(both, "POST", target), HeaderSignature, "v1,AAAA v1a,BBBB "+signed(one, "POST", target).Header.Get(HeaderSignature)), now, string(body), true},
	} {
		if err := check(both, c.r, c.at, c.body); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A message to the issuer is no call from it.
	h := http.Header{}
	both.sign(h, "msg_1", now, body)
	if _, err := both.verify(h, now, callPayload("POST", target, body)); err == nil {
		t.Error("a message passes for a call")
	}
}

func moved(r *http.Request, method, target string) *http.Request {
	to := httptest.NewRequest(method, target, nil)
	to.Header = r.Header
	return to
}

func with(r *http.Request, name, value string) *http.Request {
	r.Header.Set(name, value)
	return r
}

func TestParseSecretsRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "\n", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%%", "whsec_" + strings.Repeat("b2xk", 22),
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_c2hvcnQ="} {
		if list, err := ParseSecrets(bad); err == nil {
			t.Errorf("%q: %d secrets", bad, len(list))
		}
	}
}
