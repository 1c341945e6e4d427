package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/signed"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

type signCommand struct {
	clientFlags
	keyFlags
	Call string `arg:"" optional:"" help:"Name of the call, or its path; the list of calls if left out."`

	Phone         string       `help:"The customer's phone." default:"081211111111" placeholder:"PHONE"`
	Customer      string       `help:"The merchant's id of the customer." default:"customer-1" placeholder:"ID"`
	CustomerToken string       `help:"SNAP's customer token (B2B2C), or the token_id of a Jokul binding." placeholder:"TOKEN"`
	AuthCode      string       `help:"Auth code of a finished SNAP binding." placeholder:"CODE"`
	Reference     string       `help:"The merchant's number of the payment; made up if left out." placeholder:"NUMBER"`
	Original      string       `help:"Request-Id (Jokul) or trx_id (Faspay) of the payment that the call is about." placeholder:"ID"`
	Refund        string       `help:"The merchant's number of the refund; made up if left out." placeholder:"NUMBER"`
	Amount        money.Amount `help:"Rupiah." default:"15000" placeholder:"RUPIAH"`
	Type          string       `help:"SNAP: RECURRING charges at once, SALE asks the customer." enum:"RECURRING,SALE" default:"RECURRING"`
	ReturnURL     string       `help:"Where the browser goes after a page." default:"https://shop.example/done" placeholder:"URL"`
	Format        string       `help:"Encoding of Faspay's calls: json or xml." enum:"json,xml" default:"json"`

	Body      string `help:"Body to sign in place of the example: the text, @FILE, or - for standard input. A check_sum or signature in it is written over." placeholder:"TEXT"`
	Target    string `help:"Path and query to sign in place of the call's own." placeholder:"PATH"`
	Token     string `help:"SNAP's B2B token; fetched from the sandbox if left out." placeholder:"TOKEN"`
	Timestamp string `help:"Time of the call, RFC 3339; now if left out." placeholder:"TIME"`
	RequestID string `help:"X-EXTERNAL-ID or Request-Id; made up if left out." placeholder:"ID"`
	JSON      bool   `help:"Print JSON for programs."`
	Curl      bool   `help:"Print the curl command alone."`
}

// signView is a signed call as JSON.
type signView struct {
	Call         string            `json:"call"`
	Method       string            `json:"method"`
	URL          string            `json:"url"`
	Headers      map[string]string `json:"headers"`
	Body         string            `json:"body"`
	StringToSign string            `json:"string_to_sign"`
	Digest       string            `json:"digest,omitempty"`
	Signature    string            `json:"signature"`
	Curl         string            `json:"curl"`
}

func (c signCommand) Run(ctx context.Context, std streams) error {
	if c.Call == "" {
		return c.list(std.out)
	}
	call, ok := signed.FindCall(c.Call)
	if !ok && strings.HasPrefix(c.Call, "/") {
		path, _, _ := strings.Cut(c.Call, "?")
		if call, ok = signed.CallAt(path); ok && c.Target == "" {
			c.Target = c.Call
		}
	}
	if !ok {
		return usagef("there is no call %q; \"gerbang sign\" lists them", c.Call)
	}
	keys, err := c.keys(ctx, c.clientFlags)
	if err != nil {
		return err
	}
	values, err := c.values(std)
	if err != nil {
		return err
	}
	if call.UsesToken() && c.Token == "" {
		if values.Token, err = fetchToken(ctx, c.URL, keys, values.At); err != nil {
			return err
		}
	}
	s, err := signed.Sign(call.Name, keys, values)
	if err != nil {
		return usageError{err}
	}
	return c.print(std.out, s)
}

func (c signCommand) values(std streams) (signed.Values, error) {
	v := signed.Values{
		Phone: c.Phone, CustomerID: c.Customer, CustomerToken: c.CustomerToken, AuthCode: c.AuthCode, Reference: c.Reference, OriginalID: c.Original,
		Refund: c.Refund, Amount: c.Amount, ReturnURL: c.ReturnURL, PaymentType: c.Type, Format: faspay.Format(c.Format),
		Token: c.Token, RequestID: c.RequestID, At: gateway.SystemClock{}.Now(), Target: c.Target,
	}
	if c.Timestamp != "" {
		at, err := time.Parse(time.RFC3339, c.Timestamp)
		if err != nil {
			return v, usagef("--timestamp is a time such as 2026-07-01T10:00:00+07:00")
		}
		v.At = at
	}
	made := fmt.Sprint(v.At.UnixMilli())
	if v.Reference == "" {
		v.Reference = "INV-" + made
	}
	if v.Refund == "" {
		v.Refund = "RFD-" + made
	}
	if c.Body == "" {
		return v, nil
	}
	var err error
	v.Body, err = readSource(std, c.Body)
	return v, err
}

func (c signCommand) list(w io.Writer) error {
	rows := [][]string{{"CALL", "DIALECT", "DOES"}}
	for _, call := range signed.Calls {
		rows = append(rows, []string{call.Name, call.Dialect, call.Does})
	}
	return table(w, rows)
}

func (c signCommand) print(w io.Writer, s signed.Signed) error {
	base := strings.TrimSuffix(c.URL, "/")
	curl := s.Curl(base)
	switch {
	case c.Curl:
		_, err := fmt.Fprintln(w, curl)
		return err
	case c.JSON:
		headers := map[string]string{}
		for name := range s.Header {
			headers[name] = s.Header.Get(name)
		}
		return printJSON(w, signView{s.Call, s.Method, base + s.Target, headers, string(s.Body), s.StringToSign, s.Digest, s.Signature, curl})
	}
	fmt.Fprintf(w, "String to sign\n%s\n", indent(s.StringToSign))
	if s.Digest != "" {
		fmt.Fprintf(w, "\nDigest\n%s\n", indent(s.Digest))
	}
	fmt.Fprintf(w, "\nSignature\n%s\n\nRequest\n  %s %s\n", indent(s.Signature), s.Method, s.Target)
	for _, name := range sortedKeys(s.Header) {
		fmt.Fprintf(w, "  %s: %s\n", name, s.Header.Get(name))
	}
	if len(s.Body) > 0 {
		fmt.Fprintf(w, "\n%s\n", indent(string(s.Body)))
	}
	_, err := fmt.Fprintf(w, "\n%s\n", curl)
	return err
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// fetchToken gets a B2B token from the server at base.
func fetchToken(ctx context.Context, base string, keys signed.Keys, at time.Time) (string, error) {
	if keys.PrivateKey == nil {
		return "", usagef("a SNAP call needs a B2B token: give one with --token, or the merchant's --private-key to fetch one")
	}
	s, err := signed.Sign("snap-token", keys, signed.Values{At: at})
	if err != nil {
		return "", err
	}
	status, answer, err := send(ctx, base, s.Message)
	if err != nil {
		return "", &control.Unreachable{Base: base, Err: err}
	}
	var token snap.TokenB2BAnswer
	if err := json.Unmarshal(answer, &token); err != nil || status != http.StatusOK || token.AccessToken == "" {
		return "", fmt.Errorf("%s gave no B2B token: HTTP %d, %s", base, status, oneLine(string(answer)))
	}
	return token.AccessToken, nil
}

// sendTimeout bounds a call of a protocol that no customer has to answer.
const sendTimeout = 30 * time.Second

// send sends a message to the server at base and reads the answer.
func send(ctx context.Context, base string, m signed.Message) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, m.Method, strings.TrimSuffix(base, "/")+m.Target, bytes.NewReader(m.Body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = m.Header.Clone()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, answer, err
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 1 << 20
