package faspay

import (
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

func TestEveryGatewayCodeHasAnAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range gateway.Codes() {
		row, ok := codes[c]
		if !ok || faspay.CodeText(row.code) == "" || row.code == faspay.CodeSuccess || row.code == faspay.CodeRenew || row.desc == "" {
			t.Errorf("%q is answered %+v", c, row)
		}
		// A service knows 00, 01 and 02; inquiry and cancellation know of orders besides.
		if row.level == ofService && row.code != faspay.CodeFailed && c != gateway.NotFound {
			t.Errorf("%q is answered %s by the service", c, row.code)
		}
		if (row.level == ofFault || row.level == ofRate) != (row.code == faspay.CodeMalfunction) {
			t.Errorf("%q is answered %s at level %d", c, row.code, row.level)
		}
	}
}

func TestEveryServiceHasAHandler(t *testing.T) {
	t.Parallel()
	for _, s := range faspay.Services {
		if services[s] == nil {
			t.Errorf("%s has no handler", s)
		}
	}
	if len(services) != len(faspay.Services) {
		t.Errorf("%d handlers for %d services", len(services), len(faspay.Services))
	}
}

func TestEveryEndOfAPaymentIsNotifiedAndAnswered(t *testing.T) {
	t.Parallel()
	for _, state := range []gateway.PaymentState{gateway.PaymentSucceeded, gateway.PaymentFailed, gateway.PaymentExpired, gateway.PaymentCancelled} {
		status := eventStatus[gateway.EventKind("payment."+string(state))]
		if p := (gateway.Payment{State: state, Amount: 1}); statusOf(withSplit(p), true) != status || status == "" {
			t.Errorf("%s is notified as %q and asked for as %q", state, status, statusOf(withSplit(p), true))
		}
		if faspay.CodeText(lateCancel[status]) == "" {
			t.Errorf("cancelling what is %s has no answer", state)
		}
	}
	for _, state := range []gateway.PaymentState{gateway.PaymentRefused, gateway.PaymentUncertain} {
		if faspay.CodeText(lateCancel[statusOf(gateway.Payment{State: state}, false)]) == "" {
			t.Errorf("cancelling what is %s has no answer", state)
		}
	}
}

// withSplit gives a payment the split it needs not to look refunded.
func withSplit(p gateway.Payment) gateway.Payment {
	p.Split.Cash = p.Amount
	return p
}
