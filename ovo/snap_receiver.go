package ovo

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

const (
	// clockWindow is how far the gateway's clock may be off, either way.
	clockWindow = 15 * time.Minute
	// issuedLife is how long a token serves that a receiver has issued.
	issuedLife = 15 * time.Minute
)

// PaymentNotification tells how a payment ended.
type PaymentNotification struct {
	// EventKey is the same in every delivery of the same event, and in no other. It
	// has up to 80 characters.
	EventKey string
	// Reference is the merchant's, ReferenceNo the gateway's number of the payment,
	// RequestID that of the payment's request. Only the first is always there.
	Reference   string
	ReferenceNo string
	RequestID   string
	// State is StateSuccess or StateFailed. Others are not documented, but passed on.
	State State
	// StateCode is latestTransactionStatus as received, behind State.
	StateCode string
	// Amount is in rupiah. Compare it with what was asked for.
	Amount int64
	// CustomerID is the merchant's own id of the customer; it may be empty.
	CustomerID string
	// Type is Sale or Recurring, or empty if the gateway did not say.
	Type PaymentType
}

// BindingStatus is how a binding ended.
type BindingStatus string

const (
	BindingSuccess BindingStatus = snap.BindingSuccess // the auth code can be exchanged now
	BindingPending BindingStatus = snap.BindingPending
	BindingFailed  BindingStatus = snap.BindingFailed
)

// BindingNotification tells how a binding ended.
type BindingNotification struct {
	// EventKey is the same in every delivery of the same event, and in no other. It
	// has up to 80 characters.
	EventKey string
	// RequestID is that of the [Binding].
	RequestID string
	// Status is one of the BindingStatus constants.
	Status BindingStatus
	// CustomerID is the merchant's own id of the customer.
	CustomerID string
	// AuthCode is that of the [Binding]. Keep it as secret as a password.
	AuthCode string
}

// SNAPReceiverConfig says who the merchant is, who may call, and what to do then.
type SNAPReceiverConfig struct {
	// ClientID and SecretKey are the merchant's, as in [SNAPConfig].
	ClientID  string
	SecretKey string
	// PrivateKey is the merchant's. It signs the tokens that the gateway gets here.
	// Replicas with the same key accept each other's tokens.
	PrivateKey *rsa.PrivateKey
	// GatewayPublicKeys check who asks for a token: one of them must have signed. Give
	// two while the gateway changes over from one to the next.
	GatewayPublicKeys []*rsa.PublicKey
	// Published has the keys that a Gerbang publishes, beside GatewayPublicKeys or
	// instead of them; nil: none.
	Published *PublishedKeys
	// TokenPath, PaymentPath and BindingPath are the paths of the URLs in the
	// merchant's settings, such as "/doku/notify". A path whose callback is nil
	// may be empty. A proxy in between may not change path or query: the signature
	// covers them.
	TokenPath   string
	PaymentPath string
	BindingPath string
	// OnPayment and OnBinding are called for notifications whose signature is
	// right, once for an event unless Seen says otherwise. An error makes the gateway
	// deliver again later; it is not told what the error says. The context ends with
	// the request, or is what Seen makes of it.
	OnPayment func(context.Context, PaymentNotification) error
	OnBinding func(context.Context, BindingNotification) error
	// Seen remembers events; nil stands for a [MemorySeen].
	Seen Seen
	// Now is the clock; nil stands for time.Now. See [SNAPConfig] about moved clocks.
	Now func() time.Time
	// Log hears why a call was refused, and the errors of the callbacks. It gets no
	// tokens or signatures. Nil: silence.
	Log *slog.Logger
}

// SNAPReceiver is the handler for a gateway's calls to a merchant: the token
// endpoint (service 73 with the roles swapped), payment notifications (56) and
// binding notifications (07). A notification reaches a callback only with a token
// that was issued here, for the configured client, with a timestamp at most 15
// minutes off, and with the right signature over path, query and body.
//
// Delivery is at least once, in any order. The gateway repeats what was not
// answered with 2xx (DOKU: after 30 minutes, 6 and 12 hours), and what was, if
// the answer got lost; a recorded request could be replayed within the 15
// minutes. Repeats are recognised by Seen.
type SNAPReceiver struct {
	config SNAPReceiverConfig
}

// NewSNAPReceiver makes a receiver. Its error is a mistake in c.
func NewSNAPReceiver(c SNAPReceiverConfig) (*SNAPReceiver, error) {
	c.Now, c.Log, c.Seen = clock(c.Now), logger(c.Log), once(c.Seen)
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	return &SNAPReceiver{c}, nil
}

