package sandbox

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

type paymentView struct {
	ID             gateway.PaymentID    `json:"id"`
	MerchantID     gateway.MerchantID   `json:"merchant_id"`
	BindingID      gateway.BindingID    `json:"binding_id"`
	CustomerID     string               `json:"customer_id"`
	Channel        gateway.Channel      `json:"channel"`
	Reference      string               `json:"reference"`
	Order          string               `json:"order,omitempty"`
	RequestID      string               `json:"request_id"`
	Amount         money.Amount         `json:"amount"`
	Use            ledger.Use           `json:"use"`
	Cash           money.Amount         `json:"cash"`
	Points         money.Amount         `json:"points"`
	RefundedCash   money.Amount         `json:"refunded_cash"`
	RefundedPoints money.Amount         `json:"refunded_points"`
	State          gateway.PaymentState `json:"state"`
	Reason         string               `json:"reason,omitempty"`
	CreatedAt      time.Time            `json:"created_at"`
	FinalAt        *time.Time           `json:"final_at,omitempty"`
}

func viewPayment(p gateway.Payment) paymentView {
	v := paymentView{
		ID: p.ID, MerchantID: p.MerchantID, BindingID: p.BindingID, CustomerID: p.CustomerID, Channel: p.Channel,
		Reference: p.Reference, Order: p.Order, RequestID: p.RequestID, Amount: p.Amount, Use: p.Use, Cash: p.Split.Cash, Points: p.Split.Points,
		RefundedCash: p.Refunded.Cash, RefundedPoints: p.Refunded.Points, State: p.State, CreatedAt: p.CreatedAt, FinalAt: when(p.FinalAt),
	}
	if p.Reason != gateway.Internal {
		v.Reason = p.Reason.String()
	}
	return v
}

// paymentDetail is a payment with everything that happened around it.
type paymentDetail struct {
	paymentView
	Postings      []postingView      `json:"postings"`
	Events        []eventView        `json:"events"`
	Refunds       []refundView       `json:"refunds"`
	Notifications []notificationView `json:"notifications"`
}

type postingView struct {
	Transfer string         `json:"transfer"`
	Kind     ledger.Kind    `json:"kind"`
	Account  ledger.Account `json:"account"`
	Amount   money.Amount   `json:"amount"`
}

type eventView struct {
	ID     gateway.EventID   `json:"id"`
	Kind   gateway.EventKind `json:"kind"`
	At     time.Time         `json:"at"`
	Reason string            `json:"reason,omitempty"`
}

type refundView struct {
	ID        gateway.RefundID `json:"id"`
	Reference string           `json:"reference"`
	Amount    money.Amount     `json:"amount"`
	Cash      money.Amount     `json:"cash"`
	Points    money.Amount     `json:"points"`
	Reason    string           `json:"reason,omitempty"`
	CreatedAt time.Time        `json:"created_at"`
}

func (s *Sandbox) listPayments(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	payments, err := s.Gateway.Payments(r.Context(), gateway.PaymentID(r.URL.Query().Get("before")), limit)
	views := make([]paymentView, 0, len(payments))
	for _, p := range payments {
		views = append(views, viewPayment(p))
	}
	return map[string]any{"payments": views}, err
}

