package snap

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// call is one request on its way through the checks.
type call struct {
	*Handler
	ctx      context.Context
	r        *http.Request
	service  snap.Service
	body     []byte     // as received: what is signed
	doc      wire.Value // body, parsed
	merchant gateway.Merchant
	claim    gateway.Claim // the request id, which every call but the token calls uses up
}

func (c *call) isTokenCall() bool {
	return c.service == snap.ServiceTokenB2B || c.service == snap.ServiceTokenB2B2C
}

// requestID is the merchant's id of this call.
func (c *call) requestID() string { return c.claim.Key }

// admit makes the checks that come before a call's own members, in the order
// that docs/protocols/snap.md fixes: method, body, headers, client, clock, token,
// signature, rate. Nothing is stored for a call that fails here; above all, it does
// not use up the request id it bears.
func (c *call) admit(w http.ResponseWriter) error {
	if c.r.Method != http.MethodPost {
		return errMethod
	}
	if err := c.read(w); err != nil {
		return err
	}
	timestamp, err := c.headers()
	if err != nil {
		return err
	}
	verify := c.verifySymmetric
	if c.isTokenCall() {
		verify = c.verifyAsymmetric
	}
	if err := verify(timestamp); err != nil {
		return err
	}
	return c.Gateway.AdmitCall(c.merchant)
}

