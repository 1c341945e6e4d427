package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// hold fails unless every guard held.
func hold(ok bool, err error) error {
	if err == nil && !ok {
		err = errors.New("a guard did not hold")
	}
	return err
}

func office(t *testing.T, b Bundle) {
	user := gateway.User{
		ID: "usr_1", Name: "rani", Role: gateway.RoleMerchant, Merchant: "mch_1", PasswordHash: "hash", Temporary: true, Fails: 2, LockedUntil: epoch,
		Disabled: true, CreatedAt: epoch, SignedInAt: epoch,
		Factor: gateway.SecondFactor{Secret: "S1", Since: epoch, Step: 7, Pending: "P1", PendingSince: epoch.Add(time.Second)},
	}
	session := gateway.Session{TokenDigest: "digest", UserID: "usr_1", CreatedAt: epoch, SeenAt: epoch, EndsAt: epoch.Add(time.Hour), Address: "192.0.2.1", Browser: "Firefox"}
	trace := gateway.Trace{ID: "trc_1", User: "usr_1", UserName: "rani", Merchant: "mch_1", Action: "refund", Subject: "pay_1", Detail: "d", Address: "a", Outcome: "started", At: epoch}
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		twin := user
		twin.ID = "usr_2"
		err := hold(tx.InsertUser(user))
		if inserted, twinErr := tx.InsertUser(twin); inserted || twinErr != nil {
			wrong("two users have one name: %v", twinErr)
		}
		return errors.Join(err, tx.InsertSession(session), tx.InsertTrace(trace))
	})
	read := func() (u gateway.User) {
		t.Helper()
		b.view(t, func(tx gateway.Tx) (err error) {
			u, err = tx.User("usr_1")
			return err
		})
		return u
	}
	same(t, "user", read(), user)
	b.view(t, func(tx gateway.Tx) error {
		u, err1 := tx.UserByName("rani")
		all, err2 := tx.Users("", 10)
		none, err3 := tx.Users("rani", 10)
		s, err4 := tx.Session("digest")
		trail, err5 := tx.Trail(gateway.TraceFilter{User: "usr_1", Subject: "pay_1", Before: "trc_2"}, 10)
		other, err6 := tx.Trail(gateway.TraceFilter{User: "usr_2"}, 10)
		same(t, "user by name", u, user)
		same(t, "users", all, []gateway.User{user})
		same(t, "session", s, session)
		same(t, "trail", trail, []gateway.Trace{trace})
		if len(none)+len(other) != 0 {
			t.Errorf("others: %v, %v", none, other)
		}
		for what, get := range map[string]func() error{
			"user": func() error { _, err := tx.User("x"); return err }, "name": func() error { _, err := tx.UserByName("x"); return err },
			"session": func() error { _, err := tx.Session("x"); return err },
		} {
			if err := get(); !errors.Is(err, gateway.ErrNoRow) {
				t.Errorf("%s: %v", what, err)
			}
		}
		return errors.Join(err1, err2, err3, err4, err5, err6)
	})

	// Who is disabled or locked cannot sign in; the last of the tries locks.
	in := func(hash string) (ok bool) {
		t.Helper()
		b.update(t, func(tx gateway.Tx) (err error) {
			ok, err = tx.CountRightPassword("usr_1", hash)
			return err
		})
		return ok
	}
	if in("hash") {
		t.Error("a disabled user signed in")
	}
	b.update(t, func(tx gateway.Tx) error {
		return errors.Join(hold(tx.SetUserDisabled("usr_1", false)), hold(tx.SetPassword("usr_1", "new", false)))
	})
	if in("hash") || !in("new") {
		t.Error("the password in force is not the newest")
	}
	later := b.Clock.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	for i := range 3 {
		b.update(t, func(tx gateway.Tx) error { return tx.CountWrongPassword("usr_1", 3, later) })
		if u := read(); i < 2 && (u.Fails != i+1 || !u.LockedUntil.IsZero()) || i == 2 && (u.Fails != 0 || !u.LockedUntil.Equal(later)) {
			t.Errorf("after %d wrong passwords: %d, locked until %s", i+1, u.Fails, u.LockedUntil)
		}
	}
	if in("new") {
		t.Error("a locked user signed in")
	}

	b.update(t, func(tx gateway.Tx) error { return tx.SetSignedIn("usr_1") })
	if u := read(); u.SignedInAt.Equal(epoch) {
		t.Error("signing in is not dated")
	}

	// Sessions.
	b.update(t, func(tx gateway.Tx) error {
		return errors.Join(tx.EndTrace("trc_1", "done"), tx.TouchSession("digest"), tx.InsertSession(gateway.Session{TokenDigest: "kept", UserID: "usr_1", SeenAt: later, EndsAt: later}),
			tx.InsertSession(gateway.Session{TokenDigest: "idle", UserID: "usr_1", SeenAt: epoch, EndsAt: later}), tx.DeleteEndedSessions(epoch))
	})
	left := func(digests ...string) {
		t.Helper()
		b.view(t, func(tx gateway.Tx) error {
			for _, digest := range []string{"digest", "kept", "idle"} {
				_, err := tx.Session(digest)
				wanted := false
				for _, d := range digests {
					wanted = wanted || d == digest
				}
				if (err == nil) != wanted {
					t.Errorf("session %s: %v", digest, err)
				}
			}
			return nil
		})
	}
	left("kept") // the first one has ended, the third was idle
	b.update(t, func(tx gateway.Tx) error {
		return errors.Join(tx.InsertSession(gateway.Session{TokenDigest: "digest", UserID: "usr_1", SeenAt: later, EndsAt: later}), tx.DeleteSessionsOf("usr_1", "digest"))
	})
	left("digest")
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		alive, err1 := tx.SessionsOf("usr_1", epoch, 10)
		idle, err2 := tx.SessionsOf("usr_1", later, 10)
		none, err3 := tx.SessionsOf("usr_2", epoch, 10)
		if len(alive) != 1 || alive[0].TokenDigest != "digest" || len(idle)+len(none) != 0 {
			wrong("sessions of a user: %v, %v, %v", alive, idle, none)
		}
		if ended, err := tx.DeleteSessionOf("usr_2", "digest"); ended || err != nil {
			wrong("another's session was ended: %v", err)
		}
		return errors.Join(err1, err2, err3)
	})
	left("digest")
	b.update(t, func(tx gateway.Tx) error { return hold(tx.DeleteSessionOf("usr_1", "digest")) })
	left()
	b.update(t, func(tx gateway.Tx) error {
		return errors.Join(tx.InsertSession(gateway.Session{TokenDigest: "digest", UserID: "usr_1", SeenAt: later, EndsAt: later}), tx.DeleteSession("digest"))
	})
	left()
	b.view(t, func(tx gateway.Tx) error {
		trail, err := tx.Trail(gateway.TraceFilter{}, 10)
		if len(trail) != 1 || trail[0].Outcome != "done" {
			t.Errorf("trail %+v", trail)
		}
		return err
	})
}

