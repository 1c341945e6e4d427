package ovo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
	"github.com/gerbang-pay/gerbang/ovo/ovotest"
)

// fault is what happens to a call between client and gateway.
type fault int

const (
	harmless  fault = iota
	reset           // the connection breaks before the gateway hears of the call
	lost            // the gateway answers, the connection breaks
	refused         // 503 from something in between
	replaced        // the gateway answers, a proxy makes a 502 of it
	truncated       // half of the answer's body
	slow            // half of the answer's body, and then nothing any more
	twice           // a proxy sends the call two times and passes on the second answer
	faults
)

// badLine stands between client and gateway until it is calm.
type badLine struct {
	target string
	client *http.Client
	calm   atomic.Bool

	mu    sync.Mutex
	dice  *rand.Rand
	count [faults]int
}

func newBadLine(t *testing.T, target string, seed uint64) (line *badLine, url string) {
	line = &badLine{target: target, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}, dice: rand.New(rand.NewPCG(seed, 0))}
	server := httptest.NewServer(line)
	t.Cleanup(func() {
		server.Close()
		line.client.CloseIdleConnections()
	})
	return line, server.URL
}

// throw says what happens next: something bad to half of the calls, and the slow
// fault, which costs a client's patience, not often.
func (l *badLine) throw() fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := harmless
	if !l.calm.Load() && l.dice.IntN(2) == 0 {
		f = 1 + fault(l.dice.IntN(int(faults)-1))
		if f == slow && l.count[slow] >= 2 {
			f = truncated
		}
	}
	l.count[f]++
	return f
}

func (l *badLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	f := l.throw()
	switch f {
	case reset:
		panic(http.ErrAbortHandler)
	case refused:
		http.Error(w, "<html>busy</html>", http.StatusServiceUnavailable)
		return
	case twice:
		l.forward(r, body)
	}
	status, header, answer := l.forward(r, body)
	switch f {
	case lost:
		panic(http.ErrAbortHandler)
	case replaced:
		http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
		return
	}
	maps.Copy(w.Header(), header)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	if f == truncated || f == slow {
		w.Write(answer[:len(answer)/2])
		w.(http.Flusher).Flush()
		if f == slow {
			<-r.Context().Done() // the client's patience has ended
		}
		panic(http.ErrAbortHandler)
	}
	w.Write(answer)
}

func (l *badLine) forward(r *http.Request, body []byte) (int, http.Header, []byte) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, l.target+r.RequestURI, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header = r.Header.Clone()
	resp, err := l.client.Do(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return resp.StatusCode, resp.Header, answer
}

// badCourier brings notifications to a receiver: some not at all, some two times,
// some late and out of order, some without bringing the answer back.
type badCourier struct {
	receiver http.Handler
	calm     atomic.Bool

	mu   sync.Mutex
	dice *rand.Rand
	late []func()
}

