package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

func (c control) pushClient(m merchant) *ovo.PushClient {
	c.t.Helper()
	p, err := ovo.Push(ovo.PushConfig{BaseURL: c.base, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey})
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

type prompt struct {
	ID      string
	Invoice string `json:"invoice_number"`
	Amount  int64
	Expires time.Time `json:"expires_at"`
}

// prompts waits until a phone shows n prompts.
func (c control) prompts(phone string, n int) []prompt {
	c.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		var w struct{ Prompts []prompt }
		c.call("GET", "/wallets/"+phone, nil, 200, &w)
		if len(w.Prompts) == n {
			return w.Prompts
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%d prompts on %s, want %d", len(w.Prompts), phone, n)
		}
	}
}

// hearPushes counts the events that a merchant is told of, once each.
func hearPushes(t testing.TB, c control, m merchant) *sync.Map {
	t.Helper()
	events := &sync.Map{}
	receiver, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, Path: "/notify",
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error { events.Store(n.EventKey, n); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	c.call("PATCH", "/merchants/"+m.ID, map[string]any{"doku": map[string]string{"notification_url": server.URL + "/notify"}}, 200, nil)
	return events
}

func heard(events *sync.Map) (n int) {
	events.Range(func(any, any) bool { n++; return true })
	return n
}

// Two hundred pushes wait, the process is killed and another takes over: every one
// gets the outcome its customer chose, once, and the merchant hears of each.
func TestPushesSurviveAKill(t *testing.T) {
	t.Parallel()
	const pushes, amount = 200, 1_000
	dir := home(t)
	p := spawn(t, dir)
	defer func() { p.kill() }()
	c := control{t, p.base}
	m := c.seededMerchant()
	events := hearPushes(t, c, m)
	const phone = "081500000001"
	c.newWallet(phone, pushes*amount)

	client := c.pushClient(m)
	var wg sync.WaitGroup
	for i := range pushes {
		wg.Go(func() {
			_, err := client.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: fmt.Sprint("PUSH-", i), Amount: amount})
			if !errors.Is(err, ovo.ErrOutcomeUnknown) {
				t.Errorf("the answer of a killed server: %v", err)
			}
		})
	}
	prompts := c.prompts(phone, pushes)
	c.call("POST", "/clock/advance", map[string]string{"by": "20s"}, 200, nil)
	p.kill()
	wg.Wait()
	p = spawn(t, dir)
	c.base = p.base

	for i, prompt := range prompts[:150] {
		path := "/wallets/" + phone + "/prompts/" + prompt.ID
		if i < 100 {
			c.call("POST", path+"/approve", map[string]string{"pin": "123456", "use": "cash"}, 200, nil)
		} else {
			c.call("POST", path+"/decline", nil, 200, nil)
		}
	}
	c.call("POST", "/clock/advance", map[string]string{"by": "51s"}, 200, nil)

	// Asking again with the same content gives the stored answer.
	client = c.pushClient(m)
	got := count(pushes, func(i int) string {
		r, err := client.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: fmt.Sprint("PUSH-", i), Amount: amount})
		if err == nil {
			return r.Code
		}
		return outcome(err)
	})
	if got["00"] != 100 || got["17"] != 50 || got["-"] != 50 {
		t.Errorf("answers %v, want 100 × 00, 50 × 17, 50 × -", got)
	}
	if w := c.wallet(phone); w.Cash != 100*amount {
		t.Errorf("the wallet holds %d, want %d", w.Cash, 100*amount)
	}
	deadline := time.Now().Add(60 * time.Second)
	for heard(events) < pushes && time.Now().Before(deadline) {
		c.call("GET", "/clock", nil, 200, nil)
	}
	if n := heard(events); n != pushes {
		t.Errorf("%d events were notified, want %d", n, pushes)
	}
	c.auditClean()
}

func TestStoppingAnswersParkedPushes(t *testing.T) {
	t.Parallel()
	dir := home(t)
	a := start(t, dir)
	c := control{t, a.BaseURL}
	client := c.pushClient(c.seededMerchant())
	answers := make(chan string, 500)
	for i := range cap(answers) {
		go func() {
			_, err := client.Pay(context.Background(), ovo.PushRequest{Phone: "081222222222", Invoice: fmt.Sprint("I-", i), Amount: 5})
			answers <- outcome(err)
		}()
	}
	c.prompts("081222222222", cap(answers))
	begun := time.Now()
	stop(t, a)
	for range cap(answers) {
		if got := wait(t, "an answer", answers); got != "68" {
			t.Errorf("a parked push was answered %s, want 68", got)
		}
	}
	t.Logf("stopped within %v", time.Since(begun))

	b := start(t, dir)
	defer stop(t, b)
	c.base = b.BaseURL
	prompts := c.prompts("081222222222", cap(answers)) // they wait on
	c.call("POST", "/wallets/081222222222/prompts/"+prompts[0].ID+"/approve", map[string]string{"use": "cash"}, 200, nil)
	c.auditClean()
}

// BenchmarkParkedPushes measures the memory of a process in which ten thousand
// pushes wait, in MiB resident: right after they all came at once, and when the
// collector has given back what their coming had needed.
func BenchmarkParkedPushes(b *testing.B) {
	const pushes = 10_000
	for range b.N {
		p := spawn(b, home(b))
		c := control{b, p.base}
		m := c.seededMerchant()
		phones := make([]string, 100)
		for i := range phones {
			phones[i] = fmt.Sprintf("08160000%04d", i)
			c.newWallet(phones[i], 1)
		}
		ctx, cancel := context.WithCancel(context.Background())
		client, err := ovo.Push(ovo.PushConfig{BaseURL: c.base, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey,
			HTTPClient: &http.Client{Transport: &http.Transport{}}})
		if err != nil {
			b.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range pushes {
			wg.Go(func() {
				client.Pay(ctx, ovo.PushRequest{Phone: phones[i%len(phones)], Invoice: fmt.Sprint("M-", i), Amount: 1})
			})
		}
		for _, phone := range phones {
			c.prompts(phone, pushes/len(phones))
		}
		b.ReportMetric(residentMiB(b, p.cmd.Process.Pid), "MiB-at-once")
		settled := residentMiB(b, p.cmd.Process.Pid)
		for tick, n := time.Tick(time.Second), 0; n < 40; n++ { // less than the pushes wait
			<-tick
			settled = min(settled, residentMiB(b, p.cmd.Process.Pid))
		}
		b.ReportMetric(settled, "MiB-settled")
		cancel()
		wg.Wait()
		p.kill()
	}
}

func residentMiB(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}

func TestUncertainPushIsReversed(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	client := c.pushClient(c.seededMerchant())
	c.call("POST", "/scenarios", map[string]any{"match": map[string]string{"operation": "push", "phone": "081222222222"}, "outcome": map[string]string{"ovo_code": "68"}}, 201, nil)
	r, err := client.Pay(t.Context(), ovo.PushRequest{Phone: "081222222222", Invoice: "U-1", Amount: 5_000})
	if !errors.Is(err, ovo.ErrOutcomeUnknown) || r.Code != "68" {
		t.Fatalf("an uncertain push: %+v, %v", r, err)
	}
	all := c.payments()
	if len(all) != 1 || all[0].State != "uncertain" {
		t.Fatalf("payments %+v", all)
	}
	c.call("POST", "/payments/"+all[0].ID+"/reverse", nil, 200, nil)
	c.call("POST", "/payments/pay_none/reverse", nil, 404, nil)
	r, err = client.Pay(t.Context(), ovo.PushRequest{Phone: "081222222222", Invoice: "U-1", Amount: 5_000})
	if err == nil || r.Code != "73" {
		t.Errorf("the same again after the reversal: %+v, %v", r, err)
	}
	if w := c.wallet("081222222222"); w.Cash != 1_000_000 {
		t.Errorf("the wallet holds %d", w.Cash)
	}
	c.auditClean()
}
