package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Binding is the consent of one wallet's owner to be charged by one customer
// account of one merchant.
type Binding struct {
	ID             BindingID
	MerchantID     MerchantID
	WalletID       WalletID
	Phone          Phone  // as the merchant knows it; the wallet may have moved on to another
	CustomerID     string // the merchant's own id of its customer
	State          BindingState
	Dialect        string // which protocol asked, and so hears about the outcome
	RequestID      string // the merchant's id of the binding request
	CustomerName   string // as the merchant gave it, or ""
	Replaces       bool   // its activation ends an active binding of the same customer
	Details        string // the dialect's own notes, opaque here
	PageID         PageID
	AuthCode       string    // the page's key; exchanged for customer tokens while the binding is active. Known at its start and in its notifications: the page keeps it
	TokenExpiresAt time.Time // end of the newest customer token, zero before the first
	CreatedAt      time.Time
	ExpiresAt      time.Time // end of the consent, set on activation
	EndedAt        time.Time // when it failed, expired or was unbound
	EndedBy        EndedBy   // who unbound it
}

// EndedBy says on whose word a binding was unbound: "" when it was not, or before
// this was written down.
type EndedBy string

const (
	EndedByMerchant EndedBy = "merchant"
	EndedByCustomer EndedBy = "customer" // in the wallet's app
	EndedByNumber   EndedBy = "number"   // the wallet moved to another phone number
	EndedByBinding  EndedBy = "binding"  // a newer one of the same customer took its place
)

// lapsed reports whether a binding that was active has ended without the merchant,
// so that the customer may renew it.
func (b Binding) lapsed(now time.Time) bool {
	switch b.State {
	case BindingActive:
		return !now.Before(b.ExpiresAt)
	case BindingExpired:
		return !b.ExpiresAt.IsZero()
	case BindingUnbound:
		return b.EndedBy == EndedByCustomer || b.EndedBy == EndedByNumber
	}
	return false
}

// BindingState is where a binding stands.
//
//	state     event →     activate  fail    expire   unbind
//	awaiting              active    failed  expired  –
//	active                –         –       expired  unbound
//	failed, expired, unbound: final
type BindingState string

const (
	BindingAwaiting BindingState = "awaiting_customer"
	BindingActive   BindingState = "active"
	BindingFailed   BindingState = "failed"
	BindingExpired  BindingState = "expired"
	BindingUnbound  BindingState = "unbound"
)

type bindingEvent string

const (
	bindingActivate bindingEvent = "activate"
	bindingFail     bindingEvent = "fail"
	bindingExpire   bindingEvent = "expire"
	bindingUnbind   bindingEvent = "unbind"
)

func (s BindingState) next(e bindingEvent) (BindingState, bool) {
	switch s {
	case BindingAwaiting:
		switch e {
		case bindingActivate:
			return BindingActive, true
		case bindingFail:
			return BindingFailed, true
		case bindingExpire:
			return BindingExpired, true
		}
	case BindingActive:
		switch e {
		case bindingExpire:
			return BindingExpired, true
		case bindingUnbind:
			return BindingUnbound, true
		}
	}
	return s, false
}

// ReturnURLs is where the customer's browser goes after a hosted page. They are
// used exactly as the merchant registered them with the request.
type ReturnURLs struct {
	Success string
	Failure string
}

// StartBinding asks for a wallet's consent.
type StartBinding struct {
	Claim      Claim
	Merchant   MerchantID
	Phone      Phone
	CustomerID string
	Dialect    string
	RequestID  string
	Return     ReturnURLs

	CustomerName string
	// Replace lets a customer who is bound bind again: the earlier binding ends
	// when the new one becomes active. Without it that is refused.
	Replace bool
	// ByPhone says that the merchant names its bindings by the phone number: while
	// one is active, under whichever wallet, there is no other of the same number.
	ByPhone bool
	Details string
}

