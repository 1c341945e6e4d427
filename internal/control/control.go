package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

// DefaultURL is where a sandbox listens unless it is told otherwise.
const DefaultURL = "http://127.0.0.1:8600"

// callTimeout bounds a call. Approving a push hashes a PIN, and a reset erases a
// database; both take a second at most.
const callTimeout = 60 * time.Second

// Client calls one sandbox.
type Client struct {
	Base string // without a slash at its end
	http *http.Client
}

// New returns a client of the sandbox at base, an http or https address.
func New(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a sandbox; it looks like %s", base, DefaultURL)
	}
	return &Client{Base: strings.TrimSuffix(base, "/"), http: &http.Client{}}, nil
}

// Unreachable reports that nothing answered as a sandbox does.
type Unreachable struct {
	Base string
	Err  error
}

func (e *Unreachable) Error() string {
	return fmt.Sprintf("no sandbox answers at %s: %v; start one with \"gerbang sandbox\", or name another with --url", e.Base, e.Err)
}

func (e *Unreachable) Unwrap() error { return e.Err }

// Get reads path, which begins behind /sandbox/v1 and may have a query.
func (c *Client) Get(ctx context.Context, path string, into any) error {
	return c.Call(ctx, http.MethodGet, path, nil, into)
}

// Post sends body, nil for none, and reads the answer unless into is nil.
func (c *Client) Post(ctx context.Context, path string, body, into any) error {
	return c.Call(ctx, http.MethodPost, path, body, into)
}

// Call makes one call. into may be a *json.RawMessage, for the answer as it came.
func (c *Client) Call(ctx context.Context, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return &Unreachable{c.Base, err}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return &Unreachable{c.Base, fmt.Errorf("the answer to %s %s is not what this version of gerbang reads: %w", method, path, err)}
	}
	return nil
}

// Stream opens an answer that goes on until ctx ends or the sandbox stops. The
// caller closes it.
func (c *Client) Stream(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// send makes a call and turns refusals into errors.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+"/sandbox/v1"+path, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if sending := (*url.Error)(nil); errors.As(err, &sending) {
			err = sending.Err // the rest of it repeats the address
		}
		return nil, &Unreachable{c.Base, err}
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var problem sandbox.Problem
	if err := json.NewDecoder(resp.Body).Decode(&problem); kind != "application/problem+json" || err != nil {
		return nil, &Unreachable{c.Base, fmt.Errorf("HTTP %d, and not the words of a sandbox", resp.StatusCode)}
	}
	return nil, &problem
}

// Merchant finds a merchant by its id, DOKU client id, Faspay merchant id
// or name; "" is the only
// merchant or, where there are several, the seeded one.
func (c *Client) Merchant(ctx context.Context, name string) (sandbox.Merchant, error) {
	var list struct{ Merchants []sandbox.Merchant }
	if err := c.Get(ctx, "/merchants", &list); err != nil {
		return sandbox.Merchant{}, err
	}
	for _, m := range list.Merchants {
		if name == "" && (len(list.Merchants) == 1 || *m.DOKU.ClientID == sandbox.SeedClientID) ||
			name != "" && (name == m.ID || name == *m.DOKU.ClientID || name == *m.Faspay.MerchantID || name == *m.Name) {
			return m, nil
		}
	}
	if name == "" {
		return sandbox.Merchant{}, fmt.Errorf("the sandbox has %d merchants; name one with --merchant: \"gerbang merchant list\" shows them", len(list.Merchants))
	}
	return sandbox.Merchant{}, fmt.Errorf("no merchant has the id, client id, Faspay id or name %q; \"gerbang merchant list\" shows them", name)
}
