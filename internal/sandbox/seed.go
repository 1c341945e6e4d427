package sandbox

import (
	"context"

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

// Seed fills an empty database, unless that is not wanted. On any other it does
// nothing.
func (s *Sandbox) Seed(ctx context.Context) error {
	if s.NoSeed {
		return nil
	}
	merchants, err := s.Gateway.Merchants(ctx)
	if err != nil || len(merchants) > 0 {
		return err
	}
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
	_, err = s.Gateway.CreateMerchant(ctx, m) // last: it marks the seed as complete
	return err
}
