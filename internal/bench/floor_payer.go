package bench

import (
	"context"
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/bench/floor"
)

// Floor is the dialect of package floor, which is measured beside the gateway.
const Floor = "floor"

// floorPayer calls the smallest honest endpoint.
type floorPayer struct {
	*scene
	*conn
}

func (s *scene) floorPayers(_ context.Context, clients int) (payers []payer, err error) {
	for range clients {
		c := s.newConn()
		payers = append(payers, &floorPayer{s, c})
	}
	return payers, nil
}

// floorNote makes the body about as long as a payment's of a protocol.
const floorNote = "monthly subscription, charged under the consent that the customer gave when the wallet was bound to the shop, " +
	"for the month that began with the day of this charge and ends before the same day of the next month, as agreed; thank you for staying with us"

func (p *floorPayer) pay() string {
	o := p.next()
	body := encode(floor.Request{
		Merchant: int64(p.merchantOf(o.holder)), Order: o.reference, Wallet: int64(o.holder%floor.Wallets) + 1, Amount: o.amount(), Note: floorNote,
	})
	status, answer, err := p.post(floor.Path, contentJSON, []header{{floor.Signature, floor.Sign(body)}}, body)
	if err != nil {
		return transport(err)
	}
	if status != http.StatusOK || text(answer, "status") != floor.Paid {
		return unexpected(status, "")
	}
	return ""
}
