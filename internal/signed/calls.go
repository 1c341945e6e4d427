package signed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Call is one call that a merchant can make.
type Call struct {
	Name    string
	Does    string
	Dialect string
	Needs   []Need

	target     string
	asymmetric bool // SNAP: signed with RSA
	customer   bool // SNAP: acts for a customer
	checkSum   bool // Jokul: signed inside the body
	get        bool // Jokul: has no body
	service    faspay.Service
	message    func(Keys, Values) any
}

// Need is a value that cannot be made up.
type Need struct {
	words   string
	missing func(Values) bool
}

var (
	needToken    = Need{"a B2B token: sign and send snap-token first", func(v Values) bool { return v.Token == "" }}
	needCustomer = Need{"a customer token: sign and send snap-customer-token, or jokul-tokens, first", func(v Values) bool { return v.CustomerToken == "" }}
	needCode     = Need{"the auth code of a finished binding, which snap-binding answered and the page ended with", func(v Values) bool { return v.AuthCode == "" }}
	needOriginal = Need{"the Request-Id of the payment, or its trx_id at Faspay", func(v Values) bool { return v.OriginalID == "" }}
)

// FindCall finds a call by its name.
func FindCall(name string) (Call, bool) {
	for _, c := range Calls {
		if c.Name == name {
			return c, true
		}
	}
	return Call{}, false
}

// CallAt finds the call that a path belongs to. Where the path says less than the
// name, it is the first.
func CallAt(path string) (Call, bool) {
	for _, c := range Calls {
		if c.Dialect != Faspay && (c.target == path || c.get && len(path) > len(c.target) && path[:len(c.target)] == c.target) {
			return c, true
		}
	}
	if route, ok := faspay.DefaultPaths().Find(path); ok {
		for _, c := range Calls {
			if c.Dialect == Faspay && c.service == route.Service {
				return c, true
			}
		}
	}
	return Call{}, false
}

func (c Call) path(v Values) string {
	switch {
	case c.Dialect == Faspay:
		return faspay.DefaultPaths().Path(c.service, v.Format)
	case c.get:
		return jokul.StatusPath(v.Reference)
	}
	return c.target
}

func (c Call) body(keys Keys, v Values) ([]byte, error) {
	if c.Dialect == Faspay {
		return faspay.Encode(v.Format, c.message(keys, v))
	}
	return wire.Encode(c.message(keys, v))
}

