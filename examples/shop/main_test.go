package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
	"github.com/gerbang-pay/gerbang/ovo/ovotest"
)

// sandboxFor is a sandbox of the test's own or, in CI, the one at $GERBANG_URL, which
// the tests use in turn.
func sandboxFor(t *testing.T) *ovotest.Sandbox {
	t.Helper()
	if url := os.Getenv("GERBANG_URL"); url != "" {
		return ovotest.Connect(t, url)
	}
	t.Parallel()
	return ovotest.New(t)
}

// running is a shop and a customer's browser.
type running struct {
	t       *testing.T
	url     string
	browser *http.Client
	stop    func()
}

// start runs the shop as a user would, against a sandbox.
func start(t *testing.T, sandbox *ovotest.Sandbox, protocol, file string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-protocol", protocol, "-gateway", sandbox.URL, "-addr", "127.0.0.1:0", "-data", file}, write, t.Output())
		write.CloseWithError(cmp.Or(err, io.EOF))
		done <- err
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(strings.TrimSpace(line), "Open ")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &running{t: t, url: address, browser: &http.Client{
		Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.browser.CloseIdleConnections()
	}
	t.Cleanup(s.stop)
	return s
}

// answer is a page, or where the browser is sent.
type answer struct {
	status   int
	location string
	page     string
}

func (s *running) read(resp *http.Response, err error) answer {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	to := resp.Header.Get("Location")
	if strings.HasPrefix(to, "/") {
		to = s.url + to
	}
	return answer{resp.StatusCode, to, string(body)}
}

func (s *running) get(address string) answer {
	s.t.Helper()
	return s.read(s.browser.Get(address))
}

func (s *running) buy(phone string) answer {
	s.t.Helper()
	return s.read(s.browser.PostForm(s.url+"/orders", url.Values{"phone": {phone}}))
}

func (s *running) refund(order string) answer {
	s.t.Helper()
	return s.read(s.browser.PostForm(order+"/refund", nil))
}

// foreign sends a form as a page of another site would.
func (s *running) foreign(address string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return s.read(s.browser.Do(r))
}

// pay buys and does what the customer has to do for it; it returns the order's page.
func (s *running) pay(sandbox *ovotest.Sandbox, phone *ovotest.Wallet, outcome ovotest.Outcome) (order string) {
	s.t.Helper()
	a := s.buy(phone.Number)
	for range 5 {
		if a.status != http.StatusSeeOther {
			s.t.Fatalf("HTTP %d instead of a redirect: %s", a.status, a.page)
		}
		if strings.HasPrefix(a.location, s.url+"/orders/") {
			return a.location
		}
		a = s.get(sandbox.CompleteAs(a.location, outcome))
	}
	s.t.Fatal("no way back to the shop")
	return ""
}

// await looks at a page until it says what is expected.
func (s *running) await(page, text string) answer {
	s.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(30 * time.Second)
	for range tick.C {
		a := s.get(page)
		if strings.Contains(a.page, text) {
			return a
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not say %q:\n%s", page, text, a.page)
		}
	}
	panic("unreachable")
}

const (
	saysPaid     = "Paid. Thank you!"
	saysNotPaid  = "Not paid"
	saysRefunded = "The money is back"
)

// invoice is the number of the order at a page.
func invoice(page string) string { return page[strings.LastIndex(page, "/")+1:] }

// TestShop is paid, told and refunded through every protocol, by the one flag.
func TestShop(t *testing.T) {
	sandbox := sandboxFor(t)
	for _, protocol := range []string{"snap", "jokul", "push", "faspay-json", "faspay-xml"} {
		t.Run(protocol, func(t *testing.T) { // in turn: they share the merchant's settings
			shop := start(t, sandbox, protocol, filepath.Join(t.TempDir(), "shop.json"))
			phone := sandbox.NewWallet(2*price, 0)

			if a := shop.get(shop.url + "/"); !strings.Contains(a.page, "Rp18.000") || !strings.Contains(a.page, `name="phone"`) {
				t.Errorf("the first page: %s", a.page)
			}
			order := shop.pay(sandbox, phone, ovotest.Approve)
			if protocol == "push" {
				phone.Approve(invoice(order))
			}
			shop.await(order, saysPaid)
			if b := phone.Balance(); b.Cash != price {
				t.Errorf("paid, and %+v is left", b)
			}

			if protocol != "push" { // the second time there is nothing to link
				first := shop.buy("+62 " + phone.Number[1:])
				switch protocol {
				case "faspay-json", "faspay-xml":
					if shop.get(sandbox.CompleteAs(first.location, ovotest.Cancel)).location == "" {
						t.Error("no way back from a page that was cancelled")
					}
				default:
					shop.await(first.location, saysPaid)
					phone.TopUp(price, 0)
				}
			}

			a := shop.refund(order)
			if strings.HasPrefix(protocol, "faspay") {
				if a.status != http.StatusConflict || !strings.Contains(a.page, "provider&#39;s people") || !strings.Contains(a.page, saysPaid) {
					t.Errorf("a refund that the protocol cannot make: HTTP %d %s", a.status, a.page)
				}
				refundByHand(sandbox, order)
				a = shop.refund(order)
			}
			if a.location != order {
				t.Errorf("the refund: HTTP %d %s", a.status, a.page)
			}
			if page := shop.get(order).page; !strings.Contains(page, saysRefunded) || strings.Contains(page, "/refund") {
				t.Errorf("after the refund: %s", page)
			}
			if b := phone.Balance(); b.Cash != 2*price {
				t.Errorf("refunded, and %+v is there", b)
			}
			shop.refund(order) // a second click
			if a := shop.foreign(order + "/refund"); a.status != http.StatusForbidden {
				t.Errorf("a form on another site: HTTP %d", a.status)
			}
			if b := phone.Balance(); b.Cash != 2*price {
				t.Errorf("refunded twice, and %+v is there", b)
			}
		})
	}
}

// refundByHand is what the provider's people do.
func refundByHand(sandbox *ovotest.Sandbox, order string) {
	var list struct{ Payments []struct{ ID, Order string } }
	sandbox.Call(http.MethodGet, "/payments", nil, &list)
	for _, p := range list.Payments {
		if strings.HasSuffix(order, "/"+p.Order) && p.Order != "" {
			sandbox.Call(http.MethodPost, "/payments/"+p.ID+"/refund", nil, nil)
		}
	}
}

// Nobody is charged, and the customer is told why.
func TestNotPaid(t *testing.T) {
	sandbox := sandboxFor(t)
	for _, protocol := range []string{"snap", "jokul", "push", "faspay-json", "faspay-xml"} {
		t.Run(protocol, func(t *testing.T) {
			shop := start(t, sandbox, protocol, filepath.Join(t.TempDir(), "shop.json"))
			rich, poor := sandbox.NewWallet(price, 0), sandbox.NewWallet(price-1, 0)
			if protocol == "push" {
				order := shop.pay(sandbox, rich, ovotest.Approve)
				rich.Decline(invoice(order))
				shop.await(order, saysNotPaid)
				shop.await(shop.buy("081299999999").location, saysNotPaid)
				shop.await(shop.buy("12").location, "no Indonesian mobile number")
			} else {
				order := shop.pay(sandbox, rich, ovotest.Cancel)
				shop.await(order, "The wallet was not linked.")
				shop.await(shop.pay(sandbox, poor, ovotest.Approve), saysNotPaid)
				for _, number := range []string{"081299999999", "12", ""} {
					if a := shop.buy(number); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.page, `role="alert"`) {
						t.Errorf("%q: HTTP %d %s", number, a.status, a.page)
					}
				}
			}
			if a, b := rich.Balance(), poor.Balance(); a.Cash != price || b.Cash != price-1 {
				t.Errorf("%+v and %+v are left", a, b)
			}
		})
	}
}

