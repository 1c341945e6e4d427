package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

type walletCommand struct {
	List    walletList    `cmd:"" help:"List the wallets."`
	Get     walletGet     `cmd:"" help:"Show a wallet with its codes, prompts and links."`
	Create  walletCreate  `cmd:"" help:"Open a wallet."`
	Topup   walletTopup   `cmd:"" help:"Put money or points into a wallet."`
	Status  walletStatus  `cmd:"" help:"Block a wallet or its card, or make it active again."`
	Number  walletNumber  `cmd:"" help:"Move a wallet to another phone number, which ends its links."`
	Limits  walletLimits  `cmd:"" help:"Change a wallet's limits."`
	Approve walletApprove `cmd:"" help:"Approve a push payment on the phone."`
	Decline walletDecline `cmd:"" help:"Decline a push payment on the phone."`
	Unlink  walletUnlink  `cmd:"" help:"End a merchant's link in the app."`
}

type walletList struct{ askFlags }

func (c walletList) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/wallets", nil, func(w io.Writer, list struct{ Wallets []sandbox.Wallet }) error {
		rows := [][]string{{"PHONE", "NAME", "STATUS", "CASH", "POINTS", "CODES", "PROMPTS", "LINKS"}}
		for _, v := range list.Wallets {
			rows = append(rows, []string{
				string(v.Phone), v.Name, string(v.Status), rupiah(v.Cash), v.Points.String(),
				fmt.Sprint(len(v.OTPs)), fmt.Sprint(len(v.Prompts)), fmt.Sprint(len(v.Links)),
			})
		}
		return table(w, rows)
	})
}

// onePhone names the wallet of a command.
type onePhone struct {
	Phone string `arg:"" help:"Phone number of the wallet, as 08…, 62… or +62…."`
}

func (p onePhone) path(rest string) string { return "/wallets/" + url.PathEscape(p.Phone) + rest }

type walletGet struct {
	askFlags
	onePhone
}

func (c walletGet) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, c.path(""), nil, printWallet)
}

func printWallet(w io.Writer, v sandbox.Wallet) error {
	limits := ""
	for _, l := range []struct {
		name  string
		value int64
	}{
		{"per transaction", int64(v.Limits.PerTransaction)}, {"daily count", v.Limits.DailyCount},
		{"daily sum", int64(v.Limits.DailySum)}, {"holding", int64(v.Limits.Holding)},
	} {
		if l.value != 0 {
			limits += fmt.Sprintf("%s %d  ", l.name, l.value)
		}
	}
	if err := facts(w, "phone", string(v.Phone), "name", v.Name, "PIN", v.PIN, "status", string(v.Status), "locked until", stampOf(v.LockedUntil),
		"cash", rupiah(v.Cash), "points", v.Points.String(), "limits", limits); err != nil {
		return err
	}
	codes, prompts, links := [][]string{{"CODE", "FOR", "MERCHANT", "UNTIL", "PAGE"}}, [][]string{{"PROMPT", "MERCHANT", "INVOICE", "AMOUNT", "UNTIL"}},
		[][]string{{"LINK", "MERCHANT", "CUSTOMER", "STATE", "SINCE"}}
	for _, o := range v.OTPs {
		codes = append(codes, []string{o.Code, o.Purpose, o.Merchant, stamp(o.ExpiresAt), o.PageURL})
	}
	for _, p := range v.Prompts {
		prompts = append(prompts, []string{string(p.ID), p.Merchant, p.InvoiceNumber, rupiah(p.Amount), stamp(p.ExpiresAt)})
	}
	for _, l := range v.Links {
		links = append(links, []string{string(l.ID), l.Merchant, l.CustomerID, string(l.State), stamp(l.Since)})
	}
	return tables(w, codes, prompts, links)
}

// tables prints those that have rows, with a blank line before each.
func tables(w io.Writer, all ...[][]string) error {
	for _, rows := range all {
		if len(rows) < 2 {
			continue
		}
		fmt.Fprintln(w)
		if err := table(w, rows); err != nil {
			return err
		}
	}
	return nil
}

type walletCreate struct {
	askFlags
	onePhone
	Name   string       `help:"Name of its owner." placeholder:"NAME"`
	PIN    string       `help:"PIN, six digits." default:"123456" placeholder:"PIN"`
	Cash   money.Amount `help:"Cash in rupiah." placeholder:"RUPIAH"`
	Points money.Amount `help:"Points." placeholder:"POINTS"`
}

func (c walletCreate) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/wallets", map[string]any{
		"phone": c.Phone, "name": c.Name, "pin": c.PIN, "cash": c.Cash, "points": c.Points,
	}, printWallet)
}

type walletTopup struct {
	askFlags
	onePhone
	Cash   money.Amount `help:"Cash in rupiah." placeholder:"RUPIAH"`
	Points money.Amount `help:"Points." placeholder:"POINTS"`
}

func (c walletTopup) Run(ctx context.Context, std streams) error {
	if c.Cash == 0 && c.Points == 0 {
		return usagef("say how much with --cash or --points")
	}
	return ask(ctx, std, c.askFlags, http.MethodPost, c.path("/topup"), map[string]any{"cash": c.Cash, "points": c.Points}, printWallet)
}

type walletStatus struct {
	askFlags
	onePhone
	Status string `arg:"" enum:"active,blocked,card_blocked" help:"active (which also lifts the lock of wrong PINs), blocked or card_blocked."`
}

func (c walletStatus) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, c.path("/status"), map[string]any{"status": c.Status}, printWallet)
}

