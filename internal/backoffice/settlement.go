package backoffice

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// settlementSpan is how many days the list shows unless it is asked for others, and
// maxSettlementSpan how many at most.
const (
	settlementSpan    = 31
	maxSettlementSpan = 366
)

type settlementsScreen struct {
	frame
	Query     url.Values
	Merchants []gateway.Merchant
	Rows      []gateway.Settlement
	From, To  string // the days that are shown
	Export    string
}

// settlementFilter reads which days and whose; the span is never open, so that its
// counters stay few.
func (v *visit) settlementFilter() (gateway.SettlementFilter, *filters) {
	f := v.filters()
	s := gateway.SettlementFilter{Merchant: gateway.MerchantID(f.text("merchant")), Days: f.days()}
	if s.Days.To.IsZero() {
		s.Days.To = v.today().AddDate(0, 0, 1)
	}
	if s.Days.From.IsZero() {
		s.Days.From = s.Days.To.AddDate(0, 0, -settlementSpan)
	}
	if s.Days.To.Sub(s.Days.From) > maxSettlementSpan*24*time.Hour {
		f.fail("from")
	}
	if day, merchant, ok := strings.Cut(f.text("before"), " "); ok {
		if at, err := time.ParseInLocation(time.DateOnly, day, wib); err == nil {
			s.After = gateway.SettlementKey{Day: at, Merchant: gateway.MerchantID(merchant)}
		}
	}
	return s, f
}

// today is the beginning of the WIB day.
func (v *visit) today() time.Time {
	year, month, day := v.Clock.Now().In(wib).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, wib)
}

func (v *visit) settlements() error {
	filter, f := v.settlementFilter()
	s := settlementsScreen{
		frame: v.frame(v.words.t("Settlement")), Query: f.query,
		From: filter.Days.From.In(wib).Format(time.DateOnly), To: filter.Days.To.AddDate(0, 0, -1).In(wib).Format(time.DateOnly),
	}
	var err error
	if s.Merchants, err = v.choices(); err != nil {
		return err
	}
	if f.broken != "" {
		s.Refused = v.words.t("This is not understood: %s", v.words.t(f.broken))
		v.render(http.StatusUnprocessableEntity, "settlements.html", s)
		return nil
	}
	rows, err := v.desk.Settlements(v.r.Context(), filter, pageRows+1)
	if err != nil {
		return err
	}
	s.Rows = rows[:min(len(rows), pageRows)]
	more := ""
	if len(rows) > pageRows {
		last := rows[pageRows-1]
		more = last.Day.In(wib).Format(time.DateOnly) + " " + string(last.Merchant)
	}
	s.paged(v, more)
	export := v.r.URL.Query()
	export.Del("before")
	s.Export = root + "/settlement.csv?" + export.Encode()
	v.render(http.StatusOK, "settlements.html", s)
	return nil
}

func (v *visit) exportSettlements() error {
	filter, f := v.settlementFilter()
	if f.broken != "" {
		v.problem(http.StatusUnprocessableEntity, "Not possible", v.words.t("This is not understood: %s", v.words.t(f.broken)))
		return nil
	}
	return v.export("settlement", []string{
		"day", "merchant_id", "merchant", "payments", "refunds", "captured_cash", "captured_points", "refunded_cash", "refunded_points", "net_cash", "net_points",
	}, func(write func(...cell) error) error {
		const batch = 1_000
		for {
			rows, err := v.desk.Settlements(v.r.Context(), filter, batch)
			if err != nil {
				return err
			}
			for _, s := range rows {
				if err := write(cell(s.Day.In(wib).Format(time.DateOnly)), text(s.Merchant), text(s.MerchantName), number(s.Payments), number(s.Refunds),
					number(s.Captured.Cash), number(s.Captured.Points), number(s.Refunded.Cash), number(s.Refunded.Points),
					number(s.Net().Cash), number(s.Net().Points)); err != nil {
					return err
				}
				filter.After = gateway.SettlementKey{Day: s.Day, Merchant: s.Merchant}
			}
			if len(rows) < batch {
				return nil
			}
		}
	})
}

