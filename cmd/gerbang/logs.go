package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

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
	Lines  int    `short:"n" help:"How many of the calls so far to show first." default:"10" placeholder:"N"`
	Follow bool   `help:"Go on with the calls that come, until Ctrl-C." default:"true" negatable:""`
	Path   string `help:"Only calls whose target has this in it." placeholder:"TEXT"`
	Method string `help:"Only calls with this HTTP method." placeholder:"METHOD"`
	Status string `help:"Only answers with this HTTP status, as 401 or 4xx." placeholder:"STATUS"`
	Text   string `help:"Only calls with this in their body or answer, as an invoice number or phone." placeholder:"TEXT"`
	Bad    bool   `help:"Only calls whose signature does not match."`
	JSON   bool   `help:"Print each call as one line of JSON, as the control API gives it."`
}

func (c logsTail) Run(ctx context.Context, std streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if c.Lines < 0 || c.Lines > logLimit {
		return usagef("--lines is 0 to %d", logLimit)
	}
	var tail tail
	calls, err := tail.next(ctx, client, c.matches)
	if err != nil {
		return err
	}
	calls = calls[max(0, len(calls)-c.Lines):]
	for {
		for _, call := range calls {
			if err := c.print(std.out, call); err != nil {
				return err
			}
		}
		if !c.Follow {
			return nil
		}
		if !pause(ctx, pollInterval) {
			return nil
		}
		if calls, err = tail.next(ctx, client, c.matches); err != nil {
			if calls, err = c.again(ctx, std, client, &tail); err != nil {
				return err
			}
		}
	}
}

// again waits for a sandbox that was there before to come back.
func (c logsTail) again(ctx context.Context, std streams, client *control.Client, tail *tail) ([]loggedCall, error) {
	told := false
	for {
		calls, err := tail.next(ctx, client, c.matches)
		var gone *control.Unreachable
		switch {
		case ctx.Err() != nil:
			return nil, nil
		case err == nil:
			return calls, nil
		case !errors.As(err, &gone):
			return nil, err
		case !told:
			told = true
			fmt.Fprintf(std.err, "The sandbox at %s is gone; waiting for it.\n", client.Base)
		}
		pause(ctx, time.Second)
	}
}

// loggedCall is a call as it came and as it was read.
type loggedCall struct {
	raw json.RawMessage
	sandbox.Request
}

// tail remembers which calls it has given.
type tail struct{ seen map[string]bool }

// next is the calls that match and were not given before, oldest first.
func (t *tail) next(ctx context.Context, client *control.Client, match func(sandbox.Request) bool) (calls []loggedCall, err error) {
	var list struct{ Requests []json.RawMessage }
	if err := client.Get(ctx, fmt.Sprintf("/requests?limit=%d", logLimit), &list); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, raw := range slices.Backward(list.Requests) {
		call := loggedCall{raw: raw}
		if err := json.Unmarshal(raw, &call.Request); err != nil {
			return nil, err
		}
		// A sandbox that was restarted counts from the beginning again.
		key := call.ID + " " + call.At.String()
		if seen[key] = true; !t.seen[key] && match(call.Request) {
			calls = append(calls, call)
		}
	}
	t.seen = seen
	return calls, nil
}

func (c logsTail) matches(r sandbox.Request) bool {
	status := fmt.Sprint(r.Status)
	return strings.Contains(r.Target, c.Path) &&
		(c.Method == "" || strings.EqualFold(c.Method, r.Method)) &&
		(c.Status == "" || status == c.Status || strings.HasSuffix(c.Status, "xx") && strings.HasPrefix(status, c.Status[:1])) &&
		(strings.Contains(r.Body, c.Text) || strings.Contains(r.Answer, c.Text) || strings.Contains(r.Target, c.Text)) &&
		(!c.Bad || r.Verdict != nil && !r.Verdict.OK)
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
