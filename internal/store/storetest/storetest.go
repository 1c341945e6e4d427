package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Twice wraps a store so that every Update runs its function to the end, rolls
// it back, and runs it again. What leaks out of the first run is a defect.
func Twice(s gateway.Store) gateway.Store { return twice{s} }

type twice struct{ gateway.Store }

func (s twice) Update(ctx context.Context, fn func(gateway.Tx) error) error {
	rehearsed := false
	return s.Store.Update(ctx, func(tx gateway.Tx) error {
		if rehearsed {
			return fn(tx)
		}
		rehearsed = true
		fn(tx)
		return gateway.ErrRetry
	})
}

// Run checks an engine. Every open gives a new, empty database; reopen gives the
// same database again after its store was closed.
func Run(t *testing.T, open func(t *testing.T) Bundle) {
	for name, test := range map[string]func(*testing.T, Bundle){
		"reads give back what was written":         roundTrips,
		"a missing row is ErrNoRow":                missing,
		"guards":                                   guards,
		"a failed update leaves nothing":           rollback,
		"a panicking update leaves nothing":        panics,
		"neighbours in one commit do not mix":      neighbours,
		"a retry runs the whole function again":    retries,
		"no update is lost":                        increments,
		"a reader sees one moment":                 snapshot,
		"reads do not write":                       readOnly,
		"a peek sees what was committed":           peeks,
		"two customers cannot both be bound":       oneActiveBinding,
		"a phone's binding":                        bindingOfPhone,
		"an order has one live payment":            oneLivePayment,
		"the history of orders":                    orderHistory,
		"claims are leased and fenced":             leases,
		"pushes close once":                        pushes,
		"terminals count":                          terminals,
		"requests keep their answer":               answers,
		"what was answered survives a restart":     restart,
		"a closed store refuses":                   closed,
		"a subject has one message":                messaged,
		"what is old is pruned":                    pruned,
		"erasing empties it":                       erase,
		"users, sessions and the trail":            office,
		"second factors serve once":                factor,
		"searches go on by key within their reach": searches,
		"rows are tallied once":                    tallies,
		"an update given up before it began":       givenUp,
		"hooks run after the commit and only then": hooks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// seed writes one of everything.
func (b Bundle) seed(t testing.TB) {
	t.Helper()
	b.update(t, func(tx gateway.Tx) error {
		_, err1 := tx.InsertMerchant(merchant(1))
		_, err2 := tx.InsertWallet(wallet(1))
		_, err3 := tx.CreditWallet("wal_1", ledger.Split{Cash: 1000, Points: 500}, money.Max)
		err4 := tx.InsertPage(page(1))
		err5 := tx.InsertBinding(binding(1))
		_, err6 := tx.InsertPayment(payment(1))
		return errors.Join(err1, err2, err3, err4, err5, err6)
	})
}

func roundTrips(t *testing.T, b Bundle) {
	b.seed(t)
	transfer := ledger.Transfer{ID: "trf_1", Kind: ledger.Payment, Subject: "pay_1", Postings: ledger.PaymentPostings("wal_1", "mch_1", ledger.Split{Cash: 60, Points: 40})}
	back := ledger.Transfer{ID: "trf_2", Kind: ledger.Refund, Subject: "rfd_1", Reverses: "trf_1", Postings: ledger.RefundPostings("wal_1", "mch_1", ledger.Split{Points: 40})}
	refund := gateway.Refund{
		ID: "rfd_1", MerchantID: "mch_1", PaymentID: "pay_1", Dialect: "snap", Reference: "RF-1", RequestID: "q", Amount: 40,
		Split: ledger.Split{Points: 40}, Reason: "why", TransferID: "trf_2", CreatedAt: epoch,
	}
	event := gateway.Event{ID: "evt_1", MerchantID: "mch_1", Subject: "pay_1", Kind: gateway.EventPaymentFailed, Reason: gateway.InsufficientFunds, At: epoch}
	note := gateway.Notification{
		ID: "ntf_1", EventID: "evt_1", MerchantID: "mch_1", Subject: "pay_1", Kind: event.Kind, Dialect: "snap",
		State: gateway.NotificationQueued, NextAt: epoch, CreatedAt: epoch,
	}
	attempt := gateway.Attempt{NotificationID: "ntf_1", Number: 1, URL: "https://n.test", At: epoch, Took: 1500 * time.Microsecond, Status: 500, Answer: "no", Error: "HTTP 500"}
	finished := payment(1)
	finished.State, finished.Reason, finished.FinalAt, finished.TransferID = gateway.PaymentSucceeded, gateway.Internal, epoch, "trf_1"
	b.update(t, func(tx gateway.Tx) error {
		_, err1 := tx.FinishPayment(finished, gateway.PaymentAwaiting)
		_, err2 := tx.InsertRefund(refund)
		_, err3 := tx.SetRefunded("pay_1", ledger.Split{}, refund.Split)
		return errors.Join(err1, err2, err3, tx.InsertTransfer(transfer), tx.InsertTransfer(back),
			tx.InsertEvent(event), tx.InsertNotification(note), tx.InsertAttempt(attempt), tx.SetSetting("name", "value"), tx.SetSetting("name", "newer"))
	})
	finished.Refunded = refund.Split
	wantWallet := wallet(1)
	wantWallet.Balance = ledger.Split{Cash: 1000, Points: 500}

	b.view(t, func(tx gateway.Tx) error {
		read := func(what string, want any, get func() (any, error)) {
			t.Helper()
			got, err := get()
			if err != nil {
				t.Errorf("%s: %v", what, err)
				return
			}
			same(t, what, got, want)
		}
		read("merchant", merchant(1), func() (any, error) { return tx.Merchant("mch_1") })
		read("merchant by client", merchant(1), func() (any, error) { return tx.MerchantByDOKUClient("BRN-1") })
		read("merchant by Faspay id", merchant(1), func() (any, error) { return tx.MerchantByFaspayID("1") })
		read("merchants", []gateway.Merchant{merchant(1)}, func() (any, error) { return tx.Merchants() })
		read("wallet", wantWallet, func() (any, error) { return tx.Wallet("wal_1") })
		read("wallet by phone", wantWallet, func() (any, error) { return tx.WalletByPhone("081200000001") })
		read("wallets", []gateway.Wallet{wantWallet}, func() (any, error) { return tx.Wallets() })
		read("page", page(1), func() (any, error) { return tx.Page("pag_1") })
		read("page by key", page(1), func() (any, error) { return tx.PageByKey(page(1).Key) })
		read("binding", binding(1), func() (any, error) { return tx.Binding("bnd_1") })
		read("payer's binding", binding(1), func() (any, error) { b, _, err := tx.Payer("bnd_1"); return b, err })
		read("payer's wallet", wantWallet, func() (any, error) { _, w, err := tx.Payer("bnd_1"); return w, err })
		read("binding by code", binding(1), func() (any, error) { return tx.BindingByAuthCode(page(1).Key) })
		read("awaiting bindings", []gateway.Binding{binding(1)}, func() (any, error) { return tx.AwaitingBindings("mch_1", "wal_1", "c1") })
		read("wallet's bindings", []gateway.Binding{binding(1)}, func() (any, error) { return tx.WalletBindings("wal_1") })
		read("payment", finished, func() (any, error) { return tx.Payment("pay_1") })
		read("payment by reference", finished, func() (any, error) { return tx.PaymentByReference("mch_1", "snap", "INV-1") })
		read("payment by request id", finished, func() (any, error) { return tx.PaymentByRequestID("mch_1", "snap", "req-1") })
		read("payment of order", finished, func() (any, error) { return tx.PaymentOfOrder("mch_1", "snap", "ORDER-1") })
		read("payments", []gateway.Payment{finished}, func() (any, error) { return tx.Payments("", 10) })
		read("wallet's payments", []gateway.Payment{finished}, func() (any, error) { return tx.WalletPayments("wal_1", time.Time{}, "", 10) })
		read("wallet's payments before it", []gateway.Payment(nil), func() (any, error) { return tx.WalletPayments("wal_1", finished.FinalAt, "pay_1", 10) })
		read("refund", refund, func() (any, error) { return tx.RefundByReference("mch_1", "snap", "RF-1") })
		read("refunds", []gateway.Refund{refund}, func() (any, error) { return tx.Refunds("pay_1") })
		read("transfers", []ledger.Transfer{transfer, back}, func() (any, error) { return tx.TransfersOf("pay_1") })
		read("event", event, func() (any, error) { return tx.Event("evt_1") })
		read("events", []gateway.Event{event}, func() (any, error) { return tx.Events("pay_1") })
		read("notification", note, func() (any, error) { return tx.Notification("ntf_1") })
		read("notifications", []gateway.Notification{note}, func() (any, error) { return tx.Notifications("", "", 10) })
		read("notifications of a subject", []gateway.Notification{note}, func() (any, error) { return tx.Notifications("pay_1", "", 10) })
		read("next notification", epoch, func() (any, error) { return tx.NextNotification(time.Time{}, nil) })
		read("attempts", []gateway.Attempt{attempt}, func() (any, error) { return tx.Attempts("ntf_1") })
		read("setting", "newer", func() (any, error) { return tx.Setting("name") })
		count, sum, err := tx.WalletSpent("wal_1", epoch)
		if err != nil || count != 1 || sum != 100 {
			t.Errorf("spent %d payments, %d rupiah, %v", count, sum, err)
		}
		return nil
	})
}

func missing(t *testing.T, b Bundle) {
	b.view(t, func(tx gateway.Tx) error {
		for what, get := range map[string]func() error{
			"merchant":     func() error { _, err := tx.Merchant("x"); return err },
			"client":       func() error { _, err := tx.MerchantByDOKUClient("x"); return err },
			"wallet":       func() error { _, err := tx.Wallet("x"); return err },
			"phone":        func() error { _, err := tx.WalletByPhone("x"); return err },
			"binding":      func() error { _, err := tx.Binding("x"); return err },
			"payer":        func() error { _, _, err := tx.Payer("x"); return err },
			"auth code":    func() error { _, err := tx.BindingByAuthCode("x"); return err },
			"active":       func() error { _, err := tx.ActiveBinding("x", "x"); return err },
			"page":         func() error { _, err := tx.Page("x"); return err },
			"page key":     func() error { _, err := tx.PageByKey("x"); return err },
			"Faspay id":    func() error { _, err := tx.MerchantByFaspayID(""); return err },
			"phone link":   func() error { _, err := tx.BindingOfPhone("x", "x"); return err },
			"order":        func() error { _, err := tx.PaymentOfOrder("mch_1", "snap", ""); return err },
			"payment":      func() error { _, err := tx.Payment("x"); return err },
			"reference":    func() error { _, err := tx.PaymentByReference("x", "x", "x"); return err },
			"request id":   func() error { _, err := tx.PaymentByRequestID("x", "x", "x"); return err },
			"refund":       func() error { _, err := tx.RefundByReference("x", "x", "x"); return err },
			"event":        func() error { _, err := tx.Event("x"); return err },
			"notification": func() error { _, err := tx.Notification("x"); return err },
			"next":         func() error { _, err := tx.NextNotification(time.Time{}, nil); return err },
			"setting":      func() error { _, err := tx.Setting("x"); return err },
		} {
			if err := get(); !errors.Is(err, gateway.ErrNoRow) {
				t.Errorf("%s: %v", what, err)
			}
		}
		return nil
	})
}

// guards tries every guarded write where its guard must hold and where it must not.
func guards(t *testing.T, b Bundle) {
	b.seed(t)
	changed := page(1)
	changed.State, changed.OTP, changed.OTPFails = gateway.PagePIN, "", 2
	done := payment(1)
	done.State, done.FinalAt, done.TransferID = gateway.PaymentSucceeded, epoch, "trf_1"
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		for _, g := range []struct {
			what  string
			want  bool
			write func() (bool, error)
		}{
			{"first claim", true, func() (bool, error) { return tx.InsertClaim(gateway.Claim{Merchant: "m", Scope: "s", Key: "k"}) }},
			{"same claim", false, func() (bool, error) { return tx.InsertClaim(gateway.Claim{Merchant: "m", Scope: "s", Key: "k"}) }},
			{"other scope", true, func() (bool, error) { return tx.InsertClaim(gateway.Claim{Merchant: "m", Scope: "s2", Key: "k"}) }},
			{"same client id", false, func() (bool, error) {
				m := merchant(1)
				m.ID, m.Faspay.MerchantID = "mch_9", ""
				return tx.InsertMerchant(m)
			}},
			{"same Faspay id", false, func() (bool, error) {
				m := merchant(1)
				m.ID, m.DOKU.ClientID = "mch_9", ""
				return tx.InsertMerchant(m)
			}},
			{"merchant without client id", true, func() (bool, error) { return tx.InsertMerchant(gateway.Merchant{ID: "mch_7"}) }},
			{"another without client id", true, func() (bool, error) { return tx.InsertMerchant(gateway.Merchant{ID: "mch_8"}) }},
			{"update of no merchant", false, func() (bool, error) { return tx.UpdateMerchant(gateway.Merchant{ID: "mch_none"}) }},
			{"same phone", false, func() (bool, error) { w := wallet(1); w.ID = "wal_9"; return tx.InsertWallet(w) }},
			{"number of another wallet", false, func() (bool, error) { return tx.SetWalletPhone("wal_1", "081200000001", "081200000001") }},
			{"number from an old read", false, func() (bool, error) { return tx.SetWalletPhone("wal_1", "081200000009", "081200000002") }},
			{"number", true, func() (bool, error) { return tx.SetWalletPhone("wal_1", "081200000001", "081200000002") }},
			{"debit too much cash", false, func() (bool, error) { return tx.DebitWallet("wal_1", ledger.Split{Cash: 1001}) }},
			{"debit too many points", false, func() (bool, error) { return tx.DebitWallet("wal_1", ledger.Split{Cash: 1, Points: 501}) }},
			{"debit everything", true, func() (bool, error) { return tx.DebitWallet("wal_1", ledger.Split{Cash: 1000, Points: 500}) }},
			{"debit one more", false, func() (bool, error) { return tx.DebitWallet("wal_1", ledger.Split{Cash: 1}) }},
			{"credit beyond holding", false, func() (bool, error) { return tx.CreditWallet("wal_1", ledger.Split{Cash: 60, Points: 41}, 100) }},
			{"credit up to holding", true, func() (bool, error) { return tx.CreditWallet("wal_1", ledger.Split{Cash: 60, Points: 40}, 100) }},
			{"a code", true, func() (bool, error) { return tx.CountAsk("wal_1", gateway.AskCode, 30*time.Minute, 30*time.Minute) }},
			{"a second one", true, func() (bool, error) { return tx.CountAsk("wal_1", gateway.AskCode, 30*time.Minute, 30*time.Minute) }},
			{"a third one", false, func() (bool, error) { return tx.CountAsk("wal_1", gateway.AskCode, 30*time.Minute, 30*time.Minute) }},
			{"a prompt", true, func() (bool, error) { return tx.CountAsk("wal_1", gateway.AskPrompt, time.Hour, 0) }},
			{"another's code", true, func() (bool, error) { return tx.CountAsk("wal_9", gateway.AskCode, time.Hour, 0) }},
			{"activate", true, func() (bool, error) { return tx.ActivateBinding("bnd_1", epoch) }},
			{"activate again", false, func() (bool, error) { return tx.ActivateBinding("bnd_1", epoch) }},
			{"end from another state", false, func() (bool, error) {
				return tx.EndBinding("bnd_1", gateway.BindingAwaiting, gateway.BindingFailed, "")
			}},
			{"end", true, func() (bool, error) {
				return tx.EndBinding("bnd_1", gateway.BindingActive, gateway.BindingUnbound, gateway.EndedByMerchant)
			}},
			{"page step", true, func() (bool, error) { return tx.UpdatePage(changed, page(1)) }},
			{"page step from an old read", false, func() (bool, error) { return tx.UpdatePage(changed, page(1)) }},
			{"end page", true, func() (bool, error) { return tx.EndPage("pag_1", gateway.PageCancelled) }},
			{"end page again", false, func() (bool, error) { return tx.EndPage("pag_1", gateway.PageExpired) }},
			{"same reference", false, func() (bool, error) { p := payment(1); p.ID = "pay_9"; return tx.InsertPayment(p) }},
			{"same reference, other dialect", true, func() (bool, error) {
				p := payment(1)
				p.ID, p.Dialect = "pay_9", "other"
				return tx.InsertPayment(p)
			}},
			{"refund of an unpaid payment", false, func() (bool, error) { return tx.SetRefunded("pay_1", ledger.Split{}, ledger.Split{Cash: 1}) }},
			{"finish", true, func() (bool, error) { return tx.FinishPayment(done, gateway.PaymentAwaiting) }},
			{"finish again", false, func() (bool, error) { return tx.FinishPayment(done, gateway.PaymentAwaiting) }},
			{"refund", true, func() (bool, error) { return tx.SetRefunded("pay_1", ledger.Split{}, ledger.Split{Points: 40}) }},
			{"refund from an old read", false, func() (bool, error) { return tx.SetRefunded("pay_1", ledger.Split{}, ledger.Split{Points: 40}) }},
			{"refund row", true, func() (bool, error) {
				return tx.InsertRefund(gateway.Refund{ID: "rfd_1", MerchantID: "mch_1", PaymentID: "pay_1", Dialect: "snap", Reference: "R", Amount: 1, Split: ledger.Split{Cash: 1}})
			}},
			{"same refund reference", false, func() (bool, error) {
				return tx.InsertRefund(gateway.Refund{ID: "rfd_2", MerchantID: "mch_1", PaymentID: "pay_1", Dialect: "snap", Reference: "R", Amount: 1, Split: ledger.Split{Cash: 1}})
			}},
		} {
			got, err := g.write()
			if err != nil || got != g.want {
				wrong("%s: %v, %v; want %v", g.what, got, err, g.want)
			}
		}
		return nil
	})
}

