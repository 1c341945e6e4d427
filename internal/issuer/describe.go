package issuer

import (
	"net/http"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/jsonapi"
	"github.com/gerbang-pay/gerbang/internal/openapi"
)

// tag groups the issuer's calls and messages in the OpenAPI document.
const tag = "Issuer"

var signature = []openapi.Param{
	{Name: HeaderID, Detail: "Names the call or message: a repeat with the same id is done once."},
	{Name: HeaderTimestamp, Detail: "Seconds since 1970, at most five minutes off."},
	{Name: HeaderSignature, Detail: "v1, and the base64 of an HMAC-SHA256 under the shared secret; several are separated by blanks."},
}

// Describe lists the API's calls, and the messages that a Messenger sends, for the
// OpenAPI document.
func Describe() []openapi.Call {
	var calls []openapi.Call
	for _, o := range operations {
		method, path, _ := strings.Cut(o.pattern, " ")
		c := openapi.Call{Method: method, Path: Root + path, Tag: tag, Summary: o.summary, Headers: signature, Request: o.request}
		if o.query != "" {
			c.Query = []openapi.Param{{Name: o.query, Optional: true}}
		}
		status := http.StatusOK
		if o.created {
			status = http.StatusCreated
		}
		c.Answers = []openapi.Answer{
			{Status: status, Bodies: []any{o.answer}},
			{Detail: "Refused; detail says what to do.", Media: "application/problem+json", Bodies: []any{jsonapi.Problem{}}},
		}
		calls = append(calls, c)
	}
	send := func(name, summary string, body any) {
		calls = append(calls, openapi.Call{
			Method: http.MethodPost, Path: name, Webhook: true, Tag: tag, Summary: summary, Headers: signature, Request: body,
			Answers: []openapi.Answer{{Detail: "Any 2xx ends the delivery; the body is not read."}},
		})
	}
	send(codeCreated, "Bring a one-time code to its phone", message[codeData]{})
	send(promptCreated, "Ask the phone's owner about a push payment", message[promptData]{})
	return calls
}
