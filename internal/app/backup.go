package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gerbang-pay/gerbang/internal/backup"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// BackupReport is one step of a backup or of a restoring.
type BackupReport = backup.Report

// BackupConfig says where a backup goes and how; its members are backup.Config's.
type BackupConfig struct {
	Installation
	Dir                    string
	Every, BaseEvery, Keep time.Duration
	Report                 func(BackupReport)
}

// purposeBackup is what the proof on a backup is sealed for: who can open it has its
// master key.
const purposeBackup = "backup"

// errOwnTools is why a backup of PostgreSQL is left to others.
var errOwnTools = errors.New("a PostgreSQL database is backed up and restored with PostgreSQL's own tools, pgBackRest or pg_basebackup with archived WAL; docs/operating/backup.md says how")

// Backup copies an installation's SQLite database beside a running server: once, or with
// every change until ctx ends.
func Backup(ctx context.Context, c BackupConfig) error {
	path, ok := c.sqlitePath()
	if !ok {
		return errOwnTools
	}
	for _, dir := range c.dataDirs() {
		if within(dir, c.Dir) {
			return fmt.Errorf("the backup would be lost together with the database in %s: name a directory on another disk", dir)
		}
	}
	db, err := c.openReadOnly(ctx) // refuses what is no database of this build
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	return backup.Run(ctx, backup.Config{
		Database: path, Dir: c.Dir, Every: c.Every, BaseEvery: c.BaseEvery, Keep: c.Keep, Mark: c.mark, Now: gateway.SystemClock{}.Now, Report: c.Report,
	})
}

// mark reads the keyring each time: a key may have been added.
func (i Installation) mark() (m backup.Mark, err error) {
	keys, err := i.masterKey(false)
	if err != nil {
		return m, err
	}
	m.Schema, err = store.Schema()
	m.Keys, m.Proof = keys.Versions(), keys.Seal(purposeBackup, "gerbang")
	return m, err
}

// accept refuses a backup that this build or this keyring cannot read.
func (i Installation) accept(m backup.Mark) error {
	keys, err := i.masterKey(false)
	if err != nil {
		return err
	}
	if _, err := keys.Open(purposeBackup, m.Proof); err != nil {
		return fmt.Errorf("the backup was made under other master keys, versions %v; give the keyring of then", m.Keys)
	}
	newest, err := store.Schema()
	if err == nil && m.Schema > newest {
		err = fmt.Errorf("the backup is of a newer version of Gerbang, at step %d of the schema where this one knows %d", m.Schema, newest)
	}
	return err
}

// Restored is a database that was restored.
type Restored struct {
	backup.Restored
	Invariants []gateway.Invariant
}

// Restore makes the SQLite database of an installation from a backup, as it was at a
// moment or newest when that is zero. It is put in place when every secret opens and
// the books balance, and never over another.
func Restore(ctx context.Context, i Installation, dir string, to time.Time, report func(BackupReport)) (done Restored, err error) {
	path, ok := i.sqlitePath()
	if !ok {
		return done, errOwnTools
	}
	for _, name := range []string{path, path + "-wal"} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return done, fmt.Errorf("%s exists: move it away, or name another database with --database", name)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return done, err
	}
	draft := path + ".restoring"
	if done.Restored, err = backup.Restore(dir, to, draft, i.accept, report); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%w: an earlier attempt left it; delete it first", err)
		}
		return done, err
	}
	if done.Invariants, err = i.examine(ctx, draft, done.At); err != nil {
		return done, fmt.Errorf("%w; what was restored is in %s", err, draft)
	}
	if err := os.Link(draft, path); err != nil { // unlike a rename it replaces nothing
		return done, err
	}
	return done, os.Remove(draft)
}

// examine brings a restored database up to date, opens its secrets and audits it as of
// the moment that it is of.
func (i Installation) examine(ctx context.Context, path string, at time.Time) ([]gateway.Invariant, error) {
	keys, err := i.masterKey(false)
	if err != nil {
		return nil, err
	}
	clock := gateway.NewMovableClock(at.Sub(gateway.SystemClock{}.Now()))
	c := store.Config{URL: "sqlite://" + path, Keys: keys, Clock: clock}
	db, err := store.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	c.ReadOnly = true
	if db, err = store.Open(ctx, c); err != nil {
		return nil, err
	}
	verdicts, err := audited(ctx, db)
	return verdicts, errors.Join(err, db.Close())
}

// audited opens every secret and checks every invariant, and fails when one does not hold.
func audited(ctx context.Context, db *store.Store) ([]gateway.Invariant, error) {
	columns, err := db.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range columns {
		if c.Broken > 0 {
			return nil, fmt.Errorf("%d rows of %s open with no key of the keyring, such as %s", c.Broken, c.Name, c.Rows[0])
		}
	}
	verdicts, err := db.Audit(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range verdicts {
		if !v.OK {
			return verdicts, fmt.Errorf("the books do not balance: %s, %s, is broken by %d, such as %v", v.ID, v.Rule, v.Broken, v.Keys)
		}
	}
	return verdicts, nil
}
