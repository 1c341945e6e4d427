package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// run is what a directory of one run holds, by numbers that ascend.
type aRun struct {
	dir            string
	bases, changes []int
}

// list reads the runs of a backup, oldest first. Files that are being written and what
// is not of a backup count for nothing.
func list(dir string) (runs []aRun, err error) {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, err := time.Parse("20060102T150405.000Z", e.Name()); err != nil || !e.IsDir() {
			continue
		}
		r := aRun{dir: filepath.Join(dir, e.Name())}
		files, err := os.ReadDir(r.dir)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			name, ok := strings.CutSuffix(f.Name(), ".gbk")
			kind, digits, _ := strings.Cut(name, "-")
			number, err := strconv.Atoi(digits)
			switch {
			case !ok || err != nil:
			case kind == "base":
				r.bases = append(r.bases, number)
			case kind == "change":
				r.changes = append(r.changes, number)
			}
		}
		slices.Sort(r.bases)
		slices.Sort(r.changes)
		runs = append(runs, r)
	}
	return runs, nil
}

func (r aRun) base(number int) string {
	return filepath.Join(r.dir, fileName(head{Number: number, Base: true}))
}
func (r aRun) change(number int) string { return filepath.Join(r.dir, fileName(head{Number: number})) }

// newest finds the newest base that is not younger than a moment, of which the zero
// time is after all.
func newest(runs []aRun, to time.Time) (r aRun, h head, err error) {
	for _, r := range slices.Backward(runs) {
		for _, number := range slices.Backward(r.bases) {
			h, err := readHead(r.base(number))
			if err != nil {
				return r, h, err
			}
			if !h.Base || h.Number != number {
				return r, h, damaged(r.base(number), "its name is another's")
			}
			if to.IsZero() || !h.At.After(to) {
				return r, h, nil
			}
		}
	}
	return r, h, fmt.Errorf("backup: there is no complete base from before then: %w", fs.ErrNotExist)
}

// Restored is what Restore wrote.
type Restored struct {
	At      time.Time // nothing that was committed later is in it
	Base    time.Time
	Changes int
	Pages   uint32
	Mark    Mark
	Newer   bool // the backup has newer changes, which were not asked for
}

// Restore writes the database as it was at a moment, or newest when that is zero, into
// a file that must not exist. accept may refuse a backup by its mark, before anything is
// written. When Restore fails the file is not there.
func Restore(dir string, to time.Time, target string, accept func(Mark) error, report func(Report)) (done Restored, err error) {
	runs, err := list(dir)
	if err != nil {
		return done, err
	}
	r, base, err := newest(runs, to)
	if err != nil {
		return done, err
	}
	if base.Mark == nil {
		return done, damaged(r.base(base.Number), "it has no mark")
	}
	if err := accept(*base.Mark); err != nil {
		return done, err
	}
	f, err := os.OpenFile(target, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return done, err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(target)
		}
	}()
	put := func(pageSize int) func(uint32, []byte) error {
		return func(number uint32, data []byte) error {
			_, err := f.WriteAt(data, int64(number-1)*int64(pageSize))
			return err
		}
	}
	written := uint32(0)
	h, _, err := read(r.base(base.Number), func(number uint32, data []byte) error {
		if written++; written%reportEvery == 0 && report != nil {
			report(Report{Base: true, Done: written, Pages: base.Pages, At: base.At})
		}
		return put(base.PageSize)(number, data)
	})
	if err != nil {
		return done, err
	}
	if written != h.Pages {
		return done, damaged(r.base(base.Number), "it lacks pages")
	}
	done = Restored{At: h.At, Base: h.At, Pages: h.Pages, Mark: *base.Mark}
	previous := h.Previous
	first, _ := slices.BinarySearch(r.changes, base.Number+1)
	for i, number := range r.changes[first:] {
		path := r.change(number)
		if want := base.Number + 1 + i; number != want {
			return done, damaged(r.change(want), "it is missing")
		}
		c, err := readHead(path)
		if err != nil {
			return done, err
		}
		if !to.IsZero() && c.At.After(to) {
			done.Newer = true
			break
		}
		c, sum, err := read(path, put(h.PageSize))
		if err != nil {
			return done, err
		}
		if c.Base || c.Number != number || c.PageSize != h.PageSize || c.Previous != previous {
			return done, damaged(path, "it does not follow the one before it")
		}
		previous = sum
		if err := f.Truncate(int64(c.Pages) * int64(c.PageSize)); err != nil {
			return done, err
		}
		done.At, done.Pages, done.Changes = c.At, c.Pages, done.Changes+1
		if report != nil && done.Changes%100 == 0 {
			report(Report{Path: path, At: c.At})
		}
	}
	return done, f.Sync()
}

// prune deletes what restoring a moment since then does not need: all before the newest
// base that is not younger.
func prune(dir string, since time.Time) (deleted int, err error) {
	runs, err := list(dir)
	if err != nil {
		return 0, err
	}
	needed, base, err := newest(runs, since)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	remove := func(path string) {
		if failure := os.Remove(path); failure != nil {
			err = errors.Join(err, failure)
			return
		}
		deleted++
	}
	for _, r := range runs {
		for _, number := range r.bases {
			if r.dir != needed.dir || number < base.Number {
				remove(r.base(number))
			}
		}
		for _, number := range r.changes {
			if r.dir != needed.dir || number <= base.Number {
				remove(r.change(number))
			}
		}
		if r.dir == needed.dir {
			break
		}
		os.Remove(r.dir) // stays when something else is in it
	}
	return deleted, err
}
