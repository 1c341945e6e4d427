package ovo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// FaspayNotification tells how a payment stands now.
type FaspayNotification struct {
	// EventKey is the same in every delivery of the same event, and in no other. It has
	// up to 80 characters.
	EventKey string
	// FaspayStatus is how the payment stands: mostly StateSuccess, StateFailed or
	// StateCancelled, but others are passed on. Compare Amount with what was asked for.
	FaspayStatus
}

// FaspayLink tells how an activation ended.
type FaspayLink struct {
	// Phone is the customer's number as the gateway writes it, 08….
	Phone string
	// Active tells whether the wallet is linked now.
	Active bool
	// Code and Message are the gateway's, behind Active.
	Code    string
	Message string
}

// FaspayReceiverConfig says who the merchant is, who may call, and what to do then.
type FaspayReceiverConfig struct {
	// MerchantID, UserID, Password and AmountScale are as in [FaspayConfig].
	MerchantID  string
	UserID      string
	Password    string
	AmountScale int
	// NotificationPath and ActivationPath are the paths of the two URLs in the
	// merchant's settings, such as "/faspay/notify". A path whose callback is nil may be
	// empty.
	NotificationPath string
	ActivationPath   string
	// OnPayment is called for notifications whose signature is right, once for an event
	// unless Seen says otherwise. OnActivation is called for every activation callback.
	// An error makes the gateway deliver again later; it is not told what the error
	// says. The context ends with the request, or is what Seen makes of it.
	OnPayment    func(context.Context, FaspayNotification) error
	OnActivation func(context.Context, FaspayLink) error
	// Client, if set, is asked about each notification and each good activation before
	// the callbacks hear of it: Inquire for the payment, Balance for the link. That
	// makes both as true as the client's TLS connection, and is worth its two calls.
	Client *FaspayClient
	// Seen remembers events; nil stands for a [MemorySeen].
	Seen Seen
	// Now is the clock, for the date of acknowledgements; nil stands for time.Now.
	Now func() time.Time
	// Log hears why a call was refused, and the errors of the callbacks. It gets no
	// signatures. Nil: silence.
	Log *slog.Logger
}

// FaspayReceiver is the handler for Faspay's payment notifications, in JSON and in
// XML, and for its activation callbacks. A notification reaches OnPayment only for
// the configured merchant and with the right signature.
//
// That signature covers BillNo and status and is the same for ever; an activation
// callback has none. Whoever has seen a notification can send it again with another
// TrxID, amount or date, and anybody can claim that a number is linked. Set Client,
// or ask Inquire and Balance in the callbacks, before goods leave.
//
// Delivery is at least once, in any order: Faspay repeats three times what was not
// answered with response_code 00. Repeats are recognised by Seen. Activation
// callbacks have nothing to be recognised by: handle them so that a second one does
// no harm.
type FaspayReceiver struct {
	config   FaspayReceiverConfig
	merchant faspayMerchant
}

// NewFaspayReceiver makes a receiver. Its error is a mistake in c.
func NewFaspayReceiver(c FaspayReceiverConfig) (*FaspayReceiver, error) {
	c.Now, c.Log, c.Seen = clock(c.Now), logger(c.Log), once(c.Seen)
	merchant := faspayMerchant{c.MerchantID, c.UserID, c.Password}
	err := merchant.check()
	if err == nil {
		c.AmountScale, err = faspayScale(c.AmountScale)
	}
	if err == nil && c.OnPayment == nil && c.OnActivation == nil {
		err = errors.New("neither OnPayment nor OnActivation is set")
	}
	if err == nil {
		err = checkPaths(
			callbackPath{"NotificationPath", c.NotificationPath, c.OnPayment != nil},
			callbackPath{"ActivationPath", c.ActivationPath, c.OnActivation != nil},
		)
	}
	if err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	return &FaspayReceiver{c, merchant}, nil
}

// faspayNo is an answer other than success. The reason is for the log only.
type faspayNo struct {
	status int
	code   string
	reason string
}

func (r *faspayNo) Error() string { return r.reason }

// ServeHTTP answers every request with one document: a notification in its own
// encoding, everything else in JSON.
func (s *FaspayReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format := faspay.JSON
	ack := faspay.NotificationAck{Response: faspay.NotificationText}
	var err error
	switch path := requestPath(r); {
	case s.config.OnPayment != nil && path == s.config.NotificationPath:
		err = method(w, r, http.MethodPost)
		if err == nil {
			format, err = s.payment(w, r, &ack)
		}
	case s.config.OnActivation != nil && path == s.config.ActivationPath:
		ack.Response = "Callback Activation"
		if err = method(w, r, http.MethodGet); err == nil {
			err = s.activation(r)
		}
	default:
		err = &faspayNo{http.StatusNotFound, faspay.CodeNotSupported, "no call has this path"}
	}
	status := http.StatusOK
	ack.ResponseCode = faspay.CodeSuccess
	if err != nil {
		var no *faspayNo
		if errors.As(err, &no) {
			s.config.Log.WarnContext(r.Context(), "ovo: call refused", "path", r.URL.Path, "status", no.status, "reason", no.reason)
		} else {
			// What went wrong at the merchant's is nobody else's business.
			s.config.Log.ErrorContext(r.Context(), "ovo: notification not handled", "path", r.URL.Path, "error", err)
			no = &faspayNo{http.StatusInternalServerError, faspay.CodeMalfunction, ""}
		}
		status, ack.ResponseCode = no.status, no.code
	}
	ack.ResponseDesc, ack.ResponseDate = faspay.CodeText(ack.ResponseCode), faspay.FormatTime(s.config.Now())
	body, err := faspay.Encode(format, ack)
	if err != nil { // what it echoes was read from the same encoding
		panic(err)
	}
	w.Header().Set("Content-Type", format.ContentType())
	w.WriteHeader(status)
	w.Write(body)
}

