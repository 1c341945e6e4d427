package jokul

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

func parse(t testing.TB, body string) wire.Value {
	t.Helper()
	v, err := wire.Parse([]byte(body))
	if err != nil {
		t.Fatalf("Parse(%s): %v", body, err)
	}
	return v
}

func unmarshal(t testing.TB, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("Unmarshal(%s): %v", body, err)
	}
}

// decoders gives all decoders one type.
var decoders = map[string]func(wire.Value) (any, error){
	"binding":   func(v wire.Value) (any, error) { return DecodeBinding(v) },
	"tokens":    func(v wire.Value) (any, error) { return DecodeTokens(v) },
	"balance":   func(v wire.Value) (any, error) { return DecodeBalance(v) },
	"recurring": func(v wire.Value) (any, error) { return DecodeRecurringPayment(v) },
	"payment":   func(v wire.Value) (any, error) { return DecodePayment(v) },
	"refund":    func(v wire.Value) (any, error) { return DecodeRefund(v) },
	"unbinding": func(v wire.Value) (any, error) { return DecodeUnbinding(v) },
	"push":      func(v wire.Value) (any, error) { return DecodePush(v) },
}

const (
	token = "9f2c4a7be1d0438cb65a0e7d31f8c294"
	sum1  = "ce44eb4a57818d9df0ef9c3d4a9ea8c808631dbb808c2a7d978230855a397aef"
)

// bodies holds a complete request per decoder.
var bodies = map[string]string{
	"binding":   `{"customer":{"id":"CUST-7001","name":"Sari Dewi","email":"sari.dewi@mail.example.id","phone":"081298764417","additional_info":"gold"},"ovo_account":{"account_email":"sari.dewi@mail.example.id","account_mobile_phone":"6281298764417","success_registration_url":"https://shop.example.id/ovo/linked","failed_registration_url":"https://shop.example.id/ovo/not-linked"},"service_type":"RECURRING"}`,
	"tokens":    `{"customer":{"id":"CUST-7001"},"token_data":{"type":"WALLET_RECURRING"}}`,
	"balance":   `{"customer":{"id":"CUST-7001"},"ovo_account":{"token_id":"` + token + `"}}`,
	"recurring": `{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"additional_info":{"plan":"monthly"},"order":{"invoice_number":"SUB-2024-000918","line_items":[{"name":"Streaming, May","price":55000,"quantity":1}],"amount":55000},"ovo_account":{"token_id":"` + token + `","payment_use_ovo_point":true,"first_payment":true}}`,
	"payment":   `{"customer":{"id":"CUST-7003"},"order":{"invoice_number":"ONE-2024-0007","amount":49000},"ovo_account":{"token_id":"` + token + `","payment_use_ovo_point":false,"success_payment_url":"https://shop.example.id/ok","failed_payment_url":"https://shop.example.id/fail"}}`,
	"refund":    `{"order":{"invoice_number":"SUB-2024-000918"},"payment":{"original_request_id":"82014"},"refund":{"amount":20000,"reason":"Partial service outage"}}`,
	"unbinding": `{"customer":{"id":"CUST-7001","name":" "},"ovo_account":{"token_id":"` + token + `"}}`,
	"push":      `{"client":{"id":"MCH-0042-17000000000001"},"order":{"invoice_number":"PUSH-2024-0003","amount":27500},"ovo_info":{"ovo_id":"081234567890"},"security":{"check_sum":"` + sum1 + `"}}`,
}

// with replaces text in the complete body of a decoder; an empty old replaces all of it.
func with(t testing.TB, decoder, old, new string) string {
	t.Helper()
	if old == "" {
		return new
	}
	body := strings.Replace(bodies[decoder], old, new, 1)
	if body == bodies[decoder] && old != new {
		t.Fatalf("%s: %q does not occur", decoder, old)
	}
	return body
}

