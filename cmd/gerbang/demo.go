package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

type demoCommand struct {
	Exit bool   `help:"Leave when the journeys are over instead of staying up to be looked at."`
	Addr string `help:"Address to listen on." default:"127.0.0.1:0"`
	// Not from the environment: what is named there may be in use.
	Database string `help:"Empty database to play in, as postgres://user@host/name; by default a file that is thrown away." placeholder:"URL" env:"-"`
}

// demoTimeout bounds the journeys.
const demoTimeout = 2 * time.Minute

func (c demoCommand) Run(ctx context.Context, std streams) (err error) {
	dir, err := os.MkdirTemp("", "gerbang-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	a, err := app.StartSandbox(ctx, app.Config{
		Installation: app.Installation{DataDir: dir, Database: c.Database}, Addr: c.Addr, Version: version,
		Log: slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	defer func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		err = errors.Join(err, a.Stop(drain))
	}()

	fmt.Fprintf(std.out, "A throw-away sandbox is up at %s. Everything below goes over HTTP, signed.\n", a.BaseURL)
	d := &demo{out: std.out, control: controlAPI{base: a.BaseURL}, phone: demoPhone}
	playing, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	if d.merchant, err = d.control.merchant(ctx); err != nil {
		return err
	}
	if err := d.play(playing); err != nil {
		fmt.Fprintf(std.out, "\nThe demo stopped: %v\n", err)
		return errFailed
	}
	if c.Exit {
		return nil
	}
	fmt.Fprintf(std.out, "\nStill up, until Ctrl-C. Look at:\n")
	for _, path := range []string{"/sandbox/v1/payments", "/sandbox/v1/notifications", "/sandbox/v1/requests", "/sandbox/v1/wallets/" + demoPhone} {
		fmt.Fprintf(std.out, "  %s%s\n", a.BaseURL, path)
	}
	<-ctx.Done()
	return nil
}

// demo plays journeys and tells of each step.
type demo struct {
	out      io.Writer
	control  controlAPI
	merchant demoMerchant
	phone    string // of the wallet that pays
	guest    bool   // others use the sandbox too: its clock is left alone
	step     int
}

// demoPhone is the seeded wallet that pays in a throw-away sandbox.
const demoPhone = "081211111111"

// playAsGuest plays the journeys in somebody's running sandbox, with a merchant and
// a wallet made for it.
func playAsGuest(ctx context.Context, base string, out io.Writer) error {
	number, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return err
	}
	d := &demo{out: out, control: controlAPI{base: base}, guest: true, phone: fmt.Sprintf("0813%08d", number)}
	wallet := map[string]any{"phone": d.phone, "name": "Demo", "cash": 100_000, "points": 100_000}
	if err := d.control.post(ctx, "/wallets", wallet, nil); err != nil {
		return err
	}
	if err := d.control.post(ctx, "/merchants", map[string]any{"name": "Toko Demo"}, &d.merchant); err != nil {
		return err
	}
	fmt.Fprintf(out, "Everything below goes over HTTP, signed. The phone is %s.\n", d.phone)
	return d.play(ctx)
}

func (d *demo) play(ctx context.Context) error {
	for _, journey := range []func(context.Context) error{d.playSNAP, d.playJokul, d.playFaspay} {
		if err := journey(ctx); err != nil {
			return err
		}
	}
	return d.books(ctx)
}

func (d *demo) journey(title string) {
	d.step = 0
	fmt.Fprintf(d.out, "\n%s\n", title)
}

// tell reports a finished step.
func (d *demo) tell(format string, args ...any) {
	d.step++
	fmt.Fprintf(d.out, "  %2d  %s\n", d.step, fmt.Sprintf(format, args...))
}

