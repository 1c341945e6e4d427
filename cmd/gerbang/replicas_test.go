package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
)

// server is a process of "gerbang serve".
type server struct {
	cmd   *exec.Cmd
	api   string
	ended chan struct{}
}

// stop ends the process with a signal and waits for its end.
func (s server) stop(signal os.Signal) *os.ProcessState {
	s.cmd.Process.Signal(signal)
	<-s.ended
	return s.cmd.ProcessState
}

const siteName = "pay.example.id"

// site is an installation with two servers over one PostgreSQL behind HAProxy.
type site struct {
	t        testing.TB
	args     []string
	gerbang  string // the program
	install  app.Installation
	codes    chan string // one-time codes, as the issuer gets them
	servers  [2]server
	proxy    string // its address
	roots    *x509.CertPool
	merchant gateway.Merchant
	key      *rsa.PrivateKey
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, codes: make(chan string, 10)}
	issuer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Data struct{ Code string } }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		s.codes <- message.Data.Code
	}))
	t.Cleanup(issuer.Close)

	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	s.install = app.Installation{Database: storetest.Postgres.New(t), MasterKey: strings.Repeat("0123456789abcdef", 4)}
	s.args = []string{
		"serve", "--database", s.install.Database, "--master-key-file", write("master.key", s.install.MasterKey), "--base-url", "https://" + siteName,
		"--issuer-url", issuer.URL, "--issuer-secret-file", write("issuer.secret", "whsec_"+strings.Repeat("dGVzdHRl", 4)),
		"--admin-addr", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1",
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.gerbang = filepath.Join(dir, "gerbang") // under this name the test is the program
	if err := os.Symlink(program, s.gerbang); err != nil {
		t.Fatal(err)
	}
	for i := range s.servers {
		s.servers[i].api = "127.0.0.1:0"
		s.start(i)
	}
	s.haproxy()
	s.found()
	return s
}

// start starts a server, where it was before if it was.
func (s *site) start(i int) {
	s.t.Helper()
	ready := filepath.Join(s.t.TempDir(), "ready.json")
	cmd := exec.Command(s.gerbang, append(s.args[:len(s.args):len(s.args)], "--api-addr", s.servers[i].api, "--ready-file", ready)...)
	cmd.Dir = filepath.Dir(ready)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	started := bufio.NewReader(out)
	_, said := started.ReadString('\n') // or it has ended
	up := server{cmd: cmd, ended: make(chan struct{})}
	go func() {
		io.Copy(io.Discard, started)
		cmd.Wait()
		close(up.ended)
	}()
	s.t.Cleanup(func() { up.stop(os.Kill) })
	text, err := os.ReadFile(ready)
	if err = errors.Join(said, err); err != nil {
		up.stop(os.Kill)
		s.t.Fatalf("it does not serve: %v\n%s", err, log.String())
	}
	var serves serveReady
	if err := json.Unmarshal(text, &serves); err != nil {
		s.t.Fatal(err)
	}
	up.api = serves.Listening.API
	s.servers[i] = up
}

// found makes the merchant.
func (s *site) found() {
	s.t.Helper()
	var err error
	if s.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		s.t.Fatal(err)
	}
	public, err := snap.EncodePublicKey(&s.key.PublicKey)
	if err != nil {
		s.t.Fatal(err)
	}
	s.administer(func(g *gateway.Gateway) (err error) {
		s.merchant, err = g.CreateMerchant(s.t.Context(), gateway.Merchant{
			Name: "Toko Nyata", DOKU: gateway.DOKU{ClientID: "BRN-1", SecretKey: gateway.NewSecretKey(), PublicKeyPEM: public},
		})
		return err
	})
}

func (s *site) administer(do func(*gateway.Gateway) error) {
	s.t.Helper()
	if err := app.Administer(s.t.Context(), s.install, do); err != nil {
		s.t.Fatal(err)
	}
}

// buyer is a customer who is charged under a consent, through the SDK.
type buyer struct {
	*site
	phone  gateway.Phone
	client *ovo.SNAPClient
	token  string
	made   []string // references of payments that succeeded
	unsure int      // of these, how many had an answer that was lost
}

