package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// childDir, when set, makes this test binary a sandbox over that directory;
// crashEnv, "step:n", ends it at the nth time that the store gets to a step;
// approvedEnv, "n", ends it when the nth push that ends is durable and nobody has been told;
// collideEnv, "n", has one of n writes fail as if another process had been faster;
// clockEnv names a file by which its machine's clock is set (wallClock);
// backupEnv names a directory: the process then backs the directory's database up there.
const (
	childDir    = "GERBANG_TEST_CHILD_DIR"
	crashEnv    = "GERBANG_TEST_CRASH"
	approvedEnv = "GERBANG_TEST_APPROVED"
	collideEnv  = "GERBANG_TEST_COLLIDE"
	clockEnv    = "GERBANG_TEST_CLOCK"
	backupEnv   = "GERBANG_TEST_BACKUP"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	code := m.Run()
	if err := writeReport(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// child serves until it is killed and prints its address first.
func child(dir string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // as the program does
	defer stop()
	var serving atomic.Bool
	var count atomic.Int64
	signal.Ignore(syscall.SIGXFSZ) // a limit on file sizes is to look like a full disk
	if to := os.Getenv(backupEnv); to != "" {
		return backUp(ctx, dir, to)
	}
	c := app.Config{Installation: installed(dir), Addr: "127.0.0.1:0", PINCost: cheapPIN}
	if step, nth, ok := strings.Cut(os.Getenv(crashEnv), ":"); ok {
		left, err := strconv.ParseInt(nth, 10, 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		c = c.WithStore(func(db gateway.Store) gateway.Store {
			return storetest.Faulty(db, func(at string) error {
				if at == step && serving.Load() && count.Add(1) == left {
					syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {} // the signal arrives before anything else happens here
				}
				return nil
			})
		})
	}
	if nth, err := strconv.ParseInt(os.Getenv(approvedEnv), 10, 64); err == nil {
		c = c.WithStore(func(db gateway.Store) gateway.Store {
			return approvals{db, func() {
				if count.Add(1) == nth {
					syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}}
		})
	}
	if path := os.Getenv(clockEnv); path != "" {
		clock, err := openWallClock(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		c = c.WithClock(clock)
	}
	if of, err := strconv.Atoi(os.Getenv(collideEnv)); err == nil {
		c = c.WithStore(func(db gateway.Store) gateway.Store { return storetest.Faulty(db, collide(of)) })
	}
	a, err := app.StartSandbox(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(a.BaseURL)
	serving.Store(true)
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	if err := a.Stop(stopping); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// approvals is a store that says when the end of a push is durable, before anybody is told.
type approvals struct {
	gateway.Store
	durable func()
}

func (s approvals) Update(ctx context.Context, fn func(gateway.Tx) error) error {
	ended := false
	err := s.Store.Update(ctx, func(tx gateway.Tx) error {
		ended = false
		return fn(approvalsTx{tx, &ended})
	})
	if err == nil && ended {
		s.durable()
	}
	return err
}

type approvalsTx struct {
	gateway.Tx
	ended *bool
}

func (t approvalsTx) FinishPush(p gateway.Push) (bool, error) {
	*t.ended = true
	return t.Tx.FinishPush(p)
}

type process struct {
	cmd   *exec.Cmd
	base  string
	ended chan struct{} // closed when it has
}

func spawn(t testing.TB, dir string, env ...string) process {
	t.Helper()
	return spawnUnder(t, dir, nil, env...)
}

// spawnUnder starts a sandbox in a process of its own, under another program if one
// is given.
func spawnUnder(t testing.TB, dir string, under []string, env ...string) process {
	t.Helper()
	args := append(under, os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cmd.Process.Kill()
		t.Fatalf("the child did not start: %v", err)
	}
	p := process{cmd, strings.TrimSpace(line), make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	return p
}

func (p process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop asks the process to stop and returns how it ended.
func (p process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.ended
	if !p.cmd.ProcessState.Success() {
		return errors.New(p.cmd.ProcessState.String())
	}
	return nil
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	dir := home(t)
	a := start(t, dir)
	resp, err := http.Get(a.BaseURL + "/readyz")
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	stop(t, a)
	if err := a.Wait(); err != nil {
		t.Error(err)
	}
	begun := time.Now()
	if _, err := http.Get(a.BaseURL + "/readyz"); err == nil || time.Since(begun) > 5*time.Second {
		t.Error("the stopped server still answers")
	}
}
