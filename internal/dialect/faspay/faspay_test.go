package faspay_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

func TestJourney(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		a := s.call(wirefaspay.ServiceActivation, good(wirefaspay.ServiceActivation))
		page := a.get("redirectURL")
		s.wantMessage(a, wirefaspay.ActivationAnswer{
			Response: "Account Activation", Status: "ALLOWED", Message: "SUCCESS", RedirectURL: page, ResponseCode: "00", ResponseDesc: "Success",
		})
		s.want(s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)), "200 01")
		s.complete(page)
		s.wantMessage(s.call(wirefaspay.ServiceActivation, good(wirefaspay.ServiceActivation)), wirefaspay.ActivationAnswer{
			Response: "Account Activation", Status: "DENIED", Message: "FAILED", ResponseCode: "01", ResponseDesc: "Phone number is already linked",
		})
		balance := wirefaspay.BalanceAnswer{
			Response: "Check Balance", PhoneNo: phone, PaymentChannel: "720", MerchantID: merchantID, ResponseCode: "00", ResponseDesc: "Success",
			Detail: wirefaspay.BalanceDetail{Cash: wirefaspay.Purse{Balance: "150000"}, Points: wirefaspay.Purse{Balance: "2500"}},
		}
		s.wantMessage(s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)), balance)

		a = s.call(wirefaspay.ServicePayment, good(wirefaspay.ServicePayment))
		trx, day := a.get("trx_id"), a.get("payment_day")
		s.wantMessage(a, wirefaspay.PaymentAnswer{
			Response: "Payment", RedirectURL: a.get("redirectURL"), Status: "PENDING", TrxID: trx, BillNo: "250700000017", Amount: "45000", PaymentDay: day,
			ResponseCode: "00", ResponseDesc: "Success",
		})
		if _, ok := wirefaspay.ParseTime(day); !ok || len(trx) != 16 || !strings.HasPrefix(trx, "77001720") || strings.Trim(trx, "0123456789") != "" {
			t.Errorf("trx_id %q at %q", trx, day)
		}
		s.wantBalance(150_000, 2_500)
		unpaid := wirefaspay.InquiryAnswer{
			Response: "Inquiry Payment Status", TrxID: trx, MerchantID: merchantID, Merchant: "Toko Contoh & Co", BillNo: "250700000017",
			PaymentStatusCode: "0", PaymentStatusDesc: "Unprocessed", ResponseCode: "00", ResponseDesc: "Success",
		}
		s.wantMessage(s.inquire(trx, "250700000017"), unpaid)
		if _, err := s.gateway.Page(t.Context(), a.get("redirectURL")[len("https://pages.test/"):]); err != nil {
			t.Fatal(err)
		}
		unpaid.PaymentStatusCode, unpaid.PaymentStatusDesc = "1", "In Process"
		s.wantMessage(s.inquire(trx, "250700000017"), unpaid)
		s.complete(a.get("redirectURL"))
		s.wantBalance(107_500, 0)

		paid := unpaid
		got := s.inquire(trx, "250700000017")
		paid.PaymentStatusCode, paid.PaymentStatusDesc, paid.PaymentTotal = "2", "Payment Success", "45000"
		paid.PaymentReff, paid.PaymentDate = got.get("payment_reff"), got.get("payment_date")
		s.wantMessage(got, paid)
		if len(paid.PaymentReff) != 32 || paid.PaymentDate == "" {
			t.Errorf("payment_reff %q at %q", paid.PaymentReff, paid.PaymentDate)
		}

		s.wantMessage(s.call(wirefaspay.ServiceHistory, good(wirefaspay.ServiceHistory)), wirefaspay.HistoryAnswer{
			Response: "History Transaction", PhoneNo: phone, MerchantID: merchantID, PaymentChannel: "720", Merchant: "Toko Contoh & Co",
			Transactions: wirefaspay.Transactions{{
				PaymentDate: paid.PaymentDate, Status: "SUCCESS", TrxID: trx, TrxAmount: "45000",
				AmountDetail: wirefaspay.AmountDetails{{Type: "Points", Amt: "2500"}, {Type: "Cash", Amt: "42500"}},
			}},
			ResponseCode: "00", ResponseDesc: "Success",
		})
		s.wantMessage(s.call(wirefaspay.ServiceTopUp, good(wirefaspay.ServiceTopUp)), wirefaspay.TopUpAnswer{
			Request: "Top Up Instruction", Response: "Top Up Instruction", MerchantID: merchantID, PhoneNo: phone, PaymentChannel: "720", Merchant: "Toko Contoh & Co",
			Instructions: wirefaspay.Instructions{{Option: "ATM", Icon: "https://pages.test/atm.svg", URL: "https://pages.test/atm"}},
			ResponseCode: "00", ResponseDesc: "Success",
		})
		gone := wirefaspay.UnlinkAnswer{
			Response: "Unlink", MerchantID: merchantID, PhoneNo: phone, PaymentChannel: "720", ResponseCode: "00", ResponseDesc: "Success",
		}
		s.wantMessage(s.call(wirefaspay.ServiceUnlink, good(wirefaspay.ServiceUnlink)), gone)
		gone.ResponseCode, gone.ResponseDesc = "01", "Phone number is not linked"
		s.wantMessage(s.call(wirefaspay.ServiceUnlink, good(wirefaspay.ServiceUnlink)), gone)
		balance.Detail, balance.ResponseCode, balance.ResponseDesc = wirefaspay.BalanceDetail{}, "01", "Phone number is not linked"
		s.wantMessage(s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)), balance)
		s.want(s.call(wirefaspay.ServiceHistory, good(wirefaspay.ServiceHistory)), "200 01")
		s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 01")
		s.want(s.call(wirefaspay.ServiceTopUp, good(wirefaspay.ServiceTopUp)), "200 00")
		s.link() // only a new activation brings it back
		s.auditClean()
	})
}

