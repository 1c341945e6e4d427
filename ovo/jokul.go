package ovo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// JokulConfig says who the merchant is and where the gateway is.
type JokulConfig struct {
	// BaseURL is scheme and host, without a path: [SNAPProduction] or [SNAPSandbox],
	// which DOKU uses for these APIs too, or a Gerbang server. Signatures cover the
	// path, so no proxy may change it. Over plain http, tokens can be read on the way:
	// for local use only.
	BaseURL string
	// ClientID and SecretKey are the merchant's, from the provider's back office. The
	// "SK-" belongs to the key.
	ClientID  string
	SecretKey string
	// HTTPClient sends the requests; nil stands for one that gives up after 30
	// seconds. Redirects are never followed, whatever it says.
	HTTPClient *http.Client
	// Now is the clock; nil stands for time.Now. A gateway refuses timestamps more
	// than an hour off, so against a sandbox whose clock was moved, this one must
	// follow.
	Now func() time.Time
}

// JokulClient calls OVO Recurring and OVO Open API outside SNAP, the APIs once
// named Jokul, for one merchant. It may be used by many goroutines at once.
//
// Every answer must carry the gateway's signature. Without it, or with a wrong one,
// nothing that it says is believed: the error is ErrUnavailable, after a charge
// ErrOutcomeUnknown. Excepted are refusals that come before the gateway can sign,
// which are all ErrUnauthorized. The signature of a Status answer does not cover
// its body; that is how DOKU has defined it.
//
// A request with a RequestID that was used for the same request before has no
// effect and gets the first answer once more, which is returned as if it were new.
// While the first one is being worked on, or if it was another one, it is
// ErrConflict.
type JokulClient struct {
	line jokulLine
}

// Jokul makes a client. It sends nothing; its error is a mistake in c.
func Jokul(c JokulConfig) (*JokulClient, error) {
	line, err := newJokulLine(c, timeout)
	if err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	return &JokulClient{line}, nil
}

// jokulLine sends signed requests and verifies the answers.
type jokulLine struct {
	host   host
	id     string
	secret string
	now    func() time.Time
}

func newJokulLine(c JokulConfig, patience time.Duration) (jokulLine, error) {
	to, err := newHost(c.BaseURL, c.HTTPClient, patience)
	if err != nil {
		return jokulLine{}, err
	}
	if err := checkMerchant(c.ClientID, c.SecretKey); err != nil {
		return jokulLine{}, err
	}
	return jokulLine{host: to, id: c.ClientID, secret: c.SecretKey, now: clock(c.Now)}, nil
}

// jokulCall is one call and how its answer is to be understood.
type jokulCall struct {
	path      string
	body      any    // nil: a GET
	requestID string // Request-Id; empty: a fresh one for each attempt
	read      bool   // has no effect, so that it may be repeated
	charge    bool   // moves money: ErrOutcomeUnknown unless the gateway surely refused
	token     bool   // charges or reads a token, so that not_found means the token
	invoice   bool   // brings a new invoice number
	checkSum  bool   // a success may come without header signature
}

// jokulReply is an answer that is no error.
type jokulReply struct {
	requestID string // under which it was answered; set beside an error as well
	status    int
	doc       wire.Value
	body      []byte
}

func (l *jokulLine) do(ctx context.Context, k jokulCall) (jokulReply, error) {
	method, body := http.MethodGet, []byte(nil)
	if k.body != nil {
		var err error
		method = http.MethodPost
		if body, err = wire.Encode(k.body); err != nil {
			return jokulReply{}, err
		}
	}
	var repeats repeats
	for {
		if err := ctx.Err(); err != nil {
			return jokulReply{}, err
		}
		call := jokul.Call{
			Method: method, Target: k.path, ClientID: l.id, RequestID: k.requestID, Timestamp: jokul.FormatTime(l.now()),
		}
		if call.RequestID == "" {
			call.RequestID = newUUID()
		}
		h := http.Header{}
		h.Set(jokul.HeaderClientID, call.ClientID)
		h.Set(jokul.HeaderRequestID, call.RequestID)
		h.Set(jokul.HeaderRequestTimestamp, call.Timestamp)
		h.Set(jokul.HeaderSignature, jokul.SignRequest(l.secret, call, body))
		answer, trip, err := l.host.exchange(ctx, method, k.path, h, body)
		if err != nil && k.read && repeats.again(ctx, trip, err) {
			continue
		}
		done := jokulReply{requestID: call.RequestID, status: answer.status, body: answer.body}
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
			if k.charge && trip.sent {
				err = unknown(err)
			}
			return done, err
		}
		var certain bool
		done.doc, certain, err = l.open(k, call, answer)
		if k.read && (nobodyThere(err) || sentTwice(k.requestID, err)) && repeats.again(ctx, answered, err) {
			continue
		}
		if err != nil && k.charge && (!certain || sentTwice(k.requestID, err)) {
			err = unknown(err)
		}
		return done, err
	}
}

// open reads an answer. certain tells about an error whether the gateway has surely
// done nothing.
func (l *jokulLine) open(k jokulCall, call jokul.Call, r reply) (doc wire.Value, certain bool, err error) {
	signature := r.header.Get(jokul.HeaderSignature)
	call.Timestamp = r.header.Get(jokul.HeaderResponseTimestamp)
	signed := jokul.VerifyResponse(l.secret, call, r.body, signature).OK
	doc, syntax := wire.Parse(r.body)
	code, _ := doc.Get("error.code").Text()
	if code != "" {
		message, _ := doc.Get("error.message").Text()
		e := k.refusal(r.status, code, message)
		switch {
		case unsigned(code) && clientError(r.status):
			return wire.Value{}, true, e
		case signed:
			return wire.Value{}, e.settled(), e
		}
		e.means = ErrUnavailable
		return wire.Value{}, false, fmt.Errorf("%w (%w)", e, badSignature(signature))
	}
	if r.status/100 != 2 && !(r.status == http.StatusConflict && (signed || k.checkSum)) {
		return wire.Value{}, false, &Error{Status: r.status}
	}
	switch {
	case !signed && !(k.checkSum && signature == ""):
		return wire.Value{}, false, fmt.Errorf("%w: %w", ErrUnavailable, badSignature(signature))
	case syntax != nil:
		return wire.Value{}, false, unreadable("%v", syntax)
	case doc.Kind() != wire.Object:
		return wire.Value{}, false, unreadable("it is JSON, but not an object")
	}
	return doc, false, nil
}

func badSignature(signature string) error {
	if signature == "" {
		return errors.New("the answer has no signature")
	}
	return errors.New("the signature of the answer does not match")
}

// read copies the answer into a struct.
func (r jokulReply) read(into any) error {
	if err := unmarshal(r.body, into); err != nil {
		return unreadable("%v", err)
	}
	return nil
}

// newUUID returns a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand documents that it never fails
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
