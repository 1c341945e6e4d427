package bench_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/bench"
)

// start makes a world with some history and serves it.
func start(t testing.TB, history int) (*bench.World, *app.App) {
	t.Helper()
	i := app.Installation{DataDir: t.TempDir()}
	world, err := app.PrepareBench(t.Context(), i, history, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.StartSandbox(t.Context(), app.Config{Installation: i, Addr: "127.0.0.1:0", NoSeed: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return world, a
}

// Every dialect's payment is one that the server takes, and the book agrees.
func TestEveryDialectPays(t *testing.T) {
	t.Parallel()
	world, a := start(t, 10)
	for _, dialect := range bench.Dialects {
		for _, pattern := range bench.Patterns {
			codes, err := world.PayOnce(t.Context(), a.BaseURL, dialect, pattern)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"", ""}, codes); diff != "" {
				t.Errorf("%s %s: %s", dialect, pattern, diff)
			}
		}
	}
	made, err := a.Gateway.Payments(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	merchants := map[string]bool{}
	for _, p := range made[:len(made)-10] {
		merchants[string(p.MerchantID)] = true
	}
	if want := 10 + 4*len(bench.Dialects); len(made) != want || len(merchants) < 3 {
		t.Errorf("%d payments to %d merchants, want %d to one and to several", len(made), len(merchants), want)
	}
	verdicts, err := a.Gateway.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if !v.OK {
			t.Errorf("%s: %s: %v", v.ID, v.Rule, v.Keys)
		}
	}
}

// A payment that fails is counted under its code, and not as a payment.
func TestErrorsAreCountedByCode(t *testing.T) {
	t.Parallel()
	world, a := start(t, 0)
	if err := a.Gateway.Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	codes, err := world.PayOnce(t.Context(), a.BaseURL, "jokul", "hot")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range codes {
		if code != "invalid_client_id" {
			t.Errorf("an unknown client is counted under %q", code)
		}
	}
	if codes, _ = world.PayOnce(t.Context(), "http://127.0.0.1:1", "jokul", "hot"); !strings.HasPrefix(codes[0], "no answer: ") {
		t.Errorf("no server is counted under %q", codes[0])
	}
	if _, err := world.PayOnce(t.Context(), a.BaseURL, "snap", "hot"); err == nil {
		t.Error("a load began without tokens")
	}
}

func TestNoLoadIsRefused(t *testing.T) {
	t.Parallel()
	world := &bench.World{}
	noCPU := func() (time.Duration, error) { return 0, nil }
	for _, l := range []bench.Load{
		{Dialect: "snap", Pattern: "hot", Duration: time.Second},
		{Dialect: "snap", Pattern: "hot", Clients: 1},
		{Dialect: "none", Pattern: "hot", Clients: 1, Duration: time.Second},
		{Dialect: "snap", Pattern: "none", Clients: 1, Duration: time.Second},
	} {
		if _, err := world.Run(t.Context(), []string{"http://127.0.0.1:1"}, l, noCPU); err == nil {
			t.Errorf("%+v was run", l)
		}
	}
}

// BenchmarkHTTP is a payment from end to end: generator, HTTP and server in one
// process, 64 clients, one merchant. Its CPU profile is that of the whole path.
func BenchmarkHTTP(b *testing.B) {
	for _, dialect := range []string{"snap", "jokul"} {
		b.Run(dialect, func(b *testing.B) {
			world, a := start(b, 0)
			if _, err := world.PayOnce(b.Context(), a.BaseURL, dialect, "hot"); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			failed, err := world.PayTimes(b.Context(), a.BaseURL, dialect, "hot", 64, b.N)
			if err != nil || failed > 0 {
				b.Fatal(failed, err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
		})
	}
}
