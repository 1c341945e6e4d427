package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/money"
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
	rows := [][]string{{"ID", "OPERATION", "PHONE", "CLIENT ID", "REFERENCE", "AMOUNT", "EVENT", "OUTCOME", "DELAY", "SKIP", "EVERY", "LEFT"}}
	some := func(n int64) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	for _, s := range list {
		outcome := s.Outcome.OVOCode + s.Outcome.Error + string(s.Outcome.Notification)
		if s.Outcome.Answer != "" {
			outcome = strings.TrimSpace(outcome + " answer " + s.Outcome.Answer)
		}
		rows = append(rows, []string{
			s.ID, string(s.Match.Operation), s.Match.Phone, s.Match.ClientID, s.Match.Reference, some(int64(s.Match.Amount)), string(s.Match.Event),
			outcome, s.Outcome.Delay, some(int64(s.Skip)), some(int64(s.Every)), fmt.Sprintf("%d of %d", s.Left, s.Times),
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
	Operation    string       `help:"Only for this operation: bind, balance, payment, push, refund, unbind, status or notification." placeholder:"NAME"`
	Phone        string       `help:"Only for this wallet." placeholder:"PHONE"`
	ClientID     string       `help:"Only for the merchant with this DOKU client id or Faspay merchant id." placeholder:"ID"`
	Reference    string       `help:"Only for the payment with this number; a star at its end stands for any rest." placeholder:"NUMBER"`
	Amount       money.Amount `help:"Only for this amount." placeholder:"RUPIAH"`
	Event        string       `help:"Only for notifications of this event, as payment.succeeded." placeholder:"NAME"`
	Code         string       `help:"OVO response code to answer with; \"gerbang scenario magic\" lists them." placeholder:"CODE"`
	Error        string       `help:"Error to answer with: unavailable." placeholder:"NAME"`
	Delay        string       `help:"How long to wait first, as in 3s, on the sandbox's clock." placeholder:"DURATION"`
	Answer       string       `help:"What becomes of the answer: lost breaks the connection after the operation has happened." placeholder:"NAME"`
	Notification string       `help:"What becomes of a notification: lost, duplicated or reordered." placeholder:"NAME"`
	Times        int          `help:"How often." default:"1" placeholder:"N"`
	Skip         int          `help:"How many operations that match go by first." placeholder:"N"`
	Every        int          `help:"Every how many of them it happens to." placeholder:"N"`
}

func (c scenarioAdd) Run(ctx context.Context, std streams) error {
	if c.Notification != "" && c.Operation == "" {
		c.Operation = "notification"
	}
	return ask(ctx, std, c.askFlags, http.MethodPost, "/scenarios", map[string]any{
		"match": map[string]any{
			"phone": c.Phone, "client_id": c.ClientID, "operation": c.Operation, "reference": c.Reference, "amount": c.Amount, "event": c.Event,
		},
		"outcome": map[string]string{"ovo_code": c.Code, "error": c.Error, "delay": c.Delay, "answer": c.Answer, "notification": c.Notification},
		"times":   c.Times, "skip": c.Skip, "every": c.Every,
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
