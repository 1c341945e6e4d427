package snap

import (
	"errors"
	"regexp"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 5, 6, 0, 8, 9, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2024-05-06T07:08:09+07:00":      at,
		"2024-05-06T00:08:09Z":           at,
		"2024-05-06T00:08:09+00:00":      at,
		"2024-05-06T00:08:09-00:00":      at,
		"2024-05-05T19:38:09-04:30":      at,
		"2024-05-06T00:08:09.5Z":         at.Add(500 * time.Millisecond),
		"2024-05-06T00:08:09.000Z":       at,
		"2024-05-06T07:08:09.123+07:00":  at.Add(123 * time.Millisecond),
		"2024-05-06T00:08:09.123456789Z": at.Add(123456789),
		"2024-02-29T00:00:00Z":           time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"2023-12-31T23:59:59-00:00":      time.Date(2023, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		got, err := ParseTime(text)
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "2024-05-06", "2024-05-06T00:08:09", "2024-05-06T00:08:09.Z", "2024-05-06T00:08:09.1234567890Z", "2024-05-06T00:08:09,5Z",
		"2024-05-06t00:08:09Z", "2024-05-06T00:08:09z", "2024-05-06 00:08:09Z", "2024-05-06T00:08:09+0700", "2024-05-06T00:08:09+7:00",
		"2024-05-06T00:08:09+07", "2024-05-06T00:08:09+24:00", "2024-05-06T00:08:09+07:60", "2024-05-06T24:00:00Z", "2024-05-06T00:60:00Z",
		"2024-05-06T00:08:60Z", "2024-13-06T00:08:09Z", "2024-00-06T00:08:09Z", "2024-05-00T00:08:09Z", "2024-05-32T00:08:09Z",
		"2023-02-29T00:08:09Z", "2024-5-6T00:08:09Z", "24-05-06T00:08:09Z", "2024-05-06T0:08:09Z", " 2024-05-06T00:08:09Z",
		"2024-05-06T00:08:09Z ", "2024-05-06T00:08:09Z+07:00", "2024-05-06T00:08:09 07:00", "20240506T000809Z", "1714954089", "+2024-05-06T00:08:09Z",
		"2024-05-06T00:08:09.", "2024-05-06T00:08:09.1", "2024-05-06T00:08:0٩Z",
	} {
		if got, err := ParseTime(text); !errors.Is(err, ErrTime) || !got.IsZero() {
			t.Errorf("ParseTime(%q) = %v, %v", text, got, err)
		}
	}
}

func TestFormatTime(t *testing.T) {
	t.Parallel()
	if got := FormatTime(time.Date(2024, 5, 5, 19, 8, 9, 999, time.UTC)); got != "2024-05-06T02:08:09+07:00" {
		t.Errorf("FormatTime = %s", got)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2024-05-06T07:08:09+07:00", "2024-05-06T00:08:09.123Z", "2024-05-06T00:08:09-00:00", "", "2024-02-30T00:00:00Z", "2024-05-06T00:08:09"} {
		f.Add(seed)
	}
	grammar := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTime(text)
		want, wantErr := time.Parse(time.RFC3339Nano, text)
		if accepted := err == nil; accepted != (grammar.MatchString(text) && wantErr == nil) {
			t.Fatalf("ParseTime(%q) = %v, %v; time.Parse: %v", text, got, err, wantErr)
		}
		if err != nil {
			return
		}
		if !got.Equal(want) {
			t.Fatalf("ParseTime(%q) = %v, want %v", text, got, want)
		}
		if y := got.Year(); y < 1 || y > 9998 {
			return // an offset can lead out of four-digit years
		}
		again, err := ParseTime(FormatTime(got))
		if err != nil || !again.Equal(got.Truncate(time.Second)) {
			t.Fatalf("%q printed as %q reads as %v, %v", text, FormatTime(got), again, err)
		}
	})
}
