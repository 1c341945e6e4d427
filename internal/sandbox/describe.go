package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/openapi"
)

// Bodies of the control API that are of one call alone. A request's members that may
// be left out are marked omitempty.
type (
	infoAnswer struct {
		Version  string    `json:"version"`
		Profile  string    `json:"profile"`
		Database string    `json:"database"`
		Now      time.Time `json:"now"`
		BaseURL  string    `json:"base_url"`
	}
	clockStep struct {
		By string `json:"by"`
	}
	clockAnswer struct {
		Now    time.Time `json:"now"`
		Offset string    `json:"offset"`
	}
	auditAnswer struct {
		OK         bool            `json:"ok"`
		Invariants []invariantView `json:"invariants"`
	}
	okAnswer struct {
		OK bool `json:"ok"`
	}

	merchantsAnswer struct {
		Merchants []merchantView `json:"merchants"`
	}

	walletsAnswer struct {
		Wallets []walletView `json:"wallets"`
	}
	walletChange struct {
		Limits issuer.Limits `json:"limits"`
	}
	promptApproval struct {
		PIN string     `json:"pin,omitempty"`
		Use ledger.Use `json:"use,omitempty"`
	}
	pageVisit struct {
		URL     string `json:"url"`
		PIN     string `json:"pin,omitempty"`
		Outcome string `json:"outcome,omitempty"`
	}
	pageAnswer struct {
		RedirectTo string            `json:"redirect_to"`
		State      gateway.PageState `json:"state"`
	}

	scenariosAnswer struct {
		Scenarios  []scenario              `json:"scenarios"`
		Magic      []magicView             `json:"magic"`
		Operations []gateway.OperationName `json:"operations"`
	}

	paymentsAnswer struct {
		Payments []paymentView `json:"payments"`
	}
	refundRequest struct {
		Amount money.Amount `json:"amount,omitempty"`
		Reason string       `json:"reason,omitempty"`
	}
	notificationsAnswer struct {
		Notifications []notificationView `json:"notifications"`
	}

	requestsAnswer struct {
		Requests []request `json:"requests"`
	}
	listenersAnswer struct {
		Listeners []listener `json:"listeners"`
	}

	snapshotsAnswer struct {
		Snapshots []Snapshot `json:"snapshots"`
	}
	snapshotRequest struct {
		Name    string `json:"name"`
		Replace bool   `json:"replace,omitempty"`
	}
)

// description is what there is to say about a call.
type description struct {
	summary string
	request any  // nil: no body
	partial bool // whose members may all be left out
	answer  any  // nil: server-sent events
	created bool // answered 201
	query   []string
}

