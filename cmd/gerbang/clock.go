package main

import (
	"context"
	"io"
	"net/http"
	"time"
)

type clockCommand struct {
	Get     clockGet     `cmd:"" default:"1" help:"Show the sandbox's time."`
	Advance clockAdvance `cmd:"" help:"Move the sandbox's clock forward. What falls due happens."`
}

type clockView struct {
	Now    time.Time
	Offset string
}

func printClock(w io.Writer, v clockView) error {
	return facts(w, "now", stamp(v.Now), "ahead by", v.Offset)
}

type clockGet struct{ askFlags }

func (c clockGet) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/clock", nil, printClock)
}

type clockAdvance struct {
	askFlags
	By string `arg:"" help:"How far, as in 71s, 30m or 6h."`
}

func (c clockAdvance) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/clock/advance", map[string]string{"by": c.By}, printClock)
}