func TestPayTypes(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.link()
		for _, step := range []struct {
			payType, total string
			state          gateway.PageState
			cash, points   int64
		}{
			{"0", "50000", gateway.PageDone, 100_000, 2_500},
			{"1", "2501", gateway.PageFailed, 100_000, 2_500},
			{"1", "500", gateway.PageDone, 100_000, 2_000},
			{"2", "1500", gateway.PageDone, 100_000, 500},
			{"2", "100501", gateway.PageFailed, 100_000, 500},
			{"0", "100001", gateway.PageFailed, 100_000, 500},
			{"2", "100500", gateway.PageDone, 0, 0},
			{"0", "1", gateway.PageFailed, 0, 0},
		} {
			m := s.bill().with("pay_type", step.payType).with("bill_total", step.total)
			a := s.want(s.call(wirefaspay.ServicePayment, m), "200 00")
			if v := s.complete(a.get("redirectURL")); v.Page.State != step.state {
				t.Errorf("pay_type %s of %s: the page is %s, want %s", step.payType, step.total, v.Page.State, step.state)
			}
			s.wantBalance(step.cash, step.points)
			s.wantStatus(a, map[gateway.PageState]string{gateway.PageDone: "2", gateway.PageFailed: "3"}[step.state])
		}
		s.auditClean()
	})
}

