package seal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxVersion bounds versions, far above what anybody will ever use.
const maxVersion = 1_000_000

// ErrNoKeys reports a keyring text without a key.
var ErrNoKeys = errors.New("seal: there is no master key in the keyring; make one with \"gerbang keys generate\"")

// Parse reads a keyring: one master key a line, as NewKey makes them. Empty lines
// and lines that begin with # count for nothing. A line of 64 hexadecimal digits
// alone is version 1. Errors never quote a line.
func Parse(text []byte) (*Keyring, error) {
	keys, err := parse(text)
	if err != nil {
		return nil, err
	}
	k := &Keyring{}
	k.keys.Store(&keys)
	return k, nil
}

func parse(text []byte) (keys []*key, err error) {
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		version, digits := 1, line
		if strings.HasPrefix(line, "v") {
			if version, digits = split(line); version == 0 {
				return nil, fmt.Errorf("seal: line %d of the keyring does not begin with a version such as v1", n+1)
			}
		}
		master, err := hex.DecodeString(digits)
		if err != nil || len(master) != KeySize {
			return nil, fmt.Errorf("seal: the key in line %d of the keyring is not %d hexadecimal digits", n+1, 2*KeySize)
		}
		if strings.Trim(digits, digits[:1]) == "" {
			return nil, fmt.Errorf("seal: the key in line %d of the keyring is one digit over and over; make one with \"gerbang keys generate\"", n+1)
		}
		next, err := derive(version, master)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if k.version == version {
				return nil, fmt.Errorf("seal: the keyring has version v%d twice", version)
			}
		}
		keys = append(keys, next)
	}
	if len(keys) == 0 {
		return nil, ErrNoKeys
	}
	slices.SortFunc(keys, func(a, b *key) int { return a.version - b.version })
	return keys, nil
}

// NewKey is the line of a keyring with a fresh random master key.
func NewKey(version int) string { return prefix(version) + hex.EncodeToString(NewMasterKey()) }

// Follow has the keyring ask source for its text again when it meets a version that
// it does not know: a key was added while this process ran.
func (k *Keyring) Follow(source func() (text []byte, err error)) { k.source = source }

// Versions are the versions of the keyring's keys, the newest last.
func (k *Keyring) Versions() []int {
	var all []int
	for _, key := range *k.keys.Load() {
		all = append(all, key.version)
	}
	return all
}

// Newest is the version of the key that seals.
func (k *Keyring) Newest() int { return k.newest().version }

// VersionOf is the version of the key under which a sealed text or a digest was made.
func VersionOf(text string) int {
	if version, _ := split(text); version > 0 {
		return version
	}
	return 1
}

func (k *Keyring) newest() *key {
	keys := *k.keys.Load()
	return keys[len(keys)-1]
}

// version finds a key, asking the source for keys that are new when need be. It is
// nil when there is none.
func (k *Keyring) version(version int) *key {
	if key := k.known(version); key != nil || k.source == nil || version == 0 {
		return key
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := k.known(version); key != nil {
		return key
	}
	text, err := k.source()
	if err != nil {
		return nil
	}
	if keys, err := parse(text); err == nil {
		k.keys.Store(&keys)
	}
	return k.known(version)
}

func (k *Keyring) known(version int) *key {
	for _, key := range slices.Backward(*k.keys.Load()) {
		if key.version == version {
			return key
		}
	}
	return nil
}

func prefix(version int) string { return "v" + strconv.Itoa(version) + ":" }

// split takes the version off a text, 0 when it has none.
func split(text string) (version int, rest string) {
	number, rest, found := strings.Cut(text, ":")
	digits, marked := strings.CutPrefix(number, "v")
	version, err := strconv.Atoi(digits)
	if !found || !marked || err != nil || version < 1 || version > maxVersion || prefix(version) != number+":" {
		return 0, text
	}
	return version, rest
}
