package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
)

//go:embed frame.html
var frameHTML string

//go:embed assets
var assets embed.FS

// Policy is the Content-Security-Policy of every page: what is not served from
// here is not loaded, asked or sent to, and neither script nor style stands in the
// markup.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; img-src 'self' data:; " +
	"frame-ancestors 'none'; base-uri 'none'"

// Secure sets the headers that every answer for people carries.
func Secure(header http.Header) {
	header.Set("Content-Security-Policy", Policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}

// Harden gives every answer the headers that keep a browser from taking it for
// what it is not. Pages replace the policy by their own.
func Harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// MountAssets serves the shared style and script under /assets/.
func MountAssets(mux *http.ServeMux) {
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
	names, err := fs.Glob(assets, "assets/*")
	if err != nil { // the pattern is a constant
		panic(err)
	}
	for _, name := range names {
		content, err := assets.ReadFile(name)
		if err != nil { // embedded
			panic(err)
		}
		sum := sha256.Sum256(content)
		tag := `"` + hex.EncodeToString(sum[:8]) + `"`
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			Secure(w.Header())
			w.Header().Set("Cache-Control", "no-cache") // kept, and asked for again by its tag
			w.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("Content-Type", kinds[path.Ext(name)])
			w.Write(content)
		})
	}
}

// Frame is what a page has around its content. A screen embeds it.
type Frame struct {
	Lang     Language
	Title    string
	OtherURL string // the page in the other language
	Home     Link   // behind the brand
	Nav      []Link
	Banner   string // above everything, or ""
	Class    string // of main: "" reading width, "narrow" a phone's, "wide" tables
	Events   string // address of the page's stream of events, or ""
}

// Link is one entry of a navigation.
type Link struct {
	URL, Text string
	Current   bool
}

// InOther is the address of the page at path in the other language; query is what
// names its content.
func (l Language) InOther(path string, query url.Values) string {
	other := url.Values{}
	for name, values := range query {
		other[name] = values
	}
	other.Set("lang", string(l.Other()))
	return path + "?" + other.Encode()
}

// Skip is the link that jumps over the navigation.
func (f Frame) Skip() string {
	if f.Lang == English {
		return "Skip to the content"
	}
	return "Lompat ke isi"
}

// Copy and Copied are the words on the buttons that copy.
func (f Frame) Copy() string {
	if f.Lang == English {
		return "Copy"
	}
	return "Salin"
}

func (f Frame) Copied() string {
	if f.Lang == English {
		return "Copied"
	}
	return "Tersalin"
}

// Templates parses a package's templates together with the frame: "head" and
// "foot" go around each page, "error" and "done" show what became of a step.
// A package may define "account", which stands at the end of the header.
func Templates(funcs template.FuncMap, files fs.FS, patterns ...string) *template.Template {
	return template.Must(template.Must(template.New("").Funcs(funcs).Parse(frameHTML)).ParseFS(files, patterns...))
}

// Render answers with the template of that name.
func Render(w http.ResponseWriter, status int, templates *template.Template, name string, screen any) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, screen); err != nil {
		panic(err) // templates are embedded and every screen is tested
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(body.Bytes())
}
