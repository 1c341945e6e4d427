package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/store"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// A server that could lose what was acknowledged is refused.
func TestPostgresRefusesUnsafeServers(t *testing.T) {
	t.Parallel()
	cluster := storetest.NewCluster(t)
	cluster.SQL(t, "postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
	safe := fixture{url: cluster.Create(t, "safe"), clock: gateway.NewMovableClock(0), keys: newKeys(t)}
	safe.again(t, false).Close()

	refused := func(what, url, mention string) {
		t.Helper()
		s, err := store.Open(t.Context(), store.Config{URL: url, Keys: safe.keys, Clock: safe.clock})
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", what)
		} else if !strings.Contains(err.Error(), mention) {
			t.Errorf("%s: the error does not say so: %v", what, err)
		}
	}
	refused("encoding", cluster.URL("latin"), "LATIN1")
	refused("commits that do not wait", safe.url+"&synchronous_commit=off", "synchronous_commit is off")
	for _, setting := range []string{"fsync", "full_page_writes"} {
		cluster.SQL(t, "postgres", "ALTER SYSTEM SET "+setting+" = off")
		cluster.Stop(t, "fast")
		cluster.Start(t)
		refused(setting, safe.url, setting+" is off")
		cluster.SQL(t, "postgres", "ALTER SYSTEM RESET "+setting)
	}
}

// Whatever becomes of a COMMIT on its way, the caller learns whether it happened,
// and it happens once: of a transaction that ran statement by statement, and of one
// that went out whole, of which the server may have got any part.
func TestPostgresLostCommit(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(gateway.Tx) error{
		"by itself": func(tx gateway.Tx) error { _, err := tx.NextTerminalNumbers("m", "day"); return err },
		"in a group": func(tx gateway.Tx) error {
			_, err := tx.CreditWallet("wal_1", ledger.Split{Cash: 1}, money.Max)
			return err
		},
	} {
		for _, c := range []struct {
			name    string
			cut     func(*storetest.Proxy, int) <-chan bool
			after   int
			unknown bool
		}{
			{"the answer is lost", (*storetest.Proxy).Cut, storetest.AnswerLost, false},
			{"the commit is lost", (*storetest.Proxy).Cut, 0, false},
			{"half of the commit is lost", (*storetest.Proxy).Cut, 60, false},
			{"the database is gone", (*storetest.Proxy).CutOff, storetest.AnswerLost, true},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				t.Parallel()
				f := open(t, storetest.Postgres)
				if err := f.Update(t.Context(), func(tx gateway.Tx) error {
					_, err := tx.InsertWallet(gateway.Wallet{ID: "wal_1", Status: gateway.WalletActive})
					return err
				}); err != nil {
					t.Fatal(err)
				}
				p := storetest.NewProxy(t, f.url)
				behind := fixture{url: p.URL, keys: f.keys, clock: f.clock}.again(t, false)
				if err := behind.Update(context.Background(), add); err != nil {
					t.Fatal(err)
				}
				committed := false
				cut := c.cut(p, c.after)
				err := behind.Update(context.Background(), func(tx gateway.Tx) error {
					tx.OnCommit(func() { committed = true })
					return add(tx)
				})
				select {
				case happened := <-cut:
					if !happened {
						t.Fatal("the answer was not cut")
					}
				default:
					t.Fatal("no commit passed")
				}
				if c.unknown {
					if !errors.Is(err, gateway.ErrOutcomeUnknown) || !errors.Is(err, gateway.Unavailable) || committed {
						t.Errorf("error %v, hooks ran: %v", err, committed)
					}
				} else if err != nil || !committed {
					t.Errorf("error %v, hooks ran: %v", err, committed)
				}
				var times int64
				if err := f.raw(t).QueryRow("SELECT coalesce((SELECT sum(reference) FROM terminal), 0) + (SELECT sum(cash) FROM wallet)").Scan(&times); err != nil || times != 2 {
					t.Errorf("counted %d, want 2: every count happens once (%v)", times, err)
				}
			})
		}
	}
}

