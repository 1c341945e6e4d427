package sandbox

import (
	"context"
	"io"
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// The sandbox's own shop receives the notifications of merchants that have no
// server yet: it acknowledges everything, and the request log shows what came.
const (
	shopToken        = "/sandbox/shop/token"        // issues the token that SNAP notifications need
	shopNotification = "/sandbox/shop/notification" // takes the notifications of every protocol
)

func (s *Sandbox) mountShop(mux *http.ServeMux) {
	for path, answer := range map[string]any{
		shopToken: map[string]any{
			"responseCode": "2007300", "responseMessage": "Successful", "accessToken": "sandbox-shop", "tokenType": "Bearer", "expiresIn": 900,
		},
		// One answer that each protocol reads as a yes.
		shopNotification: map[string]any{
			"responseCode": "2005600", "responseMessage": "Successful", "response": "Payment Notification", "response_code": "00", "response_desc": "Success",
		},
	} {
		body, err := wire.Encode(answer)
		if err != nil { // a constant
			panic(err)
		}
		mux.Handle(path, s.Record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, wire.MaxBody)) // for the log
			w.Header().Set("Content-Type", "application/json")
			w.Write(body)
		})))
	}
}

// openShop gives a merchant the shop's addresses where it has none of its own.
func (s *Sandbox) openShop(ctx context.Context, id gateway.MerchantID) error {
	m, err := s.Gateway.Merchant(ctx, id)
	if err != nil {
		return err
	}
	for url, path := range map[*string]string{
		&m.DOKU.NotificationURL:             shopNotification,
		&m.DOKU.SNAP.NotificationURL:        shopNotification,
		&m.DOKU.SNAP.BindingNotificationURL: shopNotification,
		&m.DOKU.SNAP.TokenURL:               shopToken,
	} {
		if *url == "" {
			*url = s.BaseURL + path
		}
	}
	return s.Gateway.UpdateMerchant(ctx, m)
}
