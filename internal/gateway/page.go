package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
)

// Page is a hosted page on which a wallet's owner confirms a binding or a payment,
// first with a one-time code and then with the PIN. Its steps are rows: any
// replica can serve the next one, and none can be skipped.
type Page struct {
	ID           PageID
	Key          string // the unguessable number in the URL
	Kind         PageKind
	Subject      string // the binding or payment it decides
	MerchantID   MerchantID
	WalletID     WalletID
	State        PageState
	Reason       Code // why it did not succeed; Internal (zero) when it did or may
	OTPHash      string
	OTP          string // readable copy, sealed at rest; only where Config.KeepCodes
	OTPExpiresAt time.Time
	OTPFails     int // wrong codes on this page
	OTPSends     int // codes sent for this page
	Return       ReturnURLs
	CreatedAt    time.Time
	OpenedAt     time.Time // zero until a browser has shown it
	Deadline     time.Time
}

// PageKind says what a page decides.
type PageKind string

const (
	pageForBinding PageKind = "binding"
	pageForPayment PageKind = "payment"
)

// ForPayment reports whether the page confirms a payment rather than a binding.
func (k PageKind) ForPayment() bool { return k == pageForPayment }

// PageState is the step a page waits for, or how it ended.
//
//	state   event →   otp accepted  PIN accepted  tries used up  cancel     deadline  replaced
//	otp               pin           –             failed         cancelled  expired   superseded
//	pin               –             done          failed         cancelled  expired   superseded
//	all others: final
type PageState string

const (
	PageOTP        PageState = "otp"
	PagePIN        PageState = "pin"
	PageDone       PageState = "done"
	PageFailed     PageState = "failed"
	PageCancelled  PageState = "cancelled"
	PageExpired    PageState = "expired"
	PageSuperseded PageState = "superseded"
)

// ReturnURL is where the merchant, when it asked for the page, wanted its visitor
// to go from how it has ended.
func (p Page) ReturnURL() string {
	if p.State == PageDone {
		return p.Return.Success
	}
	return p.Return.Failure
}

// Open reports whether the page still waits for its customer.
func (s PageState) Open() bool { return s == PageOTP || s == PagePIN }

// PageView is a page with what its customer is shown.
type PageView struct {
	Page      Page
	Merchant  string // the shop's name
	Phone     Phone
	Amount    money.Amount // zero on a binding page
	Payment   Payment      // zero on a binding page
	OTPLive   bool         // a code was sent and has not passed
	MayResend bool
}

func (g *Gateway) newPage(tx Tx, kind PageKind, subject string, w Wallet, merchant MerchantID, urls ReturnURLs) (Page, error) {
	p := Page{
		ID: PageID(g.newID("pag_", tx.Now())), Key: randomDigits(PageKeyDigits), Kind: kind, Subject: subject,
		MerchantID: merchant, WalletID: w.ID, State: PageOTP, Return: urls,
		CreatedAt: tx.Now(), Deadline: tx.Now().Add(g.rules.PageLife),
	}
	err := g.sendOTP(tx, &p)
	return p, err
}

// sendOTP puts a new one-time code on the page; the older one stops working.
func (g *Gateway) sendOTP(tx Tx, p *Page) error {
	code := randomDigits(OTPDigits)
	p.OTPHash = g.keys.Digest(purposeOTP, otpOf(p.ID, code))
	p.OTPExpiresAt = tx.Now().Add(g.rules.OTPLife)
	p.OTPSends++
	p.OTP = ""
	if g.keepCodes {
		p.OTP = code
	}
	return g.tell(tx, MessageCode, string(p.ID), code, p.OTPExpiresAt)
}

// OTPDigits is the length of a one-time code.
const OTPDigits = 6

const purposeOTP = "page.otp"

// otpOf binds a code to its page, so that it works on no other.
func otpOf(id PageID, code string) string { return string(id) + "|" + code }

func (g *Gateway) otpLive(p Page, now time.Time) bool {
	return p.State == PageOTP && p.OTPSends > 0 && now.Before(p.OTPExpiresAt)
}

// Page shows a page to its customer. The first look marks it opened and, when no
// code is alive, sends one. A page past its deadline ends here.
func (g *Gateway) Page(ctx context.Context, key string) (PageView, error) {
	var v PageView
	err := g.view(ctx, "no such page", func(tx Tx) error {
		p, err := tx.PageByKey(key)
		if err != nil {
			return err
		}
		v, err = g.pageView(tx, p)
		return err
	})
	now := g.clock.Now()
	if err != nil || !v.Page.State.Open() {
		return v, err
	}
	if now.Before(v.Page.Deadline) && !v.Page.OpenedAt.IsZero() && (v.OTPLive || !v.MayResend || v.Page.State == PagePIN) {
		return v, nil // nothing to write
	}
	return g.onPage(ctx, key, func(tx Tx, p *Page) error {
		if p.OpenedAt.IsZero() {
			p.OpenedAt = tx.Now()
		}
		if p.State == PageOTP && !g.otpLive(*p, tx.Now()) && p.OTPSends < g.rules.OTPSends {
			return g.sendOTP(tx, p)
		}
		return nil
	})
}