// What breaks on the way leaves nobody in the dark and charges nobody twice.
func TestFaults(t *testing.T) {
	sandbox := sandboxFor(t)
	lose := func(operation, member string, times int) (scenario string) {
		var made struct{ ID string }
		sandbox.Call(http.MethodPost, "/scenarios", map[string]any{
			"match": map[string]any{"operation": operation}, "outcome": map[string]any{member: "lost"}, "times": times,
		}, &made)
		return made.ID
	}
	for _, protocol := range []string{"snap", "jokul"} {
		t.Run("lost answer "+protocol, func(t *testing.T) {
			shop := start(t, sandbox, protocol, filepath.Join(t.TempDir(), "shop.json"))
			phone := sandbox.NewWallet(2*price, 0)
			lose("notification", "notification", 1)
			lose("payment", "answer", 1)
			shop.await(shop.pay(sandbox, phone, ovotest.Approve), saysPaid)
			if phone.Balance().Cash != price {
				t.Errorf("%+v is left", phone.Balance())
			}
		})
	}

	// A shop that was stopped between the charge and the notification asks when it is
	// back, and knows whom it may charge.
	t.Run("restart", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "shop.json")
		phone := sandbox.NewWallet(2*price, 0)
		shop := start(t, sandbox, "snap", file)
		lost := lose("notification", "notification", 100)
		first := shop.pay(sandbox, phone, ovotest.Approve)
		shop.stop()
		if phone.Balance().Cash != price {
			t.Fatal("not charged")
		}
		again := start(t, sandbox, "snap", file)
		again.await(again.url+"/orders/"+invoice(first), saysPaid)
		sandbox.Call(http.MethodDelete, "/scenarios/"+lost, nil, nil)
		if second := again.buy(phone.Number); !strings.HasPrefix(second.location, again.url+"/orders/") {
			t.Errorf("linked before, and sent to %q", second.location)
		}
		if phone.Balance().Cash != 0 {
			t.Error("not charged again")
		}
	})

	t.Run("account", func(t *testing.T) {
		var list struct{ Merchants []json.RawMessage }
		sandbox.Call(http.MethodGet, "/merchants", nil, &list)
		file := filepath.Join(t.TempDir(), "account.json")
		if err := os.WriteFile(file, list.Merchants[0], 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := openAccount(t.Context(), "", sandbox.URL, "http://127.0.0.1:1", "snap")
		got, err2 := openAccount(t.Context(), file, "", "", "")
		if err != nil || err2 != nil || got != want || got.DOKU.SecretKey == "" {
			t.Errorf("%+v, %v; %+v, %v", got, err2, want, err)
		}
	})

	t.Run("arguments", func(t *testing.T) {
		for _, test := range []struct{ args, want string }{
			{"-protocol carrier-pigeon -gateway " + sandbox.URL, "none of snap, jokul, push, faspay-json and faspay-xml"},
			{"-gateway http://127.0.0.1:1", "go run ./cmd/gerbang sandbox"},
			{"-account nowhere.json", "nowhere.json"},
			{"-addr 256.0.0.1:1", "256.0.0.1"},
		} {
			err := run(t.Context(), append([]string{"-addr", "127.0.0.1:0", "-data", filepath.Join(t.TempDir(), "shop.json")}, strings.Fields(test.args)...), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.args, err)
			}
		}
	})
}