func TestBills(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.newWallet("081200002222", ledger.Split{Cash: 1_000_000})
		s.link()
		bill := s.bill()
		first := s.want(s.call(wirefaspay.ServicePayment, bill), "200 00")
		again := s.call(wirefaspay.ServicePayment, bill)
		if again.raw != first.raw {
			t.Errorf("the same again: %s, first %s", again.raw, first.raw)
		}
		for name, value := range map[string]string{"bill_total": "45001", "pay_type": "0"} {
			if a := s.want(s.call(wirefaspay.ServicePayment, bill.with(name, value)), "200 01"); a.get("response_desc") != "Bill number is already used" || a.get("trx_id") != "" {
				t.Errorf("other %s: %s", name, a.raw)
			}
		}
		s.want(s.call(wirefaspay.ServicePayment, bill.with("phone_no", "081200002222")), "200 01")

		// Cancelled by the customer, then expired, then failed: each may be followed.
		trx := map[string]bool{first.get("trx_id"): true}
		next := func() answer {
			t.Helper()
			a := s.want(s.call(wirefaspay.ServicePayment, bill), "200 00")
			if trx[a.get("trx_id")] {
				t.Errorf("trx_id %s comes twice", a.get("trx_id"))
			}
			trx[a.get("trx_id")] = true
			return a
		}
		if _, err := s.gateway.CancelPage(t.Context(), first.get("redirectURL")[len("https://pages.test/"):]); err != nil {
			t.Fatal(err)
		}
		s.wantStatus(first, "8")
		second := next()
		s.clock.Advance(15 * time.Minute) // nothing has swept yet
		third := next()
		s.wantStatus(second, "7")
		if _, err := s.gateway.SetWalletStatus(t.Context(), phone, gateway.WalletBlockedByIssuer); err != nil {
			t.Fatal(err)
		}
		s.complete(third.get("redirectURL"))
		s.wantStatus(third, "3")
		s.want(s.call(wirefaspay.ServicePayment, bill), "200 01") // blocked: refused at once, and nothing is left
		if _, err := s.gateway.SetWalletStatus(t.Context(), phone, gateway.WalletActive); err != nil {
			t.Fatal(err)
		}
		paid := next()
		s.complete(paid.get("redirectURL"))
		for _, m := range []members{bill, bill.with("bill_total", "1")} {
			if a := s.want(s.call(wirefaspay.ServicePayment, m), "200 01"); a.get("response_desc") != "Bill has already been paid" {
				t.Errorf("paid: %s", a.raw)
			}
		}
		s.wantBalance(107_500, 0)
		s.auditClean()
	})
}

func TestOneBillAtOnce(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.link()
		bill := s.bill()
		answers := make([]answer, 20)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = s.call(wirefaspay.ServicePayment, bill) })
		}
		wg.Wait()
		for _, a := range answers {
			s.want(a, "200 00")
			if a.raw != answers[0].raw {
				t.Errorf("two payments: %s and %s", a.raw, answers[0].raw)
			}
		}
		s.complete(answers[0].get("redirectURL"))
		if all, err := s.gateway.Payments(t.Context(), "", 100); err != nil || len(all) != 1 {
			t.Errorf("%d payments, %v", len(all), err)
		}
		s.wantBalance(107_500, 0)
		s.auditClean()
	})
}

// A link that ends without the merchant is renewed on the page of a 02.
func TestRenewal(t *testing.T) {
	t.Parallel()
	for name, lapse := range map[string]func(s *shop){
		"the consent has run out": func(s *shop) { s.clock.Advance(365 * 24 * time.Hour) },
		"the consent has run out and was swept": func(s *shop) {
			s.clock.Advance(365 * 24 * time.Hour)
			if _, err := s.gateway.ExpireDue(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
		},
		"the customer unlinked": func(s *shop) {
			b, err := s.gateway.BindingByPhone(s.t.Context(), s.merchant.ID, phone)
			if err == nil {
				err = s.gateway.Unlink(s.t.Context(), phone, b.ID)
			}
			if err != nil {
				s.t.Fatal(err)
			}
		},
		"the number changed": func(s *shop) {
			if _, err := s.gateway.ChangeNumber(s.t.Context(), phone, "081200003333"); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBoth(t, func(t *testing.T, f wirefaspay.Format) {
				s := open(t, f, options{})
				s.link()
				earlier := s.pay(s.bill().with("bill_total", "1000"))
				waiting := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 00")
				lapse(s)
				bill := s.bill()
				a := s.want(s.call(wirefaspay.ServicePayment, bill), "200 02")
				s.wantMessage(a, wirefaspay.RenewalAnswer{
					Response: "Payment", ResponseCode: "02", ResponseDesc: "Failed, the customer must renew the payment token", URL: a.get("url"),
				})
				if again := s.call(wirefaspay.ServicePayment, s.bill()); again.get("url") != a.get("url") {
					t.Errorf("a second renewal leads to %s, the first to %s", again.get("url"), a.get("url"))
				}
				s.want(s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)), "200 01")
				s.want(s.call(wirefaspay.ServiceUnlink, good(wirefaspay.ServiceUnlink)), "200 01")
				if got := s.inquire(waiting.get("trx_id"), waiting.get("bill_no")).get("payment_status_code"); got == "2" {
					t.Error("the payment that waited was paid")
				}

				if v := s.complete(a.get("url")); v.Page.State != gateway.PageDone {
					t.Fatalf("the page of the renewal is %s", v.Page.State)
				}
				req, _ := s.sent(s.outgoing(gateway.EventBindingActive))
				if got := req.URL.Query(); got.Get("phone_number") != phone || got.Get("response_code") != "00" {
					t.Errorf("the callback is %s", req.URL)
				}
				paid := s.want(s.call(wirefaspay.ServicePayment, bill), "200 00")
				if v := s.complete(paid.get("redirectURL")); v.Page.State != gateway.PageDone {
					t.Fatalf("the page is %s", v.Page.State)
				}
				s.wantStatus(paid, "2")
				s.wantStatus(earlier, "2")
				s.auditClean()
			})
		})
	}
}

