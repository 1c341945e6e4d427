package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

type notificationCommand struct {
	List   notificationList   `cmd:"" help:"List notifications, newest first."`
	Get    notificationGet    `cmd:"" help:"Show a notification with its attempts."`
	Resend notificationResend `cmd:"" help:"Send the event of a notification again, now."`
}

var notificationHeading = []string{"NOTIFICATION", "KIND", "DIALECT", "STATE", "TRIES", "LAST", "NEXT"}

func notificationRow(n sandbox.Notification) []string {
	last := ""
	if k := len(n.Attempts); k > 0 {
		last = outcomeOf(n.Attempts[k-1])
	}
	return []string{string(n.ID), string(n.Kind), n.Dialect, string(n.State), fmt.Sprint(len(n.Attempts)), last, stampOf(n.NextAt)}
}

// outcomeOf says in a few words how an attempt ended.
func outcomeOf(a sandbox.Attempt) string {
	if a.Status == 0 {
		return a.Error
	}
	return fmt.Sprintf("HTTP %d", a.Status)
}

type notificationList struct {
	askFlags
	pageFlags
	Subject string `help:"Only those about this payment or binding." placeholder:"ID"`
}

func (c notificationList) Run(ctx context.Context, std streams) error {
	q := c.query()
	if c.Subject != "" {
		q.Set("subject", c.Subject)
	}
	return ask(ctx, std, c.askFlags, http.MethodGet, "/notifications?"+q.Encode(), nil, func(w io.Writer, list struct{ Notifications []sandbox.Notification }) error {
		rows := [][]string{append([]string{"SUBJECT"}, notificationHeading...)}
		for _, n := range list.Notifications {
			rows = append(rows, append([]string{n.Subject}, notificationRow(n)...))
		}
		if err := table(w, rows); err != nil {
			return err
		}
		if n := len(list.Notifications); n > 0 {
			c.more(w, n, string(list.Notifications[n-1].ID))
		}
		return nil
	})
}

type notificationGet struct {
	askFlags
	ID string `arg:"" help:"Id of the notification."`
}

func (c notificationGet) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/notifications/"+url.PathEscape(c.ID), nil, printNotification)
}

func printNotification(w io.Writer, n sandbox.Notification) error {
	if err := facts(w, "id", string(n.ID), "event", string(n.EventID), "kind", string(n.Kind), "subject", n.Subject, "merchant", string(n.MerchantID),
		"dialect", n.Dialect, "state", string(n.State), "created", stamp(n.CreatedAt), "next", stampOf(n.NextAt)); err != nil {
		return err
	}
	rows := [][]string{{"TRY", "AT", "TOOK", "URL", "STATUS", "ANSWER", "PROBLEM"}}
	for _, a := range n.Attempts {
		rows = append(rows, []string{fmt.Sprint(a.Number), stamp(a.At), fmt.Sprintf("%.0f ms", a.TookMS), a.URL, fmt.Sprint(a.Status), a.Answer, a.Error})
	}
	return tables(w, rows)
}

type notificationResend struct {
	askFlags
	ID string `arg:"" help:"Id of the notification."`
}

func (c notificationResend) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/notifications/"+url.PathEscape(c.ID)+"/resend", nil, printNotification)
}
