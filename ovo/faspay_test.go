package ovo_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/ovo"
)

// The merchant, customer and payment of wire/faspay's samples.
const (
	faspayID       = "77001"
	faspayUser     = "bot77001"
	faspayPassword = "demo-Pass1"
	faspayPhone    = "081200001111"
	faspayBill     = "250700000017"
	faspayTrx      = "7700172000000017"
)

var faspayFormats = []ovo.FaspayFormat{ovo.FaspayJSON, ovo.FaspayXML}

// faspaySample reads a message of wire/faspay's testdata in one encoding.
func faspaySample(t testing.TB, name string, f ovo.FaspayFormat) string {
	t.Helper()
	data, err := os.ReadFile("../internal/wire/faspay/testdata/messages/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	json, xml, _ := strings.Cut(string(data), "\n\n")
	if f == ovo.FaspayXML {
		return xml
	}
	return json
}

// faspayGateway is the provider: it takes no request that it could not decode and
// verify, and gives the prepared answer of the service.
type faspayGateway struct {
	t     testing.TB
	url   string
	paths faspay.Paths

	mu     sync.Mutex
	calls  map[faspay.Service][]any // what the Decode… functions made of them
	answer map[faspay.Service]http.HandlerFunc
}

func newFaspayGateway(t testing.TB) *faspayGateway {
	g := &faspayGateway{t: t, paths: faspay.DefaultPaths(), calls: map[faspay.Service][]any{}, answer: map[faspay.Service]http.HandlerFunc{}}
	server := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *faspayGateway) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
	}
	route, ok := g.paths.Find(r.URL.Path)
	if !ok || route.Service == "" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != route.Format.ContentType() {
		g.t.Errorf("%s %s with content type %q", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	doc, err := faspay.Parse(route.Format, body)
	if err != nil {
		g.t.Errorf("%s: %v", body, err)
	}
	head := faspay.ReadHead(route.Service, doc)
	if head.MerchantID != faspayID || !faspay.Verify(faspayUser, faspayPassword, head.Signed, head.Signature).OK {
		g.t.Errorf("%s: wrong merchant or signature", body)
	}
	request, err := decodeFaspay(route.Service, doc)
	if err != nil {
		g.t.Errorf("%s: %v", body, err)
	}
	g.mu.Lock()
	g.calls[route.Service] = append(g.calls[route.Service], request)
	h := g.answer[route.Service]
	g.mu.Unlock()
	if h == nil {
		h = http.NotFound
	}
	h(w, r)
}

func decodeFaspay(s faspay.Service, doc wire.Value) (any, error) {
	switch s {
	case faspay.ServiceActivation:
		return faspay.DecodeActivation(doc)
	case faspay.ServicePayment:
		return faspay.DecodePayment(doc, faspay.ScaleRupiah)
	case faspay.ServiceTopUp:
		return faspay.DecodeTopUp(doc)
	case faspay.ServiceBalance:
		return faspay.DecodeBalance(doc)
	case faspay.ServiceHistory:
		return faspay.DecodeHistory(doc)
	case faspay.ServiceUnlink:
		return faspay.DecodeUnlink(doc)
	case faspay.ServiceInquiry:
		return faspay.DecodeInquiry(doc)
	}
	return faspay.DecodeCancel(doc)
}

func (g *faspayGateway) on(s faspay.Service, status int, body string) {
	g.handle(s, func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) })
}

func (g *faspayGateway) handle(s faspay.Service, h http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer[s] = h
}

// of returns the requests to a service.
func (g *faspayGateway) of(s faspay.Service) []any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]any(nil), g.calls[s]...)
}

