package app

import (
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/openapi"
)

// What heads the OpenAPI documents of a sandbox and of a server.
const (
	aboutSandbox = "Every call that a program makes here: those of the protocols, and those of the sandbox." + aboutBodies
	aboutServer  = "Every call that a program makes here: those of the protocols, and those of the issuer, who may have a host of its own." + aboutBodies
	aboutBodies  = ` Webhooks are the calls that the gateway makes itself. Left out are the pages for people.

Bodies are described by the members that this server reads and writes. Signatures are part of each protocol and described there.`
)

const tagHealth = "Operation"

// describeHealth lists what every server has beside the protocols, for the OpenAPI document.
func describeHealth() []openapi.Call {
	text := func(status int) openapi.Answer { return openapi.Answer{Status: status, Media: "text/plain"} }
	return []openapi.Call{
		{Method: http.MethodGet, Path: "/healthz", Tag: tagHealth, Summary: "Whether the process lives", Answers: []openapi.Answer{text(http.StatusOK)}},
		{
			Method: http.MethodGet, Path: "/readyz", Tag: tagHealth, Summary: "Whether the database answers",
			Answers: []openapi.Answer{text(http.StatusOK), text(http.StatusServiceUnavailable)},
		},
		{
			Method: http.MethodGet, Path: signingKeysPath, Tag: tagHealth, Summary: "The public keys under which the gateway signs",
			Answers: []openapi.Answer{{Status: http.StatusOK, Bodies: []any{signingKeys{}}}},
		},
		{
			Method: http.MethodGet, Path: "/openapi.json", Tag: tagHealth, Summary: "This document",
			Answers: []openapi.Answer{{Status: http.StatusOK, Bodies: []any{map[string]any{}}}},
		},
	}
}

// describeFigures lists what a sandbox has beside its calls, and a server where only
// its operator comes.
func describeFigures() []openapi.Call {
	return []openapi.Call{
		{
			Method: http.MethodGet, Path: "/auditz", Tag: tagHealth, Summary: "Whether the ledger is whole as far as it was checked",
			Answers: []openapi.Answer{
				{Status: http.StatusOK, Bodies: []any{watchView{}}},
				{Status: http.StatusInternalServerError, Detail: "It is not, or cannot be read.", Bodies: []any{watchView{}}},
			},
		},
	}
}
