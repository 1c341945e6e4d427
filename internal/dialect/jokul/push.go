package jokul

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// waiting is the answer of a call that is to be held until a push has an outcome.
type waiting gateway.PaymentID

// push asks the customer to pay on the phone. Every outcome is HTTP 200 and the
// whole body; one that is not there yet is waited for by serve.
func (c *call) push() (any, error) {
	in, problem := jokul.DecodePush(c.doc)
	if problem != nil && in.CheckSum == "" {
		return nil, problem // other than an amount that is missing or below 1
	}
	if err := c.verifyPush(in, in.CheckSumFields()); err != nil {
		return nil, err
	}
	if problem != nil {
		return c.refusedPush(in, gateway.AmountInvalid, problem.Error()), nil
	}
	phone, ok := gateway.ParsePhone(in.Phone)
	if !ok {
		return nil, &jokul.FieldError{Field: "ovo_info.ovo_id", Reason: "must be an Indonesian mobile number"}
	}
	content := fingerprint(string(gateway.PushToPay), string(phone), in.Amount.String(), in.Invoice)
	if err := c.claimPush(content); errors.Is(err, gateway.RequestReused) {
		return c.refusedPush(in, gateway.RequestReused, "the Request-Id was used for another request"), nil
	} else if err != nil {
		return nil, err
	}
	s, err := c.Gateway.StartPush(c.ctx, gateway.StartPush{
		Merchant: c.merchant.ID, Dialect: Dialect, Phone: phone, Reference: in.Invoice, RequestID: c.requestID, Amount: in.Amount,
		Proof: strings.ToLower(in.CheckSum), Fingerprint: content, NotifyURL: c.overrideURL(in.NotificationURL),
		Details: details{Phone: in.Phone, Info: in.AdditionalInfo}.text(),
	})
	if errors.Is(err, gateway.Inconsistent) {
		return c.refusedPush(in, gateway.Inconsistent, err.Error()), nil
	}
	if err != nil {
		return nil, err
	}
	if s.Payment.State == gateway.PaymentAwaiting {
		return waiting(s.Payment.ID), nil
	}
	return c.pushAnswer(s)
}

// void takes a push back on the day it was made. Like a push, it is answered with
// a response code whatever becomes of it.
func (c *call) void() (any, error) {
	in, err := jokul.DecodeVoid(c.doc)
	if err != nil {
		return nil, err
	}
	if err := c.verifyPush(in.Push, in.CheckSumFields()); err != nil {
		return nil, err
	}
	s, err := c.Gateway.VoidPush(c.ctx, gateway.VoidPush{
		Merchant: c.merchant.ID, Dialect: Dialect, Reference: in.Invoice, RequestID: c.requestID, Amount: in.Amount, Approval: in.ApprovalCode,
		Numbers: gateway.TerminalNumbers{Batch: in.BatchNumber, Reference: in.ReferenceNumber, Trace: in.TraceNumber},
	})
	for _, refused := range []gateway.Code{gateway.NotFound, gateway.StatusTooOld, gateway.Reversed} {
		if errors.Is(err, refused) {
			return c.refusedPush(in.Push, refused, err.Error()), nil
		}
	}
	if err != nil {
		return nil, err
	}
	return c.pushAnswer(s)
}

// verifyPush checks who asks, by the check_sum inside the body.
func (c *call) verifyPush(in jokul.Push, fields jokul.CheckSumFields) error {
	switch header := c.r.Header.Get(jokul.HeaderClientID); header {
	case in.ClientID:
	case "":
		c.lookUp(in.ClientID)
	default:
		return invalidClient(fmt.Sprintf("the body says client.id %q, the header Client-Id %q", in.ClientID, header))
	}
	if err := c.known(in.ClientID); err != nil {
		return err
	}
	if c.requestID == "" {
		c.requestID = strings.ToLower(rand.Text())
	}
	verdict, secret := wire.VerifyAny(c.merchant.DOKU.VerifyingKeys(c.Clock.Now()), func(secret string) wire.Verdict {
		return jokul.VerifyCheckSum(secret, fields, in.CheckSum)
	})
	c.merchant.DOKU = c.merchant.DOKU.SignedWith(secret)
	if !verdict.OK && c.Note != nil {
		verdict.Explain(jokul.DiagnoseCheckSum(secret, fields, in.CheckSum, c.clues()))
	}
	return c.judged(verdict, "Invalid check_sum", "the check_sum does not match")
}

// claimPush uses the Request-Id up for this invoice and these fields, for which it
// may come again.
func (c *call) claimPush(content string) error {
	if c.r.Header.Get(jokul.HeaderRequestID) == "" {
		return nil // it was made here
	}
	claim := gateway.Claim{Merchant: c.merchant.ID, Scope: Dialect, Key: c.requestID, Fingerprint: content}
	err := c.Gateway.ClaimRequest(c.ctx, claim)
	if !errors.Is(err, gateway.RequestReused) {
		return err
	}
	if r, _, lookErr := c.Gateway.EarlierRequest(c.ctx, claim); lookErr != nil || r.Same {
		return lookErr
	}
	return err
}

