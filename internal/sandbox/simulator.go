package sandbox

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// simulatorScreen is the documented simulator of push payments: it stands for the
// customer, and so knows the PIN.
type simulatorScreen struct {
	frame
	Wallets  []gateway.Wallet // active ones
	Phone    gateway.Phone    // asked for
	Invoice  string           // asked for
	Asked    bool
	Prompts  []Prompt
	Use      ledger.Use
	Done     string // how the push ended that was answered, or ""
	Error    string // why the last step was refused, or ""
	PhoneURL string
}

func (v *visit) simulator() error {
	q := v.r.URL.Query()
	return v.showSimulator(http.StatusOK, q, nil)
}

// showSimulator shows what is asked for in query, and a refused step.
func (v *visit) showSimulator(status int, query url.Values, refused error) error {
	ctx := v.r.Context()
	asked := url.Values{}
	for _, name := range []string{"phone", "invoice", "done"} {
		if query.Has(name) {
			asked.Set(name, query.Get(name))
		}
	}
	s := simulatorScreen{frame: v.frame(v.text.SimTitle, "/simulator/ovo", asked), Invoice: strings.TrimSpace(query.Get("invoice")), Use: useOf(v.form)}
	s.Class = "narrow"
	if query.Get("phone") != "" {
		phone, err := v.phoneNamed(query.Get("phone"))
		if err != nil && gateway.ErrorCode(err) != gateway.NotFound {
			return err
		}
		s.Phone, s.Asked = phone, s.Invoice != ""
	}
	if refused != nil {
		if s.Error = v.text.refusal(refused); s.Error == "" {
			return refused
		}
	}
	if s.Phone != "" {
		prompts, err := issuer.ViewPrompts(ctx, v.Gateway, s.Phone)
		switch {
		case err == nil:
			s.PhoneURL = "/phone/" + string(s.Phone)
		case gateway.ErrorCode(err) != gateway.NotFound:
			return err
		}
		for _, p := range prompts {
			if p.InvoiceNumber == s.Invoice {
				s.Prompts = append(s.Prompts, p)
			}
		}
		if s.Done, err = v.done(ctx, s.Phone, query.Get("done")); err != nil {
			return err
		}
	}
	wallets, err := v.Gateway.Wallets(ctx)
	if err != nil {
		return err
	}
	for _, w := range wallets {
		if w.Status == gateway.WalletActive && len(s.Wallets) < maxListed {
			s.Wallets = append(s.Wallets, w)
		}
	}
	v.render(status, "simulator", s)
	return nil
}

// simulate answers a prompt for the customer.
func (v *visit) simulate() error {
	ctx := v.r.Context()
	phone, err := v.phoneNamed(v.form.Get("phone"))
	if err != nil {
		return err
	}
	id := gateway.PaymentID(v.form.Get("id"))
	switch v.form.Get("action") {
	case "pay":
		w, err := v.Gateway.Wallet(ctx, phone)
		if err != nil {
			return err
		}
		if _, err := v.Gateway.ApprovePush(ctx, phone, id, w.PIN, useOf(v.form)); err != nil {
			return v.showSimulator(http.StatusUnprocessableEntity, v.form, err)
		}
	case "decline":
		if _, err := v.Gateway.DeclinePush(ctx, phone, id); err != nil {
			return v.showSimulator(http.StatusUnprocessableEntity, v.form, err)
		}
	default:
		return problem(http.StatusBadRequest, "action is pay or decline")
	}
	v.again("/simulator/ovo", url.Values{"phone": {string(phone)}, "invoice": {v.form.Get("invoice")}, "done": {string(id)}})
	return nil
}
