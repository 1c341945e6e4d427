package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// callTimeout bounds one call; a push may wait as long for its customer.
const callTimeout = 75 * time.Second

// conn is a client's keep-alive connection. It is used by one goroutine.
type conn struct {
	host   string
	c      net.Conn
	reader *bufio.Reader
	out    bytes.Buffer // a request
	in     bytes.Buffer // the body of an answer
}

// header is one line of a request's head.
type header struct{ name, value string }

// post sends a body and returns status and body of the answer; the body is valid
// until the next call. After an error the next call connects anew.
func (c *conn) post(path, contentType string, headers []header, body []byte) (int, []byte, error) {
	return c.do(http.MethodPost, path, append(headers, header{"Content-Type", contentType}), body)
}

func (c *conn) do(method, path string, headers []header, body []byte) (status int, answer []byte, err error) {
	if c.c == nil {
		if c.c, err = net.Dial("tcp", c.host); err != nil {
			return 0, nil, err
		}
		c.reader = bufio.NewReader(c.c)
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	c.out.Reset()
	for _, part := range []string{method, " ", path, " HTTP/1.1\r\nHost: ", c.host, "\r\nContent-Length: ", strconv.Itoa(len(body)), "\r\n"} {
		c.out.WriteString(part)
	}
	for _, h := range headers {
		for _, part := range []string{h.name, ": ", h.value, "\r\n"} {
			c.out.WriteString(part)
		}
	}
	c.out.WriteString("\r\n")
	c.out.Write(body)
	if err := c.c.SetDeadline(now().Add(callTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.c.Write(c.out.Bytes()); err != nil {
		return 0, nil, err
	}
	resp, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the answer: %w", err)
	}
	c.in.Reset()
	if _, err := io.Copy(&c.in, resp.Body); err != nil {
		return 0, nil, fmt.Errorf("reading the answer: %w", err)
	}
	if resp.Close { // the server wants no more on this connection
		c.close()
	}
	return resp.StatusCode, c.in.Bytes(), nil
}

func (c *conn) close() {
	if c.c != nil {
		c.c.Close()
		c.c = nil
	}
}