func TestPostgresTextWithoutNUL(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	err := f.View(t.Context(), func(tx gateway.Tx) error { _, err := tx.Payment("pay_\x00"); return err })
	if !errors.Is(err, gateway.Invalid) {
		t.Errorf("reading: %v", err)
	}
	err = f.Update(t.Context(), func(tx gateway.Tx) error { _, err := tx.InsertMerchant(gateway.Merchant{ID: "mch_\xff"}); return err })
	if !errors.Is(err, gateway.Invalid) {
		t.Errorf("writing: %v", err)
	}
}

// A process whose clock is far from the database's is not let in.
func TestPostgresClock(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	for offset, ok := range map[time.Duration]bool{time.Second: true, 10 * time.Second: false, -10 * time.Second: false} {
		s, err := store.Open(t.Context(), store.Config{URL: f.url, Keys: f.keys, Clock: f.clock, Machine: gateway.NewMovableClock(offset)})
		if err == nil {
			s.Close()
		}
		if (err == nil) != ok || !ok && !strings.Contains(err.Error(), "clock") {
			t.Errorf("%s off: %v", offset, err)
		}
	}
}

// stalledClock is a machine's clock whose next so many readings are off: those of a
// process that read it and then stood still, or of one whose clock was wrong then.
type stalledClock struct {
	off   time.Duration
	times *atomic.Int64
}

func (c stalledClock) Now() time.Time {
	if c.times.Add(-1) >= 0 {
		return time.Now().Add(c.off)
	}
	return time.Now()
}
func (stalledClock) At(t time.Time) (<-chan struct{}, func()) { return gateway.SystemClock{}.At(t) }
func (stalledClock) Skew(t time.Time) time.Duration           { return gateway.SystemClock{}.Skew(t) }

// A transaction that began too long before its commit, by the database's clock, is not
// committed: others believe that it is over. It is run again. One that has yet to begin
// is of a process whose clock is wrong, which decides nothing until it is right.
func TestPostgresUntimely(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	f.fill(t)
	ways := map[string]func(gateway.Tx) error{
		"in a group": func(tx gateway.Tx) error {
			_, err := tx.DebitWallet("wal_1", ledger.Split{Cash: 1})
			return err
		},
		"by itself": func(tx gateway.Tx) error {
			if _, err := tx.NextTerminalNumbers("m", "day"); err != nil {
				return err
			}
			_, err := tx.DebitWallet("wal_1", ledger.Split{Cash: 1})
			return err
		},
	}
	for name, write := range ways {
		for off, runs := range map[time.Duration]int{-50 * time.Second: 1, 4 * time.Second: 1, -70 * time.Second: 2, 20 * time.Second: 2} {
			clock := stalledClock{off, new(atomic.Int64)}
			s, err := store.Open(t.Context(), store.Config{URL: f.url, Keys: f.keys, Clock: f.clock, Machine: clock})
			if err != nil {
				t.Fatal(err)
			}
			before := f.wallet(t)
			ran := 0
			clock.times.Store(1) // the beginning of the first run
			err = s.Update(t.Context(), func(tx gateway.Tx) error {
				ran++
				return write(tx)
			})
			if err != nil || ran != runs {
				t.Errorf("%s, begun %s off: %v after %d runs, want %d", name, off, err, ran, runs)
			}
			if debited := before - f.wallet(t); debited != 1 {
				t.Errorf("%s, begun %s off: debited %d times", name, off, debited)
			}
			clock.times.Store(1 << 40)
			if off == -70*time.Second || off == 20*time.Second {
				err = s.Update(t.Context(), write)
				if !errors.Is(err, gateway.Unavailable) || !strings.Contains(err.Error(), "clock") || errors.Is(err, gateway.ErrOutcomeUnknown) {
					t.Errorf("%s, with a clock that is %s off: %v", name, off, err)
				}
				if debited := before - f.wallet(t); debited != 1 {
					t.Errorf("%s, with a clock that is %s off: debited all the same", name, off)
				}
			}
			s.Close()
		}
	}
}

