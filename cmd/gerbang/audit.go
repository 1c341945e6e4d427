package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// installationFlags say where an installation lives.
type installationFlags struct {
	Data             string `help:"Directory of the master key and the database." default:"./gerbang-data" type:"path"`
	Database         string `help:"Database, as sqlite:///path/to/file or postgres://user@host/name; by default gerbang.db in the data directory." placeholder:"URL"`
	MasterKeyFile    string `help:"File with the master keys, outside the data directory; by default GERBANG_MASTER_KEY or, in a sandbox, master.key in the data directory." placeholder:"FILE" type:"path"`
	MasterKeyCommand string `help:"Shell command that prints the master keys, as of a secret store." placeholder:"COMMAND"`
}

func (f installationFlags) installation() app.Installation {
	i := app.Installation{DataDir: f.Data, Database: f.Database, KeyFile: f.MasterKeyFile, KeyCommand: f.MasterKeyCommand}
	if i.KeyFile == "" && i.KeyCommand == "" {
		i.MasterKey = masterKeyInEnvironment()
	}
	return i
}

type auditCommand struct {
	installationFlags
	At      time.Time `help:"Print what every account held at a time, such as 2026-01-31T23:59:59+07:00, instead of checking the rules." placeholder:"TIME"`
	Secrets bool      `help:"Open every secret instead of checking the rules, and count which master key it is under."`
	JSON    bool      `help:"Print JSON for programs."`
}

// auditView is the JSON form of an audit.
type auditView struct {
	OK         bool            `json:"ok"`
	Invariants []invariantView `json:"invariants"`
}

type invariantView struct {
	ID     string   `json:"id"`
	OK     bool     `json:"ok"`
	Rule   string   `json:"rule"`
	Broken int      `json:"broken"`
	Keys   []string `json:"keys,omitempty"`
}

func (c auditCommand) Run(ctx context.Context, std streams) error {
	if !c.At.IsZero() {
		return c.balances(ctx, std)
	}
	if c.Secrets {
		return c.secrets(ctx, std)
	}
	verdicts, err := app.Audit(ctx, c.installation())
	if err != nil {
		return err
	}
	view := viewAudit(verdicts)
	if c.JSON {
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(view)
	} else {
		err = printAudit(std, view)
	}
	if err == nil && !view.OK {
		err = errFailed
	}
	return err
}

// balances prints the ledger as it stood. Together all accounts hold nothing, for
// what wallets and merchants hold came from outside.
func (c auditCommand) balances(ctx context.Context, std streams) error {
	list, err := app.BalancesAt(ctx, c.installation(), c.At)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, b := range list {
		total += b.Amount
	}
	if c.JSON {
		type balance struct {
			Account string `json:"account"`
			Phone   string `json:"phone,omitempty"`
			Amount  int64  `json:"amount"`
		}
		view := struct {
			At       time.Time `json:"at"`
			Balances []balance `json:"balances"`
			Total    int64     `json:"total"`
		}{c.At, []balance{}, total}
		for _, b := range list {
			view.Balances = append(view.Balances, balance(b))
		}
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(view)
	} else {
		table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, b := range list {
			fmt.Fprintf(table, "%d\t  %s %s\t\n", b.Amount, b.Account, b.Phone)
		}
		fmt.Fprintf(table, "%d\t  together\t\n", total)
		err = table.Flush()
	}
	if err == nil && total != 0 {
		err = errFailed
	}
	return err
}

func viewAudit(verdicts []gateway.Invariant) auditView {
	view := auditView{OK: true}
	for _, v := range verdicts {
		view.OK = view.OK && v.OK
		view.Invariants = append(view.Invariants, invariantView{v.ID, v.OK, v.Rule, v.Broken, v.Keys})
	}
	return view
}

func printAudit(std streams, view auditView) error {
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, v := range view.Invariants {
		verdict := "ok"
		if !v.OK {
			verdict = fmt.Sprintf("BROKEN by %d", v.Broken)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.ID, verdict, v.Rule)
		for _, key := range v.Keys {
			fmt.Fprintf(table, "\t\t  %s\n", key)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if view.OK {
		fmt.Fprintln(std.out, "The books balance.")
	} else {
		fmt.Fprintln(std.out, "The books do NOT balance. Keep the database as it is, and the log of the server that wrote it.")
		if slices.ContainsFunc(view.Invariants, waiting) {
			fmt.Fprintln(std.out, "I12, I16 and I19 are broken, too, while no server runs and something falls due: then start one, wait a minute, and audit again.")
		}
	}
	return nil
}

// waiting reports whether an invariant is broken that a stopped server breaks as time
// passes.
func waiting(v invariantView) bool {
	return !v.OK && slices.Contains([]string{"I12", "I16", "I19"}, v.ID)
}
