package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

type infoCommand struct{ askFlags }

func (c infoCommand) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/info", nil, func(w io.Writer, v struct {
		Version, Profile, Database string
		Now                        time.Time
		BaseURL                    string `json:"base_url"`
	}) error {
		return facts(w, "url", v.BaseURL, "profile", v.Profile, "version", v.Version, "database", v.Database, "now", stamp(v.Now))
	})
}

type resetCommand struct{ askFlags }

func (c resetCommand) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/reset", nil, func(w io.Writer, _ struct{}) error {
		_, err := fmt.Fprintln(w, "The sandbox is as new.")
		return err
	})
}
