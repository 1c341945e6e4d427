package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/app"
)

type migrateCommand struct {
	installationFlags
	From string `help:"Database to copy, as sqlite:///path/to/file; by default that of the installation." placeholder:"URL"`
	To   string `help:"Empty database to copy to, as postgres://user@host/name." required:"" placeholder:"URL"`
}

func (c migrateCommand) Run(ctx context.Context, std streams) error {
	i := c.installation()
	if c.From != "" {
		i.Database = c.From
	}
	if kind, _, ok := strings.Cut(c.To, "://"); !ok || kind != "postgres" && kind != "postgresql" {
		return usagef("--to: write postgres://user@host/name")
	}
	said := int64(0)
	done, err := app.Migrate(ctx, i, c.To, func(p app.CopyProgress) {
		if p.Done < said { // the next table
			said = 0
		}
		if p.Done == p.Rows || p.Done-said >= 100_000 {
			fmt.Fprintf(std.err, "%s: %d of %d rows\n", p.Table, p.Done, p.Rows)
			said = p.Done
		}
	})
	if err != nil {
		return installationError(err)
	}
	total := int64(0)
	for _, n := range done.Rows {
		total += n
	}
	fmt.Fprintf(std.out, "%d rows of %d tables were copied. On both sides %d invariants hold, and %d accounts have the same balance.\n"+
		"Start the servers with the new database, and never again with the old one.\n", total, len(done.Rows), len(done.Invariants), done.Accounts)
	return nil
}
