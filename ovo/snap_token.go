package ovo

import (
	"context"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// tokenMargin is how long before its end a B2B token is no longer used.
const tokenMargin = 30 * time.Second

// tokenCache holds one access token for all callers. When there is none, one
// caller's need fetches it and the others wait for the same answer.
type tokenCache struct {
	now   func() time.Time
	fetch func(context.Context) (token string, until time.Time, err error)

	mu     sync.Mutex
	held   string
	until  time.Time // when held is no longer used
	flight *flight   // nil when nobody is fetching
}

// flight is one fetch under way. token and err may be read once done is closed.
type flight struct {
	done  chan struct{}
	token string
	err   error
}

// get returns a token. refused is one that the gateway did not accept, if the
// caller knows of any: it is not given out again.
func (t *tokenCache) get(ctx context.Context, refused string) (string, error) {
	t.mu.Lock()
	if t.held == refused {
		t.held = ""
	}
	if t.held != "" && t.now().Before(t.until) {
		defer t.mu.Unlock()
		return t.held, nil
	}
	if t.flight == nil {
		t.flight = &flight{done: make(chan struct{})}
		// The fetch serves everybody, so it must outlive the caller who began it.
		go t.run(context.WithoutCancel(ctx), t.flight)
	}
	f := t.flight
	t.mu.Unlock()

	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (t *tokenCache) run(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	token, until, err := t.fetch(ctx)
	f.token, f.err = token, err

	t.mu.Lock()
	if err == nil {
		t.held, t.until = token, until
	}
	t.flight = nil
	t.mu.Unlock()
	close(f.done)
}

// tokenB2B fetches a B2B token and says until when to use it.
func (c *SNAPClient) tokenB2B(ctx context.Context) (string, time.Time, error) {
	asked := c.now()
	// The type for merchants' answers is the one that reads expiresIn both as a
	// number and as a string; DOKU's pages show both.
	var answer snap.MerchantTokenAnswer
	err := c.token(ctx, snap.PathTokenB2B, snap.TokenB2BRequest{GrantType: snap.GrantClientCredentials}, &answer)
	if err != nil {
		return "", time.Time{}, err
	}
	if !isWord(answer.AccessToken) {
		return "", time.Time{}, unreadable("no accessToken")
	}
	life := answer.Lifetime()
	return answer.AccessToken, asked.Add(life - min(tokenMargin, life/2)), nil
}

// CustomerToken lets a merchant act for one customer.
type CustomerToken struct {
	// AccessToken goes into the calls that want a customer token.
	AccessToken string
	// ExpiresAt is when AccessToken ends; zero if the gateway did not say. The
	// customer can end it before that, by unlinking in the OVO app.
	ExpiresAt time.Time
	// RefreshToken is for [SNAPClient.RefreshCustomerToken].
	RefreshToken string
	// RefreshExpiresAt is when RefreshToken ends; zero if the gateway did not say.
	RefreshExpiresAt time.Time
}

// CustomerToken exchanges the auth code of a binding for a customer token
// (service 74). It works from the moment the customer has finished the page, and
// again and again: earlier tokens stay valid. ErrCustomerToken means that the
// page is unfinished or the wallet no longer linked; merchants use the exchange
// to find that out.
func (c *SNAPClient) CustomerToken(ctx context.Context, authCode string) (CustomerToken, error) {
	var v check
	v.text("authCode", authCode, snap.MaxToken)
	return c.customerToken(ctx, "customer token", v, snap.TokenB2B2CRequest{GrantType: snap.GrantAuthorizationCode, AuthCode: authCode})
}

// RefreshCustomerToken gets a new customer token for the RefreshToken of an
// earlier one (service 74). ErrCustomerToken means that it has expired, or the
// wallet is no longer linked.
func (c *SNAPClient) RefreshCustomerToken(ctx context.Context, refreshToken string) (CustomerToken, error) {
	var v check
	v.text("refreshToken", refreshToken, snap.MaxToken)
	return c.customerToken(ctx, "refresh customer token", v, snap.TokenB2B2CRequest{GrantType: snap.GrantRefreshToken, RefreshToken: refreshToken})
}

func (c *SNAPClient) customerToken(ctx context.Context, op string, v check, request snap.TokenB2B2CRequest) (CustomerToken, error) {
	if v.err != nil {
		return CustomerToken{}, failed(op, v.err)
	}
	var answer snap.TokenB2B2CAnswer
	if err := c.token(ctx, snap.PathTokenB2B2C, request, &answer); err != nil {
		return CustomerToken{}, failed(op, err)
	}
	if !isWord(answer.AccessToken) {
		return CustomerToken{}, failed(op, unreadable("no accessToken"))
	}
	return CustomerToken{
		AccessToken: answer.AccessToken, ExpiresAt: moment(answer.AccessTokenExpiryTime),
		RefreshToken: answer.RefreshToken, RefreshExpiresAt: moment(answer.RefreshTokenExpiryTime),
	}, nil
}

// SNAPCustomer keeps a customer token of one binding at hand. It may be used by many
// goroutines at once.
type SNAPCustomer struct {
	tokens tokenCache
}

// unsaidLife is how long a customer token is used whose end the gateway did not say.
const unsaidLife = 15 * time.Minute

// Customer returns what gives tokens for the binding with this auth code. It sends
// nothing yet.
func (c *SNAPClient) Customer(authCode string) *SNAPCustomer {
	return &SNAPCustomer{tokenCache{now: c.now, fetch: func(ctx context.Context) (string, time.Time, error) {
		token, err := c.CustomerToken(ctx, authCode)
		until := token.ExpiresAt.Add(-tokenMargin)
		if token.ExpiresAt.IsZero() {
			until = c.now().Add(unsaidLife)
		}
		return token.AccessToken, until, err
	}}}
}

// Token returns a customer token for [PayRequest] and Balance. It exchanges the auth
// code when it is first asked, and again half a minute before the token ends; its
// errors are those of [SNAPClient.CustomerToken]. A token that a call refuses with
// ErrCustomerToken before its time means that the wallet is no longer linked.
func (s *SNAPCustomer) Token(ctx context.Context) (string, error) {
	return s.tokens.get(ctx, "")
}
