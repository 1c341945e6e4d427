package jokul

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// hold keeps a call until its push has an outcome or the process is about to stop.
//
// Thousands of calls may wait at once, and net/http keeps two goroutines and three
// buffers for each that it serves. So the connection is taken from it: what is left
// is one small goroutine. A caller who hangs up is noticed only when the answer is
// written, which does not matter, for the payment goes on in any case. A connection
// that cannot be taken, as under HTTP/2, is held where it is.
func (c *call) hold(id gateway.PaymentID, status int) {
	control := http.NewResponseController(c.w)
	conn, _, err := control.Hijack()
	if err != nil {
		// The wait is longer than the server lets a request be read, and a deadline
		// on reading would look like a caller who hung up.
		_ = control.SetReadDeadline(time.Time{}) // not every writer has one
		answer, err := c.await(id)
		c.finish(status, answer, err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	c.w, c.ctx = &connWriter{conn: conn, header: http.Header{}}, context.WithoutCancel(c.ctx)
	c.r = &http.Request{Method: c.r.Method, RequestURI: c.r.RequestURI, URL: c.r.URL}
	c.body, c.doc = nil, wire.Value{}
	c.held.Go(func() {
		defer conn.Close()
		answer, err := c.await(id)
		c.finish(status, answer, err)
	})
}

// await answers a push that waits, once there is something to say.
func (c *call) await(id gateway.PaymentID) (any, error) {
	if err := c.Gateway.AwaitPush(c.ctx, id, c.Draining); err != nil {
		if c.ctx.Err() != nil {
			return nil, errGone
		}
		return nil, err
	}
	return c.run(func() (any, error) { return c.outcome(id) })
}

// connWriter writes one HTTP/1.1 answer to a connection that was taken from the
// server, and closes it.
type connWriter struct {
	conn   net.Conn
	header http.Header
	status int
}

// writeTimeout bounds writing an answer to a caller who does not read.
const writeTimeout = 10 * time.Second

func (w *connWriter) Header() http.Header { return w.header }

func (w *connWriter) WriteHeader(status int) { w.status = status }

func (w *connWriter) Write(body []byte) (int, error) {
	now := gateway.SystemClock{}.Now() // deadlines of connections are the machine's
	w.header.Set("Date", now.UTC().Format(http.TimeFormat))
	answer := http.Response{
		StatusCode: w.status, ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Close: true,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	_ = w.conn.SetWriteDeadline(now.Add(writeTimeout))
	if err := answer.Write(w.conn); err != nil {
		return 0, err // the caller has gone
	}
	return len(body), nil
}
