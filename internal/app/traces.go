package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/notify"
	"github.com/gerbang-pay/gerbang/internal/recent"
)

// traces tell a collector, by OpenTelemetry, what calls and attempts took their time
// with. nil tells nobody anything, and costs nothing. docs/operating/observe.md says
// what is in a span. Names come from fixed sets; no text of a caller and no secret is
// in any.
type traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	// causes are the calls and pages of this process that queued notifications and
	// messages.
	causes   *recent.Map[string, trace.SpanContext]
	breakOff context.CancelFunc // of what is on its way to the collector
	log      *slog.Logger
}

const (
	scopeName = "github.com/gerbang-pay/gerbang"
	// flushWithin is how long a stop waits for the collector to take the last spans.
	flushWithin = 3 * time.Second
	keptCauses  = 10_000
)

// open begins to tell, if there is anybody to tell.
func (c Traces) open(ctx context.Context, id, version string, log *slog.Logger) (*traces, error) {
	endpoint := c.endpoint()
	if endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	// Nothing of the process or the machine: a command line may have a password in it.
	described, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("gerbang"), semconv.ServiceVersion(version), semconv.ServiceInstanceID(id)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	open, breakOff := context.WithCancel(context.WithoutCancel(ctx))
	t := &traces{causes: recent.New[string, trace.SpanContext](keptCauses), breakOff: breakOff, log: log}
	t.provider = sdk.NewTracerProvider(sdk.WithBatcher(&export{SpanExporter: exporter, open: open, log: log}), sdk.WithResource(described))
	t.tracer = t.provider.Tracer(scopeName, trace.WithInstrumentationVersion(version), trace.WithSchemaURL(semconv.SchemaURL))
	return t, nil
}

// stop sends what is left, and gives up in time.
func (t *traces) stop(ctx context.Context) {
	if t == nil {
		return
	}
	giveUp := time.AfterFunc(flushWithin, t.breakOff)
	defer giveUp.Stop()
	defer t.breakOff()
	// What is broken off ends at once; nothing of the SDK may keep a stop if it does not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*flushWithin)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("traces were not ended properly", "error", err)
	}
}

// export keeps the trouble with a collector where it is: what it does not take is
// lost, and the log has a line about it now and then.
type export struct {
	sdk.SpanExporter
	open context.Context // until the stop gives up
	log  *slog.Logger

	lost int       // spans, since the last line
	said time.Time // of that line
}

// sayEvery is how often the log has a line about a collector.
const sayEvery = 10 * time.Minute

// ExportSpans is not called by several goroutines at once. It reports no error: those
// the SDK writes to standard error, each time.
func (e *export) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.open, cancel)()
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	e.lost += len(spans)
	if now := (gateway.SystemClock{}).Now(); e.said.IsZero() || now.Sub(e.said) >= sayEvery || e.open.Err() != nil {
		e.log.Warn("the collector does not take traces; payments go on without them", "lost_spans", e.lost, "error", shortened(err.Error()))
		e.lost, e.said = 0, now
	}
	return nil
}

// shortened is what a collector may say in the log.
func shortened(text string) string {
	const most = 300
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}

// callSpan is a call's span while the call is served; nil is of a call without one.
type callSpan struct{ trace.Span }

// call begins the span of a call, whose name is known at its end.
func (t *traces) call(ctx context.Context, r *http.Request) (context.Context, *callSpan) {
	if t == nil {
		return ctx, nil
	}
	under, span := t.incoming(ctx, r, "call")
	if !span.IsRecording() {
		return ctx, nil
	}
	return under, &callSpan{span}
}

// incoming begins the trace of a request. A caller's own trace is a link and not the
// parent: who calls is not to say what is traced, nor to which trace it belongs.
func (t *traces) incoming(ctx context.Context, r *http.Request, name string) (context.Context, trace.Span) {
	options := []trace.SpanStartOption{trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(method(r.Method))}
	if parent := r.Header.Get("traceparent"); parent != "" {
		remote := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": parent})
		if caller := trace.SpanContextFromContext(remote); caller.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: caller}))
		}
	}
	return t.tracer.Start(ctx, name, options...)
}

// pages gives each request for a customer's page a span, with what it changed. The path
// is no part of it: whoever has it has the page.
func (t *traces) pages(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := t.incoming(r.Context(), r, "page "+method(r.Method).Value.AsString())
		if !span.IsRecording() {
			next.ServeHTTP(w, r)
			return
		}
		defer span.End()
		var attrs []attribute.KeyValue
		ctx = gateway.Observe(ctx, func(changes []gateway.Change) {
			for _, change := range changes {
				attrs = add(attrs, named(string(change.Kind), change.ID))
			}
		})
		answer := &statusWriter{w, http.StatusOK}
		next.ServeHTTP(answer, r.WithContext(ctx))
		span.SetAttributes(append(attrs, semconv.HTTPResponseStatusCode(answer.status))...)
		if answer.status >= http.StatusInternalServerError {
			span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(answer.status)))
			span.SetStatus(codes.Error, "")
		}
	})
}

