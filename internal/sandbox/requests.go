package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// maxRequests bounds the log of inbound calls, which lives in memory: with bodies
// of 64 KiB at most it takes 128 MiB in the worst case and a few in practice.
const maxRequests = 1000

// request is one inbound call of a merchant.
type request struct {
	ID            string            `json:"id"`
	At            time.Time         `json:"at"`
	Dialect       string            `json:"dialect,omitempty"`
	Method        string            `json:"method"`
	Target        string            `json:"target"`
	Remote        string            `json:"remote"`
	Headers       map[string]string `json:"headers,omitempty"`
	Body          string            `json:"body,omitempty"`
	Status        int               `json:"status"`
	AnswerHeaders map[string]string `json:"answer_headers,omitempty"`
	Answer        string            `json:"answer,omitempty"`
	TookMS        float64           `json:"took_ms"`
	Reason        string            `json:"reason,omitempty"`
	Verdict       *wire.Verdict     `json:"signature,omitempty"`
	about
	Changes []changeView `json:"changes,omitempty"`

	number   int // counts the calls
	finished bool
}

// about is what a call says of itself, as it says it.
type about struct {
	Caller  string `json:"caller,omitempty"` // client id or merchant id
	Phone   string `json:"phone,omitempty"`
	Invoice string `json:"invoice,omitempty"`
}

// changeView is something that a call made or moved.
type changeView struct {
	Kind gateway.ChangeKind `json:"kind"`
	ID   string             `json:"id"`

	wallet gateway.WalletID
}

// requestLog keeps the newest calls.
type requestLog struct {
	mu     sync.Mutex
	next   int
	recent []*request
	feed   gateway.Feed
}

func (l *requestLog) begin(r *request) *request {
	defer l.feed.Tell()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	r.number, r.ID, r.Dialect = l.next, fmt.Sprintf("req_%06d", l.next), dialectOf(r.Target)
	if len(l.recent) == maxRequests {
		l.recent = slices.Delete(l.recent, 0, 1)
	}
	l.recent = append(l.recent, r)
	return r
}

func (l *requestLog) finish(r *request, fill func()) {
	defer l.feed.Tell()
	l.mu.Lock()
	defer l.mu.Unlock()
	fill()
	r.finished = true
}

func (l *requestLog) note(r *request, n wire.Note) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.Verdict != nil {
		r.Verdict = n.Verdict
	}
	if n.Reason != "" {
		r.Reason = n.Reason
	}
}

// maxChanges bounds what is kept of one call's doings.
const maxChanges = 50

func (l *requestLog) changed(r *request, changes []gateway.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range changes {
		view := changeView{c.Kind, c.ID, c.WalletID}
		if len(r.Changes) < maxChanges && !slices.Contains(r.Changes, view) {
			r.Changes = append(slices.Clip(r.Changes), view) // copies of the entry are read meanwhile
		}
	}
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent = nil
}

// version names the state of the whole log.
func (l *requestLog) version() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	finished := 0
	for _, r := range l.recent {
		if r.finished {
			finished += r.number
		}
	}
	return fmt.Sprintf("%d-%d", l.next, finished)
}

// find returns copies of calls that match, newest first; those that are not
// finished are without their content.
func (l *requestLog) find(limit int, match func(*request) bool) []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []request{}
	for _, r := range slices.Backward(l.recent) {
		if len(found) < limit && match(r) {
			found = append(found, *r)
		}
	}
	return found
}

func (l *requestLog) get(id string) (request, bool) {
	found := l.find(1, func(r *request) bool { return r.ID == id })
	if len(found) == 0 {
		return request{}, false
	}
	return found[0], true
}

// requestFilter is what a query of the log asks for. The zero value is everything.
type requestFilter struct {
	Merchant, Dialect, Status, Signature, Phone, Invoice, Path, About string

	callers []string // names of the merchant, when one is asked for
	phone   gateway.Phone
	wallet  gateway.WalletID
	before  int
}

// filterNames are the members of the query, in the order in which they are shown.
var filterNames = [...]string{"merchant", "dialect", "status", "signature", "phone", "invoice", "path", "about"}

