package gateway

import (
	"strings"
	"testing"
	"time"
)

// Each machine is walked over every pair of state and event; what the table does
// not list must be refused and leave the state as it is.

func TestPaymentStates(t *testing.T) {
	t.Parallel()
	allowed := map[PaymentState]map[paymentEvent]PaymentState{
		PaymentAwaiting: {
			paymentApprove: PaymentSucceeded, paymentFail: PaymentFailed, paymentCancel: PaymentCancelled, paymentExpire: PaymentExpired,
			paymentDoubt: PaymentUncertain,
		},
		PaymentUncertain: {paymentFail: PaymentFailed},
	}
	for _, s := range []PaymentState{PaymentAwaiting, PaymentSucceeded, PaymentRefused, PaymentFailed, PaymentCancelled, PaymentExpired, PaymentUncertain, "unheard of"} {
		for _, e := range []paymentEvent{paymentApprove, paymentFail, paymentCancel, paymentExpire, paymentDoubt, "unheard of"} {
			want, ok := allowed[s][e]
			if !ok {
				want = s
			}
			if got, gotOK := s.next(e); got != want || gotOK != ok {
				t.Errorf("%s on %s gives %s, %v; want %s, %v", s, e, got, gotOK, want, ok)
			}
		}
		if s.Final() == (s == PaymentAwaiting || s == PaymentUncertain) {
			t.Errorf("Final of %s is %v", s, s.Final())
		}
	}
}

func TestBindingStates(t *testing.T) {
	t.Parallel()
	allowed := map[BindingState]map[bindingEvent]BindingState{
		BindingAwaiting: {bindingActivate: BindingActive, bindingFail: BindingFailed, bindingExpire: BindingExpired},
		BindingActive:   {bindingExpire: BindingExpired, bindingUnbind: BindingUnbound},
	}
	for _, s := range []BindingState{BindingAwaiting, BindingActive, BindingFailed, BindingExpired, BindingUnbound, "unheard of"} {
		for _, e := range []bindingEvent{bindingActivate, bindingFail, bindingExpire, bindingUnbind, "unheard of"} {
			want, ok := allowed[s][e]
			if !ok {
				want = s
			}
			if got, gotOK := s.next(e); got != want || gotOK != ok {
				t.Errorf("%s on %s gives %s, %v; want %s, %v", s, e, got, gotOK, want, ok)
			}
		}
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for _, c := range Codes() {
		if c.Error() == "" {
			t.Errorf("code %d has no text", c)
		}
		if back, ok := ParseCode(c.String()); !ok || back != c {
			t.Errorf("%q is read back as %v, %v", c, back, ok)
		}
	}
}

func TestIDsSortAsTheyWereMade(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)
	var source idSource
	last := ""
	for i := range 20_000 {
		id := source.newID("pay_", now.Add(time.Duration(i/1000)*time.Nanosecond))
		if id <= last || len(id) != 36 || id[4+12] != '7' || !strings.ContainsRune("89ab", rune(id[4+16])) {
			t.Fatalf("id %d is %s after %s", i, id, last)
		}
		last = id
	}
}

func TestParsePhone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Phone{
		"081211111111":    "081211111111",
		"6281211111111":   "081211111111",
		"+6281211111111":  "081211111111",
		"62857957868761":  "0857957868761",
		"0812345678":      "0812345678",
		"08123456789012":  "08123456789012",
		"":                "",
		"81211111111":     "",
		"081":             "",
		"0812345":         "",
		"081234567890123": "",
		"+62 812 1111":    "",
		"0812-1111-1111":  "",
		"021555555555":    "",
		"０８1211111111":    "",
		"006281211111111": "",
		"62081211111111":  "",
	} {
		if got, ok := ParsePhone(text); got != want || ok != (want != "") {
			t.Errorf("ParsePhone(%q) = %q, %v; want %q", text, got, ok, want)
		}
	}
}

// FuzzParsePhone: one wallet has one spelling, and all spellings lead to it.
func FuzzParsePhone(f *testing.F) {
	for _, seed := range []string{"", "081211111111", "+6281211111111", "6281211111111", "0812", "+62", "٠٨١٢١١١١١١١", "08121111111\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		phone, ok := ParsePhone(text)
		if !ok {
			return
		}
		for _, spelling := range []string{string(phone), phone.International(), "+" + phone.International()} {
			if again, ok := ParsePhone(spelling); !ok || again != phone {
				t.Fatalf("%q is %q, but %q is %q", text, phone, spelling, again)
			}
		}
		if len(phone.Masked()) != 8 {
			t.Fatalf("masked %q", phone.Masked())
		}
	})
}
