package app_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/ovo"
)

// collector takes traces over HTTP, as OTLP has it.
type collector struct {
	t      testing.TB
	server *httptest.Server

	mu    sync.Mutex
	raw   bytes.Buffer
	spans []*tracepb.Span
}

func newCollector(t testing.TB) *collector {
	t.Helper()
	c := &collector{t: t}
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent collectorpb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		c.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	for _, resource := range sent.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// named lists the spans of a name in the order of their beginning.
func (c *collector) named(name string) (list []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *tracepb.Span) int { return int(a.StartTimeUnixNano) - int(b.StartTimeUnixNano) })
	return list
}

// got looks for a secret in all that was sent. Six digits may be part of an id.
func (c *collector) got(secret string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(secret) > 6 {
		return bytes.Contains(c.raw.Bytes(), []byte(secret))
	}
	return regexp.MustCompile(`(^|[^0-9a-f])` + secret + `($|[^0-9a-f])`).Match(c.raw.Bytes())
}

// children counts the spans below one by name.
func (c *collector) children(of *tracepb.Span) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]int{}
	for _, s := range c.spans {
		if bytes.Equal(s.ParentSpanId, of.SpanId) && bytes.Equal(s.TraceId, of.TraceId) {
			names[s.Name]++
		}
	}
	return names
}

// with adds headers to each request.
type with struct{ header http.Header }

func (w with) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	maps.Copy(req.Header, w.header)
	return client.Transport.RoundTrip(req)
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// said is an attribute as text.
func said(s *tracepb.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			switch v := a.Value.Value.(type) {
			case *commonpb.AnyValue_StringValue:
				return v.StringValue
			case *commonpb.AnyValue_IntValue:
				return fmt.Sprint(v.IntValue)
			}
		}
	}
	return ""
}

// linked reports whether a span has exactly one link, to that trace and span.
func linked(s *tracepb.Span, traceID, spanID []byte) bool {
	return len(s.Links) == 1 && bytes.Equal(s.Links[0].TraceId, traceID) && bytes.Equal(s.Links[0].SpanId, spanID)
}

// spanNames are all that spans may be called.
var spanNames = regexp.MustCompile(`^(((snap|jokul|faspay|issuer) [a-z_-]+)|((snap|jokul|faspay) notification)|issuer (code|prompt)|page (GET|POST|_OTHER)|view|update|GET|POST)$`)

