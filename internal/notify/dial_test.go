package notify

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// Every address is judged; the empty reason means public.
var judged = []struct{ is, addresses string }{
	{"", `1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 103.10.128.1 126.255.255.255 128.0.0.0
		168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0
		192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255
		203.0.114.0 223.255.255.255
		::ffff:8.8.8.8 ::ffff:808:808 64:ff9b::8.8.8.8 64:ff9b::808:808
		2001:200:: 2001:4860:4860::8888 2001:db7:ffff:: 2001:db9:: 2003:: 2404:c0::1 2606:4700:4700::1111 2620:fe::fe
		3ffe:ffff:: 3fff:1000:: 2a00:1450:4001::200e`},
	{"an unspecified address", `0.0.0.0 :: ::ffff:0.0.0.0 64:ff9b::`},
	{"an address of this network", `0.0.0.1 0.255.255.255 ::ffff:0.1.2.3`},
	{"a private address", `10.0.0.0 10.1.2.3 10.255.255.255 172.16.0.0 172.20.10.1 172.31.255.255 192.168.0.0 192.168.1.1
		192.168.255.255 ::ffff:10.0.0.1 ::ffff:192.168.0.1 ::ffff:c0a8:1 64:ff9b::10.0.0.1 64:ff9b::c0a8:101
		fc00:: fc00::1 fd00::1 fd00:ec2::254 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fd12:3456::1%eth0`},
	{"a carrier's private address", `100.64.0.0 100.100.100.200 100.127.255.255 ::ffff:100.64.0.1 64:ff9b::100.64.0.1`},
	{"a loopback address", `127.0.0.0 127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.255 ::1 ::1%lo ::ffff:127.0.0.1
		::ffff:7f00:1 0:0:0:0:0:ffff:7f00:0001 64:ff9b::127.0.0.1 64:ff9b::7f00:1`},
	{"a cloud platform's control address", `168.63.129.16 ::ffff:168.63.129.16 64:ff9b::168.63.129.16`},
	{"a link-local address", `169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe
		64:ff9b::169.254.169.254 64:ff9b::a9fe:a9fe fe80:: fe80::1 fe80::1%eth0 fe80::a9fe:a9fe
		febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff`},
	{"an address reserved for protocols", `192.0.0.0 192.0.0.8 192.0.0.170 192.0.0.192 192.0.0.255 192.31.196.1 192.52.193.1
		192.175.48.1 2001:1::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:1ff:ffff:: 2620:4f:8000::1`},
	{"a documentation address", `192.0.2.0 192.0.2.255 198.51.100.1 203.0.113.1 ::ffff:192.0.2.1 64:ff9b::192.0.2.1
		2001:db8:: 2001:db8:ffff::1 3fff:: 3fff:fff:ffff::1`},
	{"a 6to4 relay address", `192.88.99.0 192.88.99.1 192.88.99.255`},
	{"a benchmark address", `198.18.0.0 198.18.0.1 198.19.255.255 ::ffff:198.18.0.1 2001:2::1 2001:2:0:ffff::1`},
	{"a multicast address", `224.0.0.0 224.0.0.1 232.1.1.1 239.255.255.255 ::ffff:224.0.0.1 ff00:: ff02::1 ff02::1%eth0 ff05::2 ff0e::1
		ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`},
	{"a reserved address", `240.0.0.0 250.1.2.3 255.255.255.254 ::ffff:240.0.0.1`},
	{"a broadcast address", `255.255.255.255 ::ffff:255.255.255.255 64:ff9b::255.255.255.255`},
	{"an IPv4-compatible address", `::2 ::127.0.0.1 ::10.0.0.1 ::8.8.8.8 ::169.254.169.254`},
	{"an IPv4-translated address", `::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8`},
	{"a local NAT64 address", `64:ff9b:1:: 64:ff9b:1::10.0.0.1 64:ff9b:1:ffff::8.8.8.8`},
	{"a discard address", `100:: 100::1 100::ffff:ffff:ffff:ffff 100:0:0:1::1`},
	{"a Teredo address", `2001:: 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2`},
	{"a 6to4 address", `2002:: 2002:7f00:1::1 2002:a00:1::1 2002:808:808::1 2002:a9fe:a9fe::1`},
	{"a segment routing address", `5f00:: 5f00::1 5f00:ffff::1`},
	{"a site-local address", `fec0:: fec0::1 feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`},
	{"outside the public range", `::1:0:0:0 64:ff9a:: 64:ff9b:0:0:0:1:a00:1 64:ff9b:2::1 100:0:0:2::1 200::1 400::1 1fff:ffff::1 4000::1 5eff::1 5f01::1
		8000::1 fbff::1 fe00::1 fe7f::1`},
}

