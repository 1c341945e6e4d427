package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/signed"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

type listenCommand struct {
	clientFlags
	ForwardTo string `help:"The merchant's server. With a path, all notifications go there; without one, each keeps the path of the merchant's own address." placeholder:"URL"`
	TokenPath string `help:"Path of the merchant's token endpoint, for SNAP. Left out, it is that of the merchant's own address; where there is none, tokens are made up." placeholder:"PATH"`
	Merchant  string `help:"Whose notifications, by id, name, or id at a provider; the seeded merchant's if left out." placeholder:"ID"`
	Addr      string `help:"Address to get the notifications on; one that the sandbox can reach." default:"127.0.0.1:0" placeholder:"ADDR"`
	Body      bool   `help:"Print the notifications' bodies."`
	Count     int    `help:"Leave after so many notifications; 0 is never." placeholder:"N"`
	JSON      bool   `help:"Print each notification as one line of JSON."`
}

// heardView is a notification that was passed on, as JSON.
type heardView struct {
	At      time.Time         `json:"at"`
	Method  string            `json:"method"`
	Target  string            `json:"target"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Report  *signed.Report    `json:"report,omitempty"`
	Status  int               `json:"status"` // 0: the server did not answer
	Answer  string            `json:"answer"`
	TookMS  int64             `json:"took_ms"`
	Error   string            `json:"error,omitempty"`
}

func (c listenCommand) Run(ctx context.Context, std streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	merchant, err := client.Merchant(ctx, c.Merchant)
	if err != nil {
		return err
	}
	keys, err := notifiedKeys(merchant)
	if err != nil {
		return err
	}
	var to *receiver
	at := listenAt{Merchant: merchant.ID, TokenPath: c.TokenPath}
	if c.ForwardTo != "" {
		if to, err = newReceiver(c.ForwardTo); err != nil {
			return err
		}
		at.Path = to.path
	}
	h := &hearing{listenCommand: c, std: std, keys: keys, to: to, enough: make(chan struct{})}
	told := false
	for ctx.Err() == nil {
		l, err := openListener(ctx, client, c.Addr, at, h.hear)
		if err != nil {
			if err = h.lost(ctx, err, &told); err != nil {
				return err
			}
			continue
		}
		h.opened = true
		told = false
		h.greet(deref(merchant.Name))
		select {
		case <-l.gone:
		case <-h.enough:
		case <-ctx.Done():
		}
		err = l.close()
		select {
		case <-h.enough:
			return err
		default:
		}
	}
	return nil
}

// hearing passes notifications on and tells of them.
type hearing struct {
	listenCommand
	std    streams
	keys   signed.Keys
	to     *receiver // nil to answer by itself
	opened bool
	enough chan struct{} // closed when Count is reached

	mu    sync.Mutex
	heard int
}

// lost judges that no listener could be opened: the first time it is a failure, later
// the sandbox may come back.
func (h *hearing) lost(ctx context.Context, err error, told *bool) error {
	var unreachable *control.Unreachable
	if !h.opened || !errors.As(err, &unreachable) {
		return err
	}
	if !*told {
		*told = true
		fmt.Fprintln(h.std.err, "The sandbox is gone; waiting for it.")
	}
	pause(ctx, time.Second)
	return nil
}

func (h *hearing) greet(merchant string) {
	if h.JSON {
		return
	}
	target := "nowhere; they are answered with 200 here"
	if h.to != nil {
		target = h.to.base + h.to.path
	}
	fmt.Fprintf(h.std.err, "Listening to the notifications of %s. They go to %s. Stop with Ctrl-C.\n", merchant, target)
}

// hear passes one message on, tells of it, and gives the server's answer back to the
// sandbox, whose schedule of retries so is that of the real receiver.
func (h *hearing) hear(ctx context.Context, m signed.Message) reply {
	view := heardView{At: now(), Method: m.Method, Target: m.Target, Headers: map[string]string{}, Body: string(m.Body)}
	for name := range m.Header {
		view.Headers[name] = m.Header.Get(name)
	}
	if report, err := signed.Judge(m, h.keys); err == nil {
		view.Report = &report
	}
	answer := acknowledge(m)
	if h.to != nil {
		d, err := h.to.deliver(ctx, m)
		answer = d.reply
		view.TookMS = d.Took.Milliseconds()
		if err != nil {
			view.Error = err.Error()
			answer = reply{http.StatusBadGateway, "text/plain; charset=utf-8", []byte(err.Error())}
		}
	}
	if view.Error == "" {
		view.Status, view.Answer = answer.Status, string(answer.Body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.print(view)
	if isToken := view.Report != nil && len(view.Report.Signatures) > 0 && view.Report.Signatures[0].Scheme == snap.SchemeAsymmetric; !isToken {
		h.heard++
		if h.heard == h.Count {
			close(h.enough)
		}
	}
	return answer
}

func (h *hearing) print(v heardView) {
	if h.JSON {
		line, err := json.Marshal(v)
		if err != nil {
			panic(err) // a plain struct
		}
		fmt.Fprintf(h.std.out, "%s\n", line)
		return
	}
	dialect, verdict := "?", "not signed"
	if v.Method == http.MethodGet { // an activation callback has no signature
		dialect = signed.Faspay
	}
	if v.Report != nil {
		dialect, verdict = v.Report.Dialect, "signature ok"
		if !v.Report.OK {
			verdict = "SIGNATURE WRONG"
		}
	}
	outcome := fmt.Sprintf("HTTP %d in %d ms", v.Status, v.TookMS)
	if v.Error != "" {
		outcome = "no answer"
	}
	fmt.Fprintf(h.std.out, "%s  %s  %s %s  %s  →  %s\n", v.At.In(wib).Format("15:04:05"), dialect, v.Method, oneLine(v.Target), verdict, outcome)
	if h.Body && v.Body != "" {
		fmt.Fprintf(h.std.out, "          %s\n", oneLine(v.Body))
	}
	if text := v.Error + v.Answer; text != "" {
		fmt.Fprintf(h.std.out, "       →  %s\n", oneLine(text))
	}
	if v.Report == nil {
		return
	}
	for _, s := range v.Report.Signatures {
		if s.Hint != "" {
			fmt.Fprintf(h.std.out, "          %s\n", oneLine(s.Hint))
		}
	}
}

// now is the machine's time.
func now() time.Time { return gateway.SystemClock{}.Now() }
