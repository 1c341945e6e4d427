package gerbang

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	planted     = flag.Bool("planted", false, "run the tests against every planted bug")
	plantedOnly = flag.String("planted.only", "", "regular expression: which of them")
)

// bug is a defect that somebody could make: one piece of one file, changed. It is
// never in the tree; the compiler is given the changed file in its place.
type bug struct {
	name     string
	file     string
	old, new string
	where    string // packages whose tests are run
	run      string // which of their tests
}

// bugs are the negative controls: a suite that lets one of them through proves
// nothing about it.
var bugs = []bug{
	{"the debit is not guarded by the balance", "internal/store/wallet.go",
		` AND cash >= $3 AND points >= $4`, ``, "./internal/store", "TestEngines/sqlite"},
	{"a payment can be finished twice", "internal/store/payment.go",
		`transfer_id = $8 WHERE id = $1 AND state = $2`, `transfer_id = $8 WHERE id = $1 AND $2 <> ''`, "./internal/store", "TestEngines/sqlite"},
	{"a refund is not guarded by what was refunded", "internal/store/payment.go",
		`WHERE id = $1 AND refunded_cash = $4 AND refunded_points = $5 AND`, `WHERE id = $1 AND $4 >= 0 AND $5 >= 0 AND`, "./internal/store", "TestEngines/sqlite"},
	{"a refund returns cash before points", "internal/ledger/ledger.go",
		`s := Split{Points: min(amount, left.Points)}
	s.Cash = amount - s.Points`, `s := Split{Cash: min(amount, left.Cash)}
	s.Points = amount - s.Cash`, "./internal/ledger ./internal/gateway", "TestSplitRefund|TestRefund"},
	{"refunds are not limited to what was paid", "internal/ledger/ledger.go",
		`return s, amount > 0 && left.Covers(s)`, `return s, amount > 0`, "./internal/ledger", "Refund"},
	{"the notification is queued after the commit", "internal/gateway/event.go",
		`	return tx.InsertNotification(Notification{`, `	return g.later(tx, Notification{`, "./internal/gateway", "TestNotifications|TestEveryStorageCall|TestPayment"},
	{"a request id may be used again", "internal/gateway/gateway.go",
		`if err == nil && !claimed {`, `if err == nil && !claimed && c.Key == "" {`, "./internal/gateway ./internal/dialect/snap", "TestPayment|TestExternalIDs"},
	{"a request id belongs to all merchants", "internal/store/tx.go",
		`SELECT fingerprint, answer FROM claim WHERE merchant_id = $1 AND`, `SELECT fingerprint, answer FROM claim WHERE $1 <> '' AND`, "./internal/app", "TestOthersThings"},
	{"a binding of another merchant is accepted", "internal/gateway/binding.go",
		`case err != nil || b.MerchantID != merchant:`, `case err != nil:`, "./internal/app", "TestOthersThings"},
	{"a replaced secret or key verifies for ever", "internal/gateway/merchant.go",
		`if old != "" && now.Before(until) {`, `if old != "" && !until.IsZero() {`, "./internal/dialect/snap", "TestMerchantKeyIsReplaced"},
	{"an expired consent is accepted", "internal/gateway/binding.go",
		`b.State == BindingActive && !tx.Now().Before(b.ExpiresAt):
		return b, refuse(ConsentExpired`, `false:
		return b, refuse(ConsentExpired`, "./internal/gateway", "TestBinding|TestPayment"},
	{"two customers share a wallet until the index objects", "internal/gateway/binding.go",
		`	if err := g.mayBind(tx, b.MerchantID, b.WalletID, b.CustomerID, b.Replaces); err != nil {
		return err
	}
	if b.Replaces {`, `	if b.Replaces {`, "./internal/gateway ./internal/app", "TwentyCustomers"},
	{"a code of the second factor serves twice", "internal/store/user.go",
		` AND factor_since_us = $2 AND factor_step < $3`, ` AND factor_since_us = $2 AND factor_step <= $3`, "./internal/store", "TestEngines/sqlite"},
	{"a wrong code is not counted", "internal/gateway/user.go",
		`		if wrong != nil {
`, `		if wrong == ErrCodeWrong {
			return nil
		}
		if wrong != nil {
`, "./internal/gateway", "TestGuessingFactors"},
	{"the password alone replaces a second factor", "internal/gateway/user.go",
		`if now.Factor.Secret != "" {`, `if now.Factor.Secret != "" && f.Code != "" {`, "./internal/gateway", "TestSecondFactor"},
	{"a person ends another's session", "internal/store/user.go",
		`WHERE token_digest = $1 AND user_id = $2`, `WHERE token_digest = $1 AND $2 <> ''`, "./internal/gateway ./internal/store", "TestOwnSessions|TestEngines/sqlite"},
	{"unbinding leaves open payments", "internal/gateway/binding.go",
		`	for _, p := range open {`, `	for _, p := range open[:0] {`, "./internal/gateway", "TestBinding|TestPayment|TestModel"},
	{"an expired one-time code works", "internal/gateway/page.go",
		`p.OTPSends > 0 && now.Before(p.OTPExpiresAt)`, `p.OTPSends > 0`, "./internal/gateway", "TestPage"},
	{"a page takes one wrong code too many", "internal/gateway/page.go",
		`		if left <= 0 {`, `		if left < 0 {`, "./internal/gateway", "TestGuessingOTPs|TestPage"},
	{"wrong codes are not counted", "internal/gateway/page.go",
		`		p.OTPFails++
`, ``, "./internal/gateway", "TestGuessingOTPs|TestPage"},
	{"wrong PINs are counted for each page", "internal/gateway/pin.go",
		`		return left, tx.SetPINFails(w.ID, fails, time.Time{})`, `		return left, nil`, "./internal/gateway", "TestGuessingPINs|TestPage"},
	{"a locked wallet takes the right PIN", "internal/gateway/page.go",
		`		if refusal := w.usable(tx.Now()); refusal != nil {
			return g.failPage(tx, p, refusal.Code)
		}
`, ``, "./internal/gateway", "TestGuessingPINs|TestPage"},
	{"a push is approved after its deadline", "internal/gateway/push.go",
		`case !tx.Now().Before(s.Push.Deadline):`, `case tx.Now().After(s.Push.Deadline.Add(time.Second)):`, "./internal/gateway", "TestPush"},
	{"a push that nobody answers is forgotten", "internal/gateway/gateway.go",
		`for _, push := range pushes {`, `for _, push := range pushes[:0] {`, "./internal/dialect/jokul ./internal/app", "TestPushUnanswered|TestPushesSurvive"},
	{"one check_sum serves two pushes", "internal/gateway/push.go",
		`	if !unused {`, `	if !unused && in.Proof == "" {`, "./internal/dialect/jokul ./internal/gateway", "TestPush"},
	{"parked pushes are dropped when the process stops", "internal/gateway/push.go",
		`	case <-enough:
		return nil`, `	case <-enough:
		return context.Canceled`, "./internal/app ./internal/dialect/jokul", "TestStoppingAnswers|TestPushDraining"},
	{"an update is answered before its commit", "internal/store/sqlite.go",
		`	if _, err := s.writer.exec("COMMIT"); err != nil {`, `	finish(nil)
	batch = nil
	if _, err := s.writer.exec("COMMIT"); err != nil {`, "./internal/app ./internal/store", "TestCampaignKills|TestEngines/sqlite"},
	{"commits do not wait for the disk", "internal/store/sqlite.go",
		`_pragma=synchronous(FULL)`, `_pragma=synchronous(NORMAL)`, "./internal/store ./internal/app", "TestEngines/sqlite|TestAnswersWaitForTheDisk"},
	{"a failed update leaves its writes to its neighbours", "internal/store/sqlite.go",
		`s.writer.exec("ROLLBACK TO job"); err != nil {`, `error(nil), error(nil); err != nil {`, "./internal/store", "TestEngines/sqlite"},
	{"a COMMIT whose answer is lost counts as undone", "internal/store/postgres.go",
		`			return strings.TrimLeft(found, fence) == mark, nil`, `			return found == "", nil`, "./internal/store", "TestPostgresLostCommit"},
	{"what was taken for lost is committed later", "internal/store/postgres.go",
		`CASE WHEN commit_mark.mark NOT LIKE`, `CASE WHEN '' NOT LIKE`, "./internal/store", "TestPostgresFence"},
	{"a group is committed whose guards do not hold", "internal/store/statement.go",
		`(count(*) >= $%d::bigint)`, `(count(*) >= 0 * $%d::bigint)`, "./internal/store", "TestPostgresPremises|TestPostgresCollisionsInAGroup"},
	{"what was decided a minute ago is committed", "internal/store/postgres.go",
		`CASE WHEN $4::bigint >= now.us - %d AND`, `CASE WHEN $4::bigint >= now.us - 100 * %d AND`, "./internal/store", "TestPostgresUntimely"},
	{"a process whose clock is ahead decides", "internal/store/postgres.go",
		`$5::bigint <= now.us + %d THEN`, `$5::bigint <= now.us + 1000 * %d THEN`, "./internal/store", "TestPostgresUntimely"},
	{"counters take no notice of a clock that went back", "internal/gateway/report.go",
		`	if err == nil && ahead {`, `	if err == nil && ahead && name == "" {`, "./internal/gateway", "TestReportsWhenTheClockGoesBack"},
	{"a call waits for its push by the clock alone", "internal/gateway/push.go",
		`	case <-longest.C:
		return nil
`, ``, "./internal/gateway", "TestWaitsEndWhateverTheClockDoes"},
	{"an old lease may store its outcome", "internal/store/event.go",
		`WHERE id = $1 AND fence = $2 AND state = 'queued'`, `WHERE id = $1 AND $2 >= 0 AND state = 'queued'`, "./internal/store ./internal/notify", "TestEngines/sqlite|TestLeaseLost"},
	{"a PIN is stored readable", "internal/store/wallet.go",
		`t.keys.Seal(purposePIN, w.PIN), w.PINFails`, `w.PIN, w.PINFails`, "./internal/store", "TestSecretsAreSealed"},
	{"a signature is compared by its first bytes", "internal/wire/snap/sign.go",
		`hmac.Equal(mac[:], received)`, `hmac.Equal(mac[:8], received[:8])`, "./internal/dialect/snap", "TestChangedRequests"},
	{"a check_sum is compared by its first bytes", "internal/wire/jokul/checksum.go",
		`hmac.Equal(mac[:], sum[:])`, `hmac.Equal(mac[:8], sum[:8])`, "./internal/dialect/jokul", "TestChangedPushes"},
	{"tokens of another issuer are accepted", "internal/wire/snap/token.go",
		`err != nil || p.Iss != Issuer ||`, `err != nil ||`, "./internal/wire/snap", "TestParseTokenRefuses"},
	{"an expired token is accepted", "internal/dialect/snap/admit.go",
		`	case !c.Clock.Now().Before(claims.Expires):
		return &refusal{401`, `	case false:
		return &refusal{401`, "./internal/dialect/snap", "TestRefusals"},
	{"a customer's token opens the merchant's calls", "internal/dialect/snap/admit.go",
		`case claims.AccountID != "" || claims.Use != "":`, `case claims.Use != "":`, "./internal/dialect/snap", "TestRefusals"},
	{"a member may come twice", "internal/wire/json.go",
		`name, twice := d.duplicate(index, members); twice {`, `name, twice := d.duplicate(index, members); twice && members > 99 {`, "./internal/wire", "TestParseRefuses"},
	{"a DOCTYPE is accepted", "internal/wire/xml.go",
		`return refuse("DOCTYPE and other declarations are not accepted")`, `return nil`, "./internal/wire", "TestParseXMLRefuses"},
	{"amounts with sen are cut off", "internal/money/money.go",
		`if n < 1 || text[n:] != ".00" {`, `if n < 1 || text[n] != '.' {`, "./internal/money", "TestParseSNAP"},
	{"days are counted in UTC", "internal/wire/time.go",
		`t.In(WIB).Format(`, `t.UTC().Format(`, "./internal/wire", "TestDay"},
	{"addresses are judged as they are spelled", "internal/notify/dial.go",
		`	a = a.Unmap()
	if nat64`, `	if nat64`, "./internal/notify", "TestNotPublic|TestForbiddenTargets"},
	{"addresses are judged by their name only", "internal/notify/dial.go",
		`		dialer.Control = controlPublic
`, ``, "./internal/notify", "TestDial|TestForbiddenTargets"},
	{"redirects are followed", "internal/notify/dial.go",
		`		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
`, ``, "./internal/notify", "TestRedirectsLead|TestNotAcknowledged"},
}

