package sandbox

import (
	"strconv"
	"strings"
)

// languages are the words of the pages by the primary subtag of BCP 47; "in" is
// what old Android versions send for Indonesian.
var languages = map[string]*texts{"id": &inIndonesian, "in": &inIndonesian, "en": &inEnglish}

// chooseLanguage follows the visitor's explicit choice, else what the browser
// prefers, else takes Indonesian.
func chooseLanguage(chosen, acceptLanguage string) *texts {
	if chosen == "id" || chosen == "en" {
		return languages[chosen]
	}
	best, bestWeight := &inIndonesian, 0.0
	for entry := range strings.SplitSeq(acceptLanguage, ",") {
		tag, parameters, _ := strings.Cut(strings.TrimSpace(entry), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64) // what is no number weighs nothing
		}
		if l := languages[primary]; l != nil && weight > bestWeight {
			best, bestWeight = l, weight
		}
	}
	return best
}

// other returns the language to switch to.
func (t *texts) other() *texts {
	if t == &inIndonesian {
		return &inEnglish
	}
	return &inIndonesian
}
