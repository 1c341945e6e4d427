package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

type requestKey struct{}

// recording is one call while it is served.
type recording struct {
	entry *request
	r     *http.Request
}

// Record wraps the dialects and logs every call to them.
func (s *Sandbox) Record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := gateway.SystemClock{}.Now()
		entry := s.requests.begin(&request{At: s.Clock.Now().UTC(), Method: r.Method, Target: r.RequestURI, Remote: r.RemoteAddr})
		body := &recorder{reader: r.Body}
		r.Body = body
		answer := &answerRecorder{ResponseWriter: w, status: http.StatusOK, body: body}
		answer.finish = sync.OnceFunc(func() {
			took := gateway.SystemClock{}.Now().Sub(began)
			sent, answered, headers := text(body.seen.Bytes()), text(answer.seen.Bytes()), headersOf(r) // not before: many calls may wait
			about := aboutOf(entry.Target, headers, sent)
			s.requests.finish(entry, func() {
				entry.about = about
				entry.Headers, entry.Body, entry.Status, entry.Answer = masked(headers), maskedBody(sent), answer.status, maskedBody(answered)
				entry.AnswerHeaders = masked(flat(answer.header()))
				entry.TookMS = float64(took.Microseconds()) / 1000
			})
		})
		defer func() {
			if !answer.taken {
				answer.finish()
			}
		}()
		ctx := context.WithValue(r.Context(), requestKey{}, recording{entry, r})
		ctx = gateway.Observe(ctx, func(changes []gateway.Change) { s.requests.changed(entry, changes) })
		next.ServeHTTP(answer, r.WithContext(ctx))
	})
}

// Note adds what a dialect found out to the call that ctx belongs to.
func (s *Sandbox) Note(ctx context.Context, n wire.Note) {
	if c, ok := ctx.Value(requestKey{}).(recording); ok {
		s.requests.note(c.entry, n)
	}
}

// maxClues bounds the merchants whose credentials are tried on a wrong signature.
const maxClues = 20

// Clues are what may explain a wrong signature besides the call itself.
func (s *Sandbox) Clues(ctx context.Context) wire.Clues {
	var clues wire.Clues
	if c, ok := ctx.Value(requestKey{}).(recording); ok {
		clues.Headers = headersOf(c.r)
	}
	merchants, err := s.Gateway.Merchants(ctx)
	if err != nil {
		return clues // the call is about to find out for itself
	}
	for _, m := range merchants[:min(len(merchants), maxClues)] {
		clues.Others = append(clues.Others, wire.Other{Name: m.Name, ID: m.DOKU.ClientID, Secret: m.DOKU.SecretKey, PublicKey: m.DOKU.PublicKeyPEM})
	}
	return clues
}

func headersOf(r *http.Request) map[string]string {
	headers := flat(r.Header)
	headers["Host"] = r.Host
	return headers
}

func flat(h http.Header) map[string]string {
	headers := make(map[string]string, len(h))
	for name, values := range h {
		headers[name] = strings.Join(values, ", ")
	}
	return headers
}

// recorder keeps what was read of a request's body, up to what is ever accepted.
type recorder struct {
	reader interface {
		Read([]byte) (int, error)
		Close() error
	}
	seen bytes.Buffer
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.reader.Read(p)
	r.seen.Write(p[:min(n, max(0, wire.MaxBody-r.seen.Len()))])
	return n, err
}

func (r *recorder) Close() error { return r.reader.Close() }

// answerRecorder keeps what was answered.
type answerRecorder struct {
	http.ResponseWriter
	status int
	seen   bytes.Buffer
	body   *recorder   // of the request
	finish func()      // writes the entry
	taken  bool        // the connection lives on after the handler
	read   http.Header // of an answer that was written to a connection that was taken
}

// header is that of the answer.
func (w *answerRecorder) header() http.Header {
	if w.taken {
		return w.read
	}
	return w.ResponseWriter.Header()
}

func (w *answerRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerRecorder) Write(p []byte) (int, error) {
	w.seen.Write(p)
	return w.ResponseWriter.Write(p)
}

// Hijack hands the connection out, and goes on recording what is written to it.
func (w *answerRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// What the server keeps for a call it serves must not be kept for one it no
	// longer serves.
	w.taken, w.ResponseWriter, w.body.reader = true, nil, http.NoBody
	return &recordedConn{Conn: conn, answer: w}, buffered, nil
}

// recordedConn is a connection that was taken from the server.
type recordedConn struct {
	net.Conn
	answer *answerRecorder
}

func (c *recordedConn) Write(p []byte) (int, error) {
	c.answer.seen.Write(p)
	return c.Conn.Write(p)
}

// Close ends the entry: what was written is one HTTP answer, or nothing.
func (c *recordedConn) Close() error {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(c.answer.seen.Bytes())), nil)
	c.answer.seen.Reset()
	if err == nil {
		c.answer.status, c.answer.read = resp.StatusCode, resp.Header
		c.answer.seen.ReadFrom(resp.Body)
		resp.Body.Close()
	}
	c.answer.finish()
	return c.Conn.Close()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
