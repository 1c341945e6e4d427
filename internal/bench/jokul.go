package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

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
		c, err := newConn(s.baseURL)
		if err != nil {
			return payers, err
		}
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

// pushPayer asks for a payment and, as the phone's owner, approves it with the PIN
// through the sandbox's control API. Each has a wallet of its own.
type pushPayer struct {
	*scene
	*conn
	phone *conn // the owner's
	local string
}

const pushPIN = "246810"

func (s *scene) pushPayers(ctx context.Context, clients int) ([]payer, error) {
	payers := make([]payer, clients)
	err := s.each(ctx, clients, func(c *conn, i int) error {
		p := &pushPayer{scene: s, local: fmt.Sprintf("0818%s%03d", lastDigits(now()), i)}
		if err := p.control(c, "/wallets", map[string]any{"phone": p.local, "pin": pushPIN, "cash": int64(worldCash)}, nil); err != nil {
			return err
		}
		var err error
		if p.conn, err = newConn(s.baseURL); err != nil {
			return err
		}
		p.phone, err = newConn(s.baseURL)
		payers[i] = p
		return err
	})
	if err != nil {
		return nil, err
	}
	return payers, nil
}

// lastDigits tells the phones of one load from those of another.
func lastDigits(t time.Time) string { return fmt.Sprintf("%06d", t.UnixMilli()/10%1_000_000) }

func (p *pushPayer) close() {
	p.conn.close()
	p.phone.close()
}

// control calls the sandbox's control API.
func (p *pushPayer) control(c *conn, path string, body, into any) error {
	method, text := http.MethodGet, []byte(nil)
	if body != nil {
		method, text = http.MethodPost, encode(body)
	}
	status, answer, err := c.do(method, "/sandbox/v1"+path, []header{{"Content-Type", contentJSON}}, text)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("%s: HTTP %d %s", path, status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

func (p *pushPayer) pay() string {
	o := p.next()
	merchant := p.merchants[p.merchantOf(o.holder)]
	request := jokul.PushRequest{
		Client: jokul.ClientRef{ID: merchant.DOKU.ClientID}, Order: jokul.OrderTotal{InvoiceNumber: o.reference, Amount: jokul.Number(o.amount())},
		OVOInfo: jokul.OVOID{OVOID: p.local},
	}
	request.Security.CheckSum = request.CheckSumFields().Sum(merchant.DOKU.SecretKey)
	approved := make(chan error, 1)
	done := make(chan struct{})
	go func() { approved <- p.approve(o.reference, done) }()
	status, answer, err := p.post(jokul.PathPush, contentJSON, nil, encode(request))
	var paid string
	if err == nil {
		paid = text(answer, "ovo_payment.response_code")
	}
	close(done)
	switch refused := <-approved; {
	case err != nil:
		return transport(err)
	case refused != nil:
		return "not approved: " + refused.Error()
	case status != http.StatusOK || paid != "00":
		return unexpected(status, paid+text(answer, "error.code"))
	}
	return ""
}

// approve waits for the prompt on the phone, unless the push is over before, and
// answers it.
func (p *pushPayer) approve(invoice string, over <-chan struct{}) error {
	const lookAgain = time.Millisecond
	for {
		var wallet struct {
			Prompts []struct {
				ID      string `json:"id"`
				Invoice string `json:"invoice_number"`
			} `json:"prompts"`
		}
		if err := p.control(p.phone, "/wallets/"+p.local, nil, &wallet); err != nil {
			return err
		}
		for _, prompt := range wallet.Prompts {
			if prompt.Invoice == invoice {
				return p.control(p.phone, "/wallets/"+p.local+"/prompts/"+prompt.ID+"/approve", map[string]string{"pin": pushPIN}, nil)
			}
		}
		timer := time.NewTimer(lookAgain)
		select {
		case <-over:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}
