package sandbox

import (
	"context"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// promptView is a push payment that waits for the phone's owner.
type promptView struct {
	ID            gateway.PaymentID `json:"id"`
	Merchant      string            `json:"merchant"`
	InvoiceNumber string            `json:"invoice_number"`
	Amount        money.Amount      `json:"amount"`
	ExpiresAt     time.Time         `json:"expires_at"`
}

func (s *Sandbox) prompts(ctx context.Context, phone gateway.Phone, names *merchantNames) ([]promptView, error) {
	prompts, err := s.Gateway.Prompts(ctx, phone)
	views := make([]promptView, 0, len(prompts))
	if err != nil {
		return views, err
	}
	for _, p := range prompts {
		name, err := names.of(ctx, p.Payment.MerchantID)
		if err != nil {
			return views, err
		}
		views = append(views, promptView{p.Payment.ID, name, p.Payment.Reference, p.Payment.Amount, p.Push.Deadline})
	}
	return views, nil
}

// merchantNames reads each merchant once.
type merchantNames struct {
	gateway *gateway.Gateway
	known   map[gateway.MerchantID]string
}

func (s *Sandbox) merchantNames() *merchantNames {
	return &merchantNames{s.Gateway, map[gateway.MerchantID]string{}}
}

func (n *merchantNames) of(ctx context.Context, id gateway.MerchantID) (string, error) {
	if name, ok := n.known[id]; ok {
		return name, nil
	}
	m, err := n.gateway.Merchant(ctx, id)
	n.known[id] = m.Name
	return m.Name, err
}

func (s *Sandbox) approvePrompt(r *http.Request) (any, error) {
	phone, err := s.phoneOf(r)
	if err != nil {
		return nil, err
	}
	in := promptApproval{Use: ledger.UseCash}
	if r.ContentLength != 0 {
		if err := decode(r, &in); err != nil {
			return nil, err
		}
	}
	if in.PIN == "" {
		w, err := s.Gateway.Wallet(r.Context(), phone)
		if err != nil {
			return nil, err
		}
		in.PIN = w.PIN
	}
	p, err := s.Gateway.ApprovePush(r.Context(), phone, gateway.PaymentID(r.PathValue("id")), in.PIN, in.Use)
	if err != nil {
		return nil, err
	}
	return promptAnswer{p.Payment.State, &p.Payment.Split.Cash, &p.Payment.Split.Points}, nil
}

func (s *Sandbox) declinePrompt(r *http.Request) (any, error) {
	phone, err := s.phoneOf(r)
	if err != nil {
		return nil, err
	}
	p, err := s.Gateway.DeclinePush(r.Context(), phone, gateway.PaymentID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	return promptAnswer{State: p.Payment.State}, nil
}