var errOops = errors.New("oops")

func rollback(t *testing.T, b Bundle) {
	err := b.Store.Update(context.Background(), func(tx gateway.Tx) error {
		tx.InsertMerchant(merchant(1))
		return errOops
	})
	if !errors.Is(err, errOops) {
		t.Fatalf("Update returned %v", err)
	}
	b.noMerchant(t)
}

func (b Bundle) noMerchant(t testing.TB) {
	t.Helper()
	b.view(t, func(tx gateway.Tx) error {
		if _, err := tx.Merchant("mch_1"); !errors.Is(err, gateway.ErrNoRow) {
			t.Errorf("the merchant is there: %v", err)
		}
		return nil
	})
}

func panics(t *testing.T, b Bundle) {
	func() {
		defer func() {
			if p := recover(); p != "boom" {
				t.Errorf("the caller recovered %v", p)
			}
		}()
		b.Store.Update(context.Background(), func(tx gateway.Tx) error {
			tx.InsertMerchant(merchant(1))
			panic("boom")
		})
	}()
	b.noMerchant(t)
	b.seed(t) // and the store works on
}

// neighbours runs many updates at once, half of which fail after they wrote.
func neighbours(t *testing.T, b Bundle) {
	const n = 200
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			err := b.Store.Update(context.Background(), func(tx gateway.Tx) error {
				if _, err := tx.InsertMerchant(merchant(i)); err != nil {
					return err
				}
				if i%2 == 1 {
					return errOops
				}
				return nil
			})
			if (err != nil) != (i%2 == 1) {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	b.view(t, func(tx gateway.Tx) error {
		all, err := tx.Merchants()
		if len(all) != n/2 {
			t.Errorf("%d merchants, want %d", len(all), n/2)
		}
		return err
	})
}

func retries(t *testing.T, b Bundle) {
	runs := 0
	b.update(t, func(tx gateway.Tx) error {
		runs++
		inserted, err := tx.InsertMerchant(merchant(1))
		if err != nil || !inserted {
			t.Errorf("run %d: %v, %v", runs, inserted, err)
		}
		if runs < 3 {
			return gateway.ErrRetry
		}
		return nil
	})
	if runs != 3 {
		t.Errorf("%d runs, want 3", runs)
	}
	runs = 0
	err := b.Store.Update(context.Background(), func(gateway.Tx) error { runs++; return gateway.ErrRetry })
	if !errors.Is(err, gateway.Unavailable) || runs < 2 || runs > 100 {
		t.Errorf("after %d runs: %v", runs, err)
	}
}

func increments(t *testing.T, b Bundle) {
	b.seed(t)
	const n = 100
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			b.update(t, func(tx gateway.Tx) error {
				_, err := tx.CreditWallet("wal_1", ledger.Split{Cash: 1}, money.Max)
				return err
			})
		})
	}
	wg.Wait()
	b.view(t, func(tx gateway.Tx) error {
		w, err := tx.Wallet("wal_1")
		if w.Balance.Cash != 1000+n {
			t.Errorf("the wallet holds %d, want %d", w.Balance.Cash, 1000+n)
		}
		return err
	})
}

