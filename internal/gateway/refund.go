package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Refund gives back part or all of a succeeded payment, points first.
type Refund struct {
	ID         RefundID
	MerchantID MerchantID
	PaymentID  PaymentID
	Dialect    string // the dialect that asked for it, or SpaceOffice
	Reference  string // the merchant's number of the refund, unique within its dialect
	RequestID  string // the merchant's id of the request that made it
	Amount     money.Amount
	Split      ledger.Split
	Reason     string
	TransferID string
	CreatedAt  time.Time
}

// RefundPayment asks for a refund.
type RefundPayment struct {
	Claim     Claim
	Merchant  MerchantID
	Payment   PaymentQuery
	Reference string
	// Space is within which Reference is unique, "" for the payment's dialect.
	Space     string
	RequestID string
	Amount    money.Amount
	Reason    string
}

// SpaceOffice is where the references of refunds made by people are unique, apart
// from those that merchants choose.
const SpaceOffice = "office"

// RefundPayment gives money back. Refunds of one payment may be partial and
// several, up to what it took. The same reference with the same content answers
// the first result again; it works after unbinding, and while the wallet is
// blocked, because the money is the customer's.
func (g *Gateway) RefundPayment(ctx context.Context, in RefundPayment) (Refund, Payment, error) {
	if in.Amount < 1 || in.Amount > money.Max {
		return Refund{}, Payment{}, g.refuseOnce(ctx, in.Claim, refuse(AmountInvalid, "an amount is 1 to "+money.Amount(money.Max).Rupiah()))
	}
	if err := g.forced(ctx, Operation{Name: OpRefund, Merchant: in.Merchant}); err != nil {
		return Refund{}, Payment{}, g.refuseOnce(ctx, in.Claim, err)
	}
	if in.Space == "" {
		in.Space = in.Payment.Dialect
	}
	var r Refund
	var p Payment
	err := g.once(ctx, in.Claim, func(tx Tx) (err error) {
		p, err = findPayment(tx, in.Merchant, in.Payment)
		if errors.Is(err, ErrNoRow) {
			return refuse(NotFound, "no such payment")
		}
		if err != nil {
			return err
		}
		earlier, err := tx.RefundByReference(in.Merchant, in.Space, in.Reference)
		if err == nil {
			if earlier.PaymentID != p.ID || earlier.Amount != in.Amount {
				return refuse(Inconsistent, "an earlier refund with this reference has other content")
			}
			r = earlier
			return nil
		}
		if !errors.Is(err, ErrNoRow) {
			return err
		}
		r, err = g.refund(tx, &p, in)
		return err
	})
	return r, p, err
}

func (g *Gateway) refund(tx Tx, p *Payment, in RefundPayment) (Refund, error) {
	if p.State != PaymentSucceeded {
		return Refund{}, refuse(WrongState, "the payment is "+string(p.State))
	}
	split, ok := ledger.SplitRefund(in.Amount, p.Split, p.Refunded)
	if !ok {
		left := p.Split.Minus(p.Refunded).Total()
		return Refund{}, refuse(RefundExceeds, left.Rupiah()+" of the payment is left to refund")
	}
	r := Refund{
		ID: RefundID(g.newID("rfd_", tx.Now())), MerchantID: p.MerchantID, PaymentID: p.ID, Dialect: in.Space,
		Reference: in.Reference, RequestID: in.RequestID, Amount: in.Amount, Split: split, Reason: in.Reason,
		TransferID: g.newID("trf_", tx.Now()), CreatedAt: tx.Now(),
	}
	after := p.Refunded.Plus(split)
	taken, err := tx.SetRefunded(p.ID, p.Refunded, after)
	if err != nil {
		return r, err
	}
	if !taken {
		return r, ErrRetry // another refund of the payment came first
	}
	p.Refunded = after
	inserted, err := tx.InsertRefund(r)
	if err != nil {
		return r, err
	}
	if !inserted {
		return r, ErrRetry
	}
	// A holding limit bounds what comes in, not what comes back.
	credited, err := tx.CreditWallet(p.WalletID, split, money.Max)
	if err != nil {
		return r, err
	}
	if !credited {
		return r, refuse(HoldingExceeded, "the wallet cannot hold more")
	}
	t := ledger.Transfer{
		ID: r.TransferID, Kind: ledger.Refund, Subject: string(r.ID), Reverses: p.TransferID,
		Postings: ledger.RefundPostings(string(p.WalletID), string(p.MerchantID), split),
	}
	if err := tx.InsertTransfer(t); err != nil {
		return r, err
	}
	return r, g.record(tx, Event{MerchantID: p.MerchantID, Subject: string(r.ID), Kind: EventRefundSucceeded})
}