// StartBinding opens a hosted page on which the wallet's owner gives or refuses
// consent. A pending binding reserves nothing: who completes the page first is
// bound. An older pending page of the same customer and wallet stops working.
func (g *Gateway) StartBinding(ctx context.Context, in StartBinding) (Binding, Page, error) {
	if err := g.forced(ctx, Operation{Name: OpBind, Merchant: in.Merchant, Phone: in.Phone}); err != nil {
		return Binding{}, Page{}, g.refuseOnce(ctx, in.Claim, err)
	}
	var b Binding
	var p Page
	err := g.once(ctx, in.Claim, func(tx Tx) error {
		w, err := g.walletIn(tx, in.Phone)
		if err != nil {
			return err
		}
		if refusal := w.usable(tx.Now()); refusal != nil {
			return refusal
		}
		if err := g.mayBind(tx, in.Merchant, w.ID, in.CustomerID, in.Replace); err != nil {
			return err
		}
		if in.ByPhone {
			if err := freePhone(tx, in.Merchant, w.Phone); err != nil {
				return err
			}
		}
		if err := g.supersede(tx, in.Merchant, w.ID, in.CustomerID); err != nil {
			return err
		}
		b, p, err = g.openBinding(tx, Binding{
			MerchantID: in.Merchant, Phone: w.Phone, CustomerID: in.CustomerID, Dialect: in.Dialect, RequestID: in.RequestID,
			CustomerName: in.CustomerName, Replaces: in.Replace, Details: in.Details,
		}, w, in.Return)
		return err
	})
	return b, p, err
}

// openBinding writes a new binding that awaits its customer, with its page.
func (g *Gateway) openBinding(tx Tx, b Binding, w Wallet, urls ReturnURLs) (Binding, Page, error) {
	b.ID, b.WalletID, b.State, b.CreatedAt = BindingID(g.newID("bnd_", tx.Now())), w.ID, BindingAwaiting, tx.Now()
	p, err := g.newPage(tx, pageForBinding, string(b.ID), w, b.MerchantID, urls)
	if err != nil {
		return b, p, err
	}
	b.PageID, b.AuthCode = p.ID, p.Key
	if err := tx.InsertBinding(b); err != nil {
		return b, p, err
	}
	if err := tx.InsertPage(p); err != nil {
		return b, p, err
	}
	return b, p, g.record(tx, Event{MerchantID: b.MerchantID, Subject: string(b.ID), Kind: EventBindingStarted})
}

// mayBind refuses when the wallet already has an active binding with the merchant
// that a new one of the customer may not replace.
func (g *Gateway) mayBind(tx Tx, merchant MerchantID, wallet WalletID, customer string, replace bool) error {
	active, err := tx.ActiveBinding(merchant, wallet)
	switch {
	case errors.Is(err, ErrNoRow):
		return nil
	case err != nil:
		return err
	case !tx.Now().Before(active.ExpiresAt):
		return g.endBinding(tx, active, bindingExpire, "")
	case active.CustomerID == customer && replace:
		return nil
	case active.CustomerID == customer:
		return refuse(AlreadyBound, "unbind first to bind again")
	default:
		return refuse(BoundElsewhere, "a wallet can be bound to one customer of a merchant")
	}
}

// supersede ends the pending bindings that a new request of the same customer
// for the same wallet replaces. The merchant asked for that itself and is not
// notified.
func (g *Gateway) supersede(tx Tx, merchant MerchantID, wallet WalletID, customer string) error {
	pending, err := tx.AwaitingBindings(merchant, wallet, customer)
	if err != nil {
		return err
	}
	for _, b := range pending {
		if err := g.endBinding(tx, b, bindingFail, ""); err != nil {
			return err
		}
		if _, err := tx.EndPage(b.PageID, PageSuperseded); err != nil {
			return err
		}
	}
	return nil
}

// endBinding moves b to a final state and records it.
func (g *Gateway) endBinding(tx Tx, b Binding, e bindingEvent, by EndedBy) error {
	event, err := moveBinding(tx, b, e, by)
	if err != nil {
		return err
	}
	return g.record(tx, event)
}

// moveBinding moves b to a final state and returns the event of it.
func moveBinding(tx Tx, b Binding, e bindingEvent, by EndedBy) (Event, error) {
	next, ok := b.State.next(e)
	if !ok {
		panic(fmt.Sprintf("gateway: binding %s is %s and cannot %s", b.ID, b.State, e))
	}
	ended, err := tx.EndBinding(b.ID, b.State, next, by)
	if err == nil && !ended {
		err = ErrRetry
	}
	kind := map[bindingEvent]EventKind{
		bindingFail: EventBindingFailed, bindingExpire: EventBindingExpired, bindingUnbind: EventBindingUnbound,
	}[e]
	return Event{MerchantID: b.MerchantID, Subject: string(b.ID), Kind: kind}, err
}

