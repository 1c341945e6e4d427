package main

import (
	"context"
	"io"
	"net/http"
)

type pageCommand struct {
	Complete pageComplete `cmd:"" help:"Walk a hosted page as its customer would, reading the code from the phone."`
}

type pageComplete struct {
	askFlags
	Page    string `arg:"" help:"Address of the page, as a binding's or payment's answer gave it."`
	Outcome string `help:"What the customer does: approve, cancel, wrong_otp or wrong_pin." enum:"approve,cancel,wrong_otp,wrong_pin" default:"approve"`
	PIN     string `help:"PIN to enter; the right one if left out." placeholder:"PIN"`
}

func (c pageComplete) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/pages/complete", map[string]any{"url": c.Page, "outcome": c.Outcome, "pin": c.PIN},
		func(w io.Writer, v struct {
			State      string `json:"state"`
			RedirectTo string `json:"redirect_to"`
		}) error {
			return facts(w, "state", v.State, "browser goes to", v.RedirectTo)
		})
}
