package ovo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
)

// answers is a gateway without a network, so that its time can be a bubble's: each
// function answers one request, the last one all that come after.
type answers []func(*http.Request) (*http.Response, error)

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	next := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	return next(r)
}

func plain(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func down(*http.Request) (*http.Response, error) { return nil, errors.New("down") }

const snapToken = `{"responseCode":"2007300","accessToken":"tok","expiresIn":86400}`

func settlingSNAP(t *testing.T, then ...func(*http.Request) (*http.Response, error)) *ovo.SNAPClient {
	t.Helper()
	a := append(answers{plain(200, snapToken)}, then...)
	client, err := ovo.SNAP(ovo.SNAPConfig{
		BaseURL: ovo.SNAPSandbox, ClientID: clientID, SecretKey: secretKey, PrivateKey: merchantKey(), HTTPClient: &http.Client{Transport: &a},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestSettle(t *testing.T) {
	t.Parallel()
	merchantKey() // made outside the bubble
	missing := plain(404, `{"responseCode":"4045501","responseMessage":"Transaction Not Found"}`)
	pending := plain(200, strings.Replace(statusOK, `"latestTransactionStatus":"00"`, `"latestTransactionStatus":"03"`, 1))
	paid := plain(200, statusOK)
	query := ovo.StatusQuery{Reference: "INV-20240506-0001"}

	synctest.Test(t, func(t *testing.T) {
		client, began := settlingSNAP(t, missing, down, down, down, plain(500, ""), pending, pending, paid), time.Now()
		status, err := client.Settle(t.Context(), query)
		// A read that cannot be sent is tried three times, so eight answers are six questions.
		if took := time.Since(began); err != nil || status.State != ovo.StateSuccess || took != (1+2+4+8+16)*time.Second+2*100*time.Millisecond {
			t.Errorf("%+v, %v after %s", status, err, took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		client, began := settlingSNAP(t, pending), time.Now()
		status, err := client.Settle(ctx, query)
		if took := time.Since(began); !errors.Is(err, ovo.ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) || status.State != ovo.StatePending || took != 10*time.Minute {
			t.Errorf("%+v, %v after %s", status, err, took)
		}
		_, err = settlingSNAP(t, missing).Settle(ctx, query)
		if !errors.Is(err, ovo.ErrOutcomeUnknown) {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		client, began := settlingSNAP(t, pending, plain(401, `{"responseCode":"4015500","responseMessage":"Unauthorized. Signature"}`)), time.Now()
		_, err := client.Settle(t.Context(), query)
		if took := time.Since(began); !errors.Is(err, ovo.ErrUnauthorized) || errors.Is(err, ovo.ErrOutcomeUnknown) || took != time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestSettleEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signed := func(status string) func(*http.Request) (*http.Response, error) {
			return func(r *http.Request) (*http.Response, error) {
				call := jokul.Call{Method: r.Method, Target: r.URL.Path, ClientID: jokulID, RequestID: r.Header.Get("Request-Id"), Timestamp: "2024-05-06T03:15:21Z"}
				resp, _ := plain(200, jokulStatusBody(status, ""))(r)
				resp.Header.Set("Response-Timestamp", call.Timestamp)
				body, _ := io.ReadAll(resp.Body)
				resp.Body = io.NopCloser(bytes.NewReader(body))
				resp.Header.Set("Signature", jokul.SignResponse(jokulSecret, call, body))
				return resp, nil
			}
		}
		config := ovo.JokulConfig{BaseURL: ovo.SNAPSandbox, ClientID: jokulID, SecretKey: jokulSecret}
		config.HTTPClient = &http.Client{Transport: &answers{signed("PENDING"), signed("TIMEOUT"), signed("FAILED")}}
		client, err := ovo.Jokul(config)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := client.Settle(t.Context(), "SUB-2024-000917"); err != nil || s.State != ovo.StateFailed {
			t.Errorf("Jokul: %+v, %v", s, err)
		}
		config.HTTPClient = &http.Client{Transport: &answers{signed("PENDING"), signed("SUCCESS")}}
		push, err := ovo.Push(ovo.PushConfig(config))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := push.Settle(t.Context(), "SUB-2024-000917"); err != nil || s.State != ovo.StateSuccess {
			t.Errorf("push: %+v, %v", s, err)
		}
		f, err := ovo.Faspay(ovo.FaspayConfig{
			BaseURL: ovo.FaspaySandbox, MerchantID: faspayID, MerchantName: "Toko", UserID: faspayUser, Password: faspayPassword,
			HTTPClient: &http.Client{Transport: &answers{
				plain(200, faspaySample(t, "inquiry_unpaid", ovo.FaspayJSON)), plain(200, faspaySample(t, "inquiry_answer", ovo.FaspayJSON)),
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := f.Settle(t.Context(), faspayPaid); err != nil || s.StatusCode != faspay.StatusSuccess {
			t.Errorf("Faspay: %+v, %v", s, err)
		}
	})
}

// A customer token is fetched once, and again before it ends.
func TestCustomer(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.handle(snap.PathTokenB2B2C, func(w http.ResponseWriter, _ *http.Request) {
		expires := snap.FormatTime(g.clock.Now().Add(time.Hour))
		reply(w, 200, fmt.Sprintf(`{"responseCode":"2007400","accessToken":"tok-%d","accessTokenExpiryTime":%q}`, len(g.of(snap.PathTokenB2B2C)), expires))
	})
	customer := g.client().Customer("2238")
	for _, step := range []struct {
		later time.Duration
		token string
	}{{0, "tok-1"}, {59 * time.Minute, "tok-1"}, {30 * time.Second, "tok-2"}, {time.Minute, "tok-2"}} {
		g.clock.Advance(step.later)
		if token, err := customer.Token(t.Context()); err != nil || token != step.token {
			t.Errorf("after %s more: %q, %v", step.later, token, err)
		}
	}
	if calls := g.of(snap.PathTokenB2B2C); len(calls) != 2 || !strings.Contains(calls[1].body, `"authCode":"2238"`) {
		t.Errorf("%+v", calls)
	}
	g.on(snap.PathTokenB2B2C, 401, `{"responseCode":"4017400","responseMessage":"Invalid Token"}`)
	g.clock.Advance(time.Hour)
	_, err := customer.Token(t.Context())
	expectError(t, "unlinked", err, ovo.ErrCustomerToken, false)

	// A gateway that does not say when a token ends is asked every quarter of an hour.
	g.on(snap.PathTokenB2B2C, 200, `{"responseCode":"2007400","accessToken":"tok-x"}`)
	for _, later := range []time.Duration{0, 14 * time.Minute, time.Minute} {
		g.clock.Advance(later)
		if token, err := customer.Token(t.Context()); err != nil || token != "tok-x" {
			t.Errorf("%q, %v", token, err)
		}
	}
	if n := len(g.of(snap.PathTokenB2B2C)); n != 5 {
		t.Errorf("%d exchanges", n)
	}
}
