package ovo_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/ovo"
)

var pushVoid = ovo.PushVoidRequest{Phone: "6281234567890", Payment: pushPaid}

// TestPushVoid plays CS5, a void that other software has computed.
func TestPushVoid(t *testing.T) {
	t.Parallel()
	g := newJokulGateway(t)
	client := g.push()
	want := pushPaid
	g.on(jokul.PathVoid, signedAnswer(200, jokulVector(t, "cs2_answer").body))
	p, err := client.Void(t.Context(), pushVoid)
	want.RequestID = p.RequestID
	if err != nil || p != want {
		t.Errorf("Void = %+v, %v", p, err)
	}
	if last := g.last(); last.body != jokulVector(t, "cs5_answer_void").body || last.id != p.RequestID {
		t.Errorf("sent %+v", last)
	}

	for code, kind := range map[string]error{"25": ovo.ErrNotFound, "54": ovo.ErrRefused, "73": ovo.ErrRefused} {
		g.on(jokul.PathVoid, signedAnswer(200, pushAnswer(t, code, "FAILED")))
		_, err := client.Void(t.Context(), pushVoid)
		expectError(t, code, err, kind, false)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"late":          signedAnswer(200, pushAnswer(t, "68", "TIMEOUT")),
		"other payment": signedAnswer(200, jokulVector(t, "cs3_answer_declined").body),
		"HTTP 502":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		g.on(jokul.PathVoid, answer)
		_, err := client.Void(t.Context(), pushVoid)
		expectError(t, name, err, ovo.ErrUnavailable, true)
	}

	sent := len(g.all())
	for name, change := range map[string]func(*ovo.PushVoidRequest){
		"no phone":    func(r *ovo.PushVoidRequest) { r.Phone = "" },
		"no invoice":  func(r *ovo.PushVoidRequest) { r.Payment.Invoice = "" },
		"not paid":    func(r *ovo.PushVoidRequest) { r.Payment.ApprovalCode = "" },
		"long number": func(r *ovo.PushVoidRequest) { r.RequestID = strings.Repeat("1", 129) },
	} {
		wrong := pushVoid
		change(&wrong)
		_, err := client.Void(t.Context(), wrong)
		expectError(t, name, err, ovo.ErrInvalidRequest, false)
	}
	wrong := pushVoid
	wrong.Payment.Amount = 0
	_, err = client.Void(t.Context(), wrong)
	expectError(t, "no amount", err, ovo.ErrInvalidAmount, false)
	if len(g.all()) != sent {
		t.Error("a request that can never succeed was sent")
	}
}
