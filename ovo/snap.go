package ovo

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// DOKU's hosts for [SNAPConfig.BaseURL].
const (
	SNAPProduction = "https://api.doku.com"
	SNAPSandbox    = "https://api-sandbox.doku.com"
)

// GerbangSandbox is where `gerbang sandbox` listens if it is not told otherwise. It
// speaks every protocol of this package.
const GerbangSandbox = "http://127.0.0.1:8600"

// timeout bounds a request when the merchant brings no HTTP client, and every
// request for a B2B token. DOKU's own libraries wait as long.
const timeout = 30 * time.Second

// SNAPConfig says who the merchant is and where the gateway is.
type SNAPConfig struct {
	// BaseURL is scheme and host, without a path: [SNAPProduction], [SNAPSandbox],
	// or a Gerbang server such as [GerbangSandbox]. Signatures cover the path, so no
	// proxy may change it. Over plain http, tokens can be read on the way: for local
	// use only.
	BaseURL string
	// ClientID and SecretKey are the merchant's, from the provider's back office.
	ClientID  string
	SecretKey string
	// PrivateKey signs the token calls. The provider has its public half.
	PrivateKey *rsa.PrivateKey
	// HTTPClient sends the requests; nil stands for one that gives up after 30
	// seconds. Redirects are never followed, whatever it says.
	HTTPClient *http.Client
	// Now is the clock; nil stands for time.Now. A gateway refuses timestamps more
	// than 15 minutes off, so against a sandbox whose clock was moved, this one
	// must follow.
	Now func() time.Time
}

// SNAPClient calls the SNAP API of one merchant. It may be used by many
// goroutines at once, and should be: they share one B2B token.
type SNAPClient struct {
	host   host
	id     string
	secret string
	key    *rsa.PrivateKey
	now    func() time.Time
	tokens tokenCache
}

// SNAP makes a client. It sends nothing; its error is a mistake in c.
func SNAP(c SNAPConfig) (*SNAPClient, error) {
	to, err := newHost(c.BaseURL, c.HTTPClient, timeout)
	if err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	if err := checkMerchant(c.ClientID, c.SecretKey); err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	if err := checkKey("PrivateKey", publicHalf(c.PrivateKey)); err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	s := &SNAPClient{host: to, id: c.ClientID, secret: c.SecretKey, key: c.PrivateKey, now: clock(c.Now)}
	s.tokens = tokenCache{now: s.now, fetch: s.tokenB2B}
	return s, nil
}

// call is one transaction call and what may be done when it fails.
type call struct {
	path      string
	body      any
	requestID string // X-EXTERNAL-ID; empty: a fresh one for each attempt
	customer  string // customer token, where the call needs one
	read      bool   // has no effect, so that it may be repeated
	charge    bool   // moves money: ErrOutcomeUnknown unless the gateway surely refused
}

// do makes one call and returns the X-EXTERNAL-ID under which it was answered.
// It sends once, and again for two reasons: the B2B token was refused, once, or the
// connection of a read broke.
func (c *SNAPClient) do(ctx context.Context, k call, answer any) (requestID string, err error) {
	body, err := wire.Encode(k.body)
	if err != nil {
		return "", err
	}
	token, err := c.tokens.get(ctx, "")
	if err != nil {
		return "", fmt.Errorf("access token: %w", err)
	}
	renewed, repeats := false, repeats{}
	for {
		// Past this point a failure may come too late.
		if err := ctx.Err(); err != nil {
			return "", err
		}
		requestID = k.requestID
		if requestID == "" {
			requestID = newRequestID(c.now())
		}
		reply, trip, err := c.host.exchange(ctx, http.MethodPost, k.path, c.transactionHeader(k, token, requestID, body), body)
		if err != nil {
			if k.read && repeats.again(ctx, trip, err) {
				continue
			}
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
			if k.charge && trip.sent {
				err = unknown(err)
			}
			return requestID, err
		}
		err = reply.decode(answer)
		var refusal *Error
		switch {
		case err == nil:
			return requestID, nil
		case errors.As(err, &refusal) && refusal.tokenRefused() && !renewed:
			renewed = true
			if token, err = c.tokens.get(ctx, token); err != nil {
				return requestID, fmt.Errorf("access token: %w", err)
			}
			continue
		case k.read && (nobodyThere(err) || sentTwice(k.requestID, err)) && repeats.again(ctx, answered, err):
			continue
		case k.charge && (refusal == nil || !refusal.definite() || sentTwice(k.requestID, err)):
			err = unknown(err)
		}
		return requestID, err
	}
}

func (c *SNAPClient) transactionHeader(k call, token, requestID string, body []byte) http.Header {
	timestamp := snap.FormatTime(c.now())
	h := http.Header{}
	h.Set(snap.HeaderPartnerID, c.id)
	h.Set(snap.HeaderExternalID, requestID)
	h.Set(snap.HeaderTimestamp, timestamp)
	h.Set(snap.HeaderAuthorization, snap.TokenBearer+" "+token)
	h.Set(snap.HeaderSignature, snap.SignSymmetric(c.secret, http.MethodPost, k.path, token, body, timestamp))
	if k.customer != "" {
		h.Set(snap.HeaderCustomer, snap.TokenBearer+" "+k.customer)
	}
	return h
}

// token makes one of the two token calls, which have a signature of their own and
// no X-EXTERNAL-ID. They may be repeated: an earlier token stays valid.
func (c *SNAPClient) token(ctx context.Context, path string, request, answer any) error {
	body, err := wire.Encode(request)
	if err != nil {
		return err
	}
	var repeats repeats
	for {
		timestamp := snap.FormatTime(c.now())
		signature, err := snap.SignAsymmetric(c.key, c.id, timestamp)
		if err != nil {
			return err
		}
		h := http.Header{}
		h.Set(snap.HeaderClientKey, c.id)
		h.Set(snap.HeaderTimestamp, timestamp)
		h.Set(snap.HeaderSignature, signature)
		reply, trip, err := c.host.exchange(ctx, http.MethodPost, path, h, body)
		if err == nil {
			if err = reply.decode(answer); !nobodyThere(err) || !repeats.again(ctx, answered, err) {
				return err
			}
		} else if !repeats.again(ctx, trip, err) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// decode reads a success into answer. Everything else is an [*Error].
//
// Success is HTTP 2xx with a code that begins with 200. No more can be asked:
// editions of the documents print 20054000 for a payment and 2000700 for a refund.
func (r reply) decode(answer any) error {
	var head snap.Answer
	if unmarshal(r.body, &head) != nil || head.ResponseCode == "" {
		return &Error{Status: r.status}
	}
	if r.status/100 != 2 || !strings.HasPrefix(head.ResponseCode, "200") {
		return &Error{Code: head.ResponseCode, Message: head.ResponseMessage, Status: r.status}
	}
	if err := unmarshal(r.body, answer); err != nil {
		return unreadable("the body: %v", err)
	}
	return nil
}

var requestIDs = new(big.Int).Exp(big.NewInt(10), big.NewInt(19), nil)

// newRequestID returns 32 digits, the time in milliseconds and chance. Documents
// of SNAP allow up to 36.
func newRequestID(now time.Time) string {
	n, err := rand.Int(rand.Reader, requestIDs)
	if err != nil {
		panic(err) // crypto/rand documents that it never fails
	}
	return fmt.Sprintf("%013d%019d", now.UnixMilli(), n)
}
