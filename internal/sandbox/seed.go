package sandbox

import (
	"context"
	"errors"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// What a fresh sandbox contains. The same credentials everywhere let examples be
// pasted as they are.
const (
	SeedClientID  = "MCH-0001-10791114622547"
	SeedSecretKey = "SK-9sCrJ1kdYUJAYlsJKlqz"

	SeedFaspayID       = "99999"
	SeedFaspayUser     = "bot99999"
	SeedFaspayPassword = "p@ssw0rd"
)

var seedWallets = []gateway.NewWallet{
	{Phone: "081211111111", Name: "Anton Budiman", PIN: "123456", Balance: ledger.Split{Cash: 100_000, Points: 100_000}},
	{Phone: "081222222222", Name: "Citra Lestari", PIN: "123456", Balance: ledger.Split{Cash: 1_000_000}},
}

// Seed fills an empty database: with the merchant and the wallets that examples use,
// unless that is not wanted, and with the world of the seed file, if there is one. On
// any other database it does nothing.
func (s *Sandbox) Seed(ctx context.Context) error {
	merchants, err := s.Gateway.Merchants(ctx)
	if err != nil || len(merchants) > 0 {
		return err
	}
	if s.NoSeed {
		var wallets []gateway.Wallet
		if wallets, err = s.Gateway.Wallets(ctx); err != nil || len(wallets) > 0 {
			return err
		}
	} else {
		err = s.seedExamples(ctx)
	}
	if err == nil && s.World != nil {
		err = s.build(ctx, s.World)
	}
	if err != nil && s.World != nil { // half a world would pass for a whole one at the next start
		err = errors.Join(err, s.Gateway.Erase(ctx))
	}
	return err
}

func (s *Sandbox) seedExamples(ctx context.Context) error {
	m := gateway.Merchant{
		Name: "Toko Sandbox", DOKU: gateway.DOKU{ClientID: SeedClientID, SecretKey: SeedSecretKey},
		Faspay: gateway.Faspay{MerchantID: SeedFaspayID, UserID: SeedFaspayUser, Password: SeedFaspayPassword},
	}
	if err := setKeyPair(&m, s.SeedKey); err != nil {
		return err
	}
	for _, w := range seedWallets {
		if _, err := s.Gateway.CreateWallet(ctx, w); err != nil && gateway.ErrorCode(err) != gateway.Duplicate {
			return err
		}
	}
	_, err := s.Gateway.CreateMerchant(ctx, m) // last: it marks the seed as complete
	return err
}