const (
	buyerCash  = 10_000_000
	buyerPrice = 7
)

// newBuyer opens a wallet and binds it, on the pages, with the code that the issuer got.
func (s *site) newBuyer(n int) *buyer {
	s.t.Helper()
	const pin = "918273"
	b := &buyer{site: s, phone: gateway.Phone(fmt.Sprintf("08129876%04d", n))}
	s.administer(func(g *gateway.Gateway) error {
		_, err := g.CreateWallet(s.t.Context(), gateway.NewWallet{Phone: b.phone, Name: "Rina", PIN: pin, Balance: ledger.Split{Cash: buyerCash}})
		return err
	})
	var err error
	b.client, err = ovo.SNAP(ovo.SNAPConfig{
		BaseURL: "https://" + siteName, ClientID: s.merchant.DOKU.ClientID, SecretKey: s.merchant.DOKU.SecretKey, PrivateKey: s.key, HTTPClient: s.client(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	binding, err := b.client.Bind(s.t.Context(), ovo.BindRequest{
		Phone: string(b.phone), CustomerID: fmt.Sprint("customer-", n), SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/no",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	browser := s.client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var to string
	steps := []func() url.Values{
		nil, // the page opens
		func() url.Values { return url.Values{"action": {"otp"}, "code": {<-s.codes}} },
		func() url.Values { return url.Values{"action": {"pin"}, "pin": {pin}} },
	}
	for _, fields := range steps {
		send := browser.Get
		if fields != nil {
			send = func(page string) (*http.Response, error) { return browser.PostForm(binding.RedirectURL, fields()) }
		}
		resp, err := send(binding.RedirectURL)
		if err != nil {
			s.t.Fatal(err)
		}
		resp.Body.Close()
		to = resp.Header.Get("Location")
	}
	if to != "https://shop.test/ok" {
		s.t.Fatalf("the browser was sent to %q", to)
	}
	token, err := b.client.CustomerToken(s.t.Context(), binding.AuthCode)
	if err != nil {
		s.t.Fatal(err)
	}
	b.token = token.AccessToken
	return b
}

// buy charges the wallet once, whatever happens to a server meanwhile, as a merchant
// does: who does not know how a charge ended asks, and repeats it under the same
// reference when there is none.
func (b *buyer) buy(ctx context.Context, reference string) error {
	for again := false; ; again = true {
		_, err := b.client.Pay(ctx, ovo.PayRequest{CustomerToken: b.token, Reference: reference, Type: ovo.Recurring, Amount: buyerPrice})
		if err == nil || again && errors.Is(err, ovo.ErrDuplicate) {
			break
		}
		if !errors.Is(err, ovo.ErrOutcomeUnknown) {
			return fmt.Errorf("pay: %w", err)
		}
		b.unsure++
		status, err := b.client.Status(ctx, ovo.StatusQuery{Reference: reference})
		if err == nil && status.State == ovo.StateSuccess {
			break
		}
		if !errors.Is(err, ovo.ErrNotFound) {
			return fmt.Errorf("after an unknown outcome: %v, %w", status.State, err)
		}
	}
	b.made = append(b.made, reference)
	if status, err := b.client.Status(ctx, ovo.StatusQuery{Reference: reference}); err != nil || status.State != ovo.StateSuccess {
		return fmt.Errorf("status: %v, %w", status.State, err)
	}
	if _, err := b.client.Balance(ctx, b.token); err != nil {
		return fmt.Errorf("balance: %w", err)
	}
	return nil
}

// Two servers over one database: while one of them is killed, or told to stop, or
// comes back, the shop's calls go on through the SDK and none fails.
func TestServersTakeOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	buyers := make([]*buyer, 4)
	for i := range buyers {
		buyers[i] = s.newBuyer(i)
	}
	var running sync.WaitGroup
	var done atomic.Bool
	bought := make(chan struct{}, 100)
	for i, b := range buyers {
		running.Go(func() {
			for n := 0; !done.Load(); n++ {
				if err := b.buy(t.Context(), fmt.Sprintf("INV-%d-%d", i, n)); err != nil {
					t.Errorf("buyer %d: %v", i, err)
				}
				select {
				case bought <- struct{}{}:
				default:
				}
			}
		})
	}
	defer running.Wait()
	defer done.Store(true)
	purchases := func(n int) {
		t.Helper()
		for len(bought) > 0 {
			<-bought
		}
		timeout := time.After(time.Minute)
		for range n {
			select {
			case <-bought:
			case <-timeout:
				t.Fatal("nobody can buy anything")
			}
		}
	}
	purchases(20)
	for round := range 3 {
		s.servers[round%2].stop(os.Kill)
		purchases(20)
		s.start(round % 2)
		purchases(20)
		other := (round + 1) % 2
		if state := s.servers[other].stop(syscall.SIGTERM); !state.Success() {
			t.Errorf("a server that was told to stop: %s", state)
		}
		purchases(20)
		s.start(other)
		purchases(20)
	}
	done.Store(true)
	running.Wait()

	made, unsure := 0, 0
	s.administer(func(g *gateway.Gateway) error {
		for _, b := range buyers {
			w, err := g.Wallet(t.Context(), b.phone)
			if err != nil {
				return err
			}
			if want := buyerCash - buyerPrice*len(b.made); int(w.Balance.Cash) != want {
				t.Errorf("%s holds %d after %d payments, want %d", b.phone, w.Balance.Cash, len(b.made), want)
			}
			made, unsure = made+len(b.made), unsure+b.unsure
		}
		verdicts, err := g.Audit(t.Context())
		for _, v := range verdicts {
			if !v.OK {
				t.Errorf("%s: %s %v", v.ID, v.Rule, v.Keys)
			}
		}
		return err
	})
	t.Logf("%d payments; the answers of %d were lost and asked for", made, unsure)
}

// haproxy starts HAProxy before the servers, as deploy/haproxy/haproxy.cfg has it but for the
// addresses, and trusts its certificate.
func (s *site) haproxy() {
	s.t.Helper()
	config, err := os.ReadFile("../../deploy/haproxy/haproxy.cfg")
	if err != nil {
		s.t.Fatal(err)
	}
	dir := s.t.TempDir()
	text := string(config)
	for old, new := range map[string]string{
		"log /dev/log local0":                  "log stdout format raw local0",
		"user haproxy":                         "",
		"group haproxy":                        "",
		"daemon":                               "",
		"option dontlognull":                   "option dontlognull\n    option dontlog-normal",
		"bind :80":                             "",
		"bind :443 ssl crt /etc/haproxy/certs": "bind fd@3 ssl crt " + dir,
		"127.0.0.1:8601":                       s.servers[0].api,
		"127.0.0.1:8602":                       s.servers[1].api,
	} {
		if strings.Count(text, old) != 1 {
			s.t.Fatalf("haproxy.cfg has %q %d times", old, strings.Count(text, old))
		}
		text = strings.Replace(text, old, new, 1)
	}
	s.roots = certificate(s.t, filepath.Join(dir, "gerbang.pem"))
	file := filepath.Join(s.t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}

	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		s.t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		s.t.Fatal(err)
	}
	defer socket.Close()
	s.proxy = listener.Addr().String()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = "/usr/sbin/haproxy" // which is in root's PATH alone
	}
	cmd := exec.Command(program, "-db", "-f", file)
	cmd.ExtraFiles = []*os.File{socket}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("%v; make needs installs it", err)
	}
	s.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if s.t.Failed() {
			s.t.Logf("HAProxy:\n%s", log.String())
		}
	})
}

// client speaks to the proxy, under whatever name, on connections of its own.
func (s *site) client() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.proxy)
		},
		TLSClientConfig: &tls.Config{RootCAs: s.roots}, ForceAttemptHTTP2: true,
	}}
}

// certificate writes a certificate for the site and its key into a file.
func certificate(t testing.TB, file string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{siteName}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(file, append(public, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), 0o600); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(public)
	return roots
}
