package jokul_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/wire"
	wirejokul "github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

func pushBody(phone, invoice, amount, client string) string {
	sum := wirejokul.CheckSumFields{Amount: strings.Trim(amount, `"`), ClientID: client, InvoiceNumber: invoice, OVOID: phone}.Sum(secret)
	return fmt.Sprintf(`{"client":{"id":%q},"order":{"invoice_number":%q,"amount":%s},"ovo_info":{"ovo_id":%q},"security":{"check_sum":%q}}`, client, invoice, amount, phone, sum)
}

func push(invoice, amount string) request {
	return request{path: wirejokul.PathPush, bare: true, body: pushBody(phone, invoice, amount, clientID)}
}

// start sends a push and returns once the phone shows it.
func (s *shop) start(ctx context.Context, r request) (gateway.PaymentID, <-chan answer) {
	s.t.Helper()
	done := make(chan answer, 1)
	go func() { done <- s.doWith(ctx, r) }()
	v, err := wire.Parse([]byte(r.body))
	if err != nil {
		s.t.Fatal(err)
	}
	for s.t.Context().Err() == nil {
		prompts, err := s.gateway.Prompts(s.t.Context(), phone)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, p := range prompts {
			if p.Payment.Reference == v.Get("order.invoice_number").Literal() {
				return p.Payment.ID, done
			}
		}
		select {
		case a := <-done:
			s.t.Fatalf("the push did not wait: %s %v", a.raw, a.err)
		default:
			runtime.Gosched()
		}
	}
	s.t.Fatal("no prompt")
	panic("unreachable")
}

// wantPush compares response code, status and the answer's own check_sum.
func (s *shop) wantPush(a answer, code, status string) {
	s.t.Helper()
	if a.err != nil || a.status != 200 || a.get("ovo_payment.response_code") != code || a.get("ovo_payment.status") != status {
		s.t.Errorf("HTTP %d %s %v, want %s %s; reason: %s", a.status, a.raw, a.err, code, status, s.lastReason())
		return
	}
	fields, received := wirejokul.AnswerCheckSum(a.doc)
	if v := wirejokul.VerifyCheckSum(secret, fields, received); !v.OK {
		s.t.Errorf("check_sum of %s: %+v", a.raw, v)
	}
	if _, err := wirejokul.ParsePaymentDate(a.get("ovo_payment.date")); err != nil {
		s.t.Errorf("date of %s: %v", a.raw, err)
	}
	if code != "00" && (a.get("ovo_payment.approval_code") != "" || a.get("ovo_payment.cash_used") != "0" || a.get("ovo_payment.cash_balance") != "0") {
		s.t.Errorf("a failure says %s", a.raw)
	}
}

