package notify

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

func TestDelivered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, func(_ *shop, w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("OK\x00\xff\n" + strings.Repeat("é", 2000)))
	})
	w := b.run(b.Gateway, nil, nil)
	n := b.queue(strings.Replace(s.URL, "http://", "http://user:secret@", 1)+"/notify?a=1#here", 1)[0]
	w.wantNext(gateway.NotificationDelivered)
	a := b.wantState(n, gateway.NotificationDelivered, 1)[0]
	if a.URL != s.URL+"/notify?a=1" || a.Status != 200 || a.Error != "" || a.Took <= 0 {
		t.Errorf("stored %+v", a)
	}
	if !strings.HasPrefix(a.Answer, "OK\uFFFD\uFFFD éé") || len(a.Answer) > keepAnswer || len(a.Answer) < keepAnswer-1 {
		t.Errorf("stored %d bytes of the answer: %q", len(a.Answer), a.Answer)
	}
	if event := receive(t, s.events); event != string(n.EventID) {
		t.Errorf("sent event %q, want %q", event, n.EventID)
	}
	if err := w.Run(t.Context()); err == nil {
		t.Error("the worker ran twice")
	}
}

// A Worker is alive from when it is made until it stops or hangs, and tells of each
// attempt that was stored.
func TestAlive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hung := New(Config{Gateway: b.Gateway, Clock: b.clock})
	if err := hung.Alive(); err != nil {
		t.Errorf("a new one: %v", err)
	}
	hung.looked.Store(&time.Time{})
	if err := hung.Alive(); err == nil {
		t.Error("one that has not looked since 1970 is alive")
	}
	s := newShop(t, answers(500))
	told := make(chan string, 1)
	w := b.run(b.Gateway, func(c *Config) {
		c.Attempted = func(dialect string, state gateway.NotificationState, took time.Duration) {
			told <- fmt.Sprint(dialect, " ", state, " ", took > 0)
		}
	}, nil)
	b.queue(s.URL, 1)
	if got := receive(t, told); got != "plain queued true" {
		t.Errorf("told %q", got)
	}
	if err := w.Alive(); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	if err := w.stop(); err != nil || w.Alive() == nil {
		t.Errorf("when it has stopped: %v, %v", err, w.Alive())
	}
}

// The second and third attempt come exactly when the schedule says, measured
// from the first, and nothing is sent before.
func TestSchedule(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, answers(500, 503))
	w := b.run(b.Gateway, nil, nil)
	n := b.queue(s.URL, 1)[0]
	w.wantNext(gateway.NotificationQueued)
	first := b.wantState(n, gateway.NotificationQueued, 1)[0].At
	for i, after := range schedule[:2] {
		due := first.Add(after)
		w.waitsFor(due)
		if now, _ := b.current(n); !now.NextAt.Equal(due) {
			t.Fatalf("the next attempt is due %s, want %s", now.NextAt, due)
		}
		b.moveTo(due.Add(-time.Second))
		w.look()
		if hits := s.hits.Load(); hits != int64(i+1) && b.clock.Now().Before(due) {
			t.Fatalf("%d attempts a second before attempt %d is due", hits, i+2)
		}
		b.moveTo(due)
		l := w.next()
		attempts := must(b.Attempts(t.Context(), n.ID))(t)
		if len(attempts) != i+2 || attempts[i+1].At.Before(due) {
			t.Fatalf("attempt %d was due %s and came too early: %+v (%v)", i+2, due, attempts, l)
		}
	}
	attempts := b.wantState(n, gateway.NotificationDelivered, 3)
	if attempts[0].Error != "status 500" || attempts[1].Error != "status 503" || attempts[2].Error != "" {
		t.Errorf("attempts %+v", attempts)
	}
}

// What is late by more than one attempt is not tried twice at once.
func TestLateSchedule(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, answers(500, 500, 500))
	w := b.run(b.Gateway, nil, nil)
	n := b.queue(s.URL, 1)[0]
	w.wantNext(gateway.NotificationQueued)
	b.clock.Advance(1000 * time.Hour)
	for attempt := 2; attempt <= 3; attempt++ {
		w.wantNext(gateway.NotificationQueued)
		last := b.wantState(n, gateway.NotificationQueued, attempt)[attempt-1].At
		if now, _ := b.current(n); !now.NextAt.Equal(last.Add(catchUp)) {
			t.Fatalf("attempt %d was at %s, and the next is due at %s", attempt, last, now.NextAt)
		}
		b.clock.Advance(catchUp)
	}
	w.wantNext(gateway.NotificationDelivered)
}

func TestScheduleUsedUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, answers(500, 500, 410, 500))
	w := b.run(b.Gateway, nil, nil)
	n := b.queue(s.URL, 1)[0]
	w.wantNext(gateway.NotificationQueued)
	first := b.wantState(n, gateway.NotificationQueued, 1)[0].At
	for _, after := range schedule {
		w.waitsFor(first.Add(after))
		b.moveTo(first.Add(after))
		w.next()
	}
	b.wantState(n, gateway.NotificationFailed, 4)
	if next, queued, err := b.NextNotification(t.Context(), time.Time{}); err != nil || queued {
		t.Fatalf("something is still due at %s (%v)", next, err)
	}
	b.clock.Advance(1000 * time.Hour)

	// A resend tells of the same event, and shows that nothing came in between.
	again := must(b.ResendNotification(t.Context(), n.ID))(t)
	w.wantNext(gateway.NotificationDelivered)
	b.wantState(again, gateway.NotificationDelivered, 1)
	b.wantState(n, gateway.NotificationFailed, 4)
	for range 5 {
		if event := receive(t, s.events); event != string(n.EventID) {
			t.Errorf("sent event %q, want %q", event, n.EventID)
		}
	}
	if hits := s.hits.Load(); hits != 5 {
		t.Errorf("sent %d times, want 5", hits)
	}
}

// What merchants' servers do wrong.
func TestNotAcknowledged(t *testing.T) {
	t.Parallel()
	tlsShop := httptest.NewUnstartedServer(http.NotFoundHandler())
	tlsShop.Config.ErrorLog = log.New(io.Discard, "", 0)
	tlsShop.StartTLS()
	t.Cleanup(tlsShop.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		name   string
		handle func(*shop, http.ResponseWriter, *http.Request)
		url    string        // instead of the handler's
		within time.Duration // instead of the usual timeout
		status int
		says   string
	}{
		{name: "redirect", handle: func(s *shop, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, s.URL+"/elsewhere", http.StatusTemporaryRedirect)
		}, status: 307, says: "redirects are not followed"},
		{name: "gone", handle: answers(410), status: 410, says: "status 410"},
		{name: "slow", handle: hold, within: 300 * time.Millisecond, says: "no answer within 300ms"},
		{name: "reset", handle: func(*shop, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, says: "EOF"},
		{name: "endless header", handle: func(_ *shop, w http.ResponseWriter, _ *http.Request) {
			for i := range 100 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
			}
		}, says: "headers exceeded"},
		{name: "broken error", handle: func(_ *shop, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(500)
			w.Write([]byte("oops"))
		}, status: 500, says: "status 500 (the answer broke off: unexpected EOF)"},
		{name: "untrusted certificate", url: tlsShop.URL, says: "certificate"},
		{name: "nobody there", url: gone.URL, says: "connection refused"},
		{name: "no such scheme", url: "gopher://shop.test", says: "unsupported protocol scheme"},
		{name: "no host", url: "http:///path", says: "no Host"},
		{name: "no URL at all", url: "http://[", says: "missing ']'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			s := newShop(t, c.handle)
			if c.url == "" {
				c.url = s.URL
			}
			w := b.run(b.Gateway, func(conf *Config) { conf.Timeout = c.within }, nil)
			n := b.queue(c.url, 1)[0]
			w.wantNext(gateway.NotificationQueued)
			a := b.wantState(n, gateway.NotificationQueued, 1)[0]
			if a.Status != c.status || !strings.Contains(a.Error, c.says) {
				t.Errorf("stored %+v, want status %d and an error with %q", a, c.status, c.says)
			}
			if hits := s.hits.Load(); hits > 1 {
				t.Errorf("sent %d requests", hits)
			}
		})
	}
}

// The status has arrived with the first byte; no more of the body than the limit
// is read, and none for longer than the timeout.
func TestEndlessBody(t *testing.T) {
	t.Parallel()
	for _, every := range []int{0, 1} {
		b := setup(t)
		s := newShop(t, func(s *shop, w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := fmt.Fprint(w, strings.Repeat("endless ", 100)); err != nil {
					return
				}
				http.NewResponseController(w).Flush()
				if every == 1 {
					hold(s, w, r) // one drop, and then nothing
				}
			}
		})
		w := b.run(b.Gateway, func(c *Config) {
			if every == 1 {
				c.Timeout = time.Second
			}
		}, nil)
		n := b.queue(s.URL, 1)[0]
		w.wantNext(gateway.NotificationDelivered)
		a := b.wantState(n, gateway.NotificationDelivered, 1)[0]
		if len(a.Answer) > keepAnswer || !strings.HasPrefix(a.Answer, "endless endless") {
			t.Errorf("stored %d bytes: %q", len(a.Answer), a.Answer)
		}
	}
}

