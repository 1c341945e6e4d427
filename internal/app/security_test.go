package app_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/app"
	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
	wirejokul "github.com/gerbang-pay/gerbang/internal/wire/jokul"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
)

// newMerchant registers a second shop, with keys of its own.
func (c control) newMerchant(name string) (m merchant) {
	c.t.Helper()
	c.call("POST", "/merchants", map[string]string{"name": name}, 201, &m)
	return m
}

// failure is how a call was refused: everything that the caller learns.
func failure(err error) string {
	var e *ovo.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("HTTP %d %s %s", e.Status, e.Code, e.Message)
	}
	return fmt.Sprint(err)
}

// TestOthersThingsAreOutOfReach tries every call of every protocol with one
// merchant's credentials and another merchant's tokens, codes, references and ids.
// Each must be refused exactly as a name that does not exist, and change nothing.
func TestOthersThingsAreOutOfReach(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	ctx := t.Context()
	ours, theirs := c.seededMerchant(), c.newMerchant("Toko Lain")
	c.newWallet("081300000001", 1_000_000)
	snap, legacy, push := c.snapClient(ours), c.jokulClient(ours), c.pushClient(ours)
	token := c.bind(snap, "081222222222", "cust")
	binding, err := snap.Bind(ctx, ovo.BindRequest{Phone: "081211111111", CustomerID: "waits", SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		t.Fatal(err)
	}
	c.complete(binding.RedirectURL, "approve")
	customer, err := snap.CustomerToken(ctx, binding.AuthCode)
	if err != nil {
		t.Fatal(err)
	}
	paid, err := snap.Pay(ctx, ovo.PayRequest{CustomerToken: token, Reference: "PAID", Type: ovo.Recurring, Amount: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	old := &jokulTeller{c: c, client: legacy, requests: map[string]string{}}
	step(t, "bind through Jokul", old.bind("081300000001", "cust-j"), "ok")
	step(t, "pay through Jokul", old.pay("PAID-J", 10_000, false), "ok")
	var pushed ovo.PushResult
	answered := make(chan error, 1)
	go func() {
		var err error
		pushed, err = push.Pay(context.Background(), ovo.PushRequest{Phone: "081300000001", Invoice: "PAID-P", Amount: 10_000})
		answered <- err
	}()
	prompt := c.prompts("081300000001", 1)[0]
	c.call("POST", "/wallets/081300000001/prompts/"+prompt.ID+"/approve", map[string]string{"pin": "123456", "use": "cash"}, 200, nil)
	if err := wait(t, "the push's answer", answered); err != nil {
		t.Fatal(err)
	}
	before := c.everything()

	evilSNAP, evilJokul, evilPush := c.snapClient(theirs), c.jokulClient(theirs), c.pushClient(theirs)
	customerJ := ovo.JokulCustomer{ID: "cust-j", Name: "Sari"}
	noToken, noCode := tokenOf(t, c, theirs), strings.Repeat("7", 40)
	for name, call := range map[string]func(theirs bool) error{
		"snap token by auth code": func(theirs bool) error {
			_, err := evilSNAP.CustomerToken(ctx, pick(theirs, binding.AuthCode, noCode))
			return err
		},
		"snap token by refresh token": func(theirs bool) error {
			_, err := evilSNAP.RefreshCustomerToken(ctx, pick(theirs, customer.RefreshToken, noToken))
			return err
		},
		"snap balance": func(theirs bool) error { _, err := evilSNAP.Balance(ctx, pick(theirs, token, noToken)); return err },
		"snap recurring payment": func(theirs bool) error {
			_, err := evilSNAP.Pay(ctx, ovo.PayRequest{CustomerToken: pick(theirs, token, noToken), Reference: "E-1", Type: ovo.Recurring, Amount: 1})
			return err
		},
		"snap sale": func(theirs bool) error {
			_, err := evilSNAP.Pay(ctx, ovo.PayRequest{CustomerToken: pick(theirs, token, noToken), Reference: "E-2", Amount: 1, SuccessURL: "https://x.test", FailureURL: "https://x.test"})
			return err
		},
		"snap status by reference": func(theirs bool) error {
			_, err := evilSNAP.Status(ctx, ovo.StatusQuery{Reference: pick(theirs, "PAID", "NONE")})
			return err
		},
		"snap status by number": func(theirs bool) error {
			_, err := evilSNAP.Status(ctx, ovo.StatusQuery{Reference: "NONE", ReferenceNo: pick(theirs, paid.ReferenceNo, strings.Repeat("0", 32))})
			return err
		},
		"snap refund": func(theirs bool) error {
			_, err := evilSNAP.Refund(ctx, ovo.RefundRequest{Reference: pick(theirs, "PAID", "NONE"), RefundReference: "E-R", Amount: 1})
			return err
		},
		"snap unbinding by token": func(theirs bool) error { return evilSNAP.Unbind(ctx, pick(theirs, token, noToken)) },
		"snap unbinding by code":  func(theirs bool) error { return evilSNAP.Unbind(ctx, pick(theirs, binding.AuthCode, noCode)) },
		"jokul tokens": func(theirs bool) error {
			tokens, err := evilJokul.Tokens(ctx, pick(theirs, "cust-j", "nobody"))
			if err == nil && len(tokens) == 0 {
				err = errors.New("none")
			}
			return err
		},
		"jokul balance": func(theirs bool) error {
			_, err := evilJokul.Balance(ctx, "cust-j", pick(theirs, old.token, strings.Repeat("0", 32)))
			return err
		},
		"jokul recurring payment": func(theirs bool) error {
			_, err := evilJokul.Pay(ctx, ovo.JokulPayRequest{Customer: customerJ, Token: pick(theirs, old.token, strings.Repeat("0", 32)), Invoice: "E-3", Amount: 1})
			return err
		},
		"jokul payment again under its request id": func(theirs bool) error {
			_, err := evilJokul.Pay(ctx, ovo.JokulPayRequest{Customer: customerJ, Token: pick(theirs, old.token, strings.Repeat("0", 32)), Invoice: "PAID-J", Amount: 10_000, RequestID: pick(theirs, old.requests["PAID-J"], "")})
			return err
		},
		"jokul payment": func(theirs bool) error {
			_, err := evilJokul.PayOnPage(ctx, ovo.JokulPayRequest{Customer: customerJ, Token: pick(theirs, old.token, strings.Repeat("0", 32)), Invoice: "E-4", Amount: 1, SuccessURL: "https://x.test", FailureURL: "https://x.test"})
			return err
		},
		"jokul refund": func(theirs bool) error {
			_, err := evilJokul.Refund(ctx, ovo.JokulRefundRequest{Invoice: pick(theirs, "PAID-J", "NONE"), PaymentRequestID: pick(theirs, old.requests["PAID-J"], "none"), Amount: 1})
			return err
		},
		"jokul unbinding": func(theirs bool) error {
			_, err := evilJokul.Unbind(ctx, ovo.JokulUnbindRequest{CustomerID: "cust-j", Token: pick(theirs, old.token, strings.Repeat("0", 32))})
			return err
		},
		"jokul status": func(theirs bool) error { _, err := evilJokul.Status(ctx, pick(theirs, "PAID-J", "NONE")); return err },
		"jokul status by request id": func(theirs bool) error {
			_, err := evilJokul.Status(ctx, pick(theirs, old.requests["PAID-J"], "NONE"))
			return err
		},
		"push taken back": func(theirs bool) error {
			taken := ovo.PushVoidRequest{Phone: "081300000001", Payment: ovo.PushResult{Invoice: "NONE", Amount: 10_000, ApprovalCode: "000000"}}
			if theirs {
				taken.Payment = pushed
			}
			_, err := evilPush.Void(ctx, taken)
			return err
		},
		"push status": func(theirs bool) error { _, err := evilPush.Status(ctx, pick(theirs, "PAID-P", "NONE")); return err },
	} {
		foreign, absent := call(true), call(false)
		if foreign == nil || failure(foreign) != failure(absent) {
			t.Errorf("%s: what is another's is answered %q, what does not exist %q", name, failure(foreign), failure(absent))
		}
	}
	c.calledEverything(theirs.DOKU.ClientID)
	// The same, against the app's own guard: prompts and links are one phone's.
	c.call("POST", "/wallets/081211111111/prompts/"+prompt.ID+"/approve", map[string]string{"pin": "123456", "use": "cash"}, 404, nil)
	c.call("POST", "/wallets/081211111111/prompts/"+prompt.ID+"/decline", nil, 404, nil)
	c.call("POST", "/wallets/081211111111/links/"+c.wallet("081300000001").Links[0].ID+"/unlink", nil, 404, nil)
	if diff := cmp.Diff(before, c.everything()); diff != "" {
		t.Errorf("the attempts changed something (-before +after):\n%s", diff)
	}
	auditedFromOutside(t, dir)
}

// calledEverything checks that a client made every call there is, so that a new one
// cannot be left out above. Calls that name nothing of anybody's are no exception.
func (c control) calledEverything(clientID string) {
	c.t.Helper()
	var log struct{ Requests []struct{ Target string } }
	c.call("GET", "/requests?limit=500&merchant="+clientID, nil, 200, &log)
	called := map[string]bool{}
	for _, r := range log.Requests {
		path, _, _ := strings.Cut(r.Target, "?")
		called[path] = true
		called[path[:strings.LastIndexByte(path, '/')+1]] = true // of a check of status
	}
	all := append([]string{wirejokul.PathStatus, wirejokul.PathVoid}, wirejokul.Paths...)
	for _, route := range wiresnap.Routes {
		if !route.Archived {
			all = append(all, route.Path)
		}
	}
	for _, path := range all {
		// To ask for a binding or a push of one's own takes nothing of another's.
		if !called[path] && path != wirejokul.PathBinding && path != wirejokul.PathPush {
			c.t.Errorf("%s was not tried", path)
		}
	}
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// tokenOf is a customer token of a merchant that leads to nothing any more.
func tokenOf(t *testing.T, c control, m merchant) string {
	t.Helper()
	const phone = "081399999999"
	c.newWallet(phone, 0)
	client := c.snapClient(m)
	b, err := client.Bind(t.Context(), ovo.BindRequest{Phone: phone, CustomerID: "gone", SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		t.Fatal(err)
	}
	c.complete(b.RedirectURL, "approve")
	token, err := client.CustomerToken(t.Context(), b.AuthCode)
	if err != nil {
		t.Fatal(err)
	}
	c.call("POST", "/wallets/"+phone+"/links/"+c.wallet(phone).Links[0].ID+"/unlink", nil, 200, nil)
	return token.AccessToken
}

// everything is every wallet and every payment.
func (c control) everything() (lines []string) {
	c.t.Helper()
	var list struct{ Wallets []wallet }
	c.call("GET", "/wallets", nil, 200, &list)
	for _, w := range list.Wallets {
		if w.Phone != "081399999999" {
			lines = append(lines, fmt.Sprintf("%s %s %d %d %v", w.Phone, w.Status, w.Cash, w.Points, w.Links))
		}
	}
	for _, p := range c.payments() {
		lines = append(lines, fmt.Sprintf("%+v", p))
	}
	return lines
}

// TestNothingSecretIsReadable plays a journey of every protocol and looks for what must stay
// secret in the log, in the files on disk, and in what is answered to others.
func TestNothingSecretIsReadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log safeBuffer
	a, err := app.StartSandbox(t.Context(), app.Config{
		Installation: app.Installation{DataDir: dir}, Addr: "127.0.0.1:0", PINCost: cheapPIN,
		Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped := sync.OnceFunc(func() { stop(t, a) })
	defer stopped()
	c := control{t, a.BaseURL}
	m := c.seededMerchant()
	const phone, pin = "081300000007", "739154"
	c.call("POST", "/wallets", map[string]any{"phone": phone, "pin": pin, "cash": 1_000_000}, 201, nil)
	newReceiver(t, c, m)
	shop := c.snapClient(m)
	b, err := shop.Bind(t.Context(), ovo.BindRequest{Phone: phone, CustomerID: "cust", SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		t.Fatal(err)
	}
	code := c.wallet(phone).OTPs[0].Code
	c.call("POST", "/pages/complete", map[string]any{"url": b.RedirectURL, "outcome": "approve", "pin": pin}, 200, nil)
	token, err := shop.CustomerToken(t.Context(), b.AuthCode)
	if err != nil {
		t.Fatal(err)
	}
	pay := func(amount int64, reference string) error {
		_, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token.AccessToken, Reference: reference, Type: ovo.Recurring, Amount: amount})
		return err
	}
	if err := pay(1_000, "P-1"); err != nil {
		t.Fatal(err)
	}
	paid := c.payments()[0].ID
	refusals := []error{pay(999_999_999, "P-2"), pay(1, "P-1")}
	_, err = shop.CustomerToken(t.Context(), "x"+b.AuthCode[1:])
	refusals = append(refusals, err)
	wrong := m
	wrong.DOKU.SecretKey += "x"
	_, err = c.snapClient(wrong).Status(t.Context(), ovo.StatusQuery{Reference: "P-1"})
	refusals = append(refusals, err)
	var told []string
	for _, err := range refusals {
		if err == nil {
			t.Fatal("not refused")
		}
		told = append(told, failure(err))
	}
	const other = "081300000008"
	c.newWallet(other, 1_000_000)
	legacy := &jokulTeller{c: c, client: c.jokulClient(m), requests: map[string]string{}}
	step(t, "bind through Jokul", legacy.bind(other, "cust-j"), "ok")
	step(t, "pay through Jokul", legacy.pay("P-J", 1_000, false), "ok")
	push := c.pushClient(m)
	answered := make(chan error, 1)
	go func() {
		_, err := push.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: "P-P", Amount: 1_000})
		answered <- err
	}()
	c.call("POST", "/wallets/"+phone+"/prompts/"+c.prompts(phone, 1)[0].ID+"/approve", map[string]string{"pin": pin, "use": "cash"}, 200, nil)
	if err := wait(t, "the push's answer", answered); err != nil {
		t.Fatal(err)
	}
	faspay := c.faspayClient(c.faspayTerms(m.ID), "")
	activation, err := faspay.Activate(t.Context(), ovo.FaspayActivateRequest{Phone: "081222222222", CustomerName: "Citra"})
	if err != nil {
		t.Fatal(err)
	}
	c.complete(activation.RedirectURL, "approve")
	bill, err := faspay.Pay(t.Context(), ovo.FaspayPayRequest{Phone: "081222222222", BillNo: "P-F", Description: "x", Amount: 1_000, CustomerName: "Citra", Email: "c@shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	c.complete(bill.RedirectURL, "approve")
	var credentials struct {
		Faspay struct {
			UserID   string `json:"user_id"`
			Password string
		}
	}
	c.call("GET", "/merchants/"+m.ID, nil, 200, &credentials)
	c.call("POST", "/snapshots", map[string]string{"name": "canaries"}, 201, nil)
	key, _, _ := strings.Cut(strings.TrimPrefix(m.DOKU.PrivateKeyPEM, "-----BEGIN PRIVATE KEY-----\n"), "\n")
	master, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, metrics := c.scrape()
	stopped()
	if call := regexp.MustCompile(`"msg":"call","dialect":"snap","operation":"payment","merchant":"` + m.ID + `".*"payment":"` + paid + `".*"call":"\w+"`); !call.MatchString(log.String()) {
		t.Error("the log does not name the call, its merchant and its payment")
	}

	places := map[string]string{"the log": log.String(), "the metrics": metrics, "refusals": strings.Join(told, "\n")}
	files, _ := filepath.Glob(filepath.Join(dir, "gerbang.db*"))
	saved, _ := filepath.Glob(filepath.Join(dir, "snapshots", "*"))
	if len(saved) != 1 {
		t.Fatalf("%d snapshots", len(saved))
	}
	for _, name := range append(files, saved...) {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		places[filepath.Base(name)] = string(content)
	}
	if len(files) == 0 || !strings.Contains(places["gerbang.db"], "P-1") || log.String() == "" {
		t.Fatalf("nothing was searched: %v", slices.Collect(maps.Keys(places)))
	}
	for name, secret := range map[string]string{
		"secret key": m.DOKU.SecretKey, "private key": key, "customer token": token.AccessToken, "refresh token": token.RefreshToken,
		"auth code": b.AuthCode, "Faspay password": credentials.Faspay.Password,
		"Faspay phone signature": wirefaspay.Sign(credentials.Faspay.UserID, credentials.Faspay.Password, "081222222222"),
		"page of an activation":  path.Base(activation.RedirectURL), "page of a payment": path.Base(bill.RedirectURL),
		"master key": string(bytes.TrimSpace(master)),
		// Six digits come about by chance in what is hexadecimal or base64.
		"PIN": `\b` + pin + `\b`, "one-time code": `\b` + code + `\b`,
	} {
		if !strings.HasPrefix(secret, `\b`) {
			secret = regexp.QuoteMeta(secret)
		}
		for place, text := range places {
			if regexp.MustCompile(secret).MatchString(text) {
				t.Errorf("the %s is readable in %s", name, place)
			}
		}
	}
}

// safeBuffer is written by many goroutines.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

var idleCallers = flag.Int("callers", 500, "idle connections that TestSlowAndIdleCallers holds; a sixteenth as many send slowly")

// TestSlowAndIdleCallers holds hundreds, or on request thousands, of connections open, idle or with a
// request that never ends, and pays meanwhile. Those that began a request are cut off.
func TestSlowAndIdleCallers(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the server to cut connections")
	}
	t.Parallel()
	idle, slow := *idleCallers, *idleCallers/16
	p := spawn(t, t.TempDir()) // a process of its own has descriptors of its own
	defer p.kill()
	c := control{t, p.base}
	shop := c.snapClient(c.seededMerchant())
	token := c.bind(shop, "081222222222", "cust")
	address := strings.TrimPrefix(p.base, "http://")
	var held []net.Conn
	defer func() {
		for _, conn := range held {
			conn.Close()
		}
	}()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatalf("connection %d: %v", len(held), err)
		}
		held = append(held, conn)
		return conn
	}
	for range idle {
		dial()
	}
	begun := []string{
		"POST /direct-debit/core/v1/debit/payment-host-to-host HTTP/1.1\r\nHost: x\r\nX-A: ",
		"POST /direct-debit/core/v1/debit/payment-host-to-host HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{\"a\":",
		"G",
	}
	var half []net.Conn
	for i := range slow {
		conn := dial()
		if _, err := io.WriteString(conn, begun[i%len(begun)]); err != nil {
			t.Fatal(err)
		}
		half = append(half, conn)
	}
	for i := range 50 {
		if _, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: fmt.Sprint("S-", i), Type: ovo.Recurring, Amount: 1}); err != nil {
			t.Fatalf("a payment among %d connections: %v", len(held), err)
		}
	}
	for i, conn := range half {
		conn.SetReadDeadline(time.Now().Add(60 * time.Second)) // far beyond the server's own
		answer, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
			t.Fatalf("caller %d was not cut off: %q, %v", i, answer, err)
		}
		if strings.HasPrefix(string(answer), "HTTP/1.1 2") || strings.HasPrefix(string(answer), "HTTP/1.1 5") {
			t.Fatalf("caller %d: %s", i, answer)
		}
	}
	c.auditClean()
}

