package store

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// listing is a question about rows in the order of their ids, newest first.
//
// Conditions are of two kinds. Exact ones, with the bounds of the id, are answered
// by an index in that order, so that reading them reads what is wanted. Others
// throw away rows that were read: they are asked only of rows above a floor, which
// is as far down as one question may reach.
type listing struct {
	id     string // the column, as in the query
	exact  []string
	others []string
	args   []any // of exact, then of others
	fixed  int   // how many are of exact
}

// arg adds an argument and returns its placeholder.
func (l *listing) arg(v any) string {
	l.args = append(l.args, v)
	return "$" + strconv.Itoa(len(l.args))
}

// exactly adds a condition that is answered by an index. They come before others.
func (l *listing) exactly(condition string) {
	l.exact = append(l.exact, condition)
	l.fixed = len(l.args)
}

func (l *listing) other(condition string) { l.others = append(l.others, condition) }

func (l *listing) below(id string) {
	if id != "" {
		l.exactly(l.id + " < " + l.arg(id))
	}
}

func (l *listing) from(id string) {
	if id != "" {
		l.exactly(l.id + " >= " + l.arg(id))
	}
}

// between bounds the ids by when rows were made and where an earlier answer ended.
func (l *listing) between(p gateway.Period, prefix, before string) {
	from, to := p.IDs(prefix)
	l.from(from)
	l.below(to)
	l.below(before)
}

func (l *listing) where() string {
	conditions := append(append([]string{}, l.exact...), l.others...)
	if len(conditions) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(conditions, " AND ")
}

// floor is the id down to which others may be asked of the table's rows, "" when
// that is all of them.
func (l *listing) floor(q *session, table string, reach int) (floor string, err error) {
	if len(l.others) == 0 {
		return "", nil
	}
	exact := listing{id: l.id, exact: l.exact, args: append([]any{}, l.args[:l.fixed]...)}
	var rows int
	query := `SELECT coalesce(min(id), ''), count(*) FROM (SELECT ` + l.id + ` FROM ` + table + ` ` + exact.where() +
		` ORDER BY ` + l.id + ` DESC LIMIT ` + exact.arg(reach) + `) AS reached`
	if err := q.one(query, exact.args, &floor, &rows); err != nil || rows < reach {
		return "", err
	}
	return floor, nil
}

// search answers a listing with up to limit rows and where the next answer begins.
// The table bears the alias that the listing's columns have.
func search[T any, ID ~string](q *session, l *listing, table string, scan func(row) (T, error), id func(T) ID, selection string, limit, reach int) ([]T, ID, error) {
	floor, err := l.floor(q, table, reach)
	if err != nil {
		return nil, "", err
	}
	if len(l.others) > 0 {
		l.other(l.id + " >= " + l.arg(floor))
	}
	rows, err := all(q, scan, selection+` `+l.where()+` ORDER BY `+l.id+` DESC LIMIT `+l.arg(limit+1), l.args...)
	if err != nil {
		return nil, "", err
	}
	if len(rows) > limit {
		return rows[:limit], id(rows[limit-1]), nil
	}
	return rows, ID(floor), nil
}

func (t *tx) SearchPayments(f gateway.PaymentFilter, limit, reach int) ([]gateway.Payment, gateway.PaymentID, error) {
	l := &listing{id: "p.id"}
	l.between(f.Created, "pay_", string(f.Before))
	// The most telling index goes first; the rest is asked of its rows.
	switch {
	case f.Wallet != "":
		// A wallet has few payments: they are all found, then put in order.
		l.exactly("p.id IN (SELECT id FROM payment WHERE wallet_id = " + l.arg(f.Wallet) + ")")
	case f.Amount != 0:
		l.exactly("p.amount = " + l.arg(f.Amount))
	case f.Merchant != "":
		l.exactly("p.merchant_id = " + l.arg(f.Merchant))
	}
	if f.Amount != 0 && f.Wallet != "" {
		l.other("p.amount = " + l.arg(f.Amount))
	}
	if f.Merchant != "" && (f.Wallet != "" || f.Amount != 0) {
		l.other("p.merchant_id = " + l.arg(f.Merchant))
	}
	if f.Channel != "" {
		l.other("p.channel = " + l.arg(f.Channel))
	}
	if f.State != "" {
		l.other("p.state = " + l.arg(f.State))
	}
	if !f.Final.From.IsZero() {
		l.other("p.final_us >= " + l.arg(us(f.Final.From)))
	}
	if !f.Final.To.IsZero() {
		l.other("p.final_us < " + l.arg(us(f.Final.To)))
	}
	return search(t.session, l, "payment p", scanPayment, func(p gateway.Payment) gateway.PaymentID { return p.ID }, selectPayment, limit, reach)
}

