package ovo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/ovo"
)

func (g *jokulGateway) push() *ovo.PushClient {
	g.t.Helper()
	client, err := ovo.Push(ovo.PushConfig{
		BaseURL: g.url, ClientID: jokulID, SecretKey: jokulSecret, Now: at(g.t, "2024-05-06T04:00:00Z"),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return client
}

var (
	pushCharge = ovo.PushRequest{Phone: "081234567890", Invoice: "PUSH-2024-0003", Amount: 27500}
	pushPaid   = ovo.PushResult{
		Invoice: "PUSH-2024-0003", Amount: 27500, State: ovo.StateSuccess, Code: "00", CashUsed: 27500, CashLeft: 122500, PointsLeft: 900,
		BatchNumber: 126, ReferenceNumber: 71, TraceNumber: 402318, ApprovalCode: "604418",
		PaidAt: time.Date(2024, 5, 6, 4, 0, 31, 0, time.UTC), AccountName: "Intan Maharani",
	}
)

// TestPushVectors plays V6 with CS1 and CS2, and CS3: request and answers with
// signatures and check_sums that other software has computed.
func TestPushVectors(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.push()
	v6, cs1 := jokulVector(t, "v6_push"), jokulVector(t, "cs1_request")
	g.on(jokul.PathPush, jokulAnswer(200, jokulVector(t, "cs2_answer").body, "", ""))
	for _, phone := range []string{"081234567890", "6281234567890", "+6281234567890"} {
		request, want := pushCharge, pushPaid
		request.Phone, request.RequestID = phone, v6.fields["request-id"]
		want.RequestID = request.RequestID
		p, err := client.Pay(t.Context(), request)
		if err != nil || p != want {
			t.Errorf("%s: Pay = %+v, %v", phone, p, err)
		}
		if last := g.last(); last.body != v6.body || last.body != cs1.body || last.signature != v6.fields["signature"] {
			t.Errorf("%s: sent %+v", phone, last)
		}
	}

	g.on(jokul.PathPush, signedAnswer(200, jokulVector(t, "cs3_answer_declined").body))
	request := pushCharge
	request.Invoice = "PUSH-2024-0004"
	p, err := client.Pay(t.Context(), request)
	expectError(t, "declined", err, ovo.ErrRefused, false)
	var e *ovo.Error
	if !errors.As(err, &e) || e.Code != "17" || e.Status != 200 || e.Message != "The customer declined in the app." {
		t.Errorf("error %+v", e)
	}
	if p.State != ovo.StateFailed || p.Code != "17" || p.ReferenceNumber != 72 || p.ApprovalCode != "" || !p.PaidAt.Equal(time.Date(2024, 5, 6, 4, 4, 12, 0, time.UTC)) {
		t.Errorf("result %+v", p)
	}
	if !uuid4.MatchString(p.RequestID) || g.last().id != p.RequestID || g.last().body != jokulVector(t, "cs3_request_declined").body {
		t.Errorf("sent %+v", g.last())
	}
}

// pushAnswer is CS2's answer with another end. Its check_sum still holds.
func pushAnswer(t testing.TB, code, status string) string {
	return strings.NewReplacer(`"response_code": "00"`, fmt.Sprintf(`"response_code": %q`, code), `"status": "SUCCESS"`, fmt.Sprintf(`"status": %q`, status)).
		Replace(jokulVector(t, "cs2_answer").body)
}

func TestPushOutcomes(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.push()
	kinds := map[string]error{
		"13": ovo.ErrInvalidAmount, "14": ovo.ErrWalletUnavailable, "17": ovo.ErrRefused, "26": ovo.ErrUnavailable, "40": ovo.ErrUnavailable,
		"56": ovo.ErrWalletUnavailable, "58": ovo.ErrRefused, "61": ovo.ErrLimitExceeded, "63": ovo.ErrRefused, "64": ovo.ErrWalletUnavailable,
		"65": ovo.ErrLimitExceeded, "67": ovo.ErrInvalidAmount, "94": ovo.ErrDuplicate, "ER": ovo.ErrUnavailable, "EB": ovo.ErrRefused,
		"TO": ovo.ErrUnavailable, "BR": ovo.ErrRefused, "-": ovo.ErrRefused, "99": ovo.ErrRefused,
	}
	for _, row := range jokul.ResponseCodes {
		if _, ok := kinds[row.Code]; row.Applies == jokul.AppliesPayment && row.Status == jokul.StatusFailed && !ok {
			t.Errorf("%s has no test", row.Code)
		}
	}
	for code, kind := range kinds {
		g.on(jokul.PathPush, signedAnswer(200, pushAnswer(t, code, "FAILED")))
		p, err := client.Pay(t.Context(), pushCharge)
		expectError(t, code, err, kind, false)
		var e *ovo.Error
		if !errors.As(err, &e) || e.Code != code || e.Message == "" || p.State != ovo.StateFailed || p.Code != code {
			t.Errorf("%s: %+v, %+v", code, p, e)
		}
	}
	for _, end := range [][2]string{{"68", "TIMEOUT"}, {"68", "FAILED"}, {"", "TIMEOUT"}, {"00", "FAILED"}, {"17", "SUCCESS"}, {"00", ""}, {"", "FAILED"}, {"00", "PENDING"}} {
		g.on(jokul.PathPush, signedAnswer(200, pushAnswer(t, end[0], end[1])))
		p, err := client.Pay(t.Context(), pushCharge)
		expectError(t, fmt.Sprint(end), err, ovo.ErrUnavailable, true)
		if p.State != ovo.StateUnknown {
			t.Errorf("%v: %+v", end, p)
		}
	}
}

// Codes mean the same to a merchant who makes such errors in tests of his own.
func TestErrorsByCode(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]error{
		"17": ovo.ErrRefused, "94": ovo.ErrDuplicate, "idempotent_request": ovo.ErrConflict, "TOKEN_EXPIRED": ovo.ErrCustomerToken,
		"4035414": ovo.ErrInsufficientFunds, "4010": ovo.ErrUnavailable,
	} {
		expectError(t, code, &ovo.Error{Code: code, Status: 400}, kind, false)
	}
}

func TestPushAnswersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.push()
	good := jokulVector(t, "cs2_answer").body
	resigned := func(old, with string) string {
		body := strings.Replace(good, old, with, 1)
		doc, err := wire.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		f, sum := jokul.AnswerCheckSum(doc)
		return strings.Replace(body, sum, f.Sum(jokulSecret), 1)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"check_sum":        signedAnswer(200, strings.Replace(good, "f6d834d4", "f6d834d5", 1)),
		"no check_sum":     signedAnswer(200, strings.Replace(good, "check_sum", "sum", 1)),
		"changed trace":    signedAnswer(200, strings.Replace(good, "402318", "402319", 1)),
		"wrong signature":  jokulAnswer(200, good, "SK-another", good),
		"other client":     signedAnswer(200, resigned("MCH-0042", "MCH-0043")),
		"other invoice":    signedAnswer(200, resigned("PUSH-2024-0003", "PUSH-2024-0005")),
		"other phone":      signedAnswer(200, resigned("081234567890", "081234567891")),
		"other amount":     signedAnswer(200, resigned(`"amount": 27500`, `"amount": 2750`)),
		"shifted digits":   signedAnswer(200, strings.NewReplacer(`"amount": 27500`, `"amount": 275006`, `"604418"`, `"04418"`).Replace(good)),
		"unsigned refusal": jokulAnswer(400, jokulError("invalid_parameter", "…"), "", ""),
		"broken number":    signedAnswer(200, strings.Replace(good, `"cash_used": 27500`, `"cash_used": 0.5`, 1)),
		"nothing":          signedAnswer(200, `{}`),
		"twice":            signedAnswer(200, strings.Replace(good, `{`, `{"order":{},`, 1)),
		"HTTP 502":         func(w http.ResponseWriter, _ *http.Request) { http.Error(w, good, http.StatusBadGateway) },
	} {
		g.on(jokul.PathPush, answer)
		p, err := client.Pay(t.Context(), pushCharge)
		expectError(t, name, err, ovo.ErrUnavailable, true)
		if p.State != "" || p.Invoice != pushCharge.Invoice || p.RequestID == "" {
			t.Errorf("%s: result %+v", name, p)
		}
	}
	for name, body := range map[string]string{
		"upper case":      strings.Replace(good, "f6d834d4", "F6D834D4", 1),
		"amount as text":  strings.Replace(good, `"amount": 27500`, `"amount": "27500"`, 1),
		"sen":             resigned(`"amount": 27500`, `"amount": 27500.00`),
		"code as number":  strings.Replace(good, `"604418"`, `604418`, 1),
		"long trace":      resigned("402318", "4023181"),
		"unknown members": strings.Replace(good, `{`, `{"new":{"a":[1]},`, 1),
	} {
		g.on(jokul.PathPush, signedAnswer(200, body))
		if p, err := client.Pay(t.Context(), pushCharge); err != nil || p.State != ovo.StateSuccess || p.ApprovalCode != "604418" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestPushRefusals(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.push()
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		kind    error
		unknown bool
	}{
		"wrong check_sum": {jokulAnswer(400, jokulError("invalid_signature", "Invalid check_sum"), "", ""), ovo.ErrUnauthorized, false},
		"parameter":       {signedAnswer(400, jokulError("invalid_parameter", "ovo_info.ovo_id must contain digits only")), ovo.ErrInvalidRequest, false},
		"not enabled":     {signedAnswer(401, jokulError("invalid_access", "…")), ovo.ErrUnauthorized, false},
		"in progress":     {signedAnswer(409, jokulError("idempotent_request", "…")), ovo.ErrConflict, true},
		"internal":        {signedAnswer(500, jokulError("internal_server_error", "…")), ovo.ErrUnavailable, true},
		"first answer":    {signedAnswer(409, jokulVector(t, "cs2_answer").body), nil, false},
	} {
		g.on(jokul.PathPush, test.answer)
		_, err := client.Pay(t.Context(), pushCharge)
		expectError(t, name, err, test.kind, test.unknown)
	}
}

// A client whose patience ends does not know how the payment ends. Its repeat has a
// Request-Id of its own and is otherwise the same, so that it joins the wait.
func TestPushPatience(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	ctx, hangUp := context.WithCancel(t.Context())
	g.on(jokul.PathPush, func(_ http.ResponseWriter, r *http.Request) {
		hangUp() // while the customer is asked
		<-r.Context().Done()
	})
	first, err := g.push().Pay(ctx, pushCharge)
	expectError(t, "hung up", err, ovo.ErrUnavailable, true)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	g.on(jokul.PathPush, signedAnswer(200, jokulVector(t, "cs2_answer").body))
	second, err := g.push().Pay(t.Context(), pushCharge)
	if err != nil || second.State != ovo.StateSuccess || second.RequestID == first.RequestID {
		t.Errorf("%+v, %+v, %v", first, second, err)
	}
	if calls := g.all(); len(calls) != 2 || calls[0].body != calls[1].body {
		t.Errorf("sent %+v", calls)
	}
}

func TestPushStatus(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.push()
	path := jokul.StatusPath("SUB-2024-000917")
	payment := `,"ovo_info":{"ovo_id":"081234567890","ovo_account_name":"Intan Maharani"},"ovo_payment":{"date":"20240506110031","batch_number":126,"trace_number":402318,` +
		`"reference_number":71,"approval_code":"604418","response_code":"%s","cash_used":27500,"cash_balance":122500,"ovo_points_balance":900,"status":"%s"}`
	g.on(path, signedAnswer(200, jokulStatusBody("SUCCESS", fmt.Sprintf(payment, "00", "SUCCESS"))))
	want := pushPaid
	want.Invoice, want.Amount, want.RequestID = "SUB-2024-000917", 55000, "5b0f3c1e"
	s, err := client.Status(t.Context(), "SUB-2024-000917")
	if err != nil || s.State != ovo.StateSuccess || s.Reason != nil || s.Push == nil || *s.Push != want {
		t.Errorf("Status = %+v (%+v), %v", s, s.Push, err)
	}
	g.on(path, signedAnswer(200, jokulStatusBody("FAILED", fmt.Sprintf(payment, "61", "FAILED"))))
	if s, err = client.Status(t.Context(), "SUB-2024-000917"); err != nil || s.State != ovo.StateFailed || s.Push.State != ovo.StateFailed {
		t.Errorf("Status = %+v, %v", s, err)
	}
	expectError(t, "limit", s.Reason, ovo.ErrLimitExceeded, false)
	g.on(path, signedAnswer(200, jokulStatusBody("PENDING", "")))
	if s, err = client.Status(t.Context(), "SUB-2024-000917"); err != nil || s.State != ovo.StatePending || s.State.Final() || s.Push != nil {
		t.Errorf("Status = %+v, %v", s, err)
	}
	_, err = client.Status(t.Context(), "PUSH-2024-9999")
	expectError(t, "not found", err, ovo.ErrNotFound, false)
}
