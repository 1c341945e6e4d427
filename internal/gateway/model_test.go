package gateway_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

var (
	modelSeed  = flag.Uint64("model.seed", 0, "seed of TestModel; 0 draws one")
	modelSteps = flag.Int("model.steps", 400, "steps of TestModel")
)

// TestModel plays random operations on the gateway over a real database and on a
// model that is too simple to be wrong, and compares every answer and balance.
// Run again with -model.seed to see the same run.
func TestModel(t *testing.T) {
	t.Parallel()
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with: go test ./internal/gateway -run TestModel -model.seed=%d", seed)
	m := newModel(t, rand.New(rand.NewPCG(seed, 0)))
	for i := range *modelSteps {
		m.step(i)
		if t.Failed() {
			t.Fatalf("step %d of seed %d failed", i, seed)
		}
	}
	m.auditClean()
}

// model mirrors what the gateway should know, in maps and plain arithmetic.
type model struct {
	*bundle
	rand     *rand.Rand
	binding  gateway.BindingID // "" while unbound
	lapsed   bool              // the customer ended the newest binding, not the merchant
	have     ledger.Split
	blocked  bool
	owed     ledger.Split // to the merchant
	payments map[string]*modelPayment
	order    []string
	refunds  int
}

type modelPayment struct {
	amount   money.Amount
	use      ledger.Use
	split    ledger.Split // paid, or to be paid with UseExact
	refunded ledger.Split
	state    gateway.PaymentState
	page     string
	sale     bool
	dialect  string
	order    string
}

// live reports whether the payment keeps its order from being paid by another.
func (p *modelPayment) live() bool {
	return p.state == gateway.PaymentAwaiting || p.state == gateway.PaymentSucceeded
}

func newModel(t *testing.T, r *rand.Rand) *model {
	b := setup(t)
	return &model{bundle: b, rand: r, have: b.wallet.Balance, payments: map[string]*modelPayment{}}
}

func (m *model) step(i int) {
	switch m.rand.IntN(16) {
	case 0:
		m.toggleBinding(i)
	case 1:
		in := ledger.Split{Cash: m.amount(50_000), Points: m.amount(5_000)}
		must(m.TopUp(context.Background(), m.wallet.Phone, in))(m.t)
		m.have = m.have.Plus(in)
	case 2:
		m.blocked = m.rand.IntN(4) == 0
		status := gateway.WalletActive
		if m.blocked {
			status = gateway.WalletBlockedByIssuer
		}
		must(m.SetWalletStatus(context.Background(), m.wallet.Phone, status))(m.t)
	case 3, 4, 5, 6:
		m.tryPayment(i)
	case 7, 8:
		m.tryPage()
	case 9, 10:
		m.tryRefund()
	case 11:
		m.advance(time.Duration(m.rand.IntN(20)) * time.Minute)
		for _, p := range m.payments {
			if p.state == gateway.PaymentAwaiting {
				s := must(m.FindPayment(context.Background(), m.merchant.ID, m.query(m.referenceOf(p))))(m.t)
				if s.Payment.State == gateway.PaymentExpired { // time is not modelled; money is
					p.state = gateway.PaymentExpired
				}
			}
		}
	case 12, 13, 14:
		m.tryOrder()
	case 15:
		m.tryCancel()
	}
	m.compare()
}

func (m *model) query(reference string) gateway.PaymentQuery {
	p := m.payments[reference]
	return gateway.PaymentQuery{Dialect: p.dialect, Reference: reference, Order: p.order}
}

func (m *model) amount(most int64) money.Amount { return money.Amount(1 + m.rand.Int64N(most)) }

func (m *model) referenceOf(p *modelPayment) string {
	for reference, q := range m.payments {
		if p == q {
			return reference
		}
	}
	return ""
}

func (m *model) pick() (string, *modelPayment) {
	if len(m.order) == 0 {
		return "", nil
	}
	reference := m.order[m.rand.IntN(len(m.order))]
	return reference, m.payments[reference]
}

func (m *model) toggleBinding(i int) {
	if m.binding == "" {
		if !m.blocked {
			m.binding = m.bind(fmt.Sprint("cust-", i)).ID
		}
		return
	}
	if m.lapsed = m.rand.IntN(2) == 0; m.lapsed {
		must(0, m.Unlink(context.Background(), m.wallet.Phone, m.binding))(m.t)
	} else {
		must(m.Unbind(context.Background(), gateway.Claim{}, m.merchant.ID, m.binding))(m.t)
	}
	m.binding = ""
	for _, p := range m.payments {
		if p.state == gateway.PaymentAwaiting {
			p.state = gateway.PaymentCancelled
		}
	}
}

