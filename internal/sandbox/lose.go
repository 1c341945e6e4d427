package sandbox

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// fate is what a scenario wants to become of the answer to a call.
type fate struct{ lost atomic.Bool }

type fateKey struct{}

// loseAnswer keeps the answer to the call that ctx belongs to from arriving.
func loseAnswer(ctx context.Context) {
	if f, ok := ctx.Value(fateKey{}).(*fate); ok {
		f.lost.Store(true)
	}
}

// Lose wraps the dialects, and breaks the connection in place of an answer that a
// scenario wants lost. What the call did is done, and the log of calls, which belongs
// inside, shows the answer that nobody got.
func (s *Sandbox) Lose(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &fatedWriter{ResponseWriter: w, fate: &fate{}}
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), fateKey{}, answer.fate)))
		if answer.fate.lost.Load() && !answer.taken {
			panic(http.ErrAbortHandler)
		}
	})
}

// fatedWriter writes nothing of an answer that is lost.
type fatedWriter struct {
	http.ResponseWriter
	fate  *fate
	taken bool // the connection lives on after the handler
}

func (w *fatedWriter) WriteHeader(status int) {
	if !w.fate.lost.Load() {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *fatedWriter) Write(p []byte) (int, error) {
	if w.fate.lost.Load() {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// Hijack hands the connection out with the fate of what is to be written to it.
func (w *fatedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.taken = true
	return &fatedConn{conn, w.fate}, buffered, nil
}

// Unwrap lets http.ResponseController reach the connection.
func (w *fatedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// fatedConn is a connection that was taken from the server.
type fatedConn struct {
	net.Conn
	fate *fate
}

func (c *fatedConn) Write(p []byte) (int, error) {
	if c.fate.lost.Load() {
		if err := c.Conn.Close(); err != nil {
			return 0, err
		}
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}
