package control_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

// Who answers otherwise than a sandbox does is no sandbox; a sandbox's refusal is one.
func TestErrors(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, "/sandbox/v1") {
		case "/refused":
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(409)
			fmt.Fprint(w, `{"title":"Conflict","status":409,"detail":"it exists already"}`)
		case "/other":
			w.WriteHeader(404)
			fmt.Fprint(w, `<html>`)
		default:
			fmt.Fprint(w, `{"a":`)
		}
	}))
	client, err := control.New(server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	var refusal *sandbox.Problem
	if err := client.Get(t.Context(), "/refused", nil); !errors.As(err, &refusal) || refusal.Status != 409 || err.Error() != "it exists already" {
		t.Errorf("refused: %v", err)
	}
	var unreachable *control.Unreachable
	var into map[string]any
	for _, path := range []string{"/other", "/broken"} {
		if err := client.Get(t.Context(), path, &into); !errors.As(err, &unreachable) {
			t.Errorf("%s: %v", path, err)
		}
	}
	server.Close()
	if err := client.Post(t.Context(), "/any", map[string]int{"a": 1}, nil); !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "gerbang sandbox") {
		t.Errorf("closed: %v", err)
	}
	for _, base := range []string{"", "127.0.0.1:8600", "ftp://127.0.0.1", "http://"} {
		if _, err := control.New(base); err == nil {
			t.Errorf("%q is taken for an address", base)
		}
	}
}

// A merchant is found by any of its names; without one only where there is no doubt.
func TestMerchant(t *testing.T) {
	t.Parallel()
	merchant := func(n int) string {
		return fmt.Sprintf(`{"id":"mch_%d","name":"Toko %d","doku":{"client_id":"BRN-%d"},"faspay":{"merchant_id":"1000%d"}}`, n, n, n, n)
	}
	list := []string{merchant(1)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"merchants":[%s]}`, strings.Join(list, ","))
	}))
	defer server.Close()
	client, err := control.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := client.Merchant(t.Context(), ""); err != nil || m.ID != "mch_1" {
		t.Errorf("the only one: %v, %v", m.ID, err)
	}
	list = append(list, merchant(2))
	for _, name := range []string{"mch_2", "Toko 2", "BRN-2", "10002"} {
		if m, err := client.Merchant(t.Context(), name); err != nil || m.ID != "mch_2" {
			t.Errorf("%s: %v, %v", name, m.ID, err)
		}
	}
	if _, err := client.Merchant(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "2 merchants") {
		t.Errorf("one of two: %v", err)
	}
	list = append(list, strings.Replace(merchant(3), "BRN-3", sandbox.SeedClientID, 1))
	if m, err := client.Merchant(t.Context(), ""); err != nil || m.ID != "mch_3" {
		t.Errorf("the seeded one: %v, %v", m.ID, err)
	}
}
