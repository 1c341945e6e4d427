package main

import (
	"context"
	"fmt"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
)

type userCommand struct {
	Add   userAdd   `cmd:"" help:"Let somebody sign in to the back office of \"gerbang serve\". The first operator is made so."`
	Reset userReset `cmd:"" help:"Give somebody who may sign in a new password, or take a lost second factor away. Their sessions end."`
}

type userAdd struct {
	installationFlags
	Name     string `arg:"" help:"Name to sign in with."`
	Role     string `help:"viewer, support, operator or merchant." enum:"viewer,support,operator,merchant" default:"operator"`
	Merchant string `help:"The merchant whose rows a user of role merchant sees, by id." placeholder:"ID"`
}

func (c userAdd) Run(ctx context.Context, std streams) error {
	return installationError(app.Administer(ctx, c.installation(), func(g *gateway.Gateway) error {
		u, password, err := g.CreateUser(ctx, gateway.NewUser{Name: c.Name, Role: gateway.Role(c.Role), Merchant: gateway.MerchantID(c.Merchant)})
		if err != nil {
			return err
		}
		fmt.Fprintf(std.err, "This password is shown once, and must be replaced when %s signs in.\n", u.Name)
		return facts(std.out, "user", u.Name, "role", string(u.Role), "password", password)
	}))
}

type userReset struct {
	installationFlags
	Name         string `arg:"" help:"Name to sign in with."`
	Password     bool   `help:"A new password, which is shown once and must be replaced."`
	SecondFactor bool   `help:"No second factor and no recovery codes; a new one is set up after signing in."`
}

func (c userReset) Run(ctx context.Context, std streams) error {
	if !c.Password && !c.SecondFactor {
		return usagef("say what to reset: --password, --second-factor, or both")
	}
	return installationError(app.Administer(ctx, c.installation(), func(g *gateway.Gateway) error {
		u, err := g.UserNamed(ctx, c.Name)
		if err != nil {
			return err
		}
		act := func(action string, do func() error) error {
			return g.Act(ctx, gateway.Trace{UserName: "gerbang user reset", Action: action, Subject: string(u.ID), Detail: u.Name}, do)
		}
		reset := []string{"user", u.Name}
		if c.SecondFactor {
			if err := act("reset second factor", func() error { return g.ResetFactor(ctx, u.ID) }); err != nil {
				return err
			}
			reset = append(reset, "second factor", "none")
		}
		if c.Password {
			password := ""
			if err := act("reset password", func() (err error) {
				password, err = g.ResetPassword(ctx, u.ID)
				return err
			}); err != nil {
				return err
			}
			fmt.Fprintf(std.err, "This password is shown once, and must be replaced when %s signs in.\n", u.Name)
			reset = append(reset, "password", password)
		}
		return facts(std.out, reset...)
	}))
}
