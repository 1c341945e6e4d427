package ovo

import (
	"context"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// BindRequest asks an OVO customer to let the merchant charge the wallet.
type BindRequest struct {
	// Phone is the number of the OVO account: 08…, 62… or +62….
	Phone string
	// CustomerID is the merchant's own id of the customer, up to 64 characters.
	// One OVO account can be bound to one customer of a merchant only.
	CustomerID string
	// CustomerName and Email are optional: up to 70 and 256 characters.
	CustomerName string
	Email        string
	// SuccessURL and FailureURL are where the browser goes from the page. Getting
	// there proves nothing, for anybody can open an address.
	SuccessURL string
	FailureURL string
	// RequestID is the X-EXTERNAL-ID: up to 36 digits, not used before on the same
	// day. Empty: a fresh one.
	RequestID string
}

// Binding is a binding that waits for the customer.
type Binding struct {
	// RedirectURL is the page on which the customer enters OTP and PIN. Gerbang
	// keeps it open for 15 minutes.
	RedirectURL string
	// AuthCode names the binding from now on. It serves for
	// [SNAPClient.CustomerToken] once the customer is done. Keep it as secret as a
	// password.
	AuthCode string
	// ReferenceNo is the gateway's number; it may be empty.
	ReferenceNo string
	// RequestID is what [BindingNotification] refers to.
	RequestID string
}

// Bind starts the binding of a wallet (service 07). The outcome comes with a
// [BindingNotification]. ErrWalletUnavailable covers an unknown, blocked or
// already bound account. Bind again when in doubt: the newer page replaces an
// unfinished older one.
func (c *SNAPClient) Bind(ctx context.Context, r BindRequest) (Binding, error) {
	const op = "bind"
	var v check
	phone := v.phone(r.Phone)
	v.text("CustomerID", r.CustomerID, maxReference)
	v.optional("CustomerName", r.CustomerName, 70)
	v.optional("Email", r.Email, 256)
	v.text("SuccessURL", r.SuccessURL, maxURL)
	v.text("FailureURL", r.FailureURL, maxURL)
	v.requestID(r.RequestID)
	if v.err != nil {
		return Binding{}, failed(op, v.err)
	}
	var answer snap.BindingAnswer
	id, err := c.do(ctx, call{path: snap.PathBinding, requestID: r.RequestID, body: snap.BindingRequest{
		PhoneNo: phone,
		AdditionalInfo: snap.BindingInfo{
			Channel: snap.Channel, CustIDMerchant: r.CustomerID, CustomerName: r.CustomerName, Email: r.Email,
			SuccessRegistrationURL: r.SuccessURL, FailedRegistrationURL: r.FailureURL,
		},
	}}, &answer)
	if err != nil {
		return Binding{}, failed(op, err)
	}
	if answer.RedirectURL == "" || answer.AdditionalInfo.AuthCode == "" {
		return Binding{}, failed(op, unreadable("no redirectUrl or authCode"))
	}
	return Binding{
		RedirectURL: answer.RedirectURL, AuthCode: answer.AdditionalInfo.AuthCode, ReferenceNo: answer.ReferenceNo, RequestID: id,
	}, nil
}

// Unbind ends a binding (service 09). token is a customer token, which may have
// expired; Gerbang takes the auth code as well. All tokens and the auth code of
// the binding stop at once; refunds and Status of its payments go on working.
// ErrCustomerToken means that there is no such binding (any more), so after a
// broken connection Unbind may simply be repeated.
func (c *SNAPClient) Unbind(ctx context.Context, token string) error {
	const op = "unbind"
	var v check
	token = snap.BearerToken(token)
	v.text("token", token, snap.MaxToken)
	if v.err != nil {
		return failed(op, v.err)
	}
	var answer snap.UnbindingAnswer
	_, err := c.do(ctx, call{path: snap.PathUnbinding, body: snap.UnbindingRequest{
		TokenID: token, AdditionalInfo: snap.ChannelInfo{Channel: snap.Channel},
	}}, &answer)
	if err != nil {
		return failed(op, err)
	}
	return nil
}

// Balance is what a wallet can spend, in whole rupiah.
type Balance struct {
	Cash   int64
	Points int64 // one OVO point is worth one rupiah
}

// Balance reads the purses of a customer (service 11). It says what could be
// spent a moment ago; only Pay says what can be spent.
func (c *SNAPClient) Balance(ctx context.Context, customerToken string) (Balance, error) {
	const op = "balance"
	var v check
	customer := v.customer("customerToken", customerToken)
	if v.err != nil {
		return Balance{}, failed(op, v.err)
	}
	var answer snap.BalanceAnswer
	_, err := c.do(ctx, call{path: snap.PathBalance, customer: customer, read: true, body: snap.BalanceRequest{
		AdditionalInfo: snap.ChannelInfo{Channel: snap.Channel},
	}}, &answer)
	if err != nil {
		return Balance{}, failed(op, err)
	}
	b, err := purses(answer.AccountInfos)
	if err != nil {
		return Balance{}, failed(op, err)
	}
	return b, nil
}

// purses adds up the purses. A wallet without points may have no purse for them,
// but none is without cash.
func purses(infos []snap.AccountInfo) (Balance, error) {
	var b Balance
	found := false
	for _, info := range infos {
		available := info.AvailableBalance
		if available.Value == "" { // DOKU's libraries know only the total
			available = info.Amount
		}
		amount, err := rupiah(available)
		switch {
		case strings.EqualFold(info.BalanceType, snap.PurseCash):
			b.Cash, found = amount, true
		case strings.EqualFold(info.BalanceType, snap.PursePoints):
			b.Points = amount
		default:
			continue
		}
		if err != nil {
			return Balance{}, unreadable("balance %s: %v", info.BalanceType, err)
		}
	}
	if !found {
		return Balance{}, unreadable("no cash balance")
	}
	return b, nil
}
