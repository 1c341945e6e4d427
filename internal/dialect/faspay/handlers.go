package faspay

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// A phone that is no Indonesian mobile number belongs to no wallet. It is the empty
// gateway.Phone, which no wallet has either.
func phoneOf(text string) gateway.Phone {
	phone, _ := gateway.ParsePhone(text)
	return phone
}

func (c *call) amount(a money.Amount) string {
	return faspay.FormatAmount(a, c.merchant.Faspay.AmountScale)
}

// pageReturn is where the browser goes when nothing is to be added to the address.
func (c *call) pageReturn() gateway.ReturnURLs {
	return gateway.ReturnURLs{Success: c.merchant.Faspay.ReturnURL, Failure: c.merchant.Faspay.ReturnURL}
}

func (c *call) activation() (any, error) {
	in, err := faspay.DecodeActivation(c.doc)
	if err != nil {
		return nil, err
	}
	_, page, err := c.Gateway.StartBinding(c.ctx, gateway.StartBinding{
		Merchant: c.merchant.ID, Phone: phoneOf(in.Phone), CustomerID: string(phoneOf(in.Phone)), CustomerName: in.CustName,
		Dialect: Dialect, ByPhone: true, Details: in.Phone, Return: c.pageReturn(),
	})
	answer := faspay.ActivationAnswer{Response: responseActivation, Status: faspay.ActivationDenied, Message: faspay.PaymentFailed}
	if err == nil {
		answer.Status, answer.Message, answer.RedirectURL = faspay.ActivationAllowed, faspay.PaymentSuccess, c.PageURL(page)
	}
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(err)
	return answer, err
}

var uses = map[string]ledger.Use{
	faspay.PayCash: ledger.UseCash, faspay.PayPoints: ledger.UsePoints, faspay.PayBoth: ledger.UsePointsFirst,
}

func (c *call) payment() (any, error) {
	in, err := faspay.DecodePayment(c.doc, c.merchant.Faspay.AmountScale)
	if err != nil {
		return nil, err
	}
	phone := phoneOf(in.Phone)
	p, page, err := c.Gateway.CreatePayment(c.ctx, gateway.CreatePayment{
		Merchant: c.merchant.ID, Phone: phone, Channel: gateway.FaspayPayment, Dialect: Dialect,
		Order: in.BillNo, Reference: trxPrefix(c.merchant.Faspay.MerchantID), Amount: in.Total, Use: uses[in.PayType],
		Fingerprint: fingerprint(string(phone), in.Total.String(), in.PayType), Return: c.pageReturn(),
	})
	if errors.Is(err, gateway.ConsentExpired) {
		return c.renewal(in, err)
	}
	answer := faspay.PaymentAnswer{Response: responsePayment, Status: faspay.PaymentFailed, BillNo: in.BillNo, Amount: c.amount(in.Total)}
	if err == nil {
		answer.RedirectURL, answer.Status = c.PageURL(page), historyStatus(p)
		answer.TrxID, answer.PaymentDay = p.Reference, faspay.FormatTime(p.CreatedAt)
	}
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(err)
	return answer, err
}

// trxPrefix begins the trx_id of a merchant's payments: its id with five digits and
// the channel. Eight random digits follow.
func trxPrefix(merchantID string) string {
	return strings.Repeat("0", gateway.MaxFaspayID-len(merchantID)) + merchantID + faspay.Channel
}

// fingerprint covers what makes two payments of one bill the same.
func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}

// renewal answers a payment whose link has lapsed with the page that renews it.
func (c *call) renewal(in faspay.Payment, lapsed error) (any, error) {
	_, page, err := c.Gateway.RenewBinding(c.ctx, gateway.RenewBinding{
		Merchant: c.merchant.ID, Phone: phoneOf(in.Phone), Dialect: Dialect, CustomerName: in.CustName, Details: in.Phone, Return: c.pageReturn(),
	})
	if err == nil {
		c.served.Code, c.served.Result = faspay.CodeRenew, gateway.ResultRefused
		c.note(wire.Note{Reason: lapsed.Error()})
		return faspay.RenewalAnswer{
			Response: responsePayment, ResponseCode: faspay.CodeRenew, ResponseDesc: faspay.CodeText(faspay.CodeRenew), URL: c.PageURL(page),
		}, nil
	}
	answer := faspay.PaymentAnswer{Response: responsePayment, Status: faspay.PaymentFailed, BillNo: in.BillNo, Amount: c.amount(in.Total)}
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(err)
	return answer, err
}