func method(w http.ResponseWriter, r *http.Request, want string) error {
	if r.Method == want {
		return nil
	}
	w.Header().Set("Allow", want)
	return &faspayNo{http.StatusMethodNotAllowed, faspay.CodeNotSupported, "the call is a " + want}
}

// payment reads a notification, makes sure that the gateway sent it, and hands it on.
// The encoding is that of the body: no Content-Type is documented.
func (s *FaspayReceiver) payment(w http.ResponseWriter, r *http.Request, ack *faspay.NotificationAck) (faspay.Format, error) {
	format := faspay.JSON
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return format, &faspayNo{http.StatusRequestEntityTooLarge, faspay.CodeFormat, "the body is too large"}
	case err != nil:
		return format, faspayUnusable("it ended early: " + err.Error())
	}
	if bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))), []byte("<")) {
		format = faspay.XML
	}
	doc, err := faspay.Parse(format, body)
	if err != nil {
		return format, faspayUnusable(err.Error())
	}
	n, err := faspay.DecodeNotification(doc, s.config.AmountScale)
	if err != nil {
		return format, faspayUnusable(err.Error())
	}
	switch {
	case n.MerchantID != s.merchant.id:
		return format, &faspayNo{http.StatusForbidden, faspay.CodeInvalidMerchant, "merchant_id names another merchant"}
	case !s.merchant.genuine(n.Signed, n.Signature):
		return format, &faspayNo{http.StatusForbidden, faspay.CodeCredentials, "the signature does not match; it covers bill_no and payment_status_code"}
	}
	ack.TrxID, ack.MerchantID, ack.Merchant, ack.BillNo = n.TrxID, n.MerchantID, n.Merchant, n.BillNo
	told := FaspayNotification{FaspayStatus: FaspayStatus{
		FaspayBill: FaspayBill{TrxID: n.TrxID, BillNo: n.BillNo}, State: faspayState(n.Status), StatusCode: n.Status, Status: n.StatusDesc,
		Amount: int64(n.Total), Reference: n.Reference, PaidAt: n.Date,
	}}
	told.EventKey = eventKey("faspay", n.Status, n.TrxID+"\x00"+n.BillNo)
	err = s.config.Seen.Once(r.Context(), told.EventKey, func(ctx context.Context) error {
		if err := s.confirm(ctx, &told.FaspayStatus); err != nil {
			return err
		}
		return s.config.OnPayment(ctx, told)
	})
	if err != nil {
		return format, fmt.Errorf("OnPayment: %w", err)
	}
	return format, nil
}

// confirm asks the gateway whether a payment stands as told, and takes over what it
// says. A notification that was overtaken by a later status is confirmed as what it
// is now.
func (s *FaspayReceiver) confirm(ctx context.Context, told *FaspayStatus) error {
	if s.config.Client == nil {
		return nil
	}
	now, err := s.config.Client.Inquire(ctx, told.FaspayBill)
	switch {
	case errors.Is(err, ErrNotFound):
		return &faspayNo{http.StatusForbidden, faspay.CodeInvalidOrder, "the gateway knows no such payment"}
	case err != nil:
		return err
	case told.State.Final() && !now.State.Final():
		return &faspayNo{http.StatusForbidden, faspay.CodeInvalidOrder, "the gateway says that the payment has not ended"}
	}
	*told = now
	return nil
}

// activation reads an activation callback and hands it on.
func (s *FaspayReceiver) activation(r *http.Request) error {
	c, err := faspay.ParseCallback(r.URL.RawQuery)
	if err != nil {
		return faspayUnusable(err.Error())
	}
	switch {
	case c.MerchantID != "" && c.MerchantID != s.merchant.id:
		return &faspayNo{http.StatusForbidden, faspay.CodeInvalidMerchant, "merchant_id names another merchant"}
	case c.Signature != "" && !s.merchant.genuine(c.Phone, c.Signature):
		return &faspayNo{http.StatusForbidden, faspay.CodeCredentials, "there is a signature, but it does not match; it covers phone_number"}
	}
	link := FaspayLink{Phone: c.Phone, Active: c.ResponseCode == faspay.CodeSuccess, Code: c.ResponseCode, Message: c.ResponseDesc}
	if link.Active && s.config.Client != nil {
		_, err := s.config.Client.Balance(r.Context(), c.Phone)
		switch {
		case errors.Is(err, ErrRefused), errors.Is(err, ErrInvalidRequest):
			return &faspayNo{http.StatusForbidden, faspay.CodeInvalidCustomer, "the gateway knows no such link"}
		case err != nil:
			return fmt.Errorf("confirming the link: %w", err)
		}
	}
	if err := s.config.OnActivation(r.Context(), link); err != nil {
		return fmt.Errorf("OnActivation: %w", err)
	}
	return nil
}

func faspayUnusable(reason string) error {
	return &faspayNo{http.StatusBadRequest, faspay.CodeFormat, "the message cannot be used: " + strings.TrimPrefix(reason, "faspay: ")}
}
