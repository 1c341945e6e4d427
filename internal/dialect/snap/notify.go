package snap

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Retries is DOKU's schedule of further attempts, counted from the first.
var Retries = []time.Duration{30 * time.Minute, 6 * time.Hour, 12 * time.Hour}

// Request encodes and signs one attempt of a notification: the body is the same
// in every attempt, timestamp, request id and signature are new. It first gets
// the token with which the merchant authorises notifications.
func (h *Handler) Request(ctx context.Context, client *http.Client, o gateway.Outgoing, now time.Time) (*http.Request, error) {
	target, message, err := notification(o)
	if err != nil {
		return nil, err
	}
	token, err := h.merchantToken(ctx, client, o.Merchant, now)
	if err != nil {
		return nil, err
	}
	body, err := wire.Encode(message)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	timestamp := snap.FormatTime(now)
	set := func(name, value string) { req.Header.Set(name, value) }
	set("Content-Type", "application/json")
	set(snap.HeaderTimestamp, timestamp)
	set(snap.HeaderPartnerID, o.Merchant.DOKU.ClientID)
	set(snap.HeaderExternalID, externalID(now))
	set(snap.HeaderAuthorization, snap.TokenBearer+" "+token)
	set(snap.HeaderSignature, snap.SignSymmetric(o.Merchant.DOKU.SecretKey, http.MethodPost, req.URL.RequestURI(), token, body, timestamp))
	if !o.Binding.TokenExpiresAt.IsZero() {
		// By this token, the newest one issued for the binding, merchants find the wallet.
		customer, err := h.mintCustomerToken(o.Merchant, o.Binding)
		if err != nil {
			return nil, err
		}
		set(snap.HeaderCustomer, snap.TokenBearer+" "+customer)
	}
	return req, nil
}

// Accepted takes any 2xx for an acknowledgement, whatever the body says.
func (h *Handler) Accepted(o gateway.Outgoing, status int, _ []byte) error {
	if status/100 == 2 {
		return nil
	}
	if status == http.StatusUnauthorized {
		h.tokens.forget(o.Merchant.ID)
	}
	return fmt.Errorf("the merchant answered HTTP %d, not 2xx", status)
}

// notification is where to send an event and what to say.
func notification(o gateway.Outgoing) (target string, message any, err error) {
	urls := o.Merchant.DOKU.SNAP
	if o.Event.Kind.ForPayment() {
		if target = o.Payment.NotifyURL; target == "" {
			target = urls.NotificationURL
		}
		message, err = paymentNotification(o)
	} else {
		target = urls.BindingNotificationURL
		message = bindingNotification(o)
	}
	if err == nil && target == "" {
		err = gateway.ErrNoURL
	}
	return target, message, err
}

func paymentNotification(o gateway.Outgoing) (snap.PaymentNotification, error) {
	p := o.Payment
	var echo details
	if err := json.Unmarshal([]byte(p.Details), &echo); err != nil {
		return snap.PaymentNotification{}, fmt.Errorf("snap: details of payment %s: %w", p.ID, err)
	}
	// Only these two values are documented for notifications. The event decides,
	// not the payment, which may have been refunded since.
	status, description := snap.TransactionFailed, "Failed"
	if o.Event.Kind == gateway.EventPaymentSucceeded {
		status, description = snap.TransactionSuccess, "Success"
	}
	return snap.PaymentNotification{
		OriginalPartnerReferenceNo: p.Reference, OriginalReferenceNo: referenceNo(p.ID), OriginalExternalID: p.RequestID,
		LatestTransactionStatus: status, TransactionStatusDesc: description, Amount: snap.NewMoney(p.Amount),
		AdditionalInfo: snap.NotificationInfo{
			AcquirerID: snap.Acquirer, CustIDMerchant: p.CustomerID, AccountType: snap.AccountWallet, ChannelID: snap.Channel,
			SuccessPaymentURL: echo.SuccessURL, FailedPaymentURL: echo.FailureURL, LineItems: echo.LineItems,
			Origin: &snap.Origin{APIFormat: "SNAP"}, PaymentType: echo.Type,
		},
	}, nil
}

