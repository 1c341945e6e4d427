package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// maxRequests bounds the log of inbound calls, which lives in memory: with bodies
// of 64 KiB at most it takes 128 MiB in the worst case and a few in practice.
const maxRequests = 1000

// request is one inbound call of a merchant.
type request struct {
	ID       string            `json:"id"`
	At       time.Time         `json:"at"`
	Method   string            `json:"method"`
	Target   string            `json:"target"`
	Remote   string            `json:"remote"`
	Headers  map[string]string `json:"headers,omitempty"`
	Body     string            `json:"body,omitempty"`
	Status   int               `json:"status"`
	Answer   string            `json:"answer,omitempty"`
	TookMS   float64           `json:"took_ms"`
	Reason   string            `json:"reason,omitempty"`
	Verdict  *wire.Verdict     `json:"signature,omitempty"`
	finished bool
}

// requestLog keeps the newest calls.
type requestLog struct {
	mu     sync.Mutex
	next   int
	recent []*request
}

type requestKey struct{}

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
			s.requests.change(func() {
				entry.Headers = headersOf(r) // not before: many calls may wait
				entry.Body, entry.Status, entry.Answer = text(body.seen.Bytes()), answer.status, text(answer.seen.Bytes())
				entry.TookMS, entry.finished = float64(took.Microseconds())/1000, true
			})
		})
		defer func() {
			if !answer.taken {
				answer.finish()
			}
		}()
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), requestKey{}, entry)))
	})
}

// Note adds what a dialect found out to the call that ctx belongs to.
func (s *Sandbox) Note(ctx context.Context, n wire.Note) {
	entry, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return
	}
	s.requests.change(func() {
		if n.Verdict != nil {
			entry.Verdict = n.Verdict
		}
		if n.Reason != "" {
			entry.Reason = n.Reason
		}
	})
}

func (l *requestLog) begin(r *request) *request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	r.ID = fmt.Sprintf("req_%06d", l.next)
	if len(l.recent) == maxRequests {
		l.recent = slices.Delete(l.recent, 0, 1)
	}
	l.recent = append(l.recent, r)
	return r
}

func (l *requestLog) change(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn()
}

func (l *requestLog) clear() { l.change(func() { l.recent = nil }) }

// find returns copies of the finished calls that match, newest first.
func (l *requestLog) find(limit int, match func(*request) bool) []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []request{}
	for _, r := range slices.Backward(l.recent) {
		if len(found) < limit && r.finished && match(r) {
			found = append(found, *r)
		}
	}
	return found
}

func (s *Sandbox) listRequests(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	status, err := strconv.Atoi(q.Get("status"))
	if err != nil && q.Get("status") != "" {
		return nil, problem(http.StatusBadRequest, "status is an HTTP status, such as 401")
	}
	return map[string]any{"requests": s.requests.find(limit, func(e *request) bool {
		return (status == 0 || e.Status == status) && strings.Contains(e.Target, q.Get("path"))
	})}, nil
}

func (s *Sandbox) getRequest(r *http.Request) (any, error) {
	found := s.requests.find(1, func(e *request) bool { return e.ID == r.PathValue("id") })
	if len(found) == 0 {
		return nil, problem(http.StatusNotFound, fmt.Sprintf("no such call; the log keeps the newest %d", maxRequests))
	}
	return found[0], nil
}

func headersOf(r *http.Request) map[string]string {
	headers := map[string]string{"Host": r.Host}
	for name, values := range r.Header {
		headers[name] = strings.Join(values, ", ")
	}
	return headers
}

// text is bytes as they may stand in a JSON string.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return fmt.Sprintf("%q", b)
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
	body   *recorder // of the request
	finish func()    // writes the entry
	taken  bool      // the connection lives on after the handler
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
		c.answer.status = resp.StatusCode
		c.answer.seen.ReadFrom(resp.Body)
		resp.Body.Close()
	}
	c.answer.finish()
	return c.Conn.Close()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