func (m *model) tryPayment(i int) {
	reference := fmt.Sprint("P", i)
	p := &modelPayment{amount: m.amount(30_000), sale: m.rand.IntN(3) == 0, dialect: "snap"}
	p.use = []ledger.Use{ledger.UseCash, ledger.UsePoints, ledger.UsePointsFirst, ledger.UseExact}[m.rand.IntN(4)]
	if p.use == ledger.UseExact {
		p.split.Points = money.Amount(m.rand.Int64N(int64(p.amount) + 1))
		p.split.Cash = p.amount - p.split.Points
	}
	if old, q := m.pick(); old != "" && q.dialect == p.dialect && m.rand.IntN(6) == 0 {
		reference = old // a used reference is refused, whatever it says
	}
	got, page, err := m.pay(order{binding: m.binding, reference: reference, amount: p.amount, use: p.use, split: p.split, sale: p.sale})
	code := gateway.ErrorCode(err)
	_, used := m.payments[reference]
	switch {
	case m.binding == "":
		m.want(err, code, gateway.BindingInvalid)
		return
	case used:
		if code != gateway.Duplicate && code != gateway.Inconsistent {
			m.t.Errorf("a used reference: %v", err)
		}
		return
	case m.blocked:
		m.want(err, code, gateway.WalletBlocked)
		return
	case p.sale:
		if err != nil {
			m.t.Errorf("sale: %v", err)
			return
		}
		p.state, p.page = gateway.PaymentAwaiting, page.Key
	default:
		split, covered := m.split(p)
		p.state = gateway.PaymentRefused
		if covered {
			p.state, p.split = gateway.PaymentSucceeded, split
			m.move(split)
		}
		if got.State != p.state {
			m.t.Errorf("payment is %s (%v), want %s", got.State, err, p.state)
		}
	}
	m.payments[reference] = p
	m.order = append(m.order, reference)
}

// tryOrder asks for a payment of one of a few orders.
func (m *model) tryOrder() {
	order := fmt.Sprint("O", m.rand.IntN(8))
	p := &modelPayment{amount: []money.Amount{700, 900}[m.rand.IntN(2)], sale: true, dialect: "faspay", order: order}
	p.use = []ledger.Use{ledger.UseCash, ledger.UsePoints, ledger.UsePointsFirst}[m.rand.IntN(3)]
	var live *modelPayment
	for _, other := range m.payments {
		if other.order == order && other.live() {
			live = other
		}
	}
	got, page, err := m.payOrder(order, p.amount, p.use)
	code := gateway.ErrorCode(err)
	switch {
	case live != nil && live.state == gateway.PaymentSucceeded:
		m.want(err, code, gateway.Duplicate)
	case live != nil && (live.amount != p.amount || live.use != p.use):
		m.want(err, code, gateway.Inconsistent)
	case live != nil:
		if err != nil || got.Reference != m.referenceOf(live) || page.Key != live.page {
			m.t.Errorf("order %s is not joined: %s, %v", order, got.Reference, err)
		}
	case m.binding == "" && m.lapsed:
		m.want(err, code, gateway.ConsentExpired)
	case m.binding == "":
		m.want(err, code, gateway.BindingInvalid)
	case m.blocked:
		m.want(err, code, gateway.WalletBlocked)
	case err != nil || m.payments[got.Reference] != nil:
		m.t.Errorf("order %s gives %s, %v", order, got.Reference, err)
	default:
		p.state, p.page = gateway.PaymentAwaiting, page.Key
		m.payments[got.Reference] = p
		m.order = append(m.order, got.Reference)
	}
}

func (m *model) tryCancel() {
	reference, p := m.pick()
	if p == nil {
		return
	}
	_, err := m.CancelPayment(context.Background(), m.merchant.ID, m.query(reference))
	if p.state != gateway.PaymentAwaiting {
		m.want(err, gateway.ErrorCode(err), gateway.WrongState)
		return
	}
	if err != nil {
		m.t.Errorf("%s is not cancelled: %v", reference, err)
	}
	p.state = gateway.PaymentCancelled
}

