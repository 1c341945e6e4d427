package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Desk reads the book for a person at the back office: everybody's rows, or those
// of one merchant. The scope is part of every question, so that a page cannot show
// what its reader may not see; what is outside it does not exist.
type Desk struct {
	g     *Gateway
	scope MerchantID
}

// Desk is the view of one merchant's people or, with "", of the operator's.
func (g *Gateway) Desk(scope MerchantID) Desk { return Desk{g, scope} }

// sees reports whether a merchant's rows are within the scope.
func (d Desk) sees(m MerchantID) bool { return d.scope == "" || m == d.scope }

// within narrows a filter's merchant to the scope. False means that nothing can match.
func (d Desk) within(m *MerchantID) bool {
	if d.scope == "" {
		return true
	}
	if *m == "" {
		*m = d.scope
	}
	return *m == d.scope
}

// Period is a span of time, From inclusive, To exclusive; zero ends are open.
type Period struct{ From, To time.Time }

// IDs is the period as bounds of ids that begin with a prefix, "" where open.
func (p Period) IDs(prefix string) (from, to string) {
	if !p.From.IsZero() {
		from = firstID(prefix, p.From)
	}
	if !p.To.IsZero() {
		to = firstID(prefix, p.To)
	}
	return from, to
}

// Reach bounds how many rows one question about a list looks at. Where few rows
// match, the answer is short and says where it stopped, and the next question goes
// on from there: no filter can make the database read without end.
const Reach = 20_000

// PaymentFilter chooses payments; zero members choose all.
type PaymentFilter struct {
	Merchant MerchantID
	Wallet   WalletID
	Channel  Channel
	State    PaymentState
	Amount   money.Amount
	Created  Period
	Final    Period
	Before   PaymentID // older than this one
}

// PaymentRow is a payment as a list shows it.
type PaymentRow struct {
	Payment
	Phone        Phone // "" when no wallet has the number that was asked for
	MerchantName string
}

// ListPage is a piece of a list. More is where the next one begins, "" at the end; it
// may be there although Rows is short or empty, see Reach.
type ListPage[Row any, ID ~string] struct {
	Rows []Row
	More ID
}

// Payments lists up to limit payments, newest first.
func (d Desk) Payments(ctx context.Context, f PaymentFilter, limit int) (list ListPage[PaymentRow, PaymentID], err error) {
	if !d.within(&f.Merchant) {
		return list, nil
	}
	err = d.g.view(ctx, "", func(tx Tx) error {
		payments, more, err := tx.SearchPayments(f, limit, Reach)
		if err != nil {
			return err
		}
		list.Rows, err = named(tx, payments)
		list.More = more
		return err
	})
	return list, err
}

// EachPayment calls fn with every payment that the filter chooses, newest first,
// in memory that does not grow with their number.
func (d Desk) EachPayment(ctx context.Context, f PaymentFilter, fn func(PaymentRow) error) error {
	for {
		list, err := d.Payments(ctx, f, 1_000)
		if err != nil {
			return err
		}
		for _, row := range list.Rows {
			if err := fn(row); err != nil {
				return err
			}
		}
		if list.More == "" {
			return nil
		}
		f.Before = list.More
	}
}

// PaymentsNamed finds payments by a number that a merchant gave them, their
// requests or their refunds.
func (d Desk) PaymentsNamed(ctx context.Context, number string, dialects []string, limit int) (rows []PaymentRow, err error) {
	err = d.g.view(ctx, "", func(tx Tx) error {
		payments, err := tx.PaymentsNamed(d.scope, number, append([]string{SpaceOffice}, dialects...), limit)
		if err != nil {
			return err
		}
		rows, err = named(tx, payments)
		return err
	})
	return rows, err
}

// named adds phones and merchants' names to payments.
func named(tx Tx, payments []Payment) ([]PaymentRow, error) {
	rows := make([]PaymentRow, 0, len(payments))
	merchants, phones := map[MerchantID]string{}, map[WalletID]Phone{"": ""}
	for _, p := range payments {
		name, known := merchants[p.MerchantID]
		if !known {
			m, err := tx.Merchant(p.MerchantID)
			if err != nil {
				return nil, err
			}
			name = m.Name
			merchants[p.MerchantID] = name
		}
		phone, known := phones[p.WalletID]
		if !known {
			w, err := tx.Wallet(p.WalletID)
			if err != nil {
				return nil, err
			}
			phone = w.Phone
			phones[p.WalletID] = phone
		}
		rows = append(rows, PaymentRow{p, phone, name})
	}
	return rows, nil
}

