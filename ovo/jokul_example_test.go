package ovo_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
	"github.com/gerbang-pay/gerbang/ovo/ovotest"
)

// The first example of the file hears of no payment but its own.

func ExampleNewJokulReceiver() {
	heard := make(chan ovo.JokulNotification, 1)
	merchant := sandbox().Merchant
	receiver, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: merchant.ClientID, SecretKey: merchant.SecretKey,
		Path:      "/jokul/payment", // of the URL in the merchant's settings
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error { heard <- n; return nil },
	})
	if err != nil {
		panic(err)
	}
	stop := serve(receiver)
	defer stop()

	client, token := linkJokul("jokul-receiver")
	if _, err := client.Pay(context.Background(), ovo.JokulPayRequest{Customer: ovo.JokulCustomer{ID: "jokul-receiver"}, Token: token, Invoice: "SUB-5", Amount: 15_000}); err != nil {
		panic(err)
	}
	n := <-heard
	fmt.Println(n.Invoice, n.State, n.Amount)
	// Output: SUB-5 success 15000
}

func ExampleJokul() {
	ctx := context.Background()
	merchant := sandbox().Merchant
	client, err := ovo.Jokul(ovo.JokulConfig{
		BaseURL:  sandbox().URL, // or ovo.SNAPSandbox, ovo.SNAPProduction
		ClientID: merchant.ClientID, SecretKey: merchant.SecretKey,
	})
	if err != nil {
		panic(err)
	}
	tokens, err := client.Tokens(ctx, "nobody")
	fmt.Println(len(tokens), err)
	// Output: 0 <nil>
}

func ExampleJokulClient_Bind() {
	ctx, client := context.Background(), sandbox().Jokul()
	binding, err := client.Bind(ctx, ovo.JokulBindRequest{
		Customer: ovo.JokulCustomer{ID: "jokul-bind", Name: "Rara Contoh"}, Phone: sandbox().NewWallet(0, 0).Number,
		SuccessURL: "https://shop.example/linked", FailureURL: "https://shop.example/not-linked",
	})
	if err != nil {
		panic(err)
	}
	// There is no notification: look when the browser is back.
	fmt.Println("the browser is at", sandbox().Complete(binding.RedirectURL))
	tokens, err := client.Tokens(ctx, "jokul-bind")
	fmt.Println(len(tokens), err)
	// Output:
	// the browser is at https://shop.example/linked
	// 1 <nil>
}

func ExampleJokulClient_Tokens() {
	client, token := linkJokul("jokul-tokens")
	tokens, err := client.Tokens(context.Background(), "jokul-tokens")
	if err != nil {
		panic(err)
	}
	fmt.Println(tokens[0].Token == token, tokens[0].Type == ovo.JokulRecurring, len(tokens[0].MaskedPhone))
	// Output: true true 8
}

func ExampleJokulClient_Balance() {
	client, token := linkJokul("jokul-balance")
	balance, err := client.Balance(context.Background(), "jokul-balance", token)
	if err != nil {
		panic(err)
	}
	fmt.Printf("Rp%d and %d points\n", balance.Cash, balance.Points)
	// Output: Rp100000 and 5000 points
}

func ExampleJokulClient_Pay() {
	ctx := context.Background()
	client, token := linkJokul("jokul-pay")
	payment, err := client.Pay(ctx, ovo.JokulPayRequest{
		Customer: ovo.JokulCustomer{ID: "jokul-pay"}, Token: token, Invoice: "SUB-1", Amount: 55_000, UsePoints: true,
	})
	switch {
	case err == nil:
		fmt.Println(payment.Invoice, payment.State)
	case errors.Is(err, ovo.ErrOutcomeUnknown), errors.Is(err, ovo.ErrDuplicate), errors.Is(err, ovo.ErrConflict):
		// Maybe charged, maybe not: ask until it is decided.
		status, err := client.Settle(ctx, payment.Invoice)
		fmt.Println(status.State, err)
	case errors.Is(err, ovo.ErrCustomerToken):
		fmt.Println("bind again")
	default:
		fmt.Println("not charged:", err)
	}
	balance, err := client.Balance(ctx, "jokul-pay", token)
	fmt.Println(balance, err)
	// Output:
	// SUB-1 success
	// {50000 0} <nil>
}

