package sandbox

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// callsPart is the list of inbound calls.
type callsPart struct {
	livePart
	Text  *texts
	Calls []callItem
	Next  string // id before which older calls are, or ""
	Query string // of the filter, without a place in the list
	Any   bool   // nothing was filtered
}

// callItem is a call in a list.
type callItem struct {
	request
	Merchant string // by its name, where the caller is known
}

// Signature is "ok", "wrong" or "none".
func (c callItem) Signature() string { return verdictWord(c.Verdict) }

// Waiting tells whether the call has no answer yet.
func (c callItem) Waiting() bool { return !c.finished }

// merchantsByCaller names merchants by what they call themselves.
func (s *Sandbox) merchantsByCaller(ctx context.Context) (map[string]string, []gateway.Merchant, error) {
	merchants, err := s.Gateway.Merchants(ctx)
	names := map[string]string{}
	for _, m := range merchants {
		for _, id := range callerIDs(m) {
			names[id] = m.Name
		}
	}
	return names, merchants, err
}

// callsNow lists the calls that the query asks for.
func (v *visit) callsNow(ctx context.Context, q url.Values, limit int) (p callsPart, f *requestFilter, err error) {
	if f, err = v.requestFilter(ctx, q); err != nil {
		return p, f, err
	}
	names, _, err := v.merchantsByCaller(ctx)
	if err != nil {
		return p, f, err
	}
	query := f.query()
	p = callsPart{Text: v.text, Query: query.Encode(), Any: len(query) == 0}
	p.Version = v.requests.version() // before the list is read: what comes between is told again
	for _, r := range v.requests.find(limit, f.match) {
		p.Calls = append(p.Calls, callItem{r, names[r.Caller]})
	}
	if len(p.Calls) == limit {
		p.Next = p.Calls[limit-1].ID
	}
	if before := q.Get("before"); before != "" {
		query.Set("before", before)
	}
	p.ID, p.URL = "calls", "/requests/live?"+query.Encode()
	return p, f, nil
}

type callsScreen struct {
	frame
	Part      callsPart
	Filter    *requestFilter
	Merchants []gateway.Merchant
	Dialects  []string
	Classes   []string
	Error     string
}

func (v *visit) calls() error {
	ctx := v.r.Context()
	p, f, err := v.callsNow(ctx, v.r.URL.Query(), pageSize)
	s := callsScreen{Part: p, Filter: f, Dialects: []string{"snap", "jokul", "faspay", "shop"}, Classes: []string{"2xx", "4xx", "5xx"}}
	status := http.StatusOK
	if p := v.badQuery(err); p != nil {
		status, s.Error, s.Part = p.Status, v.text.Calls.BadFilter, callsPart{Text: v.text}
	} else if err != nil {
		return err
	}
	if f.Status != "" && !slices.Contains(s.Classes, f.Status) {
		s.Classes = append(s.Classes, f.Status)
	}
	if _, s.Merchants, err = v.merchantsByCaller(ctx); err != nil {
		return err
	}
	s.Merchants = s.Merchants[:min(len(s.Merchants), maxListed)]
	query := f.query()
	if before := v.r.URL.Query().Get("before"); before != "" {
		query.Set("before", before)
	}
	s.frame = v.frame(v.text.Calls.Title, "/requests", query).follow()
	v.render(status, "calls", s)
	return nil
}

// badQuery is the refusal of a filter, nil when err is something else.
func (v *visit) badQuery(err error) *problemDetails {
	if err == nil {
		return nil
	}
	if p := v.problemOf(v.r, err); p.Status == http.StatusBadRequest {
		return p
	}
	return nil
}

func (v *visit) callsLive() error {
	p, _, err := v.callsNow(v.r.Context(), v.r.URL.Query(), pageSize)
	if err != nil {
		return err
	}
	v.render(http.StatusOK, "calls-live", p)
	return nil
}

// liveCalls is the short list on the welcome page.
func (v *visit) liveCalls() error {
	p, err := v.recentCalls(v.r.Context())
	if err != nil {
		return err
	}
	v.render(http.StatusOK, "calls-live", p)
	return nil
}

