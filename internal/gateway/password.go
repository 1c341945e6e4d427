package gateway

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// commonPasswords are those of SecLists that have PasswordMin characters and more, in
// lower case, a line each. docs/decisions/0100-passwords.md says how they were chosen,
// passwords.LICENSE whose they are.
//
//go:embed passwords.txt.gz
var commonPasswords []byte

// Breached opens the part of a set of breached passwords that has the SHA-1 digests
// beginning with five digits, in capitals: a line for each with its other 35 digits, a
// colon, and how often it was found. It is the form of Pwned Passwords, from which
// nobody learns which password was asked for.
type Breached func(ctx context.Context, prefix string) (io.ReadCloser, error)

// checkPassword refuses a password that is easily guessed, or known to be out there.
func (g *Gateway) checkPassword(ctx context.Context, password, name string) error {
	if n := utf8.RuneCountInString(password); n < PasswordMin || n > PasswordMax {
		return refuse(Invalid, "a password has 12 to 128 characters")
	}
	if guessable(password, name) {
		return refuse(Invalid, "the password is little more than a name, a usual word or a repetition")
	}
	if isCommon(password) {
		return refuse(Invalid, "the password is one of those that are tried first")
	}
	if g.breached == nil {
		return nil
	}
	found, err := isBreached(ctx, g.breached, password)
	if err != nil {
		return &Error{Code: Unavailable, Detail: "the breached passwords cannot be read", Err: err}
	}
	if found {
		return refuse(Invalid, "the password was found in a breach of another site")
	}
	return nil
}

// usualWords are what passwords of this system are guessed from first.
var usualWords = []string{"gerbang", "backoffice", "operator", "merchant", "password", "katasandi", "rahasia", "indonesia", "qwerty", "1234567890", "123456"}

// guessable reports whether little is left of a password without its user's name and
// usual words, or whether it repeats few characters.
func guessable(password, name string) bool {
	rest := strings.ToLower(password)
	account, _, _ := strings.Cut(name, "@")
	for _, word := range append([]string{name, account}, usualWords...) {
		rest = strings.ReplaceAll(rest, word, "")
	}
	distinct := map[rune]bool{}
	for _, r := range rest {
		distinct[r] = true
	}
	return utf8.RuneCountInString(rest) < PasswordMin/2 || len(distinct) < 5
}

// isCommon looks for a password, in whatever case, in the list. Passwords change
// seldom, so it is unpacked each time and kept nowhere.
func isCommon(password string) bool {
	list, err := gzip.NewReader(bytes.NewReader(commonPasswords))
	if err != nil {
		panic("gateway: the list of common passwords: " + err.Error()) // embedded
	}
	typed := strings.ToLower(password)
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		if lines.Text() == typed {
			return true
		}
	}
	if lines.Err() != nil {
		panic("gateway: the list of common passwords: " + lines.Err().Error())
	}
	return false
}

// isBreached looks for a password in a set. Every part of the set has hundreds of
// lines, so one without any is no part of it.
func isBreached(ctx context.Context, set Breached, password string) (found bool, err error) {
	sum := sha1.Sum([]byte(password))
	digest := strings.ToUpper(hex.EncodeToString(sum[:]))
	part, err := set(ctx, digest[:5])
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, part.Close()) }()
	known := 0
	lines := bufio.NewScanner(part)
	for lines.Scan() {
		suffix, times, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if !ok || len(suffix) != len(digest)-5 {
			return false, fmt.Errorf("line %d of part %s has another form", known+1, digest[:5])
		}
		known++
		if strings.ToUpper(suffix) == digest[5:] && strings.Trim(times, "0") != "" { // 0 times is padding
			found = true
		}
	}
	if err := lines.Err(); err != nil {
		return false, err
	}
	if known == 0 {
		return false, fmt.Errorf("part %s is empty", digest[:5])
	}
	return found, nil
}
