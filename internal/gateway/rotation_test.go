package gateway_test

import (
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/seal"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// While a master key is replaced people stay signed in, and whoever gives the right
// PIN or password has it hashed anew: the retired key is then not needed any more.
func TestHashesFollowTheMasterKey(t *testing.T) {
	t.Parallel()
	one, two := seal.NewKey(1), seal.NewKey(2)
	url, clock := storetest.URL(t), gateway.NewMovableClock(0)
	under := func(lines ...string) *gateway.Gateway {
		keys := must(seal.Parse([]byte(strings.Join(lines, "\n"))))(t)
		db := must(store.Open(t.Context(), store.Config{URL: url, Keys: keys, Clock: clock}))(t)
		t.Cleanup(func() { db.Close() })
		return gateway.New(gateway.Config{Store: db, Clock: clock, Keys: keys, KeepCodes: true, PINCost: gateway.PINCost{MemoryKiB: 64, Passes: 1}})
	}
	before := under(one)
	u, password, err := before.CreateUser(t.Context(), gateway.NewUser{Name: "rina", Role: gateway.RoleOperator})
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(g *gateway.Gateway, password string) (string, error) {
		in, err := g.SignIn(t.Context(), gateway.SignIn{Name: "rina", Factors: gateway.Factors{Password: password}})
		return in.Token, err
	}
	session, err := signIn(before, password)
	if err != nil {
		t.Fatal(err)
	}

	both := under(one, two)
	hash := func() int { return gateway.HashVersion(must(both.User(t.Context(), u.ID))(t).PasswordHash) }
	if got, err := both.SessionUser(t.Context(), session); err != nil || got.ID != u.ID {
		t.Errorf("a session of before: %+v, %v", got, err)
	}
	if _, err := signIn(both, "wrong password"); err == nil || hash() != 1 {
		t.Errorf("a wrong password: v%d, %v", hash(), err)
	}
	second, err := signIn(both, password)
	if err != nil || hash() != 2 {
		t.Fatalf("the right password: v%d, %v", hash(), err)
	}
	if err := both.SignOut(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if _, err := both.SessionUser(t.Context(), session); err == nil {
		t.Error("a session of before outlives its end")
	}

	after := under(two)
	if _, err := signIn(after, password); err != nil {
		t.Errorf("without the old key: %v", err)
	}
	if _, err := after.SessionUser(t.Context(), second); err != nil {
		t.Errorf("without the old key, a session of the new one: %v", err)
	}
}
