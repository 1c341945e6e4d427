// Command issuer is the smallest issuer that "gerbang serve" can work with: it takes
// messages, prints one-time codes as a phone would show them, and answers prompts.
// docs/issuer.md explains the two sides. It needs nothing but the standard library.
//
//	go run ./examples/issuer -listen 127.0.0.1:8700 -gerbang http://127.0.0.1:8600 -secret whsec_… -pin 123456
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8700", "address to take messages on; --issuer-url of the server names it")
	w := &wallets{out: os.Stdout, seen: map[string]bool{}}
	flag.StringVar(&w.gerbang, "gerbang", "http://127.0.0.1:8600", "address of the server's issuer API")
	secret := flag.String("secret", os.Getenv("GERBANG_ISSUER_SECRET"), "the shared secret, whsec_…")
	flag.StringVar(&w.pin, "pin", "123456", "PIN to approve with; a real app asks the customer")
	flag.Int64Var(&w.upTo, "approve-up-to", 50_000, "decline prompts above this many rupiah")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", *listen)
	if err == nil {
		if w.key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(*secret, "whsec_")); err == nil {
			err = w.run(ctx, listener)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// wallets is the issuer.
type wallets struct {
	gerbang string
	key     []byte
	pin     string
	upTo    int64
	out     io.Writer

	answering sync.WaitGroup
	mu        sync.Mutex
	seen      map[string]bool // ids of messages; a real issuer keeps them in a database
}

// message is what the server tells.
type message struct {
	Type string `json:"type"`
	Data struct {
		ID        string    `json:"id"` // of a prompt
		Phone     string    `json:"phone"`
		Code      string    `json:"code"`
		Purpose   string    `json:"purpose"`
		Merchant  string    `json:"merchant"`
		Invoice   string    `json:"invoice_number"`
		Amount    int64     `json:"amount"`
		ExpiresAt time.Time `json:"expires_at"`
	} `json:"data"`
}

// run takes messages until ctx ends.
func (w *wallets) run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: w, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Fprintf(w.out, "Taking messages on %s.\n", listener.Addr())
	err := server.Serve(listener)
	w.answering.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// ServeHTTP takes a message. It is acknowledged at once and acted on afterwards: the
// server sends again what is not acknowledged within ten seconds.
func (w *wallets) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 64<<10))
	if err != nil {
		return
	}
	id, timestamp := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute || !w.signed(r.Header.Get("Webhook-Signature"), id, timestamp, body) {
		http.Error(rw, "not from the server", http.StatusUnauthorized)
		return
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
	w.mu.Lock()
	repeated := w.seen[id]
	w.seen[id] = true
	w.mu.Unlock()
	if !repeated {
		w.answering.Go(func() { w.act(m) })
	}
}

// act shows a code or answers a prompt.
func (w *wallets) act(m message) {
	d := m.Data
	switch m.Type {
	case "code.created":
		fmt.Fprintf(w.out, "To %s: your code for the %s at %s is %s, until %s.\n", d.Phone, d.Purpose, d.Merchant, d.Code, d.ExpiresAt.Local().Format(time.TimeOnly))
	case "prompt.created":
		path, body := "/issuer/v1/wallets/"+url.PathEscape(d.Phone)+"/prompts/"+url.PathEscape(d.ID)+"/decline", map[string]any{}
		if d.Amount <= w.upTo {
			path, body = strings.TrimSuffix(path, "decline")+"approve", map[string]any{"pin": w.pin, "use": "cash"}
		}
		answer, err := w.call(http.MethodPost, path, body)
		if err != nil {
			answer = err.Error()
		}
		fmt.Fprintf(w.out, "%s asks %s for Rp%d, invoice %s: %s\n", d.Merchant, d.Phone, d.Amount, d.Invoice, answer)
	} // what else there may be one day is none of this issuer's business
}

// call makes a signed call of the issuer API.
func (w *wallets) call(method, path string, content any) (answer string, err error) {
	body, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequest(method, w.gerbang+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	id, timestamp := rand.Text(), strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", id) // the same again when the call is repeated
	req.Header.Set("Webhook-Timestamp", timestamp)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(w.sign(id, timestamp, append([]byte(method+" "+path+"\n"), body...))))
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("HTTP %d %s", resp.StatusCode, bytes.TrimSpace(text)), err
}

// sign is HMAC-SHA256 over id, timestamp and payload.
func (w *wallets) sign(id, timestamp string, payload []byte) []byte {
	mac := hmac.New(sha256.New, w.key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(payload)
	return mac.Sum(nil)
}

// signed reports whether one of the signatures is right; during a rotation there are two.
func (w *wallets) signed(signatures, id, timestamp string, body []byte) bool {
	for _, one := range strings.Fields(signatures) {
		given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "v1,"))
		if err == nil && hmac.Equal(given, w.sign(id, timestamp, body)) {
			return true
		}
	}
	return false
}
