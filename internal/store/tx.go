package store

import (
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/seal"
)

// tx implements gateway.Tx on one session.
type tx struct {
	*session
	keys     *seal.Keyring
	now      time.Time
	onCommit []func()
	premises *premises // nil in a View
}

func (t *tx) Now() time.Time { return t.now }

func (t *tx) OnCommit(fn func()) { t.onCommit = append(t.onCommit, fn) }

// us is a time as stored: microseconds since 1970, 0 for the zero time.
func us(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// flag is a truth as stored, 1 or 0.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// below is where a list that goes down begins: at before, or at the top when there is
// none. A condition that tells the two apart would keep engines from their index.
func below[ID ~string](before ID) ID {
	if before == "" {
		return allIDs
	}
	return before
}

// at reverses us.
func at(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func (t *tx) InsertClaim(c gateway.Claim) (bool, error) {
	return t.changed(`INSERT INTO claim (merchant_id, scope, request_id, fingerprint, answer, created_us)
		VALUES ($1, $2, $3, $4, '', $5) ON CONFLICT DO NOTHING`, c.Merchant, c.Scope, c.Key, c.Fingerprint, us(t.now))
}

func (t *tx) Claim(c gateway.Claim) (fingerprint, answer string, err error) {
	err = t.one(`SELECT fingerprint, answer FROM claim WHERE merchant_id = $1 AND scope = $2 AND request_id = $3`,
		[]any{c.Merchant, c.Scope, c.Key}, &fingerprint, &answer)
	return fingerprint, answer, err
}

func (t *tx) SetClaimAnswer(c gateway.Claim, answer string) error {
	_, err := t.exec(`UPDATE claim SET answer = $4 WHERE merchant_id = $1 AND scope = $2 AND request_id = $3 AND fingerprint = $5 AND answer = ''`,
		c.Merchant, c.Scope, c.Key, answer, c.Fingerprint)
	return err
}

func (t *tx) AnythingDue() (bool, error) {
	// Not EXISTS: PostgreSQL expects to meet something due at once, and reads all
	// bindings to learn that nothing is.
	var due bool
	err := t.one(`SELECT coalesce((SELECT min(deadline_us) FROM page WHERE state IN ('otp', 'pin')) <= $1, 1 = 0)
		OR coalesce((SELECT min(deadline_us) FROM push WHERE open = 1) <= $1, 1 = 0)
		OR coalesce((SELECT min(expires_us) FROM binding WHERE state = 'active') <= $1, 1 = 0)`, []any{us(t.now)}, &due)
	return due, err
}

func (t *tx) Setting(name string) (string, error) {
	var sealed string
	if err := t.one(`SELECT value_sealed FROM setting WHERE name = $1`, []any{name}, &sealed); err != nil {
		return "", err
	}
	return t.keys.Open("setting."+name, sealed)
}

func (t *tx) SetSetting(name, value string) error {
	_, err := t.exec(`INSERT INTO setting (name, value_sealed) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value_sealed = excluded.value_sealed`, name, t.keys.Seal("setting."+name, value))
	return err
}

func (t *tx) InsertSetting(name, value string) (bool, error) {
	return t.changed(`INSERT INTO setting (name, value_sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, t.keys.Seal("setting."+name, value))
}

// tables lists every table but setting, those that are referred to last.
var tables = []string{
	"office_session", "office_recovery", "office_user", "office_trace", "tally", "payment_hour", "notification_hour", "settlement_day", "account_total",
	"pruned", "message", "attempt", "notification", "event", "claim", "posting", "transfer", "refund", "push", "terminal", "payment", "page", "binding", "asked", "wallet", "merchant",
}

func (t *tx) Erase() error {
	for _, table := range tables {
		if _, err := t.exec("DELETE FROM " + table); err != nil {
			return err
		}
	}
	return nil
}
