package backoffice

import (
	"cmp"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// spans are the lengths of time that the overview can report on.
var spans = []struct {
	name string
	span time.Duration
	text string
}{
	{"24h", 24 * time.Hour, "24 hours"}, {"7d", 7 * 24 * time.Hour, "7 days"}, {"30d", 30 * 24 * time.Hour, "30 days"}, {"90d", 90 * 24 * time.Hour, "90 days"},
}

// tally is what was counted of one thing: a channel, a reason, all.
type tally struct {
	Name      string
	Payments  int64
	Succeeded int64
	Amount    money.Amount // of what succeeded
	Waits     gateway.Waits
}

func (t *tally) add(c gateway.PaymentCount) {
	t.Payments += c.Payments
	if c.State == gateway.PaymentSucceeded {
		t.Succeeded += c.Payments
		t.Amount += c.Amount
	}
	for i, n := range c.Waits {
		t.Waits[i] += n
	}
}

// Waited is how many payments a customer confirmed or refused.
func (t tally) Waited() (n int64) {
	for _, w := range t.Waits {
		n += w
	}
	return n
}

// Share is part in whole, as "98,7 %" where decimals are written so.
func (v *visit) Share(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	tenths := part * 1000 / whole
	text := strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + "%"
	if v.lang == "id" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

type overviewScreen struct {
	frame
	Span     string
	Spans    []link
	All      tally
	Rate     string // of success
	Channels []tally
	Reasons  []tally
	Volume   template.HTML
	Waits    []distribution
	Queued, Failed, Undeliverable,
	Attempted string
	Acknowledged string // share at the first attempt
	Deliveries   template.HTML
	Takes        []distribution
	Limits       []string // legend of Waits
	TakeLimits   []string // legend of Takes
}

type link struct {
	URL, Text string
	Current   bool
}

// distribution is how durations of one thing spread over the bounds.
type distribution struct {
	Name  string
	Total int64
	Parts []int64
	Chart template.HTML
}

func (v *visit) overview() error {
	chosen := v.filters().text("span")
	at := max(slices.IndexFunc(spans, func(s struct {
		name string
		span time.Duration
		text string
	}) bool {
		return s.name == chosen
	}), 0)
	o, err := v.desk.Overview(v.r.Context(), spans[at].span)
	if err != nil {
		return err
	}
	s := overviewScreen{frame: v.frame(v.words.t("Overview")), Span: v.words.t(spans[at].text)}
	for i, span := range spans {
		s.Spans = append(s.Spans, link{root + "/?span=" + span.name, v.words.t(span.text), i == at})
	}
	v.summarise(&s, o)
	v.render(http.StatusOK, "overview.html", s)
	return nil
}

// summarise turns a report's counts into what the page shows.
func (v *visit) summarise(s *overviewScreen, o gateway.Overview) {
	channels, reasons := map[string]*tally{}, map[string]*tally{}
	into := func(m map[string]*tally, name string, c gateway.PaymentCount) {
		if m[name] == nil {
			m[name] = &tally{Name: name}
		}
		m[name].add(c)
	}
	slots := int(o.To.Sub(o.From) / o.Slot)
	good, bad := make([]int64, slots), make([]int64, slots)
	for _, c := range o.Payments {
		s.All.add(c)
		into(channels, string(c.Channel), c)
		slot := int(c.Slot.Sub(o.From) / o.Slot)
		if c.State == gateway.PaymentSucceeded {
			good[slot] += c.Payments
			continue
		}
		bad[slot] += c.Payments
		reason := string(c.State)
		if c.Reason != gateway.Internal {
			reason = c.Reason.String()
		}
		into(reasons, reason, c)
	}
	s.Rate = v.Share(s.All.Succeeded, s.All.Payments)
	for _, name := range slices.Sorted(maps.Keys(channels)) {
		s.Channels = append(s.Channels, *channels[name])
		if t := channels[name]; t.Waited() > 0 {
			s.Waits = append(s.Waits, v.distribution(name, t.Waits[:]))
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b].Payments, reasons[a].Payments), cmp.Compare(a, b))
	}) {
		s.Reasons = append(s.Reasons, *reasons[name])
	}
	labels := v.slotLabels(o)
	s.Volume = bars(v.words.t("Payments over time"), labels, series{v.words.t("succeeded"), "good", good}, series{v.words.t("not succeeded"), "bad", bad})

	acknowledged, missed := make([]int64, slots), make([]int64, slots)
	takes := map[string]*gateway.Takes{}
	var attempted, answered int64
	for _, c := range o.Notifications {
		slot := int(c.Slot.Sub(o.From) / o.Slot)
		acknowledged[slot] += c.Acknowledged
		missed[slot] += c.Queued - c.Acknowledged
		attempted += c.Attempted
		answered += c.Acknowledged
		if takes[c.Dialect] == nil {
			takes[c.Dialect] = &gateway.Takes{}
		}
		for i, n := range c.Took {
			takes[c.Dialect][i] += n
		}
	}
	s.Attempted, s.Acknowledged = count(attempted), v.Share(answered, attempted)
	s.Deliveries = bars(v.words.t("Notifications over time"), labels,
		series{v.words.t("acknowledged at once"), "good", acknowledged}, series{v.words.t("not at once"), "bad", missed})
	for _, name := range slices.Sorted(maps.Keys(takes)) {
		s.Takes = append(s.Takes, v.distribution(name, takes[name][:]))
	}
	s.Queued, s.Failed, s.Undeliverable = troubled(o.Queued), troubled(o.Failed), troubled(o.Undeliverable)
	s.Limits, s.TakeLimits = v.legend(gateway.WaitBounds[:]), v.legend(gateway.TakeBounds[:])
}

func troubled(n gateway.Troubled) string {
	if n >= gateway.TroubledMax {
		return "≥ " + count(int(n))
	}
	return count(int(n))
}

func (v *visit) distribution(name string, parts []int64) distribution {
	d := distribution{Name: name, Parts: parts}
	for _, n := range parts {
		d.Total += n
	}
	d.Chart = strip(parts)
	return d
}

// legend names the parts of a distribution with these bounds.
func (v *visit) legend(bounds []time.Duration) []string {
	var names []string
	for _, b := range bounds {
		names = append(names, "≤ "+v.duration(b))
	}
	return append(names, "> "+v.duration(bounds[len(bounds)-1]))
}

func (v *visit) duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.Itoa(int(d/time.Millisecond)) + " ms"
	case d < 2*time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " " + v.words.t("s")
	}
	return strconv.Itoa(int(d/time.Minute)) + " " + v.words.t("min")
}

// slotLabels names the slots of a report.
func (v *visit) slotLabels(o gateway.Overview) []string {
	var labels []string
	layout := "15:04"
	if o.Slot >= 24*time.Hour {
		layout = "2/1"
	}
	for at := o.From; at.Before(o.To); at = at.Add(o.Slot) {
		labels = append(labels, at.In(wib).Format(layout))
	}
	return labels
}
