package jokul

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

func (c *call) binding() (any, error) {
	in, err := jokul.DecodeBinding(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	phone, ok := gateway.ParsePhone(in.Phone)
	if !ok {
		return nil, c.refuse(&jokul.FieldError{Field: "ovo_account.account_mobile_phone", Reason: "must be an Indonesian mobile number"})
	}
	_, page, err := c.Gateway.StartBinding(c.ctx, gateway.StartBinding{
		Claim: c.claim, Merchant: c.merchant.ID, Phone: phone, CustomerID: in.Customer.ID, CustomerName: in.Customer.Name,
		Dialect: Dialect, RequestID: c.requestID, Replace: true,
		Return: gateway.ReturnURLs{Success: in.SuccessURL, Failure: in.FailureURL},
	})
	if err != nil {
		return nil, err
	}
	return jokul.BindingAnswer{
		Customer:   in.Customer,
		OVOAccount: jokul.BindingAnswerAccount{AccountMobilePhone: in.Phone, RegistrationURL: c.PageURL(page), Status: jokul.StatusPending},
	}, nil
}

func (c *call) tokens() (any, error) {
	in, err := jokul.DecodeTokens(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	if err := c.Gateway.ClaimRequest(c.ctx, c.claim); err != nil {
		return nil, err
	}
	if in.Type != "" && in.Type != jokul.TokenWalletRecurring {
		return nil, notFound("Token not found", "every token here is of the type "+jokul.TokenWalletRecurring)
	}
	bindings, err := c.Gateway.BindingsOfCustomer(c.ctx, c.merchant.ID, in.CustomerID)
	if err != nil {
		return nil, err
	}
	if len(bindings) == 0 {
		return nil, notFound("Token not found", "the customer has no active token")
	}
	answer := jokul.TokensAnswer{
		Customer:  jokul.Customer{ID: in.CustomerID},
		TokenData: jokul.TokenData{Type: jokul.TokenWalletRecurring},
	}
	for _, b := range bindings {
		if answer.Customer.Name == "" {
			answer.Customer.Name = b.CustomerName
		}
		answer.Wallet = append(answer.Wallet, jokul.Wallet{
			Issuer: jokul.IssuerOVO, TokenID: tokenID(b.ID), MaskedPhoneNumber: jokul.MaskPhone(string(b.Phone)), Type: jokul.TokenWalletRecurring,
		})
	}
	return answer, nil
}

// holder finds the active binding behind a token, which must be the customer's.
func (c *call) holder(token, customer string) (gateway.Binding, error) {
	b, err := c.Gateway.ActiveBinding(c.ctx, c.merchant.ID, bindingID(token))
	if (err == nil || errors.Is(err, gateway.ConsentExpired)) && b.CustomerID != customer {
		return gateway.Binding{}, &gateway.Error{Code: gateway.BindingInvalid, Detail: "the token belongs to another customer"}
	}
	return b, err
}

func (c *call) balance() (any, error) {
	in, err := jokul.DecodeBalance(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	if err := c.Gateway.ClaimRequest(c.ctx, c.claim); err != nil {
		return nil, err
	}
	b, err := c.holder(in.TokenID, in.CustomerID)
	if err != nil {
		return nil, err
	}
	w, err := c.Gateway.Balance(c.ctx, c.merchant.ID, b.ID)
	if err != nil {
		return nil, err
	}
	return jokul.BalanceAnswer{
		Customer:   jokul.Customer{ID: b.CustomerID, Name: b.CustomerName},
		OVOAccount: jokul.BalanceAccount{OVOCashBalance: jokul.Number(w.Balance.Cash), OVOPointBalance: jokul.Number(w.Balance.Points)},
	}, nil
}

// details is what check status and the notification of a payment repeat.
type details struct {
	Phone    string          `json:"phone,omitempty"` // of a push: as sent
	Customer *jokul.Customer `json:"customer,omitempty"`
	Info     json.RawMessage `json:"additional_info,omitempty"`
}

func (d details) text() string { return string(encode(d)) }

func detailsOf(p gateway.Payment) (d details, err error) {
	if err = json.Unmarshal([]byte(p.Details), &d); err != nil {
		err = fmt.Errorf("jokul: details of payment %s: %w", p.ID, err)
	}
	return d, err
}

func (c *call) recurringPayment() (any, error) {
	in, err := jokul.DecodeRecurringPayment(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	answer := jokul.PaymentAnswer{
		Customer: in.Customer, AdditionalInfo: in.AdditionalInfo,
		Order: jokul.Order{InvoiceNumber: in.Invoice, LineItems: in.LineItems, Amount: jokul.Number(in.Amount)},
	}
	order := gateway.CreatePayment{Channel: gateway.JokulRecurring, Amount: in.Amount, NotifyURL: in.NotificationURL}
	p, _, err := c.pay(order, answer, in.TokenID, in.UsePoints)
	answer.Payment.Status = paymentStatus(p)
	return answer, err
}

func (c *call) payment() (any, error) {
	in, err := jokul.DecodePayment(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	answer := jokul.PaymentAnswer{
		Customer: in.Customer, AdditionalInfo: in.AdditionalInfo,
		Order: jokul.Order{InvoiceNumber: in.Invoice, LineItems: in.LineItems, Amount: jokul.Number(in.Amount)},
	}
	order := gateway.CreatePayment{
		Channel: gateway.JokulSale, Amount: in.Amount, NotifyURL: in.NotificationURL,
		Return: gateway.ReturnURLs{Success: in.SuccessURL, Failure: in.FailureURL},
	}
	p, page, err := c.pay(order, answer, in.TokenID, in.UsePoints)
	answer.Payment.Status = paymentStatus(p)
	if p.PageID != "" {
		answer.OVOAccount = &jokul.PaymentAnswerAccount{PaymentURL: c.PageURL(page)}
	}
	return answer, err
}

// pay completes an order with what both kinds of payment by token share, and
// places it. A payment that the wallet refused is no error.
func (c *call) pay(order gateway.CreatePayment, echo jokul.PaymentAnswer, token string, usePoints bool) (gateway.Payment, gateway.Page, error) {
	b, err := c.holder(token, echo.Customer.ID)
	if err != nil && !errors.Is(err, gateway.ConsentExpired) { // which is a result
		return gateway.Payment{}, gateway.Page{}, c.refuse(err)
	}
	order.Claim, order.Merchant, order.Binding, order.Dialect = c.claim, c.merchant.ID, bindingID(token), Dialect
	order.Reference, order.RequestID, order.KeepRefusals = echo.Order.InvoiceNumber, c.requestID, true
	order.Use = ledger.UseCash
	if usePoints {
		order.Use = ledger.UsePointsFirst
	}
	order.NotifyURL = c.overrideURL(order.NotifyURL)
	order.Fingerprint = fingerprint(string(order.Binding), string(order.Channel), order.Amount.String(), string(order.Use))
	order.Details = details{Phone: string(b.Phone), Customer: &echo.Customer, Info: echo.AdditionalInfo}.text()

	p, page, err := c.Gateway.CreatePayment(c.ctx, order)
	var refusal *gateway.Error
	if errors.As(err, &refusal) && p.State == gateway.PaymentFailed && p.Reason == refusal.Code && refusal.Code != gateway.Unavailable {
		c.served.Result = refusal.Code.Result()
		c.note(wire.Note{Reason: "the payment failed: " + reasonOf(refusal)})
		return p, page, nil
	}
	return p, page, err
}

// fingerprint covers what makes two payments with one invoice number the same.
func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}

// overrideURL judges a payment's own notification URL: "" means the configured
// one. Only the host may differ. The address it leads to is judged when it is
// dialled.
func (c *call) overrideURL(override string) string {
	if override == "" {
		return ""
	}
	configured, err := url.Parse(c.merchant.DOKU.NotificationURL)
	other, otherErr := url.Parse(override)
	if err != nil || otherErr != nil || configured.Host == "" || configured.EscapedPath() != other.EscapedPath() || configured.Scheme != other.Scheme {
		return ""
	}
	return override
}

func (c *call) refund() (any, error) {
	in, err := jokul.DecodeRefund(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	_, _, err = c.Gateway.RefundPayment(c.ctx, gateway.RefundPayment{
		Claim: c.claim, Merchant: c.merchant.ID, RequestID: c.requestID, Reference: c.requestID, Amount: in.Amount, Reason: in.Reason,
		Payment: gateway.PaymentQuery{Dialect: Dialect, Reference: in.Invoice, RequestID: in.RequestID},
	})
	result := jokul.RefundResult{Amount: jokul.Number(in.Amount), Reason: in.Reason, Status: jokul.StatusSuccess, Message: refundSucceeded}
	var refusal *gateway.Error
	if errors.As(err, &refusal) {
		if message, failed := refundMessage(refusal.Code); failed {
			c.served.Result = refusal.Code.Result()
			c.note(wire.Note{Reason: "the refund failed: " + reasonOf(refusal)})
			result.Status, result.Message, err = jokul.StatusFailed, message, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return jokul.RefundAnswer{
		Order: jokul.InvoiceRef{InvoiceNumber: in.Invoice}, Payment: jokul.RequestRef{OriginalRequestID: in.RequestID}, Refund: result,
	}, nil
}

func (c *call) unbinding() (any, error) {
	in, err := jokul.DecodeUnbinding(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	b, err := c.holder(in.TokenID, in.CustomerID)
	if err != nil {
		return nil, c.refuse(err)
	}
	if b, err = c.Gateway.Unbind(c.ctx, c.claim, c.merchant.ID, b.ID); err != nil {
		return nil, err
	}
	name := b.CustomerName
	if name == "" {
		name = in.CustomerName
	}
	return jokul.UnbindingAnswer{
		Customer:   jokul.NamedCustomer{ID: b.CustomerID, Name: name},
		OVOAccount: jokul.UnbindingAccount{TokenID: in.TokenID, Status: jokul.StatusSuccess, Message: "Success Unbinding Ovo Account"},
	}, nil
}

// A token is the id of its binding, without the prefix.
func tokenID(id gateway.BindingID) string      { return strings.TrimPrefix(string(id), "bnd_") }
func bindingID(token string) gateway.BindingID { return gateway.BindingID("bnd_" + token) }
