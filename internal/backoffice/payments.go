package backoffice

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// pageRows is how many rows a page of a list has.
const pageRows = 50

// WIB is the time that people here read.
var wib = time.FixedZone("WIB", int(gateway.DayAhead/time.Second))

func urlEscape(text string) string { return url.QueryEscape(text) }

// filters reads a list's filters from the address. What is malformed chooses
// nothing and is told.
type filters struct {
	query  url.Values
	broken string // the first field that is malformed
}

func (v *visit) filters() *filters { return &filters{query: v.r.URL.Query()} }

func (f *filters) text(name string) string { return strings.TrimSpace(f.query.Get(name)) }

func (f *filters) fail(name string) {
	if f.broken == "" {
		f.broken = name
	}
}

// day reads a WIB day, written 2006-01-02.
func (f *filters) day(name string) time.Time {
	text := f.text(name)
	if text == "" {
		return time.Time{}
	}
	day, err := time.ParseInLocation(time.DateOnly, text, wib)
	if err != nil || day.Year() < 2000 || day.Year() > 2200 {
		f.fail(name)
		return time.Time{}
	}
	return day
}

// days reads a span of days, the last one included.
func (f *filters) days() gateway.Period {
	p := gateway.Period{From: f.day("from"), To: f.day("to")}
	if !p.To.IsZero() {
		p.To = p.To.AddDate(0, 0, 1)
	}
	return p
}

// amountText matches whole rupiah as people write them: 15000, 15.000, Rp15.000.
var amountText = regexp.MustCompile(`^(?i:rp\.? ?)?([0-9]{1,12}|[0-9]{1,3}(?:[.,][0-9]{3}){1,3})$`)

func parseAmount(text string) (money.Amount, bool) {
	m := amountText.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, false
	}
	a, err := money.ParseWhole(strings.NewReplacer(".", "", ",", "").Replace(m[1]))
	return a, err == nil
}

func (f *filters) amount(name string) money.Amount {
	text := f.text(name)
	if text == "" {
		return 0
	}
	a, ok := parseAmount(text)
	if !ok {
		f.fail(name)
	}
	return a
}

// phone reads a phone as its wallet, which must exist to choose anything.
func (v *visit) walletOf(f *filters) (gateway.WalletID, error) {
	text := f.text("phone")
	if text == "" {
		return "", nil
	}
	phone, ok := gateway.ParsePhone(text)
	if !ok {
		f.fail("phone")
		return "", nil
	}
	id, err := v.desk.WalletID(v.r.Context(), phone)
	if err == nil && id == "" {
		id = "none" // chooses nothing
	}
	return id, err
}

func (v *visit) paymentFilter() (gateway.PaymentFilter, *filters, error) {
	f := v.filters()
	wallet, err := v.walletOf(f)
	return gateway.PaymentFilter{
		Merchant: gateway.MerchantID(f.text("merchant")), Wallet: wallet, Channel: gateway.Channel(f.text("channel")),
		State: gateway.PaymentState(f.text("state")), Amount: f.amount("amount"), Created: f.days(), Before: gateway.PaymentID(f.text("before")),
	}, f, err
}

type paymentsScreen struct {
	frame
	Query     url.Values
	Merchants []gateway.Merchant
	Channels  []gateway.Channel
	States    []gateway.PaymentState
	Rows      []gateway.PaymentRow
	Found     []gateway.PaymentRow // by number
	Asked     bool                 // for a number
	Export    string               // address of the CSV
}

var (
	channels      = []gateway.Channel{gateway.SNAPSale, gateway.SNAPRecurring, gateway.JokulSale, gateway.JokulRecurring, gateway.PushToPay, gateway.FaspayPayment}
	paymentStates = []gateway.PaymentState{gateway.PaymentSucceeded, gateway.PaymentAwaiting, gateway.PaymentUncertain, gateway.PaymentRefused,
		gateway.PaymentFailed, gateway.PaymentCancelled, gateway.PaymentExpired}
)

// choosable bounds the merchants that a filter offers by name.
const choosable = 200

// choices are the merchants to choose from; a merchant's own people have no choice.
func (v *visit) choices() ([]gateway.Merchant, error) {
	if v.user.Merchant != "" {
		return nil, nil
	}
	return v.desk.Merchants(v.r.Context(), "", choosable)
}

func (v *visit) payments() error {
	filter, f, err := v.paymentFilter()
	if err != nil {
		return err
	}
	s := paymentsScreen{frame: v.frame(v.words.t("Payments")), Query: f.query, Channels: channels, States: paymentStates}
	if s.Merchants, err = v.choices(); err != nil {
		return err
	}
	if number := f.text("number"); number != "" {
		s.Asked = true
		if s.Found, err = v.desk.PaymentsNamed(v.r.Context(), number, v.Dialects, pageRows); err != nil {
			return err
		}
	}
	if f.broken != "" {
		s.Refused = v.words.t("This is not understood: %s", v.words.t(f.broken))
		v.render(http.StatusUnprocessableEntity, "payments.html", s)
		return nil
	}
	list, err := v.desk.Payments(v.r.Context(), filter, pageRows)
	if err != nil {
		return err
	}
	s.Rows = list.Rows
	s.paged(v, string(list.More))
	export := v.r.URL.Query()
	for _, name := range []string{"before", "done", "number"} {
		export.Del(name)
	}
	s.Export = root + "/payments.csv?" + export.Encode()
	v.render(http.StatusOK, "payments.html", s)
	return nil
}

// anyID matches the ids that the gateway makes.
var anyID = regexp.MustCompile(`^[a-z]{3}_[0-9a-f]{32}$`)

