package pages

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

func TestTextsAreComplete(t *testing.T) {
	t.Parallel()
	for _, text := range catalogue {
		v := reflect.ValueOf(*text)
		for i := range v.NumField() {
			name := text.Lang + "." + v.Type().Field(i).Name
			checkText(t, name, v.Field(i))
		}
	}
	// What is the same in both languages was most likely not translated.
	same := map[string]bool{"Sandbox": false, "Merchant": true}
	id, en := reflect.ValueOf(inIndonesian), reflect.ValueOf(inEnglish)
	for i := range id.NumField() {
		name := id.Type().Field(i).Name
		if id.Field(i).Kind() == reflect.String && id.Field(i).String() == en.Field(i).String() && !same[name] {
			t.Errorf("%s is %q in both languages", name, id.Field(i))
		}
	}
}

// checkText demands that a text is there and uses every value it is given.
func checkText(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if text := v.String(); strings.TrimSpace(text) != text || text == "" {
			t.Errorf("%s is %q", name, text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			checkText(t, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Func:
		if v.IsNil() {
			t.Errorf("%s is missing", name)
			return
		}
		var arguments []reflect.Value
		var wants []string
		for i := range v.Type().NumIn() {
			value := reflect.ValueOf(7 + i)
			if v.Type().In(i).Kind() == reflect.String {
				value = reflect.ValueOf(fmt.Sprintf("value-%d", i))
			}
			arguments, wants = append(arguments, value), append(wants, fmt.Sprint(value))
		}
		result := v.Call(arguments)[0]
		checkText(t, name, result)
		for _, want := range wants {
			if !strings.Contains(fmt.Sprint(result), want) {
				t.Errorf("%s does not say %q: %v", name, want, result)
			}
		}
	default:
		t.Errorf("%s is a %s", name, v.Kind())
	}
}

func TestEveryCodeHasAnAnswer(t *testing.T) {
	t.Parallel()
	mendable := map[gateway.Code]int{
		gateway.OTPWrong: 422, gateway.OTPExpired: 422, gateway.PINWrong: 422, gateway.CountExceeded: 422, gateway.TooManyAsks: 422, gateway.Invalid: 422, gateway.WrongState: 409,
	}
	other := map[gateway.Code]int{gateway.NotFound: 404, gateway.Busy: 503, gateway.Unavailable: 503}
	for _, text := range catalogue {
		for _, code := range gateway.Codes() {
			if text.reason(code) == "" {
				t.Errorf("%s: no reason for %v", text.Lang, code)
			}
			err := fmt.Errorf("wrapped: %w", &gateway.Error{Code: code, Left: 2, Detail: "inner detail"})
			status, message := text.refused(err, gateway.PageOTP)
			if status != mendable[code] || (message == "") != (status == 0) {
				t.Errorf("%s: %v is answered %d %q, want %d", text.Lang, code, status, message, mendable[code])
			}
			if status != 0 {
				continue
			}
			want := other[code]
			if want == 0 {
				want = http.StatusInternalServerError
			}
			recorder := httptest.NewRecorder()
			v := &visit{Handler: New(Config{}), w: recorder, r: httptest.NewRequest("GET", "/", nil), text: text}
			v.fail(err)
			if recorder.Code != want || strings.Contains(recorder.Body.String(), "inner detail") {
				t.Errorf("%s: %v is answered %d, want %d:\n%s", text.Lang, code, recorder.Code, want, recorder.Body)
			}
			if (recorder.Header().Get("Retry-After") != "") != (want == http.StatusServiceUnavailable) {
				t.Errorf("%s: %v has Retry-After %q", text.Lang, code, recorder.Header().Get("Retry-After"))
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, time.Second: 1, 1500 * time.Millisecond: 2, time.Minute: 60} {
		if got := retryAfter(&gateway.Error{Code: gateway.Busy, RetryAfter: wait}); got != want {
			t.Errorf("%s: %d, want %d", wait, got, want)
		}
	}
	if got := retryAfter(errors.New("other")); got != 1 {
		t.Errorf("%d, want 1", got)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	mux := http.NewServeMux()
	New(Config{Log: slog.New(slog.NewTextHandler(&log, nil))}).Mount(mux) // without a gateway
	recorder := httptest.NewRecorder()
	key := strings.Repeat("7", gateway.PageKeyDigits)
	mux.ServeHTTP(recorder, httptest.NewRequest("GET", bindingRoot+key, nil))
	if recorder.Code != http.StatusInternalServerError || strings.Contains(recorder.Body.String(), "nil pointer") {
		t.Errorf("%d\n%s", recorder.Code, recorder.Body)
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "nil pointer") || strings.Contains(log.String(), key) {
		t.Errorf("log: %s", log.String())
	}
}

// The pairs of colours that are used together, with the contrast that WCAG 2.2 AA
// asks for.
func TestContrast(t *testing.T) {
	t.Parallel()
	light, dark := colours(t)
	for theme, colour := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "ground", 4.5}, {"ink", "card", 4.5}, {"soft", "card", 4.5}, {"soft", "ground", 4.5}, {"accent", "ground", 4.5}, {"accent", "card", 4.5},
			{"on-accent", "accent", 4.5}, {"error", "error-ground", 4.5}, {"on-sandbox", "sandbox", 4.5},
			{"line", "card", 3}, {"error", "card", 3}, {"good", "card", 3}, // borders
		} {
			if got := contrast(t, colour[pair.front], colour[pair.back]); got < pair.least {
				t.Errorf("%s: %s on %s has contrast %.2f, want %.1f", theme, pair.front, pair.back, got, pair.least)
			}
		}
	}
}

func colours(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	before, after, found := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("the style sheet has no dark colours")
	}
	read := func(css string, into map[string]string) map[string]string {
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			into[m[1]] = m[2]
		}
		return into
	}
	return read(before, map[string]string{}), read(after, read(before, map[string]string{}))
}

// contrast is the ratio that WCAG defines for two colours.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}
