package ovo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
)

// Faspay's hosts for [FaspayConfig.BaseURL]. Its guide prints the first; the second
// is that of published clients, for Faspay shows its own to merchants only.
const (
	FaspaySandbox    = "https://debit-sandbox.faspay.co.id"
	FaspayProduction = "https://debit.faspay.co.id"
)

// FaspayFormat is one of the two encodings of every message. They mean the same.
type FaspayFormat string

const (
	FaspayJSON FaspayFormat = FaspayFormat(faspay.JSON)
	FaspayXML  FaspayFormat = FaspayFormat(faspay.XML)
)

// FaspayConfig says who the merchant is and where the gateway is.
type FaspayConfig struct {
	// BaseURL is scheme and host, without a path: [FaspayProduction], [FaspaySandbox],
	// or a Gerbang server. Signatures of this API can be used again by anybody who has
	// seen one, so plain http is for local use only.
	BaseURL string
	// MerchantID is the merchant's code at Faspay ("BOI"), up to 5 digits.
	MerchantID string
	// MerchantName is the shop's, up to 128 characters. Some calls must name it.
	MerchantName string
	// UserID and Password are those of the API, which come with the code. They are
	// never sent.
	UserID   string
	Password string
	// Format is the encoding to speak; empty stands for FaspayJSON.
	Format FaspayFormat
	// AmountScale is how many units of the API's amounts make one rupiah: 1, or 100 for
	// a merchant whose amounts have two more digits. Sources disagree; ask Faspay. 0
	// stands for 1. Amounts in this package are rupiah in any case.
	AmountScale int
	// Paths is for a gateway whose paths are others than the zero value stands for.
	Paths FaspayPaths
	// HTTPClient sends the requests; nil stands for one that gives up after 30
	// seconds. Redirects are never followed, whatever it says.
	HTTPClient *http.Client
}

// FaspayPaths says where the services are. What is empty has its default.
type FaspayPaths struct {
	// JSON and XML are the path patterns of the two encodings, with {service} in the
	// place of a service's number. Default: "/cvr/{service}/10" and
	// "/pws/{service}/183xx00010100000/", which are the documented ones.
	JSON string
	XML  string
	// The numbers of the services. Documented are Activate (100037), Inquire (100004)
	// and Cancel (100005). Faspay publishes no others: the defaults of Pay (100038),
	// TopUp (100039), Balance (100040), History (100041) and Unlink (100042) are those
	// of Gerbang, and Faspay will name its own.
	Activate string
	Pay      string
	TopUp    string
	Balance  string
	History  string
	Unlink   string
	Inquire  string
	Cancel   string
}

func (p FaspayPaths) wire() (faspay.Paths, error) {
	all := faspay.DefaultPaths()
	for service, number := range map[faspay.Service]string{
		faspay.ServiceActivation: p.Activate, faspay.ServicePayment: p.Pay, faspay.ServiceTopUp: p.TopUp, faspay.ServiceBalance: p.Balance,
		faspay.ServiceHistory: p.History, faspay.ServiceUnlink: p.Unlink, faspay.ServiceInquiry: p.Inquire, faspay.ServiceCancel: p.Cancel,
	} {
		if number != "" {
			all.Numbers[service] = number
		}
	}
	all.JSON = []string{either(p.JSON, all.JSON[0])}
	all.XML = []string{either(p.XML, all.XML[0])}
	return all, all.Check()
}

// FaspayClient calls Faspay's OVO Tokenize for one merchant. It may be used by many
// goroutines at once.
//
// Nothing in this API is signed by the gateway but notifications, and those only in
// part: what an answer says is as true as the TLS connection.
type FaspayClient struct {
	host     host
	paths    faspay.Paths
	format   faspay.Format
	scale    int
	merchant faspayMerchant
	name     string
}

// Faspay makes a client. It sends nothing; its error is a mistake in c.
func Faspay(c FaspayConfig) (*FaspayClient, error) {
	client, err := newFaspayClient(c)
	if err != nil {
		return nil, fmt.Errorf("ovo: %w", err)
	}
	return client, nil
}

