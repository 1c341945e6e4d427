package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// PGBench is the dialect of PostgreSQL's own load generator, which is measured beside
// the gateway: no HTTP, no signatures, one transaction of one connection for each
// payment, with a balance row for each merchant. That is how a payment is written
// when nobody thinks about it.
const PGBench = "pgbench"

// pgbenchSchema keeps the baseline's tables out of the gateway's way.
const pgbenchSchema = `
DROP SCHEMA IF EXISTS baseline CASCADE;
CREATE SCHEMA baseline;
CREATE TABLE baseline.purse (id bigint PRIMARY KEY, cash bigint NOT NULL CHECK (cash >= 0), points bigint NOT NULL CHECK (points >= 0));
CREATE TABLE baseline.shop (id bigint PRIMARY KEY, owed bigint NOT NULL);
CREATE TABLE baseline.payment (id bigserial PRIMARY KEY, shop bigint NOT NULL, reference text NOT NULL, purse bigint NOT NULL,
  amount bigint NOT NULL, state text NOT NULL, made timestamptz NOT NULL, UNIQUE (shop, reference));
CREATE INDEX ON baseline.payment (purse, id);
CREATE TABLE baseline.posting (id bigserial PRIMARY KEY, payment bigint NOT NULL, account text NOT NULL, amount bigint NOT NULL);
CREATE INDEX ON baseline.posting (account, id);
CREATE TABLE baseline.outbox (id bigserial PRIMARY KEY, payment bigint NOT NULL, body text NOT NULL);
INSERT INTO baseline.purse SELECT n, 1000000000000, 1000000000000 FROM generate_series(1, 20000) n;
INSERT INTO baseline.shop SELECT n, 0 FROM generate_series(1, 500) n;
ANALYZE baseline.purse;
ANALYZE baseline.shop;
`

// pgbenchScript is one payment. It is formatted with the number of shops.
const pgbenchScript = `\set shop random(1, %d)
\set purse random(1, 20000)
\set amount random(1000, 50000)
BEGIN;
INSERT INTO baseline.payment (shop, reference, purse, amount, state, made) VALUES (:shop, gen_random_uuid()::text, :purse, :amount, 'succeeded', now()) RETURNING id AS payment \gset
UPDATE baseline.purse SET cash = cash - :amount WHERE id = :purse AND cash >= :amount;
UPDATE baseline.shop SET owed = owed + :amount WHERE id = :shop;
INSERT INTO baseline.posting (payment, account, amount) VALUES (:payment, 'purse ' || :purse::text, 0 - :amount::bigint), (:payment, 'shop ' || :shop::text, :amount);
INSERT INTO baseline.outbox (payment, body) VALUES (:payment, '{"kind":"payment.succeeded","state":"SUCCESS","currency":"IDR","note":"as long as the body of a notification is, more or less"}');
COMMIT;
`

// PreparePGBench makes the baseline's tables in a database.
func PreparePGBench(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.PgConn().Exec(ctx, pgbenchSchema).ReadAll()
	return err
}

// FindPGBench finds the program where Debian's packages put it, or "".
func FindPGBench() string {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench") // the pattern is a constant
	if len(found) == 0 {
		return ""
	}
	return slices.Max(found)
}

var pgbenchRate = regexp.MustCompile(`(?m)^tps = (\d+)`)

// RunPGBench puts a load on a database that PreparePGBench has prepared. Its Result
// has no latencies and no use of the CPU.
func RunPGBench(ctx context.Context, program, database string, l Load) (Result, error) {
	shops := worldMerchants
	if l.Pattern == "hot" {
		shops = 1
	}
	script, err := os.CreateTemp("", "gerbang-pgbench-*.sql")
	if err != nil {
		return Result{}, err
	}
	defer os.Remove(script.Name())
	_, err = fmt.Fprintf(script, pgbenchScript, shops)
	if err := errors.Join(err, script.Close()); err != nil {
		return Result{}, err
	}
	target, password, err := withoutPassword(database)
	if err != nil {
		return Result{}, err
	}
	seconds := max(1, int(l.Duration/time.Second))
	l.Duration = time.Duration(seconds) * time.Second
	cmd := exec.CommandContext(ctx, program, "-n", "-M", "prepared", "-f", script.Name(), "-c", strconv.Itoa(l.Clients),
		"-j", strconv.Itoa(min(2, l.Clients)), "-T", strconv.Itoa(seconds), target)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return Result{}, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	rate := pgbenchRate.FindSubmatch(out)
	if rate == nil {
		return Result{Load: l}, nil // nobody's transaction ended in time
	}
	perSecond, err := strconv.ParseInt(string(rate[1]), 10, 64)
	return Result{Load: l, Payments: perSecond * int64(seconds)}, err
}

// withoutPassword keeps a password out of the list of processes.
func withoutPassword(database string) (target, password string, err error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", "", errors.New("the database URL cannot be read")
	}
	if u.User != nil {
		password, _ = u.User.Password()
		u.User = url.User(u.User.Username())
	}
	return u.String(), password, nil
}
