package backoffice

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/web"
)

// vocabulary translates from English, which stands in templates and code. A text
// it does not know stays as it is; a test finds those.
type vocabulary map[string]string

func words(l web.Language) vocabulary {
	if l == web.Indonesian {
		return indonesian
	}
	return nil
}

// t translates a text; arguments fill its verbs.
func (w vocabulary) t(english string, args ...string) string {
	text := english
	if translated, ok := w[english]; ok {
		text = translated
	}
	if len(args) == 0 {
		return text
	}
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a
	}
	return fmt.Sprintf(text, values...)
}

// label is a word of the gateway's, such as a state, as people read it.
func (w vocabulary) label(word any) string {
	return w.t(strings.ReplaceAll(fmt.Sprint(word), "_", " "))
}

func (w vocabulary) funcs() template.FuncMap {
	return template.FuncMap{
		"t":      w.t,
		"label":  w.label,
		"rupiah": money.Amount.Rupiah,
		"count":  count[int64],
		"when":   when,
		"day":    func(t time.Time) string { return t.In(wib).Format(time.DateOnly) },
		"ms":     func(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) },
		"tone":   tone,
		"string": func(v any) string { return fmt.Sprint(v) },

		"fields":        func(names ...string) []string { return names },
		"transfers":     func(all []ledger.Transfer, linked bool) linkedTransfers { return linkedTransfers{all, linked} },
		"distributions": func(rows []distribution, limits []string) distributions { return distributions{rows, limits} },
	}
}

// linkedTransfers and distributions are what two templates take.
type (
	linkedTransfers struct {
		Transfers []ledger.Transfer
		Linked    bool // to the ledger's pages
	}
	distributions struct {
		Rows   []distribution
		Limits []string
	}
)

// when is a moment as people here read it, "–" for one that has not come.
func when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(wib).Format("2006-01-02 15:04:05 WIB")
}

// tone is the look of a state, beside its name.
func tone(state any) string {
	switch fmt.Sprint(state) {
	case "succeeded", "active", "delivered", "done":
		return "good"
	case "failed", "refused", "expired", "undeliverable", "blocked", "card_blocked":
		return "bad"
	case "awaiting_customer", "uncertain", "queued", "started":
		return "wait"
	}
	return "plain"
}