func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	sari := Customer{ID: "CUST-7001", Name: "Sari Dewi"}
	binding := Binding{
		Customer: Customer{ID: "CUST-7001", Name: "Sari Dewi", Email: "sari.dewi@mail.example.id", Phone: "081298764417", AdditionalInfo: "gold"},
		Email:    "sari.dewi@mail.example.id", Phone: "6281298764417",
		SuccessURL: "https://shop.example.id/ovo/linked", FailureURL: "https://shop.example.id/ovo/not-linked",
	}
	phone := func(text string) Binding { b := binding; b.Phone = text; return b }
	items := []LineItem{{"Streaming, May", "55000", "1"}}
	recurring := RecurringPayment{Customer: sari, AdditionalInfo: json.RawMessage(`{"plan":"monthly"}`), Invoice: "SUB-2024-000918", LineItems: items, Amount: 55000, TokenID: token, UsePoints: true, First: true}
	changed := func(change func(*RecurringPayment)) RecurringPayment { r := recurring; change(&r); return r }
	push := Push{ClientID: "MCH-0042-17000000000001", Invoice: "PUSH-2024-0003", Amount: 27500, AmountText: "27500", Phone: "081234567890", CheckSum: sum1}
	pushed := func(change func(*Push)) Push { p := push; change(&p); return p }
	plain := func(r *RecurringPayment) { r.UsePoints, r.First = false, false }
	switches := `"payment_use_ovo_point":true,"first_payment":true`

	for _, test := range []struct {
		name, decoder, old, new string
		want                    any
	}{
		{"sample", "binding", "x", "x", binding},
		{"local phone", "binding", `"6281298764417"`, `"081298764417"`, phone("081298764417")},
		{"plus", "binding", `"6281298764417"`, `"+6281298764417"`, phone("+6281298764417")},
		{"letter case", "binding", `"RECURRING"`, `"Recurring"`, binding},
		{"least", "binding", "", `{"customer":{"id":"c","name":null,"email":"","phone":{},"additional_info":[]},"ovo_account":{"account_email":null,"account_mobile_phone":"0812345678","success_registration_url":"http://localhost:3000","failed_registration_url":"http://localhost:3000"},"service_type":"RECURRING","unknown":[{"a":1}]}`,
			Binding{Customer: Customer{ID: "c"}, Phone: "0812345678", SuccessURL: "http://localhost:3000", FailureURL: "http://localhost:3000"}},
		{"sample", "tokens", "x", "x", Tokens{"CUST-7001", TokenWalletRecurring}},
		{"all types", "tokens", `,"token_data":{"type":"WALLET_RECURRING"}`, ``, Tokens{CustomerID: "CUST-7001"}},
		{"empty type", "tokens", `"WALLET_RECURRING"`, `""`, Tokens{CustomerID: "CUST-7001"}},
		{"empty array", "tokens", `{"type":"WALLET_RECURRING"}`, `[]`, Tokens{CustomerID: "CUST-7001"}},
		{"sample", "balance", "x", "x", Balance{"CUST-7001", token}},
		{"long customer", "balance", `CUST-7001`, strings.Repeat("é", 64), Balance{strings.Repeat("é", 64), token}},
		{"sample", "recurring", "x", "x", recurring},
		{"amount as text", "recurring", `"amount":55000`, `"amount":"55000"`, recurring},
		{"leading zeros", "recurring", `"amount":55000`, `"amount":"0000055000"`, recurring},
		{"largest", "recurring", `"amount":55000`, `"amount":9999999999`, changed(func(r *RecurringPayment) { r.Amount = 9999999999 })},
		{"switches as text", "recurring", switches, `"payment_use_ovo_point":"TRUE","first_payment":"False"`, changed(func(r *RecurringPayment) { r.First = false })},
		{"switches off", "recurring", switches, `"payment_use_ovo_point":false,"first_payment":""`, changed(plain)},
		{"no switches", "recurring", "," + switches, ``, changed(plain)},
		{"empty info", "recurring", `{"plan":"monthly"}`, `{}`, changed(func(r *RecurringPayment) { r.AdditionalInfo = json.RawMessage(`{}`) })},
		{"info as empty array", "recurring", `{"plan":"monthly"}`, `[]`, changed(func(r *RecurringPayment) { r.AdditionalInfo = nil })},
		{"info kept as sent", "recurring", `{"plan":"monthly"}`, `{ "x":"\/é", "override_notification_url":"https://other.example.id/hooks" }`, changed(func(r *RecurringPayment) {
			r.AdditionalInfo = json.RawMessage(`{ "x":"\/é", "override_notification_url":"https://other.example.id/hooks" }`)
			r.NotificationURL = "https://other.example.id/hooks"
		})},
		{"no items", "recurring", `[{"name":"Streaming, May","price":55000,"quantity":1}]`, `[]`, changed(func(r *RecurringPayment) { r.LineItems = nil })},
		{"items", "recurring", `{"name":"Streaming, May","price":55000,"quantity":1}`, `{"quantity":"2"},{"name":"a","price":-1.50e2,"quantity":0.5}`, changed(func(r *RecurringPayment) { r.LineItems = []LineItem{{"", "", "2"}, {"a", "-1.50e2", "0.5"}} })},
		{"long note", "recurring", `"name":"Sari Dewi"`, `"name":"Sari Dewi","additional_info":"` + strings.Repeat("n", 255) + `"`, changed(func(r *RecurringPayment) { r.Customer.AdditionalInfo = strings.Repeat("n", 255) })},
		{"shortest invoice", "recurring", `SUB-2024-000918`, `a_-`, changed(func(r *RecurringPayment) { r.Invoice = "a_-" })},
		{"sample", "payment", "x", "x", Payment{Customer: Customer{ID: "CUST-7003"}, Invoice: "ONE-2024-0007", Amount: 49000, TokenID: token, SuccessURL: "https://shop.example.id/ok", FailureURL: "https://shop.example.id/fail"}},
		{"sample", "refund", "x", "x", Refund{"SUB-2024-000918", "82014", 20000, "Partial service outage"}},
		{"no reason", "refund", `20000,"reason":"Partial service outage"`, `"20000"`, Refund{"SUB-2024-000918", "82014", 20000, ""}},
		{"sample", "unbinding", "x", "x", Unbinding{"CUST-7001", " ", token}},
		{"empty name", "unbinding", `" "`, `""`, Unbinding{"CUST-7001", "", token}},
		{"sample", "push", "x", "x", push},
		{"amount as text", "push", `27500`, `"027500"`, pushed(func(p *Push) { p.AmountText = "027500" })},
		{"largest", "push", `27500`, `999999999999`, pushed(func(p *Push) { p.Amount, p.AmountText = money.Max, "999999999999" })},
		{"international phone", "push", `081234567890`, `6281234567890`, pushed(func(p *Push) { p.Phone = "6281234567890" })},
		{"special characters", "push", `PUSH-2024-0003`, `PUSH/é#1 ?`, pushed(func(p *Push) { p.Invoice = "PUSH/é#1 ?" })},
		{"library", "push", `"security"`, `"additional_info":{"integration":{"name":"lib","version":"1"},"override_notification_url":"http://n.test/x"},"security"`, pushed(func(p *Push) {
			p.AdditionalInfo = json.RawMessage(`{"integration":{"name":"lib","version":"1"},"override_notification_url":"http://n.test/x"}`)
			p.NotificationURL = "http://n.test/x"
		})},
		{"other case of the hash", "push", sum1, strings.ToUpper(sum1), pushed(func(p *Push) { p.CheckSum = strings.ToUpper(sum1) })},
	} {
		t.Run(test.decoder+"/"+test.name, func(t *testing.T) {
			t.Parallel()
			got, err := decoders[test.decoder](parse(t, with(t, test.decoder, test.old, test.new)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const missing, malformed, tooSmall = "missing", "malformed", "range"
	long := func(n int) string { return `"` + strings.Repeat("é", n) + `"` }
	for _, test := range []struct {
		decoder, old, new string
		kind, field       string
	}{
		{"binding", "", `{}`, missing, "customer.id"},
		{"binding", "", `[1]`, malformed, "body"},
		{"binding", "", `null`, malformed, "body"},
		{"binding", `"CUST-7001"`, long(51), malformed, "customer.id"},
		{"binding", `"CUST-7001"`, `7001`, malformed, "customer.id"},
		{"binding", `"CUST-7001"`, `"a\u0000"`, malformed, "customer.id"},
		{"binding", `"CUST-7001"`, `"a\nb"`, malformed, "customer.id"},
		{"binding", `"Sari Dewi"`, long(71), malformed, "customer.name"},
		{"binding", `"sari.dewi@mail.example.id"`, long(256), malformed, "customer.email"},
		{"binding", `"081298764417"`, long(21), malformed, "customer.phone"},
		{"binding", `"gold"`, long(21), malformed, "customer.additional_info"},
		{"binding", `"gold"`, `{"tier":"gold"}`, malformed, "customer.additional_info"},
		{"binding", `"account_email":"sari.dewi@mail.example.id"`, `"account_email":` + long(256), malformed, "ovo_account.account_email"},
		{"binding", `"account_mobile_phone":"6281298764417",`, ``, missing, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `6281298764417`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"62 812 9876"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"+081298764417"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"++6281298764417"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"+"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"08123456"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"081234567890123"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"0212345678"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"62081298764417"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"81298764417"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"6281298764417"`, `"0812987٤٤17"`, malformed, "ovo_account.account_mobile_phone"},
		{"binding", `"https://shop.example.id/ovo/linked"`, `""`, missing, "ovo_account.success_registration_url"},
		{"binding", `"https://shop.example.id/ovo/not-linked"`, `null`, missing, "ovo_account.failed_registration_url"},
		{"binding", `"https://shop.example.id/ovo/linked"`, `"javascript:alert(1)"`, malformed, "ovo_account.success_registration_url"},
		{"binding", `,"service_type":"RECURRING"`, ``, missing, "service_type"},
		{"binding", `"RECURRING"`, `"ONE_TIME"`, malformed, "service_type"},
		{"binding", `"RECURRING"`, `true`, malformed, "service_type"},
		// Missing members win over malformed ones that come before them.
		{"binding", "", `{"customer":{"id":7},"ovo_account":{"account_mobile_phone":"x"}}`, missing, "ovo_account.success_registration_url"},
		{"binding", "", `{"customer":"CUST-7001","ovo_account":7,"service_type":"RECURRING"}`, malformed, "customer"},
		{"binding", "", `{"customer":{"id":"c"},"ovo_account":["x"],"service_type":"RECURRING"}`, malformed, "ovo_account"},

		{"tokens", "", `{"token_data":{"type":"WALLET"}}`, missing, "customer.id"},
		{"tokens", `"CUST-7001"`, long(51), malformed, "customer.id"},
		{"tokens", `"WALLET_RECURRING"`, `"WALLET RECURRING"`, malformed, "token_data.type"},
		{"tokens", `"WALLET_RECURRING"`, `1`, malformed, "token_data.type"},
		{"tokens", `{"type":"WALLET_RECURRING"}`, `"WALLET"`, malformed, "token_data"},

		{"balance", `"CUST-7001"`, long(65), malformed, "customer.id"},
		{"balance", `"` + token + `"`, `null`, missing, "ovo_account.token_id"},
		{"balance", `"` + token + `"`, long(129), malformed, "ovo_account.token_id"},

		{"recurring", `"id":"CUST-7001",`, ``, missing, "customer.id"},
		{"recurring", `"name":"Sari Dewi"`, `"additional_info":` + long(256), malformed, "customer.additional_info"},
		{"recurring", `{"plan":"monthly"}`, `"monthly"`, malformed, "additional_info"},
		{"recurring", `{"plan":"monthly"}`, `[1]`, malformed, "additional_info"},
		{"recurring", `"plan":"monthly"`, `"override_notification_url":"/hooks"`, malformed, "additional_info.override_notification_url"},
		{"recurring", `"plan":"monthly"`, `"override_notification_url":7`, malformed, "additional_info.override_notification_url"},
		{"recurring", `"invoice_number":"SUB-2024-000918",`, ``, missing, "order.invoice_number"},
		{"recurring", `SUB-2024-000918`, `ab`, malformed, "order.invoice_number"},
		{"recurring", `SUB-2024-000918`, strings.Repeat("a", 33), malformed, "order.invoice_number"},
		{"recurring", `SUB-2024-000918`, `SUB/2024`, malformed, "order.invoice_number"},
		{"recurring", `SUB-2024-000918`, `SUB 2024`, malformed, "order.invoice_number"},
		{"recurring", `SUB-2024-000918`, `SÜB-2024`, malformed, "order.invoice_number"},
		{"recurring", `"SUB-2024-000918"`, `2024000918`, malformed, "order.invoice_number"},
		{"recurring", `"line_items":[`, `"line_items":"x","y":[`, malformed, "order.line_items"},
		{"recurring", `"line_items":[`, `"line_items":[7,`, malformed, "order.line_items[0]"},
		{"recurring", `,"quantity":1`, ``, missing, "order.line_items[0].quantity"},
		{"recurring", `"quantity":1`, `"quantity":"one"`, malformed, "order.line_items[0].quantity"},
		{"recurring", `"quantity":1`, `"quantity":true`, malformed, "order.line_items[0].quantity"},
		{"recurring", `"quantity":1`, `"quantity":" 1"`, malformed, "order.line_items[0].quantity"},
		{"recurring", `"quantity":1`, `"quantity":"1 "`, malformed, "order.line_items[0].quantity"},
		{"recurring", `"quantity":1`, `"quantity":"01"`, malformed, "order.line_items[0].quantity"},
		{"recurring", `"price":55000`, `"price":` + strings.Repeat("1", 33), malformed, "order.line_items[0].price"},
		{"recurring", `"Streaming, May"`, long(256), malformed, "order.line_items[0].name"},
		{"recurring", `,"amount":55000`, ``, missing, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":""`, missing, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":0`, tooSmall, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":"000"`, tooSmall, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":-55000`, tooSmall, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":10000000000`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":55000.00`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":"55000.00"`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":5.5e4`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":"+55000"`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":" 55000"`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":"-"`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":"٥٥٠٠٠"`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":true`, malformed, "order.amount"},
		{"recurring", `"amount":55000`, `"amount":{"value":1}`, malformed, "order.amount"},
		{"recurring", `"payment_use_ovo_point":true`, `"payment_use_ovo_point":"yes"`, malformed, "ovo_account.payment_use_ovo_point"},
		{"recurring", `"payment_use_ovo_point":true`, `"payment_use_ovo_point":1`, malformed, "ovo_account.payment_use_ovo_point"},
		{"recurring", `"first_payment":true`, `"first_payment":"t"`, malformed, "ovo_account.first_payment"},
		{"recurring", `"token_id":"` + token + `",`, ``, missing, "ovo_account.token_id"},
		// A malformed member wins over an amount below 1.
		{"recurring", `"amount":55000},"ovo_account":{`, `"amount":0},"ovo_account":{"x":1,`, tooSmall, "order.amount"},
		{"recurring", `"amount":55000},"ovo_account":{"token_id":"` + token + `"`, `"amount":0},"ovo_account":{"token_id":7`, malformed, "ovo_account.token_id"},

		{"payment", `"ONE-2024-0007"`, `"a"`, malformed, "order.invoice_number"},
		{"payment", `"success_payment_url":"https://shop.example.id/ok",`, ``, missing, "ovo_account.success_payment_url"},
		{"payment", `"https://shop.example.id/fail"`, `"shop.example.id"`, malformed, "ovo_account.failed_payment_url"},

		{"refund", "", `{}`, missing, "order.invoice_number"},
		{"refund", `"SUB-2024-000918"`, long(33), malformed, "order.invoice_number"},
		{"refund", `"82014"`, `null`, missing, "payment.original_request_id"},
		{"refund", `"82014"`, long(129), malformed, "payment.original_request_id"},
		{"refund", `20000`, `0`, tooSmall, "refund.amount"},
		{"refund", `20000`, `1000000000000`, malformed, "refund.amount"},
		{"refund", `"Partial service outage"`, long(256), malformed, "refund.reason"},

		{"unbinding", `,"name":" "`, ``, missing, "customer.name"},
		{"unbinding", `" "`, `null`, missing, "customer.name"},
		{"unbinding", `" "`, long(51), malformed, "customer.name"},
		{"unbinding", `" "`, `7`, malformed, "customer.name"},
		{"unbinding", `"` + token + `"`, `""`, missing, "ovo_account.token_id"},

		{"push", "", `{}`, missing, "client.id"},
		{"push", "", `"x"`, malformed, "body"},
		{"push", `"MCH-0042-17000000000001"`, `42`, malformed, "client.id"},
		{"push", `"MCH-0042-17000000000001"`, long(129), malformed, "client.id"},
		{"push", `"PUSH-2024-0003"`, long(65), malformed, "order.invoice_number"},
		{"push", `"PUSH-2024-0003"`, `"a\tb"`, malformed, "order.invoice_number"},
		{"push", `27500`, `27500.0`, malformed, "order.amount"},
		{"push", `27500`, `1000000000000`, malformed, "order.amount"},
		{"push", `27500`, `"Rp27500"`, malformed, "order.amount"},
		{"push", `081234567890`, `+6281234567890`, malformed, "ovo_info.ovo_id"},
		{"push", `081234567890`, `12345678901`, malformed, "ovo_info.ovo_id"},
		{"push", `"081234567890"`, `81234567890`, malformed, "ovo_info.ovo_id"},
		{"push", `"ovo_id":"081234567890"`, `"x":1`, missing, "ovo_info.ovo_id"},
		{"push", `"` + sum1 + `"`, `""`, missing, "security.check_sum"},
		{"push", `"` + sum1 + `"`, `"` + sum1 + `0"`, malformed, "security.check_sum"},
		{"push", `"security":{`, `"additional_info":"x","security":{`, malformed, "additional_info"},
		// Everything else comes before an amount with a response code of its own.
		{"push", `,"amount":27500},"ovo_info":{"ovo_id":"081234567890"`, `},"ovo_info":{"ovo_id":"x"`, malformed, "ovo_info.ovo_id"},
		{"push", `"amount":27500},"ovo_info":{"ovo_id":"081234567890"`, `"amount":0},"ovo_info":{"x":""`, missing, "ovo_info.ovo_id"},
	} {
		name := fmt.Sprintf("%s/%.60s", test.decoder, test.new)
		got, err := decoders[test.decoder](parse(t, with(t, test.decoder, test.old, test.new)))
		var field *FieldError
		if !errors.As(err, &field) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		kind := malformed
		if field.Missing {
			kind = missing
		} else if field.Range {
			kind = tooSmall
		}
		if field.Field != test.field || kind != test.kind || field.Reason == "" || field.Error() != field.Field+" "+field.Reason {
			t.Errorf("%s: %+v (%s), want %s %s", name, field, kind, test.kind, test.field)
		}
		if fresh, _ := decoders[test.decoder](wire.Value{}); !cmp.Equal(got, fresh) {
			t.Errorf("%s: %+v beside an error", name, got)
		}
	}
	_, err := DecodePush(parse(t, with(t, "push", "081234567890", "0812-345")))
	if err == nil || err.Error() != "ovo_info.ovo_id must contain digits only" {
		t.Errorf("error %v", err)
	}
}

// TestDecodePushAmount pins what response code 13 needs: a Push to verify beside
// the error.
func TestDecodePushAmount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		new, text string
		missing   bool
	}{
		{`"amount":0`, "0", false},
		{`"amount":"0"`, "0", false},
		{`"amount":"000"`, "000", false},
		{`"amount":-27500`, "-27500", false},
		{`"amount":null`, "", true},
		{`"amount":""`, "", true},
		{`"amount":{}`, "", true},
		{`"other":1`, "", true},
	} {
		got, err := DecodePush(parse(t, with(t, "push", `"amount":27500`, test.new)))
		var field *FieldError
		if !errors.As(err, &field) || field.Field != "order.amount" || field.Missing != test.missing || field.Range == test.missing {
			t.Errorf("%s: error %+v", test.new, err)
		}
		want := Push{ClientID: "MCH-0042-17000000000001", Invoice: "PUSH-2024-0003", AmountText: test.text, Phone: "081234567890", CheckSum: sum1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.new, diff)
		}
		sum := got.CheckSumFields().Sum(testSecret)
		if want := (CheckSumFields{Amount: test.text, ClientID: want.ClientID, InvoiceNumber: want.Invoice, OVOID: want.Phone}); sum != want.Sum(testSecret) {
			t.Errorf("%s: check_sum %s", test.new, sum)
		}
	}
}

func TestDecodeMissingValue(t *testing.T) {
	t.Parallel()
	for name, decode := range decoders {
		_, err := decode(wire.Value{})
		var field *FieldError
		if !errors.As(err, &field) || !field.Missing {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeKeepsNoBody(t *testing.T) {
	t.Parallel()
	body := []byte(bodies["recurring"])
	v, err := wire.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeRecurringPayment(v)
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	if string(got.AdditionalInfo) != `{"plan":"monthly"}` || got.Invoice != "SUB-2024-000918" || got.LineItems[0].Price != "55000" {
		t.Errorf("decoded %+v after the buffer was reused", got)
	}
}

func TestDecodeURLs(t *testing.T) {
	t.Parallel()
	decode := func(url string) error {
		text, err := wire.Encode(url)
		if err != nil {
			t.Fatal(err)
		}
		_, err = DecodeBinding(parse(t, with(t, "binding", `"https://shop.example.id/ovo/linked"`, string(text))))
		return err
	}
	for _, url := range []string{"http://localhost:3000/cb", "HTTPS://shop.test", "https://[::1]/x", "https://shop.test/a?b=c&d=%20#f", "https://shop.test/" + strings.Repeat("a", maxURL-18)} {
		if err := decode(url); err != nil {
			t.Errorf("%.60q refused: %v", url, err)
		}
	}
	for _, url := range []string{
		"shop.test/ok", "//shop.test/ok", "/ok", "javascript:alert(1)", "ftp://shop.test", "data:text/html,x", "http:shop.test", "http://",
		"http:///x", "http://:80/", "https://user@shop.test", "https://user:secret@shop.test", "https://evil.test\\@shop.test", "https://shop.test/\r\nSet-Cookie: a",
		"https://shop.test/\x00", "https://shop .test", "https://shop.test:port", "https://shop.test/" + strings.Repeat("a", maxURL-17), "https://shop.test/" + strings.Repeat("é", 1500),
	} {
		if decode(url) == nil {
			t.Errorf("%.60q accepted", url)
		}
	}
}

func FuzzDecodeJokul(f *testing.F) {
	for name := range decoders {
		f.Add([]byte(bodies[name]))
	}
	f.Add([]byte(`{"customer":[],"order":{"amount":{},"line_items":[{"quantity":[]},[]]},"ovo_info":{"ovo_id":{"a":1}},"security":7,"additional_info":[0]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := wire.Parse(body)
		if err != nil {
			return
		}
		canonical, err := wire.Parse(v.AppendCanonical(nil))
		if err != nil {
			t.Fatal(err)
		}
		for name, decode := range decoders {
			got, err := decode(v)
			var field *FieldError
			if err != nil && (!errors.As(err, &field) || field.Field == "" || (field.Missing && field.Range)) {
				t.Fatalf("%s: error %v for %s", name, err, body)
			}
			again, againErr := decode(canonical)
			if fmt.Sprint(err) != fmt.Sprint(againErr) || (err == nil && !sameButInfo(got, again)) {
				t.Fatalf("%s reads %s and its canonical form differently: %v, %v", name, body, err, againErr)
			}
			if err != nil {
				continue
			}
			switch r := got.(type) {
			case RecurringPayment:
				amountRoundTrips(t, r.Amount, 10)
				if _, err := wire.Encode(PaymentAnswer{Customer: r.Customer, AdditionalInfo: r.AdditionalInfo, Order: Order{r.Invoice, r.LineItems, Number(r.Amount)}}); err != nil {
					t.Fatalf("what was decoded from %s cannot be repeated: %v", body, err)
				}
			case Payment:
				amountRoundTrips(t, r.Amount, 10)
			case Refund:
				amountRoundTrips(t, r.Amount, 12)
			case Push:
				amountRoundTrips(t, r.Amount, 12)
			}
		}
	})
}

// sameButInfo compares decoded requests without the bytes of additional_info,
// which are kept as sent.
func sameButInfo(a, b any) bool {
	return cmp.Equal(a, b, cmp.Comparer(func(x, y json.RawMessage) bool { return (x == nil) == (y == nil) }))
}

func amountRoundTrips(t *testing.T, a money.Amount, digits int) {
	t.Helper()
	if back, err := money.ParseWhole(a.String()); err != nil || back != a || len(a.String()) > digits {
		t.Fatalf("amount %d: %v", int64(a), err)
	}
}

func BenchmarkDecodePush(b *testing.B) {
	v := parse(b, bodies["push"])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodePush(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRecurringPayment(b *testing.B) {
	v := parse(b, bodies["recurring"])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeRecurringPayment(v); err != nil {
			b.Fatal(err)
		}
	}
}
