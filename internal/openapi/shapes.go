package openapi

import (
	"encoding/json"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// shapes describes Go types as JSON Schema. What has a name is described once and
// referred to.
type shapes struct {
	named   map[string]any
	types   map[string]reflect.Type // of the names
	partial bool                    // no member is required, and nothing referred to
}

func newShapes() *shapes { return &shapes{named: map[string]any{}, types: map[string]reflect.Type{}} }

func (s *shapes) forRequest(partial bool) *shapes { return &shapes{s.named, s.types, partial} }

// schema describes t as encoding/json prints it. Types that print themselves are
// listed here.
func (s *shapes) schema(t reflect.Type) any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	case reflect.TypeFor[json.Number]():
		return map[string]any{"type": "number"}
	case reflect.TypeFor[jokul.Wallets]():
		wallet := s.schema(reflect.TypeFor[jokul.Wallet]())
		return map[string]any{"anyOf": []any{wallet, map[string]any{"type": "array", "items": wallet}}}
	case reflect.TypeFor[faspay.Instructions]():
		return s.group("instruction_", reflect.TypeFor[faspay.Instruction]())
	case reflect.TypeFor[faspay.Transactions]():
		return s.group("transaction_", reflect.TypeFor[faspay.Transaction]())
	}
	if t.Kind() == reflect.Pointer {
		return s.schema(t.Elem())
	}
	if t.Implements(reflect.TypeFor[json.Marshaler]()) {
		panic("openapi: " + t.String() + " prints itself; say here what it prints")
	}
	switch t.Kind() {
	case reflect.String:
		return text()
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.schema(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.schema(t.Elem())}
	case reflect.Struct:
		return s.object(t)
	}
	panic("openapi: " + t.String() + " cannot be described")
}

// group is an object whose members are numbered from 1.
func (s *shapes) group(prefix string, item reflect.Type) any {
	return map[string]any{
		"type": "object", "patternProperties": map[string]any{"^" + prefix + "[0-9]+$": s.schema(item)},
	}
}

// object describes a struct, by a reference if its type has a name.
func (s *shapes) object(t reflect.Type) any {
	name := nameOf(t)
	if name == "" || s.partial {
		return s.members(t)
	}
	if known, ok := s.types[name]; !ok {
		s.types[name] = t
		s.named[name] = s.members(t)
	} else if known != t {
		panic("openapi: " + t.String() + " and " + known.String() + " have the same name")
	}
	return map[string]any{"$ref": "#/components/schemas/" + name}
}

// nameOf is "snap.PaymentRequest" for a type of package wire/snap.
func nameOf(t reflect.Type) string {
	if t.Name() == "" {
		return ""
	}
	name := []rune(strings.TrimSuffix(t.Name(), "View"))
	name[0] = unicode.ToUpper(name[0])
	return path.Base(t.PkgPath()) + "." + string(name)
}

func (s *shapes) members(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	s.collect(t, properties, &required)
	object := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 && !s.partial {
		object["required"] = required
	}
	return object
}

// collect adds the members of t, those of embedded structs included.
func (s *shapes) collect(t reflect.Type, properties map[string]any, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			s.collect(f.Type, properties, required)
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			panic("openapi: " + t.String() + "." + f.Name + " has no name in JSON")
		}
		properties[name] = s.schema(f.Type)
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}