func (s *shop) approve(id gateway.PaymentID) {
	s.t.Helper()
	if _, err := s.gateway.ApprovePush(context.Background(), phone, id, pin, ledger.UsePointsFirst); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) expire(by time.Duration) {
	s.t.Helper()
	s.clock.Advance(by)
	if _, err := s.gateway.ExpireDue(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func TestPushApproved(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := push("PUSH-2024-0003", "27500")
	id, done := s.start(t.Context(), r)
	a := s.wantStatus("PUSH-2024-0003", "PENDING")
	if a.doc.Get("ovo_payment").Kind() != wire.Missing || a.get("ovo_info.ovo_account_name") != "Sari Dewi" {
		t.Errorf("status of a waiting push %s", a.raw)
	}
	s.approve(id)
	a = <-done
	s.wantPush(a, "00", "SUCCESS")
	approval, sum := a.get("ovo_payment.approval_code"), a.get("security.check_sum")
	merchant, date := a.get("ovo_configuration.merchant_id"), a.get("ovo_payment.date")
	configuration := `"ovo_configuration":{"merchant_id":"` + merchant + `","store_code":"GRB00000` + merchant + `","mid":"GRB00000` + merchant + `","tid":"` + merchant + `1"}`
	info := `"ovo_info":{"ovo_id":"081298764417","ovo_account_name":"Sari Dewi"}`
	batch := a.get("ovo_payment.batch_number")
	outcome := `"ovo_payment":{"date":"` + date + `","batch_number":` + batch + `,"trace_number":1,"reference_number":1,"approval_code":"` + approval + `","response_code":"00","cash_used":9250,"cash_balance":403250,"ovo_points_used":18250,"ovo_points_balance":0,"ovo_points_earned":0,"status":"SUCCESS"}`
	s.want(a, 200, `{"client":{"id":"`+clientID+`"},"order":{"invoice_number":"PUSH-2024-0003","amount":27500},`+info+`,`+configuration+`,`+outcome+`,"security":{"check_sum":"`+sum+`"}}`)
	if len(approval) != 6 || len(merchant) != 7 || len(a.header.Get("Request-Id")) < 16 || a.header.Get("Client-Id") != clientID {
		t.Errorf("answer %s %v", a.raw, a.header)
	}

	// The same again, with another Request-Id or none, gets the stored answer.
	s.want(s.do(r), 200, a.raw)
	signed := r
	signed.bare = false
	s.want(s.do(signed), 200, a.raw)
	// So it does after a top-up, which changes the balance but not the answer.
	if _, err := s.gateway.TopUp(t.Context(), phone, ledger.Split{Cash: 1}); err != nil {
		t.Fatal(err)
	}
	s.want(s.do(r), 200, a.raw)

	st := s.wantStatus("PUSH-2024-0003", "SUCCESS")
	requestID := a.header.Get("Request-Id")
	s.want(st, 200, `{"order":{"invoice_number":"PUSH-2024-0003","amount":27500},"transaction":{"status":"SUCCESS","date":"`+st.get("transaction.date")+`","original_request_id":"`+requestID+`"},"service":{"id":"EMONEY"},"acquirer":{"id":"OVO"},"channel":{"id":"EMONEY_OVO"},`+info+`,`+configuration+`,`+outcome+`}`)
	s.wantStatus(requestID, "SUCCESS")

	if rf := s.do(request{path: wirejokul.PathRefund, body: refundBody("PUSH-2024-0003", requestID, "27500")}); rf.get("refund.status") != "SUCCESS" {
		t.Errorf("refund %s", rf.raw)
	}
	s.wantStatus("PUSH-2024-0003", "REFUNDED")
	s.auditClean()
}

// The request is what the documentation's own client sends, headers and all.
func TestPushSigned(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := push("INV/2024 #1", `"27500"`)
	r.bare, r.requestID = false, "push-1"
	r.body = strings.Replace(r.body, `"security"`, `"additional_info":{"integration":{"name":"php-library","version":"2.1.0"}},"security"`, 1)
	id, done := s.start(t.Context(), r)
	s.approve(id)
	s.wantPush(<-done, "00", "SUCCESS")
	a := s.wantStatus("INV/2024 #1", "SUCCESS") // percent signs and all
	if a.get("transaction.original_request_id") != "push-1" || a.get("additional_info.integration.name") != "php-library" {
		t.Errorf("status %s", a.raw)
	}
	s.wantStatus("push-1", "SUCCESS")
	// Its Request-Id serves for this invoice only.
	other := push("INV-2", "27500")
	other.bare, other.requestID = false, "push-1"
	s.wantPush(s.do(other), "94", "FAILED")
	s.wantError(s.do(request{path: wirejokul.PathTokens, body: tokensBody("C"), requestID: "push-1"}), 409, "idempotent_request", "Request-Id has already been used")
	s.auditClean()
}

func TestPushDeclined(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, done := s.start(t.Context(), push("INV-1", "27500"))
	if _, err := s.gateway.DeclinePush(t.Context(), phone, id); err != nil {
		t.Fatal(err)
	}
	a := <-done
	s.wantPush(a, "17", "FAILED")
	s.want(s.do(push("INV-1", "27500")), 200, a.raw)
	if st := s.wantStatus("INV-1", "FAILED"); st.get("ovo_payment.response_code") != "17" {
		t.Errorf("status %s", st.raw)
	}
	s.auditClean()
}

func TestPushUnanswered(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, done := s.start(t.Context(), push("INV-1", "27500"))
	s.expire(69 * time.Second)
	s.wantStatus("INV-1", "PENDING")
	s.expire(time.Second)
	s.wantPush(<-done, "-", "FAILED")
	if st := s.wantStatus("INV-1", "FAILED"); st.get("ovo_payment.response_code") != "-" {
		t.Errorf("status %s", st.raw)
	}
	s.auditClean()
}

// A wait outlives the time the server gives a request to be read.
func TestPushOutlivesReadTimeout(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, done := s.start(t.Context(), push("INV-1", "27500"))
	slow, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := slow.Write([]byte("POST /")); err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 512); err == nil; { // until the server has lost patience
		_, err = slow.Read(buf)
	}
	s.approve(id)
	s.wantPush(<-done, "00", "SUCCESS")
	s.auditClean()
}

func TestPushWrongPINs(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, done := s.start(t.Context(), push("INV-1", "27500"))
	for range 3 {
		if _, err := s.gateway.ApprovePush(t.Context(), phone, id, "000000", ledger.UseCash); err == nil {
			t.Fatal("a wrong PIN was accepted")
		}
	}
	s.wantPush(<-done, "63", "FAILED")
	s.wantPush(s.do(push("INV-2", "27500")), "64", "FAILED") // the wallet is locked now
	s.auditClean()
}

// What the wallet refuses is answered at once.
func TestPushRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	set := func(status gateway.WalletStatus) {
		t.Helper()
		if _, err := s.gateway.SetWalletStatus(t.Context(), phone, status); err != nil {
			t.Fatal(err)
		}
	}
	unknown := push("UNKNOWN", "27500")
	unknown.body = pushBody("6281299999999", "UNKNOWN", "27500", clientID)
	a := s.do(unknown)
	s.wantPush(a, "14", "FAILED")
	if a.get("ovo_info.ovo_id") != "6281299999999" || a.get("ovo_info.ovo_account_name") != "" || a.get("ovo_payment.reference_number") != "1" {
		t.Errorf("unknown phone %s", a.raw)
	}
	set(gateway.WalletBlockedByIssuer)
	s.wantPush(s.do(push("BLOCKED", "27500")), "64", "FAILED")
	set(gateway.WalletCardBlockedByBank)
	s.wantPush(s.do(push("CARD", "27500")), "56", "FAILED")
	set(gateway.WalletActive)
	s.wantPush(s.do(push("LIMIT", "10000001")), "61", "FAILED")

	id, done := s.start(t.Context(), push("GOOD", "1000"))
	s.approve(id)
	a = <-done
	s.wantPush(a, "00", "SUCCESS")
	if a.get("ovo_payment.reference_number") != "5" || a.get("ovo_payment.trace_number") != "5" {
		t.Errorf("the numbers of the fifth push: %s", a.raw)
	}
	if _, err := s.gateway.SetWalletLimits(t.Context(), phone, gateway.Limits{DailyCount: 1}); err != nil {
		t.Fatal(err)
	}
	s.wantPush(s.do(push("COUNT", "1000")), "65", "FAILED")
	s.wantStatus("COUNT", "FAILED")

	// An amount below 1 has a code of its own, and leaves nothing behind.
	for _, amount := range []string{"0", `"0"`, "-5"} {
		s.wantPush(s.do(push("NOTHING", amount)), "13", "FAILED")
	}
	missing := push("NOTHING", "0")
	missing.body = fmt.Sprintf(`{"client":{"id":%q},"order":{"invoice_number":"NOTHING"},"ovo_info":{"ovo_id":%q},"security":{"check_sum":%q}}`, clientID, phone,
		wirejokul.CheckSumFields{ClientID: clientID, InvoiceNumber: "NOTHING", OVOID: phone}.Sum(secret))
	s.wantPush(s.do(missing), "13", "FAILED")
	s.wantError(s.status("NOTHING"), 404, "not_found", "Payment not found")
	s.auditClean()
}