func TestUndeliverable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.run(b.Gateway, nil, nil)
	n := b.queue("", 1)[0]
	w.wantNext(gateway.NotificationUndeliverable)
	b.wantState(n, gateway.NotificationUndeliverable, 0)
}

// In production a merchant's URL reaches nothing internal.
func TestRefusedAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, nil)
	w := b.run(b.Gateway, func(c *Config) { c.AllowPrivate = false }, nil)
	n := b.queue(s.URL, 1)[0]
	w.wantNext(gateway.NotificationQueued)
	a := b.wantState(n, gateway.NotificationQueued, 1)[0]
	if a.Status != 0 || !strings.Contains(a.Error, "refused: 127.0.0.1 is a loopback address") || s.hits.Load() != 0 {
		t.Errorf("stored %+v", a)
	}
}

// broken fails where a dialect can.
type broken struct {
	plain
	request, panics bool
}

func (d broken) Request(ctx context.Context, c *http.Client, o gateway.Outgoing, now time.Time) (*http.Request, error) {
	if d.request {
		return nil, fmt.Errorf("the merchant's token: %w", errBroken)
	}
	return d.plain.Request(ctx, c, o, now)
}

func (d broken) Accepted(gateway.Outgoing, int, []byte) error {
	if d.panics {
		panic("out of range")
	}
	return errBroken
}

func TestDialectFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		d      broken
		status int
		says   string
	}{
		{broken{request: true}, 0, "the merchant's token: broken"},
		{broken{panics: true}, 200, "internal error"},
		{broken{}, 200, "broken"},
	} {
		b := setup(t)
		w := b.run(b.Gateway, func(conf *Config) { conf.Dialects = map[string]Dialect{"plain": {Outbound: c.d}} }, nil)
		n := b.queue(newShop(t, nil).URL, 1)[0]
		for w.next().outcome != string(gateway.NotificationFailed) {
		}
		if a := b.wantState(n, gateway.NotificationFailed, 1)[0]; a.Status != c.status || a.Error != c.says {
			t.Errorf("stored %+v, want status %d and %q", a, c.status, c.says)
		}
	}
}

// A notification of a dialect this version does not know is left to another one.
func TestUnknownDialect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.run(b.Gateway, func(c *Config) { c.Dialects = nil }, nil)
	n := b.queue(newShop(t, nil).URL, 1)[0]
	w.next()
	w.stop()
	b.wantState(n, gateway.NotificationQueued, 0)
	b.clock.Advance(time.Hour)
	b.run(b.Gateway, nil, nil).wantNext(gateway.NotificationDelivered)
}

// A predecessor died between claiming and storing.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, released := range []bool{true, false} {
		b := setup(t)
		s := newShop(t, nil)
		n := b.queue(s.URL, 1)[0]
		must(b.ClaimNotifications(t.Context(), time.Hour, 1))(t)
		held, _ := b.current(n)
		w := b.run(b.Gateway, nil, nil)
		w.waitsFor(held.LeaseUntil)
		w.look()
		if hits := s.hits.Load(); hits != 0 {
			t.Fatal("sent what another worker holds")
		}
		if released {
			if err := b.ReleaseNotifications(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Kick()
		} else {
			b.moveTo(held.LeaseUntil)
		}
		w.wantNext(gateway.NotificationDelivered)
		b.wantState(n, gateway.NotificationDelivered, 1)
	}
}

func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, nil)
	const count = 120
	var all []gateway.Notification
	for range 4 {
		all = append(all, b.queue(s.URL, count/4)...)
	}
	small := func(c *Config) { c.Workers = 4 }
	one, two := b.run(b.Gateway, small, nil), b.run(b.another(), small, nil)
	for range count {
		select {
		case <-one.finished:
		case <-two.finished:
		case <-time.After(patience):
			t.Fatal("nothing happened")
		}
	}
	for _, n := range all {
		b.wantState(n, gateway.NotificationDelivered, 1)
	}
	if hits := s.hits.Load(); hits != count {
		t.Errorf("sent %d times, want %d", hits, count)
	}
}

