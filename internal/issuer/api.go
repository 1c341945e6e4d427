package issuer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/jsonapi"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// APIConfig is what an API needs. All but Served and Log are required.
type APIConfig struct {
	Gateway *gateway.Gateway
	Clock   gateway.Clock
	Secrets Secrets
	// Served, when set, hears of each call once it has been answered.
	Served func(context.Context, Served)
	Log    *slog.Logger // nil discards
}

// Served is the account of one call that was answered. Operation, Code and Result are
// words of small fixed sets, whatever the caller sent.
type Served struct {
	Operation string // one of Operations
	ID        string // of the call; "" when its signature is not right
	Status    int    // of HTTP
	Code      string // of the refusal: the gateway's word or, where it has none, the status
	Result    gateway.Result
}

// API serves the issuer under Root. Every call is signed, and every POST is done once
// for its id: a repeat is answered as the first was.
type API struct{ APIConfig }

// Root is where the API lives.
const Root = "/issuer/v1"

// NewAPI makes the API.
func NewAPI(c APIConfig) *API {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &API{c}
}

// call is one call on its way.
type call struct {
	*API
	ctx   context.Context
	r     *http.Request
	body  []byte
	id    string        // by which the issuer knows it
	claim gateway.Claim // of a POST
}

// operation is one call: what it does, and how the OpenAPI document describes it.
type operation struct {
	name    string // of metrics and the log
	pattern string
	handle  func(*call) (any, error)
	// claims says that the handler uses up the call's id in the gateway's own
	// transaction, because doing it twice would move money twice.
	claims  bool
	summary string
	query   string // the member of the query that may be given
	request any    // nil: there is no body
	answer  any
	created bool // 201
}

var operations = []operation{
	{name: "wallets", pattern: "GET /wallets", handle: (*call).list, summary: "List the wallets by number, a hundred at once, those after a number", query: "after", answer: walletList{}},
	{name: "open", pattern: "POST /wallets", handle: (*call).open, summary: "Open a wallet", request: NewWallet{}, answer: Wallet{}, created: true},
	{name: "wallet", pattern: "GET /wallets/{phone}", handle: (*call).wallet, summary: "Show a wallet with its prompts and links", answer: Wallet{}},
	{name: "topup", pattern: "POST /wallets/{phone}/topup", handle: (*call).topUp, claims: true, summary: "Fill a wallet", request: TopUp{}, answer: Wallet{}},
	{name: "status", pattern: "POST /wallets/{phone}/status", handle: (*call).setStatus, summary: "Block a wallet, or open it again", request: StatusChange{}, answer: Wallet{}},
	{name: "limits", pattern: "POST /wallets/{phone}/limits", handle: (*call).setLimits, summary: "Set all limits of a wallet", request: Limits{}, answer: Wallet{}},
	{name: "pin", pattern: "POST /wallets/{phone}/pin", handle: (*call).setPIN, summary: "Give a wallet another PIN", request: pinChange{}, answer: Wallet{}},
	{name: "number", pattern: "POST /wallets/{phone}/number", handle: (*call).changeNumber, summary: "Move a wallet to another phone number", request: NumberChange{}, answer: Wallet{}},
	{name: "prompts", pattern: "GET /wallets/{phone}/prompts", handle: (*call).prompts, summary: "List the push payments that wait for the owner, oldest first", answer: promptList{}},
	{name: "approve", pattern: "POST /wallets/{phone}/prompts/{id}/approve", handle: (*call).approve, summary: "The owner pays a push payment", request: approval{}, answer: PromptAnswer{}},
	{name: "decline", pattern: "POST /wallets/{phone}/prompts/{id}/decline", handle: (*call).decline, summary: "The owner declines a push payment", answer: PromptAnswer{}},
	{name: "unlink", pattern: "POST /wallets/{phone}/links/{id}/unlink", handle: (*call).unlink, summary: "The owner ends a merchant's link", answer: Wallet{}},
	{name: "payments", pattern: "GET /wallets/{phone}/payments", handle: (*call).payments, summary: "List what the wallet has paid, or not, newest first, a hundred at once, those before one", query: "before", answer: paymentList{}},
}

// noOperation answers paths that no call has. It claims, as there is nothing to keep.
var noOperation = operation{name: gateway.NoOperation, handle: (*call).unknown, claims: true}

// Operations names the calls, and what is none.
func Operations() []string {
	names := []string{noOperation.name}
	for _, o := range operations {
		names = append(names, o.name)
	}
	return names
}

// Mount registers the calls.
func (a *API) Mount(mux *http.ServeMux) {
	for _, o := range operations {
		method, path, _ := strings.Cut(o.pattern, " ")
		mux.HandleFunc(method+" "+Root+path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, o) })
	}
	mux.HandleFunc(Root+"/", func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, noOperation) })
}