// ResendOTP sends a new code, as often as the rules allow.
func (g *Gateway) ResendOTP(ctx context.Context, key string) (PageView, error) {
	return g.onPage(ctx, key, func(tx Tx, p *Page) error {
		if p.State != PageOTP {
			return refuse(WrongState, "the page does not wait for a code")
		}
		if p.OTPSends >= g.rules.OTPSends {
			return refuse(CountExceeded, "no further code can be sent for this page")
		}
		return g.sendOTP(tx, p)
	})
}

// EnterOTP checks a one-time code. A wrong code is an outcome: it counts, and the
// last allowed one fails the page.
func (g *Gateway) EnterOTP(ctx context.Context, key, code string) (PageView, error) {
	return g.onPage(ctx, key, func(tx Tx, p *Page) error {
		switch {
		case p.State != PageOTP:
			return refuse(WrongState, "the page does not wait for a code")
		case !g.otpLive(*p, tx.Now()):
			return refuse(OTPExpired, "ask for a new code")
		case g.keys.Matches(purposeOTP, otpOf(p.ID, code), p.OTPHash):
			p.State, p.OTP = PagePIN, ""
			return nil
		}
		p.OTPFails++
		left := g.rules.OTPTries - p.OTPFails
		if left <= 0 {
			return g.failPage(tx, p, OTPWrong)
		}
		return outcome{&Error{Code: OTPWrong, Left: left}}
	})
}

// EnterPIN checks the PIN and, when it is right, does what the page is for. A
// wrong PIN is an outcome: it counts against the wallet, and the last allowed one
// locks the wallet and fails the page.
//
// The slow hash is computed before the transaction that applies its result. Many
// guesses may be computed at once, but they are applied one by one, and once the
// wallet is locked the rest are refused unseen, right or wrong.
func (g *Gateway) EnterPIN(ctx context.Context, key, pin string) (PageView, error) {
	var w Wallet
	err := g.view(ctx, "no such page", func(tx Tx) error {
		p, err := tx.PageByKey(key)
		if err != nil {
			return err
		}
		if p.State != PagePIN {
			return nil // onPage refuses it, with the page's view
		}
		w, err = tx.Wallet(p.WalletID)
		return err
	})
	if err != nil {
		return PageView{}, err
	}
	var check pinCheck
	if w.ID != "" {
		if check, err = g.checkPIN(ctx, w, pin); err != nil {
			return PageView{}, err
		}
	}
	return g.onPage(ctx, key, func(tx Tx, p *Page) error {
		if p.State != PagePIN {
			return refuse(WrongState, "the page does not wait for a PIN")
		}
		w, err := tx.Wallet(p.WalletID)
		if err != nil {
			return err
		}
		if refusal := w.usable(tx.Now()); refusal != nil {
			return g.failPage(tx, p, refusal.Code)
		}
		if refusal := check.stale(w); refusal != nil {
			return refusal
		}
		if !check.right {
			return g.wrongPIN(tx, p, w)
		}
		if err := rightPIN(tx, w, check); err != nil {
			return err
		}
		return g.confirm(tx, p, w)
	})
}

func (g *Gateway) wrongPIN(tx Tx, p *Page, w Wallet) error {
	left, err := g.countWrongPIN(tx, w)
	if err != nil {
		return err
	}
	if left > 0 {
		return outcome{&Error{Code: PINWrong, Left: left}}
	}
	return g.failPage(tx, p, PINWrong)
}

// confirm does what the page is for. When that is refused for a reason the
// customer cannot mend here, the page fails instead.
func (g *Gateway) confirm(tx Tx, p *Page, w Wallet) error {
	var err error
	if p.Kind.ForPayment() {
		var payment Payment
		if payment, err = tx.Payment(PaymentID(p.Subject)); err != nil {
			return err
		}
		err = g.approvePayment(tx, payment, w)
	} else {
		var b Binding
		if b, err = tx.Binding(BindingID(p.Subject)); err != nil {
			return err
		}
		err = g.activateBinding(tx, b)
	}
	var refusal *Error
	if errors.As(err, &refusal) {
		return g.failPage(tx, p, refusal.Code)
	}
	if err != nil {
		return err
	}
	p.State = PageDone
	return nil
}

// CancelPage gives up on the customer's word.
func (g *Gateway) CancelPage(ctx context.Context, key string) (PageView, error) {
	return g.onPage(ctx, key, func(tx Tx, p *Page) error {
		if !p.State.Open() {
			return refuse(WrongState, "the page is "+string(p.State))
		}
		return g.closePage(tx, p, PageCancelled, Cancelled)
	})
}