// Traces of a sandbox: what a call took its time with, which attempts to notify followed
// from it, and nothing that a caller wrote or keeps secret.
func TestTraces(t *testing.T) {
	t.Parallel()
	to, lines := newCollector(t), &safeBuffer{}
	a, err := app.StartSandbox(t.Context(), app.Config{
		Installation: installed(home(t)), Addr: "127.0.0.1:0", PINCost: cheapPIN, Log: slog.New(slog.NewJSONHandler(lines, nil)),
		Traces: app.Traces{Endpoint: to.server.URL + "/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped := sync.OnceFunc(func() { stop(t, a) })
	defer stopped()
	c := control{t, a.BaseURL}
	m := c.seededMerchant()
	const phone, pin = "081300000017", "739154"
	const reference, invoice, customer = "TRACED-1", "TRACED-PUSH", "customer-of-shop"
	c.call("POST", "/wallets", map[string]any{"phone": phone, "pin": pin, "cash": 1_000_000}, 201, nil)
	shop := newReceiver(t, c, m)
	heard := &safeBuffer{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(heard, r.URL.Path, r.Header.Get("Traceparent"), r.Header.Get("Tracestate"), r.Header.Get("Baggage"))
		shop.server.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	c.call("PATCH", "/merchants/"+m.ID, map[string]any{"doku": map[string]any{"snap": map[string]string{
		"token_url": front.URL + "/token?key=notify-secret", "notification_url": front.URL + "/notify",
	}}}, 200, nil)

	const callersTrace, callersSpan = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	traced := &http.Client{Transport: with{http.Header{
		"Traceparent": {"00-" + callersTrace + "-" + callersSpan + "-00"}, "Tracestate": {"shop=callers-own-state"}, "Baggage": {"who=callers-own-baggage"},
	}}}
	s := c.snapClient(m, func(c *ovo.SNAPConfig) { c.HTTPClient = traced })
	token := c.bind(s, phone, customer)
	if _, err := s.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: 1_000}); err != nil {
		t.Fatal(err)
	}
	wait(t, "a notification", shop.payments)
	if _, err := s.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference + "-2", Type: ovo.Recurring, Amount: 999_999_999}); err == nil {
		t.Error("too much was paid")
	}
	forger := m
	forger.DOKU.SecretKey += "x"
	c.snapClient(forger).Status(t.Context(), ovo.StatusQuery{Reference: reference})
	// A payment that its customer confirms on a page, as browsers do.
	sale, err := s.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference + "-SALE", Amount: 2_000, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/no"})
	if err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get(t, browser, sale.RedirectURL, nil)
	code := c.wallet(phone).OTPs[0].Code
	form(t, browser, sale.RedirectURL, url.Values{"action": {"otp"}, "code": {code}})
	if to := form(t, browser, sale.RedirectURL, url.Values{"action": {"pin"}, "pin": {pin}}).Header.Get("Location"); to != "https://shop.test/ok" {
		t.Fatalf("the browser was sent to %q", to)
	}
	wait(t, "a notification", shop.payments)
	get(t, browser, sale.RedirectURL+"0", nil)
	pushed := make(chan error, 1)
	go func() {
		_, err := c.pushClient(m).Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: invoice, Amount: 5})
		pushed <- err
	}()
	c.call("POST", "/wallets/"+phone+"/prompts/"+c.prompts(phone, 1)[0].ID+"/approve", map[string]any{"pin": pin, "use": "cash"}, 200, nil)
	if err := wait(t, "an answer", pushed); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/direct-debit/nothing-there", "/nothing-there"} {
		req, _ := http.NewRequestWithContext(t.Context(), "MADE-UP", c.base+path, nil)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	payment, confirmed := "", ""
	for _, p := range c.payments() {
		switch p.Reference {
		case reference:
			payment = p.ID
		case reference + "-SALE":
			confirmed = p.ID
		}
	}
	delivered := func(n notification) bool { return n.State == "delivered" }
	done, doneLater := c.notificationOf(payment, delivered), c.notificationOf(confirmed, delivered)
	stopped()

	calls := to.named("snap payment")
	if len(calls) != 3 {
		t.Fatalf("%d spans of payments", len(calls))
	}
	for i, call := range calls {
		if call.Kind != tracepb.Span_SPAN_KIND_SERVER || len(call.ParentSpanId) > 0 || hex.EncodeToString(call.TraceId) == callersTrace || call.TraceState != "" ||
			!linked(call, unhex(t, callersTrace), unhex(t, callersSpan)) {
			t.Errorf("payment %d is %v", i, call)
		}
		below := to.children(call)
		if below["update"] == 0 || below["GET"]+below["POST"] > 0 {
			t.Errorf("below payment %d are %v", i, below)
		}
		if traceID := hex.EncodeToString(call.TraceId); !regexp.MustCompile(`"msg":"call".*"call":"` + said(call, "gerbang.call") + `","trace_id":"` + traceID + `"`).MatchString(lines.String()) {
			t.Errorf("the log does not name the trace %s of payment %d", traceID, i)
		}
	}
	for key, want := range map[string]string{
		"http.request.method": "POST", "http.response.status_code": "200", "gerbang.dialect": "snap", "gerbang.operation": "payment", "gerbang.code": "2005400",
		"gerbang.result": "done", "gerbang.merchant": m.ID, "gerbang.payment": payment, "gerbang.notification": done.ID,
	} {
		if got := said(calls[0], key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := said(calls[1], "gerbang.result"); got != "refused" || calls[1].Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("a refusal is %q, %v", got, calls[1].Status)
	}
	for _, update := range to.named("update") {
		if runs := said(update, "gerbang.runs"); runs == "" || runs == "0" || said(update, "db.system.name") == "" || len(update.ParentSpanId) == 0 {
			t.Errorf("a transaction is %v", update)
		}
	}
	if status := to.named("snap status"); len(status) != 1 || said(status[0], "gerbang.result") != "invalid" {
		t.Errorf("the forged call is %v", status)
	}
	if unknown := to.named("snap unknown"); len(unknown) != 1 || said(unknown[0], "http.request.method") != "_OTHER" {
		t.Errorf("a call of nothing is %v", unknown)
	}
	if pushes := to.named("jokul push"); len(pushes) != 1 || said(pushes[0], "gerbang.code") != "00" || to.children(pushes[0])["update"] == 0 {
		t.Errorf("the push is %v", pushes)
	}

	attempts := to.named("snap notification")
	at := slices.IndexFunc(attempts, func(s *tracepb.Span) bool { return said(s, "gerbang.notification") == done.ID })
	if at < 0 {
		t.Fatalf("no attempt to notify among %v", attempts)
	}
	attempt := attempts[at]
	below := to.children(attempt)
	if len(attempt.ParentSpanId) > 0 || !linked(attempt, calls[0].TraceId, calls[0].SpanId) || below["POST"] == 0 || below["update"] == 0 ||
		said(attempt, "gerbang.outcome") != "delivered" || said(attempt, "gerbang.attempt") != "1" || said(attempt, "gerbang.merchant") != m.ID {
		t.Errorf("the attempt is %v, with %v below", attempt, below)
	}
	shown, steps := to.named("page GET"), to.named("page POST")
	if len(shown) != 2 || said(shown[0], "http.response.status_code") != "200" || said(shown[1], "http.response.status_code") != "404" || to.children(shown[0])["update"] == 0 {
		t.Errorf("the page was shown in %v", shown)
	}
	if len(steps) != 2 || said(steps[1], "gerbang.payment") != confirmed || said(steps[1], "gerbang.notification") != doneLater.ID || said(steps[0], "gerbang.payment") != "" {
		t.Fatalf("the page's steps are %v", steps)
	}
	at = slices.IndexFunc(attempts, func(s *tracepb.Span) bool { return said(s, "gerbang.notification") == doneLater.ID })
	if at < 0 || !linked(attempts[at], steps[1].TraceId, steps[1].SpanId) {
		t.Errorf("no attempt to notify is linked to the page: %v", attempts)
	}
	for _, request := range to.named("POST") {
		if request.Kind != tracepb.Span_SPAN_KIND_CLIENT || said(request, "server.address") != "127.0.0.1" || said(request, "http.response.status_code") != "200" {
			t.Errorf("a request is %v", request)
		}
	}
	if got := heard.String(); !strings.Contains(got, "/token") || !strings.Contains(got, "/notify") || strings.Contains(got, "00-") {
		t.Errorf("the merchant was sent\n%s", got)
	}

	for _, s := range to.spans {
		if !spanNames.MatchString(s.Name) {
			t.Errorf("a span is called %q", s.Name)
		}
	}
	secrets := []string{
		code, path.Base(sale.RedirectURL), phone, phone[1:], pin, token, m.DOKU.SecretKey, m.DOKU.ClientID, reference, invoice, customer, "callers-own", "nothing-there", "MADE-UP", "notify-secret", "/token", "shop.test", "Bearer",
	}
	if !to.got(m.ID) || !to.got("push") {
		t.Error("what was sent cannot be searched")
	}
	for pem := range strings.Lines(m.DOKU.PrivateKeyPEM) {
		if pem = strings.TrimSpace(pem); len(pem) > 20 {
			secrets = append(secrets, pem)
		}
	}
	for _, secret := range secrets {
		if to.got(secret) {
			t.Errorf("%q was sent to the collector", secret)
		}
	}
}

