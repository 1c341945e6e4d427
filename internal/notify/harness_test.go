package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// schedule is the one the tests use.
var schedule = []time.Duration{30 * time.Minute, 6 * time.Hour, 12 * time.Hour}

// bundle is a gateway over a database of its own.
type bundle struct {
	*gateway.Gateway
	t     testing.TB
	clock *gateway.MovableClock
	keys  *seal.Keyring
	store *store.Store
	close func() // closes the database
	count int    // merchants made so far
}

func setup(t testing.TB) *bundle {
	t.Helper()
	keys, err := seal.New(seal.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{t: t, clock: gateway.NewMovableClock(0), keys: keys}
	b.store, err = store.Open(t.Context(), store.Config{
		URL: storetest.URL(t), Keys: keys, Clock: b.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.close = sync.OnceFunc(func() { b.store.Close() })
	t.Cleanup(b.close)
	b.Gateway = b.another()
	return b
}

// another makes a gateway over the same database that shares nothing else, as
// another process would.
func (b *bundle) another() *gateway.Gateway {
	return gateway.New(gateway.Config{
		Store: b.store, Clock: b.clock, Keys: b.keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1},
	})
}

// must unwraps a result that may not fail.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// queue makes a merchant with a notification URL and count notifications.
func (b *bundle) queue(url string, count int) []gateway.Notification {
	b.t.Helper()
	b.count++
	ctx := context.Background()
	m := must(b.CreateMerchant(ctx, gateway.Merchant{Name: "Toko", DOKU: gateway.DOKU{
		ClientID: fmt.Sprintf("MCH-%d", b.count), NotificationURL: url,
	}}))(b.t)
	w := must(b.CreateWallet(ctx, gateway.NewWallet{
		Phone: gateway.Phone(fmt.Sprintf("0812%08d", b.count)), Name: "Sari", PIN: "123456", Balance: ledger.Split{Cash: 1_000_000},
	}))(b.t)
	bnd, page, err := b.StartBinding(ctx, gateway.StartBinding{
		Merchant: m.ID, Phone: w.Phone, CustomerID: "c", Dialect: "plain",
		Return: gateway.ReturnURLs{Success: "https://shop.test/ok", Failure: "https://shop.test/fail"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	inbox := must(b.Inbox(ctx, w.Phone))(b.t)
	must(b.EnterOTP(ctx, page.Key, inbox[0].Code))(b.t)
	must(b.EnterPIN(ctx, page.Key, "123456"))(b.t)
	all := must(b.Notifications(ctx, string(bnd.ID), "", 10))(b.t)
	for i := range count - 1 {
		p, _, err := b.CreatePayment(ctx, gateway.CreatePayment{
			Merchant: m.ID, Binding: bnd.ID, Channel: gateway.SNAPRecurring, Dialect: "plain",
			Reference: fmt.Sprint("INV-", i), RequestID: fmt.Sprint("req-", i), Amount: 1_000, Use: ledger.UseCash,
		})
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, must(b.Notifications(ctx, string(p.ID), "", 10))(b.t)...)
	}
	if len(all) != count {
		b.t.Fatalf("queued %d notifications, want %d", len(all), count)
	}
	return all
}

// current reads a notification and its attempts.
func (b *bundle) current(n gateway.Notification) (gateway.Notification, []gateway.Attempt) {
	b.t.Helper()
	for _, now := range must(b.Notifications(context.Background(), n.Subject, "", 100))(b.t) {
		if now.ID == n.ID {
			return now, must(b.Attempts(context.Background(), n.ID))(b.t)
		}
	}
	b.t.Fatalf("%s is gone", n.ID)
	return n, nil
}

func (b *bundle) wantState(n gateway.Notification, state gateway.NotificationState, attempts int) []gateway.Attempt {
	b.t.Helper()
	now, all := b.current(n)
	if now.State != state || now.Attempts != attempts || len(all) != attempts {
		b.t.Fatalf("%s is %s after %d attempts (%d stored: %+v), want %s after %d", n.ID, now.State, now.Attempts, len(all), all, state, attempts)
	}
	return all
}

// moveTo moves the clock to a moment, unless it is past it.
func (b *bundle) moveTo(t time.Time) {
	if by := t.Sub(b.clock.Now()); by > 0 {
		b.clock.Advance(by)
	}
}

// plain is a protocol of one header, which acknowledges with any 2xx.
type plain struct{}

func (plain) Request(ctx context.Context, _ *http.Client, o gateway.Outgoing, _ time.Time) (*http.Request, error) {
	if o.Merchant.DOKU.NotificationURL == "" {
		return nil, fmt.Errorf("binding: %w", gateway.ErrNoURL)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.Merchant.DOKU.NotificationURL, strings.NewReader("hello"))
	if err == nil {
		req.Header.Set("Event-Id", string(o.Event.ID))
	}
	return req, err
}

func (plain) Accepted(_ gateway.Outgoing, status int, _ []byte) error {
	if status/100 != 2 {
		return fmt.Errorf("status %d", status)
	}
	return nil
}

// worker is a Worker that runs, observed.
type worker struct {
	*Worker
	t        testing.TB
	finished chan line      // one per stored attempt
	looked   chan time.Time // the moment the worker waits for, each time it has looked and something is queued
	cancel   func()
	stop     func() error // ends Run and returns what it returned
}

// line is what was logged of a stored attempt.
type line struct {
	notification string
	outcome      string
}

// run starts a worker that may reach this machine. Change and tune may be nil.
func (b *bundle) run(g *gateway.Gateway, change func(*Config), tune func(*Worker)) *worker {
	b.t.Helper()
	w := &worker{t: b.t, finished: make(chan line, 10_000), looked: make(chan time.Time, 10_000)}
	c := Config{
		Gateway: g, Clock: watchedClock{b.clock, w.looked}, AllowPrivate: true, Log: slog.New(lines{w.finished, nil}),
		Dialects: map[string]Dialect{"plain": {Outbound: plain{}, Retries: schedule}},
	}
	if change != nil {
		change(&c)
	}
	w.Worker = New(c)
	w.poll, w.drain = time.Hour, 50*time.Millisecond // no test is to pass by polling
	w.share = 0                                      // and only one is about idle workers
	if tune != nil {
		tune(w.Worker)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	b.t.Cleanup(func() {
		if err := w.stop(); err != nil {
			b.t.Error(err)
		}
	})
	return w
}

// next waits for a stored attempt.
func (w *worker) next() line {
	w.t.Helper()
	return receive(w.t, w.finished)
}

func (w *worker) wantNext(outcome gateway.NotificationState) {
	w.t.Helper()
	if l := w.next(); l.outcome != string(outcome) {
		w.t.Fatalf("the attempt ended as %s, want %s", l.outcome, outcome)
	}
}

// waitsFor waits until the worker has looked, and now waits for the moment t.
func (w *worker) waitsFor(t time.Time) {
	w.t.Helper()
	for !receive(w.t, w.looked).Equal(t) {
	}
}

// look makes the worker look again and returns when it has.
func (w *worker) look() {
	w.t.Helper()
	for range 2 { // the first may have been under way
		for len(w.looked) > 0 {
			<-w.looked
		}
		w.Kick()
		receive(w.t, w.looked)
	}
}

func receive[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing happened")
	}
	return v
}

// watchedClock reports what is waited for.
type watchedClock struct {
	*gateway.MovableClock
	waits chan<- time.Time
}

func (c watchedClock) At(t time.Time) (<-chan struct{}, func()) {
	reached, stop := c.MovableClock.At(t)
	c.waits <- t
	return reached, stop
}

// lines passes on the log lines of stored attempts.
type lines struct {
	out   chan<- line
	attrs []slog.Attr
}

func (lines) Enabled(context.Context, slog.Level) bool { return true }
func (l lines) WithGroup(string) slog.Handler          { return l }
func (l lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return lines{l.out, append(l.attrs[:len(l.attrs):len(l.attrs)], attrs...)}
}

func (l lines) Handle(_ context.Context, r slog.Record) error {
	var found line
	see := func(a slog.Attr) bool {
		switch a.Key {
		case "notification":
			found.notification = a.Value.String()
		case "outcome":
			found.outcome = a.Value.String()
		}
		return true
	}
	for _, a := range l.attrs {
		see(a)
	}
	r.Attrs(see)
	if found.outcome == "" {
		found.outcome = r.Message
	}
	l.out <- found
	return nil
}

// shop is a merchant's server.
type shop struct {
	*httptest.Server
	hits   atomic.Int64
	events chan string   // the event ids that came
	open   chan struct{} // closed: hold no longer waits
}

// newShop starts a server that answers with handle; nil answers 200.
func newShop(t testing.TB, handle func(s *shop, w http.ResponseWriter, r *http.Request)) *shop {
	s := &shop{events: make(chan string, 10_000), open: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only then is a client that leaves noticed
		s.hits.Add(1)
		s.events <- r.Header.Get("Event-Id")
		if handle != nil {
			handle(s, w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// hold answers nothing until the shop opens or the client leaves.
func hold(s *shop, _ http.ResponseWriter, r *http.Request) {
	select {
	case <-s.open:
	case <-r.Context().Done():
	}
}

// answers gives one status after the other, and then 200.
func answers(statuses ...int) func(*shop, http.ResponseWriter, *http.Request) {
	return func(s *shop, w http.ResponseWriter, _ *http.Request) {
		if i := int(s.hits.Load()) - 1; i < len(statuses) {
			w.WriteHeader(statuses[i])
		}
	}
}

var errBroken = errors.New("broken")
