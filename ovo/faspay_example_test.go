package ovo_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
	"github.com/gerbang-pay/gerbang/ovo/ovotest"
)

// The first example of the file hears of no payment but its own.

func ExampleNewFaspayReceiver() {
	paid := make(chan ovo.FaspayNotification, 1)
	linked := make(chan ovo.FaspayLink, 1)
	merchant := sandbox().Merchant
	client := sandbox().Faspay(ovo.FaspayXML)
	receiver, err := ovo.NewFaspayReceiver(ovo.FaspayReceiverConfig{
		MerchantID: merchant.FaspayID, UserID: merchant.FaspayUserID, Password: merchant.FaspayPassword,
		// The paths of the two URLs in the merchant's settings.
		NotificationPath: "/faspay/payment", ActivationPath: "/faspay/activation",
		OnPayment:    func(_ context.Context, n ovo.FaspayNotification) error { paid <- n; return nil },
		OnActivation: func(_ context.Context, l ovo.FaspayLink) error { linked <- l; return nil },
		Client:       client, // to be sure of what no signature covers
	})
	if err != nil {
		panic(err)
	}
	stop := serve(receiver)
	defer stop()

	phone := linkFaspay(client, 100_000, 0)
	link := <-linked
	fmt.Println(link.Phone == phone.Number, link.Active)
	payment, err := client.Pay(context.Background(), ovo.FaspayPayRequest{
		Phone: phone.Number, BillNo: "1001", Description: "Two notebooks", Amount: 45_000, CustomerName: "Rara Contoh", Email: "rara@shop.example",
	})
	if err != nil {
		panic(err)
	}
	sandbox().Complete(payment.RedirectURL)
	n := <-paid
	fmt.Println(n.BillNo, n.State, n.Amount)
	// Output:
	// true true
	// 1001 success 45000
}

// linkFaspay opens a wallet and links it.
func linkFaspay(client *ovo.FaspayClient, cash, points int64) *ovotest.Wallet {
	phone := sandbox().NewWallet(cash, points)
	activation, err := client.Activate(context.Background(), ovo.FaspayActivateRequest{Phone: phone.Number, CustomerName: "Rara Contoh"})
	if err != nil {
		panic(err)
	}
	sandbox().Complete(activation.RedirectURL)
	return phone
}

// payFaspay asks for a payment of Rp45.000.
func payFaspay(client *ovo.FaspayClient, phone *ovotest.Wallet, billNo string) ovo.FaspayPayment {
	payment, err := client.Pay(context.Background(), ovo.FaspayPayRequest{
		Phone: phone.Number, BillNo: billNo, Description: "Two notebooks", Amount: 45_000, CustomerName: "Rara Contoh", Email: "rara@shop.example",
	})
	if err != nil {
		panic(err)
	}
	return payment
}

func ExampleFaspay() {
	merchant := sandbox().Merchant
	client, err := ovo.Faspay(ovo.FaspayConfig{
		BaseURL:    sandbox().URL, // or ovo.FaspaySandbox, ovo.FaspayProduction
		MerchantID: merchant.FaspayID, MerchantName: "Toko Contoh", UserID: merchant.FaspayUserID, Password: merchant.FaspayPassword,
		Format: ovo.FaspayXML, // or FaspayJSON
		// Faspay tells its merchants the numbers that its guide leaves out:
		Paths: ovo.FaspayPaths{Pay: "100038"},
	})
	if err != nil {
		panic(err)
	}
	ways, err := client.TopUp(context.Background(), "081200001111")
	fmt.Println(len(ways), err)
	// Output: 5 <nil>
}

func ExampleFaspayClient_Activate() {
	client := sandbox().Faspay(ovo.FaspayJSON)
	phone := sandbox().NewWallet(100_000, 0)
	activation, err := client.Activate(context.Background(), ovo.FaspayActivateRequest{Phone: phone.Number, CustomerName: "Rara Contoh"})
	if err != nil {
		panic(err)
	}
	sandbox().Complete(activation.RedirectURL) // the browser of the customer
	_, err = client.Balance(context.Background(), phone.Number)
	fmt.Println("linked:", err == nil)
	// Output: linked: true
}

// A payment, and what to do when the link has ended.
func ExampleFaspayClient_Pay() {
	ctx, client := context.Background(), sandbox().Faspay(ovo.FaspayJSON)
	phone := linkFaspay(client, 40_000, 10_000)
	pay := func(billNo string) {
		payment, err := client.Pay(ctx, ovo.FaspayPayRequest{
			Phone: phone.Number, BillNo: billNo, Description: "Two notebooks", Amount: 45_000,
			CustomerName: "Rara Contoh", Email: "rara@shop.example", Purses: ovo.FaspayPointsFirst,
		})
		var refusal *ovo.Error
		switch {
		case err == nil:
			sandbox().Complete(payment.RedirectURL) // the browser of the customer
			status, err := client.Inquire(ctx, ovo.FaspayBill{TrxID: payment.TrxID, BillNo: billNo})
			fmt.Println(status.State, err)
		case errors.Is(err, ovo.ErrRenewLink) && errors.As(err, &refusal):
			sandbox().Complete(refusal.RenewURL) // the browser of the customer; then pay again
			fmt.Println("the link is renewed")
		case errors.Is(err, ovo.ErrOutcomeUnknown):
			fmt.Println("pay again with the same BillNo")
		default:
			fmt.Println("refused:", err)
		}
	}
	pay("2001")
	phone.TopUp(45_000, 0)
	phone.Unlink()
	pay("2002")
	pay("2002")
	fmt.Println(phone.Balance())
	// Output:
	// success <nil>
	// the link is renewed
	// success <nil>
	// {5000 0}
}

