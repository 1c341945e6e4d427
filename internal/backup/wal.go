package backup

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// wal follows SQLite's write-ahead log. https://www.sqlite.org/fileformat2.html#walformat
type wal struct {
	path     string
	pageSize int
	known    bool // the members below are of a log that was seen
	salts    [2]uint32
	sum      [2]uint32 // of everything up to offset
	offset   int64     // of the next frame
}

const (
	walMagic     = 0x377f0682 // the last bit says that checksums are big-endian
	walHead      = 32
	walFrameHead = 24
)

// errLost reports that the log was begun anew before all of it was read.
var errLost = errors.New("backup: the write-ahead log was begun anew by somebody else")

// read returns the pages that commits have written since the last read, each as the
// last of them left it, and how many pages the database has; none when nothing was
// committed.
func (w *wal) read() (pages map[uint32][]byte, size uint32, err error) {
	f, err := os.Open(w.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	order, err := w.begin(f)
	if err != nil || order == nil {
		return nil, 0, err
	}
	frames := bufio.NewReaderSize(io.NewSectionReader(f, w.offset, 1<<62), 1<<20)
	pages, pending := map[uint32][]byte{}, map[uint32][]byte{}
	offset, sum := w.offset, w.sum
	for {
		frame := make([]byte, walFrameHead+w.pageSize)
		if _, err := io.ReadFull(frames, frame); err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		} else if err != nil {
			return nil, 0, err
		}
		number, committed := binary.BigEndian.Uint32(frame), binary.BigEndian.Uint32(frame[4:])
		sum = checksum(order, checksum(order, sum, frame[:8]), frame[walFrameHead:])
		if number == 0 || pair(frame[8:]) != w.salts || pair(frame[16:]) != sum {
			break // of an earlier log, or being written just now
		}
		pending[number] = frame[walFrameHead:]
		offset += int64(len(frame))
		if committed == 0 {
			continue
		}
		for n, page := range pending {
			pages[n] = page
		}
		clear(pending)
		w.offset, w.sum, size = offset, sum, committed
	}
	for n := range pages {
		if n > size { // cut off by a later commit
			delete(pages, n)
		}
	}
	return pages, size, nil
}

// begin reads the log's head and finds out whether it is the log that was read before.
// There is nothing to read yet when the order of bytes is nil.
func (w *wal) begin(f io.ReaderAt) (binary.ByteOrder, error) {
	head := make([]byte, walHead)
	if _, err := f.ReadAt(head, 0); err == io.EOF {
		return nil, nil // empty until the next commit
	} else if err != nil {
		return nil, err
	}
	magic := binary.BigEndian.Uint32(head)
	var order binary.ByteOrder = binary.LittleEndian
	if magic&1 == 1 {
		order = binary.BigEndian
	}
	sum := checksum(order, [2]uint32{}, head[:24])
	if magic&^1 != walMagic || pair(head[24:]) != sum {
		return nil, nil // being written just now
	}
	salts := pair(head[16:])
	if w.known && salts == w.salts {
		return order, nil
	}
	// Whoever begins the log anew counts the first salt up. Had it been done twice, pages
	// would be missing.
	if w.known && salts[0] != w.salts[0]+1 {
		return nil, errLost
	}
	w.known, w.salts, w.sum, w.offset = true, salts, sum, walHead
	w.pageSize = int(binary.BigEndian.Uint32(head[8:]))
	return order, nil
}

func pair(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

func checksum(order binary.ByteOrder, s [2]uint32, data []byte) [2]uint32 {
	for ; len(data) >= 8; data = data[8:] {
		s[0] += order.Uint32(data) + s[1]
		s[1] += order.Uint32(data[4:]) + s[0]
	}
	return s
}
