package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
)

// walletApp is the issuer's side: it takes messages and makes calls.
type walletApp struct {
	t        testing.TB
	secrets  issuer.Secrets
	base     string
	url      string // takes messages
	messages chan issuerMessage
	down     atomic.Int64 // how many messages to come are not taken
}

type issuerMessage struct {
	ID   string
	Type string
	Data struct {
		ID, Phone, Code, Purpose, Merchant string
		Invoice                            string `json:"invoice_number"`
		Amount                             int64
	}
}

func newWalletApp(t testing.TB) *walletApp {
	t.Helper()
	secrets, err := issuer.ParseSecrets(issuerSecret)
	if err != nil {
		t.Fatal(err)
	}
	w := &walletApp{t: t, secrets: secrets, messages: make(chan issuerMessage, 100)}
	server := httptest.NewServer(http.HandlerFunc(w.take))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// take takes a message.
func (w *walletApp) take(rw http.ResponseWriter, r *http.Request) {
	m := issuerMessage{ID: r.Header.Get(issuer.HeaderID)}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		w.t.Error(err)
	}
	w.messages <- m
	if w.down.Add(-1) >= 0 {
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (w *walletApp) next() issuerMessage {
	w.t.Helper()
	select {
	case m := <-w.messages:
		return m
	case <-time.After(20 * time.Second):
		w.t.Fatal("no message")
		return issuerMessage{}
	}
}

// call makes a signed call of the issuer API, with an id of its own unless one is given.
func (w *walletApp) call(method, path string, body any, status int, id ...string) (answer map[string]any) {
	w.t.Helper()
	var payload []byte
	if body != nil {
		payload, _ = json.Marshal(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, w.base+issuer.Root+path, bytes.NewReader(payload))
	if err != nil {
		w.t.Fatal(err)
	}
	w.secrets.SignCall(req, append(id, rand.Text())[0], time.Now(), payload)
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(text, &answer); err != nil || resp.StatusCode != status {
		w.t.Fatalf("%s %s: HTTP %d, want %d: %s", method, path, resp.StatusCode, status, text)
	}
	return answer
}

// form sends one step of a hosted page, as a browser without scripts does.
func form(t testing.TB, browser *http.Client, page string, fields url.Values) *http.Response {
	t.Helper()
	resp, err := browser.PostForm(page, fields)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// A server and an issuer, with no sandbox between them: wallets come in by call, the
// customer binds with the code that the issuer was told, a push is approved from the
// issuer's app, and no code or PIN stays in the database.
func TestServeWithIssuer(t *testing.T) {
	t.Parallel()
	w := newWalletApp(t)
	c := serving(t)
	c.Issuer.URL = w.url
	c.Listen.Pages = "" // with the calls
	a := serve(t, c)
	w.base = "http://" + a.Listening.Issuer
	calls := "http://" + a.Listening.API

	const phone, secretPIN = "081298765432", "918273"
	w.call("POST", "/wallets", map[string]any{"phone": phone, "name": "Rina", "pin": secretPIN}, 201)
	w.call("POST", "/wallets/"+phone+"/topup", map[string]any{"cash": 100_000}, 200, "top-up-1")
	w.call("POST", "/wallets/+6281298765432/topup", map[string]any{"cash": 100_000}, 409, "top-up-1") // not the same call
	if again := w.call("POST", "/wallets/"+phone+"/topup", map[string]any{"cash": 100_000}, 200, "top-up-1"); again["cash"] != 100_000.0 {
		t.Errorf("a repeated top-up: %v", again)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	publicKey, err := snap.EncodePublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	m := gateway.Merchant{Name: "Toko Nyata", DOKU: gateway.DOKU{ClientID: "BRN-1", SecretKey: gateway.NewSecretKey(), PublicKeyPEM: publicKey}}
	if _, err := a.Gateway.CreateMerchant(t.Context(), m); err != nil {
		t.Fatal(err)
	}

	// The first attempt to deliver a code fails, and the second is the same message.
	w.down.Store(1)
	merchant, err := ovo.SNAP(ovo.SNAPConfig{BaseURL: calls, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, PrivateKey: key, HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	binding, err := merchant.Bind(t.Context(), ovo.BindRequest{Phone: phone, CustomerID: "c", SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/no"})
	if err != nil {
		t.Fatal(err)
	}
	first, code := w.next(), w.next()
	if first != code || code.Type != "code.created" || code.Data.Phone != phone || code.Data.Merchant != "Toko Nyata" || code.Data.Purpose != "binding" {
		t.Errorf("told %+v and %+v", first, code)
	}
	page := calls + strings.TrimPrefix(binding.RedirectURL, "https://pay.example.id")
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if status, text := get(t, browser, page, nil); status != http.StatusOK || strings.Contains(text, "Sandbox") || strings.Contains(text, "/phone/") {
		t.Errorf("page: HTTP %d, %.300s", status, text)
	}
	form(t, browser, page, url.Values{"action": {"otp"}, "code": {code.Data.Code}})
	if to := form(t, browser, page, url.Values{"action": {"pin"}, "pin": {secretPIN}}).Header.Get("Location"); to != "https://shop.test/ok" {
		t.Fatalf("the browser was sent to %q", to)
	}
	token, err := merchant.CustomerToken(t.Context(), binding.AuthCode)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := merchant.Pay(t.Context(), ovo.PayRequest{CustomerToken: token.AccessToken, Reference: "INV-1", Type: ovo.Recurring, Amount: 15_000}); err != nil {
		t.Fatal(err)
	}

	// A push is answered from the issuer's app.
	terminal, err := ovo.Push(ovo.PushConfig{BaseURL: calls, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	paid := make(chan error, 1)
	go func() {
		_, err := terminal.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: "PUSH-1", Amount: 5_000})
		paid <- err
	}()
	prompt := w.next()
	if prompt.Type != "prompt.created" || prompt.Data.Invoice != "PUSH-1" || prompt.Data.Amount != 5_000 || prompt.Data.Phone != phone {
		t.Errorf("told %+v", prompt)
	}
	approve := "/wallets/" + phone + "/prompts/" + prompt.Data.ID + "/approve"
	w.call("POST", approve, map[string]any{"pin": "000000"}, 409)
	w.call("POST", "/wallets/"+phone+"/pin", map[string]any{"pin": "564738"}, 200)
	w.call("POST", approve, map[string]any{"pin": secretPIN}, 409) // the PIN of before
	if answer := w.call("POST", approve, map[string]any{"pin": "564738", "use": "cash"}, 200); answer["state"] != "succeeded" {
		t.Errorf("approved: %v", answer)
	}
	if err := <-paid; err != nil {
		t.Error(err)
	}
	list := w.call("GET", "/wallets/"+phone+"/payments", nil, 200)["payments"].([]any)
	wallet := w.call("GET", "/wallets/"+phone, nil, 200)
	links := wallet["links"].([]any)
	if len(list) != 2 || wallet["cash"] != 80_000.0 || len(links) != 1 {
		t.Errorf("%v\n%v", list, wallet)
	}
	w.call("POST", fmt.Sprintf("/wallets/%s/links/%s/unlink", phone, links[0].(map[string]any)["id"]), nil, 200)
	if _, err := merchant.Balance(t.Context(), token.AccessToken); err == nil {
		t.Error("an unlinked merchant still reads the balance")
	}
	nothingReadable(t, a)
	verdicts, err := a.Gateway.Audit(t.Context())
	for _, v := range verdicts {
		if !v.OK {
			t.Errorf("%s: %s %v", v.ID, v.Rule, v.Keys)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// nothingReadable looks for codes and PINs that the database keeps, sealed or not.
func nothingReadable(t testing.TB, a *app.App) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, queued, err := a.Gateway.NextMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !queued {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a message stays in the database after it was delivered")
		}
	}
	var dump bytes.Buffer
	if err := a.Gateway.Dump(t.Context(), &dump); err != nil {
		t.Fatal(err)
	}
	keep := map[string]string{"page": "otp_sealed", "wallet": "pin_sealed", "message": "code_sealed"}
	seen, column := map[string]int{}, -1
	var table string
	for line := range strings.Lines(dump.String()) {
		var head struct {
			Table   string
			Columns []string
		}
		if json.Unmarshal([]byte(line), &head) == nil && head.Columns != nil {
			table, column = head.Table, -1
			for i, name := range head.Columns {
				if name == keep[table] {
					column = i
				}
			}
			continue
		}
		var row []any
		if column >= 0 && json.Unmarshal([]byte(line), &row) == nil && len(row) > column {
			seen[table]++
			if row[column] != "" {
				t.Errorf("table %s keeps %s", table, keep[table])
			}
		}
	}
	if seen["page"] == 0 || seen["wallet"] == 0 || seen["message"] > 0 {
		t.Errorf("saw %v", seen)
	}
}
