package faspay_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/dialect/faspay"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// signatureVectors reads the vectors of package wire/faspay, which were made outside
// this code.
func signatureVectors(t *testing.T) (list []map[string]string) {
	t.Helper()
	text, err := os.ReadFile("../../wire/faspay/testdata/signatures.txt")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := map[string]string{}
		for line := range strings.Lines(block) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			v[strings.TrimSuffix(name, ":")] = value
		}
		if v["name"] != "" {
			list = append(list, v)
		}
	}
	return list
}

// Every vector goes over HTTP: as the signature of a phone or order number, as far
// as its value is one.
func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		vectors := signatureVectors(t)
		if len(vectors) < 16 {
			t.Fatalf("%d vectors", len(vectors))
		}
		s := open(t, f, options{})
		good, bad := 0, 0
		for i, v := range vectors {
			m, err := s.gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Vector", Faspay: gateway.Faspay{
				MerchantID: fmt.Sprint(10_000 + i), UserID: v["user"], Password: v["password"],
			}})
			if err != nil {
				t.Fatal(v, err)
			}
			for service, name := range map[wirefaspay.Service]string{wirefaspay.ServiceBalance: "phone_no", wirefaspay.ServiceInquiry: "bill_no"} {
				request := goodOf(service, m).with(name, v["signed"]).with("signature", v["signature"])
				a := s.post(s.dialect.Paths.Path(service, f), request.body(f))
				accepted := a.code() != "200 error 55"
				if accepted != (v["expect"] == "ok") {
					t.Errorf("%s as %s: %s", v["name"], name, a.raw)
				}
				if accepted {
					good++
				} else {
					bad++
				}
			}
		}
		if good < 20 || bad < 6 {
			t.Errorf("%d accepted, %d refused", good, bad)
		}
	})
}

// goodOf is a good request of another merchant than the usual one.
func goodOf(s wirefaspay.Service, m gateway.Merchant) members {
	return good(s).with("merchant_id", m.Faspay.MerchantID)
}

// Every parameter of every request, in both encodings: missing, empty and malformed.
func TestParameters(t *testing.T) {
	t.Parallel()
	optional := map[string]bool{"request": true}
	malformed := map[string]string{ // member → a value that cannot be read
		"bill_no": "with blank", "bill_total": "12.50", "bill_currency": "USD", "phone_no": "0812-3456", "email": "nobody", "pay_type": "3",
		"start_date": "01-07-2025", "end_date": "2025-02-30", "page": "one", "limit": "-1", "trx_id": "7700172000000017;", "cust_name": "two\nlines",
		"bill_desc": strings.Repeat("x", 129), "merchant": strings.Repeat("é", 129), "payment_cancel": strings.Repeat("x", 51), "request": strings.Repeat("x", 129),
		"payment_channel": "seven",
	}
	tooFar := map[string][2]string{ // member → a value that is not allowed, and the answer
		"bill_total":      {"0", "200 error 13"},
		"payment_channel": {"812", "200 error 82"},
		"page":            {"0", "200 01"},
		"limit":           {"101", "200 01"},
		"start_date":      {"2999-01-01", "200 01"},
		"end_date":        {"2000-01-01", "200 01"},
	}
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		checked := 0
		for _, service := range wirefaspay.Services {
			request := good(service)
			if service == wirefaspay.ServiceCancel {
				request = request.with("merchant", "Toko Contoh")
			}
			for _, p := range request {
				name := p[0]
				check := func(m members, code, words string) {
					t.Helper()
					checked++
					a := s.call(service, m)
					if a.code() != code || !strings.Contains(a.desc(), words) {
						t.Errorf("%s with %s %q: %s", service, name, m.get(name), a.raw)
					}
				}
				may := optional[name] || service == wirefaspay.ServiceCancel && name == "merchant"
				for _, nothing := range []string{"-", "", " "} {
					switch {
					case name == "merchant_id":
						check(request.with(name, nothing), "200 error 03", "Unknown merchant")
					case may: // and then the call gets to its service
						if a := s.call(service, request.with(name, nothing)); strings.Contains(a.code(), "error") {
							t.Errorf("%s without %s: %s", service, name, a.raw)
						}
					default:
						check(request.with(name, nothing), "200 error 83", name)
					}
				}
				if name == "merchant_id" {
					for _, other := range []string{"77002", "077001", "bot77001", "7700177001"} {
						check(request.with(name, other), "200 error 03", "Unknown merchant")
					}
					continue
				}
				value, ok := malformed[name]
				if !ok {
					t.Errorf("%s of %s is not tried malformed", name, service)
				}
				if name == "request" && (service == wirefaspay.ServiceInquiry || service == wirefaspay.ServiceCancel) {
					value = strings.Repeat("x", 51)
				}
				check(request.with(name, value), "200 error 30", name)
				if far, ok := tooFar[name]; ok {
					words := name
					if name == "end_date" { // before the start
						words = "start_date"
					}
					check(request.with(name, far[0]), far[1], words)
				}
			}
			for _, signature := range []string{"-", "", "x", strings.Repeat("0", 40), strings.Repeat("0", 39)} {
				a := s.post(s.dialect.Paths.Path(service, f), request.with("signature", signature).body(f))
				if a.code() != "200 error 55" {
					t.Errorf("%s with the signature %q: %s", service, signature, a.raw)
				}
			}
			upper := strings.ToUpper(request.signed(service).get("signature"))
			if a := s.post(s.dialect.Paths.Path(service, f), request.with("signature", upper).body(f)); strings.Contains(a.code(), "error") {
				t.Errorf("%s with the signature in upper case: %s", service, a.raw)
			}
		}
		if checked < 200 {
			t.Errorf("%d checks", checked)
		}
		s.auditClean()
	})
}