func TestNotPublic(t *testing.T) {
	t.Parallel()
	count := 0
	for _, c := range judged {
		for a := range strings.FieldsSeq(c.addresses) {
			count++
			reason := notPublic(netip.MustParseAddr(a))
			if c.is == "" && reason != "" || !strings.HasSuffix(reason, c.is) {
				t.Errorf("%s: %q, want %q", a, reason, c.is)
			}
		}
	}
	if count < 120 {
		t.Errorf("only %d addresses", count)
	}
}

func FuzzNotPublic(f *testing.F) {
	for _, c := range judged {
		for a := range strings.FieldsSeq(c.addresses) {
			b, _ := netip.MustParseAddr(a).MarshalBinary()
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok || notPublic(a) != "" {
			return
		}
		// Judged public: the standard library may not know better, nor may
		// another way to write the same address.
		if !a.IsGlobalUnicast() || a.IsPrivate() || notPublic(a.Unmap()) != "" {
			t.Errorf("%s passed", a)
		}
		if a.Is4() {
			b := a.As4()
			long := [16]byte{10: 0xff, 11: 0xff}
			copy(long[12:], b[:])
			if reason := notPublic(netip.AddrFrom16(long)); reason != "" {
				t.Errorf("%s passed, but mapped it is refused: %s", a, reason)
			}
		}
	})
}

func TestControlPublic(t *testing.T) {
	t.Parallel()
	for address, says := range map[string]string{
		"8.8.8.8:443":                "",
		"8.8.8.8:80":                 "",
		"[2606:4700:4700::1111]:443": "",
		"8.8.8.8:25":                 "refused: port 25 is neither 80 nor 443",
		"8.8.8.8:8443":               "refused: port 8443 is neither 80 nor 443",
		"127.0.0.1:443":              "refused: 127.0.0.1 is a loopback address",
		"[::ffff:10.1.2.3]:443":      "refused: 10.1.2.3 is a private address",
		"[fe80::1%eth0]:80":          "refused: fe80::1 is a link-local address",
		"shop.test:443":              "refused: shop.test:443 is no IP address and port",
	} {
		got := ""
		if err := controlPublic("tcp", address, nil); err != nil {
			got = err.Error()
		}
		if got != says {
			t.Errorf("%s: %q, want %q", address, got, says)
		}
	}
}

// The name is judged by what it resolves to, when a connection is made.
func TestDial(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		_, err := get(t, newClient(false, nil), "http://"+host+port)
		if err == nil || !strings.Contains(err.Error(), "refused: ") || !strings.Contains(err.Error(), "address") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if hits := s.hits.Load(); hits != 0 {
		t.Fatalf("%d requests got through", hits)
	}
	for _, host := range []string{"localhost", "127.0.0.1"} {
		if status, err := get(t, newClient(true, nil), "http://"+host+port); err != nil || status != 200 {
			t.Errorf("%s: status %d, %v", host, status, err)
		}
	}
	if newClient(false, nil).Transport.(bounded).Proxy != nil {
		t.Error("the client may use a proxy")
	}
}

func get(t *testing.T, c *http.Client, url string) (int, error) {
	t.Helper()
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, nil
}
