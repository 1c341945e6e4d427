package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

func TestScenarioMatch(t *testing.T) {
	t.Parallel()
	b := open(t)
	other, err := b.gateway.CreateMerchant(t.Context(), gateway.Merchant{Name: "Lain", DOKU: gateway.DOKU{ClientID: "MCH-OTHER", SecretKey: "SK-x"}})
	if err != nil {
		t.Fatal(err)
	}
	seed := b.merchant.ID
	for _, tc := range []struct {
		match string
		op    gateway.Operation
		want  bool
	}{
		{`{}`, gateway.Operation{Name: gateway.OpBind, Merchant: seed, Phone: anton}, true},
		{`{}`, gateway.Operation{Name: gateway.OpStatus, Merchant: seed}, true},
		{`{"phone":"+6281211111111"}`, gateway.Operation{Name: gateway.OpPush, Merchant: seed, Phone: anton}, true},
		{`{"phone":"6281211111111"}`, gateway.Operation{Name: gateway.OpPush, Merchant: seed, Phone: citra}, false},
		{`{"phone":"081211111111"}`, gateway.Operation{Name: gateway.OpStatus, Merchant: seed}, false},
		{`{"client_id":"MCH-OTHER"}`, gateway.Operation{Name: gateway.OpPush, Merchant: other.ID, Phone: anton}, true},
		{`{"client_id":"MCH-OTHER"}`, gateway.Operation{Name: gateway.OpPush, Merchant: seed, Phone: anton}, false},
		{`{"client_id":"MCH-OTHER"}`, gateway.Operation{Name: gateway.OpPush, Merchant: "nobody", Phone: anton}, false},
		{`{"operation":"refund"}`, gateway.Operation{Name: gateway.OpRefund, Merchant: seed}, true},
		{`{"operation":"refund"}`, gateway.Operation{Name: gateway.OpPush, Merchant: seed, Phone: anton}, false},
		{`{"phone":"081211111111","client_id":"MCH-OTHER","operation":"push"}`, gateway.Operation{Name: gateway.OpPush, Merchant: other.ID, Phone: anton}, true},
		{`{"phone":"081211111111","client_id":"MCH-OTHER","operation":"push"}`, gateway.Operation{Name: gateway.OpPayment, Merchant: other.ID, Phone: anton}, false},
	} {
		id := at(t, b.api("POST", "/scenarios", `{"match":`+tc.match+`,"outcome":{"ovo_code":"61"}}`, 201), "id").(string)
		outcome, got := b.sandbox.Scenarios.Force(t.Context(), tc.op)
		if got != tc.want || got && outcome.Code != gateway.LimitExceeded {
			t.Errorf("%s for %+v: %v %+v", tc.match, tc.op, got, outcome)
		}
		if !tc.want {
			b.api("DELETE", "/scenarios/"+id, "", 200)
		}
		b.api("DELETE", "/scenarios/"+id, "", 404) // used up, or deleted
	}
}

func TestScenarioOrderAndTimes(t *testing.T) {
	t.Parallel()
	b := open(t)
	first := b.api("POST", "/scenarios", `{"match":{"operation":"push"},"outcome":{"ovo_code":"26"},"times":2}`, 201)
	b.api("POST", "/scenarios", `{"outcome":{"error":"unavailable"}}`, 201)
	if got := fmt.Sprint(first["left"], first["times"]); got != "22" {
		t.Errorf("left and times: %s", got)
	}
	var got []gateway.Code
	for i := range 4 {
		got = append(got, b.push(anton, fmt.Sprint("I", i), 1_000).Reason)
	}
	want := []gateway.Code{gateway.PushUndelivered, gateway.PushUndelivered, gateway.Unavailable, gateway.Internal}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if list := at(t, b.api("GET", "/scenarios", "", 200), "scenarios").([]any); len(list) != 0 {
		t.Errorf("left over: %v", list)
	}
}

func TestScenarioCountsExactlyUnderLoad(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.api("POST", "/scenarios", `{"match":{"client_id":"`+b.merchant.DOKU.ClientID+`"},"outcome":{"ovo_code":"40"},"times":17}`, 201)
	var forced atomic.Int64
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() {
			if _, ok := b.sandbox.Scenarios.Force(t.Context(), gateway.Operation{Name: gateway.OpPush, Merchant: b.merchant.ID, Phone: anton}); ok {
				forced.Add(1)
			}
		})
	}
	running.Wait()
	if forced.Load() != 17 {
		t.Errorf("forced %d times, want 17", forced.Load())
	}
}

