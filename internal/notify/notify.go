package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// Outbound is a dialect's half of a delivery. It is called by many goroutines.
type Outbound interface {
	// Request builds and signs one attempt at the moment now. It may use client,
	// with ctx, to fetch what signing needs. gateway.ErrNoURL says that the
	// merchant has no URL for such a notification; any other error is a failed
	// attempt and is stored as its reason, so it must not tell secrets.
	Request(ctx context.Context, client *http.Client, o gateway.Outgoing, now time.Time) (*http.Request, error)

	// Accepted reports why an answer is no acknowledgement, or nil. The body may
	// be cut short. Redirects never get here: they are failures.
	Accepted(o gateway.Outgoing, status int, body []byte) error
}

// Dialect is how the notifications of one protocol are delivered.
type Dialect struct {
	Outbound Outbound
	Retries  []time.Duration // when to try again, each measured from the first attempt
}

// Config is what a Worker needs. Gateway, Clock and Dialects are required.
type Config struct {
	Gateway      *gateway.Gateway
	Clock        gateway.Clock
	Dialects     map[string]Dialect // by gateway.Notification.Dialect
	AllowPrivate bool               // reach any address and any port, this machine included
	Workers      int                // attempts at once; 0 takes 128
	Timeout      time.Duration      // of a whole attempt, in real time; 0 takes 30 s
	Log          *slog.Logger       // nil discards
	// Attempted, when set, hears of each attempt whose outcome has been stored: of
	// which dialect, what became of its notification, and how long it took.
	Attempted func(dialect string, state gateway.NotificationState, took time.Duration)
	// Attempting, when set, hears of each attempt that begins. The attempt is made and
	// stored in the context that it returns, and ended hears of its outcome: "" when
	// there is none to store.
	Attempting func(context.Context, gateway.Notification) (_ context.Context, ended func(gateway.NotificationState))
	// Through, when set, stands before the network, for all requests of attempts.
	Through func(http.RoundTripper) http.RoundTripper
	// Dial reaches merchants through another network than the machine's, which then
	// judges addresses itself. Only tests have one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	defaultWorkers = 128
	defaultTimeout = 30 * time.Second

	perMerchant = 8                     // attempts at once to one merchant, while others need the workers
	idleShare   = 4                     // of the workers a quarter may be one merchant's, while as many are all that run
	maxParked   = 64                    // claimed notifications of a merchant, beyond which no more are claimed
	fewShare    = 4                     // of the workers a quarter makes a claim worth while
	claimPause  = 4                     // times what a claim of fewer took passes until the next one,
	maxPause    = 10 * time.Millisecond // but no more than this
	passPause   = 9                     // times what it took to pass over such merchants' before it is done again
	pollEvery   = 5 * time.Second       // how long something another process queued may go unnoticed
	drainFor    = 5 * time.Second       // what running attempts get when the Worker stops
	storeWithin = 10 * time.Second      // how long storing an attempt may wait for the database

	// A lease outlives an attempt by leaseSpare, and an attempt only starts while
	// leaseMargin of that is left for storing the outcome.
	leaseSpare  = 30 * time.Second
	leaseMargin = 10 * time.Second
)

// Worker delivers notifications. Make one with New.
type Worker struct {
	gateway  *gateway.Gateway
	clock    gateway.Clock
	dialects map[string]Dialect
	client   *http.Client
	workers  int
	timeout  time.Duration
	poll     time.Duration
	drain    time.Duration
	parking  int
	share    int // of one merchant while no more than it run
	log      *slog.Logger
	told     func(dialect string, state gateway.NotificationState, took time.Duration)
	begin    func(context.Context, gateway.Notification) (context.Context, func(gateway.NotificationState))

	kick    chan struct{}
	started atomic.Bool
	looked  atomic.Pointer[time.Time] // when it last claimed; nil when it has stopped
	group   sync.WaitGroup            // the running attempts

	// renewal keeps claiming and storing apart. A claim may take a notification
	// again that is held here; the attempt then has to store under the new fence.
	renewal sync.RWMutex

	mu       sync.Mutex
	held     map[gateway.NotificationID]*task // running and parked
	queues   map[gateway.MerchantID]*queue    // of merchants with running attempts
	running  int
	stopping bool                   // nothing may start any more
	left     []gateway.Notification // when it stopped
}

// task is a notification that this Worker has claimed.
type task struct {
	notification gateway.Notification // guarded by Worker.mu; its lease may be renewed
}

