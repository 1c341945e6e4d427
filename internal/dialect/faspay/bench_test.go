package faspay_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// BenchmarkHostileBody shows what refusing a body costs that aims at the reader,
// from the first byte to the answer.
func BenchmarkHostileBody(b *testing.B) {
	for _, c := range []struct {
		name   string
		format wirefaspay.Format
		body   string
		code   string
	}{
		{"a million nested tags", wirefaspay.XML, "<faspay>" + strings.Repeat("<a>", 1_000_000), "413 error 30"},
		{"10 MB of CDATA", wirefaspay.XML, "<faspay><merchant_id><![CDATA[" + strings.Repeat("x", 10<<20), "413 error 30"},
		{"64 KiB of nested tags", wirefaspay.XML, "<faspay>" + strings.Repeat("<a>", 21_000), "200 error 30"},
		{"64 KiB of nested objects", wirefaspay.JSON, strings.Repeat(`{"a":`, 13_000), "200 error 30"},
		{"64 KiB of elements", wirefaspay.XML, "<faspay>" + strings.Repeat("<a/>", 16_000) + "</faspay>", "200 error 30"},
		{"a document type", wirefaspay.XML, `<!DOCTYPE faspay SYSTEM "http://192.0.2.1/x"><faspay/>`, "200 error 30"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b, c.format, options{})
			mux := http.NewServeMux()
			s.dialect.Mount(mux)
			path := s.dialect.Paths.Path(wirefaspay.ServicePayment, c.format)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, httptest.NewRequest("POST", path, io.NopCloser(strings.NewReader(c.body))))
				if a := s.read(w.Result()); a.code() != c.code {
					b.Fatal(a.raw)
				}
			}
		})
	}
}
