package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/ovo"
)

// scrape reads /metrics: the values by series, and by name the labels with their values.
func (c control) scrape() (values map[string]float64, labels map[string]map[string][]string, text string) {
	c.t.Helper()
	resp, err := client.Get(c.base + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("HTTP %d, %v: %s", resp.StatusCode, err, body)
	}
	values, labels = map[string]float64{}, map[string]map[string][]string{}
	series := regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? (\S+)$`)
	pair := regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
	for _, m := range series.FindAllStringSubmatch(string(body), -1) {
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			c.t.Fatalf("%s: %v", m[0], err)
		}
		values[strings.TrimSuffix(m[0], " "+m[3])] = v
		name := family(m[1])
		if labels[name] == nil {
			labels[name] = map[string][]string{}
		}
		for _, l := range pair.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels[name][l[1]], l[2]) {
				labels[name][l[1]] = append(labels[name][l[1]], l[2])
			}
		}
	}
	return values, labels, string(body)
}

// scrapeUntil scrapes until the series have the values. A call is counted when its
// caller may already have the answer.
func (c control) scrapeUntil(want map[string]float64) (values map[string]float64, labels map[string]map[string][]string) {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		values, labels, text := c.scrape()
		wrong := ""
		for series, value := range want {
			if got, there := values[series]; !there || got != value {
				wrong += fmt.Sprintf("%s is %v, want %v\n", series, got, value)
			}
		}
		if wrong == "" {
			return values, labels
		}
		if time.Now().After(deadline) {
			c.t.Fatal(wrong, text)
		}
	}
}

// family is the metric that a series belongs to.
func family(series string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if name, ok := strings.CutSuffix(series, suffix); ok {
			return name
		}
	}
	return series
}

// labelValues are all values that labels may have.
var labelValues = map[string]*regexp.Regexp{
	"dialect":    regexp.MustCompile(`^(snap|jokul|faspay)$`),
	"operation":  regexp.MustCompile(`^(token|customer-token|tokens|binding|balance|payment|recurring|push|void|status|refund|unbinding|activation|topup|history|unlink|inquiry|cancel|wallets?|open|limits|pin|number|prompts|approve|decline|payments|unknown)$`),
	"result":     regexp.MustCompile(`^(done|refused|invalid|pending|fault)$`),
	"code":       regexp.MustCompile(`^([0-9]{7}|[0-9]{2}|ER|EB|TO|BR|-|[a-z_]*)$`),
	"outcome":    regexp.MustCompile(`^(delivered|retry|failed|undeliverable)$`),
	"kind":       regexp.MustCompile(`^(code|prompt)$`),
	"check":      regexp.MustCompile(`^(serving|database|writes|schema|clock|notifier)$`),
	"invariant":  regexp.MustCompile(`^I[0-9]{2}$`),
	"reason":     regexp.MustCompile(`^(overtaken|ungrouped)$`),
	"state":      regexp.MustCompile(`^(open|busy)$`),
	"le":         regexp.MustCompile(`^([0-9.e+-]+|\+Inf)$`),
	"version":    regexp.MustCompile(`^$`),
	"go_version": regexp.MustCompile(`^go`),
	"os":         regexp.MustCompile(`^[a-z]+$`),
	"arch":       regexp.MustCompile(`^[a-z0-9]+$`),
}

// TestMetrics plays calls of every kind and scrapes: the counts must be right, the
// labels small, and documentation, alerts and dashboard must name what is there.
func TestMetrics(t *testing.T) {
	t.Parallel()
	a := start(t, home(t))
	defer stop(t, a)
	c := control{t, a.BaseURL}
	m := c.seededMerchant()
	c.newWallet(storyPhone, 100_000)
	shop := newReceiver(t, c, m)

	snap := &snapTeller{c: c, client: c.snapClient(m)}
	step(t, "bind through SNAP", snap.bind(storyPhone, "cust"), "ok")
	step(t, "pay", snap.pay("S-1", 1_000, false), "ok")
	step(t, "pay", snap.pay("S-2", 1_000, false), "ok")
	step(t, "pay too much", snap.pay("S-3", 900_000, false), "no")
	wait(t, "a notification", shop.payments)
	wait(t, "a notification", shop.payments)
	forger := m
	forger.DOKU.SecretKey += "x"
	c.snapClient(forger).Status(t.Context(), ovo.StatusQuery{Reference: "S-1"})
	c.jokulClient(forger).Status(t.Context(), "S-1")
	pushed := make(chan string, 1)
	go func() {
		_, err := c.pushClient(m).Pay(context.Background(), ovo.PushRequest{Phone: storyPhone, Invoice: "P-1", Amount: 5})
		pushed <- outcome(err)
	}()
	prompt := c.prompts(storyPhone, 1)[0]
	c.scrapeUntil(map[string]float64{"gerbang_waiting_pushes": 1})
	c.call("POST", "/wallets/"+storyPhone+"/prompts/"+prompt.ID+"/decline", nil, 200, nil)
	if got := wait(t, "an answer", pushed); got != "17" {
		t.Errorf("the push was answered %s", got)
	}
	k := c.tokenizer(faspay.XML)
	if answer, err := k.pay("081599999999", "B-1", 10, faspay.PayCash); err != nil || answer.ResponseCode == faspay.CodeSuccess {
		t.Error(answer, err)
	}
	for i := range 20 { // what callers make up must make no series
		for _, path := range []string{"/direct-debit/", "/ovo-open-api/", faspay.DefaultPaths().Path(faspay.ServicePayment, faspay.JSON) + "/"} {
			resp, err := client.Post(fmt.Sprintf("%s%sx%d", c.base, path, i), "text/plain", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}

	values, labels := c.scrapeUntil(map[string]float64{
		`gerbang_requests_total{code="2005400",dialect="snap",operation="payment",result="done"}`:              2,
		`gerbang_requests_total{code="4035414",dialect="snap",operation="payment",result="refused"}`:           1,
		`gerbang_requests_total{code="4015500",dialect="snap",operation="status",result="invalid"}`:            1,
		`gerbang_requests_total{code="invalid_signature",dialect="jokul",operation="status",result="invalid"}`: 1,
		`gerbang_requests_total{code="17",dialect="jokul",operation="push",result="refused"}`:                  1,
		`gerbang_requests_total{code="01",dialect="faspay",operation="payment",result="refused"}`:              1,
		`gerbang_requests_total{code="4040000",dialect="snap",operation="unknown",result="invalid"}`:           20,
		`gerbang_requests_total{code="not_found",dialect="jokul",operation="unknown",result="invalid"}`:        20,
		`gerbang_request_duration_seconds_count{dialect="snap",operation="payment"}`:                           3,
		`gerbang_delivery_attempts_total{dialect="snap",outcome="delivered"}`:                                  3, // the binding's too
		`gerbang_delivery_attempts_total{dialect="faspay",outcome="failed"}`:                                   0,
		`gerbang_waiting_pushes`:                                                 0,
		`gerbang_ready{check="writes"}`:                                          1,
		`gerbang_ledger_broken{invariant="I02"}`:                                 0,
		`gerbang_issuer_messages_total{kind="code",outcome="retry"}`:             0,
		`gerbang_issuer_requests_total{code="",operation="topup",result="done"}`: 0,
		`gerbang_store_exhausted_total`:                                          0,
	})
	if values["gerbang_store_commit_updates_sum"] < 10 {
		t.Errorf("%v updates were committed", values["gerbang_store_commit_updates_sum"])
	}
	for name, of := range labels {
		for label, list := range of {
			for _, value := range list {
				if strings.HasPrefix(name, "gerbang_") && (labelValues[label] == nil || !labelValues[label].MatchString(value)) {
					t.Errorf("%s has %s=%q", name, label, value)
				}
			}
		}
	}

	there := slices.DeleteFunc(slices.Sorted(maps.Keys(labels)), func(name string) bool { return !strings.HasPrefix(name, "gerbang_") })
	if documented := named(t, "../../docs/operating/observe.md", "(?m)^\\| `(gerbang_[a-z_]+)`"); !slices.Equal(documented, there) {
		t.Errorf("documented %v\nserved     %v", documented, there)
	}
	for _, file := range []string{"../../deploy/prometheus/alerts.yml", "../../deploy/grafana/gerbang.json"} {
		for _, series := range named(t, file, `\b(gerbang_[a-z_]+)`) {
			if !slices.Contains(there, family(series)) {
				t.Errorf("%s names %s, which is not served", file, series)
			}
		}
	}
	if alerts, explained := named(t, "../../deploy/prometheus/alerts.yml", `alert: (\w+)`), named(t, "../../docs/operating/observe.md", "(?m)^\\| `(Gerbang\\w+)`"); !slices.Equal(alerts, explained) {
		t.Errorf("alerts %v\nexplained %v", alerts, explained)
	}
}

// The issuer's calls are counted and logged too, each with what it changed, and nothing
// that was refused for its signature says who sent it.
func TestIssuerCallsAreAccountedFor(t *testing.T) {
	t.Parallel()
	w := newWalletApp(t)
	c, lines := serving(t), &safeBuffer{}
	c.Issuer.URL, c.Log = w.url, slog.New(slog.NewJSONHandler(lines, nil))
	a, err := app.Serve(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	stopped := sync.OnceFunc(func() { stop(t, a) })
	defer stopped()
	w.base = "http://" + a.Listening.Issuer
	const phone, pin = "081298765432", "918273"
	w.call("POST", "/wallets", map[string]any{"phone": phone, "name": "Rina", "pin": pin}, 201, "open-1")
	for range 2 {
		w.call("POST", "/wallets/"+phone+"/topup", map[string]any{"cash": 10_000}, 200, "top-up-1")
	}
	w.call("POST", "/wallets/"+phone+"/topup", map[string]any{"cash": 9}, 409, "top-up-1")
	w.call("GET", "/wallets/081200000000", nil, 404)
	for i := range 20 {
		w.call("GET", fmt.Sprint("/x", i), nil, 404)
	}
	forger := &walletApp{t: t, base: w.base, secrets: issuer.Secrets{[]byte("another secret of twenty-four bytes")}}
	forger.call("POST", "/wallets/"+phone+"/topup", map[string]any{"cash": 1}, 401, "forged-1")

	m, err := a.Gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Toko Nyata"})
	if err != nil {
		t.Fatal(err)
	}
	push, err := a.Gateway.StartPush(t.Context(), gateway.StartPush{
		Merchant: m.ID, Dialect: "jokul", Phone: phone, Reference: "P-1", Amount: 5_000, Proof: "P-1", Fingerprint: "P-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	approve := "/wallets/" + phone + "/prompts/" + string(push.Payment.ID) + "/approve"
	for range 2 { // the repeat of a refusal is one as well
		w.call("POST", approve, map[string]any{"pin": "000000"}, 409, "approve-1")
	}
	w.call("POST", approve, map[string]any{"pin": pin}, 200, "approve-2")

	_, labels := control{t, "http://" + a.Listening.Admin}.scrapeUntil(map[string]float64{
		`gerbang_issuer_requests_total{code="",operation="open",result="done"}`:                1,
		`gerbang_issuer_requests_total{code="",operation="topup",result="done"}`:               2,
		`gerbang_issuer_requests_total{code="409",operation="topup",result="invalid"}`:         1,
		`gerbang_issuer_requests_total{code="401",operation="topup",result="invalid"}`:         1,
		`gerbang_issuer_requests_total{code="404",operation="unknown",result="invalid"}`:       20,
		`gerbang_issuer_requests_total{code="wrong PIN",operation="approve",result="refused"}`: 2,
		`gerbang_issuer_requests_total{code="",operation="approve",result="done"}`:             1,
		`gerbang_issuer_request_duration_seconds_count{operation="approve"}`:                   3,
	})
	codes := []string{"", "401", "404", "409"}
	for _, code := range gateway.Codes() {
		codes = append(codes, code.String())
	}
	for _, code := range labels["gerbang_issuer_requests_total"]["code"] {
		if !slices.Contains(codes, code) {
			t.Errorf("the code %q", code)
		}
	}
	for _, operation := range labels["gerbang_issuer_requests_total"]["operation"] {
		if !labelValues["operation"].MatchString(operation) {
			t.Errorf("the operation %q", operation)
		}
	}

	stopped()
	log := lines.String()
	for _, line := range []string{
		`"msg":"issuer call","operation":"topup","id":"top-up-1","status":200,"code":"","result":"done"`,
		`"msg":"issuer call","operation":"topup","id":"","status":401,"code":"401","result":"invalid"`,
		`"msg":"issuer call","operation":"approve","id":"approve-1","status":409,"code":"wrong PIN","result":"refused"`,
	} {
		if !strings.Contains(log, line) {
			t.Errorf("the log lacks %s", line)
		}
	}
	approved := regexp.MustCompile(`"id":"approve-2",.*"payment":"` + string(push.Payment.ID) + `".*"call":"[A-Z0-9]+"`)
	if !approved.MatchString(log) || strings.Contains(log, pin) || strings.Contains(log, phone) || strings.Contains(log, "forged-1") {
		t.Errorf("the log is\n%s", log)
	}
}

// named is what a file names, once each.
func named(t *testing.T, file, expression string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
	}
	if len(names) == 0 {
		t.Errorf("%s names nothing like %s", file, expression)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A process that cannot do its work must say so, and why.
func TestReadiness(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	get := func() (int, string) {
		resp, err := client.Get(c.base + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	db := book(t, dir)
	if _, err := db.Exec(`DELETE FROM schema_migration WHERE version = 1`); err != nil {
		t.Fatal(err)
	}
	if status, text := get(); status != http.StatusServiceUnavailable || text != "not ready\nschema: the database lacks a migration of this build\n" {
		t.Errorf("without a migration: %d %q", status, text)
	}
	values, _, _ := c.scrape()
	if values[`gerbang_ready{check="schema"}`] != 0 || values[`gerbang_ready{check="database"}`] != 1 {
		t.Error("the figures do not say so")
	}
}
