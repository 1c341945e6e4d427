package ovo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// jokulWindow is how far the gateway's clock may be off, either way.
const jokulWindow = 60 * time.Minute

// JokulNotification tells how a payment by token or by push ended.
type JokulNotification struct {
	// EventKey is the same in every delivery of the same event, and in no other. It is
	// the Request-Id of the notification and has up to 128 characters.
	EventKey string
	// JokulStatus is how the payment stands: mostly StateSuccess or StateFailed, but
	// others are passed on.
	JokulStatus
}

// JokulReceiverConfig says who the merchant is, who may call, and what to do then.
type JokulReceiverConfig struct {
	// ClientID and SecretKey are the merchant's, as in [JokulConfig].
	ClientID  string
	SecretKey string
	// Path is the path of the notification URL in the merchant's settings, such as
	// "/doku/ovo". The gateway signs it, so no proxy in between may change it.
	Path string
	// OnPayment is called for notifications whose signature is right, once for an event
	// unless Seen says otherwise. An error makes the gateway deliver again later; it is
	// not told what the error says. The context ends with the request, or is what Seen
	// makes of it.
	OnPayment func(context.Context, JokulNotification) error
	// Seen remembers events; nil stands for a [MemorySeen].
	Seen Seen
	// Now is the clock; nil stands for time.Now. See [JokulConfig] about moved clocks.
	Now func() time.Time
	// Log hears why a call was refused, and the errors of OnPayment. It gets no tokens
	// or signatures. Nil: silence.
	Log *slog.Logger
}

// JokulReceiver is the handler for the notifications of payments by token and by
// push. One reaches OnPayment only for the configured client, with a timestamp at
// most 60 minutes off, and with the right signature over path and body.
//
// Delivery is at least once, in any order. The gateway repeats what was not
// answered with 2xx (DOKU: after 30 minutes, 6 and 12 hours), and what was, if the
// answer got lost; a recorded request could be replayed within the 60 minutes.
// Repeats are recognised by Seen.
type JokulReceiver struct {
	config JokulReceiverConfig
}

