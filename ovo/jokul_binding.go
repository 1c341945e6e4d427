package ovo

import (
	"context"
	"errors"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// Longest values outside SNAP, in characters, as DOKU's pages have them.
const (
	maxJokulCustomer = 50
	maxJokulToken    = 128
	maxJokulName     = 70
	maxJokulNote     = 20  // at binding
	maxJokulNotePay  = 255 // in a payment
)

// JokulCustomer is the merchant's customer. All but the ID is optional.
type JokulCustomer struct {
	// ID is the merchant's own id of the customer, up to 50 characters. One OVO account
	// can be bound to one customer of a merchant only.
	ID    string
	Name  string // up to 70 characters
	Email string // up to 255
	Phone string // up to 20, in any form
	Note  string // additional_info: up to 20 for Bind, 255 for payments
}

func (c JokulCustomer) check(v *check, maxNote int) {
	v.printable("Customer.ID", c.ID, maxJokulCustomer)
	v.optional("Customer.Name", c.Name, maxJokulName)
	v.optional("Customer.Email", c.Email, 255)
	v.optional("Customer.Phone", c.Phone, 20)
	v.optional("Customer.Note", c.Note, maxNote)
}

func (c JokulCustomer) wire() jokul.Customer {
	return jokul.Customer{ID: c.ID, Name: c.Name, Email: c.Email, Phone: c.Phone, AdditionalInfo: c.Note}
}

// JokulBindRequest asks an OVO customer to let the merchant charge the wallet.
type JokulBindRequest struct {
	Customer JokulCustomer
	// Phone is the number of the OVO account: 08…, 62… or +62….
	Phone string
	// Email is the OVO account's, optional, up to 255 characters.
	Email string
	// SuccessURL and FailureURL are where the browser goes from the page. Getting
	// there proves nothing, for anybody can open an address.
	SuccessURL string
	FailureURL string
	// RequestID is the Request-Id: up to 128 characters, never used before. Empty: a
	// fresh UUID.
	RequestID string
}

// JokulBinding is a binding that waits for the customer.
type JokulBinding struct {
	// RedirectURL is the page on which the customer enters OTP and PIN. Gerbang
	// keeps it open for 15 minutes.
	RedirectURL string
	// RequestID is that of the request.
	RequestID string
}

// Bind starts the binding of a wallet (/ovo-open-api/v1/token). There is no
// notification of how it ends: ask Tokens when the browser is back. A binding lasts
// one year. ErrWalletUnavailable covers an account that does not exist, is blocked,
// or is bound to another customer; binding the same customer again replaces the
// token once the page is completed.
func (c *JokulClient) Bind(ctx context.Context, r JokulBindRequest) (JokulBinding, error) {
	const op = "bind"
	var v check
	r.Customer.check(&v, maxJokulNote)
	phone := v.phone(r.Phone)
	v.optional("Email", r.Email, 255)
	v.text("SuccessURL", r.SuccessURL, maxURL)
	v.text("FailureURL", r.FailureURL, maxURL)
	v.opaqueID("RequestID", r.RequestID)
	if v.err != nil {
		return JokulBinding{}, failed(op, v.err)
	}
	reply, err := c.line.do(ctx, jokulCall{path: jokul.PathBinding, requestID: r.RequestID, body: jokul.BindingRequest{
		Customer: r.Customer.wire(),
		OVOAccount: jokul.BindingAccount{
			AccountEmail: r.Email, AccountMobilePhone: phone,
			SuccessRegistrationURL: r.SuccessURL, FailedRegistrationURL: r.FailureURL,
		},
		ServiceType: jokul.ServiceRecurring,
	}})
	b := JokulBinding{RequestID: reply.requestID}
	if err != nil {
		return b, failed(op, err)
	}
	if b.RedirectURL, _ = reply.doc.Get("ovo_account.registration_url").Text(); b.RedirectURL == "" {
		return b, failed(op, unreadable("no registration_url"))
	}
	return b, nil
}

// JokulTokenType says what a token can pay.
type JokulTokenType string

const (
	// JokulRecurring is charged with [JokulClient.Pay].
	JokulRecurring JokulTokenType = jokul.TokenWalletRecurring
	// JokulOnPage is charged with [JokulClient.PayOnPage].
	JokulOnPage JokulTokenType = jokul.TokenWallet
)

// JokulToken is a bound wallet.
type JokulToken struct {
	// Token names the binding in all other calls. Keep it as secret as a password.
	Token string
	Type  JokulTokenType
	// MaskedPhone shows the end of the wallet's number: "****4417".
	MaskedPhone string
}

// Tokens lists the wallets that a customer has bound, newest first
// (/tokenization/v1/tokens). A customer who is unknown or has bound none has an
// empty list, which is no error. It is repeated once when the connection breaks.
func (c *JokulClient) Tokens(ctx context.Context, customerID string) ([]JokulToken, error) {
	const op = "tokens"
	var v check
	v.printable("customerID", customerID, maxJokulCustomer)
	if v.err != nil {
		return nil, failed(op, v.err)
	}
	reply, err := c.line.do(ctx, jokulCall{path: jokul.PathTokens, read: true, body: jokul.TokensRequest{
		Customer: jokul.CustomerRef{ID: customerID},
	}})
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(op, err)
	}
	var answer jokul.TokensAnswer
	if err := reply.read(&answer); err != nil {
		return nil, failed(op, err)
	}
	if answer.Customer.ID != customerID {
		return nil, failed(op, unreadable("it is about the customer %q", answer.Customer.ID))
	}
	var tokens []JokulToken
	for _, w := range answer.Wallet {
		if w.TokenID == "" {
			return nil, failed(op, unreadable("a wallet has no token_id"))
		}
		kind := JokulTokenType(either(w.Type, answer.TokenData.Type))
		tokens = append(tokens, JokulToken{Token: w.TokenID, Type: kind, MaskedPhone: w.MaskedPhoneNumber})
	}
	return tokens, nil
}

