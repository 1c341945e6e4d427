package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

// Problem is a setting with which a server does not start, and what to do about it.
type Problem struct {
	Setting string // the flag's name, or that of a standard variable of the environment
	Problem string
	Cure    string
}

// Problems are all that is wrong with a configuration, as an error.
type Problems []Problem

func (p Problems) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the server does not start with these settings:")
	for _, one := range p {
		setting := "--" + one.Setting
		if strings.HasPrefix(one.Setting, "OTEL_") {
			setting = one.Setting
		}
		fmt.Fprintf(&b, "\n  %s: %s\n      %s", setting, one.Problem, one.Cure)
	}
	return b.String()
}

func (p *Problems) add(setting, problem, cure string) {
	*p = append(*p, Problem{setting, problem, cure})
}

// addIfOpen adds a file of a secret that every user of the machine can read.
func (p *Problems) addIfOpen(setting, file string) {
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o007 != 0 && runtime.GOOS != "windows" {
		p.add(setting, "every user of this machine can read it", "run chmod 600 "+file)
	}
}

// Check finds every setting that is missing, cannot work or is unsafe. It opens no
// database and no connection.
func (c ServeConfig) Check() (found Problems) {
	c = c.withDefaults()
	c.checkStorage(&found)
	c.checkURLs(&found)
	c.checkNetwork(&found)
	c.checkIssuer(&found)
	c.checkPeople(&found)
	c.Traces.check(&found)
	return found
}

func (c ServeConfig) checkStorage(found *Problems) {
	kind, path, _ := strings.Cut(c.databaseURL(), "://")
	if kind != "sqlite" && kind != "postgres" && kind != "postgresql" || path == "" {
		found.add("database", "it is no database's URL", "write postgres://user@host/name, or sqlite:///path/to/file for one process on one machine")
	}
	if c.MasterKey == "" && c.KeyFile == "" && c.KeyCommand == "" {
		found.add("master-key-file", "there is no master key",
			"make one with \"gerbang keys generate\", keep it where neither the database nor its backups are, and name the file, name a --master-key-command, or set GERBANG_MASTER_KEY")
		return
	}
	if problems := c.keyProblems(); len(problems) > 0 {
		*found = append(*found, problems...)
	} else if _, err := c.masterKey(false); err != nil {
		found.add("master-key-file", err.Error(), "a keyring has a line for each key, as \"gerbang keys generate\" makes them")
	}
}

// within reports whether a file is in a directory or below it, links followed.
func within(dir, file string) bool {
	resolve := func(path string) string {
		path, _ = filepath.Abs(path) // fails only without a working directory
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real
		}
		return path
	}
	relative, err := filepath.Rel(resolve(dir), resolve(file))
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

func (c ServeConfig) checkURLs(found *Problems) {
	for _, one := range []struct{ setting, text string }{{"base-url", c.BaseURL}, {"office-url", c.OfficeURL}} {
		setting, text := one.setting, one.text
		if setting == "office-url" && (c.Listen.Office == "" || text == c.BaseURL) {
			continue
		}
		u, err := url.Parse(text)
		switch {
		case text == "":
			found.add(setting, "it is missing: customers are sent to pages at this address", "write the public address, such as https://pay.example.id")
		case err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
			found.add(setting, "it is no address of a server", "write scheme and host, such as https://pay.example.id")
		case u.Scheme != "https":
			found.add(setting, "it is not https: PINs would be readable on their way", "write https://"+u.Host+", with a certificate here or at a proxy")
		}
	}
}

func (c ServeConfig) checkNetwork(found *Problems) {
	proxies, err := parseProxies(c.Proxies)
	if err != nil {
		found.add("trusted-proxies", err.Error(), "list the addresses of your reverse proxies, and no more")
	}
	if c.TLS != (TLSFiles{}) {
		if c.TLS.Certificate == "" || c.TLS.Key == "" {
			found.add("tls-certificate", "certificate and key go together", "give both --tls-certificate and --tls-key")
		} else if _, err := c.TLS.load(); err != nil {
			found.add("tls-certificate", err.Error(), "name a PEM file with the certificate and its chain, and the one with its key")
		}
		found.addIfOpen("tls-key", c.TLS.Key)
	}
	plain := c.TLS == (TLSFiles{}) && len(proxies) == 0
	for _, l := range []struct{ setting, address string }{
		{"api-addr", c.Listen.API}, {"pages-addr", c.Listen.Pages}, {"issuer-addr", c.Listen.Issuer}, {"office-addr", c.Listen.Office}, {"admin-addr", c.Listen.Admin},
	} {
		if l.address == "" && l.setting != "api-addr" && l.setting != "admin-addr" {
			continue // the API's, or no back office
		}
		reach, err := reachOf(l.address)
		switch {
		case err != nil:
			found.add(l.setting, err.Error(), "write an address and a port, such as 127.0.0.1:8600 or :443")
		case l.setting == "admin-addr" && reach == everywhere && !c.AdminExposed:
			found.add(l.setting, "figures and profiles of the process would be open to everybody",
				"listen on 127.0.0.1 or a private address, or say --admin-exposed when a firewall stands before it")
		case l.setting != "admin-addr" && reach != thisMachine && plain:
			found.add(l.setting, "PINs and signatures would cross the network unencrypted",
				"give --tls-certificate and --tls-key, or listen behind a proxy that ends TLS and name it with --trusted-proxies")
		}
	}
	if a := c.Listen.Admin; a != "" && !strings.HasSuffix(a, ":0") && slices.Contains([]string{c.Listen.API, c.Listen.Pages, c.Listen.Issuer, c.Listen.Office}, a) {
		found.add("admin-addr", "it is an address that others use as well", "give the admin listener a port of its own")
	}
}

