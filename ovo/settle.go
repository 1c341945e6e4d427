package ovo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// settleStart and settleLimit are the first and the longest wait between two
// questions of Settle; each wait is twice the one before. DOKU wants a minute.
const (
	settleStart = time.Second
	settleLimit = time.Minute
)

// settle asks until the answer is final. What may be different at the next question
// does not end it: a payment that is not there yet, a gateway that cannot be reached.
func settle[S any](ctx context.Context, ask func(context.Context) (S, State, error)) (S, error) {
	var last S
	for wait := settleStart; ; wait = min(2*wait, settleLimit) {
		answer, state, err := ask(ctx)
		switch {
		case err == nil:
			last = answer
			if state.Final() {
				return last, nil
			}
		case ctx.Err() == nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUnavailable):
			return last, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if err == nil {
				err = fmt.Errorf("the state is %s", state)
			}
			return last, failed("settle", unknown(fmt.Errorf("%w: last answer: %w", ctx.Err(), err)))
		}
	}
}

// Settle asks Status until the payment's state is final, and is what to call after
// [ErrOutcomeUnknown]. It asks at once and then at growing intervals of up to a
// minute, through ErrNotFound and ErrUnavailable, until ctx ends. Then the error is
// ErrOutcomeUnknown again, beside the last answer if there was one.
//
// How long to wait: a request that has not reached the gateway within 15 minutes is
// refused for its timestamp. If the last answer after more than that is ErrNotFound,
// nobody was and nobody will be charged. A Sale waits for the customer on top.
func (c *SNAPClient) Settle(ctx context.Context, q StatusQuery) (PaymentStatus, error) {
	return settle(ctx, func(ctx context.Context) (PaymentStatus, State, error) {
		s, err := c.Status(ctx, q)
		return s, s.State, err
	})
}

// Settle asks Status until the payment's state is final, as [SNAPClient.Settle] does.
// Timestamps serve for an hour in this API.
func (c *JokulClient) Settle(ctx context.Context, id string) (JokulStatus, error) {
	return c.line.settle(ctx, id)
}

// Settle asks Status until the payment's state is final, as [SNAPClient.Settle] does.
// Timestamps serve for an hour in this API, and the customer is asked for 70 seconds.
func (c *PushClient) Settle(ctx context.Context, invoice string) (JokulStatus, error) {
	return c.line.settle(ctx, invoice)
}

func (l *jokulLine) settle(ctx context.Context, id string) (JokulStatus, error) {
	return settle(ctx, func(ctx context.Context) (JokulStatus, State, error) {
		s, err := l.status(ctx, id)
		return s, s.State, err
	})
}

// Settle asks Inquire until the payment's state is final, as [SNAPClient.Settle]
// does. It serves after a Cancel whose outcome is unknown, and to wait for a customer;
// after a Pay whose outcome is unknown there is no TrxID to ask for, so repeat that.
func (c *FaspayClient) Settle(ctx context.Context, b FaspayBill) (FaspayStatus, error) {
	return settle(ctx, func(ctx context.Context) (FaspayStatus, State, error) {
		s, err := c.Inquire(ctx, b)
		return s, s.State, err
	})
}
