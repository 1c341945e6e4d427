package app

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// metrics are an App's figures for Prometheus. docs/operating/observe.md explains
// each; a test holds the two together. Every label has a small fixed set of values:
// no merchant, wallet, payment or path is among them.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	attempts  *prometheus.CounterVec
	took      *prometheus.HistogramVec
	messages  *prometheus.CounterVec

	issuerRequests  *prometheus.CounterVec
	issuerDurations *prometheus.HistogramVec
}

// Buckets in seconds. A push may wait for 70 seconds, an attempt to deliver for 30.
var (
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 80}
	attemptBuckets = []float64{.01, .05, .1, .5, 1, 2.5, 5, 10, 20, 30}
	issuerBuckets  = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
)

// outcomes names what becomes of a notification after an attempt.
var outcomes = map[gateway.NotificationState]string{
	gateway.NotificationDelivered:     "delivered",
	gateway.NotificationQueued:        "retry",
	gateway.NotificationFailed:        "failed",
	gateway.NotificationUndeliverable: "undeliverable",
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gerbang_requests_total", Help: "Calls answered, by how they ended.",
		}, []string{"dialect", "operation", "result", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gerbang_request_duration_seconds", Help: "From a call's arrival to its answer.", Buckets: requestBuckets,
		}, []string{"dialect", "operation"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gerbang_delivery_attempts_total", Help: "Attempts to deliver a notification, by what became of it.",
		}, []string{"dialect", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gerbang_delivery_attempt_duration_seconds", Help: "Duration of attempts to deliver.", Buckets: attemptBuckets,
		}, []string{"dialect"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gerbang_issuer_messages_total", Help: "Attempts to bring a one-time code or a prompt to the wallet's issuer.",
		}, []string{"kind", "outcome"}),
		issuerRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gerbang_issuer_requests_total", Help: "Calls of the wallets' issuer that were answered, by how they ended.",
		}, []string{"operation", "result", "code"}),
		issuerDurations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gerbang_issuer_request_duration_seconds", Help: "From the arrival of an issuer's call to its answer.", Buckets: issuerBuckets,
		}, []string{"operation"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gerbang_build_info", Help: "What is running; the value is 1.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.durations, m.attempts, m.took, m.messages, m.issuerRequests, m.issuerDurations, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// A counter that is there before its first event lets an alert see that event.
	for _, dialect := range dialectNames {
		for _, outcome := range outcomes {
			m.attempts.WithLabelValues(dialect, outcome)
		}
	}
	for _, kind := range []gateway.MessageKind{gateway.MessageCode, gateway.MessagePrompt} {
		for _, taken := range []bool{true, false} {
			m.messages.WithLabelValues(string(kind), messageOutcome(taken))
		}
	}
	for _, operation := range issuer.Operations() {
		m.issuerRequests.WithLabelValues(operation, string(gateway.ResultDone), "")
		m.issuerDurations.WithLabelValues(operation)
	}
	return m
}

// attempted counts an attempt to deliver a notification.
func (m *metrics) attempted(dialect string, state gateway.NotificationState, took time.Duration) {
	m.attempts.WithLabelValues(dialect, outcomes[state]).Inc()
	m.took.WithLabelValues(dialect).Observe(took.Seconds())
}

// messaged counts an attempt to bring something to the issuer. What it did not take is
// tried again while it matters.
func (m *metrics) messaged(kind gateway.MessageKind, taken bool) {
	m.messages.WithLabelValues(string(kind), messageOutcome(taken)).Inc()
}

func messageOutcome(taken bool) string {
	if taken {
		return outcomes[gateway.NotificationDelivered]
	}
	return outcomes[gateway.NotificationQueued]
}

// served counts an answered call.
func (m *metrics) served(s gateway.Served, took time.Duration) {
	m.requests.WithLabelValues(s.Dialect, s.Operation, string(s.Result), s.Code).Inc()
	m.durations.WithLabelValues(s.Dialect, s.Operation).Observe(took.Seconds())
}

// servedIssuer counts an answered call of the issuer.
func (m *metrics) servedIssuer(s issuer.Served, took time.Duration) {
	m.issuerRequests.WithLabelValues(s.Operation, string(s.Result), s.Code).Inc()
	m.issuerDurations.WithLabelValues(s.Operation).Observe(took.Seconds())
}