// Those who may be slow are no part of a payment: while a collector takes a request and
// does not answer, payments are answered, and a stop waits for it only so long.
func TestTracesToACollectorThatHangs(t *testing.T) {
	t.Parallel()
	asked, release, lines := make(chan struct{}, 100), make(chan struct{}), &safeBuffer{}
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		select {
		case <-r.Context().Done(): // it was given up
		case <-release:
		}
	}))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(release) })
	a, err := app.StartSandbox(t.Context(), app.Config{
		Installation: installed(home(t)), Addr: "127.0.0.1:0", PINCost: cheapPIN, Log: slog.New(slog.NewJSONHandler(lines, nil)), Traces: app.Traces{Endpoint: hanging.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := control{t, a.BaseURL}
	c.newWallet(storyPhone, 100_000)
	s := c.snapClient(c.seededMerchant())
	token := c.bind(s, storyPhone, "c")
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		app.FlushTraces(a)
	}()
	wait(t, "a request to the collector", asked)
	for i := range 3 {
		if _, err := s.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: fmt.Sprint("H-", i), Type: ovo.Recurring, Amount: 1_000}); err != nil {
			t.Error(err)
		}
	}
	select {
	case <-flushed:
		t.Error("the collector was not held: the test says nothing")
	default:
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop(t, a)
	}()
	wait(t, "the end", stopped)
	if log := lines.String(); !strings.Contains(log, "the collector does not take traces") || strings.Contains(log, "not ended properly") {
		t.Errorf("what was on its way was not broken off:\n%s", log)
	}
	wait(t, "the end of the flush", flushed)
}

