package app_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var campaignOlder = flag.String("campaign.older", "", "binary of a build from before the last migration, for TestCampaignOlderBuild")

// program starts the sandbox of a binary of Gerbang.
func program(path string) spawner {
	return func(t testing.TB, dir string, env ...string) process {
		t.Helper()
		ready := filepath.Join(t.TempDir(), "ready")
		cmd := exec.Command(path, sandboxOf(dir, ready)...)
		cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p := process{cmd: cmd, ended: make(chan struct{})}
		go func() {
			cmd.Wait()
			close(p.ended)
		}()
		for deadline := time.Now().Add(60 * time.Second); ; {
			var info struct {
				BaseURL string `json:"base_url"`
			}
			if text, err := os.ReadFile(ready); err == nil && json.Unmarshal(text, &info) == nil {
				p.base = info.BaseURL
				return p
			}
			select {
			case <-p.ended:
				t.Fatalf("%s did not start: %s", path, cmd.ProcessState)
			case <-time.After(5 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				p.kill()
				t.Fatalf("%s is not ready", path)
			}
		}
	}
}

func sandboxOf(dir, ready string) []string {
	args := []string{"sandbox", "--addr", "127.0.0.1:0", "--data", dir, "--ready-file", ready}
	if url := installed(dir).Database; url != "" {
		args = append(args, "--database", url)
	}
	return args
}

// TestCampaignOlderBuild serves with a real binary from before the last migration, and
// has this build replace it under load: one process after the other where there are
// two, so that both serve one database for a while. The older one then refuses to start
// on what it does not know, and has changed nothing.
func TestCampaignOlderBuild(t *testing.T) {
	t.Parallel()
	if *campaignOlder == "" {
		t.Skip("needs the binary of an older build, which make campaign builds from the history")
	}
	newer := filepath.Join(t.TempDir(), "gerbang")
	if out, err := exec.Command("go", "build", "-o", newer, "../../cmd/gerbang").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	version, err := exec.Command(*campaignOlder, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := home(t)
	processes := 1
	if onPostgres() {
		processes = 2
	}
	r := newRigOf(t, program(*campaignOlder), dir, 8, processes)
	const phone = "081344000001"
	r.newPayer(phone)
	stop := r.load("A")
	trials := 0
	for i := range r.replicas {
		r.answers(50)
		here, onHere := r.park(r.replicas[0], phone, fmt.Sprint("AP", i), 10)
		r.spawn = program(newer)
		r.restart(i, func(p process) {
			if err := p.stop(); err != nil {
				t.Errorf("the older build ended with %v", err)
			}
		})
		trials++
		r.answers(50)
		for _, at := range r.replicas {
			if status, text := r.ready(at); status != http.StatusOK {
				t.Errorf("after %d of %d were replaced: %s", i+1, len(r.replicas), text)
			}
		}
		// The pushes wait on, at whichever build.
		for _, p := range onHere {
			if status := r.answer(r.replicas[len(r.replicas)-1-i].base, phone, p, "approve"); status != http.StatusOK {
				t.Errorf("a push that began at an older build cannot be approved: HTTP %d", status)
			}
		}
		for invoice, answer := range here {
			if err := wait(t, "the answer to "+invoice, answer); err != nil && outcome(err) != "68" { // it stopped
				t.Errorf("the caller of %s was told %v", invoice, err)
			}
			r.note(invoice, nil) // the customer was told
		}
		if !onPostgres() {
			continue // its file has one process at a time
		}
		out, err := exec.Command(*campaignOlder, sandboxOf(dir, filepath.Join(t.TempDir(), "ready"))...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "use the newer build") {
			t.Errorf("the older build on a newer schema: %v, %s", err, out)
		}
	}
	r.noFaults()
	stop()
	if err := r.leave(0).stop(); err != nil {
		t.Error(err)
	}
	out, err := exec.Command(*campaignOlder, sandboxOf(dir, filepath.Join(t.TempDir(), "ready"))...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "use the newer build") {
		t.Errorf("the older build on a newer schema: %v, %s", err, out)
	}
	r.came(0, r.spawn(t, dir))
	r.settle("a build of before the last migration, beside this one and after it", trials,
		fmt.Sprintf("%s; it refuses to start on the newer schema", strings.Join(strings.Fields(string(version))[:2], " ")))
}
