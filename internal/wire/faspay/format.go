package faspay

import (
	"bytes"
	"encoding/json"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Format is one of the two encodings of every message.
type Format string

const (
	JSON Format = "json"
	XML  Format = "xml"
)

// root is the root element of every XML message.
const root = "faspay"

// amountDetail is the only member of any message that is a list.
const amountDetail = "amount_detail"

// ContentType is the media type for sending a message. Faspay documents none; no
// receiver may judge a message by it.
func (f Format) ContentType() string {
	if f == XML {
		return "text/xml; charset=utf-8"
	}
	return "application/json; charset=utf-8"
}

// Parse reads a request or notification. A byte order mark is skipped, and a body
// above [wire.MaxBody] is refused unread. What is refused in one encoding is
// refused in the other: duplicate members and elements, bytes behind the document,
// broken UTF-8, nesting deeper than [wire.MaxDepth], another root than an object or
// <faspay>. The error is a [*wire.SyntaxError].
func Parse(f Format, body []byte) (wire.Value, error) {
	return parse(f, body)
}

func parse(f Format, body []byte, lists ...string) (wire.Value, error) {
	if len(body) > wire.MaxBody {
		return wire.Value{}, &wire.SyntaxError{Reason: "the body is longer than 65536 bytes"}
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if f == XML {
		return wire.ParseXML(body, root, lists...)
	}
	v, err := wire.Parse(body)
	if err == nil && v.Kind() != wire.Object {
		return wire.Value{}, &wire.SyntaxError{Reason: "the body is JSON, but not an object"}
	}
	return v, err
}

// Encode returns a request, answer or notification of this package in format f,
// its members in the documented order.
func Encode(f Format, message any) ([]byte, error) {
	if f == XML {
		return wire.EncodeXML(root, message)
	}
	return wire.Encode(message)
}

// ReadAnswer decodes an answer into one of the …Answer types. It takes what servers
// of this protocol are known or likely to send: numbers for strings, and groups as
// an object, a list or nothing at all. An answer that carries response_error
// becomes an [*Error]; one that cannot be read, a [*wire.SyntaxError] or an error of
// encoding/json.
func ReadAnswer(f Format, body []byte, answer any) error {
	v, err := parse(f, body, amountDetail)
	if err != nil {
		return err
	}
	if e := v.Get("response_error"); !e.Absent() {
		return &Error{Code: e.Get("response_code").Literal(), Desc: e.Get("response_desc").Literal()}
	}
	return json.Unmarshal(appendTexts(nil, v), answer)
}

// appendTexts prints v as JSON in which every scalar is a string, as it is in XML,
// and everything empty is null.
func appendTexts(dst []byte, v wire.Value) []byte {
	switch kind := v.Kind(); {
	case v.Absent():
		return append(dst, "null"...)
	case kind == wire.Number || kind == wire.Bool:
		return append(append(append(dst, '"'), v.Raw()...), '"')
	case kind == wire.String:
		return append(dst, v.Raw()...)
	case kind == wire.Array:
		dst = append(dst, '[')
		for i, item := range v.Items() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendTexts(dst, item)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, m := range v.Members() {
		if i > 0 {
			dst = append(dst, ',')
		}
		name, err := wire.Encode(m.Name)
		if err != nil {
			panic(err) // a string is always encoded
		}
		dst = appendTexts(append(append(dst, name...), ':'), m.Value)
	}
	return append(dst, '}')
}