// factor is what a second factor's guards are for: each code serves once, and only
// the secret that was confirmed comes into force.
func factor(t *testing.T, b Bundle) {
	b.update(t, func(tx gateway.Tx) error {
		return errors.Join(hold(tx.InsertUser(gateway.User{ID: "usr_1", Name: "rani", Role: gateway.RoleOperator})), hold(tx.SetPendingFactor("usr_1", "P1")),
			tx.InsertRecoveryCode("usr_1", "r1"), tx.InsertRecoveryCode("usr_1", "r2"))
	})
	read := func() (f gateway.SecondFactor) {
		t.Helper()
		b.view(t, func(tx gateway.Tx) error {
			u, err := tx.User("usr_1")
			f = u.Factor
			return err
		})
		return f
	}
	pending := read()
	if pending.Pending != "P1" || pending.Secret != "" || pending.PendingSince.IsZero() {
		t.Fatalf("pending %+v", pending)
	}
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		if set, err := tx.SetPendingFactor("usr_2", "P"); set || err != nil {
			wrong("a factor of nobody: %v", err)
		}
		if confirmed, err := tx.ConfirmFactor("usr_1", pending.PendingSince.Add(time.Second), 5); confirmed || err != nil {
			wrong("another secret was confirmed: %v", err)
		}
		return hold(tx.ConfirmFactor("usr_1", pending.PendingSince, 5))
	})
	f := read()
	if f.Secret != "P1" || f.Pending != "" || f.Step != 5 || f.Since.IsZero() || !f.PendingSince.IsZero() {
		t.Fatalf("confirmed %+v", f)
	}
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		if confirmed, err := tx.ConfirmFactor("usr_1", pending.PendingSince, 6); confirmed || err != nil {
			wrong("confirmed twice: %v", err)
		}
		if confirmed, err := tx.ConfirmFactor("usr_1", time.Time{}, 6); confirmed || err != nil {
			wrong("nothing was confirmed: %v", err)
		}
		for what, take := range map[string]func() (bool, error){
			"the step of the confirmation": func() (bool, error) { return tx.TakeStep("usr_1", f.Since, 5) },
			"an earlier step":              func() (bool, error) { return tx.TakeStep("usr_1", f.Since, 4) },
			"a step of another secret":     func() (bool, error) { return tx.TakeStep("usr_1", f.Since.Add(time.Second), 9) },
			"another's recovery code":      func() (bool, error) { return tx.TakeRecoveryCode("usr_2", "r1") },
		} {
			if taken, err := take(); taken || err != nil {
				wrong("%s: taken %t, %v", what, taken, err)
			}
		}
		return errors.Join(hold(tx.TakeStep("usr_1", f.Since, 6)), hold(tx.TakeRecoveryCode("usr_1", "r1")))
	})
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		if taken, err := tx.TakeStep("usr_1", f.Since, 6); taken || err != nil {
			wrong("a code serves twice: %v", err)
		}
		if taken, err := tx.TakeRecoveryCode("usr_1", "r1"); taken || err != nil {
			wrong("a recovery code serves twice: %v", err)
		}
		n, err := tx.RecoveryCodes("usr_1")
		if n != 1 {
			wrong("%d recovery codes are left", n)
		}
		return err
	})
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		if cleared, err := tx.ClearFactor("usr_2"); cleared || err != nil {
			wrong("nobody's factor was cleared: %v", err)
		}
		return errors.Join(hold(tx.ClearFactor("usr_1")), tx.DeleteRecoveryCodes("usr_1"))
	})
	same(t, "cleared", read(), gateway.SecondFactor{})
	b.view(t, func(tx gateway.Tx) error {
		n, err := tx.RecoveryCodes("usr_1")
		if n != 0 {
			t.Errorf("%d recovery codes are left", n)
		}
		return err
	})
}

