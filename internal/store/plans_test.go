package store_test

import (
	"database/sql"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

var updatePlans = flag.Bool("plans.update", false, "write docs/query-plans.md anew")

const plansFile = "../../docs/query-plans.md"

const plansHead = `# Query plans

How SQLite answers each statement of the store but the audit's. SQLite plans by the schema alone, so a plan holds for a book
of any size. No statement reads a table that grows with payments from one end to the other. ` + "`go test ./internal/store -run TestPlans -plans.update`" + `
writes this page; the test fails while it is not up to date.

PostgreSQL plans by statistics: [query-plans-postgresql.md](query-plans-postgresql.md) has the same statements.

A line is one table: SEARCH goes into an index by the condition in brackets, SCAN reads an index or table in order.
`

// unbounded are the statements that may read a whole table, each with the reason.
var unbounded = map[string]string{
	"FROM merchant ORDER BY id":              "merchants are made by hand",
	"FROM wallet ORDER BY phone":             "the sandbox shows all its wallets; no protocol asks for them",
	"FROM setting":                           "settings are a handful",
	"FROM account_total WHERE 1 = 1":         "has a row an account of a merchant, not a payment",
	"sum(points), 0) AS BIGINT) FROM wallet": "the back office adds up all wallets; no protocol does",
	"FROM settlement_day":                    "has a row a merchant and day, not a payment",
	"DELETE FROM office_session WHERE":       "has a row a person who is signed in",
}

// Every statement that the suite for engines and the reads below prepare is planned.
func TestPlans(t *testing.T) {
	t.Parallel()
	statements := map[string]bool{}
	var mu sync.Mutex
	collect := func(f fixture) {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range f.Statements() {
			statements[s] = true
		}
	}
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Bundle {
			f := open(t, storetest.SQLite)
			t.Cleanup(func() { collect(f) })
			return storetest.Bundle{Store: f.Store, Clock: f.clock, Reopen: func() gateway.Store { return f.again(t, false) }}
		})
	})
	f := open(t, storetest.SQLite)
	f.readEverything(t)
	collect(f)

	db := f.raw(t)
	var page strings.Builder
	page.WriteString(plansHead)
	planned := 0
	for _, statement := range slices.Sorted(maps.Keys(statements)) {
		lines := plan(t, db, statement)
		if len(lines) == 0 {
			continue
		}
		planned++
		text := strings.Join(strings.Fields(statement), " ")
		fmt.Fprintf(&page, "\n```sql\n%s\n```\n", text)
		for _, line := range lines {
			fmt.Fprintf(&page, "* %s\n", line)
			if scans(line) && !excused(text) {
				t.Errorf("%s\n\treads a whole table: %s", text, line)
			}
		}
	}
	if planned < 70 {
		t.Errorf("only %d statements were planned", planned)
	}
	if *updatePlans {
		if err := os.WriteFile(plansFile, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(plansFile); err != nil || string(kept) != page.String() {
		t.Errorf("%s is not up to date: run this test with -plans.update (%v)", plansFile, err)
	}
}

var placeholder = regexp.MustCompile(`\$(\d+)`)

// placeholders counts the arguments of a statement.
func placeholders(statement string) (args int) {
	for _, match := range placeholder.FindAllStringSubmatch(statement, -1) {
		n, _ := strconv.Atoi(match[1])
		args = max(args, n)
	}
	return args
}

// plan is how SQLite would run a statement, a line for each table.
func plan(t *testing.T, db *sql.DB, statement string) (lines []string) {
	t.Helper()
	switch verb, _, _ := strings.Cut(strings.TrimSpace(statement), " "); verb {
	case "SELECT", "UPDATE", "DELETE", "INSERT":
	default:
		return nil
	}
	rows, err := db.Query("EXPLAIN QUERY PLAN "+statement, make([]any, placeholders(statement))...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// scans reports whether a line of a plan reads a table from one end to the other. A
// partial index holds only what is waiting, and constants are no table.
func scans(line string) bool {
	return strings.HasPrefix(line, "SCAN ") && !strings.Contains(line, "CONSTANT ROW") && !strings.Contains(line, "VALUES CLAUSE") &&
		!strings.Contains(line, "notification_due") && !strings.Contains(line, "notification_unsent") && !strings.HasPrefix(line, "SCAN (subquery") &&
		!slices.Contains([]string{"SCAN batch", "SCAN reached", "SCAN newest", "SCAN counted"}, line) // names of subqueries, whose own lines stand above
}

func excused(statement string) bool {
	if strings.Contains(statement, " DESC LIMIT ") && !strings.Contains(statement, "WHERE") {
		return true // the first rows of an index, and no more
	}
	if strings.HasPrefix(statement, "DELETE ") && !strings.Contains(statement, "WHERE") {
		return true // the sandbox's reset
	}
	for part := range unbounded {
		if strings.Contains(statement, part) {
			return true
		}
	}
	return false
}

// readEverything asks what the suite does not.
func (f fixture) readEverything(t *testing.T) {
	t.Helper()
	if err := f.View(t.Context(), func(tx gateway.Tx) error {
		reads := []error{}
		read := func(_ any, err error) { reads = append(reads, err) }
		read(tx.Payments("", 10))
		read(tx.Notifications("", "", 10))
		read(tx.Notifications("s", "", 10))
		read(tx.TransfersOf("p"))
		read(tx.AwaitingPayments("b"))
		read(tx.WalletBindings("w"))
		read(tx.AnythingDue())
		read(tx.RefundByReference("m", "d", "r"))
		read(tx.PaymentByRequestID("m", "d", "r"))
		for _, f := range []gateway.PaymentFilter{{}, {Merchant: "m"}, {Wallet: "w"}, {Amount: 1}} {
			_, _, err := tx.SearchPayments(f, 10, 100)
			read(nil, err)
		}
		for _, f := range []gateway.NotificationFilter{{}, {Merchant: "m"}} {
			_, _, err := tx.SearchNotifications(f, 10, 100)
			read(nil, err)
		}
		for _, name := range []string{gateway.TallyPayments, gateway.TallyNotifications, gateway.TallyTransfers} {
			read(tx.Tally(name, "z", 10))
		}
		_, _, err := tx.WalletSpent("w", time.Now())
		read(nil, err)
		for _, err := range reads {
			if err != nil && err != gateway.ErrNoRow {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