// A renewal that its customer gives up leaves everything as it was.
func TestRenewalGivenUp(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.link()
		s.clock.Advance(366 * 24 * time.Hour)
		a := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 02")
		if _, err := s.gateway.CancelPage(t.Context(), a.get("url")[len("https://pages.test/"):]); err != nil {
			t.Fatal(err)
		}
		req, _ := s.sent(s.outgoing(gateway.EventBindingFailed))
		if got := req.URL.Query().Get("response_code"); got != "01" {
			t.Errorf("the callback is %s", req.URL)
		}
		other := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 02")
		if other.get("url") == a.get("url") {
			t.Error("the page that was given up is offered again")
		}
		s.auditClean()
	})
}

// Who gets a number that another wallet has left inherits nothing with it.
func TestNumberThatChangedHands(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.link()
		if _, err := s.gateway.ChangeNumber(t.Context(), phone, "081200003333"); err != nil {
			t.Fatal(err)
		}
		s.newWallet(phone, ledger.Split{Cash: 77})
		a := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 02")
		if v := s.complete(a.get("url")); v.Phone != "081200003333" {
			t.Errorf("the renewal asks %s", v.Phone)
		}
		if a := s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)); a.get("detail.cash.balance") != "150000" {
			t.Errorf("balance %s", a.raw)
		}
		s.want(s.call(wirefaspay.ServiceActivation, good(wirefaspay.ServiceActivation)), "200 01") // the number is linked
		s.want(s.call(wirefaspay.ServiceUnlink, good(wirefaspay.ServiceUnlink)), "200 00")
		s.link() // now the new owner may link it
		if a := s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)); a.get("detail.cash.balance") != "77" {
			t.Errorf("balance %s", a.raw)
		}
		s.auditClean()
	})
}

