package app_test

import (
	"context"
	"errors"
	"fmt"
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
