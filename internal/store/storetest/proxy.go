package storetest

import (
	"bytes"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy stands between a store and its PostgreSQL, and can cut a connection in the
// middle of a COMMIT and refuse new ones.
type Proxy struct {
	URL string // of the database, through the proxy

	asked atomic.Int64 // by Sync messages

	mu      sync.Mutex
	cut     *cut
	refused bool
	commit  string // the name of the prepared COMMIT, the same on all connections
}

// cut is what becomes of the next COMMIT.
type cut struct {
	after int
	done  chan bool
	then  func() // called when it is cut
}

// AnswerLost is an offset for Cut between the request and the answer: the server
// commits, and the client never hears of it.
const AnswerLost = -1

// NewProxy starts a proxy to the server of a database that is reached by a socket.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	socket := filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	query.Del("host")
	query.Del("port")
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	p := &Proxy{URL: u.String()}
	var running sync.WaitGroup
	t.Cleanup(func() { listener.Close(); running.Wait() })
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", socket)
			if p.refuses() || err != nil {
				client.Close()
				if err == nil {
					server.Close()
				}
				continue
			}
			l := &link{proxy: p, client: client.(*net.TCPConn), server: server}
			running.Go(l.forward)
			running.Go(l.backward)
		}
	})
	return p
}

// Asked is how often the server was asked for an answer and waited for: the round
// trips so far, those by which connections begin apart.
func (p *Proxy) Asked() int64 { return p.asked.Load() }

// Cut resets the connection of the next COMMIT when so many bytes of it, and then
// of its answer, have passed. It sends true when that has happened, and false if
// there were not so many.
func (p *Proxy) Cut(after int) <-chan bool {
	return p.cutThen(after, func() {})
}

// CutOff is Cut, after which new connections are refused.
func (p *Proxy) CutOff(after int) <-chan bool {
	return p.cutThen(after, func() { p.refused = true })
}

func (p *Proxy) cutThen(after int, then func()) <-chan bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = &cut{after, make(chan bool, 1), then}
	return p.cut.done
}

func (p *Proxy) refuses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

var commitPrepared = regexp.MustCompile(`([a-z_0-9]+)\x00COMMIT\x00`)

// struck returns what is to become of a message, if it is the COMMIT that is waited for.
func (p *Proxy) struck(message []byte) *cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	if prepared := commitPrepared.FindSubmatch(message); prepared != nil {
		p.commit = string(prepared[1])
	}
	if p.commit == "" || !bytes.Contains(message, []byte("\x00"+p.commit+"\x00")) { // a Bind, with an unnamed portal
		return nil
	}
	c := p.cut
	p.cut = nil
	return c
}

func (p *Proxy) finish(c *cut, happened bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if happened {
		c.then()
	}
	c.done <- happened
}

// link is one connection.
type link struct {
	proxy  *Proxy
	client *net.TCPConn
	server net.Conn

	mu  sync.Mutex
	cut *cut // of the answer to come
}

// reset ends the connection as a network does that forgot it.
func (l *link) reset(c *cut) {
	l.proxy.finish(c, true) // first: whoever notices the reset may look
	l.client.SetLinger(0)
	l.client.Close()
	l.server.Close()
}

func (l *link) forward() {
	defer l.server.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := l.client.Read(buf)
		if err != nil {
			return
		}
		l.proxy.asked.Add(int64(bytes.Count(buf[:n], flushed)))
		if buf[0] == 'Q' { // a statement without arguments is a question by itself
			l.proxy.asked.Add(1)
		}
		c := l.proxy.struck(buf[:n])
		if c != nil && c.after >= 0 && c.after < n {
			l.server.Write(buf[:c.after])
			l.reset(c)
			return
		}
		if c != nil {
			c.after = max(0, c.after-n)
			l.mu.Lock()
			l.cut = c
			l.mu.Unlock()
		}
		if _, err := l.server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// flushed is the message Sync, which ends every question to the server.
var flushed = []byte{'S', 0, 0, 0, 4}

// ready ends every answer of the server.
var ready = []byte{'Z', 0, 0, 0, 5}

func (l *link) backward() {
	defer l.client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buf)
		if err != nil {
			return
		}
		l.mu.Lock()
		c := l.cut
		if c != nil && c.after < n {
			l.mu.Unlock()
			l.client.Write(buf[:c.after])
			l.reset(c)
			return
		}
		if c != nil {
			c.after -= n
			if n >= 6 && bytes.Equal(buf[n-6:n-1], ready) { // there is no more of it
				l.cut = nil
				l.proxy.finish(c, false)
			}
		}
		l.mu.Unlock()
		if _, err := l.client.Write(buf[:n]); err != nil {
			return
		}
	}
}
