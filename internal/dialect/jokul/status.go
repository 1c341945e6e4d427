package jokul

import (
	"context"
	"errors"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// status finds a payment by its invoice number or, when there is none, by the
// Request-Id of the call that made it.
func (c *call) status() (any, error) {
	id, ok := jokul.StatusID(c.path())
	if !ok {
		return nil, notFound("Payment not found", "the path does not end in an invoice number or Request-Id")
	}
	found, err := c.Gateway.FindPayment(c.ctx, c.merchant.ID, gateway.PaymentQuery{Dialect: Dialect, Reference: id})
	if errors.Is(err, gateway.NotFound) {
		found, err = c.Gateway.FindPayment(c.ctx, c.merchant.ID, gateway.PaymentQuery{Dialect: Dialect, RequestID: id})
	}
	if err != nil {
		return nil, err
	}
	if found.Payment.State == gateway.PaymentUncertain {
		s, err := c.Gateway.ResolvePush(c.ctx, found.Payment.ID)
		if err != nil {
			return nil, err
		}
		found.Payment = s.Payment
	}
	r, err := c.report(c.ctx, found.Payment, transactionStatus(found.Payment), "")
	return jokul.StatusAnswer{
		Order: r.Order, Transaction: r.Transaction, Service: r.Service, Acquirer: r.Acquirer, Channel: r.Channel,
		Customer: r.Customer, Wallet: r.Wallet, OVOInfo: r.OVOInfo, OVOConfiguration: r.OVOConfiguration, OVOPayment: r.OVOPayment,
		AdditionalInfo: r.AdditionalInfo,
	}, err
}

// report says how a payment stands, for check status and notifications alike.
// phone is that of the wallet, where the payment does not say it.
func (h *Handler) report(ctx context.Context, p gateway.Payment, status string, phone gateway.Phone) (jokul.Notification, error) {
	echo, err := detailsOf(p)
	if err != nil {
		return jokul.Notification{}, err
	}
	out := jokul.Notification{
		Service: jokul.Ref{ID: jokul.ServiceEMoney}, Acquirer: jokul.Ref{ID: jokul.AcquirerOVO}, Channel: jokul.Ref{ID: jokul.ChannelOVO},
		Transaction: jokul.Transaction{
			Status: status, Date: jokul.FormatTime(paymentDate(p, p.CreatedAt)), OriginalRequestID: p.RequestID,
		},
		Order:    jokul.OrderTotal{InvoiceNumber: p.Reference, Amount: jokul.Number(p.Amount)},
		Customer: echo.Customer, AdditionalInfo: echo.Info,
	}
	if p.Channel != gateway.PushToPay {
		if echo.Phone == "" {
			echo.Phone = string(phone)
		}
		out.Wallet = &jokul.WalletResult{
			Issuer: jokul.IssuerOVO, TokenID: tokenID(p.BindingID), MaskedPhoneNumber: jokul.MaskPhone(echo.Phone), Status: status,
		}
		return out, nil
	}
	s, err := h.Gateway.Push(ctx, p.ID)
	if err != nil {
		return out, err
	}
	s.Payment = p
	terminal := configuration(p.MerchantID)
	out.OVOInfo, out.OVOConfiguration = &jokul.OVOInfo{OVOID: echo.Phone, OVOAccountName: s.Wallet.Name}, &terminal
	if p.State != gateway.PaymentAwaiting {
		outcome := ovoPayment(s, p.CreatedAt)
		out.OVOPayment = &outcome
	}
	return out, nil
}