func ExampleJokulClient_PayOnPage() {
	ctx := context.Background()
	client, token := linkJokul("jokul-page")
	payment, err := client.PayOnPage(ctx, ovo.JokulPayRequest{
		Customer: ovo.JokulCustomer{ID: "jokul-page"}, Token: token, Invoice: "PAGE-1", Amount: 15_000,
		SuccessURL: "https://shop.example/paid", FailureURL: "https://shop.example/not-paid",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(payment.State)
	fmt.Println("the browser is at", sandbox().Complete(payment.RedirectURL))
	status, err := client.Status(ctx, "PAGE-1")
	fmt.Println(status.State, err)
	// Output:
	// pending
	// the browser is at https://shop.example/paid
	// success <nil>
}

func ExampleJokulClient_Status() {
	ctx := context.Background()
	client, token := linkJokul("jokul-status")
	payment, err := client.Pay(ctx, ovo.JokulPayRequest{Customer: ovo.JokulCustomer{ID: "jokul-status"}, Token: token, Invoice: "SUB-2", Amount: 15_000})
	if err != nil {
		panic(err)
	}
	for _, id := range []string{"SUB-2", payment.RequestID} { // either serves
		status, err := client.Status(ctx, id)
		fmt.Println(status.State, status.Amount, err)
	}
	// Output:
	// success 15000 <nil>
	// success 15000 <nil>
}

func ExampleJokulClient_Settle() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	client, token := linkJokul("jokul-settle")
	if _, err := client.Pay(ctx, ovo.JokulPayRequest{Customer: ovo.JokulCustomer{ID: "jokul-settle"}, Token: token, Invoice: "SUB-3", Amount: 15_000}); err != nil {
		panic(err)
	}
	status, err := client.Settle(ctx, "SUB-3")
	fmt.Println(status.State, err)
	// Output: success <nil>
}

func ExampleJokulClient_Refund() {
	ctx := context.Background()
	client, token := linkJokul("jokul-refund")
	payment, err := client.Pay(ctx, ovo.JokulPayRequest{Customer: ovo.JokulCustomer{ID: "jokul-refund"}, Token: token, Invoice: "SUB-4", Amount: 15_000})
	if err != nil {
		panic(err)
	}
	request := ovo.JokulRefundRequest{Invoice: "SUB-4", PaymentRequestID: payment.RequestID, Amount: 15_000, RequestID: "refund-of-SUB-4"}
	for range 2 { // with the RequestID the same refund is made once
		refund, err := client.Refund(ctx, request)
		fmt.Println(refund.Amount, refund.State, err)
	}
	balance, err := client.Balance(ctx, "jokul-refund", token)
	fmt.Println(balance.Cash, err)
	// Output:
	// 15000 success <nil>
	// 15000 success <nil>
	// 100000 <nil>
}

func ExampleJokulClient_Unbind() {
	ctx := context.Background()
	client, token := linkJokul("jokul-unbind")
	_, err := client.Unbind(ctx, ovo.JokulUnbindRequest{CustomerID: "jokul-unbind", Token: token})
	fmt.Println(err)
	tokens, err := client.Tokens(ctx, "jokul-unbind")
	fmt.Println(len(tokens), err)
	// Output:
	// <nil>
	// 0 <nil>
}

func ExamplePush() {
	merchant := sandbox().Merchant
	client, err := ovo.Push(ovo.PushConfig{
		BaseURL:  sandbox().URL, // or ovo.SNAPSandbox, ovo.SNAPProduction
		ClientID: merchant.ClientID, SecretKey: merchant.SecretKey,
	})
	if err != nil {
		panic(err)
	}
	_, err = client.Pay(context.Background(), ovo.PushRequest{Phone: "081900000014", Invoice: "PUSH-0", Amount: 15_000})
	fmt.Println("no such OVO account:", errors.Is(err, ovo.ErrWalletUnavailable))
	// Output: no such OVO account: true
}

func ExamplePushClient_Pay() {
	ctx, client := context.Background(), sandbox().Push()
	phone := sandbox().NewWallet(100_000, 0)
	pay := func(invoice string) {
		result, err := client.Pay(ctx, ovo.PushRequest{Phone: phone.Number, Invoice: invoice, Amount: 27_500}) // waits for the customer
		var refusal *ovo.Error
		switch {
		case err == nil:
			fmt.Printf("paid Rp%d\n", result.CashUsed+result.PointsUsed)
		case errors.Is(err, ovo.ErrOutcomeUnknown), errors.Is(err, ovo.ErrDuplicate), errors.Is(err, ovo.ErrConflict):
			status, err := client.Settle(ctx, invoice)
			fmt.Println("in the end:", status.State, err)
		case errors.As(err, &refusal):
			fmt.Println("not paid:", refusal.Code, refusal.Message)
		default:
			fmt.Println("not sent:", err)
		}
	}
	go phone.Approve("PUSH-1")
	pay("PUSH-1")
	go phone.Decline("PUSH-2")
	pay("PUSH-2")
	// Output:
	// paid Rp27500
	// not paid: 17 The customer declined in the app.
}

func ExamplePushClient_Void() {
	ctx, client := context.Background(), sandbox().Push()
	phone := sandbox().NewWallet(100_000, 0)
	go phone.Approve("PUSH-6")
	paid, err := client.Pay(ctx, ovo.PushRequest{Phone: phone.Number, Invoice: "PUSH-6", Amount: 27_500})
	if err != nil {
		panic(err)
	}
	_, err = client.Void(ctx, ovo.PushVoidRequest{Phone: phone.Number, Payment: paid})
	fmt.Println("taken back:", err == nil, phone.Balance().Cash)
	status, err := client.Status(ctx, "PUSH-6")
	fmt.Println(status.State, err)
	// Output:
	// taken back: true 100000
	// refunded <nil>
}

func ExamplePushClient_Status() {
	ctx, client := context.Background(), sandbox().Push()
	phone := sandbox().NewWallet(100_000, 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := client.Pay(ctx, ovo.PushRequest{Phone: phone.Number, Invoice: "PUSH-3", Amount: 15_000}); err != nil {
			panic(err)
		}
	}()
	phone.AwaitPrompt("PUSH-3")
	status, err := client.Status(ctx, "PUSH-3")
	fmt.Println(status.State, err)
	phone.Approve("PUSH-3")
	<-done
	status, err = client.Status(ctx, "PUSH-3")
	fmt.Println(status.State, status.Push.CashUsed, err)
	// Output:
	// pending <nil>
	// success 15000 <nil>
}

func ExamplePushClient_Settle() {
	client := sandbox().Push()
	phone := sandbox().Wallet(ovotest.Citra)
	patience, hangUp := context.WithCancel(context.Background())
	go func() {
		phone.AwaitPrompt("PUSH-4")
		hangUp() // while the customer is asked
	}()
	_, err := client.Pay(patience, ovo.PushRequest{Phone: phone.Number, Invoice: "PUSH-4", Amount: 15_000})
	fmt.Println("who hangs up does not know:", errors.Is(err, ovo.ErrOutcomeUnknown))

	phone.Approve("PUSH-4")
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	status, err := client.Settle(ctx, "PUSH-4")
	fmt.Println(status.State, err)
	// Output:
	// who hangs up does not know: true
	// success <nil>
}
