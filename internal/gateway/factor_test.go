package gateway_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const password = "correct horse battery"

// app is the code that an authenticator app shows at a moment, by RFC 6238.
func app(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	counter := make([]byte, 8)
	binary.BigEndian.PutUint64(counter, uint64(at.Unix()/30))
	mac := hmac.New(sha1.New, key)
	mac.Write(counter)
	sum := mac.Sum(nil)
	offset := sum[19] & 15
	return fmt.Sprintf("%06d", (uint32(sum[offset]&127)<<24|uint32(sum[offset+1])<<16|uint32(sum[offset+2])<<8|uint32(sum[offset+3]))%1000000)
}

// person makes a user with a password of their own.
func (b *bundle) person(name string, role gateway.Role) gateway.User {
	b.t.Helper()
	u, first, err := b.CreateUser(b.t.Context(), gateway.NewUser{Name: name, Role: role})
	if err == nil {
		err = b.ChangePassword(b.t.Context(), u.ID, first, password, "")
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

func (b *bundle) signIn(name, password, code string) (gateway.SignedIn, error) {
	return b.SignIn(b.t.Context(), gateway.SignIn{Name: name, Factors: gateway.Factors{Password: password, Code: code}})
}

// enrol sets a second factor up, and waits until a new code is shown.
func (b *bundle) enrol(u gateway.User, code string) (secret string, recovery []string) {
	b.t.Helper()
	secret, err := b.BeginFactor(b.t.Context(), u.ID, gateway.Factors{Password: password, Code: code})
	if err != nil {
		b.t.Fatal(err)
	}
	recovery = must(b.ConfirmFactor(b.t.Context(), u.ID, app(b.t, secret, b.clock.Now()), ""))(b.t)
	b.clock.Advance(gateway.FactorPeriod)
	return secret, recovery
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.person("rina", gateway.RoleOperator)
	ctx := t.Context()
	here := must(b.signIn("rina", password, ""))(t)
	there := must(b.signIn("rina", password, "123456"))(t) // a code that nobody asked for

	// Nothing is asked for before the key is confirmed, by who knows the password.
	if _, err := b.BeginFactor(ctx, u.ID, gateway.Factors{Password: "wrong"}); !errors.Is(err, gateway.ErrPasswordWrong) {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := b.ConfirmFactor(ctx, u.ID, "123456", here.Token); !errors.Is(err, gateway.Expired) {
		t.Errorf("nothing to confirm: %v", err)
	}
	first := must(b.BeginFactor(ctx, u.ID, gateway.Factors{Password: password}))(t)
	secret := must(b.BeginFactor(ctx, u.ID, gateway.Factors{Password: password}))(t)
	if _, err := b.ConfirmFactor(ctx, u.ID, app(t, first, b.clock.Now()), here.Token); !errors.Is(err, gateway.ErrCodeWrong) {
		t.Errorf("a code of another key: %v", err)
	}
	must(b.signIn("rina", password, ""))(t)
	code := app(t, secret, b.clock.Now())
	recovery := must(b.ConfirmFactor(ctx, u.ID, code[:3]+" "+code[3:], here.Token))(t)
	if len(recovery) != 10 || len(recovery[0]) != 29 {
		t.Errorf("recovery codes %q", recovery)
	}
	if _, err := b.SessionUser(ctx, here.Token); err != nil {
		t.Errorf("the session that set it up: %v", err)
	}
	if _, err := b.SessionUser(ctx, there.Token); err == nil {
		t.Error("a session without second factor goes on")
	}

	// From now on the password is not enough, and a code serves once.
	for what, wrong := range map[string]string{"no code": "", "the code of the confirmation": code, "no digits": "abcdef", "too short": code[:5], "zeros": "000000", "many zeros": strings.Repeat("0", 24)} {
		if _, err := b.signIn("rina", password, wrong); !errors.Is(err, gateway.ErrCodeWrong) {
			t.Errorf("%s: %v", what, err)
		}
		b.clock.Advance(gateway.PasswordLock + time.Second) // or the fifth would lock
	}
	code = app(t, secret, b.clock.Now())
	if _, err := b.signIn("rina", "wrong", code); !errors.Is(err, gateway.ErrPasswordWrong) {
		t.Errorf("a wrong password with the right code: %v", err)
	}
	must(b.signIn("rina", password, code))(t)
	if _, err := b.signIn("rina", password, code); !errors.Is(err, gateway.ErrCodeWrong) {
		t.Errorf("the same code again: %v", err)
	}
	b.clock.Advance(gateway.FactorPeriod)
	must(b.signIn("rina", password, app(t, secret, b.clock.Now())))(t)

	// Each recovery code serves once, however it is written.
	if in := must(b.signIn("rina", password, strings.ToUpper(recovery[0])))(t); !in.Recovery {
		t.Error("the recovery code was not noticed")
	}
	if _, err := b.signIn("rina", password, recovery[0]); !errors.Is(err, gateway.ErrCodeWrong) {
		t.Errorf("a recovery code again: %v", err)
	}
	must(b.signIn("rina", password, strings.ReplaceAll(recovery[1], "-", " ")))(t)
	if n := must(b.RecoveryCodes(ctx, u.ID))(t); n != 8 {
		t.Errorf("%d recovery codes are left", n)
	}
	other := b.person("dewi", gateway.RoleViewer)
	b.enrol(other, "")
	if _, err := b.signIn("dewi", password, recovery[2]); !errors.Is(err, gateway.ErrCodeWrong) {
		t.Errorf("another's recovery code: %v", err)
	}

	// Another app takes the place of the first when the first, or a recovery code, agrees.
	if _, err := b.BeginFactor(ctx, u.ID, gateway.Factors{Password: password}); !errors.Is(err, gateway.ErrCodeWrong) {
		t.Errorf("replaced by the password alone: %v", err)
	}
	again, _ := b.enrol(u, recovery[2])
	if _, err := b.signIn("rina", password, app(t, secret, b.clock.Now())); !errors.Is(err, gateway.ErrCodeWrong) {
		t.Errorf("the app of before: %v", err)
	}
	if _, err := b.signIn("rina", password, recovery[3]); !errors.Is(err, gateway.ErrCodeWrong) {
		t.Errorf("a recovery code of before: %v", err)
	}
	in := must(b.signIn("rina", password, app(t, again, b.clock.Now())))(t)

	// Who has lost everything is helped by an operator.
	if err := b.ResetFactor(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SessionUser(ctx, in.Token); err == nil {
		t.Error("a session outlives the reset")
	}
	must(b.signIn("rina", password, ""))(t)
	if err := b.ResetFactor(ctx, "usr_none"); !errors.Is(err, gateway.NotFound) {
		t.Errorf("nobody's: %v", err)
	}

	// A key waits for a quarter of an hour.
	late := must(b.BeginFactor(ctx, u.ID, gateway.Factors{Password: password}))(t)
	b.clock.Advance(gateway.FactorPending + time.Second)
	if _, err := b.ConfirmFactor(ctx, u.ID, app(t, late, b.clock.Now()), ""); !errors.Is(err, gateway.Expired) {
		t.Errorf("confirmed too late: %v", err)
	}
}

// Guesses at codes count like guesses at passwords, and a locked user's codes are not
// used up.
func TestGuessingFactors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.person("rina", gateway.RoleOperator)
	secret, recovery := b.enrol(u, "")
	for i := range gateway.PasswordTries {
		if _, err := b.signIn("rina", password, "wrong"); !errors.Is(err, gateway.ErrCodeWrong) {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	for _, right := range []string{app(t, secret, b.clock.Now()), recovery[0]} {
		if _, err := b.signIn("rina", password, right); !errors.Is(err, gateway.ErrPasswordWrong) {
			t.Errorf("while locked: %v", err)
		}
	}
	b.clock.Advance(gateway.PasswordLock + time.Second)
	for range gateway.PasswordTries - 1 {
		if _, err := b.signIn("rina", password, ""); err == nil {
			t.Fatal("no code was taken")
		}
	}
	must(b.signIn("rina", password, recovery[0]))(t)

	// So do guesses of who has got hold of a session.
	for range gateway.PasswordTries {
		if err := b.ChangePassword(t.Context(), u.ID, "wrong", "another battery staple", ""); !errors.Is(err, gateway.ErrPasswordWrong) {
			t.Fatal(err)
		}
	}
	if err := b.ChangePassword(t.Context(), u.ID, password, "another battery staple", ""); !errors.Is(err, gateway.ErrPasswordWrong) {
		t.Errorf("the right password of a locked user: %v", err)
	}
}

// One code that is sent many times at once, to two processes, opens one session.
func TestOneCodeAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.person("rina", gateway.RoleOperator)
	secret, recovery := b.enrol(u, "")
	for _, code := range []string{app(t, secret, b.clock.Now()), recovery[0]} {
		var wg sync.WaitGroup
		var in, refused atomic.Int64
		processes := []*gateway.Gateway{b.Gateway, b.beside()}
		for i := range 16 {
			wg.Go(func() {
				_, err := processes[i%2].SignIn(context.Background(), gateway.SignIn{Name: "rina", Factors: gateway.Factors{Password: password, Code: code}})
				switch {
				case err == nil:
					in.Add(1)
				case errors.Is(err, gateway.ErrCodeWrong), errors.Is(err, gateway.ErrPasswordWrong): // locked by the others
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 || refused.Load() != 15 {
			t.Errorf("%d signed in, %d were refused", in.Load(), refused.Load())
		}
		b.clock.Advance(gateway.PasswordLock + time.Second)
	}
}

func TestWhoOwesAFactor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for demand, owing := range map[gateway.Demand]string{
		"": "", gateway.DemandNobody: "", gateway.DemandOperators: "operator", gateway.DemandEverybody: "viewer support operator merchant",
	} {
		c := b.config
		c.Factor = demand
		g := gateway.New(c)
		for _, role := range gateway.Roles {
			if owes := g.OwesFactor(gateway.User{Role: role}); owes != strings.Contains(owing, string(role)) {
				t.Errorf("%q of %s: %t", demand, role, owes)
			}
			if g.OwesFactor(gateway.User{Role: role, Factor: gateway.SecondFactor{Secret: "S"}}) {
				t.Errorf("%q of %s who has one", demand, role)
			}
		}
	}
}

func TestOwnSessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u, other := b.person("rina", gateway.RoleViewer), b.person("dewi", gateway.RoleViewer)
	ctx := t.Context()
	open := func(name, browser string) gateway.SignedIn {
		t.Helper()
		b.clock.Advance(time.Second)
		return must(b.SignIn(ctx, gateway.SignIn{Name: name, Factors: gateway.Factors{Password: password}, Address: "192.0.2.1", Browser: browser}))(t)
	}
	theirs := open("dewi", "Edge")
	first, second, here := open("rina", "Firefox"), open("rina", "Chrome"), open("rina", "Safari")
	list := func(want ...string) []gateway.OpenSession {
		t.Helper()
		all := must(b.Sessions(ctx, u.ID, here.Token))(t)
		var got []string
		for _, s := range all {
			got = append(got, s.Browser)
			if s.Current != (s.Browser == "Safari") || s.Address != "192.0.2.1" {
				t.Errorf("session %+v", s)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("sessions %q, want %q", got, want)
		}
		return all
	}
	all := list("Safari", "Chrome", "Firefox")
	foreign := must(b.Sessions(ctx, other.ID, theirs.Token))(t)[0].TokenDigest
	if err := b.EndSession(ctx, u.ID, password, foreign, here.Token); !errors.Is(err, gateway.Expired) {
		t.Errorf("another's session: %v", err)
	}
	if err := b.EndSession(ctx, u.ID, "wrong", all[2].TokenDigest, here.Token); !errors.Is(err, gateway.ErrPasswordWrong) {
		t.Errorf("without the password: %v", err)
	}
	list("Safari", "Chrome", "Firefox")
	if err := b.EndSession(ctx, u.ID, password, all[2].TokenDigest, here.Token); err != nil {
		t.Fatal(err)
	}
	list("Safari", "Chrome")
	open("rina", "Opera")
	if err := b.EndSession(ctx, u.ID, password, "", here.Token); err != nil {
		t.Fatal(err)
	}
	list("Safari")
	for _, ended := range []gateway.SignedIn{first, second} {
		if _, err := b.SessionUser(ctx, ended.Token); !errors.Is(err, gateway.NotFound) {
			t.Errorf("an ended session: %v", err)
		}
	}
	for _, alive := range []gateway.SignedIn{here, theirs} {
		if _, err := b.SessionUser(ctx, alive.Token); err != nil {
			t.Errorf("ended as well: %v", err)
		}
	}
	b.clock.Advance(gateway.SessionIdle)
	list()
}

// breached has parts of a set of breached passwords.
func breached(parts map[string]string) gateway.Breached {
	return func(_ context.Context, prefix string) (io.ReadCloser, error) {
		part, known := parts[prefix]
		if !known {
			return nil, errors.New("no such part")
		}
		return io.NopCloser(strings.NewReader(part)), nil
	}
}

func TestRefusedPasswords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.person("rina", gateway.RoleViewer)
	change := func(g *gateway.Gateway, to string) error {
		return g.ChangePassword(t.Context(), u.ID, password, to, "")
	}
	for _, common := range []string{"unbelievable", "Unbelievable", "1qaz2wsx3edc4rfv", "finalfantasy", "iloveyousomuch"} {
		if err := change(b.Gateway, common); !errors.Is(err, gateway.Invalid) || !strings.Contains(err.Error(), "tried first") {
			t.Errorf("%q: %v", common, err)
		}
	}

	const found = "plenty of staples"
	sum := fmt.Sprintf("%X", sha1.Sum([]byte(found)))
	filler := strings.Repeat("0", 35) + ":3\r\n"
	for what, tc := range map[string]struct {
		part string
		code error
	}{
		"found":           {filler + sum[5:] + ":1\r\n", gateway.Invalid},
		"in small":        {strings.ToLower(sum[5:]) + ":1842\n", gateway.Invalid},
		"another":         {filler, nil},
		"padding":         {filler + sum[5:] + ":0\r\n", nil},
		"an empty part":   {"", gateway.Unavailable},
		"an error's page": {"<html>\n", gateway.Unavailable},
		"no such part":    {"-", gateway.Unavailable},
	} {
		parts := map[string]string{sum[:5]: tc.part}
		if tc.part == "-" {
			parts = nil
		}
		c := b.config
		c.Breached = breached(parts)
		g := gateway.New(c)
		err := change(g, found)
		if err == nil {
			if err := b.ChangePassword(t.Context(), u.ID, found, password, ""); err != nil {
				t.Fatal(err)
			}
		}
		if !errors.Is(err, tc.code) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