// twins are bodies that say the same in both encodings. Both must be judged alike.
func TestStrictTwins(t *testing.T) {
	t.Parallel()
	rest := good(wirefaspay.ServiceBalance).signed(wirefaspay.ServiceBalance)
	jsonRest := strings.TrimPrefix(rest.body(wirefaspay.JSON), "{")
	xmlRest := strings.TrimPrefix(rest.body(wirefaspay.XML), "<faspay>")
	deepJSON := strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)
	deepXML := strings.Repeat("<a>", 20) + "1" + strings.Repeat("</a>", 20)
	for name, twin := range map[string]struct {
		json, xml string
		code      string
	}{
		"as it should be":     {"{" + jsonRest, "<faspay>" + xmlRest, "200 01"},
		"a byte order mark":   {"\ufeff{" + jsonRest, "\ufeff<faspay>" + xmlRest, "200 01"},
		"unknown member":      {`{"new":"x",` + jsonRest, `<faspay><new>x</new>` + xmlRest, "200 01"},
		"nothing":             {"", "", "200 error 30"},
		"blanks":              {" \n", " \n", "200 error 30"},
		"another root":        {"[" + "{" + jsonRest + "]", "<other>" + strings.ReplaceAll(xmlRest, "faspay>", "other>"), "200 error 30"},
		"a text":              {`"hello"`, "hello", "200 error 30"},
		"a second root":       {"{" + jsonRest + "{}", "<faspay>" + xmlRest + "<faspay/>", "200 error 30"},
		"a member twice":      {`{"phone_no":"081200001111",` + jsonRest, "<faspay><phone_no>081200001111</phone_no>" + xmlRest, "200 error 30"},
		"other bytes behind":  {"{" + jsonRest + "x", "<faspay>" + xmlRest + "x", "200 error 30"},
		"cut short":           {("{" + jsonRest)[:60], ("<faspay>" + xmlRest)[:60], "200 error 30"},
		"broken UTF-8":        {"{\"new\":\"\xff\"," + jsonRest, "<faspay><new>\xff</new>" + xmlRest, "200 error 30"},
		"too deep":            {`{"new":` + deepJSON + "," + jsonRest, "<faspay><new>" + deepXML + "</new>" + xmlRest, "200 error 30"},
		"the other encoding":  {"<faspay>" + xmlRest, "{" + jsonRest, "200 error 30"},
		"a form":              {"merchant_id=77001&phone_no=081200001111", "merchant_id=77001&phone_no=081200001111", "200 error 30"},
		"a surrogate alone":   {`{"new":"\ud800",` + jsonRest, "<faspay><new>&#xD800;</new>" + xmlRest, "200 error 30"},
		"a number for a text": {strings.Replace("{"+jsonRest, `"081200001111"`, `81200001111`, 1), "<faspay>" + strings.Replace(xmlRest, "081200001111", "<a>81200001111</a>", 1), "200 error 55"},
		// What XML alone has; its twin is the closest slip in JSON.
		"a comment":          {"/* */{" + jsonRest, "<faspay><!-- -->" + xmlRest, "200 error 30"},
		"a comment in value": {strings.Replace("{"+jsonRest, "081200001111", "0812/**/\n00001111", 1), "<faspay>" + strings.Replace(xmlRest, "081200001111", "0812<!---->00001111", 1), "200 error 30"},
		"a doctype":          {"!" + jsonRest, `<!DOCTYPE faspay><faspay>` + xmlRest, "200 error 30"},
		"an own entity":      {"&x;", `<!DOCTYPE faspay [<!ENTITY x "1">]><faspay>` + strings.Replace(xmlRest, "Do it", "&x;", 1), "200 error 30"},
		"unknown entity":     {"&x;{" + jsonRest, "<faspay>" + strings.Replace(xmlRest, "Do it", "&nbsp;", 1), "200 error 30"},
		"a namespace":        {"ns:{" + jsonRest, `<faspay xmlns="urn:other">` + xmlRest, "200 error 30"},
		"a prefix":           {"ns:{" + jsonRest, "<f:faspay>" + strings.ReplaceAll(xmlRest, "faspay>", "f:faspay>"), "200 error 30"},
		"an attribute":       {"{{" + jsonRest, `<faspay id="1">` + xmlRest, "200 error 30"},
		"another encoding":   {"\x00{" + jsonRest, `<?xml version="1.0" encoding="ISO-8859-1"?><faspay>` + xmlRest, "200 error 30"},
		"UTF-16":             {utf16("{" + jsonRest), utf16("<faspay>" + xmlRest), "200 error 30"},
		"an instruction":     {"?" + jsonRest, `<?php echo 1 ?><faspay>` + xmlRest, "200 error 30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for f, body := range map[wirefaspay.Format]string{wirefaspay.JSON: twin.json, wirefaspay.XML: twin.xml} {
				s := open(t, f, options{})
				a := s.post(s.dialect.Paths.Path(wirefaspay.ServiceBalance, f), body)
				if a.code() != twin.code {
					t.Errorf("%s: %s, want %s; reason: %s", f, a.raw, twin.code, s.lastReason())
				}
			}
		})
	}
}

