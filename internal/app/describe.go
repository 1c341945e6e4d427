package app

import (
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/openapi"
)

// aboutAPI heads the OpenAPI document.
const aboutAPI = `Every call that a program makes here: those of the protocols, and those of the sandbox. Webhooks are the calls that
the gateway makes to a merchant. Left out are the pages for people: the hosted pages of customers, the sandbox's own, and the back office.

Bodies are described by the members that this server reads and writes. Signatures are part of each protocol and described there.`

// describeCalls lists the calls that belong to no protocol, for the OpenAPI document.
func describeCalls() []openapi.Call {
	const tag = "Operation"
	text := func(status int) openapi.Answer { return openapi.Answer{Status: status, Media: "text/plain"} }
	return []openapi.Call{
		{Method: http.MethodGet, Path: "/healthz", Tag: tag, Summary: "Whether the process lives", Answers: []openapi.Answer{text(http.StatusOK)}},
		{
			Method: http.MethodGet, Path: "/readyz", Tag: tag, Summary: "Whether the database answers",
			Answers: []openapi.Answer{text(http.StatusOK), text(http.StatusServiceUnavailable)},
		},
		{
			Method: http.MethodGet, Path: "/auditz", Tag: tag, Summary: "Whether the ledger is whole as far as it was checked",
			Answers: []openapi.Answer{
				{Status: http.StatusOK, Bodies: []any{watchView{}}},
				{Status: http.StatusInternalServerError, Detail: "It is not, or cannot be read.", Bodies: []any{watchView{}}},
			},
		},
		{
			Method: http.MethodGet, Path: "/openapi.json", Tag: tag, Summary: "This document",
			Answers: []openapi.Answer{{Status: http.StatusOK, Bodies: []any{map[string]any{}}}},
		},
	}
}
