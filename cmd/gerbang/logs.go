package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

type logsCommand struct {
	Tail logsTail `cmd:"" default:"withargs" help:"Show inbound calls as they come, with the verdict on their signatures."`
	Get  logsGet  `cmd:"" help:"Show one call with everything that is known of it."`
}

// logLimit is how many calls are asked for at a time, the most that the API gives.
const logLimit = 500

type logsTail struct {
	clientFlags
	Lines    int    `short:"n" help:"How many of the calls so far to show first." default:"10" placeholder:"N"`
	Follow   bool   `help:"Go on with the calls that come, until Ctrl-C." default:"true" negatable:""`
	Count    int    `help:"Leave after so many calls; 0 is never." placeholder:"N"`
	Merchant string `help:"Only calls of this merchant, by its id in the sandbox or at a provider." placeholder:"ID"`
	Dialect  string `help:"Only calls of this protocol: snap, jokul (with push) or faspay." placeholder:"NAME"`
	Status   string `help:"Only answers with this HTTP status, as 401 or 4xx." placeholder:"STATUS"`
	Phone    string `help:"Only calls about this wallet." placeholder:"PHONE"`
	Invoice  string `help:"Only calls about this number of the merchant's." placeholder:"NUMBER"`
	Path     string `help:"Only calls whose target has this in it." placeholder:"TEXT"`
	Method   string `help:"Only calls with this HTTP method." placeholder:"METHOD"`
	Text     string `help:"Only calls with this in their body or answer." placeholder:"TEXT"`
	Bad      bool   `help:"Only calls whose signature does not match."`
	JSON     bool   `help:"Print each call as one line of JSON, as the control API gives it."`
}

func (c logsTail) Run(ctx context.Context, std streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if c.Lines < 0 || c.Lines > logLimit {
		return usagef("--lines is 0 to %d", logLimit)
	}
	t := tail{logsTail: c, client: client, out: std.out}
	if !c.Follow {
		return t.catchUp(ctx, c.Lines)
	}
	told := false
	for lines := c.Lines; ; lines = logLimit {
		err := t.follow(ctx, lines)
		var gone *control.Unreachable
		switch {
		case ctx.Err() != nil || t.done():
			return nil
		case errors.As(err, &gone) && t.seen != nil:
			if !told {
				fmt.Fprintf(std.err, "The sandbox at %s is gone; waiting for it.\n", client.Base)
			}
			told = true
		case err != nil:
			return err
		default:
			told = false
		}
		pause(ctx, pollInterval)
	}
}

// query is the filters that the sandbox knows. It does not know Method and Text.
func (c logsTail) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"merchant": c.Merchant, "dialect": c.Dialect, "status": c.Status, "phone": c.Phone, "invoice": c.Invoice, "path": c.Path,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.Bad {
		q.Set("signature", "wrong")
	}
	return q
}

func (c logsTail) matches(r sandbox.Request) bool {
	return (c.Method == "" || strings.EqualFold(c.Method, r.Method)) &&
		(strings.Contains(r.Body, c.Text) || strings.Contains(r.Answer, c.Text) || strings.Contains(r.Target, c.Text))
}

// loggedCall is a call as it came and as it was read.
type loggedCall struct {
	raw json.RawMessage
	sandbox.Request
}

// tail shows each call once.
type tail struct {
	logsTail
	client *control.Client
	out    io.Writer
	seen   map[string]bool // calls that were listed or shown; nil before the first list
	shown  int
}

func (t *tail) done() bool { return t.Count > 0 && t.shown >= t.Count }