func (c *badCourier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	deliver := func() *httptest.ResponseRecorder {
		again := r.Clone(context.WithoutCancel(r.Context()))
		again.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		c.receiver.ServeHTTP(answer, again)
		return answer
	}
	c.mu.Lock()
	what := 0
	if !c.calm.Load() && !strings.HasSuffix(r.URL.Path, "token") {
		what = c.dice.IntN(5)
	}
	if what == 1 {
		c.late = append(c.late, func() { deliver() })
	}
	c.mu.Unlock()
	switch what {
	case 1, 2:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case 3:
		deliver()
	case 4:
		deliver()
		panic(http.ErrAbortHandler)
	}
	answer := deliver()
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

// settleDown brings what was held back, the newest first, and is good from now on.
func (c *badCourier) settleDown() {
	c.calm.Store(true)
	c.mu.Lock()
	late := c.late
	c.mu.Unlock()
	for _, deliver := range slices.Backward(late) {
		deliver()
	}
}

// till charges and refunds through one protocol. What is repeated is the same call:
// the same numbers, the same amount.
type till struct {
	name   string
	charge func(ctx context.Context, order string, amount int64) error
	status func(ctx context.Context, order string) (ovo.State, error)
	refund func(ctx context.Context, order string, amount int64) error
}

// undecided tells whether to go on after err: it says that something may have
// happened, or that nothing did and it can be tried again.
func undecided(err error) bool {
	for _, kind := range []error{ovo.ErrOutcomeUnknown, ovo.ErrUnavailable, ovo.ErrDuplicate, ovo.ErrConflict} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// sell charges until it is decided, as the documentation of ErrOutcomeUnknown says.
func (p till) sell(ctx context.Context, order string, amount int64) error {
	for ctx.Err() == nil {
		err := p.charge(ctx, order, amount)
		if err == nil {
			return nil
		}
		if !undecided(err) {
			return fmt.Errorf("%s: charge: %w", order, err)
		}
		state, err := p.status(ctx, order)
		switch {
		case err == nil && state == ovo.StateSuccess:
			return nil
		case err == nil && state.Final():
			return fmt.Errorf("%s: %s", order, state)
		case err != nil && !undecided(err) && !errors.Is(err, ovo.ErrNotFound):
			return fmt.Errorf("%s: status: %w", order, err)
		}
	}
	return fmt.Errorf("%s: not decided in time", order)
}

func (p till) giveBack(ctx context.Context, order string, amount int64) error {
	for ctx.Err() == nil {
		err := p.refund(ctx, order, amount)
		if err == nil {
			return nil
		}
		if !undecided(err) {
			return fmt.Errorf("%s: refund: %w", order, err)
		}
	}
	return fmt.Errorf("%s: refund not decided in time", order)
}

// tills makes one till for each protocol, all of one phone.
func tills(t *testing.T, s *ovotest.Sandbox, phone *ovotest.Wallet, url string, client *http.Client) []till {
	t.Helper()
	snapConfig, jokulConfig, pushConfig, faspayConfig := s.SNAPConfig(), s.JokulConfig(), s.PushConfig(), s.FaspayConfig(ovo.FaspayXML)
	snapConfig.BaseURL, snapConfig.HTTPClient = url, client
	jokulConfig.BaseURL, jokulConfig.HTTPClient = url, client
	pushConfig.BaseURL, pushConfig.HTTPClient = url, client
	faspayConfig.BaseURL, faspayConfig.HTTPClient = url, client
	snap, err := ovo.SNAP(snapConfig)
	jokul, err2 := ovo.Jokul(jokulConfig)
	push, err3 := ovo.Push(pushConfig)
	faspay, err4 := ovo.Faspay(faspayConfig)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	// Linking goes over the good line: it has no money in it.
	binding, err := s.SNAP().Bind(t.Context(), ovo.BindRequest{Phone: phone.Number, CustomerID: "chaos", SuccessURL: okURL, FailureURL: failURL})
	if err != nil {
		t.Fatal(err)
	}
	s.Complete(binding.RedirectURL)
	tokens, err := s.Jokul().Tokens(t.Context(), "chaos")
	if err != nil || len(tokens) != 1 {
		t.Fatalf("%d tokens, %v", len(tokens), err)
	}
	customer := snap.Customer(binding.AuthCode)
	var mu sync.Mutex
	bills := map[string]ovo.FaspayBill{} // whose page the customer has been through
	return []till{
		{
			name: "SNAP",
			charge: func(ctx context.Context, order string, amount int64) error {
				token, err := customer.Token(ctx)
				if err != nil {
					return err
				}
				_, err = snap.Pay(ctx, ovo.PayRequest{CustomerToken: token, Reference: order, Type: ovo.Recurring, Amount: amount})
				return err
			},
			status: func(ctx context.Context, order string) (ovo.State, error) {
				s, err := snap.Status(ctx, ovo.StatusQuery{Reference: order})
				return s.State, err
			},
			refund: func(ctx context.Context, order string, amount int64) error {
				_, err := snap.Refund(ctx, ovo.RefundRequest{Reference: order, RefundReference: order + "-R", Amount: amount})
				return err
			},
		},
		{
			name: "Jokul",
			charge: func(ctx context.Context, order string, amount int64) error {
				_, err := jokul.Pay(ctx, ovo.JokulPayRequest{
					Customer: ovo.JokulCustomer{ID: "chaos"}, Token: tokens[0].Token, Invoice: order, Amount: amount, RequestID: "pay-" + order,
				})
				return err
			},
			status: func(ctx context.Context, order string) (ovo.State, error) {
				s, err := jokul.Status(ctx, order)
				return s.State, err
			},
			refund: func(ctx context.Context, order string, amount int64) error {
				_, err := jokul.Refund(ctx, ovo.JokulRefundRequest{Invoice: order, PaymentRequestID: "pay-" + order, Amount: amount, RequestID: "refund-" + order})
				return err
			},
		},
		{
			name: "push",
			charge: func(ctx context.Context, order string, amount int64) error {
				_, err := push.Pay(ctx, ovo.PushRequest{Phone: phone.Number, Invoice: order, Amount: amount})
				return err
			},
			status: func(ctx context.Context, order string) (ovo.State, error) {
				s, err := push.Status(ctx, order)
				return s.State, err
			},
			refund: func(ctx context.Context, order string, _ int64) error {
				s, err := push.Status(ctx, order)
				if err != nil {
					return err
				}
				_, err = push.Void(ctx, ovo.PushVoidRequest{Phone: phone.Number, Payment: *s.Push})
				return err
			},
		},
		{
			name: "Faspay",
			charge: func(ctx context.Context, order string, amount int64) error {
				p, err := faspay.Pay(ctx, ovo.FaspayPayRequest{
					Phone: phone.Number, BillNo: order, Description: "chaos", Amount: amount, CustomerName: "Rara", Email: "rara@shop.example",
				})
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				s.Complete(p.RedirectURL)
				bills[order] = ovo.FaspayBill{TrxID: p.TrxID, BillNo: order}
				return nil
			},
			status: func(ctx context.Context, order string) (ovo.State, error) {
				mu.Lock()
				bill, known := bills[order]
				mu.Unlock()
				if !known {
					return "", ovo.ErrNotFound
				}
				s, err := faspay.Inquire(ctx, bill)
				return s.State, err
			},
		},
	}
}

// Between a merchant and the gateway everything breaks that can break. Each order is
// paid once and refunded once, each notification is handled once, and nothing is
// left running. It is not parallel, so that what runs is its own.
func TestChaos(t *testing.T) {
	const orders, amount, back = 12, 10_000, 4_000
	s := ovotest.New(t)
	phone := s.NewWallet(10_000_000, 0)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)

	handled := map[string]int{}
	var mu sync.Mutex
	news := make(chan struct{}, 1000)
	count := func(order string) error {
		mu.Lock()
		defer mu.Unlock()
		handled[order]++
		news <- struct{}{}
		return nil
	}
	snapHears, jokulHears, faspayHears := s.SNAPReceiverConfig(), s.JokulReceiverConfig(), s.FaspayReceiverConfig()
	snapHears.OnPayment = func(_ context.Context, n ovo.PaymentNotification) error { return count(n.Reference) }
	snapHears.BindingPath = ""
	jokulHears.OnPayment = func(_ context.Context, n ovo.JokulNotification) error { return count(n.Invoice) }
	faspayHears.OnPayment = func(_ context.Context, n ovo.FaspayNotification) error { return count(n.BillNo) }
	faspayHears.ActivationPath, faspayHears.Client = "", s.Faspay(ovo.FaspayJSON)
	a, err := ovo.NewSNAPReceiver(snapHears)
	b, err2 := ovo.NewJokulReceiver(jokulHears)
	c, err3 := ovo.NewFaspayReceiver(faspayHears)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/snap/", a)
	mux.Handle("/jokul/", b)
	mux.Handle("/faspay/", c)
	courier := &badCourier{receiver: mux, dice: rand.New(rand.NewPCG(seed, 1))}
	shop := httptest.NewServer(courier)
	defer shop.Close()

	line, url := newBadLine(t, s.URL, seed)
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{}}
	points := tills(t, s, phone, url, client)
	s.Notify(ovotest.URLsAt(shop.URL))

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for _, p := range points {
		for i := range orders {
			order := fmt.Sprintf("%s-%02d", p.name, i)
			if p.name == "push" {
				all.Go(func() { phone.Approve(order) })
			}
			all.Go(func() {
				if err := p.sell(ctx, order, amount); err != nil {
					t.Error(err)
				}
				if p.refund == nil {
					return
				}
				if err := p.giveBack(ctx, order, back); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	line.calm.Store(true)
	for f := harmless; f < faults; f++ {
		if line.count[f] == 0 {
			t.Errorf("fault %d did not happen", f)
		}
	}

	// No double payment, no double refund. A void gives back all of a push.
	if got, want := phone.Balance().Cash, int64(10_000_000-4*orders*amount+2*orders*back+orders*amount); got != want {
		t.Errorf("the wallet holds %d, want %d", got, want)
	}

	// No silent loss: what was not acknowledged comes again half an hour later.
	courier.settleDown()
	s.Advance(31 * time.Minute)
	heardOf := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(handled)
	}
	for heardOf() < len(points)*orders && ctx.Err() == nil {
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, p := range points {
		for i := range orders {
			if order := fmt.Sprintf("%s-%02d", p.name, i); handled[order] != 1 {
				t.Errorf("%s was handled %d times", order, handled[order])
			}
		}
	}

	client.CloseIdleConnections()
	if left := sdkGoroutines(ctx); left != "" {
		t.Errorf("goroutines are left:\n%s", left)
	}
}

// sdkGoroutines waits until no goroutine but a test's is in the SDK, and returns
// those that stay.
func sdkGoroutines(ctx context.Context) string {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		buffer := make([]byte, 16<<20)
		var left []string
		for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
			if strings.Contains(stack, "gerbang/ovo.") && !strings.Contains(stack, "testing.tRunner") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return ""
		}
		select {
		case <-tick.C:
		case <-deadline.Done():
			return strings.Join(left, "\n\n")
		}
	}
}
