package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestClientBehindProxies(t *testing.T) {
	t.Parallel()
	trusted, err := parseProxies([]string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		peer      string
		forwarded []string
		client    string
		plain     int // status without TLS
	}{
		{"203.0.113.9:1000", nil, "203.0.113.9:1000", 403},
		{"203.0.113.9:1000", []string{"198.51.100.1"}, "203.0.113.9:1000", 403}, // anybody can write it
		{"127.0.0.1:1000", []string{"198.51.100.1"}, "127.0.0.1:1000", 200},     // no proxy unless named
		{"10.1.2.3:1000", nil, "10.1.2.3:1000", 200},
		{"10.1.2.3:1000", []string{"198.51.100.1"}, "198.51.100.1:0", 200},
		{"10.1.2.3:1000", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1:0", 200},             // the first was the caller's own
		{"10.1.2.3:1000", []string{"1.1.1.1", "198.51.100.1, 10.9.9.9"}, "198.51.100.1:0", 200}, // two proxies, two headers
		{"10.1.2.3:1000", []string{"198.51.100.1:4711"}, "198.51.100.1:0", 200},
		{"10.1.2.3:1000", []string{"[2001:db9::1]:4711"}, "[2001:db9::1]:0", 200},
		{"10.1.2.3:1000", []string{"198.51.100.1, unknown"}, "10.1.2.3:1000", 200},
		{"10.1.2.3:1000", []string{"10.0.0.5"}, "10.0.0.5:0", 200},
		{"[::ffff:192.0.2.1]:1000", []string{"198.51.100.1"}, "198.51.100.1:0", 200},
		{"[2001:db8::7]:1000", []string{"198.51.100.1"}, "198.51.100.1:0", 200},
	} {
		for _, encrypted := range []bool{true, false} {
			var got string
			h := trusted.front(encrypted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"] = c.forwarded
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want, status := c.client, http.StatusOK
			if !encrypted && c.plain != http.StatusOK {
				want, status = "", c.plain
			}
			if got != want || w.Code != status {
				t.Errorf("%s, forwarded %q, encrypted %t: %q and %d, want %q and %d", c.peer, c.forwarded, encrypted, got, w.Code, want, status)
			}
		}
	}
	for _, bad := range []string{"0.0.0.0/0", "::/0", "proxy.example.id", "10.0.0.0/33", ""} {
		if _, err := parseProxies([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
