package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server of the tests' own, with durable settings and
// reachable through a socket in its directory only. The server refuses to run as
// root; then it runs as another user.
type Cluster struct {
	Dir  string // holds the data directory, the socket and the log
	Port int    // names the socket

	users *os.File // of the shared cluster: the lock that says that this process uses it
}

// superuser owns the databases of a test cluster.
const superuser = "gerbang"

// NewCluster starts a server for one test, which may stop, kill or reconfigure it; with
// -short it skips the test. Settings are lines for postgresql.conf.
func NewCluster(t testing.TB, settings ...string) Cluster {
	t.Helper()
	skipShort(t)
	dir, err := os.MkdirTemp("", "gerbang-pg-") // short: the path of a socket has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	c := Cluster{Dir: dir, Port: 5432}
	t.Cleanup(func() {
		c.Stop(t, "immediate")
		os.RemoveAll(dir)
	})
	if err := c.init(settings); err != nil {
		t.Fatal(err)
	}
	c.Start(t)
	return c
}

// Data is the cluster's data directory.
func (c Cluster) Data() string { return filepath.Join(c.Dir, "data") }

// URL names a database of the cluster.
func (c Cluster) URL(database string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s&port=%d", superuser, database, c.Dir, c.Port)
}

// Start starts the server and waits until it answers.
func (c Cluster) Start(t testing.TB) {
	t.Helper()
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop stops the server in a mode of pg_ctl: fast, or immediate as in a crash.
func (c Cluster) Stop(t testing.TB, mode string) {
	t.Helper()
	if out, err := c.Run("pg_ctl", "-D", c.Data(), "-m", mode, "-w", "stop"); err != nil && !strings.Contains(string(out), "Is server running") {
		t.Errorf("stopping PostgreSQL: %v\n%s", err, out)
	}
}

// Standby starts a second server that follows c and gets every commit before it is
// acknowledged.
func (c Cluster) Standby(t testing.TB) Cluster {
	t.Helper()
	s := c.copied(t, "standby", "-R")
	if err := s.configure([]string{"hot_standby = on"}); err != nil {
		t.Fatal(err)
	}
	s.Start(t)
	c.SQL(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()")
	return s
}

// Copy makes a base backup of the running server, as a server that has not been
// started.
func (c Cluster) Copy(t testing.TB) Cluster {
	t.Helper()
	s := c.copied(t, "copy")
	if err := s.configure(nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func (c Cluster) copied(t testing.TB, name string, options ...string) Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "gerbang-pg-")
	if err != nil {
		t.Fatal(err)
	}
	s := Cluster{Dir: dir, Port: c.Port}
	t.Cleanup(func() {
		s.Stop(t, "immediate")
		os.RemoveAll(dir)
	})
	if err := s.own(); err != nil {
		t.Fatal(err)
	}
	source := fmt.Sprintf("host=%s port=%d user=%s application_name=%s", c.Dir, c.Port, superuser, name)
	args := append([]string{"-D", s.Data(), "-d", source, "-X", "stream", "-c", "fast", "--no-sync"}, options...)
	if out, err := s.Run("pg_basebackup", args...); err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	return s
}

// Promote makes a standby the primary.
func (c Cluster) Promote(t testing.TB) {
	t.Helper()
	if out, err := c.Run("pg_ctl", "-D", c.Data(), "-w", "promote"); err != nil {
		t.Fatalf("pg_ctl promote: %v\n%s", err, out)
	}
}

// Create makes an empty database and returns its URL.
func (c Cluster) Create(t testing.TB, name string) string {
	t.Helper()
	c.SQL(t, "postgres", "CREATE DATABASE "+name)
	return c.URL(name)
}

// SQL runs statements in a database of the cluster, as its superuser.
func (c Cluster) SQL(t testing.TB, database string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), c.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, s := range statements {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// init makes the data directory.
func (c Cluster) init(settings []string) error {
	if err := c.own(); err != nil {
		return err
	}
	// --no-sync is about the new files only; what the server writes is durable.
	if out, err := c.Run("initdb", "--no-sync", "-D", c.Data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C"); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return c.configure(settings)
}

// own makes the directory, for the user that runs the server.
func (c Cluster) own() error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	if owner := serverUser(); owner != nil {
		return os.Chown(c.Dir, int(owner.Uid), int(owner.Gid))
	}
	return nil
}

func (c Cluster) configure(settings []string) error {
	conf, err := os.OpenFile(filepath.Join(c.Data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conf, "listen_addresses = ''\nunix_socket_directories = '%s'\nport = %d\nmax_connections = 1000\n%s\n",
		c.Dir, c.Port, strings.Join(settings, "\n"))
	return errors.Join(err, conf.Close())
}

func (c Cluster) start() error {
	if out, err := c.Run("pg_ctl", "-D", c.Data(), "-l", filepath.Join(c.Dir, "log"), "-w", "-t", "60", "start"); err != nil {
		log, _ := os.ReadFile(filepath.Join(c.Dir, "log"))
		return fmt.Errorf("starting PostgreSQL: %w\n%s\n%s", err, out, log)
	}
	return nil
}

// Run runs one of PostgreSQL's programs as the user that the server runs as.
func (c Cluster) Run(program string, args ...string) ([]byte, error) {
	path, err := find(program)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = c.Dir
	if owner := serverUser(); owner != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	}
	// The server that pg_ctl starts inherits its output: waiting for the end of a
	// pipe would last as long as the server does.
	out, err := os.CreateTemp("", "gerbang-pg-out-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	ran := cmd.Run()
	text, err := os.ReadFile(out.Name())
	return text, errors.Join(ran, err)
}

// find looks for a program in the path and where Debian keeps those of the server.
func find(program string) (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) > 0 {
		return found[0], nil
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("the tests need a PostgreSQL server, and there is no %s: install the package postgresql, or use -short", program)
	}
	return path, nil
}

// version is the 15 of /usr/lib/postgresql/15/bin/initdb.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// serverUser is who runs the server, or nil for the user of the tests.
var serverUser = sync.OnceValue(func() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
})

// The shared cluster. Every process that uses it holds a shared lock on the file
// "users"; whoever starts or stops it holds the file "start". A small shell outlives
// the tests and stops the server once nobody has used it for a while.

var (
	sharedOnce  sync.Once
	sharedFound Cluster
	sharedError error
)

// skipShort skips a test that wants PostgreSQL where only what needs nothing but Go runs.
func skipShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
}

func shared(t testing.TB) Cluster {
	t.Helper()
	skipShort(t)
	sharedOnce.Do(func() { sharedFound, sharedError = joinShared() })
	if sharedError != nil {
		t.Fatal(sharedError)
	}
	return sharedFound
}

func joinShared() (Cluster, error) {
	locks := filepath.Join(fastDir(), fmt.Sprintf("gerbang-tests-%d", os.Geteuid()))
	if err := os.MkdirAll(locks, 0o755); err != nil {
		return Cluster{}, err
	}
	c := Cluster{Dir: filepath.Join(locks, "pg"), Port: 5432}
	start, err := lock(filepath.Join(locks, "start"), syscall.LOCK_EX)
	if err != nil {
		return c, err
	}
	defer start.Close()
	users, err := lock(filepath.Join(locks, "users"), syscall.LOCK_SH)
	if err != nil {
		return c, err
	}
	c.users = users // kept open, and so locked, until the process ends
	if conn, err := pgx.Connect(context.Background(), c.URL("postgres")); err == nil {
		return c, conn.Close(context.Background())
	}
	if err := errors.Join(os.RemoveAll(c.Dir), c.init([]string{"checkpoint_timeout = 1h", "max_wal_size = 4GB"}), c.start()); err != nil {
		return c, err
	}
	pgctl, err := find("pg_ctl")
	if err != nil {
		return c, err
	}
	stopper := exec.Command("sh", "-c", stopShared, "sh", pgctl, c.Dir)
	stopper.Dir = locks
	stopper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if owner := serverUser(); owner != nil {
		stopper.Env = append(os.Environ(), fmt.Sprintf("AS=setpriv --reuid=%d --regid=%d --clear-groups", owner.Uid, owner.Gid))
	}
	return c, stopper.Start()
}

// fastDir is where files are written fastest: in memory where there is enough, unless
// TMPDIR says where.
func fastDir() string {
	var fs syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" {
		return os.TempDir()
	}
	if err := syscall.Statfs("/dev/shm", &fs); err == nil && int64(fs.Bavail)*fs.Bsize > 4<<30 {
		return "/dev/shm"
	}
	return os.TempDir()
}

const stopShared = `
while :; do
	flock -x users true
	sleep 10
	flock -x start flock -n -x users sh -c "cd '$2' && $AS '$1' -D data -m immediate stop; cd / && rm -rf '$2'" >/dev/null 2>&1 && exit
done`

func lock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lend gives a test a database that no other test is using, in any process, and
// empties it first. Making one costs a second on some disks, so they are kept.
func (c Cluster) lend(t testing.TB) string {
	t.Helper()
	ctx := context.Background()
	keeper, err := pgx.Connect(ctx, c.URL("postgres")) // its session holds the lock
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keeper.Close(ctx) })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; ; n++ {
		name := fmt.Sprint("lent_", n)
		var locked, there bool
		must(keeper.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", n).Scan(&locked))
		if !locked {
			continue
		}
		must(keeper.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&there))
		if there {
			// Who used it last may have died without closing its connections.
			_, err := keeper.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
			must(err)
			c.SQL(t, name, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
		} else {
			c.SQL(t, "postgres", "CREATE DATABASE "+name)
		}
		return c.URL(name)
	}
}
