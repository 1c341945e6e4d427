package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Wallet is an OVO account: a phone number, a PIN and two purses.
type Wallet struct {
	ID          WalletID
	Phone       Phone
	Name        string
	Status      WalletStatus
	PINHash     string
	PIN         string    // readable copy, sealed at rest; only where Config.KeepCodes
	PINFails    int       // wrong PINs in a row, over all pages
	LockedUntil time.Time // zero when the wallet is not locked
	Balance     ledger.Split
	Limits      Limits
	CreatedAt   time.Time
}

// WalletStatus is the issuer's word on a wallet.
type WalletStatus string

const (
	WalletActive            WalletStatus = "active"
	WalletBlockedByIssuer   WalletStatus = "blocked"
	WalletCardBlockedByBank WalletStatus = "card_blocked"
)

// Limits bound a wallet. A zero bound is off, except PerTransaction, where zero
// means the gateway's default.
type Limits struct {
	PerTransaction money.Amount
	DailyCount     int64
	DailySum       money.Amount
	Holding        money.Amount
}

// locked reports whether wrong PINs have locked the wallet at the moment now.
func (w Wallet) locked(now time.Time) bool { return now.Before(w.LockedUntil) }

// usable reports why the wallet may not pay or be bound, or nil.
func (w Wallet) usable(now time.Time) *Error {
	switch w.Status {
	case WalletActive:
	case WalletCardBlockedByBank:
		return refuse(CardBlocked, "the wallet's card is blocked")
	default:
		return refuse(WalletBlocked, "the wallet's status is "+string(w.Status))
	}
	if w.locked(now) {
		return &Error{Code: WalletLocked, Detail: "wrong PINs locked the wallet", RetryAfter: w.LockedUntil.Sub(now)}
	}
	return nil
}

// NewWallet describes a wallet to open. Balances come in as a top-up.
type NewWallet struct {
	Phone   Phone
	Name    string
	PIN     string // six digits
	Status  WalletStatus
	Balance ledger.Split
	Limits  Limits
}

// CreateWallet opens a wallet.
func (g *Gateway) CreateWallet(ctx context.Context, in NewWallet) (Wallet, error) {
	if !isDigits(in.PIN, PINDigits) {
		return Wallet{}, refuse(Invalid, "a PIN has six digits")
	}
	if err := in.Limits.check(); err != nil {
		return Wallet{}, err
	}
	if in.Status == "" {
		in.Status = WalletActive
	}
	w := Wallet{
		ID: WalletID(g.newID("wal_", g.clock.Now())), Phone: in.Phone, Name: in.Name, Status: in.Status, Limits: in.Limits,
	}
	w.PINHash = g.secrets.hash(pinOf(w.ID), in.PIN)
	if g.keepCodes {
		w.PIN = in.PIN
	}
	err := g.store.Update(ctx, func(tx Tx) error {
		w.CreatedAt = tx.Now()
		inserted, err := tx.InsertWallet(w)
		if err != nil {
			return err
		}
		if !inserted {
			return refuse(Duplicate, "a wallet with this phone number exists")
		}
		if in.Balance == (ledger.Split{}) {
			return nil
		}
		return g.topUp(tx, w, in.Balance)
	})
	w.Balance = in.Balance
	return w, err
}

// Wallet finds a wallet by phone number.
func (g *Gateway) Wallet(ctx context.Context, phone Phone) (w Wallet, err error) {
	err = g.view(ctx, "no wallet has this phone number", func(tx Tx) error {
		w, err = tx.WalletByPhone(phone)
		return err
	})
	return w, err
}

// WalletOf finds the wallet that a payment or binding names.
func (g *Gateway) WalletOf(ctx context.Context, id WalletID) (w Wallet, err error) {
	err = g.view(ctx, "no such wallet", func(tx Tx) error {
		w, err = tx.Wallet(id)
		return err
	})
	return w, err
}

// Wallets lists all wallets by phone number.
func (g *Gateway) Wallets(ctx context.Context) (all []Wallet, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.Wallets()
		return err
	})
	return all, err
}

// TopUp brings money and points into a wallet from outside.
func (g *Gateway) TopUp(ctx context.Context, phone Phone, in ledger.Split) (Wallet, error) {
	return g.TopUpOnce(ctx, Claim{}, phone, in)
}

// TopUpOnce is TopUp that uses up a request id in the same transaction: a repeat is
// refused with RequestReused. A top-up that is refused leaves the id as it was.
func (g *Gateway) TopUpOnce(ctx context.Context, c Claim, phone Phone, in ledger.Split) (Wallet, error) {
	if in.Cash < 0 || in.Points < 0 || in.Cash > money.Max || in.Points > money.Max || in.Total() == 0 {
		return Wallet{}, refuse(AmountInvalid, "top up a positive amount of cash or points")
	}
	var w Wallet
	err := g.store.Update(ctx, func(tx Tx) (err error) {
		if err := claim(tx, c); err != nil {
			return err
		}
		if w, err = g.walletIn(tx, phone); err != nil {
			return err
		}
		return g.topUp(tx, w, in)
	})
	w.Balance = w.Balance.Plus(in)
	return w, err
}

