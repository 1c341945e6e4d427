package gateway

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// Codes of an authenticator app are those of RFC 6238 as every app makes them:
// HMAC-SHA-1, six digits, a new one every 30 seconds.
const (
	FactorDigits = 6
	FactorPeriod = 30 * time.Second
	factorLate   = 1  // periods that a code may be late: it is read, typed and sent
	factorBytes  = 20 // of the secret, as long as the digest
)

// factorText is how secrets are written: apps read base32 without padding.
var factorText = base32.StdEncoding.WithPadding(base32.NoPadding)

// factorStep is the number of the period in which a moment lies.
func factorStep(t time.Time) int64 { return t.Unix() / int64(FactorPeriod/time.Second) }

// factorCode is the code of one period.
func factorCode(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	value := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", FactorDigits, value%1_000_000)
}

// matchFactor finds the period whose code was given, among the last ones and of those
// the ones that are later than the newest that was taken.
func matchFactor(secret, code string, now time.Time, taken int64) (step int64, right bool) {
	key, err := factorText.DecodeString(secret)
	if err != nil || len(key) == 0 {
		return 0, false
	}
	current := factorStep(now)
	for at := current - factorLate; at <= current; at++ {
		if at > taken && subtle.ConstantTimeCompare([]byte(factorCode(key, at)), []byte(code)) == 1 {
			step, right = at, true
		}
	}
	return step, right
}
