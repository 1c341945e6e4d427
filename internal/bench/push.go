package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// owner is a customer with a phone: a wallet of its own, whose PIN is known, and a
// connection to the sandbox's control API, through which it acts.
type owner struct {
	phone *conn
	local string // its number, 08…
}

const ownerPIN = "246810"

// owners opens a wallet for each of n clients, and lets more do what else is needed.
func (s *scene) owners(ctx context.Context, n int, more func(i int, o *owner) error) ([]*owner, error) {
	all := make([]*owner, n)
	series := now().UnixMilli() / 10 % 1_000_000 // tells the numbers of one load from those of another
	return all, s.each(ctx, n, func(_ *conn, i int) (err error) {
		o := &owner{local: fmt.Sprintf("0818%06d%03d", series, i)}
		o.phone = s.newConn()
		all[i] = o
		if err := o.control("/wallets", map[string]any{"phone": o.local, "pin": ownerPIN, "cash": int64(worldCash)}, nil); err != nil {
			return err
		}
		return more(i, o)
	})
}

// control calls the sandbox's control API.
func (o *owner) control(path string, body, into any) error {
	method, text := http.MethodGet, []byte(nil)
	if body != nil {
		method, text = http.MethodPost, encode(body)
	}
	status, answer, err := o.phone.do(method, "/sandbox/v1"+path, []header{{"Content-Type", contentJSON}}, text)
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

// complete goes through a hosted page with the code on the phone and the PIN.
func (o *owner) complete(page string) error {
	return o.control("/pages/complete", map[string]string{"url": page, "pin": ownerPIN}, nil)
}

// pushPayer asks for a payment on the phone, and approves it there with the PIN.
type pushPayer struct {
	*scene
	*conn
	*owner
}

func (s *scene) pushPayers(ctx context.Context, clients int) (payers []payer, err error) {
	owners, err := s.owners(ctx, clients, func(int, *owner) error { return nil })
	if err != nil {
		return nil, err
	}
	for _, o := range owners {
		c := s.newConn()
		payers = append(payers, &pushPayer{s, c, o})
	}
	return payers, nil
}

func (p *pushPayer) close() {
	p.conn.close()
	p.phone.close()
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
		if err := p.control("/wallets/"+p.local, nil, &wallet); err != nil {
			return err
		}
		for _, prompt := range wallet.Prompts {
			if prompt.Invoice == invoice {
				return p.control("/wallets/"+p.local+"/prompts/"+prompt.ID+"/approve", map[string]string{"pin": ownerPIN}, nil)
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
