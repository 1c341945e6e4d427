package jokul

import (
	"errors"
	"regexp"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2024-05-06T03:15:20Z": time.Date(2024, 5, 6, 3, 15, 20, 0, time.UTC),
		"2024-02-29T23:59:59Z": time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC),
	} {
		got, err := ParseTime(text)
		if err != nil || !got.Equal(want) || got.Location() != time.UTC || FormatTime(got) != text {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "2024-05-06", "2024-05-06T03:15:20", "2024-05-06T03:15:20z", "2024-05-06t03:15:20Z", "2024-05-06 03:15:20Z", "2024-05-06T03:15:20.000Z",
		"2024-05-06T03:15:20.5Z", "2024-05-06T03:15:20+00:00", "2024-05-06T10:15:20+07:00", " 2024-05-06T03:15:20Z", "2024-05-06T03:15:20Z ", "2024-5-6T03:15:20Z",
		"2024-02-30T03:15:20Z", "2023-02-29T03:15:20Z", "2024-13-06T03:15:20Z", "2024-00-06T03:15:20Z", "2024-05-00T03:15:20Z", "2024-05-06T24:00:00Z", "2024-05-06T03:60:00Z",
		"2024-05-06T03:15:60Z", "20240506T031520Z", "1714965320", "2024-05-06T03:15:2٠Z",
	} {
		if got, err := ParseTime(text); !errors.Is(err, ErrTime) || !got.IsZero() {
			t.Errorf("ParseTime(%q) = %v, %v", text, got, err)
		}
	}
	jakarta := time.FixedZone("", 7*3600)
	if got := FormatTime(time.Date(2024, 5, 6, 2, 8, 9, 999, jakarta)); got != "2024-05-05T19:08:09Z" {
		t.Errorf("FormatTime = %s", got)
	}
}

func TestPaymentDate(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 5, 6, 18, 0, 31, 0, time.UTC)
	if got := FormatPaymentDate(at); got != "20240507010031" {
		t.Errorf("FormatPaymentDate = %s", got)
	}
	if got, err := ParsePaymentDate("20240507010031"); err != nil || !got.Equal(at) || got.Location() != time.UTC {
		t.Errorf("ParsePaymentDate = %v, %v", got, err)
	}
	for _, text := range []string{"", "2024050701003", "202405070100310", "20240230010031", "20240507250031", "2024-05-07 010", "2024050701003x"} {
		if got, err := ParsePaymentDate(text); err == nil || !got.IsZero() {
			t.Errorf("ParsePaymentDate(%q) = %v", text, got)
		}
	}
}

func FuzzParseJokulTime(f *testing.F) {
	for _, seed := range []string{"2024-05-06T03:15:20Z", "2024-05-06T03:15:20.000Z", "2024-02-30T00:00:00Z", "", "20240507010031", "20240230000000"} {
		f.Add(seed)
	}
	grammar := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTime(text)
		want, wantErr := time.Parse(time.RFC3339, text)
		if accepted := err == nil; accepted != (grammar.MatchString(text) && wantErr == nil) {
			t.Fatalf("ParseTime(%q) = %v, %v; time.Parse: %v", text, got, err, wantErr)
		}
		if err == nil && (!got.Equal(want) || FormatTime(got) != text) {
			t.Fatalf("ParseTime(%q) = %v, printed %q", text, got, FormatTime(got))
		}
		if at, err := ParsePaymentDate(text); err == nil && at.Year() > 0 && FormatPaymentDate(at) != text {
			t.Fatalf("ParsePaymentDate(%q) = %v", text, at)
		}
	})
}