// outcome answers a push that was waited for.
func (c *call) outcome(id gateway.PaymentID) (any, error) {
	s, err := c.Gateway.Push(c.ctx, id)
	if err != nil {
		return nil, err
	}
	return c.pushAnswer(s)
}

// pushAnswer says how a push stands.
func (c *call) pushAnswer(s gateway.PushStatus) (any, error) {
	p := s.Payment
	echo, err := detailsOf(p)
	if err != nil {
		return nil, err
	}
	answer := jokul.PushAnswer{
		Client: jokul.ClientRef{ID: c.merchant.DOKU.ClientID},
		Order:  jokul.OrderTotal{InvoiceNumber: p.Reference, Amount: jokul.Number(p.Amount)},
		OVOInfo: jokul.OVOInfo{
			OVOID: echo.Phone, OVOAccountName: s.Wallet.Name,
		},
		OVOConfiguration: configuration(c.merchant.ID), OVOPayment: ovoPayment(s, c.Clock.Now()),
	}
	c.served.Code = answer.OVOPayment.ResponseCode
	switch {
	case !p.State.Final():
		c.served.Result = gateway.ResultPending
	case p.State != gateway.PaymentSucceeded:
		c.served.Result = p.Reason.Result()
	}
	if p.Reason != gateway.Internal {
		c.note(wire.Note{Reason: "response code " + answer.OVOPayment.ResponseCode + ": " + p.Reason.Error()})
	}
	return c.signedPush(answer), nil
}

// refusedPush answers a push of which nothing is kept.
func (c *call) refusedPush(in jokul.Push, why gateway.Code, reason string) any {
	amount, _ := strconv.ParseInt(in.AmountText, 10, 64) // "" is 0
	answer := jokul.PushAnswer{
		Client:           jokul.ClientRef{ID: c.merchant.DOKU.ClientID},
		Order:            jokul.OrderTotal{InvoiceNumber: in.Invoice, Amount: jokul.Number(amount)},
		OVOInfo:          jokul.OVOInfo{OVOID: in.Phone},
		OVOConfiguration: configuration(c.merchant.ID),
		OVOPayment:       jokul.OVOPayment{Date: jokul.FormatPaymentDate(c.Clock.Now()), ResponseCode: ovoCodes[why], Status: jokul.StatusFailed},
	}
	c.served.Code, c.served.Result = answer.OVOPayment.ResponseCode, why.Result()
	c.note(wire.Note{Reason: "response code " + answer.OVOPayment.ResponseCode + ": " + reason})
	return c.signedPush(answer)
}

func (c *call) signedPush(answer jokul.PushAnswer) jokul.PushAnswer {
	answer.Security.CheckSum = answer.CheckSumFields().Sum(c.merchant.DOKU.SecretKey)
	return answer
}

// ovoPayment is the outcome of a push. Repeats of an answer say the same, so its
// date is now only while the customer is still asked.
func ovoPayment(s gateway.PushStatus, now time.Time) jokul.OVOPayment {
	p, numbers := s.Payment, s.Push.Numbers
	out := jokul.OVOPayment{
		Date: jokul.FormatPaymentDate(paymentDate(p, now)), BatchNumber: jokul.Number(numbers.Batch),
		TraceNumber: jokul.Number(numbers.Trace), ReferenceNumber: jokul.Number(numbers.Reference),
	}
	out.ResponseCode, out.Status = pushOutcome(p)
	if p.State == gateway.PaymentSucceeded {
		out.ApprovalCode = s.Push.Approval
		out.CashUsed, out.CashBalance = jokul.Number(p.Split.Cash), jokul.Number(s.Push.Left.Cash)
		out.OVOPointsUsed, out.OVOPointsBalance = jokul.Number(p.Split.Points), jokul.Number(s.Push.Left.Points)
	}
	return out
}

// paymentDate is when a payment ended or, before that, when its outcome became
// uncertain; else now.
func paymentDate(p gateway.Payment, now time.Time) time.Time {
	switch {
	case p.State.Final():
		return p.FinalAt
	case p.State == gateway.PaymentUncertain:
		return p.CreatedAt
	default:
		return now
	}
}

// configuration is how a merchant is known at OVO: numbers that follow from its id.
func configuration(id gateway.MerchantID) jokul.OVOConfiguration {
	sum := sha256.Sum256([]byte("terminal " + id))
	n := binary.BigEndian.Uint64(sum[:8]) % 10_000_000
	store := fmt.Sprintf("GRB%012d", n)
	return jokul.OVOConfiguration{MerchantID: fmt.Sprintf("%07d", n), StoreCode: store, MID: store, TID: fmt.Sprintf("%07d1", n)}
}
