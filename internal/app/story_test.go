package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/ovo"
)

// teller tells a story through one protocol. A step's result is "ok", or "no" when
// the protocol refuses it; each protocol has its own words for why.
type teller interface {
	bind(phone, customer string) string
	pay(reference string, amount int64, points bool) string
	payOnPage(reference string, amount int64, outcome string) string
	refund(payment, reference string, amount int64) string
	unbind() string
}

func word(err error) string {
	if err != nil {
		return "no"
	}
	return "ok"
}

// snapTeller speaks SNAP. Points are named as an exact share there.
type snapTeller struct {
	c      control
	client *ovo.SNAPClient
	phone  string
	token  string
}

func (s *snapTeller) bind(phone, customer string) string {
	b, err := s.client.Bind(context.Background(), ovo.BindRequest{Phone: phone, CustomerID: customer, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		return word(err)
	}
	s.c.complete(b.RedirectURL, "approve")
	token, err := s.client.CustomerToken(context.Background(), b.AuthCode)
	s.phone, s.token = phone, token.AccessToken
	return word(err)
}

func (s *snapTeller) pay(reference string, amount int64, points bool) string {
	r := ovo.PayRequest{CustomerToken: s.token, Reference: reference, Type: ovo.Recurring, Amount: amount, Cash: amount}
	if points {
		r.Points = min(amount, s.c.wallet(s.phone).Points)
		r.Cash -= r.Points
	}
	_, err := s.client.Pay(context.Background(), r)
	return word(err)
}

func (s *snapTeller) payOnPage(reference string, amount int64, outcome string) string {
	p, err := s.client.Pay(context.Background(), ovo.PayRequest{
		CustomerToken: s.token, Reference: reference, Amount: amount, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail",
	})
	if err != nil {
		return word(err)
	}
	if s.c.complete(p.RedirectURL, outcome) != "https://shop.test/ok" {
		return "no"
	}
	return "ok"
}

func (s *snapTeller) refund(payment, reference string, amount int64) string {
	_, err := s.client.Refund(context.Background(), ovo.RefundRequest{Reference: payment, RefundReference: reference, Amount: amount})
	return word(err)
}

func (s *snapTeller) unbind() string { return word(s.client.Unbind(context.Background(), s.token)) }

// jokulTeller speaks the non-SNAP protocol.
type jokulTeller struct {
	c        control
	client   *ovo.JokulClient
	customer string
	token    string
	requests map[string]string // payment → its request id, which refunds name
}

func (j *jokulTeller) bind(phone, customer string) string {
	b, err := j.client.Bind(context.Background(), ovo.JokulBindRequest{Phone: phone, Customer: ovo.JokulCustomer{ID: customer, Name: "Sari"}, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail"})
	if err != nil {
		return word(err)
	}
	j.c.complete(b.RedirectURL, "approve")
	tokens, err := j.client.Tokens(context.Background(), customer)
	if err != nil || len(tokens) != 1 {
		return word(errors.Join(err, fmt.Errorf("%d tokens", len(tokens))))
	}
	j.customer, j.token = customer, tokens[0].Token
	return "ok"
}

func (j *jokulTeller) pay(reference string, amount int64, points bool) string {
	p, err := j.client.Pay(context.Background(), ovo.JokulPayRequest{Customer: j.who(), Token: j.token, Invoice: reference, Amount: amount, UsePoints: points})
	j.remember(reference, p)
	return word(err)
}

func (j *jokulTeller) who() ovo.JokulCustomer { return ovo.JokulCustomer{ID: j.customer, Name: "Sari"} }

// remember keeps the id of the request that first used an invoice.
func (j *jokulTeller) remember(reference string, p ovo.JokulPayment) {
	if j.requests[reference] == "" {
		j.requests[reference] = p.RequestID
	}
}

func (j *jokulTeller) payOnPage(reference string, amount int64, outcome string) string {
	p, err := j.client.PayOnPage(context.Background(), ovo.JokulPayRequest{
		Customer: j.who(), Token: j.token, Invoice: reference, Amount: amount, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/fail",
	})
	if err != nil {
		return word(err)
	}
	j.remember(reference, p)
	if j.c.complete(p.RedirectURL, outcome) != "https://shop.test/ok" {
		return "no"
	}
	return "ok"
}

func (j *jokulTeller) refund(payment, _ string, amount int64) string {
	request := j.requests[payment]
	if request == "" {
		request = "none"
	}
	_, err := j.client.Refund(context.Background(), ovo.JokulRefundRequest{Invoice: payment, PaymentRequestID: request, Amount: amount})
	return word(err)
}

func (j *jokulTeller) unbind() string {
	_, err := j.client.Unbind(context.Background(), ovo.JokulUnbindRequest{CustomerID: j.customer, Token: j.token})
	return word(err)
}

// stories are told through every protocol. Their steps must have the same results
// and leave the same ledger, whoever tells them.
var stories = map[string]func(t *testing.T, tell teller, c control){
	"a customer's life": func(t *testing.T, tell teller, c control) {
		step(t, "bind", tell.bind(storyPhone, "cust"), "ok")
		step(t, "pay", tell.pay("INV-A", 20_000, false), "ok")
		step(t, "pay with points first", tell.pay("INV-B", 50_000, true), "ok")
		step(t, "refund in part", tell.refund("INV-B", "B1", 4_000), "ok")
		step(t, "refund over both purses", tell.refund("INV-B", "B2", 8_000), "ok")
		step(t, "refund the rest", tell.refund("INV-B", "B3", 38_000), "ok")
		step(t, "refund a rupiah more", tell.refund("INV-B", "B4", 1), "no")
		step(t, "pay on a page", tell.payOnPage("INV-C", 7_000, "approve"), "ok")
		step(t, "unbind", tell.unbind(), "ok")
		step(t, "pay unbound", tell.pay("INV-D", 1, false), "no")
		step(t, "refund after unbinding", tell.refund("INV-A", "A1", 20_000), "ok")
		step(t, "bind again", tell.bind(storyPhone, "cust-2"), "ok")
	},
	"refusals": func(t *testing.T, tell teller, c control) {
		step(t, "bind", tell.bind(storyPhone, "cust"), "ok")
		step(t, "more than the purse", tell.pay("INV-A", 100_001, false), "no")
		step(t, "more than a transaction may move", tell.pay("INV-B", 10_000_001, false), "no")
		step(t, "everything", tell.pay("INV-C", 100_000, false), "ok")
		step(t, "the same again", tell.pay("INV-C", 100_000, false), "no")
		step(t, "the same with another amount", tell.pay("INV-C", 1, false), "no")
		step(t, "an empty purse", tell.pay("INV-D", 1, false), "no")
		step(t, "more than was paid", tell.refund("INV-C", "C1", 100_001), "no")
		step(t, "of nothing", tell.refund("INV-Z", "Z1", 1), "no")
		step(t, "of a refused payment", tell.refund("INV-A", "A1", 1), "no")
		step(t, "cancelled on the page", tell.payOnPage("INV-E", 1, "cancel"), "no")
		c.call("POST", "/wallets/"+storyPhone+"/status", map[string]string{"status": "blocked"}, 200, nil)
		step(t, "blocked", tell.pay("INV-F", 1, false), "no")
		step(t, "refund while blocked", tell.refund("INV-C", "C2", 50_000), "ok")
	},
	"bound elsewhere": func(t *testing.T, tell teller, c control) {
		step(t, "bind", tell.bind(storyPhone, "cust"), "ok")
		step(t, "bind another customer", tell.bind(storyPhone, "other"), "no")
		step(t, "bind an unknown phone", tell.bind("081599999999", "cust"), "no")
		step(t, "pay", tell.pay("INV-A", 5, true), "ok")
	},
}

const storyPhone = "081500000009"

func step(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestStoriesLeaveEqualLedgers(t *testing.T) {
	t.Parallel()
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var first []string
			for i, make := range []func(control, *app.App) teller{
				func(c control, _ *app.App) teller {
					return &snapTeller{c: c, client: c.snapClient(c.seededMerchant())}
				},
				func(c control, _ *app.App) teller {
					return &jokulTeller{c: c, client: c.jokulClient(c.seededMerchant()), requests: map[string]string{}}
				},
				func(c control, a *app.App) teller {
					return &faspayTeller{k: c.tokenizer(faspay.JSON), app: a, trx: map[string]string{}}
				},
				func(c control, a *app.App) teller {
					return &faspayTeller{k: c.tokenizer(faspay.XML), app: a, trx: map[string]string{}}
				},
			} {
				a := start(t, t.TempDir())
				t.Cleanup(func() { stop(t, a) })
				c := control{t, a.BaseURL}
				c.call("POST", "/wallets", map[string]any{"phone": storyPhone, "cash": 100_000, "points": 10_000}, 201, nil)
				story(t, make(c, a), c)
				c.auditClean()
				book := c.book()
				if i == 0 {
					first = book
				} else if diff := cmp.Diff(first, book); diff != "" {
					t.Errorf("the ledgers differ (-first +this):\n%s", diff)
				}
			}
		})
	}
}

// A binding made through one protocol serves the other: the bridge over which a
// merchant moves from one to the other.
func TestOneBindingServesBothProtocols(t *testing.T) {
	t.Parallel()
	c, _ := running(t)
	m := c.seededMerchant()
	c.call("POST", "/wallets", map[string]any{"phone": storyPhone, "cash": 100_000}, 201, nil)
	legacy := &jokulTeller{c: c, client: c.jokulClient(m), requests: map[string]string{}}
	step(t, "bind through Jokul", legacy.bind(storyPhone, "cust"), "ok")
	step(t, "pay through Jokul", legacy.pay("OLD", 1_000, false), "ok")

	snap := &snapTeller{c: c, client: c.snapClient(m), phone: storyPhone}
	step(t, "bind a second time through SNAP", snap.bind(storyPhone, "cust"), "no") // it is bound already
	step(t, "unbind through Jokul", legacy.unbind(), "ok")
	step(t, "bind through SNAP", snap.bind(storyPhone, "cust"), "ok")
	step(t, "pay through SNAP", snap.pay("NEW", 2_000, false), "ok")
	tokens, err := legacy.client.Tokens(t.Context(), "cust")
	if err != nil || len(tokens) != 1 {
		t.Fatalf("Jokul sees %v of the SNAP binding, %v", tokens, err)
	}
	legacy.token = tokens[0].Token
	step(t, "pay through Jokul under the SNAP binding", legacy.pay("BOTH", 3_000, false), "ok")
	step(t, "refund through the protocol of the payment", legacy.refund("BOTH", "", 500), "ok")
	step(t, "unbind through Jokul", legacy.unbind(), "ok")
	step(t, "pay through SNAP unbound", snap.pay("LATE", 1, false), "no")
	if w := c.wallet(storyPhone); w.Cash != 100_000-1_000-2_000-3_000+500 {
		t.Errorf("the wallet holds %d", w.Cash)
	}
	c.auditClean()
}

// book is every posting of every payment, without ids, in an order of its own.
func (c control) book() (lines []string) {
	c.t.Helper()
	for _, p := range c.payments() {
		var detail struct {
			Reference, Order string
			Postings         []struct {
				Kind, Account string
				Amount        int64
			}
		}
		c.call("GET", "/payments/"+p.ID, nil, 200, &detail)
		for _, leg := range detail.Postings {
			kind, rest, _ := strings.Cut(leg.Account, ":")
			_, purse, _ := strings.Cut(rest, ":")
			name := detail.Reference
			if detail.Order != "" { // the reference is the server's own then
				name = detail.Order
			}
			lines = append(lines, fmt.Sprintf("%s %s %s %s %d", name, leg.Kind, kind, purse, leg.Amount))
		}
	}
	slices.Sort(lines)
	return append(lines, fmt.Sprintf("wallet %+v", struct{ cash, points int64 }{c.wallet(storyPhone).Cash, c.wallet(storyPhone).Points}))
}

func (c control) jokulClient(m merchant) *ovo.JokulClient {
	c.t.Helper()
	j, err := ovo.Jokul(ovo.JokulConfig{BaseURL: c.base, ClientID: m.DOKU.ClientID, SecretKey: m.DOKU.SecretKey, HTTPClient: client})
	if err != nil {
		c.t.Fatal(err)
	}
	return j
}

// faspayTerms are how a merchant uses Faspay.
func (c control) faspayTerms(merchantID string) faspayTerms {
	c.t.Helper()
	var m struct{ Faspay faspayTerms }
	c.call("GET", "/merchants/"+merchantID, nil, 200, &m)
	return m.Faspay
}

func (c control) faspayClient(terms faspayTerms, format ovo.FaspayFormat) *ovo.FaspayClient {
	c.t.Helper()
	f, err := ovo.Faspay(ovo.FaspayConfig{
		BaseURL: c.base, MerchantID: terms.MerchantID, MerchantName: "Toko", UserID: terms.UserID, Password: terms.Password, Format: format, HTTPClient: client,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}
