package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// World is what a seed file describes: merchants and wallets as in the control API,
// and bindings and payments that have come about before a test begins.
type World struct {
	Merchants []merchantView `json:"merchant"`
	Wallets   []newWallet    `json:"wallet"`
	Bindings  []bindingSeed  `json:"binding"`
	Payments  []paymentSeed  `json:"payment"`
	Scenarios []scenarioForm `json:"scenario"`
}

// bindingSeed is an active binding.
type bindingSeed struct {
	Merchant string `json:"merchant"` // name or id at a provider; the only one if left out
	Phone    string `json:"phone"`
	Customer string `json:"customer"`
}

// paymentSeed is a payment that succeeded.
type paymentSeed struct {
	Merchant  string         `json:"merchant"`
	Phone     string         `json:"phone"`
	Channel   string         `json:"channel"` // snap_recurring, jokul_recurring, push or faspay
	Reference string         `json:"reference"`
	Amount    money.Amount   `json:"amount"`
	Use       ledger.Use     `json:"use"`    // cash, points or points_first; default cash
	Refund    []money.Amount `json:"refund"` // what was given back of it, in order
}

// ParseWorld reads a seed file, which is TOML. A member that nothing knows is refused:
// it is a slip of the pen.
func ParseWorld(text []byte) (*World, error) {
	var tree map[string]any
	if err := toml.Unmarshal(text, &tree); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, errors.New(syntax.ErrorWithPosition())
		}
		return nil, err
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	w := &World{}
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(w); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return w, nil
}

// build makes the world, by the same gateway calls as the world outside would. It
// names the entry that cannot be made.
func (s *Sandbox) build(ctx context.Context, w *World) error {
	failed := func(what string, i int, err error) error {
		return fmt.Errorf("the seed file's %s number %d: %w", what, i+1, err)
	}
	for i, in := range w.Wallets {
		if _, err := s.openWallet(ctx, in.withDefaults()); err != nil {
			return failed("wallet", i, err)
		}
	}
	for i, in := range w.Merchants {
		if _, err := s.addMerchant(ctx, in); err != nil {
			return failed("merchant", i, err)
		}
	}
	for i, in := range w.Bindings {
		if err := s.buildBinding(ctx, in); err != nil {
			return failed("binding", i, err)
		}
	}
	for i, in := range w.Payments {
		if err := s.buildPayment(ctx, in); err != nil {
			return failed("payment", i, err)
		}
	}
	for i, in := range w.Scenarios {
		if _, err := s.addScenario(in); err != nil {
			return failed("scenario", i, err)
		}
	}
	return nil
}

// merchantNamed finds a merchant by what a seed file calls it.
func (s *Sandbox) merchantNamed(ctx context.Context, name string) (gateway.Merchant, error) {
	merchants, err := s.Gateway.Merchants(ctx)
	if err != nil {
		return gateway.Merchant{}, err
	}
	for _, m := range merchants {
		if name == "" && len(merchants) == 1 || name != "" && (name == m.Name || name == m.DOKU.ClientID || name == m.Faspay.MerchantID) {
			return m, nil
		}
	}
	if name == "" {
		return gateway.Merchant{}, fmt.Errorf("there are %d merchants; say which, by name or id at a provider", len(merchants))
	}
	return gateway.Merchant{}, fmt.Errorf("no merchant has the name or provider's id %q", name)
}

func (s *Sandbox) buildBinding(ctx context.Context, in bindingSeed) error {
	m, err := s.merchantNamed(ctx, in.Merchant)
	if err != nil {
		return err
	}
	phone, err := parsePhone(in.Phone)
	if err != nil {
		return err
	}
	_, page, err := s.Gateway.StartBinding(ctx, gateway.StartBinding{
		Claim: seedClaim(m, "binding "+in.Phone), Merchant: m.ID, Phone: phone, CustomerID: in.Customer, Dialect: "snap", RequestID: "seed-" + in.Customer,
		Return: seedReturn,
	})
	if err != nil {
		return err
	}
	_, err = s.walkPage(ctx, page.Key, "", "approve")
	return err
}

// seedReturn is where nobody goes.
var seedReturn = gateway.ReturnURLs{Success: "https://shop.example/done", Failure: "https://shop.example/failed"}

func seedClaim(m gateway.Merchant, key string) gateway.Claim {
	return gateway.Claim{Merchant: m.ID, Scope: "seed", Key: key, Fingerprint: key}
}

