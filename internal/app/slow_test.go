package app_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
)

// A handler may take longer than a caller may take none of its answer: before it
// writes, in between, and on a connection that has served before.
func TestSlowHandlersAreNotBrokenOff(t *testing.T) {
	t.Parallel()
	const wait = 50 * time.Millisecond
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-time.After(3 * wait)
		if r.URL.Path == "/silent" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		io.WriteString(w, "one ")
		http.NewResponseController(w).Flush()
		<-time.After(3 * wait)
		io.WriteString(w, "two")
	})
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		server := httptest.NewUnstartedServer(app.Patient(slow, wait))
		server.EnableHTTP2 = protocol == "HTTP/2.0"
		server.StartTLS()
		defer server.Close()
		for _, path := range []string{"/", "/silent", "/"} {
			resp, err := server.Client().Get(server.URL + path)
			if err != nil {
				t.Fatalf("%s %s: %v", protocol, path, err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.Proto != protocol || path == "/" && string(body) != "one two" {
				t.Errorf("%s %s: %q over %s, %v", protocol, path, body, resp.Proto, err)
			}
		}
	}
}

// A caller that takes nothing is let go of, also on a connection that others share.
func TestCallersThatTakeNothing(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		ended := make(chan error, 1)
		endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for chunk := make([]byte, 64<<10); ; {
				if _, err := w.Write(chunk); err != nil {
					ended <- err
					return
				}
			}
		})
		server := httptest.NewUnstartedServer(app.Patient(endless, 100*time.Millisecond))
		server.EnableHTTP2 = shared
		server.StartTLS()
		defer server.Close()
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := wait(t, "the end of the handler", ended); err == nil {
			t.Error("the handler wrote without end")
		}
	}
}
