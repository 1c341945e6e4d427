package pages

import (
	"strconv"
	"strings"
)

// language is one that the pages speak.
type language int

const (
	indonesian language = iota // the default, because the wallets are Indonesian
	english
	languages
)

// languageTags maps the primary subtags of BCP 47 to languages; "in" is what old
// Android versions send for Indonesian.
var languageTags = map[string]language{"id": indonesian, "in": indonesian, "en": english}

// chooseLanguage follows the visitor's explicit choice, else what the browser
// prefers.
func chooseLanguage(chosen, acceptLanguage string) language {
	if chosen == "id" || chosen == "en" {
		return languageTags[chosen]
	}
	best, bestWeight := indonesian, 0.0
	for entry := range strings.SplitSeq(acceptLanguage, ",") {
		tag, parameters, _ := strings.Cut(strings.TrimSpace(entry), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		l, known := languageTags[primary]
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64) // what is no number weighs nothing
		}
		if known && weight > bestWeight {
			best, bestWeight = l, weight
		}
	}
	return best
}
