package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/signed"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

type explainCommand struct {
	clientFlags
	keyFlags
	File string `arg:"" optional:"" help:"Raw HTTP request, as saved or as curl -v prints it, or a HAR file; - for standard input."`

	Request string   `help:"Explain a call from the sandbox's log, by its id." placeholder:"ID"`
	Method  string   `help:"HTTP method, when there is no file." default:"POST" placeholder:"METHOD"`
	Target  string   `help:"Path and query, when there is no file." placeholder:"PATH"`
	Header  []string `short:"H" help:"\"Name: value\", when there is no file. Repeatable." placeholder:"LINE" sep:"none"`
	Body    string   `help:"Body, when there is no file: the text, @FILE, or - for standard input." placeholder:"TEXT"`
	Yours   string   `help:"Your own string to sign, to be compared: the text, @FILE, or -." placeholder:"TEXT"`
	JSON    bool     `help:"Print JSON for programs."`
}

// explainView is an explained message as JSON.
type explainView struct {
	Method string `json:"method"`
	Target string `json:"target"`
	signed.Report
	// Difference is where your own string to sign leaves the right one, in bytes from 0.
	Difference *int `json:"first_difference,omitempty"`
}

func (c explainCommand) Run(ctx context.Context, std streams) error {
	messages, err := c.messages(ctx, std)
	if err != nil {
		return err
	}
	keys, err := c.keys(ctx, c.clientFlags)
	if err != nil {
		return err
	}
	yours, err := readSource(std, c.Yours)
	if err != nil {
		return err
	}
	views := []explainView{}
	wrong := false
	for _, m := range messages {
		report, err := signed.Judge(m, keys)
		if err != nil {
			if len(messages) > 1 { // a HAR has calls of all kinds in it
				continue
			}
			return err
		}
		view := explainView{Method: m.Method, Target: m.Target, Report: report}
		if c.Yours != "" && len(report.Signatures) > 0 {
			if at := firstDifference(report.Signatures[0].StringToSign, string(yours)); at >= 0 {
				view.Difference = &at
			}
		}
		wrong = wrong || !report.OK
		views = append(views, view)
	}
	if len(views) == 0 {
		return signed.ErrUnsigned
	}
	if c.JSON {
		var v any = views
		if len(messages) == 1 {
			v = views[0]
		}
		err = printJSON(std.out, v)
	} else {
		for i, view := range views {
			if i > 0 {
				fmt.Fprintln(std.out)
			}
			if err = c.print(std.out, view, string(yours)); err != nil {
				return err
			}
		}
	}
	if err == nil && wrong {
		err = errFailed
	}
	return err
}

func (c explainCommand) print(w io.Writer, v explainView, yours string) error {
	fmt.Fprintf(w, "%s %s  (%s)\n", v.Method, oneLine(v.Target), v.Dialect)
	for _, problem := range v.Problems {
		fmt.Fprintf(w, "\n  %s\n", problem)
	}
	for _, verdict := range v.Signatures {
		fmt.Fprintln(w)
		if err := printVerdict(w, verdict); err != nil {
			return err
		}
	}
	if c.Yours == "" || len(v.Signatures) == 0 {
		return nil
	}
	if v.Difference == nil {
		_, err := fmt.Fprintln(w, "\nYour string to sign is the right one, byte by byte.")
		return err
	}
	fmt.Fprintf(w, "\nYour string to sign leaves the right one at byte %d:\n", *v.Difference)
	return mark(w, v.Signatures[0].StringToSign, yours, *v.Difference, "right", "yours")
}

// printVerdict shows a verdict on one signature.
func printVerdict(w io.Writer, v wire.Verdict) error {
	verdict := "matches"
	if !v.OK {
		verdict = "DOES NOT MATCH"
	} else if v.Matched != "" && v.Matched != "raw" {
		verdict += " (the " + v.Matched + " form of the body was signed)"
	}
	fmt.Fprintf(w, "Signature %s: %s\n", v.Scheme, verdict)
	if v.Hint != "" {
		fmt.Fprintf(w, "%s\n", v.Hint)
	}
	fmt.Fprintf(w, "\n  string to sign\n%s\n", indent(indent(v.StringToSign)))
	if v.Digest != "" {
		fmt.Fprintf(w, "  digest\n    %s\n", v.Digest)
	}
	if v.OK || v.Expected == "" {
		_, err := fmt.Fprintf(w, "  received\n    %s\n", oneLine(v.Received))
		return err
	}
	return mark(w, v.Expected, v.Received, firstDifference(v.Expected, v.Received), "expected", "received")
}

