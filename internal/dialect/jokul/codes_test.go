package jokul

import (
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

func TestEveryGatewayCodeHasAnAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range gateway.Codes() {
		row, ok := codes[c]
		if !ok || row.status < 400 || row.status > 599 || row.code == "" || row.message == "" {
			t.Errorf("%q is answered %+v", c, row)
		}
		known, ok := jokul.FindResponseCode(ovoCodes[c])
		if !ok || known.Status == jokul.StatusSuccess {
			t.Errorf("%q has the response code %q", c, ovoCodes[c])
		}
		if message, ok := refundMessage(c); ok && (message == refundSucceeded || len(message) > 10) {
			t.Errorf("%q has the refund message %q", c, message)
		}
	}
}

func TestEveryResponseCodeHasAnOutcome(t *testing.T) {
	t.Parallel()
	reached := map[string]bool{ovoApproved: true}
	for _, text := range ovoCodes {
		reached[text] = true
	}
	for _, row := range jokul.ResponseCodes {
		if !reached[row.Code] {
			t.Errorf("nothing is answered %q", row.Code)
		}
	}
}

func TestEveryPathHasAnEndpoint(t *testing.T) {
	t.Parallel()
	for _, path := range append([]string{jokul.PathStatus}, jokul.Paths...) {
		if endpoints[path].run == nil {
			t.Errorf("%s has no endpoint", path)
		}
	}
}
