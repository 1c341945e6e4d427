package snap

import (
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

func TestEveryGatewayCodeHasAnAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range gateway.Codes() {
		row, ok := codes[c]
		if !ok {
			t.Errorf("%q has no answer", c)
			continue
		}
		if row.status < 400 || row.status > 599 || len(row.caseCode) != 2 || row.message == "" {
			t.Errorf("%q is answered %+v", c, row)
		}
	}
}

func TestEveryServiceHasAnEndpoint(t *testing.T) {
	t.Parallel()
	for _, route := range snap.Routes {
		if endpoints[route.Service] == nil {
			t.Errorf("%s of service %s has no endpoint", route.Path, route.Service)
		}
	}
}
