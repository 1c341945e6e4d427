package ledger

import (
	"fmt"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/money"
)

// Purse is one of the two balances of an OVO wallet.
type Purse string

const (
	Cash   Purse = "cash"
	Points Purse = "points"
)

// Account names one account of the book: an owner's kind, the owner where there
// is more than one, and the purse, as "wallet:wal_0191…:cash".
type Account string

// Accounts outside any wallet and merchant. They mirror the world beyond the
// book and may show any balance.
const (
	TopUpSource    Account = "topup:cash"      // where customers' top-ups come from
	PointsIssuance Account = "issuance:points" // where points are created
)

// WalletAccount is one purse of a wallet. Its balance is never negative.
func WalletAccount(walletID string, p Purse) Account {
	return Account("wallet:" + walletID + ":" + string(p))
}

// ReceivableAccount is what the operator owes a merchant, kept per purse because
// points are settled on other terms than cash.
func ReceivableAccount(merchantID string, p Purse) Account {
	return Account("receivable:" + merchantID + ":" + string(p))
}

// Purse is the purse the account belongs to.
func (a Account) Purse() Purse {
	if strings.HasSuffix(string(a), ":"+string(Points)) {
		return Points
	}
	return Cash
}

// Kind says what a transfer is for.
type Kind string

const (
	Payment Kind = "payment" // wallet → merchant
	Refund  Kind = "refund"  // merchant → wallet, refers to a payment's transfer
	TopUp   Kind = "top_up"  // outside → wallet
)

// Posting is one leg of a transfer.
type Posting struct {
	Account Account
	Amount  money.Amount // never zero
}

// Transfer is one balanced, immutable movement.
type Transfer struct {
	ID       string
	Kind     Kind
	Subject  string // the payment, refund or wallet it was made for
	Reverses string // the transfer a refund gives back from, or ""
	Postings []Posting
}

// Split is an amount divided between the purses.
type Split struct {
	Cash   money.Amount
	Points money.Amount
}

// Total is the undivided amount.
func (s Split) Total() money.Amount { return s.Cash + s.Points }

// Plus adds two splits purse by purse.
func (s Split) Plus(o Split) Split { return Split{s.Cash + o.Cash, s.Points + o.Points} }

// Minus subtracts o purse by purse.
func (s Split) Minus(o Split) Split { return Split{s.Cash - o.Cash, s.Points - o.Points} }

// Covers reports whether every purse of s holds at least what o asks of it.
func (s Split) Covers(o Split) bool { return s.Cash >= o.Cash && s.Points >= o.Points }

// Use says which purse pays.
type Use string

const (
	UseCash        Use = "cash"
	UsePoints      Use = "points"
	UsePointsFirst Use = "points_first" // all points, then cash for the rest
	UseExact       Use = "exact"        // the caller names the share of each purse
)

// SplitPayment divides amount between the purses of a wallet that holds balance,
// and reports whether the wallet can pay it. It must not be called with
// UseExact, which needs no dividing.
func SplitPayment(amount money.Amount, balance Split, use Use) (Split, bool) {
	var s Split
	switch use {
	case UseCash:
		s.Cash = amount
	case UsePoints:
		s.Points = amount
	case UsePointsFirst:
		s.Points = min(amount, balance.Points)
		s.Cash = amount - s.Points
	default:
		panic("ledger: no rule divides a payment for use " + string(use))
	}
	return s, balance.Covers(s)
}

// SplitRefund divides a refund of a payment that took paid and has already given
// back refunded: points return first. It reports false when amount is more than
// what is left.
func SplitRefund(amount money.Amount, paid, refunded Split) (Split, bool) {
	left := paid.Minus(refunded)
	s := Split{Points: min(amount, left.Points)}
	s.Cash = amount - s.Points
	return s, amount > 0 && left.Covers(s)
}

// PaymentPostings move s from a wallet to what the merchant is owed.
func PaymentPostings(walletID, merchantID string, s Split) []Posting {
	return perPurse(s, func(p Purse) (from, to Account) {
		return WalletAccount(walletID, p), ReceivableAccount(merchantID, p)
	})
}

// RefundPostings move s from what the merchant is owed back to the wallet.
func RefundPostings(walletID, merchantID string, s Split) []Posting {
	return perPurse(s, func(p Purse) (from, to Account) {
		return ReceivableAccount(merchantID, p), WalletAccount(walletID, p)
	})
}

// TopUpPostings bring s into a wallet from outside the book.
func TopUpPostings(walletID string, s Split) []Posting {
	return perPurse(s, func(p Purse) (from, to Account) {
		if p == Points {
			return PointsIssuance, WalletAccount(walletID, p)
		}
		return TopUpSource, WalletAccount(walletID, p)
	})
}

func perPurse(s Split, accounts func(Purse) (from, to Account)) []Posting {
	postings := make([]Posting, 0, 4)
	move := func(p Purse, amount money.Amount) {
		if amount == 0 {
			return
		}
		from, to := accounts(p)
		postings = append(postings, Posting{from, -amount}, Posting{to, amount})
	}
	move(Cash, s.Cash)
	move(Points, s.Points)
	return postings
}

// Check reports why t may not enter the book, or nil. A failure is a defect in
// the caller, never a matter of input.
func (t Transfer) Check() error {
	if len(t.Postings) < 2 {
		return fmt.Errorf("ledger: transfer %s has %d postings, want at least 2", t.ID, len(t.Postings))
	}
	var sum Split
	for _, p := range t.Postings {
		if p.Amount == 0 || p.Amount > money.Max || p.Amount < -money.Max {
			return fmt.Errorf("ledger: transfer %s posts %d to %s", t.ID, p.Amount, p.Account)
		}
		if p.Account.Purse() == Points {
			sum.Points += p.Amount
		} else {
			sum.Cash += p.Amount
		}
	}
	if sum != (Split{}) {
		return fmt.Errorf("ledger: transfer %s is off by %d cash and %d points", t.ID, sum.Cash, sum.Points)
	}
	if t.Kind == Refund && t.Reverses == "" {
		return fmt.Errorf("ledger: refund transfer %s refers to no payment", t.ID)
	}
	return nil
}
