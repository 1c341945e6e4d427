package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// User is a person who may sign in to the back office.
type User struct {
	ID           UserID
	Name         string // to sign in with, unique, in lower case
	Role         Role
	Merchant     MerchantID // whose rows alone the user sees; "" for all but RoleMerchant
	PasswordHash string
	Temporary    bool // the password was given by another and must be replaced first
	Fails        int  // wrong passwords in a row
	LockedUntil  time.Time
	Disabled     bool
	CreatedAt    time.Time
	SignedInAt   time.Time // the last time
}

// Role says what a user may do.
type Role string

const (
	RoleViewer   Role = "viewer"   // sees everything but secrets, changes nothing
	RoleSupport  Role = "support"  // also refunds and resends
	RoleOperator Role = "operator" // everything
	RoleMerchant Role = "merchant" // sees and refunds what is one merchant's
)

// Roles lists them all.
var Roles = []Role{RoleViewer, RoleSupport, RoleOperator, RoleMerchant}

// Session is a signed-in browser. Its token is stored only as a digest.
type Session struct {
	TokenDigest string
	UserID      UserID
	CreatedAt   time.Time
	SeenAt      time.Time
	EndsAt      time.Time // whatever happens
}

// Bounds on signing in. They follow OWASP's advice for sites that move money.
const (
	SessionIdle   = 30 * time.Minute // a session ends when it is not used for so long
	SessionLife   = 12 * time.Hour   // and after so long in any case
	PasswordTries = 5                // wrong passwords in a row until the user is locked
	PasswordLock  = 15 * time.Minute // for how long
	PasswordMin   = 12               // characters
	PasswordMax   = 128
)

// seenEvery is how exactly a session's last use is kept: writing it on every
// request would make every read a write.
const seenEvery = time.Minute

// ErrPasswordWrong is what a person is told who may not sign in, whatever the
// reason. It is no Code, because no protocol has an answer to it.
var ErrPasswordWrong = errors.New("the name or the password is wrong, or the user is locked for a while")

const purposeSession = "office.session"

func passwordOf(id UserID) owner { return owner{"office.password", string(id)} }

// NewUser describes a user to create.
type NewUser struct {
	Name     string
	Role     Role
	Merchant MerchantID // of RoleMerchant
}

// CreateUser creates a user with a random password, which is returned once and
// must be replaced at the first sign-in.
func (g *Gateway) CreateUser(ctx context.Context, in NewUser) (User, string, error) {
	name := userName(in.Name)
	if n := utf8.RuneCountInString(name); n < 2 || n > 100 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == utf8.RuneError }) {
		return User{}, "", refuse(Invalid, "a user's name has 2 to 100 characters and no blanks")
	}
	switch in.Role {
	case RoleViewer, RoleSupport, RoleOperator, RoleMerchant:
	default:
		return User{}, "", refuse(Invalid, "a role is viewer, support, operator or merchant")
	}
	if (in.Role == RoleMerchant) != (in.Merchant != "") {
		return User{}, "", refuse(Invalid, "a merchant's user belongs to a merchant, and nobody else does")
	}
	u := User{ID: UserID(g.newID("usr_", g.clock.Now())), Name: name, Role: in.Role, Merchant: in.Merchant, Temporary: true}
	password := NewPassword()
	u.PasswordHash = g.secrets.hash(passwordOf(u.ID), password)
	err := g.store.Update(ctx, func(tx Tx) error {
		if in.Merchant != "" {
			if _, err := tx.Merchant(in.Merchant); errors.Is(err, ErrNoRow) {
				return refuse(NotFound, "no such merchant")
			} else if err != nil {
				return err
			}
		}
		u.CreatedAt = tx.Now()
		inserted, err := tx.InsertUser(u)
		if err == nil && !inserted {
			return refuse(Duplicate, "another user has this name")
		}
		return err
	})
	return u, password, err
}

