package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
)

// Message is something that a wallet's owner must be told at once: a one-time code,
// or a push to be answered. It is for the issuer, who reaches the owner's phone. What
// a message is about has one message at most, the newest.
//
// A message lives in the database only until it was delivered, its time is over, or
// it has become pointless; the code in it is nowhere else in readable form.
type Message struct {
	ID        MessageID
	Kind      MessageKind
	Subject   string // the page or payment it is about
	Code      string // of MessageCode; sealed at rest
	Attempts  int
	Fence     int64 // grows with every claim; whoever claimed it before may not write
	CreatedAt time.Time
	ExpiresAt time.Time // after that it is of no use to anybody
}

// MessageKind says what the owner is told.
type MessageKind string

const (
	MessageCode   MessageKind = "code"   // a one-time code
	MessagePrompt MessageKind = "prompt" // a push to be answered
)

// OutgoingMessage is a claimed message with all that its receiver needs.
type OutgoingMessage struct {
	Message
	Phone     Phone
	Merchant  string       // the shop's name
	Purpose   PageKind     // what a code is for
	Amount    money.Amount // zero when a code is for a binding
	Reference string       // the merchant's number of the payment, of a prompt
}

// tell queues a message, in place of an earlier one about the same subject.
func (g *Gateway) tell(tx Tx, kind MessageKind, subject, code string, expires time.Time) error {
	if !g.messages {
		return nil
	}
	tx.OnCommit(g.wakeMessenger)
	return tx.PutMessage(Message{
		ID: MessageID(g.newID("msg_", tx.Now())), Kind: kind, Subject: subject, Code: code, CreatedAt: tx.Now(), ExpiresAt: expires,
	})
}

// ClaimMessages takes up to limit messages that are due for a time. Those whose time
// is over, or that became pointless, are deleted instead.
func (g *Gateway) ClaimMessages(ctx context.Context, lease time.Duration, limit int) (claimed []OutgoingMessage, err error) {
	if next, queued, err := g.NextMessage(ctx); err != nil || !queued || g.clock.Now().Before(next) {
		return nil, err
	}
	var due []Message
	if err := g.store.Update(ctx, func(tx Tx) (err error) {
		due, err = tx.ClaimMessages(tx.Now().Add(lease), limit)
		return err
	}); err != nil {
		return nil, err
	}
	var pointless []Message
	err = g.view(ctx, "", func(tx Tx) error {
		claimed, pointless = nil, nil
		for _, m := range due {
			out, wanted, err := outgoingMessage(tx, m)
			if err != nil {
				return err
			}
			if wanted {
				claimed = append(claimed, out)
			} else {
				pointless = append(pointless, m)
			}
		}
		return nil
	})
	if err != nil || len(pointless) == 0 {
		return claimed, err
	}
	return claimed, g.store.Update(ctx, func(tx Tx) error {
		for _, m := range pointless {
			if _, err := tx.DeleteMessage(m.ID, m.Fence); err != nil {
				return err
			}
		}
		return nil
	})
}

// outgoingMessage adds what a message is about, unless nobody waits for it any more.
func outgoingMessage(tx Tx, m Message) (out OutgoingMessage, wanted bool, err error) {
	out.Message = m
	var wallet WalletID
	var merchant MerchantID
	switch m.Kind {
	case MessageCode:
		p, err := tx.Page(PageID(m.Subject))
		if err != nil {
			return out, false, ignoreNoRow(err)
		}
		wanted = p.State == PageOTP
		wallet, merchant, out.Purpose = p.WalletID, p.MerchantID, p.Kind
		if p.Kind.ForPayment() {
			payment, err := tx.Payment(PaymentID(p.Subject))
			if err != nil {
				return out, false, err
			}
			out.Amount = payment.Amount
		}
	case MessagePrompt:
		p, err := tx.Payment(PaymentID(m.Subject))
		if err != nil {
			return out, false, ignoreNoRow(err)
		}
		wanted = p.State == PaymentAwaiting
		wallet, merchant, out.Amount, out.Reference = p.WalletID, p.MerchantID, p.Amount, p.Reference
	}
	if !wanted || !tx.Now().Before(m.ExpiresAt) {
		return out, false, nil
	}
	w, err := tx.Wallet(wallet)
	if err != nil {
		return out, false, err
	}
	shop, err := tx.Merchant(merchant)
	out.Phone, out.Merchant = w.Phone, shop.Name
	return out, true, err
}

func ignoreNoRow(err error) error {
	if errors.Is(err, ErrNoRow) {
		return nil
	}
	return err
}

// MessageDelivered deletes a message that its receiver has.
func (g *Gateway) MessageDelivered(ctx context.Context, m Message) error {
	return g.store.Update(ctx, func(tx Tx) error {
		_, err := tx.DeleteMessage(m.ID, m.Fence)
		return err
	})
}

// RetryMessage makes a message due again, at the end of its time at the latest.
func (g *Gateway) RetryMessage(ctx context.Context, m Message, at time.Time) error {
	if at.After(m.ExpiresAt) {
		at = m.ExpiresAt
	}
	return g.store.Update(ctx, func(tx Tx) error {
		tx.OnCommit(g.wakeMessenger)
		_, err := tx.PostponeMessage(m.ID, m.Fence, at)
		return err
	})
}

// NextMessage is when the earliest message is due, or false when there is none.
func (g *Gateway) NextMessage(ctx context.Context) (at time.Time, ok bool, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		at, err = tx.NextMessage()
		ok = err == nil
		return ignoreNoRow(err)
	})
	return at, ok, err
}

// MessageQueued receives a value after a commit that queued a message. It is meant
// for one messenger.
func (g *Gateway) MessageQueued() <-chan struct{} { return g.messaged }

func (g *Gateway) wakeMessenger() {
	select {
	case g.messaged <- struct{}{}:
	default: // a wake-up is already waiting
	}
}