func bindingNotification(o gateway.Outgoing) snap.BindingNotification {
	status := snap.BindingFailed
	if o.Event.Kind == gateway.EventBindingActive {
		status = snap.BindingSuccess
	}
	return snap.BindingNotification{
		OriginalExternalID: o.Binding.RequestID,
		AdditionalInfo: snap.BindingNotificationInfo{
			Status: status, CustIDMerchant: o.Binding.CustomerID, AuthCode: o.Binding.AuthCode,
		},
	}
}

// externalID is a fresh request id: 13 digits of time and 19 of chance.
func externalID(now time.Time) string {
	n, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(19), nil))
	if err != nil {
		panic(err) // crypto/rand documents that it never fails
	}
	return fmt.Sprintf("%013d%019d", now.UnixMilli(), n)
}

// merchantTokens remembers the tokens that merchants issued to the gateway.
type merchantTokens struct {
	mu   sync.Mutex
	byID map[gateway.MerchantID]merchantToken
}

type merchantToken struct {
	url, token string
	expires    time.Time
}

func (t *merchantTokens) get(id gateway.MerchantID, url string, now time.Time) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	held, ok := t.byID[id]
	return held.token, ok && held.url == url && now.Before(held.expires)
}

func (t *merchantTokens) put(id gateway.MerchantID, m merchantToken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID = map[gateway.MerchantID]merchantToken{}
	}
	t.byID[id] = m
}

func (t *merchantTokens) forget(id gateway.MerchantID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, id)
}

// tokenMargin is how long before its end a merchant's token is no longer used.
const tokenMargin = 30 * time.Second

// merchantToken is the B2B token call with the roles swapped: the gateway signs
// with its own private key, over the merchant's client id.
func (h *Handler) merchantToken(ctx context.Context, client *http.Client, m gateway.Merchant, now time.Time) (string, error) {
	endpoint := m.DOKU.SNAP.TokenURL
	if endpoint == "" {
		return "", fmt.Errorf("the merchant has no token URL, and a SNAP notification needs a token of the merchant")
	}
	if token, ok := h.tokens.get(m.ID, endpoint, now); ok {
		return token, nil
	}
	timestamp := snap.FormatTime(now)
	signature, err := snap.SignAsymmetric(h.Keys().Sign, m.DOKU.ClientID, timestamp)
	if err != nil {
		return "", err
	}
	body, err := wire.Encode(snap.TokenB2BRequest{GrantType: snap.GrantClientCredentials})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(snap.HeaderClientKey, m.DOKU.ClientID)
	req.Header.Set(snap.HeaderTimestamp, timestamp)
	req.Header.Set(snap.HeaderSignature, signature)
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("the merchant's token endpoint: %w", err)
	}
	defer resp.Body.Close()
	var answer snap.MerchantTokenAnswer
	if err := json.NewDecoder(io.LimitReader(resp.Body, wire.MaxBody)).Decode(&answer); err != nil {
		return "", fmt.Errorf("the merchant's token endpoint answered HTTP %d without readable JSON: %w", resp.StatusCode, err)
	}
	// Some merchant libraries leave the HTTP status at 200 when they refuse.
	if resp.StatusCode/100 != 2 || answer.AccessToken == "" || !strings.HasPrefix(answer.ResponseCode, "200") && answer.ResponseCode != "" {
		return "", fmt.Errorf("the merchant's token endpoint refused: HTTP %d, responseCode %q, %q", resp.StatusCode, answer.ResponseCode, answer.ResponseMessage)
	}
	h.tokens.put(m.ID, merchantToken{endpoint, answer.AccessToken, now.Add(answer.Lifetime() - tokenMargin)})
	return answer.AccessToken, nil
}