func (f *requestFilter) field(name string) *string {
	return map[string]*string{
		"merchant": &f.Merchant, "dialect": &f.Dialect, "status": &f.Status, "signature": &f.Signature,
		"phone": &f.Phone, "invoice": &f.Invoice, "path": &f.Path, "about": &f.About,
	}[name]
}

// query is the filter as it stands in an address.
func (f *requestFilter) query() url.Values {
	q := url.Values{}
	for _, name := range filterNames {
		if value := *f.field(name); value != "" {
			q.Set(name, value)
		}
	}
	return q
}

var statusText = regexp.MustCompile(`^[1-5]([0-9][0-9]|xx)$`)

func (s *Sandbox) requestFilter(ctx context.Context, q url.Values) (*requestFilter, error) {
	f := &requestFilter{}
	for _, name := range filterNames {
		*f.field(name) = strings.TrimSpace(q.Get(name))
	}
	if f.Status != "" && !statusText.MatchString(f.Status) {
		return f, problem(http.StatusBadRequest, "status is an HTTP status, such as 401, or a class of them, such as 4xx")
	}
	switch f.Signature {
	case "", "ok", "wrong", "none":
	default:
		return f, problem(http.StatusBadRequest, "signature is ok, wrong or none")
	}
	if f.Phone != "" {
		var err error
		if f.phone, err = parsePhone(f.Phone); err != nil {
			return f, err
		}
		w, err := s.Gateway.Wallet(ctx, f.phone)
		if err != nil && gateway.ErrorCode(err) != gateway.NotFound {
			return f, err
		}
		f.wallet = w.ID
	}
	if f.Merchant != "" {
		merchants, err := s.Gateway.Merchants(ctx)
		if err != nil {
			return f, err
		}
		f.callers = []string{f.Merchant}
		for _, m := range merchants {
			if string(m.ID) == f.Merchant {
				f.callers = callerIDs(m)
			}
		}
	}
	if before := q.Get("before"); before != "" {
		number, err := strconv.Atoi(strings.TrimPrefix(before, "req_"))
		if err != nil || number < 1 {
			return f, problem(http.StatusBadRequest, "before is the id of a call, such as req_000017")
		}
		f.before = number
	}
	return f, nil
}

// callerIDs are the names by which a merchant calls.
func callerIDs(m gateway.Merchant) []string {
	return []string{m.DOKU.ClientID}
}

func (f *requestFilter) match(r *request) bool {
	return (f.before == 0 || r.number < f.before) &&
		(f.Dialect == "" || r.Dialect == f.Dialect) &&
		(f.Status == "" || matchStatus(f.Status, r.Status)) &&
		(f.Signature == "" || f.Signature == verdictWord(r.Verdict)) &&
		(f.callers == nil || slices.Contains(f.callers, r.Caller)) &&
		(f.phone == "" || f.matchPhone(r)) &&
		(f.Invoice == "" || r.Invoice == f.Invoice) &&
		(f.Path == "" || strings.Contains(r.Target, f.Path)) &&
		(f.About == "" || slices.ContainsFunc(r.Changes, func(c changeView) bool { return c.ID == f.About }))
}

func matchStatus(want string, status int) bool {
	got := strconv.Itoa(status)
	return got == want || strings.HasSuffix(want, "xx") && status > 0 && got[0] == want[0]
}

func (f *requestFilter) matchPhone(r *request) bool {
	if phone, ok := gateway.ParsePhone(r.Phone); ok && phone == f.phone {
		return true
	}
	return f.wallet != "" && slices.ContainsFunc(r.Changes, func(c changeView) bool { return c.wallet == f.wallet })
}

func verdictWord(v *wire.Verdict) string {
	switch {
	case v == nil:
		return "none"
	case v.OK:
		return "ok"
	}
	return "wrong"
}

func (s *Sandbox) listRequests(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	f, err := s.requestFilter(r.Context(), r.URL.Query())
	if err != nil {
		return nil, err
	}
	return requestsAnswer{s.requests.find(limit, func(e *request) bool { return e.finished && f.match(e) })}, nil
}