// seedDialects says which protocol's payments a channel's are.
var seedDialects = map[string]string{string(gateway.SNAPRecurring): "snap", string(gateway.JokulRecurring): "jokul", string(gateway.PushToPay): "jokul", string(gateway.FaspayPayment): "faspay"}

func (s *Sandbox) buildPayment(ctx context.Context, in paymentSeed) error {
	m, err := s.merchantNamed(ctx, in.Merchant)
	if err != nil {
		return err
	}
	phone, err := parsePhone(in.Phone)
	if err != nil {
		return err
	}
	if in.Use == "" {
		in.Use = ledger.UseCash
	}
	dialect, ok := seedDialects[in.Channel]
	var id gateway.PaymentID
	switch {
	case !ok:
		return fmt.Errorf("channel is snap_recurring, jokul_recurring, push or faspay, not %q", in.Channel)
	case in.Reference == "":
		return errors.New("it has no reference")
	case in.Channel == string(gateway.PushToPay):
		id, err = s.buildPush(ctx, m, phone, in)
	default:
		id, err = s.buildCharge(ctx, m, phone, dialect, in)
	}
	if err != nil {
		return err
	}
	for i, amount := range in.Refund {
		reference := fmt.Sprintf("%s-R%d", in.Reference, i+1)
		if _, _, err := s.Gateway.RefundPayment(ctx, gateway.RefundPayment{
			Claim: seedClaim(m, in.Channel+" refund "+reference), Merchant: m.ID, Payment: gateway.PaymentQuery{Dialect: dialect, ID: id},
			Reference: reference, RequestID: "seed-" + reference, Amount: amount,
		}); err != nil {
			return fmt.Errorf("refund %d: %w", i+1, err)
		}
	}
	return nil
}

// faspayTrx follows the merchant's id in the numbers that Faspay gives payments.
const faspayTrx = "720"

// buildCharge charges the wallet under its binding to the merchant. At Faspay the
// customer confirms, and the merchant's number is that of the order.
func (s *Sandbox) buildCharge(ctx context.Context, m gateway.Merchant, phone gateway.Phone, dialect string, in paymentSeed) (gateway.PaymentID, error) {
	bindings, err := s.Gateway.BindingsOf(ctx, phone)
	if err != nil {
		return "", err
	}
	for _, b := range bindings {
		if b.MerchantID == m.ID && b.State == gateway.BindingActive {
			ask := gateway.CreatePayment{
				Claim: seedClaim(m, in.Channel+" "+in.Reference), Merchant: m.ID, Binding: b.ID, Channel: gateway.Channel(in.Channel), Dialect: dialect,
				Reference: in.Reference, RequestID: "seed-" + in.Reference, Amount: in.Amount, Use: in.Use, Fingerprint: "seed " + in.Reference, Details: "{}",
				Return: seedReturn,
			}
			if ask.Channel == gateway.FaspayPayment {
				ask.Order, ask.Reference = in.Reference, strings.Repeat("0", gateway.MaxFaspayID-len(m.Faspay.MerchantID))+m.Faspay.MerchantID+faspayTrx
			}
			p, page, err := s.Gateway.CreatePayment(ctx, ask)
			if err == nil && page.Key != "" {
				_, err = s.walkPage(ctx, page.Key, "", "approve")
			}
			return p.ID, err
		}
	}
	return "", fmt.Errorf("%s is not bound to %s; put a [[binding]] in front", phone, m.Name)
}

func (s *Sandbox) buildPush(ctx context.Context, m gateway.Merchant, phone gateway.Phone, in paymentSeed) (gateway.PaymentID, error) {
	w, err := s.Gateway.Wallet(ctx, phone)
	if err != nil {
		return "", err
	}
	started, err := s.Gateway.StartPush(ctx, gateway.StartPush{
		Merchant: m.ID, Dialect: "jokul", Phone: phone, Reference: in.Reference, RequestID: "seed-" + in.Reference, Amount: in.Amount,
		Proof: "seed " + in.Reference, Fingerprint: "seed " + in.Reference, Details: fmt.Sprintf(`{"phone":%q}`, phone),
	})
	if err != nil {
		return "", err
	}
	_, err = s.Gateway.ApprovePush(ctx, phone, started.Payment.ID, w.PIN, in.Use)
	return started.Payment.ID, err
}
