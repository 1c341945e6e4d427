package app_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/ovo"
)

func (w *simulation) snap() *ovo.SNAPClient {
	key, err := ovo.ParsePrivateKey(w.merch.DOKU.PrivateKeyPEM)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := ovo.SNAP(ovo.SNAPConfig{BaseURL: "http://gerbang.sim:80", ClientID: w.merch.DOKU.ClientID, SecretKey: w.merch.DOKU.SecretKey, PrivateKey: key, HTTPClient: w.client})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *simulation) push() *ovo.PushClient {
	c, err := ovo.Push(ovo.PushConfig{BaseURL: "http://gerbang.sim:80", ClientID: w.merch.DOKU.ClientID, SecretKey: w.merch.DOKU.SecretKey, HTTPClient: w.client})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *simulation) jokul() *ovo.JokulClient {
	c, err := ovo.Jokul(ovo.JokulConfig{BaseURL: "http://gerbang.sim:80", ClientID: w.merch.DOKU.ClientID, SecretKey: w.merch.DOKU.SecretKey, HTTPClient: w.client})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *simulation) faspay() *ovo.FaspayClient {
	c, err := ovo.Faspay(ovo.FaspayConfig{
		BaseURL: "http://gerbang.sim:80", MerchantID: w.terms.MerchantID, MerchantName: "Toko", UserID: w.terms.UserID, Password: w.terms.Password, HTTPClient: w.client,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// oneOf draws from a set in an order that does not depend on the map's.
func oneOf[V any](w *simulation, set map[string]V) string {
	keys := slices.Sorted(maps.Keys(set))
	if len(keys) == 0 {
		return ""
	}
	return keys[w.rand.IntN(len(keys))]
}

// simFaults are the calls at which the store may fail or the process die: those
// that only a merchant's or a customer's operation makes.
var simFaults = []string{
	"InsertClaim", "InsertPayment", "FinishPayment", "DebitWallet", "InsertTransfer", "InsertPage", "UpdatePage", "ActivateBinding",
	"SetRefunded", "InsertRefund", "CreditWallet", "InsertPush", "FinishPush", "InsertNotification",
}

// event lets one thing happen, waits until all that follows from it has happened,
// and checks the books.
func (w *simulation) event(i int) {
	if w.rand.IntN(3) == 0 {
		kinds := []string{"store failed", "overtaken", "crash before commit", "commit answer lost", "crash after commit"}
		w.mu.Lock()
		w.fault = fault{step: simFaults[w.rand.IntN(len(simFaults))], kind: kinds[w.rand.IntN(len(kinds))], armed: true}
		w.noted = false
		w.mu.Unlock()
	}
	strikes := w.strikes
	what := w.happen(fmt.Sprintf("N%d", i))
	synctest.Wait()
	w.mu.Lock()
	dead, struck := w.dead, w.strikes > strikes
	w.fault.armed = false
	w.mu.Unlock()
	if dead {
		w.revive()
	}
	if struck {
		time.Sleep(6 * time.Second) // the notifier rests for five after a failure, the sweep for a half
		synctest.Wait()
	}
	if dead {
		what += "; died and came back"
	}
	fmt.Fprintf(&w.log, "%3d %s\n", i, what)
	w.audit(i)
}

func (w *simulation) audit(i int) {
	verdicts, err := w.app.Gateway.Audit(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range verdicts {
		if !v.OK {
			w.t.Errorf("after event %d, %s is broken: %s %v", i, v.ID, v.Rule, v.Keys)
		}
	}
}

func (w *simulation) happen(reference string) string {
	ctx := context.Background()
	phone := simPhones[w.rand.IntN(len(simPhones))]
	amount := 1 + w.rand.Int64N(400_000)
	bound := oneOf(w, w.tokens)
	if bound == "" {
		return w.bind(phone)
	}
	switch w.rand.IntN(24) {
	case 0:
		return w.bind(phone)
	case 20:
		return w.link(phone)
	case 21, 22, 23:
		return w.order(bound, reference, amount)
	case 1, 2, 3, 4:
		reference = w.perhapsAgain(reference)
		w.asked[reference] = "snap"
		_, err := w.snap().Pay(ctx, ovo.PayRequest{CustomerToken: w.tokens[bound], Reference: reference, Type: ovo.Recurring, Amount: amount})
		return fmt.Sprintf("%s pays %d for %s: %s", bound, amount, reference, w.told(reference, "snap", err))
	case 5, 6, 7:
		return w.sale(bound, reference, amount)
	case 8:
		return w.legacyPayment(bound, reference, amount)
	case 9:
		paid := oneOf(w, w.acked)
		if paid == "" || w.acked[paid] != "snap" {
			return "nothing to refund"
		}
		_, err := w.snap().Refund(ctx, ovo.RefundRequest{Reference: paid, RefundReference: "R-" + reference, Amount: 1 + w.rand.Int64N(50_000)})
		return fmt.Sprintf("refund of %s: %s", paid, simOutcome(err))
	case 10, 11, 12:
		return w.pushed(phone, reference, amount)
	case 13:
		status := []string{"active", "active", "blocked", "card_blocked"}[w.rand.IntN(4)]
		return fmt.Sprintf("%s is %s: %d", phone, status, w.call("POST", "/wallets/"+phone+"/status", map[string]string{"status": status}, nil))
	case 14:
		return fmt.Sprintf("%s tops up: %d", phone, w.call("POST", "/wallets/"+phone+"/topup", map[string]int64{"cash": amount, "points": amount / 10}, nil))
	case 15:
		err := w.snap().Unbind(ctx, w.tokens[bound])
		if err == nil {
			delete(w.tokens, bound)
		}
		return fmt.Sprintf("%s is unbound: %s", bound, simOutcome(err))
	case 16:
		w.mu.Lock()
		w.shop = []string{"up", "up", "down", "slow", "elsewhere"}[w.rand.IntN(5)]
		w.mu.Unlock()
		return "the shop is " + w.shop
	case 17:
		d := time.Duration(1+w.rand.IntN(90)) * time.Second
		time.Sleep(d)
		return fmt.Sprintf("%s pass", d)
	default:
		d := time.Duration(1+w.rand.IntN(6*3600)) * time.Second
		return fmt.Sprintf("the clock is moved by %s: %d", d, w.advance(d))
	}
}

func (w *simulation) advance(by time.Duration) int {
	status := w.call("POST", "/clock/advance", map[string]string{"by": by.String()}, nil)
	w.readClock()
	return status
}

// readClock looks how far the sandbox's clock is ahead. A move that was broken off
// may have happened.
func (w *simulation) readClock() {
	var clock struct{ Offset string }
	if w.call("GET", "/clock", nil, &clock) != 200 {
		return // it has died
	}
	ahead, err := time.ParseDuration(clock.Offset)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead = ahead
}

// perhapsAgain now and then repeats a reference that was used before.
func (w *simulation) perhapsAgain(reference string) string {
	if old := oneOf(w, w.asked); old != "" && w.asked[old] == "snap" && w.rand.IntN(5) == 0 {
		return old
	}
	return reference
}

// told notes an acknowledgement.
func (w *simulation) told(reference, dialect string, err error) string {
	if err == nil {
		w.acked[reference] = dialect
	}
	return simOutcome(err)
}

// simOutcome names an outcome without what differs from run to run.
func simOutcome(err error) string {
	var e *ovo.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, ovo.ErrOutcomeUnknown):
		return "unknown"
	default:
		return "unavailable"
	}
}

func (w *simulation) bind(phone string) string {
	b, err := w.snap().Bind(context.Background(), ovo.BindRequest{Phone: phone, CustomerID: "cust-" + phone, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		return fmt.Sprintf("%s binds: %s", phone, simOutcome(err))
	}
	outcome := []string{"approve", "approve", "approve", "cancel", "wrong_otp"}[w.rand.IntN(5)]
	status := w.call("POST", "/pages/complete", map[string]string{"url": b.RedirectURL, "outcome": outcome}, nil)
	token, err := w.snap().CustomerToken(context.Background(), b.AuthCode)
	if err == nil {
		w.tokens[phone] = token.AccessToken
	}
	return fmt.Sprintf("%s binds: %s %d %s", phone, outcome, status, simOutcome(err))
}

// legacyPayment charges through Jokul under the binding that SNAP made, and gives
// part of it back.
func (w *simulation) legacyPayment(bound, reference string, amount int64) string {
	ctx := context.Background()
	tokens, err := w.jokul().Tokens(ctx, "cust-"+bound)
	if err != nil || len(tokens) == 0 {
		return fmt.Sprintf("%s has no Jokul token: %s", bound, simOutcome(err))
	}
	w.asked[reference] = "jokul"
	p, err := w.jokul().Pay(ctx, ovo.JokulPayRequest{Customer: ovo.JokulCustomer{ID: "cust-" + bound, Name: "Sari"}, Token: tokens[0].Token, Invoice: reference, Amount: amount, UsePoints: true})
	what := fmt.Sprintf("%s pays %d through Jokul for %s: %s", bound, amount, reference, w.told(reference, "jokul", err))
	if err == nil {
		_, err = w.jokul().Refund(ctx, ovo.JokulRefundRequest{Invoice: reference, PaymentRequestID: p.RequestID, Amount: 1 + w.rand.Int64N(amount)})
		what += ", refund " + simOutcome(err)
	}
	return what
}

func (w *simulation) sale(bound, reference string, amount int64) string {
	w.asked[reference] = "snap"
	p, err := w.snap().Pay(context.Background(), ovo.PayRequest{CustomerToken: w.tokens[bound], Reference: reference, Amount: amount, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		return fmt.Sprintf("%s buys %s: %s", bound, reference, simOutcome(err))
	}
	outcome := []string{"approve", "approve", "cancel", "wrong_otp", "wrong_pin", "leave"}[w.rand.IntN(6)]
	if outcome == "leave" {
		return fmt.Sprintf("%s leaves the page of %s", bound, reference)
	}
	var out struct {
		RedirectTo string `json:"redirect_to"`
	}
	status := w.call("POST", "/pages/complete", map[string]string{"url": p.RedirectURL, "outcome": outcome}, &out)
	if out.RedirectTo == "https://shop.test/ok" {
		w.acked[reference] = "snap"
		w.counts["sale paid"]++
	}
	return fmt.Sprintf("%s buys %s for %d: %s %d %s", bound, reference, amount, outcome, status, out.RedirectTo)
}

// link asks for a phone's consent through Faspay, or ends it.
func (w *simulation) link(phone string) string {
	ctx := context.Background()
	if w.rand.IntN(3) == 0 {
		return fmt.Sprintf("%s is unlinked: %s", phone, simOutcome(w.faspay().Unlink(ctx, phone)))
	}
	a, err := w.faspay().Activate(ctx, ovo.FaspayActivateRequest{Phone: phone, CustomerName: "Sari"})
	if err != nil {
		return fmt.Sprintf("%s is asked to link: %s", phone, simOutcome(err))
	}
	outcome := []string{"approve", "approve", "cancel", "wrong_otp"}[w.rand.IntN(4)]
	return fmt.Sprintf("%s is asked to link: %s %d", phone, outcome, w.call("POST", "/pages/complete", map[string]string{"url": a.RedirectURL, "outcome": outcome}, nil))
}

// order asks for a payment through Faspay. The customer confirms on a page, or does
// not; the merchant inquires, or withdraws.
func (w *simulation) order(bound, bill string, amount int64) string {
	ctx := context.Background()
	if old := oneOf(w, w.asked); old != "" && w.asked[old] == "faspay" && w.rand.IntN(2) == 0 {
		bill = old
	}
	w.asked[bill] = "faspay"
	p, err := w.faspay().Pay(ctx, ovo.FaspayPayRequest{
		Phone: bound, BillNo: bill, Description: "Things", Amount: amount, CustomerName: "Sari", Email: "sari@shop.test", Purses: ovo.FaspayPointsFirst,
	})
	if err != nil {
		return fmt.Sprintf("%s orders %s: %s", bound, bill, simOutcome(err))
	}
	outcome := []string{"approve", "approve", "cancel", "wrong_pin", "leave", "withdraw"}[w.rand.IntN(6)]
	status := 0
	switch outcome {
	case "leave":
	case "withdraw":
		_, err = w.faspay().Cancel(ctx, ovo.FaspayCancelRequest{FaspayBill: ovo.FaspayBill{TrxID: p.TrxID, BillNo: bill}, Reason: "out of stock"})
	default:
		status = w.call("POST", "/pages/complete", map[string]string{"url": p.RedirectURL, "outcome": outcome}, nil)
	}
	s, asked := w.faspay().Inquire(ctx, ovo.FaspayBill{TrxID: p.TrxID, BillNo: bill})
	if asked == nil && s.State == ovo.StateSuccess {
		w.acked[p.TrxID] = "faspay"
		w.counts["order paid"]++
	}
	return fmt.Sprintf("%s orders %s for %d: %s %d %s, %s %s", bound, bill, amount, outcome, status, simOutcome(err), s.State, simOutcome(asked))
}

// pushed asks a phone. The customer approves, declines, lets time pass, or the
// caller hangs up.
func (w *simulation) pushed(phone, reference string, amount int64) string {
	w.asked[reference] = "jokul"
	ctx, hangUp := context.WithCancel(context.Background())
	defer hangUp()
	answered := make(chan error, 1)
	w.pushes.Go(func() {
		_, err := w.push().Pay(ctx, ovo.PushRequest{Phone: phone, Invoice: reference, Amount: amount})
		answered <- err
	})
	synctest.Wait()
	var wallet struct{ Prompts []prompt }
	w.call("GET", "/wallets/"+phone, nil, &wallet)
	what := []string{"approve", "approve", "decline", "wait", "hang up", "wrong PIN"}[w.rand.IntN(6)]
	for _, p := range wallet.Prompts {
		if p.Invoice != reference {
			continue
		}
		path := "/wallets/" + phone + "/prompts/" + p.ID
		switch what {
		case "approve":
			if w.call("POST", path+"/approve", map[string]string{"pin": "123456", "use": "points_first"}, nil) == 200 {
				w.acked[reference] = "jokul" // the customer was told
				w.counts["push paid"]++
			}
		case "wrong PIN":
			w.call("POST", path+"/approve", map[string]string{"pin": "000000", "use": "cash"}, nil)
		case "decline":
			w.call("POST", path+"/decline", nil, nil)
		}
	}
	w.mu.Lock()
	dead := w.dead
	w.mu.Unlock()
	if dead {
		w.net.cut("gerbang.sim:80")
	}
	if what == "hang up" {
		hangUp()
	}
	err := <-answered // the bubble lets the seventy seconds pass
	if dead {
		// Whether the answer still got out is the scheduler's whim: it must not
		// decide how the simulation goes on.
		if err == nil {
			w.dying[reference] = true
		}
		return fmt.Sprintf("push of %s over %d to %s: %s", reference, amount, phone, what)
	}
	if what == "hang up" {
		return fmt.Sprintf("push of %s to %s: the caller hangs up", reference, phone)
	}
	return fmt.Sprintf("push of %s over %d to %s: %s, %s", reference, amount, phone, what, w.told(reference, "jokul", err))
}

// finish lets all time pass that anything may take, and compares what everybody
// was told with what is there.
func (w *simulation) finish() {
	w.mu.Lock()
	w.shop = "up"
	w.fault = fault{}
	w.mu.Unlock()
	for range 8 {
		w.advance(24 * time.Hour)
		time.Sleep(2 * time.Minute) // attempts under way, slow ones included
		synctest.Wait()
	}
	// What the schedule has given up on is sent again by hand.
	all, err := w.app.Gateway.Payments(context.Background(), "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	state, paid := map[string]gateway.Payment{}, map[string]int{}
	for _, p := range all {
		state[p.Reference] = p
		if p.Order != "" && p.State == gateway.PaymentSucceeded {
			if paid[p.Order]++; paid[p.Order] == 2 {
				w.t.Errorf("the order %s was paid twice", p.Order)
			}
		}
		if !p.State.Final() {
			w.t.Errorf("%s is still %s", p.Reference, p.State)
		}
		if p.State == gateway.PaymentRefused {
			continue
		}
		list, err := w.app.Gateway.Notifications(context.Background(), string(p.ID), "", 10)
		if err != nil || len(list) == 0 {
			w.t.Errorf("%s is %s and has no notification, %v", p.Reference, p.State, err)
			continue
		}
		if list[0].State != gateway.NotificationDelivered {
			if _, err := w.app.Gateway.ResendNotification(context.Background(), list[0].ID); err != nil {
				w.t.Error(err)
			}
		}
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for reference := range w.dying {
		w.acked[reference] = "jokul"
	}
	for reference := range w.acked {
		if state[reference].State != gateway.PaymentSucceeded {
			w.t.Errorf("LOST: %s was acknowledged and is %q", reference, state[reference].State)
		}
	}
	for reference, p := range state {
		if w.asked[reference] == "" && w.asked[p.Order] != "faspay" {
			w.t.Errorf("%s is there and nobody sent it", reference)
		}
		if want := 1; p.State != gateway.PaymentRefused && len(w.events[reference]) != want {
			w.t.Errorf("%s is %s and the merchant heard of %d events", reference, p.State, len(w.events[reference]))
		}
	}
	var lines []string
	for reference, p := range state {
		if p.Order != "" {
			reference = p.Order // its own number is drawn by lot
		}
		lines = append(lines, fmt.Sprintf("%s is %s, paid %v, refunded %v\n", reference, p.State, p.Split, p.Refunded))
	}
	slices.Sort(lines)
	w.log.WriteString(strings.Join(lines, ""))
	w.counts["payments"] += len(state)
	w.counts["acknowledged"] += len(w.acked)
}