func snapshot(t *testing.T, b Bundle) {
	b.seed(t)
	b.view(t, func(tx gateway.Tx) error {
		before, err := tx.Wallet("wal_1")
		if err != nil {
			return err
		}
		b.update(t, func(tx gateway.Tx) error {
			_, err := tx.DebitWallet("wal_1", ledger.Split{Cash: 5})
			return err
		})
		after, err := tx.Wallet("wal_1")
		if after.Balance != before.Balance {
			t.Errorf("one view saw %+v and %+v", before.Balance, after.Balance)
		}
		return err
	})
}

func readOnly(t *testing.T, b Bundle) {
	for name, look := range map[string]func(context.Context, func(gateway.Tx) error) error{"view": b.Store.View, "peek": b.Store.Peek} {
		for what, write := range map[string]func(gateway.Tx) error{
			"insert":  func(tx gateway.Tx) error { _, err := tx.InsertMerchant(merchant(1)); return err },
			"ask for": func(tx gateway.Tx) error { _, err := tx.NextTerminalNumbers("mch_1", "day"); return err },
		} {
			if err := look(context.Background(), write); err == nil {
				t.Errorf("a %s could %s something", name, what)
			}
		}
	}
	b.noMerchant(t)
}

// A peek sees what was committed before it began, as a view does.
func peeks(t *testing.T, b Bundle) {
	b.seed(t)
	b.update(t, func(tx gateway.Tx) error {
		_, err := tx.DebitWallet("wal_1", ledger.Split{Cash: 5})
		return err
	})
	var seen, peeked gateway.Wallet
	var missing error
	b.view(t, func(tx gateway.Tx) (err error) { seen, err = tx.Wallet("wal_1"); return err })
	if err := b.Store.Peek(t.Context(), func(tx gateway.Tx) (err error) {
		_, missing = tx.Wallet("x")
		peeked, err = tx.Wallet("wal_1")
		return err
	}); err != nil || !errors.Is(missing, gateway.ErrNoRow) {
		t.Fatal(err, missing)
	}
	same(t, "a wallet that was peeked at", peeked, seen)
}

