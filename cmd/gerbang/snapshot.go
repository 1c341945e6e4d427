package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

type snapshotCommand struct {
	List   snapshotList   `cmd:"" help:"List the snapshots."`
	Save   snapshotSave   `cmd:"" help:"Save the sandbox's state under a name."`
	Load   snapshotLoad   `cmd:"" help:"Make the sandbox what it was when the snapshot was saved."`
	Delete snapshotDelete `cmd:"" help:"Delete a snapshot."`
}

type snapshotList struct{ askFlags }

func (c snapshotList) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/snapshots", nil, func(w io.Writer, list struct{ Snapshots []sandbox.Snapshot }) error {
		return printSnapshots(w, list.Snapshots...)
	})
}

func printSnapshots(w io.Writer, list ...sandbox.Snapshot) error {
	rows := [][]string{{"NAME", "SAVED", "BYTES"}}
	for _, s := range list {
		rows = append(rows, []string{s.Name, stamp(s.SavedAt), fmt.Sprint(s.Bytes)})
	}
	return table(w, rows)
}

type oneSnapshot struct {
	Name string `arg:"" help:"Name of the snapshot: lower-case letters, digits, dots, dashes and underscores."`
}

func (s oneSnapshot) path(rest string) string { return "/snapshots/" + url.PathEscape(s.Name) + rest }

type snapshotSave struct {
	askFlags
	oneSnapshot
	Replace bool `help:"Save over a snapshot of this name."`
}

func (c snapshotSave) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/snapshots", map[string]any{"name": c.Name, "replace": c.Replace}, func(w io.Writer, s sandbox.Snapshot) error {
		return printSnapshots(w, s)
	})
}

type snapshotLoad struct {
	askFlags
	oneSnapshot
}

func (c snapshotLoad) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, c.path("/load"), nil, func(w io.Writer, _ struct{}) error {
		_, err := fmt.Fprintf(w, "The sandbox is as %s has it.\n", c.Name)
		return err
	})
}

type snapshotDelete struct {
	askFlags
	oneSnapshot
}

func (c snapshotDelete) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodDelete, c.path(""), nil, func(w io.Writer, _ struct{}) error {
		_, err := fmt.Fprintf(w, "%s is deleted.\n", c.Name)
		return err
	})
}
