package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
)

// NewMasterKey is a line for a keyring with a fresh master key.
func NewMasterKey(version int) string { return seal.NewKey(version) }

// masterKey loads the keyring that seals the database's secrets. A sandbox, which may
// create one, makes it the first time.
func (i Installation) masterKey(create bool) (*seal.Keyring, error) {
	if problems := i.keyProblems(); len(problems) > 0 {
		return nil, fmt.Errorf("the master key: %s; %s", problems[0].Problem, problems[0].Cure)
	}
	text, err := i.keyText()
	if create && i.ownKey() && errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(i.DataDir, 0o700); err != nil {
			return nil, err
		}
		text = []byte(seal.NewKey(1) + "\n")
		err = writeNew(i.keyFile(), text)
		if errors.Is(err, os.ErrExist) { // another process was faster
			text, err = i.keyText()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the master key: %w", err)
	}
	keys, err := seal.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the master key from %s: %w", i.keySource(), err)
	}
	keys.Follow(i.keyText)
	return keys, nil
}

// ownKey reports whether the key is that of a sandbox, beside its database.
func (i Installation) ownKey() bool {
	return i.MasterKey == "" && i.KeyFile == "" && i.KeyCommand == ""
}

// keyFile is the file of the keyring, "" when it comes from elsewhere.
func (i Installation) keyFile() string {
	if i.ownKey() {
		return filepath.Join(i.DataDir, "master.key")
	}
	return i.KeyFile
}

func (i Installation) keySource() string {
	switch {
	case i.KeyCommand != "":
		return "--master-key-command"
	case i.MasterKey != "":
		return "GERBANG_MASTER_KEY"
	}
	return i.keyFile()
}

// keyText reads the keyring from where it is.
func (i Installation) keyText() ([]byte, error) {
	switch {
	case i.KeyCommand != "":
		return runKeyCommand(i.KeyCommand)
	case i.MasterKey != "":
		return []byte(i.MasterKey), nil
	}
	return os.ReadFile(i.keyFile())
}

// keyCommandTime bounds how long a secret store may take.
const keyCommandTime = 30 * time.Second

// runKeyCommand returns what a command prints. What it prints never enters an error.
func runKeyCommand(command string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), keyCommandTime)
	defer cancel()
	shell, flag := "sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/c"
	}
	cmd := exec.CommandContext(ctx, shell, flag, command)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("--master-key-command failed (%w); run it by hand to see why", err)
	}
	return out.Bytes(), nil
}

// keyProblems are ways in which the key is no secret.
func (i Installation) keyProblems() (found Problems) {
	given := 0
	for _, source := range []string{i.MasterKey, i.KeyFile, i.KeyCommand} {
		if source != "" {
			given++
		}
	}
	if given > 1 {
		found.add("master-key-file", "it is given more than once", "keep one of --master-key-file, --master-key-command and GERBANG_MASTER_KEY")
	}
	if i.KeyFile == "" {
		return found
	}
	for _, dir := range i.dataDirs() {
		if within(dir, i.KeyFile) {
			found.add("master-key-file", "the master key lies beside the database, so who steals one has the other",
				"keep it outside "+dir+", on another disk or in a secret store")
			break
		}
	}
	found.addIfOpen("master-key-file", i.KeyFile)
	return found
}

// dataDirs are where the installation's data is on this machine.
func (i Installation) dataDirs() (dirs []string) {
	if i.DataDir != "" {
		dirs = append(dirs, i.DataDir)
	}
	if path, ok := i.sqlitePath(); ok {
		dirs = append(dirs, filepath.Dir(path))
	}
	return dirs
}

// sqlitePath is the file of a SQLite database.
func (i Installation) sqlitePath() (string, bool) {
	return strings.CutPrefix(i.databaseURL(), "sqlite://")
}

// SecretColumn is what a column's secrets say of the master keys behind them.
type SecretColumn = store.SecretColumn

// Secrets opens every secret of an installation in one read snapshot. newest is the
// version of the key that seals.
func Secrets(ctx context.Context, i Installation) (columns []SecretColumn, newest int, err error) {
	keys, err := i.masterKey(false)
	if err != nil {
		return nil, 0, err
	}
	db, err := store.Open(ctx, store.Config{URL: i.databaseURL(), Keys: keys, Clock: gateway.SystemClock{}, ReadOnly: true})
	if err != nil {
		return nil, 0, err
	}
	columns, err = db.Secrets(ctx)
	return columns, keys.Newest(), errors.Join(err, db.Close())
}

// Rotation is what RotateKeys did.
type Rotation struct {
	Version   int   // of the key that now seals everything
	Added     bool  // the key was made by this call
	Rewrapped int64 // secrets
}

// rotationPasses bounds how often RotateKeys looks for secrets that a server sealed
// under the old key after it had passed them.
const rotationPasses = 5

// RotateKeys adds a master key to the keyring's file and rewraps every secret under
// it, beside running servers that read the same file. When the newest key does not seal
// everything yet, that is what it does, without another key.
func RotateKeys(ctx context.Context, i Installation, progress func(column string, rewrapped int64)) (r Rotation, err error) {
	keys, err := i.masterKey(false)
	if err != nil {
		return r, err
	}
	db, err := store.Open(ctx, store.Config{URL: i.databaseURL(), Keys: keys, Clock: gateway.SystemClock{}})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	columns, err := db.Secrets(ctx)
	if err != nil {
		return r, err
	}
	unfinished := false
	for _, c := range columns {
		if c.Broken > 0 {
			return r, fmt.Errorf("%d rows of %s open with no key of the keyring, such as %s; find their key first, or they are lost", c.Broken, c.Name, c.Rows[0])
		}
		for version := range c.Versions {
			unfinished = unfinished || !c.Hash && version < keys.Newest()
		}
	}
	if !unfinished {
		if err := i.addKey(keys.Newest() + 1); err != nil {
			return r, err
		}
		r.Added = true
		if keys, err = i.masterKey(false); err != nil {
			return r, err
		}
		db.Rekey(keys)
	}
	r.Version = keys.Newest()
	for range rotationPasses {
		n, err := db.Rewrap(ctx, progress)
		r.Rewrapped += n
		if err != nil || n == 0 {
			return r, err
		}
	}
	return r, errors.New("a server goes on sealing under the old key: give it the new keyring, restart it, and run this again")
}

// addKey appends a fresh key to the keyring's file. It writes in place, so that the
// file's owner and mode stay; a line that breaks off is refused when it is next read,
// and nothing is sealed with it by then.
func (i Installation) addKey(version int) error {
	path := i.keyFile()
	if path == "" {
		return fmt.Errorf("the keyring comes from %s, which cannot be written to: add there what \"gerbang keys generate %d\" prints, and run this again", i.keySource(), version)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("the new master key: %w", err)
	}
	_, err = f.WriteString("\n" + seal.NewKey(version) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}
