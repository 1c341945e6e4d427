package ovo_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

// The first example of the file hears of no payment but its own.

func ExampleNewSNAPReceiver() {
	paid := make(chan ovo.PaymentNotification, 1)
	bound := make(chan ovo.BindingNotification, 1)
	merchant := sandbox().Merchant
	receiver, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: merchant.ClientID, SecretKey: merchant.SecretKey, PrivateKey: merchant.PrivateKey, GatewayPublicKeys: []*rsa.PublicKey{merchant.GatewayPublicKey},
		// The paths of the three URLs in the merchant's settings.
		TokenPath: "/snap/token", PaymentPath: "/snap/payment", BindingPath: "/snap/binding",
		OnPayment: func(_ context.Context, n ovo.PaymentNotification) error { paid <- n; return nil },
		OnBinding: func(_ context.Context, n ovo.BindingNotification) error { bound <- n; return nil },
	})
	if err != nil {
		panic(err)
	}
	stop := serve(receiver)
	defer stop()

	client, token := linkSNAP("customer-receiver")
	n := <-bound
	fmt.Println(n.CustomerID, n.Status)
	if _, err := client.Pay(context.Background(), ovo.PayRequest{CustomerToken: token, Reference: "HEARD-1", Type: ovo.Recurring, Amount: 15_000}); err != nil {
		panic(err)
	}
	p := <-paid
	fmt.Println(p.Reference, p.State, p.Amount)
	// Output:
	// customer-receiver SUCCESS
	// HEARD-1 success 15000
}

