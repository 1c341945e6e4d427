package issuer

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/jsonapi"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Wallet is the JSON form of a wallet. The sandbox's API adds to it what only a
// sandbox shows.
type Wallet struct {
	Phone       gateway.Phone        `json:"phone"`
	Name        string               `json:"name"`
	Status      gateway.WalletStatus `json:"status"`
	LockedUntil *time.Time           `json:"locked_until,omitempty"`
	Cash        money.Amount         `json:"cash"`
	Points      money.Amount         `json:"points"`
	Limits      Limits               `json:"limits"`
	Prompts     []Prompt             `json:"prompts"`
	Links       []Link               `json:"links"`
}

// Limits bound a wallet; 0 is off, or the default of per_transaction.
type Limits struct {
	PerTransaction money.Amount `json:"per_transaction"`
	DailyCount     int64        `json:"daily_count"`
	DailySum       money.Amount `json:"daily_sum"`
	Holding        money.Amount `json:"holding"`
}

// Prompt is a push payment that waits for the phone's owner.
type Prompt struct {
	ID            gateway.PaymentID `json:"id"`
	Merchant      string            `json:"merchant"`
	InvoiceNumber string            `json:"invoice_number"`
	Amount        money.Amount      `json:"amount"`
	ExpiresAt     time.Time         `json:"expires_at"`
}

// Link is a merchant's binding of the wallet.
type Link struct {
	ID         gateway.BindingID    `json:"id"`
	Merchant   string               `json:"merchant"`
	CustomerID string               `json:"customer_id"`
	State      gateway.BindingState `json:"state"`
	Since      time.Time            `json:"since"`
}

// ViewWallet is a wallet as it is now, with what its owner is asked and has agreed to.
func ViewWallet(ctx context.Context, g *gateway.Gateway, phone gateway.Phone) (Wallet, error) {
	w, err := g.Wallet(ctx, phone)
	if err != nil {
		return Wallet{}, err
	}
	v := Wallet{
		Phone: w.Phone, Name: w.Name, Status: w.Status, Cash: w.Balance.Cash, Points: w.Balance.Points, Limits: Limits(w.Limits), Links: []Link{},
	}
	if !w.LockedUntil.IsZero() {
		v.LockedUntil = &w.LockedUntil
	}
	names := MerchantNames{}
	if v.Prompts, err = prompts(ctx, g, phone, names); err != nil {
		return v, err
	}
	bindings, err := g.BindingsOf(ctx, phone)
	if err != nil {
		return v, err
	}
	for _, b := range bindings {
		name, err := names.Of(ctx, g, b.MerchantID)
		if err != nil {
			return v, err
		}
		v.Links = append(v.Links, Link{b.ID, name, b.CustomerID, b.State, b.CreatedAt})
	}
	return v, nil
}

// ViewPrompts lists what a phone is asked, oldest first.
func ViewPrompts(ctx context.Context, g *gateway.Gateway, phone gateway.Phone) ([]Prompt, error) {
	return prompts(ctx, g, phone, MerchantNames{})
}

func prompts(ctx context.Context, g *gateway.Gateway, phone gateway.Phone, names MerchantNames) ([]Prompt, error) {
	waiting, err := g.Prompts(ctx, phone)
	views := make([]Prompt, 0, len(waiting))
	if err != nil {
		return views, err
	}
	for _, p := range waiting {
		name, err := names.Of(ctx, g, p.Payment.MerchantID)
		if err != nil {
			return views, err
		}
		views = append(views, Prompt{p.Payment.ID, name, p.Payment.Reference, p.Payment.Amount, p.Push.Deadline})
	}
	return views, nil
}

// MerchantNames are names that were read already: each merchant is read once.
type MerchantNames map[gateway.MerchantID]string

// Of reads a merchant's name.
func (n MerchantNames) Of(ctx context.Context, g *gateway.Gateway, id gateway.MerchantID) (string, error) {
	if name, ok := n[id]; ok {
		return name, nil
	}
	m, err := g.Merchant(ctx, id)
	n[id] = m.Name
	return m.Name, err
}

// NewWallet is the JSON form of a wallet to be opened.
type NewWallet struct {
	Phone  string               `json:"phone"`
	Name   string               `json:"name,omitempty"`
	PIN    string               `json:"pin"`
	Status gateway.WalletStatus `json:"status,omitempty"` // default active
	Limits Limits               `json:"limits,omitzero"`
}

// Checked is the wallet for the gateway.
func (in NewWallet) Checked() (w gateway.NewWallet, err error) {
	w = gateway.NewWallet{Name: in.Name, PIN: in.PIN, Status: in.Status, Limits: gateway.Limits(in.Limits)}
	if w.Phone, err = ParsePhone(in.Phone); err != nil {
		return w, err
	}
	switch in.Status {
	case "", gateway.WalletActive, gateway.WalletBlockedByIssuer, gateway.WalletCardBlockedByBank:
	default:
		return w, jsonapi.Refuse(http.StatusBadRequest, "status is active, blocked or card_blocked")
	}
	if w.Name == "" {
		w.Name = "Customer " + w.Phone.Masked()
	}
	return w, nil
}

// ParsePhone reads a phone number in any of its spellings.
func ParsePhone(text string) (gateway.Phone, error) {
	phone, ok := gateway.ParsePhone(text)
	if !ok {
		return "", jsonapi.Refuse(http.StatusBadRequest, fmt.Sprintf("%q is no Indonesian mobile number; write 08…, 62… or +62…, digits only", text))
	}
	return phone, nil
}
