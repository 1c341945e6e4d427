package ovo

import (
	"context"
	"fmt"

	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// FaspayActivateRequest asks an OVO customer to let the merchant charge the wallet.
type FaspayActivateRequest struct {
	// Phone is the number of the OVO account: 08…, 62… or +62….
	Phone string
	// CustomerName has up to 128 characters.
	CustomerName string
}

// FaspayActivation is a link that waits for the customer.
type FaspayActivation struct {
	// RedirectURL is the page on which the customer enters OTP and PIN. Gerbang
	// keeps it open for 15 minutes.
	RedirectURL string
	// Status and Message are the gateway's ("ALLOWED", "SUCCESS"). The guide has no
	// list of them.
	Status  string
	Message string
}

// Activate starts linking a wallet to the merchant (service 100037). The link, of
// this phone number and this merchant, is what the other calls stand on; there is no
// token. How it ends, an activation callback tells: see [FaspayReceiver]. A second
// Activate while one is pending replaces its page, so after a broken connection it
// may be repeated. ErrRefused: the wallet is linked already, does not exist, or is
// blocked; the message says which.
func (c *FaspayClient) Activate(ctx context.Context, r FaspayActivateRequest) (FaspayActivation, error) {
	const op = "activate"
	var v check
	phone := v.local(r.Phone)
	v.printable("CustomerName", r.CustomerName, maxFaspayName)
	if v.err != nil {
		return FaspayActivation{}, failed(op, v.err)
	}
	var answer faspay.ActivationAnswer
	err := c.do(ctx, faspayCall{service: faspay.ServiceActivation, body: faspay.ActivationRequest{
		Request: "Account Activation", MerchantID: c.merchant.id, PaymentChannel: faspay.Channel, PhoneNo: phone, CustName: r.CustomerName,
		Signature: c.sign(phone),
	}}, &answer)
	if err == nil && answer.RedirectURL == "" {
		err = unreadable("no redirectURL")
	}
	if err != nil {
		return FaspayActivation{}, failed(op, err)
	}
	return FaspayActivation{RedirectURL: answer.RedirectURL, Status: answer.Status, Message: answer.Message}, nil
}

// sign signs what the signature of a request covers: a phone or order number, and
// nothing else of the request.
func (c *FaspayClient) sign(text string) string {
	return faspay.Sign(c.merchant.userID, c.merchant.password, text)
}

// Unlink ends the link of a phone number at once. Payments whose page is open run
// on. ErrRefused means that there is no link (any more), so after a broken
// connection Unlink may simply be repeated. The guide documents no answer.
func (c *FaspayClient) Unlink(ctx context.Context, phone string) error {
	const op = "unlink"
	var v check
	number := v.local(phone)
	if v.err != nil {
		return failed(op, v.err)
	}
	var answer faspay.UnlinkAnswer
	err := c.do(ctx, faspayCall{service: faspay.ServiceUnlink, body: faspay.UnlinkRequest{
		Request: "Unlink", MerchantID: c.merchant.id, Merchant: c.name, PhoneNo: number, PaymentChannel: faspay.Channel, Signature: c.sign(number),
	}}, &answer)
	if err != nil {
		return failed(op, err)
	}
	return nil
}

// Balance reads the purses behind a link. It says what could be spent a moment ago;
// only the customer's page says what can be spent. It is repeated once when the
// connection breaks. ErrRefused: the number is not linked, or the link has ended.
func (c *FaspayClient) Balance(ctx context.Context, phone string) (Balance, error) {
	const op = "balance"
	var v check
	number := v.local(phone)
	if v.err != nil {
		return Balance{}, failed(op, v.err)
	}
	var answer faspay.BalanceAnswer
	err := c.do(ctx, faspayCall{service: faspay.ServiceBalance, read: true, body: faspay.BalanceRequest{
		Request: "Check Balance", MerchantID: c.merchant.id, PaymentChannel: faspay.Channel, PhoneNo: number, Signature: c.sign(number),
	}}, &answer)
	if err != nil {
		return Balance{}, failed(op, err)
	}
	var b Balance
	if b.Cash, err = c.rupiah(answer.Detail.Cash.Balance); err != nil {
		return Balance{}, failed(op, unreadable("balance of cash: %v", err))
	}
	if answer.Detail.Points.Balance == "" { // a wallet without points
		return b, nil
	}
	if b.Points, err = c.rupiah(answer.Detail.Points.Balance); err != nil {
		return Balance{}, failed(op, unreadable("balance of points: %v", err))
	}
	return b, nil
}

// rupiah reads an amount of an answer, which may be 0.
func (c *FaspayClient) rupiah(text string) (int64, error) {
	amount, err := faspay.ParseBalance(text, c.scale)
	if err != nil {
		return 0, fmt.Errorf("%q is no amount of scale %d", text, c.scale)
	}
	return int64(amount), nil
}

// FaspayTopUp is one way to fill a wallet.
type FaspayTopUp struct {
	Option string // such as "ATM"
	Icon   string // address of a picture
	URL    string // address of the instruction
}

// TopUp lists the ways to fill a wallet, to be shown to its owner. It moves nothing
// and needs no link. It is repeated once when the connection breaks.
func (c *FaspayClient) TopUp(ctx context.Context, phone string) ([]FaspayTopUp, error) {
	const op = "top up"
	var v check
	number := v.local(phone)
	if v.err != nil {
		return nil, failed(op, v.err)
	}
	var answer faspay.TopUpAnswer
	err := c.do(ctx, faspayCall{service: faspay.ServiceTopUp, read: true, body: faspay.TopUpRequest{
		Request: "Top Up Instruction", MerchantID: c.merchant.id, Merchant: c.name, PhoneNo: number, PaymentChannel: faspay.Channel, Signature: c.sign(number),
	}}, &answer)
	if err != nil {
		return nil, failed(op, err)
	}
	var ways []FaspayTopUp
	for _, i := range answer.Instructions {
		ways = append(ways, FaspayTopUp(i))
	}
	return ways, nil
}
