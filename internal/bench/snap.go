package bench

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

const contentJSON = "application/json"

// snapPayer charges under bindings: a RECURRING payment of the SNAP direct debit.
type snapPayer struct {
	*scene
	*conn
	b2b      []string // by merchant
	customer []string // by holder
}

// snapPayers fetches a token for each merchant and each customer first, as
// merchants do: they live longer than any load.
func (s *scene) snapPayers(ctx context.Context, clients int) ([]payer, error) {
	b2b := make([]string, len(s.merchants))
	used := map[bool][]int{false: {0}, true: numbers(1, len(s.merchants))}[s.spread]
	if err := s.each(ctx, len(used), func(c *conn, i int) (err error) {
		b2b[used[i]], err = s.snapToken(c, used[i], snap.PathTokenB2B, snap.TokenB2BRequest{GrantType: snap.GrantClientCredentials})
		return err
	}); err != nil {
		return nil, err
	}
	customer := make([]string, len(s.holders))
	if err := s.each(ctx, len(s.holders), func(c *conn, i int) (err error) {
		binding := s.holders[i].hot
		if s.spread {
			binding = s.holders[i].spread
		}
		customer[i], err = s.snapToken(c, s.merchantOf(i), snap.PathTokenB2B2C, snap.TokenB2B2CRequest{
			GrantType: snap.GrantAuthorizationCode, AuthCode: binding.AuthCode,
		})
		return err
	}); err != nil {
		return nil, err
	}
	var payers []payer
	for range clients {
		c := s.newConn()
		payers = append(payers, &snapPayer{s, c, b2b, customer})
	}
	return payers, nil
}

func numbers(from, to int) (all []int) {
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

func (s *scene) snapToken(c *conn, merchant int, path string, request any) (string, error) {
	client := s.merchants[merchant].DOKU.ClientID
	timestamp := snap.FormatTime(now())
	signature, err := snap.SignAsymmetric(s.key, client, timestamp)
	if err != nil {
		return "", err
	}
	status, answer, err := c.post(path, contentJSON, []header{
		{snap.HeaderClientKey, client}, {snap.HeaderTimestamp, timestamp}, {snap.HeaderSignature, signature},
	}, encode(request))
	if err != nil {
		return "", err
	}
	token := text(answer, "accessToken")
	if token == "" {
		return "", fmt.Errorf("no token: HTTP %d %s", status, answer)
	}
	return token, nil
}

func (p *snapPayer) pay() string {
	o := p.next()
	amount := money.Amount(o.amount())
	body := encode(snap.PaymentRequest{
		PartnerReferenceNo: o.reference, FeeType: "OUR", Amount: snap.NewMoney(amount),
		PayOptionDetails: []snap.PayOptionDetail{{PayMethod: snap.PurseCash, TransAmount: snap.NewMoney(amount), FeeAmount: snap.NewMoney(0)}},
		AdditionalInfo:   snap.PaymentInfo{Channel: snap.Channel, Remarks: "monthly subscription", PaymentType: snap.PaymentRecurring},
	})
	token := p.b2b[p.merchantOf(o.holder)]
	timestamp := snap.FormatTime(now())
	status, answer, err := p.post(snap.PathPayment, contentJSON, []header{
		{snap.HeaderPartnerID, o.merchant.DOKU.ClientID},
		{snap.HeaderExternalID, o.reference},
		{snap.HeaderTimestamp, timestamp},
		{snap.HeaderAuthorization, "Bearer " + token},
		{snap.HeaderCustomer, "Bearer " + p.customer[o.holder]},
		{snap.HeaderSignature, snap.SignSymmetric(o.merchant.DOKU.SecretKey, http.MethodPost, snap.PathPayment, token, body, timestamp)},
	}, body)
	if err != nil {
		return transport(err)
	}
	if code := text(answer, "responseCode"); status != http.StatusOK || code != snap.Code(200, snap.ServicePayment, "00") {
		return unexpected(status, code)
	}
	return ""
}