// Nobody tells this process of what another one has queued.
func TestPoll(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.run(b.another(), nil, func(w *Worker) { w.poll = 10 * time.Millisecond })
	n := b.queue(newShop(t, nil).URL, 1)[0]
	w.wantNext(gateway.NotificationDelivered)
	b.wantState(n, gateway.NotificationDelivered, 1)
}

// A database that cannot be read is asked again later.
func TestDatabaseDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, nil)
	b.queue(s.URL, 1)
	b.close()
	w := b.run(b.Gateway, nil, nil)
	if l := w.next(); l.outcome != "notifications cannot be read" {
		t.Fatalf("logged %+v", l)
	}
	if err := w.stop(); err != nil || s.hits.Load() != 0 {
		t.Errorf("sent %d, stopped with %v", s.hits.Load(), err)
	}
}

// One merchant of ten never answers. All others hear of everything, and no more
// than its share of attempts waits for the silent one.
func TestFairness(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var most, waiting atomic.Int64
	silent := newShop(t, func(s *shop, w http.ResponseWriter, r *http.Request) {
		for now, seen := waiting.Add(1), most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		hold(s, w, r)
		waiting.Add(-1)
	})
	quiet := b.queue(silent.URL, 20)
	s := newShop(t, nil)
	for range 9 {
		b.queue(s.URL, 10)
	}
	w := b.run(b.Gateway, func(c *Config) { c.Workers = 12 }, nil)
	for range 90 {
		w.wantNext(gateway.NotificationDelivered)
	}
	for range perMerchant {
		receive(t, silent.events)
	}
	if hits := silent.hits.Load(); hits != perMerchant {
		t.Fatalf("%d attempts at a merchant that does not answer, want %d", hits, perMerchant)
	}
	close(silent.open)
	for range len(quiet) {
		w.wantNext(gateway.NotificationDelivered)
	}
	for _, n := range quiet {
		b.wantState(n, gateway.NotificationDelivered, 1)
	}
	if n := most.Load(); n > perMerchant {
		t.Errorf("%d attempts at once", n)
	}
}

// A merchant with enough parked is passed over: what else is due for it stays as it is,
// what is due for others behind it is delivered, and when it answers again it hears of
// everything.
func TestParking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	silent := newShop(t, hold)
	quiet := b.queue(silent.URL, perMerchant+10)
	other := newShop(t, nil)
	last := b.queue(other.URL, 1)[0]
	w := b.run(b.Gateway, func(c *Config) { c.Workers = perMerchant + 1 }, func(w *Worker) { w.parking = 3 })
	w.wantNext(gateway.NotificationDelivered)
	b.wantState(last, gateway.NotificationDelivered, 1)
	for range perMerchant {
		receive(t, silent.events)
	}
	w.look()
	w.mu.Lock()
	held := len(w.held)
	w.mu.Unlock()
	if held != perMerchant+3 {
		t.Errorf("the worker holds %d notifications, want %d", held, perMerchant+3)
	}
	touched := 0
	for _, n := range quiet {
		if now, _ := b.current(n); now.Fence > 0 {
			touched++
		}
	}
	if touched != held {
		t.Errorf("%d notifications were claimed, want %d", touched, held)
	}
	close(silent.open)
	for range quiet {
		w.wantNext(gateway.NotificationDelivered)
	}
	for _, n := range quiet {
		b.wantState(n, gateway.NotificationDelivered, 1)
	}
	if hits := silent.hits.Load(); hits != perMerchant+10 {
		t.Errorf("sent %d times, want %d", hits, perMerchant+10)
	}
	w.stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.held) != 0 || len(w.queues) != 0 || w.running != 0 {
		t.Errorf("the worker still holds %d notifications of %d merchants", len(w.held), len(w.queues))
	}
}

// While nobody else needs the workers, one merchant may use more than its share, and
// gives it back.
func TestIdleWorkers(t *testing.T) {
	t.Parallel()
	const idle = perMerchant + 4
	b := setup(t)
	busy := newShop(t, hold)
	b.queue(busy.URL, idle+2)
	w := b.run(b.Gateway, nil, func(w *Worker) { w.share = idle })
	for range idle {
		receive(t, busy.events)
	}
	w.look()
	if hits := busy.hits.Load(); hits != idle {
		t.Errorf("%d attempts at once, want %d", hits, idle)
	}
	other := newShop(t, nil)
	b.queue(other.URL, 1)
	w.wantNext(gateway.NotificationDelivered)
	close(busy.open)
	for range idle + 2 {
		w.wantNext(gateway.NotificationDelivered)
	}
}