func utf16(text string) string {
	out := "\xfe\xff"
	for _, c := range []byte(text) {
		out += "\x00" + string(rune(c))
	}
	return out
}

// Bodies that aim at the reader: none gets through, and none makes the server call
// anybody.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var called atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			called.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close() })
	entity := fmt.Sprintf(`<!DOCTYPE faspay [<!ENTITY x SYSTEM "http://%s/x">]><faspay><merchant_id>&x;</merchant_id></faspay>`, listener.Addr())
	parameter := fmt.Sprintf(`<!DOCTYPE faspay SYSTEM "http://%s/dtd"><faspay/>`, listener.Addr())
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		path := s.dialect.Paths.Path(wirefaspay.ServicePayment, f)
		deep := map[wirefaspay.Format]string{wirefaspay.JSON: strings.Repeat(`{"a":`, 13_000), wirefaspay.XML: strings.Repeat("<a>", 21_000)}[f]
		for _, body := range []string{entity, parameter, deep, "<faspay>" + deep} {
			s.want(s.post(path, body), "200 error 30")
		}
		if n := called.Load(); n != 0 {
			t.Errorf("%d connections went out", n)
		}
	})
}

// A body that is too large is refused before it is read to its end, so it goes over
// a bare connection.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		for name, unit := range hostileUnits(f) {
			conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n", s.dialect.Paths.Path(wirefaspay.ServicePayment, f), 10<<20)
			if _, err := conn.Write([]byte(strings.Repeat(unit, wire.MaxBody/len(unit)+100))); err != nil {
				t.Fatal(name, err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(name, err)
			}
			if a := s.read(resp); a.code() != "413 error 30" {
				t.Errorf("%s: %s", name, a.raw)
			}
		}
		padding := strings.Repeat("x", wire.MaxBody)
		exact := good(wirefaspay.ServiceBalance).signed(wirefaspay.ServiceBalance).with("new", padding)
		over := len(exact.body(f)) - wire.MaxBody
		s.want(s.post(s.dialect.Paths.Path(wirefaspay.ServiceBalance, f), exact.with("new", padding[over:]).body(f)), "200 01")
		s.want(s.post(s.dialect.Paths.Path(wirefaspay.ServiceBalance, f), exact.with("new", padding[over-1:]).body(f)), "413 error 30")
	})
}

