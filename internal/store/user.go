package store

import (
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const userColumns = `id, name, role, merchant_id, password_hash, temporary, fails, locked_until_us, disabled, created_us, signed_in_us`

func scanUser(r row) (u gateway.User, err error) {
	var locked, created, signedIn int64
	err = r.Scan(&u.ID, &u.Name, &u.Role, &u.Merchant, &u.PasswordHash, &u.Temporary, &u.Fails, &locked, &u.Disabled, &created, &signedIn)
	u.LockedUntil, u.CreatedAt, u.SignedInAt = at(locked), at(created), at(signedIn)
	return u, err
}

func (t *tx) InsertUser(u gateway.User) (bool, error) {
	return t.changed(`INSERT INTO office_user (`+userColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		u.ID, u.Name, u.Role, u.Merchant, u.PasswordHash, flag(u.Temporary), u.Fails, us(u.LockedUntil), flag(u.Disabled), us(u.CreatedAt), us(u.SignedInAt))
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

func (t *tx) CountSignIn(id gateway.UserID, hash string) (bool, error) {
	return t.changed(`UPDATE office_user SET fails = 0, locked_until_us = 0, signed_in_us = $3
		WHERE id = $1 AND password_hash = $2 AND locked_until_us <= $3 AND disabled = 0`, id, hash, us(t.now))
}

func (t *tx) User(id gateway.UserID) (gateway.User, error) {
	return first(t.session, scanUser, `SELECT `+userColumns+` FROM office_user WHERE id = $1`, id)
}

func (t *tx) UserByName(name string) (gateway.User, error) {
	return first(t.session, scanUser, `SELECT `+userColumns+` FROM office_user WHERE name = $1`, name)
}

func (t *tx) Users(after string, limit int) ([]gateway.User, error) {
	return all(t.session, scanUser, `SELECT `+userColumns+` FROM office_user WHERE name > $1 ORDER BY name LIMIT $2`, after, limit)
}

func (t *tx) InsertSession(s gateway.Session) error {
	_, err := t.exec(`INSERT INTO office_session (token_digest, user_id, created_us, seen_us, ends_us) VALUES ($1, $2, $3, $4, $5)`,
		s.TokenDigest, s.UserID, us(s.CreatedAt), us(s.SeenAt), us(s.EndsAt))
	return err
}

func (t *tx) Session(tokenDigest string) (gateway.Session, error) {
	return first(t.session, func(r row) (s gateway.Session, err error) {
		var created, seen, ends int64
		err = r.Scan(&s.TokenDigest, &s.UserID, &created, &seen, &ends)
		s.CreatedAt, s.SeenAt, s.EndsAt = at(created), at(seen), at(ends)
		return s, err
	}, `SELECT token_digest, user_id, created_us, seen_us, ends_us FROM office_session WHERE token_digest = $1`, tokenDigest)
}

func (t *tx) TouchSession(tokenDigest string) error {
	_, err := t.exec(`UPDATE office_session SET seen_us = $2 WHERE token_digest = $1 AND seen_us < $2`, tokenDigest, us(t.now))
	return err
}

func (t *tx) DeleteSession(tokenDigest string) error {
	_, err := t.exec(`DELETE FROM office_session WHERE token_digest = $1`, tokenDigest)
	return err
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
