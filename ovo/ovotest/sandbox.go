package ovotest

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/ovo"
)

// patience bounds everything that is waited for.
const patience = 30 * time.Second

// Sandbox is a running sandbox and its merchant.
type Sandbox struct {
	// URL is scheme and host: the BaseURL of clients.
	URL string
	// Merchant is the merchant whose clients and configs the methods give.
	Merchant Merchant

	tb     reporter
	client *http.Client
	clock  *gateway.MovableClock // runs beside the sandbox's
}

// Merchant is the sandbox's merchant with its credentials at both providers.
type Merchant struct {
	ID   string // in the sandbox API
	Name string
	// ClientID to GatewayPublicKey are of the protocols of DOKU.
	ClientID         string
	SecretKey        string
	PrivateKey       *rsa.PrivateKey
	GatewayPublicKey *rsa.PublicKey
	// FaspayID, FaspayUserID and FaspayPassword are of Faspay's.
	FaspayID       string
	FaspayUserID   string
	FaspayPassword string
}

// reporter is what a [Sandbox] uses of a testing.TB.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// New starts a sandbox that lives as long as the test.
func New(tb testing.TB) *Sandbox {
	tb.Helper()
	s, err := start(tb, tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.Audit()
		if err := s.stop(); err != nil {
			tb.Error(err)
		}
	})
	return s.Sandbox
}

// Start starts a sandbox for code that has no testing.TB, as TestMain and the
// examples of a package. Where it and the sandbox's methods would fail a test, they
// panic. stop must be called.
func Start() (s *Sandbox, stop func()) {
	dir, err := os.MkdirTemp("", "ovotest-")
	if err != nil {
		panic(err)
	}
	running, err := start(panics{}, dir)
	if err != nil {
		panic(errors.Join(err, os.RemoveAll(dir)))
	}
	return running.Sandbox, func() {
		if err := errors.Join(running.stop(), os.RemoveAll(dir)); err != nil {
			panic(err)
		}
	}
}

// Connect uses the sandbox that runs at url, as `gerbang sandbox` starts one. It must
// have been seeded. Its books and its clock are everybody's who uses it.
func Connect(tb testing.TB, url string) *Sandbox {
	tb.Helper()
	s, err := connect(tb, url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.client.CloseIdleConnections)
	return s
}

type panics struct{}

func (panics) Helper()                           {}
func (panics) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (panics) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// running is a sandbox in this process.
type running struct {
	*Sandbox
	app *app.App
}

// cheapPIN is a hash that takes no time: these PINs protect nothing.
var cheapPIN = gateway.PINCost{MemoryKiB: 64, Passes: 1}