// statusWriter notes with which status something is answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// id is that of the trace, "" where there is none.
func (s *callSpan) id() string {
	if s == nil {
		return ""
	}
	return s.SpanContext().TraceID().String()
}

// end gives the span what the log says of the call.
func (s *callSpan) end(dialect, operation string, result gateway.Result, said []slog.Attr) {
	if s == nil {
		return
	}
	attrs, status, code := make([]attribute.KeyValue, 0, len(said)+1), "", ""
	for _, a := range said {
		text := a.Value.String()
		switch {
		case a.Key == "took" || text == "": // the span has its duration
		case a.Key == "status":
			status = text
			attrs = append(attrs, semconv.HTTPResponseStatusCode(int(a.Value.Int64())))
		default:
			if a.Key == "code" {
				code = text
			}
			attrs = add(attrs, named(a.Key, text))
		}
	}
	s.SetName(dialect + " " + operation)
	if result == gateway.ResultFault {
		if code == "" {
			code = status
		}
		attrs = append(attrs, semconv.ErrorTypeKey.String(code))
		s.SetStatus(codes.Error, "")
	}
	s.SetAttributes(attrs...)
	s.End()
}

// named is an attribute of our own.
func named(name, value string) attribute.KeyValue { return attribute.String("gerbang."+name, value) }

// add joins what a call has several of, such as notifications.
func add(attrs []attribute.KeyValue, one attribute.KeyValue) []attribute.KeyValue {
	for i, have := range attrs {
		if have.Key == one.Key {
			attrs[i].Value = attribute.StringValue(have.Value.AsString() + " " + one.Value.AsString())
			return attrs
		}
	}
	return append(attrs, one)
}

// method is that of a request, where it is one that everybody knows.
func method(name string) attribute.KeyValue {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return semconv.HTTPRequestMethodKey.String(name)
	}
	return semconv.HTTPRequestMethodOther
}

// store gives the transactions of calls and attempts a span each. What goes on in the
// background has none.
func (t *traces) store(inner gateway.Store, database string) gateway.Store {
	if t == nil {
		return inner
	}
	system, kind := semconv.DBSystemNameSQLite, trace.SpanKindInternal
	if strings.HasPrefix(database, "postgres") {
		system, kind = semconv.DBSystemNamePostgreSQL, trace.SpanKindClient
	}
	return tracedStore{inner, t, trace.WithAttributes(system), trace.WithSpanKind(kind)}
}

type tracedStore struct {
	gateway.Store
	traces       *traces
	system, kind trace.SpanStartOption
}

func (s tracedStore) View(ctx context.Context, fn func(gateway.Tx) error) error {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return s.Store.View(ctx, fn)
	}
	ctx, span := s.traces.tracer.Start(ctx, "view", s.system, s.kind)
	defer span.End()
	return ended(span, s.Store.View(ctx, fn))
}

func (s tracedStore) Update(ctx context.Context, fn func(gateway.Tx) error) error {
	cause := trace.SpanFromContext(ctx)
	if !cause.IsRecording() {
		return s.Store.Update(ctx, fn)
	}
	ctx, span := s.traces.tracer.Start(ctx, "update", s.system, s.kind)
	defer span.End()
	runs := 0
	err := s.Store.Update(ctx, func(tx gateway.Tx) error {
		runs++
		return fn(tracedTx{tx, s.traces, cause.SpanContext()})
	})
	span.SetAttributes(attribute.Int("gerbang.runs", runs))
	return ended(span, err)
}

// ended marks the span of a transaction that was rolled back. A refusal is no fault.
func ended(span trace.Span, err error) error {
	if err == nil {
		return nil
	}
	span.SetAttributes(semconv.ErrorTypeKey.String(gateway.ErrorCode(err).String()))
	if gateway.ResultOf(err) == gateway.ResultFault {
		span.SetStatus(codes.Error, "")
	}
	return err
}

// tracedTx remembers which call or page queued what is delivered later.
type tracedTx struct {
	gateway.Tx
	traces *traces
	cause  trace.SpanContext
}

