package ovotest

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

// The wallets that every sandbox has. Both have the PIN 123456.
const (
	Anton = "081211111111" // 100,000 cash and 100,000 points
	Citra = "081222222222" // 1,000,000 cash
)

// Wallet is a customer's phone with an OVO account.
type Wallet struct {
	// Number is the phone number, 08….
	Number string

	s *Sandbox
}

// Wallet is the wallet of a number, which must exist.
func (s *Sandbox) Wallet(number string) *Wallet {
	s.tb.Helper()
	w := &Wallet{Number: number, s: s}
	w.view()
	return w
}

// NewWallet opens a wallet of a new number with a balance in rupiah and points, and
// the PIN 123456.
func (s *Sandbox) NewWallet(cash, points int64) *Wallet {
	s.tb.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		s.tb.Fatalf("%v", err)
	}
	w := &Wallet{Number: fmt.Sprintf("0813%08d", n), s: s}
	s.must(http.MethodPost, "/wallets", map[string]any{"phone": w.Number, "cash": cash, "points": points}, nil)
	return w
}

type walletView struct {
	Cash, Points int64
	Prompts      []struct {
		ID      string
		Invoice string `json:"invoice_number"`
	}
	Links []struct{ ID, State string }
}

func (w *Wallet) view() (v walletView) {
	w.s.tb.Helper()
	w.s.must(http.MethodGet, "/wallets/"+w.Number, nil, &v)
	return v
}

// Balance is what the wallet holds, whatever the merchant may know of it.
func (w *Wallet) Balance() ovo.Balance {
	w.s.tb.Helper()
	v := w.view()
	return ovo.Balance{Cash: v.Cash, Points: v.Points}
}

// TopUp adds rupiah and points.
func (w *Wallet) TopUp(cash, points int64) {
	w.s.tb.Helper()
	w.s.must(http.MethodPost, "/wallets/"+w.Number+"/topup", map[string]int64{"cash": cash, "points": points}, nil)
}

// Status says whether a wallet may be used.
type Status string

const (
	Active      Status = "active"
	Blocked     Status = "blocked"
	CardBlocked Status = "card_blocked"
)

// SetStatus blocks the wallet, or opens it again.
func (w *Wallet) SetStatus(status Status) {
	w.s.tb.Helper()
	w.s.must(http.MethodPost, "/wallets/"+w.Number+"/status", map[string]any{"status": status}, nil)
}

// Unlink ends every binding in the OVO app, as the customer can without the merchant.
func (w *Wallet) Unlink() {
	w.s.tb.Helper()
	for _, link := range w.view().Links {
		if link.State == "active" {
			w.s.must(http.MethodPost, "/wallets/"+w.Number+"/links/"+link.ID+"/unlink", nil, nil)
		}
	}
}

// Approve waits until a push payment asks on the phone, and pays it from cash. It is
// for a goroutine beside [ovo.PushClient.Pay]:
//
//	go phone.Approve("INV-1")
//	result, err := client.Pay(ctx, ovo.PushRequest{Phone: phone.Number, Invoice: "INV-1", Amount: 15_000})
func (w *Wallet) Approve(invoice string) {
	w.s.tb.Helper()
	w.answer(invoice, "approve")
}

// Decline waits until a push payment asks on the phone, and declines it. It is for a
// goroutine, as [Wallet.Approve].
func (w *Wallet) Decline(invoice string) {
	w.s.tb.Helper()
	w.answer(invoice, "decline")
}

func (w *Wallet) answer(invoice, what string) {
	w.s.tb.Helper()
	id, err := w.prompt(invoice)
	if err == nil {
		err = w.s.call(http.MethodPost, "/wallets/"+w.Number+"/prompts/"+id+"/"+what, nil, nil)
	}
	if err != nil {
		w.s.tb.Errorf("%v", err)
	}
}

// AwaitPrompt waits until a push payment asks on the phone, and leaves it waiting. It
// is for a goroutine or for the test.
func (w *Wallet) AwaitPrompt(invoice string) {
	w.s.tb.Helper()
	if _, err := w.prompt(invoice); err != nil {
		w.s.tb.Errorf("%v", err)
	}
}

func (w *Wallet) prompt(invoice string) (id string, err error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		var v walletView
		if err := w.s.call(http.MethodGet, "/wallets/"+w.Number, nil, &v); err != nil {
			return "", err
		}
		for _, p := range v.Prompts {
			if p.Invoice == invoice {
				return p.ID, nil
			}
		}
		select {
		case <-tick.C:
		case <-timeout.C:
			return "", fmt.Errorf("ovotest: the push payment %s did not ask on %s", invoice, w.Number)
		}
	}
}