// serve answers a call, whatever happens, and tells of it.
func (a *API) serve(w http.ResponseWriter, r *http.Request, o operation) {
	c := &call{API: a, ctx: r.Context(), r: r}
	answer := c.answer(w, o)
	answer.Write(w)
	if a.Served == nil {
		return
	}
	served := Served{Operation: o.name, ID: c.id, Status: answer.Status, Result: gateway.ResultDone}
	if p := answer.Problem; p != nil {
		served.Code, served.Result = p.Code, gateway.ResultInvalid
		if code, known := gateway.ParseCode(p.Code); known {
			served.Result = code.Result()
		} else if served.Code = strconv.Itoa(p.Status); p.Status >= 500 {
			served.Result = gateway.ResultFault
		}
	}
	a.Served(c.ctx, served)
}

// answer admits a call and carries it out.
func (c *call) answer(w http.ResponseWriter, o operation) jsonapi.Answer {
	refuse := func(err error) jsonapi.Answer { return jsonapi.AnswerOf(c.r, c.Log, nil, err) }
	var err error
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, c.r.Body, wire.MaxBody)); err != nil {
		return refuse(jsonapi.Refuse(http.StatusRequestEntityTooLarge, "a body may have at most 65536 bytes"))
	}
	signed := callPayload(c.r.Method, c.r.RequestURI, c.body)
	if c.id, err = c.Secrets.verify(c.r.Header, c.Clock.Now(), signed); err != nil {
		return refuse(jsonapi.Refuse(http.StatusUnauthorized, err.Error()))
	}
	if c.r.Method != http.MethodPost {
		answer, err := c.run(o.handle)
		return jsonapi.AnswerOf(c.r, c.Log, answer, err)
	}
	fingerprint := sha256.Sum256(signed)
	c.claim = gateway.Claim{Scope: "issuer", Key: c.id, Fingerprint: hex.EncodeToString(fingerprint[:])}
	if earlier, found, err := c.Gateway.EarlierRequest(c.ctx, c.claim); err != nil || found {
		return c.repeat(w, earlier, err)
	}
	if !o.claims {
		err = c.Gateway.ClaimRequest(c.ctx, c.claim)
	}
	var result any
	if err == nil {
		result, err = c.run(o.handle)
	}
	if errors.Is(err, gateway.RequestReused) { // by a twin of this call, just now
		earlier, _, err := c.Gateway.EarlierRequest(c.ctx, c.claim)
		return c.repeat(w, earlier, err)
	}
	answer := jsonapi.AnswerOf(c.r, c.Log, result, err)
	if answer.Status < 500 {
		kept := strconv.Itoa(answer.Status) + " " + string(answer.Body)
		if err := c.Gateway.KeepAnswer(context.WithoutCancel(c.ctx), c.claim, kept); err != nil {
			c.Log.ErrorContext(c.ctx, "an answer to the issuer is not kept for repeats", "id", c.id, "error", err)
		}
	}
	return answer
}

// run calls the handler, and catches what panics.
func (c *call) run(handle func(*call) (any, error)) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.ErrorContext(c.ctx, "issuer: call panicked", "path", c.r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			err = gateway.Internal
		}
	}()
	return handle(c)
}

// repeat answers a call whose id was used before.
func (c *call) repeat(w http.ResponseWriter, earlier gateway.Repeat, err error) jsonapi.Answer {
	status, body, kept := strings.Cut(earlier.Answer, " ")
	switch {
	case err != nil:
	case !earlier.Same:
		err = jsonapi.Refuse(http.StatusConflict, "another call had this "+HeaderID+"; use a new one for each call")
	case !kept:
		err = &jsonapi.Problem{
			Title: http.StatusText(http.StatusConflict), Status: http.StatusConflict, Code: gateway.OutcomePending.String(),
			Detail: "the first call with this " + HeaderID + " has no answer yet, or lost it; read the wallet to see what it did, and use a new id",
		}
	default:
		var answer jsonapi.Answer
		if answer, err = jsonapi.Kept(status, body); err == nil {
			w.Header().Set("Idempotent-Replayed", "true")
			return answer
		}
	}
	return jsonapi.AnswerOf(c.r, c.Log, nil, err)
}

func (c *call) unknown() (any, error) {
	return nil, jsonapi.Refuse(http.StatusNotFound, "there is no "+c.r.Method+" "+c.r.URL.Path+" in the issuer API")
}

func (c *call) decode(into any) error { return jsonapi.Decode(bytes.NewReader(c.body), into) }

func (c *call) phone() (gateway.Phone, error) { return ParsePhone(c.r.PathValue("phone")) }

// listLimit is how many wallets or payments one call lists.
const listLimit = 100

func (c *call) list() (any, error) {
	wallets, err := c.Gateway.WalletsAfter(c.ctx, gateway.Phone(c.r.URL.Query().Get("after")), listLimit)
	if err != nil {
		return nil, err
	}
	answer := walletList{make([]listedWallet, 0, len(wallets))}
	for _, w := range wallets {
		answer.Wallets = append(answer.Wallets, listedWallet{w.Phone, w.Name, w.Status, w.Balance.Cash, w.Balance.Points})
	}
	return answer, nil
}

