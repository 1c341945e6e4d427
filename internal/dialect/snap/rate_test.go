package snap_test

import (
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Calls with a right signature use up a merchant's rate, others do not. A call that
// is refused for it uses up no X-EXTERNAL-ID.
func TestRate(t *testing.T) {
	t.Parallel()
	s := open(t)
	still := storetest.Still(s.clock)
	s.config.Clock = still
	s.gateway = gateway.New(s.config)
	s.dialect.Gateway = s.gateway
	m, err := s.gateway.MerchantByDOKUClient(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	m.CallRate = gateway.MinCallRate
	if err := s.gateway.UpdateMerchant(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	good := request{path: wiresnap.PathStatus, body: statusBody("NONE")}
	for range 3 {
		s.want(s.do(request{path: wiresnap.PathStatus, body: statusBody("NONE"), signed: statusBody("OTHER")}), "4015500", "Unauthorized. [Signature]")
	}
	for range 2 * gateway.MinCallRate {
		s.want(s.do(good), "4045501", "Transaction Not Found")
	}
	good.headers = map[string]string{"X-EXTERNAL-ID": "once"}
	a := s.do(good)
	s.want(a, "4295500", "Too Many Requests")
	if a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("HTTP %d with headers %v", a.status, a.header)
	}
	a = s.do(request{path: wiresnap.PathTokenB2B, body: `{"grantType":"client_credentials"}`})
	s.want(a, "4297300", "Too Many Requests")
	still.Step(time.Second / gateway.MinCallRate)
	s.want(s.do(good), "4045501", "Transaction Not Found")
	s.want(s.do(good), "4295500", "Too Many Requests")
}