func hostileUnits(f wirefaspay.Format) map[string]string {
	if f == wirefaspay.XML {
		return map[string]string{"nested tags": "<a>", "CDATA": "<![CDATA[x]]>"}
	}
	return map[string]string{"nested objects": `{"a":`, "a string": "x"}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		family := map[wirefaspay.Format]string{wirefaspay.JSON: "/cvr/", wirefaspay.XML: "/pws/"}[f]
		suffix := map[wirefaspay.Format]string{wirefaspay.JSON: "/10", wirefaspay.XML: "/183xx00010100000"}[f]
		m := good(wirefaspay.ServiceBalance).signed(wirefaspay.ServiceBalance).body(f)
		s.want(s.post(family+"100040"+suffix, m), "200 01")
		if f == wirefaspay.XML {
			s.want(s.post(family+"100040"+suffix+"/", m), "200 01")
		}
		s.want(s.post(family+"300011"+suffix, m), "200 error 40")
		for _, path := range []string{family, family + "100040", family + "100040/11", family + "x" + suffix, family + "100040" + suffix + "/x"} {
			s.want(s.post(path, m), "404 error 40")
		}
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
			req, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+family+"100037"+suffix, strings.NewReader(m))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if a := s.want(s.read(resp), "405 error 40"); a.header.Get("Allow") != "POST" {
				t.Errorf("%s: %v", method, a.header)
			}
		}
	})
}

func TestConfiguredPaths(t *testing.T) {
	t.Parallel()
	paths := wirefaspay.ProductionPaths()
	paths.Numbers[wirefaspay.ServiceBalance] = "300040"
	s := open(t, wirefaspay.XML, options{config: func(c *faspay.Config) { c.Paths = paths }})
	m := good(wirefaspay.ServiceBalance).signed(wirefaspay.ServiceBalance).body(wirefaspay.XML)
	for path, code := range map[string]string{
		"/pws/300040/383xx00010100000/": "200 01", "/pws/300040/383xx00010100000": "200 01", "/pws/300040/183xx00010100000/": "200 01",
		"/pws/100040/183xx00010100000/": "200 error 40",
	} {
		s.want(s.post(path, m), code)
	}
	for name, change := range map[string]func(*faspay.Config){
		"two services with one number": func(c *faspay.Config) { c.Paths.Numbers[wirefaspay.ServiceUnlink] = "300040" },
	} {
		c := faspay.Config{Paths: wirefaspay.ProductionPaths()}
		c.Paths.Numbers[wirefaspay.ServiceBalance] = "300040"
		change(&c)
		if _, err := faspay.New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// The checks come in their order: of two things that are wrong, the first is
// answered.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		change := func(change func(*gateway.Faspay)) {
			t.Helper()
			m := s.merchant
			change(&m.Faspay)
			if err := s.gateway.UpdateMerchant(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		ask := func(m members) answer { return s.post(s.dialect.Paths.Path(wirefaspay.ServicePayment, f), m.body(f)) }
		wrong := good(wirefaspay.ServicePayment).with("signature", strings.Repeat("0", 40)).with("bill_no", "-").with("payment_channel", "812")

		s.want(ask(wrong.with("merchant_id", "88888")), "200 error 03")
		change(func(m *gateway.Faspay) { m.Suspended, m.Allow = true, "192.0.2.1" })
		s.want(ask(wrong), "200 error 63")
		change(func(m *gateway.Faspay) { m.Allow = "192.0.2.1" })
		s.want(ask(wrong), "200 error 56")
		change(func(m *gateway.Faspay) {})
		s.want(ask(wrong), "200 error 55")
		signed := wrong.signed(wirefaspay.ServicePayment)
		s.want(ask(signed), "200 error 83")
		signed = signed.with("bill_no", "B-1")
		s.want(ask(signed.with("pay_type", "9")), "200 error 30")
		s.want(ask(signed), "200 error 82")
		s.want(ask(signed.with("payment_channel", "720")), "200 01")
	})
}

func TestFlatErrors(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		for flat, want := range map[bool]string{false: "", true: "55"} {
			s := open(t, f, options{change: func(m *gateway.Faspay) { m.FlatErrors = flat }})
			a := s.want(s.post(s.dialect.Paths.Path(wirefaspay.ServiceBalance, f), good(wirefaspay.ServiceBalance).body(f)), "200 error 55")
			if got := a.get("response_code"); got != want {
				t.Errorf("flat errors %v: %s", flat, a.raw)
			}
		}
	})
}