func (f fixture) wallet(t *testing.T) (cash money.Amount) {
	t.Helper()
	if err := f.View(t.Context(), func(tx gateway.Tx) error {
		w, err := tx.Wallet("wal_1")
		cash = w.Balance.Cash
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return cash
}

// A statement that somebody cancels is sent again with its transaction.
func TestPostgresCancelled(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	f.fill(t)
	raw := f.raw(t)
	holder, err := raw.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Rollback()
	if _, err := holder.Exec(`UPDATE wallet SET cash = cash WHERE id = 'wal_1'`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	before := f.wallet(t)
	go func() {
		done <- f.Update(context.Background(), func(tx gateway.Tx) error {
			if _, err := tx.NextTerminalNumbers("m", "day"); err != nil { // by itself
				return err
			}
			_, err := tx.DebitWallet("wal_1", ledger.Split{Cash: 1})
			return err
		})
	}()
	for deadline := time.Now().Add(30 * time.Second); ; {
		var cancelled int
		if err := f.raw(t).QueryRow(`SELECT count(*) FROM (SELECT pg_cancel_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'gerbang' AND wait_event_type = 'Lock') AS struck`).Scan(&cancelled); err != nil {
			t.Fatal(err)
		}
		if cancelled > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the wallet")
		}
	}
	holder.Rollback()
	if err := <-done; err != nil {
		t.Errorf("an update whose statement was cancelled: %v", err)
	}
	if debited := before - f.wallet(t); debited != 1 {
		t.Errorf("debited %d times", debited)
	}
}

// Signals reach every process that listens, also after its connection was lost.
func TestPostgresSignals(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	other := f.again(t, false)
	heard := make(chan string, 100)
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		other.Listen(ctx, func(text string) { heard <- text })
		close(stopped)
	}()
	// What is said before it listens is lost, so it is said until it is heard.
	await := func(want string) {
		t.Helper()
		for tries := 0; tries < 600; tries++ {
			f.Signal(want)
			select {
			case got := <-heard:
				if got == want {
					return
				}
			case <-time.After(50 * time.Millisecond):
			}
		}
		t.Fatalf("%q was not heard", want)
	}
	await("one")
	if _, err := f.raw(t).Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`); err != nil {
		t.Fatal(err)
	}
	await("two")
	stop()
	<-stopped
}

// What an update has read of a wallet must still hold at its commit, whether it
// writes the wallet or not. Another process changes it in between, once.
func TestPostgresPremises(t *testing.T) {
	t.Parallel()
	wallet := func(tx gateway.Tx) (gateway.Wallet, error) { return tx.Wallet("wal_1") }
	payer := func(tx gateway.Tx) (gateway.Wallet, error) { _, w, err := tx.Payer("bnd_1"); return w, err }
	for name, write := range map[string]func(gateway.Tx) error{
		"it is only read": func(tx gateway.Tx) error { return tx.SetSetting("decided", "yes") },
		"it is debited": func(tx gateway.Tx) error {
			_, err := tx.DebitWallet("wal_1", ledger.Split{Cash: 1})
			return err
		},
		"it is read again after a write": func(tx gateway.Tx) error {
			if err := tx.SetPINFails("wal_1", 1, time.Time{}); err != nil {
				return err
			}
			_, err := tx.Wallet("wal_1")
			return err
		},
	} {
		for how, find := range map[string]func(gateway.Tx) (gateway.Wallet, error){"": wallet, ", with its binding": payer} {
			t.Run(name+how, func(t *testing.T) {
				t.Parallel()
				f := open(t, storetest.Postgres)
				f.fill(t)
				other := f.again(t, false)
				var read []money.Amount
				err := f.Update(t.Context(), func(tx gateway.Tx) error {
					w, err := find(tx)
					if err != nil {
						return err
					}
					if read = append(read, w.Balance.Cash); len(read) == 1 {
						if err := other.Update(t.Context(), func(tx gateway.Tx) error {
							_, err := tx.CreditWallet("wal_1", ledger.Split{Cash: 500}, money.Max)
							return err
						}); err != nil {
							return err
						}
					}
					return write(tx)
				})
				if err != nil || len(read) != 2 || read[1] != read[0]+500 {
					t.Errorf("read balances %v, error %v; want a second run that sees the credit", read, err)
				}
			})
		}
	}
}

// Updates that want the same row and commit together are told apart.
func TestPostgresCollisionsInAGroup(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	const keys, each = 100, 3
	var won [keys]atomic.Int32
	var wg sync.WaitGroup
	for i := range keys * each {
		wg.Go(func() {
			var claimed bool
			if err := f.Update(context.Background(), func(tx gateway.Tx) (err error) {
				claimed, err = tx.InsertClaim(gateway.Claim{Merchant: "m", Scope: "s", Key: fmt.Sprint(i % keys)})
				return err
			}); err != nil {
				t.Error(err)
			}
			if claimed {
				won[i%keys].Add(1)
			}
		})
	}
	wg.Wait()
	for i := range won {
		if n := won[i].Load(); n != 1 {
			t.Errorf("key %d was claimed %d times", i, n)
		}
	}
}

// A database that forgot all connections, as one that restarted did, is served on at
// once: nobody sees an error.
func TestPostgresDeadConnections(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	f.fill(t)
	look := func(tx gateway.Tx) error { _, err := tx.Wallet("wal_1"); return err }
	for range 3 {
		var wg sync.WaitGroup
		for range 16 { // fill the pool
			wg.Go(func() {
				if err := f.View(context.Background(), look); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, err := f.raw(t).Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
			t.Fatal(err)
		}
		if err := f.View(t.Context(), look); err != nil {
			t.Errorf("a view: %v", err)
		}
		if err := f.Update(t.Context(), func(tx gateway.Tx) error {
			_, err := tx.DebitWallet("wal_1", ledger.Split{Cash: 1})
			return errors.Join(look(tx), err)
		}); err != nil {
			t.Errorf("an update: %v", err)
		}
	}
}

// Once it was asked what a connection committed, that is final: what the server has yet
// to run of it is refused, and what it is about to commit is waited for.
func TestPostgresFence(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	raw := f.raw(t)
	mark := func(by interface {
		Exec(string, ...any) (sql.Result, error)
	}, connection, mark string) error {
		now := time.Now().UnixMicro()
		_, err := by.Exec(store.SetMark, connection, mark, now, now, now)
		return err
	}
	settled := func(connection, mark string, want bool) {
		t.Helper()
		if committed, err := f.Settled(connection, mark); committed != want || err != nil {
			t.Errorf("connection %s committed %s: %v, %v", connection, mark, committed, err)
		}
	}
	if err := errors.Join(mark(raw, "one", "EARLIER"), mark(raw, "one", "LAST")); err != nil {
		t.Fatal(err)
	}
	settled("one", "LAST", true)
	settled("one", "LAST", true) // the answer to the first question may get lost as well
	settled("one", "NEVER", false)
	settled("new", "NEVER", false)
	for _, connection := range []string{"one", "new"} {
		if err := mark(raw, connection, "LATE"); err == nil {
			t.Errorf("connection %s commits behind its fence", connection)
		}
	}

	tx, err := raw.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := mark(tx, "slow", "SLOW"); err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		settled("slow", "SLOW", true)
	}()
	for waiting := 0; waiting == 0; {
		select {
		case <-asked:
			t.Fatal("a transaction that is about to commit was not waited for")
		default:
		}
		if err := raw.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO commit_mark%'").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	<-asked
}
