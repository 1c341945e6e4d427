package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestTracesOfAProcess runs servers with and without a collector in the environment, as
// one is usually named there. Without one, nothing of OpenTelemetry runs; with one, what
// is left is sent before the process ends, with what the collector asks for.
func TestTracesOfAProcess(t *testing.T) {
	t.Parallel()
	const asked, secret = "Api-Key", "what-the-collector-asks-for"
	type taken struct {
		header http.Header
		body   []byte
	}
	sent := make(chan taken, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		sent <- taken{r.Header.Clone(), body}
	}))
	t.Cleanup(collector.Close)
	for _, one := range []struct {
		what  string
		env   []string
		runs  bool
		sends bool
		warns int // lines of a log that nothing else gets into
	}{
		{"nothing", nil, false, false, 0},
		{"variables without an address", []string{"OTEL_SERVICE_NAME=till", "OTEL_TRACES_SAMPLER=nonsense"}, false, false, 0},
		{"an address, switched off", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_SDK_DISABLED=true"}, false, false, 0},
		{"an address", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_SERVICE_NAME=till", "OTEL_EXPORTER_OTLP_HEADERS=" + asked + "=" + secret}, true, true, 0},
		{"our own variable, and no call in a thousand million", []string{
			"GERBANG_OTLP_ENDPOINT=" + collector.URL, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9", "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.000000001",
		}, true, false, 0},
		{"an address where nobody is", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_HEADERS=" + asked + "=" + secret, "OTEL_BSP_SCHEDULE_DELAY=1"}, true, true, 1},
	} {
		t.Run(one.what, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) string {
				name = filepath.Join(dir, name)
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return name
			}
			ready := filepath.Join(dir, "ready")
			cmd := exec.Command("gerbang", "serve", "--data", filepath.Join(dir, "data"), "--ready-file", ready, "--base-url", "https://pay.example.id",
				"--master-key-file", write("key", strings.Repeat("0123456789abcdef", 4)), "--api-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0",
				"--issuer-url", "http://127.0.0.1:9", "--issuer-secret-file", write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"))
			cmd.Env = append(os.Environ(), one.env...)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			t.Cleanup(func() { cmd.Process.Kill() })
			var serves serveReady
			poll(t, "the ready file", func() bool {
				text, err := os.ReadFile(ready)
				return err == nil && json.Unmarshal(text, &serves) == nil
			})
			resp, err := http.Post("http://"+serves.Listening.API+"/authorization/v1/access-token/b2b", "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			resp, err = http.Get("http://" + serves.Listening.Admin + "/debug/pprof/goroutine?debug=2")
			if err != nil {
				t.Fatal(err)
			}
			running, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !strings.Contains(string(running), "notify.(*Worker)") || strings.Contains(string(running), "opentelemetry") != one.runs {
				t.Errorf("of OpenTelemetry runs %v, want %v (%v)\n%s", !one.runs, one.runs, err, running)
			}
			cmd.Process.Signal(syscall.SIGTERM)
			if err := <-ended; err != nil {
				t.Errorf("it ended with %v", err)
			}
			if log := errs.String(); strings.Contains(log, secret) || strings.Count(log, "collector") != one.warns || !strings.Contains(log, `"operation":"token"`) ||
				strings.Contains(log, `"trace_id"`) != one.sends {
				t.Errorf("it said\n%s", log)
			}
			for line := range strings.Lines(errs.String()) {
				if !json.Valid([]byte(line)) {
					t.Errorf("somebody else said %s", line)
				}
			}
			if !one.sends || one.warns > 0 {
				if len(sent) > 0 {
					t.Error("something was sent")
				}
				return
			}
			if len(sent) != 1 {
				t.Fatalf("%d requests to the collector", len(sent))
			}
			got := <-sent
			if got.header.Get(asked) != secret || !bytes.Contains(got.body, []byte("till")) || !bytes.Contains(got.body, []byte("snap token")) ||
				bytes.Contains(got.body, []byte(dir)) || bytes.Contains(got.body, []byte("master-key")) {
				t.Errorf("sent %v\n%q", got.header, got.body)
			}
		})
	}
}