// A collector that refuses or is away has one line in the log; and when it is back, it
// gets what comes.
func TestTracesToACollectorThatRefuses(t *testing.T) {
	t.Parallel()
	to, lines := newCollector(t), &safeBuffer{}
	var refused, working atomic.Int64
	moody := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case working.Load() > 0:
			to.ServeHTTP(w, r)
		case refused.Add(1)%2 == 0:
			http.Error(w, strings.Repeat("no ", 1000), http.StatusBadRequest)
		default: // it dies
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
		}
	}))
	t.Cleanup(moody.Close)
	a, err := app.StartSandbox(t.Context(), app.Config{
		Installation: installed(home(t)), Addr: "127.0.0.1:0", PINCost: cheapPIN, Log: slog.New(slog.NewJSONHandler(lines, nil)), Traces: app.Traces{Endpoint: moody.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped := sync.OnceFunc(func() { stop(t, a) })
	defer stopped()
	c := control{t, a.BaseURL}
	c.newWallet(storyPhone, 100_000)
	s := c.snapClient(c.seededMerchant())
	token := c.bind(s, storyPhone, "c")
	pay := func(reference string) {
		t.Helper()
		if _, err := s.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: 1_000}); err != nil {
			t.Error(err)
		}
		app.FlushTraces(a)
	}
	for i := range 4 {
		pay(fmt.Sprint("R-", i))
	}
	working.Store(1)
	pay("R-works")
	stopped()
	if refused.Load() < 4 || len(to.named("snap payment")) == 0 {
		t.Errorf("%d requests were refused, and then came %d payments", refused.Load(), len(to.named("snap payment")))
	}
	var told []string
	for line := range strings.Lines(lines.String()) {
		if strings.Contains(line, "collector") {
			told = append(told, line)
		}
	}
	if len(told) != 1 || len(told[0]) > 1000 || !strings.Contains(told[0], `"level":"WARN"`) || !strings.Contains(told[0], `"lost_spans":`) {
		t.Errorf("the log has %d lines:\n%s", len(told), told)
	}
}