func start(tb reporter, dir string) (*running, error) {
	a, err := app.StartSandbox(context.Background(), app.Config{
		Installation: app.Installation{DataDir: dir}, Addr: "127.0.0.1:0", Version: "ovotest", PINCost: cheapPIN,
	})
	if err != nil {
		return nil, err
	}
	s, err := connect(tb, a.BaseURL)
	r := &running{s, a}
	if err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

func (r *running) stop() error {
	if r.Sandbox != nil {
		r.client.CloseIdleConnections()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return r.app.Stop(ctx)
}

// merchantView is a merchant as the sandbox API shows it.
type merchantView struct {
	ID   string
	Name string
	DOKU struct {
		ClientID            string `json:"client_id"`
		SecretKey           string `json:"secret_key"`
		PrivateKeyPEM       string `json:"private_key_pem"`
		GatewayPublicKeyPEM string `json:"gateway_public_key_pem"`
	}
	Faspay struct {
		MerchantID string `json:"merchant_id"`
		UserID     string `json:"user_id"`
		Password   string
	}
}

func connect(tb reporter, url string) (*Sandbox, error) {
	s := &Sandbox{
		URL: url, tb: tb, clock: gateway.NewMovableClock(0),
		client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	var list struct{ Merchants []merchantView }
	if err := s.call(http.MethodGet, "/merchants", nil, &list); err != nil {
		return nil, err
	}
	if len(list.Merchants) == 0 {
		return nil, fmt.Errorf("ovotest: the sandbox at %s has no merchant; start it without --no-seed", url)
	}
	m := list.Merchants[0]
	s.Merchant = Merchant{
		ID: m.ID, Name: m.Name, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey,
		FaspayID: m.Faspay.MerchantID, FaspayUserID: m.Faspay.UserID, FaspayPassword: m.Faspay.Password,
	}
	var err error
	if s.Merchant.PrivateKey, err = ovo.ParsePrivateKey(m.DOKU.PrivateKeyPEM); err != nil {
		return nil, fmt.Errorf("ovotest: the merchant's key: %w", err)
	}
	if s.Merchant.GatewayPublicKey, err = ovo.ParsePublicKey(m.DOKU.GatewayPublicKeyPEM); err != nil {
		return nil, fmt.Errorf("ovotest: the gateway's key: %w", err)
	}
	var clock struct{ Offset string }
	if err := s.call(http.MethodGet, "/clock", nil, &clock); err != nil {
		return nil, err
	}
	offset, err := time.ParseDuration(clock.Offset)
	s.clock.Advance(offset)
	return s, err
}

// call makes one call of the sandbox API. into may be nil.
func (s *Sandbox) call(method, path string, body, into any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.URL+"/sandbox/v1"+path, content)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("ovotest: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("ovotest: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("ovotest: %s %s: HTTP %d: %s", method, path, resp.StatusCode, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// must is call for whom there is nothing left to do when it fails.
func (s *Sandbox) must(method, path string, body, into any) {
	s.tb.Helper()
	if err := s.call(method, path, body, into); err != nil {
		s.tb.Fatalf("%v", err)
	}
}

// Call makes a call of the sandbox API for which there is no method here, such as
// ("GET", "/payments", nil, &list). body is sent as JSON unless it is nil, and the
// answer read into what into points to unless that is nil. Every status but 2xx
// fails the test. docs/sandbox.md describes the calls.
func (s *Sandbox) Call(method, path string, body, into any) {
	s.tb.Helper()
	s.must(method, path, body, into)
}

// Now is the sandbox's time.
func (s *Sandbox) Now() time.Time { return s.clock.Now() }

// Advance lets time pass in the sandbox and for the clients and receivers of this
// package. What fell due has happened when it returns, but notifications, which are
// sent right after.
func (s *Sandbox) Advance(by time.Duration) {
	s.tb.Helper()
	s.must(http.MethodPost, "/clock/advance", map[string]string{"by": by.String()}, nil)
	s.clock.Advance(by)
}

// Outcome is what a customer does on a hosted page.
type Outcome string

const (
	Approve  Outcome = "approve"   // enter code and PIN
	Cancel   Outcome = "cancel"    // give up
	WrongOTP Outcome = "wrong_otp" // enter wrong codes until the page fails
	WrongPIN Outcome = "wrong_pin" // enter wrong PINs until the page fails and the wallet is locked
)

// Complete walks a hosted page as a customer who approves, and returns where the
// browser is sent.
func (s *Sandbox) Complete(page string) (redirect string) {
	s.tb.Helper()
	return s.CompleteAs(page, Approve)
}

// CompleteAs walks a hosted page to the outcome, and returns where the browser is
// sent.
func (s *Sandbox) CompleteAs(page string, outcome Outcome) (redirect string) {
	s.tb.Helper()
	var answer struct {
		RedirectTo string `json:"redirect_to"`
	}
	s.must(http.MethodPost, "/pages/complete", map[string]any{"url": page, "outcome": outcome}, &answer)
	return answer.RedirectTo
}

// Audit fails the test if the books do not balance.
func (s *Sandbox) Audit() {
	s.tb.Helper()
	var audit struct {
		Invariants []struct {
			ID, Detail string
			OK         bool
		}
	}
	if err := s.call(http.MethodPost, "/audit", nil, &audit); err != nil {
		s.tb.Errorf("%v", err)
	}
	for _, v := range audit.Invariants {
		if !v.OK {
			s.tb.Errorf("ovotest: the books do not balance: %s: %s", v.ID, v.Detail)
		}
	}
}