// firstDifference is the index of the first byte in which two texts differ, -1 for
// equal ones. It does not lie inside a character.
func firstDifference(a, b string) int {
	if a == b {
		return -1
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && i < len(a) && !utf8.RuneStart(a[i]) {
		i--
	}
	return i
}

// around is how much of a text is shown before and behind a difference.
const around = 40

// mark shows two texts around their first difference, with a mark below it.
func mark(w io.Writer, a, b string, at int, nameA, nameB string) error {
	if at < 0 {
		at = len(a)
	}
	from := max(0, at-around)
	for from > 0 && !utf8.RuneStart(a[from]) {
		from--
	}
	cut := func(text string) string {
		start, end := "", ""
		if from > 0 {
			start = "…"
		}
		to := min(len(text), at+around)
		for to < len(text) && !utf8.RuneStart(text[to]) {
			to++
		}
		if to < len(text) {
			end = "…"
		}
		if from >= len(text) {
			return start
		}
		return start + visible(text[from:to]) + end
	}
	width := max(len(nameA), len(nameB))
	lead := strings.Repeat(" ", width+4+utf8.RuneCountInString(visible(a[from:at])))
	if from > 0 {
		lead += " "
	}
	_, err := fmt.Fprintf(w, "  %-*s  %s\n  %-*s  %s\n%s^ here\n", width, nameA, cut(a), width, nameB, cut(b), lead)
	return err
}

// visible shows what cannot be seen, a line break above all.
func visible(text string) string {
	return oneLine(strings.NewReplacer("\n", "⏎", "\r", "␍", "\t", "⇥").Replace(text))
}

// messages are what is to be explained: one, or the calls of a HAR.
func (c explainCommand) messages(ctx context.Context, std streams) ([]signed.Message, error) {
	switch {
	case c.Request != "":
		return c.logged(ctx)
	case c.File != "":
		var text []byte
		var err error
		if c.File == "-" {
			text, err = io.ReadAll(std.in)
		} else {
			text, err = os.ReadFile(c.File)
		}
		if err != nil {
			return nil, usageError{err}
		}
		if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
			return readHAR(text)
		}
		m, err := readRequest(text)
		return []signed.Message{m}, err
	case c.Target != "":
		m := signed.Message{Method: strings.ToUpper(c.Method), Target: c.Target, Header: http.Header{}}
		for _, line := range c.Header {
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				return nil, usagef("--header is \"Name: value\", not %q", line)
			}
			m.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
		var err error
		m.Body, err = readSource(std, c.Body)
		return []signed.Message{m}, err
	}
	return nil, usagef("say what to explain: a file with the request or a HAR, --request with an id of the sandbox's log, or --target with --header and --body")
}

func (c explainCommand) logged(ctx context.Context) ([]signed.Message, error) {
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	var r sandbox.Request
	if err := client.Get(ctx, "/requests/"+url.PathEscape(c.Request), &r); err != nil {
		return nil, err
	}
	m := signed.Message{Method: r.Method, Target: r.Target, Header: http.Header{}, Body: []byte(r.Body)}
	for name, value := range r.Headers {
		m.Header.Set(name, value)
	}
	return []signed.Message{m}, nil
}

// readRequest reads a request as it is on the wire, or as curl -v shows it. The
// body is what Content-Length says, and everything behind the blank line without it.
func readRequest(text []byte) (signed.Message, error) {
	if bytes.HasPrefix(text, []byte("> ")) {
		text = unprefixed(text)
	}
	head, body, found := bytes.Cut(text, []byte("\r\n\r\n"))
	if lf, rest, ok := bytes.Cut(text, []byte("\n\n")); ok && (!found || len(lf) < len(head)) {
		head, body = lf, rest
	}
	first, rest, _ := strings.Cut(string(head), "\n")
	words := strings.Fields(first)
	if len(words) < 2 || words[0] != strings.ToUpper(words[0]) {
		return signed.Message{}, usagef("the file does not begin with a request line such as POST /ovo-emoney/v1/payment HTTP/1.1, and is no HAR")
	}
	m := signed.Message{Method: words[0], Target: targetOf(words[1]), Header: http.Header{}, Body: body}
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return m, usagef("the header line %q has no colon", line)
		}
		// Blanks around a value are not part of it (RFC 9112).
		m.Header.Add(textproto.TrimString(name), textproto.TrimString(value))
	}
	var length int
	if _, err := fmt.Sscan(m.Header.Get("Content-Length"), &length); err == nil && length <= len(body) {
		m.Body = body[:length]
	}
	return m, nil
}

// unprefixed takes curl's "> " off the lines of a request, and leaves other lines of
// its report out.
func unprefixed(text []byte) []byte {
	var out bytes.Buffer
	inHead := true
	for line := range bytes.Lines(text) {
		rest, sent := bytes.CutPrefix(line, []byte(">"))
		switch {
		case inHead && sent:
			rest = bytes.TrimPrefix(rest, []byte(" "))
			out.Write(rest)
			inHead = len(bytes.TrimSpace(rest)) > 0
		case !inHead && !bytes.HasPrefix(line, []byte("* ")) && !bytes.HasPrefix(line, []byte("< ")):
			out.Write(line)
		}
	}
	return out.Bytes()
}

// targetOf is the path and query of a target that may be a whole address.
func targetOf(target string) string {
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		return u.RequestURI()
	}
	return target
}

// readHAR reads the requests of an HTTP archive.
func readHAR(text []byte) ([]signed.Message, error) {
	var har struct {
		Log struct {
			Entries []struct {
				Request struct {
					Method   string
					URL      string
					Headers  []struct{ Name, Value string }
					PostData struct {
						Text     string
						Encoding string
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &har); err != nil || len(har.Log.Entries) == 0 {
		return nil, usagef("the file is JSON, but no HAR with entries")
	}
	var all []signed.Message
	for _, e := range har.Log.Entries {
		m := signed.Message{Method: e.Request.Method, Target: targetOf(e.Request.URL), Header: http.Header{}, Body: []byte(e.Request.PostData.Text)}
		if e.Request.PostData.Encoding == "base64" {
			if raw, err := base64.StdEncoding.DecodeString(e.Request.PostData.Text); err == nil {
				m.Body = raw
			}
		}
		for _, h := range e.Request.Headers {
			if !strings.HasPrefix(h.Name, ":") { // HTTP/2's own
				m.Header.Add(h.Name, h.Value)
			}
		}
		all = append(all, m)
	}
	return all, nil
}

func sortedKeys[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }
