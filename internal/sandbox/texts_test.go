package sandbox

import (
	"reflect"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/web"
)

func TestTextsAreComplete(t *testing.T) {
	t.Parallel()
	for _, lang := range web.Languages {
		complete(t, string(lang), reflect.ValueOf(*words[lang]))
	}
	// What one language has a word for, the other has as well.
	for key := range startInEnglish.Examples {
		if startInIndonesian.Examples[key].Title == "" {
			t.Errorf("Indonesian lacks the example %s", key)
		}
	}
	for key := range storyInEnglish.Events {
		if storyInIndonesian.Events[key] == "" {
			t.Errorf("Indonesian lacks the event %s", key)
		}
	}
}

func complete(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			complete(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			complete(t, path, v.Index(i))
		}
	default:
		if v.IsZero() {
			t.Errorf("%s is empty", path)
		}
	}
}
