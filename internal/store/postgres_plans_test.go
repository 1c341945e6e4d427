package store_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

var plansPayments = flag.Int("plans.payments", 20_000, "payments that TestPostgresPlans really writes, of the 1,000,000 that are planned for")

const (
	postgresPlansFile = "../../docs/query-plans-postgresql.md"

	postgresPlansHead = `# Query plans of PostgreSQL

How PostgreSQL answers the statements of [query-plans.md](query-plans.md) once it knows of 1,000,000 payments, 20,000 wallets and as
many bindings, whatever the arguments are; those that may read a whole small table are left out. Plans differ a little from release to release; what holds for all is that no statement
reads a table that grows with payments from one end to the other (a Seq Scan on it), and a test fails where one does.
` + "`go test ./internal/store -run TestPostgresPlans -plans.update`" + ` writes this page.
`
)

// plannedPayments is how many payments the statistics speak of.
const plannedPayments = 1_000_000

// growing are the tables that have rows for each payment or customer.
var growing = []string{
	"wallet", "binding", "page", "payment", "push", "refund", "transfer", "posting", "claim", "event", "notification", "attempt",
}

// settle makes merchants and customers for Prefill to spread payments over. $1 is the
// number of customers, who have one binding each.
var settle = []string{
	`INSERT INTO merchant (id, name, doku_client_id, doku_secret_sealed, doku_public_key, doku_private_key_sealed, doku_notification_url,
		snap_token_url, snap_notification_url, snap_binding_notification_url, created_us)
	SELECT 'mer_' || n, 'Toko', 'BRN-' || n, '', '', '', '', '', '', '', 0 FROM generate_series(1, 200) n WHERE $1::bigint > 0`,
	`INSERT INTO wallet (id, phone, name, status, pin_hash, pin_sealed, pin_fails, locked_until_us, cash, points,
		limit_transaction, limit_daily_count, limit_daily_sum, limit_holding, created_us)
	SELECT 'wal_' || n, '0813' || n, 'Sari', 'active', '', '', 0, 0, 900000000000, 0, 0, 0, 0, 0, 0 FROM generate_series(1, $1::bigint) n`,
	`INSERT INTO page (id, key_digest, key_sealed, kind, subject, merchant_id, wallet_id, state, reason, otp_hash, otp_sealed, otp_expires_us,
		otp_fails, otp_sends, success_url, failure_url, created_us, opened_us, deadline_us)
	SELECT 'pag_' || n, 'key' || n, '', 'binding', 'bnd_' || n, 'mer_' || n % 200 + 1, 'wal_' || n, 'done', '', '', '', 0, 0, 1, '', '', n, n, n
		FROM generate_series(1, $1::bigint) n`,
	`INSERT INTO binding (id, merchant_id, wallet_id, phone, customer_id, state, dialect, request_id, customer_name, replaces, page_id,
		token_expires_us, created_us, expires_us, ended_us)
	SELECT 'bnd_' || n, 'mer_' || n % 200 + 1, 'wal_' || n, '0813' || n, 'cust-' || n, 'active', 'snap', 'r' || n, 'Sari', 0, 'pag_' || n, 0, n, n, 0
		FROM generate_series(1, $1::bigint) n`,
}

// ramify gives payments of Prefill what only some payments have.
var ramify = []string{
	`INSERT INTO push (payment_id, merchant_id, wallet_id, proof, batch_number, reference, trace, approval, cash_left, points_left, deadline_us, open, final_us)
	SELECT id, merchant_id, wallet_id, id, 1, 1, 1, '', 0, 0, final_us, 0, final_us FROM payment WHERE amount % 4 = 0`,
	`INSERT INTO refund (id, merchant_id, payment_id, dialect, reference, request_id, amount, cash, points, reason, transfer_id, created_us)
	SELECT 'ref_' || id, merchant_id, id, dialect, id, id, 1, 1, 0, '', '', created_us FROM payment WHERE amount % 8 = 1`,
}

// Every statement of docs/query-plans.md, which TestPlans keeps complete, is planned
// by a server that believes in a book of a million payments: the planner multiplies
// a table's pages by the density that is written down, and that is raised here.
func TestPostgresPlans(t *testing.T) {
	t.Parallel()
	f := open(t, storetest.Postgres)
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(ctx, statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for _, table := range growing {
		run("ALTER TABLE " + table + " SET (autovacuum_enabled = off)") // it would write down the truth again
	}
	for _, statement := range settle {
		run(statement, *plansPayments/50)
	}
	if err := f.Prefill(ctx, *plansPayments, nil); err != nil {
		t.Fatal(err)
	}
	for _, statement := range ramify {
		run(statement)
	}
	run("VACUUM ANALYZE")
	run(`UPDATE pg_class SET reltuples = reltuples * $1::float8 WHERE oid = ANY ($2::regclass[])
		OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = ANY ($2::regclass[]))`, float64(plannedPayments)/float64(*plansPayments), growing)

	var believed float64
	if err := conn.QueryRow(ctx, "SELECT reltuples FROM pg_class WHERE oid = 'payment'::regclass").Scan(&believed); err != nil || believed < 0.99*plannedPayments {
		t.Fatalf("the planner believes in %.0f payments: %v", believed, err)
	}
	page, err := os.ReadFile(plansFile)
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	written.WriteString(postgresPlansHead)
	planned := 0
	for _, found := range sqlBlock.FindAllSubmatch(page, -1) {
		statement := string(found[1])
		if excused(statement) {
			continue
		}
		planned++
		lines := planOnPostgres(t, conn, statement)
		fmt.Fprintf(&written, "\n```sql\n%s\n```\n\n```text\n%s\n```\n", statement, strings.Join(lines, "\n"))
		for _, line := range lines {
			if scanned := seqScan.FindStringSubmatch(line); scanned != nil && slices.Contains(growing, scanned[1]) {
				t.Errorf("%s\n\treads a whole table:\n%s", statement, strings.Join(lines, "\n"))
				break
			}
		}
	}
	if planned < 100 {
		t.Errorf("only %d statements were planned", planned)
	}
	if *updatePlans {
		if err := os.WriteFile(postgresPlansFile, []byte(written.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(postgresPlansFile)
	if err != nil || !slices.Equal(sqlBlock.FindAllString(string(kept), -1), sqlBlock.FindAllString(written.String(), -1)) {
		t.Errorf("%s has other statements: run this test with -plans.update (%v)", postgresPlansFile, err)
	}
}

var (
	sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)\n```")
	seqScan  = regexp.MustCompile(`Seq Scan on (\w+)`)
)

// planOnPostgres is the plan that serves all arguments alike.
func planOnPostgres(t *testing.T, conn *pgx.Conn, statement string) (lines []string) {
	t.Helper()
	args := ""
	if n := placeholders(statement); n > 0 {
		args = "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	explain := fmt.Sprintf("DEALLOCATE ALL; SET plan_cache_mode = force_generic_plan; PREPARE planned AS %s; EXPLAIN (COSTS OFF) EXECUTE planned%s", statement, args)
	results, err := conn.PgConn().Exec(t.Context(), explain).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	for _, row := range results[len(results)-1].Rows {
		lines = append(lines, string(row[0]))
	}
	return lines
}
