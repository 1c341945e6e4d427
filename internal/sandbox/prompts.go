package sandbox

import (
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

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
	return issuer.AnswerOf(p), nil
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
	return issuer.AnswerOf(p), nil
}