func (c *call) topUp() (any, error) {
	in, err := faspay.DecodeTopUp(c.doc)
	if err != nil {
		return nil, err
	}
	answer := faspay.TopUpAnswer{
		Request: responseTopUp, Response: responseTopUp, MerchantID: c.merchant.Faspay.MerchantID, PhoneNo: in.Phone,
		PaymentChannel: faspay.Channel, Merchant: c.merchant.Name, Instructions: c.TopUp,
	}
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(nil)
	return answer, err
}

func (c *call) balance() (any, error) {
	in, err := faspay.DecodeBalance(c.doc)
	if err != nil {
		return nil, err
	}
	answer := faspay.BalanceAnswer{
		Response: responseBalance, PhoneNo: in.Phone, PaymentChannel: faspay.Channel, MerchantID: c.merchant.Faspay.MerchantID,
	}
	b, err := c.Gateway.BindingByPhone(c.ctx, c.merchant.ID, phoneOf(in.Phone))
	if err == nil {
		var w gateway.Wallet
		if w, err = c.Gateway.Balance(c.ctx, c.merchant.ID, b.ID); err == nil {
			answer.Detail.Cash.Balance, answer.Detail.Points.Balance = c.amount(w.Balance.Cash), c.amount(w.Balance.Points)
		}
	}
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(err)
	return answer, err
}

// maxHistory is the longest time that one history may cover, in days.
const maxHistory = 90

func (c *call) history() (any, error) {
	answer := faspay.HistoryAnswer{
		Response: responseHistory, PhoneNo: c.head.Signed, MerchantID: c.merchant.Faspay.MerchantID, PaymentChannel: faspay.Channel,
		Merchant: c.merchant.Name,
	}
	in, err := faspay.DecodeHistory(c.doc)
	if err == nil {
		err = c.historyRange(in)
	}
	var field *faspay.FieldError
	if errors.As(err, &field) && field.Range && field.Field != "payment_channel" {
		c.note(wire.Note{Reason: field.Error()})
		c.served.Code, c.served.Result = faspay.CodeFailed, gateway.ResultInvalid
		answer.ResponseCode, answer.ResponseDesc = faspay.CodeFailed, "Field "+field.Field+" "+field.Reason
		return answer, nil
	}
	if err != nil {
		return nil, err
	}
	payments, err := c.Gateway.History(c.ctx, gateway.HistoryQuery{
		Merchant: c.merchant.ID, Phone: phoneOf(in.Phone), Dialect: Dialect,
		From: in.First, Until: in.Last.AddDate(0, 0, 1), Page: in.Page, Limit: in.Limit,
	})
	for _, p := range payments {
		answer.Transactions = append(answer.Transactions, c.transaction(p))
	}
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(err)
	return answer, err
}

// historyRange refuses days to come and ranges that are too long.
func (c *call) historyRange(in faspay.History) error {
	switch now := c.Clock.Now(); {
	case in.First.After(now):
		return &faspay.FieldError{Field: "start_date", Range: true, Reason: "must not be later than today"}
	case in.Last.After(now):
		return &faspay.FieldError{Field: "end_date", Range: true, Reason: "must not be later than today"}
	case in.Last.Sub(in.First) >= maxHistory*24*time.Hour: // WIB has no days of other lengths
		return &faspay.FieldError{Field: "start_date", Range: true, Reason: fmt.Sprintf("must be at most %d days before end_date", maxHistory-1)}
	}
	return nil
}

func (c *call) transaction(p gateway.Payment) faspay.Transaction {
	t := faspay.Transaction{
		PaymentDate: faspay.FormatTime(decidedAt(p)), Status: historyStatus(p), TrxID: p.Reference, TrxAmount: c.amount(p.Amount),
		AmountDetail: faspay.AmountDetails{},
	}
	if p.State != gateway.PaymentSucceeded {
		return t
	}
	for _, part := range []faspay.AmountDetail{{Type: faspay.PursePoints, Amt: c.amount(p.Split.Points)}, {Type: faspay.PurseCash, Amt: c.amount(p.Split.Cash)}} {
		if part.Amt != "0" {
			t.AmountDetail = append(t.AmountDetail, part)
		}
	}
	return t
}