var descriptions = map[string]description{
	"GET /info": {summary: "What runs here", answer: infoAnswer{}},

	"GET /merchants":        {summary: "List the merchants", answer: merchantsAnswer{}},
	"POST /merchants":       {summary: "Add a merchant; what is not given is generated", request: merchantView{}, answer: merchantView{}, created: true},
	"GET /merchants/{id}":   {summary: "Show a merchant with its credentials", answer: merchantView{}},
	"PATCH /merchants/{id}": {summary: "Change the members that are given", request: merchantView{}, answer: merchantView{}},

	"GET /wallets":                            {summary: "List the wallets", answer: walletsAnswer{}},
	"POST /wallets":                           {summary: "Open a wallet; only phone must be given", request: newWallet{}, partial: true, answer: walletView{}, created: true},
	"GET /wallets/{phone}":                    {summary: "Show a wallet with its codes, prompts and links", answer: walletView{}},
	"PATCH /wallets/{phone}":                  {summary: "Change the limits that are given", request: walletChange{}, partial: true, answer: walletView{}},
	"POST /wallets/{phone}/topup":             {summary: "Fill a wallet", request: issuer.TopUp{}, answer: walletView{}},
	"POST /wallets/{phone}/status":            {summary: "Block a wallet, or open it again", request: issuer.StatusChange{}, answer: walletView{}},
	"POST /wallets/{phone}/number":            {summary: "Move a wallet to another phone number", request: issuer.NumberChange{}, answer: walletView{}},
	"POST /wallets/{phone}/links/{id}/unlink": {summary: "The customer ends a binding in the app", answer: walletView{}},

	"POST /wallets/{phone}/prompts/{id}/approve": {summary: "The customer pays a push payment", request: promptApproval{}, answer: issuer.PromptAnswer{}},
	"POST /wallets/{phone}/prompts/{id}/decline": {summary: "The customer declines a push payment", answer: issuer.PromptAnswer{}},

	"POST /pages/complete": {summary: "Walk a hosted page as its customer would", request: pageVisit{}, answer: pageAnswer{}},

	"GET /scenarios":         {summary: "List the forced outcomes and the magic phone numbers", answer: scenariosAnswer{}},
	"POST /scenarios":        {summary: "Force the outcome of coming operations", request: scenarioForm{}, answer: scenario{}, created: true},
	"DELETE /scenarios/{id}": {summary: "Withdraw a forced outcome", answer: okAnswer{}},

	"GET /clock":          {summary: "Tell the sandbox's time", answer: clockAnswer{}},
	"POST /clock/advance": {summary: "Let time pass", request: clockStep{}, answer: clockAnswer{}},

	"GET /payments":                   {summary: "List payments, newest first", answer: paymentsAnswer{}, query: []string{"limit", "before"}},
	"GET /payments/{id}":              {summary: "Show a payment with all that belongs to it", answer: paymentDetail{}},
	"POST /payments/{id}/refund":      {summary: "Give money back as the provider's people do", request: refundRequest{}, answer: paymentDetail{}},
	"POST /payments/{id}/reverse":     {summary: "Take back a push whose outcome is uncertain", answer: paymentDetail{}},
	"GET /notifications":              {summary: "List notifications, newest first", answer: notificationsAnswer{}, query: []string{"limit", "before", "subject"}},
	"GET /notifications/{id}":         {summary: "Show a notification with its attempts", answer: notificationView{}},
	"POST /notifications/{id}/resend": {summary: "Send a notification once more", answer: notificationView{}, created: true},

	"GET /requests":        {summary: "List the calls of merchants, newest first", answer: requestsAnswer{}, query: append([]string{"limit", "before"}, filterNames[:]...)},
	"GET /requests/{id}":   {summary: "Show a call with the verdict on its signature", answer: request{}},
	"GET /requests/events": {summary: "Tell of each call of a merchant as it ends, in events named request", query: filterNames[:]},

	"GET /listeners":  {summary: "List the listeners", answer: listenersAnswer{}},
	"POST /listeners": {summary: "Turn a merchant's notifications to the caller's address until it hangs up", request: listener{}, partial: true},

	"GET /snapshots":              {summary: "List the saved states", answer: snapshotsAnswer{}},
	"POST /snapshots":             {summary: "Save the state of the sandbox under a name", request: snapshotRequest{}, answer: Snapshot{}, created: true},
	"POST /snapshots/{name}/load": {summary: "Make the sandbox what it was", answer: okAnswer{}},
	"DELETE /snapshots/{name}":    {summary: "Delete a saved state", answer: okAnswer{}},

	"POST /audit": {summary: "Check the books", answer: auditAnswer{}},
	"POST /reset": {summary: "Delete everything and seed anew", answer: okAnswer{}},
}

// Describe lists the calls for the OpenAPI document.
func (s *Sandbox) Describe() []openapi.Call {
	patterns := slices.Concat(slices.Collect(maps.Keys(s.calls())), slices.Collect(maps.Keys(s.streamCalls())))
	refusal := openapi.Answer{Detail: "Refused; detail says what to do.", Media: "application/problem+json", Bodies: []any{problemDetails{}}}
	var calls []openapi.Call
	for _, pattern := range patterns {
		d := descriptions[pattern]
		method, path, _ := strings.Cut(pattern, " ")
		c := openapi.Call{Method: method, Path: root + path, Tag: "Sandbox", Summary: d.summary, Request: d.request, Partial: d.partial}
		for _, name := range d.query {
			c.Query = append(c.Query, openapi.Param{Name: name, Optional: true})
		}
		success := openapi.Answer{Status: http.StatusOK, Bodies: []any{d.answer}}
		if d.created {
			success.Status = http.StatusCreated
		}
		if d.answer == nil {
			success.Media, success.Bodies = "text/event-stream", nil
		}
		c.Answers = []openapi.Answer{success, refusal}
		calls = append(calls, c)
	}
	return calls
}
