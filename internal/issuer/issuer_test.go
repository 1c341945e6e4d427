package issuer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/jsonapi"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

const (
	phone = "081200000001"
	pin   = "135790"
)

// bundle is the boundary over a gateway with a database of its own, a merchant and
// a wallet with 100,000.
type bundle struct {
	*gateway.Gateway
	t        testing.TB
	clock    *gateway.MovableClock
	secrets  issuer.Secrets
	mux      *http.ServeMux
	merchant gateway.Merchant
}

func setup(t testing.TB) *bundle {
	t.Helper()
	keys, err := seal.New(seal.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{t: t, clock: gateway.NewMovableClock(0), mux: http.NewServeMux()}
	db, err := store.Open(t.Context(), store.Config{URL: storetest.URL(t), Keys: keys, Clock: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b.Gateway = gateway.New(gateway.Config{Store: db, Clock: b.clock, Keys: keys, Messages: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}})
	if b.secrets, err = issuer.ParseSecrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"); err != nil {
		t.Fatal(err)
	}
	issuer.NewAPI(issuer.APIConfig{Gateway: b.Gateway, Clock: b.clock, Secrets: b.secrets}).Mount(b.mux)
	if b.merchant, err = b.CreateMerchant(t.Context(), gateway.Merchant{Name: "Toko"}); err != nil {
		t.Fatal(err)
	}
	b.call("POST", "/wallets", fmt.Sprintf(`{"phone":%q,"name":"Sari","pin":%q}`, phone, pin), 201)
	b.call("POST", "/wallets/"+phone+"/topup", `{"cash":100000}`, 200)
	return b
}

// send makes a signed call with an id.
func (b *bundle) send(method, path, body, id string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, issuer.Root+path, strings.NewReader(body))
	b.secrets.SignCall(r, id, b.clock.Now(), []byte(body))
	w := httptest.NewRecorder()
	b.mux.ServeHTTP(w, r)
	return w
}

// call is send that must be answered with a status, under a new id unless one is given.
func (b *bundle) call(method, path, body string, status int, id ...string) (answer map[string]any) {
	b.t.Helper()
	w := b.send(method, path, body, append(id, rand.Text())[0])
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != status {
		b.t.Fatalf("%s %s %s: HTTP %d, want %d: %s", method, path, body, w.Code, status, w.Body)
	}
	return answer
}