// book fills a book with payments of two merchants, refunds and notifications. Ids
// count up from 1 and say that they are from long ago.
func (b Bundle) book(t testing.TB, payments int) {
	t.Helper()
	b.update(t, func(tx gateway.Tx) error {
		err := errors.Join(hold(tx.InsertMerchant(merchant(1))), hold(tx.InsertMerchant(merchant(2))), hold(tx.InsertWallet(wallet(1))),
			hold(tx.CreditWallet("wal_1", ledger.Split{Cash: 1_000_000, Points: 1_000}, 10_000_000)),
			tx.InsertTransfer(ledger.Transfer{ID: "trf_000", Kind: ledger.TopUp, Subject: "wal_1", Postings: ledger.TopUpPostings("wal_1", ledger.Split{Cash: 1_000_000, Points: 1_000})}),
			tx.InsertPage(page(1)), tx.InsertBinding(binding(1)))
		for i := 1; i <= payments; i++ {
			p := payment(1)
			p.ID, p.Reference, p.RequestID = gateway.PaymentID(fmt.Sprintf("pay_%03d", i)), fmt.Sprint("INV-", i), fmt.Sprint("req-", i)
			p.Order = fmt.Sprint("order-", i)
			p.MerchantID = gateway.MerchantID(fmt.Sprint("mch_", 1+i%2))
			p.Split, p.State, p.TransferID = ledger.Split{Cash: 99, Points: 1}, gateway.PaymentSucceeded, fmt.Sprintf("trf_%03d", i)
			p.CreatedAt = epoch.Add(time.Duration(i) * time.Minute)
			p.FinalAt = p.CreatedAt.Add(10 * time.Second)
			event := gateway.Event{ID: gateway.EventID(fmt.Sprintf("evt_%03d", i)), MerchantID: p.MerchantID, Subject: string(p.ID), Kind: gateway.EventPaymentSucceeded, At: p.FinalAt}
			if i%10 == 0 {
				p.State, p.Reason, p.TransferID, event.Kind = gateway.PaymentFailed, gateway.PINWrong, "", gateway.EventPaymentFailed
			}
			n := gateway.Notification{
				ID: gateway.NotificationID(fmt.Sprintf("ntf_%03d", i)), EventID: event.ID, MerchantID: p.MerchantID, Subject: string(p.ID), Kind: event.Kind, Dialect: "snap",
				State: gateway.NotificationQueued, CreatedAt: p.FinalAt, NextAt: p.FinalAt,
			}
			if i%3 == 0 {
				n.State = gateway.NotificationFailed
			}
			err = errors.Join(err, hold(tx.InsertPayment(p)), tx.InsertEvent(event), tx.InsertNotification(n),
				tx.InsertAttempt(gateway.Attempt{NotificationID: n.ID, Number: 1, At: p.FinalAt, Took: 200 * time.Millisecond, Status: 200}))
			if p.State == gateway.PaymentSucceeded {
				err = errors.Join(err, tx.InsertTransfer(ledger.Transfer{ID: p.TransferID, Kind: ledger.Payment, Subject: string(p.ID), Postings: ledger.PaymentPostings("wal_1", string(p.MerchantID), p.Split)}))
			}
		}
		refund := gateway.Refund{ID: "rfd_1", MerchantID: "mch_2", PaymentID: "pay_001", Dialect: "office", Reference: "BO-1", Amount: 40, Split: ledger.Split{Cash: 39, Points: 1}, Reason: "r", TransferID: "trf_900", CreatedAt: epoch}
		return errors.Join(err, hold(tx.InsertRefund(refund)), tx.InsertTransfer(ledger.Transfer{
			ID: "trf_900", Kind: ledger.Refund, Subject: "rfd_1", Reverses: "trf_001", Postings: ledger.RefundPostings("wal_1", "mch_2", refund.Split),
		}))
	})
}

