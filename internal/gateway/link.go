package gateway

import (
	"context"
	"errors"
)

// Some merchants name a binding by the phone number alone. This file finds what
// stands behind one, and renews what has lapsed.

// BindingByPhone finds the active binding of a phone as the merchant knows it,
// whichever dialect made it. One that lapsed comes beside ConsentExpired: its year
// is over, the customer ended it in the app or has another number now, and
// RenewBinding brings it back. BindingInvalid is left for a phone that was never
// bound and for one that the merchant unbound itself.
func (g *Gateway) BindingByPhone(ctx context.Context, merchant MerchantID, phone Phone) (b Binding, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		b, err = boundPhone(tx, merchant, phone)
		return err
	})
	return b, err
}

func boundPhone(tx Tx, merchant MerchantID, phone Phone) (Binding, error) {
	b, err := tx.BindingOfPhone(merchant, phone)
	switch {
	case errors.Is(err, ErrNoRow):
		return Binding{}, refuse(BindingInvalid, "the phone number was never linked with this merchant")
	case err != nil:
		return b, err
	case b.lapsed(tx.Now()):
		return b, refuse(ConsentExpired, lapseWords(b))
	case b.State != BindingActive:
		return Binding{}, refuse(BindingInvalid, "the merchant ended the link; start a new one")
	}
	return b, nil
}

// freePhone refuses a phone under which the merchant has an active binding.
func freePhone(tx Tx, merchant MerchantID, phone Phone) error {
	_, err := boundPhone(tx, merchant, phone)
	var refusal *Error
	switch {
	case err == nil:
		return refuse(AlreadyBound, "unbind first to bind again")
	case errors.As(err, &refusal):
		return nil
	}
	return err
}

func lapseWords(b Binding) string {
	switch b.EndedBy {
	case EndedByCustomer:
		return "the customer ended the link in the wallet's app"
	case EndedByNumber:
		return "the wallet has another phone number now"
	}
	return "the consent has run out"
}

// RenewBinding asks the owner of the wallet behind a lapsed binding to consent
// again.
type RenewBinding struct {
	Merchant     MerchantID
	Phone        Phone // as the merchant knows it
	Dialect      string
	CustomerName string
	Details      string
	Return       ReturnURLs
}

// RenewBinding opens a page for the wallet that consented before, whatever its
// number is today. Once completed there is an active binding of the same customer
// and phone again. While such a page waits, asking again leads to the same one, so
// that nobody loses the page they are on.
func (g *Gateway) RenewBinding(ctx context.Context, in RenewBinding) (b Binding, p Page, err error) {
	err = g.store.Update(ctx, func(tx Tx) error {
		earlier, err := boundPhone(tx, in.Merchant, in.Phone)
		if err == nil {
			return refuse(AlreadyBound, "the link has just been renewed")
		}
		if !errors.Is(err, ConsentExpired) {
			return err
		}
		w, err := tx.Wallet(earlier.WalletID)
		if err != nil {
			return err
		}
		if refusal := w.usable(tx.Now()); refusal != nil {
			return refusal
		}
		pending, err := tx.AwaitingBindings(in.Merchant, w.ID, earlier.CustomerID)
		if err != nil {
			return err
		}
		for _, waiting := range pending {
			if p, err = tx.Page(waiting.PageID); err != nil {
				return err
			}
			if waiting.Dialect == in.Dialect && waiting.Phone == in.Phone && tx.Now().Before(p.Deadline) {
				b = waiting
				return nil
			}
		}
		if err := g.mayBind(tx, in.Merchant, w.ID, earlier.CustomerID, false); err != nil {
			return err
		}
		if err := g.supersede(tx, in.Merchant, w.ID, earlier.CustomerID); err != nil {
			return err
		}
		b, p, err = g.openBinding(tx, Binding{
			MerchantID: in.Merchant, Phone: in.Phone, CustomerID: earlier.CustomerID, Dialect: in.Dialect,
			CustomerName: in.CustomerName, Details: in.Details,
		}, w, in.Return)
		return err
	})
	return b, p, err
}

// ChangeNumber moves a wallet to another phone number, as its owner may in the
// app. Merchants know the wallet by the old one, so its bindings end, and pages
// that wait for a new one are given up.
func (g *Gateway) ChangeNumber(ctx context.Context, from, to Phone) (w Wallet, err error) {
	err = g.store.Update(ctx, func(tx Tx) error {
		if w, err = g.walletIn(tx, from); err != nil {
			return err
		}
		if from == to {
			return nil
		}
		moved, err := tx.SetWalletPhone(w.ID, from, to)
		if err != nil {
			return err
		}
		if !moved {
			if _, err := tx.WalletByPhone(to); errors.Is(err, ErrNoRow) {
				return ErrRetry // the wallet itself has moved meanwhile
			}
			return refuse(Duplicate, "a wallet with this phone number exists")
		}
		w.Phone = to
		bindings, err := tx.WalletBindings(w.ID)
		if err != nil {
			return err
		}
		for _, b := range bindings {
			switch b.State {
			case BindingActive:
				err = g.release(tx, b, EndedByNumber)
			case BindingAwaiting:
				var p Page
				if p, err = tx.Page(b.PageID); err == nil {
					err = g.endPage(tx, p, PageCancelled, Cancelled)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return w, err
}
