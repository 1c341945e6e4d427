package jokul_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	wirejokul "github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// voidOf takes back the push that an answer tells of.
func voidOf(a answer, amount string) request {
	fields, _ := wirejokul.AnswerCheckSum(a.doc)
	fields.Amount = amount
	body := fmt.Sprintf(`{"client":{"id":%q},"order":{"invoice_number":%q,"amount":%s},"ovo_info":{"ovo_id":%q},"ovo_payment":{"batch_number":%s,"trace_number":%s,"reference_number":%s,"approval_code":%q},"security":{"check_sum":%q}}`,
		clientID, fields.InvoiceNumber, amount, fields.OVOID, fields.BatchNumber, fields.TraceNumber, fields.ReferenceNumber, fields.ApprovalCode, fields.Sum(secret))
	return request{path: wirejokul.PathVoid, bare: true, body: body}
}

// approved pushes 27,500 and lets the customer approve it.
func (s *shop) approved(invoice string) answer {
	s.t.Helper()
	id, done := s.start(s.t.Context(), push(invoice, "27500"))
	s.approve(id)
	return <-done
}

func (s *shop) wallet() ledger.Split {
	s.t.Helper()
	w, err := s.gateway.Wallet(s.t.Context(), phone)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.Balance
}

func TestVoid(t *testing.T) {
	t.Parallel()
	s := open(t)
	before := s.wallet()
	paid := s.approved("PUSH-1")
	void := voidOf(paid, "27500")

	wrongSum := void
	wrongSum.body = strings.Replace(void.body, `"approval_code":"`, `"approval_code":"9`, 1)
	if a := s.do(wrongSum); a.status != 400 || a.get("error.code") != "invalid_signature" {
		t.Errorf("a void of other numbers under the same check_sum: %s", a.raw)
	}
	missing := void
	missing.body = strings.Replace(void.body, `"trace_number"`, `"trace"`, 1)
	if a := s.do(missing); a.status != 400 || a.get("error.code") != "invalid_parameter" {
		t.Errorf("a void without a trace number: %s", a.raw)
	}
	s.wantPush(s.do(voidOf(paid, "27499")), "25", "FAILED") // a void is of the whole amount
	s.newMerchant("MCH-OTHER")                              // whose secret is the same here, so that its check_sum is right
	for _, invoice := range []string{"PUSH-1", "NONE"} {
		fields, _ := wirejokul.AnswerCheckSum(paid.doc)
		ours := fields.Sum(secret)
		fields.ClientID, fields.InvoiceNumber = "MCH-OTHER", invoice
		foreign := strings.NewReplacer(clientID, fields.ClientID, `"PUSH-1"`, `"`+invoice+`"`, ours, fields.Sum(secret)).Replace(void.body)
		w := send(s.quiet(), signed{method: "POST", target: wirejokul.PathVoid, body: foreign})
		if !strings.Contains(w.Body.String(), `"response_code":"25"`) || s.wallet() == before {
			t.Errorf("another merchant's void of %s: %s", invoice, w.Body)
		}
	}

	s.wantPush(s.do(void), "00", "SUCCESS")
	if s.wallet() != before {
		t.Errorf("after the void the wallet holds %+v, before the push %+v", s.wallet(), before)
	}
	s.wantPush(s.do(void), "00", "SUCCESS") // the same again
	s.wantStatus("PUSH-1", "REFUNDED")
	if s.wallet() != before {
		t.Errorf("the repeat of a void moved money: %+v", s.wallet())
	}

	refunded := s.approved("PUSH-2")
	if a := s.do(request{path: wirejokul.PathRefund, body: refundBody("PUSH-2", refunded.header.Get("Request-Id"), "1")}); a.get("refund.status") != "SUCCESS" {
		t.Fatalf("refund %s", a.raw)
	}
	s.wantPush(s.do(voidOf(refunded, "27500")), "73", "FAILED")

	late := s.approved("PUSH-3")
	s.clock.Advance(24 * time.Hour)
	s.wantPush(s.do(voidOf(late, "27500")), "54", "FAILED")
	s.auditClean()
}