// Calls are all calls of all protocols, with examples whose values the sandbox takes.
var Calls = []Call{
	{Name: "snap-token", Does: "B2B token", Dialect: SNAP, target: snap.PathTokenB2B, asymmetric: true,
		message: func(Keys, Values) any { return snap.TokenB2BRequest{GrantType: snap.GrantClientCredentials} }},
	{Name: "snap-customer-token", Does: "token of a customer (B2B2C)", Dialect: SNAP, target: snap.PathTokenB2B2C, asymmetric: true, Needs: []Need{needCode},
		message: func(_ Keys, v Values) any {
			return snap.TokenB2B2CRequest{GrantType: snap.GrantAuthorizationCode, AuthCode: v.AuthCode}
		}},
	{Name: "snap-binding", Does: "account binding", Dialect: SNAP, target: snap.PathBinding, Needs: []Need{needToken},
		message: func(_ Keys, v Values) any {
			return snap.BindingRequest{PhoneNo: international(v.Phone), AdditionalInfo: snap.BindingInfo{
				Channel: snap.Channel, CustIDMerchant: v.CustomerID, SuccessRegistrationURL: v.ReturnURL + "?bound", FailedRegistrationURL: v.ReturnURL + "?not-bound",
			}}
		}},
	{Name: "snap-balance", Does: "balance inquiry", Dialect: SNAP, target: snap.PathBalance, customer: true, Needs: []Need{needToken, needCustomer},
		message: func(Keys, Values) any {
			return snap.BalanceRequest{AdditionalInfo: snap.ChannelInfo{Channel: snap.Channel}}
		}},
	{Name: "snap-payment", Does: "payment, RECURRING or SALE", Dialect: SNAP, target: snap.PathPayment, customer: true, Needs: []Need{needToken, needCustomer},
		message: func(_ Keys, v Values) any {
			return snap.PaymentRequest{PartnerReferenceNo: v.Reference, Amount: snap.NewMoney(v.Amount), AdditionalInfo: snap.PaymentInfo{
				Channel: snap.Channel, PaymentType: v.PaymentType, SuccessPaymentURL: v.ReturnURL + "?paid", FailedPaymentURL: v.ReturnURL + "?not-paid",
			}}
		}},
	{Name: "snap-status", Does: "status of a payment", Dialect: SNAP, target: snap.PathStatus, Needs: []Need{needToken},
		message: func(_ Keys, v Values) any {
			return snap.StatusRequest{OriginalPartnerReferenceNo: v.Reference, ServiceCode: string(snap.ServiceStatus)}
		}},
	{Name: "snap-refund", Does: "refund", Dialect: SNAP, target: snap.PathRefund, Needs: []Need{needToken},
		message: func(_ Keys, v Values) any {
			return snap.RefundRequest{
				OriginalPartnerReferenceNo: v.Reference, PartnerRefundNo: v.Refund, RefundAmount: snap.NewMoney(v.Amount),
				AdditionalInfo: snap.ChannelInfo{Channel: snap.Channel},
			}
		}},
	{Name: "snap-unbinding", Does: "account unbinding", Dialect: SNAP, target: snap.PathUnbinding, Needs: []Need{needToken, needCustomer},
		message: func(_ Keys, v Values) any {
			return snap.UnbindingRequest{TokenID: v.CustomerToken, AdditionalInfo: snap.ChannelInfo{Channel: snap.Channel}}
		}},

	{Name: "jokul-binding", Does: "binding", Dialect: Jokul, target: jokul.PathBinding,
		message: func(_ Keys, v Values) any {
			return jokul.BindingRequest{Customer: v.customer(), ServiceType: jokul.ServiceRecurring, OVOAccount: jokul.BindingAccount{
				AccountMobilePhone: v.Phone, SuccessRegistrationURL: v.ReturnURL + "?bound", FailedRegistrationURL: v.ReturnURL + "?not-bound",
			}}
		}},
	{Name: "jokul-tokens", Does: "list of tokens", Dialect: Jokul, target: jokul.PathTokens,
		message: func(_ Keys, v Values) any { return jokul.TokensRequest{Customer: jokul.CustomerRef{ID: v.CustomerID}} }},
	{Name: "jokul-balance", Does: "balance", Dialect: Jokul, target: jokul.PathBalance, Needs: []Need{needCustomer},
		message: func(_ Keys, v Values) any {
			return jokul.BalanceRequest{Customer: jokul.CustomerRef{ID: v.CustomerID}, OVOAccount: jokul.TokenRef{TokenID: v.CustomerToken}}
		}},
	{Name: "jokul-recurring", Does: "recurring payment", Dialect: Jokul, target: jokul.PathRecurringPayment, Needs: []Need{needCustomer},
		message: func(_ Keys, v Values) any {
			return jokul.RecurringPaymentRequest{Customer: v.customer(), Order: v.order(), OVOAccount: jokul.RecurringAccount{TokenID: v.CustomerToken}}
		}},
	{Name: "jokul-payment", Does: "one-time payment, confirmed on a page", Dialect: Jokul, target: jokul.PathPayment, Needs: []Need{needCustomer},
		message: func(_ Keys, v Values) any {
			return jokul.PaymentRequest{Customer: v.customer(), Order: v.order(), OVOAccount: jokul.PaymentAccount{
				TokenID: v.CustomerToken, SuccessPaymentURL: v.ReturnURL + "?paid", FailedPaymentURL: v.ReturnURL + "?not-paid",
			}}
		}},
	{Name: "jokul-status", Does: "check status", Dialect: Jokul, target: jokul.PathStatus, get: true},
	{Name: "jokul-refund", Does: "refund", Dialect: Jokul, target: jokul.PathRefund, Needs: []Need{needOriginal},
		message: func(_ Keys, v Values) any {
			return jokul.RefundRequest{
				Order: jokul.InvoiceRef{InvoiceNumber: v.Reference}, Payment: jokul.RequestRef{OriginalRequestID: v.OriginalID},
				Refund: jokul.RefundPart{Amount: jokul.Number(v.Amount)},
			}
		}},
	{Name: "jokul-unbinding", Does: "unbinding", Dialect: Jokul, target: jokul.PathUnbinding, Needs: []Need{needCustomer},
		message: func(_ Keys, v Values) any {
			return jokul.UnbindingRequest{Customer: jokul.NamedCustomer{ID: v.CustomerID, Name: "Anton Budiman"}, OVOAccount: jokul.TokenRef{TokenID: v.CustomerToken}}
		}},
	{Name: "push", Does: "push payment: the answer waits for the customer", Dialect: Jokul, target: jokul.PathPush, checkSum: true,
		message: func(k Keys, v Values) any {
			return jokul.PushRequest{
				Client: jokul.ClientRef{ID: k.ClientID}, Order: jokul.OrderTotal{InvoiceNumber: v.Reference, Amount: jokul.Number(v.Amount)},
				OVOInfo: jokul.OVOID{OVOID: v.Phone},
			}
		}},

	{Name: "faspay-activation", Does: "link a wallet", Dialect: Faspay, service: faspay.ServiceActivation,
		message: func(k Keys, v Values) any {
			return faspay.ActivationRequest{MerchantID: k.MerchantID, PaymentChannel: faspay.Channel, PhoneNo: v.Phone, CustName: "Anton Budiman"}
		}},
	{Name: "faspay-payment", Does: "payment, confirmed on a page", Dialect: Faspay, service: faspay.ServicePayment,
		message: func(k Keys, v Values) any {
			return faspay.PaymentRequest{
				MerchantID: k.MerchantID, BillNo: v.Reference, BillDesc: "Order " + v.Reference, BillTotal: faspay.FormatAmount(v.Amount, v.AmountScale), BillCurrency: faspay.Currency,
				PaymentChannel: faspay.Channel, PhoneNo: v.Phone, CustName: "Anton Budiman", Email: "anton@example.com", PayType: faspay.PayCash,
			}
		}},
	{Name: "faspay-topup", Does: "how the customer can top up", Dialect: Faspay, service: faspay.ServiceTopUp,
		message: func(k Keys, v Values) any {
			return faspay.TopUpRequest{MerchantID: k.MerchantID, Merchant: "Toko Sandbox", PhoneNo: v.Phone, PaymentChannel: faspay.Channel}
		}},
	{Name: "faspay-balance", Does: "balance", Dialect: Faspay, service: faspay.ServiceBalance,
		message: func(k Keys, v Values) any {
			return faspay.BalanceRequest{MerchantID: k.MerchantID, PaymentChannel: faspay.Channel, PhoneNo: v.Phone}
		}},
	{Name: "faspay-history", Does: "the customer's payments of the last 30 days", Dialect: Faspay, service: faspay.ServiceHistory,
		message: func(k Keys, v Values) any {
			return faspay.HistoryRequest{
				MerchantID: k.MerchantID, Merchant: "Toko Sandbox", PhoneNo: v.Phone, PaymentChannel: faspay.Channel,
				StartDate: wire.Day(v.At.Add(-30 * 24 * time.Hour)), EndDate: wire.Day(v.At), Page: "1", Limit: "10",
			}
		}},
	{Name: "faspay-unlink", Does: "end a link", Dialect: Faspay, service: faspay.ServiceUnlink,
		message: func(k Keys, v Values) any {
			return faspay.UnlinkRequest{MerchantID: k.MerchantID, Merchant: "Toko Sandbox", PhoneNo: v.Phone, PaymentChannel: faspay.Channel}
		}},
	{Name: "faspay-inquiry", Does: "state of a payment", Dialect: Faspay, service: faspay.ServiceInquiry, Needs: []Need{needOriginal},
		message: func(k Keys, v Values) any {
			return faspay.InquiryRequest{TrxID: v.OriginalID, MerchantID: k.MerchantID, BillNo: v.Reference}
		}},
	{Name: "faspay-cancel", Does: "withdraw a payment that is not paid yet", Dialect: Faspay, service: faspay.ServiceCancel, Needs: []Need{needOriginal},
		message: func(k Keys, v Values) any {
			return faspay.CancelRequest{TrxID: v.OriginalID, MerchantID: k.MerchantID, BillNo: v.Reference, PaymentCancel: "The customer changed their mind"}
		}},
}

func (v Values) customer() jokul.Customer {
	return jokul.Customer{ID: v.CustomerID, Name: "Anton Budiman"}
}

// international spells a phone as SNAP demands: with the country code, without a plus.
func international(phone string) string {
	phone = strings.TrimPrefix(phone, "+")
	if local, ok := strings.CutPrefix(phone, "0"); ok {
		return "62" + local
	}
	return phone
}

func (v Values) order() jokul.Order {
	return jokul.Order{
		InvoiceNumber: v.Reference, Amount: jokul.Number(v.Amount),
		LineItems: []jokul.LineItem{{Name: "Order " + v.Reference, Price: json.Number(fmt.Sprint(v.Amount)), Quantity: "1"}},
	}
}

// SignsToken tells whether the call is signed with the merchant's private key.
func (c Call) SignsToken() bool { return c.asymmetric }

// UsesToken tells whether the call needs a B2B token.
func (c Call) UsesToken() bool { return c.Dialect == SNAP && !c.asymmetric }

// Method is the call's HTTP method.
func (c Call) Method() string {
	if c.get {
		return http.MethodGet
	}
	return http.MethodPost
}
