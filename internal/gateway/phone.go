package gateway

import "strings"

// Phone is an Indonesian mobile number in its one canonical spelling, "08…"
// followed by 7 to 12 further digits. It names a wallet.
type Phone string

// ParsePhone reads a number spelled 08…, 62… or +62…, digits only. One spelling
// per wallet matters: two spellings of one phone must not look like two wallets.
func ParsePhone(text string) (Phone, bool) {
	local, ok := strings.CutPrefix(text, "+62")
	if !ok {
		if local, ok = strings.CutPrefix(text, "62"); !ok {
			if local, ok = strings.CutPrefix(text, "0"); !ok {
				return "", false
			}
		}
	}
	if len(local) < 8 || len(local) > 13 || local[0] != '8' {
		return "", false
	}
	for i := range len(local) {
		if local[i] < '0' || local[i] > '9' {
			return "", false
		}
	}
	return Phone("0" + local), true
}

// International is the number as "62…", without a plus.
func (p Phone) International() string { return "62" + strings.TrimPrefix(string(p), "0") }

// Masked hides all but the last four digits, as "****3021".
func (p Phone) Masked() string { return "****" + string(p[max(0, len(p)-4):]) }