func (c SNAPReceiverConfig) check() error {
	switch {
	case !isWord(c.ClientID):
		return errors.New("ClientID is missing or has blanks in it")
	case c.SecretKey == "":
		return errors.New("SecretKey is missing")
	case c.OnPayment == nil && c.OnBinding == nil:
		return errors.New("neither OnPayment nor OnBinding is set")
	}
	if err := checkKey("PrivateKey", publicHalf(c.PrivateKey)); err != nil {
		return err
	}
	if len(c.GatewayPublicKeys) == 0 && c.Published == nil {
		return errors.New("neither GatewayPublicKeys nor Published is set")
	}
	for _, key := range c.GatewayPublicKeys {
		if err := checkKey("a key of GatewayPublicKeys", key); err != nil {
			return err
		}
	}
	return checkPaths(
		callbackPath{"TokenPath", c.TokenPath, true},
		callbackPath{"PaymentPath", c.PaymentPath, c.OnPayment != nil},
		callbackPath{"BindingPath", c.BindingPath, c.OnBinding != nil},
	)
}

// callbackPath is a path of a receiver's config, and whether a callback wants it.
type callbackPath struct {
	name, path string
	wanted     bool
}

func checkPaths(paths ...callbackPath) error {
	seen := map[string]bool{}
	for _, p := range paths {
		switch {
		case !p.wanted && p.path == "":
		case !p.wanted:
			return fmt.Errorf("%s is set, but its callback is not", p.name)
		case !strings.HasPrefix(p.path, "/") || strings.ContainsAny(p.path, "?#"):
			return fmt.Errorf("%s is %q, want a path such as /doku/notify", p.name, p.path)
		case seen[p.path]:
			return fmt.Errorf("%s is %q, which another path is already", p.name, p.path)
		}
		seen[p.path] = true
	}
	return nil
}

// refusal is an answer other than success. The reason is for the log only.
type refusal struct {
	status   int
	caseCode string
	message  string
	reason   string
}

func (r *refusal) Error() string { return r.reason }

var (
	errNoSuchPath = &refusal{http.StatusNotFound, "00", "Not Found", "no call has this path"}
	errMethod     = &refusal{http.StatusMethodNotAllowed, "00", "Requested Function Is Not Supported", "every call is a POST"}
	errTooLarge   = &refusal{http.StatusRequestEntityTooLarge, "00", "Request Entity Too Large", "the body is too large"}
)

func malformed(field, reason string) error {
	return &refusal{http.StatusBadRequest, "01", "Invalid Field Format " + field, reason}
}

func missing(field string) error {
	return &refusal{http.StatusBadRequest, "02", "Invalid Mandatory Field " + field, field + " is missing or empty"}
}

func unauthorized(what, reason string) error {
	return &refusal{http.StatusUnauthorized, "00", "Unauthorized. " + what, reason}
}

// ServeHTTP answers every request with one JSON document.
func (s *SNAPReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, serve := snap.ServiceNone, func(http.ResponseWriter, *http.Request) (any, error) { return nil, errNoSuchPath }
	switch path := r.URL.Path; {
	case path == s.config.TokenPath:
		service, serve = snap.ServiceTokenB2B, s.issue
	case s.config.OnPayment != nil && path == s.config.PaymentPath:
		service, serve = snap.ServiceNotify, s.payment
	case s.config.OnBinding != nil && path == s.config.BindingPath:
		service, serve = snap.ServiceBinding, s.binding
	}
	if r.Method != http.MethodPost && service != snap.ServiceNone {
		w.Header().Set("Allow", http.MethodPost)
		service, serve = snap.ServiceNone, func(http.ResponseWriter, *http.Request) (any, error) { return nil, errMethod }
	}
	status := http.StatusOK
	answer, err := serve(w, r)
	if err != nil {
		var no *refusal
		if errors.As(err, &no) {
			s.config.Log.WarnContext(r.Context(), "ovo: call refused", "path", r.URL.Path, "status", no.status, "reason", no.reason)
		} else {
			// What went wrong at the merchant's is nobody else's business.
			s.config.Log.ErrorContext(r.Context(), "ovo: notification not handled", "path", r.URL.Path, "error", err)
			no = &refusal{http.StatusInternalServerError, "00", "General Error", ""}
		}
		status = no.status
		answer = snap.Answer{ResponseCode: snap.Code(status, service, no.caseCode), ResponseMessage: no.message}
	}
	body, err := wire.Encode(answer)
	if err != nil { // answers are plain structs
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(snap.HeaderTimestamp, snap.FormatTime(s.config.Now()))
	if service == snap.ServiceTokenB2B {
		w.Header().Set(snap.HeaderClientKey, s.config.ClientID)
	}
	w.WriteHeader(status)
	w.Write(body)
}

// issue gives the gateway a token. Its body is not looked at: the signature does
// not cover it, and there is nothing in it to choose.
func (s *SNAPReceiver) issue(_ http.ResponseWriter, r *http.Request) (any, error) {
	const invalidSignature = "Invalid Signature"
	if err := present(r, snap.HeaderClientKey, snap.HeaderTimestamp, snap.HeaderSignature); err != nil {
		return nil, err
	}
	if r.Header.Get(snap.HeaderClientKey) != s.config.ClientID {
		return nil, unauthorized(invalidSignature, "X-CLIENT-KEY names another client")
	}
	timestamp, err := s.timestamp(r)
	if err != nil {
		return nil, err
	}
	switch ok, err := s.fromGateway(r.Context(), timestamp, r.Header.Get(snap.HeaderSignature)); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, unauthorized(invalidSignature, "the signature was not made by the gateway's key over client id and timestamp")
	}
	token, err := mint(s.config.PrivateKey, s.config.ClientID, s.config.Now().Add(issuedLife))
	if err != nil {
		return nil, err
	}
	return snap.TokenB2BAnswer{
		ResponseCode: snap.Code(200, snap.ServiceTokenB2B, "00"), ResponseMessage: "Successful",
		AccessToken: token, TokenType: snap.TokenBearer, ExpiresIn: int(issuedLife.Seconds()),
	}, nil
}

