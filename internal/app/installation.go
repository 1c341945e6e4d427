package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Installation is where Gerbang keeps what must outlive the process.
type Installation struct {
	DataDir  string // holds the database by default, and a sandbox's master key
	Database string // URL; default sqlite:// and DataDir/gerbang.db

	// The keyring, in the form that seal.Parse reads, is one of these; by default it is
	// DataDir/master.key, which serves a sandbox only.
	MasterKey  string // the text itself
	KeyFile    string // a file with it
	KeyCommand string // a shell command that prints it
}

func (i Installation) databaseURL() string {
	if i.Database != "" {
		return i.Database
	}
	return "sqlite://" + filepath.Join(i.DataDir, "gerbang.db")
}

// writeNew writes a file that must not exist yet, readable by its owner alone,
// and has it on disk when it returns: a database sealed with a lost key is lost.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// Audit checks the book of an installation in one read snapshot. It works beside
// a running server.
func Audit(ctx context.Context, i Installation) ([]gateway.Invariant, error) {
	db, err := i.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	verdicts, err := db.Audit(ctx)
	return verdicts, errors.Join(err, db.Close())
}

// Balance is what an account of the ledger held at a moment.
type Balance = store.Balance

// BalancesAt replays the ledger of an installation up to a moment. It works beside
// a running server.
func BalancesAt(ctx context.Context, i Installation, moment time.Time) ([]Balance, error) {
	db, err := i.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	list, err := db.BalancesAt(ctx, moment)
	return list, errors.Join(err, db.Close())
}

func (i Installation) openReadOnly(ctx context.Context) (*store.Store, error) {
	keys, err := i.masterKey(false)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Config{URL: i.databaseURL(), Keys: keys, Clock: gateway.SystemClock{}, ReadOnly: true})
}

const (
	settingSigningKey = "signing_key"
	settingSeedKey    = "seed_key"
	settingOffset     = "clock_offset"
	settingProfile    = "profile"
)

// profile is what a database is for. A sandbox keeps codes and PINs readable and
// knows no secrets worth the name, so neither profile opens the other's database.
type profile string

const (
	profileSandbox    profile = "sandbox"
	profileProduction profile = "production"
)

// claimProfile gives a new database its profile, and refuses one of another.
func claimProfile(ctx context.Context, db *store.Store, want profile) error {
	found, err := setting(ctx, db, settingProfile)
	if err != nil {
		return err
	}
	if found == "" { // new, or a sandbox of before there were profiles
		found = string(want)
		seed, err := setting(ctx, db, settingSeedKey)
		if err != nil {
			return err
		}
		if seed != "" {
			found = string(profileSandbox)
		}
		// Should another process be faster with the other profile, its row stands.
		if err := db.Update(ctx, func(tx gateway.Tx) error { _, err := tx.InsertSetting(settingProfile, found); return err }); err != nil {
			return err
		}
		if found, err = setting(ctx, db, settingProfile); err != nil {
			return err
		}
	}
	switch {
	case profile(found) == want:
		return nil
	case want == profileProduction:
		return errors.New("the database is a sandbox's, with codes, PINs and credentials that everybody knows; name an empty one with --database")
	}
	return errors.New("the database is one of gerbang serve; a sandbox would show its codes and forge its payments; name another one with --database")
}

// keyPair is an RSA key pair of the installation, made the first time.
func keyPair(ctx context.Context, db *store.Store, name string) (*rsa.PrivateKey, error) {
	pem, err := setting(ctx, db, name)
	if err != nil {
		return nil, err
	}
	if pem == "" {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		if pem, err = snap.EncodePrivateKey(key); err != nil {
			return nil, err
		}
		if err := db.Update(ctx, func(tx gateway.Tx) error { _, err := tx.InsertSetting(name, pem); return err }); err != nil {
			return nil, err
		}
		if pem, err = setting(ctx, db, name); err != nil { // another process may have been faster
			return nil, err
		}
	}
	return snap.ParsePrivateKey(pem)
}

func loadOffset(ctx context.Context, db *store.Store) (time.Duration, error) {
	text, err := setting(ctx, db, settingOffset)
	if err != nil || text == "" {
		return 0, err
	}
	return time.ParseDuration(text)
}

func saveOffset(ctx context.Context, db *store.Store, offset time.Duration) error {
	return db.Update(ctx, func(tx gateway.Tx) error { return tx.SetSetting(settingOffset, offset.String()) })
}

// setting reads a setting, "" when it was never set.
func setting(ctx context.Context, db *store.Store, name string) (value string, err error) {
	err = db.View(ctx, func(tx gateway.Tx) error {
		value, err = tx.Setting(name)
		if errors.Is(err, gateway.ErrNoRow) {
			return nil
		}
		return err
	})
	return value, err
}