// A notification of another amount, or of another shop's order, changes nothing.
func TestNotified(t *testing.T) {
	t.Parallel()
	s := &shop{file: filepath.Join(t.TempDir(), "shop.json")}
	s.data.Orders = map[string]order{"A": {ID: "A", State: paying}}
	if err := s.notified("A", ovo.StateSuccess, price-1); err == nil {
		t.Error("a payment of less was taken")
	}
	if err := s.notified("B", ovo.StateSuccess, price); err != nil {
		t.Error(err)
	}
	steps := []struct {
		how  ovo.State
		want state
	}{
		{ovo.StatePending, paying}, {ovo.StateSuccess, paid}, {ovo.StateSuccess, paid}, {ovo.StateFailed, paid},
	}
	for _, step := range steps {
		if err := s.notified("A", step.how, price); err != nil {
			t.Error(err)
		}
		if o, _ := s.order("A"); o.State != step.want {
			t.Errorf("after %s: %+v", step.how, o)
		}
	}
	s.file = filepath.Join(t.TempDir(), "missing", "shop.json")
	s.data.Orders["C"] = order{ID: "C", State: paying}
	if err := s.notified("C", ovo.StateSuccess, price); err == nil {
		t.Error("what could not be stored was acknowledged")
	}
	if o, _ := s.order("C"); o.State != paying {
		t.Errorf("what could not be stored was kept: %+v", o)
	}
}