// fromGateway reports whether a key of the gateway's made the signature. An error says
// that one might have, which cannot be known now.
func (s *SNAPReceiver) fromGateway(ctx context.Context, timestamp, signature string) (bool, error) {
	made := func(key *rsa.PublicKey) bool {
		return snap.VerifyAsymmetric(key, s.config.ClientID, timestamp, signature).OK
	}
	if slices.ContainsFunc(s.config.GatewayPublicKeys, made) {
		return true, nil
	}
	if s.config.Published == nil {
		return false, nil
	}
	// The second time, it may be a key that was not there at the first.
	var err error
	for _, age := range []time.Duration{keysAge, keysPause} {
		var keys []*rsa.PublicKey
		if keys, err = s.config.Published.at(ctx, s.config.Now(), age); slices.ContainsFunc(keys, made) {
			return true, nil
		}
	}
	return false, err
}

func (s *SNAPReceiver) payment(w http.ResponseWriter, r *http.Request) (any, error) {
	doc, err := s.admit(w, r)
	if err != nil {
		return nil, err
	}
	n, err := decodePayment(doc)
	if err != nil {
		return nil, err
	}
	err = s.config.Seen.Once(r.Context(), n.EventKey, func(ctx context.Context) error { return s.config.OnPayment(ctx, n) })
	if err != nil {
		return nil, fmt.Errorf("OnPayment: %w", err)
	}
	return snap.NotificationAck{
		ResponseCode: snap.Code(200, snap.ServiceNotify, "00"), ResponseMessage: "Request has been processed successfully",
	}, nil
}

func (s *SNAPReceiver) binding(w http.ResponseWriter, r *http.Request) (any, error) {
	doc, err := s.admit(w, r)
	if err != nil {
		return nil, err
	}
	n, err := decodeBinding(doc)
	if err != nil {
		return nil, err
	}
	err = s.config.Seen.Once(r.Context(), n.EventKey, func(ctx context.Context) error { return s.config.OnBinding(ctx, n) })
	if err != nil {
		return nil, fmt.Errorf("OnBinding: %w", err)
	}
	return snap.NotificationAck{ResponseCode: snap.Code(200, snap.ServiceBinding, "00"), ResponseMessage: "Successful"}, nil
}

// admit reads a notification and makes sure that the gateway sent it. The body is
// parsed only after that.
func (s *SNAPReceiver) admit(w http.ResponseWriter, r *http.Request) (wire.Value, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return wire.Value{}, errTooLarge
	case err != nil:
		return wire.Value{}, badBody("it ended early: " + err.Error())
	}
	if err := present(r, snap.HeaderTimestamp, snap.HeaderSignature, snap.HeaderAuthorization); err != nil {
		return wire.Value{}, err
	}
	// No document says whether binding notifications name the client.
	if client := r.Header.Get(snap.HeaderPartnerID); client != "" && client != s.config.ClientID {
		return wire.Value{}, unauthorized("[Unknown client]", "X-PARTNER-ID names another client")
	}
	timestamp, err := s.timestamp(r)
	if err != nil {
		return wire.Value{}, err
	}
	token := snap.BearerToken(r.Header.Get(snap.HeaderAuthorization))
	if !issued(&s.config.PrivateKey.PublicKey, s.config.ClientID, token, s.config.Now()) {
		return wire.Value{}, &refusal{http.StatusUnauthorized, "01", "Invalid Token (B2B)", "the token in Authorization was not issued here, or has expired"}
	}
	if !s.signed(r, token, timestamp, body) {
		return wire.Value{}, unauthorized("[Signature]", "the signature does not match; it covers method, path and query, token, body and timestamp")
	}
	doc, err := wire.Parse(body)
	if err != nil {
		return wire.Value{}, badBody(err.Error())
	}
	if doc.Kind() != wire.Object {
		return wire.Value{}, badBody("it is JSON, but not an object")
	}
	return doc, nil
}

