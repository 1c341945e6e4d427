package gateway

import (
	"net/netip"
	"strings"
)

// AllowList names the source addresses from which a merchant may call: addresses
// and CIDR ranges, separated by blanks. The empty list allows every address.
type AllowList string

// NewAllowList joins entries to a list. They are judged when a merchant is stored.
func NewAllowList(entries []string) AllowList {
	return AllowList(strings.Join(strings.Fields(strings.Join(entries, " ")), " "))
}

// Entries lists the addresses and ranges.
func (l AllowList) Entries() []string { return strings.Fields(string(l)) }

// Allows reports whether a call may come from an address. An IPv4 address counts
// as itself in whichever of its two forms it arrives.
func (l AllowList) Allows(from netip.Addr) bool {
	if l == "" {
		return true
	}
	from = from.Unmap().WithZone("")
	for entry := range strings.FieldsSeq(string(l)) {
		if network, ok := parseNetwork(entry); ok && network.Contains(from) {
			return true
		}
	}
	return false
}

// parseNetwork reads an address or a range of addresses.
func parseNetwork(entry string) (netip.Prefix, bool) {
	if network, err := netip.ParsePrefix(entry); err == nil {
		return network.Masked(), true
	}
	addr, err := netip.ParseAddr(entry)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, false
	}
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, addr.BitLen()), true
}

func (l AllowList) check() error {
	for _, entry := range l.Entries() {
		if _, ok := parseNetwork(entry); !ok {
			return refuse(Invalid, "an allow list has IP addresses and CIDR ranges such as 203.0.113.7 and 198.51.100.0/24, not "+entry)
		}
	}
	return nil
}
