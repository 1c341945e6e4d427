package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gerbang": main, "curl": curl, "shop": shop})
}

// TestScripts runs the command line as a user would; the scripts are in testdata.
func TestScripts(t *testing.T) {
	t.Parallel()
	recipe, err := filepath.Abs("../../examples/ci")
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, "testdata", func(env *testscript.Env) error {
		env.Setenv("CI", recipe)
		return nil
	})
}

// TestScriptsOnPostgres runs the commands that take a database on PostgreSQL; $DB,
// $OTHER and $BENCH are the URLs of empty databases.
func TestScriptsOnPostgres(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/postgres", func(env *testscript.Env) error {
		env.Setenv("DB", storetest.Postgres.New(env.T().(testing.TB)))
		env.Setenv("OTHER", storetest.Postgres.New(env.T().(testing.TB)))
		env.Setenv("BENCH", storetest.Postgres.New(env.T().(testing.TB)))
		return nil
	})
}

func runScripts(t *testing.T, dir string, setup func(*testscript.Env) error) {
	testscript.Run(t, testscript.Params{
		Dir: dir, Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready": ready, "exitcode": exitCode, "paymentid": paymentID, "notificationid": notificationID, "rawrequest": rawRequest, "listening": listening, "restorable": restorable, "copied": copied,
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
	if len(args) > 1 { // the variable for the address of a server that is no sandbox
		ts.Setenv(args[1], info.BaseURL)
		return
	}
	resp, err := http.Get(info.BaseURL + "/readyz")
	ts.Check(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || info.PID == 0 {
		ts.Fatalf("ready file %+v, HTTP %d", info, resp.StatusCode)
	}
	ts.Setenv("BASE", info.BaseURL)
}

// exitCode runs gerbang, which must leave with the code.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("gerbang", args[1:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if want, _ := strconv.Atoi(args[0]); code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// fetch reads the control API of the sandbox at $BASE.
func fetch(ts *testscript.TestScript, path string, into any) {
	resp, err := http.Get(ts.Getenv("BASE") + "/sandbox/v1" + path)
	ts.Check(err)
	defer resp.Body.Close()
	ts.Check(json.NewDecoder(resp.Body).Decode(into))
}

// paymentID puts the id of the payment with a reference into $PAYMENT.
func paymentID(ts *testscript.TestScript, neg bool, args []string) {
	var list struct {
		Payments []struct{ ID, Reference string }
	}
	fetch(ts, "/payments", &list)
	for _, p := range list.Payments {
		if p.Reference == args[0] {
			ts.Setenv("PAYMENT", p.ID)
			return
		}
	}
	ts.Fatalf("no payment %s", args[0])
}

// notificationID puts the id of the newest notification into $NOTIFICATION.
func notificationID(ts *testscript.TestScript, neg bool, args []string) {
	var list struct{ Notifications []struct{ ID string } }
	fetch(ts, "/notifications?limit=1", &list)
	if len(list.Notifications) == 0 {
		ts.Fatalf("no notification")
	}
	ts.Setenv("NOTIFICATION", list.Notifications[0].ID)
}

// rawRequest turns the JSON of "gerbang sign" into a file with the request as it is
// on the wire, and a line break behind it, as editors put one.
func rawRequest(ts *testscript.TestScript, neg bool, args []string) {
	var s signView
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &s))
	u, err := url.Parse(s.URL)
	ts.Check(err)
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nContent-Length: %d\r\n", s.Method, u.RequestURI(), len(s.Body))
	for name, value := range s.Headers {
		text += name + ": " + value + "\r\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text+"\r\n"+s.Body+"\n"), 0o600))
}

// curl stands in for the real one, which a machine that tests need not have. It
// knows what "gerbang sign" prints and nothing else.
func curl() {
	flags := flag.NewFlagSet("curl", flag.ExitOnError)
	flags.Bool("s", false, "")
	method := flags.String("X", "", "")
	body := flags.String("data-raw", "", "")
	header := http.Header{}
	flags.Func("H", "", func(line string) error {
		name, value, _ := strings.Cut(line, ": ")
		header.Add(name, value)
		return nil
	})
	args := os.Args[1:] // -s -X METHOD URL, and then the rest
	flags.Parse(slices.Concat(args[:3], args[4:]))
	req, err := http.NewRequest(*method, args[3], strings.NewReader(*body))
	if err == nil {
		req.Header = header
		var resp *http.Response
		if resp, err = http.DefaultClient.Do(req); err == nil {
			_, err = io.Copy(os.Stdout, resp.Body)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// listening waits until the sandbox at $BASE has a listener for the seeded merchant.
func listening(ts *testscript.TestScript, neg bool, args []string) {
	var list struct{ Merchants []struct{ ID string } }
	fetch(ts, "/merchants", &list)
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		var all struct{ Listeners []struct{ Merchant string } }
		fetch(ts, "/listeners", &all)
		for _, l := range all.Listeners {
			if l.Merchant == list.Merchants[0].ID {
				return
			}
		}
	}
	ts.Fatalf("nobody listens")
}