// A delay is one of the gateway's clock, which the test moves.
func TestScenarioDelay(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.api("POST", "/scenarios", `{"outcome":{"ovo_code":"00","delay":"10m"}}`, 201)
	started := make(chan gateway.PushStatus, 1)
	go func() {
		s, err := b.tryPush(anton, "I", 1_000)
		if err != nil {
			t.Error(err)
		}
		started <- s
	}()
	for len(at(t, b.api("GET", "/scenarios", "", 200), "scenarios").([]any)) > 0 { // until the call is in
	}
	if wallet := b.api("GET", "/wallets/"+anton, "", 200); len(at(t, wallet, "prompts").([]any)) != 0 {
		t.Error("the prompt came before the delay was over")
	}
	// However the call and the clock race, the second step is past the delay.
	b.api("POST", "/clock/advance", `{"by":"10m"}`, 200)
	b.api("POST", "/clock/advance", `{"by":"10m"}`, 200)
	if s := <-started; s.Payment.State != gateway.PaymentAwaiting {
		t.Errorf("%+v", s.Payment)
	}

	// A caller who leaves does not wait it out.
	b.api("POST", "/scenarios", `{"outcome":{"delay":"10m"}}`, 201)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := b.gateway.StartPush(ctx, gateway.StartPush{Merchant: b.merchant.ID, Phone: anton}); !errors.Is(err, context.Canceled) {
		t.Errorf("left: %v", err)
	}
}

func TestScenarioResetAndRefusals(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.api("POST", "/scenarios", `{"outcome":{"ovo_code":"61"},"times":5}`, 201)
	b.api("POST", "/reset", "", 200)
	if list := at(t, b.api("GET", "/scenarios", "", 200), "scenarios").([]any); len(list) != 0 {
		t.Errorf("left over: %v", list)
	}
	for _, body := range []string{
		`{}`, `{"outcome":{}}`, `{"outcome":{"ovo_code":"99"}}`, `{"outcome":{"error":"broken"}}`, `{"outcome":{"ovo_code":"61","error":"unavailable"}}`,
		`{"outcome":{"delay":"-1s"}}`, `{"outcome":{"delay":"10m1s"}}`, `{"outcome":{"delay":"soon"}}`,
		`{"outcome":{"ovo_code":"61"},"times":0}`, `{"outcome":{"ovo_code":"61"},"times":-1}`, `{"outcome":{"ovo_code":"61"},"times":1000001}`,
		`{"match":{"phone":"0712"},"outcome":{"ovo_code":"61"}}`, `{"match":{"operation":"buy"},"outcome":{"ovo_code":"61"}}`,
		`{"match":{"colour":"red"},"outcome":{"ovo_code":"61"}}`,
		`{"outcome":{"ovo_code":"61"},"skip":-1}`, `{"outcome":{"ovo_code":"61"},"every":1000001}`, `{"outcome":{"answer":"found"}}`,
		`{"outcome":{"notification":"lost"}}`, `{"match":{"operation":"notification"},"outcome":{"ovo_code":"61"}}`,
		`{"match":{"operation":"notification"},"outcome":{"notification":"eaten"}}`,
		`{"match":{"operation":"notification"},"outcome":{"notification":"lost","delay":"1s"}}`,
		`{"match":{"event":"payment.failed"},"outcome":{"ovo_code":"61"}}`,
	} {
		b.api("POST", "/scenarios", body, 400)
	}
	if operations := at(t, b.api("GET", "/scenarios", "", 200), "operations").([]any); len(operations) != len(gateway.Operations)+1 {
		t.Errorf("operations: %v", operations)
	}
}

