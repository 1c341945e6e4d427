package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// SecondFactor is what a person's authenticator app shares with the gateway.
type SecondFactor struct {
	Secret       string    // in base32, "" while there is none
	Since        time.Time // when it was confirmed
	Step         int64     // of the newest code that was taken: each serves once
	Pending      string    // a secret that is to be confirmed with its first code
	PendingSince time.Time
}

// Demand says who must have a second factor.
type Demand string

const (
	DemandNobody    Demand = "nobody"
	DemandOperators Demand = "operators"
	DemandEverybody Demand = "everybody"
)

// OwesFactor reports whether a user must set up a second factor before anything else.
func (g *Gateway) OwesFactor(u User) bool {
	return u.Factor.Secret == "" && (g.factor == DemandEverybody || g.factor == DemandOperators && u.Role == RoleOperator)
}

// FactorPending is how long a new secret waits for its first code.
const FactorPending = 15 * time.Minute

// Recovery codes stand in for a lost app. They are as long as a key, so that a plain
// digest keeps them.
const (
	recoveryCodes = 10
	recoveryBytes = 15 // 24 characters
)

// ErrCodeWrong is ErrPasswordWrong with the right password and a wrong code. Only the
// trail tells them apart: somebody knows the password.
var ErrCodeWrong = errors.New("the code of the second factor is wrong or was used before")

// BeginFactor makes a secret for a user's authenticator app. It comes into force with
// ConfirmFactor; until then the one before, if there is one, is asked for.
func (g *Gateway) BeginFactor(ctx context.Context, id UserID, f Factors) (secret string, err error) {
	u, err := g.User(ctx, id)
	if err != nil {
		return "", err
	}
	key := make([]byte, factorBytes)
	rand.Read(key)
	secret = factorText.EncodeToString(key)
	return secret, g.prove(ctx, u, f, func() {}, func(tx Tx, _ bool) error {
		set, err := tx.SetPendingFactor(id, secret)
		if err == nil && !set {
			return refuse(NotFound, "no such user")
		}
		return err
	})
}

// ConfirmFactor puts the secret of BeginFactor in force once the app shows its codes.
// It returns recovery codes, which take the place of those before, and ends the
// user's other sessions.
func (g *Gateway) ConfirmFactor(ctx context.Context, id UserID, code, sessionToken string) (recovery []string, err error) {
	for range recoveryCodes {
		recovery = append(recovery, newRecoveryCode())
	}
	err = g.store.Update(ctx, func(tx Tx) error {
		u, err := tx.User(id)
		if errors.Is(err, ErrNoRow) {
			return refuse(NotFound, "no such user")
		}
		if err != nil {
			return err
		}
		if u.Factor.Pending == "" || tx.Now().Sub(u.Factor.PendingSince) > FactorPending {
			return refuse(Expired, "begin anew: the key was not confirmed within 15 minutes")
		}
		step, right := matchFactor(u.Factor.Pending, plainCode(code), tx.Now(), 0)
		if !right {
			return ErrCodeWrong
		}
		confirmed, err := tx.ConfirmFactor(id, u.Factor.PendingSince, step)
		if err != nil {
			return err
		}
		if !confirmed { // begun anew, or confirmed, at the same moment
			return ErrRetry
		}
		if err := tx.DeleteRecoveryCodes(id); err != nil {
			return err
		}
		for _, r := range recovery {
			if err := tx.InsertRecoveryCode(id, recoveryDigest(id, plainCode(r))); err != nil {
				return err
			}
		}
		return g.endOthers(tx, id, sessionToken)
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// ResetFactor takes a user's second factor and recovery codes away and ends the
// user's sessions: for who has lost them.
func (g *Gateway) ResetFactor(ctx context.Context, id UserID) error {
	return g.store.Update(ctx, func(tx Tx) error {
		cleared, err := tx.ClearFactor(id)
		if err != nil {
			return err
		}
		if !cleared {
			return refuse(NotFound, "no such user")
		}
		if err := tx.DeleteRecoveryCodes(id); err != nil {
			return err
		}
		return tx.DeleteSessionsOf(id, "")
	})
}

// RecoveryCodes is how many recovery codes a user has left.
func (g *Gateway) RecoveryCodes(ctx context.Context, id UserID) (n int, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		n, err = tx.RecoveryCodes(id)
		return err
	})
	return n, err
}

// takeCode uses up a code of the app or a recovery code. Guards of the writes see to
// it that each serves once.
func takeCode(tx Tx, u User, code string) (taken, recovery bool, err error) {
	code = plainCode(code)
	if len(code) > FactorDigits {
		taken, err = tx.TakeRecoveryCode(u.ID, recoveryDigest(u.ID, code))
		return taken, taken, err
	}
	step, right := matchFactor(u.Factor.Secret, code, tx.Now(), u.Factor.Step)
	if right {
		taken, err = tx.TakeStep(u.ID, u.Factor.Since, step)
	}
	return taken, false, err
}

// plainCode is a code as it was made, however it was written down.
func plainCode(text string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(text))
}

// newRecoveryCode is 120 random bits as "abcd-efgh-ijkl-mnop-qrst-uvwx".
func newRecoveryCode() string {
	raw := make([]byte, recoveryBytes)
	rand.Read(raw)
	text := strings.ToLower(factorText.EncodeToString(raw))
	var groups []string
	for ; text != ""; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return strings.Join(groups, "-")
}

// recoveryDigest needs no key: nobody tries 120 bits. So the codes outlive the master
// key under which they were made.
func recoveryDigest(id UserID, code string) string {
	sum := sha256.Sum256([]byte(string(id) + "|" + code))
	return hex.EncodeToString(sum[:])
}