// catchUp shows the newest of the calls so far that were not seen before.
func (t *tail) catchUp(ctx context.Context, lines int) error {
	var list struct{ Requests []json.RawMessage }
	q := t.query()
	q.Set("limit", fmt.Sprint(logLimit))
	if err := t.client.Get(ctx, "/requests?"+q.Encode(), &list); err != nil {
		return err
	}
	var calls []loggedCall
	listed := map[string]bool{}
	for _, raw := range slices.Backward(list.Requests) { // the oldest first
		call, err := readCall(raw)
		if err != nil {
			return err
		}
		if listed[call.key()] = true; !t.seen[call.key()] && t.matches(call.Request) {
			calls = append(calls, call)
		}
	}
	t.seen = listed
	for _, call := range calls[max(0, len(calls)-lines):] {
		if err := t.show(call); err != nil {
			return err
		}
	}
	return nil
}

// follow shows what was not seen before, and then calls as they end, until the sandbox
// ends the stream.
func (t *tail) follow(ctx context.Context, lines int) error {
	stream, err := t.client.Stream(ctx, http.MethodGet, "/requests/events?"+t.query().Encode(), nil)
	if err != nil {
		return err
	}
	defer stream.Close()
	// The stream is open by now, so that no call is lost between the two.
	if err := t.catchUp(ctx, lines); err != nil || t.done() {
		return err
	}
	events := bufio.NewScanner(stream)
	events.Buffer(nil, maxEvent)
	for !t.done() && events.Scan() {
		data, ok := strings.CutPrefix(events.Text(), "data: ")
		if !ok {
			continue
		}
		call, err := readCall(json.RawMessage(data))
		if err != nil {
			return err
		}
		if t.seen[call.key()] || !t.matches(call.Request) {
			continue
		}
		t.seen[call.key()] = true
		if err := t.show(call); err != nil {
			return err
		}
	}
	if errors.Is(events.Err(), bufio.ErrTooLong) {
		return events.Err()
	}
	return nil
}

// maxEvent bounds a call as JSON, which has two bodies of 64 KiB at most and may
// write each byte as six.
const maxEvent = 1 << 20

func readCall(raw json.RawMessage) (loggedCall, error) {
	call := loggedCall{raw: raw}
	err := json.Unmarshal(raw, &call.Request)
	return call, err
}

// key names a call. A sandbox that was restarted counts from the beginning again.
func (c loggedCall) key() string { return c.ID + " " + c.At.String() }

func (t *tail) show(call loggedCall) error {
	if t.done() {
		return nil
	}
	t.shown++
	return t.print(t.out, call)
}

func (c logsTail) print(w io.Writer, call loggedCall) error {
	if c.JSON {
		_, err := fmt.Fprintf(w, "%s\n", call.raw)
		return err
	}
	verdict := ""
	if call.Verdict != nil {
		verdict = "  signature ok"
		if !call.Verdict.OK {
			verdict = "  SIGNATURE WRONG"
		}
	}
	_, err := fmt.Fprintf(w, "%s  %s  %d  %-4s %s  %.0f ms%s\n", call.At.In(wib).Format("15:04:05"), call.ID, call.Status, call.Method, oneLine(call.Target), call.TookMS, verdict)
	if err == nil && call.Reason != "" {
		_, err = fmt.Fprintf(w, "          %s\n", oneLine(call.Reason))
	}
	return err
}

type logsGet struct {
	askFlags
	ID string `arg:"" help:"Id of the call, as logs tail shows it."`
}

func (c logsGet) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/requests/"+url.PathEscape(c.ID), nil, func(w io.Writer, r sandbox.Request) error {
		fmt.Fprintf(w, "%s %s\n", r.Method, oneLine(r.Target))
		for _, name := range sortedKeys(r.Headers) {
			fmt.Fprintf(w, "%s: %s\n", name, oneLine(r.Headers[name]))
		}
		fmt.Fprintf(w, "\n%s\n\nHTTP %d in %.0f ms\n\n%s\n", r.Body, r.Status, r.TookMS, r.Answer)
		if r.Reason != "" {
			fmt.Fprintf(w, "\n%s\n", r.Reason)
		}
		if r.Verdict == nil {
			return nil
		}
		fmt.Fprintln(w)
		return printVerdict(w, *r.Verdict)
	})
}
