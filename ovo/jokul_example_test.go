package ovo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/ovo"
)

// exampleJokul stands for DOKU or a Gerbang server. It gives fixed answers.
func exampleJokul() *httptest.Server {
	answers := map[string]string{
		jokul.PathTokens:           `{"customer":{"id":"CUST-7001"},"token_data":{"type":"WALLET_RECURRING"},"wallet":{"issuer":"OVO","token_id":"9f2c4a7b","masked_phone_number":"****4417"}}`,
		jokul.PathRecurringPayment: jokulPaid("SUCCESS"),
		jokul.PathPush: `{"client":{"id":"` + jokulID + `"},"order":{"invoice_number":"PUSH-2024-0003","amount":27500},"ovo_info":{"ovo_id":"081234567890"},` +
			`"ovo_payment":{"batch_number":126,"trace_number":402318,"reference_number":71,"approval_code":"604418","response_code":"00","cash_used":27500,"status":"SUCCESS"},` +
			`"security":{"check_sum":"f6d834d40b5eba5a37b18b8e4bd5d0ee03830bbb088341af61b6cf3be5af6c61"}}`,
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signedAnswer(http.StatusOK, answers[r.URL.Path])(w, r)
	}))
}

func ExampleJokul() {
	gateway := exampleJokul()
	defer gateway.Close()
	ctx := context.Background()

	client, err := ovo.Jokul(ovo.JokulConfig{BaseURL: gateway.URL, ClientID: jokulID, SecretKey: jokulSecret})
	if err != nil {
		panic(err)
	}
	// After Bind, when the customer's browser is back:
	tokens, err := client.Tokens(ctx, "CUST-7001")
	if err != nil || len(tokens) == 0 {
		panic("not bound")
	}
	payment, err := client.Pay(ctx, ovo.JokulPayRequest{
		Customer: ovo.JokulCustomer{ID: "CUST-7001"}, Token: tokens[0].Token, Invoice: "SUB-2024-000917", Amount: 55000, UsePoints: true,
	})
	switch {
	case err == nil:
		fmt.Println(tokens[0].MaskedPhone, payment.Invoice, payment.State)
	case errors.Is(err, ovo.ErrOutcomeUnknown), errors.Is(err, ovo.ErrDuplicate), errors.Is(err, ovo.ErrConflict):
		// Maybe charged, maybe not: ask Status until the state is final.
		status, err := client.Status(ctx, payment.Invoice)
		fmt.Println(status.State.Final(), err)
	case errors.Is(err, ovo.ErrCustomerToken):
		fmt.Println("bind again")
	default:
		fmt.Println("not charged:", err)
	}
	// Output: ****4417 SUB-2024-000917 success
}

func ExamplePushClient_Pay() {
	gateway := exampleJokul()
	defer gateway.Close()
	ctx := context.Background()

	client, err := ovo.Push(ovo.PushConfig{BaseURL: gateway.URL, ClientID: jokulID, SecretKey: jokulSecret})
	if err != nil {
		panic(err)
	}
	request := ovo.PushRequest{Phone: "081234567890", Invoice: "PUSH-2024-0003", Amount: 27500}
	result, err := client.Pay(ctx, request) // waits for the customer
	if errors.Is(err, ovo.ErrOutcomeUnknown) {
		result, err = client.Pay(ctx, request) // the same invoice: joins the wait
	}
	var refusal *ovo.Error
	switch {
	case err == nil:
		fmt.Printf("paid Rp%d, approved as %s\n", result.CashUsed+result.PointsUsed, result.ApprovalCode)
	case errors.Is(err, ovo.ErrOutcomeUnknown), errors.Is(err, ovo.ErrDuplicate), errors.Is(err, ovo.ErrConflict):
		fmt.Println("ask Status later")
	case errors.As(err, &refusal):
		fmt.Println("not paid:", refusal.Code, refusal.Message)
	default:
		fmt.Println("not sent:", err)
	}
	// Output: paid Rp27500, approved as 604418
}

func ExampleNewJokulReceiver() {
	seen := map[string]bool{} // in a real shop: a unique column, written with the order
	receiver, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: jokulID, SecretKey: jokulSecret, Path: "/doku/ovo",
		OnPayment: func(_ context.Context, n ovo.JokulNotification) error {
			if !seen[n.EventKey] {
				seen[n.EventKey] = true
				fmt.Println(n.Invoice, n.State, n.Amount)
			}
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/doku/ovo", receiver)

	// The gateway's side: it delivers one notification twice.
	body := jokulStatusBody("SUCCESS", "")
	for range 2 {
		call := jokul.Call{
			Method: http.MethodPost, Target: "/doku/ovo", ClientID: jokulID, RequestID: "event-1", Timestamp: jokul.FormatTime(time.Now()),
		}
		r := httptest.NewRequest(call.Method, call.Target, strings.NewReader(body))
		r.Header.Set("Client-Id", call.ClientID)
		r.Header.Set("Request-Id", call.RequestID)
		r.Header.Set("Request-Timestamp", call.Timestamp)
		r.Header.Set("Signature", jokul.SignRequest(jokulSecret, call, []byte(body)))
		mux.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Output: SUB-2024-000917 success 55000
}
