package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

// Campaigns in which the others misbehave: callers, the merchant's server, and a
// machine that has run out of descriptors.

// TestCampaignMoodyMerchant notifies a merchant whose server refuses, redirects,
// hangs up, says nothing and lies, while processes are killed. Once it is sane again
// it has heard of everything.
func TestCampaignMoodyMerchant(t *testing.T) {
	t.Parallel()
	r := newRig(t, 8, 2)
	r.moody.Store(true)
	stop := r.load("M")
	trials := 3 * *campaignRounds
	for n := range trials {
		r.answers(20)
		r.restart(n%len(r.replicas), process.kill)
	}
	r.answers(20)
	stop()
	r.settle("kill -9 while the merchant's server misbehaves", trials, "four of five notifications refused, in eight ways")
}

// vanishing is a caller's network that ends after so many bytes in one direction.
type vanishing struct {
	net.Conn
	up, down int // how many bytes may yet pass
}

var errVanished = errors.New("the caller has gone")

func (c *vanishing) Write(p []byte) (int, error) {
	if c.up -= len(p); c.up >= 0 {
		return c.Conn.Write(p)
	}
	c.Conn.Write(p[:len(p)+c.up])
	c.vanish()
	return 0, errVanished
}

func (c *vanishing) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), 1+c.down)])
	if c.down -= n; c.down < 0 {
		c.vanish()
		return 0, errVanished
	}
	return n, err
}

func (c *vanishing) vanish() {
	c.Conn.(*net.TCPConn).SetLinger(0) // a reset, not an end
	c.Close()
}

// TestCampaignVanishingCallers has callers go away after any number of bytes of
// their request, or of its answer. What they asked for happens once or not at all,
// and nothing of them is left behind.
func TestCampaignVanishingCallers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 8, 2)
	at := r.replicas[0]
	open := descriptors(t, at.process)
	trials := 150 * *campaignRounds
	for n := range trials {
		c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if n%2 == 0 {
				return &vanishing{conn, rand.IntN(1200), 1 << 20}, err
			}
			return &vanishing{conn, 1 << 20, rand.IntN(300)}, err
		}}}
		gone := at
		jokul, err := ovo.Jokul(ovo.JokulConfig{BaseURL: at.base, ClientID: r.m.DOKU.ClientID, SecretKey: r.m.DOKU.SecretKey, HTTPClient: c})
		if err != nil {
			t.Fatal(err)
		}
		faspay, err := ovo.Faspay(ovo.FaspayConfig{
			BaseURL: at.base, MerchantID: r.terms.MerchantID, MerchantName: "Toko", UserID: r.terms.UserID, Password: r.terms.Password, HTTPClient: c,
		})
		if err != nil {
			t.Fatal(err)
		}
		gone.jokul, gone.faspay = jokul, faspay
		reference := fmt.Sprint("G-", n)
		r.note(reference, r.pay(gone, 2+n/2%2, reference))
	}
	for deadline := time.Now().Add(30 * time.Second); descriptors(t, at.process) > open+20; {
		if r.call("GET", "/clock", nil, 200, nil); time.Now().After(deadline) {
			t.Errorf("the process had %d descriptors and has %d", open, descriptors(t, at.process))
			break
		}
	}
	r.settle("callers that vanish within request or answer", trials, "no descriptors left behind")
}

// stalled is a connection on which a caller goes on no further.
type stalled struct {
	net.Conn
	what string
}

// stall connects, takes in as little at once as the system allows, and sends.
func stall(t testing.TB, base, what, request string) stalled {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1) })
	}}
	conn, err := dialer.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return stalled{conn, what}
}

