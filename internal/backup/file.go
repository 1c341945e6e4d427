package backup

import (
	"bufio"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"
)

const format = "gerbang backup 1"

// head is the first line of a file. Behind it are the pages, deflated, each after its
// number in four bytes; the file ends with the SHA-256 of all before.
type head struct {
	Format   string    `json:"format"`
	Number   int       `json:"number"`
	Base     bool      `json:"base"`
	At       time.Time `json:"at"` // nothing in the file was committed later
	PageSize int       `json:"page_size"`
	Pages    uint32    `json:"pages"`          // of the database, then
	Previous string    `json:"previous"`       // SHA-256 of the change before this or, of a base, of the last in it
	Mark     *Mark     `json:"mark,omitempty"` // of a base
}

// Mark is what the owner of a database notes on each base, to recognise it by.
type Mark struct {
	Schema int64  `json:"schema"` // the version of the schema
	Keys   []int  `json:"keys"`   // versions of the master keys
	Proof  string `json:"proof"`  // sealed under them
}

// ErrDamaged reports a backup that cannot be trusted.
var ErrDamaged = errors.New("backup: damaged")

func damaged(path, why string) error {
	return fmt.Errorf("%w: %s: %s", ErrDamaged, path, why)
}

// maxHead bounds the first line of a file.
const maxHead = 64 << 10

// writer writes one file, under another name until it is complete.
type writer struct {
	path  string
	file  *os.File
	out   *bufio.Writer // of the file
	sum   hash.Hash     // of all that was written
	pages *flate.Writer
	size  int64
}

func create(path string, h head) (*writer, error) {
	f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	w := &writer{path: path, file: f, out: bufio.NewWriterSize(f, 1<<20), sum: sha256.New()}
	h.Format = format
	line, err := json.Marshal(h)
	if err == nil {
		_, err = io.MultiWriter(w.out, w.sum).Write(append(line, '\n'))
	}
	if err == nil {
		w.pages, err = flate.NewWriter(io.MultiWriter(w.out, w.sum), flate.BestSpeed)
	}
	if err != nil {
		w.abandon()
		return nil, err
	}
	return w, nil
}

func (w *writer) page(number uint32, data []byte) error {
	if _, err := w.pages.Write(binary.BigEndian.AppendUint32(nil, number)); err != nil {
		return err
	}
	_, err := w.pages.Write(data)
	return err
}

// finish puts the file in place, durably, and returns its checksum.
func (w *writer) finish() (sum string, err error) {
	if err := w.pages.Close(); err != nil {
		return "", w.abandon(err)
	}
	total := w.sum.Sum(nil)
	if _, err := w.out.Write(total); err != nil {
		return "", w.abandon(err)
	}
	if err := w.out.Flush(); err != nil {
		return "", w.abandon(err)
	}
	info, err := w.file.Stat()
	if err == nil {
		w.size = info.Size()
		err = w.file.Sync()
	}
	if err != nil {
		return "", w.abandon(err)
	}
	if err := w.file.Close(); err != nil {
		return "", err
	}
	if err := os.Rename(w.path+".part", w.path); err != nil {
		return "", err
	}
	return hex.EncodeToString(total), syncDir(filepath.Dir(w.path))
}

// abandon removes what was written so far, and returns why.
func (w *writer) abandon(why ...error) error {
	return errors.Join(append(why, w.file.Close(), os.Remove(w.path+".part"))...)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readHead reads the first line of a file, unverified.
func readHead(path string) (h head, err error) {
	f, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer f.Close()
	h, _, err = parseHead(path, bufio.NewReader(f))
	return h, err
}

func parseHead(path string, r *bufio.Reader) (h head, line []byte, err error) {
	for len(line) < maxHead {
		b, err := r.ReadByte()
		if err != nil {
			return h, nil, damaged(path, "it has no first line")
		}
		line = append(line, b)
		if b == '\n' {
			break
		}
	}
	if err := json.Unmarshal(line, &h); err != nil || h.Format != format {
		return h, nil, damaged(path, "its first line is none of Gerbang's")
	}
	if h.PageSize < 512 || h.PageSize > 65536 || h.PageSize&(h.PageSize-1) != 0 {
		return h, nil, damaged(path, "its pages have an impossible size")
	}
	return h, line, nil
}

// read calls each with every page of a file and returns its first line and checksum.
// Nothing of it may be believed until read has returned without an error.
func read(path string, each func(number uint32, data []byte) error) (h head, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return h, "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return h, "", err
	}
	total := sha256.New()
	body := info.Size() - sha256.Size
	hashed := bufio.NewReaderSize(io.TeeReader(io.LimitReader(f, body), total), 1<<20)
	h, _, err = parseHead(path, hashed)
	if err != nil {
		return h, "", err
	}
	pages := flate.NewReader(hashed)
	record := make([]byte, 4+h.PageSize)
	for {
		_, err := io.ReadFull(pages, record)
		if err == io.EOF {
			break
		}
		if err != nil {
			return h, "", damaged(path, "its pages cannot be read: "+err.Error())
		}
		number := binary.BigEndian.Uint32(record)
		if number == 0 || number > h.Pages {
			return h, "", damaged(path, "it has a page beyond the database's end")
		}
		if err := each(number, record[4:]); err != nil {
			return h, "", err
		}
	}
	if n, err := io.Copy(io.Discard, hashed); err != nil || n > 0 {
		return h, "", damaged(path, "something follows its pages")
	}
	want := make([]byte, sha256.Size)
	if _, err := f.ReadAt(want, body); err != nil {
		return h, "", damaged(path, "it breaks off")
	}
	if string(want) != string(total.Sum(nil)) {
		return h, "", damaged(path, "its checksum is another")
	}
	return h, hex.EncodeToString(want), nil
}
