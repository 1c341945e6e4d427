package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// installationFlags say where an installation lives.
type installationFlags struct {
	Data     string `help:"Directory of the master key and the database." default:"./gerbang-data" type:"path"`
	Database string `help:"Database, as sqlite:///path/to/file or postgres://user@host/name; by default gerbang.db in the data directory." placeholder:"URL"`
}

func (f installationFlags) installation() app.Installation {
	return app.Installation{DataDir: f.Data, Database: f.Database}
}

type auditCommand struct {
	installationFlags
	JSON bool `help:"Print JSON for programs."`
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
	}
	return nil
}