// The outcome falls on those operations that the rule says, and on no others.
func TestScenarioRules(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule string
		want string // of ten pushes, 1 for each that was refused
	}{
		{`"times":2`, "1100000000"},
		{`"times":2,"skip":3`, "0001100000"},
		{`"times":9,"every":3`, "0010010010"},
		{`"times":2,"every":3`, "0010010000"},
		{`"times":9,"skip":1,"every":4`, "0000100010"},
		{`"match":{"reference":"INV-4"},"times":9`, "0000100000"},
		{`"match":{"reference":"INV-*"},"times":9`, "1111111110"},
		{`"match":{"amount":5007},"times":9`, "0000000100"},
		{`"match":{"operation":"push","client_id":"MCH-0001-10791114622547","phone":"6281211111111"},"times":1`, "1000000000"},
		{`"match":{"operation":"push","client_id":"MCH-2"},"times":1`, "0000000000"},
		{`"match":{"operation":"payment"},"times":1`, "0000000000"},
	} {
		b := open(t)
		b.api("POST", "/scenarios", `{"outcome":{"ovo_code":"61"},`+test.rule+`}`, 201)
		got := ""
		for i := range 10 {
			if b.push(anton, fmt.Sprint("INV-", i), money.Amount(5000+i)).Reason == gateway.LimitExceeded {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.rule, got, test.want)
		}
	}
}

// One that is not in its turn lets the next one have the operation.
func TestScenariosInOrder(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.api("POST", "/scenarios", `{"outcome":{"ovo_code":"61"},"every":2}`, 201)
	b.api("POST", "/scenarios", `{"outcome":{"ovo_code":"64"},"times":2}`, 201)
	for i, want := range []gateway.Code{gateway.WalletBlocked, gateway.LimitExceeded, gateway.WalletBlocked, gateway.Internal} {
		if got := b.push(anton, fmt.Sprint("I-", i), 1000).Reason; got != want {
			t.Errorf("push %d: %q, want %q", i, got, want)
		}
	}
}

func TestMagicNumbers(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.api("POST", "/scenarios", `{"outcome":{"error":"unavailable"}}`, 201)
	want := map[string]gateway.Code{
		"00": gateway.Internal, "13": gateway.AmountInvalid, "14": gateway.WalletUnknown, "17": gateway.Cancelled, "25": gateway.NotFound,
		"26": gateway.PushUndelivered, "40": gateway.IssuerFault, "54": gateway.StatusTooOld, "56": gateway.CardBlocked, "58": gateway.NotPermitted,
		"61": gateway.LimitExceeded, "63": gateway.PINWrong, "64": gateway.WalletBlocked, "65": gateway.CountExceeded, "67": gateway.BelowMinimum,
		"68": gateway.OutcomePending, "73": gateway.Reversed, "94": gateway.Duplicate, "96": gateway.QueryInvalid, "ER": gateway.Unavailable,
		"EB": gateway.TerminalBlocked, "TO": gateway.ClockSkew, "BR": gateway.Invalid, "-": gateway.Expired,
	}
	documented := map[string]bool{}
	for _, row := range jokul.ResponseCodes {
		documented[row.Code] = true
	}
	phones := map[string]bool{}
	for i, row := range at(t, b.api("GET", "/scenarios", "", 200), "magic").([]any) {
		phone, code := at(t, row, "phone").(string), at(t, row, "ovo_code").(string)
		if at(t, row, "meaning") == "" || phones[phone] || !documented[code] {
			t.Errorf("magic number %v", row)
		}
		phones[phone] = true
		delete(documented, code)

		p := b.push(gateway.Phone(phone), fmt.Sprint("M", i), 5_000)
		if p.Reason != want[code] || p.State == gateway.PaymentSucceeded || p.State == gateway.PaymentAwaiting != (code == "00") {
			t.Errorf("%s: the push is %s for %q, want %q", code, p.State, p.Reason, want[code])
		}
		wallet := b.api("GET", "/wallets/+62"+phone[1:], "", 200)
		if got := fmt.Sprint(wallet["name"], wallet["pin"], wallet["cash"]); got != "Magic "+code+pin+"1000000" {
			t.Errorf("%s: wallet %s", code, got)
		}
	}
	if len(documented) > 0 {
		t.Errorf("no magic number for %v", slices.Sorted(maps.Keys(documented)))
	}
	if left := at(t, b.api("GET", "/scenarios", "", 200), "scenarios", 0, "left").(json.Number); left != "1" {
		t.Errorf("magic numbers used up a scenario: %s left", left)
	}
	b.auditClean()
}