func oneActiveBinding(t *testing.T, b Bundle) {
	b.seed(t)
	b.update(t, func(tx gateway.Tx) error {
		return errors.Join(tx.InsertPage(page(2)), tx.InsertBinding(binding(2)))
	})
	activate := func(id gateway.BindingID) error {
		return b.Store.Update(context.Background(), func(tx gateway.Tx) error {
			_, err := tx.ActivateBinding(id, epoch)
			return err
		})
	}
	if err := activate("bnd_1"); err != nil {
		t.Fatal(err)
	}
	if err := activate("bnd_2"); err == nil {
		t.Error("two bindings of one wallet are active")
	}
	b.view(t, func(tx gateway.Tx) error {
		active, err := tx.ActiveBinding("mch_1", "wal_1")
		if active.ID != "bnd_1" {
			t.Errorf("active is %q", active.ID)
		}
		return err
	})
}

func pushes(t *testing.T, b Bundle) {
	b.seed(t)
	open := gateway.Push{
		PaymentID: "pay_1", MerchantID: "mch_1", WalletID: "wal_1", Proof: "p", Numbers: gateway.TerminalNumbers{Batch: 1, Reference: 2, Trace: 3},
		Deadline: b.Clock.Now().UTC().Truncate(time.Microsecond).Add(time.Minute), Open: true,
	}
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		if ok, err := tx.InsertPush(open); !ok || err != nil {
			wrong("insert: %v, %v", ok, err)
		}
		second := payment(2)
		if _, err := tx.InsertPayment(second); err != nil {
			return err
		}
		reused := open
		reused.PaymentID = second.ID
		if ok, err := tx.InsertPush(reused); ok || err != nil {
			wrong("a used proof: %v, %v", ok, err)
		}
		return nil
	})
	closed := open
	closed.Open, closed.Approval, closed.Left, closed.FinalAt = false, "123456", ledger.Split{Cash: 5, Points: 6}, b.Clock.Now().UTC().Truncate(time.Microsecond)
	b.view(t, func(tx gateway.Tx) error {
		got, err := tx.Push("pay_1")
		same(t, "open push", got, open)
		list, err2 := tx.WalletPushes("wal_1")
		same(t, "wallet's pushes", list, []gateway.Push{open})
		due, err3 := tx.DuePushes(10)
		if len(due) != 0 {
			t.Errorf("%d are due before their time", len(due))
		}
		return errors.Join(err, err2, err3)
	})
	b.Clock.Advance(2 * time.Minute)
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		due, err := tx.DuePushes(10)
		same(t, "due pushes", due, []gateway.Push{open})
		anything, err2 := tx.AnythingDue()
		if !anything {
			t.Error("nothing is due")
		}
		first, err3 := tx.FinishPush(closed)
		again, err4 := tx.FinishPush(closed)
		if !first || again {
			wrong("closing gives %v, again %v", first, again)
		}
		return errors.Join(err, err2, err3, err4)
	})
	b.view(t, func(tx gateway.Tx) error {
		got, err := tx.Push("pay_1")
		same(t, "closed push", got, closed)
		final, err2 := tx.PushesFinal(closed.FinalAt)
		same(t, "final since", final, []gateway.PaymentID{"pay_1"})
		later, err3 := tx.PushesFinal(closed.FinalAt.Add(time.Microsecond))
		if len(later) != 0 {
			t.Errorf("final later: %v", later)
		}
		return errors.Join(err, err2, err3)
	})
}

