package backoffice

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

type bindingsScreen struct {
	frame
	Query     url.Values
	Merchants []gateway.Merchant
	States    []gateway.BindingState
	Rows      []gateway.Binding
}

var bindingStates = []gateway.BindingState{
	gateway.BindingActive, gateway.BindingAwaiting, gateway.BindingFailed, gateway.BindingExpired, gateway.BindingUnbound,
}

func (v *visit) bindings() error {
	f := v.filters()
	wallet, err := v.walletOf(f)
	if err != nil {
		return err
	}
	filter := gateway.BindingFilter{
		Merchant: gateway.MerchantID(f.text("merchant")), Wallet: wallet, Customer: f.text("customer"),
		State: gateway.BindingState(f.text("state")), Created: f.days(), Before: gateway.BindingID(f.text("before")),
	}
	s := bindingsScreen{frame: v.frame(v.words.t("Bindings")), Query: f.query, States: bindingStates}
	if s.Merchants, err = v.choices(); err != nil {
		return err
	}
	if f.broken != "" {
		s.Refused = v.words.t("This is not understood: %s", v.words.t(f.broken))
		v.render(http.StatusUnprocessableEntity, "bindings.html", s)
		return nil
	}
	list, err := v.desk.Bindings(v.r.Context(), filter, pageRows)
	if err != nil {
		return err
	}
	s.Rows = list.Rows
	s.paged(v, string(list.More))
	v.render(http.StatusOK, "bindings.html", s)
	return nil
}

type bindingScreen struct {
	frame
	gateway.BindingStory
}