func TestActivation(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		first := s.want(s.call(wirefaspay.ServiceActivation, good(wirefaspay.ServiceActivation)), "200 00")
		// In another spelling it is the same phone: the newer page takes the place of the older.
		second := s.want(s.call(wirefaspay.ServiceActivation, good(wirefaspay.ServiceActivation).with("phone_no", "6281200001111")), "200 00")
		if v, err := s.gateway.Page(t.Context(), first.get("redirectURL")[len("https://pages.test/"):]); err != nil || v.Page.State != gateway.PageSuperseded {
			t.Errorf("the first page is %s, %v", v.Page.State, err)
		}
		s.complete(second.get("redirectURL"))
		req, body := s.sent(s.outgoing(gateway.EventBindingActive))
		want := "https://shop.example/linked?v=2&response=Callback+Activation&phone_number=6281200001111&response_code=00&response_desc=Success"
		if req.Method != "GET" || body != "" || req.URL.String() != want {
			t.Errorf("the callback is %s %s, want GET %s", req.Method, req.URL, want)
		}
		for _, phone := range []string{phone, "6281200001111"} {
			s.want(s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance).with("phone_no", phone)), "200 00")
		}
		for _, unknown := range []string{"081299990000", "021555555555", "123456789"} {
			a := s.want(s.call(wirefaspay.ServiceActivation, good(wirefaspay.ServiceActivation).with("phone_no", unknown)), "200 01")
			if a.get("status") != "DENIED" || a.get("response_desc") != "Phone number is not registered" {
				t.Errorf("%s: %s", unknown, a.raw)
			}
			s.want(s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance).with("phone_no", unknown)), "200 01")
			s.want(s.call(wirefaspay.ServicePayment, s.bill().with("phone_no", unknown)), "200 01")
		}
		s.auditClean()
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.link()
		cancel := func(a answer) answer {
			return s.call(wirefaspay.ServiceCancel, good(wirefaspay.ServiceCancel).with("trx_id", a.get("trx_id")).with("bill_no", a.get("bill_no")))
		}
		type state struct{ code, trx, payment, date string }
		check := func(a answer, want state) {
			t.Helper()
			got := state{a.get("response_code"), a.get("trx_status_code") + " " + a.get("trx_status_desc"), a.get("payment_status_code") + " " + a.get("payment_status_desc"), "none"}
			if a.get("payment_cancel_date") != "" {
				got.date = "set"
			}
			if a.status != 200 || got != want || a.get("payment_cancel") != "Out of stock" {
				t.Errorf("%s gives %+v, want %+v", a.raw, got, want)
			}
		}
		waiting := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 00")
		a := cancel(waiting)
		s.wantMessage(a, wirefaspay.CancelAnswer{
			Response: "Cancel Transaction", TrxID: waiting.get("trx_id"), MerchantID: merchantID, Merchant: "Toko Contoh & Co", BillNo: waiting.get("bill_no"),
			TrxStatusCode: "8", TrxStatusDesc: "Cancelled", PaymentStatusCode: "8", PaymentStatusDesc: "Payment Cancelled",
			PaymentCancelDate: a.get("payment_cancel_date"), PaymentCancel: "Out of stock", ResponseCode: "00", ResponseDesc: "Success",
		})
		check(a, state{"00", "8 Cancelled", "8 Payment Cancelled", "set"})
		if v, err := s.gateway.Page(t.Context(), waiting.get("redirectURL")[len("https://pages.test/"):]); err != nil || v.Page.State != gateway.PageCancelled {
			t.Errorf("the page is %s, %v", v.Page.State, err)
		}
		if _, body := s.sent(s.outgoing(gateway.EventPaymentCancelled)); !strings.Contains(body, "Payment Cancelled") {
			t.Errorf("notified %s", body)
		}
		check(cancel(waiting), state{"17", "8 Cancelled", "8 Payment Cancelled", "set"})

		check(cancel(s.pay(s.bill())), state{"81", "2 Payment Success", "2 Payment Success", "none"})
		late := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 00")
		s.clock.Advance(time.Hour)
		check(cancel(late), state{"54", "3 Order Expired", "7 Payment Expired", "none"})
		s.wantStatus(late, "7")

		other := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 00")
		for _, m := range []members{
			good(wirefaspay.ServiceCancel),
			good(wirefaspay.ServiceCancel).with("trx_id", other.get("trx_id")), // of another bill
			good(wirefaspay.ServiceCancel).with("bill_no", other.get("bill_no")),
		} {
			check(s.call(wirefaspay.ServiceCancel, m), state{"14", "5 No bills found", "5 No bills found", "none"})
		}
		s.wantStatus(other, "0")
		s.auditClean()
	})
}

