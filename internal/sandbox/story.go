package sandbox

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// paymentsPart is the list of payments.
type paymentsPart struct {
	livePart
	Text     *texts
	Payments []paymentItem
	Next     gateway.PaymentID
}

type paymentItem struct {
	gateway.Payment
	Merchant, State string
}

func (v *visit) paymentsNow(ctx context.Context) (p paymentsPart, err error) {
	before := v.r.URL.Query().Get("before")
	list, err := v.Gateway.Payments(ctx, gateway.PaymentID(before), pageSize)
	if err != nil {
		return p, err
	}
	p = paymentsPart{livePart: livePart{ID: "payments", URL: "/payments/live", Version: v.versionOf(list)}, Text: v.text}
	if before != "" {
		p.livePart = livePart{ID: "older"} // what is older does not grow
	}
	names := issuer.MerchantNames{}
	for _, payment := range list {
		item := paymentItem{Payment: payment, State: v.text.Story.States[payment.State]}
		if item.Merchant, err = names.Of(ctx, v.Gateway, payment.MerchantID); err != nil {
			return p, err
		}
		p.Payments = append(p.Payments, item)
	}
	if len(list) == pageSize {
		p.Next = list[pageSize-1].ID
	}
	return p, nil
}

type paymentsScreen struct {
	frame
	Part paymentsPart
}

func (v *visit) payments() error {
	p, err := v.paymentsNow(v.r.Context())
	if err != nil {
		return err
	}
	query := url.Values{}
	if before := v.r.URL.Query().Get("before"); before != "" {
		query.Set("before", before)
	}
	v.render(http.StatusOK, "payments", paymentsScreen{v.frame(v.text.Story.Title, "/payments", query).follow(), p})
	return nil
}

func (v *visit) paymentsLive() error {
	p, err := v.paymentsNow(v.r.Context())
	if err != nil {
		return err
	}
	v.render(http.StatusOK, "payments-live", p)
	return nil
}

// paymentPart is the whole story of a payment.
type paymentPart struct {
	livePart
	Text          *texts
	Payment       paymentDetail
	Merchant      string
	Wallet        gateway.Wallet
	State         string
	Story         []chapter
	Ledger        []movement
	Notifications []notificationItem
	Here          bool // the merchant could receive notifications here
	Done          string
}

// chapter is one thing that happened.
type chapter struct {
	At     time.Time
	What   string
	Detail string
	URL    string // where to look at it, or ""
	Bad    bool
}

// movement is one transfer of the ledger.
type movement struct {
	ID, Kind string
	Legs     []postingView
}

type notificationItem struct {
	notificationView
	What, Stands string
}

func (v *visit) paymentNow(ctx context.Context, id gateway.PaymentID) (p paymentPart, err error) {
	if p.Payment, err = v.paymentDetail(ctx, id); err != nil {
		return p, err
	}
	status, err := v.Gateway.Payment(ctx, id)
	if err != nil {
		return p, err
	}
	if p.Wallet, err = v.Gateway.WalletOf(ctx, status.Payment.WalletID); err != nil {
		return p, err
	}
	merchant, err := v.Gateway.Merchant(ctx, p.Payment.MerchantID)
	if err != nil {
		return p, err
	}
	p.livePart = livePart{"payment-" + string(id), "/payments/" + string(id) + "/live", v.versionOf(p.Payment)}
	p.Text, p.Merchant, p.State = v.text, merchant.Name, v.text.Story.States[p.Payment.State]
	v.tell(&p, merchant)
	for _, leg := range p.Payment.Postings {
		if n := len(p.Ledger); n == 0 || p.Ledger[n-1].ID != leg.Transfer {
			p.Ledger = append(p.Ledger, movement{ID: leg.Transfer, Kind: string(leg.Kind)})
		}
		last := &p.Ledger[len(p.Ledger)-1]
		last.Legs = append(last.Legs, leg)
	}
	for _, n := range p.Payment.Notifications {
		p.Notifications = append(p.Notifications, notificationItem{n, v.text.Story.Events[n.Kind], v.text.Story.Deliveries[n.State]})
		p.Here = p.Here || n.State == gateway.NotificationUndeliverable
	}
	return p, nil
}

