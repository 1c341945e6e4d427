package bench

import (
	"context"
	"fmt"

	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// faspayPayer asks for a payment and confirms it on its page with code and PIN. Its
// owner's wallet is linked to one merchant.
type faspayPayer struct {
	*scene
	*conn
	*owner
	merchant int
}

var faspayPaths = faspay.DefaultPaths()

func (s *scene) faspayPayers(ctx context.Context, clients int) (payers []payer, err error) {
	made := make([]*faspayPayer, clients)
	owners, err := s.owners(ctx, clients, func(i int, o *owner) (err error) {
		p := &faspayPayer{scene: s, owner: o, merchant: s.merchantOf(i)}
		p.conn = s.newConn()
		made[i] = p
		m := s.merchants[p.merchant].Faspay
		page, code, err := p.ask(faspay.ServiceActivation, faspay.ActivationRequest{
			Request: "Account Activation", MerchantID: m.MerchantID, PaymentChannel: faspay.Channel, PhoneNo: o.local, CustName: "Customer",
			Signature: faspay.Sign(m.UserID, m.Password, o.local),
		})
		if err != nil || page == "" {
			return fmt.Errorf("no activation: %s %w", code, err)
		}
		return o.complete(page)
	})
	for i := range owners {
		if made[i] != nil {
			payers = append(payers, made[i])
		}
	}
	return payers, err
}

func (p *faspayPayer) close() {
	p.conn.close()
	p.phone.close()
}

// ask makes a call that is answered with a page.
func (p *faspayPayer) ask(service faspay.Service, request any) (page, code string, err error) {
	status, answer, err := p.post(faspayPaths.Path(service, faspay.JSON), contentJSON, nil, encode(request))
	if err != nil {
		return "", "", err
	}
	return text(answer, "redirectURL"), unexpected(status, text(answer, "response_code")), nil
}

func (p *faspayPayer) pay() string {
	o := p.next()
	m := p.merchants[p.merchant].Faspay
	page, code, err := p.ask(faspay.ServicePayment, faspay.PaymentRequest{
		Request: "Payment", MerchantID: m.MerchantID, BillNo: o.reference, BillDesc: "monthly subscription",
		BillTotal: fmt.Sprint(o.amount()), BillCurrency: faspay.Currency, PaymentChannel: faspay.Channel, PhoneNo: p.local,
		CustName: "Customer", Email: "customer@example.com", PayType: faspay.PayCash, Signature: faspay.Sign(m.UserID, m.Password, p.local),
	})
	switch {
	case err != nil:
		return transport(err)
	case code != faspay.CodeSuccess || page == "":
		return code
	}
	if err := p.complete(page); err != nil {
		return "not confirmed: " + err.Error()
	}
	return ""
}