func terminals(t *testing.T, b Bundle) {
	next := func(m gateway.MerchantID, day string) (n gateway.TerminalNumbers) {
		t.Helper()
		b.update(t, func(tx gateway.Tx) (err error) {
			n, err = tx.NextTerminalNumbers(m, day)
			return err
		})
		return n
	}
	same(t, "first", next("a", "1"), gateway.TerminalNumbers{Batch: 1, Reference: 1, Trace: 1})
	same(t, "second", next("a", "1"), gateway.TerminalNumbers{Batch: 1, Reference: 2, Trace: 2})
	same(t, "another merchant", next("b", "1"), gateway.TerminalNumbers{Batch: 1, Reference: 1, Trace: 1})
	same(t, "another day", next("a", "2"), gateway.TerminalNumbers{Batch: 2, Reference: 1, Trace: 3})
}

func answers(t *testing.T, b Bundle) {
	c := gateway.Claim{Merchant: "m", Scope: "s", Key: "k", Fingerprint: "f"}
	read := func() (fingerprint, answer string, err error) {
		err = b.Store.View(context.Background(), func(tx gateway.Tx) (err error) {
			fingerprint, answer, err = tx.Claim(c)
			return err
		})
		return fingerprint, answer, err
	}
	if _, _, err := read(); !errors.Is(err, gateway.ErrNoRow) {
		t.Errorf("before the claim: %v", err)
	}
	b.update(t, func(tx gateway.Tx) error { _, err := tx.InsertClaim(c); return err })
	if fingerprint, answer, err := read(); fingerprint != "f" || answer != "" || err != nil {
		t.Errorf("claimed: %q, %q, %v", fingerprint, answer, err)
	}
	b.update(t, func(tx gateway.Tx) error { return tx.SetClaimAnswer(c, "{}") })
	if _, answer, err := read(); answer != "{}" || err != nil {
		t.Errorf("answered: %q, %v", answer, err)
	}
}