func newFaspayClient(c FaspayConfig) (*FaspayClient, error) {
	to, err := newHost(c.BaseURL, c.HTTPClient, timeout)
	if err != nil {
		return nil, err
	}
	merchant := faspayMerchant{c.MerchantID, c.UserID, c.Password}
	if err := merchant.check(); err != nil {
		return nil, err
	}
	var v check
	v.printable("MerchantName", c.MerchantName, maxFaspayName)
	if v.err != nil {
		return nil, v.err
	}
	format := faspay.Format(c.Format)
	switch format {
	case "":
		format = faspay.JSON
	case faspay.JSON, faspay.XML:
	default:
		return nil, fmt.Errorf("the config's Format is %q, want FaspayJSON or FaspayXML", c.Format)
	}
	scale, err := faspayScale(c.AmountScale)
	if err != nil {
		return nil, err
	}
	paths, err := c.Paths.wire()
	if err != nil {
		return nil, fmt.Errorf("the config's Paths: %w", err)
	}
	return &FaspayClient{host: to, paths: paths, format: format, scale: scale, merchant: merchant, name: c.MerchantName}, nil
}

// faspayMerchant is who signs and checks signatures.
type faspayMerchant struct {
	id       string
	userID   string
	password string
}

func (m faspayMerchant) check() error {
	switch {
	case m.id == "" || len(m.id) > maxFaspayMerchant || strings.Trim(m.id, "0123456789") != "":
		return fmt.Errorf("MerchantID must have up to %d digits and nothing else", maxFaspayMerchant)
	case m.userID == "":
		return errors.New("UserID is missing")
	case m.password == "":
		return errors.New("the config's Password is missing")
	}
	return nil
}

// genuine tells whether the gateway has signed text, as far as anybody can tell who
// has not seen the same signature before.
func (m faspayMerchant) genuine(text, signature string) bool {
	return faspay.Verify(m.userID, m.password, text, signature).OK
}

func faspayScale(scale int) (int, error) {
	switch scale {
	case 0:
		return faspay.ScaleRupiah, nil
	case faspay.ScaleRupiah, faspay.ScaleSen:
		return scale, nil
	}
	return 0, fmt.Errorf("AmountScale is %d, want %d or %d", scale, faspay.ScaleRupiah, faspay.ScaleSen)
}

// Bounds in characters. See package wire/faspay about their sources.
const (
	maxFaspayMerchant = 5
	maxFaspayName     = 128
	maxFaspayBill     = 32
	maxFaspayDesc     = 128
	maxFaspayEmail    = 128
	maxFaspayTrx      = 18
	maxFaspayReason   = 50
	minFaspayPhone    = 9
)

// local turns 08…, 62… and +62… into 08…, the form that Faspay's samples have. What
// is sent is also what is signed.
func (v *check) local(phone string) string {
	number := "0" + strings.TrimPrefix(v.phone(phone), "62")
	if len(number) < minFaspayPhone {
		v.fail(ErrInvalidRequest, "Phone has %d digits, at least %d are needed", len(number), minFaspayPhone)
	}
	return number
}

func (v *check) bill(billNo string) {
	v.text("BillNo", billNo, maxFaspayBill)
	if strings.Trim(billNo, lettersAndDigits+"._/-") != "" {
		v.fail(ErrInvalidRequest, "BillNo must consist of letters, digits and . _ / -")
	}
}

func (v *check) trx(trxID string) {
	v.text("TrxID", trxID, maxFaspayTrx)
	if strings.Trim(trxID, lettersAndDigits) != "" {
		v.fail(ErrInvalidRequest, "TrxID must consist of letters and digits")
	}
}

const lettersAndDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// faspayCall is one call and how its answer is to be understood.
type faspayCall struct {
	service faspay.Service
	body    any
	read    bool // has no effect, so that it may be repeated
	charge  bool // decides about money: ErrOutcomeUnknown unless the gateway surely refused
}

func (c *FaspayClient) do(ctx context.Context, k faspayCall, answer any) error {
	body, err := faspay.Encode(c.format, k.body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidRequest, err)
	}
	path := c.paths.Path(k.service, c.format)
	var repeats repeats
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h := http.Header{}
		h.Set("Content-Type", c.format.ContentType())
		reply, trip, err := c.host.exchange(ctx, http.MethodPost, path, h, body)
		switch {
		case err == nil:
		case k.read && repeats.again(ctx, trip, err):
			continue
		case k.charge && trip.sent:
			return unknown(fmt.Errorf("%w: %w", ErrUnavailable, err))
		default:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		err = c.open(k, reply, answer)
		if k.read && nobodyThere(err) && repeats.again(ctx, answered, err) {
			continue
		}
		var refusal *Error
		if err != nil && k.charge && !(errors.As(err, &refusal) && refusal.decided()) {
			err = unknown(err)
		}
		return err
	}
}

