package store

import (
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const userColumns = `id, name, role, merchant_id, password_hash, temporary, fails, locked_until_us, disabled, created_us, signed_in_us,
	factor_sealed, factor_since_us, factor_step, factor_pending_sealed, factor_pending_us`

// purposeFactor is the same for a secret in force and one to be confirmed: confirming
// copies the sealed text.
const purposeFactor = "office_user.factor."

func (t *tx) scanUser(r row) (u gateway.User, err error) {
	var locked, created, signedIn, since, pendingSince int64
	var factor, pending string
	if err := r.Scan(&u.ID, &u.Name, &u.Role, &u.Merchant, &u.PasswordHash, &u.Temporary, &u.Fails, &locked, &u.Disabled, &created, &signedIn,
		&factor, &since, &u.Factor.Step, &pending, &pendingSince); err != nil {
		return u, err
	}
	u.LockedUntil, u.CreatedAt, u.SignedInAt = at(locked), at(created), at(signedIn)
	u.Factor.Since, u.Factor.PendingSince = at(since), at(pendingSince)
	if u.Factor.Secret, err = t.keys.Open(purposeFactor+string(u.ID), factor); err != nil {
		return u, err
	}
	u.Factor.Pending, err = t.keys.Open(purposeFactor+string(u.ID), pending)
	return u, err
}

func (t *tx) InsertUser(u gateway.User) (bool, error) {
	return t.changed(`INSERT INTO office_user (`+userColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING`,
		u.ID, u.Name, u.Role, u.Merchant, u.PasswordHash, flag(u.Temporary), u.Fails, us(u.LockedUntil), flag(u.Disabled), us(u.CreatedAt), us(u.SignedInAt),
		t.keys.Seal(purposeFactor+string(u.ID), u.Factor.Secret), us(u.Factor.Since), u.Factor.Step,
		t.keys.Seal(purposeFactor+string(u.ID), u.Factor.Pending), us(u.Factor.PendingSince))
}

func (t *tx) SetPassword(id gateway.UserID, hash string, temporary bool) (bool, error) {
	return t.changed(`UPDATE office_user SET password_hash = $2, temporary = $3, fails = 0, locked_until_us = 0 WHERE id = $1`, id, hash, flag(temporary))
}

func (t *tx) RenewPasswordHash(id gateway.UserID, from, to string) (bool, error) {
	return t.changed(`UPDATE office_user SET password_hash = $3 WHERE id = $1 AND password_hash = $2`, id, from, to)
}

func (t *tx) SetUserDisabled(id gateway.UserID, disabled bool) (bool, error) {
	return t.changed(`UPDATE office_user SET disabled = $2 WHERE id = $1`, id, flag(disabled))
}

func (t *tx) CountWrongPassword(id gateway.UserID, tries int, lockUntil time.Time) error {
	_, err := t.exec(`UPDATE office_user SET
		locked_until_us = CASE WHEN fails + 1 >= $2 THEN $3 ELSE locked_until_us END,
		fails = CASE WHEN fails + 1 >= $2 THEN 0 ELSE fails + 1 END WHERE id = $1`, id, tries, us(lockUntil))
	return err
}

func (t *tx) CountRightPassword(id gateway.UserID, hash string) (bool, error) {
	return t.changed(`UPDATE office_user SET fails = 0, locked_until_us = 0
		WHERE id = $1 AND password_hash = $2 AND locked_until_us <= $3 AND disabled = 0`, id, hash, us(t.now))
}

func (t *tx) SetSignedIn(id gateway.UserID) error {
	_, err := t.exec(`UPDATE office_user SET signed_in_us = $2 WHERE id = $1`, id, us(t.now))
	return err
}

func (t *tx) SetPendingFactor(id gateway.UserID, secret string) (bool, error) {
	return t.changed(`UPDATE office_user SET factor_pending_sealed = $2, factor_pending_us = $3 WHERE id = $1`,
		id, t.keys.Seal(purposeFactor+string(id), secret), us(t.now))
}

func (t *tx) ConfirmFactor(id gateway.UserID, pendingSince time.Time, step int64) (bool, error) {
	return t.changed(`UPDATE office_user SET factor_sealed = factor_pending_sealed, factor_since_us = $3, factor_step = $4,
		factor_pending_sealed = '', factor_pending_us = 0 WHERE id = $1 AND factor_pending_us = $2 AND factor_pending_sealed <> ''`,
		id, us(pendingSince), us(t.now), step)
}

func (t *tx) TakeStep(id gateway.UserID, since time.Time, step int64) (bool, error) {
	return t.changed(`UPDATE office_user SET factor_step = $3 WHERE id = $1 AND factor_since_us = $2 AND factor_step < $3`, id, us(since), step)
}

func (t *tx) ClearFactor(id gateway.UserID) (bool, error) {
	return t.changed(`UPDATE office_user SET factor_sealed = '', factor_since_us = 0, factor_step = 0,
		factor_pending_sealed = '', factor_pending_us = 0 WHERE id = $1`, id)
}

func (t *tx) InsertRecoveryCode(id gateway.UserID, digest string) error {
	_, err := t.exec(`INSERT INTO office_recovery (user_id, code_digest) VALUES ($1, $2)`, id, digest)
	return err
}

func (t *tx) TakeRecoveryCode(id gateway.UserID, digest string) (bool, error) {
	return t.changed(`DELETE FROM office_recovery WHERE user_id = $1 AND code_digest = $2`, id, digest)
}

func (t *tx) RecoveryCodes(id gateway.UserID) (n int, err error) {
	err = t.one(`SELECT count(*) FROM office_recovery WHERE user_id = $1`, []any{id}, &n)
	return n, err
}

func (t *tx) DeleteRecoveryCodes(id gateway.UserID) error {
	_, err := t.exec(`DELETE FROM office_recovery WHERE user_id = $1`, id)
	return err
}

func (t *tx) User(id gateway.UserID) (gateway.User, error) {
	return first(t.session, t.scanUser, `SELECT `+userColumns+` FROM office_user WHERE id = $1`, id)
}

func (t *tx) UserByName(name string) (gateway.User, error) {
	return first(t.session, t.scanUser, `SELECT `+userColumns+` FROM office_user WHERE name = $1`, name)
}

func (t *tx) Users(after string, limit int) ([]gateway.User, error) {
	return all(t.session, t.scanUser, `SELECT `+userColumns+` FROM office_user WHERE name > $1 ORDER BY name LIMIT $2`, after, limit)
}

const sessionColumns = `token_digest, user_id, created_us, seen_us, ends_us, address, browser`

func scanSession(r row) (s gateway.Session, err error) {
	var created, seen, ends int64
	err = r.Scan(&s.TokenDigest, &s.UserID, &created, &seen, &ends, &s.Address, &s.Browser)
	s.CreatedAt, s.SeenAt, s.EndsAt = at(created), at(seen), at(ends)
	return s, err
}

func (t *tx) InsertSession(s gateway.Session) error {
	_, err := t.exec(`INSERT INTO office_session (`+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		s.TokenDigest, s.UserID, us(s.CreatedAt), us(s.SeenAt), us(s.EndsAt), s.Address, s.Browser)
	return err
}

func (t *tx) Session(tokenDigest string) (gateway.Session, error) {
	return first(t.session, scanSession, `SELECT `+sessionColumns+` FROM office_session WHERE token_digest = $1`, tokenDigest)
}

func (t *tx) SessionsOf(id gateway.UserID, idleSince time.Time, limit int) ([]gateway.Session, error) {
	return all(t.session, scanSession, `SELECT `+sessionColumns+` FROM office_session
		WHERE user_id = $1 AND ends_us > $2 AND seen_us > $3 ORDER BY seen_us DESC, token_digest LIMIT $4`, id, us(t.now), us(idleSince), limit)
}

func (t *tx) TouchSession(tokenDigest string) error {
	_, err := t.exec(`UPDATE office_session SET seen_us = $2 WHERE token_digest = $1 AND seen_us < $2`, tokenDigest, us(t.now))
	return err
}

func (t *tx) DeleteSession(tokenDigest string) error {
	_, err := t.exec(`DELETE FROM office_session WHERE token_digest = $1`, tokenDigest)
	return err
}

func (t *tx) DeleteSessionOf(id gateway.UserID, tokenDigest string) (bool, error) {
	return t.changed(`DELETE FROM office_session WHERE token_digest = $1 AND user_id = $2`, tokenDigest, id)
}

func (t *tx) DeleteSessionsOf(id gateway.UserID, keep string) error {
	_, err := t.exec(`DELETE FROM office_session WHERE user_id = $1 AND token_digest <> $2`, id, keep)
	return err
}

func (t *tx) DeleteEndedSessions(idleSince time.Time) error {
	_, err := t.exec(`DELETE FROM office_session WHERE ends_us <= $1 OR seen_us <= $2`, us(t.now), us(idleSince))
	return err
}

const traceColumns = `id, user_id, user_name, merchant_id, action, subject, detail, address, outcome, at_us`

func (t *tx) InsertTrace(e gateway.Trace) error {
	_, err := t.exec(`INSERT INTO office_trace (`+traceColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		e.ID, e.User, e.UserName, e.Merchant, e.Action, e.Subject, e.Detail, e.Address, e.Outcome, us(e.At))
	return err
}

func (t *tx) EndTrace(id gateway.TraceID, outcome string) error {
	_, err := t.exec(`UPDATE office_trace SET outcome = $2 WHERE id = $1`, id, outcome)
	return err
}

func (t *tx) Trail(f gateway.TraceFilter, limit int) ([]gateway.Trace, error) {
	l := listing{id: "id"}
	l.below(string(f.Before))
	if f.User != "" {
		l.exactly("user_id = " + l.arg(f.User))
	}
	if f.Subject != "" {
		l.exactly("subject = " + l.arg(f.Subject))
	}
	return all(t.session, func(r row) (e gateway.Trace, err error) {
		var when int64
		err = r.Scan(&e.ID, &e.User, &e.UserName, &e.Merchant, &e.Action, &e.Subject, &e.Detail, &e.Address, &e.Outcome, &when)
		e.At = at(when)
		return e, err
	}, `SELECT `+traceColumns+` FROM office_trace `+l.where()+` ORDER BY id DESC LIMIT `+l.arg(limit), l.args...)
}
