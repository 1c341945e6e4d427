package snap

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

const successful = "Successful"

func (c *call) tokenB2B() (any, error) {
	if _, err := snap.DecodeTokenB2B(c.doc); err != nil {
		return nil, err
	}
	token, err := snap.Mint(c.Keys().Sign, snap.Claims{ClientID: c.merchant.DOKU.ClientID, Expires: c.Clock.Now().Add(B2BTokenLife)})
	if err != nil {
		return nil, err
	}
	return snap.TokenB2BAnswer{
		ResponseCode: snap.Code(200, c.service, "00"), ResponseMessage: successful,
		AccessToken: token, TokenType: snap.TokenBearer, ExpiresIn: int(B2BTokenLife.Seconds()),
	}, nil
}

func (c *call) tokenB2B2C() (any, error) {
	in, err := snap.DecodeTokenB2B2C(c.doc)
	if err != nil {
		return nil, err
	}
	var grant gateway.Grant
	if in.GrantType == snap.GrantAuthorizationCode {
		grant, err = c.Gateway.GrantByAuthCode(c.ctx, c.merchant.ID, in.AuthCode)
	} else {
		claims, parseErr := c.parseToken(in.RefreshToken)
		if parseErr != nil || claims.ClientID != c.merchant.DOKU.ClientID || claims.Use != snap.UseRefresh || !c.Clock.Now().Before(claims.Expires) {
			return nil, unauthorized("refreshToken", "the refresh token was not issued to this client, or has expired")
		}
		grant, err = c.Gateway.GrantByBinding(c.ctx, c.merchant.ID, bindingID(claims.AccountID))
	}
	if err != nil {
		return nil, err
	}
	access, err := c.mintCustomerToken(c.merchant, grant.Binding)
	if err != nil {
		return nil, err
	}
	refresh, err := snap.Mint(c.Keys().Sign, snap.Claims{
		ClientID: c.merchant.DOKU.ClientID, AccountID: accountID(grant.Binding.ID), Use: snap.UseRefresh, Expires: grant.RefreshExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return snap.TokenB2B2CAnswer{
		ResponseCode: snap.Code(200, c.service, "00"), ResponseMessage: successful,
		AccessToken: access, TokenType: snap.TokenBearer, AccessTokenExpiryTime: snap.FormatTime(grant.ExpiresAt),
		RefreshToken: refresh, RefreshTokenExpiryTime: snap.FormatTime(grant.RefreshExpiresAt),
	}, nil
}

// mintCustomerToken makes the newest customer token of a binding. The same
// binding and expiry always give the same token, so none has to be stored.
func (h *Handler) mintCustomerToken(m gateway.Merchant, b gateway.Binding) (string, error) {
	return snap.Mint(h.Keys().Sign, snap.Claims{ClientID: m.DOKU.ClientID, AccountID: accountID(b.ID), Expires: b.TokenExpiresAt})
}

func (c *call) binding() (any, error) {
	in, err := snap.DecodeBinding(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	phone, ok := gateway.ParsePhone(in.Phone)
	if !ok {
		return nil, c.refuse(malformedField("phoneNo", "this is no Indonesian mobile number"))
	}
	b, page, err := c.Gateway.StartBinding(c.ctx, gateway.StartBinding{
		Claim: c.claim, Merchant: c.merchant.ID, Phone: phone, CustomerID: in.CustomerID, Dialect: Dialect, RequestID: c.requestID(),
		Return: gateway.ReturnURLs{Success: in.SuccessURL, Failure: in.FailureURL},
	})
	if err != nil {
		return nil, err
	}
	return snap.BindingAnswer{
		ResponseCode: snap.Code(200, c.service, "00"), ResponseMessage: successful,
		ReferenceNo: digits12(string(b.ID)), RedirectURL: c.PageURL(page),
		AdditionalInfo: snap.BindingAnswerInfo{
			CustIDMerchant: b.CustomerID, AccountStatus: snap.BindingPending, Status: snap.BindingPending, AuthCode: b.AuthCode,
		},
	}, nil
}

func (c *call) balance() (any, error) {
	if _, err := snap.DecodeBalance(c.doc); err != nil {
		return nil, c.refuse(err)
	}
	binding, err := c.customer()
	if err != nil {
		return nil, c.refuse(err)
	}
	if err := c.Gateway.ClaimRequest(c.ctx, c.claim); err != nil {
		return nil, err
	}
	w, err := c.Gateway.Balance(c.ctx, c.merchant.ID, binding)
	if err != nil {
		return nil, err
	}
	nothing := snap.NewMoney(0)
	purse := func(name string, has snap.Money) snap.AccountInfo {
		return snap.AccountInfo{BalanceType: name, Amount: has, FlatAmount: nothing, HoldAmount: nothing, AvailableBalance: has}
	}
	return snap.BalanceAnswer{
		ResponseCode: snap.Code(200, c.service, "00"), ResponseMessage: successful,
		AccountInfos: []snap.AccountInfo{
			purse(snap.PurseCash, snap.NewMoney(w.Balance.Cash)),
			purse(snap.PursePoints, snap.NewMoney(w.Balance.Points)),
		},
	}, nil
}

// details is what the notification of a payment gives back to the merchant.
type details struct {
	Type       string          `json:"type"`
	SuccessURL string          `json:"success_url,omitempty"`
	FailureURL string          `json:"failure_url,omitempty"`
	LineItems  []snap.LineItem `json:"line_items,omitempty"`
}

func (c *call) payment() (any, error) {
	in, err := snap.DecodePayment(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	binding, err := c.customer()
	if err != nil {
		return nil, c.refuse(err)
	}
	order := gateway.CreatePayment{
		Claim: c.claim, Merchant: c.merchant.ID, Binding: binding, Channel: gateway.SNAPSale, Dialect: Dialect,
		Reference: in.Reference, RequestID: c.requestID(), Amount: in.Amount, Use: ledger.UseCash,
		NotifyURL: c.overrideURL(in.NotificationURL),
		Return:    gateway.ReturnURLs{Success: in.SuccessURL, Failure: in.FailureURL},
	}
	if in.Type == snap.PaymentRecurring {
		order.Channel = gateway.SNAPRecurring
	}
	if in.Options != nil {
		order.Use = ledger.UseExact
		for _, option := range in.Options {
			if option.Purse == snap.PursePoints {
				order.Split.Points += option.Amount
			} else {
				order.Split.Cash += option.Amount
			}
		}
	}
	order.Fingerprint = fingerprint(order)
	echo, err := json.Marshal(details{in.Type, in.SuccessURL, in.FailureURL, in.LineItems})
	if err != nil {
		return nil, err
	}
	order.Details = string(echo)

	p, page, err := c.Gateway.CreatePayment(c.ctx, order)
	if err != nil {
		return nil, err
	}
	answer := snap.PaymentAnswer{
		ResponseCode: snap.Code(200, c.service, "00"), ResponseMessage: successful,
		PartnerReferenceNo: p.Reference, ReferenceNo: referenceNo(p.ID),
	}
	if p.PageID != "" {
		answer.WebRedirectURL = c.PageURL(page)
	}
	return answer, nil
}

// fingerprint covers what makes two payments with one reference the same: who
// pays how much from which purse, in which way.
func fingerprint(p gateway.CreatePayment) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d|%s|%d|%d", p.Binding, p.Channel, p.Amount, p.Use, p.Split.Cash, p.Split.Points))
	return hex.EncodeToString(sum[:])
}

// overrideURL judges a payment's own notification URL: "" means the configured
// one. The address it leads to is judged when it is dialled.
func (c *call) overrideURL(override string) string {
	if override == "" || !c.StrictOverride {
		return override
	}
	configured, err := url.Parse(c.merchant.DOKU.SNAP.NotificationURL)
	other, otherErr := url.Parse(override)
	if err != nil || otherErr != nil || configured.Host == "" || configured.EscapedPath() != other.EscapedPath() || configured.Scheme != other.Scheme {
		return ""
	}
	return override
}

func (c *call) status() (any, error) {
	in, err := snap.DecodeStatus(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	if err := c.Gateway.ClaimRequest(c.ctx, c.claim); err != nil {
		return nil, err
	}
	query := gateway.PaymentQuery{Dialect: Dialect, Reference: in.Reference, RequestID: in.ExternalID}
	if in.ReferenceNo != "" {
		query.ID = paymentID(in.ReferenceNo)
	}
	s, err := c.Gateway.FindPayment(c.ctx, c.merchant.ID, query)
	if err != nil {
		return nil, err
	}
	p := s.Payment
	if in.Amount != 0 && in.Amount != p.Amount {
		return nil, refused(gateway.AmountInvalid, c.service)
	}
	latest, description := transactionStatus(s)
	answer := snap.StatusAnswer{
		ResponseCode: snap.Code(200, c.service, "00"), ResponseMessage: successful,
		OriginalPartnerReferenceNo: p.Reference, OriginalReferenceNo: referenceNo(p.ID), OriginalExternalID: p.RequestID,
		ServiceCode: string(snap.ServiceStatus), LatestTransactionStatus: latest, TransactionStatusDesc: description,
		OriginalResponseCode: snap.Code(200, snap.ServicePayment, "00"), OriginalResponseMessage: successful,
		RequestID: p.RequestID, TransAmount: snap.NewMoney(p.Amount),
		AdditionalInfo: &snap.StatusAnswerInfo{Channel: snap.Channel, Acquirer: &snap.PartyRef{ID: snap.Acquirer}},
	}
	if p.Reason != gateway.Internal {
		row := codeFor(p.Reason, snap.ServicePayment)
		answer.OriginalResponseCode, answer.OriginalResponseMessage = snap.Code(row.status, snap.ServicePayment, row.caseCode), row.message
	}
	if p.State == gateway.PaymentSucceeded {
		answer.ApprovalCode, answer.PaidTime = digits12(string(p.ID)), snap.FormatTime(p.FinalAt)
	}
	for _, r := range s.Refunds {
		answer.RefundHistory = append(answer.RefundHistory, snap.RefundEntry{
			RefundNo: refundNo(r.ID), PartnerReferenceNo: r.Reference, RefundAmount: snap.NewMoney(r.Amount),
			RefundStatus: snap.TransactionSuccess, RefundDate: snap.FormatTime(r.CreatedAt), Reason: r.Reason,
		})
	}
	return answer, nil
}

func (c *call) refund() (any, error) {
	in, err := snap.DecodeRefund(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	// A customer token is optional here. One of a binding that has ended serves
	// as well: what was paid can be given back after unbinding.
	if c.customerToken() != "" {
		if _, err := c.customer(); err != nil {
			return nil, c.refuse(err)
		}
	}
	r, p, err := c.Gateway.RefundPayment(c.ctx, gateway.RefundPayment{
		Claim: c.claim, Merchant: c.merchant.ID, RequestID: c.requestID(), Reference: in.RefundReference, Amount: in.Amount, Reason: in.Reason,
		Payment: gateway.PaymentQuery{Dialect: Dialect, Reference: in.Reference, RequestID: in.ExternalID},
	})
	if err != nil {
		return nil, err
	}
	return snap.RefundAnswer{
		ResponseCode: snap.Code(200, c.service, "00"), ResponseMessage: successful,
		RefundAmount: snap.NewMoney(r.Amount), OriginalPartnerReferenceNo: p.Reference, OriginalReferenceNo: referenceNo(p.ID),
		RefundNo: refundNo(r.ID), PartnerRefundNo: r.Reference, RefundTime: snap.FormatTime(r.CreatedAt),
	}, nil
}

func (c *call) unbinding() (any, error) {
	in, err := snap.DecodeUnbinding(c.doc)
	if err != nil {
		return nil, c.refuse(err)
	}
	var b gateway.Binding
	if len(in.TokenID) == gateway.PageKeyDigits && strings.Trim(in.TokenID, "0123456789") == "" {
		b, err = c.Gateway.UnbindByAuthCode(c.ctx, c.claim, c.merchant.ID, in.TokenID)
	} else {
		// An expired token still says which binding it was issued for.
		claims, parseErr := c.parseToken(in.TokenID)
		if parseErr != nil || claims.ClientID != c.merchant.DOKU.ClientID || claims.AccountID == "" {
			return nil, c.refuse(errCustomerToken("tokenId is neither a customer token of this client nor an auth code"))
		}
		b, err = c.Gateway.Unbind(c.ctx, c.claim, c.merchant.ID, bindingID(claims.AccountID))
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte("unbinding " + b.ID))
	return snap.UnbindingAnswer{
		ResponseCode: snap.Code(200, c.service, "00"), ResponseMessage: successful, ReferenceNo: hex.EncodeToString(sum[:16]),
	}, nil
}

// refuse ends a call that was admitted but goes no further: its request id is
// used up, and a reused one outweighs the refusal.
func (c *call) refuse(err error) error {
	if claimErr := c.Gateway.ClaimRequest(c.ctx, c.claim); claimErr != nil {
		return claimErr
	}
	return err
}

// Ids of the gateway are a prefix and 32 hex digits; the protocol's own ids of
// the same things are the digits alone.
func accountID(id gateway.BindingID) string      { return strings.TrimPrefix(string(id), "bnd_") }
func bindingID(account string) gateway.BindingID { return gateway.BindingID("bnd_" + account) }
func referenceNo(id gateway.PaymentID) string    { return strings.TrimPrefix(string(id), "pay_") }
func paymentID(reference string) gateway.PaymentID {
	return gateway.PaymentID("pay_" + reference)
}
func refundNo(id gateway.RefundID) string { return strings.TrimPrefix(string(id), "rfd_") }

// digits12 is a number of twelve digits that follows from an id: the protocol's
// approval codes and short reference numbers.
func digits12(id string) string {
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("%012d", binary.BigEndian.Uint64(sum[:8])%1_000_000_000_000)
}