func (t *tx) SearchBindings(f gateway.BindingFilter, limit, reach int) ([]gateway.Binding, gateway.BindingID, error) {
	l := &listing{id: "b.id"}
	l.between(f.Created, "bnd_", string(f.Before))
	if f.Wallet != "" {
		l.exactly("b.wallet_id = " + l.arg(f.Wallet))
	} else if f.Merchant != "" {
		l.exactly("b.merchant_id = " + l.arg(f.Merchant))
	}
	if f.Merchant != "" && f.Wallet != "" {
		l.other("b.merchant_id = " + l.arg(f.Merchant))
	}
	if f.Customer != "" {
		l.other("b.customer_id = " + l.arg(f.Customer))
	}
	if f.State != "" {
		l.other("b.state = " + l.arg(f.State))
	}
	return search(t.session, l, "binding b", t.scanBinding, func(b gateway.Binding) gateway.BindingID { return b.ID }, selectBinding, limit, reach)
}

func (t *tx) SearchNotifications(f gateway.NotificationFilter, limit, reach int) ([]gateway.Notification, gateway.NotificationID, error) {
	l := &listing{id: "id"}
	l.between(f.Created, "ntf_", string(f.Before))
	merchantIsExact := false
	// The partial indexes serve only conditions that are spelled as theirs are.
	switch f.State {
	case gateway.NotificationFailed, gateway.NotificationUndeliverable:
		l.exactly("state IN ('failed', 'undeliverable')")
	case gateway.NotificationQueued:
		l.exactly("id IN (SELECT id FROM notification WHERE state = 'queued')")
	default:
		if merchantIsExact = f.Merchant != ""; merchantIsExact {
			l.exactly("merchant_id = " + l.arg(f.Merchant))
		}
	}
	if f.Merchant != "" && !merchantIsExact {
		l.other("merchant_id = " + l.arg(f.Merchant))
	}
	if f.State != "" && f.State != gateway.NotificationQueued {
		l.other("state = " + l.arg(f.State))
	}
	if f.Dialect != "" {
		l.other("dialect = " + l.arg(f.Dialect))
	}
	return search(t.session, l, "notification", scanNotification, func(n gateway.Notification) gateway.NotificationID { return n.ID },
		`SELECT `+notificationColumns+` FROM notification`, limit, reach)
}

const selectMovement = `SELECT t.id, t.kind, t.subject, t.reverses, t.created_us FROM transfer t`

func scanMovement(r row) (m gateway.Movement, err error) {
	var created int64
	err = r.Scan(&m.ID, &m.Kind, &m.Subject, &m.Reverses, &created)
	m.At = at(created)
	return m, err
}

