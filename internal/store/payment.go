package store

import (
	"fmt"
	"math"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

const selectPayment = `SELECT p.id, p.merchant_id, p.wallet_id, p.binding_id, p.page_id, p.channel, p.dialect, p.reference, p.request_id, p.amount,
	p.purse_use, p.cash, p.points, p.refunded_cash, p.refunded_points, p.state, p.reason, p.fingerprint, p.details, p.notify_url,
	p.created_us, p.final_us, p.transfer_id, p.order_number, coalesce(b.customer_id, '') FROM payment p LEFT JOIN binding b ON b.id = p.binding_id `

func scanPayment(r row) (p gateway.Payment, err error) {
	var reason string
	var created, final int64
	if err := r.Scan(&p.ID, &p.MerchantID, &p.WalletID, &p.BindingID, &p.PageID, &p.Channel, &p.Dialect, &p.Reference, &p.RequestID, &p.Amount,
		&p.Use, &p.Split.Cash, &p.Split.Points, &p.Refunded.Cash, &p.Refunded.Points, &p.State, &reason, &p.Fingerprint, &p.Details, &p.NotifyURL,
		&created, &final, &p.TransferID, &p.Order, &p.CustomerID); err != nil {
		return p, err
	}
	p.CreatedAt, p.FinalAt = at(created), at(final)
	p.Reason, err = codeOf(reason)
	return p, err
}

// reasonOf is a reason as stored: "" stands for none.
func reasonOf(c gateway.Code) string {
	if c == gateway.Internal {
		return ""
	}
	return c.String()
}

func codeOf(reason string) (gateway.Code, error) {
	if reason == "" {
		return gateway.Internal, nil
	}
	c, ok := gateway.ParseCode(reason)
	if !ok {
		return c, fmt.Errorf("store: unknown reason %q", reason)
	}
	return c, nil
}

func (t *tx) InsertPayment(p gateway.Payment) (bool, error) {
	return t.changed(`INSERT INTO payment (id, merchant_id, wallet_id, binding_id, page_id, channel, dialect, reference, request_id, amount,
		purse_use, cash, points, refunded_cash, refunded_points, state, reason, fingerprint, details, notify_url, created_us, final_us, transfer_id,
		order_number)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, $14, $15, $16, $17, $18, $19, $20, $21, $22) ON CONFLICT DO NOTHING`,
		p.ID, p.MerchantID, p.WalletID, p.BindingID, p.PageID, p.Channel, p.Dialect, p.Reference, p.RequestID, p.Amount,
		p.Use, p.Split.Cash, p.Split.Points, p.State, reasonOf(p.Reason), p.Fingerprint, p.Details, p.NotifyURL, us(p.CreatedAt), us(p.FinalAt), p.TransferID,
		p.Order)
}

func (t *tx) FinishPayment(p gateway.Payment, from gateway.PaymentState) (bool, error) {
	return t.changed(`UPDATE payment SET state = $3, reason = $4, cash = $5, points = $6, final_us = $7, transfer_id = $8 WHERE id = $1 AND state = $2`,
		p.ID, from, p.State, reasonOf(p.Reason), p.Split.Cash, p.Split.Points, us(p.FinalAt), p.TransferID)
}

func (t *tx) SetRefunded(id gateway.PaymentID, from, to ledger.Split) (bool, error) {
	return t.changed(`UPDATE payment SET refunded_cash = $2, refunded_points = $3
		WHERE id = $1 AND refunded_cash = $4 AND refunded_points = $5 AND state = 'succeeded'`, id, to.Cash, to.Points, from.Cash, from.Points)
}

func (t *tx) Payment(id gateway.PaymentID) (gateway.Payment, error) {
	return first(t.session, scanPayment, selectPayment+`WHERE p.id = $1`, id)
}

func (t *tx) PaymentByReference(m gateway.MerchantID, dialect, reference string) (gateway.Payment, error) {
	return first(t.session, scanPayment, selectPayment+`WHERE p.merchant_id = $1 AND p.dialect = $2 AND p.reference = $3`, m, dialect, reference)
}

func (t *tx) PaymentByRequestID(m gateway.MerchantID, dialect, requestID string) (gateway.Payment, error) {
	return first(t.session, scanPayment, selectPayment+`WHERE p.merchant_id = $1 AND p.request_id = $3 AND p.dialect = $2
		ORDER BY p.id DESC LIMIT 1`, m, dialect, requestID)
}

func (t *tx) PaymentOfOrder(m gateway.MerchantID, dialect, order string) (gateway.Payment, error) {
	return first(t.session, scanPayment, selectPayment+`WHERE p.merchant_id = $1 AND p.dialect = $2 AND p.order_number = $3 AND p.order_number <> ''
		AND p.state IN ('awaiting_customer', 'succeeded', 'uncertain')`, m, dialect, order)
}

// Who asks names pages by number, so this one skips rows. The index bounds them to
// one wallet's payments to one merchant.
func (t *tx) OrderHistory(m gateway.MerchantID, w gateway.WalletID, dialect string, from, until time.Time, skip, limit int) ([]gateway.Payment, error) {
	return all(t.session, scanPayment, selectPayment+`WHERE p.merchant_id = $1 AND p.wallet_id = $2 AND p.dialect = $3 AND p.order_number <> ''
		AND p.created_us >= $4 AND p.created_us < $5 ORDER BY p.created_us DESC, p.id DESC LIMIT $6 OFFSET $7`, m, w, dialect, us(from), us(until), limit, skip)
}

func (t *tx) AwaitingPayments(b gateway.BindingID) ([]gateway.Payment, error) {
	return all(t.session, scanPayment, selectPayment+`WHERE p.binding_id = $1 AND p.state = 'awaiting_customer' ORDER BY p.id`, b)
}

func (t *tx) Payments(before gateway.PaymentID, limit int) ([]gateway.Payment, error) {
	return all(t.session, scanPayment, selectPayment+`WHERE p.id < $1 ORDER BY p.id DESC LIMIT $2`, below(before), limit)
}

func (t *tx) WalletPayments(w gateway.WalletID, final time.Time, before gateway.PaymentID, limit int) ([]gateway.Payment, error) {
	bound := int64(math.MaxInt64)
	if !final.IsZero() {
		bound = us(final)
	}
	return all(t.session, scanPayment, selectPayment+`WHERE p.wallet_id = $1 AND p.final_us > 0 AND (p.final_us, p.id) < ($2, $3)
		ORDER BY p.final_us DESC, p.id DESC LIMIT $4`, w, bound, before, limit)
}

const refundColumns = `id, merchant_id, payment_id, dialect, reference, request_id, amount, cash, points, reason, transfer_id, created_us`

func scanRefund(r row) (f gateway.Refund, err error) {
	var created int64
	err = r.Scan(&f.ID, &f.MerchantID, &f.PaymentID, &f.Dialect, &f.Reference, &f.RequestID, &f.Amount, &f.Split.Cash, &f.Split.Points,
		&f.Reason, &f.TransferID, &created)
	f.CreatedAt = at(created)
	return f, err
}

func (t *tx) InsertRefund(f gateway.Refund) (bool, error) {
	return t.changed(`INSERT INTO refund (`+refundColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		f.ID, f.MerchantID, f.PaymentID, f.Dialect, f.Reference, f.RequestID, f.Amount, f.Split.Cash, f.Split.Points, f.Reason, f.TransferID, us(f.CreatedAt))
}

func (t *tx) RefundByReference(m gateway.MerchantID, dialect, reference string) (gateway.Refund, error) {
	return first(t.session, scanRefund, `SELECT `+refundColumns+` FROM refund WHERE merchant_id = $1 AND dialect = $2 AND reference = $3`, m, dialect, reference)
}

func (t *tx) Refunds(id gateway.PaymentID) ([]gateway.Refund, error) {
	return all(t.session, scanRefund, `SELECT `+refundColumns+` FROM refund WHERE payment_id = $1 ORDER BY id`, id)
}
