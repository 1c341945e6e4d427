package ovo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/snap"
	"github.com/gerbang-pay/gerbang/ovo"
)

// exampleGateway stands for DOKU or a Gerbang server. It gives fixed answers.
func exampleGateway() *httptest.Server {
	answers := map[string]string{
		snap.PathTokenB2B:   `{"responseCode":"2007300","responseMessage":"Successful","accessToken":"tok-b2b","tokenType":"Bearer","expiresIn":900}`,
		snap.PathTokenB2B2C: `{"responseCode":"2007400","responseMessage":"Successful","accessToken":"tok-customer","tokenType":"Bearer"}`,
		snap.PathBinding:    `{"responseCode":"2000700","responseMessage":"Successful","redirectUrl":"https://pay.test/bind/2238","additionalInfo":{"authCode":"2238"}}`,
		snap.PathBalance:    balanceOK,
		snap.PathPayment:    paymentOK,
		snap.PathRefund:     refundOK,
		snap.PathUnbinding:  unbindingOK,
		snap.PathStatus:     statusOK,
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusOK, answers[r.URL.Path])
	}))
}

func Example() {
	gateway := exampleGateway()
	defer gateway.Close()
	ctx := context.Background()

	client, err := ovo.SNAP(ovo.SNAPConfig{
		BaseURL: gateway.URL, ClientID: "BRN-0001-1700000000001", SecretKey: "SK-…", PrivateKey: merchantKey(),
	})
	if err != nil {
		panic(err)
	}

	// Once for each customer.
	binding, err := client.Bind(ctx, ovo.BindRequest{
		Phone: "081200000001", CustomerID: "cust-0001",
		SuccessURL: "https://merchant.test/linked", FailureURL: "https://merchant.test/not-linked",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("send the browser to", binding.RedirectURL)

	// After the notification that the binding has succeeded.
	token, err := client.CustomerToken(ctx, binding.AuthCode)
	if err != nil {
		panic(err)
	}
	balance, err := client.Balance(ctx, token.AccessToken)
	if err != nil {
		panic(err)
	}
	fmt.Printf("the wallet holds Rp%d and %d points\n", balance.Cash, balance.Points)

	payment, err := client.Pay(ctx, ovo.PayRequest{
		CustomerToken: token.AccessToken, Reference: "INV-20240506-0001", Type: ovo.Recurring, Amount: 15000,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("paid", payment.Reference)
	// Output:
	// send the browser to https://pay.test/bind/2238
	// the wallet holds Rp250000 and 0 points
	// paid INV-20240506-0001
}

func ExampleSNAPClient_Pay() {
	gateway := exampleGateway()
	defer gateway.Close()
	client, err := ovo.SNAP(ovo.SNAPConfig{
		BaseURL: gateway.URL, ClientID: "BRN-0001-1700000000001", SecretKey: "SK-…", PrivateKey: merchantKey(),
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	request := ovo.PayRequest{CustomerToken: "tok-customer", Reference: "INV-20240506-0001", Type: ovo.Recurring, Amount: 15000}
	_, err = client.Pay(ctx, request)
	switch {
	case err == nil:
		fmt.Println("paid")
	case errors.Is(err, ovo.ErrOutcomeUnknown), errors.Is(err, ovo.ErrDuplicate):
		// Maybe charged, maybe not: put the order aside and ask later, and again,
		// until the state is final. Never charge with another reference meanwhile.
		status, err := client.Status(context.Background(), ovo.StatusQuery{Reference: request.Reference})
		fmt.Println(status.State.Final(), err)
	case errors.Is(err, ovo.ErrInsufficientFunds):
		fmt.Println("ask the customer to top up")
	case errors.Is(err, ovo.ErrCustomerToken):
		fmt.Println("exchange the auth code again, or bind again")
	default:
		fmt.Println("not charged:", err)
	}
	// Output: paid
}

func ExampleSNAPClient_Status() {
	gateway := exampleGateway()
	defer gateway.Close()
	client, err := ovo.SNAP(ovo.SNAPConfig{
		BaseURL: gateway.URL, ClientID: "BRN-0001-1700000000001", SecretKey: "SK-…", PrivateKey: merchantKey(),
	})
	if err != nil {
		panic(err)
	}
	status, err := client.Status(context.Background(), ovo.StatusQuery{Reference: "INV-20240506-0001"})
	if err != nil {
		panic(err)
	}
	fmt.Println(status.State, status.State.Final(), status.Amount)
	// Output: success true 15000
}

func ExampleNewSNAPReceiver() {
	receiver, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: "BRN-0001-1700000000001", SecretKey: "SK-…", PrivateKey: merchantKey(), GatewayPublicKey: &gatewayKey().PublicKey,
		TokenPath: "/doku/token", PaymentPath: "/doku/notify",
		OnPayment: func(_ context.Context, n ovo.PaymentNotification) error {
			fmt.Println(n.Reference, n.State, n.Amount)
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/doku/", receiver)

	// The gateway's side: it delivers one notification twice. Both are acknowledged,
	// and Seen lets one of them through.
	deliverTwice(mux)
	// Output: INV-20240506-0001 success 15000
}

// deliverTwice asks for a token and sends one notification two times.
func deliverTwice(h http.Handler) {
	const client, secret, path = "BRN-0001-1700000000001", "SK-…", "/doku/notify"
	timestamp := snap.FormatTime(time.Now())
	signature, err := snap.SignAsymmetric(gatewayKey(), client, timestamp)
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/doku/token", nil)
	r.Header.Set("X-CLIENT-KEY", client)
	r.Header.Set("X-TIMESTAMP", timestamp)
	r.Header.Set("X-SIGNATURE", signature)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	_, token, _ := bytes.Cut(w.Body.Bytes(), []byte(`"accessToken":"`))
	token, _, _ = bytes.Cut(token, []byte(`"`))
	d := delivery{
		method: http.MethodPost, signedTarget: path, target: path, token: string(token),
		signedBody: []byte(paymentBody), body: []byte(paymentBody), at: time.Now(), secret: secret,
	}
	for range 2 {
		h.ServeHTTP(httptest.NewRecorder(), d.request())
	}
}