// open reads a success into answer. Everything else is an [*Error]. Business errors
// come with HTTP 200 too, so the response_code decides, and the status only where
// the two contradict each other.
func (c *FaspayClient) open(k faspayCall, r reply, answer any) error {
	var head struct {
		Code string `json:"response_code"`
		Desc string `json:"response_desc"`
		URL  string `json:"url"`
	}
	err := faspay.ReadAnswer(c.format, r.body, &head)
	var early *faspay.Error // a refusal before the service was reached
	if errors.As(err, &early) {
		head.Code, head.Desc = early.Code, early.Desc
	}
	if len(head.Code) == 1 { // a number, which has lost its zero
		head.Code = "0" + head.Code
	}
	switch {
	case head.Code != "" && head.Code != faspay.CodeSuccess:
		return faspayRefusal(k.service, r.status, head.Code, head.Desc, head.URL)
	case r.status/100 != 2:
		return &Error{Status: r.status}
	case err != nil:
		return unreadable("%v", err)
	case head.Code == "":
		return unreadable("no response_code")
	}
	if err := faspay.ReadAnswer(c.format, r.body, answer); err != nil {
		return unreadable("%v", err)
	}
	return nil
}

// faspayKinds maps response_code to its meaning. Some of these codes are also OVO's
// own in a push payment and mean something else there.
var faspayKinds = map[string]error{
	faspay.CodeFailed:          ErrRefused, // the description says why
	faspay.CodeRenew:           ErrRenewLink,
	faspay.CodeInvalidMerchant: ErrUnauthorized,
	faspay.CodeInvalidAmount:   ErrInvalidAmount,
	faspay.CodeInvalidOrder:    ErrNotFound,
	faspay.CodeCancelled:       ErrRefused,
	faspay.CodeInvalidCustomer: ErrWalletUnavailable,
	faspay.CodeSubscriptionEnd: ErrRefused,
	faspay.CodeFormat:          ErrInvalidRequest,
	faspay.CodeNotSupported:    ErrInvalidRequest,
	faspay.CodeOrderExpired:    ErrRefused,
	faspay.CodeCredentials:     ErrUnauthorized,
	faspay.CodeAddress:         ErrUnauthorized, // two pages of the provider swap it with the next
	faspay.CodeInactive:        ErrUnauthorized,
	faspay.CodeInternal:        ErrUnavailable,
	faspay.CodeReversed:        ErrRefused,
	faspay.CodeAlreadyPaid:     ErrDuplicate,
	faspay.CodeUnregistered:    ErrUnauthorized,
	faspay.CodeMissing:         ErrInvalidRequest,
	faspay.CodeUnknownFields:   ErrInvalidRequest,
	faspay.CodeTooFewFields:    ErrInvalidRequest,
	faspay.CodeMalfunction:     ErrUnavailable,
}

func faspayRefusal(s faspay.Service, status int, code, desc, url string) *Error {
	e := &Error{Code: code, Message: desc, Status: status}
	kind, known := faspayKinds[code]
	switch {
	case status/100 == 5:
		kind = ErrUnavailable
	case !known:
		kind = ErrRefused
	case kind == ErrDuplicate && s != faspay.ServicePayment: // too late to cancel
		kind = ErrRefused
	case code == faspay.CodeFailed && s == faspay.ServicePayment && saysPaid(desc):
		kind = ErrDuplicate
	case kind == ErrRenewLink:
		e.RenewURL = url
	}
	e.means = kind
	return e
}

// saysPaid reads the description of a payment's 01, which has no code of its own for
// an order that is paid already. Taking that for a payment that failed invites a
// second charge, so a text is looked at here.
func saysPaid(desc string) bool {
	desc = strings.ToLower(desc)
	return strings.Contains(desc, "already") && strings.Contains(desc, "paid") || strings.Contains(desc, "sudah dibayar")
}

// decided tells whether e says that surely nothing was done.
func (e *Error) decided() bool {
	return e.Code != "" && e.Status/100 != 5 && e.kind() != ErrUnavailable
}
