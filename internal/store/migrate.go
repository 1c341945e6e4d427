package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Migrations only go forward. Each file is one step, applied in a transaction of
// its own and recorded with its checksum, so that a step edited after it was
// released is found out instead of silently skipped.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

type migration struct {
	version  int64
	name     string
	text     string
	checksum string
}

const createMigrationTable = `
CREATE TABLE IF NOT EXISTS schema_migration (
  version    BIGINT PRIMARY KEY,
  name       TEXT NOT NULL,
  checksum   TEXT NOT NULL,
  applied_us BIGINT NOT NULL
)`

// migrations reads the embedded steps in order.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var steps []migration
	for _, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("store: migration %s does not begin with its number", name)
		}
		sum := sha256.Sum256(text)
		steps = append(steps, migration{version, path.Base(name), string(text), hex.EncodeToString(sum[:])})
	}
	return steps, nil
}

// Schema is the number of the newest step that this build knows.
func Schema() (int64, error) {
	_, newest, err := schema()
	return newest, err
}

func (s *Store) migrate(ctx context.Context) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	if err := s.db.migrate(ctx, func(q *session) error {
		_, err := q.exec(createMigrationTable)
		return err
	}); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	for _, step := range steps {
		applied := false
		err := s.db.migrate(ctx, func(q *session) error {
			var err error
			if applied, err = isApplied(q, step); err != nil || applied {
				return err
			}
			for _, statement := range statements(step.text) {
				if _, err := q.exec(statement); err != nil {
					return err
				}
			}
			_, err = q.exec(`INSERT INTO schema_migration (version, name, checksum, applied_us) VALUES ($1, $2, $3, $4)`,
				step.version, step.name, step.checksum, s.now().UnixMicro())
			return err
		})
		if err != nil {
			return fmt.Errorf("store: migration %s: %w", step.name, err)
		}
		if !applied {
			s.log.Info("database migrated", "step", step.name)
		}
	}
	return s.checkSchema(ctx)
}

// CheckSchema fails unless the database has every step of this build. It may have
// further ones: a newer build has begun to replace this one, which goes on serving.
func (s *Store) CheckSchema(ctx context.Context) error {
	return s.db.view(ctx, func(q *session) error {
		_, err := hasSteps(q)
		return err
	})
}

// hasSteps fails unless the database has every step, and returns the last one's number.
func hasSteps(q *session) (known int64, err error) {
	steps, err := migrations()
	if err != nil {
		return 0, err
	}
	for _, step := range steps {
		applied, err := isApplied(q, step)
		if err != nil {
			return 0, fmt.Errorf("store: is this a Gerbang database? %w", err)
		}
		if !applied {
			return 0, fmt.Errorf("store: the database lacks step %s; start the server once to migrate it", step.name)
		}
		known = step.version
	}
	return known, nil
}

// checkSchema refuses a database whose schema this build does not know exactly.
func (s *Store) checkSchema(ctx context.Context) error {
	return s.db.view(ctx, func(q *session) error {
		known, err := hasSteps(q)
		if err != nil {
			return err
		}
		var newest int64
		if err := q.one(`SELECT coalesce(max(version), 0) FROM schema_migration`, nil, &newest); err != nil {
			return err
		}
		if newest > known {
			return fmt.Errorf("store: the database is at step %d, this build knows %d; use the newer build", newest, known)
		}
		return nil
	})
}

func isApplied(q *session, step migration) (bool, error) {
	sums, err := all(q, func(r row) (sum string, err error) { return sum, r.Scan(&sum) },
		`SELECT checksum FROM schema_migration WHERE version = $1`, step.version)
	if err != nil || len(sums) == 0 {
		return false, err
	}
	if sums[0] != step.checksum {
		return false, fmt.Errorf("the step was applied with another text (checksum %.8s, now %.8s)", sums[0], step.checksum)
	}
	return true, nil
}

// statements splits a step at the semicolons that end lines; the steps hold no
// semicolon elsewhere.
func statements(text string) []string {
	var list []string
	for _, s := range strings.Split(text, ";\n") {
		if strings.TrimSpace(s) != "" {
			list = append(list, s)
		}
	}
	return list
}
