package snap_test

import (
	"crypto/rsa"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/dialect/snap"
)

// The gateway's own key is replaced under its merchants: tokens of the old one serve
// while it is accepted, and not a call longer, remembered or not.
func TestOwnKeyIsReplaced(t *testing.T) {
	t.Parallel()
	s := open(t)
	status := func(token string) string {
		t.Helper()
		return s.do(request{path: "/orders/v1.0/debit/status", body: `{"originalPartnerReferenceNo":"none","serviceCode":"54"}`, keepToken: token}).code
	}
	old, another := s.token, merchantKey() // whose it was does not matter here
	const accepted = "4045501"             // the call got through: there is no such payment
	if code := status(old); code != accepted {
		t.Fatalf("before: %s", code)
	}
	both := &snap.Keys{Sign: another, Accept: []*rsa.PublicKey{&gatewayKey().PublicKey, &another.PublicKey}}
	s.keys.Store(both)
	fresh := s.b2b(clientID)
	if old, fresh := status(old), status(fresh); old != accepted || fresh != accepted {
		t.Errorf("while both are accepted: %s, %s", old, fresh)
	}
	s.keys.Store(&snap.Keys{Sign: another, Accept: both.Accept[1:]})
	if old, fresh := status(old), status(fresh); old != "4015501" || fresh != accepted {
		t.Errorf("without the old one: %s, %s", old, fresh)
	}
}
