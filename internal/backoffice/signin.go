package backoffice

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// signInsPerMinute bounds the attempts from one address, so that guessing many
// users' passwords is as slow as guessing one's.
const signInsPerMinute = 20

// limiter counts attempts by address in one minute after another. It is safe for
// concurrent use.
type limiter struct {
	mu     sync.Mutex
	minute int64
	counts map[string]int
}

// maxAddresses bounds the limiter's memory; beyond it, everybody waits for the next minute.
const maxAddresses = 10_000

func (l *limiter) allow(address string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Unix() / 60; minute != l.minute || l.counts == nil {
		l.minute, l.counts = minute, map[string]int{}
	}
	if _, known := l.counts[address]; !known && len(l.counts) >= maxAddresses {
		return false
	}
	l.counts[address]++
	return l.counts[address] <= signInsPerMinute
}

type signInScreen struct {
	frame
	Name, Next string
}

// next is where to go after signing in: a page of ours, or the overview.
func next(path string) string {
	if strings.HasPrefix(path, root+"/") && !strings.ContainsAny(path, "\\\r\n") {
		return path
	}
	return root + "/"
}

func (v *visit) toSignIn() {
	target := root + "/sign-in"
	if v.r.Method == http.MethodGet && v.r.URL.Path != root+"/" {
		target += "?next=" + urlEscape(v.r.URL.RequestURI())
	}
	v.w.Header().Set("Location", target)
	v.w.WriteHeader(http.StatusSeeOther)
}

func (v *visit) signInPage() error {
	if v.user.Name != "" {
		v.redirect("/", nil)
		return nil
	}
	v.plantSeed()
	s := signInScreen{frame: v.frame(v.words.t("Sign in")), Next: next(v.r.URL.Query().Get("next"))}
	s.Class, s.Nav = "narrow", nil
	v.render(http.StatusOK, "sign-in.html", s)
	return nil
}

func (v *visit) signIn() error {
	s := signInScreen{frame: v.frame(v.words.t("Sign in")), Name: v.form.Get("name"), Next: next(v.form.Get("next"))}
	s.Class, s.Nav, s.OtherURL = "narrow", nil, v.lang.InOther(root+"/sign-in", nil)
	if !v.limit.allow(v.Address(v.r), v.Clock.Now()) {
		s.Refused = v.words.t("Too many attempts to sign in from your address. Wait a minute.")
		v.w.Header().Set("Retry-After", "60")
		v.render(http.StatusTooManyRequests, "sign-in.html", s)
		return nil
	}
	var in gateway.SignedIn
	name := s.Name[:min(len(s.Name), 100)]
	v.user = gateway.User{Name: name} // as claimed; the trail shows whether it was true
	err := v.act("sign in", "", "", func() (err error) {
		in, err = v.Gateway.SignIn(v.r.Context(), gateway.SignIn{
			Name: s.Name, Factors: gateway.Factors{Password: v.form.Get("password"), Code: v.form.Get("code")},
			Address: v.Address(v.r), Browser: browserOf(v.r.UserAgent()),
		})
		return err
	})
	v.user = gateway.User{}
	if errors.Is(err, gateway.ErrPasswordWrong) || errors.Is(err, gateway.ErrCodeWrong) { // which of them, is nobody's business
		s.Refused = v.words.t("The name, the password or the code is wrong. After five wrong passwords or codes a user is locked for 15 minutes.")
		v.render(http.StatusUnprocessableEntity, "sign-in.html", s)
		return nil
	}
	if err != nil {
		return err
	}
	v.setCookie(in.Token, gateway.SessionLife)
	if in.Recovery {
		v.user = in.User
		if err := v.act("recovery code", string(v.user.ID), "", func() error { return nil }); err != nil {
			return err
		}
		v.done("/account", "recovery")
		return nil
	}
	v.w.Header().Set("Location", s.Next)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (v *visit) signOut() error {
	if v.token != "" {
		if err := v.act("sign out", string(v.user.ID), "", func() error { return v.Gateway.SignOut(v.r.Context(), v.token) }); err != nil {
			return err
		}
	}
	v.setCookie("", -time.Second)
	v.redirect("/sign-in", nil)
	return nil
}
