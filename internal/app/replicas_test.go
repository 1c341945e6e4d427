package app_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

// Several processes over one PostgreSQL. These tests run with
// GERBANG_TEST_ENGINE=postgres.

func severalProcesses(t *testing.T) {
	t.Helper()
	if !onPostgres() {
		t.Skip("SQLite has one process")
	}
}

// ofSQLite is for tests of what Gerbang asks of its own database file.
func ofSQLite(t testing.TB) {
	t.Helper()
	if onPostgres() {
		t.Skip("PostgreSQL writes its files itself")
	}
}

func TestPushParkedOnOneAndApprovedOnAnother(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	dir := home(t)
	a, b := start(t, dir), start(t, dir)
	defer stop(t, a)
	defer stop(t, b)
	here, there := control{t, a.BaseURL}, control{t, b.BaseURL}
	client := here.pushClient(here.seededMerchant())
	const phone, pushes = "081222222222", 20
	answers := make(chan string, pushes)
	for i := range pushes {
		go func() {
			r, err := client.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: fmt.Sprint("I-", i), Amount: 5})
			if err == nil {
				answers <- r.Code
			} else {
				answers <- outcome(err)
			}
		}()
	}
	for _, prompt := range there.prompts(phone, pushes) {
		there.call("POST", "/wallets/"+phone+"/prompts/"+prompt.ID+"/approve", map[string]string{"use": "cash", "pin": "123456"}, 200, nil)
	}
	for range pushes {
		if got := wait(t, "an answer", answers); got != "00" {
			t.Errorf("answer %s, want 00", got)
		}
	}
	there.auditClean()
}

// What one process issues, another accepts; what one changes, another knows.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	severalProcesses(t)
	dir := home(t)
	a, b := start(t, dir), start(t, dir)
	defer stop(t, a)
	defer stop(t, b)
	here, there := control{t, a.BaseURL}, control{t, b.BaseURL}
	m := here.seededMerchant()
	token := here.bind(here.snapClient(m), "081222222222", "cust")
	pay := func(c control, reference string) error {
		_, err := c.snapClient(m).Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: reference, Type: ovo.Recurring, Amount: 10})
		return err
	}
	if err := pay(there, "R-1"); err != nil {
		t.Fatalf("a customer token of the other process: %v", err)
	}
	if err := pay(here, "R-1"); !errors.Is(err, ovo.ErrDuplicate) {
		t.Errorf("the same reference at the other process: %v", err)
	}
	// Both keep the merchant in memory by now.
	m.DOKU.SecretKey = "SK-another"
	there.call("PATCH", "/merchants/"+m.ID, map[string]any{"doku": map[string]string{"secret_key": m.DOKU.SecretKey}}, 200, nil)
	deadline := time.Now().Add(30 * time.Second)
	for n := 2; ; n++ {
		err := pay(here, fmt.Sprint("R-", n))
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the other process does not know the new key: %v", err)
		}
	}
	// What is being delivered while the clock jumps looks to an audit as if its holder
	// were long gone.
	var outbox struct {
		Notifications []struct{ State string }
	}
	queued := func() bool {
		here.call("GET", "/notifications", nil, 200, &outbox)
		for _, n := range outbox.Notifications {
			if n.State == "queued" {
				return true
			}
		}
		return len(outbox.Notifications) == 0
	}
	for queued() {
		if time.Now().After(deadline) {
			t.Fatalf("notifications are not delivered: %+v", outbox)
		}
	}
	here.call("POST", "/clock/advance", map[string]string{"by": "48h"}, 200, nil)
	var clock struct {
		Now time.Time `json:"now"`
	}
	for time.Until(clock.Now) < 47*time.Hour {
		if there.call("GET", "/clock", nil, 200, &clock); time.Now().After(deadline) {
			t.Fatal("the other process's clock did not follow")
		}
	}
	there.auditClean()
}
