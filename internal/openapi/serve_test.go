package openapi_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/ovo"
)

// TestServeDocument plays the issuer of a server and holds calls and messages against
// the document that the server gives. What merchants call is the sandbox's as well,
// and played there.
func TestServeDocument(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"
	secrets, err := issuer.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	messages := make(chan string, 10)
	wallets := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a message cut short does not fit
		messages <- string(body)
	}))
	t.Cleanup(wallets.Close)
	const base, free = "https://pay.example.id", "127.0.0.1:0"
	a, err := app.Serve(t.Context(), app.ServeConfig{
		Installation: app.Installation{DataDir: t.TempDir(), MasterKey: strings.Repeat("0f1e", 16)},
		BaseURL:      base, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1},
		Issuer: app.Issuer{URL: wallets.URL, Secret: secret},
		Listen: app.Listen{API: free, Issuer: free, Office: free, Admin: free},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		a.Stop(t.Context())
	})
	calls := "http://" + a.Listening.API
	d := served(t, calls)

	// message takes the next message and returns its data.
	message := func(kind string) map[string]any {
		t.Helper()
		select {
		case body := <-messages:
			var m struct {
				Type string
				Data map[string]any
			}
			if err := json.Unmarshal([]byte(body), &m); err != nil || m.Type != kind {
				t.Fatalf("%s is no %s: %v", body, kind, err)
			}
			o := d.Webhooks[kind]["post"]
			if o == nil {
				t.Fatalf("%s is not described", kind)
			}
			if err := d.fitsBody(o.RequestBody.Content, body); err != nil {
				t.Errorf("%s: %v", body, err)
			}
			o.seen = true
			return m.Data
		case <-time.After(20 * time.Second):
			t.Fatalf("no %s", kind)
		}
		return nil
	}
	api := func(method, path string, body any, status int) map[string]any {
		t.Helper()
		var payload []byte
		if body != nil {
			payload, _ = json.Marshal(body)
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+a.Listening.Issuer+issuer.Root+path, bytes.NewReader(payload))
		if err != nil {
			t.Fatal(err)
		}
		secrets.SignCall(r, rand.Text(), time.Now(), payload)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != status {
			t.Errorf("%s %s: HTTP %d, want %d: %s", method, path, resp.StatusCode, status, answer)
		}
		if err := d.check(d.find(method, issuer.Root+path), resp.StatusCode, string(payload), string(answer)); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
		var object map[string]any
		json.Unmarshal(answer, &object)
		return object
	}
	type o = map[string]any

	const phone, pin = "081298765432", "918273"
	api("POST", "/wallets", o{"phone": phone, "pin": "111111"}, 201)
	api("POST", "/wallets", o{"phone": phone, "pin": pin}, 409)
	api("GET", "/wallets?after=08", nil, 200)
	wallet := "/wallets/" + phone
	api("POST", wallet+"/topup", o{"cash": 50_000}, 200)
	api("POST", wallet+"/status", o{"status": "blocked"}, 200)
	api("POST", wallet+"/status", o{"status": "active"}, 200)
	api("POST", wallet+"/limits", o{"per_transaction": 0, "daily_count": 0, "daily_sum": 90_000, "holding": 0}, 200)
	api("POST", wallet+"/pin", o{"pin": pin}, 200)

	m := gateway.Merchant{Name: "Toko", DOKU: gateway.DOKU{ClientID: "BRN-1", SecretKey: gateway.NewSecretKey()}}
	if _, err := a.Gateway.CreateMerchant(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	terminal, err := ovo.Push(ovo.PushConfig{BaseURL: calls, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	for invoice, body := range map[string]any{"approve": o{"pin": pin, "use": "points_first"}, "decline": nil} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			terminal.Pay(t.Context(), ovo.PushRequest{Phone: phone, Invoice: invoice, Amount: 1_000}) // only its prompt matters
		}()
		id, _ := message("prompt.created")["id"].(string)
		api("GET", wallet+"/prompts", nil, 200)
		api("POST", wallet+"/prompts/"+id+"/"+invoice, body, 200)
		<-done
	}
	recurring, err := ovo.Jokul(ovo.JokulConfig{BaseURL: calls, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	binding := must[ovo.JokulBinding](t)(recurring.Bind(t.Context(), ovo.JokulBindRequest{Customer: ovo.JokulCustomer{ID: "c", Name: "Rina"}, Phone: phone, SuccessURL: back, FailureURL: back}))
	code, _ := message("code.created")["code"].(string)
	page := calls + strings.TrimPrefix(binding.RedirectURL, base)
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Transport: client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, fields := range []url.Values{{"action": {"otp"}, "code": {code}}, {"action": {"pin"}, "pin": {pin}}} {
		resp, err := browser.PostForm(page, fields)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	links := api("GET", wallet, nil, 200)["links"].([]any)
	api("POST", wallet+"/links/"+links[0].(o)["id"].(string)+"/unlink", nil, 200)
	api("GET", wallet+"/payments", nil, 200)
	api("POST", wallet+"/number", o{"phone": "081298765433"}, 200)
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/.well-known/gerbang/signing-keys"} {
		status, answer := request(t, "GET", calls+path, nil)
		if err := d.check(d.find("GET", path), status, "", answer); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, item := range d.Paths {
		for _, o := range item {
			if strings.Contains(o.name, issuer.Root) && !o.seen {
				t.Errorf("%s was not to be seen", o.name)
			}
		}
	}
	d.allServed(t, "/nothing", func(path string) string {
		if strings.HasPrefix(path, issuer.Root) {
			return "http://" + a.Listening.Issuer
		}
		return calls
	})
}
