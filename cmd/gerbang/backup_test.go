package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// files lists the files of a kind in the newest run of a backup.
func files(ts *testscript.TestScript, dir, kind string) []string {
	runs, err := filepath.Glob(ts.MkAbs(dir) + "/2*Z") // sorted
	ts.Check(err)
	if len(runs) == 0 {
		return nil
	}
	list, err := filepath.Glob(runs[len(runs)-1] + "/" + kind + "-*.gbk")
	ts.Check(err)
	return list
}

// restorable waits until the newest of two runs of a backup has a base.
func restorable(ts *testscript.TestScript, neg bool, args []string) {
	patiently(ts, func() bool {
		runs, err := filepath.Glob(ts.MkAbs(args[0]) + "/2*Z")
		ts.Check(err)
		return len(runs) == 2 && len(files(ts, args[0], "base")) > 0
	})
}

// copied puts a moment into a variable by which everything that has happened so far is
// in the backup: that of the second change after now, as the first may have been read
// before. It tops a wallet up so that there are changes.
func copied(ts *testscript.TestScript, neg bool, args []string) {
	now := time.Now()
	patiently(ts, func() bool {
		resp, err := http.Post(ts.Getenv("BASE")+"/sandbox/v1/wallets/081222222222/topup", "application/json", strings.NewReader(`{"cash":1}`))
		ts.Check(err)
		resp.Body.Close()
		later := 0
		for _, path := range files(ts, args[0], "change") {
			if at := momentOf(ts, path); at.After(now) {
				if later++; later == 2 {
					ts.Setenv(args[1], at.Format(time.RFC3339Nano))
					return true
				}
			}
		}
		return false
	})
}

func momentOf(ts *testscript.TestScript, path string) time.Time {
	f, err := os.Open(path)
	ts.Check(err)
	defer f.Close()
	line, err := bufio.NewReader(f).ReadBytes('\n')
	ts.Check(err)
	var head struct{ At time.Time }
	ts.Check(json.Unmarshal(line, &head))
	return head.At
}

func patiently(ts *testscript.TestScript, done func() bool) {
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			ts.Fatalf("it does not come")
		}
	}
}