// tell puts everything that happened to a payment in the order of time.
func (v *visit) tell(p *paymentPart, merchant gateway.Merchant) {
	t := &v.text.Story
	for _, e := range p.Payment.Events {
		p.Story = append(p.Story, chapter{At: e.At, What: t.Events[e.Kind], Detail: e.Reason, Bad: e.Reason != ""})
	}
	for _, n := range p.Payment.Notifications {
		for _, a := range n.Attempts {
			c := chapter{At: a.At, What: t.Attempt(a.Number, a.Status), Detail: a.URL, URL: "#" + string(n.ID)}
			if a.Error != "" {
				c.Detail, c.Bad = a.Error, true
			}
			p.Story = append(p.Story, c)
		}
	}
	callers := callerIDs(merchant)
	for _, r := range v.requests.find(maxListed, func(r *request) bool {
		return slices.ContainsFunc(r.Changes, func(c changeView) bool { return c.ID == string(p.Payment.ID) }) ||
			r.Invoice == p.Payment.Reference && slices.Contains(callers, r.Caller)
	}) {
		p.Story = append(p.Story, chapter{At: r.At, What: r.Method + " " + r.Target, Detail: r.Reason, URL: "/requests/" + r.ID, Bad: r.Status >= 400})
	}
	slices.SortStableFunc(p.Story, func(a, b chapter) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) })
}

type paymentScreen struct {
	frame
	Part paymentPart
	Done string
}

func (v *visit) payment() error {
	p, err := v.paymentNow(v.r.Context(), gateway.PaymentID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	s := paymentScreen{frame: v.frame(p.Payment.Reference, "/payments/"+string(p.Payment.ID), nil).follow(), Part: p}
	switch v.r.URL.Query().Get("done") {
	case "here":
		s.Done = v.text.Story.NowHere
	case "resent":
		s.Done = v.text.Story.Resent
	}
	v.render(http.StatusOK, "payment", s)
	return nil
}

func (v *visit) paymentLive() error {
	p, err := v.paymentNow(v.r.Context(), gateway.PaymentID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	v.render(http.StatusOK, "payment-live", p)
	return nil
}

// receiveHere sends a notification again or, when the merchant has no server yet,
// lets the sandbox's own shop receive all of them.
func (v *visit) receiveHere() error {
	ctx := v.r.Context()
	id := gateway.PaymentID(v.r.PathValue("id"))
	done := "resent"
	switch v.form.Get("action") {
	case "resend":
		if _, err := v.Gateway.ResendNotification(ctx, gateway.NotificationID(v.form.Get("notification"))); err != nil {
			return err
		}
	case "here":
		done = "here"
		status, err := v.Gateway.Payment(ctx, id)
		if err != nil {
			return err
		}
		if err := v.openShop(ctx, status.Payment.MerchantID); err != nil {
			return err
		}
		notifications, err := v.Gateway.Notifications(ctx, string(id), "", pageSize)
		if err != nil {
			return err
		}
		for _, n := range notifications {
			if n.State != gateway.NotificationUndeliverable {
				continue
			}
			if _, err := v.Gateway.ResendNotification(ctx, n.ID); err != nil {
				return err
			}
		}
	default:
		return problem(http.StatusBadRequest, "action is resend or here")
	}
	v.again("/payments/"+string(id), url.Values{"done": {done}})
	return nil
}

// Signed is an amount with its sign, for the ledger.
func (p postingView) Signed() string {
	if p.Amount < 0 {
		return "−" + money.Amount(-p.Amount).Rupiah()
	}
	return "+" + p.Amount.Rupiah()
}