func restart(t *testing.T, b Bundle) {
	b.seed(t)
	if err := b.Store.Close(); err != nil {
		t.Fatal(err)
	}
	again := b.Reopen()
	if err := again.View(context.Background(), func(tx gateway.Tx) error {
		w, err := tx.Wallet("wal_1")
		same(t, "wallet", w.Balance, ledger.Split{Cash: 1000, Points: 500})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func closed(t *testing.T, b Bundle) {
	if err := b.Store.Close(); err != nil {
		t.Fatal(err)
	}
	nothing := func(gateway.Tx) error { return nil }
	if err := b.Store.Update(context.Background(), nothing); !errors.Is(err, gateway.Unavailable) {
		t.Errorf("Update on a closed store: %v", err)
	}
	if err := b.Store.View(context.Background(), nothing); !errors.Is(err, gateway.Unavailable) {
		t.Errorf("View on a closed store: %v", err)
	}
}

func erase(t *testing.T, b Bundle) {
	b.seed(t)
	b.update(t, func(tx gateway.Tx) error { return tx.SetSetting("kept", "yes") })
	b.update(t, func(tx gateway.Tx) error { return tx.Erase() })
	b.noMerchant(t)
	b.view(t, func(tx gateway.Tx) error {
		kept, err := tx.Setting("kept")
		if kept != "yes" {
			t.Errorf("the setting is %q", kept)
		}
		return err
	})
	b.seed(t)
}

func givenUp(t *testing.T, b Bundle) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := b.Store.Update(ctx, func(tx gateway.Tx) error {
		tx.InsertMerchant(merchant(1))
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update returned %v", err)
	}
	b.noMerchant(t)
}

func hooks(t *testing.T, b Bundle) {
	var ran []string
	b.update(t, func(tx gateway.Tx) error {
		tx.OnCommit(func() { ran = append(ran, "committed") })
		return nil
	})
	b.Store.Update(context.Background(), func(tx gateway.Tx) error {
		tx.OnCommit(func() { ran = append(ran, "rolled back") })
		return errOops
	})
	same(t, "hooks", ran, []string{"committed"})
}
