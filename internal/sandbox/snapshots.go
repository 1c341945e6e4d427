package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A snapshot is a file of the sandbox's data directory: a line of JSON with what is
// not in a row, and a dump of all rows. The key pairs of the installation are not
// in it, nor are scenarios and the request log, which live in memory.
type snapshotHead struct {
	Name   string `json:"name"`
	Offset string `json:"offset"` // of the clock
}

// Snapshot is a saved state of the sandbox.
type Snapshot struct {
	Name    string    `json:"name"`
	SavedAt time.Time `json:"saved_at"` // on the machine's clock
	Bytes   int64     `json:"bytes"`
}

const snapshotSuffix = ".snapshot"

var snapshotName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// snapshotPath is the file of a snapshot.
func (s *Sandbox) snapshotPath(name string) (string, error) {
	if s.SnapshotDir == "" {
		return "", problem(http.StatusConflict, "this sandbox has no directory for snapshots")
	}
	if !snapshotName.MatchString(name) {
		return "", problem(http.StatusBadRequest, fmt.Sprintf("%q is no name of a snapshot: up to 64 lower-case letters, digits, dots, dashes and underscores", name))
	}
	return filepath.Join(s.SnapshotDir, name+snapshotSuffix), nil
}

func noSnapshot(name string) error {
	return problem(http.StatusNotFound, fmt.Sprintf("there is no snapshot %q", name))
}

func (s *Sandbox) listSnapshots(*http.Request) (any, error) {
	list := []Snapshot{}
	if s.SnapshotDir != "" {
		files, err := os.ReadDir(s.SnapshotDir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, file := range files { // sorted by name
			name, ok := strings.CutSuffix(file.Name(), snapshotSuffix)
			info, err := file.Info()
			if ok && err == nil && snapshotName.MatchString(name) {
				list = append(list, Snapshot{name, info.ModTime().UTC(), info.Size()})
			}
		}
	}
	return map[string]any{"snapshots": list}, nil
}

func (s *Sandbox) saveSnapshot(r *http.Request) (any, error) {
	var in struct {
		Name    string `json:"name"`
		Replace bool   `json:"replace"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	path, err := s.snapshotPath(in.Name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err == nil && !in.Replace {
		return nil, problem(http.StatusConflict, fmt.Sprintf("there is a snapshot %q; save over it with \"replace\": true", in.Name))
	}
	var content bytes.Buffer
	if err := json.NewEncoder(&content).Encode(snapshotHead{in.Name, s.Clock.Offset().String()}); err != nil {
		return nil, err
	}
	if err := s.Gateway.Dump(r.Context(), &content); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.SnapshotDir, 0o700); err != nil {
		return nil, err
	}
	// Whole or not at all: whoever loads it must not find half of it.
	f, err := os.CreateTemp(s.SnapshotDir, ".saving-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return created(Snapshot{in.Name, info.ModTime().UTC(), info.Size()}), nil
}

// loadSnapshot makes the sandbox what it was when the snapshot was saved.
func (s *Sandbox) loadSnapshot(r *http.Request) (any, error) {
	name := r.PathValue("name")
	path, err := s.snapshotPath(name)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noSnapshot(name)
	}
	if err != nil {
		return nil, err
	}
	first, dump, _ := bytes.Cut(content, []byte("\n"))
	var head snapshotHead
	err = json.Unmarshal(first, &head)
	offset, offsetErr := time.ParseDuration(head.Offset)
	if err = errors.Join(err, offsetErr); err != nil {
		return nil, problem(http.StatusConflict, "the snapshot is damaged: "+err.Error())
	}
	// The clock first: at another time what is loaded might be past its deadline.
	before := s.Clock.Offset()
	if err := s.setOffset(r.Context(), offset); err != nil {
		return nil, err
	}
	if err := s.Gateway.Load(r.Context(), dump); err != nil {
		return nil, errors.Join(err, s.setOffset(r.Context(), before))
	}
	s.Scenarios.clear()
	// Nobody holds a notification that was held when the snapshot was saved.
	return map[string]any{"ok": true}, s.Gateway.ReleaseNotifications(r.Context())
}

// setOffset puts the clock where it was, which may be back.
func (s *Sandbox) setOffset(ctx context.Context, offset time.Duration) error {
	if err := s.SaveOffset(ctx, offset); err != nil {
		return err
	}
	s.Clock.Reset()
	if offset > 0 {
		s.Clock.Advance(offset)
	}
	return nil
}

func (s *Sandbox) deleteSnapshot(r *http.Request) (any, error) {
	name := r.PathValue("name")
	path, err := s.snapshotPath(name)
	if err != nil {
		return nil, err
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noSnapshot(name)
	}
	return map[string]any{"ok": true}, err
}