func (c *call) open() (any, error) {
	var in NewWallet
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	w, err := in.Checked()
	if err != nil {
		return nil, err
	}
	if _, err := c.Gateway.CreateWallet(c.ctx, w); err != nil {
		return nil, err
	}
	v, err := ViewWallet(c.ctx, c.Gateway, w.Phone)
	return jsonapi.Created(v), err
}

func (c *call) wallet() (any, error) {
	phone, err := c.phone()
	if err != nil {
		return nil, err
	}
	return ViewWallet(c.ctx, c.Gateway, phone)
}

// change makes a change of the wallet that the path names, and answers with what has
// become of it.
func (c *call) change(into any, change func(gateway.Phone) error) (any, error) {
	phone, err := c.phone()
	if err == nil && into != nil {
		err = c.decode(into)
	}
	if err == nil {
		err = change(phone)
	}
	if err != nil {
		return nil, err
	}
	return ViewWallet(c.ctx, c.Gateway, phone)
}

func (c *call) topUp() (any, error) {
	var in TopUp
	return c.change(&in, func(phone gateway.Phone) error {
		_, err := c.Gateway.TopUpOnce(c.ctx, c.claim, phone, ledger.Split{Cash: in.Cash, Points: in.Points})
		return err
	})
}

func (c *call) setStatus() (any, error) {
	var in StatusChange
	return c.change(&in, func(phone gateway.Phone) error {
		_, err := c.Gateway.SetWalletStatus(c.ctx, phone, in.Status)
		return err
	})
}

func (c *call) setLimits() (any, error) {
	var in Limits
	return c.change(&in, func(phone gateway.Phone) error {
		_, err := c.Gateway.SetWalletLimits(c.ctx, phone, gateway.Limits(in))
		return err
	})
}

func (c *call) setPIN() (any, error) {
	var in pinChange
	return c.change(&in, func(phone gateway.Phone) error { return c.Gateway.SetPIN(c.ctx, phone, in.PIN) })
}

func (c *call) changeNumber() (any, error) {
	from, err := c.phone()
	if err != nil {
		return nil, err
	}
	var in NumberChange
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	to, err := ParsePhone(in.Phone)
	if err != nil {
		return nil, err
	}
	if _, err := c.Gateway.ChangeNumber(c.ctx, from, to); err != nil {
		return nil, err
	}
	return ViewWallet(c.ctx, c.Gateway, to)
}

func (c *call) prompts() (any, error) {
	phone, err := c.phone()
	if err != nil {
		return nil, err
	}
	list, err := ViewPrompts(c.ctx, c.Gateway, phone)
	return promptList{list}, err
}

// AnswerOf is a push as it stands.
func AnswerOf(p gateway.PushStatus) PromptAnswer {
	return PromptAnswer{p.Payment.State, p.Payment.Split.Cash, p.Payment.Split.Points}
}

func answered(p gateway.PushStatus, err error) (any, error) { return AnswerOf(p), err }

func (c *call) approve() (any, error) {
	in := approval{Use: ledger.UseCash}
	phone, err := c.phone()
	if err != nil {
		return nil, err
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if len(in.PIN) != gateway.PINDigits { // a slip costs no try
		return nil, jsonapi.Refuse(http.StatusBadRequest, fmt.Sprintf("pin has %d digits", gateway.PINDigits))
	}
	return answered(c.Gateway.ApprovePush(c.ctx, phone, gateway.PaymentID(c.r.PathValue("id")), in.PIN, in.Use))
}

func (c *call) decline() (any, error) {
	phone, err := c.phone()
	if err != nil {
		return nil, err
	}
	return answered(c.Gateway.DeclinePush(c.ctx, phone, gateway.PaymentID(c.r.PathValue("id"))))
}

func (c *call) unlink() (any, error) {
	return c.change(nil, func(phone gateway.Phone) error {
		return c.Gateway.Unlink(c.ctx, phone, gateway.BindingID(c.r.PathValue("id")))
	})
}

// payments lists what the wallet has paid, or not, newest first.
func (c *call) payments() (any, error) {
	phone, err := c.phone()
	if err != nil {
		return nil, err
	}
	list, err := c.Gateway.WalletHistory(c.ctx, phone, gateway.PaymentID(c.r.URL.Query().Get("before")), listLimit)
	if err != nil {
		return nil, err
	}
	names, answer := MerchantNames{}, paymentList{make([]listedPayment, 0, len(list))}
	for _, p := range list {
		name, err := names.Of(c.ctx, c.Gateway, p.MerchantID)
		if err != nil {
			return nil, err
		}
		answer.Payments = append(answer.Payments, listedPayment{p.ID, name, p.Reference, p.Amount, p.State, p.Split.Cash, p.Split.Points, p.Refunded.Total(), p.FinalAt})
	}
	return answer, nil
}