type settlementScreen struct {
	frame
	gateway.SettlementDetail
	Rows []gateway.PaymentRow
}

func (v *visit) settlement() error {
	day, err := time.ParseInLocation(time.DateOnly, v.r.PathValue("day"), wib)
	if err != nil {
		return gateway.NotFound
	}
	merchant := gateway.MerchantID(v.r.PathValue("merchant"))
	detail, err := v.desk.Settlement(v.r.Context(), merchant, day)
	if err != nil {
		return err
	}
	filter := v.Gateway.SettledPayments(merchant, day)
	filter.Before = gateway.PaymentID(v.filters().text("before"))
	list, err := v.desk.Payments(v.r.Context(), filter, pageRows)
	if err != nil {
		return err
	}
	s := settlementScreen{frame: v.frame(v.words.t("Settlement of %s", v.r.PathValue("day"))), SettlementDetail: detail, Rows: list.Rows}
	s.paged(v, string(list.More))
	v.render(http.StatusOK, "settlement.html", s)
	return nil
}

type ledgerScreen struct {
	frame
	Query url.Values
	Book  gateway.Book
	Off   ledger.Split
	Kinds []ledger.Kind
	Rows  []gateway.Movement
}

func (v *visit) ledger() error {
	f := v.filters()
	filter := gateway.TransferFilter{
		Account: ledger.Account(f.text("account")), Kind: ledger.Kind(f.text("kind")), Created: f.days(), Before: gateway.TransferID(f.text("before")),
	}
	s := ledgerScreen{frame: v.frame(v.words.t("Ledger")), Query: f.query, Kinds: []ledger.Kind{ledger.Payment, ledger.Refund, ledger.TopUp}}
	var err error
	if s.Book, err = v.Gateway.Book(v.r.Context()); err != nil {
		return err
	}
	s.Off = s.Book.Off()
	if f.broken != "" {
		s.Refused = v.words.t("This is not understood: %s", v.words.t(f.broken))
		v.render(http.StatusUnprocessableEntity, "ledger.html", s)
		return nil
	}
	list, err := v.Gateway.LedgerTransfers(v.r.Context(), filter, pageRows)
	if err != nil {
		return err
	}
	s.Rows = list.Rows
	s.paged(v, string(list.More))
	v.render(http.StatusOK, "ledger.html", s)
	return nil
}

type transferScreen struct {
	frame
	gateway.Movement
	Subject string // the page of what it was made for, or ""
}

func (v *visit) transfer() error {
	m, err := v.Gateway.Movement(v.r.Context(), gateway.TransferID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	s := transferScreen{frame: v.frame(v.words.t("Transfer")), Movement: m}
	if m.Kind != ledger.TopUp {
		subject, err := v.desk.Subject(v.r.Context(), m.Transfer.Subject)
		if err != nil {
			return err
		}
		s.Subject = root + "/payments/" + subject
	}
	v.render(http.StatusOK, "transfer.html", s)
	return nil
}

type auditScreen struct {
	frame
	Ran      bool
	OK       bool
	Verdicts []gateway.Invariant
	Took     time.Duration
}

func (v *visit) auditPage() error {
	v.render(http.StatusOK, "audit.html", auditScreen{frame: v.frame(v.words.t("Audit"))})
	return nil
}

func (v *visit) audit() error {
	s := auditScreen{Ran: true, OK: true}
	begun := v.Clock.Now()
	if err := v.act("audit", "", "", func() (err error) {
		s.Verdicts, err = v.Gateway.Audit(v.r.Context())
		return err
	}); err != nil {
		return err
	}
	s.Took = v.Clock.Now().Sub(begun).Round(time.Millisecond)
	for _, verdict := range s.Verdicts {
		s.OK = s.OK && verdict.OK
	}
	s.frame = v.frame(v.words.t("Audit"))
	v.render(http.StatusOK, "audit.html", s)
	return nil
}
