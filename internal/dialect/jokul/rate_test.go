package jokul_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	wirejokul "github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// Calls that are known to be the merchant's use up its rate, others do not. A call
// that is refused for it uses up no Request-Id and no invoice.
func TestRate(t *testing.T) {
	t.Parallel()
	s := open(t)
	still := storetest.Still(s.clock)
	s.config.Clock = still
	s.gateway = gateway.New(s.config)
	s.dialect.Gateway = s.gateway
	s.merchant.CallRate = gateway.MinCallRate
	if err := s.gateway.UpdateMerchant(t.Context(), s.merchant); err != nil {
		t.Fatal(err)
	}
	tokens := request{path: wirejokul.PathTokens, body: tokensBody("nobody"), requestID: "once"}
	status := request{method: http.MethodGet, path: wirejokul.PathStatus + "NONE"}
	ask := push("INV-1", "1000")
	forged := tokens
	forged.signed = tokensBody("somebody")
	for range 3 {
		s.wantError(s.do(forged), 400, wirejokul.CodeInvalidSignature, "Invalid Header Signature")
	}
	for range 2 * gateway.MinCallRate {
		s.wantError(s.do(status), 404, wirejokul.CodeNotFound, "Payment not found")
	}
	for _, r := range []request{tokens, status, ask} {
		a := s.do(r)
		s.wantError(a, 429, wirejokul.CodeInternalError, "Too many requests")
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("%s: headers %v", r.path, a.header)
		}
	}
	still.Step(2 * time.Second / gateway.MinCallRate) // two calls
	s.wantError(s.do(tokens), 404, wirejokul.CodeNotFound, "Token not found")
	id, answered := s.start(t.Context(), ask)
	s.approve(id)
	s.wantPush(<-answered, "00", wirejokul.StatusSuccess)
	s.wantError(s.do(status), 429, wirejokul.CodeInternalError, "Too many requests")
}
