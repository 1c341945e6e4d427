package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// book is a database in which every commit writes one entry and rewrites some others,
// so that a state that never was is noticed.
type book struct {
	t    *testing.T
	db   *sql.DB
	path string

	mu    sync.Mutex
	began []time.Time // of each commit
	acked []time.Time
}

const openBook = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"

func newBook(t *testing.T) *book {
	t.Helper()
	b := &book{t: t, path: filepath.Join(t.TempDir(), "book.db")}
	b.db = openDB(t, b.path)
	b.exec(`CREATE TABLE entry (n INTEGER PRIMARY KEY, text TEXT NOT NULL)`)
	b.exec(`CREATE TABLE total (one INTEGER PRIMARY KEY, n INTEGER NOT NULL, length INTEGER NOT NULL)`)
	b.exec(`INSERT INTO total VALUES (1, 0, 0)`)
	return b
}

func openDB(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+openBook)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (b *book) exec(query string, args ...any) {
	b.t.Helper()
	if _, err := b.db.Exec(query, args...); err != nil {
		b.t.Fatal(err)
	}
}

// commit makes one commit of up to a few dozen pages; some free pages at the file's end.
func (b *book) commit() {
	b.t.Helper()
	began := time.Now()
	tx, err := b.db.Begin()
	if err != nil {
		b.t.Fatal(err)
	}
	n, length := len(b.began)+1, rand.IntN(60_000)
	exec := func(query string, args ...any) {
		b.t.Helper()
		if _, err := tx.Exec(query, args...); err != nil {
			b.t.Fatal(err)
		}
	}
	exec(`INSERT INTO entry VALUES (?, hex(zeroblob(?)))`, n, length/2)
	exec(`UPDATE entry SET text = text || 'x' WHERE n = ?`, 1+rand.IntN(n))
	if n%10 == 0 {
		exec(`UPDATE entry SET text = '' WHERE n > ? - 5`, n)
	}
	exec(`UPDATE total SET n = ?, length = (SELECT sum(length(text)) FROM entry) WHERE one = 1`, n)
	if err := tx.Commit(); err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.began, b.acked = append(b.began, began), append(b.acked, time.Now())
}

// entries checks a restored database and returns how many entries it has.
func entries(t *testing.T, path string) (n int) {
	t.Helper()
	db := openDB(t, path)
	var sound string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Fatalf("%s: %s, %v", path, sound, err)
	}
	var count, noted, length, actual int
	if err := db.QueryRow(`SELECT n, length, (SELECT count(*) FROM entry), (SELECT coalesce(sum(length(text)), 0) FROM entry) FROM total`).Scan(&noted, &length, &count, &actual); err != nil {
		t.Fatal(err)
	}
	if noted != count || length != actual {
		t.Fatalf("a state that never was: %d of %d entries, length %d of %d", count, noted, actual, length)
	}
	return count
}

// backing runs a backup and lets its test wait for what it reports.
type backing struct {
	t       *testing.T
	stop    context.CancelFunc
	ended   chan error
	reports chan Report
}

func (b *book) backup(dir string, change func(*Config)) *backing {
	b.t.Helper()
	k := &backing{t: b.t, ended: make(chan error, 1), reports: make(chan Report, 100_000)}
	c := Config{Database: b.path, Dir: dir, Every: time.Millisecond, Now: time.Now, maxLog: 256 << 10, minChanges: 300,
		Mark: func() (Mark, error) { return Mark{Schema: 1, Proof: "mine"}, nil }, Report: func(r Report) { k.reports <- r }}
	if change != nil {
		change(&c)
	}
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	b.t.Cleanup(stop)
	go func() { k.ended <- Run(ctx, c) }()
	return k
}

// await waits for a report.
func (k *backing) await(want func(Report) bool) Report {
	k.t.Helper()
	for {
		select {
		case r := <-k.reports:
			if want(r) {
				return r
			}
		case err := <-k.ended:
			k.t.Fatalf("the backup ended: %v", err)
		}
	}
}

func (k *backing) end() {
	k.t.Helper()
	k.stop()
	if err := <-k.ended; err != nil {
		k.t.Fatal(err)
	}
}

func completeBase(r Report) bool { return r.Base && r.Path != "" }

func accept(Mark) error { return nil }