func (v *visit) recentCalls(ctx context.Context) (callsPart, error) {
	p, _, err := v.callsNow(ctx, nil, 5)
	p.URL, p.Next = "/sandbox/live/calls", ""
	return p, err
}

// callPart is one call with everything that is known of it.
type callPart struct {
	livePart
	Text            *texts
	Call            callItem
	Sent, Answered  []header
	Changes         []changeLink
	Signed          *markedPair // the string to sign: ours and the caller's
	Signature       *markedPair // expected and received
	SignedBody      *markedPair // the body: as sent and as signed
	SameStringToSig bool        // the caller signed the right string
}

type header struct{ Name, Value string }

func sortedHeaders(h map[string]string) (list []header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		list = append(list, header{name, h[name]})
	}
	return list
}

type changeLink struct {
	changeView
	URL string // where it can be looked at, or ""
}

// marked is a text whose place of interest is marked.
type marked struct {
	Before, At, After string
	Class             string // "break" for a line break, "blank", "end" for where the text is over, "" for all else
	Found             bool   // there is such a place
}

// markedPair are two texts that should be the same, each marked where they part.
type markedPair struct{ Ours, Theirs marked }

func pair(ours, theirs string) *markedPair {
	at := wire.Difference(ours, theirs)
	return &markedPair{mark(ours, at), mark(theirs, at)}
}

func mark(text string, at int) marked {
	if at < 0 {
		return marked{Before: text}
	}
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	if at >= len(text) {
		return marked{Before: text, Class: "end", Found: true}
	}
	_, size := utf8.DecodeRuneInString(text[at:])
	m := marked{Before: text[:at], At: text[at : at+size], After: text[at+size:], Found: true}
	switch m.At {
	case "\n", "\r":
		m.Class = "break"
	case " ", "\t":
		m.Class = "blank"
	}
	return m
}

func (v *visit) callNow(ctx context.Context, id string) (callPart, error) {
	r, ok := v.requests.get(id)
	if !ok {
		return callPart{}, &gateway.Error{Code: gateway.NotFound}
	}
	names, _, err := v.merchantsByCaller(ctx)
	if err != nil {
		return callPart{}, err
	}
	p := callPart{
		livePart: livePart{"call-" + id, "/requests/" + id + "/live", v.versionOf(r.finished)}, Text: v.text,
		Call: callItem{r, names[r.Caller]}, Sent: sortedHeaders(r.Headers), Answered: sortedHeaders(r.AnswerHeaders),
	}
	for _, c := range r.Changes {
		link := changeLink{changeView: c}
		switch c.Kind {
		case gateway.ChangedPayment:
			link.URL = "/payments/" + c.ID
		case gateway.ChangedNotification:
			link.URL = "/sandbox/v1/notifications/" + c.ID
		}
		p.Changes = append(p.Changes, link)
	}
	if verdict := r.Verdict; verdict != nil {
		if verdict.Expected != "" {
			p.Signature = pair(verdict.Expected, verdict.Received)
		}
		switch {
		case verdict.Signed == verdict.StringToSign && !verdict.OK:
			p.SameStringToSig = true
		case verdict.Signed != "" && !verdict.OK:
			p.Signed = pair(verdict.StringToSign, verdict.Signed)
		}
		if verdict.SignedBody != "" {
			p.SignedBody = pair(r.Body, verdict.SignedBody)
		}
	}
	return p, nil
}

type callScreen struct {
	frame
	Part callPart
}

func (v *visit) call() error {
	p, err := v.callNow(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	path, _, _ := strings.Cut(p.Call.Target, "?")
	s := callScreen{v.frame(p.Call.Method+" "+path, "/requests/"+p.Call.ID, nil).follow(), p}
	v.render(http.StatusOK, "call", s)
	return nil
}

func (v *visit) callLive() error {
	p, err := v.callNow(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	v.render(http.StatusOK, "call-live", p)
	return nil
}
