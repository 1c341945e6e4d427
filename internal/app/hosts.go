package app

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// ownHost lets only those requests at what a sandbox serves without a sign-in that
// name the sandbox as people and programs do. A web site that a developer visits can
// give its own name the address 127.0.0.1; to the browser the sandbox is then that
// site, and every secret in it is the site's. Paths of the protocols stay open: their
// calls are signed, and they are what tunnels lead to.
func ownHost(base string, mux *http.ServeMux) http.Handler {
	named := ""
	if u, err := url.Parse(base); err == nil {
		named = strings.ToLower(u.Hostname())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "/" && !ownName(r.Host, named) {
			http.Error(w, "this sandbox is not "+strings.ToValidUTF8(r.Host, "?")+"; if it is reached by that name, start it with --base-url", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// privateNames end the names that no public server can give an address.
var privateNames = []string{".localhost", ".internal", ".local", ".test", ".home.arpa"}

// ownName reports whether a Host header can be of this machine or network: the name
// in the base URL, an address, a name of one label, or one that ends as private ones do.
func ownName(hostport, named string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil || host == named || host != "" && !strings.Contains(host, ".") {
		return true
	}
	for _, end := range privateNames {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}