func TestInquiryOfNothing(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.link()
		paid := s.pay(s.bill())
		stranger, err := s.gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Other", Faspay: gateway.Faspay{MerchantID: "1", UserID: userID, Password: password}})
		if err != nil {
			t.Fatal(err)
		}
		pair := good(wirefaspay.ServiceInquiry).with("trx_id", paid.get("trx_id")).with("bill_no", paid.get("bill_no"))
		for _, m := range []members{
			good(wirefaspay.ServiceInquiry), pair.with("bill_no", "other"), pair.with("trx_id", "7700172000000000"), pair.with("merchant_id", stranger.Faspay.MerchantID),
		} {
			a := s.want(s.call(wirefaspay.ServiceInquiry, m), "200 14")
			if a.get("payment_status_code") != "5" || a.get("payment_total") != "" {
				t.Errorf("%v: %s", m, a.raw)
			}
		}
		// A refund by the operator shows as a reversal.
		if _, _, err := s.gateway.RefundPayment(t.Context(), gateway.RefundPayment{
			Merchant: s.merchant.ID, Payment: gateway.PaymentQuery{Dialect: "faspay", Reference: paid.get("trx_id")}, Reference: "R1", Amount: 45_000,
		}); err != nil {
			t.Fatal(err)
		}
		s.wantStatus(paid, "4")
		s.wantBalance(150_000, 2_500)
		s.auditClean()
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{})
		s.link()
		var trx []string // newest first
		for range 5 {
			trx = append([]string{s.pay(s.bill().with("bill_total", "100").with("pay_type", "0")).get("trx_id")}, trx...)
			s.clock.Advance(24 * time.Hour)
		}
		waiting := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 00")
		failed := s.want(s.call(wirefaspay.ServicePayment, s.bill()), "200 00")
		if _, err := s.gateway.CancelPage(t.Context(), failed.get("redirectURL")[len("https://pages.test/"):]); err != nil {
			t.Fatal(err)
		}
		trx = append([]string{failed.get("trx_id"), waiting.get("trx_id")}, trx...)

		day := func(back int) string { return s.clock.Now().In(wire.WIB).AddDate(0, 0, -back).Format("2006-01-02") }
		ask := func(from, to, page, limit string) answer {
			return s.call(wirefaspay.ServiceHistory, good(wirefaspay.ServiceHistory).with("start_date", from).with("end_date", to).with("page", page).with("limit", limit))
		}
		list := func(a answer) (ids []string) {
			t.Helper()
			s.want(a, "200 00")
			for i, m := range a.doc.Get("list_transaction").Members() {
				if m.Name != fmt.Sprint("transaction_", i+1) {
					t.Errorf("member %d is %s", i, m.Name)
				}
				ids = append(ids, m.Value.Get("trx_id").Literal())
			}
			return ids
		}
		for _, q := range []struct {
			from, to, page, limit string
			want                  []string
		}{
			{day(89), day(0), "1", "100", trx},
			{day(5), day(0), "1", "3", trx[:3]},
			{day(5), day(0), "2", "3", trx[3:6]},
			{day(5), day(0), "3", "3", trx[6:]},
			{day(5), day(0), "4", "3", nil},
			{day(5), day(0), "999999999", "100", nil},
			{day(2), day(1), "1", "10", trx[2:4]},
			{day(0), day(0), "1", "10", trx[:2]},
			{day(89), day(30), "1", "10", nil},
		} {
			if got := list(ask(q.from, q.to, q.page, q.limit)); fmt.Sprint(got) != fmt.Sprint(q.want) {
				t.Errorf("%+v: %v", q, got)
			}
		}
		all := ask(day(5), day(0), "1", "100")
		for i, want := range []string{"FAILED ", "PENDING ", "SUCCESS 100"} {
			if got := all.get(fmt.Sprintf("list_transaction.transaction_%d.status", i+1)) + " " + amountOf(all, i+1); got != want {
				t.Errorf("transaction %d is %q, want %q", i+1, got, want)
			}
		}
		for _, q := range []struct{ from, to, page, limit, words string }{
			{day(90), day(0), "1", "10", "start_date"},
			{day(-1), day(-1), "1", "10", "start_date"},
			{day(0), day(-1), "1", "10", "end_date"},
			{day(0), day(1), "1", "10", "start_date"},
			{day(1), day(0), "0", "10", "page"},
			{day(1), day(0), "1", "0", "limit"},
			{day(1), day(0), "1", "101", "limit"},
		} {
			a := s.want(ask(q.from, q.to, q.page, q.limit), "200 01")
			if !strings.Contains(a.get("response_desc"), q.words) || a.get("phone_no") != phone {
				t.Errorf("%+v: %s", q, a.raw)
			}
		}
		s.auditClean()
	})
}

