package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	maxAnswer       = 64 << 10 // bytes of any answer's body that are read
	maxAnswerHeader = 32 << 10
	dialTimeout     = 10 * time.Second
	tlsTimeout      = 10 * time.Second
	// Idle connections live for the token call and the notification after it, and
	// end before any common server ends them: sending on a connection the other
	// side is closing would waste an attempt.
	idleTimeout = time.Second
)

// newClient makes a client for URLs that outsiders chose. It follows no
// redirects, uses no proxy and reads a bounded part of any answer. Unless
// allowPrivate, it connects only to public addresses on the ports of the web.
// Deadlines are its user's. A dial that is given judges addresses itself.
func newClient(allowPrivate bool, dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	if dial == nil {
		dial = newDialer(allowPrivate).DialContext
	}
	return &http.Client{
		Transport: bounded{&http.Transport{
			Proxy:                  nil, // a proxy from the environment would dial unjudged addresses
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    tlsTimeout,
			DisableCompression:     true, // nothing may grow on its way in
			MaxIdleConns:           256,
			MaxIdleConnsPerHost:    perMerchant,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxAnswerHeader,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newDialer(allowPrivate bool) *net.Dialer {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !allowPrivate {
		dialer.Control = controlPublic
	}
	return dialer
}

// bounded cuts the bodies of answers.
type bounded struct{ *http.Transport }

func (t bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(req)
	if err == nil {
		resp.Body = cut{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

type cut struct {
	io.Reader
	io.Closer
}

// controlPublic judges the address that a socket is about to connect to. By then
// names are resolved, so no resolver's trick gets past it.
func controlPublic(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("refused: %s is no IP address and port", address)
	}
	if reason := notPublic(to.Addr()); reason != "" {
		return errors.New("refused: " + reason)
	}
	if to.Port() != 80 && to.Port() != 443 {
		return fmt.Errorf("refused: port %d is neither 80 nor 443", to.Port())
	}
	return nil
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
)

// notPublicRanges are the special-purpose ranges of the address registries. All
// are refused, even the few that count as globally reachable: no shop is there.
// The first that matches names the reason.
var notPublicRanges = []struct {
	prefix netip.Prefix
	is     string
}{
	{netip.MustParsePrefix("0.0.0.0/32"), "an unspecified address"},
	{netip.MustParsePrefix("0.0.0.0/8"), "an address of this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a carrier's private address"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud platform's control address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "an address reserved for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "a documentation address"},
	{netip.MustParsePrefix("192.31.196.0/24"), "an address reserved for protocols"},
	{netip.MustParsePrefix("192.52.193.0/24"), "an address reserved for protocols"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("192.175.48.0/24"), "an address reserved for protocols"},
	{netip.MustParsePrefix("198.18.0.0/15"), "a benchmark address"},
	{netip.MustParsePrefix("198.51.100.0/24"), "a documentation address"},
	{netip.MustParsePrefix("203.0.113.0/24"), "a documentation address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "a broadcast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},

	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("::/96"), "an IPv4-compatible address"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "an IPv4-translated address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a local NAT64 address"},
	{netip.MustParsePrefix("100::/64"), "a discard address"},
	{netip.MustParsePrefix("100:0:0:1::/64"), "a discard address"},
	{netip.MustParsePrefix("2001::/32"), "a Teredo address"},
	{netip.MustParsePrefix("2001:2::/48"), "a benchmark address"},
	{netip.MustParsePrefix("2001::/23"), "an address reserved for protocols"},
	{netip.MustParsePrefix("2001:db8::/32"), "a documentation address"},
	{netip.MustParsePrefix("2002::/16"), "a 6to4 address"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "an address reserved for protocols"},
	{netip.MustParsePrefix("3fff::/20"), "a documentation address"},
	{netip.MustParsePrefix("5f00::/16"), "a segment routing address"},
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

// notPublic says why an address is not one of the public internet, or "".
//
// Where IPv6 only carries an IPv4 address to connect to, the IPv4 address is
// judged: mapped addresses, and the NAT64 prefix that networks without IPv4 reach
// every older host by. Tunnels that embed one, 6to4 and Teredo, are refused
// whatever they lead to.
func notPublic(a netip.Addr) string {
	if a.Zone() != "" {
		a = a.WithZone("") // ranges never contain an address with a zone
	}
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, r := range notPublicRanges {
		if r.prefix.Contains(a) {
			return a.String() + " is " + r.is
		}
	}
	if !a.Is4() && !globalUnicast.Contains(a) {
		return a.String() + " is outside the public range"
	}
	return ""
}
