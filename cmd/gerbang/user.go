package main

import (
	"context"
	"fmt"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
)

type userCommand struct {
	Add userAdd `cmd:"" help:"Let somebody sign in to the back office of \"gerbang serve\". The first operator is made so."`
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