// failPage ends a page that can no longer succeed, together with its subject.
func (g *Gateway) failPage(tx Tx, p *Page, reason Code) error {
	return g.closePage(tx, p, PageFailed, reason)
}

// closePage ends a page and its subject without success.
func (g *Gateway) closePage(tx Tx, p *Page, state PageState, reason Code) error {
	p.State, p.Reason, p.OTP = state, reason, ""
	if p.Kind.ForPayment() {
		payment, err := tx.Payment(PaymentID(p.Subject))
		if err != nil {
			return err
		}
		event := map[PageState]paymentEvent{PageFailed: paymentFail, PageCancelled: paymentCancel, PageExpired: paymentExpire}[state]
		return g.endPayment(tx, payment, event, reason)
	}
	b, err := tx.Binding(BindingID(p.Subject))
	if err != nil {
		return err
	}
	event := bindingFail
	if state == PageExpired {
		event = bindingExpire
	}
	return g.failBinding(tx, b, event)
}

// endPage is closePage for a page on which nobody has just made a step.
func (g *Gateway) endPage(tx Tx, before Page, state PageState, reason Code) error {
	p := before
	if err := g.closePage(tx, &p, state, reason); err != nil {
		return err
	}
	saved, err := tx.UpdatePage(p, before)
	if err == nil && !saved {
		return ErrRetry
	}
	return err
}

// outcome marks a refusal inside onPage that commits what was counted.
type outcome struct{ refusal *Error }

func (o outcome) Error() string { return o.refusal.Error() }

// onPage runs one step of a page: it reads the page, ends it when its deadline
// has passed, lets step change it, and writes it back guarded by what was read.
func (g *Gateway) onPage(ctx context.Context, key string, step func(Tx, *Page) error) (PageView, error) {
	var v PageView
	var remembered *Error
	err := g.store.Update(ctx, func(tx Tx) error {
		remembered = nil
		before, err := tx.PageByKey(key)
		if errors.Is(err, ErrNoRow) {
			return refuse(NotFound, "no such page")
		}
		if err != nil {
			return err
		}
		p := before
		if p.State.Open() && !tx.Now().Before(p.Deadline) {
			err = g.closePage(tx, &p, PageExpired, Expired)
		} else {
			err = step(tx, &p)
		}
		var o outcome
		if errors.As(err, &o) {
			remembered, err = o.refusal, nil
		}
		if err != nil {
			var refusal *Error
			if errors.As(err, &refusal) { // show the page beside the refusal
				v, _ = g.pageView(tx, before)
			}
			return err
		}
		if p != before {
			saved, err := tx.UpdatePage(p, before)
			if err != nil {
				return err
			}
			if !saved {
				return ErrRetry
			}
		}
		v, err = g.pageView(tx, p)
		return err
	})
	if err == nil && remembered != nil {
		return v, remembered
	}
	return v, err
}

func (g *Gateway) pageView(tx Tx, p Page) (PageView, error) {
	v := PageView{Page: p, OTPLive: g.otpLive(p, tx.Now()), MayResend: p.State == PageOTP && p.OTPSends < g.rules.OTPSends}
	m, err := tx.Merchant(p.MerchantID)
	if err != nil {
		return v, fmt.Errorf("gateway: page %s: %w", p.ID, err)
	}
	w, err := tx.Wallet(p.WalletID)
	if err != nil {
		return v, fmt.Errorf("gateway: page %s: %w", p.ID, err)
	}
	v.Merchant, v.Phone = m.Name, w.Phone
	if p.Kind.ForPayment() {
		payment, err := tx.Payment(PaymentID(p.Subject))
		if err != nil {
			return v, fmt.Errorf("gateway: page %s: %w", p.ID, err)
		}
		v.Amount, v.Payment = payment.Amount, payment
	}
	return v, nil
}

// InboxItem is a one-time code as the wallet's owner receives it.
type InboxItem struct {
	Code      string
	Page      Page
	Merchant  string
	ExpiresAt time.Time
}

// Inbox lists the codes that are alive for a wallet, newest first. Codes are
// readable only where Config.KeepCodes.
func (g *Gateway) Inbox(ctx context.Context, phone Phone) (items []InboxItem, err error) {
	err = g.view(ctx, "no wallet has this phone number", func(tx Tx) error {
		w, err := tx.WalletByPhone(phone)
		if err != nil {
			return err
		}
		pages, err := tx.OTPPages(w.ID)
		if err != nil {
			return err
		}
		for _, p := range pages {
			m, err := tx.Merchant(p.MerchantID)
			if err != nil {
				return err
			}
			items = append(items, InboxItem{Code: p.OTP, Page: p, Merchant: m.Name, ExpiresAt: p.OTPExpiresAt})
		}
		return nil
	})
	return items, err
}
