package gateway

import (
	"context"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
)

// OperationName is a kind of call whose outcome a sandbox may decide.
type OperationName string

const (
	OpBind    OperationName = "bind"
	OpBalance OperationName = "balance"
	OpPayment OperationName = "payment"
	OpPush    OperationName = "push"
	OpRefund  OperationName = "refund"
	OpUnbind  OperationName = "unbind"
	OpStatus  OperationName = "status"
)

// Operations lists them all.
var Operations = []OperationName{OpBind, OpBalance, OpPayment, OpPush, OpRefund, OpUnbind, OpStatus}

// Operation is one call about to be decided.
type Operation struct {
	Name      OperationName
	Merchant  MerchantID
	Phone     Phone        // "" when no wallet is known yet
	Reference string       // of the payment, where the merchant names it
	Amount    money.Amount // of the payment or refund
}

// Outcome is what a sandbox wants to become of an operation.
type Outcome struct {
	Delay time.Duration // before anything happens, on the gateway's clock
	Code  Code          // the refusal; Internal (zero) lets the rules decide
}

// decide asks the sandbox for an operation's outcome and waits out its delay. The
// refusal is nil when the rules decide, as they always do outside a sandbox.
func (g *Gateway) decide(ctx context.Context, op Operation) (refusal *Error, err error) {
	if g.force == nil {
		return nil, nil
	}
	outcome, ok := g.force(ctx, op)
	if !ok {
		return nil, nil
	}
	if outcome.Delay > 0 {
		reached, stop := g.clock.At(g.clock.Now().Add(outcome.Delay))
		defer stop()
		select {
		case <-reached:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if outcome.Code == Internal {
		return nil, nil
	}
	return refuse(outcome.Code, "the sandbox was told so"), nil
}

// forced is decide for operations that simply fail.
func (g *Gateway) forced(ctx context.Context, op Operation) error {
	refusal, err := g.decide(ctx, op)
	if refusal != nil {
		return refusal
	}
	return err
}

// knownPhones is how many bindings' phones are kept in memory at least.
const knownPhones = 10_000

// phoneOf is the phone behind a binding, for operations that name only that. It
// is looked up only where a sandbox may decide.
func (g *Gateway) phoneOf(ctx context.Context, id BindingID) Phone {
	phone, known := g.phones.Get(id)
	if !known {
		phone = g.phoneBehind(ctx, func(tx Tx) (Binding, error) { return tx.Binding(id) })
		if phone != "" {
			g.phones.Put(id, phone)
		}
	}
	return phone
}

func (g *Gateway) phoneBehind(ctx context.Context, find func(Tx) (Binding, error)) (phone Phone) {
	if g.force == nil {
		return ""
	}
	_ = g.view(ctx, "", func(tx Tx) error { // an unknown binding is refused later
		b, err := find(tx)
		phone = b.Phone
		return err
	})
	return phone
}