// Balance reads the purses behind a token (/ovo-open-api/v1/balance). It says what
// could be spent a moment ago; only Pay says what can be spent. It is repeated once
// when the connection breaks. ErrCustomerToken: the token has ended, or is another
// customer's.
func (c *JokulClient) Balance(ctx context.Context, customerID, token string) (Balance, error) {
	const op = "balance"
	var v check
	v.printable("customerID", customerID, maxReference)
	v.printable("token", token, maxJokulToken)
	if v.err != nil {
		return Balance{}, failed(op, v.err)
	}
	reply, err := c.line.do(ctx, jokulCall{path: jokul.PathBalance, read: true, token: true, body: jokul.BalanceRequest{
		Customer: jokul.CustomerRef{ID: customerID}, OVOAccount: jokul.TokenRef{TokenID: token},
	}})
	if err != nil {
		return Balance{}, failed(op, err)
	}
	var answer jokul.BalanceAnswer
	if err := reply.read(&answer); err != nil {
		return Balance{}, failed(op, err)
	}
	b := Balance{Cash: int64(answer.OVOAccount.OVOCashBalance), Points: int64(answer.OVOAccount.OVOPointBalance)}
	if !figure(reply.doc, "ovo_account.ovo_cash_balance") || b.Cash < 0 || b.Points < 0 {
		return Balance{}, failed(op, unreadable("no cash balance, or a negative one"))
	}
	return b, nil
}

// figure tells whether a number is there, as such or as text.
func figure(doc wire.Value, path string) bool {
	return doc.Get(path).Literal() != ""
}

// JokulUnbindRequest names the binding to end.
type JokulUnbindRequest struct {
	CustomerID string
	// CustomerName is optional, up to 50 characters.
	CustomerName string
	Token        string
	// RequestID is the Request-Id: up to 128 characters, never used before. Empty: a
	// fresh UUID.
	RequestID string
}

// JokulUnbinding is a binding that has ended.
type JokulUnbinding struct {
	// Message is the gateway's; it may be empty.
	Message string
	// RequestID is that of the request.
	RequestID string
}

// Unbind ends a binding (/ovo-open-api/v1/token-delete). The token stops at once;
// refunds and Status of its payments go on working. ErrCustomerToken means that
// there is no such binding (any more), so after a broken connection Unbind may
// simply be repeated.
func (c *JokulClient) Unbind(ctx context.Context, r JokulUnbindRequest) (JokulUnbinding, error) {
	const op = "unbind"
	var v check
	v.printable("CustomerID", r.CustomerID, maxJokulCustomer)
	v.optional("CustomerName", r.CustomerName, 50)
	v.printable("Token", r.Token, maxJokulToken)
	v.opaqueID("RequestID", r.RequestID)
	if v.err != nil {
		return JokulUnbinding{}, failed(op, v.err)
	}
	name := either(r.CustomerName, " ") // mandatory, but blank in DOKU's own sample
	reply, err := c.line.do(ctx, jokulCall{path: jokul.PathUnbinding, requestID: r.RequestID, token: true, body: jokul.UnbindingRequest{
		Customer: jokul.NamedCustomer{ID: r.CustomerID, Name: name}, OVOAccount: jokul.TokenRef{TokenID: r.Token},
	}})
	u := JokulUnbinding{RequestID: reply.requestID}
	if err != nil {
		return u, failed(op, err)
	}
	u.Message, _ = reply.doc.Get("ovo_account.message").Text()
	status, _ := reply.doc.Get("ovo_account.status").Text()
	if strings.EqualFold(status, jokul.StatusFailed) {
		return u, failed(op, &Error{Code: jokul.StatusFailed, Message: u.Message, Status: reply.status})
	}
	return u, nil
}
