package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
)

type keysCommand struct {
	Generate keysGenerate `cmd:"" help:"Print a new master key, a line for a keyring file."`
	Signing  keysSigning  `cmd:"" help:"The gateway's own RSA key pairs, which sign the tokens it issues and its token calls to merchants."`
	Rotate   keysRotate   `cmd:"" help:"Add a master key to the keyring's file and seal every secret under it, beside running servers. Broken off, it goes on when run again."`
}

type keysGenerate struct {
	Version int `arg:"" optional:"" help:"The version of the key: one more than the newest of the keyring." default:"1"`
}

func (c keysGenerate) Run(std streams) error {
	if c.Version < 1 {
		return usagef("versions begin at 1")
	}
	_, err := fmt.Fprintln(std.out, app.NewMasterKey(c.Version))
	return err
}

type keysRotate struct{ installationFlags }

func (c keysRotate) Run(ctx context.Context, std streams) error {
	done, err := app.RotateKeys(ctx, c.installation(), func(column string, rewrapped int64) {
		fmt.Fprintf(std.err, "%s: %d rewrapped\n", column, rewrapped)
	})
	if err != nil {
		return installationError(err)
	}
	if done.Added {
		fmt.Fprintf(std.out, "Master key v%d is new. Keep a copy of the keyring where the database's backups are not.\n", done.Version)
	}
	fmt.Fprintf(std.out, "%d secrets were rewrapped; all are under v%d.\n"+
		"Older keys still open older backups, and PINs and passwords until their owners next give them: gerbang audit --secrets counts those.\n", done.Rewrapped, done.Version)
	return nil
}

// secretView is the JSON form of what "audit --secrets" says of a column.
type secretView struct {
	Column   string        `json:"column"`
	Hash     bool          `json:"hash"`
	Versions map[int]int64 `json:"versions"`
	Broken   int64         `json:"broken"`
	Rows     []string      `json:"broken_rows,omitempty"`
}

// secrets opens every secret. It fails when one opens with no key of the keyring.
func (c auditCommand) secrets(ctx context.Context, std streams) error {
	columns, newest, err := app.Secrets(ctx, c.installation())
	if err != nil {
		return installationError(err)
	}
	view := struct {
		OK      bool         `json:"ok"`
		Newest  int          `json:"newest"`
		Columns []secretView `json:"columns"`
	}{true, newest, nil}
	older := map[int]bool{} // versions that something depends on
	for _, s := range columns {
		view.OK = view.OK && s.Broken == 0
		view.Columns = append(view.Columns, secretView{s.Name, s.Hash, s.Versions, s.Broken, s.Rows})
		for version := range s.Versions {
			if version < newest {
				older[version] = true
			}
		}
	}
	if c.JSON {
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(view)
	} else {
		err = printSecrets(std, view.Columns)
		for _, version := range slices.Sorted(maps.Keys(older)) {
			fmt.Fprintf(std.out, "Something depends on master key v%d still.\n", version)
		}
		if view.OK {
			fmt.Fprintf(std.out, "Every secret opens. New ones are sealed under v%d.\n", newest)
		} else {
			fmt.Fprintln(std.out, "Some secrets open with NO key of the keyring. Find the key that is missing before anything is written.")
		}
	}
	if err == nil && !view.OK {
		err = errFailed
	}
	return err
}

func printSecrets(std streams, columns []secretView) error {
	rows := [][]string{{"SECRET", "KEY", "ROWS", ""}}
	for _, c := range columns {
		for _, version := range slices.Sorted(maps.Keys(c.Versions)) {
			kind := "sealed"
			if c.Hash {
				kind = "hash, renewed by its owner"
			}
			rows = append(rows, []string{c.Column, fmt.Sprintf("v%d", version), fmt.Sprint(c.Versions[version]), kind})
		}
		if c.Broken > 0 {
			rows = append(rows, []string{c.Column, "none", fmt.Sprint(c.Broken), fmt.Sprintf("such as %v", c.Rows)})
		}
	}
	return table(std.out, rows)
}

type keysSigning struct {
	List   signingList   `cmd:"" help:"List the public keys, and when each signs."`
	Rotate signingRotate `cmd:"" help:"Make a key pair that takes over after a notice. Until then merchants find it at /.well-known/gerbang/signing-keys."`
}

type signingList struct {
	installationFlags
	JSON bool `help:"Print JSON for programs, with the public keys."`
}

func (c signingList) Run(ctx context.Context, std streams) error {
	list, err := app.SigningKeys(ctx, c.installation())
	if err != nil {
		return installationError(err)
	}
	if c.JSON {
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(list)
	}
	rows := [][]string{{"KEY", "SIGNS FROM", "UNTIL", "TOKENS ACCEPTED UNTIL"}}
	for _, k := range list {
		rows = append(rows, []string{k.ID, moment(k.From, "the beginning"), moment(k.Until, "further notice"), moment(k.Accepted, "their end")})
	}
	return table(std.out, rows)
}

// moment is a time in a list, or what stands for none.
func moment(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.Format(time.RFC3339)
}

type signingRotate struct {
	installationFlags
	In          time.Duration `help:"Notice that merchants get; at least a minute." default:"24h"`
	Compromised bool          `help:"Accept tokens of the earlier keys only until then: somebody else has one."`
}

func (c signingRotate) Run(ctx context.Context, std streams) error {
	k, err := app.RotateSigningKey(ctx, c.installation(), c.In, c.Compromised)
	if err != nil {
		return installationError(err)
	}
	fmt.Fprintf(std.err, "The key %s signs from %s on. Until then, give its public key to merchants that take notifications of SNAP.\n", k.ID, k.From.Format(time.RFC3339))
	_, err = fmt.Fprint(std.out, k.PublicKey)
	return err
}
