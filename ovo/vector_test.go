package ovo

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// TestReceiverVector checks a notification whose signature was computed with other
// software. Its token is no JWT, so the check of the token is left out.
func TestReceiverVector(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../internal/wire/snap/testdata/t06_notification.txt")
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(data), "\n\n")
	body = strings.TrimSuffix(body, "\n")
	f := map[string]string{}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		f[name] = value
	}
	s := &SNAPReceiver{SNAPReceiverConfig{SecretKey: f["secret"]}}
	signed := func(target, token, timestamp, body string) bool {
		r := httptest.NewRequest(http.MethodPost, target, nil)
		r.Header.Set("X-SIGNATURE", f["signature"])
		return s.signed(r, token, timestamp, []byte(body))
	}
	if !signed(f["target"], f["token"], f["timestamp"], body) {
		t.Fatal("the vector is refused")
	}
	for name, ok := range map[string]bool{
		"target":    signed("/doku/notify2", f["token"], f["timestamp"], body),
		"token":     signed(f["target"], "tok-merchant-0002", f["timestamp"], body),
		"timestamp": signed(f["target"], f["token"], "2024-05-06T07:10:00+07:00", body),
		"body":      signed(f["target"], f["token"], f["timestamp"], strings.Replace(body, "15000", "15001", 1)),
	} {
		if ok {
			t.Errorf("another %s is accepted", name)
		}
	}
	doc, err := wire.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	n, err := decodePayment(doc)
	if err != nil || n.Reference != "INV-20240506-0001" || n.State != StateSuccess || n.Amount != 15000 {
		t.Errorf("decoded as %+v, %v", n, err)
	}
}

// A push client waits longer than the gateway does, the others 30 seconds.
func TestPatience(t *testing.T) {
	t.Parallel()
	config := JokulConfig{BaseURL: SNAPSandbox, ClientID: "MCH-1", SecretKey: "SK-1"}
	push, err := Push(PushConfig(config))
	if err != nil {
		t.Fatal(err)
	}
	client, err := Jokul(config)
	if err != nil {
		t.Fatal(err)
	}
	if wait := push.line.host.client.Timeout; wait != 80*time.Second {
		t.Errorf("a push client waits %s", wait)
	}
	if wait := client.line.host.client.Timeout; wait != 30*time.Second {
		t.Errorf("a Jokul client waits %s", wait)
	}
}