func restore(t *testing.T, dir string, to time.Time) (Restored, int) {
	t.Helper()
	target := filepath.Join(t.TempDir(), "restored.db")
	done, err := Restore(dir, to, target, func(m Mark) error {
		if m.Proof != "mine" {
			return fmt.Errorf("the mark is %+v", m)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return done, entries(t, target)
}

// Every moment can be restored while the log is begun anew many times and bases come
// and go.
func TestEveryMoment(t *testing.T) {
	t.Parallel()
	b, dir := newBook(t), t.TempDir()
	for range 30 {
		b.commit()
	}
	k := b.backup(dir, nil)
	first := k.await(completeBase)
	type moment struct {
		at    time.Time
		least int // entries that were acknowledged when its change was read
	}
	var moments []moment
	for range 12 {
		for range 20 {
			b.commit()
		}
		acked := b.acked[len(b.acked)-1]
		r := k.await(func(r Report) bool { return !r.Base && r.Path != "" && r.At.After(acked) })
		moments = append(moments, moment{r.At, len(b.acked)})
	}
	k.end()
	runs, err := list(dir)
	if err != nil || len(runs) != 1 || len(runs[0].bases) < 2 || len(runs[0].changes) < len(moments) {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	if info, err := os.Stat(b.path + "-wal"); err != nil || info.Size() > 8<<20 {
		t.Errorf("the log has grown to %d bytes: it is not begun anew; %v", info.Size(), err)
	}
	for i, m := range moments {
		if i%3 != 0 {
			continue
		}
		done, n := restore(t, dir, m.at)
		if n < m.least || n > 0 && b.began[n-1].After(m.at) || done.At.After(m.at) {
			t.Errorf("moment %d: %d entries, at least %d were acknowledged; %+v", i, n, m.least, done)
		}
	}
	if done, n := restore(t, dir, time.Time{}); n != len(b.acked) || done.Newer {
		t.Errorf("newest: %d entries of %d; %+v", n, len(b.acked), done)
	}
	if _, n := restore(t, dir, first.At); n != 30 {
		t.Errorf("the first base has %d entries", n)
	}
	if _, err := Restore(dir, first.At.Add(-time.Second), filepath.Join(t.TempDir(), "x"), accept, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first base: %v", err)
	}
}

// A second run goes on where there was a gap, and old files go.
func TestRunsAndRetention(t *testing.T) {
	t.Parallel()
	b, dir := newBook(t), t.TempDir()
	b.commit()
	once := b.backup(dir, func(c *Config) { c.Every = 0 })
	if err := <-once.ended; err != nil {
		t.Fatal(err)
	}
	between := time.Now()
	b.commit()
	k := b.backup(dir, nil)
	k.await(completeBase)
	k.end()
	if _, n := restore(t, dir, between); n != 1 {
		t.Errorf("between the runs: %d entries", n)
	}
	if _, n := restore(t, dir, time.Time{}); n != 2 {
		t.Errorf("newest: %d entries", n)
	}
	k = b.backup(dir, func(c *Config) { c.Keep = time.Nanosecond })
	k.await(func(r Report) bool { return r.DeletedFiles > 0 })
	k.end()
	if _, n := restore(t, dir, time.Time{}); n != 2 {
		t.Errorf("after old files went: %d entries", n)
	}
	if runs, err := list(dir); err != nil || len(runs) != 1 || len(runs[0].bases) != 1 {
		t.Errorf("left: %+v, %v", runs, err)
	}
}

// Whatever byte of a backup is changed, and whatever file is missing or another's, it
// is not restored.
func TestDamage(t *testing.T) {
	t.Parallel()
	b, dir := newBook(t), t.TempDir()
	k := b.backup(dir, func(c *Config) { c.minChanges = 1 << 30 })
	k.await(completeBase)
	for range 3 {
		b.commit()
		k.await(func(r Report) bool { return r.Path != "" && r.At.After(b.acked[len(b.acked)-1]) })
	}
	k.end()
	runs, _ := list(dir)
	r := runs[0]
	target := filepath.Join(t.TempDir(), "restored.db")
	refused := func(what string) {
		t.Helper()
		if done, err := Restore(dir, time.Time{}, target, accept, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %+v, %v", what, done, err)
		}
		if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: a file was left behind: %v", what, err)
		}
	}
	for _, path := range []string{r.base(0), r.change(1), r.change(r.changes[len(r.changes)-1])} {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, 20, len(good) / 2, len(good) - 40, len(good) - 1} {
			bad := slices.Clone(good)
			bad[at] ^= 1
			os.WriteFile(path, bad, 0o600)
			refused(fmt.Sprintf("%s, byte %d of %d", filepath.Base(path), at, len(good)))
		}
		os.WriteFile(path, good[:len(good)-100], 0o600)
		refused(filepath.Base(path) + " cut off")
		os.WriteFile(path, good, 0o600)
	}
	first, _ := os.ReadFile(r.change(1))
	second, _ := os.ReadFile(r.change(2))
	os.Remove(r.change(2))
	refused("a change is missing")
	os.WriteFile(r.change(2), first, 0o600)
	refused("a change stands for another")
	os.WriteFile(r.change(2), second, 0o600)

	if _, err := Restore(dir, time.Time{}, target, func(Mark) error { return errors.New("not mine") }, nil); err == nil || err.Error() != "not mine" {
		t.Errorf("a mark that is refused: %v", err)
	}
	if _, err := Restore(dir, time.Time{}, target, accept, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(dir, time.Time{}, target, accept, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	entries(t, target)
}

// A log that was begun anew twice, while nobody held it, is noticed.
func TestLogBegunAnew(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.db.SetMaxOpenConns(1)
	w := wal{path: b.path + "-wal"}
	next := func(want bool) {
		t.Helper()
		pages, _, err := w.read()
		if err != nil || (len(pages) > 0) != want {
			t.Fatalf("%d pages, %v", len(pages), err)
		}
	}
	next(true)
	next(false)
	b.commit()
	next(true)
	b.exec("PRAGMA wal_checkpoint(RESTART)")
	next(false)
	b.commit()
	next(true) // once is no loss: all was read before
	b.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	next(false)
	b.commit()
	b.exec("PRAGMA wal_checkpoint(RESTART)")
	b.commit()
	if _, _, err := w.read(); !errors.Is(err, errLost) {
		t.Fatalf("a lost log: %v", err)
	}
}