// PaymentStory is everything that is known of a payment.
type PaymentStory struct {
	PaymentRow
	Wallet        Wallet // zero when no wallet has the number that was asked for
	Refunds       []Refund
	Page          *Page
	Push          *Push
	Events        []Event // its own and its refunds', in order
	Transfers     []ledger.Transfer
	Notifications []DeliveryStory // newest first
}

// DeliveryStory is a notification with its attempts.
type DeliveryStory struct {
	Notification
	Tries []Attempt
}

// storyLimit bounds the notifications that a payment's story shows; only resending
// makes more than one.
const storyLimit = 20

// Payment tells a payment's story, as of one moment.
func (d Desk) Payment(ctx context.Context, id PaymentID) (s PaymentStory, err error) {
	err = d.g.view(ctx, "no such payment", func(tx Tx) error {
		p, err := tx.Payment(id)
		if err != nil {
			return err
		}
		if !d.sees(p.MerchantID) {
			return ErrNoRow
		}
		s, err = story(tx, p)
		return err
	})
	return s, err
}

func story(tx Tx, p Payment) (s PaymentStory, err error) {
	rows, err := named(tx, []Payment{p})
	if err != nil {
		return s, err
	}
	s.PaymentRow = rows[0]
	if p.WalletID != "" {
		if s.Wallet, err = tx.Wallet(p.WalletID); err != nil {
			return s, err
		}
	}
	if p.PageID != "" {
		page, err := tx.Page(p.PageID)
		if err != nil {
			return s, err
		}
		s.Page = &page
	}
	if p.Channel == PushToPay {
		push, err := tx.Push(p.ID)
		if err != nil {
			return s, err
		}
		s.Push = &push
	}
	if s.Refunds, err = tx.Refunds(p.ID); err != nil {
		return s, err
	}
	if s.Events, err = tx.Events(string(p.ID)); err != nil {
		return s, err
	}
	for _, r := range s.Refunds {
		events, err := tx.Events(string(r.ID))
		if err != nil {
			return s, err
		}
		s.Events = append(s.Events, events...)
	}
	if s.Transfers, err = tx.TransfersOf(p.ID); err != nil {
		return s, err
	}
	s.Notifications, err = deliveries(tx, string(p.ID))
	return s, err
}

func deliveries(tx Tx, subject string) (all []DeliveryStory, err error) {
	notifications, err := tx.Notifications(subject, "", storyLimit)
	if err != nil {
		return nil, err
	}
	for _, n := range notifications {
		tries, err := tx.Attempts(n.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, DeliveryStory{n, tries})
	}
	return all, nil
}

// Subject finds the payment or binding that an id of any kind names or belongs to.
func (d Desk) Subject(ctx context.Context, id string) (subject string, err error) {
	err = d.g.view(ctx, "nothing has this id", func(tx Tx) error {
		subject = id
		for !strings.HasPrefix(subject, "pay_") && !strings.HasPrefix(subject, "bnd_") {
			if subject, err = tx.SubjectOf(subject); err != nil {
				return err
			}
		}
		var of MerchantID
		if strings.HasPrefix(subject, "pay_") {
			p, err := tx.Payment(PaymentID(subject))
			if err != nil {
				return err
			}
			of = p.MerchantID
		} else {
			b, err := tx.Binding(BindingID(subject))
			if err != nil {
				return err
			}
			of = b.MerchantID
		}
		if !d.sees(of) {
			return ErrNoRow
		}
		return nil
	})
	return subject, err
}

// BindingFilter chooses bindings; zero members choose all.
type BindingFilter struct {
	Merchant MerchantID
	Wallet   WalletID
	Customer string
	State    BindingState
	Created  Period
	Before   BindingID
}

// Bindings lists up to limit bindings, newest first.
func (d Desk) Bindings(ctx context.Context, f BindingFilter, limit int) (list ListPage[Binding, BindingID], err error) {
	if !d.within(&f.Merchant) {
		return list, nil
	}
	err = d.g.view(ctx, "", func(tx Tx) error {
		list.Rows, list.More, err = tx.SearchBindings(f, limit, Reach)
		return err
	})
	return list, err
}

// BindingStory is everything that is known of a binding.
type BindingStory struct {
	Binding
	Events        []Event
	Notifications []DeliveryStory
}

