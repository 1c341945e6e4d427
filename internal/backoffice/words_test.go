package backoffice

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

var (
	inTemplates = regexp.MustCompile(`\bt "([^"]*)"`)
	inCode      = regexp.MustCompile(`words\.t\("([^"]*)"`)
	inProblems  = regexp.MustCompile(`v\.problem\(http\.\w+, "([^"]*)"(?:, "([^"]*)")?`)
	inActs      = regexp.MustCompile(`v\.act\("([^"]*)"`)
)

// used are all texts that pages show.
func used(t *testing.T) map[string]bool {
	t.Helper()
	texts := map[string]bool{}
	templates, err := fs.Glob(files, "web/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range templates {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inTemplates.FindAllStringSubmatch(string(text), -1) {
			texts[m[1]] = true
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil || len(sources) < 5 {
		t.Fatal(len(sources), err)
	}
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, pattern := range []*regexp.Regexp{inCode, inProblems, inActs} {
			for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
				for _, key := range m[1:] {
					texts[key] = true
				}
			}
		}
	}
	delete(texts, "export ") // and what follows
	delete(texts, "")
	for _, deed := range deeds {
		texts[deed] = true
	}
	for _, n := range navigation {
		texts[n.text] = true
	}
	for _, s := range spans {
		texts[s.text] = true
	}
	for _, c := range gateway.Codes() {
		texts[c.Error()] = true
	}
	var words []string
	add := func(word string) { words = append(words, word) }
	each(channels, add)
	each(paymentStates, add)
	each(bindingStates, add)
	each(notificationStates, add)
	each(gateway.Roles, add)
	each([]gateway.WalletStatus{gateway.WalletActive, gateway.WalletBlockedByIssuer, gateway.WalletCardBlockedByBank}, add)
	each([]gateway.PageState{gateway.PageOTP, gateway.PagePIN, gateway.PageDone, gateway.PageFailed, gateway.PageCancelled, gateway.PageExpired, gateway.PageSuperseded}, add)
	each([]ledger.Kind{ledger.Payment, ledger.Refund, ledger.TopUp}, add)
	each([]gateway.EventKind{
		gateway.EventBindingStarted, gateway.EventBindingActive, gateway.EventBindingFailed, gateway.EventBindingExpired, gateway.EventBindingUnbound,
		gateway.EventPaymentStarted, gateway.EventPaymentSucceeded, gateway.EventPaymentRefused, gateway.EventPaymentFailed, gateway.EventPaymentCancelled,
		gateway.EventPaymentExpired, gateway.EventRefundSucceeded,
	}, add)
	each([]string{
		"snap", "jokul", "faspay", gateway.SpaceOffice, gateway.TraceStarted, gateway.TraceDone, "wrong password", "wrong code", "end session", "end other sessions", "export payments", "export settlement",
		"enable user", "disable user", "from", "to", "phone", "amount", "Secret key", "Faspay password",
		"a password has 12 to 128 characters", "the new password is the old one", "the password is little more than a name, a usual word or a repetition", "the password is one of those that are tried first",
		"the password was found in a breach of another site", "begin anew: the key was not confirmed within 15 minutes", "that session has ended already",
		"another merchant has this DOKU client id or Faspay merchant id", "this public key is the current one already", "another user has this name",
		"a user's name has 2 to 100 characters and no blanks", "a merchant's user belongs to a merchant, and nobody else does",
	}, add)
	for _, word := range words {
		texts[strings.ReplaceAll(word, "_", " ")] = true
	}
	return texts
}

func each[T ~string](list []T, add func(string)) {
	for _, word := range list {
		add(string(word))
	}
}

func TestEveryTextIsTranslated(t *testing.T) {
	t.Parallel()
	texts := used(t)
	for text := range texts {
		if translated := indonesian[text]; translated == "" {
			t.Errorf("no Indonesian for %q", text)
		} else if strings.Count(translated, "%s") != strings.Count(text, "%s") {
			t.Errorf("%q: other verbs than in %q", translated, text)
		}
	}
	for text := range indonesian {
		if !texts[text] {
			t.Errorf("%q is translated, but shown nowhere", text)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1.000", -1000: "-1.000", -999: "-999", 12345678: "12.345.678"} {
		if got := count(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"15000": 15000, "15.000": 15000, "Rp15.000": 15000, "rp. 15.000": 15000, "15,000": 15000, " 1 ": 1, "999999999999": 999999999999,
		"": 0, "0": 0, "1.5": 0, "15.00": 0, "-5": 0, "1e3": 0, "15 000": 0, "1000000000000": 0, "Rp": 0,
	} {
		if got, ok := parseAmount(text); int64(got) != want || ok != (want != 0) {
			t.Errorf("%q: %d, %t", text, got, ok)
		}
	}
}

// A scale ends at a round number, and every bar stays within it.
func TestBars(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]int64{0: 1, 1: 1, 3: 5, 5: 5, 6: 10, 99: 100, 1200: 2000} {
		if got := roundUp(n); got != want {
			t.Errorf("%d: %d", n, got)
		}
	}
	svg := string(bars(`a "title"`, []string{"<1>", "2"}, series{"good", "good", []int64{1, 0}}, series{"bad", "bad", []int64{2, 0}}))
	for _, want := range []string{"&lt;1&gt;, good 1, bad 2", "a &#34;title&#34;"} {
		if !strings.Contains(svg, want) {
			t.Errorf("lacks %s: %s", want, svg)
		}
	}
	if strings.Count(svg, `<rect class="good"`) != 2 || strings.Contains(svg, "-") && strings.Contains(svg, `height="-`) {
		t.Errorf("bars: %s", svg)
	}
	if got := string(strip([]int64{1, 0, 3})); !strings.Contains(got, `class="part0" x="0" y="0" width="250"`) || !strings.Contains(got, `class="part2" x="250" y="0" width="750"`) {
		t.Errorf("strip: %s", got)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/backoffice/payments?state=failed": "/backoffice/payments?state=failed", "": "/backoffice/", "//evil.test": "/backoffice/", "https://evil.test": "/backoffice/",
		"/backoffice/\\evil": "/backoffice/", "/other": "/backoffice/", "/backoffice/\r\nX: y": "/backoffice/",
	} {
		if got := next(path); got != want {
			t.Errorf("%q: %q", path, got)
		}
	}
}