func (b *bundle) push(invoice string) string {
	b.t.Helper()
	s, err := b.StartPush(b.t.Context(), gateway.StartPush{
		Merchant: b.merchant.ID, Dialect: "jokul", Phone: phone, Reference: invoice, Amount: 15_000, Proof: invoice, Fingerprint: invoice,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return string(s.Payment.ID)
}

// What is signed with nothing, or twice, changes nothing.
func TestCallsMustBeSigned(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.push("INV-1")
	for _, path := range []string{"", "/topup", "/status", "/limits", "/pin", "/number", "/prompts/" + id + "/approve", "/prompts/" + id + "/decline", "/links/x/unlink", "/nothing"} {
		body := `{"cash":1,"status":"blocked","pin":"` + pin + `","phone":"081200000002"}`
		r := httptest.NewRequest(http.MethodPost, issuer.Root+"/wallets/"+phone+path, strings.NewReader(body))
		b.secrets.SignCall(r, "id", b.clock.Now(), []byte(body+" "))
		w := httptest.NewRecorder()
		b.mux.ServeHTTP(w, r)
		var p jsonapi.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusUnauthorized || !strings.Contains(p.Detail, issuer.HeaderSignature) {
			t.Errorf("%s: HTTP %d %s", path, w.Code, w.Body)
		}
	}
	if v := b.call("GET", "/wallets/"+phone, "", 200); v["cash"] != 100_000.0 || v["status"] != "active" || len(v["prompts"].([]any)) != 1 {
		t.Errorf("%v", v)
	}
}

// A POST is done once for its id, however often and however much at once it comes.
func TestRepeats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var together sync.WaitGroup
	for range 8 {
		together.Go(func() {
			if w := b.send("POST", "/wallets/"+phone+"/topup", `{"cash":5000}`, "once"); w.Code != 200 && w.Code != 409 {
				t.Errorf("HTTP %d %s", w.Code, w.Body)
			}
		})
	}
	together.Wait()
	if v := b.call("POST", "/wallets/"+phone+"/topup", `{"cash":5000}`, 200, "once"); v["cash"] != 105_000.0 {
		t.Errorf("%v", v)
	}
	b.call("POST", "/wallets/"+phone+"/topup", `{"cash":6000}`, 409, "once")

	// A refusal is repeated as well: a wrong PIN counts once.
	id := b.push("INV-1")
	for range 5 {
		b.call("POST", "/wallets/"+phone+"/prompts/"+id+"/approve", `{"pin":"000000"}`, 409, "wrong PIN")
	}
	first := b.call("POST", "/wallets/"+phone+"/prompts/"+id+"/approve", `{"pin":"`+pin+`"}`, 200, "right PIN")
	again := b.call("POST", "/wallets/"+phone+"/prompts/"+id+"/approve", `{"pin":"`+pin+`"}`, 200, "right PIN")
	if first["state"] != "succeeded" || fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("%v, then %v", first, again)
	}
	// What was refused without an effect may be tried again under its id.
	b.call("POST", "/wallets/"+phone+"/limits", `{"holding":100000}`, 200)
	b.call("POST", "/wallets/"+phone+"/topup", `{"points":90000}`, 409, "too much")
	b.call("POST", "/wallets/"+phone+"/limits", `{}`, 200)
	if v := b.call("POST", "/wallets/"+phone+"/topup", `{"points":90000}`, 200, "too much"); v["points"] != 90_000.0 || v["cash"] != 90_000.0 {
		t.Errorf("%v", v)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.push("INV-1")
	of := "/wallets/" + phone
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/wallets", `{"phone":"` + phone + `","pin":"123456"}`, 409},
		{"POST", "/wallets", `{"phone":"12","pin":"123456"}`, 400},
		{"POST", "/wallets", `{"phone":"081200000002","pin":"12345"}`, 400},
		{"POST", "/wallets", `{"phone":"081200000002","pin":"123456","status":"odd"}`, 400},
		{"POST", "/wallets", `{"phone":"081200000002","pin":"123456","cash":1}`, 400}, // only by a top-up
		{"POST", "/wallets", `{`, 400},
		{"GET", "/wallets/081200000002", "", 404},
		{"POST", "/wallets/081200000002/topup", `{"cash":1}`, 404},
		{"POST", of + "/topup", `{"cash":-1}`, 400},
		{"POST", of + "/topup", `{"cash":1.5}`, 400},
		{"POST", of + "/topup", `{}`, 400},
		{"POST", of + "/status", `{"status":"gone"}`, 400},
		{"POST", of + "/limits", `{"daily_sum":-1}`, 400},
		{"POST", of + "/pin", `{"pin":"12345a"}`, 400},
		{"POST", of + "/number", `{"phone":"x"}`, 400},
		{"POST", of + "/prompts/nothing/approve", `{"pin":"` + pin + `"}`, 404},
		{"POST", of + "/prompts/" + id + "/approve", `{"pin":"1"}`, 400},
		{"POST", of + "/prompts/" + id + "/approve", `{"pin":"` + pin + `","use":"credit"}`, 400},
		{"POST", of + "/links/nothing/unlink", "", 404},
		{"POST", "/nothing", "", 404},
		{"DELETE", of, "", 404},
		{"POST", of + "/topup", `{"cash":1}` + strings.Repeat(" ", 64<<10), 413},
	} {
		b.call(c.method, c.path, c.body, c.status)
	}
	if v := b.call("GET", of, "", 200); v["cash"] != 100_000.0 || v["status"] != "active" || len(v["prompts"].([]any)) != 1 {
		t.Errorf("%v", v)
	}
	if list := b.call("GET", "/wallets", "", 200)["wallets"].([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
}

// receiver takes messages as it is told to.
type receiver struct {
	*httptest.Server
	got chan string
}

func listen(t testing.TB, status int) *receiver {
	r := &receiver{got: make(chan string, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if status/100 == 3 {
			w.Header().Set("Location", r.URL+"/elsewhere")
		}
		w.WriteHeader(status)
		r.got <- req.URL.Path + " " + req.Header.Get(issuer.HeaderID) + " " + string(body)
	}))
	t.Cleanup(r.Close)
	return r
}

func (b *bundle) deliver(url string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	m := issuer.NewMessenger(issuer.MessengerConfig{Gateway: b.Gateway, Clock: b.clock, URL: url, Secrets: b.secrets})
	running.Go(func() { m.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	b.t.Cleanup(stop)
	return stop
}

func (b *bundle) bind(customer string) gateway.Page {
	b.t.Helper()
	_, page, err := b.StartBinding(b.t.Context(), gateway.StartBinding{Merchant: b.merchant.ID, Phone: phone, CustomerID: customer, Dialect: "snap"})
	if err != nil {
		b.t.Fatal(err)
	}
	return page
}

// until waits for what the database says.
func (b *bundle) until(what string, holds func(next time.Time, queued bool) bool) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		next, queued, err := b.NextMessage(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		if holds(next, queued) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("never: %s", what)
		}
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := listen(t, http.StatusNoContent)
	b.deliver(r.URL + "/messages")
	page := b.bind("c")
	text := <-r.got
	if !strings.HasPrefix(text, "/messages msg_") || !strings.Contains(text, `"type":"code.created"`) || !strings.Contains(text, phone) {
		t.Errorf("got %s", text)
	}
	b.until("deleted", func(_ time.Time, queued bool) bool { return !queued })
	_, code, _ := strings.Cut(text, `"code":"`)
	if _, err := b.EnterOTP(t.Context(), page.Key, code[:gateway.OTPDigits]); err != nil {
		t.Error(err)
	}
}

// What is not taken is tried again under the same id, ever more slowly, and not after
// its time. A redirect is no way to get at codes.
func TestUndelivered(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusInternalServerError, http.StatusTemporaryRedirect, http.StatusUnauthorized} {
		b := setup(t)
		r := listen(t, status)
		b.deliver(r.URL)
		page := b.bind("c")
		var first string
		attempts := 0
		for b.clock.Now().Before(page.OTPExpiresAt) {
			text := <-r.got
			if attempts++; attempts == 1 {
				first = text
			}
			if text != first {
				t.Errorf("%d: got %s, then %s", status, first, text)
			}
			b.until("queued again", func(next time.Time, queued bool) bool {
				return queued && next.After(b.clock.Now()) && next.Sub(b.clock.Now()) < 16*time.Second
			})
			b.clock.Advance(16 * time.Second)
		}
		b.until("deleted", func(_ time.Time, queued bool) bool { return !queued })
		if attempts < 10 || len(r.got) > 0 {
			t.Errorf("%d: %d attempts, %d after the end", status, attempts, len(r.got))
		}
	}
}

// A message that nobody could take is taken after a restart, as the same one.
func TestDeliveryAfterRestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	down := listen(t, http.StatusServiceUnavailable)
	stop := b.deliver(down.URL)
	b.push("INV-1")
	first := <-down.got
	stop()
	b.clock.Advance(21 * time.Second) // longer than a lease
	up := listen(t, http.StatusOK)
	b.deliver(up.URL)
	if again := <-up.got; again != first || !bytes.Contains([]byte(again), []byte(`"type":"prompt.created"`)) {
		t.Errorf("got %s, then %s", first, again)
	}
}
