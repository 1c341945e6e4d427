package main

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gerbang": main})
}

// TestScripts runs the command line as a user would; the scripts are in testdata.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready": ready,
		},
	})
}

// ready waits for a ready file, checks that the sandbox named there serves, and
// puts its address and process id into the environment.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	var info struct {
		BaseURL string `json:"base_url"`
		PID     int    `json:"pid"`
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil {
			ts.Check(json.Unmarshal(text, &info))
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no ready file: %v", err)
		}
	}
	resp, err := http.Get(info.BaseURL + "/readyz")
	ts.Check(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || info.PID == 0 {
		ts.Fatalf("ready file %+v, HTTP %d", info, resp.StatusCode)
	}
	ts.Setenv("BASE", info.BaseURL)
}