// queue is what one merchant has in this Worker. Only a merchant with all its
// attempts running has parked tasks.
type queue struct {
	running int
	parked  []*task
	full    bool // so many are parked that no more are claimed, until half of them have begun
}

// mayStart reports whether another attempt of a merchant may run. The caller holds
// w.mu.
func (w *Worker) mayStart(q *queue) bool { return q.running < perMerchant || w.running < w.share }

// New makes a Worker.
func New(c Config) *Worker {
	if c.Workers <= 0 {
		c.Workers = defaultWorkers
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Attempted == nil {
		c.Attempted = func(string, gateway.NotificationState, time.Duration) {}
	}
	if c.Attempting == nil {
		c.Attempting = func(ctx context.Context, _ gateway.Notification) (context.Context, func(gateway.NotificationState)) {
			return ctx, func(gateway.NotificationState) {}
		}
	}
	w := &Worker{
		gateway: c.Gateway, clock: c.Clock, dialects: c.Dialects, client: newClient(c.AllowPrivate, c.Dial),
		workers: c.Workers, timeout: c.Timeout, poll: pollEvery, drain: drainFor, parking: maxParked, share: c.Workers / idleShare, log: c.Log, told: c.Attempted, begin: c.Attempting,
		kick: make(chan struct{}, 1),
		held: map[gateway.NotificationID]*task{}, queues: map[gateway.MerchantID]*queue{},
	}
	if c.Through != nil {
		w.client.Transport = c.Through(w.client.Transport)
	}
	w.lookedNow()
	return w
}

// Alive reports why notifications are not being delivered by this Worker, or nil:
// it has stopped, or has not been able to look for them for some time. With all its
// workers busy it looks again when one is free, which is soon: every attempt ends.
func (w *Worker) Alive() error {
	looked := w.looked.Load()
	if looked == nil {
		return errors.New("the notifier has stopped")
	}
	since := gateway.SystemClock{}.Now().Sub(*looked)
	if since > w.timeout+3*w.poll {
		return fmt.Errorf("the notifier has not looked for work for %s", since.Round(time.Second))
	}
	return nil
}

// lookedNow notes that the Worker has looked for work. The time keeps its monotonic
// reading: to set the machine's clock does not look like a standstill.
func (w *Worker) lookedNow() {
	now := gateway.SystemClock{}.Now()
	w.looked.Store(&now)
}

// Kick makes the Worker look for due notifications at once.
func (w *Worker) Kick() {
	select {
	case w.kick <- struct{}{}:
	default: // it is about to look anyway
	}
}

// Run delivers until ctx ends. It then lets running attempts finish for a few
// seconds; those it has to break off are not stored, and are given back with what has
// not begun, for whoever claims them next. A Worker runs once: only a second call
// fails.
func (w *Worker) Run(ctx context.Context) error {
	if !w.started.CompareAndSwap(false, true) {
		return errors.New("notify: the worker has been started before")
	}
	defer w.looked.Store(nil)
	attempts, breakOff := context.WithCancel(context.WithoutCancel(ctx))
	defer breakOff()
	defer w.client.CloseIdleConnections()
	for ctx.Err() == nil {
		if err := w.deliverDue(ctx, attempts); err != nil && ctx.Err() == nil {
			w.log.Error("notifications cannot be read", "error", err)
			pause(ctx, w.poll)
		}
	}

	w.mu.Lock()
	w.stopping = true
	w.mu.Unlock()
	grace := time.AfterFunc(w.drain, breakOff)
	defer grace.Stop()
	w.group.Wait()
	w.giveBack(context.WithoutCancel(ctx))
	return nil
}

// giveBack ends the leases of what the Worker has not delivered. Failing that, they run
// out.
func (w *Worker) giveBack(ctx context.Context) {
	if len(w.left) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	if err := w.gateway.ReturnNotifications(ctx, w.left); err != nil {
		w.log.Error("notifications that were not delivered are held until their leases run out", "notifications", len(w.left), "error", err)
	}
}

// deliverDue starts what is due and waits until it is worth looking again.
func (w *Worker) deliverDue(ctx, attempts context.Context) error {
	var measure gateway.SystemClock
	for ctx.Err() == nil {
		now, began := w.clock.Now(), measure.Now()
		asked, got, passed, err := w.claim(ctx, attempts)
		if err != nil {
			return err
		}
		if passed {
			pause(ctx, min(w.poll, passPause*measure.Now().Sub(began)))
		}
		if asked > 0 && got < w.workers/fewShare {
			// To claim each payment's notification by itself costs more than to send it,
			// above all beside other processes that do the same. What is due meanwhile is
			// claimed together.
			pause(ctx, min(maxPause, claimPause*measure.Now().Sub(began)))
		}
		if asked == 0 { // every worker is busy, and kicks when it is free
			select {
			case <-w.kick:
			case <-ctx.Done():
			}
			continue
		}
		if got < asked {
			return w.await(ctx, now)
		}
	}
	return nil
}

// claim takes as many due notifications as workers are free. It passes over merchants
// who have enough.
func (w *Worker) claim(ctx, attempts context.Context) (asked, got int, passed bool, err error) {
	w.renewal.Lock()
	defer w.renewal.Unlock()
	var full []gateway.MerchantID
	w.mu.Lock()
	asked = w.workers - w.running
	for merchant, q := range w.queues {
		if q.full {
			full = append(full, merchant)
		}
	}
	w.mu.Unlock()
	defer func() {
		if err == nil {
			w.lookedNow()
		}
	}()
	if asked == 0 {
		return 0, 0, false, nil
	}
	claimed, err := w.gateway.ClaimNotifications(ctx, w.timeout+leaseSpare, asked, full...)
	if err != nil {
		return asked, 0, false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range claimed {
		w.hold(attempts, n)
	}
	return asked, len(claimed), len(full) > 0, nil
}

// hold starts or parks a claimed notification, or renews the lease of one that is held
// already. The caller holds w.mu.
func (w *Worker) hold(attempts context.Context, n gateway.Notification) {
	if t := w.held[n.ID]; t != nil {
		t.notification = n
		return
	}
	q := w.queues[n.MerchantID]
	if q == nil {
		q = &queue{}
		w.queues[n.MerchantID] = q
	}
	t := &task{notification: n}
	w.held[n.ID] = t
	if w.mayStart(q) {
		w.start(attempts, q, t)
		return
	}
	q.parked = append(q.parked, t)
	q.full = len(q.parked) >= w.parking
}

// start runs a task. The caller holds w.mu.
func (w *Worker) start(attempts context.Context, q *queue, t *task) {
	q.running++
	w.running++
	n := t.notification
	w.group.Go(func() {
		ctx, ended := w.begin(attempts, n)
		outcome, stored := w.deliver(ctx, n)
		w.renewal.RLock()
		defer w.renewal.RUnlock()
		if stored {
			w.store(ctx, t, outcome)
		}
		ended(outcome.state)
		w.release(attempts, t, stored)
	})
}

// release forgets a task that has run and starts the merchant's next one.
func (w *Worker) release(attempts context.Context, t *task, stored bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running == w.workers {
		w.Kick() // Run waits for a free worker
	}
	merchant := t.notification.MerchantID
	q := w.queues[merchant]
	delete(w.held, t.notification.ID)
	if w.stopping && !stored {
		w.left = append(w.left, t.notification)
	}
	q.running--
	w.running--
	enough := w.clock.Now().Add(w.timeout + leaseMargin)
	for len(q.parked) > 0 && w.mayStart(q) {
		next := q.parked[0]
		q.parked[0] = nil
		q.parked = q.parked[1:]
		if w.stopping {
			delete(w.held, next.notification.ID)
			w.left = append(w.left, next.notification)
			continue
		}
		if next.notification.LeaseUntil.Before(enough) {
			// Another process may claim it any moment; so may this one.
			delete(w.held, next.notification.ID)
			continue
		}
		w.start(attempts, q, next)
	}
	if q.full && len(q.parked) <= w.parking/2 {
		q.full = false
		w.Kick()
	}
	if q.running == 0 {
		delete(w.queues, merchant)
	}
}

// await returns once a notification may be worth claiming that was not at a moment. What
// was due by then is claimed, or waits until its merchant has no longer enough.
func (w *Worker) await(ctx context.Context, since time.Time) error {
	next, queued, err := w.gateway.NextNotification(ctx, since)
	if err != nil {
		return err
	}
	var due <-chan struct{}
	if queued {
		reached, stop := w.clock.At(next)
		defer stop()
		due = reached
	}
	poll := time.NewTimer(w.poll)
	defer poll.Stop()
	select {
	case <-w.gateway.Notified():
	case <-due:
	case <-w.kick:
	case <-poll.C:
	case <-ctx.Done():
	}
	return nil
}

// pause waits for some real time.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