func searches(t *testing.T, b Bundle) {
	b.book(t, 60)
	count := func(what string, f gateway.PaymentFilter, reach int, want ...int) {
		t.Helper()
		b.view(t, func(tx gateway.Tx) error {
			before := gateway.PaymentID("~")
			var got []int
			for {
				list, more, err := tx.SearchPayments(f, 25, reach)
				if err != nil {
					return err
				}
				got = append(got, len(list))
				for _, p := range list {
					if p.ID >= before {
						t.Errorf("%s: %s after %s", what, p.ID, before)
					}
					before = p.ID
				}
				if more == "" || len(got) > len(want) {
					break
				}
				f.Before = more
			}
			same(t, what, got, want)
			return nil
		})
	}
	count("all", gateway.PaymentFilter{}, 1000, 25, 25, 10)
	count("of a merchant", gateway.PaymentFilter{Merchant: "mch_1"}, 1000, 25, 5)
	count("of a wallet", gateway.PaymentFilter{Wallet: "wal_1", Merchant: "mch_2"}, 1000, 25, 5)
	count("of an amount", gateway.PaymentFilter{Amount: 100, Channel: gateway.SNAPSale, Merchant: "mch_1"}, 1000, 25, 5)
	count("of no amount", gateway.PaymentFilter{Amount: 101}, 1000, 0)
	count("failed", gateway.PaymentFilter{State: gateway.PaymentFailed}, 1000, 6)
	count("failed, in steps", gateway.PaymentFilter{State: gateway.PaymentFailed}, 20, 2, 2, 2, 0)
	count("final in time", gateway.PaymentFilter{Final: gateway.Period{From: epoch.Add(10 * time.Minute), To: epoch.Add(20 * time.Minute)}}, 1000, 10)
	count("of no time", gateway.PaymentFilter{Created: gateway.Period{To: time.UnixMilli(1)}}, 1000, 0) // no id is that old

	b.view(t, func(tx gateway.Tx) error {
		named := func(m gateway.MerchantID, number string, want ...gateway.PaymentID) {
			t.Helper()
			list, err := tx.PaymentsNamed(m, number, []string{"office", "snap"}, 10)
			if err != nil {
				t.Error(err)
			}
			got := []gateway.PaymentID{}
			for _, p := range list {
				got = append(got, p.ID)
			}
			same(t, "named "+number, got, append([]gateway.PaymentID{}, want...))
		}
		named("", "INV-7", "pay_007")
		named("mch_2", "req-7", "pay_007")
		named("mch_1", "INV-7")
		named("", "order-7", "pay_007")
		named("", "BO-1", "pay_001")
		named("", "x")

		for id, want := range map[string]string{"rfd_1": "pay_001", "evt_002": "pay_002", "ntf_003": "pay_003", "trf_004": "pay_004", "trf_900": "rfd_1", "pag_1": "bnd_1"} {
			if got, err := tx.SubjectOf(id); got != want || err != nil {
				t.Errorf("%s is about %q, %v", id, got, err)
			}
		}
		for _, id := range []string{"", "x", "rfd_9", "wal_1"} {
			if _, err := tx.SubjectOf(id); !errors.Is(err, gateway.ErrNoRow) {
				t.Errorf("%q: %v", id, err)
			}
		}

		notifications := func(f gateway.NotificationFilter, want int) {
			t.Helper()
			list, _, err := tx.SearchNotifications(f, 100, 1000)
			if len(list) != want || err != nil {
				t.Errorf("%+v: %d, %v", f, len(list), err)
			}
		}
		notifications(gateway.NotificationFilter{}, 60)
		notifications(gateway.NotificationFilter{Merchant: "mch_1"}, 30)
		notifications(gateway.NotificationFilter{State: gateway.NotificationFailed}, 20)
		notifications(gateway.NotificationFilter{State: gateway.NotificationFailed, Merchant: "mch_1"}, 10)
		notifications(gateway.NotificationFilter{State: gateway.NotificationQueued, Merchant: "mch_1", Dialect: "snap"}, 20)
		notifications(gateway.NotificationFilter{State: gateway.NotificationUndeliverable}, 0)
		notifications(gateway.NotificationFilter{Dialect: "jokul"}, 0)
		failed, err1 := tx.CountNotifications("", gateway.NotificationFailed, 15)
		queued, err2 := tx.CountNotifications("mch_1", gateway.NotificationQueued, 100)
		same(t, "counts", []int{failed, queued}, []int{15, 20})

		bindings, _, err3 := tx.SearchBindings(gateway.BindingFilter{Merchant: "mch_1", Wallet: "wal_1", Customer: "c1", State: gateway.BindingAwaiting}, 10, 10)
		none, _, err4 := tx.SearchBindings(gateway.BindingFilter{Merchant: "mch_2"}, 10, 10)
		same(t, "bindings", []int{len(bindings), len(none)}, []int{1, 0})

		transfers := func(f gateway.TransferFilter, want int) {
			t.Helper()
			list, _, err := tx.SearchTransfers(f, 100, 1000)
			if len(list) != want || err != nil {
				t.Errorf("%+v: %d, %v", f, len(list), err)
			}
			for _, m := range list {
				if len(m.Postings) < 2 || m.At.IsZero() {
					t.Errorf("transfer %+v", m)
				}
			}
		}
		transfers(gateway.TransferFilter{}, 56)
		transfers(gateway.TransferFilter{Account: ledger.WalletAccount("wal_1", ledger.Points)}, 56)
		transfers(gateway.TransferFilter{Account: ledger.ReceivableAccount("mch_2", ledger.Cash)}, 31)
		transfers(gateway.TransferFilter{Account: ledger.TopUpSource, Kind: ledger.TopUp}, 1)
		transfers(gateway.TransferFilter{Kind: ledger.Refund}, 1)
		m, err5 := tx.Movement("trf_900")
		same(t, "movement", []any{m.Kind, m.Subject, m.Reverses, len(m.Postings)}, []any{ledger.Refund, "rfd_1", "trf_001", 4})

		first, err6 := tx.MerchantsAfter("", 1)
		second, err7 := tx.MerchantsAfter(first[0].ID, 10)
		wallets, err8 := tx.WalletsAfter("", 10)
		beyond, err9 := tx.WalletsAfter(wallet(1).Phone, 10)
		same(t, "pages", []int{len(first), len(second), len(wallets), len(beyond)}, []int{1, 1, 1, 0})
		refunds, err10 := tx.RefundsBetween("mch_2", gateway.Period{From: epoch, To: epoch.Add(time.Second)}, 10)
		later, err11 := tx.RefundsBetween("mch_2", gateway.Period{From: epoch.Add(time.Second), To: epoch.Add(time.Hour)}, 10)
		same(t, "refunds", []int{len(refunds), len(later)}, []int{1, 0})
		return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11)
	})
}