// decidedAt is when a payment was decided or, while it waits, made.
func decidedAt(p gateway.Payment) time.Time {
	if p.FinalAt.IsZero() {
		return p.CreatedAt
	}
	return p.FinalAt
}

func (c *call) unlink() (any, error) {
	in, err := faspay.DecodeUnlink(c.doc)
	if err != nil {
		return nil, err
	}
	answer := faspay.UnlinkAnswer{
		Response: responseUnlink, MerchantID: c.merchant.Faspay.MerchantID, PhoneNo: in.Phone, PaymentChannel: faspay.Channel,
	}
	b, err := c.Gateway.BindingByPhone(c.ctx, c.merchant.ID, phoneOf(in.Phone))
	if err == nil {
		_, err = c.Gateway.Unbind(c.ctx, gateway.Claim{}, c.merchant.ID, b.ID)
	}
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(err)
	return answer, err
}

func (c *call) inquiry() (any, error) {
	in, err := faspay.DecodeInquiry(c.doc)
	if err != nil {
		return nil, err
	}
	answer := faspay.InquiryAnswer{
		Response: responseInquiry, TrxID: in.TrxID, MerchantID: c.merchant.Faspay.MerchantID, Merchant: c.merchant.Name, BillNo: in.BillNo,
		PaymentStatusCode: faspay.StatusUnknown,
	}
	found, err := c.Gateway.FindPayment(c.ctx, c.merchant.ID, gateway.PaymentQuery{Dialect: Dialect, Reference: in.TrxID, Order: in.BillNo})
	switch p := found.Payment; {
	case errors.Is(err, gateway.NotFound):
		answer.PaymentStatusCode = faspay.StatusNoBill
	case err == nil:
		answer.PaymentStatusCode = statusOf(p, found.Opened)
		if p.State == gateway.PaymentSucceeded {
			answer.PaymentReff, answer.PaymentDate, answer.PaymentTotal = paymentReff(p), faspay.FormatTime(p.FinalAt), c.amount(p.Amount)
		}
	}
	answer.PaymentStatusDesc = faspay.StatusText(answer.PaymentStatusCode)
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(err)
	return answer, err
}

// paymentReff is the wallet's reference of a success: that of its transfer.
func paymentReff(p gateway.Payment) string { return strings.TrimPrefix(p.TransferID, "trf_") }

func (c *call) cancel() (any, error) {
	in, err := faspay.DecodeCancel(c.doc)
	if err != nil {
		return nil, err
	}
	answer := faspay.CancelAnswer{
		Response: responseCancel, TrxID: in.TrxID, MerchantID: c.merchant.Faspay.MerchantID, Merchant: c.merchant.Name, BillNo: in.BillNo,
		PaymentStatusCode: faspay.StatusUnknown, PaymentCancel: in.Reason,
	}
	p, err := c.Gateway.CancelPayment(c.ctx, c.merchant.ID, gateway.PaymentQuery{Dialect: Dialect, Reference: in.TrxID, Order: in.BillNo})
	late := errors.Is(err, gateway.WrongState)
	switch {
	case errors.Is(err, gateway.NotFound):
		answer.PaymentStatusCode = faspay.StatusNoBill
	case err == nil, late:
		answer.PaymentStatusCode = statusOf(p, false)
	}
	answer.PaymentStatusDesc = faspay.StatusText(answer.PaymentStatusCode)
	answer.TrxStatusCode, answer.TrxStatusDesc = trxStatus(answer.PaymentStatusCode)
	if p.State == gateway.PaymentCancelled {
		answer.PaymentCancelDate = faspay.FormatTime(p.FinalAt)
	}
	answer.ResponseCode, answer.ResponseDesc, err = c.outcome(err)
	if late {
		answer.ResponseCode = lateCancel[answer.PaymentStatusCode]
		answer.ResponseDesc = faspay.CodeText(answer.ResponseCode)
		c.served.Code = answer.ResponseCode
	}
	return answer, err
}
