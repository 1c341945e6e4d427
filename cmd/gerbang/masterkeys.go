package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gerbang-pay/gerbang/internal/app"
)

type keysCommand struct {
	Generate keysGenerate `cmd:"" help:"Print a new master key, a line for a keyring file."`
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
