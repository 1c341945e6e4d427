package bench

import (
	"context"
	"net/http"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// jokulPayer charges under bindings: a recurring payment of the API before SNAP.
type jokulPayer struct {
	*scene
	*conn
}

func (s *scene) jokulPayers(_ context.Context, clients int) ([]payer, error) {
	var payers []payer
	for range clients {
		c := s.newConn()
		payers = append(payers, &jokulPayer{s, c})
	}
	return payers, nil
}

func (p *jokulPayer) pay() string {
	o := p.next()
	body := encode(jokul.RecurringPaymentRequest{
		Customer: jokul.Customer{ID: o.binding.CustomerID},
		Order: jokul.Order{
			InvoiceNumber: o.reference, Amount: jokul.Number(o.amount()),
			LineItems: []jokul.LineItem{{Name: "monthly subscription", Quantity: "1"}},
		},
		OVOAccount: jokul.RecurringAccount{TokenID: strings.TrimPrefix(string(o.binding.ID), "bnd_")},
	})
	call := jokul.Call{
		Method: http.MethodPost, Target: jokul.PathRecurringPayment, ClientID: o.merchant.DOKU.ClientID, RequestID: o.reference,
		Timestamp: jokul.FormatTime(now()),
	}
	status, answer, err := p.post(call.Target, contentJSON, []header{
		{jokul.HeaderClientID, call.ClientID},
		{jokul.HeaderRequestID, call.RequestID},
		{jokul.HeaderRequestTimestamp, call.Timestamp},
		{jokul.HeaderSignature, jokul.SignRequest(o.merchant.DOKU.SecretKey, call, body)},
	}, body)
	if err != nil {
		return transport(err)
	}
	if paid := text(answer, "payment.status"); status/100 != 2 || paid != jokul.StatusSuccess {
		return unexpected(status, paid+text(answer, "error.code"))
	}
	return ""
}