// report is everything that reports read.
type report struct {
	All, One      []gateway.PaymentCount
	Notifications []gateway.NotificationCount
	Settlements   []gateway.Settlement
	Owed          ledger.Split
	Book          gateway.Book
}

func (b Bundle) report(t testing.TB) (r report) {
	t.Helper()
	b.view(t, func(tx gateway.Tx) error {
		day := gateway.Period{From: epoch.Add(-24 * time.Hour), To: epoch.Add(24 * time.Hour)}
		var err [6]error
		r.All, err[0] = tx.PaymentCounts("", day, time.Hour)
		r.One, err[1] = tx.PaymentCounts("mch_2", day, 24*time.Hour)
		r.Notifications, err[2] = tx.NotificationCounts("mch_1", day, 24*time.Hour)
		r.Settlements, err[3] = tx.Settlements(gateway.SettlementFilter{}, 10)
		r.Owed, err[4] = tx.Receivables("mch_2")
		r.Book, err[5] = tx.Book()
		return errors.Join(err[:]...)
	})
	return r
}

// tallies shows that a report is the same whatever part of it was counted before,
// and that two processes that count the same rows add them once.
func tallies(t *testing.T, b Bundle) {
	b.book(t, 60)
	want := b.report(t)
	payments, amount := int64(0), int64(0)
	for _, c := range want.All {
		payments += c.Payments
		amount += int64(c.Amount)
	}
	same(t, "payments", []int64{payments, amount}, []int64{60, 6000})
	same(t, "of one", []int64{want.One[0].Payments, want.One[0].Waits[1], int64(len(want.One))}, []int64{30, 30, 1}) // ten seconds each, none failed
	same(t, "notifications", []int64{want.Notifications[0].Queued, want.Notifications[0].Acknowledged, want.Notifications[0].Took[1]}, []int64{30, 30, 30})
	same(t, "owed", want.Owed, ledger.Split{Cash: 30*99 - 39, Points: 30 - 1})
	same(t, "book", want.Book, gateway.Book{
		Wallets: ledger.Split{Cash: 1_000_000, Points: 1_000}, Receivables: ledger.Split{Cash: 54*99 - 39, Points: 54 - 1}, TopUps: 1_000_000, PointsCreated: 1_000,
	})
	if len(want.Settlements) != 2 || want.Settlements[1].Payments != 30 || want.Settlements[1].Refunds != 1 || want.Settlements[1].Net() != want.Owed {
		t.Errorf("settlements %+v", want.Settlements)
	}

	for _, name := range []string{gateway.TallyPayments, gateway.TallyNotifications, gateway.TallyTransfers} {
		last := ""
		for rows := 1; rows > 0; {
			var batch gateway.Tallied
			b.view(t, func(tx gateway.Tx) (err error) {
				batch, err = tx.Tally(name, "zzzz", 17)
				return err
			})
			if rows = batch.Rows; rows == 0 {
				break
			}
			b.update(t, func(tx gateway.Tx) error { return hold(tx.AddTally(batch)) })
			b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
				if again, err := tx.AddTally(batch); again || err != nil {
					wrong("the same rows were added twice: %v", err)
				}
				return nil
			})
			last = batch.To
			same(t, "the report after "+name+" up to "+last, b.report(t), want)
		}
		b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
			if again, err := tx.RestartTally(name, "elsewhere"); again || err != nil {
				wrong("counters were emptied that somebody else counts: %v", err)
			}
			return nil
		})
		b.update(t, func(tx gateway.Tx) error { return hold(tx.RestartTally(name, last)) })
		same(t, "the report after "+name+" was begun anew", b.report(t), want)
	}
}
