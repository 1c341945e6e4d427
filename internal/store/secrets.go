package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/seal"
)

// secret is a column that depends on a master key. A test holds the list against the
// schema.
type secret struct {
	table, id, column string
	// purpose is what a sealed text was sealed for, the row's id behind it when it
	// ends with a dot. It is "" for a hash, which only its owner can renew.
	purpose string
	// digest is a column with the digest of the text for the same purpose, or "".
	digest string
	where  string // the rows that matter, or ""
	// version reads the key's version from a hash.
	version func(hash string) int
}

var secrets = []secret{
	{table: "setting", id: "name", column: "value_sealed", purpose: "setting."},
	{table: "merchant", id: "id", column: "doku_secret_sealed", purpose: purposeSecret},
	{table: "merchant", id: "id", column: "doku_old_secret_sealed", purpose: purposeOldSecret},
	{table: "merchant", id: "id", column: "doku_private_key_sealed", purpose: purposePrivateKey},
	{table: "merchant", id: "id", column: "faspay_password_sealed", purpose: purposePassword},
	{table: "merchant", id: "id", column: "faspay_old_password_sealed", purpose: purposeOldPass},
	{table: "wallet", id: "id", column: "pin_sealed", purpose: purposePIN},
	{table: "page", id: "id", column: "key_sealed", purpose: purposePageKey, digest: "key_digest"},
	{table: "page", id: "id", column: "otp_sealed", purpose: purposeOTP},
	{table: "message", id: "id", column: "code_sealed", purpose: purposeMessageCode},
	{table: "office_user", id: "id", column: "factor_sealed", purpose: purposeFactor},
	{table: "office_user", id: "id", column: "factor_pending_sealed", purpose: purposeFactor},

	{table: "page", id: "id", column: "otp_hash", where: "state = 'otp'", version: seal.VersionOf},
	{table: "wallet", id: "id", column: "pin_hash", version: gateway.HashVersion},
	{table: "office_user", id: "id", column: "password_hash", version: gateway.HashVersion},
}

func (s secret) name() string { return s.table + "." + s.column }

func (s secret) purposeOf(id string) string {
	if s.purpose[len(s.purpose)-1] == '.' {
		return s.purpose + id
	}
	return s.purpose
}

// rows selects id and value of the rows that hold the secret.
func (s secret) rows() string {
	query := "SELECT " + s.id + ", " + s.column + " FROM " + s.table + " WHERE " + s.column + " <> ''"
	if s.where != "" {
		query += " AND " + s.where
	}
	return query
}

// SecretColumn is what a column's secrets say of the master keys behind them.
type SecretColumn struct {
	Name     string        // "table.column"
	Hash     bool          // renewed when its owner next gives the PIN or password, and not by Rewrap
	Versions map[int]int64 // rows by the key's version
	Broken   int64         // rows that no key of the keyring opens
	Rows     []string      // the ids of the first of them
}

// Secrets reads every secret in one snapshot, and opens those that can be opened.
func (s *Store) Secrets(ctx context.Context) (columns []SecretColumn, err error) {
	err = s.db.view(ctx, func(q *session) error {
		if err := s.db.patient(q); err != nil {
			return err
		}
		columns = nil
		for _, secret := range secrets {
			c, err := s.survey(q, secret)
			if err != nil {
				return fmt.Errorf("store: %s: %w", c.Name, err)
			}
			columns = append(columns, c)
		}
		return nil
	})
	return columns, err
}

func (s *Store) survey(q *session, secret secret) (SecretColumn, error) {
	c := SecretColumn{Name: secret.name(), Hash: secret.purpose == "", Versions: map[int]int64{}}
	err := q.query(func(r row) error {
		var id, value string
		if err := r.Scan(&id, &value); err != nil {
			return err
		}
		version, good := seal.VersionOf(value), false
		if c.Hash {
			version = secret.version(value)
			good = slices.Contains(s.keys.Versions(), version)
		} else {
			_, err := s.keys.Open(secret.purposeOf(id), value)
			good = err == nil
		}
		if good {
			c.Versions[version]++
			return nil
		}
		if c.Broken++; c.Broken <= keysShown {
			c.Rows = append(c.Rows, id)
		}
		return nil
	}, secret.rows())
	return c, err
}

// rewrapBatch bounds one transaction of Rewrap, so that it does not hold up payments.
const rewrapBatch = 200

// Rewrap seals under the newest key what older ones have sealed, a few rows at a time
// and beside running servers. Broken off, it goes on where it was. It returns how many
// secrets it rewrapped; progress, which may be nil, is told of every batch.
func (s *Store) Rewrap(ctx context.Context, progress func(column string, rewrapped int64)) (total int64, err error) {
	for _, secret := range secrets {
		if secret.purpose == "" {
			continue
		}
		rewrapped, last := int64(0), ""
		for more := true; more; {
			var n int64
			if last, n, more, err = s.rewrapSome(ctx, secret, last); err != nil {
				return total, fmt.Errorf("store: %s: %w", secret.name(), err)
			}
			rewrapped += n
			total += n
			if progress != nil && n > 0 {
				progress(secret.name(), rewrapped)
			}
		}
	}
	return total, nil
}

// rewrapSome rewraps the next rows after an id. It reads outside of the transaction:
// the write names the value that was read.
func (s *Store) rewrapSome(ctx context.Context, secret secret, after string) (last string, n int64, more bool, err error) {
	type found struct{ id, value string }
	var rows []found
	err = s.db.view(ctx, func(q *session) (err error) {
		rows, err = all(q, func(r row) (f found, err error) { return f, r.Scan(&f.id, &f.value) },
			secret.rows()+" AND "+secret.id+" > $1 ORDER BY "+secret.id+" LIMIT $2", after, rewrapBatch)
		return err
	})
	if err != nil || len(rows) == 0 {
		return after, 0, false, err
	}
	last, more = rows[len(rows)-1].id, len(rows) == rewrapBatch
	newest := s.keys.Newest()
	rows = slices.DeleteFunc(rows, func(f found) bool { return seal.VersionOf(f.value) == newest })
	if len(rows) == 0 {
		return last, 0, more, nil
	}
	statement := "UPDATE " + secret.table + " SET " + secret.column + " = $3 WHERE " + secret.id + " = $1 AND " + secret.column + " = $2"
	if secret.digest != "" {
		statement = "UPDATE " + secret.table + " SET " + secret.column + " = $3, " + secret.digest + " = $4 WHERE " + secret.id + " = $1 AND " + secret.column + " = $2"
	}
	err = s.Update(ctx, func(t gateway.Tx) error {
		n = 0
		for _, f := range rows {
			plain, err := s.keys.Open(secret.purposeOf(f.id), f.value)
			if err != nil {
				return fmt.Errorf("the row %s: %w", f.id, err)
			}
			args := []any{f.id, f.value, s.keys.Seal(secret.purposeOf(f.id), plain)}
			if secret.digest != "" {
				args = append(args, s.keys.Digest(secret.purpose, plain))
			}
			written, err := t.(*tx).changed(statement, args...)
			if err != nil {
				return err
			}
			if written { // or else the server has sealed another value since
				n++
			}
		}
		return nil
	})
	return last, n, more, err
}

// Rekey replaces the keyring. No transaction may run meanwhile.
func (s *Store) Rekey(keys *seal.Keyring) { s.keys = keys }
