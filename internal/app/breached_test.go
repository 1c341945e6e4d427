package app_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// A server looks for new passwords in a download of Pwned Passwords or at a server of
// the same form, which is told five digits of the digest and no more.
func TestBreachedPasswords(t *testing.T) {
	t.Parallel()
	const known, fresh = "plenty of staples", "correct horse battery"
	part := func(password string) (prefix, line string) {
		sum := fmt.Sprintf("%X", sha1.Sum([]byte(password)))
		return sum[:5], sum[5:] + ":7\r\n"
	}
	filler := strings.Repeat("0", 35) + ":1\r\n"
	prefix, line := part(known)
	other, _ := part(fresh)

	dir := t.TempDir()
	for name, text := range map[string]string{"00000": filler, prefix + ".txt": filler + line, other: filler} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asked := make(chan *http.Request, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		switch r.URL.Path {
		case "/range/" + prefix:
			fmt.Fprint(w, filler+line)
		case "/range/" + other:
			fmt.Fprint(w, filler)
		case "/elsewhere/" + prefix:
			http.Redirect(w, r, "/range/"+prefix, http.StatusFound)
		default:
			http.Error(w, "no", http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(server.Close)

	for where, works := range map[string]bool{dir: true, server.URL + "/range": true, server.URL + "/range/": true, server.URL + "/elsewhere": false, server.URL + "/busy": false} {
		c := serving(t)
		c.BreachedPasswords = where
		a := serve(t, c)
		u, first, err := a.Gateway.CreateUser(t.Context(), gateway.NewUser{Name: "rina", Role: gateway.RoleOperator})
		if err != nil {
			t.Fatal(err)
		}
		change := func(to string) error { return a.Gateway.ChangePassword(t.Context(), u.ID, first, to, "") }
		if !works { // better no new password than one that nobody looked at
			if err := change(known); !errors.Is(err, gateway.Unavailable) {
				t.Errorf("%s: %v", where, err)
			}
			continue
		}
		if err := change(known); !errors.Is(err, gateway.Invalid) || !strings.Contains(err.Error(), "breach") {
			t.Errorf("%s: %v", where, err)
		}
		if err := change(fresh); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		if where == dir {
			if err := a.Gateway.ChangePassword(t.Context(), u.ID, fresh, "a part that is not there", ""); !errors.Is(err, gateway.Unavailable) {
				t.Errorf("a download that is not whole: %v", err)
			}
		}
	}
	server.Close()
	close(asked)
	for r := range asked {
		if len(filepath.Base(r.URL.Path)) != 5 || r.Header.Get("Add-Padding") != "true" || r.URL.RawQuery != "" {
			t.Errorf("asked %s, %v", r.URL, r.Header)
		}
	}

	for setting, wrong := range map[string]func(*app.ServeConfig){
		"breached-passwords":    func(c *app.ServeConfig) { c.BreachedPasswords = t.TempDir() },
		"require-second-factor": func(c *app.ServeConfig) { c.SecondFactor = "somebody" },
	} {
		c := serving(t)
		wrong(&c)
		if problems := c.Check(); len(problems) != 1 || problems[0].Setting != setting {
			t.Errorf("%s: %v", setting, problems)
		}
	}
	for address, good := range map[string]bool{
		"https://api.pwnedpasswords.com/range": true, "http://127.0.0.1:9/range": true, "http://pwned.example.id/range": false, "ftp://127.0.0.1/": false,
		"https://u@pwned.example.id/range": false, "https://pwned.example.id/range?x": false,
	} {
		c := serving(t)
		c.BreachedPasswords = address
		if problems := c.Check(); len(problems) == 0 != good {
			t.Errorf("%s: %v", address, problems)
		}
	}
}