// The issuer is told of the trace in which it is asked, and its calls have spans.
func TestTracesWithIssuer(t *testing.T) {
	t.Parallel()
	to, w, heard := newCollector(t), newWalletApp(t), make(chan http.Header, 10)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		heard <- r.Header.Clone()
		w.take(rw, r)
	}))
	t.Cleanup(front.Close)
	c := serving(t)
	c.Issuer.URL, c.Traces = front.URL+"/take-messages", app.Traces{Endpoint: to.server.URL}
	a, err := app.Serve(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	stopped := sync.OnceFunc(func() { stop(t, a) })
	defer stopped()
	w.base = "http://" + a.Listening.Issuer
	const phone, pin, invoice = "081298765499", "918273", "TRACED-PROMPT"
	w.call("POST", "/wallets", map[string]any{"phone": phone, "name": "Rina", "pin": pin}, 201, "open-1")
	w.call("POST", "/wallets/"+phone+"/topup", map[string]any{"cash": 10_000}, 200, "top-up-1")
	m := gateway.Merchant{Name: "Toko Nyata", DOKU: gateway.DOKU{ClientID: "BRN-9", SecretKey: gateway.NewSecretKey()}}
	if _, err := a.Gateway.CreateMerchant(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	terminal, err := ovo.Push(ovo.PushConfig{BaseURL: "http://" + a.Listening.API, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	paid := make(chan error, 1)
	go func() {
		_, err := terminal.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: invoice, Amount: 5_000})
		paid <- err
	}()
	prompt := w.next()
	header := wait(t, "a prompt", heard)
	w.call("POST", "/wallets/"+phone+"/prompts/"+prompt.Data.ID+"/approve", map[string]any{"pin": pin}, 200, "approve-1")
	if err := wait(t, "an answer", paid); err != nil {
		t.Error(err)
	}
	stopped()

	pushes, prompts, requests := to.named("jokul push"), to.named("issuer prompt"), to.named("POST")
	if len(pushes) != 1 || len(prompts) != 1 || len(requests) != 1 {
		t.Fatalf("%d pushes, %d prompts, %d requests", len(pushes), len(prompts), len(requests))
	}
	if !linked(prompts[0], pushes[0].TraceId, pushes[0].SpanId) || said(prompts[0], "gerbang.outcome") != "delivered" || to.children(prompts[0])["POST"] != 1 {
		t.Errorf("the prompt is %v", prompts[0])
	}
	if want := fmt.Sprintf("00-%x-%x-01", requests[0].TraceId, requests[0].SpanId); header.Get("Traceparent") != want || header.Get("Tracestate") != "" {
		t.Errorf("the issuer was told %v, want %s", header, want)
	}
	if approve := to.named("issuer approve"); len(approve) != 1 || said(approve[0], "gerbang.payment") != prompt.Data.ID || said(approve[0], "gerbang.id") != "approve-1" {
		t.Errorf("the issuer's call is %v", approve)
	}
	for _, secret := range []string{phone, pin, invoice, issuerSecret, m.DOKU.SecretKey, "/take-messages", "Rina", "Toko Nyata"} {
		if to.got(secret) {
			t.Errorf("%q was sent to the collector", secret)
		}
	}
}

// What OpenTelemetry's variables cannot mean is found before the start, unless nothing
// is sent.
func TestTraceSettings(t *testing.T) {
	t.Parallel()
	notPEM := filepath.Join(t.TempDir(), "certificate")
	if err := os.WriteFile(notPEM, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, one := range []struct {
		flag string
		env  map[string]string
		want string // the settings found
	}{
		{"http://127.0.0.1:4318", nil, ""},
		{"https://collector.example.id/otlp/", nil, ""},
		{"127.0.0.1:4318", nil, "otlp-endpoint"},
		{"grpc://127.0.0.1:4317", nil, "otlp-endpoint"},
		{"https://user:word@collector.example.id", nil, "otlp-endpoint"},
		{"https://collector.example.id/?token=x", nil, "otlp-endpoint"},
		{"http://collector.internal:4318", nil, ""},
		{"http://collector.internal:4318", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=x"}, "otlp-endpoint"},
		{"", map[string]string{endpoint: "collector"}, endpoint},
		{"", map[string]string{endpoint: "collector", "OTEL_SDK_DISABLED": "true"}, ""},
		{"", map[string]string{endpoint: "collector", "OTEL_TRACES_EXPORTER": "none"}, ""},
		{"", map[string]string{endpoint: "collector", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1/take"}, ""},
		{"", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http:///take"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		{"", map[string]string{"OTEL_TRACES_SAMPLER": "some", "OTEL_BSP_MAX_QUEUE_SIZE": "many"}, ""}, // nothing is sent
		{"", map[string]string{
			endpoint: "http://127.0.0.1:4318", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.05", "OTEL_TRACES_EXPORTER": "otlp",
			"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%2Cb, x = y ,", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=live", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
			"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
		}, ""},
		{"http://127.0.0.1:4318", map[string]string{"OTEL_TRACES_SAMPLER": "some"}, "OTEL_TRACES_SAMPLER"},
		{"http://127.0.0.1:4318", map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "5%"}, "OTEL_TRACES_SAMPLER_ARG"},
		{"http://127.0.0.1:4318", map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "NaN"}, "OTEL_TRACES_SAMPLER_ARG"},
		{"http://127.0.0.1:4318", map[string]string{"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_TRACES_EXPORTER OTEL_EXPORTER_OTLP_PROTOCOL"},
		{"http://127.0.0.1:4318", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "brotli"}, "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"},
		{"http://127.0.0.1:4318", map[string]string{"OTEL_EXPORTER_OTLP_TIMEOUT": "10s", "OTEL_BSP_MAX_QUEUE_SIZE": "1000000000"}, "OTEL_EXPORTER_OTLP_TIMEOUT OTEL_BSP_MAX_QUEUE_SIZE"},
		{"http://127.0.0.1:4318", map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "Authorization: x", "OTEL_RESOURCE_ATTRIBUTES": "a=%zz"}, "OTEL_EXPORTER_OTLP_HEADERS OTEL_RESOURCE_ATTRIBUTES"},
		{"https://127.0.0.1:4318", map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": notPEM}, "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		{"https://127.0.0.1:4318", map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": notPEM + ".none"}, "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		{"https://127.0.0.1:4318", map[string]string{"OTEL_EXPORTER_OTLP_CLIENT_KEY": notPEM}, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"},
		{"http://127.0.0.1:4318", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": notPEM}, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"},
	} {
		c := serving(t)
		c.Traces = app.Traces{Endpoint: one.flag, Getenv: func(name string) string { return one.env[name] }}
		var found []string
		problems := c.Check()
		for _, p := range problems {
			found = append(found, p.Setting)
			if p.Problem == "" || p.Cure == "" || strings.Contains(problems.Error(), "--OTEL") {
				t.Errorf("%+v", p)
			}
		}
		if got := strings.Join(found, " "); got != one.want {
			t.Errorf("%s %v: found %q, want %q", one.flag, one.env, got, one.want)
		}
		if _, err := app.StartSandbox(t.Context(), app.Config{Installation: installed(home(t)), Traces: c.Traces, Addr: "nowhere"}); (one.want != "") != errors.As(err, new(app.Problems)) {
			t.Errorf("%s %v: a sandbox says %v", one.flag, one.env, err)
		}
	}
}

// A payment with its notification, without traces and with all of them.
func BenchmarkTraces(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprintf("on=%v", on), func(b *testing.B) {
			taker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
			defer taker.Close()
			config := app.Config{Installation: installed(home(b)), Addr: "127.0.0.1:0", PINCost: cheapPIN, NoLog: true}
			if on {
				config.Traces.Endpoint = taker.URL
			}
			a, err := app.StartSandbox(b.Context(), config)
			if err != nil {
				b.Fatal(err)
			}
			defer stop(b, a)
			c := control{b, a.BaseURL}
			c.newWallet(storyPhone, 1_000_000_000)
			s := c.snapClient(c.seededMerchant())
			token := c.bind(s, storyPhone, "c")
			b.ReportAllocs()
			number := 0
			for b.Loop() {
				number++
				if _, err := s.Pay(b.Context(), ovo.PayRequest{CustomerToken: token, Reference: fmt.Sprint("B-", number), Type: ovo.Recurring, Amount: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
