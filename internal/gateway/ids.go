package gateway

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"sync/atomic"
	"time"
)

// Ids are a kind's prefix and 32 hex digits that begin with the creation time,
// so that rows made together are stored together.
type (
	MerchantID     string // mch_…
	WalletID       string // wal_…
	BindingID      string // bnd_…
	PageID         string // pag_…
	PaymentID      string // pay_…
	RefundID       string // rfd_…
	EventID        string // evt_…
	NotificationID string // ntf_…
	UserID         string // usr_…
	TraceID        string // trc_…
	TransferID     string // trf_…
	MessageID      string // msg_…
)

// PageKeyDigits is the length of the unguessable number in a hosted page's URL.
// In SNAP the same number is the binding's auth code.
const PageKeyDigits = 40

// idSource makes ids. It holds the time of the newest one, in 1/4096 ms.
type idSource struct{ last atomic.Uint64 }

// newID returns prefix followed by a UUID of version 7 without its hyphens. Its
// time is finer than a millisecond and moved on where it would repeat (RFC 9562,
// 6.2, method 3), so the ids of one source sort in the order they were made.
func (s *idSource) newID(prefix string, now time.Time) string {
	tick := uint64(now.UnixMilli())<<12 | uint64(now.Nanosecond()%1e6)<<12/1e6
	for {
		last := s.last.Load()
		if tick <= last && last-tick < 1<<32 { // a clock that went far back starts anew
			tick = last + 1
		}
		if s.last.CompareAndSwap(last, tick) {
			break
		}
	}
	var b [16]byte
	rand.Read(b[8:])
	binary.BigEndian.PutUint64(b[:8], tick>>12<<16|0x7000|tick&0xfff)
	b[8] = b[8]&0x3f | 0x80
	buf := make([]byte, len(prefix)+32)
	copy(buf, prefix)
	hex.Encode(buf[len(prefix):], b[:])
	return string(buf)
}

// firstID is the smallest id with the prefix that a row made at or after t can
// have. Its place among the ids is that of t among the times.
func firstID(prefix string, t time.Time) string { return fmt.Sprintf("%s%012x", prefix, t.UnixMilli()) }

// randomDigits returns n decimal digits, each uniform and independent.
func randomDigits(n int) string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic("gateway: no randomness: " + err.Error()) // crypto/rand documents that it never fails
	}
	text := v.String()
	out := make([]byte, 0, n)
	for range n - len(text) {
		out = append(out, '0')
	}
	return string(append(out, text...))
}