// activateBinding gives the consent that the page's owner has just confirmed. It
// refuses when another customer of the merchant was faster.
func (g *Gateway) activateBinding(tx Tx, b Binding) error {
	if _, ok := b.State.next(bindingActivate); !ok {
		return refuse(WrongState, "the binding is "+string(b.State))
	}
	if err := g.mayBind(tx, b.MerchantID, b.WalletID, b.CustomerID, b.Replaces); err != nil {
		return err
	}
	if b.Replaces {
		earlier, err := tx.ActiveBinding(b.MerchantID, b.WalletID)
		if err == nil {
			err = g.release(tx, earlier, EndedByBinding)
		}
		if err != nil && !errors.Is(err, ErrNoRow) {
			return err
		}
	}
	activated, err := tx.ActivateBinding(b.ID, tx.Now().Add(g.rules.BindingLife))
	if err != nil {
		return err
	}
	if !activated {
		return ErrRetry
	}
	return g.announce(tx, b.Dialect, Event{MerchantID: b.MerchantID, Subject: string(b.ID), Kind: EventBindingActive})
}

// failBinding ends a pending binding whose page came to a bad end, and notifies.
func (g *Gateway) failBinding(tx Tx, b Binding, e bindingEvent) error {
	if _, ok := b.State.next(e); !ok {
		return refuse(WrongState, "the binding is "+string(b.State))
	}
	event, err := moveBinding(tx, b, e, "")
	if err != nil {
		return err
	}
	return g.announce(tx, b.Dialect, event)
}

// Grant is the permission to act for a customer, from which a dialect makes its
// customer tokens.
type Grant struct {
	Binding          Binding
	ExpiresAt        time.Time // whole seconds
	RefreshExpiresAt time.Time // whole seconds
}

// GrantByAuthCode exchanges the code of an active binding. The code works again
// and again until the binding ends, and earlier tokens stay valid.
func (g *Gateway) GrantByAuthCode(ctx context.Context, merchant MerchantID, authCode string) (Grant, error) {
	return g.grant(ctx, merchant, func(tx Tx) (Binding, error) { return tx.BindingByAuthCode(authCode) })
}

// GrantByBinding renews the grant of an active binding.
func (g *Gateway) GrantByBinding(ctx context.Context, merchant MerchantID, id BindingID) (Grant, error) {
	return g.grant(ctx, merchant, func(tx Tx) (Binding, error) { return tx.Binding(id) })
}

func (g *Gateway) grant(ctx context.Context, merchant MerchantID, find func(Tx) (Binding, error)) (Grant, error) {
	var grant Grant
	err := g.store.Update(ctx, func(tx Tx) error {
		b, err := activeOnly(tx, merchant, find)
		if err != nil {
			return err
		}
		now := tx.Now().Truncate(time.Second)
		grant = Grant{Binding: b, ExpiresAt: now.Add(g.rules.CustomerTokenLife), RefreshExpiresAt: now.Add(g.rules.RefreshTokenLife)}
		grant.Binding.TokenExpiresAt = grant.ExpiresAt
		return tx.SetBindingToken(b.ID, grant.ExpiresAt)
	})
	return grant, err
}

// activeOnly finds a binding of the merchant and refuses every other one alike,
// so that nothing is learnt about bindings of others.
func activeOnly(tx Tx, merchant MerchantID, find func(Tx) (Binding, error)) (Binding, error) {
	b, err := find(tx)
	if err != nil && !errors.Is(err, ErrNoRow) {
		return b, err
	}
	switch {
	case err != nil || b.MerchantID != merchant:
		return Binding{}, refuse(BindingInvalid, "no binding of this merchant stands behind it")
	case b.State == BindingAwaiting:
		return Binding{}, refuse(BindingInvalid, "the customer has not completed the binding page")
	case b.State == BindingExpired && !b.ExpiresAt.IsZero(), b.State == BindingActive && !tx.Now().Before(b.ExpiresAt):
		return b, refuse(ConsentExpired, "the customer must bind again")
	case b.State != BindingActive:
		return Binding{}, refuse(BindingInvalid, "the binding is "+string(b.State))
	}
	return b, nil
}

