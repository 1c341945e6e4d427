package storetest

import (
	"context"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Steps of a transaction besides its calls, which are called as the methods of
// gateway.Tx are.
const (
	StepView      = "view"      // before a read snapshot
	StepBegin     = "begin"     // before a transaction begins
	StepCommit    = "commit"    // when all is written, before it is durable
	StepCommitted = "committed" // when it is durable, before anybody is told
)

// Faulty wraps a store so that a test sees each step and decides its fate: an
// error from at stands for the step's own. One at StepCommit is a commit that
// failed; one at StepCommitted a commit whose answer got lost. at may also end the
// process. It is called by many goroutines.
//
// It sees every write by which money, consent or a notification moves, and the
// reads that decide about them.
func Faulty(s gateway.Store, at func(step string) error) gateway.Store { return faulty{s, at} }

type faulty struct {
	gateway.Store
	at func(string) error
}

func (s faulty) View(ctx context.Context, fn func(gateway.Tx) error) error {
	if err := s.at(StepView); err != nil {
		return err
	}
	return s.Store.View(ctx, func(tx gateway.Tx) error { return fn(faultyTx{tx, s.at}) })
}

func (s faulty) Peek(ctx context.Context, fn func(gateway.Tx) error) error {
	if err := s.at(StepView); err != nil {
		return err
	}
	return s.Store.Peek(ctx, func(tx gateway.Tx) error { return fn(faultyTx{tx, s.at}) })
}

func (s faulty) Update(ctx context.Context, fn func(gateway.Tx) error) error {
	if err := s.at(StepBegin); err != nil {
		return err
	}
	err := s.Store.Update(ctx, func(tx gateway.Tx) error {
		if err := fn(faultyTx{tx, s.at}); err != nil {
			return err
		}
		return s.at(StepCommit)
	})
	if err != nil {
		return err
	}
	return s.at(StepCommitted)
}

type faultyTx struct {
	gateway.Tx
	at func(string) error
}

// step makes one call unless its fate is another.
func step[T any](t faultyTx, name string, call func() (T, error)) (result T, err error) {
	if err := t.at(name); err != nil {
		return result, err
	}
	return call()
}

// bare is step for calls that return an error alone.
func bare(t faultyTx, name string, call func() error) error {
	if err := t.at(name); err != nil {
		return err
	}
	return call()
}

func (t faultyTx) SetWalletPhone(id gateway.WalletID, from, to gateway.Phone) (bool, error) {
	return step(t, "SetWalletPhone", func() (bool, error) { return t.Tx.SetWalletPhone(id, from, to) })
}

func (t faultyTx) InsertClaim(c gateway.Claim) (bool, error) {
	return step(t, "InsertClaim", func() (bool, error) { return t.Tx.InsertClaim(c) })
}

func (t faultyTx) SetClaimAnswer(c gateway.Claim, answer string) error {
	return bare(t, "SetClaimAnswer", func() error { return t.Tx.SetClaimAnswer(c, answer) })
}

func (t faultyTx) SetPINFails(id gateway.WalletID, fails int, lockedUntil time.Time) error {
	return bare(t, "SetPINFails", func() error { return t.Tx.SetPINFails(id, fails, lockedUntil) })
}

func (t faultyTx) Merchant(id gateway.MerchantID) (gateway.Merchant, error) {
	return step(t, "Merchant", func() (gateway.Merchant, error) { return t.Tx.Merchant(id) })
}

func (t faultyTx) Wallet(id gateway.WalletID) (gateway.Wallet, error) {
	return step(t, "Wallet", func() (gateway.Wallet, error) { return t.Tx.Wallet(id) })
}

func (t faultyTx) WalletByPhone(phone gateway.Phone) (gateway.Wallet, error) {
	return step(t, "WalletByPhone", func() (gateway.Wallet, error) { return t.Tx.WalletByPhone(phone) })
}

func (t faultyTx) DebitWallet(id gateway.WalletID, s ledger.Split) (bool, error) {
	return step(t, "DebitWallet", func() (bool, error) { return t.Tx.DebitWallet(id, s) })
}

func (t faultyTx) CreditWallet(id gateway.WalletID, s ledger.Split, holding money.Amount) (bool, error) {
	return step(t, "CreditWallet", func() (bool, error) { return t.Tx.CreditWallet(id, s, holding) })
}

func (t faultyTx) InsertTransfer(transfer ledger.Transfer) error {
	return bare(t, "InsertTransfer", func() error { return t.Tx.InsertTransfer(transfer) })
}

func (t faultyTx) InsertBinding(b gateway.Binding) error {
	return bare(t, "InsertBinding", func() error { return t.Tx.InsertBinding(b) })
}

func (t faultyTx) Binding(id gateway.BindingID) (gateway.Binding, error) {
	return step(t, "Binding", func() (gateway.Binding, error) { return t.Tx.Binding(id) })
}

func (t faultyTx) Payer(id gateway.BindingID) (b gateway.Binding, w gateway.Wallet, err error) {
	err = bare(t, "Payer", func() (err error) {
		b, w, err = t.Tx.Payer(id)
		return err
	})
	return b, w, err
}

func (t faultyTx) ActiveBinding(m gateway.MerchantID, w gateway.WalletID) (gateway.Binding, error) {
	return step(t, "ActiveBinding", func() (gateway.Binding, error) { return t.Tx.ActiveBinding(m, w) })
}

func (t faultyTx) ActivateBinding(id gateway.BindingID, expiresAt time.Time) (bool, error) {
	return step(t, "ActivateBinding", func() (bool, error) { return t.Tx.ActivateBinding(id, expiresAt) })
}

func (t faultyTx) EndBinding(id gateway.BindingID, from, to gateway.BindingState, by gateway.EndedBy) (bool, error) {
	return step(t, "EndBinding", func() (bool, error) { return t.Tx.EndBinding(id, from, to, by) })
}

func (t faultyTx) SetBindingToken(id gateway.BindingID, expiresAt time.Time) error {
	return bare(t, "SetBindingToken", func() error { return t.Tx.SetBindingToken(id, expiresAt) })
}

func (t faultyTx) InsertPage(p gateway.Page) error {
	return bare(t, "InsertPage", func() error { return t.Tx.InsertPage(p) })
}

func (t faultyTx) PageByKey(key string) (gateway.Page, error) {
	return step(t, "PageByKey", func() (gateway.Page, error) { return t.Tx.PageByKey(key) })
}

func (t faultyTx) UpdatePage(p, before gateway.Page) (bool, error) {
	return step(t, "UpdatePage", func() (bool, error) { return t.Tx.UpdatePage(p, before) })
}

func (t faultyTx) EndPage(id gateway.PageID, to gateway.PageState) (bool, error) {
	return step(t, "EndPage", func() (bool, error) { return t.Tx.EndPage(id, to) })
}

func (t faultyTx) InsertPayment(p gateway.Payment) (bool, error) {
	return step(t, "InsertPayment", func() (bool, error) { return t.Tx.InsertPayment(p) })
}

func (t faultyTx) FinishPayment(p gateway.Payment, from gateway.PaymentState) (bool, error) {
	return step(t, "FinishPayment", func() (bool, error) { return t.Tx.FinishPayment(p, from) })
}

func (t faultyTx) SetRefunded(id gateway.PaymentID, from, to ledger.Split) (bool, error) {
	return step(t, "SetRefunded", func() (bool, error) { return t.Tx.SetRefunded(id, from, to) })
}

func (t faultyTx) Payment(id gateway.PaymentID) (gateway.Payment, error) {
	return step(t, "Payment", func() (gateway.Payment, error) { return t.Tx.Payment(id) })
}

func (t faultyTx) PaymentByReference(m gateway.MerchantID, dialect, reference string) (gateway.Payment, error) {
	return step(t, "PaymentByReference", func() (gateway.Payment, error) { return t.Tx.PaymentByReference(m, dialect, reference) })
}

func (t faultyTx) PaymentOfOrder(m gateway.MerchantID, dialect, order string) (gateway.Payment, error) {
	return step(t, "PaymentOfOrder", func() (gateway.Payment, error) { return t.Tx.PaymentOfOrder(m, dialect, order) })
}

func (t faultyTx) InsertPush(p gateway.Push) (bool, error) {
	return step(t, "InsertPush", func() (bool, error) { return t.Tx.InsertPush(p) })
}

func (t faultyTx) FinishPush(p gateway.Push) (bool, error) {
	return step(t, "FinishPush", func() (bool, error) { return t.Tx.FinishPush(p) })
}

func (t faultyTx) Push(id gateway.PaymentID) (gateway.Push, error) {
	return step(t, "Push", func() (gateway.Push, error) { return t.Tx.Push(id) })
}

func (t faultyTx) NextTerminalNumbers(m gateway.MerchantID, day string) (gateway.TerminalNumbers, error) {
	return step(t, "NextTerminalNumbers", func() (gateway.TerminalNumbers, error) { return t.Tx.NextTerminalNumbers(m, day) })
}

func (t faultyTx) InsertRefund(r gateway.Refund) (bool, error) {
	return step(t, "InsertRefund", func() (bool, error) { return t.Tx.InsertRefund(r) })
}

func (t faultyTx) InsertEvent(e gateway.Event) error {
	return bare(t, "InsertEvent", func() error { return t.Tx.InsertEvent(e) })
}

func (t faultyTx) InsertNotification(n gateway.Notification) error {
	return bare(t, "InsertNotification", func() error { return t.Tx.InsertNotification(n) })
}

func (t faultyTx) ClaimNotifications(leaseUntil time.Time, limit int, from time.Time, except []gateway.MerchantID) ([]gateway.Notification, error) {
	return step(t, "ClaimNotifications", func() ([]gateway.Notification, error) {
		return t.Tx.ClaimNotifications(leaseUntil, limit, from, except)
	})
}

func (t faultyTx) FinishNotification(n gateway.Notification) (bool, error) {
	return step(t, "FinishNotification", func() (bool, error) { return t.Tx.FinishNotification(n) })
}

func (t faultyTx) InsertAttempt(a gateway.Attempt) error {
	return bare(t, "InsertAttempt", func() error { return t.Tx.InsertAttempt(a) })
}