func (t *tx) SearchTransfers(f gateway.TransferFilter, limit, reach int) ([]gateway.Movement, gateway.TransferID, error) {
	l := &listing{id: "t.id"}
	l.between(f.Created, "trf_", string(f.Before))
	if owner, ok := strings.CutPrefix(string(f.Account), "wallet:"); ok {
		// A wallet has few transfers: those of its payments, their refunds and its
		// top-ups are all found, then put in order.
		wallet, _, _ := strings.Cut(owner, ":")
		w := l.arg(wallet)
		l.exactly(`t.id IN (SELECT transfer_id FROM payment WHERE wallet_id = ` + w + ` AND transfer_id <> ''
			UNION ALL SELECT r.transfer_id FROM payment p JOIN refund r ON r.payment_id = p.id WHERE p.wallet_id = ` + w + `
			UNION ALL SELECT id FROM transfer WHERE kind = 'top_up' AND subject = ` + w + `)`)
	}
	if f.Account != "" {
		l.other("EXISTS (SELECT 1 FROM posting o WHERE o.transfer_id = t.id AND o.account = " + l.arg(f.Account) + ")")
	}
	if f.Kind != "" {
		l.other("t.kind = " + l.arg(f.Kind))
	}
	list, more, err := search(t.session, l, "transfer t", scanMovement, func(m gateway.Movement) gateway.TransferID { return gateway.TransferID(m.ID) },
		selectMovement, limit, reach)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		if list[i].Postings, err = t.postings(list[i].ID); err != nil {
			return nil, "", err
		}
	}
	return list, more, nil
}

func (t *tx) Movement(id gateway.TransferID) (gateway.Movement, error) {
	m, err := first(t.session, scanMovement, selectMovement+` WHERE t.id = $1`, id)
	if err != nil {
		return m, err
	}
	m.Postings, err = t.postings(m.ID)
	return m, err
}

func (t *tx) PaymentsNamed(m gateway.MerchantID, number string, spaces []string, limit int) ([]gateway.Payment, error) {
	var l listing
	n := l.arg(number)
	// Numbers are unique, and indexed, per merchant: of all merchants, each is asked.
	merchant := "IN (SELECT id FROM merchant)"
	if m != "" {
		merchant = "= " + l.arg(m)
	}
	within := make([]string, len(spaces))
	for i, space := range spaces {
		within[i] = l.arg(space)
	}
	unique := fmt.Sprintf("merchant_id %s AND dialect IN (%s) AND reference = %s", merchant, strings.Join(within, ", "), n)
	return all(t.session, scanPayment, selectPayment+`WHERE p.id IN (
		SELECT id FROM payment WHERE `+unique+`
		UNION SELECT id FROM payment WHERE merchant_id `+merchant+` AND request_id = `+n+`
		UNION SELECT id FROM payment WHERE merchant_id `+merchant+` AND order_number = `+n+` AND order_number <> ''
		UNION SELECT payment_id FROM refund WHERE `+unique+`) ORDER BY p.id DESC LIMIT `+l.arg(limit), l.args...)
}

// subjects are the queries that find what a row of each kind is about.
var subjects = map[string]string{
	"rfd_": `SELECT payment_id FROM refund WHERE id = $1`,
	"evt_": `SELECT subject FROM event WHERE id = $1`,
	"ntf_": `SELECT subject FROM notification WHERE id = $1`,
	"trf_": `SELECT subject FROM transfer WHERE id = $1`,
	"pag_": `SELECT subject FROM page WHERE id = $1`,
}

func (t *tx) SubjectOf(id string) (subject string, err error) {
	query, ok := subjects[id[:min(len(id), 4)]]
	if !ok {
		return "", gateway.ErrNoRow
	}
	err = t.one(query, []any{id}, &subject)
	return subject, err
}

func (t *tx) RefundsBetween(m gateway.MerchantID, days gateway.Period, limit int) ([]gateway.Refund, error) {
	return all(t.session, scanRefund, `SELECT `+refundColumns+` FROM refund
		WHERE merchant_id = $1 AND created_us >= $2 AND created_us < $3 ORDER BY created_us LIMIT $4`, m, us(days.From), us(days.To), limit)
}

// Receivables are counted up to the tally, and from there on by their postings.
func (t *tx) Receivables(m gateway.MerchantID) (s ledger.Split, err error) {
	if s.Cash, err = t.accountTotal(ledger.ReceivableAccount(string(m), ledger.Cash)); err != nil {
		return s, err
	}
	s.Points, err = t.accountTotal(ledger.ReceivableAccount(string(m), ledger.Points))
	return s, err
}