// A customer's life with a merchant on SNAP.
func Example() {
	ctx := context.Background()
	merchant := sandbox().Merchant
	client, err := ovo.SNAP(ovo.SNAPConfig{
		BaseURL:  sandbox().URL, // or ovo.SNAPSandbox, ovo.SNAPProduction
		ClientID: merchant.ClientID, SecretKey: merchant.SecretKey, PrivateKey: merchant.PrivateKey,
	})
	if err != nil {
		panic(err)
	}

	// Once for each customer. The browser goes to the page and comes back.
	phone := sandbox().NewWallet(100_000, 0)
	binding, err := client.Bind(ctx, ovo.BindRequest{
		Phone: phone.Number, CustomerID: "customer-1", SuccessURL: "https://shop.example/linked", FailureURL: "https://shop.example/not-linked",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("the browser is at", sandbox().Complete(binding.RedirectURL))

	// From then on, as often as agreed.
	token, err := client.Customer(binding.AuthCode).Token(ctx)
	if err != nil {
		panic(err)
	}
	payment, err := client.Pay(ctx, ovo.PayRequest{CustomerToken: token, Reference: "EX-1", Type: ovo.Recurring, Amount: 15_000})
	if err != nil {
		panic(err)
	}
	fmt.Println("paid", payment.Reference)

	refund, err := client.Refund(ctx, ovo.RefundRequest{Reference: "EX-1", RefundReference: "EX-1-R", Amount: 5_000, Reason: "one was broken"})
	if err != nil {
		panic(err)
	}
	fmt.Println("gave back", refund.Amount)
	fmt.Println("the wallet holds", phone.Balance().Cash)
	// Output:
	// the browser is at https://shop.example/linked
	// paid EX-1
	// gave back 5000
	// the wallet holds 90000
}

func ExampleSNAPClient_Bind() {
	client := sandbox().SNAP()
	phone := sandbox().NewWallet(0, 0)
	binding, err := client.Bind(context.Background(), ovo.BindRequest{
		Phone: phone.Number, CustomerID: "customer-bind", SuccessURL: "https://shop.example/linked", FailureURL: "https://shop.example/not-linked",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("send the browser to a page:", strings.HasPrefix(binding.RedirectURL, sandbox().URL))
	fmt.Println("store the auth code, as secret as a password:", len(binding.AuthCode), "digits")
	// Output:
	// send the browser to a page: true
	// store the auth code, as secret as a password: 40 digits
}

func ExampleSNAPClient_CustomerToken() {
	ctx, client := context.Background(), sandbox().SNAP()
	phone := sandbox().NewWallet(0, 0)
	binding, err := client.Bind(ctx, ovo.BindRequest{Phone: phone.Number, CustomerID: "customer-token", SuccessURL: okURL, FailureURL: failURL})
	if err != nil {
		panic(err)
	}
	_, err = client.CustomerToken(ctx, binding.AuthCode)
	fmt.Println("before the customer is done:", errors.Is(err, ovo.ErrCustomerToken))

	sandbox().Complete(binding.RedirectURL)
	token, err := client.CustomerToken(ctx, binding.AuthCode)
	if err != nil {
		panic(err)
	}
	fmt.Println("after that, for", token.ExpiresAt.Sub(sandbox().Now()).Round(time.Hour))

	phone.Unlink()
	_, err = client.CustomerToken(ctx, binding.AuthCode)
	fmt.Println("when the customer has unlinked:", errors.Is(err, ovo.ErrCustomerToken))
	// Output:
	// before the customer is done: true
	// after that, for 168h0m0s
	// when the customer has unlinked: true
}

func ExampleSNAPClient_RefreshCustomerToken() {
	ctx, client := context.Background(), sandbox().SNAP()
	phone := sandbox().NewWallet(20_000, 0)
	binding, err := client.Bind(ctx, ovo.BindRequest{Phone: phone.Number, CustomerID: "customer-refresh", SuccessURL: okURL, FailureURL: failURL})
	if err != nil {
		panic(err)
	}
	sandbox().Complete(binding.RedirectURL)
	first, err := client.CustomerToken(ctx, binding.AuthCode)
	if err != nil {
		panic(err)
	}
	second, err := client.RefreshCustomerToken(ctx, first.RefreshToken)
	if err != nil {
		panic(err)
	}
	balance, err := client.Balance(ctx, second.AccessToken)
	fmt.Println(balance.Cash, err)
	// Output: 20000 <nil>
}

func ExampleSNAPClient_Customer() {
	ctx, client := context.Background(), sandbox().SNAP()
	phone := sandbox().NewWallet(20_000, 0)
	binding, err := client.Bind(ctx, ovo.BindRequest{Phone: phone.Number, CustomerID: "customer-customer", SuccessURL: okURL, FailureURL: failURL})
	if err != nil {
		panic(err)
	}
	sandbox().Complete(binding.RedirectURL)

	customer := client.Customer(binding.AuthCode) // keep it as long as the process lives
	for range 2 {
		token, err := customer.Token(ctx) // exchanged the first time only
		if err != nil {
			panic(err)
		}
		balance, err := client.Balance(ctx, token)
		fmt.Println(balance.Cash, err)
	}
	// Output:
	// 20000 <nil>
	// 20000 <nil>
}

func ExampleSNAPClient_Balance() {
	client, token := linkSNAP("customer-balance")
	balance, err := client.Balance(context.Background(), token)
	if err != nil {
		panic(err)
	}
	fmt.Printf("Rp%d and %d points\n", balance.Cash, balance.Points)
	// Output: Rp100000 and 5000 points
}

// A charge under the customer's consent, and what to do about each kind of failure.
func ExampleSNAPClient_Pay() {
	client, token := linkSNAP("customer-pay")
	charge := func(reference string, amount int64) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_, err := client.Pay(ctx, ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: amount})
		var refusal *ovo.Error
		switch {
		case err == nil:
			fmt.Println("paid")
		case errors.Is(err, ovo.ErrOutcomeUnknown), errors.Is(err, ovo.ErrDuplicate):
			// Maybe charged, maybe not: ask until it is decided. Never charge with
			// another reference meanwhile.
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
			defer cancel()
			status, err := client.Settle(ctx, ovo.StatusQuery{Reference: reference})
			fmt.Println("in the end:", status.State, err)
		case errors.Is(err, ovo.ErrInsufficientFunds) && errors.As(err, &refusal):
			fmt.Println("ask the customer to top up:", refusal.Code, refusal.Message)
		case errors.Is(err, ovo.ErrCustomerToken):
			fmt.Println("exchange the auth code again, or bind again")
		default:
			fmt.Println("not charged:", err)
		}
	}
	charge("PAY-1", 15_000)
	charge("PAY-1", 15_000)
	charge("PAY-2", 5_000_000)
	// Output:
	// paid
	// in the end: success <nil>
	// ask the customer to top up: 4035414 Insufficient Funds
}

// A payment that the customer confirms on a page.
func ExampleSNAPClient_Pay_sale() {
	ctx := context.Background()
	client, token := linkSNAP("customer-sale")
	payment, err := client.Pay(ctx, ovo.PayRequest{
		CustomerToken: token, Reference: "SALE-1", Type: ovo.Sale, Amount: 12_000, Cash: 7_000, Points: 5_000,
		SuccessURL: "https://shop.example/paid", FailureURL: "https://shop.example/not-paid",
	})
	if err != nil {
		panic(err)
	}
	before, err := client.Status(ctx, ovo.StatusQuery{Reference: "SALE-1"})
	fmt.Println(before.State, err)
	fmt.Println("the browser is at", sandbox().Complete(payment.RedirectURL))
	after, err := client.Status(ctx, ovo.StatusQuery{Reference: "SALE-1"})
	fmt.Println(after.State, err)
	// Output:
	// initiated <nil>
	// the browser is at https://shop.example/paid
	// success <nil>
}

func ExampleSNAPClient_Status() {
	ctx := context.Background()
	client, token := linkSNAP("customer-status")
	if _, err := client.Pay(ctx, ovo.PayRequest{CustomerToken: token, Reference: "STATUS-1", Type: ovo.Recurring, Amount: 15_000}); err != nil {
		panic(err)
	}
	if _, err := client.Refund(ctx, ovo.RefundRequest{Reference: "STATUS-1", RefundReference: "STATUS-1-R", Amount: 5_000}); err != nil {
		panic(err)
	}
	status, err := client.Status(ctx, ovo.StatusQuery{Reference: "STATUS-1"})
	if err != nil {
		panic(err)
	}
	fmt.Println(status.State, status.State.Final(), status.Amount, status.Refunds[0].Amount)

	_, err = client.Status(ctx, ovo.StatusQuery{Reference: "STATUS-2"})
	fmt.Println(errors.Is(err, ovo.ErrNotFound))
	// Output:
	// success true 15000 5000
	// true
}

func ExampleSNAPClient_Settle() {
	client, token := linkSNAP("customer-settle")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	payment, err := client.Pay(ctx, ovo.PayRequest{
		CustomerToken: token, Reference: "SETTLE-1", Type: ovo.Sale, Amount: 15_000, SuccessURL: okURL, FailureURL: failURL,
	})
	if err != nil {
		panic(err)
	}
	sandbox().Complete(payment.RedirectURL) // or not: then Settle goes on asking
	status, err := client.Settle(ctx, ovo.StatusQuery{Reference: "SETTLE-1"})
	fmt.Println(status.State, err)
	// Output: success <nil>
}

func ExampleSNAPClient_Refund() {
	ctx := context.Background()
	client, token := linkSNAP("customer-refund")
	if _, err := client.Pay(ctx, ovo.PayRequest{CustomerToken: token, Reference: "REFUND-1", Type: ovo.Recurring, Amount: 15_000}); err != nil {
		panic(err)
	}
	part := ovo.RefundRequest{Reference: "REFUND-1", RefundReference: "REFUND-1-A", Amount: 10_000, Reason: "one was broken"}
	refund, err := client.Refund(ctx, part)
	fmt.Println(refund.Amount, refund.State, err)

	_, err = client.Refund(ctx, part) // the same refund again gives nothing back twice
	fmt.Println(err)

	part.RefundReference = "REFUND-1-B"
	_, err = client.Refund(ctx, part)
	fmt.Println("more than is left:", errors.Is(err, ovo.ErrInvalidAmount))
	// Output:
	// 10000 success <nil>
	// <nil>
	// more than is left: true
}

func ExampleSNAPClient_Unbind() {
	ctx := context.Background()
	client, token := linkSNAP("customer-unbind")
	fmt.Println(client.Unbind(ctx, token))
	_, err := client.Balance(ctx, token)
	fmt.Println("its tokens have ended:", errors.Is(err, ovo.ErrCustomerToken))
	// Output:
	// <nil>
	// its tokens have ended: true
}

// The table in which a shop remembers events, in the transaction in which it changes
// its orders. The type of the database stands for database/sql's.
func ExampleSeen() {
	db := &shopDB{}
	var seen ovo.Seen = eventTable{db}
	for range 2 { // the gateway delivers twice
		err := seen.Once(context.Background(), "event-1", func(ctx context.Context) error {
			transaction(ctx).paid = append(transaction(ctx).paid, "INV-1")
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	fmt.Println(db.paid)
	// Output: [INV-1]
}

type shopDB struct{ events, paid []string }

type eventTable struct{ db *shopDB }

type transactionKey struct{}

func transaction(ctx context.Context) *shopDB { return ctx.Value(transactionKey{}).(*shopDB) }

func (t eventTable) Once(ctx context.Context, key string, handle func(context.Context) error) error {
	tx := *t.db // BEGIN
	for _, known := range tx.events {
		if known == key { // INSERT … ON CONFLICT DO NOTHING inserted no row
			return nil
		}
	}
	tx.events = append(tx.events, key)
	if err := handle(context.WithValue(ctx, transactionKey{}, &tx)); err != nil {
		return err // ROLLBACK
	}
	*t.db = tx // COMMIT
	return nil
}

// Errors mean the same whatever the protocol, and keep what the provider said.
func ExampleError() {
	err := fmt.Errorf("charging: %w", &ovo.Error{Code: "4035414", Message: "Insufficient Funds", Status: 403})
	fmt.Println(errors.Is(err, ovo.ErrInsufficientFunds))
	var refusal *ovo.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Code, refusal.Message)
	}
	// Output:
	// true
	// 4035414 Insufficient Funds
}