func (c ServeConfig) checkIssuer(found *Problems) {
	u, err := url.Parse(c.Issuer.URL)
	local := err == nil && isLocal(u)
	switch {
	case c.Issuer.URL == "":
		found.add("issuer-url", "it is missing: nobody would bring one-time codes to the phones", "write where the issuer takes messages, see docs/issuer.md")
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		found.add("issuer-url", "it is no address of a server", "write scheme, host and path, such as https://wallet.example.id/gerbang")
	case u.Scheme != "https" && !local:
		found.add("issuer-url", "it is not https: one-time codes would be readable on their way", "write https://"+u.Host+u.Path)
	}
	if c.Issuer.Secret == "" && c.Issuer.SecretFile == "" {
		found.add("issuer-secret-file", "there is no secret to sign with, for the issuer and for us",
			"make one with \"echo whsec_$(openssl rand -base64 32)\", give it to the issuer, and name the file, or set GERBANG_ISSUER_SECRET")
	} else if _, err := c.Issuer.secrets(); err != nil {
		found.add("issuer-secret-file", err.Error(), "make one with \"echo whsec_$(openssl rand -base64 32)\"")
	}
	if c.Issuer.Secret == "" {
		found.addIfOpen("issuer-secret-file", c.Issuer.SecretFile)
	}
}

// checkPeople looks at what people of the back office are asked for.
func (c ServeConfig) checkPeople(found *Problems) {
	if !slices.Contains([]gateway.Demand{gateway.DemandNobody, gateway.DemandOperators, gateway.DemandEverybody}, c.SecondFactor) {
		found.add("require-second-factor", "nobody knows whom that means", "write everybody, operators or nobody")
	}
	if c.BreachedPasswords == "" {
		return
	}
	if !isURL(c.BreachedPasswords) {
		if part, err := openPart(c.BreachedPasswords, "00000"); err != nil {
			found.add("breached-passwords", "it is no directory with Pwned Passwords: "+err.Error(),
				"name one with a file for each five hex digits, from 00000.txt to FFFFF.txt, or an address, such as https://api.pwnedpasswords.com/range")
		} else {
			part.Close()
		}
		return
	}
	u, err := url.Parse(c.BreachedPasswords)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		found.add("breached-passwords", "it is no address of a server", "write scheme, host and path, such as https://api.pwnedpasswords.com/range")
	case u.Scheme != "https" && !isLocal(u):
		found.add("breached-passwords", "it is not https: others could see what is asked, and answer", "write https://"+u.Host+u.Path)
	}
}

// isLocal reports whether an address is one of this machine.
func isLocal(u *url.URL) bool {
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}

// reach is from where a listener can be reached.
type reach int

const (
	thisMachine reach = iota
	privateNetwork
	everywhere
)

func reachOf(address string) (reach, error) {
	host, port, err := net.SplitHostPort(address)
	if address == "" {
		return 0, errors.New("it is missing")
	}
	if err != nil || port == "" {
		return 0, fmt.Errorf("%q is no address to listen on", address)
	}
	if host == "localhost" {
		return thisMachine, nil
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil || ip.IsUnspecified(): // a name may be anything
		return everywhere, nil
	case ip.IsLoopback():
		return thisMachine, nil
	case ip.IsPrivate() || ip.IsLinkLocalUnicast():
		return privateNetwork, nil
	}
	return everywhere, nil
}

func trimSlash(url string) string { return strings.TrimSuffix(url, "/") }

// minSecret is the least number of characters of what merchants sign with.
const minSecret = 16

// weakSecret says why something must not be signed with, or "".
func weakSecret(secret string) string {
	switch {
	case slices.Contains([]string{sandbox.SeedSecretKey, sandbox.SeedFaspayPassword}, secret):
		return "is the sandbox's, which everybody knows"
	case utf8.RuneCountInString(secret) < minSecret:
		return fmt.Sprintf("has fewer than %d characters", minSecret)
	}
	return ""
}

// refuseWeakSecrets finds merchants whose signatures anybody could make.
func (a *App) refuseWeakSecrets(ctx context.Context) error {
	merchants, err := a.Gateway.Merchants(ctx)
	if err != nil {
		return err
	}
	for _, m := range merchants {
		if err := checkSecrets(m); err != nil {
			return fmt.Errorf("%w; rotate it with \"gerbang merchant rotate\"", err)
		}
	}
	return nil
}

// checkSecrets refuses a merchant with a secret that does not protect it.
func checkSecrets(m gateway.Merchant) error {
	for _, one := range []struct{ id, what, secret string }{
		{m.DOKU.ClientID, "DOKU secret key", m.DOKU.SecretKey}, {m.Faspay.MerchantID, "Faspay password", m.Faspay.Password},
	} {
		if weak := weakSecret(one.secret); one.id != "" && weak != "" {
			return fmt.Errorf("the %s of merchant %s (%s) %s", one.what, m.Name, m.ID, weak)
		}
	}
	return nil
}
