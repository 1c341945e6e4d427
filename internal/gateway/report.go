package gateway

import (
	"context"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Figures are counted behind: a job adds what has happened to counters by the hour
// and by the day, in the order of ids, and a report reads the counters and counts
// the newest rows itself. So a report is exact at any moment, asks for as many
// counters as it shows, and costs a payment nothing.

// PaymentCount counts the payments that became final in one slot of a report.
type PaymentCount struct {
	Slot     time.Time // its beginning
	Channel  Channel
	State    PaymentState
	Reason   Code
	Payments int64
	Amount   money.Amount
	Waits    Waits
}

// Waits counts how long customers took to confirm or refuse, up to each bound of
// WaitBounds and, last, beyond them. Payments that no customer confirms are not in it.
type Waits [6]int64

// WaitBounds are the upper bounds of Waits.
var WaitBounds = [5]time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute}

// NotificationCount counts the notifications that were queued in one slot.
type NotificationCount struct {
	Slot         time.Time
	Dialect      string
	Queued       int64
	Attempted    int64 // for the first time
	Acknowledged int64 // at the first attempt
	Took         Takes
}

// Takes counts how long merchants took to answer a first attempt, up to each bound
// of TakeBounds and, last, beyond them.
type Takes [5]int64

// TakeBounds are the upper bounds of Takes.
var TakeBounds = [4]time.Duration{100 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second}

// Overview is a report over a span of time, in slots.
type Overview struct {
	Period
	Slot          time.Duration
	Payments      []PaymentCount
	Notifications []NotificationCount
	Queued        Troubled // notifications that wait for an attempt now
	Failed        Troubled // notifications whose schedule is used up
	Undeliverable Troubled // notifications without a URL to go to
}

// Troubled is a number that is counted up to TroubledMax only.
type Troubled int

// TroubledMax bounds the counting of notifications in a state.
const TroubledMax = 1_000

// Slots of an overview are hours or whole WIB days, so that counters by the hour
// can be added up to them.
const (
	slotHour = time.Hour
	slotDay  = 24 * time.Hour
)

// Overview reports on the last so many hours or days until now.
func (d Desk) Overview(ctx context.Context, span time.Duration) (o Overview, err error) {
	o.Slot = slotHour
	if span > 2*slotDay {
		o.Slot = slotDay
	}
	err = d.g.view(ctx, "", func(tx Tx) error {
		o.To = slotOf(tx.Now(), o.Slot).Add(o.Slot)
		o.From = o.To.Add(-span)
		if o.Payments, err = tx.PaymentCounts(d.scope, o.Period, o.Slot); err != nil {
			return err
		}
		if o.Notifications, err = tx.NotificationCounts(d.scope, o.Period, o.Slot); err != nil {
			return err
		}
		for _, c := range []struct {
			state NotificationState
			into  *Troubled
		}{{NotificationQueued, &o.Queued}, {NotificationFailed, &o.Failed}, {NotificationUndeliverable, &o.Undeliverable}} {
			n, err := tx.CountNotifications(d.scope, c.state, TroubledMax)
			if err != nil {
				return err
			}
			*c.into = Troubled(n)
		}
		return nil
	})
	return o, err
}

// DayAhead is how far the days of reports and settlements are ahead of UTC's.
const DayAhead = localAhead

// slotOf is the beginning of the slot that t is in; days are WIB days.
func slotOf(t time.Time, slot time.Duration) time.Time {
	return t.Add(localAhead).Truncate(slot).Add(-localAhead)
}

// Settlement is what one WIB day moved to and from what a merchant is owed.
type Settlement struct {
	Merchant     MerchantID
	MerchantName string
	Day          time.Time // its beginning
	Payments     int64
	Refunds      int64
	Captured     ledger.Split
	Refunded     ledger.Split
}

// Net is what the day leaves to be settled, possibly less than nothing.
func (s Settlement) Net() ledger.Split { return s.Captured.Minus(s.Refunded) }

// SettlementFilter chooses settlements; zero members choose all.
type SettlementFilter struct {
	Merchant MerchantID
	Days     Period // whole WIB days
	After    SettlementKey
}

// SettlementKey is where a list of settlements goes on: newest day first, then by
// merchant. The zero key is the beginning.
type SettlementKey struct {
	Day      time.Time
	Merchant MerchantID
}

// Settlements lists up to limit settlements, newest day first.
func (d Desk) Settlements(ctx context.Context, f SettlementFilter, limit int) (rows []Settlement, err error) {
	if !d.within(&f.Merchant) {
		return nil, nil
	}
	err = d.g.view(ctx, "", func(tx Tx) error {
		if rows, err = tx.Settlements(f, limit); err != nil {
			return err
		}
		names := map[MerchantID]string{}
		for i, s := range rows {
			if _, known := names[s.Merchant]; !known {
				m, err := tx.Merchant(s.Merchant)
				if err != nil {
					return err
				}
				names[s.Merchant] = m.Name
			}
			rows[i].MerchantName = names[s.Merchant]
		}
		return nil
	})
	return rows, err
}

// SettlementDetail is a settlement with the refunds in it. Its payments are found
// with PaymentsOf.
type SettlementDetail struct {
	Settlement
	List []Refund // up to detailLimit, in order
}

// detailLimit bounds the refunds that a settlement's page lists.
const detailLimit = 500