func (g *faspayGateway) client(f ovo.FaspayFormat) *ovo.FaspayClient {
	g.t.Helper()
	client, err := ovo.Faspay(ovo.FaspayConfig{
		BaseURL: g.url, MerchantID: faspayID, MerchantName: "Toko Contoh", UserID: faspayUser, Password: faspayPassword, Format: f,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return client
}

var (
	faspayCharge = ovo.FaspayPayRequest{
		Phone: "+6281200001111", BillNo: faspayBill, Description: "Three pens & a ruler", Amount: 45_000,
		CustomerName: "Rara Contoh", Email: "rara@shop.example", Purses: ovo.FaspayPointsFirst,
	}
	faspayPaid = ovo.FaspayBill{TrxID: faspayTrx, BillNo: faspayBill}
)

func wib(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateTime, text, wire.WIB)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Every call is made in both encodings. The gateway must be able to read what was
// meant, and the client what the documented answer says.
func TestFaspayCalls(t *testing.T) {
	t.Parallel()
	for _, f := range faspayFormats {
		g := newFaspayGateway(t)
		client, ctx := g.client(f), t.Context()
		check := func(what string, got, want any, err error) {
			t.Helper()
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s %s: %v (-want +got):\n%s", f, what, err, diff)
			}
		}
		received := func(s faspay.Service, want any) {
			t.Helper()
			calls := g.of(s)
			if len(calls) != 1 {
				t.Fatalf("%s %s: %d calls", f, s, len(calls))
			}
			check("request to "+string(s), calls[0], want, nil)
		}

		g.on(faspay.ServiceActivation, 200, faspaySample(t, "activation_answer", f))
		activation, err := client.Activate(ctx, ovo.FaspayActivateRequest{Phone: faspayPhone, CustomerName: "Rara <Contoh>"})
		if !strings.HasPrefix(activation.RedirectURL, "https://wallet.example/activation?action=otpLinkage&authType=2FA&") {
			t.Errorf("%s redirect URL %q", f, activation.RedirectURL)
		}
		check("activation", activation, ovo.FaspayActivation{RedirectURL: activation.RedirectURL, Status: "ALLOWED", Message: "SUCCESS"}, err)
		received(faspay.ServiceActivation, faspay.Activation{Request: "Account Activation", Phone: faspayPhone, CustName: "Rara <Contoh>"})

		g.on(faspay.ServicePayment, 200, faspaySample(t, "payment_answer", f))
		payment, err := client.Pay(ctx, faspayCharge)
		check("payment", payment, ovo.FaspayPayment{
			BillNo: faspayBill, TrxID: faspayTrx, RedirectURL: "https://wallet.example/pay?refId=0f9d6f0a-5d1e-4c55-8d29-7b6c0a7f7c11",
			State: ovo.StatePending, Status: "PENDING", At: wib(t, "2025-07-01 09:15:00"),
		}, err)
		received(faspay.ServicePayment, faspay.Payment{
			Request: "Payment", BillNo: faspayBill, BillDesc: "Three pens & a ruler", Total: 45_000, Phone: faspayPhone,
			CustName: "Rara Contoh", Email: "rara@shop.example", PayType: faspay.PayBoth,
		})

		g.on(faspay.ServiceTopUp, 200, faspaySample(t, "topup_answer", f))
		ways, err := client.TopUp(ctx, faspayPhone)
		if len(ways) != 5 {
			t.Fatalf("%s: %d ways to top up, %v", f, len(ways), err)
		}
		check("first way", ways[0], ovo.FaspayTopUp{Option: "ATM", Icon: "https://cdn.example/atm.png", URL: "https://help.example/topup/atm"}, err)
		received(faspay.ServiceTopUp, faspay.TopUp{Request: "Top Up Instruction", Merchant: "Toko Contoh", Phone: faspayPhone})

		g.on(faspay.ServiceBalance, 200, faspaySample(t, "balance_answer", f))
		balance, err := client.Balance(ctx, faspayPhone)
		check("balance", balance, ovo.Balance{Cash: 150_000, Points: 2_500}, err)
		received(faspay.ServiceBalance, faspay.Balance{Request: "Check Balance", Phone: faspayPhone})

		g.on(faspay.ServiceHistory, 200, faspaySample(t, "history_answer", f))
		history, err := client.History(ctx, ovo.FaspayHistoryQuery{
			Phone: faspayPhone, From: time.Date(2025, 5, 31, 17, 0, 0, 0, time.UTC), To: wib(t, "2025-07-01 23:59:59"), Page: 2, Limit: 10,
		})
		check("history", history, []ovo.FaspayTransaction{
			{TrxID: faspayTrx, Amount: 45_000, Cash: 42_500, Points: 2_500, Status: "SUCCESS", At: wib(t, "2025-07-01 09:17:41")},
			{TrxID: "7700172000000009", Amount: 18_000, Cash: 18_000, Status: "SUCCESS", At: wib(t, "2025-06-12 20:03:11")},
		}, err)
		received(faspay.ServiceHistory, faspay.History{
			Request: "History Transaction", Merchant: "Toko Contoh", Phone: faspayPhone,
			First: wib(t, "2025-06-01 00:00:00"), Last: wib(t, "2025-07-01 00:00:00"), Page: 2, Limit: 10,
		})

		g.on(faspay.ServiceInquiry, 200, faspaySample(t, "inquiry_answer", f))
		status, err := client.Inquire(ctx, faspayPaid)
		check("status", status, ovo.FaspayStatus{
			FaspayBill: faspayPaid, State: ovo.StateSuccess, StatusCode: "2", Status: "Payment Success", Amount: 45_000,
			Reference: "OVO-883120", PaidAt: wib(t, "2025-07-01 09:17:41"),
		}, err)
		received(faspay.ServiceInquiry, faspay.Inquiry{Request: "Inquiry Payment Status", TrxID: faspayTrx, BillNo: faspayBill})
		g.on(faspay.ServiceInquiry, 200, faspaySample(t, "inquiry_unpaid", f))
		status, err = client.Inquire(ctx, faspayPaid)
		check("status before", status, ovo.FaspayStatus{FaspayBill: faspayPaid, State: ovo.StateInitiated, StatusCode: "0", Status: "Unprocessed"}, err)

		g.on(faspay.ServiceCancel, 200, faspaySample(t, "cancel_answer", f))
		cancelled, err := client.Cancel(ctx, ovo.FaspayCancelRequest{FaspayBill: faspayPaid, Reason: "Sold out"})
		check("cancellation", cancelled, ovo.FaspayCancellation{
			FaspayBill: faspayPaid, State: ovo.StateCancelled, StatusCode: "8", At: wib(t, "2025-07-01 09:20:00"),
		}, err)
		received(faspay.ServiceCancel, faspay.Cancel{
			Request: "Cancel Transaction", TrxID: faspayTrx, Merchant: "Toko Contoh", BillNo: faspayBill, Reason: "Sold out",
		})

		g.on(faspay.ServiceUnlink, 200, faspaySample(t, "unlink_answer", f))
		check("unlink", nil, nil, client.Unlink(ctx, faspayPhone))
		received(faspay.ServiceUnlink, faspay.Unlink{Request: "Unlink", Merchant: "Toko Contoh", Phone: faspayPhone})
	}
}

func TestFaspayRenewal(t *testing.T) {
	t.Parallel()
	for _, f := range faspayFormats {
		g := newFaspayGateway(t)
		g.on(faspay.ServicePayment, 200, faspaySample(t, "renewal_answer", f))
		_, err := g.client(f).Pay(t.Context(), faspayCharge)
		expectError(t, string(f), err, ovo.ErrRenewLink, false)
		var refusal *ovo.Error
		if !errors.As(err, &refusal) || refusal.RenewURL != "https://wallet.example/regenerate?refId=6a1c9b1e-0a33-4a57-b0b5-2d1c8d9b8e12" || refusal.Code != "02" {
			t.Errorf("%s: %+v", f, refusal)
		}
	}
}

func TestFaspayRefusals(t *testing.T) {
	t.Parallel()
	g := newFaspayGateway(t)
	client := g.client(ovo.FaspayJSON)
	flat := func(code string) string { return fmt.Sprintf(`{"response_code":%q,"response_desc":"why"}`, code) }
	early := func(code string) string {
		return fmt.Sprintf(`{"response_error":{"response_code":%q,"response_desc":"why"}}`, code)
	}
	for name, test := range map[string]struct {
		status  int
		body    string
		kind    error
		unknown bool
	}{
		"failed":             {200, flat("01"), ovo.ErrRefused, false},
		"a number":           {200, `{"response_code":1,"response_desc":"why"}`, ovo.ErrRefused, false},
		"HTTP 400":           {400, flat("01"), ovo.ErrRefused, false},
		"merchant":           {200, early("03"), ovo.ErrUnauthorized, false},
		"amount":             {200, early("13"), ovo.ErrInvalidAmount, false},
		"order":              {200, flat("14"), ovo.ErrNotFound, false},
		"number":             {200, flat("18"), ovo.ErrWalletUnavailable, false},
		"format":             {200, early("30"), ovo.ErrInvalidRequest, false},
		"service":            {200, early("40"), ovo.ErrInvalidRequest, false},
		"signature":          {200, early("55"), ovo.ErrUnauthorized, false},
		"address":            {200, early("56"), ovo.ErrUnauthorized, false},
		"suspended":          {200, early("63"), ovo.ErrUnauthorized, false},
		"paid":               {200, flat("81"), ovo.ErrDuplicate, false},
		"channel":            {200, early("82"), ovo.ErrUnauthorized, false},
		"missing":            {200, early("83"), ovo.ErrInvalidRequest, false},
		"undocumented":       {200, flat("77"), ovo.ErrRefused, false},
		"internal":           {200, flat("66"), ovo.ErrUnavailable, true},
		"malfunction":        {500, early("96"), ovo.ErrUnavailable, true},
		"refusal with 500":   {500, flat("01"), ovo.ErrUnavailable, true},
		"success with 500":   {500, faspaySample(t, "payment_answer", ovo.FaspayJSON), ovo.ErrUnavailable, true},
		"proxy":              {502, "<html>Bad Gateway</html>", ovo.ErrUnavailable, true},
		"not JSON":           {200, "OK", ovo.ErrUnavailable, true},
		"cut":                {200, `{"response":"Payment","response_code":"0`, ovo.ErrUnavailable, true},
		"no code":            {200, `{}`, ovo.ErrUnavailable, true},
		"twice":              {200, `{"response_code":"00","response_code":"01"}`, ovo.ErrUnavailable, true},
		"nothing but 00":     {200, flat("00"), ovo.ErrUnavailable, true},
		"no page":            {200, `{"response_code":"00","trx_id":"1","status":"PENDING"}`, ovo.ErrUnavailable, true},
		"another order":      {200, `{"response_code":"00","trx_id":"1","redirectURL":"https://w.test","bill_no":"2"}`, ovo.ErrUnavailable, true},
		"another amount":     {200, `{"response_code":"00","trx_id":"1","redirectURL":"https://w.test","amount":"4500000"}`, ovo.ErrUnavailable, true},
		"a word for pending": {200, `{"response_code":"00","trx_id":"1","redirectURL":"https://w.test","status":"PROCESSING"}`, nil, false},
		"charged at once":    {200, `{"response_code":"00","trx_id":"1","status":"SUCCESS"}`, nil, false},
	} {
		g.on(faspay.ServicePayment, test.status, test.body)
		_, err := client.Pay(t.Context(), faspayCharge)
		expectError(t, name, err, test.kind, test.unknown)
	}

	bill := ovo.FaspayCancelRequest{FaspayBill: faspayPaid, Reason: "Sold out"}
	for name, test := range map[string]struct {
		body    string
		kind    error
		unknown bool
	}{
		"paid":    {flat("81"), ovo.ErrRefused, false},
		"expired": {flat("54"), ovo.ErrRefused, false},
		"still 0": {`{"response_code":"00","bill_no":"250700000017","payment_status_code":"0"}`, ovo.ErrUnavailable, true},
	} {
		g.on(faspay.ServiceCancel, 200, test.body)
		_, err := client.Cancel(t.Context(), bill)
		expectError(t, "cancel "+name, err, test.kind, test.unknown)
	}

	for name, test := range map[string]struct {
		body string
		kind error
	}{
		"code 14":       {flat("14"), ovo.ErrNotFound},
		"status 5":      {`{"response_code":"00","trx_id":"7700172000000017","bill_no":"250700000017","payment_status_code":"5"}`, ovo.ErrNotFound},
		"no status":     {`{"response_code":"00","trx_id":"7700172000000017","bill_no":"250700000017"}`, ovo.ErrUnavailable},
		"another order": {`{"response_code":"00","trx_id":"7700172000000017","bill_no":"1","payment_status_code":"2"}`, ovo.ErrUnavailable},
	} {
		g.on(faspay.ServiceInquiry, 200, test.body)
		_, err := client.Inquire(t.Context(), faspayPaid)
		expectError(t, "inquire "+name, err, test.kind, false)
	}
}

// A read is repeated once when the connection breaks, a payment never.
func TestFaspayBrokenConnections(t *testing.T) {
	t.Parallel()
	g := newFaspayGateway(t)
	client := g.client(ovo.FaspayXML)
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	once := func(s faspay.Service, answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if len(g.of(s)) == 1 {
				abort(w, r)
			}
			reply(w, 200, answer)
		}
	}
	g.handle(faspay.ServiceBalance, once(faspay.ServiceBalance, faspaySample(t, "balance_answer", ovo.FaspayXML)))
	if b, err := client.Balance(t.Context(), faspayPhone); err != nil || b.Cash != 150_000 {
		t.Errorf("%+v, %v", b, err)
	}
	g.handle(faspay.ServicePayment, once(faspay.ServicePayment, faspaySample(t, "payment_answer", ovo.FaspayXML)))
	_, err := client.Pay(t.Context(), faspayCharge)
	expectError(t, "pay", err, ovo.ErrUnavailable, true)
	if n := len(g.of(faspay.ServicePayment)); n != 1 {
		t.Errorf("sent %d times", n)
	}
	if _, err := client.Pay(t.Context(), faspayCharge); err != nil {
		t.Error(err)
	}
	calls := g.of(faspay.ServicePayment)
	if diff := cmp.Diff(calls[0], calls[1]); diff != "" {
		t.Errorf("the repeat differs:\n%s", diff)
	}
}