func userName(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// randomToken is n random bytes as unpadded base64url.
func randomToken(n int) string {
	raw := make([]byte, n)
	rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ResetPassword gives a user a new random password, to be replaced at the next
// sign-in, lifts a lock and ends the user's sessions.
func (g *Gateway) ResetPassword(ctx context.Context, id UserID) (string, error) {
	password := NewPassword()
	return password, g.setPassword(ctx, id, password, true, "")
}

// ChangePassword replaces a user's own password and ends the user's other sessions.
func (g *Gateway) ChangePassword(ctx context.Context, id UserID, old, password, sessionToken string) error {
	if n := utf8.RuneCountInString(password); n < PasswordMin || n > PasswordMax {
		return refuse(Invalid, "a password has 12 to 128 characters")
	}
	if password == old {
		return refuse(Invalid, "the new password is the old one")
	}
	var u User
	err := g.view(ctx, "no such user", func(tx Tx) (err error) {
		u, err = tx.User(id)
		return err
	})
	if err != nil {
		return err
	}
	if guessable(password, u.Name) {
		return refuse(Invalid, "the password is little more than a name, a usual word or a repetition")
	}
	right, err := g.secrets.matches(ctx, passwordOf(id), old, u.PasswordHash)
	if err != nil {
		return err
	}
	if !right {
		return ErrPasswordWrong
	}
	return g.setPassword(ctx, id, password, false, sessionToken)
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

func (g *Gateway) setPassword(ctx context.Context, id UserID, password string, temporary bool, keep string) error {
	hash := g.secrets.hash(passwordOf(id), password)
	return g.store.Update(ctx, func(tx Tx) error {
		set, err := tx.SetPassword(id, hash, temporary)
		if err != nil {
			return err
		}
		if !set {
			return refuse(NotFound, "no such user")
		}
		return tx.DeleteSessionsOf(id, g.sessionDigest(keep))
	})
}

// SetUserDisabled keeps a user from signing in, at once, or lets them again.
func (g *Gateway) SetUserDisabled(ctx context.Context, id UserID, disabled bool) error {
	return g.store.Update(ctx, func(tx Tx) error {
		set, err := tx.SetUserDisabled(id, disabled)
		if err != nil {
			return err
		}
		if !set {
			return refuse(NotFound, "no such user")
		}
		if !disabled {
			return nil
		}
		return tx.DeleteSessionsOf(id, "")
	})
}

// User finds a user.
func (g *Gateway) User(ctx context.Context, id UserID) (u User, err error) {
	err = g.view(ctx, "no such user", func(tx Tx) error {
		u, err = tx.User(id)
		return err
	})
	return u, err
}

// Users lists up to limit users by name, those after a name.
func (g *Gateway) Users(ctx context.Context, after string, limit int) (all []User, err error) {
	err = g.view(ctx, "", func(tx Tx) error {
		all, err = tx.Users(after, limit)
		return err
	})
	return all, err
}

// SignIn opens a session and returns its token, 256 random bits. Who is unknown,
// disabled or locked is told ErrPasswordWrong like everybody else, and as late.
func (g *Gateway) SignIn(ctx context.Context, name, password string) (User, string, error) {
	var u User
	err := g.store.View(ctx, func(tx Tx) (err error) {
		u, err = tx.UserByName(userName(name))
		return err
	})
	unknown := errors.Is(err, ErrNoRow)
	if err != nil && !unknown {
		return User{}, "", err
	}
	if unknown { // takes as long as a known one
		u.PasswordHash = g.nobody()
	}
	right, err := g.secrets.matches(ctx, passwordOf(u.ID), password, u.PasswordHash)
	if err != nil {
		return User{}, "", err
	}
	if unknown {
		return User{}, "", ErrPasswordWrong
	}
	renewed := ""
	if right {
		renewed = g.secrets.renewed(passwordOf(u.ID), password, u.PasswordHash)
	}
	token := randomToken(32)
	err = g.store.Update(ctx, func(tx Tx) error {
		if !right {
			return tx.CountWrongPassword(u.ID, PasswordTries, tx.Now().Add(PasswordLock))
		}
		in, err := tx.CountSignIn(u.ID, u.PasswordHash)
		if err != nil {
			return err
		}
		if !in { // disabled or locked, or the password was just replaced
			right = false
			return nil
		}
		if renewed != "" {
			if _, err := tx.RenewPasswordHash(u.ID, u.PasswordHash, renewed); err != nil {
				return err
			}
		}
		if err := tx.DeleteEndedSessions(tx.Now().Add(-SessionIdle)); err != nil {
			return err
		}
		return tx.InsertSession(Session{
			TokenDigest: g.sessionDigest(token), UserID: u.ID, CreatedAt: tx.Now(), SeenAt: tx.Now(), EndsAt: tx.Now().Add(SessionLife),
		})
	})
	if err == nil && !right {
		err = ErrPasswordWrong
	}
	if err != nil {
		return User{}, "", err
	}
	return u, token, nil
}

// nobody is the hash that the password of an unknown user is compared with.
func (g *Gateway) nobody() string {
	g.nobodyOnce.Do(func() { g.nobodyHash = g.secrets.hash(passwordOf(""), NewPassword()) })
	return g.nobodyHash
}

func (g *Gateway) sessionDigest(token string) string {
	if token == "" {
		return ""
	}
	return g.keys.Digest(purposeSession, token)
}

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
