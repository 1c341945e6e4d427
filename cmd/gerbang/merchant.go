package main

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

type merchantCommand struct {
	List   merchantList   `cmd:"" help:"List the merchants."`
	Get    merchantGet    `cmd:"" help:"Show one merchant with its credentials and URLs."`
	Create merchantCreate `cmd:"" help:"Create a merchant. Credentials that are not given are made up."`
	Update merchantUpdate `cmd:"" help:"Change members of a merchant."`
}

type merchantList struct{ askFlags }

func (c merchantList) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/merchants", nil, func(w io.Writer, list struct{ Merchants []sandbox.Merchant }) error {
		rows := [][]string{{"ID", "NAME", "DOKU CLIENT ID", "NOTIFICATION URL"}}
		for _, m := range list.Merchants {
			rows = append(rows, []string{m.ID, deref(m.Name), deref(m.DOKU.ClientID), deref(m.DOKU.NotificationURL)})
		}
		return table(w, rows)
	})
}

type merchantGet struct {
	askFlags
	Merchant string `arg:"" optional:"" help:"Id, DOKU client id or name; the seeded merchant if left out."`
}

func (c merchantGet) Run(ctx context.Context, std streams) error {
	id, err := c.find(ctx, c.Merchant)
	if err != nil {
		return err
	}
	return ask(ctx, std, c.askFlags, http.MethodGet, "/merchants/"+id, nil, printMerchant)
}

// find is the id of the merchant that is named in any way.
func (f clientFlags) find(ctx context.Context, merchant string) (id string, err error) {
	client, err := f.client()
	if err != nil {
		return "", err
	}
	m, err := client.Merchant(ctx, merchant)
	return url.PathEscape(m.ID), err
}

func printMerchant(w io.Writer, m sandbox.Merchant) error {
	d := m.DOKU
	return facts(w,
		"id", m.ID, "name", deref(m.Name),
		"doku.client_id", deref(d.ClientID), "doku.secret_key", deref(d.SecretKey), "doku.notification_url", deref(d.NotificationURL),
		"doku.snap.notification_url", deref(d.SNAP.NotificationURL), "doku.snap.binding_notification_url", deref(d.SNAP.BindingNotificationURL),
		"doku.snap.token_url", deref(d.SNAP.TokenURL), "keys", "with --json")
}

type merchantCreate struct {
	askFlags
	Members []member `arg:"" optional:"" name:"member" help:"NAME=TEXT, NAME=@FILE or NAME:=JSON, with the names of docs/sandbox.md, as in doku.client_id=BRN-1."`
}

func (c merchantCreate) Run(ctx context.Context, std streams) error {
	body, err := object(c.Members)
	if err != nil {
		return err
	}
	return ask(ctx, std, c.askFlags, http.MethodPost, "/merchants", body, printMerchant)
}

type merchantUpdate struct {
	askFlags
	Merchant string   `arg:"" help:"Id, DOKU client id or name."`
	Members  []member `arg:"" name:"member" help:"As for create. An empty TEXT takes a URL away."`
}

func (c merchantUpdate) Run(ctx context.Context, std streams) error {
	body, err := object(c.Members)
	if err != nil {
		return err
	}
	id, err := c.find(ctx, c.Merchant)
	if err != nil {
		return err
	}
	return ask(ctx, std, c.askFlags, http.MethodPatch, "/merchants/"+id, body, printMerchant)
}