// more is code that a planted bug needs besides its change.
var more = map[string]string{
	"the notification is queued after the commit": `
func (g *Gateway) later(tx Tx, n Notification) error {
	tx.OnCommit(func() {
		_ = g.store.Update(context.Background(), func(tx Tx) error { return tx.InsertNotification(n) })
	})
	return nil
}
`,
}

func (b bug) source() ([]byte, error) {
	text, err := os.ReadFile(b.file)
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(text, []byte(b.old)); n != 1 {
		return nil, fmt.Errorf("%s has %d places for it, want one: has the code moved?\n%s", b.file, n, b.old)
	}
	text = bytes.Replace(text, []byte(b.old), []byte(b.new), 1)
	text = append(text, more[b.name]...)
	_, err = parser.ParseFile(token.NewFileSet(), b.file, text, 0)
	return text, err
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)|^(panic: .*)`)

// TestPlantedBugs checks that each planted bug still fits the code. With -planted it
// also builds each of them and runs the tests that must notice: none may survive.
func TestPlantedBugs(t *testing.T) {
	t.Parallel()
	only := regexp.MustCompile(*plantedOnly)
	caught, run := 0, 0
	for _, b := range bugs {
		changed, err := b.source()
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
			continue
		}
		if !*planted || !only.MatchString(b.name) {
			continue
		}
		run++
		by, output := b.test(t, changed)
		if by == nil {
			t.Errorf("NOT CAUGHT: %s (%s, tests %s in %s)\n%s", b.name, b.file, b.run, b.where, output)
			continue
		}
		caught++
		t.Logf("%s: caught by %s", b.name, strings.Join(by, ", "))
	}
	if len(bugs) < 25 {
		t.Errorf("only %d bugs", len(bugs))
	}
	if *planted {
		t.Logf("%d of %d caught", caught, run)
	}
}

// test runs the tests with the bug in place and returns those that failed.
func (b bug) test(t *testing.T, changed []byte) (by []string, output string) {
	t.Helper()
	dir := t.TempDir()
	place := filepath.Join(dir, filepath.Base(b.file))
	here, err := filepath.Abs(b.file)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{here: place}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{place: changed, filepath.Join(dir, "overlay.json"): overlay} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := append([]string{"test", "-overlay", filepath.Join(dir, "overlay.json"), "-count=1", "-timeout=2m", "-vet=off", "-run", b.run}, strings.Fields(b.where)...)
	out, err := exec.Command("go", args...).CombinedOutput()
	if err == nil {
		return nil, string(out)
	}
	for _, m := range failed.FindAllSubmatch(out, -1) {
		name := string(m[1])
		if name == "" {
			name = string(m[2])
		}
		if !slices.Contains(by, name) {
			by = append(by, name)
		}
	}
	return by, string(out) // a bug that does not compile is caught by nothing
}