// TestCampaignStalledCallers has callers stand still in the middle of a header, of a
// body, and of reading an answer, and others go away while their push waits. The
// server lets go of each in the time that it gives for that; meanwhile it serves
// the others.
func TestCampaignStalledCallers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 8, 2)
	const phone, each = "081355000001", 50
	r.newPayer(phone)
	at := r.replicas[0]
	stop := r.load("L")
	r.answers(40)
	before := descriptors(t, at.process)
	trials := 0
	for round := range *campaignRounds {
		var held []stalled
		hold := func(what, request string) {
			for range each {
				held = append(held, stall(t, at.base, what, request))
			}
		}
		began := time.Now()
		hold("header", "POST /direct-debit/core/v1/debit/payment-host-to-host HTTP/1.1\r\nHost: x\r\nX-PARTNER-ID: half")
		hold("body", "POST /ovo-emoney/v1/payment HTTP/1.1\r\nHost: "+strings.TrimPrefix(at.base, "http://")+"\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{\"client\":")
		// More answers than buffers hold; one byte of the first is read.
		hold("answer", strings.Repeat("GET /openapi.json HTTP/1.1\r\nHost: "+strings.TrimPrefix(at.base, "http://")+"\r\n\r\n", 400))
		for _, c := range held {
			if c.what == "answer" {
				if _, err := c.Read(make([]byte, 1)); err != nil {
					t.Error(err)
				}
			}
		}
		// Half of these are approved: their callers have gone, the payments have not.
		var gone []net.Conn
		for i := range each {
			invoice := fmt.Sprintf("LP%d-%d", round, i)
			ctx, leave := context.WithCancel(context.Background())
			sent := make(chan struct{})
			c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				gone = append(gone, conn)
				close(sent)
				return conn, err
			}}}
			push, err := ovo.Push(ovo.PushConfig{BaseURL: at.base, ClientID: r.m.DOKU.ClientID, SecretKey: r.m.DOKU.SecretKey, HTTPClient: c})
			if err != nil {
				t.Fatal(err)
			}
			r.sending(invoice)
			r.note(invoice, context.Canceled)
			go push.Pay(ctx, ovo.PushRequest{Phone: phone, Invoice: invoice, Amount: rigAmount})
			wait(t, "a connection", sent)
			defer leave()
		}
		trials += 4 * each
		prompts := r.prompts(phone, each)
		for _, conn := range gone {
			conn.(*net.TCPConn).SetLinger(0) // a reset
			conn.Close()
		}
		for _, p := range prompts[:each/2] {
			if status := r.answer(at.base, phone, p, "approve"); status != http.StatusOK {
				t.Errorf("the caller of a push has gone, and its customer is answered %d", status)
			}
			r.note(p.Invoice, nil)
		}
		for _, p := range prompts[each/2:] {
			if status := r.answer(at.base, phone, p, "decline"); status != http.StatusOK {
				t.Errorf("the caller of a push has gone, and its customer is answered %d", status)
			}
		}
		if n := descriptors(t, at.process); n < before+2*each {
			t.Errorf("the process has %d descriptors and had %d before: nobody stalls", n, before)
		}
		r.answers(40) // meanwhile
		r.until("the end of every stalled call", func() bool { return descriptors(t, at.process) <= before+20 })
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("stalled calls were held for %s", took)
		}
		for _, c := range held {
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			rest, _ := io.ReadAll(c) // up to a reset
			if bytes.Contains(rest, []byte("HTTP/1.1 5")) {
				t.Errorf("a call that stalled in its %s was answered %.200s", c.what, rest)
			}
			c.Close()
		}
	}
	stop()
	r.noFaults()
	r.settle("callers that stall in the request, in the answer, or leave while they wait", trials, "each let go of within 30 s, the others served")
}

// descriptors counts what a process has open.
func descriptors(t testing.TB, p process) int {
	t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestCampaignNoDescriptors lets connections use up all that a process may have
// open. It may refuse, but neither end nor do anything by half, and goes on when
// they have gone.
func TestCampaignNoDescriptors(t *testing.T) {
	t.Parallel()
	r := newRig(t, 8, 1)
	for round := range *campaignRounds {
		limit(t, r.replicas[0].process, syscall.RLIMIT_NOFILE, 256)
		stop := r.load(fmt.Sprint("E", round))
		var held []net.Conn
		for len(held) < 300 {
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, conn)
		}
		r.answers(30) // of those who are connected
		if n := descriptors(t, r.replicas[0].process); n < 250 {
			t.Errorf("only %d descriptors are used", n)
		}
		for _, conn := range held {
			conn.Close()
		}
		r.answers(30)
		stop()
	}
	r.served()
	r.settle("no descriptors left", *campaignRounds, "300 connections where 256 descriptors are allowed")
}
