package openapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Call is one call: a path that is served or, if Webhook is set, a call that the
// server makes to a merchant.
type Call struct {
	Method  string
	Path    string // a parameter is written {name}; of a webhook: its name
	Webhook bool
	Tag     string // the protocol
	Summary string // one line
	Detail  string // more, in Markdown; may be empty
	// Deprecated marks paths that are served for old clients only.
	Deprecated bool
	Headers    []Param
	Query      []Param
	// Request is a value of the body's type; nil: there is no body.
	Request any
	// Partial says that members of the body may be left out, whatever its type says.
	Partial bool
	Answers []Answer
	// Media are the types that the bodies may have; none stands for application/json.
	Media []string
}

// Param is a header or a member of the query.
type Param struct {
	Name     string
	Detail   string
	Optional bool
}

// Answer is what a call may be answered.
type Answer struct {
	Status int // 0: every status that no other Answer has
	Detail string
	// Media is the body's type if it is not that of the call. Without Bodies it says
	// that there is a text.
	Media string
	// Bodies are values of the types that the body may have.
	Bodies []any
}

// Info heads the document.
type Info struct {
	Version string
	BaseURL string
	Detail  string
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// Document writes the document. It panics where two calls have the same method and
// path, or a type cannot be described: defects of the caller.
func Document(info Info, calls []Call) []byte {
	shapes := newShapes()
	paths, webhooks := map[string]map[string]any{}, map[string]map[string]any{}
	for _, c := range calls {
		group := paths
		if c.Webhook {
			group = webhooks
		}
		item := group[c.Path]
		if item == nil {
			item = map[string]any{}
			group[c.Path] = item
		}
		method := strings.ToLower(c.Method)
		if item[method] != nil {
			panic("openapi: " + c.Method + " " + c.Path + " is described twice")
		}
		item[method] = c.operation(shapes)
	}
	body, err := json.MarshalIndent(map[string]any{
		"openapi":    "3.1.0",
		"info":       map[string]any{"title": "Gerbang", "version": info.Version, "description": info.Detail},
		"servers":    []any{map[string]any{"url": info.BaseURL}},
		"paths":      paths,
		"webhooks":   webhooks,
		"components": map[string]any{"schemas": shapes.named},
	}, "", " ")
	if err != nil {
		panic(err) // maps of texts
	}
	return append(body, '\n')
}

func (c Call) operation(shapes *shapes) map[string]any {
	op := map[string]any{"tags": []string{c.Tag}, "summary": c.Summary, "operationId": c.id()}
	if c.Detail != "" {
		op["description"] = c.Detail
	}
	if c.Deprecated {
		op["deprecated"] = true
	}
	var params []any
	for _, name := range placeholder.FindAllStringSubmatch(c.Path, -1) {
		params = append(params, map[string]any{"name": name[1], "in": "path", "required": true, "schema": text()})
	}
	for _, p := range c.Headers {
		params = append(params, p.parameter("header"))
	}
	for _, p := range c.Query {
		params = append(params, p.parameter("query"))
	}
	if params != nil {
		op["parameters"] = params
	}
	media := c.Media
	if media == nil {
		media = []string{"application/json"}
	}
	if c.Request != nil {
		op["requestBody"] = map[string]any{"required": !c.Partial, "content": content(media, shapes.forRequest(c.Partial), c.Request)}
	}
	answers := map[string]any{}
	for _, a := range c.Answers {
		status := "default"
		if a.Status != 0 {
			status = strconv.Itoa(a.Status)
		}
		answer := map[string]any{"description": a.Detail}
		if a.Detail == "" {
			answer["description"] = http.StatusText(a.Status)
		}
		for _, body := range a.Bodies {
			if body == nil {
				panic("openapi: " + c.Method + " " + c.Path + " is served, but not described")
			}
		}
		if len(a.Bodies) > 0 {
			own := media
			if a.Media != "" {
				own = []string{a.Media}
			}
			answer["content"] = content(own, shapes, a.Bodies...)
		} else if a.Media != "" {
			answer["content"] = map[string]any{a.Media: map[string]any{"schema": text()}}
		}
		if answers[status] != nil {
			panic(fmt.Sprintf("openapi: %s %s has two answers %s", c.Method, c.Path, status))
		}
		answers[status] = answer
	}
	op["responses"] = answers
	return op
}

// id is a name for generators of clients, such as post_sandbox_v1_wallets.
func (c Call) id() string {
	other := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	name := strings.ToLower(c.Method) + "_" + strings.Join(strings.FieldsFunc(c.Path, other), "_")
	if strings.HasSuffix(c.Path, "/") { // of two paths that are the same otherwise
		name += "_"
	}
	return name
}

func (p Param) parameter(in string) map[string]any {
	param := map[string]any{"name": p.Name, "in": in, "required": !p.Optional, "schema": text()}
	if p.Detail != "" {
		param["description"] = p.Detail
	}
	return param
}

func content(media []string, shapes *shapes, bodies ...any) map[string]any {
	var all []any
	for _, b := range bodies {
		all = append(all, shapes.schema(reflect.TypeOf(b)))
	}
	schema := all[0]
	if len(all) > 1 {
		schema = map[string]any{"anyOf": all}
	}
	in := map[string]any{}
	for _, m := range media {
		name, _, _ := strings.Cut(m, ";") // without charset
		in[name] = map[string]any{"schema": schema}
	}
	return in
}

func text() map[string]any { return map[string]any{"type": "string"} }

// Handler serves the document, which is written when it is first asked for.
func Handler(info Info, calls func() []Call) http.Handler {
	document := sync.OnceValue(func() []byte { return Document(info, calls()) })
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		w.Write(document())
	})
}
