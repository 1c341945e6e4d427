package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuides(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	New(Config{}).Mount(mux)
	get := func(method, target, accept string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, target, nil)
		r.Header.Set("Accept-Language", accept)
		mux.ServeHTTP(w, r)
		return w
	}
	if len(Guides()) != 5 || len(guides) != 5 {
		t.Fatalf("%d ways", len(Guides()))
	}
	for i, way := range Guides() {
		g := guides[i]
		for lang, tag := range map[language]string{indonesian: "id", english: "en"} {
			text := g.text[lang]
			if text.Name == "" || len(text.Steps) < 3 || len(text.Steps) != len(g.text[indonesian].Steps) {
				t.Errorf("%s in %s: %+v", g.slug, tag, text)
			}
			for _, step := range text.Steps {
				if !strings.HasSuffix(step, ".") || strings.Contains(step, "'") {
					t.Errorf("%s in %s has the step %q", g.slug, tag, step)
				}
			}
			for _, w := range []*httptest.ResponseRecorder{get("GET", way.Path+"?lang="+tag, ""), get("GET", way.Path, tag)} {
				body := w.Body.String()
				if w.Code != 200 || !strings.Contains(body, `<html lang="`+tag+`"`) || !strings.Contains(body, text.Steps[0]) || !strings.Contains(body, "<svg ") ||
					strings.Count(body, `aria-current="page"`) != 1 || strings.Count(body, "<li>") != len(text.Steps)+len(guides) {
					t.Errorf("%s in %s: HTTP %d %s", way.Path, tag, w.Code, body)
				}
				if w.Header().Get("Content-Security-Policy") != policy {
					t.Errorf("headers %v", w.Header())
				}
			}
		}
		icon := get("GET", way.Icon, "")
		if icon.Code != 200 || icon.Header().Get("Content-Type") != "image/svg+xml" || icon.Body.String() != g.icon || !strings.Contains(icon.Header().Get("Content-Security-Policy"), "'none'") {
			t.Errorf("%s: HTTP %d %v", way.Icon, icon.Code, icon.Header())
		}
		for _, hostile := range []string{"<script", "href", "style=", "onload", "<image", "<foreignObject"} {
			if strings.Contains(g.icon, hostile) {
				t.Errorf("the icon of %s has %s", g.slug, hostile)
			}
		}
		if w := get("POST", way.Path, ""); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: HTTP %d", way.Path, w.Code)
		}
	}
	if w := get("GET", guideRoot+"elsewhere", ""); w.Code != 404 {
		t.Errorf("an unknown way: HTTP %d", w.Code)
	}
	for lang, frame := range guideFrames {
		if frame.Title == "" || frame.Note == "" || frame.Others == "" {
			t.Errorf("language %d: %+v", lang, frame)
		}
	}
}
