package gateway_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

func TestResults(t *testing.T) {
	t.Parallel()
	for _, c := range gateway.Codes() {
		if !slices.Contains(gateway.Results, c.Result()) || c.Result() == gateway.ResultDone {
			t.Errorf("%v is %q", c, c.Result())
		}
	}
	for err, want := range map[error]gateway.Result{
		nil:                               gateway.ResultDone,
		errors.New("the disk is on fire"): gateway.ResultFault,
		gateway.NotFound:                  gateway.ResultRefused,
		gateway.OutcomePending:            gateway.ResultPending,
		fmt.Errorf("while paying: %w", &gateway.Error{Code: gateway.InsufficientFunds}): gateway.ResultRefused,
		&gateway.Error{Code: gateway.Unavailable, Err: gateway.NotFound}:                gateway.ResultFault, // the outer one counts
		&gateway.Error{Code: gateway.Invalid, Detail: "text must be UTF-8"}:             gateway.ResultInvalid,
	} {
		if got := gateway.ResultOf(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}