// split is the naive division, written out again on purpose.
func (m *model) split(p *modelPayment) (ledger.Split, bool) {
	var s ledger.Split
	switch p.use {
	case ledger.UseCash:
		s = ledger.Split{Cash: p.amount}
	case ledger.UsePoints:
		s = ledger.Split{Points: p.amount}
	case ledger.UsePointsFirst:
		if m.have.Points >= p.amount {
			s = ledger.Split{Points: p.amount}
		} else {
			s = ledger.Split{Points: m.have.Points, Cash: p.amount - m.have.Points}
		}
	default:
		s = p.split
	}
	return s, s.Cash <= m.have.Cash && s.Points <= m.have.Points
}

func (m *model) move(s ledger.Split) {
	m.have.Cash, m.have.Points = m.have.Cash-s.Cash, m.have.Points-s.Points
	m.owed.Cash, m.owed.Points = m.owed.Cash+s.Cash, m.owed.Points+s.Points
}

func (m *model) tryPage() {
	reference, p := m.pick()
	if p == nil || p.state != gateway.PaymentAwaiting {
		return
	}
	if m.rand.IntN(4) == 0 {
		must(m.CancelPage(context.Background(), p.page))(m.t)
		p.state = gateway.PaymentCancelled
		return
	}
	v := must(m.Page(context.Background(), p.page))(m.t)
	if v.Page.State == gateway.PageOTP {
		if !v.OTPLive {
			return
		}
		must(m.EnterOTP(context.Background(), p.page, m.otp(p.page)))(m.t)
	}
	v = must(m.EnterPIN(context.Background(), p.page, pin))(m.t)
	want := gateway.PageDone
	if split, covered := m.split(p); covered && !m.blocked {
		p.state, p.split = gateway.PaymentSucceeded, split
		m.move(split)
	} else {
		p.state, want = gateway.PaymentFailed, gateway.PageFailed
	}
	if v.Page.State != want {
		m.t.Errorf("the page of %s is %s, want %s", reference, v.Page.State, want)
	}
}

func (m *model) tryRefund() {
	reference, p := m.pick()
	if p == nil {
		return
	}
	m.refunds++
	amount := m.amount(int64(p.amount) + 3)
	r, _, err := m.RefundPayment(context.Background(), gateway.RefundPayment{
		Merchant: m.merchant.ID, Payment: m.query(reference), Reference: fmt.Sprint("R", m.refunds), Amount: amount,
	})
	code := gateway.ErrorCode(err)
	if p.state != gateway.PaymentSucceeded {
		m.want(err, code, gateway.WrongState)
		return
	}
	left := ledger.Split{Cash: p.split.Cash - p.refunded.Cash, Points: p.split.Points - p.refunded.Points}
	if amount > left.Cash+left.Points {
		m.want(err, code, gateway.RefundExceeds)
		return
	}
	var back ledger.Split
	for range amount { // a rupiah at a time: no arithmetic to get wrong
		if back.Points < left.Points {
			back.Points++
		} else {
			back.Cash++
		}
	}
	if err != nil || r.Split != back {
		m.t.Errorf("refund of %d gives %+v, %v; want %+v", amount, r.Split, err, back)
		return
	}
	p.refunded.Cash, p.refunded.Points = p.refunded.Cash+back.Cash, p.refunded.Points+back.Points
	m.move(ledger.Split{Cash: -back.Cash, Points: -back.Points})
}

func (m *model) want(err error, got, want gateway.Code) {
	m.t.Helper()
	if err == nil || got != want {
		m.t.Errorf("error is %v, want %v", err, want)
	}
}

// compare holds the wallet, every payment and what the merchant is owed against
// the model.
func (m *model) compare() {
	if got := m.balance(); got != m.have {
		m.t.Errorf("the wallet holds %+v, want %+v", got, m.have)
	}
	var owed ledger.Split
	for reference, p := range m.payments {
		s := must(m.FindPayment(context.Background(), m.merchant.ID, m.query(reference)))(m.t)
		if s.Payment.State != p.state || s.Payment.Refunded != p.refunded {
			m.t.Errorf("%s is %s and refunded %+v, want %s and %+v", reference, s.Payment.State, s.Payment.Refunded, p.state, p.refunded)
		}
		if p.state == gateway.PaymentSucceeded {
			owed = owed.Plus(s.Payment.Split).Minus(s.Payment.Refunded)
		}
	}
	if owed != m.owed {
		m.t.Errorf("the merchant is owed %+v, want %+v", owed, m.owed)
	}
}
