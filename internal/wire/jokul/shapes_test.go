package jokul

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// TestShapes pins member names and their order, byte for byte, and reads every
// text back. The requests are those of the decoder tests and the vectors.
func TestShapes(t *testing.T) {
	t.Parallel()
	sari := Customer{ID: "CUST-7001", Name: "Sari Dewi"}
	full := Customer{"CUST-7001", "Sari Dewi", "sari.dewi@mail.example.id", "081298764417", "gold"}
	const fullText = `{"id":"CUST-7001","name":"Sari Dewi","email":"sari.dewi@mail.example.id","phone":"081298764417","additional_info":"gold"}`
	items := []LineItem{{"Streaming, May", "55000", "1"}}
	plan := json.RawMessage(`{"plan":"monthly"}`)
	body := func(vector string) string { return string(readVector(t, "testdata/"+vector+".txt").body) }
	compact := func(text string) string { return string(wire.Strip([]byte(text))) }
	client := ClientRef{"MCH-0042-17000000000001"}
	config := OVOConfiguration{"0004417", "KDI000000004417", "KDI000000004417", "00044171"}
	const configText = `"ovo_configuration":{"merchant_id":"0004417","store_code":"KDI000000004417","mid":"KDI000000004417","tid":"00044171"}`
	paid := OVOPayment{"20240506110031", 126, 402318, 71, "604418", "00", 27500, 122500, 0, 900, 0, StatusSuccess}
	const paidText = `"ovo_payment":{"date":"20240506110031","batch_number":126,"trace_number":402318,"reference_number":71,"approval_code":"604418","response_code":"00","cash_used":27500,"cash_balance":122500,"ovo_points_used":0,"ovo_points_balance":900,"ovo_points_earned":0,"status":"SUCCESS"}`
	declined := OVOPayment{Date: "20240506110412", BatchNumber: 126, TraceNumber: 402319, ReferenceNumber: 72, ResponseCode: "17", Status: StatusFailed}
	intan := OVOInfo{"081234567890", "Intan Maharani"}
	emoney, ovo, channel := Ref{ServiceEMoney}, Ref{AcquirerOVO}, Ref{ChannelOVO}
	done := Transaction{StatusSuccess, "2024-05-06T03:15:21Z", "5b0f3c1e-7a54-4f0e-9a0b-2f6a3d9f7711"}
	total := OrderTotal{"SUB-2024-000917", 55000}
	result := &WalletResult{IssuerOVO, token, "****4417", StatusSuccess}
	const resultText = `"wallet":{"issuer":"OVO","token_id":"` + token + `","masked_phone_number":"****4417","status":"SUCCESS"}`

	for _, test := range []struct {
		value any
		want  string
	}{
		{&BindingRequest{full, BindingAccount{"sari.dewi@mail.example.id", "6281298764417", "https://shop.example.id/ovo/linked", "https://shop.example.id/ovo/not-linked"}, ServiceRecurring}, bodies["binding"]},
		{&TokensRequest{CustomerRef{"CUST-7001"}, &TokenData{TokenWalletRecurring}}, bodies["tokens"]},
		{&TokensRequest{CustomerRef{"CUST-7001"}, nil}, `{"customer":{"id":"CUST-7001"}}`},
		{&BalanceRequest{CustomerRef{"CUST-7001"}, TokenRef{token}}, bodies["balance"]},
		{&RecurringPaymentRequest{sari, plan, Order{"SUB-2024-000918", items, 55000}, RecurringAccount{token, true, true}}, bodies["recurring"]},
		{&RecurringPaymentRequest{sari, nil, Order{"SUB-2024-000917", nil, 55000}, RecurringAccount{token, true, false}}, body("v1_recurring_payment")},
		{&PaymentRequest{Customer{ID: "CUST-7003"}, nil, Order{"ONE-2024-0007", nil, 49000}, PaymentAccount{token, false, "https://shop.example.id/ok", "https://shop.example.id/fail"}}, bodies["payment"]},
		{&RefundRequest{InvoiceRef{"SUB-2024-000918"}, RequestRef{"82014"}, RefundPart{20000, "Partial service outage"}}, bodies["refund"]},
		{&UnbindingRequest{NamedCustomer{"CUST-7001", " "}, TokenRef{token}}, bodies["unbinding"]},
		{&PushRequest{client, OrderTotal{"PUSH-2024-0003", 27500}, OVOID{"081234567890"}, nil, Security{sum1}}, body("v6_push")},

		{&BindingAnswer{full, BindingAnswerAccount{"6281298764417", "https://pay.test/ovo-open-api/registration/sessionId/48?a&b", StatusPending}},
			`{"customer":` + fullText + `,"ovo_account":{"account_mobile_phone":"6281298764417","registration_url":"https://pay.test/ovo-open-api/registration/sessionId/48?a&b","status":"PENDING"}}`},
		{&TokensAnswer{sari, TokenData{TokenWalletRecurring}, Wallets{{IssuerOVO, token, "****4417", ""}}},
			`{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"token_data":{"type":"WALLET_RECURRING"},"wallet":{"issuer":"OVO","token_id":"` + token + `","masked_phone_number":"****4417"}}`},
		{&TokensAnswer{sari, TokenData{TokenWallet}, Wallets{{IssuerOVO, "a", "****0082", TokenWallet}, {IssuerOVO, "b", "****5513", TokenWalletRecurring}}},
			`{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"token_data":{"type":"WALLET"},"wallet":[{"issuer":"OVO","token_id":"a","masked_phone_number":"****0082","type":"WALLET"},{"issuer":"OVO","token_id":"b","masked_phone_number":"****5513","type":"WALLET_RECURRING"}]}`},
		{&BalanceAnswer{full, BalanceAccount{412500, 18250}}, `{"customer":` + fullText + `,"ovo_account":{"ovo_cash_balance":412500,"ovo_point_balance":18250}}`},
		{&PaymentAnswer{sari, plan, Order{"SUB-2024-000918", items, 55000}, nil, PaymentState{StatusSuccess}},
			`{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"additional_info":{"plan":"monthly"},"order":{"invoice_number":"SUB-2024-000918","line_items":[{"name":"Streaming, May","price":55000,"quantity":1}],"amount":55000},"payment":{"status":"SUCCESS"}}`},
		{&PaymentAnswer{sari, nil, Order{"SUB-2024-000917", nil, 55000}, nil, PaymentState{StatusSuccess}}, body("v2_answer")},
		{&PaymentAnswer{Customer{ID: "CUST-7003", Name: "Bagus Pratama"}, nil, Order{"ONE-2024-0007", nil, 49000}, &PaymentAnswerAccount{"https://pay.test/x"}, PaymentState{StatusPending}},
			`{"customer":{"id":"CUST-7003","name":"Bagus Pratama"},"order":{"invoice_number":"ONE-2024-0007","amount":49000},"ovo_account":{"payment_url":"https://pay.test/x"},"payment":{"status":"PENDING"}}`},
		{&RefundAnswer{InvoiceRef{"SUB-2024-000918"}, RequestRef{"82014"}, RefundResult{20000, "Partial service outage", StatusSuccess, "SUCCESS"}},
			`{"order":{"invoice_number":"SUB-2024-000918"},"payment":{"original_request_id":"82014"},"refund":{"amount":20000,"reason":"Partial service outage","status":"SUCCESS","message":"SUCCESS"}}`},
		{&UnbindingAnswer{NamedCustomer{"CUST-7001", "Sari Dewi"}, UnbindingAccount{token, StatusSuccess, "Success Unbinding Ovo Account"}},
			`{"customer":{"id":"CUST-7001","name":"Sari Dewi"},"ovo_account":{"token_id":"` + token + `","status":"SUCCESS","message":"Success Unbinding Ovo Account"}}`},
		{&PushAnswer{client, OrderTotal{"PUSH-2024-0003", 27500}, intan, config, paid, Security{"f6d834d40b5eba5a37b18b8e4bd5d0ee03830bbb088341af61b6cf3be5af6c61"}}, compact(body("cs2_answer"))},
		{&PushAnswer{client, OrderTotal{"PUSH-2024-0004", 27500}, intan, config, declined, Security{"0f36bce915d080323bff12c815695a7334193e03ece8009cb469104909ec865e"}}, compact(body("cs3_answer_declined"))},
		{&Notification{Service: emoney, Acquirer: ovo, Channel: channel, Transaction: done, Order: total, Wallet: result}, body("v4_notification")},
		{&Notification{Service: emoney, Acquirer: ovo, Channel: channel, Transaction: done, Order: total, Customer: &sari, OVOInfo: &intan, OVOConfiguration: &config, OVOPayment: &paid, AdditionalInfo: plan},
			`{"service":{"id":"EMONEY"},"acquirer":{"id":"OVO"},"channel":{"id":"EMONEY_OVO"},"transaction":{"status":"SUCCESS","date":"2024-05-06T03:15:21Z","original_request_id":"5b0f3c1e-7a54-4f0e-9a0b-2f6a3d9f7711"},"order":{"invoice_number":"SUB-2024-000917","amount":55000},"customer":{"id":"CUST-7001","name":"Sari Dewi"},"ovo_info":{"ovo_id":"081234567890","ovo_account_name":"Intan Maharani"},` + configText + `,` + paidText + `,"additional_info":{"plan":"monthly"}}`},
		{&StatusAnswer{Order: total, Transaction: done, Service: emoney, Acquirer: ovo, Channel: channel, Wallet: result},
			`{"order":{"invoice_number":"SUB-2024-000917","amount":55000},"transaction":{"status":"SUCCESS","date":"2024-05-06T03:15:21Z","original_request_id":"5b0f3c1e-7a54-4f0e-9a0b-2f6a3d9f7711"},"service":{"id":"EMONEY"},"acquirer":{"id":"OVO"},"channel":{"id":"EMONEY_OVO"},` + resultText + `}`},
		{&ErrorAnswer{ErrorBody{CodeInvalidHeader, "Header Request-Id is required", TypeInvalidRequest}}, `{"error":{"code":"invalid_header_request","message":"Header Request-Id is required","type":"invalid_request_error"}}`},
	} {
		got, err := wire.Encode(test.value)
		if err != nil || string(got) != test.want {
			t.Errorf("%T, %v\ngot  %s\nwant %s", test.value, err, got, test.want)
			continue
		}
		again := newLike(test.value)
		unmarshal(t, got, again)
		if diff := cmp.Diff(test.value, again); diff != "" {
			t.Errorf("%T read back (-want +got):\n%s", test.value, diff)
		}
	}
	if NewError(CodeNotFound, "x") != (ErrorAnswer{ErrorBody{"not_found", "x", "invalid_request_error"}}) {
		t.Error("NewError")
	}
}

