package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

type merchantCommand struct {
	List   merchantList   `cmd:"" help:"List the merchants."`
	Get    merchantGet    `cmd:"" help:"Show one merchant with its credentials and URLs."`
	Create merchantCreate `cmd:"" help:"Create a merchant. Credentials that are not given are made up."`
	Update merchantUpdate `cmd:"" help:"Change members of a merchant."`
	Rotate merchantRotate `cmd:"" help:"Give a merchant of \"gerbang serve\" a new secret, which is shown once, or public key, while the old one serves on for a while."`
	Add    merchantAdd    `cmd:"" help:"Add a merchant to an installation of \"gerbang serve\". What is not given is made up and shown once."`
}

type merchantList struct{ askFlags }

func (c merchantList) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/merchants", nil, func(w io.Writer, list struct{ Merchants []sandbox.Merchant }) error {
		rows := [][]string{{"ID", "NAME", "DOKU CLIENT ID", "FASPAY ID", "NOTIFICATION URL"}}
		for _, m := range list.Merchants {
			rows = append(rows, []string{m.ID, deref(m.Name), deref(m.DOKU.ClientID), deref(m.Faspay.MerchantID), deref(m.DOKU.NotificationURL)})
		}
		return table(w, rows)
	})
}

type merchantGet struct {
	askFlags
	Merchant string `arg:"" optional:"" help:"Id, name, or id at a provider; the seeded merchant if left out."`
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
	d, f := m.DOKU, m.Faspay
	return facts(w,
		"id", m.ID, "name", deref(m.Name),
		"doku.client_id", deref(d.ClientID), "doku.secret_key", deref(d.SecretKey), "doku.notification_url", deref(d.NotificationURL),
		"doku.snap.notification_url", deref(d.SNAP.NotificationURL), "doku.snap.binding_notification_url", deref(d.SNAP.BindingNotificationURL),
		"doku.snap.token_url", deref(d.SNAP.TokenURL),
		"faspay.merchant_id", deref(f.MerchantID), "faspay.user_id", deref(f.UserID), "faspay.password", deref(f.Password), "faspay.format", deref(f.Format),
		"faspay.notification_url", deref(f.NotificationURL), "faspay.activation_callback_url", deref(f.ActivationCallbackURL), "faspay.return_url", deref(f.ReturnURL),
		"keys", "with --json")
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
	Merchant string   `arg:"" help:"Id, name, or id at a provider."`
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

type merchantAdd struct {
	installationFlags
	Name            string `arg:"" help:"Name, as customers see it."`
	ClientID        string `help:"DOKU client id." placeholder:"ID"`
	PublicKey       string `help:"PEM file of the merchant's public key, for SNAP." placeholder:"FILE" type:"path"`
	NotificationURL string `help:"Where payments are notified outside SNAP." placeholder:"URL"`
	FaspayMerchant  string `help:"Faspay merchant id, up to five digits." placeholder:"ID"`
}

func (c merchantAdd) Run(ctx context.Context, std streams) error {
	m := gateway.Merchant{Name: c.Name, DOKU: gateway.DOKU{ClientID: c.ClientID, NotificationURL: c.NotificationURL}}
	if c.ClientID == "" && c.FaspayMerchant == "" {
		return usagef("name the merchant at a provider: --client-id, --faspay-merchant, or both")
	}
	if c.ClientID != "" {
		m.DOKU.SecretKey = gateway.NewSecretKey()
	}
	if c.FaspayMerchant != "" {
		m.Faspay = gateway.Faspay{MerchantID: c.FaspayMerchant, UserID: "bot" + c.FaspayMerchant, Password: gateway.NewPassword()}
	}
	if c.PublicKey != "" {
		var err error
		if m.DOKU.PublicKeyPEM, err = readPublicKey(c.PublicKey); err != nil {
			return err
		}
	}
	err := app.Administer(ctx, c.installation(), func(g *gateway.Gateway) (err error) {
		m, err = g.CreateMerchant(ctx, m)
		return err
	})
	if err != nil {
		return installationError(err)
	}
	fmt.Fprintln(std.err, "The secrets are shown once; a lost one is rotated.")
	return facts(std.out, "id", string(m.ID), "name", m.Name, "doku.client_id", m.DOKU.ClientID, "doku.secret_key", m.DOKU.SecretKey,
		"faspay.merchant_id", m.Faspay.MerchantID, "faspay.user_id", m.Faspay.UserID, "faspay.password", m.Faspay.Password)
}

// readPublicKey reads the PEM file of a flag --public-key.
func readPublicKey(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", usageError{err}
	}
	if _, err := snap.ParsePublicKey(string(text)); err != nil {
		return "", usagef("--public-key: %w", err)
	}
	return string(text), nil
}

type merchantRotate struct {
	installationFlags
	Merchant  string        `arg:"" help:"Id of the merchant, its DOKU client id or its Faspay merchant id."`
	Faspay    bool          `help:"The Faspay password, instead of the DOKU secret key." xor:"which"`
	PublicKey string        `help:"The merchant's public key for SNAP, instead of the DOKU secret key, by the one in this PEM file." placeholder:"FILE" type:"path" xor:"which"`
	Overlap   time.Duration `help:"How long the old one goes on verifying calls: at most 30 days." default:"24h"`
}

func (c merchantRotate) Run(ctx context.Context, std streams) error {
	secret, publicKey := "", ""
	if c.PublicKey != "" {
		var err error
		if publicKey, err = readPublicKey(c.PublicKey); err != nil {
			return err
		}
	}
	if err := app.Administer(ctx, c.installation(), func(g *gateway.Gateway) error {
		m, err := findMerchant(ctx, g, c.Merchant)
		if err != nil {
			return err
		}
		switch {
		case c.Faspay && m.Faspay.MerchantID == "":
			return fmt.Errorf("%s has no Faspay merchant id, so no password there", m.Name)
		case c.Faspay:
			secret, err = g.RotatePassword(ctx, m.ID, c.Overlap)
		case m.DOKU.ClientID == "":
			return fmt.Errorf("%s has no DOKU client id, so no secret or key there; --faspay rotates its password", m.Name)
		case publicKey != "":
			err = g.RotatePublicKey(ctx, m.ID, publicKey, c.Overlap)
		default:
			secret, err = g.RotateSecret(ctx, m.ID, c.Overlap)
		}
		return err
	}); err != nil {
		return installationError(err)
	}
	if publicKey != "" {
		_, err := fmt.Fprintf(std.out, "The new public key verifies from now on, the old one for another %s.\n", c.Overlap)
		return err
	}
	name := "doku.secret_key"
	if c.Faspay {
		name = "faspay.password"
	}
	fmt.Fprintf(std.err, "It is shown once. The old one verifies calls for another %s; notifications are signed with this one from now on.\n", c.Overlap)
	return facts(std.out, name, secret)
}

// findMerchant finds a merchant by any of its ids.
func findMerchant(ctx context.Context, g *gateway.Gateway, name string) (m gateway.Merchant, err error) {
	for _, find := range []func() (gateway.Merchant, error){
		func() (gateway.Merchant, error) { return g.Merchant(ctx, gateway.MerchantID(name)) },
		func() (gateway.Merchant, error) { return g.MerchantByDOKUClient(ctx, name) },
		func() (gateway.Merchant, error) { return g.MerchantByFaspayID(ctx, name) },
	} {
		if m, err = find(); !errors.Is(err, gateway.NotFound) {
			return m, err
		}
	}
	return m, fmt.Errorf("no merchant has the id %q, here, at DOKU or at Faspay", name)
}
