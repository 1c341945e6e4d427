package ovo_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/gerbang-pay/gerbang/ovo"
	"github.com/gerbang-pay/gerbang/ovo/ovotest"
)

// The examples run against one real sandbox, which is started for the first of them.
var (
	stopSandbox = func() {}
	sandbox     = sync.OnceValue(func() (s *ovotest.Sandbox) {
		s, stopSandbox = ovotest.Start()
		return s
	})
)

func TestMain(m *testing.M) {
	code := m.Run()
	stopSandbox()
	os.Exit(code)
}

const (
	okURL   = "https://shop.example/ok"
	failURL = "https://shop.example/failed"
)

// linkSNAP opens a wallet with Rp100.000 and 5,000 points and binds it. It returns a
// client and a customer token.
func linkSNAP(customerID string) (*ovo.SNAPClient, string) {
	ctx, client := context.Background(), sandbox().SNAP()
	binding, err := client.Bind(ctx, ovo.BindRequest{
		Phone: sandbox().NewWallet(100_000, 5_000).Number, CustomerID: customerID, SuccessURL: okURL, FailureURL: failURL,
	})
	if err != nil {
		panic(err)
	}
	sandbox().Complete(binding.RedirectURL)
	token, err := client.Customer(binding.AuthCode).Token(ctx)
	if err != nil {
		panic(err)
	}
	return client, token
}

// linkJokul opens a wallet with Rp100.000 and 5,000 points and binds it. It returns a
// client and the token of the binding.
func linkJokul(customerID string) (*ovo.JokulClient, string) {
	ctx, client := context.Background(), sandbox().Jokul()
	binding, err := client.Bind(ctx, ovo.JokulBindRequest{
		Customer: ovo.JokulCustomer{ID: customerID}, Phone: sandbox().NewWallet(100_000, 5_000).Number, SuccessURL: okURL, FailureURL: failURL,
	})
	if err != nil {
		panic(err)
	}
	sandbox().Complete(binding.RedirectURL)
	tokens, err := client.Tokens(ctx, customerID)
	if err != nil || len(tokens) != 1 {
		panic("not bound")
	}
	return client, tokens[0].Token
}

// serve runs the shop's server and has the sandbox notify it.
func serve(h http.Handler) (stop func()) {
	server := httptest.NewServer(h)
	sandbox().Notify(ovotest.URLsAt(server.URL))
	return server.Close
}