// A wallet of a magic number can be bound, and then refuses payments by token.
func TestMagicNumberBound(t *testing.T) {
	t.Parallel()
	b := open(t)
	binding, page, err := b.gateway.StartBinding(t.Context(), gateway.StartBinding{
		Merchant: b.merchant.ID, Phone: "081900000061", CustomerID: "C1", Dialect: "jokul", RequestID: "r1",
	})
	if err != nil {
		t.Fatal(err)
	}
	b.api("POST", "/pages/complete", `{"url":"https://pages.test/`+page.Key+`"}`, 200)
	_, _, err = b.gateway.CreatePayment(t.Context(), gateway.CreatePayment{
		Merchant: b.merchant.ID, Binding: binding.ID, Channel: gateway.JokulRecurring, Dialect: "jokul", Reference: "R1", Amount: 5_000, Use: ledger.UseCash,
	})
	if gateway.ErrorCode(err) != gateway.LimitExceeded {
		t.Errorf("payment: %v", err)
	}
}

// Opening magic wallets lazily keeps the start fast, whatever a PIN costs.
func TestSeedOpensNoMagicWallet(t *testing.T) {
	t.Parallel()
	b := open(t)
	if wallets := at(t, b.api("GET", "/wallets", "", 200), "wallets").([]any); len(wallets) != 2 {
		t.Errorf("%d wallets", len(wallets))
	}
	var opening sync.WaitGroup
	for range 10 {
		opening.Go(func() { b.api("GET", "/wallets/081900000040", "", 200) })
	}
	opening.Wait()
	if wallets := at(t, b.api("GET", "/wallets", "", 200), "wallets").([]any); len(wallets) != 3 {
		t.Errorf("%d wallets", len(wallets))
	}
	b.api("GET", "/wallets/081900000099", "", 404)
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	b := open(t)
	p := b.push(anton, "INV-1", 12_500)
	prompt := at(t, b.api("GET", "/wallets/6281211111111", "", 200), "prompts", 0)
	if got := fmt.Sprint(at(t, prompt, "id"), at(t, prompt, "merchant"), at(t, prompt, "invoice_number"), at(t, prompt, "amount")); got != string(p.ID)+"Toko SandboxINV-112500" {
		t.Errorf("prompt: %s", got)
	}
	if expires, err := time.Parse(time.RFC3339, at(t, prompt, "expires_at").(string)); err != nil || expires.Sub(p.CreatedAt).Round(time.Second) != 70*time.Second {
		t.Errorf("expires_at: %v %v", expires, err)
	}
	path := "/wallets/" + anton + "/prompts/" + string(p.ID)
	b.api("POST", path+"/approve", `{"use":"gold"}`, 400)
	if code := at(t, b.api("POST", path+"/approve", `{"pin":"000000"}`, 409), "code"); code != "wrong PIN" {
		t.Errorf("wrong PIN: %v", code)
	}
	b.api("POST", "/wallets/"+citra+"/prompts/"+string(p.ID)+"/approve", "", 404)
	b.api("POST", path+"x/approve", "", 404)
	answer := b.api("POST", path+"/approve", `{"use":"points_first"}`, 200)
	if got := fmt.Sprint(answer["state"], answer["cash_used"], answer["points_used"]); got != "succeeded012500" {
		t.Errorf("approved: %s", got)
	}
	b.api("POST", path+"/approve", "", 409)
	b.api("POST", path+"/decline", "", 409)

	p = b.push(anton, "INV-2", 150_000)
	path = "/wallets/" + anton + "/prompts/" + string(p.ID)
	if code := at(t, b.api("POST", path+"/approve", "", 409), "code"); code != "insufficient funds" {
		t.Errorf("too little: %v", code)
	}
	if state := at(t, b.api("POST", path+"/decline", "", 200), "state"); state != "cancelled" {
		t.Errorf("declined: %v", state)
	}

	p = b.push(anton, "INV-3", 1_000)
	path = "/wallets/" + anton + "/prompts/" + string(p.ID)
	b.clock.Advance(71 * time.Second)
	if code := at(t, b.api("POST", path+"/approve", "", 409), "code"); code != "expired" {
		t.Errorf("too late: %v", code)
	}
	if wallet := b.api("GET", "/wallets/"+anton, "", 200); len(at(t, wallet, "prompts").([]any)) != 0 {
		t.Error("an expired prompt is still there")
	}
	b.auditClean()
}