func newLike(value any) any {
	switch value.(type) {
	case *BindingRequest:
		return new(BindingRequest)
	case *TokensRequest:
		return new(TokensRequest)
	case *BalanceRequest:
		return new(BalanceRequest)
	case *RecurringPaymentRequest:
		return new(RecurringPaymentRequest)
	case *PaymentRequest:
		return new(PaymentRequest)
	case *RefundRequest:
		return new(RefundRequest)
	case *UnbindingRequest:
		return new(UnbindingRequest)
	case *PushRequest:
		return new(PushRequest)
	case *BindingAnswer:
		return new(BindingAnswer)
	case *TokensAnswer:
		return new(TokensAnswer)
	case *BalanceAnswer:
		return new(BalanceAnswer)
	case *PaymentAnswer:
		return new(PaymentAnswer)
	case *RefundAnswer:
		return new(RefundAnswer)
	case *UnbindingAnswer:
		return new(UnbindingAnswer)
	case *PushAnswer:
		return new(PushAnswer)
	case *Notification:
		return new(Notification)
	case *StatusAnswer:
		return new(StatusAnswer)
	case *ErrorAnswer:
		return new(ErrorAnswer)
	}
	panic("unknown shape")
}

func TestWallets(t *testing.T) {
	t.Parallel()
	if got, err := wire.Encode(Wallets(nil)); err != nil || string(got) != "[]" {
		t.Errorf("no wallets are printed as %s, %v", got, err)
	}
	if got, err := wire.Encode(Wallets{{Issuer: "<&>", Type: TokenWallet}}); err != nil || string(got) != `{"issuer":"<&>","token_id":"","masked_phone_number":""}` {
		t.Errorf("one wallet is printed as %s, %v", got, err)
	}
	for _, text := range []string{`7`, `"x"`, `{"issuer":7}`, `[7]`} {
		var w Wallets
		if json.Unmarshal([]byte(text), &w) == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Number{
		`55000`: 55000, `55000.00`: 55000, `"55000"`: 55000, `"55000.00"`: 55000, `"0055"`: 55, `0`: 0, `-5`: -5, `null`: 0, `""`: 0, `9007199254740993`: 9007199254740993,
	} {
		n := Number(7)
		if err := json.Unmarshal([]byte(text), &n); text != "null" && (err != nil || n != want) {
			t.Errorf("%s reads as %d, %v", text, n, err)
		}
	}
	for _, text := range []string{`55000.50`, `5.5e4`, `"Rp5"`, `"+5"`, `" 5"`, `".0"`, `true`, `{}`, `[]`, `99999999999999999999`, `"1_000"`, `"0x10"`} {
		var n Number
		if json.Unmarshal([]byte(text), &n) == nil {
			t.Errorf("%s reads as %d", text, n)
		}
	}
}

func TestMaskPhone(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]string{"6281298764417": "****4417", "081298764417": "****4417", "17": "****17", "": "****"} {
		if got := MaskPhone(phone); got != want {
			t.Errorf("MaskPhone(%q) = %q", phone, got)
		}
	}
}

