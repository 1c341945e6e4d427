package sandbox

import (
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

type welcomeScreen struct {
	frame
	BaseURL, Version, Database string
	Merchants                  []gateway.Merchant
	Wallets                    []gateway.Wallet
	MoreWallets                int
	Examples                   []shownExample
	Phone                      gateway.Phone // that the examples charge
	Control                    []command
	Magic                      []magicView
	Calls                      callsPart
	Journey                    journeyPart
	MayPlay                    bool
}

type shownExample struct {
	example
	Words exampleTexts
	Holds string
}

func (v *visit) welcome() error {
	ctx := v.r.Context()
	merchants, err := v.Gateway.Merchants(ctx)
	if err != nil {
		return err
	}
	wallets, err := v.Gateway.Wallets(ctx)
	if err != nil {
		return err
	}
	t := &v.text.Start
	s := welcomeScreen{
		frame: v.frame(t.Title, "/", nil).follow(), BaseURL: v.BaseURL, Version: v.Version, Database: v.Database,
		Merchants: merchants[:min(len(merchants), maxListed)], Wallets: wallets[:min(len(wallets), maxListed)],
		MoreWallets: len(wallets) - min(len(wallets), maxListed), Magic: magicViews(), MayPlay: v.Journey != nil,
	}
	s.Class = "wide"
	if len(merchants) > 0 && len(wallets) > 0 {
		s.Phone = wallets[0].Phone
		examples, err := v.examples(merchants[0], s.Phone)
		if err != nil {
			return err
		}
		for _, e := range examples {
			shown := shownExample{example: e, Words: t.Examples[e.System], Holds: t.ForEver}
			if e.Holds > 0 {
				shown.Holds = t.Holds(v.Clock.Now().Add(e.Holds).In(westernTime).Format("15:04"))
			}
			s.Examples = append(s.Examples, shown)
		}
	}
	api := v.BaseURL + "/sandbox/v1"
	for i, text := range [len(t.Control)]string{
		"curl " + api + "/wallets",
		"curl -d '{\"by\":\"71s\"}' " + api + "/clock/advance",
		"curl -d '{\"outcome\":{\"ovo_code\":\"61\"}}' " + api + "/scenarios",
		"curl " + api + "/requests",
		"curl -X POST " + api + "/audit",
		"curl -X POST " + api + "/reset",
	} {
		s.Control = append(s.Control, command{t.Control[i], text})
	}
	if s.Calls, err = v.recentCalls(ctx); err != nil {
		return err
	}
	s.Journey = v.journeyNow()
	v.render(http.StatusOK, "welcome", s)
	return nil
}
