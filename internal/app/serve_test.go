package app_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

const (
	serveKey     = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	issuerSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"
)

// serving is the configuration of a server in a new home, on ports of its own.
func serving(t testing.TB) app.ServeConfig {
	t.Helper()
	i := installed(home(t))
	i.MasterKey = serveKey
	return app.ServeConfig{
		Installation: i, BaseURL: "https://pay.example.id", PINCost: cheapPIN,
		Issuer: app.Issuer{URL: "http://127.0.0.1:9/nobody", Secret: issuerSecret},
		Listen: app.Listen{API: "127.0.0.1:0", Pages: "127.0.0.1:0", Issuer: "127.0.0.1:0", Office: "127.0.0.1:0", Admin: "127.0.0.1:0"},
	}
}

func serve(t testing.TB, c app.ServeConfig) *app.App {
	t.Helper()
	a, err := app.Serve(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, a) })
	return a
}

// get asks for a path and returns the status and the body.
func get(t testing.TB, c *http.Client, url string, header http.Header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Each listener has what is its own and nothing else, and none has anything of the
// sandbox's.
func TestServeListenersAreSeparate(t *testing.T) {
	t.Parallel()
	a := serve(t, serving(t))
	l := a.Listening
	at := map[string]string{"api": l.API, "pages": l.Pages, "issuer": l.Issuer, "office": l.Office, "admin": l.Admin}
	follow := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]struct {
		where  string // the listeners that have it
		status int
	}{
		"/healthz":                          {"api pages issuer office admin", 200},
		"/readyz":                           {"api pages issuer office admin", 200},
		"/openapi.json":                     {"api", 200},
		"/issuer/v1/wallets":                {"issuer", 401},
		"/auditz":                           {"admin", 200},
		"/metrics":                          {"admin", 200},
		"/debug/pprof/":                     {"admin", 200},
		"/direct-debit/ui/nothing":          {"api pages", 404}, // each in its own form
		"/backoffice/sign-in":               {"office", 200},
		"/backoffice/payments":              {"office", 303},
		"/assets/web.css":                   {"office", 200},
		"/doku/v1/payment":                  {"", 404},
		"/":                                 {"", 404},
		"/sandbox/v1/info":                  {"", 404},
		"/sandbox/v1/wallets":               {"", 404},
		"/sandbox/v1/merchants":             {"", 404},
		"/sandbox/v1/clock":                 {"", 404},
		"/sandbox/":                         {"", 404},
		"/phone/081211111111":               {"", 404},
		"/phones":                           {"", 404},
		"/simulator/ovo":                    {"", 404},
		"/calls":                            {"", 404},
		"/payments":                         {"", 404},
		"/demo":                             {"", 404},
		"/direct-debit/v1.0/nonesuch":       {"api", 404}, // as the protocol says it
		"/authorization/v1/access-tok":      {"api", 404},
		"/.well-known/gerbang/signing-keys": {"api", 200},
	} {
		for name, address := range at {
			status, body := get(t, follow, "http://"+address+path, nil)
			has := strings.Contains(" "+want.where+" ", " "+name+" ")
			nothing := strings.Contains(body, "no protocol spoken here has this path")
			if has == nothing || has && status != want.status || !has && status != http.StatusNotFound {
				t.Errorf("%s%s: HTTP %d, %.80q", name, path, status, body)
			}
		}
	}
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t testing.TB, files app.TLSFiles, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{files.Certificate: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func trusting(cert *x509.Certificate) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}}
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	c := serving(t)
	c.TLS = app.TLSFiles{Certificate: filepath.Join(t.TempDir(), "cert.pem"), Key: filepath.Join(t.TempDir(), "key.pem")}
	first := selfSigned(t, c.TLS, 1)
	a := serve(t, c)
	url := "https://" + a.Listening.API + "/healthz"

	if status, _ := get(t, trusting(first), url, nil); status != http.StatusOK {
		t.Errorf("HTTP %d", status)
	}
	if resp, err := client.Get("http://" + a.Listening.API + "/healthz"); err == nil && resp.StatusCode == http.StatusOK {
		t.Error("served without TLS")
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	if conn, err := tls.Dial("tcp", a.Listening.API, old); err == nil {
		t.Errorf("agreed on TLS %x", conn.ConnectionState().Version)
	}
	if status, _ := get(t, client, "http://"+a.Listening.Admin+"/healthz", nil); status != http.StatusOK {
		t.Errorf("admin: HTTP %d", status)
	}

	// A half-written pair changes nothing; a whole one is taken up.
	if err := os.WriteFile(c.TLS.Key, []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.Reload()
	get(t, trusting(first), url, nil)
	second := selfSigned(t, c.TLS, 2)
	a.Reload()
	get(t, trusting(second), url, nil)

	// Files that change are noticed, and those that do not are left alone.
	if changed, err := app.RefreshCertificate(a); changed || err != nil {
		t.Errorf("nothing changed: %t, %v", changed, err)
	}
	third := selfSigned(t, c.TLS, 3)
	later := time.Now().Add(time.Minute) // file systems keep time coarsely
	if err := os.Chtimes(c.TLS.Certificate, later, later); err != nil {
		t.Fatal(err)
	}
	if changed, err := app.RefreshCertificate(a); !changed || err != nil {
		t.Errorf("changed: %t, %v", changed, err)
	}
	get(t, trusting(third), url, nil)
}

// A merchant's allow list is held against the address that a proxy saw, and nobody
// else's word on that counts.
func TestServeBehindProxy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proxies []string
		code    string // 56: not from here; 55: from here, and badly signed
	}{"a proxy": {[]string{"127.0.0.1"}, `"55"`}, "a stranger": {[]string{"10.0.0.0/8"}, `"56"`}} {
		config := serving(t)
		config.Listen.Pages, config.Listen.Office, config.Proxies = "", "", c.proxies
		a := serve(t, config)
		if a.Listening.Pages != a.Listening.API {
			t.Errorf("pages on %s, calls on %s", a.Listening.Pages, a.Listening.API)
		}
		if _, err := a.Gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Toko", Faspay: gateway.Faspay{
			MerchantID: "12345", UserID: "bot12345", Password: gateway.NewPassword(), Allow: "203.0.113.9",
		}}); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Listening.API+"/cvr/100040/10", strings.NewReader(
			`{"request":"Balance","merchant_id":"12345","signature":"none","phone":"081211111111"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", "198.51.100.1, 203.0.113.9")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(body), c.code) || resp.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %s, want %s", name, body, c.code)
		}
	}
}

// A call whose caller is not proven is in the log of a server, with the merchant it
// claims to be of, and counted.
func TestRefusedCallsAreLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := serving(t)
	config.Log = slog.New(slog.NewJSONHandler(&log, nil))
	a, err := app.Serve(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	m, err := a.Gateway.CreateMerchant(t.Context(), gateway.Merchant{
		Name: "Toko", DOKU: gateway.DOKU{ClientID: "BRN-1", SecretKey: gateway.NewSecretKey()},
		Faspay: gateway.Faspay{MerchantID: "12345", UserID: "bot12345", Password: gateway.NewPassword()},
	})
	if err != nil {
		t.Fatal(err)
	}
	stamp := gateway.SystemClock{}.Now().UTC().Format(time.RFC3339)
	calls := map[string]struct {
		body   string
		header map[string]string
		logged string
	}{
		"/cvr/100040/10": {`{"request":"Balance","merchant_id":"12345","signature":"none","phone":"081211111111"}`, nil, "faspay"},
		"/authorization/v1/access-token/b2b": {`{"grantType":"client_credentials"}`,
			map[string]string{"X-CLIENT-KEY": "BRN-1", "X-TIMESTAMP": stamp, "X-SIGNATURE": "bm9uZQ=="}, "snap"},
		"/ovo-open-api/v1/balance": {`{"client":{"id":"BRN-1"}}`,
			map[string]string{"Client-Id": "BRN-1", "Request-Id": "1", "Request-Timestamp": stamp, "Signature": "HMACSHA256=bm9uZQ=="}, "jokul"},
	}
	for path, call := range calls {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Listening.API+path, strings.NewReader(call.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for name, value := range call.header {
			req.Header.Set(name, value)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	_, figures := get(t, client, "http://"+a.Listening.Admin+"/metrics", nil)
	stop(t, a)
	for path, call := range calls {
		line := regexp.MustCompile(`"msg":"call","dialect":"` + call.logged + `".*"merchant":"` + string(m.ID) + `".*"result":"invalid"`)
		if !line.MatchString(log.String()) {
			t.Errorf("%s: the log has no such line: %s", path, log.String())
		}
		if figure := regexp.MustCompile(`(?m)^gerbang_requests_total\{.*dialect="` + call.logged + `".*result="invalid".*\} 1$`); !figure.MatchString(figures) {
			t.Errorf("%s: it is not counted", path)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	good := serving(t)
	for name, change := range map[string]func(*app.ServeConfig){
		"base-url":           func(c *app.ServeConfig) { c.BaseURL = "http://pay.example.id" },
		"office-url":         func(c *app.ServeConfig) { c.OfficeURL = "office.example.id" },
		"api-addr":           func(c *app.ServeConfig) { c.Listen.API = "192.0.2.1:443" },
		"pages-addr":         func(c *app.ServeConfig) { c.Listen.Pages = ":443" },
		"office-addr":        func(c *app.ServeConfig) { c.Listen.Office = "pay.example.id:443" },
		"admin-addr":         func(c *app.ServeConfig) { c.Listen.Admin = "192.0.2.1:8601" },
		"master-key-file":    func(c *app.ServeConfig) { c.MasterKey = "1234" },
		"database":           func(c *app.ServeConfig) { c.Database = "mysql://x" },
		"trusted-proxies":    func(c *app.ServeConfig) { c.Proxies = []string{"proxy.example.id"} },
		"issuer-addr":        func(c *app.ServeConfig) { c.Listen.Issuer = "0.0.0.0:8602" },
		"issuer-url":         func(c *app.ServeConfig) { c.Issuer.URL = "http://wallet.example.id/" },
		"issuer-secret-file": func(c *app.ServeConfig) { c.Issuer.Secret = "whsec_c2hvcnQ=" },
		"tls-certificate":    func(c *app.ServeConfig) { c.TLS = app.TLSFiles{Certificate: "none.pem", Key: "none.pem"} },
	} {
		c := good
		change(&c)
		if problems := c.Check(); len(problems) != 1 || problems[0].Setting != name || problems[0].Problem == "" || problems[0].Cure == "" {
			t.Errorf("%s: %+v", name, problems)
		}
		if a, err := app.Serve(t.Context(), c); err == nil {
			stop(t, a)
			t.Errorf("%s: served", name)
		}
	}
	known := good
	known.Issuer.Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	if problems := known.Check(); len(problems) != 1 || problems[0].Setting != "issuer-secret-file" {
		t.Errorf("a published secret: %+v", problems)
	}
	if problems := good.Check(); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	shared := good
	shared.Listen.API, shared.Listen.Admin = "127.0.0.1:8600", "127.0.0.1:8600"
	if problems := shared.Check(); len(problems) != 1 || problems[0].Setting != "admin-addr" {
		t.Errorf("shared with admin: %+v", problems)
	}
}

// A database is a sandbox's or a server's for good, and a server's merchants have
// secrets.
func TestServeRefusesDatabases(t *testing.T) {
	t.Parallel()
	c := serving(t)
	c.DataDir = filepath.Join(c.DataDir, "new")
	box := app.Config{Installation: c.Installation, Addr: "127.0.0.1:0", PINCost: cheapPIN}

	a, err := app.Serve(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.StartSandbox(t.Context(), box); err == nil || !strings.Contains(err.Error(), "gerbang serve") {
		t.Errorf("a sandbox on it: %v", err)
	}
	for _, secret := range []string{sandbox.SeedSecretKey, "short"} {
		m, err := a.Gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Toko", DOKU: gateway.DOKU{ClientID: "BRN-" + secret, SecretKey: secret}})
		if err != nil {
			t.Fatal(err)
		}
		if other, err := app.Serve(t.Context(), c); err == nil || !strings.Contains(err.Error(), string(m.ID)) || strings.Contains(err.Error(), m.DOKU.SecretKey) {
			t.Errorf("%s: %v", secret, err)
			if err == nil {
				stop(t, other)
			}
		}
		if _, err := a.Gateway.RotateSecret(t.Context(), m.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, a)
	if a, err = app.Serve(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	stop(t, a)
}
