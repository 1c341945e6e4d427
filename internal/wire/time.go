package wire

import "time"

// WIB is Western Indonesian Time, UTC+7 without daylight saving: the zone in which
// the providers print times and count days.
var WIB = time.FixedZone("WIB", 7*3600)

// Day returns the calendar day of t in [WIB] as "2006-01-02".
func Day(t time.Time) string {
	return t.In(WIB).Format(time.DateOnly)
}