func TestFaspayAmountScale(t *testing.T) {
	t.Parallel()
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = r.URL.Path + " " + string(body)
		answers := map[string]string{
			"/v2/cvr/9/json": strings.Replace(faspaySample(t, "payment_answer", ovo.FaspayJSON), `"45000"`, `"4500000"`, 1),
			"/v2/cvr/8/json": strings.Replace(faspaySample(t, "balance_answer", ovo.FaspayJSON), `"2500"`, `"250050"`, 1),
		}
		reply(w, 200, answers[r.URL.Path])
	}))
	defer server.Close()
	client, err := ovo.Faspay(ovo.FaspayConfig{
		BaseURL: server.URL, MerchantID: faspayID, MerchantName: "Toko", UserID: faspayUser, Password: faspayPassword, AmountScale: 100,
		Paths: ovo.FaspayPaths{JSON: "/v2/cvr/{service}/json", Pay: "9", Balance: "8"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Pay(t.Context(), faspayCharge); err != nil || !strings.Contains(sent, `"bill_total":"4500000"`) {
		t.Errorf("sent %s, %v", sent, err)
	}
	// Half a rupiah is not rounded away.
	_, err = client.Balance(t.Context(), faspayPhone)
	expectError(t, "half a rupiah", err, ovo.ErrUnavailable, false)
}

func TestFaspayRequestsThatAreNotSent(t *testing.T) {
	t.Parallel()
	g := newFaspayGateway(t)
	for _, f := range faspayFormats {
		client, ctx := g.client(f), t.Context()
		for name, test := range map[string]struct {
			change func(*ovo.FaspayPayRequest)
			kind   error
		}{
			"phone":       {func(r *ovo.FaspayPayRequest) { r.Phone = "0812-0000-1111" }, ovo.ErrInvalidRequest},
			"short phone": {func(r *ovo.FaspayPayRequest) { r.Phone = "08120000" }, ovo.ErrInvalidRequest},
			"long phone":  {func(r *ovo.FaspayPayRequest) { r.Phone = "62812000011112223" }, ovo.ErrInvalidRequest},
			"bill":        {func(r *ovo.FaspayPayRequest) { r.BillNo = "" }, ovo.ErrInvalidRequest},
			"bill's form": {func(r *ovo.FaspayPayRequest) { r.BillNo = "INV 1" }, ovo.ErrInvalidRequest},
			"long bill":   {func(r *ovo.FaspayPayRequest) { r.BillNo = strings.Repeat("1", 33) }, ovo.ErrInvalidRequest},
			"description": {func(r *ovo.FaspayPayRequest) { r.Description = "" }, ovo.ErrInvalidRequest},
			"name":        {func(r *ovo.FaspayPayRequest) { r.CustomerName = "Rara\x00" }, ovo.ErrInvalidRequest},
			"email":       {func(r *ovo.FaspayPayRequest) { r.Email = "" }, ovo.ErrInvalidRequest},
			"purses":      {func(r *ovo.FaspayPayRequest) { r.Purses = "3" }, ovo.ErrInvalidRequest},
			"zero":        {func(r *ovo.FaspayPayRequest) { r.Amount = 0 }, ovo.ErrInvalidAmount},
			"much":        {func(r *ovo.FaspayPayRequest) { r.Amount = 1_000_000_000_000 }, ovo.ErrInvalidAmount},
		} {
			r := faspayCharge
			test.change(&r)
			_, err := client.Pay(ctx, r)
			expectError(t, string(f)+" "+name, err, test.kind, false)
		}
		day := wib(t, "2025-07-01 00:00:00")
		for name, q := range map[string]ovo.FaspayHistoryQuery{
			"no days":  {Phone: faspayPhone},
			"reversed": {Phone: faspayPhone, From: day.AddDate(0, 0, 1), To: day},
			"page":     {Phone: faspayPhone, From: day, To: day, Page: -1},
			"limit":    {Phone: faspayPhone, From: day, To: day, Limit: 101},
		} {
			_, err := client.History(ctx, q)
			expectError(t, "history "+name, err, ovo.ErrInvalidRequest, false)
		}
		_, err := client.Inquire(ctx, ovo.FaspayBill{BillNo: faspayBill})
		expectError(t, "inquire without TrxID", err, ovo.ErrInvalidRequest, false)
		_, err = client.Cancel(ctx, ovo.FaspayCancelRequest{FaspayBill: faspayPaid})
		expectError(t, "cancel without reason", err, ovo.ErrInvalidRequest, false)
		expectError(t, "unlink", client.Unlink(ctx, "12"), ovo.ErrInvalidRequest, false)
		_, err = client.Activate(ctx, ovo.FaspayActivateRequest{Phone: faspayPhone})
		expectError(t, "activate", err, ovo.ErrInvalidRequest, false)
	}
	r := faspayCharge
	r.Description = "no character of XML: \uffff"
	_, err := g.client(ovo.FaspayXML).Pay(t.Context(), r)
	expectError(t, "no character of XML", err, ovo.ErrInvalidRequest, false)
	for s, calls := range g.calls {
		t.Errorf("%s was called: %v", s, calls)
	}
}

func TestFaspayConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ovo.FaspayConfig){
		"BaseURL":      func(c *ovo.FaspayConfig) { c.BaseURL = "https://host/path" },
		"MerchantID":   func(c *ovo.FaspayConfig) { c.MerchantID = "bot77001" },
		"MerchantName": func(c *ovo.FaspayConfig) { c.MerchantName = "" },
		"UserID":       func(c *ovo.FaspayConfig) { c.UserID = "" },
		"Password":     func(c *ovo.FaspayConfig) { c.Password = "" },
		"Format":       func(c *ovo.FaspayConfig) { c.Format = "yaml" },
		"AmountScale":  func(c *ovo.FaspayConfig) { c.AmountScale = 10 },
		"Paths":        func(c *ovo.FaspayConfig) { c.Paths.Pay = "100037" },
	} {
		c := ovo.FaspayConfig{BaseURL: ovo.FaspaySandbox, MerchantID: faspayID, MerchantName: "Toko", UserID: faspayUser, Password: faspayPassword}
		change(&c)
		if _, err := ovo.Faspay(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaspayReturn(t *testing.T) {
	t.Parallel()
	client := newFaspayGateway(t).client(ovo.FaspayJSON)
	r := faspay.Return{
		TrxID: faspayTrx, MerchantID: faspayID, Merchant: "Toko Contoh", BillNo: faspayBill, BillRef: "9", BillTotal: "45000",
		Status: faspay.StatusSuccess, Signature: "5d22c6c9b95bec76c6c85899d22d4265aaff0f6f",
	}
	query := func(change func(*faspay.Return)) string {
		changed := r
		change(&changed)
		address, err := changed.URL("https://shop.example/paid?order=9&tag=a&tag=b")
		if err != nil {
			t.Fatal(err)
		}
		_, query, _ := strings.Cut(address, "?")
		return query
	}
	back, err := client.ReadReturn(query(func(*faspay.Return) {}))
	want := ovo.FaspayReturn{FaspayBill: faspayPaid, State: ovo.StateSuccess, StatusCode: "2", Amount: 45_000}
	if err != nil || back != want {
		t.Errorf("%+v, %v", back, err)
	}
	for name, change := range map[string]func(*faspay.Return){
		"status":   func(r *faspay.Return) { r.Status = faspay.StatusFailed },
		"bill":     func(r *faspay.Return) { r.BillNo = "250700000018" },
		"merchant": func(r *faspay.Return) { r.MerchantID = "77002" },
	} {
		_, err := client.ReadReturn(query(change))
		expectError(t, name, err, ovo.ErrSignature, false)
	}
	for name, bad := range map[string]string{
		"no signature": query(func(r *faspay.Return) { r.Signature = "" }),
		"amount":       query(func(r *faspay.Return) { r.BillTotal = "45.000" }),
		"twice":        query(func(*faspay.Return) {}) + "&status=3",
		"malformed":    "status=%zz",
	} {
		_, err := client.ReadReturn(bad)
		expectError(t, name, err, ovo.ErrInvalidRequest, false)
	}
}