// A parked notification whose lease has run out belongs to whoever claims it.
func TestParkedTooLong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	silent := newShop(t, hold)
	b.queue(silent.URL, perMerchant+2)
	w := b.run(b.Gateway, nil, nil)
	for range perMerchant {
		receive(t, silent.events)
	}
	w.look()
	w.mu.Lock()
	for _, q := range w.queues {
		if len(q.parked) != 2 {
			t.Errorf("%d are parked, want 2", len(q.parked))
		}
		for _, p := range q.parked {
			p.notification.LeaseUntil = b.clock.Now().Add(w.timeout)
		}
	}
	w.mu.Unlock()
	close(silent.open)
	for range perMerchant {
		w.wantNext(gateway.NotificationDelivered)
	}
	w.look()
	if hits := silent.hits.Load(); hits != perMerchant {
		t.Errorf("sent %d times, want %d", hits, perMerchant)
	}
	b.clock.Advance(time.Hour)
	for range 2 {
		w.wantNext(gateway.NotificationDelivered)
	}
}

// The process is asked to end while an attempt runs.
func TestStop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, hold)
	w := b.run(b.Gateway, nil, func(w *Worker) { w.drain = patience })
	n := b.queue(s.URL, 1)[0]
	receive(t, s.events)
	w.cancel()
	close(s.open)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	w.wantNext(gateway.NotificationDelivered)
	b.wantState(n, gateway.NotificationDelivered, 1)
}

// An attempt that outlasts the patience is broken off and counts for nothing. It is due
// at once for whoever comes next, and so is what has not begun.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, hold)
	w := b.run(b.Gateway, nil, nil)
	n := b.queue(s.URL, perMerchant+5)[0]
	receive(t, s.events)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	b.wantState(n, gateway.NotificationQueued, 0)
	close(s.open)
	successor := b.run(b.Gateway, nil, nil)
	for range perMerchant + 5 {
		successor.wantNext(gateway.NotificationDelivered)
	}
	b.wantState(n, gateway.NotificationDelivered, 1)
}

// The clock moves past the lease of an attempt that is under way.
func TestClockMovedInFlight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, hold)
	w := b.run(b.Gateway, nil, nil)
	n := b.queue(s.URL, 1)[0]
	receive(t, s.events)
	now, _ := b.current(n)
	lease := now.LeaseUntil
	w.waitsFor(lease)
	for range 3 {
		b.clock.Advance(12 * time.Hour)
		renewed := receive(t, w.looked)
		for renewed.Equal(lease) {
			renewed = receive(t, w.looked)
		}
		if !renewed.After(b.clock.Now()) {
			t.Fatalf("the worker waits for %s, which is past", renewed)
		}
		lease = renewed
	}
	if now, _ := b.current(n); now.Fence != 4 {
		t.Errorf("fence is %d, want 4: one claim and three renewals", now.Fence)
	}
	close(s.open)
	w.wantNext(gateway.NotificationDelivered)
	b.wantState(n, gateway.NotificationDelivered, 1)
	if hits := s.hits.Load(); hits != 1 {
		t.Errorf("sent %d times", hits)
	}
}

// Another process took the notification over; the late outcome changes nothing.
func TestLeaseLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newShop(t, hold)
	w := b.run(b.Gateway, nil, nil)
	n := b.queue(s.URL, 1)[0]
	receive(t, s.events)
	if err := b.ReleaseNotifications(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := must(b.another().ClaimNotifications(t.Context(), time.Hour, 1))(t)
	close(s.open)
	w.next()
	b.wantState(n, gateway.NotificationQueued, 0)
	if now, _ := b.current(n); now.Fence != other[0].Fence {
		t.Errorf("fence is %d, want %d", now.Fence, other[0].Fence)
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 5, ""},
		{"plain", 5, "plain"},
		{"plain", 4, "plai"},
		{"a\r\n\tb", 10, "a   b"},
		{"\x1b[31m\x00", 50, "\uFFFD[31m\uFFFD"},
		{"\xff\xfe", 50, "\uFFFD\uFFFD"},
		{"ééé", 5, "éé"},
		{"é\xc3", 50, "é\uFFFD"},
		{"\u202egnp", 50, "\uFFFDgnp"},
		{"\u00a0x", 50, " x"},
	} {
		if got := printable(c.in, c.limit); got != c.want {
			t.Errorf("printable(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}