func (s *Sandbox) getPayment(r *http.Request) (any, error) {
	d, err := s.paymentDetail(r.Context(), gateway.PaymentID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (s *Sandbox) paymentDetail(ctx context.Context, id gateway.PaymentID) (d paymentDetail, err error) {
	status, err := s.Gateway.Payment(ctx, id)
	if err != nil {
		return d, err
	}
	p := status.Payment
	d = paymentDetail{paymentView: viewPayment(p), Postings: []postingView{}, Events: []eventView{}, Refunds: []refundView{}, Notifications: []notificationView{}}
	transfers, err := s.Gateway.Transfers(ctx, p.ID)
	if err != nil {
		return d, err
	}
	for _, t := range transfers {
		for _, leg := range t.Postings {
			d.Postings = append(d.Postings, postingView{t.ID, t.Kind, leg.Account, leg.Amount})
		}
	}
	subjects := []string{string(p.ID)}
	for _, f := range status.Refunds {
		d.Refunds = append(d.Refunds, refundView{f.ID, f.Reference, f.Amount, f.Split.Cash, f.Split.Points, f.Reason, f.CreatedAt})
		subjects = append(subjects, string(f.ID))
	}
	for _, subject := range subjects {
		events, err := s.Gateway.Events(ctx, subject)
		if err != nil {
			return d, err
		}
		for _, e := range events {
			v := eventView{ID: e.ID, Kind: e.Kind, At: e.At}
			if e.Reason != gateway.Internal {
				v.Reason = e.Reason.String()
			}
			d.Events = append(d.Events, v)
		}
	}
	notifications, err := s.Gateway.Notifications(ctx, string(p.ID), "", 500)
	if err != nil {
		return d, err
	}
	for _, n := range notifications {
		v, err := s.viewNotification(ctx, n.ID)
		if err != nil {
			return d, err
		}
		d.Notifications = append(d.Notifications, v)
	}
	return d, nil
}

// reversePayment takes back a push whose outcome is uncertain, as an operator does
// who has asked the wallet in vain.
func (s *Sandbox) reversePayment(r *http.Request) (any, error) {
	if _, err := s.Gateway.ReversePush(r.Context(), gateway.PaymentID(r.PathValue("id"))); err != nil {
		return nil, err
	}
	return s.getPayment(r)
}

// refundPayment gives money back as the provider's people do, whom a merchant has to
// ask where the protocol has no call for it.
func (s *Sandbox) refundPayment(r *http.Request) (any, error) {
	var in struct {
		Amount money.Amount `json:"amount"`
		Reason string       `json:"reason"`
	}
	if r.ContentLength != 0 {
		if err := decode(r, &in); err != nil {
			return nil, err
		}
	}
	id := gateway.PaymentID(r.PathValue("id"))
	status, err := s.Gateway.Payment(r.Context(), id)
	if err != nil {
		return nil, err
	}
	p := status.Payment
	if in.Amount == 0 {
		in.Amount = p.Split.Minus(p.Refunded).Total()
	}
	if _, _, err := s.Gateway.RefundPayment(r.Context(), gateway.RefundPayment{
		Merchant: p.MerchantID, Payment: gateway.PaymentQuery{Dialect: p.Dialect, ID: id},
		Reference: "SB-" + rand.Text(), Space: gateway.SpaceOffice, Amount: in.Amount, Reason: in.Reason,
	}); err != nil {
		return nil, err
	}
	return s.getPayment(r)
}

type notificationView struct {
	ID         gateway.NotificationID    `json:"id"`
	EventID    gateway.EventID           `json:"event_id"`
	MerchantID gateway.MerchantID        `json:"merchant_id"`
	Subject    string                    `json:"subject"`
	Kind       gateway.EventKind         `json:"kind"`
	Dialect    string                    `json:"dialect"`
	State      gateway.NotificationState `json:"state"`
	NextAt     *time.Time                `json:"next_at,omitempty"`
	CreatedAt  time.Time                 `json:"created_at"`
	Attempts   []attemptView             `json:"attempts"`
}

type attemptView struct {
	Number int       `json:"number"`
	URL    string    `json:"url"`
	At     time.Time `json:"at"`
	TookMS float64   `json:"took_ms"`
	Status int       `json:"status"`
	Answer string    `json:"answer"`
	Error  string    `json:"error,omitempty"`
}

func (s *Sandbox) viewNotification(ctx context.Context, id gateway.NotificationID) (notificationView, error) {
	n, attempts, err := s.Gateway.Delivery(ctx, id)
	v := notificationView{
		ID: n.ID, EventID: n.EventID, MerchantID: n.MerchantID, Subject: n.Subject, Kind: n.Kind, Dialect: n.Dialect, State: n.State,
		CreatedAt: n.CreatedAt, Attempts: []attemptView{},
	}
	if n.State == gateway.NotificationQueued {
		v.NextAt = when(n.NextAt)
	}
	for _, a := range attempts {
		v.Attempts = append(v.Attempts, attemptView{a.Number, a.URL, a.At, float64(a.Took.Microseconds()) / 1000, a.Status, a.Answer, a.Error})
	}
	return v, err
}

func (s *Sandbox) listNotifications(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	list, err := s.Gateway.Notifications(r.Context(), q.Get("subject"), gateway.NotificationID(q.Get("before")), limit)
	if err != nil {
		return nil, err
	}
	views := make([]notificationView, 0, len(list))
	for _, n := range list {
		v, err := s.viewNotification(r.Context(), n.ID)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return map[string]any{"notifications": views}, nil
}

func (s *Sandbox) getNotification(r *http.Request) (any, error) {
	return s.viewNotification(r.Context(), gateway.NotificationID(r.PathValue("id")))
}

func (s *Sandbox) resendNotification(r *http.Request) (any, error) {
	n, err := s.Gateway.ResendNotification(r.Context(), gateway.NotificationID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v, err := s.viewNotification(r.Context(), n.ID)
	return created(v), err
}
