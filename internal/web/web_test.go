package web_test

import (
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gerbang-pay/gerbang/internal/web"
)

func TestChooseLanguage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		query, cookie, accept string
		want                  web.Language
		remembered            bool
	}{
		{"", "", "", web.Indonesian, false},
		{"", "", "en", web.English, false},
		{"", "", "fr, in;q=0.8, en;q=0.5", web.Indonesian, false},
		{"", "", "fr, ID-id;q=0.3, en-GB;q=0.5", web.English, false},
		{"", "", "en;q=x, id;q=0.1", web.Indonesian, false},
		{"", "en", "id", web.English, false},
		{"", "tlh", "en", web.English, false},
		{"id", "en", "en", web.Indonesian, true},
		{"tlh", "en", "id", web.English, false},
	} {
		r := httptest.NewRequest("GET", "/?lang="+tc.query, nil)
		r.Header.Set("Accept-Language", tc.accept)
		if tc.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "lang", Value: tc.cookie})
		}
		w := httptest.NewRecorder()
		if got := web.ChooseLanguage(w, r, false); got != tc.want {
			t.Errorf("%+v: %s", tc, got)
		}
		if got := w.Header().Get("Set-Cookie"); strings.HasPrefix(got, "lang="+string(tc.want)+";") != tc.remembered {
			t.Errorf("%+v: cookie %q", tc, got)
		}
	}
}

func TestFrame(t *testing.T) {
	t.Parallel()
	templates := web.Templates(template.FuncMap{}, fstest.MapFS{"x.html": {Data: []byte(`{{template "head" .}}{{template "error" .Refused}}text{{template "foot"}}`)}}, "*.html")
	w := httptest.NewRecorder()
	web.Render(w, 422, templates, "x.html", struct {
		web.Frame
		Refused string
	}{web.Frame{
		Lang: web.English, Title: "<Title>", OtherURL: web.English.InOther("/x", map[string][]string{"q": {"a"}}),
		Home: web.Link{URL: "/", Text: "Home"}, Nav: []web.Link{{URL: "/x", Text: "X", Current: true}, {URL: "/y", Text: "Y"}}, Events: "/events?a=1&b=2",
	}, "no"})
	for _, want := range []string{
		`<html lang="en">`, "&lt;Title&gt; – Gerbang", `href="/x?lang=id&amp;q=a" lang="id"`, "Bahasa Indonesia", `<a href="/x" aria-current="page">X</a>`,
		`<a href="/y">Y</a>`, `data-events="/events?a=1&amp;b=2"`, `<p class="error" role="alert">no</p>`, `<main id="content">`, "Skip to the content",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("lacks %s: %s", want, w.Body)
		}
	}
	if w.Code != 422 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("HTTP %d %v", w.Code, w.Header())
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	web.MountAssets(mux)
	for path, kind := range map[string]string{"/assets/web.css": "text/css; charset=utf-8", "/assets/web.js": "text/javascript; charset=utf-8"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || w.Header().Get("Content-Type") != kind || w.Body.Len() == 0 {
			t.Errorf("%s: HTTP %d %v", path, w.Code, w.Header())
		}
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		w = httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != 304 || w.Body.Len() != 0 {
			t.Errorf("%s again: HTTP %d", path, w.Code)
		}
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	const kind = "application/x-www-form-urlencoded; charset=utf-8"
	for _, tc := range []struct {
		kind, body string
		ok         bool
	}{
		{kind, "a=1&b=2", true},
		{kind, "", true},
		{kind, "a=1&a=2", false},
		{kind, "a=" + strings.Repeat("1", 99), false},
		{kind, "a=%zz", false},
		{"text/plain", "a=1", false},
		{"", "a=1", false},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(tc.body))
		r.Header.Set("Content-Type", tc.kind)
		if _, ok := web.ReadForm(httptest.NewRecorder(), r, 100); ok != tc.ok {
			t.Errorf("%+v: %t", tc, ok)
		}
	}
	for site, want := range map[string]bool{"": true, "none": true, "same-origin": true, "same-site": false, "cross-site": false} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		if got := web.SameOrigin(r); got != want {
			t.Errorf("%q: %t", site, got)
		}
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s, err := web.OpenStream(w)
		if err == nil {
			err = s.Send("changed", "one\ntwo")
		}
		if err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if want := ":\n\nevent: changed\ndata: one\ndata: two\n\n"; err != nil || string(got) != want || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q, %v, %v", got, resp.Header, err)
	}
}