func TestPushJoined(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, first := s.start(t.Context(), push("INV-1", "27500"))
	_, second := s.start(t.Context(), push("INV-1", "27500"))
	upper := push("INV-1", "27500")
	at := strings.Index(upper.body, `"check_sum":"`) + len(`"check_sum":"`)
	upper.body = upper.body[:at] + strings.ToUpper(upper.body[at:])
	_, third := s.start(t.Context(), upper)
	// Other content under the same invoice.
	s.wantPush(s.do(push("INV-1", "27501")), "94", "FAILED")
	other := push("INV-1", "27500")
	other.body = pushBody("081200000082", "INV-1", "27500", clientID)
	s.wantPush(s.do(other), "94", "FAILED")

	prompts, err := s.gateway.Prompts(t.Context(), phone)
	if err != nil || len(prompts) != 1 {
		t.Errorf("%d prompts, %v", len(prompts), err)
	}
	s.approve(id)
	a := <-first
	s.wantPush(a, "00", "SUCCESS")
	for _, joined := range []<-chan answer{second, third} {
		if b := <-joined; b.raw != a.raw {
			t.Errorf("joined: %s\nfirst: %s", b.raw, a.raw)
		}
	}
	s.wantPush(s.do(push("INV-1", "27501")), "94", "FAILED")
	if got := s.balance(); got.Total() != 412_500+18_250-27_500 {
		t.Errorf("the wallet holds %+v", got)
	}

	// An invoice of a payment by token is used as well.
	token := s.bind(phone, "C")
	s.do(request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, "INV-2", "1000", "")})
	s.wantPush(s.do(push("INV-2", "1000")), "94", "FAILED")
	s.auditClean()
}

