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
	Fails        int  // wrong passwords and codes in a row
	LockedUntil  time.Time
	Disabled     bool
	CreatedAt    time.Time
	SignedInAt   time.Time // the last time
	Factor       SecondFactor
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

// Bounds on signing in. They follow OWASP's advice for sites that move money.
const (
	SessionIdle   = 30 * time.Minute // a session ends when it is not used for so long
	SessionLife   = 12 * time.Hour   // and after so long in any case
	PasswordTries = 5                // wrong passwords and codes in a row until the user is locked
	PasswordLock  = 15 * time.Minute // for how long
	PasswordMin   = 12               // characters
	PasswordMax   = 128
)

// ErrPasswordWrong is what a person is told who may not sign in, whatever the
// reason. It is no Code, because no protocol has an answer to it.
var ErrPasswordWrong = errors.New("the name or the password is wrong, or the user is locked for a while")

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
	hash := g.secrets.hash(passwordOf(id), password)
	return password, g.store.Update(ctx, func(tx Tx) error { return g.setPassword(tx, id, hash, true, "") })
}

// ChangePassword replaces a user's own password and ends the user's other sessions.
func (g *Gateway) ChangePassword(ctx context.Context, id UserID, old, password, sessionToken string) error {
	if password == old {
		return refuse(Invalid, "the new password is the old one")
	}
	u, err := g.User(ctx, id)
	if err != nil {
		return err
	}
	if err := g.checkPassword(ctx, password, u.Name); err != nil {
		return err
	}
	hash := ""
	return g.prove(ctx, u, Factors{Password: old, PasswordOnly: true},
		func() { hash = g.secrets.hash(passwordOf(id), password) },
		func(tx Tx, _ bool) error { return g.setPassword(tx, id, hash, false, sessionToken) })
}

func (g *Gateway) setPassword(tx Tx, id UserID, hash string, temporary bool, keep string) error {
	set, err := tx.SetPassword(id, hash, temporary)
	if err != nil {
		return err
	}
	if !set {
		return refuse(NotFound, "no such user")
	}
	return g.endOthers(tx, id, keep)
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

// UserNamed finds a user by the name to sign in with.
func (g *Gateway) UserNamed(ctx context.Context, name string) (u User, err error) {
	err = g.view(ctx, "no such user", func(tx Tx) error {
		u, err = tx.UserByName(userName(name))
		return err
	})
	return u, err
}

// Factors are what a person gives to show who they are.
type Factors struct {
	Password string
	Code     string // of the second factor, or a recovery code; for who has one
	// PasswordOnly is for steps that ask who has signed in already for one factor.
	PasswordOnly bool
}

// prove does something once a user has shown who they are, and is ErrPasswordWrong or
// ErrCodeWrong otherwise. What is wrong counts, whichever of the two it is and whatever
// it was given for; who is disabled or locked is refused like everybody else, and as
// late. then is told whether a recovery code was used up, and runs in the transaction
// that decided; what is too slow for that, prepare does once the password is right.
func (g *Gateway) prove(ctx context.Context, u User, f Factors, prepare func(), then func(tx Tx, recovery bool) error) error {
	right, err := g.secrets.matches(ctx, passwordOf(u.ID), f.Password, u.PasswordHash)
	if err != nil {
		return err
	}
	if u.ID == "" {
		return ErrPasswordWrong
	}
	renewed := ""
	if right {
		renewed = g.secrets.renewed(passwordOf(u.ID), f.Password, u.PasswordHash)
		prepare()
	}
	var wrong error
	err = g.store.Update(ctx, func(tx Tx) error {
		wrong = nil
		recovery := false
		if !right {
			wrong = ErrPasswordWrong
		} else if !f.PasswordOnly {
			now, err := tx.User(u.ID)
			if err != nil {
				return err
			}
			if now.Factor.Secret != "" {
				var taken bool
				if taken, recovery, err = takeCode(tx, now, f.Code); err != nil {
					return err
				}
				if !taken {
					wrong = ErrCodeWrong
				}
			}
		}
		if wrong != nil {
			return tx.CountWrongPassword(u.ID, PasswordTries, tx.Now().Add(PasswordLock))
		}
		in, err := tx.CountRightPassword(u.ID, u.PasswordHash)
		if err != nil {
			return err
		}
		if !in { // disabled or locked, or the password was just replaced; the code is not used up
			return ErrPasswordWrong
		}
		if renewed != "" {
			if _, err := tx.RenewPasswordHash(u.ID, u.PasswordHash, renewed); err != nil {
				return err
			}
		}
		return then(tx, recovery)
	})
	if err == nil {
		err = wrong
	}
	return err
}

// SignIn is an attempt to sign in.
type SignIn struct {
	Name string
	Factors
	Address string // where from, and in which browser, for the person to recognise
	Browser string
}

// SignedIn is a session that was opened.
type SignedIn struct {
	User     User
	Token    string // 256 random bits
	Recovery bool   // a recovery code was used up
}

// SignIn opens a session. Who is unknown, disabled or locked is told ErrPasswordWrong
// like everybody else, and as late.
func (g *Gateway) SignIn(ctx context.Context, in SignIn) (SignedIn, error) {
	u, err := g.UserNamed(ctx, in.Name)
	if errors.Is(err, NotFound) { // takes as long as a known one
		u.PasswordHash = g.nobody()
	} else if err != nil {
		return SignedIn{}, err
	}
	out := SignedIn{User: u, Token: randomToken(32)}
	in.PasswordOnly = false
	err = g.prove(ctx, u, in.Factors, func() {}, func(tx Tx, recovery bool) error {
		out.Recovery = recovery
		if err := tx.SetSignedIn(u.ID); err != nil {
			return err
		}
		if err := tx.DeleteEndedSessions(tx.Now().Add(-SessionIdle)); err != nil {
			return err
		}
		return tx.InsertSession(Session{
			TokenDigest: g.sessionDigest(out.Token), UserID: u.ID, CreatedAt: tx.Now(), SeenAt: tx.Now(), EndsAt: tx.Now().Add(SessionLife),
			Address: in.Address, Browser: in.Browser,
		})
	})
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}

// nobody is the hash that the password of an unknown user is compared with.
func (g *Gateway) nobody() string {
	g.nobodyOnce.Do(func() { g.nobodyHash = g.secrets.hash(passwordOf(""), NewPassword()) })
	return g.nobodyHash
}
