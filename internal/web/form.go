package web

import (
	"io"
	"mime"
	"net/http"
	"net/url"
)

// SameOrigin reports whether a form was sent by one of our own pages, as far as
// the browser says. Old ones do not.
func SameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return false
}

// ReadForm reads a form of at most limit bytes in which every field is given once.
func ReadForm(w http.ResponseWriter, r *http.Request, limit int64) (url.Values, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	for _, values := range form {
		if len(values) > 1 {
			return nil, false
		}
	}
	return form, err == nil
}
