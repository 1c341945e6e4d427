package faspay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// call is one request on its way through the checks.
type call struct {
	*Handler
	ctx      context.Context
	w        http.ResponseWriter
	r        *http.Request
	route    faspay.Route
	doc      wire.Value  // body, parsed
	head     faspay.Head // of doc
	merchant gateway.Merchant
	served   gateway.Served
}

// admit makes the checks that come before a call's own members: size, syntax,
// merchant, address, signature, rate. Nothing is stored for a call that fails here.
func (c *call) admit() error {
	if err := c.read(); err != nil {
		return err
	}
	if err := c.identify(); err != nil {
		return err
	}
	if err := c.address(); err != nil {
		return err
	}
	if err := c.verify(); err != nil {
		return err
	}
	if !c.limits.allow(c.merchant.ID, c.Clock) {
		c.w.Header().Set("Retry-After", "1")
		return errTooMany
	}
	return nil
}

func (c *call) read() error {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, wire.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	}
	if err != nil {
		return badBody("the body could not be read to its end: " + err.Error())
	}
	if c.doc, err = faspay.Parse(c.route.Format, body); err != nil {
		return badBody("the body is not acceptable " + strings.ToUpper(string(c.route.Format)) + ": " + err.Error())
	}
	c.head = faspay.ReadHead(c.route.Service, c.doc)
	return nil
}

// identify finds the merchant. A signature is computed for an unknown one too, so
// that looking for merchants by the clock finds none.
func (c *call) identify() error {
	id := c.head.MerchantID
	err := error(gateway.NotFound)
	if id != "" && len(id) <= gateway.MaxFaspayID && strings.Trim(id, "0123456789") == "" {
		c.merchant, err = c.Gateway.MerchantByFaspayID(c.ctx, id)
	}
	switch {
	case errors.Is(err, gateway.NotFound):
		faspay.Verify("bot00000", "nobody's", c.head.Signed, c.head.Signature)
		return refused(faspay.CodeInvalidMerchant, "", fmt.Sprintf("no merchant has the Faspay merchant id %q", id))
	case err != nil:
		return err
	case c.merchant.Faspay.Suspended:
		return refused(faspay.CodeInactive, "", "the merchant is suspended")
	}
	return nil
}

// address holds the peer of the connection against the merchant's list. A header
// counts for nothing: anybody can write one.
func (c *call) address() error {
	peer, _ := netip.ParseAddrPort(c.r.RemoteAddr)
	if c.merchant.Faspay.Allow.Allows(peer.Addr()) {
		return nil
	}
	return refused(faspay.CodeAddress, "", "the merchant's allow list does not have the address "+peer.Addr().String())
}

func (c *call) verify() error {
	f := c.merchant.Faspay
	verdict, password := wire.VerifyAny(f.VerifyingPasswords(c.Clock.Now()), func(password string) wire.Verdict {
		return faspay.Verify(f.UserID, password, c.head.Signed, c.head.Signature)
	})
	if !verdict.OK && c.Note != nil {
		var clues wire.Clues
		if c.Clues != nil {
			clues = c.Clues(c.ctx)
		}
		verdict.Explain(faspay.Diagnose(f.UserID, password, c.head.Signed, c.head.Signature, c.doc, clues))
	}
	c.note(wire.Note{Verdict: &verdict})
	if verdict.OK {
		return nil
	}
	reason := "the signature does not match"
	if verdict.Hint != "" {
		reason += ": " + verdict.Hint
	}
	return refused(faspay.CodeCredentials, "", reason)
}

func (c *call) note(n wire.Note) {
	if c.Note != nil {
		c.Note(c.ctx, n)
	}
}

// limits bound how often each merchant may call. Only calls with a right signature
// count, so that nobody can use up what is another's.
type limits struct {
	rate       rate.Limit
	burst      int
	mu         sync.Mutex
	byMerchant map[gateway.MerchantID]*rate.Limiter
}

func (l *limits) allow(id gateway.MerchantID, clock gateway.Clock) bool {
	l.mu.Lock()
	limiter := l.byMerchant[id]
	if limiter == nil {
		if l.byMerchant == nil {
			l.byMerchant = map[gateway.MerchantID]*rate.Limiter{}
		}
		limiter = rate.NewLimiter(l.rate, l.burst)
		l.byMerchant[id] = limiter
	}
	l.mu.Unlock()
	return limiter.AllowN(clock.Now(), 1)
}
