package notify

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// names is a resolver of the test's own: a name server on the loopback that knows
// a few names. A name's answers take turns, as those of an attacker do who shows a
// public address to whoever checks and a private one to whoever connects.
func names(t *testing.T, known map[string][][]string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		asked := map[string]int{}
		packet := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer := answerQuery(packet[:n], known, asked); answer != nil {
				server.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// answerQuery answers one question of type A or AAAA (RFC 1035).
func answerQuery(query []byte, known map[string][][]string, asked map[string]int) []byte {
	if len(query) < 17 {
		return nil
	}
	var labels []string
	at := 12
	for query[at] != 0 {
		end := at + 1 + int(query[at])
		labels = append(labels, string(query[at+1:end]))
		at = end
	}
	name, kind, question := strings.ToLower(strings.Join(labels, ".")), binary.BigEndian.Uint16(query[at+1:]), query[12:at+5]
	turns, found := known[name]
	var records []byte
	count := 0
	if found {
		key := fmt.Sprint(name, kind)
		for _, text := range turns[min(asked[key], len(turns)-1)] {
			address := netip.MustParseAddr(text)
			if address.Is4() != (kind == 1) {
				continue
			}
			count++
			records = append(records, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(address.AsSlice())))
			records = append(records, address.AsSlice()...)
		}
		asked[key]++
	}
	header := append([]byte{}, query[:2]...)
	header = append(header, 0x81, 0x80, 0, 1, 0, byte(count), 0, 0, 0, 0)
	if !found {
		header[3] = 0x83 // no such name
	}
	return append(append(header, question...), records...)
}

// targets are URLs that lead, or pretend to lead, to where no shop is. $ stands for
// the decoy's port.
const targets = `
	http://127.0.0.1:$/ http://127.0.0.1/ https://127.0.0.1:443/ http://127.1/ http://127.0.1/ http://0/ http://0:$/ http://0.0.0.0:$/ http://0000/
	http://2130706433/ http://2130706433:$/ http://0x7f000001/ http://0x7f.0.0.1/ http://0x7f.1/ http://0177.0.0.1/ http://017700000001/
	http://127.0.0.1.:$/ http://127.000.000.001:$/ http://127.0.0.1%2f@1.1.1.1/ http://127.255.255.254:$/
	http://localhost:$/ http://LOCALHOST:$/ http://localhost.:$/ http://localhost.localdomain/ http://ip6-localhost:$/ http://sub.localhost:$/
	http://[::1]:$/ http://[0:0:0:0:0:0:0:1]:$/ http://[::]:$/ http://[::ffff:127.0.0.1]:$/ http://[::ffff:7f00:1]:$/ http://[0:0:0:0:0:ffff:127.0.0.1]:$/
	http://[::127.0.0.1]:$/ http://[64:ff9b::127.0.0.1]:$/ http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://[fe80::1%25lo]:$/ http://[::1%25lo]:$/
	http://169.254.169.254/latest/meta-data/ http://169.254.169.254:80/ http://169.254.170.2/v2/credentials http://2852039166/ http://0xa9fea9fe/ http://0251.0376.0251.0376/
	http://[::ffff:169.254.169.254]/ http://[::ffff:a9fe:a9fe]/ http://[64:ff9b::a9fe:a9fe]/ http://[fd00:ec2::254]/ http://168.63.129.16/ http://100.100.100.200/
	http://metadata.google.internal/ http://metadata/ http://instance-data/ http://kubernetes.default.svc/ http://consul/ http://host.docker.internal/
	http://10.0.0.1/ http://10.255.255.255/ http://10.1/ http://167772161/ http://172.16.0.1/ http://172.31.255.255/ http://192.168.0.1/ http://192.168.255.255/ http://192.168.1/
	http://100.64.0.1/ http://100.127.255.255/ http://198.18.0.1/ http://198.19.255.255/ http://192.0.0.1/ http://192.0.2.1/ http://198.51.100.1/ http://203.0.113.1/
	http://192.88.99.1/ http://224.0.0.1/ http://239.255.255.255/ http://240.0.0.1/ http://255.255.255.255/ http://0.1.2.3/
	http://[fc00::1]/ http://[fd12:3456::1]/ http://[fe80::1]/ http://[febf::1]/ http://[fec0::1]/ http://[ff02::1]/ http://[2001:db8::1]/ http://[3fff::1]/ http://[100::1]/
	http://[2001::1]/ http://[2002:a00:1::1]/ http://[2002:c0a8:101::1]/ http://[5f00::1]/ http://[64:ff9b:1::1]/ http://[::ffff:0:127.0.0.1]/ http://[::10.0.0.1]/
	http://private.test/ http://loopback.test/ http://metadata.test/ http://six.test/ http://mapped.test/ http://rebind.test/ http://rebind.test/again http://mixed.test/ http://mixed.test:443/
	http://private.test.:80/ http://PRIVATE.test/ http://private%2etest/ http://user:pass@loopback.test/ http://1.1.1.1@loopback.test/ http://loopback.test#@1.1.1.1/ http://loopback.test?@1.1.1.1/
	http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://ⓛocalhost/ http://１２７.0.0.1/
	http://8.8.8.8:22/ http://8.8.8.8:25/ http://8.8.8.8:6379/ http://8.8.8.8:3306/ http://8.8.8.8:5432/ http://8.8.8.8:8080/ http://public.test:11211/ http://public.test:0/ http://[2606:4700:4700::1111]:53/
	file:///etc/passwd ftp://127.0.0.1:$/ gopher://127.0.0.1:$/_x dict://127.0.0.1:$/ ldap://127.0.0.1:$/ unix:///var/run/docker.sock data:text/plain,x javascript:x jar:http://127.0.0.1:$/
	//127.0.0.1:$/ /etc/passwd http:// http:/// http://:$/ http:127.0.0.1:$ https:///127.0.0.1:$`

// TestForbiddenTargets asks the client for everything that no notification may
// reach. Nothing may connect to anything but a public address on a port of the
// web, and there the test stops it: no packet leaves this machine.
func TestForbiddenTargets(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	decoy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer decoy.Close()
	port := decoy.URL[strings.LastIndex(decoy.URL, ":")+1:]

	errStopped := errors.New("stopped by the test")
	var mu sync.Mutex
	var passed []string
	dialer := newDialer(false)
	judge := dialer.Control
	dialer.Control = func(network, address string, c syscall.RawConn) error {
		if err := judge(network, address, c); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		passed = append(passed, address)
		return errStopped
	}
	dialer.Resolver = names(t, map[string][][]string{
		"private.test":  {{"10.1.2.3"}},
		"loopback.test": {{"127.0.0.1"}},
		"metadata.test": {{"169.254.169.254"}},
		"six.test":      {{"fd00::1", "::1"}},
		"mapped.test":   {{"::ffff:127.0.0.1"}},
		"public.test":   {{"93.184.215.14"}},
		"rebind.test":   {{"93.184.215.14"}, {"127.0.0.1"}},
		"mixed.test":    {{"127.0.0.1", "93.184.215.14", "10.0.0.1"}},
	})
	client := newClient(false, dialer.DialContext)
	count := 0
	for target := range strings.FieldsSeq(targets) {
		count++
		target = strings.ReplaceAll(target, "$", port)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if err != nil {
			continue // not even a URL
		}
		if resp, err := client.Do(req); err == nil {
			t.Errorf("%s was answered with %d", target, resp.StatusCode)
		}
	}
	if count < 120 {
		t.Errorf("only %d targets", count)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests reached this machine", n)
	}
	for _, address := range passed {
		if host, _, _ := net.SplitHostPort(address); host != "93.184.215.14" && host != "1.1.1.1" {
			t.Errorf("a connection to %s was allowed", address)
		}
	}
	// The names with a public address got as far as connecting: the resolver works.
	if len(passed) < 3 {
		t.Errorf("connections allowed: %v", passed)
	}
}

// TestRedirectsLeadNowhere: an answer cannot send a notification elsewhere.
func TestRedirectsLeadNowhere(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	decoy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer decoy.Close()
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		for name, header := range map[string]string{"Location": decoy.URL, "Refresh": "0; url=" + decoy.URL, "Alt-Svc": `http/1.1="` + strings.TrimPrefix(decoy.URL, "http://") + `"`} {
			shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set(name, header)
				w.WriteHeader(status)
			}))
			if got, err := get(t, newClient(true, nil), shop.URL); err != nil || got != status {
				t.Errorf("%d: %d, %v", status, got, err)
			}
			shop.Close()
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}
