package gateway

import (
	"context"
	"errors"
	"time"
)

// Session is a signed-in browser. Its token is stored only as a digest.
type Session struct {
	TokenDigest string
	UserID      UserID
	CreatedAt   time.Time
	SeenAt      time.Time
	EndsAt      time.Time // whatever happens
	Address     string    // where from, and in which browser, as its owner is shown it
	Browser     string
}

// OpenSession is one of a person's sessions as they see it.
type OpenSession struct {
	Session
	Current bool // in which they look
}

// sessionsShown bounds how many of their sessions a person is shown.
const sessionsShown = 100

// seenEvery is how exactly a session's last use is kept: writing it on every
// request would make every read a write.
const seenEvery = time.Minute

const purposeSession = "office.session"

func (g *Gateway) sessionDigest(token string) string { return g.keys.Digest(purposeSession, token) }

// session finds a session, which may have begun under an older master key.
func (g *Gateway) session(tx Tx, token string) (s Session, err error) {
	for _, digest := range g.keys.Digests(purposeSession, token) {
		if s, err = tx.Session(digest); !errors.Is(err, ErrNoRow) {
			return s, err
		}
	}
	return s, err
}

// SessionUser is the user behind a session's token, unless the session has ended.
// Using a session keeps it from idling out.
func (g *Gateway) SessionUser(ctx context.Context, token string) (User, error) {
	var s Session
	var u User
	stale := false
	err := g.view(ctx, "no such session", func(tx Tx) (err error) {
		if s, err = g.session(tx, token); err != nil {
			return err
		}
		if !tx.Now().Before(s.EndsAt) || !tx.Now().Before(s.SeenAt.Add(SessionIdle)) {
			return ErrNoRow
		}
		stale = tx.Now().Sub(s.SeenAt) >= seenEvery
		u, err = tx.User(s.UserID)
		if err == nil && u.Disabled {
			err = ErrNoRow
		}
		return err
	})
	if err == nil && stale {
		err = g.store.Update(ctx, func(tx Tx) error { return tx.TouchSession(s.TokenDigest) })
	}
	return u, err
}

// SignOut ends a session. One that has ended already is no error.
func (g *Gateway) SignOut(ctx context.Context, token string) error {
	return g.store.Update(ctx, func(tx Tx) error {
		for _, digest := range g.keys.Digests(purposeSession, token) {
			if err := tx.DeleteSession(digest); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sessions lists where a user is signed in, last used first; token is of the session
// that asks.
func (g *Gateway) Sessions(ctx context.Context, id UserID, token string) (all []OpenSession, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all = nil
		current, err := g.session(tx, token)
		if err != nil && !errors.Is(err, ErrNoRow) {
			return err
		}
		list, err := tx.SessionsOf(id, tx.Now().Add(-SessionIdle), sessionsShown)
		for _, s := range list {
			all = append(all, OpenSession{s, s.TokenDigest == current.TokenDigest})
		}
		return err
	})
	return all, err
}

// EndSession ends one session of a user, named by its digest, or with "" all but the
// one of the token. Who asks gives the password again.
func (g *Gateway) EndSession(ctx context.Context, id UserID, password, digest, token string) error {
	u, err := g.User(ctx, id)
	if err != nil {
		return err
	}
	return g.prove(ctx, u, Factors{Password: password, PasswordOnly: true}, func() {}, func(tx Tx, _ bool) error {
		if digest == "" {
			return g.endOthers(tx, id, token)
		}
		ended, err := tx.DeleteSessionOf(id, digest)
		if err == nil && !ended {
			return refuse(Expired, "that session has ended already")
		}
		return err
	})
}

// endOthers ends a user's sessions but that of a token, which may be "".
func (g *Gateway) endOthers(tx Tx, id UserID, token string) error {
	keep := ""
	if token != "" {
		s, err := g.session(tx, token)
		if err != nil && !errors.Is(err, ErrNoRow) {
			return err
		}
		keep = s.TokenDigest
	}
	return tx.DeleteSessionsOf(id, keep)
}
