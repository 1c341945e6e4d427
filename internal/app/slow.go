package app

import (
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// writeTimeout is how long a caller may take none of its answer.
const writeTimeout = 10 * time.Second

// patient breaks an answer off when its caller takes none of it for some time: a
// handler that waits to write may hold a snapshot of the database, and always holds a
// connection. It does not bound how long a handler takes.
func patient(next http.Handler, wait time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patientWriter{w, http.NewResponseController(w), wait, r.ProtoMajor > 1}
		if !p.shared {
			p.renew() // a handler may write nothing, and an earlier call's time is over
		}
		next.ServeHTTP(p, r)
	})
}

type patientWriter struct {
	http.ResponseWriter
	connection *http.ResponseController
	wait       time.Duration
	// shared is a connection of several calls, on which a deadline ends a call that
	// merely has nothing to say for a while.
	shared bool
}

// Unwrap is for http.ResponseController.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *patientWriter) renew() {
	_ = w.connection.SetWriteDeadline(gateway.SystemClock{}.Now().Add(w.wait)) // what has no deadline needs none
}

func (w *patientWriter) WriteHeader(status int) {
	if !w.shared {
		w.renew()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *patientWriter) Write(p []byte) (int, error) {
	w.renew()
	n, err := w.ResponseWriter.Write(p)
	if w.shared {
		_ = w.connection.SetWriteDeadline(time.Time{})
	}
	return n, err
}
