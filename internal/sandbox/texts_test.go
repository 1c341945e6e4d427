package sandbox

import (
	"reflect"
	"testing"
)

func TestTextsAreComplete(t *testing.T) {
	t.Parallel()
	for _, words := range []texts{inIndonesian, inEnglish} {
		v := reflect.ValueOf(words)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s lacks %s", words.Lang, v.Type().Field(i).Name)
			}
		}
		for _, does := range words.Calls {
			if does == "" {
				t.Errorf("%s lacks what a call does", words.Lang)
			}
		}
	}
}
