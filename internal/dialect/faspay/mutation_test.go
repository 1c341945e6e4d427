package faspay_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/dialect/faspay"
	wirefaspay "github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

var (
	mutations    = flag.Int("mutations", 500, "changed requests that TestChangedRequestsAreRefused sends in each encoding")
	mutationSeed = flag.Uint64("mutation.seed", 0, "seed of TestChangedRequestsAreRefused; 0 draws one")
)

// change alters one character of a text: another one, one more, or one less.
func change(r *rand.Rand, text string) string {
	at, letter := r.IntN(len(text)), string(rune('0'+r.IntN(10)))
	switch r.IntN(3) {
	case 0:
		return text[:at] + text[at+1:]
	case 1:
		return text[:at] + letter + text[at:]
	default:
		return text[:at] + letter + text[at+1:]
	}
}

// TestChangedRequestsAreRefused changes one character of what a signature covers,
// or of the signature or the merchant's id. All else of a message is not protected
// by this protocol; docs/security.md says what stands in for that.
func TestChangedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	seed := *mutationSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with -mutation.seed=%d", seed)
	inBoth(t, func(t *testing.T, f wirefaspay.Format) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := open(t, f, options{config: func(c *faspay.Config) {
			c.Note = nil // explaining every refusal would take minutes
		}})
		s.link()
		before := s.payments()
		mux := http.NewServeMux()
		s.dialect.Mount(mux)
		refused := map[string]int{}
		for n := 0; n < *mutations; {
			service := wirefaspay.Services[r.IntN(len(wirefaspay.Services))]
			m := good(service).signed(service)
			name := []string{"signature", service.Signed(), "merchant_id"}[r.IntN(3)]
			changed := change(r, m.get(name))
			if changed == m.get(name) {
				continue
			}
			req := httptest.NewRequest(http.MethodPost, s.dialect.Paths.Path(service, f), strings.NewReader(m.with(name, changed).body(f)))
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, req)
			a := s.read(w.Result())
			n++
			refused[a.code()]++
			if !strings.Contains(a.code(), "error") || a.status >= 500 {
				t.Fatalf("%s of %s changed to %q: %s", name, service, changed, a.raw)
			}
		}
		if after := s.payments(); after != before {
			t.Errorf("there were %d payments and are %d", before, after)
		}
		s.want(s.call(wirefaspay.ServiceBalance, good(wirefaspay.ServiceBalance)), "200 00") // still linked
		s.auditClean()
		t.Logf("%d changed requests refused: %v", *mutations, refused)
	})
}

func (s *shop) payments() int {
	s.t.Helper()
	all, err := s.gateway.Payments(context.Background(), "", 100)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}
