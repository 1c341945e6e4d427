package web

import (
	"net/http"
	"strconv"
	"strings"
)

// Language is one that the pages speak, as a BCP 47 tag.
type Language string

const (
	Indonesian Language = "id" // the default, because the wallets are Indonesian
	English    Language = "en"
)

// Languages are all of them.
var Languages = [...]Language{Indonesian, English}

// Other is the language to switch to.
func (l Language) Other() Language {
	if l == Indonesian {
		return English
	}
	return Indonesian
}

// Name is what the language calls itself.
func (l Language) Name() string {
	if l == English {
		return "English"
	}
	return "Bahasa Indonesia"
}

// languageCookie is a name that over TLS no other host of the domain can plant.
func languageCookie(secure bool) string {
	if secure {
		return "__Host-lang"
	}
	return "lang"
}

// ChooseLanguage follows the query's lang, which is remembered for later pages,
// else what was chosen earlier, else what the browser prefers. secure is for sites
// that are reached over TLS.
func ChooseLanguage(w http.ResponseWriter, r *http.Request, secure bool) Language {
	if chosen := Language(r.URL.Query().Get("lang")); chosen == Indonesian || chosen == English {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie(secure), Value: string(chosen), Path: "/", MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
		})
		return chosen
	}
	if cookie, err := r.Cookie(languageCookie(secure)); err == nil {
		if l := Language(cookie.Value); l == Indonesian || l == English {
			return l
		}
	}
	return Preferred(r.Header.Get("Accept-Language"))
}

// Preferred is the language that an Accept-Language header likes best.
func Preferred(acceptLanguage string) Language {
	best, bestWeight := Indonesian, 0.0
	for entry := range strings.SplitSeq(acceptLanguage, ",") {
		tag, parameters, _ := strings.Cut(strings.TrimSpace(entry), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64) // what is no number weighs nothing
		}
		if primary == "in" { // what old Android versions send for Indonesian
			primary = string(Indonesian)
		}
		if l := Language(primary); (l == Indonesian || l == English) && weight > bestWeight {
			best, bestWeight = l, weight
		}
	}
	return best
}
