package jokul

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// call is one request on its way through the checks.
type call struct {
	*Handler
	ctx       context.Context
	w         http.ResponseWriter
	r         *http.Request
	body      []byte     // as received: what is signed
	doc       wire.Value // body, parsed
	merchant  gateway.Merchant
	unknown   error         // why merchant is not known
	requestID string        // the merchant's id of this call
	claim     gateway.Claim // the use of it whose answer is to be kept
	served    gateway.Served
}

// identify reads who calls, and under which id. It comes before all checks, so
// that refusals of a known client are signed as well; it admits nobody.
func (c *call) identify() {
	c.requestID = c.r.Header.Get(jokul.HeaderRequestID)
	c.lookUp(c.r.Header.Get(jokul.HeaderClientID))
}

func (c *call) lookUp(clientID string) {
	if clientID == "" || !utf8.ValidString(clientID) {
		c.merchant, c.unknown = gateway.Merchant{}, gateway.NotFound
		return
	}
	c.merchant, c.unknown = c.Gateway.MerchantByDOKUClient(c.ctx, clientID)
}

// known refuses a caller that is not known.
func (c *call) known(clientID string) error {
	if errors.Is(c.unknown, gateway.NotFound) {
		return invalidClient(fmt.Sprintf("no merchant has the client id %q", clientID))
	}
	return c.unknown
}

// admit makes the checks that come before a call's own members: headers, clock,
// client, signature, Request-Id, body. Nothing is stored for a call that fails
// before its signature is right; above all, it does not use up its Request-Id.
func (c *call) admit() error {
	if err := c.headers(); err != nil {
		return err
	}
	if err := c.read(); err != nil {
		return err
	}
	if err := c.verify(); err != nil {
		return err
	}
	if err := c.repeat(); err != nil {
		return err
	}
	if err := c.parse(); err != nil {
		return c.refuse(err)
	}
	return nil
}

// admitRead admits a call that has no body and uses up nothing.
func (c *call) admitRead() error {
	if err := c.headers(); err != nil {
		return err
	}
	return c.verify()
}

// admitPush admits a push payment, whose headers are optional: its check_sum
// authenticates it. A signature that is there must be right all the same.
func (c *call) admitPush() error {
	signed := strings.TrimSpace(c.r.Header.Get(jokul.HeaderSignature)) != ""
	if signed {
		if err := c.headers(); err != nil {
			return err
		}
	} else if c.requestID != "" {
		if err := c.wellFormedID(); err != nil {
			return err
		}
	}
	if err := c.read(); err != nil {
		return err
	}
	if signed {
		if err := c.verify(); err != nil {
			return err
		}
	}
	return c.parse()
}

// headers checks that the mandatory headers are there and well formed, that the
// caller's clock is right, and that the caller is known.
func (c *call) headers() error {
	mandatory := []string{jokul.HeaderClientID, jokul.HeaderRequestID, jokul.HeaderRequestTimestamp, jokul.HeaderSignature}
	for _, name := range mandatory {
		if strings.TrimSpace(c.r.Header.Get(name)) == "" {
			return missingHeader(name)
		}
	}
	for _, name := range mandatory {
		if len(c.r.Header.Values(name)) > 1 {
			return malformedHeader(name, "the header "+name+" appears more than once")
		}
	}
	if err := c.wellFormedID(); err != nil {
		return err
	}
	at, err := jokul.ParseTime(c.r.Header.Get(jokul.HeaderRequestTimestamp))
	if err != nil {
		return malformedHeader(jokul.HeaderRequestTimestamp, err.Error())
	}
	if off := c.Clock.Skew(at); off > clockWindow {
		return outOfRange(fmt.Sprintf("the timestamp is %s away from this server's time, %s; at most %s is allowed",
			off.Round(time.Second), jokul.FormatTime(c.Clock.Now()), clockWindow))
	}
	return c.known(c.r.Header.Get(jokul.HeaderClientID))
}

func (c *call) wellFormedID() error {
	id := c.requestID
	if !utf8.ValidString(id) || utf8.RuneCountInString(id) > jokul.MaxRequestID || strings.ContainsFunc(id, unicode.IsControl) {
		return malformedHeader(jokul.HeaderRequestID, fmt.Sprintf("a Request-Id has at most %d characters, none of them a control character", jokul.MaxRequestID))
	}
	return nil
}