// A check_sum joins its values without separators. It must not serve for another
// request in which they are cut elsewhere.
func TestPushCheckSumBoundaries(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, done := s.start(t.Context(), push("INV-1", "27500"))
	cut := push("INV-1", "27500")
	cut.body = strings.NewReplacer(`"INV-1"`, `"INV-10"`, `"081298764417"`, `"81298764417"`).Replace(cut.body)
	s.wantError(s.do(cut), 400, "invalid_parameter", "ovo_info.ovo_id must be a mobile number that begins with 08 or 628")
	s.approve(id)
	s.wantPush(<-done, "00", "SUCCESS")

	// "A" and "0808…" read like "A08" and "08…".
	s.newWallet("0808129876441", "Rudi", ledger.Split{})
	long := push("A", "27500")
	long.body = pushBody("0808129876441", "A", "27500", clientID)
	ctx, hangUp := context.WithCancel(t.Context())
	finished := make(chan answer, 1)
	go func() { finished <- s.doWith(ctx, long) }()
	for {
		if prompts, err := s.gateway.Prompts(t.Context(), "0808129876441"); err != nil {
			t.Fatal(err)
		} else if len(prompts) == 1 {
			break
		}
		runtime.Gosched()
	}
	cut = long
	cut.body = strings.NewReplacer(`"A"`, `"A08"`, `"0808129876441"`, `"08129876441"`).Replace(cut.body)
	s.wantError(s.do(cut), 400, "invalid_signature", "check_sum has been used for another request")
	hangUp()
	<-finished
	s.wantError(s.status("A08"), 404, "not_found", "Payment not found")
	s.auditClean()
}

func TestPushCallerHangsUp(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx, hangUp := context.WithCancel(t.Context())
	id, done := s.start(ctx, push("INV-1", "27500"))
	hangUp()
	if a := <-done; !errors.Is(a.err, context.Canceled) {
		t.Errorf("answer %s %v", a.raw, a.err)
	}
	s.wantStatus("INV-1", "PENDING")
	s.approve(id)
	s.wantStatus("INV-1", "SUCCESS")
	s.wantPush(s.do(push("INV-1", "27500")), "00", "SUCCESS")
	s.auditClean()
}