func (v *visit) binding() error {
	s, err := v.desk.Binding(v.r.Context(), gateway.BindingID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	v.render(http.StatusOK, "binding.html", bindingScreen{v.frame(v.words.t("Binding of %s", string(s.Phone))), s})
	return nil
}

type notificationsScreen struct {
	frame
	Query     url.Values
	Merchants []gateway.Merchant
	States    []gateway.NotificationState
	Dialects  []string
	Rows      []gateway.Notification
	CanResend bool // what the filter chooses, all at once
}

var notificationStates = []gateway.NotificationState{
	gateway.NotificationQueued, gateway.NotificationDelivered, gateway.NotificationFailed, gateway.NotificationUndeliverable,
}

func notificationFilter(f *filters) gateway.NotificationFilter {
	return gateway.NotificationFilter{
		Merchant: gateway.MerchantID(f.text("merchant")), State: gateway.NotificationState(f.text("state")), Dialect: f.text("dialect"),
		Created: f.days(), Before: gateway.NotificationID(f.text("before")),
	}
}

func (v *visit) notifications() error {
	f := v.filters()
	filter := notificationFilter(f)
	s := notificationsScreen{frame: v.frame(v.words.t("Notifications")), Query: f.query, States: notificationStates, Dialects: v.Dialects}
	var err error
	if s.Merchants, err = v.choices(); err != nil {
		return err
	}
	if f.broken != "" {
		s.Refused = v.words.t("This is not understood: %s", v.words.t(f.broken))
		v.render(http.StatusUnprocessableEntity, "notifications.html", s)
		return nil
	}
	list, err := v.desk.Notifications(v.r.Context(), filter, pageRows)
	if err != nil {
		return err
	}
	s.Rows = list.Rows
	s.CanResend = v.May(resend) && (filter.State == gateway.NotificationFailed || filter.State == gateway.NotificationUndeliverable)
	s.paged(v, string(list.More))
	v.render(http.StatusOK, "notifications.html", s)
	return nil
}

type notificationScreen struct {
	frame
	gateway.DeliveryStory
}

func (v *visit) notification() error {
	s, err := v.desk.Delivery(v.r.Context(), gateway.NotificationID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	v.render(http.StatusOK, "notification.html", notificationScreen{v.frame(v.words.t("Notification")), s})
	return nil
}

func (v *visit) resend() error {
	id := gateway.NotificationID(v.r.PathValue("id"))
	if _, err := v.desk.Delivery(v.r.Context(), id); err != nil {
		return err
	}
	var again gateway.Notification
	err := v.act("resend", string(id), "", func() (err error) {
		again, err = v.desk.Resend(v.r.Context(), id)
		return err
	})
	if err != nil {
		return err
	}
	v.done("/notifications/"+string(again.ID), "resent")
	return nil
}

// Bulk resending goes on in steps, and tells after each.
const (
	resendStep = 100
	resendMax  = 5_000 // notifications looked at by one press of the button
)

type resendingScreen struct {
	frame
	Sent int
	Rest url.Values // the filter to go on with, nil at the end
	Back string     // address of the list
}

// resendFailed queues again what a filter chooses, and writes its progress into the
// page while it goes on.
func (v *visit) resendFailed() error {
	f := &filters{query: v.form}
	filter := notificationFilter(f)
	rest := url.Values{}
	for _, name := range []string{"merchant", "state", "dialect", "from", "to"} {
		if value := f.text(name); value != "" {
			rest.Set(name, value)
		}
	}
	if f.broken != "" {
		v.problem(http.StatusUnprocessableEntity, "Not possible", v.words.t("This is not understood: %s", v.words.t(f.broken)))
		return nil
	}
	s := resendingScreen{frame: v.frame(v.words.t("Sending again")), Back: root + "/notifications?" + rest.Encode()}
	sent, looked, begun := 0, 0, false
	flush := http.NewResponseController(v.w).Flush
	show := func(name string) error {
		s.Sent = sent
		if !begun {
			v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
			begun = true
			if err := v.templates[v.lang].ExecuteTemplate(v.w, "resending-head", s); err != nil {
				return err
			}
		}
		if err := v.templates[v.lang].ExecuteTemplate(v.w, name, s); err != nil {
			return err
		}
		return flush()
	}
	err := v.act("resend all", "", rest.Encode(), func() error {
		for looked < resendMax {
			n, more, err := v.desk.ResendFailed(v.r.Context(), filter, resendStep)
			if err != nil {
				return err
			}
			sent += n
			looked += resendStep
			filter.Before = more
			if more == "" {
				return nil
			}
			if err := show("resending-step"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !begun {
		return err
	}
	if err != nil {
		v.Log.Error("backoffice: resending broke off", "sent", sent, "error", err)
		s.Refused = v.words.t("It broke off here. What was queued will be sent; press again for the rest.")
	}
	if filter.Before != "" {
		s.Rest = rest
		s.Rest.Set("before", string(filter.Before))
	}
	return show("resending-foot")
}

type walletsScreen struct {
	frame
	Rows []gateway.Wallet
}

func (v *visit) wallets() error {
	if text := v.filters().text("phone"); text != "" {
		phone, ok := gateway.ParsePhone(text)
		if !ok {
			return gateway.NotFound
		}
		v.redirect("/wallets/"+string(phone), nil)
		return nil
	}
	rows, err := v.Gateway.WalletsAfter(v.r.Context(), gateway.Phone(v.filters().text("before")), pageRows+1)
	if err != nil {
		return err
	}
	s := walletsScreen{frame: v.frame(v.words.t("Wallets")), Rows: rows[:min(len(rows), pageRows)]}
	more := ""
	if len(rows) > pageRows {
		more = string(rows[pageRows-1].Phone)
	}
	s.paged(v, more)
	v.render(http.StatusOK, "wallets.html", s)
	return nil
}

type walletScreen struct {
	frame
	gateway.Wallet
	Locked   bool
	Payments []gateway.PaymentRow
	Bindings []gateway.Binding
	Statuses []gateway.WalletStatus
	Limit    string // per transaction, in force
}

// walletRows bounds the payments and bindings on a wallet's page.
const walletRows = 20

func (v *visit) walletNamed() (gateway.Wallet, error) {
	phone, ok := gateway.ParsePhone(v.r.PathValue("phone"))
	if !ok {
		return gateway.Wallet{}, gateway.NotFound
	}
	return v.Gateway.Wallet(v.r.Context(), phone)
}

func (v *visit) wallet() error {
	w, err := v.walletNamed()
	if err != nil {
		return err
	}
	payments, err := v.desk.Payments(v.r.Context(), gateway.PaymentFilter{Wallet: w.ID}, walletRows)
	if err != nil {
		return err
	}
	bindings, err := v.desk.Bindings(v.r.Context(), gateway.BindingFilter{Wallet: w.ID}, walletRows)
	if err != nil {
		return err
	}
	limit := w.Limits.PerTransaction
	if limit == 0 {
		limit = v.Gateway.Rules().MaxTransaction
	}
	v.render(http.StatusOK, "wallet.html", walletScreen{
		frame: v.frame(v.words.t("Wallet %s", string(w.Phone))), Wallet: w, Locked: v.Clock.Now().Before(w.LockedUntil), Payments: payments.Rows, Bindings: bindings.Rows,
		Statuses: []gateway.WalletStatus{gateway.WalletActive, gateway.WalletBlockedByIssuer, gateway.WalletCardBlockedByBank}, Limit: limit.Rupiah(),
	})
	return nil
}

func (v *visit) setWalletStatus() error {
	w, err := v.walletNamed()
	if err != nil {
		return err
	}
	status := v.form.Get("status")
	if err := v.act("wallet status", string(w.ID), string(w.Phone)+": "+string(w.Status)+" → "+status[:min(len(status), 20)], func() error {
		_, err := v.Gateway.SetWalletStatus(v.r.Context(), w.Phone, gateway.WalletStatus(status))
		return err
	}); err != nil {
		return err
	}
	v.done("/wallets/"+string(w.Phone), "changed")
	return nil
}

type trailScreen struct {
	frame
	Rows []gateway.Trace
}

func (v *visit) trail() error {
	f := v.filters()
	rows, err := v.Gateway.Trail(v.r.Context(), gateway.TraceFilter{
		User: gateway.UserID(f.text("user")), Subject: f.text("subject"), Before: gateway.TraceID(f.text("before")),
	}, pageRows+1)
	if err != nil {
		return err
	}
	s := trailScreen{frame: v.frame(v.words.t("Trail")), Rows: rows[:min(len(rows), pageRows)]}
	more := ""
	if len(rows) > pageRows {
		more = string(rows[pageRows-1].ID)
	}
	s.paged(v, more)
	v.render(http.StatusOK, "trail.html", s)
	return nil
}

// count is a number as people here write it: 12.345.
func count[T ~int | ~int64](n T) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "." + digits[i:]
	}
	return digits
}