// path is the path as on the request line, which is what is signed.
func (c *call) path() string {
	path, _, _ := strings.Cut(c.r.RequestURI, "?")
	return path
}

func (c *call) read() error {
	var err error
	c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, wire.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	}
	if err != nil {
		return badBody("the body could not be read to its end: " + err.Error())
	}
	return nil
}

func (c *call) parse() (err error) {
	if c.doc, err = wire.Parse(c.body); err != nil {
		return badBody("the body is not acceptable JSON: " + err.Error())
	}
	if c.doc.Kind() != wire.Object {
		return badBody("the body is JSON, but not an object")
	}
	return nil
}

func (c *call) verify() error {
	signature := c.r.Header.Get(jokul.HeaderSignature)
	signed := jokul.Call{
		Method: c.r.Method, Target: c.r.RequestURI, ClientID: c.r.Header.Get(jokul.HeaderClientID),
		RequestID: c.requestID, Timestamp: c.r.Header.Get(jokul.HeaderRequestTimestamp),
	}
	verdict, secret := wire.VerifyAny(c.merchant.DOKU.VerifyingKeys(c.Clock.Now()), func(secret string) wire.Verdict {
		return jokul.VerifyRequest(secret, signed, c.body, signature)
	})
	c.merchant.DOKU = c.merchant.DOKU.SignedWith(secret)
	if !verdict.OK && c.Note != nil {
		verdict.Explain(jokul.DiagnoseRequest(secret, signed, c.body, signature, c.clues()))
	}
	return c.judged(verdict, "Invalid Header Signature", "the signature does not match")
}

// judged notes a verdict, and refuses when it is no.
func (c *call) judged(v wire.Verdict, message, reason string) error {
	c.note(wire.Note{Verdict: &v})
	if v.OK {
		return nil
	}
	if v.Hint != "" {
		reason += ": " + v.Hint
	}
	return badSignature(message, reason)
}

// clues are what the sandbox knows besides this call.
func (c *call) clues() wire.Clues {
	if c.Clues == nil {
		return wire.Clues{}
	}
	return c.Clues(c.ctx)
}

func (c *call) note(n wire.Note) {
	if c.Note != nil {
		c.Note(c.ctx, n)
	}
}

// repeat answers a request whose id was used before. From here on the call's
// answer is kept.
func (c *call) repeat() error {
	sum := sha256.Sum256(append([]byte(c.r.Method+c.path()), c.body...))
	c.claim = gateway.Claim{Merchant: c.merchant.ID, Scope: Dialect, Key: c.requestID, Fingerprint: hex.EncodeToString(sum[:])}
	return c.earlier()
}

// earlier is how a request is answered whose id was used before, nil for a new id.
func (c *call) earlier() error {
	r, found, err := c.Gateway.EarlierRequest(c.ctx, c.claim)
	switch {
	case err != nil:
		return err
	case !found:
		return nil
	case !r.Same:
		return requestReused("an earlier request with this Request-Id had another body or path")
	case r.Answer == "":
		return requestReused("the first request with this Request-Id has no answer yet")
	}
	return &refusal{status: http.StatusConflict, code: jokul.CodeIdempotentRequest, replay: r.Answer, reason: "the Request-Id was used before; this is the first answer again"}
}

// refuse ends a call that was admitted but goes no further: its Request-Id is
// used up, and a reused one outweighs the refusal.
func (c *call) refuse(err error) error {
	if claimErr := c.Gateway.ClaimRequest(c.ctx, c.claim); claimErr != nil {
		return claimErr
	}
	return err
}

// keep stores the answer of a call that used up its Request-Id. It outlives the
// caller, who may ask again.
func (c *call) keep(status int, body []byte) {
	if c.claim == (gateway.Claim{}) || !keepable(status) {
		return
	}
	if err := c.Gateway.KeepAnswer(context.WithoutCancel(c.ctx), c.claim, string(body)); err != nil {
		c.Log.ErrorContext(c.ctx, "jokul: answer not kept", "path", c.r.URL.Path, "error", err)
	}
}