func (c *call) read(w http.ResponseWriter) error {
	var err error
	c.body, err = io.ReadAll(http.MaxBytesReader(w, c.r.Body, wire.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	}
	if err != nil {
		return badRequest("the body could not be read to its end: " + err.Error())
	}
	if c.doc, err = wire.Parse(c.body); err != nil {
		return badRequest("the body is not acceptable JSON: " + err.Error())
	}
	if c.doc.Kind() != wire.Object {
		return badRequest("the body is JSON, but not an object")
	}
	return nil
}

// headers checks that the mandatory headers are there, that they are well
// formed, and who is calling at what time. It returns the timestamp's text.
func (c *call) headers() (timestamp string, err error) {
	client := snap.HeaderPartnerID
	mandatory := []string{snap.HeaderTimestamp, snap.HeaderSignature, snap.HeaderPartnerID, snap.HeaderExternalID, snap.HeaderAuthorization}
	if c.isTokenCall() {
		client = snap.HeaderClientKey
		mandatory = []string{snap.HeaderClientKey, snap.HeaderTimestamp, snap.HeaderSignature}
	}
	for _, name := range mandatory {
		if strings.TrimSpace(c.r.Header.Get(name)) == "" {
			return "", missingField(name, "the header "+name+" is missing or empty")
		}
	}
	if c.needsCustomer() && c.customerToken() == "" {
		return "", missingField(snap.HeaderCustomer, "the header "+snap.HeaderCustomer+" is missing or empty")
	}
	for _, name := range append(mandatory, snap.HeaderCustomer) {
		if len(c.r.Header.Values(name)) > 1 {
			return "", malformedField(name, "the header "+name+" appears more than once")
		}
	}

	timestamp = c.r.Header.Get(snap.HeaderTimestamp)
	at, err := snap.ParseTime(timestamp)
	if err != nil {
		return "", malformedField(snap.HeaderTimestamp, err.Error())
	}
	externalID := c.r.Header.Get(snap.HeaderExternalID)
	if !c.isTokenCall() && !wellFormedID(externalID) {
		return "", malformedField(snap.HeaderExternalID, "an X-EXTERNAL-ID has 1 to 64 printable characters without blanks")
	}
	c.merchant, err = c.Gateway.MerchantByDOKUClient(c.ctx, c.r.Header.Get(client))
	if errors.Is(err, gateway.NotFound) {
		return "", unauthorized("Unknown client", fmt.Sprintf("no merchant has the client id %q that %s names", c.r.Header.Get(client), client))
	}
	if err != nil {
		return "", err
	}
	now := c.Clock.Now()
	if off := c.Clock.Skew(at); off > clockWindow {
		return "", unauthorized(snap.HeaderTimestamp, fmt.Sprintf("the timestamp is %s away from this server's time, %s; at most %s is allowed",
			off.Round(time.Second), snap.FormatTime(now), clockWindow))
	}
	// The same id may come again for another service, and on another day.
	c.claim = gateway.Claim{Merchant: c.merchant.ID, Scope: Dialect + " " + string(c.service) + " " + wire.Day(now), Key: externalID}
	return timestamp, nil
}

func wellFormedID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

func (c *call) verifyAsymmetric(timestamp string) error {
	c.claim = gateway.Claim{} // token calls have no request id
	var keys []*rsa.PublicKey
	var unusable error
	for _, text := range c.merchant.DOKU.VerifyingPublicKeys(c.Clock.Now()) {
		if key, err := snap.ParsePublicKey(text); err != nil {
			unusable = err
		} else {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return unauthorized("Signature", "the merchant has registered no usable public key: "+unusable.Error())
	}
	signature := c.r.Header.Get(snap.HeaderSignature)
	verdict, key := wire.VerifyAny(keys, func(key *rsa.PublicKey) wire.Verdict {
		return snap.VerifyAsymmetric(key, c.r.Header.Get(snap.HeaderClientKey), timestamp, signature)
	})
	if !verdict.OK && c.Note != nil {
		verdict.Explain(snap.DiagnoseAsymmetric(key, c.r.Header.Get(snap.HeaderClientKey), timestamp, signature, c.clues()))
	}
	return c.judged(verdict)
}

func (c *call) verifySymmetric(timestamp string) error {
	token := snap.BearerToken(c.r.Header.Get(snap.HeaderAuthorization))
	claims, err := c.parseToken(token)
	switch {
	case err != nil:
		return &refusal{401, "01", "Invalid Token (B2B)", "the token in Authorization was not issued here"}
	case claims.ClientID != c.merchant.DOKU.ClientID:
		return &refusal{401, "01", "Invalid Token (B2B)", "the token in Authorization belongs to another client"}
	case claims.AccountID != "" || claims.Use != "":
		return &refusal{401, "01", "Invalid Token (B2B)", "the token in Authorization is not a B2B token"}
	case !c.Clock.Now().Before(claims.Expires):
		return &refusal{401, "01", "Invalid Token (B2B)", "the token in Authorization expired at " + snap.FormatTime(claims.Expires)}
	}
	signature := c.r.Header.Get(snap.HeaderSignature)
	verdict, secret := wire.VerifyAny(c.merchant.DOKU.VerifyingKeys(c.Clock.Now()), func(secret string) wire.Verdict {
		return snap.VerifySymmetric(secret, c.r.Method, c.r.RequestURI, token, c.body, timestamp, signature)
	})
	if !verdict.OK && c.Note != nil {
		verdict.Explain(snap.Diagnose(secret, c.r.Method, c.r.RequestURI, token, c.body, timestamp, signature, c.clues()))
	}
	return c.judged(verdict)
}

func (c *call) judged(v wire.Verdict) error {
	c.note(wire.Note{Verdict: &v})
	if v.OK {
		return nil
	}
	reason := "the signature does not match"
	if v.Hint != "" {
		reason += ": " + v.Hint
	}
	return unauthorized("Signature", reason)
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

// needsCustomer reports whether the call acts for a customer.
func (c *call) needsCustomer() bool {
	return c.service == snap.ServiceBalance || c.service == snap.ServicePayment
}

// customerToken is the B2B2C token of the call, from its header or, as the
// archived edition had it, from the body.
func (c *call) customerToken() string {
	if token := snap.BearerToken(c.r.Header.Get(snap.HeaderCustomer)); token != "" {
		return token
	}
	for _, path := range []string{"bankCardToken", "additionalInfo.bankCardToken"} {
		if token, ok := c.doc.Get(path).Text(); ok && token != "" {
			return token
		}
	}
	return ""
}

// customer reads the binding that the customer token stands for. Whether the
// binding is still active is for the gateway to say.
func (c *call) customer() (gateway.BindingID, error) {
	claims, err := c.parseToken(c.customerToken())
	switch {
	case err != nil:
		return "", errCustomerToken("the customer token was not issued here")
	case claims.ClientID != c.merchant.DOKU.ClientID:
		return "", errCustomerToken("the customer token belongs to another client")
	case claims.AccountID == "" || claims.Use != "":
		return "", errCustomerToken("this is not a customer's access token")
	case !c.Clock.Now().Before(claims.Expires):
		return "", errCustomerToken("the customer token expired at " + snap.FormatTime(claims.Expires) + "; exchange the auth code again")
	}
	return bindingID(claims.AccountID), nil
}