type walletNumber struct {
	askFlags
	onePhone
	New string `arg:"" help:"The new phone number."`
}

func (c walletNumber) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, c.path("/number"), map[string]any{"phone": c.New}, printWallet)
}

type walletLimits struct {
	askFlags
	onePhone
	PerTransaction *money.Amount `help:"Rupiah of one payment; 0 is the default, 10,000,000." placeholder:"RUPIAH"`
	DailyCount     *int64        `help:"Payments a day; 0 is off." placeholder:"N"`
	DailySum       *money.Amount `help:"Rupiah a day; 0 is off." placeholder:"RUPIAH"`
	Holding        *money.Amount `help:"Rupiah and points the wallet may hold; 0 is off." placeholder:"RUPIAH"`
}

func (c walletLimits) Run(ctx context.Context, std streams) error {
	limits := map[string]any{}
	for name, amount := range map[string]*money.Amount{"per_transaction": c.PerTransaction, "daily_sum": c.DailySum, "holding": c.Holding} {
		if amount != nil {
			limits[name] = *amount
		}
	}
	if c.DailyCount != nil {
		limits["daily_count"] = *c.DailyCount
	}
	if len(limits) == 0 {
		return usagef("say which limit: --per-transaction, --daily-count, --daily-sum or --holding")
	}
	return ask(ctx, std, c.askFlags, http.MethodPatch, c.path(""), map[string]any{"limits": limits}, printWallet)
}

// onePrompt names the push payment that a command answers.
type onePrompt struct {
	onePhone
	Prompt string        `arg:"" optional:"" help:"Id of the prompt; the only one if left out."`
	Wait   time.Duration `help:"How long to wait for a prompt, as in 30s." placeholder:"DURATION"`
}

// pollInterval is how often a command that waits looks again.
const pollInterval = 200 * time.Millisecond

// find is the path of the prompt. It waits for one to arrive if it may.
func (p onePrompt) find(ctx context.Context, std streams, f clientFlags) (path string, err error) {
	if p.Prompt != "" {
		return p.path("/prompts/" + url.PathEscape(p.Prompt)), nil
	}
	client, err := f.client()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.Wait, fmt.Errorf("no push payment reached %s within %s", p.Phone, p.Wait))
	defer cancel()
	told := p.Wait == 0
	for {
		wallet, err := wallet(context.WithoutCancel(ctx), client, p.onePhone)
		if err != nil {
			return "", err
		}
		switch n := len(wallet.Prompts); {
		case n == 1:
			return p.path("/prompts/" + string(wallet.Prompts[0].ID)), nil
		case n > 1:
			return "", usagef("%d prompts wait on %s; name one: \"gerbang wallet get %s\" shows them", n, p.Phone, p.Phone)
		case p.Wait == 0:
			return "", fmt.Errorf("no push payment waits on %s; --wait 30s waits for one", p.Phone)
		}
		if !told {
			told = true
			fmt.Fprintf(std.err, "Waiting up to %s for a push payment on %s.\n", p.Wait, p.Phone)
		}
		if !pause(ctx, pollInterval) {
			return "", context.Cause(ctx)
		}
	}
}

func wallet(ctx context.Context, client *control.Client, p onePhone) (v sandbox.Wallet, err error) {
	err = client.Get(ctx, p.path(""), &v)
	return v, err
}

// pause waits for d, or until ctx ends; then it is false.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func printAnswer(w io.Writer, a sandbox.PromptAnswer) error {
	if a.Cash == 0 && a.Points == 0 {
		return facts(w, "state", string(a.State))
	}
	return facts(w, "state", string(a.State), "cash used", rupiah(a.Cash), "points used", a.Points.String())
}

type walletApprove struct {
	askFlags
	onePrompt
	PIN string `help:"PIN to enter; the right one if left out." placeholder:"PIN"`
	Use string `help:"Purse: cash, points or points_first." enum:"cash,points,points_first" default:"cash"`
}

func (c walletApprove) Run(ctx context.Context, std streams) error {
	path, err := c.find(ctx, std, c.clientFlags)
	if err != nil {
		return err
	}
	return ask(ctx, std, c.askFlags, http.MethodPost, path+"/approve", map[string]any{"pin": c.PIN, "use": c.Use}, printAnswer)
}

type walletDecline struct {
	askFlags
	onePrompt
}

func (c walletDecline) Run(ctx context.Context, std streams) error {
	path, err := c.find(ctx, std, c.clientFlags)
	if err != nil {
		return err
	}
	return ask(ctx, std, c.askFlags, http.MethodPost, path+"/decline", nil, printAnswer)
}

type walletUnlink struct {
	askFlags
	onePhone
	Link string `arg:"" optional:"" help:"Id of the link; the only active one if left out."`
}

func (c walletUnlink) Run(ctx context.Context, std streams) error {
	if c.Link == "" {
		client, err := c.client()
		if err != nil {
			return err
		}
		v, err := wallet(ctx, client, c.onePhone)
		if err != nil {
			return err
		}
		var active []string
		for _, l := range v.Links {
			if l.State == "active" {
				active = append(active, string(l.ID))
			}
		}
		if len(active) != 1 {
			return fmt.Errorf("%s has %d active links; \"gerbang wallet get %s\" shows them", c.Phone, len(active), c.Phone)
		}
		c.Link = active[0]
	}
	return ask(ctx, std, c.askFlags, http.MethodPost, c.path("/links/"+url.PathEscape(c.Link)+"/unlink"), nil, printWallet)
}
