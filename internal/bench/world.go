package bench

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// World is who takes part in the load.
type World struct {
	merchants []gateway.Merchant
	holders   []holder
	key       *rsa.PrivateKey // of every merchant: making hundreds of pairs takes minutes
}

// holder is a wallet that two merchants may charge: the one that everybody pays in
// the hot pattern, and its own in the spread one.
type holder struct {
	phone       gateway.Phone
	hot, spread gateway.Binding
}

const (
	// worldMerchants share the payments of the spread pattern; one more has all of
	// those of the hot one.
	worldMerchants = 500
	worldWallets   = 1000
	worldSecret    = "SK-a1b2c3d4e5f6g7h8i9j0"
	worldRate      = 1_000_000 // calls a second: the load is to find the server's bound, not the merchant's

	// The purse must outlast any run; with refunds it may not pass the largest amount.
	worldCash = money.Max / 10
)

// Settle writes a World into an empty store. Its wallets have no PIN: what needs one
// opens its own.
func Settle(ctx context.Context, store gateway.Store) (*World, error) {
	w := &World{}
	var err error
	if w.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	public, err := snap.EncodePublicKey(&w.key.PublicKey)
	if err != nil {
		return nil, err
	}
	for i := range worldMerchants + 1 {
		w.merchants = append(w.merchants, gateway.Merchant{
			ID: gateway.MerchantID("mch_" + digits(i)), Name: fmt.Sprintf("Toko %03d", i), CallRate: worldRate,
			DOKU:   gateway.DOKU{ClientID: fmt.Sprintf("MCH-BENCH-%04d", i), SecretKey: worldSecret, PublicKeyPEM: public},
			Faspay: gateway.Faspay{MerchantID: fmt.Sprintf("%05d", 10_000+i), UserID: "bot-bench", Password: worldSecret, Format: "json", AmountScale: 1},
		})
	}
	if err := inBatches(ctx, store, w.merchants, func(tx gateway.Tx, _ int, m gateway.Merchant) error {
		m.CreatedAt = tx.Now()
		return inserted(tx.InsertMerchant(m))
	}); err != nil {
		return nil, err
	}
	w.holders = make([]holder, worldWallets)
	return w, inBatches(ctx, store, w.holders, func(tx gateway.Tx, i int, _ holder) error {
		h := &w.holders[i]
		h.phone = gateway.Phone(fmt.Sprintf("0852%08d", i))
		wallet := gateway.WalletID("wal_" + digits(i))
		if err := openWallet(tx, wallet, h.phone); err != nil {
			return err
		}
		if h.hot, err = bind(tx, w.merchants[0].ID, wallet, h.phone, i); err != nil {
			return err
		}
		h.spread, err = bind(tx, w.merchants[1+i%worldMerchants].ID, wallet, h.phone, worldWallets+i)
		return err
	})
}

// digits is the part of an id behind its prefix.
func digits(n int) string { return fmt.Sprintf("%032d", n) }

// settleBatch is how many rows share a transaction.
const settleBatch = 250

func inBatches[T any](ctx context.Context, store gateway.Store, all []T, write func(tx gateway.Tx, i int, v T) error) error {
	for from := 0; from < len(all); from += settleBatch {
		if err := store.Update(ctx, func(tx gateway.Tx) error {
			for i := from; i < min(from+settleBatch, len(all)); i++ {
				if err := write(tx, i, all[i]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func inserted(ok bool, err error) error {
	if err == nil && !ok {
		return fmt.Errorf("bench: the database is not empty")
	}
	return err
}

func openWallet(tx gateway.Tx, id gateway.WalletID, phone gateway.Phone) error {
	if err := inserted(tx.InsertWallet(gateway.Wallet{
		ID: id, Phone: phone, Name: "Customer " + phone.Masked(), Status: gateway.WalletActive, CreatedAt: tx.Now(),
	})); err != nil {
		return err
	}
	purse := ledger.Split{Cash: worldCash}
	if err := inserted(tx.CreditWallet(id, purse, money.Max)); err != nil {
		return err
	}
	return tx.InsertTransfer(ledger.Transfer{
		ID: "trf_" + string(id[len("wal_"):]), Kind: ledger.TopUp, Subject: string(id), Postings: ledger.TopUpPostings(string(id), purse),
	})
}

// bind writes what remains of a binding whose customer has been through its page.
func bind(tx gateway.Tx, m gateway.MerchantID, wallet gateway.WalletID, phone gateway.Phone, n int) (gateway.Binding, error) {
	page := gateway.Page{
		ID: gateway.PageID("pag_" + digits(n)), Key: fmt.Sprintf("%0*d", gateway.PageKeyDigits, n), Kind: "binding", Subject: "bnd_" + digits(n),
		MerchantID: m, WalletID: wallet, State: gateway.PageDone, CreatedAt: tx.Now(), OpenedAt: tx.Now(), Deadline: tx.Now(),
	}
	b := gateway.Binding{
		ID: gateway.BindingID(page.Subject), MerchantID: m, WalletID: wallet, Phone: phone, CustomerID: fmt.Sprintf("customer-%d", n),
		State: gateway.BindingActive, Dialect: "snap", RequestID: digits(n), PageID: page.ID, AuthCode: page.Key,
		CreatedAt: tx.Now(), ExpiresAt: tx.Now().AddDate(1, 0, 0),
	}
	if err := tx.InsertPage(page); err != nil {
		return b, err
	}
	return b, tx.InsertBinding(b)
}
