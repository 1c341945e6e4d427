package app

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks of reverse proxies, whose word on where a request comes
// from counts. Nobody else's does: a header is written by anyone.
type proxies []netip.Prefix

// parseProxies reads addresses and CIDR ranges.
func parseProxies(entries []string) (list proxies, err error) {
	for _, entry := range entries {
		network, err := netip.ParsePrefix(entry)
		if err != nil {
			addr, err := netip.ParseAddr(entry)
			if err != nil {
				return nil, fmt.Errorf("%q is no address and no range such as 10.0.0.0/8", entry)
			}
			network = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		if network.Bits() == 0 {
			return nil, fmt.Errorf("%q is everybody", entry)
		}
		list = append(list, network.Masked())
	}
	return list, nil
}

func (p proxies) has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// client is where a request comes from: the peer of its connection or, when that is
// a proxy, the last address of X-Forwarded-For that is none. What stands before that
// the caller may have written.
func (p proxies) client(r *http.Request) (peer, client netip.Addr) {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	peer = from.Addr()
	client = peer
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.has(client); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break // the proxy itself is as far as one can see
		}
		client = hop
	}
	return peer, client
}

// parseHop reads an address as proxies write it, with or without a port.
func parseHop(text string) (netip.Addr, error) {
	if from, err := netip.ParseAddrPort(text); err == nil {
		return from.Addr(), nil
	}
	return netip.ParseAddr(strings.Trim(text, "[]"))
}

// front stands before everything that strangers reach. It gives each request the
// address of its client. Where connections are not encrypted, it answers proxies and
// this machine only: what others send has been readable on its way.
func (p proxies) front(encrypted bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, client := p.client(r)
		if !encrypted && !peer.Unmap().IsLoopback() && !p.has(peer) {
			http.Error(w, "This address speaks to its proxy only. Use https and the public address.", http.StatusForbidden)
			return
		}
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		if client != peer {
			r.RemoteAddr = net.JoinHostPort(client.String(), "0")
		}
		next.ServeHTTP(w, r)
	})
}