func (s *Sandbox) getRequest(r *http.Request) (any, error) {
	found, ok := s.requests.get(r.PathValue("id"))
	if !ok || !found.finished {
		return nil, problem(http.StatusNotFound, fmt.Sprintf("no such call; the log keeps the newest %d", maxRequests))
	}
	return found, nil
}

// families are the beginnings of the protocols' paths.
var families = []struct{ prefix, dialect string }{
	{"/authorization/", "snap"}, {"/direct-debit/", "snap"}, {"/orders/v1.0/", "snap"},
	{"/ovo-open-api/", "jokul"}, {"/tokenization/", "jokul"}, {"/ovo-emoney/", "jokul"}, {"/orders/", "jokul"},
	{"/cvr/", "faspay"}, {"/pws/", "faspay"}, {"/sandbox/shop/", "shop"},
}

func dialectOf(target string) string {
	for _, f := range families {
		if strings.HasPrefix(target, f.prefix) {
			return f.dialect
		}
	}
	return ""
}

// Members and headers that tell what a call is about, the telling ones first.
var (
	callerHeaders  = []string{"X-Partner-Id", "X-Client-Key", "Client-Id"}
	callerMembers  = []string{"client.id", "merchant_id"}
	phoneMembers   = []string{"phoneNo", "ovo_info.ovo_id", "customer.phone", "ovo_account.phone", "phone_no", "phoneNumber"}
	invoiceMembers = []string{"partnerReferenceNo", "originalPartnerReferenceNo", "order.invoice_number", "bill_no"}
)

// aboutOf reads what a call is about from its headers, path and body.
func aboutOf(target string, headers map[string]string, body string) (a about) {
	for _, name := range callerHeaders {
		a.Caller = cmp.Or(a.Caller, headers[name])
	}
	v, _ := wire.Parse([]byte(body))
	read := func(paths []string) (found string) {
		for _, path := range paths {
			found = cmp.Or(found, v.Get(path).Literal(), elementText(body, path))
		}
		return found
	}
	a.Caller = cmp.Or(a.Caller, read(callerMembers))
	a.Phone, a.Invoice = read(phoneMembers), read(invoiceMembers)
	if path, _, _ := strings.Cut(target, "?"); a.Invoice == "" {
		a.Invoice, _ = jokul.StatusID(path)
	}
	return a
}

// elementText is the text of an XML element without children.
func elementText(body, name string) string {
	_, rest, found := strings.Cut(body, "<"+name+">")
	inner, _, closed := strings.Cut(rest, "</"+name+">")
	if !found || !closed {
		return ""
	}
	return html.UnescapeString(inner)
}

// secretHeaders let who has them act in somebody's name.
var secretHeaders = []string{"Authorization", "Authorization-Customer", "Proxy-Authorization", "Cookie", "Set-Cookie"}

func masked(headers map[string]string) map[string]string {
	for _, name := range secretHeaders {
		if value, ok := headers[name]; ok {
			scheme, secret, spaced := strings.Cut(value, " ")
			if !spaced {
				scheme, secret = "", value
			} else {
				scheme += " "
			}
			headers[name] = scheme + maskSecret(secret)
		}
	}
	return headers
}

// secretMembers are those of bodies that let who has them act in somebody's name.
var secretMembers = regexp.MustCompile(
	`("(?:accessToken|refreshToken|tokenId|token_id|bankCardToken|chargeToken|access_token|refresh_token|password|pin)"\s*:\s*")((?:[^"\\]|\\.)+)`)

func maskedBody(body string) string {
	return secretMembers.ReplaceAllStringFunc(body, func(member string) string {
		parts := secretMembers.FindStringSubmatch(member)
		return parts[1] + maskSecret(parts[2])
	})
}

// maskSecret leaves the beginning of a secret, by which it can be recognised.
func maskSecret(secret string) string {
	return fmt.Sprintf("%s… (%d characters)", secret[:min(len(secret)/3, 8)], utf8.RuneCountInString(secret))
}

// text is bytes as they may stand in a JSON string.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return fmt.Sprintf("%q", b)
}

// milliseconds is a figure of time as people are shown it.
func milliseconds(ms float64) string { return fmt.Sprintf("%.1f ms", ms) }
