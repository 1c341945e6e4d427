package money

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseSNAP(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want Amount
		err  error
	}{
		{"1.00", 1, nil},
		{"15000.00", 15000, nil},
		{"0000000000015000.00", 15000, nil},
		{"999999999999.00", Max, nil},
		{"1000000000000.00", 0, ErrRange},
		{"9999999999999999.00", 0, ErrRange},
		{"0.00", 0, ErrRange},
		{"0000.00", 0, ErrRange},
		{"99999999999999999.00", 0, ErrSyntax},
		{"10000.01", 0, ErrSyntax},
		{"10000.10", 0, ErrSyntax},
		{"10000.0", 0, ErrSyntax},
		{"10000.000", 0, ErrSyntax},
		{"10000.", 0, ErrSyntax},
		{"10000", 0, ErrSyntax},
		{"10,000.00", 0, ErrSyntax},
		{"1e4", 0, ErrSyntax},
		{"1e4.00", 0, ErrSyntax},
		{"-1.00", 0, ErrSyntax},
		{"+1.00", 0, ErrSyntax},
		{" 1.00", 0, ErrSyntax},
		{"1.00 ", 0, ErrSyntax},
		{"1.00\n", 0, ErrSyntax},
		{"1_000.00", 0, ErrSyntax},
		{"0x10.00", 0, ErrSyntax},
		{"١٥.00", 0, ErrSyntax},
		{".00", 0, ErrSyntax},
		{"00", 0, ErrSyntax},
		{"NaN", 0, ErrSyntax},
		{"", 0, ErrSyntax},
	} {
		got, err := ParseSNAP(test.text)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("ParseSNAP(%q) = %v, %v; want %v, %v", test.text, got, err, test.want, test.err)
		}
	}
}

func TestParseWhole(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want Amount
		err  error
	}{
		{"1", 1, nil},
		{"007", 7, nil},
		{"999999999999", Max, nil},
		{"1000000000000", 0, ErrRange},
		{"9999999999999999", 0, ErrRange},
		{"0", 0, ErrRange},
		{"99999999999999999", 0, ErrSyntax},
		{"1.00", 0, ErrSyntax},
		{"-1", 0, ErrSyntax},
		{"", 0, ErrSyntax},
	} {
		got, err := ParseWhole(test.text)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("ParseWhole(%q) = %v, %v; want %v, %v", test.text, got, err, test.want, test.err)
		}
	}
}

func TestRupiah(t *testing.T) {
	t.Parallel()
	for amount, want := range map[Amount]string{
		0: "Rp0", 7: "Rp7", 999: "Rp999", 1000: "Rp1.000", 15000: "Rp15.000",
		123456: "Rp123.456", 1234567: "Rp1.234.567", Max: "Rp999.999.999.999", -4000: "-Rp4.000",
	} {
		if got := amount.Rupiah(); got != want {
			t.Errorf("Amount(%d).Rupiah() = %q, want %q", int64(amount), got, want)
		}
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b, want Amount
		ok         bool
	}{
		{1, 2, 3, true},
		{5, -7, -2, true},
		{math.MaxInt64, 0, math.MaxInt64, true},
		{math.MaxInt64, 1, 0, false},
		{math.MinInt64, -1, 0, false},
		{math.MinInt64, math.MaxInt64, -1, true},
	} {
		if got, ok := Add(test.a, test.b); got != test.want || ok != test.ok {
			t.Errorf("Add(%d, %d) = %d, %v; want %d, %v", int64(test.a), int64(test.b), int64(got), ok, int64(test.want), test.ok)
		}
	}
}

func TestFormatsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := Amount(rapid.Int64Range(1, int64(Max)).Draw(t, "amount"))
		if got, err := ParseSNAP(a.SNAP()); got != a || err != nil {
			t.Fatalf("ParseSNAP(%q) = %v, %v", a.SNAP(), got, err)
		}
		if got, err := ParseWhole(a.String()); got != a || err != nil {
			t.Fatalf("ParseWhole(%q) = %v, %v", a.String(), got, err)
		}
		if got := strings.NewReplacer("Rp", "", ".", "").Replace(a.Rupiah()); got != a.String() {
			t.Fatalf("Rupiah() = %q does not read as %s", a.Rupiah(), a)
		}
	})
}

func FuzzParseSNAP(f *testing.F) {
	for _, seed := range []string{"15000.00", "0.00", "000.00", "1.01", "1e4", "-1.00", "", "999999999999.00", "1000000000000.00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseSNAP(text)
		if err != nil {
			if a != 0 || (!errors.Is(err, ErrSyntax) && !errors.Is(err, ErrRange)) {
				t.Fatalf("ParseSNAP(%q) = %v, %v", text, a, err)
			}
			return
		}
		if a < 1 || a > Max {
			t.Fatalf("ParseSNAP(%q) accepted %d", text, int64(a))
		}
		canonical := strings.TrimLeft(text, "0")
		if a.SNAP() != canonical {
			t.Fatalf("ParseSNAP(%q).SNAP() = %q, want %q", text, a.SNAP(), canonical)
		}
		if again, err := ParseSNAP(canonical); again != a || err != nil {
			t.Fatalf("ParseSNAP(%q) = %v, %v", canonical, again, err)
		}
	})
}