func (g *Gateway) topUp(tx Tx, w Wallet, in ledger.Split) error {
	if err := g.credit(tx, w, in); err != nil {
		return err
	}
	return tx.InsertTransfer(ledger.Transfer{
		ID: g.newID("trf_", tx.Now()), Kind: ledger.TopUp, Subject: string(w.ID), Postings: ledger.TopUpPostings(string(w.ID), in),
	})
}

// credit adds to a wallet's purses unless that would exceed what it may hold.
func (g *Gateway) credit(tx Tx, w Wallet, in ledger.Split) error {
	holding := money.Amount(money.Max)
	if w.Limits.Holding > 0 {
		holding = w.Limits.Holding
	}
	credited, err := tx.CreditWallet(w.ID, in, holding)
	if err == nil && !credited {
		return refuse(HoldingExceeded, "the wallet would hold more than "+holding.Rupiah())
	}
	return err
}

// SetWalletStatus blocks or unblocks a wallet as its issuer would. Unblocking
// also lifts the lock that wrong PINs left.
func (g *Gateway) SetWalletStatus(ctx context.Context, phone Phone, status WalletStatus) (Wallet, error) {
	switch status {
	case WalletActive, WalletBlockedByIssuer, WalletCardBlockedByBank:
	default:
		return Wallet{}, refuse(Invalid, "status is active, blocked or card_blocked")
	}
	return g.changeWallet(ctx, phone, func(w *Wallet) {
		w.Status = status
		if status == WalletActive {
			w.PINFails, w.LockedUntil = 0, time.Time{}
		}
	})
}

// SetPIN gives a wallet another PIN, as its issuer would, and lifts the lock that
// wrong ones left.
func (g *Gateway) SetPIN(ctx context.Context, phone Phone, pin string) error {
	if !isDigits(pin, PINDigits) {
		return refuse(Invalid, "a PIN has six digits")
	}
	w, err := g.Wallet(ctx, phone)
	if err != nil {
		return err
	}
	hash, readable := g.secrets.hash(pinOf(w.ID), pin), ""
	if g.keepCodes {
		readable = pin
	}
	return g.store.Update(ctx, func(tx Tx) error { return tx.SetPIN(w.ID, hash, readable) })
}

// check refuses limits that are no bounds.
func (l Limits) check() error {
	if l.PerTransaction < 0 || l.DailyCount < 0 || l.DailySum < 0 || l.Holding < 0 {
		return refuse(Invalid, "a limit is 0, for none, or more")
	}
	return nil
}

// SetWalletLimits replaces a wallet's limits.
func (g *Gateway) SetWalletLimits(ctx context.Context, phone Phone, limits Limits) (Wallet, error) {
	if err := limits.check(); err != nil {
		return Wallet{}, err
	}
	return g.changeWallet(ctx, phone, func(w *Wallet) { w.Limits = limits })
}

func (g *Gateway) changeWallet(ctx context.Context, phone Phone, change func(*Wallet)) (Wallet, error) {
	var w Wallet
	err := g.store.Update(ctx, func(tx Tx) (err error) {
		if w, err = g.walletIn(tx, phone); err != nil {
			return err
		}
		change(&w)
		return tx.UpdateWalletTerms(w)
	})
	return w, err
}

// walletIn reads a wallet by phone, or refuses with WalletUnknown.
func (g *Gateway) walletIn(tx Tx, phone Phone) (Wallet, error) {
	w, err := tx.WalletByPhone(phone)
	if errors.Is(err, ErrNoRow) {
		return w, refuse(WalletUnknown, "no OVO wallet has this phone number")
	}
	return w, err
}

// withinLimits refuses an amount that the wallet's limits do not allow.
func (g *Gateway) withinLimits(tx Tx, w Wallet, amount money.Amount) error {
	limit := w.Limits.PerTransaction
	if limit == 0 {
		limit = g.rules.MaxTransaction
	}
	if amount > limit {
		return refuse(LimitExceeded, "one transaction may move at most "+limit.Rupiah())
	}
	if w.Limits.DailyCount == 0 && w.Limits.DailySum == 0 {
		return nil
	}
	count, sum, err := tx.WalletSpent(w.ID, startOfDay(tx.Now()))
	if err != nil {
		return err
	}
	if w.Limits.DailyCount > 0 && count >= w.Limits.DailyCount {
		return refuse(CountExceeded, "the wallet has used up its transactions of the day")
	}
	if w.Limits.DailySum > 0 && sum+amount > w.Limits.DailySum {
		return refuse(SumExceeded, "the wallet would spend more than "+w.Limits.DailySum.Rupiah()+" in a day")
	}
	return nil
}

// localAhead is how far the wallets' time is ahead of UTC. Indonesia's western
// time has no summer time.
const localAhead = 7 * time.Hour

// startOfDay is midnight of now's day where the wallets are.
func startOfDay(now time.Time) time.Time {
	return now.Add(localAhead).Truncate(24 * time.Hour).Add(-localAhead)
}

// localDay names now's day where the wallets are, as 2006-01-02.
func localDay(now time.Time) string { return now.UTC().Add(localAhead).Format(time.DateOnly) }