// amountOf is what the first purse paid of a transaction.
func amountOf(a answer, n int) string {
	items := a.doc.Get(fmt.Sprintf("list_transaction.transaction_%d.amount_detail", n)).Items()
	if len(items) == 0 {
		return ""
	}
	return items[0].Get("amt").Literal()
}

// With a scale of 100 every amount is in hundredths.
func TestAmountScale(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		s := open(t, f, options{change: func(m *gateway.Faspay) { m.AmountScale = 100 }})
		s.link()
		s.want(s.call(wirefaspay.ServicePayment, s.bill().with("bill_total", "4500050")), "200 error 30") // half a rupiah
		paid := s.pay(s.bill().with("bill_total", "4500000"))
		if paid.get("amount") != "4500000" {
			t.Errorf("answer %s", paid.raw)
		}
		s.wantBalance(107_500, 0)
		if a := s.wantStatus(paid, "2"); a.get("payment_total") != "4500000" {
			t.Errorf("inquiry %s", a.raw)
		}
		if a := s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)); a.get("detail.cash.balance") != "10750000" || a.get("detail.points.balance") != "0" {
			t.Errorf("balance %s", a.raw)
		}
		if a := s.call(wirefaspay.ServiceHistory, good(wirefaspay.ServiceHistory)); a.get("list_transaction.transaction_1.trx_amount") != "4500000" || amountOf(a, 1) != "250000" {
			t.Errorf("history %s", a.raw)
		}
		_, body := s.sent(s.outgoing(gateway.EventPaymentSucceeded))
		if strings.Count(body, "4500000") != 2 {
			t.Errorf("notified %s", body)
		}
	})
}

// Scenarios and magic numbers of the sandbox decide here as in the other dialects.
func TestForcedOutcomes(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		var mu sync.Mutex
		outcomes := map[gateway.OperationName]gateway.Code{}
		set := func(op gateway.OperationName, c gateway.Code) {
			mu.Lock()
			defer mu.Unlock()
			clear(outcomes)
			outcomes[op] = c
		}
		s := open(t, f, options{force: func(_ context.Context, op gateway.Operation) (gateway.Outcome, bool) {
			mu.Lock()
			defer mu.Unlock()
			c, ok := outcomes[op.Name]
			return gateway.Outcome{Code: c}, ok && (op.Phone == phone || op.Name == gateway.OpStatus)
		}})
		set("", 0)
		s.link()
		waiting := s.want(s.call(wirefaspay.ServicePayment, good(wirefaspay.ServicePayment)), "200 00")
		for _, step := range []struct {
			op      gateway.OperationName
			service wirefaspay.Service
		}{
			{gateway.OpBind, wirefaspay.ServiceActivation},
			{gateway.OpBalance, wirefaspay.ServiceBalance},
			{gateway.OpPayment, wirefaspay.ServicePayment},
			{gateway.OpUnbind, wirefaspay.ServiceUnlink},
			{gateway.OpStatus, wirefaspay.ServiceInquiry},
		} {
			m := good(step.service)
			if step.service == wirefaspay.ServicePayment {
				m = s.bill()
			}
			set(step.op, gateway.WalletBlocked)
			if a := s.want(s.call(step.service, m), "200 01"); a.get("response_desc") != "Wallet is blocked" {
				t.Errorf("%s: %s", step.op, a.raw)
			}
			set(step.op, gateway.Unavailable)
			s.want(s.call(step.service, m), "500 error 96")
		}
		set(gateway.OpPayment, gateway.WalletBlocked)
		if a := s.call(wirefaspay.ServicePayment, good(wirefaspay.ServicePayment)); a.raw != waiting.raw {
			t.Errorf("a payment that was only joined is decided anew: %s", a.raw)
		}
	})
}
