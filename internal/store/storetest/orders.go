package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// bindingOfPhone puts one binding that is active before those that ended, the last
// of these before the others, and shows none that never was active.
func bindingOfPhone(t *testing.T, b Bundle) {
	const phone = "081200000001"
	b.seed(t)
	want := func(id gateway.BindingID, by gateway.EndedBy) {
		t.Helper()
		b.view(t, func(tx gateway.Tx) error {
			got, err := tx.BindingOfPhone("mch_1", phone)
			if id == "" && !errors.Is(err, gateway.ErrNoRow) || id != "" && (err != nil || got.ID != id || got.EndedBy != by) {
				t.Errorf("the phone's binding is %s, ended by %q, %v; want %s, %q", got.ID, got.EndedBy, err, id, by)
			}
			return nil
		})
	}
	activate := func(id gateway.BindingID) {
		t.Helper()
		b.update(t, func(tx gateway.Tx) error { _, err := tx.ActivateBinding(id, epoch); return err })
	}
	end := func(id gateway.BindingID, by gateway.EndedBy) {
		t.Helper()
		b.Clock.Advance(time.Second)
		b.update(t, func(tx gateway.Tx) error {
			_, err := tx.EndBinding(id, gateway.BindingActive, gateway.BindingUnbound, by)
			return err
		})
	}
	want("", "")
	activate("bnd_1")
	want("bnd_1", "")
	end("bnd_1", gateway.EndedByCustomer)
	want("bnd_1", gateway.EndedByCustomer)
	b.update(t, func(tx gateway.Tx) error {
		return errors.Join(tx.InsertPage(page(2)), tx.InsertBinding(binding(2)), tx.InsertPage(page(3)), tx.InsertBinding(binding(3)))
	})
	want("bnd_1", gateway.EndedByCustomer)
	activate("bnd_3") // the newer one first
	want("bnd_3", "")
	end("bnd_3", gateway.EndedByNumber)
	activate("bnd_2")
	want("bnd_2", "")
	end("bnd_2", gateway.EndedByMerchant)
	want("bnd_2", gateway.EndedByMerchant)
}

func oneLivePayment(t *testing.T, b Bundle) {
	b.seed(t)
	b.update(t, func(tx gateway.Tx) error {
		for i, g := range []struct {
			order string
			state gateway.PaymentState
			want  bool
		}{
			{"ORDER-1", gateway.PaymentAwaiting, false},
			{"ORDER-1", gateway.PaymentSucceeded, false},
			{"ORDER-1", gateway.PaymentFailed, true},
			{"ORDER-1", gateway.PaymentExpired, true},
			{"", gateway.PaymentAwaiting, true},
			{"", gateway.PaymentAwaiting, true},
		} {
			p := payment(i + 2)
			p.Order, p.State = g.order, g.state
			inserted, err := tx.InsertPayment(p)
			if err != nil || inserted != g.want {
				t.Errorf("another payment of %q, %s: %v, %v", g.order, g.state, inserted, err)
			}
		}
		p, err := tx.PaymentOfOrder("mch_1", "snap", "ORDER-1")
		if p.ID != "pay_1" {
			t.Errorf("the live payment is %s", p.ID)
		}
		return err
	})
}

func orderHistory(t *testing.T, b Bundle) {
	b.update(t, func(tx gateway.Tx) error {
		for i := range 7 {
			p := payment(i)
			p.CreatedAt, p.State = epoch.Add(time.Duration(i)*time.Hour), gateway.PaymentFailed
			switch i {
			case 3:
				p.MerchantID = "mch_2"
			case 4:
				p.WalletID = "wal_2"
			case 5:
				p.Order = ""
			}
			if _, err := tx.InsertPayment(p); err != nil {
				return err
			}
		}
		return nil
	})
	want := func(from, until time.Duration, skip, limit int, ids ...gateway.PaymentID) {
		t.Helper()
		b.view(t, func(tx gateway.Tx) error {
			found, err := tx.OrderHistory("mch_1", "wal_1", "snap", epoch.Add(from), epoch.Add(until), skip, limit)
			var got []gateway.PaymentID
			for _, p := range found {
				got = append(got, p.ID)
			}
			same(t, fmt.Sprint(from, until, skip, limit), got, ids)
			return err
		})
	}
	want(0, 24*time.Hour, 0, 10, "pay_6", "pay_2", "pay_1", "pay_0")
	want(time.Hour, 6*time.Hour, 0, 10, "pay_2", "pay_1")
	want(0, 24*time.Hour, 0, 3, "pay_6", "pay_2", "pay_1")
	want(0, 24*time.Hour, 3, 3, "pay_0")
	want(0, 24*time.Hour, 6, 3)
}