func ExampleFaspayClient_TopUp() {
	ways, err := sandbox().Faspay(ovo.FaspayXML).TopUp(context.Background(), "081200001111")
	if err != nil {
		panic(err)
	}
	for _, way := range ways {
		fmt.Println(way.Option)
	}
	// Output:
	// ATM
	// Internet/Mobile Banking
	// Grab
	// Tokopedia
	// Merchant/Mitra OVO
}

func ExampleFaspayClient_Balance() {
	client := sandbox().Faspay(ovo.FaspayXML)
	phone := linkFaspay(client, 150_000, 2_500)
	balance, err := client.Balance(context.Background(), phone.Number)
	if err != nil {
		panic(err)
	}
	fmt.Printf("Rp%d and %d points\n", balance.Cash, balance.Points)
	// Output: Rp150000 and 2500 points
}

func ExampleFaspayClient_History() {
	client := sandbox().Faspay(ovo.FaspayXML)
	phone := linkFaspay(client, 150_000, 0)
	sandbox().Complete(payFaspay(client, phone, "3001").RedirectURL)
	sandbox().Complete(payFaspay(client, phone, "3002").RedirectURL)

	today := sandbox().Now()
	list, err := client.History(context.Background(), ovo.FaspayHistoryQuery{Phone: phone.Number, From: today.AddDate(0, 0, -30), To: today})
	if err != nil {
		panic(err)
	}
	for _, t := range list {
		fmt.Println(t.Status, t.Amount, t.Cash, t.Points)
	}
	// Output:
	// SUCCESS 45000 45000 0
	// SUCCESS 45000 45000 0
}

func ExampleFaspayClient_Inquire() {
	ctx, client := context.Background(), sandbox().Faspay(ovo.FaspayJSON)
	phone := linkFaspay(client, 150_000, 0)
	payment := payFaspay(client, phone, "4001")
	status, err := client.Inquire(ctx, ovo.FaspayBill{TrxID: payment.TrxID, BillNo: "4001"})
	fmt.Println(status.State, err)
	sandbox().Complete(payment.RedirectURL)
	status, err = client.Inquire(ctx, ovo.FaspayBill{TrxID: payment.TrxID, BillNo: "4001"})
	fmt.Println(status.State, status.Amount, err)
	// Output:
	// initiated <nil>
	// success 45000 <nil>
}

func ExampleFaspayClient_Settle() {
	client := sandbox().Faspay(ovo.FaspayJSON)
	phone := linkFaspay(client, 150_000, 0)
	payment := payFaspay(client, phone, "4002")
	sandbox().CompleteAs(payment.RedirectURL, ovotest.Cancel) // or not yet: then Settle goes on asking

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	status, err := client.Settle(ctx, ovo.FaspayBill{TrxID: payment.TrxID, BillNo: "4002"})
	fmt.Println(status.State, err)
	// Output: cancelled <nil>
}

func ExampleFaspayClient_Cancel() {
	ctx, client := context.Background(), sandbox().Faspay(ovo.FaspayXML)
	phone := linkFaspay(client, 150_000, 0)
	payment := payFaspay(client, phone, "5001")
	request := ovo.FaspayCancelRequest{FaspayBill: ovo.FaspayBill{TrxID: payment.TrxID, BillNo: "5001"}, Reason: "Sold out"}
	cancelled, err := client.Cancel(ctx, request)
	fmt.Println(cancelled.State, err)
	_, err = client.Cancel(ctx, request)
	fmt.Println("there is nothing left to cancel:", errors.Is(err, ovo.ErrRefused))
	// Output:
	// cancelled <nil>
	// there is nothing left to cancel: true
}

func ExampleFaspayClient_Unlink() {
	ctx, client := context.Background(), sandbox().Faspay(ovo.FaspayJSON)
	phone := linkFaspay(client, 0, 0)
	fmt.Println(client.Unlink(ctx, phone.Number))
	_, err := client.Balance(ctx, phone.Number)
	fmt.Println(errors.Is(err, ovo.ErrRefused))
	// Output:
	// <nil>
	// true
}

func ExampleFaspayClient_ReadReturn() {
	sandbox().Notify(ovotest.URLs{FaspayReturn: "https://shop.example/thanks?lang=id"})
	client := sandbox().Faspay(ovo.FaspayJSON)
	phone := linkFaspay(client, 150_000, 0)
	there, err := url.Parse(sandbox().Complete(payFaspay(client, phone, "6001").RedirectURL))
	if err != nil {
		panic(err)
	}
	// In the handler of that page, with r.URL.RawQuery:
	back, err := client.ReadReturn(there.RawQuery)
	fmt.Println(back.BillNo, back.State, back.Amount, err)

	_, err = client.ReadReturn("trx_id=1&merchant_id=99999&bill_no=6001&status=2&signature=0")
	fmt.Println(errors.Is(err, ovo.ErrSignature))
	// Output:
	// 6001 success 45000 <nil>
	// true
}
