package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/ovo"
)

// TestAskedToStopAgain sends the program a second and a third signal while it stops:
// it stops as if it had got one, with exit code 0, and pushes that wait are answered as
// pending. Killed while it stops, the next one serves all the same.
func TestAskedToStopAgain(t *testing.T) {
	t.Parallel()
	const phone, parked = "081211111111", 5
	dir := t.TempDir()
	for round, kill := range []bool{false, true, false} {
		ready := filepath.Join(t.TempDir(), "ready")
		cmd := exec.Command("gerbang", "sandbox", "--addr", "127.0.0.1:0", "--data", dir, "--ready-file", ready)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		t.Cleanup(func() { cmd.Process.Kill() })
		var info struct {
			BaseURL string `json:"base_url"`
		}
		poll(t, "the ready file", func() bool {
			text, err := os.ReadFile(ready)
			return err == nil && json.Unmarshal(text, &info) == nil
		})
		// Those of the round before wait on, in this process.
		waiting := prompts(t, info.BaseURL, phone)
		if len(waiting) != min(round, 1)*parked {
			t.Errorf("%d prompts are left of the last process", len(waiting))
		}
		for _, id := range waiting {
			resp, err := http.Post(info.BaseURL+"/sandbox/v1/wallets/"+phone+"/prompts/"+id+"/approve", "application/json", strings.NewReader(`{"pin":"123456","use":"cash"}`))
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("a push that waited through the stop cannot be approved: %v, %v", resp, err)
			}
			resp.Body.Close()
		}

		client, err := ovo.Push(ovo.PushConfig{BaseURL: info.BaseURL, ClientID: sandbox.SeedClientID, SecretKey: sandbox.SeedSecretKey})
		if err != nil {
			t.Fatal(err)
		}
		answers := make(chan error, parked)
		for i := range parked {
			go func() {
				_, err := client.Pay(context.Background(), ovo.PushRequest{Phone: phone, Invoice: fmt.Sprintf("STOP-%d-%d", round, i), Amount: 1_000})
				answers <- err
			}()
		}
		poll(t, "every prompt", func() bool { return len(prompts(t, info.BaseURL, phone)) == parked })
		began := time.Now()
		for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGTERM, os.Interrupt} {
			cmd.Process.Signal(s)
		}
		if kill {
			cmd.Process.Kill()
		}
		for range parked {
			err := <-answers
			var e *ovo.Error
			if told := errors.As(err, &e) && e.Code == "68"; !errors.Is(err, ovo.ErrOutcomeUnknown) || !told && !kill {
				t.Errorf("a push that waits was answered %v, want 68", err)
			}
		}
		err = <-ended
		switch took := time.Since(began); {
		case kill:
		case err != nil:
			t.Errorf("the program was asked to stop and ended with %v\n%s", err, out.String())
		case took > 10*time.Second:
			t.Errorf("it took %s to stop", took)
		case !strings.Contains(out.String(), "Stopping."):
			t.Errorf("it does not say that it stops: %s", out.String())
		default:
			if _, err := os.Stat(ready); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the ready file is left: %v", err)
			}
		}
		if text, err := exec.Command("gerbang", "audit", "--data", dir).CombinedOutput(); err != nil {
			t.Errorf("the audit: %v\n%s", err, text)
		}
	}
}

// poll waits until something holds.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// prompts are the ids of what a phone is asked.
func prompts(t *testing.T, base, phone string) (ids []string) {
	t.Helper()
	resp, err := http.Get(base + "/sandbox/v1/wallets/" + phone)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var w struct{ Prompts []struct{ ID string } }
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, json.Unmarshal(body, &w)); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.Prompts {
		ids = append(ids, p.ID)
	}
	return ids
}
