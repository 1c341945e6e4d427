package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

type scenarioCommand struct {
	List   scenarioList   `cmd:"" help:"List the scenarios that wait for their turn."`
	Magic  scenarioMagic  `cmd:"" help:"List the magic phone numbers and what each does."`
	Add    scenarioAdd    `cmd:"" help:"Decide the outcome of operations that are to come."`
	Delete scenarioDelete `cmd:"" help:"Delete a scenario."`
}

type scenarioAnswer struct {
	Scenarios []sandbox.Scenario
	Magic     []sandbox.MagicPhone
}

type scenarioList struct{ askFlags }

func (c scenarioList) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/scenarios", nil, func(w io.Writer, a scenarioAnswer) error {
		return printScenarios(w, a.Scenarios)
	})
}

func printScenarios(w io.Writer, list []sandbox.Scenario) error {
	rows := [][]string{{"ID", "OPERATION", "PHONE", "CLIENT ID", "OUTCOME", "DELAY", "LEFT"}}
	for _, s := range list {
		rows = append(rows, []string{
			s.ID, string(s.Match.Operation), s.Match.Phone, s.Match.ClientID, s.Outcome.OVOCode + s.Outcome.Error, s.Outcome.Delay, fmt.Sprintf("%d of %d", s.Left, s.Times),
		})
	}
	return table(w, rows)
}

type scenarioMagic struct{ askFlags }

func (c scenarioMagic) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodGet, "/scenarios", nil, func(w io.Writer, a scenarioAnswer) error {
		rows := [][]string{{"PHONE", "OVO CODE", "MEANING"}}
		for _, m := range a.Magic {
			rows = append(rows, []string{string(m.Phone), m.OVOCode, m.Meaning})
		}
		return table(w, rows)
	})
}

type scenarioAdd struct {
	askFlags
	Phone     string `help:"Only for this wallet." placeholder:"PHONE"`
	ClientID  string `help:"Only for the merchant with this DOKU client id." placeholder:"ID"`
	Operation string `help:"Only for this operation: bind, balance, payment, push, refund, unbind or status." placeholder:"NAME"`
	Code      string `help:"OVO response code to answer with; \"gerbang scenario magic\" lists them." placeholder:"CODE"`
	Error     string `help:"Error to answer with: unavailable." placeholder:"NAME"`
	Delay     string `help:"How long to wait first, as in 3s, on the sandbox's clock." placeholder:"DURATION"`
	Times     int    `help:"How often." default:"1" placeholder:"N"`
}

func (c scenarioAdd) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodPost, "/scenarios", map[string]any{
		"match":   map[string]string{"phone": c.Phone, "client_id": c.ClientID, "operation": c.Operation},
		"outcome": map[string]string{"ovo_code": c.Code, "error": c.Error, "delay": c.Delay},
		"times":   c.Times,
	}, func(w io.Writer, s sandbox.Scenario) error { return printScenarios(w, []sandbox.Scenario{s}) })
}

type scenarioDelete struct {
	askFlags
	ID string `arg:"" help:"Id of the scenario."`
}

func (c scenarioDelete) Run(ctx context.Context, std streams) error {
	return ask(ctx, std, c.askFlags, http.MethodDelete, "/scenarios/"+url.PathEscape(c.ID), nil, func(w io.Writer, _ struct{}) error {
		_, err := fmt.Fprintf(w, "%s is deleted.\n", c.ID)
		return err
	})
}
