package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

type paymentCommand struct {
	List    paymentList    `cmd:"" help:"List payments, newest first."`
	Get     paymentGet     `cmd:"" help:"Show a payment with everything that happened around it."`
	Refund  paymentRefund  `cmd:"" help:"Give money of a payment back, as the provider's people do."`
	Reverse paymentReverse `cmd:"" help:"Take back a push whose outcome is uncertain."`
}

// pageFlags bound a list, which goes on with the last id that was shown.
type pageFlags struct {
	Limit  int    `help:"How many to list, 1 to 500." default:"50" placeholder:"N"`
	Before string `help:"List what is older than this id." placeholder:"ID"`
}

func (f pageFlags) query() url.Values {
	q := url.Values{"limit": {fmt.Sprint(f.Limit)}}
	if f.Before != "" {
		q.Set("before", f.Before)
	}
	return q
}

// more says how a list goes on when it was cut.
func (f pageFlags) more(w io.Writer, n int, last string) {
	if n == f.Limit {
		fmt.Fprintf(w, "\nThere may be more: --before %s\n", last)
	}
}

type paymentList struct {
	askFlags
	pageFlags
}

func (c paymentList) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/payments?"+c.query().Encode(), nil, func(w io.Writer, list struct{ Payments []sandbox.Payment }) error {
		rows := [][]string{{"ID", "REFERENCE", "CHANNEL", "AMOUNT", "REFUNDED", "STATE", "CREATED", "REASON"}}
		for _, p := range list.Payments {
			refunded := ""
			if n := p.RefundedCash + p.RefundedPoints; n != 0 {
				refunded = rupiah(n)
			}
			rows = append(rows, []string{string(p.ID), p.Reference, string(p.Channel), rupiah(p.Amount), refunded, string(p.State), stamp(p.CreatedAt), p.Reason})
		}
		if err := table(w, rows); err != nil {
			return err
		}
		if n := len(list.Payments); n > 0 {
			c.more(w, n, string(list.Payments[n-1].ID))
		}
		return nil
	})
}

type paymentGet struct {
	askFlags
	ID string `arg:"" help:"Id of the payment."`
}

func (c paymentGet) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/payments/"+url.PathEscape(c.ID), nil, printPayment)
}

func printPayment(w io.Writer, p sandbox.PaymentDetail) error {
	if err := facts(w, "id", string(p.ID), "merchant", string(p.MerchantID), "binding", string(p.BindingID), "customer", p.CustomerID,
		"channel", string(p.Channel), "reference", p.Reference, "request id", p.RequestID, "amount", rupiah(p.Amount),
		"cash", rupiah(p.Cash), "points", p.Points.String(), "state", string(p.State), "reason", p.Reason,
		"created", stamp(p.CreatedAt), "final", stampOf(p.FinalAt)); err != nil {
		return err
	}
	postings, events := [][]string{{"POSTING", "ACCOUNT", "AMOUNT"}}, [][]string{{"EVENT", "AT", "REASON"}}
	refunds, notifications := [][]string{{"REFUND", "REFERENCE", "AMOUNT", "CASH", "POINTS", "AT", "REASON"}}, [][]string{notificationHeading}
	for _, l := range p.Postings {
		postings = append(postings, []string{string(l.Kind), string(l.Account), fmt.Sprint(int64(l.Amount))})
	}
	for _, e := range p.Events {
		events = append(events, []string{string(e.Kind), stamp(e.At), e.Reason})
	}
	for _, r := range p.Refunds {
		refunds = append(refunds, []string{string(r.ID), r.Reference, rupiah(r.Amount), rupiah(r.Cash), r.Points.String(), stamp(r.CreatedAt), r.Reason})
	}
	for _, n := range p.Notifications {
		notifications = append(notifications, notificationRow(n))
	}
	return tables(w, postings, events, refunds, notifications)
}

type paymentRefund struct {
	askFlags
	ID     string       `arg:"" help:"Id of the payment."`
	Amount money.Amount `help:"Rupiah; all that is left if left out." placeholder:"RUPIAH"`
	Reason string       `help:"Why." placeholder:"TEXT"`
}

func (c paymentRefund) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/payments/"+url.PathEscape(c.ID)+"/refund", map[string]any{"amount": c.Amount, "reason": c.Reason}, printPayment)
}

type paymentReverse struct {
	askFlags
	ID string `arg:"" help:"Id of the payment."`
}

func (c paymentReverse) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/payments/"+url.PathEscape(c.ID)+"/reverse", nil, printPayment)
}