// find takes whatever a person has at hand, an id of any kind, a merchant's number,
// a phone or an amount, to where it is.
func (v *visit) find() error {
	text := strings.TrimSpace(v.r.URL.Query().Get("q"))
	query := url.Values{}
	phone, isPhone := gateway.ParsePhone(text)
	amount, isAmount := parseAmount(text)
	switch {
	case text == "":
	case strings.HasPrefix(text, "mch_") && anyID.MatchString(text):
		v.redirect("/merchants/"+text, nil)
		return nil
	case anyID.MatchString(text):
		subject, err := v.desk.Subject(v.r.Context(), text)
		if err != nil {
			return err
		}
		if strings.HasPrefix(subject, "bnd_") {
			v.redirect("/bindings/"+subject, nil)
		} else {
			v.redirect("/payments/"+subject, nil)
		}
		return nil
	case isPhone:
		query.Set("phone", string(phone))
		query.Set("number", text) // it may also be a number that a merchant gave
	case isAmount:
		query.Set("amount", amount.String())
		query.Set("number", text)
	default:
		query.Set("number", text)
	}
	v.redirect("/payments", query)
	return nil
}

type paymentScreen struct {
	frame
	gateway.PaymentStory
	Left      money.Amount // that can be given back
	Reference string       // of the refund that the form asks for
	Amount    string       // as entered
	Reason    string
}

func (v *visit) payment() error {
	s, err := v.desk.Payment(v.r.Context(), gateway.PaymentID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	v.showPayment(http.StatusOK, paymentScreen{PaymentStory: s})
	return nil
}

func (v *visit) showPayment(status int, s paymentScreen) {
	refused := s.Refused
	s.frame = v.frame(v.words.t("Payment %s", s.PaymentStory.Reference))
	s.frame.Refused = refused
	if s.State == gateway.PaymentSucceeded {
		s.Left = s.Split.Minus(s.Refunded).Total()
	}
	if s.Amount == "" {
		s.Amount = s.Left.String()
	}
	// The form bears the refund's number, so that sending it twice refunds once.
	s.Reference = "BO-" + rand.Text()[:16]
	v.render(status, "payment.html", s)
}

// maxReason bounds the reason of a refund.
const maxReason = 200

func (v *visit) refund() error {
	id := gateway.PaymentID(v.r.PathValue("id"))
	s, err := v.desk.Payment(v.r.Context(), id)
	if err != nil {
		return err
	}
	again := paymentScreen{PaymentStory: s, Amount: v.form.Get("amount"), Reason: strings.TrimSpace(v.form.Get("reason"))}
	refuse := func(text string) error {
		again.Refused = text
		v.showPayment(http.StatusUnprocessableEntity, again)
		return nil
	}
	amount, ok := parseAmount(again.Amount)
	reference := v.form.Get("reference")
	switch {
	case !ok:
		return refuse(v.words.t("Give the amount in whole rupiah."))
	case again.Reason == "" || len(again.Reason) > maxReason:
		return refuse(v.words.t("Give a reason of at most 200 characters."))
	case v.form.Get("sure") != "yes":
		return refuse(v.words.t("Confirm that the money is to be given back."))
	case !strings.HasPrefix(reference, "BO-") || len(reference) > 64:
		return refuse(v.words.t("The form is incomplete or too large. Go back and send it again."))
	}
	err = v.act("refund", string(id), amount.Rupiah()+", "+again.Reason, func() error {
		_, _, err := v.Gateway.RefundPayment(v.r.Context(), gateway.RefundPayment{
			Merchant: s.MerchantID, Payment: gateway.PaymentQuery{Dialect: s.Dialect, ID: id},
			Reference: reference, Space: gateway.SpaceOffice, Amount: amount, Reason: again.Reason,
		})
		return err
	})
	if text := v.refused(err); text != "" {
		return refuse(text)
	}
	if err != nil {
		return err
	}
	v.done("/payments/"+string(id), "refunded")
	return nil
}

func (v *visit) exportPayments() error {
	filter, f, err := v.paymentFilter()
	if err != nil {
		return err
	}
	if f.broken != "" {
		v.problem(http.StatusUnprocessableEntity, "Not possible", v.words.t("This is not understood: %s", v.words.t(f.broken)))
		return nil
	}
	return v.export("payments", []string{
		"id", "created", "final", "merchant_id", "merchant", "channel", "reference", "request_id", "phone", "amount", "cash", "points",
		"refunded_cash", "refunded_points", "state", "reason",
	}, func(write func(...cell) error) error {
		return v.desk.EachPayment(v.r.Context(), filter, func(p gateway.PaymentRow) error {
			reason := ""
			if p.Reason != gateway.Internal {
				reason = p.Reason.String()
			}
			return write(text(p.ID), moment(p.CreatedAt), moment(p.FinalAt), text(p.MerchantID), text(p.MerchantName), text(p.Channel), text(p.Payment.Reference),
				text(p.RequestID), text(p.Phone), number(p.Amount), number(p.Split.Cash), number(p.Split.Points),
				number(p.Refunded.Cash), number(p.Refunded.Points), text(p.State), text(reason))
		})
	})
}

// cell is one cell of a CSV file, ready to be written.
type cell string

// text is a cell that a spreadsheet must take for text, whatever it begins with.
func text[T ~string](s T) cell {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return cell("'" + s)
	}
	return cell(s)
}

func number[T ~int64](n T) cell { return cell(strconv.FormatInt(int64(n), 10)) }

func moment(t time.Time) cell {
	if t.IsZero() {
		return ""
	}
	return cell(t.In(wib).Format("2006-01-02T15:04:05-07:00"))
}