func TestStatusPath(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"SUB-2024-000917":        "/orders/v1/status/SUB-2024-000917",
		"a/b c?d#e%é":            "/orders/v1/status/a%2Fb%20c%3Fd%23e%25%C3%A9",
		strings.Repeat("é", 128): "/orders/v1/status/" + strings.Repeat("%C3%A9", 128),
	} {
		if got := StatusPath(id); got != want {
			t.Errorf("StatusPath(%q) = %q", id, got)
		}
		if got, ok := StatusID(want); !ok || got != id {
			t.Errorf("StatusID(%q) = %q, %v", want, got, ok)
		}
	}
	for _, path := range []string{"", "/orders/v1/status/", "/orders/v1/status", "/orders/v1/status/a/b", "/orders/v1/status/a/", "/orders/v2/status/a", "/orders/v1/status/%zz", "/orders/v1/status/%00", "/orders/v1/status/%ff", "/orders/v1/status/" + strings.Repeat("a", 129)} {
		if got, ok := StatusID(path); ok {
			t.Errorf("StatusID(%q) = %q", path, got)
		}
	}
	if got := len(Paths); got != 8 {
		t.Errorf("%d paths", got)
	}
}

func TestResponseCodes(t *testing.T) {
	t.Parallel()
	codes := map[string]int{}
	payment := 0
	for _, row := range ResponseCodes {
		codes[row.Code]++
		switch row.Applies {
		case AppliesPayment:
			payment++
			if row.Status != StatusSuccess && row.Status != StatusFailed && row.Status != StatusTimeout {
				t.Errorf("%s has status %q", row.Code, row.Status)
			}
		case AppliesQuery:
			if row.Status != "" {
				t.Errorf("%s has status %q", row.Code, row.Status)
			}
		default:
			t.Errorf("%s applies to %q", row.Code, row.Applies)
		}
		if (row.Status == StatusSuccess) != (row.Code == "00") || (row.Status == StatusTimeout) != (row.Code == "68") {
			t.Errorf("%s has status %s", row.Code, row.Status)
		}
		if !regexp.MustCompile(`^[A-Z].*\.$`).MatchString(row.Meaning) || !regexp.MustCompile(`^([0-9A-Z]{2}|-)$`).MatchString(row.Code) {
			t.Errorf("%+v", row)
		}
	}
	if len(ResponseCodes) != 25 || len(codes) != 24 || codes["BR"] != 2 || payment != 21 {
		t.Errorf("%d rows, %d codes, %d of payments", len(ResponseCodes), len(codes), payment)
	}
	if row, ok := FindResponseCode("-"); !ok || row.Status != StatusFailed {
		t.Errorf("FindResponseCode(-) = %+v, %v", row, ok)
	}
	if row, ok := FindResponseCode("BR"); !ok || !strings.Contains(row.Meaning, "JSON") {
		t.Errorf("FindResponseCode(BR) = %+v, %v", row, ok)
	}
	if _, ok := FindResponseCode("99"); ok {
		t.Error("FindResponseCode(99)")
	}
}

// FuzzStatusPath: an id that a path names leads to a path that names it.
func FuzzStatusPath(f *testing.F) {
	for _, seed := range []string{"", PathStatus, PathStatus + "INV%2F1", PathStatus + "%00", PathStatus + "%zz", PathStatus + "a/b", PathStatus + "%c3%28"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		id, ok := StatusID(path)
		if !ok {
			return
		}
		if again, ok := StatusID(StatusPath(id)); !ok || again != id {
			t.Fatalf("%q names %q, whose path names %q", path, id, again)
		}
	})
}