func badBody(reason string) error {
	return &refusal{http.StatusBadRequest, "00", "Bad Request", "the body cannot be used: " + reason}
}

func present(r *http.Request, names ...string) error {
	for _, name := range names {
		if strings.TrimSpace(r.Header.Get(name)) == "" {
			return missing(name)
		}
	}
	return nil
}

// timestamp returns the header's text, which is what is signed, if its time is
// near enough.
func (s *SNAPReceiver) timestamp(r *http.Request) (string, error) {
	text := r.Header.Get(snap.HeaderTimestamp)
	at, err := snap.ParseTime(text)
	if err != nil {
		return "", malformed(snap.HeaderTimestamp, err.Error())
	}
	if off := at.Sub(s.config.Now()).Abs(); off > clockWindow {
		return "", unauthorized("["+snap.HeaderTimestamp+"]", fmt.Sprintf("the timestamp is %s off, at most %s are allowed", off.Round(time.Second), clockWindow))
	}
	return text, nil
}

// signed checks the symmetric signature. The target is the one of the request
// line: a router may have cut r.URL.
func (s *SNAPReceiver) signed(r *http.Request, token, timestamp string, body []byte) bool {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") {
		target = r.URL.RequestURI()
	}
	return snap.VerifySymmetric(s.config.SecretKey, r.Method, target, token, body, timestamp, r.Header.Get(snap.HeaderSignature)).OK
}

// decodePayment reads a payment notification. It insists on no more than is
// needed to know which payment ended how.
func decodePayment(doc wire.Value) (PaymentNotification, error) {
	d := fields{doc: doc}
	n := PaymentNotification{
		Reference: d.text("originalPartnerReferenceNo", true), ReferenceNo: d.text("originalReferenceNo", false),
		RequestID: d.text("originalExternalId", false), StateCode: d.text("latestTransactionStatus", true),
		CustomerID: d.text("additionalInfo.custIdMerchant", false),
		Type:       PaymentType(strings.ToUpper(d.text("additionalInfo.paymentType", false))),
	}
	value := doc.Get("amount.value")
	if value.Absent() {
		d.fail(missing("amount.value"))
	}
	var err error
	if n.Amount, err = parseRupiah(value.Literal(), d.text("amount.currency", false)); err != nil {
		d.fail(malformed("amount", err.Error()))
	}
	if d.err != nil {
		return PaymentNotification{}, d.err
	}
	n.State = stateOf(n.StateCode)
	n.EventKey = eventKey("payment", n.StateCode, n.Reference)
	return n, nil
}

func decodeBinding(doc wire.Value) (BindingNotification, error) {
	d := fields{doc: doc}
	n := BindingNotification{
		RequestID:  d.text("originalExternalId", true),
		Status:     BindingStatus(strings.ToUpper(d.text("additionalInfo.status", true))),
		CustomerID: d.text("additionalInfo.custIdMerchant", true), AuthCode: d.text("additionalInfo.authCode", true),
	}
	if d.err != nil {
		return BindingNotification{}, d.err
	}
	switch n.Status {
	case BindingSuccess, BindingPending, BindingFailed:
	default:
		return BindingNotification{}, malformed("additionalInfo.status", "it is neither SUCCESS nor PENDING nor FAILED")
	}
	n.EventKey = eventKey("binding", string(n.Status), n.AuthCode)
	return n, nil
}

// eventKey names an event without giving away what identifies it: an auth code
// must not end up wherever keys do.
func eventKey(kind, status, identity string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + status + "\x00" + identity))
	return kind + "-" + hex.EncodeToString(sum[:])
}

// fields reads members and keeps the first problem.
type fields struct {
	doc wire.Value
	err error
}

func (d *fields) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *fields) text(path string, mandatory bool) string {
	v := d.doc.Get(path)
	if v.Absent() {
		if mandatory {
			d.fail(missing(path))
		}
		return ""
	}
	text, ok := v.Text()
	if !ok {
		d.fail(malformed(path, path+" is not a string"))
	}
	return text
}
