package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// copied lists every table that Copy takes along, those that are referred to first.
// What PostgreSQL's connections note for themselves stays.
var copied = append([]string{"setting"}, backward(tables)...)

func backward(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// copyArgs bounds the arguments of one INSERT of Copy.
const copyArgs = 8_000

// CopyProgress is how far Copy has come.
type CopyProgress struct {
	Table      string
	Done, Rows int64
}

// Copy copies every row of a SQLite database into a database of any kind, which must be
// empty, in one transaction of that: it has all of them or none. Writers of the source
// are kept off until then. It returns how many rows each table has.
func Copy(ctx context.Context, from, to *Store, progress func(CopyProgress)) (rows map[string]int64, err error) {
	source, ok := from.db.(*sqlite)
	if !ok {
		return nil, errors.New("store: only a SQLite database is copied")
	}
	columns, _, err := schema()
	if err != nil {
		return nil, err
	}
	unlock, err := source.lock(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: a server writes to the database; stop it first: %w", err), unlock())
	}
	defer func() { err = errors.Join(err, unlock()) }()
	rows = map[string]int64{}
	err = from.db.view(ctx, func(source *session) error {
		return to.db.migrate(ctx, func(target *session) error {
			for _, table := range copied {
				var some bool
				if err := target.one("SELECT EXISTS (SELECT 1 FROM "+table+")", nil, &some); err != nil {
					return err
				}
				if some {
					return fmt.Errorf("store: the database to copy to has rows in %s already; make an empty one", table)
				}
			}
			for _, table := range copied {
				n, err := copyTable(ctx, source, target, table, columns[table], progress)
				if err != nil {
					return fmt.Errorf("store: copy %s: %w", table, err)
				}
				rows[table] = n
			}
			return nil
		})
	})
	return rows, err
}

func copyTable(ctx context.Context, source, target *session, table string, columns []column, progress func(CopyProgress)) (int64, error) {
	p := CopyProgress{Table: table}
	if err := source.one("SELECT count(*) FROM "+table, nil, &p.Rows); err != nil {
		return 0, err
	}
	batch := make([]any, 0, copyArgs)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		n := len(batch) / len(columns)
		written, err := target.exec(insertMany(table, columns, n), batch...)
		if err == nil && written != int64(n) {
			err = fmt.Errorf("%d of %d rows were written", written, n)
		}
		if err != nil {
			return err
		}
		p.Done += written
		batch = batch[:0]
		if progress != nil {
			progress(p)
		}
		return ctx.Err()
	}
	if err := source.query(func(r row) error {
		values, err := scanRow(r, columns)
		if err != nil {
			return err
		}
		batch = append(batch, values...)
		if len(batch)+len(columns) > copyArgs {
			return flush()
		}
		return nil
	}, selectAll(table, columns)); err != nil {
		return 0, err
	}
	if err := flush(); err != nil {
		return 0, err
	}
	var there int64
	if err := target.one("SELECT count(*) FROM "+table, nil, &there); err != nil {
		return 0, err
	}
	if there != p.Rows || p.Done != p.Rows {
		return 0, fmt.Errorf("%d of %d rows arrived", there, p.Rows)
	}
	return there, nil
}

// insertMany is the statement that inserts n rows.
func insertMany(table string, columns []column, n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + table + " (" + names(columns) + ") VALUES ")
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for j := range columns {
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "$%d", i*len(columns)+j+1)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// LastEvent is when something last happened, by the clock that it happened under; the
// zero time when nothing has. An audit as of then finds no deadline missed merely
// because no server has run since.
func (s *Store) LastEvent(ctx context.Context) (last time.Time, err error) {
	err = s.db.view(ctx, func(q *session) error {
		var newest int64
		err := q.one("SELECT at_us FROM event ORDER BY id DESC LIMIT 1", nil, &newest)
		if errors.Is(err, gateway.ErrNoRow) {
			return nil
		}
		last = at(newest)
		return err
	})
	return last, err
}