// NewJokulReceiver makes a receiver. Its error is a mistake in c.
func NewJokulReceiver(c JokulReceiverConfig) (*JokulReceiver, error) {
	c.Now, c.Log, c.Seen = clock(c.Now), logger(c.Log), once(c.Seen)
	err := checkMerchant(c.ClientID, c.SecretKey)
	switch {
	case err != nil:
	case c.OnPayment == nil:
		err = errors.New("OnPayment is not set")
	case !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "?# "):
		err = fmt.Errorf("the config's Path is %q, want a path such as /doku/ovo", c.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	return &JokulReceiver{c}, nil
}

// jokulRefusal is an answer other than success. The reason is for the log only.
type jokulRefusal struct {
	status  int
	code    string
	message string
	reason  string
}

func (r *jokulRefusal) Error() string { return r.reason }

func badHeader(message, reason string) error {
	return &jokulRefusal{http.StatusBadRequest, jokul.CodeInvalidHeader, message, reason}
}

// ServeHTTP answers every request with one JSON document. DOKU looks at the status
// only.
func (s *JokulReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := s.admit(w, r)
	if err == nil {
		err = s.config.Seen.Once(r.Context(), n.EventKey, func(ctx context.Context) error { return s.config.OnPayment(ctx, n) })
		if err != nil {
			err = fmt.Errorf("OnPayment: %w", err)
		}
	}
	status, answer := http.StatusOK, any(struct {
		Order jokul.OrderTotal `json:"order"`
	}{jokul.OrderTotal{InvoiceNumber: n.Invoice, Amount: jokul.Number(n.Amount)}})
	if err != nil {
		var no *jokulRefusal
		if errors.As(err, &no) {
			s.config.Log.WarnContext(r.Context(), "ovo: call refused", "path", r.URL.Path, "status", no.status, "reason", no.reason)
		} else {
			// What went wrong at the merchant's is nobody else's business.
			s.config.Log.ErrorContext(r.Context(), "ovo: notification not handled", "path", r.URL.Path, "error", err)
			no = &jokulRefusal{http.StatusInternalServerError, jokul.CodeInternalError, "Internal Server Error", ""}
		}
		status, answer = no.status, jokul.NewError(no.code, no.message)
	}
	body, err := wire.Encode(answer)
	if err != nil { // answers are plain structs
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(status)
	w.Write(body)
}

// admit reads a notification and makes sure that the gateway sent it. The body is
// parsed only after that.
func (s *JokulReceiver) admit(w http.ResponseWriter, r *http.Request) (JokulNotification, error) {
	var none JokulNotification
	switch {
	case requestPath(r) != s.config.Path:
		return none, &jokulRefusal{http.StatusNotFound, jokul.CodeNotFound, "Not Found", "the path is not that of the notification URL"}
	case r.Method != http.MethodPost:
		return none, &jokulRefusal{http.StatusMethodNotAllowed, jokul.CodeInvalidHeader, "Method Not Allowed", "a notification is a POST"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return none, &jokulRefusal{http.StatusRequestEntityTooLarge, jokul.CodeInvalidParameter, "Request Entity Too Large", "the body is too large"}
	case err != nil:
		return none, unusable("it ended early: " + err.Error())
	}
	h := r.Header
	for _, name := range []string{jokul.HeaderClientID, jokul.HeaderRequestID, jokul.HeaderRequestTimestamp, jokul.HeaderSignature} {
		if h.Get(name) == "" {
			return none, badHeader("Header "+name+" is required", name+" is missing")
		}
	}
	call := jokul.Call{
		Method: http.MethodPost, Target: s.config.Path, ClientID: h.Get(jokul.HeaderClientID),
		RequestID: h.Get(jokul.HeaderRequestID), Timestamp: h.Get(jokul.HeaderRequestTimestamp),
	}
	if len(call.RequestID) > jokul.MaxRequestID {
		return none, badHeader("Invalid format Header Request-Id", "Request-Id is too long")
	}
	at, err := jokul.ParseTime(call.Timestamp)
	if err != nil {
		return none, badHeader("Invalid format Header Request-Timestamp", err.Error())
	}
	if off := at.Sub(s.config.Now()).Abs(); off > jokulWindow {
		return none, &jokulRefusal{
			http.StatusBadRequest, jokul.CodeTimeOutOfRange, "Header Request-Timestamp is not in +- 3600 second of now",
			fmt.Sprintf("the timestamp is %s off, at most %s are allowed", off.Round(time.Second), jokulWindow),
		}
	}
	if call.ClientID != s.config.ClientID {
		return none, &jokulRefusal{http.StatusBadRequest, jokul.CodeInvalidClientID, "Invalid Client-Id", "Client-Id names another client"}
	}
	if !jokul.VerifyRequest(s.config.SecretKey, call, body, h.Get(jokul.HeaderSignature)).OK {
		return none, &jokulRefusal{
			http.StatusBadRequest, jokul.CodeInvalidSignature, "Invalid Header Signature",
			"the signature does not match; it covers client id, request id, timestamp, path and body",
		}
	}
	doc, err := wire.Parse(body)
	if err != nil {
		return none, unusable(err.Error())
	}
	status, problem := readStatus(doc, body, 0)
	if problem != "" {
		return none, unusable(problem)
	}
	return JokulNotification{EventKey: call.RequestID, JokulStatus: status}, nil
}

func unusable(reason string) error {
	return &jokulRefusal{http.StatusBadRequest, jokul.CodeInvalidParameter, "Bad Request", "the body cannot be used: " + reason}
}

// requestPath is the path of the request line: a router may have cut r.URL.
func requestPath(r *http.Request) string {
	if line, err := url.ParseRequestURI(r.RequestURI); err == nil && line.Path != "" {
		return line.EscapedPath()
	}
	return r.URL.EscapedPath()
}