func (t tracedTx) InsertNotification(n gateway.Notification) error {
	t.Tx.OnCommit(func() { t.traces.causes.Put(string(n.ID), t.cause) })
	return t.Tx.InsertNotification(n)
}

func (t tracedTx) PutMessage(m gateway.Message) error {
	t.Tx.OnCommit(func() { t.traces.causes.Put(string(m.ID), t.cause) })
	return t.Tx.PutMessage(m)
}

// ofNotifier lets a notifier tell of its attempts.
func (t *traces) ofNotifier(c notify.Config) notify.Config {
	if t != nil {
		c.Attempting, c.Through = t.notifying, t.requests(false)
	}
	return c
}

// ofMessenger lets a messenger tell of its attempts. The issuer is no stranger: the
// operator named it, and its part of the way belongs to the same trace.
func (t *traces) ofMessenger(c issuer.MessengerConfig) issuer.MessengerConfig {
	if t != nil {
		c.Attempting, c.Through = t.messaging, t.requests(true)
	}
	return c
}

// notifying begins the span of an attempt to deliver a notification.
func (t *traces) notifying(ctx context.Context, n gateway.Notification) (context.Context, func(gateway.NotificationState)) {
	ctx, ended := t.attempt(ctx, n.Dialect+" notification", string(n.ID), n.Attempts+1,
		named("dialect", n.Dialect), named("notification", string(n.ID)), named("merchant", string(n.MerchantID)), named("event", string(n.EventID)))
	return ctx, func(state gateway.NotificationState) { ended(outcomes[state]) }
}

// messaging begins the span of an attempt to bring something to the issuer.
func (t *traces) messaging(ctx context.Context, id gateway.MessageID, kind gateway.MessageKind, attempt int) (context.Context, func(bool)) {
	ctx, ended := t.attempt(ctx, "issuer "+string(kind), string(id), attempt, named("message", string(id)))
	return ctx, func(taken bool) { ended(messageOutcome(taken)) }
}

// attempt begins a trace. It is linked to what queued that which is delivered, if
// it was in this process, once the attempt is over: the first may begin before
// what queued it is remembered.
func (t *traces) attempt(ctx context.Context, name, id string, number int, attrs ...attribute.KeyValue) (context.Context, func(outcome string)) {
	attrs = append(attrs, attribute.Int("gerbang.attempt", number))
	ctx, span := t.tracer.Start(ctx, name, trace.WithNewRoot(), trace.WithAttributes(attrs...))
	return ctx, func(outcome string) {
		if cause, known := t.causes.Get(id); known {
			span.AddLink(trace.Link{SpanContext: cause})
		}
		if outcome == "" {
			outcome = "broken off"
		}
		span.SetAttributes(named("outcome", outcome))
		switch outcome {
		case outcomes[gateway.NotificationDelivered], outcomes[gateway.NotificationUndeliverable]: // without a URL nothing was tried
		default:
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// requests gives each request of an attempt a span. Whoever is sent onward learns of
// the trace; merchants do not.
func (t *traces) requests(onward bool) func(http.RoundTripper) http.RoundTripper {
	return func(inner http.RoundTripper) http.RoundTripper { return tracedTransport{inner, t, onward} }
}

type tracedTransport struct {
	http.RoundTripper
	traces *traces
	onward bool
}

func (t tracedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !trace.SpanFromContext(req.Context()).IsRecording() {
		return t.RoundTripper.RoundTrip(req)
	}
	attrs := []attribute.KeyValue{method(req.Method), semconv.ServerAddress(req.URL.Hostname())}
	if port, err := strconv.Atoi(req.URL.Port()); err == nil {
		attrs = append(attrs, semconv.ServerPort(port))
	}
	ctx, span := t.traces.tracer.Start(req.Context(), req.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	defer span.End()
	if t.onward {
		req = req.Clone(ctx) // not ours to change
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	}
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		span.SetAttributes(semconv.ErrorTypeKey.String(kindOf(err)))
		span.SetStatus(codes.Error, "")
		return resp, err
	}
	span.SetAttributes(semconv.HTTPResponseStatusCode(resp.StatusCode))
	if resp.StatusCode >= http.StatusBadRequest {
		span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(resp.StatusCode)))
		span.SetStatus(codes.Error, "")
	}
	return resp, nil
}

// CloseIdleConnections is what http.Client looks for.
func (t tracedTransport) CloseIdleConnections() {
	if inner, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		inner.CloseIdleConnections()
	}
}

// kindOf sorts errors of a network. Their texts may have addresses and more in them.
func kindOf(err error) string {
	var network net.Error
	var lookup *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return "broken off"
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.As(err, &lookup):
		return "name not found"
	}
	return "connection failed"
}