// Settlement finds what a merchant's WIB day moved. A day without movements is all
// zero.
func (d Desk) Settlement(ctx context.Context, merchant MerchantID, day time.Time) (s SettlementDetail, err error) {
	m, err := d.Merchant(ctx, merchant)
	if err != nil {
		return s, err
	}
	day = startOfDay(day)
	s.Settlement = Settlement{Merchant: m.ID, MerchantName: m.Name, Day: day}
	days := Period{day, day.Add(slotDay)}
	err = d.g.view(ctx, "", func(tx Tx) error {
		rows, err := tx.Settlements(SettlementFilter{Merchant: merchant, Days: days}, 1)
		if err != nil {
			return err
		}
		if len(rows) == 1 {
			rows[0].MerchantName = m.Name
			s.Settlement = rows[0]
		}
		s.List, err = tx.RefundsBetween(merchant, days, detailLimit)
		return err
	})
	return s, err
}

// SettledPayments is the filter of the payments whose money a merchant's WIB day
// captured.
func (g *Gateway) SettledPayments(merchant MerchantID, day time.Time) PaymentFilter {
	day = startOfDay(day)
	final := Period{day, day.Add(slotDay)}
	// A payment is captured before its page, or its wait, is over.
	created := Period{final.From.Add(-max(g.rules.PageLife, g.rules.PushWait) - time.Minute), final.To}
	return PaymentFilter{Merchant: merchant, State: PaymentSucceeded, Final: final, Created: created}
}

// Balance is an account with what it shows.
type Balance struct {
	Account ledger.Account
	Amount  money.Amount
}

// Book sums up the ledger.
type Book struct {
	Wallets       ledger.Split // what all wallets hold
	Receivables   ledger.Split // what all merchants are owed
	TopUps        money.Amount // cash that came from outside
	PointsCreated money.Amount
}

// Off is by how much the book does not balance, which must be zero.
func (b Book) Off() ledger.Split {
	return ledger.Split{Cash: b.TopUps, Points: b.PointsCreated}.Minus(b.Wallets).Minus(b.Receivables)
}

// Book sums up the ledger's accounts, as of one moment.
func (g *Gateway) Book(ctx context.Context) (b Book, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		b, err = tx.Book()
		return err
	})
	return b, err
}

// Receivables is what a merchant is owed.
func (d Desk) Receivables(ctx context.Context, merchant MerchantID) (s ledger.Split, err error) {
	if !d.sees(merchant) {
		return s, refuse(NotFound, "no such merchant")
	}
	err = d.g.view(ctx, "", func(tx Tx) error {
		s, err = tx.Receivables(merchant)
		return err
	})
	return s, err
}

// TransferFilter chooses transfers; zero members choose all.
type TransferFilter struct {
	Account ledger.Account
	Kind    ledger.Kind
	Created Period
	Before  TransferID // older than this one
}

// Movement is a transfer with when it was made.
type Movement struct {
	ledger.Transfer
	At time.Time
}

// LedgerTransfers lists up to limit transfers, newest first.
func (g *Gateway) LedgerTransfers(ctx context.Context, f TransferFilter, limit int) (list ListPage[Movement, TransferID], err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		list.Rows, list.More, err = tx.SearchTransfers(f, limit, Reach/4) // each is asked for its postings
		return err
	})
	return list, err
}

// Movement finds a transfer by id.
func (g *Gateway) Movement(ctx context.Context, id TransferID) (m Movement, err error) {
	err = g.view(ctx, "no such transfer", func(tx Tx) error {
		m, err = tx.Movement(id)
		return err
	})
	return m, err
}

// tallyBatch bounds how many rows are counted at once, and so how many sums one
// transaction adds.
const tallyBatch = 5_000

// Tallies are counted from rows of these tables.
var tallies = []struct{ name, prefix string }{{TallyPayments, "evt_"}, {TallyNotifications, "ntf_"}, {TallyTransfers, "trf_"}}

// tallyBehind is how far back rows are old enough to be counted: no transaction that
// may yet be committed has an older id, for a store commits none that began a minute
// ago, and a notification has had the time for its first attempt.
const tallyBehind = 3 * time.Minute

// Names of the tallies.
const (
	TallyPayments      = "payments"      // PaymentCounts, from events
	TallyNotifications = "notifications" // NotificationCounts
	TallyTransfers     = "transfers"     // Settlements, from transfers
)

// Tallied is what a tally counted of the rows between two ids.
type Tallied struct {
	Name     string
	From, To string // From exclusive, "" for the beginning; To inclusive
	Rows     int
	Counts   any // the store's own
}

// Tally adds what has happened to the counters and returns how many rows it
// counted. It is called every few seconds; several processes may.
func (g *Gateway) Tally(ctx context.Context) (total int, err error) {
	for _, t := range tallies {
		for {
			n, err := g.tallySome(ctx, t.name, t.prefix)
			total += n
			if err != nil {
				return total, err
			}
			if n < tallyBatch {
				break
			}
		}
	}
	return total, nil
}

// tallySome counts beside the writer, and only adds the sums in its turn: the rows
// are so old that they can no longer change.
func (g *Gateway) tallySome(ctx context.Context, name, prefix string) (int, error) {
	var batch Tallied
	ahead := false
	err := g.view(ctx, "", func(tx Tx) (err error) {
		batch, err = tx.Tally(name, firstID(prefix, tx.Now().Add(-tallyBehind)), tallyBatch)
		ahead = batch.From > firstID(prefix, tx.Now())
		return err
	})
	if err == nil && ahead {
		// The clock was set back, and rows come whose ids were passed already.
		err = g.store.Update(ctx, func(tx Tx) error {
			_, err := tx.RestartTally(name, batch.From)
			return err
		})
		return tallyBatch, err // there is more to do
	}
	if err != nil || batch.Rows == 0 {
		return 0, err
	}
	err = g.store.Update(ctx, func(tx Tx) error {
		_, err := tx.AddTally(batch) // when another process was faster, the next call goes on from there
		return err
	})
	return batch.Rows, err
}
