package openapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
	"github.com/gerbang-pay/gerbang/ovo/ovotest"
)

// document is an OpenAPI document as far as it is looked at here.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]*operation
	Webhooks   map[string]map[string]*operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	OperationID string
	Summary     string
	Deprecated  bool
	Tags        []string
	Parameters  []struct{ Name, In string }
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]struct{ Content map[string]media }

	name string
	seen bool // with an answer that was no refusal
}

type media struct{ Schema schema }

type schema = map[string]any

// fits says what of a value is not as the schema has it. Members that the schema does
// not have are wrong, too. In XML every value is a text.
func (d *document) fits(s schema, value any, inXML bool) error {
	if ref, ok := s["$ref"].(string); ok {
		named, found := d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
		if !found {
			return fmt.Errorf("%s leads nowhere", ref)
		}
		return d.fits(named, value, inXML)
	}
	if any, ok := s["anyOf"].([]any); ok {
		var all []error
		for _, one := range any {
			err := d.fits(one.(schema), value, inXML)
			if err == nil {
				return nil
			}
			all = append(all, err)
		}
		return errors.Join(all...)
	}
	if _, list := value.([]any); inXML && s["type"] == "array" && !list {
		value = []any{value} // of one element
	}
	switch v := value.(type) {
	case string:
		if want := s["type"]; want != nil && want != "string" && !inXML {
			return fmt.Errorf("%q is no %v", v, want)
		}
	case json.Number:
		if want := s["type"]; want != nil && want != "number" && (want != "integer" || strings.ContainsAny(v.String(), ".eE")) {
			return fmt.Errorf("%s is no %v", v, want)
		}
	case bool:
		if want := s["type"]; want != nil && want != "boolean" {
			return fmt.Errorf("%t is no %v", v, want)
		}
	case []any:
		if want := s["type"]; want != nil && want != "array" {
			return fmt.Errorf("a list is no %v", want)
		}
		items, _ := s["items"].(schema)
		for i, item := range v {
			if err := d.fits(items, item, inXML); err != nil {
				return fmt.Errorf("[%d] %w", i, err)
			}
		}
	case map[string]any:
		return d.fitsObject(s, v, inXML)
	default:
		return fmt.Errorf("%v is nothing that is described", v)
	}
	return nil
}

