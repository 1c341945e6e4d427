package gateway

import "errors"

// Served is a dialect's account of one call that it has answered, for the log and
// the figures of a running server. It holds no secret, and Dialect, Operation, Code
// and Result are words of small fixed sets, whatever the caller sent.
type Served struct {
	Dialect   string
	Operation string     // what was called, or NoOperation
	Merchant  MerchantID // "" when nobody knows who called
	Status    int        // of HTTP
	Code      string     // with which the protocol answered, "" where its successes have none
	Result    Result
}

// NoOperation is the operation of a call to a path that no call has.
const NoOperation = "unknown"

// Result sorts the outcomes of calls by who has to do something about them.
type Result string

const (
	ResultDone    Result = "done"    // as asked
	ResultRefused Result = "refused" // a rule said no
	ResultInvalid Result = "invalid" // malformed, not authenticated, or no call at all: the caller's software is wrong
	ResultPending Result = "pending" // the outcome follows
	ResultFault   Result = "fault"   // Gerbang, its database or the wallet's issuer failed
)

// Results lists them all.
var Results = []Result{ResultDone, ResultRefused, ResultInvalid, ResultPending, ResultFault}

// Result is that of a call which ends with the code.
func (c Code) Result() Result {
	switch c {
	case Internal, Unavailable, IssuerFault, PushUndelivered, ClockSkew, QueryInvalid:
		return ResultFault
	case OutcomePending:
		return ResultPending
	case Invalid:
		return ResultInvalid
	}
	return ResultRefused
}

// ResultOf is the result of a call that ended with an error of the gateway, or none.
func ResultOf(err error) Result {
	var e *Error
	var bare Code
	switch {
	case err == nil:
		return ResultDone
	case !errors.As(err, &e) && errors.As(err, &bare):
		return bare.Result()
	}
	return ErrorCode(err).Result()
}