// The address that counts is the peer's, whatever headers say.
func TestAllowList(t *testing.T) {
	t.Parallel()
	for list, allowed := range map[gateway.AllowList]bool{
		"": true, "127.0.0.1": true, "127.0.0.0/8": true, "192.0.2.7 127.0.0.1": true, "::ffff:127.0.0.1": true, "0.0.0.0/0": true,
		"192.0.2.7": false, "10.0.0.0/8 192.0.2.0/24": false, "::1": false, "::/0": false, "127.0.0.2": false,
	} {
		t.Run(strings.ReplaceAll(string(list), "/", "_"), func(t *testing.T) {
			t.Parallel()
			s := open(t, wirefaspay.JSON, options{change: func(m *gateway.Faspay) { m.Allow = list }})
			req, err := http.NewRequestWithContext(t.Context(), "POST", s.server.URL+s.dialect.Paths.Path(wirefaspay.ServiceBalance, s.format),
				strings.NewReader(good(wirefaspay.ServiceBalance).signed(wirefaspay.ServiceBalance).body(s.format)))
			if err != nil {
				t.Fatal(err)
			}
			for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
				req.Header.Set(header, "192.0.2.7")
			}
			resp, err := s.server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			s.want(s.read(resp), map[bool]string{true: "200 01", false: "200 error 56"}[allowed])
		})
	}
}

// The signature of a balance request is that of every other one with the phone. It
// pays an order once all the same, and from no strange address.
func TestCapturedSignature(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.link()
		captured := good(wirefaspay.ServiceBalance).signed(wirefaspay.ServiceBalance).get("signature")
		replay := func(m members) answer {
			return s.post(s.dialect.Paths.Path(wirefaspay.ServicePayment, f), m.with("signature", captured).body(f))
		}
		bill := s.bill()
		s.pay(bill)
		s.want(replay(bill), "200 01")
		s.want(replay(bill.with("bill_total", "1")), "200 01")
		s.wantBalance(107_500, 0)
		if a := s.want(replay(s.bill()), "200 00"); a.get("status") != "PENDING" { // moves nothing: its owner has to confirm it
			t.Errorf("replayed: %s", a.raw)
		}
		s.wantBalance(107_500, 0)

		m := s.merchant
		m.Faspay.Allow = "192.0.2.0/24"
		if err := s.gateway.UpdateMerchant(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		s.want(replay(s.bill()), "200 error 56")
		s.auditClean()
	})
}

// Calls with a right signature use up a merchant's rate, others do not.
func TestRate(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		still := storetest.Still(s.clock)
		s.config.Clock = still
		s.gateway = gateway.New(s.config)
		s.dialect.Gateway = s.gateway
		s.merchant.CallRate = gateway.MinCallRate
		if err := s.gateway.UpdateMerchant(t.Context(), s.merchant); err != nil {
			t.Fatal(err)
		}
		m := good(wirefaspay.ServiceTopUp)
		for range 3 {
			s.want(s.post(s.dialect.Paths.Path(wirefaspay.ServiceTopUp, f), m.with("signature", "0").body(f)), "200 error 55")
		}
		for range 2 * gateway.MinCallRate {
			s.want(s.call(wirefaspay.ServiceTopUp, m), "200 00")
		}
		for range 3 {
			if a := s.want(s.call(wirefaspay.ServiceTopUp, m), "429 error 96"); a.header.Get("Retry-After") != "1" {
				t.Errorf("headers %v", a.header)
			}
		}
		if _, err := s.gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Other", Faspay: gateway.Faspay{MerchantID: "1", UserID: userID, Password: password}}); err != nil {
			t.Fatal(err)
		}
		s.want(s.call(wirefaspay.ServiceTopUp, m.with("merchant_id", "1")), "200 00")
		still.Step(time.Second / gateway.MinCallRate) // one call
		s.want(s.call(wirefaspay.ServiceTopUp, m), "200 00")
		s.want(s.call(wirefaspay.ServiceTopUp, m), "429 error 96")
	})
}

// Why a signature was refused is noted for the sandbox, in words.
func TestVerdictIsNoted(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		wrong := good(wirefaspay.ServiceBalance).with("signature", wirefaspay.Sign(userID, password, "6281200001111"))
		s.want(s.post(s.dialect.Paths.Path(wirefaspay.ServiceBalance, f), wrong.body(f)), "200 error 55")
		s.want(s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)), "200 01")
		s.mu.Lock()
		defer s.mu.Unlock()
		var verdicts []wire.Verdict
		for _, n := range s.notes {
			if n.Verdict != nil {
				verdicts = append(verdicts, *n.Verdict)
			}
			if strings.Contains(fmt.Sprint(n), password) {
				t.Errorf("a note has the password: %+v", n)
			}
		}
		if len(verdicts) != 2 || verdicts[0].OK || !strings.Contains(verdicts[0].Hint, "another spelling") || !verdicts[1].OK {
			t.Errorf("verdicts %+v", verdicts)
		}
	})
}
