package main

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/ovo"
)

// shop is a merchant's server for the scripts: "shop MODE FILE". It writes its
// address to FILE once it serves, and runs until it is interrupted. The mode "good"
// is that of the SDK's receivers; the others do what receivers do wrong.
func shop() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serveTestShop(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveTestShop(ctx context.Context, mode, file string) error {
	handler, err := shopHandler(ctx, mode)
	if err != nil {
		return err
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(socket)
	if err := writeReady(file, "http://"+socket.Addr().String()); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Close()
}

func shopHandler(ctx context.Context, mode string) (http.Handler, error) {
	answer := func(status int, contentType, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
	switch mode {
	case "careless": // takes everything, and gives anybody a token
		return answer(http.StatusOK, "text/html", `{"responseCode":"2007300","accessToken":"t","expiresIn":""}`), nil
	case "moved":
		return http.RedirectHandler("/elsewhere", http.StatusMovedPermanently), nil
	case "broken":
		return answer(http.StatusInternalServerError, "", "stack trace"), nil
	}
	client, err := control.New(os.Getenv("GERBANG_URL"))
	if err != nil {
		return nil, err
	}
	m, err := client.Merchant(ctx, "")
	if err != nil {
		return nil, err
	}
	keys, err := notifiedKeys(m)
	if err != nil {
		return nil, err
	}
	snap, err := ovo.NewSNAPReceiver(ovo.SNAPReceiverConfig{
		ClientID: keys.ClientID, SecretKey: keys.SecretKey, PrivateKey: keys.PrivateKey, GatewayPublicKeys: []*rsa.PublicKey{keys.PublicKey},
		TokenPath: "/snap/token", PaymentPath: "/snap/paid", BindingPath: "/snap/bound",
		OnPayment: func(context.Context, ovo.PaymentNotification) error { return nil },
		OnBinding: func(context.Context, ovo.BindingNotification) error { return nil },
	})
	if err != nil {
		return nil, err
	}
	jokul, err := ovo.NewJokulReceiver(ovo.JokulReceiverConfig{
		ClientID: keys.ClientID, SecretKey: keys.SecretKey, Path: "/ovo",
		OnPayment: func(context.Context, ovo.JokulNotification) error { return nil },
	})
	if err != nil {
		return nil, err
	}
	faspay, err := ovo.NewFaspayReceiver(ovo.FaspayReceiverConfig{
		MerchantID: keys.MerchantID, UserID: keys.UserID, Password: keys.Password, AmountScale: 1,
		NotificationPath: "/faspay/paid", ActivationPath: "/faspay/linked",
		OnPayment:    func(context.Context, ovo.FaspayNotification) error { return nil },
		OnActivation: func(context.Context, ovo.FaspayLink) error { return nil },
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/faspay/", faspay)
	mux.Handle("/snap/", snap)
	mux.Handle("/ovo", jokul)
	return mux, nil
}
