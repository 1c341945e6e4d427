package backoffice_test

import (
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

func TestEveryPageShows(t *testing.T) {
	t.Parallel()
	o := open(t, options{}).seed()
	b := o.as(gateway.RoleOperator)
	for _, path := range []string{"/", "/?span=30d", "/account", "/payments", "/payments/" + string(o.mine.paid.ID), "/payments/" + string(o.mine.waiting.ID), "/bindings",
		"/bindings/" + string(o.mine.binding.ID), "/notifications", "/notifications/" + string(o.mine.notification.ID), "/notifications?state=failed",
		"/settlement", "/settlement/" + string(o.mine.ID) + "/" + o.today(), "/merchants", "/merchants/" + string(o.mine.ID), "/wallets", "/wallets/081211111111",
		"/ledger", "/ledger/" + o.mine.paid.TransferID, "/audit", "/users", "/trail"} {
		b.get(path).want(t, 200)
	}
}

func (o *office) today() string {
	return o.clock.Now().Add(gateway.DayAhead).UTC().Format("2006-01-02")
}