// TestBadFraming sends what proxies and servers may read differently. Each is
// refused, once. (A request with both a length and chunks is read by its chunks, as
// HTTP has it; the library does not tell that there was a length.)
func TestBadFraming(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	address := strings.TrimPrefix(c.base, "http://")
	const line = "POST /authorization/v1/access-token/b2b HTTP/1.1\r\nHost: x\r\n"
	for name, raw := range map[string]string{
		"two lengths":                line + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
		"negative length":            line + "Content-Length: -1\r\n\r\n",
		"signed length":              line + "Content-Length: +4\r\n\r\nabcd",
		"unknown transfer encoding":  line + "Transfer-Encoding: cow\r\n\r\n",
		"hidden transfer encoding":   line + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
		"broken chunk":               line + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
		"blank before the colon":     line + "Content-Length : 4\r\n\r\nabcd",
		"folded header":              line + "X-A: 1\r\n 2\r\n\r\n",
		"NUL in a header":            line + "X-A: a\x00b\r\n\r\n",
		"two hosts":                  "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"no host":                    "GET /healthz HTTP/1.1\r\n\r\n",
		"header of 64 KiB":           line + "X-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
		"another protocol":           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"blank inside the path":      "GET /healthz /x HTTP/1.1\r\nHost: x\r\n\r\n",
		"control character in path":  "GET /health\x7fz HTTP/1.1\r\nHost: x\r\n\r\n",
		"trailer that sets a length": line + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\nContent-Length: 50\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		io.WriteString(conn, raw)
		conn.(*net.TCPConn).CloseWrite()
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if n := strings.Count(string(answer), "HTTP/1."); n > 1 || !strings.HasPrefix(string(answer), "HTTP/1.1 4") && !strings.HasPrefix(string(answer), "HTTP/1.1 505") &&
			!strings.HasPrefix(string(answer), "HTTP/1.1 501") {
			t.Errorf("%s: %q", name, answer)
		}
	}
	if resp, err := http.Get(c.base + "/healthz"); err != nil || resp.StatusCode != 200 {
		t.Errorf("afterwards: %v, %v", resp, err)
	}
}

