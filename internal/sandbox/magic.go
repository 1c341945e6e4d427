package sandbox

import (
	"context"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// ovoOutcome is one of OVO's response codes, with the phone number that always
// gives it and the gateway's word for it.
type ovoOutcome struct {
	OVO    string
	Ending string       // of the magic phone number
	Code   gateway.Code // Internal (zero): the rules decide
}

// ovoOutcomes are all of OVO's response codes. A magic number ends in the digits
// of its code; codes without digits have the endings 81 to 85.
var ovoOutcomes = []ovoOutcome{
	{"00", "00", gateway.Internal},
	{"13", "13", gateway.AmountInvalid},
	{"14", "14", gateway.WalletUnknown},
	{"17", "17", gateway.Cancelled},
	{"25", "25", gateway.NotFound},
	{"26", "26", gateway.PushUndelivered},
	{"40", "40", gateway.IssuerFault},
	{"54", "54", gateway.StatusTooOld},
	{"56", "56", gateway.CardBlocked},
	{"58", "58", gateway.NotPermitted},
	{"61", "61", gateway.LimitExceeded},
	{"63", "63", gateway.PINWrong},
	{"64", "64", gateway.WalletBlocked},
	{"65", "65", gateway.CountExceeded},
	{"67", "67", gateway.BelowMinimum},
	{"68", "68", gateway.OutcomePending},
	{"73", "73", gateway.Reversed},
	{"94", "94", gateway.Duplicate},
	{"96", "96", gateway.QueryInvalid},
	{"ER", "81", gateway.Unavailable},
	{"EB", "82", gateway.TerminalBlocked},
	{"TO", "83", gateway.ClockSkew},
	{"BR", "84", gateway.Invalid},
	{"-", "85", gateway.Expired},
}

// magicPrefix begins every magic phone number.
const magicPrefix = "0819000000"

// magicPIN is the PIN of every magic wallet.
const magicPIN = "123456"

func (o ovoOutcome) phone() gateway.Phone { return gateway.Phone(magicPrefix + o.Ending) }

// meaning says for people what the code means.
func (o ovoOutcome) meaning() string {
	var all []string
	for _, row := range jokul.ResponseCodes {
		if row.Code == o.OVO {
			all = append(all, row.Meaning)
		}
	}
	return strings.Join(all, " Or: ")
}

func findOVO(code string) (ovoOutcome, bool) {
	for _, o := range ovoOutcomes {
		if o.OVO == code {
			return o, true
		}
	}
	return ovoOutcome{}, false
}

func findMagic(phone gateway.Phone) (ovoOutcome, bool) {
	for _, o := range ovoOutcomes {
		if o.phone() == phone {
			return o, true
		}
	}
	return ovoOutcome{}, false
}

// openMagic opens the wallet of a magic phone number, the first time that the
// number is named. Opening all of them at the start would take a second, mostly of
// PIN hashing, for wallets of which most are never used.
func openMagic(ctx context.Context, g *gateway.Gateway, phone gateway.Phone) error {
	o, magic := findMagic(phone)
	if !magic {
		return nil
	}
	_, err := g.Wallet(ctx, phone)
	if gateway.ErrorCode(err) != gateway.NotFound {
		return err
	}
	_, err = g.CreateWallet(ctx, gateway.NewWallet{
		Phone: phone, Name: "Magic " + o.OVO, PIN: magicPIN, Balance: ledger.Split{Cash: 1_000_000},
	})
	if gateway.ErrorCode(err) == gateway.Duplicate { // another call was faster
		return nil
	}
	return err
}

type magicView struct {
	Phone   gateway.Phone `json:"phone"`
	OVOCode string        `json:"ovo_code"`
	Meaning string        `json:"meaning"`
}

func magicViews() []magicView {
	views := make([]magicView, 0, len(ovoOutcomes))
	for _, o := range ovoOutcomes {
		views = append(views, magicView{o.phone(), o.OVO, o.meaning()})
	}
	return views
}