func (d *document) fitsObject(s schema, object map[string]any, inXML bool) error {
	if want := s["type"]; want == nil {
		return nil // anything
	} else if want != "object" {
		return fmt.Errorf("an object is no %v", want)
	}
	if required, ok := s["required"].([]any); ok && !inXML {
		for _, name := range required {
			if _, there := object[name.(string)]; !there {
				return fmt.Errorf("there is no %v", name)
			}
		}
	}
	for name, value := range object {
		member := s["additionalProperties"]
		if properties, ok := s["properties"].(schema); ok && properties[name] != nil {
			member = properties[name]
		}
		if patterns, ok := s["patternProperties"].(schema); ok {
			for pattern, of := range patterns {
				if regexp.MustCompile(pattern).MatchString(name) {
					member = of
				}
			}
		}
		described, ok := member.(schema)
		if !ok {
			return fmt.Errorf("%s is not described", name)
		}
		if err := d.fits(described, value, inXML); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// fitsBody holds a body against what is described for its type.
func (d *document) fitsBody(content map[string]media, body string) error {
	if _, text := content["text/plain"]; text || len(content) == 0 || content["text/event-stream"].Schema != nil {
		return nil // nothing is said of its members
	}
	kind := "json"
	if strings.HasPrefix(strings.TrimSpace(body), "<") {
		kind = "xml"
	}
	for name, m := range content {
		if !strings.Contains(name, kind) {
			continue
		}
		var value any
		if kind == "xml" {
			element, err := readXML(xml.NewDecoder(strings.NewReader(body)))
			if err != nil {
				return err
			}
			value = element.(map[string]any)["faspay"]
		} else {
			decoder := json.NewDecoder(strings.NewReader(body))
			decoder.UseNumber()
			if err := decoder.Decode(&value); err != nil {
				return err
			}
		}
		return d.fits(m.Schema, value, kind == "xml")
	}
	return fmt.Errorf("%s is not among %v", kind, slices.Collect(maps.Keys(content)))
}

// readXML reads elements as an object, up to the end of the one around them. One
// without children is its text, and those with one name are a list.
func readXML(d *xml.Decoder) (any, error) {
	object, text := map[string]any{}, ""
	for {
		token, err := d.Token()
		switch t := token.(type) {
		case xml.StartElement:
			child, err := readXML(d)
			if err != nil {
				return nil, err
			}
			switch before := object[t.Name.Local].(type) {
			case nil:
				object[t.Name.Local] = child
			case []any:
				object[t.Name.Local] = append(before, child)
			default:
				object[t.Name.Local] = []any{before, child}
			}
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			if len(object) == 0 {
				return text, nil
			}
			return object, nil
		}
		if err == io.EOF {
			return object, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// find is the operation that a call is one of.
func (d *document) find(method, target string) *operation {
	path, _, _ := strings.Cut(target, "?")
	var found *operation
	best := ""
	for template, item := range d.Paths {
		pattern := "^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$"
		if o := item[strings.ToLower(method)]; o != nil && regexp.MustCompile(pattern).MatchString(path) && (found == nil || strings.Count(template, "{") < strings.Count(best, "{")) {
			found, best = o, template
		}
	}
	return found
}

// check holds one call against the document.
func (d *document) check(o *operation, status int, request, answer string) error {
	if o == nil {
		return errors.New("is not described")
	}
	if request != "" {
		if o.RequestBody == nil {
			return errors.New("is not said to have a body")
		}
		if err := d.fitsBody(o.RequestBody.Content, request); err != nil {
			return fmt.Errorf("request %s: %w", request, err)
		}
	}
	described, own := o.Responses[fmt.Sprint(status)]
	if !own {
		var any bool
		if described, any = o.Responses["default"]; !any {
			return fmt.Errorf("status %d is not described", status)
		}
	}
	o.seen = o.seen || own && status < 300
	if err := d.fitsBody(described.Content, answer); err != nil {
		return fmt.Errorf("answer %d %s: %w", status, answer, err)
	}
	return nil
}

// served reads the document of a server.
func served(t *testing.T, base string) *document {
	t.Helper()
	d := &document{}
	status, text := request(t, http.MethodGet, base+"/openapi.json", nil)
	if status != http.StatusOK {
		t.Fatalf("HTTP %d", status)
	}
	if err := json.Unmarshal([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	if d.OpenAPI != "3.1.0" || len(d.Paths) < 30 || len(d.Webhooks) < 5 {
		t.Fatalf("version %q, %d paths, %d webhooks", d.OpenAPI, len(d.Paths), len(d.Webhooks))
	}
	ids := map[string]bool{}
	for _, group := range []map[string]map[string]*operation{d.Paths, d.Webhooks} {
		for path, item := range group {
			for method, o := range item {
				if ids[o.OperationID] {
					t.Errorf("two operations are %s", o.OperationID)
				}
				ids[o.OperationID] = true
				if o.name = strings.ToUpper(method) + " " + path; o.Summary == "" || len(o.Tags) != 1 || len(o.Responses) == 0 {
					t.Errorf("%s is described by %+v", o.name, o)
				}
			}
		}
	}
	return d
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}

func request(t *testing.T, method, address string, body any) (status int, answer string) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		return resp.StatusCode, "" // it would not end
	}
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(content)
}

// TestDocument plays every call and holds what was sent and answered against the
// document that the same server gives. A call, a member or a status that is not
// described fails, as does an operation that was described and is not to be seen.
func TestDocument(t *testing.T) {
	t.Parallel()
	sandbox := ovotest.New(t)
	d := served(t, sandbox.URL)
	t.Cleanup(client.CloseIdleConnections)

	shop := func(name string) string { return sandbox.URL + "/sandbox/shop/notification?" + name }
	sandbox.Notify(ovotest.URLs{
		SNAPToken: sandbox.URL + "/sandbox/shop/token?snapToken", SNAPPayment: shop("snapPayment"), SNAPBinding: shop("snapBinding"),
		Jokul: shop("jokulPayment"), Faspay: shop("faspayPayment"), FaspayActivation: shop("faspayActivation&"),
	})
	playSNAP(t, sandbox)
	playJokul(t, sandbox)
	playPush(t, sandbox)
	playFaspay(t, sandbox, ovo.FaspayJSON)
	playFaspay(t, sandbox, ovo.FaspayXML)
	checkLog(t, sandbox, d)
	checkControl(t, sandbox, d)

	d.allSeen(t)
	d.allServed(t, "/sandbox/", func(string) string { return sandbox.URL })
}

// allSeen reports what was described and is not to be seen.
func (d *document) allSeen(t *testing.T) {
	t.Helper()
	for _, group := range []map[string]map[string]*operation{d.Paths, d.Webhooks} {
		for path, item := range group {
			for _, o := range item {
				if _, same := d.Paths[path+"/"]; !o.seen && !o.Deprecated && !same {
					t.Errorf("%s was not to be seen", o.name)
				}
			}
		}
	}
}

// allServed calls each path, but those with a prefix, without knowing anything: what is
// deprecated is the same under another path, and it is enough that it is there.
func (d *document) allServed(t *testing.T, but string, base func(path string) string) {
	t.Helper()
	for path, item := range d.Paths {
		for method := range item {
			if strings.HasPrefix(path, but) {
				continue
			}
			if status, answer := request(t, strings.ToUpper(method), base(path)+path, nil); status == http.StatusMethodNotAllowed || strings.Contains(answer, "no protocol spoken here") {
				t.Errorf("%s %s: HTTP %d %s", method, path, status, answer)
			}
		}
	}
}

// logged is a call in the sandbox's log.
type logged struct {
	Method, Target, Dialect, Body, Answer string
	Status                                int
}

// checkLog checks the calls that merchants and the gateway have made. Those of the
// gateway are made a moment after what they tell of.
func checkLog(t *testing.T, sandbox *ovotest.Sandbox, d *document) {
	t.Helper()
	var list struct{ Requests []logged }
	deadline := time.Now().Add(30 * time.Second)
	for {
		sandbox.Call(http.MethodGet, "/requests?limit=500", nil, &list)
		hooks := map[string]bool{}
		for _, call := range list.Requests {
			if call.Dialect == "shop" {
				hooks[hookOf(call)] = true
			}
		}
		if len(hooks) == len(d.Webhooks) || time.Now().After(deadline) {
			break
		}
	}
	for _, call := range list.Requests {
		o, answer := d.find(call.Method, call.Target), call.Answer
		if call.Dialect == "shop" {
			o, answer = d.Webhooks[hookOf(call)][strings.ToLower(call.Method)], "" // one answer for all protocols
			query, _ := url.ParseQuery(call.Target)
			for _, p := range o.Parameters {
				if _, there := query[p.Name]; p.In == "query" && !there && p.Name != "response" {
					t.Errorf("%s has no %s", call.Target, p.Name)
				}
			}
			if o.seen = true; call.Body != "" {
				if err := d.fitsBody(o.RequestBody.Content, call.Body); err != nil {
					t.Errorf("%s: %v in %s", o.name, err, call.Body)
				}
			}
			continue
		}
		if err := d.check(o, call.Status, call.Body, answer); err != nil {
			t.Errorf("%s %s: %v", call.Method, call.Target, err)
		}
	}
}

// hookOf is the name that the address of a notification ends in.
func hookOf(call logged) string {
	_, query, _ := strings.Cut(call.Target, "?")
	name, _, _ := strings.Cut(query, "&")
	return strings.TrimSuffix(name, "=")
}

// must stops a test whose play went wrong.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func refused(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("not refused")
	}
}

const back = "https://shop.test/back"

func playSNAP(t *testing.T, sandbox *ovotest.Sandbox) {
	t.Helper()
	ctx, client, phone := t.Context(), sandbox.SNAP(), sandbox.NewWallet(50_000, 10_000)
	binding := must[ovo.Binding](t)(client.Bind(ctx, ovo.BindRequest{Phone: phone.Number, CustomerID: "c-1", CustomerName: "Rara", SuccessURL: back, FailureURL: back}))
	sandbox.Complete(binding.RedirectURL)
	token := must[ovo.CustomerToken](t)(client.CustomerToken(ctx, binding.AuthCode))
	must[ovo.CustomerToken](t)(client.RefreshCustomerToken(ctx, token.RefreshToken))
	must[ovo.Balance](t)(client.Balance(ctx, token.AccessToken))
	must[ovo.Payment](t)(client.Pay(ctx, ovo.PayRequest{CustomerToken: token.AccessToken, Reference: "S-1", Type: ovo.Recurring, Amount: 20_000, Cash: 15_000, Points: 5_000, Remarks: "r"}))
	page := must[ovo.Payment](t)(client.Pay(ctx, ovo.PayRequest{CustomerToken: token.AccessToken, Reference: "S-2", Amount: 1_000, SuccessURL: back, FailureURL: back}))
	sandbox.CompleteAs(page.RedirectURL, ovotest.Cancel)
	_, err := client.Pay(ctx, ovo.PayRequest{CustomerToken: token.AccessToken, Reference: "S-3", Type: ovo.Recurring, Amount: 900_000})
	refused(t, err)
	must[ovo.Refund](t)(client.Refund(ctx, ovo.RefundRequest{Reference: "S-1", RefundReference: "R-1", Amount: 5_000, Reason: "r"}))
	for _, reference := range []string{"S-1", "S-2"} {
		must[ovo.PaymentStatus](t)(client.Status(ctx, ovo.StatusQuery{Reference: reference}))
	}
	must[bool](t)(true, client.Unbind(ctx, token.AccessToken))
}

func playJokul(t *testing.T, sandbox *ovotest.Sandbox) {
	t.Helper()
	ctx, client, phone, who := t.Context(), sandbox.Jokul(), sandbox.NewWallet(50_000, 10_000), ovo.JokulCustomer{ID: "c-2", Name: "Rara"}
	binding := must[ovo.JokulBinding](t)(client.Bind(ctx, ovo.JokulBindRequest{Customer: who, Phone: phone.Number, SuccessURL: back, FailureURL: back}))
	sandbox.Complete(binding.RedirectURL)
	token := must[[]ovo.JokulToken](t)(client.Tokens(ctx, who.ID))[0].Token
	must[ovo.Balance](t)(client.Balance(ctx, who.ID, token))
	paid := must[ovo.JokulPayment](t)(client.Pay(ctx, ovo.JokulPayRequest{
		Customer: who, Token: token, Invoice: "J-1", Amount: 20_000, UsePoints: true, First: true, Items: []ovo.JokulItem{{Name: "Kopi", Price: 20_000, Quantity: 1}},
	}))
	page := must[ovo.JokulPayment](t)(client.PayOnPage(ctx, ovo.JokulPayRequest{Customer: who, Token: token, Invoice: "J-2", Amount: 1_000, SuccessURL: back, FailureURL: back}))
	sandbox.Complete(page.RedirectURL)
	_, err := client.Pay(ctx, ovo.JokulPayRequest{Customer: who, Token: token, Invoice: "J-3", Amount: 900_000})
	refused(t, err)
	_, err = client.Pay(ctx, ovo.JokulPayRequest{Customer: who, Token: "nothing", Invoice: "J-4", Amount: 1})
	refused(t, err)
	must[ovo.JokulRefund](t)(client.Refund(ctx, ovo.JokulRefundRequest{Invoice: "J-1", PaymentRequestID: paid.RequestID, Amount: 5_000, RequestID: "again"}))
	must[ovo.JokulRefund](t)(client.Refund(ctx, ovo.JokulRefundRequest{Invoice: "J-1", PaymentRequestID: paid.RequestID, Amount: 5_000, RequestID: "again"}))
	must[ovo.JokulStatus](t)(client.Status(ctx, "J-1"))
	must[ovo.JokulUnbinding](t)(client.Unbind(ctx, ovo.JokulUnbindRequest{CustomerID: who.ID, CustomerName: who.Name, Token: token}))
}

func playPush(t *testing.T, sandbox *ovotest.Sandbox) {
	t.Helper()
	ctx, client, phone := t.Context(), sandbox.Push(), sandbox.NewWallet(50_000, 0)
	for invoice, act := range map[string]func(string){"P-1": phone.Approve, "P-2": phone.Decline} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			act(invoice)
		}()
		paid, err := client.Pay(ctx, ovo.PushRequest{Phone: phone.Number, Invoice: invoice, Amount: 20_000})
		<-done
		if err == nil {
			must[ovo.PushResult](t)(client.Void(ctx, ovo.PushVoidRequest{Phone: phone.Number, Payment: paid}))
		}
		must[ovo.JokulStatus](t)(client.Status(ctx, invoice))
	}
}

func playFaspay(t *testing.T, sandbox *ovotest.Sandbox, format ovo.FaspayFormat) {
	t.Helper()
	sandbox.Call(http.MethodPatch, "/merchants/"+sandbox.Merchant.ID, map[string]any{"faspay": map[string]any{"format": format}}, nil)
	ctx, client, phone := t.Context(), sandbox.Faspay(format), sandbox.NewWallet(50_000, 10_000)
	pay := func(bill string) ovo.FaspayPayment {
		return must[ovo.FaspayPayment](t)(client.Pay(ctx, ovo.FaspayPayRequest{
			Phone: phone.Number, BillNo: bill, Description: "Kopi", Amount: 10_000, CustomerName: "Rara", Email: "rara@shop.test", Purses: ovo.FaspayPointsFirst,
		}))
	}
	must[[]ovo.FaspayTopUp](t)(client.TopUp(ctx, phone.Number))
	activation := must[ovo.FaspayActivation](t)(client.Activate(ctx, ovo.FaspayActivateRequest{Phone: phone.Number, CustomerName: "Rara"}))
	sandbox.Complete(activation.RedirectURL)
	must[ovo.Balance](t)(client.Balance(ctx, phone.Number))
	first := pay(string(format) + "-1")
	sandbox.Complete(first.RedirectURL)
	must[ovo.FaspayStatus](t)(client.Inquire(ctx, ovo.FaspayBill{TrxID: first.TrxID, BillNo: first.BillNo}))
	second := pay(string(format) + "-2")
	must[ovo.FaspayCancellation](t)(client.Cancel(ctx, ovo.FaspayCancelRequest{FaspayBill: ovo.FaspayBill{TrxID: second.TrxID, BillNo: second.BillNo}, Reason: "r"}))
	must[[]ovo.FaspayTransaction](t)(client.History(ctx, ovo.FaspayHistoryQuery{Phone: phone.Number, From: sandbox.Now(), To: sandbox.Now()}))
	phone.Unlink()
	_, err := client.Pay(ctx, ovo.FaspayPayRequest{Phone: phone.Number, BillNo: string(format) + "-3", Description: "Kopi", Amount: 1, CustomerName: "Rara", Email: "rara@shop.test"})
	refused(t, err)
	var refusal *ovo.Error
	if !errors.As(err, &refusal) || refusal.RenewURL == "" {
		t.Fatal(err)
	}
	sandbox.Complete(refusal.RenewURL)
	must[bool](t)(true, client.Unlink(ctx, phone.Number))
	refused(t, client.Unlink(ctx, phone.Number))
}

// checkControl makes every call of the control API.
func checkControl(t *testing.T, sandbox *ovotest.Sandbox, d *document) {
	t.Helper()
	m, phone := sandbox.Merchant.ID, ovotest.Anton
	call := func(method, path string, body any, status int) map[string]any {
		t.Helper()
		got, answer := request(t, method, sandbox.URL+path, body)
		if got != status {
			t.Errorf("%s %s: HTTP %d, want %d: %s", method, path, got, status, answer)
		}
		sent := ""
		if body != nil {
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			sent = string(text)
		}
		if err := d.check(d.find(method, path), got, sent, answer); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
		var object map[string]any
		json.Unmarshal([]byte(answer), &object)
		return object
	}
	api := func(method, path string, body any, status int) map[string]any {
		t.Helper()
		return call(method, "/sandbox/v1"+path, body, status)
	}
	first := func(object map[string]any, list string) string {
		t.Helper()
		items, _ := object[list].([]any)
		if len(items) == 0 {
			t.Fatalf("%s is empty", list)
		}
		id, _ := items[0].(map[string]any)["id"].(string)
		return id
	}
	type o = map[string]any

	for _, path := range []string{"/healthz", "/readyz", "/auditz", "/openapi.json", "/.well-known/gerbang/signing-keys"} {
		call("GET", path, nil, 200)
	}
	api("GET", "/info", nil, 200)
	api("GET", "/merchants", nil, 200)
	other, _ := api("POST", "/merchants", o{"name": "Warung"}, 201)["id"].(string)
	api("GET", "/merchants/"+m, nil, 200)
	api("GET", "/merchants/mch_0", nil, 404)
	api("PATCH", "/merchants/"+other, o{"doku": o{"snap": o{"token_url": ""}}, "faspay": o{"allow": []string{"127.0.0.1"}}}, 200)

	api("GET", "/wallets", nil, 200)
	api("POST", "/wallets", o{"phone": "081355550001", "cash": 1000, "limits": o{"daily_count": 9}}, 201)
	api("POST", "/wallets", o{"phone": "081355550001"}, 409)
	api("PATCH", "/wallets/081355550001", o{"limits": o{"daily_sum": 100_000}}, 200)
	api("POST", "/wallets/081355550001/topup", o{"points": 5}, 200)
	api("POST", "/wallets/081355550001/status", o{"status": "blocked"}, 200)
	api("POST", "/wallets/081355550001/number", o{"phone": "081355550002"}, 200)

	client := sandbox.SNAP()
	binding := must[ovo.Binding](t)(client.Bind(t.Context(), ovo.BindRequest{Phone: phone, CustomerID: "c-9", SuccessURL: back, FailureURL: back}))
	api("GET", "/wallets/"+phone, nil, 200) // has a code
	api("POST", "/pages/complete", o{"url": binding.RedirectURL, "outcome": "approve"}, 200)
	link := first(api("GET", "/wallets/"+phone, nil, 200), "links")
	api("POST", "/wallets/"+phone+"/links/"+link+"/unlink", nil, 200)

	for invoice, act := range map[string]string{"C-1": "approve", "C-2": "decline"} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			sandbox.Push().Pay(t.Context(), ovo.PushRequest{Phone: phone, Invoice: invoice, Amount: 1_000}) // as the scenario below, only its prompt matters
		}()
		sandbox.Wallet(phone).AwaitPrompt(invoice)
		var body any
		if act == "approve" {
			body = o{"use": "points_first"}
		}
		prompt := first(api("GET", "/wallets/"+phone, nil, 200), "prompts")
		api("POST", "/wallets/"+phone+"/prompts/"+prompt+"/"+act, body, 200)
		<-done
	}

	api("GET", "/scenarios", nil, 200)
	scenario, _ := api("POST", "/scenarios", o{"match": o{"operation": "push", "phone": phone}, "outcome": o{"ovo_code": "68"}}, 201)["id"].(string)
	api("DELETE", "/scenarios/"+scenario, nil, 200)
	api("POST", "/scenarios", o{"match": o{"operation": "push", "phone": phone}, "outcome": o{"ovo_code": "68"}, "skip": 0}, 201)
	_, err := sandbox.Push().Pay(t.Context(), ovo.PushRequest{Phone: phone, Invoice: "C-3", Amount: 1_000})
	refused(t, err)

	var payments struct {
		Payments []struct{ ID, Reference, State string }
	}
	sandbox.Call(http.MethodGet, "/payments", nil, &payments)
	api("GET", "/payments?limit=500", nil, 200)
	for _, p := range payments.Payments {
		switch p.Reference {
		case "C-1":
			api("GET", "/payments/"+p.ID, nil, 200)
			api("POST", "/payments/"+p.ID+"/refund", o{"amount": 400, "reason": "r"}, 200)
		case "C-3":
			api("POST", "/payments/"+p.ID+"/reverse", nil, 200)
		}
	}
	notification := first(api("GET", "/notifications?limit=500", nil, 200), "notifications")
	api("GET", "/notifications/"+notification, nil, 200)
	api("POST", "/notifications/"+notification+"/resend", nil, 201)

	api("GET", "/requests/"+first(api("GET", "/requests?limit=500", nil, 200), "requests"), nil, 200)
	api("GET", "/requests/events?dialect=snap", nil, 200)
	api("GET", "/listeners", nil, 200)
	api("POST", "/listeners", o{"merchant": other, "url": "http://127.0.0.1:9"}, 200)

	api("POST", "/snapshots", o{"name": "one"}, 201)
	api("GET", "/snapshots", nil, 200)
	api("POST", "/snapshots/one/load", nil, 200)
	api("DELETE", "/snapshots/one", nil, 200)
	api("GET", "/clock", nil, 200)
	api("POST", "/clock/advance", o{"by": "1s"}, 200)
	api("POST", "/clock/advance", o{"by": "now"}, 400)
	api("POST", "/audit", nil, 200)
	api("POST", "/reset", nil, 200)
}