// Balance reads the wallet behind an active binding.
func (g *Gateway) Balance(ctx context.Context, merchant MerchantID, id BindingID) (w Wallet, err error) {
	if err := g.forced(ctx, Operation{Name: OpBalance, Merchant: merchant, Phone: g.phoneOf(ctx, id)}); err != nil {
		return w, err
	}
	err = g.view(ctx, "", func(tx Tx) error {
		b, err := activeOnly(tx, merchant, func(tx Tx) (Binding, error) { return tx.Binding(id) })
		if err != nil {
			return err
		}
		w, err = tx.Wallet(b.WalletID)
		return err
	})
	return w, err
}

// Unbind ends an active binding on the merchant's word. Its tokens and its auth
// code stop working at once and its open payment pages are cancelled.
func (g *Gateway) Unbind(ctx context.Context, claim Claim, merchant MerchantID, id BindingID) (Binding, error) {
	return g.unbind(ctx, claim, merchant, func(tx Tx) (Binding, error) { return tx.Binding(id) })
}

// UnbindByAuthCode is Unbind for a merchant that names the binding by its code.
func (g *Gateway) UnbindByAuthCode(ctx context.Context, claim Claim, merchant MerchantID, authCode string) (Binding, error) {
	return g.unbind(ctx, claim, merchant, func(tx Tx) (Binding, error) { return tx.BindingByAuthCode(authCode) })
}

func (g *Gateway) unbind(ctx context.Context, claim Claim, merchant MerchantID, find func(Tx) (Binding, error)) (b Binding, err error) {
	if err := g.forced(ctx, Operation{Name: OpUnbind, Merchant: merchant, Phone: g.phoneBehind(ctx, find)}); err != nil {
		return b, g.refuseOnce(ctx, claim, err)
	}
	err = g.once(ctx, claim, func(tx Tx) error {
		if b, err = activeOnly(tx, merchant, find); err != nil {
			return err
		}
		return g.release(tx, b, EndedByMerchant)
	})
	return b, err
}

// Unlink ends a binding on the customer's word, given in the wallet's app.
func (g *Gateway) Unlink(ctx context.Context, phone Phone, id BindingID) error {
	return g.store.Update(ctx, func(tx Tx) error {
		b, err := tx.Binding(id)
		var w Wallet
		if err == nil {
			w, err = tx.WalletByPhone(phone)
		}
		if errors.Is(err, ErrNoRow) || err == nil && b.WalletID != w.ID {
			return refuse(NotFound, "this wallet has no such binding")
		}
		if err != nil {
			return err
		}
		if b.State != BindingActive {
			return refuse(WrongState, "the binding is "+string(b.State))
		}
		return g.release(tx, b, EndedByCustomer)
	})
}

func (g *Gateway) release(tx Tx, b Binding, by EndedBy) error {
	if err := g.endBinding(tx, b, bindingUnbind, by); err != nil {
		return err
	}
	open, err := tx.AwaitingPayments(b.ID)
	if err != nil {
		return err
	}
	for _, p := range open {
		if err := g.endPayment(tx, p, paymentCancel, Cancelled); err != nil {
			return err
		}
		if _, err := tx.EndPage(p.PageID, PageCancelled); err != nil {
			return err
		}
	}
	return nil
}

// ActiveBinding finds an active binding of a merchant by its id. One whose consent
// has expired comes beside the refusal.
func (g *Gateway) ActiveBinding(ctx context.Context, merchant MerchantID, id BindingID) (b Binding, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		b, err = activeOnly(tx, merchant, func(tx Tx) (Binding, error) { return tx.Binding(id) })
		return err
	})
	return b, err
}

// BindingsOfCustomer lists the active bindings of a merchant's customer, newest
// first.
func (g *Gateway) BindingsOfCustomer(ctx context.Context, merchant MerchantID, customer string) (active []Binding, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		active, err = tx.CustomerBindings(merchant, customer)
		return err
	})
	return active, err
}

// BindingsOf lists a wallet's bindings, newest first.
func (g *Gateway) BindingsOf(ctx context.Context, phone Phone) (all []Binding, err error) {
	err = g.view(ctx, "no wallet has this phone number", func(tx Tx) error {
		w, err := tx.WalletByPhone(phone)
		if err != nil {
			return err
		}
		all, err = tx.WalletBindings(w.ID)
		return err
	})
	return all, err
}