// books prints what moved, and whether the ledger agrees.
func (d *demo) books(ctx context.Context) error {
	fmt.Fprintf(d.out, "\nWhat moved\n")
	var list struct {
		Payments []struct {
			ID       string
			Merchant string `json:"merchant_id"`
		}
	}
	if err := d.control.get(ctx, "/payments", &list); err != nil {
		return err
	}
	table := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, payment := range slices.Backward(list.Payments) {
		if payment.Merchant != d.merchant.ID {
			continue
		}
		var detail struct {
			Reference, State string
			Postings         []struct {
				Kind, Account string
				Amount        int64
			}
		}
		if err := d.control.get(ctx, "/payments/"+payment.ID, &detail); err != nil {
			return err
		}
		if len(detail.Postings) == 0 {
			fmt.Fprintf(table, "  %s\t%s\t0\t  nothing moved\n", detail.Reference, detail.State)
		}
		for _, p := range detail.Postings {
			fmt.Fprintf(table, "  %s\t%s\t%d\t  %s\n", detail.Reference, p.Kind, p.Amount, shortAccount(p.Account))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var audit struct {
		OK         bool
		Invariants []struct {
			ID, Detail string
			OK         bool
		}
	}
	if err := d.control.post(ctx, "/audit", nil, &audit); err != nil {
		return err
	}
	for _, v := range audit.Invariants {
		if !v.OK {
			fmt.Fprintf(d.out, "  %s BROKEN: %s\n", v.ID, v.Detail)
		}
	}
	if !audit.OK {
		return errors.New("the books do not balance")
	}
	fmt.Fprintf(d.out, "\nThe books balance: %d invariants hold.\n", len(audit.Invariants))
	return nil
}

// shortAccount leaves the owner's id out of an account's name.
func shortAccount(account string) string {
	kind, rest, _ := strings.Cut(account, ":")
	return kind + " " + rest[strings.LastIndexByte(rest, ':')+1:]
}

// confirmPage goes through a hosted page as a customer with a browser and a
// phone would: read the code in the inbox, enter it, enter the PIN. It returns
// where the page sent the browser.
func (d *demo) confirmPage(ctx context.Context, page, pin string) (string, error) {
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	submit := func(method string, form url.Values) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, method, page, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := browser.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return resp, err
	}
	if resp, err := submit(http.MethodGet, nil); err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the page %s: %v, %w", page, resp, err)
	}
	code, err := d.control.otp(ctx, d.phone, page)
	if err != nil {
		return "", err
	}
	if resp, err := submit(http.MethodPost, url.Values{"action": {"otp"}, "code": {code}}); err != nil || resp.StatusCode != http.StatusSeeOther {
		return "", fmt.Errorf("the page refused the code: %v, %w", resp, err)
	}
	resp, err := submit(http.MethodPost, url.Values{"action": {"pin"}, "pin": {pin}})
	if err != nil || resp.StatusCode != http.StatusSeeOther {
		return "", fmt.Errorf("the page refused the PIN: %v, %w", resp, err)
	}
	return resp.Header.Get("Location"), nil
}

// controlAPI calls the sandbox API.
type controlAPI struct{ base string }

func (c controlAPI) get(ctx context.Context, path string, into any) error {
	return c.call(ctx, http.MethodGet, path, nil, into)
}

func (c controlAPI) post(ctx context.Context, path string, body, into any) error {
	return c.call(ctx, http.MethodPost, path, body, into)
}

func (c controlAPI) call(ctx context.Context, method, path string, body, into any) error {
	client, err := control.New(c.base)
	if err != nil {
		return err
	}
	return client.Call(ctx, method, path, body, into)
}

// otp reads the code that a phone received for a page.
func (c controlAPI) otp(ctx context.Context, phone, page string) (string, error) {
	var wallet struct {
		OTPs []struct {
			Code    string `json:"code"`
			PageURL string `json:"page_url"`
		}
	}
	if err := c.get(ctx, "/wallets/"+phone, &wallet); err != nil {
		return "", err
	}
	for _, otp := range wallet.OTPs {
		if otp.PageURL == page {
			return otp.Code, nil
		}
	}
	return "", fmt.Errorf("no code for %s arrived on %s", page, phone)
}

// demoMerchant is the seeded merchant as the control API shows it.
type demoMerchant struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	DOKU struct {
		ClientID            string `json:"client_id"`
		SecretKey           string `json:"secret_key"`
		PrivateKeyPEM       string `json:"private_key_pem"`
		GatewayPublicKeyPEM string `json:"gateway_public_key_pem"`
	} `json:"doku"`
	Faspay struct {
		MerchantID string `json:"merchant_id"`
		UserID     string `json:"user_id"`
		Password   string `json:"password"`
	} `json:"faspay"`
}

// merchant finds the seeded merchant.
func (c controlAPI) merchant(ctx context.Context) (demoMerchant, error) {
	var list struct{ Merchants []demoMerchant }
	if err := c.get(ctx, "/merchants", &list); err != nil {
		return demoMerchant{}, err
	}
	for _, m := range list.Merchants {
		if m.DOKU.ClientID == sandbox.SeedClientID {
			return m, nil
		}
	}
	return demoMerchant{}, errors.New("the sandbox has no seeded merchant")
}