func TestPushDraining(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, done := s.start(t.Context(), push("INV-1", "27500"))
	s.stop()
	a := <-done
	s.wantPush(a, "68", "TIMEOUT")
	if a.get("ovo_payment.reference_number") != "1" {
		t.Errorf("answer %s", a.raw)
	}
	s.wantPush(s.do(push("INV-2", "1000")), "68", "TIMEOUT") // one that comes even later
	s.approve(id)
	s.wantStatus("INV-1", "SUCCESS")
	s.wantPush(s.do(push("INV-1", "27500")), "00", "SUCCESS")
	s.expire(70 * time.Second)
	s.wantStatus("INV-2", "FAILED")
	s.auditClean()
}

// Two processes over one database: the call waits at one, the customer answers at
// the other.
func TestPushAnsweredElsewhere(t *testing.T) {
	t.Parallel()
	s := open(t)
	elsewhere := gateway.New(s.config)
	id, done := s.start(t.Context(), push("INV-1", "27500"))
	if _, err := elsewhere.ApprovePush(t.Context(), phone, id, pin, ledger.UseCash); err != nil {
		t.Fatal(err)
	}
	for {
		if err := s.gateway.WakeWaits(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case a := <-done:
			s.wantPush(a, "00", "SUCCESS")
			s.auditClean()
			return
		default:
			runtime.Gosched()
		}
	}
}

// Outcomes that the wallet says only when it is asked again.
func TestPushUncertain(t *testing.T) {
	t.Parallel()
	for code, want := range map[gateway.Code]struct{ first, later, laterStatus string }{
		gateway.OutcomePending: {"68", "68", "TIMEOUT"},
		gateway.NotFound:       {"68", "25", "FAILED"},
		gateway.StatusTooOld:   {"68", "54", "FAILED"},
		gateway.Reversed:       {"68", "73", "FAILED"},
		gateway.QueryInvalid:   {"68", "96", "FAILED"},
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			s := openForced(t, func(_ context.Context, op gateway.Operation) (gateway.Outcome, bool) {
				return gateway.Outcome{Code: code}, op.Name == gateway.OpPush
			})
			a := s.do(push("INV-1", "27500"))
			s.wantPush(a, want.first, "TIMEOUT")
			s.want(s.do(push("INV-1", "27500")), 200, a.raw)
			if st := s.wantStatus("INV-1", want.laterStatus); st.get("ovo_payment.response_code") != want.later {
				t.Errorf("status %s", st.raw)
			}
			s.auditClean()
		})
	}
}

// Every response code that a scenario can ask for is what the push is answered.
func TestPushForced(t *testing.T) {
	t.Parallel()
	var code gateway.Code
	s := openForced(t, func(_ context.Context, op gateway.Operation) (gateway.Outcome, bool) {
		return gateway.Outcome{Code: code}, code != gateway.Internal
	})
	for i, tc := range []struct {
		code gateway.Code
		want string
	}{
		{gateway.PushUndelivered, "26"}, {gateway.IssuerFault, "40"}, {gateway.NotPermitted, "58"}, {gateway.BelowMinimum, "67"},
		{gateway.TerminalBlocked, "EB"}, {gateway.ClockSkew, "TO"}, {gateway.Invalid, "BR"}, {gateway.Unavailable, "ER"}, {gateway.Expired, "-"},
	} {
		code = tc.code
		s.wantPush(s.do(push(fmt.Sprint("INV-", i), "27500")), tc.want, "FAILED")
	}
	// A payment by token for which the wallet cannot be reached has no result.
	code = gateway.Internal
	token := s.bind(phone, "C")
	code = gateway.Unavailable
	pay := request{path: wirejokul.PathRecurringPayment, body: paymentBody("C", token, "INV-X", "1000", ""), requestID: "R"}
	s.wantError(s.do(pay), 500, "internal_server_error", "Internal server error")
	s.wantError(s.do(pay), 409, "idempotent_request", "Request-Id has already been used")
	s.wantError(s.do(request{path: wirejokul.PathBinding, body: bindingBody(phone, "C")}), 500, "internal_server_error", "Internal server error")
	code = gateway.Internal
	s.auditClean()
}