// A site whose name leads to this machine is no friend of the sandbox.
func TestForeignHosts(t *testing.T) {
	t.Parallel()
	var at string
	a, err := app.StartSandbox(t.Context(), app.Config{
		Installation: app.Installation{DataDir: t.TempDir()}, Addr: "127.0.0.1:0", PINCost: cheapPIN, BaseURL: "https://pay.shop.example",
	}.WithNetwork(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err == nil {
			at = l.Addr().String()
		}
		return l, err
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	status := func(method, host, path string) int {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+at+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode == http.StatusMisdirectedRequest && strings.Contains(string(body), "secret_key") {
			t.Errorf("%s%s: %s", host, path, body)
		}
		return resp.StatusCode
	}
	for _, path := range []string{"/", "/sandbox/v1/merchants", "/phone/081211111111", "/backoffice/", "/requests", "/auditz"} {
		for _, host := range []string{"evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example:8600", "shop.example", "pay.shop.example.evil.com", "1.2.3"} {
			if got := status("GET", host, path); got != http.StatusMisdirectedRequest {
				t.Errorf("%s as %s: HTTP %d", path, host, got)
			}
		}
		for _, host := range []string{"127.0.0.1:8600", "localhost", "localhost:8600", "[::1]:8600", "::1", "gerbang:8600", "host.docker.internal", "sandbox.test:1", "PAY.shop.example", "pay.shop.example.:443"} {
			if got := status("GET", host, path); got == http.StatusMisdirectedRequest {
				t.Errorf("%s as %s: HTTP %d", path, host, got)
			}
		}
	}
	if got := status("POST", "evil.example", "/sandbox/v1/reset"); got != http.StatusMisdirectedRequest {
		t.Errorf("a reset: HTTP %d", got)
	}
	// A tunnel's name leads to the protocols, which look at signatures.
	if got := status("POST", "shop.tunnel.example", wiresnap.PathPayment); got != http.StatusBadRequest {
		t.Errorf("a call through a tunnel: HTTP %d", got)
	}
}
