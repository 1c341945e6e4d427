package ovotest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
	"github.com/gerbang-pay/gerbang/ovo/ovotest"
)

// shop is a merchant's server that hears every notification.
type shop struct {
	payments chan ovo.PaymentNotification
	bindings chan ovo.BindingNotification
	others   chan ovo.JokulNotification
}

func newShop(t *testing.T, sandbox *ovotest.Sandbox) *shop {
	t.Helper()
	s := &shop{make(chan ovo.PaymentNotification, 9), make(chan ovo.BindingNotification, 9), make(chan ovo.JokulNotification, 9)}
	snap := sandbox.SNAPReceiverConfig()
	snap.OnPayment = func(_ context.Context, n ovo.PaymentNotification) error { s.payments <- n; return nil }
	snap.OnBinding = func(_ context.Context, n ovo.BindingNotification) error { s.bindings <- n; return nil }
	jokul := sandbox.JokulReceiverConfig()
	jokul.OnPayment = func(_ context.Context, n ovo.JokulNotification) error { s.others <- n; return nil }
	a, err := ovo.NewSNAPReceiver(snap)
	b, err2 := ovo.NewJokulReceiver(jokul)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	mux := http.NewServeMux()
	mux.Handle("/snap/", a)
	mux.Handle("/jokul/", b)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	sandbox.Notify(ovotest.URLsAt(server.URL))
	return s
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	timeout := time.NewTimer(30 * time.Second)
	defer timeout.Stop()
	select {
	case v := <-from:
		return v
	case <-timeout.C:
		t.Fatal("no notification came")
		panic("unreachable")
	}
}

func TestPayments(t *testing.T) {
	t.Parallel()
	sandbox := ovotest.New(t)
	shop := newShop(t, sandbox)
	phone := sandbox.NewWallet(100_000, 5_000)

	client := sandbox.SNAP()
	binding, err := client.Bind(t.Context(), ovo.BindRequest{Phone: phone.Number, CustomerID: "c", SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/no"})
	if err != nil {
		t.Fatal(err)
	}
	if to := sandbox.Complete(binding.RedirectURL); to != "https://shop.test/ok" {
		t.Errorf("sent to %s", to)
	}
	if n := receive(t, shop.bindings); n.Status != ovo.BindingSuccess {
		t.Errorf("%+v", n)
	}
	token, err := client.CustomerToken(t.Context(), binding.AuthCode)
	if err != nil {
		t.Fatal(err)
	}
	charge := ovo.PayRequest{CustomerToken: token.AccessToken, Reference: "INV-1", Type: ovo.Recurring, Amount: 15_000}
	if _, err := client.Pay(t.Context(), charge); err != nil {
		t.Fatal(err)
	}
	if n := receive(t, shop.payments); n.Reference != "INV-1" {
		t.Errorf("%+v", n)
	}
	if b := phone.Balance(); b != (ovo.Balance{Cash: 85_000, Points: 5_000}) {
		t.Errorf("%+v", b)
	}

	phone.SetStatus(ovotest.Blocked)
	charge.Reference = "INV-2"
	if _, err := client.Pay(t.Context(), charge); !errors.Is(err, ovo.ErrWalletUnavailable) {
		t.Error(err)
	}
	phone.SetStatus(ovotest.Active)
	phone.TopUp(1_000_000, 0)
	charge.Reference, charge.Amount = "INV-3", 1_000_000
	if _, err := client.Pay(t.Context(), charge); err != nil {
		t.Error(err)
	}
	phone.Unlink()
	if _, err := client.Balance(t.Context(), token.AccessToken); !errors.Is(err, ovo.ErrCustomerToken) {
		t.Error(err)
	}

	legacy, err := sandbox.Jokul().Bind(t.Context(), ovo.JokulBindRequest{
		Customer: ovo.JokulCustomer{ID: "c"}, Phone: phone.Number, SuccessURL: "https://shop.test/ok", FailureURL: "https://shop.test/no",
	})
	if err != nil {
		t.Fatal(err)
	}
	if to := sandbox.CompleteAs(legacy.RedirectURL, ovotest.Cancel); to != "https://shop.test/no" {
		t.Errorf("sent to %s", to)
	}
	var list struct{ Payments []struct{ Reference string } }
	sandbox.Call(http.MethodGet, "/payments", nil, &list)
	if len(list.Payments) != 2 { // a wallet that is blocked makes no payment
		t.Errorf("%+v", list)
	}
}

func TestPushes(t *testing.T) {
	t.Parallel()
	sandbox := ovotest.New(t)
	shop := newShop(t, sandbox)
	phone, client := sandbox.Wallet(ovotest.Anton), sandbox.Push()
	for invoice, test := range map[string]struct {
		act  func(invoice string)
		code string
	}{
		"INV-A": {phone.Approve, "00"},
		"INV-D": {phone.Decline, "17"},
		"INV-T": {func(invoice string) { phone.AwaitPrompt(invoice); sandbox.Advance(71 * time.Second) }, "-"},
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			test.act(invoice)
		}()
		r, err := client.Pay(t.Context(), ovo.PushRequest{Phone: phone.Number, Invoice: invoice, Amount: 15_000})
		<-done
		if r.Code != test.code || (err == nil) != (test.code == "00") {
			t.Errorf("%s: %+v, %v", invoice, r, err)
		}
		if n := receive(t, shop.others); n.Invoice != invoice {
			t.Errorf("%+v", n)
		}
	}
	if b := phone.Balance(); b.Cash != 85_000 {
		t.Errorf("%+v", b)
	}
	earliest := time.Now().Add(71 * time.Second)
	if now := sandbox.Now(); now.Before(earliest) || now.After(time.Now().Add(71*time.Second)) {
		t.Errorf("it is %s, about %s is right", now, earliest)
	}
}

// A sandbox that runs elsewhere serves as well, with the time that it has.
func TestConnect(t *testing.T) {
	t.Parallel()
	there := ovotest.New(t)
	there.Advance(time.Hour)
	here := ovotest.Connect(t, there.URL)
	earliest := there.Now()
	if now := here.Now(); now.Before(earliest) || now.After(there.Now()) {
		t.Errorf("it is %s here and %s there", now, earliest)
	}
	if here.Merchant.ID != there.Merchant.ID || !here.Merchant.PrivateKey.Equal(there.Merchant.PrivateKey) {
		t.Errorf("%+v", here.Merchant)
	}
	if b := here.Wallet(ovotest.Citra).Balance(); b != (ovo.Balance{Cash: 1_000_000}) {
		t.Errorf("%+v", b)
	}
}

// What does not work is not passed over.
func TestStartPanics(t *testing.T) {
	t.Parallel()
	sandbox, stop := ovotest.Start()
	defer stop()
	defer func() {
		if recover() == nil {
			t.Error("a page that does not exist was completed")
		}
	}()
	sandbox.Complete("https://shop.test/nothing")
}
