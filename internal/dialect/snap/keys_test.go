package snap_test

import (
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/dialect/snap"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	wiresnap "github.com/gerbang-pay/gerbang/internal/wire/snap"
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

// A merchant changes over to a new key pair at its leisure: during the overlap either
// key's signature gets a token, after it the new one's only. A key that was pushed out
// of the overlap is gone.
func TestMerchantKeyIsReplaced(t *testing.T) {
	t.Parallel()
	s := open(t)
	m, err := s.gateway.MerchantByDOKUClient(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	public := func(key *rsa.PrivateKey) string {
		text, err := wiresnap.EncodePublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	// token asks for one with the key's signature.
	token := func(key *rsa.PrivateKey) string {
		timestamp := s.now()
		signature, err := wiresnap.SignAsymmetric(key, clientID, timestamp)
		if err != nil {
			t.Fatal(err)
		}
		return s.do(request{
			path: wiresnap.PathTokenB2B, body: `{"grantType":"client_credentials"}`, timestamp: timestamp, headers: map[string]string{"X-SIGNATURE": signature},
		}).code
	}
	const granted, refused = "2007300", "4017300"
	first, second, third := merchantKey(), gatewayKey(), anotherKey(t)
	expect := func(when string, codes ...string) {
		t.Helper()
		for i, key := range []*rsa.PrivateKey{first, second, third} {
			if code := token(key); code != codes[i] {
				t.Errorf("%s: key %d: %s, want %s", when, i+1, code, codes[i])
			}
		}
	}
	expect("before", granted, refused, refused)
	if err := s.gateway.RotatePublicKey(t.Context(), m.ID, public(second), time.Hour); err != nil {
		t.Fatal(err)
	}
	expect("at once", granted, granted, refused)
	if err := s.gateway.RotatePublicKey(t.Context(), m.ID, public(second)+"\n", 0); gateway.ErrorCode(err) != gateway.Invalid {
		t.Errorf("the current key again: %v", err)
	}
	for _, overlap := range []time.Duration{-time.Second, gateway.MaxSecretOverlap + time.Second} {
		if err := s.gateway.RotatePublicKey(t.Context(), m.ID, public(third), overlap); gateway.ErrorCode(err) != gateway.Invalid {
			t.Errorf("an overlap of %s: %v", overlap, err)
		}
	}
	s.clock.Advance(time.Hour - time.Second)
	expect("at the end of the overlap", granted, granted, refused)
	s.clock.Advance(time.Second)
	expect("after the overlap", refused, granted, refused)

	for _, key := range []*rsa.PrivateKey{first, third} {
		if err := s.gateway.RotatePublicKey(t.Context(), m.ID, public(key), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	expect("after two more", granted, refused, granted)
	if err := s.gateway.RotatePublicKey(t.Context(), m.ID, public(second), 0); err != nil {
		t.Fatal(err)
	}
	expect("without an overlap", refused, granted, refused)
	if err := s.gateway.RotatePublicKey(t.Context(), "mch_none", public(first), 0); gateway.ErrorCode(err) != gateway.NotFound {
		t.Errorf("nobody's key: %v", err)
	}
}

func anotherKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
