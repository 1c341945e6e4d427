package ledger

import (
	"testing"

	"github.com/gerbang-pay/gerbang/internal/money"
)

func TestSplitPayment(t *testing.T) {
	t.Parallel()
	balance := Split{Cash: 100_000, Points: 10_000}
	for _, tc := range []struct {
		name   string
		amount money.Amount
		use    Use
		want   Split
		ok     bool
	}{
		{"cash alone", 50_000, UseCash, Split{50_000, 0}, true},
		{"the last rupiah of cash", 100_000, UseCash, Split{100_000, 0}, true},
		{"one rupiah too much", 100_001, UseCash, Split{100_001, 0}, false},
		{"points alone", 10_000, UsePoints, Split{0, 10_000}, true},
		{"points do not borrow from cash", 10_001, UsePoints, Split{0, 10_001}, false},
		{"points first, rest from cash", 50_000, UsePointsFirst, Split{40_000, 10_000}, true},
		{"points first, points suffice", 4_000, UsePointsFirst, Split{0, 4_000}, true},
		{"everything", 110_000, UsePointsFirst, Split{100_000, 10_000}, true},
		{"more than everything", 110_001, UsePointsFirst, Split{100_001, 10_000}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := SplitPayment(tc.amount, balance, tc.use)
			if got != tc.want || ok != tc.ok {
				t.Errorf("SplitPayment = %+v, %v; want %+v, %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

// The documented example: 50,000 paid with 10,000 points and 40,000 cash.
func TestSplitRefundReturnsPointsFirst(t *testing.T) {
	t.Parallel()
	paid := Split{Cash: 40_000, Points: 10_000}
	var refunded Split
	for _, step := range []struct {
		amount money.Amount
		want   Split
	}{
		{4_000, Split{0, 4_000}},
		{8_000, Split{2_000, 6_000}},
		{38_000, Split{38_000, 0}},
	} {
		got, ok := SplitRefund(step.amount, paid, refunded)
		if got != step.want || !ok {
			t.Fatalf("refund of %d after %+v = %+v, %v; want %+v", step.amount, refunded, got, ok, step.want)
		}
		refunded = refunded.Plus(got)
	}
	if got, ok := SplitRefund(1, paid, refunded); ok {
		t.Fatalf("a further rupiah was refunded as %+v", got)
	}
	if got, ok := SplitRefund(0, paid, Split{}); ok {
		t.Fatalf("a refund of nothing was allowed as %+v", got)
	}
}

func TestPostings(t *testing.T) {
	t.Parallel()
	mixed := Split{Cash: 40_000, Points: 10_000}
	for name, tc := range map[string]struct {
		transfer Transfer
		legs     int
	}{
		"mixed payment":   {Transfer{Kind: Payment, Postings: PaymentPostings("wal_1", "mch_1", mixed)}, 4},
		"cash payment":    {Transfer{Kind: Payment, Postings: PaymentPostings("wal_1", "mch_1", Split{Cash: 5})}, 2},
		"mixed refund":    {Transfer{Kind: Refund, Reverses: "x", Postings: RefundPostings("wal_1", "mch_1", mixed)}, 4},
		"points top-up":   {Transfer{Kind: TopUp, Postings: TopUpPostings("wal_1", Split{Points: 7})}, 2},
		"top-up of both":  {Transfer{Kind: TopUp, Postings: TopUpPostings("wal_1", mixed)}, 4},
		"largest payment": {Transfer{Kind: Payment, Postings: PaymentPostings("wal_1", "mch_1", Split{Cash: money.Max})}, 2},
	} {
		if err := tc.transfer.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(tc.transfer.Postings) != tc.legs {
			t.Errorf("%s has %d postings, want %d", name, len(tc.transfer.Postings), tc.legs)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	cash, receivable := WalletAccount("wal_1", Cash), ReceivableAccount("mch_1", Cash)
	for name, tr := range map[string]Transfer{
		"no postings":         {},
		"one leg":             {Postings: []Posting{{cash, 5}}},
		"unbalanced":          {Postings: []Posting{{cash, -5}, {receivable, 4}}},
		"balanced over purse": {Postings: []Posting{{cash, -5}, {ReceivableAccount("mch_1", Points), 5}}},
		"a zero leg":          {Postings: []Posting{{cash, 0}, {receivable, 0}}},
		"beyond the maximum":  {Postings: []Posting{{cash, -money.Max - 1}, {receivable, money.Max + 1}}},
		"refund of nothing":   {Kind: Refund, Postings: RefundPostings("wal_1", "mch_1", Split{Cash: 1})},
	} {
		if tr.Check() == nil {
			t.Errorf("%s passed the check", name)
		}
	}
}

// TestPostingSigns pins the direction of money, which the balance check cannot see.
func TestPostingSigns(t *testing.T) {
	t.Parallel()
	balances := map[Account]money.Amount{}
	apply := func(ps []Posting) {
		for _, p := range ps {
			balances[p.Account] += p.Amount
		}
	}
	apply(TopUpPostings("wal_1", Split{Cash: 100, Points: 50}))
	apply(PaymentPostings("wal_1", "mch_1", Split{Cash: 30, Points: 20}))
	apply(RefundPostings("wal_1", "mch_1", Split{Cash: 1, Points: 5}))
	for account, want := range map[Account]money.Amount{
		WalletAccount("wal_1", Cash):       71,
		WalletAccount("wal_1", Points):     35,
		ReceivableAccount("mch_1", Cash):   29,
		ReceivableAccount("mch_1", Points): 15,
		TopUpSource:                        -100,
		PointsIssuance:                     -50,
	} {
		if balances[account] != want {
			t.Errorf("%s shows %d, want %d", account, balances[account], want)
		}
	}
}