// handler serves the figures. What cannot be read at the moment is left out.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("gerbang_"+name, help, labels, nil)
}

var (
	waitingPushes  = describe("waiting_pushes", "Pushes with calls parked in this process.")
	outboxQueued   = describe("outbox_queued", "Notifications to be delivered, counted up to 10,000.")
	outboxOverdue  = describe("outbox_overdue_seconds", "How long the earliest queued notification has been due without being taken.")
	commitUpdates  = describe("store_commit_updates", "Updates that shared a commit.")
	commitDuration = describe("store_commit_duration_seconds", "Duration of commits: on SQLite from the first statement, on PostgreSQL of the COMMIT.")
	storeRetries   = describe("store_retries_total", "Updates that were run again.", "reason")
	storeExhausted = describe("store_exhausted_total", "Updates given up because others overtook them too often.")
	storeQueued    = describe("store_queued_updates", "Updates that wait for a commit.")
	storeConns     = describe("store_connections", "Connections to the database.", "state")
	storeWaits     = describe("store_connection_waits_total", "How often every connection was in use when one was asked for.")
	clockSkew      = describe("clock_skew_seconds", "Distance of this machine's clock from the database's.")
	ledgerChecked  = describe("ledger_transfers_checked_total", "Transfers that the watch has checked since the start.")
	ledgerBroken   = describe("ledger_broken", "Findings of the watch since the start. Anything but 0 is an emergency.", "invariant")
	ledgerCurrent  = describe("ledger_watch_current", "1 while no transfer waits to be checked.")
	ledgerFailing  = describe("ledger_watch_failing", "1 while the ledger cannot be read.")
	readyChecks    = describe("ready", "1 for each check of readiness that passes.", "check")
)

// gauges reads an App when Prometheus asks.
type gauges struct{ app *App }

// Describe implements prometheus.Collector.
func (gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		waitingPushes, outboxQueued, outboxOverdue, commitUpdates, commitDuration, storeRetries, storeExhausted, storeQueued, storeConns, storeWaits,
		clockSkew, ledgerChecked, ledgerBroken, ledgerCurrent, ledgerFailing, readyChecks,
	} {
		to <- d
	}
}

// scrapeTimeout bounds what reading the database may take of a scrape.
const scrapeTimeout = 2 * time.Second

// Collect implements prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(waitingPushes, float64(g.app.Gateway.Waiting()))

	s := g.app.store.Stats()
	to <- histogram(commitUpdates, s.Groups, 1)
	to <- histogram(commitDuration, s.Commits, 1e-6)
	counter(storeRetries, s.Overtaken, "overtaken")
	counter(storeRetries, s.Ungrouped, "ungrouped")
	counter(storeExhausted, s.Exhausted)
	gauge(storeQueued, float64(s.Queued))
	gauge(storeConns, float64(s.Open), "open")
	gauge(storeConns, float64(s.Busy), "busy")
	counter(storeWaits, s.Waits)

	checked, current, failing, broken := g.app.watch.state()
	counter(ledgerChecked, checked)
	gauge(ledgerCurrent, truth(current))
	gauge(ledgerFailing, truth(failing))
	for _, rule := range store.WatchedRules() {
		gauge(ledgerBroken, float64(broken[rule]), rule)
	}

	checks := g.app.readiness.now()
	for _, c := range checks {
		gauge(readyChecks, truth(c.problem == ""), c.name)
	}
	if !ready(checks) {
		return // what follows asks the database
	}
	gauge(clockSkew, g.app.readiness.skew().Seconds())
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if o, err := g.app.Gateway.Outbox(ctx); err == nil {
		gauge(outboxQueued, float64(o.Queued))
		gauge(outboxOverdue, o.Overdue.Seconds())
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// histogram is a distribution in a unit of its values.
func histogram(d *prometheus.Desc, from store.Distribution, unit float64) prometheus.Metric {
	buckets, total := map[float64]uint64{}, uint64(0)
	for i, n := range from.Counts {
		total += uint64(n)
		if i < len(from.Bounds) {
			buckets[float64(from.Bounds[i])*unit] = total
		}
	}
	return prometheus.MustNewConstHistogram(d, total, float64(from.Sum)*unit, buckets)
}