// Binding tells a binding's story, as of one moment.
func (d Desk) Binding(ctx context.Context, id BindingID) (s BindingStory, err error) {
	err = d.g.view(ctx, "no such binding", func(tx Tx) error {
		if s.Binding, err = tx.Binding(id); err != nil {
			return err
		}
		if !d.sees(s.MerchantID) {
			return ErrNoRow
		}
		if s.Events, err = tx.Events(string(id)); err != nil {
			return err
		}
		s.Notifications, err = deliveries(tx, string(id))
		return err
	})
	if err != nil {
		return BindingStory{}, err
	}
	return s, nil
}

// NotificationFilter chooses notifications; zero members choose all.
type NotificationFilter struct {
	Merchant MerchantID
	State    NotificationState
	Dialect  string
	Created  Period
	Before   NotificationID
}

// Notifications lists up to limit notifications, newest first.
func (d Desk) Notifications(ctx context.Context, f NotificationFilter, limit int) (list ListPage[Notification, NotificationID], err error) {
	if !d.within(&f.Merchant) {
		return list, nil
	}
	err = d.g.view(ctx, "", func(tx Tx) error {
		list.Rows, list.More, err = tx.SearchNotifications(f, limit, Reach)
		return err
	})
	return list, err
}

// Delivery finds a notification with its attempts, both as of one moment.
func (d Desk) Delivery(ctx context.Context, id NotificationID) (s DeliveryStory, err error) {
	s.Notification, s.Tries, err = d.g.Delivery(ctx, id)
	if err == nil && !d.sees(s.MerchantID) {
		return DeliveryStory{}, refuse(NotFound, "no such notification")
	}
	return s, err
}

// Resend queues the event of a notification again.
func (d Desk) Resend(ctx context.Context, id NotificationID) (Notification, error) {
	if _, err := d.Delivery(ctx, id); err != nil {
		return Notification{}, err
	}
	return d.g.ResendNotification(ctx, id)
}

// ResendFailed queues again, newest first, up to limit events that the filter
// chooses and whose delivery came to a bad end, unless they have been queued again
// since. It returns how many, and where the next call goes on, "" at the end.
func (d Desk) ResendFailed(ctx context.Context, f NotificationFilter, limit int) (n int, more NotificationID, err error) {
	if f.State != NotificationFailed && f.State != NotificationUndeliverable {
		return 0, "", refuse(Invalid, "only what failed or could not be delivered is sent again in bulk")
	}
	if !d.within(&f.Merchant) {
		return 0, "", nil
	}
	err = d.g.store.Update(ctx, func(tx Tx) error {
		n = 0
		var failed []Notification
		if failed, more, err = tx.SearchNotifications(f, limit, Reach); err != nil {
			return err
		}
		for _, earlier := range failed {
			later, err := tx.Notifications(earlier.Subject, "", storyLimit)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(later, func(n Notification) bool { return n.EventID == earlier.EventID && n.ID > earlier.ID }) {
				continue
			}
			if _, err := d.g.queueAgain(tx, earlier); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, more, err
}

// Merchants lists up to limit merchants, oldest first, those after an id.
func (d Desk) Merchants(ctx context.Context, after MerchantID, limit int) (all []Merchant, err error) {
	if d.scope != "" {
		m, err := d.g.Merchant(ctx, d.scope)
		if err != nil || after >= m.ID {
			return nil, err
		}
		return []Merchant{m}, nil
	}
	err = d.g.view(ctx, "", func(tx Tx) error {
		all, err = tx.MerchantsAfter(after, limit)
		return err
	})
	return all, err
}

// Merchant finds a merchant.
func (d Desk) Merchant(ctx context.Context, id MerchantID) (Merchant, error) {
	if !d.sees(id) {
		return Merchant{}, refuse(NotFound, "no such merchant")
	}
	return d.g.Merchant(ctx, id)
}

// WalletsAfter lists up to limit wallets by phone number, those after one.
func (g *Gateway) WalletsAfter(ctx context.Context, after Phone, limit int) (all []Wallet, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.WalletsAfter(after, limit)
		return err
	})
	return all, err
}

// WalletID finds the wallet of a phone number, "" when there is none.
func (d Desk) WalletID(ctx context.Context, phone Phone) (WalletID, error) {
	w, err := d.g.Wallet(ctx, phone)
	if errors.Is(err, NotFound) {
		return "", nil
	}
	return w.ID, err
}
