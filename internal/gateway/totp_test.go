package gateway

import (
	"testing"
	"time"
)

// The codes of RFC 6238, appendix B, for SHA-1; those of six digits are the last six
// of its eight.
func TestFactorCodes(t *testing.T) {
	t.Parallel()
	key := []byte("12345678901234567890")
	secret := factorText.EncodeToString(key)
	for unix, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		now := time.Unix(unix, 0)
		if got := factorCode(key, factorStep(now)); got != want {
			t.Errorf("at %d: %s, want %s", unix, got, want)
		}
		for _, off := range []time.Duration{0, FactorPeriod} {
			if step, right := matchFactor(secret, want, now.Add(off), 0); !right || step != unix/30 {
				t.Errorf("at %d, %s off: step %d, %t", unix, off, step, right)
			}
		}
		for _, off := range []time.Duration{2 * FactorPeriod, -FactorPeriod} {
			if _, right := matchFactor(secret, want, now.Add(off), 0); right {
				t.Errorf("at %d, %s off: taken", unix, off)
			}
		}
		if _, right := matchFactor(secret, want, now, unix/30); right {
			t.Errorf("at %d: taken twice", unix)
		}
	}
	for _, secret := range []string{"", "1", "not base32!"} {
		if _, right := matchFactor(secret, factorCode(nil, 1), time.Unix(30, 0), 0); right {
			t.Errorf("the secret %q has a code", secret)
		}
	}
}
